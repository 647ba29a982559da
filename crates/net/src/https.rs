//! The HTTP client of the OAuth crate, over the same trust, proxy and times as mail.

use std::error::Error as _;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect;
use url::Url;

use crate::error::Phase;
use crate::proxy::{ProxyAddress, Scheme};
use crate::target::{Host, Target};
use crate::{Connector, Error, lookup, race, tls};

/// A server that sends nothing for so long is given up.
pub const READ_TIMEOUT: Duration = Duration::from_secs(30);
/// From the request to the last byte of the answer: a server that sends one byte a second is given up, too.
pub const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);

/// Idle connections are kept so long: refreshes come in bursts, and hours apart.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
const IDLE_PER_HOST: usize = 2;

const USER_AGENT: &str = concat!("nocobase-email-native/", env!("CARGO_PKG_VERSION"));

impl Connector {
    /// An HTTPS client: no `http:`, no redirects (RFC 9700 §4.12: they carry codes and tokens away), no cookies, bounded
    /// times. Keep it: it pools connections.
    pub fn https(&self) -> Result<reqwest::Client, Error> {
        let mut tls = (**self.tls()).clone();
        tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let connector = self.clone();
        reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .proxy(reqwest::Proxy::custom(move |url| connector.proxy_url(url)))
            .dns_resolver(Resolver)
            .https_only(true)
            .redirect(redirect::Policy::none())
            .referer(false)
            .connect_timeout(self.connect_timeout())
            .read_timeout(READ_TIMEOUT)
            .timeout(ANSWER_TIMEOUT)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .pool_max_idle_per_host(IDLE_PER_HOST)
            .user_agent(USER_AGENT)
            .build()
            .map_err(|error| Error::Internal(error.to_string()))
    }

    fn proxy_url(&self, url: &Url) -> Option<Url> {
        let target = Target::parse(url.host_str()?, url.port_or_known_default()?).ok()?;
        self.route().to(&target).and_then(spelt_for_reqwest)
    }
}

impl Error {
    /// What a failed request of [`Connector::https`] means. URLs, which may hold codes, are left out.
    pub fn from_http(error: &reqwest::Error) -> Self {
        let peer = error.url().and_then(Url::host_str).unwrap_or("the server").to_owned();
        if error.is_builder() {
            return Self::argument("the URL cannot be used; it must begin with https://");
        }
        let mut cause = error.source();
        while let Some(inner) = cause {
            if let Some(known) = inner.downcast_ref::<Self>() {
                return known.clone();
            }
            if let Some(refusal) = inner.downcast_ref::<rustls::Error>() {
                return tls::refused(&peer, refusal);
            }
            if let Some(io) = inner.downcast_ref::<io::Error>().filter(|io| is_kind_that_says_something(io)) {
                return Self::from_connect(&peer, io);
            }
            if let Some(failed) = proxy_failure(&peer, &inner.to_string()) {
                return failed;
            }
            cause = tls::cause_of(inner);
        }
        match (error.is_timeout(), error.is_connect()) {
            (true, true) => Self::ConnectTimeout { peer, phase: Phase::Connect },
            (true, false) => Self::AnswerTimeout { peer },
            (false, true) => Self::HostUnreachable { peer, detail: "the connection could not be opened".to_owned() },
            (false, false) => Self::ConnectionLost { detail: format!("{peer} ended it in the middle of the answer") },
        }
    }
}

fn is_kind_that_says_something(error: &io::Error) -> bool {
    use io::ErrorKind as K;
    matches!(
        error.kind(),
        K::ConnectionRefused
            | K::ConnectionReset
            | K::ConnectionAborted
            | K::HostUnreachable
            | K::NetworkUnreachable
            | K::PermissionDenied
            | K::AddrNotAvailable
    )
}

/// hyper-util's tunnel errors have no public type; their words are all there is.
fn proxy_failure(peer: &str, words: &str) -> Option<Error> {
    let text = words.strip_prefix("tunnel error: ").or_else(|| words.strip_prefix("SOCKS error: "))?;
    if text.contains("failed to create underlying connection") || text.contains("io error") {
        // Its cause, next in the chain, says more.
        return None;
    }
    let status = if text.contains("authorization required") { "407" } else { "-" };
    Some(Error::ProxyFailed {
        proxy: "the proxy".to_owned(),
        peer: peer.to_owned(),
        status: status.to_owned(),
        text: text.to_owned(),
        transient: false,
    })
}

/// With the credentials in it, as reqwest wants them; for SOCKS5 in the spelling under which the proxy resolves.
fn spelt_for_reqwest(proxy: &ProxyAddress) -> Option<Url> {
    let scheme = match proxy.scheme {
        Scheme::Http => "http",
        Scheme::Https => "https",
        Scheme::Socks5 => "socks5h",
    };
    let mut url = Url::parse(&format!("{scheme}://{}", proxy.target)).ok()?;
    if let Some(login) = &proxy.login {
        // It encodes everything that must be but the encoding's own sign.
        url.set_username(&login.user.expose().replace('%', "%25")).ok()?;
        url.set_password(Some(&login.password.expose().replace('%', "%25"))).ok()?;
    }
    Some(url)
}

/// Our lookup under reqwest, so that a wrong name is told from a resolver that is down here, too.
struct Resolver;

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let host = Host::parse(name.as_str())?;
            let found = race::in_order(lookup::addresses(&host).await?);
            // The port is reqwest's affair.
            Ok(Box::new(found.into_iter().map(|ip| SocketAddr::new(ip, 0))) as Addrs)
        })
    }
}
