//! What is different, from what the server answered; and in which steps it is handed over. Pure.

use super::FlagsChanged;
use super::flags::FlagSets;
use super::plan::Status;
use super::state::State;
use crate::types::ModSeq;
use crate::uid_set::UidRanges;

/// What the server answered to a [`super::plan::Plan::Difference`].
#[derive(Debug, Default)]
pub(crate) struct Answers {
    /// UIDs said to be gone (QRESYNC); may name any.
    pub(crate) vanished: UidRanges,
    /// Every UID there is, if it was asked for.
    pub(crate) all: Option<UidRanges>,
    /// UIDs from the frontier on.
    pub(crate) new: UidRanges,
    /// Flags, of the messages they were told of.
    pub(crate) flags: Option<Told>,
}

/// Flags as they are now.
#[derive(Debug, Default)]
pub(crate) struct Told {
    pub(crate) about: UidRanges,
    pub(crate) sets: FlagSets,
    /// By UID, ascending; empty without CONDSTORE.
    pub(crate) mod_seqs: Vec<(u32, u64)>,
    /// Messages with more flags than are told apart: handed over whenever the server tells of them.
    pub(crate) untracked: UidRanges,
}

/// What has to be handed over of known messages.
#[derive(Debug, Default)]
pub(crate) struct Delta {
    vanished: UidRanges,
    changed: UidRanges,
    told: Told,
    /// Becomes the state's when everything is handed over.
    mod_seq: Option<u64>,
    complete: bool,
}

/// Some of it.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Step {
    pub(crate) vanished: Vec<u32>,
    pub(crate) flags: Vec<FlagsChanged>,
}

impl Delta {
    /// Compares. New messages are in the state as pending at once, gone ones that nobody has are out of it.
    pub(crate) fn new(state: &mut State, status: &Status, answers: Answers) -> Self {
        let mine = state.known.union(&state.pending);
        let gone = match &answers.all {
            Some(all) => mine.minus(all),
            None => mine.intersection(&answers.vanished),
        };
        state.pending = state.pending.minus(&gone).union(&answers.new);
        if let Some(last) = answers.new.last() {
            state.frontier = state.frontier.max(last.saturating_add(1));
        }
        if let Some(all) = &answers.all {
            let others = all.minus(&mine).minus(&state.pending);
            if state.since.is_none() {
                // Nothing was left out on purpose: these the server has kept back until now.
                state.pending = state.pending.union(&others);
                state.others = 0;
            } else {
                state.others = u32::try_from(others.count()).unwrap_or(u32::MAX);
            }
        }
        state.uid_next = status.uid_next;
        let vanished = gone.intersection(&state.known);
        let told = answers.flags.unwrap_or_default();
        let among = told.about.intersection(&state.known).minus(&vanished);
        let changed = state.flags.changed(&told.sets, &among).union(&told.untracked.intersection(&among));
        Self { vanished, changed, told, mod_seq: status.mod_seq, complete: false }
    }

    /// The next `most` changes at most, with the state that is true after them. `None`: that was all.
    pub(crate) fn step(&mut self, state: &mut State, most: usize) -> Option<Step> {
        let vanished = self.vanished.smallest(most as u64);
        let left = (most as u64).saturating_sub(vanished.count());
        let changed = self.changed.smallest(left);
        self.vanished = self.vanished.minus(&vanished);
        self.changed = self.changed.minus(&changed);
        state.remove(&vanished);
        state.change(&changed, &self.told.sets);
        if self.vanished.is_empty() && self.changed.is_empty() {
            state.mod_seq = self.mod_seq;
            if self.complete || (vanished.is_empty() && changed.is_empty()) {
                self.complete = true;
                return None;
            }
            self.complete = true;
        }
        let flags = changed.iter().map(|uid| self.change(uid)).collect();
        Some(Step { vanished: vanished.iter().collect(), flags })
    }

    fn change(&self, uid: u32) -> FlagsChanged {
        let at = self.told.mod_seqs.binary_search_by_key(&uid, |(uid, _)| *uid);
        let mod_seq = at.ok().and_then(|at| self.told.mod_seqs.get(at)).map(|(_, mod_seq)| ModSeq(*mod_seq));
        FlagsChanged { uid, flags: self.told.sets.of_message(uid), mod_seq }
    }
}
