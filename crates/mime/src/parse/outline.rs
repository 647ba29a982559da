//! What a server's BODYSTRUCTURE should say (RFC 9051 §7.5.2), read from the message itself: for servers whose own is
//! broken.

use super::attachment;
use super::charset::Hint;
use super::structure::{self, Limits, Part};
use super::with_line_feeds;
use crate::limits::{MAX_DEPTH, MAX_HEADER_BYTES, MAX_PARTS};

/// One part, as IMAP tells it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OutlinePart {
    /// Part number (RFC 9051 §6.4.5.1); a multipart without a number of its own is `TEXT` or `2.TEXT`.
    pub part: String,
    /// Index of what it is in: always before it.
    pub parent: Option<usize>,
    /// Lower case `type/subtype`.
    pub media_type: String,
    /// Lower-case names, decoded values.
    pub parameters: Vec<(String, String)>,
    /// Content transfer encoding, lower case; empty for a multipart.
    pub encoding: String,
    /// Encoded octets; 0 for a multipart.
    pub size: u64,
    /// `attachment`, `inline`, lower case.
    pub disposition: Option<String>,
    /// As the sender wrote it, not made safe.
    pub filename: Option<String>,
    /// Without angle brackets.
    pub content_id: Option<String>,
}

/// A message to be taken apart: the whole one, or one that a part holds.
struct Waiting<'a> {
    source: &'a [u8],
    number: String,
    parent: Option<usize>,
    depth: usize,
}

/// The parts of `source`, those of forwarded messages too. Never fails; beyond 50 levels or 2,000 parts the rest is
/// left out.
pub fn outline(source: &[u8]) -> Vec<OutlinePart> {
    let source = with_line_feeds(source);
    let mut found: Vec<OutlinePart> = Vec::new();
    let mut waiting = vec![Waiting { source: &source, number: String::new(), parent: None, depth: 0 }];
    while let Some(message) = waiting.pop() {
        let parts = MAX_PARTS.saturating_sub(found.len());
        if parts == 0 {
            break;
        }
        let depth = MAX_DEPTH.saturating_sub(message.depth);
        let limits = Limits { depth, parts, header_bytes: MAX_HEADER_BYTES };
        let offset = found.len();
        let mut depths = Vec::new();
        for part in structure::split(message.source, limits).parts {
            let parent = part.parent.map(|parent| parent + offset).or(message.parent);
            let level =
                part.parent.and_then(|parent| depths.get(parent)).map_or(message.depth, |above: &usize| above + 1);
            depths.push(level);
            let told = told(&part, number(&message.number, &part.number), parent);
            let is_message = matches!(told.media_type.as_str(), "message/rfc822" | "message/global");
            let is_plain = matches!(told.encoding.as_str(), "7bit" | "8bit" | "binary");
            if is_message && is_plain && level < MAX_DEPTH {
                let (number, parent) = (told.part.clone(), Some(found.len()));
                waiting.push(Waiting { source: part.body, number, parent, depth: level + 1 });
            }
            found.push(told);
        }
    }
    found
}

fn number(message: &str, part: &str) -> String {
    let part = if part.is_empty() { "TEXT" } else { part };
    if message.is_empty() { part.to_owned() } else { format!("{message}.{part}") }
}

fn told(part: &Part<'_>, number: String, parent: Option<usize>) -> OutlinePart {
    let encoding = part.fields.text("content-transfer-encoding", Hint::default()).unwrap_or_default();
    let encoding = encoding.trim().to_ascii_lowercase();
    OutlinePart {
        part: number,
        parent,
        media_type: part.content_type.value.clone(),
        parameters: part.content_type.parameters().to_vec(),
        encoding: match part.multipart {
            true => String::new(),
            false if encoding.is_empty() => "7bit".to_owned(),
            false => encoding,
        },
        size: if part.multipart { 0 } else { part.body.len() as u64 },
        disposition: Some(part.disposition.value.clone()).filter(|value| !value.is_empty()),
        filename: attachment::given_name(part, Hint::default()),
        content_id: attachment::content_id(part),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_fields_are_those_of_imap() {
        let source = b"Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n\r\nhi\r\n--a\r\n\
            Content-Type: application/pdf; name=\"x.pdf\"\r\nContent-Transfer-Encoding: BASE64\r\nContent-ID: <c1>\r\n\
            Content-Disposition: attachment; filename*=UTF-8''%C3%A4.pdf\r\n\r\nAAAA\r\n--a\r\n\
            Content-Type: message/rfc822\r\n\r\nSubject: in\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n\
            --b\r\n\r\none\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>\r\n--b--\r\n--a--\r\n";
        let parts = outline(source);
        let shown: Vec<_> = parts.iter().map(|p| (p.part.as_str(), p.media_type.as_str(), p.parent, p.size)).collect();
        assert_eq!(
            shown,
            [
                ("TEXT", "multipart/mixed", None, 0),
                ("1", "text/plain", Some(0), 2),
                ("2", "application/pdf", Some(0), 4),
                ("3", "message/rfc822", Some(0), 118),
                ("3.TEXT", "multipart/alternative", Some(3), 0),
                ("3.1", "text/plain", Some(4), 3),
                ("3.2", "text/html", Some(4), 3),
            ]
        );
        let pdf = &parts[2];
        assert_eq!((pdf.encoding.as_str(), pdf.content_id.as_deref()), ("base64", Some("c1")));
        assert_eq!((pdf.disposition.as_deref(), pdf.filename.as_deref()), (Some("attachment"), Some("ä.pdf")));
        assert_eq!(pdf.parameters, [("name".to_owned(), "x.pdf".to_owned())]);
        assert_eq!(outline(b"Subject: x\r\n\r\nhello")[0].part, "1");
    }

    #[test]
    fn a_bomb_of_forwarded_messages_is_bounded() {
        let source = b"Content-Type: message/rfc822\r\n\r\n".repeat(100_000);
        assert!(outline(&source).len() <= MAX_DEPTH + 1);
        let nested = (0..10_000)
            .fold(String::new(), |s, n| s + &format!("Content-Type: multipart/mixed; boundary=b{n}\r\n\r\n--b{n}\r\n"));
        let deep = outline(nested.as_bytes());
        let level = |mut at: usize| std::iter::from_fn(|| deep[at].parent.inspect(|parent| at = *parent)).count();
        assert!((0..deep.len()).map(level).max().unwrap() <= MAX_DEPTH + 1);
    }
}
