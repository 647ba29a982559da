//! `sync`: each way a server allows, each event of a real mailbox, byte for byte.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a helper that meets anything unexpected must fail its test"
)]

mod support;

use std::collections::BTreeMap;

use support::sync::*;
use support::*;

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
async fn the_highest_uid_there_can_be_is_not_new_for_ever() {
    let rows = "S: * 1 FETCH (UID 1 FLAGS ())\nS: * 2 FETCH (UID 4294967295 FLAGS ())\n";
    let again = "C: {a} EXAMINE \"INBOX\"\n\
        C: {b} UID SEARCH UID 4294967295:*\n\
        C: {c} UID FETCH 1:4294967295 (UID FLAGS)\n\
        S: * 2 EXISTS\nS: * OK [UIDVALIDITY 7] valid\nS: {a} OK open\n\
        S: * SEARCH 4294967295\nS: {b} OK done\n"
        .to_owned()
        + rows
        + "S: {c} OK done\n";
    let mock = server(
        "IMAP4rev1",
        plain(2)
            + "C: {tag} UID SEARCH ALL\nS: * SEARCH 1 4294967295\nS: {tag} OK done\n\
               C: {tag} UID FETCH 1,4294967295 (UID FLAGS)\n"
            + rows
            + "S: {tag} OK done\n"
            + &again
            + &again
            + LOGOUT,
    );
    let client = connect(&mock).await;
    let first = sync(&client, None).await;
    assert_eq!(added(&first), [u32::MAX, 1]);
    for _ in 0..2 {
        let next = sync(&client, cursor(&first)).await;
        assert_eq!((added(&next), cursor(&next)), (vec![], cursor(&first)));
    }
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
    for refusal in
        ["BAD what?", "NO Unknown command argument", "NO EXAMINE invalid parameters", "NO Unsupported Command"]
    {
        let mock = server(
            "IMAP4rev1 ENABLE QRESYNC CONDSTORE",
            format!(
                "C: {{enable}} ENABLE QRESYNC\nC: {{open}} EXAMINE \"INBOX\" (CONDSTORE)\n\
                 S: {{enable}} BAD what?\nS: {{open}} {refusal}\n{}{LOGOUT}",
                first_of_three().replace("(UID FLAGS)", "(UID FLAGS MODSEQ)")
            ),
        );
        let client = connect(&mock).await;
        assert_eq!(added(&sync(&client, None).await), [3, 2, 1], "{refusal}");
        finish(client, mock).await;
    }
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

/// A mailbox of 300 messages on a server without extensions: all are `\\Seen` but the last one, which is `$Work`.
fn first_of_many() -> String {
    let flags = |uid| if uid == 300 { "$Work" } else { "\\Seen" };
    let rows: String = (1..=300).map(|uid| format!("S: * {uid} FETCH (UID {uid} FLAGS ({}))\n", flags(uid))).collect();
    let all = (1..=300).map(|uid| uid.to_string()).collect::<Vec<_>>().join(" ");
    plain(300)
        + &format!("C: {{tag}} UID SEARCH ALL\nS: * SEARCH {all}\nS: {{tag}} OK done\n")
        + &format!("C: {{tag}} UID FETCH 1:300 (UID FLAGS)\n{rows}S: {{tag}} OK done\n")
}

/// What the next sync of it asks, and the answer to EXAMINE.
const LOOK_AT_MANY: &str = "C: {a} EXAMINE \"INBOX\"\n\
    C: {b} UID SEARCH UID 301:*\n\
    C: {c} UID SEARCH UNSEEN\nC: {d} UID SEARCH ANSWERED\nC: {e} UID SEARCH FLAGGED\n\
    C: {f} UID SEARCH DRAFT\nC: {g} UID SEARCH DELETED\nC: {h} UID SEARCH KEYWORD $Work\n\
    S: * FLAGS (\\Seen $Work $New)\nS: * 300 EXISTS\nS: * OK [UIDVALIDITY 7] valid\nS: {a} OK open\n";

/// Syncs twice: what has changed for the second one.
async fn changes_of_many(transcript: &str) -> BTreeMap<u32, String> {
    let mock = server("IMAP4rev1", first_of_many() + LOOK_AT_MANY + transcript + LOGOUT);
    let client = connect(&mock).await;
    let options = r#"{"fetch":{"flags":true},"batchSize":1000}"#;
    let (first, error) = collect(&client, None, options).await;
    assert!(error.is_none(), "{error:?}");
    let (second, error) = collect(&client, cursor(&first), options).await;
    assert!(error.is_none(), "{error:?}");
    finish(client, mock).await;
    changed(&second)
}

#[tokio::test]
async fn flags_of_many_messages_are_searched_for_by_what_is_rare() {
    let changes = changes_of_many(
        "S: * SEARCH 300\nS: {b} OK done\n\
         S: * SEARCH 7 300\nS: {c} OK done\nS: * SEARCH\nS: {d} OK done\nS: * SEARCH 7 9\nS: {e} OK done\n\
         S: * SEARCH\nS: {f} OK done\nS: * SEARCH\nS: {g} OK done\nS: * SEARCH\nS: {h} OK done\n\
         C: {tag} UID SEARCH KEYWORD $New\nS: * SEARCH 10\nS: {tag} OK done\n",
    )
    .await;
    let expected = [(7, "\\Flagged"), (9, "\\Seen \\Flagged"), (10, "\\Seen $New"), (300, "")];
    assert_eq!(changes, expected.map(|(uid, flags)| (uid, flags.to_owned())).into());
}

/// Dovecot is one: flags got onto the wrong messages.
#[tokio::test]
async fn answers_of_a_server_that_searches_for_several_things_at_once_are_not_confused() {
    let one_by_one = "C: {tag} UID SEARCH UID 301:*\nS: * SEARCH 300\nS: {tag} OK done\n\
        C: {tag} UID SEARCH UNSEEN\nS: * SEARCH 300\nS: {tag} OK done\n\
        C: {tag} UID SEARCH ANSWERED\nS: * SEARCH\nS: {tag} OK done\n\
        C: {tag} UID SEARCH FLAGGED\nS: * SEARCH 9\nS: {tag} OK done\n\
        C: {tag} UID SEARCH DRAFT\nS: * SEARCH\nS: {tag} OK done\n\
        C: {tag} UID SEARCH DELETED\nS: * SEARCH\nS: {tag} OK done\n\
        C: {tag} UID SEARCH KEYWORD $Work\nS: * SEARCH 300\nS: {tag} OK done\n\
        C: {tag} UID SEARCH KEYWORD $New\nS: * SEARCH\nS: {tag} OK done\n";
    let answers = [
        // $Work is found before FLAGGED, and all are told to be complete in the end, in order.
        "S: * SEARCH 300\nS: * SEARCH 300\nS: * SEARCH\nS: * SEARCH 300\nS: * SEARCH 9\nS: * SEARCH\nS: * SEARCH\n\
         S: {b} OK done\nS: {c} OK done\nS: {d} OK done\nS: {e} OK done\nS: {f} OK done\nS: {g} OK done\nS: {h} OK done\n",
        // Each is complete behind its row, in another order.
        "S: * SEARCH 300\nS: {b} OK done\nS: * SEARCH\nS: {d} OK done\nS: * SEARCH 300\nS: {c} OK done\n\
         S: * SEARCH\nS: {f} OK done\nS: * SEARCH\nS: {g} OK done\nS: * SEARCH 300\nS: {h} OK done\nS: * SEARCH 9\nS: {e} OK done\n",
        // One without a row, which may be before it or nowhere.
        "S: * SEARCH 300\nS: {b} OK done\nS: * SEARCH 300\nS: {c} OK done\nS: {d} OK done\nS: * SEARCH 9\nS: {e} OK done\n\
         S: * SEARCH\nS: {f} OK done\nS: * SEARCH\nS: {g} OK done\nS: * SEARCH 300\nS: {h} OK done\n",
    ];
    for answers in answers {
        let changes = changes_of_many(&format!("{answers}{one_by_one}")).await;
        assert_eq!(changes, BTreeMap::from([(9, "\\Seen \\Flagged".to_owned())]), "{answers}");
    }
}

#[tokio::test]
async fn a_server_that_was_seen_to_confuse_searches_is_asked_one_by_one_from_then_on() {
    let confused = "S: * SEARCH 300\nS: * SEARCH 300\nS: * SEARCH\nS: * SEARCH 300\nS: * SEARCH\nS: * SEARCH\nS: * SEARCH\n\
        S: {b} OK done\nS: {c} OK done\nS: {d} OK done\nS: {e} OK done\nS: {f} OK done\nS: {g} OK done\nS: {h} OK done\n";
    // A row that was not confused with another one may be missing: nothing was found.
    let each = |flagged: &str| {
        format!(
            "C: {{tag}} UID SEARCH UNSEEN\nS: * SEARCH 300\nS: {{tag}} OK done\n\
             C: {{tag}} UID SEARCH ANSWERED\nS: {{tag}} OK done\n\
             C: {{tag}} UID SEARCH FLAGGED\nS: * SEARCH{flagged}\nS: {{tag}} OK done\n\
             C: {{tag}} UID SEARCH DRAFT\nS: * SEARCH\nS: {{tag}} OK done\n\
             C: {{tag}} UID SEARCH DELETED\nS: * SEARCH\nS: {{tag}} OK done\n\
             C: {{tag}} UID SEARCH KEYWORD $Work\nS: * SEARCH 300\nS: {{tag}} OK done\n"
        )
    };
    let look = LOOK_AT_MANY.replace(" $New", "");
    let first = "C: {tag} UID SEARCH UID 301:*\nS: * SEARCH 300\nS: {tag} OK done\n";
    let again = "C: {a} EXAMINE \"INBOX\"\nC: {b} UID SEARCH UID 301:*\n\
        S: * FLAGS (\\Seen $Work)\nS: * 300 EXISTS\nS: * OK [UIDVALIDITY 7] valid\nS: {a} OK open\n\
        S: * SEARCH 300\nS: {b} OK done\n";
    let mock = server(
        "IMAP4rev1",
        first_of_many() + &look + confused + first + &each("") + again + &each(" 9") + again + &each(" 9") + LOGOUT,
    );
    let client = connect(&mock).await;
    let options = r#"{"fetch":{"flags":true},"batchSize":1000}"#;
    let mut last = None;
    for expected in [None, None, Some(9), None] {
        let (batches, error) = collect(&client, last.as_deref(), options).await;
        assert!(error.is_none(), "{error:?}");
        assert_eq!(changed(&batches).into_keys().next(), expected);
        last = cursor(&batches).map(str::to_owned);
    }
    finish(client, mock).await;
}
