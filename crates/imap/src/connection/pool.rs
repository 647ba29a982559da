//! The queue of jobs and the connections that serve it.
//!
//! ```text
//!                 a free connection with the mailbox open ─┐
//! submit ─► job ─ any free connection ─────────────────────┼─► actor
//!                 a new one, while there may be more ──────┘
//!                 the queue, until an actor is done ───────► (background jobs after all others)
//! ```

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use email_base::Call;
use email_base::clock::{self, Instant};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::actor::Actor;
use super::job::{Command, Job};
use super::link::Link;
use super::login;
use super::others::Others;
use super::parts::EncodedParts;
use super::quirks::Quirks;
use crate::command::argument::Mailbox;
use crate::error::{Error, Result};
use crate::options::Settings;

/// `logout` has promised its caller 1.5 s.
const LOGOUT_TIME: Duration = Duration::from_millis(1400);
/// After a refused further connection none is tried for so long.
const GROWTH_PAUSE: Duration = Duration::from_secs(300);
/// Calls that may wait for a connection: a caller that makes more has lost control.
const MAX_QUEUE: usize = 10_000;

/// The connections of one client. Dropping it closes them.
#[derive(Debug)]
pub(crate) struct Pool {
    shared: Arc<Shared>,
}

/// Calls that wait for a connection.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Backlog {
    pub(super) calls: usize,
    /// Jobs that last: watchers.
    pub(super) background: usize,
}

/// What the actors know of each other.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) settings: Settings,
    state: Mutex<State>,
    backlog: watch::Sender<Backlog>,
    /// No more jobs; connections end politely.
    pub(super) closing: CancellationToken,
    /// Connections end at once.
    pub(super) abrupt: CancellationToken,
    actors: TaskTracker,
}

#[derive(Default)]
struct State {
    closed: bool,
    /// By a refused login, which the call that met it tells.
    refused: bool,
    calls: VecDeque<Job>,
    background: VecDeque<Job>,
    slots: Vec<Slot>,
    /// The server has refused a further connection.
    no_more_until: Option<Instant>,
    next_id: u64,
    capabilities: Vec<String>,
}

/// One actor, as the others see it.
struct Slot {
    id: u64,
    free: bool,
    mailbox: Option<Mailbox>,
    jobs: mpsc::UnboundedSender<Job>,
}

impl Pool {
    /// Opens the first connection.
    pub(crate) async fn connect(settings: Settings, call: &Call) -> Result<Self> {
        let link = call.run(login::log_in(&settings, call)).await??;
        let shared = Arc::new(Shared {
            settings,
            state: Mutex::default(),
            backlog: watch::Sender::default(),
            closing: CancellationToken::new(),
            abrupt: CancellationToken::new(),
            actors: TaskTracker::new(),
        });
        shared.logged_in(&link);
        shared.hire(&mut shared.lock(), Some(link), None);
        Ok(Self { shared })
    }

    /// Runs `command` on some connection.
    pub(crate) async fn submit<C: Command>(&self, command: C, call: &Call) -> Result<C::Output> {
        call.check()?;
        if self.is_closed() {
            return Err(Error::Closed);
        }
        self.shared.settings.budget.check()?;
        let (job, outcome) = Job::new(command, call.clone());
        self.shared.dispatch(job)?;
        tokio::select! {
            biased;
            outcome = outcome => outcome.unwrap_or_else(|_| Err(self.dropped())),
            () = self.shared.closing.cancelled() => Err(Error::Closed),
            why = call.interrupted() => Err(why.into()),
        }
    }

    /// Why a job ended without an outcome: the client was closed under it, or its actor has a defect.
    fn dropped(&self) -> Error {
        if self.is_closed() { Error::Closed } else { Error::Internal("a connection's task ended") }
    }

    /// Who waits for a connection that a job has.
    pub(crate) fn others(&self) -> Others {
        Others::new(self.shared.backlog.subscribe(), Arc::clone(&self.shared.settings.budget))
    }

    /// What the server has shown itself to be.
    pub(crate) fn quirks(&self) -> &Quirks {
        &self.shared.settings.quirks
    }

    /// Parts that the server may decode.
    pub(crate) fn parts(&self) -> &EncodedParts {
        &self.shared.settings.parts
    }

    /// No larger literal is taken into memory.
    pub(crate) fn max_literal_bytes(&self) -> u64 {
        self.shared.settings.limits.max_literal_bytes as u64
    }

    /// Who is logged in.
    pub(crate) fn user(&self) -> &str {
        self.shared.settings.credentials.user()
    }

    pub(crate) fn capabilities(&self) -> Vec<String> {
        self.shared.lock().capabilities.clone()
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.shared.lock().closed
    }

    /// Resolves when the client is closed by its owner. After a refused login every call ends by itself, and says why.
    pub(crate) async fn closed(&self) {
        self.shared.closing.cancelled().await;
        if self.shared.lock().refused {
            std::future::pending::<()>().await;
        }
    }

    /// Ends politely, in [`LOGOUT_TIME`] at the latest. Every pending call is settled at once.
    pub(crate) async fn logout(&self, call: &Call) -> Result<()> {
        self.shared.close();
        let ended = call.run(clock::timeout(LOGOUT_TIME, self.shared.actors.wait())).await;
        self.shared.abrupt.cancel();
        // A server that does not say good-bye in time is left without one.
        ended.map(|_| ()).map_err(Error::from)
    }

    /// Ends at once.
    pub(crate) fn close(&self) {
        self.shared.abrupt.cancel();
        self.shared.close();
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.close();
    }
}

