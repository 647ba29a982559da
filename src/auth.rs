//! `auth` of the public API as credentials: a password, a token, a token source, a callback.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use email_base::tokens::TokenFuture;
use email_base::{AccessTokens, Code, Credentials, Failure, FixedToken, Secret, TokenError};
use serde::Deserialize;

use crate::hooks::Hook;
use crate::oauth::TokenSourceHandle;

/// What `lib/auth.js` left in the JSON.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Auth {
    user: String,
    #[serde(default)]
    password: Option<Secret>,
    #[serde(default)]
    access_token: Option<Secret>,
}

/// What it passed beside the JSON.
pub struct TokenArguments {
    source: Option<Arc<dyn AccessTokens>>,
    callback: Option<Hook>,
}

impl TokenArguments {
    pub fn new(source: Option<&TokenSourceHandle>, callback: Option<Hook>) -> Self {
        Self { source: source.map(|source| source.0.clone() as Arc<dyn AccessTokens>), callback }
    }

    /// The one proof that was given.
    pub fn credentials(self, auth: Auth) -> Result<Credentials, Failure> {
        let user = auth.user;
        let tokens: Arc<dyn AccessTokens> = match (auth.password, auth.access_token, self.source, self.callback) {
            (Some(password), None, None, None) => return Ok(Credentials::Password { user, password }),
            (None, Some(token), None, None) => Arc::new(FixedToken(token)),
            (None, None, Some(source), None) => source,
            (None, None, None, Some(hook)) => Arc::new(CallbackTokens(hook)),
            _ => {
                let problem = "auth needs a user and either a password or an accessToken";
                return Err(Failure::new(Code::InvalidArgument, None, problem));
            }
        };
        Ok(Credentials::OAuth { user, tokens })
    }
}

/// Tokens from a function of the caller's, which knows best when to renew.
struct CallbackTokens(Hook);

impl AccessTokens for CallbackTokens {
    fn current(&self) -> TokenFuture<'_> {
        Box::pin(
            async move { self.0.call::<Secret>(String::new()).await.map_err(|error| Arc::new(error) as TokenError) },
        )
    }

    fn refused<'a>(
        &'a self,
        token: &'a Secret,
    ) -> Pin<Box<dyn Future<Output = Result<Option<Secret>, TokenError>> + Send + 'a>> {
        Box::pin(async move { Ok(Some(self.current().await?).filter(|next| next != token)) })
    }
}
