//! The verbs, one file each (RFC 9051 §6): arguments checked, the line built, the answer collected.
//!
//! A [`Command`](crate::connection::Command) leaves no answer of its own unread when it returns `Ok`.

pub(crate) mod append;
pub(crate) mod argument;
pub(crate) mod binary;
pub(crate) mod copy;
pub(crate) mod create;
pub(crate) mod date;
pub(crate) mod delete;
pub(crate) mod delete_mailbox;
pub(crate) mod fetch;
pub(crate) mod fetch_items;
pub(crate) mod fetch_rows;
pub(crate) mod id;
pub(crate) mod line;
pub(crate) mod list;
pub(crate) mod mend;
pub(crate) mod r#move;
pub(crate) mod part;
pub(crate) mod rename;
pub(crate) mod replace;
pub(crate) mod resolve;
pub(crate) mod search;
pub(crate) mod status;
pub(crate) mod store;
mod targets;
pub(crate) mod watch;
pub(crate) mod windows;

/// A command line is kept below this: Exchange refuses some 10 kB (`BAD Command Error. 10`), RFC 7162 §4 wants 8192
/// octets taken. It is for the UID set; the rest of the line is short.
pub(crate) const MAX_SET_BYTES: usize = 7000;