impl Shared {
    fn dispatch(self: &Arc<Self>, job: Job) -> Result<()> {
        let mut state = self.lock();
        if state.closed {
            return Err(Error::Closed);
        }
        let wanted = job.mailbox();
        let open = state.slots.iter().position(|slot| slot.free && wanted.is_some() && slot.mailbox.as_ref() == wanted);
        let free = open.or_else(|| state.slots.iter().position(|slot| slot.free));
        let job = match free.and_then(|at| state.slots.get_mut(at)) {
            Some(slot) => {
                slot.free = false;
                match slot.jobs.send(job) {
                    Ok(()) => return Ok(()),
                    // An actor that has ended without saying so: a panic. Its place is given away.
                    Err(mpsc::error::SendError(job)) => {
                        let id = slot.id;
                        state.slots.retain(|slot| slot.id != id);
                        job
                    }
                }
            }
            None => job,
        };
        let may_grow = state.no_more_until.is_none_or(|until| clock::now() >= until);
        if state.slots.is_empty() || (may_grow && state.slots.len() < self.settings.max_connections) {
            self.hire(&mut state, None, Some(job));
            return Ok(());
        }
        if state.calls.len() >= MAX_QUEUE {
            return Err(Error::LimitExceeded {
                what: "the queue of calls",
                limit: MAX_QUEUE as u64,
                name: "MAX_QUEUE",
            });
        }
        if job.is_background() {
            state.background.push_back(job);
        } else {
            state.calls.push_back(job);
        }
        self.tell_backlog(&state);
        Ok(())
    }

    /// A new actor; free when it has no job yet.
    fn hire(self: &Arc<Self>, state: &mut State, link: Option<Link>, job: Option<Job>) {
        let (jobs, inbox) = mpsc::unbounded_channel();
        let id = state.next_id;
        state.next_id += 1;
        state.slots.push(Slot { id, free: job.is_none(), mailbox: None, jobs });
        self.actors.spawn(Actor::new(id, Arc::clone(self), inbox, link).run(job));
    }

    /// The next job for actor `id`, which has `mailbox` open; without one it is free from now on.
    pub(super) fn next_job(&self, id: u64, mailbox: Option<Mailbox>) -> Option<Job> {
        let mut state = self.lock();
        let job = state.calls.pop_front().or_else(|| state.background.pop_front());
        if job.is_some() {
            self.tell_backlog(&state);
        }
        if let Some(slot) = state.slots.iter_mut().find(|slot| slot.id == id) {
            slot.mailbox = mailbox;
            slot.free = job.is_none();
        }
        job
    }

    /// Actor `id` gets no connection: if there are others, they take its job. `None`: they have it.
    pub(super) fn give_back(&self, id: u64, job: Job) -> Option<Job> {
        let mut state = self.lock();
        if state.closed || state.slots.len() <= 1 {
            return Some(job);
        }
        state.slots.retain(|slot| slot.id != id);
        state.no_more_until = clock::now().checked_add(GROWTH_PAUSE);
        let free = state.slots.iter_mut().find(|slot| slot.free);
        let job = match free {
            Some(slot) => {
                slot.free = false;
                slot.jobs.send(job).err().map(|mpsc::error::SendError(job)| job)
            }
            None => Some(job),
        };
        match job {
            Some(job) if job.is_background() => state.background.push_front(job),
            Some(job) => state.calls.push_front(job),
            None => {}
        }
        self.tell_backlog(&state);
        None
    }

    /// Actor `id` has ended. If it was by a defect, what waits gets another one.
    pub(super) fn gone(self: &Arc<Self>, id: u64) {
        let mut state = self.lock();
        state.slots.retain(|slot| slot.id != id);
        // A runtime that is shutting down drops its tasks, and takes no new ones.
        let runtime = tokio::runtime::Handle::try_current().is_ok();
        if runtime && !state.closed && state.slots.is_empty() {
            let job = state.calls.pop_front().or_else(|| state.background.pop_front());
            if job.is_some() {
                self.hire(&mut state, None, job);
                self.tell_backlog(&state);
            }
        }
    }

    /// Lets actor `id` go, if it is one too many and has nothing to do.
    pub(super) fn retire(&self, id: u64) -> bool {
        let mut state = self.lock();
        let idle = state.slots.iter().any(|slot| slot.id == id && slot.free);
        if !idle || state.slots.len() <= 1 {
            return false;
        }
        state.slots.retain(|slot| slot.id != id);
        true
    }

    pub(super) fn logged_in(&self, link: &Link) {
        self.lock().capabilities = link.view.capabilities.spelt().to_vec();
    }

    /// The server has refused the login: nothing can be had from it any more.
    pub(super) fn close_refused(&self) {
        self.lock().refused = true;
        self.close();
    }

    /// No more jobs. Those that wait are told.
    pub(super) fn close(&self) {
        let (calls, background) = {
            let mut state = self.lock();
            state.closed = true;
            (std::mem::take(&mut state.calls), std::mem::take(&mut state.background))
        };
        for job in calls.into_iter().chain(background) {
            job.fail(Error::Closed);
        }
        self.actors.close();
        self.closing.cancel();
    }

    fn tell_backlog(&self, state: &State) {
        self.backlog.send_replace(Backlog { calls: state.calls.len(), background: state.background.len() });
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State")
            .field("closed", &self.closed)
            .field("waiting", &self.calls.len())
            .finish_non_exhaustive()
    }
}
