//! Certificates and handshakes on loopback.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected must fail"
)]

mod common;

use std::time::Duration;

use common::{code, connect, connector, endpoint, options, read, write};
use email_base::{Call, Code};
use email_net::{ConnectOptions, Connector, Error, Phase, Security};
use email_testkit::{Leaf, Mock, foreign_ca_pem};

async fn refused(connector: &Connector, leaf: Leaf) -> Error {
    let server = Mock::start(async move |listener| listener.accept_tls_refused(leaf).await);
    let error = connect(connector, server.port(), Security::Implicit).await.unwrap_err();
    server.finished().await;
    error
}

#[tokio::test]
async fn a_ca_given_as_pem_is_trusted() {
    let server = Mock::start(async |listener| {
        let mut peer = listener.accept_tls(Leaf::Good).await;
        peer.send("hello").await;
        peer.receive("world").await;
        peer.expect_eof().await;
    });
    let mut stream = connect(&connector(), server.port(), Security::Implicit).await.unwrap();
    assert!(stream.is_encrypted());
    assert_eq!(stream.peer_addr(), Some(server.addr()));
    assert!(stream.local_addr().unwrap().ip().is_loopback());
    assert_eq!(read(&mut stream, 5).await, "hello");
    write(&mut stream, "world").await;
    drop(stream);
    server.finished().await;
}

#[tokio::test]
async fn addresses_are_in_certificates_too() {
    let server = Mock::start(async |listener| drop(listener.accept_tls(Leaf::Good).await));
    let address = endpoint("127.0.0.1", server.port(), Security::Implicit);
    connector().connect(&address, &Call::default()).await.unwrap();
    server.finished().await;
}

#[tokio::test]
async fn unknown_ca() {
    for leaf in [Leaf::UnknownCa, Leaf::SelfSigned] {
        let error = refused(&connector(), leaf).await;
        assert!(matches!(error, Error::CertificateUntrusted { .. }), "{leaf:?}: {error:?}");
        assert!(error.to_string().starts_with("the certificate of localhost is not trusted: "), "{error}");
    }
    let system_only = Connector::new(&ConnectOptions { ca: Vec::new(), ..options() }).unwrap();
    assert!(matches!(refused(&system_only, Leaf::Good).await, Error::CertificateUntrusted { .. }));
    let other = Connector::new(&ConnectOptions { ca: vec![foreign_ca_pem()], ..options() }).unwrap();
    assert!(matches!(refused(&other, Leaf::Good).await, Error::CertificateUntrusted { .. }));
}

#[tokio::test]
async fn expired_or_not_yet_valid() {
    for leaf in [Leaf::Expired, Leaf::NotYetValid] {
        let error = refused(&connector(), leaf).await;
        assert!(matches!(error, Error::CertificateExpired { .. }), "{leaf:?}: {error:?}");
    }
}

#[tokio::test]
async fn wrong_host() {
    let error = refused(&connector(), Leaf::WrongHost).await;
    assert!(matches!(error, Error::CertificateHostMismatch { .. }), "{error:?}");
    assert!(error.to_string().contains("localhost") && error.to_string().contains("other.example"), "{error}");
}

#[tokio::test]
async fn plain_server_on_a_tls_port() {
    for greeting in ["* OK IMAP4rev1 ready\r\n", "220 mail.example ESMTP\r\n", "HTTP/1.1 400 Bad Request\r\n\r\n"] {
        let server = Mock::start(async move |listener| {
            let mut peer = listener.accept().await;
            peer.send(greeting).await;
            peer.receive_all().await;
        });
        let error = connect(&connector(), server.port(), Security::Implicit).await.unwrap_err();
        assert!(matches!(&error, Error::TlsFailed { .. }), "{error:?}");
        assert!(error.to_string().contains("starttls"), "{error}");
        server.finished().await;
    }
}

#[tokio::test]
async fn a_server_that_knows_no_tls_1_2() {
    let server = Mock::start(async |listener| {
        let mut peer = listener.accept().await;
        peer.receive_exact(1).await;
        peer.send(b"\x15\x03\x01\x00\x02\x02\x46").await; // alert: fatal, protocol_version
        peer.receive_all().await;
    });
    let error = connect(&connector(), server.port(), Security::Implicit).await.unwrap_err();
    assert!(matches!(error, Error::TlsFailed { .. }), "{error:?}");
    server.finished().await;
}

#[tokio::test]
async fn hang_up_during_the_handshake() {
    for reset in [false, true] {
        let server = Mock::start(async move |listener| {
            let mut peer = listener.accept().await;
            peer.receive_exact(1).await;
            if reset { peer.reset().await } else { peer.close().await }
        });
        let failed = connect(&connector(), server.port(), Security::Implicit).await;
        assert_eq!(code(failed), Code::ConnectionLost);
        server.finished().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_silent_server_ends_at_the_deadline() {
    let server = Mock::start(async |listener| {
        let mut peer = listener.accept().await;
        assert!(!peer.receive_all().await.is_empty(), "no ClientHello");
    });
    let quick = Connector::new(&ConnectOptions { connect_timeout: Some(Duration::from_secs(3)), ..options() }).unwrap();
    let address = endpoint("localhost", server.port(), Security::Implicit);
    let started = email_base::clock::now();
    let error = quick.connect(&address, &Call::default()).await.unwrap_err();
    let peer = format!("localhost:{}", server.port());
    assert_eq!(error, Error::ConnectTimeout { peer, phase: Phase::Handshake });
    assert_eq!(started.elapsed(), Duration::from_secs(3));
    server.finished().await;
}

#[tokio::test]
async fn a_lost_connection_is_told_from_an_end() {
    let server = Mock::start(async |listener| {
        let peer = listener.accept_tls(Leaf::Good).await;
        peer.reset().await;
    });
    let mut stream = connect(&connector(), server.port(), Security::Implicit).await.unwrap();
    let error = tokio::io::AsyncReadExt::read_u8(&mut stream).await.unwrap_err();
    assert_eq!(code::<()>(Err(error.into())), Code::ConnectionLost);
    server.finished().await;
}

#[tokio::test]
async fn a_thousand_connectors_are_cheap() {
    let started = email_base::clock::now();
    let all: Vec<_> = (0..1000).map(|_| connector()).collect();
    assert!(started.elapsed() < Duration::from_secs(20), "{} in {:?}", all.len(), started.elapsed());
}
