//! Servers that greet without their capabilities, known by what they say instead.
//!
//! Asking costs a round trip, and the answer never was another one. If it is (the login is BAD), the server is asked
//! after all and the login tried again as it says.

use super::capabilities::Capabilities;

/// Part of the greeting → what the server offers before login, as far as login needs it.
const GREETINGS: &[(&str, &[&str])] = &[
    ("The Microsoft Exchange IMAP4 service is ready", &["IMAP4rev1", "AUTH=PLAIN", "AUTH=XOAUTH2", "SASL-IR", "ID"]),
    ("Gimap ready for requests", &["IMAP4rev1", "AUTH=PLAIN", "AUTH=XOAUTH2", "SASL-IR", "ID"]),
];

/// Those of the server that greets with `text`; none when nobody knows it.
pub(super) fn capabilities(text: &str) -> Capabilities {
    let known = GREETINGS.iter().find(|(part, _)| text.contains(part));
    known.map(|(_, words)| Capabilities::new(words)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn greetings_of_the_field() {
        let exchange = "The Microsoft Exchange IMAP4 service is ready. [QQBTADQAUABSADAAMQA=]";
        assert!(capabilities(exchange).has_mechanism("XOAUTH2"));
        assert!(capabilities("Gimap ready for requests from 192.0.2.1 a1b2").has("SASL-IR"));
        assert!(capabilities("Dovecot ready.").is_empty());
    }
}
