//! Where the caller keeps its tokens: a database row that other processes read, too.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use email_base::{Code, Failure, Scrub, ServerReply, clock};
use serde::de::IgnoredAny;

use crate::error::Error;
use crate::tokens::TokenSet;

/// `load` and `save` are the caller's; one that never settles must not hold every mailbox for ever.
const STORE_TIMEOUT: Duration = Duration::from_secs(30);

/// Why a store failed.
pub type StoreError = Failure;

/// A future of [`TokenStore`]: boxed, because stores are chosen at run time.
pub type StoreFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// The caller's `load` and `save`; without either, the tokens live in this process only.
pub trait TokenStore: Send + Sync {
    /// What is stored now; another process may have renewed it. Asked before a refresh, and before a refresh is
    /// declared dead. `None` when the caller stores nothing.
    fn load(&self) -> StoreFuture<'_, Option<TokenSet>> {
        Box::pin(async { Ok(None) })
    }

    /// Keeps `next` in place of `previous`. Nobody gets `next` before this succeeds.
    fn save<'a>(&'a self, next: &'a TokenSet, previous: &'a TokenSet) -> StoreFuture<'a, ()> {
        let _ = (next, previous);
        Box::pin(async { Ok(()) })
    }
}

/// Keeps nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoStore;

impl TokenStore for NoStore {}

/// Waits for `work`, which is the store's `operation`, as long as it is worth it. Whatever its failure says is freed of
/// the tokens that it was given and may quote; the rest of it is kept.
pub(crate) async fn settled<T>(
    operation: &'static str,
    consequence: &'static str,
    work: StoreFuture<'_, T>,
    tokens: &Scrub,
) -> Result<T, Error> {
    let failure = match clock::timeout(STORE_TIMEOUT, work).await {
        Ok(Ok(value)) => return Ok(value),
        Ok(Err(failure)) => without(tokens, failure),
        Err(_) => Failure::new(Code::CallbackFailed, None, "it did not settle in time"),
    };
    Err(Error::Store { operation, consequence, failure: Box::new(failure) })
}

fn without(tokens: &Scrub, failure: StoreError) -> StoreError {
    let server = failure.server.map(|said| ServerReply {
        status: tokens.clean(&said.status),
        text: tokens.clean(&said.text),
        code: said.code.map(|code| tokens.clean(&code)),
        // A token with quotes or braces in it could have taken some of the JSON with it.
        details: said
            .details
            .map(|details| tokens.clean(&details))
            .filter(|details| serde_json::from_str::<IgnoredAny>(details).is_ok()),
    });
    StoreError { message: tokens.clean(&failure.message), server, ..failure }
}
