//! `fetch`: from chunks on the wire to pages of parsed messages.
//!
//! ```text
//!  actor                     batches on blocking threads              pages
//!  rows [≤ CHUNKS_AHEAD] ──► parse ∥ parse ∥ parse, in order ──► [≤ PAGES_AHEAD] ─► next()
//! ```
//!
//! What the actor has asked for it reads into memory, so the connection is free for other calls while JavaScript holds a
//! page: no deadlock by construction. More is asked for only while there is room.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use email_base::{Call, Classify, clock};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::batch::{BATCH_ROWS, Batch, Parsed, Parsing, front};
use super::blame::{is_about_protocol, is_refusal_over_a_message, is_soon_over, may_be_a_message};
use super::feed::{Feed, Outlet};
use super::page::Page;
pub use super::page::Ready;
use crate::command::argument::Mailbox;
use crate::command::fetch::{Fetch, Fetched};
use crate::command::fetch_items::Items;
use crate::command::fetch_rows::{Chunk, FetchRows, Item, Work};
use crate::command::resolve::{Resolve, SIZED_ROWS, Sizes};
use crate::command::windows::Paused;
use crate::connection::{Freshness, Pool};
use crate::error::{Error, Result};
use crate::grammar::FetchRow;
use crate::options::{DEFAULT_PAGE_SIZE, FetchOptions, MAX_PAGE_SIZE};
use crate::types::{FetchQuery, FetchedMessage};
use crate::uid_set::{UidRange, UidRanges, UidSet};

/// Octets of whole messages in one chunk, unless one message alone has more.
const CHUNK_OCTETS: u64 = 4 << 20;
/// Whole messages in one chunk.
const CHUNK_ROWS: usize = 200;
/// How much longer each stretch of sizes is than the one before.
const STRETCH_GROWTH: usize = 4;
/// Chunks in memory: two being read, two being parsed and handed out.
const CHUNKS_AHEAD: usize = 4;
/// What a row without content takes on the wire, about.
const ROW_OCTETS: u64 = 4 << 10;
/// Pages that wait for whoever reads.
const PAGES_AHEAD: usize = 2;
/// Batches being parsed at once.
const BATCHES_AHEAD: usize = 4;
/// Connections lost in a row without one more row: then it is no accident.
const FRUITLESS_TRIES: u32 = 2;
/// The same while a message that the server dies of is looked for among some hundreds: beyond it, it dies of any.
const MAX_FRUITLESS: u32 = 16;
/// And so long: whoever is told of a hostile server wants to know it soon.
const FRUITLESS_TIME: Duration = Duration::from_secs(6);
/// Failures of one fetch or sync that may be the fault of single messages: finding one among a hundred takes nine.
const MAX_SUSPICIONS: u32 = 60;

/// A fetch under way. Dropping it stops the work.
#[derive(Debug)]
pub struct Pages<T = Vec<FetchedMessage>>(Feed<T>);

impl<T: Send + 'static> Pages<T> {
    pub(super) fn new(
        pool: Arc<Pool>,
        path: &str,
        uids: UidSet,
        query: FetchQuery,
        options: FetchOptions,
        ready: Ready<T>,
        call: &Call,
    ) -> Self {
        let plan = Plan::new(path, uids, query, options);
        let (feed_pool, feed_call) = (Arc::clone(&pool), call.clone());
        let start = move |outlet| async move { plan?.run(pool, feed_call, ready, outlet).await };
        Self(Feed::new(feed_pool, call.clone(), PAGES_AHEAD, start))
    }

    /// The next page: never empty; `None` at the end, and after an error.
    pub async fn next(&mut self) -> Option<Result<T>> {
        self.0.next().await
    }
}

/// A checked fetch.
struct Plan {
    mailbox: Mailbox,
    uids: UidSet,
    query: Arc<FetchQuery>,
    items: Items,
    uid_validity: Option<u32>,
    page_size: usize,
}

