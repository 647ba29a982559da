//! The only place that asks the time. Tests pause it (`tokio::time::pause`) or move the wall clock.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub use tokio::time::{Instant, sleep, sleep_until, timeout, timeout_at};

/// Added to the system's wall clock; zero outside tests.
static WALL_OFFSET_MS: AtomicI64 = AtomicI64::new(0);

/// Monotonic time, for deadlines and intervals.
pub fn now() -> Instant {
    Instant::now()
}

/// Wall-clock time in milliseconds since 1970-01-01T00:00:00Z, for expiry times and dates.
#[expect(clippy::disallowed_methods, reason = "the clock itself")]
pub fn unix_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX).saturating_add(WALL_OFFSET_MS.load(Ordering::Relaxed))
}

/// Wall-clock time in whole seconds since 1970, as JWT (RFC 7519 `NumericDate`) counts.
pub fn unix_seconds() -> i64 {
    unix_ms().div_euclid(1000)
}

/// Moves the wall clock, for tests of expiry. Process-wide.
#[doc(hidden)]
pub fn shift_wall_clock(by_ms: i64) {
    WALL_OFFSET_MS.fetch_add(by_ms, Ordering::Relaxed);
}
