//! `diagnose`: every step from the app's credentials to the open mailbox, each by itself, for a set-up page.
//!
//! ```text
//! app-credentials ────────────────────────────────────────────────────────┐
//! token ─▶ token-scopes ──────────────────────────────────────────────────┤
//!   └────────────────┬──────────────────┐                                 ├─▶ the report, in the contract's order
//! imap-connect ─▶ imap-tls ─▶ imap-auth ─▶ imap-mailbox ──────────────────┤
//! smtp-connect ─▶ smtp-tls ─▶ smtp-auth ──────────────────────────────────┘
//! ```
//!
//! The four rows run at once, so that one silent server does not use up the others' time. What cannot run is left out: a
//! step without its input (no `provider`, no `auth`, no scopes known of a plain string), and whatever stands behind a
//! step that failed. A refused app does not stop `token`, wrong scopes do not stop `imap-auth`: those fail by themselves.
//! Whether the redirect URI is registered nobody can tell without a browser: the provider's page does (AADSTS50011).
//! Nothing is sent, nothing is changed; a token that is due is renewed and saved, as any use of it would.

mod advice;
mod app_credentials;
mod connect;
mod imap_auth;
mod imap_mailbox;
mod imap_tls;
mod smtp_auth;
mod smtp_tls;
mod step;
mod token;
mod token_scopes;

use std::sync::Arc;

use email_base::{Call, Code, Credentials, Failure, Interrupted};
use email_net::{ConnectOptions, Connector, Endpoint, Security};
use email_oauth::{Provider, TokenSource};
use napi::bindgen_prelude::AsyncBlock;
use napi::{Env, Result};
use napi_derive::napi;
use serde::Deserialize;
use tokio::sync::watch;

use crate::args::Args;
use crate::auth::{Auth, TokenArguments};
use crate::call::{CallHandle, interrupted, timeout};
use crate::hooks::{Hook, JsHook};
use crate::oauth::{ProviderHandle, TokenSourceHandle};
use crate::reply::{Payload, Reply, failure, settle};
use advice::Setting;
use step::{Report, Step};

/// `diagnose(options)`.
#[napi]
pub fn diagnose(
    env: Env,
    call: &CallHandle,
    json: String,
    provider: Option<&ProviderHandle>,
    source: Option<&TokenSourceHandle>,
    callback: Option<JsHook<'_>>,
) -> Result<AsyncBlock<Reply>> {
    let call = call.within(timeout::DIAGNOSE);
    let callback = callback.map(|hook| Hook::new("accessToken", &hook)).transpose()?;
    let tokens = TokenArguments::new(source, callback);
    let source = source.map(|source| Arc::clone(&source.0));
    let provider = provider.map(|provider| provider.0.clone());
    settle(&env, async move {
        let args = Args::new(json);
        let (connect, given): (ConnectOptions, Given) = (args.read()?, args.parse()?);
        let credentials = given.auth.map(|auth| tokens.credentials(auth)).transpose()?;
        let imap = given.imap.or_else(|| provider.as_ref().and_then(|provider| provider.imap().cloned()));
        let smtp = given.smtp.or_else(|| provider.as_ref().and_then(|provider| provider.smtp().cloned()));
        let connector = Connector::new(&connect).map_err(failure)?;
        let plan = Plan { provider, source, credentials, imap, smtp, connector, call };
        Payload::value(&plan.checked()?.run().await?)
    })
}

#[derive(Deserialize)]
struct Given {
    #[serde(default)]
    auth: Option<Auth>,
    #[serde(default)]
    imap: Option<Endpoint>,
    #[serde(default)]
    smtp: Option<Endpoint>,
}

/// What is to be looked at.
struct Plan {
    provider: Option<Provider>,
    /// That of `credentials`, when it is one of this addon's.
    source: Option<Arc<TokenSource>>,
    credentials: Option<Credentials>,
    imap: Option<Endpoint>,
    smtp: Option<Endpoint>,
    connector: Connector,
    call: Call,
}

/// Whether there is something to sign in with: known when `token` is done.
type Ready = watch::Receiver<Option<bool>>;

