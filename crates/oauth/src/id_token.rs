//! The id_token (OIDC Core §2, §3.1.3.7; RFC 7519; RFC 8725): nothing of it is believed before all of it is proven.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use email_base::clock;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;
use serde_json::{Number, Value};
use sha2::{Digest, Sha256};

use crate::provider::Issuer;
use crate::same::same;

/// Entra puts groups into it, up to some 20 KB; a longer one is an attempt to keep the processor busy.
const MAX_BYTES: usize = 64 * 1024;
/// Clocks differ; Entra itself allows five minutes.
const SKEW_SECONDS: f64 = 300.0;
/// OIDC Core §2: `sub` is at most 255 ASCII characters.
const MAX_SUBJECT: usize = 255;
/// Asymmetric ones only: with HS256 the app's secret, or a public key taken for one, would sign; `none` signs nothing.
const ALGORITHMS: &[(&str, Algorithm)] =
    &[("RS256", Algorithm::RS256), ("PS256", Algorithm::PS256), ("ES256", Algorithm::ES256)];

/// What is wrong with an id_token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum IdTokenFault {
    /// `openid` was asked, and none came.
    Missing,
    /// It is no JWT of the right members and types, or far too long.
    Malformed,
    /// Its header says that it is something else than an id_token.
    Type,
    /// Not one of RS256, PS256, ES256.
    Algorithm,
    /// It has critical extensions that nobody here understands (RFC 7515 §4.1.11).
    Critical,
    /// The provider publishes no such key.
    UnknownKey,
    /// None of the provider's keys made this signature.
    Signature,
    /// Issued by somebody else.
    Issuer,
    /// For another app, or for others too.
    Audience,
    /// Given to another party (`azp`).
    AuthorizedParty,
    /// Of another authorization.
    Nonce,
    /// It has ended.
    Expired,
    /// It is from the future.
    NotYetValid,
    /// `sub`, `tid` or `oid` is missing or unusable.
    Subject,
    /// It belongs to another access token (`at_hash`).
    AccessToken,
    /// An account of a kind that the tenant setting excludes.
    Tenant,
}

impl fmt::Display for IdTokenFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "the scope openid was asked and the provider sent none",
            Self::Malformed => "it is not a JWT, or a claim has the wrong type",
            Self::Type => "its header says that it is another kind of token",
            Self::Algorithm => "it is not signed with RS256, PS256 or ES256",
            Self::Critical => "its header has critical extensions",
            Self::UnknownKey => "it names a key that the provider does not publish",
            Self::Signature => "its signature is wrong",
            Self::Issuer => "another issuer issued it",
            Self::Audience => "it is for another app, or for others too",
            Self::AuthorizedParty => "it was given to another party (azp)",
            Self::Nonce => "its nonce is not that of this authorization",
            Self::Expired => "it has expired; check this machine's clock",
            Self::NotYetValid => "it is from the future; check this machine's clock",
            Self::Subject => "sub, tid or oid is missing or unusable; Microsoft sends oid only with the scope profile",
            Self::AccessToken => "it belongs to another access token (at_hash)",
            Self::Tenant => "it is of a personal account, which the tenant setting excludes",
        })
    }
}

/// The claims that matter, by type; `email` and the like are for display only.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Claims {
    pub(crate) iss: String,
    pub(crate) sub: String,
    aud: Audience,
    azp: Option<String>,
    exp: Number,
    iat: Number,
    nbf: Option<Number>,
    nonce: Option<String>,
    at_hash: Option<String>,
    pub(crate) tid: Option<String>,
    pub(crate) oid: Option<String>,
    pub(crate) email: Option<String>,
    pub(crate) email_verified: Option<Value>,
    pub(crate) xms_edov: Option<Value>,
    pub(crate) preferred_username: Option<String>,
    pub(crate) name: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

/// What the header says before anything is proven: which key to look for, and how.
#[derive(Debug)]
pub(crate) struct Announced {
    pub(crate) algorithm: Algorithm,
    pub(crate) kid: Option<String>,
}

/// What the token must say.
#[derive(Debug)]
pub(crate) struct Expected<'a> {
    pub(crate) client_id: &'a str,
    pub(crate) issuer: &'a Issuer,
    /// `None` in the device flow, which has none.
    pub(crate) nonce: Option<&'a str>,
    pub(crate) access_token: &'a str,
}

/// Reads the header.
pub(crate) fn announced(token: &str) -> Result<Announced, IdTokenFault> {
    #[derive(Deserialize)]
    struct Header {
        alg: String,
        typ: Option<String>,
        kid: Option<String>,
        crit: Option<Value>,
    }
    if token.len() > MAX_BYTES || token.split('.').count() != 3 {
        return Err(IdTokenFault::Malformed);
    }
    let encoded = token.split('.').next().unwrap_or_default();
    let json = URL_SAFE_NO_PAD.decode(encoded).map_err(|_| IdTokenFault::Malformed)?;
    let header: Header = serde_json::from_slice(&json).map_err(|_| IdTokenFault::Malformed)?;
    if header.crit.is_some() {
        return Err(IdTokenFault::Critical);
    }
    // RFC 8725 §3.11: an access token (`at+jwt`) or a logout token is not an id_token.
    if header.typ.is_some_and(|typ| !typ.eq_ignore_ascii_case("JWT")) {
        return Err(IdTokenFault::Type);
    }
    let algorithm = ALGORITHMS.iter().find(|(name, _)| *name == header.alg).map(|(_, algorithm)| *algorithm);
    Ok(Announced { algorithm: algorithm.ok_or(IdTokenFault::Algorithm)?, kid: header.kid })
}

