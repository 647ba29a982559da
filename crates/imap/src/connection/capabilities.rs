//! What the server says it can do (RFC 9051 §7.2.1). Forgotten and read again after TLS and after login.

/// No server has more; a line of a million words would take minutes to look through.
const MAX_WORDS: usize = 500;

/// A set of capability words, compared without case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Capabilities {
    /// Upper case, in the server's order.
    words: Vec<String>,
    /// The same words as the server spells them (`IMAP4rev1`).
    spelt: Vec<String>,
}

impl Capabilities {
    pub(crate) fn new<S: AsRef<str>>(words: &[S]) -> Self {
        let mut known = Self::default();
        for spelt in words.iter().map(AsRef::as_ref).take(MAX_WORDS) {
            let word = spelt.to_ascii_uppercase();
            if !known.words.contains(&word) {
                known.words.push(word);
                known.spelt.push(spelt.to_owned());
            }
        }
        known
    }

    /// For the caller, as the server spells them.
    pub(crate) fn spelt(&self) -> &[String] {
        &self.spelt
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// `name` in upper case.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.words.iter().any(|word| word == name)
    }

    /// What IMAP4rev2 has built in (RFC 9051 appendix E), or the extension it came from.
    pub(crate) fn has_or_rev2(&self, name: &str) -> bool {
        self.has(name) || self.has("IMAP4REV2")
    }

    /// `AUTH=name`.
    pub(crate) fn has_mechanism(&self, name: &str) -> bool {
        self.words.iter().any(|word| word.strip_prefix("AUTH=").is_some_and(|mechanism| mechanism == name))
    }

    /// `APPENDLIMIT=n` (RFC 7889).
    pub(crate) fn append_limit(&self) -> Option<u64> {
        self.words.iter().find_map(|word| word.strip_prefix("APPENDLIMIT=")?.parse().ok())
    }

    /// How many octets a literal may have that is sent without waiting (RFC 7888).
    pub(crate) fn non_synchronizing_limit(&self) -> usize {
        /// LITERAL- allows no more (RFC 7888 §5).
        const LITERAL_MINUS: usize = 4096;
        /// LITERAL+ allows any size; but a server that is going to refuse a large one should be able to say so first.
        const LITERAL_PLUS: usize = 1 << 20;
        if self.has("LITERAL+") {
            LITERAL_PLUS
        } else if self.has_or_rev2("LITERAL-") {
            LITERAL_MINUS
        } else {
            0
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_in_any_case() {
        let caps = Capabilities::new(&["IMAP4rev1", "sasl-ir", "AUTH=XOAUTH2", "APPENDLIMIT=35651584", "SASL-IR"]);
        assert!(caps.has("SASL-IR") && caps.has_mechanism("XOAUTH2") && !caps.has_mechanism("PLAIN"));
        assert_eq!(caps.append_limit(), Some(35_651_584));
        assert_eq!(caps.spelt(), ["IMAP4rev1", "sasl-ir", "AUTH=XOAUTH2", "APPENDLIMIT=35651584"]);
        assert!(!caps.has_or_rev2("MOVE"));
    }

    #[test]
    fn literals_without_waiting() {
        assert_eq!(Capabilities::new(&["IMAP4rev1"]).non_synchronizing_limit(), 0);
        assert_eq!(Capabilities::new(&["LITERAL-"]).non_synchronizing_limit(), 4096);
        assert_eq!(Capabilities::new(&["IMAP4rev2"]).non_synchronizing_limit(), 4096);
        assert!(Capabilities::new(&["LITERAL+", "LITERAL-"]).non_synchronizing_limit() > 4096);
    }
}
