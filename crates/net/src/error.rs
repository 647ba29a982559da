//! Why a connection could not be had, or ended.

use std::io;

use email_base::{Action, Classify, Code, Interrupted, Protocol, ServerReply};

/// Everything that goes wrong below the mail protocols. The crates above wrap it and say which protocol it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    // ── the caller
    /// A value cannot be used; nothing was sent.
    #[error("{0}")]
    InvalidArgument(String),
    /// The call was aborted, or its own deadline passed.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),

    // ── the network
    /// `connect_timeout` passed.
    #[error("{peer} did not answer in time ({phase})")]
    ConnectTimeout {
        /// Who was waited for.
        peer: String,
        /// In which step.
        phase: Phase,
    },
    /// [`crate::READ_TIMEOUT`] or [`crate::ANSWER_TIMEOUT`] passed.
    #[error("{peer} did not answer the request in time")]
    AnswerTimeout {
        /// Who was waited for.
        peer: String,
    },
    /// The resolver says that there is no such name, or that it has no address.
    #[error("the host name {host} does not exist")]
    HostNotFound {
        /// The name.
        host: String,
    },
    /// The resolver could not say.
    #[error("the host name {host} could not be looked up now: {detail}")]
    DnsFailed {
        /// The name.
        host: String,
        /// The resolver's words.
        detail: String,
    },
    /// Every address answered that nothing listens.
    #[error("{peer} refused the connection: nothing listens there")]
    ConnectionRefused {
        /// Host and port.
        peer: String,
    },
    /// No address could be reached.
    #[error("{peer} cannot be reached: {detail}")]
    HostUnreachable {
        /// Host and port.
        peer: String,
        /// The system's words.
        detail: String,
    },
    /// The connection was there, and ended.
    #[error("the connection was lost: {detail}")]
    ConnectionLost {
        /// The system's words.
        detail: String,
    },
    /// The proxy said no, or something that is not its protocol.
    #[error("{proxy} refused to connect to {peer}: {status} {text}")]
    ProxyFailed {
        /// The proxy, without credentials.
        proxy: String,
        /// Where to.
        peer: String,
        /// HTTP status, or the SOCKS5 reply code.
        status: String,
        /// The proxy's words, or what the code means.
        text: String,
        /// The proxy itself is fine: the way behind it is broken now.
        transient: bool,
    },

    // ── TLS
    /// No trusted CA signed it, or it may not be used for this.
    #[error("the certificate of {host} is not trusted: {detail}")]
    CertificateUntrusted {
        /// The server's name.
        host: String,
        /// What the verifier says.
        detail: String,
    },
    /// Expired, or not valid yet.
    #[error("the certificate of {host} is not valid now: {detail}")]
    CertificateExpired {
        /// The server's name.
        host: String,
        /// What the verifier says.
        detail: String,
    },
    /// Made for another name.
    #[error("the certificate that {host} presented is for another host: {detail}")]
    CertificateHostMismatch {
        /// The name that was asked for.
        host: String,
        /// The names it is for.
        detail: String,
    },
    /// Any other end of the handshake.
    #[error("no TLS with {host}: {detail}")]
    TlsFailed {
        /// The server's name.
        host: String,
        /// What happened.
        detail: String,
    },
    /// Clear text followed the reply after which TLS begins.
    #[error("clear-text bytes followed the reply that starts TLS: the connection was dropped")]
    StarttlsInjection,
    /// A line before TLS was longer than [`crate::MAX_CLEAR_LINE`].
    #[error("the server sent a line longer than {} bytes before TLS", crate::MAX_CLEAR_LINE)]
    LineTooLong,

    // ── ours
    /// A defect.
    #[error("the HTTPS client could not be made: {0}")]
    Internal(String),
}

/// The steps of connecting, for messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Phase {
    /// Asking the resolver.
    Lookup,
    /// TCP.
    Connect,
    /// HTTP CONNECT or SOCKS5.
    Proxy,
    /// The TLS handshake.
    Handshake,
    /// The server's first words.
    Greeting,
}

impl std::fmt::Display for Phase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Lookup => "looking up the host name",
            Self::Connect => "opening the connection",
            Self::Proxy => "asking the proxy",
            Self::Handshake => "TLS handshake",
            Self::Greeting => "waiting for the server's greeting",
        })
    }
}

