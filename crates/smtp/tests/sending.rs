//! One transaction, byte for byte, and what its replies mean.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets anything unexpected must fail"
)]

mod common;

use std::pin::Pin;
use std::task::Poll;

use bytes::Bytes;
use common::*;
use email_base::{Action, Classify, Code, Delivery};
use email_net::Security;
use email_smtp::{Client, Dsn, MessageBody, Notify, RawMessage, Return, SendOptions, SentCopy};
use email_testkit::{Mock, Peer};
use tokio::io::{AsyncRead, ReadBuf};

/// A server that offers `extensions`, then plays `rest`.
fn server(extensions: &str, rest: &str) -> Mock {
    let offered: String = extensions.split(',').map(|line| format!("S: 250-{line}\n")).collect();
    let transcript = format!("S: 220 hi\nC: EHLO [127.0.0.1]\nS: 250-mail.example.com\n{offered}S: 250 HELP\n{rest}");
    Mock::start(async move |listener| listener.accept().await.play(&transcript).await)
}

async fn client(server: &Mock) -> Client {
    Client::connect(options(server, Security::None), &call()).await.unwrap()
}

const QUIT: &str = "C: QUIT\nS: 221 bye\nX: close";

#[tokio::test]
async fn one_flight_with_pipelining_and_one_step_each_without() {
    let message =
        "C: Message-ID: <1@example.com>\nC: Subject: hello\nC: \nC: hello\nC: .\nS: 250 2.0.0 Ok: queued as 7F\n";
    let lines =
        "C: MAIL FROM:<ada@example.com> SIZE=54\nC: RCPT TO:<bob@example.com>\nC: RCPT TO:<\"c d\"@example.com>\n";
    let flight = format!("{lines}C: DATA\nS: 250 ok\nS: 250 ok\nS: 250 ok\nS: 354 go\n{message}{QUIT}");
    let steps = lines.replace('\n', "\nS: 250 ok\n") + "C: DATA\nS: 354 go\n" + message + QUIT;
    for (extensions, transcript) in [("SIZE 1000,PIPELINING", flight), ("SIZE", steps)] {
        let server = server(extensions, &transcript);
        let client = client(&server).await;
        let to = ["bob@example.com", "\"c d\"@example.com"];
        let sent = send(&client, &to, MESSAGE).await.unwrap();
        assert_eq!(sent.message_id, "<1@example.com>");
        assert_eq!(sent.envelope, envelope("ada@example.com", &to));
        assert_eq!(sent.accepted, to);
        assert!(sent.rejected.is_empty());
        assert_eq!(sent.response, "250 2.0.0 Ok: queued as 7F");
        assert_eq!((sent.bytes, sent.sent_copy), (54, SentCopy::Caller));
        client.close().await;
        server.finished().await;
    }
}

#[tokio::test]
async fn parameters_only_where_they_are_offered_and_needed() {
    let everything = "SIZE,PIPELINING,8BITMIME,SMTPUTF8,DSN";
    let dsn = Dsn {
        notify: Some(vec![Notify::Success, Notify::Failure]),
        ret: Some(Return::Hdrs),
        envid: Some("a+1".to_owned()),
    };
    let server = server(
        everything,
        &format!(
            "C: MAIL FROM:<ädä@example.com> SIZE=22 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=a+2B1\n\
             C: RCPT TO:<bob@xn--bcher-kva.example> NOTIFY=SUCCESS,FAILURE\nC: DATA\n\
             S: 250 ok\nS: 250 ok\nS: 354 go\nC: Subject: ä\nC: \nC: bodý\nC: .\nS: 250 ok\n{QUIT}"
        ),
    );
    let client = client(&server).await;
    let envelope = envelope("ädä@example.com", &["bob@bücher.example"]);
    let options = SendOptions { dsn: Some(dsn) };
    let sent = client.send(envelope, raw("Subject: ä\r\n\r\nbodý"), options, &call()).await.unwrap();
    assert_eq!(sent.accepted, ["bob@bücher.example"], "as the caller wrote it");
    client.close().await;
    server.finished().await;
}

