//! The pure half against a mailbox of memory: whatever happens on the server, between and in the middle of syncs that may
//! be killed after every batch, the store becomes what the server is. Nothing lost, nothing twice.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::cursor;
use super::delta::{Answers, Delta, Told};
use super::flags::Gathering;
use super::plan::{FlagsBy, Plan, Status, UidsBy, adds_up, plan};
use super::state::State;
use crate::types::{FetchedMessage, Flag};
use crate::uid_set::UidRanges;

const FLAGS: [&str; 4] = ["\\Seen", "\\Flagged", "$Project", "\\Draft"];

/// What a server offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plain,
    Condstore,
    Qresync,
}

#[derive(Debug, Clone)]
enum Op {
    Deliver(u8),
    Flag(usize, u8),
    Expunge(usize),
    /// Deleted and made again; `true`: UIDVALIDITY gets lower.
    Rebuild(bool),
    /// HIGHESTMODSEQ falls, as after a server's repair.
    ResetModSeq,
    /// A sync that is killed after so many batches.
    Sync(usize),
    /// What the server offers changes: another front end.
    Become(Kind),
}

#[derive(Debug)]
struct Server {
    kind: Kind,
    uid_validity: u32,
    rebuilt: u32,
    uid_next: u32,
    mod_seq: u64,
    /// UID → flags, mod-sequence.
    messages: BTreeMap<u32, (u8, u64)>,
    expunged: Vec<(u32, u64)>,
}

impl Server {
    fn apply(&mut self, op: &Op) {
        match op {
            Op::Deliver(flags) => {
                self.mod_seq += 1;
                self.messages.insert(self.uid_next, (*flags, self.mod_seq));
                // A gap now and then.
                self.uid_next += 1 + u32::from(*flags > 12);
            }
            Op::Flag(at, flags) => {
                if let Some(uid) = self.pick(*at) {
                    self.mod_seq += 1;
                    self.messages.insert(uid, (*flags, self.mod_seq));
                }
            }
            Op::Expunge(at) => {
                if let Some(uid) = self.pick(*at) {
                    // Only QRESYNC promises a new mod-sequence for it.
                    self.mod_seq += u64::from(self.kind == Kind::Qresync);
                    self.messages.remove(&uid);
                    self.expunged.push((uid, self.mod_seq));
                }
            }
            Op::Rebuild(lower) => {
                // Never one that was used before.
                self.rebuilt += 1;
                let validity = if *lower { 1000 - self.rebuilt } else { 1000 + self.rebuilt };
                *self = Self { uid_validity: validity, rebuilt: self.rebuilt, ..Self::new(self.kind) };
            }
            Op::ResetModSeq => {
                self.mod_seq = 1;
                for (_, mod_seq) in self.messages.values_mut() {
                    *mod_seq = 1;
                }
                self.expunged.clear();
            }
            Op::Become(kind) => self.kind = *kind,
            Op::Sync(_) => {}
        }
    }

    fn new(kind: Kind) -> Self {
        Self {
            kind,
            uid_validity: 1000,
            rebuilt: 0,
            uid_next: 1,
            mod_seq: 1,
            messages: BTreeMap::new(),
            expunged: Vec::new(),
        }
    }

    fn pick(&self, at: usize) -> Option<u32> {
        self.messages.keys().copied().nth(at % self.messages.len().max(1))
    }

    fn uids(&self) -> UidRanges {
        UidRanges::from_uids(self.messages.keys().copied())
    }

    fn status(&self, cursor: Option<&State>) -> Status {
        let told = self.kind == Kind::Qresync
            && cursor.is_some_and(|cursor| cursor.mod_seq.is_some() && !cursor.known.union(&cursor.pending).is_empty());
        Status {
            uid_validity: self.uid_validity,
            exists: u32::try_from(self.messages.len()).unwrap(),
            uid_next: Some(self.uid_next),
            mod_seq: (self.kind != Kind::Plain).then_some(self.mod_seq),
            told,
        }
    }

    fn told(&self, which: impl Fn(u64) -> bool) -> Told {
        let mut gathering = Gathering::default();
        let mut mod_seqs = Vec::new();
        for (uid, (flags, mod_seq)) in self.messages.iter().filter(|(_, (_, mod_seq))| which(*mod_seq)) {
            gathering.add(*uid, &names(*flags));
            mod_seqs.push((*uid, *mod_seq));
        }
        let (about, sets) = gathering.finish();
        Told { about, sets, mod_seqs, untracked: UidRanges::default() }
    }

    /// What `Observe` would bring.
    fn answers(&self, cursor: &State, status: &Status, flags: FlagsBy, uids: UidsBy) -> Answers {
        let since = cursor.mod_seq.unwrap_or_default();
        let mut answers = Answers::default();
        if status.told {
            let gone = self.expunged.iter().filter(|(_, mod_seq)| *mod_seq > since).map(|(uid, _)| *uid);
            answers.vanished = UidRanges::from_uids(gone);
        }
        answers.flags = match flags {
            FlagsBy::Unchanged => None,
            FlagsBy::Told => Some(self.told(|mod_seq| mod_seq > since)),
            FlagsBy::ChangedSince(since) => Some(self.told(|mod_seq| mod_seq > since)),
            FlagsBy::Comparison => Some(self.told(|_| true)),
        };
        if uids != UidsBy::Unchanged {
            answers.new = UidRanges::from_uids(self.messages.keys().copied().filter(|uid| *uid >= cursor.frontier));
        }
        let short = !adds_up(cursor, &answers.vanished, &answers.new, status.exists);
        if uids == UidsBy::All || (uids == UidsBy::Frontier && short) {
            answers.all = Some(self.uids());
        }
        answers
    }
}

