//! What crosses the border: the contract's result shapes (serialised) and inputs (deserialised and checked at once).
//!
//! An input type that exists is valid: wrong values are refused while deserialising, before any byte is sent.

mod fetch_query;
mod mailbox;
mod message;
mod mod_seq;
mod search_query;
mod special_use;
mod special_use_names;
mod uid_mapping;

pub use fetch_query::{FetchQuery, HeaderFields, MessageDetail};
pub use mailbox::{MailboxInfo, MailboxStatus};
pub use message::{Address, BodyPart, Degraded, Envelope, FetchedMessage, Flag};
pub use mod_seq::ModSeq;
pub use search_query::{HeaderMatch, SearchQuery};
pub use special_use::SpecialUse;
pub use uid_mapping::{UidMapping, UidPair};
