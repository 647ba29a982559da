//! COMPRESS=DEFLATE (RFC 4978): when it is worth its round trip and the processors of both ends.
//!
//! By default a connection begins with it when it has brought something, over a network, more slowly than servers
//! compress: the line is what costs the time then, and mail compresses to a half or less. It never does on a watcher's
//! quiet connection (44 kB of dictionary each), nor on loopback.

use super::link::Link;
use crate::command::line::Line;
use crate::error::Result;
use crate::grammar::CompletionStatus;

/// Octets that a connection has brought before it is looked at: less is not worth the round trip.
const WORTHWHILE: u64 = 256 << 10;
/// Octets a second. A line that brings more is faster than many servers compress.
const FAST: u64 = 8 << 20;

/// What the caller wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Policy {
    Never,
    /// Where it pays.
    Auto,
    /// From the first command on.
    Always,
}

impl From<Option<bool>> for Policy {
    fn from(given: Option<bool>) -> Self {
        match given {
            None => Self::Auto,
            Some(true) => Self::Always,
            Some(false) => Self::Never,
        }
    }
}

impl Link {
    /// Whether to begin with compression now: the server offers it, and it pays.
    pub(super) fn compression_pays(&self, policy: Policy) -> bool {
        if self.compression_tried || !self.has("COMPRESS=DEFLATE") {
            return false;
        }
        match policy {
            Policy::Never => false,
            Policy::Always => true,
            Policy::Auto => self.is_far && pays(self.meter().pace()),
        }
    }

    /// Begins with it, between two commands. A server that refuses is not asked again.
    pub(super) async fn compress(&mut self) -> Result<()> {
        self.compression_tried = true;
        // What is still to be answered comes uncompressed.
        self.drain().await?;
        self.meter().await_compression();
        let line = Line::new("COMPRESS").arg("DEFLATE");
        let tag = self.send(&line).await?;
        let done = self.completion(&tag, &line, &mut |_| {}).await?;
        let compressed = done.status == CompletionStatus::Ok;
        tracing::debug!(target: "imap", compressed, "COMPRESS");
        Ok(())
    }
}

fn pays((octets, time): (u64, std::time::Duration)) -> bool {
    let ms = u64::try_from(time.as_millis()).unwrap_or(u64::MAX).max(1);
    octets >= WORTHWHILE && octets.saturating_mul(1000) / ms < FAST
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn it_pays_on_slow_lines_that_bring_something() {
        assert!(pays((1 << 20, Duration::from_secs(1))));
        assert!(!pays((1 << 20, Duration::from_millis(50))), "a fast line");
        assert!(!pays((1 << 10, Duration::from_secs(1))), "too little to be worth a round trip");
    }
}
