//! What `search` looks for.

use email_base::Timestamp;
use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::{ModSeq, fetch_query::is_field_name};
use crate::UidSet;
use crate::options::given;

/// Most criteria of one query, nested ones included: they all go into one command.
const MAX_CRITERIA: usize = 200;

/// Deepest nesting of `or` and `not`: servers parse them recursively.
const MAX_DEPTH: usize = 20;

/// Longest search text in bytes: it goes into a command line or a literal that the server holds in memory.
const MAX_TEXT: usize = 1000;

/// The `SearchQuery` of the public API, checked. All criteria have to hold; without any, every message is found.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(try_from = "Unchecked")]
#[non_exhaustive]
pub struct SearchQuery {
    /// Every message; says nothing beside other criteria.
    pub all: bool,
    /// UIDs.
    pub uid: Option<UidSet>,
    /// INTERNALDATE, by day.
    pub since: Option<Timestamp>,
    /// INTERNALDATE, by day.
    pub before: Option<Timestamp>,
    /// `Date` field, by day.
    pub sent_since: Option<Timestamp>,
    /// `Date` field, by day.
    pub sent_before: Option<Timestamp>,
    /// Substring of the `From` field.
    pub from: Option<String>,
    /// Substring of the `To` field.
    pub to: Option<String>,
    /// Substring of the `Cc` field.
    pub cc: Option<String>,
    /// Substring of the `Bcc` field.
    pub bcc: Option<String>,
    /// Substring of the `Subject` field.
    pub subject: Option<String>,
    /// Substring of the body.
    pub body: Option<String>,
    /// Substring of header or body.
    pub text: Option<String>,
    /// Substrings of fields, or that a field is there.
    pub header: Vec<(String, HeaderMatch)>,
    /// `\Seen`.
    pub seen: Option<bool>,
    /// `\Answered`.
    pub answered: Option<bool>,
    /// `\Flagged`.
    pub flagged: Option<bool>,
    /// `\Draft`.
    pub draft: Option<bool>,
    /// `\Deleted`.
    pub deleted: Option<bool>,
    /// An atom.
    pub keyword: Option<String>,
    /// Octets.
    pub larger_than: Option<u64>,
    /// Octets.
    pub smaller_than: Option<u64>,
    /// At least this mod-sequence (RFC 7162 §3.1.5).
    pub mod_seq: Option<ModSeq>,
    /// X-GM-RAW.
    pub gmail_raw: Option<String>,
    /// Any of these.
    pub or: Vec<SearchQuery>,
    /// Not this.
    pub not: Option<Box<SearchQuery>>,
}

/// What a header field must have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeaderMatch {
    /// The field is there.
    Present,
    /// It has this substring.
    Contains(String),
}

impl SearchQuery {
    /// Every text of this query and of those nested in it; `is_ascii` of all decides over CHARSET.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        let mut queries = vec![self];
        let mut index = 0;
        while let Some(query) = queries.get(index) {
            let query = *query;
            queries.extend(query.or.iter().chain(query.not.as_deref()));
            index += 1;
        }
        queries.into_iter().flat_map(own_texts)
    }
}

/// The texts of one query, without those nested in it.
fn own_texts(query: &SearchQuery) -> impl Iterator<Item = &str> {
    let fields = [&query.from, &query.to, &query.cc, &query.bcc, &query.subject, &query.body, &query.text];
    let headers = query.header.iter().filter_map(|(_, value)| match value {
        HeaderMatch::Present => None,
        HeaderMatch::Contains(text) => Some(text.as_str()),
    });
    fields.into_iter().flatten().map(String::as_str).chain(query.gmail_raw.as_deref()).chain(headers)
}

