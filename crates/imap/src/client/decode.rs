//! Content transfer encodings (RFC 2045 §6), undone piece by piece in constant memory.
//!
//! Tolerant as mail needs it: what is not in base64's alphabet is passed over, a broken `=XX` stays as it is.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;

use super::uuencode::Uuencode;

/// Padding may be missing, and the last character may carry bits that mean nothing.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// White space before a line end is no content (RFC 2045 §6.7, rule 3); more of it than this is passed on.
const MAX_HELD: usize = 4096;

/// Undoes one part's encoding.
#[derive(Debug)]
pub(super) enum Decoder {
    Identity,
    /// Characters that do not make up a group of four yet.
    Base64(Vec<u8>),
    /// What cannot be decided before more comes: `=`, `=X`, white space at a line's end.
    QuotedPrintable(Vec<u8>),
    Uuencode(Uuencode),
}

impl Decoder {
    /// By the name of the encoding, in any case. An unknown one is none.
    pub(super) fn new(encoding: &str) -> Self {
        match encoding.trim().to_ascii_lowercase().as_str() {
            "base64" => Self::Base64(Vec::new()),
            "quoted-printable" => Self::QuotedPrintable(Vec::new()),
            "x-uuencode" | "uuencode" | "x-uue" | "uue" => Self::Uuencode(Uuencode::default()),
            _ => Self::Identity,
        }
    }

    pub(super) fn is_base64(&self) -> bool {
        matches!(self, Self::Base64(_))
    }

    /// What `piece` adds.
    pub(super) fn push(&mut self, piece: Bytes) -> Bytes {
        match self {
            Self::Identity => piece,
            Self::Base64(held) => base64(held, &piece),
            Self::QuotedPrintable(held) => {
                held.extend_from_slice(&piece);
                quoted_printable(held, false)
            }
            Self::Uuencode(lines) => lines.push(piece),
        }
    }

    /// What was held back.
    pub(super) fn finish(&mut self) -> Bytes {
        match self {
            Self::Identity => Bytes::new(),
            Self::Base64(held) => decoded(&whole_bytes(std::mem::take(held))),
            Self::QuotedPrintable(held) => quoted_printable(held, true),
            Self::Uuencode(lines) => lines.finish(),
        }
    }
}

/// Whether every decoder gives the same for it: nothing but base64 in lines, and its end is not reached.
pub(super) fn is_plain_base64(piece: &[u8]) -> bool {
    piece.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'\r' | b'\n'))
}

fn base64(held: &mut Vec<u8>, piece: &[u8]) -> Bytes {
    let in_alphabet = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/');
    let mut stretches = piece.split(|b| *b == b'=');
    held.extend(stretches.next().unwrap_or_default().iter().filter(|b| in_alphabet(b)));
    let mut out = Vec::new();
    // Padding ends a text; whoever joins two puts the next one behind it.
    for stretch in stretches {
        out.extend_from_slice(&decoded(&whole_bytes(std::mem::take(held))));
        held.extend(stretch.iter().filter(|b| in_alphabet(b)));
    }
    let whole = held.len() - held.len() % 4;
    let rest = held.split_off(whole);
    let groups = decoded(&std::mem::replace(held, rest));
    if out.is_empty() {
        return groups;
    }
    out.extend_from_slice(&groups);
    out.into()
}

/// A single character left has too few bits for a byte.
fn whole_bytes(mut groups: Vec<u8>) -> Vec<u8> {
    if groups.len() % 4 == 1 {
        groups.pop();
    }
    groups
}

fn decoded(groups: &[u8]) -> Bytes {
    // Only characters of the alphabet are in it, in a number that can be decoded.
    BASE64.decode(groups).unwrap_or_default().into()
}

fn quoted_printable(held: &mut Vec<u8>, last: bool) -> Bytes {
    let mut out = Vec::with_capacity(held.len());
    let mut rest = held.as_slice();
    while let Some((&first, after)) = rest.split_first() {
        match first {
            b'=' => match escape(after, last) {
                Some((byte, taken)) => {
                    out.extend(byte);
                    rest = after.get(taken..).unwrap_or_default();
                }
                None => break,
            },
            b' ' | b'\t' => {
                let blank = after.iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
                let behind = after.get(blank..).unwrap_or_default();
                if behind.is_empty() && !last && blank < MAX_HELD {
                    break;
                }
                let at_end = behind.is_empty() && last;
                let at_line_end = matches!(behind, [b'\r', b'\n', ..] | [b'\n', ..]) || at_end;
                if behind == b"\r" && !last {
                    break;
                }
                if !at_line_end {
                    out.push(first);
                    out.extend_from_slice(after.get(..blank).unwrap_or_default());
                }
                rest = behind;
            }
            other => {
                out.push(other);
                rest = after;
            }
        }
    }
    let kept = held.len() - rest.len();
    held.drain(..kept);
    out.into()
}

