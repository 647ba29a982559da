//! Octets to text (RFC 2045 §5.1 `charset`, RFC 2978), also where the label is missing, unknown or a lie.
//!
//! Order of belief: a byte order mark, the label if the octets fit it, UTF-8 if they are UTF-8, a guess, the label with
//! replacement characters. NUL is dropped: databases refuse it, and no text needs it. Line ends become LF.

use std::borrow::Cow;

use chardetng::EncodingDetector;
use encoding_rs::{
    BIG5, EUC_KR, Encoding, GB18030, GBK, ISO_2022_JP, SHIFT_JIS, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252,
};
use mail_parser::decoders::charsets::map::charset_decoder;

use super::jis;

/// What stood in the way of a faithful text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The label names no known charset.
    Unknown,
    /// The octets are not of the labelled charset; another one fitted.
    Mislabelled,
    /// Some octets stand for nothing in any charset tried.
    Undecodable,
}

/// Text of `bytes`, and what was wrong.
pub(crate) fn decode(bytes: &[u8], label: Option<&str>, hint: Hint<'_>) -> (String, Option<Trouble>) {
    let (text, trouble) = decode_raw(bytes, label, hint);
    (tidy(text), trouble)
}

/// What else is known of who wrote the octets, for guessing.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Hint<'a> {
    /// A charset that the same message uses elsewhere.
    pub(crate) label: Option<&'a str>,
    /// Last label of the sender's domain: `cn`, `jp`.
    pub(crate) tld: Option<&'a str>,
}

/// A guess reads no more than this: more changes no answer and costs time.
const GUESS_BYTES: usize = 16 * 1024;

/// A name longer than every registered one is noise.
const MAX_LABEL: usize = 45;

fn decode_raw<'a>(bytes: &'a [u8], label: Option<&str>, hint: Hint<'_>) -> (Cow<'a, str>, Option<Trouble>) {
    let label = label.map(str::trim).filter(|l| !l.is_empty());
    if let Some((encoding, skip)) = Encoding::for_bom(bytes) {
        let (text, lossy) = encoding.decode_without_bom_handling(bytes.get(skip..).unwrap_or_default());
        return (text, lossy.then_some(Trouble::Undecodable));
    }
    if bytes.is_ascii() && !label.is_some_and(is_seven_bit_shift) && !jis::has_shift(bytes) {
        return (String::from_utf8_lossy(bytes), None);
    }
    match label.map(charset) {
        None | Some(Charset::Ascii) => {
            let (text, lossy) = guess(bytes, hint);
            let trouble = if lossy { Some(Trouble::Undecodable) } else { label.map(|_| Trouble::Mislabelled) };
            (text, trouble)
        }
        Some(Charset::Unknown) => {
            let (text, lossy) = guess(bytes, hint);
            (text, Some(if lossy { Trouble::Undecodable } else { Trouble::Unknown }))
        }
        Some(Charset::Known(encoding)) => by_label(bytes, encoding, hint),
        Some(Charset::Utf16) => {
            let (text, lossy) = utf16_order(bytes).decode_without_bom_handling(bytes);
            (text, lossy.then_some(Trouble::Undecodable))
        }
        Some(Charset::Hz) => (Cow::Owned(hz(bytes)), None),
        Some(Charset::Iso2022Kr) => (Cow::Owned(iso_2022_kr(bytes)), None),
        Some(Charset::Utf7) => (Cow::Owned(utf_7(bytes)), None),
        Some(Charset::Other(decoder)) => (Cow::Owned(decoder(bytes)), None),
    }
}

