//! BDAT (RFC 3030): chunks flow without waiting, raw octets stay as they are, a refusal is heard in the middle; and where
//! the server offers nothing of it, DATA.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets anything unexpected must fail"
)]

mod common;

use std::io;
use std::time::Duration;

use bytes::Bytes;
use common::*;
use email_base::{Code, Delivery};
use email_net::Security;
use email_smtp::{Chunking, Client, MessageBody, Outgoing, RawMessage, SendOptions};
use email_testkit::{Mock, Peer};

async fn client(server: &Mock, chunking: Chunking) -> Client {
    let mut options = options(server, Security::None);
    options.chunking = chunking;
    Client::connect(options, &call()).await.unwrap()
}

fn server(extensions: &str, rest: &str) -> Mock {
    let transcript = format!("S: 220 hi\nC: EHLO [127.0.0.1]\nS: 250-mail\n{extensions}{rest}");
    Mock::start(async move |listener| listener.accept().await.play(&transcript).await)
}

const CHUNKS: &str = "S: 250-PIPELINING\nS: 250 CHUNKING\n";
const BINARY: &str = "S: 250-PIPELINING\nS: 250-BINARYMIME\nS: 250 CHUNKING\n";
const ENVELOPE: &str = "C: MAIL FROM:<ada@example.com>\nC: RCPT TO:<bob@example.com>\nS: 250 ok\nS: 250 ok\n";
const QUIT: &str = "C: QUIT\nS: 221 bye\nX: close";

/// Octets of every value, and no line at all.
struct Octets(Option<Bytes>);

const RAW: &[u8] = b"Subject: x\r\n\r\n.\n\r.\r\n.\r\n\0\xff\n.\n";

impl MessageBody for Octets {
    fn next_chunk(&mut self) -> io::Result<Option<Bytes>> {
        Ok(self.0.take())
    }
    fn rewind(&mut self) -> io::Result<bool> {
        self.0 = Some(Bytes::from_static(RAW));
        Ok(true)
    }
    fn size_hint(&self) -> Option<u64> {
        Some(RAW.len() as u64)
    }
    fn needs_smtputf8(&self) -> bool {
        false
    }
    fn needs_8bit(&self) -> bool {
        true
    }
    fn is_binary(&self) -> bool {
        true
    }
    fn message_id(&self) -> &str {
        ""
    }
}

#[tokio::test]
async fn one_chunk_without_stuffed_dots_and_without_leave() {
    let text = "C: BDAT 19 LAST\nC~: .\\r\\n..\\r\\nbare\\r\\n.\\r\\nx\\r\\nS: 250 queued\n";
    let text = text.replace("\\r\\nS: 250", "\\r\\n\nS: 250");
    let server = server(CHUNKS, &format!("{ENVELOPE}{text}{QUIT}"));
    let client = client(&server, Chunking::Text).await;
    let sent = client.send(to_bob(), raw(".\n..\nbare\r.\nx"), SendOptions::default(), &call()).await.unwrap();
    assert_eq!((sent.response.as_str(), sent.bytes), ("250 queued", 19));
    client.close().await;
    server.finished().await;
}

#[tokio::test]
async fn data_where_it_is_not_offered_or_not_asked_for() {
    for (extensions, chunking) in [("S: 250 PIPELINING\n", Chunking::Binary), (BINARY, Chunking::Off)] {
        let rest = "C: MAIL FROM:<ada@example.com>\nC: RCPT TO:<bob@example.com>\nC: DATA\n\
                    S: 250 ok\nS: 250 ok\nS: 354 go\nC: ..\nC: .\nS: 250 queued\n";
        let server = server(extensions, &format!("{rest}{QUIT}"));
        let client = client(&server, chunking).await;
        assert!(!client.takes_binary());
        client.send(to_bob(), raw(".\n"), SendOptions::default(), &call()).await.unwrap();
        client.close().await;
        server.finished().await;
    }
}

#[tokio::test]
async fn raw_octets_arrive_as_they_are_and_only_where_they_may() {
    let octets: String = RAW.iter().map(|byte| format!("\\x{byte:02x}")).collect();
    let rest = format!(
        "C: MAIL FROM:<ada@example.com> BODY=BINARYMIME\nC: RCPT TO:<bob@example.com>\nS: 250 ok\nS: 250 ok\n\
         C: BDAT {} LAST\nC~: {octets}\nS: 250 queued\n{QUIT}",
        RAW.len()
    );
    let binary = server(BINARY, &rest);
    let able = client(&binary, Chunking::Binary).await;
    assert!(able.takes_binary());
    let body = || Octets(Some(Bytes::from_static(RAW)));
    able.send(to_bob(), body(), SendOptions::default(), &call()).await.unwrap();
    able.close().await;
    binary.finished().await;

    let text_only = server(CHUNKS, QUIT);
    let unable = client(&text_only, Chunking::Binary).await;
    let outcome = unable.send(to_bob(), body(), SendOptions::default(), &call()).await;
    assert_failed(outcome, Code::CapabilityMissing, Some(Delivery::NotSent));
    unable.close().await;
    text_only.finished().await;
}

async fn up_to_the_message(peer: &mut Peer, extensions: &str) {
    peer.send("220 hi\r\n").await;
    peer.receive_line().await;
    peer.send(format!("250-mail\r\n{extensions}")).await;
    peer.receive_line().await;
    peer.receive_line().await;
    peer.send("250 ok\r\n250 ok\r\n").await;
}

