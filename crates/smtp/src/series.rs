//! Many messages, one after the other.
//!
//! ```text
//! message 1 . MAIL RCPT DATA ─>     one flight: the text of one message and the envelope of the next (RFC 2920)
//!                 <─ 250 250 250 354
//! message 2 . MAIL RCPT DATA ─>
//! ```
//!
//! Between two messages the session is parked, not held: the caller's loop may use the client meanwhile.

use std::pin::Pin;
use std::time::Duration;

use email_base::clock::{self, Instant};
use email_base::{Call, Classify, Delivery, Failure};
use tokio::sync::mpsc;

use crate::body::MessageBody;
use crate::client::{Client, SendResult};
use crate::envelope::Envelope;
use crate::error::{Error, Result};
use crate::job::Job;
use crate::options::SendOptions;
use crate::phase::Phase;
use crate::pool::{Lease, ParkingTicket};
use crate::send::Ready;
use crate::session::Flight;

/// A message of a series, or why it could not be made: that keeps its place, too.
pub type Outgoing<B> = Result<(Envelope, B), Box<Failure>>;

/// What became of the message at `index`.
#[derive(Debug)]
pub struct Outcome {
    /// From 0, in the order of the items.
    pub index: u64,
    /// As of [`Client::send`].
    pub result: Result<SendResult, Box<Failure>>,
}

/// Sends a series of messages, each when its outcome is asked for. `M` is a message that is being made.
pub struct Series<B, M> {
    client: Client,
    items: mpsc::Receiver<M>,
    /// Taken from the channel, not ready yet. Kept here, so that no message is lost when a wait is given up.
    making: Option<Pin<Box<M>>>,
    options: SendOptions,
    interval: Duration,
    next: u64,
    last_ended: Option<Instant>,
    /// Taken from the channel before its turn.
    upcoming: Option<Upcoming<B>>,
    /// Envelopes are said ahead. Not any more once somebody else wanted the parked session: then it costs more than it
    /// saves.
    looks_ahead: bool,
}

struct Upcoming<B> {
    job: Result<Job<B>, Box<Failure>>,
    begun: Option<Begun>,
}

/// The server knows the envelope.
struct Begun {
    parked: ParkingTicket,
    rejected: Vec<Option<Error>>,
}

impl<B: MessageBody, M: Future<Output = Outgoing<B>>> Series<B, M> {
    pub(crate) fn new(client: Client, items: mpsc::Receiver<M>, options: SendOptions, interval: Duration) -> Self {
        let looks_ahead = interval.is_zero();
        Self { client, items, making: None, options, interval, next: 0, last_ended: None, upcoming: None, looks_ahead }
    }

    /// Sends the next message; `None` after the last.
    ///
    /// An error means that the series is interrupted *between* two messages: nothing was said of the one at
    /// [`Series::index`], and another call may go on with it. Cut in the middle of a message, that one's outcome says so.
    pub async fn next(&mut self, call: &Call) -> Result<Option<Outcome>> {
        if self.upcoming.is_none() {
            let client = self.client.clone();
            let Some(item) = client.scope(call).run(Phase::Queue, self.receive()).await? else { return Ok(None) };
            self.upcoming = Some(self.upcoming(item));
        }
        self.pause(call).await?;
        let Some(upcoming) = self.upcoming.take() else { return Ok(None) };
        let index = self.next;
        self.next += 1;
        let result = match upcoming.job {
            Err(failure) => Err(failure),
            Ok(job) => match self.send(job, upcoming.begun, call).await {
                Ok(sent) => Ok(sent),
                Err(error) => Err(self.failure(error)),
            },
        };
        self.last_ended = Some(clock::now());
        Ok(Some(Outcome { index, result }))
    }

    /// Of the message that comes next.
    pub fn index(&self) -> u64 {
        self.next
    }

    /// The next message, when it is there and ready.
    async fn receive(&mut self) -> Option<Outgoing<B>> {
        if self.making.is_none() {
            self.making = Some(Box::pin(self.items.recv().await?));
        }
        self.made().await
    }

    async fn made(&mut self) -> Option<Outgoing<B>> {
        let item = self.making.as_mut()?.await;
        self.making = None;
        Some(item)
    }

