//! The envelope (RFC 5321 §2.3.1): who sends, who receives; apart from what the header says.

use serde::{Deserialize, Serialize};

use crate::address::{self, Mailbox};
use crate::error::{Error, Result};

/// More recipients than any submission server takes in one transaction; stops a list that would keep a session busy for
/// hours.
const MAX_RECIPIENTS: usize = 10_000;

/// `SmtpEnvelope` of the contract.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// Where delivery failures go; empty for the null reverse-path of notifications (RFC 5321 §4.5.5).
    pub from: String,
    /// One address each.
    pub to: Vec<String>,
}

/// An envelope that can go to the wire.
#[derive(Debug, Clone)]
pub(crate) struct Route {
    /// `None` is the null reverse-path.
    pub(crate) from: Option<Mailbox>,
    /// As many as `Envelope::to` has, in its order.
    pub(crate) to: Vec<Mailbox>,
}

impl Envelope {
    /// Checks every address.
    pub(crate) fn route(&self) -> Result<Route> {
        if self.to.is_empty() {
            return Err(Error::NoRecipients);
        }
        if self.to.len() > MAX_RECIPIENTS {
            return Err(Error::Argument { what: "envelope.to", why: "has more than 10,000 recipients" });
        }
        let from = if self.from.is_empty() { None } else { Some(mailbox(&self.from)?) };
        let to = self.to.iter().map(|address| mailbox(address)).collect::<Result<_>>()?;
        Ok(Route { from, to })
    }
}

impl Route {
    /// Whether an address can only be written with SMTPUTF8.
    pub(crate) fn needs_smtp_utf8(&self) -> bool {
        self.from.iter().chain(&self.to).any(|mailbox| mailbox.needs_smtp_utf8)
    }
}

fn mailbox(text: &str) -> Result<Mailbox> {
    address::parse(text).map_err(|why| Error::InvalidAddress { address: text.to_owned(), why })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_address_is_checked() {
        let envelope = |from: &str, to: &[&str]| Envelope {
            from: from.to_owned(),
            to: to.iter().map(|&text| text.to_owned()).collect(),
        };
        assert!(envelope("a@b", &["c@d", "e@f"]).route().is_ok());
        assert!(envelope("", &["c@d"]).route().unwrap().from.is_none());
        assert!(matches!(envelope("a@b", &[]).route(), Err(Error::NoRecipients)));
        assert!(matches!(envelope("a@b", &["c@d", "x"]).route(), Err(Error::InvalidAddress { .. })));
        assert!(matches!(envelope("a", &["c@d"]).route(), Err(Error::InvalidAddress { .. })));
        assert!(matches!(envelope("a@b", &vec!["c@d"; 10_001]).route(), Err(Error::Argument { .. })));
        assert!(envelope("a@b", &["ü@d"]).route().unwrap().needs_smtp_utf8());
    }
}
