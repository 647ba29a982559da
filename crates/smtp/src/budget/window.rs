//! "At most n messages in any window of t": the sliding window, without a clock of its own.

use std::collections::VecDeque;
use std::time::Duration;

use email_base::clock::Instant;

use crate::options::RateLimit;

/// When the newest messages were sent.
#[derive(Debug, Default)]
pub(super) struct Window {
    sent: VecDeque<Instant>,
}

impl Window {
    /// When the message with `ahead` others before it may go, if the limit alone decides.
    pub(super) fn turn(&self, limit: RateLimit, ahead: usize, now: Instant) -> Instant {
        let messages = limit.messages as usize;
        let per = Duration::from_millis(limit.per_ms);
        // The n-th message waits for the (n - messages)-th to leave the window; those still to come follow each other by
        // the same rule, so every `messages` of them cost one more window.
        let mut index = self.sent.len() + ahead;
        let mut windows = 0u32;
        while index >= self.sent.len() {
            let Some(before) = index.checked_sub(messages) else { return now + per * windows };
            index = before;
            windows = windows.saturating_add(1);
        }
        self.sent.get(index).map_or(now, |sent| (*sent + per).max(now)) + per * windows.saturating_sub(1)
    }

    /// When the last message was sent.
    pub(super) fn newest(&self) -> Option<Instant> {
        self.sent.back().copied()
    }

    /// A message goes now. The newest `keep` are remembered.
    pub(super) fn record(&mut self, now: Instant, keep: usize) {
        self.sent.push_back(now);
        while self.sent.len() > keep {
            self.sent.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use email_base::clock;
    use proptest::prelude::*;

    use super::*;

    const LIMIT: RateLimit = RateLimit { messages: 3, per_ms: 60_000 };

    fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn the_window_slides() {
        let start = clock::now();
        let mut window = Window::default();
        for at in [0, 10, 20] {
            assert_eq!(window.turn(LIMIT, 0, start + seconds(at)), start + seconds(at));
            window.record(start + seconds(at), 3);
        }
        let now = start + seconds(30);
        assert_eq!(window.turn(LIMIT, 0, now), start + seconds(60));
        assert_eq!(window.turn(LIMIT, 1, now), start + seconds(70));
        assert_eq!(window.turn(LIMIT, 2, now), start + seconds(80));
        assert_eq!(window.turn(LIMIT, 3, now), start + seconds(120));
        assert_eq!(window.turn(LIMIT, 0, start + seconds(90)), start + seconds(90));
    }

    #[test]
    fn a_queue_before_the_first_message_counts() {
        let now = clock::now();
        let window = Window::default();
        assert_eq!(window.turn(LIMIT, 2, now), now);
        assert_eq!(window.turn(LIMIT, 3, now), now + seconds(60));
        assert_eq!(window.turn(LIMIT, 6, now), now + seconds(120));
    }

    proptest! {
        #[test]
        fn no_window_ever_holds_too_many(messages in 1u32..5, gaps in prop::collection::vec(0u64..50_000, 1..60)) {
            let limit = RateLimit { messages, per_ms: 60_000 };
            let mut window = Window::default();
            let mut now = clock::now();
            let mut sent: Vec<Instant> = Vec::new();
            for gap in gaps {
                now += Duration::from_millis(gap);
                now = now.max(window.turn(limit, 0, now));
                window.record(now, messages as usize);
                sent.push(now);
            }
            for (index, at) in sent.iter().enumerate() {
                let within = sent[index..].iter().filter(|later| **later < *at + Duration::from_secs(60)).count();
                prop_assert!(within <= messages as usize);
            }
        }
    }
}
