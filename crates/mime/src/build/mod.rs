//! Building a message: checked first, written as a stream (RFC 5322, RFC 2045 to 2049, RFC 6531/6532).

mod attachment;
mod body;
mod encode;
mod field;
mod header;
mod identifier;
mod recipient;
mod structure;

use std::hash::{BuildHasher, RandomState};

use bytes::Bytes;
use serde::Serialize;

use crate::error::Error;
use crate::init::{Mailbox, Mailboxes, MessageInit};
pub use body::Body;
use body::Segment;
pub(crate) use header::format_date;

/// Who the message goes from and to (RFC 5321 §2.3.1); the recipients of `to`, `cc` and `bcc`, each once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Envelope {
    /// Reverse path.
    pub from: String,
    /// Forward paths; empty for a draft without recipients.
    pub to: Vec<String>,
}

/// A message that is ready to be written.
#[derive(Debug)]
pub struct Built {
    /// For SMTP.
    pub envelope: Envelope,
    /// With angle brackets.
    pub message_id: String,
    /// An address has a local part beyond ASCII: only servers with SMTPUTF8 (RFC 6531) take the message.
    pub needs_smtputf8: bool,
    /// Attachments stand in it as raw octets: only servers with BINARYMIME (RFC 3030) take the message.
    pub binary: bool,
    segments: Vec<Segment>,
}

impl Built {
    /// The octets.
    pub fn into_body(self) -> Body {
        Body::new(self.segments)
    }
}

/// Checks every argument, opens the files and lays the message out. Blocking: it touches the disk.
///
/// The same `init` gives the same octets when it has a `messageId` and a `date`.
pub fn build(init: MessageInit) -> Result<Built, Error> {
    lay_out(init, false, false)
}

/// The same with `bcc` in the octets (RFC 5322 §3.6.3): for drafts, which nobody gets, and which lose their blind recipients
/// otherwise.
pub fn build_draft(init: MessageInit) -> Result<Built, Error> {
    lay_out(init, false, true)
}

/// The same with attachments as they are, a quarter smaller (RFC 3030 §3).
pub fn build_binary(init: MessageInit) -> Result<Built, Error> {
    let has_files = init.attachments.as_ref().is_some_and(|files| !files.is_empty());
    lay_out(init, has_files, false)
}

fn lay_out(init: MessageInit, binary: bool, keep_bcc: bool) -> Result<Built, Error> {
    let people = header::People::read(&init, keep_bcc)?;
    let message_id = match &init.message_id {
        Some(id) => identifier::check(id, "messageId")?,
        None => identifier::make(people.from.domain()),
    };
    let mut top = String::new();
    header::write(&init, &people, &message_id, &mut top)?;
    let root = structure::plan(init, binary)?;
    // Raw octets may hold anything, so there the boundary must not be known to whoever wrote them.
    let boundary_seed = if binary { RandomState::new().hash_one(&message_id) } else { fnv(message_id.as_bytes()) };
    let mut writer = Writer { binary, boundary_seed, boundaries: 0, pending: top, segments: Vec::new() };
    writer.pending.push_str("MIME-Version: 1.0\r\n");
    writer.part(root);
    let segments = writer.finish();
    Ok(Built { envelope: people.envelope(), needs_smtputf8: people.needs_smtputf8(), message_id, binary, segments })
}

/// The address of `field`, which holds just one.
pub(crate) fn one_recipient(mailbox: &Mailbox, field: &str) -> Result<String, Error> {
    recipient::one(mailbox, field).map(|r| r.address)
}

/// Refuses what cannot be written to.
pub(crate) fn check_recipients(mailboxes: &Mailboxes, field: &str) -> Result<(), Error> {
    recipient::many(Some(mailboxes), field).map(|_| ())
}

/// Whether a message can be sent to `address`.
pub(crate) fn check_address(address: &str) -> bool {
    recipient::addr_spec(address, "").is_ok()
}

/// Whether a file can be sent under `media_type`.
pub(crate) fn check_media_type(media_type: &str) -> bool {
    attachment::media_type(Some(media_type), None, false).is_ok()
}

/// Whether `id` can be a file's Content-ID.
pub(crate) fn check_content_id(id: &str) -> bool {
    attachment::content_id(id).is_ok()
}

/// `id` with its brackets, `None` when it is no identifier.
pub(crate) fn check_identifier(id: &str) -> Option<String> {
    identifier::check(id, "").ok()
}

/// Lays parts out one after another; header lines and small texts are gathered into one piece.
struct Writer {
    binary: bool,
    boundary_seed: u64,
    boundaries: u32,
    pending: String,
    segments: Vec<Segment>,
}

impl Writer {
    /// Depth is fixed by [`structure::plan`]: mixed, alternative, related.
    fn part(&mut self, part: structure::Part) {
        self.pending.push_str(&part.header);
        match part.content {
            structure::PartContent::Multipart { subtype, parameters, children } => {
                let boundary = self.boundary();
                let mut field = field::FieldWriter::new(&mut self.pending, "Content-Type");
                field.word(&format!("multipart/{subtype}"));
                field.parameter("boundary", &boundary);
                for (name, value) in parameters {
                    field.parameter(name, value);
                }
                field.end();
                if self.binary {
                    // RFC 2045 §6.4: a multipart is what its parts are.
                    self.pending.push_str("Content-Transfer-Encoding: binary\r\n");
                }
                self.pending.push_str("\r\n");
                for child in children {
                    self.pending.push_str(&format!("--{boundary}\r\n"));
                    self.part(child);
                    self.pending.push_str("\r\n");
                }
                self.pending.push_str(&format!("--{boundary}--\r\n"));
            }
            structure::PartContent::Ready(octets) => {
                self.pending.push_str("\r\n");
                self.flush();
                self.segments.push(Segment::Octets(octets.into()));
            }
            structure::PartContent::Stream(segment) => {
                self.pending.push_str("\r\n");
                self.flush();
                self.segments.push(segment);
            }
        }
    }

    fn flush(&mut self) {
        if !self.pending.is_empty() {
            self.segments.push(Segment::Octets(Bytes::from(std::mem::take(&mut self.pending))));
        }
    }

    /// `=_` stands in no quoted-printable or base64 text, and a plain text that holds it is not sent plain.
    fn boundary(&mut self) -> String {
        self.boundaries += 1;
        format!("=_{:016x}_{}", self.boundary_seed, self.boundaries)
    }

    fn finish(mut self) -> Vec<Segment> {
        // A message ends with a line end (RFC 5322 §2.3).
        if self.pending.is_empty() && !matches!(self.segments.last(), Some(Segment::Octets(o)) if o.ends_with(b"\r\n"))
        {
            self.pending.push_str("\r\n");
        }
        self.flush();
        self.segments
    }
}

/// FNV-1a: the same on every machine and in every version, which std's hasher does not promise.
fn fnv(octets: &[u8]) -> u64 {
    octets.iter().fold(0xcbf2_9ce4_8422_2325, |hash, octet| (hash ^ u64::from(*octet)).wrapping_mul(0x0100_0000_01b3))
}
