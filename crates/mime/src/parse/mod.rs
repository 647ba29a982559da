//! Reading a message: never fails, says what was wrong.

mod address;
mod attachment;
mod body;
pub(crate) mod charset;
mod date;
mod filename;
mod header;
mod ids;
pub(crate) mod parameter;
mod structure;
mod transfer;
mod uuencode;
mod word;

use std::borrow::Cow;

use crate::message::{HeaderMap, ParsedMessage};
use crate::options::ParseOptions;
use charset::{Hint, Trouble};
pub(crate) use date::days_from_civil;
use header::Fields;
use structure::{Defects, Limits, Tree};

/// Reads `source`, a message as it came from the wire or from a file (LF, CRLF or CR).
pub fn parse(source: &[u8], options: &ParseOptions) -> ParsedMessage {
    let source = with_line_feeds(source);
    let limits = Limits {
        depth: options.limits.depth(),
        parts: options.limits.parts(),
        header_bytes: options.limits.header_bytes(),
    };
    let tree = structure::split(&source, limits);
    Reading::new(tree, options).finish()
}

/// Text of a header field's raw value: unfolded, encoded words (RFC 2047) decoded, also where they were cut inside a
/// character; octets beyond ASCII are read as UTF-8 or guessed.
pub fn decode_header_text(raw: &[u8]) -> String {
    word::text(raw, Hint::default())
}

/// The fields of a header block: lower-case names in order of first appearance, decoded and unfolded values.
pub fn parse_headers(raw: &[u8]) -> HeaderMap {
    header::read(raw, 0, crate::limits::MAX_HEADER_BYTES, |_| false).fields.to_map(Hint::default())
}

/// A source whose first line ends in a bare CR has that for all its line ends.
fn with_line_feeds(source: &[u8]) -> Cow<'_, [u8]> {
    let first = memchr::memchr2(b'\r', b'\n', source);
    match first.and_then(|at| source.get(at..at + 2).or_else(|| source.get(at..))) {
        Some(b"\r\n") | None => Cow::Borrowed(source),
        Some(ending) if ending.starts_with(b"\r") => {
            let mut owned = source.to_vec();
            let mut next_is_feed = false;
            for octet in owned.iter_mut().rev() {
                if *octet == b'\r' && !next_is_feed {
                    *octet = b'\n';
                }
                next_is_feed = *octet == b'\n';
            }
            Cow::Owned(owned)
        }
        Some(_) => Cow::Borrowed(source),
    }
}

/// A message taken apart, on its way to a [`ParsedMessage`].
struct Reading<'a> {
    tree: Tree<'a>,
    options: &'a ParseOptions,
    fields: Fields<'a>,
    /// Charset of the first text part that names one.
    label: Option<String>,
    tld: Option<String>,
    defects: Defects,
}

impl<'a> Reading<'a> {
    fn new(mut tree: Tree<'a>, options: &'a ParseOptions) -> Self {
        let defects = std::mem::take(&mut tree.defects);
        let fields = tree.parts.first().map(|p| p.fields.clone()).unwrap_or_default();
        let label = tree.parts.iter().find_map(|p| p.content_type.get("charset")).map(str::to_owned);
        let tld = fields.first("from").and_then(top_level_domain);
        Self { tree, options, fields, label, tld, defects }
    }

    fn hint(&self) -> Hint<'_> {
        Hint { label: self.label.as_deref(), tld: self.tld.as_deref() }
    }

    fn finish(mut self) -> ParsedMessage {
        let roles = body::roles(&self.tree);
        let (text, html) = self.bodies(&roles.segments);
        let hint = self.hint();
        let fields = &self.fields;
        let addresses = |name: &str| fields.all(name).flat_map(|raw| address::list(raw, hint)).collect();
        let attachments = roles.attachments.iter().filter_map(|index| self.tree.parts.get(*index)).enumerate();
        ParsedMessage {
            message_id: fields.first("message-id").and_then(ids::one),
            in_reply_to: fields.first("in-reply-to").and_then(ids::one),
            references: fields.first("references").map(ids::list).unwrap_or_default(),
            date: fields.first("date").and_then(date::parse),
            subject: fields.text("subject", hint),
            from: addresses("from"),
            sender: addresses("sender"),
            reply_to: addresses("reply-to"),
            to: addresses("to"),
            cc: addresses("cc"),
            bcc: addresses("bcc"),
            headers: fields.to_map(hint),
            attachments: attachments
                .map(|(n, part)| attachment::describe(part, n + 1, self.options.attachments, hint))
                .collect(),
            text,
            html,
            defects: self.defects.into_vec(),
            ..ParsedMessage::default()
        }
    }

    fn bodies(&mut self, segments: &[body::Segment]) -> (Option<String>, Option<String>) {
        let mut texts = Vec::new();
        let mut rich = Vec::new();
        for segment in segments {
            texts.extend(segment.text.iter().map(|index| self.text_of(*index)));
            rich.extend(segment.rich.iter().map(|index| self.text_of(*index)));
        }
        let join = |all: Vec<String>| (!all.is_empty()).then(|| all.join("\n"));
        (join(texts), join(rich))
    }

    fn text_of(&mut self, index: usize) -> String {
        let Some(part) = self.tree.parts.get(index) else { return String::new() };
        let (text, repaired, trouble) = attachment::text_of(part, self.hint());
        if repaired {
            self.defects.add("a body's transfer encoding is broken");
        }
        match trouble {
            Some(Trouble::Unknown) => self.defects.add("a charset is unknown"),
            Some(Trouble::Mislabelled) => self.defects.add("a charset is not what its label says"),
            Some(Trouble::Undecodable) => self.defects.add("some characters could not be decoded"),
            None => {}
        }
        text
    }
}

/// `cn` of `<ada@mail.example.cn>`, also of the Chinese providers that live under `.com`.
fn top_level_domain(from: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(from).to_ascii_lowercase();
    let domain = text.rsplit_once('@')?.1.trim_end_matches(['>', ' ', '\r', '\n', ';']);
    if matches!(
        domain,
        "qq.com" | "163.com" | "126.com" | "yeah.net" | "139.com" | "foxmail.com" | "sina.com" | "aliyun.com"
    ) {
        return Some("cn".to_owned());
    }
    domain.rsplit('.').next().filter(|t| t.bytes().all(|b| b.is_ascii_lowercase())).map(str::to_owned)
}
