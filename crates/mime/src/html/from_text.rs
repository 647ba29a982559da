//! HTML made of plain text, for messages that have none: escaped, quotations as such (RFC 3676 §4.5), addresses as links.
//!
//! It holds no element but `div`, `blockquote`, `br` and `a`, and no attribute value that the text could end.

/// How what is made here begins: blanks and line ends of the text count.
const OPEN: &str = "<div style=\"white-space:pre-wrap\">";

/// Quotations inside each other; deeper ones are as deep as this. Stops a line of a million `>`.
const MAX_QUOTES: usize = 8;

/// Text that is made HTML; the rest is left out. Longer than any letter, and a log file is read as an attachment.
const MAX_TEXT: usize = 4 << 20;

/// Octets of one address; longer ones stay text.
const MAX_LINK: usize = 2_000;

/// The HTML of `text`, and whether it had to be cut.
pub(crate) fn from_text(text: &str) -> (String, bool) {
    let mut end = text.len().min(MAX_TEXT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let kept = text.get(..end).unwrap_or_default();
    let mut out = String::with_capacity(kept.len() + kept.len() / 8 + OPEN.len() + 8);
    out.push_str(OPEN);
    let mut depth = 0;
    // A line end belongs to the line before it, unless a quotation begins or ends there: that is one by itself.
    let mut open_line = false;
    for line in kept.trim_end().split('\n') {
        let (marks, content) = quotation(line);
        if marks == depth && open_line {
            out.push_str("<br>");
        }
        while depth < marks {
            out.push_str("<blockquote>");
            depth += 1;
        }
        while depth > marks {
            out.push_str("</blockquote>");
            depth -= 1;
        }
        linked(content, &mut out);
        open_line = true;
    }
    (0..depth).for_each(|_| out.push_str("</blockquote>"));
    out.push_str("</div>");
    (out, end < text.len())
}

/// Whether `html` was made here: then the sender wrote plain text.
pub(crate) fn is_made(html: &str) -> bool {
    html.starts_with(OPEN)
}

/// Depth of quotation and what is quoted: `>> x` and `> > x` are two deep. `>From` was escaped by a mailbox file.
fn quotation(line: &str) -> (usize, &str) {
    let mut rest = line;
    let mut marks = 0;
    if rest.starts_with(">From ") {
        return (0, rest);
    }
    while let Some(after) = rest.strip_prefix('>').or_else(|| rest.strip_prefix(" >").filter(|_| marks > 0)) {
        rest = after;
        marks += 1;
    }
    if marks > 0 {
        rest = rest.strip_prefix(' ').unwrap_or(rest);
    }
    (marks.min(MAX_QUOTES), rest)
}

/// `line` escaped, with links where there are addresses.
fn linked(line: &str, out: &mut String) {
    // Most lines have none.
    if !line.contains("://") && !line.contains('@') && !line.contains("www.") {
        return escape(line, out);
    }
    for piece in line.split_inclusive(is_boundary) {
        let (word, blank) = match piece.chars().next_back().filter(|c| is_boundary(*c)) {
            Some(last) => piece.split_at(piece.len() - last.len_utf8()),
            None => (piece, ""),
        };
        let start = word.find(|c| !is_bracket(c)).unwrap_or(word.len());
        let (before, address) = word.split_at(start);
        let (address, after) = address.split_at(end_of(address));
        escape(before, out);
        match target(address) {
            Some(scheme) => {
                out.push_str("<a href=\"");
                out.push_str(scheme);
                escape(address, out);
                out.push_str("\">");
                escape(address, out);
                out.push_str("</a>");
            }
            None => escape(address, out),
        }
        escape(after, out);
        escape(blank, out);
    }
}

/// Where no address goes on: blanks, what HTML must not see, and the punctuation of scripts that put no blank after it.
fn is_boundary(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || matches!(c, '<' | '>' | '"' | '，' | '。' | '、' | '；' | '：' | '！' | '？' | '）' | '（' | '】' | '【' | '」' | '「' | '》' | '《' | '“' | '”')
        // Marks that turn the direction of writing would make the address look like another.
        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}')
}

fn is_bracket(c: char) -> bool {
    matches!(c, '(' | '[' | '{' | '\'' | '*' | '_')
}

/// Where the address ends: punctuation behind it is the sentence's; a bracket that opened inside is its own.
fn end_of(address: &str) -> usize {
    let mut end = address.len();
    let opened = address.bytes().filter(|b| *b == b'(').count();
    let mut closed = address.bytes().filter(|b| *b == b')').count();
    while let Some(last) = address.get(..end).and_then(|a| a.chars().next_back()) {
        match last {
            ')' if closed > opened => closed -= 1,
            '.' | ',' | ';' | ':' | '!' | '?' | '\'' | '*' | ']' | '}' | '_' => {}
            _ => break,
        }
        end -= last.len_utf8();
    }
    end
}

