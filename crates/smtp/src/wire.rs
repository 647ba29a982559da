//! The tap between lettre and the socket.
//!
//! ```text
//!            commands                                  replies, one line per read
//!   lettre ────────────┐                        ┌───────────────────────────────> lettre
//!                      ├─> Tap ── io ── Tap ─┬──┘
//!   message chunks ────┘   (Wire::send)      └─> Reply, whole and as the server wrote it
//! ```
//!
//! It gives lettre only lines that lettre can read (UTF-8, CRLF, bounded, known digits) and keeps what lettre drops: the
//! lines of a refusal, the EHLO reply, why a connection ended. Messages go past lettre, because its iterator is not
//! asynchronous; while they do, the tap listens for a server that speaks or hangs up before it is its turn.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::{Buf, BytesMut};
use lettre::transport::smtp::client::AsyncTokioStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::reply::{self, Assembler, MAX_REPLY_LINE, Malformed, Reply};

/// What a session runs over.
pub(crate) trait Io: AsyncRead + AsyncWrite + Send + Sync + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Sync + Unpin> Io for T {}

/// Text of one line as handed to lettre, which refuses longer ones than 1,000. The whole is in the [`Reply`].
const MAX_LETTRE_TEXT: usize = 900;
/// How a server says that it does not know EHLO (RFC 5321 §4.1.4).
const NO_EHLO: [u16; 4] = [500, 501, 502, 504];
/// Replies that may be waiting while we write; stops a server that talks without end.
const MAX_UNREAD: usize = 64 * 1024;
/// Read from the socket at once.
const READ: usize = 4 * 1024;

/// The session's own hand on the wire.
#[derive(Clone)]
pub(crate) struct Wire(Arc<Mutex<State>>);

/// The end that lettre holds.
pub(crate) struct Tap(Wire);

/// Why nothing more is to be had from a connection.
#[derive(Debug)]
pub(crate) enum Fault {
    /// It ended; with an error, or in good order.
    Ended(Option<io::Error>),
    /// What came is no SMTP.
    Malformed(Malformed),
}

/// Why [`Wire::send`] stopped.
#[derive(Debug)]
pub(crate) enum Stopped {
    /// The server says something before it is its turn: read it.
    Spoken,
    /// The connection ended.
    Ended(Option<io::Error>),
}

/// Whether the server has something to say while we write.
#[derive(Debug, Clone, Copy)]
enum Turn {
    /// Not before so many bytes are taken.
    Ours(usize),
    /// Yes, but a refusal says that no more is wanted.
    Shared,
}

impl Turn {
    /// The server has nothing to say, or nothing good, when so many bytes are taken.
    fn covers(self, taken: usize) -> bool {
        match self {
            Self::Ours(ours) => taken < ours,
            Self::Shared => true,
        }
    }

    /// Whether what has come means that the rest is not wanted.
    fn is_over(self, inbox: &[u8]) -> bool {
        match self {
            Self::Ours(_) => inbox.contains(&b'\n') || inbox.len() > MAX_REPLY_LINE,
            Self::Shared => {
                let refuses = |line: &[u8]| line.ends_with(b"\n") && matches!(line.first(), Some(b'4' | b'5'));
                inbox.len() > MAX_UNREAD || inbox.split_inclusive(|&byte| byte == b'\n').any(refuses)
            }
        }
    }
}

struct State {
    io: Box<dyn Io>,
    /// Received, not yet looked at.
    inbox: BytesMut,
    /// A line on its way to lettre.
    line: BytesMut,
    assembler: Assembler,
    /// The last whole reply that lettre was given.
    reply: Option<Reply>,
    replies: u64,
    fault: Option<Fault>,
    ended: bool,
    /// Of the last [`Wire::send`]: bytes that the socket (or TLS) has not taken.
    unsent: usize,
    /// What to say when the server does not know EHLO (RFC 5321 §3.2); lettre hears only of the answer to this.
    helo: Option<String>,
    /// Ours to write, before anything is read.
    outbox: BytesMut,
    /// After a refusal lettre would say QUIT and wait for an answer; this lets it fail instead.
    opening: bool,
}

impl Wire {
    /// Puts a tap on `io`. `greeting` was read before TLS and is told to lettre, which expects one first. `helo` is said
    /// to a server that does not know EHLO.
    pub(crate) fn new(io: Box<dyn Io>, greeting: Option<&Reply>, helo: Option<String>) -> (Self, Tap) {
        let mut inbox = BytesMut::new();
        if let Some(greeting) = greeting {
            inbox.extend_from_slice(format!("{} \r\n", greeting.code).as_bytes());
        }
        let wire = Self(Arc::new(Mutex::new(State {
            io,
            inbox,
            line: BytesMut::new(),
            assembler: Assembler::default(),
            reply: None,
            replies: 0,
            fault: None,
            ended: false,
            unsent: 0,
            helo,
            outbox: BytesMut::new(),
            opening: true,
        })));
        (wire.clone(), Tap(wire))
    }

