//! One address of an envelope (RFC 5321 §4.1.2, RFC 6531 §3.3).
//!
//! ```text
//! Mailbox       = Local-part "@" ( Domain / address-literal )
//! Local-part    = Dot-string / Quoted-string
//! Dot-string    = Atom *("." Atom)
//! Quoted-string = DQUOTE *( qtextSMTP / quoted-pairSMTP ) DQUOTE
//! ```
//!
//! Stricter than the grammar where an address would mean two different mailboxes to two readers: no angle brackets even
//! inside quotes, no invisible characters, no domain that changes more than its case on its way to an A-label. Kinder in
//! one point: a local part may exceed 64 octets (GitHub's reply addresses do), as RFC 5321 §4.5.3.1 asks of
//! implementations.

use std::net::{Ipv4Addr, Ipv6Addr};

use lettre::Address;

/// RFC 5321 §4.5.3.1.3: a path is at most 256 octets with its brackets. Stops addresses that overrun a server's line.
const MAX_MAILBOX: usize = 254;
/// RFC 1035 §2.3.4.
const MAX_DOMAIN: usize = 253;
/// RFC 1035 §2.3.4.
const MAX_LABEL: usize = 63;

/// A mailbox that can stand between the brackets of MAIL FROM or RCPT TO.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mailbox {
    /// As it goes to the wire: the domain in A-labels.
    pub(crate) address: Address,
    /// The local part is not ASCII: the server must offer SMTPUTF8.
    pub(crate) needs_smtp_utf8: bool,
}

/// Reads `text`, or says why it cannot be an address.
pub(crate) fn parse(text: &str) -> Result<Mailbox, &'static str> {
    if text.is_empty() {
        return Err("it is empty");
    }
    if text.len() > MAX_MAILBOX {
        return Err("it is longer than 254 octets");
    }
    if text.chars().any(|c| c.is_control() || is_invisible(c)) {
        return Err("it holds a control character or an invisible one");
    }
    if text.contains(['<', '>']) {
        return Err("it holds an angle bracket; pass the bare address, without a display name");
    }
    let (local, domain) = split(text)?;
    let domain = to_domain(domain)?;
    if local.len() + 1 + domain.len() > MAX_MAILBOX {
        return Err("it is longer than 254 octets once its domain is written in ASCII");
    }
    Ok(Mailbox { needs_smtp_utf8: !local.is_ascii(), address: Address::new_dangerous(local, domain) })
}

/// Local part (checked, quotes kept) and what follows its `@`.
fn split(text: &str) -> Result<(&str, &str), &'static str> {
    let end = if text.starts_with('"') { quoted_string(text)? } else { dot_string(text)? };
    match (text.get(..end), text.get(end..).and_then(|rest| rest.strip_prefix('@'))) {
        (Some(local), Some(domain)) => Ok((local, domain)),
        _ => Err("it has no \"@\" after its local part"),
    }
}

/// Length of the quoted string at the head of `text`.
fn quoted_string(text: &str) -> Result<usize, &'static str> {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => {
                if !(' '..='~').contains(&c) {
                    return Err("it quotes a character that needs no quoting");
                }
                escaped = false;
            }
            '\\' => escaped = true,
            '"' => return Ok(at + 1),
            _ => {}
        }
    }
    Err("its quoted local part does not end")
}

/// Length of the dot-string at the head of `text`.
fn dot_string(text: &str) -> Result<usize, &'static str> {
    let end = text.find('@').unwrap_or(text.len());
    let local = text.get(..end).unwrap_or_default();
    if local.is_empty() {
        return Err("it has no local part");
    }
    if local.split('.').any(str::is_empty) {
        return Err("its local part begins or ends with a dot or has two in a row; such a one must be quoted");
    }
    if !local.chars().all(|c| c == '.' || is_atext(c)) {
        return Err("its local part holds a character that must be quoted");
    }
    Ok(end)
}

/// RFC 5322 §3.2.3, with RFC 6531's non-ASCII.
fn is_atext(c: char) -> bool {
    c.is_ascii_alphanumeric()
        || "!#$%&'*+-/=?^_`{|}~".contains(c)
        || (!c.is_ascii() && !c.is_whitespace() && !c.is_control())
}

/// The domain or address literal as it goes to the wire.
fn to_domain(domain: &str) -> Result<String, &'static str> {
    if let Some(literal) = domain.strip_prefix('[') {
        let literal = literal.strip_suffix(']').ok_or("its address literal does not end")?;
        return is_address(literal).then(|| domain.to_owned()).ok_or("its address literal is no IP address");
    }
    let ascii = if domain.is_ascii() { domain.to_owned() } else { to_a_labels(domain)? };
    is_domain(&ascii).then_some(ascii).ok_or("its domain is no host name")
}

