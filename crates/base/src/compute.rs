//! Work that computes for longer than a moment: parsing, building.
//!
//! tokio gives every blocking call a thread of its own, up to 512: two hundred mailboxes that parse at once would leave
//! the JavaScript thread a hundredth of a core. Here no more of them run at a time than there are cores.

use std::sync::LazyLock;
use std::thread;

use tokio::sync::Semaphore;
use tokio::task::{JoinError, JoinHandle};

static CORES: LazyLock<Semaphore> =
    LazyLock::new(|| Semaphore::new(thread::available_parallelism().map_or(2, |cores| cores.get())));

/// Runs `work` on a thread for blocking work, when a core is free for it. An error is its panic.
pub async fn compute<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, JoinError> {
    // Never closed; if it were, the work would run without waiting.
    let core = CORES.acquire().await.ok();
    tokio::task::spawn_blocking(move || {
        stand_back();
        let done = work();
        drop(core);
        done
    })
    .await
}

/// The same, begun at once: dropping the handle does not stop it.
pub fn begin<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> JoinHandle<Result<T, JoinError>> {
    tokio::spawn(compute(work))
}

/// Where cores are short, the JavaScript thread goes first: its event loop must not wait for somebody's parsing.
fn stand_back() {
    #[cfg(target_os = "linux")]
    {
        thread_local!(static LOWERED: std::cell::Cell<bool> = const { std::cell::Cell::new(false) });
        if !LOWERED.replace(true) {
            // Of this thread alone on Linux. Where it is refused, nothing is lost.
            let _ = rustix::process::nice(LESS_URGENT);
        }
    }
}

/// A third of the JavaScript thread's weight.
#[cfg(target_os = "linux")]
const LESS_URGENT: i32 = 5;

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn no_more_at_once_than_cores() {
        let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let works: Vec<_> = (0..64)
            .map(|_| {
                let (now, most) = (Arc::clone(&now), Arc::clone(&most));
                begin(move || {
                    most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    thread::sleep(Duration::from_millis(1));
                    now.fetch_sub(1, Ordering::SeqCst);
                })
            })
            .collect();
        for work in works {
            work.await.unwrap().unwrap();
        }
        assert!(most.load(Ordering::SeqCst) <= thread::available_parallelism().unwrap().get());
    }

    #[tokio::test]
    async fn a_panic_gives_its_core_back() {
        for _ in 0..100 {
            assert!(compute(|| std::panic::panic_any(1)).await.unwrap_err().is_panic());
        }
        assert_eq!(compute(|| 7).await.unwrap(), 7);
    }
}
