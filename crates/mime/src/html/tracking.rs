//! Images that nobody is meant to see: on another host, and hidden or no larger than a dot.

use super::entity;
use super::text::is_invisible;
use super::token::{Token, Tokens, attribute};

/// Width or height of an image that shows nothing.
const DOT: u32 = 2;

/// How many `html` has.
pub(crate) fn count(html: &str) -> u32 {
    if memchr::memmem::find(html.as_bytes(), b"//").is_none() {
        return 0;
    }
    let mut count: u32 = 0;
    for token in Tokens::new(html) {
        if let Token::Start { name, attributes, .. } = token
            && name.eq_ignore_ascii_case("img")
            && is_remote(attributes)
            && (is_invisible(attributes) || is_dot(attributes))
        {
            count = count.saturating_add(1);
        }
    }
    count
}

fn is_remote(attributes: &str) -> bool {
    let source = attribute(attributes, "src").map(entity::decode).unwrap_or_default();
    let source: String = source.trim().chars().take(8).collect::<String>().to_ascii_lowercase();
    ["http://", "https://", "//"].iter().any(|s| source.starts_with(s))
}

fn is_dot(attributes: &str) -> bool {
    let by_attribute = |name: &str| attribute(attributes, name).and_then(length);
    let style = attribute(attributes, "style").map(entity::decode).unwrap_or_default();
    let by_style = |name: &str| {
        style
            .split(';')
            .filter_map(|d| d.split_once(':'))
            .find(|(n, _)| n.trim().eq_ignore_ascii_case(name))
            .and_then(|(_, v)| length(v))
    };
    let small = |name: &str| by_style(name).or_else(|| by_attribute(name)).map(|n| n <= DOT);
    // A line as wide as the page is a ruler, not a dot.
    match (small("width"), small("height")) {
        (Some(width), Some(height)) => width && height,
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => false,
    }
}

/// `1`, `1px`, ` 0 `; a share of something (`1%`) is no length.
fn length(value: &str) -> Option<u32> {
    let value = value.trim();
    let digits = value.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = value.split_at(digits);
    if unit.trim_start().starts_with('%') {
        return None;
    }
    number.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_only_there_to_tell() {
        for html in [
            "<img src=\"https://t.example/o.gif\" width=1 height=1>",
            "<IMG SRC='http://t.example/o' WIDTH='1px' HEIGHT='0'>",
            "<img src=//t.example/o style=\"width:1px; height:1px !important\">",
            "<img src=https://t.example/o style='display:none'>",
            "<img src=https://t.example/o style='opacity:0;width:50px;height:50px'>",
            "<img src=https://t.example/o hidden>",
            "<img src=https://t.example/o height=1>",
            "<img src=h&#116;tps://t.example/o height=1 width=1>",
        ] {
            assert_eq!(count(html), 1, "{html}");
        }
    }

    #[test]
    fn what_is_there_to_be_seen() {
        for html in [
            "<img src=https://x.example/logo.png>",
            "<img src=https://x.example/ruler.png width=600 height=1>",
            "<img src=https://x.example/wide.png width=100%>",
            "<img src=cid:dot width=1 height=1>",
            "<img src=data:image/gif;base64,R0lGODlhAQABAAAAACw= width=1 height=1>",
            "<!-- <img src=https://x.example/o width=1 height=1> -->",
            "<p>https://x.example</p>",
        ] {
            assert_eq!(count(html), 0, "{html}");
        }
        assert_eq!(count(&"<img src=https://x/ width=1 height=1>".repeat(1000)), 1000);
    }
}
