//! From a message to what stands between DATA and the final dot (RFC 5321 §4.5.2), in one pass over any chunking.
//!
//! * A CR or LF that stands alone becomes CRLF (RFC 5321 §2.3.8): to a server that takes a bare LF for a line's end,
//!   `\n.\n` would end the message and start a command (SMTP smuggling).
//! * A line that begins with a dot gets one more.
//! * The last line is ended, so that the terminator is always `CRLF "." CRLF`.

use memchr::memchr2;

/// How a message stands on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Form {
    /// Between DATA and a final dot.
    #[default]
    Dotted,
    /// In chunks, whose length says where they end (RFC 3030 §2): line ends are put in order, dots stay alone.
    Chunked,
    /// In chunks, untouched (RFC 3030 §3).
    Binary,
}

impl Form {
    /// BDAT, not DATA.
    pub(crate) fn is_chunked(self) -> bool {
        self != Self::Dotted
    }
}

/// What ends a message after its last CRLF.
pub(crate) const FINAL_DOT: &[u8] = b".\r\n";

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum State {
    /// At a line's first character.
    #[default]
    LineStart,
    InLine,
    /// A CRLF was written for a CR; if a LF follows, it belongs to it.
    AfterCr,
}

/// Encodes a message chunk by chunk.
#[derive(Debug, Clone, Default)]
pub(crate) struct Encoder {
    form: Form,
    state: State,
    /// Octets of the message with its line ends in order, without added dots: the size of RFC 1870.
    size: u64,
}

impl Encoder {
    pub(crate) fn new(form: Form) -> Self {
        Self { form, ..Self::default() }
    }

    /// Appends `chunk`, encoded, to `out`.
    pub(crate) fn push(&mut self, chunk: &[u8], out: &mut Vec<u8>) {
        if self.form == Form::Binary {
            out.extend_from_slice(chunk);
            self.size += chunk.len() as u64;
            return;
        }
        out.reserve(chunk.len() + chunk.len() / 64);
        let mut rest = chunk;
        while let Some((&first, tail)) = rest.split_first() {
            if self.state == State::AfterCr {
                self.state = State::LineStart;
                if first == b'\n' {
                    rest = tail;
                    continue;
                }
            }
            if self.state == State::LineStart && first == b'.' && self.form == Form::Dotted {
                out.push(b'.');
            }
            let end = memchr2(b'\r', b'\n', rest).unwrap_or(rest.len());
            let (line, from_end) = rest.split_at(end);
            out.extend_from_slice(line);
            self.size += line.len() as u64;
            if !line.is_empty() {
                self.state = State::InLine;
            }
            rest = from_end;
            if let Some((&terminator, tail)) = from_end.split_first() {
                out.extend_from_slice(b"\r\n");
                self.size += 2;
                self.state = if terminator == b'\r' { State::AfterCr } else { State::LineStart };
                rest = tail;
            }
        }
    }

    /// Ends the last line, if it needs it. The final dot is not written: its moment is the caller's.
    pub(crate) fn finish(&mut self, out: &mut Vec<u8>) {
        if self.state == State::InLine {
            out.extend_from_slice(b"\r\n");
            self.size += 2;
            self.state = State::LineStart;
        }
    }

    /// See the field.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }
}

/// The size that `message` will have once its line ends are in order (RFC 1870 §3).
pub(crate) fn size_of(message: &[u8]) -> u64 {
    let mut size = message.len() as u64;
    let mut at = 0;
    while let Some(found) = message.get(at..).and_then(|rest| memchr2(b'\r', b'\n', rest)) {
        let here = at + found;
        let pair = message.get(here..here + 2) == Some(b"\r\n");
        size += u64::from(!pair);
        at = here + if pair { 2 } else { 1 };
    }
    if !message.is_empty() && at != message.len() {
        size += 2;
    }
    size
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn encode(chunks: &[&[u8]]) -> (Vec<u8>, u64) {
        let mut encoder = Encoder::default();
        let mut out = Vec::new();
        for chunk in chunks {
            encoder.push(chunk, &mut out);
        }
        encoder.finish(&mut out);
        (out, encoder.size())
    }

    fn encoded(message: &str) -> String {
        String::from_utf8(encode(&[message.as_bytes()]).0).unwrap()
    }

    #[test]
    fn dots_and_line_ends() {
        assert_eq!(encoded(""), "");
        assert_eq!(encoded("a"), "a\r\n");
        assert_eq!(encoded("a\r\n"), "a\r\n");
        assert_eq!(encoded("a\nb\rc\r\nd"), "a\r\nb\r\nc\r\nd\r\n");
        assert_eq!(encoded(".\r\n..\r\n.a"), "..\r\n...\r\n..a\r\n");
        assert_eq!(encoded("\r\r\n\n"), "\r\n\r\n\r\n");
        assert_eq!(encoded("a.b\r\n .c"), "a.b\r\n .c\r\n");
    }

    #[test]
    fn smtp_smuggling() {
        for end in [
            "\n.\n",
            "\n.\r\n",
            "\r.\r",
            "\r\n.\n",
            "\r\n.\r",
            "\n.\r",
            "\r.\n",
            "\r\n.\r\n",
            "\r\r\n.\r\r\n",
            "\0\n.\n",
        ] {
            let attack = format!("Subject: x\r\n\r\nhello{end}MAIL FROM:<evil@example.com>{end}");
            for split in 0..attack.len() {
                let (first, second) = attack.as_bytes().split_at(split);
                let (out, _) = encode(&[first, second]);
                assert_transparent(&out);
            }
        }
    }

    /// No bare CR or LF, and no line of a single dot.
    fn assert_transparent(out: &[u8]) {
        assert!(out.is_empty() || out.ends_with(b"\r\n"));
        for line in out.split_inclusive(|&b| b == b'\n') {
            let body = line.strip_suffix(b"\r\n").unwrap_or_else(|| panic!("bare LF in {out:?}"));
            assert!(!body.contains(&b'\r'), "bare CR in {out:?}");
            assert_ne!(body, b".", "the message ends early in {out:?}");
        }
    }

    /// What the server makes of it (RFC 5321 §4.5.2).
    fn decode(out: &[u8]) -> Vec<u8> {
        out.split_inclusive(|&b| b == b'\n').flat_map(|line| line.strip_prefix(b".").unwrap_or(line).to_vec()).collect()
    }

    /// The slow and obvious way.
    fn normalised(message: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        let mut bytes = message.iter().copied().peekable();
        while let Some(b) = bytes.next() {
            if b == b'\r' {
                bytes.next_if_eq(&b'\n');
            }
            if b == b'\r' || b == b'\n' { out.extend(b"\r\n") } else { out.push(b) }
        }
        if !out.is_empty() && !out.ends_with(b"\r\n") {
            out.extend(b"\r\n");
        }
        out
    }

    proptest! {
        #[test]
        fn there_and_back_however_it_is_cut(message in "[\r\n.a]{0,40}", cuts in prop::collection::vec(0usize..40, 0..4)) {
            let bytes = message.as_bytes();
            let mut ends: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).chain([0, bytes.len()]).collect();
            ends.sort_unstable();
            let chunks: Vec<&[u8]> = ends.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
            let (out, size) = encode(&chunks);
            assert_transparent(&out);
            let expected = normalised(bytes);
            prop_assert_eq!(decode(&out), &expected[..]);
            prop_assert_eq!(size, expected.len() as u64);
            prop_assert_eq!(size_of(bytes), expected.len() as u64);
        }
    }
}
