//! What can end a call from outside: its deadline, its abort, the client's `close`, and the phase's own limit.

use std::future::Future;

use email_base::Call;
use tokio_util::sync::CancellationToken;

use crate::error::{Error, Result};
use crate::phase::Phase;

/// One call on one client.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scope<'a> {
    pub(crate) call: &'a Call,
    pub(crate) closed: &'a CancellationToken,
}

impl Scope<'_> {
    /// Runs `work` until it ends or something else does; in the latter case `work` is dropped.
    pub(crate) async fn run<T>(&self, phase: Phase, work: impl Future<Output = T>) -> Result<T> {
        tokio::select! {
            biased;
            () = self.closed.cancelled() => Err(Error::Closed),
            done = async { self.call.within(phase.limit()).run(work).await } =>
                done.map_err(|why| Error::interrupted(why, phase)),
        }
    }
}
