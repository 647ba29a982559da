//! Cuts the stream into responses and enforces the limits. Pure: bytes in, frames out, in any chunks.
//!
//! ```text
//! response = text *(literal text) LF          ; every line end but the last stands behind a literal's announcement
//! literal  = ["~"] "{" 1*DIGIT ["+"] "}" CRLF *OCTET
//! ```
//! A line's text is looked at when its end is there, and once: quotes and parentheses are counted, the end is searched
//! for an announcement. In free text (`* OK …`) nothing but the line end has a meaning.
//!
//! ```text
//!   Text ──"{n}" CRLF──► Held (n bytes are waited for) ──► Text
//!     │ ├────"{n}" CRLF──► Apart (n bytes go into memory of their own) ──► Text
//!     │ └────"{n}" CRLF──► Flowing (n bytes are passed on) ──► Text
//!     └──────LF──► a frame is complete ──► Text
//! ```

use std::sync::Arc;

use bytes::buf::Limit;
use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};

use super::body::{BodyChunk, Sink};
use super::end::End;
use super::limits::{Limits, MAX_LITERALS, MAX_ROW_BYTES};
use super::line::{Announced, scan};
use crate::grammar::{Elsewhere, Frame, Lead, Literal, SectionName};

/// Longest run of literal bytes passed on as one chunk.
const MAX_CHUNK: usize = 64 << 10;

/// From this size on, a literal gets memory of its own: then the message in it is not copied again on its way to JavaScript.
const MIN_APART: usize = if cfg!(feature = "fuzzing") { 16 } else { 4 << 10 };

/// How far back from a literal its section's name is looked for: `BODY[HEADER.FIELDS (…)]` of a hundred fields.
const MAX_SECTION_NAME: usize = 16 << 10;

/// What came of a step.
#[derive(Debug)]
pub(super) enum Step {
    /// More bytes are needed.
    Starved,
    /// A response is complete.
    Response(Frame),
    /// Something for the sink of [`Frames::sink`], which must have room before the step.
    Body(Arc<Sink>, BodyChunk),
}

/// The cutter. Bytes are put into [`Frames::buffer`].
#[derive(Debug)]
pub(super) struct Frames {
    /// Unread bytes, behind those of the response that has begun.
    pub(super) buffer: BytesMut,
    limits: Limits,
    state: State,
    /// The response's bytes up to its last literal that is elsewhere: they left the buffer.
    head: BytesMut,
    /// In `buffer`: where the text that is looked at starts, and up to where it has no line end.
    text_start: usize,
    scanned: usize,
    lead: Option<Lead>,
    depth: usize,
    text_bytes: usize,
    literal_bytes: usize,
    literals: Vec<Literal>,
    apart: Vec<Bytes>,
}

#[derive(Debug)]
enum State {
    Text,
    /// A literal ends at this place of the buffer.
    Held {
        end: usize,
    },
    /// So much of a literal is here, of so many bytes.
    Apart {
        literal: BytesMut,
        length: usize,
    },
    /// So many bytes of a literal are still to come.
    Flowing {
        sink: Arc<Sink>,
        left: u64,
    },
}