/// Messages known to exist, fetched in an order of the caller's: the fetching half of a sync.
///
/// Pages are handed out when they are full or when their first message has waited for `linger`. A message that cannot
/// be had does not end it (see [`Work::suspect`]).
pub(crate) struct Delivery {
    pub(crate) mailbox: Mailbox,
    pub(crate) uid_validity: u32,
    pub(crate) query: Arc<FetchQuery>,
    pub(crate) items: Items,
    pub(crate) page_size: usize,
    pub(crate) linger: Duration,
}

impl Delivery {
    /// Whether whole messages come: then chunks should be bounded by octets.
    pub(crate) fn has_source(&self) -> bool {
        self.items.has_source()
    }

    /// Reads and parses at the same time, chunk by chunk.
    pub(crate) async fn run(
        &self,
        pool: &Pool,
        call: &Call,
        chunks: Vec<Chunk>,
        outlet: Outlet<Vec<FetchedMessage>>,
    ) -> Result<()> {
        let (rows, incoming) = mpsc::unbounded_channel();
        let pages = Page::new(self.page_size, std::convert::identity, outlet).lingering(self.linger);
        let parsing = parse(incoming, Arc::clone(&self.query), self.items.clone(), pages);
        let work = Work::new(chunks);
        work.leave_out_content_beyond(pool.max_literal_bytes());
        let reading = self.read(pool, call, rows, work);
        let (read, parsed) = futures_util::future::join(reading, parsing).await;
        // When the reader of the pages has gone, that is what has happened.
        parsed.and(read)
    }

