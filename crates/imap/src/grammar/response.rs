//! One response, sorted by its first words (RFC 9051 §7).

use super::event::{Completion, CompletionStatus, Condition, ConditionKind, Continuation, Event, Untagged};
use super::flags::{self, MAX_WORDS};
use super::frame::{Frame, Lead};
use super::rows::ListKind;
use super::tree::{Item, Tree};
use super::{condition, fetch, list, numbers};

/// Unknown words are kept to this length, for the log.
const MAX_WORD: usize = 40;

/// Text of a continuation request kept: a SASL challenge, never longer than a few kilobytes.
const MAX_CHALLENGE: usize = 16 << 10;

/// What `frame` says. Never fails: see [`Untagged::Unknown`] and [`Untagged::Broken`].
pub fn response(frame: &Frame) -> Event {
    let line = frame.bytes.as_ref();
    match Lead::of(line) {
        Lead::Continuation => Event::Continuation(continuation(line)),
        Lead::Tagged => Event::Completion(completion(frame)),
        Lead::Condition => Event::Untagged(Untagged::Condition(self::condition(frame))),
        Lead::Numbers | Lead::Data => Event::Untagged(data(frame)),
        Lead::Other => Event::Untagged(Untagged::Unknown { word: shown(Words::new(line).next().unwrap_or_default()) }),
    }
}

fn continuation(line: &[u8]) -> Continuation {
    let text = line.strip_prefix(b"+").unwrap_or(line).trim_ascii();
    let text = text.get(..MAX_CHALLENGE).unwrap_or(text);
    Continuation { text: String::from_utf8_lossy(text).into_owned() }
}

fn completion(frame: &Frame) -> Completion {
    let mut words = Words::new(&frame.bytes);
    let tag = words.next().unwrap_or_default();
    let status = match words.next() {
        Some(word) if word.eq_ignore_ascii_case(b"OK") => CompletionStatus::Ok,
        Some(word) if word.eq_ignore_ascii_case(b"NO") => CompletionStatus::No,
        _ => CompletionStatus::Bad,
    };
    let (code, text) = condition::read(frame, words.at);
    Completion { tag: String::from_utf8_lossy(tag).into_owned(), status, code, text }
}

fn condition(frame: &Frame) -> Condition {
    let mut words = Words::new(&frame.bytes);
    words.next();
    let kind = match words.next() {
        Some(word) if word.eq_ignore_ascii_case(b"OK") => ConditionKind::Ok,
        Some(word) if word.eq_ignore_ascii_case(b"NO") => ConditionKind::No,
        Some(word) if word.eq_ignore_ascii_case(b"BYE") => ConditionKind::Bye,
        Some(word) if word.eq_ignore_ascii_case(b"PREAUTH") => ConditionKind::Preauth,
        _ => ConditionKind::Bad,
    };
    let (code, text) = condition::read(frame, words.at);
    Condition { kind, code, text }
}

/// `* word …` and `* number word …`.
fn data(frame: &Frame) -> Untagged {
    let mut words = Words::new(&frame.bytes);
    words.next();
    let first = words.next().unwrap_or_default();
    let read = if first.iter().all(u8::is_ascii_digit) {
        let number = super::tree::number(first).and_then(|n| u32::try_from(n).ok());
        numbered(frame, number, words)
    } else {
        named(frame, first, words.at)
    };
    read.unwrap_or_else(|Failed { word, reason }| Untagged::Broken { word: shown(word), reason })
}

struct Failed<'a> {
    word: &'a [u8],
    reason: &'static str,
}

fn numbered<'a>(frame: &'a Frame, number: Option<u32>, mut words: Words<'a>) -> Result<Untagged, Failed<'a>> {
    let word = words.next().unwrap_or_default();
    let failed = |reason| Failed { word, reason };
    let number = number.ok_or(failed("the number does not fit into 32 bits"));
    match word.to_ascii_uppercase().as_slice() {
        b"EXISTS" => number.map(Untagged::Exists),
        b"RECENT" => number.map(Untagged::Recent),
        b"EXPUNGE" => number.map(Untagged::Expunge),
        b"FETCH" => {
            let tree = Tree::read(frame, words.at..frame.bytes.len()).ok_or(failed("nested too deep"))?;
            let list = tree.items().next().and_then(Item::list).ok_or(failed("no attributes"))?;
            Ok(Untagged::Fetch(Box::new(fetch::read(number?, list))))
        }
        _ => Ok(Untagged::Unknown { word: shown(word) }),
    }
}

