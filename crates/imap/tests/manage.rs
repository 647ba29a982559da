//! CREATE, RENAME, DELETE, COPY, MOVE, expunge of just these, replace.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a helper that meets anything unexpected must fail its test"
)]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use email_imap::MailboxOptions;
use email_imap::types::{SpecialUse, UidMapping};
use email_testkit::Mock;
use support::*;

const SELECT: &str =
    "C: {tag} SELECT \"INBOX\"\nS: * 3 EXISTS\nS: * OK [UIDVALIDITY 7] ok\nS: {tag} OK [READ-WRITE] open\n";

fn pairs(mapping: &UidMapping) -> Vec<(u32, u32)> {
    mapping.uids.as_ref().unwrap().iter().map(|pair| (pair.from, pair.to)).collect()
}

#[tokio::test]
async fn create_rename_delete_with_their_subscriptions() {
    let mock = server(
        "IMAP4rev1 UNSELECT CREATE-SPECIAL-USE",
        format!(
            "C: {{tag}} CREATE \"Kunden/M&APw-ller\"\nS: {{tag}} OK\n\
             C: {{tag}} SUBSCRIBE \"Kunden/M&APw-ller\"\nS: {{tag}} NO we have none\n\
             C: {{tag}} CREATE \"Archiv\" (USE (\\Archive))\nS: {{tag}} OK\n\
             C: {{tag}} SUBSCRIBE \"Archiv\"\nS: {{tag}} OK\n\
             C: {{tag}} CREATE \"Archiv\"\nS: {{tag}} NO [ALREADYEXISTS] it does\n\
             C: {{tag}} EXAMINE \"Archiv\"\nS: * 0 EXISTS\nS: {{tag}} OK\n\
             C: {{tag}} UID SEARCH ALL\nS: * SEARCH\nS: {{tag}} OK\n\
             C: {{tag}} UNSELECT\nS: {{tag}} OK\n\
             C: {{tag}} RENAME \"Archiv\" \"Alt\"\nS: {{tag}} OK\n\
             C: {{tag}} UNSUBSCRIBE \"Archiv\"\nS: {{tag}} OK\n\
             C: {{tag}} SUBSCRIBE \"Alt\"\nS: {{tag}} OK\n\
             C: {{tag}} DELETE \"Alt\"\nS: {{tag}} OK\n\
             C: {{tag}} UNSUBSCRIBE \"Alt\"\nS: {{tag}} OK\n\
             C: {{tag}} DELETE \"Alt\"\nS: {{tag}} NO [NONEXISTENT] gone\n\
             C: {{tag}} RENAME \"Alt\" \"Neu\"\nS: {{tag}} NO [NONEXISTENT] gone\n{LOGOUT}"
        ),
    );
    let client = connect(&mock).await;
    client.create("Kunden/Müller", None, &call()).await.unwrap();
    client.create("Archiv", Some(SpecialUse::Archive), &call()).await.unwrap();
    assert_eq!(code(client.create("Archiv", None, &call()).await), "MAILBOX_EXISTS");
    client.search("Archiv", json("{}"), MailboxOptions::default(), &call()).await.unwrap();
    client.rename("Archiv", "Alt", &call()).await.unwrap();
    client.delete_mailbox("Alt", &call()).await.unwrap();
    assert_eq!(code(client.delete_mailbox("Alt", &call()).await), "MAILBOX_NOT_FOUND");
    assert_eq!(code(client.rename("Alt", "Neu", &call()).await), "MAILBOX_NOT_FOUND");
    for evil in ["a\r\nA2 NOOP", "a\0", ""] {
        assert_eq!(code(client.create(evil, None, &call()).await), "INVALID_MAILBOX_NAME");
        assert_eq!(code(client.rename("a", evil, &call()).await), "INVALID_MAILBOX_NAME");
        assert_eq!(code(client.delete_mailbox(evil, &call()).await), "INVALID_MAILBOX_NAME");
    }
    finish(client, mock).await;
}

