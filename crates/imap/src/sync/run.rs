//! Round after round: look, compare, hand over, fetch; until nothing is left.

use std::sync::Arc;
use std::time::Duration;

use email_base::{Backoff, Call, clock};
use tokio::sync::mpsc;

use super::delta::Delta;
use super::observe::{Observe, Observed, Seen};
use super::state::State;
use super::{DEFAULT_BATCH_SIZE, FlagsChanged, MAX_BATCH_SIZE, Order, Progress, SyncBatch, SyncOptions, cursor, flags};
use crate::client::feed::Outlet;
use crate::client::fetch::{Delivery, chunks};
use crate::command::argument::Mailbox;
use crate::command::fetch::{Fetch, Fetched};
use crate::command::fetch_items::Items;
use crate::command::fetch_rows::Chunk;
use crate::command::list::List;
use crate::command::resolve::{Resolve, Sizes};
use crate::connection::{Freshness, Pool};
use crate::error::{Error, Result};
use crate::options::ListQuery;
use crate::types::{FetchQuery, FetchedMessage};
use crate::uid_set::{UidRanges, UidSet};

/// Messages whose sizes are asked for at a time, before the messages themselves.
const SIZED_ROWS: u64 = 2000;
/// The same where sizes do not matter.
const UNSIZED_ROWS: u64 = 20_000;
/// Up to so many whole messages come without their sizes being asked for: a round trip saved on every poll. The fetch
/// bounds what they take in memory all the same.
const FEW_ROWS: u64 = 20;
/// A batch is handed out, full or not, when its first message has waited so long: jobs of 15 s have to get something.
const LINGER: Duration = Duration::from_secs(4);
/// Looks at the mailbox in one sync: what came while messages were fetched belongs to it, but it has to end one day.
const MAX_ROUNDS: u32 = 4;
/// Looks that may fail with a lost connection, beyond the one that the connection itself tries again.
const LOST_LOOKS: u32 = 2;
/// First and longest wait between those.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(4));

/// A checked sync.
pub(super) struct Sync {
    mailbox: Mailbox,
    account: u64,
    state: Option<State>,
    /// As it was given: it comes back when nothing has changed.
    cursor: Option<String>,
    since: Option<i64>,
    query: Arc<FetchQuery>,
    items: Items,
    batch_size: usize,
    order: Order,
}

impl Sync {
    pub(super) fn new(path: &str, cursor: Option<String>, options: SyncOptions, user: &str) -> Result<Self> {
        let mailbox = Mailbox::new(path)?;
        let account = cursor::account(user);
        let state = cursor.as_deref().map(cursor::decode).transpose()?;
        if state.as_ref().is_some_and(|state| state.account != account) {
            return Err(Error::InvalidCursor("it is of another account"));
        }
        let batch_size = options.batch_size.map_or(DEFAULT_BATCH_SIZE, |n| usize::try_from(n).unwrap_or(usize::MAX));
        if batch_size == 0 {
            return Err(Error::argument("batchSize", "must be at least 1"));
        }
        let standard = || FetchQuery { internal_date: true, size: true, envelope: true, ..FetchQuery::default() };
        // The cursor keeps the flags of every message: they are always asked for.
        let query = FetchQuery { flags: true, ..options.fetch.unwrap_or_else(standard) };
        let since = options.since.map(|since| since.0).or(state.as_ref().and_then(|state| state.since));
        if let Some(since) = since {
            crate::command::date::date("since", email_base::Timestamp(since))?;
        }
        Ok(Self {
            mailbox,
            account,
            state,
            cursor,
            since,
            items: Items::new(&query)?,
            query: Arc::new(query),
            batch_size: batch_size.min(MAX_BATCH_SIZE),
            order: options.order.unwrap_or_default(),
        })
    }

