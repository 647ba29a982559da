//! A host and a port that are fit to be looked up, written into a proxy request and compared with a certificate.
//!
//! Whatever would be a second header, a second address or nonsense there is refused here, before any I/O.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use rustls_pki_types::ServerName;

use crate::Error;

/// Where to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) host: Host,
    pub(crate) port: u16,
}

/// A host, parsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Host {
    /// ASCII (IDNA A-labels), lower case; may end in a dot.
    Name(String),
    /// An address that was given as such.
    Ip(IpAddr),
}

impl Target {
    /// `host` is a name (IDN too), an IPv4 or an IPv6 address (brackets are optional).
    pub(crate) fn parse(host: &str, port: u16) -> Result<Self, Error> {
        let host = Host::parse(host)?;
        if port == 0 {
            return Err(Error::argument("port: 0 is not a port"));
        }
        Ok(Self { host, port })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Host::Ip(IpAddr::V6(ip)) => write!(f, "[{ip}]:{}", self.port),
            host => write!(f, "{host}:{}", self.port),
        }
    }
}

impl Host {
    pub(crate) fn parse(host: &str) -> Result<Self, Error> {
        let refuse = || Error::argument(format!("host: {:?} is not a host name or IP address", shortened(host)));
        if host.is_empty() {
            return Err(Error::argument("host: is empty"));
        }
        let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
        if let Ok(ip) = bare.parse::<IpAddr>() {
            return Ok(Self::Ip(ip));
        }
        // `url` decodes %xx and cuts tabs and newlines out; a host that needs either is not a host.
        if host.chars().any(|c| c.is_control() || c.is_whitespace() || matches!(c, '%' | '[' | ']' | ':')) {
            return Err(refuse());
        }
        match url::Host::parse(host).map_err(|_| refuse())? {
            url::Host::Ipv4(ip) => Ok(Self::Ip(ip.into())),
            url::Host::Ipv6(ip) => Ok(Self::Ip(ip.into())),
            // Lengths (RFC 1035 §2.3.4) and characters.
            url::Host::Domain(name) => match ServerName::try_from(name.as_str()) {
                Ok(ServerName::DnsName(_)) => Ok(Self::Name(name)),
                _ => Err(refuse()),
            },
        }
    }

    /// The name that the certificate must bear.
    pub(crate) fn server_name(&self) -> Result<ServerName<'static>, Error> {
        match self {
            Self::Ip(ip) => Ok(ServerName::IpAddress((*ip).into())),
            Self::Name(name) => ServerName::try_from(name.trim_end_matches('.').to_owned())
                .map_err(|_| Error::argument(format!("host: {name:?} is not a host name"))),
        }
    }

    /// Never leaves this machine: 127/8, ::1, `localhost` and below (RFC 6761 §6.3).
    pub(crate) fn is_loopback(&self) -> bool {
        match self {
            Self::Ip(ip) => ip.to_canonical().is_loopback(),
            Self::Name(_) => self.is_below("localhost"),
        }
    }

    /// Known without asking anybody: literals and the special names of RFC 6761. `Some(vec![])` is "does not exist".
    pub(crate) fn known_addresses(&self) -> Option<Vec<IpAddr>> {
        match self {
            Self::Ip(ip) => Some(vec![*ip]),
            Self::Name(_) if self.is_below("localhost") => {
                Some(vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()])
            }
            // RFC 6761 §6.4: never asked for, so that no resolver can make it exist.
            Self::Name(_) if self.is_below("invalid") => Some(Vec::new()),
            Self::Name(_) => None,
        }
    }

    fn is_below(&self, zone: &str) -> bool {
        let Self::Name(name) = self else { return false };
        let name = name.strip_suffix('.').unwrap_or(name);
        name.strip_suffix(zone).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Ip(ip) => write!(f, "{ip}"),
        }
    }
}

/// Whether `host` is this machine: 127.0.0.0/8, ::1, `localhost`. There another port is another server; elsewhere the
/// ports of a host are the ways to one.
pub fn is_loopback(host: &str) -> bool {
    Host::parse(host).is_ok_and(|host| host.is_loopback())
}

/// An error message is no place for a megabyte.
fn shortened(host: &str) -> String {
    host.chars().take(100).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_addresses_are_read() {
        for (given, host) in [
            ("Mail.Example.COM", "mail.example.com"),
            ("mail.example.com.", "mail.example.com."),
            ("bücher.example", "xn--bcher-kva.example"),
            ("例え.テスト", "xn--r8jz45g.xn--zckzah"),
            ("under_score.example", "under_score.example"),
            ("127.0.0.1", "127.0.0.1"),
            ("::1", "::1"),
            ("[::1]", "::1"),
        ] {
            assert_eq!(Host::parse(given).unwrap().to_string(), host, "{given}");
        }
        assert_eq!(Target::parse("::1", 993).unwrap().to_string(), "[::1]:993");
    }

    #[test]
    fn header_and_url_injection_is_refused() {
        let long = "a.".repeat(200) + "example";
        for bad in [
            "",
            " ",
            "a b",
            "a\r\nX: y",
            "a\n",
            "a\0b",
            "a\tb",
            "a%0d",
            "a/b",
            "a?b",
            "a#b",
            "u@a",
            "a:25",
            "[::1",
            "a..b",
            ".",
            "1.2.3.4.5",
            "fe80::1%eth0",
            &long,
        ] {
            assert!(matches!(Host::parse(bad), Err(Error::InvalidArgument(_))), "{bad:?}");
        }
        assert!(matches!(Target::parse("a", 0), Err(Error::InvalidArgument(_))));
    }

    #[test]
    fn loopback_is_loopback_and_nothing_else() {
        for host in ["localhost", "LOCALHOST.", "imap.localhost", "127.8.9.1", "::1", "::ffff:127.0.0.1", "127.1"] {
            assert!(Host::parse(host).unwrap().is_loopback(), "{host}");
        }
        for host in ["notlocalhost", "localhost.example", "128.0.0.1", "127.0.0.1.example"] {
            assert!(!Host::parse(host).unwrap().is_loopback(), "{host}");
        }
        assert!(is_loopback("[::1]") && !is_loopback("mail.example.com") && !is_loopback(""));
    }
}
