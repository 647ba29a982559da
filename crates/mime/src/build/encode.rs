//! Content-Transfer-Encodings to write (RFC 2045 §6), and which one fits a text.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Octets on one line of base64: 76 characters.
pub(crate) const BASE64_LINE: usize = 57;

/// Longest line of quoted-printable, without its soft break.
const QP_LINE: usize = 75;

/// Longest line sent as it is.
const PLAIN_LINE: usize = 78;

/// A text ready to be sent.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct EncodedText {
    /// The value of `Content-Transfer-Encoding`.
    pub(crate) encoding: &'static str,
    /// With CRLF line ends.
    pub(crate) octets: Vec<u8>,
}

/// Encodes `text` in the way that keeps it readable, and exact at the other end.
pub(crate) fn text(text: &str) -> EncodedText {
    let lines = with_crlf(text);
    if is_plain(&lines) {
        return EncodedText { encoding: "7bit", octets: lines.into_bytes() };
    }
    let foreign = lines.bytes().filter(|b| !b.is_ascii() || *b == b'=').count();
    // An octet costs 3 in quoted-printable and 4/3 in base64, so a sixth is where they meet; people read the former.
    if foreign * 4 > lines.len() {
        return EncodedText { encoding: "base64", octets: base64_lines(lines.as_bytes()) };
    }
    EncodedText { encoding: "quoted-printable", octets: quoted_printable(&lines) }
}

/// CRLF for every kind of line end.
pub(crate) fn with_crlf(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 32);
    let mut rest = text;
    while let Some(at) = memchr::memchr2(b'\r', b'\n', rest.as_bytes()) {
        let (line, tail) = rest.split_at(at);
        out.push_str(line);
        out.push_str("\r\n");
        rest = tail.strip_prefix("\r\n").unwrap_or_else(|| tail.get(1..).unwrap_or_default());
    }
    out.push_str(rest);
    out
}

/// Whether nothing on the way has a reason to change the text: short ASCII lines without blanks at their ends, without
/// what mbox files escape, without what could be taken for a boundary.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|b| (b' '..=b'~').contains(&b) || matches!(b, b'\t' | b'\r' | b'\n'))
        && text.split("\r\n").all(|line| {
            line.len() <= PLAIN_LINE
                && !line.ends_with([' ', '\t'])
                && !line.starts_with("From ")
                && !line.starts_with("--=_")
        })
}

/// Lines of 76 characters, each with CRLF.
pub(crate) fn base64_lines(octets: &[u8]) -> Vec<u8> {
    let mut out = vec![0; base64_size(octets.len() as u64).try_into().unwrap_or(0)];
    // Each line is written where it belongs: no buffer between, no check for UTF-8.
    for (line, place) in octets.chunks(BASE64_LINE).zip(out.chunks_mut(BASE64_LINE / 3 * 4 + 2)) {
        let written = STANDARD.encode_slice(line, place).unwrap_or(0);
        if let Some((end, _)) = place.get_mut(written..).and_then(|end| end.split_first_chunk_mut()) {
            *end = *b"\r\n";
        }
    }
    out
}

/// What [`base64_lines`] makes of `octets` octets.
pub(crate) fn base64_size(octets: u64) -> u64 {
    let line = BASE64_LINE as u64;
    let rest = octets % line;
    let last = if rest == 0 { 0 } else { rest.div_ceil(3) * 4 + 2 };
    octets / line * 78 + last
}

fn quoted_printable(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + text.len() / 4);
    for (n, line) in text.split("\r\n").enumerate() {
        if n > 0 {
            out.extend_from_slice(b"\r\n");
        }
        quoted_printable_line(line, &mut out);
    }
    out
}

fn quoted_printable_line(line: &str, out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut column = 0;
    for (at, c) in line.char_indices() {
        let mut buffer = [0; 4];
        let octets = c.encode_utf8(&mut buffer).as_bytes();
        let is_last = at + octets.len() == line.len();
        // A dot alone ends an SMTP message, "From " begins one in an mbox: neither may start a line.
        let at_start =
            column == 0 && (c == '.' || (c == 'F' && line.get(at..).is_some_and(|l| l.starts_with("From "))));
        let literal = (matches!(c, '!'..='~') && c != '=' && !at_start) || (matches!(c, ' ' | '\t') && !is_last);
        let width = if literal { 1 } else { octets.len() * 3 };
        if column + width > QP_LINE {
            out.extend_from_slice(b"=\r\n");
            column = 0;
        }
        if literal {
            out.extend_from_slice(octets);
        } else {
            for octet in octets {
                let digit = |n: u8| HEX.get(usize::from(n)).copied().unwrap_or(b'0');
                out.extend([b'=', digit(octet >> 4), digit(octet & 15)]);
            }
        }
        column += width;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(input: &str) -> (&'static str, String) {
        let e = text(input);
        (e.encoding, String::from_utf8(e.octets).unwrap())
    }

    #[test]
    fn the_lightest_encoding_that_is_exact() {
        assert_eq!(encoded("Hello\nthere\r\n"), ("7bit", "Hello\r\nthere\r\n".to_owned()));
        assert_eq!(encoded("a\rb"), ("7bit", "a\r\nb".to_owned()));
        assert_eq!(encoded("Grüße aus der schönen Stadt").0, "quoted-printable");
        assert_eq!(encoded("你好，世界").0, "base64");
        assert_eq!(encoded("blank \nend").1, "blank=20\r\nend");
        assert_eq!(encoded("From me ä").1, "=46rom me =C3=A4");
        assert_eq!(encoded("--=_x").0, "quoted-printable");
        assert_eq!(encoded(".\nä b c d e f").1, "=2E\r\n=C3=A4 b c d e f");
    }

    #[test]
    fn lines_stay_short_and_characters_whole() {
        for c in ["x", "ä", "你", "👍", "=", " "] {
            let (_, out) = encoded(&format!("{}ö", c.repeat(1000)));
            assert!(out.split("\r\n").all(|l| l.len() <= 76), "{c}");
        }
    }

    #[test]
    fn base64_is_as_long_as_said() {
        for n in [0, 1, 2, 3, 56, 57, 58, 114, 115, 5000] {
            assert_eq!(base64_lines(&vec![7; n]).len() as u64, base64_size(n as u64), "{n}");
        }
    }
}
