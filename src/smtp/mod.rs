//! `SmtpClient`: builds on Rust threads, streams to the wire.

mod message;
mod series;

use std::time::Duration;

use email_base::{Delivery, Failure};
use email_net::{ConnectOptions, Connector, Endpoint};
use email_smtp::{Chunking, Client, Envelope, Options, PoolOptions, RateLimit, SendOptions, SendResult, SentCopy};
use napi::bindgen_prelude::{AsyncBlock, Uint8Array};
use napi::{Env, Result};
use napi_derive::napi;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use crate::args::Args;
use crate::auth::{Auth, TokenArguments};
use crate::call::{CallHandle, timeout};
use crate::hooks::{Hook, JsHook};
use crate::oauth::TokenSourceHandle;
use crate::reply::{Payload, Reply, Wire, failure, settle, settle_sync};
use message::Message;
use series::{QUEUED, SeriesHandle};

/// Behind `SmtpClient`.
#[napi]
pub struct SmtpClientHandle(Client);

/// `SmtpClient.connect(options)`.
#[napi]
pub fn smtp_connect(
    env: Env,
    call: &CallHandle,
    json: String,
    source: Option<&TokenSourceHandle>,
    callback: Option<JsHook<'_>>,
) -> Result<AsyncBlock<Reply<SmtpClientHandle>>> {
    let call = call.within(timeout::CONNECT);
    let callback = callback.map(|hook| Hook::new("accessToken", &hook)).transpose()?;
    let tokens = TokenArguments::new(source, callback);
    settle(&env, async move {
        let args = Args::new(json);
        let (endpoint, connect): (Endpoint, ConnectOptions) = (args.read()?, args.read()?);
        let given: ConnectArguments = args.parse()?;
        let options = Options {
            endpoint,
            connector: Connector::new(&connect).map_err(|error| failure(email_smtp::Error::from(error)))?,
            credentials: given.auth.map(|auth| tokens.credentials(auth)).transpose()?,
            name: given.name,
            pool: given.pool.unwrap_or_default(),
            rate_limit: given.rate_limit,
            chunking: given.chunking.map_or(Chunking::Off, Chunking::from),
        };
        Ok(Payload::handle(SmtpClientHandle(Client::connect(options, &call).await.map_err(failure)?)))
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ConnectArguments {
    #[serde(default)]
    auth: Option<Auth>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    pool: Option<PoolOptions>,
    #[serde(default)]
    rate_limit: Option<RateLimit>,
    #[serde(default)]
    chunking: Option<ChunkingArgument>,
}

/// `boolean | 'binary'`.
#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a boolean or 'binary'")]
enum ChunkingArgument {
    Wanted(bool),
    Kind(ChunkingKind),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
enum ChunkingKind {
    Binary,
}

impl From<ChunkingArgument> for Chunking {
    fn from(argument: ChunkingArgument) -> Self {
        match argument {
            ChunkingArgument::Wanted(false) => Self::Off,
            ChunkingArgument::Wanted(true) => Self::Text,
            ChunkingArgument::Kind(ChunkingKind::Binary) => Self::Binary,
        }
    }
}

#[napi]
impl SmtpClientHandle {
    #[napi(getter)]
    pub fn capabilities(&self) -> Vec<String> {
        self.0.capabilities()
    }

    /// `[MessageInit | { envelope, raw }, { dsn }]` → `SendResult`.
    #[napi]
    pub fn send(&self, env: Env, call: &CallHandle, json: String, blobs: Vec<Uint8Array>) -> Result<AsyncBlock<Reply>> {
        let (client, call, args) = (self.0.clone(), call.within(timeout::UPLOAD), Args::with_blobs(json, blobs));
        settle(&env, async move {
            let made = async {
                let (message, options): (_, SendOptions) = Message::read(&args)?;
                Ok((message.build(client.takes_binary()).await?, options))
            };
            let not_sent = |failure: Failure| failure.with_delivery(Delivery::NotSent);
            let ((envelope, bytes), options) = made.await.map_err(not_sent)?;
            let sent = client.send(envelope, bytes, options, &call).await;
            Payload::value(&Sent::from(&sent.map_err(failure)?))
        })
    }

    /// `[{ dsn }]`: a series whose messages come later.
    #[napi]
    pub fn send_many(&self, call: &CallHandle, json: String, interval_ms: u32) -> Reply<SeriesHandle> {
        settle_sync(|| {
            let (options,): (SendOptions,) = Args::new(json).parse()?;
            let (sender, messages) = mpsc::channel(QUEUED);
            let interval = Duration::from_millis(u64::from(interval_ms));
            let series = self.0.send_many(messages, options, interval);
            Ok(Payload::handle(SeriesHandle::new(sender, self.0.clone(), series, call.stream())))
        })
    }

    /// Proves connection and credentials.
    #[napi]
    pub fn verify(&self, env: Env, call: &CallHandle) -> Result<AsyncBlock<Reply>> {
        let (client, call) = (self.0.clone(), call.within(timeout::CONNECT));
        settle(&env, async move {
            client.verify(&call).await.map_err(failure)?;
            Ok(Payload::nothing())
        })
    }

    /// Settles everything and ends.
    #[napi]
    pub fn close(&self, env: Env, call: &CallHandle) -> Result<AsyncBlock<Reply>> {
        let (client, call) = (self.0.clone(), call.within(timeout::LOGOUT));
        settle(&env, async move {
            let _ = call.run(client.close()).await;
            Ok(Payload::nothing())
        })
    }
}

/// `SendResult` with its failures as the boundary spells them.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Sent<'a> {
    message_id: &'a str,
    envelope: &'a Envelope,
    accepted: &'a [String],
    rejected: Vec<Rejected<'a>>,
    response: &'a str,
    bytes: u64,
    sent_copy: &'static str,
}

#[derive(Serialize)]
struct Rejected<'a> {
    address: &'a str,
    error: Wire<'a>,
}

impl<'a> From<&'a SendResult> for Sent<'a> {
    fn from(sent: &'a SendResult) -> Self {
        let rejected = sent.rejected.iter();
        Self {
            message_id: &sent.message_id,
            envelope: &sent.envelope,
            accepted: &sent.accepted,
            rejected: rejected.map(|one| Rejected { address: &one.address, error: Wire(&one.error) }).collect(),
            response: &sent.response,
            bytes: sent.bytes,
            sent_copy: match sent.sent_copy {
                SentCopy::Server => "server",
                SentCopy::Caller => "caller",
            },
        }
    }
}
