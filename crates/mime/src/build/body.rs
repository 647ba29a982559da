//! The built message as a stream of chunks: files are read and encoded while they are sent, never held whole.

use std::fs::File;
use std::io::{self, Read, Seek};

use bytes::Bytes;

use super::encode::{BASE64_LINE, base64_lines, base64_size};

/// Octets of a file or buffer encoded at once; a multiple of a base64 line, so that chunks join without a seam.
const INPUT_CHUNK: usize = BASE64_LINE * 1024;

/// A message's octets (RFC 5322, CRLF line ends), in order. Blocking: files are read from disk.
#[derive(Debug)]
pub struct Body {
    segments: Vec<Segment>,
    /// The segment that is being read, and how many of its input octets are.
    current: usize,
    consumed: u64,
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
        /// What was promised is sent, whatever happens to the file meanwhile.
        size: u64,
        name: String,
        /// Or not to be encoded.
        raw: bool,
    },
}

impl Segment {
    /// Octets on the wire.
    fn encoded_size(&self) -> u64 {
        match self {
            Self::Octets(octets) => octets.len() as u64,
            Self::Encode(octets) => base64_size(octets.len() as u64),
            Self::File { size, raw: true, .. } => *size,
            Self::File { size, .. } => base64_size(*size),
        }
    }

    fn input_size(&self) -> u64 {
        match self {
            Self::Octets(octets) | Self::Encode(octets) => octets.len() as u64,
            Self::File { size, .. } => *size,
        }
    }

    /// The octets that follow `consumed` octets of input, and how much input they are.
    fn read(&mut self, consumed: u64) -> io::Result<(Bytes, u64)> {
        let left = usize::try_from(self.input_size() - consumed).unwrap_or(usize::MAX);
        let at = usize::try_from(consumed).unwrap_or(usize::MAX);
        match self {
            Self::Octets(octets) => {
                let piece = octets.slice(at.min(octets.len())..(at + left.min(INPUT_CHUNK)).min(octets.len()));
                let consumed = piece.len() as u64;
                Ok((piece, consumed))
            }
            Self::Encode(octets) => {
                let now = left.min(INPUT_CHUNK);
                let input = octets.get(at..at + now).unwrap_or_default();
                Ok((base64_lines(input).into(), now as u64))
            }
            Self::File { file, name, raw, .. } => {
                let mut buffer = vec![0; left.min(INPUT_CHUNK)];
                file.read_exact(&mut buffer)
                    .map_err(|e| io::Error::new(e.kind(), format!("attachments: {name}: {e}")))?;
                let consumed = buffer.len() as u64;
                Ok((if *raw { buffer.into() } else { base64_lines(&buffer).into() }, consumed))
            }
        }
    }
}

impl Body {
    pub(crate) fn new(segments: Vec<Segment>) -> Self {
        let remaining = segments.iter().map(Segment::encoded_size).sum();
        Self { segments, current: 0, consumed: 0, remaining }
    }

    /// A body that is there already, for raw messages.
    pub fn from_bytes(octets: Bytes) -> Self {
        Self::new(vec![Segment::Octets(octets)])
    }

    /// The next octets, `None` at the end. A chunk has at most 80 KiB.
    pub fn next_chunk(&mut self) -> io::Result<Option<Bytes>> {
        while let Some(segment) = self.segments.get_mut(self.current) {
            if self.consumed >= segment.input_size() {
                self.current += 1;
                self.consumed = 0;
                continue;
            }
            let (chunk, input) = segment.read(self.consumed)?;
            self.consumed += input;
            self.remaining = self.remaining.saturating_sub(chunk.len() as u64);
            return Ok(Some(chunk));
        }
        Ok(None)
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

    /// Starts again from the first octet, for a second try to send.
    pub fn rewind(&mut self) -> io::Result<()> {
        for segment in &mut self.segments {
            if let Segment::File { file, .. } = segment {
                file.rewind()?;
            }
        }
        (self.current, self.consumed) = (0, 0);
        self.remaining = self.segments.iter().map(Segment::encoded_size).sum();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_join_without_a_seam() {
        let octets: Vec<u8> = (0..200_000u32).map(|n| n as u8).collect();
        let path = std::env::temp_dir().join(format!("email-mime-body-{}", std::process::id()));
        std::fs::write(&path, &octets).unwrap();
        let mut body = Body::new(vec![
            Segment::Octets(Bytes::from_static(b"head")),
            Segment::Encode(octets.clone().into()),
            Segment::Octets(Bytes::new()),
            Segment::File {
                file: File::open(&path).unwrap(),
                size: octets.len() as u64,
                name: String::new(),
                raw: false,
            },
            Segment::Octets(Bytes::from_static(b"tail")),
        ]);
        std::fs::remove_file(path).unwrap();
        let promised = body.size_hint();
        let all = body.read_all().unwrap();
        assert_eq!((all.len() as u64, body.size_hint()), (promised, 0));
        let encoded = base64_lines(&octets);
        assert_eq!(all, [&b"head"[..], &encoded, &encoded, b"tail"].concat());
        body.rewind().unwrap();
        assert_eq!(body.size_hint(), promised);
        assert_eq!(body.read_all().unwrap(), all);
    }

    #[test]
    fn a_file_that_shrinks_is_an_error_not_a_short_message() {
        let path = std::env::temp_dir().join(format!("email-mime-shrink-{}", std::process::id()));
        std::fs::write(&path, vec![1; 100]).unwrap();
        let file = File::open(&path).unwrap();
        std::fs::write(&path, vec![1; 10]).unwrap();
        let mut body = Body::new(vec![Segment::File { file, size: 100, name: "x".to_owned(), raw: false }]);
        assert_eq!(body.next_chunk().unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        std::fs::remove_file(path).unwrap();
    }
}
