//! Sets as runs of bits: what a cursor is mostly made of.
//!
//! ```text
//! set  = count k-gap k-length *(gap length)       numbers: Exp-Golomb codes, order 0, 5 bits, 5 bits, k-gap, k-length
//! code = n zero bits, then the n + 1 bits of (value >> k) + 1, then the k low bits of value
//! ```
//!
//! Both orders fit the set they are for, so flags strewn at random cost about their entropy (10 % of 100,000 messages:
//! 7 kB), flags in blocks cost nothing, and a run of a million among short ones is no catastrophe.

/// A set has no more runs than this: 48 MB in memory. Each takes at least two bits, so a cursor would have 1 MB.
const MAX_RUNS: u64 = 4_000_000;
/// Values have 32 bits: codes of an order beyond are never shorter.
const MAX_ORDER: u32 = 31;

/// What a writer takes at a time, beside the 7 bits it may hold.
const MAX_BITS: u32 = 56;

/// `length` members from `start` on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) start: u64,
    pub(super) length: u64,
}

impl Run {
    pub(super) fn end(self) -> u64 {
        self.start.saturating_add(self.length)
    }
}

/// Bits, the high ones of a byte first.
#[derive(Debug, Default)]
pub(super) struct Writer {
    bytes: Vec<u8>,
    pending: u64,
    held: u32,
}

impl Writer {
    /// Sorted runs that neither overlap nor touch, each of at least one.
    pub(super) fn set(&mut self, runs: &[Run]) {
        let pairs = || {
            let mut at = 0;
            runs.iter().enumerate().map(move |(index, run)| {
                let gap = run.start.saturating_sub(at).saturating_sub(u64::from(index > 0));
                at = run.end();
                (gap, run.length.saturating_sub(1))
            })
        };
        self.code(0, runs.len() as u64);
        if runs.is_empty() {
            return;
        }
        let (gaps, lengths) = (best_order(pairs().map(|(gap, _)| gap)), best_order(pairs().map(|(_, length)| length)));
        self.bits(u64::from(gaps), 5);
        self.bits(u64::from(lengths), 5);
        for (gap, length) in pairs() {
            self.code(gaps, gap);
            self.code(lengths, length);
        }
    }

    pub(super) fn finish(mut self) -> Vec<u8> {
        let rest = (8 - self.held % 8) % 8;
        self.bits(0, rest);
        self.bytes
    }

    fn code(&mut self, order: u32, value: u64) {
        let value = value.min(u64::from(u32::MAX));
        let high = (value >> order) + 1;
        let zeros = high.ilog2();
        let (low, length) = (value & ((1 << order) - 1), 2 * zeros + 1);
        if length + order <= MAX_BITS {
            // All at once: the zeros are those before the high part. Nearly always.
            self.bits((high << order) | low, length + order);
        } else {
            self.bits(0, zeros);
            self.bits(high, zeros + 1);
            self.bits(low, order);
        }
    }

    /// The `count` low bits of `value`, at most [`MAX_BITS`].
    fn bits(&mut self, value: u64, count: u32) {
        self.pending = (self.pending << count) | value;
        self.held += count;
        while self.held >= 8 {
            self.held -= 8;
            let byte = (self.pending >> self.held) & 0xff;
            self.bytes.push(u8::try_from(byte).unwrap_or_default());
        }
        self.pending &= (1 << self.held) - 1;
    }
}

/// The order that makes the codes of `values` shortest, about.
fn best_order(values: impl Iterator<Item = u64>) -> u32 {
    // How many values have so many bits.
    let mut lengths = [0u64; 34];
    for value in values {
        let bits = (u64::BITS - value.leading_zeros()).min(33) as usize;
        if let Some(count) = lengths.get_mut(bits) {
            *count += 1;
        }
    }
    let cost = |order: u32| -> u64 {
        let bits = |length: usize| {
            let above = (length as u64).saturating_sub(u64::from(order));
            u64::from(order) + 1 + (2 * above).saturating_sub(1)
        };
        lengths.iter().enumerate().map(|(length, count)| bits(length) * count).sum()
    };
    (0..=MAX_ORDER).min_by_key(|order| cost(*order)).unwrap_or_default()
}

