//! The key that all messages of one conversation share.
//!
//! It is the identifier of the conversation's first message: the first of `References`, else `In-Reply-To`, else the
//! message's own (then it is the first). An answer that lost both (some telephones, some gateways) is keyed by Outlook's
//! conversation index, else by a subject that is long enough to be nobody else's. So a root and its answers agree
//! without having seen each other, whoever sent them.

use base64::Engine as _;
use sha2::{Digest, Sha256};

use super::subject::{base_subject, is_answer};

/// A subject joins messages only from this many characters on, and only if it has two words or is of a script
/// without blanks: "Hello", "Invoice" and "Test" are everybody's.
const MIN_SUBJECT: usize = 12;

/// Ideographs say more: as many as these make a subject that is nobody else's.
const MIN_IDEOGRAPHS: usize = 6;

/// Octets of a conversation index that name the conversation (MS-OXOMSG §2.2.1.3): time and GUID.
const INDEX_HEADER: usize = 22;

/// What a message says of where it belongs.
#[derive(Debug, Default)]
pub(crate) struct Clues<'a> {
    pub(crate) message_id: Option<&'a str>,
    pub(crate) in_reply_to: Option<&'a str>,
    pub(crate) references: &'a [String],
    /// `Thread-Index`, base64.
    pub(crate) thread_index: Option<&'a str>,
    /// `Thread-Topic`: the subject that Outlook's conversation began with.
    pub(crate) thread_topic: Option<&'a str>,
    pub(crate) subject: Option<&'a str>,
    /// Anything that tells this message from others, for one without identifier.
    pub(crate) fallback: &'a [u8],
}

/// 32 hexadecimal digits.
pub(crate) fn thread_key(clues: &Clues<'_>) -> String {
    let is_other = |id: &&str| Some(*id) != clues.message_id;
    let mut referred = clues.references.iter().map(String::as_str).chain(clues.in_reply_to).filter(is_other);
    if let Some(root) = referred.next() {
        return hash("id", root.as_bytes());
    }
    let lost_its_root = clues.subject.is_some_and(is_answer) || clues.thread_index.is_some_and(is_answer_index);
    if lost_its_root || clues.message_id.is_none() {
        if let Some(index) = clues.thread_index.and_then(conversation) {
            return hash("index", &index);
        }
        if let Some(subject) = clues.thread_topic.or(clues.subject).map(base_subject).filter(|s| is_distinctive(s)) {
            return hash("subject", subject.to_lowercase().as_bytes());
        }
    }
    match clues.message_id {
        Some(id) => hash("id", id.as_bytes()),
        None => hash("content", clues.fallback),
    }
}

fn hash(kind: &str, value: &[u8]) -> String {
    let mut digest = Sha256::new();
    digest.update(kind);
    digest.update([0]);
    digest.update(value);
    let nibble = |n: u8| char::from_digit(u32::from(n), 16).unwrap_or('0');
    digest.finalize().iter().take(16).flat_map(|octet| [nibble(octet >> 4), nibble(octet & 15)]).collect()
}

fn index_octets(index: &str) -> Option<Vec<u8>> {
    let compact: String = index.chars().filter(|c| !c.is_whitespace()).take(4_000).collect();
    let engine = base64::engine::general_purpose::STANDARD_NO_PAD;
    engine.decode(compact.trim_end_matches('=')).ok().filter(|octets| octets.len() >= INDEX_HEADER)
}

fn conversation(index: &str) -> Option<Vec<u8>> {
    index_octets(index).and_then(|octets| octets.get(..INDEX_HEADER).map(<[u8]>::to_vec))
}

/// Each answer adds five octets.
fn is_answer_index(index: &str) -> bool {
    index_octets(index).is_some_and(|octets| octets.len() > INDEX_HEADER)
}