    /// From here on a refusal does not end the connection.
    pub(crate) fn opened(&self) {
        let mut state = self.state();
        (state.opening, state.helo) = (false, None);
    }

    /// How many whole replies lettre was given.
    pub(crate) fn replies(&self) -> u64 {
        self.state().replies
    }

    /// The reply that lettre has just read.
    pub(crate) fn take_reply(&self) -> Option<Reply> {
        self.state().reply.take()
    }

    /// Why lettre could not read one.
    pub(crate) fn take_fault(&self) -> Option<Fault> {
        self.state().fault.take()
    }

    /// See the field.
    pub(crate) fn unsent(&self) -> usize {
        self.state().unsent
    }

    /// Bytes are there that nobody has asked for.
    pub(crate) fn has_unread(&self) -> bool {
        !self.state().inbox.is_empty()
    }

    /// Looks, without waiting, whether the server has spoken or hung up since the last reply.
    pub(crate) async fn is_quiet(&self) -> bool {
        std::future::poll_fn(|context| {
            let mut state = self.state();
            let filled = state.poll_fill(context);
            Poll::Ready(filled.is_pending() && state.inbox.is_empty())
        })
        .await
    }

    /// Writes `bytes` past lettre, and flushes. Until the first `ours` of them are taken the server must not speak;
    /// then it may be answering them. Dropped midway, [`Wire::unsent`] tells how much was not taken.
    pub(crate) async fn send(&self, bytes: &[u8], ours: usize) -> Result<(), Stopped> {
        self.state().unsent = bytes.len();
        let turn = Turn::Ours(ours);
        std::future::poll_fn(|context| self.state().poll_send(bytes, turn, context)).await
    }

