//! The adapter under async-imap: frames, limits and sorts what the server sends, before anything else sees it.
//!
//! ```text
//!              commands                          events, in wire order          bodies (when asked for)
//!   actor ──► async-imap ──► Tap::poll_write      ▲                              ▲
//!                 ▲             │                 │                              │
//!                 │             ▼                 │                              │
//!                 │          [write buffer]   grammar ◄── framed responses ── [frames + limits] ◄── stream
//!                 │                               │
//!                 └── greeting, "+", tagged ◄─────┘   (rewritten in ASCII, without response code)
//! ```
//!
//! Everything the server says becomes an [`Event`](crate::grammar::Event) in one bounded queue. async-imap gets only what
//! it needs to go on: the greeting, continuation requests and tagged completions, in a form that imap-proto can read. An
//! event is queued *before* its line is handed to async-imap, so whoever saw the line finds the event.
//!
//! # The deadlock rule
//!
//! **Whoever awaits async-imap takes events at the same time. Whoever takes bodies does so in another task than the one
//! that awaits async-imap, or selects on both.** The queues of events and of body chunks are bounded: when one is full,
//! the tap stops reading, TCP stops the server, and async-imap's future does not end. [`Events::drive`] keeps the first
//! part of the rule.
//!
//! The tap does its own part: while a write cannot go on, it reads. So a server that wants its answers taken before it
//! takes more commands blocks nobody, as long as events are taken.

mod adapter;
mod body;
mod control;
mod deflate;
mod end;
mod frames;
pub mod limits;
mod line;
mod passed;
mod queue;

pub use adapter::Tap;
pub use body::{Bodies, BodyChunk};
pub use control::TapControl;
pub use deflate::MAX_SURPLUS as MAX_DEFLATE_SURPLUS;
pub use end::End;
pub use limits::Limits;
pub use queue::Events;

use crate::grammar::Frame;

/// The complete responses in `bytes`, and nothing else: for tests and fuzzing.
#[doc(hidden)]
pub fn frames_of(bytes: &[u8], limits: Limits) -> Result<Vec<Frame>, End> {
    let mut frames = frames::Frames::new(limits);
    frames.buffer.extend_from_slice(bytes);
    let mut found = Vec::new();
    while let frames::Step::Response(frame) = frames.step(|| None)? {
        found.push(frame);
    }
    Ok(found)
}

/// The same, from bytes that come in pieces of any size, and what ended it.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn frames_in_pieces(
    bytes: &[u8],
    limits: Limits,
    mut piece: impl FnMut() -> usize,
) -> (Vec<Frame>, Option<End>) {
    let mut frames = frames::Frames::new(limits);
    let (mut found, mut rest) = (Vec::new(), bytes);
    loop {
        match frames.step(|| None) {
            Ok(frames::Step::Response(frame)) => found.push(frame),
            Ok(_) if rest.is_empty() => return (found, None),
            Ok(_) => {
                let (next, behind) = rest.split_at_checked(piece().max(1)).unwrap_or((rest, &[]));
                frames.buffer.extend_from_slice(next);
                rest = behind;
            }
            Err(end) => return (found, Some(end)),
        }
    }
}

/// What async-imap would see of an event, before and after the greeting.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn passed_lines(event: &crate::grammar::Event) -> impl Iterator<Item = String> {
    [false, true].into_iter().filter_map(|awaits_greeting| passed::line(event, awaits_greeting))
}
