//! Makes a server's text fit to be shown: one line, nothing that moves the cursor or turns the reading order, not without
//! end; and, where it goes into an error, nothing that looks like a token. Secrets that are known go by
//! [`crate::Scrub`], before.

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
        out.push(shown(c));
    }
    flush(&mut word, &mut out);
    capped(&out, max)
}

/// The same for what is no refusal, and may be a long identifier that is needed whole: nothing goes by its shape.
pub fn line(input: &str, max: usize) -> String {
    let shown: String = input.chars().take(max.saturating_mul(4)).map(shown).collect();
    capped(&shown, max)
}

/// Escape sequences, line ends and bidirectional controls (the "Trojan source" attack) become spaces.
fn shown(c: char) -> char {
    let unseen = c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if unseen { ' ' } else { c }
}

fn capped(text: &str, max: usize) -> String {
    let trimmed = text.trim();
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
        for clean in [text, line] {
            assert_eq!(clean("a\r\nb\0c", 1000), "a  b c");
            assert_eq!(clean("äöüäöü", 3), "äöü…");
        }
    }

    #[test]
    fn text_that_reorders_what_a_reader_sees() {
        for clean in [text, line] {
            for c in
                ['\u{1b}', '\u{9b}', '\u{61c}', '\u{200f}', '\u{2028}', '\u{202a}', '\u{202e}', '\u{2066}', '\u{2069}']
            {
                assert_eq!(clean(&format!("x{c}y"), 1000), "x y", "{c:?}");
            }
            assert_eq!(clean("größe שלום 你好", 1000), "größe שלום 你好");
        }
    }

    #[test]
    fn ids_of_support_tickets_stay() {
        let said = "Trace ID: 5f1c2a4e-86e1-4d0c-8a4f-1b9d3f7c2a00 Timestamp: 2026-11-01 10:00:00Z";
        assert_eq!(text(said, 1000), said);
    }

    #[test]
    fn queue_ids_of_taken_messages_stay() {
        let said = "2.0.0 OK <DU2PR04MB8567A1B2C3D4E5F60718293A4B5C6D7E8F90@DU2PR04MB8567.eurprd04.prod.outlook.com>";
        assert_eq!(line(said, 1000), said);
    }
}
