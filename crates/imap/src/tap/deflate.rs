//! COMPRESS=DEFLATE (RFC 4978), between the tap and its stream.
//!
//! ```text
//! stream ─► wire ─► inflate ─► frames        unsent ─► stored blocks ─► stream
//! ```
//!
//! What comes is inflated as far as there is room for it, so a bomb costs no memory: the limits of a response hold for
//! what comes out. What goes is sent in stored blocks (RFC 1951 §3.2.4): commands are short, messages are mostly base64,
//! and a compressor would cost 300 kB a connection.

use bytes::{Buf, BufMut, BytesMut};
use flate2::{Decompress, FlushDecompress, Status};

use super::end::End;

/// Octets that may come out beyond `HONEST_RATIO` before a command is complete. Stops the bomb that costs the sender a
/// thousandth of what it costs us; a message of nothing but zeros passes, up to the limit of a literal.
pub const MAX_SURPLUS: u64 = 64 << 20;
/// What mail and envelopes compress to at best, with room to spare.
const HONEST_RATIO: u64 = 100;
/// The longest stored block.
const MAX_STORED: usize = 0xffff;
/// Room for one step.
const STEP: usize = 16 << 10;

/// The state of a compressed session.
pub(super) struct Deflate {
    inflate: Decompress,
    /// Read, not yet inflated.
    pub(super) wire: BytesMut,
    /// There may be more to come out of what has gone in.
    full: bool,
    went_in: u64,
    came_out: u64,
}

impl Deflate {
    /// `wire`: what has come behind the answer to COMPRESS is compressed already.
    pub(super) fn new(wire: BytesMut) -> Self {
        Self { inflate: Decompress::new(false), wire, full: false, went_in: 0, came_out: 0 }
    }

    /// A command is complete: what came before it is accounted for.
    pub(super) fn settle(&mut self) {
        self.went_in = 0;
        self.came_out = 0;
    }

    /// Inflates one step of what is there. `false`: nothing came out, more has to be read.
    pub(super) fn step(&mut self, out: &mut BytesMut) -> Result<bool, End> {
        while !self.wire.is_empty() || self.full {
            let start = out.len();
            out.resize(start.saturating_add(STEP), 0);
            let (before_in, before_out) = (self.inflate.total_in(), self.inflate.total_out());
            let room = out.get_mut(start..).unwrap_or_default();
            let status = self.inflate.decompress(&self.wire, room, FlushDecompress::None);
            let taken = self.inflate.total_in().saturating_sub(before_in);
            let given = self.inflate.total_out().saturating_sub(before_out);
            let given_here = usize::try_from(given).unwrap_or(STEP).min(STEP);
            out.truncate(start.saturating_add(given_here));
            self.wire.advance(usize::try_from(taken).unwrap_or(usize::MAX).min(self.wire.len()));
            self.full = given_here == STEP;
            self.count(taken, given)?;
            match status {
                Ok(Status::Ok | Status::BufError) if given > 0 => return Ok(true),
                // Nothing goes in and nothing comes out: it waits for more.
                Ok(Status::Ok | Status::BufError) if taken == 0 => return Ok(false),
                Ok(Status::Ok | Status::BufError) => {}
                // RFC 4978 knows no end of the stream; what stands behind one is nobody's.
                Ok(Status::StreamEnd) | Err(_) => return Err(End::BadCompression),
            }
        }
        Ok(false)
    }

    fn count(&mut self, taken: u64, given: u64) -> Result<(), End> {
        self.went_in = self.went_in.saturating_add(taken);
        self.came_out = self.came_out.saturating_add(given);
        let honest = self.went_in.saturating_mul(HONEST_RATIO).saturating_add(MAX_SURPLUS);
        if self.came_out > honest { Err(End::DeflateBomb { limit: MAX_SURPLUS }) } else { Ok(()) }
    }
}

/// Appends `bytes` as stored blocks, which stand for themselves.
pub(super) fn store(bytes: &[u8], out: &mut BytesMut) {
    for block in bytes.chunks(MAX_STORED) {
        let length = u16::try_from(block.len()).unwrap_or(u16::MAX);
        out.reserve(block.len().saturating_add(5));
        // Not the final one, of type 00, and the rest of the octet is padding.
        out.put_u8(0);
        out.put_u16_le(length);
        out.put_u16_le(!length);
        out.put_slice(block);
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::*;

    fn deflated(plain: &[u8]) -> Vec<u8> {
        let mut writer = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
        writer.write_all(plain).unwrap();
        writer.flush().unwrap();
        writer.get_ref().clone()
    }

    #[test]
    fn any_split_inflates_to_the_same() {
        let plain: Vec<u8> = (0..100_000u32).flat_map(|n| (n % 977).to_le_bytes()).collect();
        let wire = deflated(&plain);
        for piece in [1, 7, 4096, wire.len()] {
            let (mut state, mut out) = (Deflate::new(BytesMut::new()), BytesMut::new());
            for some in wire.chunks(piece) {
                state.wire.extend_from_slice(some);
                while state.step(&mut out).unwrap() {}
            }
            assert!(out == plain, "in pieces of {piece}");
        }
    }

    #[test]
    fn stored_blocks_are_deflate() {
        for length in [0, 1, MAX_STORED, MAX_STORED + 1, 200_000] {
            let plain: Vec<u8> = (0..length).map(|n| n as u8).collect();
            let mut wire = BytesMut::new();
            store(&plain, &mut wire);
            let mut back = Vec::new();
            // The stream has no end, which the reader mends by a final empty block.
            wire.extend_from_slice(&[1, 0, 0, 0xff, 0xff]);
            flate2::read::DeflateDecoder::new(&wire[..]).read_to_end(&mut back).unwrap();
            assert!(back == plain, "{length}");
        }
    }

    #[test]
    fn a_bomb_ends_and_honest_zeros_do_not() {
        let zeros = deflated(&vec![0; 40 << 20]);
        let (mut state, mut out) = (Deflate::new(BytesMut::new()), BytesMut::new());
        let mut outcome = Ok(());
        for nth in 0..20 {
            if nth < 5 {
                state.settle();
            }
            // Each is a stream's beginning of its own.
            state.inflate.reset(false);
            state.wire.extend_from_slice(&zeros);
            loop {
                match state.step(&mut out) {
                    Ok(true) => out.clear(),
                    Ok(false) => break,
                    Err(end) => {
                        outcome = Err((nth, end));
                        break;
                    }
                }
            }
            if outcome.is_err() {
                break;
            }
        }
        let (nth, end) = outcome.unwrap_err();
        assert_eq!(end, End::DeflateBomb { limit: MAX_SURPLUS });
        assert!(nth >= 5, "each command alone is honest: {nth}");
        assert!(out.capacity() < 1 << 20, "{}", out.capacity());
    }

    #[test]
    fn what_is_no_deflate_and_what_ends() {
        let ended = [1, 0, 0, 0xff, 0xff, b'x'];
        for wire in [&[0xff; 20][..], &ended] {
            let mut state = Deflate::new(BytesMut::from(wire));
            let mut out = BytesMut::new();
            let outcome = std::iter::repeat_with(|| state.step(&mut out)).find(|step| *step != Ok(true));
            assert_eq!(outcome, Some(Err(End::BadCompression)), "{wire:?}");
        }
    }
}
