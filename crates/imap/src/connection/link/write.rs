//! Commands on their way to the server.
//!
//! ```text
//!  text ─► {n}  ─► + ─► n octets ─► text …      synchronising: a NO in place of `+` is all there is to it
//!      └─► {n+} ──────► n octets ─► text …
//!                          └ NO or BAD, or BYE: the server may read no more of them, so no more are written. Nobody knows
//!                            where it would take a command for one: `writing` stays set, and the connection is given up
//! ```

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use async_imap::imap_proto::RequestId;
use bytes::Bytes;
use email_base::clock;
use tokio::io::AsyncWriteExt;

use super::Link;
use crate::command::line::{Line, Segment};
use crate::connection::early::Early;
use crate::connection::reply;
use crate::error::{Error, Result};
use crate::grammar::{CompletionStatus, ConditionKind, Event, Untagged};
use crate::tap::Events;

/// A peer that takes no byte for so long is not there any more.
const WRITE_WATCHDOG: Duration = Duration::from_secs(60);
/// Literals are written in pieces of this size, so that the watchdog sees progress.
const WRITE_PIECE: usize = 64 * 1024;

/// What the server said to a line that ends in a synchronising literal.
pub(in crate::connection) enum GoAhead {
    Given,
    Refused,
}

/// How far a piece of a command was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Written {
    All,
    /// The server does not want the rest.
    Refused,
}

impl Link {
    /// Writes a command and does not wait for its answer. Several may be under way.
    pub(crate) async fn send(&mut self, line: &Line) -> Result<RequestId> {
        let segments = line.segments()?;
        if self.writing {
            return Err(self.lost(line.verb(), None));
        }
        self.writing = true;
        let mut tag = None;
        let written = self.write(&mut tag, segments, line).await?;
        self.writing = written == Written::Refused;
        let tag = tag.ok_or(Error::Internal("a command without a tag"))?;
        self.answers.asks(&tag, line.rows());
        Ok(tag)
    }

    /// Whether another command can be sent: the last one was written to its end.
    pub(crate) fn takes_commands(&self) -> bool {
        !self.writing
    }

    /// What is sent from now on waits for [`Self::uncork`], so that many short commands travel together.
    pub(crate) fn cork(&self) {
        self.control.cork(true);
    }

    /// Sends what has waited.
    pub(crate) async fn uncork(&mut self, verb: &'static str) -> Result<()> {
        self.control.cork(false);
        let Self { session, events, early, .. } = self;
        let sent = written(events, early, None, verb, session.get_mut().flush()).await?;
        self.check(sent.map(|sent| sent.map_err(Into::into)), None, verb).map(|_| ())
    }

    /// Writes DONE or any other line that carries no tag.
    pub(crate) async fn write_untagged(&mut self, text: &'static str, verb: &'static str) -> Result<()> {
        let Self { session, events, early, .. } = self;
        let sent = written(events, early, None, verb, session.run_command_untagged(text)).await?;
        self.check(sent, None, verb).map(|_| ())
    }

    /// After a synchronising literal's announcement: `+`, or the command's completion. Everything else that comes is kept
    /// in order for those who wait for it: it may belong to a command that is under way before this one.
    pub(in crate::connection) async fn go_ahead(&mut self, tag: &RequestId, line: &Line) -> Result<GoAhead> {
        let given = loop {
            let (event, bytes) = self.next_event(line.verb(), line.patience()).await?;
            match event {
                Event::Continuation(_) => break GoAhead::Given,
                Event::Completion(completion) if completion.tag == tag.0 => {
                    self.complete(completion, line.verb())?;
                    break GoAhead::Refused;
                }
                event => {
                    if let Event::Untagged(Untagged::Condition(condition)) = &event
                        && condition.kind == ConditionKind::Bye
                    {
                        self.view.bye = Some(reply::of_condition(condition, &self.view.scrub));
                        return Err(self.lost(line.verb(), None));
                    }
                    self.early.set_aside(event, bytes);
                    self.early.no_flood()?;
                }
            }
        };
        self.early.put_back();
        Ok(given)
    }

