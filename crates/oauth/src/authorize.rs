//! The way to the provider's page (RFC 6749 §4.1.1, RFC 7636 §4, OIDC Core §3.1.2.1): PKCE S256, state and nonce always.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use email_base::Secret;
use oauth2::{CsrfToken, PkceCodeChallenge, RedirectUrl, Scope};
use serde::{Deserialize, Serialize};
use url::{Host, Url};

use crate::client::Client;
use crate::error::Error;
use crate::iso::IsoTime;
use crate::provider::Dialect;

/// 256 bits: state and nonce cannot be guessed.
const RANDOM_BYTES: u32 = 32;
/// No address, hint or claims challenge is longer; browsers and servers cut URLs off at some 8 KB.
const MAX_PARAMETER: usize = 4096;
/// Likewise for their number.
const MAX_EXTRA: usize = 32;

/// What this addon sets itself: another value would break the protocol or its protection.
const RESERVED: &[&str] = &[
    "client_assertion",
    "client_assertion_type",
    "client_id",
    "client_secret",
    "code_challenge",
    "code_challenge_method",
    "nonce",
    "redirect_uri",
    "request",
    "request_uri",
    "response_mode",
    "response_type",
    "scope",
    "state",
];

/// What `authorizationUrl` takes.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuthorizationOptions {
    /// `https:`, or `http:` to this machine. Must be registered at the provider, character for character.
    pub redirect_uri: String,
    /// Whose account to offer first.
    #[serde(default)]
    pub login_hint: Option<String>,
    /// What to ask the user.
    #[serde(default)]
    pub prompt: Option<Prompt>,
    /// Further parameters: `domain_hint`, `claims`, `access_type` …
    #[serde(default)]
    pub extra: Option<BTreeMap<String, String>>,
}

/// OIDC Core §3.1.2.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Prompt {
    /// No page: an error where one would be needed.
    None,
    /// Sign in again.
    Login,
    /// Consent again.
    Consent,
    /// Choose the account.
    SelectAccount,
}

impl Prompt {
    fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Login => "login",
            Self::Consent => "consent",
            Self::SelectAccount => "select_account",
        }
    }
}

/// Everything that must be kept, server side and with the user's session, between the redirect and the callback.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PendingAuthorization {
    /// Where to send the browser.
    pub url: String,
    /// Comes back in the callback.
    #[serde(serialize_with = "clear_text")]
    pub state: Secret,
    /// PKCE's secret: never to the browser.
    #[serde(serialize_with = "clear_text")]
    pub code_verifier: Secret,
    /// Comes back in the id_token.
    #[serde(serialize_with = "clear_text")]
    pub nonce: Secret,
    /// As it was asked.
    pub redirect_uri: String,
    /// When.
    pub created_at: IsoTime,
}

impl Client {
    /// A new authorization. Nothing is sent: the browser does that.
    pub fn authorization_url(&self, options: &AuthorizationOptions) -> Result<PendingAuthorization, Error> {
        let redirect_url = redirect_url(&options.redirect_uri)?;
        let provider = &self.provider().0;
        let parameters = parameters(options, &provider.dialect)?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let nonce = CsrfToken::new_random_len(RANDOM_BYTES);
        let scopes = provider.consent_scopes.iter().map(|scope| Scope::new(scope.clone()));
        let mut request = self
            .flows()
            .authorize_url(|| CsrfToken::new_random_len(RANDOM_BYTES))
            .set_redirect_uri(Cow::Owned(redirect_url))
            .set_pkce_challenge(challenge)
            .add_scopes(scopes)
            .add_extra_param("nonce", nonce.secret().clone());
        for (name, value) in parameters {
            request = request.add_extra_param(name, value);
        }
        let (url, state) = request.url();
        Ok(PendingAuthorization {
            url: url.into(),
            state: Secret::new(state.into_secret()),
            code_verifier: Secret::new(verifier.into_secret()),
            nonce: Secret::new(nonce.into_secret()),
            redirect_uri: options.redirect_uri.clone(),
            created_at: IsoTime::now(),
        })
    }
}

