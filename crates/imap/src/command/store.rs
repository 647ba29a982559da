//! STORE (RFC 9051 §6.4.6), always by UID and silent.
//!
//! ```text
//! store-att-flags = (["+" / "-"] "FLAGS" [".SILENT"]) SP (flag-list / (flag *(SP flag)))
//! ```

use super::argument::{self, Mailbox};
use super::line::Line;
use super::resolve;
use crate::connection::{Access, Command, Freshness, Link};
use crate::error::Result;
use crate::uid_set::UidSet;

/// What happens to the flags given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    /// `+FLAGS`
    Add,
    /// `-FLAGS`
    Remove,
    /// `FLAGS`: those and no others.
    Replace,
}

/// Changes flags.
pub(crate) struct Store {
    mailbox: Mailbox,
    uids: UidSet,
    item: &'static str,
    flags: String,
    /// Adding or removing no flags changes nothing.
    nothing: bool,
    uid_validity: Option<u32>,
}

impl Store {
    pub(crate) fn new(
        mailbox: Mailbox,
        uids: UidSet,
        change: Change,
        flags: &[String],
        uid_validity: Option<u32>,
    ) -> Result<Self> {
        let item = match change {
            Change::Add => "+FLAGS.SILENT",
            Change::Remove => "-FLAGS.SILENT",
            Change::Replace => "FLAGS.SILENT",
        };
        let nothing = flags.is_empty() && change != Change::Replace;
        Ok(Self { mailbox, uids, item, flags: argument::flag_list(flags)?, nothing, uid_validity })
    }
}

impl Command for Store {
    type Output = ();
    const IDEMPOTENT: bool = true;

    fn mailbox(&self) -> Option<&Mailbox> {
        Some(&self.mailbox)
    }

    fn is_plain(&self) -> bool {
        self.mailbox.is_plain()
    }

    async fn run(&self, link: &mut Link) -> Result<()> {
        link.open(&self.mailbox, Access::Write, self.uid_validity, Freshness::AsIs).await?;
        if self.nothing {
            return Ok(());
        }
        for piece in resolve::exact(link, &self.mailbox, &self.uids).await? {
            store(link, &piece, self.item, &self.flags).await?;
        }
        Ok(())
    }
}

/// One STORE.
pub(super) async fn store(link: &mut Link, uids: &str, item: &str, flags: &str) -> Result<()> {
    link.run_quietly(&Line::new("UID STORE").arg(uids).arg(item).arg(flags).slow()).await?;
    Ok(())
}
