//! Which failures of a FETCH a single message may be the reason for: it is looked for, and the others come.

use email_base::{Classify, Code};

use crate::command::fetch::SURPLUS;
use crate::error::Error;

/// Response codes (RFC 5530) by which servers say that their own copy of a message is at fault.
const DEFECTS: [&str; 3] = ["SERVERBUG", "CORRUPTION", "EXPUNGEISSUED"];

/// Failures that a single message can be the reason for, again and again: the server dies of it, refuses it, breaks the
/// protocol over it, or it is larger than this client takes.
pub(super) fn may_be_a_message(error: &Error) -> bool {
    let code = error.code();
    let fetching = |during: &str| matches!(during, "UID FETCH" | "FETCH");
    match error {
        Error::ConnectionLost { during, .. } | Error::Silent { during, .. } => {
            error.is_lost_connection() && fetching(during)
        }
        Error::Refused { .. } if error.asks_for_pause() => false,
        Error::Refused { command, reply, .. } => {
            let defect = reply.code.as_deref().is_some_and(|code| DEFECTS.contains(&code));
            (code == Code::CommandRejected || defect) && fetching(command)
        }
        Error::LimitExceeded { name, .. } if *name == SURPLUS => false,
        _ => matches!(code, Code::ProtocolViolation | Code::LimitExceeded),
    }
}

/// Of those, what a connection survives.
pub(super) fn is_refusal_over_a_message(error: &Error) -> bool {
    matches!(error, Error::Refused { .. }) && may_be_a_message(error)
}

/// Of those, what is worth the same question again. Silence is not among them: to hear it again and again takes hours.
pub(super) fn is_soon_over(error: &Error) -> bool {
    may_be_a_message(error) && !matches!(error, Error::Silent { .. })
}

/// Of those, what a server that speaks no IMAP gives, too: only rows that come beside it show that it is a message's fault.
pub(super) fn is_about_protocol(error: &Error) -> bool {
    matches!(error.code(), Code::ProtocolViolation | Code::LimitExceeded)
}
