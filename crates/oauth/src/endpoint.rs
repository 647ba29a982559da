//! Which of a provider's endpoints was spoken to: for messages.

use std::fmt;

/// One of a provider's endpoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Endpoint {
    /// RFC 6749 §3.1; answers through the browser's redirect.
    Authorization,
    /// RFC 6749 §3.2.
    Token,
    /// RFC 8628 §3.1.
    DeviceAuthorization,
    /// RFC 7009 §2.
    Revocation,
    /// RFC 7517 §5.
    Jwks,
    /// OIDC Core §5.3, or Graph `/me`.
    Profile,
    /// OIDC Discovery §4.
    Discovery,
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Authorization => "authorization endpoint",
            Self::Token => "token endpoint",
            Self::DeviceAuthorization => "device authorization endpoint",
            Self::Revocation => "revocation endpoint",
            Self::Jwks => "JWKS endpoint",
            Self::Profile => "profile endpoint",
            Self::Discovery => "discovery document",
        })
    }
}
