//! Which hosts go through which proxy.

use email_base::Secret;
use hyper_util::client::proxy::matcher::Matcher;

use super::address::ProxyAddress;
use crate::target::Host;
use crate::{Error, Proxy};

/// As curl and everybody else: the more special variable first.
const PROXY_VARIABLES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
const NO_PROXY_VARIABLES: [&str; 2] = ["NO_PROXY", "no_proxy"];

/// The decision, made once per [`crate::Connector`].
#[derive(Debug)]
pub(crate) enum Route {
    /// Never through a proxy.
    Direct,
    /// Always: the caller said so.
    Always(ProxyAddress),
    /// By the environment: through the proxy unless the host is loopback or excepted.
    Unless(ProxyAddress, Box<Matcher>),
}

impl Route {
    pub(crate) fn new(proxy: &Proxy) -> Result<Self, Error> {
        match proxy {
            Proxy::Direct => Ok(Self::Direct),
            Proxy::Url(url) => ProxyAddress::parse("proxy", url.expose()).map(Self::Always),
            Proxy::Environment => Self::from_variables(|name| std::env::var(name).ok()),
        }
    }

    /// The proxy on the way to `host`, if there is one.
    pub(crate) fn to(&self, host: &Host) -> Option<&ProxyAddress> {
        match self {
            Self::Direct => None,
            Self::Always(proxy) => Some(proxy),
            Self::Unless(proxy, exceptions) => (!host.is_loopback() && !is_excepted(exceptions, host)).then_some(proxy),
        }
    }

    fn from_variables(read: impl Fn(&str) -> Option<String>) -> Result<Self, Error> {
        let set = |name: &&str| read(name).filter(|value| !value.trim().is_empty());
        let Some((name, url)) = PROXY_VARIABLES.iter().find_map(|name| Some((*name, Secret::new(set(name)?)))) else {
            return Ok(Self::Direct);
        };
        // A variable that means a proxy and names none is not taken for "no proxy": that would go around a firewall's
        // rules, or wait in front of it for ever.
        let proxy = ProxyAddress::parse(&format!("the environment variable {name}"), spelt_out(&url).expose())?;
        let excepted = NO_PROXY_VARIABLES.iter().find_map(set).unwrap_or_default();
        // Its list of exceptions is what is wanted of the matcher; any proxy will do.
        Ok(Self::Unless(proxy, Box::new(Matcher::builder().https("http://proxy").no(excepted).build())))
    }
}

/// In the environment, and nowhere else, `host:port` is common and means HTTP.
fn spelt_out(url: &Secret) -> Secret {
    match url.expose().trim() {
        url if url.contains("://") => url.into(),
        bare => Secret::new(format!("http://{bare}")),
    }
}

/// `NO_PROXY`: names with all below them, addresses, `10.0.0.0/8`, `*`.
fn is_excepted(exceptions: &Matcher, host: &Host) -> bool {
    let url = match host {
        Host::Name(name) => format!("https://{}/", name.trim_end_matches('.')),
        Host::Ip(ip) if ip.is_ipv6() => format!("https://[{ip}]/"),
        Host::Ip(ip) => format!("https://{ip}/"),
    };
    url.parse().is_ok_and(|url| exceptions.intercept(&url).is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(variables: &[(&str, &str)]) -> Result<Route, Error> {
        let variables: std::collections::HashMap<_, _> = variables.iter().copied().collect();
        Route::from_variables(|name| variables.get(name).map(|value| (*value).to_owned()))
    }

    fn proxy_for(route: &Route, host: &str) -> Option<String> {
        route.to(&Host::parse(host).unwrap()).map(|proxy| proxy.target.to_string())
    }

    #[test]
    fn variables_are_read_in_both_cases_and_in_order() {
        for (variables, proxy) in [
            (&[][..], None),
            (&[("HTTPS_PROXY", ""), ("all_proxy", "p:1")], Some("p:1")),
            (&[("HTTPS_PROXY", "p:1"), ("ALL_PROXY", "q:1")], Some("p:1")),
            (&[("https_proxy", "p:1"), ("ALL_PROXY", "q:1")], Some("p:1")),
            (&[("HTTP_PROXY", "p:1")], None),
        ] {
            assert_eq!(proxy_for(&route(variables).unwrap(), "mail.example").as_deref(), proxy, "{variables:?}");
        }
    }

    #[test]
    fn no_proxy_is_honoured() {
        for variable in ["NO_PROXY", "no_proxy"] {
            let route =
                route(&[("ALL_PROXY", "p:1"), (variable, "corp.example, 10.0.0.0/8,.inner.test,2001:db8::1")]).unwrap();
            for direct in
                ["corp.example", "imap.CORP.example", "corp.example.", "10.1.2.3", "a.inner.test", "2001:db8::1"]
            {
                assert_eq!(proxy_for(&route, direct), None, "{direct}");
            }
            for proxied in ["notcorp.example", "11.0.0.1", "corp.example.org", "2001:db8::2"] {
                assert!(proxy_for(&route, proxied).is_some(), "{proxied}");
            }
        }
        assert_eq!(proxy_for(&route(&[("ALL_PROXY", "p:1"), ("NO_PROXY", "*")]).unwrap(), "mail.example"), None);
    }

    #[test]
    fn loopback_never_goes_through_an_environment_proxy() {
        let environment = route(&[("HTTPS_PROXY", "http://proxy.corp:3128")]).unwrap();
        let explicit = Route::new(&Proxy::Url("http://proxy.corp:3128".into())).unwrap();
        for host in ["localhost", "127.0.0.1", "::1", "imap.localhost"] {
            assert_eq!(proxy_for(&environment, host), None, "{host}");
            assert!(proxy_for(&explicit, host).is_some(), "{host}");
        }
    }

    #[test]
    fn a_broken_variable_is_named_and_not_ignored() {
        let error = route(&[("https_proxy", "ftp://ada:secret@proxy")]).unwrap_err();
        assert!(error.to_string().contains("https_proxy") && !error.to_string().contains("secret"), "{error}");
    }
}