fn named<'a>(frame: &'a Frame, word: &'a [u8], start: usize) -> Result<Untagged, Failed<'a>> {
    let failed = |reason| Failed { word, reason };
    let line = frame.bytes.get(start..).unwrap_or_default().trim_ascii();
    let word_upper = word.get(..MAX_WORD).unwrap_or(word).to_ascii_uppercase();
    match word_upper.as_slice() {
        b"SEARCH" => return Ok(Untagged::Search(numbers::search(line))),
        b"ESEARCH" => return numbers::esearch(line).map(|row| Untagged::Esearch(Box::new(row))).map_err(failed),
        b"VANISHED" => {
            return numbers::vanished(line).map(|(earlier, uids)| Untagged::Vanished { earlier, uids }).map_err(failed);
        }
        b"SORT" | b"THREAD" => return Ok(Untagged::Unknown { word: shown(word) }),
        _ => {}
    }
    let tree = Tree::read(frame, start..frame.bytes.len()).ok_or(failed("nested too deep"))?;
    let mut items = tree.items();
    let listed = |kind| list::list(kind, frame, items).map(|row| Untagged::List(Box::new(row)));
    match word_upper.as_slice() {
        b"LIST" => listed(ListKind::List),
        b"LSUB" => listed(ListKind::Lsub),
        b"XLIST" => listed(ListKind::Xlist),
        b"STATUS" => list::status(frame, items).map(|row| Untagged::Status(Box::new(row))),
        b"FLAGS" => items.next().and_then(Item::list).map(|l| Untagged::Flags(flags::read(l))).ok_or("no flags"),
        b"CAPABILITY" => Ok(Untagged::Capability(flags::words(items))),
        b"ENABLED" => Ok(Untagged::Enabled(flags::words(items))),
        b"NAMESPACE" => Ok(Untagged::Namespace(Box::new(list::namespace(items)))),
        b"ID" => Ok(Untagged::Id(items.next().map(id).unwrap_or_default())),
        b"QUOTA" => list::quota(items).map(Untagged::Quota),
        b"QUOTAROOT" => list::quota_root(items).map(Untagged::QuotaRoot),
        _ => Ok(Untagged::Unknown { word: shown(word) }),
    }
    .map_err(failed)
}

/// `id-response = "ID" SP ("(" [string SP nstring *(SP string SP nstring)] ")" / nil)` (RFC 2971).
fn id(item: Item<'_>) -> Vec<(String, Option<String>)> {
    let mut members = item.members();
    let mut pairs = Vec::new();
    while let Some(key) = members.next() {
        let value = members.next().and_then(Item::string);
        if let Some(key) = key.string()
            && pairs.len() < MAX_WORDS
        {
            pairs.push((key, value));
        }
    }
    pairs
}

/// The words of a line, and where the next one starts.
struct Words<'a> {
    line: &'a [u8],
    at: usize,
}

impl<'a> Words<'a> {
    fn new(line: &'a [u8]) -> Self {
        Self { line, at: 0 }
    }
}

impl<'a> Iterator for Words<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let rest = self.line.get(self.at..)?;
        let start = rest.iter().position(|b| !b.is_ascii_whitespace())?;
        let rest = rest.get(start..)?;
        // `FETCH(` without a space is taken.
        let length = rest.iter().position(|b| b.is_ascii_whitespace() || *b == b'(').unwrap_or(rest.len()).max(1);
        self.at = self.at.saturating_add(start).saturating_add(length);
        rest.get(..length)
    }
}

