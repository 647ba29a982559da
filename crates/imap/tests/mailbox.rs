//! LIST, STATUS, SEARCH, SELECT, STORE, APPEND: what is asked, and what comes of the answers.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a helper that meets anything unexpected must fail its test"
)]

mod support;

use email_base::{Classify, Timestamp};
use email_imap::{AppendOptions, ListQuery, MailboxOptions};
use support::*;

const WITH_STATUS: &str = "IMAP4rev1 LIST-EXTENDED LIST-STATUS SPECIAL-USE CONDSTORE STATUS=SIZE";

#[tokio::test]
async fn list_with_everything_in_one_command() {
    let mock = server(
        WITH_STATUS,
        format!(
            "C: {{tag}} LIST \"\" \"*\" RETURN (SUBSCRIBED CHILDREN SPECIAL-USE STATUS (MESSAGES UNSEEN UIDNEXT UIDVALIDITY HIGHESTMODSEQ SIZE))\n\
             S: * LIST (\\HasNoChildren \\Subscribed) \"/\" INBOX\n\
             S: * STATUS INBOX (MESSAGES 2 UNSEEN 1 UIDNEXT 9 UIDVALIDITY 7 HIGHESTMODSEQ 12 SIZE 3000)\n\
             S: * LIST (\\HasNoChildren \\Sent) \"/\" \"Gesendete Objekte\"\n\
             S: * STATUS \"Gesendete Objekte\" (MESSAGES 0 UNSEEN 0 UIDNEXT 1 UIDVALIDITY 8 HIGHESTMODSEQ 1 SIZE 0)\n\
             S: * LIST (\\Noselect \\HasChildren) \"/\" Kunden\n\
             S: * LIST (\\HasNoChildren) \"/\" \"Kunden/M&APw-ller\"\n\
             S: {{tag}} OK done\n{LOGOUT}"
        ),
    );
    let client = connect(&mock).await;
    let list = client.list(json(r#"{"status":true}"#), &call()).await.unwrap();
    let shown: Vec<_> = list.iter().map(|m| serde_json::to_value(m).unwrap()).collect();
    assert_eq!(shown[0]["specialUse"], "inbox");
    assert_eq!(shown[0]["subscribed"], true);
    assert_eq!(shown[0]["status"]["highestModSeq"], "12");
    assert_eq!((&shown[1]["path"], &shown[1]["specialUse"]), (&"Gesendete Objekte".into(), &"sent".into()));
    assert_eq!((&shown[2]["selectable"], &shown[2]["status"]), (&false.into(), &serde_json::Value::Null));
    assert_eq!((&shown[3]["path"], &shown[3]["name"]), (&"Kunden/Müller".into(), &"Müller".into()));
    assert_eq!(shown[3]["parent"], "Kunden");
    finish(client, mock).await;
}

#[tokio::test]
async fn list_on_exchange_takes_two_round_trips() {
    // No LIST-EXTENDED, no LIST-STATUS, no SPECIAL-USE; attributes come all the same, the archive by its name.
    let mock = server(
        "IMAP4rev1 UIDPLUS MOVE",
        format!(
            "C: {{a}} LIST \"\" \"*\"\n\
             C: {{b}} LSUB \"\" \"*\"\n\
             S: * LIST (\\HasNoChildren) \"/\" INBOX\n\
             S: * LIST (\\HasNoChildren \\Trash) \"/\" \"Deleted Items\"\n\
             S: * LIST (\\HasNoChildren) \"/\" Archive\n\
             S: * LIST (\\HasNoChildren) \"/\" Projects/Archive\n\
             S: {{a}} OK done\n\
             S: * LSUB () \"/\" INBOX\n\
             S: * LSUB (\\Noselect) \"/\" Projects\n\
             S: {{b}} OK done\n\
             C: {{a}} STATUS \"INBOX\" (MESSAGES UNSEEN UIDNEXT UIDVALIDITY)\n\
             C: {{b}} STATUS \"Deleted Items\" (MESSAGES UNSEEN UIDNEXT UIDVALIDITY)\n\
             C: {{c}} STATUS \"Archive\" (MESSAGES UNSEEN UIDNEXT UIDVALIDITY)\n\
             C: {{d}} STATUS \"Projects/Archive\" (MESSAGES UNSEEN UIDNEXT UIDVALIDITY)\n\
             S: * STATUS INBOX (MESSAGES 2 UNSEEN 1 UIDNEXT 9 UIDVALIDITY 7)\n\
             S: {{a}} OK done\n\
             S: {{b}} NO not this one\n\
             S: * STATUS Archive (MESSAGES 5 UNSEEN 0 UIDNEXT 6 UIDVALIDITY 8)\n\
             S: {{c}} OK done\n\
             S: * STATUS Projects/Archive (MESSAGES 6 UNSEEN 0 UIDNEXT 7 UIDVALIDITY 9)\n\
             S: {{d}} OK done\n{LOGOUT}"
        ),
    );
    let client = connect(&mock).await;
    let list = client.list(json(r#"{"status":true}"#), &call()).await.unwrap();
    let uses: Vec<_> = list.iter().map(|m| m.special_use.map(|u| format!("{u:?}"))).collect();
    assert_eq!(uses, [Some("Inbox".into()), Some("Trash".into()), Some("Archive".into()), None]);
    assert_eq!(list.iter().map(|m| m.subscribed).collect::<Vec<_>>(), [true, false, false, false]);
    let counts: Vec<_> = list.iter().map(|m| m.status.as_ref().map(|s| s.messages)).collect();
    assert_eq!(counts, [Some(2), None, Some(5), Some(6)]);
    finish(client, mock).await;
}

#[tokio::test]
async fn the_counters_of_another_mailbox_are_not_those_asked_for() {
    let status = |name: &str, rows: &str| {
        format!("C: {{tag}} STATUS \"{name}\" (MESSAGES UNSEEN UIDNEXT UIDVALIDITY)\n{rows}S: {{tag}} OK done\n")
    };
    let other = "S: * STATUS Other (MESSAGES 99)\nS: * STATUS \"More\" (MESSAGES 98)\n";
    let mock = server(
        "IMAP4rev1",
        status("INBOX", &format!("S: * STATUS Inbox (MESSAGES 3)\n{other}"))
            + &status("Entw&APw-rfe", &format!("{other}S: * STATUS \"Entwürfe\" (MESSAGES 4)\n"))
            + &status("Odd", "S: * STATUS INBOX.Odd (MESSAGES 5)\n")
            + &status("Other/2", other)
            + "X: eof\n",
    );
    let client = connect(&mock).await;
    for (path, messages) in [("INBOX", 3), ("Entwürfe", 4), ("Odd", 5)] {
        assert_eq!(client.status(path, &call()).await.unwrap().messages, messages, "{path}");
    }
    assert_eq!(code(client.status("Other/2", &call()).await), "PROTOCOL_VIOLATION");
    mock.finished().await;
}

#[tokio::test]
async fn the_inbox_is_one_however_list_lsub_and_status_spell_it() {
    let mock = server(
        "IMAP4rev1",
        format!(
            "C: {{a}} LIST \"\" \"*\"\n\
             C: {{b}} LSUB \"\" \"*\"\n\
             S: * LIST () \"/\" InBox\n\
             S: {{a}} OK done\n\
             S: * LSUB () \"/\" inbox\n\
             S: {{b}} OK done\n\
             C: {{a}} STATUS \"INBOX\" (MESSAGES UNSEEN UIDNEXT UIDVALIDITY)\n\
             S: * STATUS Inbox (MESSAGES 2)\n\
             S: {{a}} OK done\n{LOGOUT}"
        ),
    );
    let client = connect(&mock).await;
    let list = client.list(json(r#"{"status":true}"#), &call()).await.unwrap();
    let shown: Vec<_> = list.iter().map(|m| (m.subscribed, m.status.as_ref().map(|s| s.messages))).collect();
    assert_eq!(shown, [(true, Some(2))]);
    finish(client, mock).await;
}

#[tokio::test]
async fn a_name_that_is_no_utf7_goes_back_as_it_came() {
    let mock = server(
        "IMAP4rev1",
        format!(
            "C: {{a}} LIST \"\" \"R&-D*\"\n\
             C: {{b}} LSUB \"\" \"R&-D*\"\n\
             S: * LIST () \"/\" \"R&D\"\n\
             S: {{a}} OK done\n\
             S: {{b}} OK done\n\
             C: {{tag}} STATUS \"R&D\" (MESSAGES UNSEEN UIDNEXT UIDVALIDITY)\n\
             S: * STATUS \"R&D\" (MESSAGES 1)\n\
             S: {{tag}} OK done\n{LOGOUT}"
        ),
    );
    let client = connect(&mock).await;
    let list = client.list(ListQuery { pattern: Some("R&D*".into()), ..Default::default() }, &call()).await.unwrap();
    assert_eq!(list[0].path, "R&D");
    assert_eq!(client.status(&list[0].path, &call()).await.unwrap().messages, 1);
    finish(client, mock).await;
}

#[tokio::test]
async fn search_by_esearch_and_by_search() {
    let mock = server(
        "IMAP4rev1 ESEARCH",
        format!(
            "{}C: {{tag}} UID SEARCH RETURN (ALL) FROM \"ada\" UNSEEN\n\
             S: * ESEARCH (TAG \"other\") UID ALL 5:8\n\
             S: * ESEARCH (TAG \"{{tag}}\") UID ALL 9,1:3\n\
             S: {{tag}} OK done\n\
             C: {{noop}} NOOP\n\
             S: * 6 EXISTS\n\
             S: {{noop}} OK done\n\
             C: {{tag}} UID SEARCH RETURN (ALL) 5:6\n\
             S: * ESEARCH UID ALL 20:21\n\
             S: {{tag}} OK done\n{LOGOUT}",
            examine("INBOX", 4)
        ),
    );
    let client = connect(&mock).await;
    let none = MailboxOptions::default();
    assert_eq!(
        client.search("INBOX", json(r#"{"from":"ada","seen":false}"#), none, &call()).await.unwrap(),
        [1, 2, 3, 9],
        "5 to 8 answer another command"
    );
    let newest = client.search("inbox", json(r#"{"uid":{"newest":2}}"#), none, &call()).await.unwrap();
    assert_eq!(newest, [20, 21], "the open mailbox was refreshed first");
    finish(client, mock).await;

    let mock = server(
        "IMAP4rev1",
        format!(
            "{}C: {{tag}} UID SEARCH CHARSET UTF-8 UID 100:* SUBJECT {{7}}\n\
             S: + go on\n\
             C: Grüße\n\
             S: * SEARCH 120 50 110\n\
             S: {{tag}} OK done\n{LOGOUT}",
            examine("INBOX", 4)
        ),
    );
    let client = connect(&mock).await;
    let found = client.search("INBOX", json(r#"{"subject":"Grüße","uid":"100:*"}"#), none, &call()).await.unwrap();
    assert_eq!(found, [110, 120], "50 is the newest message, not one from 100 on");
    finish(client, mock).await;
}

#[tokio::test]
async fn a_long_uid_set_is_asked_in_pieces() {
    let uids: Vec<u32> = (0..3000).map(|n| n * 2 + 1_000_000).collect();
    let mock = email_testkit::Mock::start(async move |listener| {
        let mut peer = log_in(listener.accept().await, "IMAP4rev1").await;
        let mut names = Default::default();
        peer = peer.play_with(&examine("INBOX", 3000), &mut names).await.unwrap();
        let mut pieces = 0;
        loop {
            let line = peer.receive_line().await;
            assert!(line.len() < 7100, "{} bytes", line.len());
            let (tag, rest) = line.split_once(' ').unwrap();
            if rest == "LOGOUT" {
                peer.send(format!("* BYE\r\n{tag} OK\r\n")).await;
                break;
            }
            let set = rest.strip_prefix("UID SEARCH UID ").unwrap();
            peer.send(format!("* SEARCH {}\r\n{tag} OK\r\n", set.replace(',', " "))).await;
            pieces += 1;
        }
        assert!(pieces > 2);
    });
    let client = connect(&mock).await;
    let query = json(&format!(r#"{{"uid":{uids:?}}}"#));
    assert_eq!(client.search("INBOX", query, MailboxOptions::default(), &call()).await.unwrap(), uids);
    finish(client, mock).await;
}

#[tokio::test]
async fn capability_missing() {
    let mock = server("IMAP4rev1", LOGOUT);
    let client = connect(&mock).await;
    for query in [r#"{"gmailRaw":"x"}"#, r#"{"not":{"modSeq":"1"}}"#] {
        let outcome = client.search("INBOX", json(query), MailboxOptions::default(), &call()).await;
        assert_eq!(code(outcome), "CAPABILITY_MISSING");
    }
    finish(client, mock).await;
}

#[tokio::test]
async fn a_mailbox_that_is_not_there() {
    for reply in ["NO [NONEXISTENT] no such mailbox", "NO Mailbox doesn't exist", "NO nope"] {
        let mock = server(
            "IMAP4rev1",
            format!(
                "C: {{tag}} EXAMINE \"x\"\nS: {{tag}} {reply}\nC: {{tag}} STATUS \"x\" (MESSAGES UNSEEN UIDNEXT UIDVALIDITY)\nS: {{tag}} {reply}\n{LOGOUT}"
            ),
        );
        let client = connect(&mock).await;
        let search = client.search("x", json("{}"), MailboxOptions::default(), &call()).await;
        assert_eq!(code(search), "MAILBOX_NOT_FOUND", "{reply}");
        assert_eq!(code(client.status("x", &call()).await), "MAILBOX_NOT_FOUND", "{reply}");
        finish(client, mock).await;
    }
}

#[tokio::test]
async fn unsafe_login_says_what_to_do() {
    let mock = server(
        "IMAP4rev1",
        format!(
            "C: {{tag}} EXAMINE \"INBOX\"\nS: {{tag}} NO SELECT Unsafe Login. Please contact kefu@188.com for help\n{LOGOUT}"
        ),
    );
    let client = connect(&mock).await;
    let error = client.search("INBOX", json("{}"), MailboxOptions::default(), &call()).await.unwrap_err();
    assert_eq!((error.code().as_str(), error.action().as_str()), ("MAILBOX_UNAVAILABLE", "fix-config"));
    assert!(error.to_string().contains("clientId"));
    finish(client, mock).await;
}

#[tokio::test]
async fn uidvalidity_guard_on_every_call() {
    let select =
        "C: {tag} SELECT \"INBOX\"\nS: * 3 EXISTS\nS: * OK [UIDVALIDITY 7] ok\nS: {tag} OK [READ-WRITE] open\n";
    // After the first refusal the mailbox stays open; nothing but NOOP goes ahead of the next ones.
    let mock = server(
        "IMAP4rev1 UIDPLUS",
        format!(
            "{}C: {{tag}} NOOP\nS: {{tag}} OK\nC: {{tag}} NOOP\nS: {{tag}} OK\nC: {{tag}} NOOP\nS: {{tag}} OK\nC: {{tag}} NOOP\nS: {{tag}} OK\n{select}{LOGOUT}",
            examine("INBOX", 3)
        ),
    );
    let client = connect(&mock).await;
    let stale = MailboxOptions { uid_validity: Some(6) };
    assert_eq!(code(client.search("INBOX", json("{}"), stale, &call()).await), "UIDVALIDITY_CHANGED");
    assert_eq!(code(client.search("INBOX", json("{}"), stale, &call()).await), "UIDVALIDITY_CHANGED");
    let fetch = email_imap::FetchOptions { uid_validity: Some(6), page_size: None };
    let mut pages = client.fetch("INBOX", uids("1:*"), json(r#"{"flags":true}"#), fetch, &call());
    assert_eq!(code(pages.next().await.unwrap()), "UIDVALIDITY_CHANGED");
    assert!(pages.next().await.is_none());
    assert_eq!(
        code(client.fetch_one("INBOX", 1, json(r#"{"source":true}"#), stale, &call()).await),
        "UIDVALIDITY_CHANGED"
    );
    let download = email_imap::DownloadOptions { uid_validity: Some(6), ..Default::default() };
    assert_eq!(code(client.download("INBOX", 1, download, &call()).next().await.unwrap()), "UIDVALIDITY_CHANGED");
    let flags = ["\\Seen".to_owned()];
    assert_eq!(code(client.add_flags("INBOX", uids("1"), &flags, stale, &call()).await), "UIDVALIDITY_CHANGED");
    finish(client, mock).await;
}

#[tokio::test]
async fn flags_are_stored_in_a_mailbox_open_for_writing() {
    let mock = server(
        "IMAP4rev1",
        format!(
            "{}C: {{tag}} UID SEARCH ALL\n\
             S: * SEARCH 1\n\
             S: {{tag}} OK done\n\
             C: {{tag}} SELECT \"INBOX\"\n\
             S: * 3 EXISTS\n\
             S: * OK [UIDVALIDITY 7] ok\n\
             S: {{tag}} OK [READ-WRITE] open\n\
             C: {{tag}} UID STORE 1:3,9 +FLAGS.SILENT (\\Seen $Label1)\n\
             S: {{tag}} OK done\n\
             C: {{tag}} UID STORE 1 -FLAGS.SILENT (\\Seen)\n\
             S: {{tag}} OK done\n\
             C: {{tag}} UID STORE 1:* FLAGS.SILENT ()\n\
             S: {{tag}} OK done\n\
             C: {{noop}} NOOP\n\
             C: {{tag}} UID FETCH 1 (UID FLAGS)\n\
             S: {{noop}} OK\n\
             S: * 1 FETCH (UID 1 FLAGS ())\n\
             S: {{tag}} OK done\n{LOGOUT}",
            examine("INBOX", 3)
        ),
    );
    let client = connect(&mock).await;
    let none = MailboxOptions::default();
    client.search("INBOX", json("{}"), none, &call()).await.unwrap();
    client.add_flags("INBOX", uids("9,3:1"), &["\\Seen".into(), "$Label1".into()], none, &call()).await.unwrap();
    client.remove_flags("INBOX", uids("1"), &["\\Seen".into()], none, &call()).await.unwrap();
    client.set_flags("INBOX", uids("1:*"), &[], none, &call()).await.unwrap();
    client.add_flags("INBOX", uids("1"), &[], none, &call()).await.unwrap();
    let one = client.fetch_one("INBOX", 1, json(r#"{"flags":true}"#), none, &call()).await.unwrap().unwrap();
    assert_eq!(one.flags.unwrap().len(), 0);
    finish(client, mock).await;
}

#[tokio::test]
async fn a_range_beyond_the_newest_message_touches_nothing() {
    let mock = server(
        "IMAP4rev1",
        format!(
            "C: {{tag}} SELECT \"INBOX\"\n\
             S: * 3 EXISTS\n\
             S: * OK [UIDVALIDITY 7] ok\n\
             S: {{tag}} OK [READ-WRITE] open\n\
             C: {{tag}} NOOP\n\
             S: {{tag}} OK\n\
             C: {{tag}} UID SEARCH UID 100:*\n\
             S: * SEARCH 50\n\
             S: {{tag}} OK done\n\
             C: {{tag}} NOOP\n\
             S: {{tag}} OK\n\
             C: {{tag}} FETCH 2:* (UID)\n\
             S: * 2 FETCH (UID 40)\n\
             S: * 3 FETCH (UID 50)\n\
             S: {{tag}} OK done\n\
             C: {{tag}} UID STORE 40,50 +FLAGS.SILENT (\\Deleted)\n\
             S: {{tag}} OK done\n{LOGOUT}"
        ),
    );
    let client = connect(&mock).await;
    let (none, flags) = (MailboxOptions::default(), ["\\Deleted".to_owned()]);
    client.add_flags("INBOX", uids("100:*"), &flags, none, &call()).await.unwrap();
    client.add_flags("INBOX", json(r#"{"newest":2}"#), &flags, none, &call()).await.unwrap();
    finish(client, mock).await;
}

#[tokio::test]
async fn all_of_an_empty_mailbox_is_nothing_and_no_mistake() {
    let select = "C: {tag} SELECT \"INBOX\"\nS: * 0 EXISTS\nS: * OK [UIDVALIDITY 7] ok\nS: {tag} OK open\n";
    // What is known may be old: each asks first.
    let noop = "C: {tag} NOOP\nS: {tag} OK\n";
    let mock = server("IMAP4rev1 UIDPLUS", format!("{select}{noop}{noop}{noop}{LOGOUT}"));
    let client = connect(&mock).await;
    let (all, none, flags) = (|| uids("1:*"), MailboxOptions::default(), ["\\Seen".to_owned()]);
    client.add_flags("INBOX", all(), &flags, none, &call()).await.unwrap();
    client.delete("INBOX", all(), none, &call()).await.unwrap();
    let copied = client.copy("INBOX", all(), "Archive", none, &call()).await.unwrap();
    assert_eq!(copied.uids, Some(Vec::new()));
    finish(client, mock).await;
}

#[tokio::test]
async fn append_by_every_kind_of_literal() {
    let message = "Subject: a\r\n\r\nb";
    let options =
        || AppendOptions { flags: Some(vec!["\\Draft".into()]), internal_date: Some(Timestamp(760_139_545_000)) };
    for (capabilities, literal, go) in
        [("IMAP4rev1", "{15}", "S: + go\n"), ("IMAP4rev1 LITERAL+", "{15+}", ""), ("IMAP4rev1 LITERAL-", "{15+}", "")]
    {
        let mock = server(
            capabilities,
            format!(
                "C: {{tag}} APPEND \"Entw&APw-rfe\" (\\Draft) \" 1-Feb-1994 21:52:25 +0000\" {literal}\n\
                 {go}C: Subject: a\nC: \nC: b\n\
                 S: {{tag}} OK [APPENDUID 7 12] done\n{LOGOUT}"
            ),
        );
        let client = connect(&mock).await;
        let placed = client.append("Entwürfe", message.into(), options(), &call()).await.unwrap();
        assert_eq!((placed.uid, placed.uid_validity), (Some(12), Some(7)));
        finish(client, mock).await;
    }
}

#[tokio::test]
async fn append_refused_before_and_after_the_upload() {
    let mock = server(
        "IMAP4rev1 APPENDLIMIT=10",
        format!(
            "C: {{tag}} APPEND \"x\" {{5}}\n\
             S: {{tag}} NO [TRYCREATE] no such mailbox\n\
             C: {{tag}} APPEND \"x\" {{5}}\n\
             S: {{tag}} NO [OVERQUOTA] full\n\
             C: {{tag}} APPEND \"x\" {{5}}\n\
             S: * 4 EXISTS\n\
             S: + go\n\
             C: a: b\\\n\
             S: {{tag}} NO [TOOBIG] no\n{LOGOUT}"
        )
        .replace("a: b\\", "a: bc"),
    );
    let client = connect(&mock).await;
    let append =
        async |message: &'static str| client.append("x", message.into(), AppendOptions::default(), &call()).await;
    assert_eq!(code(append("12345678901").await), "MESSAGE_TOO_LARGE");
    assert_eq!(code(append("a: bc").await), "MAILBOX_NOT_FOUND");
    assert_eq!(code(append("a: bc").await), "QUOTA_EXCEEDED");
    assert_eq!(code(append("a: bc").await), "MESSAGE_TOO_LARGE");
    assert_eq!(code(append("").await), "INVALID_ARGUMENT");
    assert_eq!(code(append("a\0b").await), "INVALID_ARGUMENT");
    finish(client, mock).await;
}

#[tokio::test]
async fn injection_by_every_argument_sends_nothing() {
    let mock = server("IMAP4rev1 UIDPLUS", LOGOUT);
    let client = connect(&mock).await;
    let none = MailboxOptions::default();
    for evil in ["a\r\nA2 DELETE x", "a\nb", "a\rb", "a\0b"] {
        assert_eq!(code(client.status(evil, &call()).await), "INVALID_MAILBOX_NAME");
        assert_eq!(code(client.search(evil, json("{}"), none, &call()).await), "INVALID_MAILBOX_NAME");
        let list = ListQuery { pattern: Some(evil.into()), ..Default::default() };
        assert_eq!(code(client.list(list, &call()).await), "INVALID_MAILBOX_NAME");
        let mut pages = client.fetch(evil, uids("1"), json("{}"), Default::default(), &call());
        assert_eq!(code(pages.next().await.unwrap()), "INVALID_MAILBOX_NAME");
        let mut chunks = client.download(evil, 1, Default::default(), &call());
        assert_eq!(code(chunks.next().await.unwrap()), "INVALID_MAILBOX_NAME");
        assert_eq!(code(client.append(evil, "a: b".into(), Default::default(), &call()).await), "INVALID_MAILBOX_NAME");
        for flag in [evil, "{9+}", "a b", "(", "\\Recent", ""] {
            let outcome = client.add_flags("INBOX", uids("1"), &[flag.into()], none, &call()).await;
            assert_eq!(code(outcome), "INVALID_ARGUMENT", "{flag:?}");
            let options = AppendOptions { flags: Some(vec![flag.into()]), internal_date: None };
            assert_eq!(code(client.append("x", "a: b".into(), options, &call()).await), "INVALID_ARGUMENT");
        }
        let mut query: email_imap::types::SearchQuery = json("{}");
        query.from = Some(evil.into());
        assert_eq!(code(client.search("INBOX", query, none, &call()).await), "INVALID_ARGUMENT");
        let mut query: email_imap::types::FetchQuery = json("{}");
        query.headers = email_imap::types::HeaderFields::Named(vec![evil.into()]);
        assert_eq!(code(client.fetch_one("INBOX", 1, query, none, &call()).await), "INVALID_ARGUMENT");
        let part = email_imap::DownloadOptions { part: Some(evil.into()), ..Default::default() };
        assert_eq!(code(client.download("INBOX", 1, part, &call()).next().await.unwrap()), "INVALID_ARGUMENT");
    }
    finish(client, mock).await;
}
