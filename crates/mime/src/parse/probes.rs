//! Inner entry points for [`crate::fuzzing`].

use super::charset::{self, Hint};
use super::parameter::Structured;
use super::structure::{self, Limits};
use super::{address, calendar, cms, date, flowed, ids, tnef, transfer, uuencode};
use crate::message::Address;

/// Numbers of the leaves, which IMAP keeps apart.
pub(crate) fn part_numbers(source: &[u8], depth: usize, parts: usize, header_bytes: usize) -> Vec<String> {
    let tree = structure::split(source, Limits { depth, parts, header_bytes });
    for part in &tree.parts {
        let (octets, _) = transfer::decode(part.body, part.encoding);
        assert_eq!(octets.len(), transfer::decoded_size(part.body, part.encoding), "the size of a part");
    }
    tree.parts.into_iter().map(|part| part.number).collect()
}

pub(crate) fn addresses(raw: &[u8]) -> Vec<Address> {
    let all = address::list(raw, Hint::default());
    assert!(all.len() <= address::MAX_ADDRESSES);
    all
}

pub(crate) fn charset(octets: &[u8], label: Option<&str>) -> String {
    let text = charset::decode(octets, label, Hint::default()).0;
    flowed::join(&text, false);
    flowed::join(&text, true);
    text
}

pub(crate) fn parameters(raw: &[u8]) {
    let hint = Hint { label: Some("gbk"), tld: Some("cn") };
    Structured::parse(raw, hint);
    ids::list(raw);
    uuencode::take_files(raw);
    uuencode::decode_body(raw);
}

pub(crate) fn date(raw: &[u8]) {
    date::parse(raw);
}

pub(crate) fn tnef(octets: &[u8]) {
    if let Some(found) = tnef::read(octets) {
        tnef::invite(&found);
    }
}

pub(crate) fn cms(octets: &[u8]) {
    let content = cms::signed_content(octets).unwrap_or_default();
    assert!(content.len() <= octets.len(), "signed content cannot be longer than what holds it");
}

pub(crate) fn rtf(octets: &[u8]) {
    tnef::probe_rtf(octets);
}

pub(crate) fn compressed_rtf(octets: &[u8]) {
    tnef::probe_compressed_rtf(octets);
}

pub(crate) fn calendar(text: &str) {
    calendar::parse(text, None);
}
