//! Functions of the caller that Rust calls: the token callback, `load` and `save`.
//!
//! `lib/hooks.js` wraps each so that it always resolves, with `{"ok": …}` or `{"error": …}` as JSON.

use std::sync::Arc;
use std::time::Duration;

use email_base::{Code, Failure, Protocol, Secret, ServerReply};
use napi::bindgen_prelude::{Function, Promise};
use napi::threadsafe_function::ThreadsafeFunction;
use napi::{Result, Status};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// As it comes from JavaScript.
pub type JsHook<'a> = Function<'a, String, Promise<String>>;

/// A caller's function, callable from any thread; it never keeps the process alive.
#[derive(Clone)]
pub struct Hook {
    name: &'static str,
    function: Arc<ThreadsafeFunction<String, Promise<String>, String, Status, false, true>>,
}

impl Hook {
    /// Takes the function over from the JS thread.
    pub fn new(name: &'static str, function: &JsHook<'_>) -> Result<Self> {
        let function =
            function.build_threadsafe_function::<String>().weak::<true>().callee_handled::<false>().build()?;
        Ok(Self { name, function: Arc::new(function) })
    }

    /// Calls it with `argument` (JSON) and waits for its promise.
    pub async fn call<T: DeserializeOwned>(&self, argument: String) -> std::result::Result<T, Failure> {
        let answer = match self.function.call_async_catch(argument).await {
            Ok(promise) => promise.await,
            Err(error) => Err(error),
        };
        let answer = Secret::new(answer.map_err(|_| self.failed("it could not be called"))?);
        match serde_json::from_str::<Answer<T>>(answer.expose()) {
            Ok(Answer { error: Some(thrown), .. }) => Err(thrown.into_failure()),
            Ok(Answer { ok: Some(value), .. }) => Ok(value),
            Ok(_) | Err(_) => Err(self.failed("it answered a value of another shape")),
        }
    }

    /// The failure of this hook.
    pub fn failed(&self, why: &str) -> Failure {
        Failure::new(Code::CallbackFailed, None, format!("the function `{}` failed: {why}", self.name))
    }
}

#[derive(Deserialize)]
#[serde(bound = "T: Deserialize<'de>")]
struct Answer<T> {
    #[serde(default = "none", deserialize_with = "present")]
    ok: Option<T>,
    #[serde(default)]
    error: Option<Thrown>,
}

fn none<T>() -> Option<T> {
    None
}

/// `null` is an answer like any other (`T` may be an `Option`), absence is not.
fn present<'de, D: serde::Deserializer<'de>, T: Deserialize<'de>>(from: D) -> std::result::Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}

/// What the function threw, as far as it is ours to tell.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Thrown {
    code: String,
    message: String,
    #[serde(default)]
    protocol: Option<String>,
    #[serde(default)]
    retry_after_ms: Option<u64>,
    #[serde(default)]
    server: Option<Said>,
}

/// Of the server that the thrown error tells of.
#[derive(Deserialize)]
struct Said {
    status: String,
    text: String,
    code: Option<String>,
    details: Option<String>,
}

impl Thrown {
    /// A `MailError` thrown by the caller's function keeps its row of the table and what the server said: a token that
    /// cannot be had is the provider's refusal, whoever asked for it. Anything else is `CALLBACK_FAILED`.
    fn into_failure(self) -> Failure {
        let code = Code::ALL.iter().copied().find(|code| code.as_str() == self.code).unwrap_or(Code::CallbackFailed);
        let protocols = [Protocol::OAuth, Protocol::Imap, Protocol::Smtp, Protocol::Mime];
        let protocol = protocols.into_iter().find(|protocol| Some(protocol.as_str()) == self.protocol.as_deref());
        let server = self.server.map(|Said { status, text, code, details }| {
            let details = details.filter(|details| serde_json::from_str::<serde_json::Value>(details).is_ok());
            ServerReply { details, ..ServerReply::new(status, &text, code) }
        });
        let retry_after = self.retry_after_ms.map(Duration::from_millis);
        Failure { server, retry_after, ..Failure::new(code, protocol, self.message) }
    }
}
