//! Removing messages for ever: `\Deleted`, then UID EXPUNGE of just these (RFC 4315 §2.1, RFC 9051 §6.4.9).

use super::argument::Mailbox;
use super::copy::require_uid_expunge;
use super::line::Line;
use super::resolve;
use super::store::store;
use crate::connection::{Access, Command, Freshness, Link};
use crate::error::Result;
use crate::uid_set::UidSet;

/// Removes messages.
pub(crate) struct Delete {
    pub(crate) mailbox: Mailbox,
    pub(crate) uids: UidSet,
    pub(crate) uid_validity: Option<u32>,
}

impl Command for Delete {
    type Output = ();
    const IDEMPOTENT: bool = true;

    fn mailbox(&self) -> Option<&Mailbox> {
        Some(&self.mailbox)
    }

    fn is_plain(&self) -> bool {
        self.mailbox.is_plain()
    }

    async fn run(&self, link: &mut Link) -> Result<()> {
        require_uid_expunge(link, "delete")?;
        link.open(&self.mailbox, Access::Write, self.uid_validity, Freshness::AsIs).await?;
        let pieces = resolve::exact(link, &self.mailbox, &self.uids).await?;
        expunge(link, &pieces).await
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
