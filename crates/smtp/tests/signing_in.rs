//! From the socket to the first idle moment: TLS, EHLO, AUTH; byte for byte.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets anything unexpected must fail"
)]

mod common;

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use common::*;
use email_base::{Action, Classify, Code, Credentials, clock};
use email_net::Security;
use email_smtp::{Client, SendOptions};
use email_testkit::{Leaf, Mock};

fn base64(text: &str) -> String {
    STANDARD.encode(text)
}

async fn connect(options: email_smtp::Options) -> Result<Client, email_smtp::Error> {
    Client::connect(options, &call()).await
}

/// A server without TLS that plays one transcript.
fn server(transcript: &str) -> Mock {
    let transcript = transcript.to_owned();
    Mock::start(async move |listener| listener.accept().await.play(&transcript).await)
}

const HELLO: &str = "S: 220 mail.example.com ESMTP\nC: EHLO [127.0.0.1]\nS: 250-mail.example.com\n";

fn offering(auth: &str, rest: &str) -> String {
    format!("{HELLO}S: 250-SIZE 1000000\nS: 250 AUTH {auth}\n{rest}")
}

// ── TLS

#[tokio::test]
async fn starttls_then_everything_anew() {
    let server = server(
        "S: 220-mail.example.com\nS: 220 ready\nC: EHLO [127.0.0.1]\nS: 250-mail\nS: 250-AUTH CRAM-MD5\nS: 250 STARTTLS\n\
         C: STARTTLS\nS: 220 go\nX: starttls\n\
         C: EHLO [127.0.0.1]\nS: 250-mail\nS: 250-AUTH PLAIN\nS: 250 DSN\n\
         C: AUTH PLAIN AGFkYQBodW50ZXIy\nS: 235 2.7.0 ok\nC: QUIT\nS: 221 bye\nX: close",
    );
    let client = connect(with_password(options(&server, Security::StartTls), "ada", "hunter2")).await.unwrap();
    assert_eq!(client.capabilities(), ["AUTH PLAIN", "DSN"], "what was said before TLS is forgotten");
    client.close().await;
    server.finished().await;
}

#[tokio::test]
async fn starttls_injection() {
    for injected in ["250 injected\r\n", "x"] {
        let server = Mock::start(async move |listener| {
            let mut peer = listener.accept().await;
            peer.send("220 hi\r\n").await;
            peer.receive_line().await;
            peer.send("250-mail\r\n250 STARTTLS\r\n").await;
            peer.receive("STARTTLS\r\n").await;
            peer.send(format!("220 go\r\n{injected}")).await;
            peer.expect_eof().await;
        });
        let options = with_password(options(&server, Security::StartTls), "injected", "hunter2");
        assert_failed(connect(options).await, Code::StarttlsInjection, None);
        server.finished().await;
    }
}

#[tokio::test]
async fn starttls_missing_or_refused_never_falls_back() {
    let missing = format!("{HELLO}S: 250 AUTH PLAIN\nX: eof");
    let refused = format!("{HELLO}S: 250 STARTTLS\nC: STARTTLS\nS: 454 4.7.0 TLS not available\nX: eof");
    let positive_but_wrong = format!("{HELLO}S: 250 STARTTLS\nC: STARTTLS\nS: 250 ok\nX: eof");
    for transcript in [missing, refused, positive_but_wrong] {
        let server = server(&transcript);
        let options = with_password(options(&server, Security::StartTls), "fallback", "hunter2");
        assert_failed(connect(options).await, Code::StarttlsUnavailable, None);
        server.finished().await;
    }
}

#[tokio::test]
async fn certificates_are_verified_before_anything_is_said() {
    let server = Mock::start(async |listener| {
        listener.accept_tls_refused(Leaf::UnknownCa).await;
        let mut peer = listener.accept().await;
        peer.send("220 hi\r\n").await;
        peer.receive_line().await;
        peer.send("250 STARTTLS\r\n").await;
    });
    let implicit = with_password(options(&server, Security::Implicit), "certificates", "hunter2");
    assert_failed(connect(implicit).await, Code::CertificateUntrusted, None);
    // "250 STARTTLS" is the server's name, not an extension.
    let starttls = with_password(options(&server, Security::StartTls), "certificates", "hunter2");
    assert_failed(connect(starttls).await, Code::StarttlsUnavailable, None);
    server.finished().await;
}

