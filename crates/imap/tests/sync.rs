//! `sync`: each way a server allows, each event of a real mailbox, byte for byte.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a helper that meets anything unexpected must fail its test"
)]

mod support;

use std::collections::BTreeMap;
use std::time::Duration;

use email_base::{Call, Classify};
use email_imap::sync::{SyncBatch, SyncOptions};
use email_imap::{Client, Error};
use support::*;

/// Only what the tests look at.
const FLAGS_ONLY: &str = r#"{"fetch":{"flags":true}}"#;

async fn collect(client: &Client, cursor: Option<&str>, options: &str) -> (Vec<SyncBatch>, Option<Error>) {
    collect_within(client, cursor, options, &call()).await
}

async fn collect_within(
    client: &Client,
    cursor: Option<&str>,
    options: &str,
    call: &Call,
) -> (Vec<SyncBatch>, Option<Error>) {
    let options: SyncOptions = json(options);
    let mut batches = client.sync("INBOX", cursor.map(str::to_owned), options, call);
    let mut found = Vec::new();
    loop {
        match batches.next().await {
            Some(Ok(batch)) => found.push(batch),
            Some(Err(error)) => return (found, Some(error)),
            None => return (found, None),
        }
    }
}

/// A sync that has to succeed.
async fn sync(client: &Client, cursor: Option<&str>) -> Vec<SyncBatch> {
    let (batches, error) = collect(client, cursor, FLAGS_ONLY).await;
    assert!(error.is_none(), "{error:?}");
    assert!(!batches.is_empty());
    batches
}

fn cursor(batches: &[SyncBatch]) -> Option<&str> {
    batches.last().map(|batch| batch.cursor.as_str())
}

fn added(batches: &[SyncBatch]) -> Vec<u32> {
    batches.iter().flat_map(|batch| &batch.added).map(|message| message.uid).collect()
}

fn vanished(batches: &[SyncBatch]) -> Vec<u32> {
    batches.iter().flat_map(|batch| batch.vanished.clone()).collect()
}

fn changed(batches: &[SyncBatch]) -> BTreeMap<u32, String> {
    let changes = batches.iter().flat_map(|batch| &batch.flags);
    changes.map(|change| (change.uid, change.flags.join(" "))).collect()
}

/// Opening INBOX by `command`, with `exists` messages, and what else is said.
fn open(command: &str, exists: u32, more: &str) -> String {
    format!("C: {{open}} {command}\nS: * FLAGS (\\Seen \\Flagged)\nS: * {exists} EXISTS\n{more}S: {{open}} OK open\n")
}

fn plain(exists: u32) -> String {
    open("EXAMINE \"INBOX\"", exists, "S: * OK [UIDVALIDITY 7] valid\n")
}

/// A first sync of messages 1, 2 and 3 on a server without extensions; 2 is `\Seen`.
fn first_of_three() -> String {
    plain(3)
        + "C: {tag} UID SEARCH ALL\n\
           S: * SEARCH 1 2 3\n\
           S: {tag} OK done\n\
           C: {tag} UID FETCH 1:3 (UID FLAGS)\n\
           S: * 1 FETCH (UID 1 FLAGS ())\n\
           S: * 2 FETCH (UID 2 FLAGS (\\Seen \\Recent))\n\
           S: * 3 FETCH (UID 3 FLAGS ())\n\
           S: {tag} OK done\n"
}

/// The same with CONDSTORE, at mod-sequence 10.
fn first_of_three_with_mod_seq(command: &str) -> String {
    open(command, 3, "S: * OK [UIDVALIDITY 7] valid\nS: * OK [UIDNEXT 4] next\nS: * OK [HIGHESTMODSEQ 10] highest\n")
        + "C: {tag} UID SEARCH ALL\n\
           S: * SEARCH 1 2 3\n\
           S: {tag} OK done\n\
           C: {tag} UID FETCH 1:3 (UID FLAGS MODSEQ)\n\
           S: * 1 FETCH (UID 1 FLAGS () MODSEQ (9))\n\
           S: * 2 FETCH (UID 2 FLAGS (\\Seen) MODSEQ (10))\n\
           S: * 3 FETCH (UID 3 FLAGS () MODSEQ (3))\n\
           S: {tag} OK done\n"
}