#[tokio::test]
async fn a_mailbox_below_a_renamed_or_removed_one_does_not_stay_open_under_its_old_name() {
    let search = "C: {tag} UID SEARCH ALL\nS: * SEARCH 1\nS: {tag} OK\n";
    let opened = format!(
        "C: {{tag}} EXAMINE \"A~B\"\nS: * 1 EXISTS\nS: {{tag}} OK\n{search}C: {{tag}} UNSELECT\nS: {{tag}} OK\n"
    );
    let gone = "C: {tag} EXAMINE \"A~B\"\nS: {tag} NO [NONEXISTENT] gone\n";
    let mock = server(
        "IMAP4rev1 UNSELECT",
        format!(
            "{opened}C: {{tag}} RENAME \"A\" \"C\"\nS: {{tag}} OK\n\
             C: {{tag}} UNSUBSCRIBE \"A\"\nS: {{tag}} OK\n\
             C: {{tag}} SUBSCRIBE \"C\"\nS: {{tag}} OK\n{gone}\
             {opened}C: {{tag}} DELETE \"A\"\nS: {{tag}} OK\n\
             C: {{tag}} UNSUBSCRIBE \"A\"\nS: {{tag}} OK\n{gone}{LOGOUT}"
        ),
    );
    let client = connect(&mock).await;
    let search = async || client.search("A~B", json("{}"), MailboxOptions::default(), &call()).await;
    assert_eq!(search().await.unwrap(), [1]);
    client.rename("A", "C", &call()).await.unwrap();
    assert_eq!(code(search().await), "MAILBOX_NOT_FOUND");
    assert_eq!(search().await.unwrap(), [1]);
    client.delete_mailbox("A", &call()).await.unwrap();
    assert_eq!(code(search().await), "MAILBOX_NOT_FOUND");
    finish(client, mock).await;
}

#[tokio::test]
async fn a_renamed_mailbox_does_not_stay_open_on_another_connection() {
    let gone = Arc::new(AtomicBool::new(false));
    let is_gone = gone.clone();
    let mock = Mock::each(None, async move |_, peer| {
        let mut peer = log_in(peer, "IMAP4rev1").await;
        while let Some(line) = peer.try_receive_line().await {
            let (tag, command) = line.split_once(' ').unwrap();
            let said = match command {
                "EXAMINE \"X\"" if is_gone.load(SeqCst) => format!("{tag} NO [NONEXISTENT] gone\r\n"),
                "UID SEARCH ALL" => format!("* SEARCH 1\r\n{tag} OK\r\n"),
                other => {
                    is_gone.fetch_or(other.starts_with("RENAME") || other.starts_with("DELETE"), SeqCst);
                    format!("* 1 EXISTS\r\n{tag} OK\r\n")
                }
            };
            if peer.try_send(said).await.is_err() {
                return;
            }
        }
    });
    for renames in [true, false] {
        gone.store(false, SeqCst);
        let mut options = options(&mock, email_net::Security::None);
        options.max_connections = 2;
        let client = email_imap::Client::connect(options, &call()).await.unwrap();
        let call = call();
        let search = |path| client.search(path, json("{}"), MailboxOptions::default(), &call);
        let (one, other) = tokio::join!(search("X"), search("INBOX"));
        one.and(other).unwrap();
        let leave = async {
            if renames { client.rename("X", "Y", &call).await } else { client.delete_mailbox("X", &call).await }
        };
        // The connection that has X open is busy: the other one does it.
        let (found, left) = tokio::join!(search("X"), leave);
        assert_eq!(found.unwrap(), [1]);
        left.unwrap();
        assert_eq!(code(search("X").await), "MAILBOX_NOT_FOUND");
        assert_eq!(search("INBOX").await.unwrap(), [1]);
        client.close();
    }
}