fn is_distinctive(subject: &str) -> bool {
    let ideographs = subject
        .chars()
        .filter(|c| matches!(c, '\u{3040}'..='\u{30FF}' | '\u{3400}'..='\u{9FFF}' | '\u{AC00}'..='\u{D7AF}'))
        .count();
    ideographs >= MIN_IDEOGRAPHS || (subject.chars().count() >= MIN_SUBJECT && subject.split_whitespace().count() >= 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(all: &[&str]) -> Vec<String> {
        all.iter().map(|i| (*i).to_owned()).collect()
    }

    #[test]
    fn root_and_answers_agree() {
        let root = thread_key(&Clues { message_id: Some("<r@x>"), subject: Some("Plan"), ..Clues::default() });
        let chain = ids(&["<r@x>", "<a@y>"]);
        let deep = Clues {
            message_id: Some("<b@z>"),
            in_reply_to: Some("<a@y>"),
            references: &chain,
            subject: Some("AW: Plan"),
            ..Clues::default()
        };
        let direct = Clues { message_id: Some("<a@y>"), in_reply_to: Some("<r@x>"), ..Clues::default() };
        assert_eq!(root, thread_key(&deep));
        assert_eq!(root, thread_key(&direct));
        assert_eq!(root.len(), 32);
    }

    #[test]
    fn a_message_that_refers_to_itself_is_its_own_root() {
        let own = ids(&["<r@x>"]);
        let odd = Clues { message_id: Some("<r@x>"), references: &own, ..Clues::default() };
        assert_eq!(thread_key(&odd), thread_key(&Clues { message_id: Some("<r@x>"), ..Clues::default() }));
    }

    #[test]
    fn unrelated_mails_with_a_short_subject_do_not_join() {
        for subject in ["Re: Hello", "Re: Invoice", "回复：你好", "Re:", "Re: ok", "Hello", "Re: Reminders-12345"]
        {
            let key = |id| thread_key(&Clues { message_id: Some(id), subject: Some(subject), ..Clues::default() });
            assert_ne!(key("<a@x>"), key("<b@x>"), "{subject}");
        }
        // Not even a long one, unless it says that it answers.
        let key = |id| {
            thread_key(&Clues {
                message_id: Some(id),
                subject: Some("Weekly report of the sales team"),
                ..Clues::default()
            })
        };
        assert_ne!(key("<a@x>"), key("<b@x>"));
    }

    #[test]
    fn answers_that_lost_their_references() {
        let key = |id, subject| thread_key(&Clues { message_id: Some(id), subject: Some(subject), ..Clues::default() });
        assert_eq!(
            key("<a@x>", "Re: Budget for the third quarter"),
            key("<b@y>", "AW: RE: budget for the third  quarter")
        );
        assert_eq!(key("<a@x>", "回复：第三季度预算讨论"), key("<b@y>", "答复: 第三季度预算讨论"));
        let root = "AdB1mQ7lq0V0n3mQTyK9n5wXjO5L3A==";
        let first = "AdB1mQ7lq0V0n3mQTyK9n5wXjO5L3AAAAAAA";
        let second = "AdB1mQ7lq0V0n3mQTyK9n5wXjO5L3AAAAAAAAAAAAA==";
        let index = |id, index| {
            thread_key(&Clues {
                message_id: Some(id),
                thread_index: Some(index),
                subject: Some("x"),
                ..Clues::default()
            })
        };
        assert_eq!(index("<a@x>", first), index("<b@x>", second));
        assert_ne!(
            index("<a@x>", root),
            index("<b@x>", root),
            "an index without an answer's octets starts a conversation"
        );
    }

    #[test]
    fn outlooks_topic_stands_for_a_subject_that_was_edited() {
        let key = |id, topic, subject| {
            thread_key(&Clues { message_id: Some(id), thread_topic: topic, subject: Some(subject), ..Clues::default() })
        };
        let topic = Some("Budget for the third quarter");
        assert_eq!(
            key("<a@x>", topic, "RE: Budget Q3 (was: something)"),
            key("<b@y>", None, "AW: Budget for the third quarter")
        );
        assert_ne!(key("<a@x>", Some("Hello"), "RE: Hello"), key("<b@y>", Some("Hello"), "RE: Hello"));
    }

    #[test]
    fn there_is_always_a_key() {
        assert_eq!(thread_key(&Clues::default()).len(), 32);
        let key = |fallback| thread_key(&Clues { fallback, ..Clues::default() });
        assert_ne!(key(b"a"), key(b"b"));
    }
}
