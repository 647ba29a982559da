//! What is known of a mailbox between two syncs: the inside of a cursor.

use super::flags::FlagSets;
use crate::types::{FetchedMessage, Flag};
use crate::uid_set::UidRanges;

/// A mailbox as far as it was handed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct State {
    /// Whose: a hash of the login name.
    pub(crate) account: u64,
    /// Which.
    pub(crate) path: String,
    pub(crate) uid_validity: u32,
    /// Messages that the caller has.
    pub(crate) known: UidRanges,
    /// Their flags.
    pub(crate) flags: FlagSets,
    /// Messages found and not handed over yet.
    pub(crate) pending: UidRanges,
    /// Messages that are in the mailbox and none of ours: older than `since`.
    pub(crate) others: u32,
    /// UIDs from here on have never been seen.
    pub(crate) frontier: u32,
    /// What the server foretold; only ever compared, some foretell wrongly.
    pub(crate) uid_next: Option<u32>,
    /// Every change of flags up to here has been handed over.
    pub(crate) mod_seq: Option<u64>,
    /// How far back the first sync went, in milliseconds.
    pub(crate) since: Option<i64>,
}

impl State {
    /// Nothing handed over.
    pub(crate) fn new(account: u64, path: &str, uid_validity: u32) -> Self {
        Self {
            account,
            path: path.to_owned(),
            uid_validity,
            known: UidRanges::default(),
            flags: FlagSets::default(),
            pending: UidRanges::default(),
            others: 0,
            frontier: 1,
            uid_next: None,
            mod_seq: None,
            since: None,
        }
    }

    /// How many messages the mailbox had when all this was true.
    pub(crate) fn expected(&self) -> u64 {
        self.known.count() + self.pending.count() + u64::from(self.others)
    }

    /// Messages handed over.
    pub(crate) fn add(&mut self, messages: &[FetchedMessage]) {
        let uids = UidRanges::from_uids(messages.iter().map(|message| message.uid));
        let mut gathering = super::flags::Gathering::default();
        for message in messages {
            gathering.add(message.uid, message.flags.as_deref().unwrap_or_default());
        }
        let (_, sets) = gathering.finish();
        self.flags.add(&sets);
        self.pending = self.pending.minus(&uids);
        self.known = self.known.union(&uids);
    }

    /// Messages told to be gone.
    pub(crate) fn remove(&mut self, uids: &UidRanges) {
        self.known = self.known.minus(uids);
        self.flags.remove(uids);
    }

    /// Flags told.
    pub(crate) fn change(&mut self, uids: &UidRanges, flags: &FlagSets) {
        self.flags.adopt(flags, uids);
    }

    /// Keywords of the mailbox: asked for by name where flags are compared by SEARCH.
    pub(crate) fn learn(&mut self, flags: &[Flag]) {
        for flag in flags.iter().filter(|flag| super::flags::is_own(flag)) {
            self.flags.learn(flag);
        }
    }
}
