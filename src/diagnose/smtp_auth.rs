//! `smtp-auth`: AUTH (RFC 4954), and good-bye. No MAIL, so nothing can be sent.

use email_base::{Call, Classify, Credentials, Failure};
use email_net::{Connector, Endpoint};
use email_smtp::{Client, Options};

use super::advice::Setting;
use super::smtp_tls::options;
use super::step::{Name, Running, Step};

pub async fn step(
    endpoint: &Endpoint,
    connector: &Connector,
    credentials: Credentials,
    setting: &Setting,
    call: &Call,
) -> Step {
    let running = Running::begin(Name::SmtpAuth);
    let options = Options { credentials: Some(credentials), ..options(endpoint, connector) };
    match Client::connect(options, call).await {
        Ok(client) => {
            let step = running.ok();
            let _ = call.run(client.close()).await;
            step
        }
        Err(error) => {
            let failure = Failure::from(&error as &dyn Classify);
            let advice = setting.advice(Name::SmtpAuth, &failure);
            running.failed(failure, advice)
        }
    }
}