#[tokio::test]
async fn chunks_do_not_wait_for_each_other() {
    const SIZE: usize = 2_000_000;
    let server = Mock::start(async |listener| {
        let mut peer = listener.accept().await;
        up_to_the_message(&mut peer, "250-PIPELINING\r\n250 CHUNKING\r\n").await;
        let (mut got, mut chunks) = (0, 0);
        loop {
            let line = peer.receive_line().await;
            let size: usize = line.split(' ').nth(1).unwrap().parse().unwrap();
            got += peer.receive_exact(size).await.len();
            chunks += 1;
            if line.ends_with("LAST") {
                break;
            }
        }
        // Not one reply until all has come.
        assert_eq!(got, SIZE);
        peer.send("250 more\r\n".repeat(chunks - 1) + "250 queued\r\n").await;
        peer.receive("QUIT\r\n").await;
    });
    let client = client(&server, Chunking::Text).await;
    let body = RawMessage::new(Bytes::from(format!("{}\r\n", "x".repeat(98)).repeat(SIZE / 100)));
    let sent = client.send(to_bob(), body, SendOptions::default(), &call()).await.unwrap();
    assert_eq!((sent.response.as_str(), sent.bytes), ("250 queued", SIZE as u64));
    client.close().await;
    server.finished().await;
}

#[tokio::test]
async fn without_pipelining_each_waits() {
    let server = Mock::start(async |listener| {
        let mut peer = listener.accept().await;
        peer.send("220 hi\r\n").await;
        peer.receive_line().await;
        peer.send("250-mail\r\n250 CHUNKING\r\n").await;
        for verb in ["MAIL", "RCPT"] {
            assert!(peer.receive_line().await.starts_with(verb));
            peer.send("250 ok\r\n").await;
        }
        for last in [false, false, true] {
            let line = peer.receive_line().await;
            let size: usize = line.split(' ').nth(1).unwrap().parse().unwrap();
            peer.receive_exact(size).await;
            assert_eq!(line.ends_with(" LAST"), last, "{line}");
            let early = tokio::time::timeout(Duration::from_millis(50), peer.receive_exact(1)).await;
            assert!(early.is_err(), "it did not wait");
            peer.send("250 ok\r\n").await;
        }
        peer.receive("QUIT\r\n").await;
    });
    let client = client(&server, Chunking::Text).await;
    let body = RawMessage::new(Bytes::from(vec![b'x'; 300_000]));
    client.send(to_bob(), body, SendOptions::default(), &call()).await.unwrap();
    client.close().await;
    server.finished().await;
}

#[tokio::test]
async fn a_refused_chunk_is_heard_in_the_middle() {
    let (end, ended) = tokio::sync::oneshot::channel::<()>();
    let server = Mock::start(async |listener| {
        let mut peer = listener.accept().await;
        up_to_the_message(&mut peer, "250-PIPELINING\r\n250 CHUNKING\r\n").await;
        peer.receive_line().await;
        peer.receive_exact(1000).await;
        peer.send("552 5.3.4 Message too big for system\r\n").await;
        // It does not read on.
        ended.await.unwrap();
    });
    let client = client(&server, Chunking::Text).await;
    let body = RawMessage::new(Bytes::from(vec![b'x'; 30_000_000]));
    let outcome = client.send(to_bob(), body, SendOptions::default(), &call()).await;
    end.send(()).unwrap();
    assert_failed(outcome, Code::MessageTooLarge, Some(Delivery::NotSent));
    server.finished().await;
}

#[tokio::test]
async fn after_a_refused_last_chunk_the_session_goes_on_with_rset() {
    let rest = format!(
        "{ENVELOPE}C: BDAT 3 LAST\nC~: x\\r\\n\nS: 554 5.7.1 spam\n\
         C: RSET\nC: MAIL FROM:<ada@example.com>\nC: RCPT TO:<bob@example.com>\nS: 250 ok\nS: 250 ok\nS: 250 ok\n\
         C: BDAT 3 LAST\nC~: y\\r\\n\nS: 250 queued\n{QUIT}"
    );
    let server = server(CHUNKS, &rest);
    let client = client(&server, Chunking::Text).await;
    let refused = client.send(to_bob(), raw("x"), SendOptions::default(), &call()).await;
    assert_failed(refused, Code::MessageRejected, Some(Delivery::NotSent));
    client.send(to_bob(), raw("y"), SendOptions::default(), &call()).await.unwrap();
    client.close().await;
    server.finished().await;
}

#[tokio::test]
async fn a_series_costs_one_round_trip_each() {
    let rest = format!(
        "{ENVELOPE}C: BDAT 3 LAST\nC~: 0\\r\\n\nC: MAIL FROM:<ada@example.com>\nC: RCPT TO:<bob@example.com>\n\
         S: 250 queued 0\nS: 250 ok\nS: 250 ok\nC: BDAT 3 LAST\nC~: 1\\r\\n\nS: 250 queued 1\n{QUIT}"
    );
    let server = server(CHUNKS, &rest);
    let client = client(&server, Chunking::Text).await;
    let (sender, receiver) = tokio::sync::mpsc::channel(2);
    for text in ["0", "1"] {
        let item: Outgoing<RawMessage> = Ok((to_bob(), raw(text)));
        sender.try_send(std::future::ready(item)).ok().unwrap();
    }
    drop(sender);
    let mut series = client.send_many(receiver, SendOptions::default(), Duration::ZERO);
    let mut responses = Vec::new();
    while let Some(outcome) = series.next(&call()).await.unwrap() {
        responses.push(outcome.result.unwrap().response);
    }
    assert_eq!(responses, ["250 queued 0", "250 queued 1"]);
    client.close().await;
    server.finished().await;
}
