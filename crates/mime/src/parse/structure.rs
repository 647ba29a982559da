//! The tree of body parts (RFC 2046 §5), found in one pass over the source without recursion.
//!
//! ```text
//! multipart  = [preamble] 1*("--" boundary [blanks] line-end part) "--" boundary "--" [epilogue]
//! ```
//!
//! Why not by mail-parser: it recurses into `message/rfc822` until the stack ends, takes a boundary for any text it is a
//! prefix of (`=_1` in `=_10`), and reads to the end of the message where an inner multipart lacks its end. Here every
//! open boundary is known at every line, a part inside a forwarded message is not looked for until somebody asks, and
//! the work is linear. Fields, charsets, base64 and entities are mail-parser's and encoding_rs's.

use std::collections::HashMap;

use super::charset::Hint;
use super::header::{self, Fields};
use super::parameter::Structured;
use super::transfer::Encoding;

/// Longest boundary honoured; RFC 2046 allows 70, some senders write more.
const MAX_BOUNDARY: usize = 500;

/// Longest media type: two names of 127 characters (RFC 6838 §4.2).
const MAX_MEDIA_TYPE: usize = 255;

/// Lines searched for a boundary that the header does not name.
const MAX_PREAMBLE_LINES: usize = 20;

/// How far the walk goes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) depth: usize,
    pub(crate) parts: usize,
    pub(crate) header_bytes: usize,
}

/// One body part, and its place in the tree.
#[derive(Debug)]
pub(crate) struct Part<'a> {
    /// As IMAP counts (RFC 9051 §6.4.5.1); empty for the top multipart.
    pub(crate) number: String,
    pub(crate) parent: Option<usize>,
    /// Indices of its parts, for a multipart.
    pub(crate) children: Vec<usize>,
    pub(crate) fields: Fields<'a>,
    pub(crate) content_type: Structured,
    /// Empty when the part says nothing.
    pub(crate) disposition: Structured,
    pub(crate) encoding: Encoding,
    pub(crate) body: &'a [u8],
    /// Split into children.
    pub(crate) multipart: bool,
}

/// A message, taken apart.
#[derive(Debug, Default)]
pub(crate) struct Tree<'a> {
    /// The first is the message itself.
    pub(crate) parts: Vec<Part<'a>>,
    pub(crate) defects: Defects,
}

/// What was found wrong, each kind once, in order of discovery.
#[derive(Debug, Default)]
pub(crate) struct Defects(Vec<String>);

impl Defects {
    /// Adds a sentence, unless it is there already.
    pub(crate) fn add(&mut self, sentence: impl Into<String>) {
        let sentence = sentence.into();
        if !self.0.contains(&sentence) {
            self.0.push(sentence);
        }
    }

    pub(crate) fn into_vec(self) -> Vec<String> {
        self.0
    }
}

/// Takes `source` apart.
pub(crate) fn split(source: &[u8], limits: Limits) -> Tree<'_> {
    let mut walker = Walker { source, limits, tree: Tree::default(), open: Vec::new(), by_boundary: HashMap::new() };
    walker.walk();
    walker.tree
}

/// A multipart whose end is still to come.
struct Open {
    part: usize,
    boundary: Vec<u8>,
    /// The level that the same boundary stood for outside.
    shadowed: Option<usize>,
}

struct Walker<'a> {
    source: &'a [u8],
    limits: Limits,
    tree: Tree<'a>,
    open: Vec<Open>,
    by_boundary: HashMap<Vec<u8>, usize>,
}

/// A line that ends a part.
struct Delimiter {
    /// Where the part before it ends: its line break belongs to the delimiter.
    end: usize,
    /// Where the next line starts.
    next: usize,
    level: usize,
    closing: bool,
}

impl<'a> Walker<'a> {
    fn walk(&mut self) {
        let mut at = 0;
        loop {
            let (index, body) = self.start_part(at);
            let is_open = self.open_multipart(index, body);
            let Some(next) = self.after_body(index, body, is_open) else { break };
            at = next;
            if self.tree.parts.len() >= self.limits.parts {
                self.tree.defects.add(format!("more than {} parts: the rest is left out", self.limits.parts));
                break;
            }
        }
        for open in std::mem::take(&mut self.open) {
            self.close(open.part, self.source.len());
            self.tree.defects.add("a multipart has no end");
        }
    }

