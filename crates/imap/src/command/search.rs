//! SEARCH (RFC 9051 §6.4.4; ESEARCH: RFC 4731; X-GM-RAW: Gmail), always by UID.
//!
//! ```text
//! search = "UID SEARCH" [SP "RETURN (ALL)"] [SP "CHARSET UTF-8"] 1*(SP search-key)
//! ```
//!
//! A query's own UID set may be longer than a line: then it is asked in pieces, and the answers are joined.

use email_base::Timestamp;

use super::MAX_SET_BYTES;
use super::argument::{self, Mailbox};
use super::date;
use super::line::Line;
use crate::connection::{Access, Command, Freshness, Link};
use crate::error::{Error, Result};
use crate::grammar::Untagged;
use crate::types::{HeaderMatch, SearchQuery};
use crate::uid_set::{UidRange, UidRanges, UidSet};

/// `or` and `not` within each other: servers parse them recursively, and so does this.
const MAX_DEPTH: usize = 20;
/// UIDs of one result. More than any mailbox has; `1:4294967295` from a hostile server is never expanded.
const MAX_HITS: u64 = 10_000_000;

/// UIDs, ascending.
pub(crate) struct Search {
    mailbox: Mailbox,
    query: SearchQuery,
    uid_validity: Option<u32>,
}

impl Search {
    /// Checks every value of the query: the query cannot be rendered wrongly later.
    pub(crate) fn new(mailbox: Mailbox, query: SearchQuery, uid_validity: Option<u32>) -> Result<Self> {
        criteria(Line::new("SEARCH"), &query, Uids::Piece { piece: "1", exists: 1 }, 0)?;
        Ok(Self { mailbox, query, uid_validity })
    }
}

impl Command for Search {
    type Output = Vec<u32>;
    const IDEMPOTENT: bool = true;

    fn mailbox(&self) -> Option<&Mailbox> {
        Some(&self.mailbox)
    }

    fn is_plain(&self) -> bool {
        self.mailbox.is_plain() && self.query.texts().all(str::is_ascii)
    }

    async fn run(&self, link: &mut Link) -> Result<Vec<u32>> {
        self.check_capabilities(link)?;
        let by_number = uses(&self.query, &|query| query.uid.as_ref().is_some_and(|set| set.newest_count().is_some()));
        let exists = if by_number {
            // Sequence numbers mean something only together with EXISTS as it is now.
            let exists = link.open_and_refresh(&self.mailbox, Access::Read, self.uid_validity).await?;
            if exists == 0 {
                return Ok(Vec::new());
            }
            exists
        } else {
            link.open(&self.mailbox, Access::Read, self.uid_validity, Freshness::Now).await?;
            link.exists()
        };
        let mut hits = Hits::default();
        for line in self.lines(link, exists)? {
            ask(link, &line, &mut hits).await?;
        }
        let mut hits = hits.ascending();
        if let Some(wanted) = self.query.uid.as_ref().map(Wanted::new) {
            hits.retain(|uid| wanted.has(*uid));
        }
        Ok(hits)
    }
}

impl Search {
    fn check_capabilities(&self, link: &Link) -> Result<()> {
        let missing = |extension, call| Err(Error::CapabilityMissing { extension, call });
        if uses(&self.query, &|query| query.gmail_raw.is_some()) && !link.has("X-GM-EXT-1") {
            return missing("X-GM-EXT-1", "search by gmailRaw");
        }
        if uses(&self.query, &|query| query.mod_seq.is_some()) && !link.has("CONDSTORE") && !link.has("QRESYNC") {
            return missing("CONDSTORE", "search by modSeq");
        }
        Ok(())
    }

    fn looks_into_messages(&self) -> bool {
        self.query.texts().next().is_some() || uses(&self.query, &|query| !query.header.is_empty())
    }

    fn lines(&self, link: &Link, exists: u32) -> Result<Vec<Line>> {
        let start = || {
            let line = Line::new("UID SEARCH");
            let line = if link.has_or_rev2("ESEARCH") { line.arg("RETURN (ALL)") } else { line };
            let ascii = self.query.texts().all(str::is_ascii);
            // RFC 6855 §3: with UTF8=ACCEPT everything is UTF-8, and CHARSET is an error.
            let line = if ascii || link.accepts_utf8 { line } else { line.arg("CHARSET UTF-8") };
            // Flags, dates and sizes are in every server's index.
            if self.looks_into_messages() { line.slow() } else { line }
        };
        let pieces = match &self.query.uid {
            Some(set) if set.newest_count().is_none() => set.lines(MAX_SET_BYTES),
            _ => return Ok(vec![criteria(start(), &self.query, Uids::Inline { exists }, 0)?]),
        };
        pieces.iter().map(|piece| criteria(start(), &self.query, Uids::Piece { piece, exists }, 0)).collect()
    }
}

