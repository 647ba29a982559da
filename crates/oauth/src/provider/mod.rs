//! Who issues tokens: endpoints, scopes, mail servers, and the app's credentials.

mod check;
mod discovery;
mod google;
mod issuer;
mod microsoft;

use std::fmt;
use std::sync::Arc;

use email_base::Secret;
use email_net::Endpoint as ServerAddress;
use serde::{Deserialize, Serialize, Serializer};
use url::Url;

pub use discovery::DiscoverOptions;
pub use google::GoogleOptions;
pub(crate) use issuer::{Issuer, is_tenant_id};
pub(crate) use microsoft::{CONSUMERS_TENANT, is_guid};
pub use microsoft::{Cloud, MicrosoftOptions};

use crate::certificate::Signer;

/// Other hosts, for tests and proxies. `https:` only, without exception.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EndpointOverrides {
    /// RFC 6749 §3.1.
    #[serde(default)]
    pub authorization_endpoint: Option<String>,
    /// RFC 6749 §3.2.
    #[serde(default)]
    pub token_endpoint: Option<String>,
    /// RFC 8628 §3.1.
    #[serde(default)]
    pub device_authorization_endpoint: Option<String>,
    /// RFC 7009 §2.
    #[serde(default)]
    pub revocation_endpoint: Option<String>,
    /// RFC 7517 §5.
    #[serde(default)]
    pub jwks_uri: Option<String>,
    /// May hold `{tenantid}`: filled from the token's `tid`.
    #[serde(default)]
    pub issuer: Option<String>,
    /// The full URL of Graph `/me` or of OIDC userinfo.
    #[serde(default)]
    pub profile_endpoint: Option<String>,
    /// The IMAP server.
    #[serde(default)]
    pub imap: Option<ServerAddress>,
    /// The submission server.
    #[serde(default)]
    pub smtp: Option<ServerAddress>,
}

/// A checked provider. Cheap to clone; its secret shows nowhere.
#[derive(Clone)]
pub struct Provider(pub(crate) Arc<Inner>);

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) name: String,
    pub(crate) client_id: String,
    pub(crate) proof: Proof,
    pub(crate) dialect: Dialect,
    pub(crate) authorization_endpoint: Url,
    pub(crate) token_endpoint: Url,
    pub(crate) device_authorization_endpoint: Option<Url>,
    pub(crate) revocation_endpoint: Option<Url>,
    pub(crate) jwks_uri: Option<Url>,
    pub(crate) issuer: Option<Issuer>,
    /// The provider promises `iss` in every callback (RFC 9207 §3).
    pub(crate) sends_iss: bool,
    pub(crate) profile_endpoint: Option<Url>,
    /// What the mail token is asked for.
    pub(crate) scopes: Vec<String>,
    /// What consent is asked for: `scopes`, and those that other tokens of the same grant will need.
    pub(crate) consent_scopes: Vec<String>,
    pub(crate) imap: Option<ServerAddress>,
    pub(crate) smtp: Option<ServerAddress>,
}

/// How the app proves itself at the token endpoint (RFC 6749 §2.3).
#[derive(Debug)]
pub(crate) enum Proof {
    /// A public client.
    Nothing,
    /// `client_secret_post`.
    SecretInBody(Secret),
    /// `client_secret_basic`.
    SecretInHeader(Secret),
    /// `private_key_jwt`.
    Certificate(Box<Signer>),
}

impl Proof {
    pub(crate) fn secret(&self) -> Option<&Secret> {
        match self {
            Self::SecretInBody(secret) | Self::SecretInHeader(secret) => Some(secret),
            Self::Nothing | Self::Certificate(_) => None,
        }
    }
}

/// What differs between providers beyond their endpoints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// One resource a token; key by `tid:oid`; admin consent page.
    Microsoft(microsoft::Tenancy),
    /// `access_type=offline`, `prompt=consent`.
    Google,
    /// OpenID Connect, nothing else.
    Generic,
}

/// Whose portal an administrator has to open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Entra and Exchange admin centers.
    Microsoft,
    /// Google Cloud console and Workspace admin console.
    Google,
    /// Any other.
    Generic,
}

impl Provider {
    /// Whose it is.
    pub fn kind(&self) -> Kind {
        match &self.0.dialect {
            Dialect::Microsoft(_) => Kind::Microsoft,
            Dialect::Google => Kind::Google,
            Dialect::Generic => Kind::Generic,
        }
    }

    /// For people: `Microsoft`, `Google`, or the issuer's host.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The app's id at the provider.
    pub fn client_id(&self) -> &str {
        &self.0.client_id
    }

    /// What the mail token is asked for.
    pub fn scopes(&self) -> &[String] {
        &self.0.scopes
    }

    /// The IMAP server.
    pub fn imap(&self) -> Option<&ServerAddress> {
        self.0.imap.as_ref()
    }

    /// The submission server.
    pub fn smtp(&self) -> Option<&ServerAddress> {
        self.0.smtp.as_ref()
    }
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Provider")
            .field("name", &self.0.name)
            .field("client_id", &self.0.client_id)
            .finish_non_exhaustive()
    }
}

/// The contract's `OAuthProvider`, as it stands there.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct View<'a> {
    name: &'a str,
    client_id: &'a str,
    authorization_endpoint: &'a Url,
    token_endpoint: &'a Url,
    device_authorization_endpoint: Option<&'a Url>,
    revocation_endpoint: Option<&'a Url>,
    jwks_uri: Option<&'a Url>,
    issuer: Option<&'a str>,
    scopes: &'a [String],
    imap: Option<&'a ServerAddress>,
    smtp: Option<&'a ServerAddress>,
}

impl Serialize for Provider {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let inner = &*self.0;
        View {
            name: &inner.name,
            client_id: &inner.client_id,
            authorization_endpoint: &inner.authorization_endpoint,
            token_endpoint: &inner.token_endpoint,
            device_authorization_endpoint: inner.device_authorization_endpoint.as_ref(),
            revocation_endpoint: inner.revocation_endpoint.as_ref(),
            jwks_uri: inner.jwks_uri.as_ref(),
            issuer: inner.issuer.as_ref().map(Issuer::as_str),
            scopes: &inner.scopes,
            imap: inner.imap.as_ref(),
            smtp: inner.smtp.as_ref(),
        }
        .serialize(serializer)
    }
}
