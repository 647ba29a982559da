//! `fetch`: what is asked for, in which pieces, and that every message comes once, whatever happens.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a helper that meets anything unexpected must fail its test"
)]

mod support;

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use email_imap::{FetchOptions, MailboxOptions};
use email_testkit::Mock;
use support::fetch::*;
use support::*;
use tokio::sync::Notify;

#[tokio::test]
async fn small_rows_in_one_command_joined_and_sorted() {
    let mock = server(
        "IMAP4rev1 CONDSTORE OBJECTID",
        format!(
            "{}C: {{tag}} UID FETCH 1:* (UID FLAGS MODSEQ INTERNALDATE RFC822.SIZE EMAILID THREADID)\n\
             # out of order, in two rows, with news of a message that was not asked for by UID, and with a flag change\n\
             S: * 3 FETCH (FLAGS () UID 9 RFC822.SIZE 10 INTERNALDATE \" 1-Feb-1994 21:52:25 +0000\" MODSEQ (5))\n\
             S: * 1 FETCH (UID 2 FLAGS (\\Seen))\n\
             S: * 2 FETCH (FLAGS (\\Answered))\n\
             S: * 1 FETCH (RFC822.SIZE 77 UID 2 EMAILID (M1) THREADID (T1) INTERNALDATE \" 1-Feb-1994 21:52:25 +0000\")\n\
             S: * 3 FETCH (UID 9 FLAGS (\\Flagged))\n\
             S: {{tag}} OK done\n\
             # three messages, two rows: is one left out?\n\
             C: {{tag}} UID SEARCH UID 1:*\n\
             S: * SEARCH 2 9\n\
             S: {{tag}} OK done\n{LOGOUT}",
            examine("INBOX", 3)
        ),
    );
    let client = connect(&mock).await;
    let query = json(r#"{"flags":true,"internalDate":true,"size":true}"#);
    let (messages, error) = all(client.fetch("INBOX", uids("1:*"), query, FetchOptions::default(), &call())).await;
    assert!(error.is_none());
    assert_eq!(numbers(&messages), [2, 9]);
    assert_eq!(messages[0].size, Some(77));
    assert_eq!(messages[0].email_id.as_deref(), Some("M1"));
    assert_eq!(messages[1].flags.as_ref().unwrap(), &["\\Flagged"]);
    assert_eq!(messages[1].mod_seq.unwrap().0, 5);
    assert!(messages.iter().all(|m| m.degraded.is_none()));
    finish(client, mock).await;
}

#[tokio::test]
async fn an_empty_mailbox_is_not_asked_for_anything() {
    let mock = server("IMAP4rev1", format!("{}C: {{tag}} NOOP\nS: {{tag}} OK\n{LOGOUT}", examine("INBOX", 0)));
    let client = connect(&mock).await;
    let (messages, error) =
        all(client.fetch("INBOX", uids("1:*"), json(r#"{"flags":true}"#), FetchOptions::default(), &call())).await;
    assert!(messages.is_empty() && error.is_none());
    finish(client, mock).await;
}

#[tokio::test]
async fn news_of_another_message_is_not_taken_for_the_newest_one() {
    let mock = Mock::each(None, async |_, peer| {
        let mut peer = log_in(peer, "IMAP4rev1").await;
        while let Some(line) = peer.try_receive_line().await {
            let (tag, command) = line.split_once(' ').unwrap();
            let data = if command.contains("BODY") { "BODY[] \"a\"" } else { "RFC822.SIZE 1" };
            let said = match command {
                "UID SEARCH UID 3,*" => "* SEARCH 3 10\r\n".to_owned(),
                fetch if fetch.starts_with("UID FETCH") => format!(
                    "* 7 FETCH (UID 7 FLAGS (\\Flagged))\r\n\
                     * 3 FETCH (UID 3 FLAGS () {data})\r\n* 10 FETCH (UID 10 FLAGS () {data})\r\n"
                ),
                _ => "* 10 EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\n".to_owned(),
            };
            if peer.try_send(format!("{said}{tag} OK done\r\n")).await.is_err() {
                return;
            }
        }
    });
    let client = connect(&mock).await;
    for query in [r#"{"flags":true}"#, r#"{"source":true}"#] {
        let (messages, error) =
            all(client.fetch("INBOX", uids("3,*"), json(query), FetchOptions::default(), &call())).await;
        assert!(error.is_none(), "{error:?}");
        assert_eq!(numbers(&messages), [3, 10], "{query}");
    }
    client.close();
}

#[tokio::test]
async fn messages_with_content_take_two_commands() {
    let mock = server(
        "IMAP4rev1",
        format!(
            "{}C: {{tag}} UID FETCH 1:* (UID RFC822.SIZE)\n\
             S: * 1 FETCH (UID 4 RFC822.SIZE 20)\n\
             S: * 2 FETCH (UID 6 RFC822.SIZE 20)\n\
             S: * 3 FETCH (UID 7 RFC822.SIZE 20)\n\
             S: {{tag}} OK done\n\
             C: {{tag}} UID FETCH 4,6:7 (UID FLAGS BODY.PEEK[])\n\
             S: * 2 FETCH (UID 6 FLAGS () BODY[] {{20}}\n\
             S~: Subject: b\\r\\n\\r\\nsix\\r\\n\\r\n\
             S~: )\\r\\n\n\
             S: * 1 FETCH (UID 4 BODY[] \"Subject: a\" FLAGS (\\Seen))\n\
             S: * 3 FETCH (UID 7 BODY[] NIL FLAGS ())\n\
             S: {{tag}} OK done\n{LOGOUT}",
            examine("INBOX", 3)
        ),
    );
    let client = connect(&mock).await;
    let query = json(r#"{"flags":true,"source":true,"message":true,"headers":["Subject"]}"#);
    let (messages, error) = all(client.fetch("INBOX", uids("1:*"), query, FetchOptions::default(), &call())).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(numbers(&messages), [4, 6, 7]);
    assert_eq!(messages[0].source.as_ref().unwrap().0, "Subject: a");
    assert_eq!(messages[1].message.as_ref().unwrap().subject.as_deref(), Some("b"));
    assert_eq!(messages[1].headers.as_ref().unwrap(), &[("subject".to_owned(), vec!["b".to_owned()])]);
    let degraded = messages[2].degraded.as_ref().unwrap();
    assert_eq!(degraded.code.as_str(), "INCOMPLETE_MESSAGE");
    assert!(messages[2].source.is_none() && messages[2].message.is_none());
    finish(client, mock).await;
}

#[tokio::test]
async fn newest_by_sequence_numbers() {
    let mock = server(
        "IMAP4rev1",
        format!(
            "{}C: {{tag}} FETCH 9:* (UID FLAGS)\n\
             S: * 11 EXISTS\n\
             S: * 9 FETCH (UID 90 FLAGS ())\n\
             S: * 10 FETCH (UID 100 FLAGS ())\n\
             S: * 11 FETCH (UID 110 FLAGS ())\n\
             S: {{tag}} OK done\n\
             C: {{tag}} NOOP\n\
             S: {{tag}} OK\n\
             C: {{tag}} FETCH 10:* (UID RFC822.SIZE)\n\
             S: * 10 FETCH (UID 100 RFC822.SIZE 4)\n\
             S: * 11 FETCH (UID 110 RFC822.SIZE 4)\n\
             S: {{tag}} OK done\n\
             C: {{tag}} UID FETCH 100,110 (UID BODY.PEEK[])\n\
             S: * 10 FETCH (UID 100 BODY[] \"a: b\")\n\
             S: * 11 FETCH (UID 110 BODY[] \"a: c\")\n\
             S: {{tag}} OK done\n{LOGOUT}",
            examine("INBOX", 10)
        ),
    );
    let client = connect(&mock).await;
    let newest = || json(r#"{"newest":2}"#);
    let pages = client.fetch("INBOX", newest(), json(r#"{"flags":true}"#), FetchOptions::default(), &call());
    assert_eq!(numbers(&all(pages).await.0), [100, 110], "one came meanwhile: still the newest two");
    let pages = client.fetch("INBOX", newest(), json(r#"{"source":true}"#), FetchOptions::default(), &call());
    assert_eq!(numbers(&all(pages).await.0), [100, 110]);
    finish(client, mock).await;
}

/// A mailbox of `count` messages of `size` bytes, on any number of connections; `cut` may end a connection.
fn mailbox(count: u32, size: usize, cut: impl Fn(usize, u32) -> bool + Send + 'static) -> Mock {
    mailbox_that_ends(count, size, cut, async |_, _| {})
}

/// The same; `end` says how a connection ends.
fn mailbox_that_ends(
    count: u32,
    size: usize,
    cut: impl Fn(usize, u32) -> bool + Send + 'static,
    end: impl AsyncFn(usize, &mut email_testkit::Peer) + Send + 'static,
) -> Mock {
    Mock::each(None, async move |connection, peer| {
        let mut peer = log_in(peer, "IMAP4rev1 ESEARCH").await;
        let body = |uid: u32| format!("Subject: {uid}\r\n\r\n{}", "x".repeat(size));
        while let Some(line) = peer.try_receive_line().await {
            let mut words = line.split(' ');
            let tag = words.next().unwrap().to_owned();
            let command = line[tag.len() + 1..].to_owned();
            let mut answer = String::new();
            if command.starts_with("EXAMINE") {
                answer = format!("* {count} EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\n");
            } else if command.starts_with("UID SEARCH") {
                answer = format!("* ESEARCH (TAG \"{tag}\") UID ALL 1:{count}\r\n");
            } else if let Some(rest) = command.strip_prefix("UID FETCH ") {
                let (set, items) = rest.split_once(' ').unwrap();
                let set = set.replace('*', &count.to_string());
                let set = email_imap::UidRanges::parse(set.as_bytes()).unwrap();
                for uid in set.iter().filter(|uid| *uid <= count) {
                    if !items.contains("RFC822.SIZE") && cut(connection, uid) {
                        let _ = peer.try_send(&answer).await;
                        end(connection, &mut peer).await;
                        return;
                    }
                    if items.contains("BODY.PEEK[]") {
                        let body = body(uid);
                        answer += &format!("* {uid} FETCH (UID {uid} BODY[] {{{}}}\r\n{body})\r\n", body.len());
                    } else {
                        answer += &format!("* {uid} FETCH (UID {uid} RFC822.SIZE {} FLAGS ())\r\n", body(uid).len());
                    }
                    if answer.len() > 100_000 {
                        if peer.try_send(&answer).await.is_err() {
                            return;
                        }
                        answer.clear();
                    }
                }
            } else if command == "LOGOUT" {
                answer = "* BYE bye\r\n".to_owned();
            }
            if peer.try_send(format!("{answer}{tag} OK done\r\n")).await.is_err() {
                return;
            }
        }
    })
}

/// Every second UID, sizes of 4, and what was asked.
fn sparse_mailbox(count: u32) -> (Mock, Arc<Mutex<Vec<String>>>) {
    let asked = Arc::<Mutex<Vec<String>>>::default();
    let log = asked.clone();
    let mock = Mock::each(None, async move |_, peer| {
        let mut peer = log_in(peer, "IMAP4rev1").await;
        let largest = count * 2;
        while let Some(line) = peer.try_receive_line().await {
            let (tag, command) = line.split_once(' ').unwrap();
            log.lock().unwrap().push(command.to_owned());
            let mut answer = String::new();
            let all: Vec<_> = (1..=count).map(|n| n * 2).collect();
            let having = |set: &str| {
                let set = email_imap::UidRanges::parse(set.replace('*', &largest.to_string()).as_bytes()).unwrap();
                all.iter().copied().filter(|uid| set.contains(*uid)).collect::<Vec<_>>()
            };
            if command.starts_with("EXAMINE") {
                answer = format!("* {count} EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\n");
            } else if let Some(set) = command.strip_prefix("UID SEARCH UID ") {
                let hits: Vec<_> = having(set).iter().map(u32::to_string).collect();
                answer = format!("* SEARCH {}\r\n", hits.join(" "));
            } else if let Some(rest) = command.strip_prefix("FETCH ") {
                let (first, _) = rest.split_once(':').unwrap();
                for seq in first.parse::<u32>().unwrap()..=count {
                    answer += &format!("* {seq} FETCH (UID {})\r\n", seq * 2);
                }
            } else if let Some(rest) = command.strip_prefix("UID FETCH ") {
                let (set, items) = rest.split_once(' ').unwrap();
                let item = if items.contains("BODY") { "BODY[] \"a: b\"" } else { "RFC822.SIZE 4" };
                for uid in having(set) {
                    answer += &format!("* {} FETCH (UID {uid} {item})\r\n", uid / 2);
                }
            }
            if peer.try_send(format!("{answer}{tag} OK done\r\n")).await.is_err() {
                return;
            }
        }
    });
    (mock, asked)
}

#[tokio::test]
async fn of_many_messages_the_first_does_not_wait_for_the_size_of_the_last() {
    let every: Vec<_> = (1..=6000).map(|n| n * 2).collect();
    let within = |first, last| every.iter().copied().filter(|uid| (first..=last).contains(uid)).collect::<Vec<_>>();
    let stretches =
        |sets: &[&str]| sets.iter().map(|set| format!("UID FETCH {set} (UID RFC822.SIZE)")).collect::<Vec<_>>();
    for (set, wanted, sizes) in [
        (r#""1:*""#, every.clone(), stretches(&["2:2000", "2002:10000", "10002:12000"])),
        (r#""101:2900""#, within(101, 2900), stretches(&["102:2100", "2102:2900"])),
        (r#""1:500,601:900,1001:*""#, [within(1, 500), within(601, 900), within(1001, 12000)].concat(), Vec::new()),
        (r#"{"newest":1200}"#, within(9602, 12000), stretches(&["9602:11600", "11602:12000"])),
        (r#""1:1999""#, within(1, 1999), stretches(&["2:1998"])),
        (r#"{"newest":1000}"#, within(10002, 12000), Vec::new()),
    ] {
        let (mock, asked) = sparse_mailbox(6000);
        let client = connect(&mock).await;
        let query = json(r#"{"source":true}"#);
        let (messages, error) = all(client.fetch("INBOX", json(set), query, FetchOptions::default(), &call())).await;
        assert!(error.is_none(), "{set}: {error:?}");
        assert_eq!(numbers(&messages), wanted, "{set}");
        let asked: Vec<_> = asked.lock().unwrap().iter().filter(|line| line.contains("RFC822.SIZE")).cloned().collect();
        assert!(asked.iter().all(|line| line.len() < 8200), "{set}");
        if !sizes.is_empty() {
            assert_eq!(asked, sizes, "{set}");
        }
        client.close();
    }
}

#[tokio::test]
async fn thousands_of_rows_in_pieces_and_any_call_in_between() {
    let mock = mailbox(2500, 10, |_, _| false);
    let client = connect(&mock).await;
    for query in [r#"{"flags":true}"#, r#"{"message":true}"#] {
        let options = FetchOptions { page_size: Some(50), uid_validity: Some(7) };
        let mut pages = client.fetch("INBOX", uids("1:*"), json(query), options, &call());
        let mut seen = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.unwrap();
            assert!(page.len() <= 50);
            seen.extend(numbers(&page));
            // The deadlock of imapflow#110, #159, #284: another call while a page is held.
            let one = client.fetch_one("INBOX", 1, json(r#"{"flags":true}"#), MailboxOptions::default(), &call()).await;
            assert_eq!(one.unwrap().unwrap().uid, 1);
        }
        assert_eq!(seen, (1..=2500).collect::<Vec<_>>(), "{query}");
    }
    client.close();
}

#[tokio::test]
async fn a_reader_that_stops_does_not_hold_the_connection() {
    let mock = mailbox(300, 100_000, |_, _| false);
    let client = connect(&mock).await;
    let mut pages = client.fetch("INBOX", uids("1:*"), json(r#"{"source":true}"#), FetchOptions::default(), &call());
    assert!(pages.next().await.unwrap().is_ok());
    // 30 MB of mail: far more than what is read ahead. The next call gets its turn all the same.
    for _ in 0..5 {
        let one = client.fetch_one("INBOX", 300, json(r#"{"size":true}"#), MailboxOptions::default(), &call()).await;
        assert_eq!(one.unwrap().unwrap().uid, 300);
    }
    drop(pages);
    let rest = all(client.fetch("INBOX", uids("299:*"), json(r#"{"size":true}"#), FetchOptions::default(), &call()));
    assert_eq!(numbers(&rest.await.0), [299, 300]);
    client.close();
}

#[tokio::test]
async fn token_expiry_mid_fetch_each_message_once() {
    // Every connection is cut after some rows: the fetch goes on where it was, and no message comes twice.
    for query in [r#"{"source":true}"#, r#"{"flags":true}"#] {
        let mock = mailbox(100, 5000, |connection, uid| connection < 4 && uid > (connection as u32 + 1) * 20);
        let client = connect(&mock).await;
        let (messages, error) =
            all(client.fetch("INBOX", uids("1:*"), json(query), FetchOptions::default(), &call())).await;
        assert!(error.is_none(), "{query}: {error:?}");
        assert_eq!(numbers(&messages), (1..=100).collect::<Vec<_>>(), "{query}");
        client.close();
    }
}

#[tokio::test]
async fn token_expiry_mid_fetch_by_bye_and_by_silence() {
    for by_bye in [true, false] {
        let silent = Arc::new(Notify::new());
        let fell_silent = silent.clone();
        let mock = mailbox_that_ends(
            100,
            5000,
            |connection, uid| connection < 4 && uid > (connection as u32 + 1) * 20,
            async move |_, peer| {
                if by_bye {
                    let _ = peer.try_send("* BYE Session invalidated - AccessTokenExpired\r\n").await;
                } else {
                    fell_silent.notify_one();
                    peer.receive_all().await;
                }
            },
        );
        let client = connect(&mock).await;
        let endless = email_base::Call::default();
        let query = json(r#"{"source":true}"#);
        let fetching = tokio::spawn(all(client.fetch("INBOX", uids("1:*"), query, FetchOptions::default(), &endless)));
        for _ in 0..if by_bye { 0 } else { 4 } {
            silent.notified().await;
            // What was said before has to be read first: the watchdog counts from the last byte.
            tokio::time::sleep(Duration::from_millis(100)).await;
            tokio::time::pause();
            tokio::time::advance(Duration::from_secs(61)).await;
            tokio::time::resume();
        }
        let (messages, error) = fetching.await.unwrap();
        assert!(error.is_none(), "{error:?}");
        assert_eq!(numbers(&messages), (1..=100).collect::<Vec<_>>());
        client.close();
    }
}

#[tokio::test]
async fn sizes_that_lie_do_not_fill_the_memory() {
    let alone = Arc::new(AtomicU32::new(0));
    let counter = alone.clone();
    let mock = Mock::each(None, async move |_, peer| {
        let mut peer = log_in(peer, "IMAP4rev1").await;
        let body = format!("a: b\r\n\r\n{}", "x".repeat(4 << 20));
        while let Some(line) = peer.try_receive_line().await {
            let (tag, command) = line.split_once(' ').unwrap();
            let mut answer = String::new();
            if command.starts_with("EXAMINE") {
                answer = "* 20 EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\n".into();
            } else if command.contains("RFC822.SIZE") {
                answer = (1..=20).map(|uid| format!("* {uid} FETCH (UID {uid} RFC822.SIZE 10)\r\n")).collect();
            } else if let Some(rest) = command.strip_prefix("UID FETCH ") {
                let set = email_imap::UidRanges::parse(rest.split(' ').next().unwrap().as_bytes()).unwrap();
                counter.fetch_add(u32::from(set.count() == 1), Ordering::Relaxed);
                for uid in set.iter() {
                    let row = format!("* {uid} FETCH (UID {uid} BODY[] {{{}}}\r\n{body})\r\n", body.len());
                    if peer.try_send(row).await.is_err() {
                        return;
                    }
                }
            }
            if peer.try_send(format!("{answer}{tag} OK done\r\n")).await.is_err() {
                return;
            }
        }
    });
    let client = connect(&mock).await;
    let (messages, error) =
        all(client.fetch("INBOX", uids("1:*"), json(r#"{"source":true}"#), FetchOptions::default(), &call())).await;
    assert!(error.is_none(), "{error:?}");
    let mut got = numbers(&messages);
    got.sort_unstable();
    assert_eq!(got, (1..=20).collect::<Vec<_>>());
    // 80 MB came in answer to the first command; what was beyond the surplus was dropped and asked for again, alone.
    assert!(alone.load(Ordering::Relaxed) >= 10, "{alone:?}");
    client.close();
}

#[tokio::test]
async fn the_page_size_is_checked() {
    let mock = server("IMAP4rev1", LOGOUT);
    let client = connect(&mock).await;
    for size in [0, 1001] {
        let options = FetchOptions { page_size: Some(size), uid_validity: None };
        let mut pages = client.fetch("INBOX", uids("1"), json("{}"), options, &call());
        assert_eq!(code(pages.next().await.unwrap()), "INVALID_ARGUMENT");
    }
    finish(client, mock).await;
}
