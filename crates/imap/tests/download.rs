//! `download`: decoded on the way, in windows, whatever the server makes of them.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a helper that meets anything unexpected must fail its test"
)]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use email_base::Classify as _;
use email_imap::{Chunks, Client, DownloadOptions, Error, MailboxOptions};
use email_net::Security;
use email_testkit::{Mock, Peer};
use support::*;

const WINDOW: usize = 512 * 1024;

async fn all(mut chunks: Chunks) -> (Vec<u8>, Option<Error>) {
    let mut bytes = Vec::new();
    loop {
        match chunks.next().await {
            Some(Ok(chunk)) => {
                assert!(!chunk.is_empty());
                bytes.extend_from_slice(&chunk);
            }
            Some(Err(error)) => return (bytes, Some(error)),
            None => return (bytes, None),
        }
    }
}

fn part(part: &str) -> DownloadOptions {
    DownloadOptions { part: Some(part.into()), ..Default::default() }
}

const STRUCTURE: &str = r#"BODYSTRUCTURE (("TEXT" "PLAIN" NIL NIL NIL "QUOTED-PRINTABLE" 8 1)("APPLICATION" "PDF" NIL NIL NIL "BASE64" 20) "MIXED")"#;

#[tokio::test]
async fn a_small_part_takes_one_command_and_one_more_without_a_size() {
    let mock = server(
        "IMAP4rev1",
        format!(
            "{}C: {{tag}} UID FETCH 9 (UID BODYSTRUCTURE BODY.PEEK[2.MIME] BODY.PEEK[2]<0.{WINDOW}>)\n\
             S: * 1 FETCH (UID 9 {STRUCTURE} BODY[2.MIME] NIL BODY[2]<0> {{20}}\n\
             S~: SGVsbG8s\\r\\nIHdvcmxk\\r\\n)\\r\\n\n\
             S: {{tag}} OK done\n\
             C: {{noop}} NOOP\nS: {{noop}} OK\n\
             C: {{tag}} UID FETCH 9 (UID BODYSTRUCTURE BODY.PEEK[1.MIME] BODY.PEEK[1]<0.{WINDOW}>)\n\
             S: * 1 FETCH (UID 9 BODY[1.MIME] {{45}}\n\
             S~: Content-Transfer-Encoding: quoted-printable\\r\\n BODY[1]<0> \"a=3Db=\")\\r\\n\n\
             S: {{tag}} OK done\n\
             C: {{tag}} UID FETCH 9 (UID BODY.PEEK[1]<6.1048576>)\n\
             S: * 1 FETCH (UID 9 BODY[1]<6> \"\")\n\
             S: {{tag}} OK done\n\
             C: {{noop}} NOOP\nS: {{noop}} OK\n\
             C: {{tag}} UID FETCH 9 (UID RFC822.SIZE BODY.PEEK[]<0.{WINDOW}>)\n\
             S: * 1 FETCH (UID 9 RFC822.SIZE 4 BODY[]<0> \"a=3D\")\n\
             S: {{tag}} OK done\n\
             C: {{noop}} NOOP\nS: {{noop}} OK\n\
             C: {{tag}} UID FETCH 9 (UID BODYSTRUCTURE BODY.PEEK[2.MIME] BODY.PEEK[2]<0.{WINDOW}>)\n\
             S: * 1 FETCH (UID 9 {STRUCTURE} BODY[2]<0> \"SGVsbG8=\")\n\
             S: {{tag}} OK done\n\
             C: {{tag}} UID FETCH 9 (UID BODY.PEEK[2]<8.1048576>)\n\
             S: * 1 FETCH (UID 9 BODY[2]<8> \"\")\n\
             S: {{tag}} OK done\n{LOGOUT}",
            examine("INBOX", 1),
        ),
    );
    let client = connect(&mock).await;
    let none = DownloadOptions::default;
    assert_eq!(all(client.download("INBOX", 9, part("2"), &call())).await.0, b"Hello, world");
    assert_eq!(all(client.download("INBOX", 9, part("1"), &call())).await.0, b"a=b", "encoding from the MIME header");
    assert_eq!(all(client.download("INBOX", 9, none(), &call())).await.0, b"a=3D", "a whole message is as on the wire");
    let raw = DownloadOptions { decode: Some(false), ..part("2") };
    // The structure claims 20 octets, 8 came: it is asked once more, and there is nothing more.
    assert_eq!(all(client.download("INBOX", 9, raw, &call())).await.0, b"SGVsbG8=");
    finish(client, mock).await;
}

