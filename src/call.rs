//! The deadline and the cancellation of one JavaScript call.

use std::time::Duration;

use email_base::{Call, Code, Failure, Interrupted, Protocol};
use napi_derive::napi;
use tokio_util::sync::CancellationToken;

/// Default deadlines, where the caller gives no `timeoutMs`.
pub mod timeout {
    use std::time::Duration;

    /// A token request, with its retries.
    pub const OAUTH: Duration = Duration::from_secs(30);
    /// Until a person has typed a code on another device (RFC 8628): providers give 15 minutes.
    pub const DEVICE: Duration = Duration::from_secs(16 * 60);
    /// DNS, TCP, TLS, login.
    pub const CONNECT: Duration = Duration::from_secs(60);
    /// One IMAP command, or one page of a fetch.
    pub const IMAP: Duration = Duration::from_secs(120);
    /// A message on its way up: RFC 5321 §4.5.3.2 gives the server ten minutes after the final dot alone.
    pub const UPLOAD: Duration = Duration::from_secs(15 * 60);
    /// All steps of a diagnosis: connections, sign-ins, and half a minute for a mailbox to come back.
    pub const DIAGNOSE: Duration = Duration::from_secs(90);
    /// Parsing and building.
    pub const MIME: Duration = Duration::from_secs(60);
    /// A polite end is not worth waiting for: hosts are killed 1.6 s after SIGTERM.
    pub const LOGOUT: Duration = Duration::from_millis(1500);
}

/// Made by `lib/call.js` for each call.
#[napi(js_name = "Call")]
pub struct CallHandle {
    cancel: CancellationToken,
    timeout: Option<Duration>,
}

#[napi]
impl CallHandle {
    /// `timeout_ms` as the caller gave it; checked in JavaScript.
    #[napi(constructor)]
    #[must_use]
    pub fn new(timeout_ms: Option<u32>) -> Self {
        Self { cancel: CancellationToken::new(), timeout: timeout_ms.map(|ms| Duration::from_millis(u64::from(ms))) }
    }

    /// The caller's signal fired.
    #[napi]
    pub fn abort(&self) {
        self.cancel.cancel();
    }
}

impl CallHandle {
    /// The call, with `default` as its deadline where the caller gave none.
    pub fn within(&self, default: Duration) -> Call {
        Call::new(self.timeout.unwrap_or(default), self.cancel.clone())
    }

    /// The deadline of a whole stream: only the caller's own.
    pub fn stream(&self) -> Call {
        match self.timeout {
            Some(timeout) => Call::new(timeout, self.cancel.clone()),
            None => Call::endless(self.cancel.clone()),
        }
    }
}

/// The failure of a call that ended before its work.
pub fn interrupted(why: Interrupted, protocol: Option<Protocol>) -> Failure {
    let code = match why {
        Interrupted::Aborted => Code::Aborted,
        Interrupted::TimedOut => Code::Timeout,
    };
    Failure::new(code, protocol, why.to_string())
}
