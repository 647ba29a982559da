//! Header text in FETCH data: decoded here, once, by what the MIME crate offers.

use std::borrow::Cow;

use memchr::memchr_iter;
use smol_str::{SmolStr, StrExt as _};

/// Unstructured text: encoded words (RFC 2047) and raw 8-bit are taken. Plain ASCII costs one copy.
pub(super) fn decode(raw: &[u8]) -> String {
    if is_plain(raw) { utf8(raw).into_owned() } else { email_mime::decode_header_text(raw) }
}

/// The same of a text that is likely to be short.
pub(super) fn short(raw: &[u8]) -> SmolStr {
    match std::str::from_utf8(raw) {
        Ok(text) if is_plain(raw) => text.into(),
        _ => email_mime::decode_header_text(raw).into(),
    }
}

/// As UTF-8, what is none replaced. Twice as quick as the standard library's where there is nothing to replace.
pub(super) fn utf8(raw: &[u8]) -> Cow<'_, str> {
    std::str::from_utf8(raw).map_or_else(|_| String::from_utf8_lossy(raw), Cow::Borrowed)
}

fn is_plain(raw: &[u8]) -> bool {
    raw.iter().all(|b| matches!(b, b' '..=b'~'))
        && memchr_iter(b'=', raw).all(|at| raw.get(at.saturating_add(1)) != Some(&b'?'))
}

/// Parameters as a server copied them from the header: continuations and charsets of RFC 2231 are still in them.
/// Names in lower case, in order of first appearance; of two the first counts.
pub(super) fn parameters<'a>(
    pairs: impl Iterator<Item = (Cow<'a, [u8]>, Cow<'a, [u8]>)> + Clone,
) -> Vec<(SmolStr, SmolStr)> {
    if !pairs.clone().any(|(name, _)| name.contains(&b'*')) {
        return plain(pairs);
    }
    let mut found: Vec<Parameter> = Vec::new();
    for (name, value) in pairs {
        let name = utf8(name.trim_ascii()).to_ascii_lowercase();
        let Spelling { base, section, extended } = Spelling::of(&name);
        let parameter = match found.iter_mut().find(|p| p.name == base) {
            Some(known) => known,
            None => {
                if found.len() >= MAX_PARAMETERS {
                    continue;
                }
                found.push(Parameter { name: base.to_owned(), plain: None, pieces: Vec::new() });
                let Some(new) = found.last_mut() else { continue };
                new
            }
        };
        match section {
            None if !extended => parameter.plain = parameter.plain.take().or_else(|| Some(decode(&value))),
            _ if parameter.pieces.len() < MAX_PIECES => {
                parameter.pieces.push(Piece { section: section.unwrap_or(0), extended, value: value.into_owned() });
            }
            _ => {}
        }
    }
    found.into_iter().map(Parameter::finish).collect()
}

/// As nearly all are: nothing to put together.
fn plain<'a>(pairs: impl Iterator<Item = (Cow<'a, [u8]>, Cow<'a, [u8]>)>) -> Vec<(SmolStr, SmolStr)> {
    let mut found: Vec<(SmolStr, SmolStr)> = Vec::new();
    for (name, value) in pairs {
        let name = utf8(name.trim_ascii()).to_ascii_lowercase_smolstr();
        if found.len() < MAX_PARAMETERS && !found.iter().any(|(known, _)| *known == name) {
            found.push((name, short(&value)));
        }
    }
    found
}

/// Parameters of one part taken; honest ones have five. Each name is compared with those before it.
const MAX_PARAMETERS: usize = 200;

/// Continuations of one parameter taken; stops 20,000 of them.
const MAX_PIECES: usize = 200;

struct Parameter {
    name: String,
    plain: Option<String>,
    pieces: Vec<Piece>,
}

struct Piece {
    section: u32,
    extended: bool,
    value: Vec<u8>,
}

impl Parameter {
    /// RFC 2231 §4.1 is for old readers: the plain value is the poorer one.
    fn finish(mut self) -> (SmolStr, SmolStr) {
        if self.pieces.is_empty() {
            return (self.name.into(), self.plain.unwrap_or_default().into());
        }
        self.pieces.sort_by_key(|piece| piece.section);
        let mut charset = None;
        let mut bytes = Vec::new();
        for piece in &self.pieces {
            let mut value = piece.value.as_slice();
            if piece.extended && charset.is_none() {
                let mut parts = value.splitn(3, |b| *b == b'\'');
                if let (Some(label), Some(_), Some(rest)) = (parts.next(), parts.next(), parts.next()) {
                    charset = Some(label.to_vec());
                    value = rest;
                }
            }
            if piece.extended { percent_decode(value, &mut bytes) } else { bytes.extend_from_slice(value) }
        }
        (self.name.into(), decode_charset(&charset.unwrap_or_default(), &bytes).into())
    }
}

