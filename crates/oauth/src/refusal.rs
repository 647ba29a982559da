//! An OAuth error answer: RFC 6749 §5.2 with Entra's additions, from a JSON body or a callback's query.
//!
//! ```text
//! { "error", "error_description", "error_codes": [n], "suberror", "claims", "trace_id", "correlation_id", "timestamp" }
//! ```

use std::fmt;
use std::time::Duration;

use email_base::{Code, Scrub, ServerReply, redact};
use serde_json::{Map, Value, json};

use crate::endpoint::Endpoint;
use crate::table::{self, Verdict};

/// `error` and the ids are words, not texts; longer ones are somebody's attempt to fill a log.
const MAX_WORD: usize = 128;
/// A claims challenge is a short JSON text, passed on whole or not at all.
const MAX_CLAIMS: usize = 4096;
/// Nobody sends more numbers; a list without end would.
const MAX_NUMBERS: usize = 16;

/// What a provider said instead of giving a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    endpoint: Endpoint,
    /// `None` in a callback, which has none.
    status: Option<u16>,
    error: String,
    description: String,
    suberror: Option<String>,
    numbers: Vec<u32>,
    claims: Option<String>,
    trace_id: Option<String>,
    correlation_id: Option<String>,
    timestamp: Option<String>,
    retry_after: Option<Duration>,
    verdict: Verdict,
}

impl Refusal {
    /// From a JSON body; `None` when it holds no `error`. Members of wrong types are passed over.
    pub(crate) fn from_json(endpoint: Endpoint, status: u16, body: &Map<String, Value>, scrub: &Scrub) -> Option<Self> {
        let text = |name: &str| body.get(name).and_then(Value::as_str);
        let numbers = body.get("error_codes").and_then(Value::as_array).map(|list| {
            list.iter().take(MAX_NUMBERS).filter_map(|n| n.as_u64().and_then(|n| u32::try_from(n).ok())).collect()
        });
        Self::new(endpoint, Some(status), text, numbers, scrub)
    }

    /// From a callback's parameters (RFC 6749 §4.1.2.1); `None` when there is no `error`.
    pub(crate) fn from_callback<'a>(parameter: impl Fn(&str) -> Option<&'a str>, scrub: &Scrub) -> Option<Self> {
        Self::new(Endpoint::Authorization, None, parameter, None, scrub)
    }

    /// Graph's shape: `{ "error": { "code", "message" } }`.
    pub(crate) fn from_graph(status: u16, body: &Map<String, Value>, scrub: &Scrub) -> Option<Self> {
        let error = body.get("error")?.as_object()?;
        let member = |name: &str| match name {
            "error" => error.get("code").and_then(Value::as_str),
            "error_description" => error.get("message").and_then(Value::as_str),
            _ => None,
        };
        Self::new(Endpoint::Profile, Some(status), member, None, scrub)
    }

    fn new<'a>(
        endpoint: Endpoint,
        status: Option<u16>,
        member: impl Fn(&str) -> Option<&'a str>,
        numbers: Option<Vec<u32>>,
        scrub: &Scrub,
    ) -> Option<Self> {
        let word = |name: &str| {
            member(name).map(|text| redact::text(&scrub.clean(text), MAX_WORD)).filter(|text| !text.is_empty())
        };
        let error = word("error")?;
        let description = scrub.clean(member("error_description").unwrap_or_default());
        // A callback has no `error_codes`: its number stands in front of the description.
        let numbers = numbers.unwrap_or_else(|| leading_number(&description).into_iter().collect());
        let suberror = word("suberror").or_else(|| word("error_subcode"));
        let verdict = table::verdict(&error, suberror.as_deref(), status, &numbers);
        Some(Self {
            endpoint,
            status,
            verdict,
            description,
            suberror,
            numbers,
            claims: member("claims").filter(|claims| claims.len() <= MAX_CLAIMS).map(|claims| scrub.clean(claims)),
            trace_id: word("trace_id"),
            correlation_id: word("correlation_id"),
            timestamp: word("timestamp"),
            retry_after: None,
            error,
        })
    }

    /// With the Retry-After of the answer.
    pub(crate) fn retry_after_of(mut self, retry_after: Option<Duration>) -> Self {
        self.retry_after = retry_after;
        self
    }

    /// With another verdict, for what only the asker can know.
    pub(crate) fn judged(mut self, verdict: Verdict) -> Self {
        self.verdict = verdict;
        self
    }

    /// OAuth's `error` word.
    pub fn error(&self) -> &str {
        &self.error
    }

    /// The AADSTS numbers.
    pub fn numbers(&self) -> &[u32] {
        &self.numbers
    }

    /// A claims challenge to pass on as `extra.claims` of the next authorization.
    pub fn claims(&self) -> Option<&str> {
        self.claims.as_deref()
    }

    /// What to switch on, where; `None` when only the error table's remedy is known.
    pub fn advice(&self) -> Option<&'static str> {
        self.verdict.advice
    }

    pub(crate) fn code(&self) -> Code {
        self.verdict.code
    }

    pub(crate) fn status(&self) -> Option<u16> {
        self.status
    }

    pub(crate) fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    pub(crate) fn reply(&self) -> ServerReply {
        let status = self.status.map(|status| status.to_string()).unwrap_or_default();
        let mut reply = ServerReply::new(status, &self.description, Some(self.error.clone()));
        reply.details = self.details();
        reply
    }

    fn details(&self) -> Option<String> {
        let mut details = Map::new();
        if !self.numbers.is_empty() {
            details.insert("errorCodes".to_owned(), json!(self.numbers));
        }
        let members = [
            ("suberror", &self.suberror),
            ("claims", &self.claims),
            ("traceId", &self.trace_id),
            ("correlationId", &self.correlation_id),
            ("timestamp", &self.timestamp),
        ];
        for (name, value) in members {
            if let Some(value) = value {
                details.insert(name.to_owned(), json!(value));
            }
        }
        (!details.is_empty()).then(|| Value::Object(details).to_string())
    }
}

