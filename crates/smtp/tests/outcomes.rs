//! A connection that ends, a deadline that passes, a caller that gives up: in every phase the outcome says what is true.
//! `not-sent` up to the final dot, `unknown` from there to its reply, and never a second message.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets anything unexpected must fail"
)]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use common::*;
use email_base::{Call, Classify, Code, Delivery};
use email_net::Security;
use email_smtp::{Client, Error, RawMessage, SendOptions, SendResult};
use email_testkit::{Leaf, Mock, Peer};

/// What the client says in one session with pipelining, and how much of it brings the server to its next word.
const SCRIPT: &[(&str, &str)] = &[
    ("", "220 hi\r\n"),
    ("EHLO [127.0.0.1]\r\n", "250-mail\r\n250-SIZE\r\n250 PIPELINING\r\n"),
    ("MAIL FROM:<ada@example.com> SIZE=54\r\nRCPT TO:<bob@example.com>\r\nDATA\r\n", "250 ok\r\n250 ok\r\n354 go\r\n"),
    ("Message-ID: <1@example.com>\r\nSubject: hello\r\n\r\nhello\r\n.\r\n", "250 2.0.0 queued\r\n"),
];

/// Plays the script with everything the server says cut off after `said` octets.
async fn play_until(mut peer: Peer, said: usize, violent: bool, dots: Arc<AtomicUsize>) {
    let mut left = said;
    for (index, (client, server)) in SCRIPT.iter().enumerate() {
        peer.receive(client).await;
        if index == 3 {
            dots.fetch_add(1, Ordering::SeqCst);
        }
        let now = left.min(server.len());
        peer.send(&server.as_bytes()[..now]).await;
        left -= now;
        if now < server.len() {
            break;
        }
    }
    if violent { peer.reset().await } else { peer.close().await }
}

async fn connect_and_send(server: &Mock, security: Security, call: &Call) -> Result<SendResult, Error> {
    let client = Client::connect(options(server, security), call).await?;
    client.send(to_bob(), raw(MESSAGE), SendOptions::default(), call).await
}

#[tokio::test]
async fn cut_after_every_octet_of_the_servers_words() {
    let ends: Vec<usize> = SCRIPT
        .iter()
        .scan(0, |sum, (_, server)| {
            *sum += server.len();
            Some(*sum)
        })
        .collect();
    for violent in [false, true] {
        for said in 0..=ends[3] {
            let dots = Arc::new(AtomicUsize::new(0));
            let counted = dots.clone();
            // Every connection is cut alike: the one that replaces a kept one that was found dead, too.
            let server = Mock::each(None, async move |_, peer| play_until(peer, said, violent, counted.clone()).await);
            let outcome = connect_and_send(&server, Security::None, &call()).await;
            let delivery = outcome.as_ref().err().and_then(Classify::delivery);
            let sent = dots.load(Ordering::SeqCst);
            let context = format!("after {said} octets, violent: {violent}: {outcome:?}");
            match said {
                _ if said < ends[1] => assert!(outcome.is_err() && delivery.is_none() && sent == 0, "{context}"),
                _ if said < ends[2] => assert!(delivery == Some(Delivery::NotSent) && sent == 0, "{context}"),
                // RST may overtake the reply that was sent before it.
                _ if said == ends[3] => {
                    let lost = violent && delivery == Some(Delivery::Unknown);
                    assert!((outcome.is_ok() || lost) && sent == 1, "{context}");
                }
                _ => assert!(delivery == Some(Delivery::Unknown), "{context}"),
            }
            if let Err(error) = outcome {
                assert!(matches!(error.code(), Code::ConnectionLost), "{context}");
            }
        }
    }
}

/// The same before the first transaction, with STARTTLS and a sign-in: `None` is the upgrade to TLS.
const SIGN_IN: &[(&str, Option<&str>)] = &[
    ("", Some("220-hello\r\n220 hi\r\n")),
    ("EHLO [127.0.0.1]\r\n", Some("250-mail\r\n250 STARTTLS\r\n")),
    ("STARTTLS\r\n", Some("220 go\r\n")),
    ("", None),
    ("EHLO [127.0.0.1]\r\n", Some("250-mail\r\n250 AUTH LOGIN\r\n")),
    ("AUTH LOGIN\r\n", Some("334 VXNlcm5hbWU6\r\n")),
    ("YWRh\r\n", Some("334 UGFzc3dvcmQ6\r\n")),
    ("aHVudGVyMg==\r\n", Some("235 2.7.0 welcome\r\n")),
];

