//! Functions of the caller that Rust calls: the token callback, `load` and `save`.
//!
//! `lib/hooks.js` wraps each so that it always resolves, with `{"ok": …}` or `{"error": …}` as JSON.

use std::sync::Arc;

use email_base::{Code, Failure, Secret};
use napi::bindgen_prelude::{Function, Promise};
use napi::threadsafe_function::ThreadsafeFunction;
use napi::{Result, Status};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::thrown::Thrown;

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
