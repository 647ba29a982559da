//! Sorted, disjoint ranges of UIDs. Never expanded: `1:4294967295` is one range.

use std::fmt;

/// Most ranges of one set, 8 MB of them: a line of 16 MB could hold 8 million (`VANISHED 1,3,5,…`).
const MAX_RANGES: usize = 1_000_000;

/// `first..=last`, both at least 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UidRange {
    /// Smallest UID of it.
    pub first: u32,
    /// Largest UID of it.
    pub last: u32,
}

impl UidRange {
    /// How many UIDs it has.
    pub fn count(self) -> u64 {
        u64::from(self.last).saturating_sub(u64::from(self.first)).saturating_add(1)
    }
}

/// A finite set of UIDs: sorted ranges that neither overlap nor touch.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct UidRanges(Vec<UidRange>);

impl UidRanges {
    /// Any ranges, in any order. Zero is no UID and is left out.
    pub fn new(mut ranges: Vec<UidRange>) -> Self {
        ranges.retain_mut(|range| {
            *range = UidRange { first: range.first.min(range.last).max(1), last: range.first.max(range.last) };
            range.last > 0
        });
        ranges.sort_unstable();
        ranges.dedup_by(|next, kept| {
            let joins = next.first <= kept.last.saturating_add(1);
            if joins {
                kept.last = kept.last.max(next.last);
            }
            joins
        });
        Self(ranges)
    }

    /// Ranges that are sorted and disjoint already, and do not touch.
    pub(super) fn from_sorted(ranges: Vec<UidRange>) -> Self {
        Self(ranges)
    }

    /// Single UIDs, in any order.
    pub fn from_uids(uids: impl IntoIterator<Item = u32>) -> Self {
        Self::new(uids.into_iter().map(|uid| UidRange { first: uid, last: uid }).collect())
    }

    /// A sequence set without `*` as a server writes it, in linear time plus sorting. `None` when it is not one, or has
    /// more than a million ranges.
    pub fn parse(text: &[u8]) -> Option<Self> {
        parse_in_order(text).map(Self::new)
    }

    /// The ranges, ascending.
    pub fn ranges(&self) -> &[UidRange] {
        &self.0
    }

    /// How many UIDs it has.
    pub fn count(&self) -> u64 {
        self.0.iter().map(|range| range.count()).sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `uid` is in it.
    pub fn contains(&self, uid: u32) -> bool {
        let at = self.0.partition_point(|range| range.last < uid);
        self.0.get(at).is_some_and(|range| range.first <= uid)
    }

    /// Every UID, ascending. Ask [`Self::count`] first: a server may say `1:4294967295`.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.0.iter().flat_map(|range| range.first..=range.last)
    }
}

/// The ranges of a sequence set in the order written (COPYUID pairs them by it), each with its ends in order.
pub(crate) fn parse_in_order(text: &[u8]) -> Option<Vec<UidRange>> {
    if text.is_empty() {
        return None;
    }
    let items = text.iter().filter(|b| **b == b',').count().checked_add(1)?;
    if items > MAX_RANGES {
        return None;
    }
    let mut ranges = Vec::with_capacity(items);
    for item in text.split(|b| *b == b',') {
        let mut ends = item.splitn(2, |b| *b == b':');
        let first = number(ends.next()?)?;
        let last = ends.next().map_or(Some(first), number)?;
        ranges.push(UidRange { first: first.min(last), last: first.max(last) });
    }
    Some(ranges)
}

/// `nz-number`.
pub(super) fn number(text: &[u8]) -> Option<u32> {
    let digits = !text.is_empty() && text.len() <= 10 && text.iter().all(u8::is_ascii_digit);
    let value = text.iter().fold(0u64, |n, b| n.wrapping_mul(10).wrapping_add(u64::from(b.wrapping_sub(b'0'))));
    u32::try_from(value).ok().filter(|n| digits && *n > 0)
}

impl fmt::Display for UidRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.first == self.last { write!(f, "{}", self.first) } else { write!(f, "{}:{}", self.first, self.last) }
    }
}

impl fmt::Display for UidRanges {
    /// A sequence set; empty for the empty set, which has no spelling.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, range) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(",")?;
            }
            range.fmt(f)?;
        }
        Ok(())
    }
}

impl fmt::Debug for UidRanges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UidRanges({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_of_four_billion_is_never_expanded() {
        let all = UidRanges::parse(b"1:4294967295").unwrap();
        assert_eq!(all.count(), 4_294_967_295);
        assert_eq!(all.ranges().len(), 1);
        assert!(all.contains(1) && all.contains(u32::MAX) && !all.contains(0));
    }

    #[test]
    fn order_overlap_and_direction_do_not_matter() {
        let set = UidRanges::parse(b"9,7:5,1,6:8,2").unwrap();
        assert_eq!(set.to_string(), "1:2,5:9");
        assert_eq!(set.iter().collect::<Vec<_>>(), [1, 2, 5, 6, 7, 8, 9]);
        assert!(!set.contains(3) && set.contains(9) && !set.contains(10));
    }

    #[test]
    fn garbage_is_no_set() {
        for bad in
            [&b""[..], b"0", b"1,", b",1", b"1:", b":1", b"*", b"1:2:3", b"-1", b"4294967296", b"1 2", b"00000000001"]
        {
            assert_eq!(UidRanges::parse(bad), None, "{}", bad.escape_ascii());
        }
    }

    #[test]
    fn more_than_a_million_ranges_are_refused() {
        let many = (0..1_000_001u32).map(|n| (n * 2 + 1).to_string()).collect::<Vec<_>>().join(",");
        assert_eq!(UidRanges::parse(many.as_bytes()), None);
    }
}
