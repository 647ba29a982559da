//! Removes the very secrets of a session or a request from whatever is said to it.
//!
//! [`crate::redact`] knows what tokens look like; a server that echoes a password, a short code or the line that carried
//! them needs more: here the values are known.

use std::cmp::Reverse;
use std::sync::Arc;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::Secret;

/// Shorter values would turn every text into `[redacted]`: `a`, `ok`, `250`.
const MIN_CHARACTERS: usize = 4;

const MARK: &str = "[redacted]";

/// Takes what a server made of our base64, cut anywhere.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Secrets that are known, in every spelling in which they go out. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Scrub(Arc<Known>);

#[derive(Debug, Clone, Default)]
struct Known {
    /// The longest first: one may hold another.
    secrets: Vec<Secret>,
    /// No secrets, but what stands beside them in a SASL message.
    users: Vec<String>,
}

impl Scrub {
    /// Knows `secrets`.
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Self {
        Self::knowing(secrets, Vec::new())
    }

    /// Knows what signs `user` in: a password or an access token. In base64 also the name goes, because a SASL message
    /// that was cut short may hold no more than that and a piece of the secret.
    pub fn of_login(user: &str, proof: &Secret) -> Self {
        let users = if is_long_enough(user) { vec![user.to_owned()] } else { Vec::new() };
        Self::knowing([proof.expose().as_str()], users)
    }

    /// Also those of `other`.
    #[must_use]
    pub fn and(mut self, other: &Self) -> Self {
        let known = Arc::make_mut(&mut self.0);
        known.secrets.extend(other.0.secrets.iter().cloned());
        known.secrets.sort_by_key(|secret| Reverse(secret.expose().len()));
        known.users.extend(other.0.users.iter().cloned());
        self
    }

    /// `text` without them.
    pub fn clean(&self, text: &str) -> String {
        if self.0.secrets.is_empty() && self.0.users.is_empty() {
            return text.to_owned();
        }
        let plain = self.0.secrets.iter().fold(text.to_owned(), |text, secret| {
            let secret = secret.expose().as_str();
            if text.contains(secret) { text.replace(secret, MARK) } else { text }
        });
        self.without_encoded(&plain)
    }

    fn knowing<'a>(secrets: impl IntoIterator<Item = &'a str>, users: Vec<String>) -> Self {
        let mut secrets: Vec<Secret> =
            secrets.into_iter().filter(|secret| is_long_enough(secret)).flat_map(spellings).collect();
        secrets.sort_by_key(|secret| Reverse(secret.expose().len()));
        Self(Arc::new(Known { secrets, users }))
    }

    /// `text` without the words that are base64 of something with a secret in it: SASL messages, of any mechanism.
    fn without_encoded(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while !rest.is_empty() {
            let (word, after) = split_while(rest, is_base64);
            if self.is_within(word) {
                out.push_str(MARK);
                rest = after.trim_start_matches('=');
            } else {
                out.push_str(word);
                rest = after;
            }
            let (between, after) = split_while(rest, |c| !is_base64(c));
            out.push_str(between);
            rest = after;
        }
        out
    }

    /// Four characters are three bytes: a word that something was put in front of is read from each of the first four.
    fn is_within(&self, word: &str) -> bool {
        let word = word.replace('-', "+").replace('_', "/");
        (0..4).filter_map(|at| decoded(word.get(at..)?)).any(|bytes| {
            let holds = |secret: &str| bytes.expose().windows(secret.len()).any(|window| window == secret.as_bytes());
            self.0.secrets.iter().any(|secret| holds(secret.expose())) || self.0.users.iter().any(|user| holds(user))
        })
    }
}

fn is_long_enough(value: &str) -> bool {
    value.chars().nth(MIN_CHARACTERS - 1).is_some()
}

/// As it is, in a form, and in a quoted string (of IMAP or JSON).
fn spellings(secret: &str) -> Vec<Secret> {
    let quoted = Secret::new(secret.replace('\\', "\\\\").replace('"', "\\\""));
    let mut spellings = vec![Secret::from(secret)];
    for other in [form_encoded(secret), quoted] {
        if other.expose() != secret {
            spellings.push(other);
        }
    }
    spellings
}

