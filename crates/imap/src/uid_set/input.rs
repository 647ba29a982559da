//! The `UidSet` of the public API: a number, a list, a sequence set, or the newest n.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::ranges::{UidRange, UidRanges, number};

/// Longest text taken: a set of 100,000 single UIDs has about 800 kB.
const MAX_TEXT: usize = 4 << 20;

/// What messages a call is about; checked and compact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UidSet(Form);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Form {
    /// Ranges, and what `*` was used for.
    Known(UidRanges, Open),
    Newest(u32),
}

/// `*` is the largest UID of the mailbox, whatever that is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Open {
    No,
    /// `*`: the newest message.
    Largest,
    /// `n:*`: from n on, and in any case the newest message.
    From(u32),
}

/// Why a value is no UID set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidUidSet(String);

impl UidSet {
    /// Every message: `1:*`.
    pub fn all() -> Self {
        Self(Form::Known(UidRanges::default(), Open::From(1)))
    }

    /// A sequence set (RFC 9051 §9).
    pub fn parse(text: &str) -> Result<Self, InvalidUidSet> {
        if text.len() > MAX_TEXT {
            return Err(InvalidUidSet(format!("the UID set is longer than {MAX_TEXT} bytes")));
        }
        let mut ranges = Vec::new();
        let mut open = Open::No;
        for item in text.split(',') {
            match parse_item(item).ok_or_else(|| refused(item))? {
                Item::Range(range) => ranges.push(range),
                Item::Open(more) => open = open.join(more),
            }
        }
        Ok(Self(Form::Known(UidRanges::new(ranges), open).compact()))
    }

    /// Single UIDs, in any order; at least one, none of them 0.
    pub fn from_uids(uids: impl IntoIterator<Item = u32>) -> Result<Self, InvalidUidSet> {
        let ranges: Vec<_> = uids.into_iter().map(|uid| UidRange { first: uid, last: uid }).collect();
        if ranges.is_empty() {
            return Err(InvalidUidSet("the UID list is empty".into()));
        }
        if ranges.iter().any(|range| range.first == 0) {
            return Err(InvalidUidSet("0 is no UID".into()));
        }
        Ok(Self(Form::Known(UidRanges::new(ranges), Open::No)))
    }

    /// The n newest messages, at least one.
    pub fn newest(n: u32) -> Result<Self, InvalidUidSet> {
        if n == 0 {
            return Err(InvalidUidSet("`newest` is at least 1".into()));
        }
        Ok(Self(Form::Newest(n)))
    }

    /// The count of `{ newest: n }`. Such a set has no spelling: it is found through the mailbox's EXISTS.
    pub fn newest_count(&self) -> Option<u32> {
        match self.0 {
            Form::Newest(n) => Some(n),
            Form::Known(..) => None,
        }
    }

    /// The UIDs, if they are all told by the set itself.
    pub fn as_ranges(&self) -> Option<&UidRanges> {
        match &self.0 {
            Form::Known(ranges, Open::No) => Some(ranges),
            _ => None,
        }
    }

    /// Whether it has a `*` by itself: the newest message, whatever its UID is.
    pub(crate) fn has_bare_star(&self) -> bool {
        matches!(self.0, Form::Known(_, Open::Largest))
    }

    /// The same with what `*` means in a mailbox whose largest UID is `largest`; empty when nothing is in it.
    /// `None` for `{ newest: n }`.
    pub fn resolve(&self, largest: u32) -> Option<UidRanges> {
        let Form::Known(ranges, open) = &self.0 else { return None };
        let mut all = ranges.ranges().to_vec();
        let first = match open {
            Open::No => None,
            Open::Largest => Some(largest),
            Open::From(first) => Some((*first).min(largest)),
        };
        all.extend(first.filter(|_| largest > 0).map(|first| UidRange { first, last: largest }));
        Some(UidRanges::new(all))
    }

