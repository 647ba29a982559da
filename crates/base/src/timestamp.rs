//! A point in time as JavaScript's `Date` counts it.

use std::fmt;

use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// Milliseconds since 1970-01-01T00:00:00Z; a JSON number that the binding turns into a `Date`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// From whole seconds since 1970.
    pub fn from_unix_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1000))
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_i64(Milliseconds)
    }
}

struct Milliseconds;

impl Visitor<'_> for Milliseconds {
    type Value = Timestamp;

    /// What the caller gives, not what it comes as.
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a Date")
    }

    fn visit_i64<E: Error>(self, time: i64) -> Result<Timestamp, E> {
        Ok(Timestamp(time))
    }

    fn visit_u64<E: Error>(self, time: u64) -> Result<Timestamp, E> {
        let out_of_range = |_| E::invalid_value(Unexpected::Unsigned(time), &self);
        i64::try_from(time).map(Timestamp).map_err(out_of_range)
    }
}
