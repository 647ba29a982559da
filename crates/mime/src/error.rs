//! Why a message could not be built. (Parsing does not fail.)

use email_base::{Classify, Code, Protocol};

/// A message that cannot be built; nothing was sent or written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An address is none, or could be read as two different ones.
    #[error("{field}: {address} is not an address: {reason}")]
    InvalidAddress {
        /// The argument, as the contract spells it.
        field: String,
        /// What was given, shortened and escaped.
        address: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Another argument cannot be used.
    #[error("{field}: {reason}")]
    InvalidArgument {
        /// The argument, as the contract spells it.
        field: String,
        /// What is wrong with it.
        reason: String,
    },
    /// An attachment's file cannot be opened or is no file.
    #[error("attachments: cannot read {path}: {reason}")]
    FileUnreadable {
        /// As it was given.
        path: String,
        /// The system's words.
        reason: String,
    },
}

impl Error {
    /// Longest piece of an argument that an error repeats.
    const MAX_QUOTE: usize = 80;

    pub(crate) fn argument(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::InvalidArgument { field: field.into(), reason: reason.into() }
    }

    pub(crate) fn address(field: &str, address: &str, reason: &'static str) -> Self {
        Self::InvalidAddress { field: field.to_owned(), address: quote(address), reason }
    }
}

/// `text` in quotes, control characters escaped, not longer than a line.
pub(crate) fn quote(text: &str) -> String {
    let mut shown: String = text.chars().take(Error::MAX_QUOTE).flat_map(char::escape_debug).collect();
    if text.chars().nth(Error::MAX_QUOTE).is_some() {
        shown.push('…');
    }
    format!("\"{shown}\"")
}

impl Classify for Error {
    fn code(&self) -> Code {
        match self {
            Self::InvalidAddress { .. } => Code::InvalidAddress,
            Self::InvalidArgument { .. } => Code::InvalidArgument,
            Self::FileUnreadable { .. } => Code::FileUnreadable,
        }
    }

    fn protocol(&self) -> Option<Protocol> {
        Some(Protocol::Mime)
    }
}