/// What searches found, ranges as they came: `1:10000000` is a few bytes until all is known to be within the limit.
#[derive(Default)]
struct Hits {
    single: Vec<u32>,
    ranges: Vec<UidRange>,
    /// UIDs of all rows together, those as well that were not kept.
    count: u64,
}

impl Hits {
    fn take(&mut self, row: Untagged, tag: &str) {
        match row {
            Untagged::Search(row) if self.have_room(row.ids.len() as u64) => self.single.extend(row.ids),
            // One with another tag answers another command (RFC 4466 §2.6.2).
            Untagged::Esearch(row) if row.tag.as_ref().is_none_or(|of| of == tag) => {
                if let Some(all) = row.all.filter(|all| self.have_room(all.count())) {
                    self.ranges.extend(all.ranges());
                }
            }
            _ => {}
        }
    }

    /// Counts `more` and says whether they may be kept; beyond the limit nothing is.
    fn have_room(&mut self, more: u64) -> bool {
        self.count = self.count.saturating_add(more);
        if self.are_too_many() {
            (self.single, self.ranges) = (Vec::new(), Vec::new());
        }
        !self.are_too_many()
    }

    fn are_too_many(&self) -> bool {
        self.count > MAX_HITS
    }

    fn ascending(mut self) -> Vec<u32> {
        self.single.extend(UidRanges::new(self.ranges).iter());
        self.single.sort_unstable();
        self.single.dedup();
        self.single
    }
}

/// Runs one UID SEARCH.
async fn ask(link: &mut Link, line: &Line, hits: &mut Hits) -> Result<()> {
    let tag = link.send(line).await?;
    link.answer(&tag, line, &mut |data| hits.take(data, &tag.0)).await?;
    if hits.are_too_many() {
        return Err(Error::LimitExceeded { what: "SEARCH", limit: MAX_HITS, name: "MAX_HITS" });
    }
    Ok(())
}

/// The UIDs of `set` that exist, ascending.
pub(super) async fn existing(link: &mut Link, set: &UidSet) -> Result<Vec<u32>> {
    let mut hits = Hits::default();
    for piece in set.lines(MAX_SET_BYTES) {
        let line = Line::new("UID SEARCH");
        let line = if link.has_or_rev2("ESEARCH") { line.arg("RETURN (ALL)") } else { line };
        ask(link, &line.arg("UID").arg(piece), &mut hits).await?;
    }
    let mut hits = hits.ascending();
    let wanted = Wanted::new(set);
    hits.retain(|uid| wanted.has(*uid));
    Ok(hits)
}

/// The set with the UID that a bare `*` stands for. As long as that is not known, any row could be the newest message's.
pub(super) async fn told(link: &mut Link, set: &UidSet) -> Result<UidSet> {
    if set.has_bare_star() { Ok(UidRanges::from_uids(existing(link, set).await?).into()) } else { Ok(set.clone()) }
}

/// What is meant by a set. `n:*` brings the newest message even when its UID is below n (RFC 9051 §9, `seq-range`); who
/// asks for "from n on" does not want that one. A bare `*` does.
pub(crate) struct Wanted(Option<UidRanges>);

impl Wanted {
    pub(crate) fn new(set: &UidSet) -> Self {
        Self(set.resolve(u32::MAX).filter(|_| !set.has_bare_star()))
    }

    pub(crate) fn has(&self, uid: u32) -> bool {
        self.0.as_ref().is_none_or(|all| all.contains(uid))
    }
}

/// How a query's UID set is written.
#[derive(Clone, Copy)]
enum Uids<'a> {
    /// As it is.
    Inline { exists: u32 },
    /// This piece of it.
    Piece { piece: &'a str, exists: u32 },
}

