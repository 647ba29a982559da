//! What a mailbox is for: RFC 6154 attributes, their XLIST forerunners, else its name.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::special_use_names::NAMES;

/// The `SpecialUse` of the public API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SpecialUse {
    /// Where mail arrives.
    Inbox,
    /// Copies of what was sent.
    Sent,
    /// Unfinished messages.
    Drafts,
    /// Deleted messages.
    Trash,
    /// Spam.
    Junk,
    /// Put away.
    Archive,
    /// A view of everything.
    All,
    /// A view of what is flagged.
    Flagged,
    /// A view of what is important (RFC 8457).
    Important,
}

impl SpecialUse {
    /// The use that `attributes` of LIST or XLIST give, in either spelling.
    pub fn from_attributes<S: AsRef<str>>(attributes: &[S]) -> Option<Self> {
        attributes.iter().find_map(|attribute| Self::from_attribute(attribute.as_ref()))
    }

    /// The use that a mailbox's own name (its last level) tells, in any of the languages of the table.
    ///
    /// Never `inbox`, which is `INBOX` and no other, and never a view: a folder called "Important" is just a folder.
    pub fn from_name(name: &str) -> Option<Self> {
        BY_NAME.get(&fold(name)).copied()
    }

    /// The attribute for CREATE with USE (RFC 6154 §3); `None` for the inbox, which always exists.
    pub fn attribute(self) -> Option<&'static str> {
        Some(match self {
            Self::Inbox => return None,
            Self::Sent => "\\Sent",
            Self::Drafts => "\\Drafts",
            Self::Trash => "\\Trash",
            Self::Junk => "\\Junk",
            Self::Archive => "\\Archive",
            Self::All => "\\All",
            Self::Flagged => "\\Flagged",
            Self::Important => "\\Important",
        })
    }

    fn from_attribute(attribute: &str) -> Option<Self> {
        let word = attribute.strip_prefix('\\')?;
        ATTRIBUTES.iter().find(|(known, _)| known.eq_ignore_ascii_case(word)).map(|(_, of)| *of)
    }
}

/// Folded names; the first language that has one decides.
static BY_NAME: LazyLock<HashMap<String, SpecialUse>> = LazyLock::new(|| {
    let mut by_name = HashMap::new();
    for (_, of, names) in NAMES {
        for name in *names {
            by_name.entry(fold(name)).or_insert(*of);
        }
    }
    by_name
});

/// RFC 6154 and RFC 8457 words first, then what XLIST (Gmail, old QQ and 163) says instead.
const ATTRIBUTES: &[(&str, SpecialUse)] = &[
    ("All", SpecialUse::All),
    ("Archive", SpecialUse::Archive),
    ("Drafts", SpecialUse::Drafts),
    ("Flagged", SpecialUse::Flagged),
    ("Important", SpecialUse::Important),
    ("Junk", SpecialUse::Junk),
    ("Sent", SpecialUse::Sent),
    ("Trash", SpecialUse::Trash),
    ("AllMail", SpecialUse::All),
    ("Inbox", SpecialUse::Inbox),
    ("Spam", SpecialUse::Junk),
    ("Starred", SpecialUse::Flagged),
];

/// Case, separators and surrounding space do not tell names apart: `Sent-Items`, `sent items`.
fn fold(name: &str) -> String {
    name.trim().to_lowercase().chars().filter(|c| !matches!(c, ' ' | '-' | '_' | '\u{a0}')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_of_both_ages() {
        assert_eq!(SpecialUse::from_attributes(&["\\HasNoChildren", "\\sent"]), Some(SpecialUse::Sent));
        assert_eq!(SpecialUse::from_attributes(&["\\AllMail"]), Some(SpecialUse::All));
        assert_eq!(SpecialUse::from_attributes(&["\\Spam"]), Some(SpecialUse::Junk));
        assert_eq!(SpecialUse::from_attributes(&["\\Starred"]), Some(SpecialUse::Flagged));
        assert_eq!(SpecialUse::from_attributes(&["\\Inbox"]), Some(SpecialUse::Inbox));
        assert_eq!(SpecialUse::from_attributes(&["Sent", "\\HasChildren"]), None);
    }

    #[test]
    fn names_whatever_their_case_and_separators() {
        for (name, of) in [
            ("Sent-Items", SpecialUse::Sent),
            ("ENTWÜRFE", SpecialUse::Drafts),
            ("已删除邮件", SpecialUse::Trash),
            ("迷惑メール", SpecialUse::Junk),
            ("Архив", SpecialUse::Archive),
        ] {
            assert_eq!(SpecialUse::from_name(name), Some(of), "{name}");
        }
        assert_eq!(SpecialUse::from_name("Sent to Ada"), None);
        assert_eq!(SpecialUse::from_name("Important"), None);
        assert_eq!(SpecialUse::from_name("Inbox"), None);
    }

    #[test]
    fn no_name_has_two_uses() {
        let mut seen = std::collections::HashMap::new();
        for (language, of, names) in NAMES {
            for name in *names {
                if let Some(other) = seen.insert(fold(name), *of) {
                    assert_eq!(other, *of, "{name} ({language})");
                }
            }
        }
    }

    #[test]
    fn at_least_25_languages_know_the_five_folders() {
        for of in [SpecialUse::Sent, SpecialUse::Drafts, SpecialUse::Trash, SpecialUse::Junk, SpecialUse::Archive] {
            let languages: std::collections::HashSet<_> =
                NAMES.iter().filter(|(_, at, names)| *at == of && !names.is_empty()).map(|(l, _, _)| *l).collect();
            assert!(languages.len() >= 25, "{of:?} has {}", languages.len());
        }
    }
}