enum Charset {
    Ascii,
    Known(&'static Encoding),
    Utf16,
    Hz,
    Iso2022Kr,
    Utf7,
    /// IBM 850 and others that browsers dropped.
    Other(fn(&[u8]) -> String),
    Unknown,
}

fn charset(label: &str) -> Charset {
    // As most are.
    if label.eq_ignore_ascii_case("utf-8") {
        return Charset::Known(UTF_8);
    }
    let lower = label.trim_matches(['"', '\'', ' ', ';']).to_ascii_lowercase();
    match lower.as_str() {
        "us-ascii" | "ascii" | "ansi_x3.4-1968" | "unknown" | "unknown-8bit" | "x-unknown" | "8bit" | "default"
        | "default_charset" | "none" | "_iso-2022-jp$esc" | "autodetect" | "charset" => return Charset::Ascii,
        "utf-16" | "utf16" | "ucs-2" | "unicode" | "iso-10646-ucs-2" => return Charset::Utf16,
        "utf-7" | "utf7" | "unicode-1-1-utf-7" | "x-utf-7" | "csutf7" => return Charset::Utf7,
        "hz-gb-2312" | "hz" => return Charset::Hz,
        "iso-2022-kr" | "csiso2022kr" => return Charset::Iso2022Kr,
        "utf8mb4" | "utf_8" | "utf-8-sig" | "utf-8n" | "cp65001" | "unicode-utf-8" => return Charset::Known(UTF_8),
        "cp936" | "ms936" | "windows-936" | "x-gb2312" | "gb-2312" | "gb2312-80" | "gb18030-2022" | "euc-cn"
        | "x-euc-cn" | "gb_18030" | "cp-936" => return Charset::Known(GB18030),
        "cp932" | "windows-932" | "ms932" | "shiftjis" | "x-ms-cp932" | "cp943c" => return Charset::Known(SHIFT_JIS),
        "cp949" | "uhc" | "ms949" | "x-windows-949" | "ks_c_5601" | "ksc_5601_1987" => return Charset::Known(EUC_KR),
        "cp950" | "ms950" | "windows-950" | "x-big5" | "big5hkscs" => return Charset::Known(BIG5),
        "cp50220" | "cp50221" | "cp50222" | "iso-2022-jp-ms" | "iso-2022-jp-1" | "iso-2022-jp-2"
        | "iso-2022-jp-2004" | "iso2022jp" | "csiso2022jp2" => return Charset::Known(ISO_2022_JP),
        _ => {}
    }
    match Encoding::for_label(lower.as_bytes()) {
        // Each is a subset of its successor, and its label stands on text of the successor every day.
        Some(e) if e == GBK => Charset::Known(GB18030),
        Some(e) if e != encoding_rs::REPLACEMENT && e != encoding_rs::X_USER_DEFINED => Charset::Known(e),
        _ => other(&lower),
    }
}

fn other(lower: &str) -> Charset {
    if lower.len() > MAX_LABEL {
        return Charset::Unknown;
    }
    let plain = lower.replace("windows_", "windows-").replace("iso_8859_", "iso-8859-").replace('_', "-");
    if let Some(encoding) = Encoding::for_label(plain.as_bytes()).filter(|e| *e != encoding_rs::REPLACEMENT) {
        return Charset::Known(encoding);
    }
    match plain.strip_prefix("cp").and_then(|n| Encoding::for_label(format!("windows-{n}").as_bytes())) {
        Some(encoding) => Charset::Known(encoding),
        None => charset_decoder(plain.as_bytes()).map_or(Charset::Unknown, Charset::Other),
    }
}

/// Charsets whose text is ASCII octets and still is not ASCII.
fn is_seven_bit_shift(label: &str) -> bool {
    matches!(charset(label), Charset::Hz | Charset::Iso2022Kr | Charset::Utf7 | Charset::Utf16 | Charset::Other(_))
        || matches!(charset(label), Charset::Known(e) if e == ISO_2022_JP || e == UTF_16BE || e == UTF_16LE)
}

fn by_label<'a>(bytes: &'a [u8], encoding: &'static Encoding, hint: Hint<'_>) -> (Cow<'a, str>, Option<Trouble>) {
    if encoding == UTF_8 {
        return match std::str::from_utf8(bytes) {
            Ok(text) => (Cow::Borrowed(text), None),
            Err(_) => {
                let (text, lossy) = mended_utf8(bytes, hint);
                (text, Some(if lossy { Trouble::Undecodable } else { Trouble::Mislabelled }))
            }
        };
    }
    if encoding == ISO_2022_JP && jis::has_shift(bytes) {
        // Its octets are ASCII, and UTF-8 with that: one broken pair is no reason to show them as they are.
        let read = jis::decode(bytes);
        if bytes.is_ascii() || read.is_likely() {
            let foreign = (!bytes.is_ascii()).then_some(Trouble::Mislabelled);
            return (Cow::Owned(read.text), if read.lost > 0 { Some(Trouble::Undecodable) } else { foreign });
        }
    }
    let utf8 = Utf8Evidence::of(bytes);
    if utf8 == Utf8Evidence::Certain && encoding != UTF_16BE && encoding != UTF_16LE {
        return (String::from_utf8_lossy(bytes), Some(Trouble::Mislabelled));
    }
    let (text, lossy) = encoding.decode_without_bom_handling(bytes);
    if !lossy {
        return (text, None);
    }
    if utf8 != Utf8Evidence::Not {
        return (String::from_utf8_lossy(bytes), Some(Trouble::Mislabelled));
    }
    // Traditional characters under a simplified label and the like: only where nothing is lost.
    if encoding.is_single_byte() || encoding == BIG5 || encoding == EUC_KR || encoding == ISO_2022_JP {
        let (guessed, guess_lossy) = guess(bytes, Hint { label: None, ..hint });
        if !guess_lossy && mostly_lost(&text) {
            return (guessed, Some(Trouble::Mislabelled));
        }
    }
    (text, Some(Trouble::Undecodable))
}

