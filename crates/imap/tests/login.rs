//! Greeting, mechanisms, refusals, capabilities, ID.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a helper that meets anything unexpected must fail its test"
)]

mod support;

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use email_base::{AccessTokens, Classify, Code, Credentials, FixedToken, Secret, TokenError, clock};
use email_imap::{Client, Error, Options, reach};
use email_net::{ConnectOptions, Connector, Proxy, Security};
use email_testkit::{Leaf, Mock, ca_pem};
use support::*;

fn oauth(mock: &Mock, token: &str) -> Options {
    let tokens = Arc::new(FixedToken(Secret::from(token)));
    options_as(mock, Security::None, Credentials::OAuth { user: "ada@example.com".into(), tokens })
}

fn play(transcript: &str) -> Mock {
    let transcript = transcript.to_owned();
    Mock::start(async move |listener| listener.accept().await.play(&transcript).await)
}

async fn refused(options: Options) -> Error {
    Client::connect(options, &call()).await.unwrap_err()
}

// base64 of `user=ada@example.com^Aauth=Bearer T^A^A` and of `n,a=ada@example.com,^Ahost=…`
const XOAUTH2: &str = "dXNlcj1hZGFAZXhhbXBsZS5jb20BYXV0aD1CZWFyZXIgVAEB";

#[tokio::test]
async fn xoauth2_in_one_line() {
    let mock = play(&format!(
        "S: * OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=XOAUTH2] ready\n\
         C: {{tag}} AUTHENTICATE XOAUTH2 {XOAUTH2}\n\
         S: {{tag}} OK [CAPABILITY IMAP4rev1 MOVE] in\n{LOGOUT}"
    ));
    let client = Client::connect(oauth(&mock, "T"), &call()).await.unwrap();
    assert_eq!(client.capabilities(), ["IMAP4rev1", "MOVE"]);
    finish(client, mock).await;
}

#[tokio::test]
async fn xoauth2_in_two_steps_and_capabilities_asked_for_twice() {
    let mock = play(&format!(
        "S: * OK ready\n\
         C: {{tag}} CAPABILITY\n\
         S: * CAPABILITY IMAP4rev1 AUTH=XOAUTH2 IDLE\n\
         S: {{tag}} OK done\n\
         C: {{tag}} AUTHENTICATE XOAUTH2\n\
         S: + \n\
         C: {XOAUTH2}\n\
         S: {{tag}} OK in\n\
         C: {{tag}} CAPABILITY\n\
         S: * CAPABILITY IMAP4rev1 MOVE\n\
         S: {{tag}} OK done\n{LOGOUT}"
    ));
    let client = Client::connect(oauth(&mock, "T"), &call()).await.unwrap();
    assert_eq!(client.capabilities(), ["IMAP4rev1", "MOVE"], "those from before login are forgotten");
    finish(client, mock).await;
}

#[tokio::test]
async fn oauthbearer_names_host_and_port() {
    let mock = Mock::start(async |listener| {
        let mut peer = listener.accept().await;
        peer.send("* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=XOAUTH2 AUTH=OAUTHBEARER] ready\r\n").await;
        let line = peer.receive_line().await;
        let (tag, response) = line.split_once(" AUTHENTICATE OAUTHBEARER ").unwrap();
        use base64::Engine as _;
        let said = base64::engine::general_purpose::STANDARD.decode(response).unwrap();
        let said = String::from_utf8(said).unwrap();
        assert!(said.starts_with("n,a=ada@example.com,\x01host=localhost\x01port="), "{said:?}");
        assert!(said.ends_with("\x01auth=Bearer T\x01\x01"), "{said:?}");
        peer.send(format!("{tag} OK [CAPABILITY IMAP4rev1] in\r\n")).await;
        peer.expect_eof().await;
    });
    let client = Client::connect(oauth(&mock, "T"), &call()).await.unwrap();
    client.close();
    mock.finished().await;
}