/// Serves one message of `bytes`, one part, window by window; `answer` says what a window gets.
fn windows(bytes: Vec<u8>, answer: impl Fn(&[u8], usize, usize) -> String + Send + 'static) -> Mock {
    Mock::each(None, async move |_, peer| {
        let mut peer: Peer = log_in(peer, "IMAP4rev1").await;
        while let Some(line) = peer.try_receive_line().await {
            let (tag, command) = line.split_once(' ').unwrap();
            let mut said = String::new();
            if command.starts_with("EXAMINE") {
                said = "* 1 EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\n".into();
            } else if command.contains("(UID BODY.PEEK[])") {
                said = answer(&bytes, 0, usize::MAX);
            } else if command.contains("(UID RFC822.SIZE)") {
                said = format!("* 1 FETCH (UID 9 RFC822.SIZE {})\r\n", bytes.len());
            } else if let Some((_, window)) = command.split_once("BODY.PEEK[]<") {
                let (from, count) = window.trim_end_matches(">)").split_once('.').unwrap();
                said = answer(&bytes, from.parse().unwrap(), count.parse().unwrap());
            } else if command.contains("FLAGS") {
                said = "* 1 FETCH (UID 9 FLAGS ())\r\n".into();
            }
            let (said, status) = if said == "NO" { ("", "NO") } else { (said.as_str(), "OK") };
            if peer.try_send(format!("{said}{tag} {status} done\r\n")).await.is_err() {
                return;
            }
        }
    })
}

fn row(section: &str, size: usize, bytes: &[u8]) -> String {
    let text = std::str::from_utf8(bytes).unwrap();
    format!("* 1 FETCH (UID 9 RFC822.SIZE {size} BODY[]{section} {{{}}}\r\n{text})\r\n", bytes.len())
}

fn honest(bytes: &[u8], from: usize, count: usize) -> String {
    let from_here = bytes.get(from..).unwrap_or_default();
    row(&format!("<{from}>"), bytes.len(), &from_here[..from_here.len().min(count)])
}

fn content(length: usize) -> Vec<u8> {
    (0..length).map(|n| b'a' + (n / 1000 % 26) as u8).collect()
}

/// How a server completes windows that are under way at once.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Completes {
    /// All of them behind the last one's bytes (Dovecot).
    AtTheEnd,
    /// Each behind its bytes, the last one first.
    Backwards,
    /// All bytes in order, then all completions, the last one first.
    AtTheEndBackwards,
}

/// Serves one message; windows that come together are answered together.
fn windows_at_once(bytes: Vec<u8>, completes: Completes) -> Mock {
    Mock::each(None, async move |_, peer| {
        let mut peer: Peer = log_in(peer, "IMAP4rev1").await;
        let mut waiting: Vec<(String, String)> = Vec::new();
        loop {
            let patience = std::time::Duration::from_millis(if waiting.is_empty() { 60_000 } else { 30 });
            let Ok(line) = tokio::time::timeout(patience, peer.try_receive_line()).await else {
                let mut said: Vec<(String, String)> = std::mem::take(&mut waiting);
                if completes == Completes::Backwards {
                    said.reverse();
                }
                let mut text = String::new();
                let mut ends: Vec<String> = Vec::new();
                for (tag, row) in said {
                    text += &row;
                    match completes {
                        Completes::Backwards => text += &format!("{tag} OK done\r\n"),
                        _ => ends.push(format!("{tag} OK done\r\n")),
                    }
                }
                if completes == Completes::AtTheEndBackwards {
                    ends.reverse();
                }
                if peer.try_send(text + &ends.concat()).await.is_err() {
                    return;
                }
                continue;
            };
            let Some(line) = line else { return };
            let (tag, command) = line.split_once(' ').unwrap();
            let said = if command.starts_with("EXAMINE") {
                "* 1 EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\n".to_owned()
            } else if let Some((_, window)) = command.split_once("BODY.PEEK[]<") {
                let (from, count) = window.trim_end_matches(">)").split_once('.').unwrap();
                let row = honest(&bytes, from.parse().unwrap(), count.parse().unwrap());
                waiting.push((tag.to_owned(), row));
                continue;
            } else {
                String::new()
            };
            if peer.try_send(format!("{said}{tag} OK done\r\n")).await.is_err() {
                return;
            }
        }
    })
}