/// Reads what [`Writer`] has written; `None` for anything else.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    /// In bits.
    at: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Runs that end at `limit` at the latest.
    pub(super) fn set(&mut self, limit: u64) -> Option<Vec<Run>> {
        let count = self.code(0).filter(|count| *count <= MAX_RUNS)?;
        // Each run has two bits at least: a count that lies is found before memory is taken for it.
        if count > (self.left() / 2) as u64 {
            return None;
        }
        let mut runs = Vec::with_capacity(usize::try_from(count).ok()?);
        if count == 0 {
            return Some(runs);
        }
        let (gaps, lengths) = (self.order()?, self.order()?);
        let mut at = 0u64;
        for index in 0..count {
            let start = at.checked_add(self.code(gaps)?)?.checked_add(u64::from(index > 0))?;
            let run = Run { start, length: self.code(lengths)?.checked_add(1)? };
            at = run.end();
            if at > limit {
                return None;
            }
            runs.push(run);
        }
        Some(runs)
    }

    /// Nothing is left but the padding of the last byte.
    pub(super) fn is_at_end(&mut self) -> bool {
        self.left() < 8 && (0..self.left()).all(|_| self.bit() == Some(0))
    }

    fn left(&self) -> usize {
        (self.bytes.len() * 8).saturating_sub(self.at)
    }

    fn order(&mut self) -> Option<u32> {
        self.bits(5).and_then(|order| u32::try_from(order).ok())
    }

    fn code(&mut self, order: u32) -> Option<u64> {
        let mut zeros = 0;
        while self.bit()? == 0 {
            zeros += 1;
            if zeros > 32 {
                return None;
            }
        }
        let high = (1 << zeros) | self.bits(zeros)?;
        Some(((high - 1) << order) | self.bits(order)?).filter(|value| *value <= u64::from(u32::MAX))
    }

    fn bits(&mut self, count: u32) -> Option<u64> {
        let mut value = 0;
        for _ in 0..count {
            value = (value << 1) | self.bit()?;
        }
        Some(value)
    }

    fn bit(&mut self) -> Option<u64> {
        let byte = self.bytes.get(self.at / 8)?;
        let bit = (byte >> (7 - self.at % 8)) & 1;
        self.at += 1;
        Some(u64::from(bit))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(sets: &[Vec<Run>]) -> Vec<u8> {
        let mut writer = Writer::default();
        for set in sets {
            writer.set(set);
        }
        writer.finish()
    }

    fn runs(gaps: &[(u32, u32)]) -> Vec<Run> {
        let mut at = 0;
        let mut runs = Vec::new();
        for (index, (gap, length)) in gaps.iter().enumerate() {
            let start = at + u64::from(*gap) + u64::from(index > 0);
            runs.push(Run { start, length: u64::from(*length).max(1) });
            at = start + u64::from(*length).max(1);
        }
        runs
    }

    proptest! {
        #[test]
        fn there_and_back(sets in proptest::collection::vec(
            proptest::collection::vec((prop_oneof![0u32..9, any::<u32>()], prop_oneof![1u32..9, any::<u32>()]), 0..40), 0..4)
        ) {
            let sets: Vec<_> = sets.iter().map(|gaps| runs(gaps)).collect();
            let bytes = written(&sets);
            let mut reader = Reader::new(&bytes);
            for set in &sets {
                let read = reader.set(u64::MAX);
                prop_assert_eq!(read.as_ref(), Some(set));
            }
            prop_assert!(reader.is_at_end());
        }

        #[test]
        fn garbage_is_no_panic_and_no_memory(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let mut reader = Reader::new(&bytes);
            while let Some(set) = reader.set(u64::from(u32::MAX)) {
                prop_assert!(set.len() <= bytes.len() * 4);
                if set.is_empty() { break }
            }
        }
    }

    #[test]
    fn blocks_cost_next_to_nothing() {
        assert!(written(&[runs(&[(0, 100_000)])]).len() < 10);
        assert!(written(&[runs(&[(50_000, 50_000)])]).len() < 12);
    }

    #[test]
    fn alternating_bits_cost_little_more_than_themselves() {
        let set: Vec<_> = (0..50_000).map(|n| Run { start: n * 2, length: 1 }).collect();
        assert!(written(&[set]).len() < 100_000 / 8 + 16);
    }
}
