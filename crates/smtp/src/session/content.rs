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
use crate::scope::Scope;
use crate::session::{Flight, Session};
use crate::transparency::FINAL_DOT;
use crate::wire::Stopped;

/// The server has the message.
#[derive(Debug)]
pub(crate) struct Taken {
    /// What the server said to it.
    pub(crate) response: String,
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
        if body.form().is_chunked() {
            return self.chunks(body, next, scope).await;
        }
        // Whatever ends this before its end leaves the server in the middle of a message: only hanging up gets it out,
        // and makes it forget the message (RFC 5321 §4.1.1.4).
        self.broken = true;
        let (size, begun) = self.all_but_the_reply(body, next.map_or("", Flight::text), scope).await?;
        let reply = self.reply(Phase::Dot, scope).await.map_err(|error| error.with_delivery(Delivery::Unknown))?;
        self.begun = begun && !self.broken;
        self.broken |= next.is_some() && !begun;
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
        Ok(Taken { response: reply.summary(&self.identity.scrub), size })
    }

    /// The message's size, and whether `next` was said to its end.
    ///
    /// They go out in one piece: a server that finds the next command in its buffer already answers all in one segment,
    /// where the answer alone would wait for the acknowledgement of the one before (Nagle's algorithm, 40 ms).
    async fn all_but_the_reply<B: MessageBody>(
        &mut self,
        body: &mut Feeder<B>,
        next: &str,
        scope: Scope<'_>,
    ) -> Result<(u64, bool)> {
        loop {
            let batch = self.batch(body, scope).await.map_err(|error| error.with_delivery(Delivery::NotSent))?;
            let Batch { mut bytes, last, size } = batch;
            if !last {
                let written = self.write(&bytes, bytes.len(), scope).await;
                written.map_err(|error| error.with_delivery(Delivery::NotSent))?;
                continue;
            }
            bytes.extend_from_slice(FINAL_DOT);
            let ours = bytes.len();
            bytes.extend_from_slice(next.as_bytes());
            let written = self.write(&bytes, ours, scope).await;
            let dot_taken = self.wire.unsent() <= next.len();
            return match written {
                Ok(()) => Ok((size, !next.is_empty())),
                // The reply may have come before the end.
                Err(Error::ConnectionLost { .. }) if dot_taken && !next.is_empty() => Ok((size, false)),
                Err(error) if dot_taken => Err(error.with_delivery(Delivery::Unknown)),
                Err(error) => Err(error.with_delivery(Delivery::NotSent)),
            };
        }
    }

    pub(super) async fn batch<B: MessageBody>(&self, body: &mut Feeder<B>, scope: Scope<'_>) -> Result<Batch> {
        let batch = scope.run(Phase::Content, body.next()).await?.map_err(Error::Body)?;
        match self.extensions.max_size {
            Some(limit) if batch.size > limit => Err(Error::MessageTooLarge { size: batch.size, limit }),
            _ => Ok(batch),
        }
    }

    async fn write(&mut self, bytes: &[u8], ours: usize, scope: Scope<'_>) -> Result<()> {
        match scope.run(Phase::Content, self.wire.send(bytes, ours)).await? {
            Ok(()) => Ok(()),
            Err(Stopped::Ended(error)) => Err(Error::lost(Phase::Content, error.as_ref())),
            Err(Stopped::Spoken) => {
                let reply = self.reply(Phase::Content, scope).await?;
                self.broken = true;
                if reply.is_positive() {
                    let detail = "a reply came before the end of the message".to_owned();
                    return Err(Error::Protocol { phase: Phase::Content.doing(), detail });
                }
                Err(self.refused(&reply, Phase::Content).with_delivery(Delivery::NotSent))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::pin::Pin;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
    use std::task::{Context, Poll};
    use std::time::Duration;

    use email_base::{Call, Classify, Code};
    use email_net::{ConnectOptions, Connector, Endpoint, GreetingTime, Security};
    use lettre::transport::smtp::extension::ClientId;
    use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf};
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::body::RawMessage;
    use crate::budget::{Budget, Key};
    use crate::envelope::Envelope;
    use crate::identity::Identity;
    use crate::session::open::Greeting;
    use crate::session::{Target, Transaction};
    use crate::transparency::Form;

    /// Takes what is written, as TLS does, but does not pass it on while it is stuck; or takes only so much.
    struct Odd {
        inner: DuplexStream,
        stuck: Arc<AtomicBool>,
        room: Arc<AtomicUsize>,
        writes: Arc<AtomicUsize>,
    }

    impl AsyncRead for Odd {
        fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
            Pin::new(&mut self.inner).poll_read(cx, buf)
        }
    }

    impl AsyncWrite for Odd {
        fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
            self.writes.fetch_add(1, Ordering::SeqCst);
            let room = self.room.load(Ordering::SeqCst).min(buf.len());
            if room == 0 {
                return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
            }
            let written = std::task::ready!(Pin::new(&mut self.inner).poll_write(cx, &buf[..room]));
            self.room.fetch_sub(*written.as_ref().unwrap(), Ordering::SeqCst);
            Poll::Ready(written)
        }
        fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            if self.stuck.load(Ordering::SeqCst) { Poll::Pending } else { Pin::new(&mut self.inner).poll_flush(cx) }
        }
        fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            Pin::new(&mut self.inner).poll_shutdown(cx)
        }
    }

    /// A session whose server waits for a message of 100 octets.
    struct Begun {
        session: Session,
        transaction: Transaction,
        body: Feeder<RawMessage>,
        server: DuplexStream,
        stuck: Arc<AtomicBool>,
        room: Arc<AtomicUsize>,
        writes: Arc<AtomicUsize>,
        call: Call,
        closed: CancellationToken,
    }

    /// `buffer` is how much the socket takes ahead of the server.
    async fn begun(buffer: usize) -> Begun {
        let (inner, mut server) = tokio::io::duplex(buffer);
        let conversation = tokio::spawn(async move {
            let mut seen = vec![0; 256];
            for (word, until) in [("220 hi\r\n", "\r\n"), ("250-mail\r\n250 PIPELINING\r\n", "DATA\r\n")] {
                server.write_all(word.as_bytes()).await.unwrap();
                let mut got = String::new();
                while !got.ends_with(until) {
                    let count = server.read(&mut seen).await.unwrap();
                    got.push_str(std::str::from_utf8(&seen[..count]).unwrap());
                }
            }
            server.write_all(b"250 ok\r\n250 ok\r\n354 go\r\n").await.unwrap();
            server
        });
        let target = Target {
            endpoint: Endpoint { host: "localhost".into(), port: 25, tls: Security::None },
            connector: Connector::new(&ConnectOptions::default()).unwrap(),
            credentials: None,
            name: None,
        };
        let connection = Budget::of(Key::new("content", 25, Some(&buffer.to_string()))).connection().await;
        let (call, closed) = (Call::new(Duration::from_secs(5), CancellationToken::new()), CancellationToken::new());
        let scope = Scope { call: &call, closed: &closed };
        let (stuck, room) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(10_000)));
        let writes = Arc::new(AtomicUsize::new(0));
        let stream = Odd { inner, stuck: stuck.clone(), room: room.clone(), writes: writes.clone() };
        let hello = ClientId::Domain("x".into());
        let mut session = target
            .hello(stream, Greeting::Awaited(GreetingTime::default()), &hello, Identity::nobody(), connection, scope)
            .await
            .unwrap();
        let envelope = Envelope { from: "a@b".into(), to: vec!["c@d".into()] };
        let transaction = Transaction {
            route: envelope.route().unwrap(),
            dsn: Default::default(),
            size: None,
            smtp_utf8: false,
            eight_bit: false,
            form: Form::Dotted,
        };
        session.begin(&transaction, scope).await.unwrap();
        let server = conversation.await.unwrap();
        let body = Feeder::new(RawMessage::new(vec![b'x'; 98].into()), Form::Dotted);
        Begun { session, transaction, body, server, stuck, room, writes, call, closed }
    }

    impl Begun {
        async fn content(&mut self, next: Option<&Flight>) -> Result<Taken> {
            let scope = Scope { call: &self.call, closed: &self.closed };
            self.session.content(&mut self.body, next, scope).await
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_dot_that_was_taken_may_have_gone_out() {
        for (buffer, delivery) in [(102, Delivery::NotSent), (103, Delivery::Unknown), (200, Delivery::Unknown)] {
            let mut begun = begun(buffer).await;
            begun.stuck.store(true, Ordering::SeqCst);
            let error = begun.content(None).await.unwrap_err();
            assert_eq!((error.code(), error.delivery()), (Code::Timeout, Some(delivery)), "{buffer}");
            assert!(!begun.session.is_usable());
        }
    }

    impl Begun {
        /// The server reads the message to its end, and then says `word`.
        fn answer(&mut self, word: &'static str) -> tokio::task::JoinHandle<DuplexStream> {
            let mut server = std::mem::replace(&mut self.server, tokio::io::duplex(1).0);
            tokio::spawn(async move {
                server.read_exact(&mut [0; 103]).await.unwrap();
                server.write_all(word.as_bytes()).await.unwrap();
                server
            })
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_is_heard_while_the_end_is_stuck() {
        let mut begun = begun(300).await;
        begun.stuck.store(true, Ordering::SeqCst);
        let _answering = begun.answer("552 5.3.4 too big\r\n");
        let error = begun.content(None).await.unwrap_err();
        assert_eq!((error.code(), error.delivery()), (Code::MessageTooLarge, Some(Delivery::NotSent)));
        assert!(!begun.session.is_usable());
    }

    #[tokio::test(start_paused = true)]
    async fn a_reply_counts_though_the_connection_ended_behind_it() {
        let mut begun = begun(301).await;
        let next = begun.session.flight(&begun.transaction).unwrap();
        begun.room.store(103, Ordering::SeqCst);
        let _answering = begun.answer("250 queued\r\n");
        assert_eq!(begun.content(Some(&next)).await.unwrap().response, "250 queued");
        assert!(!begun.session.has_begun() && !begun.session.is_usable());
    }

    #[tokio::test(start_paused = true)]
    async fn the_next_envelope_is_not_a_segment_of_its_own() {
        let mut begun = begun(302).await;
        let next = begun.session.flight(&begun.transaction).unwrap();
        begun.writes.store(0, Ordering::SeqCst);
        let _answering = begun.answer("250 queued\r\n");
        begun.content(Some(&next)).await.unwrap();
        assert!(begun.session.has_begun());
        assert_eq!(begun.writes.load(Ordering::SeqCst), 1);
    }
}
