//! Encoded parts of the messages whose structure was seen last: whether a server with BINARY (RFC 3516) should decode one is
//! known before anything is asked, so it costs no round trip.

use std::collections::VecDeque;
use std::ops::RangeInclusive;
use std::sync::{Mutex, MutexGuard, PoisonError};

use smol_str::SmolStr;

use crate::command::argument::Mailbox;
use crate::types::BodyPart;

/// Larger parts are not decoded by the server. Dovecot decodes all of a part before it sends the first octet: 25 MB would
/// stand still for longer than their windows need round trips.
pub(crate) const BINARY_AT_MOST: u64 = 4 << 20;
/// Messages remembered; a page of a list, and more. What is forgotten is downloaded as ever.
const MAX_MESSAGES: usize = 64;
/// Parts of one message: five thousand would be an attempt to fill memory.
const MAX_PARTS: usize = 32;

/// What the structure says of a part that the server may decode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct EncodedPart {
    encoding: Encoding,
    /// Encoded.
    size: u64,
}

/// The two encodings (RFC 2045 §6) that mean the same everywhere. Not uuencode: no RFC says what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Base64,
    QuotedPrintable,
}

impl EncodedPart {
    /// `None` for what is better taken as it is.
    pub(crate) fn of(part: &BodyPart) -> Option<Self> {
        let encoding = match part.encoding.trim().to_ascii_lowercase().as_str() {
            "base64" => Encoding::Base64,
            "quoted-printable" => Encoding::QuotedPrintable,
            _ => return None,
        };
        // An encoded message is illegal (RFC 2046 §5.2.1), and what decoding it means is every server's own idea.
        let is_leaf = part.children.is_empty() && !part.media_type.starts_with("message/");
        // `section-binary` has no TEXT.
        let has_number = !part.part.ends_with("TEXT");
        let is_small = (1..=BINARY_AT_MOST).contains(&part.size);
        (is_leaf && has_number && is_small).then_some(Self { encoding, size: part.size })
    }

    /// How many octets it can have when decoded. What lies outside was not decoded as the RFC says, or is another part.
    pub(crate) fn plausible(self) -> RangeInclusive<u64> {
        /// Padding, and an end without its line break.
        const SLACK: u64 = 4;
        match self.encoding {
            // From lines of one group to a single line.
            Encoding::Base64 => (self.size / 2).saturating_sub(SLACK).max(1)..=self.size.div_ceil(4) * 3,
            // From escapes only, with their soft line breaks, to none.
            Encoding::QuotedPrintable => (self.size / 4).saturating_sub(SLACK).max(1)..=self.size,
        }
    }
}

/// Shared by the connections of one client.
#[derive(Debug, Default)]
pub(crate) struct EncodedParts(Mutex<VecDeque<Known>>);

#[derive(Debug)]
struct Known {
    mailbox: Mailbox,
    uid_validity: u32,
    uid: u32,
    parts: Vec<(SmolStr, EncodedPart)>,
}

impl EncodedParts {
    /// Keeps what `structure` says. Without UIDVALIDITY the UID may be another message's tomorrow.
    pub(crate) fn learn(&self, mailbox: &Mailbox, uid_validity: Option<u32>, uid: u32, structure: &BodyPart) {
        let Some(uid_validity) = uid_validity else { return };
        let mut messages = self.lock();
        if messages.iter().any(|known| known.is(mailbox, Some(uid_validity), uid)) {
            return;
        }
        let parts = encoded(structure);
        if !parts.is_empty() {
            push(&mut messages, Known { mailbox: mailbox.clone(), uid_validity, uid, parts });
        }
    }

    /// The part, and the UIDVALIDITY it belongs to; the last one seen, when the caller names none.
    pub(crate) fn find(
        &self,
        mailbox: &Mailbox,
        uid_validity: Option<u32>,
        uid: u32,
        part: &str,
    ) -> Option<(u32, EncodedPart)> {
        let messages = self.lock();
        let known = messages.iter().rev().find(|known| known.is(mailbox, uid_validity, uid))?;
        let (_, encoded) = known.parts.iter().find(|(number, _)| number == part)?;
        Some((known.uid_validity, *encoded))
    }

