//! Everything that can go wrong, sorted by who is to blame: the caller, the network, the proof of identity, the server.

use std::time::Duration;

use email_base::{Action, Category, Classify, Code, Interrupted, Protocol, ServerReply, TokenError};
use email_net as net;

/// This crate's results.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why an IMAP call failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    // ── the caller
    /// A value cannot be used; nothing was sent.
    #[error("{argument}: {reason}")]
    InvalidArgument {
        /// Name of the argument.
        argument: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// A UID set outside RFC 9051's `sequence-set`; nothing was sent.
    #[error("uids: {0}")]
    InvalidUidSet(String),
    /// A mailbox name that no command can carry; nothing was sent.
    #[error("mailbox name: {0}")]
    InvalidMailboxName(&'static str),
    /// A cursor that `sync` has not made, or not for this mailbox; nothing was changed.
    #[error("the cursor cannot be used: {0}")]
    InvalidCursor(&'static str),
    /// The client was closed, by the caller or by a refused login.
    #[error("the IMAP client is closed")]
    Closed,
    /// Aborted, or out of time.
    #[error("{0}")]
    Interrupted(#[from] Interrupted),

    /// Out of time while all connections that the mailbox may have were in use, by this process itself.
    #[error("the call's deadline passed while every connection of this mailbox was in use")]
    ConnectionsInUse {
        /// Until then one should be free.
        retry_after: Duration,
    },

    // ── the network
    /// TCP, TLS, proxy.
    #[error(transparent)]
    Net(Box<net::Error>),
    /// The connection ended while a reply was awaited.
    #[error("the IMAP connection ended during {during}{}", said(.bye))]
    ConnectionLost {
        /// The command.
        during: &'static str,
        /// The server's farewell, if it gave one.
        bye: Option<Box<ServerReply>>,
    },
    /// The server kept the connection open and said nothing for as long as the read watchdog waits.
    #[error("the IMAP server sent nothing for {} s during {during}", .waited.as_secs())]
    Silent {
        /// The command.
        during: &'static str,
        /// How long was waited.
        waited: Duration,
    },

    // ── TLS
    /// No STARTTLS, or it was refused.
    #[error("the IMAP server does not upgrade to TLS: {reason}")]
    StarttlsUnavailable {
        /// What happened instead.
        reason: &'static str,
        /// The refusal.
        reply: Option<Box<ServerReply>>,
    },
    /// Clear text that no honest server sends at that point.
    #[error("the clear-text IMAP dialogue was tampered with: {0}")]
    StarttlsInjection(&'static str),

    // ── who
    /// No mechanism fits both sides.
    #[error("no login mechanism: {0}")]
    MechanismUnavailable(String),
    /// User and password were refused.
    #[error("the IMAP server refused user and password{}", text(.0))]
    AuthenticationFailed(Box<ServerReply>),
    /// The access token was refused.
    #[error("the IMAP server refused the access token{}", text(.0))]
    TokenRefused(Box<ServerReply>),
    /// The source of tokens has none.
    #[error("no access token: {0}")]
    Token(TokenError),
    /// Signed in, and no mailbox opens.
    #[error("signed in, but the IMAP server opens no mailbox{}", text(.0))]
    MailboxUnavailable(Box<ServerReply>),
    /// NetEase and others: the client did not say who it is.
    #[error("the provider wants to know the client before it opens a mailbox; pass `clientId`{}", text(.0))]
    UnsafeLogin(Box<ServerReply>),

    // ── what
    /// No such mailbox, or one that cannot be opened.
    #[error("there is no mailbox {path:?}{}", said(.reply))]
    MailboxNotFound {
        /// As the caller named it.
        path: String,
        /// The refusal.
        reply: Option<Box<ServerReply>>,
    },
    /// No such message.
    #[error("there is no message with UID {uid} in {path:?}")]
    MessageNotFound {
        /// Mailbox.
        path: String,
        /// Asked for.
        uid: u32,
    },
    /// No such part.
    #[error("the message with UID {uid} has no part {part}")]
    PartNotFound {
        /// Message.
        uid: u32,
        /// Asked for.
        part: String,
    },
    /// UIDs mean other messages now.
    #[error("UIDVALIDITY of {path:?} is {found}, not {expected}: its UIDs mean other messages now")]
    UidValidityChanged {
        /// Mailbox.
        path: String,
        /// The caller's.
        expected: u32,
        /// The server's.
        found: u32,
    },

    // ── the server's no
    /// A tagged NO or BAD.
    #[error("the IMAP server refused {command}{}", text(.reply))]
    Refused {
        /// The command.
        command: &'static str,
        /// The row of the table that the reply means.
        code: Code,
        /// What it said.
        reply: Box<ServerReply>,
        /// When to try again.
        retry_after: Option<Duration>,
    },
    /// A move without MOVE got no further than its copies. Never `retryable`: the same call would copy once more.
    #[error(
        "the messages were copied, but the originals remain in {path:?}; copied again they would be there twice: {cause}"
    )]
    OriginalsRemain {
        /// The mailbox they were to leave.
        path: String,
        /// Why they could not be removed.
        cause: Box<Error>,
    },
    /// A replacement got no further than the new version. Never `retryable`: the same call would store it once more.
    #[error(
        "the new version is stored, but UID {uid} remains in {path:?}; stored again it would be there twice: {cause}"
    )]
    OldVersionRemains {
        /// The mailbox of both.
        path: String,
        /// The old version.
        uid: u32,
        /// Why it could not be removed.
        cause: Box<Error>,
    },
    /// A set too long for one command was dealt with in part. Never `retryable`: the same call would copy once more, or move
    /// others.
    #[error(
        "the messages of {path:?} up to UID {through} were {done} already, so this call must not be made again as it was: {cause}"
    )]
    PartlyDone {
        /// The mailbox they are from.
        path: String,
        /// What was done with them: `copied` or `moved`.
        done: &'static str,
        /// Those of the set with this UID and lower ones. Of the others nothing was done, if the cause is the server's no.
        through: u32,
        /// Why it went no further.
        cause: Box<Error>,
    },
    /// The server has no way to do it.
    #[error("the IMAP server lacks {extension}, which {call} needs")]
    CapabilityMissing {
        /// Name of the extension.
        extension: &'static str,
        /// The call.
        call: &'static str,
    },
    /// Not IMAP, or not legal IMAP.
    #[error("the IMAP server broke the protocol: {0}")]
    ProtocolViolation(String),
    /// The message was there and its bytes were not.
    #[error("the IMAP server gave no content for the message with UID {0}")]
    IncompleteMessage(u32),

    // ── limits
    /// A limit of ours, named.
    #[error("{what}: more than the limit of {limit} ({name})")]
    LimitExceeded {
        /// What was too large.
        what: &'static str,
        /// Its limit.
        limit: u64,
        /// The option or constant that sets it.
        name: &'static str,
    },
    /// Larger than the server takes (RFC 7889).
    #[error("the message has {size} bytes, the IMAP server takes {limit}")]
    MessageTooLarge {
        /// Of the message.
        size: u64,
        /// APPENDLIMIT.
        limit: u64,
    },
    /// A defect of ours.
    #[error("internal error: {0}")]
    Internal(&'static str),
}

