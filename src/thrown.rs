//! What a function of the caller threw, as a [`Failure`]: the one place where a `MailError` comes back from JavaScript.
//!
//! It may be of another copy or version of the addon, or a look-alike: each field is taken if it is what it should be, and
//! is the table's otherwise. `delivery` is left out, as it tells of a message of another call than the one that fails now.

use std::time::Duration;

use email_base::{Action, Category, Code, Failure, Protocol, Scope, ServerReply};
use serde::Deserialize;
use serde_json::{Map, Value};

/// As `lib/hooks.js` passes it on: the fields of a `MailError`, or code and message of anything else.
#[derive(Deserialize)]
pub struct Thrown(Map<String, Value>);

impl Thrown {
    /// A `MailError` is passed on: a token that cannot be had is the provider's refusal, whoever asked for it. A code that
    /// this version does not know becomes `CALLBACK_FAILED`; who has to act is told by the rest.
    pub fn into_failure(self) -> Failure {
        let Self(fields) = self;
        let word = |name: &str| fields.get(name).and_then(Value::as_str);
        let code = word("code").and_then(Code::from_word).unwrap_or(Code::CallbackFailed);
        let protocol = word("protocol").and_then(Protocol::from_word);
        let row = Failure::new(code, protocol, word("message").unwrap_or("it threw"));
        Failure {
            category: word("category").and_then(Category::from_word).unwrap_or(row.category),
            action: word("action").and_then(Action::from_word).unwrap_or(row.action),
            scope: word("scope").and_then(Scope::from_word).unwrap_or(row.scope),
            retryable: fields.get("retryable").and_then(Value::as_bool).unwrap_or(row.retryable),
            retry_after: fields.get("retryAfterMs").and_then(Value::as_u64).map(Duration::from_millis),
            server: fields.get("server").and_then(Value::as_object).map(reply),
            ..row
        }
    }
}

fn reply(said: &Map<String, Value>) -> ServerReply {
    let word = |name: &str| said.get(name).and_then(Value::as_str);
    let reply = ServerReply::new(
        word("status").unwrap_or_default(),
        word("text").unwrap_or_default(),
        word("code").map(str::to_owned),
    );
    ServerReply { details: said.get("details").filter(|details| details.is_object()).map(Value::to_string), ..reply }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn failure(thrown: Value) -> Failure {
        serde_json::from_value::<Thrown>(thrown)
            .map(Thrown::into_failure)
            .unwrap_or_else(|error| Failure::new(Code::Internal, None, error.to_string()))
    }

    #[test]
    fn every_field_is_kept_but_the_delivery() {
        let thrown = failure(json!({
            "code": "RATE_LIMITED", "message": "later", "category": "quota", "action": "ask-admin", "protocol": "smtp",
            "scope": "message", "retryable": false, "retryAfterMs": 1234, "delivery": "unknown",
            "server": {"status": "550", "text": "no", "code": "5.7.1", "details": {"a": [1]}},
        }));
        assert_eq!(
            (thrown.code, thrown.category, thrown.action),
            (Code::RateLimited, Category::Quota, Action::AskAdmin)
        );
        assert_eq!((thrown.protocol, thrown.scope), (Some(Protocol::Smtp), Scope::Message));
        assert_eq!((thrown.retryable, thrown.retry_after), (false, Some(Duration::from_millis(1234))));
        let details = Some(r#"{"a":[1]}"#.to_owned());
        let reply = ServerReply { details, ..ServerReply::new("550", "no", Some("5.7.1".to_owned())) };
        assert_eq!((thrown.server, thrown.delivery, thrown.message.as_str()), (Some(reply), None, "later"));
    }

    #[test]
    fn what_is_no_field_of_ours_is_the_tables() {
        for thrown in [
            json!({"code": "RATE_LIMITED"}),
            json!({
                "code": "RATE_LIMITED", "category": 1, "action": "x", "protocol": [], "scope": null, "retryable": "no",
                "retryAfterMs": -1, "server": "busy",
            }),
        ] {
            let thrown = failure(thrown);
            let row = Code::RateLimited.entry();
            assert_eq!((thrown.code, thrown.category, thrown.action), (Code::RateLimited, row.category, row.action));
            assert_eq!((thrown.scope, thrown.retryable, thrown.protocol), (row.scope, row.retryable, None));
            assert_eq!((thrown.retry_after, thrown.server), (None, None));
        }
        assert_eq!(failure(json!({})).code, Code::CallbackFailed);
    }
}
