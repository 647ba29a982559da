//! One grant, however many token sources of this process stand on it: one renewal at a time, one back-off.
//!
//! Two clients of one mailbox hold the same refresh token. If both redeemed it, a provider that rotates would take the
//! second use for theft and end the grant. So sources meet here, by a digest of the token set that they were made with
//! or renewed to, and whoever comes second finds what the first one got. Of the whole set, not of its refresh token alone:
//! a set that was obtained anew is a grant of its own, also where a provider gives the same refresh token again.
//!
//! ```text
//! renewed ─▶ another source has it? ─▶ another process stored it? ─▶ backing off? ─▶ token endpoint
//!                                                                                      │ invalid_grant
//!                       (its refresh token, once each) ◀── stored a different one? ◀───┘
//! ```

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex as SyncMutex, PoisonError, Weak};
use std::time::Duration;

use email_base::clock::{self, Instant};
use email_base::{Backoff, Classify, Code, Scrub, Secret};
use sha2::{Digest, Sha256};
use tokio::sync::Mutex;

use crate::client::Client;
use crate::error::Error;
use crate::patience::Patience;
use crate::store::{TokenStore, settled};
use crate::tokens::TokenSet;

/// The first pause after a failure; none is shorter than [`SHORTEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// After an outage every account is back within this.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);
/// A hundred callers in one instant must find the door closed already.
const SHORTEST_PAUSE: Duration = Duration::from_millis(250);
/// The process that won the race has its answer, but may still be saving it: how long to wait before each further look.
const LOOKS: &[Duration] =
    &[Duration::ZERO, Duration::from_millis(200), Duration::from_millis(800), Duration::from_secs(2)];
/// So many different stored refresh tokens are tried in one renewal; a store that invents new ones would never end.
const MAX_STORED: usize = 4;
/// So many past token sets still lead to their grant.
const MAX_KEYS: usize = 256;

type Key = [u8; 32];

static GRANTS: LazyLock<SyncMutex<HashMap<Key, Weak<Grant>>>> = LazyLock::new(SyncMutex::default);

/// See the module.
#[derive(Debug)]
pub(crate) struct Grant {
    /// Digest of provider, app and scopes; keys are made of it and a token set.
    realm: Key,
    keys: SyncMutex<Vec<Key>>,
    latest: Mutex<Latest>,
}

#[derive(Debug)]
struct Latest {
    tokens: TokenSet,
    backoff: Backoff,
    /// In a row.
    failures: u32,
    closed: Option<Closed>,
}

/// The door after a failure.
#[derive(Debug)]
struct Closed {
    until: Instant,
    cause: Arc<Error>,
}

/// Where a renewed set came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// From the provider, to this source or to another one of the process.
    Provider,
    /// From the caller's store, where it need not be saved again.
    Store,
}

/// What one renewal needs to know.
#[derive(Clone, Copy)]
pub(crate) struct Renewal<'a> {
    pub(crate) client: &'a Client,
    pub(crate) scopes: &'a [String],
    /// Renewed by the app's own credentials.
    pub(crate) app_only: bool,
    pub(crate) store: &'a dyn TokenStore,
    /// What the asker has.
    pub(crate) held: &'a TokenSet,
    /// The access token that a mail server refused, if that is why.
    pub(crate) refused: Option<&'a Secret>,
    /// Whether the provider's short pauses are waited out.
    pub(crate) patience: Patience,
}

impl Renewal<'_> {
    /// Whether `set` is what the asker needs: good for a while, and neither what it has nor what was refused.
    fn is_served_by(&self, set: &TokenSet) -> bool {
        is_fresh(set) && set.access_token != self.held.access_token && Some(&set.access_token) != self.refused
    }
}

/// Whether `set` will do for a while yet.
pub(crate) fn is_fresh(set: &TokenSet) -> bool {
    clock::unix_ms() < set.expires_at.unix_ms().saturating_sub(margin_ms(set))
}

