//! ENVELOPE (RFC 9051 §7.5.2), as tolerant as senders and servers make it necessary.
//!
//! ```text
//! envelope = "(" date SP subject SP from SP sender SP reply-to SP to SP cc SP bcc SP in-reply-to SP message-id ")"
//! address  = "(" name SP adl SP mailbox SP host ")"       ; host NIL: start (mailbox = name) or end (NIL) of a group
//! ```

use std::borrow::Cow;

use smol_str::{SmolStr, SmolStrBuilder};

use super::text;
use super::tree::{Item, Items};
use crate::types::{Address, Envelope};

const FIELDS: usize = 10;

/// What is given, NIL left out. An error for what another shape than the grammar's shows to be shifted or garbled: a quote
/// inside a quoted string moves everything behind it.
pub(super) fn read(item: Item<'_>) -> Result<Envelope, &'static str> {
    let mut fields = item.list().ok_or("ENVELOPE is not a list")?;
    if fields.peek().is_none() {
        return Err("ENVELOPE is empty");
    }
    if fields.count() != FIELDS {
        return Err("ENVELOPE does not have ten fields");
    }
    if !fields.enumerate().all(|(at, field)| if is_of_addresses(at) { is_list(field) } else { is_text(field) }) {
        return Err("ENVELOPE has a field of another kind");
    }
    let mut next = || fields.next();
    let (date, subject, author) = (next(), next(), next());
    let from = author.map(addresses).unwrap_or_default();
    // Most senders and answers are the author, who need not be read three times.
    let like_from = |list: Item<'_>| match author {
        Some(author) if list.is_spelled_like(author) => from.clone(),
        _ => addresses(list),
    };
    Ok(Envelope {
        date: date.and_then(Item::nstring).and_then(|raw| email_mime::parse_date(&raw)),
        subject: subject.and_then(Item::nstring).map(|raw| text::decode(&raw)),
        sender: next().map(like_from).unwrap_or_default(),
        reply_to: next().map(like_from).unwrap_or_default(),
        from,
        to: next().map(addresses).unwrap_or_default(),
        cc: next().map(addresses).unwrap_or_default(),
        bcc: next().map(addresses).unwrap_or_default(),
        in_reply_to: next().and_then(Item::nstring).and_then(|raw| message_id(&raw)),
        message_id: next().and_then(Item::nstring).and_then(|raw| message_id(&raw)),
    })
}

fn is_of_addresses(at: usize) -> bool {
    (2..=7).contains(&at)
}

fn is_text(field: Item<'_>) -> bool {
    field.list().is_none()
}

/// NIL, empty, or addresses of four fields each; some servers put NIL or `()` for one.
fn is_list(field: Item<'_>) -> bool {
    let is_address = |member: Item<'_>| match member.list() {
        Some(mut fields) => matches!(fields.count(), 0 | 4) && fields.all(is_text),
        None => member.is_nil(),
    };
    match field.list() {
        Some(mut members) => members.all(is_address),
        None => field.nstring().is_none_or(|text| text.is_empty()),
    }
}

fn addresses(list: Item<'_>) -> Vec<Address> {
    let mut found = Vec::new();
    let mut group: Option<Group> = None;
    for member in list.members() {
        let Some(fields) = member.list() else { continue };
        match Entry::of(fields) {
            Entry::Mailbox { name, address } => {
                if let Some(group) = &mut group {
                    group.is_empty = false;
                }
                found.push(Address { name, address, group: group.as_ref().map(|g| g.name.clone()) });
            }
            Entry::GroupStart(name) => {
                end_group(group.replace(Group { name, is_empty: true }), &mut found);
            }
            Entry::GroupEnd => end_group(group.take(), &mut found),
            Entry::Nothing => {}
        }
    }
    end_group(group, &mut found);
    found
}

struct Group {
    name: SmolStr,
    is_empty: bool,
}

/// A group without members (`undisclosed-recipients:;`) is one entry without an address.
fn end_group(group: Option<Group>, found: &mut Vec<Address>) {
    if let Some(Group { name, is_empty: true }) = group {
        found.push(Address { name: None, address: SmolStr::default(), group: Some(name) });
    }
}

enum Entry {
    Mailbox { name: Option<SmolStr>, address: SmolStr },
    GroupStart(SmolStr),
    GroupEnd,
    Nothing,
}

