//! Addresses, refusals, deadlines.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected must fail"
)]

mod common;

use std::time::Duration;

use common::{call, code, connect, connector, endpoint, options};
use email_base::{Call, Code};
use email_net::{ConnectOptions, Connector, Error, Proxy, Security};
use email_testkit::{ClosedPort, Mock};
use tokio_util::sync::CancellationToken;

#[tokio::test]
async fn refused_port() {
    let closed = ClosedPort::reserve();
    let port = closed.port();
    let error = connect(&connector(), port, Security::Implicit).await.unwrap_err();
    assert_eq!(error, Error::ConnectionRefused { peer: format!("localhost:{port}") });
    let error = connector().connect(&endpoint("::1", port, Security::Implicit), &call()).await.unwrap_err();
    // A machine without IPv6 says so.
    assert!(matches!(error, Error::ConnectionRefused { .. } | Error::HostUnreachable { .. }), "{error:?}");
}

#[tokio::test]
async fn wrong_host_name() {
    for host in ["mail.invalid", "invalid.", "bücher.invalid"] {
        let failed = connector().connect(&endpoint(host, 993, Security::Implicit), &call()).await;
        assert_eq!(code(failed), Code::HostNotFound, "{host}");
    }
}

#[tokio::test]
async fn unusable_hosts_and_ports_are_refused_before_any_lookup() {
    for (host, port) in [("", 993), ("a\r\nb", 993), ("a b", 993), ("a\0", 993), ("a/b", 993), ("localhost", 0)] {
        let failed = connector().connect(&endpoint(host, port, Security::Implicit), &call()).await;
        assert_eq!(code(failed), Code::InvalidArgument, "{host:?}");
    }
}

#[tokio::test]
async fn clear_text_to_another_machine_is_refused() {
    for host in ["mail.example", "192.0.2.1", "localhost.example", "0.0.0.0"] {
        let failed = connector().connect(&endpoint(host, 143, Security::None), &call()).await;
        assert_eq!(code(failed), Code::InvalidArgument, "{host}");
    }
    let proxied = ConnectOptions { proxy: Proxy::Url("http://proxy.example:1".into()), ..options() };
    let failed = connect(&Connector::new(&proxied).unwrap(), 143, Security::None).await;
    assert_eq!(code(failed), Code::InvalidArgument);
}

#[tokio::test]
async fn clear_text_on_loopback() {
    let server = Mock::start(async |listener| listener.accept().await.send("hello").await);
    let mut stream = connect(&connector(), server.port(), Security::None).await.unwrap();
    assert!(!stream.is_encrypted());
    assert_eq!(common::read(&mut stream, 5).await, "hello");
    server.finished().await;
}

#[tokio::test]
async fn options_that_cannot_work_are_refused() {
    let refused = |options| code(Connector::new(&options));
    assert_eq!(refused(ConnectOptions { connect_timeout: Some(Duration::ZERO), ..options() }), Code::InvalidArgument);
    assert_eq!(refused(ConnectOptions { ca: vec!["no PEM".into()], ..options() }), Code::InvalidArgument);
    assert_eq!(refused(ConnectOptions { proxy: Proxy::Url("nonsense".into()), ..options() }), Code::InvalidArgument);
}

#[tokio::test]
async fn an_aborted_call_connects_to_nobody() {
    let cancel = CancellationToken::new();
    cancel.cancel();
    let server = Mock::start(async |_| {});
    let address = endpoint("localhost", server.port(), Security::Implicit);
    let failed = connector().connect(&address, &Call::new(Duration::from_secs(5), cancel)).await;
    assert_eq!(code(failed), Code::Aborted);
}

#[tokio::test]
async fn abort_during_the_handshake_closes_the_socket() {
    let cancel = CancellationToken::new();
    let abort = cancel.clone();
    let server = Mock::start(async move |listener| {
        let mut peer = listener.accept().await;
        peer.receive_exact(1).await;
        abort.cancel();
        peer.receive_all().await;
    });
    let address = endpoint("localhost", server.port(), Security::Implicit);
    let failed = connector().connect(&address, &Call::new(Duration::from_secs(20), cancel)).await;
    assert_eq!(code(failed), Code::Aborted);
    server.finished().await;
}

#[tokio::test(start_paused = true)]
async fn the_call_s_own_deadline_comes_first() {
    let server = Mock::start(async |listener| drop(listener.accept().await.receive_all().await));
    let address = endpoint("localhost", server.port(), Security::Implicit);
    let failed = connector().connect(&address, &Call::default().within(Duration::from_secs(1))).await;
    assert_eq!(code(failed), Code::Timeout);
    server.finished().await;
}
