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

mod window;

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use email_base::clock::{self, Instant};
use email_base::{Backoff, Call};
use tokio::sync::Notify;

use crate::error::{Error, Result};
use crate::options::RateLimit;
use window::Window;

/// Pause after the server's first "too much": at least this, plus a random part of [`PAUSE_SPREAD`] that doubles.
const PAUSE_MIN: Duration = Duration::from_secs(1);
const PAUSE_SPREAD: Duration = Duration::from_secs(4);
/// Longest random part of a pause.
const PAUSE_MAX: Duration = Duration::from_secs(120);

/// Accounts outlive their clients as long as a window does: else closing a client would wipe out what it has sent.
static REGISTRY: LazyLock<Mutex<Registry>> = LazyLock::new(Mutex::default);

#[derive(Default)]
struct Registry {
    budgets: HashMap<Key, Arc<Budget>>,
    /// At this many the ones that nobody needs any more are thrown out.
    sweep_at: usize,
}

/// Which mailbox. Without a user there is none: then it is the server's port that is shared.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    host: String,
    user: Result<String, u16>,
}

impl Key {
    pub(crate) fn new(host: &str, port: u16, user: Option<&str>) -> Self {
        let user = user.map(str::to_lowercase).ok_or(port);
        Self { host: host.trim_end_matches('.').to_ascii_lowercase(), user }
    }
}

/// A client's pool as the budget sees it: it can be asked to give up a connection that it does not use.
pub(crate) trait Holder: Send + Sync {
    /// Closes one idle connection; `false` if there is none.
    fn give_up_one(&self) -> bool;
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

    // ── messages

    /// Stands in the queue, unless the deadline is known to come before the turn.
    pub(crate) fn enter(self: &Arc<Self>, limit: Option<RateLimit>, call: &Call) -> Result<Ticket> {
        let mut state = self.state();
        let now = clock::now();
        let turn = state.turn(limit, state.queued, now);
        if call.deadline().is_some_and(|deadline| deadline < turn) {
            return Err(Error::RateLimited { retry_after: turn.saturating_duration_since(now) });
        }
        state.queued += 1;
        Ok(Ticket { budget: self.clone(), limit })
    }

    /// A turn without waiting, if nobody else is in the queue and the limit allows it now.
    pub(crate) fn take_turn(&self, limit: Option<RateLimit>) -> bool {
        let mut state = self.state();
        let now = clock::now();
        let free = state.queued == 0 && state.turn(limit, 0, now) <= now;
        if free {
            state.record(now);
        }
        free
    }

    /// The server said that it was too much: nobody sends for a while. Gives how long.
    pub(crate) fn pause(&self) -> Duration {
        let mut state = self.state();
        let pause = PAUSE_MIN + state.backoff.next_delay();
        let until = clock::now() + pause;
        state.paused_until = Some(state.paused_until.map_or(until, |already| already.max(until)));
        pause
    }

    /// The server took a message: the next pause starts small again.
    pub(crate) fn resume(&self) {
        self.state().backoff.reset();
    }

    // ── connections

    /// Waits until one more connection is allowed. Idle connections of other clients give way.
    pub(crate) async fn connection(self: &Arc<Self>) -> Connection {
        let _wanting = Wanting::new(self);
        let _turn = self.connection_queue.lock().await;
        loop {
            let freed = self.connection_freed.notified();
            tokio::pin!(freed);
            freed.as_mut().enable();
            if self.take_connection() {
                return Connection { budget: self.clone() };
            }
            self.reclaim();
            freed.await;
        }
    }

    /// Whether somebody waits for a connection.
    pub(crate) fn is_contended(&self) -> bool {
        self.state().wanting > 0
    }

    fn take_connection(&self) -> bool {
        let mut state = self.state();
        let limit = state
            .holders
            .iter()
            .filter(|(holder, _)| holder.strong_count() > 0)
            .map(|(_, connections)| *connections)
            .max()
            .unwrap_or(1);
        let free = state.open < limit;
        state.open += usize::from(free);
        free
    }

    /// Asks for one idle connection; it is free when its QUIT is through.
    fn reclaim(&self) {
        let holders: Vec<_> = self.state().holders.iter().filter_map(|(holder, _)| holder.upgrade()).collect();
        // Not under the lock: giving up a connection comes back here.
        let _ = holders.iter().any(|holder| holder.give_up_one());
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn record(&mut self, now: Instant) {
        self.window.record(now, self.keep);
    }

    fn turn(&self, limit: Option<RateLimit>, ahead: usize, now: Instant) -> Instant {
        let by_limit = limit.map_or(now, |limit| self.window.turn(limit, ahead, now));
        self.paused_until.map_or(by_limit, |until| until.max(by_limit))
    }
}

/// A place in the queue. Dropping it leaves the queue, and those behind move up.
pub(crate) struct Ticket {
    budget: Arc<Budget>,
    limit: Option<RateLimit>,
}

impl Ticket {
    /// Waits for the turn and uses it up.
    pub(crate) async fn turn(&self) {
        let _first = self.budget.rate_queue.lock().await;
        loop {
            let turn = {
                let mut state = self.budget.state();
                let now = clock::now();
                let turn = state.turn(self.limit, 0, now);
                if turn <= now {
                    state.record(now);
                    return;
                }
                turn
            };
            clock::sleep_until(turn).await;
        }
    }

