//! `ImapClient.watch`: events by callback, not by promise: a pending native promise would keep the process alive, and a
//! watcher must not.

use email_base::{Classify as _, Code, Failure};
use email_imap::Watcher;
use napi::bindgen_prelude::{Function, spawn};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi::{Result, Status};
use napi_derive::napi;
use tokio_util::sync::CancellationToken;

use crate::args::Args;
use crate::call::CallHandle;
use crate::imap::ImapClientHandle;
use crate::reply::{Payload, Reply, Wire, failure, settle_sync};

/// Never keeps the process alive.
type Notify = ThreadsafeFunction<String, (), String, Status, false, true>;

/// What `lib/watch.js` holds.
#[napi]
pub struct WatchHandle(CancellationToken);

#[napi]
impl WatchHandle {
    /// The loop was left: stops watching at once.
    #[napi]
    pub fn close(&self) {
        self.0.cancel();
    }
}

impl Drop for WatchHandle {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

#[napi]
impl ImapClientHandle {
    /// `[path]`; `notify` gets `{"event":…}`, `{"failure":…}` once, or `{}` when the client was closed.
    #[napi]
    pub fn watch(
        &self,
        call: &CallHandle,
        json: String,
        notify: Function<'_, String, ()>,
    ) -> Result<Reply<WatchHandle>> {
        let notify: Notify =
            notify.build_threadsafe_function::<String>().weak::<true>().callee_handled::<false>().build()?;
        let call = call.stream();
        Ok(settle_sync(|| {
            let (path,): (String,) = Args::new(json).parse()?;
            // Closed from the start is a call too late, closed under way is an end.
            if self.client().closed() {
                return Err(failure(email_imap::Error::Closed));
            }
            let closed = CancellationToken::new();
            let watcher = self.client().watch(&path, &call);
            spawn(run(watcher, notify, closed.clone()));
            Ok(Payload::handle(WatchHandle(closed)))
        }))
    }
}

async fn run(mut watcher: Watcher, notify: Notify, closed: CancellationToken) {
    loop {
        let event = tokio::select! {
            biased;
            () = closed.cancelled() => return,
            event = watcher.next() => event,
        };
        let (news, last) = match event {
            Some(Ok(event)) => (serde_json::json!({ "event": event }), false),
            Some(Err(error)) if error.code() != Code::Closed => (told(&failure(error)), true),
            Some(Err(_)) | None => (serde_json::json!({}), true),
        };
        let status = notify.call(news.to_string(), ThreadsafeFunctionCallMode::NonBlocking);
        if last || status != Status::Ok {
            return;
        }
    }
}

fn told(failure: &Failure) -> serde_json::Value {
    serde_json::json!({ "failure": Wire(failure) })
}
