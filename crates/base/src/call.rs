//! One call's deadline and cancellation, handed down to whatever does its I/O.

use std::future::Future;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::clock::{self, Instant};

/// Why a call ended before its work did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Interrupted {
    /// The caller's `AbortSignal` fired.
    #[error("the call was aborted by its caller")]
    Aborted,
    /// The call's `timeoutMs` ran out.
    #[error("the call's deadline passed")]
    TimedOut,
}

/// The deadline and the cancellation of one call. Cheap to clone; clones share both.
#[derive(Debug, Clone, Default)]
pub struct Call {
    cancel: CancellationToken,
    deadline: Option<Instant>,
}

impl Call {
    /// A call that ends at the latest after `timeout` and whenever `cancel` fires.
    pub fn new(timeout: Duration, cancel: CancellationToken) -> Self {
        Self { cancel, deadline: clock::now().checked_add(timeout) }
    }

    /// A call without a deadline, for streams that live as long as their reader.
    pub fn endless(cancel: CancellationToken) -> Self {
        Self { cancel, deadline: None }
    }

    /// The same cancellation with a deadline that is not later than `timeout` from now.
    pub fn within(&self, timeout: Duration) -> Self {
        let limit = clock::now().checked_add(timeout);
        let deadline = match (self.deadline, limit) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        Self { cancel: self.cancel.clone(), deadline }
    }

    /// When the call must have settled.
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Time left, `None` without a deadline.
    pub fn remaining(&self) -> Option<Duration> {
        self.deadline.map(|at| at.saturating_duration_since(clock::now()))
    }

    /// Whether the call is over already.
    pub fn check(&self) -> Result<(), Interrupted> {
        if self.cancel.is_cancelled() {
            return Err(Interrupted::Aborted);
        }
        match self.deadline {
            Some(at) if at <= clock::now() => Err(Interrupted::TimedOut),
            _ => Ok(()),
        }
    }

    /// Resolves when the call has to stop.
    pub async fn interrupted(&self) -> Interrupted {
        match self.deadline {
            None => {
                self.cancel.cancelled().await;
                Interrupted::Aborted
            }
            Some(at) => tokio::select! {
                biased;
                () = self.cancel.cancelled() => Interrupted::Aborted,
                () = clock::sleep_until(at) => Interrupted::TimedOut,
            },
        }
    }

    /// Runs `work` until it ends or the call has to stop; in the latter case `work` is dropped.
    pub async fn run<T>(&self, work: impl Future<Output = T>) -> Result<T, Interrupted> {
        tokio::select! {
            biased;
            why = self.interrupted() => Err(why),
            value = work => Ok(value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_passed_deadline_stops_the_work() {
        let call = Call::new(Duration::from_millis(50), CancellationToken::new());
        assert_eq!(call.run(clock::sleep(Duration::from_secs(5))).await, Err(Interrupted::TimedOut));
        assert_eq!(call.check(), Err(Interrupted::TimedOut));
    }

    #[tokio::test]
    async fn an_already_aborted_call_never_starts() {
        let cancel = CancellationToken::new();
        cancel.cancel();
        let call = Call::new(Duration::from_secs(5), cancel);
        assert_eq!(call.run(async { panic!("must not be polled") }).await, Err::<(), _>(Interrupted::Aborted));
    }

    #[tokio::test(start_paused = true)]
    async fn within_never_extends_the_deadline() {
        let call = Call::new(Duration::from_secs(1), CancellationToken::new());
        assert_eq!(call.within(Duration::from_secs(60)).remaining(), Some(Duration::from_secs(1)));
    }
}
