//! Open connections, counted over all clients of the mailbox.

use std::sync::Arc;

use super::Budget;

/// A client's pool as the budget sees it: it can be asked to give up a connection that it does not use.
pub(crate) trait Holder: Send + Sync {
    /// Closes one idle connection; `false` if there is none.
    fn give_up_one(&self) -> bool;
}

impl Budget {
    /// Waits until one more connection is allowed. Idle connections of other clients give way.
    pub(crate) async fn connection(self: &Arc<Self>) -> Connection {
        let _wanting = Wanting::new(self);
        let _turn = self.connection_queue.lock().await;
        loop {
            let freed = self.connection_freed.notified();
            tokio::pin!(freed);
            freed.as_mut().enable();
            if self.take_connection() {
                return Connection { budget: self.clone() };
            }
            self.reclaim();
            freed.await;
        }
    }

    /// Whether somebody waits for a connection.
    pub(crate) fn is_contended(&self) -> bool {
        self.state().wanting > 0
    }

    fn take_connection(&self) -> bool {
        let mut state = self.state();
        let limit = state
            .holders
            .iter()
            .filter(|(holder, _)| holder.strong_count() > 0)
            .map(|(_, connections)| *connections)
            .max()
            .unwrap_or(1);
        let free = state.open < limit;
        state.open += usize::from(free);
        free
    }

    /// Asks for one idle connection; it is free when its QUIT is through.
    fn reclaim(&self) {
        let holders: Vec<_> = self.state().holders.iter().filter_map(|(holder, _)| holder.upgrade()).collect();
        // Not under the lock: giving up a connection comes back here.
        let _ = holders.iter().any(|holder| holder.give_up_one());
    }
}

/// The right to one open connection, given back on drop.
pub(crate) struct Connection {
    budget: Arc<Budget>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        {
            let mut state = self.budget.state();
            state.open = state.open.saturating_sub(1);
        }
        self.budget.connection_freed.notify_waiters();
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Connection")
    }
}

struct Wanting<'a>(&'a Budget);

impl<'a> Wanting<'a> {
    fn new(budget: &'a Budget) -> Self {
        budget.state().wanting += 1;
        Self(budget)
    }
}

impl Drop for Wanting<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.wanting = state.wanting.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use email_base::clock;

    use crate::budget::tests::budget;

    #[tokio::test(start_paused = true)]
    async fn connections_are_counted_over_all_clients() {
        let (one, _a) = budget("connections", 2);
        let (other, _b) = budget("connections", 2);
        let first = one.connection().await;
        let _second = other.connection().await;
        let third = tokio::spawn(async move { one.connection().await });
        clock::sleep(Duration::from_secs(5)).await;
        assert!(!third.is_finished() && other.is_contended());
        drop(first);
        third.await.unwrap();
        assert!(!other.is_contended());
    }
}
