//! Address lists (RFC 5322 §3.4) as they come.
//!
//! ```text
//! mailbox = [display-name] "<" addr-spec ">" / addr-spec
//! group   = display-name ":" [mailbox-list] ";"
//! ```
//!
//! Also read: `;` between mailboxes (Outlook), encoded words with commas inside, a whole encoded mailbox, names in
//! single quotes, the old `addr (Name)`, routes, quotes and comments that never close, raw ISO-2022-JP.

use memchr::{memchr, memchr2, memrchr};
use smol_str::SmolStr;

use super::charset::Hint;
use super::jis;
use super::word::{self, EncodedWord};
use crate::message::Address;

pub(crate) use crate::limits::MAX_ADDRESSES;

/// Parentheses whose end is looked for in vain, each time to the end of the line; stops a line of 300,000 of them.
const MAX_UNCLOSED: usize = 16;

/// The mailboxes of a field's raw value.
pub(crate) fn list(raw: &[u8], hint: Hint<'_>) -> Vec<Address> {
    let line = jis::unshifted(word::unfold(raw));
    let mut reader = Reader::new(&line, hint);
    reader.read();
    reader.out.into_iter().flat_map(|a| unwrap_encoded(a, hint)).collect()
}

/// `=?utf-8?Q?Ada_<ada@example.com>?=`: the whole mailbox in an encoded word.
fn unwrap_encoded(address: Address, hint: Hint<'_>) -> Vec<Address> {
    let name = match &address.name {
        Some(name) if address.address.is_empty() && name.contains('@') => name.clone(),
        _ => return vec![address],
    };
    let mut reader = Reader::new(name.as_bytes(), hint);
    reader.read();
    match reader.out {
        inner if inner.iter().any(|a| !a.address.is_empty()) => {
            inner.into_iter().map(|a| Address { group: address.group.clone(), ..a }).collect()
        }
        _ => vec![address],
    }
}

struct Reader<'a> {
    line: &'a [u8],
    at: usize,
    hint: Hint<'a>,
    /// The last `"`, `>` and `)`: a quote or bracket without its end is an ordinary character.
    last_quote: usize,
    last_angle: usize,
    last_paren: usize,
    last_word_end: usize,
    /// Parentheses without their end that were looked for.
    unclosed: usize,
    /// Words of a display name, as they stand but without quotes.
    phrase: Vec<u8>,
    /// The same text as an address would keep it: with quotes, without comments.
    spec: Vec<u8>,
    /// Octets of it that hold no `@`; keeps asking for each of 300,000 parentheses linear.
    without_at: usize,
    angle: Option<Vec<u8>>,
    comment: Vec<u8>,
    group: Option<SmolStr>,
    group_is_empty: bool,
    out: Vec<Address>,
}

impl<'a> Reader<'a> {
    fn new(line: &'a [u8], hint: Hint<'a>) -> Self {
        Self {
            line,
            at: 0,
            hint,
            last_quote: memrchr(b'"', line).unwrap_or(0),
            last_angle: memrchr(b'>', line).unwrap_or(0),
            last_paren: memrchr(b')', line).unwrap_or(0),
            last_word_end: word::last_word_end(line),
            unclosed: 0,
            phrase: Vec::new(),
            spec: Vec::new(),
            without_at: 0,
            angle: None,
            comment: Vec::new(),
            group: None,
            group_is_empty: false,
            out: Vec::new(),
        }
    }

    fn read(&mut self) {
        while let Some(&octet) = self.line.get(self.at) {
            match octet {
                b'"' if self.last_quote > self.at => self.quoted_string(),
                b'(' => self.comment_or_octet(),
                b'<' if self.last_angle > self.at => self.angle_addr(),
                b',' => self.finish(),
                b';' => {
                    self.finish();
                    self.end_group();
                }
                b':' if self.starts_group() => self.start_group(),
                b'=' => self.encoded_word_or_octet(),
                _ => self.push(octet),
            }
            if self.out.len() >= MAX_ADDRESSES {
                return;
            }
            self.at += 1;
        }
        self.finish();
        self.end_group();
    }

    fn push(&mut self, octet: u8) {
        self.phrase.push(octet);
        self.spec.push(octet);
    }

    /// Leaves `at` on the closing quote.
    fn quoted_string(&mut self) {
        self.spec.push(b'"');
        self.at += 1;
        while let Some(&octet) = self.line.get(self.at) {
            match octet {
                b'"' => break,
                b'\\' => {
                    self.at += 1;
                    if let Some(&escaped) = self.line.get(self.at) {
                        self.phrase.push(escaped);
                        self.spec.extend([b'\\', escaped]);
                    }
                }
                _ => self.push(octet),
            }
            self.at += 1;
        }
        self.spec.push(b'"');
    }

