//! A command's line as it will be written, argument by argument (RFC 9051 §9).
//!
//! ```text
//! astring = 1*ASTRING-CHAR / string        string = quoted / literal
//! quoted  = DQUOTE *QUOTED-CHAR DQUOTE     literal = "{" number ["+"] "}" CRLF *CHAR8
//! ```
//!
//! Caller's values go in by [`Line::string`], [`Line::literal`] or as checked types of [`super::argument`]; whatever
//! else is appended is our own text. A CR or LF in our own text would be a second command: the line is then never sent.

use std::time::Duration;

use bytes::Bytes;

use crate::connection::{READ_WATCHDOG, SLOW_READ_WATCHDOG};
use crate::error::{Error, Result};
use crate::grammar::{FetchRow, WireName};
use crate::uid_set::{UidRanges, UidSet};

/// A piece of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Segment {
    /// Written as it stands.
    Text(String),
    /// Written after its length, by whichever kind of literal the server takes.
    Literal(Bytes),
}

/// What the answer to a command may weigh, unless it says otherwise: flags of two million messages are 200 MB. What is
/// kept of them is less.
const MAX_ANSWER_BYTES: u64 = 256 << 20;

/// Wire bytes that the untagged data of one command may have together, streamed bodies not counted. Whatever of it is
/// kept: it is never more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Allowance {
    bytes: u64,
    what: &'static str,
    name: &'static str,
}

impl Allowance {
    /// What is spent with `more`; LIMIT_EXCEEDED when that is too much.
    pub(crate) fn spend(self, spent: u64, more: usize) -> Result<u64> {
        let spent = spent.saturating_add(more as u64);
        let Self { bytes: limit, what, name } = self;
        if spent > limit { Err(Error::LimitExceeded { what, limit, name }) } else { Ok(spent) }
    }
}

/// One command without its tag and its final CRLF.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    verb: &'static str,
    segments: Vec<Segment>,
    poisoned: bool,
    patience: Duration,
    allowance: Allowance,
}

/// What a FETCH asks of messages, as far as it tells its own rows from news.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rows {
    of: Asked,
    flags: bool,
}

/// Of which messages.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Asked {
    Uids(UidRanges),
    Numbers(UidRanges),
    /// With `*` in it nobody knows which UIDs are meant.
    Any,
}

impl Rows {
    /// Whether the row may be an answer. One of another message, with flags that nobody asked for, or without a UID, is
    /// news.
    pub(crate) fn include(&self, row: &FetchRow) -> bool {
        let Some(uid) = row.uid else { return false };
        let asked = match &self.of {
            Asked::Uids(uids) => uids.contains(uid),
            Asked::Numbers(numbers) => numbers.contains(row.seq),
            Asked::Any => true,
        };
        asked && (self.flags || row.flags.is_none())
    }
}

impl Line {
    /// A line that so far holds its verb, which also names it in errors.
    pub(crate) fn new(verb: &'static str) -> Self {
        let allowance =
            Allowance { bytes: MAX_ANSWER_BYTES, what: "the answer to a command", name: "MAX_ANSWER_BYTES" };
        let segments = vec![Segment::Text(verb.to_owned())];
        Self { verb, segments, poisoned: false, patience: READ_WATCHDOG, allowance }
    }

