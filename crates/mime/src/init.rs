//! What a caller gives to have a message built: the `MessageInit` of the public API.
//!
//! It deserialises from what a program wrote and serialises for `replyTo` and `forward`, which hand one back. What is
//! not set is left out, as TypeScript's `?` wants it.

use std::fmt;

use email_base::{Blob, Timestamp};
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::message::Address;

/// A message to build.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MessageInit {
    /// The author; also the envelope's sender.
    pub from: Mailbox,
    /// Who sends on the author's behalf.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender: Option<Mailbox>,
    /// Where answers go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<Mailboxes>,
    /// Recipients.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Mailboxes>,
    /// Copies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cc: Option<Mailboxes>,
    /// Blind copies: in the envelope, never in the bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bcc: Option<Mailboxes>,
    /// One line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Plain text, sent as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// HTML; its images by `cid:`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub html: Option<String>,
    /// Files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attachments: Option<Vec<AttachmentInit>>,
    /// A meeting request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invite: Option<InviteInit>,
    /// The message answered, with or without angle brackets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_reply_to: Option<String>,
    /// The conversation so far, with or without angle brackets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub references: Option<Vec<String>>,
    /// Made when missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
    /// Now when missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<Timestamp>,
    /// Further fields.
    #[serde(default, skip_serializing_if = "ExtraHeaders::is_empty")]
    pub headers: ExtraHeaders,
    /// `X-Priority` and `Importance`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<Priority>,
    /// `Disposition-Notification-To` (RFC 8098).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_receipt_to: Option<String>,
}

impl MessageInit {
    /// Whether building it, or reading what was built, waits for a disk.
    pub fn reads_files(&self) -> bool {
        self.attachments.iter().flatten().any(|file| file.path.is_some())
    }
}

/// `"Ada" <ada@example.com>`, `ada@example.com` or an object.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "expected an address: a string or { name, address }")]
pub enum Mailbox {
    /// As one writes it.
    Text(String),
    /// Name and address apart.
    Parts(#[serde(deserialize_with = "from_object")] Address),
}

/// Only from an object: serde would also take an array of two strings for a struct of two, and so two recipients for
/// one with a name.
fn from_object<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Address, D::Error> {
    struct Object;
    impl<'de> Visitor<'de> for Object {
        type Value = Address;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("{ name, address }")
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Address, A::Error> {
            Address::deserialize(serde::de::value::MapAccessDeserializer::new(map))
        }
    }
    deserializer.deserialize_map(Object)
}

impl Default for Mailbox {
    fn default() -> Self {
        Self::Text(String::new())
    }
}

impl From<&str> for Mailbox {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// One or several mailboxes; a string may hold a list separated by commas.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "expected an address or an array of addresses")]
pub enum Mailboxes {
    /// One, or a list in one string.
    One(Mailbox),
    /// Several.
    Many(Vec<Mailbox>),
}

impl From<&str> for Mailboxes {
    fn from(text: &str) -> Self {
        Self::One(text.into())
    }
}

impl From<Vec<Address>> for Mailboxes {
    fn from(addresses: Vec<Address>) -> Self {
        Self::Many(addresses.into_iter().map(Mailbox::Parts).collect())
    }
}

/// A file to send along.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AttachmentInit {
    /// Default: the last part of `path`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filename: Option<String>,
    /// Default: by the file's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// The bytes, or text that is sent as UTF-8. Either this or `path`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<Content>,
    /// A file that is read while it is sent. Either this or `content`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Makes it an inline part that the HTML shows by `cid:`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_id: Option<String>,
}

/// Bytes or text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "expected bytes (Uint8Array) or a string")]
pub enum Content {
    /// As they are.
    Bytes(Blob),
    /// As UTF-8.
    Text(String),
}

/// A calendar object to send as a meeting request (RFC 6047).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InviteInit {
    /// `REQUEST`, `REPLY`, `CANCEL` …
    pub method: String,
    /// iCalendar.
    pub content: String,
}

