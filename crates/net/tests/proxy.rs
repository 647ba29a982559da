//! HTTP CONNECT and SOCKS5, friendly, refusing, lying and hostile.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected must fail"
)]

mod common;

use common::{call, code, connect, endpoint, options, read, through};
use email_base::{Action, Call, Classify, Code};
use email_net::{ConnectOptions, Connector, Error, Phase, Proxy, Security};
use email_testkit::{ClosedPort, Leaf, Mock, Peer};

/// Basic ada:s3cret
const BASIC: &str = "Proxy-Authorization: Basic YWRhOnMzY3JldA==";

/// The request's lines.
async fn head(peer: &mut Peer) -> Vec<String> {
    let mut lines = Vec::new();
    loop {
        match peer.receive_line().await {
            line if line.is_empty() => return lines,
            line => lines.push(line),
        }
    }
}

fn tls_server() -> Mock {
    Mock::start(async |listener| {
        let mut peer = listener.accept_tls(Leaf::Good).await;
        peer.send("hello").await;
        peer.expect_eof().await;
    })
}

/// The error of a CONNECT that is answered with `reply`.
async fn answered(reply: &'static str) -> Error {
    let proxy = Mock::start(async move |listener| {
        let mut peer = listener.accept().await;
        head(&mut peer).await;
        let _ = peer.try_send(reply).await;
    });
    let connector = through(&format!("http://ada:s3cret@127.0.0.1:{}", proxy.port()));
    let error = connector.connect(&endpoint("mail.example", 993, Security::Implicit), &call()).await.unwrap_err();
    proxy.finished().await;
    assert!(!format!("{error} {error:?} {:?}", error.server()).contains("s3cret"));
    error
}

#[tokio::test]
async fn connect_with_a_login() {
    let server = tls_server();
    let (addr, port) = (server.addr(), server.port());
    let proxy = Mock::start(async move |listener| {
        let mut peer = listener.accept().await;
        let target = format!("localhost:{port}");
        assert_eq!(
            head(&mut peer).await,
            [format!("CONNECT {target} HTTP/1.1"), format!("Host: {target}"), BASIC.to_owned()]
        );
        peer.send("HTTP/1.1 200 Connection established\r\nVia: 1.1 proxy\r\n\r\n").await;
        peer.relay(addr).await;
    });
    let connector = through(&format!("http://ada:s3cret@127.0.0.1:{}", proxy.port()));
    let mut stream = connect(&connector, port, Security::Implicit).await.unwrap();
    assert!(stream.is_encrypted());
    assert_eq!(stream.peer_addr(), Some(proxy.addr()));
    assert_eq!(read(&mut stream, 5).await, "hello");
    drop(stream);
    server.finished().await;
    proxy.finished().await;
}

#[tokio::test]
async fn a_greeting_in_the_packet_of_the_proxy_s_reply_is_kept() {
    let proxy = Mock::start(async |listener| {
        let mut peer = listener.accept().await;
        assert_eq!(head(&mut peer).await[0], "CONNECT mail.example:143 HTTP/1.1");
        peer.send("HTTP/1.0 200 OK\r\n\r\n* OK ready\r\n").await;
        peer.expect_eof().await;
    });
    let connector = through(&format!("http://127.0.0.1:{}", proxy.port()));
    let stream = connector.connect(&endpoint("mail.example", 143, Security::StartTls), &call()).await.unwrap();
    assert!(!stream.is_encrypted());
    let mut clear = email_net::ClearDialogue::new(stream);
    assert_eq!(clear.read_line().await.unwrap(), "* OK ready");
    drop(clear);
    proxy.finished().await;
}

#[tokio::test]
async fn tls_to_the_proxy_is_not_tls_to_the_server() {
    let server = tls_server();
    let addr = server.addr();
    let proxy = Mock::start(async move |listener| {
        for _ in 0..2 {
            let mut peer = listener.accept_tls(Leaf::Good).await;
            head(&mut peer).await;
            peer.send("HTTP/1.1 200 OK\r\n\r\n").await;
            peer.relay(addr).await;
        }
    });
    let connector = through(&format!("https://localhost:{}", proxy.port()));
    let mut stream = connect(&connector, server.port(), Security::Implicit).await.unwrap();
    assert!(stream.is_encrypted());
    assert_eq!(read(&mut stream, 5).await, "hello");
    drop(stream);
    server.finished().await;
    drop(proxy);

    let proxy = Mock::start(async move |listener| {
        let mut peer = listener.accept_tls(Leaf::Good).await;
        head(&mut peer).await;
        peer.send("HTTP/1.1 200 OK\r\n\r\n").await;
        peer.expect_eof().await;
    });
    let connector = through(&format!("https://localhost:{}", proxy.port()));
    let stream = connect(&connector, 143, Security::StartTls).await.unwrap();
    assert!(!stream.is_encrypted(), "the proxy reads along");
    drop(stream);
    proxy.finished().await;
}

