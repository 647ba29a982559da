//! Full-jitter exponential back-off: spreads the retries of many clients after one outage.

use std::time::Duration;

/// Delay before retry n is random in `[0, min(cap, base × 2ⁿ)]`.
#[derive(Debug, Clone)]
pub struct Backoff {
    base: Duration,
    cap: Duration,
    attempt: u32,
    seed: u64,
}

impl Backoff {
    /// `base` bounds the first delay, `cap` every one.
    pub fn new(base: Duration, cap: Duration) -> Self {
        // The address of a stack value and the clock are random enough to keep clients apart; nothing here is secret.
        let here = 0u8;
        let seed = crate::clock::unix_ms().unsigned_abs() ^ (std::ptr::from_ref(&here).addr() as u64).rotate_left(32);
        Self { base, cap, attempt: 0, seed }
    }

    /// The delay before the next try.
    pub fn next_delay(&mut self) -> Duration {
        let ceiling = self.base.saturating_mul(2u32.saturating_pow(self.attempt)).min(self.cap);
        self.attempt = self.attempt.saturating_add(1);
        let span = u64::try_from(ceiling.as_millis()).unwrap_or(u64::MAX).saturating_add(1);
        Duration::from_millis(self.random().checked_rem(span).unwrap_or(0))
    }

    /// Starts again from `base`, after a success.
    pub fn reset(&mut self) {
        self.attempt = 0;
    }

    /// SplitMix64: small, well distributed, no dependency.
    fn random(&mut self) -> u64 {
        self.seed = self.seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.seed;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_waits_longer_than_the_cap_and_grows_until_then() {
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(2));
        let longest = (0..500).map(|_| backoff.next_delay()).max().unwrap();
        assert!(longest <= Duration::from_secs(2));
        assert!(longest > Duration::from_millis(200), "500 draws never left the first step: {longest:?}");
    }
}
