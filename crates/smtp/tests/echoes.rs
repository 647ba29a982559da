//! A server that echoes what signs in: nothing of it is in an error or a response, in whatever form it comes back.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets anything unexpected must fail"
)]

mod common;

use common::*;
use email_base::{Classify, Credentials};
use email_net::Security;
use email_smtp::{Client, SendOptions};
use email_testkit::Mock;

async fn connect(options: email_smtp::Options) -> Result<Client, email_smtp::Error> {
    Client::connect(options, &call()).await
}

/// A server without TLS that plays one transcript.
fn server(transcript: &str) -> Mock {
    let transcript = transcript.to_owned();
    Mock::start(async move |listener| listener.accept().await.play(&transcript).await)
}

fn offering(auth: &str, rest: &str) -> String {
    format!(
        "S: 220 mail.example.com ESMTP\nC: EHLO [127.0.0.1]\nS: 250-mail.example.com\nS: 250-SIZE 1000000\n\
         S: 250 AUTH {auth}\n{rest}"
    )
}

/// Everything that could be printed of an error.
fn printed(error: &email_smtp::Error) -> String {
    format!("{error} {error:?} {:?}", error.server())
}

#[tokio::test]
async fn a_server_that_echoes_what_signs_in() {
    for (offered, first, echo) in [
        ("PLAIN", "C: AUTH PLAIN {m}", "hunter2, AGFkYUBleGFtcGxlLmNvbQBodW50ZXIy"),
        ("LOGIN", "C: AUTH LOGIN\nS: 334 \nC: {u}\nS: 334 \nC: {p}", "YWRhQGV4YW1wbGUuY29t aHVudGVyMg=="),
        ("XOAUTH2", "C: AUTH XOAUTH2 {m}", "dXNlcj1hZGFAZXhhbXBsZS5jb20BYXV0aD1CZWFyZXIgaHVudGVyMgEB"),
    ] {
        let server =
            server(&offering(offered, &format!("{first}\nS: 535-5.7.8 you sent\nS: 535 5.7.8 {echo}.\nX: eof")));
        let options = options(&server, Security::None);
        let (user, secret) = ("ada@example.com", "hunter2");
        let options =
            if offered == "XOAUTH2" { with_token(options, user, secret) } else { with_password(options, user, secret) };
        let error = connect(options).await.map(|_| ()).unwrap_err();
        let printed = printed(&error);
        assert!(echo.split([',', ' ']).all(|leaked| leaked.is_empty() || !printed.contains(leaked)), "{printed}");
        assert!(printed.contains("you sent [redacted]"), "{printed}");
        server.finished().await;
    }
}

#[tokio::test]
async fn a_secret_that_is_echoed_long_after_the_sign_in_or_before_it() {
    let server = server(&offering(
        "PLAIN",
        "C: AUTH PLAIN {m}\nS: 235 welcome\nC: MAIL FROM:<ada@example.com> SIZE=7\nS: 250 ok\nC: RCPT TO:<bob@example.com>\n\
         S: 250 ok\nC: DATA\nS: 354 go\nC: hello\nC: .\nS: 250 queued for hunter2\n\
         C: MAIL FROM:<ada@example.com> SIZE=7\nS: 550 5.7.1 hunter2 may not\nC: QUIT\nS: 221 bye\nX: close",
    ));
    let client = connect(with_password(options(&server, Security::None), "echo", "hunter2")).await.unwrap();
    let deadline = call();
    let message = || client.send(to_bob(), raw("hello"), SendOptions::default(), &deadline);
    assert_eq!(message().await.unwrap().response, "250 queued for [redacted]");
    let error = message().await.map(|_| ()).unwrap_err();
    assert!(!printed(&error).contains("hunter2"), "{error}");
    client.close().await;
    server.finished().await;

    let server = self::server("S: 554 5.7.1 hunter2 is not welcome here\nX: eof");
    let error =
        connect(with_password(options(&server, Security::None), "echo", "hunter2")).await.map(|_| ()).unwrap_err();
    assert!(!printed(&error).contains("hunter2"), "{error}");
    server.finished().await;
}

#[tokio::test]
async fn a_token_that_was_renewed_is_as_secret_as_the_one_before() {
    let refuse = offering("XOAUTH2", "C: AUTH XOAUTH2 {m}\nS: 535 5.7.3 no\nX: eof");
    let again = offering("XOAUTH2", "C: AUTH XOAUTH2 {m}\nS: 535 5.7.3 neither new-token nor old-token\nX: eof");
    let server = Mock::start(async move |listener| {
        listener.accept().await.play(&refuse).await;
        listener.accept().await.play(&again).await;
    });
    let mut options = options(&server, Security::None);
    let tokens = Rotating::new(&["old-token", "new-token"]);
    options.credentials = Some(Credentials::OAuth { user: "ada".to_owned(), tokens });
    let error = connect(options).await.map(|_| ()).unwrap_err();
    assert!(printed(&error).contains("neither [redacted] nor [redacted]"), "{error}");
    server.finished().await;
}