#[tokio::test]
async fn cut_after_every_octet_on_the_way_in() {
    let whole: usize = SIGN_IN.iter().map(|(_, server)| server.map_or(1, str::len)).sum();
    for said in 0..whole {
        let server = Mock::start(async move |listener| {
            let mut peer = listener.accept().await;
            let mut left = said;
            for (client, server) in SIGN_IN {
                peer.receive(client).await;
                let Some(server) = server else {
                    if left == 0 {
                        break;
                    }
                    left -= 1;
                    peer.upgrade(Leaf::Good).await;
                    continue;
                };
                let now = left.min(server.len());
                peer.send(&server.as_bytes()[..now]).await;
                left -= now;
                if now < server.len() {
                    break;
                }
            }
            peer.close().await;
        });
        let options = with_password(options(&server, Security::StartTls), "ada", "hunter2");
        let error = Client::connect(options, &call()).await.map(|_| ()).unwrap_err();
        let lost = matches!(error.code(), Code::ConnectionLost | Code::TlsFailed);
        assert!(lost && error.delivery().is_none() && error.to_string().len() < 200, "after {said} octets: {error}");
        server.finished().await;
    }
}

/// After so many octets of a message that fills every buffer.
async fn cut_in_the_middle(server: &Mock, security: Security) -> Error {
    let client = Client::connect(options(server, security), &call()).await.unwrap();
    let text = Bytes::from(vec![b'x'; 20_000_000]);
    client.send(to_bob(), RawMessage::new(text), SendOptions::default(), &call()).await.unwrap_err()
}

async fn up_to_the_message(peer: &mut Peer) {
    peer.send("220 hi\r\n").await;
    peer.receive_line().await;
    peer.send("250-mail\r\n250 PIPELINING\r\n").await;
    for _ in 0..3 {
        peer.receive_line().await;
    }
    peer.send("250 ok\r\n250 ok\r\n354 go\r\n").await;
}

#[tokio::test]
async fn cut_in_the_middle_of_a_message() {
    for (index, octets) in [0, 1, 100, 65_536, 131_072, 131_073, 1_000_000, 5_000_000].into_iter().enumerate() {
        for security in [Security::None, Security::Implicit] {
            let leaf = (security == Security::Implicit).then_some(Leaf::Good);
            let server = Mock::each(leaf, async move |_, mut peer| {
                up_to_the_message(&mut peer).await;
                peer.receive_exact(octets).await;
                if index % 2 == 0 { peer.close().await } else { peer.reset().await }
            });
            let error = cut_in_the_middle(&server, security).await;
            assert_eq!((error.code(), error.delivery()), (Code::ConnectionLost, Some(Delivery::NotSent)), "{error}");
            assert!(error.retryable());
        }
    }
}

#[tokio::test]
async fn a_server_that_has_had_enough_in_the_middle_is_heard() {
    for security in [Security::None, Security::Implicit] {
        let (end, ended) = tokio::sync::oneshot::channel::<()>();
        let server = Mock::start(async move |listener| {
            let mut peer = listener.accept().await;
            if security == Security::Implicit {
                peer.upgrade(Leaf::Good).await;
            }
            up_to_the_message(&mut peer).await;
            peer.receive_exact(1000).await;
            peer.send("552 5.3.4 Message too big for system\r\n").await;
            // It does not read on: without listening meanwhile the client would wait for ever.
            ended.await.unwrap();
        });
        let error = cut_in_the_middle(&server, security).await;
        end.send(()).unwrap();
        assert_eq!(
            (error.code(), error.delivery()),
            (Code::MessageTooLarge, Some(Delivery::NotSent)),
            "{security:?}: {error}"
        );
        server.finished().await;
    }
}

/// Says the script up to `step`, then nothing; tells when it is there. Gives what came after.
async fn stall(mut peer: Peer, step: usize, reached: Arc<tokio::sync::Notify>) -> Vec<u8> {
    for (client, server) in &SCRIPT[..step] {
        peer.receive(client).await;
        peer.send(server).await;
    }
    if let Some((client, _)) = SCRIPT.get(step) {
        peer.receive(client).await;
    }
    reached.notify_one();
    peer.receive_all().await
}

fn stalling(step: usize) -> (Mock, Arc<tokio::sync::Notify>) {
    let reached = Arc::new(tokio::sync::Notify::new());
    let there = reached.clone();
    let server = Mock::start(async move |listener| {
        let rest = stall(listener.accept().await, step, there).await;
        assert_eq!(rest.escape_ascii().to_string(), "", "an abandoned step is not continued");
    });
    (server, reached)
}

