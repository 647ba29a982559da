//! The task that owns one connection.
//!
//! ```text
//!        ┌──────────── no job ─────────────┐
//!        ▼                                 │
//!     idle: listens ── job ──► serve ── done, next job? ──► serve …
//!        │   │                   │  lost while a repeatable call ran: connect, once more
//!        │   └ connection lost   └─ refused login: the client is closed
//!        ▼     (next job reconnects)
//!      leave: LOGOUT, or not even that
//! ```

use std::sync::Arc;
use std::time::Duration;

use email_base::{Backoff, Classify, Code, Credentials, clock};
use futures_util::FutureExt;
use tokio::sync::mpsc;

use super::job::{Job, Ran};
use super::link::Link;
use super::login;
use super::pool::Shared;
use crate::command::argument::Mailbox;
use crate::command::line::Line;
use crate::error::{Error, Result};

/// A connection that was silent for so long may be half-open: it is asked before a job is trusted to it.
const PROBE_AFTER: Duration = Duration::from_secs(60);
/// How long the answer to that may take.
const PROBE_TIME: Duration = Duration::from_secs(10);
/// A further connection without work ends after this.
const SURPLUS_TIME: Duration = Duration::from_secs(60);
/// Tries to connect again before the job is told; the first one is not counted.
const CONNECT_RETRIES: u32 = 3;
/// Tries when the server says "authenticated but not connected": too many connections pass by themselves.
const MAILBOX_RETRIES: u32 = 3;
/// First and longest wait between tries.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(4));
/// LOGOUT gets no longer than this.
const FAREWELL_TIME: Duration = Duration::from_secs(1);

/// One connection's owner.
pub(super) struct Actor {
    id: u64,
    shared: Arc<Shared>,
    jobs: mpsc::UnboundedReceiver<Job>,
    link: Option<Link>,
}

/// What ended the wait for work.
enum Idle {
    Job(Job),
    Lost(Error),
    /// Another client of the mailbox waits for a connection.
    Wanted,
    Surplus,
    Closing,
}

/// What the actor does after a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    GoOn,
    /// The server takes no further connection: the others do this one's work.
    Leave,
}

/// What was tried for one job.
struct Tries {
    lost: u32,
    connect: u32,
    mailbox: u32,
    backoff: Backoff,
}

impl Actor {
    pub(super) fn new(id: u64, shared: Arc<Shared>, jobs: mpsc::UnboundedReceiver<Job>, link: Option<Link>) -> Self {
        Self { id, shared, jobs, link }
    }

    pub(super) async fn run(mut self, first: Option<Job>) {
        // Also when a defect unwinds this task: the others must not wait for it.
        let _presence = Presence { id: self.id, shared: Arc::clone(&self.shared) };
        let mut next = first;
        loop {
            if let Some(job) = next.take() {
                if self.serve(job).await == Then::Leave || self.shared.closing.is_cancelled() {
                    break;
                }
                next = self.shared.next_job(self.id, self.open_mailbox());
                continue;
            }
            match self.idle().await {
                Idle::Job(job) => next = Some(job),
                Idle::Lost(error) => self.lose(&error),
                Idle::Wanted => self.leave().await,
                Idle::Surplus if self.shared.retire(self.id) => break,
                Idle::Surplus => {}
                Idle::Closing => break,
            }
        }
        self.leave().await;
    }

    /// Waits for work and listens: what the server tells meanwhile is known, and a lost connection is noticed.
    async fn idle(&mut self) -> Idle {
        let Self { shared, jobs, link, .. } = self;
        tokio::select! {
            biased;
            () = shared.closing.cancelled() => Idle::Closing,
            job = jobs.recv() => job.map_or(Idle::Closing, Idle::Job),
            error = lost(link.as_mut()) => Idle::Lost(error),
            () = shared.settings.budget.wanted(), if link.is_some() => Idle::Wanted,
            () = clock::sleep(SURPLUS_TIME) => Idle::Surplus,
        }
    }

