//! `type; name=value` fields (RFC 2045 §5.1, RFC 2183) with extended and continued parameters (RFC 2231), and what
//! senders make of them: encoded words, raw octets, missing quotes, doubled and missing continuations.

use std::collections::HashMap;

use super::charset::{self, Hint};
use super::jis;
use super::transfer::hex_pair;
use super::word;

/// A structured field: its leading value in lower case, and its parameters by lower-case name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Structured {
    pub(crate) value: String,
    parameters: Vec<(String, String)>,
}

impl Structured {
    /// Reads a field's raw value.
    pub(crate) fn parse(raw: &[u8], hint: Hint<'_>) -> Self {
        let line = jis::unshifted(word::unfold(raw));
        let mut segments = segments(&line).into_iter();
        let value =
            segments.next().map_or(String::new(), |s| String::from_utf8_lossy(s.trim_ascii()).to_ascii_lowercase());
        Self { value, parameters: assemble(segments, hint) }
    }

    /// All of them, in their order.
    pub(crate) fn parameters(&self) -> &[(String, String)] {
        &self.parameters
    }

    /// The first parameter of that (lower-case) name.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }
}

/// Splits at `;` outside quotes and comments; comments are left out.
fn segments(line: &[u8]) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    let mut current = Vec::new();
    let mut quoted = false;
    let mut depth = 0usize;
    // A quote that never closes is no quote: else it would swallow every parameter behind it.
    let last_quote = memchr::memrchr(b'"', line);
    let last_paren = memchr::memrchr(b')', line);
    let mut octets = line.iter().copied().enumerate();
    while let Some((at, octet)) = octets.next() {
        match octet {
            b'\\' if quoted || depth > 0 => {
                let next = octets.next().map(|(_, o)| o);
                if depth == 0 {
                    // `C:\x.txt` unescaped: only quotes and backslashes are really escaped.
                    if !matches!(next, Some(b'"' | b'\\')) {
                        current.extend([b'\\', b'\\']);
                    } else {
                        current.push(b'\\');
                    }
                    current.extend(next);
                }
            }
            b'"' if depth == 0 && (quoted || last_quote.is_some_and(|last| last > at)) => {
                quoted = !quoted;
                current.push(b'"');
            }
            b'(' if !quoted && (depth > 0 || last_paren.is_some_and(|last| last > at)) && !in_value(&current) => {
                depth += 1
            }
            b')' if !quoted && depth > 0 => depth -= 1,
            b';' if !quoted && depth == 0 => all.push(std::mem::take(&mut current)),
            _ if depth == 0 => current.push(octet),
            _ => {}
        }
    }
    all.push(current);
    all
}

/// `filename=report (1).pdf`: inside an unquoted value a parenthesis belongs to it.
fn in_value(segment: &[u8]) -> bool {
    memchr::memchr(b'=', segment).is_some_and(|at| {
        let value = segment.get(at + 1..).unwrap_or_default().trim_ascii();
        let name = segment.get(..at).unwrap_or_default().trim_ascii();
        !value.is_empty()
            && !value.starts_with(b"\"")
            && matches!(name.to_ascii_lowercase().as_slice(), b"name" | b"filename")
    })
}

/// One `name*1*=value` as it stands.
struct Piece {
    index: u32,
    extended: bool,
    value: Vec<u8>,
}

fn assemble(segments: impl Iterator<Item = Vec<u8>>, hint: Hint<'_>) -> Vec<(String, String)> {
    let mut order: Vec<(String, Vec<Piece>)> = Vec::new();
    let mut index: HashMap<String, usize> = HashMap::new();
    for segment in segments {
        let Some(at) = memchr::memchr(b'=', &segment) else { continue };
        let (name, value) = segment.split_at(at);
        let name = String::from_utf8_lossy(name.trim_ascii()).to_ascii_lowercase();
        let piece_value = unquote(value.get(1..).unwrap_or_default());
        let (base, piece) = split_name(&name, piece_value);
        if base.is_empty() {
            continue;
        }
        match index.get(base).and_then(|at| order.get_mut(*at)) {
            Some((_, pieces)) => pieces.push(piece),
            None => {
                index.insert(base.to_owned(), order.len());
                order.push((base.to_owned(), vec![piece]));
            }
        }
    }
    order.into_iter().map(|(name, pieces)| (name, join(pieces, hint))).collect()
}

