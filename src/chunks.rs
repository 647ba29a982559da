//! `download`'s stream: bytes written into a buffer that JavaScript brings.
//!
//! A buffer of ours would live until its finalizer is called, and V8 does that only in a full collection, tens of
//! megabytes later. One of its own goes with the other young objects.

use std::sync::Arc;

use bytes::{Buf as _, Bytes};
use email_base::Failure;
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use napi::bindgen_prelude::{AsyncBlock, Buffer};
use napi::{Env, Result};
use napi_derive::napi;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use crate::reply::{Payload, Reply, settle};

/// Runs of bytes until the end or the first failure. Dropping it stops the work.
pub type Chunks = BoxStream<'static, std::result::Result<Bytes, Failure>>;

/// What `lib/imap.js` holds of a download.
#[napi]
pub struct ChunkStream {
    state: Arc<Mutex<State>>,
    closed: CancellationToken,
}

struct State {
    chunks: Option<Chunks>,
    /// What did not fit into the last buffer.
    rest: Bytes,
}

impl ChunkStream {
    pub fn new(chunks: Chunks) -> Self {
        let state = State { chunks: Some(chunks), rest: Bytes::new() };
        Self { state: Arc::new(Mutex::new(state)), closed: CancellationToken::new() }
    }
}

#[napi]
impl ChunkStream {
    /// Fills the beginning of `room`, and says how much of it; `json` null means the end.
    #[napi]
    pub fn next(&self, env: Env, mut room: Buffer) -> Result<AsyncBlock<Reply>> {
        let (state, closed) = (self.state.clone(), self.closed.clone());
        settle(&env, async move {
            let mut state = state.lock().await;
            let more = tokio::select! {
                biased;
                () = closed.cancelled() => None,
                more = state.more() => more.transpose()?,
            };
            let Some(mut bytes) = more else { return Ok(Payload::nothing()) };
            let length = bytes.len().min(room.len());
            bytes.split_to(length).copy_to_slice(room.get_mut(..length).unwrap_or_default());
            state.rest = bytes;
            Ok(Payload::filled(length, room))
        })
    }

    /// The loop was left: stops the work at once.
    #[napi]
    pub fn close(&self) {
        self.closed.cancel();
        if let Ok(mut state) = self.state.try_lock() {
            state.chunks = None;
        }
    }
}

impl State {
    async fn more(&mut self) -> Option<std::result::Result<Bytes, Failure>> {
        if !self.rest.is_empty() {
            return Some(Ok(std::mem::take(&mut self.rest)));
        }
        let more = self.chunks.as_mut()?.next().await;
        if !matches!(more, Some(Ok(_))) {
            self.chunks = None;
        }
        more
    }
}

impl Drop for ChunkStream {
    fn drop(&mut self) {
        self.closed.cancel();
    }
}
