//! `fetch` from a server that some messages make refuse, hang up or flood: the others come.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a helper that meets anything unexpected must fail its test"
)]

mod support;

use email_base::Classify as _;
use email_imap::FetchOptions;
use email_testkit::Mock;
use support::fetch::*;
use support::*;

/// What a server does when it is asked for a message that it cannot give.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Trouble {
    Refuses,
    /// Hangs up, behind the rows before it.
    Dies,
    /// Sends more than this client reads in a line.
    Floods,
}

/// Messages 1 to 5, some of which make trouble.
fn troubled(trouble: Trouble, poisoned: &'static [u32]) -> Mock {
    Mock::each(None, async move |_, peer| {
        let mut peer = log_in(peer, "IMAP4rev1").await;
        while let Some(line) = peer.try_receive_line().await {
            let (tag, command) = line.split_once(' ').unwrap();
            let mut answer = String::new();
            let mut status = "OK done";
            let mut dies = false;
            if command.starts_with("EXAMINE") {
                answer = "* 5 EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\n".to_owned();
            } else if let Some(set) = command.strip_prefix("UID SEARCH UID ") {
                let set = email_imap::UidRanges::parse(set.as_bytes()).unwrap();
                let found = set.iter().map(|uid| format!(" {uid}")).collect::<String>();
                answer = format!("* SEARCH{found}\r\n");
            } else if let Some((_, rest)) = command.split_once("FETCH ") {
                let (set, items) = rest.split_once(' ').unwrap();
                let set = email_imap::UidRanges::parse(set.replace('*', "5").as_bytes()).unwrap();
                let bare = items == "(UID)" || items == "(UID RFC822.SIZE)";
                let troubles = |uid: &u32| !bare && poisoned.contains(uid);
                dies = trouble == Trouble::Dies && set.iter().any(|uid| troubles(&uid));
                for uid in set.iter().filter(|uid| *uid <= 5) {
                    if troubles(&uid) {
                        match trouble {
                            Trouble::Refuses => status = "NO Some messages could not be FETCHed (Failure)",
                            Trouble::Dies => break,
                            Trouble::Floods => {
                                answer += &format!("* {uid} FETCH (UID {uid} X-Y {})\r\n", "x".repeat(3 << 20))
                            }
                        }
                        continue;
                    }
                    let attribute = match items {
                        _ if bare => "RFC822.SIZE 4".to_owned(),
                        _ if items.contains("ENVELOPE") => format!("ENVELOPE (NIL \"{uid}\"{})", " NIL".repeat(8)),
                        _ => "BODY[] \"a: b\"".to_owned(),
                    };
                    answer += &format!("* {uid} FETCH (UID {uid} {attribute})\r\n");
                }
            }
            let end = if dies { String::new() } else { format!("{tag} {status}\r\n") };
            if peer.try_send(format!("{answer}{end}")).await.is_err() || dies {
                return;
            }
        }
    })
}

#[tokio::test]
async fn some_messages_that_the_server_cannot_give_do_not_cost_the_others() {
    for trouble in [Trouble::Refuses, Trouble::Dies, Trouble::Floods] {
        for poisoned in [&[3][..], &[1], &[5], &[1, 2, 4], &[1, 2, 3, 4]] {
            for (query, set) in
                [(r#"{"source":true}"#, "1:*"), (r#"{"envelope":true}"#, "1:*"), (r#"{"envelope":true}"#, "newest")]
            {
                if trouble == Trouble::Floods && poisoned.contains(&1) {
                    continue;
                }
                let mock = troubled(trouble, poisoned);
                let client = connect(&mock).await;
                let set = if set == "newest" { json(r#"{"newest":5}"#) } else { uids(set) };
                let (messages, error) =
                    all(client.fetch("INBOX", set, json(query), FetchOptions::default(), &call())).await;
                assert!(error.is_none(), "{trouble:?} {poisoned:?} {query}: {error:?}");
                let mut found = numbers(&messages);
                found.sort_unstable();
                assert_eq!(found, [1, 2, 3, 4, 5], "{trouble:?} {poisoned:?} {query}");
                for message in &messages {
                    assert_eq!(message.degraded.is_some(), poisoned.contains(&message.uid), "{}", message.uid);
                }
                client.close();
            }
        }
    }
}

#[tokio::test]
async fn a_server_that_begins_with_what_is_no_row_is_not_asked_again() {
    for query in [r#"{"source":true}"#, r#"{"envelope":true}"#] {
        let mock = troubled(Trouble::Floods, &[1]);
        let client = connect(&mock).await;
        let (messages, error) =
            all(client.fetch("INBOX", uids("1:*"), json(query), FetchOptions::default(), &call())).await;
        assert_eq!(error.unwrap().code().as_str(), "LIMIT_EXCEEDED", "{query}");
        assert_eq!(numbers(&messages), [0; 0], "{query}");
        client.close();
    }
}

#[tokio::test]
async fn a_server_that_dies_of_every_message_is_told_as_it_is() {
    for (poisoned, set) in [(&[1, 2, 3, 4, 5][..], "1:*"), (&[3], "3")] {
        for query in [r#"{"source":true}"#, r#"{"envelope":true}"#] {
            let mock = troubled(Trouble::Dies, poisoned);
            let client = connect(&mock).await;
            let (messages, error) =
                all(client.fetch("INBOX", uids(set), json(query), FetchOptions::default(), &call())).await;
            assert_eq!(error.unwrap().code().as_str(), "CONNECTION_LOST", "{set} {query}");
            assert_eq!(numbers(&messages), [0; 0], "{set} {query}");
            client.close();
        }
    }
}