impl Frames {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            buffer: BytesMut::new(),
            limits,
            state: State::Text,
            head: BytesMut::new(),
            text_start: 0,
            scanned: 0,
            lead: None,
            depth: 0,
            text_bytes: 0,
            literal_bytes: 0,
            literals: Vec::new(),
            apart: Vec::new(),
        }
    }

    /// Whether a response has begun and is not complete.
    pub(super) fn is_mid_response(&self) -> bool {
        !self.buffer.is_empty() || !self.head.is_empty()
    }

    /// Where the literal goes that is passed on now.
    pub(super) fn sink(&self) -> Option<&Arc<Sink>> {
        match &self.state {
            State::Flowing { sink, .. } => Some(sink),
            _ => None,
        }
    }

    /// Where bytes may be put instead of the buffer, if it is empty: room for what a literal lacks, and no more.
    pub(super) fn apart(&mut self) -> Option<Limit<&mut BytesMut>> {
        match &mut self.state {
            State::Apart { literal, length } if self.buffer.is_empty() => {
                let missing = length.saturating_sub(literal.len());
                (missing > 0).then(|| literal.limit(missing))
            }
            _ => None,
        }
    }

    /// Goes on as far as the bytes reach. `sink` is asked where a body's literal is to go.
    pub(super) fn step(&mut self, sink: impl Fn() -> Option<Arc<Sink>>) -> Result<Step, End> {
        loop {
            match &mut self.state {
                State::Flowing { sink, left: 0 } => {
                    let sink = Arc::clone(sink);
                    self.state = State::Text;
                    return Ok(Step::Body(sink, BodyChunk::End));
                }
                State::Flowing { sink, left } => {
                    let wanted = usize::try_from(*left).unwrap_or(usize::MAX);
                    let length = self.buffer.len().min(wanted).min(MAX_CHUNK);
                    if length == 0 {
                        return Ok(Step::Starved);
                    }
                    *left = left.saturating_sub(length as u64);
                    let chunk = self.buffer.split_to(length).freeze();
                    return Ok(Step::Body(Arc::clone(sink), BodyChunk::Data(chunk)));
                }
                State::Apart { literal, length } => {
                    let missing = length.saturating_sub(literal.len()).min(self.buffer.len());
                    literal.put(self.buffer.split_to(missing));
                    if literal.len() < *length {
                        return Ok(Step::Starved);
                    }
                    self.apart.push(std::mem::take(literal).freeze());
                    self.state = State::Text;
                }
                State::Held { end } => {
                    if self.buffer.len() < *end {
                        return Ok(Step::Starved);
                    }
                    self.text_start = *end;
                    self.scanned = *end;
                    self.state = State::Text;
                }
                State::Text => {
                    let Some(line_end) = self.find_line_end()? else { return Ok(Step::Starved) };
                    match self.read_text(line_end)? {
                        None => return Ok(Step::Response(self.complete(line_end))),
                        Some(announced) => {
                            if let Some(step) = self.begin_literal(announced, line_end, &sink)? {
                                return Ok(step);
                            }
                        }
                    }
                }
            }
        }
    }

    /// The place behind the next LF. Long text is an error before its end is there.
    fn find_line_end(&mut self) -> Result<Option<usize>, End> {
        let unread = self.buffer.get(self.scanned..).unwrap_or_default();
        let found = memchr::memchr(b'\n', unread);
        let end = found.map(|at| self.scanned.saturating_add(at).saturating_add(1));
        self.scanned = end.unwrap_or(self.buffer.len());
        let length = self.text_bytes.saturating_add(self.scanned.saturating_sub(self.text_start));
        let row_limit = self.limits.max_line_bytes.min(MAX_ROW_BYTES);
        if length > row_limit {
            let limit = if self.lead() == Lead::Numbers { self.limits.max_line_bytes } else { row_limit };
            if length > limit {
                return Err(End::LineTooLong { limit });
            }
        }
        Ok(end)
    }

    fn lead(&mut self) -> Lead {
        let start = if self.head.is_empty() { &self.buffer } else { &self.head };
        *self.lead.get_or_insert_with(|| Lead::of(start.get(..128).unwrap_or(start)))
    }

    /// Looks at the text up to `line_end`; gives the announcement at its end, if there is one.
    fn read_text(&mut self, line_end: usize) -> Result<Option<Announced>, End> {
        self.text_bytes = self.text_bytes.saturating_add(line_end.saturating_sub(self.text_start));
        if self.lead().is_free_text() {
            return Ok(None);
        }
        let text = self.buffer.get(self.text_start..line_end).unwrap_or_default();
        let quoted = scan(text, &mut self.depth, self.limits.max_nesting)?;
        match Announced::at_end(text)? {
            // The grammar has no line end in quotes. Whatever follows, literal or response, must not be guessed at.
            Some(_) if quoted => Err(End::MalformedLiteral),
            announced => Ok(announced),
        }
    }

    /// Decides where the literal goes, and counts it.
    fn begin_literal(
        &mut self,
        announced: Announced,
        start: usize,
        sink: impl Fn() -> Option<Arc<Sink>>,
    ) -> Result<Option<Step>, End> {
        if self.literals.len() >= MAX_LITERALS {
            return Err(End::TooMany { what: "literals", limit: MAX_LITERALS });
        }
        let announced_at = self.text_start.saturating_add(announced.at);
        let section = self.section_before(announced_at);
        if let Some((section, binary, origin)) = section
            && let Some(sink) = sink().filter(|sink| sink.wants(announced.length))
        {
            self.set_aside(announced_at, start, Elsewhere::Streamed(announced.length));
            self.state = State::Flowing { sink: Arc::clone(&sink), left: announced.length };
            let size = announced.length;
            return Ok(Some(Step::Body(sink, BodyChunk::Start { section, binary, origin, size })));
        }
        let limit = self.limits.max_literal_bytes;
        let too_large = End::LiteralTooLarge { limit };
        let length = usize::try_from(announced.length).map_err(|_| too_large.clone())?;
        self.literal_bytes = self.literal_bytes.saturating_add(length);
        if self.literal_bytes > limit {
            return Err(too_large);
        }
        if length >= MIN_APART {
            self.set_aside(announced_at, start, Elsewhere::Apart(self.apart.len()));
            self.state = State::Apart { literal: BytesMut::with_capacity(length), length };
            return Ok(None);
        }
        let end = start.saturating_add(length);
        let head = self.head.len();
        self.literals.push(Literal {
            announced: head.saturating_add(announced_at),
            start: head.saturating_add(start),
            end: head.saturating_add(end),
            elsewhere: None,
        });
        self.state = State::Held { end };
        Ok(None)
    }

    /// From here on the buffer begins with the bytes of the literal that is announced in front of `start`.
    fn set_aside(&mut self, announced_at: usize, start: usize, elsewhere: Elsewhere) {
        let announced = self.head.len().saturating_add(announced_at);
        self.head.extend_from_slice(self.buffer.get(..start).unwrap_or_default());
        self.buffer.advance(start.min(self.buffer.len()));
        let at = self.head.len();
        self.literals.push(Literal { announced, start: at, end: at, elsewhere: Some(elsewhere) });
        self.text_start = 0;
        self.scanned = 0;
    }

    /// The section whose content the literal announced at `at` is, whether it is decoded, and where it starts; `None`
    /// for any other literal.
    fn section_before(&mut self, at: usize) -> Option<(String, bool, Option<u64>)> {
        if self.lead() != Lead::Data || self.depth != 1 {
            return None;
        }
        let text = self.buffer.get(self.text_start..at)?.trim_ascii_end();
        let text = text.get(text.len().saturating_sub(MAX_SECTION_NAME)..)?;
        let name = match text.last()? {
            b']' | b'>' => {
                let open = text.iter().rposition(|b| *b == b'[')?;
                let before = text.get(..open)?;
                let start =
                    before.iter().rposition(|b| matches!(b, b' ' | b'(')).map_or(0, |space| space.saturating_add(1));
                text.get(start..)?
            }
            _ => text.rsplit(|b| matches!(b, b' ' | b'(')).next()?,
        };
        SectionName::of(name).map(|name| (name.text(), name.is_binary(), name.origin))
    }

    /// The response that ends at `end`; everything is ready for the next one.
    fn complete(&mut self, end: usize) -> Frame {
        let bytes = if self.head.is_empty() {
            self.buffer.split_to(end)
        } else {
            // Little text, and so the buffer stays whole: no new one has to be made for what comes next.
            let mut head = std::mem::take(&mut self.head);
            head.extend_from_slice(self.buffer.get(..end).unwrap_or_default());
            self.buffer.advance(end.min(self.buffer.len()));
            head
        };
        self.text_start = 0;
        self.scanned = 0;
        self.lead = None;
        self.depth = 0;
        self.text_bytes = 0;
        self.literal_bytes = 0;
        let (literals, apart) = (std::mem::take(&mut self.literals), std::mem::take(&mut self.apart));
        Frame { bytes: bytes.freeze(), literals, apart }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::tap::frames_of;

    fn frames(input: &[u8]) -> Vec<Vec<u8>> {
        frames_of(input, Limits::default()).unwrap().into_iter().map(|frame| frame.bytes.to_vec()).collect()
    }

    fn end(input: &[u8], limits: Limits) -> End {
        frames_of(input, limits).unwrap_err()
    }

    #[test]
    fn literals_belong_to_their_response() {
        let one = b"* 1 FETCH (BODY[1] {4}\r\n)\r\n\"BODY[2] ~{3+}\r\n\0\r\n x {0}\r\n)\r\n".as_slice();
        let two = b"* LIST () \"/\" {5}\nA {9}\n".as_slice();
        let three = b"A1 OK done\r\n".as_slice();
        assert_eq!(frames(&[one, two, three].concat()), [one, two, three]);
    }

    #[test]
    fn a_length_in_quotes_or_in_free_text_is_text() {
        for line in [
            "* LIST () \"/\" \"a{5}\"\r\n",
            "* LIST () \"/\" \"a\\\" {5}\"\r\n",
            "* OK say {5}\r\n",
            "* NO \"say {5}\r\n",
            "A1 NO [X] {5}\r\n",
            "+ {5}\r\n",
            "* X {a}\r\n",
            "* X {5} \r\n",
        ] {
            assert_eq!(frames(&[line, "A2 OK\r\n"].concat().into_bytes()).len(), 2, "{line:?}");
        }
    }

    #[test]
    fn a_length_behind_an_open_quote_is_not_guessed_at() {
        assert_eq!(end(b"* 1 FETCH (ENVELOPE (\"a \"b\" {99}\r\n", Limits::default()), End::MalformedLiteral);
    }

    #[test]
    fn hostile_lengths() {
        let limits = Limits { max_literal_bytes: 10, ..Limits::default() };
        let too_large = End::LiteralTooLarge { limit: 10 };
        for length in ["11", "4294967295", "99999999999999999999", "18446744073709551616", "00000000000000000000011"] {
            assert_eq!(end(format!("* 1 FETCH (BODY[] {{{length}}}\r\n").as_bytes(), limits), too_large, "{length}");
        }
        for length in ["", "-1", "-", "+", "1-+", "--1", "+5"] {
            assert_eq!(
                end(format!("* 1 FETCH (BODY[] ~{{{length}}}\r\n").as_bytes(), limits),
                End::MalformedLiteral,
                "{length}"
            );
        }
        assert_eq!(end(b"* X {6}\r\n123456{6}\r\n", limits), too_large, "all literals of a response count");
        assert_eq!(frames_of(b"* X {6}\r\n123456\r\n* X {6}\r\n123456\r\n", limits).unwrap().len(), 2);
    }

    #[test]
    fn a_line_without_end() {
        let limits = Limits { max_line_bytes: 100, ..Limits::default() };
        assert_eq!(end(&[b'x'; 101], limits), End::LineTooLong { limit: 100 });
        assert_eq!(end(&[&b"* SEARCH"[..], &[b' '; 100]].concat(), limits), End::LineTooLong { limit: 100 });
        assert!(frames_of(&[b'x'; 100], limits).unwrap().is_empty());
        let pieces = format!("* 1 FETCH ({}\r\n", "BODY[] {0}\r\n".repeat(20));
        assert_eq!(end(pieces.as_bytes(), limits), End::LineTooLong { limit: 100 }, "all text of a response counts");
        let row = [&b"* 1 FETCH ("[..], &vec![b'a'; MAX_ROW_BYTES]].concat();
        assert_eq!(end(&row, Limits::default()), End::LineTooLong { limit: MAX_ROW_BYTES });
        let numbers = [&b"* SEARCH"[..], &b" 1".repeat(MAX_ROW_BYTES), b"\r\n"].concat();
        assert_eq!(frames(&numbers).len(), 1);
    }

    #[test]
    fn many_small_literals() {
        let many = format!("* 1 FETCH ({}", "{0}\r\n".repeat(MAX_LITERALS + 1));
        assert_eq!(end(many.as_bytes(), Limits::default()), End::TooMany { what: "literals", limit: MAX_LITERALS });
    }

    #[test]
    fn nested_parentheses() {
        let deep = |n: usize| [b"* 1 FETCH ".to_vec(), b"(".repeat(n), b"\r\n".to_vec()].concat();
        assert_eq!(frames(&deep(128)).len(), 1);
        assert_eq!(end(&deep(129), Limits::default()), End::NestingTooDeep { limit: 128 });
        let spread = format!("* 1 FETCH {}\r\n", "( {0}\r\n".repeat(129));
        assert_eq!(end(spread.as_bytes(), Limits::default()), End::NestingTooDeep { limit: 128 });
        assert_eq!(frames(format!("* OK {}\r\n* X \"{}\"\r\n", ":(".repeat(200), "(".repeat(200)).as_bytes()).len(), 2);
    }

    /// Everything a cutter gives for `chunks`, bodies put together, as text to compare by.
    fn trace(chunks: &[&[u8]], min_bytes: u64) -> Vec<String> {
        let (sink, _bodies) = super::super::body::Bodies::new(min_bytes, usize::MAX);
        let sink = Arc::new(sink);
        let mut frames = Frames::new(Limits::default());
        let mut seen: Vec<String> = Vec::new();
        let mut body = Vec::new();
        for chunk in chunks {
            frames.buffer.extend_from_slice(chunk);
            loop {
                match frames.step(|| Some(Arc::clone(&sink))) {
                    Ok(Step::Starved) => break,
                    Ok(Step::Response(frame)) => {
                        let apart = frame.apart.concat();
                        seen.push(format!(
                            "{} {:?} {}",
                            frame.bytes.escape_ascii(),
                            frame.literals,
                            apart.escape_ascii()
                        ));
                    }
                    Ok(Step::Body(_, BodyChunk::Data(data))) => body.extend_from_slice(&data),
                    Ok(Step::Body(_, BodyChunk::End)) => {
                        seen.push(format!("body {}", body.split_off(0).escape_ascii()))
                    }
                    Ok(Step::Body(_, start)) => seen.push(format!("{start:?}")),
                    Err(end) => {
                        seen.push(end.to_string());
                        return seen;
                    }
                }
            }
        }
        seen
    }

    const SESSION: &[u8] = b"* OK hi {3}\r\n* 1 FETCH (UID 7 BODY[1.2]<0> {12}\r\n* 2 EXISTS\r\n FLAGS () RFC822.HEADER {3}\r\na\r\n \
        ENVELOPE (NIL {2}\r\n(\") BINARY[1] ~{8}\r\n\0\r\n\r\n\0(\") BODY[] NIL)\r\n* LIST () \"/\" {2}\r\nab\r\nA1 OK\r\n";

    #[test]
    fn bodies_flow_past_the_buffer_and_leave_their_place() {
        let seen = trace(&[SESSION], 8);
        assert_eq!(
            seen[1..4],
            [
                r#"Start { section: "1.2", binary: false, origin: Some(0), size: 12 }"#,
                r"body * 2 EXISTS\r\n",
                r#"Start { section: "1", binary: true, origin: None, size: 8 }"#,
            ]
        );
        assert_eq!(seen.len(), 8);
        assert!(seen[5].contains("Some(Streamed(12))") && seen[5].contains("elsewhere: None"), "{}", seen[5]);
        assert!(!seen[5].contains("EXISTS"), "{}", seen[5]);
    }

    #[test]
    fn every_split_at_one_place_gives_the_same() {
        for min_bytes in [0, 8, u64::MAX] {
            let whole = trace(&[SESSION], min_bytes);
            for at in 0..SESSION.len() {
                let (a, b) = SESSION.split_at(at);
                assert_eq!(trace(&[a, b], min_bytes), whole, "at {at}");
            }
            let single: Vec<_> = SESSION.chunks(1).collect();
            assert_eq!(trace(&single, min_bytes), whole);
        }
    }

    #[test]
    fn a_large_literal_is_in_memory_of_its_own_and_the_text_around_it_stays() {
        const LARGE: usize = 5000;
        let large = |byte: u8| vec![byte; LARGE];
        let announced = format!("{{{LARGE}}}\r\n");
        let row = [
            format!("* 1 FETCH (RFC822.HEADER {{1}}\r\nh BODY[] {announced}").as_bytes(),
            &large(b'a'),
            format!(" BODY[2] {announced}").as_bytes(),
            &large(b'b'),
            b" UID 7)\r\nA1 OK\r\n",
        ]
        .concat();
        let texts =
            ["* 1 FETCH (RFC822.HEADER {1}\r\nh BODY[] ", &announced, " BODY[2] ", &announced, " UID 7)\r\n"].concat();
        let whole = trace(&[&row], u64::MAX);
        let frame = frames_of(&row, Limits::default()).unwrap().swap_remove(0);
        assert_eq!((frame.bytes.as_ref(), frame.size()), (texts.as_bytes(), row.len() - "A1 OK\r\n".len()));
        assert_eq!(frame.apart, [large(b'a'), large(b'b')]);
        for at in (0..row.len()).filter(|at| at % 97 == 0 || !(100..LARGE).contains(&(at % LARGE))) {
            let (a, b) = row.split_at(at);
            assert_eq!(trace(&[a, b], u64::MAX), whole, "at {at}");
        }
    }

    proptest! {
        #[test]
        fn any_chunking_of_any_bytes_gives_the_same(
            parts in proptest::collection::vec(prop::sample::select(vec![
                "* 1 FETCH (", "BODY[1] ", "{3}\r\n", "~{2}\r\n", "{0}\r\n", "{-1}", "abc", "\"", "\\", "(", ")", "\r\n", "\n", "\r", "* OK ", "A1 NO ",
                "+ ", "* SEARCH 1", "\0", "{99999999999}\r\n",
            ]), 0..30),
            cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..6),
            min_bytes in prop::sample::select(vec![0u64, 3, u64::MAX]),
        ) {
            let input = parts.concat().into_bytes();
            let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(input.len() + 1)).collect();
            cuts.sort_unstable();
            let mut chunks = Vec::new();
            let mut start = 0;
            for cut in cuts {
                chunks.push(&input[start..cut]);
                start = cut;
            }
            chunks.push(&input[start..]);
            prop_assert_eq!(trace(&chunks, min_bytes), trace(&[&input], min_bytes));
        }

        #[test]
        fn arbitrary_bytes(input in proptest::collection::vec(any::<u8>(), 0..300)) {
            trace(&[&input], 0);
        }
    }
}