/// `name*3*` → (`name`, piece 3, extended).
fn split_name(name: &str, value: Vec<u8>) -> (&str, Piece) {
    let plain = Piece { index: 0, extended: false, value };
    let Some((base, rest)) = name.split_once('*') else { return (name, plain) };
    let (number, extended) = match rest.strip_suffix('*') {
        Some(number) => (number, true),
        None if rest.is_empty() => ("", true),
        None => (rest, false),
    };
    match number {
        "" => (base, Piece { extended: true, ..plain }),
        _ => match number.parse() {
            Ok(index) => (base, Piece { index, extended, ..plain }),
            Err(_) => (name, plain),
        },
    }
}

/// Joins pieces in order of their numbers; of two with one number the first counts, an extended one before a plain.
fn join(mut pieces: Vec<Piece>, hint: Hint<'_>) -> String {
    pieces.sort_by_key(|p| (p.index, !p.extended));
    pieces.dedup_by_key(|p| p.index);
    let mut label = None;
    let mut octets = Vec::new();
    let mut encoded = false;
    for (n, piece) in pieces.into_iter().enumerate() {
        let looks_extended = n == 0 && !piece.extended && has_forgotten_star(&piece.value);
        if !piece.extended && !looks_extended {
            octets.extend(piece.value);
            continue;
        }
        encoded = true;
        let mut value = piece.value.as_slice();
        if n == 0
            && let Some((charset, rest)) = split_charset(value)
        {
            label = Some(charset);
            value = rest;
        }
        percent_decode(value, &mut octets);
    }
    if encoded {
        let text = charset::decode(&octets, label.as_deref(), hint).0;
        // Some senders percent-encode an encoded word.
        return if text.contains("=?") { word::text(text.as_bytes(), hint) } else { text };
    }
    word::text(&octets, hint)
}

/// `utf-8''%E4…` without the star in the parameter's name.
fn has_forgotten_star(value: &[u8]) -> bool {
    split_charset(value).is_some_and(|(label, rest)| {
        memchr::memchr(b'%', rest).is_some() && encoding_rs::Encoding::for_label(label.as_bytes()).is_some()
    })
}

/// `charset'language'rest`.
fn split_charset(value: &[u8]) -> Option<(String, &[u8])> {
    let first = memchr::memchr(b'\'', value)?;
    let (label, rest) = value.split_at(first);
    let rest = rest.get(1..)?;
    let second = memchr::memchr(b'\'', rest)?;
    let language = rest.get(..second)?;
    let word = |part: &[u8]| part.iter().all(|b| b.is_ascii_alphanumeric() || b"-_.:".contains(b));
    (word(label) && word(language))
        .then(|| (String::from_utf8_lossy(label).into_owned(), rest.get(second + 1..).unwrap_or_default()))
}

/// `%41` → `A`; a `%` that starts no octet stays.
pub(crate) fn percent_decode(value: &[u8], out: &mut Vec<u8>) {
    let mut rest = value;
    while let Some((&first, tail)) = rest.split_first() {
        match (first, hex_pair(tail)) {
            (b'%', Some(octet)) => {
                out.push(octet);
                rest = tail.get(2..).unwrap_or_default();
            }
            _ => {
                out.push(first);
                rest = tail;
            }
        }
    }
}

