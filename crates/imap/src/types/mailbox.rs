//! Mailboxes as `list` and `status` give them.

use serde::Serialize;

use super::{ModSeq, SpecialUse};

/// One mailbox of `list`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MailboxInfo {
    /// Decoded, Unicode: the name to pass back.
    pub path: String,
    /// Its last level.
    pub name: String,
    /// Hierarchy delimiter; `None` where the namespace is flat.
    pub delimiter: Option<String>,
    /// Path of the level above.
    pub parent: Option<String>,
    /// Attributes as the server wrote them (`\HasChildren`).
    pub attributes: Vec<String>,
    /// From attributes, else from well-known names.
    pub special_use: Option<SpecialUse>,
    /// Whether it can be opened.
    pub selectable: bool,
    /// Whether the user subscribed to it.
    pub subscribed: bool,
    /// When asked for and given.
    pub status: Option<MailboxStatus>,
}

/// Counters of one mailbox (RFC 9051 §7.3.4).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MailboxStatus {
    /// Messages in it.
    pub messages: u32,
    /// Messages without `\Seen`.
    pub unseen: u32,
    /// The next message gets at least this UID.
    pub uid_next: u32,
    /// UIDs are good only together with this number.
    pub uid_validity: u32,
    /// `None` without CONDSTORE (RFC 7162).
    pub highest_mod_seq: Option<ModSeq>,
    /// Octets; `None` without `STATUS=SIZE` (RFC 8438).
    pub size: Option<u64>,
}
