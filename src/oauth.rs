//! OAuth 2.0: providers, flows, token sources.

use std::sync::Arc;

use email_base::{Failure, Secret};
use email_net::{ConnectOptions, Connector};
use email_oauth::{Client, Provider, TokenSet, TokenSource};
use napi::bindgen_prelude::AsyncBlock;
use napi::{Env, Result};
use napi_derive::napi;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::args::Args;
use crate::call::{CallHandle, timeout};
use crate::hooks::{Hook, JsHook};
use crate::reply::{Payload, Reply, failure, settle, settle_sync};
use crate::store::HookStore;

type Outcome<H = ()> = std::result::Result<Payload<H>, Failure>;

/// Behind `OAuthProvider`.
#[napi]
pub struct ProviderHandle(pub(crate) Provider);

/// Behind `OAuthClient`.
#[napi]
pub struct OAuthClientHandle(Client);

/// Behind `TokenSource`.
#[napi]
pub struct TokenSourceHandle(pub(crate) Arc<TokenSource>);

/// `microsoft(options)`.
#[napi]
pub fn microsoft(json: String) -> Reply<ProviderHandle> {
    settle_sync(|| provider(Provider::microsoft(Args::new(json).parse()?)))
}

/// `google(options)`.
#[napi]
pub fn google(json: String) -> Reply<ProviderHandle> {
    settle_sync(|| provider(Provider::google(Args::new(json).parse()?)))
}

/// `discoverProvider(options)`.
#[napi]
pub fn discover_provider(env: Env, call: &CallHandle, json: String) -> Result<AsyncBlock<Reply<ProviderHandle>>> {
    let call = call.within(timeout::OAUTH);
    settle(&env, async move {
        let args = Args::new(json);
        let connector = connector(&args.read()?)?;
        provider(Provider::discover(args.parse()?, &connector, &call).await)
    })
}

/// `new OAuthClient(provider, options)`.
#[napi]
pub fn oauth_client(provider: &ProviderHandle, json: String) -> Reply<OAuthClientHandle> {
    let provider = provider.0.clone();
    settle_sync(|| {
        let connector = connector(&Args::new(json).parse()?)?;
        Ok(Payload::handle(OAuthClientHandle(Client::new(provider, &connector).map_err(failure)?)))
    })
}

#[napi]
impl OAuthClientHandle {
    /// `options` → `PendingAuthorization`.
    #[napi]
    pub fn authorization_url(&self, json: String) -> Reply {
        settle_sync(|| value(self.0.authorization_url(&Args::new(json).parse()?)))
    }

    /// `options` → URL.
    #[napi]
    pub fn admin_consent_url(&self, json: String) -> Reply {
        settle_sync(|| value(self.0.admin_consent_url(&Args::new(json).parse()?)))
    }

    /// `[callbackUrl, pending]` → `{ tokens, identity }`.
    #[napi]
    pub fn redeem(&self, env: Env, call: &CallHandle, json: String) -> Result<AsyncBlock<Reply>> {
        self.run(
            &env,
            call,
            json,
            |client, call, (url, pending): (Secret, email_oauth::PendingAuthorization)| async move {
                value(client.redeem(url.expose(), &pending, &call).await)
            },
        )
    }

    /// `[refreshToken, { scopes }]` → `TokenSet`.
    #[napi]
    pub fn refresh(&self, env: Env, call: &CallHandle, json: String) -> Result<AsyncBlock<Reply>> {
        self.run(&env, call, json, |client, call, (token, options): (Secret, Scopes)| async move {
            value(client.refresh(&token, options.scopes.as_deref(), &call).await)
        })
    }

    /// `[{ scopes }]` → `TokenSet`.
    #[napi]
    pub fn client_credentials(&self, env: Env, call: &CallHandle, json: String) -> Result<AsyncBlock<Reply>> {
        self.run(&env, call, json, |client, call, (options,): (Scopes,)| async move {
            value(client.client_credentials(options.scopes.as_deref(), &call).await)
        })
    }