/// A word for the log: upper case, printable, short.
fn shown(word: &[u8]) -> String {
    let word = word.get(..MAX_WORD).unwrap_or(word);
    word.iter().map(|b| if b.is_ascii_graphic() { char::from(b.to_ascii_uppercase()) } else { '?' }).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::grammar::Elsewhere;
    use crate::grammar::Literal;
    use crate::grammar::testing::{event, frame};

    fn untagged(line: &str) -> Untagged {
        match event(&format!("{line}\r\n")) {
            Event::Untagged(untagged) => untagged,
            other => panic!("{other:?}"),
        }
    }

    fn unknown(word: &str) -> Untagged {
        Untagged::Unknown { word: word.into() }
    }

    fn texts(words: &[&str]) -> Vec<String> {
        words.iter().map(|w| (*w).to_owned()).collect()
    }

    #[test]
    fn known_answers() {
        for (line, said) in [
            ("* 23 EXISTS", Untagged::Exists(23)),
            ("* 4000000000 exists", Untagged::Exists(4_000_000_000)),
            ("* 0 RECENT ", Untagged::Recent(0)),
            ("* 44 EXPUNGE", Untagged::Expunge(44)),
            ("* CAPABILITY IMAP4rev2 AUTH=PLAIN", Untagged::Capability(texts(&["IMAP4rev2", "AUTH=PLAIN"]))),
            ("* ENABLED CONDSTORE", Untagged::Enabled(texts(&["CONDSTORE"]))),
            ("* ENABLED", Untagged::Enabled(vec![])),
            ("* FLAGS (\\Answered x )", Untagged::Flags(vec!["\\Answered".into(), "x".into()])),
            ("* ID NIL", Untagged::Id(vec![])),
            (
                "* ID (\"name\" \"Cyrus\" os NIL)",
                Untagged::Id(vec![("name".into(), Some("Cyrus".into())), ("os".into(), None)]),
            ),
            ("* XAPPLE hello (", unknown("XAPPLE")),
            ("* 5 X-NEW", unknown("X-NEW")),
            ("* SORT 2 3", unknown("SORT")),
            ("hello", unknown("HELLO")),
            ("", unknown("")),
            ("*", unknown("")),
        ] {
            assert_eq!(untagged(line), said, "{line}");
        }
    }

    #[test]
    fn what_cannot_be_read_says_so() {
        for (line, word, reason) in [
            ("* 5000000000 EXISTS", "EXISTS", "the number does not fit into 32 bits"),
            ("* 99999999999999999999 FETCH (UID 1)", "FETCH", "the number does not fit into 32 bits"),
            ("* 1 FETCH", "FETCH", "no attributes"),
            ("* FLAGS", "FLAGS", "no flags"),
            ("* LIST", "LIST", "no attributes"),
        ] {
            assert_eq!(untagged(line), Untagged::Broken { word: word.into(), reason }, "{line}");
        }
    }

    #[test]
    fn continuations() {
        for (line, text) in
            [("+ idling", "idling"), ("+", ""), ("+ ", ""), ("+ eyJzdGF0dXMiOiI0MDAifQ==", "eyJzdGF0dXMiOiI0MDAifQ==")]
        {
            let said = event(&format!("{line}\r\n"));
            assert_eq!(said, Event::Continuation(Continuation { text: text.into() }));
        }
    }

    proptest! {
        #[test]
        fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            response(&frame(&bytes));
        }

        #[test]
        fn frames_whose_literals_lie(
            places in proptest::collection::vec((0usize..60, 0usize..60, 0usize..60, 0usize..4), 0..5),
        ) {
            let bytes = "* 1 FETCH (BODY[1] {3}\r\nabc BODY[2] ~{2}\r\nxy ENVELOPE (\"a\" {1}))\r\n".into();
            let elsewhere = [None, Some(Elsewhere::Streamed(7)), Some(Elsewhere::Apart(0)), Some(Elsewhere::Apart(1))];
            let literal = |(announced, start, end, place): (usize, usize, usize, usize)| Literal {
                announced,
                start,
                end,
                elsewhere: elsewhere[place],
            };
            let literals = places.into_iter().map(literal).collect();
            response(&Frame { bytes, literals, apart: vec!["apart".into()] });
        }

        #[test]
        fn almost_responses(
            head in prop::sample::select(vec![
                "* 1 FETCH ", "* LIST ", "* STATUS ", "* ESEARCH ", "* SEARCH ", "* VANISHED ", "* NAMESPACE ", "* OK ", "A1 NO ",
                "* ID ", "* QUOTA ", "* QUOTAROOT ", "* FLAGS ", "* CAPABILITY ", "* 1 FETCH (BODYSTRUCTURE ", "* 1 FETCH (ENVELOPE ",
            ]),
            tail in proptest::collection::vec(prop::sample::select(vec![
                "(", ")", " ", "\"", "\\", "NIL", "{1}\r\na", "{0}\r\n", "[", "]", "<0>", "BODY[", "UID", "1", "-1", "*", ":", ",",
                "\"a\"", "\"text\" \"plain\"", "message", "rfc822", "é", "\0", "4294967296",
            ]), 0..40),
        ) {
            response(&frame(format!("{head}{}\r\n", tail.concat()).as_bytes()));
        }
    }
}
