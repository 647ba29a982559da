//! How the parts nest: `mixed(alternative(text, related(html, images), calendar), files)`, each level only where it has
//! something to hold (RFC 2046 §5.1, RFC 2387, RFC 6047 §2.4).

use super::attachment;
use super::body::Segment;
use super::encode::{self, EncodedText};
use super::field::FieldWriter;
use crate::error::{Error, quote};
use crate::init::{AttachmentInit, InviteInit, MessageInit};

/// A part: its header without the empty line, and what follows.
pub(crate) struct Part {
    pub(crate) header: String,
    pub(crate) content: PartContent,
}

pub(crate) enum PartContent {
    /// The writer adds the Content-Type: it has the boundary.
    Multipart { subtype: &'static str, parameters: Vec<(&'static str, &'static str)>, children: Vec<Part> },
    /// Encoded already.
    Ready(Vec<u8>),
    /// Encoded while it is sent.
    Stream(Segment),
}

/// Files of one message; stops a caller's loop from running out of file handles.
const MAX_ATTACHMENTS: usize = 1_000;

/// Lays out the body of `init`; `binary` leaves files as they are.
pub(crate) fn plan(init: MessageInit, binary: bool) -> Result<Part, Error> {
    let files = init.attachments.unwrap_or_default();
    if files.len() > MAX_ATTACHMENTS {
        return Err(Error::argument("attachments", format!("has more than {MAX_ATTACHMENTS} files")));
    }
    let has_html = init.html.is_some();
    let (images, files): (Vec<_>, Vec<_>) = files.into_iter().partition(|f| has_html && f.content_id.is_some());
    let mut alternatives = Vec::new();
    if init.text.is_some() || (!has_html && init.invite.is_none() && files.is_empty()) {
        alternatives.push(text_part("text/plain", &[], init.text.as_deref().unwrap_or_default()));
    }
    if let Some(html) = init.html {
        alternatives.push(related(text_part("text/html", &[], &html), images, binary)?);
    }
    if let Some(invite) = init.invite {
        alternatives.push(calendar(&invite)?);
    }
    let mut children: Vec<Part> = one_or_multipart("alternative", alternatives).into_iter().collect();
    // A lone file stays a file: as the message itself it would be taken for its text.
    let only_files = children.is_empty();
    for file in files {
        children.push(attachment::part(file, false, binary)?);
    }
    if only_files {
        return Ok(multipart("mixed", children));
    }
    one_or_multipart("mixed", children).ok_or_else(|| Error::argument("text", "is missing"))
}

fn one_or_multipart(subtype: &'static str, mut parts: Vec<Part>) -> Option<Part> {
    match parts.len() {
        0 | 1 => parts.pop(),
        _ => Some(multipart(subtype, parts)),
    }
}

fn multipart(subtype: &'static str, children: Vec<Part>) -> Part {
    Part { header: String::new(), content: PartContent::Multipart { subtype, parameters: Vec::new(), children } }
}

/// The HTML with the images that it shows.
fn related(html: Part, images: Vec<AttachmentInit>, binary: bool) -> Result<Part, Error> {
    if images.is_empty() {
        return Ok(html);
    }
    let mut children = vec![html];
    for image in images {
        children.push(attachment::part(image, true, binary)?);
    }
    let parameters = vec![("type", "text/html")];
    Ok(Part { header: String::new(), content: PartContent::Multipart { subtype: "related", parameters, children } })
}

fn text_part(media_type: &str, parameters: &[(&str, &str)], text: &str) -> Part {
    let EncodedText { encoding, octets } = encode::text(text);
    let mut header = String::new();
    let mut field = FieldWriter::new(&mut header, "Content-Type");
    field.word(media_type);
    field.parameter("charset", "utf-8");
    for (name, value) in parameters {
        field.parameter(name, value);
    }
    field.end();
    header.push_str(&format!("Content-Transfer-Encoding: {encoding}\r\n"));
    Part { header, content: PartContent::Ready(octets) }
}

/// Outlook shows an invitation only if the method stands in both the field and the object.
fn calendar(invite: &InviteInit) -> Result<Part, Error> {
    let method = invite.method.trim_matches(' ');
    if method.is_empty() || !method.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
        return Err(Error::argument("invite.method", format!("{} is not an iTIP method", quote(method))));
    }
    let content = invite.content.trim_start_matches('\u{feff}');
    let (first, rest) = content.split_once('\n').unwrap_or((content, ""));
    if !first.trim().eq_ignore_ascii_case("BEGIN:VCALENDAR") {
        return Err(Error::argument("invite.content", "does not begin with BEGIN:VCALENDAR"));
    }
    let method = method.to_ascii_uppercase();
    let stated = rest.lines().find(|l| l.get(..7).is_some_and(|p| p.eq_ignore_ascii_case("METHOD:")));
    let content = match stated.map(|l| l.get(7..).unwrap_or_default().trim()) {
        Some(said) if said.eq_ignore_ascii_case(&method) => content.to_owned(),
        Some(said) => {
            let said = quote(said);
            return Err(Error::argument(
                "invite.method",
                format!("the calendar object says METHOD {said}, not {method}"),
            ));
        }
        None => format!("{}\nMETHOD:{method}\n{rest}", first.trim_end()),
    };
    Ok(text_part("text/calendar", &[("method", &method)], &content))
}
