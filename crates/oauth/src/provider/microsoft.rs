//! Microsoft Entra ID, v2.0 endpoints, in its four clouds (facts §1).

use std::sync::Arc;

use email_base::Secret;
use email_net::{Endpoint as ServerAddress, Security};
use serde::Deserialize;

use super::{Dialect, EndpointOverrides, Inner, Issuer, Proof, Provider, check};
use crate::certificate::{ClientCertificate, Signer};
use crate::error::Error;
use crate::scopes;

/// The tenant of personal accounts.
pub(crate) const CONSUMERS_TENANT: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";

/// A DNS name is not longer, a GUID is shorter.
const MAX_TENANT: usize = 253;

/// The mail permissions; a bare one of them would mean Microsoft Graph, whose tokens fail at IMAP with no reason given.
const MAIL_PERMISSIONS: &[&str] = &[
    "IMAP.AccessAsUser.All",
    "POP.AccessAsUser.All",
    "SMTP.Send",
    "IMAP.AccessAsApp",
    "POP.AccessAsApp",
    "SMTP.SendAsApp",
];

/// Where the tenant lives.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub enum Cloud {
    /// Worldwide.
    #[default]
    #[serde(rename = "global")]
    Global,
    /// US Government (GCC High).
    #[serde(rename = "usgov")]
    UsGov,
    /// US Department of Defense.
    #[serde(rename = "usgov-dod")]
    UsGovDod,
    /// Operated by 21Vianet.
    #[serde(rename = "china")]
    China,
}

/// A cloud's hosts. Those of `usgov-dod` and the scopes of `china` are unconfirmed: `endpoints` and `scopes` override.
struct Hosts {
    login: &'static str,
    graph: &'static str,
    /// The resource of IMAP and SMTP, without the slash at its end.
    mail_resource: &'static str,
    /// The resource of app-only tokens.
    app_resource: &'static str,
    imap: &'static str,
    smtp: &'static str,
}

impl Cloud {
    const fn hosts(self) -> Hosts {
        match self {
            Self::Global => Hosts {
                login: "login.microsoftonline.com",
                graph: "graph.microsoft.com",
                mail_resource: "https://outlook.office.com",
                app_resource: "https://outlook.office365.com",
                imap: "outlook.office365.com",
                smtp: "smtp.office365.com",
            },
            Self::UsGov => Hosts {
                login: "login.microsoftonline.us",
                graph: "graph.microsoft.us",
                mail_resource: "https://outlook.office365.us",
                app_resource: "https://outlook.office365.us",
                imap: "outlook.office365.us",
                smtp: "smtp.office365.us",
            },
            Self::UsGovDod => Hosts {
                login: "login.microsoftonline.us",
                graph: "dod-graph.microsoft.us",
                mail_resource: "https://outlook-dod.office365.us",
                app_resource: "https://outlook-dod.office365.us",
                imap: "outlook-dod.office365.us",
                smtp: "outlook-dod.office365.us",
            },
            Self::China => Hosts {
                login: "login.partner.microsoftonline.cn",
                graph: "microsoftgraph.chinacloudapi.cn",
                mail_resource: "https://partner.outlook.cn",
                app_resource: "https://partner.outlook.cn",
                imap: "partner.outlook.cn",
                smtp: "partner.outlook.cn",
            },
        }
    }
}

/// What `microsoft()` takes.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MicrosoftOptions {
    /// `Application (client) ID`.
    pub client_id: String,
    /// The secret's *value*.
    #[serde(default)]
    pub client_secret: Option<Secret>,
    /// Instead of a secret.
    #[serde(default)]
    pub client_certificate: Option<ClientCertificate>,
    /// `common` (default), `organizations`, `consumers`, a tenant id or a domain.
    #[serde(default)]
    pub tenant: Option<String>,
    /// Default: worldwide.
    #[serde(default)]
    pub cloud: Option<Cloud>,
    /// Default: OpenID Connect's and the Outlook resource's for IMAP and SMTP; consent then also asks Graph `User.Read`.
    #[serde(default)]
    pub scopes: Option<Vec<String>>,
    /// Other hosts.
    #[serde(default)]
    pub endpoints: Option<EndpointOverrides>,
}