#[tokio::test]
async fn refusals_say_who_has_to_act() {
    let error = answered("HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n\r\n").await;
    assert_eq!((error.code(), error.action(), error.retryable()), (Code::ProxyFailed, Action::FixConfig, false));
    assert_eq!(error.server().unwrap().status, "407");
    assert!(error.to_string().contains("127.0.0.1") && error.to_string().contains("mail.example:993"), "{error}");

    let error = answered("HTTP/1.1 407 not for ada:s3cret, not for YWRhOnMzY3JldA==\r\n\r\n").await;
    assert!(error.to_string().ends_with("not for ada:[redacted], not for [redacted]"), "an echo: {error}");

    let error = answered("HTTP/1.1 403 Forbidden\r\n\r\n<html>").await;
    assert_eq!((error.code(), error.action()), (Code::ProxyFailed, Action::FixConfig));

    let error = answered("HTTP/1.1 502 Bad Gateway\r\n\r\n").await;
    assert_eq!((error.code(), error.action(), error.retryable()), (Code::ProxyFailed, Action::Retry, true));
}

#[tokio::test]
async fn what_is_no_proxy_is_told_apart() {
    for reply in
        ["SSH-2.0-OpenSSH_9.2\r\n\r\n", "220 mail ESMTP\r\n\r\n", "HTTP/1.1 20 OK\r\n\r\n", "HTTP/2 200\r\n\r\n", ""]
    {
        let error = answered(reply).await;
        assert_eq!((error.code(), error.retryable()), (Code::ProxyFailed, false), "{reply:?}: {error}");
    }
}

#[tokio::test]
async fn a_lying_proxy_gets_no_further_than_tls() {
    let error = answered("HTTP/1.1 200 OK\r\n\r\n* PREAUTH welcome\r\n").await;
    assert_eq!(error.code(), Code::TlsFailed, "{error}");
}

#[tokio::test]
async fn headers_without_end() {
    let proxy = Mock::start(async |listener| {
        let mut peer = listener.accept().await;
        peer.try_send("HTTP/1.1 200 OK\r\n").await.unwrap();
        while peer.try_send("X-More: and more\r\n".repeat(100)).await.is_ok() {}
    });
    let connector = through(&format!("http://127.0.0.1:{}", proxy.port()));
    let error = connect(&connector, 993, Security::Implicit).await.unwrap_err();
    assert_eq!(error.code(), Code::ProxyFailed);
    assert!(error.to_string().contains("headers without end"), "{error}");
    proxy.finished().await;
}

#[tokio::test(start_paused = true)]
async fn a_silent_proxy_ends_at_the_deadline() {
    let proxy = Mock::start(async |listener| {
        for _ in 0..2 {
            listener.accept().await.receive_all().await;
        }
    });
    for scheme in ["http", "socks5"] {
        let url = format!("{scheme}://127.0.0.1:{}", proxy.port());
        let connector =
            Connector::new(&ConnectOptions { proxy: Proxy::Url(url.as_str().into()), ..options() }).unwrap();
        let error =
            connector.connect(&endpoint("a.example", 1, Security::Implicit), &Call::default()).await.unwrap_err();
        assert!(matches!(&error, Error::ConnectTimeout { phase: Phase::Proxy, .. }), "{error:?}");
        assert!(error.to_string().contains("the proxy 127.0.0.1"), "{error}");
    }
}

#[tokio::test]
async fn a_proxy_that_is_not_there() {
    let closed = ClosedPort::reserve();
    let port = closed.port();
    let error = connect(&through(&format!("http://127.0.0.1:{port}")), 993, Security::Implicit).await.unwrap_err();
    assert_eq!(error, Error::ConnectionRefused { peer: format!("the proxy 127.0.0.1:{port}") });
    let failed = connect(&through("socks5://proxy.invalid"), 993, Security::Implicit).await;
    assert_eq!(code(failed), Code::HostNotFound);
}

// ── SOCKS5

#[tokio::test]
async fn socks5_with_a_login() {
    let server = tls_server();
    let (addr, port) = (server.addr(), server.port());
    let proxy = Mock::start(async move |listener| {
        let mut peer = listener.accept().await;
        peer.receive([5, 2, 0, 2]).await;
        peer.send([5, 2]).await;
        peer.receive(b"\x01\x03ada\x06s3cret").await;
        peer.send([1, 0]).await;
        peer.receive([&[5, 1, 0, 3, 9], &b"localhost"[..], &port.to_be_bytes()].concat()).await;
        // The bound address as a name, which nobody does and everybody may.
        peer.send(b"\x05\x00\x00\x03\x04host\x00\x50").await;
        peer.relay(addr).await;
    });
    let connector = through(&format!("socks5://ada:s3cret@127.0.0.1:{}", proxy.port()));
    let mut stream = connect(&connector, port, Security::Implicit).await.unwrap();
    assert_eq!(read(&mut stream, 5).await, "hello");
    drop(stream);
    server.finished().await;
    proxy.finished().await;
}

