//! ISO-2022-JP (RFC 1468) and its extensions (CP50220, RFC 1554, RFC 2237), as they come: cut, folded, with pairs that
//! only one maker's phones know.
//!
//! ```text
//! text  = *( shift stretch )
//! shift = ESC "(" final / ESC "$" final / ESC "$(" final
//! ```
//!
//! Every stretch is decoded for itself, so that what is broken in one leaves the others alone.

use std::borrow::Cow;

use encoding_rs::{EUC_JP, EUC_KR, Encoding, GBK};

const ESC: u8 = 0x1b;

/// Stands for nothing in any of the charsets used here.
const NOTHING: u8 = 0xff;

/// EUC-JP's mark before a pair of JIS X 0212.
const SUPPLEMENT: u8 = 0x8f;

/// Which characters the octets of a stretch stand for.
#[derive(Clone, Copy)]
enum Set {
    Ascii,
    /// JIS X 0201: a yen sign for the backslash, an overline for the tilde.
    Roman,
    /// JIS X 0201: katakana of half width.
    Katakana,
    /// Two octets a character, which are those of this charset without their high bits.
    Pairs(&'static Encoding),
    /// JIS X 0212.
    Supplement,
}

/// What may stand behind an escape character. `(H` is the Swedish set, written by those who mean JIS X 0201; JIS X 0213
/// (`$(O`, `$(Q`) is JIS X 0208 and more; `&@` only says which edition of it follows.
const SHIFTS: &[(&[u8], Option<Set>)] = &[
    (b"(B", Some(Set::Ascii)),
    (b"(J", Some(Set::Roman)),
    (b"(H", Some(Set::Roman)),
    (b"(I", Some(Set::Katakana)),
    (b"$@", Some(Set::Pairs(EUC_JP))),
    (b"$B", Some(Set::Pairs(EUC_JP))),
    (b"$(@", Some(Set::Pairs(EUC_JP))),
    (b"$(B", Some(Set::Pairs(EUC_JP))),
    (b"$(O", Some(Set::Pairs(EUC_JP))),
    (b"$(Q", Some(Set::Pairs(EUC_JP))),
    (b"$(D", Some(Set::Supplement)),
    (b"$A", Some(Set::Pairs(GBK))),
    (b"$(C", Some(Set::Pairs(EUC_KR))),
    (b"&@", None),
];

/// `ESC $` or `ESC (`: the shifts of the ISO 2022 family, which nothing else holds.
pub(crate) fn has_shift(bytes: &[u8]) -> bool {
    memchr::memchr_iter(ESC, bytes).any(|at| matches!(bytes.get(at + 1), Some(b'$' | b'(')))
}

/// What was read.
#[derive(Default)]
pub(crate) struct Jis {
    pub(crate) text: String,
    /// Characters that a shift was needed for.
    found: usize,
    /// Replacement characters.
    pub(crate) lost: usize,
}

impl Jis {
    /// Whether octets that nobody labelled were this: terminals write shifts, too.
    pub(crate) fn is_likely(&self) -> bool {
        self.lost == 0 || self.found >= self.lost
    }

    fn lose(&mut self) {
        self.text.push(char::REPLACEMENT_CHARACTER);
        self.lost += 1;
    }

