//! The caller's words, checked once and then carried by their types: nothing here can end a line or open a literal.

use crate::error::{Error, Result};

/// A mailbox name is at most this many octets on the wire: servers cut lines at 8 to 10 kB.
const MAX_MAILBOX_OCTETS: usize = 4096;
/// A flag, keyword or header name longer than this is no name.
const MAX_ATOM_OCTETS: usize = 256;
/// Search terms and ID values longer than this are refused: the line has to stay under what servers take.
const MAX_TEXT_OCTETS: usize = 4096;

/// A mailbox name (RFC 9051 §5.1): Unicode for people, modified UTF-7 (RFC 3501 §5.1.3) for servers.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Mailbox {
    path: String,
}

impl Mailbox {
    /// Takes a path as `list` gives it. `INBOX` is the same in any case.
    pub(crate) fn new(path: &str) -> Result<Self> {
        if path.is_empty() {
            return Err(Error::InvalidMailboxName("is empty"));
        }
        if path.bytes().any(|b| matches!(b, b'\r' | b'\n' | 0)) {
            return Err(Error::InvalidMailboxName("holds CR, LF or NUL"));
        }
        if path.len() > MAX_MAILBOX_OCTETS {
            return Err(Error::InvalidMailboxName("is longer than any server takes"));
        }
        let path = if path.eq_ignore_ascii_case("INBOX") { "INBOX".to_owned() } else { path.to_owned() };
        Ok(Self { path })
    }

    /// Whether modified UTF-7 and UTF-8 spell it alike.
    pub(crate) fn is_plain(&self) -> bool {
        is_plain(&self.path)
    }

    /// Whether it is `other`, or may be below it: which sign divides levels is not known here.
    pub(crate) fn is_within(&self, other: &Self) -> bool {
        self.path.starts_with(&other.path)
    }

    pub(crate) fn is_inbox(&self) -> bool {
        self.path == "INBOX"
    }

    /// As the caller knows it.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }
}

/// Whether modified UTF-7 (RFC 3501 §5.1.3) and UTF-8 spell a name alike.
pub(crate) fn is_plain(name: &str) -> bool {
    name.bytes().all(|b| b.is_ascii_graphic() && b != b'&' || b == b' ')
}

/// A flag (RFC 9051 §2.3.2): `\Seen` or a keyword.
pub(crate) fn flag(flag: &str) -> Result<&str> {
    let name = flag.strip_prefix('\\').unwrap_or(flag);
    if flag.eq_ignore_ascii_case("\\Recent") {
        return Err(Error::argument("flags", "\\Recent is the server's own and cannot be set"));
    }
    atom("flags", name)?;
    Ok(flag)
}

/// Flags in parentheses.
pub(crate) fn flag_list(flags: &[String]) -> Result<String> {
    let flags = flags.iter().map(|f| flag(f)).collect::<Result<Vec<_>>>()?;
    Ok(format!("({})", flags.join(" ")))
}

/// `atom = 1*ATOM-CHAR`
pub(crate) fn atom<'a>(argument: &'static str, value: &'a str) -> Result<&'a str> {
    let legal = |b: u8| b.is_ascii_graphic() && !matches!(b, b'(' | b')' | b'{' | b'%' | b'*' | b'"' | b'\\' | b']');
    match value {
        "" => Err(Error::argument(argument, "is empty")),
        _ if value.len() > MAX_ATOM_OCTETS => Err(Error::argument(argument, "is too long")),
        _ if value.bytes().all(legal) => Ok(value),
        _ => Err(Error::argument(argument, "may hold only printable ASCII without ( ) { % * \" \\ ] and spaces")),
    }
}

/// A header field's name (RFC 5322 §2.2), also safe as an atom of `HEADER.FIELDS`.
pub(crate) fn header_name<'a>(argument: &'static str, value: &'a str) -> Result<&'a str> {
    if value.contains(':') {
        return Err(Error::argument(argument, "a header name holds no colon"));
    }
    atom(argument, value)
}

/// Free text that goes out as a string. CR and LF would fit into a literal, but no message has them in a field: they
/// are a mistake or an attack.
pub(crate) fn text<'a>(argument: &'static str, value: &'a str) -> Result<&'a str> {
    if value.bytes().any(|b| matches!(b, b'\r' | b'\n' | 0)) {
        return Err(Error::argument(argument, "holds CR, LF or NUL"));
    }
    if value.len() > MAX_TEXT_OCTETS {
        return Err(Error::argument(argument, "is too long"));
    }
    Ok(value)
}

/// A part as `bodyStructure` names it: `1`, `2.1.3`; `TEXT` or `2.TEXT` for the multipart of a message.
pub(crate) fn part(value: &str) -> Result<&str> {
    let number =
        |n: &str| !n.starts_with('0') && n.len() <= 9 && !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit());
    let numbers = value.strip_suffix(".TEXT").unwrap_or(value);
    if value.len() <= MAX_ATOM_OCTETS && (value == "TEXT" || numbers.split('.').all(number)) {
        Ok(value)
    } else {
        Err(Error::argument("part", "is not a part such as 1.2, as `bodyStructure` names it"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Everything that could end a line, open a literal, close a list or start a second argument.
    const EVIL: &[&str] = &["a\rb", "a\nb", "a\r\nA2 NOOP", "a\0b", "\r\n", ""];

    #[test]
    fn injection_by_every_kind_of_argument() {
        for evil in EVIL {
            assert!(Mailbox::new(evil).is_err(), "mailbox {evil:?}");
            assert!(flag(evil).is_err(), "flag {evil:?}");
            assert!(flag(&format!("\\{evil}")).is_err(), "system flag {evil:?}");
            assert!(atom("keyword", evil).is_err(), "atom {evil:?}");
            assert!(header_name("headers", evil).is_err(), "header {evil:?}");
            assert!(part(evil).is_err(), "part {evil:?}");
            assert!(evil.is_empty() || text("subject", evil).is_err(), "text {evil:?}");
        }
        for evil in ["a b", "{9+}", "a)", "(a", "a]", "a\"", "a\\b", "ä", "\u{1}", "a%", "a*"] {
            assert!(flag(evil).is_err(), "flag {evil:?}");
            assert!(header_name("headers", evil).is_err(), "header {evil:?}");
        }
    }

    #[test]
    fn honest_values_pass() {
        for good in ["\\Seen", "\\Flagged", "$Forwarded", "$label1", "NonJunk", "a+b"] {
            assert_eq!(flag(good).unwrap(), good);
        }
        for good in ["1", "2.1.3", "12.4", "TEXT", "2.TEXT"] {
            assert_eq!(part(good).unwrap(), good);
        }
        for bad in ["0", "1.", ".1", "1..2", "1.0", ".TEXT", "TEXT.1", "text", "1.MIME", "-1", "1]<0.5>", "9999999999"]
        {
            assert!(part(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn inbox_is_one_mailbox_in_any_case() {
        assert_eq!(Mailbox::new("inbox").unwrap(), Mailbox::new("INBOX").unwrap());
        assert_ne!(Mailbox::new("Inbox2").unwrap(), Mailbox::new("INBOX2").unwrap());
    }
}
