//! `app-credentials`: tenant, client id and secret, without any user. Which question is asked is the OAuth crate's to
//! know (`email_oauth::Client::prove`).

use email_base::Call;
use email_net::Connector;
use email_oauth::{Client, Credentials, Error, Provider};

use super::step::{Name, Running, Step};
use super::token::from_oauth;

/// Said where the provider does not tell before a user is there.
const UNTOLD: &str = "The provider knows nothing against the app, but does not tell whether its secret is right before a user links a mailbox.";

pub async fn step(provider: &Provider, connector: &Connector, call: &Call) -> Step {
    let running = Running::begin(Name::AppCredentials);
    match prove(provider, connector, call).await {
        Ok(Credentials::Accepted) => running.ok(),
        Ok(Credentials::Untold) => running.ok_but(UNTOLD.to_owned()),
        Err(error) => {
            let (failure, advice) = from_oauth(&error);
            running.failed(failure, advice)
        }
    }
}

async fn prove(provider: &Provider, connector: &Connector, call: &Call) -> Result<Credentials, Error> {
    Client::new(provider.clone(), connector)?.prove(call).await
}
