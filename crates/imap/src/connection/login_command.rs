//! LOGIN (RFC 9051 §6.2.3).
//!
//! ```text
//! login = "LOGIN" SP userid SP password        both astring: quoted is 7-bit, all else is a literal
//! ```
//!
//! async-imap writes whatever it gets between quotes, so the command is written here, past it. A session it gives only to
//! whoever has logged in by itself: that LOGIN, of nobody, is answered by the tap and never leaves it.

use async_imap::error::{Error, Result};
use async_imap::{Client, Session};
use email_net::Stream;
use tokio::io::AsyncWriteExt;

use super::login::Seen;
use crate::command::line::Segment;
use crate::grammar::{Completion, CompletionStatus, Event};
use crate::tap::{Events, Tap, TapControl};

/// None of async-imap's tags, which are an A and a number.
const TAG: &str = "L1";

type Wire = Client<Tap<Stream>>;

/// Logs in by the command in `segments`. Literals of more octets than `limit` wait for the server's `+`.
pub(super) async fn log_in(
    mut client: Wire,
    events: &mut Events,
    control: &TapControl,
    (segments, limit): (&[Segment], usize),
    seen: &mut Seen,
) -> std::result::Result<Session<Tap<Stream>>, (Error, Wire)> {
    let outcome = Dialogue { client: &mut client, events, seen }.run(segments, limit).await;
    if let Err(error) = outcome {
        return Err((error, client));
    }
    control.answer_next_line();
    events.drive_weighed(client.login("-", "-"), |event, bytes| seen.keep(event, bytes)).await
}

struct Dialogue<'a> {
    client: &'a mut Wire,
    events: &'a mut Events,
    seen: &'a mut Seen,
}

impl Dialogue<'_> {
    async fn run(&mut self, segments: &[Segment], limit: usize) -> Result<()> {
        let mut go_aheads = 0;
        self.write(TAG.as_bytes()).await?;
        self.write(b" ").await?;
        for segment in segments {
            match segment {
                Segment::Text(text) => self.write(text.as_bytes()).await?,
                Segment::Literal(bytes) => {
                    let waits = bytes.len() > limit;
                    let length = format!("{{{}{}}}\r\n", bytes.len(), if waits { "" } else { "+" });
                    self.write(length.as_bytes()).await?;
                    if waits {
                        go_aheads += 1;
                        self.flush().await?;
                        self.read_until(|seen| completion(seen).is_some() || continuations(seen) >= go_aheads).await?;
                        if completion(&self.seen.events).is_some() {
                            return Err(refused());
                        }
                    }
                    self.write(bytes).await?;
                }
            }
        }
        self.write(b"\r\n").await?;
        self.flush().await?;
        self.read_until(|seen| completion(seen).is_some()).await?;
        let done = completion(&self.seen.events);
        if done.is_some_and(|done| done.status == CompletionStatus::Ok) { Ok(()) } else { Err(refused()) }
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let Self { client, events, seen } = self;
        let written = client.get_mut().write_all(bytes);
        Ok(events.drive_weighed(written, |event, bytes| seen.keep(event, bytes)).await?)
    }

    async fn flush(&mut self) -> Result<()> {
        let Self { client, events, seen } = self;
        Ok(events.drive_weighed(client.get_mut().flush(), |event, bytes| seen.keep(event, bytes)).await?)
    }

    /// Async-imap reads, and keeps nothing: what was said is in the events.
    async fn read_until(&mut self, is_there: impl Fn(&[Event]) -> bool) -> Result<()> {
        while !is_there(&self.seen.events) {
            let Self { client, events, seen } = self;
            let read = events.drive_weighed(client.read_response(), |event, bytes| seen.keep(event, bytes)).await?;
            if read.is_none() {
                return Err(Error::ConnectionLost);
            }
        }
        Ok(())
    }
}

fn completion(seen: &[Event]) -> Option<&Completion> {
    seen.iter().find_map(|event| match event {
        Event::Completion(done) if done.tag == TAG => Some(done),
        _ => None,
    })
}

fn continuations(seen: &[Event]) -> usize {
    seen.iter().filter(|event| matches!(event, Event::Continuation(_))).count()
}

/// What the server said of it is in the events.
fn refused() -> Error {
    Error::No(String::new())
}
