//! Removes from a server's text what must never reach a log: bearer tokens, SASL lines, JWTs.

/// A run of this many base64url characters without a break is taken for a token: no word of any language is so long.
const TOKEN_LENGTH: usize = 40;

/// `input` on one line, tokens replaced by `[redacted]`, at most `max` characters.
pub fn text(input: &str, max: usize) -> String {
    let mut out = String::with_capacity(input.len().min(max));
    let mut word = String::new();
    for c in input.chars().take(max.saturating_mul(4)) {
        if is_token_character(c) {
            word.push(c);
            continue;
        }
        flush(&mut word, &mut out);
        out.push(if c.is_control() { ' ' } else { c });
    }
    flush(&mut word, &mut out);
    let trimmed = out.trim();
    match trimmed.char_indices().nth(max) {
        Some((end, _)) => trimmed.get(..end).unwrap_or_default().to_owned() + "…",
        None => trimmed.to_owned(),
    }
}

fn flush(word: &mut String, out: &mut String) {
    if looks_like_token(word) {
        out.push_str("[redacted]");
    } else {
        out.push_str(word);
    }
    word.clear();
}

/// Long and without the rhythm of a host name, path or id list: a JWT, an opaque token or a SASL response.
fn looks_like_token(word: &str) -> bool {
    word.split(['.', '/']).any(|run| run.len() >= TOKEN_LENGTH)
}

fn is_token_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '-' | '_' | '=' | '.' | '~' | '!' | '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_go_and_words_stay() {
        let jwt = format!("eyJ{}.eyJ{}.{}", "a".repeat(60), "b".repeat(60), "c".repeat(43));
        let said = text(&format!("535 bad token {jwt} for ada@example.com at mail.example.com"), 1000);
        assert_eq!(said, "535 bad token [redacted] for ada@example.com at mail.example.com");
    }

    #[test]
    fn one_line_and_capped() {
        assert_eq!(text("a\r\nb\0c", 1000), "a  b c");
        assert_eq!(text("äöüäöü", 3), "äöü…");
    }

    #[test]
    fn ids_of_support_tickets_stay() {
        let said = "Trace ID: 5f1c2a4e-86e1-4d0c-8a4f-1b9d3f7c2a00 Timestamp: 2026-11-01 10:00:00Z";
        assert_eq!(text(said, 1000), said);
    }
}