/// `application/x-www-form-urlencoded`.
fn form_encoded(value: &str) -> Secret {
    let mut out = String::with_capacity(value.len());
    for byte in value.bytes() {
        match byte {
            b'*' | b'-' | b'.' | b'_' => out.push(char::from(byte)),
            b' ' => out.push('+'),
            _ if byte.is_ascii_alphanumeric() => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    Secret::new(out)
}

fn is_base64(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '-' | '_')
}

fn split_while(text: &str, belongs: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at_checked(text.find(|c| !belongs(c)).unwrap_or(text.len())).unwrap_or((text, ""))
}

/// As much of `word` as there is: of the last four characters one alone says nothing.
fn decoded(word: &str) -> Option<Secret<Vec<u8>>> {
    let whole = word.len() - usize::from(word.len() % 4 == 1);
    LENIENT.decode(word.get(..whole)?).ok().map(Secret::new)
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::{STANDARD as BASE64, URL_SAFE_NO_PAD};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_known_secret_is_left(secret in "[ -~]{6,12}", before in ".{0,20}", after in ".{0,20}") {
            let cleaned = Scrub::new([secret.as_str()]).clean(&format!("{before}{secret}{secret}{after}"));
            prop_assert!(!cleaned.contains(&secret) || MARK.contains(&secret), "{cleaned}");
        }

        #[test]
        fn no_secret_is_left_in_base64(secret in "[ -~]{4,12}", before in ".{0,20}", glued in "[a-z]{0,3}", cut in 0usize..4) {
            let scrub = Scrub::new([secret.as_str()]);
            let mut message = BASE64.encode(format!("{before}{secret}1234"));
            message.truncate(message.len() - cut);
            let cleaned = scrub.clean(&format!("535 {glued}{message}: no"));
            prop_assert!(!cleaned.contains(&message), "{cleaned}");
        }
    }

    #[test]
    fn echoed_secrets_go_in_every_spelling() {
        let scrub = Scrub::new(["pa ss/wd", "q\"uo\\te", "x"]);
        assert_eq!(scrub.clean("got pa ss/wd and pa+ss%2Fwd, x"), "got [redacted] and [redacted], x");
        assert_eq!(scrub.clean(r#"LOGIN ada "q\"uo\\te""#), r#"LOGIN ada "[redacted]""#);
    }

    #[test]
    fn echoed_sasl_messages_go_whole_or_cut() {
        let scrub = Scrub::of_login("ada@example.com", &"hunter2".into());
        for message in ["\0ada@example.com\0hunter2", "user=ada@example.com\x01auth=Bearer hunter2\x01\x01", "hunter2"]
        {
            let (line, safe) = (BASE64.encode(message), URL_SAFE_NO_PAD.encode(message));
            assert_eq!(scrub.clean(&format!("535 {line} no")), "535 [redacted] no");
            assert_eq!(scrub.clean(&format!("AUTH:{safe}.")), "AUTH:[redacted].");
        }
        // A name alone is none, but in base64 it is half of what signs in.
        let cut: String = BASE64.encode("\0ada@example.com\0hunter2").chars().take(26).collect();
        assert_eq!(scrub.clean(&format!("ada@example.com: {cut}…")), "ada@example.com: [redacted]…");
    }

    #[test]
    fn a_short_secret_does_not_redact_the_world() {
        for short in ["", "a", "ok", "250", "密码"] {
            let said = "250 2.0.0 ok: queued as 密码a7F YQ== b2s=";
            assert_eq!(Scrub::of_login("a", &short.into()).clean(said), said, "{short:?}");
        }
        assert_eq!(Scrub::new(["pass"]).clean("bad pass"), "bad [redacted]");
    }

    #[test]
    fn secrets_of_two_are_known_to_both() {
        let scrub = Scrub::new(["first-token"]).and(&Scrub::of_login("ada", &"first-token-2".into()));
        assert_eq!(scrub.clean("first-token-2 after first-token"), "[redacted] after [redacted]");
        assert!(!format!("{scrub:?}").contains("first"));
    }
}
