//! The token response (RFC 6749 §5.1, OIDC Core §3.1.3.3) as it comes, and what is made of it.
//!
//! Wider than `oauth2`'s own: `id_token` is kept, `expires_in` may be a numeric string (older Microsoft and generic
//! servers), a missing life gets a safe default.

use std::time::Duration;

use email_base::Secret;
use oauth2::{AccessToken, RefreshToken, Scope};
use serde::{Deserialize, Serialize};

use crate::iso::IsoTime;
use crate::tokens::{TokenSet, TokenType};

/// A life that the answer does not tell: short enough to be renewed soon, long enough not to storm.
const DEFAULT_LIFE_SECONDS: i64 = 600;
/// A life of nothing would mean a request per call; the server's refusal of the token tells soon enough.
const SHORTEST_LIFE_SECONDS: i64 = 1;
/// No token is trusted to live longer, whatever the answer claims.
const LONGEST_LIFE_SECONDS: i64 = 366 * 24 * 3600;
/// Entra's tokens are 2 to 4 KB; one of more than this would flood the mail server's login line.
const MAX_TOKEN_BYTES: usize = 32 * 1024;

/// The response, checked for types by serde.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Granted {
    access_token: AccessToken,
    token_type: TokenType,
    #[serde(default)]
    expires_in: Option<Seconds>,
    #[serde(default)]
    refresh_token: Option<RefreshToken>,
    #[serde(default, skip_serializing)]
    id_token: Option<Secret>,
    #[serde(default, rename = "scope", deserialize_with = "space_delimited")]
    scopes: Option<Vec<Scope>>,
}

impl Granted {
    /// The set to hand out, or what is wrong with the response. `asked` are the scopes of the request.
    pub(crate) fn into_set(self, asked: &[String], obtained_at: IsoTime) -> Result<TokenSet, &'static str> {
        let usable = |token: &str| {
            !token.is_empty() && token.len() <= MAX_TOKEN_BYTES && token.bytes().all(|b| (0x20..0x7F).contains(&b))
        };
        if !usable(self.access_token.secret()) {
            return Err("its access_token is empty, too long, or holds characters that no token has (RFC 6749 A.12)");
        }
        let refresh_token = self.refresh_token.filter(|token| !token.secret().is_empty());
        if refresh_token.as_ref().is_some_and(|token| !usable(token.secret())) {
            return Err("its refresh_token is too long, or holds characters that no token has (RFC 6749 A.17)");
        }
        let life = self.expires_in.map_or(DEFAULT_LIFE_SECONDS, |Seconds(life)| life);
        let scopes = match self.scopes {
            Some(scopes) if !scopes.is_empty() => scopes.iter().map(|scope| scope.to_string()).collect(),
            _ => asked.to_vec(),
        };
        Ok(TokenSet {
            access_token: Secret::new(self.access_token.into_secret()),
            refresh_token: refresh_token.map(|token| Secret::new(token.into_secret())),
            id_token: self.id_token,
            token_type: self.token_type,
            scopes,
            expires_at: obtained_at.plus_seconds(life.clamp(SHORTEST_LIFE_SECONDS, LONGEST_LIFE_SECONDS)),
            obtained_at,
        })
    }
}

impl oauth2::TokenType for TokenType {}

impl oauth2::TokenResponse for Granted {
    type TokenType = TokenType;

    fn access_token(&self) -> &AccessToken {
        &self.access_token
    }
    fn token_type(&self) -> &TokenType {
        &self.token_type
    }
    fn expires_in(&self) -> Option<Duration> {
        self.expires_in.as_ref().and_then(|Seconds(life)| u64::try_from(*life).ok()).map(Duration::from_secs)
    }
    fn refresh_token(&self) -> Option<&RefreshToken> {
        self.refresh_token.as_ref()
    }
    fn scopes(&self) -> Option<&Vec<Scope>> {
        self.scopes.as_ref()
    }
}

