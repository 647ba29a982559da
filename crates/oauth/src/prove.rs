//! Are the app's credentials good? Asked without any user, for a set-up page (RFC 6749 §2.3, §5.2).
//!
//! ```text
//! Microsoft   client_credentials for Graph's `.default` ──┬─ a token, or no right to one ─▶ accepted
//! with proof  (checked first: tenant, app, secret)        ├─ its own refusal ────────────▶ the error
//!                                                         └─ cannot be asked here ───────┐
//! others      a refresh token that is none ◀──────────────────────────────────────────────┘
//!                 ├─ invalid_grant (§5.2: the client was authenticated before) ─▶ accepted
//!                 └─ any other refusal ────────────────────────────────────────▶ the error
//! ```
//!
//! The first probe is the more truthful one at Microsoft, which may call a refresh token malformed before it looks at
//! the secret; the second is all that Google and most others have. Neither changes anything: a token that comes is dropped.

use email_base::{Call, Code, Secret};
use oauth2::Scope;

use crate::client::Client;
use crate::endpoint::Endpoint;
use crate::error::Error;
use crate::patience::Patience;
use crate::provider::{Dialect, Proof};
use crate::refusal::Refusal;

/// No provider has issued it.
const NO_TOKEN: &str = "this-is-no-refresh-token";

/// The app is disabled in the tenant: credentials that nobody may use.
const DISABLED: u32 = 7_000_112;
/// "The grant type is not supported over the /common or /consumers endpoints."
const NOT_OF_A_TENANT: u32 = 9_001_023;
/// "Request is malformed or invalid": said of a grant by its form alone, whoever sent it.
const MALFORMED: &[u32] = &[9_002_313, 90_023];

/// What a provider told of the app's credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Credentials {
    /// It knows the app and took its proof.
    Accepted,
    /// It told neither: only a user's sign-in will.
    Untold,
}

impl Client {
    /// Asks the token endpoint whether tenant, client id and secret (or certificate) are good.
    ///
    /// # Errors
    /// The provider's refusal, or why it could not be asked.
    pub async fn prove(&self, call: &Call) -> Result<Credentials, Error> {
        let provider = &self.provider().0;
        self.within(call, async {
            if let (Dialect::Microsoft(tenancy), false) = (&provider.dialect, matches!(provider.proof, Proof::Nothing))
                && let Some(told) = told_as_app(self.as_app(&tenancy.any_app_scope).await)?
            {
                return Ok(told);
            }
            let scopes = self.renewal_scopes(&[]);
            told_by_grant(self.renew(&Secret::from(NO_TOKEN), &scopes, Patience::None).await, &provider.dialect)
        })
        .await
    }

    async fn as_app(&self, scope: &str) -> Result<(), Error> {
        let http = self.web(Endpoint::Token, self.scrub([]));
        let request = self.flows().exchange_client_credentials().add_scope(Scope::new(scope.to_owned()));
        let scopes = [scope.to_owned()];
        self.tokens(request.request_async(&http).await, &scopes).map(|_| ())
    }
}

/// What the answer to `client_credentials` proves; `None`: nothing.
fn told_as_app(answer: Result<(), Error>) -> Result<Option<Credentials>, Error> {
    let refusal = match answer {
        Ok(()) => return Ok(Some(Credentials::Accepted)),
        Err(Error::Refused(refusal)) => refusal,
        Err(other) => return Err(other),
    };
    match refusal.code() {
        _ if refusal.numbers().contains(&DISABLED) => Err(Error::Refused(refusal)),
        _ if refusal.numbers().contains(&NOT_OF_A_TENANT) => Ok(None),
        // What an app may or may not is looked at when it is known which app it is.
        Code::AdminConsentRequired | Code::BlockedByPolicy => Ok(Some(Credentials::Accepted)),
        Code::ClientRejected | Code::RateLimited | Code::ServerUnavailable => Err(Error::Refused(refusal)),
        Code::OAuthConfig if !matches!(refusal.error(), "unauthorized_client" | "unsupported_grant_type") => {
            Err(Error::Refused(refusal))
        }
        _ => Ok(None),
    }
}

