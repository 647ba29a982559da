//! One part, decoded by the server: a quarter fewer octets on the wire than base64 (RFC 3516 §4.3; RFC 9051 §6.4.5).
//!
//! ```text
//! UID FETCH n (UID BINARY.PEEK[p]<d.w>)
//! fetch-att   =/ "BINARY.PEEK" section-binary [partial]
//! msg-att     =/ "BINARY" section-binary ["<" number ">"] SP (nstring / literal8)
//! ```
//!
//! `d` counts decoded octets. One window is as large as the part can be, so its answer is all there is.
//!
//! Whatever goes wrong here is no error yet: `BODY.PEEK` brings the same part without the server's help. Dovecot says
//! `NO [PARSE]` to what it cannot decode, and leaves with a BYE when an encoded part ends too early.

use super::argument::Mailbox;
use super::windows::{Paused, Windows};
use crate::connection::{Command, Link};
use crate::error::{Error, Result};

/// [`Windows`] of decoded octets.
pub(crate) struct Decoded(pub(crate) Windows);

impl Command for Decoded {
    type Output = Paused;
    /// What ended a session would end the next one too.
    const IDEMPOTENT: bool = false;

    fn mailbox(&self) -> Option<&Mailbox> {
        self.0.mailbox()
    }

    fn is_plain(&self) -> bool {
        self.0.is_plain()
    }

    async fn run(&self, link: &mut Link) -> Result<Paused> {
        self.0.run(link).await
    }
}

/// What a failure tells of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Blame {
    /// Nothing.
    Nobody,
    /// It cannot decode this message.
    Message,
    /// This message has cost a session.
    Session,
    /// It does not know BINARY, whatever it says.
    Server,
}

/// Whether the part can still be had the other way, and who is to blame; `None` for an error that would meet it there too.
pub(crate) fn blame(error: &Error) -> Option<Blame> {
    match error {
        // Asking again at once would make it worse.
        Error::Refused { .. } if error.asks_for_pause() => None,
        Error::Refused { command: "UID FETCH", reply, .. } if reply.status == "BAD" => Some(Blame::Server),
        Error::Refused { command: "UID FETCH", .. } => Some(Blame::Message),
        Error::ConnectionLost { during, .. } | Error::Silent { during, .. } if error.is_lost_connection() => {
            Some(if *during == "UID FETCH" { Blame::Session } else { Blame::Nobody })
        }
        Error::ProtocolViolation(_) => Some(Blame::Session),
        Error::LimitExceeded { .. } if error.ends_connection() => Some(Blame::Session),
        // The caller has named none: what is remembered is an older mailbox of that name.
        Error::UidValidityChanged { .. } => Some(Blame::Nobody),
        _ => None,
    }
}
