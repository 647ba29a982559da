//! One response as the tap cut it out of the stream: its bytes, and where its literals are.

use bytes::Bytes;

/// A response: text lines and literals, as on the wire, up to and with the last line end.
#[derive(Debug, Clone, Default)]
pub struct Frame {
    /// The bytes, without those of literals that are [`Elsewhere`].
    pub bytes: Bytes,
    /// In order.
    pub literals: Vec<Literal>,
    /// Large literals, each in memory of its own: whoever wants a message keeps it, and nothing beside it.
    pub apart: Vec<Bytes>,
}

impl Frame {
    /// Bytes in memory.
    pub fn size(&self) -> usize {
        self.apart.iter().map(Bytes::len).fold(self.bytes.len(), usize::saturating_add)
    }
}

/// `{5}` CRLF and what follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Literal {
    /// Where its announcement starts, at `{` or `~`.
    pub announced: usize,
    /// Where its bytes start.
    pub start: usize,
    /// Where they end.
    pub end: usize,
    /// Then `start` is `end`.
    pub elsewhere: Option<Elsewhere>,
}

/// Where a literal's bytes are that do not stand in their response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Elsewhere {
    /// At this place of [`Frame::apart`].
    Apart(usize),
    /// So many were passed on as they came.
    Streamed(u64),
}

/// What kind of response a line begins. Decides whether its text can hold quotes, parentheses and literals at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lead {
    /// `+`: free text.
    Continuation,
    /// `* OK` and its like: free text.
    Condition,
    /// `A0001 OK`: free text.
    Tagged,
    /// `* SEARCH` and its like: long lists of numbers.
    Numbers,
    /// `* …`
    Data,
    /// No response of any grammar.
    Other,
}

impl Lead {
    /// From the start of the line; its first 128 bytes are enough.
    pub fn of(line: &[u8]) -> Self {
        if line.first() == Some(&b'+') {
            return Self::Continuation;
        }
        let mut words = line.split(|b| matches!(b, b' ' | b'\r' | b'\n'));
        let (first, second) = (words.next().unwrap_or_default(), words.find(|w| !w.is_empty()).unwrap_or_default());
        let is = |known: &[&str]| known.iter().any(|word| second.eq_ignore_ascii_case(word.as_bytes()));
        if first == b"*" {
            match () {
                () if is(&["OK", "NO", "BAD", "BYE", "PREAUTH"]) => Self::Condition,
                () if is(&["SEARCH", "SORT", "ESEARCH", "VANISHED", "THREAD"]) => Self::Numbers,
                () => Self::Data,
            }
        } else if is_tag(first) && is(&["OK", "NO", "BAD"]) {
            Self::Tagged
        } else {
            Self::Other
        }
    }

    /// Whether the rest of the line is `resp-text`, in which nothing but the end of the line has a meaning.
    pub fn is_free_text(self) -> bool {
        matches!(self, Self::Continuation | Self::Condition | Self::Tagged)
    }
}

/// RFC 9051 §9: `tag = 1*<any ASTRING-CHAR except "+">`.
fn is_tag(word: &[u8]) -> bool {
    let special = |b| matches!(b, b'(' | b')' | b'{' | b'%' | b'*' | b'"' | b'\\' | b'+');
    (1..=64).contains(&word.len()) && word.iter().all(|b| b.is_ascii_graphic() && !special(*b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_line() {
        for (line, lead) in [
            ("+ go on\r\n", Lead::Continuation),
            ("+\r\n", Lead::Continuation),
            ("* OK hello", Lead::Condition),
            ("* ok\r\n", Lead::Condition),
            ("*  BYE", Lead::Condition),
            ("* OKAY", Lead::Data),
            ("* 1 FETCH (", Lead::Data),
            ("* SEARCH 1 2", Lead::Numbers),
            ("* VANISHED (EARLIER) 1", Lead::Numbers),
            ("A0001 OK done", Lead::Tagged),
            ("A0001 NO\r\n", Lead::Tagged),
            ("A0001 FINE", Lead::Other),
            ("OK done", Lead::Other),
            ("A(1 OK done", Lead::Other),
            ("", Lead::Other),
            ("\r\n", Lead::Other),
        ] {
            assert_eq!(Lead::of(line.as_bytes()), lead, "{line:?}");
        }
    }
}
