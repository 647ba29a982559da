//! DELETE (RFC 9051 §6.3.5), of a mailbox that is not open here.

use super::argument::Mailbox;
use super::create::subscribe;
use super::line::Line;
use crate::connection::{Command, Link};
use crate::error::Result;

/// Removes a mailbox with everything in it.
pub(crate) struct DeleteMailbox {
    pub(crate) mailbox: Mailbox,
}

impl Command for DeleteMailbox {
    type Output = ();
    /// The second time there is none.
    const IDEMPOTENT: bool = false;

    async fn run(&self, link: &mut Link) -> Result<()> {
        let line = Line::new("DELETE").mailbox_arg(&link.wire_name(&self.mailbox)).slow();
        link.run_without(&self.mailbox, &line).await?;
        subscribe(link, "UNSUBSCRIBE", &self.mailbox).await
    }
}
