//! Tags and text of HTML, in one linear pass without a tree (after HTML Living Standard §13.2.5).
//!
//! It serves what needs no tree: reading text, finding references, bounding what the sanitiser's parser will see. What
//! is *safe* is decided by that parser alone.

use memchr::{memchr, memmem};

/// A piece of HTML.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Token<'a> {
    /// Text with its entities.
    Text(&'a str),
    /// `<name attributes>`.
    Start {
        /// As written.
        name: &'a str,
        attributes: &'a str,
        /// The whole tag.
        source: &'a str,
    },
    /// `</name>`.
    End { name: &'a str, source: &'a str },
    /// What an element like `style` or `script` holds.
    Raw(&'a str),
    /// Comments, declarations, processing instructions.
    Other,
}

/// Cuts HTML into tokens.
pub(crate) struct Tokens<'a> {
    rest: &'a str,
    /// The element whose raw content comes next.
    raw: Option<&'a str>,
}

/// Elements whose content is no HTML.
const RAW: &[&str] = &["script", "style", "title", "textarea", "xmp", "iframe", "noembed", "noframes", "plaintext"];

impl<'a> Tokens<'a> {
    pub(crate) fn new(html: &'a str) -> Self {
        Self { rest: html, raw: None }
    }

    fn take(&mut self, length: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at_checked(length).unwrap_or((self.rest, ""));
        self.rest = rest;
        taken
    }

    fn raw_content(&mut self, name: &str) -> Token<'a> {
        let mut at = 0;
        while let Some(found) = self.rest.get(at..).and_then(|r| memmem::find(r.as_bytes(), b"</")) {
            let start = at + found;
            let after = self.rest.get(start + 2..).unwrap_or_default();
            let is_end = after.get(..name.len()).is_some_and(|n| n.eq_ignore_ascii_case(name))
                && after.as_bytes().get(name.len()).is_none_or(|b| !b.is_ascii_alphanumeric() && *b != b'-');
            if is_end {
                return Token::Raw(self.take(start));
            }
            at = start + 2;
        }
        Token::Raw(self.take(self.rest.len()))
    }

    /// A tag or declaration at the start of `rest`, which begins with `<`.
    fn markup(&mut self) -> Token<'a> {
        let after = self.rest.get(1..).unwrap_or_default();
        match after.as_bytes().first() {
            Some(b'!') if after.starts_with("!--") => self.comment(),
            Some(b'!' | b'?') => self.bogus(),
            Some(b'/') if after.as_bytes().get(1).is_some_and(u8::is_ascii_alphabetic) => {
                let source = self.take(tag_length(self.rest));
                Token::End { name: tag_name(source.get(2..).unwrap_or_default()), source }
            }
            Some(b'/') => self.bogus(),
            Some(first) if first.is_ascii_alphabetic() => self.start_tag(),
            _ => {
                let next = memchr(b'<', after.as_bytes()).map_or(self.rest.len(), |at| at + 1);
                Token::Text(self.take(next))
            }
        }
    }

    fn start_tag(&mut self) -> Token<'a> {
        let source = self.take(tag_length(self.rest));
        let name = tag_name(source.get(1..).unwrap_or_default());
        let attributes = source.get(1 + name.len()..).unwrap_or_default();
        let attributes = attributes.strip_suffix('>').unwrap_or(attributes);
        if RAW.iter().any(|r| name.eq_ignore_ascii_case(r)) {
            self.raw = Some(name);
        }
        Token::Start { name, attributes, source }
    }

    /// `<!-->` and `<!--->` are whole comments; one without an end takes the rest.
    fn comment(&mut self) -> Token<'a> {
        let body = self.rest.get(4..).unwrap_or_default();
        let length = if body.starts_with('>') {
            5
        } else if body.starts_with("->") {
            6
        } else {
            let end = memmem::find(body.as_bytes(), b"-->").map(|at| at + 7);
            let bang = memmem::find(body.get(..end.unwrap_or(body.len())).unwrap_or(body).as_bytes(), b"--!>")
                .map(|at| at + 8);
            bang.or(end).unwrap_or(self.rest.len())
        };
        self.take(length);
        Token::Other
    }

    fn bogus(&mut self) -> Token<'a> {
        let length = memchr(b'>', self.rest.as_bytes()).map_or(self.rest.len(), |at| at + 1);
        self.take(length);
        Token::Other
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(name) = self.raw.take() {
            return Some(self.raw_content(name));
        }
        if self.rest.is_empty() {
            return None;
        }
        Some(match memchr(b'<', self.rest.as_bytes()) {
            Some(0) => self.markup(),
            Some(at) => Token::Text(self.take(at)),
            None => Token::Text(self.take(self.rest.len())),
        })
    }
}

