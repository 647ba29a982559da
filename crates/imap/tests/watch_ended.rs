//! `watch` of servers that end IDLE by themselves.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a helper that meets anything unexpected must fail its test"
)]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use email_imap::MailboxEventKind;
use email_testkit::Mock;
use support::*;
use tokio::sync::Notify;

const IDLE: &str = "C: {idle} IDLE\nS: + idling\n";
const STATUS: &str = "C: {tag} STATUS \"INBOX\" (MESSAGES UNSEEN UIDNEXT UIDVALIDITY)\n\
                      S: * STATUS INBOX (MESSAGES 4)\nS: {tag} OK done\n";

#[tokio::test]
async fn an_idle_that_the_server_ends_is_noticed_and_entered_again_without_a_stray_done() {
    for end in ["OK IDLE terminated", "NO not any longer", "BAD not any longer"] {
        // The mock accepts no other line than these: least of all a DONE before the second IDLE.
        let mock = server(
            "IMAP4rev1 IDLE",
            format!(
                "{}{IDLE}S: {{idle}} {end}\nC: {{tag}} NOOP\nS: * 4 EXISTS\nS: {{tag}} OK\n\
                 {IDLE}C: DONE\nS: {{idle}} OK\n{STATUS}{LOGOUT}",
                examine("INBOX", 3)
            ),
        );
        let client = connect(&mock).await;
        let mut watcher = client.watch("INBOX", &call());
        let event = tokio::time::timeout(Duration::from_secs(5), watcher.next()).await;
        let event = event.unwrap_or_else(|_| panic!("{end}: the watcher did not look"));
        assert_eq!(event.unwrap().unwrap().kind, MailboxEventKind::Changed, "{end}");
        drop(watcher);
        assert_eq!(client.status("INBOX", &call()).await.unwrap().messages, 4, "{end}");
        finish(client, mock).await;
    }
}

#[tokio::test]
async fn a_done_that_meets_the_end_of_idle_is_forgiven() {
    for answer in ["DONE BAD unknown command", "* BAD unknown command"] {
        let mock = server(
            "IMAP4rev1 IDLE",
            format!(
                "{}{IDLE}S: * 4 EXISTS\nC: DONE\nS: {{idle}} OK IDLE terminated\nS: {answer}\n{STATUS}{LOGOUT}",
                examine("INBOX", 3)
            ),
        );
        let client = connect(&mock).await;
        let mut watcher = client.watch("INBOX", &call());
        assert_eq!(watcher.next().await.unwrap().unwrap().kind, MailboxEventKind::Changed);
        drop(watcher);
        assert_eq!(client.status("INBOX", &call()).await.unwrap().messages, 4, "{answer}");
        finish(client, mock).await;
    }
}

#[tokio::test]
async fn a_server_that_ends_every_idle_at_once_is_polled_and_not_asked_in_a_loop() {
    let (idles, second) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
    let (counted, seen) = (idles.clone(), second.clone());
    let mock = Mock::each(None, async move |_, peer| {
        let mut peer = log_in(peer, "IMAP4rev1 IDLE").await;
        while let Some(line) = peer.try_receive_line().await {
            let (tag, command) = line.split_once(' ').unwrap_or(("", &line));
            let said = match command {
                "EXAMINE \"INBOX\"" => format!("* 3 EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\n{tag} OK\r\n"),
                "IDLE" => {
                    if counted.fetch_add(1, SeqCst) > 0 {
                        seen.notify_one();
                    }
                    format!("+ idling\r\n{tag} OK IDLE terminated\r\n")
                }
                "NOOP" => format!("{tag} OK\r\n"),
                other => panic!("{other}"),
            };
            if peer.try_send(said).await.is_err() {
                return;
            }
        }
    });
    let client = connect(&mock).await;
    let mut watcher = client.watch("INBOX", &email_base::Call::default());
    let watching = tokio::spawn(async move { watcher.next().await });
    tokio::time::timeout(Duration::from_secs(10), second.notified()).await.expect("no second IDLE");
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(idles.load(SeqCst), 2, "a busy loop");
    // Again after the time of a poll.
    let mut seconds = 0;
    while idles.load(SeqCst) < 3 {
        later(Duration::from_secs(1)).await;
        tokio::time::sleep(Duration::from_millis(5)).await;
        seconds += 1;
        assert!(seconds < 100, "it is not asked any more");
    }
    assert!(seconds >= 25, "asked again after {seconds} s");
    assert!(!watching.is_finished());
    client.close();
}
