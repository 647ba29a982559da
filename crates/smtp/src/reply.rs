//! Replies of RFC 5321 §4.2, read one line at a time.
//!
//! ```text
//! Reply-line = *( Reply-code "-" [ textstring ] CRLF ) Reply-code [ SP textstring ] CRLF
//! Reply-code = %x32-35 %x30-35 %x30-39
//! ```
//!
//! Read more kindly than written: a second digit above 5 and text in another charset than UTF-8 are seen in the wild.

use email_base::{Scrub, ServerReply, redact};

/// Longest line of a reply. RFC 5321 §4.5.3.1.5 says 512; stops a line without end.
pub(crate) const MAX_REPLY_LINE: usize = 8 * 1024;
/// Lines in one reply; stops a server that never comes to its last line.
const MAX_REPLY_LINES: usize = 512;

/// One whole reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reply {
    /// The three digits.
    pub(crate) code: u16,
    /// Text of each line, without code and CRLF.
    pub(crate) lines: Vec<String>,
}

/// What is wrong with a line that is no reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Malformed {
    /// It does not begin with a code.
    #[error("a line is no SMTP reply")]
    NoCode,
    /// The lines of one reply carry different codes.
    #[error("the lines of one reply carry different codes")]
    MixedCodes,
    /// [`MAX_REPLY_LINE`].
    #[error("a reply line is longer than 8 KiB")]
    LongLine,
    /// [`MAX_REPLY_LINES`].
    #[error("a reply has more than 512 lines")]
    ManyLines,
}

/// Puts lines together until a reply is whole.
#[derive(Debug, Default)]
pub(crate) struct Assembler {
    code: Option<u16>,
    lines: Vec<String>,
}

impl Assembler {
    /// Takes one line without its CRLF; gives the reply if that was its last.
    pub(crate) fn push(&mut self, line: &str) -> Result<Option<Reply>, Malformed> {
        let (code, last, text) = split(line).ok_or(Malformed::NoCode)?;
        if self.code.is_some_and(|begun| begun != code) {
            return Err(Malformed::MixedCodes);
        }
        if self.lines.len() >= MAX_REPLY_LINES {
            return Err(Malformed::ManyLines);
        }
        self.code = Some(code);
        self.lines.push(text.to_owned());
        if !last {
            return Ok(None);
        }
        self.code = None;
        Ok(Some(Reply { code, lines: std::mem::take(&mut self.lines) }))
    }
}

/// Code, whether it is the reply's last line, text.
pub(crate) fn split(line: &str) -> Option<(u16, bool, &str)> {
    let code: u16 = line.get(..3).filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()))?.parse().ok()?;
    if !(200..600).contains(&code) {
        return None;
    }
    let rest = line.get(3..)?;
    match rest.as_bytes().first() {
        None => Some((code, true, "")),
        Some(b' ') => Some((code, true, rest.get(1..)?)),
        Some(b'-') => Some((code, false, rest.get(1..)?)),
        Some(_) => None,
    }
}

impl Reply {
    /// 2yz and 3yz.
    pub(crate) fn is_positive(&self) -> bool {
        self.code < 400
    }

    /// 421: the server closes the connection after it (RFC 5321 §3.8).
    pub(crate) fn is_closing(&self) -> bool {
        self.code == 421
    }

    /// RFC 3463 status at the head of the text, if its class agrees with the code (RFC 2034 §4).
    pub(crate) fn enhanced(&self) -> Option<&str> {
        let word = enhanced_status(self.lines.first()?)?;
        (u16::from(word.as_bytes().first()?.wrapping_sub(b'0')) == self.code / 100).then_some(word)
    }

    /// All lines as one, an enhanced status repeated on each line only once.
    pub(crate) fn text(&self) -> String {
        let repeated = self.enhanced();
        let mut text = String::new();
        for (index, line) in self.lines.iter().enumerate() {
            let line = match repeated {
                Some(status) if index > 0 => line.strip_prefix(status).unwrap_or(line),
                _ => line,
            };
            if index > 0 && !text.ends_with(' ') {
                text.push(' ');
            }
            text.push_str(line.trim());
        }
        text.trim_end().to_owned()
    }

