//! The rest of a large part, in windows that stream past the buffers (RFC 9051 §6.4.5, `<partial>`).
//!
//! ```text
//!  asked ahead:  [1 MB][2 MB][4 MB]…   ≤ budget            tap ─► chunks ─► reader (≤ ROOM bytes)
//!  answered:     ▓▓▓▓▓▓▓▓▓▓▓                                when the reader stops, TCP stops the server
//! ```
//!
//! Memory is constant, whatever the part's size. As much is asked ahead as the line brings in two seconds, by what was
//! seen of it: latency costs one round trip, or few. While the reader stops the
//! connection stops with it, which must not hold up other calls: if one waits, what was asked ahead is read into the
//! void and asked for again later. No deadlock, and only a reader that is slower than the network pays for it.
//!
//! Sizes are hints: the end is a window that brings nothing more. Nor do completions say what came for which window: a
//! server may work on several, and complete them all at the end (Dovecot does), or in another order. Only where the
//! bytes have come to counts.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::Poll;

use async_imap::imap_proto::RequestId;
use bytes::Bytes;
use email_base::Code;
use email_base::clock::{self, Instant};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::argument::Mailbox;
use super::line::Line;
use super::part::{FIRST_WINDOW, Target, rate};
use crate::connection::{Access, Command, Freshness, Link, Others};
use crate::error::{Error, Result};
use crate::grammar::{Content, Untagged};
use crate::tap::{Bodies, BodyChunk};

/// Bytes on their way to the reader.
pub(crate) const ROOM: usize = 2 << 20;
/// The room is counted in units of this many bytes.
const UNIT: usize = 1 << 10;
/// Bytes that wait between the tap and this.
pub(super) const TAP_ROOM: usize = 256 << 10;
/// The first window asked ahead; the next ones are twice as large each.
const SMALLEST: u64 = 1 << 20;
/// No window is larger.
const LARGEST: u64 = 8 << 20;
/// What the line brings in so many seconds may be asked ahead…
const AHEAD_SECONDS: u64 = 2;
/// Quoted strings among the answers to one command: each window has one at most.
const MAX_INLINE: usize = 64;
/// … but no less and no more octets than this. Other calls wait for what is under way; and a part of 25 MB, in base64, shall come in one go over a line that is fast and far.
const BUDGET: std::ops::RangeInclusive<u64> = (2 << 20)..=(48 << 20);

/// Reads on from where the reading has come to.
pub(crate) struct Windows {
    pub(crate) target: Target,
    pub(crate) uid_validity: Option<u32>,
    pub(crate) size: Option<u64>,
    /// Octets a second, as far as seen.
    pub(crate) rate: u64,
    pub(crate) at: Arc<Offset>,
    pub(crate) room: Arc<Semaphore>,
    pub(crate) others: Others,
    pub(crate) pieces: mpsc::UnboundedSender<Piece>,
    pub(crate) form: Form,
}

/// Which octets a window counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// The message's.
    Encoded,
    /// Those that the server decodes: see [`super::binary`].
    Decoded {
        /// The part has no more. One octet beyond is passed on, to show that the server gives something else.
        most: u64,
    },
}

/// Bytes in order, with the room they take.
pub(crate) struct Piece {
    pub(crate) data: Bytes,
    pub(crate) room: OwnedSemaphorePermit,
}

/// Units of room.
pub(crate) fn units(bytes: usize) -> usize {
    bytes.div_ceil(UNIT)
}

/// How far the reading has come; shared with whoever asks again.
#[derive(Debug)]
pub(crate) struct Offset {
    at: AtomicU64,
    /// The reader has held up another call before: little is asked ahead, so that little goes into the void.
    cautious: AtomicBool,
}

impl Offset {
    pub(crate) fn new(at: u64) -> Arc<Self> {
        Arc::new(Self { at: AtomicU64::new(at), cautious: AtomicBool::new(false) })
    }

    pub(crate) fn get(&self) -> u64 {
        self.at.load(Ordering::Acquire)
    }

    fn advance(&self, by: usize) {
        self.at.fetch_add(by as u64, Ordering::AcqRel);
    }
}

/// Whether there is more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Paused {
    /// Ask again when there is room.
    More,
    /// That was all.
    End,
}

impl Command for Windows {
    type Output = Paused;
    /// A second run goes on where the first one ended.
    const IDEMPOTENT: bool = true;

