//! FETCH of known messages, chunk after chunk, handed on row by row (RFC 9051 §6.4.5).
//!
//! ```text
//!  chunks:   [done][under way][asked ahead][…]
//!                      │ rows, in order
//!                      ▼
//!             parsers (≤ room for so many chunks)
//! ```
//!
//! The next chunk is asked for before the last one is complete: no round trip between them. Nothing is asked ahead while
//! the parsers have no room or somebody else is kept waiting for the connection.
//!
//! The messages are known to exist (see [`super::resolve`]), so rows can be put in order as they come, what a lost
//! connection left out can be asked for again, and a message for which the server says OK and sends nothing is noticed
//! (MailKit#1615: one such UID stalled an account for ever).

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_imap::imap_proto::RequestId;
use email_base::clock;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::MAX_SET_BYTES;
use super::argument::Mailbox;
use super::fetch::join;
use super::fetch_items::Items;
use super::line::Line;
use super::mend;
use super::search;
use super::windows::Paused;
use crate::connection::{Access, Command, Freshness, Link, Others};
use crate::error::Result;
use crate::grammar::{FetchRow, Section, Untagged};
use crate::uid_set::UidRanges;

/// Chunks under way at once: one that comes, and one that is asked for.
const AT_ONCE: usize = 2;
/// What sizes that lie may cost: octets of one chunk beyond those expected. What comes after that is dropped, and asked
/// for again one by one.
const SURPLUS_OCTETS: u64 = 16 << 20;

/// Messages that did not come and are asked for one by one. More, and the server has given up on the whole set.
const MAX_ALONE: usize = 200;

/// Rows that wait to be mended. Of a server all of whose envelopes are broken the rest goes as it is.
const MAX_BROKEN: usize = 1000;
/// What they may hold of messages: they wait besides the chunks.
const MAX_BROKEN_BYTES: usize = 16 << 20;

/// Works through chunks.
pub(crate) struct FetchRows {
    pub(crate) mailbox: Mailbox,
    pub(crate) uid_validity: Option<u32>,
    pub(crate) freshness: Freshness,
    pub(crate) items: Items,
    pub(crate) work: Arc<Work>,
    /// One permit per chunk that is under way or being parsed.
    pub(crate) room: Arc<Semaphore>,
    pub(crate) others: Others,
    pub(crate) rows: mpsc::UnboundedSender<Item>,
}

/// What goes to the parsers.
pub(crate) enum Item {
    /// A message.
    Row(Box<FetchRow>),
    /// A message without its content, which is too large.
    Oversize(Box<FetchRow>),
    /// The server has the message and gives nothing of it.
    Empty(u32),
    /// All rows of a chunk are through: its room is free when they have been handed out.
    Done(OwnedSemaphorePermit),
}

/// What is still to come; shared with whoever asks again.
#[derive(Debug, Default)]
pub(crate) struct Work(Mutex<Chunks>);

#[derive(Debug, Default)]
struct Chunks {
    todo: VecDeque<Chunk>,
    /// Did not come: to be asked about at the end.
    doubtful: Vec<u32>,
    /// They are asked for one by one now, once.
    alone: bool,
    /// Came, and something of them has to be read from the message itself: at the end, too.
    broken: Vec<FetchRow>,
    broken_bytes: usize,
    /// The connection was lost over them before: the next ones go as they are.
    mending: bool,
    /// Some row has come.
    came: bool,
}

/// Messages of one command.
#[derive(Debug, Clone)]
pub(crate) struct Chunk {
    /// Still to come, ascending.
    uids: VecDeque<u32>,
    /// Of all of them together, as the server counts.
    octets: u64,
    /// Everything but the content: that is too large.
    without_content: bool,
}

impl Chunk {
    /// UIDs in any order.
    pub(crate) fn new(uids: impl IntoIterator<Item = u32>, octets: u64) -> Self {
        let mut uids: Vec<_> = uids.into_iter().collect();
        uids.sort_unstable();
        Self { uids: uids.into(), octets, without_content: false }
    }

    fn has(&self, uid: u32) -> bool {
        self.uids.binary_search(&uid).is_ok()
    }
}

