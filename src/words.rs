//! Words that most messages have, crossing as numbers: they cost the JavaScript thread a fifth of what a text does, and
//! it keeps each word once. `lib/decode.js` asks for the list when it is loaded, so there is no second one.

use std::sync::LazyLock;

use napi_derive::napi;
use serde::{Serialize, Serializer};

/// The order is free: both sides are of one build.
const WORDS: &[&str] = &[
    "",
    // Parts (RFC 9051 §6.4.5.1).
    "TEXT",
    "1",
    "2",
    "3",
    "4",
    "1.1",
    "1.2",
    "1.3",
    "2.1",
    "2.2",
    // Media types.
    "text/plain",
    "text/html",
    "text/calendar",
    "text/csv",
    "multipart/mixed",
    "multipart/alternative",
    "multipart/related",
    "multipart/report",
    "multipart/signed",
    "message/rfc822",
    "message/delivery-status",
    "image/png",
    "image/jpeg",
    "image/gif",
    "application/pdf",
    "application/zip",
    "application/octet-stream",
    "application/ms-tnef",
    "application/msword",
    "application/vnd.ms-excel",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    // Their parameters.
    "charset",
    "boundary",
    "name",
    "format",
    "flowed",
    "delsp",
    "type",
    "utf-8",
    "UTF-8",
    "us-ascii",
    "iso-8859-1",
    "ISO-8859-1",
    "windows-1252",
    "iso-2022-jp",
    "gb2312",
    "GB2312",
    "gbk",
    "GBK",
    "gb18030",
    "big5",
    // Content transfer encodings, dispositions.
    "7bit",
    "8bit",
    "binary",
    "base64",
    "quoted-printable",
    "attachment",
    "inline",
    // Flags.
    "\\Seen",
    "\\Answered",
    "\\Flagged",
    "\\Deleted",
    "\\Draft",
    "\\Recent",
    "$Forwarded",
    "$MDNSent",
    "$Junk",
    "NonJunk",
    // Header fields.
    "from",
    "sender",
    "to",
    "cc",
    "bcc",
    "reply-to",
    "subject",
    "date",
    "message-id",
    "in-reply-to",
    "references",
    "return-path",
    "received",
    "received-spf",
    "delivered-to",
    "authentication-results",
    "dkim-signature",
    "arc-seal",
    "arc-message-signature",
    "arc-authentication-results",
    "mime-version",
    "content-type",
    "content-transfer-encoding",
    "content-disposition",
    "content-language",
    "content-id",
    "user-agent",
    "x-mailer",
    "x-priority",
    "importance",
    "priority",
    "thread-index",
    "thread-topic",
    "list-id",
    "list-unsubscribe",
    "list-unsubscribe-post",
    "precedence",
    "auto-submitted",
    "x-originating-ip",
    "x-ms-has-attach",
    "x-ms-tnef-correlator",
    "accept-language",
];

/// By length, with their numbers: few have the same.
static BY_LENGTH: LazyLock<Vec<Vec<(&str, usize)>>> = LazyLock::new(|| {
    let longest = WORDS.iter().map(|word| word.len()).max().unwrap_or_default();
    let of_length = |length| WORDS.iter().enumerate().filter(move |(_, word)| word.len() == length);
    (0..=longest).map(|length| of_length(length).map(|(number, word)| (*word, number)).collect()).collect()
});

/// A text that may well be one of the list.
pub struct Word<'a>(pub &'a str);

impl Serialize for Word<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let last = self.0.as_bytes().last();
        // Most of the same length end otherwise.
        let same = |(word, _): &&(&str, usize)| word.as_bytes().last() == last && *word == self.0;
        let known = BY_LENGTH.get(self.0.len()).and_then(|words| words.iter().find(same));
        match known {
            Some((_, number)) => serializer.serialize_u64(*number as u64),
            None => serializer.serialize_str(self.0),
        }
    }
}

/// What the numbers stand for.
#[napi]
pub fn words() -> Vec<&'static str> {
    WORDS.to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_has_a_number_of_its_own_and_other_texts_stay_texts() {
        for (number, word) in WORDS.iter().enumerate() {
            assert_eq!(serde_json::to_string(&Word(word)).unwrap(), number.to_string(), "{word}");
        }
        assert_eq!(serde_json::to_string(&[Word("12"), Word("Text/Plain")]).unwrap(), r#"["12","Text/Plain"]"#);
    }
}