const CONDSTORE: &str = "EXAMINE \"INBOX\" (CONDSTORE)";

fn at(exists: u32, uid_next: u32, mod_seq: u32) -> String {
    format!(
        "S: * OK [UIDVALIDITY 7] valid\nS: * OK [UIDNEXT {uid_next}] next\nS: * OK [HIGHESTMODSEQ {mod_seq}] highest\n"
    ) + &format!("S: * {exists} EXISTS\n")
}

#[tokio::test]
async fn without_extensions_one_round_trip_tells_what_is_different() {
    let again = "C: {a} EXAMINE \"INBOX\"\n\
        C: {b} UID SEARCH UID 4:*\n\
        C: {c} UID FETCH 1:3 (UID FLAGS)\n";
    let mock = server(
        "IMAP4rev1",
        first_of_three()
            // Nothing new: `4:*` brings the newest message all the same.
            + again
            + "S: * 3 EXISTS\nS: * OK [UIDVALIDITY 7] valid\nS: {a} OK open\n\
               S: * SEARCH 3\nS: {b} OK done\n\
               S: * 1 FETCH (UID 1 FLAGS ())\nS: * 2 FETCH (UID 2 FLAGS (\\Seen))\nS: * 3 FETCH (UID 3 FLAGS ())\n\
               S: {c} OK done\n"
            // One is gone, one is new, one is read now: the numbers add up, but not the flags' rows.
            + again
            + "S: * 3 EXISTS\nS: * OK [UIDVALIDITY 7] valid\nS: {a} OK open\n\
               S: * SEARCH 4\nS: {b} OK done\n\
               S: * 1 FETCH (UID 2 FLAGS (\\Seen \\Flagged))\nS: * 2 FETCH (UID 3 FLAGS ())\nS: {c} OK done\n\
               C: {tag} UID SEARCH ALL\nS: * SEARCH 2 3 4\nS: {tag} OK done\n\
               C: {tag} UID FETCH 4 (UID FLAGS)\nS: * 3 FETCH (UID 4 FLAGS ($Work))\nS: {tag} OK done\n"
            + LOGOUT,
    );
    let client = connect(&mock).await;
    let first = sync(&client, None).await;
    assert_eq!((added(&first), first[0].reset), (vec![3, 2, 1], false));
    assert_eq!(first[0].added[1].flags.as_ref().unwrap(), &["\\Seen"], "\\Recent is the session's");
    let second = sync(&client, cursor(&first)).await;
    assert_eq!((second.len(), cursor(&second)), (1, cursor(&first)));
    assert!(second[0].added.is_empty() && second[0].flags.is_empty() && second[0].vanished.is_empty());
    let third = sync(&client, cursor(&second)).await;
    assert_eq!((vanished(&third), added(&third)), (vec![1], vec![4]));
    assert_eq!(changed(&third), BTreeMap::from([(2, "\\Seen \\Flagged".to_owned())]));
    assert_eq!(third.last().unwrap().progress.done, 3);
    finish(client, mock).await;
}