/// How urgent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Priority {
    /// Marked as important.
    High,
    /// Not marked.
    Normal,
    /// Marked as unimportant.
    Low,
}

/// Field names with one or several values; an object or an array of pairs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExtraHeaders(pub Vec<(String, Vec<String>)>);

impl ExtraHeaders {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a string or an array of strings")]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl From<OneOrMany> for Vec<String> {
    fn from(values: OneOrMany) -> Self {
        match values {
            OneOrMany::One(value) => vec![value],
            OneOrMany::Many(values) => values,
        }
    }
}

impl Serialize for ExtraHeaders {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, values)| (name, values)))
    }
}

impl<'de> Deserialize<'de> for ExtraHeaders {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(HeadersVisitor)
    }
}

struct HeadersVisitor;

impl<'de> Visitor<'de> for HeadersVisitor {
    type Value = ExtraHeaders;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("header fields: an object of strings or arrays of strings")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(ExtraHeaders::default())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut all = Vec::new();
        while let Some((name, values)) = map.next_entry::<String, OneOrMany>()? {
            all.push((name, values.into()));
        }
        Ok(ExtraHeaders(all))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut all = Vec::new();
        while let Some((name, values)) = seq.next_element::<(String, OneOrMany)>()? {
            all.push((name, values.into()));
        }
        Ok(ExtraHeaders(all))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<MessageInit, String> {
        serde_json::from_str(json).map_err(|e| e.to_string())
    }

    #[test]
    fn two_recipients_taken_for_one_with_a_name() {
        let init = read(r#"{"from":"a@x","to":["b@x","c@x"]}"#).unwrap();
        assert_eq!(init.to, Some(Mailboxes::Many(vec!["b@x".into(), "c@x".into()])));
        assert!(read(r#"{"from":["a@x","b@x"]}"#).is_err());
    }

    #[test]
    fn every_shape_of_the_contract() {
        let init = read(
            r#"{"from":"a@x","to":["b@x",{"name":"C","address":"c@x"}],"cc":{"address":"d@x"},
                "headers":{"X-A":"1","X-B":["2","3"]},"priority":"high","date":0,
                "attachments":[{"content":"text"},{"path":"/tmp/x","contentId":"i"}]}"#,
        )
        .unwrap();
        assert_eq!(
            init.headers.0,
            [("X-A".to_owned(), vec!["1".to_owned()]), ("X-B".to_owned(), vec!["2".to_owned(), "3".to_owned()])]
        );
        assert!(matches!(init.to, Some(Mailboxes::Many(ref all)) if all.len() == 2));
        assert_eq!(read(r#"{"from":"a@x","headers":[["X-A","1"]]}"#).unwrap().headers.0.len(), 1);
    }

    #[test]
    fn bytes_come_from_beside_the_json() {
        let blob = bytes::Bytes::from_static(b"\0\xff");
        let init: AttachmentInit = email_base::blob::provide(vec![blob.clone()], || {
            serde_json::from_str(r#"{"filename":"x","content":0}"#).unwrap()
        });
        assert_eq!(init.content, Some(Content::Bytes(Blob(blob))));
    }

    #[test]
    fn wrong_types_are_refused() {
        for json in [
            r#"{}"#,
            r#"{"from":1}"#,
            r#"{"from":"a@x","to":7}"#,
            r#"{"from":"a@x","priority":"urgent"}"#,
            r#"{"from":"a@x","headers":{"X":1}}"#,
            r#"{"from":"a@x","attachments":[{"content":{"a":1}}]}"#,
            r#"{"from":"a@x","text":["a"]}"#,
        ] {
            assert!(read(json).is_err(), "{json}");
        }
    }

    #[test]
    fn what_is_not_set_is_left_out() {
        let init = MessageInit { from: "a@x".into(), ..MessageInit::default() };
        assert_eq!(serde_json::to_string(&init).unwrap(), r#"{"from":"a@x"}"#);
    }
}
