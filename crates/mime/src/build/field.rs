//! Header fields (RFC 5322 §2.2): folded, encoded where needed (RFC 2047, RFC 2231), never longer than a line may be.
//!
//! lettre's encoder is not used: it sends text that looks like an encoded word as it is, so that it arrives as something
//! else, and cuts no word that is longer than a line.

use super::recipient::Recipient;

/// RFC 5322 §2.1.1 asks for 78; encoded words count to 76 (RFC 2047 §2).
const LINE: usize = 76;

/// A word longer than this cannot stand on a line of 998 and is encoded, so that it can be cut.
const MAX_WORD: usize = 900;

/// Longest encoded word.
const MAX_ENCODED_WORD: usize = 75;

const B_PREFIX: &str = "=?UTF-8?B?";
const Q_PREFIX: &str = "=?UTF-8?Q?";
const SUFFIX: &str = "?=";

/// One field on its way to a line or several.
pub(crate) struct FieldWriter<'a> {
    out: &'a mut String,
    column: usize,
    /// Nothing stands behind the colon yet: a line of a name alone confuses old readers.
    fresh: bool,
}

impl<'a> FieldWriter<'a> {
    /// Starts `name: `.
    pub(crate) fn new(out: &'a mut String, name: &str) -> Self {
        out.push_str(name);
        out.push(':');
        Self { out, column: name.len() + 1, fresh: true }
    }

    /// Ends the field.
    pub(crate) fn end(self) {
        self.out.push_str("\r\n");
    }

    /// A word after one blank, on the next line if this one is full.
    pub(crate) fn word(&mut self, word: &str) {
        self.spaced(" ", word);
    }

    /// A word right after the last one.
    fn glue(&mut self, text: &str) {
        self.out.push_str(text);
        self.column += text.len();
    }

    fn spaced(&mut self, blanks: &str, word: &str) {
        if self.column + blanks.len() + word.len() > LINE && !self.fresh {
            self.out.push_str("\r\n");
            self.column = 0;
        }
        self.fresh = false;
        self.glue(blanks);
        self.glue(word);
    }

    /// Unstructured text (RFC 5322 §2.2.1).
    pub(crate) fn text(&mut self, text: &str) {
        let mut run = String::new();
        for (blanks, word) in words(text.trim_matches(' ')) {
            if needs_encoding(word) || blanks.len() > MAX_WORD {
                if run.is_empty() {
                    // Blanks before the first encoded word are kept as they are; between encoded ones they are inside.
                    self.encoded_run_start(blanks, word, &mut run);
                } else {
                    run.push_str(blanks);
                    run.push_str(word);
                }
                continue;
            }
            self.flush_run(&mut run);
            self.spaced(if blanks.is_empty() { " " } else { blanks }, word);
        }
        self.flush_run(&mut run);
    }

    fn encoded_run_start(&mut self, blanks: &str, word: &str, run: &mut String) {
        // More than one blank would be lost between two encoded words, so all but one go inside.
        run.push_str(blanks.get(1..).unwrap_or_default());
        run.push_str(word);
    }

    fn flush_run(&mut self, run: &mut String) {
        if !run.is_empty() {
            self.encoded(run);
            run.clear();
        }
    }

    /// Encoded words, each a whole number of characters, each at most 75 octets.
    fn encoded(&mut self, text: &str) {
        let base64 = prefers_base64(text);
        let mut rest = text;
        while !rest.is_empty() {
            let room = LINE.saturating_sub(self.column + 1);
            let fits = chunk(rest, room.min(MAX_ENCODED_WORD), base64);
            let alone = chunk(rest, MAX_ENCODED_WORD, base64);
            // What fits a line of its own is not cut: some readers put a blank where words meet.
            let goes_down = fits == 0 || (alone == rest.len() && !self.fresh);
            let length = if goes_down { alone } else { fits };
            let (part, tail) = rest.split_at(length);
            self.word(&encoded_word(part, base64));
            rest = tail;
        }
    }

    /// Mailboxes (RFC 5322 §3.4), folded between them.
    pub(crate) fn addresses(&mut self, all: &[Recipient]) {
        for (n, recipient) in all.iter().enumerate() {
            let comma = if n + 1 < all.len() { "," } else { "" };
            match &recipient.name {
                Some(name) => {
                    self.phrase(name);
                    self.word(&format!("<{}>{comma}", recipient.address));
                }
                None => self.word(&format!("{}{comma}", recipient.address)),
            }
        }
    }