#[tokio::test]
async fn the_null_sender() {
    let flight = "C: MAIL FROM:<>\nS: 250 ok\nC: RCPT TO:<bob@example.com>\nS: 250 ok\nC: DATA\nS: 354 go\nC: x\nC: .\nS: 250 ok\n";
    let server = server("HELP", &format!("{flight}{QUIT}"));
    let client = client(&server).await;
    client.send(envelope("", &["bob@example.com"]), raw("x"), SendOptions::default(), &call()).await.unwrap();
    client.close().await;
    server.finished().await;
}

// ── refused before a command is written

#[tokio::test]
async fn what_the_server_cannot_take_is_refused_before_mail() {
    let server = server("PIPELINING,SIZE 59", QUIT);
    let client = client(&server).await;
    let not_sent = Some(Delivery::NotSent);
    let too_large = send(&client, &["bob@example.com"], &format!("{MESSAGE}four")).await;
    let error = assert_failed(too_large, Code::MessageTooLarge, not_sent);
    assert!(error.to_string().contains("60") && error.to_string().contains("59"), "{error}");
    for (to, text, extension) in [
        ("用户@example.com", "x", "SMTPUTF8"),
        ("bob@example.com", "Subject: ä\r\n\r\nx", "SMTPUTF8"),
        ("bob@example.com", "Subject: a\r\n\r\nä", "8BITMIME"),
    ] {
        let error = assert_failed(send(&client, &[to], text).await, Code::CapabilityMissing, not_sent);
        assert!(error.to_string().contains(extension), "{error}");
    }
    let dsn = SendOptions { dsn: Some(Dsn { ret: Some(Return::Full), ..Dsn::default() }) };
    let outcome = client.send(to_bob(), raw("x"), dsn, &call()).await;
    assert!(assert_failed(outcome, Code::CapabilityMissing, not_sent).to_string().contains("DSN"));
    client.close().await;
    server.finished().await;
}

#[tokio::test]
async fn injection_matrix() {
    let server = server("PIPELINING,DSN,SMTPUTF8", QUIT);
    let client = client(&server).await;
    let bad = [
        "a@b\r\nRSET",
        "a@b\n",
        "a@b\r",
        "a@b\0",
        "a@b>",
        "<a@b>",
        "a@b> SIZE=1 <",
        "\"a\r\n.\r\n\"@b",
        "a\x01@b",
        "a@b{9+}",
        "a@b c",
        "",
    ];
    for text in bad {
        if !text.is_empty() {
            let as_sender = client.send(envelope(text, &["b@c"]), raw("x"), SendOptions::default(), &call()).await;
            assert_failed(as_sender, Code::InvalidAddress, Some(Delivery::NotSent));
        }
        let as_recipient = send(&client, &["bob@example.com", text], "x").await;
        assert_failed(as_recipient, Code::InvalidAddress, Some(Delivery::NotSent));
    }
    for envid in ["a\r\nRSET", "a\0", "ä", ""] {
        let dsn = Some(Dsn { envid: Some(envid.to_owned()), ..Dsn::default() });
        let outcome = client.send(to_bob(), raw("x"), SendOptions { dsn }, &call()).await;
        assert_failed(outcome, Code::InvalidArgument, Some(Delivery::NotSent));
    }
    assert_failed(send(&client, &[], "x").await, Code::NoRecipients, Some(Delivery::NotSent));
    for name in ["a\r\nMAIL FROM:<a@b>", "a b", ""] {
        let mut options = options(&server, Security::None);
        options.name = Some(name.to_owned());
        assert_failed(Client::connect(options, &call()).await, Code::InvalidArgument, None);
    }
    for value in ["a\r\nRSET", "a\nb", "a\0b", "a\x01auth=Bearer evil"] {
        let options = || options(&server, Security::None);
        for options in [
            with_password(options(), value, "p"),
            with_password(options(), "ada", value),
            with_token(options(), value, "t"),
            with_token(options(), "ada", value),
        ] {
            assert_failed(Client::connect(options, &call()).await, Code::InvalidArgument, None);
        }
    }
    // The server has seen nothing of it: next comes QUIT.
    client.close().await;
    server.finished().await;
}