    /// For the public error.
    pub(crate) fn to_server(&self, scrub: &Scrub) -> ServerReply {
        ServerReply::new(self.code.to_string(), &scrub.clean(&self.text()), self.enhanced().map(str::to_owned))
    }

    /// `250 2.0.0 Ok: queued as 7F`. Of a message that was taken: its long identifiers are what finds it again, so only
    /// the secrets that are known are left out.
    pub(crate) fn summary(&self, scrub: &Scrub) -> String {
        let text = redact::line(&scrub.clean(&self.text()), ServerReply::MAX_TEXT);
        format!("{} {text}", self.code).trim_end().to_owned()
    }
}

/// `5.7.139` at the head of a text: class "." subject "." detail, each of one to three digits.
fn enhanced_status(text: &str) -> Option<&str> {
    let word = text.split_whitespace().next()?;
    let mut parts = word.split('.');
    let class = parts.next()?;
    let numbers = [parts.next()?, parts.next()?];
    let fits = matches!(class, "2" | "4" | "5")
        && parts.next().is_none()
        && numbers.iter().all(|n| (1..=3).contains(&n.len()) && n.bytes().all(|b| b.is_ascii_digit()));
    fits.then_some(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(crate) fn reply(wire: &str) -> Reply {
        let mut assembler = Assembler::default();
        wire.lines().find_map(|line| assembler.push(line).unwrap()).unwrap()
    }

    #[test]
    fn several_lines_become_one_reply() {
        let gmail = reply("550-5.7.25 The IP address has no\n550-5.7.25 PTR record, or it does not\n550 5.7.25 match.");
        assert_eq!(gmail.enhanced(), Some("5.7.25"));
        assert_eq!(gmail.text(), "5.7.25 The IP address has no PTR record, or it does not match.");
        assert_eq!(gmail.to_server(&Scrub::default()).status, "550");
    }

    #[test]
    fn bare_codes_and_unusual_digits_are_read() {
        assert_eq!(reply("250").summary(&Scrub::default()), "250");
        assert_eq!(reply("571 5.7.1 no").code, 571);
        assert_eq!(reply("250 ok").enhanced(), None);
        assert_eq!(reply("550 4.7.1 classes disagree").enhanced(), None);
        assert_eq!(reply("250 2.0.0.1 no status").enhanced(), None);
    }

    #[test]
    fn queue_ids_that_look_like_tokens_stay() {
        for wire in [
            "250 Ok 0102018c9e2a7f3b-1b2c3d4e-5f60-7182-93a4-b5c6d7e8f901-000000",
            "250 2.0.0 OK <DU2PR04MB8567A1B2C3D4E5F60718293A4B5C6D7E8F90@DU2PR04MB8567.eurprd04.prod.outlook.com>",
        ] {
            assert_eq!(reply(wire).summary(&Scrub::default()), wire);
        }
        let long = reply(&format!("250 {}", "a".repeat(5000))).summary(&Scrub::default());
        assert_eq!(long.chars().count(), "250 …".chars().count() + ServerReply::MAX_TEXT);
        let echo = reply("250 thanks,\u{1b}hunter2").summary(&Scrub::of_login("ada", &"hunter2".into()));
        assert_eq!(echo, "250 thanks, [redacted]");
    }

    #[test]
    fn what_is_no_reply_is_refused() {
        for line in ["", "25", "+OK", "25x hi", "150 what", "600 what", "250_ok", "２５０ ok"] {
            assert_eq!(Assembler::default().push(line), Err(Malformed::NoCode), "{line:?}");
        }
        let mut assembler = Assembler::default();
        assert_eq!(assembler.push("250-a"), Ok(None));
        assert_eq!(assembler.push("550 b"), Err(Malformed::MixedCodes));
    }

    #[test]
    fn a_reply_without_end_is_cut() {
        let mut assembler = Assembler::default();
        let end = (0..=MAX_REPLY_LINES).find_map(|_| assembler.push("250-x").err());
        assert_eq!(end, Some(Malformed::ManyLines));
    }
}