    /// Reads the header at `at`; its part and where its body starts.
    fn start_part(&mut self, at: usize) -> (usize, usize) {
        let known = &self.by_boundary;
        let block = header::read(self.source, at, self.limits.header_bytes, |line| delimiter_of(line, known).is_some());
        if block.truncated {
            self.tree
                .defects
                .add(format!("a header is longer than {} bytes: the rest is left out", self.limits.header_bytes));
        }
        if block.marked {
            self.tree.defects.add("a byte order mark stands before a header");
        }
        if block.unterminated {
            self.tree.defects.add("a header ends without an empty line");
        }
        let parent = self.open.last().map(|o| o.part);
        let index = self.tree.parts.len();
        let number = self.number_of(parent);
        if let Some(parent) = parent.and_then(|p| self.tree.parts.get_mut(p)) {
            parent.children.push(index);
        }
        let content_type = self.content_type(&block.fields, parent);
        let disposition = block.fields.first("content-disposition");
        let disposition = disposition.map(|raw| Structured::parse(raw, Hint::default())).unwrap_or_default();
        let encoding = self.encoding(&block.fields);
        let body = self.source.get(block.body..).unwrap_or_default();
        self.tree.parts.push(Part {
            number,
            parent,
            children: Vec::new(),
            fields: block.fields,
            content_type,
            disposition,
            encoding,
            body,
            multipart: false,
        });
        (index, block.body)
    }

    fn number_of(&self, parent: Option<usize>) -> String {
        match parent.and_then(|p| self.tree.parts.get(p)) {
            None => "1".to_owned(),
            Some(parent) if parent.number.is_empty() => (parent.children.len() + 1).to_string(),
            Some(parent) => format!("{}.{}", parent.number, parent.children.len() + 1),
        }
    }

    /// RFC 2045 §5.2 and RFC 2046 §5.1.5: what a part without the field is.
    fn content_type(&mut self, fields: &Fields<'a>, parent: Option<usize>) -> Structured {
        let mut parsed =
            fields.first("content-type").map(|raw| Structured::parse(raw, Hint::default())).unwrap_or_default();
        let in_digest =
            parent.and_then(|p| self.tree.parts.get(p)).is_some_and(|p| p.content_type.value == "multipart/digest");
        parsed.value = match parsed.value.as_str() {
            "" if in_digest => "message/rfc822".to_owned(),
            "" | "text" | "plain" => "text/plain".to_owned(),
            "html" => "text/html".to_owned(),
            "multipart" => "multipart/mixed".to_owned(),
            value => media_type(value).unwrap_or_else(|| {
                self.tree.defects.add("a Content-Type is not of the form type/subtype");
                "application/octet-stream".to_owned()
            }),
        };
        parsed
    }

    fn encoding(&mut self, fields: &Fields<'a>) -> Encoding {
        let Some(value) = fields.text("content-transfer-encoding", Hint::default()) else { return Encoding::Identity };
        Encoding::parse(&value).unwrap_or_else(|| {
            self.tree.defects.add("a Content-Transfer-Encoding is unknown");
            Encoding::Identity
        })
    }

    /// Whether the part was opened as a multipart.
    fn open_multipart(&mut self, index: usize, body: usize) -> bool {
        let Some(part) = self.tree.parts.get_mut(index) else { return false };
        if !part.content_type.value.starts_with("multipart/") {
            return false;
        }
        if self.open.len() >= self.limits.depth {
            self.tree.defects.add(format!("nested deeper than {} levels: the rest is one part", self.limits.depth));
            return false;
        }
        let named = boundary_in(&part.content_type);
        let boundary = match named {
            Some(boundary) => boundary,
            None => {
                self.tree.defects.add("a multipart does not name its boundary");
                match first_delimiter(self.source.get(body..).unwrap_or_default()) {
                    Some(boundary) => boundary,
                    None => {
                        part.content_type.value = "text/plain".to_owned();
                        return false;
                    }
                }
            }
        };
        part.multipart = true;
        if part.parent.is_none() {
            part.number.clear();
        }
        let shadowed = self.by_boundary.insert(boundary.clone(), self.open.len());
        self.open.push(Open { part: index, boundary, shadowed });
        true
    }

