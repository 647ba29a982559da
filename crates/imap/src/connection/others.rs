//! Who waits for the connection that a job has, and when a job that lasts hands it on.
//!
//! | who waits | the job goes on for |
//! |---|---|
//! | a call of its client | no longer than what is under way |
//! | a watcher of its client | [`TURN`] |
//! | another client of the mailbox | [`LEASE`] |

use std::sync::Arc;
use std::time::Duration;

use email_base::clock::{self, Instant};
use tokio::sync::watch;

use super::budget::Budget;
use super::pool::Backlog;
use crate::error::{Error, Result};

/// Watchers that share a connection hear their news so much later, for a DONE, an EXAMINE and an IDLE.
const TURN: Duration = Duration::from_secs(5);
/// Another client has to log in, once the connection is given up.
pub(super) const LEASE: Duration = Duration::from_secs(30);

/// What a job that lasts looks at.
#[derive(Debug, Clone)]
pub(crate) struct Others {
    backlog: watch::Receiver<Backlog>,
    budget: Arc<Budget>,
}

impl Others {
    pub(super) fn new(backlog: watch::Receiver<Backlog>, budget: Arc<Budget>) -> Self {
        Self { backlog, budget }
    }

    /// Whether somebody has waited long enough for a job that began then.
    pub(crate) fn are_kept(&self, began: Instant) -> bool {
        let backlog = *self.backlog.borrow();
        let lasted = began.elapsed();
        backlog.calls > 0 || (backlog.background > 0 && lasted >= TURN) || (self.budget.is_wanted() && lasted >= LEASE)
    }

    /// Resolves when that is so.
    pub(crate) async fn kept(&self, began: Instant) -> Result<()> {
        let backlog = |awaited: fn(&Backlog) -> bool| {
            let mut backlog = self.backlog.clone();
            async move { backlog.wait_for(awaited).await.map(|_| ()).map_err(|_| Error::Closed) }
        };
        tokio::select! {
            called = backlog(|backlog| backlog.calls > 0) => called,
            watched = async {
                clock::sleep_until(began + TURN).await;
                backlog(|backlog| backlog.background > 0).await
            } => watched,
            () = async {
                clock::sleep_until(began + LEASE).await;
                self.budget.wanted().await;
            } => Ok(()),
        }
    }
}
