//! A stream of results: work that starts with the first question and stops when nobody asks any more.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use email_base::Call;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::connection::Pool;
use crate::error::{Error, Result};

/// Where the work puts its results; it waits there until they are taken.
pub(crate) type Outlet<T> = mpsc::Sender<Result<T>>;

type Work = Pin<Box<dyn Future<Output = Result<()>> + Send>>;
type Start<T> = Box<dyn FnOnce(Outlet<T>) -> Work + Send + Sync>;

/// The asking end. Dropping it stops the work at its next await.
pub(crate) struct Feed<T> {
    state: State<T>,
    pool: Arc<Pool>,
    call: Call,
    capacity: usize,
}

enum State<T> {
    New(Option<Start<T>>),
    Running { results: mpsc::Receiver<Result<T>>, task: JoinHandle<()> },
    Ended,
}

impl<T: Send + 'static> Feed<T> {
    /// `start` is called by the first [`Self::next`]; at most `capacity` results wait.
    pub(crate) fn new<W>(
        pool: Arc<Pool>,
        call: Call,
        capacity: usize,
        start: impl FnOnce(Outlet<T>) -> W + Send + Sync + 'static,
    ) -> Self
    where
        W: Future<Output = Result<()>> + Send + 'static,
    {
        let start: Start<T> = Box::new(move |outlet| Box::pin(start(outlet)));
        Self { state: State::New(Some(start)), pool, call, capacity }
    }

    /// The next result; `None` at the end and after an error.
    pub(crate) async fn next(&mut self) -> Option<Result<T>> {
        if let State::New(start) = &mut self.state {
            let start = start.take()?;
            if let Err(why) = self.call.check() {
                return self.end(Some(why.into()));
            }
            let (outlet, results) = mpsc::channel(self.capacity);
            let work = start(outlet.clone());
            self.state = State::Running { results, task: tokio::spawn(supervised(work, outlet)) };
        }
        let State::Running { results, task } = &mut self.state else { return None };
        tokio::select! {
            biased;
            why = self.call.interrupted() => self.end(Some(why.into())),
            result = results.recv() => match result {
                Some(Ok(item)) => Some(Ok(item)),
                Some(Err(error)) => self.end(Some(error)),
                // Its end, unless the work has panicked.
                None => {
                    let ended = task.await;
                    self.end(ended.err().map(|_| Error::Internal("a stream's task ended")))
                }
            },
            () = self.pool.closed() => self.end(Some(Error::Closed)),
        }
    }

    fn end(&mut self, error: Option<Error>) -> Option<Result<T>> {
        self.state = State::Ended;
        error.map(Err)
    }
}

async fn supervised<T>(work: Work, outlet: Outlet<T>) {
    let outcome = tokio::select! {
        biased;
        () = outlet.closed() => return,
        outcome = work => outcome,
    };
    if let Err(error) = outcome {
        // Nobody asks any more: nobody is told.
        let _ = outlet.send(Err(error)).await;
    }
}

impl<T> std::fmt::Debug for Feed<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let state = match self.state {
            State::New(_) => "new",
            State::Running { .. } => "running",
            State::Ended => "ended",
        };
        f.debug_struct("Feed").field("state", &state).finish_non_exhaustive()
    }
}
