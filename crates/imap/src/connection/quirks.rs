//! What one server does differently, learned from what it did: shared by the connections of one client.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

/// Sessions in a row that may end over BINARY before the server is not asked for it any more.
const BINARY_SESSIONS: u32 = 3;

/// Named quirks. Each costs something once, and is worked around from then on.
#[derive(Debug, Default)]
pub(crate) struct Quirks {
    ignores_partial: AtomicBool,
    refuses_binary: AtomicBool,
    lost_over_binary: AtomicU32,
    confuses_searches: AtomicBool,
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

    /// Of several searches under way it cannot be told which one a row of UIDs answers.
    pub(crate) fn confuses_searches(&self) -> bool {
        self.confuses_searches.load(Ordering::Relaxed)
    }

    /// It was seen to.
    pub(crate) fn note_confused_searches(&self) {
        if !self.confuses_searches.swap(true, Ordering::Relaxed) {
            tracing::debug!(target: "imap", "the server works on several searches at once: they are asked one by one");
        }
    }

    /// It offers BINARY, and does not know it or falls over it.
    pub(crate) fn avoids_binary(&self) -> bool {
        self.refuses_binary.load(Ordering::Relaxed) || self.lost_over_binary.load(Ordering::Relaxed) >= BINARY_SESSIONS
    }

    /// It was seen to call it BAD.
    pub(crate) fn note_refused_binary(&self) {
        if !self.refuses_binary.swap(true, Ordering::Relaxed) {
            tracing::debug!(target: "imap", "the server offers BINARY and refuses it");
        }
    }

    /// A session ended over it. Broken parts do that on a sound server too; one after the other do not.
    pub(crate) fn note_lost_over_binary(&self) {
        self.lost_over_binary.fetch_add(1, Ordering::Relaxed);
    }

    /// It decoded a part.
    pub(crate) fn note_decoded(&self) {
        self.lost_over_binary.store(0, Ordering::Relaxed);
    }
}
