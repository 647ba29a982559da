//! Host names to addresses, by the system's resolver (so that its hosts file, search domains and VPN rules count).

use std::net::IpAddr;

use dns_lookup::LookupErrorKind;
use tokio::sync::Semaphore;

use crate::Error;
use crate::target::Host;

/// Lookups at once. `getaddrinfo` blocks a thread for up to 30 s when a resolver is down: a thousand accounts must not
/// take every thread of the pool on which messages are parsed, too.
const MAX_LOOKUPS: usize = 32;

static LOOKUPS: Semaphore = Semaphore::const_new(MAX_LOOKUPS);

/// The host's addresses in the order of RFC 6724, never none.
pub(crate) async fn addresses(host: &Host) -> Result<Vec<IpAddr>, Error> {
    let found = match (host.known_addresses(), host) {
        (Some(known), _) => known,
        (None, Host::Name(name)) => ask(name.clone()).await?,
        (None, Host::Ip(ip)) => vec![*ip],
    };
    if found.is_empty() {
        return Err(Error::HostNotFound { host: host.to_string() });
    }
    Ok(found)
}

async fn ask(name: String) -> Result<Vec<IpAddr>, Error> {
    let permit = LOOKUPS.acquire().await;
    // The permit goes with the thread: a call that is dropped frees it when the thread is free, not before.
    let answer = tokio::task::spawn_blocking(move || {
        let _permit = permit;
        match dns_lookup::lookup_host(&name) {
            Ok(found) => Ok(distinct(found)),
            Err(error) => Err(failure(name, error.kind(), &error)),
        }
    });
    answer.await.unwrap_or_else(|error| Err(Error::Internal(format!("the lookup ended early: {error}"))))
}

/// NXDOMAIN is the caller's typing error; anything else may be gone in a minute.
fn failure(host: String, kind: LookupErrorKind, detail: &impl ToString) -> Error {
    match kind {
        LookupErrorKind::NoName | LookupErrorKind::NoData => Error::HostNotFound { host },
        _ => Error::DnsFailed { host, detail: detail.to_string() },
    }
}

fn distinct(found: impl Iterator<Item = IpAddr>) -> Vec<IpAddr> {
    let mut addresses = Vec::new();
    for ip in found {
        if !addresses.contains(&ip) {
            addresses.push(ip);
        }
    }
    addresses
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_invalid_name_is_never_asked_for() {
        for host in ["mail.invalid", "INVALID", "a.b.invalid."] {
            let host = Host::parse(host).unwrap();
            assert!(matches!(addresses(&host).await, Err(Error::HostNotFound { .. })), "{host}");
        }
    }

    #[tokio::test]
    async fn localhost_is_this_machine_whatever_the_resolver_says() {
        let found = addresses(&Host::parse("imap.localhost").unwrap()).await.unwrap();
        assert!(found.iter().all(IpAddr::is_loopback) && !found.is_empty());
    }

    #[test]
    fn a_resolver_that_is_down_is_not_a_wrong_name() {
        let kind = |kind| failure("h".into(), kind, &"words");
        assert!(matches!(kind(LookupErrorKind::NoName), Error::HostNotFound { .. }));
        assert!(matches!(kind(LookupErrorKind::NoData), Error::HostNotFound { .. }));
        assert!(matches!(kind(LookupErrorKind::Again), Error::DnsFailed { .. }));
        assert!(matches!(kind(LookupErrorKind::Fail), Error::DnsFailed { .. }));
    }
}
