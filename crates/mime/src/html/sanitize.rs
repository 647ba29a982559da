//! HTML made safe to show, by ammonia with a policy for mail.
//!
//! No script, handler, form, frame or foreign content; nothing is loaded from elsewhere unless asked; links open apart
//! and tell nothing; styles are reduced to a list ([`super::style`]); class names and ids cannot meet the page's own.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, LazyLock};

use ammonia::{Builder, UrlRelative};
use base64::Engine as _;
use bytes::Bytes;

use super::prepare;
use super::reference::{cid_key, cid_of};
use super::style;
use crate::options::{CidImages, HtmlPolicy, RemoteImages};

/// Longest HTML that is made safe; beyond, the rest is left out.
const MAX_HTML_BYTES: usize = 8 << 20;

/// Octets of images put into the HTML as `data:` URIs; stops one image used a thousand times.
const MAX_DATA_URI_BYTES: usize = 24 << 20;

/// Octets of a link; longer ones are no addresses.
const MAX_LINK: usize = 16 * 1024;

/// Octets of any other attribute.
const MAX_ATTRIBUTE: usize = 4 * 1024;

/// Safe HTML, and whether something had to be cut for its size.
pub(crate) struct Safe {
    pub(crate) html: String,
    pub(crate) cut: bool,
}

/// An image of the message that the HTML may show.
#[derive(Debug, Clone)]
pub(crate) struct Image {
    /// Spelt as the attachment's `contentId`.
    pub(crate) content_id: String,
    /// The decoded octets, when they are to be put into the HTML.
    pub(crate) octets: Option<Bytes>,
}

/// The message's images by [`cid_key`].
pub(crate) type Images = HashMap<String, Image>;

/// Makes `html` safe.
pub(crate) fn sanitize(html: &str, policy: HtmlPolicy, images: Images) -> Safe {
    let (html, too_long) = truncated(html);
    let prepared = prepare::prepare(html);
    let body = builder(policy, images).clean(&prepared.html).to_string();
    let sheet = if prepared.styles.is_empty() { String::new() } else { style::sheet(&prepared.styles) };
    let html = if sheet.is_empty() {
        body
    } else {
        format!("<style>{sheet}</style><div class=\"{}\">{body}</div>", style::SCOPE)
    };
    Safe { html, cut: prepared.cut || too_long }
}

fn truncated(html: &str) -> (&str, bool) {
    if html.len() <= MAX_HTML_BYTES {
        return (html, false);
    }
    let mut end = MAX_HTML_BYTES;
    while !html.is_char_boundary(end) {
        end -= 1;
    }
    (html.get(..end).unwrap_or_default(), true)
}

/// Elements that stay.
const TAGS: &[&str] = &[
    "a",
    "abbr",
    "acronym",
    "address",
    "article",
    "aside",
    "b",
    "bdi",
    "bdo",
    "big",
    "blockquote",
    "br",
    "caption",
    "center",
    "cite",
    "code",
    "col",
    "colgroup",
    "dd",
    "del",
    "dfn",
    "dir",
    "div",
    "dl",
    "dt",
    "em",
    "figcaption",
    "figure",
    "font",
    "footer",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hr",
    "i",
    "img",
    "ins",
    "kbd",
    "li",
    "main",
    "mark",
    "nav",
    "ol",
    "p",
    "pre",
    "q",
    "rp",
    "rt",
    "ruby",
    "s",
    "samp",
    "section",
    "small",
    "span",
    "strike",
    "strong",
    "sub",
    "sup",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "tr",
    "tt",
    "u",
    "ul",
    "var",
    "wbr",
];

/// Elements that go with all they hold.
const DROPPED: &[&str] = &[
    "script",
    "style",
    "title",
    "template",
    "iframe",
    "frame",
    "frameset",
    "object",
    "embed",
    "applet",
    "noembed",
    "noframes",
    "svg",
    "math",
    "video",
    "audio",
    "canvas",
    "select",
    "textarea",
    "xml",
    "xmp",
    "plaintext",
    "portal",
    "dialog",
    "datalist",
];

/// Attributes that stay on every element.
const GENERIC: &[&str] = &[
    "align", "alt", "bgcolor", "border", "class", "color", "dir", "height", "id", "lang", "style", "title", "valign",
    "width",
];

