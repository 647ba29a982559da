//! `ImapClient`: arguments to typed queries, rows to pages.

use std::future::Future;

use email_base::{Blob, Call, Failure};
use email_imap::sync::{SyncBatch, SyncOptions};
use email_imap::types::{FetchQuery, FetchedMessage, SearchQuery, SpecialUse};
use email_imap::{
    AppendOptions, Client, DownloadOptions, FetchOptions, ListQuery, MailboxOptions, Options, ReplaceOptions, UidSet,
};
use email_net::{ConnectOptions, Connector, Endpoint};
use futures_util::StreamExt as _;
use napi::bindgen_prelude::{AsyncBlock, Uint8Array};
use napi::{Env, Result};
use napi_derive::napi;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::args::Args;
use crate::auth::{Auth, TokenArguments};
use crate::call::{CallHandle, timeout};
use crate::chunks::ChunkStream;
use crate::hooks::{Hook, JsHook};
use crate::oauth::TokenSourceHandle;
use crate::reply::{Payload, Reply, Written, failure, settle};
use crate::rows::Flat;
use crate::stream::PageStream;

type Outcome<H = ()> = std::result::Result<Payload<H>, Failure>;

/// Behind `ImapClient`.
#[napi]
pub struct ImapClientHandle(Client);

/// `ImapClient.connect(options)`.
#[napi]
pub fn imap_connect(
    env: Env,
    call: &CallHandle,
    json: String,
    source: Option<&TokenSourceHandle>,
    callback: Option<JsHook<'_>>,
) -> Result<AsyncBlock<Reply<ImapClientHandle>>> {
    let call = call.within(timeout::CONNECT);
    let callback = callback.map(|hook| Hook::new("accessToken", &hook)).transpose()?;
    let tokens = TokenArguments::new(source, callback);
    settle(&env, async move {
        let args = Args::new(json);
        let (endpoint, connect): (Endpoint, ConnectOptions) = (args.read()?, args.read()?);
        let given: ConnectArguments = args.parse()?;
        let options = Options {
            endpoint,
            connector: Connector::new(&connect).map_err(imap_failure)?,
            credentials: tokens.credentials(given.auth)?,
            client_id: given.client_id.map(|map| map.into_iter().collect()),
            max_connections: given.max_connections.unwrap_or(1),
            limits: given.limits,
            compress: given.compress,
        };
        Ok(Payload::handle(ImapClientHandle(Client::connect(options, &call).await.map_err(failure)?)))
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ConnectArguments {
    auth: Auth,
    #[serde(default)]
    client_id: Option<std::collections::BTreeMap<String, String>>,
    #[serde(default)]
    max_connections: Option<usize>,
    #[serde(default)]
    limits: email_imap::tap::Limits,
    #[serde(default)]
    compress: Option<bool>,
}

impl ImapClientHandle {
    pub(crate) fn client(&self) -> &Client {
        &self.0
    }
}

#[napi]
impl ImapClientHandle {
    #[napi(getter)]
    pub fn capabilities(&self) -> Vec<String> {
        self.0.capabilities()
    }

    #[napi(getter)]
    pub fn closed(&self) -> bool {
        self.0.closed()
    }

    /// `[{ pattern, subscribed, status }]`
    #[napi]
    pub fn list(
        &self,
        env: Env,
        call: &CallHandle,
        json: String,
        _blobs: Vec<Uint8Array>,
    ) -> Result<AsyncBlock<Reply>> {
        self.run(&env, call, Args::new(json), |client, call, (query,): (ListQuery,)| async move {
            value(client.list(query, &call).await)
        })
    }

    /// `[path]`
    #[napi]
    pub fn status(
        &self,
        env: Env,
        call: &CallHandle,
        json: String,
        _blobs: Vec<Uint8Array>,
    ) -> Result<AsyncBlock<Reply>> {
        self.run(&env, call, Args::new(json), |client, call, (path,): (String,)| async move {
            value(client.status(&path, &call).await)
        })
    }

    /// `[path, query, { uidValidity }]`
    #[napi]
    pub fn search(
        &self,
        env: Env,
        call: &CallHandle,
        json: String,
        _blobs: Vec<Uint8Array>,
    ) -> Result<AsyncBlock<Reply>> {
        self.run(
            &env,
            call,
            Args::new(json),
            |client, call, (path, query, guard): (String, SearchQuery, MailboxOptions)| async move {
                value(client.search(&path, query, guard, &call).await)
            },
        )
    }

    /// `[path, uids, query, { uidValidity }]`, and how many messages a page.
    #[napi]
    pub fn fetch(&self, call: &CallHandle, json: String, page_size: u32) -> Reply<PageStream> {
        let (client, call) = (self.0.clone(), call.stream());
        crate::reply::settle_sync(|| {
            let (path, uids, query, guard): (String, UidSet, FetchQuery, MailboxOptions) = Args::new(json).parse()?;
            let options = FetchOptions { uid_validity: guard.uid_validity, page_size: Some(page_size) };
            // Made ready by the thread that parsed it: none of it is left for when it is asked for.
            let ready = |page: Vec<FetchedMessage>| Payload::owned(page, |page| Written::new(&Flat(page)));
            let pages = client.fetch_as(&path, uids, query, options, ready, &call);
            let pages = futures_util::stream::unfold(pages, |mut pages| async move {
                Some((pages.next().await?.map_err(failure).and_then(std::convert::identity), pages))
            });
            Ok(Payload::handle(PageStream::new(pages.boxed())))
        })
    }

    /// `[path, uid, query, { uidValidity }]`
    #[napi]
    pub fn fetch_one(
        &self,
        env: Env,
        call: &CallHandle,
        json: String,
        _blobs: Vec<Uint8Array>,
    ) -> Result<AsyncBlock<Reply>> {
        self.run(
            &env,
            call,
            Args::new(json),
            |client, call, (path, uid, query, guard): (String, u32, FetchQuery, MailboxOptions)| async move {
                let row = client.fetch_one(&path, uid, query, guard, &call).await.map_err(failure)?;
                Payload::owned(row, |row| Written::new(&Flat(row)))
            },
        )
    }

    /// `[path, uid, { part, decode, maxBytes, uidValidity }]`
    #[napi]
    pub fn download(&self, call: &CallHandle, json: String) -> Reply<ChunkStream> {
        let (client, call) = (self.0.clone(), call.stream());
        crate::reply::settle_sync(|| {
            let (path, uid, options): (String, u32, DownloadOptions) = Args::new(json).parse()?;
            let chunks = client.download(&path, uid, options, &call);
            let chunks = futures_util::stream::unfold(chunks, |mut chunks| async move {
                let chunk = chunks.next().await?;
                Some((chunk.map_err(failure), chunks))
            });
            Ok(Payload::handle(ChunkStream::new(chunks.boxed())))
        })
    }

    /// `[path, cursor, { since, fetch, batchSize, order }]`
    #[napi]
    pub fn sync(&self, call: &CallHandle, json: String) -> Reply<PageStream> {
        let (client, call) = (self.0.clone(), call.stream());
        crate::reply::settle_sync(|| {
            let (path, cursor, options): (String, Option<String>, SyncOptions) = Args::new(json).parse()?;
            let batches = client.sync(&path, cursor, options, &call);
            let batches = futures_util::stream::unfold(batches, |mut batches| async move {
                let batch = batches.next().await?;
                let written = |batch: &SyncBatch| Written::new(&Flat(batch));
                Some((batch.map_err(failure).and_then(|batch| Payload::owned(batch, written)), batches))
            });
            Ok(Payload::handle(PageStream::new(batches.boxed())))
        })
    }

    /// `[path, uids, flags, { uidValidity }]`
    #[napi]
    pub fn add_flags(
        &self,
        env: Env,
        call: &CallHandle,
        json: String,
        _blobs: Vec<Uint8Array>,
    ) -> Result<AsyncBlock<Reply>> {
        self.run(&env, call, Args::new(json), |client, call, (path, uids, flags, guard): FlagArguments| async move {
            done(client.add_flags(&path, uids, &flags, guard, &call).await)
        })
    }

    /// `[path, uids, flags, { uidValidity }]`
    #[napi]
    pub fn remove_flags(
        &self,
        env: Env,
        call: &CallHandle,
        json: String,
        _blobs: Vec<Uint8Array>,
    ) -> Result<AsyncBlock<Reply>> {
        self.run(&env, call, Args::new(json), |client, call, (path, uids, flags, guard): FlagArguments| async move {
            done(client.remove_flags(&path, uids, &flags, guard, &call).await)
        })
    }

    /// `[path, uids, flags, { uidValidity }]`
    #[napi]
    pub fn set_flags(
        &self,
        env: Env,
        call: &CallHandle,
        json: String,
        _blobs: Vec<Uint8Array>,
    ) -> Result<AsyncBlock<Reply>> {
        self.run(&env, call, Args::new(json), |client, call, (path, uids, flags, guard): FlagArguments| async move {
            done(client.set_flags(&path, uids, &flags, guard, &call).await)
        })
    }

    /// `[path, message, { flags, internalDate }]`
    #[napi]
    pub fn append(
        &self,
        env: Env,
        call: &CallHandle,
        json: String,
        blobs: Vec<Uint8Array>,
    ) -> Result<AsyncBlock<Reply>> {
        let (client, call, args) = (self.0.clone(), call.within(timeout::UPLOAD), Args::with_blobs(json, blobs));
        settle(&env, async move {
            let (path, message, options): (String, Blob, AppendOptions) = args.parse()?;
            value(client.append(&path, message.0, options, &call).await)
        })
    }

    /// `[path, { specialUse }]`
    #[napi]
    pub fn create(
        &self,
        env: Env,
        call: &CallHandle,
        json: String,
        _blobs: Vec<Uint8Array>,
    ) -> Result<AsyncBlock<Reply>> {
        self.run(&env, call, Args::new(json), |client, call, (path, options): (String, CreateOptions)| async move {
            done(client.create(&path, options.special_use, &call).await)
        })
    }

    /// `[from, to]`
    #[napi]
    pub fn rename(
        &self,
        env: Env,
        call: &CallHandle,
        json: String,
        _blobs: Vec<Uint8Array>,
    ) -> Result<AsyncBlock<Reply>> {
        self.run(&env, call, Args::new(json), |client, call, (from, to): (String, String)| async move {
            done(client.rename(&from, &to, &call).await)
        })
    }

    /// `[path]`
    #[napi]
    pub fn delete_mailbox(
        &self,
        env: Env,
        call: &CallHandle,
        json: String,
        _blobs: Vec<Uint8Array>,
    ) -> Result<AsyncBlock<Reply>> {
        self.run(&env, call, Args::new(json), |client, call, (path,): (String,)| async move {
            done(client.delete_mailbox(&path, &call).await)
        })
    }

    /// `[path, uids, destination, { uidValidity }]` → `UidMapping`
    #[napi]
    pub fn copy(
        &self,
        env: Env,
        call: &CallHandle,
        json: String,
        _blobs: Vec<Uint8Array>,
    ) -> Result<AsyncBlock<Reply>> {
        self.run(&env, call, Args::new(json), |client, call, (path, uids, to, guard): TransferArguments| async move {
            value(client.copy(&path, uids, &to, guard, &call).await)
        })
    }

    /// `[path, uids, destination, { uidValidity }]` → `UidMapping`
    #[napi(js_name = "move")]
    pub fn move_messages(
        &self,
        env: Env,
        call: &CallHandle,
        json: String,
        _blobs: Vec<Uint8Array>,
    ) -> Result<AsyncBlock<Reply>> {
        self.run(&env, call, Args::new(json), |client, call, (path, uids, to, guard): TransferArguments| async move {
            value(client.r#move(&path, uids, &to, guard, &call).await)
        })
    }

    /// `[path, uids, { uidValidity }]`
    #[napi]
    pub fn delete(
        &self,
        env: Env,
        call: &CallHandle,
        json: String,
        _blobs: Vec<Uint8Array>,
    ) -> Result<AsyncBlock<Reply>> {
        self.run(
            &env,
            call,
            Args::new(json),
            |client, call, (path, uids, guard): (String, UidSet, MailboxOptions)| async move {
                done(client.delete(&path, uids, guard, &call).await)
            },
        )
    }

    /// `[path, uid, message, { flags, uidValidity }]`
    #[napi]
    pub fn replace(
        &self,
        env: Env,
        call: &CallHandle,
        json: String,
        blobs: Vec<Uint8Array>,
    ) -> Result<AsyncBlock<Reply>> {
        let (client, call, args) = (self.0.clone(), call.within(timeout::UPLOAD), Args::with_blobs(json, blobs));
        settle(&env, async move {
            let (path, uid, message, options): (String, u32, Blob, ReplaceOptions) = args.parse()?;
            let guard = MailboxOptions { uid_validity: options.uid_validity };
            value(client.replace(&path, uid, message.0, options.flags, guard, &call).await)
        })
    }

    /// Ends politely. The client takes a second and a half at most: who set no deadline is not told that one passed.
    #[napi]
    pub fn logout(
        &self,
        env: Env,
        call: &CallHandle,
        _json: String,
        _blobs: Vec<Uint8Array>,
    ) -> Result<AsyncBlock<Reply>> {
        let (client, call) = (self.0.clone(), call.within(timeout::IMAP));
        settle(&env, async move { done(client.logout(&call).await) })
    }

    /// Ends at once.
    #[napi]
    pub fn close(&self) {
        self.0.close();
    }

    fn run<A, F, W>(&self, env: &Env, call: &CallHandle, args: Args, work: F) -> Result<AsyncBlock<Reply>>
    where
        A: DeserializeOwned + Send,
        F: FnOnce(Client, Call, A) -> W + Send + 'static,
        W: Future<Output = Outcome> + Send,
    {
        let (client, call) = (self.0.clone(), call.within(timeout::IMAP));
        settle(env, async move { work(client, call, args.parse()?).await })
    }
}

type TransferArguments = (String, UidSet, String, MailboxOptions);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CreateOptions {
    #[serde(default)]
    special_use: Option<SpecialUse>,
}

type FlagArguments = (String, UidSet, Vec<String>, MailboxOptions);

fn value<T: Serialize>(outcome: std::result::Result<T, email_imap::Error>) -> Outcome {
    Payload::value(&outcome.map_err(failure)?)
}

fn done(outcome: std::result::Result<(), email_imap::Error>) -> Outcome {
    outcome.map_err(failure)?;
    Ok(Payload::nothing())
}

/// The connector is made before the protocol speaks: its errors are told as the protocol's all the same.
fn imap_failure(error: email_net::Error) -> Failure {
    failure(email_imap::Error::from(error))
}
