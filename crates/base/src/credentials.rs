//! Who logs in, and by what proof. The same for IMAP and SMTP.

use std::fmt;
use std::sync::Arc;

use crate::{AccessTokens, Secret};

/// SASL identity and proof.
#[derive(Clone)]
pub enum Credentials {
    /// `AUTH=PLAIN`, `LOGIN`.
    Password {
        /// Authentication identity.
        user: String,
        /// Its password.
        password: Secret,
    },
    /// `AUTH=XOAUTH2`, `AUTH=OAUTHBEARER` (RFC 7628).
    OAuth {
        /// The mailbox to open; for a shared mailbox not the token's owner.
        user: String,
        /// Where the access token comes from.
        tokens: Arc<dyn AccessTokens>,
    },
}

impl Credentials {
    /// The mailbox's login name.
    pub fn user(&self) -> &str {
        match self {
            Self::Password { user, .. } | Self::OAuth { user, .. } => user,
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self {
            Self::Password { .. } => "Password",
            Self::OAuth { .. } => "OAuth",
        };
        f.debug_struct(kind).field("user", &self.user()).finish_non_exhaustive()
    }
}