// ── refused by the server

#[tokio::test]
async fn some_recipients_refused_is_sent_to_the_others() {
    let server = server(
        "PIPELINING",
        &format!(
            "C: MAIL FROM:<ada@example.com>\nC: RCPT TO:<a@example.com>\nC: RCPT TO:<b@example.com>\nC: RCPT TO:<c@example.com>\nC: DATA\n\
             S: 250 ok\nS: 550 5.1.1 <a@example.com>: user unknown\nS: 250 ok\nS: 451 4.7.1 greylisted\nS: 354 go\n\
             C: x\nC: .\nS: 250 ok\n{QUIT}"
        ),
    );
    let client = client(&server).await;
    let sent = send(&client, &["a@example.com", "b@example.com", "c@example.com"], "x").await.unwrap();
    assert_eq!(sent.accepted, ["b@example.com"]);
    let refused: Vec<_> = sent.rejected.iter().map(|r| (r.address.as_str(), r.error.code, r.error.retryable)).collect();
    assert_eq!(
        refused,
        [("a@example.com", Code::RecipientRejected, false), ("c@example.com", Code::ServerUnavailable, true)]
    );
    let first = &sent.rejected[0].error;
    assert_eq!(first.server.as_ref().unwrap().code.as_deref(), Some("5.1.1"));
    assert_eq!(first.delivery, Some(Delivery::NotSent));
    client.close().await;
    server.finished().await;
}

#[tokio::test]
async fn refusals_at_each_step_and_the_session_goes_on() {
    let mail = "C: MAIL FROM:<ada@example.com>\n";
    let rcpt = "C: RCPT TO:<bob@example.com>\n";
    let good = "S: 250 ok\nS: 250 ok\nS: 354 go\nC: x\nC: .\nS: 250 ok\n";
    for (refusal, code, action, status) in [
        (
            "S: 550 5.7.60 SMTP; Client does not have permissions to send as this sender\nS: 503 bad sequence\nS: 503 bad sequence\n",
            Code::SenderDenied,
            Action::AskAdmin,
            "550",
        ),
        (
            "S: 250 ok\nS: 550 5.1.1 no such user\nS: 554 5.5.1 no valid recipients\n",
            Code::RecipientRejected,
            Action::FixInput,
            "550",
        ),
        ("S: 250 ok\nS: 250 ok\nS: 451 4.3.0 later\n", Code::ServerUnavailable, Action::Retry, "451"),
        ("S: 250 ok\nS: 250 ok\nS: 571-5.7.1 no\nS: 571 5.7.1 never\n", Code::MessageRejected, Action::FixInput, "571"),
    ] {
        let server = server(
            "PIPELINING",
            &format!("{mail}{rcpt}C: DATA\n{refusal}C: RSET\n{mail}{rcpt}C: DATA\nS: 250 flushed\n{good}{QUIT}"),
        );
        let client = client(&server).await;
        let error = assert_failed(send(&client, &["bob@example.com"], "x").await, code, Some(Delivery::NotSent));
        assert_eq!((error.action(), error.server().unwrap().status.as_str()), (action, status));
        send(&client, &["bob@example.com"], "x").await.unwrap();
        client.close().await;
        server.finished().await;
    }
}

