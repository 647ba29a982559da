//! One part of a message, or all of it: is it there, how is it encoded, and its first window (RFC 9051 §6.4.5).
//!
//! ```text
//! UID FETCH n (UID RFC822.SIZE BODY.PEEK[]<0.w>)
//! UID FETCH n (UID BODYSTRUCTURE BODY.PEEK[p.MIME] BODY.PEEK[p]<0.w>)
//! ```
//!
//! Most attachments end here, after one round trip. The rest of the others: [`super::windows`].
//!
//! A server that ignores `<0.w>` sends the whole part. Then the first window is kept and the rest passed over, so that
//! memory stays what it is; from the next download on such a server is not asked for a first window any more.

use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use email_base::clock;
use futures_util::FutureExt;

use super::argument::Mailbox;
use super::line::Line;
use super::windows::TAP_ROOM;
use crate::connection::{Access, Command, Freshness, Link};
use crate::error::{Error, Result};
use crate::grammar::{Content, FetchRow, Section, Untagged};
use crate::tap::BodyChunk;
use crate::types::BodyPart;

/// Octets of the first window.
pub(crate) const FIRST_WINDOW: u64 = 512 << 10;
/// What the answer may weigh: a window, a MIME header as long, a structure of 2 MB, and news.
const MAX_ANSWER_BYTES: u64 = 8 << 20;

/// Which bytes.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) mailbox: Mailbox,
    pub(crate) uid: u32,
    /// `None`: the whole message.
    pub(crate) part: Option<String>,
}

impl Target {
    pub(super) fn section(&self) -> &str {
        self.part.as_deref().unwrap_or_default()
    }

    pub(super) fn window(&self, offset: u64, octets: u64) -> String {
        format!("BODY.PEEK[{}]<{offset}.{octets}>", self.section())
    }

    /// The same of what the server decodes.
    pub(super) fn decoded_window(&self, offset: u64, octets: u64) -> String {
        format!("BINARY.PEEK[{}]<{offset}.{octets}>", self.section())
    }

    pub(super) fn whole(&self) -> String {
        format!("BODY.PEEK[{}]", self.section())
    }

    /// The message is not there.
    pub(super) fn gone(&self) -> Error {
        Error::MessageNotFound { path: self.mailbox.path().to_owned(), uid: self.uid }
    }

    fn not_found(&self) -> Error {
        match &self.part {
            Some(part) => Error::PartNotFound { uid: self.uid, part: part.clone() },
            None => Error::IncompleteMessage(self.uid),
        }
    }
}

/// The first window, and what the rest has to be read by.
pub(crate) struct First {
    pub(crate) target: Target,
    pub(crate) uid_validity: Option<u32>,
}

/// What [`First`] brings.
#[derive(Debug, Default)]
pub(crate) struct Opening {
    pub(crate) data: Bytes,
    /// Nothing comes after `data`.
    pub(crate) complete: bool,
    /// As the server counts; a hint.
    pub(crate) size: Option<u64>,
    /// Of the part: how it is encoded.
    pub(crate) structure: Option<BodyPart>,
    pub(crate) mime_header: Option<Bytes>,
    pub(crate) uid_validity: Option<u32>,
    /// Octets a second, from the answer's first byte to its last.
    pub(crate) rate: u64,
}

impl Command for First {
    type Output = Opening;
    const IDEMPOTENT: bool = true;

    fn mailbox(&self) -> Option<&Mailbox> {
        Some(&self.target.mailbox)
    }

    fn is_plain(&self) -> bool {
        self.target.mailbox.is_plain()
    }

    async fn run(&self, link: &mut Link) -> Result<Opening> {
        let target = &self.target;
        link.open(&target.mailbox, Access::Read, self.uid_validity, Freshness::Now).await?;
        let whole = link.quirks.ignores_partial();
        let window = if whole { String::new() } else { format!(" {}", target.window(0, FIRST_WINDOW)) };
        let mime = match &target.part {
            // The multipart of a message has no MIME header of its own.
            Some(part) if !part.ends_with("TEXT") => format!(" BODY.PEEK[{part}.MIME]"),
            _ => String::new(),
        };
        let about = if target.part.is_some() { "BODYSTRUCTURE" } else { "RFC822.SIZE" };
        let meter = link.meter();
        meter.await_first_byte();
        let before = meter.bytes_read();
        let row = match row(link, target, &format!("(UID {about}{mime}{window})")).await {
            // A broken structure has swallowed what stood behind it.
            Ok(broken) if broken.has_no_end() && target.part.is_some() && !(mime.is_empty() && window.is_empty()) => {
                row(link, target, &format!("(UID{mime}{window})")).await?
            }
            // Some servers refuse a part that is not there instead of answering NIL: ask which parts are.
            Err(error @ Error::Refused { .. }) if target.part.is_some() && !error.asks_for_pause() => {
                let there = row(link, target, "(UID BODYSTRUCTURE)").await?;
                let part = there.body_structure.as_ref().and_then(|root| find(root, target.section()));
                return Err(if part.is_none() { target.not_found() } else { error });
            }
            // OK and nothing: gone, or there and not to be had?
            Err(gone @ Error::MessageNotFound { .. }) => {
                return Err(match row(link, target, "(UID)").await {
                    Ok(_) => Error::IncompleteMessage(target.uid),
                    Err(refused @ Error::Refused { .. }) if !refused.asks_for_pause() => gone,
                    Err(other) => other,
                });
            }
            other => other?,
        };
        let took = meter.first_byte().map_or(Duration::MAX, |at| clock::now().saturating_duration_since(at));
        if let Some(structure) = &row.body_structure {
            link.learn_parts(&target.mailbox, target.uid, structure);
        }
        let rate = rate(meter.bytes_read().saturating_sub(before), took);
        let opening = if whole { headless(target, row) } else { opening(target, row) };
        Ok(Opening { rate, uid_validity: link.uid_validity(), ..opening? })
    }
}

