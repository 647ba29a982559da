//! Any OpenID Connect provider by its discovery document (OIDC Discovery §4, RFC 8414).
//!
//! ```text
//! a document that is not this issuer's, an OAuth error, 404, 410 ─▶ Discovery: the setting is wrong
//! a page, a redirect, no JSON                                    ─▶ UnexpectedResponse: who knows who answered
//! ```

use std::sync::Arc;

use email_base::{Call, Scrub, Secret};
use email_net::{Connector, Endpoint as ServerAddress};
use serde::Deserialize;
use serde_json::{Map, Value};
use url::Url;

use super::{Dialect, Inner, Issuer, Proof, Provider, check};
use crate::endpoint::Endpoint;
use crate::error::Error;
use crate::http::{Http, broken};
use crate::scopes;

const WELL_KNOWN: &str = "/.well-known/openid-configuration";

/// What `discoverProvider` takes, without the connection's and the call's options.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DiscoverOptions {
    /// `https://id.example.com`: the document is found under it.
    pub issuer: String,
    /// The app's id.
    pub client_id: String,
    /// Its secret; none for a public client.
    #[serde(default)]
    pub client_secret: Option<Secret>,
    /// With `openid` an identity comes, with `offline_access` (most providers) a refresh token.
    pub scopes: Vec<String>,
    /// The IMAP server.
    #[serde(default)]
    pub imap: Option<ServerAddress>,
    /// The submission server.
    #[serde(default)]
    pub smtp: Option<ServerAddress>,
}

impl Provider {
    /// Reads the discovery document of `options.issuer`.
    pub async fn discover(options: DiscoverOptions, connector: &Connector, call: &Call) -> Result<Self, Error> {
        let issuer_url = check::endpoint("issuer", &options.issuer)?;
        if issuer_url.query().is_some() {
            return Err(Error::argument("issuer must not hold a ?query (OIDC Discovery §3)"));
        }
        let client_id = check::client_id(&options.client_id)?;
        let secret = options.client_secret.map(check::client_secret).transpose()?;
        scopes::check(&options.scopes)?;
        let http = Http::new(connector.https()?);
        // The path is kept and extended (OIDC Discovery §4.1), not replaced (RFC 8414 §3.1).
        let (imap, smtp) = (check::server("imap", options.imap)?, check::server("smtp", options.smtp)?);
        let document = format!("{}{WELL_KNOWN}", options.issuer.trim_end_matches('/'));
        let document = check::endpoint("issuer", &document)?;
        call.check()?;
        let answer = call.run(http.get(Endpoint::Discovery, &document, None)).await?;
        let members = answer
            .and_then(|answer| answer.object(&Scrub::default()))
            .map_err(|error| elsewhere(&options.issuer, error))?;
        let metadata = Metadata { asked: &options.issuer, members };
        let issuer = metadata.issuer()?;
        Ok(Self(Arc::new(Inner {
            name: issuer_url.host_str().unwrap_or_default().to_owned(),
            client_id,
            proof: metadata.proof(secret),
            dialect: Dialect::Generic,
            authorization_endpoint: metadata.required("authorization_endpoint")?,
            token_endpoint: metadata.required("token_endpoint")?,
            device_authorization_endpoint: metadata.endpoint("device_authorization_endpoint")?,
            revocation_endpoint: metadata.endpoint("revocation_endpoint")?,
            jwks_uri: Some(metadata.required("jwks_uri")?),
            issuer: Some(issuer),
            sends_iss: metadata.members.get("authorization_response_iss_parameter_supported")
                == Some(&Value::Bool(true)),
            profile_endpoint: metadata.endpoint("userinfo_endpoint")?,
            consent_scopes: options.scopes.clone(),
            scopes: options.scopes,
            imap,
            smtp,
        })))
    }
}

struct Metadata<'a> {
    /// The issuer that was configured.
    asked: &'a str,
    members: Map<String, Value>,
}

impl Metadata<'_> {
    /// OIDC Discovery §4.3: it must be the very issuer that was asked, or somebody else answers in its name.
    fn issuer(&self) -> Result<Issuer, Error> {
        let bare = |issuer: &str| issuer.trim_end_matches('/').to_owned();
        match self.members.get("issuer").and_then(Value::as_str) {
            Some(issuer) if bare(issuer) == bare(self.asked) => Issuer::new("issuer", issuer),
            _ => Err(self.refused("its issuer is not the one that was asked")),
        }
    }

    fn endpoint(&self, name: &str) -> Result<Option<Url>, Error> {
        match self.members.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(url)) => {
                check::endpoint(name, url).map(Some).map_err(|_| self.refused(format!("its {name} is no https URL")))
            }
            Some(_) => Err(self.refused(format!("its {name} has the wrong type"))),
        }
    }

    fn required(&self, name: &str) -> Result<Url, Error> {
        self.endpoint(name)?.ok_or_else(|| self.refused(format!("it has no {name}")))
    }

    /// RFC 8414 §2: `client_secret_basic` unless the list lacks it.
    fn proof(&self, secret: Option<Secret>) -> Proof {
        let Some(secret) = secret else { return Proof::Nothing };
        let methods = self.members.get("token_endpoint_auth_methods_supported").and_then(Value::as_array);
        let offers = |method: &str| methods.is_some_and(|list| list.iter().any(|offered| offered == method));
        if !offers("client_secret_basic") && offers("client_secret_post") {
            Proof::SecretInBody(secret)
        } else {
            Proof::SecretInHeader(secret)
        }
    }

    fn refused(&self, what: impl Into<String>) -> Error {
        Error::Discovery { issuer: self.asked.to_owned(), status: 200, what: what.into() }
    }
}

/// A server that says there is no such issuer will not begin to have one. What is no word of the protocol may be a
/// proxy's or a portal's: it is told as what it is, and for which issuer.
fn elsewhere(issuer: &str, error: Error) -> Error {
    match error {
        Error::UnexpectedResponse { status: status @ (404 | 410), what, .. } => {
            Error::Discovery { issuer: issuer.to_owned(), status, what }
        }
        Error::UnexpectedResponse { endpoint, status, what } => {
            broken(endpoint, status, format!("{what} (asked for the issuer {issuer})"))
        }
        Error::Refused(refusal) if !refusal.code().entry().retryable => {
            let status = refusal.status().unwrap_or(200);
            let what = format!("it answered HTTP {status} with an error");
            Error::Discovery { issuer: issuer.to_owned(), status, what }
        }
        other => other,
    }
}
