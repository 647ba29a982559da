//! What IMAP and SMTP know of OAuth: a token to present, and somebody to tell when it was refused.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::{Classify, Secret, Timestamp};

/// Why no token could be had. Boxed, so that the floor above keeps its own error type.
pub type TokenError = Arc<dyn Classify + Send + Sync>;

/// A future of this trait: boxed, because sources are chosen at run time.
pub type TokenFuture<'a> = Pin<Box<dyn Future<Output = Result<Secret, TokenError>> + Send + 'a>>;

/// A source of OAuth 2.0 access tokens (RFC 6749 §1.4).
///
/// Implemented by the OAuth crate's token source, by a JavaScript callback and by [`FixedToken`].
pub trait AccessTokens: Send + Sync {
    /// A token that is good now; refreshed when needed.
    fn current(&self) -> TokenFuture<'_>;

    /// The server refused `token`. Answers a *different* one if there is any; otherwise the error to report.
    /// `None` means: nothing newer can be had from this source, report the server's own refusal.
    fn refused<'a>(
        &'a self,
        token: &'a Secret,
    ) -> Pin<Box<dyn Future<Output = Result<Option<Secret>, TokenError>> + Send + 'a>>;

    /// When `token` ends, so that a session may sign in anew before its server ends it. Ask when the token is handed
    /// out: a source knows the end of the one it holds, not of past ones. `None` when nobody knows: a fixed token, a
    /// function of the caller's, a token that has been replaced.
    fn expires_at(&self, token: &Secret) -> Option<Timestamp> {
        let _ = token;
        None
    }
}

/// One token that cannot be renewed.
#[derive(Debug, Clone)]
pub struct FixedToken(pub Secret);

impl AccessTokens for FixedToken {
    fn current(&self) -> TokenFuture<'_> {
        Box::pin(async { Ok(self.0.clone()) })
    }

    fn refused<'a>(
        &'a self,
        _token: &'a Secret,
    ) -> Pin<Box<dyn Future<Output = Result<Option<Secret>, TokenError>> + Send + 'a>> {
        Box::pin(async { Ok(None) })
    }
}
