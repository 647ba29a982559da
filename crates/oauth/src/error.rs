//! Every way this crate fails, sorted by who is to blame.

use std::sync::Arc;
use std::time::Duration;

use email_base::{Action, Category, Classify, Code, Failure, Interrupted, Protocol, Scope, ServerReply};

use crate::endpoint::Endpoint;
use crate::id_token::IdTokenFault;
use crate::refusal::Refusal;

const ISSUER: &str = "Correct the issuer in the settings: under it there must be /.well-known/openid-configuration, which names the very same issuer.";

/// Why an OAuth call failed. No variant holds a secret, so neither `Display` nor `Debug` can show one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    // ── the caller
    /// A value cannot be used; nothing was sent.
    #[error("{0}")]
    Argument(String),
    /// Aborted, or out of time.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
    /// The caller's `save` or `load` failed. What it failed with is passed on: who has to act for the caller's database or
    /// vault, the caller knows best.
    #[error("`{operation}` of the token source failed, so {consequence}: {failure}")]
    Store {
        /// `save` or `load`.
        operation: &'static str,
        /// What was not done for it.
        consequence: &'static str,
        /// What the function failed with, tokens removed.
        failure: Box<Failure>,
    },

    // ── the network
    /// No connection, no TLS, no proxy.
    #[error("cannot reach the {endpoint}: {source}")]
    Net {
        /// What was to be reached.
        endpoint: Endpoint,
        /// Why it was not.
        source: email_net::Error,
    },
    /// The connection parameters are unusable.
    #[error(transparent)]
    Connector(#[from] email_net::Error),

    // ── the provider
    /// An OAuth error answer.
    #[error("{0}")]
    Refused(Box<Refusal>),
    /// HTTP 429 without an OAuth error.
    #[error("the {endpoint} wants fewer requests (HTTP 429)")]
    RateLimited {
        /// Who said so.
        endpoint: Endpoint,
        /// Its Retry-After.
        retry_after: Option<Duration>,
    },
    /// HTTP 5xx without an OAuth error.
    #[error("the {endpoint} has a temporary problem (HTTP {status})")]
    Unavailable {
        /// Who said so.
        endpoint: Endpoint,
        /// The HTTP status.
        status: u16,
        /// Its Retry-After.
        retry_after: Option<Duration>,
    },
    /// Something else than the protocol: a page, a redirect, bad JSON.
    #[error("the {endpoint} answered HTTP {status}, but {what}")]
    UnexpectedResponse {
        /// Who said so.
        endpoint: Endpoint,
        /// The HTTP status.
        status: u16,
        /// What is wrong with it; of our words alone, never the answer's.
        what: String,
    },
    /// The provider has no such endpoint.
    #[error("{0}")]
    Unsupported(String),
    /// The issuer that was configured is not to be found where it says.
    #[error("{issuer} is not an OpenID Connect issuer that can be used: {what}")]
    Discovery {
        /// As configured.
        issuer: String,
        /// The HTTP status.
        status: u16,
        /// What is wrong with the document; of our words alone.
        what: String,
    },
    /// Tokens come, but not for mail.
    #[error("the access token is not for {wanted}: {why}")]
    NotForMail {
        /// What it was wanted for.
        wanted: &'static str,
        /// What the response granted instead.
        why: String,
        /// What to switch on, where.
        advice: Option<&'static str>,
    },

    // ── somebody in between
    /// The callback does not belong to the pending authorization.
    #[error("the callback does not belong to this authorization: {0}")]
    Mismatch(&'static str),
    /// The id_token is not proven.
    #[error("the id_token is not proven: {0}")]
    IdToken(IdTokenFault),

    // ── the grant
    /// The access token has ended and there is nothing to renew it with.
    #[error(
        "the access token has ended and there is no refresh token: ask for the scope `offline_access` (Google: `access_type=offline` with `prompt=consent`) and link the mailbox again"
    )]
    NoRefreshToken,
    /// The user did not finish on the device page in time (RFC 8628 §3.5).
    #[error("the device code has ended before the user finished: start a new device authorization")]
    DeviceCodeExpired,
    /// The last renewal failed a moment ago; asking again now would storm the provider.
    #[error("not renewed again before {} s have passed: {cause}", wait.as_secs().max(1))]
    BackingOff {
        /// Time left.
        wait: Duration,
        /// Why the last one failed.
        cause: Arc<Error>,
    },

    // ── us
    /// A defect of this crate.
    #[error("a defect of the addon: {0}")]
    Internal(&'static str),
}

impl Error {
    pub(crate) fn argument(why: impl Into<String>) -> Self {
        Self::Argument(why.into())
    }

    /// Whose failure it is, where it is not this crate's own.
    fn below(&self) -> Option<&dyn Classify> {
        match self {
            Self::Net { source, .. } | Self::Connector(source) => Some(source),
            Self::Store { failure, .. } => Some(&**failure),
            Self::BackingOff { cause, .. } => Some(&**cause),
            _ => None,
        }
    }

    /// This refusal with a wait of our own reckoning.
    pub(crate) fn waiting(self, wait: Duration) -> Self {
        match self {
            Self::Refused(refusal) => (*refusal).retry_after_of(Some(wait)).into(),
            other => other,
        }
    }

