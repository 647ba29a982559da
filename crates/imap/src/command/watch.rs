//! IDLE (RFC 2177, RFC 9051 §6.3.13), and NOOP where there is none: one turn of watching a mailbox.
//!
//! ```text
//! EXAMINE ─► differs from what was seen last? ─► IDLE ─┬─ news: told, and on
//!                                                     ├─ a call waits, or a watcher that has seen nothing yet:
//!                                                     │  DONE, the turn is over
//!                                                     └─ [`PROBE`], or the server ends it: DONE, NOOP, IDLE again
//! ```
//!
//! IDLE dies silently behind NATs and on Exchange, and some servers that offer it tell nothing while it lasts. So it is
//! left and entered again every [`PROBE`]: that finds a half-open connection within a minute, and news that was held back.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use email_base::clock;
use tokio::sync::Notify;

use super::argument::Mailbox;
use super::line::Line;
use crate::connection::{Access, Command, Link, Others, Snapshot};
use crate::error::{Error, Result};

/// How long IDLE lasts before the server is asked whether it is still there.
const PROBE: Duration = Duration::from_secs(45);
/// How long its answer to that may take.
const PROBE_ANSWER: Duration = Duration::from_secs(15);
/// Between two NOOPs where there is no IDLE.
const POLL: Duration = Duration::from_secs(30);
/// How long the answer to one of those may take: with the time between them a minute, as with IDLE.
const POLL_ANSWER: Duration = Duration::from_secs(30);

/// One turn.
pub(crate) struct Watch {
    pub(crate) mailbox: Mailbox,
    pub(crate) seen: Arc<Seen>,
    pub(crate) news: Arc<Board>,
    pub(crate) others: Others,
}

/// What a watcher has not heard yet. However much happens, it is no more than this.
#[derive(Debug, Default)]
pub(crate) struct Board {
    news: Mutex<News>,
    pinned: Notify,
}

/// Since the last look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct News {
    /// The connection was lost, and another one watches now.
    pub(crate) reconnected: bool,
    /// Something came, went or changed.
    pub(crate) changed: bool,
}

impl Board {
    /// Waits for news and takes them.
    pub(crate) async fn take(&self) -> News {
        loop {
            let news = std::mem::take(&mut *self.news.lock().unwrap_or_else(PoisonError::into_inner));
            if news != News::default() {
                return news;
            }
            self.pinned.notified().await;
        }
    }

    fn pin(&self, more: News) {
        let mut news = self.news.lock().unwrap_or_else(PoisonError::into_inner);
        news.reconnected |= more.reconnected;
        news.changed |= more.changed;
        if *news != News::default() {
            self.pinned.notify_one();
        }
    }
}

/// The mailbox as it was seen last, over all turns.
#[derive(Debug, Default)]
pub(crate) struct Seen(Mutex<Option<Snapshot>>);

impl Seen {
    fn is_nothing(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_none()
    }

    /// Puts `now` in place of what was there, and tells what is different.
    fn replace(&self, now: Snapshot, link: &Link) -> News {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let news = seen.as_ref().map_or_else(News::default, |before| News {
            reconnected: before.has_lost_connection(),
            changed: before.differs_from(&now) || link.has_left_with_news(before),
        });
        *seen = Some(now);
        news
    }
}

impl Command for Watch {
    type Output = ();
    /// Losing its connection is news; whoever watches decides.
    const IDEMPOTENT: bool = false;

    /// But not before it has seen the mailbox once: what happens until then, nobody could tell.
    fn is_background(&self) -> bool {
        !self.seen.is_nothing()
    }

    fn mailbox(&self) -> Option<&Mailbox> {
        Some(&self.mailbox)
    }

    fn is_plain(&self) -> bool {
        self.mailbox.is_plain()
    }

    async fn run(&self, link: &mut Link) -> Result<()> {
        link.open_and_refresh(&self.mailbox, Access::Read, None).await?;
        self.compare(link)?;
        let began = clock::now();
        let idle = link.has_or_rev2("IDLE");
        let mut was_short = false;
        loop {
            if idle {
                was_short = self.idle(link, began, was_short).await?;
            } else {
                self.wait(link, began, POLL).await?;
            }
            if self.others.are_kept(began) || link.is_renewal_due() {
                return Ok(());
            }
            link.check_pause()?;
            // A NOOP, unless another connection has taken the name away.
            let seen = link.open_and_refresh(&self.mailbox, Access::Read, None);
            let answer = clock::timeout(POLL_ANSWER, seen).await;
            answer.map_err(|_| Error::Silent { during: "NOOP", waited: POLL_ANSWER })??;
            self.compare(link)?;
        }
    }
}

impl Watch {
    /// One IDLE, from `+` to DONE, or to the end that the server itself makes of it. Returns whether that end came soon:
    /// after a second such IDLE in a row it is polled, else a server that keeps none would be asked without a pause.
    async fn idle(&self, link: &mut Link, began: clock::Instant, was_short: bool) -> Result<bool> {
        let line = Line::new("IDLE");
        let Some(tag) = link.begin_idle(&line).await? else {
            // Offered and refused: as without.
            return self.wait(link, began, POLL).await.map(|()| false);
        };
        let entered = clock::now();
        self.wait(link, began, PROBE).await?;
        let is_short = !link.is_idling() && entered.elapsed() < POLL;
        let back = clock::timeout(PROBE_ANSWER, link.end_idle(&tag, &line)).await;
        back.map_err(|_| Error::Silent { during: "IDLE", waited: PROBE_ANSWER })??;
        self.compare(link)?;
        if is_short && was_short {
            self.wait(link, began, POLL).await?;
        }
        Ok(is_short)
    }

    /// Listens for at most `time`, or until the connection is needed, or the server has ended IDLE.
    async fn wait(&self, link: &mut Link, began: clock::Instant, time: Duration) -> Result<()> {
        let end = clock::now() + time;
        let idles = link.is_idling();
        loop {
            if self.others.are_kept(began) || idles != link.is_idling() {
                return Ok(());
            }
            tokio::select! {
                biased;
                heard = link.listen() => {
                    heard?;
                    self.compare(link)?;
                }
                kept = self.others.kept(began) => return kept,
                () = clock::sleep_until(end) => return Ok(()),
            }
        }
    }

    /// Tells what is different from what was seen last.
    fn compare(&self, link: &Link) -> Result<()> {
        let now = link.snapshot().ok_or(Error::Internal("no mailbox is open"))?;
        self.news.pin(self.seen.replace(now, link));
        Ok(())
    }
}
