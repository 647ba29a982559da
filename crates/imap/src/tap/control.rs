//! What others may ask of, and tell, a tap that async-imap owns.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use email_base::clock::{self, Instant};

use super::body::{Bodies, Sink};
use super::end::End;

/// A handle on a [`super::Tap`], good wherever the tap itself is. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct TapControl(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    end: Option<End>,
    sink: Option<Arc<Sink>>,
    bytes_read: u64,
    bytes_written: u64,
    corked: bool,
    answers_line: bool,
    first_byte: FirstByte,
    deflate: DeflateState,
    pace: Pace,
}

/// Whether the session is compressed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum DeflateState {
    #[default]
    Off,
    /// The next tagged OK switches it on, for everything behind it.
    Armed,
    On,
}

/// How fast bytes come, while they come.
#[derive(Debug, Clone, Copy, Default)]
struct Pace {
    last: Option<Instant>,
    bytes: u64,
    time: Duration,
}

/// A longer silence is none of the line's: nobody had anything to say.
const LULL: Duration = Duration::from_millis(50);

/// When the first byte came after somebody began to wait for it.
#[derive(Debug, Clone, Copy, Default)]
enum FirstByte {
    #[default]
    Unasked,
    Awaited,
    Came(Instant),
}

impl TapControl {
    /// Why the session can read no more; `None` while it can.
    pub fn end(&self) -> Option<End> {
        self.lock().end.clone()
    }

    /// Bytes taken from the stream so far: a watchdog sees by it whether the server is alive.
    pub fn bytes_read(&self) -> u64 {
        self.lock().bytes_read
    }

    /// Bytes given to the stream so far.
    pub fn bytes_written(&self) -> u64 {
        self.lock().bytes_written
    }

    /// Begins to wait for the first byte of an answer: see [`Self::first_byte`].
    pub fn await_first_byte(&self) {
        self.lock().first_byte = FirstByte::Awaited;
    }

    /// When it came: from then on it is the line's rate that counts, not its latency.
    pub fn first_byte(&self) -> Option<Instant> {
        match self.lock().first_byte {
            FirstByte::Came(at) => Some(at),
            FirstByte::Unasked | FirstByte::Awaited => None,
        }
    }

    /// Octets and the time they took to come, silences left out.
    pub fn pace(&self) -> (u64, Duration) {
        let state = self.lock();
        (state.pace.bytes, state.pace.time)
    }

    /// The next completion is that of COMPRESS (RFC 4978): if it is OK, everything behind it is compressed. No other
    /// command may be under way.
    pub fn await_compression(&self) {
        self.lock().deflate = DeflateState::Armed;
    }

    /// Whether the session is compressed.
    pub fn is_compressed(&self) -> bool {
        self.lock().deflate == DeflateState::On
    }

    /// A command has ended; `true` when compression begins here.
    pub(super) fn completed(&self, ok: bool) -> bool {
        let mut state = self.lock();
        let begins = state.deflate == DeflateState::Armed && ok;
        if state.deflate == DeflateState::Armed {
            state.deflate = if ok { DeflateState::On } else { DeflateState::Off };
        }
        begins
    }

    /// While corked, flushing waits: commands that are written one by one go out together, as far as the write buffer
    /// holds them. Flush after taking it off again.
    pub fn cork(&self, corked: bool) {
        self.lock().corked = corked;
    }

    /// The next line that is flushed is not sent: async-imap gets an OK to it at once.
    pub(crate) fn answer_next_line(&self) {
        self.lock().answers_line = true;
    }

    /// From now on, literals of `BODY[…]` and `BINARY[…]` with at least `min_bytes` go to the returned [`Bodies`], of
    /// which at most about `capacity` bytes wait. Their rows say [`crate::grammar::Content::Streamed`]. NIL, quoted
    /// strings and smaller literals stay in their rows. Replaces the one before.
    ///
    /// Call it before the FETCH is sent. `max_literal_bytes` does not hold for these literals: they are not kept.
    pub fn stream_bodies(&self, min_bytes: u64, capacity: usize) -> Bodies {
        let (sink, bodies) = Bodies::new(min_bytes, capacity);
        self.lock().sink = Some(Arc::new(sink));
        bodies
    }

    /// Literals go the ordinary way again; ends the [`Bodies`]. Call it when the FETCH is complete.
    pub fn stop_bodies(&self) {
        self.lock().sink = None;
    }

    pub(super) fn takes_line(&self) -> bool {
        std::mem::take(&mut self.lock().answers_line)
    }

    pub(super) fn is_corked(&self) -> bool {
        self.lock().corked
    }

    pub(super) fn sink(&self) -> Option<Arc<Sink>> {
        self.lock().sink.clone()
    }

    pub(super) fn count_read(&self, bytes: usize) {
        let mut state = self.lock();
        state.bytes_read = state.bytes_read.saturating_add(bytes as u64);
        let now = clock::now();
        if matches!(state.first_byte, FirstByte::Awaited) {
            state.first_byte = FirstByte::Came(now);
        }
        let since = state.pace.last.replace(now).map(|last| now.saturating_duration_since(last));
        if let Some(since) = since.filter(|since| *since < LULL) {
            state.pace.bytes = state.pace.bytes.saturating_add(bytes as u64);
            state.pace.time = state.pace.time.saturating_add(since);
        }
    }

    pub(super) fn count_written(&self, bytes: usize) {
        let mut state = self.lock();
        state.bytes_written = state.bytes_written.saturating_add(bytes as u64);
    }

    /// The first end counts; it ends the bodies too.
    pub(super) fn set_end(&self, end: End) {
        let mut state = self.lock();
        state.end.get_or_insert(end);
        state.sink = None;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
