//! Revocation (RFC 7009), where the provider has it.

use email_base::{Call, Secret};
use oauth2::{RefreshToken, StandardRevocableToken};

use crate::client::{Client, flow_error};
use crate::endpoint::Endpoint;
use crate::error::Error;
use crate::refresh::check_token;

impl Client {
    /// Ends the grant of `token`, which should be the refresh token: access tokens then end with it or by themselves.
    pub async fn revoke(&self, token: &Secret, call: &Call) -> Result<(), Error> {
        check_token("token", token)?;
        let scrub = self.scrub([token.expose().as_str()]);
        let held = StandardRevocableToken::from(RefreshToken::new(token.expose().clone()));
        let request = self.flows().revoke_token(held).map_err(|_| {
            Error::Unsupported(format!(
                "{} has no revocation endpoint: the user or an administrator removes the app's access instead",
                self.provider().name()
            ))
        })?;
        self.within(call, async {
            let http = self.web(Endpoint::Revocation, scrub);
            match request.request_async(&http).await.map_err(|error| flow_error(Endpoint::Revocation, error)) {
                // RFC 7009 §2.2: the token is dead, which is what was asked. Google says so by an error.
                Err(Error::Refused(refusal)) if refusal.error() == "invalid_token" => Ok(()),
                other => other,
            }
        })
        .await
    }
}