    /// Leaves `at` on the last octet of a comment. One without its end is text of a name (`Ada (R&D <ada@example.com>`);
    /// behind an address it ends with the mailbox.
    fn comment_or_octet(&mut self) {
        let rest = self.line.get(self.at + 1..).unwrap_or_default();
        if let Some(length) = self.comment_length() {
            self.comment(rest.get(..length).unwrap_or_default());
            self.at += 1 + length;
        } else if self.has_address() {
            let length = memchr2(b',', b';', rest).unwrap_or(rest.len());
            self.comment(rest.get(..length).unwrap_or_default());
            self.at += length;
        } else {
            self.push(b'(');
        }
    }

    /// Octets between the parenthesis at `at` and its end; nesting is counted, not recursed into.
    fn comment_length(&mut self) -> Option<usize> {
        if self.last_paren < self.at || self.unclosed >= MAX_UNCLOSED {
            return None;
        }
        let mut depth = 1usize;
        let mut octets = self.line.iter().enumerate().skip(self.at + 1);
        while let Some((at, octet)) = octets.next() {
            match octet {
                b'\\' => {
                    octets.next();
                }
                b'(' => depth += 1,
                b')' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return Some(at - self.at - 1);
            }
        }
        self.unclosed += 1;
        None
    }

    fn comment(&mut self, inner: &[u8]) {
        if !self.comment.is_empty() {
            self.comment.push(b' ');
        }
        self.comment.extend(inner.iter().copied().filter(|b| *b != b'\\'));
    }

    /// Leaves `at` on the `>`.
    fn angle_addr(&mut self) {
        let rest = self.line.get(self.at + 1..).unwrap_or_default();
        let mut quoted = false;
        let mut length = 0;
        for (n, octet) in rest.iter().enumerate() {
            length = n;
            match octet {
                b'"' => quoted = !quoted,
                b'>' if !quoted => break,
                _ => {}
            }
        }
        if quoted {
            // The quote never closed: the first bracket ends the address.
            length = memchr(b'>', rest).unwrap_or(rest.len());
        }
        let inner = rest.get(..length).unwrap_or_default();
        // `Name <> <ada@example.com>`: the first that holds something counts.
        if self.angle.as_ref().is_none_or(Vec::is_empty) {
            self.angle = Some(inner.to_vec());
        }
        self.at += 1 + length;
    }

    fn encoded_word_or_octet(&mut self) {
        let rest = self.line.get(self.at..).unwrap_or_default();
        match EncodedWord::at_start(rest, self.at < self.last_word_end) {
            // Python's mail library encodes commas between mailboxes, too. Before the address it is part of a name.
            Some(word) if word.is_comma() && self.has_address() => {
                self.at += word.length - 1;
                self.finish();
            }
            Some(word) => {
                let text = rest.get(..word.length).unwrap_or_default();
                self.phrase.extend_from_slice(text);
                self.spec.extend_from_slice(text);
                self.at += word.length - 1;
            }
            None => self.push(b'='),
        }
    }

    fn starts_group(&mut self) -> bool {
        self.group.is_none() && !self.has_address()
    }

    /// Whether the mailbox that is being read has its address already.
    fn has_address(&mut self) -> bool {
        let unread = self.spec.get(self.without_at..).unwrap_or_default();
        self.angle.is_some() || memchr(b'@', unread).is_some() || {
            self.without_at = self.spec.len();
            false
        }
    }

    fn start_group(&mut self) {
        let name = self.take_name();
        self.spec.clear();
        self.without_at = 0;
        self.comment.clear();
        if name.eq_ignore_ascii_case("mailto") || name.eq_ignore_ascii_case("smtp") {
            return;
        }
        self.group = Some(name.into());
        self.group_is_empty = true;
    }

    fn end_group(&mut self) {
        if let Some(name) = self.group.take()
            && self.group_is_empty
            && !name.is_empty()
        {
            self.out.push(Address { group: Some(name), ..Address::default() });
        }
    }

    fn take_name(&mut self) -> String {
        let name = word::text(&std::mem::take(&mut self.phrase), self.hint);
        let collapsed = if name.contains("  ") { name.split_whitespace().collect::<Vec<_>>().join(" ") } else { name };
        match collapsed.strip_prefix('\'').and_then(|n| n.strip_suffix('\'')) {
            Some(inner) if !inner.trim().is_empty() => inner.trim().to_owned(),
            _ => collapsed,
        }
    }

    fn finish(&mut self) {
        let spec = std::mem::take(&mut self.spec);
        self.without_at = 0;
        let comment = word::text(&std::mem::take(&mut self.comment), self.hint);
        let (name, address) = match self.angle.take() {
            Some(angle) => (self.take_name(), self.addr_spec(&angle)),
            None => self.without_angle(&spec),
        };
        self.phrase.clear();
        let name = Some(name).filter(|n| !n.is_empty()).or(Some(comment).filter(|c| !c.is_empty()));
        if name.is_none() && address.is_empty() {
            return;
        }
        self.group_is_empty = false;
        self.out.push(Address { name: name.map(Into::into), address: address.into(), group: self.group.clone() });
    }

