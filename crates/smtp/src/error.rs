//! Everything that can go wrong, sorted by who is to blame.

use std::io;
use std::time::Duration;

use email_base::{
    Action, Category, Classify, Code, Delivery, Failure, Interrupted, Protocol, Scope, ServerReply, TokenError,
};

use crate::phase::Phase;
use crate::reply::Malformed;

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Longest piece of an unusable address that is repeated in a sentence.
const MAX_SHOWN: usize = 80;

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    // ── the caller
    /// A value cannot be used; nothing was sent.
    #[error("{what} {why}")]
    Argument {
        /// The option's name.
        what: &'static str,
        /// What is wrong with it.
        why: &'static str,
    },
    /// An address of the envelope is no RFC 5321 mailbox.
    #[error("the address \"{}\" cannot be used: {why}", shown(address))]
    InvalidAddress {
        /// As it was given.
        address: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// `envelope.to` is empty.
    #[error("the message has no recipient")]
    NoRecipients,
    /// A chunk of the message could not be had: an attachment's file, most likely.
    #[error("the message cannot be read: {0}")]
    Body(#[source] io::Error),
    /// The client was closed before or during the call.
    #[error("the SMTP client was closed")]
    Closed,
    /// Abort or deadline.
    #[error("{why} while {phase}")]
    Interrupted {
        /// Which of the two.
        why: Interrupted,
        /// What was being done.
        phase: &'static str,
    },

    // ── the way there
    /// No connection, no TLS.
    #[error(transparent)]
    Net(#[from] email_net::Error),
    /// The connection ended.
    #[error("the connection to the SMTP server ended while {phase}{}", because(detail))]
    ConnectionLost {
        /// What was being done.
        phase: &'static str,
        /// What the operating system said.
        detail: Option<String>,
    },
    /// The server offers no STARTTLS, or refused it.
    #[error("the SMTP server {}; the connection was closed rather than continued in clear text",
        if server.is_some() { "refused STARTTLS" } else { "offers no STARTTLS" })]
    StartTlsUnavailable {
        /// Its refusal.
        server: Option<Box<ServerReply>>,
    },

    // ── who
    /// No access token could be had.
    #[error("no access token for the SMTP server: {0}")]
    Tokens(TokenError),
    /// Nothing that the server offers fits the credentials.
    #[error("the SMTP server offers no sign-in for {wanted} (it offers: {offered})")]
    MechanismUnavailable {
        /// "an access token" or "a password".
        wanted: &'static str,
        /// Its AUTH line, or "none".
        offered: String,
    },

    // ── the server
    /// A 4yz or 5yz reply.
    #[error("the SMTP server refused {what}: {} {}", server.status, server.text)]
    Refused {
        /// What it means.
        code: Code,
        /// What was refused.
        what: String,
        /// What it said.
        server: Box<ServerReply>,
        /// When the next try is worth it.
        retry_after: Option<Duration>,
    },
    /// The message needs what the server does not have.
    #[error("the SMTP server does not offer {extension}, which {need} needs")]
    CapabilityMissing {
        /// EHLO keyword.
        extension: &'static str,
        /// What needs it.
        need: &'static str,
    },
    /// Larger than the server's SIZE (RFC 1870).
    #[error("the message has {size} bytes, the SMTP server accepts {limit}")]
    MessageTooLarge {
        /// Of the message.
        size: u64,
        /// Of the server.
        limit: u64,
    },
    /// It does not speak SMTP.
    #[error("the SMTP server broke the protocol while {phase}: {detail}")]
    Protocol {
        /// What was being done.
        phase: &'static str,
        /// What is wrong.
        detail: String,
    },

    // ── how much
    /// The mailbox's own limit: the call's deadline is before its turn.
    #[error("the mailbox's sending limit leaves no turn before the deadline; the next is in {} s", retry_after.as_secs().saturating_add(1))]
    RateLimited {
        /// Until its turn.
        retry_after: Duration,
    },

    /// Any of the above in a `send`, with what became of the message.
    #[error("{error}{}", if *delivery == Delivery::Unknown { "; the server may have taken the message" } else { "" })]
    Send {
        /// Whether the server may have the message.
        delivery: Delivery,
        /// What went wrong.
        #[source]
        error: Box<Error>,
    },
}

