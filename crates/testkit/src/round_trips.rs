//! A link between a client and a server that counts how often the client has to wait for an answer.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Silence for so long ends a flight: whoever has more to say without an answer has said it. Generous, because a loaded
/// machine that is slower than this counts too much.
const QUIET: Duration = Duration::from_millis(120);

/// A proxy on loopback that passes bytes on flight by flight.
///
/// Its count is that of a link whose latency is all that matters: one for the TCP handshake, and one for every time the
/// server's bytes come after the client's, or first of all.
#[derive(Debug)]
pub struct RoundTrips {
    addr: SocketAddr,
    count: Arc<AtomicUsize>,
}

/// Who spoke last.
#[derive(PartialEq)]
enum Last {
    Client,
    Server,
}

impl RoundTrips {
    /// Before `server`.
    #[expect(clippy::disallowed_methods, reason = "mock servers are below the crate that opens sockets")]
    pub fn before(server: SocketAddr) -> Self {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        socket.set_nonblocking(true).unwrap();
        let addr = socket.local_addr().unwrap();
        let count = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&count);
        // Ends with the process: a client may connect as long as the test lasts.
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                let listener = TcpListener::from_std(socket).unwrap();
                loop {
                    let (client, _) = listener.accept().await.unwrap();
                    let upstream = TcpStream::connect(server).await.expect("the server behind the link");
                    counter.fetch_add(1, Ordering::SeqCst);
                    tokio::spawn(relay(client, upstream, Arc::clone(&counter)));
                }
            });
        });
        Self { addr, count }
    }

    /// The port to connect to, on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.addr.port()
    }

    /// Round trips so far.
    pub fn count(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }
}

async fn relay(mut client: TcpStream, mut server: TcpStream, count: Arc<AtomicUsize>) {
    client.set_nodelay(true).unwrap();
    server.set_nodelay(true).unwrap();
    let mut last = Last::Client;
    let (mut from_client, mut from_server) = (Vec::new(), Vec::new());
    loop {
        let gone = tokio::select! {
            read = client.read_buf(&mut from_client) => {
                let gone = read.unwrap_or(0) == 0 || flight(&mut client, &mut from_client).await;
                last = Last::Client;
                gone || server.write_all(&from_client).await.is_err()
            }
            read = server.read_buf(&mut from_server) => {
                let gone = read.unwrap_or(0) == 0 || flight(&mut server, &mut from_server).await;
                if last == Last::Client {
                    count.fetch_add(1, Ordering::SeqCst);
                }
                last = Last::Server;
                client.write_all(&from_server).await.is_err() || gone
            }
        };
        if gone {
            return;
        }
        from_client.clear();
        from_server.clear();
    }
}

/// What follows without a pause. `true`: the sender has hung up.
async fn flight(from: &mut TcpStream, bytes: &mut Vec<u8>) -> bool {
    loop {
        match tokio::time::timeout(QUIET, from.read_buf(bytes)).await {
            Ok(Ok(0) | Err(_)) => return true,
            Ok(Ok(_)) => {}
            Err(_) => return false,
        }
    }
}