#[tokio::test]
async fn a_refused_message_is_not_sent_and_needs_no_reset() {
    let flight = "C: MAIL FROM:<ada@example.com>\nC: RCPT TO:<bob@example.com>\nC: DATA\nS: 250 ok\nS: 250 ok\nS: 354 go\nC: x\nC: .\n";
    let refusal = "S: 554-5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException;\nS: 554 5.2.0 Failed to process message\n";
    let server = server("PIPELINING", &format!("{flight}{refusal}{flight}S: 250 ok\n{QUIT}"));
    let client = client(&server).await;
    let outcome = send(&client, &["bob@example.com"], "x").await;
    let error = assert_failed(outcome, Code::QuotaExceeded, Some(Delivery::NotSent));
    assert_eq!(error.server().unwrap().code.as_deref(), Some("5.2.0"));
    send(&client, &["bob@example.com"], "x").await.unwrap();
    client.close().await;
    server.finished().await;
}

#[tokio::test]
async fn without_pipelining_nothing_is_said_after_a_refusal() {
    let server = server(
        "HELP",
        &format!(
            "C: MAIL FROM:<ada@example.com>\nS: 250 ok\nC: RCPT TO:<a@example.com>\nS: 550 no\nC: RCPT TO:<b@example.com>\nS: 450 later\n\
             C: RSET\nS: 250 ok\nC: MAIL FROM:<ada@example.com>\nS: 501 5.1.7 bad\n{QUIT}"
        ),
    );
    let client = client(&server).await;
    let outcome = send(&client, &["a@example.com", "b@example.com"], "x").await;
    let error = assert_failed(outcome, Code::ServerUnavailable, Some(Delivery::NotSent));
    assert!(error.to_string().contains("all 2 recipients"), "{error}");
    assert_failed(send(&client, &["a@example.com"], "x").await, Code::SenderDenied, Some(Delivery::NotSent));
    client.close().await;
    server.finished().await;
}

#[tokio::test]
async fn no_empty_message_for_a_refused_transaction() {
    let server = server(
        "PIPELINING",
        "C: MAIL FROM:<ada@example.com>\nC: RCPT TO:<bob@example.com>\nC: DATA\nS: 250 ok\nS: 550 no\nS: 354 go\nX: eof",
    );
    let client = client(&server).await;
    let outcome = send(&client, &["bob@example.com"], "x").await;
    assert_failed(outcome, Code::RecipientRejected, Some(Delivery::NotSent));
    server.finished().await;
}

#[tokio::test]
async fn many_recipients_go_in_bounded_flights() {
    let to: Vec<String> = (0..250).map(|n| format!("r{n}@example.com")).collect();
    let server = Mock::start(async |listener| {
        let mut peer = listener.accept().await;
        peer.send("220 hi\r\n").await;
        peer.receive_line().await;
        peer.send("250-mail\r\n250 PIPELINING\r\n").await;
        peer.receive("MAIL FROM:<ada@example.com>\r\n").await;
        let mut accepted = 0;
        for flight in [99, 100, 51] {
            for _ in 0..flight {
                assert!(peer.receive_line().await.starts_with("RCPT TO:<r"));
            }
            if flight == 51 {
                peer.receive("DATA\r\n").await;
            } else if flight == 99 {
                peer.send("250 sender ok\r\n").await;
            }
            assert!(is_silent(&mut peer).await, "more than one flight at once");
            let replies: String = (0..flight)
                .map(|_| {
                    accepted += 1;
                    if accepted % 2 == 0 { "250 ok\r\n" } else { "550 no\r\n" }
                })
                .collect();
            peer.send(replies).await;
        }
        peer.send("354 go\r\n").await;
        peer.receive("x\r\n.\r\n").await;
        peer.send("250 ok\r\n").await;
    });
    let client = client(&server).await;
    let to: Vec<&str> = to.iter().map(String::as_str).collect();
    let sent = send(&client, &to, "x").await.unwrap();
    assert_eq!((sent.accepted.len(), sent.rejected.len()), (125, 125));
    assert_eq!(sent.rejected[0].address, "r0@example.com");
    server.finished().await;
}