#[tokio::test]
async fn condstore_costs_one_round_trip() {
    let look = "C: {a} EXAMINE \"INBOX\" (CONDSTORE)\n\
        C: {b} UID SEARCH RETURN (ALL) UID 4:*\n\
        C: {c} UID FETCH 1:3 (UID FLAGS) (CHANGEDSINCE 10)\n";
    let first = first_of_three_with_mod_seq(CONDSTORE)
        .replace("SEARCH ALL", "SEARCH RETURN (ALL) ALL")
        .replace("* SEARCH 1 2 3", "* ESEARCH (TAG \"{tag}\") UID ALL 1:3");
    let mock = server(
        "IMAP4rev1 CONDSTORE ESEARCH",
        first
            + look
            + &at(3, 4, 10)
            + "S: {a} OK open\nS: * ESEARCH (TAG \"{b}\") UID ALL 3\nS: {b} OK done\nS: {c} OK done\n"
            // Flags changed, one of them back and forth; two new, one of the old ones gone. A server that works on two
            // commands at once.
            + look
            + &at(4, 6, 15)
            + "S: {a} OK open\n\
               S: * 2 FETCH (UID 2 FLAGS (\\Seen) MODSEQ (12))\n\
               S: * ESEARCH (TAG \"{b}\") UID ALL 4:5\n\
               S: {b} OK done\n\
               S: * 3 FETCH (UID 3 FLAGS (\\Flagged) MODSEQ (13))\n\
               S: {c} OK done\n\
               C: {tag} UID SEARCH RETURN (ALL) ALL\n\
               S: * ESEARCH (TAG \"{tag}\") UID ALL 2:5\n\
               S: {tag} OK done\n\
               C: {tag} UID FETCH 4:5 (UID FLAGS MODSEQ)\n\
               S: * 3 FETCH (UID 4 FLAGS () MODSEQ (14))\n\
               S: * 4 FETCH (UID 5 FLAGS () MODSEQ (15))\n\
               S: {tag} OK done\n"
            + LOGOUT,
    );
    let client = connect(&mock).await;
    let first = sync(&client, None).await;
    let second = sync(&client, cursor(&first)).await;
    assert_eq!((second.len(), cursor(&second)), (1, cursor(&first)));
    let third = sync(&client, cursor(&second)).await;
    assert_eq!((vanished(&third), added(&third)), (vec![1], vec![5, 4]));
    assert_eq!(changed(&third), BTreeMap::from([(3, "\\Flagged".to_owned())]), "the other one is no news");
    assert_eq!(third[0].flags[0].mod_seq.unwrap().0, 13);
    finish(client, mock).await;
}

#[tokio::test]
async fn qresync_tells_it_all_with_the_answer_to_examine() {
    let mock = server(
        "IMAP4rev1 ENABLE QRESYNC CONDSTORE UNSELECT",
        "C: {enable} ENABLE QRESYNC\n".to_owned()
            + &first_of_three_with_mod_seq(CONDSTORE).replacen(
                "S: * FLAGS",
                "S: * ENABLED QRESYNC\nS: {enable} OK enabled\nS: * FLAGS",
                1,
            )
            // Also what was never there, and far more than there can be; what comes before CLOSED is of another mailbox.
            + &open(
                "EXAMINE \"INBOX\" (QRESYNC (7 10 1:3))\nC: {new} UID SEARCH UID 4:*",
                3,
                &("S: * VANISHED (EARLIER) 3\nS: * 9 FETCH (UID 2 FLAGS (\\Deleted))\nS: * OK [CLOSED] closed\n".to_owned()
                    + &at(3, 5, 20)
                    + "S: * VANISHED (EARLIER) 1,5:4294967295\nS: * 1 FETCH (UID 2 FLAGS () MODSEQ (19))\n"),
            )
            + "S: * SEARCH 4\nS: {new} OK done\n\
               C: {tag} UID FETCH 4 (UID FLAGS MODSEQ)\nS: * 3 FETCH (UID 4 FLAGS () MODSEQ (20))\nS: {tag} OK done\n"
            + LOGOUT,
    );
    let client = connect(&mock).await;
    let first = sync(&client, None).await;
    let second = sync(&client, cursor(&first)).await;
    assert_eq!((vanished(&second), added(&second)), (vec![1], vec![4]));
    assert_eq!(changed(&second), BTreeMap::from([(2, String::new())]));
    finish(client, mock).await;
}

#[tokio::test]
async fn a_server_that_calls_the_parameter_bad_gets_none() {
    let mock = server(
        "IMAP4rev1 ENABLE QRESYNC CONDSTORE",
        "C: {enable} ENABLE QRESYNC\n\
         C: {open} EXAMINE \"INBOX\" (CONDSTORE)\n\
         S: {enable} BAD what?\n\
         S: {open} BAD what?\n"
            .to_owned()
            + &first_of_three().replace("(UID FLAGS)", "(UID FLAGS MODSEQ)")
            + LOGOUT,
    );
    let client = connect(&mock).await;
    assert_eq!(added(&sync(&client, None).await), [3, 2, 1]);
    finish(client, mock).await;
}