    /// Holds the interval, from one message's answer to the next one: so the server sees it, however long each takes.
    async fn pause(&mut self, call: &Call) -> Result<()> {
        if let Some(last) = self.last_ended.filter(|_| !self.interval.is_zero()) {
            self.client.scope(call).run(Phase::Queue, clock::sleep_until(last + self.interval)).await?;
        }
        self.client.scope(call).run(Phase::Queue, std::future::ready(())).await
    }

    async fn send(&mut self, mut job: Job<B>, begun: Option<Begun>, call: &Call) -> Result<SendResult> {
        let client = self.client.clone();
        let ready = match self.resume(begun).await {
            Some(ready) => ready,
            None => {
                let ticket = client.pool.budget.enter(client.pool.rate_limit, call)?;
                client.ready(&mut job, ticket, call).await?
            }
        };
        // Given up in here, the message itself says so.
        let flight = client.scope(call).run(Phase::Queue, self.look_ahead(&ready.lease)).await.ok().flatten();
        let (lease, outcome) = client.carry(&mut job, ready, flight.as_ref(), call).await;
        if let Some(lease) = lease {
            match flight.filter(|_| lease.session.has_begun()) {
                Some(flight) => self.land(flight, lease, call).await,
                None => lease.give_back(),
            }
        }
        Ok(client.result(job, outcome?))
    }

    /// The parked session, if nobody wanted it meanwhile and the server still waits.
    async fn resume(&mut self, begun: Option<Begun>) -> Option<Ready> {
        let begun = begun?;
        let lease = self.client.pool.unpark(begun.parked);
        self.looks_ahead &= lease.is_some();
        let lease = lease?;
        lease.session.is_alive().await.then_some(Ready { lease, begun: Some(begun.rejected) })
    }

    /// The next message's envelope, if it is there, may go over the same connection, and it is the mailbox's turn.
    async fn look_ahead(&mut self, lease: &Lease) -> Option<Flight> {
        if !self.looks_ahead || self.upcoming.is_some() || lease.is_last() {
            return None;
        }
        if self.making.is_none() {
            self.making = Some(Box::pin(self.items.try_recv().ok()?));
        }
        let item = self.made().await?;
        let upcoming = self.upcoming(item);
        let upcoming = self.upcoming.insert(upcoming);
        let job = upcoming.job.as_mut().ok()?;
        let primed = async {
            job.fit(&lease.session.extensions).await?;
            job.prime().await
        };
        if let Err(error) = primed.await {
            // Told when it is asked for.
            upcoming.job = Err(failure(error.with_delivery(Delivery::NotSent)));
            return None;
        }
        let pool = &self.client.pool;
        lease.session.flight(&job.transaction).filter(|_| pool.budget.take_turn(pool.rate_limit))
    }

    /// What the server said to the envelope that was sent ahead.
    async fn land(&mut self, flight: Flight, mut lease: Lease, call: &Call) {
        let Some(Upcoming { job: Ok(job), begun }) = &mut self.upcoming else { return };
        let landed = lease.session.begun(&flight, &job.transaction, self.client.scope(call)).await;
        let refusal = match landed {
            Ok(rejected) => {
                *begun = self.client.pool.park(lease).map(|parked| Begun { parked, rejected });
                self.looks_ahead &= begun.is_some();
                return;
            }
            // The server refused this message, not the connection.
            Err(error @ Error::Refused { .. }) if !error.is_hang_up() => error,
            // It begins anew when it is asked for, on another connection.
            Err(_) => return,
        };
        lease.give_back();
        let failure = self.failure(refusal);
        self.upcoming = Some(Upcoming { job: Err(failure), begun: None });
    }

    fn upcoming(&self, item: Outgoing<B>) -> Upcoming<B> {
        let job = match item {
            Ok((envelope, body)) => match self.client.job(envelope, body, &self.options) {
                Ok(job) => Ok(job),
                Err(error) => Err(failure(error.with_delivery(Delivery::NotSent))),
            },
            Err(failure) => Err(Box::new(failure.with_delivery(Delivery::NotSent))),
        };
        Upcoming { job, begun: None }
    }

    fn failure(&self, error: Error) -> Box<Failure> {
        failure(self.client.told(error.with_delivery(Delivery::NotSent)))
    }
}

fn failure(error: Error) -> Box<Failure> {
    Box::new(Failure::from(&error as &dyn Classify))
}
