//! What has to be asked: `cursor × status → plan`, without a socket.
//!
//! | the server says | flags are had by | gone messages by |
//! |---|---|---|
//! | QRESYNC, a mod-sequence above the cursor's | its answer to EXAMINE | VANISHED (EARLIER) |
//! | CONDSTORE, the same | FETCH CHANGEDSINCE | UIDs, if the numbers do not add up |
//! | the cursor's mod-sequence | nothing to ask | UIDs, if the numbers do not add up |
//! | none, or a lower one | comparison of all flags | UIDs, if the numbers do not add up |
//!
//! The numbers: EXISTS now, less what is new, against what the cursor expects. Messages only ever come with UIDs from the
//! frontier on, so the same number means the same messages.

use super::state::State;
use crate::uid_set::UidRanges;

/// What opening the mailbox told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Status {
    pub(crate) uid_validity: u32,
    pub(crate) exists: u32,
    pub(crate) uid_next: Option<u32>,
    /// `None` without CONDSTORE, and with NOMODSEQ.
    pub(crate) mod_seq: Option<u64>,
    /// The answer has the changes since the cursor's mod-sequence in it (QRESYNC).
    pub(crate) told: bool,
}

/// What is asked then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Plan {
    /// Everything: there is no cursor, or its UIDs mean other messages now.
    Whole {
        /// What the caller has is void.
        reset: bool,
    },
    /// What is different.
    Difference {
        /// Flags of known messages.
        flags: FlagsBy,
        /// Which messages there are.
        uids: UidsBy,
    },
}

/// How changed flags are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FlagsBy {
    /// There are none.
    Unchanged,
    /// They came with the answer to EXAMINE.
    Told,
    /// By the server, since this mod-sequence.
    ChangedSince(u64),
    /// By us: all flags of all known messages.
    Comparison,
}

/// How new and gone messages are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UidsBy {
    /// There are none.
    Unchanged,
    /// New ones from the frontier on; and all UIDs, should the numbers not add up.
    Frontier,
    /// All UIDs: some message is gone for sure, and the server does not say which.
    All,
}

/// The plan for a mailbox of which the caller has what `cursor` says.
pub(crate) fn plan(cursor: Option<&State>, status: &Status) -> Plan {
    let Some(cursor) = cursor else { return Plan::Whole { reset: false } };
    if cursor.uid_validity != status.uid_validity {
        return Plan::Whole { reset: true };
    }
    let flags = match (cursor.mod_seq, status.mod_seq) {
        _ if cursor.known.is_empty() && !status.told => FlagsBy::Unchanged,
        (Some(known), Some(now)) if known == now => FlagsBy::Unchanged,
        (Some(known), Some(now)) if known < now => {
            if status.told {
                FlagsBy::Told
            } else {
                FlagsBy::ChangedSince(known)
            }
        }
        // Missing, gone, or reset to a lower value: it proves nothing.
        _ => FlagsBy::Comparison,
    };
    let same_number = u64::from(status.exists) == cursor.expected();
    let same_next = cursor.uid_next.is_some() && cursor.uid_next == status.uid_next;
    let same_changes = status.mod_seq.is_some() && status.mod_seq == cursor.mod_seq;
    let uids = if same_number && same_next && same_changes {
        UidsBy::Unchanged
    } else if u64::from(status.exists) < cursor.expected() && flags != FlagsBy::Told {
        UidsBy::All
    } else {
        UidsBy::Frontier
    };
    Plan::Difference { flags, uids }
}

/// Whether new and gone messages explain how many there are now. If not, something is gone that nobody has told of, or
/// something has come just now: all UIDs have to be asked for.
pub(crate) fn adds_up(cursor: &State, vanished: &UidRanges, new: &UidRanges, exists: u32) -> bool {
    let mine = cursor.known.union(&cursor.pending);
    let gone = mine.intersection(vanished).count();
    cursor.expected().saturating_sub(gone) + new.count() == u64::from(exists)
}