/// UTF-8 cut in the middle of a character stays UTF-8; anything else that says UTF-8 is guessed.
fn mended_utf8<'a>(bytes: &'a [u8], hint: Hint<'_>) -> (Cow<'a, str>, bool) {
    let mut sound = 0usize;
    let mut broken = 0usize;
    for chunk in bytes.utf8_chunks() {
        sound += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        broken += usize::from(!chunk.invalid().is_empty());
    }
    if sound >= broken {
        return (String::from_utf8_lossy(bytes), true);
    }
    guess(bytes, hint)
}

fn mostly_lost(text: &str) -> bool {
    let lost = text.chars().filter(|c| *c == char::REPLACEMENT_CHARACTER).count();
    lost * 8 > text.chars().filter(|c| !c.is_ascii()).count()
}

/// How sure it is that octets are UTF-8, whatever the label says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Utf8Evidence {
    Not,
    Possible,
    /// Long enough that no text of another charset looks so by chance.
    Certain,
}

impl Utf8Evidence {
    fn of(bytes: &[u8]) -> Self {
        let Ok(text) = std::str::from_utf8(bytes) else { return Self::Not };
        let (mut two, mut more) = (0usize, 0usize);
        for lead in text.bytes().filter(|b| *b >= 0xC2) {
            if lead < 0xE0 {
                two += 1
            } else {
                more += 1
            }
            if more >= 3 || two >= 8 {
                return Self::Certain;
            }
        }
        Self::Possible
    }
}

fn guess<'a>(bytes: &'a [u8], hint: Hint<'_>) -> (Cow<'a, str>, bool) {
    if jis::has_shift(bytes) {
        let read = jis::decode(bytes);
        if read.is_likely() {
            return (Cow::Owned(read.text), read.lost > 0);
        }
    }
    if std::str::from_utf8(bytes).is_ok() {
        return (String::from_utf8_lossy(bytes), false);
    }
    if let Some(Charset::Known(encoding)) = hint.label.map(charset)
        && encoding != UTF_8
        && encoding != WINDOWS_1252
    {
        let (text, lossy) = encoding.decode_without_bom_handling(bytes);
        if !lossy {
            return (text, false);
        }
    }
    let mut detector = EncodingDetector::new(chardetng::Iso2022JpDetection::Deny);
    detector.feed(bytes.get(..GUESS_BYTES).unwrap_or(bytes), true);
    let tld = hint.tld.map(str::as_bytes).filter(|t| !t.is_empty() && t.iter().all(u8::is_ascii_lowercase));
    let mut encoding = detector.guess(tld, chardetng::Utf8Detection::Deny);
    if encoding == EUC_KR && hint.tld != Some("kr") && is_short_chinese(bytes) {
        encoding = GB18030;
    }
    if !encoding.is_single_byte() && is_latin_with_accents(bytes) {
        encoding = WINDOWS_1252;
    }
    encoding.decode_without_bom_handling(bytes)
}

/// Below this many octets Korean and Chinese are told apart by who is more likely to send them unlabelled.
const SHORT: usize = 32;

/// Nothing but frequent characters (rows 16–55) and punctuation (rows 1–3) of GB 2312.
fn is_short_chinese(bytes: &[u8]) -> bool {
    let high: Vec<u8> = bytes.iter().copied().filter(|b| !b.is_ascii()).collect();
    let frequent = |pair: &[u8]| matches!(pair, [0xB0..=0xD7 | 0xA1..=0xA3, 0xA1..=0xFE]);
    high.len() < SHORT && high.chunks(2).all(frequent)
}

/// Octets beyond ASCII mostly stand alone, and letters are by far the most: two-octet characters come in runs, accents
/// do not.
fn is_latin_with_accents(bytes: &[u8]) -> bool {
    let bytes = bytes.get(..GUESS_BYTES).unwrap_or(bytes);
    let high = bytes.iter().filter(|b| !b.is_ascii()).count();
    let letters = bytes.iter().filter(|b| b.is_ascii_alphabetic()).count();
    let neighbours = bytes.windows(2).filter(|pair| pair.iter().all(|b| !b.is_ascii())).count();
    letters >= high * 4 && neighbours * 3 <= high
}

