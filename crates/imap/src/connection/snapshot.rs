//! What of a mailbox can be compared from one look to the next, over other mailboxes and other connections.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use super::link::Link;

/// Numbers openings of mailboxes, over the whole process.
static NEXT: AtomicU64 = AtomicU64::new(1);

/// A number never given before.
pub(crate) fn serial() -> u64 {
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// A mailbox at one moment.
#[derive(Debug)]
pub(crate) struct Snapshot {
    /// The connection that saw it.
    connection: Weak<()>,
    /// Which opening: within one, every change was told and counted.
    opening: u64,
    changes: u64,
    exists: u32,
    uid_validity: Option<u32>,
    uid_next: Option<u32>,
    highest_mod_seq: Option<u64>,
}

impl Snapshot {
    /// Whether the connection that saw it has ended. Another one may see the mailbox while it lives: that is no loss.
    pub(crate) fn has_lost_connection(&self) -> bool {
        self.connection.strong_count() == 0
    }

    /// Whether something in the mailbox changed between the two. Without CONDSTORE a change of flags while the mailbox
    /// was not open cannot be seen.
    pub(crate) fn differs_from(&self, later: &Self) -> bool {
        if self.opening == later.opening {
            return self.changes != later.changes;
        }
        let told =
            |snapshot: &Self| (snapshot.exists, snapshot.uid_validity, snapshot.uid_next, snapshot.highest_mod_seq);
        // Messages that came or went under the earlier opening were counted by `exists`, too.
        told(self) != told(later)
    }
}

impl Link {
    /// Whether more was told of the mailbox after `seen`, before it was left.
    pub(crate) fn has_left_with_news(&self, seen: &Snapshot) -> bool {
        self.view.changes_until_left(seen.opening).is_some_and(|changes| changes != seen.changes)
    }

    /// Of the open mailbox.
    pub(crate) fn snapshot(&self) -> Option<Snapshot> {
        let selected = self.view.selected.as_ref()?;
        Some(Snapshot {
            connection: Arc::downgrade(&self.life),
            opening: selected.opening,
            changes: selected.changes,
            exists: selected.exists,
            uid_validity: selected.uid_validity,
            uid_next: selected.uid_next,
            highest_mod_seq: selected.highest_mod_seq,
        })
    }
}