/// How long before its end a token is renewed: a tenth of its life, at most five minutes.
pub(crate) fn margin_ms(set: &TokenSet) -> i64 {
    const LONGEST_MS: i64 = 300_000;
    let life = set.expires_at.unix_ms().saturating_sub(set.obtained_at.unix_ms());
    (life / 10).clamp(0, LONGEST_MS)
}

impl Grant {
    /// The grant of `tokens`: the one that other sources stand on, or a new one.
    pub(crate) fn of(client: &Client, scopes: &[String], tokens: &TokenSet) -> Arc<Self> {
        let realm = realm(client, scopes);
        let fresh = || {
            let backoff = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE);
            let latest = Latest { tokens: tokens.clone(), backoff, failures: 0, closed: None };
            Arc::new(Self { realm, keys: SyncMutex::default(), latest: Mutex::new(latest) })
        };
        let Some(key) = key(&realm, tokens) else { return fresh() };
        let mut grants = GRANTS.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(grant) = grants.get(&key).and_then(Weak::upgrade) {
            drop(grants);
            grant.learn(tokens);
            return grant;
        }
        let grant = fresh();
        grant.keep(key);
        grants.insert(key, Arc::downgrade(&grant));
        grant
    }

    /// A set that serves `renewal`, and where it came from.
    pub(crate) async fn renewed(self: &Arc<Self>, renewal: Renewal<'_>) -> Result<(TokenSet, Origin), Arc<Error>> {
        let mut latest = self.latest.lock().await;
        if renewal.is_served_by(&latest.tokens) {
            return Ok((latest.tokens.clone(), Origin::Provider));
        }
        match load(renewal.store, &latest.tokens).await {
            Ok(Some(stored)) if renewal.is_served_by(&stored) && stored.obtained_at > latest.tokens.obtained_at => {
                self.adopt(&mut latest, &stored);
                return Ok((stored, Origin::Store));
            }
            Ok(_) => {}
            // The renewal may still do; if its `save` fails as well, the caller hears of it then.
            Err(error) => tracing::warn!(target: "oauth", %error, "load before a refresh"),
        }
        if let Some(Closed { until, cause }) = &latest.closed {
            let wait = until.saturating_duration_since(clock::now());
            if !wait.is_zero() {
                return Err(Arc::new(Error::BackingOff { wait, cause: Arc::clone(cause) }));
            }
        }
        let outcome = self.redeemed(&mut latest, renewal).await;
        match outcome {
            Ok(found) => Ok(found),
            Err(error) => Err(latest.close(error)),
        }
    }

    /// Asks for another token of the app, or redeems the refresh token; when that is refused, whatever else is stored by then.
    async fn redeemed(
        self: &Arc<Self>,
        latest: &mut Latest,
        renewal: Renewal<'_>,
    ) -> Result<(TokenSet, Origin), Error> {
        if renewal.app_only {
            let next = renewal.client.app_tokens(renewal.scopes, renewal.patience).await?;
            self.adopt(latest, &next);
            return Ok((next, Origin::Provider));
        }
        let mut tried = Vec::new();
        loop {
            let Some(token) = latest.tokens.refresh_token.clone() else { return Err(Error::NoRefreshToken) };
            let error = match renewal.client.renew(&token, renewal.scopes, renewal.patience).await {
                Ok(next) => {
                    self.adopt(latest, &next);
                    return Ok((next, Origin::Provider));
                }
                Err(error) => error,
            };
            tried.push(token);
            let declared_dead = matches!(error.code(), Code::InvalidGrant | Code::InteractionRequired);
            if !declared_dead || tried.len() > MAX_STORED {
                return Err(error);
            }
            let Some(stored) = changed(renewal.store, &latest.tokens, &tried).await? else { return Err(error) };
            let serves = renewal.is_served_by(&stored);
            self.adopt(latest, &stored);
            if serves {
                return Ok((stored, Origin::Store));
            }
        }
    }

    fn adopt(self: &Arc<Self>, latest: &mut Latest, next: &TokenSet) {
        if let Some(key) = key(&self.realm, next) {
            self.keep(key);
            let mut grants = GRANTS.lock().unwrap_or_else(PoisonError::into_inner);
            let slot = grants.entry(key).or_default();
            if slot.strong_count() == 0 {
                *slot = Arc::downgrade(self);
            }
        }
        latest.tokens = next.clone();
        latest.backoff.reset();
        latest.failures = 0;
        latest.closed = None;
    }

    /// A source was made with a set that may be newer than ours.
    fn learn(&self, tokens: &TokenSet) {
        if let Ok(mut latest) = self.latest.try_lock()
            && tokens.obtained_at > latest.tokens.obtained_at
        {
            latest.tokens = tokens.clone();
        }
    }

    fn keep(&self, key: Key) {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if !keys.contains(&key) {
            if keys.len() >= MAX_KEYS {
                let oldest = keys.remove(0);
                forget(&[oldest], false);
            }
            keys.push(key);
        }
    }
}

