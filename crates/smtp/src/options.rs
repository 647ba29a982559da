//! What a caller may choose, and what cannot be chosen.

use email_base::{Credentials, Secret};
use email_net::{Connector, Endpoint};
use serde::Deserialize;

use crate::address::{is_address, is_domain};
use crate::error::Error;

/// Rate limits are kept as a list of send times; stops a limit that would be a list without end.
const MAX_RATE_MESSAGES: u32 = 100_000;
/// A week: longer windows outlive any process.
const MAX_RATE_WINDOW_MS: u64 = 7 * 24 * 3600 * 1000;
/// More connections than any provider grants; stops a typing error from opening thousands of sockets.
const MAX_CONNECTIONS: u32 = 100;
/// A day: no server keeps an idle session longer.
const MAX_IDLE_TIMEOUT_MS: u64 = 24 * 3600 * 1000;
const DEFAULT_MESSAGES_PER_CONNECTION: u32 = 100;
/// Shorter than the shortest idle timeout seen on submission servers (60 s), so that it is we who hang up.
const DEFAULT_IDLE_TIMEOUT_MS: u64 = 30_000;

/// How to reach and use a submission server.
#[derive(Debug, Clone)]
pub struct Options {
    /// Host, port and TLS mode.
    pub endpoint: Endpoint,
    /// Trust roots and proxy.
    pub connector: Connector,
    /// `None`: the server wants no sign-in.
    pub credentials: Option<Credentials>,
    /// EHLO name: a host name or an address literal. Default: the address literal of the socket.
    pub name: Option<String>,
    /// Connections kept open.
    pub pool: PoolOptions,
    /// Default: the provider's, if it is known to have one.
    pub rate_limit: Option<RateLimit>,
    /// BDAT in place of DATA where the server takes it.
    pub chunking: Chunking,
}

/// Whether messages go out in chunks (RFC 3030). Not unless it is asked for: servers exist that offer it and fail at it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Chunking {
    /// DATA.
    #[default]
    Off,
    /// BDAT where the server offers CHUNKING.
    Text,
    /// And attachments as raw octets where it offers BINARYMIME, too.
    Binary,
}

/// `pool` of the contract.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PoolOptions {
    /// At once, for this mailbox, in this process. Default 3.
    pub max_connections: Option<u32>,
    /// Then a connection is closed and a new one opened. Default 100.
    pub max_messages_per_connection: Option<u32>,
    /// A connection unused for so long is closed. Default 30,000.
    pub idle_timeout_ms: Option<u64>,
}

/// `rateLimit` of the contract: at most so many messages in any window of so many milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RateLimit {
    /// 1 to 100,000.
    pub messages: u32,
    /// 1 to a week.
    pub per_ms: u64,
}

/// Options of one `send`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SendOptions {
    /// Delivery status notifications (RFC 3461).
    pub dsn: Option<Dsn>,
}

/// `dsn` of the contract.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Dsn {
    /// When to notify; `never` stands alone.
    pub notify: Option<Vec<Notify>>,
    /// How much of the message the notification carries.
    pub ret: Option<Return>,
    /// Comes back in the notification: up to 100 printable ASCII characters.
    pub envid: Option<String>,
}

/// One word of NOTIFY (RFC 3461 §4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Notify {
    /// Not at all.
    Never,
    /// When the message was delivered.
    Success,
    /// When it could not be.
    Failure,
    /// When it takes long.
    Delay,
}

/// RET (RFC 3461 §4.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Return {
    /// The whole message.
    Full,
    /// Its header.
    Hdrs,
}

impl PoolOptions {
    /// Refuses what cannot be meant.
    pub(crate) fn check(&self) -> Result<(), Error> {
        within("pool.maxConnections", self.max_connections.map(u64::from), u64::from(MAX_CONNECTIONS))?;
        within("pool.maxMessagesPerConnection", self.max_messages_per_connection.map(u64::from), u64::from(u32::MAX))?;
        within("pool.idleTimeoutMs", self.idle_timeout_ms, MAX_IDLE_TIMEOUT_MS)
    }

    pub(crate) fn messages_per_connection(&self) -> u32 {
        self.max_messages_per_connection.unwrap_or(DEFAULT_MESSAGES_PER_CONNECTION)
    }

    pub(crate) fn idle_timeout(&self) -> std::time::Duration {
        std::time::Duration::from_millis(self.idle_timeout_ms.unwrap_or(DEFAULT_IDLE_TIMEOUT_MS))
    }
}

