//! Text of header fields: unfolding (RFC 5322 §2.2.3) and encoded words (RFC 2047), as they come and not as they should.
//!
//! ```text
//! encoded-word = "=?" charset ["*" language] "?" encoding "?" encoded-text "?="
//! ```
//!
//! Neighbouring words of one charset are joined before they are decoded, because senders cut in the middle of a
//! character, and of four digits of base64. Words glued to text, with blanks inside, folded inside or without their end
//! are read as well.

use std::borrow::Cow;

use memchr::memmem;

use super::charset::{self, Hint};
use super::jis;
use super::transfer::{self, Encoding};

/// Longest charset name (with language) that is taken for one.
const MAX_CHARSET: usize = 60;

/// Octets of a line after which no word ends: keeps 50,000 words without an end linear.
pub(crate) fn last_word_end(line: &[u8]) -> usize {
    memmem::rfind(line, b"?=").unwrap_or(0)
}

/// The text of a field's raw value: unfolded, encoded words decoded, 8-bit octets repaired, no control characters.
pub(crate) fn text(raw: &[u8], hint: Hint<'_>) -> String {
    let line = jis::unshifted(unfold(raw));
    if line.is_ascii() && memmem::find(&line, b"=?").is_none() && memchr::memchr(0x1b, &line).is_none() {
        return clean(String::from_utf8_lossy(&line).into_owned());
    }
    clean(decode(&line, hint))
}

/// Removes line breaks of folding; a broken-off line is joined by one blank.
pub(crate) fn unfold(raw: &[u8]) -> Cow<'_, [u8]> {
    let raw = raw.trim_ascii();
    if memchr::memchr2(b'\r', b'\n', raw).is_none() {
        return Cow::Borrowed(raw);
    }
    let mut out = Vec::with_capacity(raw.len());
    for line in raw.split(|b| *b == b'\n' || *b == b'\r').filter(|l| !l.is_empty()) {
        match line.split_first() {
            _ if out.is_empty() => out.extend_from_slice(line),
            Some((b' ' | b'\t', rest)) => {
                out.push(b' ');
                out.extend_from_slice(rest);
            }
            _ => {
                out.push(b' ');
                out.extend_from_slice(line);
            }
        }
    }
    Cow::Owned(out)
}

/// One encoded word at the start of a byte string.
pub(crate) struct EncodedWord<'a> {
    charset: &'a str,
    base64: bool,
    content: &'a [u8],
    /// Octets of the whole word.
    pub(crate) length: usize,
}

impl<'a> EncodedWord<'a> {
    /// Reads `=?…?=` at the start of `input`. Without its `?=` the word reaches to the end of `input`, if base64.
    /// `may_end` is false where no `?=` is left.
    pub(crate) fn at_start(input: &'a [u8], may_end: bool) -> Option<Self> {
        let after = input.strip_prefix(b"=?")?;
        let window = after.get(..MAX_CHARSET).unwrap_or(after);
        let mark = memchr::memchr(b'?', window)?;
        let charset = std::str::from_utf8(after.get(..mark)?).ok()?;
        let charset = charset.split('*').next().unwrap_or(charset);
        if charset.is_empty() || !charset.bytes().all(|b| b.is_ascii_graphic()) {
            return None;
        }
        let rest = after.get(mark + 1..)?;
        let (letter, rest) = rest.split_first()?;
        let base64 = match letter {
            b'b' | b'B' => true,
            b'q' | b'Q' => false,
            _ => return None,
        };
        let rest = rest.strip_prefix(b"?")?;
        let start = input.len() - rest.len();
        match may_end.then(|| memmem::find(rest, b"?=")).flatten() {
            Some(end) => Some(Self { charset, base64, content: rest.get(..end)?, length: start + end + 2 }),
            None if base64 && !rest.is_empty() && rest.iter().all(|b| transfer::is_base64(*b)) => {
                Some(Self { charset, base64, content: rest, length: input.len() })
            }
            None => None,
        }
    }

    /// Whether nothing but a comma is encoded.
    pub(crate) fn is_comma(&self) -> bool {
        let mut octets = Vec::new();
        if self.content.len() < 10 {
            self.append_octets(&mut octets);
        }
        octets.trim_ascii() == b","
    }

    fn append_octets(&self, out: &mut Vec<u8>) {
        if self.base64 {
            out.extend_from_slice(&transfer::decode(self.content, Encoding::Base64).0);
        } else {
            q_append(self.content, out);
        }
    }
}

/// Decodes a line without folding.
pub(crate) fn decode(line: &[u8], hint: Hint<'_>) -> String {
    let mut out = String::with_capacity(line.len());
    let mut run = Run::default();
    let mut rest = line;
    let last_end = last_word_end(line);
    while let Some(at) = memmem::find(rest, b"=?") {
        let (before, tail) = rest.split_at(at);
        let Some(word) = EncodedWord::at_start(tail, line.len() - tail.len() < last_end) else {
            // Not a word after all: the mark is text, and so is what stands before it.
            let (literal, after) = rest.split_at(at + 2);
            run.flush(&mut out, hint);
            push_raw(literal, &mut out, hint);
            rest = after;
            continue;
        };
        if !(run.is_open() && before.iter().all(u8::is_ascii_whitespace)) {
            run.flush(&mut out, hint);
            push_raw(before, &mut out, hint);
        }
        run.add(&word, &mut out, hint);
        rest = tail.get(word.length..).unwrap_or_default();
    }
    run.flush(&mut out, hint);
    push_raw(rest, &mut out, hint);
    out
}

