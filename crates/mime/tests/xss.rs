//! Hostile HTML: whatever goes in, what comes out is of a small known language.
//!
//! The checker reads the output on its own terms and knows nothing of how it was made; fuzzing uses it, too.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests")]

use email_mime::{CidImages, HtmlPolicy, ParseOptions, RemoteImages, SanitizeHtml, parse};

#[path = "../src/fuzzing/language.rs"]
mod language;

const VECTORS: &str = include_str!("../../../fixtures/mime/xss-vectors.json");

fn safe(html: &str, policy: HtmlPolicy) -> String {
    let source = format!("Content-Type: text/html; charset=utf-8\n\n{html}");
    let options = ParseOptions { sanitize_html: SanitizeHtml::Policy(policy), ..ParseOptions::default() };
    parse(source.as_bytes(), &options).safe_html.unwrap()
}

/// What the vectors are made of: beside the language as such, none of these words comes out in a style.
const WORDS: &[&str] =
    &["expression", "position", "behavior", "binding", "var(", "javascript", "evil", "-9999", "transform", "animation"];

fn check(html: &str, remote: bool) -> Result<(), String> {
    language::check(html, remote)?;
    let lower = html.to_lowercase();
    let sheets = lower.split("<style>").skip(1).map(|s| s.split("</style>").next().unwrap_or_default());
    let attributes = lower.split("style=\"").skip(1).map(|s| s.split('"').next().unwrap_or_default());
    match sheets.chain(attributes).find_map(|css| WORDS.iter().find(|w| css.contains(**w))) {
        Some(word) => Err(format!("{word} in a style")),
        None => Ok(()),
    }
}

#[test]
fn every_vector_is_disarmed() {
    let vectors: Vec<String> = serde_json::from_str(VECTORS).unwrap();
    assert!(vectors.len() >= 300);
    let policies = [
        (HtmlPolicy::default(), false),
        (HtmlPolicy { remote_images: RemoteImages::Keep, cid: CidImages::DataUri }, true),
    ];
    let mut bad = Vec::new();
    for (policy, remote) in policies {
        for vector in &vectors {
            let html = safe(vector, policy);
            if let Err(why) = check(&html, remote) {
                bad.push(format!("{why}\n  in:  {vector:?}\n  out: {html:?}"));
            }
            // What is safe stays safe when it goes through again: nothing mutates.
            if let Err(why) = check(&safe(&html, policy), remote) {
                bad.push(format!("second time: {why}\n  in:  {vector:?}"));
            }
        }
        // All at once, so that one opens what another closes.
        let all = vectors.concat();
        if let Err(why) = check(&safe(&all, policy), remote) {
            bad.push(format!("all at once: {why}"));
        }
    }
    assert!(bad.is_empty(), "{} came through:\n{}", bad.len(), bad.join("\n"));
}

#[test]
fn the_checker_sees_what_is_wrong() {
    for html in [
        "<script>",
        "<img src=\"x\">",
        "<p onclick=\"x\">",
        "<a href=\"javascript:x\">",
        "<p style=\"background:url(x)\">",
        "<img src=x>",
        "<p class=\"modal\">",
        "<style>@import x</style>",
        "<b><style>p{}</style>",
        "<img src=\"https://x\">",
    ] {
        assert!(check(html, false).is_err(), "{html}");
    }
}
