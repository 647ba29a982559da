//! Floor 2: IMAP4rev1 and IMAP4rev2 (RFC 3501, RFC 9051) on async-imap.
//!
//! ```text
//! Client ─ calls ─► connection (queue, one actor each) ─ command (one file a verb) ─► async-imap ─► tap ─► net::Stream
//!   ▲                                                                                                │
//!   └── pages, chunks ◄── mime, decoders ◄── rows, windows ◄── grammar (events, in wire order) ◄─────┘
//! ```
//!
//! * [`Client`]: every call names its mailbox; there is no selected state to get wrong.
//! * [`Pages`], [`Chunks`], [`Watcher`]: results of `fetch`, `download`, `watch`; any call may be made meanwhile.
//! * [`reach`]: as far as the login, without one.
//! * [`types`]: what goes in and comes out, as the public API spells it.
//! * [`Error`]: why not; its rows are in `email_base::code`.

mod client;
mod command;
mod connection;
mod error;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
pub mod grammar;
mod options;
pub mod sync;
pub mod tap;
pub mod types;
pub mod uid_set;
pub mod utf7;

pub use client::{Chunks, Client, MailboxEvent, MailboxEventKind, Pages, Ready, Watcher};
pub use command::append::AppendResult;
pub use connection::reach;
pub use error::{Error, Result};
pub use options::{
    AppendOptions, DEFAULT_PAGE_SIZE, DownloadOptions, FetchOptions, ListQuery, MAX_PAGE_SIZE, MailboxOptions, Options,
    ReplaceOptions,
};
pub use tap::Limits;
pub use uid_set::{InvalidUidSet, UidRange, UidRanges, UidSet};
