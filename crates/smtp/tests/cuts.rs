//! The connection ends in every phase, after every octet of what the server says there: what the caller is told is true
//! by the server's own ledger, and no message ever arrives twice.
//!
//! A fresh connection that dies is told; a kept one that dies before the final dot is replaced once; after the dot nothing
//! is ever sent again.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets anything unexpected must fail"
)]

mod common;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use common::*;
use email_base::{Classify, Code, Delivery, clock};
use email_net::Security;
use email_smtp::{Chunking, Client, MessageBody, PoolOptions, RawMessage, SendOptions};
use email_testkit::{Leaf, Mock, Peer};

/// Where the server hangs up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Greeting,
    Ehlo,
    StartTls,
    Auth,
    Mail,
    Rcpt,
    Data,
    /// In the middle of the message.
    Body,
    /// In the reply to the final dot, or to the last chunk.
    Dot,
    /// The reply was said whole; in the middle of what comes next.
    Replied,
}

/// Every reply is longer than this, so that each octet of it is a place to be cut at.
const OFFSETS: usize = 24;

#[derive(Debug, Clone)]
struct Cut {
    phase: Phase,
    offset: usize,
    violent: bool,
    /// Which message of the connection.
    message: usize,
    /// Opened when it has happened.
    gate: Gate,
}

type Gate = tokio::sync::watch::Sender<bool>;

/// A message whose end is not to be had before the cut: else all of it might be in the sockets' buffers by then, and
/// nobody could know.
struct Held {
    text: RawMessage,
    gate: Gate,
    given: usize,
}

impl MessageBody for Held {
    fn next_chunk(&mut self) -> std::io::Result<Option<Bytes>> {
        let limit = clock::now() + std::time::Duration::from_secs(10);
        while self.given >= BODY + HELD && !*self.gate.borrow() {
            assert!(clock::now() < limit, "nothing was cut");
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        let chunk = self.text.next_chunk()?;
        self.given += chunk.as_ref().map_or(0, Bytes::len);
        Ok(chunk)
    }
    fn rewind(&mut self) -> std::io::Result<bool> {
        self.given = 0;
        self.text.rewind()
    }
    fn size_hint(&self) -> Option<u64> {
        self.text.size_hint()
    }
    fn needs_smtputf8(&self) -> bool {
        false
    }
    fn needs_8bit(&self) -> bool {
        false
    }
    fn message_id(&self) -> &str {
        ""
    }
}

#[derive(Debug, Clone, Copy)]
struct World {
    pipelining: bool,
    chunking: bool,
    security: Security,
    auth: bool,
}

const PLAIN: World = World { pipelining: true, chunking: false, security: Security::None, auth: false };

/// How often the server took each message, by its subject.
type Ledger = Arc<Mutex<HashMap<String, usize>>>;

/// One connection; `None` when it is over.
struct Server {
    peer: Peer,
    world: World,
    cut: Option<Cut>,
    messages: usize,
    /// Of the message that comes in chunks.
    subject: String,
    ledger: Ledger,
}

impl Server {
    async fn serve(mut self) {
        let cut = self.cut.clone();
        let violent = cut.as_ref().is_some_and(|cut| cut.violent);
        if self.session().await.is_none() && violent {
            self.peer.reset().await;
        } else {
            self.peer.close().await;
        }
        if let Some(cut) = cut {
            cut.gate.send_replace(true);
        }
    }

    /// Says `reply`, or as much of it as the cut allows.
    async fn say(&mut self, phase: Phase, reply: &str) -> Option<()> {
        assert!(reply.len() > OFFSETS || phase == Phase::Body, "{reply}");
        match self.cut.clone().filter(|cut| cut.phase == phase && cut.message == self.messages) {
            Some(cut) => {
                let _ = self.peer.try_send(&reply.as_bytes()[..cut.offset]).await;
                None
            }
            None => self.peer.try_send(reply).await.ok(),
        }
    }

