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

use super::delta::{Answers, Told};
use super::flags::{Gathering, is_own};
use super::plan::{FlagsBy, Plan, Status, UidsBy, adds_up, plan};
use super::state::State;
use crate::command::argument::{self, Mailbox};
use crate::command::date;
use crate::command::line::Line;
use crate::connection::{Command, Link, Opening};
use crate::error::{Error, Result};
use crate::grammar::{ResponseCode, Untagged};
use crate::types::Flag;
use crate::uid_set::{UidRange, UidRanges};
use email_base::{Code, Timestamp};

/// The flags of RFC 9051 §2.3.2, with the keys that search for them and for those without.
const SYSTEM: [(&str, &str, &str); 5] = [
    ("\\Seen", "SEEN", "UNSEEN"),
    ("\\Answered", "ANSWERED", "UNANSWERED"),
    ("\\Flagged", "FLAGGED", "UNFLAGGED"),
    ("\\Draft", "DRAFT", "UNDRAFT"),
    ("\\Deleted", "DELETED", "UNDELETED"),
];
/// Up to so many messages all flags are fetched: fewer commands, and no more octets than a few searches.
const FETCHED_ROWS: u64 = 200;
/// Beyond so many keywords one FETCH is cheaper than a SEARCH each.
const SEARCHED_KEYWORDS: usize = 20;
/// Rows beyond the messages there are: new mail may come in between. More is a flood.
const SURPLUS_ROWS: u64 = 10_000;
/// Changes told by EXAMINE that are taken in. More, and they are asked for in another way, which is bounded by EXISTS.
const MAX_TOLD: usize = 1_000_000;
/// UIDs of one answer; more than any mailbox has.
const MAX_UIDS: u64 = 10_000_000;
const MS_PER_DAY: i64 = 24 * 60 * 60 * 1000;

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
            Err(Error::Refused { reply, .. }) if parameter.is_some() && reply.status == "BAD" => {
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
            link.view.selected = None;
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
    if has_flags {
        answers.flags = Some(told);
    }
}

const NO_UIDS: Error = Error::CapabilityMissing { extension: "UIDVALIDITY", call: "sync" };

/// One thing that is asked.
enum Question {
    All(Line),
    Frontier(Line, u32),
    With(Line, Flag),
    Without(Line, Flag),
    /// `true`: only of those changed since a mod-sequence.
    Rows(Line, bool),
    Newest(Line),
    Since(Line),
}

/// What came of it.
enum Answer {
    All(UidRanges),
    Frontier(UidRanges),
    With(Flag, UidRanges),
    Without(Flag, UidRanges),
    Rows(Rows, bool),
    Newest(Option<u32>),
    Since(UidRanges),
}

impl Question {
    fn search(link: &Link) -> Line {
        let line = Line::new("UID SEARCH").slow();
        if link.has_or_rev2("ESEARCH") { line.arg("RETURN (ALL)") } else { line }
    }

    fn all(link: &Link) -> Self {
        Self::All(Self::search(link).arg("ALL"))
    }

    /// New messages. `n:*` brings the newest one in any case, which is then none of them.
    fn frontier(link: &Link, cursor: &State) -> Self {
        Self::Frontier(Self::search(link).arg(format!("UID {}:*", cursor.frontier)), cursor.frontier)
    }

    fn changed_since(cursor: &State, mod_seq: u64) -> Self {
        let changed = format!("(UID FLAGS) (CHANGEDSINCE {mod_seq})");
        Self::Rows(Line::new("UID FETCH").arg(span(cursor)).arg(changed).slow(), true)
    }

    /// Those with a flag, or those without it, whichever are fewer.
    fn flag(link: &Link, cursor: &State, flag: &Flag, with: &str, without: &str) -> Self {
        let line = Self::search(link);
        // Only among those known, where there are many others.
        let line = if cursor.others > 0 { line.arg("UID").arg(span(cursor)) } else { line };
        let many = cursor.flags.of(flag).is_some_and(|uids| uids.count() * 2 > cursor.known.count());
        if many { Self::Without(line.arg(without), flag.clone()) } else { Self::With(line.arg(with), flag.clone()) }
    }

    /// `None` for what cannot be asked for.
    fn keyword(link: &Link, cursor: &State, flag: &Flag) -> Option<Self> {
        let atom = argument::atom("keyword", flag).ok()?;
        Some(Self::flag(link, cursor, flag, &format!("KEYWORD {atom}"), &format!("UNKEYWORD {atom}")))
    }

    fn line(&self) -> &Line {
        match self {
            Self::All(line)
            | Self::Frontier(line, _)
            | Self::With(line, _)
            | Self::Without(line, _)
            | Self::Rows(line, _)
            | Self::Newest(line)
            | Self::Since(line) => line,
        }
    }

