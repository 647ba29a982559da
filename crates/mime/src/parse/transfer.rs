//! Content-Transfer-Encoding (RFC 2045 §6): never fails, says when it had to repair.

use std::borrow::Cow;

use mail_parser::decoders::base64::base64_decode;

/// How a body's octets are encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// `7bit`, `8bit`, `binary`, and whatever is unknown.
    Identity,
    Base64,
    QuotedPrintable,
    /// `x-uuencode` and its spellings.
    Uuencode,
}

impl Encoding {
    /// Reads the field's value; `None` for a word that is no encoding.
    pub(crate) fn parse(value: &str) -> Option<Self> {
        let word = value.split([';', '(']).next().unwrap_or_default().trim().trim_matches(['"', '\'']);
        match word.to_ascii_lowercase().as_str() {
            "" | "7bit" | "8bit" | "binary" | "7-bit" | "8-bit" | "none" => Some(Self::Identity),
            "base64" | "base-64" | "b" => Some(Self::Base64),
            "quoted-printable" | "quotedprintable" | "quoted_printable" | "qp" => Some(Self::QuotedPrintable),
            "x-uuencode" | "uuencode" | "x-uue" | "uue" => Some(Self::Uuencode),
            _ => None,
        }
    }
}

/// The decoded octets, and whether any had to be skipped.
pub(crate) fn decode(body: &[u8], encoding: Encoding) -> (Cow<'_, [u8]>, bool) {
    match encoding {
        Encoding::Identity => (Cow::Borrowed(body), false),
        Encoding::Base64 => match base64_decode(body) {
            // mail-parser takes 0xFF for the end, as it takes a quote's end elsewhere: what follows would be lost.
            Some(octets) if memchr::memchr(0xFF, body).is_none() => (Cow::Owned(octets), false),
            _ => {
                let mut octets = Vec::with_capacity(body.len() / 4 * 3);
                base64_append(body, &mut octets);
                (Cow::Owned(octets), true)
            }
        },
        Encoding::QuotedPrintable => {
            let (octets, repaired) = quoted_printable(body);
            (Cow::Owned(octets), repaired)
        }
        Encoding::Uuencode => match super::uuencode::decode_body(body) {
            Some(octets) => (Cow::Owned(octets), false),
            None => (Cow::Borrowed(body), true),
        },
    }
}

/// How many octets [`decode`] would give, without keeping them.
pub(crate) fn decoded_size(body: &[u8], encoding: Encoding) -> usize {
    match encoding {
        Encoding::Identity => body.len(),
        Encoding::Base64 => base64_size(body),
        Encoding::QuotedPrintable | Encoding::Uuencode => decode(body, encoding).0.len(),
    }
}

pub(crate) fn is_base64(octet: u8) -> bool {
    sextet(octet).is_some() || octet == b'=' || octet.is_ascii_whitespace()
}

/// Base64 with anything foreign skipped; padding in the middle ends a group, as in joined encodings.
pub(crate) fn base64_append(body: &[u8], out: &mut Vec<u8>) {
    let (mut chunk, mut count) = (0u32, 0u8);
    for &octet in body {
        if let Some(value) = sextet(octet) {
            chunk = (chunk << 6) | u32::from(value);
            count += 1;
            if count == 4 {
                let [_, a, b, c] = chunk.to_be_bytes();
                out.extend([a, b, c]);
                (chunk, count) = (0, 0);
            }
        } else if octet == b'=' {
            flush(chunk, count, out);
            (chunk, count) = (0, 0);
        }
    }
    flush(chunk, count, out);
}

fn flush(chunk: u32, count: u8, out: &mut Vec<u8>) {
    let [_, a, b, _] = (chunk << (6 * u32::from(4 - count.min(4)))).to_be_bytes();
    match count {
        2 => out.push(a),
        3 => out.extend([a, b]),
        _ => {}
    }
}

fn base64_size(body: &[u8]) -> usize {
    let mut size = 0;
    let mut rest = body;
    loop {
        let (run, behind) = rest.split_at(memchr::memchr(b'=', rest).unwrap_or(rest.len()));
        let digits = digits(run);
        size += digits / 4 * 3 + (digits % 4).saturating_sub(1);
        match behind.split_first() {
            Some((_, behind)) => rest = behind,
            None => return size,
        }
    }
}

/// Without branches and in sums of one octet, so that the compiler counts many octets at once: this is all that is done with
/// a large attachment whose content is not wanted.
fn digits(run: &[u8]) -> usize {
    let count = |chunk: &[u8]| usize::from(chunk.iter().map(|b| u8::from(is_digit(*b))).sum::<u8>());
    run.chunks(usize::from(u8::MAX)).map(count).sum()
}

fn is_digit(octet: u8) -> bool {
    ((octet | 0x20).wrapping_sub(b'a') < 26) | (octet.wrapping_sub(b'0') < 10) | (octet == b'+') | (octet == b'/')
}