    /// The same while the server answers what was written before; only a refusal stops it.
    pub(crate) async fn send_beside_replies(&self, bytes: &[u8]) -> Result<(), Stopped> {
        self.state().unsent = bytes.len();
        std::future::poll_fn(|context| self.state().poll_send(bytes, Turn::Shared, context)).await
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn poll_send(&mut self, bytes: &[u8], turn: Turn, context: &mut Context<'_>) -> Poll<Result<(), Stopped>> {
        loop {
            let at = bytes.len().saturating_sub(self.unsent);
            let rest = bytes.get(at..).unwrap_or_default();
            if rest.is_empty() {
                let flushed = Pin::new(&mut self.io).poll_flush(context);
                // Some of it is here still: what the server says now is no answer to the whole.
                if flushed.is_pending() && turn.covers(bytes.len().saturating_sub(1)) {
                    self.check_silence(turn, context)?;
                }
                return flushed.map_err(|error| Stopped::Ended(Some(error)));
            }
            let our_turn = turn.covers(at);
            if our_turn {
                self.check_silence(turn, context)?;
            }
            match ready!(Pin::new(&mut self.io).poll_write(context, rest)) {
                Ok(0) => return Poll::Ready(Err(Stopped::Ended(Some(io::ErrorKind::WriteZero.into())))),
                Ok(taken) => self.unsent = self.unsent.saturating_sub(taken),
                Err(error) => {
                    // What the server said before it hung up explains more than EPIPE.
                    if our_turn {
                        self.check_silence(turn, context)?;
                    }
                    return Poll::Ready(Err(Stopped::Ended(Some(error))));
                }
            }
        }
    }

    /// While a message is under way the server has nothing to say.
    fn check_silence(&mut self, turn: Turn, context: &mut Context<'_>) -> Result<(), Stopped> {
        loop {
            let filled = self.poll_fill(context);
            if turn.is_over(&self.inbox) {
                return Err(Stopped::Spoken);
            }
            match filled {
                Poll::Pending => return Ok(()),
                Poll::Ready(Ok(0)) => return Err(Stopped::Ended(None)),
                Poll::Ready(Ok(_)) => {}
                Poll::Ready(Err(error)) => return Err(Stopped::Ended(Some(error))),
            }
        }
    }

    /// Reads once from the socket; 0 at the end.
    fn poll_fill(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if self.ended {
            return Poll::Ready(Ok(0));
        }
        let mut chunk = [std::mem::MaybeUninit::uninit(); READ];
        let mut buffer = ReadBuf::uninit(&mut chunk);
        let read = ready!(Pin::new(&mut self.io).poll_read(context, &mut buffer));
        let received = buffer.filled();
        self.ended = read.is_err() || received.is_empty();
        self.inbox.extend_from_slice(received);
        Poll::Ready(read.map(|()| received.len()))
    }

    fn poll_line(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.line.is_empty() {
            ready!(self.poll_outbox(context))?;
            match self.next_line() {
                Ok(true) => break,
                Ok(false) if !self.outbox.is_empty() => continue,
                Ok(false) => {}
                Err(what) => {
                    self.fault = Some(Fault::Malformed(what));
                    return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
                }
            }
            match ready!(self.poll_fill(context)) {
                Ok(0) => {
                    self.fault.get_or_insert(Fault::Ended(None));
                    return Poll::Ready(Ok(()));
                }
                Ok(_) => {}
                Err(error) => {
                    let kind = error.kind();
                    self.fault = Some(Fault::Ended(Some(error)));
                    return Poll::Ready(Err(kind.into()));
                }
            }
        }
        Poll::Ready(Ok(()))
    }

    fn poll_outbox(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.outbox.is_empty() {
            let taken = ready!(Pin::new(&mut self.io).poll_write(context, &self.outbox))?;
            if taken == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.outbox.advance(taken);
            if self.outbox.is_empty() {
                ready!(Pin::new(&mut self.io).poll_flush(context))?;
            }
        }
        Poll::Ready(Ok(()))
    }

    /// The second reply of a session refuses EHLO as a word that is not known: the old greeting is said in its place.
    fn swallows(&mut self, line: &str) -> bool {
        let Some((code, last, _)) = reply::split(line).filter(|_| self.replies == 1) else { return false };
        if self.helo.is_none() || !NO_EHLO.contains(&code) {
            return false;
        }
        if last && let Some(helo) = self.helo.take() {
            self.outbox.extend_from_slice(helo.as_bytes());
            self.assembler = Assembler::default();
        }
        true
    }

    /// Moves one line of the inbox to lettre; `false` if there is no whole one.
    fn next_line(&mut self) -> Result<bool, Malformed> {
        let Some(end) = memchr::memchr(b'\n', &self.inbox) else {
            return if self.inbox.len() > MAX_REPLY_LINE { Err(Malformed::LongLine) } else { Ok(false) };
        };
        let line = self.inbox.split_to(end);
        self.inbox.advance(1);
        if line.len() > MAX_REPLY_LINE {
            return Err(Malformed::LongLine);
        }
        let line = String::from_utf8_lossy(line.strip_suffix(b"\r").unwrap_or(&line)).into_owned();
        if self.swallows(&line) {
            return if self.outbox.is_empty() { self.next_line() } else { Ok(false) };
        }
        if let Some(reply) = self.assembler.push(&line)? {
            self.reply = Some(reply);
            self.replies += 1;
        }
        self.line.extend_from_slice(for_lettre(&line).as_bytes());
        Ok(true)
    }
}

/// The line in the form that lettre's parser takes: second digit 0 to 5, a separator, no stray CR.
fn for_lettre(line: &str) -> String {
    let (code, last, text) = reply::split(line).unwrap_or((500, true, ""));
    let digit = (code / 10 % 10).min(5);
    let mut out = format!("{}{}{}{}", code / 100, digit, code % 10, if last { ' ' } else { '-' });
    for c in text.chars() {
        if out.len() > MAX_LETTRE_TEXT {
            break;
        }
        out.push(if c == '\r' { ' ' } else { c });
    }
    out.push_str("\r\n");
    out
}

impl AsyncRead for Tap {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let mut state = self.0.state();
        ready!(state.poll_line(context))?;
        let count = state.line.len().min(buffer.remaining());
        buffer.put_slice(&state.line.split_to(count));
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Tap {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let mut state = self.0.state();
        if state.opening && state.reply.as_ref().is_some_and(|reply| !reply.is_positive()) {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let written = ready!(Pin::new(&mut state.io).poll_write(context, bytes));
        if let Err(error) = &written {
            state.fault = Some(Fault::Ended(Some(io::Error::new(error.kind(), error.to_string()))));
        }
        Poll::Ready(written)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0.state().io).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0.state().io).poll_shutdown(context)
    }
}

impl AsyncTokioStream for Tap {
    /// lettre asks for it only to show it; the tap does not know.
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

impl std::fmt::Debug for Tap {
    /// Never the bytes: they hold tokens and mail.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tap")
    }
}