#[tokio::test]
async fn a_refused_token_is_answered_and_its_challenge_told() {
    for (mechanism, answer) in [("XOAUTH2", ""), ("OAUTHBEARER", "AQ==")] {
        let mock = play(&format!(
            "S: * OK [CAPABILITY IMAP4rev1 AUTH={mechanism}] ready\n\
             C: {{tag}} AUTHENTICATE {mechanism}\n\
             S: + \n\
             C: {{response}}\n\
             S: + eyJzdGF0dXMiOiI0MDAiLCJzY2hlbWVzIjoiQmVhcmVyIn0=\n\
             C: {answer}\n\
             S: {{tag}} NO [AUTHENTICATIONFAILED] Invalid credentials (Failure)\n\
             X: eof\n"
        ));
        let error = refused(oauth(&mock, "T")).await;
        assert_eq!((error.code().as_str(), error.action().as_str()), ("TOKEN_REFUSED", "reauthorize"));
        let server = error.server().unwrap();
        assert_eq!(server.code.as_deref(), Some("AUTHENTICATIONFAILED"));
        assert!(server.text.contains(r#""status":"400""#), "{}", server.text);
        mock.finished().await;
    }
}

/// A source whose first token is stale.
struct Renewing {
    refused: Mutex<Vec<String>>,
    asked: AtomicU32,
}

type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

impl AccessTokens for Renewing {
    fn current(&self) -> Boxed<'_, Result<Secret, TokenError>> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        Box::pin(async { Ok(Secret::from("OLD")) })
    }

    fn refused<'a>(&'a self, token: &'a Secret) -> Boxed<'a, Result<Option<Secret>, TokenError>> {
        self.refused.lock().unwrap().push(token.expose().clone());
        Box::pin(async { Ok(Some(Secret::from("NEW"))) })
    }
}

#[tokio::test]
async fn a_refused_token_is_renewed_once() {
    let refusal = "S: * OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=XOAUTH2] ready\n\
                   C: {tag} AUTHENTICATE XOAUTH2 {response}\n\
                   S: {tag} NO AUTHENTICATE failed.\n\
                   X: eof\n";
    for second_is_good in [true, false] {
        let second = if second_is_good {
            "S: * OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=XOAUTH2] ready\n\
             C: {tag} AUTHENTICATE XOAUTH2 dXNlcj1hZGFAZXhhbXBsZS5jb20BYXV0aD1CZWFyZXIgTkVXAQE=\n\
             S: {tag} OK [CAPABILITY IMAP4rev1] in\n\
             X: eof\n"
        } else {
            refusal
        };
        let mock = Mock::start(async move |listener| {
            listener.accept().await.play(refusal).await;
            listener.accept().await.play(second).await;
        });
        let tokens = Arc::new(Renewing { refused: Mutex::default(), asked: AtomicU32::new(0) });
        let credentials = Credentials::OAuth { user: "ada@example.com".into(), tokens: tokens.clone() };
        let outcome = Client::connect(options_as(&mock, Security::None, credentials), &call()).await;
        assert_eq!(*tokens.refused.lock().unwrap(), ["OLD"], "told once, and never again for the second");
        assert_eq!(tokens.asked.load(Ordering::Relaxed), 1);
        match outcome {
            Ok(client) => {
                assert!(second_is_good);
                client.close();
            }
            Err(error) => {
                assert!(!second_is_good);
                assert_eq!(error.code().as_str(), "TOKEN_REFUSED");
            }
        }
        mock.finished().await;
    }
}

#[tokio::test]
async fn a_password_by_plain_in_two_steps_and_by_login() {
    let plain = play(&format!(
        "S: * OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] ready\n\
         C: {{tag}} AUTHENTICATE PLAIN\n\
         S: +\n\
         C: AGFkYQBzZWNyZXQ=\n\
         S: {{tag}} OK [CAPABILITY IMAP4rev1] in\n{LOGOUT}"
    ));
    finish(connect(&plain).await, plain).await;
    let login = play(&format!(
        "S: * OK [CAPABILITY IMAP4rev1] ready\n\
         C: {{tag}} LOGIN \"ada\" \"secret\"\n\
         S: {{tag}} OK [CAPABILITY IMAP4rev1] in\n{LOGOUT}"
    ));
    finish(connect(&login).await, login).await;
}

#[tokio::test]
async fn a_wrong_password() {
    let mock = play(
        "S: * OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] ready\n\
         C: {tag} AUTHENTICATE PLAIN {response}\n\
         S: {tag} NO [AUTHENTICATIONFAILED] Authentication failed.\n\
         X: eof\n",
    );
    let error = refused(options(&mock, Security::None)).await;
    assert_eq!(error.code().as_str(), "AUTHENTICATION_FAILED");
    assert_eq!(error.server().unwrap().status, "NO");
    mock.finished().await;
}

/// What a login comes to that the server answers with `reply`.
async fn refusal(reply: &str) -> Error {
    let mock = play(&format!(
        "S: * OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] ready\n\
         C: {{tag}} AUTHENTICATE PLAIN {{response}}\n\
         S: {{tag}} {reply}\n\
         X: eof\n"
    ));
    let error = refused(options(&mock, Security::None)).await;
    mock.finished().await;
    error
}

#[tokio::test]
async fn refusals_that_are_not_the_proofs_fault() {
    for (reply, expected) in [
        ("NO [UNAVAILABLE] try later", "SERVER_UNAVAILABLE"),
        ("NO [LIMIT] too many", "RATE_LIMITED"),
        ("NO [ALERT] Too many simultaneous connections. (Failure)", "RATE_LIMITED"),
        ("NO Request is throttled. Suggested Backoff Time: 1500 milliseconds", "RATE_LIMITED"),
        ("NO [AUTHORIZATIONFAILED] not yours", "ACCESS_DENIED"),
        ("NO [CONTACTADMIN] blocked", "BLOCKED_BY_POLICY"),
        ("NO [PRIVACYREQUIRED] TLS first", "MECHANISM_UNAVAILABLE"),
        ("BAD what?", "COMMAND_REJECTED"),
    ] {
        let error = refusal(reply).await;
        assert_eq!(error.code().as_str(), expected, "{reply}");
        if reply.contains("1500") {
            assert_eq!(error.retry_after().unwrap().as_millis(), 1500);
        }
    }
}

#[tokio::test]
async fn a_sentence_of_denial_is_about_the_proof() {
    for reply in ["NO Permission denied", "NO [ALERT] Permission denied"] {
        let error = refusal(reply).await;
        assert_eq!(error.code().as_str(), "AUTHENTICATION_FAILED", "{reply}");
    }
}

#[tokio::test]
async fn no_mechanism_fits() {
    let mock = play("S: * OK [CAPABILITY IMAP4rev1 LOGINDISABLED] ready\nX: eof\n");
    assert_eq!(refused(options(&mock, Security::None)).await.code().as_str(), "MECHANISM_UNAVAILABLE");
    mock.finished().await;
    let mock = play("S: * OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] ready\nX: eof\n");
    assert_eq!(refused(oauth(&mock, "T")).await.code().as_str(), "MECHANISM_UNAVAILABLE");
    mock.finished().await;
}

#[tokio::test]
async fn a_server_that_does_not_want_us_at_all() {
    for (greeting, expected) in [
        ("* BYE Too many connections from your IP", "RATE_LIMITED"),
        ("* BYE go away", "CONNECTION_LOST"),
        ("* PREAUTH welcome back", "PROTOCOL_VIOLATION"),
        ("220 smtp.example.com ESMTP", "PROTOCOL_VIOLATION"),
        ("HTTP/1.1 400 Bad Request", "PROTOCOL_VIOLATION"),
    ] {
        let mock = play(&format!("S: {greeting}\nX: eof\n"));
        assert_eq!(refused(options(&mock, Security::None)).await.code().as_str(), expected, "{greeting}");
        mock.finished().await;
    }
    let mock = play("X: close");
    assert_eq!(refused(options(&mock, Security::None)).await.code().as_str(), "CONNECTION_LOST");
    mock.finished().await;
}

#[tokio::test]
async fn id_goes_before_the_first_select_without_a_round_trip() {
    let mock = play(&format!(
        "S: * OK [CAPABILITY IMAP4rev1 ID SASL-IR AUTH=PLAIN] ready\n\
         C: {{tag}} AUTHENTICATE PLAIN {{response}}\n\
         S: {{tag}} OK in\n\
         C: {{caps}} CAPABILITY\n\
         C: {{id}} ID (\"name\" \"NocoBase\" \"vendor\" \"Noco\\\"Base\")\n\
         S: * CAPABILITY IMAP4rev1 ID\n\
         S: {{caps}} OK done\n\
         C: {{tag}} STATUS \"INBOX\" (MESSAGES UNSEEN UIDNEXT UIDVALIDITY)\n\
         S: * ID NIL\n\
         S: {{id}} OK done\n\
         S: * STATUS INBOX (MESSAGES 3 UNSEEN 1 UIDNEXT 9 UIDVALIDITY 7)\n\
         S: {{tag}} OK done\n{LOGOUT}"
    ));
    let mut options = options(&mock, Security::None);
    options.client_id = Some(vec![("name".into(), "NocoBase".into()), ("vendor".into(), "Noco\"Base".into())]);
    let client = Client::connect(options, &call()).await.unwrap();
    assert_eq!(client.status("INBOX", &call()).await.unwrap().messages, 3);
    finish(client, mock).await;
}

#[tokio::test]
async fn without_a_client_id_the_addon_names_itself() {
    let mock = play(&format!(
        "{}C: {{tag}} ID (\"name\" \"email-native\" \"version\" \"{{version}}\")\n\
         S: * ID NIL\n\
         S: {{tag}} OK done\n{LOGOUT}",
        login("IMAP4rev1 ID")
    ));
    finish(connect(&mock).await, mock).await;
}

#[tokio::test]
async fn implicit_tls() {
    let mock = Mock::start(async |listener| {
        listener.accept_tls(Leaf::Good).await.play(&(login("IMAP4rev1") + LOGOUT)).await;
    });
    let client = Client::connect(options(&mock, Security::Implicit), &call()).await.unwrap();
    finish(client, mock).await;
}

#[tokio::test]
async fn unusable_options_before_a_connection() {
    let mock = Mock::start(async |_| {});
    let with = |user: &str, secret: &str| {
        options_as(&mock, Security::None, Credentials::Password { user: user.into(), password: secret.into() })
    };
    for (user, password) in [("ada\r\nA2 NOOP", "x"), ("ada", "x\ny"), ("ada\0", "x"), ("", "x"), ("ada", "")] {
        let error = refused(with(user, password)).await;
        assert_eq!(error.code().as_str(), "INVALID_ARGUMENT", "{user:?}");
        assert!(error.protocol().is_none());
    }
    for token in ["T\r\nA2 NOOP", "T\x01", ""] {
        assert_eq!(refused(oauth(&mock, token)).await.code().as_str(), "INVALID_ARGUMENT", "{token:?}");
    }
    let mut many = with("ada", "x");
    many.max_connections = 0;
    assert_eq!(refused(many).await.code().as_str(), "INVALID_ARGUMENT");
    let mut evil = with("ada", "x");
    evil.client_id = Some(vec![("name".into(), "a\r\nA2 NOOP".into())]);
    assert_eq!(refused(evil).await.code().as_str(), "INVALID_ARGUMENT");
}

/// Everything that could be printed of an error.
fn printed(error: &Error) -> String {
    format!("{error} {error:?} {:?}", error.server())
}

#[tokio::test]
async fn a_server_that_echoes_what_signs_in() {
    let greeting = "S: * OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN AUTH=XOAUTH2] ready\n";
    for (how, echo) in [
        ("C: {tag} AUTHENTICATE PLAIN {m}\n", "hunter2, AGFkYUBleGFtcGxlLmNvbQBodW50ZXIy"),
        ("C: {tag} AUTHENTICATE XOAUTH2 {m}\n", "dXNlcj1hZGFAZXhhbXBsZS5jb20BYXV0aD1CZWFyZXIgaHVudGVyMgEB"),
    ] {
        let mock = play(&format!("{greeting}{how}S: {{tag}} NO [hunter2] you sent {echo}.\nX: eof"));
        let password = Credentials::Password { user: "ada@example.com".into(), password: "hunter2".into() };
        let options =
            if how.contains("PLAIN") { options_as(&mock, Security::None, password) } else { oauth(&mock, "hunter2") };
        let printed = printed(&refused(options).await);
        assert!(echo.split([',', ' ']).all(|leaked| leaked.is_empty() || !printed.contains(leaked)), "{printed}");
        assert!(printed.contains("you sent [redacted]"), "{printed}");
        mock.finished().await;
    }
}

#[tokio::test]
async fn a_secret_that_is_echoed_before_the_login_or_long_after_it() {
    let mock = play("S: * BYE secret is not welcome here\nX: eof");
    assert!(printed(&refused(options(&mock, Security::None)).await).contains(": [redacted] is not"));
    mock.finished().await;

    let transcript = "C: {tag} LIST \"\" \"*\"\nS: {tag} NO secret lists nothing\n\
                      C: {tag} LSUB \"\" \"*\"\nS: {tag} OK done\n";
    let mock = server("IMAP4rev1", format!("{transcript}{LOGOUT}"));
    let client = connect(&mock).await;
    let printed = printed(&client.list(json("{}"), &call()).await.map(|_| ()).unwrap_err());
    assert!(printed.contains(": [redacted] lists nothing") && !printed.contains("secret"), "{printed}");
    finish(client, mock).await;
}

#[tokio::test]
async fn a_server_that_accepts_and_says_nothing_is_not_connected_to() {
    let quick =
        ConnectOptions { ca: vec![ca_pem()], proxy: Proxy::Direct, connect_timeout: Some(Duration::from_millis(500)) };
    for tls in [Security::None, Security::StartTls, Security::Implicit] {
        let mock = Mock::start(async move |listener| {
            // For a client, and for a set-up page.
            for _ in 0..2 {
                let mut peer = match tls {
                    Security::Implicit => listener.accept_tls(Leaf::Good).await,
                    _ => listener.accept().await,
                };
                peer.expect_eof().await;
            }
        });
        let mut options = options(&mock, tls);
        options.connector = Connector::new(&quick).unwrap();
        let (endpoint, connector) = (options.endpoint.clone(), options.connector.clone());
        let started = clock::now();
        for error in [refused(options).await, reach(&endpoint, &connector, &call()).await.unwrap_err()] {
            assert_eq!(error.code(), Code::ConnectTimeout, "{tls:?} {error}");
            assert!(error.to_string().contains("greeting"), "{error}");
        }
        assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
        mock.finished().await;
    }
}
