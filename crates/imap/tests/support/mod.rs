//! A client for a mock server on loopback, and the first lines of most conversations.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its own part")]

pub mod fetch;
pub mod sync;

use std::time::Duration;

use email_base::{Call, Classify, Credentials};
use email_imap::{Client, Error, Options, UidSet};
use email_net::{ConnectOptions, Connector, Endpoint, Proxy, Security};
use email_testkit::{Mock, Peer, ca_pem};
use tokio_util::sync::CancellationToken;

/// A deadline that no good test reaches.
pub fn call() -> Call {
    Call::new(Duration::from_secs(20), CancellationToken::new())
}

/// For a call that is to be aborted or to run out of time.
pub fn call_of(timeout: Duration) -> (Call, CancellationToken) {
    let cancel = CancellationToken::new();
    (Call::new(timeout, cancel.clone()), cancel)
}

/// Options for `mock`, with a password.
pub fn options(mock: &Mock, tls: Security) -> Options {
    options_as(mock, tls, Credentials::Password { user: "ada".into(), password: "secret".into() })
}

/// Options for `mock`.
pub fn options_as(mock: &Mock, tls: Security, credentials: Credentials) -> Options {
    let connect = ConnectOptions { ca: vec![ca_pem()], proxy: Proxy::Direct, connect_timeout: None };
    let endpoint = Endpoint { host: "localhost".into(), port: mock.port(), tls };
    Options::new(endpoint, Connector::new(&connect).unwrap(), credentials)
}

/// A client of `mock` without TLS.
pub async fn connect(mock: &Mock) -> Client {
    Client::connect(options(mock, Security::None), &call()).await.unwrap()
}

/// Greeting and login in one round trip; afterwards the server has `capabilities`.
pub fn login(capabilities: &str) -> String {
    format!(
        "S: * OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] ready\n\
         C: {{tag}} AUTHENTICATE PLAIN AGFkYQBzZWNyZXQ=\n\
         S: {{tag}} OK [CAPABILITY {capabilities}] welcome\n"
    )
}

/// A server for one connection: login, then `transcript`.
pub fn server(capabilities: &str, transcript: impl Into<String>) -> Mock {
    let transcript = login(capabilities) + &transcript.into();
    Mock::start(async move |listener| listener.accept().await.play(&transcript).await)
}

/// A server for several connections, one after the other: login, then a transcript each.
pub fn servers<const N: usize>(capabilities: &'static str, transcripts: [&'static str; N]) -> Mock {
    Mock::start(async move |listener| {
        for transcript in transcripts {
            listener.accept().await.play(&(login(capabilities) + transcript)).await;
        }
    })
}

/// EXAMINE of a mailbox with `exists` messages.
pub fn examine(path: &str, exists: u32) -> String {
    format!(
        "C: {{tag}} EXAMINE \"{path}\"\n\
         S: * FLAGS (\\Seen)\n\
         S: * {exists} EXISTS\n\
         S: * OK [UIDVALIDITY 7] valid\n\
         S: {{tag}} OK [READ-ONLY] open\n"
    )
}

/// LOGOUT, answered.
pub const LOGOUT: &str = "C: {tag} LOGOUT\nS: * BYE bye\nS: {tag} OK done\nX: eof\n";

/// Ends client and server in good order.
pub async fn finish(client: Client, mock: Mock) {
    client.logout(&call()).await.unwrap();
    mock.finished().await;
}

/// The code of a failure.
pub fn code<T: std::fmt::Debug>(outcome: Result<T, Error>) -> &'static str {
    outcome.unwrap_err().code().as_str()
}

/// Time passes, between two moments of real time: network and a paused clock do not go together.
pub async fn later(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

/// A set.
pub fn uids(text: &str) -> UidSet {
    UidSet::parse(text).unwrap()
}

/// A query as JavaScript gives it.
pub fn json<T: serde::de::DeserializeOwned>(text: &str) -> T {
    serde_json::from_str(text).unwrap()
}

/// Logs in by hand, for servers that are no transcript.
pub async fn log_in(mut peer: Peer, capabilities: &str) -> Peer {
    let mut names = std::collections::HashMap::new();
    peer = peer.play_with(&login(capabilities), &mut names).await.unwrap();
    peer
}