impl Work {
    pub(crate) fn new(chunks: impl IntoIterator<Item = Chunk>) -> Arc<Self> {
        Arc::new(Self(Mutex::new(Chunks { todo: chunks.into_iter().collect(), ..Chunks::default() })))
    }

    /// How many messages are still to come.
    pub(crate) fn left(&self) -> usize {
        let chunks = self.lock();
        chunks.todo.iter().map(|chunk| chunk.uids.len()).sum::<usize>() + chunks.doubtful.len() + chunks.broken.len()
    }

    /// Messages alone in their chunk that are larger than `limit` come without their content.
    pub(crate) fn leave_out_content_beyond(&self, limit: u64) {
        for chunk in &mut self.lock().todo {
            chunk.without_content = chunk.uids.len() == 1 && chunk.octets > limit;
        }
    }

    /// A message of the first chunk was too large, though the server had not said so: each of them alone now, and one
    /// that was alone without its content. `false`: there is nothing more to leave out.
    pub(crate) fn isolate(&self) -> bool {
        let mut chunks = self.lock();
        let Some(mut first) = chunks.todo.pop_front() else { return false };
        let possible = !first.without_content;
        if first.uids.len() <= 1 {
            first.without_content = true;
            chunks.todo.push_front(first);
        } else {
            for uid in first.uids.into_iter().rev() {
                chunks.todo.push_front(Chunk::new([uid], 0));
            }
        }
        possible
    }

    /// The next command has failed, and no row came: some message of it may be to blame. It is looked for by halving;
    /// alone, it is doubtful. `false`: it was no message's content.
    pub(crate) fn suspect(&self) -> bool {
        let mut chunks = self.lock();
        let Some(mut front) = chunks.todo.pop_front() else { return false };
        if front.uids.len() <= 1 {
            chunks.doubtful.extend(front.uids);
            return true;
        }
        let rear = front.uids.split_off(front.uids.len() / 2);
        chunks.todo.push_front(Chunk::new(rear, front.octets));
        chunks.todo.push_front(front);
        true
    }

    /// Some row has come, in another way.
    pub(crate) fn note_that_some_came(&self) {
        self.lock().came = true;
    }

    /// Whether any row has come: the server does answer, then, and what fails is about some message.
    pub(crate) fn some_came(&self) -> bool {
        self.lock().came
    }

    /// The first chunk is tried again behind all others. `false`: there is no other.
    pub(crate) fn postpone(&self) -> bool {
        let todo = &mut self.lock().todo;
        let others = todo.len() > 1;
        todo.rotate_left(usize::from(others));
        others
    }

    /// Whether the next command is about one message alone.
    pub(crate) fn is_alone(&self) -> bool {
        self.lock().todo.front().is_some_and(|front| front.uids.len() <= 1)
    }

    fn lock(&self) -> MutexGuard<'_, Chunks> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Command for FetchRows {
    type Output = Paused;
    /// A second run asks for the rest only.
    const IDEMPOTENT: bool = true;

    fn mailbox(&self) -> Option<&Mailbox> {
        Some(&self.mailbox)
    }

    fn is_plain(&self) -> bool {
        self.mailbox.is_plain()
    }

    async fn run(&self, link: &mut Link) -> Result<Paused> {
        link.open(&self.mailbox, Access::Read, self.uid_validity, self.freshness).await?;
        let began = clock::now();
        let mut under_way = VecDeque::new();
        let mut awaited = false;
        loop {
            while !awaited
                && !link.is_renewal_due()
                && under_way.len() < AT_ONCE
                && self.ask(link, &mut under_way).await?
            {
                awaited = self.others.are_kept(began);
            }
            let Some(first) = under_way.pop_front() else { break };
            self.take(link, first, &mut under_way).await?;
        }
        if !self.work.lock().todo.is_empty() {
            return Ok(Paused::More);
        }
        self.mend(link).await?;
        self.ask_about_the_doubtful(link).await
    }
}

/// A chunk that is asked for.
struct UnderWay {
    asked: Vec<(RequestId, Line)>,
    chunk: Chunk,
    /// Complete, but something before them is not; or not complete yet.
    held: BTreeMap<u32, Box<FetchRow>>,
    oversize: Vec<u32>,
    room: OwnedSemaphorePermit,
}

