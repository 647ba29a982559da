//! The flags of many messages, a set of UIDs for each flag: no row for any message.

use std::collections::HashMap;

use crate::types::Flag;
use crate::uid_set::UidRanges;

/// Flags and keywords told apart in one mailbox. Exchange has 6, Dovecot's users seldom more than 30; a server that makes
/// up one for each message would make cursors without end.
const MAX_FLAGS: usize = u128::BITS as usize;

/// Which messages have which flag.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct FlagSets(Vec<(Flag, UidRanges)>);

/// `\\Recent` is the server's own, different in each session (RFC 3501 §2.3.2), and `\\*` is none: the others are the message's.
pub(crate) fn is_own(flag: &str) -> bool {
    !flag.eq_ignore_ascii_case("\\Recent") && flag != "\\*"
}

impl FlagSets {
    /// Makes `flag` known; `false`: there are too many.
    pub(crate) fn learn(&mut self, flag: &Flag) -> bool {
        if self.place(flag).is_some() {
            return true;
        }
        let room = self.0.len() < MAX_FLAGS;
        if room {
            self.0.push((flag.clone(), UidRanges::default()));
        }
        room
    }

    /// Those known, with the messages that have them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Flag, &UidRanges)> {
        self.0.iter().map(|(flag, uids)| (flag, uids))
    }

    /// Who has `flag`.
    pub(crate) fn of(&self, flag: &str) -> Option<&UidRanges> {
        self.place(flag).and_then(|at| self.0.get(at)).map(|(_, uids)| uids)
    }

    /// Sets who has `flag`.
    pub(crate) fn put(&mut self, flag: &Flag, uids: UidRanges) {
        if self.learn(flag)
            && let Some(at) = self.place(flag)
            && let Some((_, known)) = self.0.get_mut(at)
        {
            *known = uids;
        }
    }

    /// The flags of one message.
    pub(crate) fn of_message(&self, uid: u32) -> Vec<Flag> {
        self.0.iter().filter(|(_, uids)| uids.contains(uid)).map(|(flag, _)| flag.clone()).collect()
    }

    /// Which of `among` have other flags in `other`.
    pub(crate) fn changed(&self, other: &Self, among: &UidRanges) -> UidRanges {
        let nobody = UidRanges::default();
        let here = self.iter().map(|(flag, uids)| uids.difference(other.of(flag).unwrap_or(&nobody)));
        let there = other.iter().filter(|(flag, _)| self.of(flag).is_none()).map(|(_, uids)| uids.clone());
        here.chain(there).fold(UidRanges::default(), |all, uids| all.union(&uids.intersection(among)))
    }

    /// Takes the flags of messages in that had none here.
    pub(crate) fn add(&mut self, other: &Self) {
        for (flag, uids) in other.iter() {
            if self.learn(flag)
                && let Some(at) = self.place(flag)
                && let Some((_, known)) = self.0.get_mut(at)
            {
                *known = known.union(uids);
            }
        }
    }

    /// Takes the flags of `uids` from `other`.
    pub(crate) fn adopt(&mut self, other: &Self, uids: &UidRanges) {
        for (flag, _) in other.iter() {
            self.learn(flag);
        }
        for (flag, known) in &mut self.0 {
            let theirs = other.of(flag).map(|theirs| theirs.intersection(uids)).unwrap_or_default();
            *known = known.minus(uids).union(&theirs);
        }
    }

    /// Forgets messages.
    pub(crate) fn remove(&mut self, uids: &UidRanges) {
        for (_, known) in &mut self.0 {
            *known = known.minus(uids);
        }
    }

    /// Keywords are compared without case (RFC 3501 §2.3.2: they are atoms of no case).
    fn place(&self, flag: &str) -> Option<usize> {
        self.0.iter().position(|(known, _)| known.eq_ignore_ascii_case(flag))
    }
}

/// Flags as they come, message by message, before they become sets.
#[derive(Debug, Default)]
pub(crate) struct Gathering {
    flags: Vec<Flag>,
    /// Where a flag is in `flags`: found at once for every flag of every message.
    places: HashMap<Flag, u32>,
    uids: Vec<u32>,
    /// A bit for each flag.
    masks: Vec<u128>,
}

