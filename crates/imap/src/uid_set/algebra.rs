//! Sets from sets, in time linear in their ranges: 100,000 messages are compared without naming one.

use super::ranges::{UidRange, UidRanges};

impl UidRanges {
    /// The largest UID.
    pub fn last(&self) -> Option<u32> {
        self.ranges().last().map(|range| range.last)
    }

    /// The smallest UID.
    pub fn first(&self) -> Option<u32> {
        self.ranges().first().map(|range| range.first)
    }

    /// What is in either.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        let (mut left, mut right) = (self.ranges().iter().peekable(), other.ranges().iter().peekable());
        let mut out: Vec<UidRange> = Vec::with_capacity(self.ranges().len() + other.ranges().len());
        loop {
            let next = match (left.peek(), right.peek()) {
                (Some(a), Some(b)) if b.first < a.first => right.next(),
                (None, _) => right.next(),
                _ => left.next(),
            };
            let Some(next) = next else { break };
            match out.last_mut() {
                Some(last) if next.first <= last.last.saturating_add(1) => last.last = last.last.max(next.last),
                _ => out.push(*next),
            }
        }
        Self::from_sorted(out)
    }

    /// What is in both.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let mut out = Vec::new();
        let (mut left, mut right) = (self.ranges().iter().peekable(), other.ranges().iter().peekable());
        while let (Some(a), Some(b)) = (left.peek(), right.peek()) {
            let (first, last) = (a.first.max(b.first), a.last.min(b.last));
            if first <= last {
                out.push(UidRange { first, last });
            }
            if a.last < b.last {
                left.next();
            } else {
                right.next();
            }
        }
        Self::from_sorted(out)
    }

    /// What is in this one and not in `other`.
    #[must_use]
    pub fn minus(&self, other: &Self) -> Self {
        let mut out = Vec::new();
        let mut cuts = other.ranges().iter().peekable();
        for range in self.ranges() {
            let mut first = Some(range.first);
            while cuts.next_if(|cut| cut.last < range.first).is_some() {}
            while let (Some(from), Some(cut)) = (first, cuts.peek().filter(|cut| cut.first <= range.last)) {
                if cut.first > from {
                    out.push(UidRange { first: from, last: cut.first - 1 });
                }
                if cut.last >= range.last {
                    // It may reach into the next range: it is kept.
                    first = None;
                } else {
                    first = Some(cut.last + 1);
                    cuts.next();
                }
            }
            out.extend(first.map(|first| UidRange { first, last: range.last }));
        }
        Self::from_sorted(out)
    }

    /// What is in one of them only.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        if self == other { Self::default() } else { self.minus(other).union(&other.minus(self)) }
    }

    /// The `n` smallest.
    #[must_use]
    pub fn smallest(&self, mut n: u64) -> Self {
        let mut out = Vec::new();
        for range in self.ranges() {
            if n == 0 {
                break;
            }
            let taken = range.count().min(n);
            let last = range.first.saturating_add(u32::try_from(taken - 1).unwrap_or(u32::MAX));
            out.push(UidRange { first: range.first, last });
            n -= taken;
        }
        Self::from_sorted(out)
    }

    /// The `n` largest.
    #[must_use]
    pub fn largest(&self, n: u64) -> Self {
        self.minus(&self.smallest(self.count().saturating_sub(n)))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn any_set() -> impl Strategy<Value = BTreeSet<u32>> {
        prop_oneof![
            proptest::collection::btree_set(1u32..40, 0..30),
            proptest::collection::btree_set(prop_oneof![1u32..5, u32::MAX - 5..=u32::MAX], 0..9),
        ]
    }

    fn ranges(set: &BTreeSet<u32>) -> UidRanges {
        UidRanges::from_uids(set.iter().copied())
    }

    proptest! {
        /// Compared with the sets of the standard library, also in their inner form: sorted, disjoint, not touching.
        #[test]
        fn the_algebra_of_sets(a in any_set(), b in any_set(), n in 0usize..40) {
            let (x, y) = (ranges(&a), ranges(&b));
            prop_assert_eq!(x.union(&y), ranges(&(&a | &b)));
            prop_assert_eq!(x.intersection(&y), ranges(&(&a & &b)));
            prop_assert_eq!(x.minus(&y), ranges(&(&a - &b)));
            prop_assert_eq!(x.difference(&y), ranges(&(&a ^ &b)));
            prop_assert_eq!(x.smallest(n as u64), ranges(&a.iter().copied().take(n).collect()));
            prop_assert_eq!(x.largest(n as u64), ranges(&a.iter().rev().copied().take(n).collect()));
            prop_assert_eq!((x.first(), x.last()), (a.first().copied(), a.last().copied()));
        }
    }

    #[test]
    fn a_range_of_four_billion_is_never_expanded() {
        let all = UidRanges::parse(b"1:4294967295").unwrap();
        let some = UidRanges::parse(b"7:9,4294967295").unwrap();
        assert_eq!(all.intersection(&some), some);
        assert_eq!(all.minus(&some).to_string(), "1:6,10:4294967294");
        assert_eq!(some.minus(&all), UidRanges::default());
        assert_eq!(all.largest(2).to_string(), "4294967294:4294967295");
    }
}
