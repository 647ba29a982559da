//! A file to send along (RFC 2183), in memory or on disk.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use bytes::Bytes;

use super::body::Segment;
use super::encode;
use super::field::FieldWriter;
use super::header::refuse_line_breaks;
use super::structure::{Part, PartContent};
use crate::error::{Error, quote};
use crate::init::{AttachmentInit, Content};

/// The part of `init`; `inline` when the HTML shows it, `binary` to leave its octets as they are.
pub(crate) fn part(init: AttachmentInit, inline: bool, binary: bool) -> Result<Part, Error> {
    let filename = filename(&init)?;
    let is_text = matches!(init.content, Some(Content::Text(_)));
    let mut media_type = media_type(init.content_type.as_deref(), filename.as_deref(), is_text)?;
    let content_id = init.content_id.as_deref().map(content_id).transpose()?;
    let content = content(init)?;
    let (encoding, content) = match content {
        Segment::Encode(octets) if media_type.starts_with("message/") => match as_message(octets) {
            Ok(octets) => ("7bit", PartContent::Ready(octets)),
            // RFC 2046 §5.2.1 forbids base64 for a message: as a plain file it gets through whole.
            Err(octets) => {
                "application/octet-stream".clone_into(&mut media_type);
                ("base64", PartContent::Stream(Segment::Encode(octets)))
            }
        },
        file => {
            if media_type.starts_with("message/") {
                "application/octet-stream".clone_into(&mut media_type);
            }
            ("base64", PartContent::Stream(file))
        }
    };
    let (encoding, content) = if binary { as_it_is(encoding, content) } else { (encoding, content) };
    let mut header = String::new();
    let mut field = FieldWriter::new(&mut header, "Content-Type");
    field.word(&media_type);
    if let Some(name) = &filename {
        field.parameter_fallback("name", name);
    }
    field.end();
    header.push_str(&format!("Content-Transfer-Encoding: {encoding}\r\n"));
    let mut field = FieldWriter::new(&mut header, "Content-Disposition");
    field.word(if inline { "inline" } else { "attachment" });
    if let Some(name) = &filename {
        field.parameter("filename", name);
    }
    field.end();
    if let Some(id) = content_id {
        let mut field = FieldWriter::new(&mut header, "Content-ID");
        field.word(&id);
        field.end();
    }
    Ok(Part { header, content })
}

/// RFC 3030 §3: no encoding where none is needed.
fn as_it_is(encoding: &'static str, content: PartContent) -> (&'static str, PartContent) {
    match content {
        PartContent::Stream(Segment::Encode(octets)) => ("binary", PartContent::Stream(Segment::Octets(octets))),
        PartContent::Stream(Segment::File { file, size, name, .. }) => {
            ("binary", PartContent::Stream(Segment::File { file, size, name, raw: true }))
        }
        content => (encoding, content),
    }
}

/// What was given, else the last part of the path.
fn filename(init: &AttachmentInit) -> Result<Option<String>, Error> {
    let from_path =
        || init.path.as_deref().and_then(|p| Path::new(p).file_name()).map(|n| n.to_string_lossy().into_owned());
    let name = init.filename.clone().filter(|n| !n.is_empty()).or_else(from_path);
    if let Some(name) = &name {
        refuse_line_breaks(name, "attachments.filename")?;
        if name.len() > MAX_FILENAME {
            return Err(Error::argument("attachments.filename", format!("is longer than {MAX_FILENAME} octets")));
        }
    }
    Ok(name)
}

/// Longer than any file system's.
const MAX_FILENAME: usize = 1_000;

pub(super) fn media_type(given: Option<&str>, filename: Option<&str>, is_text: bool) -> Result<String, Error> {
    let Some(given) = given.map(|g| g.trim_matches(' ')).filter(|t| !t.is_empty()) else {
        let known = filename.and_then(by_extension);
        let fallback = if is_text { "text/plain" } else { "application/octet-stream" };
        return Ok(with_charset(known.unwrap_or(fallback), is_text));
    };
    let refuse =
        || Error::argument("attachments.contentType", format!("{} is not a media type for a file", quote(given)));
    let (essence, parameters) = given.split_once(';').map_or((given, None), |(e, p)| (e.trim(), Some(p)));
    let (kind, subtype) = essence.split_once('/').ok_or_else(refuse)?;
    let token =
        |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&b));
    let sound = token(kind) && token(subtype) && !kind.eq_ignore_ascii_case("multipart");
    let sound_parameters = parameters.is_none_or(|p| p.len() < 200 && p.bytes().all(|b| (b' '..=b'~').contains(&b)));
    if !sound || !sound_parameters || essence.len() > 150 {
        return Err(refuse());
    }
    let essence = essence.to_ascii_lowercase();
    match parameters.map(str::trim).filter(|p| !p.is_empty()) {
        Some(parameters) => Ok(format!("{essence}; {parameters}")),
        None => Ok(with_charset(&essence, is_text)),
    }
}