#[tokio::test]
async fn uidvalidity_that_changed_to_a_lower_value_is_a_reset() {
    let mock = server(
        "IMAP4rev1",
        first_of_three()
            + "C: {a} EXAMINE \"INBOX\"\n\
               C: {b} UID SEARCH UID 4:*\n\
               C: {c} UID FETCH 1:3 (UID FLAGS)\n\
               S: * 1 EXISTS\nS: * OK [UIDVALIDITY 6] valid\nS: {a} OK open\n\
               S: * SEARCH 1\nS: {b} OK done\n\
               S: * 1 FETCH (UID 1 FLAGS (\\Draft))\nS: {c} OK done\n\
               C: {tag} UID SEARCH ALL\nS: * SEARCH 1\nS: {tag} OK done\n\
               C: {tag} UID FETCH 1 (UID FLAGS)\nS: * 1 FETCH (UID 1 FLAGS (\\Draft))\nS: {tag} OK done\n"
            // Rebuilt once more, and empty now.
            + "C: {a} EXAMINE \"INBOX\"\n\
               C: {b} UID SEARCH UID 2:*\n\
               C: {c} UID FETCH 1 (UID FLAGS)\n\
               S: * 0 EXISTS\nS: * OK [UIDVALIDITY 8] valid\nS: {a} OK open\n\
               S: * SEARCH\nS: {b} OK done\n\
               S: {c} BAD no such message\n"
            + LOGOUT,
    );
    let client = connect(&mock).await;
    let first = sync(&client, None).await;
    let second = sync(&client, cursor(&first)).await;
    assert!(second[0].reset && added(&second) == [1] && vanished(&second).is_empty() && changed(&second).is_empty());
    let third = sync(&client, cursor(&second)).await;
    assert!(third.len() == 1 && third[0].reset && third[0].added.is_empty());
    assert_eq!(third[0].progress.total, 0);
    finish(client, mock).await;
}

#[tokio::test]
async fn a_mod_sequence_that_fell_or_went_away_proves_nothing() {
    for status in ["S: * OK [HIGHESTMODSEQ 4] highest\n", "S: * OK [NOMODSEQ] none\n", ""] {
        let refused = status.contains("NOMODSEQ");
        let early = if refused { "S: {c} BAD no mod-sequences here\n" } else { "S: {c} OK done\n" };
        let again = if refused { "C: {d} UID SEARCH UID 4:*\n" } else { "" };
        let found = if refused { "S: * SEARCH 3\nS: {d} OK done\n" } else { "" };
        let mock = server(
            "IMAP4rev1 CONDSTORE",
            first_of_three_with_mod_seq(CONDSTORE)
                + &open(
                    "EXAMINE \"INBOX\" (CONDSTORE)\n\
                     C: {b} UID SEARCH UID 4:*\nC: {c} UID FETCH 1:3 (UID FLAGS) (CHANGEDSINCE 10)",
                    3,
                    &format!("S: * OK [UIDVALIDITY 7] valid\nS: * OK [UIDNEXT 4] next\n{status}"),
                )
                + "S: * SEARCH 3\nS: {b} OK done\n"
                + early
                + again
                + "C: {e} UID FETCH 1:3 (UID FLAGS)\n"
                + found
                + "S: * 1 FETCH (UID 1 FLAGS (\\Answered))\nS: * 2 FETCH (UID 2 FLAGS (\\Seen))\n\
                   S: * 3 FETCH (UID 3 FLAGS ())\nS: {e} OK done\n"
                + LOGOUT,
        );
        let client = connect(&mock).await;
        let first = sync(&client, None).await;
        let second = sync(&client, cursor(&first)).await;
        assert_eq!(changed(&second), BTreeMap::from([(1, "\\Answered".to_owned())]), "{status}");
        finish(client, mock).await;
    }
}

