//! A connection's life: aborted calls, lost connections, several at once, the end.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a helper that meets anything unexpected must fail its test"
)]

mod support;

use std::sync::Arc;
use std::time::Duration;

use email_base::{Classify, clock};
use email_imap::{AppendOptions, Client, FetchOptions, MailboxOptions};
use email_net::Security;
use email_testkit::Mock;
use support::*;
use tokio::sync::Notify;

const STATUS: &str = "C: {tag} STATUS \"INBOX\" (MESSAGES UNSEEN UIDNEXT UIDVALIDITY)\n\
                      S: * STATUS INBOX (MESSAGES 3 UNSEEN 1 UIDNEXT 9 UIDVALIDITY 7)\n\
                      S: {tag} OK done\n";

#[tokio::test]
async fn fifty_calls_at_once_on_one_connection() {
    let mock = server("IMAP4rev1", STATUS.repeat(50) + LOGOUT);
    let client = connect(&mock).await;
    let calls = (0..50).map(|_| {
        let client = client.clone();
        tokio::spawn(async move { client.status("INBOX", &call()).await })
    });
    for outcome in calls.collect::<Vec<_>>() {
        assert_eq!(outcome.await.unwrap().unwrap().messages, 3);
    }
    finish(client, mock).await;
}

#[tokio::test]
async fn an_aborted_call_leaves_the_connection_in_step() {
    let (asked, aborted) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (ask, abort) = (asked.clone(), aborted.clone());
    let mock = Mock::start(async move |listener| {
        let mut peer = log_in(listener.accept().await, "IMAP4rev1").await;
        let line = peer.receive_line().await;
        ask.notify_one();
        abort.notified().await;
        // The answer to the aborted call comes late: it is not taken for the next one's.
        let tag = line.split(' ').next().unwrap();
        peer.send(format!("* STATUS Slow (MESSAGES 99)\r\n{tag} OK done\r\n")).await;
        peer.play(&(STATUS.to_owned() + LOGOUT)).await;
    });
    let client = connect(&mock).await;
    let (call_of_slow, cancel) = call_of(Duration::from_secs(20));
    let slow = tokio::spawn({
        let client = client.clone();
        async move { client.status("Slow", &call_of_slow).await }
    });
    asked.notified().await;
    cancel.cancel();
    assert_eq!(code(slow.await.unwrap()), "ABORTED");
    aborted.notify_one();
    assert_eq!(client.status("INBOX", &call()).await.unwrap().messages, 3);
    assert!(!client.closed());
    finish(client, mock).await;
}

