//! Looking at a mailbox: it is opened, and what the plan wants to know is asked, in as few round trips as can be.
//!
//! | server | round trips, nothing new | commands |
//! |---|---|---|
//! | QRESYNC | 1 | `ENABLE QRESYNC` (once), `EXAMINE … (QRESYNC (…))`, and on its heels a search for new messages |
//! | CONDSTORE | 1 | `EXAMINE … (CONDSTORE)`, and on its heels that search and `FETCH … (CHANGEDSINCE …)` |
//! | neither | 1 | `EXAMINE …`, and on its heels one `UID SEARCH` per flag and one for new messages |
//!
//! Without CONDSTORE the flags of all messages have to be compared. `UID FETCH 1:* (FLAGS)` says them at 50 octets a
//! message; one UID SEARCH per flag says them at 7 octets a message that has it, and in ranges where there is ESEARCH. By
//! asking for those that have it *not*, where most have it (SEEN), an ordinary mailbox of 100,000 costs some 100 kB
//! instead of 4.9 MB. Keywords are asked for by name: the mailbox's own FLAGS response names them, and the cursor those
//! met before. Small mailboxes, and those with many keywords, are fetched: one command for all.

use std::sync::Arc;

use async_imap::imap_proto::RequestId;
use email_base::Code;

use super::delta::{Answers, Told};
use super::flags::is_own;
use super::hear::{Rows, Tolerance, ask, hear};
use super::plan::{FlagsBy, Plan, Status, UidsBy, adds_up, plan};
use super::question::{Answer, Question, below, comparison};
use super::state::State;
use super::whole::whole;
use crate::command::argument::Mailbox;
use crate::command::line::Line;
use crate::connection::refusal::is_about_syntax;
use crate::connection::{Command, Link, Opening};
use crate::error::{Error, Result};
use crate::grammar::{ResponseCode, Untagged};
use crate::types::Flag;
use crate::uid_set::{UidRange, UidRanges};

/// Changes told by EXAMINE that are taken in. More, and they are asked for in another way, which is bounded by EXISTS.
const MAX_TOLD: usize = 1_000_000;

/// One look.
pub(crate) struct Observe {
    pub(crate) mailbox: Mailbox,
    pub(crate) cursor: Option<Arc<State>>,
    /// Of a first sync, in milliseconds.
    pub(crate) since: Option<i64>,
}

/// What was seen.
#[derive(Debug)]
pub(crate) struct Observed {
    pub(crate) status: Status,
    /// Keywords of the mailbox.
    pub(crate) keywords: Vec<Flag>,
    pub(crate) seen: Seen,
}

/// By plan.
#[derive(Debug)]
pub(crate) enum Seen {
    /// See [`Plan::Whole`].
    Whole {
        reset: bool,
        /// The messages that are wanted.
        found: UidRanges,
        /// UIDs from here on may come later.
        frontier: u32,
    },
    /// See [`Plan::Difference`].
    Difference(Answers),
}

impl Command for Observe {
    type Output = Observed;
    const IDEMPOTENT: bool = true;

    fn mailbox(&self) -> Option<&Mailbox> {
        Some(&self.mailbox)
    }

    fn is_plain(&self) -> bool {
        self.mailbox.is_plain()
    }

    async fn run(&self, link: &mut Link) -> Result<Observed> {
        let mut opened = self.open(link).await?;
        let status = opened.status;
        let seen = match (plan(self.cursor.as_deref(), &status), &self.cursor) {
            (Plan::Difference { flags, uids }, Some(cursor)) => {
                Seen::Difference(self.differences(link, cursor, &mut opened, flags, uids).await?)
            }
            (Plan::Whole { reset }, _) => {
                let (found, frontier) = whole(link, self.since).await?;
                Seen::Whole { reset, found, frontier }
            }
            (Plan::Difference { .. }, None) => return Err(Error::Internal("a difference to nothing")),
        };
        Ok(Observed { status, keywords: opened.keywords, seen })
    }
}

/// What opening the mailbox brought.
struct Opened {
    status: Status,
    keywords: Vec<Flag>,
    vanished: UidRanges,
    rows: Rows,
    /// Answers to questions that were sent at once.
    early: Option<Vec<Answer>>,
}

impl Observe {
    /// Opens the mailbox afresh, even when it is open: that is one round trip like any other way to hear its state.
    async fn open(&self, link: &mut Link) -> Result<Opened> {
        if !link.has("CONDSTORE") && !link.has("QRESYNC") {
            return self.examine(link, None).await;
        }
        let sent = self.enable(link).await?;
        let resync = self.resync(link, !sent.is_empty());
        let parameter = match (&resync, link.view.refuses_parameters) {
            (_, true) => None,
            (Some(resync), _) => Some(resync.as_str()),
            (None, _) => Some("(CONDSTORE)"),
        };
        let opened = self.examine(link, parameter).await;
        for (tag, line) in sent {
            // Answered before EXAMINE; whatever it was, EXAMINE has shown what is possible.
            link.completion(&tag, &line, &mut |_| {}).await?;
        }
        match opened {
            Err(
                Error::Refused { code: Code::CommandRejected, reply, .. }
                | Error::MailboxNotFound { reply: Some(reply), .. },
            ) if parameter.is_some() && is_about_syntax(&reply) => {
                tracing::debug!(target: "imap", "the server takes no parameter of EXAMINE");
                link.view.refuses_parameters = true;
                link.view.qresync = false;
                self.examine(link, None).await
            }
            other => other,
        }
    }