    async fn read(&self, pool: &Pool, call: &Call, rows: mpsc::UnboundedSender<Item>, work: Arc<Work>) -> Result<()> {
        let room = Arc::new(Semaphore::new(CHUNKS_AHEAD));
        let (mut suspicions, mut fruitless, mut again) = (0, 0, false);
        while work.left() > 0 {
            drop(acquire(&room).await?);
            let before = work.left();
            let command = FetchRows {
                mailbox: self.mailbox.clone(),
                uid_validity: Some(self.uid_validity),
                freshness: Freshness::AsIs,
                items: self.items.clone(),
                work: Arc::clone(&work),
                room: Arc::clone(&room),
                others: pool.others(),
                rows: rows.clone(),
            };
            match pool.submit(command, call).await {
                Ok(Paused::More) => {}
                Ok(Paused::End) => break,
                Err(error) if error.is_lost_connection() && work.left() < before => (fruitless, again) = (0, false),
                Err(error) if error.is_oversize_literal() && work.isolate() => {}
                Err(error) if may_be_a_message(&error) && suspicions < MAX_SUSPICIONS => {
                    suspicions += 1;
                    // One alone gets another chance: it is called degraded for good.
                    if work.is_alone() && !again {
                        again = true;
                        continue;
                    }
                    again = false;
                    tracing::debug!(target: "imap", code = error.code().as_str(), "some message cannot be fetched");
                    if !work.suspect() {
                        return Err(error);
                    }
                }
                Err(error) if error.is_lost_connection() && fruitless < FRUITLESS_TRIES => fruitless += 1,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

impl Plan {
    fn new(path: &str, uids: UidSet, query: FetchQuery, options: FetchOptions) -> Result<Self> {
        let page_size = options.page_size.map_or(DEFAULT_PAGE_SIZE, |size| usize::try_from(size).unwrap_or(usize::MAX));
        if !(1..=MAX_PAGE_SIZE).contains(&page_size) {
            return Err(Error::argument("pageSize", format!("must be between 1 and {MAX_PAGE_SIZE}")));
        }
        Ok(Self {
            mailbox: Mailbox::new(path)?,
            uids,
            items: Items::new(&query)?,
            query: Arc::new(query),
            uid_validity: options.uid_validity,
            page_size,
        })
    }

    /// Reads and parses at the same time, until either ends.
    async fn run<T: Send + 'static>(
        self,
        pool: Arc<Pool>,
        call: Call,
        ready: Ready<T>,
        outlet: Outlet<T>,
    ) -> Result<()> {
        let (items, incoming) = mpsc::unbounded_channel();
        let pages = Page::new(self.page_size, ready, outlet);
        let parsing = parse(incoming, Arc::clone(&self.query), self.items.clone(), pages);
        let reading = self.read(&pool, &call, items);
        let (read, parsed) = futures_util::future::join(reading, parsing).await;
        read.and(parsed)
    }

    async fn read(&self, pool: &Pool, call: &Call, items: mpsc::UnboundedSender<Item>) -> Result<()> {
        let room = Arc::new(Semaphore::new(CHUNKS_AHEAD));
        if self.items.has_source() {
            return self.read_whole(pool, call, items, room).await;
        }
        // Rows without content come in one command, if they are not too many.
        let permit = acquire(&room).await?;
        let (mailbox, uids) = (self.mailbox.clone(), self.uids.clone());
        let (uid_validity, freshness) = (self.uid_validity, Freshness::Now);
        let some_came = Arc::new(AtomicBool::new(false));
        let came = Arc::clone(&some_came);
        let all = Fetch { mailbox, uids, uid_validity, items: self.items.clone(), freshness, some_came };
        match pool.submit(all, call).await {
            Ok(Fetched::Rows(rows)) => hand_on(&items, rows, permit),
            // One message is at fault, perhaps: the others come.
            Err(error) if is_soon_over(&error) && (came.load(Ordering::Relaxed) || !is_about_protocol(&error)) => {
                drop(permit);
                let (mailbox, uids) = (self.mailbox.clone(), self.uids.clone());
                let resolve = Resolve { mailbox, uids, uid_validity: self.uid_validity, sizes: Sizes::OfFew };
                let there = pool.submit(resolve, call).await?;
                let work = Work::new(chunks(there.messages, CHUNK_ROWS));
                if came.load(Ordering::Relaxed) {
                    work.note_that_some_came();
                }
                self.work_through(pool, call, items, room, work, (there.uid_validity, Freshness::AsIs)).await
            }
            Err(error) => Err(error),
            Ok(Fetched::Many { uids, uid_validity }) => {
                drop(permit);
                let most = usize::try_from(Fetch::most(&self.items)).unwrap_or(usize::MAX);
                let octets = |uids: &[u32]| ROW_OCTETS.saturating_mul(uids.len() as u64);
                let work = Work::new(uids.chunks(most).map(|uids| Chunk::new(uids.iter().copied(), octets(uids))));
                self.work_through(pool, call, items, room, work, (uid_validity, Freshness::AsIs)).await
            }
        }
    }

    /// Whole messages: first which ones and how large, then chunks of them. Of many, the sizes come stretch by stretch, so
    /// that the first row does not wait for the last size.
    async fn read_whole(
        &self,
        pool: &Pool,
        call: &Call,
        items: mpsc::UnboundedSender<Item>,
        room: Arc<Semaphore>,
    ) -> Result<()> {
        let single = self.uids.as_ranges().filter(|ranges| ranges.count() == 1).and_then(|ranges| ranges.iter().next());
        let work_on = async |messages, checked| {
            let work = Work::new(chunks(messages, CHUNK_ROWS));
            work.leave_out_content_beyond(pool.max_literal_bytes());
            self.work_through(pool, call, items.clone(), Arc::clone(&room), work, checked).await
        };
        if let Some(uid) = single {
            return work_on(vec![(uid, 0)], (self.uid_validity, Freshness::Now)).await;
        }
        let resolve = async |uids, uid_validity, sizes| {
            pool.submit(Resolve { mailbox: self.mailbox.clone(), uids, uid_validity, sizes }, call).await
        };
        let all = resolve(self.uids.clone(), self.uid_validity, Sizes::OfFew).await?;
        if all.sized {
            return work_on(all.messages, (all.uid_validity, Freshness::AsIs)).await;
        }
        let uids: Vec<u32> = all.messages.into_iter().map(|(uid, _)| uid).collect();
        let (mut rest, mut length) = (uids.as_slice(), SIZED_ROWS);
        while !rest.is_empty() {
            let (stretch, later) = rest.split_at(length.min(rest.len()));
            let sized = resolve(self.within(stretch).into(), all.uid_validity, Sizes::All).await?;
            work_on(sized.messages, (all.uid_validity, Freshness::AsIs)).await?;
            // Each costs a round trip: a few are enough for any mailbox.
            (rest, length) = (later, length.saturating_mul(STRETCH_GROWTH));
        }
        Ok(())
    }

    /// A stretch of the messages that the set has, in as few words as can be.
    fn within(&self, stretch: &[u32]) -> UidRanges {
        let (first, last) = (stretch.first().copied().unwrap_or(1), stretch.last().copied().unwrap_or(1));
        let bounds = UidRanges::new(vec![UidRange { first, last }]);
        match self.uids.as_ranges() {
            Some(ranges) => ranges.intersection(&bounds),
            None if self.uids == UidSet::all() || self.uids.newest_count().is_some() => bounds,
            None => UidRanges::from_uids(stretch.iter().copied()),
        }
    }

    /// Over as many turns and connections as it takes.
    async fn work_through(
        &self,
        pool: &Pool,
        call: &Call,
        rows: mpsc::UnboundedSender<Item>,
        room: Arc<Semaphore>,
        work: Arc<Work>,
        (uid_validity, freshness): (Option<u32>, Freshness),
    ) -> Result<()> {
        let (mut fruitless, mut suspicions) = (0, 0);
        let mut since = clock::now();
        while work.left() > 0 {
            // Only looked at: the command takes its own.
            drop(acquire(&room).await?);
            let before = work.left();
            let command = FetchRows {
                mailbox: self.mailbox.clone(),
                uid_validity,
                freshness,
                items: self.items.clone(),
                work: Arc::clone(&work),
                room: Arc::clone(&room),
                others: pool.others(),
                rows: rows.clone(),
            };
            match pool.submit(command, call).await {
                Ok(Paused::More) => {}
                Ok(Paused::End) => break,
                // Sizes lie: the message is found, and comes without its content.
                Err(error) if error.is_oversize_literal() && work.isolate() => {}
                Err(error) if is_refusal_over_a_message(&error) && suspicions < MAX_SUSPICIONS && work.suspect() => {
                    suspicions += 1;
                    tracing::debug!(target: "imap", code = error.code().as_str(), "some message cannot be fetched");
                }
                // As long as nothing has come, nothing shows that it is a message's fault.
                Err(error) if is_about_protocol(&error) && !work.some_came() => return Err(error),
                Err(error) if error.is_lost_connection() || is_soon_over(&error) => {
                    fruitless = if work.left() < before { 0 } else { fruitless + 1 };
                    if fruitless == 0 {
                        since = clock::now();
                    } else if fruitless >= FRUITLESS_TRIES {
                        let patient = fruitless < MAX_FRUITLESS && since.elapsed() < FRUITLESS_TIME;
                        let unproven = work.is_alone() && !work.some_came();
                        if !patient
                            || !is_soon_over(&error)
                            || !(if unproven { work.postpone() } else { work.suspect() })
                        {
                            return Err(error);
                        }
                    }
                    tracing::debug!(target: "imap", left = work.left(), "the fetch goes on on another connection");
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// Splits by rows and octets, in the order given.
pub(crate) fn chunks(messages: impl IntoIterator<Item = (u32, u64)>, rows: usize) -> Vec<Chunk> {
    let mut chunks = Vec::new();
    let (mut uids, mut octets) = (Vec::new(), 0u64);
    for (uid, size) in messages {
        let full = uids.len() >= rows || octets.saturating_add(size) > CHUNK_OCTETS;
        if full && !uids.is_empty() {
            chunks.push(Chunk::new(std::mem::take(&mut uids), octets));
            octets = 0;
        }
        uids.push(uid);
        octets = octets.saturating_add(size);
    }
    if !uids.is_empty() {
        chunks.push(Chunk::new(uids, octets));
    }
    chunks
}

fn hand_on(items: &mpsc::UnboundedSender<Item>, rows: Vec<FetchRow>, permit: OwnedSemaphorePermit) -> Result<()> {
    for row in rows {
        send(items, Item::Row(Box::new(row)))?;
    }
    send(items, Item::Done(permit))
}

fn send(items: &mpsc::UnboundedSender<Item>, item: Item) -> Result<()> {
    // The parsing has ended: its own error tells why.
    items.send(item).map_err(|_| Error::Internal("a stream's parser ended"))
}

async fn acquire(room: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit> {
    Arc::clone(room).acquire_owned().await.map_err(|_| Error::Internal("a semaphore was closed"))
}

/// Rows in, pages out, in the same order.
async fn parse<T>(
    mut incoming: mpsc::UnboundedReceiver<Item>,
    query: Arc<FetchQuery>,
    items: Items,
    mut page: Page<T>,
) -> Result<()> {
    if !query.needs_parsing() {
        return pass_on(incoming, &query, &items, page).await;
    }
    let mut batches: VecDeque<Parsing> = VecDeque::new();
    let mut batch = Batch::default();
    let mut open = true;
    while open || !batches.is_empty() || !batch.is_empty() {
        if batch.is_full() || (!open && !batch.is_empty()) {
            batches.push_back(std::mem::take(&mut batch).spawn(&query, &items));
        }
        tokio::select! {
            biased;
            parsed = front(&mut batches), if !batches.is_empty() => {
                batches.pop_front();
                page.take(parsed?).await?;
            }
            item = incoming.recv(), if open && batches.len() < BATCHES_AHEAD => match item {
                Some(item) => batch.push(item),
                None => open = false,
            },
            () = page.overdue() => page.hand_out().await?,
            // Nothing arrives now: let the threads have what there is.
            () = std::future::ready(()), if !batch.is_empty() && batches.is_empty() => {
                batches.push_back(std::mem::take(&mut batch).spawn(&query, &items));
            }
        }
    }
    page.finish().await
}

/// The same where there is next to nothing to do for a row: less than waking another thread.
async fn pass_on<T>(
    mut incoming: mpsc::UnboundedReceiver<Item>,
    query: &FetchQuery,
    items: &Items,
    mut page: Page<T>,
) -> Result<()> {
    let mut arrived = Vec::with_capacity(BATCH_ROWS);
    loop {
        tokio::select! {
            biased;
            count = incoming.recv_many(&mut arrived, BATCH_ROWS) => match count {
                0 => return page.finish().await,
                _ => page.take(Parsed::new(arrived.drain(..), query, items)).await?,
            },
            () = page.overdue() => page.hand_out().await?,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_bounded_by_rows_and_by_octets() {
        let lengths = |messages: &[(u32, u64)]| {
            chunks(messages.iter().copied(), CHUNK_ROWS)
                .into_iter()
                .map(|chunk| Work::new([chunk]).left())
                .collect::<Vec<_>>()
        };
        assert_eq!(lengths(&(1..=500).map(|uid| (uid, 1000)).collect::<Vec<_>>()), [200, 200, 100]);
        assert_eq!(lengths(&(1..=3).map(|uid| (uid, 3 << 20)).collect::<Vec<_>>()), [1, 1, 1]);
        assert_eq!(lengths(&(1..=3).map(|uid| (uid, 2 << 20)).collect::<Vec<_>>()), [2, 1]);
        assert_eq!(lengths(&[(1, u64::MAX), (2, 1)]), [1, 1]);
        assert!(chunks([], 1).is_empty());
    }
}
