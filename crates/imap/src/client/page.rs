//! What is gathered for JavaScript: as many messages as it asked for, or fewer when they are large.

use std::time::Duration;

use email_base::clock::{self, Instant};

use super::batch::Parsed;
use super::feed::Outlet;
use super::rows;
use crate::error::{Error, Result};
use crate::types::FetchedMessage;

/// A page ends at this many bytes, however few its rows: two of them are held.
const PAGE_BYTES: usize = 4 << 20;
/// Rows for which there is room in a page from the start.
const USUAL_PAGE: usize = 64;

/// What becomes of a page before it waits for whoever reads.
pub type Ready<T> = fn(Vec<FetchedMessage>) -> T;

/// Gathers messages to pages and hands them out.
pub(super) struct Page<T> {
    messages: Vec<FetchedMessage>,
    bytes: usize,
    size: usize,
    linger: Option<Duration>,
    /// When what is in it has waited long enough.
    due: Option<Instant>,
    ready: Ready<T>,
    outlet: Outlet<T>,
}

impl<T> Page<T> {
    pub(super) fn new(size: usize, ready: Ready<T>, outlet: Outlet<T>) -> Self {
        Self { messages: Vec::new(), bytes: 0, size, linger: None, due: None, ready, outlet }
    }

    pub(super) fn lingering(self, linger: Duration) -> Self {
        Self { linger: Some(linger), ..self }
    }

    /// Resolves when the page has to go, full or not.
    pub(super) async fn overdue(&self) {
        match self.due {
            Some(due) if !self.messages.is_empty() => clock::sleep_until(due).await,
            _ => std::future::pending().await,
        }
    }

    pub(super) async fn take(&mut self, parsed: Parsed) -> Result<()> {
        for message in parsed.messages {
            self.bytes += rows::weight(&message);
            if self.messages.is_empty() {
                self.messages.reserve(self.size.min(USUAL_PAGE));
                self.due = self.linger.and_then(|linger| clock::now().checked_add(linger));
            }
            self.messages.push(message);
            if self.messages.len() >= self.size || self.bytes >= PAGE_BYTES {
                self.hand_out().await?;
            }
        }
        // Only now is the chunk's room free: its last row has been handed out or is in this page.
        drop(parsed.room);
        Ok(())
    }

    pub(super) async fn finish(mut self) -> Result<()> {
        if self.messages.is_empty() { Ok(()) } else { self.hand_out().await }
    }

    pub(super) fn hand_out(&mut self) -> impl Future<Output = Result<()>> + '_ {
        let page = (self.ready)(std::mem::take(&mut self.messages));
        self.bytes = 0;
        async move { self.outlet.send(Ok(page)).await.map_err(|_| Error::Internal("a stream's reader ended")) }
    }
}
