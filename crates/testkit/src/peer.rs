//! One connection, seen from the server.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::Leaf;
use crate::certificates::server_config;

/// A client that does not come forward for so long fails its test instead of hanging it.
const LIMIT: Duration = Duration::from_secs(10);

/// A connected client. Dropping it closes the connection.
///
/// It is `AsyncRead + AsyncWrite`, too, for what the methods here do not say.
#[derive(Debug)]
pub struct Peer {
    io: Io,
    /// Received, not yet asked for.
    buffer: Vec<u8>,
}

#[derive(Debug)]
enum Io {
    Clear(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
    Gone,
}

impl Peer {
    pub(crate) fn new(socket: TcpStream) -> Self {
        socket.set_nodelay(true).unwrap();
        Self { io: Io::Clear(socket), buffer: Vec::new() }
    }

    /// Sends exactly these bytes.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.try_send(bytes).await.expect("the client takes what is sent");
    }

    /// Sends; for clients that may hang up meanwhile.
    pub async fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        limited("the client to take bytes", async {
            self.write_all(bytes.as_ref()).await?;
            self.flush().await
        })
        .await
    }

    /// Receives exactly these bytes, or fails the test showing both.
    pub async fn receive(&mut self, expected: impl AsRef<[u8]>) {
        let expected = expected.as_ref();
        let got = self.receive_exact(expected.len()).await;
        assert_eq!(
            got.escape_ascii().to_string(),
            expected.escape_ascii().to_string(),
            "the client sent something else"
        );
    }

    /// Receives so many bytes, whatever they are.
    pub async fn receive_exact(&mut self, count: usize) -> Vec<u8> {
        while self.buffer.len() < count {
            assert!(self.fill().await > 0, "the client hung up; so far: {}", self.buffer.escape_ascii());
        }
        self.buffer.drain(..count).collect()
    }

    /// Receives a line that ends in CRLF, and gives it without.
    pub async fn receive_line(&mut self) -> String {
        self.try_receive_line().await.expect("a line, not the end of the connection")
    }

    /// Receives a line; `None` when the client hung up instead.
    pub async fn try_receive_line(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.buffer.windows(2).position(|two| two == b"\r\n") {
                let line: Vec<u8> = self.buffer.drain(..end + 2).take(end).collect();
                return Some(String::from_utf8(line).expect("a line of UTF-8"));
            }
            if self.fill().await == 0 {
                assert!(self.buffer.is_empty(), "the client hung up within a line: {}", self.buffer.escape_ascii());
                return None;
            }
        }
    }

    /// Everything until the client hangs up.
    pub async fn receive_all(&mut self) -> Vec<u8> {
        while self.fill().await > 0 {}
        std::mem::take(&mut self.buffer)
    }

    /// The client hangs up (orderly or not) without sending anything more.
    pub async fn expect_eof(&mut self) {
        let rest = self.receive_all().await;
        assert_eq!(rest.escape_ascii().to_string(), "", "the client sent something before it hung up");
    }

    /// TLS from here on. Fails the test if the handshake fails.
    pub async fn upgrade(&mut self, leaf: Leaf) {
        self.try_upgrade(leaf).await.expect("a TLS handshake");
    }

    /// TLS from here on, if the client likes the certificate.
    pub async fn try_upgrade(&mut self, leaf: Leaf) -> io::Result<()> {
        assert!(self.buffer.is_empty(), "the client sent clear text before TLS: {}", self.buffer.escape_ascii());
        let Io::Clear(socket) = std::mem::replace(&mut self.io, Io::Gone) else { panic!("TLS twice") };
        let accepted = limited("a TLS handshake", TlsAcceptor::from(server_config(leaf)).accept(socket)).await?;
        self.io = Io::Tls(Box::new(accepted));
        Ok(())
    }

    /// Passes bytes on to and from `server` until either hangs up: a proxy's work once it has agreed.
    #[expect(clippy::disallowed_methods, reason = "mock servers are below the crate that opens sockets")]
    pub async fn relay(mut self, server: SocketAddr) {
        let mut upstream = TcpStream::connect(server).await.expect("the server behind the proxy");
        // Either end may hang up as it likes.
        let _ = limited("the relay to end", tokio::io::copy_bidirectional(&mut self, &mut upstream)).await;
    }

    /// Hangs up in good order: `close_notify` under TLS, then FIN.
    pub async fn close(mut self) {
        let _ = limited("closing", self.shutdown()).await;
    }

    /// Hangs up with RST: the client gets `ECONNRESET`.
    pub async fn reset(self) {
        let socket = match &self.io {
            Io::Clear(socket) => socket,
            Io::Tls(tls) => tls.get_ref().0,
            Io::Gone => return,
        };
        socket.set_zero_linger().unwrap();
    }

    /// Reads once; 0 at the end, also when it is a violent one.
    async fn fill(&mut self) -> usize {
        let mut chunk = vec![0; 16 * 1024];
        let count = limited("the client to send or hang up", self.read_io(&mut chunk)).await.unwrap_or(0);
        self.buffer.extend_from_slice(&chunk[..count]);
        count
    }

    async fn read_io(&mut self, chunk: &mut [u8]) -> io::Result<usize> {
        match &mut self.io {
            Io::Clear(socket) => socket.read(chunk).await,
            Io::Tls(tls) => tls.read(chunk).await,
            Io::Gone => Ok(0),
        }
    }
}

impl AsyncRead for Peer {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if !this.buffer.is_empty() {
            let count = this.buffer.len().min(buf.remaining());
            buf.put_slice(&this.buffer.drain(..count).collect::<Vec<_>>());
            return Poll::Ready(Ok(()));
        }
        match &mut this.io {
            Io::Clear(socket) => Pin::new(socket).poll_read(cx, buf),
            Io::Tls(tls) => Pin::new(tls).poll_read(cx, buf),
            Io::Gone => Poll::Ready(Ok(())),
        }
    }
}

impl AsyncWrite for Peer {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().io {
            Io::Clear(socket) => Pin::new(socket).poll_write(cx, bytes),
            Io::Tls(tls) => Pin::new(tls).poll_write(cx, bytes),
            Io::Gone => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().io {
            Io::Clear(socket) => Pin::new(socket).poll_flush(cx),
            Io::Tls(tls) => Pin::new(tls).poll_flush(cx),
            Io::Gone => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().io {
            Io::Clear(socket) => Pin::new(socket).poll_shutdown(cx),
            Io::Tls(tls) => Pin::new(tls).poll_shutdown(cx),
            Io::Gone => Poll::Ready(Ok(())),
        }
    }
}

/// Fails the test when `work` takes too long.
pub(crate) async fn limited<T>(what: &str, work: impl Future<Output = T>) -> T {
    tokio::time::timeout(LIMIT, work).await.unwrap_or_else(|_| panic!("waited {LIMIT:?} in vain for {what}"))
}
