//! FETCH of one part in windows (RFC 9051 §6.4.5, `<partial>`): constant memory, few round trips.
//!
//! ```text
//! first   UID FETCH n (UID RFC822.SIZE BODYSTRUCTURE BODY.PEEK[p.MIME] BODY.PEEK[p]<0.w>)     is it there, how encoded
//! then    UID FETCH n (UID BODY.PEEK[p]<o.w>)  × several under way, as long as the reader keeps up and nobody waits
//! ```
//!
//! Sizes are hints: the end is a window that brings nothing more. Exmail ignores the window and sends everything.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};

use super::argument::Mailbox;
use super::line::Line;
use crate::connection::{Access, Backlog, Command, Freshness, Link};
use crate::error::{Error, Result};
use crate::grammar::{Content, FetchRow, Untagged};
use crate::types::BodyPart;

/// Octets of one window.
pub(crate) const WINDOW: u64 = 512 * 1024;
/// Windows under way at once: 2 MB cover 200 Mbit/s at 80 ms.
const AT_ONCE: usize = 4;

/// Which bytes.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) mailbox: Mailbox,
    pub(crate) uid: u32,
    /// `None`: the whole message.
    pub(crate) part: Option<String>,
}

impl Target {
    fn section(&self) -> &str {
        self.part.as_deref().unwrap_or_default()
    }

    fn window(&self, offset: u64) -> String {
        format!("BODY.PEEK[{}]<{offset}.{WINDOW}>", self.section())
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
#[derive(Debug)]
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
}

impl Command for First {
    type Output = Opening;
    const IDEMPOTENT: bool = true;

    fn mailbox(&self) -> Option<&Mailbox> {
        Some(&self.target.mailbox)
    }

    async fn run(&self, link: &mut Link) -> Result<Opening> {
        let target = &self.target;
        link.open(&target.mailbox, Access::Read, self.uid_validity, Freshness::Now).await?;
        let items = match &target.part {
            // The multipart of a message has no MIME header of its own.
            Some(part) if part.ends_with("TEXT") => format!("(UID BODYSTRUCTURE {})", target.window(0)),
            Some(part) => format!("(UID BODYSTRUCTURE BODY.PEEK[{part}.MIME] {})", target.window(0)),
            None => format!("(UID RFC822.SIZE {})", target.window(0)),
        };
        let row = match row(link, target, &items).await {
            // Some servers refuse a part that is not there instead of answering NIL: ask which parts are.
            Err(error @ Error::Refused { .. }) if target.part.is_some() => {
                let there = row(link, target, "(UID BODYSTRUCTURE)").await?;
                let part = there.body_structure.as_ref().and_then(|root| find(root, target.section()));
                return Err(if part.is_none() { target.not_found() } else { error });
            }
            other => other?,
        };
        opening(target, row, link.uid_validity())
    }
}

fn opening(target: &Target, mut row: FetchRow, uid_validity: Option<u32>) -> Result<Opening> {
    let structure = row.body_structure.take();
    let part = target.part.as_deref().and_then(|part| find(structure.as_ref()?, part)).cloned();
    let at = row.sections.iter().position(|section| section.section.eq_ignore_ascii_case(target.section()));
    let section = at.map(|at| row.sections.swap_remove(at)).ok_or_else(|| target.not_found())?;
    let data = match section.content {
        Content::Inline(data) => data,
        Content::Nil | Content::Streamed { .. } => return Err(target.not_found()),
    };
    // `""` for a part that is not there (some servers), or for one that is empty (the structure knows it).
    if data.is_empty() && target.part.is_some() && structure.is_some() && part.is_none() {
        return Err(target.not_found());
    }
    let mime_header = match row.take_section(&format!("{}.MIME", target.section())) {
        Some(Content::Inline(header)) => Some(header),
        _ => None,
    };
    let size = if target.part.is_some() { part.as_ref().map(|part| part.size) } else { row.size };
    let ignored = section.origin.is_none() && data.len() as u64 > WINDOW;
    let short = (data.len() as u64) < WINDOW;
    let more_claimed = size.is_some_and(|size| size > data.len() as u64);
    let complete = ignored || data.is_empty() || (short && !more_claimed);
    Ok(Opening { data, complete, size, structure: part, mime_header, uid_validity })
}

/// Windows after the first, for as long as there is room for them and nobody waits for the connection.
pub(crate) struct Windows {
    pub(crate) target: Target,
    pub(crate) uid_validity: Option<u32>,
    pub(crate) size: Option<u64>,
    pub(crate) at: Arc<Offset>,
    /// One permit per window that is under way or not yet given out.
    pub(crate) room: Arc<Semaphore>,
    pub(crate) backlog: watch::Receiver<Backlog>,
    pub(crate) pieces: mpsc::UnboundedSender<Piece>,
}

/// Bytes in order, with the room they take.
pub(crate) struct Piece {
    pub(crate) data: Bytes,
    pub(crate) room: OwnedSemaphorePermit,
}

/// How far the reading has come; shared with whoever asks again.
#[derive(Debug)]
pub(crate) struct Offset(Mutex<u64>);

impl Offset {
    pub(crate) fn new(at: u64) -> Arc<Self> {
        Arc::new(Self(Mutex::new(at)))
    }