impl UnderWay {
    /// Nothing before it is missing, and nothing of it came before.
    fn is_next(&self, uid: u32) -> bool {
        self.held.is_empty() && self.chunk.uids.front() == Some(&uid)
    }

    /// More came than was expected: this one is asked for again, alone.
    fn put_off(&mut self, uid: u32) {
        self.held.remove(&uid);
        self.chunk.uids.retain(|other| *other != uid);
        self.oversize.push(uid);
    }
}

impl Chunks {
    /// The first `gone` messages of the first chunk have been handed on: whatever breaks now, they do not come again.
    fn count_off(&mut self, gone: usize, under_way: &UnderWay) {
        let Some(chunk) = self.todo.front_mut() else { return };
        if under_way.oversize.is_empty() {
            chunk.uids.drain(..gone.min(chunk.uids.len()));
            return;
        }
        chunk.uids.clone_from(&under_way.chunk.uids);
        chunk.uids.extend(&under_way.oversize);
        chunk.uids.make_contiguous().sort_unstable();
    }
}

impl FetchRows {
    /// Asks for the next chunk. `false`: there is none, or no room for it.
    async fn ask(&self, link: &mut Link, under_way: &mut VecDeque<UnderWay>) -> Result<bool> {
        let Some(chunk) = self.work.lock().todo.get(under_way.len()).cloned() else { return Ok(false) };
        let Ok(room) = Arc::clone(&self.room).try_acquire_owned() else { return Ok(false) };
        // Two messages as large as can be may come at once. More is a flood, and its message comes without its content.
        let most = link.max_literal_bytes.saturating_mul(AT_ONCE as u64).saturating_add(SURPLUS_OCTETS);
        let mut asked = Vec::new();
        for piece in UidRanges::from_uids(chunk.uids.iter().copied()).lines(MAX_SET_BYTES) {
            let line = Line::new("UID FETCH").arg(piece).arg(self.items_of(&chunk).text(link));
            let line = line.at_most(most, "the literals of a response", "limits.maxLiteralBytes");
            asked.push((link.send(&line).await?, line));
        }
        under_way.push_back(UnderWay { asked, chunk, held: BTreeMap::new(), oversize: Vec::new(), room });
        Ok(true)
    }

    /// Reads the first chunk under way to its end.
    async fn take(&self, link: &mut Link, mut first: UnderWay, later: &mut VecDeque<UnderWay>) -> Result<()> {
        let meter = link.meter();
        let before = meter.bytes_read();
        let octets = |chunk: &UnderWay| chunk.chunk.octets;
        let budget = later.iter().map(octets).fold(octets(&first), u64::saturating_add).saturating_add(SURPLUS_OCTETS);
        let alone = first.chunk.uids.len() <= 1;
        for (tag, line) in std::mem::take(&mut first.asked) {
            let mut sink = |data| {
                let Untagged::Fetch(row) = data else { return };
                // Without a UID it is news of flags, not an answer.
                let Some(uid) = row.uid else { return };
                let over = meter.bytes_read().saturating_sub(before) > budget;
                if first.chunk.has(uid) {
                    self.sort_in(&mut first, uid, row, over && !alone);
                } else if let Some(other) = later.iter_mut().find(|other| other.chunk.has(uid)) {
                    // A server that works on two commands at once.
                    if over {
                        other.put_off(uid);
                    } else {
                        hold(other, uid, row);
                    }
                }
            };
            link.answer(&tag, &line, &mut sink).await?;
        }
        self.finish(first)
    }

