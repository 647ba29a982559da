//! Questions on their way, many at once, and whose answer is whose.

use async_imap::imap_proto::RequestId;
use email_base::Code;

use super::delta::Told;
use super::flags::Gathering;
use super::question::{Answer, Question};
use crate::command::line::Line;
use crate::connection::Link;
use crate::error::{Error, Result};
use crate::grammar::Untagged;
use crate::uid_set::{UidRange, UidRanges};

/// Rows beyond the messages there are: new mail may come in between. More is a flood.
const SURPLUS_ROWS: u64 = 10_000;
/// UIDs of all answers together; more than any mailbox has. They are not put into ranges before the last one has come.
const MAX_UIDS: u64 = 10_000_000;
/// So many searches that find nothing are borne, while messages are removed.
const MAX_LOOKS: u32 = 16;

/// A question on its way.
pub(super) struct Asked {
    /// `None`: it waits for those before it.
    tag: Option<RequestId>,
    question: Question,
    heard: Heard,
}

/// What has come for it.
#[derive(Default)]
pub(super) struct Heard {
    pub(super) uids: UidRanges,
    /// An ESEARCH row said that it is for this one.
    named: bool,
    /// Rows of a search that do not say for which.
    nameless: u32,
    ranges: Vec<UidRange>,
    single: Vec<u32>,
    /// More came than there was room for.
    flooded: bool,
    pub(super) rows: Rows,
    pub(super) newest: Option<u32>,
}

/// Sends them all; but one at a time to a server that confuses searches.
pub(super) async fn ask(link: &mut Link, questions: impl IntoIterator<Item = Question>) -> Result<Vec<Asked>> {
    let questions: Vec<_> = questions.into_iter().collect();
    let searches = questions.iter().filter(|question| question.is_search()).count();
    let one_by_one = searches > 1 && link.quirks.confuses_searches();
    let mut asked = Vec::new();
    for question in questions {
        let waits = one_by_one && !asked.is_empty();
        let tag = if waits { None } else { Some(link.send(question.line()).await?) };
        asked.push(Asked { tag, question, heard: Heard::default() });
    }
    Ok(asked)
}

/// What is borne of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tolerance {
    None,
    /// Asked before the mailbox was known: BAD where there are no messages (some servers), or no mod-sequences (RFC 7162
    /// §3.1.2.2).
    Early,
}

/// Reads their answers. `None` when some question was BAD and that is borne.
///
/// Servers may work on several at once (Dovecot does, and completes them all at the end): ESEARCH says whose answer it
/// is, rows are for the one that asks for rows, and a bare SEARCH is for the command that is completed next, if the server
/// worked on one after the other. Whether it did can be seen (see [`are_confused`]); if not, the searches are asked one by
/// one, now and from then on.
pub(super) async fn hear(
    link: &mut Link,
    mut asked: Vec<Asked>,
    exists: u32,
    tolerance: Tolerance,
) -> Result<Option<Vec<Answer>>> {
    let most = u64::from(exists).saturating_add(SURPLUS_ROWS);
    let mut complete = true;
    let mut room = MAX_UIDS;
    let one_by_one = asked.iter().any(|asked| asked.tag.is_none());
    let searches = || asked.iter().enumerate().filter(|(_, asked)| asked.question.is_search());
    let only_search = if searches().count() == 1 { searches().next().map(|(at, _)| at) } else { None };
    for at in 0..asked.len() {
        let Some((tag, line)) = asked.get(at).map(|asked| (asked.tag.clone(), asked.question.line().clone())) else {
            break;
        };
        let tag = match tag {
            Some(tag) => tag,
            None if !complete => break,
            None => {
                let tag = link.send(&line).await?;
                if let Some(asked) = asked.get_mut(at) {
                    asked.tag = Some(tag.clone());
                }
                tag
            }
        };
        let answer = link
            .answer(&tag, &line, &mut |data| {
                let whose = match &data {
                    Untagged::Esearch(row) if row.tag.is_some() => {
                        asked.iter().position(|asked| row.tag.as_ref() == asked.tag.as_ref().map(|tag| &tag.0))
                    }
                    Untagged::Search(_) | Untagged::Esearch(_) => only_search.or(Some(at)),
                    Untagged::Fetch(_) => asked
                        .iter()
                        .position(|asked| matches!(asked.question, Question::Rows(..) | Question::Newest(_))),
                    _ => None,
                };
                if let Some(asked) = whose.and_then(|at| asked.get_mut(at)) {
                    asked.heard.take(data, most, &mut room);
                }
            })
            .await;
        match answer {
            Ok(_) => {}
            Err(Error::Refused { code: Code::CommandRejected, reply, .. })
                if tolerance == Tolerance::Early && reply.status == "BAD" =>
            {
                complete = false;
            }
            Err(error) => return Err(error),
        }
    }
    if complete && only_search.is_none() && !one_by_one && are_confused(&asked) {
        link.quirks.note_confused_searches();
        for asked in asked.iter_mut().filter(|asked| asked.question.is_search() && !asked.heard.named) {
            asked.heard = Heard::default();
            link.run(asked.question.line(), &mut |data| asked.heard.take(data, most, &mut room)).await?;
        }
    }
    let mut answers = Vec::new();
    for Asked { question, heard, .. } in asked {
        let mut heard = heard.checked(exists)?;
        if complete && matches!(question, Question::All(_)) && heard.uids.is_empty() && !link.is_empty() {
            heard = found_after_all(link, &question).await?;
        }
        answers.push(question.answer(heard));
    }
    Ok(complete.then_some(answers))
}

