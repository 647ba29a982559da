//! What HTML refers to inside its message: `cid:` URLs (RFC 2392) in every spelling that mails hold.

use std::collections::HashSet;

use super::entity;
use super::token::{Attributes, Token, Tokens};
use crate::parse::parameter::percent_decode;

/// `cid:<a%40b>`, `CID:a@b`, `cid://a@b` → `a@b`; `None` for another URL.
pub(crate) fn cid_of(url: &str) -> Option<String> {
    let url: String = url.chars().filter(|c| !c.is_control()).collect();
    let mut rest = url.trim();
    let mut found = false;
    while let Some(after) = rest.get(..4).filter(|p| p.eq_ignore_ascii_case("cid:")).and_then(|_| rest.get(4..)) {
        rest = after.trim_start_matches('/').trim();
        found = true;
    }
    if !found {
        return None;
    }
    let mut octets = Vec::with_capacity(rest.len());
    percent_decode(rest.as_bytes(), &mut octets);
    let decoded = String::from_utf8_lossy(&octets);
    let id = decoded.trim().trim_start_matches('<').trim_end_matches('>').trim();
    (!id.is_empty()).then(|| id.to_owned())
}

/// How two content ids are compared: some senders change the case, or encode one side.
pub(crate) fn cid_key(id: &str) -> String {
    let mut octets = Vec::with_capacity(id.len());
    percent_decode(id.as_bytes(), &mut octets);
    String::from_utf8_lossy(&octets).trim_matches(['<', '>', ' ']).to_lowercase()
}

/// Every content id, as [`cid_key`] spells it, and every other image source that `html` refers to.
pub(crate) fn referenced(html: &str) -> HashSet<String> {
    let mut all = HashSet::new();
    for token in Tokens::new(html) {
        match token {
            Token::Start { attributes, .. } => {
                for (name, value) in Attributes(attributes) {
                    if is_reference(name) {
                        add(&entity::decode(value), &mut all);
                    } else if contains_cid(value) {
                        add_from_css(&entity::decode(value), &mut all);
                    }
                }
            }
            Token::Raw(style) if contains_cid(style) => add_from_css(style, &mut all),
            _ => {}
        }
    }
    all
}

fn is_reference(name: &str) -> bool {
    ["src", "background", "href", "data"].iter().any(|r| name.eq_ignore_ascii_case(r))
}

fn add(url: &str, all: &mut HashSet<String>) {
    match cid_of(url) {
        Some(id) => all.insert(cid_key(&id)),
        None => all.insert(url.trim().to_owned()),
    };
}

fn contains_cid(text: &str) -> bool {
    text.len() > 4 && text.as_bytes().windows(4).any(|w| w.eq_ignore_ascii_case(b"cid:"))
}

/// `url(cid:…)` in a style.
fn add_from_css(css: &str, all: &mut HashSet<String>) {
    let lower = css.to_ascii_lowercase();
    for (at, _) in lower.match_indices("cid:") {
        let rest = css.get(at..).unwrap_or_default();
        let end = rest.find(['"', '\'', ')', ' ', ';', '\n']).unwrap_or(rest.len());
        add(rest.get(..end).unwrap_or_default(), all);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cid_in_every_spelling() {
        for url in [
            "cid:a@b",
            "CID:a@b",
            "Cid:a%40b",
            "cid:<a@b>",
            "cid:%3Ca@b%3E",
            " cid: a@b ",
            "cid://a@b",
            "cid:cid:a@b",
            "c\nid:a@b",
        ] {
            assert_eq!(cid_of(url).as_deref(), Some("a@b"), "{url}");
        }
        for url in ["http://x/cid:a", "a@b", "cid:", "", "acid:x"] {
            assert_eq!(cid_of(url), None, "{url}");
        }
    }

    #[test]
    fn references_of_all_kinds() {
        let html = "<img src=cid:A%40B><td background='cid:c'><div style=\"background:url('cid:d&#64;e')\"><style>p{background:url(CID:f)}</style>\
                    <img src=image001.png>";
        let all = referenced(html);
        for id in ["a@b", "c", "d@e", "f", "image001.png"] {
            assert!(all.contains(id), "{id} in {all:?}");
        }
    }
}
