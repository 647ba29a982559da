//! What one mailbox may use of its server, shared by every client of it in this process: connections, and the pause that
//! the server asked for.
//!
//! ```text
//!  login ─► permit? ─ yes ─► connection, until it ends
//!              └─ no ─► waits in turn; idle connections of other clients end and make room
//! ```
//!
//! A throttled account is not asked again by anybody before its time: every request would make it longer.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use email_base::clock::{self, Instant};
use email_base::{Call, Code, ServerReply};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::error::{Error, Result};

/// Connections per mailbox that providers are known to bear: Gmail documents 15, Exchange refuses from about 16 on, and
/// other programs of the user want some too. A client with a higher `maxConnections` raises it. Elsewhere each client's
/// own limit is enough.
const LIMITS: &[(&str, usize)] = &[
    ("outlook.office365.com", 8),
    ("outlook.office365.us", 8),
    ("partner.outlook.cn", 8),
    ("outlook.office.com", 8),
    ("imap.gmail.com", 10),
    ("imap.googlemail.com", 10),
];
/// Unused accounts are swept out when there are this many, or twice as many as last time.
const SWEEP_AT: usize = 64;

/// No login is quicker: who gets a connection with less time left can only be late, and would not say what it waited for.
const LOGIN_TIME: Duration = Duration::from_millis(50);
/// How long the longest of what holds a connection goes on once somebody waits: a watcher, for its turn.
const MAKES_ROOM_AFTER: Duration = super::others::LEASE;

static REGISTRY: LazyLock<Mutex<Registry>> = LazyLock::new(Mutex::default);

#[derive(Default)]
struct Registry {
    budgets: HashMap<Key, Arc<Budget>>,
    sweep_at: usize,
}

/// Which mailbox, whichever port leads to it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    host: String,
    user: String,
    /// On this machine each port is a server of its own.
    port: Option<u16>,
}

/// The shared account of one mailbox.
#[derive(Debug)]
pub(crate) struct Budget {
    connections: Arc<Semaphore>,
    /// How many there may be at once.
    limit: Mutex<usize>,
    /// Logins that wait for a connection.
    waiting: watch::Sender<usize>,
    paused_until: Mutex<Option<Instant>>,
}

/// The right to one connection; given back when dropped.
#[derive(Debug)]
pub(crate) struct Permit {
    _connection: OwnedSemaphorePermit,
}

impl Budget {
    /// The one account of this mailbox in this process.
    pub(crate) fn of(host: &str, port: u16, user: &str) -> Arc<Self> {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        let limit = LIMITS.iter().find(|(known, _)| *known == host).map_or(Semaphore::MAX_PERMITS, |(_, limit)| *limit);
        let port = email_net::is_loopback(&host).then_some(port);
        let key = Key { host, user: user.to_lowercase(), port };
        let mut registry = REGISTRY.lock().unwrap_or_else(PoisonError::into_inner);
        if registry.budgets.len() >= registry.sweep_at.max(SWEEP_AT) {
            registry.budgets.retain(|_, budget| Arc::strong_count(budget) > 1 || budget.pause().is_some());
            registry.sweep_at = registry.budgets.len().saturating_mul(2);
        }
        Arc::clone(registry.budgets.entry(key).or_insert_with(|| Arc::new(Self::new(limit))))
    }

    fn new(limit: usize) -> Self {
        Self {
            connections: Arc::new(Semaphore::new(limit)),
            limit: Mutex::new(limit),
            waiting: watch::Sender::default(),
            paused_until: Mutex::default(),
        }
    }

    /// A caller who wants more connections than the table has, and says so, knows better: the mailbox may have as many.
    pub(crate) fn allow(&self, connections: usize) {
        let mut limit = self.limit.lock().unwrap_or_else(PoisonError::into_inner);
        if connections > *limit {
            self.connections.add_permits(connections - *limit);
            *limit = connections;
        }
    }

    /// Waits, in turn, for the right to one more connection, as long as `call` has time to make something of it. There is
    /// none during a pause, be it one that begins meanwhile.
    pub(crate) async fn connection(&self, call: &Call) -> Result<Permit> {
        self.check()?;
        let permit = self.turn(call).await?;
        self.check()?;
        Ok(permit)
    }

    async fn turn(&self, call: &Call) -> Result<Permit> {
        let closed = |_| Error::Internal("a semaphore was closed");
        if let Ok(connection) = Arc::clone(&self.connections).try_acquire_owned() {
            return Ok(Permit { _connection: connection });
        }
        let _waits = Waits::new(&self.waiting);
        let turn = Arc::clone(&self.connections).acquire_owned();
        let connection = match call.remaining() {
            None => turn.await,
            Some(left) => clock::timeout(left.saturating_sub(LOGIN_TIME), turn)
                .await
                .map_err(|_| Error::ConnectionsInUse { retry_after: MAKES_ROOM_AFTER })?,
        };
        Ok(Permit { _connection: connection.map_err(closed)? })
    }

    /// Resolves when a connection that has nothing to do should make room for another client.
    pub(crate) async fn wanted(&self) {
        // Fails only without a sender, and that is ours.
        let _ = self.waiting.subscribe().wait_for(|waiting| *waiting > 0).await;
    }

    /// Whether somebody waits for a connection.
    pub(crate) fn is_wanted(&self) -> bool {
        *self.waiting.borrow() > 0
    }

    /// The server asked for a pause: everybody keeps it.
    pub(crate) fn pause_for(&self, time: Duration) {
        let until = clock::now().checked_add(time);
        let mut paused = self.paused();
        *paused = (*paused).max(until);
    }