/// `name*1*` is piece 1 of `name`, percent-encoded.
struct Spelling<'a> {
    base: &'a str,
    section: Option<u32>,
    extended: bool,
}

impl<'a> Spelling<'a> {
    fn of(name: &'a str) -> Self {
        let (stem, extended) = name.strip_suffix('*').map_or((name, false), |stem| (stem, true));
        match stem.rsplit_once('*').and_then(|(base, n)| n.parse().ok().map(|n| (base, n))) {
            Some((base, section)) => Self { base, section: Some(section), extended },
            None => Self { base: stem, section: None, extended },
        }
    }
}

fn percent_decode(value: &[u8], out: &mut Vec<u8>) {
    let mut rest = value;
    while let Some((&byte, after)) = rest.split_first() {
        match (byte, after) {
            (b'%', [high, low, tail @ ..]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                out.push(hex(*high) << 4 | hex(*low));
                rest = tail;
            }
            _ => {
                out.push(byte);
                rest = after;
            }
        }
    }
}

fn hex(digit: u8) -> u8 {
    char::from(digit).to_digit(16).and_then(|d| u8::try_from(d).ok()).unwrap_or(0)
}

/// As an encoded word, because that is the form in which the MIME crate takes a charset with its bytes.
fn decode_charset(charset: &[u8], bytes: &[u8]) -> String {
    if charset.is_empty()
        || !charset.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b':'))
    {
        return decode(bytes);
    }
    let mut word = Vec::with_capacity(bytes.len().saturating_mul(3).saturating_add(charset.len()).saturating_add(8));
    word.extend_from_slice(b"=?");
    word.extend_from_slice(charset);
    word.extend_from_slice(b"?Q?");
    for byte in bytes {
        word.extend_from_slice(format!("={byte:02X}").as_bytes());
    }
    word.extend_from_slice(b"?=");
    email_mime::decode_header_text(&word)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use email_base::clock;

    use super::*;

    fn read(pairs: &[(&'static str, &'static str)]) -> Vec<(SmolStr, SmolStr)> {
        parameters(pairs.iter().map(|(n, v)| (Cow::Borrowed(n.as_bytes()), Cow::Borrowed(v.as_bytes()))))
    }

    fn pairs(expected: &[(&str, &str)]) -> Vec<(SmolStr, SmolStr)> {
        expected.iter().map(|(n, v)| ((*n).into(), (*v).into())).collect()
    }

    #[test]
    fn names_are_lower_case_and_the_first_of_two_counts() {
        assert_eq!(read(&[("CHARSET", "utf-8"), ("charset", "x")]), pairs(&[("charset", "utf-8")]));
    }

    #[test]
    fn rfc_2231_in_every_spelling() {
        let whole = pairs(&[("filename", "r\u{e9}sum\u{e9}.pdf")]);
        assert_eq!(read(&[("filename*", "utf-8'en'r%C3%A9sum%c3%a9.pdf")]), whole);
        assert_eq!(read(&[("filename*1*", "sum%C3%A9.pdf"), ("filename*0*", "utf-8''r%C3%A9")]), whole);
        assert_eq!(read(&[("filename", "resume.pdf"), ("filename*", "iso-8859-1''r%E9sum%E9.pdf")]), whole);
        assert_eq!(read(&[("name*0", "a"), ("name*1", "b"), ("name*3", "c")]), pairs(&[("name", "abc")]));
        assert_eq!(read(&[("name*", "100%")]), pairs(&[("name", "100%")]));
    }

    #[test]
    fn encoded_words_in_parameters_are_decoded_as_every_mail_program_does() {
        assert_eq!(read(&[("name", "=?utf-8?B?w6k=?=.txt")]), pairs(&[("name", "\u{e9}.txt")]));
    }

    #[test]
    fn twenty_thousand_parameters_are_cut_in_linear_time() {
        let started = clock::now();
        for star in ["", "*"] {
            let many: Vec<_> = (0..20_000).map(|n| (format!("a-parameter-{n}{star}"), "x")).collect();
            let read = parameters(many.iter().map(|(n, v)| (Cow::Borrowed(n.as_bytes()), Cow::Borrowed(v.as_bytes()))));
            assert_eq!(read.len(), MAX_PARAMETERS);
            assert_eq!(read[7], ("a-parameter-7".into(), "x".into()));
        }
        assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
    }

    #[test]
    fn a_thousand_continuations_are_cut() {
        let many: Vec<_> = (0..1000).map(|n| (format!("n*{n}"), "x")).collect();
        let read = parameters(many.iter().map(|(n, v)| (Cow::Borrowed(n.as_bytes()), Cow::Borrowed(v.as_bytes()))));
        assert_eq!(read, pairs(&[("n", &"x".repeat(MAX_PIECES))]));
    }
}