impl Error {
    pub(crate) fn argument(argument: &'static str, reason: impl Into<String>) -> Self {
        Self::InvalidArgument { argument, reason: reason.into() }
    }

    pub(crate) fn protocol(what: impl Into<String>) -> Self {
        Self::ProtocolViolation(what.into())
    }

    /// The connection is no longer in step and must be dropped.
    pub(crate) fn ends_connection(&self) -> bool {
        matches!(self, Self::ConnectionLost { .. } | Self::Silent { .. } | Self::Net(_) | Self::ProtocolViolation(_))
            || matches!(self, Self::LimitExceeded { name, .. } if name.starts_with("limits"))
    }

    /// Something was done that the same call would do once more.
    fn is_half_done(&self) -> bool {
        matches!(self, Self::OriginalsRemain { .. } | Self::PartlyDone { .. } | Self::OldVersionRemains { .. })
    }

    /// A literal was larger than the caller's limit, and ended the session.
    pub(crate) fn is_oversize_literal(&self) -> bool {
        matches!(self, Self::LimitExceeded { name: "limits.maxLiteralBytes", .. })
    }

    /// The connection went away: what only reads may be asked again on another one.
    pub(crate) fn is_lost_connection(&self) -> bool {
        match self {
            Self::ConnectionLost { .. } => self.code() == Code::ConnectionLost,
            Self::Silent { .. } => true,
            Self::Net(error) => matches!(error.code(), Code::ConnectionLost),
            _ => false,
        }
    }

