//! HTML read as text: what a person sees, blocks on lines of their own, quotations marked with `>`.

use super::entity;
use super::token::{Token, Tokens, attribute};

/// Quotation marks on one line; stops nested quotations from making every line as long as the document.
const MAX_QUOTE_MARKS: usize = 8;

/// The text of `html`.
pub(crate) fn from_html(html: &str) -> String {
    from_html_up_to(html, usize::MAX)
}

/// The text of `html`, at least its first `enough` octets.
pub(crate) fn from_html_up_to(html: &str, enough: usize) -> String {
    let mut writer = Writer::default();
    let mut hidden = Hidden::default();
    for token in Tokens::new(html) {
        match token {
            Token::Start { name, attributes, .. } => {
                let lower = name.to_ascii_lowercase();
                if !hidden.enter(&lower, attributes) {
                    writer.start(&lower, attributes);
                }
            }
            Token::End { name, .. } => {
                let lower = name.to_ascii_lowercase();
                if !hidden.leave(&lower) {
                    writer.end(&lower);
                }
            }
            Token::Text(text) if !hidden.is_hiding() => writer.text(&entity::decode(text)),
            Token::Text(_) | Token::Raw(_) | Token::Other => {}
        }
        if writer.out.len() >= enough {
            break;
        }
    }
    writer.finish()
}

/// Counts down to the end of an element that nobody sees.
#[derive(Default)]
struct Hidden {
    element: String,
    depth: usize,
}

impl Hidden {
    fn is_hiding(&self) -> bool {
        self.depth > 0
    }

    /// Whether what follows is hidden.
    fn enter(&mut self, name: &str, attributes: &str) -> bool {
        if self.depth > 0 && !ends_without_tag(&self.element, name) {
            self.depth += usize::from(name == self.element);
            return true;
        }
        self.depth = 0;
        let hides = matches!(name, "head" | "template" | "object" | "select" | "svg" | "math" | "xml" | "datalist")
            || (!is_void(name) && is_invisible(attributes));
        if hides {
            name.clone_into(&mut self.element);
            self.depth = 1;
        }
        hides
    }

    /// Whether the end tag belongs to what is hidden.
    fn leave(&mut self, name: &str) -> bool {
        if self.depth == 0 {
            return false;
        }
        self.depth -= usize::from(name == self.element);
        true
    }
}

/// Whether the start of `name` ends `element`, whose own end tag was left out (HTML Living Standard §13.1.2.4).
fn ends_without_tag(element: &str, name: &str) -> bool {
    match element {
        "head" => {
            !matches!(name, "head" | "title" | "meta" | "link" | "style" | "script" | "base" | "noscript" | "template")
        }
        "p" => {
            name == "p"
                || is_block(name)
                || matches!(name, "ul" | "ol" | "dl" | "table" | "pre" | "blockquote" | "hr" | "h1" | "h2" | "h3")
        }
        "li" => name == "li",
        "td" | "th" => matches!(name, "td" | "th" | "tr"),
        "tr" => name == "tr",
        _ => false,
    }
}

fn is_void(name: &str) -> bool {
    matches!(name, "br" | "img" | "hr" | "input" | "meta" | "link" | "col" | "wbr" | "area" | "base")
}

/// `hidden`, `display:none` and the other ways to put a preheader where nobody sees it.
pub(super) fn is_invisible(attributes: &str) -> bool {
    if attributes.len() < 5 {
        return false;
    }
    let style = attribute(attributes, "style")
        .map(|s| entity::decode(s).chars().filter(|c| !c.is_whitespace()).collect::<String>().to_ascii_lowercase());
    let by_style = style.is_some_and(|s| {
        let zero = |property: &str| {
            ["0", "0px", "0pt"].iter().any(|v| {
                s.split(';').any(|d| d.strip_prefix(property).is_some_and(|x| x.trim_end_matches("!important") == *v))
            })
        };
        s.contains("display:none")
            || s.contains("visibility:hidden")
            || s.contains("mso-hide:all")
            || zero("font-size:")
            || zero("opacity:")
            || (zero("max-height:") && s.contains("overflow:hidden"))
    });
    by_style || attribute(attributes, "hidden").is_some()
}

#[derive(Default)]
struct Writer {
    out: String,
    /// Line breaks owed before the next text.
    breaks: usize,
    /// A blank is owed before the next text on this line.
    blank: bool,
    quotes: usize,
    preformatted: usize,
}

impl Writer {
    fn start(&mut self, name: &str, attributes: &str) {
        match name {
            "br" => self.line_break(),
            "p" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "ul" | "ol" | "dl" | "table" => self.block(2),
            "blockquote" => {
                self.block(1);
                self.quotes += 1;
            }
            "pre" => {
                self.block(1);
                self.preformatted += 1;
            }
            "li" => {
                self.block(1);
                self.text("- ");
                self.blank = true;
            }
            "hr" => {
                self.block(1);
                self.text("---");
                self.block(1);
            }
            "td" | "th" => self.blank = true,
            "img" => self.image(attributes),
            _ if is_block(name) => self.block(1),
            _ => {}
        }
    }

