//! `NO_PROXY`: the servers that are reached without the environment's proxy.
//!
//! ```text
//! entry = ("*" / name / "." name / "*." name / address / address "/" bits) [":" port]      ; "," or space between them
//! ```
//!
//! A name stands for all below it, too. IPv6 addresses need brackets before a port, as in a URL.

use hyper_util::client::proxy::matcher::Matcher;

use crate::target::{Host, Target};

/// The list, read.
#[derive(Debug)]
pub(crate) struct Exceptions(Vec<Entry>);

#[derive(Debug)]
struct Entry {
    hosts: Hosts,
    /// `None`: all of them.
    port: Option<u16>,
}

#[derive(Debug)]
enum Hosts {
    All,
    Like(Box<Matcher>),
}

impl Exceptions {
    pub(crate) fn parse(list: &str) -> Self {
        let entries = list.split(|c: char| c == ',' || c.is_whitespace()).filter(|entry| !entry.is_empty());
        Self(entries.map(Entry::parse).collect())
    }

    pub(crate) fn hold(&self, target: &Target) -> bool {
        self.0.iter().any(|entry| entry.port.is_none_or(|port| port == target.port) && entry.hosts.hold(&target.host))
    }
}

impl Entry {
    fn parse(entry: &str) -> Self {
        let (host, port) = split_port(entry);
        let host = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
        let host = host.strip_prefix('*').filter(|rest| rest.starts_with('.')).unwrap_or(host).trim_end_matches('.');
        if host == "*" {
            return Self { hosts: Hosts::All, port };
        }
        // Its list of exceptions is what is wanted of the matcher; any proxy will do.
        let matcher = Matcher::builder().https("http://proxy").no(host).build();
        Self { hosts: Hosts::Like(Box::new(matcher)), port }
    }
}

impl Hosts {
    fn hold(&self, host: &Host) -> bool {
        let Self::Like(matcher) = self else { return true };
        let url = match host {
            Host::Name(name) => format!("https://{}/", name.trim_end_matches('.')),
            Host::Ip(ip) if ip.is_ipv6() => format!("https://[{ip}]/"),
            Host::Ip(ip) => format!("https://{ip}/"),
        };
        url.parse().is_ok_and(|url| matcher.intercept(&url).is_none())
    }
}

/// Of several colons none is a port's, unless the host is in brackets.
fn split_port(entry: &str) -> (&str, Option<u16>) {
    let split = entry.rsplit_once(':').filter(|(host, _)| !host.contains(':') || host.ends_with(']'));
    match split.and_then(|(host, port)| Some((host, port.parse().ok()?))) {
        Some((host, port)) => (host, Some(port)),
        None => (entry, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hold(list: &str, host: &str, port: u16) -> bool {
        Exceptions::parse(list).hold(&Target::parse(host, port).unwrap())
    }

    #[test]
    fn servers_behind_the_firewall_are_not_asked_of_the_proxy() {
        let list = "corp.example, 10.0.0.0/8,.inner.test *.star.test,2001:db8::1,[2001:db8::7],192.0.2.1,dot.test.";
        for direct in [
            "corp.example",
            "imap.CORP.example",
            "corp.example.",
            "10.1.2.3",
            "a.inner.test",
            "a.star.test",
            "2001:db8::1",
            "2001:db8::7",
            "192.0.2.1",
            "dot.test",
        ] {
            assert!(hold(list, direct, 993), "{direct}");
        }
        for proxied in ["notcorp.example", "11.0.0.1", "corp.example.org", "2001:db8::2", "192.0.2.11", "localhost"] {
            assert!(!hold(list, proxied, 993), "{proxied}");
        }
    }

    #[test]
    fn a_star_is_everybody_also_addresses() {
        for host in ["mail.example", "127.0.0.1", "::1", "localhost"] {
            assert!(hold("*", host, 993) && hold("x, *", host, 993) && hold("*:993", host, 993), "{host}");
            assert!(!hold("*:143", host, 993) && !hold("", host, 993) && !hold(" , ", host, 993), "{host}");
        }
    }

    #[test]
    fn a_port_is_that_port_only() {
        for (entry, host) in
            [("localhost:993", "localhost"), ("127.0.0.1:993", "127.0.0.1"), ("[::1]:993", "::1"), (".a:993", "b.a")]
        {
            assert!(hold(entry, host, 993), "{entry}");
            assert!(!hold(entry, host, 143), "{entry}");
        }
        assert!(hold("::1", "::1", 993) && !hold("localhost:imap", "localhost", 143));
    }
}