/// Appends every key of `query`.
fn criteria(mut line: Line, query: &SearchQuery, uids: Uids<'_>, depth: usize) -> Result<Line> {
    if depth > MAX_DEPTH {
        return Err(Error::argument("query", "is nested too deeply"));
    }
    let before = line.len();
    let exists = match uids {
        Uids::Inline { exists } | Uids::Piece { exists, .. } => exists,
    };
    // Sequence numbers and UIDs first: servers use them to narrow the rest.
    line = match (&query.uid, uids) {
        (Some(_), Uids::Piece { piece, .. }) => line.arg("UID").arg(piece),
        (Some(set), Uids::Inline { .. }) => match set.newest_count() {
            // Not `n:*`: what arrives now would be one more.
            Some(newest) => line.arg(format!("{}:{exists}", first_of_newest(newest, exists))),
            None => line.arg("UID").arg(one_line(set)?),
        },
        (None, _) => line,
    };
    for (key, value) in [("SINCE", query.since), ("BEFORE", query.before)] {
        line = day(line, key, "since", value)?;
    }
    for (key, value) in [("SENTSINCE", query.sent_since), ("SENTBEFORE", query.sent_before)] {
        line = day(line, key, "sentSince", value)?;
    }
    for (key, argument, value) in [
        ("FROM", "from", &query.from),
        ("TO", "to", &query.to),
        ("CC", "cc", &query.cc),
        ("BCC", "bcc", &query.bcc),
        ("SUBJECT", "subject", &query.subject),
        ("BODY", "body", &query.body),
        ("TEXT", "text", &query.text),
        ("X-GM-RAW", "gmailRaw", &query.gmail_raw),
    ] {
        if let Some(value) = value {
            line = line.arg(key).string_arg(argument::text(argument, value)?);
        }
    }
    for (name, value) in &query.header {
        let name = argument::header_name("header", name)?;
        let value = match value {
            HeaderMatch::Present => "",
            HeaderMatch::Contains(text) => argument::text("header", text)?,
        };
        line = line.arg("HEADER").string_arg(name).string_arg(value);
    }
    for (value, yes, no) in [
        (query.seen, "SEEN", "UNSEEN"),
        (query.answered, "ANSWERED", "UNANSWERED"),
        (query.flagged, "FLAGGED", "UNFLAGGED"),
        (query.draft, "DRAFT", "UNDRAFT"),
        (query.deleted, "DELETED", "UNDELETED"),
    ] {
        if let Some(value) = value {
            line = line.arg(if value { yes } else { no });
        }
    }
    if let Some(keyword) = &query.keyword {
        line = line.arg("KEYWORD").arg(argument::atom("keyword", keyword)?);
    }
    for (key, argument, value) in
        [("LARGER", "largerThan", query.larger_than), ("SMALLER", "smallerThan", query.smaller_than)]
    {
        if let Some(octets) = value {
            // `number` has 32 bits (RFC 3501 §9); RFC 9051 has 63, but few servers do.
            let octets = u32::try_from(octets).map_err(|_| Error::argument(argument, "is beyond 4294967295"))?;
            line = line.arg(key).arg(octets.to_string());
        }
    }
    if let Some(mod_seq) = query.mod_seq {
        line = line.arg("MODSEQ").arg(mod_seq.0.to_string());
    }
    line = alternatives(line, &query.or, exists, depth)?;
    if let Some(not) = &query.not {
        line = group(line.arg("NOT"), not, exists, depth)?;
    }
    let nothing = line.len() == before;
    Ok(if query.all || nothing { line.arg("ALL") } else { line })
}

/// `a or b or c` is `OR (a) OR (b) (c)`; one alternative alone is itself.
fn alternatives(mut line: Line, alternatives: &[SearchQuery], exists: u32, depth: usize) -> Result<Line> {
    for (index, query) in alternatives.iter().enumerate() {
        if index + 1 < alternatives.len() {
            line = line.arg("OR");
        }
        line = group(line, query, exists, depth)?;
    }
    Ok(line)
}

fn group(line: Line, query: &SearchQuery, exists: u32, depth: usize) -> Result<Line> {
    let inner = criteria(Line::new(""), query, Uids::Inline { exists }, depth + 1)?;
    Ok(line.arg("(").append(inner).text(")"))
}

fn day(line: Line, key: &str, argument: &'static str, value: Option<Timestamp>) -> Result<Line> {
    match value {
        Some(at) => Ok(line.arg(key).arg(date::date(argument, at)?)),
        None => Ok(line),
    }
}

/// Sequence numbers of the newest messages.
pub(super) fn newest_range(newest: u32, exists: u32) -> String {
    format!("{}:*", first_of_newest(newest, exists))
}

fn first_of_newest(newest: u32, exists: u32) -> u32 {
    exists.saturating_sub(newest.saturating_sub(1)).max(1)
}

