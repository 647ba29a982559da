//! What the server said, on its way into an error: redacted, shortened.

use email_base::ServerReply;

use crate::grammar::{Completion, Condition};

/// Of a tagged response.
pub(crate) fn of_completion(completion: &Completion) -> Box<ServerReply> {
    let code = completion.code.as_ref().map(|code| code.name().to_owned());
    Box::new(ServerReply::new(completion.status.as_str(), &completion.text, code))
}

/// Of an untagged status response.
pub(crate) fn of_condition(condition: &Condition) -> Box<ServerReply> {
    let code = condition.code.as_ref().map(|code| code.name().to_owned());
    Box::new(ServerReply::new(condition.kind.as_str(), &condition.text, code))
}