    /// Its name in errors and logs.
    pub(crate) fn verb(&self) -> &'static str {
        self.verb
    }

    /// Which rows it brings; `None` when it is no FETCH.
    pub(crate) fn rows(&self) -> Option<Rows> {
        let by_uid = match self.verb {
            "UID FETCH" => true,
            "FETCH" => false,
            _ => return None,
        };
        let mentions_flags = |segment: &Segment| matches!(segment, Segment::Text(text) if text.contains("FLAGS"));
        let set = match self.segments.first() {
            Some(Segment::Text(text)) => text.get(self.verb.len()..).and_then(|rest| rest.split_whitespace().next()),
            _ => None,
        };
        let of = match set.and_then(|set| UidSet::parse(set).ok()) {
            Some(set) if by_uid => set.as_ranges().cloned().map_or(Asked::Any, Asked::Uids),
            // `n:*`: the mailbox has n messages.
            Some(set) if !set.has_bare_star() => set.resolve(u32::MAX).map_or(Asked::Any, Asked::Numbers),
            _ => Asked::Any,
        };
        Some(Rows { of, flags: self.segments.iter().any(mentions_flags) })
    }

    /// How long the server may say nothing at all before it counts as gone.
    pub(crate) fn patience(&self) -> Duration {
        self.patience
    }

    /// A command over which servers think long.
    pub(crate) fn slow(mut self) -> Self {
        self.patience = SLOW_READ_WATCHDOG;
        self
    }

    /// How much may come.
    pub(crate) fn allowance(&self) -> Allowance {
        self.allowance
    }

    /// A command whose answer is shorter, or longer, than others; `name` is that of the limit.
    pub(crate) fn at_most(mut self, bytes: u64, what: &'static str, name: &'static str) -> Self {
        self.allowance = Allowance { bytes, what, name };
        self
    }

    /// Appends a space and our own `text`.
    pub(crate) fn arg(self, text: impl AsRef<str>) -> Self {
        self.text(" ").text(text)
    }

    /// Appends our own `text`.
    pub(crate) fn text(mut self, text: impl AsRef<str>) -> Self {
        let text = text.as_ref();
        self.poisoned |= text.bytes().any(|b| matches!(b, b'\r' | b'\n' | 0));
        match self.segments.last_mut() {
            Some(Segment::Text(line)) => line.push_str(text),
            _ => self.segments.push(Segment::Text(text.to_owned())),
        }
        self
    }

    /// Appends a space and `value` as a quoted string, or as a literal where quotes cannot hold it.
    pub(crate) fn string_arg(self, value: &str) -> Self {
        self.text(" ").string(value)
    }

    /// Appends `value` as a quoted string, or as a literal where quotes cannot hold it.
    pub(crate) fn string(self, value: &str) -> Self {
        match quoted(value) {
            Some(quoted) => self.text(quoted),
            None => self.literal(Bytes::copy_from_slice(value.as_bytes())),
        }
    }

    /// Appends a space and a mailbox name, byte for byte as the server knows it.
    pub(crate) fn mailbox_arg(self, name: &WireName) -> Self {
        match std::str::from_utf8(&name.0) {
            Ok(name) => self.string_arg(name),
            Err(_) => self.text(" ").literal(name.0.clone()),
        }
    }

    /// Appends a literal.
    pub(crate) fn literal(mut self, bytes: Bytes) -> Self {
        self.segments.push(Segment::Literal(bytes));
        self
    }

    /// Appends the arguments of `other`, without the space before them.
    pub(crate) fn append(mut self, other: Self) -> Self {
        self.poisoned |= other.poisoned;
        for (index, segment) in other.segments.into_iter().enumerate() {
            self = match segment {
                Segment::Text(text) if index == 0 => self.text(text.strip_prefix(' ').unwrap_or(&text)),
                Segment::Text(text) => self.text(text),
                Segment::Literal(bytes) => self.literal(bytes),
            };
        }
        self
    }

    /// Octets so far, literals included.
    pub(crate) fn len(&self) -> usize {
        let octets = |segment: &Segment| match segment {
            Segment::Text(text) => text.len(),
            Segment::Literal(bytes) => bytes.len(),
        };
        self.segments.iter().map(octets).sum()
    }

    /// The pieces in order, text and literals alternating, the first being text.
    pub(crate) fn segments(&self) -> Result<&[Segment]> {
        if self.poisoned { Err(Error::Internal("a command line holds CR, LF or NUL")) } else { Ok(&self.segments) }
    }

    /// As a transcript shows it, for tests.
    #[cfg(test)]
    pub(crate) fn shown(&self) -> String {
        let piece = |segment: &Segment| match segment {
            Segment::Text(text) => text.clone(),
            Segment::Literal(bytes) => format!("{{{}}}⏎{}", bytes.len(), String::from_utf8_lossy(bytes)),
        };
        self.segments.iter().map(piece).collect()
    }
}

