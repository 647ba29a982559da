//! Happy Eyeballs (RFC 8305): addresses are tried one after the other, 250 ms apart; the first that answers wins.

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use email_base::clock;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;

use crate::Error;
use crate::target::Target;

/// RFC 8305 §5, "Connection Attempt Delay".
const STAGGER: Duration = Duration::from_millis(250);
/// A name with a thousand addresses must not make us knock at a thousand doors.
const MAX_ADDRESSES: usize = 8;

/// Idle connections (IDLE, pools) are probed after this long, so that NAT boxes keep them and dead ones are noticed.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(60);
/// Between probes.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(15);
/// Unanswered probes after which the connection is dead: two minutes in all.
const KEEPALIVE_RETRIES: u32 = 4;

/// Opens a TCP connection to whichever address of `target` answers first. The others are given up.
///
/// Attempts run side by side, so a dead address costs 250 ms and never the deadline, which the caller keeps.
pub(crate) async fn connect(target: &Target, addresses: Vec<IpAddr>, peer: &impl ToString) -> Result<TcpStream, Error> {
    let addresses = in_order(addresses).into_iter().map(|ip| SocketAddr::new(ip, target.port));
    let stream =
        race(addresses, async |address| open(address).await.map_err(|e| Error::from_connect(peer, &e))).await?;
    tune(&stream);
    Ok(stream)
}

#[expect(clippy::disallowed_methods, reason = "the one place that opens sockets")]
async fn open(address: SocketAddr) -> std::io::Result<TcpStream> {
    TcpStream::connect(address).await
}

/// A connection without these works, only worse: refusals are not errors.
fn tune(stream: &TcpStream) {
    let _ = stream.set_nodelay(true);
    let keepalive =
        TcpKeepalive::new().with_time(KEEPALIVE_IDLE).with_interval(KEEPALIVE_INTERVAL).with_retries(KEEPALIVE_RETRIES);
    let _ = SockRef::from(stream).set_tcp_keepalive(&keepalive);
}

/// The first success, else the most telling failure.
async fn race<A, T, F>(addresses: impl Iterator<Item = A>, attempt: impl Fn(A) -> F) -> Result<T, Error>
where
    F: Future<Output = Result<T, Error>>,
{
    let mut waiting = addresses.peekable();
    let mut running = FuturesUnordered::new();
    let mut failure: Option<Error> = None;
    running.extend(waiting.next().map(&attempt));
    loop {
        tokio::select! {
            biased;
            ended = running.next() => match ended {
                Some(Ok(won)) => return Ok(won),
                Some(Err(error)) => {
                    failure = Some(failure.map_or_else(|| error.clone(), |before| more_telling(before, error.clone())));
                    // RFC 8305 §5: a failure starts the next attempt at once.
                    running.extend(waiting.next().map(&attempt));
                }
                None => return Err(failure.unwrap_or_else(|| Error::argument("host: has no address"))),
            },
            () = clock::sleep(STAGGER), if waiting.peek().is_some() => running.extend(waiting.next().map(&attempt)),
        }
    }
}

/// "Refused" says that the host is there; "unreachable" is what a machine without IPv6 says of every AAAA record.
fn more_telling(a: Error, b: Error) -> Error {
    let rank = |error: &Error| match error {
        Error::ConnectionRefused { .. } => 2,
        Error::HostUnreachable { .. } => 0,
        _ => 1,
    };
    if rank(&b) > rank(&a) { b } else { a }
}

/// RFC 8305 §4: families alternate, beginning with the one that the system prefers; then the cap.
pub(crate) fn in_order(addresses: Vec<IpAddr>) -> Vec<IpAddr> {
    let preferred = addresses.first().is_some_and(IpAddr::is_ipv6);
    let (first, second): (Vec<_>, Vec<_>) = addresses.into_iter().partition(|ip| ip.is_ipv6() == preferred);
    let (mut first, mut second) = (first.into_iter(), second.into_iter());
    let mut mixed = Vec::new();
    while mixed.len() < MAX_ADDRESSES {
        let before = mixed.len();
        mixed.extend(first.next());
        mixed.extend(second.next());
        if mixed.len() == before {
            break;
        }
    }
    mixed.truncate(MAX_ADDRESSES);
    mixed
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    fn refused() -> Error {
        Error::ConnectionRefused { peer: "h:1".into() }
    }

    fn unreachable() -> Error {
        Error::HostUnreachable { peer: "h:1".into(), detail: "no route".into() }
    }

    #[tokio::test(start_paused = true)]
    async fn a_dead_first_address_costs_250_ms() {
        let start = clock::now();
        let attempt = async |n| if n == 1 { std::future::pending().await } else { Ok(n) };
        let won = clock::timeout(Duration::from_secs(5), race([1, 2].into_iter(), attempt)).await.unwrap();
        assert_eq!(won, Ok(2));
        assert_eq!(start.elapsed(), STAGGER);
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_starts_the_next_at_once() {
        let start = clock::now();
        let won = race([1, 2, 3].into_iter(), async |n| if n < 3 { Err(refused()) } else { Ok(n) }).await;
        assert_eq!((won, start.elapsed()), (Ok(3), Duration::ZERO));
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_first_address_still_wins_over_nobody() {
        let attempt = async |n| match n {
            1 => {
                clock::sleep(Duration::from_secs(3)).await;
                Ok(1)
            }
            _ => Err(refused()),
        };
        assert_eq!(race([1, 2].into_iter(), attempt).await, Ok(1));
    }

    #[tokio::test(start_paused = true)]
    async fn the_most_telling_failure_is_reported() {
        let errors = RefCell::new(vec![unreachable(), refused(), unreachable()]);
        let failed = race([1, 2, 3].into_iter(), async |_| Err::<(), _>(errors.borrow_mut().pop().unwrap())).await;
        assert_eq!(failed, Err(refused()));
    }

    #[tokio::test]
    async fn sockets_are_tuned() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let target = Target::parse("127.0.0.1", addr.port()).unwrap();
        let stream = connect(&target, vec![addr.ip()], &target).await.unwrap();
        assert!(stream.nodelay().unwrap());
        let socket = SockRef::from(&stream);
        assert!(socket.keepalive().unwrap());
        #[cfg(not(windows))]
        assert_eq!(socket.tcp_keepalive_time().unwrap(), KEEPALIVE_IDLE);
    }

    #[test]
    fn families_alternate_and_the_number_is_capped() {
        let v4 = |n: u8| IpAddr::from([10, 0, 0, n]);
        let v6 = |n: u16| IpAddr::from([1, 0, 0, 0, 0, 0, 0, n]);
        assert_eq!(in_order(vec![v6(1), v6(2), v6(3), v4(1)]), [v6(1), v4(1), v6(2), v6(3)]);
        assert_eq!(in_order((0..200).map(v4).collect()).len(), MAX_ADDRESSES);
    }
}
