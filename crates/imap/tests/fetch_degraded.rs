//! `fetch` of what is broken or cannot be had: the row comes all the same, and says so.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a helper that meets anything unexpected must fail its test"
)]

mod support;

use email_imap::{Client, FetchOptions, MailboxOptions};
use email_net::Security;
use email_testkit::Mock;
use support::fetch::*;
use support::*;

#[tokio::test]
async fn a_message_for_which_the_server_says_ok_and_nothing() {
    // MailKit#1615: such a UID stalled an account for ever. UID 6 was deleted meanwhile: that is not the same.
    let mock = server(
        "IMAP4rev1",
        format!(
            "{}C: {{tag}} UID FETCH 4:6 (UID RFC822.SIZE)\n\
             S: * 1 FETCH (UID 4 RFC822.SIZE 20)\n\
             S: * 2 FETCH (UID 5 RFC822.SIZE 20)\n\
             S: * 3 FETCH (UID 6 RFC822.SIZE 20)\n\
             S: {{tag}} OK done\n\
             C: {{tag}} UID FETCH 4:6 (UID BODY.PEEK[])\n\
             S: * 1 FETCH (UID 4 BODY[] \"a: b\")\n\
             S: {{tag}} OK done\n\
             C: {{tag}} UID SEARCH UID 5:6\n\
             S: * SEARCH 5\n\
             S: {{tag}} OK done\n{LOGOUT}",
            examine("INBOX", 3)
        ),
    );
    let client = connect(&mock).await;
    let query = json(r#"{"source":true}"#);
    let (messages, error) = all(client.fetch("INBOX", uids("4:6"), query, FetchOptions::default(), &call())).await;
    assert!(error.is_none());
    assert_eq!(numbers(&messages), [4, 5]);
    assert_eq!(messages[1].degraded.as_ref().unwrap().code.as_str(), "INCOMPLETE_MESSAGE");
    finish(client, mock).await;
}

#[tokio::test]
async fn a_message_of_which_not_even_the_size_is_given() {
    let mock = server(
        "IMAP4rev1",
        format!(
            "{}C: {{tag}} UID FETCH 1:* (UID RFC822.SIZE)\n\
             S: * 1 FETCH (UID 4 RFC822.SIZE 4)\n\
             S: {{tag}} OK done\n\
             C: {{tag}} UID SEARCH UID 1:*\n\
             S: * SEARCH 4 5\n\
             S: {{tag}} OK done\n\
             C: {{tag}} UID FETCH 4:5 (UID BODY.PEEK[])\n\
             S: * 1 FETCH (UID 4 BODY[] \"a: b\")\n\
             S: {{tag}} OK done\n\
             C: {{tag}} UID SEARCH UID 5\n\
             S: * SEARCH 5\n\
             S: {{tag}} OK done\n{LOGOUT}",
            examine("INBOX", 2)
        ),
    );
    let client = connect(&mock).await;
    let query = json(r#"{"source":true}"#);
    let (messages, error) = all(client.fetch("INBOX", uids("1:*"), query, FetchOptions::default(), &call())).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(numbers(&messages), [4, 5]);
    assert_eq!(messages[1].degraded.as_ref().unwrap().code.as_str(), "INCOMPLETE_MESSAGE");
    finish(client, mock).await;
}

#[tokio::test]
async fn a_message_of_which_not_even_the_uid_is_given() {
    let mock = Mock::each(None, async move |_, peer| {
        let mut peer = log_in(peer, "IMAP4rev1").await;
        while let Some(line) = peer.try_receive_line().await {
            let (tag, command) = line.split_once(' ').unwrap();
            let rows = |data: &str| format!("* 1 FETCH (UID 1 {data})\r\n* 3 FETCH (UID 3 {data})\r\n");
            let said = match command {
                "EXAMINE \"INBOX\"" => "* 3 EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\n".to_owned(),
                "UID SEARCH UID 2" => "* SEARCH 2\r\n".to_owned(),
                _ if command.starts_with("UID SEARCH UID 4:") => "* SEARCH 3\r\n".to_owned(),
                _ if command.starts_with("UID SEARCH") => "* SEARCH 1 2 3\r\n".to_owned(),
                _ if command.starts_with("UID FETCH 2 ") => String::new(),
                _ if command.contains("BODY.PEEK[]") => rows("BODY[] \"a: b\""),
                _ if command.contains("FETCH") => rows("FLAGS () RFC822.SIZE 4"),
                _ => String::new(),
            };
            if peer.try_send(format!("{said}{tag} OK done\r\n")).await.is_err() {
                return;
            }
        }
    });
    let client = connect(&mock).await;
    for query in [r#"{"flags":true}"#, r#"{"source":true}"#] {
        let (messages, error) =
            all(client.fetch("INBOX", uids("1:*"), json(query), FetchOptions::default(), &call())).await;
        assert!(error.is_none(), "{query}: {error:?}");
        let mut found = numbers(&messages);
        found.sort_unstable();
        assert_eq!(found, [1, 2, 3], "{query}");
    }
    let batches = support::sync::sync(&client, None).await;
    let mut added = support::sync::added(&batches);
    added.sort_unstable();
    assert_eq!(added, [1, 2, 3]);
    client.close();
}

#[tokio::test]
async fn a_message_without_a_row_is_there_all_the_same() {
    let row = |uid: u32| format!("S: * {} FETCH (UID {uid} RFC822.SIZE 9)\n", uid - 3);
    let mock = server(
        "IMAP4rev1",
        examine("INBOX", 3)
            + "C: {tag} UID FETCH 4:7 (UID RFC822.SIZE)\n"
            + &row(4)
            + &row(6)
            + "S: {tag} OK done\n\
               C: {tag} UID SEARCH UID 4:7\nS: * SEARCH 4 5 6\nS: {tag} OK done\n\
               C: {noop} NOOP\nS: {noop} OK\n\
               C: {tag} FETCH 2:* (UID RFC822.SIZE)\n"
            + &row(6)
            + "S: {tag} OK done\n\
               C: {tag} FETCH 2:* (UID)\nS: * 2 FETCH (UID 5)\nS: * 3 FETCH (UID 6)\nS: {tag} OK done\n\
               C: {noop} NOOP\nS: {noop} OK\n\
               C: {tag} UID FETCH 5 (UID RFC822.SIZE)\nS: {tag} OK done\n\
               C: {tag} UID SEARCH UID 5\nS: * SEARCH 5\nS: {tag} OK done\n\
               C: {noop} NOOP\nS: {noop} OK\n\
               C: {tag} UID FETCH 7 (UID RFC822.SIZE)\nS: {tag} OK done\n\
               C: {tag} UID SEARCH UID 7\nS: * SEARCH\nS: {tag} OK done\n"
            + LOGOUT,
    );
    let client = connect(&mock).await;
    let query = || json(r#"{"size":true}"#);
    for (set, expected) in [(uids("4:7"), &[4, 5, 6][..]), (json(r#"{"newest":2}"#), &[5, 6])] {
        let (messages, error) = all(client.fetch("INBOX", set, query(), FetchOptions::default(), &call())).await;
        assert!(error.is_none(), "{error:?}");
        assert_eq!(numbers(&messages), expected);
        for message in messages {
            assert_eq!(message.degraded.map(|d| d.code.as_str()), (message.uid == 5).then_some("INCOMPLETE_MESSAGE"));
        }
    }
    for (uid, there) in [(5, true), (7, false)] {
        let one = client.fetch_one("INBOX", uid, query(), MailboxOptions::default(), &call()).await.unwrap();
        assert_eq!(one.map(|message| message.degraded.is_some()), there.then_some(true), "{uid}");
    }
    finish(client, mock).await;
}

#[tokio::test]
async fn what_the_server_says_at_its_end_is_no_content() {
    // The literal was announced longer than what came before the BYE: its last octets are the farewell's.
    let mock = Mock::each(None, async move |connection, peer| {
        let mut peer = log_in(peer, "IMAP4rev1").await;
        while let Some(line) = peer.try_receive_line().await {
            let (tag, command) = line.split_once(' ').unwrap();
            let answer = if command.starts_with("EXAMINE") {
                "* 1 EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\n"
            } else if command.contains("RFC822.SIZE") {
                "* 1 FETCH (UID 4 RFC822.SIZE 20)\r\n"
            } else if connection == 0 {
                let _ = peer.try_send("* 1 FETCH (UID 4 BODY[] {20}\r\na: b\r\n\r\n").await;
                let _ = peer.try_send("* BYE Session invalidated - AccessTokenExpired\r\n").await;
                return;
            } else {
                "* 1 FETCH (UID 4 BODY[] {20}\r\na: b\r\n\r\n0123456789\r\n)\r\n"
            };
            if peer.try_send(format!("{answer}{tag} OK done\r\n")).await.is_err() {
                return;
            }
        }
    });
    let client = connect(&mock).await;
    let query = json(r#"{"source":true}"#);
    let (messages, error) = all(client.fetch("INBOX", uids("1:*"), query, FetchOptions::default(), &call())).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0].source.as_ref().unwrap().0, "a: b\r\n\r\n0123456789\r\n");
    assert!(messages[0].degraded.is_none());
    client.close();
}

#[tokio::test]
async fn a_stub_in_place_of_a_message_is_told() {
    let stub = "Subject: x\\r\\n\\r\\nThe server couldn't retrieve the following message:\\r\\n";
    let length = stub.replace("\\r\\n", "\r\n").len();
    let mock = server(
        "IMAP4rev1",
        format!(
            "{}C: {{tag}} UID FETCH 4 (UID BODY.PEEK[])\n\
             S~: * 1 FETCH (UID 4 BODY[] {{{length}}}\\r\\n{stub})\\r\\n\n\
             S: {{tag}} OK done\n{LOGOUT}",
            examine("INBOX", 3)
        ),
    );
    let client = connect(&mock).await;
    let one = client.fetch_one("INBOX", 4, json(r#"{"message":true}"#), MailboxOptions::default(), &call()).await;
    let one = one.unwrap().unwrap();
    assert_eq!(one.degraded.unwrap().code.as_str(), "INCOMPLETE_MESSAGE");
    assert!(one.message.is_some());
    finish(client, mock).await;
}

#[tokio::test]
async fn missing_items_degrade_the_row() {
    let mock = server(
        "IMAP4rev1",
        format!(
            "{}C: {{tag}} UID FETCH 1:3 (UID INTERNALDATE ENVELOPE BODY.PEEK[HEADER.FIELDS (Subject X-A)])\n\
             S: * 1 FETCH (UID 1 INTERNALDATE NIL ENVELOPE (NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL) BODY[HEADER.FIELDS (\"SUBJECT\" X-A)] {{9}}\n\
             S~: X-A: b\\r\\n\\r)\\r\\n\n\
             S: * 2 FETCH (UID 2 ENVELOPE (NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL))\n\
             S: * 3 FETCH (UID 3)\n\
             S: {{tag}} OK done\n\
             C: {{tag}} UID FETCH 3 (UID BODY.PEEK[HEADER])\n\
             S: {{tag}} OK done\n{LOGOUT}",
            examine("INBOX", 3)
        ),
    );
    let client = connect(&mock).await;
    let query = json(r#"{"internalDate":true,"envelope":true,"headers":["Subject","X-A"]}"#);
    let (messages, error) = all(client.fetch("INBOX", uids("1:3"), query, FetchOptions::default(), &call())).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(numbers(&messages), [1, 2, 3]);
    assert_eq!(messages[0].headers.as_ref().unwrap(), &[("x-a".to_owned(), vec!["b".to_owned()])]);
    assert!(messages[1].degraded.is_some() && messages[2].degraded.is_some());
    finish(client, mock).await;
}

#[tokio::test]
async fn a_broken_envelope_is_read_from_the_header() {
    // MailKit#919 and others: Exchange sends envelopes outside the grammar.
    let mock = server(
        "IMAP4rev1",
        format!(
            "{}C: {{tag}} UID FETCH 1:3 (UID ENVELOPE)\n\
             S: * 1 FETCH (UID 1 ENVELOPE (NIL \"one\" NIL NIL NIL NIL NIL NIL NIL NIL))\n\
             S: * 2 FETCH (UID 2 ENVELOPE ())\n\
             S: * 3 FETCH (UID 3)\n\
             S: {{tag}} OK done\n\
             C: {{tag}} UID FETCH 2:3 (UID BODY.PEEK[HEADER])\n\
             S: * 2 FETCH (UID 2 BODY[HEADER] {{43}}\n\
             S~: From: Ada <a@example.com>\\r\\nSubject: two\\r\\n\\r\n\
             S~: )\\r\\n\n\
             S: {{tag}} OK done\n{LOGOUT}",
            examine("INBOX", 3)
        )
        .replace("\\r\n", "\\r\\n\n"),
    );
    let client = connect(&mock).await;
    let query = json(r#"{"envelope":true}"#);
    let (messages, error) = all(client.fetch("INBOX", uids("1:3"), query, FetchOptions::default(), &call())).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(numbers(&messages), [1, 2, 3]);
    let subjects: Vec<_> = messages.iter().map(|m| m.envelope.as_ref().and_then(|e| e.subject.as_deref())).collect();
    assert_eq!(subjects, [Some("one"), Some("two"), None]);
    assert_eq!(messages[1].envelope.as_ref().unwrap().reply_to[0].address, "a@example.com");
    assert_eq!(messages.iter().map(|m| m.degraded.is_some()).collect::<Vec<_>>(), [false, true, true]);
    finish(client, mock).await;
}

#[tokio::test]
async fn a_row_outside_the_grammar_does_not_vanish() {
    let mock = server(
        "IMAP4rev1",
        format!(
            "{}C: {{tag}} UID FETCH 1:3 (UID FLAGS)\n\
             S: * 1 FETCH (UID 1 FLAGS ())\n\
             S: * 2 FETCH NIL\n\
             S: {{tag}} OK done\n\
             C: {{tag}} UID SEARCH UID 1:3\n\
             S: * SEARCH 1 2\n\
             S: {{tag}} OK done\n{LOGOUT}",
            examine("INBOX", 3)
        ),
    );
    let client = connect(&mock).await;
    let query = json(r#"{"flags":true}"#);
    let (messages, error) = all(client.fetch("INBOX", uids("1:3"), query, FetchOptions::default(), &call())).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(numbers(&messages), [1, 2]);
    assert_eq!(messages[1].degraded.as_ref().unwrap().code.as_str(), "INCOMPLETE_MESSAGE");
    finish(client, mock).await;
}

#[tokio::test]
async fn a_broken_structure_is_read_from_the_message() {
    let mock = server(
        "IMAP4rev1 LITERAL+",
        format!(
            "{}C: {{tag}} UID FETCH 5:7 (UID BODYSTRUCTURE)\n\
             S: * 1 FETCH (UID 5 BODYSTRUCTURE (\"text\" \"plain\" NIL NIL NIL \"7bit\" 9 1))\n\
             S: * 2 FETCH (UID 6 BODYSTRUCTURE oops)\n\
             S: * 3 FETCH (UID 7)\n\
             S: {{tag}} OK done\n\
             C: {{tag}} UID FETCH 6 (UID BODY.PEEK[]<0.8388608>)\n\
             S: * 2 FETCH (UID 6 BODY[]<0> {{96}}\n\
             S~: Content-Type: multipart/mixed; boundary=x\\r\\n\\r\\n--x\\r\\n\\r\\nhi\\r\\n--x\\r\\nContent-Type: image/png\\r\\n\\r\\n1\\r\\n--x--)\\r\\n\n\
             S: {{tag}} OK done\n\
             C: {{tag}} UID FETCH 7 (UID BODY.PEEK[]<0.8388608>)\n\
             S: {{tag}} NO not this one\n{LOGOUT}",
            examine("INBOX", 3),
        ),
    );
    let client = connect(&mock).await;
    let query = json(r#"{"bodyStructure":true}"#);
    let (messages, error) = all(client.fetch("INBOX", uids("5:7"), query, FetchOptions::default(), &call())).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(messages[0].degraded, None);
    let mended = messages[1].body_structure.as_ref().unwrap();
    let parts: Vec<_> = mended.children.iter().map(|p| (p.part.as_str(), p.media_type.as_str(), p.size)).collect();
    assert_eq!(parts, [("1", "text/plain", 2), ("2", "image/png", 1)]);
    assert_eq!(messages[1].degraded.as_ref().unwrap().code.as_str(), "PROTOCOL_VIOLATION");
    assert_eq!(messages[2].body_structure, None, "one that cannot be mended stops nothing");
    assert!(messages[2].degraded.is_some());
    finish(client, mock).await;
}

#[tokio::test]
async fn what_is_broken_among_thousands_is_mended_too() {
    let mock = Mock::each(None, async |_, peer| {
        let mut peer = log_in(peer, "IMAP4rev1").await;
        while let Some(line) = peer.try_receive_line().await {
            let (tag, command) = line.split_once(' ').unwrap();
            let mut said = String::new();
            if command.starts_with("EXAMINE") {
                said = "* 1500 EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\n".into();
            } else if command.starts_with("UID SEARCH") {
                said = format!("* SEARCH{}\r\n", (1..=1500).map(|uid| format!(" {uid}")).collect::<String>());
            } else if let Some(rest) = command.strip_prefix("UID FETCH ") {
                let (set, items) = rest.split_once(' ').unwrap();
                for uid in email_imap::UidRanges::parse(set.as_bytes()).unwrap().iter() {
                    said += &if items.contains("HEADER") {
                        format!("* {uid} FETCH (UID {uid} BODY[HEADER] \"Subject: m{uid}\")\r\n")
                    } else if uid % 500 == 0 {
                        format!("* {uid} FETCH (UID {uid} ENVELOPE oops)\r\n")
                    } else {
                        format!("* {uid} FETCH (UID {uid} ENVELOPE (NIL m{uid} NIL NIL NIL NIL NIL NIL NIL NIL))\r\n")
                    };
                }
            }
            if peer.try_send(format!("{said}{tag} OK done\r\n")).await.is_err() {
                return;
            }
        }
    });
    let client = connect(&mock).await;
    let query = json(r#"{"envelope":true}"#);
    let (mut messages, error) = all(client.fetch("INBOX", uids("1:*"), query, FetchOptions::default(), &call())).await;
    assert!(error.is_none(), "{error:?}");
    messages.sort_by_key(|message| message.uid);
    assert_eq!(numbers(&messages), (1..=1500).collect::<Vec<_>>());
    for message in messages {
        let subject = message.envelope.unwrap().subject;
        assert_eq!(subject, Some(format!("m{}", message.uid)));
        assert_eq!(message.degraded.is_some(), message.uid % 500 == 0);
    }
    client.close();
}

#[tokio::test]
async fn a_message_beyond_the_limit_costs_its_content_only() {
    // The sizes told are honest, or lie.
    for told in [5000, 10] {
        let mock = Mock::each(None, async move |_, peer| {
            let mut peer = log_in(peer, "IMAP4rev1").await;
            while let Some(line) = peer.try_receive_line().await {
                let (tag, command) = line.split_once(' ').unwrap();
                let mut said = String::new();
                if command.starts_with("EXAMINE") {
                    said = "* 9 EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\n".into();
                } else if let Some(rest) = command.strip_prefix("UID FETCH ") {
                    let (set, items) = rest.split_once(' ').unwrap();
                    let set = set.replace('*', "9");
                    for uid in email_imap::UidRanges::parse(set.as_bytes()).unwrap().iter() {
                        let large = uid == 4;
                        let body = format!("Subject: {uid}\r\n\r\n{}", "x".repeat(if large { 5000 } else { 10 }));
                        let size = if large { told } else { body.len() };
                        let content = if items.contains("BODY.PEEK[]") {
                            format!(" BODY[] {{{}}}\r\n{body}", body.len())
                        } else {
                            String::new()
                        };
                        said += &format!("* {uid} FETCH (UID {uid} FLAGS (\\Seen) RFC822.SIZE {size}{content})\r\n");
                    }
                }
                if peer.try_send(format!("{said}{tag} OK done\r\n")).await.is_err() {
                    return;
                }
            }
        });
        let mut options = options(&mock, Security::None);
        options.limits.max_literal_bytes = 1000;
        let client = Client::connect(options, &call()).await.unwrap();
        let query = || json(r#"{"source":true,"flags":true}"#);
        let (mut messages, error) =
            all(client.fetch("INBOX", uids("1:*"), query(), FetchOptions::default(), &call())).await;
        assert!(error.is_none(), "{error:?}");
        messages.sort_by_key(|message| message.uid);
        assert_eq!(numbers(&messages), (1..=9).collect::<Vec<_>>());
        let one = client.fetch_one("INBOX", 4, query(), MailboxOptions::default(), &call()).await.unwrap().unwrap();
        for large in [&messages[3], &one] {
            assert_eq!(large.source, None);
            assert_eq!(large.flags.as_ref().unwrap(), &["\\Seen"]);
            assert_eq!(large.degraded.as_ref().unwrap().code.as_str(), "LIMIT_EXCEEDED");
        }
        assert!(messages.iter().filter(|m| m.uid != 4).all(|m| m.source.is_some() && m.degraded.is_none()));
        client.close();
    }
}

#[tokio::test]
async fn headers_of_which_the_server_has_none_are_asked_for_all_the_same() {
    let mock = server(
        "IMAP4rev1",
        format!(
            "{}C: {{tag}} UID FETCH 4:5 (UID BODY.PEEK[HEADER.FIELDS (Subject)])\n\
             S: * 1 FETCH (UID 4 BODY[HEADER.FIELDS (Subject)] NIL)\n\
             S: * 2 FETCH (UID 5 BODY[HEADER.FIELDS (Subject)] {{2}}\n\
             S: \n\
             S: )\n\
             S: {{tag}} OK done\n{LOGOUT}",
            examine("INBOX", 2)
        ),
    );
    let client = connect(&mock).await;
    let query = json(r#"{"headers":["Subject"]}"#);
    let (messages, error) = all(client.fetch("INBOX", uids("4:5"), query, FetchOptions::default(), &call())).await;
    assert!(error.is_none(), "{error:?}");
    for message in &messages {
        assert_eq!(message.headers.as_ref().map(Vec::len), Some(0), "{}", message.uid);
    }
    finish(client, mock).await;
}
