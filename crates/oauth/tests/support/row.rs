//! A caller's store of tokens, and sources over it.

use std::sync::{Arc, Mutex};

use email_base::{Code, Failure, Secret};
use email_oauth::{Client, Error, StoreFuture, TokenSet, TokenSource, TokenStore};

use super::{call, token_set};

/// A database row, with everything that can go wrong with it.
#[derive(Default)]
pub struct Row {
    pub stored: Mutex<Option<TokenSet>>,
    pub saves: Mutex<Vec<(String, String)>>,
    pub loads: Mutex<u32>,
    pub fail_save: Mutex<Option<String>>,
    pub fail_load: Mutex<bool>,
    /// Shown from the nth load on.
    pub later: Mutex<Option<(u32, TokenSet)>>,
    /// The clock stands from the nth load on, so that waiting costs nothing.
    pub stop_clock_at: Mutex<Option<u32>>,
    pub panics: Mutex<bool>,
}

impl Row {
    pub fn holding(set: &TokenSet) -> Arc<Self> {
        let row = Self::default();
        *row.stored.lock().unwrap() = Some(set.clone());
        Arc::new(row)
    }

    pub fn put(&self, set: TokenSet) {
        *self.stored.lock().unwrap() = Some(set);
    }

    pub fn saves(&self) -> Vec<(String, String)> {
        self.saves.lock().unwrap().clone()
    }
}

impl TokenStore for Row {
    fn load(&self) -> StoreFuture<'_, Option<TokenSet>> {
        Box::pin(async {
            let n = {
                let mut loads = self.loads.lock().unwrap();
                *loads += 1;
                *loads
            };
            if self.stop_clock_at.lock().unwrap().is_some_and(|at| n == at) {
                tokio::time::pause();
            }
            if *self.fail_load.lock().unwrap() {
                return Err(Failure::new(Code::CallbackFailed, None, "no database for canary-access-0"));
            }
            if let Some((at, set)) = &*self.later.lock().unwrap()
                && n >= *at
            {
                return Ok(Some(set.clone()));
            }
            Ok(self.stored.lock().unwrap().clone())
        })
    }

    fn save<'a>(&'a self, next: &'a TokenSet, previous: &'a TokenSet) -> StoreFuture<'a, ()> {
        Box::pin(async {
            assert!(!*self.panics.lock().unwrap(), "the store panics");
            tokio::task::yield_now().await;
            if let Some(said) = &*self.fail_save.lock().unwrap() {
                return Err(Failure::new(Code::CallbackFailed, None, said.clone()));
            }
            let access = |set: &TokenSet| set.access_token.expose().clone();
            self.saves.lock().unwrap().push((access(next), access(previous)));
            *self.stored.lock().unwrap() = Some(next.clone());
            Ok(())
        })
    }
}

pub fn source(client: &Client, set: TokenSet, store: &Arc<Row>) -> TokenSource {
    client.token_source(set, Arc::<Row>::clone(store)).unwrap()
}

/// A set with its own names, so that grants of different tests and sources are told apart.
pub fn named(name: &str, life: i64) -> TokenSet {
    let mut set = token_set(life);
    set.access_token = Secret::new(format!("canary-access-{name}"));
    set.refresh_token = Some(Secret::new(format!("canary-refresh-{name}")));
    set
}

pub async fn token(source: &TokenSource) -> Result<String, Arc<Error>> {
    source.access_token(&call()).await.map(|token| token.expose().clone())
}
