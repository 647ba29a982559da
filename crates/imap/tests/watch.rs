//! `watch`: IDLE that steps aside, polling, reconnection.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a helper that meets anything unexpected must fail its test"
)]

mod support;

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use email_imap::{Client, MailboxEventKind, Watcher};
use email_net::Security;
use email_testkit::Mock;
use support::*;
use tokio::sync::Notify;

async fn kind(watcher: &mut Watcher) -> MailboxEventKind {
    kind_in("INBOX", watcher).await
}

async fn kind_in(path: &str, watcher: &mut Watcher) -> MailboxEventKind {
    let event = watcher.next().await.unwrap().unwrap();
    assert_eq!(event.path, path);
    event.kind
}

const IDLE: &str = "C: {idle} IDLE\nS: + idling\n";
const DONE: &str = "C: DONE\nS: {idle} OK done\n";
const NOOP: &str = "C: {tag} NOOP\nS: {tag} OK\n";
const STATUS: &str = "C: {tag} STATUS \"INBOX\" (MESSAGES UNSEEN UIDNEXT UIDVALIDITY)\n\
                      S: * STATUS INBOX (MESSAGES 3)\nS: {tag} OK done\n";

#[tokio::test]
async fn news_while_idle_and_exists_before_the_plus() {
    let mock = server(
        "IMAP4rev1 IDLE",
        format!(
            "{}C: {{idle}} IDLE\nS: * 4 EXISTS\nS: + idling\nS: * 4 EXPUNGE\nS: * 2 FETCH (FLAGS (\\Seen))\n{DONE}{LOGOUT}",
            examine("INBOX", 3)
        ),
    );
    let client = connect(&mock).await;
    let mut watcher = client.watch("inbox", &call());
    assert_eq!(kind(&mut watcher).await, MailboxEventKind::Changed);
    drop(watcher);
    // What was left in IDLE is ended before the farewell: DONE, then LOGOUT.
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    finish(client, mock).await;
}

#[tokio::test]
async fn it_steps_aside_for_any_call_and_sees_what_came_meanwhile() {
    let idling = Arc::new(Notify::new());
    let idles = idling.clone();
    let mock = Mock::each(None, async move |_, peer| {
        let mut peer = log_in(peer, "IMAP4rev1 IDLE").await;
        let (mut exists, mut idle) = (3, None);
        while let Some(line) = peer.try_receive_line().await {
            let (tag, command) = line.split_once(' ').unwrap_or(("", &line));
            let said = match command {
                "EXAMINE \"INBOX\"" => format!("* {exists} EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\n{tag} OK\r\n"),
                "EXAMINE \"Other\"" => {
                    // New mail comes to INBOX while it is not watched.
                    exists = 5;
                    format!("* 1 EXISTS\r\n* OK [UIDVALIDITY 9] ok\r\n{tag} OK\r\n")
                }
                "UID SEARCH ALL" => format!("* SEARCH 1\r\n{tag} OK\r\n"),
                "IDLE" => {
                    idle = Some(tag.to_owned());
                    idles.notify_one();
                    "+ idling\r\n".to_owned()
                }
                "DONE" => format!("{} OK\r\n", idle.take().expect("DONE without IDLE")),
                other if idle.is_some() => panic!("{other} during IDLE"),
                _ => format!("* STATUS INBOX (MESSAGES 3)\r\n{tag} OK\r\n"),
            };
            if peer.try_send(said).await.is_err() {
                return;
            }
        }
    });
    let client = connect(&mock).await;
    let mut watcher = client.watch("INBOX", &call());
    let events = tokio::spawn(async move { kind(&mut watcher).await });
    idling.notified().await;
    for _ in 0..20 {
        assert_eq!(client.status("INBOX", &call()).await.unwrap().messages, 3);
    }
    let none = email_imap::MailboxOptions::default();
    assert_eq!(client.search("Other", json("{}"), none, &call()).await.unwrap(), [1]);
    assert_eq!(events.await.unwrap(), MailboxEventKind::Changed);
    client.close();
}

