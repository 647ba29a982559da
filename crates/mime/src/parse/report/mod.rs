//! Reports: bounces (RFC 3464), read receipts (RFC 8098), complaints (RFC 5965), and bounces of servers that know none.

mod informal;
mod standard;

use super::charset::Hint;
use super::header::{self, Fields};
use super::ids;
use super::structure::{Part, Tree};
use super::transfer;
use crate::message::Report;

/// Recipients of one report; a bounce of a large list has some hundred.
const MAX_RECIPIENTS: usize = 1_000;

/// Octets of a report's data that are read.
const MAX_BYTES: usize = 1 << 20;

/// The report that the message is, if it is one.
pub(crate) fn of(tree: &Tree<'_>, fields: &Fields<'_>, subject: Option<&str>, text: Option<&str>) -> Option<Report> {
    standard::read(tree).or_else(|| informal::read(tree, fields, subject.unwrap_or_default(), text.unwrap_or_default()))
}

/// Decoded start of a part, for reading its fields.
fn octets_of(part: &Part<'_>) -> Vec<u8> {
    let start = part.body.get(..MAX_BYTES).unwrap_or(part.body);
    transfer::decode(start, part.encoding).0.into_owned()
}

/// Message-ID of the message that comes back with the report, whole or as its header.
fn returned_message_id(tree: &Tree<'_>) -> Option<String> {
    let returned = tree.parts.iter().filter(|p| {
        matches!(
            p.content_type.value.as_str(),
            "message/rfc822"
                | "text/rfc822-headers"
                | "message/rfc822-headers"
                | "message/global"
                | "message/global-headers"
                | "text/rfc822"
        )
    });
    returned.into_iter().find_map(|part| {
        let octets = octets_of(part);
        let block = header::read(&octets, 0, MAX_BYTES, |_| false);
        block.fields.first("message-id").and_then(ids::one)
    })
}

/// `rfc822; ada@example.com` → `ada@example.com`; brackets go, too.
fn without_type(value: &str) -> &str {
    let bare = value.split_once(';').map_or(value, |(_, rest)| rest).trim();
    bare.strip_prefix('<').and_then(|b| b.strip_suffix('>')).unwrap_or(bare)
}

/// The enhanced status code (RFC 3463) in `text`: `[245].n.n`.
fn status_in(text: &str) -> Option<String> {
    let is_code = |word: &&str| {
        let mut numbers = word.split('.');
        let class = numbers.next().unwrap_or_default();
        let rest: Vec<&str> = numbers.collect();
        matches!(class, "2" | "4" | "5")
            && rest.len() == 2
            && rest.iter().all(|n| (1..=3).contains(&n.len()) && n.bytes().all(|b| b.is_ascii_digit()))
    };
    text.split(|c: char| !(c.is_ascii_digit() || c == '.'))
        .map(|w| w.trim_matches('.'))
        .find(is_code)
        .map(str::to_owned)
}

/// One line, not too long for a list.
fn one_line(text: &str) -> Option<String> {
    let joined = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let cut: String = joined.chars().take(1_000).collect();
    (!cut.is_empty()).then_some(cut)
}

fn text(fields: &Fields<'_>, name: &str) -> Option<String> {
    fields.text(name, Hint::default())
}
