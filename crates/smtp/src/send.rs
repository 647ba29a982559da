//! Carries a message over a session of the pool: in its turn, and on a second connection if the first was dead already.

use email_base::{Call, Classify, Code};

use crate::body::MessageBody;
use crate::budget::Ticket;
use crate::client::{Client, SendResult};
use crate::error::{Error, Result};
use crate::job::{Delivered, Job};
use crate::phase::Phase;
use crate::pool::Lease;
use crate::provider;
use crate::session::Flight;

/// A session on which a message may be said now.
pub(crate) struct Ready {
    pub(crate) lease: Lease,
    /// The envelope was said already; these recipients were refused.
    pub(crate) begun: Option<Vec<Option<Error>>>,
}

impl Client {
    /// One message. `ticket` is its place in the mailbox's queue.
    pub(crate) async fn deliver<B: MessageBody>(
        &self,
        mut job: Job<B>,
        ticket: Ticket,
        call: &Call,
    ) -> Result<SendResult> {
        let ready = self.ready(&mut job, ticket, call).await?;
        let (lease, outcome) = self.carry(&mut job, ready, None, call).await;
        if let Some(lease) = lease {
            lease.give_back();
        }
        Ok(self.result(job, outcome?))
    }

    /// A session that can take the message, when it is the mailbox's turn.
    pub(crate) async fn ready<B: MessageBody>(&self, job: &mut Job<B>, ticket: Ticket, call: &Call) -> Result<Ready> {
        job.prime().await?;
        let lease = self.lease(call).await?;
        let ready = async {
            job.fit(&lease.session.extensions).await?;
            job.transaction.check(&lease.session.extensions)?;
            self.turn(&ticket, call).await
        };
        if let Err(error) = ready.await {
            lease.give_back();
            return Err(error);
        }
        Ok(Ready { lease, begun: None })
    }

    /// The transaction, and with its end the beginning of the `next`. Gives the lease back unless there is none.
    pub(crate) async fn carry<B: MessageBody>(
        &self,
        job: &mut Job<B>,
        ready: Ready,
        next: Option<&Flight>,
        call: &Call,
    ) -> (Option<Lease>, Result<Delivered>) {
        let Ready { mut lease, begun } = ready;
        let mut outcome = job.over(&mut lease.session, begun, next, self.scope(call)).await;
        if let Err(error) = &outcome
            && lease.reused
            && job.may_start_over(error).await
        {
            tracing::debug!(target: "smtp", "a kept connection was dead; trying a new one");
            lease = match self.renew(lease, call).await {
                Ok(lease) => lease,
                Err(error) => return (None, Err(error)),
            };
            outcome = job.over(&mut lease.session, None, next, self.scope(call)).await;
        }
        if outcome.is_ok() {
            self.pool.budget.resume();
        }
        (Some(lease), outcome)
    }

    pub(crate) fn result<B: MessageBody>(&self, job: Job<B>, delivered: Delivered) -> SendResult {
        job.result(delivered, provider::of(&self.pool.target.endpoint.host).sent_copy)
    }

    pub(crate) async fn lease(&self, call: &Call) -> Result<Lease> {
        self.pool.lease(self.scope(call)).await.map_err(|error| self.told(error))
    }

    pub(crate) async fn renew(&self, dead: Lease, call: &Call) -> Result<Lease> {
        dead.renew(self.scope(call)).await.map_err(|error| self.told(error))
    }

    /// If the server said "too much", the whole mailbox pauses, and the error says for how long.
    pub(crate) fn told(&self, mut error: Error) -> Error {
        if let Some(retry_after) = error.missing_retry_after() {
            *retry_after = Some(self.pool.budget.pause());
        }
        error
    }

    /// Waits for the mailbox's turn. A deadline that comes first is the limit's doing.
    async fn turn(&self, ticket: &Ticket, call: &Call) -> Result<()> {
        let waited = self.scope(call).run(Phase::Queue, ticket.turn()).await;
        waited.map_err(|error| match error.code() {
            Code::Timeout => Error::RateLimited { retry_after: ticket.wait() },
            _ => error,
        })
    }
}
