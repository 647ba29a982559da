//! `imap-mailbox`: does INBOX open? By EXAMINE (RFC 9051 §6.3.3), which changes nothing.
//!
//! "User is authenticated but not connected" has at least six causes, and one of them, too many connections, passes by
//! itself. Only time tells them apart: so it is tried again, each time after twice the pause.
//!
//! ```text
//! attempt ──▶ opened: ok, with a word on what passed
//!    ▲   └──▶ not connected ─▶ pause ½ s, 1, 2, 4, 8 ─┐   no time or no pause left: MAILBOX_UNAVAILABLE, for good
//!    └────────────────────────────────────────────────┘
//! ```

use std::time::Duration;

use email_base::{Call, Classify, Code, Failure, clock};
use email_imap::types::FetchQuery;
use email_imap::{Client, Error, MailboxOptions, Options};

use super::advice::Setting;
use super::step::{Name, Running, Step};

/// Enough for a burst of connections to drain; a mailbox that stays away for 15 s is not there.
const PAUSES: [Duration; 5] = [
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
];
/// Left of the deadline for the answer itself.
const RESERVE: Duration = Duration::from_millis(250);

/// `first` is how the login of `imap-auth` ended.
pub async fn step(first: Result<Client, Error>, options: &Options, setting: &Setting, call: &Call) -> Step {
    let running = Running::begin(Name::ImapMailbox);
    let mut outcome = opened(first, call).await;
    let mut attempts = 1;
    for pause in PAUSES {
        let Err(error) = &outcome else { break };
        let may_pass = error.code() == Code::MailboxUnavailable && error.retryable();
        // Another attempt takes about as long as the ones before.
        let needed = pause.saturating_add(running.elapsed()).saturating_add(RESERVE);
        if !may_pass || call.remaining().is_some_and(|left| left < needed) {
            break;
        }
        if call.run(clock::sleep(pause)).await.is_err() {
            break;
        }
        outcome = opened(Client::connect(options.clone(), call).await, call).await;
        attempts += 1;
    }
    match outcome {
        Ok(()) if attempts == 1 => running.ok(),
        Ok(()) => {
            let note = format!(
                "It opened at attempt {attempts} only: too many or too frequent connections to this mailbox; use one client for each mailbox and let it live."
            );
            running.ok_but(note)
        }
        Err(error) => {
            let mut failure = Failure::from(&error as &dyn Classify);
            if failure.code == Code::MailboxUnavailable && attempts > 1 {
                failure.retryable = false;
                failure.message = format!("{} ({attempts} attempts)", failure.message);
            }
            let advice = setting.advice(Name::ImapMailbox, &failure);
            running.failed(failure, advice)
        }
    }
}

async fn opened(client: Result<Client, Error>, call: &Call) -> Result<(), Error> {
    let client = client?;
    // EXAMINE, and the flags of one message, which may or may not be there.
    let query = FetchQuery { flags: true, ..FetchQuery::default() };
    let found = client.fetch_one("INBOX", 1, query, MailboxOptions::default(), call).await;
    let _ = client.logout(call).await;
    found.map(|_| ())
}