/// Words of one charset, waiting to be decoded together.
#[derive(Default)]
struct Run<'a> {
    charset: &'a str,
    octets: Vec<u8>,
    /// Base64 that the next word may go on with: empty, or ends within four digits.
    base64: Vec<u8>,
    /// How many of the four stand there.
    digits: u8,
    /// Value of the last.
    last: u8,
}

impl<'a> Run<'a> {
    fn is_open(&self) -> bool {
        !self.charset.is_empty()
    }

    fn add(&mut self, word: &EncodedWord<'a>, out: &mut String, hint: Hint<'_>) {
        if !self.charset.eq_ignore_ascii_case(word.charset) {
            self.flush(out, hint);
            self.charset = word.charset;
        }
        if !word.base64 {
            self.end_base64();
            return word.append_octets(&mut self.octets);
        }
        if !self.goes_on(word.content) {
            self.end_base64();
        }
        self.base64.extend_from_slice(word.content);
        for octet in word.content {
            match transfer::sextet(*octet) {
                Some(value) => (self.digits, self.last) = ((self.digits + 1) % 4, value),
                None if *octet == b'=' => self.digits = 0,
                None => {}
            }
        }
        if self.digits == 0 {
            self.end_base64();
        }
    }

    /// Whether `next` holds the rest of the four digits. Where a sender only left the padding out, the bits of the last
    /// digit that no octet needs are zero, and the next word begins anew.
    fn goes_on(&self, next: &[u8]) -> bool {
        let lone_digit = || next.iter().filter(|b| **b == b'=' || transfer::sextet(**b).is_some()).count() % 4 == 1;
        match self.digits {
            2 => self.last & 0b1111 != 0,
            3 => self.last & 0b11 != 0 || lone_digit(),
            _ => true,
        }
    }

    fn end_base64(&mut self) {
        if !self.base64.is_empty() {
            self.octets.extend_from_slice(&transfer::decode(&self.base64, Encoding::Base64).0);
            self.base64.clear();
        }
        self.digits = 0;
    }

    fn flush(&mut self, out: &mut String, hint: Hint<'_>) {
        if self.is_open() {
            self.end_base64();
            out.push_str(&charset::decode(&self.octets, Some(self.charset), hint).0);
            self.charset = "";
            self.octets.clear();
        }
    }
}

fn push_raw(octets: &[u8], out: &mut String, hint: Hint<'_>) {
    match std::str::from_utf8(octets) {
        Ok(text) if memchr::memchr(0x1b, octets).is_none() => out.push_str(text),
        _ => out.push_str(&charset::decode(octets, None, hint).0),
    }
}

/// The `Q` encoding (RFC 2047 §4.2); an `=` that starts no octet is an `=`.
fn q_append(content: &[u8], out: &mut Vec<u8>) {
    let mut rest = content;
    while let Some((&first, tail)) = rest.split_first() {
        rest = tail;
        match first {
            b'_' => out.push(b' '),
            b'=' => match transfer::hex_pair(tail) {
                Some(octet) => {
                    out.push(octet);
                    rest = tail.get(2..).unwrap_or_default();
                }
                None => out.push(b'='),
            },
            _ => out.push(first),
        }
    }
}