impl Latest {
    /// Closes the door for a while, at least as long as the provider asked. A first failure that may be over in a moment
    /// leaves it open once more, if the token that is held has ended: somebody needs another one now.
    fn close(&mut self, error: Error) -> Arc<Error> {
        let cause = Arc::new(error);
        self.failures = self.failures.saturating_add(1);
        let may_be_over = cause.retryable() && cause.retry_after().is_none() && cause.code() != Code::RateLimited;
        if self.failures == 1 && may_be_over && !self.tokens.is_live() {
            return cause;
        }
        let pause = self.backoff.next_delay().max(SHORTEST_PAUSE).max(cause.retry_after().unwrap_or_default());
        if let Some(until) = clock::now().checked_add(pause) {
            self.closed = Some(Closed { until, cause: Arc::clone(&cause) });
        }
        cause
    }
}

impl Drop for Grant {
    fn drop(&mut self) {
        let keys = self.keys.get_mut().unwrap_or_else(PoisonError::into_inner);
        forget(keys, true);
    }
}

/// Takes keys out of the register; `dead_only` leaves those that lead to another, living grant.
fn forget(keys: &[Key], dead_only: bool) {
    let mut grants = GRANTS.lock().unwrap_or_else(PoisonError::into_inner);
    for key in keys {
        if !dead_only || grants.get(key).is_some_and(|grant| grant.strong_count() == 0) {
            grants.remove(key);
        }
    }
}

/// What is stored now.
async fn load(store: &dyn TokenStore, known: &TokenSet) -> Result<Option<TokenSet>, Error> {
    let consequence = "nobody knows whether the grant is dead";
    settled("load", consequence, store.load(), &Scrub::new(known.secrets())).await
}

/// A stored set whose refresh token has not been tried; waits for a process that is just saving it.
async fn changed(store: &dyn TokenStore, known: &TokenSet, tried: &[Secret]) -> Result<Option<TokenSet>, Error> {
    for pause in LOOKS {
        clock::sleep(*pause).await;
        match load(store, known).await? {
            // The caller stores nothing: nobody else can have won.
            None => return Ok(None),
            Some(stored) if stored.refresh_token.as_ref().is_some_and(|token| !tried.contains(token)) => {
                return Ok(Some(stored));
            }
            Some(_) => {}
        }
    }
    Ok(None)
}

fn realm(client: &Client, scopes: &[String]) -> Key {
    let provider = &client.provider().0;
    let mut digest = Sha256::new();
    let secret = provider.proof.secret().map(|secret| secret.expose().as_str()).unwrap_or_default();
    for part in [provider.token_endpoint.as_str(), &provider.client_id, secret, &scopes.join(" ")] {
        digest.update((part.len() as u64).to_le_bytes());
        digest.update(part);
    }
    digest.finalize().into()
}

/// `None` for a set that cannot be renewed.
fn key(realm: &Key, tokens: &TokenSet) -> Option<Key> {
    let mut digest = Sha256::new().chain_update(realm);
    for token in [tokens.refresh_token.as_ref()?, &tokens.access_token] {
        digest.update((token.expose().len() as u64).to_le_bytes());
        digest.update(token.expose());
    }
    digest.update(tokens.obtained_at.unix_ms().to_le_bytes());
    digest.update(tokens.expires_at.unix_ms().to_le_bytes());
    Some(digest.finalize().into())
}
