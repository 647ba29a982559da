//! Big literals on their way past the buffer: `download` takes them chunk by chunk.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;

use super::limits::BYTES_CEILING;

/// As much as a caller may allow in memory. No provider takes in a message as large: a longer literal is a lie, and would be
/// waited for in vain. What is longer all the same can be had in windows.
const MAX_STREAMED: u64 = BYTES_CEILING as u64;

/// What of a body comes next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BodyChunk {
    /// A literal begins.
    Start {
        /// What stood in the brackets of `BODY[…]`, as the server wrote it.
        section: String,
        /// From `BINARY[…]`: already decoded by the server.
        binary: bool,
        /// Where a partial fetch starts; `None` also from servers that ignore partials.
        origin: Option<u64>,
        /// Bytes announced; exactly so many follow, unless the connection ends.
        size: u64,
    },
    /// Some of its bytes, never none.
    Data(Bytes),
    /// The literal is complete.
    End,
}

/// Where the literals of a FETCH go. When it is dropped they go into the void, until [`super::TapControl::stop_bodies`]: the
/// session stays in step.
#[derive(Debug)]
pub struct Bodies(Arc<Mutex<State>>);

/// The tap's end.
#[derive(Debug)]
pub(super) struct Sink {
    state: Arc<Mutex<State>>,
    min_bytes: u64,
}

#[derive(Debug)]
struct State {
    chunks: VecDeque<BodyChunk>,
    bytes: usize,
    capacity: usize,
    ended: bool,
    abandoned: bool,
    taker: Option<Waker>,
    giver: Option<Waker>,
}

impl Bodies {
    /// Literals of `min_bytes` and more are sent here; at most about `capacity` bytes wait.
    pub(super) fn new(min_bytes: u64, capacity: usize) -> (Sink, Self) {
        let state = Arc::new(Mutex::new(State {
            chunks: VecDeque::new(),
            bytes: 0,
            capacity: capacity.max(1),
            ended: false,
            abandoned: false,
            taker: None,
            giver: None,
        }));
        (Sink { state: Arc::clone(&state), min_bytes }, Self(state))
    }

    /// The next chunk. `None` when the session ended or [`super::TapControl::stop_bodies`] was called. Cancel-safe.
    pub async fn next(&mut self) -> Option<BodyChunk> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// See [`Self::next`].
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<BodyChunk>> {
        let mut state = lock(&self.0);
        match state.chunks.pop_front() {
            Some(chunk) => {
                state.bytes = state.bytes.saturating_sub(weight(&chunk));
                wake(&mut state.giver);
                Poll::Ready(Some(chunk))
            }
            None if state.ended => Poll::Ready(None),
            None => {
                state.taker = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl Drop for Bodies {
    fn drop(&mut self) {
        let mut state = lock(&self.0);
        state.abandoned = true;
        state.chunks.clear();
        wake(&mut state.giver);
    }
}

impl Sink {
    /// Whether a literal of `size` bytes is to come here. No message is larger than [`MAX_STREAMED`]: such a literal is
    /// treated as any other one beyond the limit.
    pub(super) fn wants(&self, size: u64) -> bool {
        (self.min_bytes..=MAX_STREAMED).contains(&size)
    }

    /// Ready when one more chunk may be put in.
    pub(super) fn poll_room(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = lock(&self.state);
        if state.abandoned || state.bytes < state.capacity {
            return Poll::Ready(());
        }
        state.giver = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Puts a chunk in; into the void when nobody takes them.
    pub(super) fn push(&self, chunk: BodyChunk) {
        let mut state = lock(&self.state);
        if !state.abandoned {
            state.bytes = state.bytes.saturating_add(weight(&chunk));
            state.chunks.push_back(chunk);
            wake(&mut state.taker);
        }
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        let mut state = lock(&self.state);
        state.ended = true;
        wake(&mut state.taker);
    }
}

/// A chunk weighs its bytes and something for itself: else a dribble of one-byte chunks would be unbounded.
fn weight(chunk: &BodyChunk) -> usize {
    const CHUNK: usize = 64;
    match chunk {
        BodyChunk::Data(bytes) => bytes.len().saturating_add(CHUNK),
        BodyChunk::Start { .. } | BodyChunk::End => CHUNK,
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn wake(waker: &mut Option<Waker>) {
    if let Some(waker) = waker.take() {
        waker.wake();
    }
}
