//! The TLS handshake (RFC 8446), and what its failures mean to somebody who has to mend them.

use std::io;
use std::sync::Arc;

use email_base::redact;
use rustls::{CertificateError, ClientConfig, InvalidMessage};
use tokio_rustls::TlsConnector;

use crate::Error;
use crate::stream::Stream;
use crate::target::Host;

/// A certificate's names and reasons are the server's words: so much of them is shown.
const MAX_DETAIL: usize = 300;

/// Encrypts `stream`; the certificate must be for `host`.
pub(crate) async fn handshake(stream: Stream, host: &Host, config: &Arc<ClientConfig>) -> Result<Stream, Error> {
    let name = host.server_name()?;
    let (local, peer) = (stream.local_addr(), stream.peer_addr());
    let tls = TlsConnector::from(config.clone()).connect(name, stream).await.map_err(|error| failure(host, &error))?;
    Ok(Stream::encrypted(tls, local, peer))
}

fn failure(host: &Host, error: &io::Error) -> Error {
    match rustls_error(error) {
        Some(tls) => refused(&host.to_string(), tls),
        None => Error::ConnectionLost { detail: format!("{host} ended it during the TLS handshake ({error})") },
    }
}

/// tokio-rustls and hyper wrap it in an `io::Error`.
pub(crate) fn rustls_error(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>())
}

pub(crate) fn refused(host: &str, error: &rustls::Error) -> Error {
    use CertificateError as E;
    let host = host.to_owned();
    let detail = redact::text(&error.to_string(), MAX_DETAIL);
    match error {
        rustls::Error::InvalidCertificate(reason) => match reason {
            E::Expired | E::ExpiredContext { .. } | E::NotValidYet | E::NotValidYetContext { .. } => {
                Error::CertificateExpired { host, detail }
            }
            E::NotValidForName | E::NotValidForNameContext { .. } => Error::CertificateHostMismatch { host, detail },
            _ => Error::CertificateUntrusted { host, detail },
        },
        rustls::Error::NoCertificatesPresented => Error::CertificateUntrusted { host, detail },
        rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType) => Error::TlsFailed {
            host,
            detail:
                "it answered in clear text; this port does not begin with TLS: use tls 'starttls', or the port for \
                     implicit TLS"
                    .to_owned(),
        },
        _ => Error::TlsFailed { host, detail },
    }
}
