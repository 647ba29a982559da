//! Entra's admin-consent page: an administrator accepts the permissions for the whole tenant.

use email_base::Secret;
use serde::Deserialize;
use url::Url;

use crate::authorize::redirect_url;
use crate::client::Client;
use crate::error::Error;
use crate::provider::Dialect;

/// No state is longer; a pasted file is.
const MAX_STATE: usize = 4096;

/// What `adminConsentUrl` takes.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AdminConsentOptions {
    /// A registered redirect URI.
    pub redirect_uri: String,
    /// Comes back in the callback; the caller compares it.
    #[serde(default)]
    pub state: Option<Secret>,
}

impl Client {
    /// The page that asks an administrator for the permissions that `authorization_url` asks a user for.
    pub fn admin_consent_url(&self, options: &AdminConsentOptions) -> Result<String, Error> {
        let provider = &self.provider().0;
        let Dialect::Microsoft(tenancy) = &provider.dialect else {
            return Err(Error::Unsupported(format!("{} has no admin-consent page", provider.name)));
        };
        if tenancy.tenant == "consumers" {
            return Err(Error::Unsupported(
                "personal accounts have no administrator: there is no admin-consent page".to_owned(),
            ));
        }
        let mut url = consent_page(&provider.authorization_endpoint)?;
        let redirect = redirect_url(&options.redirect_uri)?;
        url.query_pairs_mut()
            .append_pair("client_id", &provider.client_id)
            .append_pair("scope", &provider.consent_scopes.join(" "))
            .append_pair("redirect_uri", redirect.as_str());
        if let Some(state) = &options.state {
            if state.expose().len() > MAX_STATE || state.expose().chars().any(char::is_control) {
                return Err(Error::argument("state is far too long or holds control characters"));
            }
            url.query_pairs_mut().append_pair("state", state.expose());
        }
        Ok(url.into())
    }
}

/// `/{tenant}/oauth2/v2.0/authorize` → `/{tenant}/v2.0/adminconsent`, on whichever host.
fn consent_page(authorization_endpoint: &Url) -> Result<Url, Error> {
    let mut url = authorization_endpoint.clone();
    let tenant = url.path().strip_suffix("/oauth2/v2.0/authorize").map(str::to_owned);
    let tenant = tenant.ok_or_else(|| {
        Error::Unsupported(
            "the admin-consent page is known only beside an endpoint /{tenant}/oauth2/v2.0/authorize".to_owned(),
        )
    })?;
    url.set_path(&format!("{tenant}/v2.0/adminconsent"));
    url.set_query(None);
    Ok(url)
}
