//! Messages in a window, first come first served.

use std::sync::Arc;
use std::time::Duration;

use email_base::Call;
use email_base::clock::{self, Instant};

use super::{Budget, State};
use crate::error::{Error, Result};
use crate::options::RateLimit;

/// Pause after the server said "too much": at least this, and a random part that doubles (see [`super::PAUSE_SPREAD`]).
const PAUSE_MIN: Duration = Duration::from_secs(1);

impl Budget {
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::budget::tests::{LIMIT, budget, within};

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
    async fn those_ahead_in_the_queue_count_though_nothing_was_sent_yet() {
        let (budget, _holder) = budget("ahead", 1);
        let ahead: Vec<_> = (0..2).map(|_| budget.enter(LIMIT, &within(1)).unwrap()).collect();
        assert!(matches!(budget.enter(LIMIT, &within(59)), Err(Error::RateLimited { .. })));
        drop(ahead);
        assert!(budget.enter(LIMIT, &within(59)).is_ok());
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
}
