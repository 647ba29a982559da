//! Where the caller keeps its tokens: a database row that other processes read, too.

use std::future::Future;
use std::pin::Pin;

use email_base::Failure;

use crate::tokens::TokenSet;

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
