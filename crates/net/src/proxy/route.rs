//! Which hosts go through which proxy.

use email_base::Secret;

use super::address::ProxyAddress;
use super::exceptions::Exceptions;
use crate::target::Target;
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
    /// By the environment: through the proxy unless the server is excepted.
    Unless(ProxyAddress, Exceptions),
}

impl Route {
    pub(crate) fn new(proxy: &Proxy) -> Result<Self, Error> {
        match proxy {
            Proxy::Direct => Ok(Self::Direct),
            Proxy::Url(url) => ProxyAddress::parse("proxy", url.expose()).map(Self::Always),
            Proxy::Environment => Self::from_variables(|name| std::env::var(name).ok()),
        }
    }

    /// The proxy on the way to `target`, if there is one.
    pub(crate) fn to(&self, target: &Target) -> Option<&ProxyAddress> {
        match self {
            Self::Direct => None,
            Self::Always(proxy) => Some(proxy),
            Self::Unless(proxy, exceptions) => (!exceptions.hold(target)).then_some(proxy),
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
        Ok(Self::Unless(proxy, Exceptions::parse(&excepted)))
    }
}

/// In the environment, and nowhere else, `host:port` is common and means HTTP.
fn spelt_out(url: &Secret) -> Secret {
    match url.expose().trim() {
        url if url.contains("://") => url.into(),
        bare => Secret::new(format!("http://{bare}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(variables: &[(&str, &str)]) -> Result<Route, Error> {
        let variables: std::collections::HashMap<_, _> = variables.iter().copied().collect();
        Route::from_variables(|name| variables.get(name).map(|value| (*value).to_owned()))
    }

    fn proxy_for(route: &Route, host: &str) -> Option<String> {
        route.to(&Target::parse(host, 993).unwrap()).map(|proxy| proxy.target.to_string())
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
    fn no_proxy_decides_and_nothing_else() {
        let proxy = ("HTTPS_PROXY", "http://proxy.corp:3128");
        for host in ["localhost", "127.0.0.1", "::1", "imap.localhost", "mail.example"] {
            assert!(proxy_for(&route(&[proxy]).unwrap(), host).is_some(), "{host}: what loopback is, the caller says");
            for variable in ["NO_PROXY", "no_proxy"] {
                let route =
                    route(&[proxy, (variable, "other, localhost, 127.0.0.0/8, ::1, mail.example:993")]).unwrap();
                assert_eq!(proxy_for(&route, host), None, "{host}");
            }
            let explicit = Route::new(&Proxy::Url("http://proxy.corp:3128".into())).unwrap();
            assert!(proxy_for(&explicit, host).is_some(), "{host}");
        }
    }

    #[test]
    fn a_broken_variable_is_named_and_not_ignored() {
        let error = route(&[("https_proxy", "ftp://ada:secret@proxy")]).unwrap_err();
        assert!(error.to_string().contains("https_proxy") && !error.to_string().contains("secret"), "{error}");
    }
}
