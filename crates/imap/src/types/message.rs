//! Messages as `fetch` gives them.

use std::borrow::Cow;

use email_base::{Blob, Code, Timestamp};
pub use email_mime::Address;
use email_mime::{HeaderMap, ParsedMessage};
use serde::{Serialize, Serializer};
use smol_str::SmolStr;

use super::ModSeq;

/// A flag or keyword. The system flags cost no allocation.
pub type Flag = Cow<'static, str>;

/// One row of `fetch`: what was not asked for, or not given, is `None`.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FetchedMessage {
    /// Unique in its mailbox as long as UIDVALIDITY stays.
    pub uid: u32,
    /// `\Seen`, `\Flagged`, keywords.
    pub flags: Option<Vec<Flag>>,
    /// When the server received it.
    pub internal_date: Option<Timestamp>,
    /// Octets as the server counts them; some servers guess.
    pub size: Option<u64>,
    /// Changes whenever the flags do (RFC 7162).
    pub mod_seq: Option<ModSeq>,
    /// EMAILID (RFC 8474) or X-GM-MSGID.
    pub email_id: Option<String>,
    /// THREADID (RFC 8474) or X-GM-THRID.
    pub thread_id: Option<String>,
    /// Gmail's labels.
    pub labels: Option<Vec<String>>,
    /// Addresses, subject and date of the header.
    pub envelope: Option<Envelope>,
    /// The tree of parts.
    pub body_structure: Option<BodyPart>,
    /// Lower-case names, in order of first appearance.
    pub headers: Option<HeaderMap>,
    /// The raw message.
    pub source: Option<Blob>,
    /// The parsed message. In its box, for most rows have none and all are moved.
    pub message: Option<Box<ParsedMessage>>,
    /// Set when the server gave less or worse than was asked.
    pub degraded: Option<Degraded>,
}

/// Why a row is less than was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Degraded {
    /// Row of the error table.
    #[serde(serialize_with = "code_word")]
    pub code: Code,
    /// One sentence.
    pub reason: String,
}

/// The parsed header fields of `ENVELOPE` (RFC 9051 §7.5.2).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Envelope {
    /// The `Date` field, `None` when it cannot be read.
    pub date: Option<Timestamp>,
    /// Decoded.
    pub subject: Option<String>,
    /// With angle brackets.
    pub message_id: Option<String>,
    /// With angle brackets.
    pub in_reply_to: Option<String>,
    /// Authors.
    pub from: Vec<Address>,
    /// Who sent on their behalf.
    pub sender: Vec<Address>,
    /// Where answers go.
    pub reply_to: Vec<Address>,
    /// Recipients.
    pub to: Vec<Address>,
    /// Copies.
    pub cc: Vec<Address>,
    /// Blind copies.
    pub bcc: Vec<Address>,
}

/// One part of `BODYSTRUCTURE` (RFC 9051 §7.5.2).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BodyPart {
    /// Part number (RFC 9051 §6.4.5.1): what `download` takes. Empty for a multipart at the top: it has none.
    pub part: SmolStr,
    /// Lower case `type/subtype`.
    #[serde(rename = "type")]
    pub media_type: SmolStr,
    /// Lower-case names, decoded values (RFC 2231).
    pub parameters: Vec<(SmolStr, SmolStr)>,
    /// Content transfer encoding, lower case; empty for a multipart.
    pub encoding: SmolStr,
    /// Encoded octets; 0 for a multipart.
    pub size: u64,
    /// `attachment`, `inline`, lower case.
    pub disposition: Option<SmolStr>,
    /// From the disposition, else from the type's `name`; as the sender wrote it, not made safe.
    pub filename: Option<SmolStr>,
    /// Without angle brackets.
    pub content_id: Option<SmolStr>,
    /// Of a multipart, or the one part of a `message/rfc822`.
    pub children: Vec<BodyPart>,
}

fn code_word<S: Serializer>(code: &Code, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(code.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_deepest_structure_is_serialised_and_dropped_on_a_small_stack() {
        let work = || {
            let mut part = BodyPart::default();
            for _ in 0..crate::tap::limits::NESTING_CEILING {
                part = BodyPart { children: vec![part], ..BodyPart::default() };
            }
            serde_json::to_string(&part).unwrap().len()
        };
        let length = std::thread::Builder::new().stack_size(512 << 10).spawn(work).unwrap().join().unwrap();
        assert!(length > 20_000);
    }

    #[test]
    fn names_and_nulls_are_those_of_the_contract() {
        let degraded = Some(Degraded { code: Code::IncompleteMessage, reason: "x".into() });
        let row = FetchedMessage {
            uid: 7,
            mod_seq: Some(ModSeq(9)),
            envelope: Some(Envelope::default()),
            degraded,
            ..FetchedMessage::default()
        };
        let json = serde_json::to_value(&row).unwrap();
        let keys: Vec<_> = json.as_object().unwrap().keys().map(String::as_str).collect();
        let mut expected = [
            "uid",
            "flags",
            "internalDate",
            "size",
            "modSeq",
            "emailId",
            "threadId",
            "labels",
            "envelope",
            "bodyStructure",
            "headers",
            "source",
            "message",
            "degraded",
        ];
        expected.sort_unstable();
        assert_eq!(keys, expected);
        assert_eq!(json["modSeq"], "9");
        assert_eq!(json["degraded"]["code"], "INCOMPLETE_MESSAGE");
        assert!(
            json["flags"].is_null()
                && json["envelope"]["messageId"].is_null()
                && json["envelope"]["from"] == serde_json::json!([])
        );
        let part = serde_json::to_value(BodyPart::default()).unwrap();
        let mut keys: Vec<_> = part.as_object().unwrap().keys().map(String::as_str).collect();
        keys.sort_unstable();
        assert_eq!(
            keys,
            ["children", "contentId", "disposition", "encoding", "filename", "parameters", "part", "size", "type"]
        );
    }
}
