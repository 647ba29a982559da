//! RTF bodies (MS-OXRTFEX): HTML that was wrapped into RTF is unwrapped, other RTF is read as text.
//!
//! One pass with a stack of group states on the heap; what is unknown is skipped as RTF demands.

use encoding_rs::Encoding;

/// Open groups; deeper ones are read as if they were this deep.
const MAX_GROUPS: usize = 2_000;

/// What could be read of an RTF body.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Body {
    pub(super) text: Option<String>,
    pub(super) html: Option<String>,
}

/// Reads `rtf`.
pub(super) fn read(rtf: &[u8]) -> Body {
    let start = rtf.get(..rtf.len().min(500)).unwrap_or_default();
    let from_html = memchr::memmem::find(start, b"\\fromhtml").is_some();
    let mut reader = Reader { from_html, ..Reader::default() };
    reader.run(rtf);
    reader.flush();
    let out = reader.out.trim().to_owned();
    match (from_html, out.is_empty()) {
        (_, true) => Body::default(),
        (true, false) => Body { html: Some(out), text: None },
        (false, false) => Body { text: Some(out), html: None },
    }
}

#[derive(Debug, Clone, Copy)]
struct Group {
    /// Inside `{\*\unknown …}`, a font table and the like.
    skipped: bool,
    /// Inside `{\*\htmltag …}`: HTML as it stood.
    html_tag: bool,
    /// `\htmlrtf`: RTF that only stands for HTML, not to be unwrapped.
    rtf_only: bool,
    /// Characters after `\u` that stand for readers without Unicode.
    fallback: usize,
}

struct Reader {
    from_html: bool,
    encoding: &'static Encoding,
    group: Group,
    stack: Vec<Group>,
    /// Octets of `\'hh`, waiting: a character may take two.
    octets: Vec<u8>,
    /// The first half of a pair.
    high_surrogate: Option<u16>,
    skip: usize,
    out: String,
}

impl Default for Reader {
    fn default() -> Self {
        Self {
            from_html: false,
            encoding: encoding_rs::WINDOWS_1252,
            group: Group { skipped: false, html_tag: false, rtf_only: false, fallback: 1 },
            stack: Vec::new(),
            octets: Vec::new(),
            high_surrogate: None,
            skip: 0,
            out: String::new(),
        }
    }
}

impl Reader {
    fn run(&mut self, rtf: &[u8]) {
        let mut rest = rtf;
        while let Some((&first, tail)) = rest.split_first() {
            rest = tail;
            match first {
                b'{' => {
                    self.flush();
                    if self.stack.len() < MAX_GROUPS {
                        self.stack.push(self.group);
                    }
                    self.skip = 0;
                }
                b'}' => {
                    self.flush();
                    self.group = self.stack.pop().unwrap_or(self.group);
                    self.skip = 0;
                }
                b'\\' => rest = self.control(tail),
                b'\r' | b'\n' | 0 => {}
                _ => self.octet(first),
            }
        }
    }

