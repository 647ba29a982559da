//! `copy` and `move` of more messages than one command can name: what breaks behind the first one.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a helper that meets anything unexpected must fail its test"
)]

mod support;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use email_base::{Action, Classify};
use email_imap::{Error, MailboxOptions, UidRanges, UidSet};
use email_testkit::Mock;
use support::*;

/// No answer at all.
const SILENCE: &str = "silence";
/// Messages with an odd UID: no two of them make a range.
const MESSAGES: u32 = 2000;

fn odd() -> UidSet {
    UidSet::from_uids((0..MESSAGES).map(|n| 2 * n + 1)).unwrap()
}

/// A server that does what the first COPY or MOVE asks, and to the second one says `then`; without that it hangs up. Gives the
/// sets that it was asked for.
fn server_of(capabilities: &'static str, then: &'static str) -> (Mock, Arc<Mutex<Vec<UidRanges>>>) {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let sets = asked.clone();
    let mock = Mock::each(None, async move |_, peer| {
        let mut peer = log_in(peer, capabilities).await;
        while let Some(line) = peer.try_receive_line().await {
            let words: Vec<_> = line.split(' ').collect();
            let tag = words[0];
            let said = match words[1..] {
                ["SELECT" | "EXAMINE", ..] => {
                    format!("* {MESSAGES} EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\n{tag} OK open\r\n")
                }
                ["NOOP"] => format!("{tag} OK\r\n"),
                ["FETCH", ..] => {
                    let rows: String =
                        (0..MESSAGES).map(|n| format!("* {} FETCH (UID {})\r\n", n + 1, 2 * n + 1)).collect();
                    rows + &format!("{tag} OK done\r\n")
                }
                ["UID", "SEARCH", ..] => {
                    let all: Vec<_> = (0..MESSAGES).map(|n| (2 * n + 1).to_string()).collect();
                    format!("* SEARCH {}\r\n{tag} OK done\r\n", all.join(" "))
                }
                ["UID", "COPY" | "MOVE", set, _] => {
                    let set = UidRanges::parse(set.as_bytes()).unwrap();
                    let mut sets = sets.lock().unwrap();
                    sets.push(set);
                    match (sets.len(), then) {
                        (1, _) => format!("{tag} OK done\r\n"),
                        (_, "") => return,
                        (_, SILENCE) => continue,
                        _ => format!("{tag} {then}\r\n"),
                    }
                }
                ["LOGOUT"] => format!("* BYE bye\r\n{tag} OK\r\n"),
                _ => panic!("{line}"),
            };
            if peer.try_send(said).await.is_err() {
                return;
            }
        }
    });
    (mock, asked)
}

/// Says what was done, and that the same call would do it once more.
fn is_half_done(error: &Error, done: &str, sets: &[UidRanges]) {
    assert_eq!(sets.len(), 2, "the second line is the last one");
    assert!(!error.retryable() && error.action() != Action::Retry && error.retry_after().is_none(), "{error}");
    let through = sets[0].iter().max().unwrap();
    assert!(error.to_string().contains(&format!("of \"INBOX\" up to UID {through} were {done}")), "{error}");
}

const REFUSALS: [(&str, &str); 5] = [
    ("NO [OVERQUOTA] full", "QUOTA_EXCEEDED"),
    ("NO [UNAVAILABLE] later", "COMMAND_REJECTED"),
    ("NO Request is throttled. Suggested Backoff Time: 60000 milliseconds", "COMMAND_REJECTED"),
    ("NO [TRYCREATE] gone meanwhile", "MAILBOX_NOT_FOUND"),
    ("", "CONNECTION_LOST"),
];

#[tokio::test]
async fn a_copy_that_fails_midway_does_not_invite_to_copy_once_more() {
    for (then, code) in REFUSALS {
        let (mock, asked) = server_of("IMAP4rev1 UIDPLUS", then);
        let client = connect(&mock).await;
        let error = client.copy("INBOX", odd(), "x", MailboxOptions::default(), &call()).await.unwrap_err();
        assert_eq!(error.code().as_str(), code, "{then}");
        is_half_done(&error, "copied", &asked.lock().unwrap());
        assert_eq!(error.server().map(|reply| reply.status), (!then.is_empty()).then(|| "NO".into()), "{then}");
        // A pause is kept, whatever the call that met it is called.
        if then.contains("Backoff") {
            let error = client.status("INBOX", &call()).await.unwrap_err();
            assert_eq!(error.code().as_str(), "RATE_LIMITED");
        }
        client.close();
    }
}

#[tokio::test]
async fn a_copy_that_was_given_up_midway_says_so() {
    let (mock, asked) = server_of("IMAP4rev1 UIDPLUS", SILENCE);
    let client = connect(&mock).await;
    let (short, _cancel) = call_of(Duration::from_secs(1));
    let error = client.copy("INBOX", odd(), "x", MailboxOptions::default(), &short).await.unwrap_err();
    assert_eq!(error.code().as_str(), "TIMEOUT");
    is_half_done(&error, "copied", &asked.lock().unwrap());
    client.close();
}

#[tokio::test]
async fn a_move_that_fails_midway_goes_on_with_the_rest_unless_others_would_be_meant() {
    for (then, retried) in [("NO [UNAVAILABLE] later", true), ("NO [OVERQUOTA] full", false), ("", true)] {
        let (mock, _) = server_of("IMAP4rev1 UIDPLUS MOVE", then);
        let client = connect(&mock).await;
        let error = client.r#move("INBOX", odd(), "x", MailboxOptions::default(), &call()).await.unwrap_err();
        assert_eq!(error.retryable(), retried, "{then}: {error}");
        client.close();

        let (mock, asked) = server_of("IMAP4rev1 UIDPLUS MOVE", then);
        let client = connect(&mock).await;
        let newest = UidSet::newest(MESSAGES).unwrap();
        let error = client.r#move("INBOX", newest, "x", MailboxOptions::default(), &call()).await.unwrap_err();
        is_half_done(&error, "moved", &asked.lock().unwrap());
        client.close();
    }
}

#[tokio::test]
async fn a_move_without_move_whose_copy_fails_midway_does_not_invite_to_copy_once_more() {
    for (then, code) in REFUSALS {
        let (mock, asked) = server_of("IMAP4rev1 UIDPLUS", then);
        let client = connect(&mock).await;
        let error = client.r#move("INBOX", odd(), "x", MailboxOptions::default(), &call()).await.unwrap_err();
        assert_eq!(error.code().as_str(), code, "{then}");
        is_half_done(&error, "copied", &asked.lock().unwrap());
        client.close();
    }
}
