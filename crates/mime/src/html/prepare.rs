//! Bounds what the sanitiser's HTML parser is given. That parser is right but not cheap on purpose-made input: it walks
//! all open elements at many tags, repeats unclosed formatting in every block, and compares attributes pairwise.
//!
//! Honest mail passes unchanged, but for `body`, which becomes a `div` (a fragment has no body, its colours would be
//! lost), and style sheets, which are handed out apart.

use super::token::{Attributes, Token, Tokens};

/// Open elements; browsers stop at 512, too. Deeper tags are left out, their text stays.
const MAX_DEPTH: usize = 512;

/// Elements kept; stops a mail of a million tags from taking half a gigabyte as a tree. What follows is left out.
const MAX_ELEMENTS: usize = 100_000;

/// Attributes of one element; more are compared in quadratic time.
const MAX_ATTRIBUTES: usize = 200;

/// Attributes shorter than this in total cannot be too many.
const FEW_ATTRIBUTES_BYTES: usize = 1_000;

/// Copies of unclosed formatting elements that the parser may make.
const MAX_REPEATED: usize = 100_000;

/// How far up an end tag looks for its start.
const LOOK_UP: usize = 64;

/// Octets of text in one piece: the serialiser looks to the end of it at every character that it escapes.
const TEXT_PIECE: usize = 1024;

/// Octets of style sheets kept.
const MAX_STYLE_BYTES: usize = 256 * 1024;

/// HTML fit for the parser.
#[derive(Debug, Default)]
pub(crate) struct Prepared {
    pub(crate) html: String,
    /// The content of `style` elements.
    pub(crate) styles: String,
    /// Something was left out.
    pub(crate) cut: bool,
}

/// Bounds `html`.
pub(crate) fn prepare(html: &str) -> Prepared {
    let mut work =
        Work { out: Prepared { html: String::with_capacity(html.len()), ..Prepared::default() }, ..Work::default() };
    let mut in_style = false;
    for token in Tokens::new(html) {
        match token {
            Token::Start { name, attributes, source } => {
                let name = name.to_ascii_lowercase();
                in_style = name == "style";
                if work.elements >= MAX_ELEMENTS {
                    work.out.cut = true;
                    break;
                }
                work.start(&name, attributes, source);
            }
            Token::End { name, source } => work.end(&name.to_ascii_lowercase(), source),
            Token::Text(text) => {
                work.repeated += work.carried;
                work.text(text);
            }
            Token::Raw(content) if in_style => work.style(content),
            Token::Raw(_) | Token::Other => {}
        }
    }
    work.out
}

#[derive(Default)]
struct Work {
    out: Prepared,
    open: Vec<String>,
    /// Start tags left out for their depth, until their end tags come.
    too_deep: Vec<String>,
    elements: usize,
    /// Formatting elements that were closed by a block around them: the parser opens them again at the next text.
    carried: usize,
    repeated: usize,
}

impl Work {
    fn start(&mut self, name: &str, attributes: &str, source: &str) {
        self.elements += 1;
        if is_dropped_whole(name) {
            return;
        }
        self.close_implied(name);
        self.repeated += self.carried;
        if is_void(name) {
            return self.push_tag(name, attributes, source);
        }
        if self.open.len() >= MAX_DEPTH {
            self.out.cut = true;
            self.too_deep.push(name.to_owned());
            return;
        }
        self.open.push(name.to_owned());
        self.push_tag(name, attributes, source);
    }

    fn push_tag(&mut self, name: &str, attributes: &str, source: &str) {
        let many = attributes.len() > FEW_ATTRIBUTES_BYTES && Attributes(attributes).count() > MAX_ATTRIBUTES;
        if many {
            self.out.cut = true;
            self.out.html.push_str(&format!("<{name}>"));
        } else if name == "body" {
            self.out.html.push_str(&format!("<div {attributes}>"));
        } else {
            self.out.html.push_str(source);
            if !source.ends_with('>') {
                // The source ended inside a tag: a browser drops it.
                self.out.html.truncate(self.out.html.len() - source.len());
            }
        }
    }