fn names(bits: u8) -> Vec<Flag> {
    FLAGS
        .iter()
        .enumerate()
        .filter(|(place, _)| (bits >> place) & 1 == 1)
        .map(|(_, name)| Flag::Borrowed(*name))
        .collect()
}

/// The caller: strict about what it is given.
#[derive(Debug, Default)]
struct Store {
    messages: BTreeMap<u32, BTreeSet<Flag>>,
    cursor: Option<String>,
}

/// One sync, killed after `batches`. `between` happens on the server after each look.
fn sync(store: &mut Store, server: &mut Server, mut batches: usize, size: usize, between: &[Op]) {
    let mut state = store.cursor.as_deref().map(|text| cursor::decode(text).unwrap());
    let status = server.status(state.as_ref());
    let mut reset = false;
    let state = match plan(state.as_ref(), &status) {
        Plan::Whole { reset: rebuilt } => {
            reset = rebuilt;
            let fresh = state.insert(State::new(1, "INBOX", status.uid_validity));
            fresh.pending = server.uids();
            fresh.frontier = fresh.pending.last().map_or(1, |last| last + 1);
            (fresh.uid_next, fresh.mod_seq) = (status.uid_next, status.mod_seq);
            fresh
        }
        Plan::Difference { flags, uids } => {
            let state = state.as_mut().unwrap();
            let answers = server.answers(state, &status, flags, uids);
            for op in between {
                server.apply(op);
            }
            let mut delta = Delta::new(state, &status, answers);
            while let Some(step) = delta.step(state, size) {
                if batches == 0 {
                    return;
                }
                batches -= 1;
                assert!(step.vanished.len() + step.flags.len() <= size);
                for uid in &step.vanished {
                    assert!(store.messages.remove(uid).is_some(), "{uid} was unknown");
                }
                for change in step.flags {
                    let flags: BTreeSet<_> = change.flags.into_iter().collect();
                    let known = store.messages.get_mut(&change.uid).expect("flags of a known message");
                    assert_ne!(*known, flags, "no news of {}", change.uid);
                    *known = flags;
                }
                store.cursor = Some(cursor::encode(state));
            }
            state
        }
    };
    while !state.pending.is_empty() {
        let part = state.pending.largest(size as u64);
        let message = |uid| {
            let flags = server.messages.get(&uid)?.0;
            Some(FetchedMessage { uid, flags: Some(names(flags)), ..FetchedMessage::default() })
        };
        // A rebuilt mailbox gives no messages to the old UIDs: the engine guards that.
        let same = server.uid_validity == state.uid_validity;
        let messages: Vec<_> = part.iter().filter(|_| same).filter_map(message).collect();
        if !same {
            return;
        }
        if batches == 0 {
            return;
        }
        batches -= 1;
        state.add(&messages);
        state.pending = state.pending.minus(&part);
        if std::mem::take(&mut reset) {
            store.messages.clear();
        }
        for message in messages {
            let flags = message.flags.unwrap().into_iter().collect();
            assert!(store.messages.insert(message.uid, flags).is_none(), "{} came twice", message.uid);
        }
        store.cursor = Some(cursor::encode(state));
    }
    if batches > 0 {
        if reset {
            store.messages.clear();
        }
        store.cursor = Some(cursor::encode(state));
    }
}

fn any_kind() -> impl Strategy<Value = Kind> {
    prop_oneof![Just(Kind::Plain), Just(Kind::Condstore), Just(Kind::Qresync)]
}

fn any_op() -> impl Strategy<Value = Op> {
    prop_oneof![
        6 => (0u8..16).prop_map(Op::Deliver),
        6 => (any::<usize>(), 0u8..16).prop_map(|(at, flags)| Op::Flag(at, flags)),
        4 => any::<usize>().prop_map(Op::Expunge),
        1 => any::<bool>().prop_map(Op::Rebuild),
        1 => Just(Op::ResetModSeq),
        4 => (0usize..5).prop_map(Op::Sync),
        1 => any_kind().prop_map(Op::Become),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    #[test]
    fn the_store_becomes_what_the_server_is(
        kind in any_kind(),
        ops in proptest::collection::vec(any_op(), 0..60),
        between in proptest::collection::vec(any_op(), 0..4),
        size in 1usize..6,
    ) {
        let mut server = Server::new(kind);
        let mut store = Store::default();
        for op in &ops {
            match op {
                Op::Sync(batches) => {
                    // In the middle of a sync: everything but a rebuild, which ends it.
                    let between: Vec<_> =
                        between.iter().filter(|op| !matches!(op, Op::Rebuild(_) | Op::ResetModSeq | Op::Become(_))).cloned().collect();
                    sync(&mut store, &mut server, *batches, size, &between);
                }
                // A fall that ends at the cursor's value or above it nobody can see.
                Op::ResetModSeq => {
                    sync(&mut store, &mut server, usize::MAX, size, &[]);
                    server.apply(op);
                    sync(&mut store, &mut server, usize::MAX, size, &[]);
                }
                op => server.apply(op),
            }
        }
        for _ in 0..2 {
            sync(&mut store, &mut server, usize::MAX, size, &[]);
        }
        let there: BTreeMap<_, BTreeSet<_>> =
            server.messages.iter().map(|(uid, (flags, _))| (*uid, names(*flags).into_iter().collect())).collect();
        prop_assert_eq!(&store.messages, &there);
        // And then nothing is new, at the least cost there is.
        let state = cursor::decode(store.cursor.as_deref().unwrap()).unwrap();
        let status = server.status(Some(&state));
        if server.kind != Kind::Plain && !state.known.is_empty() {
            prop_assert_eq!(
                plan(Some(&state), &status),
                Plan::Difference { flags: FlagsBy::Unchanged, uids: UidsBy::Unchanged }
            );
        }
    }
}