impl RateLimit {
    /// Refuses what cannot be meant.
    pub(crate) fn check(&self) -> Result<(), Error> {
        within("rateLimit.messages", Some(u64::from(self.messages)), u64::from(MAX_RATE_MESSAGES))?;
        within("rateLimit.perMs", Some(self.per_ms), MAX_RATE_WINDOW_MS)
    }
}

/// An EHLO name is a domain or an address literal (RFC 5321 §4.1.1.1); underscores, which host names of containers
/// have, are let through.
pub(crate) fn check_name(name: &str) -> Result<(), Error> {
    let fits = match name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(literal) => is_address(literal),
        None => is_domain(&name.replace('_', "x")),
    };
    if fits {
        return Ok(());
    }
    Err(Error::Argument { what: "name", why: "is neither a host name nor an address literal such as [192.0.2.1]" })
}

/// Credentials go to the wire inside SASL messages whose fields end at ^A or NUL (RFC 7628 §3.1, RFC 4616 §2).
pub(crate) fn check_credentials(credentials: &Credentials) -> Result<(), Error> {
    if credentials.user().is_empty() {
        return Err(Error::Argument { what: "auth.user", why: "is empty" });
    }
    check_sasl("auth.user", credentials.user())?;
    match credentials {
        Credentials::Password { password, .. } => check_sasl("auth.password", password.expose()),
        Credentials::OAuth { .. } => Ok(()),
    }
}

/// A token comes from its source only when it is needed.
pub(crate) fn check_token(token: &Secret) -> Result<(), Error> {
    if token.expose().is_empty() {
        return Err(Error::Argument { what: "auth.accessToken", why: "is empty" });
    }
    check_sasl("auth.accessToken", token.expose())
}

/// Refuses what would end a SASL field early.
fn check_sasl(what: &'static str, value: &str) -> Result<(), Error> {
    if value.contains(['\x01', '\r', '\n', '\0']) {
        return Err(Error::Argument { what, why: "holds a control character (^A, CR, LF or NUL)" });
    }
    Ok(())
}

fn within(what: &'static str, value: Option<u64>, max: u64) -> Result<(), Error> {
    match value {
        Some(0) => Err(Error::Argument { what, why: "is zero" }),
        Some(value) if value > max => Err(Error::Argument { what, why: "is larger than can be meant" }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn injection_through_the_ehlo_name() {
        for name in ["mail.example.com", "pod_7-x", "[192.0.2.1]", "[IPv6:2001:db8::1]", "a"] {
            assert!(check_name(name).is_ok(), "{name:?}");
        }
        for name in [
            "",
            "a b",
            "a\r\nMAIL FROM:<x@y>",
            "a\0",
            "[1.2.3.4",
            "[x]",
            "-a",
            "a.",
            "bücher.example",
            "a\x01",
            "a{9+}",
            "[1.2.3.4] X",
        ] {
            assert!(check_name(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn injection_through_credentials() {
        for bad in ["a\x01auth=Bearer x", "a\rb", "a\nb", "a\0b"] {
            let as_user = Credentials::Password { user: bad.to_owned(), password: "p".into() };
            let as_password = Credentials::Password { user: "ada".to_owned(), password: bad.into() };
            assert!(check_credentials(&as_user).is_err() && check_credentials(&as_password).is_err(), "{bad:?}");
        }
        let nobody = Credentials::Password { user: String::new(), password: "p".into() };
        assert!(check_credentials(&nobody).is_err());
        let unicode = Credentials::Password { user: "ada".into(), password: "pässwörd ☃".into() };
        assert!(check_credentials(&unicode).is_ok());
    }

    #[test]
    fn zero_and_absurd_limits_are_refused() {
        assert!(PoolOptions::default().check().is_ok());
        assert!(PoolOptions { max_connections: Some(0), ..Default::default() }.check().is_err());
        assert!(PoolOptions { max_connections: Some(101), ..Default::default() }.check().is_err());
        assert!(PoolOptions { idle_timeout_ms: Some(0), ..Default::default() }.check().is_err());
        assert!(RateLimit { messages: 0, per_ms: 1 }.check().is_err());
        assert!(RateLimit { messages: 1, per_ms: 0 }.check().is_err());
        assert!(RateLimit { messages: 30, per_ms: 60_000 }.check().is_ok());
    }
}
