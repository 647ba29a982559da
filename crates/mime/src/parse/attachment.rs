//! What a part says of itself: disposition, name, identifier (RFC 2183, RFC 2392).

use std::borrow::Cow;

use email_base::Blob;

use super::charset::{self, Hint};
use super::filename;
use super::header;
use super::parameter::{Structured, percent_decode};
use super::structure::{Part, media_type};
use super::transfer;
use crate::message::Attachment;
use crate::options::AttachmentDetail;

/// Whether the sender gave the part a file's name.
pub(crate) fn is_named(part: &Part<'_>) -> bool {
    given_name(part, Hint::default()).is_some()
}

/// Whether the octets could be decoded as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Octets {
    Sound,
    Repaired,
}

/// Describes `part`, the `ordinal`th attachment.
pub(crate) fn describe(
    part: &Part<'_>,
    ordinal: usize,
    detail: AttachmentDetail,
    hint: Hint<'_>,
) -> (Attachment, Octets) {
    let (content, repaired) = match detail {
        AttachmentDetail::Content => {
            let (octets, repaired) = transfer::decode(part.body, part.encoding);
            (Some(octets), repaired)
        }
        AttachmentDetail::Metadata => (None, false),
    };
    let size = content.as_ref().map_or_else(|| transfer::decoded_size(part.body, part.encoding), |c| c.len());
    let by_name = || given_name(part, hint).and_then(|name| type_of_name(&name)).map(str::to_owned);
    let content_type = match part.content_type.value.as_str() {
        declared if declares_type(part) => declared.to_owned(),
        UNKNOWN_TYPE => by_name().unwrap_or_else(|| "application/octet-stream".to_owned()),
        assumed => by_name().unwrap_or_else(|| assumed.to_owned()),
    };
    let described = Attachment {
        part: part.number.clone(),
        filename: safe_name(part, ordinal, hint),
        content_type,
        size: size as u64,
        content_id: content_id(part),
        inline: false,
        content: content.map(|c| Blob(into_bytes(c))),
    };
    (described, if repaired { Octets::Repaired } else { Octets::Sound })
}

/// A type in form only: what some senders write who do not know one.
const UNKNOWN_TYPE: &str = "application/x-unknown";

/// Whether the sender says what the part is. `application/octet-stream` is an answer: of some senders the only safe one.
fn declares_type(part: &Part<'_>) -> bool {
    let declared = part.fields.first("content-type").map(|raw| Structured::parse(raw, Hint::default()).value);
    declared.is_some_and(|value| value != UNKNOWN_TYPE && media_type(&value).is_some())
}

fn into_bytes(octets: Cow<'_, [u8]>) -> bytes::Bytes {
    octets.into_owned().into()
}

/// Longer ones fit no line of a header (RFC 5322 §2.1.1).
const MAX_CONTENT_ID: usize = 998;

/// `Content-ID` without its brackets.
pub(crate) fn content_id(part: &Part<'_>) -> Option<String> {
    let id = super::ids::one(part.fields.first("content-id")?)?;
    Some(id.trim_matches(['<', '>']).to_owned()).filter(|id| !id.is_empty() && id.len() <= MAX_CONTENT_ID)
}

fn safe_name(part: &Part<'_>, ordinal: usize, hint: Hint<'_>) -> String {
    given_name(part, hint)
        .as_deref()
        .and_then(filename::safe)
        .or_else(|| name_of_message(part, hint))
        .unwrap_or_else(|| filename::for_type(&part.content_type.value, ordinal))
}

/// The name as the sender gave it, in any of the places where senders put it.
pub(crate) fn given_name(part: &Part<'_>, hint: Hint<'_>) -> Option<String> {
    let name_in = |field: &Structured, names: [&str; 2]| {
        names.iter().find_map(|name| field.get(name)).filter(|n| !n.trim().is_empty()).map(str::to_owned)
    };
    let read = |disposition: &Structured, content_type: &Structured| {
        name_in(disposition, ["filename", "name"]).or_else(|| name_in(content_type, ["name", "filename"]))
    };
    let name = read(&part.disposition, &part.content_type)?;
    if name.is_ascii() || (hint.label.is_none() && hint.tld.is_none()) {
        return Some(percent_decoded(name));
    }
    // Octets without a charset may read better once it is known what the message uses.
    let again = |field: &str| part.fields.first(field).map(|raw| Structured::parse(raw, hint)).unwrap_or_default();
    read(&again("content-disposition"), &again("content-type"))
}

/// `%E4%BD%A0.txt`: a name encoded like a URL, where that makes non-ASCII UTF-8 of it.
fn percent_decoded(name: String) -> String {
    if !name.contains('%') || !name.is_ascii() {
        return name;
    }
    let mut octets = Vec::with_capacity(name.len());
    percent_decode(name.as_bytes(), &mut octets);
    match String::from_utf8(octets) {
        Ok(decoded) if !decoded.is_ascii() => decoded,
        _ => name,
    }
}

/// A forwarded message is called like its subject.
fn name_of_message(part: &Part<'_>, hint: Hint<'_>) -> Option<String> {
    if !matches!(part.content_type.value.as_str(), "message/rfc822" | "message/global") {
        return None;
    }
    let (source, _) = transfer::decode(part.body.get(..HEADER_PEEK).unwrap_or(part.body), part.encoding);
    let block = header::read(&source, 0, HEADER_PEEK, |_| false);
    let subject = block.fields.text("subject", hint)?;
    filename::safe(&format!("{}.eml", subject.replace(['/', '\\'], "_")))
}

/// How much of an attached message is read for its subject.
const HEADER_PEEK: usize = 64 * 1024;

/// What a file without a type is by its name, where that is certain and harmless.
pub(crate) fn type_of_name(name: &str) -> Option<&'static str> {
    let extension = name.rsplit_once('.')?.1.to_ascii_lowercase();
    Some(match extension.as_str() {
        "pdf" => "application/pdf",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "ics" => "text/calendar",
        "zip" => "application/zip",
        "docx" => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "xlsx" => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "pptx" => "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        _ => return None,
    })
}

/// Characters of a text part's decoded octets.
pub(crate) fn text_of(part: &Part<'_>, octets: &[u8], hint: Hint<'_>) -> (String, Option<charset::Trouble>) {
    let label = part
        .content_type
        .get("charset")
        .map(str::to_owned)
        .or_else(|| (part.content_type.value == "text/html").then(|| charset_in_html(octets)).flatten());
    charset::decode(octets, label.as_deref(), hint)
}

/// `<meta charset=…>` within the first octets.
fn charset_in_html(octets: &[u8]) -> Option<String> {
    let start = octets.get(..1024).unwrap_or(octets).to_ascii_lowercase();
    let at = memchr::memmem::find(&start, b"charset=")?;
    let rest = start.get(at + 8..)?.trim_ascii_start();
    let rest = rest.strip_prefix(b"\"").or_else(|| rest.strip_prefix(b"'")).unwrap_or(rest);
    let end = rest.iter().position(|b| !(b.is_ascii_alphanumeric() || b"-_:.".contains(b))).unwrap_or(rest.len());
    let label = String::from_utf8_lossy(rest.get(..end)?).into_owned();
    (!label.is_empty()).then_some(label)
}
