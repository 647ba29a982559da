//! Where copied and moved messages went (COPYUID, RFC 9051 §7.1).

use serde::Serialize;

/// Old and new UIDs; `None` when the server does not tell.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UidMapping {
    /// Of the destination.
    pub uid_validity: Option<u32>,
    /// One pair per message.
    pub uids: Option<Vec<UidPair>>,
}

/// One message's UID before and after.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct UidPair {
    /// In the source mailbox.
    pub from: u32,
    /// In the destination.
    pub to: u32,
}