impl Gathering {
    /// A message's flags; said twice, the later ones count. `false`: some of them cannot be told apart any more.
    pub(crate) fn add(&mut self, uid: u32, flags: &[Flag]) -> bool {
        let (mut mask, mut complete) = (0u128, true);
        for flag in flags.iter().filter(|flag| is_own(flag)) {
            match self.place(flag) {
                Some(place) => mask |= 1 << place,
                None => complete = false,
            }
        }
        self.uids.push(uid);
        self.masks.push(mask);
        complete
    }

    /// How many rows there were.
    pub(crate) fn len(&self) -> usize {
        self.uids.len()
    }

    /// The messages told of, and their flags.
    pub(crate) fn finish(self) -> (UidRanges, FlagSets) {
        let mut rows: Vec<_> = self.uids.into_iter().zip(self.masks).rev().collect();
        // Stable: of several rows about one message the last one comes first.
        rows.sort_by_key(|(uid, _)| *uid);
        rows.dedup_by_key(|(uid, _)| *uid);
        let mut sets = FlagSets::default();
        for (place, flag) in self.flags.iter().enumerate() {
            let having = rows.iter().filter(|(_, mask)| (mask >> place) & 1 == 1).map(|(uid, _)| *uid);
            let having = UidRanges::from_uids(having);
            let having = sets.of(flag).map(|known| known.union(&having)).unwrap_or(having);
            sets.put(flag, having);
        }
        (UidRanges::from_uids(rows.iter().map(|(uid, _)| *uid)), sets)
    }

    fn place(&mut self, flag: &Flag) -> Option<u32> {
        if let Some(place) = self.places.get(flag) {
            return Some(*place);
        }
        let place = u32::try_from(self.flags.len()).ok().filter(|place| *place < u128::BITS)?;
        self.flags.push(flag.clone());
        self.places.insert(flag.clone(), place);
        Some(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uids(text: &str) -> UidRanges {
        UidRanges::parse(text.as_bytes()).unwrap_or_default()
    }

    fn gathered(rows: &[(u32, &[&'static str])]) -> (UidRanges, FlagSets) {
        let mut gathering = Gathering::default();
        for (uid, flags) in rows {
            let flags: Vec<Flag> = flags.iter().map(|flag| Flag::Borrowed(*flag)).collect();
            assert!(gathering.add(*uid, &flags));
        }
        gathering.finish()
    }

    #[test]
    fn what_is_said_last_of_a_message_counts() {
        let (about, sets) = gathered(&[(7, &["\\Seen"]), (3, &["\\Seen", "\\Recent"]), (7, &["$Work", "$work"])]);
        assert_eq!(about, uids("3,7"));
        assert_eq!(sets.of_message(3), ["\\Seen"]);
        assert_eq!(sets.of_message(7), ["$Work"], "keywords are the same in any case");
    }

    #[test]
    fn only_what_differs_is_changed() {
        let (_, mut known) = gathered(&[(1, &["\\Seen"]), (2, &["$Work"]), (3, &[])]);
        let (about, now) = gathered(&[(1, &["\\Seen"]), (2, &[]), (3, &["$New"])]);
        assert_eq!(known.changed(&now, &about), uids("2:3"));
        assert_eq!(known.changed(&now, &uids("1,3")), uids("3"));
        known.adopt(&now, &uids("3"));
        assert_eq!((known.of_message(2), known.of_message(3)), (vec!["$Work".into()], vec!["$New".into()]));
    }

    #[test]
    fn a_keyword_for_every_message_does_not_grow_without_end() {
        let mut gathering = Gathering::default();
        let told = (1..=1000).filter(|uid| gathering.add(*uid, &[Flag::Owned(format!("k{uid}"))])).count();
        let (about, sets) = gathering.finish();
        assert_eq!((told, about.count(), sets.iter().count()), (MAX_FLAGS, 1000, MAX_FLAGS));
    }
}