    /// ENABLE QRESYNC, on its way ahead of EXAMINE. It is for a session without an open mailbox (RFC 5161 §3.1).
    async fn enable(&self, link: &mut Link) -> Result<Vec<(RequestId, Line)>> {
        let mut sent = Vec::new();
        let wanted = link.has("QRESYNC") && link.has_or_rev2("ENABLE") && !link.view.refuses_parameters;
        if !wanted || link.view.qresync_asked || (link.access().is_some() && !link.has_or_rev2("UNSELECT")) {
            return Ok(sent);
        }
        let unselect = link.access().is_some().then(|| Line::new("UNSELECT"));
        for line in unselect.into_iter().chain([Line::new("ENABLE").arg("QRESYNC")]) {
            link.view.leave();
            sent.push((link.send(&line).await?, line));
        }
        link.view.qresync_asked = true;
        Ok(sent)
    }

    /// `(QRESYNC (uidvalidity modseq known-uids))` (RFC 7162 §3.2.5).
    fn resync(&self, link: &Link, just_asked: bool) -> Option<String> {
        let cursor = self.cursor.as_ref().filter(|_| link.view.qresync || just_asked)?;
        let known = cursor.known.union(&cursor.pending);
        let (first, last) = (known.first()?, known.last()?);
        Some(format!("(QRESYNC ({} {} {}))", cursor.uid_validity, cursor.mod_seq?, UidRange { first, last }))
    }

    /// EXAMINE, and on its heels what will be asked in any case: new messages, and the flags by the way that the server's
    /// capabilities promise. Should the mailbox turn out otherwise, it is asked again.
    async fn examine(&self, link: &mut Link, parameter: Option<&str>) -> Result<Opened> {
        let opening = link.begin_examine(&self.mailbox, parameter).await?;
        let resync = parameter.is_some_and(|parameter| parameter.contains("QRESYNC"));
        let Some(cursor) = self.cursor.as_ref().filter(|cursor| !cursor.known.is_empty()) else {
            return self.opened(link, opening, resync).await;
        };
        let mut questions = vec![Question::frontier(link, cursor)];
        match cursor.mod_seq.filter(|_| parameter.is_some()) {
            Some(mod_seq) if !resync => questions.push(Question::changed_since(cursor, mod_seq)),
            None if parameter.is_none() => questions.extend(comparison(link, cursor, &[])),
            _ => {}
        }
        let asked = ask(link, questions).await?;
        let mut opened = self.opened(link, opening, resync).await?;
        opened.early = hear(link, asked, opened.status.exists, Tolerance::Early).await?;
        Ok(opened)
    }

    async fn opened(&self, link: &mut Link, opening: Opening, resync: bool) -> Result<Opened> {
        let (mut keywords, mut vanished, mut rows) = (Vec::new(), Vec::new(), Rows::default());
        let mut flood = false;
        let mut uid_validity = None;
        let mut is_counted = false;
        let mut no_mod_seq = false;
        let mut mod_seq = None;
        link.finish_opening(opening, &mut |data| match data {
            // What came before belongs to the mailbox that was open (RFC 7162 §3.2.11).
            Untagged::Condition(condition) => match condition.code {
                Some(code) if code.is("CLOSED") => {
                    vanished = Vec::new();
                    rows = Rows::default();
                }
                Some(code) if code.is("NOMODSEQ") => no_mod_seq = true,
                Some(ResponseCode::UidValidity(n)) => uid_validity = Some(n),
                Some(ResponseCode::HighestModSeq(n)) => mod_seq = Some(n),
                _ => {}
            },
            Untagged::Exists(_) => is_counted = true,
            Untagged::Flags(flags) => keywords = flags,
            Untagged::Vanished { earlier: true, uids } if resync => {
                flood |= vanished.len() > MAX_TOLD;
                vanished.extend(uids.ranges().iter().filter(|_| !flood));
            }
            Untagged::Fetch(row) if resync => {
                flood |= rows.count() > MAX_TOLD as u64;
                if !flood {
                    rows.take(*row);
                }
            }
            _ => {}
        })
        .await?;
        if !is_counted {
            // As an empty mailbox it would empty the caller's store.
            return Err(Error::protocol("it opened a mailbox and did not say how many messages are in it"));
        }
        let exists = link.exists();
        let selected = link.view.selected.as_ref();
        let status = Status {
            uid_validity: uid_validity.filter(|n| *n > 0).ok_or(NO_UIDS)?,
            exists,
            uid_next: selected.and_then(|selected| selected.uid_next),
            mod_seq: mod_seq.filter(|n| *n > 0 && !no_mod_seq),
            // A server that was asked for QRESYNC and has not said that it is on may have passed the parameter over.
            told: resync && link.view.qresync && !flood,
        };
        keywords.retain(|flag| is_own(flag));
        Ok(Opened { status, keywords, vanished: UidRanges::new(vanished), rows, early: None })
    }