    fn read(&mut self, stretch: &[u8], set: Set) {
        let text = set.text(stretch);
        let lost = text.chars().filter(|c| *c == char::REPLACEMENT_CHARACTER).count();
        self.lost += lost;
        if !matches!(set, Set::Ascii | Set::Roman) {
            self.found += text.chars().filter(|c| !c.is_ascii()).count() - lost;
        }
        self.text.push_str(&text);
    }
}

/// Reads all of `bytes`.
pub(crate) fn decode(bytes: &[u8]) -> Jis {
    let mut out = Jis { text: String::with_capacity(bytes.len()), ..Jis::default() };
    let mut set = Set::Ascii;
    let (mut stretch, mut rest) = before_escape(bytes);
    loop {
        // Who shifts back to single octets was still in pairs; otherwise the end of a line is where all shifts end.
        let goes_on = rest.get(1..).is_some_and(shifts_back);
        match memchr::memchr(b'\n', stretch).filter(|_| !goes_on) {
            Some(end) => {
                let (line, lines) = stretch.split_at(end);
                out.read(line, set);
                out.read(lines, Set::Ascii);
                set = Set::Ascii;
            }
            None => out.read(stretch, set),
        }
        let Some((_, tail)) = rest.split_first() else { return out };
        let behind = match SHIFTS.iter().find(|(shift, _)| tail.starts_with(shift)) {
            Some((shift, next)) => {
                set = next.unwrap_or(set);
                tail.get(shift.len()..).unwrap_or_default()
            }
            // Cut off, it shifts to nothing.
            None if matches!(tail, b"" | b"$" | b"(" | b"$(" | b"&") => return out,
            None => {
                out.lose();
                tail
            }
        };
        (stretch, rest) = before_escape(behind);
    }
}

/// A header's line with its raw pairs read: they hold quotes, brackets and commas that are no syntax. Where they do not
/// shift back, or not before a blank, they hold syntax, too, and are left to those who read a single value.
pub(crate) fn unshifted(line: Cow<'_, [u8]>) -> Cow<'_, [u8]> {
    if !has_shift(&line) {
        return line;
    }
    let mut out = Vec::with_capacity(line.len());
    let mut rest: &[u8] = &line;
    while let Some(start) = find_shift(rest, |shift| shift.starts_with(b"$") || shift.starts_with(b"(I")) {
        let (before, run) = rest.split_at(start);
        out.extend_from_slice(before);
        rest = run;
        let Some(end) = find_shift(run, shifts_back) else { break };
        let (run, behind) = run.split_at_checked(end + 3).unwrap_or((run, b""));
        let read = decode(run);
        let is_whole = run.iter().all(|octet| *octet == ESC || octet.is_ascii_graphic());
        out.extend_from_slice(if is_whole && read.is_likely() { read.text.as_bytes() } else { run });
        rest = behind;
    }
    out.extend_from_slice(rest);
    Cow::Owned(out)
}

/// Where an escape character is before something that `is_it`.
fn find_shift(bytes: &[u8], is_it: impl Fn(&[u8]) -> bool) -> Option<usize> {
    memchr::memchr_iter(ESC, bytes).find(|at| bytes.get(at + 1..).is_some_and(&is_it))
}

fn shifts_back(shift: &[u8]) -> bool {
    matches!(shift.get(..2), Some(b"(B" | b"(J" | b"(H"))
}

fn before_escape(bytes: &[u8]) -> (&[u8], &[u8]) {
    bytes.split_at(memchr::memchr(ESC, bytes).unwrap_or(bytes.len()))
}

impl Set {
    fn text(self, stretch: &[u8]) -> Cow<'_, str> {
        match self {
            Self::Ascii => String::from_utf8_lossy(stretch),
            Self::Roman => Cow::Owned(String::from_utf8_lossy(stretch).chars().map(roman).collect()),
            Self::Katakana => Cow::Owned(stretch.iter().copied().map(katakana).collect()),
            Self::Pairs(encoding) => Cow::Owned(pairs(stretch, encoding, None)),
            Self::Supplement => Cow::Owned(pairs(stretch, EUC_JP, Some(SUPPLEMENT))),
        }
    }
}

fn roman(c: char) -> char {
    match c {
        '\\' => '¥',
        '~' => '‾',
        _ => c,
    }
}

fn katakana(octet: u8) -> char {
    match octet {
        0x21..=0x5f => char::from_u32(0xff61 + u32::from(octet - 0x21)).unwrap_or(char::REPLACEMENT_CHARACTER),
        0..=0x20 => char::from(octet),
        _ => char::REPLACEMENT_CHARACTER,
    }
}

/// By way of the charset that writes the same pairs with their high bits. Line ends and blanks stay, though they are in
/// the wrong place; an octet without its other half, or of eight bits already, is [`NOTHING`].
fn pairs(stretch: &[u8], encoding: &'static Encoding, mark: Option<u8>) -> String {
    let mut out = Vec::with_capacity(stretch.len());
    let mut rest = stretch;
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        match (first, tail.first()) {
            (0x21..=0x7e, Some(second @ 0x21..=0x7e)) => {
                out.extend(mark);
                out.extend([first | 0x80, second | 0x80]);
                rest = tail.get(1..).unwrap_or_default();
            }
            (0..=0x20, _) => out.push(*first),
            _ => out.push(NOTHING),
        }
    }
    encoding.decode_without_bom_handling(&out).0.into_owned()
}

#[cfg(test)]
mod tests {
    use crate::parse::charset::{self, Hint, Trouble};

    fn labelled(bytes: &[u8]) -> (String, Option<Trouble>) {
        charset::decode(bytes, Some("ISO-2022-JP"), Hint::default())
    }

