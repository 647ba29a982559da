//! Connections between messages: kept, worn out, found dead, shared by every client of a mailbox.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets anything unexpected must fail"
)]

mod common;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine;
use common::*;
use email_base::{Classify, Code, Delivery, clock};
use email_net::Security;
use email_smtp::{Client, Options, PoolOptions, RateLimit, SendOptions};
use email_testkit::{Mock, Peer};

/// Counts what a server sees.
#[derive(Default)]
struct Seen {
    connections: AtomicUsize,
    open: AtomicUsize,
    most_open: AtomicUsize,
    messages: AtomicUsize,
}

/// One session of a friendly server, until the client hangs up; `after` so many messages it hangs up itself.
async fn serve(mut peer: Peer, seen: &Seen, after: Option<usize>) {
    seen.connections.fetch_add(1, Ordering::SeqCst);
    let open = seen.open.fetch_add(1, Ordering::SeqCst) + 1;
    seen.most_open.fetch_max(open, Ordering::SeqCst);
    session(&mut peer, seen, after).await;
    seen.open.fetch_sub(1, Ordering::SeqCst);
}

async fn session(peer: &mut Peer, seen: &Seen, after: Option<usize>) -> Option<()> {
    peer.try_send("220 hi\r\n").await.ok()?;
    let mut messages = 0;
    while after != Some(messages) {
        let line = peer.try_receive_line().await?;
        let reply = match line.split([' ', ':']).next()? {
            "EHLO" => "250-mail\r\n250-PIPELINING\r\n250 AUTH PLAIN\r\n",
            "AUTH" => "235 ok\r\n",
            "DATA" => "354 go\r\n",
            "QUIT" => {
                peer.try_send("221 bye\r\n").await.ok()?;
                return None;
            }
            "RCPT" if line.contains("stuck@") => std::future::pending().await,
            "MAIL" | "RCPT" | "RSET" | "NOOP" => "250 ok\r\n",
            "." => {
                seen.messages.fetch_add(1, Ordering::SeqCst);
                messages += 1;
                "250 queued\r\n"
            }
            _ => continue,
        };
        peer.try_send(reply).await.ok()?;
    }
    None
}

fn server(after: Option<usize>) -> (Mock, Arc<Seen>) {
    let seen = Arc::new(Seen::default());
    let counted = seen.clone();
    (Mock::each(None, async move |_, peer| serve(peer, &counted, after).await), seen)
}

fn mailbox(server: &Mock, user: &str, pool: PoolOptions) -> Options {
    Options { pool, ..with_password(options(server, Security::None), user, "p") }
}

async fn client(options: &Options) -> Client {
    Client::connect(options.clone(), &call()).await.unwrap()
}

const TO: &[&str] = &["bob@example.com"];

#[tokio::test]
async fn one_connection_serves_many_messages_until_it_is_worn_out() {
    let (server, seen) = server(None);
    let pool = PoolOptions { max_messages_per_connection: Some(4), ..Default::default() };
    let client = client(&mailbox(&server, "worn-out", pool)).await;
    for _ in 0..12 {
        send(&client, TO, MESSAGE).await.unwrap();
    }
    assert_eq!(seen.connections.load(Ordering::SeqCst), 3);
    client.verify(&call()).await.unwrap();
    assert_eq!(seen.connections.load(Ordering::SeqCst), 4);
    assert_eq!(seen.messages.load(Ordering::SeqCst), 12);
    client.close().await;
}

#[tokio::test]
async fn callers_share_the_connections_and_all_are_served() {
    let (server, seen) = server(None);
    let pool = PoolOptions { max_connections: Some(3), ..Default::default() };
    let client = client(&mailbox(&server, "sharing", pool)).await;
    let sending: Vec<_> = (0..50)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { send(&client, TO, MESSAGE).await })
        })
        .collect();
    for task in sending {
        task.await.unwrap().unwrap();
    }
    assert_eq!(seen.messages.load(Ordering::SeqCst), 50);
    assert!(seen.most_open.load(Ordering::SeqCst) <= 3);
    client.close().await;
}