    async fn differences(
        &self,
        link: &mut Link,
        cursor: &State,
        opened: &mut Opened,
        flags: FlagsBy,
        uids: UidsBy,
    ) -> Result<Answers> {
        let mut answers = Answers { vanished: std::mem::take(&mut opened.vanished), ..Answers::default() };
        if opened.status.exists == 0 {
            answers.all = Some(UidRanges::default());
            return Ok(answers);
        }
        // What came with EXAMINE, if it is of the kind that is wanted.
        let mut early = opened.early.take().unwrap_or_default();
        let has_frontier = early.iter().any(|answer| matches!(answer, Answer::Frontier(_)));
        let compared = early.iter().any(|answer| matches!(answer, Answer::With(..) | Answer::Without(..)));
        let (since, rows) = early.iter().fold((false, false), |(since, rows), answer| match answer {
            Answer::Rows(_, since_mod_seq) => (since || *since_mod_seq, rows || !since_mod_seq),
            _ => (since, rows),
        });
        let mut questions = Vec::new();
        match uids {
            UidsBy::All => questions.push(Question::all(link)),
            UidsBy::Frontier if !has_frontier => questions.push(Question::frontier(link, cursor)),
            _ => {}
        }
        match flags {
            FlagsBy::ChangedSince(mod_seq) if !since => questions.push(Question::changed_since(cursor, mod_seq)),
            FlagsBy::Comparison if compared => {
                // Keywords that the mailbox has and the cursor has not met.
                let unknown = opened.keywords.iter().filter(|flag| cursor.flags.of(flag).is_none());
                questions.extend(unknown.filter_map(|flag| Question::keyword(link, cursor, flag)));
            }
            FlagsBy::Comparison if !rows => questions.extend(comparison(link, cursor, &opened.keywords)),
            _ => {}
        }
        let wanted = |answer: &Answer| match answer {
            Answer::Rows(_, true) => matches!(flags, FlagsBy::ChangedSince(_)),
            Answer::Rows(..) | Answer::With(..) | Answer::Without(..) => flags == FlagsBy::Comparison,
            _ => true,
        };
        early.retain(wanted);
        let asked = ask(link, questions).await?;
        let read = hear(link, asked, opened.status.exists, Tolerance::None).await?.unwrap_or_default();
        early.extend(read);
        sort_in(cursor, &mut answers, early);
        if flags == FlagsBy::Told {
            answers.flags = Some(std::mem::take(&mut opened.rows).finish());
        }
        let complete = answers.all.is_some() || uids != UidsBy::Frontier;
        if !complete && !adds_up(cursor, &answers.vanished, &answers.new, link.exists()) {
            let asked = ask(link, [Question::all(link)]).await?;
            let read = hear(link, asked, opened.status.exists, Tolerance::None).await?.unwrap_or_default();
            sort_in(cursor, &mut answers, read);
        }
        Ok(answers)
    }
}

/// The answers to all that was asked, put together.
fn sort_in(cursor: &State, answers: &mut Answers, read: Vec<Answer>) {
    let all = read.iter().find_map(|answer| match answer {
        Answer::All(uids) => Some(uids.clone()),
        _ => None,
    });
    let has_flags = read.iter().any(|answer| !matches!(answer, Answer::All(_) | Answer::Frontier(_)));
    let (new, told) = compared(cursor, read);
    answers.new = answers.new.union(&new);
    if let Some(all) = all {
        answers.new = all.minus(&below(cursor.frontier));
        answers.all = Some(all);
    }
    // Nothing is beyond the highest UID there can be: whoever has that message has the frontier on it.
    answers.new = answers.new.minus(&cursor.known).minus(&cursor.pending);
    if has_flags {
        answers.flags = Some(told);
    }
}

const NO_UIDS: Error = Error::CapabilityMissing { extension: "UIDVALIDITY", call: "sync" };

/// New messages, and the flags of known ones.
fn compared(cursor: &State, answers: Vec<Answer>) -> (UidRanges, Told) {
    let mut new = UidRanges::default();
    // What cannot be asked for stays as it is.
    let mut told = Told { about: cursor.known.clone(), sets: cursor.flags.clone(), ..Told::default() };
    for answer in answers {
        match answer {
            Answer::Frontier(uids) => new = uids,
            Answer::With(flag, uids) => told.sets.put(&flag, uids.intersection(&cursor.known)),
            Answer::Without(flag, uids) => told.sets.put(&flag, cursor.known.minus(&uids)),
            Answer::Rows(rows, _) => told = rows.finish(),
            Answer::All(_) | Answer::Newest(_) | Answer::Since(_) => {}
        }
    }
    (new, told)
}