fn unquote(value: &[u8]) -> Vec<u8> {
    let value = value.trim_ascii();
    let Some(inner) = value.strip_prefix(b"\"") else {
        return value.iter().copied().filter(|b| *b != b'"').collect();
    };
    let mut out = Vec::with_capacity(inner.len());
    let mut rest = inner;
    while let Some((&octet, tail)) = rest.split_first() {
        rest = tail;
        match octet {
            b'\\' => {
                let Some((&escaped, tail)) = tail.split_first() else { break };
                out.push(escaped);
                rest = tail;
            }
            // What follows the closing quote is no part of the value, unless it is quoted again.
            b'"' => match tail.trim_ascii_start().strip_prefix(b"\"") {
                Some(again) => rest = again,
                None => break,
            },
            _ => out.push(octet),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(raw: impl AsRef<[u8]>, name: &str) -> Option<String> {
        Structured::parse(raw.as_ref(), Hint::default()).get(name).map(str::to_owned)
    }

    #[test]
    fn plain_quoted_and_commented() {
        let s = Structured::parse(
            b"Text/Plain (hi; x=y); charset=us-ascii (Plain text); Format=\"flow\\\"ed\"",
            Hint::default(),
        );
        assert_eq!(s.value, "text/plain");
        assert_eq!(s.get("charset"), Some("us-ascii"));
        assert_eq!(s.get("format"), Some("flow\"ed"));
    }

    #[test]
    fn rfc2231_examples() {
        assert_eq!(get("a/b; URL*0=\"ftp://\";\r\n URL*1=\"cs.utk.edu/x\"", "url").unwrap(), "ftp://cs.utk.edu/x");
        assert_eq!(
            get("a/b; title*=us-ascii'en-us'This%20is%20%2A%2A%2Afun%2A%2A%2A", "title").unwrap(),
            "This is ***fun***"
        );
        let long = "a/b; title*0*=us-ascii'en'This%20is%20even%20more%20; title*1*=%2A%2A%2Afun%2A%2A%2A%20; title*2=\"isn't it!\"";
        assert_eq!(get(long, "title").unwrap(), "This is even more ***fun*** isn't it!");
    }

    #[test]
    fn names_as_senders_write_them() {
        for (raw, expected) in [
            ("attachment; filename=my file.pdf", "my file.pdf"),
            ("attachment; filename=report (1).pdf", "report (1).pdf"),
            ("attachment; filename=\"=?UTF-8?B?5L2g5aW9?=.txt\"", "你好.txt"),
            ("attachment; filename=\"=?UTF-8?Q?a?=\r\n =?UTF-8?Q?b?=.txt\"", "ab.txt"),
            ("attachment; filename=utf-8''%E4%BD%A0.txt", "你.txt"),
            ("attachment; filename*=\"utf-8''%E4%BD%A0.txt\"", "你.txt"),
            ("attachment; filename=\"old.txt\"; filename*=utf-8''new.txt", "new.txt"),
            ("attachment; filename*1=b.txt; filename*0=a", "ab.txt"),
            ("attachment; filename*0=a; filename*0=z; filename*2=c", "ac"),
            ("attachment; filename*0*=utf-8''%E4%BD; filename*1*=%A0.txt", "你.txt"),
            ("attachment; filename=\"unclosed.txt", "unclosed.txt"),
            ("attachment; filename=\"C:\\temp\\x.txt\"", "C:\\temp\\x.txt"),
            ("attachment; filename=\"Grüße.txt\"", "Grüße.txt"),
        ] {
            assert_eq!(get(raw, "filename").as_deref(), Some(expected), "{raw}");
        }
        assert_eq!(get(b"attachment; filename=\"\xc4\xe3\xba\xc3.txt\"", "filename").unwrap(), "你好.txt");
    }

    #[test]
    fn raw_iso_2022_jp_is_no_syntax() {
        let raw = b"attachment; filename=\"\x1b$B$\"$;F|K\\8l\x1b(B.pdf\"; size=1";
        assert_eq!(get(raw, "filename").unwrap(), "あせ日本語.pdf");
        assert_eq!(get(raw, "size").unwrap(), "1");
        let cut = b"attachment; filename*0=\"\x1b$BF|K\"; filename*1=\"\\\\8l\x1b(B.pdf\"";
        assert_eq!(get(cut, "filename").unwrap(), "日本語.pdf");
    }

    #[test]
    fn twenty_thousand_continuations() {
        let mut raw = String::from("attachment");
        (0..20_000).rev().for_each(|n| raw.push_str(&format!("; filename*{n}=x")));
        assert_eq!(get(raw, "filename").unwrap().len(), 20_000);
    }

    #[test]
    fn proto_is_a_name_like_any_other() {
        assert_eq!(get("a/b; __proto__=1; constructor=2", "__proto__").unwrap(), "1");
    }
}
