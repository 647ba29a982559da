//! The built message as a stream of chunks: files are read and encoded while they are sent, never held whole.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read};

use bytes::Bytes;

use super::encode::{BASE64_LINE, base64_lines, base64_size};

/// Octets of a file or buffer encoded at once; a multiple of a base64 line, so that chunks join without a seam.
const INPUT_CHUNK: usize = BASE64_LINE * 1024;

/// A message's octets (RFC 5322, CRLF line ends), in order. Blocking: files are read from disk.
#[derive(Debug)]
pub struct Body {
    segments: VecDeque<Segment>,
    remaining: u64,
}

#[derive(Debug)]
pub(crate) enum Segment {
    /// As they are.
    Octets(Bytes),
    /// To be encoded as base64.
    Encode(Bytes),
    /// A file, to be encoded as base64.
    File {
        file: File,
        /// Octets still to read. What was promised is sent, whatever happens to the file meanwhile.
        left: u64,
        name: String,
    },
}

impl Segment {
    fn size(&self) -> u64 {
        match self {
            Self::Octets(octets) => octets.len() as u64,
            Self::Encode(octets) => base64_size(octets.len() as u64),
            Self::File { left, .. } => base64_size(*left),
        }
    }
}

impl Body {
    pub(crate) fn new(segments: VecDeque<Segment>) -> Self {
        let remaining = segments.iter().map(Segment::size).sum();
        Self { segments, remaining }
    }

    /// A body that is there already, for raw messages.
    pub fn from_bytes(octets: Bytes) -> Self {
        Self::new(VecDeque::from([Segment::Octets(octets)]))
    }

    /// The next octets, `None` at the end. A chunk has at most 80 KiB unless it was one piece in memory.
    pub fn next_chunk(&mut self) -> io::Result<Option<Bytes>> {
        loop {
            let Some(segment) = self.segments.pop_front() else { return Ok(None) };
            let (chunk, rest) = advance(segment)?;
            if let Some(rest) = rest {
                self.segments.push_front(rest);
            }
            if !chunk.is_empty() {
                self.remaining = self.remaining.saturating_sub(chunk.len() as u64);
                return Ok(Some(chunk));
            }
        }
    }

    /// Everything that is left, in one buffer.
    pub fn read_all(&mut self) -> io::Result<Vec<u8>> {
        let mut all = Vec::with_capacity(usize::try_from(self.remaining).unwrap_or(0));
        while let Some(chunk) = self.next_chunk()? {
            all.extend_from_slice(&chunk);
        }
        Ok(all)
    }

    /// Exactly how many octets are still to come.
    pub fn size_hint(&self) -> u64 {
        self.remaining
    }
}

fn advance(segment: Segment) -> io::Result<(Bytes, Option<Segment>)> {
    match segment {
        Segment::Octets(octets) => Ok((octets, None)),
        Segment::Encode(mut octets) => {
            let now = octets.split_to(octets.len().min(INPUT_CHUNK));
            let rest = (!octets.is_empty()).then_some(Segment::Encode(octets));
            Ok((base64_lines(&now).into(), rest))
        }
        Segment::File { mut file, left, name } => {
            let wanted = usize::try_from(left).unwrap_or(usize::MAX).min(INPUT_CHUNK);
            let mut buffer = vec![0; wanted];
            file.read_exact(&mut buffer).map_err(|e| io::Error::new(e.kind(), format!("attachments: {name}: {e}")))?;
            let left = left - wanted as u64;
            let rest = (left > 0).then_some(Segment::File { file, left, name });
            Ok((base64_lines(&buffer).into(), rest))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_join_without_a_seam() {
        let octets: Vec<u8> = (0..200_000u32).map(|n| n as u8).collect();
        let mut body = Body::new(VecDeque::from([
            Segment::Octets(Bytes::from_static(b"head")),
            Segment::Encode(octets.clone().into()),
            Segment::Octets(Bytes::from_static(b"tail")),
        ]));
        let promised = body.size_hint();
        let all = body.read_all().unwrap();
        assert_eq!(all.len() as u64, promised);
        assert_eq!(body.size_hint(), 0);
        assert_eq!(all, [&b"head"[..], &base64_lines(&octets), b"tail"].concat());
    }

    #[test]
    fn a_file_that_shrinks_is_an_error_not_a_short_message() {
        let path = std::env::temp_dir().join(format!("email-mime-shrink-{}", std::process::id()));
        std::fs::write(&path, vec![1; 100]).unwrap();
        let file = File::open(&path).unwrap();
        std::fs::write(&path, vec![1; 10]).unwrap();
        let mut body = Body::new(VecDeque::from([Segment::File { file, left: 100, name: "x".to_owned() }]));
        assert_eq!(body.next_chunk().unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        std::fs::remove_file(path).unwrap();
    }
}
