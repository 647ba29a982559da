//! `SmtpClient`: builds on Rust threads, streams to the wire.

use std::io;

use bytes::Bytes;
use email_base::{Blob, Failure};
use email_mime::{Body, MessageInit};
use email_net::{ConnectOptions, Connector, Endpoint};
use email_smtp::{
    Client, Envelope, MessageBody, Options, PoolOptions, RateLimit, RawMessage, SendOptions, SendResult, SentCopy,
};
use napi::bindgen_prelude::{AsyncBlock, Uint8Array};
use napi::{Env, Result};
use napi_derive::napi;
use serde::{Deserialize, Serialize};

use crate::args::Args;
use crate::auth::{Auth, TokenArguments};
use crate::call::{CallHandle, timeout};
use crate::hooks::{Hook, JsHook};
use crate::oauth::TokenSourceHandle;
use crate::reply::{Payload, Reply, Wire, failure, settle};

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
            let (message, options): (Message, SendOptions) = args.parse()?;
            let sent = match message {
                Message::Raw(Raw { envelope, raw }) => {
                    client.send(envelope, RawMessage::new(raw.0), options, &call).await
                }
                Message::Init(init) => {
                    let (envelope, body) = build(*init).await?;
                    client.send(envelope, body, options, &call).await
                }
            };
            Payload::value(&Sent::from(&sent.map_err(failure)?))
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

/// Header and structure are made on a thread that may block: attachments are looked up on disk.
async fn build(init: MessageInit) -> std::result::Result<(Envelope, BuiltBody), Failure> {
    let built = tokio::task::spawn_blocking(move || email_mime::build(init)).await;
    let built = built
        .map_err(|_| Failure::new(email_base::Code::Internal, None, "the addon panicked on this message"))?
        .map_err(failure)?;
    let envelope = Envelope { from: built.envelope.from.clone(), to: built.envelope.to.clone() };
    let message_id = built.message_id.clone();
    Ok((envelope, BuiltBody { needs_smtputf8: built.needs_smtputf8, message_id, body: built.into_body() }))
}

/// The MIME crate's writer as the SMTP crate reads it.
struct BuiltBody {
    body: Body,
    needs_smtputf8: bool,
    message_id: String,
}

impl MessageBody for BuiltBody {
    fn next_chunk(&mut self) -> io::Result<Option<Bytes>> {
        self.body.next_chunk().map_err(|error| io::Error::other(crate::mime::unreadable(error)))
    }
    fn rewind(&mut self) -> io::Result<bool> {
        self.body.rewind()?;
        Ok(true)
    }
    fn size_hint(&self) -> Option<u64> {
        Some(self.body.size_hint())
    }
    fn needs_smtputf8(&self) -> bool {
        self.needs_smtputf8
    }
    fn needs_8bit(&self) -> bool {
        false
    }
    fn message_id(&self) -> &str {
        &self.message_id
    }
}

/// What may be sent: `raw` tells them apart.
enum Message {
    Raw(Raw),
    Init(Box<MessageInit>),
}

#[derive(Deserialize)]
struct Raw {
    envelope: Envelope,
    raw: Blob,
}

impl<'de> Deserialize<'de> for Message {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let value = serde_json::Value::deserialize(deserializer)?;
        let wrong = |error: serde_json::Error| serde::de::Error::custom(error);
        if value.get("raw").is_some() {
            Raw::deserialize(value).map(Self::Raw).map_err(wrong)
        } else {
            MessageInit::deserialize(value).map(|init| Self::Init(Box::new(init))).map_err(wrong)
        }
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