#[tokio::test]
async fn implicit_tls_and_the_callers_name() {
    let server = Mock::start(async |listener| {
        let peer = listener.accept_tls(Leaf::Good).await;
        peer.play("S: 220 hi\nC: EHLO pod-7.example.com\nS: 250 mail\nC: QUIT\nS: 221 bye").await;
    });
    let mut options = options(&server, Security::Implicit);
    options.name = Some("pod-7.example.com".to_owned());
    connect(options).await.unwrap().close().await;
    server.finished().await;
}

// ── greeting and EHLO

#[tokio::test]
async fn a_server_that_accepts_and_says_nothing_is_not_connected_to() {
    for tls in [Security::None, Security::StartTls, Security::Implicit] {
        let server = Mock::start(async move |listener| {
            let mut peer = match tls {
                Security::Implicit => listener.accept_tls(Leaf::Good).await,
                _ => listener.accept().await,
            };
            peer.expect_eof().await;
        });
        let mut options = options(&server, tls);
        options.connector = impatient(Duration::from_millis(500));
        let started = clock::now();
        let error = assert_failed(connect(options).await, Code::ConnectTimeout, None);
        assert!(error.to_string().contains("greeting"), "{error}");
        assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
        server.finished().await;
    }
}

#[tokio::test]
async fn the_time_to_connect_is_over_with_the_greeting() {
    let server = Mock::start(async |listener| {
        let mut peer = listener.accept().await;
        peer.send("220 hi\r\n").await;
        peer.receive_line().await;
        clock::sleep(Duration::from_secs(1)).await;
        peer.play("S: 250 mail\nC: QUIT\nS: 221 bye").await;
    });
    let mut options = options(&server, Security::None);
    options.connector = impatient(Duration::from_millis(500));
    connect(options).await.unwrap().close().await;
    server.finished().await;
}

#[tokio::test]
async fn refusals_before_signing_in_are_told_and_end_at_once() {
    for (transcript, code, status) in [
        ("S: 554 5.7.1 no service for you\nX: eof", Code::CommandRejected, "554"),
        ("S: 421 4.3.2 too busy\nX: eof", Code::ServerUnavailable, "421"),
        ("S: 220 hi\nC: EHLO [127.0.0.1]\nS: 550-go\nS: 550 away\nX: eof", Code::CommandRejected, "550"),
    ] {
        let server = server(transcript);
        let error = assert_failed(connect(options(&server, Security::None)).await, code, None);
        assert_eq!(error.server().unwrap().status, status);
        server.finished().await;
    }
}

#[tokio::test]
async fn what_is_no_smtp_is_told_as_such() {
    for line in ["* OK IMAP4rev1 ready\\r\\n", "HTTP/1.1 400 Bad Request\\r\\n", "220-a\\r\\n250 b\\r\\n"] {
        let server = server(&format!("S~: {line}\nX: eof"));
        assert_failed(connect(options(&server, Security::None)).await, Code::ProtocolViolation, None);
        server.finished().await;
    }
    let endless = Mock::start(async |listener| {
        let mut peer = listener.accept().await;
        while peer.try_send("220-abcdefgh".repeat(1000)).await.is_ok() {}
    });
    assert_failed(connect(options(&endless, Security::None)).await, Code::ProtocolViolation, None);
    endless.finished().await;
}

#[tokio::test]
async fn odd_but_readable_servers_are_served() {
    // Bare LF, GBK text, codes without text, a line longer than lettre takes.
    let long = "x".repeat(3000);
    let server = server(&format!(
        "S~: 220 \\xc4\\xe3\\xba\\xc3\\n\nC: EHLO [127.0.0.1]\nS~: 250-mail\\n250-SIZE 7\\n250-{long}\\r\\n250\\r\\n\nC: QUIT\nS: 221",
    ));
    let client = connect(options(&server, Security::None)).await.unwrap();
    assert_eq!(client.capabilities(), ["SIZE 7", &long]);
    client.close().await;
    server.finished().await;
}

// ── AUTH