/// A decoded word may hold line breaks, and a header built from it would then hold two fields.
fn clean(text: String) -> String {
    let trimmed = text.trim();
    if !trimmed.bytes().any(|b| b < 0x20 || b == 0x7f) {
        return if trimmed.len() == text.len() { text } else { trimmed.to_owned() };
    }
    let blanked: String =
        trimmed.chars().filter(|c| *c != '\0').map(|c| if c.is_ascii_control() { ' ' } else { c }).collect();
    blanked.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn t(raw: impl AsRef<[u8]>) -> String {
        text(raw.as_ref(), Hint::default())
    }

    #[test]
    fn words_as_the_rfc_shows_them() {
        for (raw, expected) in [
            ("=?ISO-8859-1?Q?a?=", "a"),
            ("=?ISO-8859-1?Q?a?= b", "a b"),
            ("=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=", "ab"),
            ("=?ISO-8859-1?Q?a?=\r\n  =?ISO-8859-1?Q?b?=", "ab"),
            ("=?ISO-8859-1?Q?a_b?=", "a b"),
            ("=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=", "a b"),
            ("=?ISO-8859-1?Q?Olle_J=E4rnefors?=", "Olle Järnefors"),
            ("=?utf-8*en?B?w6Q=?=", "ä"),
        ] {
            assert_eq!(t(raw), expected, "{raw}");
        }
    }

    #[test]
    fn words_cut_inside_a_character() {
        // 你好 is e4 bd a0 e5 a5 bd; cut after one, two and four octets.
        assert_eq!(t("=?utf-8?Q?=E4?= =?utf-8?Q?=BD=A0=E5=A5=BD?="), "你好");
        assert_eq!(t("=?utf-8?B?5L0=?=\r\n =?UTF-8?B?oOWlvQ==?="), "你好");
        assert_eq!(t("=?gb2312?B?xOO6?= =?gb2312?B?ww==?="), "你好");
        // Each word shifts back to ASCII at its end, as RFC 1468 wants it.
        assert_eq!(t("=?iso-2022-jp?B?GyRCJDMbKEI=?=\r\n =?iso-2022-jp?B?GyRCJHMbKEI=?="), "こん");
    }

    #[test]
    fn words_cut_inside_four_digits() {
        for raw in [
            "=?utf-8?B?5L2g5a?= =?utf-8?B?W95LiW55WM?=",
            "=?utf-8?B?5L2g5?= =?UTF-8*zh?b?aW95LiW55WM?=",
            "=?utf-8?B?5L2g5aW?= =?utf-8?B?95LiW55WM?=",
            // Every word is cut.
            "=?utf-8?B?5?= =?utf-8?B?L2g5a?= =?utf-8?B?W95L?= =?utf-8?B?i?= =?utf-8?B?W55WM?=",
        ] {
            assert_eq!(t(raw), "你好世界", "{raw}");
        }
        // The bits that are left are zero by chance: `ab1`.
        assert_eq!(t("=?utf-8?B?YWI?= =?utf-8?B?x?="), "ab1");
        assert_eq!(t("=?utf-8?B?5L2g5a?= =?utf-8?Q?b?= =?gbk?B?xOO6ww?="), "你\u{FFFD}b你好");
        let raw = "=?utf-8?B?5L2g5?= ".repeat(50_000);
        assert!(!t(&raw).is_empty());
    }

    #[test]
    fn words_that_only_lack_their_padding() {
        assert_eq!(t("=?utf-8?B?w6TDtg?= =?utf-8?B?5L2g?="), "äö你");
        assert_eq!(t("=?utf-8?B?w6TDtg?= =?utf-8?B?w6TDtg?="), "äöäö");
        assert_eq!(t("=?utf-8?B?w6Q?= =?utf-8?B?w6Q?= x"), "ää x");
    }

    #[test]
    fn words_in_the_wrong_place_or_shape() {
        assert_eq!(t("Re:=?utf-8?Q?=C3=A4?=b"), "Re:äb");
        assert_eq!(t("=?utf-8?Q?a b c?="), "a b c");
        assert_eq!(t("=?utf-8?B?w6TD\r\n tg==?="), "äö");
        assert_eq!(t("=?utf-8?B?w6TDtg"), "äö");
        assert_eq!(t("=?utf-8?X?abc?="), "=?utf-8?X?abc?=");
        assert_eq!(t("=? =?? a=?b"), "=? =?? a=?b");
        assert_eq!(t("=?utf-8?Q?=3D=ZZ=?="), "==ZZ=");
    }

    #[test]
    fn a_decoded_line_break_never_starts_a_field() {
        assert_eq!(t("=?utf-8?Q?a=0D=0ABcc:_x@y?="), "a Bcc: x@y");
        assert_eq!(t("a\0b\u{1}c"), "ab c");
    }

    #[test]
    fn raw_octets_are_repaired() {
        assert_eq!(t("Grüße"), "Grüße");
        assert_eq!(t(b"Gr\xfc\xdfe aus M\xfcnchen"), "Grüße aus München");
        assert_eq!(t(b"AW: Vertr\xe4ge f\xfcr K\xf6ln"), "AW: Verträge für Köln");
        assert_eq!(
            t(b"\xdcberm\xe4\xdfige \xc4nderungen \xfcber l\xe4ngere Zeit"),
            "Übermäßige Änderungen über längere Zeit"
        );
        assert_eq!(t(b"\xc4\xe3\xba\xc3\xa3\xac\xca\xc0\xbd\xe7"), "你好，世界");
        assert_eq!(t(b"\x1b$B$3$s$K$A$O\x1b(B"), "こんにちは");
        // Pairs that look like the start of a word.
        assert_eq!(t(b"\x1b$B==?M==?9\x1b(B"), "十人十森");
        let hint = Hint { label: Some("big5"), tld: None };
        assert_eq!(text(b"\xa7A\xa6n", hint), "你好");
    }

    #[test]
    fn folding_keeps_words_apart() {
        assert_eq!(t("one\r\n two\r\n\tthree"), "one two three");
        assert_eq!(t("one\n two"), "one two");
        assert_eq!(t("one\r two"), "one two");
    }

    #[test]
    fn fifty_thousand_marks_without_an_end() {
        let raw = "=?a?q?x ".repeat(50_000).trim_end().to_owned();
        assert_eq!(t(&raw), raw);
    }
}