    /// The server could not decode this message: it is not asked to again.
    pub(crate) fn avoid(&self, mailbox: &Mailbox, uid_validity: u32, uid: u32) {
        let mut messages = self.lock();
        messages.retain(|known| !known.is(mailbox, Some(uid_validity), uid));
        push(&mut messages, Known { mailbox: mailbox.clone(), uid_validity, uid, parts: Vec::new() });
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn is(&self, mailbox: &Mailbox, uid_validity: Option<u32>, uid: u32) -> bool {
        self.uid == uid && uid_validity.is_none_or(|wanted| wanted == self.uid_validity) && self.mailbox == *mailbox
    }
}

fn push(messages: &mut VecDeque<Known>, message: Known) {
    if messages.len() >= MAX_MESSAGES {
        messages.pop_front();
    }
    messages.push_back(message);
}

/// In no order; the tree is walked without recursion.
fn encoded(structure: &BodyPart) -> Vec<(SmolStr, EncodedPart)> {
    let mut found = Vec::new();
    let mut waiting = vec![structure];
    while let Some(part) = waiting.pop().filter(|_| found.len() < MAX_PARTS) {
        found.extend(EncodedPart::of(part).map(|encoded| (part.part.clone(), encoded)));
        waiting.extend(&part.children);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf(part: &str, media_type: &str, encoding: &str, size: u64) -> BodyPart {
        let (part, media_type, encoding) = (part.into(), media_type.into(), encoding.into());
        BodyPart { part, media_type, encoding, size, ..BodyPart::default() }
    }

    #[test]
    fn only_what_every_server_decodes_alike() {
        for (part, media_type, encoding, size, fits) in [
            ("2", "image/png", "base64", 1, true),
            ("1.2", "text/plain", "Quoted-Printable", BINARY_AT_MOST, true),
            ("2", "image/png", "base64", BINARY_AT_MOST + 1, false),
            ("2", "image/png", "base64", 0, false),
            ("2", "image/png", "7bit", 9, false),
            ("2", "image/png", "x-uuencode", 9, false),
            ("2", "image/png", "", 9, false),
            ("2", "message/rfc822", "base64", 9, false),
            ("1.TEXT", "multipart/mixed", "base64", 9, false),
        ] {
            let part = leaf(part, media_type, encoding, size);
            assert_eq!(EncodedPart::of(&part).is_some(), fits, "{part:?}");
        }
    }

    #[test]
    fn sizes_of_what_is_encoded_are_plausible() {
        use base64::Engine as _;
        for length in (1..200).chain([3_000_000]) {
            let encoded = base64::engine::general_purpose::STANDARD.encode(vec![7; length]);
            for line in [4, 60, 76, 990, usize::MAX] {
                let breaks = encoded.len() / line;
                for size in [encoded.len() + 2 * breaks, encoded.len() + 2 * breaks + 2] {
                    let plausible = EncodedPart { encoding: Encoding::Base64, size: size as u64 }.plausible();
                    assert!(plausible.contains(&(length as u64)), "{length} in lines of {line}: {plausible:?}");
                }
            }
        }
        let printable = |size| EncodedPart { encoding: Encoding::QuotedPrintable, size }.plausible();
        for (encoded, length) in [("a", 1), ("=41", 1), ("a=\r\n", 1)] {
            assert!(printable(encoded.len() as u64).contains(&length), "{encoded}");
        }
        let escapes = "=E4".repeat(25) + "=\r\n";
        assert!(printable((escapes.len() * 1000) as u64).contains(&25_000));
    }

    #[test]
    fn memory_is_bounded_and_what_failed_stays_avoided() {
        let parts = EncodedParts::default();
        let inbox = Mailbox::new("INBOX").unwrap();
        let many = (1..1000).map(|n| leaf(&n.to_string(), "image/png", "base64", n)).collect();
        let structure = BodyPart { children: many, ..leaf("TEXT", "multipart/mixed", "", 0) };
        for uid in 1..1000 {
            parts.learn(&inbox, Some(7), uid, &structure);
        }
        let messages = parts.lock();
        assert_eq!(messages.len(), MAX_MESSAGES);
        assert!(messages.iter().all(|known| known.parts.len() == MAX_PARTS));
        drop(messages);
        let find = |uid_validity, uid| parts.find(&inbox, uid_validity, uid, "999").map(|(validity, _)| validity);
        assert_eq!((find(None, 999), find(Some(7), 999), find(Some(8), 999)), (Some(7), Some(7), None));
        assert_eq!(find(None, 1), None, "forgotten");
        parts.avoid(&inbox, 7, 999);
        parts.learn(&inbox, Some(7), 999, &structure);
        assert_eq!(find(None, 999), None);
    }
}
