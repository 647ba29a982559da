//! Removing messages for ever: `\Deleted`, then UID EXPUNGE of just these (RFC 4315 §2.1, RFC 9051 §6.4.9).

use super::argument::Mailbox;
use super::copy::require_uid_expunge;
use super::line::Line;
use super::store::store;
use super::targets::Targets;
use crate::connection::{Command, Link};
use crate::error::Result;
use crate::uid_set::UidSet;

/// Removes messages.
pub(crate) struct Delete {
    mailbox: Mailbox,
    targets: Targets,
}

impl Delete {
    pub(crate) fn new(mailbox: Mailbox, uids: UidSet, uid_validity: Option<u32>) -> Self {
        Self { mailbox, targets: Targets::only_those_there(uids, uid_validity) }
    }
}

impl Command for Delete {
    type Output = ();
    /// As far as the second try is about the same messages.
    const IDEMPOTENT: bool = true;

    fn is_repeatable(&self) -> bool {
        self.targets.are_repeatable()
    }

    fn mailbox(&self) -> Option<&Mailbox> {
        Some(&self.mailbox)
    }

    fn is_plain(&self) -> bool {
        self.mailbox.is_plain()
    }

    async fn run(&self, link: &mut Link) -> Result<()> {
        require_uid_expunge(link, "delete")?;
        self.targets.open(link, &self.mailbox).await?;
        let pieces = self.targets.pieces(link, &self.mailbox).await?;
        expunge(link, pieces).await
    }
}

/// Marks and removes. The server has to have UIDPLUS.
pub(super) async fn expunge(link: &mut Link, pieces: &[String]) -> Result<()> {
    for piece in pieces {
        store(link, piece, "+FLAGS.SILENT", "(\\Deleted)").await?;
        link.run_quietly(&Line::new("UID EXPUNGE").arg(piece).slow()).await?;
    }
    Ok(())
}