    /// Runs a job to its end, connecting and trying again as far as its caller and its nature allow.
    async fn serve(&mut self, mut job: Job) -> Then {
        let mut tries = Tries::new();
        loop {
            if job.is_abandoned() || self.shared.closing.is_cancelled() {
                return Then::GoOn;
            }
            self.hear();
            let budget = Arc::clone(&self.shared.settings.budget);
            if let Err(error) = budget.check() {
                job.fail(error);
                return Then::GoOn;
            }
            let closing = self.shared.closing.clone();
            let (started, ran) = match self.connected(&mut job).await {
                Some(Ok(link)) => match budget.check() {
                    Ok(()) => tokio::select! {
                        biased;
                        () = closing.cancelled() => (true, Ran::Abandoned),
                        ran = job.run(link) => (true, ran),
                    },
                    // What COMPRESS was told.
                    Err(error) => (true, Ran::Failed(error)),
                },
                Some(Err(error)) => (false, Ran::Failed(error)),
                None => (false, Ran::Abandoned),
            };
            let error = match ran {
                Ran::Done => return Then::GoOn,
                Ran::Abandoned => {
                    self.settle(None).await;
                    return Then::GoOn;
                }
                Ran::Failed(error) => error,
            };
            self.settle(Some(&error)).await;
            login::keep_pause(&self.shared.settings, &error);
            if !started && is_refused_connection(&error) {
                match self.shared.give_back(self.id, job) {
                    None => {
                        let code = error.code().as_str();
                        tracing::debug!(target: "imap", code, "no further connection: the others take its work");
                        return Then::Leave;
                    }
                    Some(kept) => job = kept,
                }
            }
            if error.is_refused_login() {
                tracing::warn!(target: "imap", code = error.code().as_str(), "the login was refused: the client is closed");
                job.fail(error);
                self.shared.close_refused();
                return Then::GoOn;
            }
            let Some(delay) = tries.again(&error, &job, started) else {
                job.fail(error);
                return Then::GoOn;
            };
            tracing::debug!(target: "imap", code = error.code().as_str(), ms = delay.as_millis(), "trying again");
            tokio::select! {
                () = closing.cancelled() => return Then::GoOn,
                () = job.abandoned() => return Then::GoOn,
                () = clock::sleep(delay) => {}
            }
        }
    }

    /// What has arrived by now is heard before anything is said: a farewell above all.
    fn hear(&mut self) {
        while let Some(link) = &mut self.link
            && let Some(heard) = link.listen().now_or_never()
        {
            if let Err(error) = heard {
                self.lose(&error);
            }
        }
    }

    /// The connection ended between two jobs; its farewell may ask for a pause.
    fn lose(&mut self, error: &Error) {
        tracing::debug!(target: "imap", %error, "the idle connection ended");
        login::keep_pause(&self.shared.settings, error);
        self.link = None;
    }

    /// The connection, opened if there is none; `None` when the caller went meanwhile.
    async fn connected(&mut self, job: &mut Job) -> Option<Result<&mut Link>> {
        let closing = self.shared.closing.clone();
        if self.link.as_ref().is_some_and(Link::is_renewal_due) {
            let newer = tokio::select! {
                biased;
                () = closing.cancelled() => return None,
                () = job.abandoned() => return None,
                newer = Box::pin(newer_token(&self.shared, self.link.as_mut())) => newer,
            };
            if newer && let Some(link) = self.link.take() {
                tracing::debug!(target: "imap", "the session's token ends soon: another one is opened");
                Box::pin(link.hang_up()).await;
            }
        }
        if let Some(link) = &mut self.link
            && link.last_answer().elapsed() > PROBE_AFTER
        {
            let noop = Line::new("NOOP");
            let alive = tokio::select! {
                () = closing.cancelled() => return None,
                answer = clock::timeout(PROBE_TIME, Box::pin(link.run_quietly(&noop))) => matches!(answer, Ok(Ok(_))),
            };
            if !alive {
                tracing::debug!(target: "imap", "the connection was half-open");
                self.link = None;
            }
        }
        if self.link.is_none() {
            let call = job.call.clone();
            let login = tokio::select! {
                biased;
                () = closing.cancelled() => return None,
                () = job.abandoned() => return None,
                login = Box::pin(login::log_in(&self.shared.settings, &call)) => login,
            };
            match login {
                Ok(link) => {
                    self.shared.logged_in(&link);
                    self.link = Some(link);
                }
                Err(error) => return Some(Err(error)),
            }
        }
        let policy = self.shared.settings.compress;
        let compressed = match &mut self.link {
            Some(link) if link.compression_pays(policy) => tokio::select! {
                biased;
                () = closing.cancelled() => return None,
                () = job.abandoned() => return None,
                compressed = Box::pin(link.compress()) => compressed,
            },
            _ => Ok(()),
        };
        if let Err(error) = compressed {
            self.link = None;
            return Some(Err(error));
        }
        self.link.as_mut().map(Ok)
    }

