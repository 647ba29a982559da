//! The clear-text prelude, and everybody who tampers with it.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a helper that meets anything unexpected must fail its test"
)]

mod support;

use email_base::Classify;
use email_imap::Client;
use email_net::Security;
use email_testkit::{Leaf, Mock};
use support::*;

fn play(transcript: &str) -> Mock {
    let transcript = transcript.to_owned();
    Mock::start(async move |listener| listener.accept().await.play(&transcript).await)
}

async fn refused(mock: Mock) -> &'static str {
    let error = Client::connect(options(&mock, Security::StartTls), &call()).await.unwrap_err();
    mock.finished().await;
    error.code().as_str()
}

#[tokio::test]
async fn capabilities_from_before_tls_are_forgotten() {
    let mock = play(&format!(
        "S: * OK [CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED AUTH=X] ready\n\
         C: {{tag}} STARTTLS\n\
         S: {{tag}} OK go\n\
         X: starttls\n\
         C: {{tag}} CAPABILITY\n\
         S: * CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN\n\
         S: {{tag}} OK done\n\
         C: {{tag}} AUTHENTICATE PLAIN AGFkYQBzZWNyZXQ=\n\
         S: {{tag}} OK [CAPABILITY IMAP4rev1] in\n{LOGOUT}"
    ));
    let client = Client::connect(options(&mock, Security::StartTls), &call()).await.unwrap();
    assert_eq!(client.capabilities(), ["IMAP4rev1"]);
    finish(client, mock).await;
}

#[tokio::test]
async fn starttls_injection() {
    let injected = play(
        "S: * OK ready\n\
         C: {tag} STARTTLS\n\
         S~: {tag} OK go\\r\\n* CAPABILITY IMAP4rev1 AUTH=PLAIN\\r\\n\n\
         X: eof\n",
    );
    assert_eq!(refused(injected).await, "STARTTLS_INJECTION");
}

#[tokio::test]
async fn an_answer_sent_ahead_is_an_attack() {
    // Whatever tag a client might use: it cannot be guessed.
    for ahead in ["a OK go", "A1 OK go", "A0001 OK go", "+ go on"] {
        let mock = play(&format!("S~: * OK ready\\r\\n{ahead}\\r\\n\nC: {{tag}} STARTTLS\nX: eof\n"));
        assert_eq!(refused(mock).await, "STARTTLS_INJECTION", "{ahead}");
    }
}

#[tokio::test]
async fn starttls_refused_never_goes_on_in_clear() {
    for reply in ["NO not now", "BAD unknown command"] {
        let mock = play(&format!("S: * OK ready\nC: {{tag}} STARTTLS\nS: {{tag}} {reply}\nX: eof\n"));
        assert_eq!(refused(mock).await, "STARTTLS_UNAVAILABLE", "{reply}");
    }
    assert_eq!(refused(play("S: * PREAUTH welcome\nX: eof\n")).await, "STARTTLS_UNAVAILABLE");
    assert_eq!(refused(play("S: * BYE go away\nX: eof\n")).await, "CONNECTION_LOST");
    assert_eq!(refused(play("S: * OK ready\nC: {tag} STARTTLS\nS: * BYE no\nX: eof\n")).await, "CONNECTION_LOST");
    assert_eq!(refused(play("S: 220 smtp\nX: eof\n")).await, "PROTOCOL_VIOLATION");
}

#[tokio::test]
async fn a_certificate_that_is_not_trusted() {
    let mock = Mock::start(async |listener| {
        let mut names = std::collections::HashMap::new();
        let start = "S: * OK ready\nC: {tag} STARTTLS\nS: {tag} OK go\n";
        let mut peer = listener.accept().await.play_with(start, &mut names).await.unwrap();
        assert!(peer.try_upgrade(Leaf::UnknownCa).await.is_err());
    });
    assert_eq!(refused(mock).await, "CERTIFICATE_UNTRUSTED");
}

#[tokio::test]
async fn a_flood_before_tls() {
    let mock = Mock::start(async |listener| {
        let mut peer = listener.accept().await;
        peer.send("* OK ready\r\n").await;
        peer.receive_line().await;
        while peer.try_send("* OK still there\r\n".repeat(50)).await.is_ok() {}
    });
    assert_eq!(refused(mock).await, "PROTOCOL_VIOLATION");
}
