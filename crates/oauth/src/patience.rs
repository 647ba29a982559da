//! A short pause that the token endpoint asks for is made inside the call; a longer one is told, for the caller to plan.
//!
//! ```text
//! request ──▶ 429 or 503 with Retry-After ≤ 2 s ──▶ pause ──▶ the same request ──▶ whatever it gives
//!    └──────▶ anything else, or no time for it ──────────────────────────────────▶ as it is
//! ```
//!
//! By 429 (RFC 6585 §4) and 503 (RFC 9110 §15.6.4) a server says that it has not handled the request: the code or the
//! refresh token in it is unspent. Of a 500 or of a cut connection nobody knows, so that is never sent again here.

use std::time::Duration;

use email_base::clock::{self, Instant};
use email_base::{Call, Code};

use crate::error::Error;

/// One pause, and none longer: a server that asks for another moment each time must not hold its callers for ever.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Which pause a request is worth.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Patience {
    /// None: there is something better to do than to wait.
    None,
    /// A short one that ends before this; `None`: any short one.
    Until(Option<Instant>),
}

impl Patience {
    /// As much as `call` has time for. Its abort drops the request, and the pause with it.
    pub(crate) fn of(call: &Call) -> Self {
        Self::Until(call.deadline())
    }

    /// How long to wait before the request that met `error` is sent once more; `None`: it is not.
    pub(crate) fn pause(self, error: &Error) -> Option<Duration> {
        let Self::Until(deadline) = self else { return None };
        let asked = turned_away(error).filter(|pause| *pause <= LONGEST_PAUSE)?;
        deadline.is_none_or(|at| at.saturating_duration_since(clock::now()) > asked).then_some(asked)
    }
}

/// The Retry-After of an answer that says the request was not handled.
fn turned_away(error: &Error) -> Option<Duration> {
    match error {
        Error::RateLimited { retry_after, .. } | Error::Unavailable { status: 503, retry_after, .. } => *retry_after,
        Error::Refused(refusal) => match (refusal.status(), refusal.code()) {
            (Some(429 | 503), Code::RateLimited | Code::ServerUnavailable) => refusal.retry_after(),
            _ => None,
        },
        _ => None,
    }
}
