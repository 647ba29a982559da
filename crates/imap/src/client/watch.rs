//! `watch`: turn after turn on whatever connection is free, over reconnections.

use std::sync::Arc;
use std::time::Duration;

use email_base::{Backoff, Call, Classify, clock};
use serde::Serialize;

use super::feed::{Feed, Outlet};
use crate::command::argument::Mailbox;
use crate::command::watch::{Board, Seen, Watch};
use crate::connection::Pool;
use crate::error::{Error, Result};

/// First and longest wait before another connection is tried.
const BACKOFF: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));
/// Events that wait for whoever reads; what happens meanwhile becomes one.
const EVENTS_AHEAD: usize = 1;

/// Something happened in a mailbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MailboxEvent {
    /// The mailbox.
    pub path: String,
    /// What happened.
    #[serde(rename = "type")]
    pub kind: MailboxEventKind,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum MailboxEventKind {
    /// Messages came, went or changed.
    Changed,
    /// The connection was lost, and another one watches now; what happened in between is told by `Changed`, too.
    Reconnected,
}

/// A watch under way. Dropping it ends it.
#[derive(Debug)]
pub struct Watcher(Feed<MailboxEvent>);

impl Watcher {
    pub(super) fn new(pool: Arc<Pool>, path: &str, call: &Call) -> Self {
        let mailbox = Mailbox::new(path);
        let (feed_pool, feed_call) = (Arc::clone(&pool), call.clone());
        let start = move |outlet| async move { run(mailbox?, &pool, &feed_call, outlet).await };
        Self(Feed::new(feed_pool, call.clone(), EVENTS_AHEAD, start))
    }

    /// The next event. `None` only after an error.
    pub async fn next(&mut self) -> Option<Result<MailboxEvent>> {
        self.0.next().await
    }
}

async fn run(mailbox: Mailbox, pool: &Pool, call: &Call, outlet: Outlet<MailboxEvent>) -> Result<()> {
    let board = Arc::new(Board::default());
    tokio::select! {
        ended = turns(&mailbox, pool, call, &board) => ended,
        ended = tell(&mailbox, &board, outlet) => ended,
    }
}

/// Turns without end, until an error that time does not heal.
async fn turns(mailbox: &Mailbox, pool: &Pool, call: &Call, board: &Arc<Board>) -> Result<()> {
    let seen = Arc::new(Seen::default());
    let mut backoff = Backoff::new(BACKOFF.0, BACKOFF.1);
    loop {
        let turn =
            Watch { mailbox: mailbox.clone(), seen: Arc::clone(&seen), news: Arc::clone(board), others: pool.others() };
        match pool.submit(turn, call).await {
            Ok(()) => backoff.reset(),
            Err(error @ (Error::Interrupted(_) | Error::ConnectionsInUse { .. })) => return Err(error),
            Err(error) if error.retryable() => {
                tracing::debug!(target: "imap", code = error.code().as_str(), "the watch goes on on another connection");
                clock::sleep(backoff.next_delay().max(error.retry_after().unwrap_or_default())).await;
            }
            Err(error) => return Err(error),
        }
    }
}

async fn tell(mailbox: &Mailbox, board: &Board, outlet: Outlet<MailboxEvent>) -> Result<()> {
    loop {
        let news = board.take().await;
        for (happened, kind) in
            [(news.reconnected, MailboxEventKind::Reconnected), (news.changed, MailboxEventKind::Changed)]
        {
            if happened {
                let event = MailboxEvent { path: mailbox.path().to_owned(), kind };
                outlet.send(Ok(event)).await.map_err(|_| Error::Internal("a stream's reader ended"))?;
            }
        }
    }
}