/// A string is sent as UTF-8, and says so.
fn with_charset(essence: &str, is_text: bool) -> String {
    if is_text && essence.starts_with("text/") { format!("{essence}; charset=utf-8") } else { essence.to_owned() }
}

fn by_extension(name: &str) -> Option<&'static str> {
    let (_, extension) = name.rsplit_once('.')?;
    Some(match extension.to_ascii_lowercase().as_str() {
        "txt" | "log" => "text/plain",
        "htm" | "html" => "text/html",
        "csv" => "text/csv",
        "md" => "text/markdown",
        "ics" => "text/calendar",
        "vcf" => "text/vcard",
        "xml" => "application/xml",
        "json" => "application/json",
        "pdf" => "application/pdf",
        "zip" => "application/zip",
        "gz" => "application/gzip",
        "7z" => "application/x-7z-compressed",
        "rar" => "application/vnd.rar",
        "doc" => "application/msword",
        "docx" => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "xls" => "application/vnd.ms-excel",
        "xlsx" => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "ppt" => "application/vnd.ms-powerpoint",
        "pptx" => "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        "odt" => "application/vnd.oasis.opendocument.text",
        "ods" => "application/vnd.oasis.opendocument.spreadsheet",
        "rtf" => "application/rtf",
        "eml" => "message/rfc822",
        "jpg" | "jpeg" => "image/jpeg",
        "png" => "image/png",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "svg" => "image/svg+xml",
        "bmp" => "image/bmp",
        "tif" | "tiff" => "image/tiff",
        "heic" => "image/heic",
        "mp3" => "audio/mpeg",
        "wav" => "audio/wav",
        "mp4" => "video/mp4",
        "mov" => "video/quicktime",
        _ => return None,
    })
}

/// `<id>`; given with or without brackets or `cid:`.
pub(super) fn content_id(given: &str) -> Result<String, Error> {
    let bare = given.trim_matches(' ');
    let bare = bare.strip_prefix("cid:").unwrap_or(bare);
    let bare = bare.strip_prefix('<').and_then(|i| i.strip_suffix('>')).unwrap_or(bare);
    let sound = !bare.is_empty()
        && bare.len() <= 500
        && bare.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'<' | b'>'));
    if !sound {
        return Err(Error::argument("attachments.contentId", format!("{} is not a Content-ID", quote(given))));
    }
    Ok(format!("<{bare}>"))
}

fn content(init: AttachmentInit) -> Result<Segment, Error> {
    match (init.content, init.path) {
        (Some(Content::Bytes(blob)), None) => Ok(Segment::Encode(blob.0)),
        (Some(Content::Text(text)), None) => Ok(Segment::Encode(text.into())),
        (None, Some(path)) => open(&path),
        (Some(_), Some(_)) => Err(Error::argument("attachments", "content and path exclude each other")),
        (None, None) => Err(Error::argument("attachments", "content or path is missing")),
    }
}

/// Opened now: what cannot be read is refused before anything is sent.
fn open(path: &str) -> Result<Segment, Error> {
    let unreadable = |reason: String| Error::FileUnreadable { path: quote(path), reason };
    if path.contains('\0') {
        return Err(unreadable("the path holds NUL".to_owned()));
    }
    // Asked before it is opened: opening a pipe would wait for its writer.
    let is_file = std::fs::metadata(path).map_err(|e| unreadable(e.to_string()))?.is_file();
    if !is_file {
        return Err(unreadable("it is not a file".to_owned()));
    }
    let mut file = File::open(path).map_err(|e| unreadable(e.to_string()))?;
    let size = file.metadata().map_err(|e| unreadable(e.to_string()))?.len();
    // Of files whose content is made while it is read (/proc), no size is known to be promised.
    if size == 0 && file.read(&mut [0]).map_err(|e| unreadable(e.to_string()))? > 0 {
        return Err(unreadable("it says that it is empty, but is not".to_owned()));
    }
    Ok(Segment::File { file, size, name: quote(path), raw: false })
}

/// A message that may stand in a message as it is: ASCII, lines that fit, CRLF.
fn as_message(octets: Bytes) -> Result<Vec<u8>, Bytes> {
    let fits = octets.is_ascii()
        && !octets.contains(&0)
        && octets.split(|b| *b == b'\n').all(|l| l.len() <= 998 && !l.starts_with(b"--=_"));
    match std::str::from_utf8(&octets) {
        Ok(text) if fits => Ok(encode::with_crlf(text).into_bytes()),
        _ => Err(octets),
    }
}
