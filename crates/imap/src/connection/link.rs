//! One logged-in connection: [writes](mod@write) commands, reads what answers them, stays in step.
//!
//! ```text
//!           send                      completion
//!   idle ─────────► outstanding(tag) ────────────► idle
//!    │                  │  dropped here
//!    │  dropped while   ▼
//!    │  writing      settle: read on until every tag is answered, or give the connection up
//!    ▼
//!   given up
//! ```
//!
//! Every future here may be dropped at any await. What was left behind is told by `writing` (a command is half written:
//! nothing can mend that) and [`Answers`] (some will come that nobody waits for: [`Link::settle`] reads them).

mod write;

use std::sync::Arc;
use std::time::Duration;

use async_imap::Session;
use async_imap::imap_proto::RequestId;
use email_base::clock::{self, Instant};
use email_net::Stream;

use super::answers::Answers;
use super::budget::{Budget, Permit};
use super::departed::Departed;
use super::early::Early;
use super::names::Names;
use super::parts::EncodedParts;
use super::quirks::Quirks;
use super::renewal::Renewal;
use super::view::View;
use super::{refusal, reply};
use crate::command::argument::Mailbox;
use crate::command::line::Line;
use crate::error::{Error, Result};
use crate::grammar::{Completion, CompletionStatus, Event, NameEncoding, Untagged, WireName};
use crate::tap::limits::MAX_LITERAL_BYTES;
use crate::tap::{Events, Tap, TapControl};

pub(super) use write::GoAhead;

/// Silence in the middle of a command for so long is the end of the connection: a half-open one answers never.
pub(crate) const READ_WATCHDOG: Duration = Duration::from_secs(60);
/// The same for commands over which servers are known to think long: SEARCH in texts, COPY of thousands, APPEND.
pub(crate) const SLOW_READ_WATCHDOG: Duration = Duration::from_secs(300);
/// A dropped call's answers are read for so long; beyond it a new connection is cheaper.
const SETTLE_TIME: Duration = Duration::from_secs(2);

/// Takes the untagged data of one command.
pub(crate) type Sink<'a> = &'a mut (dyn FnMut(Untagged) + Send);

/// A connection after login.
#[derive(Debug)]
pub(crate) struct Link {
    session: Session<Tap<Stream>>,
    events: Events,
    control: TapControl,
    pub(crate) view: View,
    pub(crate) encoding: NameEncoding,
    /// RFC 6855 is in force.
    pub(crate) accepts_utf8: bool,
    /// ENABLE under way. In its box: thousands of connections have none.
    pub(super) enabling: Option<Box<(RequestId, Line)>>,
    pub(crate) names: Arc<Names>,
    pub(crate) quirks: Arc<Quirks>,
    pub(crate) parts: Arc<EncodedParts>,
    pub(super) departed: Arc<Departed>,
    /// Of one response.
    pub(crate) max_literal_bytes: u64,
    /// Dies with this connection.
    pub(super) life: Arc<()>,
    /// The right to it.
    pub(super) permit: Option<Permit>,
    /// The mailbox's account.
    pub(super) budget: Option<Arc<Budget>>,
    /// Over a network.
    pub(super) is_far: bool,
    pub(super) compression_tried: bool,
    /// Its token, if that has an end.
    pub(super) renewal: Option<Renewal>,
    /// Apart: an idle connection is small.
    early: Box<Early>,
    answers: Answers,
    writing: bool,
    /// IDLE that was begun and has not ended, by DONE or by the server itself.
    pub(super) idling: Option<RequestId>,
    last_answer: Instant,
}

impl Link {
    pub(crate) fn new(
        session: Session<Tap<Stream>>,
        events: Events,
        control: TapControl,
        view: View,
        names: Arc<Names>,
        quirks: Arc<Quirks>,
    ) -> Self {
        // A server that no longer speaks IMAP4rev1 spells names in UTF-8 from the start (RFC 9051 §5.1).
        let rev2_only = view.capabilities.has("IMAP4REV2") && !view.capabilities.has("IMAP4REV1");
        Self {
            session,
            events,
            control,
            view,
            encoding: if rev2_only { NameEncoding::Utf8 } else { NameEncoding::Utf7 },
            accepts_utf8: false,
            enabling: None,
            names,
            quirks,
            parts: Arc::default(),
            departed: Arc::default(),
            max_literal_bytes: MAX_LITERAL_BYTES as u64,
            life: Arc::default(),
            permit: None,
            budget: None,
            is_far: false,
            compression_tried: false,
            renewal: None,
            early: Box::default(),
            answers: Answers::default(),
            writing: false,
            idling: None,
            last_answer: clock::now(),
        }
    }

