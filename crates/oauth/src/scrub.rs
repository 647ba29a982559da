//! Removes the very secrets of a request from whatever was answered to it.
//!
//! `base::redact` knows what tokens look like; a server that echoes a short code or client secret in its
//! `error_description` needs more: here the values are known.

use email_base::Secret;

/// Shorter values than this would turn ordinary words into `[redacted]`.
const SHORTEST: usize = 6;

/// The secrets that went out with one request.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scrub(Vec<Secret>);

impl Scrub {
    /// Knows `secrets` and their form-encoded spelling.
    pub(crate) fn new<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Self {
        let mut known = Vec::new();
        for secret in secrets.into_iter().filter(|secret| secret.len() >= SHORTEST) {
            let encoded: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
            if encoded != secret {
                known.push(Secret::new(encoded));
            }
            known.push(Secret::from(secret));
        }
        Self(known)
    }

    /// Also those of `other`.
    pub(crate) fn and(mut self, other: &Scrub) -> Self {
        self.0.extend(other.0.iter().cloned());
        self
    }

    /// `text` without them.
    pub(crate) fn clean(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, secret| {
            if text.contains(secret.expose().as_str()) {
                text.replace(secret.expose().as_str(), "[redacted]")
            } else {
                text
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_known_secret_is_left(secret in "[ -~]{6,12}", before in ".{0,20}", after in ".{0,20}") {
            let cleaned = Scrub::new([secret.as_str()]).clean(&format!("{before}{secret}{secret}{after}"));
            prop_assert!(!cleaned.contains(&secret) || "[redacted]".contains(&secret), "{cleaned}");
        }
    }

    #[test]
    fn echoed_secrets_go_in_either_spelling() {
        let scrub = Scrub::new(["pa ss/wd", "x"]);
        assert_eq!(scrub.clean("got pa ss/wd and pa+ss%2Fwd, x"), "got [redacted] and [redacted], x");
    }
}
