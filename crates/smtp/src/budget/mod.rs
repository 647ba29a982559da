//! What one mailbox may use of its server, shared by every client of it in this process: connections, messages in a
//! window, and the pause that the server asked for.
//!
//! ```text
//!   send ── enter ──> queue (first come, first served) ── turn ──> MAIL
//!              └─ the deadline comes first ─> RATE_LIMITED with the time that is missing, at once
//! ```
//!
//! Counts are shared; limits are each client's own. So two clients of a mailbox with 30 messages a minute send 30
//! together, and a third without a limit is only counted.

mod connections;
mod turns;
mod window;

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use email_base::Backoff;
use email_base::clock::{self, Instant};
use tokio::sync::Notify;

use crate::options::RateLimit;
use window::Window;

pub(crate) use connections::{Connection, Holder};
pub(crate) use turns::Ticket;

/// The random part of a pause that the server asked for: up to this, doubled with each, and never more than the other.
const PAUSE_SPREAD: Duration = Duration::from_secs(4);
const PAUSE_MAX: Duration = Duration::from_secs(120);

/// Accounts outlive their clients as long as a window does: else closing a client would wipe out what it has sent.
static REGISTRY: LazyLock<Mutex<Registry>> = LazyLock::new(Mutex::default);

#[derive(Default)]
struct Registry {
    budgets: HashMap<Key, Arc<Budget>>,
    /// At this many the ones that nobody needs any more are thrown out.
    sweep_at: usize,
}

/// Which mailbox, whichever port leads to it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    host: String,
    user: Option<String>,
    /// Without a user there is no mailbox: then it is the server's port that is shared. On this machine each port is a
    /// server of its own.
    port: Option<u16>,
}

impl Key {
    pub(crate) fn new(host: &str, port: u16, user: Option<&str>) -> Self {
        let user = user.map(str::to_lowercase);
        let port = (user.is_none() || email_net::is_loopback(host)).then_some(port);
        Self { host: host.trim_end_matches('.').to_ascii_lowercase(), user, port }
    }
}

/// The shared account of one mailbox.
pub(crate) struct Budget {
    state: Mutex<State>,
    /// Held by the one whose turn is next, so turns come in the order of asking.
    rate_queue: tokio::sync::Mutex<()>,
    connection_queue: tokio::sync::Mutex<()>,
    connection_freed: Notify,
}

struct State {
    window: Window,
    /// As many send times are kept as the largest limit needs.
    keep: usize,
    /// The longest window of any limit.
    keep_for: Duration,
    /// Sends that have not had their turn.
    queued: usize,
    paused_until: Option<Instant>,
    backoff: Backoff,
    open: usize,
    /// Waiting for a connection.
    wanting: usize,
    holders: Vec<(Weak<dyn Holder>, usize)>,
}

impl Budget {
    /// The one account of `key` in this process.
    pub(crate) fn of(key: Key) -> Arc<Self> {
        let mut registry = REGISTRY.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = registry.budgets.get(&key) {
            return known.clone();
        }
        if registry.budgets.len() >= registry.sweep_at {
            registry.budgets.retain(|_, budget| budget.is_needed());
            registry.sweep_at = 2 * registry.budgets.len() + 16;
        }
        registry.budgets.entry(key).or_insert_with(|| Arc::new(Self::new())).clone()
    }

    fn new() -> Self {
        Self {
            state: Mutex::new(State {
                window: Window::default(),
                keep: 0,
                keep_for: Duration::ZERO,
                queued: 0,
                paused_until: None,
                backoff: Backoff::new(PAUSE_SPREAD, PAUSE_MAX),
                open: 0,
                wanting: 0,
                holders: Vec::new(),
            }),
            rate_queue: tokio::sync::Mutex::default(),
            connection_queue: tokio::sync::Mutex::default(),
            connection_freed: Notify::new(),
        }
    }

    /// Takes part with so many connections at most and this limit.
    pub(crate) fn join(&self, holder: Weak<dyn Holder>, connections: usize, limit: Option<RateLimit>) {
        let mut state = self.state();
        state.holders.retain(|(known, _)| known.strong_count() > 0);
        state.holders.push((holder, connections));
        if let Some(limit) = limit {
            state.keep = state.keep.max(limit.messages as usize);
            state.keep_for = state.keep_for.max(Duration::from_millis(limit.per_ms));
        }
    }

    /// Whether somebody uses it, or a new client would have to know of it.
    fn is_needed(&self) -> bool {
        let state = self.state();
        let now = clock::now();
        state.holders.iter().any(|(holder, _)| holder.strong_count() > 0)
            || state.queued > 0
            || state.paused_until.is_some_and(|until| until > now)
            || state.window.newest().is_some_and(|newest| newest + state.keep_for > now)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use email_base::Call;
    use tokio_util::sync::CancellationToken;

    use super::*;

    pub(super) const LIMIT: Option<RateLimit> = Some(RateLimit { messages: 2, per_ms: 60_000 });

    struct Nobody;

    impl Holder for Nobody {
        fn give_up_one(&self) -> bool {
            false
        }
    }

    pub(super) fn budget(user: &str, connections: usize) -> (Arc<Budget>, Arc<dyn Holder>) {
        let budget = Budget::of(Key::new("mail.example.com", 587, Some(user)));
        let holder: Arc<dyn Holder> = Arc::new(Nobody);
        budget.join(Arc::downgrade(&holder), connections, LIMIT);
        (budget, holder)
    }

    pub(super) fn within(seconds: u64) -> Call {
        Call::new(Duration::from_secs(seconds), CancellationToken::new())
    }

    #[test]
    fn clients_of_one_mailbox_share_one_account() {
        let (one, _) = budget("Ada@example.com", 1);
        let (other, _) = budget("ada@EXAMPLE.com", 1);
        assert!(Arc::ptr_eq(&one, &other));
        assert!(!Arc::ptr_eq(&one, &budget("bob@example.com", 1).0));
        assert_ne!(Key::new("h", 25, None), Key::new("h", 26, None));
        assert_eq!(Key::new("H.", 25, Some("u")), Key::new("h", 465, Some("U")));
    }

    #[test]
    fn a_pause_of_one_local_server_is_not_that_of_another() {
        for host in ["localhost", "127.0.0.1", "127.8.9.1", "::1", "[::1]"] {
            assert_ne!(Key::new(host, 2525, Some("u")), Key::new(host, 2526, Some("u")), "{host}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn closing_the_client_does_not_wipe_out_what_it_sent() {
        {
            let (budget, _holder) = budget("reopened", 1);
            for _ in 0..2 {
                budget.enter(LIMIT, &within(1)).unwrap().turn().await;
            }
        }
        let (again, _holder) = budget("reopened", 1);
        assert!(again.is_needed());
        assert!(matches!(again.enter(LIMIT, &within(59)), Err(crate::Error::RateLimited { .. })));
        drop(_holder);
        clock::sleep(Duration::from_secs(61)).await;
        assert!(!again.is_needed());
    }
}
