//! `SmtpClient` of the contract.

use std::sync::Arc;

use email_base::{Call, Classify, Code, Delivery, Failure};

use crate::body::MessageBody;
use crate::budget::{Budget, Key, Ticket};
use crate::dsn;
use crate::envelope::Envelope;
use crate::error::{Error, Result};
use crate::feeder::Feeder;
use crate::options::{Options, SendOptions, check_credentials, check_name};
use crate::phase::Phase;
use crate::pool::{Lease, Pool};
use crate::provider::{self, SentCopy};
use crate::scope::Scope;
use crate::session::{Taken, Target, Transaction};

/// A signed-in way to one submission server. Cheap to clone; clones are the same client.
#[derive(Clone)]
pub struct Client {
    pool: Arc<Pool>,
}

/// `SendResult` of the contract. Not serialised as a whole: the failures of `rejected` become error objects on the way.
#[derive(Debug, Clone)]
pub struct SendResult {
    /// The message's own, with angle brackets; empty when a raw message has none.
    pub message_id: String,
    /// As it was given.
    pub envelope: Envelope,
    /// Recipients that the server took, as they were given.
    pub accepted: Vec<String>,
    /// Recipients that it did not take.
    pub rejected: Vec<Rejected>,
    /// The last reply: `250 2.0.0 Ok: queued as …`.
    pub response: String,
    /// The message's size as sent, without SMTP's own dots.
    pub bytes: u64,
    /// Who files the copy in Sent.
    pub sent_copy: SentCopy,
}

/// A recipient that the server refused while it took others.
#[derive(Debug, Clone)]
pub struct Rejected {
    /// As it was given.
    pub address: String,
    /// Why.
    pub error: Failure,
}

impl Client {
    /// Connects and signs in, so that wrong credentials show here. The connection is kept for the first message.
    pub async fn connect(options: Options, call: &Call) -> Result<Self> {
        let client = Self { pool: pool(options)? };
        client.lease(false, call).await?.give_back();
        Ok(client)
    }

    /// The EHLO lines of the newest connection, as the server wrote them: `SIZE 157286400`, `AUTH LOGIN XOAUTH2`.
    pub fn capabilities(&self) -> Vec<String> {
        self.pool.capabilities()
    }

    /// Proves that the server is there and takes the credentials: by NOOP, or by a new connection.
    pub async fn verify(&self, call: &Call) -> Result<()> {
        let mut lease = self.lease(false, call).await?;
        let mut tested = lease.session.noop(self.scope(call)).await;
        if lease.reused && matches!(&tested, Err(error) if hung_up(error)) {
            drop(lease);
            lease = self.lease(true, call).await?;
            tested = lease.session.noop(self.scope(call)).await;
        }
        lease.give_back();
        tested
    }

    /// Sends one message.
    ///
    /// Resolves when the server has taken it for at least one recipient. An error says by
    /// [`Classify::delivery`] whether the server may have it: `NotSent` up to the final dot, and after a refusal;
    /// `Unknown` when the connection, the deadline or an abort cut in between the dot and its reply. A kept connection
    /// that turns out to be dead before that is replaced once by a new one; nothing is ever sent again after it.
    pub async fn send<B: MessageBody>(
        &self,
        envelope: Envelope,
        body: B,
        options: SendOptions,
        call: &Call,
    ) -> Result<SendResult> {
        let sent = async {
            let mut job = Job::new(envelope, body, &options)?;
            let ticket = self.pool.budget.enter(self.pool.rate_limit, call)?;
            self.deliver(&mut job, &ticket, call).await
        };
        sent.await.map_err(|error| self.told(error.with_delivery(Delivery::NotSent)))
    }

    /// Settles everything: calls under way end with `CLOSED`, as do all that come later. Idempotent.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// Carries a job through, on a second connection if the first was dead already.
    async fn deliver<B: MessageBody>(&self, job: &mut Job<B>, ticket: &Ticket, call: &Call) -> Result<SendResult> {
        job.feeder.prime().await.map_err(Error::Body)?;
        let mut lease = self.lease(false, call).await?;
        let ready = async {
            job.transaction.check(&lease.session.extensions)?;
            self.turn(ticket, call).await
        };
        if let Err(error) = ready.await {
            lease.give_back();
            return Err(error);
        }
        let mut outcome = job.over(&mut lease, self.scope(call)).await;
        if let Err(error) = &outcome
            && lease.reused
            && job.may_start_over(error).await
        {
            tracing::debug!(target: "smtp", "a kept connection was dead; trying a new one");
            drop(lease);
            lease = self.lease(true, call).await?;
            outcome = job.over(&mut lease, self.scope(call)).await;
        }
        lease.give_back();
        let delivered = outcome?;
        self.pool.budget.resume();
        Ok(job.result(delivered, provider::of(&self.pool.target.endpoint.host).sent_copy))
    }

