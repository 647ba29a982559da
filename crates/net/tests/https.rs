//! The HTTP client of the OAuth crate.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected must fail"
)]

mod common;

use std::time::Duration;

use common::{connector, options, through};
use email_base::{Classify, Code};
use email_net::{ConnectOptions, Connector, Error};
use email_testkit::{ClosedPort, Leaf, Mock, Peer};

async fn head(peer: &mut Peer) -> Vec<String> {
    let mut lines = Vec::new();
    loop {
        match peer.receive_line().await {
            line if line.is_empty() => return lines,
            line => lines.push(line),
        }
    }
}

/// Answers one request.
fn server(reply: &'static str) -> Mock {
    Mock::start(async move |listener| {
        let mut peer = listener.accept_tls(Leaf::Good).await;
        let head = head(&mut peer).await;
        assert_eq!(head[0], "GET /path?code=c0de HTTP/1.1");
        assert!(head.iter().any(|line| line.starts_with("user-agent: nocobase-email-native/")), "{head:?}");
        peer.send(reply).await;
        peer.close().await;
    })
}

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

async fn get(connector: &Connector, host: &str, port: u16) -> Result<reqwest::Response, Error> {
    let url = format!("https://{host}:{port}/path?code=c0de");
    let result = connector.https().unwrap().get(url).send().await;
    result.map_err(|error| Error::from_http(&error)).inspect_err(|error| {
        assert!(!format!("{error:?}").contains("c0de"), "{error:?}");
    })
}

#[tokio::test]
async fn direct() {
    let server = server(OK);
    let answer = get(&connector(), "localhost", server.port()).await.unwrap();
    assert_eq!(answer.text().await.unwrap(), "ok");
    server.finished().await;
}

#[tokio::test]
async fn through_connect_and_socks5() {
    for scheme in ["http", "https", "socks5"] {
        let server = server(OK);
        let (addr, port) = (server.addr(), server.port());
        let proxy = Mock::start(async move |listener| {
            let mut peer = listener.accept().await;
            if scheme == "https" {
                peer.upgrade(Leaf::Good).await;
            }
            if scheme.starts_with("http") {
                let head = head(&mut peer).await;
                assert_eq!(head[0], format!("CONNECT localhost:{port} HTTP/1.1"));
                // ada:p@ss%41
                let login = head.iter().find(|line| line.to_lowercase().starts_with("proxy-authorization:")).unwrap();
                assert!(login.ends_with(" Basic YWRhOnBAc3MlNDE="), "{login}");
                peer.send("HTTP/1.1 200 OK\r\n\r\n").await;
            } else {
                let greeting = peer.receive_exact(2).await;
                peer.receive_exact(usize::from(greeting[1])).await;
                peer.send([5, 2]).await;
                peer.receive(b"\x01\x03ada\x07p@ss%41").await;
                peer.send([1, 0]).await;
                peer.receive([&[5, 1, 0, 3, 9], &b"localhost"[..], &port.to_be_bytes()].concat()).await;
                peer.send([5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await;
            }
            peer.relay(addr).await;
        });
        let connector = through(&format!("{scheme}://ada:p%40ss%2541@127.0.0.1:{}", proxy.port()));
        let answer = get(&connector, "localhost", port).await.unwrap();
        assert_eq!(answer.text().await.unwrap(), "ok", "{scheme}");
        server.finished().await;
        proxy.finished().await;
    }
}

#[tokio::test]
async fn certificates_are_checked() {
    for (leaf, expected) in [
        (Leaf::UnknownCa, Code::CertificateUntrusted),
        (Leaf::Expired, Code::CertificateExpired),
        (Leaf::WrongHost, Code::CertificateHostMismatch),
    ] {
        let server = Mock::start(async move |listener| listener.accept_tls_refused(leaf).await);
        let error = get(&connector(), "localhost", server.port()).await.unwrap_err();
        assert_eq!(error.code(), expected, "{error:?}");
        server.finished().await;
    }
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let server = server("HTTP/1.1 302 Found\r\nLocation: https://localhost:1/stolen\r\nContent-Length: 0\r\n\r\n");
    let answer = get(&connector(), "localhost", server.port()).await.unwrap();
    assert_eq!(answer.status(), 302);
    server.finished().await;
}

#[tokio::test]
async fn http_is_refused() {
    let error = connector().https().unwrap().get("http://localhost:1/").send().await.unwrap_err();
    assert_eq!(Error::from_http(&error).code(), Code::InvalidArgument);
}

#[tokio::test]
async fn failures_are_told_apart() {
    let closed = ClosedPort::reserve();
    let port = closed.port();
    let failed = async |connector: &Connector, host, port| get(connector, host, port).await.unwrap_err().code();
    assert_eq!(failed(&connector(), "localhost", port).await, Code::ConnectionRefused);
    assert_eq!(failed(&connector(), "login.invalid", 443).await, Code::HostNotFound);

    let plain = Mock::start(async |listener| {
        let mut peer = listener.accept().await;
        peer.send("HTTP/1.1 400 Bad Request\r\n\r\n").await;
        peer.receive_all().await;
    });
    assert_eq!(failed(&connector(), "localhost", plain.port()).await, Code::TlsFailed);

    let cut = server("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
    let answer = get(&connector(), "localhost", cut.port()).await.unwrap();
    assert_eq!(Error::from_http(&answer.bytes().await.unwrap_err()).code(), Code::ConnectionLost);
}

#[tokio::test]
async fn proxy_refusals() {
    let refusing = async |scheme: &str, reply: &'static [u8]| {
        let proxy = Mock::start(async move |listener| {
            let mut peer = listener.accept().await;
            peer.receive_exact(3).await;
            peer.send(reply).await;
            peer.receive_all().await;
        });
        get(&through(&format!("{scheme}://ada:s3cret@127.0.0.1:{}", proxy.port())), "login.example", 443)
            .await
            .unwrap_err()
    };
    let error = refusing("http", b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n").await;
    assert_eq!((error.code(), error.server().unwrap().status.as_str()), (Code::ProxyFailed, "407"));
    assert_eq!(refusing("http", b"HTTP/1.1 502 Bad Gateway\r\n\r\n").await.code(), Code::ProxyFailed);
    assert_eq!(refusing("socks5", &[5, 0xFF]).await.code(), Code::ProxyFailed);
    assert_eq!(refusing("socks5", b"HTTP/1.1 400 Bad\r\n\r\n").await.code(), Code::ProxyFailed);
}

#[tokio::test(start_paused = true)]
async fn a_silent_server_ends_at_the_deadline() {
    let silent = Mock::start(async |listener| drop(listener.accept().await.receive_all().await));
    let quick = Connector::new(&ConnectOptions { connect_timeout: Some(Duration::from_secs(3)), ..options() }).unwrap();
    let error = get(&quick, "localhost", silent.port()).await.unwrap_err();
    assert_eq!(error.code(), Code::ConnectTimeout, "{error:?}");
}
