//! The connections of one client: an actor each, a queue of jobs for all.
//!
//! * [`Pool`]: takes jobs, finds or opens a connection for them.
//! * [`actor`]: owns one [`Link`], serves one job after the other, listens in between.
//! * [`Link`]: one logged-in session; [`login`] makes it.
//!
//! Nothing here waits for the user of a result: what a job reads from the wire goes into memory within limits, so the
//! connection is free for the next job while JavaScript holds a page.

mod actor;
mod answers;
mod budget;
pub(crate) mod capabilities;
mod compress;
mod departed;
mod early;
mod enable;
mod idle;
mod job;
mod known;
mod link;
mod login;
mod login_command;
mod names;
mod others;
mod parts;
mod pool;
mod quirks;
mod reach;
pub(crate) mod refusal;
mod renewal;
mod reply;
mod sasl;
mod select;
mod snapshot;
mod starttls;
mod view;

use email_base::ServerReply;

use crate::error::Error;
use crate::tap::{End, TapControl};

pub(crate) use budget::Budget;
pub(crate) use compress::Policy as CompressPolicy;
pub(crate) use departed::Departed;
pub(crate) use job::Command;
pub(crate) use link::{Link, READ_WATCHDOG, SLOW_READ_WATCHDOG};
pub(crate) use names::Names;
pub(crate) use others::Others;
pub(crate) use parts::EncodedParts;
pub(crate) use pool::Pool;
pub(crate) use quirks::Quirks;
pub use reach::reach;
pub(crate) use sasl::refuse_separators;
pub(crate) use select::{Freshness, Opening, missing_mailbox, named_mailbox};
pub(crate) use snapshot::Snapshot;
pub(crate) use view::Access;

/// Why a connection ended during `verb`. Never the text of async-imap's own errors: it holds the server's bytes.
fn lost(
    control: &TapControl,
    verb: &'static str,
    bye: Option<Box<ServerReply>>,
    error: Option<async_imap::error::Error>,
) -> Error {
    use async_imap::error::Error as Inner;
    let limit = |what, limit: usize, name| Error::LimitExceeded { what, limit: limit as u64, name };
    match (control.end(), error) {
        (Some(End::LineTooLong { limit: n }), _) => limit("a response of the server", n, "limits.maxLineBytes"),
        (Some(End::LiteralTooLarge { limit: n }), _) => {
            limit("the literals of a response", n, "limits.maxLiteralBytes")
        }
        (Some(End::NestingTooDeep { limit: n }), _) => limit("the nesting of a response", n, "limits.maxNesting"),
        (Some(End::TooMany { what, limit: n }), _) => limit(what, n, "limits of one response"),
        (Some(End::DeflateBomb { limit }), _) => {
            Error::LimitExceeded { what: "what compressed data inflates to", limit, name: "limits of compression" }
        }
        (Some(End::BadCompression), _) => Error::protocol("it sent broken compressed data"),
        (Some(End::MalformedLiteral), _) => Error::protocol("it announced a literal without a length"),
        (None, Some(Inner::Parse(_) | Inner::Validate(_) | Inner::Bad(_) | Inner::No(_))) => {
            Error::protocol("it answered outside the grammar")
        }
        _ => Error::ConnectionLost { during: verb, bye },
    }
}
