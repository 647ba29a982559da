//! A server that asks for a pause gets it: from every call, wherever it asked.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a helper that meets anything unexpected must fail its test"
)]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use email_base::Classify;
use email_imap::{DownloadOptions, Error, MailboxOptions};
use email_testkit::Mock;
use support::*;
use tokio::sync::Notify;

const PAUSE: &str = "Request is throttled. Suggested Backoff Time: 60000 milliseconds";

/// A server that answers as `says` tells, and counts what begins with `counted`. `OK` where it tells nothing.
fn throttling(counted: &'static str, says: fn(&str) -> Option<String>) -> (Mock, Arc<AtomicUsize>) {
    let sent = Arc::new(AtomicUsize::new(0));
    let count = sent.clone();
    let mock = Mock::each(None, async move |_, peer| {
        let mut peer = log_in(peer, "IMAP4rev1").await;
        while let Some(line) = peer.try_receive_line().await {
            let (tag, command) = line.split_once(' ').unwrap();
            if command.starts_with(counted) {
                count.fetch_add(1, Ordering::SeqCst);
            }
            let said = says(command).unwrap_or_else(|| "{tag} OK done\r\n".to_owned());
            if peer.try_send(said.replace("{tag}", tag)).await.is_err() {
                return;
            }
        }
    });
    (mock, sent)
}

/// RATE_LIMITED with the time that is left.
fn is_paused<T: std::fmt::Debug>(outcome: Result<T, Error>) {
    let error = outcome.unwrap_err();
    assert_eq!(error.code().as_str(), "RATE_LIMITED", "{error}");
    let left = error.retry_after().unwrap().as_secs();
    assert!((50..=60).contains(&left), "{left}");
}

#[tokio::test]
async fn calls_that_wait_for_the_connection_are_not_sent_into_a_throttle() {
    let (mock, sent) = throttling("STATUS", |command| {
        Some(format!("{{tag}} NO {PAUSE}\r\n")).filter(|_| command.starts_with("STATUS"))
    });
    let client = connect(&mock).await;
    let call = call();
    let calls = (0..5).map(|_| client.status("INBOX", &call));
    for outcome in futures_util::future::join_all(calls).await {
        is_paused(outcome);
    }
    assert_eq!(sent.load(Ordering::SeqCst), 1);
    client.close();
}