/// Proves the signature by one of `keys` and gives the claims, not yet checked.
pub(crate) fn proven(token: &str, announced: &Announced, keys: &[Jwk]) -> Result<Claims, IdTokenFault> {
    // Times, issuer and audience are checked below, by our clock and rules.
    let mut validation = Validation::new(announced.algorithm);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    let mut fault = IdTokenFault::UnknownKey;
    for key in keys {
        let Ok(key) = DecodingKey::from_jwk(key) else { continue };
        match jsonwebtoken::decode::<Claims>(token, &key, &validation) {
            Ok(data) => return Ok(data.claims),
            Err(error) => fault = fault_of(error.kind()),
        }
    }
    Err(fault)
}

/// Checks every claim against what is expected.
pub(crate) fn check(claims: &Claims, expected: &Expected<'_>) -> Result<(), IdTokenFault> {
    if !expected.issuer.is(&claims.iss, claims.tid.as_deref()) {
        return Err(IdTokenFault::Issuer);
    }
    check_audience(claims, expected.client_id)?;
    if let Some(nonce) = expected.nonce
        && !claims.nonce.as_deref().is_some_and(|sent| same(sent, nonce))
    {
        return Err(IdTokenFault::Nonce);
    }
    check_times(claims)?;
    if claims.sub.is_empty() || claims.sub.len() > MAX_SUBJECT || !claims.sub.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(IdTokenFault::Subject);
    }
    match &claims.at_hash {
        Some(hash) if !same(hash, &half_hash(expected.access_token)) => Err(IdTokenFault::AccessToken),
        _ => Ok(()),
    }
}

/// OIDC Core §3.1.3.7, rules 3 to 5, in their strict reading: no other audience is trusted.
fn check_audience(claims: &Claims, client_id: &str) -> Result<(), IdTokenFault> {
    let (for_us, for_others) = match &claims.aud {
        Audience::One(audience) => (audience == client_id, false),
        Audience::Many(list) => {
            (list.iter().any(|audience| audience == client_id), list.iter().any(|audience| audience != client_id))
        }
    };
    match &claims.azp {
        _ if !for_us => Err(IdTokenFault::Audience),
        Some(party) if party != client_id => Err(IdTokenFault::AuthorizedParty),
        None if for_others => Err(IdTokenFault::Audience),
        _ => Ok(()),
    }
}

#[expect(clippy::cast_precision_loss, reason = "seconds since 1970 are far below 2^53")]
fn check_times(claims: &Claims) -> Result<(), IdTokenFault> {
    let now = clock::unix_seconds() as f64;
    let seconds =
        |number: &Number| number.as_f64().filter(|seconds| seconds.is_finite()).ok_or(IdTokenFault::Malformed);
    let (expires, issued) = (seconds(&claims.exp)?, seconds(&claims.iat)?);
    if expires + SKEW_SECONDS <= now || expires <= issued {
        return Err(IdTokenFault::Expired);
    }
    let begins = claims.nbf.as_ref().map(seconds).transpose()?.unwrap_or(issued).max(issued);
    if begins > now + SKEW_SECONDS { Err(IdTokenFault::NotYetValid) } else { Ok(()) }
}

/// OIDC Core §3.1.3.6: the left half of the SHA-256 (all our algorithms end in 256).
fn half_hash(access_token: &str) -> String {
    let digest = Sha256::digest(access_token);
    URL_SAFE_NO_PAD.encode(digest.iter().take(digest.len() / 2).copied().collect::<Vec<_>>())
}

fn fault_of(kind: &ErrorKind) -> IdTokenFault {
    match kind {
        ErrorKind::InvalidSignature => IdTokenFault::Signature,
        ErrorKind::Json(_) | ErrorKind::Utf8(_) | ErrorKind::Base64(_) | ErrorKind::InvalidToken => {
            IdTokenFault::Malformed
        }
        // A published key that cannot be used is as good as none.
        _ => IdTokenFault::UnknownKey,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in ".{0,100}", header in "\\PC{0,60}") {
            let _ = announced(&text);
            let made_up = format!("{}.e30.AAAA", URL_SAFE_NO_PAD.encode(header));
            if let Ok(announced) = announced(&made_up) {
                prop_assert!(proven(&made_up, &announced, &[]).is_err());
            }
        }
    }

    #[test]
    fn the_half_hash_of_the_specification() {
        // OIDC Core, appendix A.3.
        assert_eq!(half_hash("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"), "77QmUPtjPfzWtF2AnpK9RQ");
    }
}
