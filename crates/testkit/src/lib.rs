//! Mock servers for tests: bytes out, bytes in, no protocol knowledge.
//!
//! A [`Mock`] listens on a free loopback port and runs a script in a thread of its own (so a test may pause its clock).
//! The script accepts [`Peer`]s and says byte for byte what happens; whatever the client does otherwise fails the test.
//!
//! ```
//! use email_testkit::{Leaf, Mock, ca_pem};
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! let server = Mock::start(async |listener| {
//!     let mut peer = listener.accept().await; // accept_tls(Leaf::Good) for TLS from the first byte
//!     peer.send("* OK ready\r\n").await;
//!     assert_eq!(peer.receive_line().await, "A1 STARTTLS");
//!     peer.send("A1 OK go\r\n").await;
//!     peer.upgrade(Leaf::Good).await;
//!     peer.receive("A2 LOGOUT\r\n").await;
//!     peer.close().await;
//! });
//! // connect to 127.0.0.1 or localhost, server.port(), trusting ca_pem()
//! # drop((server.port(), ca_pem()));
//! # return;
//! server.finished().await; // the script ran to its end and nothing failed
//! # });
//! ```
//!
//! A whole conversation reads best as a transcript ([`Peer::play`]):
//!
//! ```text
//! # what this is about
//! S: * OK IMAP4rev1 ready
//! C: {tag} SELECT INBOX
//! S: * 3 EXISTS
//! S: {tag} OK [READ-WRITE] done
//! C: {tag} APPEND INBOX {5}
//! S: + go on
//! C~: hello\r\n
//! S~: * BYE no line end, \x00 and other bytes
//! X: reset
//! ```
//!
//! Several connections: `listener.accept()` again, or [`Mock::each`] for any number at once.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a mock that meets anything unexpected must fail its test"
)]

mod certificates;
mod mock;
mod peer;
mod round_trips;
mod transcript;

pub use certificates::{Leaf, ca_pem, foreign_ca_pem};
pub use mock::{ClosedPort, Listener, Mock};
pub use peer::Peer;
pub use round_trips::RoundTrips;
