//! What the tests share.
#![allow(dead_code, reason = "each test file uses its part")]

use std::time::Duration;

use email_base::{Call, Classify, Code};
use email_net::{ConnectOptions, Connector, Endpoint, Error, Proxy, Security, Stream};
use email_testkit::ca_pem;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Trusts the testkit's CA, uses no proxy.
pub(crate) fn options() -> ConnectOptions {
    ConnectOptions { ca: vec![ca_pem()], proxy: Proxy::Direct, connect_timeout: None }
}

pub(crate) fn connector() -> Connector {
    Connector::new(&options()).unwrap()
}

pub(crate) fn through(proxy: &str) -> Connector {
    Connector::new(&ConnectOptions { proxy: Proxy::Url(proxy.into()), ..options() }).unwrap()
}

pub(crate) fn endpoint(host: &str, port: u16, tls: Security) -> Endpoint {
    Endpoint { host: host.to_owned(), port, tls }
}

pub(crate) fn call() -> Call {
    Call::default().within(Duration::from_secs(20))
}

/// Connects to localhost.
pub(crate) async fn connect(connector: &Connector, port: u16, tls: Security) -> Result<Stream, Error> {
    connector.connect(&endpoint("localhost", port, tls), &call()).await
}

/// The code of the failure; panics on success.
pub(crate) fn code<T: std::fmt::Debug>(result: Result<T, Error>) -> Code {
    result.unwrap_err().code()
}

pub(crate) async fn read(stream: &mut Stream, count: usize) -> String {
    let mut bytes = vec![0; count];
    stream.read_exact(&mut bytes).await.unwrap();
    String::from_utf8(bytes).unwrap()
}

pub(crate) async fn write(stream: &mut Stream, text: &str) {
    stream.write_all(text.as_bytes()).await.unwrap();
    stream.flush().await.unwrap();
}
