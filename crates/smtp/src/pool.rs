//! A client's connections: kept open between messages, lent to one transaction at a time, first come first served.
//!
//! ```text
//! lease ──> slot (maxConnections) ──┬─ idle and alive ──────────────────────────┬─> Lease
//!                                   └─ budget (all clients of the mailbox) ─ open ┘     │
//!     idle <── usable, not worn out, not wanted elsewhere ──────────────────── give back ┘
//! ```

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use email_base::clock;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use crate::budget::{Budget, Holder};
use crate::error::{Error, Result};
use crate::options::{PoolOptions, RateLimit};
use crate::phase::Phase;
use crate::scope::Scope;
use crate::session::{Session, Target};

/// While another client of the mailbox waits for a connection, one that has sent so many messages is handed over.
const TURN: u32 = 20;

/// See the module.
pub(crate) struct Pool {
    pub(crate) target: Target,
    pub(crate) options: PoolOptions,
    pub(crate) rate_limit: Option<RateLimit>,
    pub(crate) budget: Arc<Budget>,
    pub(crate) closed: CancellationToken,
    slots: Arc<Semaphore>,
    state: Mutex<State>,
    /// A session was given back.
    returned: Notify,
}

#[derive(Default)]
struct State {
    /// The one used last at the end.
    idle: Vec<Session>,
    /// Callers waiting for a session.
    wanting: usize,
    /// A task watches over the idle ones.
    reaping: bool,
    /// What the server offered when it was asked last.
    capabilities: Vec<String>,
}

/// A session, for one transaction.
pub(crate) struct Lease {
    pub(crate) session: Session,
    /// It has been idle before: the server may have hung up without our knowing.
    pub(crate) reused: bool,
    pool: Arc<Pool>,
    _slot: OwnedSemaphorePermit,
}

impl Pool {
    pub(crate) fn new(
        target: Target,
        options: PoolOptions,
        connections: u32,
        rate_limit: Option<RateLimit>,
        budget: Arc<Budget>,
    ) -> Arc<Self> {
        let connections = connections as usize;
        let pool = Arc::new(Self {
            target,
            options,
            rate_limit,
            budget,
            closed: CancellationToken::new(),
            slots: Arc::new(Semaphore::new(connections)),
            state: Mutex::default(),
            returned: Notify::new(),
        });
        let holder = Arc::downgrade(&pool);
        pool.budget.join(holder, connections, rate_limit);
        pool
    }

    /// A session that nobody else uses. `fresh` never gives one that was idle.
    pub(crate) async fn lease(self: &Arc<Self>, fresh: bool, scope: Scope<'_>) -> Result<Lease> {
        let _wanting = Wanting::new(self);
        let slot = scope.run(Phase::Queue, self.slots.clone().acquire_owned()).await?.map_err(|_| Error::Closed)?;
        if fresh {
            // What was idle is as old as the one that turned out to be dead.
            drop(std::mem::take(&mut self.state().idle));
        }
        let (session, reused) = self.session(scope).await?;
        Ok(Lease { session, reused, pool: self.clone(), _slot: slot })
    }

    async fn session(&self, scope: Scope<'_>) -> Result<(Session, bool)> {
        loop {
            let returned = self.returned.notified();
            tokio::pin!(returned);
            returned.as_mut().enable();
            while let Some(session) = self.take_idle() {
                if session.is_alive().await {
                    return Ok((session, true));
                }
            }
            let connection = tokio::select! {
                connection = scope.run(Phase::Queue, self.budget.connection()) => connection?,
                () = returned => continue,
            };
            let session = self.target.open(connection, scope).await?;
            self.state().capabilities.clone_from(&session.extensions.lines);
            return Ok((session, false));
        }
    }

    /// What the server offered when it was asked last.
    pub(crate) fn capabilities(&self) -> Vec<String> {
        self.state().capabilities.clone()
    }

    /// Ends every idle session and takes no more.
    pub(crate) async fn close(&self) {
        self.closed.cancel();
        self.slots.close();
        let idle = std::mem::take(&mut self.state().idle);
        let mut quitting = tokio::task::JoinSet::new();
        for session in idle {
            quitting.spawn(session.quit());
        }
        quitting.join_all().await;
    }

    fn give_back(self: &Arc<Self>, mut session: Session) {
        let worn_out = session.messages >= self.options.messages_per_connection();
        if !session.is_usable() || worn_out || self.closed.is_cancelled() {
            if session.is_usable() {
                tokio::spawn(session.quit());
            }
            return;
        }
        let contended = self.budget.is_contended();
        let mut state = self.state();
        if contended && (state.wanting == 0 || session.messages >= TURN) {
            drop(state);
            tokio::spawn(session.quit());
            return;
        }
        session.idle_since = clock::now();
        state.idle.push(session);
        let reap = !std::mem::replace(&mut state.reaping, true);
        drop(state);
        self.returned.notify_one();
        if reap {
            tokio::spawn(reap_idle(Arc::downgrade(self)));
        }
    }

    fn take_idle(&self) -> Option<Session> {
        self.state().idle.pop()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Holder for Pool {
    fn give_up_one(&self) -> bool {
        let mut state = self.state();
        if state.idle.is_empty() {
            return false;
        }
        tokio::spawn(state.idle.remove(0).quit());
        true
    }
}

impl Lease {
    /// Back into the pool, if the session is still good.
    pub(crate) fn give_back(self) {
        self.pool.clone().give_back(self.session);
    }
}

/// Closes what has been idle for too long; ends when nothing is idle or the pool is gone.
async fn reap_idle(pool: std::sync::Weak<Pool>) {
    loop {
        let next = {
            let Some(pool) = pool.upgrade() else { return };
            let timeout = pool.options.idle_timeout();
            let now = clock::now();
            let mut state = pool.state();
            let old = state.idle.iter().take_while(|session| session.idle_since + timeout <= now).count();
            for session in state.idle.drain(..old) {
                tokio::spawn(session.quit());
            }
            match state.idle.first() {
                Some(oldest) => oldest.idle_since + timeout,
                None => {
                    state.reaping = false;
                    return;
                }
            }
        };
        clock::sleep_until(next).await;
    }
}

struct Wanting<'a>(&'a Pool);

impl<'a> Wanting<'a> {
    fn new(pool: &'a Pool) -> Self {
        pool.state().wanting += 1;
        Self(pool)
    }
}

impl Drop for Wanting<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.wanting = state.wanting.saturating_sub(1);
    }
}