/// Checks a redirect URI and keeps its very spelling, which the provider compares (RFC 9700 §4.1.3).
pub(crate) fn redirect_url(value: &str) -> Result<RedirectUrl, Error> {
    let refuse = |why: &str| Err(Error::argument(format!("redirectUri {why}")));
    // The parser would drop some of these in silence.
    if value.is_empty() || value.len() > MAX_PARAMETER || value.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return refuse("is empty, far too long, or holds white space or control characters");
    }
    let Ok(url) = Url::parse(value) else { return refuse("is not an absolute URL") };
    let loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    };
    if url.scheme() != "https" && !(url.scheme() == "http" && loopback) {
        return refuse("must begin with https:// (http:// only for this machine)");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return refuse("must not hold a user or password");
    }
    if url.fragment().is_some() {
        return refuse("must not hold a #fragment");
    }
    RedirectUrl::new(value.to_owned()).map_err(|_| Error::argument("redirectUri is not an absolute URL"))
}

/// Everything beyond the protocol's own: hints, prompt, what the provider needs for a refresh token, and `extra`.
fn parameters(options: &AuthorizationOptions, dialect: &Dialect) -> Result<BTreeMap<String, String>, Error> {
    let mut parameters = BTreeMap::new();
    if *dialect == Dialect::Google {
        // Google gives a refresh token only offline, and with the first consent only.
        parameters.insert("access_type".to_owned(), "offline".to_owned());
        parameters.insert("prompt".to_owned(), Prompt::Consent.as_str().to_owned());
    }
    let extra = options.extra.as_ref().map_or(0, BTreeMap::len);
    if extra > MAX_EXTRA {
        return Err(Error::argument(format!("extra has more than {MAX_EXTRA} entries")));
    }
    for (name, value) in options.extra.iter().flatten() {
        check_extra(name, value)?;
        parameters.insert(name.clone(), value.clone());
    }
    if let Some(prompt) = options.prompt {
        parameters.insert("prompt".to_owned(), prompt.as_str().to_owned());
    }
    if let Some(hint) = &options.login_hint {
        if hint.is_empty() || hint.len() > MAX_PARAMETER || hint.chars().any(char::is_control) {
            return Err(Error::argument("loginHint is empty, far too long, or holds control characters"));
        }
        parameters.insert("login_hint".to_owned(), hint.clone());
    }
    Ok(parameters)
}

fn check_extra(name: &str, value: &str) -> Result<(), Error> {
    if name.is_empty() || name.len() > MAX_PARAMETER || !name.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(Error::argument("extra has a name that is empty, far too long or not plain ASCII"));
    }
    if RESERVED.contains(&name) {
        return Err(Error::argument(format!("extra.{name} is set by the addon itself")));
    }
    if matches!(name, "prompt" | "login_hint") {
        return Err(Error::argument(format!("extra.{name}: use the option of that name")));
    }
    if value.len() > MAX_PARAMETER || value.chars().any(char::is_control) {
        return Err(Error::argument(format!("extra.{name} is far too long or holds control characters")));
    }
    Ok(())
}

fn clear_text<S: serde::Serializer>(secret: &Secret, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.expose())
}

impl fmt::Debug for PendingAuthorization {
    /// The URL holds state and nonce.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingAuthorization")
            .field("redirect_uri", &self.redirect_uri)
            .field("created_at", &self.created_at)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirect_uris() {
        for good in [
            "https://crm.example/admin/settings/mail/oauth2",
            "https://crm.example/cb?tenant=1",
            "http://localhost:13000/cb",
            "http://127.0.0.1/cb",
            "http://[::1]:8080/cb",
        ] {
            assert_eq!(redirect_url(good).unwrap().as_str(), good);
        }
        for bad in [
            "",
            "cb",
            "/cb",
            "http://crm.example/cb",
            "http://192.168.0.1/cb",
            "http://127.0.0.1.evil.example/cb",
            "http://localhost.evil.example/cb",
            "https://user@crm.example/cb",
            "https://crm.example/cb#x",
            "https://crm.example/c b",
            "https://crm.example/cb\n",
            "https://crm.exa\tmple/cb",
            "javascript:alert(1)",
            "data:text/html,x",
            "urn:ietf:wg:oauth:2.0:oob",
            &format!("https://crm.example/{}", "x".repeat(MAX_PARAMETER)),
        ] {
            assert!(redirect_url(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn extra_never_overrides_the_protocol() {
        for name in RESERVED.iter().chain(&["prompt", "login_hint", "", "a b", "é", "a\r\nb"]) {
            assert!(check_extra(name, "x").is_err(), "{name:?}");
        }
        assert!(check_extra("claims", "{\"access_token\":{}}").is_ok());
        assert!(check_extra("claims", "a\r\nb").is_err());
        assert!(check_extra("claims", &"x".repeat(MAX_PARAMETER + 1)).is_err());
    }
}