/// Attributes that stay on some.
const BY_TAG: &[(&str, &[&str])] = &[
    ("a", &["href", "name"]),
    ("img", &["src", "hspace", "vspace"]),
    ("font", &["face", "size"]),
    ("table", &["cellpadding", "cellspacing", "frame", "rules", "summary"]),
    ("td", &["colspan", "rowspan", "nowrap", "headers"]),
    ("th", &["colspan", "rowspan", "nowrap", "headers", "scope"]),
    ("col", &["span"]),
    ("colgroup", &["span"]),
    ("ol", &["start", "type", "reversed", "compact"]),
    ("ul", &["type", "compact"]),
    ("li", &["value", "type"]),
    ("hr", &["size", "noshade"]),
    ("br", &["clear"]),
];

/// Schemes of links and images; which of them an attribute may use is decided by [`Filter`].
const SCHEMES: &[&str] = &["http", "https", "mailto", "tel", "sms", "callto", "sip", "webcal", "ftp", "cid", "data"];

/// The parts of the policy that never change, made once.
static TAG_SET: LazyLock<HashSet<&'static str>> = LazyLock::new(|| TAGS.iter().copied().collect());
static DROPPED_SET: LazyLock<HashSet<&'static str>> = LazyLock::new(|| DROPPED.iter().copied().collect());
static GENERIC_SET: LazyLock<HashSet<&'static str>> = LazyLock::new(|| GENERIC.iter().copied().collect());
static SCHEME_SET: LazyLock<HashSet<&'static str>> = LazyLock::new(|| SCHEMES.iter().copied().collect());
static BY_TAG_MAP: LazyLock<HashMap<&'static str, HashSet<&'static str>>> =
    LazyLock::new(|| BY_TAG.iter().map(|(tag, names)| (*tag, names.iter().copied().collect())).collect());

fn builder(policy: HtmlPolicy, images: Images) -> Builder<'static> {
    let filter = Filter { policy, images, spent: Arc::default() };
    let mut builder = Builder::empty();
    builder
        .tags(TAG_SET.clone())
        .clean_content_tags(DROPPED_SET.clone())
        .generic_attributes(GENERIC_SET.clone())
        .tag_attributes(BY_TAG_MAP.clone())
        .url_schemes(SCHEME_SET.clone())
        .url_relative(UrlRelative::PassThrough)
        .link_rel(Some("noopener noreferrer"))
        .set_tag_attribute_value("a", "target", "_blank")
        .strip_comments(true)
        .attribute_filter(move |element, name, value| filter.attribute(element, name, value));
    builder
}

/// What becomes of an attribute that is allowed by name.
struct Filter {
    policy: HtmlPolicy,
    images: Images,
    /// Octets put into `data:` URIs so far.
    spent: Arc<std::sync::atomic::AtomicUsize>,
}

impl Filter {
    fn attribute<'u>(&self, element: &str, name: &str, value: &'u str) -> Option<Cow<'u, str>> {
        match (element, name) {
            (_, "style") => Some(style::declarations(value)).filter(|s| !s.is_empty()).map(Cow::Owned),
            (_, "class") => prefixed(value).map(Cow::Owned),
            (_, "id") | ("a", "name") => identifier(value).map(Cow::Owned),
            ("img", "src") => self.image(value).map(Cow::Owned),
            ("a", "href") => Some(value).filter(|v| v.len() <= MAX_LINK).and_then(link).map(Cow::Owned),
            _ => Some(Cow::Borrowed(value)).filter(|v| v.len() <= MAX_ATTRIBUTE),
        }
    }

    fn image(&self, value: &str) -> Option<String> {
        let url = visible(value);
        if let Some(id) = cid_of(&url) {
            return self.embedded(&id);
        }
        let lower = url.to_ascii_lowercase();
        if lower.starts_with("data:") {
            return is_image_data(&lower).then_some(url);
        }
        if self.policy.remote_images == RemoteImages::Block {
            return None;
        }
        let is_remote = lower.starts_with("https:") || lower.starts_with("http:");
        match url.strip_prefix("//") {
            Some(rest) => Some(format!("https://{rest}")),
            None => is_remote.then_some(url),
        }
    }

    /// An image of the message itself, as the policy wants it.
    fn embedded(&self, id: &str) -> Option<String> {
        let Some(image) = self.images.get(&cid_key(id)) else {
            return (self.policy.cid == CidImages::Keep).then(|| format!("cid:{id}"));
        };
        match (self.policy.cid, &image.octets) {
            (CidImages::DataUri, Some(octets)) => self.data_uri(octets),
            (CidImages::DataUri, None) => None,
            (CidImages::Keep, _) => Some(format!("cid:{}", image.content_id)),
        }
    }

    fn data_uri(&self, octets: &Bytes) -> Option<String> {
        use std::sync::atomic::Ordering;
        let media_type = image_type(octets)?;
        let before = self.spent.fetch_add(octets.len(), Ordering::Relaxed);
        if before.saturating_add(octets.len()) > MAX_DATA_URI_BYTES {
            return None;
        }
        let mut uri = format!("data:{media_type};base64,");
        base64::engine::general_purpose::STANDARD.encode_string(octets, &mut uri);
        Some(uri)
    }
}

