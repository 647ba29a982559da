//! The original's words in the answer: text behind `>`, HTML in a `blockquote`, made safe on the way.

use crate::build::format_date;
use crate::html::sanitize::{Images, sanitize};
use crate::html::{from_text, text as html_text};
use crate::message::{Address, ParsedMessage};
use crate::options::{CidImages, HtmlPolicy, RemoteImages};

/// `On Sat, 31 Jan 2026 12:00:00 +0000, Ada <ada@example.com> wrote:`
pub(super) fn attribution(original: &ParsedMessage) -> String {
    let who = original.from.first().map_or_else(|| "somebody".to_owned(), shown);
    match date(original) {
        Some(date) => format!("On {date}, {who} wrote:"),
        None => format!("{who} wrote:"),
    }
}

/// The lines that say what is forwarded.
pub(super) fn forwarded_header(original: &ParsedMessage) -> Vec<(&'static str, String)> {
    let list = |all: &[Address]| all.iter().map(shown).collect::<Vec<_>>().join(", ");
    let lines = [
        ("From", list(&original.from)),
        ("Date", date(original).unwrap_or_default()),
        ("Subject", super::one_line(original.subject.as_deref().unwrap_or_default())),
        ("To", list(&original.to)),
        ("Cc", list(&original.cc)),
    ];
    lines.into_iter().filter(|(_, value)| !value.is_empty()).collect()
}

fn date(original: &ParsedMessage) -> Option<String> {
    format_date(original.date?).ok()
}

fn shown(address: &Address) -> String {
    match address.name.as_deref().map(super::one_line).filter(|n| !n.is_empty()) {
        Some(name) if !address.address.is_empty() => format!("{name} <{}>", address.address),
        Some(name) => name,
        None => address.address.to_string(),
    }
}

/// The original as text.
pub(super) fn text_of(original: &ParsedMessage) -> String {
    match (&original.text, &original.html) {
        (Some(text), _) => text.clone(),
        (None, Some(html)) => html_text::from_html(html),
        (None, None) => String::new(),
    }
}

/// Every line behind a `>`.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 16);
    for line in text.trim_end().lines() {
        out.push_str(if line.starts_with('>') || line.is_empty() { ">" } else { "> " });
        out.push_str(line);
        out.push('\n');
    }
    out
}

/// Whether the original was written as plain text: then plain text is the answer.
pub(super) fn is_plain(original: &ParsedMessage) -> bool {
    original.html.as_deref().is_none_or(from_text::is_made)
}

/// The original as HTML that may be sent on: nothing active, its own images by `cid:`, remote ones as they were.
pub(super) fn html_of(original: &ParsedMessage) -> String {
    match &original.html {
        Some(html) => {
            let policy = HtmlPolicy { remote_images: RemoteImages::Keep, cid: CidImages::Keep };
            sanitize(html, policy, Images::new()).html
        }
        None => paragraphs(&text_of(original)),
    }
}

/// Text as HTML that looks like it.
pub(super) fn paragraphs(text: &str) -> String {
    escape(text.trim_end()).replace("\r\n", "\n").replace(['\n', '\r'], "<br>\n")
}

pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// What the caller wrote, as text: given, or read from the HTML.
pub(super) fn own_text(text: Option<&str>, html: Option<&str>) -> String {
    match (text, html) {
        (Some(text), _) => text.to_owned(),
        (None, Some(html)) => html_text::from_html(html),
        (None, None) => String::new(),
    }
}

/// What the caller wrote, as HTML: given, or made from the text.
pub(super) fn own_html(text: Option<&str>, html: Option<&str>) -> String {
    match (html, text) {
        (Some(html), _) => html.to_owned(),
        (None, Some(text)) => format!("<div>{}</div>\n", paragraphs(text)),
        (None, None) => String::new(),
    }
}