    fn end(&mut self, name: &str, source: &str) {
        if is_dropped_whole(name) {
            return;
        }
        if self.too_deep.last().is_some_and(|n| n == name) {
            self.too_deep.pop();
            return;
        }
        let from = self.open.len().saturating_sub(LOOK_UP);
        let above = self.open.get(from..).unwrap_or_default();
        if let Some(at) = above.iter().rposition(|n| n == name) {
            let over_block = above.get(at + 1..).unwrap_or_default().iter().any(|n| is_special(n));
            if is_formatting(name) {
                // Blocks inside stay open (the "adoption agency").
                self.open.remove(from + at);
            } else if is_special(name) || !over_block {
                self.close_to(from + at);
            }
        }
        if name == "body" {
            self.out.html.push_str("</div>");
        } else if source.ends_with('>') {
            self.out.html.push_str(source);
        }
    }

    /// Start tags that end what is open by themselves (HTML Living Standard §13.1.2.4).
    fn close_implied(&mut self, name: &str) {
        let (closes, scope): (&[&str], &[&str]) = match name {
            "li" => (&["li"], &["ul", "ol"]),
            "dt" | "dd" => (&["dt", "dd"], &["dl"]),
            "td" | "th" => (&["td", "th"], &["table", "tr"]),
            "tr" => (&["tr"], &["table"]),
            "tbody" | "thead" | "tfoot" => (&["tbody", "thead", "tfoot"], &["table"]),
            "option" => (&["option"], &["select"]),
            _ if is_block(name) => (&["p"], &["td", "th", "table", "caption", "button", "object"]),
            _ => return,
        };
        let from = self.open.len().saturating_sub(LOOK_UP);
        let above = self.open.get(from..).unwrap_or_default();
        let nearest = above.iter().rposition(|n| closes.contains(&n.as_str()) || scope.contains(&n.as_str()));
        if let Some(at) = nearest
            && above.get(at).is_some_and(|n| closes.contains(&n.as_str()))
        {
            self.close_to(from + at);
        }
    }

    /// Closes everything from the `at`th open element on; what is formatting goes on in the next block.
    fn close_to(&mut self, at: usize) {
        let closed = self.open.split_off(at);
        let is_cell = closed.first().is_some_and(|n| matches!(n.as_str(), "td" | "th" | "caption" | "table" | "tr"));
        let formatting = closed.iter().skip(1).filter(|n| is_formatting(n));
        if is_cell {
            return;
        }
        if self.repeated > MAX_REPEATED {
            // Enough of it: from here on formatting ends with its block.
            let ends: Vec<String> = formatting.map(|n| format!("</{n}>")).collect();
            ends.iter().rev().for_each(|e| self.out.html.push_str(e));
            self.out.cut |= !ends.is_empty();
            return;
        }
        self.carried += formatting.count();
        if self.carried > MAX_DEPTH {
            self.repeated = usize::MAX / 2;
        }
    }

    /// Long text in pieces with comments between, which are gone afterwards.
    fn text(&mut self, text: &str) {
        let mut rest = text;
        while rest.len() > TEXT_PIECE {
            let mut end = TEXT_PIECE;
            while !rest.is_char_boundary(end) {
                end -= 1;
            }
            // Not inside a character reference, of which the longest has 34 octets.
            let open = rest.get(..end).and_then(|piece| piece.rfind('&')).filter(|at| end - at < 40 && *at > 0);
            if let Some(at) = open
                && rest.get(at..end).is_some_and(|r| !r.contains(';'))
            {
                end = at;
            }
            let (piece, tail) = rest.split_at(end);
            self.out.html.push_str(piece);
            self.out.html.push_str("<!---->");
            rest = tail;
        }
        self.out.html.push_str(rest);
    }

