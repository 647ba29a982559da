//! The mocks themselves: they play, and they fail tests that should fail.
#![allow(clippy::disallowed_methods, reason = "the crate that opens sockets is above this one")]
#![allow(clippy::unwrap_used, reason = "a test that meets the unexpected must fail")]

use email_testkit::{ClosedPort, Mock};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const SCRIPT: &str = r"
# two commands under way together
S: * OK ready
C: {a} SELECT INBOX
C: {b} NOOP
S: {b} OK
S~: {a} OK [X \x22]\r\n
C: {a} APPEND INBOX {5}
S: + go on
C~: he\x6co\r\n
X: close
";

async fn converse(server: &Mock, says: &str) -> String {
    let mut client = TcpStream::connect(server.addr()).await.unwrap();
    client.write_all(says.as_bytes()).await.unwrap();
    let mut heard = String::new();
    let _ = client.read_to_string(&mut heard).await;
    heard
}

#[tokio::test]
async fn a_transcript_plays() {
    let server = Mock::start(async |listener| listener.accept().await.play(SCRIPT).await);
    let heard = converse(&server, "1 SELECT INBOX\r\n2 NOOP\r\n3 APPEND INBOX {5}\r\nhelo\r\n").await;
    assert_eq!(heard, "* OK ready\r\n2 OK\r\n1 OK [X \"]\r\n+ go on\r\n");
    server.finished().await;
}

#[tokio::test]
#[should_panic(expected = "received  C: 1 LOGOUT")]
async fn a_departure_fails_the_test() {
    let server = Mock::start(async |listener| listener.accept().await.play(SCRIPT).await);
    converse(&server, "1 LOGOUT\r\n").await;
    server.finished().await;
}

#[tokio::test]
#[should_panic(expected = "the client sent something before it hung up")]
async fn extra_bytes_fail_the_test() {
    let server = Mock::start(async |listener| listener.accept().await.expect_eof().await);
    drop(TcpStream::connect(server.addr()).await.unwrap().write_all(b"x").await);
    server.finished().await;
}

#[tokio::test]
async fn resets_are_resets() {
    let server = Mock::start(async |listener| listener.accept().await.reset().await);
    let mut client = TcpStream::connect(server.addr()).await.unwrap();
    assert_eq!(client.read_u8().await.unwrap_err().kind(), std::io::ErrorKind::ConnectionReset);
    server.finished().await;
}

#[tokio::test]
async fn any_number_of_connections() {
    let server = Mock::each(None, async |number, mut peer| peer.send(format!("{number}")).await);
    for number in 0..3 {
        assert_eq!(converse(&server, "").await, number.to_string());
    }
}

#[tokio::test]
async fn closed_ports_refuse() {
    let closed = ClosedPort::reserve();
    let failed = TcpStream::connect(("127.0.0.1", closed.port())).await.unwrap_err();
    assert_eq!(failed.kind(), std::io::ErrorKind::ConnectionRefused);
}