/// What the answer to a refresh token that is none proves.
fn told_by_grant<T>(answer: Result<T, Error>, dialect: &Dialect) -> Result<Credentials, Error> {
    let refusal = match answer {
        Ok(_) => return Ok(Credentials::Accepted),
        Err(Error::Refused(refusal)) => refusal,
        Err(other) => return Err(other),
    };
    match refusal.code() {
        _ if refusal.numbers().iter().any(|number| MALFORMED.contains(number)) => Ok(Credentials::Untold),
        Code::InvalidGrant
        | Code::InteractionRequired
        | Code::AuthorizationDenied
        | Code::AdminConsentRequired
        | Code::BlockedByPolicy => Ok(Credentials::Accepted),
        Code::InvalidScope | Code::CommandRejected => Ok(Credentials::Untold),
        Code::OAuthConfig if *dialect == Dialect::Generic && is_about_the_grant(&refusal) => Ok(Credentials::Untold),
        _ => Err(Error::Refused(refusal)),
    }
}

/// Refresh tokens are not for every app; 401 is about the app itself (RFC 6749 §5.2), whatever the word.
fn is_about_the_grant(refusal: &Refusal) -> bool {
    refusal.status() != Some(401)
        && matches!(refusal.error(), "unauthorized_client" | "unsupported_grant_type" | "invalid_request")
}

#[cfg(test)]
mod tests {
    use email_base::Scrub;
    use serde_json::{Value, json};

    use super::*;

    fn refused(status: u16, error: &str, number: u32) -> Error {
        let mut body = json!({"error": error});
        if number > 0 {
            body["error_codes"] = json!([number]);
        }
        let Value::Object(body) = body else { panic!("no object") };
        Refusal::from_json(Endpoint::Token, status, &body, &Scrub::default()).unwrap().into()
    }

    #[test]
    fn what_entra_says_to_an_app() {
        let accepted = Some(Some(Credentials::Accepted));
        for (error, number, told) in [
            ("invalid_client", 7_000_215, None),
            ("invalid_client", 7_000_222, None),
            ("unauthorized_client", 700_016, None),
            ("invalid_request", 90_002, None),
            ("invalid_request", 50_194, None),
            ("unauthorized_client", 7_000_112, None),
            ("access_denied", 53_003, accepted),
            ("invalid_grant", 500_011, accepted),
            ("invalid_request", 9_001_023, Some(None)),
            ("unauthorized_client", 0, Some(None)),
            ("invalid_scope", 70_011, Some(None)),
        ] {
            assert_eq!(told_as_app(Err(refused(400, error, number))).ok(), told, "{error} {number}");
        }
    }

    #[test]
    fn what_a_grant_that_is_none_tells() {
        use Credentials::{Accepted, Untold};
        let generic = |status, error| told_by_grant::<()>(Err(refused(status, error, 0)), &Dialect::Generic).ok();
        assert_eq!(generic(400, "invalid_grant"), Some(Accepted));
        assert_eq!(generic(401, "invalid_client"), None);
        assert_eq!(generic(401, "unauthorized_client"), None, "Keycloak's word for a wrong secret");
        assert_eq!(generic(400, "unauthorized_client"), Some(Untold));
        assert_eq!(generic(400, "unsupported_grant_type"), Some(Untold));
        assert_eq!(generic(503, "temporarily_unavailable"), None);
        let google = |status, error| told_by_grant::<()>(Err(refused(status, error, 0)), &Dialect::Google).ok();
        assert_eq!(google(400, "invalid_grant"), Some(Accepted));
        assert_eq!(google(400, "invalid_request"), None, "the secret is missing");
        // By its form alone: Entra has not looked at the secret.
        assert_eq!(
            told_by_grant::<()>(Err(refused(400, "invalid_grant", 9_002_313)), &Dialect::Generic).ok(),
            Some(Untold)
        );
    }
}
