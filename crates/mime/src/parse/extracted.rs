//! Files that are no parts of their own: inside a text (uuencode) or inside `winmail.dat`.

use email_base::Blob;

use super::tnef::TnefFile;
use super::{attachment, decode_header_text, filename};
use crate::html::{reference, sanitize};
use crate::message::Attachment;
use crate::options::AttachmentDetail;

/// A file, and the part it was found in.
pub(super) struct Extracted {
    part: String,
    name: String,
    media_type: Option<String>,
    content_id: Option<String>,
    octets: Vec<u8>,
}

impl Extracted {
    /// From a text.
    pub(super) fn uuencoded(part: &str, name: &[u8], octets: Vec<u8>) -> Self {
        Self { part: part.to_owned(), name: decode_header_text(name), media_type: None, content_id: None, octets }
    }

    /// From `winmail.dat`.
    pub(super) fn tnef(part: &str, file: TnefFile) -> Self {
        let media_type = file.media_type.map(|t| t.to_ascii_lowercase()).filter(|t| t.contains('/') && t.len() < 200);
        let content_id = file.content_id.map(|id| id.trim_matches(['<', '>']).to_owned()).filter(|id| !id.is_empty());
        Self { part: part.to_owned(), name: file.name, media_type, content_id, octets: file.octets }
    }

    /// As an image that HTML may show, unless it is longer than `max`.
    pub(super) fn image(&self, max: usize) -> Option<(String, sanitize::Image)> {
        let content_id = self.content_id.clone()?;
        let octets = (self.octets.len() <= max).then(|| self.octets.clone().into());
        Some((reference::cid_key(&content_id), sanitize::Image { content_id, octets }))
    }

    /// As the `ordinal`th attachment.
    pub(super) fn describe(self, ordinal: usize, detail: AttachmentDetail) -> Attachment {
        let media_type = self.media_type.as_deref().unwrap_or("application/octet-stream");
        let filename = filename::safe(&self.name).unwrap_or_else(|| filename::for_type(media_type, ordinal));
        let by_name = || attachment::type_of_name(&filename).unwrap_or("application/octet-stream").to_owned();
        Attachment {
            part: self.part,
            content_type: self.media_type.clone().unwrap_or_else(by_name),
            filename,
            size: self.octets.len() as u64,
            content_id: self.content_id,
            inline: false,
            content: (detail == AttachmentDetail::Content).then(|| Blob(self.octets.into())),
        }
    }
}