    fn mailbox(&self) -> Option<&Mailbox> {
        Some(&self.target.mailbox)
    }

    fn is_plain(&self) -> bool {
        self.target.mailbox.is_plain()
    }

    async fn run(&self, link: &mut Link) -> Result<Paused> {
        link.open(&self.target.mailbox, Access::Read, self.uid_validity, Freshness::AsIs).await?;
        let tap = link.meter();
        let bodies = Some(tap.stream_bodies(1, TAP_ROOM));
        let mut intake = Intake { windows: self, bodies, skip: Skip::All, told: Told::default() };
        let mut ahead = Ahead::new(self);
        let (began, start) = (clock::now(), self.at.get());
        let mut short = None;
        loop {
            let mut asked = false;
            while short.is_none()
                && intake.bodies.is_some()
                && ahead.has_budget()
                && !self.others.are_kept(began)
                && !link.is_renewal_due()
            {
                link.cork();
                ahead.ask(link, self).await?;
                asked = true;
            }
            if asked {
                link.uncork("UID FETCH").await?;
            }
            let Some(window) = ahead.under_way.pop_front() else { break };
            match intake.window(link, &window).await {
                // Most likely that was all, and some servers refuse what begins behind the end.
                Err(Error::Refused { code: Code::CommandRejected, .. })
                    if self.may_be_through(start) && !link.quirks.ignores_partial() =>
                {
                    tap.stop_bodies();
                    return Ok(Paused::End);
                }
                heard => heard?,
            }
            let at = self.at.get();
            ahead.answered(&window, at);
            let last = at < window.end || intake.told.whole || self.form != Form::Encoded;
            if last && intake.bodies.is_some() {
                short.get_or_insert(window.end);
            }
        }
        tap.stop_bodies();
        let Told { gap, whole, .. } = intake.told;
        if whole && self.form == Form::Encoded {
            link.quirks.note_ignored_partial();
        }
        let Some(end) = short else { return Ok(Paused::More) };
        // What was asked for behind a short window, or came out of turn, does not fit on. As long as bytes come at all, the
        // rest is asked for again.
        let at = self.at.get();
        let in_windows = !whole && end != u64::MAX;
        let more_claimed = in_windows && self.size.is_some_and(|size| size > at);
        let unknown = in_windows && self.size.is_none() && self.form == Form::Encoded;
        if at > start && (gap || more_claimed || unknown) {
            Ok(Paused::More)
        } else {
            self.end(intake.told, gap || more_claimed)
        }
    }
}

impl Windows {
    /// No size is told, and the first window, which ended at `at`, came short.
    fn may_be_through(&self, at: u64) -> bool {
        self.form == Form::Encoded && self.size.is_none() && (1..FIRST_WINDOW).contains(&at)
    }

    /// Nothing more comes. Sizes lie: an empty window is the end, whatever they claim. But a message that is gone, or of
    /// which the server gives what stands behind and not what is next, has no end here.
    fn end(&self, told: Told, more_claimed: bool) -> Result<Paused> {
        match () {
            () if !more_claimed || self.form != Form::Encoded || (told.section && !told.gap) => Ok(Paused::End),
            () if told.row => Err(Error::IncompleteMessage(self.target.uid)),
            () => Err(self.target.gone()),
        }
    }
}

/// A window under way.
struct Window {
    tag: RequestId,
    line: Line,
    octets: u64,
    /// Where it ends, if the part does not end before.
    end: u64,
    asked: Instant,
}

/// What is asked ahead, and how much may be.
struct Ahead {
    under_way: VecDeque<Window>,
    next: u64,
    /// Where the end is, if the server is right: nothing is asked ahead beyond it.
    size: u64,
    octets: u64,
    budget: u64,
    cautious: bool,
    /// When something came last, and how far that was.
    heard: Option<Instant>,
    heard_at: u64,
}

impl Ahead {
    fn new(windows: &Windows) -> Self {
        let cautious = windows.at.cautious.load(Ordering::Relaxed);
        Self {
            under_way: VecDeque::new(),
            next: windows.at.get(),
            size: match windows.form {
                Form::Encoded if windows.may_be_through(windows.at.get()) => windows.at.get(),
                Form::Encoded => windows.size.unwrap_or(u64::MAX),
                Form::Decoded { most } => most,
            },
            octets: SMALLEST,
            budget: budget(windows.rate, cautious),
            cautious,
            heard: None,
            heard_at: windows.at.get(),
        }
    }

