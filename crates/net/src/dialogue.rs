//! The few lines before TLS: greeting, EHLO or CAPABILITY, STARTTLS (RFC 3207, RFC 9051 §6.2.1).
//!
//! ```text
//! Stream ── new ──> ClearDialogue ── read_line / write_line ──┬─ start_tls ──> Stream (encrypted)
//!                                                             └─ into_stream ─> Stream (loopback only)
//! ```
//! Both ways out refuse to go on while bytes are unread: after `STARTTLS` they would be commands or capabilities that
//! somebody on the way slipped in front of the encrypted ones (CVE-2011-0411 and its many sisters).

use bytes::{Buf, BytesMut};
use email_base::Call;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::error::Phase;
use crate::target::Host;
use crate::{Connector, Error, Stream};

/// Longest line, with its CRLF, that is taken before TLS: a server without end of line must not fill the memory.
/// RFC 5321 §4.5.3.1.5 wants 512, RFC 7162 §4 8192.
pub const MAX_CLEAR_LINE: usize = 8192;

/// A line-by-line conversation in clear text.
#[derive(Debug)]
pub struct ClearDialogue {
    stream: Stream,
    /// Received, not yet given out.
    buffer: BytesMut,
}

impl ClearDialogue {
    /// Takes over a stream of which nothing was read.
    pub fn new(stream: Stream) -> Self {
        Self { stream, buffer: BytesMut::new() }
    }

    /// The next line without its CRLF. Octets that are no UTF-8 become U+FFFD.
    ///
    /// It waits as long as the server likes: run it under a [`Call`]. Dropped and called again, it has lost nothing.
    pub async fn read_line(&mut self) -> Result<String, Error> {
        loop {
            if let Some(line) = self.buffered_line()? {
                return Ok(line);
            }
            let room = MAX_CLEAR_LINE.saturating_sub(self.buffer.len());
            let chunk = (&mut self.stream).take(room as u64).read_buf(&mut self.buffer).await?;
            if chunk == 0 {
                return Err(Error::ConnectionLost { detail: "the server closed it before TLS".to_owned() });
            }
        }
    }

    /// Writes `line` and CRLF. After a failure, or when dropped midway, the dialogue is of no more use.
    pub async fn write_line(&mut self, line: &str) -> Result<(), Error> {
        if line.contains(['\r', '\n', '\0']) {
            return Err(Error::argument("a line to the server holds CR, LF or NUL"));
        }
        let mut whole = Vec::with_capacity(line.len() + 2);
        whole.extend_from_slice(line.as_bytes());
        whole.extend_from_slice(b"\r\n");
        self.stream.write_all(&whole).await?;
        Ok(self.stream.flush().await?)
    }

    /// TLS from here on, or an error; the certificate must be for `host`. Call it right after the server's go-ahead.
    pub async fn start_tls(self, connector: &Connector, host: &str, call: &Call) -> Result<Stream, Error> {
        let host = Host::parse(host)?;
        call.check()?;
        let stream = self.drained().await?;
        let deadline = connector.deadline();
        call.run(deadline.run(&host, Phase::Handshake, crate::tls::handshake(stream, &host, connector.tls()))).await?
    }

    /// The stream as it is, for [`crate::Security::None`].
    pub fn into_stream(self) -> Result<Stream, Error> {
        if self.buffer.is_empty() { Ok(self.stream) } else { Err(Error::StarttlsInjection) }
    }

    /// The stream, if nothing more has arrived. What arrives later is met by the handshake, as a record that is none.
    async fn drained(mut self) -> Result<Stream, Error> {
        if !self.buffer.is_empty() || self.stream.has_unread().await {
            return Err(Error::StarttlsInjection);
        }
        Ok(self.stream)
    }

    fn buffered_line(&mut self) -> Result<Option<String>, Error> {
        let Some(end) = self.buffer.iter().position(|&byte| byte == b'\n') else {
            return if self.buffer.len() >= MAX_CLEAR_LINE { Err(Error::LineTooLong) } else { Ok(None) };
        };
        let line = self.buffer.split_to(end);
        self.buffer.advance(1);
        let line = line.strip_suffix(b"\r").unwrap_or(&line);
        Ok(Some(String::from_utf8_lossy(line).into_owned()))
    }
}
