//! uuencode, undone line by line: what a line means is `email_mime`'s to say.
//!
//! ```text
//!  Before ─ `begin` and a line of data ─► Inside ─ `end`, or a line of something else ─► After
//!     └──── too much without them, or the end ─► Plain
//! ```

use bytes::Bytes;
use email_mime::parse::uuencode::{Line, begin_name, is_data, read_line};

/// Octets before the `begin` line that are waited for; a part with more is none, and passed on as it is.
const MAX_BEFORE: usize = 64 << 10;
/// Octets of one line; those with data have 64.
const MAX_LINE: usize = 4096;

/// Where it is.
#[derive(Debug)]
pub(super) enum Uuencode {
    /// What has come, and how much of it are lines that do not begin a file.
    Before { held: Vec<u8>, passed: usize },
    /// The start of a line.
    Inside(Vec<u8>),
    /// What follows the file is not wanted.
    After,
    /// Not encoded at all.
    Plain,
}

impl Default for Uuencode {
    fn default() -> Self {
        Self::Before { held: Vec::new(), passed: 0 }
    }
}

impl Uuencode {
    /// What `piece` adds.
    pub(super) fn push(&mut self, piece: Bytes) -> Bytes {
        match self {
            Self::Plain => piece,
            Self::After => Bytes::new(),
            Self::Inside(held) | Self::Before { held, .. } => {
                held.extend_from_slice(&piece);
                self.advance(false)
            }
        }
    }

    /// What was held back.
    pub(super) fn finish(&mut self) -> Bytes {
        self.advance(true)
    }

    fn advance(&mut self, last: bool) -> Bytes {
        if let Self::Before { held, passed } = self {
            match find_data(held, passed, last) {
                Some(data) => *self = Self::Inside(held.split_off(data)),
                None if last || held.len() > MAX_BEFORE => {
                    let all = std::mem::take(held);
                    *self = Self::Plain;
                    return all.into();
                }
                None => return Bytes::new(),
            }
        }
        let Self::Inside(held) = self else { return Bytes::new() };
        let mut out = Vec::with_capacity(held.len());
        let mut rest = held.as_slice();
        let ended = loop {
            let (line, after) = match memchr::memchr(b'\n', rest) {
                Some(end) => (rest.get(..end).unwrap_or_default(), rest.get(end + 1..).unwrap_or_default()),
                None if last && !rest.is_empty() => (rest, &b""[..]),
                None => break rest.len() > MAX_LINE,
            };
            if read_line(line, &mut out) != Line::Inside {
                break true;
            }
            rest = after;
        };
        let used = held.len() - rest.len();
        held.drain(..used);
        if ended {
            *self = Self::After;
        }
        out.into()
    }
}

/// Where the data behind the `begin` line starts. `passed` moves on over lines that are none.
fn find_data(held: &[u8], passed: &mut usize, last: bool) -> Option<usize> {
    loop {
        let rest = held.get(*passed..)?;
        let next = memchr::memchr(b'\n', rest)? + 1;
        if begin_name(rest.get(..next)?).is_some() {
            let following = rest.get(next..)?;
            let end = memchr::memchr(b'\n', following).or_else(|| last.then_some(following.len()))?;
            if is_data(following.get(..end)?) {
                return Some(*passed + next);
            }
        }
        *passed += next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_bounded_when_the_file_or_its_line_never_comes() {
        for start in ["", "begin 644 a\n", "begin 644 cat.txt\n#0V%T\n"] {
            let mut lines = Uuencode::default();
            lines.push(start.as_bytes().into());
            for _ in 0..1000 {
                lines.push(Bytes::from(vec![b'x'; 1024]));
                let held = match &lines {
                    Uuencode::Before { held, .. } | Uuencode::Inside(held) => held.len(),
                    Uuencode::After | Uuencode::Plain => 0,
                };
                assert!(held <= MAX_BEFORE, "{start}: {held}");
            }
            let plain = matches!(lines, Uuencode::Plain);
            assert_eq!(plain, !start.contains("cat"), "{start}");
        }
    }
}
