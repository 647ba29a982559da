//! One connection to a submission server, signed in: lettre's over our tap.
//!
//! | file           | step                                              |
//! |----------------|---------------------------------------------------|
//! | `open`         | connection, greeting, EHLO, a fresh token if need be |
//! | `starttls`     | the clear-text lines before TLS                   |
//! | `authenticate` | AUTH                                              |
//! | `transaction`  | MAIL, RCPT, DATA                                  |
//! | `content`      | the message and its final dot                     |
//! | `chunks`       | the message in chunks                             |
//!
//! Every method that fails in a way after which client and server may disagree on where they are marks the session as
//! broken; so does being dropped midway. A broken session is only good for closing.

mod authenticate;
mod chunks;
mod content;
mod open;
mod starttls;
mod transaction;

use std::fmt::Display;
use std::time::Duration;

use email_base::clock::{self, Instant};
use email_base::{ServerReply, redact};
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::commands::{Noop, Quit};

use crate::budget::Connection;
use crate::ehlo::Extensions;
use crate::error::{Error, Result};
use crate::identity::Identity;
use crate::phase::Phase;
use crate::refusal;
use crate::reply::Reply;
use crate::scope::Scope;
use crate::wire::{Fault, Wire};

pub(crate) use content::Taken;
pub(crate) use open::Target;
pub(crate) use transaction::{Flight, Transaction};

/// QUIT is a courtesy: a server that does not answer it for so long is left.
const QUIT_GRACE: Duration = Duration::from_millis(500);

/// See the module.
pub(crate) struct Session {
    lettre: AsyncSmtpConnection,
    wire: Wire,
    pub(crate) extensions: Extensions,
    identity: Identity,
    /// A step is under way, or ended so that nobody knows where the server stands.
    broken: bool,
    /// A transaction was begun and not ended: RSET comes first.
    dirty: bool,
    /// The next transaction's commands are said, their replies not read.
    begun: bool,
    /// Sent over this connection.
    pub(crate) messages: u32,
    pub(crate) idle_since: Instant,
    /// Given back when the session is dropped.
    connection: Connection,
}

impl Session {
    /// Good for another transaction.
    pub(crate) fn is_usable(&self) -> bool {
        !self.broken && !self.begun
    }

    /// Looks, without a round trip, whether the server has hung up or said so since the last reply.
    pub(crate) async fn is_alive(&self) -> bool {
        !self.broken && self.wire.is_quiet().await
    }

    /// NOOP.
    pub(crate) async fn noop(&mut self, scope: Scope<'_>) -> Result<()> {
        let reply = self.command(Noop, Phase::Noop, scope).await?;
        self.accept(&reply, Phase::Noop)
    }

    /// QUIT, as far as the server goes along.
    pub(crate) async fn quit(mut self) {
        if !self.broken {
            let _ = clock::timeout(QUIT_GRACE, self.lettre.command(Quit)).await;
        }
    }

    /// Ends the connection, keeping the right to open another.
    fn hang_up(self) -> Connection {
        self.connection
    }

    /// Writes a command (or several, pipelined) and reads the first reply.
    async fn command(&mut self, command: impl Display, phase: Phase, scope: Scope<'_>) -> Result<Reply> {
        if self.wire.has_unread() {
            return Err(self.spoken_to(phase, scope).await);
        }
        self.broken = true;
        let read = scope.run(phase, self.lettre.command(command)).await?;
        self.settle(read.err(), phase)
    }

    /// Reads the next reply.
    async fn reply(&mut self, phase: Phase, scope: Scope<'_>) -> Result<Reply> {
        self.broken = true;
        let read = scope.run(phase, self.lettre.read_response()).await?;
        self.settle(read.err(), phase)
    }

    /// What lettre has read, or why it could not. A refusal is a reply like any other here.
    fn settle(&mut self, failed: Option<lettre::transport::smtp::Error>, phase: Phase) -> Result<Reply> {
        let Self { wire, identity, .. } = self;
        let reply = wire.take_reply().ok_or_else(|| unreadable(wire, failed.as_ref(), phase, identity))?;
        self.broken = reply.is_closing();
        Ok(reply)
    }

    /// The server spoke out of turn: it either hangs up, or is not to be trusted with the order of replies.
    async fn spoken_to(&mut self, phase: Phase, scope: Scope<'_>) -> Error {
        let reply = self.reply(phase, scope).await;
        self.broken = true;
        match reply {
            Ok(reply) if reply.is_closing() => self.refused(&reply, phase),
            Ok(_) => Error::Protocol { phase: phase.doing(), detail: "a reply came before its command".to_owned() },
            Err(error) => error,
        }
    }

    /// An error unless the reply is positive.
    fn accept(&self, reply: &Reply, phase: Phase) -> Result<()> {
        if reply.is_positive() { Ok(()) } else { Err(self.refused(reply, phase)) }
    }

    fn refused(&self, reply: &Reply, phase: Phase) -> Error {
        refused(reply, phase, &self.identity, phase.object().to_owned())
    }
}

/// Why there is no reply.
fn unreadable(
    wire: &Wire,
    failed: Option<&lettre::transport::smtp::Error>,
    phase: Phase,
    identity: &Identity,
) -> Error {
    match (wire.take_fault(), failed) {
        (Some(Fault::Malformed(what)), _) => Error::malformed(phase, what),
        (Some(Fault::Ended(error)), _) => Error::lost(phase, error.as_ref()),
        (None, Some(error)) => {
            let detail = redact::text(&identity.scrub.clean(&error.to_string()), ServerReply::MAX_TEXT);
            Error::Protocol { phase: phase.doing(), detail }
        }
        (None, None) => Error::lost(phase, None),
    }
}

fn refused(reply: &Reply, phase: Phase, identity: &Identity, what: String) -> Error {
    let code = refusal::classify(reply, phase, identity.who);
    tracing::debug!(target: "smtp", status = reply.code, enhanced = reply.enhanced(), code = code.as_str(), "refused");
    Error::Refused { code, what, server: Box::new(reply.to_server(&identity.scrub)), retry_after: None }
}
