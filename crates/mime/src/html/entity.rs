//! Character references (HTML Living Standard §13.5).

use std::borrow::Cow;

use mail_parser::decoders::html::add_html_token;

/// Longest reference, `&CounterClockwiseContourIntegral;`.
const MAX: usize = 34;

/// `text` with its references replaced; what is none stays.
pub(crate) fn decode(text: &str) -> Cow<'_, str> {
    if memchr::memchr(b'&', text.as_bytes()).is_none() {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = memchr::memchr(b'&', rest.as_bytes()) {
        let (before, tail) = rest.split_at(at);
        out.push_str(before);
        rest = tail.get(reference(tail, &mut out)..).unwrap_or_default();
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// Appends what the reference at the start of `tail` stands for; how many octets it took.
fn reference(tail: &str, out: &mut String) -> usize {
    if let Some(body) = tail.strip_prefix("&#") {
        if let Some((c, length)) = numeric(body) {
            out.push(c);
            return 2 + length;
        }
    } else {
        let body = tail.as_bytes().get(1..MAX.min(tail.len())).unwrap_or_default();
        let length = body.iter().position(|b| !b.is_ascii_alphanumeric()).unwrap_or(body.len());
        if body.get(length) == Some(&b';') && length > 1 {
            let token = tail.get(..length + 2).unwrap_or_default();
            add_html_token(out, token.as_bytes(), false);
            return token.len();
        }
        // The few that browsers also read without their semicolon and that mails hold.
        for (name, c) in [("&nbsp", '\u{a0}'), ("&amp", '&'), ("&lt", '<'), ("&gt", '>'), ("&quot", '"')] {
            if tail.starts_with(name) {
                out.push(c);
                return name.len();
            }
        }
    }
    out.push('&');
    1
}

/// `123;` or `x7B;`, the semicolon optional.
fn numeric(body: &str) -> Option<(char, usize)> {
    let (radix, skip) = if body.starts_with(['x', 'X']) { (16, 1) } else { (10, 0) };
    let digits = body.get(skip..)?;
    let length = digits.bytes().take_while(|b| char::from(*b).is_digit(radix)).count();
    if length == 0 {
        return None;
    }
    let number = u32::from_str_radix(digits.get(..length)?, radix).unwrap_or(u32::MAX);
    let semicolon = usize::from(digits.as_bytes().get(length) == Some(&b';'));
    Some((character(number), skip + length + semicolon))
}

fn character(number: u32) -> char {
    match number {
        0 => char::REPLACEMENT_CHARACTER,
        // Numbers of windows-1252, which is what their authors meant.
        0x80..=0x9F => {
            let octet = [u8::try_from(number).unwrap_or(0)];
            encoding_rs::WINDOWS_1252
                .decode_without_bom_handling(&octet)
                .0
                .chars()
                .next()
                .unwrap_or(char::REPLACEMENT_CHARACTER)
        }
        _ => char::from_u32(number).unwrap_or(char::REPLACEMENT_CHARACTER),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_as_mails_hold_them() {
        for (text, expected) in [
            ("a &amp; b &lt;c&gt;", "a & b <c>"),
            ("&#228;&#xE4;&#Xe4", "äää"),
            ("&#146;&#8217;", "’’"),
            ("&#0;&#xD800;&#99999999999;", "\u{fffd}\u{fffd}\u{fffd}"),
            ("&eacute;&CounterClockwiseContourIntegral;", "é∳"),
            ("AT&T &unknown; &", "AT&T &unknown; &"),
            ("a&nbspb", "a\u{a0}b"),
        ] {
            assert_eq!(decode(text), expected, "{text}");
        }
    }
}