    /// The set in pieces of at most `max_bytes` each (Exchange refuses lines of some 10 kB), ascending and without
    /// overlap; a piece has at least one item. Empty for `{ newest: n }`.
    pub fn lines(&self, max_bytes: usize) -> Vec<String> {
        let Form::Known(ranges, open) = &self.0 else { return Vec::new() };
        let tail = match open {
            Open::No => None,
            Open::Largest => Some("*".to_owned()),
            Open::From(first) => Some(format!("{first}:*")),
        };
        lines(ranges.ranges().iter().map(ToString::to_string).chain(tail), max_bytes)
    }
}

impl UidRanges {
    /// See [`UidSet::lines`].
    pub fn lines(&self, max_bytes: usize) -> Vec<String> {
        lines(self.ranges().iter().map(ToString::to_string), max_bytes)
    }
}

impl From<UidRanges> for UidSet {
    fn from(ranges: UidRanges) -> Self {
        Self(Form::Known(ranges, Open::No))
    }
}

impl Open {
    /// `n:*` takes `*` in, and the smaller start takes in the larger.
    fn join(self, other: Self) -> Self {
        match (self, other) {
            (Self::From(a), Self::From(b)) => Self::From(a.min(b)),
            (Self::From(a), _) | (_, Self::From(a)) => Self::From(a),
            (Self::Largest, _) | (_, Self::Largest) => Self::Largest,
            (Self::No, Self::No) => Self::No,
        }
    }
}

impl Form {
    /// Takes out of the ranges what `n:*` has anyway.
    fn compact(self) -> Self {
        let Self::Known(ranges, Open::From(mut first)) = self else { return self };
        let mut kept = ranges.ranges().to_vec();
        while let Some(range) = kept.pop_if(|range| range.last >= first.saturating_sub(1)) {
            first = first.min(range.first);
        }
        Self::Known(UidRanges::new(kept), Open::From(first))
    }
}

enum Item {
    Range(UidRange),
    Open(Open),
}

fn parse_item(item: &str) -> Option<Item> {
    let uid = |text: &str| number(text.as_bytes());
    Some(match item.split_once(':') {
        None if item == "*" => Item::Open(Open::Largest),
        None => uid(item).map(|uid| Item::Range(UidRange { first: uid, last: uid }))?,
        Some(("*", "*")) => Item::Open(Open::Largest),
        Some(("*", n) | (n, "*")) => Item::Open(Open::From(uid(n)?)),
        Some((a, b)) => {
            let (a, b) = (uid(a)?, uid(b)?);
            Item::Range(UidRange { first: a.min(b), last: a.max(b) })
        }
    })
}

fn refused(item: &str) -> InvalidUidSet {
    let shown: String = item.chars().take(20).collect();
    InvalidUidSet(format!("{shown:?} is not a UID or a range of UIDs (1 to 4294967295, or *)"))
}

fn lines(items: impl Iterator<Item = String>, max_bytes: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for item in items {
        match lines.last_mut() {
            Some(line) if line.len().saturating_add(1).saturating_add(item.len()) <= max_bytes => {
                line.push(',');
                line.push_str(&item);
            }
            _ => lines.push(item),
        }
    }
    lines
}

impl fmt::Display for UidSet {
    /// For messages and logs; on the wire use [`UidSet::lines`].
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Form::Newest(n) => write!(f, "newest {n}"),
            Form::Known(..) => f.write_str(&self.lines(usize::MAX).join(",")),
        }
    }
}

impl<'de> Deserialize<'de> for UidSet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(UidSetVisitor)
    }
}

struct UidSetVisitor;