impl Entry {
    fn of(mut fields: Items<'_>) -> Self {
        if fields.peek().is_none() {
            return Self::Nothing;
        }
        let mut next = || fields.next().and_then(Item::nstring);
        let (name, _route, mailbox, host) = (next(), next(), next(), next());
        let host = host.filter(|host| !host.is_empty() && !is_placeholder(host));
        let name = name.map(|raw| text::short(&raw)).filter(|name| !name.is_empty());
        match (mailbox, host) {
            (None, None) if name.is_none() => Self::GroupEnd,
            (Some(group), None) if name.is_none() && !is_placeholder(&group) => Self::GroupStart(text::short(&group)),
            (mailbox, host) => {
                let mailbox = mailbox.filter(|m| !is_placeholder(m)).unwrap_or_default();
                let mut address = SmolStrBuilder::with_capacity(mailbox.len());
                address.push_str(&local_part(&text::utf8(&mailbox)));
                if let Some(host) = host {
                    address.push_str("@");
                    address.push_str(&text::utf8(&host));
                }
                Self::Mailbox { name, address: address.finish() }
            }
        }
    }
}

/// What servers write for a mailbox or host that the header does not have: UW-IMAP, Gmail; Dovecot.
fn is_placeholder(field: &[u8]) -> bool {
    [&b".MISSING-HOST-NAME."[..], b".SYNTAX-ERROR.", b"MISSING_DOMAIN", b"MISSING_MAILBOX", b"INVALID_ADDRESS"]
        .contains(&field)
}

/// Quoted where it would otherwise be another address: `"a@x b"@y` comes without its quotes.
fn local_part(local: &str) -> Cow<'_, str> {
    let atext = |b: u8| b.is_ascii_alphanumeric() || !b.is_ascii() || b"!#$%&'*+-/=?^_`{|}~.".contains(&b);
    let quoted = local.len() >= 2 && local.starts_with('"') && local.ends_with('"');
    if local.is_empty() || quoted || local.bytes().all(atext) {
        return Cow::Borrowed(local);
    }
    Cow::Owned(format!("\"{}\"", local.replace('\\', "\\\\").replace('"', "\\\"")))
}

