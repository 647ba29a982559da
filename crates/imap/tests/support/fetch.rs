//! What tests of `fetch` have in common.

use email_imap::types::FetchedMessage;
use email_imap::{Error, Pages};

pub async fn all(mut pages: Pages) -> (Vec<FetchedMessage>, Option<Error>) {
    let mut messages = Vec::new();
    loop {
        match pages.next().await {
            Some(Ok(page)) => {
                assert!(!page.is_empty());
                messages.extend(page);
            }
            Some(Err(error)) => {
                assert!(pages.next().await.is_none(), "an error is the last");
                return (messages, Some(error));
            }
            None => return (messages, None),
        }
    }
}

pub fn numbers(messages: &[FetchedMessage]) -> Vec<u32> {
    messages.iter().map(|m| m.uid).collect()
}