/// A UID set inside `or` and `not` cannot be asked in pieces. `n:*` would mean the newest message too when n is beyond it,
/// and nobody could sort that one out of the answer.
fn one_line(set: &UidSet) -> Result<String> {
    let mut pieces = set.lines(MAX_SET_BYTES);
    match (pieces.pop(), pieces.is_empty()) {
        (Some(piece), true) => match piece.strip_suffix(":*") {
            Some(from) => Ok(format!("{from}:{}", u32::MAX)),
            None => Ok(piece),
        },
        _ => Err(Error::LimitExceeded {
            what: "a UID set inside `or` or `not`",
            limit: MAX_SET_BYTES as u64,
            name: "MAX_SET_BYTES",
        }),
    }
}

fn uses(query: &SearchQuery, what: &impl Fn(&SearchQuery) -> bool) -> bool {
    what(query)
        || query.or.iter().any(|query| uses(query, what))
        || query.not.as_deref().is_some_and(|query| uses(query, what))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(json: &str) -> String {
        let query: SearchQuery = serde_json::from_str(json).unwrap();
        criteria(Line::new("UID SEARCH"), &query, Uids::Inline { exists: 100 }, 0).unwrap().shown()
    }

    #[test]
    fn known_answers() {
        for (json, expected) in [
            ("{}", "ALL"),
            (r#"{"all":true,"seen":false}"#, "UNSEEN ALL"),
            (r#"{"uid":"1:*","since":1764547200000}"#, "UID 1:4294967295 SINCE 1-Dec-2025"),
            (r#"{"uid":{"newest":10},"flagged":true}"#, "91:100 FLAGGED"),
            (r#"{"from":"ada","subject":"a\"b"}"#, r#"FROM "ada" SUBJECT "a\"b""#),
            (r#"{"subject":"Grüße"}"#, "SUBJECT {7}⏎Grüße"),
            (r#"{"header":{"List-Id":true,"X-A":"b"}}"#, r#"HEADER "List-Id" "" HEADER "X-A" "b""#),
            (r#"{"largerThan":1024,"smallerThan":2048,"keyword":"$Junk"}"#, "KEYWORD $Junk LARGER 1024 SMALLER 2048"),
            (
                r#"{"or":[{"from":"a"},{"to":"b"},{"cc":"c","seen":true}]}"#,
                r#"OR (FROM "a") OR (TO "b") (CC "c" SEEN)"#,
            ),
            (r#"{"or":[{"from":"a"}]}"#, r#"(FROM "a")"#),
            (r#"{"not":{"or":[{"from":"a"},{"from":"b"}]}}"#, r#"NOT (OR (FROM "a") (FROM "b"))"#),
            (r#"{"not":{}}"#, "NOT (ALL)"),
            // `NOT (UID 100:*)` is without the newest message, whatever its UID is.
            (r#"{"not":{"uid":"3,100:*"}}"#, "NOT (UID 3,100:4294967295)"),
            (r#"{"not":{"uid":"*"}}"#, "NOT (UID *)"),
            (r#"{"modSeq":"620162338","gmailRaw":"has:attachment"}"#, r#"X-GM-RAW "has:attachment" MODSEQ 620162338"#),
        ] {
            assert_eq!(shown(json), format!("UID SEARCH {expected}"), "{json}");
        }
    }

    #[test]
    fn many_rows_of_many_uids_are_never_expanded() {
        let row = |all: &[u8]| {
            let all = UidRanges::parse(all);
            Untagged::Esearch(Box::new(crate::grammar::EsearchRow { all, ..Default::default() }))
        };
        let mut hits = Hits::default();
        hits.take(row(b"1:10000000"), "A1");
        assert!(!hits.are_too_many() && hits.ranges.len() == 1);
        for _ in 0..30 {
            hits.take(row(b"1:10000000"), "A1");
            let ids = vec![1; 1000];
            hits.take(Untagged::Search(crate::grammar::SearchRow { ids, mod_seq: None }), "A1");
            assert!(hits.are_too_many() && hits.ranges.capacity() == 0 && hits.single.capacity() == 0);
        }
    }

    #[test]
    fn from_n_on_does_not_mean_the_message_below_n() {
        let wanted = |set: &str| Wanted::new(&UidSet::parse(set).unwrap());
        let from = wanted("100:*");
        assert!(!from.has(50) && from.has(100) && from.has(u32::MAX));
        assert!(wanted("*").has(50));
        let some = wanted("3,5:7");
        assert!(some.has(6) && !some.has(8));
        assert!(Wanted::new(&UidSet::newest(3).unwrap()).has(8));
        assert!(!wanted("4294967295").has(8));
    }

    #[test]
    fn newest_of_few() {
        assert_eq!(newest_range(10, 3), "1:*");
        assert_eq!(newest_range(1, 3), "3:*");
        assert_eq!(newest_range(u32::MAX, u32::MAX), "1:*");
    }
}
