//! From what the server sent to what was asked: parsing, joining, and saying what is less than it should be.
//!
//! Runs on blocking threads: parsing a mail can take milliseconds.

use bytes::Bytes;
use email_base::{Blob, Code};
use email_mime::{HeaderMap, ParseOptions, ParsedMessage};
use memchr::memmem;

use crate::command::fetch_items::{self, Items};
use crate::command::mend;
use crate::grammar::{Content, FetchRow};
use crate::types::{Degraded, Envelope, FetchQuery, FetchedMessage, HeaderFields, MessageDetail};

/// What Exchange puts in the place of a message that it cannot convert: a mail that says so. It is small, and one of
/// these sentences is in it.
const STUBS: &[&[u8]] = &[
    b"The server couldn't retrieve the following message",
    b"Retrieval using the IMAP4 protocol failed for the following message",
];
/// A stub is no larger than this; a real message that quotes one may be.
const MAX_STUB: usize = 8 * 1024;

/// Makes the result of one row.
pub(super) fn message(mut row: FetchRow, query: &FetchQuery, items: &Items) -> FetchedMessage {
    let keep = |wanted: bool| wanted.then_some(());
    let source = whole(&row);
    if query.body_structure && (row.body_structure.is_none() || row.lacks_parts()) {
        mend::structure_from_source(&mut row);
    }
    let degraded = flaws(&row, items, source.as_ref());
    let headers = headers(&row, query, source.as_ref());
    let envelope = keep(query.envelope).and_then(|()| envelope(&mut row));
    let message = match (&query.message, &source) {
        (MessageDetail::Parsed(options), Some(source)) => Some(Box::new(email_mime::parse(source, options))),
        _ => None,
    };
    FetchedMessage {
        uid: row.uid.unwrap_or_default(),
        flags: keep(query.flags).and_then(|()| row.flags.take()),
        internal_date: keep(query.internal_date).and(row.internal_date),
        size: keep(query.size).and(row.size),
        mod_seq: row.mod_seq,
        email_id: row.email_id.take(),
        thread_id: row.thread_id.take(),
        labels: row.labels.take(),
        envelope,
        body_structure: keep(query.body_structure).and_then(|()| row.body_structure.take()),
        headers,
        source: source.filter(|_| query.source).map(Blob),
        message,
        degraded,
    }
}

/// Makes the result of a row whose message is larger than this client takes into memory: everything but its content.
pub(super) fn oversize(row: FetchRow, query: &FetchQuery, items: &Items) -> FetchedMessage {
    let reason = "the message is larger than limits.maxLiteralBytes: read it by download".to_owned();
    let degraded = Some(Degraded { code: Code::LimitExceeded, reason });
    FetchedMessage { degraded, ..message(row, query, items.without_source()) }
}

/// [`message`], for [`crate::fuzzing`].
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn message_of(row: FetchRow, query: &FetchQuery) -> FetchedMessage {
    match Items::new(query) {
        Ok(items) => message(row, query, &items),
        Err(_) => FetchedMessage::default(),
    }
}

/// A message that is there and of which the server gives nothing.
pub(super) fn empty(uid: u32) -> FetchedMessage {
    let degraded = incomplete("the server has the message and gives nothing of it");
    FetchedMessage { uid, degraded: Some(degraded), ..FetchedMessage::default() }
}

fn whole(row: &FetchRow) -> Option<Bytes> {
    match fetch_items::source(row)? {
        Content::Inline(bytes) => Some(bytes.clone()),
        Content::Nil | Content::Streamed { .. } => None,
    }
}

fn headers(row: &FetchRow, query: &FetchQuery, source: Option<&Bytes>) -> Option<HeaderMap> {
    if query.headers == HeaderFields::None {
        return None;
    }
    let raw = match fetch_items::header(row).map(|section| &section.content) {
        Some(Content::Inline(bytes)) => bytes.clone(),
        // Asked for and none: an empty map, for `None` says that nobody asked.
        Some(Content::Nil) if source.is_none() => Bytes::new(),
        _ => top_header(source?),
    };
    let all = email_mime::parse_headers(&raw);
    Some(match &query.headers {
        HeaderFields::Named(names) => {
            all.into_iter().filter(|(name, _)| names.iter().any(|wanted| wanted.eq_ignore_ascii_case(name))).collect()
        }
        _ => all,
    })
}

/// The server's envelope; where it is broken or missing, what the header says.
fn envelope(row: &mut FetchRow) -> Option<Envelope> {
    let broken = row.defects.iter().any(|defect| defect.attribute == "ENVELOPE");
    let given = row.envelope.take();
    if given.is_some() && !broken {
        return given;
    }
    let Some(bytes) = fetch_items::whole_header(row) else { return given };
    let header = email_mime::parse(&top_header(bytes), &ParseOptions::default());
    Some(Envelope {
        date: header.date,
        subject: header.subject,
        message_id: header.message_id,
        in_reply_to: header.in_reply_to,
        // RFC 9051 §7.5.2: without these fields the author stands for them.
        sender: if header.sender.is_empty() { header.from.clone() } else { header.sender },
        reply_to: if header.reply_to.is_empty() { header.from.clone() } else { header.reply_to },
        from: header.from,
        to: header.to,
        cc: header.cc,
        bcc: header.bcc,
    })
}

/// Up to and with the empty line.
fn top_header(source: &Bytes) -> Bytes {
    let ends = |sep: &[u8]| memmem::find(source, sep).map(|at| at + sep.len());
    let end = [ends(b"\r\n\r\n"), ends(b"\n\n")].into_iter().flatten().min();
    source.slice(..end.unwrap_or(source.len()))
}

/// Why the row is less than was asked, if it is.
fn flaws(row: &FetchRow, items: &Items, source: Option<&Bytes>) -> Option<Degraded> {
    if let Some(defect) = row.defects.first() {
        let reason = format!("{}: {}", defect.attribute, defect.reason);
        return Some(Degraded { code: Code::ProtocolViolation, reason });
    }
    if let Some(item) = items.missing(row) {
        return Some(incomplete(&format!("the server left out {item}")));
    }
    if !items.has_source() {
        return None;
    }
    match source {
        None => Some(incomplete("the server has no content for the message")),
        Some(bytes) if bytes.is_empty() => Some(incomplete("the server sent an empty message")),
        Some(bytes) if is_stub(bytes) => Some(incomplete("the server sent a notice in place of the message")),
        Some(_) => None,
    }
}

fn is_stub(source: &[u8]) -> bool {
    source.len() <= MAX_STUB && STUBS.iter().any(|stub| memmem::find(source, stub).is_some())
}

fn incomplete(reason: &str) -> Degraded {
    Degraded { code: Code::IncompleteMessage, reason: reason.to_owned() }
}

/// What a result takes in memory, about: pages are bounded by it.
pub(super) fn weight(message: &FetchedMessage) -> usize {
    /// Envelope, structure and whatever else is small.
    const FIXED: usize = 1024;
    let source = message.source.as_ref().map_or(0, |source| source.0.len());
    let parsed = message.message.as_deref().map_or(0, parsed_weight);
    let headers = message.headers.iter().flatten().flat_map(|(_, values)| values).map(String::len).sum::<usize>();
    FIXED + source + parsed + headers
}

fn parsed_weight(message: &ParsedMessage) -> usize {
    let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
    let attachments = message.attachments.iter().filter_map(|a| a.content.as_ref()).map(|content| content.0.len());
    text(&message.text) + text(&message.html) + text(&message.safe_html) + attachments.sum::<usize>()
}