/// A server that has messages and finds none: to believe it would empty the caller's store. But others may have removed
/// them all just now, and many servers tell that at the next NOOP only (RFC 9051 §7.5.1); while they go on, once more.
async fn found_after_all(link: &mut Link, question: &Question) -> Result<Heard> {
    for _ in 0..MAX_LOOKS {
        let mut removed = false;
        let noop = Line::new("NOOP");
        link.run(&noop, &mut |data| removed |= matches!(data, Untagged::Expunge(_) | Untagged::Vanished { .. }))
            .await?;
        let exists = link.exists();
        let (most, mut room) = (u64::from(exists).saturating_add(SURPLUS_ROWS), MAX_UIDS);
        let mut heard = Heard::default();
        if exists > 0 {
            link.run(question.line(), &mut |data| heard.take(data, most, &mut room)).await?;
        }
        let heard = heard.checked(exists)?;
        if !heard.uids.is_empty() || link.is_empty() {
            return Ok(heard);
        }
        if !removed {
            break;
        }
    }
    Err(Error::protocol("it has messages and finds none"))
}

/// Whether some row of a search may be another one's.
///
/// Every search is answered by one row before it is completed. So if exactly one came between every two completions, in
/// the order of the questions, each is where it belongs: the first one can only be the first search's, and so on.
fn are_confused(asked: &[Asked]) -> bool {
    let expected = |asked: &Asked| u32::from(asked.question.is_search() && !asked.heard.named);
    asked.iter().any(|asked| asked.heard.nameless != expected(asked))
}

impl Heard {
    /// `room` is for UIDs, of all questions together.
    fn take(&mut self, data: Untagged, most_rows: u64, room: &mut u64) {
        match &data {
            Untagged::Esearch(row) if row.tag.is_some() => self.named = true,
            Untagged::Search(_) | Untagged::Esearch(_) => self.nameless = self.nameless.saturating_add(1),
            _ => {}
        }
        match data {
            Untagged::Search(row) if self.make_room(row.ids.len(), room) => self.single.extend(row.ids),
            Untagged::Esearch(row) => {
                let ranges = row.all.as_ref().map(UidRanges::ranges).unwrap_or_default();
                if self.make_room(ranges.len(), room) {
                    self.ranges.extend(ranges);
                }
            }
            Untagged::Fetch(row) => {
                self.newest = self.newest.max(row.uid);
                if self.rows.count() <= most_rows {
                    self.rows.take(*row);
                }
            }
            _ => {}
        }
    }

    fn make_room(&mut self, more: usize, room: &mut u64) -> bool {
        let left = room.checked_sub(more as u64);
        *room = left.unwrap_or(0);
        self.flooded |= left.is_none();
        left.is_some()
    }

    fn checked(mut self, exists: u32) -> Result<Self> {
        self.rows.check(exists)?;
        self.uids = UidRanges::from_uids(std::mem::take(&mut self.single));
        self.uids = self.uids.union(&UidRanges::new(std::mem::take(&mut self.ranges)));
        if self.flooded || self.uids.count() > MAX_UIDS {
            return Err(Error::LimitExceeded { what: "SEARCH", limit: MAX_UIDS, name: "MAX_UIDS" });
        }
        Ok(self)
    }
}

/// FETCH rows with flags.
#[derive(Debug, Default)]
pub(super) struct Rows {
    flags: Gathering,
    mod_seqs: Vec<(u32, u64)>,
    untracked: Vec<u32>,
}

impl Rows {
    pub(super) fn take(&mut self, row: crate::grammar::FetchRow) {
        let (Some(uid), Some(flags)) = (row.uid, row.flags) else { return };
        if !self.flags.add(uid, &flags) {
            self.untracked.push(uid);
        }
        self.mod_seqs.extend(row.mod_seq.map(|mod_seq| (uid, mod_seq.0)));
    }

    pub(super) fn count(&self) -> u64 {
        self.flags.len() as u64
    }

    pub(super) fn check(&self, exists: u32) -> Result<()> {
        let most = u64::from(exists).saturating_add(SURPLUS_ROWS);
        if self.count() <= most {
            return Ok(());
        }
        Err(Error::LimitExceeded { what: "rows of flags", limit: most, name: "SURPLUS_ROWS" })
    }

    pub(super) fn finish(mut self) -> Told {
        self.mod_seqs.sort_unstable();
        let (about, sets) = self.flags.finish();
        Told { about, sets, mod_seqs: self.mod_seqs, untracked: UidRanges::from_uids(self.untracked) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grammar::SearchRow;

    #[test]
    fn a_flood_in_answer_to_many_questions_is_no_more_than_in_answer_to_one() {
        let row = || Untagged::Search(SearchRow { ids: vec![7; 1_000_000], mod_seq: None });
        let mut heard: Vec<Heard> = (0..20).map(|_| Heard::default()).collect();
        let mut room = MAX_UIDS;
        for one in &mut heard {
            (0..12).for_each(|_| one.take(row(), 1, &mut room));
        }
        assert!(heard.iter().map(|one| one.single.len() as u64).sum::<u64>() <= MAX_UIDS);
        assert!(heard.into_iter().all(|one| one.checked(1).is_err()));
    }
}