impl Error {
    pub(crate) fn argument(sentence: impl Into<String>) -> Self {
        Self::InvalidArgument(sentence.into())
    }

    /// The failure of an attempt to open a connection to `peer`.
    pub(crate) fn from_connect(peer: &impl ToString, error: &io::Error) -> Self {
        let peer = peer.to_string();
        match error.kind() {
            io::ErrorKind::ConnectionRefused => Self::ConnectionRefused { peer },
            io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted => {
                Self::ConnectionLost { detail: format!("{peer} closed it at once") }
            }
            // Among them a firewall's EACCES, and descriptors or ports that have run out.
            _ => Self::HostUnreachable { peer, detail: error.to_string() },
        }
    }
}

/// The failure of a read or a write on a [`crate::Stream`].
impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        match crate::tls::rustls_error(&error) {
            // TLS 1.3 (RFC 8446 §4.4.2.4): what a server has against the client arrives after the client is content.
            Some(alert @ rustls::Error::AlertReceived(_)) => crate::tls::refused("the server", alert),
            _ => Self::ConnectionLost { detail: error.to_string() },
        }
    }
}

impl Classify for Error {
    fn code(&self) -> Code {
        match self {
            Self::InvalidArgument(_) => Code::InvalidArgument,
            Self::Interrupted(Interrupted::Aborted) => Code::Aborted,
            Self::Interrupted(Interrupted::TimedOut) | Self::AnswerTimeout { .. } => Code::Timeout,
            Self::ConnectTimeout { .. } => Code::ConnectTimeout,
            Self::HostNotFound { .. } => Code::HostNotFound,
            Self::DnsFailed { .. } => Code::DnsFailed,
            Self::ConnectionRefused { .. } => Code::ConnectionRefused,
            Self::HostUnreachable { .. } => Code::HostUnreachable,
            Self::ConnectionLost { .. } => Code::ConnectionLost,
            Self::ProxyFailed { .. } => Code::ProxyFailed,
            Self::CertificateUntrusted { .. } => Code::CertificateUntrusted,
            Self::CertificateExpired { .. } => Code::CertificateExpired,
            Self::CertificateHostMismatch { .. } => Code::CertificateHostMismatch,
            Self::TlsFailed { .. } => Code::TlsFailed,
            Self::StarttlsInjection => Code::StarttlsInjection,
            Self::LineTooLong => Code::ProtocolViolation,
            Self::Internal(_) => Code::Internal,
        }
    }

    /// The protocol crates know it.
    fn protocol(&self) -> Option<Protocol> {
        None
    }

    fn action(&self) -> Action {
        if self.retryable() && matches!(self, Self::ProxyFailed { .. }) {
            return Action::Retry;
        }
        self.code().entry().action
    }

    fn retryable(&self) -> bool {
        match self {
            Self::ProxyFailed { transient, .. } => *transient,
            _ => self.code().entry().retryable,
        }
    }

    fn server(&self) -> Option<ServerReply> {
        match self {
            Self::ProxyFailed { status, text, .. } => Some(ServerReply::new(status.clone(), text, None)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_to_connect_are_told_apart() {
        let code = |kind: io::ErrorKind| Error::from_connect(&"h:1", &kind.into()).code();
        assert_eq!(code(io::ErrorKind::ConnectionRefused), Code::ConnectionRefused);
        assert_eq!(code(io::ErrorKind::ConnectionReset), Code::ConnectionLost);
        for kind in [io::ErrorKind::NetworkUnreachable, io::ErrorKind::HostUnreachable, io::ErrorKind::PermissionDenied]
        {
            assert_eq!(code(kind), Code::HostUnreachable);
        }
    }

    #[test]
    fn an_alert_after_the_handshake_is_not_a_lost_connection() {
        let after = |error: rustls::Error| Error::from(io::Error::new(io::ErrorKind::InvalidData, error)).code();
        let alert = rustls::AlertDescription::CertificateRequired;
        assert_eq!(after(rustls::Error::AlertReceived(alert)), Code::TlsFailed);
        assert_eq!(after(rustls::Error::DecryptError), Code::ConnectionLost);
        assert_eq!(Error::from(io::Error::from(io::ErrorKind::UnexpectedEof)).code(), Code::ConnectionLost);
    }
}
