//! `resp-text` (RFC 9051 §7.1): the response code in brackets, and the text for people.
//!
//! ```text
//! resp-text = ["[" resp-text-code "]" SP] [text]
//! ```

use super::event::ResponseCode;
use super::flags;
use super::frame::Frame;
use super::tree::{Item, Tree};
use crate::uid_set::{UidRanges, parse_in_order};

/// Text kept, in bytes: it is for people, and a hostile one has a megabyte.
const MAX_TEXT: usize = 2000;

/// Arguments of a code that are kept as text, in bytes.
const MAX_ARGUMENTS: usize = 2000;

/// Code and text of the `resp-text` in `frame` from `start` on.
pub(super) fn read(frame: &Frame, start: usize) -> (Option<ResponseCode>, String) {
    let line = frame.bytes.get(start..).unwrap_or_default();
    let line = line.trim_ascii();
    match split_code(line) {
        Some((code, rest)) => (Some(read_code(code)), text(rest)),
        None => (None, text(line)),
    }
}

/// What stands in the brackets, and what behind them. A `]` in quotes or parentheses ends nothing: flags may hold one.
fn split_code(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let inside = line.strip_prefix(b"[")?;
    let (mut quoted, mut depth, mut first) = (false, 0usize, None);
    for (at, byte) in inside.iter().enumerate() {
        match byte {
            b'"' => quoted = !quoted,
            b'(' if !quoted => depth = depth.saturating_add(1),
            b')' if !quoted => depth = depth.saturating_sub(1),
            b']' => {
                first = first.or(Some(at));
                if !quoted && depth == 0 {
                    return Some((inside.get(..at)?, inside.get(at.saturating_add(1)..)?));
                }
            }
            _ => {}
        }
    }
    // Quotes or parentheses that nobody closed: the first bracket it is.
    let at = first?;
    Some((inside.get(..at)?, inside.get(at.saturating_add(1)..)?))
}

fn text(raw: &[u8]) -> String {
    let raw = raw.trim_ascii();
    String::from_utf8_lossy(raw.get(..MAX_TEXT).unwrap_or(raw)).into_owned()
}

fn read_code(code: &[u8]) -> ResponseCode {
    let code = code.trim_ascii();
    let end = code.iter().position(|b| *b == b' ').unwrap_or(code.len());
    let (name, arguments) = code.split_at(end);
    let name = String::from_utf8_lossy(name.get(..100).unwrap_or(name)).to_ascii_uppercase();
    let arguments = arguments.trim_ascii();
    known(&name, arguments).unwrap_or_else(|| {
        let arguments = arguments.get(..MAX_ARGUMENTS).unwrap_or(arguments);
        let arguments = (!arguments.is_empty()).then(|| String::from_utf8_lossy(arguments).into_owned());
        ResponseCode::Word { name, arguments }
    })
}

/// The codes with data. `None` for the others, and for those whose data is not what it should be.
fn known(name: &str, arguments: &[u8]) -> Option<ResponseCode> {
    let number = || super::tree::number(arguments);
    let small = || number().and_then(|n| u32::try_from(n).ok());
    Some(match name {
        "UIDNEXT" => ResponseCode::UidNext(small()?),
        "UIDVALIDITY" => ResponseCode::UidValidity(small()?),
        "UNSEEN" => ResponseCode::Unseen(small()?),
        "HIGHESTMODSEQ" => ResponseCode::HighestModSeq(number()?),
        "MODIFIED" => ResponseCode::Modified(UidRanges::parse(arguments)?),
        "APPENDUID" => {
            let [uid_validity, uids] = words(arguments)?;
            ResponseCode::AppendUid { uid_validity: validity(uid_validity)?, uids: UidRanges::parse(uids)? }
        }
        "COPYUID" => {
            let [uid_validity, from, to] = words(arguments)?;
            ResponseCode::CopyUid {
                uid_validity: validity(uid_validity)?,
                from: parse_in_order(from)?,
                to: parse_in_order(to)?,
            }
        }
        "PERMANENTFLAGS" => ResponseCode::PermanentFlags(in_tree(arguments, |list| Some(flags::read(list.list()?)))?),
        "BADCHARSET" => ResponseCode::BadCharset(in_tree(arguments, |list| Some(flags::words(list.list()?)))?),
        "MAILBOXID" => ResponseCode::MailboxId(in_tree(arguments, |list| list.list()?.next()?.string())?),
        "CAPABILITY" => {
            let frame = Frame { bytes: bytes::Bytes::copy_from_slice(arguments), ..Frame::default() };
            let tree = Tree::read(&frame, 0..frame.bytes.len())?;
            ResponseCode::Capability(flags::words(tree.items()))
        }
        _ => return None,
    })
}

fn words<const N: usize>(arguments: &[u8]) -> Option<[&[u8]; N]> {
    let words: Vec<&[u8]> = arguments.split(|b| *b == b' ').filter(|w| !w.is_empty()).take(N).collect();
    words.try_into().ok()
}

fn validity(word: &[u8]) -> Option<u32> {
    super::tree::number(word).and_then(|n| u32::try_from(n).ok())
}

