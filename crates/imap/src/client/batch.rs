//! Rows on their way to messages: a batch is what one thread parses at a time.

use std::collections::VecDeque;
use std::sync::Arc;

use email_base::compute;
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::{JoinError, JoinHandle};

use super::rows;
use crate::command::fetch_items::Items;
use crate::command::fetch_rows::Item;
use crate::error::{Error, Result};
use crate::grammar::{Content, Section};
use crate::types::{FetchQuery, FetchedMessage};

/// Rows parsed by one thread at a time…
pub(super) const BATCH_ROWS: usize = 64;
/// … and their bytes: enough to be worth a thread's wake-up, little enough to keep two busy.
const BATCH_BYTES: usize = 512 << 10;

/// Rows for one thread.
#[derive(Default)]
pub(super) struct Batch {
    items: Vec<Item>,
    rows: usize,
    bytes: usize,
}

/// The same rows, parsed; and the room they had.
pub(super) struct Parsed {
    pub(super) messages: Vec<FetchedMessage>,
    pub(super) room: Vec<OwnedSemaphorePermit>,
}

/// A batch under way.
pub(super) type Parsing = JoinHandle<std::result::Result<Parsed, JoinError>>;

impl Batch {
    pub(super) fn push(&mut self, item: Item) {
        if let Item::Row(row) = &item {
            self.bytes += row.sections.iter().map(section_bytes).sum::<usize>();
            self.rows += 1;
        }
        self.items.push(item);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    pub(super) fn is_full(&self) -> bool {
        self.rows >= BATCH_ROWS || self.bytes >= BATCH_BYTES
    }

    pub(super) fn spawn(self, query: &Arc<FetchQuery>, wanted: &Items) -> Parsing {
        let (query, wanted) = (Arc::clone(query), wanted.clone());
        compute::begin(move || Parsed::new(self.items, &query, &wanted))
    }
}

impl Parsed {
    pub(super) fn new(items: impl IntoIterator<Item = Item>, query: &FetchQuery, wanted: &Items) -> Self {
        let items = items.into_iter();
        let mut parsed = Self { messages: Vec::with_capacity(items.size_hint().0), room: Vec::new() };
        for item in items {
            match item {
                Item::Row(row) => parsed.messages.push(rows::message(*row, query, wanted)),
                Item::Oversize(row) => parsed.messages.push(rows::oversize(*row, query, wanted)),
                Item::Empty(uid) => parsed.messages.push(rows::empty(uid)),
                Item::Done(permit) => parsed.room.push(permit),
            }
        }
        parsed
    }
}

fn section_bytes(section: &Section) -> usize {
    match &section.content {
        Content::Inline(bytes) => bytes.len(),
        _ => 0,
    }
}

/// The oldest batch, parsed. Without one: never.
pub(super) async fn front(batches: &mut VecDeque<Parsing>) -> Result<Parsed> {
    match batches.front_mut() {
        Some(batch) => match batch.await {
            Ok(Ok(parsed)) => Ok(parsed),
            _ => Err(Error::Internal("a message could not be parsed")),
        },
        None => std::future::pending().await,
    }
}