#[tokio::test]
async fn flags_of_many_messages_are_searched_for_by_what_is_rare() {
    let rows: String = (1..=300)
        .map(|uid| format!("S: * {uid} FETCH (UID {uid} FLAGS ({}))\n", if uid == 300 { "$Work" } else { "\\Seen" }))
        .collect();
    let all = (1..=300).map(|uid| uid.to_string()).collect::<Vec<_>>().join(" ");
    let look = "C: {a} EXAMINE \"INBOX\"\n\
        C: {b} UID SEARCH UID 301:*\n\
        C: {c} UID SEARCH UNSEEN\nC: {d} UID SEARCH ANSWERED\nC: {e} UID SEARCH FLAGGED\n\
        C: {f} UID SEARCH DRAFT\nC: {g} UID SEARCH DELETED\nC: {h} UID SEARCH KEYWORD $Work\n";
    let mock = server(
        "IMAP4rev1",
        plain(300)
            + &format!("C: {{tag}} UID SEARCH ALL\nS: * SEARCH {all}\nS: {{tag}} OK done\n")
            + &format!("C: {{tag}} UID FETCH 1:300 (UID FLAGS)\n{rows}S: {{tag}} OK done\n")
            + look
            + "S: * FLAGS (\\Seen $Work $New)\nS: * 300 EXISTS\nS: * OK [UIDVALIDITY 7] valid\nS: {a} OK open\n\
               S: * SEARCH 300\nS: {b} OK done\n\
               S: * SEARCH 7 300\nS: {c} OK done\nS: * SEARCH\nS: {d} OK done\nS: * SEARCH 7 9\nS: {e} OK done\n\
               S: {f} OK done\nS: * SEARCH\nS: {g} OK done\nS: * SEARCH\nS: {h} OK done\n\
               C: {tag} UID SEARCH KEYWORD $New\nS: * SEARCH 10\nS: {tag} OK done\n"
            + LOGOUT,
    );
    let client = connect(&mock).await;
    let options = r#"{"fetch":{"flags":true},"batchSize":1000}"#;
    let (first, error) = collect(&client, None, options).await;
    assert!(error.is_none(), "{error:?}");
    let (second, error) = collect(&client, cursor(&first), options).await;
    assert!(error.is_none(), "{error:?}");
    let expected = [(7, "\\Flagged"), (9, "\\Seen \\Flagged"), (10, "\\Seen $New"), (300, "")];
    assert_eq!(changed(&second), expected.map(|(uid, flags)| (uid, flags.to_owned())).into());
    finish(client, mock).await;
}

#[tokio::test]
async fn expunged_between_search_and_fetch_is_no_message_and_no_news() {
    let mock = server(
        "IMAP4rev1",
        plain(3)
            + "C: {tag} UID SEARCH ALL\nS: * SEARCH 1 2 3\nS: {tag} OK done\n\
               C: {tag} UID FETCH 1:3 (UID FLAGS)\n\
               S: * 2 EXPUNGE\nS: * 1 FETCH (UID 1 FLAGS ())\nS: * 2 FETCH (UID 3 FLAGS ())\nS: {tag} OK done\n\
               C: {tag} UID FETCH 2 (UID)\nS: {tag} OK done\n"
            + LOGOUT,
    );
    let client = connect(&mock).await;
    let batches = sync(&client, None).await;
    assert_eq!((added(&batches), vanished(&batches)), (vec![3, 1], vec![]));
    let last = batches.last().unwrap();
    assert_eq!((last.progress.done, last.progress.total), (2, 2));
    finish(client, mock).await;
}

#[tokio::test]
async fn uidnext_that_lies_and_uids_that_come_twice() {
    let lying = |exists: u32| {
        let more = "S: * OK [UIDVALIDITY 7] valid\nS: * OK [UIDNEXT 1000] a lie\n".to_owned();
        format!("S: * {exists} EXISTS\n{more}S: {{a}} OK open\n")
    };
    let mock = server(
        "IMAP4rev1",
        plain(3)
            + "C: {tag} UID SEARCH ALL\nS: * SEARCH 1 1 2\nS: {tag} OK done\n\
               C: {tag} UID FETCH 1:2 (UID FLAGS)\n\
               S: * 1 FETCH (UID 1 FLAGS ())\nS: * 2 FETCH (UID 1 FLAGS ())\nS: * 3 FETCH (UID 2 FLAGS ())\nS: {tag} OK done\n\
               C: {a} EXAMINE \"INBOX\"\nC: {b} UID SEARCH UID 3:*\nC: {c} UID FETCH 1:2 (UID FLAGS)\n"
            + &lying(4)
            + "S: * SEARCH 3\nS: {b} OK done\n\
               S: * 1 FETCH (UID 1 FLAGS ())\nS: * 3 FETCH (UID 2 FLAGS ())\nS: {c} OK done\n\
               C: {tag} UID FETCH 3 (UID FLAGS)\nS: * 4 FETCH (UID 3 FLAGS ())\nS: {tag} OK done\n"
            + LOGOUT,
    );
    let client = connect(&mock).await;
    let first = sync(&client, None).await;
    assert_eq!(added(&first), [2, 1]);
    let second = sync(&client, cursor(&first)).await;
    assert_eq!((added(&second), vanished(&second)), (vec![3], vec![]));
    finish(client, mock).await;
}

