//! One message on its way, from its envelope to its result.

use email_base::{Classify, Delivery, Failure};

use crate::body::MessageBody;
use crate::client::{Rejected, SendResult};
use crate::dsn;
use crate::ehlo::Extensions;
use crate::envelope::Envelope;
use crate::error::{Error, Result};
use crate::feeder::Feeder;
use crate::options::{Chunking, SendOptions};
use crate::provider::SentCopy;
use crate::scope::Scope;
use crate::session::{Flight, Session, Taken, Transaction};
use crate::transparency::Form;

/// Checked, not yet said to any server.
pub(crate) struct Job<B> {
    envelope: Envelope,
    pub(crate) transaction: Transaction,
    pub(crate) feeder: Feeder<B>,
    message_id: String,
    chunking: Chunking,
}

/// What the server made of it.
pub(crate) struct Delivered {
    /// For each recipient, its refusal.
    rejected: Vec<Option<Error>>,
    taken: Taken,
}

impl<B: MessageBody> Job<B> {
    /// `offered` is what the server is expected to offer.
    pub(crate) fn new(
        envelope: Envelope,
        body: B,
        options: &SendOptions,
        chunking: Chunking,
        offered: &Extensions,
    ) -> Result<Self> {
        let route = envelope.route()?;
        let dsn = dsn::Parameters::new(options.dsn.as_ref())?;
        let form = form(body.is_binary(), chunking, offered);
        let transaction = Transaction {
            form,
            smtp_utf8: route.needs_smtp_utf8() || body.needs_smtputf8(),
            eight_bit: body.needs_8bit(),
            size: body.size_hint(),
            route,
            dsn,
        };
        let message_id = body.message_id().to_owned();
        Ok(Self { message_id, envelope, transaction, feeder: Feeder::new(body, form), chunking })
    }

    /// Reads the beginning, so that a file that is not there is found before a server hears of it.
    pub(crate) async fn prime(&mut self) -> Result<()> {
        self.feeder.prime().await.map_err(Error::Body)
    }

    /// Brings the message into the form that a server with these extensions takes.
    pub(crate) async fn fit(&mut self, offered: &Extensions) -> Result<()> {
        let form = form(self.transaction.form == Form::Binary, self.chunking, offered);
        if self.feeder.reshape(form).await.map_err(Error::Body)? {
            self.transaction.form = self.feeder.form();
        }
        Ok(())
    }

    /// The whole transaction; `begun` is the refusals of its recipients if all but the message was said already.
    pub(crate) async fn over(
        &mut self,
        session: &mut Session,
        begun: Option<Vec<Option<Error>>>,
        next: Option<&Flight>,
        scope: Scope<'_>,
    ) -> Result<Delivered> {
        let rejected = match begun {
            Some(rejected) => rejected,
            None => {
                self.fit(&session.extensions).await?;
                session.begin(&self.transaction, scope).await?
            }
        };
        let taken = session.content(&mut self.feeder, next, scope).await?;
        Ok(Delivered { rejected, taken })
    }

    /// Whether `error` is the death of an old connection, and the server certainly does not have the message.
    pub(crate) async fn may_start_over(&mut self, error: &Error) -> bool {
        let in_content = self.feeder.has_begun();
        let dead = match error.cause() {
            Error::ConnectionLost { .. } => true,
            cause => !in_content && cause.is_hang_up(),
        };
        let gone = error.delivery() == Some(Delivery::Unknown);
        dead && !gone && self.feeder.rewind().await.unwrap_or(false)
    }

    /// For the caller.
    pub(crate) fn result(self, delivered: Delivered, sent_copy: SentCopy) -> SendResult {
        let mut accepted = Vec::with_capacity(self.envelope.to.len());
        let mut rejected = Vec::new();
        for (address, refusal) in self.envelope.to.iter().zip(delivered.rejected) {
            match refusal {
                None => accepted.push(address.clone()),
                Some(error) => {
                    let error = error.with_delivery(Delivery::NotSent);
                    rejected.push(Rejected { address: address.clone(), error: Failure::from(&error as &dyn Classify) });
                }
            }
        }
        let Taken { response, size } = delivered.taken;
        tracing::info!(target: "smtp", accepted = accepted.len(), rejected = rejected.len(), bytes = size, "sent");
        SendResult {
            message_id: self.message_id,
            envelope: self.envelope,
            accepted,
            rejected,
            response,
            bytes: size,
            sent_copy,
        }
    }
}

/// What is binary stays so: there is no way to write it otherwise here.
fn form(binary: bool, chunking: Chunking, offered: &Extensions) -> Form {
    match chunking {
        _ if binary => Form::Binary,
        Chunking::Text | Chunking::Binary if offered.chunking => Form::Chunked,
        _ => Form::Dotted,
    }
}
