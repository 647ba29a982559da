//! Floor 2: mail submission (RFC 6409) over SMTP (RFC 5321).
//!
//! ```text
//! Client ── pool ── session ── lettre ── wire ── net::Stream
//!        └─ budget (per mailbox, per process)
//! ```
//!
//! * [`Client`]: connects, signs in, sends; says of each message whether it was sent, was not, or nobody knows.
//! * [`Series`]: many messages, a round trip each.
//! * [`MessageBody`]: where a message comes from, chunk by chunk; [`RawMessage`] is one that is in memory.
//! * [`Error`]: why not.
//!
//! lettre speaks the commands, reads the replies and writes addresses and parameters; what it lacks lies below it (the
//! tap of `wire`: limits, whole replies, streaming) and above it (the session's steps: sign-in, pipelining, outcomes).

mod address;
mod body;
mod budget;
mod client;
mod dsn;
mod ehlo;
mod envelope;
mod error;
mod feeder;
mod identity;
mod job;
mod options;
mod phase;
mod pool;
mod provider;
mod refusal;
mod reply;
mod sasl;
mod scope;
mod send;
mod series;
mod session;
mod transparency;
mod wire;

pub use body::{MessageBody, RawMessage};
pub use client::{Client, Rejected, SendResult};
pub use envelope::Envelope;
pub use error::{Error, Result};
pub use options::{Chunking, Dsn, Notify, Options, PoolOptions, RateLimit, Return, SendOptions};
pub use provider::SentCopy;
pub use series::{Outcome, Outgoing, Series};