#[tokio::test]
async fn a_server_without_uidvalidity_cannot_be_synced() {
    let mock = server("IMAP4rev1", open("EXAMINE \"INBOX\"", 0, "") + LOGOUT);
    let client = connect(&mock).await;
    let (batches, error) = collect(&client, None, FLAGS_ONLY).await;
    assert!(batches.is_empty());
    assert_eq!(error.unwrap().code().as_str(), "CAPABILITY_MISSING");
    finish(client, mock).await;
}

#[tokio::test]
async fn throttled_in_the_middle_the_last_cursor_stays_good() {
    let mock = server(
        "IMAP4rev1",
        plain(3)
            + "C: {tag} UID SEARCH ALL\nS: * SEARCH 1 2 3\nS: {tag} OK done\n\
               C: {a} UID FETCH 3 (UID FLAGS)\nC: {b} UID FETCH 2 (UID FLAGS)\n\
               S: * 3 FETCH (UID 3 FLAGS ())\nS: {a} OK done\n\
               S: {b} NO Request is throttled. Suggested Backoff Time: 200 milliseconds\n\
               C: {c} UID FETCH 1 (UID FLAGS)\nS: {c} OK done\n",
    );
    let client = connect(&mock).await;
    let (batches, error) = collect(&client, None, r#"{"fetch":{"flags":true},"batchSize":1}"#).await;
    let error = error.unwrap();
    assert_eq!((added(&batches), error.code().as_str()), (vec![3], "RATE_LIMITED"));
    assert_eq!(error.retry_after(), Some(Duration::from_millis(200)));
    client.close();
}

#[tokio::test]
async fn an_expired_session_is_reopened_and_every_message_comes_once() {
    let mock = servers(
        "IMAP4rev1",
        [
            "C: {tag} EXAMINE \"INBOX\"\nS: * 2 EXISTS\nS: * OK [UIDVALIDITY 7] valid\nS: {tag} OK open\n\
             C: {tag} UID SEARCH ALL\nS: * SEARCH 1 2\nS: {tag} OK done\n\
             C: {a} UID FETCH 2 (UID FLAGS)\nC: {b} UID FETCH 1 (UID FLAGS)\n\
             S: * 2 FETCH (UID 2 FLAGS ())\nS: {a} OK done\n\
             S: * BYE Session invalidated - AccessTokenExpired\nX: close\n",
            "C: {tag} EXAMINE \"INBOX\"\nS: * 2 EXISTS\nS: * OK [UIDVALIDITY 7] valid\nS: {tag} OK open\n\
             C: {tag} UID FETCH 1 (UID FLAGS)\nS: * 1 FETCH (UID 1 FLAGS ())\nS: {tag} OK done\n\
             C: {a} EXAMINE \"INBOX\"\nC: {b} UID SEARCH UID 3:*\nC: {c} UID FETCH 1:2 (UID FLAGS)\n\
             S: * 2 EXISTS\nS: * OK [UIDVALIDITY 7] valid\nS: {a} OK open\nS: * SEARCH 2\nS: {b} OK done\n\
             S: * 1 FETCH (UID 1 FLAGS ())\nS: * 2 FETCH (UID 2 FLAGS ())\nS: {c} OK done\n\
             C: {tag} LOGOUT\nS: * BYE bye\nS: {tag} OK done\nX: eof\n",
        ],
    );
    let client = connect(&mock).await;
    let (batches, error) = collect(&client, None, r#"{"fetch":{"flags":true},"batchSize":1}"#).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(added(&batches), [2, 1]);
    finish(client, mock).await;
}

#[tokio::test]
async fn a_mailbox_that_goes_away_in_the_middle_is_not_found() {
    for refusal in ["NO [NONEXISTENT] gone", "NO Mailbox is not selectable"] {
        let mock = server(
            "IMAP4rev1",
            first_of_three()
                + &format!(
                    "C: {{a}} EXAMINE \"INBOX\"\nC: {{b}} UID SEARCH UID 4:*\nC: {{c}} UID FETCH 1:3 (UID FLAGS)\n\
                     S: {{a}} {refusal}\nS: {{b}} BAD nothing open\nS: {{c}} BAD nothing open\n"
                )
                + LOGOUT,
        );
        let client = connect(&mock).await;
        let first = sync(&client, None).await;
        let (batches, error) = collect(&client, cursor(&first), FLAGS_ONLY).await;
        assert!(batches.is_empty());
        assert_eq!(error.unwrap().code().as_str(), "MAILBOX_NOT_FOUND");
        finish(client, mock).await;
    }
}

#[tokio::test]
async fn since_is_a_moment_and_not_a_day() {
    let mock = server(
        "IMAP4rev1",
        plain(5)
            + "C: {a} FETCH * (UID)\n\
               C: {b} UID SEARCH SINCE 31-Oct-2026\n\
               C: {c} UID SEARCH SINCE 3-Nov-2026\n\
               S: * 5 FETCH (UID 9)\nS: {a} OK done\n\
               S: * SEARCH 4 5 6\nS: {b} OK done\nS: * SEARCH 6\nS: {c} OK done\n\
               C: {tag} UID FETCH 4:5 (UID INTERNALDATE)\n\
               S: * 2 FETCH (UID 4 INTERNALDATE \"01-Nov-2026 11:59:59 +0000\")\n\
               S: * 3 FETCH (UID 5 INTERNALDATE \"01-Nov-2026 20:00:01 +0800\")\n\
               S: {tag} OK done\n\
               C: {tag} UID FETCH 5:6 (UID FLAGS)\n\
               S: * 3 FETCH (UID 5 FLAGS ())\nS: * 4 FETCH (UID 6 FLAGS ())\nS: {tag} OK done\n"
            // UID 9 is older, and none of ours: new messages begin behind it.
            + "C: {a} EXAMINE \"INBOX\"\nC: {b} UID SEARCH UID 10:*\nC: {c} UID FETCH 5:6 (UID FLAGS)\n\
               S: * 5 EXISTS\nS: * OK [UIDVALIDITY 7] valid\nS: {a} OK open\nS: * SEARCH 9\nS: {b} OK done\n\
               S: * 3 FETCH (UID 5 FLAGS ())\nS: * 4 FETCH (UID 6 FLAGS ())\nS: {c} OK done\n"
            + LOGOUT,
    );
    let client = connect(&mock).await;
    // 2026-11-01T12:00:00Z
    let (first, error) = collect(&client, None, r#"{"fetch":{"flags":true},"since":1793534400000}"#).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(added(&first), [6, 5]);
    assert!(added(&sync(&client, cursor(&first)).await).is_empty());
    finish(client, mock).await;
}

/// A server for any number of connections, with messages 1 to `exists`, that does something else when FETCH comes to
/// message `poison`: what, is `act`'s business.
fn poisoned(
    exists: u32,
    poison: u32,
    act: impl Fn(&str) -> Option<String> + Clone + Send + 'static,
) -> email_testkit::Mock {
    email_testkit::Mock::each(None, async move |_, peer| {
        let mut peer = log_in(peer, "IMAP4rev1").await;
        while let Some(line) = peer.try_receive_line().await {
            let (tag, command) = line.split_once(' ').unwrap();
            let said = match command.split(' ').collect::<Vec<_>>()[..] {
                ["EXAMINE", ..] => format!("* {exists} EXISTS\r\n* OK [UIDVALIDITY 7] valid\r\n"),
                ["UID", "SEARCH", "ALL"] => {
                    let all = (1..=exists).map(|uid| uid.to_string()).collect::<Vec<_>>();
                    format!("* SEARCH {}\r\n", all.join(" "))
                }
                ["UID", "SEARCH", ..] => format!("* SEARCH {exists}\r\n"),
                ["UID", "FETCH", set, ref items @ ..] => {
                    let set = email_imap::UidRanges::parse(set.as_bytes()).unwrap();
                    let whole = items.join(" ").contains("BODY");
                    let rows = set.iter().take_while(|uid| !(whole && *uid == poison));
                    let content = if whole { " BODY[] \"Subject: x\"" } else { "" };
                    let rows: String =
                        rows.map(|uid| format!("* {uid} FETCH (UID {uid} FLAGS (\\Seen){content})\r\n")).collect();
                    if whole && set.contains(poison) {
                        peer.send(rows).await;
                        match act(tag) {
                            Some(answer) => peer.send(answer).await,
                            None => return peer.reset().await,
                        }
                        continue;
                    }
                    rows
                }
                ["LOGOUT"] => "* BYE bye\r\n".to_owned(),
                _ => String::new(),
            };
            peer.send(format!("{said}{tag} OK done\r\n")).await;
        }
    })
}

#[tokio::test]
async fn a_poisoned_message_is_degraded_and_the_others_come() {
    type Act = fn(&str) -> Option<String>;
    let acts: [(&str, Act); 4] = [
        ("it kills the connection", |_| None),
        ("it is refused", |tag| Some(format!("{tag} NO Some messages could not be fetched\r\n"))),
        ("it is a defect of the server", |tag| Some(format!("{tag} NO [SERVERBUG] Internal error\r\n"))),
        ("nothing comes of it", |tag| Some(format!("{tag} OK done\r\n"))),
    ];
    for (what, act) in acts {
        let mock = poisoned(9, 4, act);
        let client = connect(&mock).await;
        let (batches, error) = collect(&client, None, r#"{"fetch":{"source":true},"order":"oldest-first"}"#).await;
        assert!(error.is_none(), "{what}: {error:?}");
        let mut uids = added(&batches);
        uids.sort_unstable();
        assert_eq!(uids, (1..=9).collect::<Vec<_>>(), "{what}");
        for message in batches.iter().flat_map(|batch| &batch.added) {
            assert_eq!(message.degraded.is_some(), message.uid == 4, "{what}: {}", message.uid);
            assert_eq!(message.flags.as_deref().unwrap(), ["\\Seen"], "{what}: {}", message.uid);
        }
        assert_eq!(batches.last().unwrap().progress.done, 9, "{what}");
        client.close();
    }
}

#[tokio::test]
async fn a_slow_server_fills_no_batch_and_the_job_gets_something_all_the_same() {
    let (go_on, wait) = tokio::sync::oneshot::channel::<()>();
    let mock = email_testkit::Mock::start(async move |listener| {
        let mut names = std::collections::HashMap::new();
        let first = login("IMAP4rev1")
            + &plain(3)
            + "C: {tag} UID SEARCH ALL\nS: * SEARCH 1 2 3\nS: {tag} OK done\n\
               C: {tag} UID FETCH 1:3 (UID FLAGS)\nS: * 1 FETCH (UID 1 FLAGS ())\n";
        let peer = listener.accept().await.play_with(&first, &mut names).await.unwrap();
        // Whatever the client waits for, it is not the other messages.
        wait.await.unwrap();
        let rest = "S: * 2 FETCH (UID 2 FLAGS ())\nS: * 3 FETCH (UID 3 FLAGS ())\nS: {tag} OK done\n\
            C: {a} EXAMINE \"INBOX\"\nC: {b} UID SEARCH UID 4:*\nC: {c} UID FETCH 1:3 (UID FLAGS)\n\
            S: * 3 EXISTS\nS: * OK [UIDVALIDITY 7] valid\nS: {a} OK open\nS: * SEARCH 3\nS: {b} OK done\n\
            S: * 1 FETCH (UID 1 FLAGS ())\nS: * 2 FETCH (UID 2 FLAGS ())\nS: * 3 FETCH (UID 3 FLAGS ())\n\
            S: {c} OK done\n";
        peer.play_with(&(rest.to_owned() + LOGOUT), &mut names).await;
    });
    let client = connect(&mock).await;
    let mut batches = client.sync("INBOX", None, json(FLAGS_ONLY), &call());
    let first = batches.next().await.unwrap().unwrap();
    assert_eq!((added(std::slice::from_ref(&first)), first.progress.total), (vec![1], 3));
    go_on.send(()).unwrap();
    let second = batches.next().await.unwrap().unwrap();
    assert_eq!(added(&[second]), [3, 2]);
    assert!(batches.next().await.is_none());
    finish(client, mock).await;
}
