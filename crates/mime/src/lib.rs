//! Floor 2: messages. Parsing that never fails, and building that streams; pure, no sockets, no async.

pub mod limits;
pub mod message;
pub mod options;
pub mod parse;

pub use message::{
    Address, Attachment, HeaderMap, Invite, ParsedMessage, Report, ReportKind, ReportedRecipient, Security,
};
pub use options::{AttachmentDetail, CidImages, HtmlPolicy, ParseLimits, ParseOptions, RemoteImages, SanitizeHtml};
pub use parse::{decode_header_text, parse, parse_headers};
