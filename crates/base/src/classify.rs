//! How an error of any crate becomes one row of the table, plus what the server said.

use std::time::Duration;

use crate::code::{Action, Category, Code, Protocol, Scope};

/// Whether the server may have taken a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// It certainly has not: the message may be sent again.
    NotSent,
    /// The connection ended between the final dot and its reply: nobody knows.
    Unknown,
}

impl Delivery {
    /// The word of the public API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotSent => "not-sent",
            Self::Unknown => "unknown",
        }
    }
}

/// What the server said, with secrets removed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServerReply {
    /// `NO`, `BAD`, `BYE`; `535`; the HTTP status.
    pub status: String,
    /// Its text, shortened to [`ServerReply::MAX_TEXT`] and redacted.
    pub text: String,
    /// IMAP response code, SMTP enhanced status, OAuth `error`.
    pub code: Option<String>,
    /// Further facts as a JSON object (AADSTS numbers, `claims`, trace id), `None` when there are none.
    pub details: Option<String>,
}

impl ServerReply {
    /// A server's text is kept to this many characters: an error is no place for a mail.
    pub const MAX_TEXT: usize = 1000;

    /// Keeps what a person needs of a reply: control characters become spaces, secrets `[redacted]`, length is capped.
    pub fn new(status: impl Into<String>, text: &str, code: Option<String>) -> Self {
        Self { status: status.into(), text: crate::redact::text(text, Self::MAX_TEXT), code, details: None }
    }
}

/// Implemented by each crate's error enum. The binding knows errors by this trait alone.
///
/// `Display` is the sentence a developer reads: what was tried, on what, and what went wrong; never a secret.
pub trait Classify: std::error::Error {
    /// The row of the table.
    fn code(&self) -> Code;

    /// Which protocol was spoken; `None` before any was (bad arguments, files).
    fn protocol(&self) -> Option<Protocol>;

    /// Category; the row's unless the case is special.
    fn category(&self) -> Category {
        self.code().entry().category
    }

    /// Who has to act; the row's unless the case is special.
    fn action(&self) -> Action {
        self.code().entry().action
    }

    /// How much is affected; the row's unless the case is special.
    fn scope(&self) -> Scope {
        self.code().entry().scope
    }

    /// Whether the same call may succeed later, unchanged.
    fn retryable(&self) -> bool {
        self.code().entry().retryable
    }

    /// The server's own wish.
    fn retry_after(&self) -> Option<Duration> {
        None
    }

    /// What the server said.
    fn server(&self) -> Option<ServerReply> {
        None
    }

    /// SMTP only.
    fn delivery(&self) -> Option<Delivery> {
        None
    }
}

/// An error with everything the public `MailError` has, detached from the enum it came from.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// Row of the table.
    pub code: Code,
    /// See [`Classify::category`].
    pub category: Category,
    /// See [`Classify::action`].
    pub action: Action,
    /// See [`Classify::protocol`].
    pub protocol: Option<Protocol>,
    /// See [`Classify::scope`].
    pub scope: Scope,
    /// See [`Classify::retryable`].
    pub retryable: bool,
    /// See [`Classify::retry_after`].
    pub retry_after: Option<Duration>,
    /// See [`Classify::server`].
    pub server: Option<ServerReply>,
    /// See [`Classify::delivery`].
    pub delivery: Option<Delivery>,
    /// One sentence.
    pub message: String,
}

impl Failure {
    /// A failure of the table's row `code`, with nothing special about it.
    pub fn new(code: Code, protocol: Option<Protocol>, message: impl Into<String>) -> Self {
        let entry = code.entry();
        Self {
            code,
            category: entry.category,
            action: entry.action,
            protocol,
            scope: entry.scope,
            retryable: entry.retryable,
            retry_after: None,
            server: None,
            delivery: None,
            message: message.into(),
        }
    }

    /// The same, saying what became of a message. The first word stands.
    #[must_use]
    pub fn with_delivery(self, delivery: Delivery) -> Self {
        Self { delivery: self.delivery.or(Some(delivery)), ..self }
    }
}

impl From<&dyn Classify> for Failure {
    fn from(error: &dyn Classify) -> Self {
        Self {
            code: error.code(),
            category: error.category(),
            action: error.action(),
            protocol: error.protocol(),
            scope: error.scope(),
            retryable: error.retryable(),
            retry_after: error.retry_after(),
            server: error.server(),
            delivery: error.delivery(),
            message: error.to_string(),
        }
    }
}

impl Classify for Failure {
    fn code(&self) -> Code {
        self.code
    }
    fn protocol(&self) -> Option<Protocol> {
        self.protocol
    }
    fn category(&self) -> Category {
        self.category
    }
    fn action(&self) -> Action {
        self.action
    }
    fn scope(&self) -> Scope {
        self.scope
    }
    fn retryable(&self) -> bool {
        self.retryable
    }
    fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }
    fn server(&self) -> Option<ServerReply> {
        self.server.clone()
    }
    fn delivery(&self) -> Option<Delivery> {
        self.delivery
    }
}
