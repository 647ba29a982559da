//! The bounded queue between the tap and the actor.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::grammar::Event;

/// Wire bytes of the events that wait. Their values take up to ten times as much. One larger event is let in alone.
const MAX_BYTES: usize = 1 << 20;

/// Events that wait: an event has a fixed part, however few its bytes (`* 1 EXPUNGE`).
const MAX_EVENTS: usize = 1024;

/// The actor's end.
#[derive(Debug)]
pub struct Events(Shared);

/// The tap's end.
#[derive(Debug, Clone)]
pub(super) struct Shared(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    events: VecDeque<(Event, usize)>,
    bytes: usize,
    /// Nothing more will come.
    ended: bool,
    /// Nobody takes events any more: they are dropped.
    abandoned: bool,
    taker: Option<Waker>,
    giver: Option<Waker>,
}

impl Events {
    pub(super) fn new() -> (Shared, Self) {
        let shared = Shared(Arc::default());
        (shared.clone(), Self(shared))
    }

    /// The next event. `None` after the end of the stream, when all before it were taken: see
    /// [`super::TapControl::end`]. Cancel-safe.
    ///
    /// It does not read by itself: something has to poll async-imap beside it.
    pub async fn next(&mut self) -> Option<Event> {
        self.next_weighed().await.map(|(event, _)| event)
    }

    /// The same with its wire bytes: whoever keeps events bounds them by these. A body that was streamed is not in them.
    pub async fn next_weighed(&mut self) -> Option<(Event, usize)> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// The next event if there is one now.
    pub fn try_next(&mut self) -> Option<Event> {
        self.try_next_weighed().map(|(event, _)| event)
    }

    /// The same with its wire bytes.
    pub fn try_next_weighed(&mut self) -> Option<(Event, usize)> {
        self.0.lock().take()
    }

    /// Runs `work`, some call of async-imap, to its end, and hands every event that comes meanwhile to `on_event`.
    pub async fn drive<W: Future>(&mut self, work: W, mut on_event: impl FnMut(Event)) -> W::Output {
        self.drive_weighed(work, |event, _| on_event(event)).await
    }

    /// The same with their wire bytes.
    pub async fn drive_weighed<W: Future>(&mut self, work: W, mut on_event: impl FnMut(Event, usize)) -> W::Output {
        let mut work = pin!(work);
        poll_fn(|cx| {
            let mut done = work.as_mut().poll(cx);
            while let Poll::Ready(Some((event, bytes))) = self.poll_next(cx) {
                on_event(event, bytes);
                if done.is_pending() {
                    done = work.as_mut().poll(cx);
                }
            }
            done
        })
        .await
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<(Event, usize)>> {
        let mut state = self.0.lock();
        match state.take() {
            Some(event) => Poll::Ready(Some(event)),
            None if state.ended => Poll::Ready(None),
            None => {
                state.taker = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.abandoned = true;
        state.events.clear();
        state.bytes = 0;
        wake(&mut state.giver);
    }
}

impl Shared {
    /// Ready when one more event may be put in.
    pub(super) fn poll_room(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.lock();
        if state.has_room() {
            return Poll::Ready(());
        }
        state.giver = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Puts an event of `bytes` wire bytes in. Ask [`Self::poll_room`] first.
    pub(super) fn push(&self, event: Event, bytes: usize) {
        let mut state = self.lock();
        if state.abandoned {
            return;
        }
        state.bytes = state.bytes.saturating_add(bytes);
        state.events.push_back((event, bytes));
        wake(&mut state.taker);
    }

    /// Nothing more will come.
    pub(super) fn end(&self) {
        let mut state = self.lock();
        state.ended = true;
        wake(&mut state.taker);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn has_room(&self) -> bool {
        self.abandoned || self.events.is_empty() || (self.bytes < MAX_BYTES && self.events.len() < MAX_EVENTS)
    }

    fn take(&mut self) -> Option<(Event, usize)> {
        let (event, bytes) = self.events.pop_front()?;
        self.bytes = self.bytes.saturating_sub(bytes);
        if self.has_room() {
            wake(&mut self.giver);
        }
        Some((event, bytes))
    }
}

fn wake(waker: &mut Option<Waker>) {
    if let Some(waker) = waker.take() {
        waker.wake();
    }
}
