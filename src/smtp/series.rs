//! `SmtpClient.sendMany`: messages pushed in as they come, outcomes pulled out one by one.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex as SyncMutex, PoisonError};

use email_base::{Call, Failure};
use email_smtp::{Client, Envelope, Outcome, Outgoing, Series};
use futures_util::FutureExt as _;
use napi::bindgen_prelude::{AsyncBlock, Uint8Array};
use napi::{Env, Result};
use napi_derive::napi;
use serde::Serialize;
use serde::de::IgnoredAny;
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::Sent;
use super::message::{Message, MessageBytes, panicked};
use crate::args::Args;
use crate::reply::{Payload, Reply, Wire, failure, settle};

/// A message that is being built.
pub type Making = Pin<Box<dyn Future<Output = Outgoing<MessageBytes>> + Send>>;
type Messages = Series<MessageBytes, Making>;

/// The message that is sent, the one behind it, and one that `lib/series.js` holds already.
pub const QUEUED: usize = 3;

/// What `lib/series.js` holds.
#[napi]
pub struct SeriesHandle {
    messages: SyncMutex<Option<mpsc::Sender<Making>>>,
    client: Client,
    series: Arc<Mutex<Option<Messages>>>,
    call: Call,
    closed: CancellationToken,
}

impl SeriesHandle {
    pub fn new(messages: mpsc::Sender<Making>, client: Client, series: Messages, call: Call) -> Self {
        Self {
            messages: SyncMutex::new(Some(messages)),
            client,
            series: Arc::new(Mutex::new(Some(series))),
            call,
            closed: CancellationToken::new(),
        }
    }
}

#[napi]
impl SeriesHandle {
    /// One more message, `[MessageInit | { envelope, raw }, null]`; it is built at once, elsewhere. `false`: it has no room.
    #[napi]
    pub fn push(&self, json: String, blobs: Vec<Uint8Array>) -> bool {
        let args = Args::with_blobs(json, blobs);
        let binary = self.client.takes_binary();
        let (built, building) = oneshot::channel();
        napi::bindgen_prelude::spawn(async move {
            // Nobody waits for it any more: then it is not needed.
            let _ = built.send(build(args, binary).await.map_err(Box::new));
        });
        let making = building.map(|built| built.unwrap_or_else(|_| Err(Box::new(panicked()))));
        let messages = self.messages.lock().unwrap_or_else(PoisonError::into_inner);
        messages.as_ref().is_some_and(|messages| messages.try_send(making.boxed()).is_ok())
    }

    /// There are no more messages.
    #[napi]
    pub fn end(&self) {
        self.messages.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// The next message's `{ result, error }`; `json` null means the end.
    #[napi]
    pub fn next(&self, env: Env) -> Result<AsyncBlock<Reply>> {
        let (slot, call, closed) = (self.series.clone(), self.call.clone(), self.closed.clone());
        settle(&env, async move {
            let mut slot = slot.lock().await;
            let Some(series) = slot.as_mut() else { return Ok(Payload::nothing()) };
            let outcome = tokio::select! {
                biased;
                () = closed.cancelled() => None,
                outcome = series.next(&call) => outcome.map_err(failure)?,
            };
            match outcome {
                Some(outcome) => Payload::value(&Told::from(&outcome)),
                None => {
                    *slot = None;
                    Ok(Payload::nothing())
                }
            }
        })
    }

    /// The loop was left: nothing more is sent.
    #[napi]
    pub fn close(&self) {
        self.end();
        self.closed.cancel();
        if let Ok(mut slot) = self.series.try_lock() {
            slot.take();
        }
    }
}

impl Drop for SeriesHandle {
    fn drop(&mut self) {
        self.closed.cancel();
    }
}

async fn build(args: Args, binary: bool) -> std::result::Result<(Envelope, MessageBytes), Failure> {
    let (message, IgnoredAny) = Message::read(&args)?;
    message.build(binary).await
}

#[derive(Serialize)]
struct Told<'a> {
    result: Option<Sent<'a>>,
    error: Option<Wire<'a>>,
}

impl<'a> From<&'a Outcome> for Told<'a> {
    fn from(outcome: &'a Outcome) -> Self {
        match &outcome.result {
            Ok(sent) => Self { result: Some(sent.into()), error: None },
            Err(failure) => Self { result: None, error: Some(Wire(failure)) },
        }
    }
}
