//! How long a server may say nothing before the connection counts as half-open.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a helper that meets anything unexpected must fail its test"
)]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use email_base::Call;
use email_imap::{Client, MailboxOptions};
use email_testkit::Mock;
use support::*;
use tokio::sync::Notify;

/// Seconds until the client gives up a connection that falls silent at `command`, and tries another one.
async fn patience(command: &'static str, call: impl AsyncFnOnce(Client) + 'static) -> usize {
    let (connections, asked) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
    let (count, silent) = (connections.clone(), asked.clone());
    let mock = Mock::each(None, async move |_, peer| {
        let mut peer = log_in(peer, "IMAP4rev1 UIDPLUS").await;
        count.fetch_add(1, SeqCst);
        while let Some(line) = peer.try_receive_line().await {
            let (tag, said) = line.split_once(' ').unwrap();
            if said.starts_with(command) {
                silent.notify_one();
                continue;
            }
            let said = match said {
                "EXAMINE \"INBOX\"" | "SELECT \"INBOX\"" => {
                    format!("* 3 EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\n{tag} OK\r\n")
                }
                "UID SEARCH ALL" => format!("* SEARCH 1 2 3\r\n{tag} OK\r\n"),
                _ => format!("{tag} OK\r\n"),
            };
            if peer.try_send(said).await.is_err() {
                return;
            }
        }
    });
    let client = connect(&mock).await;
    let local = tokio::task::LocalSet::new();
    local.spawn_local(call(client));
    let waited = async {
        asked.notified().await;
        let mut seconds = 0;
        while connections.load(SeqCst) < 2 {
            later(Duration::from_secs(1)).await;
            tokio::time::sleep(Duration::from_millis(3)).await;
            seconds += 1;
            assert!(seconds < 400, "{command}: for ever");
        }
        seconds
    };
    local.run_until(waited).await
}

#[tokio::test]
async fn a_half_open_connection_is_found_within_a_minute_under_what_every_server_does_at_once() {
    let none = MailboxOptions::default();
    let search = async |query: &str| {
        let query = json(query);
        patience("UID SEARCH", async move |client| {
            let _ = client.search("INBOX", query, none, &Call::default()).await;
        })
        .await
    };
    let sync = async |command| {
        patience(command, async |client| {
            let mut batches = client.sync("INBOX", None, Default::default(), &Call::default());
            while batches.next().await.is_some() {}
        })
        .await
    };
    let store = patience("UID STORE", async move |client| {
        let flags = ["\\Seen".to_owned()];
        let _ = client.add_flags("INBOX", uids("1"), &flags, none, &Call::default()).await;
    });
    let found = [
        ("by flag and date", search(r#"{"seen":false,"since":1764547200000,"largerThan":5,"uid":"1:9"}"#).await),
        ("sync's search", sync("UID SEARCH").await),
        ("sync's flags", sync("UID FETCH").await),
        ("STORE", store.await),
    ];
    assert!(found.iter().all(|(_, seconds)| (55..80).contains(seconds)), "{found:?}");
}

#[tokio::test]
async fn a_server_that_reads_every_message_for_a_search_is_given_time() {
    let none = MailboxOptions::default();
    for query in [r#"{"body":"x"}"#, r#"{"not":{"subject":"x"}}"#, r#"{"or":[{"seen":true},{"header":{"X-A":true}}]}"#]
    {
        let parsed = json(query);
        let seconds = patience("UID SEARCH", async move |client| {
            let _ = client.search("INBOX", parsed, none, &Call::default()).await;
        })
        .await;
        assert!(seconds > 280, "{query}: {seconds} s");
    }
}