    /// What `heard` answers to it.
    fn answer(self, heard: Heard) -> Answer {
        match self {
            Self::All(_) => Answer::All(heard.uids),
            Self::Frontier(_, frontier) => Answer::Frontier(heard.uids.minus(&below(frontier))),
            Self::With(_, flag) => Answer::With(flag, heard.uids),
            Self::Without(_, flag) => Answer::Without(flag, heard.uids),
            Self::Rows(_, since) => Answer::Rows(heard.rows, since),
            Self::Newest(_) => Answer::Newest(heard.newest),
            Self::Since(_) => Answer::Since(heard.uids),
        }
    }
}

/// A question on its way.
struct Asked {
    tag: RequestId,
    question: Question,
    heard: Heard,
}

/// What has come for it.
#[derive(Default)]
struct Heard {
    uids: UidRanges,
    ranges: Vec<UidRange>,
    single: Vec<u32>,
    rows: Rows,
    newest: Option<u32>,
}

/// Sends them all.
async fn ask(link: &mut Link, questions: impl IntoIterator<Item = Question>) -> Result<Vec<Asked>> {
    let mut asked = Vec::new();
    for question in questions {
        let tag = link.send(question.line()).await?;
        asked.push(Asked { tag, question, heard: Heard::default() });
    }
    Ok(asked)
}

/// What is borne of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tolerance {
    None,
    /// Asked before the mailbox was known: BAD where there are no messages (some servers), or no mod-sequences (RFC 7162
    /// §3.1.2.2).
    Early,
}

