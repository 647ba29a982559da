//! The message between 354 and its reply (RFC 5321 §4.1.1.4).
//!
//! The final dot is the point of no return: before the socket has taken it the server cannot have the message, after it
//! only the reply can tell.
//!
//! The commands of the next transaction may follow the dot in the same flight (RFC 2920 §3.1 allows it of the end of
//! DATA): then a series of messages costs one round trip each.

use email_base::Delivery;

use crate::body::MessageBody;
use crate::error::{Error, Result};
use crate::feeder::{Batch, Feeder};
use crate::phase::Phase;
use crate::reply::Reply;
use crate::scope::Scope;
use crate::session::{Flight, Session};
use crate::transparency::FINAL_DOT;
use crate::wire::Stopped;

/// The server has the message.
#[derive(Debug)]
pub(crate) struct Taken {
    pub(crate) reply: Reply,
    /// Of the message (RFC 1870).
    pub(crate) size: u64,
}

impl Session {
    /// Sends the message that [`Session::begin`] announced, and `next` with it. Every error says what became of the
    /// message. If [`Session::has_begun`] afterwards, `next` was said too, and [`Session::begun`] reads the replies.
    pub(crate) async fn content<B: MessageBody>(
        &mut self,
        body: &mut Feeder<B>,
        next: Option<&Flight>,
        scope: Scope<'_>,
    ) -> Result<Taken> {
        // Whatever ends this before its end leaves the server in the middle of a message: only hanging up gets it out,
        // and makes it forget the message (RFC 5321 §4.1.1.4).
        self.broken = true;
        let next = next.map_or("", Flight::text);
        let size = self.all_but_the_reply(body, next, scope).await?;
        let reply = self.reply(Phase::Dot, scope).await.map_err(|error| error.with_delivery(Delivery::Unknown))?;
        self.begun = !next.is_empty() && !self.broken;
        if !reply.is_positive() {
            self.dirty = false;
            return Err(self.refused(&reply, Phase::Dot).with_delivery(Delivery::NotSent));
        }
        if reply.code / 100 != 2 {
            (self.broken, self.begun) = (true, false);
            let detail = format!("it answered the message with {}", reply.code);
            let error = Error::Protocol { phase: Phase::Dot.doing(), detail };
            return Err(error.with_delivery(Delivery::Unknown));
        }
        self.dirty = false;
        self.messages = self.messages.saturating_add(1);
        Ok(Taken { reply, size })
    }

    async fn all_but_the_reply<B: MessageBody>(
        &mut self,
        body: &mut Feeder<B>,
        next: &str,
        scope: Scope<'_>,
    ) -> Result<u64> {
        loop {
            let batch = self.batch(body, scope).await.map_err(|error| error.with_delivery(Delivery::NotSent))?;
            let Batch { mut bytes, last, size } = batch;
            if last {
                bytes.extend_from_slice(FINAL_DOT);
                bytes.extend_from_slice(next.as_bytes());
            }
            if let Err(error) = self.write(&bytes, scope).await {
                let dot_taken = last && self.wire.unsent() <= next.len();
                let delivery = if dot_taken { Delivery::Unknown } else { Delivery::NotSent };
                return Err(error.with_delivery(delivery));
            }
            if last {
                return Ok(size);
            }
        }
    }

    async fn batch<B: MessageBody>(&self, body: &mut Feeder<B>, scope: Scope<'_>) -> Result<Batch> {
        let batch = scope.run(Phase::Content, body.next()).await?.map_err(Error::Body)?;
        match self.extensions.max_size {
            Some(limit) if batch.size > limit => Err(Error::MessageTooLarge { size: batch.size, limit }),
            _ => Ok(batch),
        }
    }

    async fn write(&mut self, bytes: &[u8], scope: Scope<'_>) -> Result<()> {
        match scope.run(Phase::Content, self.wire.send(bytes)).await? {
            Ok(()) => Ok(()),
            Err(Stopped::Ended(error)) => Err(Error::lost(Phase::Content, error.as_ref())),
            Err(Stopped::Spoken) => {
                let reply = self.reply(Phase::Content, scope).await?;
                self.broken = true;
                if reply.is_positive() {
                    let detail = "a reply came before the end of the message".to_owned();
                    return Err(Error::Protocol { phase: Phase::Content.doing(), detail });
                }
                Err(self.refused(&reply, Phase::Content))
            }
        }
    }
}
