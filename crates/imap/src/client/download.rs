//! `download`: one part, window by window, decoded on the way, in constant memory.
//!
//! ```text
//!  actor: windows under way ─► pieces [≤ ROOM bytes] ─► decode ─► [≤ CHUNKS_AHEAD] ─► next()
//! ```
//!
//! The windows stop when the reader does not keep up or another call waits for the connection, and go on later.
//!
//! Where the server has BINARY, a small part comes decoded: from its beginning, when its structure is known from a call
//! before; else behind the first window, which has brought the structure along. So it never costs a round trip, unless
//! the server cannot decode it.

use std::sync::Arc;

use bytes::Bytes;
use email_base::Call;
use tokio::sync::{Semaphore, mpsc};

use super::decode::{self, Decoder};
use super::feed::{Feed, Outlet};
use super::sluice::Sluice;
use crate::command::argument::{self, Mailbox};
use crate::command::binary::{Blame, Decoded, blame};
use crate::command::part::{First, Opening, Target};
use crate::command::windows::{Form, Offset, Paused, ROOM, Windows, units};
use crate::connection::{Command, Pool};
use crate::error::{Error, Result};
use crate::options::DownloadOptions;

/// Room that has to be there before windows are asked for again: not for every chunk that is read.
const WORTHWHILE: usize = ROOM / 2;
/// Decoded chunks that wait for whoever reads.
const CHUNKS_AHEAD: usize = 1;
/// Connections lost in a row without one more byte: then the download gives up.
const FRUITLESS_TRIES: u32 = 2;

/// A download under way. Dropping it stops the work.
#[derive(Debug)]
pub struct Chunks(Feed<Bytes>);

impl Chunks {
    pub(super) fn new(pool: Arc<Pool>, path: &str, uid: u32, options: DownloadOptions, call: &Call) -> Self {
        let plan = Plan::new(path, uid, options);
        let (feed_pool, feed_call) = (Arc::clone(&pool), call.clone());
        let start = move |outlet| async move { plan?.run(&pool, &feed_call, outlet).await };
        Self(Feed::new(feed_pool, call.clone(), CHUNKS_AHEAD, start))
    }

    /// The next bytes, never none; `None` at the end, and after an error.
    pub async fn next(&mut self) -> Option<Result<Bytes>> {
        self.0.next().await
    }
}

/// A checked download.
struct Plan {
    target: Target,
    decode: bool,
    max_bytes: Option<u64>,
    uid_validity: Option<u32>,
}

impl Plan {
    fn new(path: &str, uid: u32, options: DownloadOptions) -> Result<Self> {
        if uid == 0 {
            return Err(Error::argument("uid", "is a number from 1 to 4294967295"));
        }
        if let Some(part) = &options.part {
            argument::part(part)?;
        }
        Ok(Self {
            target: Target { mailbox: Mailbox::new(path)?, uid, part: options.part },
            decode: options.decode.unwrap_or(true),
            max_bytes: options.max_bytes,
            uid_validity: options.uid_validity,
        })
    }

    async fn run(self, pool: &Pool, call: &Call, outlet: Outlet<Bytes>) -> Result<()> {
        let mut sluice = Sluice::new(self.max_bytes, outlet);
        if self.decoded_by_server(pool, call, &mut sluice, self.uid_validity).await? {
            return Ok(());
        }
        let untouched = sluice.given == 0;
        let first = First { target: self.target.clone(), uid_validity: self.uid_validity };
        let opening = pool.submit(first, call).await?;
        sluice.decoder = self.decoder(&opening);
        // Then what is decoded so far is three quarters of it, for every server, and it can go on from there.
        let in_step = untouched && sluice.decoder.is_base64() && decode::is_plain_base64(&opening.data);
        let at = Offset::new(opening.data.len() as u64);
        sluice.pass(opening.data).await?;
        if opening.complete {
            return sluice.finish().await;
        }
        if in_step && self.decoded_by_server(pool, call, &mut sluice, opening.uid_validity).await? {
            return Ok(());
        }
        let windows =
            Terms { uid_validity: opening.uid_validity, size: opening.size, rate: opening.rate, form: Form::Encoded };
        self.transfer(pool, call, &mut sluice, &at, windows, |windows| windows).await?;
        sluice.finish().await
    }