#[tokio::test]
async fn a_server_that_answers_windows_together_or_out_of_turn_does_not_cut_a_download() {
    for completes in [Completes::AtTheEnd, Completes::Backwards, Completes::AtTheEndBackwards] {
        // More than is asked for ahead.
        let large = if completes == Completes::AtTheEnd { 120 * WINDOW + 17 } else { 30 * WINDOW + 17 };
        for length in [3 * WINDOW + 1, 9 * WINDOW, large] {
            let mock = windows_at_once(content(length), completes);
            let client = connect(&mock).await;
            let (got, error) = all(client.download("INBOX", 9, DownloadOptions::default(), &call())).await;
            assert!(error.is_none(), "{completes:?} {length}: {error:?}");
            assert!(got == content(length), "{completes:?} {length}: {} bytes", got.len());
            client.close();
        }
    }
}

#[tokio::test]
async fn a_large_message_in_windows_and_any_call_in_between() {
    for length in [WINDOW, 3 * WINDOW, 20 * WINDOW + 17] {
        let mock = windows(content(length), honest);
        let client = connect(&mock).await;
        let mut chunks = client.download("INBOX", 9, DownloadOptions::default(), &call());
        let mut got = Vec::new();
        while let Some(chunk) = chunks.next().await {
            got.extend_from_slice(&chunk.unwrap());
            let one = client.fetch_one("INBOX", 9, json(r#"{"flags":true}"#), MailboxOptions::default(), &call()).await;
            assert_eq!(one.unwrap().unwrap().uid, 9);
        }
        assert!(got == content(length), "{length}: {} bytes", got.len());
        client.close();
    }
}

#[tokio::test]
async fn a_reader_that_stops_does_not_hold_the_connection() {
    let length = 60 << 20;
    let mock = windows(content(length), honest);
    let client = connect(&mock).await;
    let mut chunks = client.download("INBOX", 9, DownloadOptions::default(), &call());
    let mut got = chunks.next().await.unwrap().unwrap().len();
    for _ in 0..5 {
        let one = client.fetch_one("INBOX", 9, json(r#"{"flags":true}"#), MailboxOptions::default(), &call()).await;
        assert_eq!(one.unwrap().unwrap().uid, 9);
    }
    // What was read into the void meanwhile is asked for again.
    let (rest, error) = all(chunks).await;
    assert!(error.is_none(), "{error:?}");
    got += rest.len();
    assert_eq!(got, length);
    assert!(rest == content(length)[length - rest.len()..]);
    client.close();
}

#[tokio::test]
async fn a_server_that_ignores_windows_costs_no_memory_and_is_remembered() {
    // Exmail sends everything, without an origin.
    for length in [10, WINDOW, 3 * WINDOW + 5] {
        let sent = Arc::new(AtomicUsize::new(0));
        let counter = sent.clone();
        let mock = windows(content(length), move |bytes, _, _| {
            counter.fetch_add(1, Ordering::Relaxed);
            row("", bytes.len(), bytes)
        });
        let mut options = options(&mock, Security::None);
        // What is larger than the first window must not be held: it would end the session.
        options.limits.max_literal_bytes = WINDOW;
        let client = Client::connect(options, &call()).await.unwrap();
        for nth in 0..2 {
            let before = sent.load(Ordering::Relaxed);
            let (got, error) = all(client.download("INBOX", 9, DownloadOptions::default(), &call())).await;
            assert!(error.is_none(), "{error:?}");
            assert!(got == content(length), "{length}: {} bytes", got.len());
            // Exactly one window: only another one tells that this was all.
            let most = if length == WINDOW || (nth == 0 && length > WINDOW) { 2 } else { 1 };
            assert!(sent.load(Ordering::Relaxed) - before <= most, "{length}: sent too often, the {nth}. time");
        }
        client.close();
    }
}

#[tokio::test]
async fn sizes_that_lie() {
    // Too large a size, too small a size, no size: the end is where nothing more comes.
    for claimed in [0, 1, 5 * WINDOW, usize::from(u16::MAX) << 16] {
        let length = 2 * WINDOW + 9;
        let mock = windows(content(length), move |bytes, from, count| {
            honest(bytes, from, count).replace(&format!("RFC822.SIZE {length}"), &format!("RFC822.SIZE {claimed}"))
        });
        let client = connect(&mock).await;
        let (got, error) = all(client.download("INBOX", 9, DownloadOptions::default(), &call())).await;
        assert!(error.is_none(), "{error:?}");
        assert!(got == content(length), "{claimed}: {} bytes", got.len());
        client.close();
    }
}

#[tokio::test]
async fn windows_shorter_than_asked_for() {
    let length = 3 * WINDOW;
    let mock = windows(content(length), |bytes, from, _| honest(bytes, from, WINDOW / 2 + 1));
    let client = connect(&mock).await;
    let (got, error) = all(client.download("INBOX", 9, DownloadOptions::default(), &call())).await;
    assert!(error.is_none(), "{error:?}");
    assert!(got == content(length), "{} bytes", got.len());
    client.close();
}

#[tokio::test]
async fn windows_shorter_than_asked_for_and_no_size() {
    const CAP: usize = 64 << 10;
    let nothing = ["UID 9 BODY[] \"\"", "UID 9 BODY[] NIL", "UID 9"].map(|row| format!("* 1 FETCH ({row})\r\n"));
    let nothing = nothing.into_iter().chain(["".to_owned(), "NO".to_owned()]);
    for (length, end) in [3 * CAP + 9, CAP - 1, 2 * CAP, 9, 10].into_iter().zip(nothing) {
        let mock = windows(content(length), move |bytes, from, _| match from < length {
            true => honest(bytes, from, CAP).replace(&format!("RFC822.SIZE {length} "), ""),
            false => end.clone(),
        });
        let client = connect(&mock).await;
        let (got, error) = all(client.download("INBOX", 9, DownloadOptions::default(), &call())).await;
        assert!(error.is_none(), "{error:?}");
        assert!(got == content(length), "{length}: {} bytes", got.len());
        client.close();
    }
}

#[tokio::test]
async fn more_than_max_bytes() {
    let mock = windows(content(2 * WINDOW), honest);
    let client = connect(&mock).await;
    for (max, fits) in [(2 * WINDOW, true), (2 * WINDOW - 1, false), (10, false)] {
        let options = DownloadOptions { max_bytes: Some(max as u64), ..Default::default() };
        let (got, error) = all(client.download("INBOX", 9, options, &call())).await;
        assert_eq!(error.is_none(), fits);
        assert!(got.len() <= max);
        if let Some(error) = error {
            use email_base::Classify;
            assert_eq!((error.code().as_str(), error.category().as_str()), ("LIMIT_EXCEEDED", "limit"));
        }
    }
    // The client goes on.
    let one = client.fetch_one("INBOX", 9, json(r#"{"flags":true}"#), MailboxOptions::default(), &call()).await;
    assert_eq!(one.unwrap().unwrap().uid, 9);
    client.close();
}

#[tokio::test]
async fn not_found() {
    let mock = server(
        "IMAP4rev1",
        format!(
            "{}C: {{tag}} UID FETCH 9 (UID BODYSTRUCTURE BODY.PEEK[3.MIME] BODY.PEEK[3]<0.{WINDOW}>)\n\
             S: * 1 FETCH (UID 9 {STRUCTURE} BODY[3.MIME] NIL BODY[3]<0> NIL)\n\
             S: {{tag}} OK done\n\
             C: {{noop}} NOOP\nS: {{noop}} OK\n\
             C: {{tag}} UID FETCH 9 (UID BODYSTRUCTURE BODY.PEEK[3.MIME] BODY.PEEK[3]<0.{WINDOW}>)\n\
             S: * 1 FETCH (UID 9 {STRUCTURE} BODY[3]<0> \"\")\n\
             S: {{tag}} OK done\n\
             C: {{noop}} NOOP\nS: {{noop}} OK\n\
             C: {{tag}} UID FETCH 9 (UID BODYSTRUCTURE BODY.PEEK[3.MIME] BODY.PEEK[3]<0.{WINDOW}>)\n\
             S: {{tag}} NO no such part\n\
             C: {{tag}} UID FETCH 9 (UID BODYSTRUCTURE)\n\
             S: * 1 FETCH (UID 9 {STRUCTURE})\n\
             S: {{tag}} OK done\n\
             C: {{noop}} NOOP\nS: {{noop}} OK\n\
             C: {{tag}} UID FETCH 8 (UID RFC822.SIZE BODY.PEEK[]<0.{WINDOW}>)\n\
             S: {{tag}} OK done\n\
             C: {{tag}} UID FETCH 8 (UID)\n\
             S: {{tag}} OK done\n{LOGOUT}",
            examine("INBOX", 1)
        ),
    );
    let client = connect(&mock).await;
    for _ in 0..3 {
        let (_, error) = all(client.download("INBOX", 9, part("3"), &call())).await;
        assert_eq!(code::<()>(Err(error.unwrap())), "PART_NOT_FOUND");
    }
    let (_, error) = all(client.download("INBOX", 8, DownloadOptions::default(), &call())).await;
    assert_eq!(code::<()>(Err(error.unwrap())), "MESSAGE_NOT_FOUND");
    let (_, error) = all(client.download("INBOX", 0, DownloadOptions::default(), &call())).await;
    assert_eq!(code::<()>(Err(error.unwrap())), "INVALID_ARGUMENT");
    finish(client, mock).await;
}

#[tokio::test]
async fn a_connection_that_is_lost_does_not_say_that_the_message_is_gone() {
    const OPEN: &str = "C: {tag} EXAMINE \"INBOX\"\nS: * 1 EXISTS\nS: * OK [UIDVALIDITY 7] valid\nS: {tag} OK open\n\
        C: {tag} UID FETCH 8 (UID RFC822.SIZE BODY.PEEK[]<0.524288>)\n";
    let mock = Mock::start(async |listener| {
        let nothing = "S: {tag} OK done\nC: {tag} UID FETCH 8 (UID)\nX: reset\n";
        listener.accept().await.play(&(login("IMAP4rev1") + OPEN + nothing)).await;
        let row = "S: * 1 FETCH (UID 8 RFC822.SIZE 4 BODY[]<0> \"a: b\")\nS: {tag} OK done\n";
        listener.accept().await.play(&(login("IMAP4rev1") + OPEN + row + LOGOUT)).await;
    });
    let client = connect(&mock).await;
    let (bytes, error) = all(client.download("INBOX", 8, DownloadOptions::default(), &call())).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(&bytes[..], b"a: b");
    finish(client, mock).await;
}

#[tokio::test]
async fn a_connection_lost_midway_costs_no_byte() {
    let length = 12 * WINDOW + 1;
    let bytes = content(length);
    let mock = Mock::each(None, async move |connection, peer| {
        let mut peer: Peer = log_in(peer, "IMAP4rev1").await;
        let mut served = 0;
        while let Some(line) = peer.try_receive_line().await {
            let (tag, command) = line.split_once(' ').unwrap();
            let mut said = String::new();
            if command.starts_with("EXAMINE") {
                said = "* 1 EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\n".into();
            } else if let Some((_, window)) = command.split_once("BODY.PEEK[]<") {
                let (from, count) = window.trim_end_matches(">)").split_once('.').unwrap();
                said = honest(&bytes, from.parse().unwrap(), count.parse().unwrap());
                served += 1;
                if connection < 2 && served == 3 {
                    let _ = peer.try_send(&said[..said.len() / 2]).await;
                    return peer.reset().await;
                }
            }
            if peer.try_send(format!("{said}{tag} OK done\r\n")).await.is_err() {
                return;
            }
        }
    });
    let client = connect(&mock).await;
    let (got, error) = all(client.download("INBOX", 9, DownloadOptions::default(), &call())).await;
    assert!(error.is_none(), "{error:?}");
    assert!(got == content(length), "{} bytes", got.len());
    client.close();
}

/// What a server says to a window, when it says less than it should.
fn told(bytes: Vec<u8>, answer: impl Fn(usize, String) -> String + Send + Clone + 'static) -> Mock {
    windows(bytes, move |bytes, from, count| answer(from, honest(bytes, from, count)))
}

#[tokio::test]
async fn a_download_that_cannot_be_had_whole_says_so() {
    let hole = 3 * WINDOW;
    type Answer = fn(usize, String) -> String;
    let cases: [(&str, &str, Answer); 6] = [
        ("gone midway", "MESSAGE_NOT_FOUND", |from, row| if from < WINDOW { row } else { String::new() }),
        (
            "nothing for one window",
            "INCOMPLETE_MESSAGE",
            |from, row| if from == 3 * WINDOW { String::new() } else { row },
        ),
        ("NIL for one window", "INCOMPLETE_MESSAGE", |from, row| match from == 3 * WINDOW {
            true => format!("* 1 FETCH (UID 9 BODY[]<{from}> NIL)\r\n"),
            false => row,
        }),
        ("a window that calls itself the first one", "INCOMPLETE_MESSAGE", |from, row| {
            row.replace(&format!("BODY[]<{from}>"), "BODY[]<0>")
        }),
        ("only flags", "INCOMPLETE_MESSAGE", |from, row| match from < WINDOW {
            true => row,
            false => "* 1 FETCH (UID 9 FLAGS ())\r\n".to_owned(),
        }),
        ("a literal without end", "LIMIT_EXCEEDED", |from, row| match from < WINDOW {
            true => row,
            false => format!("* 1 FETCH (UID 9 BODY[]<{from}> {{99999999999999999999}}\r\n"),
        }),
    ];
    for (case, expected, answer) in cases {
        let mock = told(content(20 * WINDOW), answer);
        let client = connect(&mock).await;
        let (got, error) = all(client.download("INBOX", 9, DownloadOptions::default(), &call())).await;
        assert_eq!(error.unwrap_or_else(|| panic!("{case}: no error")).code().as_str(), expected, "{case}");
        assert!(content(20 * WINDOW).starts_with(&got) && got.len() <= hole, "{case}: {} bytes", got.len());
        client.close();
    }
}

#[tokio::test]
async fn everything_in_place_of_a_window_comes_once_whatever_it_is_called() {
    for name in ["", "<0>"] {
        let whole = content(20 * WINDOW + 5);
        let mock = told(whole.clone(), move |from, row| match from {
            0 => row,
            _ => self::row(name, 20 * WINDOW + 5, &content(20 * WINDOW + 5)),
        });
        let client = connect(&mock).await;
        let (got, error) = all(client.download("INBOX", 9, DownloadOptions::default(), &call())).await;
        assert!(error.is_none(), "{name}: {error:?}");
        assert!(got == whole, "{name}: {} bytes", got.len());
        client.close();
    }
}

#[tokio::test]
async fn a_part_of_a_message_with_a_broken_structure_is_asked_for_alone() {
    let mock = server(
        "IMAP4rev1",
        format!(
            "{}C: {{tag}} UID FETCH 9 (UID BODYSTRUCTURE BODY.PEEK[2.MIME] BODY.PEEK[2]<0.{WINDOW}>)\n\
             S: * 1 FETCH (UID 9 BODYSTRUCTURE ((\"TEXT\" \"PLAIN\" BODY[2]<0> \"SGVsbG8=\")\n\
             S: {{tag}} OK done\n\
             C: {{tag}} UID FETCH 9 (UID BODY.PEEK[2.MIME] BODY.PEEK[2]<0.{WINDOW}>)\n\
             S: * 1 FETCH (UID 9 BODY[2.MIME] {{33}}\n\
             S~: Content-Transfer-Encoding: base64 BODY[2]<0> \"SGVsbG8=\")\\r\\n\n\
             S: {{tag}} OK done\n\
             C: {{tag}} UID FETCH 9 (UID BODY.PEEK[2]<8.1048576>)\n\
             S: * 1 FETCH (UID 9 BODY[2]<8> \"\")\n\
             S: {{tag}} OK done\n{LOGOUT}",
            examine("INBOX", 1),
        ),
    );
    let client = connect(&mock).await;
    let (got, error) = all(client.download("INBOX", 9, part("2"), &call())).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(got, b"Hello");
    finish(client, mock).await;
}
