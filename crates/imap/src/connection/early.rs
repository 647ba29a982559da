//! What comes while a command is being written.

use std::collections::VecDeque;

use crate::error::{Error, Result};
use crate::grammar::Event;

/// Events that may come while a command is being written. A server that floods us there is given up.
const MAX_EARLY_EVENTS: usize = 10_000;
/// Their wire bytes, the last one not counted: the chunks of a fetch that may be under way.
const MAX_EARLY_BYTES: usize = 16 << 20;

/// Events in order, not observed yet.
#[derive(Debug, Default)]
pub(super) struct Early {
    /// Each with its wire bytes.
    events: VecDeque<(Event, usize)>,
    bytes: usize,
    flooded: bool,
}

impl Early {
    pub(super) fn push(&mut self, event: Event, bytes: usize) {
        if self.events.len() < MAX_EARLY_EVENTS && self.bytes < MAX_EARLY_BYTES {
            self.events.push_back((event, bytes));
            self.bytes = self.bytes.saturating_add(bytes);
        } else {
            self.flooded = true;
        }
    }

    pub(super) fn take(&mut self) -> Option<(Event, usize)> {
        let (event, bytes) = self.events.pop_front()?;
        self.bytes = self.bytes.saturating_sub(bytes);
        Some((event, bytes))
    }

    /// Puts what came before in front of what is here.
    pub(super) fn preceded_by(&mut self, mut before: Self) {
        before.events.append(&mut self.events);
        self.events = before.events;
        self.bytes = self.bytes.saturating_add(before.bytes);
        self.flooded |= before.flooded;
    }

    pub(super) fn no_flood(&self) -> Result<()> {
        if self.flooded { Err(Error::protocol("it floods the client while it writes")) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grammar::Continuation;

    fn event(n: usize) -> Event {
        Event::Continuation(Continuation { text: n.to_string() })
    }

    #[test]
    fn a_flood_is_noticed_and_costs_no_more_memory() {
        let mut early = Early::default();
        (0..MAX_EARLY_EVENTS).for_each(|n| early.push(event(n), 10));
        assert!(!early.flooded);
        early.push(event(0), 10);
        assert!(early.flooded && early.events.len() == MAX_EARLY_EVENTS);
    }

    #[test]
    fn a_few_events_of_many_bytes_are_a_flood_too() {
        let mut early = Early::default();
        early.push(event(1), MAX_EARLY_BYTES / 2);
        early.push(event(2), 50 << 20);
        assert!(!early.flooded, "one large one may come");
        early.push(event(3), 1);
        assert!(early.flooded && early.events.len() == 2);
        let mut early = Early::default();
        for n in 0..100 {
            early.push(event(n), MAX_EARLY_BYTES / 2);
            assert!(early.take().is_some() && !early.flooded, "what is taken weighs nothing");
        }
    }

    #[test]
    fn what_was_set_aside_comes_first() {
        let (mut early, mut aside) = (Early::default(), Early::default());
        early.push(event(3), 4);
        aside.push(event(1), 1);
        aside.push(event(2), 2);
        early.preceded_by(aside);
        assert_eq!(early.bytes, 7);
        let taken: Vec<_> = std::iter::from_fn(|| early.take()).collect();
        assert_eq!(taken, [(event(1), 1), (event(2), 2), (event(3), 4)]);
        assert_eq!(early.bytes, 0);
    }
}