/// What Microsoft's dialect needs to know beyond the endpoints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tenancy {
    /// As given, or `common`.
    pub(crate) tenant: String,
    /// `https://outlook.office.com`.
    pub(crate) mail_resource: String,
    /// `https://outlook.office365.com/.default`.
    pub(crate) app_scope: String,
    /// `https://graph.microsoft.com/User.Read`.
    pub(crate) profile_scope: String,
    /// `https://graph.microsoft.com/.default`: every tenant has Graph, so every app may ask for it.
    pub(crate) any_app_scope: String,
}

impl Provider {
    /// Microsoft 365 and Outlook.com.
    pub fn microsoft(options: MicrosoftOptions) -> Result<Self, Error> {
        let hosts = options.cloud.unwrap_or_default().hosts();
        let tenant = checked_tenant(options.tenant.as_deref().unwrap_or("common"))?;
        let endpoints = options.endpoints.unwrap_or_default();
        let base = format!("https://{}/{tenant}", hosts.login);
        let profile_scope = format!("https://{}/User.Read", hosts.graph);
        let (scopes, consent_scopes) = scopes_for(options.scopes, &hosts, &profile_scope)?;
        let or = check::endpoint_or;
        let issuer = endpoints.issuer.unwrap_or_else(|| default_issuer(hosts.login, &tenant));
        let smtp = if tenant == "consumers" { "smtp-mail.outlook.com" } else { hosts.smtp };
        Ok(Self(Arc::new(Inner {
            name: "Microsoft".to_owned(),
            client_id: check::client_id(&options.client_id)?,
            proof: proof(options.client_secret, options.client_certificate.as_ref())?,
            authorization_endpoint: or(
                "endpoints.authorizationEndpoint",
                endpoints.authorization_endpoint.as_ref(),
                &format!("{base}/oauth2/v2.0/authorize"),
            )?,
            token_endpoint: or(
                "endpoints.tokenEndpoint",
                endpoints.token_endpoint.as_ref(),
                &format!("{base}/oauth2/v2.0/token"),
            )?,
            device_authorization_endpoint: Some(or(
                "endpoints.deviceAuthorizationEndpoint",
                endpoints.device_authorization_endpoint.as_ref(),
                &format!("{base}/oauth2/v2.0/devicecode"),
            )?),
            // Entra has none (RFC 7009): grants are revoked by the user or an administrator.
            revocation_endpoint: check::endpoint_option(
                "endpoints.revocationEndpoint",
                endpoints.revocation_endpoint.as_ref(),
            )?,
            jwks_uri: Some(or(
                "endpoints.jwksUri",
                endpoints.jwks_uri.as_ref(),
                &format!("{base}/discovery/v2.0/keys"),
            )?),
            issuer: Some(Issuer::new("endpoints.issuer", &issuer)?),
            sends_iss: false,
            profile_endpoint: Some(or(
                "endpoints.profileEndpoint",
                endpoints.profile_endpoint.as_ref(),
                &format!("https://{}/v1.0/me", hosts.graph),
            )?),
            scopes,
            consent_scopes,
            imap: Some(
                check::server("endpoints.imap", endpoints.imap)?
                    .unwrap_or_else(|| server(hosts.imap, 993, Security::Implicit)),
            ),
            smtp: Some(
                check::server("endpoints.smtp", endpoints.smtp)?
                    .unwrap_or_else(|| server(smtp, 587, Security::StartTls)),
            ),
            dialect: Dialect::Microsoft(Tenancy {
                tenant,
                mail_resource: hosts.mail_resource.to_owned(),
                app_scope: format!("{}/.default", hosts.app_resource),
                profile_scope,
                any_app_scope: format!("https://{}/.default", hosts.graph),
            }),
        })))
    }
}

