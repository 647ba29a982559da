//! Floor 3: the binding. Converts, delegates, settles; the only place that names napi.
//!
//! Every native function answers one `reply::Reply`: `[failure, json, blobs, texts, handle]`. Promises resolve with it and
//! never reject on purpose: `lib/call.js` makes the `MailError`, with the caller's stack. JSON is parsed and printed on
//! Rust threads; the JS thread only creates one string and the buffers, which are not copied.

// The registrations that use everything here are not compiled for unit tests.
#![cfg_attr(test, allow(dead_code, unused_imports))]
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

mod args;
mod auth;
mod call;
mod chunks;
mod diagnose;
mod hooks;
mod imap;
mod json;
mod log;
mod long_text;
mod mime;
mod oauth;
mod reply;
mod rows;
mod smtp;
mod store;
mod stream;
mod strict;
mod thrown;
mod watch;
mod words;

/// Runs once when the first environment of the process loads the binary.
#[napi_derive::module_init]
fn init() {
    // A panic becomes a rejection; a server's terminal is not ours to write to. The log gets the place, not the payload.
    std::panic::set_hook(Box::new(|info| {
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(target: "binding", place, "panicked");
    }));
    log::install();
}