    /// `[]` → `DeviceAuthorization`.
    #[napi]
    pub fn start_device_authorization(&self, env: Env, call: &CallHandle, json: String) -> Result<AsyncBlock<Reply>> {
        self.run(&env, call, json, |client, call, _: [(); 0]| async move {
            value(client.start_device_authorization(&call).await)
        })
    }

    /// `[device]` → `{ tokens, identity }`.
    #[napi]
    pub fn poll_device_authorization(&self, env: Env, call: &CallHandle, json: String) -> Result<AsyncBlock<Reply>> {
        // The deadline is the device code's own: a person is typing.
        let device_call = call.within(timeout::DEVICE);
        let client = self.0.clone();
        settle(&env, async move {
            let (device,): (email_oauth::DeviceAuthorization,) = Args::new(json).parse()?;
            value(client.poll_device_authorization(&device, &device_call).await)
        })
    }

    /// `[refreshToken]` → `{ profile, tokens }`.
    #[napi]
    pub fn profile(&self, env: Env, call: &CallHandle, json: String) -> Result<AsyncBlock<Reply>> {
        self.run(&env, call, json, |client, call, (token,): (Secret,)| async move {
            value(client.profile(&token, &call).await)
        })
    }

    /// `[token]`.
    #[napi]
    pub fn revoke(&self, env: Env, call: &CallHandle, json: String) -> Result<AsyncBlock<Reply>> {
        self.run(&env, call, json, |client, call, (token,): (Secret,)| async move {
            client.revoke(&token, &call).await.map_err(failure)?;
            Ok(Payload::nothing())
        })
    }

    /// `TokenSet` and the two hooks → `TokenSource`.
    #[napi]
    pub fn token_source(
        &self,
        tokens: String,
        load: Option<JsHook<'_>>,
        save: Option<JsHook<'_>>,
    ) -> Result<Reply<TokenSourceHandle>> {
        let load = load.map(|hook| Hook::new("load", &hook)).transpose()?;
        let save = save.map(|hook| Hook::new("save", &hook)).transpose()?;
        Ok(settle_sync(|| {
            let tokens: TokenSet = Args::new(tokens).parse()?;
            let source = self.0.token_source(tokens, Arc::new(HookStore { load, save })).map_err(failure)?;
            Ok(Payload::handle(TokenSourceHandle(Arc::new(source))))
        }))
    }

    fn run<A, F, W>(&self, env: &Env, call: &CallHandle, json: String, work: F) -> Result<AsyncBlock<Reply>>
    where
        A: DeserializeOwned + Send,
        F: FnOnce(Client, email_base::Call, A) -> W + Send + 'static,
        W: Future<Output = Outcome> + Send,
    {
        let (client, call) = (self.0.clone(), call.within(timeout::OAUTH));
        settle(env, async move { work(client, call, Args::new(json).parse()?).await })
    }
}

#[napi]
impl TokenSourceHandle {
    /// → `TokenSet`.
    #[napi]
    pub fn current(&self) -> Reply {
        settle_sync(|| Payload::value(&self.0.token_set()))
    }

    /// → the access token.
    #[napi]
    pub fn access_token(&self, env: Env, call: &CallHandle) -> Result<AsyncBlock<Reply>> {
        let (source, call) = (self.0.clone(), call.within(timeout::OAUTH));
        settle(&env, async move {
            let token = source.access_token(&call).await;
            let token = token.map_err(|error| Failure::from(&*error as &dyn email_base::Classify))?;
            Payload::value(token.expose())
        })
    }
}

#[derive(Deserialize)]
struct Scopes {
    #[serde(default)]
    scopes: Option<Vec<String>>,
}

fn provider(made: std::result::Result<Provider, email_oauth::Error>) -> Outcome<ProviderHandle> {
    let provider = made.map_err(failure)?;
    Ok(Payload::value(&provider)?.with_handle(ProviderHandle(provider)))
}

fn connector(options: &ConnectOptions) -> std::result::Result<Connector, Failure> {
    Connector::new(options).map_err(failure)
}

fn value<T: serde::Serialize>(outcome: std::result::Result<T, email_oauth::Error>) -> Outcome {
    Payload::value(&outcome.map_err(failure)?)
}
