//! FETCH of whole messages: one command for some megabytes of them, handed on row by row while the rest still comes.
//!
//! The set is known to exist (see [`super::resolve`]), so rows can be put in order as they come, what a lost connection
//! left out can be asked for again, and a message for which the server says OK and sends nothing is noticed
//! (MailKit#1615: one such UID stalled an account for ever).

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc;

use super::MAX_SET_BYTES;
use super::argument::Mailbox;
use super::fetch::join;
use super::fetch_items::Items;
use super::line::Line;
use crate::connection::{Access, Command, Freshness, Link};
use crate::error::Result;
use crate::grammar::{FetchRow, Untagged};
use crate::uid_set::UidRanges;

/// What sizes that lie may cost: bytes of one command beyond those expected. What comes after that is dropped, and asked
/// for again one by one.
const SURPLUS_BYTES: u64 = 16 << 20;

/// Rows with whole messages.
pub(crate) struct Bodies {
    pub(crate) mailbox: Mailbox,
    pub(crate) uid_validity: Option<u32>,
    pub(crate) items: Items,
    pub(crate) freshness: Freshness,
    /// Octets of all messages together, as the server counts them.
    pub(crate) expected_bytes: u64,
    pub(crate) progress: Arc<Progress>,
    pub(crate) rows: mpsc::UnboundedSender<FetchRow>,
}

/// The UIDs still to come, ascending; shared with whoever asks again.
#[derive(Debug)]
pub(crate) struct Progress(Mutex<VecDeque<u32>>);

/// What did not come.
#[derive(Debug, Default)]
pub(crate) struct Rest {
    /// The server has the message and gives nothing of it.
    pub(crate) empty: Vec<u32>,
    /// Larger than the server had said: to be asked for alone.
    pub(crate) oversize: Vec<u32>,
}

impl Progress {
    pub(crate) fn new(uids: impl IntoIterator<Item = u32>) -> Arc<Self> {
        Arc::new(Self(Mutex::new(uids.into_iter().collect())))
    }

    /// How many are still to come.
    pub(crate) fn left(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<u32>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Command for Bodies {
    type Output = Rest;
    /// A second run asks for the rest only.
    const IDEMPOTENT: bool = true;

    fn mailbox(&self) -> Option<&Mailbox> {
        Some(&self.mailbox)
    }

    async fn run(&self, link: &mut Link) -> Result<Rest> {
        link.open(&self.mailbox, Access::Read, self.uid_validity, self.freshness).await?;
        let asked: Vec<u32> = self.progress.lock().iter().copied().collect();
        let budget = self.expected_bytes.saturating_add(SURPLUS_BYTES);
        let mut ordered = Ordered { bodies: self, held: BTreeMap::new(), oversize: Vec::new() };
        let meter = link.meter();
        let before = meter.bytes_read();
        for piece in UidRanges::from_uids(asked.iter().copied()).lines(MAX_SET_BYTES) {
            let line = Line::new("UID FETCH").arg(piece).arg(self.items.text(link));
            link.run(&line, &mut |data| {
                if let Untagged::Fetch(row) = data {
                    let over = asked.len() > 1 && meter.bytes_read().saturating_sub(before) > budget;
                    ordered.take(*row, over);
                }
            })
            .await?;
        }
        let (missing, oversize) = ordered.finish();
        let empty = if missing.is_empty() { Vec::new() } else { still_there(link, &missing).await? };
        Ok(Rest { empty, oversize })
    }
}

/// Puts rows in order: a row goes on as soon as it is complete and all before it have gone.
struct Ordered<'a> {
    bodies: &'a Bodies,
    held: BTreeMap<u32, FetchRow>,
    oversize: Vec<u32>,
}

impl Ordered<'_> {
    fn take(&mut self, row: FetchRow, over_budget: bool) {
        // Without a UID, or of a message not asked for, or again: news of flags, not an answer.
        let Some(uid) = row.uid else { return };
        let mut left = self.bodies.progress.lock();
        if left.binary_search(&uid).is_err() {
            return;
        }
        if over_budget {
            self.held.remove(&uid);
            self.oversize.push(uid);
            left.retain(|other| *other != uid);
            return;
        }
        match self.held.get_mut(&uid) {
            Some(known) => join(known, row),
            None => {
                self.held.insert(uid, row);
            }
        }
        while let Some(first) = left.front() {
            match self.held.get(first) {
                Some(row) if self.bodies.items.are_in(row) => {}
                _ => break,
            }
            if let Some(row) = self.held.remove(first) {
                self.bodies.give(row);
            }
            left.pop_front();
        }
    }

    /// The command is complete: what is held goes on as it is. Gives what did not come, and what was too large.
    fn finish(mut self) -> (Vec<u32>, Vec<u32>) {
        let left = std::mem::take(&mut *self.bodies.progress.lock());
        let mut missing = Vec::new();
        for uid in left {
            match self.held.remove(&uid) {
                Some(row) => self.bodies.give(row),
                None => missing.push(uid),
            }
        }
        (missing, self.oversize)
    }
}

impl Bodies {
    fn give(&self, row: FetchRow) {
        // Whoever has gone wants no rows; the answer is read to its end all the same.
        let _ = self.rows.send(row);
    }
}

/// Which of the messages that did not come are there nevertheless.
async fn still_there(link: &mut Link, missing: &[u32]) -> Result<Vec<u32>> {
    let mut found = Vec::new();
    for piece in UidRanges::from_uids(missing.iter().copied()).lines(MAX_SET_BYTES) {
        let line = Line::new("UID FETCH").arg(piece).arg("(UID)");
        link.run(&line, &mut |data| {
            if let Untagged::Fetch(row) = data {
                found.extend(row.uid.filter(|uid| missing.contains(uid)));
            }
        })
        .await?;
    }
    found.sort_unstable();
    found.dedup();
    Ok(found)
}