    fn has_budget(&self) -> bool {
        let under_way = self.under_way.iter().map(|window| window.octets).fold(0, u64::saturating_add);
        let more = self.next < self.size && under_way.saturating_add(self.octets) <= self.budget;
        self.under_way.is_empty() || more
    }

    async fn ask(&mut self, link: &mut Link, windows: &Windows) -> Result<()> {
        let target = &windows.target;
        let (octets, item) = match windows.form {
            // One more than there can be: who brings fewer has brought all.
            Form::Decoded { most } => {
                let octets = most.saturating_sub(self.next).saturating_add(1);
                (octets, target.decoded_window(self.next, octets))
            }
            // A server that ignores windows gets one question, about everything.
            Form::Encoded if link.quirks.ignores_partial() => (u64::MAX, target.whole()),
            Form::Encoded => (self.octets, target.window(self.next, self.octets)),
        };
        let line = Line::new("UID FETCH").arg(target.uid.to_string()).arg(format!("(UID {item})"));
        let tag = link.send(&line).await?;
        self.next = self.next.saturating_add(octets);
        self.under_way.push_back(Window { tag, line, octets, end: self.next, asked: clock::now() });
        self.octets = self.octets.saturating_mul(2).min(LARGEST).min(self.budget / 2).max(SMALLEST);
        Ok(())
    }

    /// Learns from how fast bytes come: what is under way on a slow line holds up other calls for long.
    fn answered(&mut self, window: &Window, at: u64) {
        let got = at.saturating_sub(self.heard_at);
        // Completed at the same moment as the one before it: its bytes came with those.
        if got == 0 {
            return;
        }
        let now = clock::now();
        let since = self.heard.replace(now).unwrap_or(window.asked).max(window.asked);
        self.heard_at = at;
        self.budget = budget(rate(got, now.saturating_duration_since(since)), self.cautious);
    }
}

/// Octets that may be asked ahead on a line of this rate.
fn budget(rate: u64, cautious: bool) -> u64 {
    if cautious { SMALLEST } else { rate.saturating_mul(AHEAD_SECONDS).clamp(*BUDGET.start(), *BUDGET.end()) }
}

/// Takes the literals as they stream by.
struct Intake<'a> {
    windows: &'a Windows,
    /// `None`: everything that still comes goes into the void.
    bodies: Option<Bodies>,
    skip: Skip,
    told: Told,
}

/// What the answers were about.
#[derive(Debug, Clone, Copy, Default)]
struct Told {
    /// The message.
    row: bool,
    /// The section, be it with nothing in it.
    section: bool,
    /// Bytes that begin behind where the reading had come to.
    gap: bool,
    /// Everything, though a window was asked for.
    whole: bool,
}

/// What to do with the bytes of the current literal.
#[derive(Clone, Copy)]
enum Skip {
    /// They are none of the part's.
    All,
    /// They do not fit on: some before them are missing.
    Gap,
    /// But for so many bytes, which are known: the server ignores windows and sends everything.
    First(u64),
}