/// The first `<…>`, or the whole text put in brackets.
fn message_id(raw: &[u8]) -> Option<String> {
    let text = text::utf8(raw);
    if let Some((_, rest)) = text.split_once('<')
        && let Some((id, _)) = rest.split_once('>')
    {
        return Some(["<", id.trim(), ">"].concat());
    }
    let bare = text.trim().trim_matches(['<', '>']);
    (!bare.is_empty()).then(|| ["<", bare, ">"].concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grammar::testing::frame;
    use crate::grammar::tree::Tree;

    fn envelope(input: &str) -> Result<Envelope, &'static str> {
        let frame = frame(format!("{input}\r\n").as_bytes());
        let tree = Tree::read(&frame, 0..frame.bytes.len()).unwrap();
        read(tree.items().next().unwrap())
    }

    fn to(list: &str) -> Vec<Address> {
        envelope(&format!("(NIL NIL NIL NIL NIL {list} NIL NIL NIL NIL)")).unwrap().to
    }

    fn address(name: Option<&str>, address: &str, group: Option<&str>) -> Address {
        Address { name: name.map(Into::into), address: address.into(), group: group.map(Into::into) }
    }

    #[test]
    fn the_example_of_the_rfc() {
        let read = envelope(concat!(
            r#"("Wed, 17 Jul 1996 02:23:25 -0700 (PDT)" "IMAP4rev2 WG mtg summary and minutes" "#,
            r#"(("Terry Gray" NIL "gray" "cac.washington.edu")) (("Terry Gray" NIL "gray" "cac.washington.edu")) "#,
            r#"(("Terry Gray" NIL "gray" "cac.washington.edu")) ((NIL NIL "imap" "cac.washington.edu")) "#,
            r#"((NIL NIL "minutes" "CNRI.Reston.VA.US") ("John Klensin" NIL "KLENSIN" "MIT.EDU")) NIL NIL "#,
            r#""<B27397-0100000@cac.washington.edu>")"#
        ));
        let read = read.unwrap();
        assert_eq!(read.date.unwrap().0, 837_595_405_000);
        assert_eq!(read.subject.as_deref(), Some("IMAP4rev2 WG mtg summary and minutes"));
        assert_eq!(read.from, [address(Some("Terry Gray"), "gray@cac.washington.edu", None)]);
        assert_eq!(read.cc.len(), 2);
        assert_eq!(read.bcc, []);
        assert_eq!(read.in_reply_to, None);
        assert_eq!(read.message_id.as_deref(), Some("<B27397-0100000@cac.washington.edu>"));
    }

    #[test]
    fn groups_with_and_without_members() {
        assert_eq!(
            to(r#"((NIL NIL "team" NIL)("A" NIL "a" "x")(NIL NIL "b" "x")(NIL NIL NIL NIL)(NIL NIL "c" "x"))"#),
            [address(Some("A"), "a@x", Some("team")), address(None, "b@x", Some("team")), address(None, "c@x", None),]
        );
        assert_eq!(
            to(r#"((NIL NIL "undisclosed-recipients" NIL)(NIL NIL NIL NIL))"#),
            [address(None, "", Some("undisclosed-recipients"))]
        );
        assert_eq!(to(r#"((NIL NIL "open" NIL)(NIL NIL "b" "x"))"#), [address(None, "b@x", Some("open"))]);
    }

    #[test]
    fn exchange_and_others_where_the_grammar_forbids_it() {
        assert_eq!(to("()"), []);
        assert_eq!(to(r#"( (NIL NIL "a" "x")  ("B" NIL "b" "x") )"#).len(), 2);
        assert_eq!(to(r#"(NIL () (NIL NIL "a" "x"))"#), [address(None, "a@x", None)]);
        assert_eq!(to(r#"(("Ada" NIL "ada" ".MISSING-HOST-NAME."))"#), [address(Some("Ada"), "ada", None)]);
        assert_eq!(to(r#"(("" NIL ada x))"#), [address(None, "ada@x", None)]);
        assert_eq!(to(r#""""#), []);
        assert!(envelope("NIL").is_err() && envelope("()").is_err() && envelope("\"x\"").is_err());
    }

    #[test]
    fn a_shifted_envelope_is_not_believed() {
        let from = r#"(("Ada" NIL "ada" "x"))"#;
        for broken in [
            r#"("x" "subject")"#.to_owned(),
            format!(r#"(NIL "say "hi" now" {from} {from} {from} {from} NIL NIL NIL "<a@x>")"#),
            format!(r#"(NIL "re"al" {from} {from} {from} {from} NIL NIL NIL "<a@x>")"#),
            format!(r#"(NIL {from} {from} {from} {from} NIL NIL NIL "<a@x>")"#),
            format!(r#"(NIL "s" "ada" {from} {from} {from} NIL NIL NIL "<a@x>")"#),
            format!(r#"(NIL ("s") {from} {from} {from} {from} NIL NIL NIL "<a@x>")"#),
            format!(r#"(NIL "s" ((NIL "ada" "x")) {from} {from} {from} NIL NIL NIL "<a@x>")"#),
            format!(r#"(NIL "s" ("ada") {from} {from} {from} NIL NIL NIL "<a@x>")"#),
            format!(r#"(NIL "s" (("Ada" NIL ("ada") "x")) {from} {from} {from} NIL NIL NIL "<a@x>")"#),
        ] {
            assert!(envelope(&broken).is_err(), "{broken}");
        }
    }

    #[test]
    fn one_address_never_reads_as_another() {
        assert_eq!(to(r#"((NIL NIL "a@x b" "y"))"#), [address(None, r#""a@x b"@y"#, None)]);
        assert_eq!(to(r#"((NIL NIL "a\"b" "y"))"#), [address(None, r#""a\"b"@y"#, None)]);
    }

    #[test]
    fn message_ids_keep_their_brackets() {
        let id = |raw: &str| message_id(raw.as_bytes());
        assert_eq!(id("<a@b>").as_deref(), Some("<a@b>"));
        assert_eq!(id(" your mail of today <a@b> <c@d>").as_deref(), Some("<a@b>"));
        assert_eq!(id("a@b").as_deref(), Some("<a@b>"));
        assert_eq!(id("<a@b").as_deref(), Some("<a@b>"));
        assert_eq!(id("  "), None);
    }

    #[test]
    fn the_date_is_that_of_the_message() {
        for date in [
            "Sat, 31 Jan 2026 12:00:00 GMT+0800",
            "Sat Jan 31 12:00:00 2026",
            "2026-01-31T20:00:00+08:00",
            "2026-01-31 12:00:00",
            "Sat, 31 Jan 2026 12:00:00 +0000 (UTC)",
            "yesterday",
        ] {
            let read = envelope(&format!("(\"{date}\" NIL NIL NIL NIL NIL NIL NIL NIL NIL)")).unwrap();
            let message = email_mime::parse(format!("Date: {date}\r\n\r\n").as_bytes(), &Default::default());
            assert_eq!(read.date, message.date, "{date}");
            assert_eq!(read.date.is_some(), date != "yesterday");
        }
    }

    #[test]
    fn literals_and_raw_8_bit_in_any_field() {
        let read =
            envelope("(NIL {7}\r\nGr\u{fc}\u{df}e (({3}\r\nAda NIL {3}\r\nada \"x\")) NIL NIL NIL NIL NIL NIL NIL)");
        let read = read.unwrap();
        assert_eq!(read.subject.as_deref(), Some("Gr\u{fc}\u{df}e"));
        assert_eq!(read.from, [address(Some("Ada"), "ada@x", None)]);
    }
}
