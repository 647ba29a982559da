//! The message in chunks (RFC 3030 §2).
//!
//! ```text
//! bdat-cmd = "BDAT" SP chunk-size [ SP "LAST" ] CR LF
//!
//! C: BDAT 131072 <131072 octets>    C: BDAT 86 LAST <86 octets>    [C: the next transaction's commands]
//! S: 250                            S: 250                         [S: …]
//! ```
//!
//! With PIPELINING no chunk waits for the reply to the one before: the message flows as fast as the network takes it, and
//! no octet of it is looked at. The last octet of the last chunk is what the final dot is to DATA: the point of no return.

use email_base::Delivery;

use crate::body::MessageBody;
use crate::error::{Error, Result};
use crate::feeder::{Batch, Feeder};
use crate::phase::Phase;
use crate::reply::Reply;
use crate::scope::Scope;
use crate::session::content::Taken;
use crate::session::{Flight, Session};
use crate::wire::Stopped;

/// Replies that may be outstanding: 8 MB under way, far more than a fast and distant server has room for, and few enough
/// replies for any socket's buffers.
const MAX_DUE: usize = 64;

impl Session {
    /// As [`Session::content`].
    pub(super) async fn chunks<B: MessageBody>(
        &mut self,
        body: &mut Feeder<B>,
        next: Option<&Flight>,
        scope: Scope<'_>,
    ) -> Result<Taken> {
        // Given up within a chunk, only hanging up gets the server out of it, and makes it forget the message.
        self.broken = true;
        let not_sent = |error: Error| error.with_delivery(Delivery::NotSent);
        let patience = if self.extensions.pipelining { MAX_DUE } else { 0 };
        let mut due = 0;
        loop {
            let Batch { bytes, last, size } = self.batch(body, scope).await.map_err(not_sent)?;
            let mut text = format!("BDAT {}{}\r\n", bytes.len(), if last { " LAST" } else { "" }).into_bytes();
            text.extend_from_slice(&bytes);
            let ours = text.len();
            let after = next.filter(|_| last).map_or("", Flight::text);
            text.extend_from_slice(after.as_bytes());
            let written = self.chunk(&text, &mut due, scope).await;
            let taken = last && self.wire.unsent() <= text.len() - ours;
            match written {
                Ok(()) if last => return self.conclude_chunks(due, size, !after.is_empty(), scope).await,
                Ok(()) => {}
                // Every chunk is through; the reply may have come before the end.
                Err(Error::ConnectionLost { .. }) if taken && !after.is_empty() => {
                    return self.conclude_chunks(due, size, false, scope).await;
                }
                Err(error) if taken => return Err(error.with_delivery(Delivery::Unknown)),
                Err(error) => return Err(not_sent(error)),
            }
            due += 1;
            while due > patience {
                self.one_less(&mut due, scope).await.map_err(not_sent)?;
            }
        }
    }

    /// Writes a chunk; a refusal of one before stops it.
    async fn chunk(&mut self, text: &[u8], due: &mut usize, scope: Scope<'_>) -> Result<()> {
        match scope.run(Phase::Content, self.wire.send_beside_replies(text)).await? {
            Ok(()) => Ok(()),
            Err(Stopped::Ended(error)) => Err(Error::lost(Phase::Content, error.as_ref())),
            Err(Stopped::Spoken) => {
                while *due > 0 {
                    self.one_less(due, scope).await.map_err(|error| error.with_delivery(Delivery::NotSent))?;
                }
                // To this chunk, before its end.
                let reply = self.reply(Phase::Content, scope).await?;
                self.broken = true;
                if !reply.is_positive() {
                    return Err(self.refused(&reply, Phase::Content).with_delivery(Delivery::NotSent));
                }
                let detail = "a reply came before its chunk".to_owned();
                Err(Error::Protocol { phase: Phase::Content.doing(), detail })
            }
        }
    }

    /// Reads the reply to a chunk that was not the last.
    async fn one_less(&mut self, due: &mut usize, scope: Scope<'_>) -> Result<()> {
        let reply = self.reply(Phase::Content, scope).await;
        self.broken = true;
        let reply = reply?;
        *due -= 1;
        self.accept(&reply, Phase::Content)
    }

    /// The replies that are still to come: of `due` chunks, and of the last one.
    async fn conclude_chunks(&mut self, due: usize, size: u64, begun: bool, scope: Scope<'_>) -> Result<Taken> {
        let mut refusal: Option<Error> = None;
        for _ in 0..due {
            let reply = self.told(&mut refusal, scope).await?;
            if let Err(error) = self.accept(&reply, Phase::Content) {
                refusal.get_or_insert(error);
            }
        }
        let reply = self.told(&mut refusal, scope).await?;
        self.begun = begun && !self.broken;
        if !reply.is_positive() {
            // What came before may still be there (RFC 3030 §2): RSET.
            self.dirty = true;
            let error = refusal.unwrap_or_else(|| self.refused(&reply, Phase::Dot));
            return Err(error.with_delivery(Delivery::NotSent));
        }
        if reply.code / 100 != 2 || refusal.is_some() {
            (self.broken, self.begun) = (true, false);
            let detail = format!("it answered the last chunk with {}", reply.code);
            let error = Error::Protocol { phase: Phase::Dot.doing(), detail };
            return Err(error.with_delivery(Delivery::Unknown));
        }
        self.dirty = false;
        self.messages = self.messages.saturating_add(1);
        Ok(Taken { response: reply.summary(&self.identity.scrub), size })
    }

    /// A reply after the last octet: without it nobody knows, unless a chunk was refused before.
    async fn told(&mut self, refusal: &mut Option<Error>, scope: Scope<'_>) -> Result<Reply> {
        self.reply(Phase::Dot, scope).await.map_err(|error| match refusal.take() {
            Some(refusal) => refusal.with_delivery(Delivery::NotSent),
            None => error.with_delivery(Delivery::Unknown),
        })
    }
}