    const LOST: Option<Trouble> = Some(Trouble::Undecodable);

    #[test]
    fn one_broken_character_leaves_the_rest_alone() {
        for (bytes, text) in [
            // An emoji of a phone.
            (&b"\x1b$B$3$s$K$A$O\x1b(B\n\x1b$B$\"u!\x1b(B"[..], "こんにちは\nあ\u{FFFD}"),
            (b"\x1b$B$\"$\x1b(B ok", "あ\u{FFFD} ok"),
            (b"\x1b$B$\"$\n\x1b(B\x1b$B$$\x1b(B", "あ\u{FFFD}\nい"),
            (b"\x1b$B$3$s$K$", "こんに\u{FFFD}"),
            (b"\x1b$B$3$s\x1b(B \xe9 ok", "こん \u{FFFD} ok"),
            (b"\x1b$B$3\xe9$s\x1b(B", "こ\u{FFFD}ん"),
            (b"\x1b$B$3\x1b(B\x1b[1m", "こ\u{FFFD}[1m"),
            // A pair that JIS X 0212 has not.
            (b"\x1b$B$3\x1b$(D!!\x1b(B.", "こ\u{FFFD}."),
            // Nothing but what nobody knows.
            (b"\x1b$Bu!\x1b(B", "\u{FFFD}"),
        ] {
            assert_eq!(labelled(bytes), (text.to_owned(), LOST), "{bytes:?}");
        }
        let (text, trouble) = labelled("\x1b$B$3$s\x1b(B é".as_bytes());
        assert_eq!((text.as_str(), trouble), ("こん é", Some(Trouble::Mislabelled)));
    }

    #[test]
    fn every_shift_that_is_written() {
        for (bytes, text) in [
            (&b"\x1b$B$3$s\x1b(Habc"[..], "こんabc"),
            (b"\x1b$@$3$s\x1b(J\\100~\x1b(B\\", "こん¥100‾\\"),
            (b"\x1b(I6@\x1b(B", "ｶﾀ"),
            (b"\x1b$(B$3\x1b&@\x1b$B$s\x1b(B", "こん"),
            (b"\x1b$(D0!\x1b$B$3\x1b(B", "丂こ"),
            (b"\x1b$(Q$3\x1b$A<:\x1b$(C>H\x1b(B", "こ己안"),
            // Circled digits of NEC, additions of IBM.
            (b"\x1b$B-!|b\x1b(B", "①髙"),
            // Joined words, each of which ends in ASCII; a shift that was cut off.
            (b"\x1b$B$3\x1b(B\x1b$B$s\x1b(B\x1b(B\x1b$", "こん"),
        ] {
            assert_eq!(labelled(bytes), (text.to_owned(), None), "{bytes:?}");
        }
    }

    #[test]
    fn a_line_end_within_pairs() {
        for (bytes, text) in [
            // Folded: who shifts back was not back.
            (&b"\x1b$B$3$s\r\n $K$A$O\x1b(B"[..], "こん\n にちは"),
            // Never shifted back.
            (b"\x1b$B$3$s\nplain\n\x1b$B$K\x1b(B", "こん\nplain\nに"),
            (b"\x1b$B$3$s\n-- \nplain", "こん\n-- \nplain"),
        ] {
            assert_eq!(labelled(bytes), (text.to_owned(), None), "{bytes:?}");
        }
    }

    #[test]
    fn without_a_label_it_has_to_look_like_it() {
        let read = |bytes: &[u8]| charset::decode(bytes, None, Hint::default()).0;
        assert_eq!(read(b"\x1b$B$3$su!\x1b(B"), "こん\u{FFFD}");
        for log in ["é \x1b(B\x1b[m done", "\x1b(B\x1b[m done", "\x1b$?\x1b$! x"] {
            assert_eq!(read(log.as_bytes()), log);
        }
    }

    #[test]
    fn the_label_on_something_else() {
        for (bytes, text) in [
            ("日本語のメール".as_bytes(), "日本語のメール"),
            (b"\x93\xfa\x96\x7b\x8c\xea\x82\xcc\x83\x81\x81\x5b\x83\x8b", "日本語のメール"),
        ] {
            assert_eq!(labelled(bytes), (text.to_owned(), Some(Trouble::Mislabelled)));
        }
        assert_eq!(labelled(b"plain $B text"), ("plain $B text".to_owned(), None));
    }
}
