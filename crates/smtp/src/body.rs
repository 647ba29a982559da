//! Where the bytes of a message come from.

use std::io;

use bytes::Bytes;

use crate::transparency;

/// A message in chunks.
///
/// Chunks are asked for while the ones before are on their way, on threads that may block, so a file is read as the
/// network takes it and never held whole. Line ends are put in order and dots stuffed by the receiver of the chunks.
///
/// An error ends the transaction before its final dot: nothing is sent. An [`io::Error`] made by
/// `io::Error::other(email_base::Failure)` keeps that failure's code; any other is reported as `FILE_UNREADABLE`.
pub trait MessageBody: Send + 'static {
    /// The next bytes of the message, `None` after the last.
    fn next_chunk(&mut self) -> io::Result<Option<Bytes>>;

    /// Starts over from the first byte; `false` if that cannot be done. Asked when a kept connection turns out to be
    /// dead in the middle of the message.
    fn rewind(&mut self) -> io::Result<bool>;

    /// The message's size with CRLF line ends, as far as it is known: what SIZE (RFC 1870) is checked with.
    fn size_hint(&self) -> Option<u64>;

    /// The header holds more than ASCII (RFC 6531).
    fn needs_smtputf8(&self) -> bool;

    /// Some part holds octets above 127 (RFC 6152).
    fn needs_8bit(&self) -> bool;

    /// Lines of any length, octets of any value (RFC 3030 §3): to be sent as they are, in chunks or not at all.
    fn is_binary(&self) -> bool {
        false
    }

    /// The header's Message-ID with its angle brackets; empty when there is none.
    fn message_id(&self) -> &str;

    /// Whether [`MessageBody::next_chunk`] may wait for a disk. If not, it is called where it stands.
    fn may_block(&self) -> bool {
        true
    }
}

/// Chunks of a message that is in memory; also how much is encoded without yielding.
const CHUNK: usize = 64 * 1024;
/// The header of a raw message is searched for its Message-ID no further than this.
const MAX_HEADER: usize = 256 * 1024;
/// RFC 5322 §2.1.1: no line, so no Message-ID, is longer.
const MAX_MESSAGE_ID: usize = 998;

/// A message that is already RFC 5322 bytes. Cheap to clone.
#[derive(Debug, Clone)]
pub struct RawMessage {
    bytes: Bytes,
    at: usize,
    size: u64,
    message_id: String,
    needs_smtputf8: bool,
    needs_8bit: bool,
}

impl RawMessage {
    /// Reads through the message once: some 10 ms for 10 MB.
    pub fn new(bytes: Bytes) -> Self {
        let header = header(&bytes);
        Self {
            at: 0,
            size: transparency::size_of(&bytes),
            message_id: message_id(header).unwrap_or_default(),
            needs_smtputf8: !header.is_ascii(),
            needs_8bit: !bytes.is_ascii(),
            bytes,
        }
    }
}

impl MessageBody for RawMessage {
    fn next_chunk(&mut self) -> io::Result<Option<Bytes>> {
        if self.at >= self.bytes.len() {
            return Ok(None);
        }
        let end = self.at.saturating_add(CHUNK).min(self.bytes.len());
        let chunk = self.bytes.slice(self.at..end);
        self.at = end;
        Ok(Some(chunk))
    }

    fn rewind(&mut self) -> io::Result<bool> {
        self.at = 0;
        Ok(true)
    }

    fn size_hint(&self) -> Option<u64> {
        Some(self.size)
    }

    fn needs_smtputf8(&self) -> bool {
        self.needs_smtputf8
    }

    fn needs_8bit(&self) -> bool {
        self.needs_8bit
    }

    fn message_id(&self) -> &str {
        &self.message_id
    }

    fn may_block(&self) -> bool {
        false
    }
}