    async fn write(&mut self, tag: &mut Option<RequestId>, segments: &[Segment], line: &Line) -> Result<Written> {
        let verb = line.verb();
        let mut text = String::new();
        let limit = self.view.capabilities.non_synchronizing_limit();
        for segment in segments {
            let bytes = match segment {
                Segment::Text(more) => {
                    text.push_str(more);
                    continue;
                }
                Segment::Literal(bytes) => bytes,
            };
            let waits = bytes.len() > limit;
            text.push_str(&format!("{{{}{}}}", bytes.len(), if waits { "" } else { "+" }));
            if self.write_text(tag, std::mem::take(&mut text), verb).await? == Written::Refused {
                return Ok(Written::Refused);
            }
            let tag = tag.as_ref().ok_or(Error::Internal("a command without a tag"))?;
            if waits {
                self.uncork(verb).await?;
                if let GoAhead::Refused = self.go_ahead(tag, line).await? {
                    // In step: the server waits for no literal.
                    return Ok(Written::All);
                }
            }
            if self.write_bytes(tag, bytes, verb).await? == Written::Refused {
                return Ok(Written::Refused);
            }
        }
        self.write_text(tag, text, verb).await
    }

    /// Writes a line's text and CRLF; the first one gets the tag.
    async fn write_text(&mut self, tag: &mut Option<RequestId>, text: String, verb: &'static str) -> Result<Written> {
        let Self { session, events, early, .. } = self;
        if let Some(tag) = tag {
            let sent = written(events, early, Some(tag), verb, session.run_command_untagged(&text)).await?;
            return self.check(sent, Some(tag), verb);
        }
        let sent = written(events, early, None, verb, session.run_command(&text)).await?;
        let sent = sent.map(|sent| {
            sent.map(|new| {
                self.answers.sent(new.clone());
                *tag = Some(new);
            })
        });
        self.check(sent, None, verb)
    }

    async fn write_bytes(&mut self, tag: &RequestId, bytes: &Bytes, verb: &'static str) -> Result<Written> {
        for piece in bytes.chunks(WRITE_PIECE) {
            if self.early.has(|event| is_refusal(event, tag)) {
                return Ok(Written::Refused);
            }
            let Self { session, events, early, .. } = self;
            let sent = written(events, early, Some(tag), verb, session.get_mut().write_all(piece)).await?;
            if self.check(sent.map(|sent| sent.map_err(Into::into)), Some(tag), verb)? == Written::Refused {
                return Ok(Written::Refused);
            }
        }
        Ok(Written::All)
    }

    /// What a write has come to. A server that refuses the command `tag` and hangs up has refused it.
    fn check(
        &self,
        sent: Option<Result<(), async_imap::error::Error>>,
        tag: Option<&RequestId>,
        verb: &'static str,
    ) -> Result<Written> {
        match sent {
            None => return Ok(Written::Refused),
            Some(Err(_)) if tag.is_some_and(|tag| self.early.has(|event| is_refusal(event, tag))) => {
                return Ok(Written::Refused);
            }
            Some(Err(error)) => return Err(self.lost(verb, Some(error))),
            Some(Ok(())) => {}
        }
        self.early.no_flood()?;
        Ok(Written::All)
    }
}

/// A write with its watchdog; what comes meanwhile goes to `early`. `None`: it does not end, and the server has refused the
/// command `tag`.
async fn written<T>(
    events: &mut Events,
    early: &mut Early,
    tag: Option<&RequestId>,
    verb: &'static str,
    write: impl Future<Output = T>,
) -> Result<Option<T>> {
    let refused = AtomicBool::new(false);
    let mut write = pin!(events.drive_weighed(write, |event, bytes| {
        refused.fetch_or(tag.is_some_and(|tag| is_refusal(&event, tag)), Ordering::Relaxed);
        early.push(event, bytes);
    }));
    let written = poll_fn(|cx| match write.as_mut().poll(cx) {
        Poll::Ready(done) => Poll::Ready(Some(done)),
        Poll::Pending if refused.load(Ordering::Relaxed) => Poll::Ready(None),
        Poll::Pending => Poll::Pending,
    });
    clock::timeout(WRITE_WATCHDOG, written).await.map_err(|_| Error::Silent { during: verb, waited: WRITE_WATCHDOG })
}

/// Whether the server will not do what the command `tag` asks, whatever else is written.
fn is_refusal(event: &Event, tag: &RequestId) -> bool {
    match event {
        Event::Completion(done) => done.tag == tag.0 && done.status != CompletionStatus::Ok,
        Event::Untagged(Untagged::Condition(condition)) => condition.kind == ConditionKind::Bye,
        _ => false,
    }
}