#[tokio::test]
async fn every_mechanism_byte_for_byte() {
    let quit = "C: QUIT\nS: 221 bye";
    let bearer = |port: u16| base64(&format!("n,a=ada,\x01host=127.0.0.1\x01port={port}\x01auth=Bearer tok\x01\x01"));
    for (offered, token, line) in [
        ("LOGIN PLAIN XOAUTH2 OAUTHBEARER", true, "XOAUTH2 dXNlcj1hZGEBYXV0aD1CZWFyZXIgdG9rAQE=".to_owned()),
        ("PLAIN OAUTHBEARER", true, "OAUTHBEARER {bearer}".to_owned()),
        ("LOGIN PLAIN XOAUTH2", false, "PLAIN AGFkYQB0b2s=".to_owned()),
        ("=PLAIN", false, "PLAIN AGFkYQB0b2s=".to_owned()),
    ] {
        let transcript = offering(offered, &format!("C: AUTH {line}\nS: 235 2.7.0 welcome\n{quit}"));
        let transcript = transcript.replace("AUTH =", "AUTH=");
        let (tell, told) = std::sync::mpsc::channel();
        let server = Mock::start(async move |listener| {
            let mut names = std::collections::HashMap::new();
            listener.accept().await.play_with(&transcript, &mut names).await;
            tell.send(names.remove("bearer")).unwrap();
        });
        let expected = bearer(server.port());
        let options = options(&server, Security::None);
        let options = if token { with_token(options, "ada", "tok") } else { with_password(options, "ada", "tok") };
        connect(options).await.unwrap_or_else(|error| panic!("{offered}: {error}")).close().await;
        server.finished().await;
        assert_eq!(told.recv().unwrap(), line.contains("{bearer}").then_some(expected));
    }
}

#[tokio::test]
async fn login_answers_in_order_whatever_the_questions_say() {
    for (first, second) in [("VXNlcm5hbWU6", "UGFzc3dvcmQ6"), ("", ""), ("VXNlciBOYW1lAA==", "go on")] {
        let server = server(&offering(
            "LOGIN",
            &format!(
                "C: AUTH LOGIN\nS: 334 {first}\nC: YWRh\nS: 334 {second}\nC: dG9r\nS: 235 ok\nC: QUIT\nS: 221 bye"
            ),
        ));
        connect(with_password(options(&server, Security::None), "ada", "tok")).await.unwrap().close().await;
        server.finished().await;
    }
}

#[tokio::test]
async fn a_long_token_goes_in_two_steps() {
    let token = "t".repeat(2500);
    let message = base64(&format!("user=ada\x01auth=Bearer {token}\x01\x01"));
    for go_on in ["334 ", "334"] {
        let server = server(&offering(
            "XOAUTH2",
            &format!("C: AUTH XOAUTH2\nS: {go_on}\nC: {message}\nS: 235 ok\nC: QUIT\nS: 221 bye"),
        ));
        connect(with_token(options(&server, Security::None), "ada", &token)).await.unwrap().close().await;
        server.finished().await;
    }
}

#[tokio::test]
async fn one_line_exactly_up_to_500_octets() {
    for (length, one_line) in [(342, true), (343, false)] {
        let token = "t".repeat(length);
        let message = base64(&format!("user=a\x01auth=Bearer {token}\x01\x01"));
        let whole = format!("AUTH XOAUTH2 {message}\r\n").len();
        assert_eq!(whole <= 500, one_line, "{length}: {whole}");
        let auth = if one_line {
            format!("C: AUTH XOAUTH2 {message}\n")
        } else {
            format!("C: AUTH XOAUTH2\nS: 334 \nC: {message}\n")
        };
        let server = server(&offering("XOAUTH2", &format!("{auth}S: 235 ok\nC: QUIT\nS: 221 bye")));
        connect(with_token(options(&server, Security::None), "a", &token)).await.unwrap().close().await;
        server.finished().await;
    }
}

#[tokio::test]
async fn a_bare_334_asks_for_the_token_again() {
    let message = "dXNlcj1hZGEBYXV0aD1CZWFyZXIgdG9rAQE=";
    let server = server(&offering(
        "XOAUTH2",
        &format!("C: AUTH XOAUTH2 {message}\nS: 334 \nC: {message}\nS: 235 ok\nC: QUIT\nS: 221 bye"),
    ));
    connect(with_token(options(&server, Security::None), "ada", "tok")).await.unwrap().close().await;
    server.finished().await;
}

