//! What one server does differently, learned from what it did: shared by the connections of one client.

use std::sync::atomic::{AtomicBool, Ordering};

/// Named quirks. Each costs something once, and is worked around from then on.
#[derive(Debug, Default)]
pub(crate) struct Quirks {
    ignores_partial: AtomicBool,
}

impl Quirks {
    /// `BODY[…]<offset.length>` brings everything, whatever was asked (Tencent Exmail).
    pub(crate) fn ignores_partial(&self) -> bool {
        self.ignores_partial.load(Ordering::Relaxed)
    }

    /// It was seen to.
    pub(crate) fn note_ignored_partial(&self) {
        if !self.ignores_partial.swap(true, Ordering::Relaxed) {
            tracing::debug!(target: "imap", "the server ignores partial fetches");
        }
    }
}
