//! What is asked of an open mailbox, and what its answers mean.

use super::hear::{Heard, Rows};
use super::state::State;
use crate::command::argument;
use crate::command::line::Line;
use crate::connection::Link;
use crate::types::Flag;
use crate::uid_set::{UidRange, UidRanges};

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
/// One thing that is asked.
pub(super) enum Question {
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
pub(super) enum Answer {
    All(UidRanges),
    Frontier(UidRanges),
    With(Flag, UidRanges),
    Without(Flag, UidRanges),
    Rows(Rows, bool),
    Newest(Option<u32>),
    Since(UidRanges),
}

impl Question {
    pub(super) fn search(link: &Link) -> Line {
        let line = Line::new("UID SEARCH");
        if link.has_or_rev2("ESEARCH") { line.arg("RETURN (ALL)") } else { line }
    }

    pub(super) fn all(link: &Link) -> Self {
        Self::All(Self::search(link).arg("ALL"))
    }

    /// New messages. `n:*` brings the newest one in any case, which is then none of them.
    pub(super) fn frontier(link: &Link, cursor: &State) -> Self {
        Self::Frontier(Self::search(link).arg(format!("UID {}:*", cursor.frontier)), cursor.frontier)
    }

    pub(super) fn changed_since(cursor: &State, mod_seq: u64) -> Self {
        let changed = format!("(UID FLAGS) (CHANGEDSINCE {mod_seq})");
        Self::Rows(Line::new("UID FETCH").arg(span(cursor)).arg(changed), true)
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
    pub(super) fn keyword(link: &Link, cursor: &State, flag: &Flag) -> Option<Self> {
        let atom = argument::atom("keyword", flag).ok()?;
        Some(Self::flag(link, cursor, flag, &format!("KEYWORD {atom}"), &format!("UNKEYWORD {atom}")))
    }

    pub(super) fn line(&self) -> &Line {
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

    /// Whether SEARCH or ESEARCH rows answer it.
    pub(super) fn is_search(&self) -> bool {
        !matches!(self, Self::Rows(..) | Self::Newest(_))
    }

    /// What `heard` answers to it.
    pub(super) fn answer(self, heard: Heard) -> Answer {
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

/// One FETCH, or a SEARCH per flag.
pub(super) fn comparison(link: &Link, cursor: &State, keywords: &[Flag]) -> Vec<Question> {
    if is_fetched(cursor, keywords) {
        return vec![Question::Rows(Line::new("UID FETCH").arg(span(cursor)).arg("(UID FLAGS)"), false)];
    }
    let system = SYSTEM
        .iter()
        .map(|(flag, with, without)| Some(Question::flag(link, cursor, &Flag::Borrowed(*flag), with, without)));
    let named = keywords_of(cursor, keywords).map(|flag| Question::keyword(link, cursor, flag));
    system.chain(named).flatten().collect()
}

pub(super) fn is_fetched(cursor: &State, keywords: &[Flag]) -> bool {
    cursor.known.count() <= FETCHED_ROWS || keywords_of(cursor, keywords).count() > SEARCHED_KEYWORDS
}

/// The keywords of the cursor, and those of the mailbox that are not among them.
fn keywords_of<'a>(cursor: &'a State, keywords: &'a [Flag]) -> impl Iterator<Item = &'a Flag> {
    let more = keywords.iter().filter(|flag| cursor.flags.of(flag).is_none());
    cursor.flags.iter().map(|(flag, _)| flag).chain(more).filter(|flag| !flag.starts_with('\\'))
}

/// From the first to the last known message.
fn span(cursor: &State) -> String {
    let ends = cursor.known.first().zip(cursor.known.last());
    ends.map_or_else(|| "1".to_owned(), |(first, last)| UidRange { first, last }.to_string())
}

pub(super) fn below(frontier: u32) -> UidRanges {
    match frontier.checked_sub(1) {
        None | Some(0) => UidRanges::default(),
        Some(last) => UidRanges::new(vec![UidRange { first: 1, last }]),
    }
}
