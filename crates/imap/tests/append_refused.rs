//! `append` to a server that has heard enough before the message is there.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a helper that meets anything unexpected must fail its test"
)]

mod support;

use std::time::Duration;

use email_base::clock;
use email_imap::AppendOptions;
use email_testkit::{Mock, Peer};
use support::*;

/// More than every buffer between client and server holds.
const LARGE: usize = 16 << 20;

/// The server says `no` behind the first octets of the message; then it does as `then` says. Another connection is honest.
fn refusing(capabilities: &'static str, no: &'static str, then: Then) -> Mock {
    Mock::each(None, async move |connection, peer| {
        let mut peer: Peer = log_in(peer, capabilities).await;
        while let Some(line) = peer.try_receive_line().await {
            let (tag, command) = line.split_once(' ').unwrap();
            if command.starts_with("STATUS") {
                // Counted: the first one was left in the middle of a literal.
                peer.send(format!("* STATUS INBOX (MESSAGES {connection})\r\n{tag} OK\r\n")).await;
            } else if command.starts_with("APPEND") {
                if !command.ends_with("+}") {
                    peer.send("+ go\r\n").await;
                }
                peer.receive_exact(100_000).await;
                peer.send(no.replace("{tag}", tag)).await;
                match then {
                    Then::ReadsNoMore => std::future::pending().await,
                    Then::HangsUp => return peer.close().await,
                    Then::ReadsOn => return drop(peer.receive_all().await),
                }
            } else if command.starts_with("ENABLE") {
                peer.send(format!("* ENABLED UTF8=ACCEPT\r\n{tag} OK\r\n")).await;
            } else {
                peer.send(format!("{tag} OK\r\n")).await;
            }
        }
    })
}

#[derive(Debug, Clone, Copy)]
enum Then {
    ReadsNoMore,
    HangsUp,
    ReadsOn,
}

#[tokio::test]
async fn a_message_refused_in_the_middle_is_not_written_to_its_end() {
    let message = ["Subject: Grüße\r\n\r\n".as_bytes(), &vec![b'x'; LARGE]].concat();
    for (capabilities, no, expected) in [
        ("IMAP4rev1", "{tag} NO [OVERQUOTA] full\r\n", "QUOTA_EXCEEDED"),
        ("IMAP4rev1 LITERAL+", "{tag} NO [OVERQUOTA] full\r\n", "QUOTA_EXCEEDED"),
        // Elsewhere that means to try it in another form.
        ("IMAP4rev1 LITERAL+ ENABLE UTF8=ACCEPT", "{tag} BAD what?\r\n", "COMMAND_REJECTED"),
        ("IMAP4rev1 LITERAL+", "* BYE enough\r\n", "CONNECTION_LOST"),
    ] {
        for then in [Then::ReadsNoMore, Then::HangsUp, Then::ReadsOn] {
            let mock = refusing(capabilities, no, then);
            let client = connect(&mock).await;
            let began = clock::now();
            let outcome = client.append("x", message.clone().into(), AppendOptions::default(), &call()).await;
            assert_eq!(code(outcome), expected, "{capabilities} {then:?} {no}");
            assert!(began.elapsed() < Duration::from_secs(10), "{capabilities} {then:?} {no}");
            assert_eq!(client.status("INBOX", &call()).await.unwrap().messages, 1);
            client.close();
        }
    }
}
