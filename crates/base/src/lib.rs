//! Floor 0: what every protocol shares and nobody needs a socket for.
//!
//! * [`code`]: the one error table; its rows become the README's table and the `MailErrorCode` type.
//! * [`Classify`]: how a crate's own error enum says which row it is, and what the server said.
//! * [`Secret`]: a value that no log line, message or `Debug` output ever shows.
//! * [`Scrub`]: takes the secrets that are known out of what a server says; [`redact`]: what only looks like one.
//! * [`Call`]: the deadline and the cancellation of one call.
//! * [`AccessTokens`], [`Credentials`]: what IMAP and SMTP know of OAuth.
//! * [`Blob`], [`Timestamp`]: bytes and dates on their way to JavaScript.
//! * [`compute`]: long work, on as many threads as there are cores.
//! * [`clock`], [`Backoff`]: time, asked here and nowhere else.

pub mod backoff;
pub mod blob;
pub mod call;
pub mod classify;
pub mod clock;
pub mod code;
pub mod compute;
pub mod credentials;
pub mod redact;
pub mod scrub;
pub mod secret;
pub mod switch;
pub mod text;
pub mod timestamp;
pub mod tokens;

pub use backoff::Backoff;
pub use blob::Blob;
pub use call::{Call, Interrupted};
pub use classify::{Classify, Delivery, Failure, ServerReply};
pub use code::{Action, Category, Code, Entry, Protocol, Scope};
pub use credentials::Credentials;
pub use scrub::Scrub;
pub use secret::Secret;
pub use switch::SwitchOr;
pub use timestamp::Timestamp;
pub use tokens::{AccessTokens, FixedToken, TokenError};
