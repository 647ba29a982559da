//! Header blocks (RFC 5322 §2.2): where they end, and which fields they hold, without decoding any.

use memchr::memchr;

use super::charset::Hint;
use super::word;
use crate::limits::MAX_FIELDS;
use crate::message::HeaderMap;

/// One field, as it stands in the source.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Field<'a> {
    /// Without the colon.
    pub(crate) name: &'a [u8],
    /// After the colon, with its folding.
    pub(crate) value: &'a [u8],
}

/// The fields of one header block.
#[derive(Debug, Clone, Default)]
pub(crate) struct Fields<'a>(pub(crate) Vec<Field<'a>>);

impl<'a> Fields<'a> {
    /// Raw value of the first field of that name.
    pub(crate) fn first(&self, name: &str) -> Option<&'a [u8]> {
        self.all(name).next()
    }

    /// Raw values of every field of that name.
    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        self.0.iter().filter(move |f| f.name.eq_ignore_ascii_case(name.as_bytes())).map(|f| f.value)
    }

    /// Decoded text of the first field of that name, `None` when it is missing or empty.
    pub(crate) fn text(&self, name: &str, hint: Hint<'_>) -> Option<String> {
        self.first(name).map(|raw| word::text(raw, hint)).filter(|text| !text.is_empty())
    }

    /// Every field (the first [`MAX_FIELDS`]) by lower-case name, in order of first appearance.
    pub(crate) fn to_map(&self, hint: Hint<'_>) -> HeaderMap {
        let mut map: HeaderMap = Vec::with_capacity(self.0.len().min(MAX_FIELDS));
        let mut index = std::collections::HashMap::with_capacity(self.0.len());
        for field in self.0.iter().take(MAX_FIELDS) {
            let name = String::from_utf8_lossy(field.name).to_ascii_lowercase();
            let value = word::text(field.value, hint);
            match index.get(&name).and_then(|at: &usize| map.get_mut(*at)) {
                Some((_, values)) => values.push(value),
                None => {
                    index.insert(name.clone(), map.len());
                    map.push((name, vec![value]));
                }
            }
        }
        map
    }
}

/// A header block that was read.
pub(crate) struct Block<'a> {
    pub(crate) fields: Fields<'a>,
    /// Where the body starts.
    pub(crate) body: usize,
    /// A byte order mark stood before it.
    pub(crate) marked: bool,
    /// The body is there without the empty line before it.
    pub(crate) unterminated: bool,
    /// The block was longer than allowed; later fields are left out.
    pub(crate) truncated: bool,
}

/// Of UTF-8: editors put it before what they save.
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// Reads the block at `start`. `is_delimiter` says whether a line that begins with `--` ends the part.
pub(crate) fn read<'a>(
    source: &'a [u8],
    start: usize,
    max_bytes: usize,
    is_delimiter: impl Fn(&[u8]) -> bool,
) -> Block<'a> {
    let mut block = Block {
        fields: Fields::default(),
        body: source.len(),
        marked: source.get(start..).is_some_and(|rest| rest.starts_with(BYTE_ORDER_MARK)),
        unterminated: false,
        truncated: false,
    };
    // Taken for octets of the first field's name, it would hide that field.
    let start = if block.marked { start + BYTE_ORDER_MARK.len() } else { start };
    let mut at = start;
    while let Some(rest) = source.get(at..).filter(|r| !r.is_empty()) {
        let (line, next) = line_at(rest, at);
        if line.is_empty() {
            block.body = next;
            return block;
        }
        if line.starts_with(b"--") && is_delimiter(line) {
            block.body = at;
            return block;
        }
        if next - start > max_bytes {
            block.truncated = true;
        } else if !take_line(&mut block.fields, source, line, at) {
            let is_envelope_line = at == start && (line.starts_with(b"From ") || line.starts_with(b">From "));
            let (following, _) = source.get(next..).map_or((&b""[..], next), |r| line_at(r, next));
            if !is_envelope_line && field_name(following).is_none() {
                block.body = at;
                block.unterminated = true;
                return block;
            }
            if !is_envelope_line {
                extend_last(&mut block.fields, source, line, at);
            }
        }
        at = next;
    }
    block
}