impl Plan {
    /// Wrong arguments are refused before a byte is sent: they are not what a diagnosis is for.
    fn checked(self) -> std::result::Result<Self, Failure> {
        let refuse = |why: &str| Err(Failure::new(Code::InvalidArgument, None, why));
        for endpoint in [&self.imap, &self.smtp].into_iter().flatten() {
            self.connector.check(endpoint).map_err(failure)?;
        }
        let user = self.credentials.as_ref().map_or("-", Credentials::user);
        if user.is_empty() || user.chars().any(char::is_control) {
            return refuse("auth.user is empty or holds control characters");
        }
        let signs_in_by_token = matches!(self.credentials, Some(Credentials::OAuth { .. }));
        if self.provider.is_none() && self.imap.is_none() && self.smtp.is_none() && !signs_in_by_token {
            return refuse("there is nothing to diagnose: give a provider, a mail server (imap, smtp), or both");
        }
        Ok(self)
    }

    /// Never fails for what it finds; an abort ends it.
    async fn run(self) -> std::result::Result<Report, Failure> {
        let (tell, ready) = watch::channel(self.credentials.is_none().then_some(false));
        let (app, tokens, imap, smtp) = tokio::join!(
            self.app(),
            async {
                let steps = self.tokens().await;
                tell.send_replace(Some(self.can_sign_in(&steps)));
                steps
            },
            self.imap(ready.clone()),
            self.smtp(ready.clone()),
        );
        if let Err(why @ Interrupted::Aborted) = self.call.check() {
            return Err(interrupted(why, None));
        }
        Ok(Report::new([app, tokens, imap, smtp].concat()))
    }

    async fn app(&self) -> Vec<Step> {
        match &self.provider {
            Some(provider) => vec![app_credentials::step(provider, &self.connector, &self.call).await],
            None => Vec::new(),
        }
    }

    async fn tokens(&self) -> Vec<Step> {
        let Some(Credentials::OAuth { tokens, .. }) = &self.credentials else { return Vec::new() };
        let mut steps = vec![token::step(self.source.as_deref(), &**tokens, &self.call).await];
        if let (Some(source), true) = (&self.source, all_ok(&steps)) {
            steps.push(token_scopes::step(source, self.imap.is_some(), self.smtp.is_some()));
        }
        steps
    }

    async fn imap(&self, ready: Ready) -> Vec<Step> {
        let Some(endpoint) = &self.imap else { return Vec::new() };
        let mut steps = vec![connect::imap(endpoint, &self.connector, &self.call).await];
        if all_ok(&steps) && endpoint.tls != Security::None {
            steps.push(imap_tls::step(endpoint, &self.connector, &self.call).await);
        }
        if let (true, Some(credentials)) = (all_ok(&steps), self.proof(ready).await) {
            let setting = self.setting();
            let auth = imap_auth::steps(endpoint, &self.connector, credentials, &setting, &self.call).await;
            steps.extend(auth);
        }
        steps
    }

    async fn smtp(&self, ready: Ready) -> Vec<Step> {
        let Some(endpoint) = &self.smtp else { return Vec::new() };
        let mut steps = vec![connect::smtp(endpoint, &self.connector, &self.call).await];
        if all_ok(&steps) && endpoint.tls != Security::None {
            steps.push(smtp_tls::step(endpoint, &self.connector, &self.call).await);
        }
        if let (true, Some(credentials)) = (all_ok(&steps), self.proof(ready).await) {
            let setting = self.setting();
            steps.push(smtp_auth::step(endpoint, &self.connector, credentials, &setting, &self.call).await);
        }
        steps
    }

    /// The credentials, once `token` has shown that they hold something.
    async fn proof(&self, mut ready: Ready) -> Option<Credentials> {
        let ready = ready.wait_for(Option::is_some).await.is_ok_and(|ready| *ready == Some(true));
        self.credentials.clone().filter(|_| ready)
    }

    /// Wrong scopes do not keep anybody from trying: the server has the last word.
    fn can_sign_in(&self, steps: &[Step]) -> bool {
        self.credentials.is_some() && steps.first().is_none_or(Step::is_ok)
    }

    fn setting(&self) -> Setting {
        let provider = self.provider.as_ref().or_else(|| self.source.as_deref().map(TokenSource::provider));
        let personal = self.source.as_ref().is_some_and(|source| source.token_set().is_of_personal_account());
        let hosts = [&self.imap, &self.smtp].into_iter().flatten().map(|endpoint| endpoint.host.as_str());
        Setting::new(provider.map(Provider::kind), personal, hosts)
    }
}

fn all_ok(steps: &[Step]) -> bool {
    steps.iter().all(Step::is_ok)
}
