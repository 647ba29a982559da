//! uuencode (IEEE Std 1003.1 `uuencode`): `begin 644 name` … `end`, as a transfer encoding and inside plain text.
//! [`begin_name`], [`is_data`] and [`read_line`] are for those who decode while the lines come in.

use std::borrow::Cow;

/// Decodes a body whose Content-Transfer-Encoding is uuencode; `None` when it holds no `begin` line.
pub(crate) fn decode_body(body: &[u8]) -> Option<Vec<u8>> {
    let start = find_begin(body, 0)?;
    Some(decode_lines(body.get(start.data..)?).0)
}

/// Files inside one text; stops a text of a million `begin` lines.
const MAX_FILES: usize = 100;

/// Name and octets of a file.
pub(crate) type NamedFile = (Vec<u8>, Vec<u8>);

/// `text` without the files inside, and the files.
pub(crate) fn take_files(text: &[u8]) -> (Cow<'_, [u8]>, Vec<NamedFile>) {
    let mut files = Vec::new();
    if memchr::memmem::find(text, b"begin ").is_none() {
        return (Cow::Borrowed(text), files);
    }
    let mut rest = Vec::new();
    let mut at = 0;
    while files.len() < MAX_FILES {
        let Some(begin) = find_begin(text, at) else { break };
        let (octets, used) = decode_lines(text.get(begin.data..).unwrap_or_default());
        rest.extend_from_slice(text.get(at..begin.line).unwrap_or_default());
        files.push((begin.name.to_vec(), octets));
        at = begin.data + used;
    }
    if files.is_empty() {
        return (Cow::Borrowed(text), files);
    }
    rest.extend_from_slice(text.get(at..).unwrap_or_default());
    (Cow::Owned(rest), files)
}

/// A file inside a text.
struct Begin<'a> {
    /// Where the `begin` line starts.
    line: usize,
    /// Where its data starts.
    data: usize,
    /// The name on the `begin` line.
    name: &'a [u8],
}

/// The first `begin <mode> <name>` line at or after `from` that data follows.
fn find_begin(text: &[u8], from: usize) -> Option<Begin<'_>> {
    let mut at = from;
    loop {
        let rest = text.get(at..)?;
        let length = memchr::memchr(b'\n', rest);
        let line = rest.get(..length.unwrap_or(rest.len()))?;
        if let Some(name) = begin_name(line) {
            let data = at + length? + 1;
            let first = text.get(data..)?.split(|b| *b == b'\n').next().unwrap_or_default();
            if is_data(first) {
                return Some(Begin { line: at, data, name });
            }
        }
        at += length? + 1;
    }
}

/// The name in a `begin <mode> <name>` line.
pub fn begin_name(line: &[u8]) -> Option<&[u8]> {
    let rest = line.strip_prefix(b"begin ")?.trim_ascii();
    let space = memchr::memchr(b' ', rest)?;
    let (mode, name) = rest.split_at(space);
    let octal = (3..=4).contains(&mode.len()) && mode.iter().all(|b| (b'0'..=b'7').contains(b));
    let name = name.trim_ascii();
    (octal && !name.is_empty()).then_some(name)
}

/// Whether `line` holds octets: what follows `begin` in a file, and not in prose.
pub fn is_data(line: &[u8]) -> bool {
    line_size(line.trim_ascii_end()).is_some()
}

/// Octets that a data line announces, if its length fits the announcement.
fn line_size(line: &[u8]) -> Option<usize> {
    let (&first, data) = line.split_first()?;
    if !(0x20..=0x60).contains(&first) {
        return None;
    }
    let size = usize::from((first - 0x20) & 0x3F);
    // Blanks at the end may be lost, some senders add a checksum character.
    let digits = size.div_ceil(3) * 4;
    (data.len() <= digits + 2 && data.len() + 4 >= size * 4 / 3).then_some(size)
}

/// Decodes up to the `end` line; also tells how many octets of input that took.
fn decode_lines(input: &[u8]) -> (Vec<u8>, usize) {
    let mut out = Vec::with_capacity(input.len() / 4 * 3);
    let mut at = 0;
    while let Some(rest) = input.get(at..).filter(|r| !r.is_empty()) {
        let length = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        match read_line(rest.get(..length).unwrap_or_default(), &mut out) {
            Line::Inside => {}
            Line::End => return (out, (at + length + 1).min(input.len())),
            Line::Foreign => return (out, at),
        }
        at += length + 1;
    }
    (out, input.len())
}

/// What a line after `begin` is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line {
    /// Data, or blank.
    Inside,
    /// `end`.
    End,
    /// None of the file's: it has ended without saying so.
    Foreign,
}

/// Adds the octets of one line behind `begin`, without its line feed, to `out`.
pub fn read_line(line: &[u8], out: &mut Vec<u8>) -> Line {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.trim_ascii_end() == b"end" {
        return Line::End;
    }
    match line_size(line) {
        Some(size) => decode_line(line.get(1..).unwrap_or_default(), size, out),
        None if line.trim_ascii().is_empty() => {}
        None => return Line::Foreign,
    }
    Line::Inside
}

fn decode_line(data: &[u8], size: usize, out: &mut Vec<u8>) {
    let end = out.len() + size;
    let mut groups = data.chunks(4);
    while out.len() < end {
        let group = groups.next().unwrap_or_default();
        let digit = |n: usize| u32::from(group.get(n).map_or(0, |b| b.wrapping_sub(0x20) & 0x3F));
        let [_, a, b, c] = (digit(0) << 18 | digit(1) << 12 | digit(2) << 6 | digit(3)).to_be_bytes();
        out.extend([a, b, c]);
    }
    out.truncate(end);
}

#[cfg(test)]
mod tests {
    use super::*;

    const CAT: &[u8] = b"begin 644 cat.txt\r\n#0V%T\r\n`\r\nend\r\nafter";

    #[test]
    fn the_classic_cat() {
        assert_eq!(decode_body(CAT).unwrap(), b"Cat");
        let begin = find_begin(CAT, 0).unwrap();
        assert_eq!(begin.name, b"cat.txt");
        let (rest, files) = take_files(b"See:\nbegin 644 cat.txt\n#0V%T\n`\nend\nBye\n");
        assert_eq!((&*rest, files), (&b"See:\nBye\n"[..], vec![(b"cat.txt".to_vec(), b"Cat".to_vec())]));
        let (octets, used) = decode_lines(&CAT[begin.data..]);
        assert_eq!((octets.as_slice(), &CAT[begin.data + used..]), (&b"Cat"[..], &b"after"[..]));
    }

    #[test]
    fn prose_that_begins_is_no_file() {
        assert!(
            find_begin(b"begin 644 words of prose\nand it goes on with a rather long line of plain text here\n", 0)
                .is_none()
        );
        assert!(find_begin(b"begin by saying hello\n#0V%T\n", 0).is_none());
        assert!(decode_body(b"nothing").is_none());
    }
}
