//! Mailboxes that a client has renamed or removed. A connection that has one of them, or one below, open would go on in it
//! under its old name: so it compares before it uses again what it has open.
//!
//! ```text
//! connection 1: EXAMINE X (opening 7) ─────────────────────────── X is asked for: 7 < 8, so EXAMINE X ─► NO
//! connection 2:                          RENAME X Y ─► OK (8: X)
//! ```

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use super::snapshot::serial;
use crate::command::argument::Mailbox;

/// Names kept: with more of them, whatever was opened before the oldest is opened again.
const MAX_NAMES: usize = 100;

/// Shared by the connections of one client.
#[derive(Debug, Default)]
pub(crate) struct Departed(Mutex<Names>);

#[derive(Debug, Default)]
struct Names {
    /// By when, ascending.
    names: VecDeque<(u64, Mailbox)>,
    /// What went until then is not kept any more.
    forgotten: u64,
}

impl Departed {
    /// The name means nothing, or another mailbox, from now on.
    pub(super) fn tell(&self, mailbox: &Mailbox) {
        let mut names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        names.names.push_back((serial(), mailbox.clone()));
        if names.names.len() > MAX_NAMES
            && let Some((oldest, _)) = names.names.pop_front()
        {
            names.forgotten = oldest;
        }
    }

    /// Whether `mailbox`, opened by the opening of that number, may have gone since.
    pub(super) fn has(&self, mailbox: &Mailbox, opening: u64) -> bool {
        let names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        opening < names.forgotten || names.names.iter().any(|(when, name)| opening < *when && mailbox.is_within(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mailbox(path: &str) -> Mailbox {
        Mailbox::new(path).unwrap()
    }

    #[test]
    fn what_was_opened_before_has_gone_and_what_is_opened_after_has_not() {
        let departed = Departed::default();
        let before = serial();
        departed.tell(&mailbox("A"));
        let after = serial();
        for (path, has_gone) in [("A", true), ("A/B", true), ("B", false), ("B/A", false)] {
            assert_eq!(departed.has(&mailbox(path), before), has_gone, "{path}");
            assert!(!departed.has(&mailbox(path), after), "{path}");
        }
    }

    #[test]
    fn many_names_cost_no_more_memory_and_none_is_missed() {
        let departed = Departed::default();
        let before = serial();
        for n in 0..1000 {
            departed.tell(&mailbox(&n.to_string()));
        }
        assert_eq!(departed.0.lock().unwrap().names.len(), MAX_NAMES);
        assert!((0..1000).all(|n| departed.has(&mailbox(&n.to_string()), before)));
        assert!(!departed.has(&mailbox("1"), serial()));
    }
}
