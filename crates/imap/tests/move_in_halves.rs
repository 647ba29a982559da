//! `move` on servers without MOVE: what breaks between the copy and the removal.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a helper that meets anything unexpected must fail its test"
)]

mod support;

use email_base::{Action, Classify};
use email_imap::MailboxOptions;
use support::*;

const SELECT: &str = "C: {tag} SELECT \"INBOX\"\nS: * 3 EXISTS\nS: * OK [UIDVALIDITY 7] valid\nS: {tag} OK open\n";
const COPY: &str = "C: {tag} UID SEARCH UID 2:*\nS: * SEARCH 2 3\nS: {tag} OK\n\
                    C: {tag} UID COPY 2:3 \"Trash\"\nS: {tag} OK [COPYUID 38 2:3 100:101] done\n";
const STORE: &str = "C: {tag} UID STORE 2:3 +FLAGS.SILENT (\\Deleted)\n";
const EXPUNGE: &str = "C: {tag} UID EXPUNGE 2:3\n";
const OK: &str = "S: {tag} OK\n";

/// One connection that ends by `end`, then another one.
fn two(end: String, then: String) -> email_testkit::Mock {
    let first = format!("{}{SELECT}{COPY}{end}", login("IMAP4rev1 UIDPLUS"));
    let second = format!("{}{then}", login("IMAP4rev1 UIDPLUS"));
    email_testkit::Mock::start(async move |listener| {
        listener.accept().await.play(&first).await;
        listener.accept().await.play(&second).await;
    })
}

async fn moved(client: &email_imap::Client) -> Result<email_imap::types::UidMapping, email_imap::Error> {
    client.r#move("INBOX", uids("2:*"), "Trash", MailboxOptions::default(), &call()).await
}

#[tokio::test]
async fn a_connection_lost_behind_the_copy_leaves_no_originals_and_no_second_copy() {
    for end in [
        format!("{STORE}X: reset\n"),
        format!("{STORE}X: close\n"),
        format!("{STORE}S: * BYE going down\nX: eof\n"),
        format!("{STORE}{OK}{EXPUNGE}X: reset\n"),
    ] {
        // New mail, 4, has come meanwhile: it was not copied, and stays.
        let select = SELECT.replace("3 EXISTS", "4 EXISTS");
        let mock = two(end.clone(), format!("{select}{STORE}{OK}{EXPUNGE}{OK}{LOGOUT}"));
        let client = connect(&mock).await;
        let mapping = moved(&client).await.unwrap_or_else(|error| panic!("{end}: {error:?}"));
        assert_eq!(mapping.uids.unwrap().len(), 2);
        finish(client, mock).await;
    }
}

#[tokio::test]
async fn after_the_copy_no_message_of_a_rebuilt_mailbox_is_removed() {
    let select = SELECT.replace("UIDVALIDITY 7", "UIDVALIDITY 8");
    let mock = two(format!("{STORE}X: reset\n"), format!("{select}{LOGOUT}"));
    let client = connect(&mock).await;
    let error = moved(&client).await.unwrap_err();
    assert_eq!((error.code().as_str(), error.retryable()), ("UIDVALIDITY_CHANGED", false));
    assert!(error.to_string().contains("originals remain"), "{error}");
    finish(client, mock).await;
}

#[tokio::test]
async fn a_removal_that_is_refused_does_not_invite_to_copy_once_more() {
    let throttled = "Request is throttled. Suggested Backoff Time: 1 milliseconds";
    for (end, code, text) in [
        (format!("{STORE}S: {{tag}} NO [NOPERM] not yours\n{LOGOUT}"), "ACCESS_DENIED", "not yours"),
        (format!("{STORE}{OK}{EXPUNGE}S: {{tag}} NO no\n{LOGOUT}"), "COMMAND_REJECTED", "no"),
        (format!("{STORE}S: {{tag}} NO [UNAVAILABLE] later\n{LOGOUT}"), "COMMAND_REJECTED", "later"),
        (format!("{STORE}S: {{tag}} NO {throttled}\n{LOGOUT}"), "COMMAND_REJECTED", throttled),
        (format!("{STORE}S: * BYE {throttled}\nX: eof\n"), "COMMAND_REJECTED", throttled),
    ] {
        let mock = server("IMAP4rev1 UIDPLUS", format!("{SELECT}{COPY}{end}"));
        let client = connect(&mock).await;
        let error = moved(&client).await.unwrap_err();
        assert_eq!(error.code().as_str(), code, "{text}");
        assert!(!error.retryable() && error.action() != Action::Retry && error.retry_after().is_none(), "{text}");
        assert!(error.to_string().contains("were copied, but the originals remain in \"INBOX\""), "{error}");
        assert_eq!(error.server().unwrap().text, text);
        client.logout(&call()).await.unwrap();
        mock.finished().await;
    }
}

#[tokio::test]
async fn a_draft_whose_old_version_remains_does_not_invite_to_store_it_once_more() {
    for (end, code) in [
        (format!("{STORE}S: {{tag}} NO [UNAVAILABLE] later\n{LOGOUT}"), "COMMAND_REJECTED"),
        (format!("{STORE}{OK}{EXPUNGE}S: {{tag}} NO [NOPERM] not yours\n{LOGOUT}"), "ACCESS_DENIED"),
    ] {
        let stored = "C: {tag} APPEND \"INBOX\" {4+}\nC: a: b\nS: {tag} OK [APPENDUID 7 9] stored\n";
        let end = end.replace("2:3", "2");
        let mock = server("IMAP4rev1 UIDPLUS LITERAL+", format!("{SELECT}{stored}{end}"));
        let client = connect(&mock).await;
        let replaced = client.replace("INBOX", 2, "a: b".into(), None, MailboxOptions::default(), &call()).await;
        let error = replaced.unwrap_err();
        assert_eq!((error.code().as_str(), error.retryable()), (code, false), "{error}");
        assert!(error.to_string().contains("the new version is stored, but UID 2 remains"), "{error}");
        finish(client, mock).await;
    }
}
