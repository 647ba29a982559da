//! Floor 2: messages. Parsing that never fails, and building that streams; pure, no sockets, no async.
//!
//! * [`parse()`]: octets to a [`ParsedMessage`]; what is wrong with them is told, never thrown.
//! * [`build()`]: a [`MessageInit`], checked, to a [`Built`] message whose [`Body`] is written chunk by chunk.
//! * [`reply_to`], [`forward`]: from a message that was read to one to build.
//! * [`outline()`]: the parts of a message as IMAP's BODYSTRUCTURE tells them.
//! * [`decode_header_text`], [`parse_date`], [`parse_headers`]: for envelopes and header fields that IMAP gives.

pub mod answer;
pub mod build;
pub mod error;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod html;
pub mod init;
pub mod limits;
pub mod message;
pub mod options;
pub mod parse;
mod preview;
mod thread;

pub use answer::{ForwardOptions, ReplyOptions, forward, reply_to};
pub use build::{Body, Built, Envelope, build, build_binary, build_draft};
pub use error::Error;
pub use init::{AttachmentInit, Content, ExtraHeaders, InviteInit, Mailbox, Mailboxes, MessageInit, Priority};
pub use message::{
    Address, Attachment, HeaderMap, Invite, ParsedMessage, Report, ReportKind, ReportedRecipient, Security,
};
pub use options::{AttachmentDetail, CidImages, HtmlPolicy, ParseLimits, ParseOptions, RemoteImages, SanitizeHtml};
pub use parse::{OutlinePart, decode_header_text, outline, parse, parse_date, parse_headers};