/// Without a mark, the half with more zeros is the high one of text in any alphabet.
fn utf16_order(bytes: &[u8]) -> &'static Encoding {
    let (mut even, mut odd) = (0usize, 0usize);
    for pair in bytes.chunks_exact(2).take(512) {
        even += usize::from(pair.first() == Some(&0));
        odd += usize::from(pair.get(1) == Some(&0));
    }
    if odd > even { UTF_16LE } else { UTF_16BE }
}

/// HZ (RFC 1843): `~{` … `~}` holds GB 2312 with the high bits off.
fn hz(bytes: &[u8]) -> String {
    let mut out = Vec::with_capacity(bytes.len());
    let mut chinese = false;
    let mut rest = bytes;
    while let Some((&first, tail)) = rest.split_first() {
        rest = tail;
        match (first, tail.first(), chinese) {
            (b'~', Some(b'{'), _) => (chinese, rest) = (true, tail.get(1..).unwrap_or_default()),
            (b'~', Some(b'}'), _) => (chinese, rest) = (false, tail.get(1..).unwrap_or_default()),
            (b'~', Some(b'~'), false) => {
                out.push(b'~');
                rest = tail.get(1..).unwrap_or_default();
            }
            (b'~', Some(b'\n'), false) => rest = tail.get(1..).unwrap_or_default(),
            (b'\n' | b'\r', _, _) => {
                chinese = false;
                out.push(first);
            }
            (0x21..=0x7E, Some(&second @ 0x21..=0x7E), true) => {
                out.extend([first | 0x80, second | 0x80]);
                rest = tail.get(1..).unwrap_or_default();
            }
            _ => out.push(first),
        }
    }
    GB18030.decode_without_bom_handling(&out).0.into_owned()
}

/// ISO-2022-KR (RFC 1557): SO … SI holds KS C 5601 with the high bits off.
fn iso_2022_kr(bytes: &[u8]) -> String {
    let mut out = Vec::with_capacity(bytes.len());
    let mut korean = false;
    let mut rest = bytes;
    while let Some((&first, tail)) = rest.split_first() {
        rest = tail;
        match first {
            0x1b if tail.starts_with(b"$)C") => rest = tail.get(3..).unwrap_or_default(),
            0x0e => korean = true,
            0x0f => korean = false,
            0x21..=0x7E if korean => out.push(first | 0x80),
            _ => out.push(first),
        }
    }
    EUC_KR.decode_without_bom_handling(&out).0.into_owned()
}

/// UTF-7 (RFC 2152): `+` … `-` holds UTF-16 as base64; `+-` is a plus.
fn utf_7(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(at) = memchr::memchr(b'+', rest) {
        let (before, tail) = rest.split_at(at);
        out.push_str(&String::from_utf8_lossy(before));
        let tail = tail.get(1..).unwrap_or_default();
        let end =
            tail.iter().position(|b| !(b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/'))).unwrap_or(tail.len());
        let (digits, after) = tail.split_at(end);
        let mut octets = Vec::with_capacity(digits.len());
        super::transfer::base64_append(digits, &mut octets);
        if digits.is_empty() {
            out.push('+');
        }
        let units = octets
            .chunks_exact(2)
            .map(|pair| u16::from_be_bytes([pair.first().copied().unwrap_or(0), pair.get(1).copied().unwrap_or(0)]));
        out.extend(char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)));
        // A hyphen only ends the run, anything else is text.
        rest = after.strip_prefix(b"-").unwrap_or(after);
    }
    out.push_str(&String::from_utf8_lossy(rest));
    out
}

/// One kind of line end, and no NUL.
fn tidy(text: Cow<'_, str>) -> String {
    if memchr::memchr2(0, b'\r', text.as_bytes()).is_none() {
        return text.into_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest: &str = &text;
    while let Some(at) = memchr::memchr2(0, b'\r', rest.as_bytes()) {
        let (before, tail) = rest.split_at(at);
        out.push_str(before);
        let is_line_end = tail.starts_with('\r');
        rest = tail.get(1..).unwrap_or_default();
        if is_line_end && !rest.starts_with('\n') {
            out.push('\n');
        }
    }
    out.push_str(rest);
    out
}
