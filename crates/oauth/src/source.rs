//! One live token for many mail clients: renewed early and once, saved before it is used, never stormed for.
//!
//! ```text
//!            fresh                     due, refused, or not saved yet
//! caller ──▶ token        caller ──▶ flight (a task of its own: no caller's abort stops it) ──▶ all callers
//!                                      renew (grant.rs) ─▶ save ─▶ hand out
//! ```
//!
//! A short pause that the provider asks for (patience.rs) is part of the flight, so all callers share it; it is made where a
//! caller has to have another token and whoever started the flight has the time.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use email_base::clock::{self, Instant};
use email_base::tokens::TokenFuture;
use email_base::{AccessTokens, Backoff, Call, Scrub, Secret, Timestamp, TokenError};
use tokio::sync::watch;

use crate::client::Client;
use crate::error::Error;
use crate::grant::{Grant, Origin, Renewal, is_fresh, margin_ms};
use crate::patience::Patience;
use crate::provider::Provider;
use crate::refresh::check_token;
use crate::store::{TokenStore, settled};
use crate::tokens::TokenSet;

/// A server that refuses every token (a wrong user, a disabled mailbox) must not make one request after the other: so
/// long after a renewal that a refusal forced, the next refusal is not the token's fault.
const FORCED_PAUSE: Duration = Duration::from_secs(30);

type Outcome = Result<TokenSet, Arc<Error>>;

/// A renewal under way.
#[derive(Clone)]
struct Flight {
    outcome: watch::Receiver<Option<Outcome>>,
    /// A server refused the token that is held: nobody is to try it meanwhile.
    forced: bool,
}

/// See the module. Cheap to clone; clones are one source.
#[derive(Clone)]
pub struct TokenSource {
    inner: Arc<Inner>,
}

struct Inner {
    client: Client,
    store: Arc<dyn TokenStore>,
    scopes: Vec<String>,
    app_only: bool,
    grant: Arc<Grant>,
    state: Mutex<State>,
}

struct State {
    /// What is handed out.
    tokens: TokenSet,
    /// When it is renewed, by the wall clock.
    renew_at_ms: i64,
    /// What the provider gave and `save` has not taken yet.
    unsaved: Option<TokenSet>,
    flight: Option<Flight>,
    forced: Option<Instant>,
}

impl Client {
    /// A source of live tokens that begins with `tokens`. It renews for the resource that they are of; the app's own
    /// (`client_credentials`) by the app's credentials.
    pub fn token_source(&self, tokens: TokenSet, store: Arc<dyn TokenStore>) -> Result<TokenSource, Error> {
        check_token("tokens.accessToken", &tokens.access_token)?;
        if let Some(token) = &tokens.refresh_token {
            check_token("tokens.refreshToken", token)?;
        }
        let app_only = self.is_app_only(&tokens);
        let scopes = if app_only { tokens.scopes.clone() } else { self.renewal_scopes(&tokens.scopes) };
        let grant = Grant::of(self, &scopes, &tokens);
        let renew_at_ms = renew_at_ms(&tokens, app_only);
        let state = State { renew_at_ms, tokens, unsaved: None, flight: None, forced: None };
        let inner = Inner { client: self.clone(), store, scopes, app_only, grant, state: Mutex::new(state) };
        Ok(TokenSource { inner: Arc::new(inner) })
    }
}

impl TokenSource {
    /// Whose tokens they are.
    pub fn provider(&self) -> &Provider {
        self.inner.client.provider()
    }

    /// What is handed out now; already saved.
    pub fn token_set(&self) -> TokenSet {
        self.inner.state().tokens.clone()
    }

    /// A token that is good now. While the held one still is, a failed renewal does no harm.
    pub async fn access_token(&self, call: &Call) -> Result<Secret, Arc<Error>> {
        call.check().map_err(|why| Arc::new(why.into()))?;
        let flight = {
            let mut state = self.inner.state();
            let refused = state.under_way().is_some_and(|flight| flight.forced);
            if !refused && !state.is_due() {
                return Ok(state.tokens.access_token.clone());
            }
            let patience = if state.tokens.is_live() { Patience::None } else { Patience::of(call) };
            self.join(&mut state, None, patience)
        };
        match landed(flight, call).await {
            Ok(tokens) => Ok(tokens.access_token),
            Err(error) => self.still_good(error),
        }
    }

    /// Renews because `token` was refused; `None` when there is nothing else to try.
    async fn replaced(&self, token: &Secret) -> Result<Option<Secret>, Arc<Error>> {
        let flight = {
            let mut state = self.inner.state();
            if state.tokens.access_token != *token {
                None
            } else if let Some(flight) = state.under_way() {
                Some(flight)
            } else if state.forced.is_some_and(|at| clock::now().saturating_duration_since(at) < FORCED_PAUSE) {
                return Ok(None);
            } else {
                state.forced = Some(clock::now());
                Some(self.join(&mut state, Some(token.clone()), Patience::Until(None)))
            }
        };
        // Somebody else's refusal came first.
        let Some(flight) = flight else { return self.access_token(&Call::default()).await.map(Some) };
        match landed(flight, &Call::default()).await {
            Ok(tokens) => Ok(Some(tokens.access_token).filter(|other| other != token)),
            Err(error) if matches!(*error, Error::NoRefreshToken) => Ok(None),
            Err(error) => {
                // Nothing was gained: the next refusal may ask again.
                self.inner.state().forced = None;
                Err(error)
            }
        }
    }