    /// The server is asked nothing more for a while, in no other way either.
    pub(crate) fn asks_for_pause(&self) -> bool {
        self.code() == Code::RateLimited || self.retry_after().is_some()
    }

    /// The server, or the source of tokens, has said no to the user: trying again would only lock the account.
    pub(crate) fn is_refused_login(&self) -> bool {
        matches!(self, Self::AuthenticationFailed(_) | Self::TokenRefused(_) | Self::MechanismUnavailable(_))
            || matches!(self, Self::Token(error) if error.category() == Category::Auth && !error.retryable())
    }
}

impl From<net::Error> for Error {
    fn from(error: net::Error) -> Self {
        match error {
            // Nothing about the network: the call's own end.
            net::Error::Interrupted(why) => Self::Interrupted(why),
            other => Self::Net(Box::new(other)),
        }
    }
}

fn text(reply: &ServerReply) -> String {
    if reply.text.is_empty() { String::new() } else { format!(": {}", reply.text) }
}

fn said(reply: &Option<Box<ServerReply>>) -> String {
    reply.as_deref().map(text).unwrap_or_default()
}

impl Classify for Error {
    fn code(&self) -> Code {
        match self {
            Self::InvalidArgument { .. } => Code::InvalidArgument,
            Self::InvalidUidSet(_) => Code::InvalidUidSet,
            Self::InvalidMailboxName(_) => Code::InvalidMailboxName,
            Self::InvalidCursor(_) => Code::InvalidCursor,
            Self::Closed => Code::Closed,
            Self::Interrupted(Interrupted::Aborted) => Code::Aborted,
            Self::Interrupted(Interrupted::TimedOut) | Self::ConnectionsInUse { .. } => Code::Timeout,
            Self::Net(error) => error.code(),
            Self::ConnectionLost { bye, .. } => bye.as_deref().map_or(Code::ConnectionLost, farewell),
            Self::Silent { .. } => Code::ConnectionLost,
            Self::StarttlsUnavailable { .. } => Code::StarttlsUnavailable,
            Self::StarttlsInjection(_) => Code::StarttlsInjection,
            Self::MechanismUnavailable(_) => Code::MechanismUnavailable,
            Self::AuthenticationFailed(_) => Code::AuthenticationFailed,
            Self::TokenRefused(_) => Code::TokenRefused,
            Self::Token(error) => error.code(),
            Self::MailboxUnavailable(_) | Self::UnsafeLogin(_) => Code::MailboxUnavailable,
            Self::MailboxNotFound { .. } => Code::MailboxNotFound,
            Self::MessageNotFound { .. } => Code::MessageNotFound,
            Self::PartNotFound { .. } => Code::PartNotFound,
            Self::UidValidityChanged { .. } => Code::UidValidityChanged,
            Self::Refused { code, .. } => *code,
            Self::OriginalsRemain { cause, .. }
            | Self::PartlyDone { cause, .. }
            | Self::OldVersionRemains { cause, .. } => match cause.code() {
                code @ (Code::Timeout | Code::ConnectionLost) => code,
                // Whoever reads no more than the code must not take it for something that passes.
                code if code.entry().retryable => Code::CommandRejected,
                code => code,
            },
            Self::CapabilityMissing { .. } => Code::CapabilityMissing,
            Self::ProtocolViolation(_) => Code::ProtocolViolation,
            Self::IncompleteMessage(_) => Code::IncompleteMessage,
            Self::LimitExceeded { .. } => Code::LimitExceeded,
            Self::MessageTooLarge { .. } => Code::MessageTooLarge,
            Self::Internal(_) => Code::Internal,
        }
    }

