//! Addresses that a caller gives (RFC 5322 §3.4, RFC 6531, RFC 5890), read strictly: what could mean two mailboxes, or
//! another one in the envelope than in the header, is refused.
//!
//! ```text
//! list    = mailbox *("," mailbox)
//! mailbox = [phrase] "<" addr-spec ">" / addr-spec
//! ```
//!
//! No groups, no comments, no routes, no obsolete forms.

use crate::error::Error;
use crate::init::{Mailbox, Mailboxes};
use crate::message::Address;

/// Longest local part (RFC 5321 §4.5.3.1.1).
const MAX_LOCAL: usize = 64;

/// Longest address (RFC 5321 §4.5.3.1.3, without the brackets).
const MAX_ADDRESS: usize = 254;

/// A checked mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Recipient {
    pub(crate) name: Option<String>,
    /// As it stands in envelope and header alike: the domain in ASCII.
    pub(crate) address: String,
}

impl Recipient {
    /// Its local part goes only through servers with SMTPUTF8.
    pub(crate) fn needs_smtputf8(&self) -> bool {
        !self.address.is_ascii()
    }

    pub(crate) fn domain(&self) -> &str {
        self.address.rsplit_once('@').map_or("", |(_, domain)| domain)
    }
}

/// The one mailbox of `field`.
pub(crate) fn one(mailbox: &Mailbox, field: &str) -> Result<Recipient, Error> {
    let mut all = many_of(mailbox, field)?;
    match (all.pop(), all.is_empty()) {
        (Some(recipient), true) => Ok(recipient),
        (None, _) => Err(Error::address(field, "", "it is empty")),
        (Some(_), false) => Err(Error::argument(field, "holds several addresses, one is wanted")),
    }
}

/// All mailboxes of `field`; none when it is missing.
pub(crate) fn many(mailboxes: Option<&Mailboxes>, field: &str) -> Result<Vec<Recipient>, Error> {
    match mailboxes {
        None => Ok(Vec::new()),
        Some(Mailboxes::One(mailbox)) => many_of(mailbox, field),
        Some(Mailboxes::Many(all)) => {
            let lists: Vec<_> = all.iter().map(|mailbox| many_of(mailbox, field)).collect::<Result<_, _>>()?;
            Ok(lists.into_iter().flatten().collect())
        }
    }
}

fn many_of(mailbox: &Mailbox, field: &str) -> Result<Vec<Recipient>, Error> {
    match mailbox {
        Mailbox::Text(text) => list(text, field),
        Mailbox::Parts(Address { name, address, .. }) => {
            refuse_line_breaks(address, field)?;
            if let Some(name) = name {
                refuse_line_breaks(name, field)?;
            }
            let name = name.as_deref().map(str::trim).filter(|n| !n.is_empty()).map(str::to_owned);
            Ok(vec![Recipient { name, address: addr_spec(address.trim(), field)? }])
        }
    }
}

/// A list as one writes it; empty places between commas are skipped.
pub(crate) fn list(text: &str, field: &str) -> Result<Vec<Recipient>, Error> {
    refuse_line_breaks(text, field)?;
    let mut all = Vec::new();
    for item in split_at_commas(text, field)? {
        let item = item.trim();
        if !item.is_empty() {
            all.push(mailbox(item, field)?);
        }
    }
    Ok(all)
}

fn refuse_line_breaks(text: &str, field: &str) -> Result<(), Error> {
    if text.contains(['\r', '\n', '\0']) {
        return Err(Error::address(field, text, "it holds CR, LF or NUL"));
    }
    Ok(())
}

/// Commas outside quotes and angle brackets part mailboxes.
fn split_at_commas<'a>(text: &'a str, field: &str) -> Result<Vec<&'a str>, Error> {
    let mut items = Vec::new();
    let (mut start, mut quoted, mut angle, mut escaped) = (0, false, false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if quoted => {}
            '<' => angle = true,
            '>' => angle = false,
            ',' if !angle => {
                items.push(text.get(start..at).unwrap_or_default());
                start = at + 1;
            }
            _ => {}
        }
    }
    if quoted {
        return Err(Error::address(field, text, "a quote is not closed"));
    }
    items.push(text.get(start..).unwrap_or_default());
    Ok(items)
}

