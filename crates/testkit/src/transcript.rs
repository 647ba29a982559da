//! Conversations written down, line by line.
//!
//! | line | meaning |
//! |---|---|
//! | `S: text` | the server sends `text` and CRLF |
//! | `S~: text` | the server sends `text` without CRLF; `\r \n \t \0 \\ \xHH` are bytes |
//! | `C: text` | the client must send `text` and CRLF |
//! | `C~: text` | the client must send exactly these bytes, escapes as above |
//! | `X: starttls` | TLS from here on ([`Leaf::Good`]) |
//! | `X: eof` | the client must hang up now |
//! | `X: close`, `X: reset` | the server hangs up, in good order or with RST; must be the last line |
//! | `# text`, empty | nothing |
//!
//! `{name}` in a `C:` line stands for any run of characters without a space, and is remembered; in an `S:` line it is
//! what was remembered last under that name. So `{tag}` is the tag of the client's last command, and `{a}`, `{b}` keep
//! those of two that are under way together. A name begins with a letter: `{10}` and `{10+}` are literals of IMAP.

use std::collections::HashMap;

use crate::{Leaf, Peer};

impl Peer {
    /// Plays `transcript` to its end; panics with the line's number when the client departs from it.
    pub async fn play(self, transcript: &str) {
        let mut names = HashMap::new();
        self.play_with(transcript, &mut names).await;
    }

    /// Plays on with the `{name}`s of an earlier part; gives the connection back unless the transcript ended it.
    pub async fn play_with(mut self, transcript: &str, names: &mut HashMap<String, String>) -> Option<Self> {
        for (number, line) in transcript.lines().enumerate() {
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            let (who, text) = line.split_once(':').unwrap_or_else(|| panic!("line {}: no colon: {line}", number + 1));
            let text = text.strip_prefix(' ').unwrap_or(text);
            match who {
                "S" => self.send(filled(text, names) + "\r\n").await,
                "S~" => self.send(unescaped(&filled(text, names))).await,
                "C~" => self.receive(unescaped(&filled(text, names))).await,
                "C" => {
                    let got = self.try_receive_line().await;
                    let got = got.unwrap_or_else(|| panic!("line {}: the client hung up before: {text}", number + 1));
                    assert!(
                        matches(text, &got, names),
                        "line {}:\n  expected  C: {text}\n  received  C: {got}",
                        number + 1
                    );
                }
                "X" => match text {
                    "starttls" => self.upgrade(Leaf::Good).await,
                    "eof" => self.expect_eof().await,
                    "close" => {
                        self.close().await;
                        return None;
                    }
                    "reset" => {
                        self.reset().await;
                        return None;
                    }
                    _ => panic!("line {}: unknown: {line}", number + 1),
                },
                _ => panic!("line {}: begins with none of S: S~: C: C~: X: # — {line}", number + 1),
            }
        }
        Some(self)
    }
}

/// A part of a line: as it stands, or a name.
enum Part<'a> {
    Text(&'a str),
    Name(&'a str),
}

fn parts(line: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let (mut rest, mut from) = (line, 0);
    while let Some(open) = rest[from..].find('{').map(|at| at + from) {
        let name = rest[open + 1..].split_once('}').map(|(name, _)| name).filter(|name| {
            name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.chars().all(|c| c.is_ascii_alphanumeric())
        });
        let Some(name) = name else {
            from = open + 1;
            continue;
        };
        parts.extend([Part::Text(&rest[..open]), Part::Name(name)]);
        (rest, from) = (&rest[open + name.len() + 2..], 0);
    }
    parts.push(Part::Text(rest));
    parts
}

fn filled(line: &str, names: &HashMap<String, String>) -> String {
    parts(line)
        .into_iter()
        .map(|part| match part {
            Part::Text(text) => text,
            Part::Name(name) => names.get(name).unwrap_or_else(|| panic!("{{{name}}} is not known yet")),
        })
        .collect()
}

fn matches(pattern: &str, line: &str, names: &mut HashMap<String, String>) -> bool {
    let (mut rest, mut open) = (line, None);
    for part in parts(pattern) {
        match (part, open.take()) {
            (Part::Name(name), _) => open = Some(name),
            (Part::Text(text), None) => match rest.strip_prefix(text) {
                Some(after) => rest = after,
                None => return false,
            },
            (Part::Text(text), Some(name)) => {
                let end = if text.is_empty() { Some(rest.len()) } else { rest.find(text) };
                let Some(end) = end.filter(|&end| end > 0 && !rest[..end].contains(' ')) else { return false };
                names.insert(name.to_owned(), rest[..end].to_owned());
                rest = &rest[end + text.len()..];
            }
        }
    }
    rest.is_empty()
}

fn unescaped(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        if c != '\\' {
            bytes.extend(c.encode_utf8(&mut [0; 4]).as_bytes());
            continue;
        }
        bytes.push(match characters.next() {
            Some('r') => b'\r',
            Some('n') => b'\n',
            Some('t') => b'\t',
            Some('0') => 0,
            Some('\\') => b'\\',
            Some('x') => {
                let hex: String = characters.by_ref().take(2).collect();
                u8::from_str_radix(&hex, 16).unwrap_or_else(|_| panic!("\\x{hex} is no byte"))
            }
            other => panic!("\\{other:?} is no escape"),
        });
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_match_and_literals_stay() {
        let mut names = HashMap::new();
        assert!(matches("{tag} APPEND INBOX {10}", "A7 APPEND INBOX {10}", &mut names));
        assert_eq!(filled("{tag} OK {10+}", &names), "A7 OK {10+}");
        assert!(matches("X {user}\"", "X ada\"", &mut names) && names["user"] == "ada");
        for (pattern, line) in
            [("{tag} NOOP", "A1 LOGOUT"), ("{tag} NOOP", " NOOP"), ("{tag}", "A 1"), ("A", "AB"), ("{tag} A", "A1 A B")]
        {
            assert!(!matches(pattern, line, &mut names), "{pattern} took {line}");
        }
    }

    #[test]
    fn escapes() {
        assert_eq!(unescaped(r"a\r\n\x00\xff\\é"), b"a\r\n\0\xff\\\xc3\xa9");
    }
}