/// `value` between quotes; `None` when it is not 7-bit text of one line.
pub(crate) fn quoted(value: &str) -> Option<String> {
    if !value.bytes().all(|b| (b' '..=b'~').contains(&b) || b == b'\t') {
        return None;
    }
    let mut out = String::with_capacity(value.len() + 2);
    out.push('"');
    for c in value.chars() {
        if matches!(c, '"' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_what_quotes_can_hold() {
        let line = Line::new("LOGIN").string_arg("ada").string_arg(r#"a"b\c"#);
        assert_eq!(line.shown(), r#"LOGIN "ada" "a\"b\\c""#);
    }

    #[test]
    fn everything_else_is_a_literal() {
        for evil in ["a\r\nb NOOP", "a\nb", "grüße", "\u{1}", "\u{7f}"] {
            let line = Line::new("SEARCH").string_arg(evil).arg("ALL");
            assert_eq!(line.shown(), format!("SEARCH {{{}}}⏎{evil} ALL", evil.len()));
            line.segments().unwrap();
        }
    }

    #[test]
    fn a_literal_marker_in_a_value_stays_a_value() {
        assert_eq!(Line::new("X").string_arg("{9+}").shown(), r#"X "{9+}""#);
    }

    proptest::proptest! {
        /// Whatever a value holds, it is one argument: quoted without line ends, or a literal of its very length.
        #[test]
        fn no_value_ever_writes_a_second_command(value in "\\PC{0,20}|[\\x00-\\x7f]{0,20}|[\"\\\\{}+\r\n]{0,12}") {
            let line = Line::new("X").string_arg(&value).arg("Y");
            for (index, segment) in line.segments().unwrap().iter().enumerate() {
                match segment {
                    Segment::Text(text) => assert!(!text.contains(['\r', '\n', '\0'])),
                    Segment::Literal(bytes) => assert_eq!((index, &bytes[..]), (1, value.as_bytes())),
                }
            }
            if let [Segment::Text(text)] = line.segments().unwrap() {
                let quoted = text.strip_prefix("X \"").and_then(|rest| rest.strip_suffix("\" Y")).unwrap();
                let (mut back, mut escaped) = (String::new(), false);
                for c in quoted.chars() {
                    assert!(escaped || c != '"', "the quotes end early: {text}");
                    if c == '\\' && !escaped {
                        escaped = true;
                    } else {
                        escaped = false;
                        back.push(c);
                    }
                }
                assert!(!escaped && back == value, "{text}");
            }
        }
    }

    #[test]
    fn news_of_a_message_is_not_taken_for_an_answer() {
        let row = |seq, uid, flags: bool| FetchRow {
            seq,
            uid: Some(uid),
            flags: flags.then(Vec::new),
            ..FetchRow::default()
        };
        for (verb, set, answers, news) in [
            ("UID FETCH", "3,7:9", &[(1, 3), (2, 8)][..], &[(3, 4), (8, 10)][..]),
            ("UID FETCH", "7:*", &[(1, 3), (2, 8)], &[]),
            ("FETCH", "3:*", &[(3, 1), (9, 1)], &[(2, 3)]),
            ("FETCH", "*", &[(3, 1)], &[]),
        ] {
            let line = Line::new(verb).arg(set).arg("(UID FLAGS)");
            let without_flags = Line::new(verb).arg(set).arg("(UID RFC822.SIZE)").rows().unwrap();
            let rows = line.rows().unwrap();
            for (seq, uid) in answers {
                assert!(rows.include(&row(*seq, *uid, true)), "{verb} {set}: {seq} {uid}");
                assert!(
                    without_flags.include(&row(*seq, *uid, false)) && !without_flags.include(&row(*seq, *uid, true))
                );
            }
            for (seq, uid) in news {
                assert!(!rows.include(&row(*seq, *uid, true)), "{verb} {set}: {seq} {uid}");
            }
            assert!(!rows.include(&FetchRow { seq: 3, ..FetchRow::default() }));
        }
        assert!(Line::new("UID STORE").arg("1").rows().is_none());
    }

    #[test]
    fn an_answer_is_bounded_by_bytes_whatever_it_is() {
        let usual = Line::new("UID FETCH").allowance();
        assert_eq!(usual.spend(MAX_ANSWER_BYTES - 5, 5).unwrap(), MAX_ANSWER_BYTES);
        assert!(matches!(usual.spend(MAX_ANSWER_BYTES, 1), Err(Error::LimitExceeded { .. })));
        assert!(Line::new("X").at_most(10, "this", "MAX").allowance().spend(0, 11).is_err());
        assert!(usual.spend(u64::MAX, usize::MAX).is_err());
    }

    #[test]
    fn own_text_with_a_line_break_is_never_sent() {
        assert!(matches!(Line::new("FETCH").arg("1\r\nA2 DELETE x").segments(), Err(Error::Internal(_))));
    }
}
