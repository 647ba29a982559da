//! What a server may send at most. Each limit is checked before the bytes reach a parser.

use serde::Deserialize;

/// Text of one response (all but its literals). Stops the line without end. 16 MiB hold the UIDs of 1.8 million
/// messages, which servers without ESEARCH answer in one line.
pub const MAX_LINE_BYTES: usize = 16 << 20;

/// Literals of one response together. Stops `{4294967295}`; bigger than what Gmail (50 MB) and Exchange (by default
/// 36 MB) take in. An honest larger message is read by `download`, whose bytes are never held.
pub const MAX_LITERAL_BYTES: usize = 50 << 20;

/// Parentheses within parentheses. Stops 1,000,000 of them. 64 levels of multipart need 70.
pub const MAX_NESTING: usize = 128;

/// What a caller may raise [`MAX_NESTING`] to: results are nested as deep, and are serialised and dropped recursively.
pub const NESTING_CEILING: usize = 256;

/// What a caller may raise the byte limits to.
pub const BYTES_CEILING: usize = 1 << 30;

/// Literals in one response. Stops millions of empty ones; a header of 5,000 recipients with 8-bit names has as many.
pub const MAX_LITERALS: usize = 20_000;

/// Text of a response that is no list of numbers, where the line limit is higher: its values take up to ten times the
/// memory of its text (`(a a a a …)`). An envelope of 10,000 recipients fits.
pub const MAX_ROW_BYTES: usize = 2 << 20;

/// The caller's limits, or the defaults.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", try_from = "Given")]
pub struct Limits {
    /// See [`MAX_LINE_BYTES`].
    pub max_line_bytes: usize,
    /// See [`MAX_LITERAL_BYTES`].
    pub max_literal_bytes: usize,
    /// See [`MAX_NESTING`].
    pub max_nesting: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_line_bytes: MAX_LINE_BYTES, max_literal_bytes: MAX_LITERAL_BYTES, max_nesting: MAX_NESTING }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Given {
    max_line_bytes: Option<usize>,
    max_literal_bytes: Option<usize>,
    max_nesting: Option<usize>,
}

impl TryFrom<Given> for Limits {
    type Error = String;

    fn try_from(given: Given) -> Result<Self, String> {
        Ok(Self {
            max_line_bytes: within("maxLineBytes", given.max_line_bytes, MAX_LINE_BYTES, 1000, BYTES_CEILING)?,
            max_literal_bytes: within("maxLiteralBytes", given.max_literal_bytes, MAX_LITERAL_BYTES, 0, BYTES_CEILING)?,
            max_nesting: within("maxNesting", given.max_nesting, MAX_NESTING, 8, NESTING_CEILING)?,
        })
    }
}

fn within(name: &str, given: Option<usize>, default: usize, least: usize, most: usize) -> Result<usize, String> {
    let value = given.unwrap_or(default);
    if (least..=most).contains(&value) { Ok(value) } else { Err(format!("`{name}` is not between {least} and {most}")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_and_bounds() {
        let some: Limits = serde_json::from_str(r#"{"maxLiteralBytes":1000}"#).unwrap();
        assert_eq!(some, Limits { max_literal_bytes: 1000, ..Limits::default() });
        for bad in [r#"{"maxNesting":1000000}"#, r#"{"maxLineBytes":0}"#, r#"{"maxLineBytes":-1}"#, r#"{"maxLines":1}"#]
        {
            assert!(serde_json::from_str::<Limits>(bad).is_err(), "{bad}");
        }
    }
}