impl Error {
    pub(crate) fn interrupted(why: Interrupted, phase: Phase) -> Self {
        Self::Interrupted { why, phase: phase.doing() }
    }

    pub(crate) fn lost(phase: Phase, error: Option<&io::Error>) -> Self {
        Self::ConnectionLost { phase: phase.doing(), detail: error.map(io::Error::to_string) }
    }

    pub(crate) fn malformed(phase: Phase, what: Malformed) -> Self {
        Self::Protocol { phase: phase.doing(), detail: what.to_string() }
    }

    /// The same error, saying what became of the message. The first word stands.
    pub(crate) fn with_delivery(self, delivery: Delivery) -> Self {
        match self {
            Self::Send { .. } => self,
            error => Self::Send { delivery, error: Box::new(error) },
        }
    }

    /// Below [`Error::Send`].
    pub(crate) fn cause(&self) -> &Self {
        match self {
            Self::Send { error, .. } => error.cause(),
            error => error,
        }
    }

    /// The server, not the message, is why: it closes the session, or has forgotten who signed in.
    pub(crate) fn is_hang_up(&self) -> bool {
        match self {
            Self::Send { error, .. } => error.is_hang_up(),
            Self::ConnectionLost { .. } => true,
            Self::Refused { code: Code::ServerUnavailable, server, .. } => server.status == "421",
            Self::Refused { code: Code::MechanismUnavailable, server, .. } => server.status == "530",
            _ => false,
        }
    }

    /// Where to say when to try again, if the server said only that it was too much.
    pub(crate) fn missing_retry_after(&mut self) -> Option<&mut Option<Duration>> {
        match self {
            Self::Send { error, .. } => error.missing_retry_after(),
            Self::Refused { code: Code::RateLimited, retry_after, .. } if retry_after.is_none() => Some(retry_after),
            _ => None,
        }
    }

    /// What a body's error is: that of the code which made the body, if it gave one.
    fn body_failure(error: &io::Error) -> Option<&Failure> {
        error.get_ref().and_then(|inner| inner.downcast_ref())
    }
}

impl Classify for Error {
    fn code(&self) -> Code {
        match self {
            Self::Argument { .. } => Code::InvalidArgument,
            Self::InvalidAddress { .. } => Code::InvalidAddress,
            Self::NoRecipients => Code::NoRecipients,
            Self::Body(error) => Self::body_failure(error).map_or(Code::FileUnreadable, |failure| failure.code),
            Self::Closed => Code::Closed,
            Self::Interrupted { why: Interrupted::Aborted, .. } => Code::Aborted,
            Self::Interrupted { why: Interrupted::TimedOut, .. } => Code::Timeout,
            Self::Net(error) => error.code(),
            Self::ConnectionLost { .. } => Code::ConnectionLost,
            Self::StartTlsUnavailable { .. } => Code::StarttlsUnavailable,
            Self::Tokens(error) => error.code(),
            Self::MechanismUnavailable { .. } => Code::MechanismUnavailable,
            Self::Refused { code, .. } => *code,
            Self::CapabilityMissing { .. } => Code::CapabilityMissing,
            Self::MessageTooLarge { .. } => Code::MessageTooLarge,
            Self::Protocol { .. } => Code::ProtocolViolation,
            Self::RateLimited { .. } => Code::RateLimited,
            Self::Send { error, .. } => error.code(),
        }
    }

    fn protocol(&self) -> Option<Protocol> {
        match self {
            Self::Send { error, .. } => error.protocol(),
            Self::Tokens(error) => error.protocol(),
            Self::Body(error) => Self::body_failure(error).and_then(|failure| failure.protocol),
            Self::Argument { .. } | Self::InvalidAddress { .. } | Self::NoRecipients => None,
            _ => Some(Protocol::Smtp),
        }
    }