#[tokio::test]
async fn a_use_that_the_server_cannot_keep_is_refused() {
    let mock = server("IMAP4rev1", LOGOUT);
    let client = connect(&mock).await;
    let outcome = client.create("Archive", Some(SpecialUse::Archive), &call()).await;
    assert_eq!(code(outcome), "CAPABILITY_MISSING");
    finish(client, mock).await;
}

#[tokio::test]
async fn copy_tells_the_new_uids() {
    let mock = server(
        "IMAP4rev1 UIDPLUS",
        format!(
            "{}C: {{tag}} UID COPY 2:4,9 \"Archive\"\n\
             S: {{tag}} OK [COPYUID 38 2:3,9 300,100:101] done\n\
             C: {{tag}} UID COPY 5 \"Archive\"\n\
             S: {{tag}} OK done\n\
             C: {{tag}} UID COPY 5 \"Archive\"\n\
             S: {{tag}} OK [COPYUID 38 1:4294967295 1:3] a lie\n\
             C: {{tag}} UID COPY 5 \"Nowhere\"\n\
             S: {{tag}} NO [TRYCREATE] no such mailbox\n{LOGOUT}",
            examine("INBOX", 9)
        ),
    );
    let client = connect(&mock).await;
    let none = MailboxOptions::default();
    let copied = client.copy("INBOX", uids("2:4,9"), "Archive", none, &call()).await.unwrap();
    assert_eq!(copied.uid_validity, Some(38));
    assert_eq!(pairs(&copied), [(2, 300), (3, 100), (9, 101)], "paired in the order written");
    for _ in 0..2 {
        let unknown = client.copy("INBOX", uids("5"), "Archive", none, &call()).await.unwrap();
        assert_eq!(unknown, UidMapping::default());
    }
    let nowhere = client.copy("INBOX", uids("5"), "Nowhere", none, &call()).await;
    assert!(nowhere.as_ref().unwrap_err().to_string().contains("Nowhere"));
    assert_eq!(code(nowhere), "MAILBOX_NOT_FOUND");
    finish(client, mock).await;
}

#[tokio::test]
async fn move_by_move() {
    let mock = server(
        "IMAP4rev1 UIDPLUS MOVE",
        format!(
            "{SELECT}C: {{tag}} UID MOVE 2:3 \"Trash\"\n\
             S: * OK [COPYUID 38 2:3 100:101] moving\n\
             S: * 2 EXPUNGE\n\
             S: * 2 EXPUNGE\n\
             S: {{tag}} OK done\n{LOGOUT}"
        ),
    );
    let client = connect(&mock).await;
    let moved = client.r#move("INBOX", uids("2:3"), "Trash", MailboxOptions::default(), &call()).await.unwrap();
    assert_eq!(pairs(&moved), [(2, 100), (3, 101)]);
    finish(client, mock).await;
}

#[tokio::test]
async fn move_without_move_removes_only_what_was_copied() {
    // 4 arrives between the copy and the removal: it is in `2:*` and must stay.
    let mock = server(
        "IMAP4rev1 UIDPLUS",
        format!(
            "{SELECT}C: {{tag}} UID SEARCH UID 2:*\n\
             S: * SEARCH 2 3\n\
             S: {{tag}} OK\n\
             C: {{tag}} UID COPY 2:3 \"Trash\"\n\
             S: * 4 EXISTS\n\
             S: {{tag}} OK [COPYUID 38 2:3 100:101] done\n\
             C: {{tag}} UID STORE 2:3 +FLAGS.SILENT (\\Deleted)\n\
             S: {{tag}} OK\n\
             C: {{tag}} UID EXPUNGE 2:3\n\
             S: * 2 EXPUNGE\n\
             S: * 2 EXPUNGE\n\
             S: {{tag}} OK\n{LOGOUT}"
        ),
    );
    let client = connect(&mock).await;
    let moved = client.r#move("INBOX", uids("2:*"), "Trash", MailboxOptions::default(), &call()).await.unwrap();
    assert_eq!(pairs(&moved), [(2, 100), (3, 101)]);
    finish(client, mock).await;
}