/// The same as it comes over the border. Null is no criterion: without it the query would find more than was asked for.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
struct Unchecked {
    #[serde(deserialize_with = "given")]
    all: Option<bool>,
    #[serde(deserialize_with = "given")]
    uid: Option<UidSet>,
    #[serde(deserialize_with = "given")]
    since: Option<Timestamp>,
    #[serde(deserialize_with = "given")]
    before: Option<Timestamp>,
    #[serde(deserialize_with = "given")]
    sent_since: Option<Timestamp>,
    #[serde(deserialize_with = "given")]
    sent_before: Option<Timestamp>,
    #[serde(deserialize_with = "given")]
    from: Option<String>,
    #[serde(deserialize_with = "given")]
    to: Option<String>,
    #[serde(deserialize_with = "given")]
    cc: Option<String>,
    #[serde(deserialize_with = "given")]
    bcc: Option<String>,
    #[serde(deserialize_with = "given")]
    subject: Option<String>,
    #[serde(deserialize_with = "given")]
    body: Option<String>,
    #[serde(deserialize_with = "given")]
    text: Option<String>,
    #[serde(deserialize_with = "given")]
    header: Option<HeaderMatches>,
    #[serde(deserialize_with = "given")]
    seen: Option<bool>,
    #[serde(deserialize_with = "given")]
    answered: Option<bool>,
    #[serde(deserialize_with = "given")]
    flagged: Option<bool>,
    #[serde(deserialize_with = "given")]
    draft: Option<bool>,
    #[serde(deserialize_with = "given")]
    deleted: Option<bool>,
    #[serde(deserialize_with = "given")]
    keyword: Option<String>,
    #[serde(deserialize_with = "given")]
    larger_than: Option<u64>,
    #[serde(deserialize_with = "given")]
    smaller_than: Option<u64>,
    #[serde(deserialize_with = "given")]
    mod_seq: Option<ModSeq>,
    #[serde(deserialize_with = "given")]
    gmail_raw: Option<String>,
    #[serde(deserialize_with = "given")]
    or: Option<Vec<SearchQuery>>,
    #[serde(deserialize_with = "given")]
    not: Option<Box<SearchQuery>>,
}

impl TryFrom<Unchecked> for SearchQuery {
    type Error = String;

    fn try_from(raw: Unchecked) -> Result<Self, String> {
        let query = Self {
            all: raw.all.unwrap_or_default(),
            uid: raw.uid,
            since: raw.since,
            before: raw.before,
            sent_since: raw.sent_since,
            sent_before: raw.sent_before,
            from: raw.from,
            to: raw.to,
            cc: raw.cc,
            bcc: raw.bcc,
            subject: raw.subject,
            body: raw.body,
            text: raw.text,
            header: raw.header.unwrap_or_default().0,
            seen: raw.seen,
            answered: raw.answered,
            flagged: raw.flagged,
            draft: raw.draft,
            deleted: raw.deleted,
            keyword: raw.keyword,
            larger_than: raw.larger_than,
            smaller_than: raw.smaller_than,
            mod_seq: raw.mod_seq,
            gmail_raw: raw.gmail_raw,
            or: raw.or.clone().unwrap_or_default(),
            not: raw.not,
        };
        if raw.or.is_some_and(|or| or.is_empty()) {
            return Err("`or` has no alternative: nothing could be found".into());
        }
        check(&query)?;
        Ok(query)
    }
}

fn check(query: &SearchQuery) -> Result<(), String> {
    for text in own_texts(query) {
        check_text(text)?;
    }
    for (name, _) in &query.header {
        if !is_field_name(name) {
            return Err("`header` has a key that is not a header field name".into());
        }
    }
    if query.keyword.as_deref().is_some_and(|keyword| !is_keyword(keyword)) {
        return Err("`keyword` is not an IMAP atom".into());
    }
    for date in [query.since, query.before, query.sent_since, query.sent_before].into_iter().flatten() {
        check_date(date)?;
    }
    let (criteria, depth) = extent(query);
    if criteria > MAX_CRITERIA {
        return Err(format!("the query has more than {MAX_CRITERIA} criteria"));
    }
    if depth > MAX_DEPTH {
        return Err(format!("`or` and `not` are nested deeper than {MAX_DEPTH}"));
    }
    Ok(())
}

/// NUL cannot be sent at all (RFC 9051 §4.3: CHAR8), line ends match nothing in an unfolded header.
fn check_text(text: &str) -> Result<(), String> {
    if text.len() > MAX_TEXT {
        return Err(format!("a search text is longer than {MAX_TEXT} bytes"));
    }
    match text.bytes().find(|b| matches!(b, 0 | b'\r' | b'\n')) {
        Some(_) => Err("a search text holds a line end or NUL".into()),
        None => Ok(()),
    }
}

/// RFC 9051 §9: `flag-keyword = … / atom`.
fn is_keyword(keyword: &str) -> bool {
    let special = |b| matches!(b, b'(' | b')' | b'{' | b'%' | b'*' | b'"' | b'\\' | b']');
    (1..=100).contains(&keyword.len()) && keyword.bytes().all(|b| b.is_ascii_graphic() && !special(b))
}

/// RFC 9051 §9: `date-year = 4DIGIT`.
fn check_date(date: Timestamp) -> Result<(), String> {
    const YEAR_0: i64 = -62_167_219_200_000;
    const YEAR_10000: i64 = 253_402_300_800_000;
    if (YEAR_0..YEAR_10000).contains(&date.0) { Ok(()) } else { Err("a date's year does not have four digits".into()) }
}

