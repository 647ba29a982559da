//! What a grant is worth: the tokens and until when (RFC 6749 §5.1), as plain JSON to store.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use email_base::{Secret, clock};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::iso::IsoTime;
use crate::provider::CONSUMERS_TENANT;

/// Entra's id_tokens have some 2 KB; a longer one is not read for a hint.
const MAX_PAYLOAD: usize = 16 * 1024;

/// The tokens of one grant. Its JSON holds them in clear text: store it encrypted.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TokenSet {
    /// Opaque to everybody but the mail server.
    #[serde(serialize_with = "clear_text")]
    pub access_token: Secret,
    /// Already the rotated one. From `redeem` `None` when the provider sent none; from `refresh` the one that is still
    /// good, sent or held, so that storing the result never loses it.
    #[serde(default, serialize_with = "clear_text_or_null")]
    pub refresh_token: Option<Secret>,
    /// As it came with this answer; `redeem` has checked it, others have not.
    #[serde(default, serialize_with = "clear_text_or_null")]
    pub id_token: Option<Secret>,
    /// Always `Bearer`.
    pub token_type: TokenType,
    /// What the token *response* granted; what was asked where it does not say (RFC 6749 §5.1).
    #[serde(default)]
    pub scopes: Vec<String>,
    /// When the access token ends.
    pub expires_at: IsoTime,
    /// When the answer came.
    pub obtained_at: IsoTime,
}

impl TokenSet {
    /// Whether the access token has not ended yet.
    pub fn is_live(&self) -> bool {
        self.expires_at.unix_ms() > clock::unix_ms()
    }

    /// Whether a person's own Microsoft account signed in, as the id_token says. For advice only: nothing is proven by it.
    pub fn is_of_personal_account(&self) -> bool {
        let tenant = self.id_token.as_ref().and_then(|token| unproven_tenant(token.expose()));
        tenant.is_some_and(|tid| tid.eq_ignore_ascii_case(CONSUMERS_TENANT))
    }

    /// The clear text of every token, to keep them out of messages.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = &str> {
        [Some(&self.access_token), self.refresh_token.as_ref(), self.id_token.as_ref()]
            .into_iter()
            .flatten()
            .map(|secret| secret.expose().as_str())
    }
}

impl fmt::Debug for TokenSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenSet")
            .field("scopes", &self.scopes)
            .field("expires_at", &self.expires_at)
            .field("obtained_at", &self.obtained_at)
            .finish_non_exhaustive()
    }
}

/// RFC 6750; mail servers take no other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum TokenType {
    /// Whoever holds it may use it.
    Bearer,
}

impl<'de> Deserialize<'de> for TokenType {
    /// The value is case-insensitive (RFC 6749 §5.1).
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = String::deserialize(deserializer)?;
        if word.eq_ignore_ascii_case("bearer") {
            Ok(Self::Bearer)
        } else {
            Err(serde::de::Error::custom("expected the token type Bearer"))
        }
    }
}

/// `tid` of a JWT's payload, unchecked.
fn unproven_tenant(id_token: &str) -> Option<String> {
    let payload = id_token.split('.').nth(1).filter(|payload| payload.len() <= MAX_PAYLOAD)?;
    let claims: serde_json::Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()?;
    Some(claims.get("tid")?.as_str()?.to_owned())
}

fn clear_text<S: Serializer>(secret: &Secret, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.expose())
}

fn clear_text_or_null<S: Serializer>(secret: &Option<Secret>, serializer: S) -> Result<S::Ok, S::Error> {
    match secret {
        Some(secret) => serializer.serialize_some(secret.expose()),
        None => serializer.serialize_none(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STORED: &str = r#"{"accessToken":"a","refreshToken":null,"idToken":"i","tokenType":"Bearer","scopes":["s"],"expiresAt":"2026-11-22T16:00:00.000Z","obtainedAt":"2026-11-22T15:00:00.000Z"}"#;

    #[test]
    fn stored_and_read_again() {
        let set: TokenSet = serde_json::from_str(STORED).unwrap();
        assert_eq!(serde_json::to_string(&set).unwrap(), STORED);
    }

    #[test]
    fn wrong_types_are_refused_and_never_shown() {
        for (from, to) in [("\"a\"", "7"), ("[\"s\"]", "\"s\""), ("\"Bearer\"", "\"mac\""), ("2026-11-22T16", "soon")] {
            let error = serde_json::from_str::<TokenSet>(&STORED.replace(from, to)).unwrap_err();
            assert!(!error.to_string().contains("\"i\""), "{error}");
        }
    }

    #[test]
    fn a_personal_account_is_told_by_its_tenant() {
        let of = |payload: &str| {
            let token = format!("e30.{}.s", URL_SAFE_NO_PAD.encode(payload));
            let set: TokenSet = serde_json::from_str(&STORED.replace("\"i\"", &format!("\"{token}\""))).unwrap();
            set.is_of_personal_account()
        };
        assert!(of(r#"{"tid":"9188040d-6c67-4c5b-b112-36a304b66dad"}"#));
        assert!(!of(r#"{"tid":"72f988bf-86f1-41af-91ab-2d7cd011db47"}"#) && !of("{}") && !of("nonsense"));
    }

    #[test]
    fn debug_shows_no_token() {
        let set: TokenSet = serde_json::from_str(&STORED.replace("\"a\"", "\"canary\"")).unwrap();
        assert!(!format!("{set:?}").contains("canary"));
    }
}