#[tokio::test]
async fn without_uidplus_nothing_is_removed() {
    let mock = server("IMAP4rev1", LOGOUT);
    let client = connect(&mock).await;
    let none = MailboxOptions::default();
    assert_eq!(code(client.r#move("INBOX", uids("2"), "Trash", none, &call()).await), "CAPABILITY_MISSING");
    assert_eq!(code(client.delete("INBOX", uids("2"), none, &call()).await), "CAPABILITY_MISSING");
    let replaced = client.replace("Drafts", 2, "a: b".into(), None, none, &call()).await;
    assert_eq!(code(replaced), "CAPABILITY_MISSING");
    finish(client, mock).await;
}

#[tokio::test]
async fn a_failed_copy_removes_nothing() {
    let mock = server(
        "IMAP4rev1 UIDPLUS",
        format!(
            "{SELECT}C: {{tag}} UID SEARCH UID 2\nS: * SEARCH 2\nS: {{tag}} OK\n\
             C: {{tag}} UID COPY 2 \"Trash\"\nS: {{tag}} NO [OVERQUOTA] full\n{LOGOUT}"
        ),
    );
    let client = connect(&mock).await;
    let outcome = client.r#move("INBOX", uids("2"), "Trash", MailboxOptions::default(), &call()).await;
    assert_eq!(code(outcome), "QUOTA_EXCEEDED");
    finish(client, mock).await;
}

#[tokio::test]
async fn delete_expunges_just_these() {
    let mock = server(
        "IMAP4rev1 UIDPLUS",
        format!(
            "{SELECT}C: {{tag}} UID STORE 2,9 +FLAGS.SILENT (\\Deleted)\nS: {{tag}} OK\n\
             C: {{tag}} UID EXPUNGE 2,9\nS: * 2 EXPUNGE\nS: {{tag}} OK\n{LOGOUT}"
        ),
    );
    let client = connect(&mock).await;
    client.delete("INBOX", uids("2,9"), MailboxOptions::default(), &call()).await.unwrap();
    finish(client, mock).await;
}

#[tokio::test]
async fn a_replaced_draft_is_never_lost() {
    let select = SELECT.replace("INBOX", "Drafts");
    let append = "C: {tag} APPEND \"Drafts\" (\\Draft) {4+}\nC: a: b\n";
    // First the new version, then the old one goes; a refused upload leaves everything as it was; a connection lost in
    // between is reopened for the removal.
    let mock = email_testkit::Mock::start(async move |listener| {
        let first = format!(
            "{}{select}{append}S: {{tag}} NO [OVERQUOTA] full\n{append}S: {{tag}} OK [APPENDUID 7 12] done\n\
             C: {{tag}} UID STORE 9 +FLAGS.SILENT (\\Deleted)\nX: reset\n",
            login("IMAP4rev1 UIDPLUS LITERAL+")
        );
        listener.accept().await.play(&first).await;
        let second = format!(
            "{}{select}C: {{tag}} UID STORE 9 +FLAGS.SILENT (\\Deleted)\nS: {{tag}} OK\n\
             C: {{tag}} UID EXPUNGE 9\nS: {{tag}} OK\n{LOGOUT}",
            login("IMAP4rev1 UIDPLUS LITERAL+")
        );
        listener.accept().await.play(&second).await;
    });
    let client = connect(&mock).await;
    let none = MailboxOptions::default();
    let flags = || Some(vec!["\\Draft".to_owned()]);
    let refused = client.replace("Drafts", 9, "a: b".into(), flags(), none, &call()).await;
    assert_eq!(code(refused), "QUOTA_EXCEEDED");
    let placed = client.replace("Drafts", 9, "a: b".into(), flags(), none, &call()).await.unwrap();
    assert_eq!((placed.uid, placed.uid_validity), (Some(12), Some(7)));
    finish(client, mock).await;
}