    async fn session(&mut self) -> Option<()> {
        self.say(Phase::Greeting, "220 mail.example.com ESMTP ready\r\n").await?;
        let mut recipients = 0;
        loop {
            if let Some(cut) =
                self.cut.clone().filter(|cut| cut.phase == Phase::Replied && cut.message + 1 == self.messages)
            {
                self.peer.receive_exact(cut.offset).await;
                return None;
            }
            let line = self.peer.try_receive_line().await?;
            match line.split([' ', ':']).next().unwrap() {
                "EHLO" => {
                    let mut reply = "250-mail.example.com greets you\r\n".to_owned();
                    for (offered, word) in [
                        (self.world.pipelining, "PIPELINING"),
                        (self.world.chunking, "CHUNKING"),
                        (self.world.security == Security::StartTls, "STARTTLS"),
                        (self.world.auth, "AUTH PLAIN"),
                    ] {
                        if offered {
                            reply.push_str(&format!("250-{word}\r\n"));
                        }
                    }
                    self.say(Phase::Ehlo, &(reply + "250 SIZE 9000000\r\n")).await?;
                }
                "STARTTLS" => {
                    self.say(Phase::StartTls, "220 2.0.0 ready for the handshake\r\n").await?;
                    self.peer.try_upgrade(Leaf::Good).await.ok()?;
                }
                "AUTH" => self.say(Phase::Auth, "235 2.7.0 authentication successful\r\n").await?,
                "MAIL" => {
                    recipients = 0;
                    self.say(Phase::Mail, "250 2.1.0 sender is welcome here\r\n").await?;
                }
                "RCPT" => {
                    recipients += 1;
                    self.say(Phase::Rcpt, "250 2.1.5 recipient is welcome\r\n").await?;
                }
                "DATA" => {
                    self.say(Phase::Data, "354 end the message with a dot\r\n").await?;
                    self.message(recipients).await?;
                }
                "BDAT" => self.chunk(&line).await?,
                "RSET" => self.peer.try_send("250 2.0.0 forgotten\r\n").await.ok()?,
                "QUIT" => {
                    let _ = self.peer.try_send("221 2.0.0 bye\r\n").await;
                    return Some(());
                }
                other => panic!("what is {other}?"),
            }
        }
    }

    /// Reads `body` so far that it is cut in the middle.
    async fn cut_within(&mut self) -> Option<()> {
        let Some(cut) = self.cut.clone().filter(|cut| cut.phase == Phase::Body && cut.message == self.messages) else {
            return Some(());
        };
        self.peer.receive_exact(cut.offset * BODY / OFFSETS).await;
        None
    }

    async fn message(&mut self, recipients: usize) -> Option<()> {
        assert!(recipients > 0);
        self.cut_within().await?;
        let mut subject = String::new();
        loop {
            let line = self.peer.try_receive_line().await?;
            if let Some(found) = line.strip_prefix("Subject: ") {
                subject = found.to_owned();
            }
            if line == "." {
                return self.taken(subject).await;
            }
        }
    }

    async fn chunk(&mut self, line: &str) -> Option<()> {
        self.cut_within().await?;
        let size = line.split(' ').nth(1).unwrap().parse().unwrap();
        let text = String::from_utf8(self.peer.receive_exact(size).await).unwrap();
        // It stands in the first one.
        if let Some(line) = text.lines().find_map(|line| line.strip_prefix("Subject: ")) {
            self.subject = line.to_owned();
        }
        if !line.ends_with(" LAST") {
            return self.peer.try_send("250 2.0.0 chunk received\r\n").await.ok();
        }
        self.taken(self.subject.clone()).await
    }

