//! What the caller says about where and how to connect.

use std::time::Duration;

use email_base::Secret;
use serde::{Deserialize, Deserializer, Serialize};

use crate::Error;
use crate::target::Target;

/// When TLS begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Security {
    /// From the first byte (RFC 8314): ports 993 and 465.
    Implicit,
    /// By the protocol's STARTTLS, or not at all: ports 143 and 587.
    StartTls,
    /// Never. Loopback only.
    None,
}

/// A server. The contract's `ServerAddress`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Endpoint {
    /// Host name (also IDN) or IP address.
    pub host: String,
    /// TCP port, not 0.
    pub port: u16,
    /// When TLS begins.
    pub tls: Security,
}

impl Endpoint {
    /// Whether it can be connected to at all, as far as its form tells.
    ///
    /// # Errors
    /// The host is no name and no address, or the port is 0.
    pub fn check(&self) -> Result<(), Error> {
        Target::parse(&self.host, self.port).map(drop)
    }
}

/// How to get out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Proxy {
    /// `HTTPS_PROXY`, else `ALL_PROXY`, in upper or lower case; what `NO_PROXY` names is reached without.
    #[default]
    Environment,
    /// Without one, whatever the environment says.
    Direct,
    /// `http://`, `https://` (both CONNECT) or `socks5://`, with `user:password@` where it wants them. For every host.
    Url(Secret),
}

/// The contract's `ConnectOptions`.
#[derive(Debug, Clone, Default)]
pub struct ConnectOptions {
    /// PEM texts whose certificates are trusted beside the system's.
    pub ca: Vec<String>,
    /// How to get out.
    pub proxy: Proxy,
    /// For everything up to the server's greeting. When `None`, [`crate::CONNECT_TIMEOUT`] up to the end of the TLS
    /// handshake, and each protocol's own patience from there.
    pub connect_timeout: Option<Duration>,
}

/// The contract's spelling: `ca` is one text or a list, `proxy: null` is [`Proxy::Direct`], times are milliseconds.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Spelt {
    #[serde(default)]
    ca: Option<Texts>,
    #[serde(default, deserialize_with = "present")]
    proxy: Option<Option<Secret>>,
    #[serde(default)]
    connect_timeout_ms: Option<u64>,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a PEM text or an array of them")]
enum Texts {
    One(String),
    Many(Vec<String>),
}

impl<'de> Deserialize<'de> for ConnectOptions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spelt = Spelt::deserialize(deserializer)?;
        Ok(Self {
            ca: match spelt.ca {
                None => Vec::new(),
                Some(Texts::One(text)) => vec![text],
                Some(Texts::Many(texts)) => texts,
            },
            proxy: match spelt.proxy {
                None => Proxy::Environment,
                Some(None) => Proxy::Direct,
                Some(Some(url)) => Proxy::Url(url),
            },
            connect_timeout: spelt.connect_timeout_ms.map(Duration::from_millis),
        })
    }
}

/// Tells `null` from a missing field.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> ConnectOptions {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn a_null_proxy_is_not_a_missing_one() {
        assert_eq!(read("{}").proxy, Proxy::Environment);
        assert_eq!(read(r#"{"proxy":null}"#).proxy, Proxy::Direct);
        assert_eq!(read(r#"{"proxy":"socks5://p:1"}"#).proxy, Proxy::Url("socks5://p:1".into()));
    }

    #[test]
    fn ca_is_one_or_many() {
        assert_eq!(read(r#"{"ca":"a"}"#).ca, ["a"]);
        assert_eq!(read(r#"{"ca":["a","b"],"connectTimeoutMs":5}"#).ca, ["a", "b"]);
        assert!(serde_json::from_str::<ConnectOptions>(r#"{"ca":7}"#).is_err());
        assert!(serde_json::from_str::<ConnectOptions>(r#"{"connectTimeoutMs":"5"}"#).is_err());
    }

    #[test]
    fn security_is_spelt_as_in_the_contract() {
        let endpoint: Endpoint = serde_json::from_str(r#"{"host":"h","port":143,"tls":"starttls"}"#).unwrap();
        assert_eq!(endpoint.tls, Security::StartTls);
        assert_eq!(serde_json::to_string(&Security::Implicit).unwrap(), r#""implicit""#);
    }
}
