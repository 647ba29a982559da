//! Message identifiers (RFC 5322 §3.6.4): checked, or made.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{Error, quote};

/// Longest identifier that fits a line of 998.
const MAX: usize = 900;

/// `id` with its angle brackets; refused when it would not be one word of a header.
pub(crate) fn check(id: &str, field: &str) -> Result<String, Error> {
    let trimmed = id.trim_matches(' ');
    let bare = trimmed.strip_prefix('<').and_then(|i| i.strip_suffix('>')).unwrap_or(trimmed);
    let sound = !bare.is_empty()
        && bare.len() <= MAX
        && bare.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'<' | b'>'));
    if !sound {
        return Err(Error::argument(field, format!("{} is not a Message-ID", quote(id))));
    }
    Ok(format!("<{bare}>"))
}

/// A new identifier in `domain`.
pub(crate) fn make(domain: &str) -> String {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let count = COUNTER.fetch_add(1, Ordering::Relaxed);
    // std seeds each RandomState from the system's random numbers: unguessable is not needed, unique is.
    let random = RandomState::new().hash_one((count, email_base::clock::unix_ms()));
    let host = if domain.starts_with('[') || domain.is_empty() { "localhost" } else { domain };
    format!("<{:x}.{random:016x}{count:x}@{host}>", email_base::clock::unix_ms())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_with_and_without_brackets() {
        assert_eq!(check("a@b", "messageId").unwrap(), "<a@b>");
        assert_eq!(check("<a@b>", "messageId").unwrap(), "<a@b>");
        for bad in ["", "<>", "a b", "<a@b", "a\r\nb", "a\0", "<a@b> <c@d>", "ä@b", &"x".repeat(1000)] {
            assert!(check(bad, "messageId").is_err(), "{bad:?}");
        }
    }

    #[test]
    fn new_ones_differ() {
        let ids: std::collections::HashSet<_> = (0..1000).map(|_| make("x.y")).collect();
        assert_eq!(ids.len(), 1000);
    }
}
