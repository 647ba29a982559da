//! A client's connections: kept open between messages, lent to one transaction at a time, first come first served.
//!
//! ```text
//! lease ──> slot (maxConnections) ──┬─ idle and alive ──────────────────────────┬─> Lease
//!                                   └─ budget (all clients of the mailbox) ─ open ┘     │
//!     idle <── usable, not worn out, not wanted elsewhere ──────────────────── give back ┘
//! ```
//!
//! Whoever has a slot and no session yet stands in a queue of its own: a session that comes back is for the first there,
//! not for whoever is quickest.
//!
//! A series of messages may leave a session *parked*: the server waits for the next message already, but the caller has
//! not asked for it yet. Nobody ever waits for a parked session: it is dropped as soon as its place is wanted, or after
//! [`PARK_TIMEOUT`]. A transaction without its final dot leaves nothing behind.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use email_base::clock::{self, Instant};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use crate::budget::{Budget, Connection, Holder};
use crate::ehlo::Extensions;
use crate::error::{Error, Result};
use crate::options::{Chunking, PoolOptions, RateLimit};
use crate::phase::Phase;
use crate::scope::Scope;
use crate::session::{Session, Target};

/// While another client of the mailbox waits for a connection, one that has sent so many messages is handed over.
const TURN: u32 = 20;

/// Longer than a busy caller's loop takes; shorter than a server's patience.
const PARK_TIMEOUT: Duration = Duration::from_secs(1);

/// See the module.
pub(crate) struct Pool {
    pub(crate) target: Target,
    pub(crate) options: PoolOptions,
    pub(crate) rate_limit: Option<RateLimit>,
    pub(crate) chunking: Chunking,
    pub(crate) budget: Arc<Budget>,
    pub(crate) closed: CancellationToken,
    slots: Arc<Semaphore>,
    /// Held by the one who gets the next session, so sessions come in the order of asking.
    session_queue: tokio::sync::Mutex<()>,
    state: Mutex<State>,
    /// A session was given back.
    returned: Notify,
    /// Something is to be reaped before what was known.
    sooner: Arc<Notify>,
}

#[derive(Default)]
struct State {
    /// The one used last at the end.
    idle: Vec<Session>,
    /// The one parked last at the end.
    parked: Vec<(ParkingTicket, Session)>,
    next_ticket: u64,
    /// Callers waiting for a session.
    wanting: usize,
    /// When the task that watches over the idle ones looks next; `None` if there is no such task.
    reaping: Option<Instant>,
    /// What the server offered when it was asked last.
    offered: Arc<Extensions>,
}

/// Takes a parked session back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ParkingTicket(u64);

/// A session, for one transaction.
pub(crate) struct Lease {
    pub(crate) session: Session,
    /// It has been idle before: the server may have hung up without our knowing.
    pub(crate) reused: bool,
    pool: Arc<Pool>,
    slot: OwnedSemaphorePermit,
}

impl Pool {
    pub(crate) fn new(
        target: Target,
        options: PoolOptions,
        connections: u32,
        rate_limit: Option<RateLimit>,
        chunking: Chunking,
        budget: Arc<Budget>,
    ) -> Arc<Self> {
        let connections = connections as usize;
        let pool = Arc::new(Self {
            target,
            options,
            rate_limit,
            chunking,
            budget,
            closed: CancellationToken::new(),
            slots: Arc::new(Semaphore::new(connections)),
            session_queue: tokio::sync::Mutex::default(),
            state: Mutex::default(),
            returned: Notify::new(),
            sooner: Arc::default(),
        });
        let holder = Arc::downgrade(&pool);
        pool.budget.join(holder, connections, rate_limit);
        pool
    }

    /// A session that nobody else uses.
    pub(crate) async fn lease(self: &Arc<Self>, scope: Scope<'_>) -> Result<Lease> {
        let _wanting = Wanting::new(self);
        let slot = scope.run(Phase::Queue, self.slots.clone().acquire_owned()).await?.map_err(|_| Error::Closed)?;
        let (session, reused) = self.session(scope).await?;
        Ok(Lease { session, reused, pool: self.clone(), slot })
    }

    async fn session(&self, scope: Scope<'_>) -> Result<(Session, bool)> {
        let connection = match scope.run(Phase::Queue, self.free()).await? {
            Free::Session(session) => return Ok((*session, true)),
            Free::Connection(connection) => connection,
        };
        // Boxed: rare, and large enough that every future around it would fill a thread's stack.
        let session = Box::pin(self.target.open(connection, scope)).await?;
        self.state().offered = Arc::new(session.extensions.clone());
        Ok((session, false))
    }

    /// Waits for whichever is free first. A connection is opened after that, so nobody waits for another's handshake.
    async fn free(&self) -> Free {
        let _first = self.session_queue.lock().await;
        loop {
            let returned = self.returned.notified();
            tokio::pin!(returned);
            returned.as_mut().enable();
            while let Some(session) = self.take_idle() {
                if session.is_alive().await {
                    return Free::Session(Box::new(session));
                }
            }
            tokio::select! {
                connection = self.budget.connection() => return Free::Connection(connection),
                () = returned => {}
            }
        }
    }

