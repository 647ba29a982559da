//! Mod-sequence values (RFC 7162 §3.1): 63 bits on the wire, so a string in JSON.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A mod-sequence. JavaScript sees it as a decimal string.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModSeq(pub u64);

impl fmt::Display for ModSeq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for ModSeq {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ModSeq {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse(&text)
            .map(Self)
            .ok_or_else(|| serde::de::Error::custom("a mod-sequence is a string of digits, at most 2^63 - 1"))
    }
}

/// Digits only: `u64::from_str` would take a `+`.
fn parse(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|n| digits && *n <= i64::MAX as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back_beyond_what_a_double_holds() {
        let json = serde_json::to_string(&ModSeq(9_223_372_036_854_775_807)).unwrap();
        assert_eq!(json, "\"9223372036854775807\"");
        assert_eq!(serde_json::from_str::<ModSeq>(&json).unwrap(), ModSeq(i64::MAX as u64));
    }

    #[test]
    fn nothing_but_digits_reaches_the_wire() {
        for bad in ["\"\"", "\"+1\"", "\"1 2\"", "\"1)\\r\\n\"", "\"9223372036854775808\"", "7", "null"] {
            assert!(serde_json::from_str::<ModSeq>(bad).is_err(), "{bad}");
        }
    }
}
