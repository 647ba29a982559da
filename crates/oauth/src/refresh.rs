//! Renewal (RFC 6749 §6). One refresh token serves many resources; a rotated one replaces the held one.

use email_base::{Call, Secret};
use oauth2::{RefreshToken, Scope};

use crate::client::Client;
use crate::endpoint::Endpoint;
use crate::error::Error;
use crate::patience::Patience;
use crate::provider::Dialect;
use crate::scopes;
use crate::tokens::TokenSet;

impl Client {
    /// A new token set, for the mail resource or for `scopes`.
    ///
    /// Its `refresh_token` is the one that is good from now on: the rotated one, or the held one where the provider
    /// sent none (Google never does), so that storing the result never loses the grant.
    pub async fn refresh(
        &self,
        refresh_token: &Secret,
        scopes: Option<&[String]>,
        call: &Call,
    ) -> Result<TokenSet, Error> {
        check_token("refreshToken", refresh_token)?;
        let scopes = match scopes {
            Some(scopes) => {
                scopes::check(scopes)?;
                scopes.to_vec()
            }
            None => self.renewal_scopes(&[]),
        };
        self.within(call, self.renew(refresh_token, &scopes, Patience::of(call))).await
    }

    /// As `refresh`, without a call's limits. Empty `scopes` are those of the grant (RFC 6749 §6).
    pub(crate) async fn renew(
        &self,
        refresh_token: &Secret,
        scopes: &[String],
        patience: Patience,
    ) -> Result<TokenSet, Error> {
        let scrub = self.scrub([refresh_token.expose().as_str()]);
        let http = self.web(Endpoint::Token, scrub).patient(patience);
        let held = RefreshToken::new(refresh_token.expose().clone());
        let outcome = self
            .flows()
            .exchange_refresh_token(&held)
            .add_scopes(scopes.iter().map(|scope| Scope::new(scope.clone())))
            .request_async(&http)
            .await;
        let asked = if scopes.is_empty() { &self.provider().0.scopes } else { scopes };
        let mut tokens = self.tokens(outcome, asked)?;
        tokens.refresh_token.get_or_insert_with(|| refresh_token.clone());
        Ok(tokens)
    }

    /// What to ask when a set that was granted `granted` is renewed: Microsoft must be told the resource again, with
    /// `offline_access` or it sends no new refresh token; others keep the grant's scopes when none are named.
    pub(crate) fn renewal_scopes(&self, granted: &[String]) -> Vec<String> {
        let provider = &self.provider().0;
        let Dialect::Microsoft(tenancy) = &provider.dialect else { return Vec::new() };
        let resource = |list: &[String]| {
            list.iter().find(|scope| !scopes::is_oidc(scope)).map(|scope| scopes::resource_of(scope).map(str::to_owned))
        };
        match resource(granted) {
            Some(other)
                if Some(&other) != resource(&provider.scopes).as_ref()
                    && other.as_ref() != Some(&tenancy.mail_resource) =>
            {
                let oidc = scopes::oidc_of(&provider.scopes).cloned();
                oidc.chain(granted.iter().filter(|scope| !scopes::is_oidc(scope)).cloned()).collect()
            }
            _ => provider.scopes.clone(),
        }
    }
}

/// Refuses what cannot be a token; the value is never repeated.
pub(crate) fn check_token(name: &str, token: &Secret) -> Result<(), Error> {
    let token = token.expose();
    if token.is_empty() || !token.bytes().all(|b| (0x20..0x7F).contains(&b)) {
        return Err(Error::argument(format!("{name} is empty or holds characters that no token has")));
    }
    Ok(())
}