    /// Keeps a session whose server waits for a message, without keeping anybody from sending.
    pub(crate) fn park(self: &Arc<Self>, lease: Lease) -> Option<ParkingTicket> {
        let mut session = lease.session;
        let contended = self.budget.is_contended();
        session.idle_since = clock::now();
        let mut state = self.state();
        if contended || self.closed.is_cancelled() {
            return None;
        }
        state.next_ticket += 1;
        let ticket = ParkingTicket(state.next_ticket);
        state.parked.push((ticket, session));
        self.watch(state);
        Some(ticket)
    }

    /// The parked session, if it is still there.
    pub(crate) fn unpark(self: &Arc<Self>, ticket: ParkingTicket) -> Option<Lease> {
        let mut state = self.state();
        let index = state.parked.iter().position(|(parked, _)| *parked == ticket)?;
        let (_, session) = state.parked.remove(index);
        let slot = self.slots.clone().try_acquire_owned().ok()?;
        Some(Lease { session, reused: true, pool: self.clone(), slot })
    }

    /// What the server offered when it was asked last.
    pub(crate) fn offered(&self) -> Arc<Extensions> {
        self.state().offered.clone()
    }

    /// Ends every idle session and takes no more.
    pub(crate) async fn close(&self) {
        self.closed.cancel();
        self.slots.close();
        let (idle, parked) = {
            let mut state = self.state();
            (std::mem::take(&mut state.idle), std::mem::take(&mut state.parked))
        };
        drop(parked);
        let mut quitting = tokio::task::JoinSet::new();
        for session in idle {
            quitting.spawn(session.quit());
        }
        quitting.join_all().await;
    }

    fn give_back(self: &Arc<Self>, mut session: Session) {
        if !session.is_usable() {
            return;
        }
        let worn_out = session.messages >= self.options.messages_per_connection();
        let contended = self.budget.is_contended();
        session.idle_since = clock::now();
        let mut state = self.state();
        let wanted_elsewhere = contended && (state.wanting == 0 || session.messages >= TURN);
        // Under the lock: `close` takes what is idle after it has said so.
        if worn_out || wanted_elsewhere || self.closed.is_cancelled() {
            tokio::spawn(session.quit());
            return;
        }
        state.idle.push(session);
        self.watch(state);
        self.returned.notify_one();
    }

    /// Sees to it that somebody watches over what is idle, and looks in time.
    fn watch(self: &Arc<Self>, mut state: MutexGuard<'_, State>) {
        let Some(next) = state.next_to_reap(self.options.idle_timeout()) else { return };
        match state.reaping.replace(next) {
            None => drop(tokio::spawn(reap(Arc::downgrade(self), self.sooner.clone()))),
            Some(already) if next < already => self.sooner.notify_one(),
            Some(already) => state.reaping = Some(already),
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
        if !state.idle.is_empty() {
            tokio::spawn(state.idle.remove(0).quit());
            return true;
        }
        // QUIT would be taken for a line of the message.
        let parked = (!state.parked.is_empty()).then(|| state.parked.remove(0));
        drop(state);
        parked.is_some()
    }
}

impl Lease {
    /// The session sends no message after this one.
    pub(crate) fn is_last(&self) -> bool {
        let messages = self.session.messages.saturating_add(1);
        messages >= self.pool.options.messages_per_connection() || self.pool.budget.is_contended()
    }

    /// The same place with a new session, for one that turned out to be dead.
    pub(crate) async fn renew(self, scope: Scope<'_>) -> Result<Self> {
        let Self { session, pool, slot, .. } = self;
        drop(session);
        // What is idle is as old as the dead one.
        drop(std::mem::take(&mut pool.state().idle));
        let (session, reused) = {
            let _wanting = Wanting::new(&pool);
            pool.session(scope).await?
        };
        Ok(Self { session, reused, pool, slot })
    }

    /// Back into the pool, if the session is still good.
    pub(crate) fn give_back(self) {
        self.pool.clone().give_back(self.session);
    }
}

/// Closes what has been idle for too long; ends when nothing is idle or the pool is gone.
async fn reap(pool: Weak<Pool>, sooner: Arc<Notify>) {
    loop {
        let next = {
            let Some(pool) = pool.upgrade() else { return };
            let mut state = pool.state();
            for session in state.take_old(pool.options.idle_timeout()) {
                tokio::spawn(session.quit());
            }
            state.reaping = state.next_to_reap(pool.options.idle_timeout());
            match state.reaping {
                Some(next) => next,
                None => return,
            }
        };
        tokio::select! {
            () = clock::sleep_until(next) => {}
            () = sooner.notified() => {}
        }
    }
}

impl State {
    /// Idle sessions that have been so for `timeout`. Parked ones are dropped at once.
    fn take_old(&mut self, timeout: Duration) -> Vec<Session> {
        let now = clock::now();
        self.parked.retain(|(_, session)| session.idle_since + PARK_TIMEOUT > now);
        let old = self.idle.iter().take_while(|session| session.idle_since + timeout <= now).count();
        self.idle.drain(..old).collect()
    }

    fn next_to_reap(&self, timeout: Duration) -> Option<Instant> {
        let idle = self.idle.first().map(|session| session.idle_since + timeout);
        let parked = self.parked.first().map(|(_, session)| session.idle_since + PARK_TIMEOUT);
        idle.into_iter().chain(parked).min()
    }
}

/// What a caller with a slot goes on with.
enum Free {
    Session(Box<Session>),
    Connection(Connection),
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
