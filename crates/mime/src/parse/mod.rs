//! Reading a message: never fails, says what was wrong.

mod address;
mod attachment;
mod body;
mod calendar;
pub(crate) mod charset;
mod cms;
mod date;
mod extracted;
mod filename;
mod flowed;
mod footer;
mod header;
mod ids;
mod jis;
mod outline;
pub(crate) mod parameter;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod probes;
mod reading;
mod report;
mod security;
mod structure;
mod tnef;
mod transfer;
pub mod uuencode;
mod word;
mod zone;

use std::borrow::Cow;

use crate::message::{HeaderMap, ParsedMessage};
use crate::options::ParseOptions;
use charset::Hint;
use reading::Reading;
use structure::Limits;

pub(crate) use date::civil_from_days;
pub use date::parse as parse_date;
pub use outline::{OutlinePart, outline};

/// Reads `source`, a message as it came from the wire or from a file (LF, CRLF or CR).
pub fn parse(source: &[u8], options: &ParseOptions) -> ParsedMessage {
    let source = with_line_feeds(source);
    let limits = Limits {
        depth: options.limits.depth(),
        parts: options.limits.parts(),
        header_bytes: options.limits.header_bytes(),
    };
    let outer = structure::split(&source, limits);
    let mut message = match security::open_signed(&outer) {
        // The header counts of the outside, the body of the inside.
        Some(inside) => Reading::opened(outer, structure::split(&inside, limits), options).finish(),
        None => Reading::new(outer, options).finish(),
    };
    if source.is_empty() {
        message.defects.push("the message is empty".to_owned());
    }
    message
}

/// Text of a header field's raw value: unfolded, encoded words (RFC 2047) decoded, also where they were cut inside a
/// character; octets beyond ASCII are read as UTF-8 or guessed.
pub fn decode_header_text(raw: &[u8]) -> String {
    word::text(raw, Hint::default())
}

/// The fields of a header block: lower-case names in order of first appearance, decoded and unfolded values.
pub fn parse_headers(raw: &[u8]) -> HeaderMap {
    header::read(raw, 0, crate::limits::MAX_HEADER_BYTES, |_| false).fields.to_map(Hint::default())
}

/// A source whose first line ends in a bare CR has that for all its line ends.
fn with_line_feeds(source: &[u8]) -> Cow<'_, [u8]> {
    let Some(first) = memchr::memchr2(b'\r', b'\n', source) else { return Cow::Borrowed(source) };
    let is_bare = source.get(first) == Some(&b'\r') && source.get(first + 1) != Some(&b'\n');
    if !is_bare {
        return Cow::Borrowed(source);
    }
    let mut owned = source.to_vec();
    let mut next_is_feed = false;
    for octet in owned.iter_mut().rev() {
        let is_feed = *octet == b'\n';
        if *octet == b'\r' && !next_is_feed {
            *octet = b'\n';
        }
        next_is_feed = is_feed;
    }
    Cow::Owned(owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_of_every_kind_give_the_same() {
        let lf = "Subject: a\n b\nContent-Type: multipart/mixed; boundary=x\n\n--x\n\none\ntwo\n--x\nContent-Type: text/html\n\n<p>\n--x--\n";
        let expected = parse(lf.as_bytes(), &ParseOptions::default());
        assert_eq!(expected.text.as_deref(), Some("one\ntwo"));
        for ending in ["\r\n", "\r"] {
            assert_eq!(parse(lf.replace('\n', ending).as_bytes(), &ParseOptions::default()), expected, "{ending:?}");
        }
    }

    #[test]
    fn nothing_at_all() {
        for source in [&b""[..], b"\r", b"\n", b"\0", b"\xff\xfe", b":", b" ", b"--\n"] {
            assert_eq!(parse(source, &ParseOptions::default()).thread_key.len(), 32);
        }
    }
}