    async fn lease(&self, fresh: bool, call: &Call) -> Result<Lease> {
        self.pool.lease(fresh, self.scope(call)).await.map_err(|error| self.told(error))
    }

    /// Waits for the mailbox's turn. A deadline that comes first is the limit's doing.
    async fn turn(&self, ticket: &Ticket, call: &Call) -> Result<()> {
        let waited = self.scope(call).run(Phase::Queue, ticket.turn()).await;
        waited.map_err(|error| match error.code() {
            Code::Timeout => Error::RateLimited { retry_after: ticket.wait() },
            _ => error,
        })
    }

    /// If the server said "too much", the whole mailbox pauses, and the error says for how long.
    fn told(&self, mut error: Error) -> Error {
        if let Some(retry_after) = error.missing_retry_after() {
            *retry_after = Some(self.pool.budget.pause());
        }
        error
    }

    fn scope<'a>(&'a self, call: &'a Call) -> Scope<'a> {
        Scope { call, closed: &self.pool.closed }
    }
}

fn pool(options: Options) -> Result<Arc<Pool>> {
    let Options { endpoint, connector, credentials, name, pool, rate_limit } = options;
    pool.check()?;
    rate_limit.as_ref().map_or(Ok(()), |limit| limit.check())?;
    name.as_deref().map_or(Ok(()), check_name)?;
    credentials.as_ref().map_or(Ok(()), check_credentials)?;
    let provider = provider::of(&endpoint.host);
    let key = Key::new(&endpoint.host, endpoint.port, credentials.as_ref().map(|credentials| credentials.user()));
    let connections = pool.max_connections.unwrap_or(provider.max_connections);
    let rate_limit = rate_limit.or(provider.rate_limit);
    let target = Target { endpoint, connector, credentials, name };
    Ok(Pool::new(target, pool, connections, rate_limit, Budget::of(key)))
}

/// One message on its way.
struct Job<B> {
    envelope: Envelope,
    transaction: Transaction,
    feeder: Feeder<B>,
    message_id: String,
}

/// What the server made of it.
struct Delivered {
    /// For each recipient, its refusal.
    rejected: Vec<Option<Error>>,
    taken: Taken,
}

impl<B: MessageBody> Job<B> {
    fn new(envelope: Envelope, body: B, options: &SendOptions) -> Result<Self> {
        let route = envelope.route()?;
        let dsn = dsn::Parameters::new(options.dsn.as_ref())?;
        let transaction = Transaction {
            smtp_utf8: route.needs_smtp_utf8() || body.needs_smtputf8(),
            eight_bit: body.needs_8bit(),
            size: body.size_hint(),
            route,
            dsn,
        };
        Ok(Self { message_id: body.message_id().to_owned(), envelope, transaction, feeder: Feeder::new(body) })
    }

    async fn over(&mut self, lease: &mut Lease, scope: Scope<'_>) -> Result<Delivered> {
        let rejected = lease.session.begin(&self.transaction, scope).await?;
        let taken = lease.session.content(&mut self.feeder, scope).await?;
        Ok(Delivered { rejected, taken })
    }

    /// Whether `error` is the death of an old connection, and the server certainly does not have the message.
    async fn may_start_over(&mut self, error: &Error) -> bool {
        let begun = self.feeder.has_begun();
        let dead = match error.cause() {
            Error::ConnectionLost { .. } => true,
            cause => !begun && hung_up(cause),
        };
        let gone = error.delivery() == Some(Delivery::Unknown);
        dead && !gone && self.feeder.rewind().await.unwrap_or(false)
    }

    fn result(&mut self, delivered: Delivered, sent_copy: SentCopy) -> SendResult {
        let envelope = std::mem::take(&mut self.envelope);
        let mut accepted = Vec::with_capacity(envelope.to.len());
        let mut rejected = Vec::new();
        for (address, refusal) in envelope.to.iter().zip(delivered.rejected) {
            match refusal {
                None => accepted.push(address.clone()),
                Some(error) => {
                    let error = error.with_delivery(Delivery::NotSent);
                    rejected.push(Rejected { address: address.clone(), error: Failure::from(&error as &dyn Classify) });
                }
            }
        }
        let Taken { reply, size } = delivered.taken;
        tracing::info!(target: "smtp", accepted = accepted.len(), rejected = rejected.len(), bytes = size, "sent");
        SendResult {
            message_id: std::mem::take(&mut self.message_id),
            envelope,
            accepted,
            rejected,
            response: reply.summary(),
            bytes: size,
            sent_copy,
        }
    }
}

/// The server, not the message, is why: it closes the session, or has forgotten who signed in.
fn hung_up(error: &Error) -> bool {
    match error {
        Error::ConnectionLost { .. } => true,
        Error::Refused { code: Code::ServerUnavailable, server, .. } => server.status == "421",
        Error::Refused { code: Code::MechanismUnavailable, server, .. } => server.status == "530",
        _ => false,
    }
}