pub(crate) fn sextet(octet: u8) -> Option<u8> {
    match octet {
        b'A'..=b'Z' => Some(octet - b'A'),
        b'a'..=b'z' => Some(octet - b'a' + 26),
        b'0'..=b'9' => Some(octet - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

/// The octet of two hexadecimal digits at the start of `input`.
pub(crate) fn hex_pair(input: &[u8]) -> Option<u8> {
    let high = char::from(*input.first()?).to_digit(16)?;
    let low = char::from(*input.get(1)?).to_digit(16)?;
    u8::try_from(high * 16 + low).ok()
}

/// RFC 2045 §6.7. Blanks at a line's end are transport's, not the text's; an `=` that means nothing stays.
fn quoted_printable(body: &[u8]) -> (Vec<u8>, bool) {
    let mut out = Vec::with_capacity(body.len());
    let mut repaired = false;
    let mut rest = body;
    while !rest.is_empty() {
        let (line, ending, tail) = next_line(rest);
        rest = tail;
        let text = line.trim_ascii_end();
        // `trim_ascii_end` also takes a lone CR, which is none of the text's either.
        let (text, soft) = match text.strip_suffix(b"=") {
            Some(before) => (before, true),
            None => (text, false),
        };
        repaired |= decode_line(text, &mut out);
        if !soft {
            out.extend_from_slice(ending);
        }
    }
    (out, repaired)
}

fn decode_line(line: &[u8], out: &mut Vec<u8>) -> bool {
    let mut repaired = false;
    let mut rest = line;
    while let Some(at) = memchr::memchr(b'=', rest) {
        let (before, tail) = rest.split_at(at);
        out.extend_from_slice(before);
        let tail = tail.get(1..).unwrap_or_default();
        match hex_pair(tail) {
            Some(octet) => {
                out.push(octet);
                rest = tail.get(2..).unwrap_or_default();
            }
            None => {
                out.push(b'=');
                repaired = true;
                rest = tail;
            }
        }
    }
    out.extend_from_slice(rest);
    repaired
}

/// A line, its ending, and what follows.
fn next_line(input: &[u8]) -> (&[u8], &[u8], &[u8]) {
    let Some(at) = memchr::memchr(b'\n', input) else { return (input, b"", b"") };
    let (line, rest) = input.split_at(at);
    let (newline, tail) = rest.split_at(1);
    match line.split_last() {
        Some((b'\r', _)) => {
            let (line, ending_and_tail) = input.split_at(at - 1);
            (line, ending_and_tail.get(..2).unwrap_or(newline), tail)
        }
        _ => (line, newline, tail),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_and_its_size_agree_on_anything() {
        for input in [
            "",
            "YQ==",
            "YWI=",
            "YWJj",
            "YWJjZA",
            "Y",
            "YW\r\nJj",
            "YQ==YWI=",
            "Y!W@J#j",
            "====",
            "YQ=\nYQ=",
            "YWJjZ===x",
        ] {
            both_ways(input.as_bytes());
        }
        both_ways(b"YWJj\xFFZGVm");
        // More than one octet counts to.
        for length in [254, 255, 256, 257, 511, 4096] {
            both_ways("A".repeat(length).as_bytes());
            both_ways("YWJj\r\n".repeat(length).as_bytes());
        }
        assert!((0..=255).all(|octet| is_digit(octet) == sextet(octet).is_some()));
        assert_eq!(*decode(b"YWJj\r\nZGVm", Encoding::Base64).0, *b"abcdef");
        assert_eq!(decode(b"YWJj*ZGVm", Encoding::Base64), (Cow::Borrowed(&b"abcdef"[..]), true));
    }

    fn both_ways(input: &[u8]) {
        let (octets, _) = decode(input, Encoding::Base64);
        assert_eq!(octets.len(), decoded_size(input, Encoding::Base64), "{input:?}");
        let mut own = Vec::new();
        base64_append(input, &mut own);
        assert_eq!(*octets, *own, "{input:?}");
    }

    #[test]
    fn quoted_printable_as_it_comes() {
        for (input, expected, repaired) in [
            ("a=C3=A4b", "aäb", false),
            ("soft=\r\nbreak", "softbreak", false),
            ("soft= \t\r\nbreak", "softbreak", false),
            ("trailing  \r\nblank", "trailing\r\nblank", false),
            ("lower =c3=a4", "lower ä", false),
            ("a=b", "a=b", true),
            ("a==C3=A4", "a=ä", true),
            ("end=", "end", false),
        ] {
            let (octets, flag) = decode(input.as_bytes(), Encoding::QuotedPrintable);
            assert_eq!((String::from_utf8_lossy(&octets).as_ref(), flag), (expected, repaired), "{input}");
        }
    }
}
