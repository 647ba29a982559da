//! `smtp-tls`: TLS from the first byte or by STARTTLS, the certificate, and that it is SMTP that is spoken behind it.

use email_base::{Call, Classify, Failure};
use email_net::{Connector, Endpoint};
use email_smtp::{Client, Options, PoolOptions};

use super::advice;
use super::step::{Name, Running, Step};

pub async fn step(endpoint: &Endpoint, connector: &Connector, call: &Call) -> Step {
    let running = Running::begin(Name::SmtpTls);
    match Client::connect(options(endpoint, connector), call).await {
        Ok(client) => {
            let step = running.ok();
            let _ = call.run(client.close()).await;
            step
        }
        Err(error) => {
            let failure = Failure::from(&error as &dyn Classify);
            let advice = advice::remedy(&failure);
            running.failed(failure, advice)
        }
    }
}

/// Without credentials: as far as EHLO.
pub fn options(endpoint: &Endpoint, connector: &Connector) -> Options {
    Options {
        endpoint: endpoint.clone(),
        connector: connector.clone(),
        credentials: None,
        name: None,
        pool: PoolOptions::default(),
        rate_limit: None,
        chunking: email_smtp::Chunking::Off,
    }
}
