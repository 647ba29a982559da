//! Sync: what has changed in a mailbox since last time, in batches that can be stored one by one.

mod cursor;
mod delta;
mod flags;
#[cfg(test)]
mod model;
mod observe;
mod plan;
mod run;
mod runs;
mod state;

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
