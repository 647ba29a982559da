//! The provider's signing keys (RFC 7517): fetched, kept, and fetched once more when a token names one that is not
//! among them.

use std::collections::VecDeque;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use email_base::Scrub;
use email_base::clock::{self, Instant};
use jsonwebtoken::Algorithm;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse};
use serde_json::Value;
use tokio::sync::Mutex;
use url::Url;

use crate::endpoint::Endpoint;
use crate::error::Error;
use crate::http::{Http, broken};

/// A withdrawn key is believed no longer than this.
const KEPT: Duration = Duration::from_secs(3600);
/// Tokens with made-up key ids must not turn this client against the provider: so many fetches …
const MAX_FETCHES: usize = 6;
/// … in such a time.
const FETCH_WINDOW: Duration = Duration::from_secs(60);
/// Providers publish two to ten keys; each candidate costs a signature check.
const MAX_KEYS: usize = 64;
/// RFC 7518 §3.3 and §3.5: 2048 bits or more.
const MIN_MODULUS_BYTES: usize = 256;

/// The keys of one provider.
#[derive(Debug, Default)]
pub(crate) struct Jwks(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    keys: Vec<Jwk>,
    fetched: Option<Instant>,
    /// When the last fetches were, oldest first.
    recent: VecDeque<Instant>,
}

impl Jwks {
    /// Makes sure that there are keys, so that a code is not spent when they cannot be had.
    pub(crate) async fn warm(&self, http: &Http, uri: &Url) -> Result<(), Error> {
        self.0.lock().await.fresh(http, uri).await
    }

    /// The keys that may have signed a token with `algorithm` and key id `kid`; none when there is no such key.
    pub(crate) async fn candidates(
        &self,
        http: &Http,
        uri: &Url,
        algorithm: Algorithm,
        kid: Option<&str>,
    ) -> Result<Vec<Jwk>, Error> {
        let mut kept = self.0.lock().await;
        kept.fresh(http, uri).await?;
        let found = select(&kept.keys, algorithm, kid);
        if !found.is_empty() || !kept.may_fetch() {
            return Ok(found);
        }
        // Signed by a key that is newer than our copy (OIDC Core §10.1.1).
        kept.fetch(http, uri).await?;
        Ok(select(&kept.keys, algorithm, kid))
    }
}

impl Kept {
    async fn fresh(&mut self, http: &Http, uri: &Url) -> Result<(), Error> {
        match self.fetched {
            Some(at) if clock::now().saturating_duration_since(at) < KEPT => Ok(()),
            _ => self.fetch(http, uri).await,
        }
    }

    async fn fetch(&mut self, http: &Http, uri: &Url) -> Result<(), Error> {
        let now = clock::now();
        self.recent.push_back(now);
        let answer = http.get(Endpoint::Jwks, uri, None).await?;
        let keys = match answer.object(&Scrub::default())?.remove("keys") {
            Some(Value::Array(keys)) => keys,
            _ => return Err(broken(Endpoint::Jwks, 200, "it has no list of keys")),
        };
        // A key of a kind that is not known yet must not hide the others.
        self.keys = keys.into_iter().take(MAX_KEYS).filter_map(|key| serde_json::from_value(key).ok()).collect();
        self.fetched = Some(now);
        Ok(())
    }

    fn may_fetch(&mut self) -> bool {
        let now = clock::now();
        while self.recent.front().is_some_and(|at| now.saturating_duration_since(*at) >= FETCH_WINDOW) {
            self.recent.pop_front();
        }
        self.recent.len() < MAX_FETCHES
    }
}

fn select(keys: &[Jwk], algorithm: Algorithm, kid: Option<&str>) -> Vec<Jwk> {
    keys.iter()
        .filter(|key| kid.is_none_or(|kid| key.common.key_id.as_deref() == Some(kid)))
        .filter(|key| signs(key) && fits(key, algorithm))
        .cloned()
        .collect()
}

/// RFC 7517 §4.2, §4.3.
fn signs(key: &Jwk) -> bool {
    key.common.public_key_use.as_ref().is_none_or(|intended| *intended == PublicKeyUse::Signature)
        && key.common.key_operations.as_ref().is_none_or(|operations| operations.contains(&KeyOperations::Verify))
}

fn fits(key: &Jwk, algorithm: Algorithm) -> bool {
    if key.common.key_algorithm.is_some_and(|own| own != KeyAlgorithm::from(algorithm)) {
        return false;
    }
    match (&key.algorithm, algorithm) {
        (AlgorithmParameters::RSA(rsa), Algorithm::RS256 | Algorithm::PS256) => URL_SAFE_NO_PAD
            .decode(&rsa.n)
            .is_ok_and(|modulus| modulus.iter().skip_while(|byte| **byte == 0).count() >= MIN_MODULUS_BYTES),
        (AlgorithmParameters::EllipticCurve(ec), Algorithm::ES256) => ec.curve == EllipticCurve::P256,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::EncodingKey;
    use serde_json::json;

    use super::*;

    fn key(pem: &str, members: Value) -> Value {
        let key = if pem.contains("rsa") {
            let pem = std::fs::read(format!("{}/tests/keys/{pem}.pem", env!("CARGO_MANIFEST_DIR"))).unwrap();
            Jwk::from_encoding_key(&EncodingKey::from_rsa_pem(&pem).unwrap(), Algorithm::RS256).unwrap()
        } else {
            let pem = std::fs::read(format!("{}/tests/keys/{pem}.pem", env!("CARGO_MANIFEST_DIR"))).unwrap();
            Jwk::from_encoding_key(&EncodingKey::from_ec_pem(&pem).unwrap(), Algorithm::ES256).unwrap()
        };
        let mut key = serde_json::to_value(key).unwrap();
        let object = key.as_object_mut().unwrap();
        object.remove("alg");
        for (name, value) in members.as_object().unwrap() {
            object.insert(name.clone(), value.clone());
        }
        key
    }

    fn found(key: Value, algorithm: Algorithm, kid: Option<&str>) -> bool {
        !select(&[serde_json::from_value(key).unwrap()], algorithm, kid).is_empty()
    }

    #[test]
    fn only_keys_made_for_it_are_tried() {
        let rs = Algorithm::RS256;
        assert!(found(key("rsa", json!({})), rs, None));
        assert!(found(key("rsa", json!({"kid": "k", "use": "sig", "alg": "RS256"})), rs, Some("k")));
        assert!(found(key("rsa", json!({"key_ops": ["verify"]})), Algorithm::PS256, None));
        assert!(found(key("ec", json!({})), Algorithm::ES256, None));
        for (members, algorithm, kid) in [
            (json!({"kid": "k"}), rs, Some("other")),
            (json!({}), rs, Some("k")),
            (json!({"use": "enc"}), rs, None),
            (json!({"key_ops": ["encrypt"]}), rs, None),
            (json!({"alg": "RS512"}), rs, None),
            (json!({"alg": "RSA-OAEP"}), rs, None),
            (json!({}), Algorithm::ES256, None),
            (json!({}), Algorithm::HS256, None),
        ] {
            assert!(!found(key("rsa", members.clone()), algorithm, kid), "{members} {algorithm:?}");
        }
        assert!(!found(key("ec", json!({})), rs, None));
        assert!(!found(key("rsa-short", json!({})), rs, None), "1024 bits are not enough");
    }
}
