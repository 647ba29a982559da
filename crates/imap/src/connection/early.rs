//! What comes while a command is being written.

use std::collections::VecDeque;

use crate::grammar::Event;

/// Events that may come while a command is being written. A server that floods us there is given up.
const MAX_EARLY_EVENTS: usize = 10_000;

/// Events in order, not observed yet.
#[derive(Debug, Default)]
pub(super) struct Early {
    events: VecDeque<Event>,
    pub(super) flooded: bool,
}

impl Early {
    pub(super) fn push(&mut self, event: Event) {
        if self.events.len() < MAX_EARLY_EVENTS {
            self.events.push_back(event);
        } else {
            self.flooded = true;
        }
    }

    pub(super) fn take(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Puts what came before in front of what is here.
    pub(super) fn preceded_by(&mut self, mut before: Self) {
        before.events.append(&mut self.events);
        self.events = before.events;
        self.flooded |= before.flooded;
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
        (0..MAX_EARLY_EVENTS).for_each(|n| early.push(event(n)));
        assert!(!early.flooded);
        early.push(event(0));
        assert!(early.flooded && early.events.len() == MAX_EARLY_EVENTS);
    }

    #[test]
    fn what_was_set_aside_comes_first() {
        let (mut early, mut aside) = (Early::default(), Early::default());
        early.push(event(3));
        aside.push(event(1));
        aside.push(event(2));
        early.preceded_by(aside);
        assert_eq!(
            [early.take(), early.take(), early.take(), early.take()],
            [Some(event(1)), Some(event(2)), Some(event(3)), None]
        );
    }
}
