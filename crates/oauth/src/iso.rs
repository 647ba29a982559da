//! ISO 8601 dates (RFC 3339 §5.6) as JSON stores them, and the dates of HTTP headers (RFC 9110 §5.6.7).

use std::fmt;

use chrono::{DateTime, SecondsFormat, Utc};
use email_base::clock;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// 9999-12-31T23:59:59.999Z: beyond it ISO 8601 needs a sign and more digits, and nobody means it.
const LATEST_MS: i64 = 253_402_300_799_999;

/// A point in time; `2026-11-22T15:00:00.000Z` in JSON.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IsoTime(i64);

impl IsoTime {
    /// Now, by the addon's clock.
    pub fn now() -> Self {
        Self::from_unix_ms(clock::unix_ms())
    }

    /// From milliseconds since 1970-01-01T00:00:00Z, kept within the years 1970 to 9999.
    pub fn from_unix_ms(ms: i64) -> Self {
        Self(ms.clamp(0, LATEST_MS))
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub fn unix_ms(self) -> i64 {
        self.0
    }

    /// This time and `seconds` more.
    pub fn plus_seconds(self, seconds: i64) -> Self {
        Self::from_unix_ms(self.0.saturating_add(seconds.saturating_mul(1000)))
    }
}

/// Milliseconds since 1970 of an HTTP date: `Sun, 06 Nov 1994 08:49:37 GMT`.
pub(crate) fn http_date_ms(text: &str) -> Option<i64> {
    DateTime::parse_from_rfc2822(text.trim()).ok().map(|at| at.timestamp_millis())
}

impl fmt::Display for IsoTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = DateTime::<Utc>::from_timestamp_millis(self.0).unwrap_or_default();
        f.write_str(&at.to_rfc3339_opts(SecondsFormat::Millis, true))
    }
}

impl fmt::Debug for IsoTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for IsoTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for IsoTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        DateTime::parse_from_rfc3339(&text)
            .map(|at| Self::from_unix_ms(at.timestamp_millis()))
            .map_err(|_| serde::de::Error::custom("expected an ISO 8601 date with time and zone"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        for text in ["1970-01-01T00:00:00.000Z", "2026-11-22T15:04:05.678Z", "9999-12-31T23:59:59.999Z"] {
            let at: IsoTime = serde_json::from_value(text.into()).unwrap();
            assert_eq!(at.to_string(), text);
        }
        let zoned: IsoTime = serde_json::from_value("2026-11-22T16:00:00+01:00".into()).unwrap();
        assert_eq!(zoned.to_string(), "2026-11-22T15:00:00.000Z");
    }

    #[test]
    fn far_futures_stay_writable() {
        assert_eq!(IsoTime::from_unix_ms(i64::MAX).to_string(), "9999-12-31T23:59:59.999Z");
        assert_eq!(IsoTime::from_unix_ms(0).plus_seconds(i64::MAX).to_string(), "9999-12-31T23:59:59.999Z");
    }

    #[test]
    fn not_a_date() {
        for text in ["", "now", "2026-11-22", "1700000000"] {
            assert!(serde_json::from_value::<IsoTime>(text.into()).is_err(), "{text}");
        }
        assert!(serde_json::from_value::<IsoTime>(1_700_000_000.into()).is_err());
    }

    #[test]
    fn http_dates() {
        assert_eq!(http_date_ms("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777_000));
        assert_eq!(http_date_ms("soon"), None);
    }
}