    /// Ends what the next delimiter ends; where the next part starts, `None` at the end of the message.
    fn after_body(&mut self, index: usize, body: usize, mut is_open: bool) -> Option<usize> {
        let mut at = body;
        loop {
            let Some(delimiter) = self.next_delimiter(at) else {
                if !is_open {
                    self.close(index, self.source.len());
                }
                return None;
            };
            if !is_open {
                self.close(index, delimiter.end);
            }
            // A delimiter of an outer level ends the inner ones that lack their own.
            while self.open.len() > delimiter.level + 1 {
                self.tree.defects.add("a multipart has no end");
                self.pop(delimiter.end);
            }
            if !delimiter.closing {
                return Some(delimiter.next);
            }
            self.pop(delimiter.end);
            // What follows is the epilogue, up to a delimiter of an outer level.
            is_open = true;
            at = delimiter.next;
            if self.open.is_empty() {
                return None;
            }
        }
    }

    fn pop(&mut self, end: usize) {
        let Some(open) = self.open.pop() else { return };
        match open.shadowed {
            Some(level) => self.by_boundary.insert(open.boundary, level),
            None => self.by_boundary.remove(&open.boundary),
        };
        self.close(open.part, end);
    }

    /// Fixes where a part's body ends. A multipart in which no delimiter was found is text.
    fn close(&mut self, index: usize, end: usize) {
        let source = self.source;
        let Some(part) = self.tree.parts.get_mut(index) else { return };
        let start = source.len() - part.body.len();
        part.body = source.get(start..end.max(start)).unwrap_or_default();
        if part.multipart && part.children.is_empty() {
            part.multipart = false;
            part.content_type.value = "text/plain".to_owned();
            if part.parent.is_none() {
                part.number = "1".to_owned();
            }
            self.tree.defects.add("a multipart has no parts");
        }
    }

    fn next_delimiter(&self, from: usize) -> Option<Delimiter> {
        if self.open.is_empty() {
            return None;
        }
        let mut at = from;
        loop {
            let rest = self.source.get(at..)?;
            if rest.starts_with(b"--") {
                let (line, next) = header::line_at(rest, at);
                if let Some((level, closing)) = delimiter_of(line, &self.by_boundary) {
                    let end = line_break_before(self.source, at).max(from);
                    return Some(Delimiter { end, next, level, closing });
                }
            }
            at += memchr::memchr(b'\n', rest)? + 1;
        }
    }
}

/// Level and kind of the delimiter that `line` is, if it is one.
fn delimiter_of(line: &[u8], known: &HashMap<Vec<u8>, usize>) -> Option<(usize, bool)> {
    let text = line.strip_prefix(b"--")?.trim_ascii_end();
    if text.len() > MAX_BOUNDARY + 2 {
        return None;
    }
    match known.get(text) {
        Some(level) => Some((*level, false)),
        None => known.get(text.strip_suffix(b"--")?).map(|level| (*level, true)),
    }
}

/// Where the line before the one at `at` ends, without its break.
fn line_break_before(source: &[u8], at: usize) -> usize {
    let before = source.get(..at).unwrap_or_default();
    let before = before.strip_suffix(b"\n").unwrap_or(before);
    before.strip_suffix(b"\r").unwrap_or(before).len()
}

/// The `boundary` parameter, compared octet by octet.
fn boundary_in(content_type: &Structured) -> Option<Vec<u8>> {
    let boundary = content_type.get("boundary")?.trim_end();
    (1..=MAX_BOUNDARY).contains(&boundary.len()).then(|| boundary.as_bytes().to_vec())
}

/// What the first line beginning with `--` would delimit, where the header names no boundary.
fn first_delimiter(body: &[u8]) -> Option<Vec<u8>> {
    let lines = body.split(|b| *b == b'\n').take(MAX_PREAMBLE_LINES);
    let mut candidates = lines.filter_map(|line| line.strip_prefix(b"--").map(<[u8]>::trim_ascii_end));
    let plausible =
        |c: &&[u8]| (1..=MAX_BOUNDARY).contains(&c.len()) && !c.starts_with(b" ") && c.iter().any(|b| *b != b'-');
    candidates.find(plausible).map(<[u8]>::to_vec)
}