/// What the octets are, whatever the part says of itself. No SVG: it is a document.
fn image_type(octets: &[u8]) -> Option<&'static str> {
    match octets {
        [0x89, b'P', b'N', b'G', ..] => Some("image/png"),
        [0xFF, 0xD8, 0xFF, ..] => Some("image/jpeg"),
        [b'G', b'I', b'F', b'8', ..] => Some("image/gif"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
        [b'B', b'M', ..] => Some("image/bmp"),
        [0, 0, 1, 0, ..] => Some("image/x-icon"),
        _ => None,
    }
}

fn is_image_data(lower: &str) -> bool {
    ["png", "jpeg", "jpg", "gif", "webp", "bmp", "x-icon"].iter().any(|kind| {
        lower
            .strip_prefix("data:image/")
            .and_then(|rest| rest.strip_prefix(kind))
            .is_some_and(|rest| rest.starts_with([';', ',']))
    })
}

/// A link's address: absolute and of a known scheme, or a place in the message.
fn link(value: &str) -> Option<String> {
    const LINKS: &[&str] = &["http:", "https:", "mailto:", "tel:", "sms:", "callto:", "sip:", "webcal:", "ftp:"];
    let url = visible(value);
    if let Some(fragment) = url.strip_prefix('#') {
        return identifier(fragment).map(|id| format!("#{id}"));
    }
    if let Some(rest) = url.strip_prefix("//") {
        return Some(format!("https://{rest}"));
    }
    let lower = url.get(..16).unwrap_or(&url).to_ascii_lowercase();
    LINKS.iter().any(|scheme| lower.starts_with(scheme)).then_some(url)
}

/// A browser ignores control characters in an address, so they must not hide a scheme here either.
fn visible(url: &str) -> String {
    url.chars().filter(|c| !c.is_control()).collect::<String>().trim().to_owned()
}

fn prefixed(classes: &str) -> Option<String> {
    let sound = |c: &&str| c.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
    let all: Vec<String> = classes.split_ascii_whitespace().filter(sound).take(50).map(style::with_prefix).collect();
    (!all.is_empty()).then(|| all.join(" "))
}

