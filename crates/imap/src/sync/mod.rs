//! Sync: what has changed in a mailbox since last time, in batches that can be stored one by one.
//!
//! ```text
//!  cursor ─ decode ─► State ─┐                          ┌─► batch + cursor ─► caller stores both
//!                            ├─ plan ─► questions ─► Delta (flags, vanished)
//!  EXAMINE ─────────► Status ┘          (observe)       └─► pending ─► fetch ─► batch + cursor ─► …
//! ```
//!
//! **What a cursor is.** Everything the caller has been given, as sets: the UIDs (`known`), who of them has which flag,
//! and the UIDs found but not handed over yet (`pending`). So every difference is a difference of sets, and there is one
//! way to resume: compare again. Nothing has to be repeated, because what the caller has is known exactly; nothing can be
//! lost, because a fact leaves the difference only by entering the cursor of the batch that carries it.
//!
//! **Invariants**, each held by the model test:
//! * `frontier`: every UID below it was seen once; what comes later has a UID from there on (RFC 9051 §2.3.1.1). It is
//!   made of UIDs seen, never of UIDNEXT, which some servers invent.
//! * `mod_seq`: every change of flags up to it was handed over. It is the HIGHESTMODSEQ of the moment the mailbox was
//!   opened, so before anything was fetched, and enters the cursor with the last of the changes. Changes told twice
//!   because of that are no differences, and fall out.
//! * `known + pending + others` is the number of messages there were. If EXISTS, less what is new, is something else,
//!   messages are gone that nobody told of, and all UIDs are asked for. So UIDs are only ever listed when it is needed,
//!   and a server that forgets an expunge (or renumbers its mod-sequences) is found out.
//!
//! **Ways.** [`plan`](self) decides by what EXAMINE said, not by promises: QRESYNC (RFC 7162 §3.2), CONDSTORE (§3.1), or a
//! comparison of all flags, which is also what is left when HIGHESTMODSEQ is missing, NOMODSEQ, or lower than before. All
//! give the same batches; a mailbox may change from one to the other between two syncs. See `observe` for the commands
//! and what they cost.
//!
//! **Batches** carry at most `batchSize` changes and some 4 MB, and wait no longer than 4 s for one more message: a job of
//! 15 s gets several. Gone messages and flags come first, then new messages. When more than one batch of
//! new messages came, the mailbox is looked at once more before the sync ends: what came meanwhile belongs to it.
//!
//! **Trouble.** A lost or expired session is reopened and the fetch goes on where it was. A mailbox rebuilt in the middle
//! (UIDVALIDITY, higher or lower) starts anew with `reset`; one that is gone, renamed or `\\Noselect` ends in
//! `MAILBOX_NOT_FOUND`; throttling ends in `RATE_LIMITED` with its time. Whatever ends a sync, the last batch's cursor is
//! good. A message that kills connections, is refused, or breaks the protocol is found by halving, and handed over
//! `degraded`: the cursor moves on.
//!
//! **Cursors** are bound to the account and the path, because UIDVALIDITY is not unique (on Exchange, that of every INBOX
//! may be 1). A renamed mailbox keeps its cursor: another path is accepted when UIDVALIDITY is the same and the old path
//! is not there any more.
//!
//! **Limits of what can be known.** Between two syncs a mod-sequence that fell and rose again above the cursor's hides
//! changes of flags. Without CONDSTORE, keywords are found that the mailbox's FLAGS response names or that were met
//! before, unless the mailbox is small (see `observe`). Beyond 128 different flags a mailbox's further ones are not told
//! apart. Flags and labels of one mail in several Gmail mailboxes are several messages; `emailId` says which are one.

mod cursor;
mod delta;
mod flags;
mod hear;
#[cfg(test)]
mod model;
mod observe;
mod plan;
mod question;
mod run;
mod runs;
mod state;
mod whole;

use std::sync::Arc;

use email_base::{Call, Timestamp};
use serde::{Deserialize, Serialize};

use crate::client::feed::Feed;
use crate::connection::Pool;
use crate::error::Result;
use crate::types::{FetchQuery, FetchedMessage, Flag, ModSeq};

/// Messages of one batch when the caller does not say.
pub const DEFAULT_BATCH_SIZE: usize = 100;
/// A batch larger than this would hold JavaScript's thread, and a transaction, for too long.
pub const MAX_BATCH_SIZE: usize = 1000;
/// Batches that wait for whoever reads.
const BATCHES_AHEAD: usize = 1;

/// How to sync.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct SyncOptions {
    /// First sync only: messages received before are left out.
    #[serde(deserialize_with = "crate::options::given")]
    pub since: Option<Timestamp>,
    /// What of each new message; envelope, flags, date and size when `None`. Flags come in any case.
    pub fetch: Option<FetchQuery>,
    /// Messages of one batch, at least 1; beyond [`MAX_BATCH_SIZE`] it is that.
    pub batch_size: Option<u32>,
    /// Which messages of a first sync come first.
    pub order: Option<Order>,
}

/// Which messages come first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// What the user looks at.
    #[default]
    NewestFirst,
    /// By UID.
    OldestFirst,
}

/// One step of a sync: to be stored together with its cursor.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SyncBatch {
    /// The mailbox was rebuilt on the server: what is stored of it is void, before this batch is applied.
    pub reset: bool,
    /// New messages.
    pub added: Vec<FetchedMessage>,
    /// Messages whose flags are others now.
    pub flags: Vec<FlagsChanged>,
    /// Messages that are gone.
    pub vanished: Vec<u32>,
    /// Resuming from it loses and repeats nothing.
    #[serde(serialize_with = "email_base::text::one_beside")]
    pub cursor: String,
    /// How far it is.
    pub progress: Progress,
}

/// New flags of a message.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FlagsChanged {
    /// Which message.
    pub uid: u32,
    /// All of them, as they are now.
    pub flags: Vec<Flag>,
    /// With CONDSTORE.
    pub mod_seq: Option<ModSeq>,
}

/// Messages handed over, over all syncs of the mailbox, and those that will have been in the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Progress {
    /// Handed over and not gone.
    pub done: u64,
    /// The same with those still to come.
    pub total: u64,
}

/// A sync under way. Dropping it stops the work.
#[derive(Debug)]
pub struct Batches(Feed<SyncBatch>);

impl Batches {
    pub(crate) fn new(pool: Arc<Pool>, path: &str, cursor: Option<String>, options: SyncOptions, call: &Call) -> Self {
        let sync = run::Sync::new(path, cursor, options, pool.user());
        let (feed_pool, feed_call) = (Arc::clone(&pool), call.clone());
        let start = move |outlet| async move { sync?.run(&pool, &feed_call, outlet).await };
        Self(Feed::new(feed_pool, call.clone(), BATCHES_AHEAD, start))
    }

    /// The next batch; at least one, `None` at the end and after an error.
    pub async fn next(&mut self) -> Option<Result<SyncBatch>> {
        self.0.next().await
    }
}
