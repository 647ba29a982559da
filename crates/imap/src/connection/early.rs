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
    /// What came before them and is passed over for now: see [`Self::set_aside`].
    aside: VecDeque<(Event, usize)>,
    /// Of both.
    bytes: usize,
    flooded: bool,
}

impl Early {
    pub(super) fn push(&mut self, event: Event, bytes: usize) {
        if self.make_room(bytes) {
            self.events.push_back((event, bytes));
        }
    }

    pub(super) fn take(&mut self) -> Option<(Event, usize)> {
        let (event, bytes) = self.events.pop_front()?;
        self.bytes = self.bytes.saturating_sub(bytes);
        Some((event, bytes))
    }

    pub(super) fn has(&self, wanted: impl Fn(&Event) -> bool) -> bool {
        self.events.iter().any(|(event, _)| wanted(event))
    }

    /// Keeps what was taken for others, until [`Self::put_back`]. Here, as whoever waits may go at any moment.
    pub(super) fn set_aside(&mut self, event: Event, bytes: usize) {
        if self.make_room(bytes) {
            self.aside.push_back((event, bytes));
        }
    }

    /// What was set aside is the next to be taken.
    pub(super) fn put_back(&mut self) {
        self.aside.append(&mut self.events);
        self.events = std::mem::take(&mut self.aside);
    }

    fn make_room(&mut self, bytes: usize) -> bool {
        let has_room = self.events.len() + self.aside.len() < MAX_EARLY_EVENTS && self.bytes < MAX_EARLY_BYTES;
        if has_room {
            self.bytes = self.bytes.saturating_add(bytes);
        }
        self.flooded |= !has_room;
        has_room
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
        let mut early = Early::default();
        for n in 1..=3 {
            early.push(event(n), n);
        }
        for _ in 0..2 {
            let (event, bytes) = early.take().unwrap();
            early.set_aside(event, bytes);
        }
        early.put_back();
        assert_eq!(early.bytes, 6);
        let taken: Vec<_> = std::iter::from_fn(|| early.take()).collect();
        assert_eq!(taken, [(event(1), 1), (event(2), 2), (event(3), 3)]);
        assert_eq!(early.bytes, 0);
    }
}