    fn category(&self) -> Category {
        match self {
            Self::Send { error, .. } => error.category(),
            Self::Net(error) => error.category(),
            Self::Tokens(error) => error.category(),
            _ => self.code().entry().category,
        }
    }

    fn action(&self) -> Action {
        match self {
            Self::Send { error, .. } => error.action(),
            Self::Net(error) => error.action(),
            Self::Tokens(error) => error.action(),
            _ => self.code().entry().action,
        }
    }

    fn scope(&self) -> Scope {
        match self {
            Self::Send { error, .. } => error.scope(),
            Self::Net(error) => error.scope(),
            Self::Tokens(error) => error.scope(),
            _ => self.code().entry().scope,
        }
    }

    fn retryable(&self) -> bool {
        match self {
            // Unchanged and without a look into Sent, such a message might go out twice.
            Self::Send { delivery: Delivery::Unknown, .. } => false,
            Self::Send { error, .. } => error.retryable(),
            Self::Net(error) => error.retryable(),
            Self::Tokens(error) => error.retryable(),
            Self::Refused { code, server, .. } => code.entry().retryable || server.status.starts_with('4'),
            _ => self.code().entry().retryable,
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Send { error, .. } => error.retry_after(),
            Self::Net(error) => error.retry_after(),
            Self::Tokens(error) => error.retry_after(),
            Self::RateLimited { retry_after } => Some(*retry_after),
            Self::Refused { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    fn server(&self) -> Option<ServerReply> {
        match self {
            Self::Send { error, .. } => error.server(),
            Self::Net(error) => error.server(),
            Self::Tokens(error) => error.server(),
            Self::Refused { server, .. } => Some((**server).clone()),
            Self::StartTlsUnavailable { server } => server.as_deref().cloned(),
            _ => None,
        }
    }

    fn delivery(&self) -> Option<Delivery> {
        match self {
            Self::Send { delivery, .. } => Some(*delivery),
            _ => None,
        }
    }
}

/// One line, no control characters, not without end.
fn shown(address: &str) -> String {
    let mut text: String = address.chars().take(MAX_SHOWN).flat_map(char::escape_debug).collect();
    if address.chars().nth(MAX_SHOWN).is_some() {
        text.push('…');
    }
    text
}

fn because(detail: &Option<String>) -> String {
    detail.as_ref().map(|detail| format!(" ({detail})")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_outcome_is_never_advised_to_be_retried() {
        let lost = || Error::lost(Phase::Dot, None);
        let unknown = lost().with_delivery(Delivery::Unknown);
        assert_eq!(unknown.code(), Code::ConnectionLost);
        assert_eq!(unknown.delivery(), Some(Delivery::Unknown));
        assert!(!unknown.retryable());
        let not_sent = lost().with_delivery(Delivery::NotSent).with_delivery(Delivery::Unknown);
        assert_eq!(not_sent.delivery(), Some(Delivery::NotSent), "the first word stands");
        assert!(not_sent.retryable());
    }

    #[test]
    fn sentences_stay_on_one_line() {
        let error = Error::InvalidAddress { address: "a\r\nb\0".to_owned() + &"x".repeat(500), why: "it is bad" };
        let sentence = error.to_string();
        assert!(!sentence.contains(['\r', '\n', '\0']) && sentence.len() < 200, "{sentence}");
    }

    #[test]
    fn a_bodys_own_failure_keeps_its_code() {
        let own = Failure::new(Code::LimitExceeded, Some(Protocol::Mime), "too many parts");
        let error = Error::Body(io::Error::other(own));
        assert_eq!((error.code(), error.protocol()), (Code::LimitExceeded, Some(Protocol::Mime)));
        assert_eq!(Error::Body(io::ErrorKind::NotFound.into()).code(), Code::FileUnreadable);
    }
}
