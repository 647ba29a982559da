//! `token-scopes`: do the scopes and the resource, as the token *response* named them, open a mailbox? A plain string or a
//! function tells none, so there the step is left out; the access token itself is opaque.

use email_oauth::{MailUse, TokenSource};

use super::step::{Name, Running, Step};
use super::token::from_oauth;

pub fn step(source: &TokenSource, imap: bool, smtp: bool) -> Step {
    let running = Running::begin(Name::TokenScopes);
    let granted = source.token_set().scopes;
    // Without a server to try, both are what a mailbox is linked for.
    let both = imap == smtp;
    let wanted = [(MailUse::Imap, imap || both), (MailUse::Smtp, smtp || both)];
    let fault = wanted
        .into_iter()
        .filter(|(_, wanted)| *wanted)
        .find_map(|(mail_use, _)| source.provider().check_mail_scopes(&granted, mail_use).err());
    match fault {
        None => running.ok(),
        Some(error) => {
            let (failure, advice) = from_oauth(&error);
            running.failed(failure, advice)
        }
    }
}