impl<'de> Visitor<'de> for UidSetVisitor {
    type Value = UidSet;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a UID, a list of UIDs, a text such as '1:*', or { newest: n }")
    }

    fn visit_u64<E: Error>(self, n: u64) -> Result<UidSet, E> {
        let uid = u32::try_from(n).map_err(|_| E::custom(refused(&n.to_string())))?;
        UidSet::from_uids([uid]).map_err(E::custom)
    }

    fn visit_i64<E: Error>(self, n: i64) -> Result<UidSet, E> {
        Err(E::custom(refused(&n.to_string())))
    }

    fn visit_f64<E: Error>(self, n: f64) -> Result<UidSet, E> {
        Err(E::custom(refused(&n.to_string())))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<UidSet, E> {
        UidSet::parse(text).map_err(E::custom)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<UidSet, A::Error> {
        let mut uids = Vec::new();
        while let Some(uid) = seq.next_element::<u32>()? {
            uids.push(uid);
        }
        UidSet::from_uids(uids).map_err(A::Error::custom)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<UidSet, A::Error> {
        let mut newest = None;
        while let Some(key) = map.next_key::<String>()? {
            if key == "newest" {
                newest = Some(map.next_value::<u32>()?);
            } else {
                map.next_value::<IgnoredAny>()?;
                return Err(A::Error::custom("a UID set's object has only `newest`"));
            }
        }
        let newest = newest.ok_or_else(|| A::Error::missing_field("newest"))?;
        UidSet::newest(newest).map_err(A::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn set(json: &str) -> Result<UidSet, serde_json::Error> {
        serde_json::from_str(json)
    }

    #[test]
    fn every_form_of_the_contract() {
        for (json, shown) in [
            ("7", "7"),
            ("[9,1,2,2]", "1:2,9"),
            ("\"1:*\"", "1:*"),
            ("\"*:1\"", "1:*"),
            ("\"3,5:10\"", "3,5:10"),
            ("\"10:5,7,*\"", "5:10,*"),
            ("\"5,*,6:8,9:*\"", "5:*"),
            ("\"4294967295\"", "4294967295"),
            ("{\"newest\":50}", "newest 50"),
        ] {
            assert_eq!(set(json).unwrap().to_string(), shown, "{json}");
        }
    }

    #[test]
    fn garbage_is_refused_before_any_byte_is_sent() {
        for bad in [
            "0",
            "-1",
            "1.5",
            "4294967296",
            "1e20",
            "true",
            "null",
            "[]",
            "[0]",
            "[1,-2]",
            "[1.5]",
            "[\"1\"]",
            "\"\"",
            "\"0\"",
            "\"1,\"",
            "\",1\"",
            "\"1:\"",
            "\"1 2\"",
            "\"1:2:3\"",
            "\"a\"",
            "\"+1\"",
            "\"1\\r\\nA1 LOGOUT\"",
            "\"4294967296\"",
            "\"0:*\"",
            "\"٣\"",
            "{}",
            "{\"newest\":0}",
            "{\"newest\":-1}",
            "{\"newest\":1,\"x\":2}",
            "{\"oldest\":1}",
        ] {
            assert!(set(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_star_means_the_newest_even_below_its_partner() {
        assert_eq!(UidSet::parse("100:*").unwrap().resolve(50).unwrap().to_string(), "50");
        assert_eq!(UidSet::parse("3,*").unwrap().resolve(9).unwrap().to_string(), "3,9");
        assert_eq!(UidSet::parse("1:*").unwrap().resolve(0).unwrap().to_string(), "");
        assert_eq!(UidSet::newest(5).unwrap().resolve(9), None);
    }

    #[test]
    fn no_line_is_longer_than_the_server_takes() {
        let set = UidSet::from_uids((0..5000).map(|n| n * 3 + 1)).unwrap();
        let lines = set.lines(1000);
        assert!(lines.len() > 20 && lines.iter().all(|line| line.len() <= 1000));
        assert_eq!(UidSet::parse(&lines.join(",")).unwrap(), set);
        assert_eq!(UidSet::parse("1,100:*").unwrap().lines(3), ["1", "100:*"]);
    }

    proptest! {
        #[test]
        fn the_same_uids_in_any_order_are_the_same_set(mut uids in proptest::collection::vec(1u32..500, 1..60)) {
            let set = UidSet::from_uids(uids.clone()).unwrap();
            let back = UidSet::parse(&set.to_string()).unwrap();
            prop_assert_eq!(&back, &set);
            let listed: Vec<u32> = back.as_ranges().unwrap().iter().collect();
            uids.sort_unstable();
            uids.dedup();
            prop_assert_eq!(listed, uids);
        }

        #[test]
        fn any_text_is_a_set_or_an_error(text in "\\PC{0,40}|[0-9:,*]{0,30}") {
            if let Ok(set) = UidSet::parse(&text) {
                prop_assert_eq!(UidSet::parse(&set.to_string()).unwrap(), set);
            }
        }
    }
}