    async fn taken(&mut self, subject: String) -> Option<()> {
        *self.ledger.lock().unwrap().entry(subject).or_default() += 1;
        self.say(Phase::Dot, "250 2.0.0 queued as 4711, thanks\r\n").await?;
        self.messages += 1;
        Some(())
    }
}

/// Octets within which a message is cut: several batches.
const BODY: usize = 400_000;
/// More than is read ahead of what was written.
const HELD: usize = 300_000;

fn message(subject: &str, size: usize) -> RawMessage {
    let line = "so many words and none of them read\r\n";
    RawMessage::new(Bytes::from(format!("Subject: {subject}\r\n\r\n{}", line.repeat(size / line.len() + 1))))
}

async fn send(client: &Client, subject: &str, held: Option<&Gate>) -> Option<Delivery> {
    let sent = match held {
        None => client.send(to_bob(), message(subject, 100), SendOptions::default(), &call()).await,
        Some(gate) => {
            let held = Held { text: message(subject, BODY + 2 * HELD), gate: gate.clone(), given: 0 };
            client.send(to_bob(), held, SendOptions::default(), &call()).await
        }
    };
    sent.err().map(|error| {
        assert!(matches!(error.code(), Code::ConnectionLost | Code::TlsFailed), "{subject}: {error}");
        error.delivery().unwrap_or_else(|| panic!("{subject}: {error} says nothing"))
    })
}

/// What is right for the second message, when its connection was cut so.
fn is_right(cut: &Cut, kept: bool, outcome: Option<Delivery>, taken: usize) -> bool {
    match (cut.phase, outcome) {
        // RST may overtake what was said before it; the ledger knows better than the client can.
        (Phase::Dot, outcome) => outcome == Some(Delivery::Unknown) && taken == 1,
        (Phase::Replied, outcome) => outcome.is_none() && taken == 1,
        (_, Some(outcome)) => !kept && outcome == Delivery::NotSent && taken == 0,
        (_, None) => kept && taken == 1,
    }
}

/// A first message goes through; then the second's connection dies: the one that was kept, or a fresh one.
async fn play(world: World, cut: Cut, kept: bool) {
    let ledger = Ledger::default();
    let (known, known_cut) = (ledger.clone(), cut.clone());
    let bad = usize::from(!kept);
    let server = Mock::each(None, async move |number, peer| {
        let cut = Some(known_cut.clone()).filter(|_| number == bad);
        Server { peer, world, cut, messages: 0, subject: String::new(), ledger: known.clone() }.serve().await;
    });
    let mut options = options(&server, world.security);
    if world.auth {
        options = with_password(options, "cuts@example.com", "hunter2");
    }
    if !kept {
        options.pool = PoolOptions { max_messages_per_connection: Some(1), ..Default::default() };
    }
    options.chunking = if world.chunking { Chunking::Text } else { Chunking::Off };
    let client = Client::connect(options, &call()).await.unwrap();
    let held = (cut.phase == Phase::Body).then_some(&cut.gate);
    assert_eq!(send(&client, "first", None).await, None);
    let outcome = send(&client, "second", held).await;
    let third = (cut.phase == Phase::Replied).then_some("third");
    if let Some(third) = third {
        assert_eq!(send(&client, third, None).await, None, "{cut:?}");
    }
    client.close().await;
    let ledger = ledger.lock().unwrap().clone();
    let taken = ledger.get("second").copied().unwrap_or_default();
    assert!(is_right(&cut, kept, outcome, taken), "{cut:?} of {world:?}, kept: {kept}: {outcome:?}, taken {taken}");
    assert!(ledger.values().all(|times| *times <= 1), "{cut:?} of {world:?}, kept: {kept}: {ledger:?}");
    for sure in ["first"].into_iter().chain(third) {
        assert_eq!(ledger[sure], 1, "{cut:?}: {ledger:?}");
    }
}

/// Every offset, in good order and, for the world that most servers are, with RST.
async fn every_offset(world: World, phase: Phase, kept: bool) -> usize {
    let common = world.pipelining && !world.chunking;
    // On a kept connection it is the second message; the third is what finds it dead after the second's reply.
    let message = usize::from(kept);
    let mut cuts = 0;
    for violent in [false, true].into_iter().filter(|violent| common || !violent) {
        for offset in 0..OFFSETS {
            play(world, Cut { phase, offset, violent, message, gate: Gate::default() }, kept).await;
            cuts += 1;
        }
    }
    cuts
}

const TRANSACTION: [Phase; 5] = [Phase::Mail, Phase::Rcpt, Phase::Data, Phase::Body, Phase::Dot];

#[tokio::test]
async fn a_fresh_connection_is_cut_in_every_phase() {
    let mut cuts = 0;
    for phase in [Phase::Greeting, Phase::Ehlo].into_iter().chain(TRANSACTION) {
        cuts += every_offset(PLAIN, phase, false).await;
    }
    let tls = World { security: Security::StartTls, ..PLAIN };
    cuts += every_offset(tls, Phase::StartTls, false).await;
    cuts += every_offset(World { auth: true, ..PLAIN }, Phase::Auth, false).await;
    assert_eq!(cuts, 9 * 2 * OFFSETS);
}

#[tokio::test]
async fn a_kept_connection_is_cut_in_every_phase() {
    for phase in TRANSACTION.into_iter().chain([Phase::Replied]) {
        every_offset(PLAIN, phase, true).await;
    }
}

#[tokio::test]
async fn the_same_without_pipelining() {
    let world = World { pipelining: false, ..PLAIN };
    for phase in [Phase::Mail, Phase::Rcpt, Phase::Data, Phase::Dot] {
        every_offset(world, phase, false).await;
        every_offset(world, phase, true).await;
    }
}

#[tokio::test]
async fn the_same_in_chunks() {
    let world = World { chunking: true, ..PLAIN };
    for phase in [Phase::Mail, Phase::Rcpt, Phase::Body, Phase::Dot] {
        every_offset(world, phase, false).await;
        every_offset(world, phase, true).await;
    }
    every_offset(world, Phase::Replied, true).await;
}