/// Length of the tag at the start of `source`: to the first `>` outside quotes of attribute values.
fn tag_length(source: &str) -> usize {
    let bytes = source.as_bytes();
    let mut at = 1;
    let mut after_equals = false;
    while let Some(&octet) = bytes.get(at) {
        match octet {
            b'>' => return at + 1,
            b'"' | b'\'' if after_equals => match memchr(octet, bytes.get(at + 1..).unwrap_or_default()) {
                Some(end) => at += end + 1,
                None => return source.len(),
            },
            b'=' => {
                after_equals = true;
                at += 1;
                continue;
            }
            b' ' | b'\t' | b'\n' | b'\r' if after_equals => {
                at += 1;
                continue;
            }
            _ => {}
        }
        after_equals = false;
        at += 1;
    }
    source.len()
}

fn tag_name(text: &str) -> &str {
    let end = text.find(|c: char| c.is_ascii_whitespace() || matches!(c, '/' | '>')).unwrap_or(text.len());
    text.get(..end).unwrap_or_default()
}

/// Names and raw values of a start tag's attributes.
pub(crate) struct Attributes<'a>(pub(crate) &'a str);

impl<'a> Iterator for Attributes<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        let text = self.0.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/');
        if text.is_empty() {
            return None;
        }
        // An attribute may begin with `=`, which is then part of its name.
        let first = text.chars().next().map_or(0, char::len_utf8);
        let end = text
            .get(first..)?
            .find(|c: char| c.is_ascii_whitespace() || matches!(c, '/' | '='))
            .map_or(text.len(), |e| e + first);
        let (name, rest) = text.split_at(end);
        let after = rest.trim_start();
        let Some(value) = after.strip_prefix('=') else {
            self.0 = rest;
            return Some((name, ""));
        };
        let value = value.trim_start();
        let (value, rest) = match value.chars().next() {
            Some(quote @ ('"' | '\'')) => {
                let inner = value.get(1..).unwrap_or_default();
                let end = inner.find(quote).unwrap_or(inner.len());
                (inner.get(..end).unwrap_or_default(), inner.get(end + 1..).unwrap_or_default())
            }
            _ => value.split_at(value.find(|c: char| c.is_ascii_whitespace()).unwrap_or(value.len())),
        };
        self.0 = rest;
        Some((name, value))
    }
}

/// The value of attribute `name`, entities not decoded.
pub(crate) fn attribute<'a>(attributes: &'a str, name: &str) -> Option<&'a str> {
    Attributes(attributes).find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(html: &str) -> String {
        let one = |t: Token<'_>| match t {
            Token::Text(t) => format!("'{t}'"),
            Token::Start { name, attributes, .. } => format!("<{name}|{}>", attributes.trim()),
            Token::End { name, .. } => format!("</{name}>"),
            Token::Raw(r) => format!("[{r}]"),
            Token::Other => "!".to_owned(),
        };
        Tokens::new(html).map(one).collect()
    }

    #[test]
    fn tokens_as_a_browser_sees_them() {
        for (html, expected) in [
            ("a<b>c</b>d", "'a'<b|>'c'</b>'d'"),
            ("<a href='x>y' title=\">\">z", "<a|href='x>y' title=\">\">'z'"),
            ("<p title=it's>x", "<p|title=it's>'x'"),
            ("a < b, i <3 u", "'a ''< b, i ''<3 u'"),
            ("<!-- <b> --->x<!-->y<!--->z", "!'x'!'y'!'z'"),
            ("<style>a{}</style >b", "<style|>[a{}]</style>'b'"),
            ("<script>'</scr'+'ipt>'</SCRIPT>x", "<script|>['</scr'+'ipt>']</SCRIPT>'x'"),
            ("<!doctype html><?xml?><br/>", "!!<br|/>"),
            ("<a href=\"unclosed>text", "<a|href=\"unclosed>text>"),
            ("</ x>y", "!'y'"),
            ("", ""),
        ] {
            assert_eq!(shape(html), expected, "{html}");
        }
    }

    #[test]
    fn attributes_as_a_browser_sees_them() {
        let all: Vec<_> = Attributes(" a=1 b = '2 3' c d=\"x\"e=y/ =f=g").collect();
        assert_eq!(all, [("a", "1"), ("b", "2 3"), ("c", ""), ("d", "x"), ("e", "y/"), ("=f", "g")]);
        assert_eq!(attribute("STYLE=x", "style"), Some("x"));
    }

    #[test]
    fn bombs_end_in_time() {
        for html in [
            "<".repeat(500_000),
            "<!--".repeat(200_000),
            "<a '".repeat(200_000),
            "<style></".repeat(100_000),
            "<a b=\"".repeat(100_000),
        ] {
            Tokens::new(&html).count();
        }
    }
}