/// Octets a second.
pub(super) fn rate(octets: u64, took: Duration) -> u64 {
    let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX).max(1);
    octets.saturating_mul(1000) / ms
}

fn opening(target: &Target, mut row: FetchRow) -> Result<Opening> {
    let structure = row.body_structure.take();
    let part = target.part.as_deref().and_then(|part| find(structure.as_ref()?, part)).cloned();
    let data = match row.take_section(target.section()) {
        Some(Content::Inline(data)) => data,
        Some(Content::Nil | Content::Streamed { .. }) | None => return Err(target.not_found()),
    };
    // `""` for a part that is not there (some servers), or for one that is empty (the structure knows it).
    if data.is_empty() && target.part.is_some() && structure.is_some() && part.is_none() {
        return Err(target.not_found());
    }
    let size = if target.part.is_some() { part.as_ref().map(|part| part.size) } else { row.size };
    let short = (data.len() as u64) < FIRST_WINDOW;
    // Without a size nothing says so: some servers give less than a window, whatever they are asked for.
    let complete = data.is_empty() || (short && size.is_some_and(|size| size <= data.len() as u64));
    let mime_header = mime_header(target, &mut row);
    Ok(Opening { data, complete, size, structure: part, mime_header, ..Opening::default() })
}

/// Without a first window: the bytes come all at once.
fn headless(target: &Target, mut row: FetchRow) -> Result<Opening> {
    let structure = row.body_structure.take();
    let part = target.part.as_deref().and_then(|part| find(structure.as_ref()?, part)).cloned();
    if target.part.is_some() && structure.is_some() && part.is_none() {
        return Err(target.not_found());
    }
    let size = if target.part.is_some() { part.as_ref().map(|part| part.size) } else { row.size };
    let mime_header = mime_header(target, &mut row);
    Ok(Opening { size, structure: part, mime_header, ..Opening::default() })
}

fn mime_header(target: &Target, row: &mut FetchRow) -> Option<Bytes> {
    match row.take_section(&format!("{}.MIME", target.section())) {
        Some(Content::Inline(header)) => Some(header),
        _ => None,
    }
}

/// The one row of the target; MESSAGE_NOT_FOUND without. Of a literal beyond the window only that much is kept.
async fn row(link: &mut Link, target: &Target, items: &str) -> Result<FetchRow> {
    let line = Line::new("UID FETCH").arg(target.uid.to_string()).arg(items);
    let line = line.at_most(MAX_ANSWER_BYTES, "the first window of a download", "MAX_ANSWER_BYTES");
    let mut found: Option<FetchRow> = None;
    let tap = link.meter();
    let mut bodies = tap.stream_bodies(FIRST_WINDOW + 1, TAP_ROOM);
    let mut start = Start::default();
    let answered = {
        let mut sink = |data| {
            if let Untagged::Fetch(row) = data
                && row.uid == Some(target.uid)
            {
                match &mut found {
                    Some(known) => super::fetch::join(known, *row),
                    None => found = Some(*row),
                }
            }
        };
        let mut answer = pin!(link.run(&line, &mut sink));
        loop {
            tokio::select! {
                biased;
                Some(chunk) = bodies.next() => start.take(chunk, target),
                answered = &mut answer => break answered,
            }
        }
    };
    tap.stop_bodies();
    while let Ok(Some(chunk)) = bodies.next().now_or_never().ok_or(()) {
        start.take(chunk, target);
    }
    answered?;
    if !start.data.is_empty() {
        link.quirks.note_ignored_partial();
        let is_target = |section: &&mut Section| {
            section.section.eq_ignore_ascii_case(target.section())
                && matches!(section.content, Content::Streamed { .. })
        };
        if let Some(section) = found.iter_mut().flat_map(|row| &mut row.sections).find(is_target) {
            section.content = Content::Inline(start.data.into());
        }
    }
    found.ok_or_else(|| target.gone())
}

/// The first window of what comes whole.
#[derive(Default)]
struct Start {
    data: Vec<u8>,
    /// The literal that comes now is the target's.
    is_target: bool,
}

impl Start {
    fn take(&mut self, chunk: BodyChunk, target: &Target) {
        match chunk {
            BodyChunk::Start { section, .. } => {
                // One is enough, should it come twice. Another section that large may be a MIME header: mail can have it.
                self.is_target = self.data.is_empty() && section.eq_ignore_ascii_case(target.section());
            }
            BodyChunk::Data(data) if self.is_target => {
                let room = usize::try_from(FIRST_WINDOW).unwrap_or(usize::MAX).saturating_sub(self.data.len());
                self.data.extend_from_slice(data.get(..room.min(data.len())).unwrap_or_default());
            }
            BodyChunk::Data(_) | BodyChunk::End => {}
        }
    }
}

/// The part of that number; the tree is searched without recursion.
fn find<'a>(root: &'a BodyPart, part: &str) -> Option<&'a BodyPart> {
    let mut queue = vec![root];
    while let Some(next) = queue.pop() {
        if next.part == part {
            return Some(next);
        }
        queue.extend(&next.children);
    }
    None
}
