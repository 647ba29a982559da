//! CREATE (RFC 9051 §6.3.4; with USE: RFC 6154 §3), and SUBSCRIBE: a mailbox nobody is shown is of little use.
//!
//! ```text
//! create = "CREATE" SP mailbox [SP "(USE (" use-attr "))"]
//! ```

use super::argument::Mailbox;
use super::line::Line;
use crate::connection::{Command, Link};
use crate::error::{Error, Result};
use crate::types::SpecialUse;

/// Makes a mailbox.
pub(crate) struct Create {
    pub(crate) mailbox: Mailbox,
    pub(crate) special_use: Option<SpecialUse>,
}

impl Command for Create {
    type Output = ();
    /// The second time it exists already.
    const IDEMPOTENT: bool = false;

    async fn run(&self, link: &mut Link) -> Result<()> {
        let mut line = Line::new("CREATE").mailbox_arg(&link.wire_name(&self.mailbox));
        if let Some(of) = self.special_use {
            if !link.has("CREATE-SPECIAL-USE") {
                return Err(Error::CapabilityMissing {
                    extension: "CREATE-SPECIAL-USE",
                    call: "create with specialUse",
                });
            }
            let attribute =
                of.attribute().ok_or_else(|| Error::argument("specialUse", "'inbox' always exists already"))?;
            line = line.arg(format!("(USE ({attribute}))"));
        }
        link.run_quietly(&line).await?;
        subscribe(link, "SUBSCRIBE", &self.mailbox).await
    }
}

/// SUBSCRIBE or UNSUBSCRIBE. A server that has no subscriptions has done all it can; and whatever it says, the mailbox is
/// what it was to become. That it wants a pause the next call will hear.
pub(super) async fn subscribe(link: &mut Link, verb: &'static str, mailbox: &Mailbox) -> Result<()> {
    let line = Line::new(verb).mailbox_arg(&link.wire_name(mailbox));
    let tag = link.send(&line).await?;
    link.completion(&tag, &line, &mut |_| {}).await.map(|_| ())
}
