//! `SmtpClient` of the contract.

use std::sync::Arc;
use std::time::Duration;

use email_base::{Call, Delivery, Failure};
use tokio::sync::mpsc;

use crate::body::MessageBody;
use crate::budget::{Budget, Key};
use crate::envelope::Envelope;
use crate::error::Result;
use crate::job::Job;
use crate::options::{Chunking, Options, SendOptions, check_credentials, check_name};
use crate::pool::Pool;
use crate::provider::{self, SentCopy};
use crate::scope::Scope;
use crate::series::{Outgoing, Series};
use crate::session::Target;

/// A signed-in way to one submission server. Cheap to clone; clones are the same client.
#[derive(Clone)]
pub struct Client {
    pub(crate) pool: Arc<Pool>,
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
        client.lease(call).await?.give_back();
        Ok(client)
    }

    /// The EHLO lines of the newest connection, as the server wrote them: `SIZE 157286400`, `AUTH LOGIN XOAUTH2`.
    pub fn capabilities(&self) -> Vec<String> {
        self.pool.offered().lines.clone()
    }

    /// Whether messages may hold raw octets of any value: chunks were asked for, and the server offered BINARYMIME.
    pub fn takes_binary(&self) -> bool {
        let offered = self.pool.offered();
        self.pool.chunking == Chunking::Binary && offered.chunking && offered.binary_mime
    }

    /// Proves that the server is there and takes the credentials: by NOOP, or by a new connection.
    pub async fn verify(&self, call: &Call) -> Result<()> {
        let mut lease = self.lease(call).await?;
        let mut tested = lease.session.noop(self.scope(call)).await;
        if lease.reused && matches!(&tested, Err(error) if error.is_hang_up()) {
            lease = self.renew(lease, call).await?;
            tested = lease.session.noop(self.scope(call)).await;
        }
        lease.give_back();
        tested
    }

    /// Sends one message.
    ///
    /// Resolves when the server has taken it for at least one recipient. An error says by
    /// [`email_base::Classify::delivery`] whether the server may have it: `NotSent` up to the final dot, and after a refusal;
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
            let job = self.job(envelope, body, &options)?;
            let ticket = self.pool.budget.enter(self.pool.rate_limit, call)?;
            self.deliver(job, ticket, call).await
        };
        sent.await.map_err(|error| self.told(error.with_delivery(Delivery::NotSent)))
    }

    /// Sends `items` one after the other: a refused message never stops the rest.
    ///
    /// Where the server allows it (PIPELINING), the next message's envelope travels with the end of the one before, so
    /// that each costs one round trip; for that the next item must be in the channel by then. An item is a message that
    /// may still be in the making: it is waited for. `interval` is the least time between the beginnings of two messages;
    /// zero for none.
    pub fn send_many<B: MessageBody, M: Future<Output = Outgoing<B>>>(
        &self,
        items: mpsc::Receiver<M>,
        options: SendOptions,
        interval: Duration,
    ) -> Series<B, M> {
        Series::new(self.clone(), items, options, interval)
    }

    /// Settles everything: calls under way end with `CLOSED`, as do all that come later. Idempotent.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// A message that can be said to the server.
    pub(crate) fn job<B: MessageBody>(&self, envelope: Envelope, body: B, options: &SendOptions) -> Result<Job<B>> {
        Job::new(envelope, body, options, self.pool.chunking, &self.pool.offered())
    }

    pub(crate) fn scope<'a>(&'a self, call: &'a Call) -> Scope<'a> {
        Scope { call, closed: &self.pool.closed }
    }
}

fn pool(options: Options) -> Result<Arc<Pool>> {
    let Options { endpoint, connector, credentials, name, pool, rate_limit, chunking } = options;
    pool.check()?;
    rate_limit.as_ref().map_or(Ok(()), |limit| limit.check())?;
    name.as_deref().map_or(Ok(()), check_name)?;
    credentials.as_ref().map_or(Ok(()), check_credentials)?;
    let provider = provider::of(&endpoint.host);
    let key = Key::new(&endpoint.host, endpoint.port, credentials.as_ref().map(|credentials| credentials.user()));
    let connections = pool.max_connections.unwrap_or(provider.max_connections);
    let rate_limit = rate_limit.or(provider.rate_limit);
    let target = Target { endpoint, connector, credentials, name };
    Ok(Pool::new(target, pool, connections, rate_limit, chunking, Budget::of(key)))
}
