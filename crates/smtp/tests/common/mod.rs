//! What the tests share. Each test uses a mailbox of its own, because limits are shared by mailbox.
#![allow(dead_code, unreachable_pub, missing_docs, reason = "each test file uses a part of it")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets anything unexpected must fail"
)]

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use email_base::tokens::TokenFuture;
use email_base::{AccessTokens, Call, Classify, Code, Credentials, Delivery, FixedToken, Secret, TokenError};
use email_net::{ConnectOptions, Connector, Endpoint, Proxy, Security};
use email_smtp::{Chunking, Client, Envelope, Error, Options, PoolOptions, RawMessage, SendOptions, SendResult};
use email_testkit::Mock;
use tokio_util::sync::CancellationToken;

pub const MESSAGE: &str = "Message-ID: <1@example.com>\r\nSubject: hello\r\n\r\nhello\r\n";

pub fn call() -> Call {
    within(Duration::from_secs(10))
}

pub fn within(timeout: Duration) -> Call {
    Call::new(timeout, CancellationToken::new())
}

pub fn abortable() -> (Call, CancellationToken) {
    let cancel = CancellationToken::new();
    (Call::new(Duration::from_secs(10), cancel.clone()), cancel)
}

pub fn connector() -> Connector {
    let options = ConnectOptions { ca: vec![email_testkit::ca_pem()], proxy: Proxy::Direct, connect_timeout: None };
    Connector::new(&options).unwrap()
}

/// Whose caller has said how long connecting may take.
pub fn impatient(connect_timeout: Duration) -> Connector {
    let (ca, connect_timeout) = (vec![email_testkit::ca_pem()], Some(connect_timeout));
    Connector::new(&ConnectOptions { ca, proxy: Proxy::Direct, connect_timeout }).unwrap()
}

pub fn options(server: &Mock, tls: Security) -> Options {
    Options {
        endpoint: Endpoint { host: "127.0.0.1".to_owned(), port: server.port(), tls },
        connector: connector(),
        credentials: None,
        name: None,
        pool: PoolOptions::default(),
        rate_limit: None,
        chunking: Chunking::Off,
    }
}

pub fn with_password(mut options: Options, user: &str, password: &str) -> Options {
    options.credentials = Some(Credentials::Password { user: user.to_owned(), password: password.into() });
    options
}

pub fn with_token(mut options: Options, user: &str, token: &str) -> Options {
    let tokens = Arc::new(FixedToken(token.into()));
    options.credentials = Some(Credentials::OAuth { user: user.to_owned(), tokens });
    options
}

/// A source with several tokens, the next one after each refusal.
pub struct Rotating {
    left: Mutex<VecDeque<&'static str>>,
    pub refused: Mutex<Vec<String>>,
}

impl Rotating {
    pub fn new(tokens: &[&'static str]) -> Arc<Self> {
        Arc::new(Self { left: Mutex::new(tokens.iter().copied().collect()), refused: Mutex::default() })
    }
}

impl AccessTokens for Rotating {
    fn current(&self) -> TokenFuture<'_> {
        Box::pin(async { Ok(Secret::from(self.left.lock().unwrap()[0])) })
    }

    fn refused<'a>(
        &'a self,
        token: &'a Secret,
    ) -> std::pin::Pin<Box<dyn Future<Output = Result<Option<Secret>, TokenError>> + Send + 'a>> {
        Box::pin(async {
            self.refused.lock().unwrap().push(token.expose().clone());
            let mut left = self.left.lock().unwrap();
            left.pop_front();
            Ok(left.front().map(|&token| token.into()))
        })
    }
}

pub fn envelope(from: &str, to: &[&str]) -> Envelope {
    Envelope { from: from.to_owned(), to: to.iter().map(|&to| to.to_owned()).collect() }
}

pub fn to_bob() -> Envelope {
    envelope("ada@example.com", &["bob@example.com"])
}

pub fn raw(text: &str) -> RawMessage {
    RawMessage::new(Bytes::copy_from_slice(text.as_bytes()))
}

pub async fn send(client: &Client, to: &[&str], text: &str) -> Result<SendResult, Error> {
    client.send(envelope("ada@example.com", to), raw(text), SendOptions::default(), &call()).await
}

#[track_caller]
pub fn assert_failed<T>(outcome: Result<T, Error>, code: Code, delivery: Option<Delivery>) -> Error {
    let error = outcome.err().unwrap_or_else(|| panic!("it succeeded instead of {code:?}"));
    assert_eq!((error.code(), error.delivery()), (code, delivery), "{error}");
    error
}