    pub(super) async fn run(mut self, pool: &Pool, call: &Call, outlet: Outlet<SyncBatch>) -> Result<()> {
        self.check_path(pool, call).await?;
        let mut hand = Hand { outlet, last: self.cursor.clone(), reset: false, batches: 0, fetched: 0 };
        for _ in 0..MAX_ROUNDS {
            let before = hand.fetched;
            match self.round(pool, call, &mut hand).await {
                // One fetch takes no time. After several, who knows what has come meanwhile.
                Ok(()) if hand.fetched - before <= 1 => break,
                Ok(()) | Err(Error::UidValidityChanged { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        let Some(state) = &self.state else { return Err(Error::Internal("a sync without an end")) };
        // Also when nothing has changed: the caller is told so.
        if hand.batches == 0 || hand.last.as_deref() != Some(cursor::encode(state).as_str()) {
            hand.give(state, Vec::new(), Vec::new(), Vec::new()).await?;
        }
        Ok(())
    }

    /// A cursor of another path is good if the mailbox was renamed: then the old one is not there any more.
    async fn check_path(&mut self, pool: &Pool, call: &Call) -> Result<()> {
        let Some(state) = self.state.as_mut().filter(|state| state.path != self.mailbox.path()) else { return Ok(()) };
        let query = ListQuery { pattern: Some(state.path.clone()), ..ListQuery::default() };
        let listed = pool.submit(List::new(query)?, call).await?;
        if listed.iter().any(|other| other.selectable && other.path == state.path) {
            return Err(Error::InvalidCursor("it is of another mailbox"));
        }
        Ok(())
    }

    async fn round(&mut self, pool: &Pool, call: &Call, hand: &mut Hand) -> Result<()> {
        let Observed { status, keywords, seen } = self.look(pool, call).await?;
        let renamed = self.state.as_ref().is_some_and(|state| state.path != self.mailbox.path());
        let state = match seen {
            Seen::Whole { reset: true, .. } if renamed => {
                return Err(Error::InvalidCursor("it is of another mailbox"));
            }
            Seen::Whole { reset, found, frontier } => {
                hand.reset |= reset;
                let state = self.state.insert(State::new(self.account, self.mailbox.path(), status.uid_validity));
                state.others = u32::try_from(u64::from(status.exists).saturating_sub(found.count())).unwrap_or(0);
                state.pending = found;
                state.frontier = frontier;
                state.uid_next = status.uid_next;
                state.mod_seq = status.mod_seq;
                state.since = self.since;
                state
            }
            Seen::Difference(answers) => {
                let Some(state) = &mut self.state else { return Err(Error::Internal("a difference to nothing")) };
                self.mailbox.path().clone_into(&mut state.path);
                let mut delta = Delta::new(state, &status, answers);
                while let Some(step) = delta.step(state, self.batch_size) {
                    hand.give(state, Vec::new(), step.flags, step.vanished).await?;
                }
                state
            }
        };
        state.learn(&keywords);
        self.deliver(pool, call, hand).await
    }

    async fn look(&self, pool: &Pool, call: &Call) -> Result<Observed> {
        let cursor = self.state.clone().map(Arc::new);
        let mut backoff = Backoff::new(BACKOFF.0, BACKOFF.1);
        let mut lost = 0;
        loop {
            let look = Observe { mailbox: self.mailbox.clone(), cursor: cursor.clone(), since: self.since };
            match pool.submit(look, call).await {
                Err(error) if error.is_lost_connection() && lost < LOST_LOOKS => {
                    lost += 1;
                    clock::sleep(backoff.next_delay()).await;
                }
                outcome => return outcome,
            }
        }
    }

    /// Fetches what is pending, part by part.
    async fn deliver(&mut self, pool: &Pool, call: &Call, hand: &mut Hand) -> Result<()> {
        let Some(state) = &mut self.state else { return Ok(()) };
        let delivery = Delivery {
            mailbox: self.mailbox.clone(),
            uid_validity: state.uid_validity,
            query: Arc::clone(&self.query),
            items: self.items.clone(),
            page_size: self.batch_size,
            linger: LINGER,
        };
        while !state.pending.is_empty() {
            let most = if delivery.has_source() { SIZED_ROWS } else { UNSIZED_ROWS };
            let part = match self.order {
                Order::NewestFirst => state.pending.largest(most),
                Order::OldestFirst => state.pending.smallest(most),
            };
            let mut messages = if delivery.has_source() && part.count() > FEW_ROWS {
                sizes(pool, call, &self.mailbox, &part, state.uid_validity).await?
            } else {
                part.iter().map(|uid| (uid, 0)).collect()
            };
            if self.order == Order::NewestFirst {
                messages.reverse();
            }
            let work = chunks(messages, self.batch_size);
            hand_over(&delivery, pool, call, work, state, hand, self.order).await?;
            // What did not come is not there any more.
            state.pending = state.pending.minus(&part);
        }
        Ok(())
    }
}

/// Fetches and hands over at the same time.
async fn hand_over(
    delivery: &Delivery,
    pool: &Pool,
    call: &Call,
    work: Vec<Chunk>,
    state: &mut State,
    hand: &mut Hand,
    order: Order,
) -> Result<()> {
    let (outlet, mut pages) = mpsc::channel(1);
    let giving = async move {
        while let Some(page) = pages.recv().await {
            let mut messages: Vec<FetchedMessage> = page?;
            complete(&mut messages, delivery, pool, call).await?;
            match order {
                Order::NewestFirst => messages.sort_by_key(|message| std::cmp::Reverse(message.uid)),
                Order::OldestFirst => messages.sort_by_key(|message| message.uid),
            }
            state.add(&messages);
            hand.give(state, messages, Vec::new(), Vec::new()).await?;
        }
        Ok(())
    };
    // Both to their ends: what was fetched before a failure is handed over before it.
    let (fetched, given) = futures_util::future::join(delivery.run(pool, call, work, outlet), giving).await;
    given.and(fetched)
}

/// Gives every message its flags, and takes `\\Recent` out. Of a message that cannot be had they can be had nevertheless.
async fn complete(messages: &mut [FetchedMessage], delivery: &Delivery, pool: &Pool, call: &Call) -> Result<()> {
    let lacking = messages.iter().filter(|message| message.flags.is_none()).map(|message| message.uid);
    let lacking = UidRanges::from_uids(lacking);
    if !lacking.is_empty() {
        let fetch = Fetch {
            mailbox: delivery.mailbox.clone(),
            uids: lacking.into(),
            uid_validity: Some(delivery.uid_validity),
            items: Items::new(&FetchQuery { flags: true, ..FetchQuery::default() })?,
            freshness: Freshness::AsIs,
            some_came: Arc::default(),
        };
        if let Fetched::Rows(rows) = pool.submit(fetch, call).await? {
            for row in rows {
                if let Some(message) = messages.iter_mut().find(|message| row.uid == Some(message.uid)) {
                    message.flags = message.flags.take().or(row.flags);
                    message.mod_seq = message.mod_seq.or(row.mod_seq);
                }
            }
        }
    }
    for message in messages {
        message.flags.get_or_insert_default().retain(|flag| flags::is_own(flag));
    }
    Ok(())
}

/// With the octets of each.
async fn sizes(
    pool: &Pool,
    call: &Call,
    mailbox: &Mailbox,
    uids: &UidRanges,
    uid_validity: u32,
) -> Result<Vec<(u32, u64)>> {
    let uids = UidSet::from(uids.clone());
    let resolve = Resolve { mailbox: mailbox.clone(), uids, uid_validity: Some(uid_validity), sizes: Sizes::All };
    Ok(pool.submit(resolve, call).await?.messages)
}

/// Hands batches over.
struct Hand {
    outlet: Outlet<SyncBatch>,
    /// The cursor that the caller has.
    last: Option<String>,
    /// The next batch says that everything before is void.
    reset: bool,
    batches: u64,
    /// Those with new messages.
    fetched: u64,
}

impl Hand {
    async fn give(
        &mut self,
        state: &State,
        added: Vec<FetchedMessage>,
        flags: Vec<FlagsChanged>,
        vanished: Vec<u32>,
    ) -> Result<()> {
        let cursor = cursor::encode(state);
        self.last = Some(cursor.clone());
        self.batches += 1;
        self.fetched += u64::from(!added.is_empty());
        let done = state.known.count();
        let progress = Progress { done, total: done + state.pending.count() };
        let reset = std::mem::take(&mut self.reset);
        let batch = SyncBatch { reset, added, flags, vanished, cursor, progress };
        self.outlet.send(Ok(batch)).await.map_err(|_| Error::Internal("a stream's reader ended"))
    }
}
