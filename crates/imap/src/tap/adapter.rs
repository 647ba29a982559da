//! The stream that async-imap reads and writes.

use std::fmt;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};

use super::control::TapControl;
use super::deflate::{self, Deflate};
use super::end::End;
use super::frames::{Frames, Step};
use super::limits::Limits;
use super::passed;
use super::queue::{Events, Shared};
use crate::grammar;

/// Room for one read from a quiet stream: an idle session has to stay small.
const QUIET_READ: usize = 4 << 10;

/// Room for one read from a stream that filled the last one.
const BUSY_READ: usize = 64 << 10;

/// Written bytes that wait for a flush. async-imap makes three to four small writes of a command; an APPEND's literal
/// goes past this buffer.
const WRITE_BUFFER: usize = 16 << 10;

/// Lines for async-imap that wait while it writes. Stops a server that completes commands without end.
const MAX_PASSED: usize = 64 << 10;

/// See the [module](super).
pub struct Tap<S> {
    stream: S,
    frames: Frames,
    events: Shared,
    control: TapControl,
    /// Lines for async-imap.
    passed: BytesMut,
    /// Written, and not yet on its way to the server.
    written: BytesMut,
    /// Bytes for the server, compressed if that is spoken.
    unsent: BytesMut,
    /// COMPRESS (RFC 4978), once it is spoken.
    deflate: Option<Box<Deflate>>,
    /// Something was written that the stream was not asked to flush.
    unflushed: bool,
    /// Whether the greeting is still to come: async-imap gets it, but no other untagged line.
    awaits_greeting: bool,
    busy: bool,
    end: Option<End>,
}

impl<S> Tap<S> {
    /// Over a fresh connection: the server speaks first.
    pub fn new(stream: S, limits: Limits) -> (Self, Events, TapControl) {
        let (shared, events) = Events::new();
        let control = TapControl::default();
        let tap = Self {
            stream,
            frames: Frames::new(limits),
            events: shared,
            control: control.clone(),
            passed: BytesMut::new(),
            written: BytesMut::new(),
            unsent: BytesMut::new(),
            deflate: None,
            unflushed: false,
            awaits_greeting: true,
            busy: false,
            end: None,
        };
        (tap, events, control)
    }

    /// Over a connection whose greeting was read before, in clear text, ahead of STARTTLS.
    pub fn after_greeting(stream: S, limits: Limits) -> (Self, Events, TapControl) {
        let (mut tap, events, control) = Self::new(stream, limits);
        tap.awaits_greeting = false;
        (tap, events, control)
    }

    fn finish(&mut self, end: End) {
        if self.end.is_none() {
            tracing::debug!(target: "imap", %end, "session ended");
            self.control.set_end(end.clone());
            self.end = Some(end);
            self.frames = Frames::new(Limits::default());
        }
        self.events.end();
    }

    fn deliver(&mut self, frame: &grammar::Frame) {
        let event = grammar::response(frame);
        if let Some(line) = passed::line(&event, self.awaits_greeting) {
            self.awaits_greeting = false;
            self.passed.extend_from_slice(line.as_bytes());
        }
        if let grammar::Event::Completion(completion) = &event {
            self.completed(completion.status == grammar::CompletionStatus::Ok);
        }
        self.events.push(event, frame.size());
    }

    /// Whatever stands behind the OK of COMPRESS is compressed: it must never be read as it is.
    fn completed(&mut self, ok: bool) {
        if let Some(deflate) = &mut self.deflate {
            deflate.settle();
        }
        if self.control.completed(ok) && self.deflate.is_none() {
            self.deflate = Some(Box::new(Deflate::new(self.frames.buffer.split())));
        }
    }
}

impl<S: AsyncRead + Unpin> Tap<S> {
    /// Reads until there is a line for async-imap, or the end.
    fn poll_lines(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while self.passed.is_empty() && self.end.is_none() {
            ready!(self.poll_step(cx));
        }
        Poll::Ready(())
    }

    /// One response, one piece of a body, or one read.
    fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(sink) = self.frames.sink() {
            ready!(sink.poll_room(cx));
        }
        ready!(self.events.poll_room(cx));
        let control = &self.control;
        match self.frames.step(|| control.sink()) {
            Ok(Step::Response(frame)) => self.deliver(&frame),
            Ok(Step::Body(sink, chunk)) => sink.push(chunk),
            Ok(Step::Starved) => ready!(self.poll_fill(cx)),
            Err(end) => self.finish(end),
        }
        Poll::Ready(())
    }

    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match self.deflate.as_mut().map(|deflate| deflate.step(&mut self.frames.buffer)) {
            Some(Ok(true)) => return Poll::Ready(()),
            Some(Err(end)) => {
                self.finish(end);
                return Poll::Ready(());
            }
            Some(Ok(false)) | None => {}
        }
        if self.deflate.is_none()
            && let Some(mut room) = self.frames.apart()
        {
            // How much it reads says nothing of how much there is.
            let read = ready!(pin!(self.stream.read_buf(&mut room)).poll(cx));
            self.count(read);
            return Poll::Ready(());
        }
        let buffer = match &mut self.deflate {
            Some(deflate) => &mut deflate.wire,
            None => &mut self.frames.buffer,
        };
        if buffer.capacity().saturating_sub(buffer.len()) < QUIET_READ {
            buffer.reserve(if self.busy { BUSY_READ } else { QUIET_READ });
        }
        let Poll::Ready(read) = pin!(self.stream.read_buf(buffer)).poll(cx) else {
            if buffer.is_empty() {
                // Nobody knows for how long: thousands of watchers wait here.
                *buffer = BytesMut::new();
            }
            if self.frames.buffer.is_empty() {
                self.frames.buffer = BytesMut::new();
            }
            return Poll::Pending;
        };
        self.busy = read.as_ref().is_ok_and(|read| *read >= QUIET_READ);
        self.count(read);
        Poll::Ready(())
    }

    fn count(&mut self, read: io::Result<usize>) {
        match read {
            Ok(0) => {
                let mid_response = self.frames.is_mid_response();
                self.finish(End::Closed { mid_response });
            }
            Ok(read) => self.control.count_read(read),
            Err(error) => self.fail(&error),
        }
    }
}

