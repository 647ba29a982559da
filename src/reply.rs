//! What every native function answers: `[failure, json, blobs, texts, handle]`.

use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};

use bytes::Bytes;
use email_base::text::Text;
use email_base::{Classify, Code, Failure, blob, text};
use futures_util::FutureExt as _;
use napi::bindgen_prelude::{AsyncBlock, AsyncBlockBuilder, Buffer, Either, Latin1String, ToNapiValue};
use napi::{Env, Result};
use serde::Serialize;
use serde::ser::SerializeMap;

use crate::json;
use crate::long_text::{LongText, Piece, cut};

/// `[failure, json, blobs, texts, handle]`; `failure` and `json` are JSON.
pub type Reply<H = ()> = (Option<String>, Option<Latin1String>, Option<Vec<Buffer>>, Option<Vec<JsText>>, Option<H>);

type JsText = Either<Piece, LongText>;

/// A value as it crosses, before its bytes become buffers.
pub struct Written {
    json: String,
    blobs: Vec<Bytes>,
    texts: Vec<Text>,
}

/// The good case of a [`Reply`].
pub struct Payload<H = ()> {
    /// ASCII.
    json: Option<String>,
    blobs: Vec<Buffer>,
    texts: Vec<Text>,
    handle: Option<H>,
}

impl<H> Payload<H> {
    /// Nothing: the end of a stream, or a call without a result.
    pub fn nothing() -> Self {
        Self { json: None, blobs: Vec::new(), texts: Vec::new(), handle: None }
    }

    /// A value as JSON, with its bytes beside it.
    pub fn value(value: &impl Serialize) -> std::result::Result<Self, Failure> {
        Written::new(value).map(Self::from)
    }

    /// The same of a value with large bytes: it is dropped first, so that they are handed over without a copy.
    pub fn owned<T>(
        value: T,
        write: impl FnOnce(&T) -> std::result::Result<Written, Failure>,
    ) -> std::result::Result<Self, Failure> {
        let written = write(&value);
        drop(value);
        written.map(Self::from)
    }

    /// One run of bytes.
    pub fn bytes(bytes: Bytes) -> Self {
        Self { json: Some("0".to_owned()), blobs: vec![buffer(bytes)], ..Self::nothing() }
    }

    /// The buffer that JavaScript brought, and how much of it is filled.
    pub fn filled(length: usize, room: Buffer) -> Self {
        Self { json: Some(length.to_string()), blobs: vec![room], ..Self::nothing() }
    }

    /// A native object for a JavaScript class to hold.
    pub fn handle(handle: H) -> Self {
        Self { handle: Some(handle), ..Self::nothing() }
    }

    /// Both.
    pub fn with_handle(self, handle: H) -> Self {
        Self { handle: Some(handle), ..self }
    }
}

impl Written {
    pub fn new(value: &impl Serialize) -> std::result::Result<Self, Failure> {
        let ((json, blobs), texts) = text::collect(|| blob::collect(|| json::to_ascii(value)));
        let json =
            json.map_err(|error| Failure::new(Code::Internal, None, format!("cannot give the result: {error}")))?;
        Ok(Self { json, blobs, texts })
    }
}

impl<H> From<Written> for Payload<H> {
    fn from(written: Written) -> Self {
        let Written { json, blobs, texts } = written;
        Self { json: Some(json), blobs: blobs.into_iter().map(buffer).collect(), texts, handle: None }
    }
}

/// Starts `work` on the Rust threads; the promise always resolves.
pub fn settle<H, F>(env: &Env, work: F) -> Result<AsyncBlock<Reply<H>>>
where
    H: ToNapiValue + Send + 'static,
    F: Future<Output = std::result::Result<Payload<H>, Failure>> + Send + 'static,
{
    AsyncBlockBuilder::new(
        async move { Ok(reply(AssertUnwindSafe(work).catch_unwind().await.unwrap_or_else(panicked))) },
    )
    .build(env)
}

/// A synchronous answer. A panic inside is a failure, too.
pub fn settle_sync<H>(work: impl FnOnce() -> std::result::Result<Payload<H>, Failure>) -> Reply<H> {
    reply(catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(panicked))
}

/// What a panic becomes. Its payload may quote anything, so it is told nowhere; the hook in `lib.rs` logs its place.
fn panicked<H>(_payload: Box<dyn Any + Send>) -> std::result::Result<Payload<H>, Failure> {
    Err(Failure::new(Code::Internal, None, "the addon panicked"))
}

/// Any crate's error as a [`Failure`].
pub fn failure(error: impl Classify) -> Failure {
    Failure::from(&error as &dyn Classify)
}

fn reply<H>(outcome: std::result::Result<Payload<H>, Failure>) -> Reply<H> {
    match outcome {
        Ok(payload) => {
            let texts = payload.texts.into_iter().map(js_text).collect::<Vec<_>>();
            (None, payload.json.map(Latin1String::from), Some(payload.blobs), Some(texts), payload.handle)
        }
        Err(failure) => (Some(failure_json(&failure)), None, None, None, None),
    }
}

/// A copy, if the memory is shared with others: as small literals of a response are.
fn buffer(bytes: Bytes) -> Buffer {
    Vec::from(bytes).into()
}

fn js_text(text: Text) -> JsText {
    cut(text).map_or_else(Either::B, Either::A)
}

fn failure_json(failure: &Failure) -> String {
    serde_json::to_string(&Wire(failure)).unwrap_or_else(|_| r#"{"code":"INTERNAL","category":"internal"}"#.to_owned())
}

/// A [`Failure`] with the field names of the public `MailError`.
pub struct Wire<'a>(pub &'a Failure);

impl Serialize for Wire<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let failure = self.0;
        let server = failure.server.as_ref().map(|server| {
            serde_json::json!({
                "status": server.status, "text": server.text, "code": server.code, "details": server.details,
            })
        });
        let retry_after_ms = failure.retry_after.map(|after| u64::try_from(after.as_millis()).unwrap_or(u64::MAX));
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("message", &failure.message)?;
        map.serialize_entry("code", failure.code.as_str())?;
        map.serialize_entry("category", failure.category.as_str())?;
        map.serialize_entry("action", failure.action.as_str())?;
        map.serialize_entry("protocol", &failure.protocol.map(|protocol| protocol.as_str()))?;
        map.serialize_entry("scope", failure.scope.as_str())?;
        map.serialize_entry("retryable", &failure.retryable)?;
        map.serialize_entry("retryAfterMs", &retry_after_ms)?;
        map.serialize_entry("server", &server)?;
        map.serialize_entry("delivery", &failure.delivery.map(|delivery| delivery.as_str()))?;
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_a_failure_without_its_payload() {
        let (failure, json, ..) = settle_sync::<()>(|| std::panic::panic_any("hunter2".to_owned()));
        let failure = failure.unwrap_or_default();
        assert!(failure.contains(r#""code":"INTERNAL""#) && !failure.contains("hunter2"), "{failure}");
        assert!(json.is_none());
    }
}