/// A number, or a string of one.
#[derive(Debug, Serialize)]
struct Seconds(i64);

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Spelt {
            Whole(i64),
            Other(f64),
            Text(String),
        }
        match Spelt::deserialize(deserializer) {
            Ok(Spelt::Whole(seconds)) => Ok(Self(seconds)),
            // A fraction, or beyond i64: saturates, and NaN is not JSON.
            #[expect(clippy::cast_possible_truncation, reason = "a life is clamped to a year anyway")]
            Ok(Spelt::Other(seconds)) => Ok(Self(seconds as i64)),
            Ok(Spelt::Text(text)) => text.trim().parse().map(Self).map_err(|_| expected_seconds()),
            Err(_) => Err(expected_seconds()),
        }
    }
}

fn expected_seconds<E: serde::de::Error>() -> E {
    E::custom("expected a number of seconds")
}

fn space_delimited<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<Scope>>, D::Error> {
    let text: Option<String> = Option::deserialize(deserializer)?;
    Ok(text.map(|text| text.split_ascii_whitespace().map(|scope| Scope::new(scope.to_owned())).collect()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn set(mut answer: serde_json::Value) -> Result<TokenSet, String> {
        let base = json!({"access_token": "at", "token_type": "Bearer"});
        for (name, value) in base.as_object().unwrap() {
            answer.as_object_mut().unwrap().entry(name).or_insert(value.clone());
        }
        let granted: Granted = serde_json::from_value(answer).map_err(|error| error.to_string())?;
        granted.into_set(&["asked".to_owned()], IsoTime::from_unix_ms(0)).map_err(str::to_owned)
    }

    #[test]
    fn lives_are_bounded_and_defaulted() {
        let cases = [
            (json!({}), 600),
            (json!({"expires_in": null}), 600),
            (json!({"expires_in": 3599}), 3599),
            (json!({"expires_in": "3599"}), 3599),
            (json!({"expires_in": 3599.9}), 3599),
            (json!({"expires_in": 0}), 1),
            (json!({"expires_in": -5}), 1),
            (json!({"expires_in": u64::MAX}), LONGEST_LIFE_SECONDS),
            (json!({"expires_in": 1e300}), LONGEST_LIFE_SECONDS),
        ];
        for (answer, seconds) in cases {
            assert_eq!(set(answer.clone()).unwrap().expires_at.unix_ms(), seconds * 1000, "{answer}");
        }
    }

    #[test]
    fn wrong_types_are_refused() {
        for answer in [
            json!({"access_token": 7}),
            json!({"access_token": null}),
            json!({"access_token": ""}),
            json!({"access_token": "a\r\nb"}),
            json!({"access_token": "a\u{1}b"}),
            json!({"access_token": "é"}),
            json!({"access_token": "a".repeat(MAX_TOKEN_BYTES + 1)}),
            json!({"refresh_token": "r\0"}),
            json!({"refresh_token": {"value": "r"}}),
            json!({"token_type": "mac"}),
            json!({"token_type": 1}),
            json!({"expires_in": "soon"}),
            json!({"expires_in": [3600]}),
            json!({"expires_in": true}),
            json!({"scope": ["a", "b"]}),
            json!({"id_token": 5}),
        ] {
            assert!(set(answer.clone()).is_err(), "{answer}");
        }
    }

    #[test]
    fn scopes_of_the_response_count_and_those_asked_else() {
        assert_eq!(set(json!({"scope": "a  b"})).unwrap().scopes, ["a", "b"]);
        assert_eq!(set(json!({"scope": ""})).unwrap().scopes, ["asked"]);
        assert_eq!(set(json!({})).unwrap().scopes, ["asked"]);
    }

    #[test]
    fn bearer_in_any_case_and_an_empty_refresh_token_is_none() {
        let set = set(json!({"token_type": "bearer", "refresh_token": ""})).unwrap();
        assert_eq!(set.refresh_token, None);
    }
}
