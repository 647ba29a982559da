//! `download`: one part, window by window, decoded on the way, in constant memory.
//!
//! ```text
//!  actor: windows under way ─► pieces [≤ ROOM bytes] ─► decode ─► [≤ CHUNKS_AHEAD] ─► next()
//! ```
//!
//! The windows stop when the reader does not keep up or another call waits for the connection, and go on later.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use email_base::Call;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::decode::Decoder;
use super::feed::{Feed, Outlet};
use crate::command::argument::{self, Mailbox};
use crate::command::part::{First, Opening, Target};
use crate::command::windows::{Offset, Paused, Piece, ROOM, Windows, units};
use crate::connection::Pool;
use crate::error::{Error, Result};
use crate::options::DownloadOptions;

/// Room that has to be there before windows are asked for again: not for every chunk that is read.
const WORTHWHILE: usize = ROOM / 2;
/// Decoded chunks that wait for whoever reads.
const CHUNKS_AHEAD: usize = 1;
/// A chunk is about this large, if so much has arrived.
const CHUNK: usize = 256 << 10;
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
        let first = First { target: self.target.clone(), uid_validity: self.uid_validity };
        let opening = pool.submit(first, call).await?;
        let mut sluice = Sluice { decoder: self.decoder(&opening), left: self.max_bytes, max: self.max_bytes, outlet };
        let at = Offset::new(opening.data.len() as u64);
        let (size, uid_validity, rate) = (opening.size, opening.uid_validity, opening.rate);
        let complete = opening.complete;
        sluice.pass(opening.data).await?;
        if complete {
            return sluice.finish().await;
        }
        let room = Arc::new(Semaphore::new(units(ROOM)));
        let (pieces, arriving) = mpsc::unbounded_channel();
        let windows = || Windows {
            target: self.target.clone(),
            uid_validity,
            size,
            rate,
            at: Arc::clone(&at),
            room: Arc::clone(&room),
            backlog: pool.backlog(),
            pieces: pieces.clone(),
        };
        {
            let reading = read(pool, call, windows, &room, &at);
            let mut giving = std::pin::pin!(give(arriving, &mut sluice));
            let read = tokio::select! {
                read = reading => read,
                given = &mut giving => return given,
            };
            // What has arrived is given out also when the rest cannot come.
            drop(pieces);
            giving.await?;
            read?;
        }
        sluice.finish().await
    }

    fn decoder(&self, opening: &Opening) -> Decoder {
        if !self.decode || self.target.part.is_none() {
            return Decoder::Identity;
        }
        match (&opening.structure, &opening.mime_header) {
            (Some(part), _) if !part.encoding.is_empty() => Decoder::new(&part.encoding),
            (_, Some(header)) => Decoder::new(&encoding(header)),
            _ => Decoder::Identity,
        }
    }
}

/// Asks for windows until there are no more, as long as there is room.
async fn read(
    pool: &Pool,
    call: &Call,
    windows: impl Fn() -> Windows,
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
            Err(error) if error.is_lost_connection() => {
                fruitless = if at.get() > before { 0 } else { fruitless + 1 };
                if fruitless >= FRUITLESS_TRIES {
                    return Err(error);
                }
            }
            Err(error) => return Err(error),
        }
    }
}

async fn give(mut arriving: mpsc::UnboundedReceiver<Piece>, sluice: &mut Sluice) -> Result<()> {
    while let Some(Piece { data, room }) = arriving.recv().await {
        let mut together = Together { bytes: sluice.decoder.push(data).into(), room: vec![room] };
        while together.bytes.len() < CHUNK
            && let Ok(Piece { data, room }) = arriving.try_recv()
        {
            together.bytes.extend_from_slice(&sluice.decoder.push(data));
            together.room.push(room);
        }
        sluice.hand_out(together.bytes.freeze()).await?;
    }
    Ok(())
}

/// What has arrived by now, in one: each chunk costs JavaScript a promise.
struct Together {
    bytes: BytesMut,
    room: Vec<OwnedSemaphorePermit>,
}

/// Decodes, counts and hands out.
struct Sluice {
    decoder: Decoder,
    left: Option<u64>,
    max: Option<u64>,
    outlet: Outlet<Bytes>,
}

impl Sluice {
    async fn pass(&mut self, data: Bytes) -> Result<()> {
        let bytes = self.decoder.push(data);
        self.hand_out(bytes).await
    }

    async fn finish(mut self) -> Result<()> {
        let rest = self.decoder.finish();
        self.hand_out(rest).await
    }

    async fn hand_out(&mut self, bytes: Bytes) -> Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        if let Some(left) = &mut self.left {
            let beyond =
                || Error::LimitExceeded { what: "the download", limit: self.max.unwrap_or_default(), name: "maxBytes" };
            *left = left.checked_sub(bytes.len() as u64).ok_or_else(beyond)?;
        }
        self.outlet.send(Ok(bytes)).await.map_err(|_| Error::Internal("a stream's reader ended"))
    }
}

/// `Content-Transfer-Encoding` of a MIME header.
fn encoding(header: &[u8]) -> String {
    let fields = email_mime::parse_headers(header);
    let field = fields.into_iter().find(|(name, _)| name == "content-transfer-encoding");
    field.and_then(|(_, values)| values.into_iter().next()).unwrap_or_default()
}
