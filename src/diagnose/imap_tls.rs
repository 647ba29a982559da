//! `imap-tls`: TLS from the first byte or by STARTTLS, the certificate, and that it is IMAP that is spoken behind it.

use email_base::{Call, Classify, Failure};
use email_net::{Connector, Endpoint};

use super::advice;
use super::step::{Name, Running, Step};

pub async fn step(endpoint: &Endpoint, connector: &Connector, call: &Call) -> Step {
    let running = Running::begin(Name::ImapTls);
    match email_imap::reach(endpoint, connector, call).await {
        Ok(()) => running.ok(),
        Err(error) => {
            let failure = Failure::from(&error as &dyn Classify);
            let advice = advice::remedy(&failure);
            running.failed(failure, advice)
        }
    }
}
