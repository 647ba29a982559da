//! The server's first words, as the last step of connecting.
//!
//! A server that accepts and says nothing has not answered. Who says how long connecting may take means that, too: the
//! protocols greet only after [`crate::Connector::connect`], so the stream brings along what is left of the time.

use std::future::Future;
use std::sync::Arc;

use crate::Error;
use crate::deadline::Deadline;
use crate::error::Phase;
use crate::target::Target;

/// What the greeting has of the caller's `connect_timeout`; without one, the protocols' own limits are all there is.
#[derive(Debug, Clone, Default)]
pub struct GreetingTime(Option<(Deadline, Arc<str>)>);

impl GreetingTime {
    pub(crate) fn until(deadline: Deadline, peer: &Target) -> Self {
        Self(Some((deadline, peer.to_string().into())))
    }

    /// Runs `work`, which begins with the greeting. When the time is over and `greeted` says no, `work` is dropped.
    ///
    /// It has to be boxed, because futures inside futures inside futures fill a thread's stack.
    pub async fn run<T>(
        &self,
        mut work: impl Future<Output = T> + Unpin,
        greeted: impl Fn() -> bool,
    ) -> Result<T, Error> {
        let Some((deadline, peer)) = &self.0 else { return Ok(work.await) };
        let begun = async { Ok((&mut work).await) };
        match deadline.run(peer, Phase::Greeting, begun).await {
            Err(_) if greeted() => Ok(work.await),
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::time::Duration;

    use email_base::clock;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_silent_server_holds_nobody_beyond_the_time_to_connect() {
        let time = || {
            let peer = Target::parse("mail.example", 25).unwrap();
            GreetingTime::until(Deadline::starting_now(Duration::from_secs(2)), &peer)
        };
        let slow = || Box::pin(clock::sleep(Duration::from_secs(5)));
        let error = time().run(slow(), || false).await.unwrap_err();
        assert_eq!(error, Error::ConnectTimeout { peer: "mail.example:25".into(), phase: Phase::Greeting });

        // What follows the greeting is no part of connecting.
        let greeted = Cell::new(false);
        let work = Box::pin(async {
            clock::sleep(Duration::from_secs(1)).await;
            greeted.set(true);
            slow().await;
        });
        time().run(work, || greeted.get()).await.unwrap();
        GreetingTime::default().run(slow(), || false).await.unwrap();
    }
}
