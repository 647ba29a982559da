//! What a parsed message is: the `ParsedMessage` of the public API and its parts.
//!
//! Serialises as the contract says (dates as milliseconds, bytes as [`Blob`], headers as pairs) and deserialises from
//! the same shape, because `replyTo` and `forward` take back what a parse gave.

use email_base::{Blob, Timestamp};
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

/// One mailbox of an address list (RFC 5322 §3.4).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Address {
    /// Display name, decoded.
    #[serde(default)]
    pub name: Option<SmolStr>,
    /// `local@domain`; empty for a group without members.
    pub address: SmolStr,
    /// The group's name, for a member of a group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<SmolStr>,
}

/// Header fields in order of first appearance: lower-case name, decoded and unfolded values.
pub type HeaderMap = Vec<(String, Vec<String>)>;

/// A message as a person reads it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ParsedMessage {
    /// With angle brackets.
    pub message_id: Option<String>,
    /// With angle brackets.
    pub in_reply_to: Option<String>,
    /// With angle brackets, oldest first.
    pub references: Vec<String>,
    /// The same for every message of one conversation, whoever sent it.
    pub thread_key: String,
    /// The `Date` field (RFC 5322 §3.3), read tolerantly.
    pub date: Option<Timestamp>,
    /// Decoded.
    pub subject: Option<String>,
    /// Without reply and forward prefixes; `None` when there is no subject.
    pub base_subject: Option<String>,
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
    /// Blind copies, in drafts and sent mail.
    pub bcc: Vec<Address>,
    /// Every field of the top header.
    pub headers: HeaderMap,
    /// Plain text; made from the HTML when there is none.
    #[serde(serialize_with = "email_base::text::beside")]
    pub text: Option<String>,
    /// HTML as it came, unsafe to show; made from the text when there is none.
    #[serde(serialize_with = "email_base::text::beside")]
    pub html: Option<String>,
    /// HTML fit to show, when asked for.
    #[serde(serialize_with = "email_base::text::beside")]
    pub safe_html: Option<String>,
    /// Images that show nothing and only tell that the message was opened; counted with [`Self::safe_html`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tracking_pixels: Option<u32>,
    /// First ~200 characters a person would read.
    pub preview: String,
    /// Everything that is neither the text nor the HTML body.
    pub attachments: Vec<Attachment>,
    /// Meeting requests.
    pub invites: Vec<Invite>,
    /// Bounces and other reports.
    pub report: Option<Report>,
    /// Signed or encrypted, by structure; nothing is verified.
    pub security: Security,
    /// What was wrong with the input.
    pub defects: Vec<String>,
}

/// A part that is not a body.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Attachment {
    /// Part number as IMAP counts (RFC 9051 §6.4.5.1).
    pub part: String,
    /// Safe to join to a folder.
    pub filename: String,
    /// Lower case `type/subtype`.
    pub content_type: String,
    /// Decoded octets.
    pub size: u64,
    /// Without angle brackets.
    pub content_id: Option<String>,
    /// Referred to by the HTML body.
    pub inline: bool,
    /// Decoded bytes, when asked for.
    pub content: Option<Blob>,
}

/// A `text/calendar` part (RFC 5546, RFC 6047).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Invite {
    /// `REQUEST`, `CANCEL`, `REPLY` …, upper case.
    pub method: Option<String>,
    /// Of the first event.
    pub uid: Option<String>,
    /// Of the first event.
    pub summary: Option<String>,
    /// `DTSTART`, in UTC.
    pub start: Option<Timestamp>,
    /// `DTEND`, or `DTSTART` + `DURATION`, in UTC.
    pub end: Option<Timestamp>,
    /// The organizer's address, without `mailto:`.
    pub organizer: Option<String>,
    /// The calendar object.
    #[serde(serialize_with = "email_base::text::one_beside")]
    pub raw: String,
}

/// A `multipart/report` (RFC 6522) or what stands for one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Which kind.
    pub kind: ReportKind,
    /// One entry per recipient reported on.
    #[serde(default)]
    pub recipients: Vec<ReportedRecipient>,
    /// Message-ID of the message reported on, with angle brackets.
    #[serde(default)]
    pub original_message_id: Option<String>,
}

/// What a report is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReportKind {
    /// RFC 3464.
    DeliveryStatus,
    /// RFC 8098.
    DispositionNotification,
    /// RFC 5965.
    Feedback,
}

/// What became of one recipient.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReportedRecipient {
    /// `Final-Recipient` without its type.
    pub address: String,
    /// `failed`, `delayed`, `delivered`, `relayed`, `expanded`; a disposition's type for a notification.
    pub action: String,
    /// Enhanced status code (RFC 3463).
    #[serde(default)]
    pub status: Option<String>,
    /// `Diagnostic-Code` without its type.
    #[serde(default)]
    pub diagnostic: Option<String>,
}

/// Cryptographic structure of a message.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Security {
    /// None.
    #[default]
    None,
    /// `multipart/signed` with PKCS #7, or opaque-signed.
    SmimeSigned,
    /// `application/pkcs7-mime` that hides its content.
    SmimeEncrypted,
    /// `multipart/signed` or clear-signed text.
    PgpSigned,
    /// `multipart/encrypted` or an inline armoured message.
    PgpEncrypted,
}