/// The scopes of the mail token and those of the consent.
fn scopes_for(
    given: Option<Vec<String>>,
    hosts: &Hosts,
    profile_scope: &str,
) -> Result<(Vec<String>, Vec<String>), Error> {
    let resource = hosts.mail_resource;
    let Some(given) = given else {
        let mut scopes: Vec<String> = ["openid", "profile", "email", "offline_access"].map(str::to_owned).to_vec();
        scopes.extend(["IMAP.AccessAsUser.All", "SMTP.Send"].map(|permission| format!("{resource}/{permission}")));
        let consent = scopes.iter().cloned().chain([profile_scope.to_owned()]).collect();
        return Ok((scopes, consent));
    };
    scopes::check(&given)?;
    let given: Vec<String> = given
        .into_iter()
        .map(|scope| if MAIL_PERMISSIONS.contains(&scope.as_str()) { format!("{resource}/{scope}") } else { scope })
        .collect();
    Ok((scopes::of_one_resource(&given, resource), given))
}

fn proof(secret: Option<Secret>, certificate: Option<&ClientCertificate>) -> Result<Proof, Error> {
    match (secret, certificate) {
        (Some(_), Some(_)) => Err(Error::argument("give clientSecret or clientCertificate, not both")),
        (Some(secret), None) => check::client_secret(secret).map(Proof::SecretInBody),
        (None, Some(certificate)) => Signer::new(certificate).map(|signer| Proof::Certificate(Box::new(signer))),
        (None, None) => Ok(Proof::Nothing),
    }
}

/// It becomes a part of every URL: nothing but the characters of GUIDs and domains.
fn checked_tenant(tenant: &str) -> Result<String, Error> {
    let valid = (1..=MAX_TENANT).contains(&tenant.len())
        && tenant.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.'))
        && !tenant.starts_with('.')
        && !tenant.ends_with('.');
    if valid {
        Ok(tenant.to_ascii_lowercase())
    } else {
        Err(Error::argument("tenant must be common, organizations, consumers, a tenant id or a domain"))
    }
}

fn default_issuer(login: &str, tenant: &str) -> String {
    let id = match tenant {
        "consumers" => CONSUMERS_TENANT,
        guid if is_guid(guid) => guid,
        // `common`, `organizations`, and domains, whose id is not known.
        _ => "{tenantid}",
    };
    format!("https://{login}/{id}/v2.0")
}

/// `8-4-4-4-12` hexadecimal digits.
pub(crate) fn is_guid(text: &str) -> bool {
    let runs: Vec<&str> = text.split('-').collect();
    runs.iter().map(|run| run.len()).eq([8, 4, 4, 4, 12])
        && runs.iter().all(|run| run.bytes().all(|b| b.is_ascii_hexdigit()))
}