/// Nothing has come that was not asked for.
async fn is_silent(peer: &mut Peer) -> bool {
    let mut one = [0];
    let mut buffer = ReadBuf::new(&mut one);
    std::future::poll_fn(|cx| Poll::Ready(Pin::new(&mut *peer).poll_read(cx, &mut buffer).is_pending())).await
}

#[tokio::test]
async fn too_much_pauses_the_mailbox_and_says_for_how_long() {
    let server = server(
        "PIPELINING",
        "C: MAIL FROM:<ada@example.com>\nC: RCPT TO:<bob@example.com>\nC: DATA\nS: 432 4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded\nS: 503 x\nS: 503 x\nC: QUIT\nS: 221 bye",
    );
    let client = client(&server).await;
    let outcome = send(&client, &["bob@example.com"], "x").await;
    let error = assert_failed(outcome, Code::RateLimited, Some(Delivery::NotSent));
    let wait = error.retry_after().unwrap();
    assert!(wait >= std::time::Duration::from_secs(1), "{wait:?}");
    // Before that nobody even asks.
    let at_once = within(std::time::Duration::from_millis(10));
    let outcome = client.send(to_bob(), raw("x"), SendOptions::default(), &at_once).await;
    let again = assert_failed(outcome, Code::RateLimited, Some(Delivery::NotSent));
    assert!(again.retry_after().unwrap() <= wait);
    client.close().await;
    server.finished().await;
}

// ── the message

/// Chunks as they come, on another thread.
struct Chunks(Vec<Bytes>, usize);

impl MessageBody for Chunks {
    fn next_chunk(&mut self) -> std::io::Result<Option<Bytes>> {
        self.1 += 1;
        Ok(self.0.get(self.1 - 1).cloned())
    }
    fn rewind(&mut self) -> std::io::Result<bool> {
        self.1 = 0;
        Ok(true)
    }
    fn size_hint(&self) -> Option<u64> {
        None
    }
    fn needs_smtputf8(&self) -> bool {
        false
    }
    fn needs_8bit(&self) -> bool {
        false
    }
    fn message_id(&self) -> &str {
        "<chunks@example.com>"
    }
}

#[tokio::test]
async fn smtp_smuggling_and_dots_over_the_wire() {
    let text = "Subject: x\n\r\n.\n.\r.\r\n..\r\n\n.\nMAIL FROM:<evil@example.com>\r\n.\rend";
    let wire =
        "Subject: x\r\n\r\n..\r\n..\r\n..\r\n...\r\n\r\n..\r\nMAIL FROM:<evil@example.com>\r\n..\r\nend\r\n.\r\n";
    for at in 0..text.len() {
        let server = Mock::start(async move |listener| {
            let mut peer = listener.accept().await;
            peer.send("220 hi\r\n").await;
            peer.receive_line().await;
            peer.send("250-mail\r\n250 PIPELINING\r\n").await;
            peer.receive("MAIL FROM:<ada@example.com>\r\nRCPT TO:<bob@example.com>\r\nDATA\r\n").await;
            peer.send("250 ok\r\n250 ok\r\n354 go\r\n").await;
            peer.receive(wire).await;
            peer.send("250 ok\r\n").await;
            peer.receive("QUIT\r\n").await;
            peer.send("221 bye\r\n").await;
            peer.expect_eof().await;
        });
        let client = client(&server).await;
        let (first, second) = text.as_bytes().split_at(at);
        let body = Chunks(vec![Bytes::copy_from_slice(first), Bytes::copy_from_slice(second)], 0);
        let sent = client.send(to_bob(), body, SendOptions::default(), &call()).await.unwrap();
        assert_eq!((sent.message_id.as_str(), sent.bytes), ("<chunks@example.com>", 70));
        client.close().await;
        server.finished().await;
    }
}

