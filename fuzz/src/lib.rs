//! What the targets share.

use std::thread;

/// What a worker thread of some runtime may have.
const STACK: usize = 512 * 1024;

/// Runs `door` on a small stack: recursion that an input can drive ends the process, and so is a finding.
pub fn on_small_stack(input: &[u8], door: fn(&[u8])) {
    thread::scope(|scope| {
        let thread = thread::Builder::new().stack_size(STACK).spawn_scoped(scope, || door(input));
        thread.expect("a thread").join().expect("libFuzzer has ended the process before");
    });
}