    fn end(&mut self, name: &str) {
        match name {
            "p" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "ul" | "ol" | "dl" | "table" => self.block(2),
            "blockquote" => {
                self.block(1);
                self.quotes = self.quotes.saturating_sub(1);
            }
            "pre" => {
                self.block(1);
                self.preformatted = self.preformatted.saturating_sub(1);
            }
            _ if is_block(name) => self.block(1),
            _ => {}
        }
    }

    /// An image that stands for a character says so.
    fn image(&mut self, attributes: &str) {
        let alt = attribute(attributes, "alt").map(entity::decode).unwrap_or_default();
        let is_symbol =
            (1..=4).contains(&alt.chars().count()) && !alt.chars().any(|c| c.is_ascii() || c.is_alphanumeric());
        if is_symbol {
            self.text(&alt);
        }
    }

    fn block(&mut self, breaks: usize) {
        if !self.out.is_empty() {
            self.breaks = self.breaks.max(breaks);
        }
        self.blank = false;
    }

    fn line_break(&mut self) {
        self.breaks = (self.breaks + 1).min(3);
        self.blank = false;
    }

    fn text(&mut self, text: &str) {
        if self.preformatted > 0 {
            return self.preformatted_text(text);
        }
        for (n, word) in text.split(is_blank).enumerate() {
            if n > 0 {
                self.blank = true;
            }
            if !word.is_empty() {
                self.word(word);
            }
        }
    }

    fn word(&mut self, word: &str) {
        self.owed();
        self.out.push_str(word);
    }

    /// Writes what is owed before a word: line breaks with quotation marks, or one blank.
    fn owed(&mut self) {
        let at_start = self.out.is_empty();
        if self.breaks > 0 && !at_start {
            for n in 0..self.breaks {
                self.out.push('\n');
                if n + 1 < self.breaks {
                    self.out.push_str(self.marks().trim_end());
                }
            }
        } else if self.blank && !at_start {
            self.out.push(' ');
        }
        if self.breaks > 0 || at_start {
            self.out.push_str(self.marks());
        }
        self.breaks = 0;
        self.blank = false;
    }

    fn marks(&self) -> &'static str {
        const MARKS: &str = "> > > > > > > > ";
        MARKS.get(..self.quotes.min(MAX_QUOTE_MARKS) * 2).unwrap_or(MARKS)
    }

    fn preformatted_text(&mut self, text: &str) {
        for (n, line) in text.split('\n').enumerate() {
            if n > 0 {
                self.line_break();
            }
            if !line.trim().is_empty() {
                self.word(line.trim_end());
            }
        }
    }

    fn finish(mut self) -> String {
        self.out.truncate(self.out.trim_end().len());
        self.out
    }
}

/// Blanks that collapse; a no-break space is one for a reader of text.
fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | '\u{c}' | '\u{a0}')
}

fn is_block(name: &str) -> bool {
    matches!(
        name,
        "div"
            | "tr"
            | "section"
            | "article"
            | "header"
            | "footer"
            | "main"
            | "nav"
            | "aside"
            | "address"
            | "center"
            | "dt"
            | "dd"
            | "form"
            | "fieldset"
            | "figure"
            | "figcaption"
            | "body"
            | "html"
            | "caption"
            | "thead"
            | "tbody"
            | "tfoot"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_lists_and_quotations() {
        for (html, expected) in [
            ("<p>One</p><p>Two &amp; three</p>", "One\n\nTwo & three"),
            ("a<br>b<br><br>c", "a\nb\n\nc"),
            ("<div>a</div><div>b</div>", "a\nb"),
            ("<ul><li>x<li>y</ul>z", "- x\n- y\n\nz"),
            ("a  \n b\u{a0}\u{a0}c", "a b c"),
            ("Hi<blockquote>old<br>er<blockquote>oldest</blockquote></blockquote>", "Hi\n> old\n> er\n> > oldest"),
            ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc"),
            ("<pre>x\n  y</pre>", "x\n  y"),
            ("<b>bo</b>ld", "bold"),
            ("a<hr>b", "a\n---\nb"),
            ("ok <img alt=\"😀\"> <img alt=\"Logo\">!", "ok 😀 !"),
        ] {
            assert_eq!(from_html(html), expected, "{html}");
        }
    }

    #[test]
    fn what_nobody_sees_is_not_read() {
        for html in [
            "<head><title>t</title><style>s</style></head>x",
            "<style>s</style><script>alert(1)</script>x",
            "<div style=\"display:none\">pre<div>header</div></div>x",
            "<span style='font-size: 0px'>h</span>x",
            "<div style=\"max-height:0; overflow:hidden\">h</div>x",
            "<p hidden>h</p>x",
            "<!-- c -->x",
            "<select><option>o</select>x",
            "<img style=\"display:none\" alt=q>x",
            "<br style=\"display:none\">x",
            "<html><head><title>t</title><meta charset=utf-8><body>x",
            "<p style=\"display:none\">h<p>x",
            "<table><tr style=\"display:none\"><td>h<tr><td>x</table>",
        ] {
            assert_eq!(from_html(html), "x", "{html}");
        }
        assert_eq!(from_html("<div style=\"font-size:10px\">seen</div>"), "seen");
    }

    #[test]
    fn a_hundred_thousand_quotations_stay_linear() {
        let html = "<blockquote>a<br>".repeat(100_000);
        assert!(from_html(&html).len() < html.len() * 2);
    }
}
