//! A response's tokens as a tree, flat in one vector: built in a loop, read by skipping, dropped in one go.
//!
//! Tolerant: any number of spaces anywhere, lists that nobody closed, quotes that nobody closed.

use std::borrow::Cow;
use std::ops::Range;

use bytes::Bytes;
use memchr::memchr2;

use super::frame::{Elsewhere, Frame, Literal};
use super::text;

/// Deepest nesting read, whoever calls: what is read is serialised and dropped recursively.
const MAX_DEPTH: usize = crate::tap::limits::NESTING_CEILING;

/// What a token of an envelope or a structure takes on the wire, about: most trees are made without moving them.
const NODE_BYTES: usize = 6;
/// A long response may be one literal.
const MAX_RESERVED: usize = 512;

/// The tokens of one response, behind its first words.
#[derive(Debug)]
pub(super) struct Tree<'a> {
    frame: &'a Frame,
    nodes: Vec<Node>,
    /// Some list was not closed.
    cut: bool,
}

#[derive(Debug, Clone, Copy)]
struct Node {
    kind: Kind,
    /// Where its text is; of a list, its inside.
    start: usize,
    end: usize,
    /// The node behind it and all that is in it.
    next: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    List,
    Atom,
    /// Without its quotes.
    Quoted,
    /// Quoted, with backslashes in it.
    Escaped,
    Literal,
    Elsewhere(Elsewhere),
}

impl<'a> Tree<'a> {
    /// Reads the tokens in `range` of the frame. `None` when they are nested absurdly deep.
    pub(super) fn read(frame: &'a Frame, range: Range<usize>) -> Option<Self> {
        let bytes = frame.bytes.get(..range.end).unwrap_or(&frame.bytes);
        let mut lexer = Lexer { bytes, at: range.start, unclosed: 0, literals: frame.literals.iter() };
        let length = range.end.saturating_sub(range.start);
        let mut nodes: Vec<Node> = Vec::with_capacity((length / NODE_BYTES).clamp(8, MAX_RESERVED));
        let mut open: Vec<usize> = Vec::new();
        while let Some(token) = lexer.token() {
            match token {
                Token::Open if open.len() >= MAX_DEPTH => return None,
                Token::Open => {
                    open.push(nodes.len());
                    nodes.push(Node { kind: Kind::List, start: lexer.at, end: bytes.len(), next: 0 });
                }
                Token::Close => {
                    // One too many ends nothing and is passed over.
                    if let Some(list) = open.pop() {
                        close(&mut nodes, list, lexer.at.saturating_sub(1));
                    }
                }
                Token::Value(kind, range) => {
                    let next = nodes.len().saturating_add(1);
                    nodes.push(Node { kind, start: range.start, end: range.end, next });
                }
            }
        }
        let cut = !open.is_empty();
        while let Some(list) = open.pop() {
            close(&mut nodes, list, bytes.len());
        }
        Some(Self { frame, nodes, cut })
    }

    /// The tokens at the top.
    pub(super) fn items(&self) -> Items<'_> {
        Items { tree: self, at: 0, end: self.nodes.len() }
    }
}

fn close(nodes: &mut [Node], list: usize, end: usize) {
    let next = nodes.len();
    if let Some(node) = nodes.get_mut(list) {
        node.end = end;
        node.next = next;
    }
}

/// The members of a list, or of the whole response.
#[derive(Debug, Clone, Copy)]
pub(super) struct Items<'t> {
    tree: &'t Tree<'t>,
    at: usize,
    end: usize,
}

impl<'t> Iterator for Items<'t> {
    type Item = Item<'t>;

    fn next(&mut self) -> Option<Item<'t>> {
        let node = *self.tree.nodes.get(self.at).filter(|_| self.at < self.end)?;
        let item = Item { tree: self.tree, at: self.at, node };
        self.at = node.next;
        Some(item)
    }
}

