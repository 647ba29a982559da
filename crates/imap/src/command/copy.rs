//! COPY (RFC 9051 §6.4.7), always by UID, with what COPYUID tells (RFC 4315).
//!
//! A set that is longer than a line takes several commands. Each is done or not done; when a later one fails, the earlier
//! ones stay done. To undo them would mean to expunge in a mailbox of others: [`Progress`] tells the caller instead.

use std::sync::{Arc, Mutex, PoisonError};

use super::argument::Mailbox;
use super::line::Line;
use super::resolve;
use crate::connection::{Access, Command, Freshness, Link, named_mailbox};
use crate::error::{Error, Result};
use crate::grammar::{Completion, ResponseCode, Untagged};
use crate::types::{UidMapping, UidPair};
use crate::uid_set::{UidRange, UidRanges, UidSet};

/// Pairs of one mapping. More messages than any mailbox has; `1:4294967295` is never expanded.
const MAX_PAIRS: u64 = 10_000_000;
/// Messages of the mailbox beyond those known: new mail may have come.
const SURPLUS_PAIRS: u64 = 10_000;
/// Each pair may be told in an untagged OK, and once more with the completion.
const TELLINGS: u64 = 2;

/// Copies messages.
pub(crate) struct Copy {
    pub(crate) mailbox: Mailbox,
    pub(crate) uids: UidSet,
    pub(crate) destination: Mailbox,
    pub(crate) uid_validity: Option<u32>,
    pub(crate) progress: Progress,
}

/// How far a call has come with the messages it is about: known also when nobody waits for the call any more.
#[derive(Debug, Clone, Default)]
pub(crate) struct Progress(Arc<Mutex<Option<(&'static str, u32)>>>);

impl Progress {
    /// The error of a call that ended by `cause`: another one when some of the messages in `path` were dealt with before.
    pub(crate) fn explain(&self, path: &str, cause: Error) -> Error {
        match *self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            None => cause,
            Some((done, through)) => Error::PartlyDone { path: path.to_owned(), done, through, cause: Box::new(cause) },
        }
    }

    /// The messages of `piece` were dealt with. Pieces ascend.
    fn note(&self, done: &'static str, piece: &str) {
        let last = UidRanges::parse(piece.as_bytes()).and_then(|uids| uids.last());
        if let Some(last) = last {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((done, last));
        }
    }
}

impl Command for Copy {
    type Output = UidMapping;
    /// Twice would be two copies.
    const IDEMPOTENT: bool = false;

    fn mailbox(&self) -> Option<&Mailbox> {
        Some(&self.mailbox)
    }

    async fn run(&self, link: &mut Link) -> Result<UidMapping> {
        link.open(&self.mailbox, Access::Read, self.uid_validity, Freshness::AsIs).await?;
        let pieces = resolve::exact(link, &self.mailbox, &self.uids).await?;
        copy(link, &pieces, &self.destination, &self.progress).await
    }
}

/// COPY of every piece to `destination`.
pub(super) async fn copy(
    link: &mut Link,
    pieces: &[String],
    destination: &Mailbox,
    progress: &Progress,
) -> Result<UidMapping> {
    transfer(link, "UID COPY", pieces, destination, |piece| progress.note("copied", piece)).await
}

/// MOVE of every piece to `destination`. What was moved is not there any more: the same call goes on with the rest. But the
/// `newest` are others then.
pub(super) async fn r#move(
    link: &mut Link,
    pieces: &[String],
    destination: &Mailbox,
    newest: Option<&Progress>,
) -> Result<UidMapping> {
    let done = |piece: &str| newest.into_iter().for_each(|progress| progress.note("moved", piece));
    transfer(link, "UID MOVE", pieces, destination, done).await
}