    pub(crate) fn get(&self) -> u64 {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn advance(&self, by: usize) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) += by as u64;
    }
}

/// Whether there is more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Paused {
    /// Ask again when there is room.
    More,
    /// That was all.
    End,
}

impl Command for Windows {
    type Output = Paused;
    /// A second run goes on where the first one ended.
    const IDEMPOTENT: bool = true;

    fn mailbox(&self) -> Option<&Mailbox> {
        Some(&self.target.mailbox)
    }

    async fn run(&self, link: &mut Link) -> Result<Paused> {
        link.open(&self.target.mailbox, Access::Read, self.uid_validity, Freshness::AsIs).await?;
        let mut under_way = VecDeque::new();
        let mut arrived = BTreeMap::new();
        let mut next = self.at.get();
        let mut asking = true;
        let mut end = None;
        loop {
            while asking && end.is_none() && under_way.len() < AT_ONCE {
                let Ok(room) = Arc::clone(&self.room).try_acquire_owned() else { break };
                let line = Line::new("UID FETCH").arg(self.target.uid.to_string());
                let line = line.arg(format!("(UID {})", self.target.window(next)));
                under_way.push_back((link.send(&line).await?, line, next, room));
                next += WINDOW;
                asking = self.backlog.borrow().calls == 0;
            }
            let Some((tag, line, offset, room)) = under_way.pop_front() else {
                return Ok(end.unwrap_or(Paused::More));
            };
            link.answer(&tag, &line, &mut |data| self.sort_in(data, offset, &mut arrived)).await?;
            let data = arrived.remove(&offset).unwrap_or_default();
            if end.is_some() || offset != self.at.get() {
                // After a short window: what was asked ahead is of no use.
                continue;
            }
            let short = (data.len() as u64) < WINDOW;
            let nothing = data.is_empty();
            self.at.advance(data.len());
            if !nothing {
                // Whoever has gone wants no bytes; the answers are read all the same.
                let _ = self.pieces.send(Piece { data, room });
            }
            if short {
                let more_claimed = !nothing && self.size.is_some_and(|size| size > self.at.get());
                end = Some(if more_claimed { Paused::More } else { Paused::End });
            }
        }
    }
}

impl Windows {
    /// A window's bytes, by where they start. A server that ignores windows sends everything each time.
    fn sort_in(&self, data: Untagged, offset: u64, arrived: &mut BTreeMap<u64, Bytes>) {
        let Untagged::Fetch(row) = data else { return };
        if row.uid != Some(self.target.uid) {
            return;
        }
        for section in row.sections {
            let Content::Inline(bytes) = section.content else { continue };
            if !section.section.eq_ignore_ascii_case(self.target.section()) || arrived.len() > AT_ONCE {
                continue;
            }
            match section.origin {
                Some(origin) => arrived.insert(origin, bytes),
                None => {
                    let from = usize::try_from(offset).unwrap_or(usize::MAX);
                    let rest = if bytes.len() > from { bytes.slice(from..) } else { Bytes::new() };
                    // Never more than a window of it, so that the next one fits on.
                    let window = usize::try_from(WINDOW).unwrap_or(usize::MAX);
                    arrived.insert(offset, rest.slice(..rest.len().min(window)))
                }
            };
        }
    }
}

/// The one row of the target; MESSAGE_NOT_FOUND without.
async fn row(link: &mut Link, target: &Target, items: &str) -> Result<FetchRow> {
    let line = Line::new("UID FETCH").arg(target.uid.to_string()).arg(items);
    let mut found: Option<FetchRow> = None;
    link.run(&line, &mut |data| {
        if let Untagged::Fetch(row) = data
            && row.uid == Some(target.uid)
        {
            match &mut found {
                Some(known) => super::fetch::join(known, *row),
                None => found = Some(*row),
            }
        }
    })
    .await?;
    found.ok_or_else(|| Error::MessageNotFound { path: target.mailbox.path().to_owned(), uid: target.uid })
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