    pub(crate) fn has(&self, capability: &str) -> bool {
        self.view.capabilities.has(capability)
    }

    pub(crate) fn has_or_rev2(&self, capability: &str) -> bool {
        self.view.capabilities.has_or_rev2(capability)
    }

    /// The mailbox's name as this server spells it.
    pub(crate) fn wire_name(&self, mailbox: &Mailbox) -> WireName {
        self.names.wire(mailbox.path(), self.encoding)
    }

    /// Counts what comes over the wire.
    pub(crate) fn meter(&self) -> TapControl {
        self.control.clone()
    }

    /// Since when the server has not been heard.
    pub(crate) fn last_answer(&self) -> Instant {
        self.last_answer
    }

    /// Whether the session should be left for another one before more is begun: its token ends soon.
    pub(crate) fn is_renewal_due(&self) -> bool {
        self.renewal.as_ref().is_some_and(Renewal::is_due)
    }

    /// Runs a command; its untagged data goes to `sink`, its NO or BAD becomes the error.
    pub(crate) async fn run(&mut self, line: &Line, sink: Sink<'_>) -> Result<Completion> {
        let tag = self.send(line).await?;
        self.answer(&tag, line, sink).await
    }

    /// [`Self::run`] of a command whose data is of no interest.
    pub(crate) async fn run_quietly(&mut self, line: &Line) -> Result<Completion> {
        self.run(line, &mut |_| {}).await
    }

    /// Nobody will wait for the completion of this command.
    pub(super) fn disregard(&mut self, tag: RequestId) {
        self.answers.disregard(tag);
    }

    /// Waits for the completion of a command already sent, whatever it is.
    pub(crate) async fn completion(&mut self, tag: &RequestId, line: &Line, sink: Sink<'_>) -> Result<Completion> {
        let mut weight = 0;
        loop {
            if let Some(done) = self.answers.take(tag) {
                return Ok(done);
            }
            let (event, bytes) = self.next_event(line.verb(), line.patience()).await?;
            match event {
                Event::Untagged(data) => {
                    // These are kept by nobody, and there may be one for each message.
                    if !matches!(data, Untagged::Exists(_) | Untagged::Recent(_) | Untagged::Expunge(_)) {
                        weight = line.allowance().spend(weight, bytes)?;
                    }
                    // What was asked for is no news: a watcher that fetches would wake itself.
                    if !matches!(&data, Untagged::Fetch(row) if self.answers.expect(row)) {
                        self.observe(&data, line.verb())?;
                    }
                    sink(data);
                }
                Event::Completion(completion) => self.complete(completion, line.verb())?,
                // Nobody asked; some servers repeat themselves.
                Event::Continuation(_) => {}
            }
        }
    }

    /// The error of a pause that the server has asked for, whoever heard it.
    pub(crate) fn check_pause(&self) -> Result<()> {
        self.budget.as_ref().map_or(Ok(()), |budget| budget.check())
    }

    /// Waits for what the server says between commands, and observes it. Ends only with that or with the connection.
    pub(crate) async fn listen(&mut self) -> Result<()> {
        match self.next_unwatched("IDLE").await?.0 {
            Event::Untagged(data) => self.observe(&data, "IDLE"),
            Event::Completion(completion) => self.complete(completion, "IDLE"),
            Event::Continuation(_) => Ok(()),
        }
    }

    /// Brings the connection back in step after a call was dropped at some await. `false`: give it up.
    pub(crate) async fn settle(&mut self) -> bool {
        self.control.stop_bodies();
        self.control.cork(false);
        self.early.put_back();
        if self.writing || self.view.bye.is_some() || self.control.end().is_some() {
            return false;
        }
        if self.answers.all_came() {
            self.answers.forget();
            return true;
        }
        matches!(clock::timeout(SETTLE_TIME, self.drain()).await, Ok(Ok(())))
    }

    #[cfg(test)]
    pub(super) fn kept_answers(&self) -> usize {
        self.answers.kept()
    }

    /// Whether the answer to this command is still to come, or to be taken.
    pub(super) fn has_answer(&self, tag: &RequestId) -> bool {
        self.answers.know(tag)
    }