impl<'t> Items<'t> {
    /// Whether the response ended before all of its lists did: what stands last may be anything.
    pub(super) fn are_cut(&self) -> bool {
        self.tree.cut
    }

    /// The next member without taking it.
    pub(super) fn peek(&self) -> Option<Item<'t>> {
        self.clone().next()
    }
}

/// One value.
#[derive(Debug, Clone, Copy)]
pub(super) struct Item<'t> {
    tree: &'t Tree<'t>,
    at: usize,
    node: Node,
}

impl<'t> Item<'t> {
    /// The members, if it is a list.
    pub(super) fn list(self) -> Option<Items<'t>> {
        (self.node.kind == Kind::List).then_some(Items {
            tree: self.tree,
            at: self.at.saturating_add(1),
            end: self.node.next,
        })
    }

    /// The members; none for NIL or anything else that is no list.
    pub(super) fn members(self) -> Items<'t> {
        self.list().unwrap_or(Items { tree: self.tree, at: 0, end: 0 })
    }

    /// `NIL`, unquoted.
    pub(super) fn is_nil(self) -> bool {
        self.atom().is_some_and(|atom| atom.eq_ignore_ascii_case(b"NIL"))
    }

    /// The bytes of an atom.
    pub(super) fn atom(self) -> Option<&'t [u8]> {
        (self.node.kind == Kind::Atom).then(|| self.raw())
    }

    /// `astring`: what an atom, a quoted string or a literal stands for; NIL too.
    pub(super) fn astring(self) -> Option<Cow<'t, [u8]>> {
        match self.node.kind {
            Kind::Atom | Kind::Quoted | Kind::Literal => Some(Cow::Borrowed(self.raw())),
            Kind::Escaped => Some(Cow::Owned(unescape(self.raw()))),
            Kind::Elsewhere(Elsewhere::Apart(_)) => self.apart().map(|bytes| Cow::Borrowed(bytes.as_ref())),
            Kind::List | Kind::Elsewhere(Elsewhere::Streamed(_)) => None,
        }
    }

    /// `nstring`: the same, but `None` for NIL.
    pub(super) fn nstring(self) -> Option<Cow<'t, [u8]>> {
        if self.is_nil() { None } else { self.astring() }
    }

    /// As text, invalid UTF-8 replaced.
    pub(super) fn string(self) -> Option<String> {
        self.nstring().map(|bytes| text::utf8(&bytes).into_owned())
    }

    /// The bytes themselves, without a copy where they stand in the response as they are.
    pub(super) fn bytes(self) -> Option<Bytes> {
        if let Some(bytes) = self.apart() {
            return Some(bytes.clone());
        }
        match self.nstring()? {
            Cow::Borrowed(bytes) => Some(self.tree.frame.bytes.slice_ref(bytes)),
            Cow::Owned(bytes) => Some(bytes.into()),
        }
    }

    /// How many bytes of it went elsewhere.
    pub(super) fn streamed(self) -> Option<u64> {
        match self.node.kind {
            Kind::Elsewhere(Elsewhere::Streamed(bytes)) => Some(bytes),
            _ => None,
        }
    }

    fn apart(self) -> Option<&'t Bytes> {
        match self.node.kind {
            Kind::Elsewhere(Elsewhere::Apart(place)) => self.tree.frame.apart.get(place),
            _ => None,
        }
    }

    /// Digits, quoted or not.
    pub(super) fn number(self) -> Option<u64> {
        number(&self.astring()?)
    }

    /// Digits that fit into 32 bits.
    pub(super) fn number32(self) -> Option<u32> {
        self.number().and_then(|n| u32::try_from(n).ok())
    }

    /// Whether it is written as the other one is.
    pub(super) fn is_spelled_like(self, other: Self) -> bool {
        self.node.kind == other.node.kind && self.raw() == other.raw()
    }

    /// Where it starts, its quote or announcement left out.
    pub(super) fn start(self) -> usize {
        self.node.start
    }

    fn raw(self) -> &'t [u8] {
        self.tree.frame.bytes.get(self.node.start..self.node.end).unwrap_or_default()
    }
}

