//! Certificates of every kind that a client must tell apart, made once per process.

use std::sync::{Arc, LazyLock};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose, date_time_ymd,
};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// What a mock server presents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leaf {
    /// For `localhost`, 127.0.0.1 and ::1, signed by the CA of [`ca_pem`].
    Good,
    /// The same, expired in 2001.
    Expired,
    /// The same, valid from 2090.
    NotYetValid,
    /// Signed by the same CA for `other.example` only.
    WrongHost,
    /// For the right names, signed by the CA of [`foreign_ca_pem`].
    UnknownCa,
    /// For the right names, signed by itself.
    SelfSigned,
}

type Issuer = CertifiedIssuer<'static, KeyPair>;

static CA: LazyLock<Issuer> = LazyLock::new(|| authority("Testkit CA"));
static FOREIGN_CA: LazyLock<Issuer> = LazyLock::new(|| authority("Foreign CA"));

/// The CA to trust, as PEM.
pub fn ca_pem() -> String {
    CA.pem()
}

/// Another CA, which signed nothing but [`Leaf::UnknownCa`], as PEM.
pub fn foreign_ca_pem() -> String {
    FOREIGN_CA.pem()
}

/// A server's TLS configuration: TLS 1.2 and 1.3.
pub(crate) fn server_config(leaf: Leaf) -> Arc<ServerConfig> {
    let (certificate, key) = make(leaf);
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    Arc::new(config)
}

fn make(leaf: Leaf) -> (CertificateDer<'static>, KeyPair) {
    let key = KeyPair::generate().unwrap();
    let names = match leaf {
        Leaf::WrongHost => vec!["other.example".to_owned()],
        _ => ["localhost", "127.0.0.1", "::1"].map(str::to_owned).to_vec(),
    };
    let mut params = CertificateParams::new(names).unwrap();
    params.distinguished_name.push(DnType::CommonName, "testkit");
    match leaf {
        Leaf::Expired => {
            params.not_before = date_time_ymd(2000, 1, 1);
            params.not_after = date_time_ymd(2001, 1, 1);
        }
        Leaf::NotYetValid => {
            params.not_before = date_time_ymd(2090, 1, 1);
            params.not_after = date_time_ymd(2091, 1, 1);
        }
        _ => {}
    }
    let certificate = match leaf {
        Leaf::SelfSigned => params.self_signed(&key),
        Leaf::UnknownCa => params.signed_by(&key, &FOREIGN_CA),
        _ => params.signed_by(&key, &CA),
    };
    (certificate.unwrap().der().clone(), key)
}

fn authority(name: &str) -> Issuer {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}
