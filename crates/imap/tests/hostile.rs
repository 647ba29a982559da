//! Servers that lie, flood, stall and break off: each a typed error in bounded time, and the client goes on.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a helper that meets anything unexpected must fail its test"
)]

mod support;

use std::time::Duration;

use email_base::{Classify, clock};
use email_imap::{FetchOptions, MailboxOptions};
use email_testkit::{Mock, Peer};
use support::*;

/// What the first connection says to `EXAMINE` and to the command after it; later connections are honest.
fn hostile(examine: &'static str, answer: impl Fn(&str) -> Vec<u8> + Send + 'static) -> Mock {
    Mock::each(None, async move |connection, peer| {
        let mut peer: Peer = log_in(peer, "IMAP4rev1 ESEARCH").await;
        while let Some(line) = peer.try_receive_line().await {
            let (tag, command) = line.split_once(' ').unwrap();
            let said = if command.starts_with("EXAMINE") {
                let data = if connection == 0 { examine } else { "* 2 EXISTS\r\n" };
                format!("{data}{tag} OK open\r\n").into_bytes()
            } else if command == "NOOP" {
                format!("{tag} OK\r\n").into_bytes()
            } else if connection == 0 {
                answer(tag)
            } else {
                format!("* ESEARCH (TAG \"{tag}\") UID ALL 5\r\n* 1 FETCH (UID 5 FLAGS ())\r\n{tag} OK\r\n")
                    .into_bytes()
            };
            if peer.try_send(said).await.is_err() {
                return;
            }
        }
    })
}

/// Runs a search and a fetch against every answer. `None`: anything, as long as it is typed.
async fn against(answer: impl Fn(&str) -> Vec<u8> + Send + Clone + 'static, expected: Option<&str>, what: &str) {
    let mock = hostile("* 2 EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\n", answer);
    let client = connect(&mock).await;
    let started = clock::now();
    let patience = if expected.is_some() { Duration::from_secs(8) } else { Duration::from_millis(300) };
    let (call, _cancel) = call_of(patience);
    let search = client.search("INBOX", json("{}"), MailboxOptions::default(), &call).await;
    match (&search, expected) {
        (Err(error), Some(code)) => assert_eq!(error.code().as_str(), code, "{what}: {error}"),
        (Ok(found), Some("OK")) => assert!(found.len() < 1000, "{what}"),
        (Ok(found), Some(code)) => panic!("{what}: {found:?} instead of {code}"),
        _ => {}
    }
    assert!(started.elapsed() < Duration::from_secs(10), "{what}");
    // On the same connection, or on a fresh one: the client is usable.
    let again = client.search("INBOX", json("{}"), MailboxOptions::default(), &support::call()).await;
    assert!(again.is_ok() || expected != Some("OK"), "{what}: {again:?}");
    assert!(!client.closed(), "{what}");
    client.close();
}

#[tokio::test]
async fn answers_that_no_honest_server_gives() {
    let ok = |text: &'static str| move |tag: &str| format!("{text}\r\n{tag} OK\r\n").into_bytes();
    against(ok("* ESEARCH UID ALL 1:4294967295"), Some("LIMIT_EXCEEDED"), "a range never expanded").await;
    against(ok("* VANISHED 1:4294967295"), Some("OK"), "vanished").await;
    against(ok("* 4294967295 EXISTS\r\n* 0 EXPUNGE\r\n* 99999999999999999999 EXISTS"), Some("OK"), "counts").await;
    against(ok("* SEARCH 1 2 99999999999999999999 x -5"), None, "numbers").await;
    against(
        ok("* FETCH\r\n* 1 FETCH\r\n* 1 FETCH (UID\r\n* 1 FETCH (UID 99999999999999)\r\n*\r\n\r\n* \r\n* X-NEW (((("),
        None,
        "lines",
    )
    .await;
    against(ok("* 1 FETCH (UID 5 BODY[] {4294967295}"), Some("LIMIT_EXCEEDED"), "a literal of 4 GB").await;
    against(ok("* 1 FETCH (UID 5 BODY[] {99999999999999999999}"), None, "a literal beyond 64 bits").await;
    against(ok("* 1 FETCH (UID 5 BODY[] {-1}"), None, "a negative literal").await;
    against(|_| b"A9999 OK never asked\r\n".to_vec(), Some("PROTOCOL_VIOLATION"), "a wrong tag").await;
    against(|tag| format!("{tag} OK\r\n{tag} OK\r\n").into_bytes(), Some("OK"), "twice").await;
    against(|tag| format!("+ go on\r\n+ go on\r\n{tag} OK\r\n").into_bytes(), Some("OK"), "continuation").await;
    against(|tag| format!("{tag} MAYBE\r\n").into_bytes(), None, "an unknown status").await;
    against(|_| b"\0\0\0\xff\xfe\r\n".to_vec(), None, "binary").await;
    against(|tag| format!("{}{tag} OK\r\n", "* 3 EXISTS\r\n".repeat(100_000)).into_bytes(), Some("OK"), "a flood")
        .await;
    let deep = |_: &str| format!("* 1 FETCH (BODYSTRUCTURE {}\r\n", "(".repeat(1_000_000)).into_bytes();
    against(deep, Some("LIMIT_EXCEEDED"), "a million levels").await;
    against(|_| vec![b'x'; 20 << 20], Some("LIMIT_EXCEEDED"), "a line without end").await;
    against(|tag| format!("{}\r\n{tag} OK\r\n", "{0}\r\n".repeat(100_000)).into_bytes(), None, "literals without end")
        .await;
}

