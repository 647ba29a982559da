//! Flags and attributes (RFC 9051 §2.3.2, §7.3.1).

use std::borrow::Cow;

use super::tree::Items;
use crate::types::Flag;

/// Words of one list: flags, labels, capabilities. Stops a million of them in a 2 MB line, each 40 times its text.
pub(super) const MAX_WORDS: usize = 10_000;

/// What nearly every row has: no allocation for these.
const KNOWN: [&str; 24] = [
    "\\Seen",
    "\\Answered",
    "\\Flagged",
    "\\Deleted",
    "\\Draft",
    "\\Recent",
    "\\*",
    "$Forwarded",
    "$MDNSent",
    "$Junk",
    "$NotJunk",
    "NonJunk",
    "Junk",
    "NotJunk",
    "$Phishing",
    "$Important",
    "\\HasNoChildren",
    "\\HasChildren",
    "\\Noselect",
    "\\NonExistent",
    "\\Subscribed",
    "\\Marked",
    "\\UnMarked",
    "\\Noinferiors",
];

/// The words of a list, NIL left out. System flags come in the RFC's spelling, whatever the server's.
pub(super) fn read(list: Items<'_>) -> Vec<Flag> {
    list.filter_map(|item| item.nstring()).take(MAX_WORDS).map(|word| flag(&word)).collect()
}

/// One flag.
pub(crate) fn flag(word: &[u8]) -> Flag {
    let is_system = word.first() == Some(&b'\\');
    let same = |known: &&&str| {
        if is_system { word.eq_ignore_ascii_case(known.as_bytes()) } else { word == known.as_bytes() }
    };
    match KNOWN.iter().find(same) {
        Some(known) => Cow::Borrowed(known),
        None => Cow::Owned(String::from_utf8_lossy(word).into_owned()),
    }
}

/// The same for words that are no flags.
pub(super) fn words(list: Items<'_>) -> Vec<String> {
    list.filter_map(|item| item.string()).take(MAX_WORDS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_flags_cost_nothing_and_keywords_keep_their_case() {
        assert!(matches!(flag(b"\\SEEN"), Cow::Borrowed("\\Seen")));
        assert!(matches!(flag(b"$junk"), Cow::Owned(own) if own == "$junk"));
        assert_eq!(flag(b"OIB-Seen-[Gmail]/All"), "OIB-Seen-[Gmail]/All");
    }
}
