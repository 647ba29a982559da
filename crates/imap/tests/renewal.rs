//! Sessions are left before their token ends, between two commands.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a helper that meets anything unexpected must fail its test"
)]

mod support;

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use email_base::{AccessTokens, Credentials, Secret, Timestamp, TokenError, clock};
use email_imap::{Client, FetchOptions, MailboxEventKind, Options};
use email_net::Security;
use email_testkit::Mock;
use support::*;
use tokio::sync::Notify;

type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Its first token has 110 s to live, its second one an hour.
#[derive(Default)]
struct Source {
    renewed: AtomicBool,
    asked: AtomicUsize,
}

impl AccessTokens for Source {
    fn current(&self) -> Boxed<'_, Result<Secret, TokenError>> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let token = if self.renewed.load(Ordering::Relaxed) { "NEW" } else { "OLD" };
        Box::pin(async move { Ok(Secret::from(token)) })
    }

    fn refused<'a>(&'a self, _: &'a Secret) -> Boxed<'a, Result<Option<Secret>, TokenError>> {
        Box::pin(async { Ok(None) })
    }

    fn expires_at(&self, token: &Secret) -> Option<Timestamp> {
        let seconds = if token.expose() == "OLD" { 110 } else { 3600 };
        Some(Timestamp(clock::unix_ms() + seconds * 1000))
    }
}

fn options_of(mock: &Mock, source: &Arc<Source>) -> Options {
    let tokens = Arc::clone(source);
    options_as(mock, Security::None, Credentials::OAuth { user: "ada@example.com".into(), tokens })
}

/// Says hardly more than OK, and keeps what it was told: the connection's number and the command.
fn server_of(heard: &Arc<Mutex<Vec<(usize, String)>>>, pause: Arc<(Notify, Notify)>) -> Mock {
    let heard = Arc::clone(heard);
    Mock::each(None, async move |number, mut peer| {
        peer.send("* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=XOAUTH2] ready\r\n").await;
        while let Some(line) = peer.try_receive_line().await {
            let (tag, command) = line.split_once(' ').unwrap();
            let word = command.split(' ').take(2).collect::<Vec<_>>().join(" ");
            heard.lock().unwrap().push((number, word));
            let mut said = String::new();
            if command.starts_with("EXAMINE") {
                said = "* 900 EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\n".into();
            } else if command.starts_with("STATUS") {
                said = "* STATUS INBOX (MESSAGES 3)\r\n".into();
            } else if let Some(rest) = command.strip_prefix("UID FETCH ") {
                let (set, items) = rest.split_once(' ').unwrap();
                let set = email_imap::UidRanges::parse(set.replace('*', "900").as_bytes()).unwrap();
                for uid in set.iter() {
                    said += &if items.contains("BODY.PEEK[]") {
                        format!("* {uid} FETCH (UID {uid} BODY[] \"a: {uid}\")\r\n")
                    } else {
                        format!("* {uid} FETCH (UID {uid} RFC822.SIZE 6)\r\n")
                    };
                }
                if set.contains(250) && items.contains("BODY.PEEK[]") {
                    pause.0.notify_one();
                    pause.1.notified().await;
                }
            }
            if peer.try_send(format!("{said}{tag} OK [CAPABILITY IMAP4rev1] done\r\n")).await.is_err() {
                return;
            }
        }
    })
}

async fn later(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

#[tokio::test]
async fn a_session_whose_token_ends_soon_is_left_between_commands() {
    let (source, heard) = (Arc::new(Source::default()), Arc::default());
    let mock = server_of(&heard, Arc::default());
    let client = Client::connect(options_of(&mock, &source), &call()).await.unwrap();
    client.status("INBOX", &call()).await.unwrap();
    assert_eq!(source.asked.load(Ordering::Relaxed), 1, "nobody asks while there is time");
    later(Duration::from_secs(25)).await;
    // No newer token: the session is as good as any.
    client.status("INBOX", &call()).await.unwrap();
    client.status("INBOX", &call()).await.unwrap();
    assert_eq!(source.asked.load(Ordering::Relaxed), 2, "not asked for every command");
    source.renewed.store(true, Ordering::Relaxed);
    later(Duration::from_secs(25)).await;
    client.status("INBOX", &call()).await.unwrap();
    client.logout(&call()).await.unwrap();
    let heard: Vec<_> = heard.lock().unwrap().iter().map(|(n, word)| format!("{n} {word}")).collect();
    let expected = [
        "0 AUTHENTICATE XOAUTH2",
        "0 STATUS \"INBOX\"",
        "0 STATUS \"INBOX\"",
        "0 STATUS \"INBOX\"",
        "0 LOGOUT",
        "1 AUTHENTICATE XOAUTH2",
        "1 STATUS \"INBOX\"",
        "1 LOGOUT",
    ];
    let of = |connection: &str| expected.iter().filter(|line| line.starts_with(connection)).collect::<Vec<_>>();
    for connection in ["0", "1"] {
        let found: Vec<_> = heard.iter().filter(|line| line.starts_with(connection)).collect();
        assert_eq!(found, of(connection));
    }
}

#[tokio::test]
async fn a_long_fetch_goes_on_in_a_session_that_lives_longer() {
    let (source, heard) = (Arc::new(Source::default()), Arc::default());
    let pause: Arc<(Notify, Notify)> = Arc::default();
    let mock = server_of(&heard, Arc::clone(&pause));
    let client = Client::connect(options_of(&mock, &source), &call()).await.unwrap();
    let endless = email_base::Call::default();
    let query = json(r#"{"source":true}"#);
    let mut pages = client.fetch("INBOX", uids("1:*"), query, FetchOptions::default(), &endless);
    let fetching = tokio::spawn(async move {
        let mut seen = Vec::new();
        while let Some(page) = pages.next().await {
            seen.extend(page.unwrap().into_iter().map(|message| message.uid));
        }
        seen
    });
    pause.0.notified().await;
    source.renewed.store(true, Ordering::Relaxed);
    later(Duration::from_secs(25)).await;
    pause.1.notify_one();
    assert_eq!(fetching.await.unwrap(), (1..=900).collect::<Vec<_>>(), "each message once");
    let heard = heard.lock().unwrap();
    let last = |connection| heard.iter().rfind(|(n, _)| *n == connection).unwrap().1.clone();
    assert_eq!(last(0), "LOGOUT", "the first session was left in good order");
    assert!(last(1).starts_with("UID FETCH"), "{}", last(1));
    client.close();
}

#[tokio::test]
async fn a_watcher_moves_to_the_new_session() {
    let (source, heard) = (Arc::new(Source::default()), Arc::default());
    let mock = server_of(&heard, Arc::default());
    let client = Client::connect(options_of(&mock, &source), &call()).await.unwrap();
    let mut watcher = client.watch("INBOX", &email_base::Call::default());
    let watching = tokio::spawn(async move { watcher.next().await.unwrap().unwrap().kind });
    source.renewed.store(true, Ordering::Relaxed);
    while !watching.is_finished() {
        later(Duration::from_secs(1)).await;
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(watching.await.unwrap(), MailboxEventKind::Reconnected);
    client.close();
}