    /// Rows go on in order: each as soon as it is complete and all before it have gone.
    fn sort_in(&self, under_way: &mut UnderWay, uid: u32, row: Box<FetchRow>, over_budget: bool) {
        if over_budget {
            under_way.put_off(uid);
        } else if under_way.is_next(uid) && self.items_of(&under_way.chunk).are_in(&row) {
            // As nearly all come: complete and in order.
            let mut work = self.work.lock();
            self.deliver(row, &under_way.chunk, &mut work);
            under_way.chunk.uids.pop_front();
            work.count_off(1, under_way);
            return;
        } else {
            hold(under_way, uid, row);
        }
        let mut gone = 0;
        while let Some(next) = under_way.chunk.uids.front() {
            match under_way.held.get(next) {
                Some(row) if self.items_of(&under_way.chunk).are_in(row) => {}
                _ => break,
            }
            if let Some(row) = under_way.held.remove(next) {
                self.deliver(row, &under_way.chunk, &mut self.work.lock());
            }
            under_way.chunk.uids.pop_front();
            gone += 1;
        }
        if gone > 0 || over_budget {
            self.work.lock().count_off(gone, under_way);
        }
    }

    /// A chunk's command is complete: what is held goes on as it is, what did not come is kept for later.
    fn finish(&self, mut done: UnderWay) -> Result<()> {
        let mut work = self.work.lock();
        for uid in &done.chunk.uids {
            match done.held.remove(uid) {
                Some(row) => self.deliver(row, &done.chunk, &mut work),
                None => work.doubtful.push(*uid),
            }
        }
        work.todo.pop_front();
        // Larger than the server had said: each alone, at the end.
        work.todo.extend(done.oversize.into_iter().map(|uid| Chunk::new([uid], 0)));
        self.give(Item::Done(done.room));
        Ok(())
    }

    /// When all chunks are through: which of the messages that did not come are there nevertheless?
    async fn ask_about_the_doubtful(&self, link: &mut Link) -> Result<Paused> {
        let doubtful = UidRanges::from_uids(self.work.lock().doubtful.iter().copied());
        // Not by FETCH: some servers give nothing at all of a message, not even its UID.
        let found = if doubtful.is_empty() { Vec::new() } else { search::existing(link, &doubtful.into()).await? };
        let mut work = self.work.lock();
        work.doubtful.clear();
        if found.len() > 1 && !work.alone && found.len() <= MAX_ALONE {
            // A server that stops at the message it cannot give leaves out those behind it as well.
            work.alone = true;
            work.todo.extend(found.into_iter().map(|uid| Chunk::new([uid], 0)));
            return Ok(Paused::More);
        }
        for uid in found {
            self.give(Item::Empty(uid));
        }
        Ok(Paused::End)
    }

    /// When all chunks are through: what is broken is read from the messages themselves.
    async fn mend(&self, link: &mut Link) -> Result<()> {
        let (mut rows, again) = {
            let mut work = self.work.lock();
            (work.broken.clone(), std::mem::replace(&mut work.mending, true))
        };
        // A server that dies of it has to be asked no more.
        if !again {
            mend::mend(link, &self.items, &mut rows).await?;
        }
        let mut work = self.work.lock();
        work.broken.clear();
        work.broken_bytes = 0;
        work.mending = false;
        for row in rows {
            self.give(Item::Row(Box::new(row)));
        }
        Ok(())
    }

    /// A row that is as complete as it gets goes on; one that can be mended waits for the end.
    fn deliver(&self, row: Box<FetchRow>, chunk: &Chunk, work: &mut Chunks) {
        work.came = true;
        let bytes = row.sections.iter().map(Section::bytes).fold(work.broken_bytes, usize::saturating_add);
        if chunk.without_content {
            self.give(Item::Oversize(row));
        } else if self.items.needs_mending(&row) && work.broken.len() < MAX_BROKEN && bytes <= MAX_BROKEN_BYTES {
            work.broken_bytes = bytes;
            work.broken.push(*row);
        } else {
            self.give(Item::Row(row));
        }
    }

    fn items_of(&self, chunk: &Chunk) -> &Items {
        if chunk.without_content { self.items.without_source() } else { &self.items }
    }

    fn give(&self, item: Item) {
        // Whoever has gone wants no rows; the answers are read to their end all the same.
        let _ = self.rows.send(item);
    }
}

fn hold(under_way: &mut UnderWay, uid: u32, row: Box<FetchRow>) {
    match under_way.held.get_mut(&uid) {
        Some(known) => join(known, *row),
        None => {
            under_way.held.insert(uid, row);
        }
    }
}
