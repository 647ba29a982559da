//! From an [`Endpoint`] to a [`Stream`].
//!
//! ```text
//! parse → look up → race → TCP ─┬──────────────────────────────┬─ Implicit → TLS ─> encrypted
//!          (or the proxy's name) └─ CONNECT / SOCKS5 → tunnel ──┴─ StartTls, None ─> clear
//! ```

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use email_base::{Call, clock};
use rustls::ClientConfig;

use crate::deadline::Deadline;
use crate::error::Phase;
use crate::greeting::GreetingTime;
use crate::proxy::{self, ProxyAddress, Route};
use crate::stream::Stream;
use crate::target::Target;
use crate::{ConnectOptions, Endpoint, Error, Security, lookup, race, tls, trust};

/// Default of [`ConnectOptions::connect_timeout`]: five transmissions of a SYN (1 + 2 + 4 + 8 s), and the rest for TLS.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);

/// Opens connections: trusted CAs, proxy and times, read once. Cheap to make and to clone.
#[derive(Clone)]
pub struct Connector {
    shared: Arc<Shared>,
}

struct Shared {
    tls: Arc<ClientConfig>,
    route: Route,
    connect_timeout: Duration,
    /// It was the caller who said so.
    is_chosen: bool,
}

impl Connector {
    /// Reads and checks the options (and the environment, for [`crate::Proxy::Environment`]). No I/O.
    pub fn new(options: &ConnectOptions) -> Result<Self, Error> {
        let connect_timeout = options.connect_timeout.unwrap_or(CONNECT_TIMEOUT);
        if connect_timeout.is_zero() {
            return Err(Error::argument("connectTimeoutMs: must be more than 0"));
        }
        let route = Route::new(&options.proxy)?;
        let (tls, is_chosen) = (trust::client_config(&options.ca)?, options.connect_timeout.is_some());
        Ok(Self { shared: Arc::new(Shared { tls, route, connect_timeout, is_chosen }) })
    }

    /// Refuses an endpoint that no connection can be made to, without any I/O.
    pub fn check(&self, endpoint: &Endpoint) -> Result<(), Error> {
        let target = Target::parse(&endpoint.host, endpoint.port)?;
        match endpoint.tls {
            Security::None => stays_on_this_machine(&target, self.shared.route.to(&target)),
            Security::Implicit | Security::StartTls => Ok(()),
        }
    }

    /// A connection to `endpoint`: directly or through the proxy and, for [`Security::Implicit`], encrypted.
    /// [`Security::StartTls`] gives a clear stream for a [`crate::ClearDialogue`]; [`Security::None`] one to loopback.
    ///
    /// Dropping the future gives everything up.
    pub async fn connect(&self, endpoint: &Endpoint, call: &Call) -> Result<Stream, Error> {
        let target = Target::parse(&endpoint.host, endpoint.port)?;
        let proxy = self.shared.route.to(&target);
        if endpoint.tls == Security::None {
            stays_on_this_machine(&target, proxy)?;
        }
        let started = clock::now();
        let stream = call.run(self.open(&target, proxy, endpoint.tls)).await??;
        tracing::debug!(peer = %target, proxy = proxy.is_some(), tls = ?endpoint.tls, ms = started.elapsed().as_millis(), "connected");
        Ok(stream)
    }

    async fn open(&self, target: &Target, proxy: Option<&ProxyAddress>, security: Security) -> Result<Stream, Error> {
        let deadline = self.deadline();
        let mut stream = match proxy {
            None => dial(target, &deadline, target).await?,
            Some(proxy) => self.tunnel(proxy, target, &deadline).await?,
        };
        if security == Security::Implicit {
            let handshake = tls::handshake(stream, &target.host, self.tls());
            stream = deadline.run(target, Phase::Handshake, handshake).await?;
        }
        if self.shared.is_chosen {
            stream.greets_in(GreetingTime::until(deadline, target));
        }
        Ok(stream)
    }

    async fn tunnel(&self, proxy: &ProxyAddress, target: &Target, deadline: &Deadline) -> Result<Stream, Error> {
        let mut stream = dial(&proxy.target, deadline, proxy).await?;
        if proxy.is_tls() {
            let handshake = tls::handshake(stream, &proxy.target.host, self.tls());
            stream = deadline.run(proxy, Phase::Handshake, handshake).await?;
        }
        deadline.run(proxy, Phase::Proxy, proxy::open_tunnel(stream, proxy, target)).await
    }

    /// A deadline for connecting, or for a late handshake, that starts now.
    pub(crate) fn deadline(&self) -> Deadline {
        Deadline::starting_now(self.shared.connect_timeout)
    }

    pub(crate) fn connect_timeout(&self) -> Duration {
        self.shared.connect_timeout
    }

    pub(crate) fn tls(&self) -> &Arc<ClientConfig> {
        &self.shared.tls
    }

    pub(crate) fn route(&self) -> &Route {
        &self.shared.route
    }
}

impl fmt::Debug for Connector {
    /// Not rustls's page of settings, never the proxy's credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector").field("route", &self.shared.route).finish_non_exhaustive()
    }
}

async fn dial(target: &Target, deadline: &Deadline, peer: &impl ToString) -> Result<Stream, Error> {
    let addresses = deadline.run(peer, Phase::Lookup, lookup::addresses(&target.host)).await?;
    let tcp = deadline.run(peer, Phase::Connect, race::connect(target, addresses, peer)).await?;
    Ok(Stream::clear(tcp))
}

/// A password in clear text must not reach a wire.
fn stays_on_this_machine(target: &Target, proxy: Option<&ProxyAddress>) -> Result<(), Error> {
    if !target.host.is_loopback() {
        return Err(Error::argument(format!("tls: 'none' is for loopback only, not for {}", target.host)));
    }
    match proxy {
        Some(proxy) if !proxy.target.host.is_loopback() => {
            let why = "tls: 'none' cannot go through a proxy on another machine; pass proxy: null, or name the host in NO_PROXY";
            Err(Error::argument(why))
        }
        _ => Ok(()),
    }
}
