//! What comes off the wire on its way to the reader of a download: decoded, counted, nothing twice.
//!
//! ```text
//!  encoded ─► decoder ─► behind what was given already ─┐
//!  decoded by the server ───────────────────────────────┴─► [≤ CHUNKS_AHEAD] ─► next()
//! ```

use bytes::{Bytes, BytesMut};
use tokio::sync::{OwnedSemaphorePermit, mpsc};

use super::decode::Decoder;
use super::feed::Outlet;
use crate::command::windows::{Form, Piece};
use crate::error::{Error, Result};

/// A chunk is about this large, if so much has arrived.
const CHUNK: usize = 256 << 10;

/// Decodes, counts and hands out.
pub(super) struct Sluice {
    pub(super) decoder: Decoder,
    /// Octets that were handed out.
    pub(super) given: u64,
    overlap: Overlap,
    max: Option<u64>,
    outlet: Outlet<Bytes>,
}

impl Sluice {
    pub(super) fn new(max: Option<u64>, outlet: Outlet<Bytes>) -> Self {
        Self { decoder: Decoder::Identity, given: 0, overlap: Overlap::default(), max, outlet }
    }

    pub(super) async fn pass(&mut self, data: Bytes) -> Result<()> {
        let bytes = self.undo(data, Form::Encoded)?;
        self.hand_out(bytes).await
    }

    /// Whatever arrives until there are no more senders.
    pub(super) async fn give(&mut self, mut arriving: mpsc::UnboundedReceiver<Piece>, form: Form) -> Result<()> {
        while let Some(Piece { data, room }) = arriving.recv().await {
            let mut together = Together { bytes: self.undo(data, form)?.into(), room: vec![room] };
            while together.bytes.len() < CHUNK
                && let Ok(Piece { data, room }) = arriving.try_recv()
            {
                together.bytes.extend_from_slice(&self.undo(data, form)?);
                together.room.push(room);
            }
            self.hand_out(together.bytes.freeze()).await?;
        }
        Ok(())
    }

    /// The end of what is encoded.
    pub(super) async fn finish(mut self) -> Result<()> {
        let rest = self.decoder.finish();
        let rest = self.overlap.behind(rest)?;
        self.overlap.is_over()?;
        self.hand_out(rest).await
    }

    fn undo(&mut self, data: Bytes, form: Form) -> Result<Bytes> {
        match form {
            Form::Encoded => {
                let bytes = self.decoder.push(data);
                self.overlap.behind(bytes)
            }
            Form::Decoded { .. } => {
                self.overlap.given.add(&data);
                Ok(data)
            }
        }
    }

    async fn hand_out(&mut self, bytes: Bytes) -> Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.given = self.given.saturating_add(bytes.len() as u64);
        if let Some(limit) = self.max.filter(|max| self.given > *max) {
            return Err(Error::LimitExceeded { what: "the download", limit, name: "maxBytes" });
        }
        self.outlet.send(Ok(bytes)).await.map_err(|_| Error::Internal("a stream's reader ended"))
    }
}

/// What has arrived by now, in one: each chunk costs JavaScript a promise.
struct Together {
    bytes: BytesMut,
    room: Vec<OwnedSemaphorePermit>,
}

/// What the server has decoded before it failed: it comes once more in the encoded part, and must be the same there.
#[derive(Default)]
struct Overlap {
    given: Run,
    again: Run,
}

impl Overlap {
    /// What of `bytes` was not given yet.
    fn behind(&mut self, mut bytes: Bytes) -> Result<Bytes> {
        let left = self.given.octets.saturating_sub(self.again.octets);
        if left == 0 {
            return Ok(bytes);
        }
        let new = bytes.split_off(bytes.len().min(usize::try_from(left).unwrap_or(usize::MAX)));
        self.again.add(&bytes);
        if self.again.octets == self.given.octets {
            self.is_over()?;
        }
        Ok(new)
    }

    fn is_over(&self) -> Result<()> {
        if self.given == self.again {
            Ok(())
        } else {
            Err(Error::protocol("what it decoded of a part by BINARY is not what the part holds"))
        }
    }
}

/// A run of octets, to be compared with another one: FNV-1a, which comes out alike whatever the pieces.
#[derive(Debug, PartialEq, Eq)]
struct Run {
    octets: u64,
    hash: u64,
}

impl Default for Run {
    fn default() -> Self {
        Self { octets: 0, hash: 0xcbf2_9ce4_8422_2325 }
    }
}

impl Run {
    fn add(&mut self, bytes: &[u8]) {
        self.octets = self.octets.saturating_add(bytes.len() as u64);
        for byte in bytes {
            self.hash = (self.hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_given_is_not_given_again_in_pieces_of_any_size() {
        let whole = b"Hello, world!";
        for given in 0..=whole.len() {
            for piece in 1..=whole.len() {
                let mut overlap = Overlap::default();
                overlap.given.add(&whole[..given]);
                let mut out = whole[..given].to_vec();
                for some in whole.chunks(piece) {
                    out.extend_from_slice(&overlap.behind(Bytes::copy_from_slice(some)).unwrap());
                }
                overlap.is_over().unwrap();
                assert_eq!(out, whole, "{given} by {piece}");
            }
        }
    }

    #[test]
    fn what_was_given_and_is_not_there_is_an_error() {
        let mut other = Overlap::default();
        other.given.add(b"Hullo");
        assert!(other.behind(Bytes::from_static(b"Hello, world")).is_err());
        let mut longer = Overlap::default();
        longer.given.add(b"Hello");
        assert_eq!(longer.behind(Bytes::from_static(b"Hell")).unwrap(), "");
        assert!(longer.is_over().is_err());
    }
}
