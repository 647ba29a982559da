//! App-only access (RFC 6749 §4.4): no user, an administrator's consent, and a right on each mailbox.

use email_base::Call;
use oauth2::Scope;

use crate::client::Client;
use crate::endpoint::Endpoint;
use crate::error::Error;
use crate::patience::Patience;
use crate::provider::{Dialect, Proof};
use crate::scopes;
use crate::tokens::TokenSet;

impl Client {
    /// A token of the app itself, for `scopes`; Microsoft's default is Exchange's `.default`, and it wants a `tenant`
    /// that is one: `common` is refused as AADSTS9001023.
    pub async fn client_credentials(&self, scopes: Option<&[String]>, call: &Call) -> Result<TokenSet, Error> {
        let provider = &self.provider().0;
        if matches!(provider.proof, Proof::Nothing) {
            return Err(Error::argument("app-only access needs clientSecret or clientCertificate"));
        }
        let scopes = match (scopes, &provider.dialect) {
            (Some(scopes), _) => {
                scopes::check(scopes)?;
                scopes.to_vec()
            }
            (None, Dialect::Microsoft(tenancy)) => vec![tenancy.app_scope.clone()],
            (None, _) => Vec::new(),
        };
        if let Dialect::Google = provider.dialect {
            return Err(Error::Unsupported("Google has no client credentials for mail".to_owned()));
        }
        self.within(call, self.app_tokens(&scopes, Patience::of(call))).await
    }

    /// As `client_credentials`, without a call's limits.
    pub(crate) async fn app_tokens(&self, scopes: &[String], patience: Patience) -> Result<TokenSet, Error> {
        let http = self.web(Endpoint::Token, self.scrub([])).patient(patience);
        let outcome = self
            .flows()
            .exchange_client_credentials()
            .add_scopes(scopes.iter().map(|scope| Scope::new(scope.clone())))
            .request_async(&http)
            .await;
        self.tokens(outcome, scopes)
    }

    /// Whether `tokens` are the app's own, which has no refresh token and asks again (RFC 6749 §4.4.3). They are known by
    /// Entra's `.default`; other providers' cannot be told from a user's.
    pub(crate) fn is_app_only(&self, tokens: &TokenSet) -> bool {
        let provider = &self.provider().0;
        matches!(provider.dialect, Dialect::Microsoft(_))
            && !matches!(provider.proof, Proof::Nothing)
            && tokens.refresh_token.is_none()
            && tokens.id_token.is_none()
            && matches!(&tokens.scopes[..], [scope] if scope.ends_with("/.default"))
    }
}
