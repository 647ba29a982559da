//! Servers that send more than was asked for, a little at a time: bounded by bytes, not only by count.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a helper that meets anything unexpected must fail its test"
)]

mod support;

use std::time::Duration;

use email_imap::{Client, DownloadOptions, MailboxOptions};
use email_net::Security;
use email_testkit::Mock;
use support::*;

/// Every command is answered OK, after what `answer` says to it.
fn server_that_says(answer: impl Fn(&str) -> Vec<u8> + Send + 'static) -> Mock {
    Mock::each(None, async move |_, peer| {
        let mut peer = log_in(peer, "IMAP4rev1").await;
        while let Some(line) = peer.try_receive_line().await {
            let (tag, command) = line.split_once(' ').unwrap();
            let mut said = if command.starts_with("EXAMINE") {
                b"* 2 EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\n".to_vec()
            } else if command == "NOOP" {
                Vec::new()
            } else {
                answer(command)
            };
            said.extend(format!("{tag} OK done\r\n").bytes());
            if peer.try_send(said).await.is_err() {
                return;
            }
        }
    })
}

fn literal(section: &str, bytes: usize) -> Vec<u8> {
    let mut row = format!("* 1 FETCH (UID 5 {section} {{{bytes}}}\r\n").into_bytes();
    row.resize(row.len() + bytes, b'x');
    row.extend(b")\r\n");
    row
}

#[tokio::test]
async fn mailboxes_with_names_of_kilobytes_do_not_fill_memory() {
    let mock = server_that_says(|command| {
        if !command.starts_with("LIST") {
            return Vec::new();
        }
        let rows = (0..5000).map(|n| format!("* LIST () \"/\" \"{n}{}\"\r\n", "x".repeat(8000)));
        rows.collect::<String>().into_bytes()
    });
    let client = connect(&mock).await;
    assert_eq!(code(client.list(Default::default(), &call()).await), "LIMIT_EXCEEDED");
    client.close();
}

#[tokio::test]
async fn a_mailbox_that_no_command_can_name_is_left_out() {
    let mock = server_that_says(|command| match command {
        _ if command.starts_with("LIST") => {
            let long = "x".repeat(1_000_000);
            format!("* LIST () \"/\" \"{long}\"\r\n* LIST () \"/\" \"INBOX\"\r\n").into_bytes()
        }
        _ => Vec::new(),
    });
    let client = connect(&mock).await;
    let listed = client.list(Default::default(), &call()).await.unwrap();
    assert_eq!(listed.iter().map(|info| info.path.as_str()).collect::<Vec<_>>(), ["INBOX"]);
    client.close();
}

/// Before whole messages come, their sizes are asked for.
#[tokio::test]
async fn sizes_of_more_messages_than_there_are_do_not_fill_memory() {
    for set in [r#""1:*""#, r#"{"newest":2}"#] {
        let mock = server_that_says(|command| {
            if !command.contains("RFC822.SIZE") {
                return Vec::new();
            }
            let rows = (1..=100_000).map(|uid| format!("* 1 FETCH (UID {uid} RFC822.SIZE 4)\r\n"));
            rows.collect::<String>().into_bytes()
        });
        let client = connect(&mock).await;
        let query = json(r#"{"source":true}"#);
        let mut pages = client.fetch("INBOX", json(set), query, Default::default(), &call());
        assert_eq!(code(pages.next().await.unwrap()), "LIMIT_EXCEEDED", "{set}");
        client.close();
    }
}

/// None of the rows is all that was asked for, so they are joined until the command ends.
#[tokio::test]
async fn pieces_of_one_message_without_end_are_a_message_too_large() {
    let mock = server_that_says(|command| {
        if !command.contains("BODY.PEEK[]") {
            return b"* 1 FETCH (UID 5 FLAGS (\\Seen))\r\n".to_vec();
        }
        (0..40).flat_map(|n| literal(&format!("BODY[{n}]"), 1 << 20)).collect()
    });
    let mut options = options(&mock, Security::None);
    options.limits.max_literal_bytes = 1 << 20;
    let client = Client::connect(options, &call()).await.unwrap();
    let query = json(r#"{"source":true,"flags":true}"#);
    let message = client.fetch_one("INBOX", 5, query, MailboxOptions::default(), &call()).await.unwrap().unwrap();
    assert_eq!(message.degraded.unwrap().code.as_str(), "LIMIT_EXCEEDED");
    assert!(message.source.is_none() && message.flags.is_some());
    client.close();
}

#[tokio::test]
async fn a_section_that_comes_again_and_again_is_one_section() {
    let mock = server_that_says(|_| {
        let mut said: Vec<u8> = (0..20).flat_map(|_| literal("BODY[]", 5000)).collect();
        said.extend(b"* 1 FETCH (UID 5 FLAGS ())\r\n");
        said
    });
    let client = connect(&mock).await;
    let query = json(r#"{"source":true,"flags":true}"#);
    let message = client.fetch_one("INBOX", 5, query, MailboxOptions::default(), &call()).await.unwrap().unwrap();
    assert_eq!((message.source.unwrap().0.len(), message.degraded.is_none()), (5000, true));
    client.close();
}

#[tokio::test]
async fn a_first_window_that_comes_again_and_again_is_a_flood() {
    let mock = server_that_says(|_| (0..20).flat_map(|n| literal(&format!("BODY[{n}]<0>"), 500_000)).collect());
    let client = connect(&mock).await;
    let mut chunks = client.download("INBOX", 5, DownloadOptions::default(), &call());
    assert_eq!(code(chunks.next().await.unwrap()), "LIMIT_EXCEEDED");
    client.close();
}

/// The header is mail's own: it says nothing of the server, and is none of the part's bytes.
#[tokio::test]
async fn a_large_mime_header_is_neither_the_part_nor_a_quirk() {
    const STRUCTURE: &str = r#"BODYSTRUCTURE (("TEXT" "PLAIN" NIL NIL NIL "7BIT" 4 1) "MIXED")"#;
    let mock = server_that_says(|command| {
        assert!(command.contains("BODY.PEEK[1]<0."), "the server's partials are trusted: {command}");
        let mut said = literal("BODY[1.MIME]", 600_000);
        said.extend(format!("* 1 FETCH (UID 5 {STRUCTURE} BODY[1]<0> \"abcd\")\r\n").bytes());
        said
    });
    let client = connect(&mock).await;
    for _ in 0..2 {
        let options = DownloadOptions { part: Some("1".into()), ..Default::default() };
        let mut chunks = client.download("INBOX", 5, options, &call());
        assert_eq!(&chunks.next().await.unwrap().unwrap()[..], b"abcd");
        assert!(chunks.next().await.is_none());
    }
    client.close();
}

#[tokio::test]
async fn a_flood_instead_of_the_go_ahead_ends_the_connection() {
    let mock = Mock::each(None, async |_, peer| {
        let mut peer = log_in(peer, "IMAP4rev1").await;
        peer.try_receive_line().await;
        let _ = peer.try_send("* 1 EXISTS\r\n".repeat(20_000)).await;
        peer.receive_all().await;
    });
    let client = connect(&mock).await;
    let (call, _cancel) = call_of(Duration::from_secs(5));
    assert_eq!(code(client.append("x", "a: b".into(), Default::default(), &call).await), "PROTOCOL_VIOLATION");
    client.close();
}
