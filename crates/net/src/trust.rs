//! Whom to believe: the system's CAs, and the caller's beside them. There is no way to believe everybody.
//!
//! System CAs are those of `rustls-platform-verifier`: the OS's own verification on macOS and Windows, on other Unixes the
//! CA bundle that `SSL_CERT_FILE`/`SSL_CERT_DIR` or the distribution names. Slim container images have none: there the
//! Mozilla roots compiled in by `webpki-roots` stand in. They are read once per process, on the first handshake, because
//! reading takes milliseconds and a [`crate::Connector`] may be made on a thread that must not wait.

use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

use crate::Error;

/// The TLS configuration of every protocol: TLS 1.2 and 1.3, ring, no client certificate.
///
/// All callers with the same `ca` share one, and with it the sessions to resume: a thousand mailboxes of a company with
/// its own CA would have a thousand caches of 30 KB.
pub(crate) fn client_config(ca: &[String]) -> Result<Arc<ClientConfig>, Error> {
    static SYSTEM_ONLY: OnceLock<Arc<ClientConfig>> = OnceLock::new();
    if !ca.is_empty() {
        return with_own(ca);
    }
    if let Some(config) = SYSTEM_ONLY.get() {
        return Ok(config.clone());
    }
    let config = Arc::new(build(None)?);
    Ok(SYSTEM_ONLY.get_or_init(|| config).clone())
}

/// The one that is in use for these PEM texts, or a new one.
fn with_own(ca: &[String]) -> Result<Arc<ClientConfig>, Error> {
    static IN_USE: Mutex<Vec<(Vec<String>, Weak<ClientConfig>)>> = Mutex::new(Vec::new());
    let mut in_use = IN_USE.lock().unwrap_or_else(PoisonError::into_inner);
    in_use.retain(|(_, config)| config.strong_count() > 0);
    if let Some(config) = in_use.iter().find(|(own, _)| own == ca).and_then(|(_, config)| config.upgrade()) {
        return Ok(config);
    }
    let config = Arc::new(build(Some(own_verifier(ca)?))?);
    in_use.push((ca.to_vec(), Arc::downgrade(&config)));
    Ok(config)
}

/// Named here and handed on, so that the process-wide default provider (another library's business) is never touched.
fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    PROVIDER.get_or_init(|| Arc::new(rustls::crypto::ring::default_provider())).clone()
}

fn build(own: Option<Arc<WebPkiServerVerifier>>) -> Result<ClientConfig, Error> {
    let config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::Internal(error.to_string()))?
        // "Dangerous" is rustls's name for any verifier that it did not make; ours only ever asks such that it or the
        // platform made.
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Trust { own }))
        .with_no_client_auth();
    Ok(config)
}

/// A verifier over the certificates of the caller's PEM texts.
fn own_verifier(ca: &[String]) -> Result<Arc<WebPkiServerVerifier>, Error> {
    let mut roots = RootCertStore::empty();
    for (n, pem) in ca.iter().enumerate() {
        let before = roots.len();
        for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
            let certificate = certificate.map_err(|error| Error::argument(format!("ca[{n}]: is not PEM: {error}")))?;
            roots.add(certificate).map_err(|error| {
                Error::argument(format!("ca[{n}]: holds a certificate that cannot be read: {error}"))
            })?;
        }
        if roots.len() == before {
            return Err(Error::argument(format!(
                "ca[{n}]: holds no PEM certificate (-----BEGIN CERTIFICATE-----); give the text, not a file name"
            )));
        }
    }
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider())
        .build()
        .map_err(|error| Error::argument(format!("ca: {error}")))
}

/// The system's verifier, made on first use.
fn system() -> Result<&'static Arc<dyn ServerCertVerifier>, rustls::Error> {
    static SYSTEM: OnceLock<Arc<dyn ServerCertVerifier>> = OnceLock::new();
    if let Some(verifier) = SYSTEM.get() {
        return Ok(verifier);
    }
    let verifier: Arc<dyn ServerCertVerifier> = match rustls_platform_verifier::Verifier::new(provider()) {
        Ok(verifier) => Arc::new(verifier),
        Err(error) => {
            tracing::info!(%error, "no CA store on this system: the compiled-in Mozilla roots are used");
            compiled_in()?
        }
    };
    Ok(SYSTEM.get_or_init(|| verifier))
}

fn compiled_in() -> Result<Arc<WebPkiServerVerifier>, rustls::Error> {
    let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider())
        .build()
        .map_err(|error| rustls::Error::General(error.to_string()))
}

/// Accepts what the caller's CAs or the system's accept.
#[derive(Debug)]
struct Trust {
    own: Option<Arc<WebPkiServerVerifier>>,
}

impl ServerCertVerifier for Trust {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if let Some(own) = &self.own {
            match own.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
                Ok(verified) => return Ok(verified),
                // Signed by the caller's CA and wrong in another way: the system, which does not know that CA, would
                // only say "unknown issuer" and send the reader the wrong way.
                Err(error) if is_about_the_certificate_itself(&error) => return Err(error),
                Err(_) => {}
            }
        }
        system()?.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(message, cert, dss, &provider().signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(message, cert, dss, &provider().signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        provider().signature_verification_algorithms.supported_schemes()
    }
}

fn is_about_the_certificate_itself(error: &rustls::Error) -> bool {
    use CertificateError as E;
    matches!(
        error,
        rustls::Error::InvalidCertificate(
            E::Expired
                | E::ExpiredContext { .. }
                | E::NotValidYet
                | E::NotValidYetContext { .. }
                | E::NotValidForName
                | E::NotValidForNameContext { .. }
        )
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sentence(ca: &str) -> String {
        match client_config(&[ca.to_owned()]) {
            Err(Error::InvalidArgument(sentence)) => sentence,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn garbage_instead_of_a_ca_is_refused() {
        assert!(sentence("").contains("holds no PEM certificate"));
        assert!(sentence("/etc/ssl/ca.pem").contains("not a file name"));
        assert!(sentence("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").contains("cannot be read"));
        assert!(sentence("-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n").contains("is not PEM"));
        assert!(sentence("-----BEGIN CERTIFICATE-----\nAAAA\n").contains("is not PEM"));
    }

    #[test]
    fn many_certificates_in_one_text_and_many_texts() {
        let both = format!("# a comment\n{}\n{}", email_testkit::ca_pem(), email_testkit::foreign_ca_pem());
        assert!(client_config(&[both, email_testkit::ca_pem()]).is_ok());
    }

    #[test]
    fn connectors_without_own_cas_share_one_configuration() {
        assert!(Arc::ptr_eq(&client_config(&[]).unwrap(), &client_config(&[]).unwrap()));
    }

    #[test]
    fn connectors_with_the_same_cas_share_one_configuration() {
        let ca = [email_testkit::ca_pem()];
        let first = client_config(&ca).unwrap();
        assert!(Arc::ptr_eq(&first, &client_config(&ca).unwrap()));
        assert!(!Arc::ptr_eq(&first, &client_config(&[email_testkit::foreign_ca_pem()]).unwrap()));
    }

    #[test]
    fn the_process_default_provider_is_left_alone() {
        client_config(&[]).unwrap();
        assert!(CryptoProvider::get_default().is_none());
    }

    #[test]
    fn the_compiled_in_roots_are_usable() {
        assert!(compiled_in().is_ok());
    }
}