    /// RATE_LIMITED with the time that is left, while there is a pause.
    pub(crate) fn check(&self) -> Result<()> {
        let Some(left) = self.pause() else { return Ok(()) };
        let text = "the server asked this account to pause; nothing was sent";
        let reply = Box::new(ServerReply::new("", text, None));
        Err(Error::Refused { command: "this call", code: Code::RateLimited, reply, retry_after: Some(left) })
    }

    fn pause(&self) -> Option<Duration> {
        let until = (*self.paused())?;
        let left = until.saturating_duration_since(clock::now());
        (!left.is_zero()).then_some(left)
    }

    fn paused(&self) -> MutexGuard<'_, Option<Instant>> {
        self.paused_until.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts one that waits, for as long as it lives: also when its call is aborted.
struct Waits<'a>(&'a watch::Sender<usize>);

impl<'a> Waits<'a> {
    fn new(waiting: &'a watch::Sender<usize>) -> Self {
        waiting.send_modify(|waiting| *waiting += 1);
        Self(waiting)
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|waiting| *waiting = waiting.saturating_sub(1));
    }
}

#[cfg(test)]
mod tests {
    use email_base::Classify;
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn who_waits_gets_the_connection_that_an_idle_one_gives_up() {
        let (budget, call) = (Budget::new(1), Call::default());
        let first = budget.connection(&call).await.unwrap();
        assert!(budget.wanted().now_or_never().is_none());
        let mut second = Box::pin(budget.connection(&call));
        assert!(second.as_mut().now_or_never().is_none());
        budget.wanted().await;
        drop(first);
        let held = second.await.unwrap();
        assert!(budget.wanted().now_or_never().is_none(), "nobody waits any more");
        let given_up = Box::pin(budget.connection(&call));
        drop(given_up);
        drop(held);
        assert!(budget.connection(&call).now_or_never().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_without_end_says_when_to_come_back() {
        let budget = Budget::new(1);
        let _held = budget.connection(&Call::default()).await.unwrap();
        for timeout in [Duration::from_secs(5), Duration::ZERO] {
            let call = Call::new(timeout, Default::default());
            let error = call.run(budget.connection(&call)).await.unwrap_or_else(|why| Err(why.into())).unwrap_err();
            let expected = if timeout.is_zero() { None } else { Some(MAKES_ROOM_AFTER) };
            assert_eq!((error.code(), error.retry_after()), (Code::Timeout, expected));
            assert!(!budget.is_wanted(), "it waits no more");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_is_for_every_client_of_the_mailbox_and_ends() {
        let (one, other) = (Budget::of("imap.example.com", 1, "Ada"), Budget::of("IMAP.example.com.", 1, "ada"));
        one.pause_for(Duration::from_secs(60));
        one.pause_for(Duration::from_secs(5));
        let error = other.check().unwrap_err();
        assert_eq!((error.code(), error.retry_after()), (Code::RateLimited, Some(Duration::from_secs(60))));
        assert!(Budget::of("imap.example.com", 1, "bob").check().is_ok());
        assert!(Budget::of("imap.example.com", 2, "ada").check().is_err(), "another way to the same mailbox");
        tokio::time::advance(Duration::from_secs(60)).await;
        assert!(other.check().is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_for_a_connection_does_not_disturb_the_pause_that_began_meanwhile() {
        let (budget, call) = (Budget::new(1), Call::default());
        let held = budget.connection(&call).await.unwrap();
        let mut waits = Box::pin(budget.connection(&call));
        assert!(waits.as_mut().now_or_never().is_none());
        budget.pause_for(Duration::from_secs(60));
        drop(held);
        assert_eq!(waits.await.unwrap_err().code(), Code::RateLimited);
        tokio::time::advance(Duration::from_secs(60)).await;
        assert!(budget.connection(&call).now_or_never().unwrap().is_ok(), "the connection is free");
    }

    #[test]
    fn a_pause_of_one_local_server_is_not_that_of_another() {
        for host in ["localhost", "127.0.0.1", "127.8.9.1", "::1", "[::1]"] {
            Budget::of(host, 1143, "ada").pause_for(Duration::from_secs(60));
            assert!(Budget::of(host, 1143, "ada").check().is_err(), "{host}");
            assert!(Budget::of(host, 1144, "ada").check().is_ok(), "{host}");
        }
    }

    #[test]
    fn known_providers_have_a_limit() {
        assert_eq!(Budget::of("Outlook.Office365.com", 993, "x").connections.available_permits(), 8);
        assert_eq!(Budget::of("imap.gmail.com", 993, "x").connections.available_permits(), 10);
        assert!(Budget::of("mail.example.com", 993, "x").connections.available_permits() > 1000);
    }

    #[test]
    fn a_limit_is_raised_by_whoever_asks_for_more_and_once() {
        let budget = Budget::new(8);
        for (asked, free) in [(1, 8), (8, 8), (12, 12), (12, 12), (10, 12)] {
            budget.allow(asked);
            assert_eq!(budget.connections.available_permits(), free, "{asked}");
        }
    }

    #[tokio::test]
    async fn the_first_to_wait_is_the_first_to_be_served() {
        let (budget, call) = (Budget::new(1), Call::default());
        let held = budget.connection(&call).await.unwrap();
        let mut waiting: Vec<_> = (0..10).map(|_| Box::pin(budget.connection(&call))).collect();
        for one in &mut waiting {
            assert!(one.now_or_never().is_none());
        }
        drop(held);
        // Whoever is asked first now has to wait for those before it all the same.
        assert!(waiting.last_mut().unwrap().now_or_never().is_none());
        for one in waiting {
            drop(one.await.unwrap());
        }
    }

    #[test]
    fn unused_accounts_are_swept_out() {
        for n in 0..1000 {
            Budget::of("sweep.example.com", 993, &n.to_string());
        }
        assert!(REGISTRY.lock().unwrap().budgets.len() < 500);
    }
}