    fn style(&mut self, content: &str) {
        if self.out.styles.len() + content.len() > MAX_STYLE_BYTES {
            self.out.cut = true;
            return;
        }
        self.out.styles.push_str(content);
        self.out.styles.push('\n');
    }
}

/// Nothing of it may come through, and its content is raw: the parser need not see it.
fn is_dropped_whole(name: &str) -> bool {
    matches!(name, "style" | "script" | "title" | "textarea" | "xmp" | "iframe" | "noembed" | "noframes" | "plaintext")
}

fn is_void(name: &str) -> bool {
    matches!(
        name,
        "area"
            | "base"
            | "br"
            | "col"
            | "embed"
            | "hr"
            | "img"
            | "input"
            | "link"
            | "meta"
            | "source"
            | "track"
            | "wbr"
            | "param"
    )
}

fn is_formatting(name: &str) -> bool {
    matches!(
        name,
        "a" | "b" | "big" | "code" | "em" | "font" | "i" | "nobr" | "s" | "small" | "strike" | "strong" | "tt" | "u"
    )
}

/// Elements that only their own end tag, or one around them, ends.
fn is_special(name: &str) -> bool {
    is_block(name)
        || matches!(
            name,
            "body"
                | "html"
                | "li"
                | "dt"
                | "dd"
                | "td"
                | "th"
                | "tr"
                | "tbody"
                | "thead"
                | "tfoot"
                | "caption"
                | "colgroup"
                | "select"
                | "template"
                | "object"
                | "applet"
                | "marquee"
                | "button"
                | "details"
                | "summary"
                | "figure"
                | "figcaption"
                | "svg"
                | "math"
        )
}

fn is_block(name: &str) -> bool {
    matches!(
        name,
        "p" | "div"
            | "ul"
            | "ol"
            | "dl"
            | "table"
            | "blockquote"
            | "center"
            | "pre"
            | "h1"
            | "h2"
            | "h3"
            | "h4"
            | "h5"
            | "h6"
            | "hr"
            | "section"
            | "article"
            | "header"
            | "footer"
            | "form"
            | "fieldset"
            | "address"
            | "aside"
            | "nav"
            | "main"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn honest_mail_passes_unchanged() {
        let html = "<div><p>a<p>b<ul><li>x<li>y</ul><table><tr><td><b>c<td>d</table><font color=red>e<img src=x></div>";
        let prepared = prepare(html);
        assert_eq!(prepared.html, html);
        assert!(!prepared.cut);
        let many_paragraphs = "<p>text ".repeat(2_000);
        assert_eq!(prepare(&many_paragraphs).html, many_paragraphs);
    }

    #[test]
    fn body_becomes_a_div_and_styles_go_apart() {
        let prepared =
            prepare("<html><head><style>p{}</style><title>t</title></head><body bgcolor=red>x</body></html>");
        assert_eq!(prepared.html, "<html><head></head><div  bgcolor=red>x</div></html>");
        assert_eq!(prepared.styles, "p{}\n");
    }

    #[test]
    fn depth_attributes_and_size_are_bounded() {
        let deep = prepare(&format!("{}text{}", "<div>".repeat(100_000), "</div>".repeat(100_000)));
        assert_eq!(deep.html.matches("<div>").count(), MAX_DEPTH);
        assert!(deep.cut && deep.html.contains("text"));
        let wide = prepare(&format!("<p {}>x", (0..100_000).map(|n| format!("a{n} ")).collect::<String>()));
        assert_eq!(wide.html, "<p>x");
        assert_eq!(prepare(&"<b>".repeat(300_000)).html.matches("<b>").count(), MAX_DEPTH);
    }

    #[test]
    fn repeated_formatting_is_bounded() {
        let html: String = (0..50_000).map(|n| format!("<p><font size={n}>x")).collect();
        let prepared = prepare(&html);
        assert!(prepared.html.contains("</font>"), "unclosed formatting was left to the parser");
    }
}
