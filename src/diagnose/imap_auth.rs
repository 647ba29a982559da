//! `imap-auth`: AUTHENTICATE or LOGIN. What a server says after it ("User is authenticated but not connected") is a matter of
//! the mailbox, and so is the next step's.

use email_base::{Call, Classify, Code, Credentials, Failure};
use email_imap::{Client, Options};
use email_net::{Connector, Endpoint};

use super::advice::Setting;
use super::imap_mailbox;
use super::step::{Name, Running, Step};

/// `imap-auth`, and `imap-mailbox` if that went well.
pub async fn steps(
    endpoint: &Endpoint,
    connector: &Connector,
    credentials: Credentials,
    setting: &Setting,
    call: &Call,
) -> Vec<Step> {
    let options = Options::new(endpoint.clone(), connector.clone(), credentials);
    let running = Running::begin(Name::ImapAuth);
    match Client::connect(options.clone(), call).await {
        Ok(client) => {
            let auth = running.ok();
            vec![auth, imap_mailbox::step(Ok(client), &options, setting, call).await]
        }
        Err(error) if error.code() == Code::MailboxUnavailable => {
            let auth = running.ok();
            vec![auth, imap_mailbox::step(Err(error), &options, setting, call).await]
        }
        Err(error) => {
            let failure = Failure::from(&error as &dyn Classify);
            let advice = setting.advice(Name::ImapAuth, &failure);
            vec![running.failed(failure, advice)]
        }
    }
}
