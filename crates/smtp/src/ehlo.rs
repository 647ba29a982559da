//! The EHLO reply (RFC 5321 §4.1.1.1): what the server can do.
//!
//! ```text
//! ehlo-line    = ehlo-keyword *( SP ehlo-param )
//! ehlo-keyword = (ALPHA / DIGIT) *(ALPHA / DIGIT / "-")
//! ```
//!
//! `AUTH=LOGIN PLAIN`, from before RFC 2554, is read like `AUTH LOGIN PLAIN`.

use crate::reply::Reply;

/// Extensions offered on this connection.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Extensions {
    /// Every line after the first, as the server wrote it.
    pub(crate) lines: Vec<String>,
    /// RFC 1870: offered at all.
    pub(crate) size: bool,
    /// RFC 1870: the fixed maximum, `None` when none is declared.
    pub(crate) max_size: Option<u64>,
    /// RFC 2920.
    pub(crate) pipelining: bool,
    /// RFC 3461.
    pub(crate) dsn: bool,
    /// RFC 6152.
    pub(crate) eight_bit_mime: bool,
    /// RFC 6531.
    pub(crate) smtp_utf8: bool,
    /// RFC 3030.
    pub(crate) chunking: bool,
    /// RFC 3030.
    pub(crate) binary_mime: bool,
    /// RFC 2034.
    pub(crate) enhanced_status_codes: bool,
    /// RFC 3207.
    pub(crate) starttls: bool,
    /// RFC 4954, in capitals and in the server's order.
    pub(crate) auth: Vec<String>,
}

impl Extensions {
    /// Reads a positive EHLO reply; its first line is the server's name.
    pub(crate) fn parse(reply: &Reply) -> Self {
        let mut found = Self::default();
        for line in reply.lines.iter().skip(1) {
            let line = line.trim();
            if !line.is_empty() {
                found.read(line);
                found.lines.push(line.to_owned());
            }
        }
        found
    }

    /// Whether an AUTH mechanism is offered; `name` in capitals.
    pub(crate) fn offers_auth(&self, name: &str) -> bool {
        self.auth.iter().any(|offered| offered == name)
    }

    fn read(&mut self, line: &str) {
        let line = line.to_ascii_uppercase();
        let mut words = line.split([' ', '\t']).filter(|word| !word.is_empty());
        let Some(keyword) = words.next() else { return };
        match keyword {
            "SIZE" => {
                self.size = true;
                // Zero means "no fixed maximum"; what is no number is no promise.
                self.max_size = words.next().and_then(|n| n.parse().ok()).filter(|max| *max > 0);
            }
            "PIPELINING" => self.pipelining = true,
            "DSN" => self.dsn = true,
            "8BITMIME" => self.eight_bit_mime = true,
            "SMTPUTF8" => self.smtp_utf8 = true,
            "CHUNKING" => self.chunking = true,
            "BINARYMIME" => self.binary_mime = true,
            "ENHANCEDSTATUSCODES" => self.enhanced_status_codes = true,
            "STARTTLS" => self.starttls = true,
            "AUTH" => self.add_mechanisms(words),
            _ => {
                if let Some(first) = keyword.strip_prefix("AUTH=") {
                    self.add_mechanisms(std::iter::once(first).chain(words));
                }
            }
        }
    }

    fn add_mechanisms<'a>(&mut self, names: impl Iterator<Item = &'a str>) {
        for name in names.filter(|name| !name.is_empty()) {
            if !self.offers_auth(name) {
                self.auth.push(name.to_owned());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(lines: &[&str]) -> Extensions {
        Extensions::parse(&Reply { code: 250, lines: lines.iter().map(|&line| line.to_owned()).collect() })
    }

    #[test]
    fn exchange_online_is_read_in_full() {
        let found = parse(&[
            "AM0PR01CA0001.outlook.office365.com Hello [192.0.2.1]",
            "SIZE 157286400",
            "PIPELINING",
            "DSN",
            "ENHANCEDSTATUSCODES",
            "AUTH LOGIN XOAUTH2",
            "8BITMIME",
            "BINARYMIME",
            "CHUNKING",
            "SMTPUTF8",
        ]);
        assert_eq!(found.max_size, Some(157_286_400));
        assert!(found.size && found.pipelining && found.dsn && found.enhanced_status_codes && found.eight_bit_mime);
        assert!(found.binary_mime && found.chunking && found.smtp_utf8 && !found.starttls);
        assert_eq!(found.auth, ["LOGIN", "XOAUTH2"]);
        assert_eq!(found.lines.len(), 9);
    }

    #[test]
    fn old_and_odd_spellings() {
        let found = parse(&["163.com", "auth login Plain", "AUTH=LOGIN PLAIN XOAUTH2", "size", "", "starttls "]);
        assert_eq!(found.auth, ["LOGIN", "PLAIN", "XOAUTH2"]);
        assert!(found.size && found.starttls);
        assert_eq!(found.max_size, None);
        assert_eq!(parse(&["x", "SIZE 0"]).max_size, None);
        assert_eq!(parse(&["x", "SIZE 99999999999999999999"]).max_size, None);
    }

    #[test]
    fn the_servers_name_is_no_extension() {
        assert!(!parse(&["STARTTLS"]).starttls);
    }
}
