//! Is there an IMAP server, and does its TLS hold? Nobody logs in: for a set-up page, before any credentials are there.

use std::time::Duration;

use email_base::{Call, Scrub, clock};
use email_net::{Connector, Endpoint};

use super::login::{LOGIN_TIMEOUT, Stage, secured};
use crate::error::{Error, Result};
use crate::tap::Limits;

/// A server that does not say good-bye in that time is left without one.
const FAREWELL: Duration = Duration::from_millis(500);

/// Connects, encrypts, reads the greeting and the capabilities, and says good-bye (RFC 9051 §6.1).
///
/// # Errors
/// Whatever would keep a client from getting as far as its login.
pub async fn reach(endpoint: &Endpoint, connector: &Connector, call: &Call) -> Result<()> {
    call.run(async {
        let stream = connector.connect(endpoint, call).await?;
        let mut stage = clock::timeout(LOGIN_TIMEOUT, async {
            let (stream, greeted) = secured(stream, endpoint, connector, &Scrub::default(), call).await?;
            Stage::greeted(stream, Limits::default(), greeted, Scrub::default()).await
        })
        .await
        .map_err(|_| Error::Silent { during: "greeting", waited: LOGIN_TIMEOUT })??;
        let _ = clock::timeout(FAREWELL, stage.leave()).await;
        Ok(())
    })
    .await?
}