/// Criteria and depth. Recursive without danger: the inner queries were checked first, so each adds one level at most.
fn extent(query: &SearchQuery) -> (usize, usize) {
    let nested = query.or.iter().chain(query.not.as_deref()).map(extent);
    let (criteria, depth) = nested.fold((0, 0), |(c, d), (criteria, depth)| (c + criteria, d.max(depth)));
    (criteria + 1 + query.header.len(), depth + 1)
}

/// An object, or its pairs (a map keyed by foreign names).
#[derive(Default)]
struct HeaderMatches(Vec<(String, HeaderMatch)>);

impl<'de> Deserialize<'de> for HeaderMatches {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(HeaderMatchesVisitor).map(Self)
    }
}

struct HeaderMatchesVisitor;

impl<'de> Visitor<'de> for HeaderMatchesVisitor {
    type Value = Vec<(String, HeaderMatch)>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("`header`: an object of header field names and texts (or true)")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut pairs = Vec::new();
        while let Some(pair) = map.next_entry()? {
            pairs.push(pair);
        }
        Ok(pairs)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut pairs = Vec::new();
        while let Some(pair) = seq.next_element()? {
            pairs.push(pair);
        }
        Ok(pairs)
    }
}

impl<'de> Deserialize<'de> for HeaderMatch {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "a `header` value is a text or true")]
        enum Form {
            Present(bool),
            Contains(String),
        }
        match Form::deserialize(deserializer)? {
            Form::Present(true) => Ok(Self::Present),
            Form::Present(false) => Err(D::Error::custom("a `header` value is a text or true; for absence use `not`")),
            Form::Contains(text) => Ok(Self::Contains(text)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(json: &str) -> Result<SearchQuery, serde_json::Error> {
        serde_json::from_str(json)
    }

    #[test]
    fn every_form_of_the_contract() {
        let found = query(
            r#"{"uid":"1:*","since":1700000000000,"subject":"Grüße","header":{"List-Id":true,"X-A":"b"},"seen":false,
                "modSeq":"7","or":[{"from":"a"},{"not":{"to":"b"}}]}"#,
        );
        let found = found.unwrap();
        assert_eq!(found.seen, Some(false));
        assert_eq!(found.header.len(), 2);
        assert_eq!(found.texts().collect::<Vec<_>>(), ["Grüße", "b", "a", "b"]);
        assert_eq!(query(r#"{"header":[["X-A",true]]}"#).unwrap().header, [("X-A".into(), HeaderMatch::Present)]);
        assert!(query("{}").is_ok());
    }

    #[test]
    fn a_misspelt_criterion_would_find_everything() {
        assert!(query(r#"{"form":"ada@example.com"}"#).is_err());
        assert!(query(r#"{"or":[]}"#).is_err());
        assert!(query(r#"{"header":{"X-A":false}}"#).is_err());
    }

    #[test]
    fn a_criterion_of_null_would_find_everything() {
        const CRITERIA: &str = "all uid since before sentSince sentBefore from to cc bcc subject body text header seen answered \
            flagged draft deleted keyword largerThan smallerThan modSeq gmailRaw or not";
        for name in CRITERIA.split_ascii_whitespace() {
            for json in [format!(r#"{{"{name}":null}}"#), format!(r#"{{"seen":true,"not":{{"{name}":null}}}}"#)] {
                assert!(query(&json).is_err(), "{json}");
            }
        }
        assert!(query(r#"{"or":[null]}"#).is_err());
        assert!(query(r#"{"header":{"X-A":null}}"#).is_err());
    }

    #[test]
    fn command_injection_by_search_text() {
        for bad in [
            r#"{"subject":"a\r\nA1 LOGOUT"}"#,
            r#"{"text":"a\u0000"}"#,
            r#"{"gmailRaw":"a\n"}"#,
            r#"{"keyword":"a b"}"#,
            r#"{"keyword":"{9+}"}"#,
            r#"{"keyword":""}"#,
            r#"{"header":{"a b":"c"}}"#,
            r#"{"header":{"a":"c\r"}}"#,
            r#"{"not":{"from":"a\n"}}"#,
            r#"{"modSeq":"1 ALL"}"#,
            r#"{"largerThan":-1}"#,
            r#"{"largerThan":1.5}"#,
            r#"{"since":1e18}"#,
        ] {
            assert!(query(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn deep_and_wide_queries_are_refused() {
        let deep = (0..40).fold("{}".to_owned(), |inner, _| format!(r#"{{"not":{inner}}}"#));
        assert!(query(&deep).is_err());
        let wide = format!(r#"{{"or":[{}]}}"#, vec![r#"{"seen":true}"#; 300].join(","));
        assert!(query(&wide).is_err());
    }
}
