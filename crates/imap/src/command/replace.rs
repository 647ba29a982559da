//! The first half of `replace`: the new version is stored. The old one goes only after that (see [`super::delete`]), so
//! a draft is never lost, whatever breaks in between.

use bytes::Bytes;

use super::append::{Append, AppendResult};
use super::argument::Mailbox;
use super::copy::require_uid_expunge;
use crate::connection::{Access, Command, Freshness, Link};
use crate::error::Result;
use crate::options::AppendOptions;

/// Stores the new version, if the old one could be removed afterwards.
pub(crate) struct Replace {
    mailbox: Mailbox,
    append: Append,
    uid_validity: Option<u32>,
}

impl Replace {
    pub(crate) fn new(
        mailbox: Mailbox,
        message: Bytes,
        flags: Option<Vec<String>>,
        uid_validity: Option<u32>,
    ) -> Result<Self> {
        let options = AppendOptions { flags, internal_date: None };
        Ok(Self { append: Append::new(mailbox.clone(), message, &options)?, mailbox, uid_validity })
    }
}

impl Command for Replace {
    /// Where the new version is, and the UIDVALIDITY that the old one's UID belongs to.
    type Output = (AppendResult, Option<u32>);
    const IDEMPOTENT: bool = false;

    fn mailbox(&self) -> Option<&Mailbox> {
        Some(&self.mailbox)
    }

    async fn run(&self, link: &mut Link) -> Result<Self::Output> {
        require_uid_expunge(link, "replace")?;
        link.open(&self.mailbox, Access::Write, self.uid_validity, Freshness::AsIs).await?;
        let uid_validity = link.uid_validity();
        let placed = self.append.run(link).await?;
        Ok((placed, uid_validity))
    }
}
