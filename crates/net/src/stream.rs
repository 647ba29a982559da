//! A connection to a server: TCP, TLS over it, or TLS over a proxy's TLS; its users do not care which.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use crate::greeting::GreetingTime;

/// A read of so many bytes shows that there are more to come: rustls asks for no more at a time, four times a record.
const BUSY_READ: usize = 4 << 10;

/// What a busy socket is asked for at once. A quiet one has no such buffer: thousands of them only wait.
const READ_AHEAD: usize = 64 << 10;

/// An open connection. Dropping it closes it.
pub struct Stream {
    /// Read from the socket already, not yet by the user; also what a proxy sent along with its own last reply.
    ahead: BytesMut,
    /// The last read was as long as it could be.
    busy: bool,
    io: Io,
    /// End to end; TLS with a proxy does not count.
    encrypted: bool,
    local: Option<SocketAddr>,
    peer: Option<SocketAddr>,
    greeting: GreetingTime,
}

enum Io {
    Tcp(TcpStream),
    Tls(Box<TlsStream<Stream>>),
}

impl Stream {
    /// Whether what is written is readable only by the server whose certificate was checked.
    pub fn is_encrypted(&self) -> bool {
        self.encrypted
    }

    /// This end.
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.local
    }

    /// The other end; behind a proxy, the proxy's.
    pub fn peer_addr(&self) -> Option<SocketAddr> {
        self.peer
    }

    /// For whoever reads the server's first words.
    pub fn greeting_time(&self) -> GreetingTime {
        self.greeting.clone()
    }

    pub(crate) fn greets_in(&mut self, time: GreetingTime) {
        self.greeting = time;
    }

    pub(crate) fn clear(tcp: TcpStream) -> Self {
        let (local, peer) = (tcp.local_addr().ok(), tcp.peer_addr().ok());
        Self::new(Io::Tcp(tcp), false, local, peer)
    }

    pub(crate) fn encrypted(tls: TlsStream<Self>, local: Option<SocketAddr>, peer: Option<SocketAddr>) -> Self {
        Self::new(Io::Tls(Box::new(tls)), true, local, peer)
    }

    fn new(io: Io, encrypted: bool, local: Option<SocketAddr>, peer: Option<SocketAddr>) -> Self {
        Self { ahead: BytesMut::new(), busy: false, io, encrypted, local, peer, greeting: GreetingTime::default() }
    }

    /// The same connection after a proxy has put it through: what comes now is the server's.
    pub(crate) fn tunnelled(self, ahead: &Bytes) -> Self {
        Self { ahead: BytesMut::from(&**ahead), encrypted: false, ..self }
    }

    /// Whether bytes wait that nobody asked for: read ahead, or in the socket now.
    pub(crate) async fn has_unread(&mut self) -> bool {
        if !self.ahead.is_empty() {
            return true;
        }
        let mut one = [0u8; 1];
        std::future::poll_fn(|context| {
            let mut buffer = ReadBuf::new(&mut one);
            let polled = Pin::new(&mut *self).poll_read(context, &mut buffer);
            // An end or an error is not a byte: whoever reads or writes next will meet it.
            Poll::Ready(polled.is_ready() && !buffer.filled().is_empty())
        })
        .await
    }
}

impl fmt::Debug for Stream {
    /// Never the bytes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream").field("peer", &self.peer).field("encrypted", &self.encrypted).finish_non_exhaustive()
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.ahead.is_empty() {
            match &mut this.io {
                Io::Tls(tls) => return Pin::new(tls).poll_read(cx, buf),
                Io::Tcp(tcp) if !this.busy || buf.remaining() >= READ_AHEAD => {
                    let before = buf.filled().len();
                    ready!(Pin::new(tcp).poll_read(cx, buf))?;
                    this.busy = buf.filled().len().saturating_sub(before) >= BUSY_READ;
                    return Poll::Ready(Ok(()));
                }
                Io::Tcp(tcp) => {
                    this.ahead.reserve(READ_AHEAD);
                    let read = pin!(tcp.read_buf(&mut this.ahead)).poll(cx);
                    if this.ahead.is_empty() {
                        this.ahead = BytesMut::new();
                    }
                    // A pause is not the end: what comes behind it will be as much again.
                    this.busy = ready!(read)? >= BUSY_READ;
                }
            }
        }
        let count = this.ahead.len().min(buf.remaining());
        buf.put_slice(this.ahead.get(..count).unwrap_or_default());
        this.ahead.advance(count);
        if this.ahead.is_empty() && !this.busy {
            this.ahead = BytesMut::new();
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().io {
            Io::Tcp(tcp) => Pin::new(tcp).poll_write(cx, buf),
            Io::Tls(tls) => Pin::new(tls).poll_write(cx, buf),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().io {
            Io::Tcp(tcp) => Pin::new(tcp).poll_write_vectored(cx, bufs),
            Io::Tls(tls) => Pin::new(tls).poll_write_vectored(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match &self.io {
            Io::Tcp(tcp) => tcp.is_write_vectored(),
            Io::Tls(tls) => tls.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().io {
            Io::Tcp(tcp) => Pin::new(tcp).poll_flush(cx),
            Io::Tls(tls) => Pin::new(tls).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().io {
            Io::Tcp(tcp) => Pin::new(tcp).poll_shutdown(cx),
            Io::Tls(tls) => Pin::new(tls).poll_shutdown(cx),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn users_may_share_it<T: AsyncRead + AsyncWrite + Unpin + Send + Sync + fmt::Debug + 'static>() {}

    #[test]
    fn a_stream_can_go_anywhere() {
        users_may_share_it::<Stream>();
    }
}
