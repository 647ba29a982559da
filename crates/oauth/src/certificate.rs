//! `private_key_jwt` (OIDC Core §9, RFC 7523 §3) as Entra wants it: a PS256 assertion whose header names the
//! certificate by `x5t#S256` (RFC 7515 §4.1.8).

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use email_base::{Secret, clock};
use jsonwebtoken::jwk::{AlgorithmParameters, Jwk};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use oauth2::CsrfToken;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::Error;

/// RFC 7523 §3: `exp` limits how long a stolen assertion works; Entra takes 5 to 10 minutes.
const LIFE_SECONDS: i64 = 300;
/// Clocks differ: an assertion from the future is refused (AADSTS700024).
const BACKDATED_SECONDS: i64 = 60;
/// RFC 7518 §3.5.
const MIN_MODULUS_BYTES: usize = 256;

/// The contract's `ClientCertificate`.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClientCertificate {
    /// PEM, RSA: `PRIVATE KEY` (PKCS#8) or `RSA PRIVATE KEY` (PKCS#1).
    pub private_key: Secret,
    /// PEM: `CERTIFICATE`, the one uploaded to the app's registration.
    pub certificate: String,
}

impl fmt::Debug for ClientCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientCertificate([redacted])")
    }
}

/// A checked key and the fingerprint of its certificate.
#[derive(Clone)]
pub(crate) struct Signer {
    key: EncodingKey,
    fingerprint: String,
}

#[derive(Serialize)]
struct Claims<'a> {
    aud: &'a str,
    iss: &'a str,
    sub: &'a str,
    jti: &'a str,
    nbf: i64,
    iat: i64,
    exp: i64,
}

impl Signer {
    /// Reads and checks the pair.
    pub(crate) fn new(pair: &ClientCertificate) -> Result<Self, Error> {
        let certificate = CertificateDer::from_pem_slice(pair.certificate.as_bytes())
            .map_err(|_| Error::argument("clientCertificate.certificate is no PEM certificate (BEGIN CERTIFICATE)"))?;
        let (key, modulus) = EncodingKey::from_rsa_pem(pair.private_key.expose().as_bytes())
            .ok()
            .and_then(|key| modulus_of(&key).map(|modulus| (key, modulus)))
            .ok_or_else(|| {
                Error::argument("clientCertificate.privateKey is no unencrypted RSA key in PEM (BEGIN PRIVATE KEY)")
            })?;
        if modulus.len() < MIN_MODULUS_BYTES {
            return Err(Error::argument("clientCertificate.privateKey is an RSA key of less than 2048 bits"));
        }
        // The certificate carries its public key as an INTEGER; the modulus stands nowhere else in it.
        if !certificate.windows(modulus.len()).any(|window| window == modulus) {
            return Err(Error::argument("clientCertificate.certificate belongs to another key than privateKey"));
        }
        Ok(Self { key, fingerprint: URL_SAFE_NO_PAD.encode(Sha256::digest(&certificate)) })
    }

    /// A fresh assertion of `client_id` for `token_endpoint`.
    pub(crate) fn assertion(&self, client_id: &str, token_endpoint: &str) -> Result<Secret, Error> {
        let mut header = Header::new(Algorithm::PS256);
        header.x5t_s256 = Some(self.fingerprint.clone());
        let now = clock::unix_seconds();
        let jti = CsrfToken::new_random_len(16);
        let claims = Claims {
            aud: token_endpoint,
            iss: client_id,
            sub: client_id,
            jti: jti.secret(),
            nbf: now - BACKDATED_SECONDS,
            iat: now,
            exp: now + LIFE_SECONDS,
        };
        jsonwebtoken::encode(&header, &claims, &self.key)
            .map(Secret::new)
            .map_err(|_| Error::argument("clientCertificate.privateKey cannot sign PS256"))
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({})", self.fingerprint)
    }
}

fn modulus_of(key: &EncodingKey) -> Option<Vec<u8>> {
    match Jwk::from_encoding_key(key, Algorithm::PS256).ok()?.algorithm {
        AlgorithmParameters::RSA(parameters) => URL_SAFE_NO_PAD.decode(parameters.n).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = include_str!("../tests/keys/rsa.pem");
    const OTHER_KEY: &str = include_str!("../tests/keys/rsa-other.pem");
    const SHORT_KEY: &str = include_str!("../tests/keys/rsa-short.pem");
    const CERTIFICATE: &str = include_str!("../tests/keys/rsa-certificate.pem");

    fn signer(key: &str, certificate: &str) -> Result<Signer, String> {
        Signer::new(&ClientCertificate { private_key: Secret::from(key), certificate: certificate.to_owned() })
            .map_err(|error| error.to_string())
    }

    #[test]
    fn an_assertion_verifies_and_says_who_and_for_whom() {
        let signer = signer(KEY, CERTIFICATE).unwrap();
        let token = signer.assertion("client", "https://login.example/token").unwrap();
        let jwk = Jwk::from_encoding_key(&signer.key, Algorithm::PS256).unwrap();
        let mut validation = jsonwebtoken::Validation::new(Algorithm::PS256);
        validation.set_audience(&["https://login.example/token"]);
        validation.validate_nbf = true;
        let data = jsonwebtoken::decode::<serde_json::Value>(
            token.expose(),
            &jsonwebtoken::DecodingKey::from_jwk(&jwk).unwrap(),
            &validation,
        )
        .unwrap();
        assert_eq!(data.header.x5t_s256.unwrap().len(), 43);
        assert_eq!((&data.claims["iss"], &data.claims["sub"]), (&"client".into(), &"client".into()));
        let life = data.claims["exp"].as_i64().unwrap() - data.claims["iat"].as_i64().unwrap();
        assert!((300..=600).contains(&life));
        let other = signer.assertion("client", "https://login.example/token").unwrap();
        assert_ne!(token, other, "jti must differ");
    }

    #[test]
    fn pairs_that_cannot_work_are_refused_before_a_byte_is_sent() {
        for (key, certificate, why) in [
            (KEY, "nonsense", "no PEM certificate"),
            (KEY, KEY, "no PEM certificate"),
            ("nonsense", CERTIFICATE, "no unencrypted RSA key"),
            (CERTIFICATE, CERTIFICATE, "no unencrypted RSA key"),
            (OTHER_KEY, CERTIFICATE, "another key"),
            (SHORT_KEY, CERTIFICATE, "less than 2048 bits"),
        ] {
            let error = signer(key, certificate).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
    }
}
