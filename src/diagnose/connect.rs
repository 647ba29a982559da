//! `imap-connect`, `smtp-connect`: name, address, route and port, up to the open connection; directly or by the proxy.

use email_base::{Call, Classify, Failure};
use email_net::{Connector, Endpoint, Security};

use super::advice;
use super::step::{Name, Running, Step};

pub async fn imap(endpoint: &Endpoint, connector: &Connector, call: &Call) -> Step {
    let running = Running::begin(Name::ImapConnect);
    ended(running, open(endpoint, connector, call).await.map_err(email_imap::Error::from))
}

pub async fn smtp(endpoint: &Endpoint, connector: &Connector, call: &Call) -> Step {
    let running = Running::begin(Name::SmtpConnect);
    ended(running, open(endpoint, connector, call).await.map_err(email_smtp::Error::from))
}

/// TLS is a step of its own.
async fn open(endpoint: &Endpoint, connector: &Connector, call: &Call) -> Result<(), email_net::Error> {
    let tls = if endpoint.tls == Security::None { Security::None } else { Security::StartTls };
    connector.connect(&Endpoint { tls, ..endpoint.clone() }, call).await.map(|_| ())
}

fn ended(running: Running, outcome: Result<(), impl Classify>) -> Step {
    match outcome {
        Ok(()) => running.ok(),
        Err(error) => {
            let failure = Failure::from(&error as &dyn Classify);
            let advice = advice::remedy(&failure);
            running.failed(failure, advice)
        }
    }
}
