//! What a line of data says about its response: how deep it is nested, and whether a literal follows.
//!
//! ```text
//! quoted  = DQUOTE *QUOTED-CHAR DQUOTE              ; parentheses and braces in it are text
//! literal = ["~"] "{" 1*DIGIT ["+"] "}" CRLF        ; only at the end of the line
//! ```

use memchr::memchr2;

use super::end::End;

/// Counts parentheses outside of quotes. Tells whether a quote is still open at the end.
pub(super) fn scan(text: &[u8], depth: &mut usize, limit: usize) -> Result<bool, End> {
    let mut rest = text;
    while let Some((byte, behind)) = rest.split_first() {
        rest = behind;
        match byte {
            b'"' => match behind_quote(rest) {
                Some(behind) => rest = behind,
                None => return Ok(true),
            },
            b'(' => {
                *depth = depth.saturating_add(1);
                if *depth > limit {
                    return Err(End::NestingTooDeep { limit });
                }
            }
            b')' => *depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    Ok(false)
}

/// What stands behind the quote that closes; `None` where none does.
fn behind_quote(quoted: &[u8]) -> Option<&[u8]> {
    let mut rest = quoted;
    loop {
        let (mark, behind) = rest.get(memchr2(b'"', b'\\', rest)?..)?.split_first()?;
        if *mark == b'"' {
            return Some(behind);
        }
        rest = behind.get(1..)?;
    }
}

/// A literal's announcement.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Announced {
    /// Where it starts in the text, at `{` or `~`.
    pub(super) at: usize,
    pub(super) length: u64,
}

impl Announced {
    /// What stands between the braces before the line end decides: digits are a length, a sign or nothing is an error,
    /// anything else is text. Lengths beyond 64 bits count as the largest.
    pub(super) fn at_end(text: &[u8]) -> Result<Option<Self>, End> {
        let line = text.strip_suffix(b"\n").unwrap_or(text);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let Some(inside) = line.strip_suffix(b"}") else { return Ok(None) };
        let Some(open) = inside.iter().rposition(|b| *b == b'{') else { return Ok(None) };
        let length = inside.get(open.saturating_add(1)..).unwrap_or_default();
        if !length.iter().all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-')) {
            return Ok(None);
        }
        let digits = length.strip_suffix(b"+").or_else(|| length.strip_suffix(b"-")).unwrap_or(length);
        if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
            return Err(End::MalformedLiteral);
        }
        let add = |n: u64, b: &u8| n.saturating_mul(10).saturating_add(u64::from(b.wrapping_sub(b'0')));
        let is_binary = open.checked_sub(1).and_then(|before| inside.get(before)) == Some(&b'~');
        Ok(Some(Self { at: open.saturating_sub(usize::from(is_binary)), length: digits.iter().fold(0, add) }))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn announcements() {
        let at = |at, length| Ok(Some(Announced { at, length }));
        for (text, announced) in [
            ("a {5}\r\n", at(2, 5)),
            ("a ~{5+}\n", at(2, 5)),
            ("{0}", at(0, 0)),
            ("a {18446744073709551616}", at(2, u64::MAX)),
            ("a {5} ", Ok(None)),
            ("a 5}", Ok(None)),
            ("{a}", Ok(None)),
            ("{5 }", Ok(None)),
            ("", Ok(None)),
            ("{}", Err(End::MalformedLiteral)),
            ("{-5}", Err(End::MalformedLiteral)),
            ("{5-+}", Err(End::MalformedLiteral)),
        ] {
            assert_eq!(Announced::at_end(text.as_bytes()), announced, "{text:?}");
        }
    }

    #[test]
    fn parentheses_in_quotes_are_text() {
        let scanned = |text: &str| {
            let mut depth = 0;
            let quoted = scan(text.as_bytes(), &mut depth, 3);
            (quoted, depth)
        };
        assert_eq!(scanned("((\"(\\\"(\") x"), (Ok(false), 1));
        assert_eq!(scanned(")))("), (Ok(false), 1));
        assert_eq!(scanned("(\"a"), (Ok(true), 1));
        assert_eq!(scanned("(((("), (Err(End::NestingTooDeep { limit: 3 }), 4));
    }

    proptest! {
        /// The rule, an octet at a time.
        #[test]
        fn leaps_over_quoted_strings_miss_nothing(text in r#"[a"\\()]{0,40}"#) {
            let (mut quoted, mut escaped, mut expected) = (false, false, 0_usize);
            for byte in text.bytes() {
                match byte {
                    _ if escaped => escaped = false,
                    b'\\' if quoted => escaped = true,
                    b'"' => quoted = !quoted,
                    b'(' if !quoted => expected += 1,
                    b')' if !quoted => expected = expected.saturating_sub(1),
                    _ => {}
                }
            }
            let mut depth = 0;
            prop_assert_eq!(scan(text.as_bytes(), &mut depth, usize::MAX), Ok(quoted));
            prop_assert_eq!(depth, expected);
        }
    }
}