#[tokio::test]
async fn a_large_message_arrives_whole_over_tls() {
    let line = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789\r\n";
    let text = format!("Subject: large\r\n\r\n{}", line.repeat(70_000));
    let expected = format!("{text}.\r\n");
    let server = Mock::start(async move |listener| {
        let mut peer = listener.accept_tls(email_testkit::Leaf::Good).await;
        peer.send("220 hi\r\n").await;
        peer.receive_line().await;
        peer.send("250-mail\r\n250-SIZE 0\r\n250 PIPELINING\r\n").await;
        for _ in 0..3 {
            peer.receive_line().await;
        }
        peer.send("250 ok\r\n250 ok\r\n354 go\r\n").await;
        let got = peer.receive_exact(expected.len()).await;
        assert!(got == expected.as_bytes());
        peer.send("250 ok\r\n").await;
    });
    let client = Client::connect(options(&server, Security::Implicit), &call()).await.unwrap();
    let sent = client.send(to_bob(), RawMessage::new(Bytes::from(text.clone())), SendOptions::default(), &call()).await;
    assert_eq!(sent.unwrap().bytes, text.len() as u64);
    server.finished().await;
}

#[tokio::test]
async fn a_size_that_was_not_known_is_met_in_the_middle() {
    let server = Mock::start(async |listener| {
        let mut peer = listener.accept().await;
        peer.send("220 hi\r\n").await;
        peer.receive_line().await;
        peer.send("250-mail\r\n250-SIZE 200000\r\n250 PIPELINING\r\n").await;
        peer.receive("MAIL FROM:<ada@example.com>\r\nRCPT TO:<bob@example.com>\r\nDATA\r\n").await;
        peer.send("250 ok\r\n250 ok\r\n354 go\r\n").await;
        assert_eq!(peer.receive_all().await, vec![b'x'; 150_000], "no end of the message, no second half");
    });
    let client = client(&server).await;
    let body = Chunks(vec![Bytes::from(vec![b'x'; 150_000]); 2], 0);
    let outcome = client.send(to_bob(), body, SendOptions::default(), &call()).await;
    assert_failed(outcome, Code::MessageTooLarge, Some(Delivery::NotSent));
    server.finished().await;
}

#[tokio::test]
async fn an_unreadable_file_sends_nothing() {
    /// So many good chunks, then none.
    struct Vanishing(usize);
    impl MessageBody for Vanishing {
        fn next_chunk(&mut self) -> std::io::Result<Option<Bytes>> {
            if self.0 == 0 {
                return Err(std::io::ErrorKind::NotFound.into());
            }
            self.0 -= 1;
            Ok(Some(Bytes::from(vec![b'x'; 150_000])))
        }
        fn rewind(&mut self) -> std::io::Result<bool> {
            Ok(false)
        }
        fn size_hint(&self) -> Option<u64> {
            None
        }
        fn needs_smtputf8(&self) -> bool {
            false
        }
        fn needs_8bit(&self) -> bool {
            false
        }
        fn message_id(&self) -> &str {
            ""
        }
    }
    let server = Mock::start(async |listener| {
        let mut peer = listener.accept().await;
        peer.send("220 hi\r\n").await;
        peer.receive_line().await;
        peer.send("250-mail\r\n250 PIPELINING\r\n").await;
        // Of the message that was unreadable at once nothing is heard; the other is given up in its middle.
        peer.receive("MAIL FROM:<ada@example.com>\r\nRCPT TO:<bob@example.com>\r\nDATA\r\n").await;
        peer.send("250 ok\r\n250 ok\r\n354 go\r\n").await;
        assert_eq!(peer.receive_all().await, vec![b'x'; 150_000]);
    });
    let client = client(&server).await;
    for good in [0, 1] {
        let outcome = client.send(to_bob(), Vanishing(good), SendOptions::default(), &call()).await;
        assert_failed(outcome, Code::FileUnreadable, Some(Delivery::NotSent));
    }
    server.finished().await;
}
