//! Why a session can read no more.

use std::io;

/// The end of the stream. Final: nothing after it is ever read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum End {
    /// The server closed the connection.
    #[error("the server closed the connection{}", if *.mid_response { " in the middle of a response" } else { "" })]
    Closed {
        /// In the middle of a response.
        mid_response: bool,
    },
    /// The connection broke.
    #[error("the connection broke: {kind}")]
    Io {
        /// What the system or TLS said.
        kind: io::ErrorKind,
    },
    /// See [`super::Limits::max_line_bytes`].
    #[error("the server sent a response longer than {limit} bytes (limits.maxLineBytes)")]
    LineTooLong {
        /// The limit.
        limit: usize,
    },
    /// See [`super::Limits::max_literal_bytes`].
    #[error("the server sent more than {limit} bytes of literals in one response (limits.maxLiteralBytes)")]
    LiteralTooLarge {
        /// The limit.
        limit: usize,
    },
    /// See [`super::Limits::max_nesting`].
    #[error("the server sent parentheses nested deeper than {limit} (limits.maxNesting)")]
    NestingTooDeep {
        /// The limit.
        limit: usize,
    },
    /// A bound that is not the caller's to change.
    #[error("the server sent more than {limit} {what} in one response")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
    /// See [`super::MAX_DEFLATE_SURPLUS`].
    #[error("the server sent compressed data that inflates to more than {limit} bytes of nothing")]
    DeflateBomb {
        /// The limit.
        limit: u64,
    },
    /// After COMPRESS the server sent something else than DEFLATE, or ended it.
    #[error("the server sent broken compressed data")]
    BadCompression,
    /// `{-1}`, `{}`: where the next response starts cannot be known.
    #[error("the server announced a literal without a length")]
    MalformedLiteral,
}

impl End {
    /// Whether one of the limits was reached.
    pub fn is_limit(&self) -> bool {
        matches!(
            self,
            Self::LineTooLong { .. }
                | Self::LiteralTooLarge { .. }
                | Self::NestingTooDeep { .. }
                | Self::TooMany { .. }
                | Self::DeflateBomb { .. }
        )
    }

    /// Whether the connection went away: the same work on a new one may succeed.
    pub fn is_lost(&self) -> bool {
        matches!(self, Self::Closed { .. } | Self::Io { .. })
    }
}

impl From<End> for io::Error {
    fn from(end: End) -> Self {
        let kind = match &end {
            End::Closed { .. } => io::ErrorKind::UnexpectedEof,
            End::Io { kind } => *kind,
            _ => io::ErrorKind::InvalidData,
        };
        Self::new(kind, end)
    }
}