/// What has to stand before `word` to make an address of it, if it is one.
fn target(word: &str) -> Option<&'static str> {
    if word.len() > MAX_LINK {
        return None;
    }
    let has_prefix = |prefix: &str| word.get(..prefix.len()).is_some_and(|w| w.eq_ignore_ascii_case(prefix));
    if has_prefix("https://") || has_prefix("http://") {
        let host = word.split_once("://").map_or("", |(_, rest)| rest);
        return host.starts_with(|c: char| c.is_alphanumeric() || c == '[').then_some("");
    }
    if has_prefix("mailto:") {
        return word.contains('@').then_some("");
    }
    if has_prefix("www.") {
        return (word.matches('.').count() > 1).then_some("https://");
    }
    is_address(word).then_some("mailto:")
}

fn is_address(word: &str) -> bool {
    let Some((local, domain)) = word.split_once('@') else { return false };
    let plain = |c: char, more: &str| c.is_ascii_alphanumeric() || more.contains(c);
    !local.is_empty()
        && local.chars().all(|c| plain(c, ".+-_=~"))
        && domain.contains('.')
        && domain.chars().all(|c| plain(c, ".-"))
        && !domain.starts_with(['.', '-'])
        && !domain.contains("..")
}

fn escape(text: &str, out: &mut String) {
    let mut rest = text;
    while let Some(at) = rest.find(['<', '>', '&', '"', '\'']) {
        let (before, tail) = rest.split_at(at);
        out.push_str(before);
        out.push_str(match tail.as_bytes().first() {
            Some(b'<') => "&lt;",
            Some(b'>') => "&gt;",
            Some(b'&') => "&amp;",
            Some(b'"') => "&quot;",
            _ => "&#39;",
        });
        rest = tail.get(1..).unwrap_or_default();
    }
    out.push_str(rest);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn html(text: &str) -> String {
        let (html, cut) = from_text(text);
        assert!(!cut && is_made(&html));
        html.strip_prefix(OPEN).unwrap().strip_suffix("</div>").unwrap().to_owned()
    }

    #[test]
    fn text_is_shown_and_never_run() {
        for (text, expected) in [
            ("a <b> & \"c\"\n<script>x</script>", "a &lt;b&gt; &amp; &quot;c&quot;<br>&lt;script&gt;x&lt;/script&gt;"),
            ("one\n\ntwo\n", "one<br><br>two"),
            ("  indented", "  indented"),
            ("it's", "it&#39;s"),
        ] {
            assert_eq!(html(text), expected, "{text}");
        }
    }

    #[test]
    fn quotations_nest() {
        for (text, expected) in [
            (
                "yes\n> no?\n> really\n>> old\nbye",
                "yes<blockquote>no?<br>really<blockquote>old</blockquote></blockquote>bye",
            ),
            ("> > two\n> one", "<blockquote><blockquote>two</blockquote>one</blockquote>"),
            (">From the mailbox", "&gt;From the mailbox"),
            ("a > b", "a &gt; b"),
        ] {
            assert_eq!(html(text), expected, "{text}");
        }
        let deep = html(&format!("{} x", ">".repeat(100_000)));
        assert_eq!(deep.matches("<blockquote>").count(), MAX_QUOTES);
    }

    #[test]
    fn addresses_become_links() {
        for (text, href, shown) in [
            (
                "See https://example.com/a?b=1&c=2.",
                "https://example.com/a?b=1&amp;c=2",
                "https://example.com/a?b=1&amp;c=2",
            ),
            ("(http://example.com/x_(y))", "http://example.com/x_(y)", "http://example.com/x_(y)"),
            ("<https://example.com>", "https://example.com", "https://example.com"),
            ("go to www.example.com, now", "https://www.example.com", "www.example.com"),
            ("ask ada@example.com!", "mailto:ada@example.com", "ada@example.com"),
            ("mailto:ada@example.com", "mailto:ada@example.com", "mailto:ada@example.com"),
            ("请看：https://example.cn/合同。谢谢", "https://example.cn/合同", "https://example.cn/合同"),
            ("*https://example.com*", "https://example.com", "https://example.com"),
        ] {
            let made = html(text);
            assert!(made.contains(&format!("<a href=\"{href}\">{shown}</a>")), "{text}: {made}");
        }
    }

    #[test]
    fn nothing_else_becomes_a_link() {
        for text in [
            "javascript:alert(1)",
            "javascript://example.com/%0aalert(1)",
            "data:text/html,x://y",
            "http://",
            "https://\"onclick=x",
            "a@b",
            "@ada.example.com",
            "file:///etc/passwd",
            "https://'x",
            "www.",
            &format!("https://example.com/{}", "x".repeat(3_000)),
        ] {
            assert!(!html(text).contains("<a "), "{text}: {}", html(text));
        }
        assert!(!html("https://example.com/\u{202e}moc.live").contains("href=\"https://example.com/\u{202e}"));
        let quote = html("https://example.com/\"onclick=alert(1)");
        assert!(quote.contains("<a href=\"https://example.com/\">") && !quote.contains("\"onclick"), "{quote}");
    }

    #[test]
    fn long_text_is_cut_and_says_so() {
        let (html, cut) = from_text(&"x\n".repeat(MAX_TEXT));
        assert!(cut && html.len() < MAX_TEXT * 5);
    }
}