    /// Reads every answer that is still to come.
    pub(super) async fn drain(&mut self) -> Result<()> {
        self.uncork("drain").await?;
        self.write_done().await?;
        while !self.answers.all_came() {
            match self.next_event("drain", READ_WATCHDOG).await?.0 {
                Event::Untagged(data) => self.observe(&data, "drain")?,
                Event::Completion(completion) => self.complete(completion, "drain")?,
                Event::Continuation(_) => {}
            }
        }
        self.answers.forget();
        Ok(())
    }

    /// LOGOUT without waiting for the server's farewell: somebody waits for the next session.
    pub(crate) async fn hang_up(mut self) {
        // A connection that takes no more bytes is gone all the same.
        let _ = self.send(&Line::new("LOGOUT")).await;
    }

    /// The farewell of LOGOUT (RFC 9051 §6.1.3): BYE is what is hoped for.
    pub(crate) async fn logout(&mut self) {
        let line = Line::new("LOGOUT");
        if let Ok(tag) = self.send(&line).await {
            // Whatever comes, it is over.
            while let Ok((event, _)) = self.next_event("LOGOUT", READ_WATCHDOG).await {
                if matches!(&event, Event::Completion(done) if done.tag == tag.0) {
                    return;
                }
            }
        }
    }

    fn observe(&mut self, data: &Untagged, verb: &'static str) -> Result<()> {
        self.view.observe(data);
        if let Untagged::Enabled(words) = data {
            self.enabled(words);
        }
        // After BYE the server hears nothing any more (RFC 9051 §7.1.5): do not wait for it to hang up.
        if self.view.bye.is_some() { Err(self.lost(verb, None)) } else { Ok(()) }
    }

    fn complete(&mut self, completion: Completion, verb: &'static str) -> Result<()> {
        // IDLE ended on both sides at once: our DONE met a server that took it for a command.
        if completion.tag == "DONE" && completion.status == CompletionStatus::Bad {
            return Ok(());
        }
        if refusal::ends_session(&completion) {
            let said = reply::of_completion(&completion, &self.view.scrub);
            return Err(Error::ConnectionLost { during: verb, bye: Some(said) });
        }
        // Also of a command whose refusal is nobody's concern: the pause is.
        if let (Some(budget), Some(time)) = (&self.budget, refusal::pause(&completion)) {
            budget.pause_for(time);
        }
        // However it ends (OK, NO, BAD), it is over, also when nobody has asked for it.
        self.idling.take_if(|tag| tag.0 == completion.tag);
        let code = completion.code.clone();
        self.answers.came(completion)?;
        if let Some(code) = &code {
            self.view.code(code);
        }
        Ok(())
    }

    /// The next event with its wire bytes. Cancel-safe. Waits `patience` from the last byte that came.
    async fn next_event(&mut self, verb: &'static str, patience: Duration) -> Result<(Event, usize)> {
        loop {
            let heard = self.control.bytes_read();
            match clock::timeout(patience, self.next_unwatched(verb)).await {
                Ok(event) => return event,
                Err(_) if self.control.bytes_read() > heard => {}
                Err(_) => return Err(Error::Silent { during: verb, waited: patience }),
            }
        }
    }

    async fn next_unwatched(&mut self, verb: &'static str) -> Result<(Event, usize)> {
        loop {
            if let Some(event) = self.early.take().or_else(|| self.events.try_next_weighed()) {
                self.last_answer = clock::now();
                return Ok(event);
            }
            let Self { session, events, .. } = self;
            // Whoever awaits async-imap takes events at the same time: the tap's deadlock rule.
            let (event, read) = tokio::select! {
                biased;
                event = events.next_weighed() => (event, None),
                read = session.read_response() => (events.try_next_weighed(), Some(read)),
            };
            match (event, read) {
                (Some(event), _) => {
                    self.last_answer = clock::now();
                    return Ok(event);
                }
                // A line whose event was taken before.
                (None, Some(Ok(Some(_)))) => {}
                (None, Some(Err(error))) => return Err(self.lost(verb, Some(error.into()))),
                (None, Some(Ok(None)) | None) => return Err(self.lost(verb, None)),
            }
        }
    }

    /// Why the connection cannot go on.
    fn lost(&self, verb: &'static str, error: Option<async_imap::error::Error>) -> Error {
        super::lost(&self.control, verb, self.view.bye.clone(), error)
    }
}