#[tokio::test]
async fn aborted_in_each_phase() {
    for step in 0..4 {
        let (server, reached) = stalling(step);
        let (call, cancel) = abortable();
        let abort = async {
            reached.notified().await;
            cancel.cancel();
        };
        let (outcome, ()) = tokio::join!(connect_and_send(&server, Security::None, &call), abort);
        let expected = [None, None, Some(Delivery::NotSent), Some(Delivery::Unknown)][step];
        assert_failed(outcome, Code::Aborted, expected);
        server.finished().await;
    }
}

#[tokio::test]
async fn timed_out_in_each_phase() {
    for step in 0..4 {
        let (server, _) = stalling(step);
        let outcome = connect_and_send(&server, Security::None, &within(Duration::from_millis(300))).await;
        let expected = [None, None, Some(Delivery::NotSent), Some(Delivery::Unknown)][step];
        assert_failed(outcome, Code::Timeout, expected);
        server.finished().await;
    }
}

#[tokio::test]
async fn closed_in_each_phase() {
    for step in 2..4 {
        let (server, reached) = stalling(step);
        let client = Client::connect(options(&server, Security::None), &call()).await.unwrap();
        let close = async {
            reached.notified().await;
            client.close().await;
        };
        let message = raw(MESSAGE);
        let (outcome, ()) =
            tokio::join!(async { client.send(to_bob(), message, SendOptions::default(), &call()).await }, close);
        assert_failed(outcome, Code::Closed, [None, None, Some(Delivery::NotSent), Some(Delivery::Unknown)][step]);
        server.finished().await;
    }
}

#[tokio::test]
async fn dropped_in_each_phase_sends_nothing_more() {
    for step in 2..4 {
        let (server, reached) = stalling(step);
        let client = Client::connect(options(&server, Security::None), &call()).await.unwrap();
        let sending =
            tokio::spawn(async move { client.send(to_bob(), raw(MESSAGE), SendOptions::default(), &call()).await });
        reached.notified().await;
        sending.abort();
        server.finished().await;
    }
}

#[tokio::test]
async fn an_abort_in_the_middle_of_a_message_never_sends_its_end() {
    let (tell, told) = std::sync::mpsc::channel();
    let reached = Arc::new(tokio::sync::Notify::new());
    let there = reached.clone();
    let server = Mock::start(async move |listener| {
        let mut peer = listener.accept().await;
        up_to_the_message(&mut peer).await;
        peer.receive_exact(1000).await;
        there.notify_one();
        tell.send(peer.receive_all().await).unwrap();
    });
    let client = Client::connect(options(&server, Security::None), &call()).await.unwrap();
    let (call, cancel) = abortable();
    let abort = async {
        reached.notified().await;
        cancel.cancel();
    };
    let body = RawMessage::new(Bytes::from(vec![b'x'; 50_000_000]));
    let (outcome, ()) = tokio::join!(client.send(to_bob(), body, SendOptions::default(), &call), abort);
    assert_failed(outcome, Code::Aborted, Some(Delivery::NotSent));
    server.finished().await;
    let rest = told.recv().unwrap();
    assert!(rest.iter().all(|&byte| byte == b'x') && rest.len() < 40_000_000, "{}", rest.len());
}

#[tokio::test]
async fn nonsense_after_the_final_dot_is_unknown_and_a_refusal_is_not() {
    for (word, code, delivery) in [
        ("* OK\r\n", Code::ProtocolViolation, Delivery::Unknown),
        ("354 more\r\n", Code::ProtocolViolation, Delivery::Unknown),
        ("421 4.3.2 shutting down\r\n", Code::ServerUnavailable, Delivery::NotSent),
        ("451 4.3.0 disk\r\n", Code::ServerUnavailable, Delivery::NotSent),
        ("554 5.6.0 bad\r\n", Code::MessageRejected, Delivery::NotSent),
    ] {
        let server = Mock::start(async move |listener| {
            let mut peer = listener.accept().await;
            up_to_the_message(&mut peer).await;
            peer.receive(SCRIPT[3].0).await;
            peer.send(word).await;
            peer.receive_all().await;
        });
        let outcome = connect_and_send(&server, Security::None, &call()).await;
        let error = assert_failed(outcome, code, Some(delivery));
        assert_eq!(error.retryable(), delivery == Delivery::NotSent && word.starts_with('4'));
        server.finished().await;
    }
}