#[tokio::test]
async fn counters_that_a_throttling_server_refuses_are_not_counters_that_it_lacks() {
    let (mock, sent) = throttling("STATUS", |command| match command {
        "LIST \"\" \"*\"" => {
            let rows: String = (0..120).map(|n| format!("* LIST () \"/\" m{n}\r\n")).collect();
            Some(rows + "{tag} OK done\r\n")
        }
        status if status.starts_with("STATUS") => Some(format!("{{tag}} NO {PAUSE}\r\n")),
        _ => None,
    });
    let client = connect(&mock).await;
    is_paused(client.list(json(r#"{"status":true}"#), &call()).await);
    let before = sent.load(Ordering::SeqCst);
    assert!(before <= 40, "{before}: it went on");
    is_paused(client.status("m1", &call()).await);
    assert_eq!(sent.load(Ordering::SeqCst), before);
    client.close();
}

#[tokio::test]
async fn a_pause_asked_for_in_the_second_half_of_a_call_is_kept() {
    let (mock, sent) = throttling("", |command| command.starts_with("LSUB").then(|| format!("{{tag}} NO {PAUSE}\r\n")));
    let client = connect(&mock).await;
    is_paused(client.list(json("{}"), &call()).await);
    is_paused(client.status("INBOX", &call()).await);
    assert_eq!(sent.load(Ordering::SeqCst), 2);
    client.close();
}

#[tokio::test]
async fn a_pause_is_kept_whatever_the_refusal_is_called() {
    let (mock, sent) = throttling("EXAMINE", |command| {
        command.starts_with("EXAMINE").then(|| format!("{{tag}} NO [UNAVAILABLE] {PAUSE}\r\n"))
    });
    let client = connect(&mock).await;
    let search = async || client.search("INBOX", json("{}"), MailboxOptions::default(), &call()).await;
    let error = search().await.unwrap_err();
    assert_eq!((error.code().as_str(), error.retry_after()), ("SERVER_UNAVAILABLE", Some(Duration::from_secs(60))));
    is_paused(search().await);
    assert_eq!(sent.load(Ordering::SeqCst), 1);
    client.close();
}

#[tokio::test]
async fn a_throttling_farewell_to_an_idle_connection_is_heard() {
    for listens in [true, false] {
        let (logins, gone) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
        let (count, went) = (logins.clone(), gone.clone());
        let mock = Mock::each(None, async move |_, peer| {
            count.fetch_add(1, Ordering::SeqCst);
            let mut peer = log_in(peer, "IMAP4rev1").await;
            peer.send(format!("* BYE {PAUSE}\r\n")).await;
            peer.close().await;
            went.notify_one();
        });
        let client = connect(&mock).await;
        gone.notified().await;
        if listens {
            // The connection's task hears it; else the call comes upon it.
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        is_paused(client.status("INBOX", &call()).await);
        assert_eq!(logins.load(Ordering::SeqCst), 1);
        client.close();
    }
}

#[tokio::test]
async fn a_watcher_lets_the_pause_pass() {
    let (looks, idling) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
    let (count, idles) = (looks.clone(), idling.clone());
    let mock = Mock::each(None, async move |_, peer| {
        let mut peer = log_in(peer, "IMAP4rev1 IDLE").await;
        let mut idle = None;
        while let Some(line) = peer.try_receive_line().await {
            let (tag, command) = line.split_once(' ').unwrap_or(("", &line));
            let said = match command {
                "IDLE" => {
                    idle = Some(tag.to_owned());
                    idles.notify_one();
                    "+ idling\r\n".to_owned()
                }
                "DONE" => format!("{} OK\r\n", idle.take().unwrap()),
                status if status.starts_with("STATUS") => format!("{tag} NO {PAUSE}\r\n"),
                other => {
                    count.fetch_add(usize::from(other == "NOOP"), Ordering::SeqCst);
                    format!("{tag} OK\r\n")
                }
            };
            if peer.try_send(said).await.is_err() {
                return;
            }
        }
    });
    let mut options = options(&mock, email_net::Security::None);
    options.max_connections = 2;
    let client = email_imap::Client::connect(options, &call()).await.unwrap();
    let mut watcher = client.watch("INBOX", &email_base::Call::default());
    let watching = tokio::spawn(async move { watcher.next().await });
    idling.notified().await;
    is_paused(client.status("INBOX", &call()).await);
    let wait = async |seconds| {
        for _ in 0..seconds {
            later(Duration::from_secs(1)).await;
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    wait(55).await;
    assert_eq!(looks.load(Ordering::SeqCst), 0);
    wait(10).await;
    assert!(looks.load(Ordering::SeqCst) > 0, "it does not go on");
    assert!(!watching.is_finished());
    client.close();
}

#[tokio::test]
async fn a_closed_client_says_so_also_during_a_pause() {
    let (mock, _) = throttling("", |command| command.starts_with("STATUS").then(|| format!("{{tag}} NO {PAUSE}\r\n")));
    let client = connect(&mock).await;
    is_paused(client.status("INBOX", &call()).await);
    client.close();
    assert_eq!(code(client.status("INBOX", &call()).await), "CLOSED");
}

#[tokio::test]
async fn a_pause_is_kept_also_where_another_refusal_would_be_worked_around() {
    const CAPABILITIES: &str = "IMAP4rev1 CONDSTORE UTF8=ACCEPT ENABLE LITERAL+";
    // What is refused in that way, and what would be tried next.
    for (throttled, next) in [
        ("EXAMINE \"INBOX\" (CONDSTORE)", "EXAMINE \"INBOX\""),
        ("UID FETCH 1 (UID BODY.PEEK[HEADER])", "UID FETCH"),
        ("UID FETCH 1 (UID BODYSTRUCTURE BODY.PEEK[2.MIME] BODY.PEEK[2]<0.524288>)", "UID FETCH"),
        ("APPEND \"x\" UTF8 (~{4+}", "APPEND"),
    ] {
        let mock = Mock::each(None, async move |_, peer| {
            let mut peer = log_in(peer, CAPABILITIES).await;
            let mut paused = false;
            while let Some(line) = peer.try_receive_line().await {
                // The message itself is a line, too.
                let Some((tag, command)) = line.split_once(' ').filter(|_| line.starts_with('A')) else { continue };
                assert!(!(paused && command.starts_with(next)), "{command} though throttled");
                let said = match command {
                    _ if command == throttled => {
                        paused = true;
                        format!("{tag} BAD {PAUSE}\r\n")
                    }
                    _ if command.starts_with("ENABLE") => format!("* ENABLED UTF8=ACCEPT\r\n{tag} OK\r\n"),
                    _ if command.starts_with("EXAMINE") => {
                        format!("* 1 EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\n{tag} OK\r\n")
                    }
                    _ if command.contains("ENVELOPE") => {
                        format!("* 1 FETCH (UID 1 ENVELOPE \"broken\")\r\n{tag} OK\r\n")
                    }
                    _ => format!("{tag} OK\r\n"),
                };
                if peer.try_send(said).await.is_err() {
                    return;
                }
            }
        });
        let client = connect(&mock).await;
        let none = MailboxOptions::default();
        if throttled.starts_with("EXAMINE") {
            let mut batches = client.sync("INBOX", None, Default::default(), &call());
            is_paused(batches.next().await.unwrap());
        } else if throttled.contains("HEADER") {
            is_paused(client.fetch_one("INBOX", 1, json(r#"{"envelope":true}"#), none, &call()).await);
        } else if throttled.starts_with("APPEND") {
            is_paused(client.append("x", "\u{e9}: ".into(), Default::default(), &call()).await);
        } else {
            let part = DownloadOptions { part: Some("2".into()), ..Default::default() };
            is_paused(client.download("INBOX", 1, part, &call()).next().await.unwrap());
        }
        is_paused(client.status("INBOX", &call()).await);
        client.close();
    }
}

#[tokio::test]
async fn a_pause_asked_for_by_the_refusal_of_a_subscription_is_kept_and_the_call_succeeds() {
    for call_of in ["create", "rename", "deleteMailbox"] {
        let (mock, sent) = throttling("STATUS", |command| {
            command.contains("SUBSCRIBE").then(|| format!("{{tag}} NO [UNAVAILABLE] {PAUSE}\r\n"))
        });
        let client = connect(&mock).await;
        match call_of {
            "create" => client.create("x", None, &call()).await.unwrap(),
            "rename" => client.rename("y", "x", &call()).await.unwrap(),
            _ => client.delete_mailbox("x", &call()).await.unwrap(),
        }
        is_paused(client.status("INBOX", &call()).await);
        assert_eq!(sent.load(Ordering::SeqCst), 0, "{call_of}");
        client.close();
    }
}

#[tokio::test]
async fn a_pause_asked_for_on_the_side_is_kept() {
    // What is refused; whether the call that it goes along with can still be kept back.
    for (refused, kept_back) in [("ID", false), ("ENABLE", true), ("COMPRESS", true), ("NAMESPACE", true)] {
        let sent = Arc::new(AtomicUsize::new(0));
        let count = sent.clone();
        let mock = Mock::each(None, async move |_, peer| {
            let capabilities = format!("IMAP4rev1 {refused}=DEFLATE {refused} UTF8=ACCEPT");
            let mut peer = log_in(peer, &capabilities).await;
            while let Some(line) = peer.try_receive_line().await {
                let (tag, command) = line.split_once(' ').unwrap();
                count.fetch_add(usize::from(command.starts_with("STATUS")), Ordering::SeqCst);
                let said = if command.starts_with(refused) { format!("NO {PAUSE}") } else { "OK done".into() };
                if peer.try_send(format!("{tag} {said}\r\n")).await.is_err() {
                    return;
                }
            }
        });
        let mut options = options(&mock, email_net::Security::None);
        options.compress = Some(true);
        let client = email_imap::Client::connect(options, &call()).await.unwrap();
        let first = match refused {
            "NAMESPACE" => client.list(json("{}"), &call()).await.map(|_| ()),
            _ => client.status("Entwürfe", &call()).await.map(|_| ()),
        };
        if kept_back {
            is_paused(first);
        }
        is_paused(client.status("INBOX", &call()).await);
        assert_eq!(sent.load(Ordering::SeqCst), usize::from(!kept_back), "{refused}");
        client.close();
    }
}