#[tokio::test]
async fn what_its_own_client_fetches_does_not_wake_it() {
    let idling = Arc::new(Notify::new());
    let idles = idling.clone();
    let mock = Mock::each(None, async move |_, peer| {
        let mut peer = log_in(peer, "IMAP4rev1 IDLE").await;
        let mut idle = None;
        while let Some(line) = peer.try_receive_line().await {
            let (tag, command) = line.split_once(' ').unwrap_or(("", &line));
            let said = match command {
                "EXAMINE \"INBOX\"" => format!("* 3 EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\n{tag} OK\r\n"),
                "UID FETCH 5 (UID FLAGS)" => format!("* 2 FETCH (UID 5 FLAGS (\\Seen))\r\n{tag} OK\r\n"),
                // The flags were not asked for: somebody has changed them just now.
                "UID FETCH 5 (UID RFC822.SIZE)" => {
                    format!("* 2 FETCH (UID 5 RFC822.SIZE 9)\r\n* 1 FETCH (UID 4 FLAGS ())\r\n{tag} OK\r\n")
                }
                "IDLE" => {
                    idle = Some(tag.to_owned());
                    idles.notify_one();
                    "+ idling\r\n".to_owned()
                }
                "DONE" => format!("{} OK\r\n", idle.take().expect("DONE without IDLE")),
                _ => format!("{tag} OK\r\n"),
            };
            if peer.try_send(said).await.is_err() {
                return;
            }
        }
    });
    let client = connect(&mock).await;
    let mut watcher = client.watch("INBOX", &call());
    let mut events = tokio::spawn(async move { kind(&mut watcher).await });
    idling.notified().await;
    let none = email_imap::MailboxOptions::default;
    client.fetch_one("INBOX", 5, json(r#"{"flags":true}"#), none(), &call()).await.unwrap().unwrap();
    idling.notified().await;
    assert!(tokio::time::timeout(Duration::from_millis(200), &mut events).await.is_err(), "it told of its own fetch");
    client.fetch_one("INBOX", 5, json(r#"{"size":true}"#), none(), &call()).await.unwrap().unwrap();
    assert_eq!(events.await.unwrap(), MailboxEventKind::Changed);
    client.close();
}

#[tokio::test]
async fn a_change_of_flags_told_during_a_fetch_of_flags_is_not_lost() {
    let changed = "* 5 FETCH (UID 5 FLAGS (\\Flagged))\r\n";
    let own = "* 1 FETCH (UID 1 FLAGS ())\r\n";
    // Of another message, ahead of the fetch and in it; of the very message, ahead of the fetch.
    for (news, within, wakes) in [("", "", false), (changed, "", true), ("", changed, true), (own, "", true)] {
        let idling = Arc::new(Notify::new());
        let idles = idling.clone();
        let mock = Mock::each(None, async move |_, peer| {
            let mut peer = log_in(peer, "IMAP4rev1 IDLE").await;
            let mut news = Some(news);
            let (mut idle, mut ahead) = (None, None);
            while let Some(line) = peer.try_receive_line().await {
                let (tag, command) = line.split_once(' ').unwrap_or(("", &line));
                let said = match command {
                    "EXAMINE \"INBOX\"" => format!("* 5 EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\n{tag} OK\r\n"),
                    "NOOP" => format!("{}{tag} OK\r\n", ahead.take().unwrap_or_default()),
                    "UID FETCH 1 (UID FLAGS)" => format!("{within}{own}{tag} OK\r\n"),
                    "IDLE" => {
                        idle = Some(tag.to_owned());
                        // Told once, by the NOOP that goes ahead of the fetch.
                        ahead = news.take();
                        idles.notify_one();
                        "+ idling\r\n".to_owned()
                    }
                    "DONE" => format!("{} OK\r\n", idle.take().expect("DONE without IDLE")),
                    _ => format!("{tag} OK\r\n"),
                };
                if peer.try_send(said).await.is_err() {
                    return;
                }
            }
        });
        let client = connect(&mock).await;
        let mut watcher = client.watch("INBOX", &call());
        let mut events = tokio::spawn(async move { kind(&mut watcher).await });
        idling.notified().await;
        let none = email_imap::MailboxOptions::default();
        client.fetch_one("INBOX", 1, json(r#"{"flags":true}"#), none, &call()).await.unwrap().unwrap();
        idling.notified().await;
        let time = Duration::from_millis(if wakes { 5000 } else { 200 });
        let woke = tokio::time::timeout(time, &mut events).await.is_ok();
        assert_eq!(woke, wakes, "{news:?} {within:?}");
        client.close();
    }
}

#[tokio::test]
async fn with_two_connections_the_watcher_keeps_its_own() {
    let mock = Mock::each(None, async |number, peer| {
        let idle = examine("INBOX", 3) + IDLE + "X: eof\n";
        let transcript = if number == 0 { idle } else { STATUS.to_owned() + "X: eof\n" };
        let peer = log_in(peer, "IMAP4rev1 IDLE").await;
        let mut names = Default::default();
        peer.play_with(&transcript, &mut names).await;
    });
    let mut options = options(&mock, Security::None);
    options.max_connections = 2;
    let client = Client::connect(options, &call()).await.unwrap();
    let mut watcher = client.watch("INBOX", &call());
    let watching = tokio::spawn(async move { watcher.next().await });
    tokio::task::yield_now().await;
    assert_eq!(client.status("INBOX", &call()).await.unwrap().messages, 3);
    client.close();
    assert_eq!(code(watching.await.unwrap().unwrap()), "CLOSED");
}

#[tokio::test]
async fn a_lost_connection_is_told() {
    let mock = Mock::start(async |listener| {
        let first = login("IMAP4rev1 IDLE") + &examine("INBOX", 3) + IDLE + "X: reset\n";
        listener.accept().await.play(&first).await;
        let second = login("IMAP4rev1 IDLE") + &examine("INBOX", 4) + IDLE + "X: eof\n";
        listener.accept().await.play(&second).await;
    });
    let client = connect(&mock).await;
    let mut watcher = client.watch("INBOX", &call());
    assert_eq!(kind(&mut watcher).await, MailboxEventKind::Reconnected);
    assert_eq!(kind(&mut watcher).await, MailboxEventKind::Changed);
    client.close();
    mock.finished().await;
}

#[tokio::test]
async fn idle_is_left_and_entered_again_and_polling_goes_without() {
    for (capabilities, first, again) in [
        ("IMAP4rev1 IDLE", IDLE, format!("{DONE}C: {{tag}} NOOP\nS: * 4 EXISTS\nS: {{tag}} OK\n{IDLE}")),
        ("IMAP4rev1", "", "C: {tag} NOOP\nS: * 4 EXISTS\nS: {tag} OK\n".to_owned()),
    ] {
        let open = Arc::new(Notify::new());
        let opened = open.clone();
        let mock = Mock::start(async move |listener| {
            let mut names = Default::default();
            let start = login(capabilities) + &examine("INBOX", 3) + first;
            let peer = listener.accept().await.play_with(&start, &mut names).await.unwrap();
            opened.notify_one();
            let mut peer = peer.play_with(&again, &mut names).await.unwrap();
            // DONE, if the client has left IDLE before it hung up.
            peer.receive_all().await;
        });
        let client = connect(&mock).await;
        let mut watcher = client.watch("INBOX", &email_base::Call::default());
        let watching = tokio::spawn(async move { kind(&mut watcher).await });
        open.notified().await;
        let mut seconds = 0;
        // The client may not have read the last line when time passes: then it waits for its time anew.
        while !watching.is_finished() {
            later(Duration::from_secs(1)).await;
            seconds += 1;
            assert!(seconds < 300);
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        assert_eq!(watching.await.unwrap(), MailboxEventKind::Changed, "a server whose IDLE tells nothing");
        client.close();
        mock.finished().await;
    }
}

#[tokio::test]
async fn a_half_open_connection_is_found_within_a_minute() {
    // With IDLE and without: what is asked, after how many seconds, and how long an answer is waited for.
    for (capabilities, begins, question, after, patience) in
        [("IMAP4rev1 IDLE", IDLE, "DONE", 45, 15), ("IMAP4rev1", "", "NOOP", 30, 30)]
    {
        let left = Arc::new(Notify::new());
        let leave = left.clone();
        let mock = Mock::each(None, async move |number, peer| {
            let mut peer = log_in(peer, capabilities).await;
            let mut names = Default::default();
            peer = peer.play_with(&(examine("INBOX", 3) + begins), &mut names).await.unwrap();
            if number == 0 {
                // Says nothing to it, and does not hang up.
                assert!(peer.receive_line().await.ends_with(question));
                leave.notify_one();
            }
            peer.receive_all().await;
        });
        let client = connect(&mock).await;
        let mut watcher = client.watch("INBOX", &email_base::Call::default());
        let watching = tokio::spawn(async move { kind(&mut watcher).await });
        let started = email_base::clock::now();
        let asked = async {
            loop {
                later(Duration::from_secs(1)).await;
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::select! {
            () = left.notified() => {}
            () = asked => {}
        }
        let took = started.elapsed().as_secs();
        assert!((after..60 - patience + 15).contains(&took), "{question}: {took} s");
        later(Duration::from_secs(patience + 1)).await;
        assert_eq!(watching.await.unwrap(), MailboxEventKind::Reconnected);
        client.close();
    }
}

#[tokio::test]
async fn a_mailbox_that_was_renamed_is_not_watched_under_its_old_name() {
    let (idling, gone) = (Arc::new(Notify::new()), Arc::new(std::sync::atomic::AtomicBool::new(false)));
    let (idles, is_gone) = (idling.clone(), gone.clone());
    let mock = Mock::each(None, async move |_, peer| {
        let mut peer = log_in(peer, "IMAP4rev1 IDLE").await;
        let mut idle = None;
        while let Some(line) = peer.try_receive_line().await {
            let (tag, command) = line.split_once(' ').unwrap_or(("", &line));
            let said = match command {
                "EXAMINE \"X\"" if is_gone.load(SeqCst) => format!("{tag} NO [NONEXISTENT] gone\r\n"),
                "IDLE" => {
                    idle = Some(tag.to_owned());
                    idles.notify_one();
                    "+ idling\r\n".to_owned()
                }
                "DONE" => format!("{} OK\r\n", idle.take().expect("DONE without IDLE")),
                other => {
                    is_gone.fetch_or(other.starts_with("RENAME"), SeqCst);
                    format!("{tag} OK\r\n")
                }
            };
            if peer.try_send(said).await.is_err() {
                return;
            }
        }
    });
    let mut options = options(&mock, Security::None);
    options.max_connections = 2;
    let client = Client::connect(options, &call()).await.unwrap();
    let mut watcher = client.watch("X", &email_base::Call::default());
    let watching = tokio::spawn(async move { watcher.next().await });
    idling.notified().await;
    client.rename("X", "Y", &call()).await.unwrap();
    for seconds in 0.. {
        if watching.is_finished() {
            break;
        }
        assert!(seconds < 100, "it watches on");
        later(Duration::from_secs(1)).await;
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    assert_eq!(code(watching.await.unwrap().unwrap()), "MAILBOX_NOT_FOUND");
    client.close();
}

#[tokio::test]
async fn a_second_watcher_on_the_only_connection_misses_nothing_and_the_first_is_not_forgotten() {
    for (second, opened, opened_again) in
        [("Two", examine("Two", 3), examine("INBOX", 4)), ("INBOX", NOOP.to_owned(), NOOP.to_owned())]
    {
        let open = Arc::new(Notify::new());
        let idles = open.clone();
        let mock = Mock::start(async move |listener| {
            let mut names = Default::default();
            let first = login("IMAP4rev1 IDLE") + &examine("INBOX", 3) + IDLE;
            let peer = listener.accept().await.play_with(&first, &mut names).await.unwrap();
            idles.notify_one();
            // At once, not after the first one's turn; the news comes when the second has just begun.
            let peer = peer.play_with(&format!("{DONE}{opened}{IDLE}S: * 4 EXISTS\n"), &mut names).await.unwrap();
            let mut peer = peer.play_with(&format!("{DONE}{opened_again}"), &mut names).await.unwrap();
            peer.receive_all().await;
        });
        let client = connect(&mock).await;
        let (mut first, mut other) = (client.watch("INBOX", &call()), client.watch(second, &call()));
        let waiting = tokio::spawn(async move { kind(&mut first).await });
        open.notified().await;
        let told = tokio::time::timeout(Duration::from_secs(3), kind_in(second, &mut other)).await;
        assert_eq!(told.expect("the second had to wait for its turn"), MailboxEventKind::Changed);
        let started = email_base::clock::now();
        while !waiting.is_finished() {
            assert!(started.elapsed() < Duration::from_secs(15), "{second}: the first waits for longer than two turns");
            later(Duration::from_millis(500)).await;
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(waiting.await.unwrap(), MailboxEventKind::Changed);
        client.close();
        mock.finished().await;
    }
}

#[tokio::test]
async fn another_connection_is_no_reconnection_while_the_first_one_lives() {
    let (queued, moved) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    // The second connection answers when the first has a call, too; the first when the watcher has gone over.
    let mock = Mock::each(None, async move |number, peer| {
        let peer = log_in(peer, "IMAP4rev1 IDLE").await;
        let mut names = Default::default();
        let (before, after) = STATUS.split_once('\n').unwrap();
        let before = format!("{before}\n");
        let mut peer = if number == 0 {
            let start = examine("INBOX", 3) + IDLE + DONE + &before;
            let peer = peer.play_with(&start, &mut names).await.unwrap();
            queued.notify_one();
            moved.notified().await;
            peer.play_with(after, &mut names).await.unwrap()
        } else {
            let peer = peer.play_with(&before, &mut names).await.unwrap();
            queued.notified().await;
            let idle = format!("{after}{}{IDLE}", examine("INBOX", 3));
            let mut peer = peer.play_with(&idle, &mut names).await.unwrap();
            peer.send("* 4 EXISTS\r\n").await;
            moved.notify_one();
            peer
        };
        peer.receive_all().await;
    });
    let mut options = options(&mock, Security::None);
    options.max_connections = 2;
    let client = Client::connect(options, &call()).await.unwrap();
    let mut watcher = client.watch("INBOX", &call());
    let watching = tokio::spawn(async move { kind(&mut watcher).await });
    tokio::task::yield_now().await;
    let call = call();
    let (one, other) = tokio::join!(client.status("INBOX", &call), client.status("INBOX", &call));
    assert_eq!((one.unwrap().messages, other.unwrap().messages), (3, 3));
    assert_eq!(watching.await.unwrap(), MailboxEventKind::Changed);
    client.close();
}

#[tokio::test]
async fn a_mailbox_that_is_not_there_ends_the_watch() {
    let mock = server("IMAP4rev1", format!("C: {{tag}} EXAMINE \"x\"\nS: {{tag}} NO [NONEXISTENT] no\n{LOGOUT}"));
    let client = connect(&mock).await;
    let mut watcher = client.watch("x", &call());
    assert_eq!(code(watcher.next().await.unwrap()), "MAILBOX_NOT_FOUND");
    assert!(watcher.next().await.is_none());
    assert_eq!(code(client.watch("a\r\nb", &call()).next().await.unwrap()), "INVALID_MAILBOX_NAME");
    finish(client, mock).await;
}

#[tokio::test]
async fn the_watch_ends_with_its_signal() {
    let mock = server("IMAP4rev1 IDLE", format!("{}{IDLE}{DONE}{STATUS}{LOGOUT}", examine("INBOX", 3)));
    let client = connect(&mock).await;
    let (call_of_watch, cancel) = call_of(Duration::from_secs(20));
    let mut watcher = client.watch("INBOX", &call_of_watch);
    let watching = tokio::spawn(async move { watcher.next().await });
    tokio::task::yield_now().await;
    cancel.cancel();
    assert_eq!(code(watching.await.unwrap().unwrap()), "ABORTED");
    drop(client);
    drop(mock);
}

#[tokio::test]
async fn a_download_whose_reader_has_stopped_makes_way_for_it() {
    let idling = Arc::new(Notify::new());
    let idles = idling.clone();
    let mock = Mock::each(None, async move |_, peer| {
        let mut peer = log_in(peer, "IMAP4rev1 IDLE").await;
        let (mut idle, mut downloads) = (None, false);
        while let Some(line) = peer.try_receive_line().await {
            let (tag, command) = line.split_once(' ').unwrap_or(("", &line));
            let said = match command {
                "EXAMINE \"INBOX\"" => format!("* 3 EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\n{tag} OK\r\n"),
                "IDLE" => {
                    idle = Some(tag.to_owned());
                    idles.notify_one();
                    "+ idling\r\n".to_owned()
                }
                "DONE" => format!("{} OK\r\n", idle.take().expect("DONE without IDLE")),
                // New mail, once the download is under way.
                "NOOP" if downloads => format!("* 4 EXISTS\r\n{tag} OK\r\n"),
                other => match other.split_once("BODY.PEEK[]<") {
                    Some((_, window)) => {
                        let (from, count) = window.trim_end_matches(">)").split_once('.').unwrap();
                        downloads = from != "0";
                        let bytes = "x".repeat(count.parse().unwrap());
                        let size = 100 << 20;
                        let row =
                            format!("* 1 FETCH (UID 9 RFC822.SIZE {size} BODY[]<{from}> {{{count}}}\r\n{bytes})\r\n");
                        format!("{row}{tag} OK\r\n")
                    }
                    None => format!("{tag} OK\r\n"),
                },
            };
            if peer.try_send(said).await.is_err() {
                return;
            }
        }
    });
    let client = connect(&mock).await;
    let mut watcher = client.watch("INBOX", &call());
    let event = tokio::spawn(async move { kind(&mut watcher).await });
    idling.notified().await;
    let mut chunks = client.download("INBOX", 9, Default::default(), &call());
    assert!(chunks.next().await.unwrap().is_ok());
    // A loop over a download that waits for news inside: both are on the one connection.
    let event = tokio::time::timeout(Duration::from_secs(9), event).await;
    assert_eq!(event.expect("no news while the download stands still").unwrap(), MailboxEventKind::Changed);
    assert!(chunks.next().await.unwrap().is_ok(), "the download goes on");
    client.close();
}