    /// Whether the server has decoded the part, from where it was given out to its end. If not, the encoded one is to be
    /// read; what was given by then is known to `sluice`.
    async fn decoded_by_server(
        &self,
        pool: &Pool,
        call: &Call,
        sluice: &mut Sluice,
        uid_validity: Option<u32>,
    ) -> Result<bool> {
        let Some(part) = self.target.part.as_deref().filter(|_| self.decode) else { return Ok(false) };
        let quirks = pool.quirks();
        if quirks.ignores_partial() || quirks.avoids_binary() {
            return Ok(false);
        }
        let (mailbox, uid) = (&self.target.mailbox, self.target.uid);
        let Some((known_validity, encoded)) = pool.parts().find(mailbox, uid_validity, uid, part) else {
            return Ok(false);
        };
        let plausible = encoded.plausible();
        let form = Form::Decoded { most: *plausible.end() };
        let at = Offset::new(sluice.given);
        let windows = Terms { uid_validity: Some(known_validity), size: None, rate: 0, form };
        let blame = match self.transfer(pool, call, sluice, &at, windows, Decoded).await {
            Ok(()) if plausible.contains(&at.get()) => {
                quirks.note_decoded();
                return Ok(true);
            }
            Ok(()) => Blame::Message,
            Err(error) => blame(&error).ok_or(error)?,
        };
        tracing::debug!(target: "imap", ?blame, "the server did not decode a part");
        match blame {
            Blame::Nobody | Blame::Message => {}
            Blame::Session => quirks.note_lost_over_binary(),
            Blame::Server => quirks.note_refused_binary(),
        }
        if blame != Blame::Nobody {
            pool.parts().avoid(mailbox, known_validity, uid);
        }
        Ok(false)
    }

    /// Reads windows and gives out what they bring, at the same time.
    async fn transfer<C: Command<Output = Paused>>(
        &self,
        pool: &Pool,
        call: &Call,
        sluice: &mut Sluice,
        at: &Arc<Offset>,
        terms: Terms,
        command: impl Fn(Windows) -> C,
    ) -> Result<()> {
        let room = Arc::new(Semaphore::new(units(ROOM)));
        let (pieces, arriving) = mpsc::unbounded_channel();
        let windows = || {
            command(Windows {
                target: self.target.clone(),
                uid_validity: terms.uid_validity,
                size: terms.size,
                rate: terms.rate,
                at: Arc::clone(at),
                room: Arc::clone(&room),
                others: pool.others(),
                pieces: pieces.clone(),
                form: terms.form,
            })
        };
        let reading = read(pool, call, windows, &room, at);
        let mut giving = std::pin::pin!(sluice.give(arriving, terms.form));
        let read = tokio::select! {
            read = reading => read,
            given = &mut giving => return given,
        };
        // What has arrived is given out also when the rest cannot come.
        drop(pieces);
        giving.await?;
        read
    }

    fn decoder(&self, opening: &Opening) -> Decoder {
        if !self.decode || self.target.part.is_none() {
            return Decoder::Identity;
        }
        // The header is the sender's own; servers leave encodings out of structures.
        let said = opening.mime_header.as_deref().map(encoding).filter(|encoding| !encoding.is_empty());
        let known = opening.structure.as_ref().map(|part| part.encoding.as_str());
        Decoder::new(said.as_deref().or(known).unwrap_or_default())
    }
}

/// What the windows of a download have in common.
#[derive(Clone, Copy)]
struct Terms {
    uid_validity: Option<u32>,
    size: Option<u64>,
    rate: u64,
    form: Form,
}

/// Asks for windows until there are no more, as long as there is room.
async fn read<C: Command<Output = Paused>>(
    pool: &Pool,
    call: &Call,
    windows: impl Fn() -> C,
    room: &Arc<Semaphore>,
    at: &Offset,
) -> Result<()> {
    let mut fruitless = 0;
    loop {
        // Only looked at: the windows take their own.
        let worthwhile = u32::try_from(units(WORTHWHILE)).unwrap_or(u32::MAX);
        drop(room.acquire_many(worthwhile).await.map_err(|_| Error::Internal("a semaphore was closed"))?);
        let before = at.get();
        match pool.submit(windows(), call).await {
            Ok(Paused::End) => return Ok(()),
            Ok(Paused::More) => {}
            Err(error) if error.is_lost_connection() && C::IDEMPOTENT => {
                fruitless = if at.get() > before { 0 } else { fruitless + 1 };
                if fruitless >= FRUITLESS_TRIES {
                    return Err(error);
                }
            }
            Err(error) => return Err(error),
        }
    }
}

/// `Content-Transfer-Encoding` of a MIME header.
fn encoding(header: &[u8]) -> String {
    let fields = email_mime::parse_headers(header);
    let field = fields.into_iter().find(|(name, _)| name == "content-transfer-encoding");
    field.and_then(|(_, values)| values.into_iter().next()).unwrap_or_default()
}