impl fmt::Display for Refusal {
    /// `the token endpoint refused: The client secret has expired … (invalid_client, AADSTS7000222)`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entry = self.verdict.code.entry();
        write!(f, "the {} refused: ", self.endpoint)?;
        match self.verdict.advice {
            Some(advice) => f.write_str(advice)?,
            None => write!(f, "{} {}", entry.meaning, entry.remedy)?,
        }
        write!(f, " ({}", self.error)?;
        for number in &self.numbers {
            write!(f, ", AADSTS{number}")?;
        }
        f.write_str(")")
    }
}

/// `50011` of `AADSTS50011: The redirect URI …`.
fn leading_number(description: &str) -> Option<u32> {
    let digits = description.trim_start().strip_prefix("AADSTS")?;
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    digits.get(..end)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_object_is_read_or_passed_over(error in "\\PC{1,200}", text in ".{0,300}", number in any::<f64>()) {
            let body = json!({"error": error, "error_description": text, "error_codes": [number, text], "claims": text});
            if let Some(refusal) = Refusal::from_json(Endpoint::Token, 400, body.as_object().unwrap(), &Scrub::default()) {
                prop_assert!(refusal.to_string().chars().all(|c| !c.is_control()));
                prop_assert!(refusal.reply().details.is_none_or(|details| serde_json::from_str::<Value>(&details).is_ok()));
            }
        }
    }

    fn refusal(body: &Value) -> Refusal {
        Refusal::from_json(Endpoint::Token, 400, body.as_object().unwrap(), &Scrub::default()).unwrap()
    }

    #[test]
    fn everything_that_support_asks_for_survives() {
        let refusal = refusal(&json!({
            "error": "invalid_grant",
            "error_description": "AADSTS50076: Due to a configuration change …",
            "error_codes": [50076],
            "suberror": "basic_action",
            "claims": "{\"access_token\":{\"capolids\":{\"essential\":true}}}",
            "trace_id": "5f1c2a4e-86e1-4d0c-8a4f-1b9d3f7c2a00",
            "correlation_id": "0d1a5d0b-6c7d-4b58-9e50-7f6d5f5f2b11",
            "timestamp": "2026-11-22 15:00:00Z",
        }));
        let reply = refusal.reply();
        assert_eq!((reply.status.as_str(), reply.code.as_deref()), ("400", Some("invalid_grant")));
        let details: Value = serde_json::from_str(&reply.details.unwrap()).unwrap();
        assert_eq!(details["errorCodes"], json!([50076]));
        assert_eq!(details["suberror"], "basic_action");
        assert_eq!(details["claims"], "{\"access_token\":{\"capolids\":{\"essential\":true}}}");
        assert_eq!(details["traceId"], "5f1c2a4e-86e1-4d0c-8a4f-1b9d3f7c2a00");
        assert_eq!(details["correlationId"], "0d1a5d0b-6c7d-4b58-9e50-7f6d5f5f2b11");
        assert_eq!(details["timestamp"], "2026-11-22 15:00:00Z");
        assert_eq!(refusal.code(), Code::InteractionRequired);
        assert!(refusal.to_string().ends_with("(invalid_grant, AADSTS50076)"), "{refusal}");
    }

    #[test]
    fn wrong_types_are_passed_over() {
        let refusal = refusal(&json!({
            "error": "invalid_grant", "error_description": 5, "error_codes": ["50076", -1, 1e99, null, 53003],
            "suberror": [], "claims": {}, "trace_id": true,
        }));
        assert_eq!(refusal.numbers(), [53003]);
        assert_eq!(refusal.reply().details.unwrap(), r#"{"errorCodes":[53003]}"#);
        assert!(
            Refusal::from_json(Endpoint::Token, 400, json!({"error": 5}).as_object().unwrap(), &Scrub::default())
                .is_none()
        );
    }

    #[test]
    fn a_callback_tells_its_number_in_the_description() {
        let parameters = [
            ("error", "access_denied"),
            ("error_description", "AADSTS65004: User declined"),
            ("error_subcode", "cancel"),
        ];
        let look = |name: &str| parameters.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
        let refusal = Refusal::from_callback(look, &Scrub::default()).unwrap();
        assert_eq!((refusal.numbers(), refusal.code()), (&[65004][..], Code::AuthorizationDenied));
    }

    #[test]
    fn a_flood_is_capped() {
        let refusal = refusal(&json!({
            "error": "e ".repeat(10_000), "error_description": "d ".repeat(10_000),
            "error_codes": vec![1; 10_000], "claims": "c".repeat(10_000),
        }));
        assert!(refusal.to_string().len() < 1000);
        assert!(refusal.reply().text.len() <= ServerReply::MAX_TEXT + '…'.len_utf8());
        assert_eq!((refusal.numbers().len(), refusal.claims()), (MAX_NUMBERS, None));
    }

    #[test]
    fn numbers_in_front_only() {
        assert_eq!(leading_number("AADSTS50011: x"), Some(50011));
        for text in ["", "AADSTS", "AADSTSx", "see AADSTS50011", "AADSTS99999999999"] {
            assert_eq!(leading_number(text), None, "{text}");
        }
    }
}