impl<S> Tap<S> {
    /// A TLS peer that goes without a farewell is one that closed.
    fn fail(&mut self, error: &io::Error) {
        let end = match error.kind() {
            io::ErrorKind::UnexpectedEof => End::Closed { mid_response: self.frames.is_mid_response() },
            kind => End::Io { kind },
        };
        self.finish(end);
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Tap<S> {
    /// Sends what waits. While it cannot, answers are read: see the deadlock rule.
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.pack();
        while !self.unsent.is_empty() {
            match Pin::new(&mut self.stream).poll_write(cx, &self.unsent) {
                Poll::Ready(sent) => {
                    let sent = ready!(self.sent(cx, sent))?;
                    self.unsent.advance(sent);
                }
                Poll::Pending => return self.read_meanwhile(cx),
            }
        }
        Poll::Ready(Ok(()))
    }

    /// What was written goes on its way, compressed or not.
    fn pack(&mut self) {
        if self.written.is_empty() {
            return;
        }
        if self.deflate.is_some() {
            deflate::store(&self.written, &mut self.unsent);
            self.written.clear();
        } else {
            self.unsent.unsplit(self.written.split());
        }
    }

    fn sent(&mut self, cx: &mut Context<'_>, sent: io::Result<usize>) -> Poll<io::Result<usize>> {
        let sent = match sent {
            Ok(0) => Err(io::ErrorKind::WriteZero.into()),
            other => other,
        };
        match &sent {
            Ok(bytes) => {
                self.control.count_written(*bytes);
                self.unflushed = true;
            }
            Err(error) if is_gone(error) => return self.read_meanwhile(cx),
            Err(error) => self.fail(error),
        }
        Poll::Ready(sent)
    }

    /// Always pending, unless the session ended.
    fn read_meanwhile<T>(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        while self.passed.len() < MAX_PASSED && self.end.is_none() {
            if self.poll_step(cx).is_pending() {
                return Poll::Pending;
            }
        }
        match &self.end {
            Some(end) => Poll::Ready(Err(end.clone().into())),
            None => Poll::Pending,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Tap<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_lines(cx));
        if !this.passed.is_empty() {
            let length = this.passed.len().min(out.remaining());
            out.put_slice(&this.passed.split_to(length));
            return Poll::Ready(Ok(()));
        }
        match &this.end {
            // What async-imap calls a lost connection.
            Some(End::Closed { mid_response: false }) | None => Poll::Ready(Ok(())),
            Some(end) => Poll::Ready(Err(end.clone().into())),
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Tap<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if let Some(end) = &this.end {
            return Poll::Ready(Err(end.clone().into()));
        }
        if this.written.len().saturating_add(bytes.len()) <= WRITE_BUFFER {
            this.written.extend_from_slice(bytes);
            return Poll::Ready(Ok(bytes.len()));
        }
        ready!(this.poll_send(cx))?;
        if this.deflate.is_some() {
            let some = bytes.get(..WRITE_BUFFER.min(bytes.len())).unwrap_or_default();
            this.written.extend_from_slice(some);
            return Poll::Ready(Ok(some.len()));
        }
        match Pin::new(&mut this.stream).poll_write(cx, bytes) {
            Poll::Ready(sent) => this.sent(cx, sent),
            Poll::Pending => this.read_meanwhile(cx),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.control.is_corked() {
            return Poll::Ready(Ok(()));
        }
        if this.control.takes_line() {
            let line = this.written.split();
            let tag = line.iter().position(|byte| *byte == b' ').and_then(|end| line.get(..end)).unwrap_or_default();
            this.passed.extend_from_slice(tag);
            this.passed.extend_from_slice(b" OK -\r\n");
            return Poll::Ready(Ok(()));
        }
        ready!(this.poll_send(cx))?;
        if this.unflushed {
            match Pin::new(&mut this.stream).poll_flush(cx) {
                Poll::Ready(Ok(())) => this.unflushed = false,
                Poll::Ready(Err(error)) if is_gone(&error) => return this.read_meanwhile(cx),
                Poll::Ready(Err(error)) => {
                    this.fail(&error);
                    return Poll::Ready(Err(error));
                }
                Poll::Pending => return this.read_meanwhile(cx),
            }
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_send(cx))?;
        Pin::new(&mut this.stream).poll_shutdown(cx)
    }
}

/// The peer has gone: what it has said before is heard, then the end.
fn is_gone(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset)
}

impl<S> Drop for Tap<S> {
    /// Whoever waits for events or bodies gets to know.
    fn drop(&mut self) {
        self.finish(End::Closed { mid_response: false });
    }
}

impl<S> fmt::Debug for Tap<S> {
    /// Without its buffers: they hold commands and mail.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tap").field("end", &self.end).finish_non_exhaustive()
    }
}
