//! Message identifiers (RFC 5322 §3.6.4): `msg-id = "<" id-left "@" id-right ">"`, kept with their brackets.

use memchr::memchr;

use super::word;

/// References kept of one message, the oldest and the newest ones; stops a 1 MB chain of `<a>`.
const MAX_IDS: usize = 1_000;

/// The identifier of a `Message-ID` field; brackets are added when missing.
pub(crate) fn one(raw: &[u8]) -> Option<String> {
    list(raw).into_iter().next()
}

/// The identifiers of `References` or `In-Reply-To`, in order, each once.
pub(crate) fn list(raw: &[u8]) -> Vec<String> {
    let line = word::unfold(raw);
    let mut seen = std::collections::HashSet::new();
    let mut ids: Vec<String> = Vec::new();
    let mut rest: &[u8] = &line;
    while let Some(start) = memchr(b'<', rest) {
        let tail = rest.get(start + 1..).unwrap_or_default();
        let Some(end) = memchr(b'>', tail) else { break };
        // `<a <b>`: the inner one.
        let inner = tail.get(..end).unwrap_or_default();
        let inner = memchr::memrchr(b'<', inner).map_or(inner, |at| inner.get(at + 1..).unwrap_or_default());
        if let Some(id) = bracketed(inner)
            && seen.insert(id.clone())
        {
            ids.push(id);
        }
        rest = tail.get(end + 1..).unwrap_or_default();
    }
    if ids.is_empty() {
        let bare = line.split(u8::is_ascii_whitespace).filter(|w| memchr(b'@', w).is_some());
        ids.extend(bare.filter_map(bracketed).take(MAX_IDS));
        if ids.is_empty() && !line.is_empty() && !line.iter().any(u8::is_ascii_whitespace) {
            ids.extend(bracketed(&line));
        }
    }
    if ids.len() > MAX_IDS {
        ids.drain(1..ids.len() - MAX_IDS + 1);
    }
    ids
}

/// Blanks inside come from folding in the middle of an identifier.
fn bracketed(inner: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(inner);
    let id: String =
        text.chars().filter(|c| !c.is_whitespace() && !c.is_control() && !matches!(c, '<' | '>')).collect();
    (!id.is_empty()).then(|| format!("<{id}>"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_as_they_come() {
        assert_eq!(one(b" <a@b> ").unwrap(), "<a@b>");
        assert_eq!(one(b"a@b").unwrap(), "<a@b>");
        assert_eq!(one(b"<a\r\n @b>").unwrap(), "<a@b>");
        assert_eq!(one(b"no-at-sign").unwrap(), "<no-at-sign>");
        assert_eq!(one(b"  "), None);
        assert_eq!(list(b"<a@b><c@d>\r\n\t<a@b>,<e@f>"), ["<a@b>", "<c@d>", "<e@f>"]);
        assert_eq!(list(b"Your message of \"Mon\" <a@b>"), ["<a@b>"]);
        assert_eq!(list(b"Your message of Monday"), Vec::<String>::new());
    }

    #[test]
    fn a_chain_without_end_keeps_root_and_newest() {
        let chain: String = (0..50_000).map(|n| format!("<{n}@x>")).collect();
        let ids = list(chain.as_bytes());
        assert_eq!((ids.len(), ids[0].as_str(), ids[999].as_str()), (MAX_IDS, "<0@x>", "<49999@x>"));
    }
}
