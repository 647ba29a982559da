//! Name and addresses of the signed-in user: Graph `/me` by `User.Read`, or OIDC userinfo (OIDC Core §5.3).

use email_base::{Call, Secret};
use serde::Serialize;
use serde_json::{Map, Value};
use url::Url;

use crate::client::Client;
use crate::endpoint::Endpoint;
use crate::error::Error;
use crate::http::broken;
use crate::identity::{is_address, shown};
use crate::patience::Patience;
use crate::provider::Dialect;
use crate::refresh::check_token;
use crate::scopes;
use crate::tokens::TokenSet;

/// Graph gives `proxyAddresses` only when they are selected.
const SELECT: &str = "id,displayName,mail,userPrincipalName,proxyAddresses";
/// Exchange allows some hundred; nobody shows more.
const MAX_ALIASES: usize = 500;

/// The contract's `Profile`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Profile {
    /// Graph's object id, or `sub`.
    pub id: String,
    /// For display.
    pub display_name: Option<String>,
    /// The primary address; an account without a mailbox often has none.
    pub mail: Option<String>,
    /// Microsoft's login name.
    pub user_principal_name: Option<String>,
    /// Further addresses that reach the mailbox, lower case, without `mail`.
    pub aliases: Vec<String>,
}

/// A profile, and the renewed grant.
#[derive(Debug, Clone, Serialize)]
pub struct Profiled {
    /// Who it is.
    pub profile: Profile,
    /// Of the profile's resource: its access token does not work for mail, but its refresh token replaces the held one.
    pub tokens: TokenSet,
}

impl Client {
    /// Redeems `refresh_token` for the profile's own resource and reads the profile.
    pub async fn profile(&self, refresh_token: &Secret, call: &Call) -> Result<Profiled, Error> {
        check_token("refreshToken", refresh_token)?;
        let provider = &self.provider().0;
        let endpoint = provider
            .profile_endpoint
            .as_ref()
            .ok_or_else(|| Error::Unsupported(format!("{} has no profile endpoint", provider.name)))?;
        self.within(call, async {
            let scopes = match &provider.dialect {
                Dialect::Microsoft(tenancy) => {
                    let oidc = scopes::oidc_of(&provider.scopes).cloned();
                    oidc.chain([tenancy.profile_scope.clone()]).collect()
                }
                Dialect::Google | Dialect::Generic => Vec::new(),
            };
            let tokens = self.renew(refresh_token, &scopes, Patience::of(call)).await?;
            let profile = match &provider.dialect {
                Dialect::Microsoft(_) => graph_profile(&self.me(endpoint, &tokens).await?),
                Dialect::Google | Dialect::Generic => userinfo_profile(&self.read(endpoint, &tokens).await?),
            };
            let profile = profile.ok_or_else(|| broken(Endpoint::Profile, 200, "it has no id"))?;
            Ok(Profiled { profile, tokens })
        })
        .await
    }

    /// Graph `/me` with the addresses; without them where they cannot be selected (personal accounts).
    async fn me(&self, endpoint: &Url, tokens: &TokenSet) -> Result<Map<String, Value>, Error> {
        let mut selected = endpoint.clone();
        selected.query_pairs_mut().append_pair("$select", SELECT);
        match self.read(&selected, tokens).await {
            Err(Error::Refused(refusal)) if refusal.status() == Some(400) => self.read(endpoint, tokens).await,
            other => other,
        }
    }

    async fn read(&self, url: &Url, tokens: &TokenSet) -> Result<Map<String, Value>, Error> {
        let answer = self.http().get(Endpoint::Profile, url, Some(&tokens.access_token)).await?;
        answer.object(&self.scrub(tokens.secrets()))
    }
}

fn graph_profile(me: &Map<String, Value>) -> Option<Profile> {
    let mail = address(me, "mail");
    let proxies = me.get("proxyAddresses").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let mut aliases: Vec<String> = Vec::new();
    for proxy in proxies {
        // `SMTP:` is the primary one, `smtp:` an alias; X500, SIP and others are no mail addresses.
        let Some(alias) = proxy.split_once(':').filter(|(kind, _)| kind.eq_ignore_ascii_case("smtp")) else { continue };
        let alias = alias.1.to_ascii_lowercase();
        let known = mail.as_deref().is_some_and(|mail| mail.eq_ignore_ascii_case(&alias)) || aliases.contains(&alias);
        if !known && is_address(&alias) && aliases.len() < MAX_ALIASES {
            aliases.push(alias);
        }
    }
    Some(Profile {
        id: text(me, "id")?,
        display_name: text(me, "displayName"),
        mail,
        user_principal_name: text(me, "userPrincipalName"),
        aliases,
    })
}

fn userinfo_profile(info: &Map<String, Value>) -> Option<Profile> {
    Some(Profile {
        id: text(info, "sub")?,
        display_name: text(info, "name"),
        mail: address(info, "email"),
        user_principal_name: None,
        aliases: Vec::new(),
    })
}

fn text(object: &Map<String, Value>, name: &str) -> Option<String> {
    object.get(name).and_then(Value::as_str).map(shown).filter(|text| !text.is_empty())
}

fn address(object: &Map<String, Value>, name: &str) -> Option<String> {
    object.get(name).and_then(Value::as_str).filter(|text| is_address(text)).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn graph(value: Value) -> Option<Profile> {
        graph_profile(value.as_object().unwrap())
    }

    #[test]
    fn aliases_are_the_other_mail_addresses() {
        let profile = graph(json!({
            "id": "1", "displayName": "Ada", "mail": "Ada@example.com", "userPrincipalName": "ada@example.com",
            "proxyAddresses": ["SMTP:ada@example.com", "smtp:lovelace@example.com", "smtp:LOVELACE@example.com",
                "X500:/o=x", "sip:ada@example.com", "smtp:not an address", 7],
        }));
        let profile = profile.unwrap();
        assert_eq!(
            (profile.mail.as_deref(), profile.aliases),
            (Some("Ada@example.com"), vec!["lovelace@example.com".to_owned()])
        );
    }

    #[test]
    fn wrong_types_are_nothing_and_no_id_is_no_profile() {
        let profile = graph(json!({"id": "1", "displayName": [], "mail": 5, "proxyAddresses": "x"})).unwrap();
        assert_eq!((profile.display_name, profile.mail, profile.aliases.len()), (None, None, 0));
        assert_eq!(graph(json!({"id": 1})), None);
        assert_eq!(userinfo_profile(json!({"email": "a@b"}).as_object().unwrap()), None);
    }
}
