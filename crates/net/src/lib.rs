//! Floor 1: every byte that leaves or enters the process goes through here.
//!
//! * [`Connector`]: options once, connections many times. DNS, address race, proxy, TLS, one deadline over all of it.
//! * [`Stream`]: what comes of it.
//! * [`GreetingTime`]: what is left of the time to connect for the server's first words.
//! * [`ClearDialogue`]: the lines before STARTTLS.
//! * [`Connector::https`]: the HTTP client of the OAuth crate, over the same trust, proxy and times.
//! * [`Error`]: why not.
//!
//! Trusted are the system's CAs (macOS and Windows verify themselves; elsewhere the distribution's bundle, or what
//! `SSL_CERT_FILE` and `SSL_CERT_DIR` name) and the caller's `ca` beside them. Where a system has no CA store, as slim
//! container images, the Mozilla roots compiled in stand for it.
//!
//! There is no switch that turns certificate verification off, and no way from STARTTLS back to clear text.

mod connector;
mod deadline;
mod dialogue;
mod error;
mod greeting;
mod https;
mod lookup;
mod options;
mod proxy;
mod race;
mod stream;
mod target;
mod tls;
mod trust;

pub use connector::{CONNECT_TIMEOUT, Connector};
pub use dialogue::{ClearDialogue, MAX_CLEAR_LINE};
pub use error::{Error, Phase};
pub use greeting::GreetingTime;
pub use https::{ANSWER_TIMEOUT, READ_TIMEOUT};
pub use options::{ConnectOptions, Endpoint, Proxy, Security};
pub use stream::Stream;
pub use target::is_loopback;