#[tokio::test]
async fn no_call_ever_gets_the_answer_of_another() {
    // Mailbox `m7` has 7 messages, UIDVALIDITY 8, UID 7; the server answers slowly, and half of the calls are aborted at
    // whatever await they have come to.
    let mock = Mock::each(None, async |_, peer| {
        let mut peer = log_in(peer, "IMAP4rev1").await;
        let mut open = 0;
        while let Some(line) = peer.try_receive_line().await {
            let (tag, command) = line.split_once(' ').unwrap();
            let number = || command.split('"').nth(1).unwrap()[1..].parse::<u32>().unwrap();
            let said = if command.starts_with("STATUS") {
                format!("* STATUS \"m{0}\" (MESSAGES {0})\r\n", number())
            } else if command.starts_with("EXAMINE") {
                open = number();
                format!("* {open} EXISTS\r\n* OK [UIDVALIDITY {}] ok\r\n", open + 1)
            } else if command.starts_with("UID SEARCH") {
                format!("* SEARCH {open}\r\n")
            } else if command.starts_with("UID FETCH") {
                format!("* 1 FETCH (UID {open} FLAGS (f{open}) BODY[] \"S: {open}\")\r\n")
            } else {
                String::new()
            };
            for piece in [said, format!("{tag} OK done\r\n")] {
                tokio::task::yield_now().await;
                if peer.try_send(piece).await.is_err() {
                    return;
                }
            }
        }
    });
    let mut options = options(&mock, Security::None);
    options.max_connections = 2;
    let client = Client::connect(options, &call()).await.unwrap();
    let mut running = tokio::task::JoinSet::new();
    for n in 0..300u32 {
        let client = client.clone();
        running.spawn(async move {
            let (call, cancel) = call_of(Duration::from_secs(20));
            if n % 2 == 0 {
                tokio::spawn(async move {
                    for _ in 0..(n * 7919 % 97) {
                        tokio::task::yield_now().await;
                    }
                    cancel.cancel();
                });
            }
            let (m, none) = (1 + n % 9, MailboxOptions::default());
            let path = format!("m{m}");
            let outcome = match n / 9 % 4 {
                0 => client.status(&path, &call).await.map(|status| assert_eq!(status.messages, m)),
                1 => client.search(&path, json("{}"), none, &call).await.map(|found| assert_eq!(found, [m])),
                2 => {
                    let one = client.fetch_one(&path, m, json(r#"{"flags":true}"#), none, &call).await;
                    one.map(|one| assert_eq!(one.unwrap().flags.unwrap(), [format!("f{m}")]))
                }
                _ => {
                    let guard = MailboxOptions { uid_validity: Some(m + 1) };
                    let one = client.fetch_one(&path, m, json(r#"{"source":true}"#), guard, &call).await;
                    one.map(|one| assert_eq!(one.unwrap().source.unwrap().0, format!("S: {m}")))
                }
            };
            match outcome {
                Ok(()) => true,
                Err(error) => {
                    assert_eq!((error.code().as_str(), n % 2), ("ABORTED", 0), "{n}: {error}");
                    false
                }
            }
        });
    }
    let outcomes = running.join_all().await;
    let aborted = outcomes.iter().filter(|done| !**done).count();
    assert!((20..=150).contains(&aborted), "{aborted}");
    client.close();
}

#[tokio::test]
async fn an_already_aborted_call_sends_nothing() {
    let mock = server("IMAP4rev1", LOGOUT);
    let client = connect(&mock).await;
    let (aborted, cancel) = call_of(Duration::from_secs(20));
    cancel.cancel();
    assert_eq!(code(client.status("INBOX", &aborted).await), "ABORTED");
    let mut pages = client.fetch("INBOX", uids("1"), json("{}"), FetchOptions::default(), &aborted);
    assert_eq!(code(pages.next().await.unwrap()), "ABORTED");
    finish(client, mock).await;
}

#[tokio::test]
async fn a_silent_server_costs_the_deadline_and_the_connection_not_the_client() {
    let mock = servers(
        "IMAP4rev1",
        [
            "C: {tag} STATUS \"INBOX\" (MESSAGES UNSEEN UIDNEXT UIDVALIDITY)\nX: eof\n",
            "C: {tag} STATUS \"INBOX\" (MESSAGES UNSEEN UIDNEXT UIDVALIDITY)\nS: * STATUS INBOX (MESSAGES 3)\nS: {tag} OK done\nX: eof\n",
        ],
    );
    let client = connect(&mock).await;
    let (short, _cancel) = call_of(Duration::from_millis(50));
    assert_eq!(code(client.status("INBOX", &short).await), "TIMEOUT");
    // The answer is waited for a little, then the connection is given up and another one opened.
    assert_eq!(client.status("INBOX", &call()).await.unwrap().messages, 3);
    client.close();
    mock.finished().await;
}

#[tokio::test]
async fn an_append_aborted_in_its_literal_ends_the_connection() {
    let mock = servers(
        "IMAP4rev1",
        [
            "C: {tag} APPEND \"x\" {5}\nX: eof\n",
            "C: {tag} STATUS \"INBOX\" (MESSAGES UNSEEN UIDNEXT UIDVALIDITY)\nS: * STATUS INBOX (MESSAGES 3)\nS: {tag} OK done\nX: eof\n",
        ],
    );
    let client = connect(&mock).await;
    let (short, _cancel) = call_of(Duration::from_millis(50));
    assert_eq!(code(client.append("x", "a: bc".into(), AppendOptions::default(), &short).await), "TIMEOUT");
    assert_eq!(client.status("INBOX", &call()).await.unwrap().messages, 3);
    client.close();
    mock.finished().await;
}

#[tokio::test]
async fn a_lost_connection_is_reopened_and_reading_repeated() {
    let mock = servers(
        "IMAP4rev1",
        [
            "C: {tag} STATUS \"INBOX\" (MESSAGES UNSEEN UIDNEXT UIDVALIDITY)\nX: reset\n",
            "C: {tag} STATUS \"INBOX\" (MESSAGES UNSEEN UIDNEXT UIDVALIDITY)\nS: * STATUS INBOX (MESSAGES 3)\nS: {tag} OK done\n\
         C: {tag} APPEND \"x\" {5}\nS: + go\nC: a: bc\nX: reset\n",
            "C: {tag} STATUS \"INBOX\" (MESSAGES UNSEEN UIDNEXT UIDVALIDITY)\nS: * BYE Session invalidated - AccessTokenExpired\nX: close\n",
            "C: {tag} STATUS \"INBOX\" (MESSAGES UNSEEN UIDNEXT UIDVALIDITY)\nS: * STATUS INBOX (MESSAGES 4)\nS: {tag} OK done\nX: eof\n",
        ],
    );
    let client = connect(&mock).await;
    assert_eq!(client.status("INBOX", &call()).await.unwrap().messages, 3);
    // Nobody knows whether the server has it: it is not sent again.
    let append = client.append("x", "a: bc".into(), AppendOptions::default(), &call()).await;
    assert_eq!(code(append), "CONNECTION_LOST");
    assert!(!client.closed());
    assert_eq!(client.status("INBOX", &call()).await.unwrap().messages, 4);
    client.close();
    mock.finished().await;
}

#[tokio::test]
async fn an_expired_session_that_answers_instead_of_hanging_up_is_left_for_another_one() {
    const STATUS: &str = "C: {tag} STATUS \"INBOX\" (MESSAGES UNSEEN UIDNEXT UIDVALIDITY)\n";
    for status in ["NO", "BAD"] {
        let over = format!("{STATUS}S: {{tag}} {status} Session invalidated - AccessTokenExpired\nX: eof\n");
        let mock = Mock::start(async move |listener| {
            listener.accept().await.play(&(login("IMAP4rev1") + &over)).await;
            let again = format!("{STATUS}S: * STATUS INBOX (MESSAGES 4)\nS: {{tag}} OK done\n{LOGOUT}");
            listener.accept().await.play(&(login("IMAP4rev1") + &again)).await;
        });
        let client = connect(&mock).await;
        assert_eq!(client.status("INBOX", &call()).await.unwrap().messages, 4, "{status}");
        finish(client, mock).await;
    }
}

#[tokio::test]
async fn a_throttling_farewell_is_not_answered_by_another_try() {
    let mock = servers(
        "IMAP4rev1",
        ["C: {tag} STATUS \"INBOX\" (MESSAGES UNSEEN UIDNEXT UIDVALIDITY)\n\
         S: * BYE Request is throttled. Suggested Backoff Time: 299961 milliseconds\nX: close\n"],
    );
    let client = connect(&mock).await;
    let error = client.status("INBOX", &call()).await.unwrap_err();
    assert_eq!(error.code().as_str(), "RATE_LIMITED");
    assert_eq!(error.retry_after(), Some(Duration::from_millis(299_961)));
    client.close();
    mock.finished().await;
}

#[tokio::test]
async fn a_pause_is_kept_by_every_client_of_the_mailbox() {
    let mock = Mock::each(None, async |number, peer| {
        let mut peer = log_in(peer, "IMAP4rev1").await;
        if let Some(line) = peer.try_receive_line().await {
            let tag = line.split(' ').next().unwrap();
            assert_eq!(number, 0, "a client did not keep the pause: {line}");
            let said = "Request is throttled. Suggested Backoff Time: 60000 milliseconds";
            peer.send(format!("{tag} NO {said}\r\n")).await;
            peer.receive_all().await;
        }
    });
    let (one, other) = (connect(&mock).await, connect(&mock).await);
    assert_eq!(code(one.status("INBOX", &call()).await), "RATE_LIMITED");
    for client in [&one, &other] {
        let error = client.status("INBOX", &call()).await.unwrap_err();
        assert_eq!(error.code().as_str(), "RATE_LIMITED");
        let left = error.retry_after().unwrap().as_secs();
        assert!((50..=60).contains(&left), "{left}");
    }
    let third = Client::connect(options(&mock, Security::None), &call()).await;
    assert_eq!(code(third), "RATE_LIMITED");
    one.close();
    other.close();
}

#[tokio::test]
async fn a_connection_lost_while_idle_is_noticed() {
    let gone = Arc::new(Notify::new());
    let mock = Mock::start({
        let gone = gone.clone();
        async move |listener| {
            let peer = log_in(listener.accept().await, "IMAP4rev1").await;
            peer.close().await;
            gone.notify_one();
            let second =
                login("IMAP4rev1") + "C: {tag} APPEND \"x\" {5}\nS: + go\nC: a: bc\nS: {tag} OK done\nX: eof\n";
            listener.accept().await.play(&second).await;
        }
    });
    let client = connect(&mock).await;
    gone.notified().await;
    // Give the actor a chance to hear it; an APPEND would not be repeated.
    for _ in 0..1000 {
        tokio::task::yield_now().await;
    }
    client.append("x", "a: bc".into(), AppendOptions::default(), &call()).await.unwrap();
    client.close();
    mock.finished().await;
}

#[tokio::test]
async fn authenticated_but_not_connected_is_tried_again_and_then_told() {
    let not_connected = "C: {tag} EXAMINE \"INBOX\"\nS: {tag} BAD User is authenticated but not connected.\nX: eof\n";
    let search = "C: {tag} EXAMINE \"INBOX\"\nS: * 1 EXISTS\nS: {tag} OK open\n\
                  C: {tag} UID SEARCH ALL\nS: * SEARCH 5\nS: {tag} OK done\nX: eof\n";
    let mock = servers("IMAP4rev1", [not_connected, not_connected, search]);
    let client = connect(&mock).await;
    assert_eq!(client.search("INBOX", json("{}"), MailboxOptions::default(), &call()).await.unwrap(), [5]);
    client.close();
    mock.finished().await;

    let mock = servers("IMAP4rev1", [not_connected]);
    let client = connect(&mock).await;
    let (short, _cancel) = call_of(Duration::from_millis(1));
    // No time for another try: what the server said is the answer, unless even that came too late.
    let error = client.search("INBOX", json("{}"), MailboxOptions::default(), &short).await.unwrap_err();
    assert!(["MAILBOX_UNAVAILABLE", "TIMEOUT"].contains(&error.code().as_str()), "{error}");
    client.close();
    drop(mock);
}

#[tokio::test]
async fn a_refused_login_closes_the_client() {
    let mock = Mock::start(async |listener| {
        let first = login("IMAP4rev1") + "X: close\n";
        listener.accept().await.play(&first).await;
        let refusal = "S: * OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] ready\n\
                       C: {tag} AUTHENTICATE PLAIN {response}\n\
                       S: {tag} NO [AUTHENTICATIONFAILED] no\nX: eof\n";
        listener.accept().await.play(refusal).await;
    });
    let client = connect(&mock).await;
    assert_eq!(code(client.status("INBOX", &call()).await), "AUTHENTICATION_FAILED");
    assert!(client.closed());
    assert_eq!(code(client.status("INBOX", &call()).await), "CLOSED");
    mock.finished().await;
}

#[tokio::test]
async fn a_login_refused_in_the_middle_of_a_stream_is_told_as_such() {
    let mock = Mock::start(async |listener| {
        let first = login("IMAP4rev1") + "X: close\n";
        listener.accept().await.play(&first).await;
        let refusal = "S: * OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] ready\n\
                       C: {tag} AUTHENTICATE PLAIN {response}\n\
                       S: {tag} NO [AUTHENTICATIONFAILED] no\nX: eof\n";
        listener.accept().await.play(refusal).await;
    });
    let client = connect(&mock).await;
    let mut pages = client.fetch("INBOX", uids("1"), json("{}"), FetchOptions::default(), &call());
    assert_eq!(code(pages.next().await.unwrap()), "AUTHENTICATION_FAILED");
    assert!(client.closed());
    mock.finished().await;
}

#[tokio::test]
async fn after_close_every_call_rejects() {
    let mock = server("IMAP4rev1", "X: eof\n");
    let client = connect(&mock).await;
    let mut pages = client.fetch("INBOX", uids("1"), json("{}"), FetchOptions::default(), &call());
    client.close();
    client.close();
    assert!(client.closed());
    assert_eq!(code(client.status("INBOX", &call()).await), "CLOSED");
    assert_eq!(code(pages.next().await.unwrap()), "CLOSED");
    client.logout(&call()).await.unwrap();
    mock.finished().await;
}

#[tokio::test]
async fn close_and_logout_settle_what_is_under_way() {
    for politely in [false, true] {
        let asked = Arc::new(Notify::new());
        let ask = asked.clone();
        let mock = Mock::start(async move |listener| {
            let mut peer = log_in(listener.accept().await, "IMAP4rev1").await;
            // It never answers; then the end comes, LOGOUT or not.
            assert!(peer.receive_line().await.contains("STATUS"));
            ask.notify_one();
            peer.receive_all().await;
        });
        let client = connect(&mock).await;
        let waiting: Vec<_> = (0..5)
            .map(|_| {
                let client = client.clone();
                tokio::spawn(async move { client.status("INBOX", &call()).await })
            })
            .collect();
        asked.notified().await;
        let started = clock::now();
        if politely {
            client.logout(&call()).await.unwrap();
        } else {
            client.close();
        }
        for outcome in waiting {
            assert_eq!(code(outcome.await.unwrap()), "CLOSED");
        }
        assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
        mock.finished().await;
    }
}

#[tokio::test]
async fn dropping_the_client_hangs_up() {
    let mock = server("IMAP4rev1", "X: eof\n");
    drop(connect(&mock).await);
    mock.finished().await;
}

#[tokio::test]
async fn a_refused_further_connection_leaves_its_work_to_the_others() {
    for refusal in ["* BYE Too many connections", "{tag} NO [LIMIT] too many"] {
        let mock = Mock::each(None, async move |number, mut peer| {
            if number > 0 {
                if refusal.starts_with('*') {
                    let _ = peer.try_send(format!("{refusal}\r\n")).await;
                } else {
                    peer.send("* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] ready\r\n").await;
                    let line = peer.receive_line().await;
                    let tag = line.split(' ').next().unwrap().to_owned();
                    let _ = peer.try_send(format!("{}\r\n", refusal.replace("{tag}", &tag))).await;
                }
                return;
            }
            let mut peer = log_in(peer, "IMAP4rev1").await;
            while let Some(line) = peer.try_receive_line().await {
                let (tag, _) = line.split_once(' ').unwrap();
                if peer.try_send(format!("* STATUS INBOX (MESSAGES 3)\r\n{tag} OK\r\n")).await.is_err() {
                    return;
                }
            }
        });
        let mut options = options(&mock, Security::None);
        options.max_connections = 5;
        let client = Client::connect(options, &call()).await.unwrap();
        let calls = (0..10).map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.status("INBOX", &call()).await })
        });
        for outcome in calls.collect::<Vec<_>>() {
            assert_eq!(outcome.await.unwrap().unwrap().messages, 3);
        }
        client.close();
    }
}

#[tokio::test]
async fn further_connections_are_opened_on_demand() {
    let together = Arc::new(tokio::sync::Barrier::new(3));
    let mock = Mock::each(None, {
        async move |_, peer| {
            let mut peer = log_in(peer, "IMAP4rev1").await;
            while let Some(line) = peer.try_receive_line().await {
                let (tag, _) = line.split_once(' ').unwrap();
                // All three are asked before any answers.
                together.wait().await;
                if peer.try_send(format!("* STATUS INBOX (MESSAGES 3)\r\n{tag} OK\r\n")).await.is_err() {
                    return;
                }
            }
        }
    });
    let mut options = options(&mock, Security::None);
    options.max_connections = 3;
    let client = Client::connect(options, &call()).await.unwrap();
    for _ in 0..2 {
        let calls = (0..3).map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.status("INBOX", &call()).await })
        });
        for outcome in calls.collect::<Vec<_>>() {
            assert_eq!(outcome.await.unwrap().unwrap().messages, 3);
        }
    }
    client.close();
}