    fn phrase(&mut self, name: &str) {
        let plain = |w: &str| {
            !w.is_empty() && w.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-/^_`{|}~".contains(&b))
        };
        if name.len() < LINE && name.split(' ').all(plain) {
            name.split(' ').for_each(|w| self.word(w));
        } else if name.len() < LINE - 4 && name.bytes().all(|b| (b' '..=b'~').contains(&b)) && !name.contains("=?") {
            self.word(&quoted_string(name));
        } else {
            self.encoded(name);
        }
    }

    /// `; name=value`, cut and encoded as RFC 2231 says where it is long or not ASCII.
    pub(crate) fn parameter(&mut self, name: &str, value: &str) {
        if reads_plainly(value) && value.len() + name.len() < LINE - 10 {
            self.glue(";");
            self.word(&format!("{name}={}", parameter_value(value)));
            return;
        }
        let mut rest = value;
        let single = extended_length(value) + name.len() + "*=UTF-8'';".len() < LINE;
        let mut index = 0usize;
        while !rest.is_empty() {
            let mut start = if single { format!("{name}*=") } else { format!("{name}*{index}*=") };
            if index == 0 {
                start.push_str("UTF-8''");
            }
            let room = LINE - start.len() - 2;
            let length = if single { rest.len() } else { extended_prefix(rest, room) };
            let (part, tail) = rest.split_at(length);
            percent_encode(part, &mut start);
            self.glue(";");
            self.word(&start);
            rest = tail;
            index += 1;
        }
    }

    /// `; name="=?UTF-8?B?…?="`: against the letter of RFC 2047 §5, and what Outlook reads.
    pub(crate) fn parameter_fallback(&mut self, name: &str, value: &str) {
        if reads_plainly(value) && value.len() + name.len() < LINE - 10 {
            return self.parameter(name, value);
        }
        self.glue(";");
        let mut rest = value;
        let mut start = format!("{name}=\"");
        while !rest.is_empty() {
            let room = (LINE - start.len() - 3).min(MAX_ENCODED_WORD);
            let length = chunk(rest, room, true).max(1);
            let (part, tail) = rest.split_at(next_boundary(rest, length));
            start.push_str(&encoded_word(part, true));
            if tail.is_empty() {
                start.push('"');
            }
            self.word(&start);
            start.clear();
            rest = tail;
        }
    }
}

/// Blanks and the word behind them, over and over.
fn words(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let start = rest.len() - rest.trim_start_matches(' ').len();
        let (blanks, tail) = rest.split_at(start);
        let (word, tail) = tail.split_at(tail.find(' ').unwrap_or(tail.len()));
        rest = tail;
        Some((blanks, word))
    })
}

fn needs_encoding(word: &str) -> bool {
    word.len() > MAX_WORD || word.contains("=?") || !word.bytes().all(|b| (b'!'..=b'~').contains(&b))
}

/// `Q` is readable where most is ASCII, base64 shorter where most is not.
fn prefers_base64(text: &str) -> bool {
    let escaped = text.bytes().filter(|b| !is_q_safe(*b)).count();
    escaped * 5 > text.len() * 2
}

/// Octets that stand for themselves in a `Q` word inside a phrase (RFC 2047 §5 rule 3), which is safe everywhere.
fn is_q_safe(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || matches!(octet, b'!' | b'*' | b'+' | b'-' | b'/' | b' ')
}

/// How many octets of `text` fit an encoded word of `room` octets.
fn chunk(text: &str, room: usize, base64: bool) -> usize {
    let budget = room.saturating_sub(B_PREFIX.len() + SUFFIX.len());
    let mut used = 0;
    let mut length = 0;
    for c in text.chars() {
        let mut buffer = [0; 4];
        let octets = c.encode_utf8(&mut buffer).bytes();
        let cost: usize = if base64 { c.len_utf8() } else { octets.map(|b| if is_q_safe(b) { 1 } else { 3 }).sum() };
        let total = if base64 { (used + cost).div_ceil(3) * 4 } else { used + cost };
        if total > budget {
            break;
        }
        used += cost;
        length += c.len_utf8();
    }
    length
}

fn encoded_word(text: &str, base64: bool) -> String {
    use base64::Engine as _;
    if base64 {
        return format!("{B_PREFIX}{}{SUFFIX}", base64::engine::general_purpose::STANDARD.encode(text));
    }
    let mut out = String::from(Q_PREFIX);
    for octet in text.bytes() {
        match octet {
            b' ' => out.push('_'),
            _ if is_q_safe(octet) => out.push(char::from(octet)),
            _ => push_hex(&mut out, '=', octet),
        }
    }
    out.push_str(SUFFIX);
    out
}

fn quoted_string(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
    out
}

/// Whether nobody takes the value for something else: many a reader decodes what looks like an encoded word even here.
fn reads_plainly(value: &str) -> bool {
    value.bytes().all(|b| (b' '..=b'~').contains(&b)) && !value.contains("=?")
}

fn parameter_value(value: &str) -> String {
    let token =
        !value.is_empty() && value.bytes().all(|b| b.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?='*%".contains(&b));
    if token { value.to_owned() } else { quoted_string(value) }
}

/// `attribute-char` of RFC 2231 §7.
fn is_attribute_char(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || b"!#$&+-.^_`{|}~".contains(&octet)
}

fn extended_length(text: &str) -> usize {
    text.bytes().map(|b| if is_attribute_char(b) { 1 } else { 3 }).sum()
}

/// How much of `text` fits `room` octets, at least one character.
fn extended_prefix(text: &str, room: usize) -> usize {
    let mut used = 0;
    let mut length = 0;
    for c in text.chars() {
        let mut buffer = [0; 4];
        used += extended_length(c.encode_utf8(&mut buffer));
        if used > room && length > 0 {
            break;
        }
        length += c.len_utf8();
    }
    length
}

fn percent_encode(text: &str, out: &mut String) {
    for octet in text.bytes() {
        if is_attribute_char(octet) {
            out.push(char::from(octet));
        } else {
            push_hex(out, '%', octet);
        }
    }
}

fn push_hex(out: &mut String, mark: char, octet: u8) {
    out.push(mark);
    for digit in [octet >> 4, octet & 15] {
        out.extend(char::from_digit(digit.into(), 16).map(|d| d.to_ascii_uppercase()));
    }
}

/// The first character boundary at or after `at`.
fn next_boundary(text: &str, at: usize) -> usize {
    (at..=text.len()).find(|n| text.is_char_boundary(*n)).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::charset::Hint;
    use crate::parse::decode_header_text;
    use crate::parse::parameter::Structured;

    fn subject(text: &str) -> String {
        let mut out = String::new();
        let mut field = FieldWriter::new(&mut out, "Subject");
        field.text(text);
        field.end();
        out
    }

    fn check_lines(field: &str) {
        for line in field.trim_end().split("\r\n") {
            assert!(line.len() <= 998, "{line}");
            assert!(line.len() <= 78 || line.split(' ').any(|w| w.len() > 70), "{line}");
            assert!(line.is_ascii(), "{line}");
        }
    }

    #[test]
    fn text_there_and_back() {
        for text in [
            "Hello",
            "Grüße aus München",
            "a ä b",
            "a  two  blanks ä  ö  end",
            "你好，世界。这是一个非常长的主题，需要编码成多个编码字，每个都不能在字符中间切断，否则会变成乱码。",
            "=?utf-8?Q?not_a_word?=",
            "plain =? text",
            "emoji 👩‍👩‍👧‍👦 family",
            "tab\there",
            &"x".repeat(2000),
            &"word ".repeat(100),
            &"ä".repeat(500),
            &format!("{} ä {}", "long".repeat(30), "words".repeat(40)),
            "\u{202E}bidi",
            "",
        ] {
            let field = subject(text);
            check_lines(&field);
            let back = decode_header_text(field.strip_prefix("Subject:").unwrap().as_bytes());
            assert_eq!(back, text.replace('\t', " ").trim(), "{field}");
        }
    }

    #[test]
    fn the_encoding_is_the_readable_one() {
        assert_eq!(subject("schöne-Grüße"), "Subject: =?UTF-8?Q?sch=C3=B6ne-Gr=C3=BC=C3=9Fe?=\r\n");
        assert!(subject("你好").contains("?B?"));
        assert_eq!(subject("Hello"), "Subject: Hello\r\n");
    }

    #[test]
    fn parameters_there_and_back() {
        for name in [
            "a.pdf",
            "a b.pdf",
            "会议纪要.pdf",
            &"长".repeat(100),
            &"long-name-".repeat(30),
            "a\"b\\c.txt",
            "it's 100%.txt",
            "=?x?.txt",
        ] {
            for fallback in [false, true] {
                let mut out = String::new();
                let mut field = FieldWriter::new(&mut out, "Content-Disposition");
                field.word("attachment");
                if fallback {
                    field.parameter_fallback("filename", name)
                } else {
                    field.parameter("filename", name)
                }
                field.end();
                check_lines(&out);
                let value = out.strip_prefix("Content-Disposition:").unwrap();
                let read = Structured::parse(value.as_bytes(), Hint::default());
                assert_eq!(read.get("filename"), Some(name), "{out}");
            }
        }
    }
}