    /// A bare address, a local user, `Name addr@host`, or a name alone.
    fn without_angle(&mut self, spec: &[u8]) -> (String, String) {
        let spec = spec.trim_ascii();
        let has_blank = spec.iter().any(u8::is_ascii_whitespace);
        let has_at = memchr(b'@', spec).is_some();
        if spec.starts_with(b"=?") && !has_at || spec.is_empty() {
            return (self.take_name(), String::new());
        }
        if !has_blank
            || has_at
                && (spec.starts_with(b"\"") || spec.iter().filter(|b| **b == b'@').count() == 1 && is_spaced_addr(spec))
        {
            self.phrase.clear();
            return (String::new(), self.addr_spec(spec));
        }
        if has_at && let Some(start) = spec.rsplit(u8::is_ascii_whitespace).find(|w| memchr(b'@', w).is_some()) {
            let address = self.addr_spec(start);
            let name: Vec<u8> =
                spec.split(u8::is_ascii_whitespace).filter(|w| *w != start).collect::<Vec<_>>().join(&b' ');
            self.phrase = name.into_iter().filter(|b| *b != b'"').collect();
            return (self.take_name(), address);
        }
        (self.take_name(), String::new())
    }

    /// Without route, blanks outside quotes, control characters and `mailto:`.
    fn addr_spec(&self, raw: &[u8]) -> String {
        let text =
            if memchr(b'=', raw).is_some() { word::text(raw, self.hint) } else { word::text(raw, Hint::default()) };
        let text = match text.strip_prefix('@').and_then(|_| text.split_once(':')) {
            Some((_, addr)) => addr.to_owned(),
            None => text,
        };
        let lower_start = text.get(..7).map(str::to_ascii_lowercase);
        let text =
            if lower_start.as_deref() == Some("mailto:") { text.get(7..).unwrap_or_default().to_owned() } else { text };
        let mut quoted = false;
        text.chars()
            .filter(|c| {
                quoted ^= *c == '"';
                quoted || !c.is_whitespace()
            })
            .filter(|c| !c.is_control() && *c != '<')
            .collect()
    }
}

