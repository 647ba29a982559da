//! RENAME (RFC 9051 §6.3.6). The subscription goes along: the server leaves it behind.

use super::argument::Mailbox;
use super::create::subscribe;
use super::line::Line;
use crate::connection::{Command, Link};
use crate::error::Result;

/// Gives a mailbox another name, and with it those below it.
pub(crate) struct Rename {
    pub(crate) from: Mailbox,
    pub(crate) to: Mailbox,
}

impl Command for Rename {
    type Output = ();
    /// The second time there is nothing under the old name.
    const IDEMPOTENT: bool = false;

    async fn run(&self, link: &mut Link) -> Result<()> {
        let line = Line::new("RENAME").mailbox_arg(&link.wire_name(&self.from));
        let line = line.mailbox_arg(&link.wire_name(&self.to)).slow();
        link.run_without(&self.from, &line).await?;
        subscribe(link, "UNSUBSCRIBE", &self.from).await?;
        subscribe(link, "SUBSCRIBE", &self.to).await
    }
}