    /// The held token in place of `error`, unless it has ended or the error is the caller's to mend.
    fn still_good(&self, error: Arc<Error>) -> Result<Secret, Arc<Error>> {
        let state = self.inner.state();
        match *error {
            Error::Interrupted(_) | Error::Store { .. } => Err(error),
            _ if state.tokens.is_live() => Ok(state.tokens.access_token.clone()),
            _ => Err(error),
        }
    }

    /// The flight under way, or a new one.
    fn join(&self, state: &mut State, refused: Option<Secret>, patience: Patience) -> Flight {
        if let Some(flight) = state.under_way() {
            return flight;
        }
        let (land, outcome) = watch::channel(None);
        let flight = Flight { outcome, forced: refused.is_some() };
        state.flight = Some(flight.clone());
        let inner = Arc::clone(&self.inner);
        tokio::spawn(async move {
            let outcome = inner.renew(refused.as_ref(), patience).await;
            inner.state().flight = None;
            land.send_replace(Some(outcome));
        });
        flight
    }
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Renews, saves, and only then hands out.
    async fn renew(&self, refused: Option<&Secret>, patience: Patience) -> Outcome {
        let (held, unsaved) = {
            let state = self.state();
            (state.tokens.clone(), state.unsaved.clone())
        };
        let (next, origin) = match unsaved {
            Some(set) if is_fresh(&set) && Some(&set.access_token) != refused => (set, Origin::Provider),
            unsaved => {
                let held = unsaved.as_ref().unwrap_or(&held);
                let (client, scopes, store) = (&self.client, &self.scopes[..], &*self.store);
                let app_only = self.app_only;
                self.grant.renewed(Renewal { client, scopes, app_only, store, held, refused, patience }).await?
            }
        };
        if origin == Origin::Provider {
            self.state().unsaved = Some(next.clone());
            self.save(&next, &held).await?;
        }
        let mut state = self.state();
        state.renew_at_ms = renew_at_ms(&next, self.app_only);
        state.tokens = next.clone();
        state.unsaved = None;
        Ok(next)
    }

    async fn save(&self, next: &TokenSet, previous: &TokenSet) -> Result<(), Arc<Error>> {
        let consequence = "the renewed token was not handed out; the next call saves it again";
        let tokens = Scrub::new(next.secrets().chain(previous.secrets()));
        settled("save", consequence, self.store.save(next, previous), &tokens).await.map_err(Arc::new)
    }
}

impl State {
    fn under_way(&self) -> Option<Flight> {
        // A flight whose task is gone (its runtime was shut down) will never land.
        self.flight.clone().filter(|flight| flight.outcome.has_changed().is_ok())
    }

    fn is_due(&self) -> bool {
        self.unsaved.is_some() || clock::unix_ms() >= self.renew_at_ms
    }
}

impl AccessTokens for TokenSource {
    fn current(&self) -> TokenFuture<'_> {
        Box::pin(async { self.access_token(&Call::default()).await.map_err(|error| error as TokenError) })
    }

    fn refused<'a>(
        &'a self,
        token: &'a Secret,
    ) -> Pin<Box<dyn Future<Output = Result<Option<Secret>, TokenError>> + Send + 'a>> {
        Box::pin(async { self.replaced(token).await.map_err(|error| error as TokenError) })
    }

    fn expires_at(&self, token: &Secret) -> Option<Timestamp> {
        let state = self.inner.state();
        (state.tokens.access_token == *token).then(|| Timestamp(state.tokens.expires_at.unix_ms()))
    }
}

impl fmt::Debug for TokenSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenSource").field("client", &self.inner.client).finish_non_exhaustive()
    }
}

/// Waits for a flight as long as the call lasts; the flight goes on without it.
async fn landed(mut flight: Flight, call: &Call) -> Outcome {
    let waiting = async {
        match flight.outcome.wait_for(Option::is_some).await.map(|outcome| outcome.clone()) {
            Ok(Some(outcome)) => outcome,
            _ => Err(Arc::new(Error::Internal("a token renewal ended without an outcome"))),
        }
    };
    call.run(waiting).await.unwrap_or_else(|why| Err(Arc::new(why.into())))
}

/// Somewhere in the second half of the margin, so that many accounts of one moment do not come back in one moment.
/// What cannot be renewed is kept to its end.
fn renew_at_ms(tokens: &TokenSet, app_only: bool) -> i64 {
    if tokens.refresh_token.is_none() && !app_only {
        return tokens.expires_at.unix_ms();
    }
    let margin = margin_ms(tokens);
    let half = Duration::from_millis(u64::try_from(margin / 2).unwrap_or(0));
    let jitter = i64::try_from(Backoff::new(half, half).next_delay().as_millis()).unwrap_or(0);
    tokens.expires_at.unix_ms().saturating_sub(margin).saturating_add(jitter)
}
