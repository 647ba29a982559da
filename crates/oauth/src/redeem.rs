//! A callback becomes tokens and an identity (RFC 6749 §4.1.3, RFC 7636 §4.5, OIDC Core §3.1.3).

use std::borrow::Cow;

use email_base::{Call, Secret};
use oauth2::{AuthorizationCode, PkceCodeVerifier};
use serde::Serialize;

use crate::authorize::{PendingAuthorization, redirect_url};
use crate::callback::code_of;
use crate::client::Client;
use crate::endpoint::Endpoint;
use crate::error::Error;
use crate::id_token::{self, Expected, IdTokenFault};
use crate::identity::Identity;
use crate::patience::Patience;
use crate::provider::Dialect;
use crate::tokens::TokenSet;

/// What an authorization gave.
#[derive(Debug, Clone, Serialize)]
pub struct Redeemed {
    /// For the mail servers.
    pub tokens: TokenSet,
    /// Who signed in; `None` without the scope `openid`.
    pub identity: Option<Identity>,
}

impl Client {
    /// Checks that the callback belongs to `pending`, redeems its code for the mail resource and proves the id_token.
    ///
    /// A code works once: after any answer of the token endpoint but "later" the user has to start again. Whatever can be
    /// checked or fetched before is, and a short "later" is waited out (`patience.rs`).
    pub async fn redeem(
        &self,
        callback_url: &str,
        pending: &PendingAuthorization,
        call: &Call,
    ) -> Result<Redeemed, Error> {
        check_pending(pending)?;
        let scrub =
            self.scrub([pending.code_verifier.expose().as_str(), pending.state.expose(), pending.nonce.expose()]);
        let code = code_of(callback_url, pending, &self.provider().0, &scrub).map_err(|error| self.judge(error))?;
        let scrub = scrub.and(&self.scrub([code.expose().as_str()]));
        let redirect = redirect_url(&pending.redirect_uri)?;
        self.within(call, async {
            self.warm_keys().await?;
            let scopes = &self.provider().0.scopes;
            let http = self.web(Endpoint::Token, scrub).patient(Patience::of(call));
            let mut request = self
                .flows()
                .exchange_code(AuthorizationCode::new(code.expose().clone()))
                .set_pkce_verifier(PkceCodeVerifier::new(pending.code_verifier.expose().clone()))
                .set_redirect_uri(Cow::Owned(redirect));
            if let Dialect::Microsoft(_) = &self.provider().0.dialect {
                // Not the protocol's, but Entra's: the consent was for several resources, a token is for one.
                request = request.add_extra_param("scope", scopes.join(" "));
            }
            let outcome = request.request_async(&http).await;
            let tokens = self.tokens(outcome, scopes)?;
            let identity = self.identity(&tokens, Some(&pending.nonce)).await?;
            Ok(Redeemed { tokens, identity })
        })
        .await
    }

    /// Fetches the provider's keys if there will be a token to prove.
    pub(crate) async fn warm_keys(&self) -> Result<(), Error> {
        match (&self.provider().0.jwks_uri, self.asks_openid()) {
            (Some(uri), true) => self.jwks().warm(self.http(), uri).await,
            _ => Ok(()),
        }
    }

    /// Proves the id_token of `tokens`; `None` where none was asked and none came.
    pub(crate) async fn identity(&self, tokens: &TokenSet, nonce: Option<&Secret>) -> Result<Option<Identity>, Error> {
        let Some(token) = &tokens.id_token else {
            return if self.asks_openid() { Err(Error::IdToken(IdTokenFault::Missing)) } else { Ok(None) };
        };
        let provider = &self.provider().0;
        let (Some(uri), Some(issuer)) = (&provider.jwks_uri, &provider.issuer) else {
            return Err(Error::IdToken(IdTokenFault::UnknownKey));
        };
        let announced = id_token::announced(token.expose()).map_err(Error::IdToken)?;
        let keys = self.jwks().candidates(self.http(), uri, announced.algorithm, announced.kid.as_deref()).await?;
        let expected = Expected {
            client_id: &provider.client_id,
            issuer,
            nonce: nonce.map(|nonce| nonce.expose().as_str()),
            access_token: tokens.access_token.expose(),
        };
        id_token::proven(token.expose(), &announced, &keys)
            .and_then(|claims| id_token::check(&claims, &expected).map(|()| claims))
            .and_then(|claims| Identity::from_claims(claims, &provider.dialect))
            .map(Some)
            .map_err(Error::IdToken)
    }

    fn asks_openid(&self) -> bool {
        self.provider().0.scopes.iter().any(|scope| scope == "openid")
    }
}

/// What was kept must be what was made: an empty secret would be no protection (RFC 7636 §4.1, RFC 9700 §2.1.1).
fn check_pending(pending: &PendingAuthorization) -> Result<(), Error> {
    let verifier = pending.code_verifier.expose();
    let unreserved = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    if !(43..=128).contains(&verifier.len()) || !verifier.bytes().all(unreserved) {
        return Err(Error::argument("pending.codeVerifier is not the one that authorizationUrl gave"));
    }
    // An empty state fits no callback.
    if pending.nonce.expose().is_empty() {
        return Err(Error::argument("pending.nonce is not the one that authorizationUrl gave"));
    }
    Ok(())
}