    fn protocol(&self) -> Option<Protocol> {
        match self {
            Self::InvalidArgument { .. }
            | Self::InvalidUidSet(_)
            | Self::InvalidMailboxName(_)
            | Self::InvalidCursor(_) => None,
            Self::Token(error) => error.protocol(),
            _ => Some(Protocol::Imap),
        }
    }

    fn category(&self) -> Category {
        match self {
            Self::Net(error) => error.category(),
            Self::Token(error) => error.category(),
            _ => self.code().entry().category,
        }
    }

    fn action(&self) -> Action {
        match self {
            Self::Net(error) => error.action(),
            Self::Token(error) => error.action(),
            Self::UnsafeLogin(_) => Action::FixConfig,
            _ if self.is_half_done() && self.code().entry().retryable => Action::None,
            _ => self.code().entry().action,
        }
    }

    fn scope(&self) -> email_base::Scope {
        match self {
            Self::Net(error) => error.scope(),
            Self::Token(error) => error.scope(),
            _ => self.code().entry().scope,
        }
    }

    fn retryable(&self) -> bool {
        match self {
            Self::Net(error) => error.retryable(),
            Self::Token(error) => error.retryable(),
            Self::UnsafeLogin(_) => false,
            _ if self.is_half_done() => false,
            _ => self.code().entry().retryable,
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused { retry_after, .. } => *retry_after,
            Self::ConnectionsInUse { retry_after } => Some(*retry_after),
            Self::ConnectionLost { bye: Some(reply), .. } => crate::connection::refusal::backoff_time(&reply.text),
            Self::Net(error) => error.retry_after(),
            Self::Token(error) => error.retry_after(),
            _ => None,
        }
    }

    fn server(&self) -> Option<ServerReply> {
        match self {
            Self::ConnectionLost { bye: reply, .. }
            | Self::StarttlsUnavailable { reply, .. }
            | Self::MailboxNotFound { reply, .. } => reply.as_deref().cloned(),
            Self::AuthenticationFailed(reply)
            | Self::TokenRefused(reply)
            | Self::MailboxUnavailable(reply)
            | Self::UnsafeLogin(reply)
            | Self::Refused { reply, .. } => Some((**reply).clone()),
            Self::OriginalsRemain { cause, .. }
            | Self::PartlyDone { cause, .. }
            | Self::OldVersionRemains { cause, .. } => cause.server(),
            Self::Net(error) => error.server(),
            Self::Token(error) => error.server(),
            _ => None,
        }
    }
}

/// What a BYE means: most often that the connection is gone, sometimes that the account is throttled.
fn farewell(reply: &ServerReply) -> Code {
    match crate::connection::refusal::row(reply) {
        Code::RateLimited => Code::RateLimited,
        Code::ServerUnavailable => Code::ServerUnavailable,
        _ => Code::ConnectionLost,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_throttling_farewell_is_a_rate_limit_with_its_time() {
        let bye = ServerReply::new("BYE", "Request is throttled. Suggested Backoff Time: 299961 milliseconds", None);
        let error = Error::ConnectionLost { during: "UID FETCH", bye: Some(Box::new(bye)) };
        assert_eq!(error.code(), Code::RateLimited);
        assert_eq!(error.retry_after(), Some(Duration::from_millis(299_961)));
        assert!(!error.is_lost_connection(), "asking again at once would make it worse");
    }

    #[test]
    fn an_expired_session_is_a_lost_connection() {
        let bye = ServerReply::new("BYE", "Session invalidated - AccessTokenExpired", None);
        let error = Error::ConnectionLost { during: "UID FETCH", bye: Some(Box::new(bye)) };
        assert_eq!(error.code(), Code::ConnectionLost);
        assert!(error.is_lost_connection());
    }
}