impl Intake<'_> {
    /// Reads until the window is complete and its bytes are on their way to the reader.
    async fn window(&mut self, link: &mut Link, window: &Window) -> Result<()> {
        let (mut inline, mut told) = (Vec::new(), Told::default());
        {
            let mut sink = |data| self.windows.inline(data, &mut told, &mut inline);
            let mut answer = pin!(link.answer(&window.tag, &window.line, &mut sink));
            loop {
                tokio::select! {
                    biased;
                    chunk = next(&mut self.bodies) => match chunk {
                        Some(chunk) => self.take(chunk).await?,
                        // The session has ended: the answer will say so.
                        None => self.bodies = None,
                    },
                    done = &mut answer => {
                        done?;
                        break;
                    }
                }
            }
        }
        while let Some(bodies) = &mut self.bodies {
            match poll_fn(|cx| Poll::Ready(bodies.poll_next(cx))).await {
                Poll::Ready(Some(chunk)) => self.take(chunk).await?,
                Poll::Ready(None) | Poll::Pending => break,
            }
        }
        self.told.row |= told.row;
        self.told.section |= told.section;
        for (origin, data) in inline {
            self.begin(origin, data.len() as u64);
            self.data(data).await?;
        }
        Ok(())
    }

    async fn take(&mut self, chunk: BodyChunk) -> Result<()> {
        match chunk {
            BodyChunk::Start { section, binary, origin, size } => {
                self.skip = Skip::All;
                if self.windows.wants(&section, binary) {
                    self.begin(origin, size);
                }
                Ok(())
            }
            BodyChunk::Data(data) => self.data(data).await,
            BodyChunk::End => Ok(()),
        }
    }

    /// `octets` that say they begin at `origin`.
    fn begin(&mut self, origin: Option<u64>, octets: u64) {
        let at = self.windows.at.get();
        // No window begins at 0 but the first one, which came before. So what says that it does is everything, if it is
        // as long; else its number is wrong.
        let is_whole = octets >= at && self.windows.size.is_none_or(|size| octets >= size);
        self.skip = match origin {
            Some(origin) if origin == at => Skip::First(0),
            None => Skip::First(at),
            Some(_) if self.windows.form != Form::Encoded => Skip::All,
            Some(0) if !is_whole => Skip::Gap,
            Some(origin) => at.checked_sub(origin).map_or(Skip::Gap, Skip::First),
        };
        self.told.whole |= at > 0 && (origin.is_none() || (origin == Some(0) && is_whole));
    }

    /// Passes bytes on, when the reader has room for them; gives up when it has none and another call waits.
    async fn data(&mut self, mut data: Bytes) -> Result<()> {
        self.told.gap |= matches!(self.skip, Skip::Gap) && !data.is_empty();
        let Skip::First(skip) = self.skip else { return Ok(()) };
        let skipped = data.len().min(usize::try_from(skip).unwrap_or(usize::MAX));
        self.skip = Skip::First(skip.saturating_sub(skipped as u64));
        let mut rest = data.split_off(skipped);
        if let Form::Decoded { most } = self.windows.form {
            let left = most.saturating_add(1).saturating_sub(self.windows.at.get());
            rest.truncate(usize::try_from(left).unwrap_or(usize::MAX));
        }
        while !rest.is_empty() && self.bodies.is_some() {
            let piece = rest.split_to(rest.len().min(ROOM / 4));
            let Some(room) = self.room(piece.len()).await? else {
                self.windows.at.cautious.store(true, Ordering::Relaxed);
                self.bodies = None;
                return Ok(());
            };
            self.windows.at.advance(piece.len());
            // Whoever has gone wants no bytes; the answers are read all the same.
            let _ = self.windows.pieces.send(Piece { data: piece, room });
        }
        Ok(())
    }

    /// `None`: the reader has stopped, and somebody else needs the connection.
    async fn room(&self, bytes: usize) -> Result<Option<OwnedSemaphorePermit>> {
        let count = u32::try_from(units(bytes)).unwrap_or(u32::MAX);
        tokio::select! {
            biased;
            room = Arc::clone(&self.windows.room).acquire_many_owned(count) => {
                room.map(Some).map_err(|_| Error::Internal("a semaphore was closed"))
            }
            kept = self.windows.others.kept(clock::now()) => kept.map(|()| None),
        }
    }
}

/// The next chunk; for ever pending without bodies.
async fn next(bodies: &mut Option<Bodies>) -> Option<BodyChunk> {
    match bodies {
        Some(bodies) => bodies.next().await,
        None => std::future::pending().await,
    }
}

impl Windows {
    /// Whether these are the octets that were asked for: encoded ones are not what was to be decoded.
    fn wants(&self, section: &str, binary: bool) -> bool {
        section.eq_ignore_ascii_case(self.target.section()) && (binary || self.form == Form::Encoded)
    }

    /// Quoted strings are too small to stream: they stay in their row.
    fn inline(&self, data: Untagged, told: &mut Told, found: &mut Vec<(Option<u64>, Bytes)>) {
        let Untagged::Fetch(row) = data else { return };
        if row.uid != Some(self.target.uid) {
            return;
        }
        told.row = true;
        for section in row.sections {
            let wanted = self.wants(&section.section, section.binary);
            told.section |= wanted;
            if let Content::Inline(bytes) = section.content
                && wanted
                && found.len() < MAX_INLINE
            {
                found.push((section.origin, bytes));
            }
        }
    }
}
