//! Streams: pages that JavaScript pulls, one promise a page.

use std::sync::Arc;

use email_base::Failure;
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use napi::bindgen_prelude::AsyncBlock;
use napi::{Env, Result};
use napi_derive::napi;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use crate::reply::{Payload, Reply, settle};

/// What a protocol gives: pages until the end or the first failure. Dropping it stops the work.
pub type Pages = BoxStream<'static, std::result::Result<Payload, Failure>>;

/// What `lib/stream.js` holds.
#[napi]
pub struct PageStream {
    pages: Arc<Mutex<Option<Pages>>>,
    closed: CancellationToken,
}

impl PageStream {
    pub fn new(pages: Pages) -> Self {
        Self { pages: Arc::new(Mutex::new(Some(pages))), closed: CancellationToken::new() }
    }
}

#[napi]
impl PageStream {
    /// The next page; `json` null means the end.
    #[napi]
    pub fn next(&self, env: Env) -> Result<AsyncBlock<Reply>> {
        let (slot, closed) = (self.pages.clone(), self.closed.clone());
        settle(&env, async move {
            let mut slot = slot.lock().await;
            let Some(pages) = slot.as_mut() else { return Ok(Payload::nothing()) };
            let page = tokio::select! {
                biased;
                () = closed.cancelled() => None,
                page = pages.next() => page,
            };
            match page {
                Some(Ok(page)) => Ok(page),
                Some(Err(failure)) => {
                    *slot = None;
                    Err(failure)
                }
                None => {
                    *slot = None;
                    Ok(Payload::nothing())
                }
            }
        })
    }

    /// The loop was left: stops the work at once.
    #[napi]
    pub fn close(&self) {
        self.closed.cancel();
        if let Ok(mut slot) = self.pages.try_lock() {
            slot.take();
        }
    }
}

impl Drop for PageStream {
    fn drop(&mut self) {
        self.closed.cancel();
    }
}