async fn transfer(
    link: &mut Link,
    verb: &'static str,
    pieces: &[String],
    destination: &Mailbox,
    note: impl Fn(&str) + Send,
) -> Result<UidMapping> {
    let mut mapping = Mapping { most: most_pairs(pieces, link.exists()), ..Mapping::default() };
    for piece in pieces {
        let line = Line::new(verb).arg(piece).mailbox_arg(&link.wire_name(destination)).slow();
        // MOVE tells in an untagged OK, before the messages vanish (RFC 6851 §4.3).
        let done = link.run(&line, &mut |data| mapping.untagged(&data)).await;
        mapping.completed(&done.map_err(|error| named_mailbox(destination, error))?);
        note(piece);
    }
    Ok(mapping.finish(pieces.is_empty()))
}

/// How many pairs can be told: one for each message asked for that is there.
fn most_pairs(pieces: &[String], exists: u32) -> u64 {
    let asked = |piece: &String| UidRanges::parse(piece.as_bytes()).map_or(u64::MAX, |uids| uids.count());
    let asked = pieces.iter().map(asked).fold(0, u64::saturating_add);
    asked.min(u64::from(exists).saturating_add(SURPLUS_PAIRS)).min(MAX_PAIRS)
}

/// COPYUID codes of several commands, joined.
#[derive(Default)]
struct Mapping {
    uid_validity: Option<u32>,
    pairs: Vec<UidPair>,
    /// As there can be, each told once.
    most: u64,
    /// A code that cannot be: its pairs would be wrong.
    unusable: bool,
}

impl Mapping {
    fn untagged(&mut self, data: &Untagged) {
        if let Untagged::Condition(condition) = data {
            self.code(condition.code.as_ref());
        }
    }

    fn completed(&mut self, done: &Completion) {
        self.code(done.code.as_ref());
    }

    fn code(&mut self, code: Option<&ResponseCode>) {
        let Some(ResponseCode::CopyUid { uid_validity, from, to }) = code else { return };
        let count = |ranges: &[UidRange]| ranges.iter().map(|range| range.count()).fold(0, u64::saturating_add);
        let told = count(from).saturating_add(self.pairs.len() as u64);
        if self.unusable || count(from) != count(to) || told > self.most.saturating_mul(TELLINGS) {
            (self.unusable, self.pairs) = (true, Vec::new());
            return;
        }
        self.uid_validity = Some(*uid_validity);
        let each = |ranges: &[UidRange]| {
            let ranges = ranges.to_vec();
            ranges.into_iter().flat_map(|range| range.first..=range.last)
        };
        self.pairs.extend(each(from).zip(each(to)).map(|(from, to)| UidPair { from, to }));
    }

    fn finish(mut self, nothing: bool) -> UidMapping {
        if self.unusable || (self.uid_validity.is_none() && !nothing) {
            return UidMapping::default();
        }
        self.pairs.sort_unstable_by_key(|pair| pair.from);
        self.pairs.dedup();
        UidMapping { uid_validity: self.uid_validity, uids: Some(self.pairs) }
    }
}

/// Refuses what needs UIDPLUS where it is not to be had.
pub(super) fn require_uid_expunge(link: &Link, call: &'static str) -> Result<()> {
    if link.has_or_rev2("UIDPLUS") { Ok(()) } else { Err(Error::CapabilityMissing { extension: "UIDPLUS", call }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(mapping: &mut Mapping, last: u32) {
        let all = vec![UidRange { first: 1, last }];
        mapping.code(Some(&ResponseCode::CopyUid { uid_validity: 1, from: all.clone(), to: all }));
    }

    #[test]
    fn pairs_of_many_codes_are_no_more_than_messages_asked_for() {
        for (pieces, exists, most) in
            [(["1:300", "400"], 1000, 301), (["1:4294967295", "7"], 3, 10_003), (["1:*", "1:*"], u32::MAX, MAX_PAIRS)]
        {
            assert_eq!(most_pairs(&pieces.map(str::to_owned), exists), most);
        }
        let mut mapping = Mapping { most: 300, ..Mapping::default() };
        told(&mut mapping, 300);
        told(&mut mapping, 300);
        assert_eq!(mapping.pairs.len(), 600, "told twice");
        for _ in 0..15 {
            told(&mut mapping, 10_000_000);
            told(&mut mapping, 1);
            assert_eq!((mapping.pairs.capacity(), mapping.unusable), (0, true));
        }
        assert!(mapping.finish(false).uids.is_none());
    }
}