/// Reads their answers. `None` when some question was BAD and that is borne.
///
/// Servers may work on several at once (Dovecot does): ESEARCH says whose answer it is, rows are for the one that asks for
/// rows, and a bare SEARCH is for the command that is completed next (RFC 3501 §5.5 allows nothing else).
async fn hear(
    link: &mut Link,
    mut asked: Vec<Asked>,
    exists: u32,
    tolerance: Tolerance,
) -> Result<Option<Vec<Answer>>> {
    let most = u64::from(exists).saturating_add(SURPLUS_ROWS);
    let mut complete = true;
    for at in 0..asked.len() {
        let Some((tag, line)) = asked.get(at).map(|asked| (asked.tag.clone(), asked.question.line().clone())) else {
            break;
        };
        let answer = link
            .answer(&tag, &line, &mut |data| {
                let whose = match &data {
                    Untagged::Esearch(row) => match &row.tag {
                        Some(tag) => asked.iter().position(|asked| asked.tag.0 == *tag),
                        None => Some(at),
                    },
                    Untagged::Fetch(_) => asked
                        .iter()
                        .position(|asked| matches!(asked.question, Question::Rows(..) | Question::Newest(_))),
                    _ => Some(at),
                };
                if let Some(asked) = whose.and_then(|at| asked.get_mut(at)) {
                    asked.heard.take(data, most);
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
    let mut answers = Vec::new();
    for Asked { question, heard, .. } in asked {
        answers.push(question.answer(heard.checked(exists)?));
    }
    Ok(complete.then_some(answers))
}

impl Heard {
    fn take(&mut self, data: Untagged, most_rows: u64) {
        match data {
            // Beyond the limit one more is enough to be noticed.
            Untagged::Search(row) if self.single.len() as u64 <= MAX_UIDS => self.single.extend(row.ids),
            Untagged::Esearch(row) if self.ranges.len() as u64 <= MAX_UIDS => {
                self.ranges.extend(row.all.iter().flat_map(|all| all.ranges()));
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

    fn checked(mut self, exists: u32) -> Result<Self> {
        self.rows.check(exists)?;
        let flood = self.single.len().max(self.ranges.len()) as u64 > MAX_UIDS;
        self.uids = UidRanges::from_uids(std::mem::take(&mut self.single));
        self.uids = self.uids.union(&UidRanges::new(std::mem::take(&mut self.ranges)));
        if flood || self.uids.count() > MAX_UIDS {
            return Err(Error::LimitExceeded { what: "SEARCH", limit: MAX_UIDS, name: "MAX_UIDS" });
        }
        Ok(self)
    }
}

/// One FETCH, or a SEARCH per flag.
fn comparison(link: &Link, cursor: &State, keywords: &[Flag]) -> Vec<Question> {
    if is_fetched(cursor, keywords) {
        return vec![Question::Rows(Line::new("UID FETCH").arg(span(cursor)).arg("(UID FLAGS)").slow(), false)];
    }
    let system = SYSTEM
        .iter()
        .map(|(flag, with, without)| Some(Question::flag(link, cursor, &Flag::Borrowed(*flag), with, without)));
    let named = keywords_of(cursor, keywords).map(|flag| Question::keyword(link, cursor, flag));
    system.chain(named).flatten().collect()
}

fn is_fetched(cursor: &State, keywords: &[Flag]) -> bool {
    cursor.known.count() <= FETCHED_ROWS || keywords_of(cursor, keywords).count() > SEARCHED_KEYWORDS
}

/// The keywords of the cursor, and those of the mailbox that are not among them.
fn keywords_of<'a>(cursor: &'a State, keywords: &'a [Flag]) -> impl Iterator<Item = &'a Flag> {
    let more = keywords.iter().filter(|flag| cursor.flags.of(flag).is_none());
    cursor.flags.iter().map(|(flag, _)| flag).chain(more).filter(|flag| !flag.starts_with('\\'))
}

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

/// From the first to the last known message.
fn span(cursor: &State) -> String {
    let ends = cursor.known.first().zip(cursor.known.last());
    ends.map_or_else(|| "1".to_owned(), |(first, last)| UidRange { first, last }.to_string())
}

fn below(frontier: u32) -> UidRanges {
    match frontier.checked_sub(1) {
        None | Some(0) => UidRanges::default(),
        Some(last) => UidRanges::new(vec![UidRange { first: 1, last }]),
    }
}

/// Every message, or those since a moment; and where new ones will begin.
async fn whole(link: &mut Link, since: Option<i64>) -> Result<(UidRanges, u32)> {
    if link.is_empty() {
        return Ok((UidRanges::default(), 1));
    }
    let exists = link.exists();
    let Some(since) = since else {
        let asked = ask(link, [Question::all(link)]).await?;
        let all = match hear(link, asked, exists, Tolerance::None).await?.unwrap_or_default().pop() {
            Some(Answer::All(uids)) => uids,
            _ => UidRanges::default(),
        };
        let frontier = all.last().map_or(1, |last| last.saturating_add(1));
        return Ok((all, frontier));
    };
    // SEARCH knows days, and each message's day is that of its own time zone: from the day before on they are candidates,
    // from two days later on there is no doubt.
    let day = |days: i64| date::date("since", Timestamp(since.saturating_add(days * MS_PER_DAY)));
    let search = |day: String| Question::Since(Question::search(link).arg("SINCE").arg(day));
    let newest = Question::Newest(Line::new("FETCH").arg("*").arg("(UID)"));
    let questions = [newest, search(day(-1)?), search(day(2)?)];
    let asked = ask(link, questions).await?;
    let answers: [Answer; 3] = hear(link, asked, exists, Tolerance::None)
        .await?
        .and_then(|answers| answers.try_into().ok())
        .ok_or(Error::Internal("an answer is missing"))?;
    let [Answer::Newest(newest), Answer::Since(candidates), Answer::Since(certain)] = answers else {
        return Err(Error::Internal("answers out of order"));
    };
    let frontier = newest.or(candidates.last()).map_or(1, |last| last.saturating_add(1));
    let doubtful = candidates.minus(&certain);
    let older = older(link, &doubtful, since).await?;
    Ok((candidates.minus(&older).intersection(&below(frontier)), frontier))
}

/// Those of `uids` whose INTERNALDATE is before `since`.
async fn older(link: &mut Link, uids: &UidRanges, since: i64) -> Result<UidRanges> {
    let mut older = Vec::new();
    for piece in uids.lines(crate::command::MAX_SET_BYTES) {
        let line = Line::new("UID FETCH").arg(piece).arg("(UID INTERNALDATE)");
        link.run(&line, &mut |data| {
            if let Untagged::Fetch(row) = data
                && let (Some(uid), Some(at)) = (row.uid.filter(|uid| uids.contains(*uid)), row.internal_date)
                && at.0 < since
            {
                older.push(uid);
            }
        })
        .await?;
    }
    Ok(UidRanges::from_uids(older))
}

/// FETCH rows with flags.
#[derive(Debug, Default)]
struct Rows {
    flags: Gathering,
    mod_seqs: Vec<(u32, u64)>,
    untracked: Vec<u32>,
}

impl Rows {
    fn take(&mut self, row: crate::grammar::FetchRow) {
        let (Some(uid), Some(flags)) = (row.uid, row.flags) else { return };
        if !self.flags.add(uid, &flags) {
            self.untracked.push(uid);
        }
        self.mod_seqs.extend(row.mod_seq.map(|mod_seq| (uid, mod_seq.0)));
    }

    fn count(&self) -> u64 {
        self.flags.len() as u64
    }

    fn check(&self, exists: u32) -> Result<()> {
        let most = u64::from(exists).saturating_add(SURPLUS_ROWS);
        if self.count() <= most {
            return Ok(());
        }
        Err(Error::LimitExceeded { what: "rows of flags", limit: most, name: "SURPLUS_ROWS" })
    }

    fn finish(mut self) -> Told {
        self.mod_seqs.sort_unstable();
        let (about, sets) = self.flags.finish();
        Told { about, sets, mod_seqs: self.mod_seqs, untracked: UidRanges::from_uids(self.untracked) }
    }
}
