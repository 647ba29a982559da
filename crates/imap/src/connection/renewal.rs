//! A session lives no longer than the token it was opened with: Exchange ends it in the middle of whatever is going on.
//! So a new one is opened before, between two commands.
//!
//! ```text
//!  login ──────────────────────────── due ──── MARGIN ──── the token's end
//!                                      └─ between commands: has the source a newer token?
//!                                           yes: LOGOUT, log in anew      no: asked again later
//! ```
//!
//! A source that does not know the end of its tokens, or has no newer one, changes nothing: then the server ends the
//! session, and what only reads goes on where it was on another one.

use std::time::Duration;

use email_base::clock::{self, Instant};
use email_base::{AccessTokens, Secret};

/// How long before its token's end a session is left, if there is a newer token by then: a source renews a tenth of the
/// token's life before its end, five minutes at most. More than a watcher takes to notice (it looks every 45 s).
const MARGIN: Duration = Duration::from_secs(90);
/// A source that had no newer token is asked again after this.
const RECHECK: Duration = Duration::from_secs(20);
/// A source that takes longer is not waited for: the session is good still.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a session was opened with.
#[derive(Debug)]
pub(crate) struct Renewal {
    token: Secret,
    due: Instant,
}

impl Renewal {
    /// `None` when nobody knows how long the token lives.
    pub(super) fn of(tokens: &dyn AccessTokens, token: &Secret) -> Option<Self> {
        let ends = tokens.expires_at(token)?;
        let left = u64::try_from(ends.0.saturating_sub(clock::unix_ms())).unwrap_or(0);
        let due = clock::now().checked_add(Duration::from_millis(left).saturating_sub(MARGIN))?;
        Some(Self { token: token.clone(), due })
    }

    pub(crate) fn is_due(&self) -> bool {
        clock::now() >= self.due
    }

    /// Whether a session opened now would live longer. If not, it is not due for a while.
    pub(super) async fn has_newer(&mut self, tokens: &dyn AccessTokens) -> bool {
        self.due = clock::now() + RECHECK;
        matches!(clock::timeout(PATIENCE, tokens.current()).await, Ok(Ok(token)) if token != self.token)
    }
}
