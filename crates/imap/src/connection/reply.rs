//! What the server said, on its way into an error: without the secrets that it was told, and shortened.

use email_base::{Scrub, ServerReply};

use crate::grammar::{Completion, Condition, ResponseCode};

/// Of a tagged response.
pub(crate) fn of_completion(completion: &Completion, scrub: &Scrub) -> Box<ServerReply> {
    reply(completion.status.as_str(), &completion.text, completion.code.as_ref(), scrub)
}

/// Of an untagged status response.
pub(crate) fn of_condition(condition: &Condition, scrub: &Scrub) -> Box<ServerReply> {
    reply(condition.kind.as_str(), &condition.text, condition.code.as_ref(), scrub)
}

fn reply(status: &str, text: &str, code: Option<&ResponseCode>, scrub: &Scrub) -> Box<ServerReply> {
    // A server may invent response codes, too.
    Box::new(ServerReply::new(status, &scrub.clean(text), code.map(|code| scrub.clean(code.name()))))
}
