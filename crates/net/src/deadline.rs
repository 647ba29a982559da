//! One deadline over all steps of connecting; each step says which it was when time ran out.

use std::future::Future;
use std::time::Duration;

use email_base::clock::{self, Instant};

use crate::Error;
use crate::error::Phase;

/// The end of the time that connecting may take in all.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline(Instant);

impl Deadline {
    pub(crate) fn starting_now(after: Duration) -> Self {
        // An overflowing instant is far enough: a day.
        let at = clock::now().checked_add(after).unwrap_or_else(|| clock::now() + Duration::from_secs(86_400));
        Self(at)
    }

    /// Runs one step; drops it and says so when the time is over.
    pub(crate) async fn run<T>(
        &self,
        peer: &impl ToString,
        phase: Phase,
        step: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        clock::timeout_at(self.0, step)
            .await
            .unwrap_or_else(|_| Err(Error::ConnectTimeout { peer: peer.to_string(), phase }))
    }
}