/// What follows `=`: the byte it means (none for a soft line break) and how much of it was used. `None`: more has to come.
fn escape(after: &[u8], last: bool) -> Option<(Option<u8>, usize)> {
    let hex = |b: u8| char::from(b).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    // A soft line break may have white space before it (rule 3 again).
    let blank = after.iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
    match after.get(blank..).unwrap_or_default() {
        [b'\r', b'\n', ..] => return Some((None, blank + 2)),
        [b'\n', ..] => return Some((None, blank + 1)),
        [] | [b'\r'] if last => return Some((None, after.len())),
        [] | [b'\r'] if blank < MAX_HELD => return None,
        _ => {}
    }
    match after {
        [high, low, ..] => match (hex(*high), hex(*low)) {
            (Some(high), Some(low)) => Some((Some((high << 4) | low), 2)),
            _ => Some((Some(b'='), 0)),
        },
        [_] if !last => None,
        _ => Some((Some(b'='), 0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(encoding: &str, input: &[u8], piece: usize) -> Vec<u8> {
        let mut decoder = Decoder::new(encoding);
        let mut out = Vec::new();
        for some in input.chunks(piece.max(1)) {
            out.extend_from_slice(&decoder.push(Bytes::copy_from_slice(some)));
        }
        out.extend_from_slice(&decoder.finish());
        out
    }

    #[test]
    fn the_same_in_pieces_of_any_size() {
        for (encoding, input, expected) in [
            ("base64", &b"SGVsbG8s\r\nIHdvcmxkIQ==\r\n"[..], &b"Hello, world!"[..]),
            ("BASE64", b"SGVsbG8sIHdvcmxkIQ", b"Hello, world!"),
            ("base64", b"SGVs*bG8\x00=A", b"Hello"),
            ("base64", b"aGVsbG8=\r\nd29ybGQ=", b"helloworld"),
            ("base64", b"aGVsbA==IGE=\r\nYg==", b"hell ab"),
            ("quoted-printable", b"a=3Db =\r\nc \t\r\nd=E4=\n", b"a=b c\r\nd\xe4"),
            ("quoted-printable", b"=ZZ =", b"=ZZ "),
            ("quoted-printable", b"a  ", b"a"),
            ("quoted-printable", b"x=  \r\ny", b"xy"),
            ("quoted-printable", b"=4", b"=4"),
            ("x-uuencode", b"begin 644 cat.txt\r\n#0V%T\r\n`\r\nend\r\nafter", b"Cat"),
            ("UUENCODE", b"See:\nbegin it so\nbegin 644 cat.txt\n#0V%T\n\n#0V%T\n", b"CatCat"),
            ("x-uue", b"begin 644 cat.txt\n#0V%T", b"Cat"),
            ("uue", b"begin 644 cat.txt\n#0V%T\nThis line is none of the file's.\n#0V%T\n", b"Cat"),
            (
                "x-uuencode",
                b"begin 644 words of prose\nand so on, which is no line of data\n",
                b"begin 644 words of prose\nand so on, which is no line of data\n",
            ),
            ("x-uuencode", b"no such thing", b"no such thing"),
            ("x-uuencode", b"begin 644 empty", b"begin 644 empty"),
            ("7bit", b"a=3D", b"a=3D"),
            ("x-unknown", b"a=3D", b"a=3D"),
        ] {
            for piece in 1..=input.len() {
                let got = decode(encoding, input, piece);
                assert_eq!(
                    got.escape_ascii().to_string(),
                    expected.escape_ascii().to_string(),
                    "{encoding} by {piece}"
                );
            }
        }
    }

    #[test]
    fn uuencode_is_read_as_in_a_parsed_message() {
        let body = b"\n begin\nbegin 0644 a\nbegin 644 b c\nM\n#0V%T\n!  \n  \n#0V%Txx\n#0V%Txxx\n#0V%T\nend\n";
        for end in 0..=body.len() {
            let body = body.get(..end).unwrap_or_default();
            let message = [b"Content-Type: application/zip\nContent-Transfer-Encoding: x-uuencode\n\n", body].concat();
            let content = email_mime::ParseOptions {
                attachments: email_mime::AttachmentDetail::Content,
                ..email_mime::ParseOptions::default()
            };
            let parsed = email_mime::parse(&message, &content);
            let expected = parsed.attachments[0].content.as_ref().unwrap().0.clone();
            for piece in [1, 3, end] {
                assert_eq!(decode("x-uuencode", body, piece), expected, "{end} by {piece}");
            }
        }
    }

    #[test]
    fn memory_is_bounded_when_a_line_never_ends() {
        let mut decoder = Decoder::new("quoted-printable");
        for _ in 0..1000 {
            decoder.push(Bytes::from(vec![b' '; 1024]));
            let Decoder::QuotedPrintable(held) = &decoder else { panic!() };
            assert!(held.len() <= MAX_HELD + 1024);
        }
    }

    #[test]
    fn a_long_run_of_blanks_inside_a_line_is_content() {
        let line = [b"a", " ".repeat(3 * MAX_HELD).as_bytes(), b"b"].concat();
        for piece in [1, MAX_HELD, MAX_HELD + 1, MAX_HELD + 2, line.len()] {
            assert!(decode("quoted-printable", &line, piece) == line, "by {piece}");
        }
    }
}