    /// How long until the turn of the first in the queue.
    pub(crate) fn wait(&self) -> Duration {
        let now = clock::now();
        self.budget.state().turn(self.limit, 0, now).saturating_duration_since(now)
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut state = self.budget.state();
        state.queued = state.queued.saturating_sub(1);
    }
}

/// The right to one open connection, given back on drop.
pub(crate) struct Connection {
    budget: Arc<Budget>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        {
            let mut state = self.budget.state();
            state.open = state.open.saturating_sub(1);
        }
        self.budget.connection_freed.notify_waiters();
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Connection")
    }
}

struct Wanting<'a>(&'a Budget);

impl<'a> Wanting<'a> {
    fn new(budget: &'a Budget) -> Self {
        budget.state().wanting += 1;
        Self(budget)
    }
}

impl Drop for Wanting<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.wanting = state.wanting.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio_util::sync::CancellationToken;

    use super::*;

    const LIMIT: Option<RateLimit> = Some(RateLimit { messages: 2, per_ms: 60_000 });

    struct Nobody;

    impl Holder for Nobody {
        fn give_up_one(&self) -> bool {
            false
        }
    }

    fn budget(user: &str, connections: usize) -> (Arc<Budget>, Arc<dyn Holder>) {
        let budget = Budget::of(Key::new("mail.example.com", 587, Some(user)));
        let holder: Arc<dyn Holder> = Arc::new(Nobody);
        budget.join(Arc::downgrade(&holder), connections, LIMIT);
        (budget, holder)
    }

    fn within(seconds: u64) -> Call {
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
        assert!(matches!(again.enter(LIMIT, &within(59)), Err(Error::RateLimited { .. })));
        drop(_holder);
        clock::sleep(Duration::from_secs(61)).await;
        assert!(!again.is_needed());
    }

    #[tokio::test(start_paused = true)]
    async fn a_turn_after_the_deadline_is_refused_at_once_with_the_time_that_is_missing() {
        let (budget, _holder) = budget("deadline", 1);
        for _ in 0..2 {
            budget.enter(LIMIT, &within(1)).unwrap().turn().await;
        }
        let before = clock::now();
        let refused = budget.enter(LIMIT, &within(59));
        assert!(matches!(refused, Err(Error::RateLimited { retry_after }) if retry_after == Duration::from_secs(60)));
        assert_eq!(clock::now(), before);
        let ticket = budget.enter(LIMIT, &within(61)).unwrap();
        ticket.turn().await;
        assert_eq!(clock::now() - before, Duration::from_secs(60));
    }

    #[tokio::test(start_paused = true)]
    async fn turns_come_in_the_order_of_asking_and_leavers_make_room() {
        let (budget, _holder) = budget("order", 1);
        let order = Arc::new(AtomicUsize::new(0));
        let mut tasks = Vec::new();
        for _ in 0..6 {
            let (budget, order) = (budget.clone(), order.clone());
            tasks.push(tokio::spawn(async move {
                let ticket = budget.enter(LIMIT, &within(3600)).unwrap();
                ticket.turn().await;
                (order.fetch_add(1, Ordering::SeqCst), clock::now())
            }));
            tokio::task::yield_now().await;
        }
        let start = clock::now();
        tasks.remove(3).abort();
        let mut seen = Vec::new();
        for task in tasks {
            seen.push(task.await.unwrap());
        }
        let minutes: Vec<u64> = seen.iter().map(|(_, at)| (*at - start).as_secs() / 60).collect();
        assert_eq!(seen.iter().map(|(place, _)| *place).collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
        assert_eq!(minutes, [0, 0, 1, 1, 2]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_holds_for_everybody_and_ends() {
        let (budget, _holder) = budget("pause", 1);
        let pause = budget.pause();
        assert!(pause >= PAUSE_MIN);
        assert!(matches!(budget.enter(None, &within(0)), Err(Error::RateLimited { .. })));
        let start = clock::now();
        budget.enter(None, &within(600)).unwrap().turn().await;
        assert_eq!(clock::now() - start, pause);
    }

    #[tokio::test(start_paused = true)]
    async fn connections_are_counted_over_all_clients() {
        let (one, _a) = budget("connections", 2);
        let (other, _b) = budget("connections", 2);
        let first = one.connection().await;
        let _second = other.connection().await;
        let third = tokio::spawn(async move { one.connection().await });
        clock::sleep(Duration::from_secs(5)).await;
        assert!(!third.is_finished() && other.is_contended());
        drop(first);
        third.await.unwrap();
        assert!(!other.is_contended());
    }
}
