//! The TLS handshake (RFC 8446), and what its failures mean to somebody who has to mend them.

use std::error::Error as StdError;
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

/// The refusal inside: tokio-rustls wraps it in one `io::Error`, hyper-rustls in two.
pub(crate) fn rustls_error(error: &io::Error) -> Option<&rustls::Error> {
    let mut cause: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        cause = cause_of(error);
    }
    None
}

/// `source`, without the hole in it: that of an `io::Error` leaves out the error which it wraps.
pub(crate) fn cause_of<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a (dyn StdError + 'static)> {
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(wrapped) => Some(wrapped),
        None => error.source(),
    }
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