/// Whether `line` was a field or the continuation of one.
fn take_line<'a>(fields: &mut Fields<'a>, source: &'a [u8], line: &'a [u8], at: usize) -> bool {
    if matches!(line.first(), Some(b' ' | b'\t')) && !fields.0.is_empty() {
        extend_last(fields, source, line, at);
        return true;
    }
    let Some(length) = field_name(line) else { return false };
    let name = line.get(..length).unwrap_or_default();
    let value = line.get(length..).unwrap_or_default();
    let colon = memchr(b':', value).map_or(0, |c| c + 1);
    fields.0.push(Field { name, value: value.get(colon..).unwrap_or_default() });
    true
}

/// The last field's value reaches to the end of `line`.
fn extend_last<'a>(fields: &mut Fields<'a>, source: &'a [u8], line: &'a [u8], at: usize) {
    if let Some(field) = fields.0.last_mut() {
        let start = offset_in(source, field.value);
        field.value = source.get(start..at + line.len()).unwrap_or(field.value);
    }
}

/// Where `part`, a slice of `source`, starts in it.
fn offset_in(source: &[u8], part: &[u8]) -> usize {
    part.as_ptr().addr().saturating_sub(source.as_ptr().addr())
}

/// Length of the field name that `line` starts with: `1*ftext [FWS] ":"`.
fn field_name(line: &[u8]) -> Option<usize> {
    let colon = memchr(b':', line)?;
    let name = line.get(..colon)?.trim_ascii_end();
    let sound = !name.is_empty() && name.iter().all(|b| (0x21..=0x7E).contains(b) || *b >= 0x80);
    sound.then_some(name.len())
}

/// The line at the start of `rest` without its ending, and where the next one starts.
pub(crate) fn line_at(rest: &[u8], at: usize) -> (&[u8], usize) {
    match memchr(b'\n', rest) {
        Some(end) => {
            let line = rest.get(..end).unwrap_or_default();
            (line.strip_suffix(b"\r").unwrap_or(line), at + end + 1)
        }
        None => (rest.strip_suffix(b"\r").unwrap_or(rest), at + rest.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(source: &str) -> (Vec<(String, String)>, &str, bool) {
        let block = read(source.as_bytes(), 0, 1 << 20, |_| false);
        let pairs = block
            .fields
            .0
            .iter()
            .map(|f| (String::from_utf8_lossy(f.name).into_owned(), word::text(f.value, Hint::default())));
        (pairs.collect(), &source[block.body..], block.unterminated)
    }

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn folding_and_blanks_before_the_colon() {
        let (pairs, body, _) = fields("Subject : a\r\n b\r\nTo:c\r\n\r\nbody");
        assert_eq!(pairs, [pair("Subject", "a b"), pair("To", "c")]);
        assert_eq!(body, "body");
    }

    #[test]
    fn envelope_lines_and_broken_continuations() {
        let (pairs, body, unterminated) = fields("From ada Mon Jan 1\nSubject: a\nbroken line\nTo: c\n\nbody");
        assert_eq!(pairs, [pair("Subject", "a broken line"), pair("To", "c")]);
        assert_eq!((body, unterminated), ("body", false));
    }

    #[test]
    fn a_body_without_the_empty_line() {
        let (pairs, body, unterminated) = fields("Subject: a\nHello there,\nhow are you?\n");
        assert_eq!(pairs, [pair("Subject", "a")]);
        assert_eq!((body, unterminated), ("Hello there,\nhow are you?\n", true));
    }

    #[test]
    fn a_huge_header_is_cut_and_the_body_still_found() {
        let source = format!("A: 1\n{}\nbody", "B: 2\n".repeat(100));
        let block = read(source.as_bytes(), 0, 50, |_| false);
        assert!(block.truncated);
        assert_eq!(block.fields.0.len(), 10);
        assert_eq!(&source[block.body..], "body");
    }

    #[test]
    fn proto_is_a_name_like_any_other() {
        let block = read(b"__proto__: 1\nconstructor: 2\n__PROTO__: 3\n\n", 0, 1000, |_| false);
        let map = block.fields.to_map(Hint::default());
        assert_eq!(map[0], ("__proto__".to_owned(), vec!["1".to_owned(), "3".to_owned()]));
        assert_eq!(map[1].0, "constructor");
    }
}
