//! STORE (RFC 9051 §6.4.6), always by UID and silent.
//!
//! ```text
//! store-att-flags = (["+" / "-"] "FLAGS" [".SILENT"]) SP (flag-list / (flag *(SP flag)))
//! ```

use super::argument::{self, Mailbox};
use super::line::Line;
use super::targets::Targets;
use crate::connection::{Command, Link};
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
    targets: Targets,
    item: &'static str,
    flags: String,
    /// Adding or removing no flags changes nothing.
    nothing: bool,
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
        let targets = Targets::new(uids, uid_validity);
        Ok(Self { mailbox, targets, item, flags: argument::flag_list(flags)?, nothing })
    }
}

impl Command for Store {
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
        self.targets.open(link, &self.mailbox).await?;
        if self.nothing {
            return Ok(());
        }
        for piece in self.targets.pieces(link, &self.mailbox).await? {
            store(link, piece, self.item, &self.flags).await?;
        }
        Ok(())
    }
}

/// One STORE.
pub(super) async fn store(link: &mut Link, uids: &str, item: &str, flags: &str) -> Result<()> {
    link.run_quietly(&Line::new("UID STORE").arg(uids).arg(item).arg(flags)).await?;
    Ok(())
}
