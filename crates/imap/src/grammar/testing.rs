//! What the tests of this folder share.

use super::{Event, Frame, response};
use crate::tap::{Limits, frames_of};

/// The first response in `bytes`; an unfinished one as far as it goes.
pub(super) fn frame(bytes: &[u8]) -> Frame {
    let unfinished = || Frame { bytes: bytes.to_vec().into(), ..Frame::default() };
    frames_of(bytes, Limits::default()).ok().and_then(|frames| frames.into_iter().next()).unwrap_or_else(unfinished)
}

/// What the first response in `text` says.
pub(super) fn event(text: &str) -> Event {
    response(&frame(text.as_bytes()))
}