#[tokio::test]
async fn two_clients_of_a_mailbox_share_its_connections() {
    let (server, seen) = server(None);
    let pool = PoolOptions { max_connections: Some(3), ..Default::default() };
    let mut sending = Vec::new();
    for _ in 0..2 {
        let client = client(&mailbox(&server, "two-clients", pool)).await;
        for _ in 0..50 {
            let client = client.clone();
            sending.push(tokio::spawn(async move { send(&client, TO, MESSAGE).await }));
        }
    }
    for task in sending {
        task.await.unwrap().unwrap();
    }
    assert_eq!(seen.messages.load(Ordering::SeqCst), 100);
    assert!(seen.most_open.load(Ordering::SeqCst) <= 3, "{} at once", seen.most_open.load(Ordering::SeqCst));
}

/// Two places and one connection: the caller with a place must not see the connection go to whoever comes for the other
/// place. On several threads the one who is woken last runs first.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_connection_that_comes_back_is_for_the_caller_who_waits_longest() {
    const CALLERS: usize = 30;
    let (server, _seen) = server(None);
    let options = mailbox(&server, "in-turn", PoolOptions { max_connections: Some(3), ..Default::default() });
    let (busy, client) = (client(&options).await, client(&options).await);
    let mut stuck = tokio::task::JoinSet::new();
    for _ in 0..2 {
        let busy = busy.clone();
        stuck.spawn(async move { send(&busy, &["stuck@example.com"], MESSAGE).await });
    }
    clock::sleep(Duration::from_millis(100)).await;
    let order = Arc::new(Mutex::new(Vec::new()));
    let mut sending = Vec::new();
    for caller in 0..CALLERS {
        let (client, order) = (client.clone(), order.clone());
        sending.push(tokio::spawn(async move {
            send(&client, TO, MESSAGE).await.unwrap();
            order.lock().unwrap().push(caller);
        }));
    }
    for task in sending {
        task.await.unwrap();
    }
    let order = order.lock().unwrap();
    for (place, caller) in order.iter().enumerate() {
        assert!(place.abs_diff(*caller) <= 3, "caller {caller} was served as number {place}: {order:?}");
    }
}