fn mailbox(item: &str, field: &str) -> Result<Recipient, Error> {
    let Some(inner) = item.strip_suffix('>') else {
        return Ok(Recipient { name: None, address: addr_spec(item, field)? });
    };
    // A quoted local part may hold `<`: the bracket that counts is the first outside quotes.
    let open = first_outside_quotes(inner, '<').ok_or_else(|| Error::address(field, item, "a bracket is missing"))?;
    let (name, addr) = inner.split_at(open);
    let name = phrase(name.trim()).ok_or_else(|| Error::address(field, item, "the name must be quoted"))?;
    let address = addr_spec(addr.get(1..).unwrap_or_default().trim(), field)?;
    Ok(Recipient { name: Some(name).filter(|n| !n.is_empty()), address })
}

fn first_outside_quotes(text: &str, wanted: char) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if !quoted && c == wanted => return Some(at),
            _ => {}
        }
    }
    None
}

/// A display name: one quoted string, or words without anything that would part addresses.
fn phrase(text: &str) -> Option<String> {
    if let Some(inner) = text.strip_prefix('"') {
        let inner = inner.strip_suffix('"')?;
        let mut name = String::with_capacity(inner.len());
        let mut chars = inner.chars();
        while let Some(c) = chars.next() {
            match c {
                '\\' => name.push(chars.next()?),
                '"' => return None,
                _ => name.push(c),
            }
        }
        return Some(name.trim().to_owned());
    }
    (!text.contains(['"', '<', '>', ',', ';', ':', '@', '\\'])).then(|| text.to_owned())
}

/// `local@domain` with the domain in ASCII.
pub(crate) fn addr_spec(text: &str, field: &str) -> Result<String, Error> {
    let refuse = |reason| Err(Error::address(field, text, reason));
    if text.is_empty() {
        return refuse("it is empty");
    }
    if text.chars().any(is_invisible) {
        return refuse("it holds invisible characters");
    }
    let Some((local, domain)) = text.rsplit_once('@') else { return refuse("there is no @") };
    if !is_local_part(local) {
        return refuse("the part before the @ is not a local part of RFC 5321");
    }
    let Some(domain) = ascii_domain(domain) else { return refuse("the part after the @ is not a domain") };
    if local.len() > MAX_LOCAL || local.len() + 1 + domain.len() > MAX_ADDRESS {
        return refuse("it is too long");
    }
    // The library that speaks SMTP has the last word: what it refuses must not come to it.
    if lettre::Address::new(local, &domain).is_err() {
        return refuse("it is not an RFC 5321 mailbox");
    }
    Ok(format!("{local}@{domain}"))
}

/// What a reader does not see but a server compares: control, soft hyphen, zero-width, bidi, tags.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{AD}' | '\u{61C}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}'
            | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFF0}'..='\u{FFFF}' | '\u{E0000}'..='\u{E0FFF}')
}

/// `Dot-string / Quoted-string` (RFC 5321 §4.1.2), UTF-8 allowed (RFC 6531 §3.3).
fn is_local_part(local: &str) -> bool {
    if let Some(inner) = local.strip_prefix('"') {
        let Some(inner) = inner.strip_suffix('"').filter(|i| !i.is_empty()) else { return false };
        let mut chars = inner.chars();
        while let Some(c) = chars.next() {
            let fits = match c {
                '\\' => chars.next().is_some_and(|e| (' '..='~').contains(&e)),
                '"' => false,
                _ => true,
            };
            if !fits {
                return false;
            }
        }
        return true;
    }
    let atext = |c: char| {
        c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c) || (!c.is_ascii() && !c.is_whitespace())
    };
    local.split('.').all(|atom| !atom.is_empty() && atom.chars().all(atext))
}