/// Digits, with at most 20 of them.
pub(super) fn number(text: &[u8]) -> Option<u64> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

fn unescape(raw: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(raw.len());
    let mut bytes = raw.iter();
    while let Some(&byte) = bytes.next() {
        out.push(if byte == b'\\' { bytes.next().copied().unwrap_or(byte) } else { byte });
    }
    out
}

enum Token {
    Open,
    Close,
    Value(Kind, Range<usize>),
}

struct Lexer<'a> {
    /// Of the whole response, cut off behind what is to be read.
    bytes: &'a [u8],
    at: usize,
    /// Up to here no section is closed: it was looked for once.
    unclosed: usize,
    /// Those that were not met yet.
    literals: std::slice::Iter<'a, Literal>,
}

impl Lexer<'_> {
    fn token(&mut self) -> Option<Token> {
        self.at += self.rest().iter().position(|b| !matches!(b, b' ' | b'\r' | b'\n' | b'\t'))?;
        match self.rest().first()? {
            b'(' => {
                self.at += 1;
                Some(Token::Open)
            }
            b')' => {
                self.at += 1;
                Some(Token::Close)
            }
            b'"' => Some(self.quoted()),
            b'{' | b'~' => Some(self.literal().unwrap_or_else(|| self.atom())),
            _ => Some(self.atom()),
        }
    }

    fn rest(&self) -> &[u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    fn quoted(&mut self) -> Token {
        self.at += 1;
        let start = self.at;
        let mut kind = Kind::Quoted;
        loop {
            let Some(offset) = memchr2(b'"', b'\\', self.rest()) else {
                self.at = self.bytes.len();
                return Token::Value(kind, start..self.at);
            };
            self.at += offset;
            if self.rest().first() == Some(&b'"') {
                let range = start..self.at;
                self.at += 1;
                return Token::Value(kind, range);
            }
            kind = Kind::Escaped;
            self.at = self.at.saturating_add(2).min(self.bytes.len());
        }
    }

    /// Only what the tap took for a literal is one: `{5}` inside a line is text.
    fn literal(&mut self) -> Option<Token> {
        while self.literals.as_slice().first().is_some_and(|l| l.announced < self.at) {
            self.literals.next();
        }
        self.literals.as_slice().first().filter(|l| l.announced == self.at)?;
        let found = *self.literals.next()?;
        self.at = found.end;
        let kind = found.elsewhere.map_or(Kind::Literal, Kind::Elsewhere);
        Some(Token::Value(kind, found.start..found.end))
    }

    /// Up to a space, a parenthesis or a quote. What stands in the brackets of `BODY[HEADER.FIELDS (A B)]` belongs to it.
    fn atom(&mut self) -> Token {
        let start = self.at;
        // Its first byte has been looked at, and is in it whatever it is.
        self.at += 1;
        loop {
            let ends = |b: &u8| matches!(b, b' ' | b'(' | b')' | b'"' | b'\r' | b'\n' | b'\t' | b'[');
            self.at += self.rest().iter().position(ends).unwrap_or(self.rest().len());
            if self.rest().first() != Some(&b'[') {
                break;
            }
            if !self.bytes.get(start..self.at).is_some_and(is_sectioned) {
                self.at += 1;
            } else if !self.section() {
                break;
            }
        }
        Token::Value(Kind::Atom, start..self.at)
    }

    /// Moves behind the `]` that ends the section. Field names may be quoted; literals among them are not taken.
    ///
    /// Behind a section that nothing ends, none is looked for on the same line: it would be searched once for each.
    fn section(&mut self) -> bool {
        if self.at < self.unclosed {
            return false;
        }
        let mut quoted = false;
        let end = self.rest().iter().position(|byte| {
            quoted ^= *byte == b'"';
            matches!(byte, b'\r' | b'\n') || (*byte == b']' && !quoted)
        });
        let end = end.map_or(self.bytes.len(), |offset| self.at.saturating_add(offset));
        if self.bytes.get(end) == Some(&b']') {
            self.at = end.saturating_add(1);
            return true;
        }
        self.unclosed = end;
        false
    }
}