fn identifier(id: &str) -> Option<String> {
    let id = id.trim();
    let sound = !id.is_empty() && id.len() < 200 && !id.chars().any(|c| c.is_whitespace() || c.is_control());
    sound.then(|| style::with_prefix(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clean(html: &str) -> String {
        sanitize(html, HtmlPolicy::default(), Images::new()).html
    }

    #[test]
    fn an_honest_mail_keeps_its_looks() {
        for (html, expected) in [
            ("<p align=\"center\">Hi <b>you</b></p>", "<p align=\"center\">Hi <b>you</b></p>"),
            (
                "<a href=\"https://x.y/\">z</a>",
                "<a href=\"https://x.y/\" target=\"_blank\" rel=\"noopener noreferrer\">z</a>",
            ),
            ("<td>", ""),
            (
                "<table><tr><td colspan=2 bgcolor=\"#fff\">x</table>",
                "<table><tbody><tr><td colspan=\"2\" bgcolor=\"#fff\">x</td></tr></tbody></table>",
            ),
            ("<font color=red face=Arial>x</font>", "<font color=\"red\" face=\"Arial\">x</font>"),
            ("<body bgcolor=red style='color:blue'>x", "<div bgcolor=\"red\" style=\"color:blue\">x</div>"),
            ("<p class=\"modal fade\" id=x>y", "<p class=\"m_modal m_fade\" id=\"m_x\">y</p>"),
            ("<o:p>x</o:p>", "x"),
            ("a &lt;b&gt; &amp; c", "a &lt;b&gt; &amp; c"),
        ] {
            assert_eq!(clean(html), expected, "{html}");
        }
    }

    #[test]
    fn style_sheets_are_scoped() {
        assert_eq!(
            clean("<style>p.MsoNormal{margin:0cm;background:url(x)}</style><p class=MsoNormal>x</p>"),
            "<style>.email-message p.m_MsoNormal{margin:0cm}</style><div class=\"email-message\"><p class=\"m_MsoNormal\">x</p></div>"
        );
    }

    #[test]
    fn images_by_policy() {
        let png = Bytes::from_static(b"\x89PNG");
        let images = |octets| Images::from([("logo@x".to_owned(), Image { content_id: "Logo@X".to_owned(), octets })]);
        let run = |html: &str, policy: HtmlPolicy| sanitize(html, policy, images(Some(png.clone()))).html;
        let keep = HtmlPolicy::default();
        let inline = HtmlPolicy { cid: CidImages::DataUri, ..keep };
        let remote = HtmlPolicy { remote_images: RemoteImages::Keep, ..keep };
        for spelling in ["cid:logo@x", "CID:Logo@X", "cid:logo%40x", "cid:&lt;logo@x&gt;", "c&#105;d:logo@x"] {
            let html = format!("<img src=\"{spelling}\">");
            assert_eq!(run(&html, keep), "<img src=\"cid:Logo@X\">", "{spelling}");
            assert_eq!(run(&html, inline), "<img src=\"data:image/png;base64,iVBORw==\">", "{spelling}");
        }
        assert_eq!(run("<img src=cid:other>", keep), "<img src=\"cid:other\">");
        assert_eq!(run("<img src=cid:other>", inline), "<img>");
        for url in ["http://x/y.png", "//x/y.png", "HTTPS://x/y", "y.png", "/y.png", "ftp://x/y"] {
            assert_eq!(run(&format!("<img src=\"{url}\" alt=a>"), keep), "<img alt=\"a\">", "{url}");
        }
        assert_eq!(run("<img src=http://x/y.png>", remote), "<img src=\"http://x/y.png\">");
        assert_eq!(run("<img src=//x/y.png>", remote), "<img src=\"https://x/y.png\">");
        assert_eq!(run("<img src=\"data:image/png;base64,AA==\">", keep), "<img src=\"data:image/png;base64,AA==\">");
        assert_eq!(run("<img src=\"data:image/svg+xml,x\">", keep), "<img>");
        assert_eq!(run("<img src=\"data:text/html,x\">", keep), "<img>");
    }

    #[test]
    fn one_image_a_thousand_times_is_not_a_thousand_images() {
        let mut octets = b"\x89PNG".to_vec();
        octets.resize(1 << 20, 0);
        let images =
            Images::from([("i".to_owned(), Image { content_id: "i".to_owned(), octets: Some(octets.into()) })]);
        let policy = HtmlPolicy { cid: CidImages::DataUri, ..HtmlPolicy::default() };
        let html = sanitize(&"<img src=cid:i>".repeat(30), policy, images).html;
        assert!(html.len() < 34 << 20, "{}", html.len());
    }

    #[test]
    fn links_only_where_links_may_go() {
        for url in [
            "javascript:alert(1)",
            "java\tscript:x",
            " JaVaScRiPt:x",
            "vbscript:x",
            "data:text/html,x",
            "file:///etc/passwd",
            "cid:x",
            "/relative",
            "page.html",
            "?q",
            "&#106;avascript:x",
            "x:y",
            "blob:x",
            "about:blank",
            "view-source:x",
        ] {
            let html = clean(&format!("<a href=\"{url}\">z</a>"));
            assert!(!html.contains("href") && html.contains("target=\"_blank\""), "{url}: {html}");
        }
        assert!(clean("<a href=\"#top\">z</a><a name=top>").contains("href=\"#m_top\""));
        assert!(clean("<a href=\"mailto:a@b?subject=x\">z</a>").contains("href=\"mailto:a@b?subject=x\""));
    }
}