/// The domain as DNS and SMTP know it (UTS 46), or an address literal.
fn ascii_domain(domain: &str) -> Option<String> {
    if let Some(literal) = domain.strip_prefix('[').and_then(|d| d.strip_suffix(']')) {
        let bare = literal.strip_prefix("IPv6:").unwrap_or(literal);
        return bare.parse::<std::net::IpAddr>().ok().map(|_| domain.to_owned());
    }
    let ascii = if domain.is_ascii() { domain.to_owned() } else { idna::domain_to_ascii_strict(domain).ok()? };
    let label = |l: &str| {
        (1..=63).contains(&l.len())
            && l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            && !l.starts_with('-')
            && !l.ends_with('-')
    };
    ascii.split('.').all(label).then_some(ascii)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Vec<(Option<String>, String)>, Error> {
        Ok(list(text, "to")?.into_iter().map(|r| (r.name, r.address)).collect())
    }

    fn pair(name: Option<&str>, address: &str) -> (Option<String>, String) {
        (name.map(str::to_owned), address.to_owned())
    }

    #[test]
    fn what_is_accepted() {
        for (text, expected) in [
            ("a@b.c", vec![pair(None, "a@b.c")]),
            (" <a@b.c> ", vec![pair(None, "a@b.c")]),
            ("Ada <a@b.c>", vec![pair(Some("Ada"), "a@b.c")]),
            ("\"Lovelace, Ada\" <a@b.c>, d@e.f", vec![pair(Some("Lovelace, Ada"), "a@b.c"), pair(None, "d@e.f")]),
            ("\"A \\\"B\\\" \\\\\" <a@b.c>", vec![pair(Some("A \"B\" \\"), "a@b.c")]),
            ("李明 (采购) <li@b.cn>", vec![pair(Some("李明 (采购)"), "li@b.cn")]),
            ("a@bücher.example", vec![pair(None, "a@xn--bcher-kva.example")]),
            ("用户@例子.中国", vec![pair(None, "用户@xn--fsqu00a.xn--fiqs8s")]),
            ("\"a@x b\"@y.z", vec![pair(None, "\"a@x b\"@y.z")]),
            ("Ada <\"a<b\"@y.z>", vec![pair(Some("Ada"), "\"a<b\"@y.z")]),
            ("a@[192.0.2.1]", vec![pair(None, "a@[192.0.2.1]")]),
            ("root@localhost", vec![pair(None, "root@localhost")]),
            ("a+b_c'd@x-y.z", vec![pair(None, "a+b_c'd@x-y.z")]),
            ("a@b.c,, ,d@e.f,", vec![pair(None, "a@b.c"), pair(None, "d@e.f")]),
            ("", vec![]),
        ] {
            assert_eq!(parse(text).as_ref(), Ok(&expected), "{text}");
        }
    }

    #[test]
    fn address_ambiguity() {
        for text in [
            "a",
            "@b.c",
            "a@",
            "a b@c.d",
            "a@b@c.d",
            "a@b c.d",
            "a@b..c",
            ".a@b.c",
            "a.@b.c",
            "a..b@c.d",
            "a@-b.c",
            "a@b.c>",
            "<a@b.c",
            "<<a@b.c>>",
            "A <a@b.c> B",
            "A: a@b.c;",
            "a@b.c; d@e.f",
            "(x) a@b.c",
            "a(x)@b.c",
            "a@b.c(x)",
            "a@b.c (Ada)",
            "\"a@b.c",
            "\"a\"b\"@c.d",
            "a\"b\"@c.d",
            "<@r:a@b.c>",
            "a@b\u{AD}c.d",
            "a\u{200B}@b.c",
            "a@b.c\u{202E}",
            "a＠b.c",
            "a@[300.1.1.1]",
            "a@b/c",
            "a\\@b.c",
            "A, B <a@b.c>",
            "A@B <a@b.c>",
            "a\u{1}@b.c",
            "\"\"@b.c",
            "a@b.c\r\nBcc: x@y.z",
            "a@b.c\nx",
            "a@b.c\0",
            "A\rB <a@b.c>",
            "a@1\u{FF0F}2.c",
            "mailto:a@b.c",
            "a@b.c?subject=x",
        ] {
            assert!(matches!(parse(text), Err(Error::InvalidAddress { .. })), "{text:?} → {:?}", parse(text));
        }
        let long = format!("{}@b.c", "a".repeat(65));
        assert!(parse(&long).is_err());
        assert!(parse(&format!("a@{}.c", "b".repeat(64))).is_err());
    }

    #[test]
    fn an_object_is_one_mailbox() {
        let parts = |name: &str, address: &str| {
            Mailbox::Parts(Address { name: Some(name.into()), address: address.into(), group: None })
        };
        assert_eq!(one(&parts("A, B", "a@b.c"), "from").unwrap().name.as_deref(), Some("A, B"));
        assert!(one(&parts("A", "a@b.c, d@e.f"), "from").is_err());
        assert!(one(&parts("A\r\nBcc: x@y.z", "a@b.c"), "from").is_err());
        assert!(one(&"a@b.c, d@e.f".into(), "from").is_err());
        assert!(one(&"".into(), "from").is_err());
    }
}
