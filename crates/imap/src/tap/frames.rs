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
/// A fuzzer's inputs are small.
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
mod tests;
