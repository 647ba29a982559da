//! LOGIN with a user or a password that quotes cannot hold.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a helper that meets anything unexpected must fail its test"
)]

mod support;

use email_base::Credentials;
use email_imap::Client;
use email_net::Security;
use email_testkit::Mock;
use support::*;

fn of(mock: &Mock, user: &str, password: &str) -> email_imap::Options {
    options_as(mock, Security::None, Credentials::Password { user: user.into(), password: password.into() })
}

fn play(transcript: String) -> Mock {
    Mock::start(async move |listener| listener.accept().await.play(&transcript).await)
}

const STATUS: &str = "C: {tag} STATUS \"INBOX\" (MESSAGES UNSEEN UIDNEXT UIDVALIDITY)\n\
                      S: * STATUS INBOX (MESSAGES 4)\nS: {tag} OK done\n";

#[tokio::test]
async fn no_octet_beyond_seven_bits_is_ever_between_quotes() {
    for (capabilities, user, password, login) in [
        ("", "ada", "pä\"ss", "C: {tag} LOGIN \"ada\" {6}\nS: + go\nC: pä\"ss\n"),
        ("", "jürgen", "pass", "C: {tag} LOGIN {7}\nS: + go\nC: jürgen \"pass\"\n"),
        ("", "jürgen", "pä", "C: {tag} LOGIN {7}\nS: + go\nC: jürgen {3}\nS: * OK still here\nS: + go\nC: pä\n"),
        (" LITERAL+", "jürgen", "pä", "C: {tag} LOGIN {7+}\nC: jürgen {3+}\nC: pä\n"),
        (" LITERAL-", "ada", "pä", "C: {tag} LOGIN \"ada\" {3+}\nC: pä\n"),
        ("", "ada", "a\\b\"c", "C: {tag} LOGIN \"ada\" \"a\\\\b\\\"c\"\n"),
        ("", "ada", "a\u{7f}", "C: {tag} LOGIN \"ada\" {2}\nS: + go\nC: a\u{7f}\n"),
    ] {
        let mock = play(format!(
            "S: * OK [CAPABILITY IMAP4rev1{capabilities}] ready\n{login}\
             S: {{tag}} OK [CAPABILITY IMAP4rev1] in\n{STATUS}{LOGOUT}"
        ));
        let client = Client::connect(of(&mock, user, password), &call()).await.unwrap();
        assert_eq!(client.status("INBOX", &call()).await.unwrap().messages, 4, "{login}");
        finish(client, mock).await;
    }
}

#[tokio::test]
async fn a_login_refused_at_its_literal_or_behind_it_is_told_without_the_password() {
    let say = "S: {tag} NO [AUTHENTICATIONFAILED] not you, pässword\nX: eof\n";
    for login in ["C: {tag} LOGIN \"ada\" {9}\n", "C: {tag} LOGIN \"ada\" {9}\nS: + go\nC: pässword\n"] {
        let mock = play(format!("S: * OK [CAPABILITY IMAP4rev1] ready\n{login}{say}"));
        let error = Client::connect(of(&mock, "ada", "pässword"), &call()).await.unwrap_err();
        assert!(!error.to_string().contains("pässword"), "{error}");
        assert_eq!(code(Err::<(), _>(error)), "AUTHENTICATION_FAILED");
        mock.finished().await;
    }
}

#[tokio::test]
async fn a_server_that_goes_in_the_middle_of_the_login_is_a_lost_connection() {
    let mock = Mock::each(None, async |_, peer| {
        let login = "S: * OK [CAPABILITY IMAP4rev1] ready\nC: {tag} LOGIN \"ada\" {3}\nX: close\n";
        peer.play(login).await;
    });
    let (call, _) = call_of(std::time::Duration::from_secs(20));
    assert_eq!(code(Client::connect(of(&mock, "ada", "pä"), &call).await), "CONNECTION_LOST");
}

#[tokio::test]
async fn an_ok_to_a_command_that_was_not_sent_is_no_login() {
    let mock = play(
        "S: * OK [CAPABILITY IMAP4rev1] ready\nC: {tag} LOGIN \"ada\" \"pass\"\nS: A0001 OK in\nS: A0002 OK in\n\
         S: {tag} NO [AUTHENTICATIONFAILED] not you\nX: eof\n"
            .to_owned(),
    );
    assert!(Client::connect(of(&mock, "ada", "pass"), &call()).await.is_err());
    mock.finished().await;
}
