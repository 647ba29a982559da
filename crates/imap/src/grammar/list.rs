//! LIST, LSUB, XLIST (RFC 9051 §7.3.1, RFC 5258), STATUS (§7.3.4), NAMESPACE (RFC 2342), QUOTA (RFC 9208).

use bytes::Bytes;

use super::flags;
use super::frame::Frame;
use super::rows::{ListKind, ListRow, Namespace, NamespaceRow, QuotaRootRow, QuotaRow, StatusRow, WireName};
use super::tree::{Item, Items};
use crate::types::ModSeq;

/// Namespaces, extended items, quota resources of one response; honest ones have a handful.
const MAX_MEMBERS: usize = 1000;
/// Octets of a mailbox name. No server takes a command line that holds a longer one.
const MAX_NAME: usize = 8 << 10;
/// Octets of a MAILBOXID (RFC 8474 §4: `1*255`).
const MAX_OBJECT_ID: usize = 255;

/// `mailbox-list = "(" [mbx-list-flags] ")" SP (DQUOTE QUOTED-CHAR DQUOTE / nil) SP mailbox [SP mbox-list-extended]`
pub(super) fn list(kind: ListKind, frame: &Frame, mut items: Items<'_>) -> Result<ListRow, &'static str> {
    let attributes = items.next().and_then(Item::list).ok_or("no attributes")?;
    let delimiter = items.next().ok_or("no delimiter")?;
    let name = items.next().ok_or("no mailbox name")?;
    let mut row = ListRow {
        kind,
        attributes: flags::read(attributes),
        delimiter: self::delimiter(delimiter),
        name: name_to_the_end(frame, name, items)?,
        child_info: Vec::new(),
        old_name: None,
    };
    let mut extended = items.find_map(Item::list).into_iter().flatten().take(MAX_MEMBERS);
    while let (Some(key), Some(value)) = (extended.next(), extended.next()) {
        match key.astring() {
            Some(key) if key.eq_ignore_ascii_case(b"CHILDINFO") => row.child_info = flags::words(value.members()),
            Some(key) if key.eq_ignore_ascii_case(b"OLDNAME") => {
                row.old_name = value.members().next().and_then(Item::astring).and_then(|name| own(&name).ok());
            }
            _ => {}
        }
    }
    Ok(row)
}

/// `"STATUS" SP mailbox SP "(" [status-att-list] ")"`; unknown items are passed over.
pub(super) fn status(frame: &Frame, mut items: Items<'_>) -> Result<StatusRow, &'static str> {
    let name = items.next().ok_or("no mailbox name")?;
    let name = name_to_the_end(frame, name, items)?;
    let mut list = items.find_map(Item::list).ok_or("no items")?;
    let mut row = StatusRow {
        name,
        messages: None,
        unseen: None,
        deleted: None,
        uid_next: None,
        uid_validity: None,
        highest_mod_seq: None,
        size: None,
        mailbox_id: None,
    };
    while let (Some(key), Some(value)) = (list.next(), list.next()) {
        let key = key.astring().unwrap_or_default().to_ascii_uppercase();
        match key.as_slice() {
            b"MESSAGES" => row.messages = value.number32(),
            b"UNSEEN" => row.unseen = value.number32(),
            b"DELETED" => row.deleted = value.number32(),
            b"UIDNEXT" => row.uid_next = value.number32(),
            b"UIDVALIDITY" => row.uid_validity = value.number32(),
            b"HIGHESTMODSEQ" => row.highest_mod_seq = value.number().map(ModSeq),
            b"SIZE" => row.size = value.number().filter(|n| *n <= super::body_structure::MAX_SIZE),
            b"MAILBOXID" => {
                let id = value.members().next().unwrap_or(value).string();
                row.mailbox_id = id.filter(|id| id.len() <= MAX_OBJECT_ID);
            }
            _ => {}
        }
    }
    Ok(row)
}

/// Three times `nil / "(" 1*("(" string SP (DQUOTE QUOTED-CHAR DQUOTE / nil) [extension] ")") ")"`.
pub(super) fn namespace(mut items: Items<'_>) -> NamespaceRow {
    let mut next = || items.next().map(namespaces).unwrap_or_default();
    NamespaceRow { personal: next(), other_users: next(), shared: next() }
}

fn namespaces(item: Item<'_>) -> Vec<Namespace> {
    let read = |item: Item<'_>| {
        let mut fields = item.list()?;
        let prefix = WireName(fields.next()?.bytes()?);
        Some(Namespace { prefix, delimiter: fields.next().and_then(delimiter) })
    };
    item.members().filter_map(read).take(MAX_MEMBERS).collect()
}

/// `"QUOTA" SP quota-root-name SP "(" [resource usage limit]* ")"`
pub(super) fn quota(mut items: Items<'_>) -> Result<QuotaRow, &'static str> {
    let root = items.next().and_then(Item::string).ok_or("no quota root")?;
    let mut list = items.next().and_then(Item::list).ok_or("no resources")?;
    let mut resources = Vec::new();
    while let (Some(name), Some(used), Some(limit)) = (list.next(), list.next(), list.next()) {
        if let (Some(name), Some(used), Some(limit)) = (name.string(), used.number(), limit.number())
            && resources.len() < MAX_MEMBERS
        {
            resources.push((name.to_ascii_uppercase(), used, limit));
        }
    }
    Ok(QuotaRow { root, resources })
}

/// `"QUOTAROOT" SP mailbox *(SP quota-root-name)`
pub(super) fn quota_root(mut items: Items<'_>) -> Result<QuotaRootRow, &'static str> {
    let name = items.next().and_then(Item::bytes).ok_or("no mailbox name")?;
    Ok(QuotaRootRow { name: WireName(name), roots: items.filter_map(Item::string).take(MAX_MEMBERS).collect() })
}

/// A mailbox name; `NIL` is one. Careless servers write names with spaces without quotes: then the name goes on up to
/// the next list or the end of the line.
fn name_to_the_end(frame: &Frame, name: Item<'_>, following: Items<'_>) -> Result<WireName, &'static str> {
    const NONE: &str = "no mailbox name";
    let first = name.astring().ok_or(NONE)?;
    if name.atom().is_none() {
        return own(&first);
    }
    let following = following.take_while(|item| item.list().is_none());
    match following.last().map(|item| item.start().saturating_add(item.astring().map_or(0, |s| s.len()))) {
        None => own(&first),
        Some(end) => own(frame.bytes.get(name.start()..end).ok_or(NONE)?),
    }
}

/// In memory of its own: kept, it does not keep the response.
fn own(name: &[u8]) -> Result<WireName, &'static str> {
    if name.len() > MAX_NAME { Err("the mailbox name is too long") } else { Ok(WireName(Bytes::copy_from_slice(name))) }
}

fn delimiter(item: Item<'_>) -> Option<char> {
    item.string().and_then(|text| text.chars().next())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grammar::testing::event;
    use crate::grammar::{Event, NameEncoding, Untagged};

    fn untagged(line: &str) -> Untagged {
        match event(&format!("{line}\r\n")) {
            Event::Untagged(untagged) => untagged,
            other => panic!("{other:?}"),
        }
    }

    fn listed(line: &str) -> ListRow {
        match untagged(line) {
            Untagged::List(row) => *row,
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn names_of_every_form() {
        for (line, path, delimiter) in [
            (r#"* LIST (\HasNoChildren) "/" INBOX"#, "INBOX", Some('/')),
            (r#"* LIST () "." "Entw&APw-rfe""#, "Entwürfe", Some('.')),
            (r#"* LIST () "\\" "a\\b""#, "a\\b", Some('\\')),
            (r#"* LIST () NIL inbox"#, "INBOX", None),
            ("* LIST () \"/\" {8}\r\na \"b\" {c", "a \"b\" {c", Some('/')),
            (r#"* LIST () "/" "x{5}""#, "x{5}", Some('/')),
            (r#"* LIST () "/" [Gmail]/Spam"#, "[Gmail]/Spam", Some('/')),
            (r#"* LIST () "/" Sent Items"#, "Sent Items", Some('/')),
            (r#"* LIST () "/" """#, "", Some('/')),
            (r#"* LIST () "/" NIL"#, "NIL", Some('/')),
        ] {
            let row = listed(line);
            assert_eq!((row.name.path(NameEncoding::Utf7).as_str(), row.delimiter), (path, delimiter), "{line}");
        }
    }

    #[test]
    fn a_name_that_no_command_can_carry_is_none() {
        for name in ["x".repeat(MAX_NAME + 1), format!("\"{}\"", "x ".repeat(MAX_NAME)), "x ".repeat(MAX_NAME)] {
            for line in [format!("* LIST () \"/\" {name}"), format!("* STATUS {name} (MESSAGES 1)")] {
                assert!(matches!(untagged(&line), Untagged::Broken { .. }));
            }
        }
        assert_eq!(listed(&format!("* LIST () \"/\" {}", "x".repeat(MAX_NAME))).name.0.len(), MAX_NAME);
        let Untagged::Status(row) = untagged(&format!("* STATUS a (MAILBOXID ({}))", "x".repeat(256))) else {
            panic!()
        };
        assert_eq!(row.mailbox_id, None);
    }

    #[test]
    fn attributes_and_extended_data() {
        let row = listed(r#"* LIST (\Sent \nonexistent) "/" a ("CHILDINFO" ("SUBSCRIBED") OLDNAME ("b") "X" (1 (2)))"#);
        assert_eq!(row.attributes, ["\\Sent", "\\NonExistent"]);
        assert_eq!(row.child_info, ["SUBSCRIBED"]);
        assert_eq!(row.old_name, Some(WireName("b".into())));
        assert_eq!(listed(r#"* XLIST (\AllMail) "/" a"#).kind, ListKind::Xlist);
        assert_eq!(listed(r#"* LSUB () "/" a"#).kind, ListKind::Lsub);
    }

    #[test]
    fn status_with_whatever_items() {
        let line = r#"* STATUS "a b" (MESSAGES 231 UNSEEN 4 X-NEW (1) UIDNEXT 44292 UIDVALIDITY 1 HIGHESTMODSEQ 99 SIZE -1 MAILBOXID (F2) DELETED 3) "#;
        let Untagged::Status(row) = untagged(line) else { panic!() };
        assert_eq!((row.messages, row.unseen, row.uid_next, row.deleted), (Some(231), Some(4), Some(44292), Some(3)));
        assert_eq!((row.highest_mod_seq, row.size, row.mailbox_id.as_deref()), (Some(ModSeq(99)), None, Some("F2")));
        let Untagged::Status(row) = untagged("* STATUS Sent Items (MESSAGES 5000000000)") else { panic!() };
        assert_eq!((row.name, row.messages), (WireName("Sent Items".into()), None));
        assert!(matches!(untagged("* STATUS INBOX ()"), Untagged::Status(_)));
        assert!(matches!(untagged("* STATUS INBOX"), Untagged::Broken { .. }));
    }

    #[test]
    fn namespaces_and_quotas() {
        let line = r#"* NAMESPACE (("INBOX." ".")("#.to_owned() + r#""" NIL "X" ("y"))) NIL (("Shared/" "/"))"#;
        let Untagged::Namespace(row) = untagged(&line) else { panic!() };
        assert_eq!(row.personal.len(), 2);
        assert_eq!(row.personal[0], Namespace { prefix: WireName("INBOX.".into()), delimiter: Some('.') });
        assert_eq!((row.personal[1].delimiter, row.other_users.len(), row.shared.len()), (None, 0, 1));
        let Untagged::Quota(row) = untagged(r#"* QUOTA "" (STORAGE 10 512 message 1 x)"#) else { panic!() };
        assert_eq!(row.resources, [("STORAGE".into(), 10, 512)]);
        let Untagged::QuotaRoot(row) = untagged(r#"* QUOTAROOT INBOX "" "b""#) else { panic!() };
        assert_eq!(row.roots, ["", "b"]);
    }
}
