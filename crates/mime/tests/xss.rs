//! Hostile HTML: whatever goes in, what comes out is of a small known language.
//!
//! The checker reads the output on its own terms and knows nothing of how it was made.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests")]

use email_mime::{CidImages, HtmlPolicy, ParseOptions, RemoteImages, SanitizeHtml, parse};

const VECTORS: &str = include_str!("../../../fixtures/mime/xss-vectors.json");

fn safe(html: &str, policy: HtmlPolicy) -> String {
    let source = format!("Content-Type: text/html; charset=utf-8\n\n{html}");
    let options = ParseOptions { sanitize_html: SanitizeHtml::Policy(policy), ..ParseOptions::default() };
    parse(source.as_bytes(), &options).safe_html.unwrap()
}

/// Elements that may come out.
const ELEMENTS: &str = " a abbr acronym address article aside b bdi bdo big blockquote br caption center cite code col colgroup dd del dfn \
    dir div dl dt em figcaption figure font footer h1 h2 h3 h4 h5 h6 header hr i img ins kbd li main mark nav ol p pre q rp rt ruby s samp \
    section small span strike strong style sub sup table tbody td tfoot th thead tr tt u ul var wbr ";

/// Attributes that may come out.
const ATTRIBUTES: &str = " align alt bgcolor border cellpadding cellspacing class clear color colspan compact dir face frame headers height \
    href hspace id lang name noshade nowrap rel reversed rowspan rules scope size span src start style summary target title type valign value \
    vspace width ";

/// Reads `html` as the serialiser writes it: `<name a="b">`, quotes inside values escaped. Panics at anything else.
fn check(html: &str, remote: bool) -> Result<(), String> {
    let mut rest = html;
    if let Some(sheet) = html.strip_prefix("<style>") {
        let (sheet, after) = sheet.split_once("</style>").ok_or("style without end")?;
        check_css(sheet)?;
        if sheet.contains('<') {
            return Err("markup in a style sheet".to_owned());
        }
        rest = after;
    }
    while let Some(at) = rest.find('<') {
        let tag = &rest[at + 1..];
        if let Some(end) = tag.strip_prefix('/') {
            let close = end.find('>').ok_or("end tag without end")?;
            check_name(&end[..close], ELEMENTS)?;
            rest = &end[close + 1..];
            continue;
        }
        let end = tag.find([' ', '>']).ok_or("tag without end")?;
        let element = &tag[..end];
        check_name(element, ELEMENTS)?;
        if element == "style" {
            return Err("a style element in the body".to_owned());
        }
        rest = &tag[end..];
        while let Some(attribute) = rest.strip_prefix(' ') {
            let equals = attribute.find("=\"").ok_or("attribute without value")?;
            let name = &attribute[..equals];
            check_name(name, ATTRIBUTES)?;
            let value = &attribute[equals + 2..];
            let quote = value.find('"').ok_or("value without end")?;
            check_value(element, name, &value[..quote], remote)?;
            rest = &value[quote + 1..];
        }
        rest = rest.strip_prefix('>').ok_or("rubbish in a tag")?;
    }
    Ok(())
}

fn check_name(name: &str, allowed: &str) -> Result<(), String> {
    let known = !name.is_empty() && allowed.contains(&format!(" {name} "));
    if known { Ok(()) } else { Err(format!("{name:?} came through")) }
}

fn check_value(element: &str, name: &str, value: &str, remote: bool) -> Result<(), String> {
    let value = value.replace("&amp;", "&");
    let lower = value.to_lowercase();
    let starts = |schemes: &[&str]| schemes.iter().any(|s| lower.starts_with(s));
    let fine = match (element, name) {
        (_, "src") => {
            starts(&["cid:", "data:image/png", "data:image/jpeg", "data:image/gif", "data:image/webp"])
                || (remote && starts(&["http:", "https:"]))
        }
        (_, "href") => {
            starts(&["http:", "https:", "mailto:", "tel:", "sms:", "callto:", "sip:", "webcal:", "ftp:", "#m_"])
                && !lower.contains(['\n', '\r', '\t'])
        }
        (_, "id" | "name") => lower.starts_with("m_"),
        (_, "class") => lower.split(' ').all(|c| c == "email-message" || c.starts_with("m_")),
        (_, "style") => return check_css(&lower),
        (_, "target") => lower == "_blank",
        (_, "rel") => lower == "noopener noreferrer",
        _ => true,
    };
    if fine { Ok(()) } else { Err(format!("{element} {name}={value:?} came through")) }
}

fn check_css(css: &str) -> Result<(), String> {
    let lower = css.to_lowercase();
    let bad = [
        "url(",
        "@import",
        "expression",
        "position",
        "behavior",
        "binding",
        "image-set",
        "\\",
        "var(",
        "javascript",
        "evil",
        "/*",
        "-9999",
        "transform",
        "animation",
    ];
    match bad.iter().find(|b| lower.contains(**b)) {
        Some(b) => Err(format!("{b} in {css:?}")),
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