/// `ada @ example.com`: blanks only around the `@` and the dots.
fn is_spaced_addr(spec: &[u8]) -> bool {
    let words: Vec<&[u8]> = spec.split(u8::is_ascii_whitespace).filter(|w| !w.is_empty()).collect();
    words.windows(2).all(|pair| {
        let (left, right) = (pair.first().copied().unwrap_or_default(), pair.get(1).copied().unwrap_or_default());
        left.ends_with(b"@") || left.ends_with(b".") || right.starts_with(b"@") || right.starts_with(b".")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(raw: impl AsRef<[u8]>) -> (Option<String>, String) {
        let mut all = list(raw.as_ref(), Hint::default());
        assert_eq!(all.len(), 1, "{all:?}");
        let a = all.remove(0);
        (a.name.map(Into::into), a.address.into())
    }

    #[test]
    fn mailboxes_as_they_come() {
        for (raw, name, address) in [
            ("ada@example.com", None, "ada@example.com"),
            ("<ada@example.com>", None, "ada@example.com"),
            ("Ada <ada@example.com>", Some("Ada"), "ada@example.com"),
            ("\"Lovelace, Ada\" <ada@example.com>", Some("Lovelace, Ada"), "ada@example.com"),
            ("\"A \\\"B\\\" C\" <a@b>", Some("A \"B\" C"), "a@b"),
            ("ada@example.com (Ada L.)", Some("Ada L."), "ada@example.com"),
            ("=?utf-8?Q?Doe,_J=C3=B6hn?= <j@x.de>", Some("Doe, Jöhn"), "j@x.de"),
            ("\"=?utf-8?B?5L2g5aW9?=\" <a@b>", Some("你好"), "a@b"),
            ("=?utf-8?Q?=E4=BD?= =?utf-8?Q?=A0?= <a@b>", Some("你"), "a@b"),
            ("=?utf-8?Q?Ada_<ada=40example.com>?=", Some("Ada"), "ada@example.com"),
            ("'Ada' <a@b>", Some("Ada"), "a@b"),
            ("'a@b' <a@b>", Some("a@b"), "a@b"),
            ("Ada Lovelace ada@example.com", Some("Ada Lovelace"), "ada@example.com"),
            ("ada @ example.com", None, "ada@example.com"),
            ("<@relay1,@relay2:ada@example.com>", None, "ada@example.com"),
            ("<mailto:ada@example.com>", None, "ada@example.com"),
            ("mailto:ada@example.com", None, "ada@example.com"),
            ("\"a b\"@example.com", None, "\"a b\"@example.com"),
            ("<\"a>b\"@example.com>", None, "\"a>b\"@example.com"),
            ("\"a@x b\"@y", None, "\"a@x b\"@y"),
            ("\"Ada <ada@example.com>", Some("\"Ada"), "ada@example.com"),
            ("Ada (the (first) one) <a@b>", Some("Ada"), "a@b"),
            ("root", None, "root"),
            ("Mail Delivery System", Some("Mail Delivery System"), ""),
            ("Ada <>", Some("Ada"), ""),
            ("用户@例子.中国", None, "用户@例子.中国"),
        ] {
            assert_eq!(one(raw), (name.map(str::to_owned), address.to_owned()), "{raw}");
        }
        assert_eq!(one(b"\xc4\xe3\xba\xc3 <a@b.cn>").0.unwrap(), "你好");
    }

    #[test]
    fn comments_that_never_close() {
        for (raw, name, address) in [
            ("Foo (bar <a@b.example>", "Foo (bar", "a@b.example"),
            ("Foo =( (ok) <a@b.example>", "Foo =(", "a@b.example"),
            ("a@b.example (Foo", "Foo", "a@b.example"),
            ("<a@b.example> (Foo (bar)", "Foo (bar)", "a@b.example"),
        ] {
            assert_eq!(one(raw), (Some(name.to_owned()), address.to_owned()), "{raw}");
        }
        let all = list(b"a@b.example (Foo, c@b.example (Bar; Baz (x <d@b.example>, e@b.example", Hint::default());
        let all: Vec<_> = all.iter().map(|a| (a.name.as_deref().unwrap_or_default(), a.address.as_str())).collect();
        let expected = [("Foo", "a@b.example"), ("Bar", "c@b.example"), ("Baz (x", "d@b.example"), ("", "e@b.example")];
        assert_eq!(all, expected);
    }

    #[test]
    fn raw_iso_2022_jp_is_no_syntax() {
        for raw in [
            &b"\x1b$BF|K\\8l\x1b(B <a@b.example>"[..],
            b"\"\x1b$BF|K\\8l\x1b(B\" <a@b.example>",
            b"a@b.example (\x1b$BF|K\\8l\x1b(B)",
        ] {
            assert_eq!(one(raw), (Some("日本語".to_owned()), "a@b.example".to_owned()));
        }
        // Never shifted back, but there is an address.
        assert_eq!(one(b"\x1b$BF|K\\8l <a@b.example>").1, "a@b.example");
        // Pairs that hold a quote, a bracket, a comma.
        for raw in [&b"\x1b$B$\"$>$,\x1b(B <a@b.example>"[..], b"\"\x1b$B$\"$>$,\x1b(B\" <a@b.example>"] {
            assert_eq!(one(raw), (Some("あぞが".to_owned()), "a@b.example".to_owned()));
        }
    }

    #[test]
    fn lists_groups_and_odd_separators() {
        let all = list(b"a@x, B <b@x>; c@x,,", Hint::default());
        assert_eq!(all.iter().map(|a| a.address.as_str()).collect::<Vec<_>>(), ["a@x", "b@x", "c@x"]);
        let all = list(b"Team: a@x, B <b@x>;, c@x", Hint::default());
        let groups: Vec<_> = all.iter().map(|a| a.group.as_deref()).collect();
        assert_eq!(groups, [Some("Team"), Some("Team"), None]);
        let all = list(b"undisclosed-recipients:;", Hint::default());
        assert_eq!((all[0].address.as_str(), all[0].group.as_deref()), ("", Some("undisclosed-recipients")));
        assert!(list(b" , ;; <> ", Hint::default()).is_empty());
        let all = list(b"=?utf-8?q?a?= =?utf-8?q?=2C?= <a@x>", Hint::default());
        assert_eq!((all.len(), all[0].name.as_deref()), (1, Some("a,")));
        let all = list(b"B <b@x> =?utf-8?q?=2C?= c@x =?utf-8?b?LA==?= d@x", Hint::default());
        assert_eq!(all.iter().map(|a| a.address.as_str()).collect::<Vec<_>>(), ["b@x", "c@x", "d@x"]);
    }

    #[test]
    fn bombs_end_in_time() {
        for raw in [
            "(".repeat(300_000),
            format!("{})", "(".repeat(300_000)),
            format!("a@b {})", "(,".repeat(300_000)),
            "\"".repeat(300_001),
            "<".repeat(300_000),
            "a:".repeat(150_000),
            "<\">".repeat(100_000),
        ] {
            list(raw.as_bytes(), Hint::default());
        }
        assert_eq!(list("a,".repeat(300_000).as_bytes(), Hint::default()).len(), MAX_ADDRESSES);
    }
}