#[tokio::test]
async fn the_535_after_the_challenge_is_kept() {
    let challenge = base64(r#"{"status":"401","schemes":"bearer","scope":"https://mail.google.com/"}"#);
    for (mechanism, answer) in [("XOAUTH2", ""), ("OAUTHBEARER", "AQ==")] {
        let server = server(&offering(
            mechanism,
            &format!(
                "C: AUTH {mechanism} {{message}}\nS: 334 {challenge}\nC: {answer}\n\
                 S: 535-5.7.8 Username and Password not accepted. For more information, go to\n\
                 S: 535 5.7.8  https://support.google.com/mail/?p=BadCredentials\nX: eof"
            ),
        ));
        let outcome = connect(with_token(options(&server, Security::None), "ada", "tok")).await;
        let error = assert_failed(outcome, Code::TokenRefused, None);
        let said = error.server().unwrap();
        assert_eq!((said.status.as_str(), said.code.as_deref()), ("535", Some("5.7.8")));
        assert!(said.text.contains("not accepted") && said.text.contains("BadCredentials"), "{}", said.text);
        assert!(said.details.unwrap().contains(r#""status":"401""#));
        assert_eq!(error.action(), Action::Reauthorize);
        assert!(!format!("{error:?} {error}").contains("tok\u{1}"));
        server.finished().await;
    }
}

#[tokio::test]
async fn a_refused_token_is_replaced_once_on_a_fresh_connection() {
    let refuse = |message: &str| {
        offering("XOAUTH2", &format!("C: AUTH XOAUTH2 {message}\nS: 535 5.7.3 Authentication unsuccessful\nX: eof"))
    };
    let old = base64("user=ada\x01auth=Bearer old\x01\x01");
    let new = base64("user=ada\x01auth=Bearer new\x01\x01");
    let accept = offering("XOAUTH2", &format!("C: AUTH XOAUTH2 {new}\nS: 235 ok\nC: QUIT\nS: 221 bye"));
    let (first, second) = (refuse(&old), refuse(&new));
    let server = Mock::start(async move |listener| {
        listener.accept().await.play(&first).await;
        listener.accept().await.play(&accept).await;
        // The second client meets two refusals and gives up.
        listener.accept().await.play(&first).await;
        listener.accept().await.play(&second).await;
    });
    let tokens = Rotating::new(&["old", "new"]);
    let credentials = |tokens: &Arc<Rotating>| Credentials::OAuth { user: "ada".to_owned(), tokens: tokens.clone() };
    let mut with_two = options(&server, Security::None);
    with_two.credentials = Some(credentials(&tokens));
    connect(with_two.clone()).await.unwrap().close().await;
    assert_eq!(*tokens.refused.lock().unwrap(), ["old"]);

    let tokens = Rotating::new(&["old", "new", "never asked for"]);
    with_two.credentials = Some(credentials(&tokens));
    assert_failed(connect(with_two).await, Code::TokenRefused, None);
    assert_eq!(*tokens.refused.lock().unwrap(), ["old"]);
    server.finished().await;
}

#[tokio::test]
async fn a_policy_is_not_blamed_on_the_token() {
    let server = server(&offering(
        "LOGIN XOAUTH2",
        "C: AUTH XOAUTH2 {m}\nS: 535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant. Visit https://aka.ms/smtp_auth_disabled for more information. [AM0PR01CA0001]\nX: eof",
    ));
    let tokens = Rotating::new(&["old", "new"]);
    let mut options = options(&server, Security::None);
    options.credentials = Some(Credentials::OAuth { user: "ada".to_owned(), tokens: tokens.clone() });
    let error = assert_failed(connect(options).await, Code::SmtpAuthDisabled, None);
    assert_eq!(error.action(), Action::AskAdmin);
    assert_eq!(error.server().unwrap().code.as_deref(), Some("5.7.139"));
    assert!(tokens.refused.lock().unwrap().is_empty());
    server.finished().await;
}

#[tokio::test]
async fn without_a_fitting_mechanism_no_credential_is_sent() {
    for (offered, token) in [("CRAM-MD5 GSSAPI", false), ("PLAIN LOGIN", true), ("XOAUTH2 OAUTHBEARER", false)] {
        let server = server(&offering(offered, "X: eof"));
        let options = options(&server, Security::None);
        let options = if token { with_token(options, "ada", "tok") } else { with_password(options, "ada", "tok") };
        let error = assert_failed(connect(options).await, Code::MechanismUnavailable, None);
        assert!(error.to_string().contains(offered.split(' ').next().unwrap()), "{error}");
        server.finished().await;
    }
    let server = server(&format!("{HELLO}S: 250 SIZE\nX: eof"));
    let options = with_password(options(&server, Security::None), "ada", "tok");
    assert_failed(connect(options).await, Code::MechanismUnavailable, None);
    server.finished().await;
}

#[tokio::test]
async fn success_after_a_refused_token_is_not_believed() {
    let challenge = base64(r#"{"status":"401"}"#);
    for reply in ["235 ok", "334 more", "354 go"] {
        let server = server(&offering(
            "XOAUTH2",
            &format!("C: AUTH XOAUTH2 {{m}}\nS: 334 {challenge}\nC: \nS: {reply}\nX: eof"),
        ));
        let outcome = connect(with_token(options(&server, Security::None), "ada", "tok")).await;
        assert_failed(outcome, Code::ProtocolViolation, None);
        server.finished().await;
    }
}

#[tokio::test]
async fn a_server_that_answers_before_it_is_asked_is_not_trusted() {
    let server = Mock::start(async |listener| {
        let mut peer = listener.accept().await;
        peer.send("220 hi\r\n").await;
        peer.receive_line().await;
        peer.send("250-mail\r\n250 AUTH PLAIN\r\n235 welcome\r\n").await;
        peer.expect_eof().await;
    });
    let options = with_password(options(&server, Security::None), "ada", "tok");
    assert_failed(connect(options).await, Code::ProtocolViolation, None);
    server.finished().await;
}

#[tokio::test]
async fn a_server_that_knows_no_ehlo_is_greeted_with_helo() {
    for refusal in ["S: 500 what?", "S: 502-not\nS: 502 implemented", "S: 504 5.5.1 no EHLO here"] {
        // Multi-line and late greetings are greetings, too.
        let server = Mock::start(async move |listener| {
            let peer = listener.accept().await;
            clock::sleep(Duration::from_millis(20)).await;
            peer.play(&format!(
                "S: 220-old\nS: 220-and slow\nS: 220 server\nC: EHLO [127.0.0.1]\n{refusal}\nC: HELO [127.0.0.1]\nS: 250 hi\n\
                 C: MAIL FROM:<ada@example.com>\nS: 250 ok\nC: RCPT TO:<bob@example.com>\nS: 250 ok\n\
                 C: DATA\nS: 354 go\nC: hello\nC: .\nS: 250 queued\nC: QUIT\nS: 221 bye\nX: close"
            ))
            .await;
        });
        let client = connect(options(&server, Security::None)).await.unwrap();
        assert!(client.capabilities().is_empty());
        client.send(to_bob(), raw("hello"), SendOptions::default(), &call()).await.unwrap();
        client.close().await;
        server.finished().await;
    }
}

#[tokio::test]
async fn no_helo_where_a_sign_in_or_tls_needs_ehlo_nor_for_another_refusal() {
    let user = |server: &Mock, tls| with_password(options(server, tls), "ada", "hunter2");
    for (tls, signs_in, refusal) in [
        (Security::None, true, "S: 500 what?"),
        (Security::StartTls, false, "S: 500 what?"),
        (Security::None, false, "S: 554 5.7.1 go away"),
        (Security::None, false, "S: 421 4.3.2 later"),
    ] {
        let server = server(&format!("S: 220 hi\nC: EHLO [127.0.0.1]\n{refusal}\nX: eof"));
        let options = if signs_in { user(&server, tls) } else { options(&server, tls) };
        assert!(connect(options).await.is_err(), "{tls:?} {refusal}");
        server.finished().await;
    }
    let server =
        server("S: 220 hi\nC: EHLO [127.0.0.1]\nS: 500 what?\nC: HELO [127.0.0.1]\nS: 554 not even so\nX: eof");
    let error = connect(options(&server, Security::None)).await.map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("not even so"), "{error}");
    server.finished().await;
}

#[tokio::test]
async fn closing_down_is_told_wherever_it_comes() {
    let steps = [
        "",
        "S: 220 hi\nC: EHLO [127.0.0.1]\n",
        "S: 220 hi\nC: EHLO [127.0.0.1]\nS: 250-mail\nS: 250 AUTH LOGIN\nC: AUTH LOGIN\n",
        "S: 220 hi\nC: EHLO [127.0.0.1]\nS: 250-mail\nS: 250 AUTH LOGIN\nC: AUTH LOGIN\nS: 334 \nC: YWRh\n",
    ];
    for before in steps {
        let server = server(&format!("{before}S: 421-4.3.2 down\nS: 421 4.3.2 for maintenance\nX: eof"));
        let outcome = connect(with_password(options(&server, Security::None), "ada", "hunter2")).await;
        let error = assert_failed(outcome.map(|_| ()), Code::ServerUnavailable, None);
        assert!(error.retryable() && error.to_string().contains("for maintenance"), "{error}");
        server.finished().await;
    }
}
