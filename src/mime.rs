//! Messages: `parseMessage`, `buildMessage`, `replyTo`, `forward`.

use email_base::{Blob, Code, Failure, Protocol, compute};
use email_mime::{MessageInit, ParseOptions, ParsedMessage};
use napi::bindgen_prelude::{AsyncBlock, Uint8Array};
use napi::{Env, Result};
use napi_derive::napi;
use serde::Deserialize;

use crate::args::Args;
use crate::call::{CallHandle, timeout};
use crate::reply::{Payload, Reply, Written, failure, settle, settle_sync};
use crate::rows::Flat;

/// `[source, options]` → `ParsedMessage`.
#[napi]
pub fn parse_message(env: Env, call: &CallHandle, json: String, blobs: Vec<Uint8Array>) -> Result<AsyncBlock<Reply>> {
    let (call, args) = (call.within(timeout::MIME), Args::with_blobs(json, blobs));
    settle(&env, async move {
        let (source, options): (Blob, ParseOptions) = args.parse()?;
        let written = |parsed: &ParsedMessage| Written::new(&Flat(parsed));
        let work = compute::compute(move || Payload::owned(email_mime::parse(&source.0, &options), written));
        finish(call.run(work).await)
    })
}

/// `[message, { keepBcc }]` → RFC 5322 bytes.
#[napi]
pub fn build_message(env: Env, call: &CallHandle, json: String, blobs: Vec<Uint8Array>) -> Result<AsyncBlock<Reply>> {
    let (call, args) = (call.within(timeout::UPLOAD), Args::with_blobs(json, blobs));
    settle(&env, async move {
        let work = compute::compute(move || {
            let (message, BuildOptions { keep_bcc }) = args.parse::<(MessageInit, _)>()?;
            let build = if keep_bcc.unwrap_or_default() { email_mime::build_draft } else { email_mime::build };
            let bytes = build(message).map_err(failure)?.into_body().read_all().map_err(unreadable)?;
            Ok(Payload::bytes(bytes.into()))
        });
        finish(call.run(work).await)
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BuildOptions {
    #[serde(default)]
    keep_bcc: Option<bool>,
}

/// `[original, options]` → `MessageInit`.
#[napi]
pub fn reply_to(json: String, blobs: Vec<Uint8Array>) -> Reply {
    answer(Args::with_blobs(json, blobs), email_mime::reply_to)
}

/// `[original, options]` → `MessageInit`.
#[napi]
pub fn forward(json: String, blobs: Vec<Uint8Array>) -> Reply {
    answer(Args::with_blobs(json, blobs), email_mime::forward)
}

fn answer<O: for<'de> Deserialize<'de>>(
    args: Args,
    make: impl FnOnce(&ParsedMessage, O) -> std::result::Result<MessageInit, email_mime::Error>,
) -> Reply {
    settle_sync(|| {
        let (original, options): (ParsedMessage, O) = args.parse()?;
        Payload::value(&make(&original, options).map_err(failure)?)
    })
}

/// A file that was there when the message was laid out, and could not be read to its end.
pub fn unreadable(error: std::io::Error) -> Failure {
    Failure::new(Code::FileUnreadable, Some(Protocol::Mime), error.to_string())
}

/// Interrupted, panicked, failed or done.
fn finish<H>(
    outcome: std::result::Result<
        std::result::Result<std::result::Result<Payload<H>, Failure>, tokio::task::JoinError>,
        email_base::Interrupted,
    >,
) -> std::result::Result<Payload<H>, Failure> {
    match outcome {
        Ok(Ok(done)) => done,
        Ok(Err(_)) => Err(Failure::new(Code::Internal, Some(Protocol::Mime), "the addon panicked on this message")),
        Err(interrupted) => Err(crate::call::interrupted(interrupted, Some(Protocol::Mime))),
    }
}
