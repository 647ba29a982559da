//! `load` and `save` of a token source, as the OAuth crate knows them.

use email_oauth::{StoreFuture, TokenSet, TokenStore};

use crate::hooks::Hook;

/// The caller's hooks; either may be missing.
pub struct HookStore {
    pub load: Option<Hook>,
    pub save: Option<Hook>,
}

impl TokenStore for HookStore {
    fn load(&self) -> StoreFuture<'_, Option<TokenSet>> {
        Box::pin(async {
            match &self.load {
                Some(hook) => hook.call(String::new()).await,
                None => Ok(None),
            }
        })
    }

    fn save<'a>(&'a self, next: &'a TokenSet, previous: &'a TokenSet) -> StoreFuture<'a, ()> {
        Box::pin(async move {
            let Some(hook) = &self.save else { return Ok(()) };
            let both =
                serde_json::to_string(&[next, previous]).map_err(|_| hook.failed("the tokens have no JSON form"))?;
            hook.call::<Option<()>>(both).await.map(|_| ())
        })
    }
}