#[tokio::test]
async fn an_idle_connection_gives_way_to_another_client() {
    let (server, seen) = server(None);
    let pool = PoolOptions { max_connections: Some(1), ..Default::default() };
    let first = client(&mailbox(&server, "giving-way", pool)).await;
    let second = client(&mailbox(&server, "giving-way", pool)).await;
    for _ in 0..3 {
        send(&first, TO, MESSAGE).await.unwrap();
        send(&second, TO, MESSAGE).await.unwrap();
    }
    assert_eq!(seen.messages.load(Ordering::SeqCst), 6);
    assert_eq!(seen.most_open.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_dead_kept_connection_is_replaced_once() {
    // Hangs up after its first message, quietly or with a word.
    for word in ["", "421 4.4.2 timeout\r\n"] {
        let seen = Arc::new(Seen::default());
        let counted = seen.clone();
        let server = Mock::each(None, async move |_, mut peer| {
            counted.connections.fetch_add(1, Ordering::SeqCst);
            session(&mut peer, &counted, Some(1)).await;
            let _ = peer.try_send(word).await;
            peer.close().await;
        });
        let client = client(&mailbox(&server, "dead", PoolOptions::default())).await;
        for _ in 0..5 {
            send(&client, TO, MESSAGE).await.unwrap();
        }
        assert_eq!(seen.messages.load(Ordering::SeqCst), 5);
        assert_eq!(seen.connections.load(Ordering::SeqCst), 5);
    }
}

/// A second message on a kept connection meets `word` (or the end) at `step`; a fresh one would work.
async fn second_message(step: &'static str, word: &'static str) -> (Result<(), email_smtp::Error>, usize, usize) {
    let seen = Arc::new(Seen::default());
    let counted = seen.clone();
    let server = Mock::each(None, async move |number, mut peer| {
        counted.connections.fetch_add(1, Ordering::SeqCst);
        if number > 0 {
            session(&mut peer, &counted, None).await;
            return;
        }
        session(&mut peer, &counted, Some(1)).await;
        if step == "MAIL" {
            peer.receive("MAIL FROM").await;
        } else {
            for _ in 0..3 {
                peer.receive_line().await;
            }
            peer.send("250 ok\r\n250 ok\r\n354 go\r\n").await;
            if step == "dot" {
                while peer.receive_line().await != "." {}
            } else {
                peer.receive("Message-ID").await;
            }
        }
        peer.send(word).await;
        peer.reset().await;
    });
    let client = client(&mailbox(&server, "second", PoolOptions::default())).await;
    send(&client, TO, MESSAGE).await.unwrap();
    let text = if step == "middle" {
        "Message-ID: <x@y>\r\n\r\n".to_owned() + &"0123456789\r\n".repeat(500_000)
    } else {
        MESSAGE.to_owned()
    };
    let outcome = send(&client, TO, &text).await.map(|_| ());
    client.close().await;
    (outcome, seen.connections.load(Ordering::SeqCst), seen.messages.load(Ordering::SeqCst))
}

#[tokio::test]
async fn a_kept_connection_that_dies_before_the_dot_is_replaced_and_after_it_never() {
    for (step, word) in [
        ("MAIL", ""),
        ("MAIL", "421 4.4.2 idle too long\r\n"),
        ("MAIL", "530 5.7.57 Client not authenticated\r\n"),
        ("middle", ""),
    ] {
        let (outcome, connections, messages) = second_message(step, word).await;
        outcome.unwrap_or_else(|error| panic!("{step} {word}: {error}"));
        assert_eq!((connections, messages), (2, 2), "{step} {word}");
    }
    let (outcome, connections, messages) = second_message("dot", "").await;
    assert_failed(outcome, Code::ConnectionLost, Some(Delivery::Unknown));
    assert_eq!((connections, messages), (1, 1), "nothing is sent again by itself");
}

#[tokio::test]
async fn a_fresh_connection_that_dies_is_not_replaced() {
    let seen = Arc::new(Seen::default());
    let counted = seen.clone();
    let server = Mock::each(None, async move |number, mut peer| {
        counted.connections.fetch_add(1, Ordering::SeqCst);
        if number == 0 {
            session(&mut peer, &counted, None).await;
            return;
        }
        peer.send("220 hi\r\n").await;
        peer.receive_line().await;
        peer.send("250-mail\r\n250 AUTH PLAIN\r\n").await;
        peer.receive_line().await;
        peer.send("235 ok\r\n").await;
        peer.receive("MAIL").await;
        peer.reset().await;
    });
    let pool = PoolOptions { max_messages_per_connection: Some(1), ..Default::default() };
    let client = client(&mailbox(&server, "fresh", pool)).await;
    send(&client, TO, MESSAGE).await.unwrap();
    let outcome = send(&client, TO, MESSAGE).await;
    assert_failed(outcome, Code::ConnectionLost, Some(Delivery::NotSent));
    assert_eq!(seen.connections.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn idle_connections_are_closed_with_quit() {
    let seen = Arc::new(Seen::default());
    let counted = seen.clone();
    let server = Mock::start(async move |listener| {
        let mut peer = listener.accept().await;
        session(&mut peer, &counted, None).await;
        peer.expect_eof().await;
    });
    let pool = PoolOptions { idle_timeout_ms: Some(50), ..Default::default() };
    let _client = client(&mailbox(&server, "idle", pool)).await;
    server.finished().await;
}

#[tokio::test]
async fn after_close_everything_says_closed() {
    let (server, seen) = server(None);
    let client = client(&mailbox(&server, "closing", PoolOptions::default())).await;
    send(&client, TO, MESSAGE).await.unwrap();
    client.close().await;
    client.close().await;
    assert_failed(send(&client, TO, MESSAGE).await, Code::Closed, Some(Delivery::NotSent));
    assert_failed(client.verify(&call()).await, Code::Closed, None);
    assert_eq!(seen.connections.load(Ordering::SeqCst), 1);
}

// ── rate

#[tokio::test]
async fn the_rate_limit_holds_over_two_clients_and_fifty_callers() {
    let (server, seen) = server(None);
    let limited = Options {
        rate_limit: Some(RateLimit { messages: 10, per_ms: 400 }),
        ..mailbox(&server, "rate", PoolOptions::default())
    };
    let start = clock::now();
    let mut sending = Vec::new();
    for _ in 0..2 {
        let client = client(&limited).await;
        for _ in 0..25 {
            let client = client.clone();
            sending.push(tokio::spawn(async move {
                send(&client, TO, MESSAGE).await.unwrap();
                clock::now()
            }));
        }
    }
    let mut done = Vec::new();
    for task in sending {
        done.push(task.await.unwrap() - start);
    }
    done.sort();
    assert_eq!(seen.messages.load(Ordering::SeqCst), 50);
    // 10 at once, and 10 more with each window: the last ten not before the fourth has passed.
    assert!(done[40] >= Duration::from_millis(1600), "{done:?}");
    for (index, at) in done.iter().enumerate() {
        assert!(*at >= Duration::from_millis(400) * (index / 10) as u32, "{index}: {done:?}");
    }
}

#[tokio::test]
async fn a_turn_after_the_deadline_is_refused_at_once() {
    let (server, seen) = server(None);
    let limited = Options {
        rate_limit: Some(RateLimit { messages: 1, per_ms: 3_600_000 }),
        ..mailbox(&server, "refused-rate", PoolOptions::default())
    };
    let client = client(&limited).await;
    send(&client, TO, MESSAGE).await.unwrap();
    let start = clock::now();
    let error = assert_failed(send(&client, TO, MESSAGE).await, Code::RateLimited, Some(Delivery::NotSent));
    assert!(clock::now() - start < Duration::from_secs(1));
    let wait = error.retry_after().unwrap();
    assert!(wait > Duration::from_secs(3500) && wait <= Duration::from_secs(3600), "{wait:?}");
    // A client without a limit of its own is only counted.
    let free = Client::connect(mailbox(&server, "refused-rate", PoolOptions::default()), &call()).await.unwrap();
    free.send(to_bob(), raw(MESSAGE), SendOptions::default(), &call()).await.unwrap();
    assert_eq!(seen.messages.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_rotated_token_does_not_fail_a_batch() {
    let message = |token: &str| {
        base64::engine::general_purpose::STANDARD.encode(format!("user=rotated\x01auth=Bearer {token}\x01\x01"))
    };
    let (old, new) = (message("old"), message("new"));
    let server = Mock::start(async move |listener| {
        let flight = "C: MAIL FROM:<ada@example.com>\nC: RCPT TO:<bob@example.com>\nC: DATA\n";
        let hello = "S: 220 hi\nC: EHLO [127.0.0.1]\nS: 250-mail\nS: 250-PIPELINING\nS: 250 AUTH XOAUTH2\n";
        let message = "S: 250 ok\nS: 250 ok\nS: 354 go\nC: x\nC: .\nS: 250 ok\n";
        let first = format!(
            "{hello}C: AUTH XOAUTH2 {old}\nS: 235 ok\n{flight}{message}{flight}S: 421 4.7.0 token expired\nX: close"
        );
        listener.accept().await.play(&first).await;
        let refused =
            format!("{hello}C: AUTH XOAUTH2 {old}\nS: 334 eyJzdGF0dXMiOiI0MDEifQ==\nC: \nS: 535 5.7.8 expired\nX: eof");
        listener.accept().await.play(&refused).await;
        let second = format!("{hello}C: AUTH XOAUTH2 {new}\nS: 235 ok\n{flight}{message}");
        listener.accept().await.play(&second).await;
    });
    let mut options = options(&server, Security::None);
    let tokens = Rotating::new(&["old", "new"]);
    options.credentials = Some(email_base::Credentials::OAuth { user: "rotated".to_owned(), tokens });
    let client = client(&options).await;
    send(&client, TO, "x").await.unwrap();
    send(&client, TO, "x").await.unwrap();
    server.finished().await;
}