    /// What follows a backslash; returns what follows that.
    fn control<'a>(&mut self, rest: &'a [u8]) -> &'a [u8] {
        let Some((&first, tail)) = rest.split_first() else { return rest };
        if !first.is_ascii_alphabetic() {
            return self.symbol(first, tail);
        }
        let word_end = rest.iter().position(|b| !b.is_ascii_alphabetic()).unwrap_or(rest.len());
        let (word, tail) = rest.split_at(word_end);
        let number_end = tail
            .iter()
            .enumerate()
            .position(|(n, b)| !(b.is_ascii_digit() || (n == 0 && *b == b'-')))
            .unwrap_or(tail.len());
        let (number, tail) = tail.split_at(number_end.min(11));
        let number = std::str::from_utf8(number).ok().and_then(|n| n.parse::<i64>().ok());
        let tail = tail.strip_prefix(b" ").unwrap_or(tail);
        self.word(word, number);
        match word {
            // Binary data, none of it text.
            b"bin" => tail.get(usize::try_from(number.unwrap_or(0)).unwrap_or(0)..).unwrap_or_default(),
            _ => tail,
        }
    }

    fn symbol<'a>(&mut self, symbol: u8, tail: &'a [u8]) -> &'a [u8] {
        match symbol {
            b'\'' => {
                if let Some(octet) = super::super::transfer::hex_pair(tail) {
                    self.octet(octet);
                    return tail.get(2..).unwrap_or_default();
                }
            }
            b'\\' | b'{' | b'}' => self.octet(symbol),
            b'~' => self.character('\u{a0}'),
            b'_' => self.character('\u{2011}'),
            b'*' => return self.destination(tail),
            b'\r' | b'\n' => self.line_break(),
            _ => {}
        }
        tail
    }

    /// `\*\name`: skipped unless it is HTML.
    fn destination<'a>(&mut self, tail: &'a [u8]) -> &'a [u8] {
        let name = tail.strip_prefix(b"\\").unwrap_or(tail);
        if self.from_html && name.starts_with(b"htmltag") {
            self.group.html_tag = true;
            self.group.rtf_only = false;
        } else {
            self.group.skipped = true;
        }
        tail
    }

    fn word(&mut self, word: &[u8], number: Option<i64>) {
        match word {
            b"ansicpg" => {
                let page = number.and_then(|n| u32::try_from(n).ok());
                self.encoding = page.and_then(super::encoding_of).unwrap_or(self.encoding);
            }
            b"fonttbl" | b"colortbl" | b"stylesheet" | b"info" | b"pict" | b"object" | b"header" | b"footer"
            | b"listtable" | b"themedata" => {
                self.group.skipped = true;
            }
            b"htmlrtf" => self.group.rtf_only = number != Some(0),
            b"uc" => self.group.fallback = number.and_then(|n| usize::try_from(n).ok()).unwrap_or(1).min(10),
            b"u" => self.unicode(number.unwrap_or(0)),
            b"par" | b"line" | b"row" | b"sect" | b"page" => self.line_break(),
            b"tab" | b"cell" => self.character('\t'),
            b"lquote" => self.character('‘'),
            b"rquote" => self.character('’'),
            b"ldblquote" => self.character('“'),
            b"rdblquote" => self.character('”'),
            b"bullet" => self.character('•'),
            b"endash" => self.character('–'),
            b"emdash" => self.character('—'),
            _ => {}
        }
    }

    /// `\u-10179`: a UTF-16 unit as a signed number.
    fn unicode(&mut self, number: i64) {
        let unit = u16::try_from(number.rem_euclid(65_536)).unwrap_or(0);
        self.skip = 0;
        match (self.high_surrogate.take(), unit) {
            (_, 0xD800..=0xDBFF) => self.high_surrogate = Some(unit),
            (Some(high), 0xDC00..=0xDFFF) => {
                if let Some(c) = char::decode_utf16([high, unit]).next().and_then(Result::ok) {
                    self.character(c);
                }
            }
            _ => self.character(char::from_u32(u32::from(unit)).unwrap_or(char::REPLACEMENT_CHARACTER)),
        }
        self.skip = self.group.fallback;
    }

    fn is_shown(&self) -> bool {
        !(self.group.skipped || self.from_html && self.group.rtf_only && !self.group.html_tag)
    }

    fn line_break(&mut self) {
        self.character('\n');
    }

    fn character(&mut self, c: char) {
        self.flush();
        if self.is_shown() && c != '\0' {
            self.out.push(c);
        }
    }

    fn octet(&mut self, octet: u8) {
        if self.skip > 0 {
            self.skip -= 1;
        } else if self.is_shown() {
            self.octets.push(octet);
        }
    }

    fn flush(&mut self) {
        if !self.octets.is_empty() {
            self.out.push_str(&self.encoding.decode_without_bom_handling(&self.octets).0);
            self.octets.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rtf_as_text() {
        let rtf = br"{\rtf1\ansi\ansicpg936\deff0{\fonttbl{\f0 Arial;}}{\*\generator X;}\pard \'c4\'e3\'ba\'c3\par \u228?\b bold\b0\par\u-10179?\u-8704?\~x}";
        assert_eq!(read(rtf).text.as_deref(), Some("你好\näbold\n😀\u{a0}x"));
    }

    #[test]
    fn html_that_was_wrapped() {
        let rtf = br"{\rtf1\ansi\ansicpg1252\fromhtml1 \deff0{\fonttbl{\f0 Arial;}}{\*\htmltag19 <html>}{\*\htmltag64 <p>}\htmlrtf {\htmlrtf0 Caf\'e9 {\*\htmltag84 <b>}\htmlrtf {\b \htmlrtf0 bold\htmlrtf }\htmlrtf0 {\*\htmltag92 </b>}\htmlrtf \par }\htmlrtf0 {\*\htmltag72 </p>}{\*\htmltag27 </html>}}";
        assert_eq!(read(rtf).html.as_deref(), Some("<html><p>Café <b>bold</b></p></html>"));
    }

    #[test]
    fn bombs_end_in_time() {
        for rtf in [
            "{".repeat(300_000),
            "\\u".repeat(150_000),
            "}".repeat(300_000),
            "\\'".repeat(150_000),
            "\\bin99999999".repeat(20_000),
            "\\*\\x".repeat(100_000),
        ] {
            read(rtf.as_bytes());
        }
    }
}