/// Everything before the first empty line, however lines end.
fn header(message: &[u8]) -> &[u8] {
    let mut start = 0;
    while let Some(rest) = message.get(start..).filter(|rest| !rest.is_empty()) {
        let end = memchr::memchr2(b'\r', b'\n', rest).unwrap_or(rest.len());
        if end == 0 {
            break;
        }
        let terminator = if rest.get(end..end + 2) == Some(b"\r\n") { 2 } else { 1 };
        start = start.saturating_add(end + terminator).min(message.len());
    }
    message.get(..start).unwrap_or(message)
}

/// The value of `Message-ID`, unfolded (RFC 5322 §3.6.4), if it is one word in angle brackets.
fn message_id(header: &[u8]) -> Option<String> {
    let header = header.get(..MAX_HEADER).unwrap_or(header);
    let mut lines = header.split(|b| matches!(b, b'\r' | b'\n')).filter(|line| !line.is_empty()).peekable();
    while let Some(line) = lines.next() {
        let Some(value) = field(line, "message-id") else { continue };
        let mut value = value.to_vec();
        while let Some(folded) = lines.next_if(|next| matches!(next.first(), Some(b' ' | b'\t'))) {
            value.extend_from_slice(folded);
        }
        let text = String::from_utf8(value).ok()?;
        let id = text.trim();
        let fits = id.len() <= MAX_MESSAGE_ID && id.starts_with('<') && id.ends_with('>');
        return (fits && !id.contains(|c: char| c.is_control() || c.is_whitespace())).then(|| id.to_owned());
    }
    None
}

fn field<'a>(line: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let colon = line.iter().position(|&b| b == b':')?;
    let (found, value) = line.split_at_checked(colon)?;
    found.trim_ascii_end().eq_ignore_ascii_case(name.as_bytes()).then(|| value.get(1..).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(text: &str) -> RawMessage {
        RawMessage::new(Bytes::copy_from_slice(text.as_bytes()))
    }

    #[test]
    fn what_a_raw_message_needs() {
        let plain = raw("Subject: a\r\nMessage-ID: <1@x>\r\n\r\nbody\r\n");
        assert!(!plain.needs_smtputf8() && !plain.needs_8bit());
        assert_eq!((plain.message_id(), plain.size_hint()), ("<1@x>", Some(39)));
        let utf8_body = raw("Subject: a\r\n\r\nbodý\r\n");
        assert!(!utf8_body.needs_smtputf8() && utf8_body.needs_8bit());
        for header in ["Subject: ä\r\n\r\nbody", "Subject: ä\n\nbody", "Subject: ä\r\rbody", "Subject: ä"] {
            assert!(raw(header).needs_smtputf8(), "{header:?}");
        }
    }

    #[test]
    fn message_ids_are_found_as_they_are_written() {
        for (text, id) in [
            ("message-id:<a@b>\n\nx", "<a@b>"),
            ("Subject: x\r\nMessage-ID:\r\n <a@b>\r\nTo: y\r\n\r\n", "<a@b>"),
            ("MESSAGE-ID :  <a@b>\t\r\n\r\n", "<a@b>"),
            ("Subject: x\r\n\r\nMessage-ID: <in@body>", ""),
            ("Message-ID: <a b@c>\r\n\r\n", ""),
            ("Message-ID: none\r\n\r\n", ""),
            ("X-Message-ID: <a@b>\r\n\r\n", ""),
            ("", ""),
        ] {
            assert_eq!(raw(text).message_id(), id, "{text:?}");
        }
    }

    #[test]
    fn chunks_are_the_message_and_can_be_had_again() {
        let bytes = Bytes::from(vec![b'a'; 3 * CHUNK + 7]);
        let mut message = RawMessage::new(bytes.clone());
        for _ in 0..2 {
            let mut all = Vec::new();
            while let Some(chunk) = message.next_chunk().unwrap() {
                assert!(chunk.len() <= CHUNK);
                all.extend_from_slice(&chunk);
            }
            assert_eq!(all, bytes);
            assert!(message.rewind().unwrap());
        }
    }
}
