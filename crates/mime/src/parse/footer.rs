//! Plain text that a mailing list put behind a body in base64, whose letters are no digits of it.
//!
//! ```text
//! 5L2g5aW9
//!
//! _______________________________________________
//! A footer of the list
//! ```

use super::transfer::{self, is_base64};

/// A line of digits this long is of the encoding.
const CERTAIN_DIGITS: usize = 40;

/// `body` up to the text behind it, and that text; `None` where there is none, or where it could be base64 with a few
/// octets broken: it comes after four digits that are whole, holds words and no line of digits, and its first line is
/// no base64, nor does it go on with any.
pub(super) fn split(body: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = start(body)?;
    let (encoded, footer) = body.split_at_checked(at)?;
    let holds_words = footer.split(|b| *b == b'\n').any(|line| has_words(line) || !line.is_ascii());
    (holds_words && footer.iter().any(|b| !is_base64(*b))).then_some((encoded, footer))
}

/// Where the first line starts that is text.
fn start(body: &[u8]) -> Option<usize> {
    let mut found = None;
    // Digits and padding before the line.
    let mut digits = 0usize;
    let mut before: &[u8] = b"";
    let mut at = 0;
    for line in body.split_inclusive(|b| *b == b'\n') {
        let text = line.trim_ascii();
        let is_separate = before.is_empty() || before.ends_with(b"=") || is_rule(text);
        if is_certain(text) {
            found = None;
        } else if found.is_none() && digits > 0 && digits.is_multiple_of(4) && is_separate && is_text(text) {
            found = Some(at);
        }
        digits += text.iter().filter(|b| is_base64(**b) && !b.is_ascii_whitespace()).count();
        before = text;
        at += line.len();
    }
    found
}

fn is_certain(line: &[u8]) -> bool {
    line.len() >= CERTAIN_DIGITS && line.iter().all(|b| transfer::sextet(*b).is_some() || *b == b'=') && !is_rule(line)
}

/// A line across, which holds no digit: `____`, `----`, `====`.
fn is_rule(line: &[u8]) -> bool {
    line.len() >= 3 && line.iter().all(|b| matches!(b, b'_' | b'-' | b'=' | b'*' | b'~' | b'#' | b'.'))
}

fn is_text(line: &[u8]) -> bool {
    is_rule(line) || has_words(line) || line.iter().any(|b| !is_base64(*b))
}

fn has_words(line: &[u8]) -> bool {
    line.trim_ascii().iter().any(u8::is_ascii_whitespace)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_behind_base64_is_told_apart() {
        for (encoded, footer) in [
            ("5L2g5aW9\n\n", "_______________\nfooter of list\n"),
            ("5L2g5aW9\r\n", "_______________\r\nfooter of list\r\n"),
            ("5L2g5aW9\n", "====================\nfooter of the list.\n"),
            ("5L2g\n5aW9YQ==\n", "footer of list, https://lists.contoso.example/"),
            ("5L2g5aW9\n\n", "footer of list\n\n-- \nList\n"),
            ("5L2g5aW9\n\n", "\u{4f60}\u{597d}\n"),
        ] {
            let body = format!("{encoded}{footer}");
            assert_eq!(split(body.as_bytes()), Some((encoded.as_bytes(), footer.as_bytes())), "{body}");
        }
    }

    #[test]
    fn broken_base64_is_none() {
        let long = "QUJD".repeat(19);
        for body in [
            String::new(),
            "\n\n".to_owned(),
            "\n\nfooter of list, alone\n".to_owned(),
            "aGVs*bG8".to_owned(),
            "aGVs\n\n*bG8=\n".to_owned(),
            "aGVs\n\nbG8h bG8h\n".to_owned(),
            "aGVsb\n\n___\nG8= x\n".to_owned(),
            format!("{long}\n\n! ! !\n{long}\n"),
            format!("{long}\n__ __\n{long}\n"),
            format!("{long}\n{}\n", "=".repeat(76)),
        ] {
            assert_eq!(split(body.as_bytes()), None, "{body}");
        }
    }

    #[test]
    fn the_text_reads_on_and_its_file_does_not() {
        let footer = "\n\n_______________\nfooter of list\n";
        for (kind, text) in [
            ("text/plain; charset=utf-8", "你好\n_______________\nfooter of list\n"),
            ("text/html; charset=utf-8", "你好"),
        ] {
            let source = format!("Content-Type: {kind}\nContent-Transfer-Encoding: base64\n\n5L2g5aW9{footer}");
            let parsed = crate::parse(source.as_bytes(), &crate::ParseOptions::default());
            assert_eq!(parsed.text.as_deref(), Some(text), "{kind}");
            assert_eq!(parsed.defects, ["a body's transfer encoding is broken"], "{kind}");
        }
    }
}
