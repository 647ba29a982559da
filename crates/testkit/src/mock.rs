//! A listening socket and the thread that serves it.

use std::any::Any;
use std::net::SocketAddr;
use std::rc::Rc;
use std::thread::JoinHandle;

use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::oneshot;
use tokio::task::{JoinSet, LocalSet};

use crate::peer::limited;
use crate::{Leaf, Peer};

/// A running mock server.
///
/// If its script fails, [`Mock::finished`] fails; and so does dropping it, when the failure is known by then.
#[derive(Debug)]
pub struct Mock {
    addr: SocketAddr,
    thread: Option<JoinHandle<()>>,
    outcome: oneshot::Receiver<Result<(), Box<dyn Any + Send>>>,
}

/// A port of 127.0.0.1 that refuses connections and is nobody else's for as long as this lives.
#[derive(Debug)]
pub struct ClosedPort {
    /// Bound, not listening.
    socket: TcpSocket,
}

impl ClosedPort {
    /// Takes a free port.
    pub fn reserve() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).expect("a free port");
        Self { socket }
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.socket.local_addr().unwrap().port()
    }
}

/// The mock's socket, in the hands of its script.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
}

impl Mock {
    /// Listens on a free port of 127.0.0.1 and runs `script`.
    pub fn start(script: impl AsyncFnOnce(Listener) + Send + 'static) -> Self {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        socket.set_nonblocking(true).unwrap();
        let addr = socket.local_addr().unwrap();
        let (tell, outcome) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            let run = std::panic::AssertUnwindSafe(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                LocalSet::new().block_on(&runtime, async move {
                    script(Listener { socket: TcpListener::from_std(socket).unwrap() }).await;
                });
            });
            // The test may have ended without asking.
            let _ = tell.send(std::panic::catch_unwind(run));
        });
        Self { addr, thread: Some(thread), outcome }
    }

    /// Runs `script` for every connection (numbered from 0), any number at once, for as long as the mock lives.
    /// `leaf` is for TLS from the first byte.
    pub fn each(leaf: Option<Leaf>, script: impl AsyncFn(usize, Peer) + Send + 'static) -> Self {
        Self::start(async move |listener| {
            let script = Rc::new(script);
            let mut running = JoinSet::new();
            let mut number = 0;
            loop {
                let socket = tokio::select! {
                    accepted = listener.socket.accept() => accepted.unwrap().0,
                    Some(ended) = running.join_next() => {
                        if let Err(failed) = ended {
                            std::panic::resume_unwind(failed.into_panic());
                        }
                        continue;
                    }
                };
                let script = script.clone();
                running.spawn_local(async move {
                    let mut peer = Peer::new(socket);
                    if let Some(leaf) = leaf {
                        peer.upgrade(leaf).await;
                    }
                    script(number, peer).await;
                });
                number += 1;
            }
        })
    }

    /// 127.0.0.1 and the port.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.addr.port()
    }

    /// Waits until the script has ended; panics if it has panicked. Not for [`Mock::each`], which never ends.
    pub async fn finished(mut self) {
        let outcome = (&mut self.outcome).await.expect("the mock's thread ended");
        self.thread.take();
        if let Err(panic) = outcome {
            std::panic::resume_unwind(panic);
        }
    }
}

impl Drop for Mock {
    fn drop(&mut self) {
        let failed = matches!(self.outcome.try_recv(), Ok(Err(_)));
        if failed && !std::thread::panicking() {
            panic!("the mock server's script failed; see its panic above");
        }
    }
}

impl Listener {
    /// The next connection, in clear text.
    pub async fn accept(&self) -> Peer {
        let (socket, _) = limited("a connection", self.socket.accept()).await.unwrap();
        Peer::new(socket)
    }

    /// The next connection, with TLS from the first byte. A handshake that fails fails the test.
    pub async fn accept_tls(&self, leaf: Leaf) -> Peer {
        let mut peer = self.accept().await;
        peer.upgrade(leaf).await;
        peer
    }

    /// The next connection, for a client that must end the TLS handshake itself (certificate tests).
    pub async fn accept_tls_refused(&self, leaf: Leaf) {
        let mut peer = self.accept().await;
        assert!(peer.try_upgrade(leaf).await.is_err(), "the client accepted the certificate {leaf:?}");
    }
}