#[tokio::test]
async fn socks5_without_a_login_keeps_the_greeting() {
    let proxy = Mock::start(async |listener| {
        let mut peer = listener.accept().await;
        peer.receive([5, 1, 0]).await;
        peer.send([5, 0]).await;
        peer.receive([5, 1, 0, 1, 192, 0, 2, 7, 0, 143]).await;
        peer.send(b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x50* OK ready\r\n").await;
        peer.expect_eof().await;
    });
    let connector = through(&format!("socks5://127.0.0.1:{}", proxy.port()));
    let stream = connector.connect(&endpoint("192.0.2.7", 143, Security::StartTls), &call()).await.unwrap();
    let mut clear = email_net::ClearDialogue::new(stream);
    assert_eq!(clear.read_line().await.unwrap(), "* OK ready");
    drop(clear);
    proxy.finished().await;
}

/// The error when the proxy answers each message with the next of `replies`.
async fn socks_answered(login: &str, replies: Vec<&'static [u8]>) -> Error {
    let proxy = Mock::start(async move |listener| {
        let mut peer = listener.accept().await;
        for reply in replies {
            peer.receive_exact(3).await;
            let _ = peer.try_send(reply).await;
        }
        peer.close().await;
    });
    let connector = through(&format!("socks5://{login}127.0.0.1:{}", proxy.port()));
    let error = connect(&connector, 993, Security::Implicit).await.unwrap_err();
    assert!(!format!("{error} {error:?}").contains("s3cret"));
    error
}

#[tokio::test]
async fn socks5_refusals() {
    let ada = "ada:s3cret@";
    for (login, replies, retryable, sentence) in [
        ("", vec![&[5, 0xFF][..]], false, "wants a login"),
        ("", vec![&[5, 2]], false, "wants a login"),
        (ada, vec![&[5, 0xFF]], false, "accepts neither"),
        (ada, vec![&[5, 2], &[1, 1]], false, "refused user and password"),
        ("", vec![&[5, 0], &[5, 2, 0, 1, 0, 0, 0, 0, 0, 0]], false, "rules forbid"),
        ("", vec![&[5, 0], &[5, 5, 0, 1, 0, 0, 0, 0, 0, 0]], true, "connection refused"),
        ("", vec![&[5, 0], &[5, 4, 0, 1, 0, 0, 0, 0, 0, 0]], true, "host unreachable"),
        // Nonsense.
        ("", vec![&[4, 0]], false, "not SOCKS5"),
        (ada, vec![&[5, 1]], false, "not SOCKS5"),
        ("", vec![b"HTTP/1.1 400 Bad Request\r\n\r\n"], false, "not SOCKS5"),
        ("", vec![&[5, 0], &[9, 0, 0, 1]], false, "not SOCKS5"),
        ("", vec![&[5, 0], &[5, 0, 0, 9]], false, "unknown kind"),
        ("", vec![&[5]], false, "closed the connection"),
    ] {
        let error = socks_answered(login, replies).await;
        assert_eq!((error.code(), error.retryable()), (Code::ProxyFailed, retryable), "{sentence}: {error:?}");
        assert!(error.to_string().contains(sentence), "{sentence}: {error}");
    }
}

// ── the environment

/// Runs `test` of this file again in a process with these variables.
fn in_environment(test: &str, variables: &[(&str, String)]) {
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--ignored", "--nocapture"])
        .env_remove("NO_PROXY")
        .env_remove("no_proxy")
        .envs(variables.iter().map(|(name, value)| (*name, value)))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{said}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[tokio::test]
async fn environment_proxies_serve_whatever_no_proxy_does_not_name() {
    let proxy = Mock::start(async |listener| {
        for target in ["mail.example:143", "127.0.0.1:143"] {
            let mut peer = listener.accept().await;
            assert_eq!(head(&mut peer).await[0], format!("CONNECT {target} HTTP/1.1"));
            peer.send("HTTP/1.1 200 OK\r\n\r\n").await;
            peer.expect_eof().await;
        }
    });
    let url = format!("http://127.0.0.1:{}", proxy.port());
    tokio::task::spawn_blocking(move || {
        in_environment(
            "with_the_environment",
            &[("HTTPS_PROXY", url), ("NO_PROXY", "excepted.invalid,localhost".into())],
        );
    })
    .await
    .unwrap();
    proxy.finished().await;
}

#[tokio::test]
#[ignore = "run by environment_proxies_serve_whatever_no_proxy_does_not_name"]
async fn with_the_environment() {
    let connector = Connector::new(&ConnectOptions::default()).unwrap();
    for host in ["mail.example", "127.0.0.1"] {
        connector.connect(&endpoint(host, 143, Security::StartTls), &call()).await.unwrap();
    }
    // The proxy takes two connections; these must not be among them.
    let server = Mock::start(async |listener| drop(listener.accept().await));
    connect(&connector, server.port(), Security::StartTls).await.unwrap();
    server.finished().await;
    let excepted = connector.connect(&endpoint("imap.excepted.invalid", 143, Security::StartTls), &call()).await;
    assert_eq!(code(excepted), Code::HostNotFound);
    let direct = Connector::new(&ConnectOptions { proxy: Proxy::Direct, ..ConnectOptions::default() }).unwrap();
    let failed = direct.connect(&endpoint("mail.invalid", 143, Security::StartTls), &call()).await;
    assert_eq!(code(failed), Code::HostNotFound);
}