fn is_sectioned(name: &[u8]) -> bool {
    ["BODY", "BINARY", "BODY.PEEK", "BINARY.SIZE", "BINARY.PEEK"]
        .iter()
        .any(|n| name.eq_ignore_ascii_case(n.as_bytes()))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use email_base::clock;

    use super::*;
    use crate::grammar::testing::frame;

    /// The tree as text, to compare by.
    fn shown(tree: &Tree<'_>) -> String {
        fn show(items: Items<'_>) -> String {
            let one = |item: Item<'_>| match item.list() {
                Some(items) => format!("({})", show(items)),
                None => item.astring().map_or("~".into(), |s| format!("<{}>", s.escape_ascii())),
            };
            items.map(one).collect::<Vec<_>>().join(" ")
        }
        show(tree.items())
    }

    fn read(input: &str) -> String {
        let frame = frame(input.as_bytes());
        shown(&Tree::read(&frame, 0..frame.bytes.len()).unwrap())
    }

    #[test]
    fn tokens_of_every_kind() {
        assert_eq!(read("a  ( \"b c\" (d) () ) nil\r\n"), "<a> (<b c> (<d>) ()) <nil>");
        assert_eq!(read("\"a\\\"b\\\\\" (x\"y\"z)\r\n"), "<a\\\"b\\\\> (<x> <y> <z>)");
        assert_eq!(read("(a {3}\r\nb)c d)\r\n"), "(<a> <b)c> <d>)");
        assert_eq!(read("~{2}\r\n\0x {0}\r\n e\r\n"), "<\\x00x> <> <e>");
        assert_eq!(
            read("BODY[HEADER.FIELDS (A \"B]\")]<0> x[y (z)\r\n"),
            "<BODY[HEADER.FIELDS (A \\\"B]\\\")]<0>> <x[y> (<z>)"
        );
    }

    #[test]
    fn a_length_in_quotes_or_in_the_middle_is_text() {
        assert_eq!(read("(\"x {5}\" {5} y)\r\n"), "(<x {5}> <{5}> <y>)");
    }

    #[test]
    fn unbalanced_responses_still_give_what_they_have() {
        assert_eq!(read("(a (b\r\n"), "(<a> (<b>))");
        assert_eq!(read("a) b\r\n"), "<a> <b>");
        assert_eq!(read("(a \"b c)\r\n"), "(<a> <b c)\\r\\n>)");
        assert_eq!(read("BODY[1 x\r\n"), "<BODY> <[1> <x>");
    }

    #[test]
    fn sections_that_nobody_closed_are_read_in_linear_time() {
        let started = clock::now();
        for end in ["", "\"]"] {
            let line = frame(format!("{}{end}\r\n", "BODY[ ".repeat(40_000)).as_bytes());
            assert!(Tree::read(&line, 0..line.bytes.len()).unwrap().items().count() >= 80_000);
        }
        assert!(started.elapsed() < Duration::from_secs(4), "{:?}", started.elapsed());
        // On the next line, behind a literal, there may be whole ones.
        assert_eq!(read("BODY[1 {1}\r\nx BODY[2 3] y\r\n"), "<BODY> <[1> <x> <BODY[2 3]> <y>");
    }

    #[test]
    fn a_million_parentheses_are_refused_without_recursion() {
        let bomb = frame(&b"(".repeat(1_000_000));
        assert!(Tree::read(&bomb, 0..bomb.bytes.len()).is_none());
        let long = frame(&b"()".repeat(100_000));
        assert_eq!(Tree::read(&long, 0..long.bytes.len()).unwrap().items().count(), 100_000);
    }
}