    /// After a job that did not end well: the connection is in step again, or gone.
    async fn settle(&mut self, error: Option<&Error>) {
        let Some(link) = &mut self.link else { return };
        // "Not connected" is a state of the session: only another one can be different.
        let hopeless =
            error.is_some_and(|error| error.ends_connection() || matches!(error, Error::MailboxUnavailable(_)));
        let in_step = !hopeless
            && tokio::select! {
                biased;
                // Not now: see `leave`.
                () = self.shared.closing.cancelled() => return,
                in_step = Box::pin(link.settle()) => in_step,
            };
        if !in_step {
            self.link = None;
        }
    }

    async fn leave(&mut self) {
        let Some(mut link) = self.link.take() else { return };
        let farewell = async {
            if link.settle().await {
                link.logout().await;
            }
        };
        tokio::select! {
            biased;
            () = self.shared.abrupt.cancelled() => {}
            _ = clock::timeout(FAREWELL_TIME, Box::pin(farewell)) => {}
        }
    }

    fn open_mailbox(&self) -> Option<Mailbox> {
        Some(self.link.as_ref()?.view.selected.as_ref()?.mailbox.clone())
    }
}

/// Says when the actor is no more.
struct Presence {
    id: u64,
    shared: Arc<Shared>,
}

impl Drop for Presence {
    fn drop(&mut self) {
        self.shared.gone(self.id);
    }
}

/// Whether the connection should be left because its token ends, and there is a newer one.
async fn newer_token(shared: &Shared, link: Option<&mut Link>) -> bool {
    match (link.and_then(|link| link.renewal.as_mut()), &shared.settings.credentials) {
        (Some(renewal), Credentials::OAuth { tokens, .. }) if renewal.is_due() => renewal.has_newer(&**tokens).await,
        _ => false,
    }
}

/// Listens until the connection is lost. Without one: for ever.
async fn lost(link: Option<&mut Link>) -> Error {
    let Some(link) = link else { return std::future::pending().await };
    loop {
        if let Err(error) = link.listen().await {
            return error;
        }
    }
}

impl Tries {
    fn new() -> Self {
        Self { lost: 0, connect: 0, mailbox: 0, backoff: Backoff::new(BACKOFF.0, BACKOFF.1) }
    }

    /// The wait before the same job is tried again, if it may be and time is left for it.
    fn again(&mut self, error: &Error, job: &Job, started: bool) -> Option<Duration> {
        let repeatable = !started || job.is_repeatable();
        let lost = error.is_lost_connection();
        let (count, most) = match error {
            Error::MailboxUnavailable(_) if repeatable => (&mut self.mailbox, MAILBOX_RETRIES),
            _ if !started && (lost || is_connect_failure(error)) => (&mut self.connect, CONNECT_RETRIES),
            _ if started && lost && repeatable => (&mut self.lost, 1),
            _ => return None,
        };
        *count += 1;
        if *count > most {
            return None;
        }
        let delay = if started && lost { Duration::ZERO } else { self.backoff.next_delay() };
        job.call.remaining().is_none_or(|left| left > delay).then_some(delay)
    }
}

/// The server, or something before it, does not want one more connection.
fn is_refused_connection(error: &Error) -> bool {
    let code = error.code();
    error.is_lost_connection()
        || is_connect_failure(error)
        || matches!(code, Code::RateLimited | Code::ServerUnavailable | Code::MailboxUnavailable | Code::ConnectTimeout)
}

/// Nobody answered now: perhaps later. A connect timeout is not here, it has taken its time already.
fn is_connect_failure(error: &Error) -> bool {
    matches!(error.code(), Code::DnsFailed | Code::ConnectionRefused | Code::HostUnreachable)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Thousands of actors wait for something to happen: what only a login needs, only a login has.
    #[test]
    fn an_idle_actor_is_small() {
        let run = Actor::run;
        assert!(size_of_output(&run) < 4 << 10, "{} bytes", size_of_output(&run));
    }

    fn size_of_output<F, A, B, T>(_: &F) -> usize
    where
        F: Fn(A, B) -> T,
    {
        size_of::<T>()
    }
}