/// Applies `read` to the first value of the arguments.
fn in_tree<T>(arguments: &[u8], read: impl FnOnce(Item<'_>) -> Option<T>) -> Option<T> {
    let frame = Frame { bytes: bytes::Bytes::copy_from_slice(arguments), ..Frame::default() };
    let tree = Tree::read(&frame, 0..frame.bytes.len())?;
    let first = tree.items().next()?;
    read(first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grammar::testing::event;
    use crate::grammar::{CompletionStatus, ConditionKind, Event, Untagged};

    fn code(text: &str) -> (Option<ResponseCode>, String) {
        match event(&format!("A1 NO {text}\r\n")) {
            Event::Completion(done) => {
                assert_eq!((done.tag.as_str(), done.status), ("A1", CompletionStatus::No));
                (done.code, done.text)
            }
            other => panic!("{other:?}"),
        }
    }

    fn word(name: &str, arguments: Option<&str>) -> Option<ResponseCode> {
        Some(ResponseCode::Word { name: name.into(), arguments: arguments.map(Into::into) })
    }

    fn uids(text: &str) -> UidRanges {
        UidRanges::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn codes_with_data() {
        let only = |text: &str| code(&format!("[{text}] done")).0.unwrap();
        assert_eq!(only("UIDNEXT 4392"), ResponseCode::UidNext(4392));
        assert_eq!(only("uidvalidity 3857529045"), ResponseCode::UidValidity(3_857_529_045));
        assert_eq!(only("UNSEEN 12"), ResponseCode::Unseen(12));
        assert_eq!(only("HIGHESTMODSEQ 9223372036854775807"), ResponseCode::HighestModSeq(i64::MAX as u64));
        assert_eq!(only("MODIFIED 7,9"), ResponseCode::Modified(uids("7,9")));
        assert_eq!(only("APPENDUID 38505 3955"), ResponseCode::AppendUid { uid_validity: 38505, uids: uids("3955") });
        assert_eq!(
            only("CAPABILITY IMAP4rev2 IDLE"),
            ResponseCode::Capability(vec!["IMAP4rev2".into(), "IDLE".into()])
        );
        assert_eq!(only("BADCHARSET (UTF-8 \"x y\")"), ResponseCode::BadCharset(vec!["UTF-8".into(), "x y".into()]));
        assert_eq!(only("MAILBOXID (F2212ea8)"), ResponseCode::MailboxId("F2212ea8".into()));
        let flags = only(r"PERMANENTFLAGS (\deleted OIB-Seen-[Gmail]/All \*)");
        assert_eq!(
            flags,
            ResponseCode::PermanentFlags(vec!["\\Deleted".into(), "OIB-Seen-[Gmail]/All".into(), "\\*".into()])
        );
    }

    #[test]
    fn copyuid_keeps_the_order_that_pairs_the_uids() {
        let Some(ResponseCode::CopyUid { from, to, .. }) = code("[COPYUID 38505 304,319:320 3958:3956]").0 else {
            panic!()
        };
        assert_eq!(from.iter().map(ToString::to_string).collect::<Vec<_>>(), ["304", "319:320"]);
        assert_eq!(to.iter().map(ToString::to_string).collect::<Vec<_>>(), ["3956:3958"]);
    }

    #[test]
    fn codes_without_data_and_unknown_ones() {
        assert_eq!(code("[AUTHENTICATIONFAILED] Invalid"), (word("AUTHENTICATIONFAILED", None), "Invalid".into()));
        assert_eq!(code("[throttled]"), (word("THROTTLED", None), String::new()));
        assert_eq!(code("[X-Y a [b] c] d").0, word("X-Y", Some("a [b")));
        assert_eq!(code("[UIDNEXT soon] x").0, word("UIDNEXT", Some("soon")));
        assert_eq!(code("[COPYUID 1 * *] x").0, word("COPYUID", Some("1 * *")));
        assert_eq!(code("[] x").0, word("", None));
    }

    #[test]
    fn texts_that_break_imap_proto() {
        assert_eq!(code("[ALERT]é"), (word("ALERT", None), "é".into()));
        assert_eq!(code("[no end"), (None, "[no end".into()));
        assert_eq!(code("[a \"b] c"), (word("A", Some("\"b")), "c".into()));
        assert_eq!(code(""), (None, String::new()));
        assert_eq!(code("size {5}"), (None, "size {5}".into()));
        assert_eq!(code(&"x".repeat(5000)).1.len(), MAX_TEXT);
    }

    #[test]
    fn untagged_conditions() {
        let Event::Untagged(Untagged::Condition(bye)) = event("* BYE Session invalidated - AccessTokenExpired\r\n")
        else {
            panic!()
        };
        assert_eq!((bye.kind, bye.code), (ConditionKind::Bye, None));
        assert_eq!(bye.text, "Session invalidated - AccessTokenExpired");
        let Event::Untagged(Untagged::Condition(ok)) = event("* ok [UIDNEXT 5]\r\n") else { panic!() };
        assert_eq!((ok.kind, ok.code), (ConditionKind::Ok, Some(ResponseCode::UidNext(5))));
    }
}
