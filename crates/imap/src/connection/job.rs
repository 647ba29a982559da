//! A call on its way to a connection.

use std::future::Future;
use std::pin::Pin;

use email_base::Call;
use tokio::sync::oneshot;

use super::link::Link;
use crate::command::argument::Mailbox;
use crate::error::{Error, Result};

/// One thing that a connection can do; one file of [`crate::command`] each.
pub(crate) trait Command: Send + Sync + 'static {
    /// What it brings.
    type Output: Send + 'static;

    /// Doing it twice is as good as once: after a lost connection it is done again.
    const IDEMPOTENT: bool;

    /// Whether that is so also after what was done and learnt until now.
    fn is_repeatable(&self) -> bool {
        Self::IDEMPOTENT
    }

    /// It lasts until somebody needs the connection: it waits behind all others and steps aside for them.
    fn is_background(&self) -> bool {
        false
    }

    /// The mailbox it opens: a connection that has it open is preferred.
    fn mailbox(&self) -> Option<&Mailbox> {
        None
    }

    /// Whatever it says in names and texts is the same in every encoding: it need not wait for ENABLE.
    fn is_plain(&self) -> bool {
        false
    }

    /// Does it. May be dropped at any await.
    fn run(&self, link: &mut Link) -> impl Future<Output = Result<Self::Output>> + Send;
}

/// A command with the place its outcome goes to.
pub(crate) struct Job {
    pub(crate) call: Call,
    task: Box<dyn Task>,
}

/// How a run of a job ended.
pub(crate) enum Ran {
    /// The caller has the result.
    Done,
    /// The caller has gone, at whichever await.
    Abandoned,
    /// To be tried again, or told.
    Failed(Error),
}

impl Job {
    pub(crate) fn new<C: Command>(command: C, call: Call) -> (Self, oneshot::Receiver<Result<C::Output>>) {
        let (reply, outcome) = oneshot::channel();
        (Self { call, task: Box::new(Pending { command, reply: Some(reply) }) }, outcome)
    }

    pub(crate) fn is_abandoned(&self) -> bool {
        self.task.is_abandoned()
    }

    /// Resolves when the caller goes.
    pub(crate) async fn abandoned(&mut self) {
        self.task.abandoned().await;
    }

    pub(crate) async fn run(&mut self, link: &mut Link) -> Ran {
        self.task.run(link).await
    }

    pub(crate) fn is_repeatable(&self) -> bool {
        self.task.is_repeatable()
    }

    pub(crate) fn is_background(&self) -> bool {
        self.task.is_background()
    }

    pub(crate) fn mailbox(&self) -> Option<&Mailbox> {
        self.task.mailbox()
    }

    pub(crate) fn fail(mut self, error: Error) {
        self.task.fail(error);
    }
}

type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// [`Pending`] without its type.
trait Task: Send {
    fn is_abandoned(&self) -> bool;
    fn abandoned(&mut self) -> Boxed<'_, ()>;
    fn run<'a>(&'a mut self, link: &'a mut Link) -> Boxed<'a, Ran>;
    fn is_repeatable(&self) -> bool;
    fn is_background(&self) -> bool;
    fn mailbox(&self) -> Option<&Mailbox>;
    fn fail(&mut self, error: Error);
}

struct Pending<C: Command> {
    command: C,
    reply: Option<oneshot::Sender<Result<C::Output>>>,
}

async fn run<C: Command>(command: &C, link: &mut Link) -> Result<C::Output> {
    if !command.is_plain() {
        link.settle_names().await?;
    }
    command.run(link).await
}

impl<C: Command> Task for Pending<C> {
    fn is_abandoned(&self) -> bool {
        self.reply.as_ref().is_none_or(oneshot::Sender::is_closed)
    }

    fn abandoned(&mut self) -> Boxed<'_, ()> {
        Box::pin(async move {
            if let Some(reply) = &mut self.reply {
                reply.closed().await;
            }
        })
    }

    fn run<'a>(&'a mut self, link: &'a mut Link) -> Boxed<'a, Ran> {
        Box::pin(async move {
            let Some(reply) = &mut self.reply else { return Ran::Abandoned };
            let outcome = tokio::select! {
                biased;
                () = reply.closed() => return Ran::Abandoned,
                outcome = run(&self.command, link) => outcome,
            };
            match outcome {
                Ok(output) => {
                    if let Some(reply) = self.reply.take() {
                        // Whoever went in the meantime does not want it any more.
                        let _ = reply.send(Ok(output));
                    }
                    Ran::Done
                }
                Err(error) => Ran::Failed(error),
            }
        })
    }

    fn is_repeatable(&self) -> bool {
        self.command.is_repeatable()
    }

    fn is_background(&self) -> bool {
        self.command.is_background()
    }

    fn mailbox(&self) -> Option<&Mailbox> {
        self.command.mailbox()
    }

    fn fail(&mut self, error: Error) {
        if let Some(reply) = self.reply.take() {
            // As above.
            let _ = reply.send(Err(error));
        }
    }
}
