//! `watch` beside other calls on one connection: no change that the server tells is missed, whoever it is told to.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a helper that meets anything unexpected must fail its test"
)]

mod support;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use email_base::Call;
use email_imap::{Client, FetchOptions, MailboxEventKind, MailboxOptions};
use email_testkit::Mock;
use support::fetch::*;
use support::*;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

const EXAMINED: &str = "* OK [UIDVALIDITY 7] ok\r\n";

/// A server with IDLE that says `answer` to other commands, before OK. Each IDLE is told to the other one.
fn idling_server(answer: impl Fn(&str) -> String + Clone + Send + 'static) -> (Mock, Arc<Notify>) {
    let idling = Arc::new(Notify::new());
    let idles = idling.clone();
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
                "DONE" => format!("{} OK\r\n", idle.take().expect("DONE without IDLE")),
                _ => answer(command) + tag + " OK\r\n",
            };
            if peer.try_send(said).await.is_err() {
                return;
            }
        }
    });
    (mock, idling)
}

/// The next event of INBOX.
fn watch(client: &Client) -> JoinHandle<MailboxEventKind> {
    let mut watcher = client.watch("INBOX", &Call::default());
    tokio::spawn(async move { watcher.next().await.unwrap().unwrap().kind })
}

#[tokio::test]
async fn a_change_told_to_another_call_before_the_mailbox_was_left() {
    let (mock, idling) = idling_server(|command| match command {
        _ if command.starts_with("EXAMINE") => format!("* 3 EXISTS\r\n{EXAMINED}"),
        "UID SEARCH UNSEEN" => "* SEARCH 1\r\n* 2 FETCH (UID 2 FLAGS (\\Seen))\r\n".to_owned(),
        "UID SEARCH ALL" => "* SEARCH 1\r\n".to_owned(),
        _ => String::new(),
    });
    let client = connect(&mock).await;
    let event = watch(&client);
    idling.notified().await;
    let (none, call) = (MailboxOptions::default(), call());
    let one = client.search("INBOX", json(r#"{"seen":false}"#), none, &call);
    let other = client.search("Other", json("{}"), none, &call);
    let found = tokio::join!(one, other);
    assert_eq!((found.0.unwrap(), found.1.unwrap()), (vec![1], vec![1]));
    let event = tokio::time::timeout(Duration::from_secs(5), event).await;
    assert_eq!(event.expect("no news").unwrap(), MailboxEventKind::Changed);
    client.close();
}

#[tokio::test]
async fn a_change_of_a_message_behind_its_own_row() {
    for (first, second, wakes) in [("", "\\Seen", true), ("\\Seen \\Recent", "\\seen", false), ("", "", false)] {
        let (mock, idling) = idling_server(move |command| match command {
            _ if command.starts_with("EXAMINE") => format!("* 3 EXISTS\r\n{EXAMINED}"),
            _ if command.contains("BODY.PEEK[]") => {
                let own = format!("* 2 FETCH (UID 2 FLAGS ({first}) BODY[] \"a: b\")\r\n");
                own + &format!("* 2 FETCH (UID 2 FLAGS ({second}))\r\n")
            }
            _ => String::new(),
        });
        let client = connect(&mock).await;
        let event = watch(&client);
        idling.notified().await;
        let query = json(r#"{"source":true,"flags":true}"#);
        client.fetch_one("INBOX", 2, query, MailboxOptions::default(), &call()).await.unwrap().unwrap();
        idling.notified().await;
        let time = Duration::from_millis(if wakes { 5000 } else { 200 });
        assert_eq!(tokio::time::timeout(time, event).await.is_ok(), wakes, "{first} {second}");
        client.close();
    }
}

#[tokio::test]
async fn new_mail_told_before_the_plus_to_a_watcher_that_goes() {
    let (told, gone) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (tells, goes) = (told.clone(), gone.clone());
    let mock = Mock::start(async move |listener| {
        let mut names = Default::default();
        let start = login("IMAP4rev1 IDLE") + &examine("INBOX", 0) + "C: {idle} IDLE\nS: * 1 EXISTS\n";
        let peer = listener.accept().await.play_with(&start, &mut names).await.unwrap();
        tells.notify_one();
        goes.notified().await;
        let rest = "S: + idling\nC: DONE\nS: {idle} OK done\nC: {noop} NOOP\nC: {tag} UID FETCH 1:* (UID FLAGS)\n\
             S: {noop} OK\nS: * 1 FETCH (UID 5 FLAGS ())\nS: {tag} OK\n";
        peer.play_with(rest, &mut names).await;
    });
    let client = connect(&mock).await;
    let mut watcher = client.watch("INBOX", &call());
    let waiting = tokio::time::timeout(Duration::from_millis(200), watcher.next());
    let (early, ()) = tokio::join!(waiting, told.notified());
    assert!(early.is_err());
    drop(watcher);
    // The client has to notice it before the server goes on.
    tokio::time::sleep(Duration::from_millis(50)).await;
    gone.notify_one();
    let query = json(r#"{"flags":true}"#);
    let (messages, error) = all(client.fetch("INBOX", uids("1:*"), query, FetchOptions::default(), &call())).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(numbers(&messages), [5]);
    client.close();
}

#[tokio::test]
async fn a_long_fetch_lets_a_watcher_look_now_and_then() {
    let said = Arc::new(Mutex::new(Vec::new()));
    let log = said.clone();
    let (mock, idling) = idling_server(move |command| {
        log.lock().unwrap().push(command.to_owned());
        match command {
            _ if command.starts_with("EXAMINE") => format!("* 12 EXISTS\r\n{EXAMINED}"),
            // Each message is a chunk of its own…
            _ if command.contains("RFC822.SIZE") => {
                (1..=12).map(|n| format!("* {n} FETCH (UID {n} RFC822.SIZE 4194304)\r\n")).collect()
            }
            _ if command.contains("BODY.PEEK[]") => {
                // … that takes some seconds of the client's time.
                std::thread::sleep(Duration::from_millis(50));
                let uid = command.split(' ').nth(2).unwrap();
                format!("* {uid} FETCH (UID {uid} BODY[] \"a: b\")\r\n")
            }
            _ => String::new(),
        }
    });
    let client = connect(&mock).await;
    let _event = watch(&client);
    idling.notified().await;
    let forever = Call::default();
    let query = json(r#"{"source":true}"#);
    let fetching = all(client.fetch("INBOX", uids("1:*"), query, FetchOptions::default(), &forever));
    let time = async {
        loop {
            later(Duration::from_secs(1)).await;
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let (messages, error) = tokio::select! {
        fetched = fetching => fetched,
        () = time => unreachable!(),
    };
    assert!(error.is_none(), "{error:?}");
    assert_eq!(numbers(&messages), (1..=12).collect::<Vec<_>>());
    let said = said.lock().unwrap();
    let fetches: Vec<_> = (0..said.len()).filter(|at| said[*at].contains("BODY.PEEK[]")).collect();
    let looks = said[fetches[0]..fetches[11]].iter().filter(|command| *command == "NOOP").count();
    assert!((1..12).contains(&looks), "{said:#?}");
    client.close();
}