    /// What to switch on, where, in one sentence; more exact than the error table's remedy.
    pub fn advice(&self) -> Option<&'static str> {
        match self {
            Self::Refused(refusal) => refusal.advice(),
            Self::BackingOff { cause, .. } => cause.advice(),
            Self::NotForMail { advice, .. } => *advice,
            Self::Discovery { .. } => Some(ISSUER),
            _ => None,
        }
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(Box::new(refusal))
    }
}

impl Classify for Error {
    fn code(&self) -> Code {
        match self {
            Self::Argument(_) => Code::InvalidArgument,
            Self::Interrupted(Interrupted::Aborted) => Code::Aborted,
            Self::Interrupted(Interrupted::TimedOut) => Code::Timeout,
            Self::Store { failure, .. } => failure.code,
            Self::Net { source, .. } | Self::Connector(source) => source.code(),
            Self::Refused(refusal) => refusal.code(),
            Self::RateLimited { .. } => Code::RateLimited,
            Self::Unavailable { .. } => Code::ServerUnavailable,
            Self::UnexpectedResponse { .. } => Code::UnexpectedResponse,
            Self::Unsupported(_) => Code::CapabilityMissing,
            Self::Discovery { .. } => Code::OAuthConfig,
            Self::NotForMail { .. } => Code::InvalidScope,
            Self::Mismatch(_) => Code::AuthorizationMismatch,
            Self::IdToken(_) => Code::IdTokenInvalid,
            Self::NoRefreshToken => Code::InvalidGrant,
            Self::DeviceCodeExpired => Code::DeviceCodeExpired,
            Self::BackingOff { cause, .. } => cause.code(),
            Self::Internal(_) => Code::Internal,
        }
    }

    fn protocol(&self) -> Option<Protocol> {
        match self {
            Self::Argument(_) | Self::Connector(_) => None,
            // Nothing is known of it but where it happened.
            Self::Store { failure, .. } if failure.code == Code::CallbackFailed => {
                failure.protocol.or(Some(Protocol::OAuth))
            }
            Self::Store { failure, .. } => failure.protocol,
            Self::BackingOff { cause, .. } => cause.protocol(),
            _ => Some(Protocol::OAuth),
        }
    }

    fn category(&self) -> Category {
        self.below().map_or(self.code().entry().category, Classify::category)
    }

    fn action(&self) -> Action {
        self.below().map_or(self.code().entry().action, Classify::action)
    }

    fn scope(&self) -> Scope {
        self.below().map_or(self.code().entry().scope, Classify::scope)
    }

    fn retryable(&self) -> bool {
        self.below().map_or(self.code().entry().retryable, Classify::retryable)
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused(refusal) => refusal.retry_after(),
            Self::RateLimited { retry_after, .. } | Self::Unavailable { retry_after, .. } => *retry_after,
            Self::Store { failure, .. } => failure.retry_after,
            Self::BackingOff { wait, cause } => cause.retryable().then_some(*wait),
            _ => None,
        }
    }

    fn server(&self) -> Option<ServerReply> {
        match self {
            Self::Refused(refusal) => Some(refusal.reply()),
            Self::RateLimited { .. } => Some(ServerReply::new("429", "", None)),
            Self::Unavailable { status, .. }
            | Self::UnexpectedResponse { status, .. }
            | Self::Discovery { status, .. } => Some(ServerReply::new(status.to_string(), "", None)),
            Self::BackingOff { cause, .. } => cause.server(),
            Self::Net { source, .. } => source.server(),
            Self::Store { failure, .. } => failure.server.clone(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backing_off_tells_the_cause_and_the_wait() {
        let cause =
            Arc::new(Error::RateLimited { endpoint: Endpoint::Token, retry_after: Some(Duration::from_secs(60)) });
        let error = Error::BackingOff { wait: Duration::from_secs(42), cause };
        assert_eq!((error.code(), error.retry_after()), (Code::RateLimited, Some(Duration::from_secs(42))));
        assert!(error.retryable() && error.server().is_some_and(|reply| reply.status == "429"));
    }

    #[test]
    fn a_store_has_the_last_word_on_its_own_failure_while_backing_off_as_well() {
        let failure = Failure {
            category: Category::Quota,
            action: Action::AskAdmin,
            scope: Scope::Mailbox,
            retryable: true,
            retry_after: Some(Duration::from_secs(9)),
            server: Some(ServerReply::new("418", "no tea", None)),
            ..Failure::new(Code::InvalidGrant, Some(Protocol::Imap), "shut")
        };
        let store = |failure: &Failure| Error::Store {
            operation: "load",
            consequence: "nobody knows",
            failure: Box::new(failure.clone()),
        };
        let waiting = Error::BackingOff { wait: Duration::from_secs(9), cause: Arc::new(store(&failure)) };
        for error in [store(&failure), waiting] {
            let seen = Failure::from(&error as &dyn Classify);
            let whole = Failure { message: seen.message.clone(), ..failure.clone() };
            assert_eq!(format!("{seen:?}"), format!("{whole:?}"));
        }
        let unknown = store(&Failure::new(Code::CallbackFailed, None, "it threw"));
        assert_eq!((unknown.code(), unknown.protocol()), (Code::CallbackFailed, Some(Protocol::OAuth)));
    }

    #[test]
    fn a_dead_grant_never_invites_a_retry() {
        let error = Error::BackingOff { wait: Duration::from_secs(42), cause: Arc::new(Error::NoRefreshToken) };
        assert_eq!((error.code(), error.retry_after(), error.retryable()), (Code::InvalidGrant, None, false));
    }
}