fn server(host: &str, port: u16, tls: Security) -> ServerAddress {
    ServerAddress { host: host.to_owned(), port, tls }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn provider(options: Value) -> Result<Provider, String> {
        let mut options = options;
        options.as_object_mut().unwrap().entry("clientId").or_insert("id".into());
        let options = serde_json::from_value(options).map_err(|error| error.to_string())?;
        Provider::microsoft(options).map_err(|error| error.to_string())
    }

    #[test]
    fn defaults_are_those_of_the_facts() {
        let provider = provider(json!({"clientSecret": "s"})).unwrap();
        assert_eq!(
            serde_json::to_value(&provider).unwrap(),
            json!({
                "name": "Microsoft",
                "clientId": "id",
                "authorizationEndpoint": "https://login.microsoftonline.com/common/oauth2/v2.0/authorize",
                "tokenEndpoint": "https://login.microsoftonline.com/common/oauth2/v2.0/token",
                "deviceAuthorizationEndpoint": "https://login.microsoftonline.com/common/oauth2/v2.0/devicecode",
                "revocationEndpoint": null,
                "jwksUri": "https://login.microsoftonline.com/common/discovery/v2.0/keys",
                "issuer": "https://login.microsoftonline.com/{tenantid}/v2.0",
                "scopes": ["openid", "profile", "email", "offline_access",
                    "https://outlook.office.com/IMAP.AccessAsUser.All", "https://outlook.office.com/SMTP.Send"],
                "imap": {"host": "outlook.office365.com", "port": 993, "tls": "implicit"},
                "smtp": {"host": "smtp.office365.com", "port": 587, "tls": "starttls"},
            })
        );
        assert_eq!(provider.0.consent_scopes.last().unwrap(), "https://graph.microsoft.com/User.Read");
    }

    #[test]
    fn tenants_and_clouds() {
        let guid = "5F1C2A4E-86e1-4d0c-8a4f-1b9d3f7c2a00";
        for (options, issuer, smtp) in [
            (
                json!({"tenant": "consumers"}),
                format!("https://login.microsoftonline.com/{CONSUMERS_TENANT}/v2.0"),
                "smtp-mail.outlook.com",
            ),
            (
                json!({"tenant": guid}),
                format!("https://login.microsoftonline.com/{}/v2.0", guid.to_lowercase()),
                "smtp.office365.com",
            ),
            (
                json!({"tenant": "contoso.com"}),
                "https://login.microsoftonline.com/{tenantid}/v2.0".to_owned(),
                "smtp.office365.com",
            ),
            (
                json!({"cloud": "usgov"}),
                "https://login.microsoftonline.us/{tenantid}/v2.0".to_owned(),
                "smtp.office365.us",
            ),
            (
                json!({"cloud": "usgov-dod"}),
                "https://login.microsoftonline.us/{tenantid}/v2.0".to_owned(),
                "outlook-dod.office365.us",
            ),
            (
                json!({"cloud": "china"}),
                "https://login.partner.microsoftonline.cn/{tenantid}/v2.0".to_owned(),
                "partner.outlook.cn",
            ),
        ] {
            let provider = provider(options.clone()).unwrap();
            assert_eq!(provider.0.issuer.as_ref().unwrap().as_str(), issuer, "{options}");
            assert_eq!(provider.smtp().unwrap().host, smtp, "{options}");
        }
    }

    #[test]
    fn a_tenant_cannot_lead_elsewhere() {
        for tenant in [
            "",
            " ",
            "a/b",
            "..",
            "../x",
            "a?b",
            "a#b",
            "a@b",
            "a\\b",
            "a%2fb",
            "ä",
            "a b",
            "common\r\n",
            &"x".repeat(254),
        ] {
            assert!(provider(json!({"tenant": tenant})).is_err(), "{tenant:?}");
        }
    }

    #[test]
    fn a_bare_mail_permission_means_the_mail_resource() {
        let provider = provider(json!({"scopes": ["openid", "IMAP.AccessAsUser.All", "User.Read"]})).unwrap();
        assert_eq!(provider.scopes(), ["openid", "https://outlook.office.com/IMAP.AccessAsUser.All"]);
        assert_eq!(provider.0.consent_scopes.len(), 3, "consent still asks all of them");
    }

    #[test]
    fn what_cannot_work_is_refused() {
        for (options, why) in [
            (json!({"clientId": " id"}), "clientId"),
            (json!({"clientId": ""}), "clientId is empty"),
            (json!({"clientSecret": ""}), "clientSecret is empty"),
            (json!({"clientSecret": "s\n"}), "clientSecret"),
            (json!({"clientSecret": "s", "clientCertificate": {"privateKey": "k", "certificate": "c"}}), "not both"),
            (json!({"clientCertificate": {"privateKey": "k", "certificate": "c"}}), "clientCertificate.certificate"),
            (json!({"clientCertificate": {"privateKey": "k"}}), "certificate"),
            (json!({"cloud": "mars"}), "mars"),
            (json!({"scopes": []}), "scopes is empty"),
            (json!({"scopes": ["a b"]}), "scopes"),
            (
                json!({"endpoints": {"tokenEndpoint": "http://127.0.0.1/token"}}),
                "endpoints.tokenEndpoint must begin with https",
            ),
            (json!({"endpoints": {"issuer": "http://x/{tenantid}"}}), "endpoints.issuer must begin with https"),
        ] {
            let error = provider(options.clone()).unwrap_err();
            assert!(error.contains(why), "{options}: {error}");
        }
    }

    #[test]
    fn guids() {
        assert!(is_guid(CONSUMERS_TENANT) && is_guid("5F1C2A4E-86e1-4d0c-8a4f-1b9d3f7c2a00"));
        assert!(!is_guid("") && !is_guid("common") && !is_guid("5f1c2a4e86e14d0c8a4f1b9d3f7c2a00"));
        assert!(!is_guid("gf1c2a4e-86e1-4d0c-8a4f-1b9d3f7c2a00"));
    }
}
