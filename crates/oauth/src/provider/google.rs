//! Google (facts: one scope serves IMAP and SMTP; a refresh token comes with the first consent only).

use std::sync::Arc;

use email_base::Secret;
use email_net::{Endpoint as ServerAddress, Security};
use serde::Deserialize;

use super::{Dialect, EndpointOverrides, Inner, Issuer, Proof, Provider, check};
use crate::error::Error;
use crate::scopes;

const SCOPES: &[&str] = &["openid", "email", "profile", "https://mail.google.com/"];

/// What `google()` takes.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GoogleOptions {
    /// `….apps.googleusercontent.com`.
    pub client_id: String,
    /// Google's web clients always have one.
    pub client_secret: Secret,
    /// Default: `openid email profile https://mail.google.com/`.
    #[serde(default)]
    pub scopes: Option<Vec<String>>,
    /// Other hosts.
    #[serde(default)]
    pub endpoints: Option<EndpointOverrides>,
}

impl Provider {
    /// Google accounts and Workspace.
    pub fn google(options: GoogleOptions) -> Result<Self, Error> {
        let endpoints = options.endpoints.unwrap_or_default();
        let scopes = options.scopes.unwrap_or_else(|| SCOPES.iter().map(|scope| (*scope).to_owned()).collect());
        scopes::check(&scopes)?;
        let or = check::endpoint_or;
        Ok(Self(Arc::new(Inner {
            name: "Google".to_owned(),
            client_id: check::client_id(&options.client_id)?,
            proof: Proof::SecretInBody(check::client_secret(options.client_secret)?),
            dialect: Dialect::Google,
            authorization_endpoint: or(
                "endpoints.authorizationEndpoint",
                endpoints.authorization_endpoint.as_ref(),
                "https://accounts.google.com/o/oauth2/v2/auth",
            )?,
            token_endpoint: or(
                "endpoints.tokenEndpoint",
                endpoints.token_endpoint.as_ref(),
                "https://oauth2.googleapis.com/token",
            )?,
            device_authorization_endpoint: Some(or(
                "endpoints.deviceAuthorizationEndpoint",
                endpoints.device_authorization_endpoint.as_ref(),
                "https://oauth2.googleapis.com/device/code",
            )?),
            revocation_endpoint: Some(or(
                "endpoints.revocationEndpoint",
                endpoints.revocation_endpoint.as_ref(),
                "https://oauth2.googleapis.com/revoke",
            )?),
            jwks_uri: Some(or(
                "endpoints.jwksUri",
                endpoints.jwks_uri.as_ref(),
                "https://www.googleapis.com/oauth2/v3/certs",
            )?),
            issuer: Some(Issuer::new(
                "endpoints.issuer",
                endpoints.issuer.as_deref().unwrap_or("https://accounts.google.com"),
            )?),
            sends_iss: false,
            profile_endpoint: Some(or(
                "endpoints.profileEndpoint",
                endpoints.profile_endpoint.as_ref(),
                "https://openidconnect.googleapis.com/v1/userinfo",
            )?),
            consent_scopes: scopes.clone(),
            scopes,
            imap: Some(
                check::server("endpoints.imap", endpoints.imap)?.unwrap_or_else(|| server("imap.gmail.com", 993)),
            ),
            smtp: Some(
                check::server("endpoints.smtp", endpoints.smtp)?.unwrap_or_else(|| server("smtp.gmail.com", 465)),
            ),
        })))
    }
}

fn server(host: &str, port: u16) -> ServerAddress {
    ServerAddress { host: host.to_owned(), port, tls: Security::Implicit }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_public_view_holds_every_field_of_the_contract_and_no_secret() {
        let options = serde_json::from_value(json!({"clientId": "id", "clientSecret": "canary-secret"})).unwrap();
        let provider = Provider::google(options).unwrap();
        let view = serde_json::to_value(&provider).unwrap();
        assert_eq!(
            view,
            json!({
                "name": "Google",
                "clientId": "id",
                "authorizationEndpoint": "https://accounts.google.com/o/oauth2/v2/auth",
                "tokenEndpoint": "https://oauth2.googleapis.com/token",
                "deviceAuthorizationEndpoint": "https://oauth2.googleapis.com/device/code",
                "revocationEndpoint": "https://oauth2.googleapis.com/revoke",
                "jwksUri": "https://www.googleapis.com/oauth2/v3/certs",
                "issuer": "https://accounts.google.com",
                "scopes": ["openid", "email", "profile", "https://mail.google.com/"],
                "imap": {"host": "imap.gmail.com", "port": 993, "tls": "implicit"},
                "smtp": {"host": "smtp.gmail.com", "port": 465, "tls": "implicit"},
            })
        );
        assert!(!format!("{provider:?} {:?}", provider.0).contains("canary"));
    }

    #[test]
    fn wrong_types_are_refused() {
        for options in [
            json!({"clientId": "id"}),
            json!({"clientId": 7, "clientSecret": "s"}),
            json!({"clientId": "id", "clientSecret": null}),
            json!({"clientId": "id", "clientSecret": "s", "scopes": "a b"}),
            json!({"clientId": "id", "clientSecret": "s", "endpoints": {"imap": {"host": "h", "port": "993", "tls": "implicit"}}}),
        ] {
            assert!(serde_json::from_value::<GoogleOptions>(options.clone()).is_err(), "{options}");
        }
    }

    #[test]
    fn servers_that_nobody_can_connect_to_are_refused() {
        for (name, host, port) in [("imap", "a b", 993), ("imap", "", 993), ("smtp", "smtp.gmail.com", 0)] {
            let endpoints = json!({name: {"host": host, "port": port, "tls": "implicit"}});
            let options = json!({"clientId": "id", "clientSecret": "s", "endpoints": endpoints});
            let error = Provider::google(serde_json::from_value(options).unwrap()).unwrap_err().to_string();
            assert!(error.contains(&format!("endpoints.{name}.")), "{error}");
        }
    }
}
