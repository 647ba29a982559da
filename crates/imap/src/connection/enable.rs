//! ENABLE (RFC 5161) of what changes how names and texts are written: UTF8=ACCEPT (RFC 6855), and IMAP4rev2 where the
//! server speaks both (RFC 9051 §6.3.1).
//!
//! ```text
//! C: A1 ENABLE UTF8=ACCEPT      goes with ID, and is not waited for by whatever is plain ASCII
//! S: * ENABLED UTF8=ACCEPT      from here on names are UTF-8, and SEARCH takes no CHARSET
//! ```
//!
//! CONDSTORE and QRESYNC are enabled where they are used, by a sync.

use super::link::Link;
use crate::command::line::Line;
use crate::error::Result;
use crate::grammar::NameEncoding;

impl Link {
    /// Asks for UTF-8. Only before any mailbox is open.
    pub(super) async fn enable_utf8(&mut self) -> Result<()> {
        let mut words = Vec::new();
        if self.has("UTF8=ACCEPT") || self.has("UTF8=ONLY") {
            words.push("UTF8=ACCEPT");
        }
        if self.has("IMAP4REV1") && self.has("IMAP4REV2") {
            words.push("IMAP4rev2");
        }
        // A server of IMAP4rev2 has ENABLE built in.
        if words.is_empty() || !self.has_or_rev2("ENABLE") {
            return Ok(());
        }
        let line = Line::new("ENABLE").arg(words.join(" "));
        let tag = self.send(&line).await?;
        self.enabling = Some(Box::new((tag, line)));
        Ok(())
    }

    /// Waits until it is known how names are written.
    pub(crate) async fn settle_names(&mut self) -> Result<()> {
        // Its answer may have been read with those of a call that was given up.
        if let Some((tag, line)) = self.enabling.take().map(|sent| *sent).filter(|(tag, _)| self.has_answer(tag)) {
            // A server that refuses has its names as before.
            self.completion(&tag, &line, &mut |_| {}).await?;
            // Unless it wants a pause: then nothing else is sent.
            self.check_pause()?;
        }
        Ok(())
    }

    pub(super) fn enabled(&mut self, words: &[String]) {
        let has = |name: &str| words.iter().any(|word| word.eq_ignore_ascii_case(name));
        self.accepts_utf8 |= has("UTF8=ACCEPT");
        if has("UTF8=ACCEPT") || has("IMAP4REV2") {
            self.encoding = NameEncoding::Utf8;
        }
    }
}
