//! The tap as a stream: writes, ends, cuts.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail their test"
)]

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use async_imap::Client;
use email_imap::grammar::{Event, Untagged};
use email_imap::tap::{End, Limits, Tap};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf};

const PIPE: usize = 64 << 10;

async fn within<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), work).await.expect("blocked")
}

/// Counts the writes that reach it; fails them, or reads, when told to.
struct Probe {
    stream: DuplexStream,
    writes: Arc<AtomicUsize>,
    reset: bool,
}

impl AsyncRead for Probe {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.reset {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        Pin::new(&mut self.stream).poll_read(cx, out)
    }
}

impl AsyncWrite for Probe {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.reset {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        self.writes.fetch_add(1, Ordering::Relaxed);
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl std::fmt::Debug for Probe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Probe")
    }
}

#[tokio::test]
async fn a_command_is_one_write() {
    let (near, mut far) = tokio::io::duplex(PIPE);
    let writes = Arc::new(AtomicUsize::new(0));
    let probe = Probe { stream: near, writes: Arc::clone(&writes), reset: false };
    let (tap, events, control) = Tap::after_greeting(probe, Limits::default());
    far.write_all(b"A0001 OK in\r\n").await.unwrap();
    let mut session = Client::new(tap).login("u", "p").await.map_err(|(error, _)| error).unwrap();
    assert_eq!(writes.load(Ordering::Relaxed), 1);
    session.run_command("NOOP").await.unwrap();
    assert_eq!(writes.load(Ordering::Relaxed), 2);
    assert_eq!(control.bytes_written(), ("A0001 LOGIN \"u\" \"p\"\r\nA0002 NOOP\r\n").len() as u64);
    assert_eq!(control.bytes_read(), 13);
    drop(events);
}

#[tokio::test]
async fn a_reset_is_an_end_on_either_side() {
    for write_first in [false, true] {
        let (near, _far) = tokio::io::duplex(PIPE);
        let probe = Probe { stream: near, writes: Arc::default(), reset: true };
        let (mut tap, mut events, control) = Tap::new(probe, Limits::default());
        if write_first {
            // A broken pipe; what can still be read is, to its end.
            tap.write_all(b"x").await.unwrap();
            assert!(tap.flush().await.is_err());
        } else {
            assert!(tap.read_u8().await.is_err());
        }
        assert_eq!(control.end(), Some(End::Io { kind: io::ErrorKind::ConnectionReset }));
        assert_eq!(events.next().await, None);
        assert!(tap.write_all(b"x").await.is_err());
    }
}

#[tokio::test]
async fn whoever_waits_learns_that_the_tap_is_gone() {
    let (near, _far) = tokio::io::duplex(PIPE);
    let (tap, mut events, control) = Tap::new(near, Limits::default());
    let mut bodies = control.stream_bodies(0, 10);
    let waiting = tokio::spawn(async move { (events.next().await, bodies.next().await) });
    drop(tap);
    assert_eq!(within(waiting).await.unwrap(), (None, None));
}

const RECORDED: &[u8] = b"* OK ready\r\n* 1 FETCH (UID 7 FLAGS (\\Seen) BODY[] {11}\r\nA1 OK no\r\n )\r\n* 2 FETCH (UID 8 ENVELOPE (\"a\" {3}\r\n)\r\n \
    NIL NIL NIL NIL NIL NIL NIL NIL))\r\n* BYE [X] {5}\r\nA1 OK done\r\n";

/// Everything that a tap says of `bytes`, given in chunks.
async fn said(bytes: &[u8], chunk: usize) -> Vec<Event> {
    let (near, mut far) = tokio::io::duplex(chunk);
    let (mut tap, mut events, _control) = Tap::new(near, Limits::default());
    let sending = async {
        far.write_all(bytes).await.unwrap();
        drop(far);
    };
    let mut sink = Vec::new();
    let mut seen = Vec::new();
    let reading = events.drive(tap.read_to_end(&mut sink), |event| seen.push(event));
    let _ = tokio::join!(sending, reading);
    seen.extend(std::iter::from_fn(|| events.try_next()));
    seen
}

#[tokio::test]
async fn a_session_cut_at_any_byte_says_a_prefix_of_the_whole() {
    let whole = said(RECORDED, PIPE).await;
    assert_eq!(whole.len(), 5, "{whole:?}");
    for at in 0..RECORDED.len() {
        let seen = said(&RECORDED[..at], PIPE).await;
        assert!(whole.starts_with(&seen) && seen.len() < 5, "at {at}: {seen:?}");
    }
}

#[tokio::test]
async fn any_chunk_size_says_the_same() {
    let whole = said(RECORDED, PIPE).await;
    for chunk in 1..40 {
        assert_eq!(said(RECORDED, chunk).await, whole, "{chunk}");
    }
}

#[tokio::test]
async fn every_legal_depth_is_read() {
    for depth in 1..=64 {
        let leaf = r#""text" "plain" NIL NIL NIL "7bit" 9 1"#;
        let structure = "(".repeat(depth) + leaf + &r#") "mixed""#.repeat(depth - 1);
        let mut seen = said(format!("* 1 FETCH (UID 5 BODYSTRUCTURE {structure}))\r\n").as_bytes(), PIPE).await;
        let Some(Event::Untagged(Untagged::Fetch(row))) = seen.pop() else { panic!("{depth}") };
        assert!(row.defects.is_empty(), "{depth}: {:?}", row.defects);
        let (mut part, mut levels) = (row.body_structure.as_ref().unwrap(), 1);
        while let Some(inner) = part.children.first() {
            (part, levels) = (inner, levels + 1);
        }
        assert_eq!((levels, part.media_type.as_str(), part.size), (depth, "text/plain", 9));
    }
}