#[tokio::test]
async fn rows_that_nobody_asked_for() {
    let rows: String = (1..=50_000).map(|n| format!("* {n} FETCH (UID {n} FLAGS (\\Seen))\r\n")).collect();
    let mock = hostile("* 2 EXISTS\r\n", move |tag| format!("{rows}{tag} OK\r\n").into_bytes());
    let client = connect(&mock).await;
    let fetch = |set: &'static str| {
        client.fetch("INBOX", uids(set), json(r#"{"flags":true}"#), FetchOptions::default(), &call())
    };
    let mut pages = fetch("5");
    assert_eq!(pages.next().await.unwrap().unwrap().len(), 1);
    let mut pages = fetch("1:*");
    assert_eq!(code(pages.next().await.unwrap()), "LIMIT_EXCEEDED");
    client.close();
}

#[tokio::test]
async fn silence_in_the_middle_of_a_literal() {
    let mock = hostile("* 2 EXISTS\r\n", |_| b"* 1 FETCH (UID 5 FLAGS () BODY[] {100}\r\nabc".to_vec());
    let client = connect(&mock).await;
    let (short, _cancel) = call_of(Duration::from_millis(100));
    let one = client.fetch_one("INBOX", 5, json(r#"{"flags":true}"#), MailboxOptions::default(), &short).await;
    assert_eq!(code(one), "TIMEOUT");
    let one = client.fetch_one("INBOX", 5, json(r#"{"flags":true}"#), MailboxOptions::default(), &call()).await;
    assert_eq!(one.unwrap().unwrap().uid, 5, "another connection took over");
    client.close();
}

#[tokio::test]
async fn a_download_does_not_wait_for_a_literal_that_no_message_has() {
    const WINDOW: usize = 512 << 10;
    for (length, refused) in [(300_000_000, false), (1 << 30, false), ((1 << 30) + 1, true), (u32::MAX as usize, true)]
    {
        for first in [true, false] {
            let mock = Mock::each(None, async move |_, peer| {
                let mut peer: Peer = log_in(peer, "IMAP4rev1").await;
                while let Some(line) = peer.try_receive_line().await {
                    let (tag, command) = line.split_once(' ').unwrap();
                    let row = |origin, length| {
                        format!("* 1 FETCH (UID 5 RFC822.SIZE {length} BODY[]{origin} {{{length}}}\r\n")
                    };
                    let said = match command {
                        "EXAMINE \"INBOX\"" => format!("* 2 EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\n{tag} OK open\r\n"),
                        command if command.contains("<0.") && !first => {
                            row("<0>", WINDOW) + &"x".repeat(WINDOW) + &format!(")\r\n{tag} OK\r\n")
                        }
                        // And nothing of it comes.
                        _ => row("", length),
                    };
                    if peer.try_send(said).await.is_err() {
                        return;
                    }
                }
            });
            let client = connect(&mock).await;
            let (short, _cancel) = call_of(Duration::from_millis(if refused { 15_000 } else { 300 }));
            let mut chunks = client.download("INBOX", 5, Default::default(), &short);
            let error = loop {
                if let Err(error) = chunks.next().await.unwrap() {
                    break error;
                }
            };
            let expected = if refused { "LIMIT_EXCEEDED" } else { "TIMEOUT" };
            assert_eq!(error.code().as_str(), expected, "{length} {first}: {error}");
            client.close();
        }
    }
}

#[tokio::test]
async fn the_read_watchdog_ends_a_call_without_deadline() {
    let mock = Mock::each(None, async |_, peer| {
        let mut peer = log_in(peer, "IMAP4rev1").await;
        peer.receive_all().await;
    });
    let client = connect(&mock).await;
    // From here on the clock runs ahead whenever everybody waits: minutes of silence take no time.
    tokio::time::pause();
    let started = clock::now();
    let endless = email_base::Call::default();
    let error = client.append("x", "a: b".into(), Default::default(), &endless).await.unwrap_err();
    assert_eq!(error.code().as_str(), "CONNECTION_LOST");
    assert!(error.to_string().contains("300 s"), "{error}");
    assert!(started.elapsed() < Duration::from_secs(400));
    client.close();
}

/// A recorded session: greeting, login, EXAMINE, sizes, bodies. Cut at `budget` bytes on the first connection.
fn recorded(budget: usize) -> Mock {
    Mock::each(None, async move |connection, mut peer| {
        let mut left = if connection == 0 { budget } else { usize::MAX };
        let mut say = async |peer: &mut Peer, text: String| {
            let cut = text.len().min(left);
            left -= cut;
            peer.try_send(&text[..cut]).await.is_ok() && cut == text.len()
        };
        if !say(&mut peer, "* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] ready\r\n".into()).await {
            return;
        }
        while let Some(line) = peer.try_receive_line().await {
            let (tag, command) = line.split_once(' ').unwrap();
            let mut said = String::new();
            let mut end = "OK done";
            if command.starts_with("AUTHENTICATE") {
                end = "OK [CAPABILITY IMAP4rev1] in";
            } else if command.starts_with("EXAMINE") {
                said = "* 3 EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\n".into();
            } else if let Some(rest) = command.strip_prefix("UID FETCH ") {
                let (set, items) = rest.split_once(' ').unwrap();
                let set = email_imap::UidRanges::parse(set.replace('*', "30").as_bytes()).unwrap();
                for (seq, uid) in [(1, 10), (2, 20), (3, 30)] {
                    if !set.contains(uid) {
                    } else if items.contains("BODY.PEEK[]") {
                        said += &format!("* {seq} FETCH (UID {uid} BODY[] {{10}}\r\nS: {uid}\r\n\r\nx)\r\n");
                    } else {
                        said += &format!("* {seq} FETCH (UID {uid} RFC822.SIZE 10)\r\n");
                    }
                }
            }
            if !say(&mut peer, format!("{said}{tag} {end}\r\n")).await {
                return;
            }
        }
    })
}

#[tokio::test]
async fn cut_at_every_byte_of_a_fetch() {
    let mut whole = 0;
    for budget in 0..600 {
        let mock = recorded(budget);
        let client = match email_imap::Client::connect(options(&mock, email_net::Security::None), &call()).await {
            Ok(client) => client,
            Err(error) => {
                assert_eq!(error.code().as_str(), "CONNECTION_LOST", "{budget}: {error}");
                continue;
            }
        };
        let mut pages =
            client.fetch("INBOX", uids("1:*"), json(r#"{"source":true}"#), FetchOptions::default(), &call());
        let mut got = Vec::new();
        while let Some(page) = pages.next().await {
            for message in page.unwrap_or_else(|error| panic!("{budget}: {error}")) {
                assert!(message.degraded.is_none(), "{budget}");
                got.push((message.uid, message.source.unwrap().0));
            }
        }
        let expected = [10, 20, 30].map(|uid| (uid, format!("S: {uid}\r\n\r\nx").into()));
        assert_eq!(got, expected, "{budget}");
        whole += 1;
        client.close();
    }
    assert!(whole > 300, "{whole}");
}
