//! `token`: is there an access token to sign in with? A source renews it if it is due, a function is called, a string is
//! what it is.

use email_base::{AccessTokens, Call, Classify, Failure, TokenError};
use email_oauth::{Error, TokenSource};

use super::advice;
use super::step::{Name, Running, Step};
use crate::call::interrupted;

pub async fn step(source: Option<&TokenSource>, tokens: &dyn AccessTokens, call: &Call) -> Step {
    let running = Running::begin(Name::Token);
    let failed = match source {
        Some(source) => source.access_token(call).await.err().map(|error| from_oauth(&error)),
        None => match call.run(tokens.current()).await {
            Ok(answer) => answer.err().map(|error: TokenError| advised(Failure::from(&*error as &dyn Classify))),
            Err(why) => Some(advised(interrupted(why, None))),
        },
    };
    match failed {
        None => running.ok(),
        Some((failure, advice)) => running.failed(failure, advice),
    }
}

/// The OAuth crate's own advice names the portal's page; the table's remedy is for the rest.
pub fn from_oauth(error: &Error) -> (Failure, String) {
    let failure = Failure::from(error as &dyn Classify);
    match error.advice() {
        Some(advice) => (failure, advice.to_owned()),
        None => advised(failure),
    }
}

fn advised(failure: Failure) -> (Failure, String) {
    let advice = advice::remedy(&failure);
    (failure, advice)
}