/// `type/subtype` without what senders put behind it, `None` when it is not of that form.
pub(crate) fn media_type(value: &str) -> Option<String> {
    let word = value.split([' ', '\t', ',']).next().unwrap_or(value).trim_matches(['"', '\'']);
    let (kind, subtype) = word.split_once('/')?;
    let token = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?=".contains(&b))
    };
    (token(kind) && token(subtype) && word.len() <= MAX_MEDIA_TYPE).then(|| word.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { depth: 50, parts: 2000, header_bytes: 1 << 20 };

    fn leaves(source: &str) -> Vec<(String, String, String)> {
        let tree = split(source.as_bytes(), LIMITS);
        let leaves = tree.parts.iter().filter(|p| !p.multipart);
        leaves
            .map(|p| (p.number.clone(), p.content_type.value.clone(), String::from_utf8_lossy(p.body).into_owned()))
            .collect()
    }

    fn leaf(number: &str, kind: &str, body: &str) -> (String, String, String) {
        (number.to_owned(), kind.to_owned(), body.to_owned())
    }

    #[test]
    fn numbers_as_imap_counts() {
        let source = "Content-Type: multipart/mixed; boundary=a\n\npreamble\n--a\nContent-Type: multipart/alternative; boundary=\"a b\"\n\n\
                      --a b\n\none\n--a b\nContent-Type: text/html\n\ntwo\n--a b--\nepilogue\n--a\n\nthree\n--a--\nend\n";
        let expected =
            [leaf("1.1", "text/plain", "one"), leaf("1.2", "text/html", "two"), leaf("2", "text/plain", "three")];
        assert_eq!(leaves(source), expected);
        assert_eq!(leaves(&source.replace('\n', "\r\n")), expected);
        assert_eq!(leaves("Subject: x\n\nhi\n"), [leaf("1", "text/plain", "hi\n")]);
    }

    #[test]
    fn a_boundary_that_begins_another() {
        let source = "Content-Type: multipart/mixed; boundary=x\n\n--x\nContent-Type: multipart/mixed; boundary=xy\n\n\
                      --xy\n\n--x-not\n--xyz\n--xy--\n--x\n\nb\n--x--\n";
        assert_eq!(leaves(source), [leaf("1.1", "text/plain", "--x-not\n--xyz"), leaf("2", "text/plain", "b")]);
    }

    #[test]
    fn an_inner_multipart_without_its_end() {
        let source = "Content-Type: multipart/mixed; boundary=o\n\n--o\nContent-Type: multipart/mixed; boundary=i\n\n\
                      --i\n\na\n--o\n\nb";
        assert_eq!(leaves(source), [leaf("1.1", "text/plain", "a"), leaf("2", "text/plain", "b")]);
        assert_eq!(split(source.as_bytes(), LIMITS).defects.into_vec(), ["a multipart has no end"]);
    }

    #[test]
    fn boundaries_missing_empty_or_never_used() {
        let guessed = "Content-Type: multipart/mixed\n\n--b1\n\na\n--b1--\n";
        assert_eq!(leaves(guessed), [leaf("1", "text/plain", "a")]);
        let empty = "Content-Type: multipart/mixed; boundary=\"\"\n\njust text\n";
        assert_eq!(leaves(empty), [leaf("1", "text/plain", "just text\n")]);
        let unused = "Content-Type: multipart/mixed; boundary=zz\n\njust text\n";
        assert_eq!(leaves(unused), [leaf("1", "text/plain", "just text\n")]);
    }

    #[test]
    fn a_part_without_header_or_body() {
        let source = "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/html\n--b\n\n--b\n\n\n--b--";
        let expected = [leaf("1", "text/html", ""), leaf("2", "text/plain", ""), leaf("3", "text/plain", "")];
        assert_eq!(leaves(source), expected);
    }

    #[test]
    fn digests_and_bad_types() {
        let source =
            "Content-Type: multipart/digest; boundary=b\n\n--b\n\nSubject: x\n\n--b\nContent-Type: a b c\n\n\n--b--";
        let kinds: Vec<String> = leaves(source).into_iter().map(|l| l.1).collect();
        assert_eq!(kinds, ["message/rfc822", "application/octet-stream"]);
    }

    #[test]
    fn fifty_thousand_nested_multiparts() {
        let mut source = String::new();
        (0..50_000).for_each(|n| source.push_str(&format!("Content-Type: multipart/mixed; boundary=b{n}\n\n--b{n}\n")));
        let tree = split(source.as_bytes(), LIMITS);
        assert_eq!(tree.parts.len(), 51);
    }

    #[test]
    fn a_hundred_thousand_siblings() {
        let source = format!("Content-Type: multipart/mixed; boundary=b\n\n{}", "--b\n\n".repeat(100_000));
        assert_eq!(split(source.as_bytes(), LIMITS).parts.len(), 2000);
    }
}
