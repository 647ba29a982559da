//! The clear-text lines before TLS.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected must fail"
)]

mod common;

use common::{call, code, connect, connector, read, write};
use email_base::Code;
use email_net::{ClearDialogue, Error, MAX_CLEAR_LINE, Security};
use email_testkit::{Leaf, Mock};

async fn dialogue(server: &Mock) -> ClearDialogue {
    let stream = connect(&connector(), server.port(), Security::StartTls).await.unwrap();
    assert!(!stream.is_encrypted());
    ClearDialogue::new(stream)
}

#[tokio::test]
async fn upgrade() {
    let server = Mock::start(async |listener| {
        let mut peer = listener.accept().await;
        peer.send("220-one\r\n220 two\r\n").await;
        assert_eq!(peer.receive_line().await, "STARTTLS");
        peer.send("220 go\r\n").await;
        peer.upgrade(Leaf::Good).await;
        peer.receive("secret").await;
        peer.send("done").await;
        peer.expect_eof().await;
    });
    let mut clear = dialogue(&server).await;
    assert_eq!(clear.read_line().await.unwrap(), "220-one");
    assert_eq!(clear.read_line().await.unwrap(), "220 two");
    clear.write_line("STARTTLS").await.unwrap();
    assert_eq!(clear.read_line().await.unwrap(), "220 go");
    let mut stream = clear.start_tls(&connector(), "localhost", &call()).await.unwrap();
    assert!(stream.is_encrypted());
    write(&mut stream, "secret").await;
    assert_eq!(read(&mut stream, 4).await, "done");
    drop(stream);
    server.finished().await;
}

#[tokio::test]
async fn starttls_injection() {
    let server = Mock::start(async |listener| {
        let mut peer = listener.accept().await;
        peer.send("220 go\r\n250 AUTH PLAIN\r\n").await;
        peer.expect_eof().await;
    });
    let mut clear = dialogue(&server).await;
    assert_eq!(clear.read_line().await.unwrap(), "220 go");
    let failed = clear.start_tls(&connector(), "localhost", &call()).await;
    assert_eq!(failed.unwrap_err(), Error::StarttlsInjection);
    server.finished().await;
}

#[tokio::test]
async fn starttls_injection_beyond_what_was_read() {
    // More than one read takes: the rest is in the socket, or comes while the handshake runs. No way leads to TLS.
    let server = Mock::start(async |listener| {
        let mut peer = listener.accept().await;
        peer.send("220 go\r\n").await;
        peer.receive("x").await;
        let _ = peer.try_send("250 AUTH PLAIN\r\n".repeat(4000)).await;
        peer.receive_all().await;
    });
    let mut stream = connect(&connector(), server.port(), Security::StartTls).await.unwrap();
    write(&mut stream, "x").await;
    let mut clear = ClearDialogue::new(stream);
    assert_eq!(clear.read_line().await.unwrap(), "220 go");
    let error = clear.start_tls(&connector(), "localhost", &call()).await.unwrap_err();
    assert!(matches!(error, Error::StarttlsInjection | Error::TlsFailed { .. }), "{error:?}");
    server.finished().await;
}

#[tokio::test]
async fn starttls_checks_the_certificate() {
    for (leaf, expected) in
        [(Leaf::UnknownCa, Code::CertificateUntrusted), (Leaf::WrongHost, Code::CertificateHostMismatch)]
    {
        let server = Mock::start(async move |listener| {
            let mut peer = listener.accept().await;
            peer.send("220 go\r\n").await;
            assert!(peer.try_upgrade(leaf).await.is_err());
        });
        let mut clear = dialogue(&server).await;
        clear.read_line().await.unwrap();
        assert_eq!(code(clear.start_tls(&connector(), "localhost", &call()).await), expected);
        server.finished().await;
    }
}

#[tokio::test]
async fn line_without_end() {
    let server = Mock::start(async |listener| {
        let mut peer = listener.accept().await;
        peer.send("a".repeat(MAX_CLEAR_LINE - 2) + "\r\n").await;
        let _ = peer.try_send("b".repeat(1 << 20)).await;
        peer.receive_all().await;
    });
    let mut clear = dialogue(&server).await;
    assert_eq!(clear.read_line().await.unwrap().len(), MAX_CLEAR_LINE - 2);
    assert_eq!(clear.read_line().await, Err(Error::LineTooLong));
    drop(clear);
    server.finished().await;
}

#[tokio::test]
async fn lines_of_every_kind() {
    let server = Mock::start(async |listener| {
        let mut peer = listener.accept().await;
        peer.send(b"\r\nbare\n\xff\r\nlast").await;
        peer.close().await;
    });
    let mut clear = dialogue(&server).await;
    for line in ["", "bare", "\u{fffd}"] {
        assert_eq!(clear.read_line().await.unwrap(), line);
    }
    assert_eq!(code(clear.read_line().await), Code::ConnectionLost);
    server.finished().await;
}

#[tokio::test]
async fn crlf_in_a_line_is_refused_before_any_byte() {
    let server = Mock::start(async |listener| listener.accept().await.expect_eof().await);
    let mut clear = dialogue(&server).await;
    for line in ["EHLO a\r\nMAIL FROM:<x>", "a\n", "a\r", "a\0"] {
        assert_eq!(code(clear.write_line(line).await), Code::InvalidArgument);
    }
    drop(clear);
    server.finished().await;
}

#[tokio::test]
async fn a_read_that_was_dropped_loses_nothing() {
    let server = Mock::start(async |listener| {
        let mut peer = listener.accept().await;
        peer.send("half ").await;
        peer.receive("go\r\n").await;
        peer.send("and half\r\n").await;
        peer.expect_eof().await;
    });
    let mut clear = dialogue(&server).await;
    for _ in 0..1000 {
        tokio::select! {
            biased;
            line = clear.read_line() => panic!("{line:?}"),
            () = tokio::task::yield_now() => {}
        }
    }
    clear.write_line("go").await.unwrap();
    assert_eq!(clear.read_line().await.unwrap(), "half and half");
    drop(clear);
    server.finished().await;
}

#[tokio::test]
async fn clear_text_goes_on_only_from_a_clean_slate() {
    let server = Mock::start(async |listener| {
        let mut peer = listener.accept().await;
        peer.send("one\r\n").await;
        peer.receive("next").await;
        let mut peer = listener.accept().await;
        peer.send("one\r\ntwo\r\n").await;
        peer.expect_eof().await;
    });
    let mut clear = dialogue(&server).await;
    clear.read_line().await.unwrap();
    write(&mut clear.into_stream().unwrap(), "next").await;
    let mut clear = dialogue(&server).await;
    clear.read_line().await.unwrap();
    assert_eq!(clear.into_stream().unwrap_err(), Error::StarttlsInjection);
    server.finished().await;
}
