//! Calls that write, repeated after a lost connection: the same messages, or none.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a helper that meets anything unexpected must fail its test"
)]

mod support;

use email_imap::{Client, Error, MailboxOptions};
use support::*;

const CAPABILITIES: &str = "IMAP4rev1 UIDPLUS";

/// SELECT of a mailbox with `exists` messages.
fn select(exists: u32, uid_validity: &str) -> String {
    format!("C: {{tag}} SELECT \"INBOX\"\nS: * {exists} EXISTS\n{uid_validity}S: {{tag}} OK [READ-WRITE] open\n")
}

const VALID: &str = "S: * OK [UIDVALIDITY 7] valid\n";
const REBUILT: &str = "S: * OK [UIDVALIDITY 8] valid\n";

/// A server whose first connection ends with `first`; then it has `second`.
fn lossy(first: String, second: Option<String>) -> email_testkit::Mock {
    email_testkit::Mock::start(async move |listener| {
        listener.accept().await.play(&(login(CAPABILITIES) + &first + "X: reset\n")).await;
        if let Some(second) = second {
            listener.accept().await.play(&(login(CAPABILITIES) + &second + LOGOUT)).await;
        }
    })
}

async fn delete(client: &Client, set: &str) -> Result<(), Error> {
    client.delete("INBOX", json(set), MailboxOptions::default(), &call()).await
}

async fn flag(client: &Client, set: &str) -> Result<(), Error> {
    client.add_flags("INBOX", json(set), &["\\Seen".into()], MailboxOptions::default(), &call()).await
}

#[tokio::test]
async fn a_second_try_does_not_reach_the_messages_that_are_the_newest_then() {
    let numbers = "C: {tag} FETCH 9:* (UID)\nS: * 9 FETCH (UID 9)\nS: * 10 FETCH (UID 10)\nS: {tag} OK\n";
    let from = "C: {tag} UID SEARCH UID 9:*\nS: * SEARCH 9 10\nS: {tag} OK\n";
    for (set, resolved) in [(r#"{"newest":2}"#, numbers), (r#""9:*""#, from)] {
        let first = select(10, VALID) + "C: {tag} NOOP\nS: {tag} OK\n" + resolved;
        let marked = "C: {tag} UID STORE 9:10 +FLAGS.SILENT (\\Deleted)\nS: {tag} OK\n";
        let second = select(8, VALID) + marked + "C: {tag} UID EXPUNGE 9:10\nS: {tag} OK\n";
        let mock = lossy(first.clone() + marked + "C: {tag} UID EXPUNGE 9:10\n", Some(second));
        let client = connect(&mock).await;
        delete(&client, set).await.unwrap();
        finish(client, mock).await;

        let seen = "C: {tag} UID STORE 9:10 +FLAGS.SILENT (\\Seen)\n";
        let mock = lossy(first + seen, Some(select(12, VALID) + seen + "S: {tag} OK\n"));
        let client = connect(&mock).await;
        flag(&client, set).await.unwrap();
        finish(client, mock).await;
    }
}

#[tokio::test]
async fn a_second_try_does_not_reach_a_mailbox_that_was_rebuilt() {
    let store = "C: {tag} UID STORE 5 +FLAGS.SILENT (\\Deleted)\n";
    let mock = lossy(select(10, VALID) + store, Some(select(10, REBUILT)));
    let client = connect(&mock).await;
    assert_eq!(code(delete(&client, "5").await), "UIDVALIDITY_CHANGED");
    finish(client, mock).await;

    let store = "C: {tag} UID STORE 5 +FLAGS.SILENT (\\Seen)\n";
    let mock = lossy(select(10, VALID) + store, Some(select(10, REBUILT)));
    let client = connect(&mock).await;
    assert_eq!(code(flag(&client, "5").await), "UIDVALIDITY_CHANGED");
    finish(client, mock).await;
}

#[tokio::test]
async fn what_another_session_may_understand_otherwise_is_not_tried_twice() {
    // Without UIDVALIDITY the UIDs die with the session; `1:*` would take in what has come since.
    for (set, uid_validity) in [("5", ""), (r#""1:*""#, VALID)] {
        let pieces = set.trim_matches('"');
        let store = format!("C: {{tag}} UID STORE {pieces} +FLAGS.SILENT (\\Seen)\n");
        let mock = lossy(select(10, uid_validity) + &store, None);
        let client = connect(&mock).await;
        assert_eq!(code(flag(&client, set).await), "CONNECTION_LOST", "{set}");
        client.close();
        mock.finished().await;
    }
}

#[tokio::test]
async fn all_of_a_mailbox_is_what_was_there_when_it_was_to_be_removed() {
    let there = "C: {tag} NOOP\nS: {tag} OK\n\
        C: {tag} UID SEARCH UID 1:*\nS: * SEARCH 1 2 3 4 5 6 7 8 9 10\nS: {tag} OK\n";
    let store = "C: {tag} UID STORE 1:10 +FLAGS.SILENT (\\Deleted)\n";
    let again = select(11, VALID) + store + "S: {tag} OK\nC: {tag} UID EXPUNGE 1:10\nS: {tag} OK\n";
    let mock = lossy(select(10, VALID) + there + store, Some(again));
    let client = connect(&mock).await;
    delete(&client, r#""1:*""#).await.unwrap();
    finish(client, mock).await;
}
