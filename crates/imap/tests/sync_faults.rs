//! `sync` on a server and in a mailbox where things go wrong: nothing is lost, nothing comes twice.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a helper that meets anything unexpected must fail its test"
)]

mod support;

use std::time::Duration;

use email_base::Classify;
use support::sync::*;
use support::*;

#[tokio::test]
async fn expunged_between_search_and_fetch_is_no_message_and_no_news() {
    let mock = server(
        "IMAP4rev1",
        plain(3)
            + "C: {tag} UID SEARCH ALL\nS: * SEARCH 1 2 3\nS: {tag} OK done\n\
               C: {tag} UID FETCH 1:3 (UID FLAGS)\n\
               S: * 2 EXPUNGE\nS: * 1 FETCH (UID 1 FLAGS ())\nS: * 2 FETCH (UID 3 FLAGS ())\nS: {tag} OK done\n\
               C: {tag} UID SEARCH UID 2\nS: * SEARCH\nS: {tag} OK done\n"
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

/// The next sync: how the mailbox is opened, and the number by which UID 3 is told.
fn once_more(exists: &str, number: u32) -> String {
    format!(
        "C: {{a}} EXAMINE \"INBOX\"\nC: {{b}} UID SEARCH UID 4:*\nC: {{c}} UID FETCH 1:3 (UID FLAGS)\n\
         {exists}S: * OK [UIDVALIDITY 7] valid\nS: {{a}} OK open\nS: * SEARCH 3\nS: {{b}} OK done\n\
         S: * 1 FETCH (UID 1 FLAGS ())\nS: * {number} FETCH (UID 3 FLAGS ())\nS: {{c}} OK done\n"
    )
}

#[tokio::test]
async fn a_search_that_finds_nothing_among_messages_does_not_empty_the_store() {
    for answer in ["", "S: * SEARCH\n"] {
        let again = once_more("S: * 2 EXISTS\n", 2) + "C: {tag} UID SEARCH ALL\n";
        let nothing = answer.to_owned() + "S: {tag} OK done\n";
        let noop = "C: {tag} NOOP\nS: {tag} OK done\nC: {tag} UID SEARCH ALL\n";
        let mock = server("IMAP4rev1", first_of_three() + &again + &nothing + noop + &nothing + "X: eof\n");
        let client = connect(&mock).await;
        let first = sync(&client, None).await;
        let (batches, error) = collect(&client, cursor(&first), FLAGS_ONLY).await;
        assert!(batches.is_empty(), "{batches:?}");
        assert_eq!(error.unwrap().code().as_str(), "PROTOCOL_VIOLATION");
        client.close();
        mock.finished().await;
    }
    // They went meanwhile.
    const GONE: &str = "S: * 2 EXPUNGE\nS: * 1 EXPUNGE\nS: {tag} OK done\n";
    let nothing = "C: {tag} UID SEARCH ALL\nS: * SEARCH\n";
    let at_once = nothing.to_owned() + GONE;
    let later = format!("{nothing}S: {{tag}} OK done\nC: {{tag}} NOOP\n{GONE}");
    let one_more = format!(
        "{nothing}S: {{tag}} OK done\nC: {{tag}} NOOP\n{}{nothing}S: {{tag}} OK done\nC: {{tag}} NOOP\n{}",
        "S: * 2 EXPUNGE\nS: * 1 EXPUNGE\nS: * 1 EXISTS\nS: {tag} OK done\n", "S: * 1 EXPUNGE\nS: {tag} OK done\n",
    );
    for said in [at_once, later, one_more] {
        let mock = server("IMAP4rev1", plain(2) + &said + LOGOUT);
        let client = connect(&mock).await;
        assert_eq!(added(&sync(&client, None).await), [0u32; 0]);
        finish(client, mock).await;
    }
}

#[tokio::test]
async fn a_mailbox_of_which_no_number_is_told_is_not_taken_for_an_empty_one() {
    let mock = server("IMAP4rev1", first_of_three() + &once_more("", 3));
    let client = connect(&mock).await;
    let first = sync(&client, None).await;
    let (batches, error) = collect(&client, cursor(&first), FLAGS_ONLY).await;
    assert!(batches.is_empty(), "{batches:?}");
    assert_eq!(error.unwrap().code().as_str(), "PROTOCOL_VIOLATION");
    client.close();
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
async fn a_mailbox_that_goes_away_in_the_middle_is_an_error_and_inbox_is_not_called_missing() {
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
        assert_eq!(error.unwrap().code().as_str(), "COMMAND_REJECTED");
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
                ["UID", "SEARCH", ref asked @ ..] => {
                    let asked = asked.last().unwrap().replace("ALL", "1:*").replace('*', &exists.to_string());
                    let asked = email_imap::UidRanges::parse(asked.as_bytes()).unwrap();
                    let found = asked.iter().map(|uid| format!(" {}", uid.min(exists))).collect::<String>();
                    format!("* SEARCH{found}\r\n")
                }
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