/// Punycode, only if nothing but case was changed on the way: full-width letters and ideographic dots would make the
/// address in the header look like another one than that of the envelope.
fn to_a_labels(domain: &str) -> Result<String, &'static str> {
    let ascii = idna::domain_to_ascii_strict(domain).map_err(|_| "its domain is no internationalised host name")?;
    let (unicode, valid) = idna::domain_to_unicode(&ascii);
    if valid.is_err() || unicode != domain.to_lowercase() {
        return Err("its domain would become another one in ASCII");
    }
    Ok(ascii)
}

/// Letters, digits and hyphens in labels (RFC 5321 §2.3.5).
pub(crate) fn is_domain(text: &str) -> bool {
    text.len() <= MAX_DOMAIN
        && text.split('.').all(|label| {
            (1..=MAX_LABEL).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        })
}

/// The inside of an address literal (RFC 5321 §4.1.3).
pub(crate) fn is_address(literal: &str) -> bool {
    match literal.get(..5) {
        Some(tag) if tag.eq_ignore_ascii_case("IPv6:") => {
            literal.get(5..).is_some_and(|address| address.parse::<Ipv6Addr>().is_ok())
        }
        _ => literal.parse::<Ipv4Addr>().is_ok(),
    }
}

/// Characters that a reader does not see or that reorder what he sees: soft hyphen, zero width, bidi, variation.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}' | '\u{180B}'..='\u{180F}'
        | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{3164}'
        | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFB}' | '\u{E0000}'..='\u{E0FFF}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn wire(text: &str) -> String {
        parse(text).unwrap_or_else(|why| panic!("{text:?}: {why}")).address.to_string()
    }

    #[test]
    fn mailboxes_go_to_the_wire_as_given() {
        for text in [
            "ada@example.com",
            "a.b+c=d@sub.example.com",
            "o'brien{}|~!#$%&*/?^_`@example.com",
            "\"a@x b\"@y.example",
            "\"a..b\\\"c\\\\\"@example.com",
            "\"\"@example.com",
            "root@localhost",
            "a@[192.0.2.1]",
            "a@[IPv6:2001:db8::1]",
            "reply+ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789abcdefghijklmnopqrstuvwxyz0123456789@reply.github.com",
        ] {
            assert_eq!(wire(text), text);
            assert!(!parse(text).unwrap().needs_smtp_utf8);
        }
    }

    #[test]
    fn international_domains_become_a_labels_and_local_parts_stay() {
        assert_eq!(wire("ada@Bücher.example"), "ada@xn--bcher-kva.example");
        assert_eq!(wire("ada@例え.テスト"), "ada@xn--r8jz45g.xn--zckzah");
        assert!(!parse("ada@bücher.example").unwrap().needs_smtp_utf8);
        assert_eq!(wire("用户@例え.テスト"), "用户@xn--r8jz45g.xn--zckzah");
        assert!(parse("用户@example.com").unwrap().needs_smtp_utf8);
    }

    #[test]
    fn address_ambiguity() {
        for text in [
            "a\u{AD}b@example.com",
            "a@exam\u{AD}ple.com",
            "a@ex\u{200B}ample.com",
            "a@example\u{3002}com",
            "a@ｅxample.com",
            "\u{202E}a@example.com",
            "a@b@example.com",
            "\"a\"b@example.com",
            "\"a\"@b@example.com",
            "(comment)a@example.com",
            "a@example.com (comment)",
            "a@example.com, b@example.com",
            "@relay.example:a@example.com",
        ] {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn injection_through_addresses() {
        for text in [
            "",
            "@",
            "a",
            "a@",
            "@b",
            "a@b\r\nRCPT TO:<c@d>",
            "a@b\n",
            "a@b\0",
            "\"a\r\n\"@b",
            "a@b> SIZE=1",
            "<a@b>",
            "\"a>b\"@c",
            "a b@c",
            "a@b c",
            ".a@b",
            "a.@b",
            "a..b@c",
            "\"a@b",
            "\"a\\\"@b",
            "a@-b",
            "a@b-",
            "a@b..c",
            "a@b.",
            "a@[1.2.3]",
            "a@[IPv6:zz]",
            "a@[1.2.3.4",
            "a@b{9+}",
            "\x01@b",
        ] {
            assert!(parse(text).is_err(), "{text:?}");
        }
        assert!(parse(&format!("{}@example.com", "a".repeat(243))).is_err());
        assert!(parse(&format!("a@{}.com", "b".repeat(64))).is_err());
    }

    proptest! {
        #[test]
        fn nothing_ends_the_path_early(text in "\\PC{0,40}|[\"\\\\@.a<> \r\n\0]{0,30}") {
            if let Ok(mailbox) = parse(&text) {
                let written = mailbox.address.to_string();
                prop_assert!(!written.contains(['<', '>', '\r', '\n', '\0']));
                prop_assert!(written.len() <= MAX_MAILBOX);
                prop_assert_eq!(parse(&written).unwrap().address, mailbox.address, "reading it again changes it");
            }
        }
    }
}
