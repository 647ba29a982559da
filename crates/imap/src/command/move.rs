//! MOVE (RFC 6851, RFC 9051 §6.4.8); without it COPY, `\Deleted` and UID EXPUNGE of just what was copied. That is two
//! commands of the client: COPY must not be done twice, the removal behind it (see [`super::delete`]) may.
//!
//! Without UIDPLUS there would be only EXPUNGE, which removes what others have marked: that is refused.

use super::argument::Mailbox;
use super::copy::{self, Progress, require_uid_expunge};
use super::resolve;
use super::search;
use crate::connection::{Access, Command, Freshness, Link};
use crate::error::Result;
use crate::types::UidMapping;
use crate::uid_set::{UidRanges, UidSet};

/// Moves messages.
pub(crate) struct Move {
    pub(crate) mailbox: Mailbox,
    pub(crate) uids: UidSet,
    pub(crate) destination: Mailbox,
    pub(crate) uid_validity: Option<u32>,
    pub(crate) progress: Progress,
}

/// What was moved, or only copied so far.
pub(crate) struct Moved {
    pub(crate) mapping: UidMapping,
    pub(crate) originals: Option<Originals>,
}

/// Copied messages that are still where they were.
pub(crate) struct Originals {
    pub(crate) uids: UidSet,
    /// Of the mailbox that they were copied from.
    pub(crate) uid_validity: Option<u32>,
}

impl Command for Move {
    type Output = Moved;
    /// What was copied before the connection was lost would be copied again.
    const IDEMPOTENT: bool = false;

    fn mailbox(&self) -> Option<&Mailbox> {
        Some(&self.mailbox)
    }

    async fn run(&self, link: &mut Link) -> Result<Moved> {
        if link.has_or_rev2("MOVE") {
            link.open(&self.mailbox, Access::Write, self.uid_validity, Freshness::AsIs).await?;
            let pieces = resolve::exact(link, &self.mailbox, &self.uids).await?;
            let newest = self.uids.newest_count().map(|_| &self.progress);
            let mapping = copy::r#move(link, &pieces, &self.destination, newest).await?;
            return Ok(Moved { mapping, originals: None });
        }
        require_uid_expunge(link, "move, on a server without MOVE,")?;
        let exists = link.open_and_refresh(&self.mailbox, Access::Write, self.uid_validity).await?;
        if exists == 0 {
            return Ok(Moved { mapping: UidMapping { uid_validity: None, uids: Some(Vec::new()) }, originals: None });
        }
        // Message by message: what arrives between the copy and the removal must not be removed.
        let uids = match self.uids.newest_count() {
            Some(count) => resolve::newest(link, count, exists, false).await?.into_iter().map(|(uid, _)| uid).collect(),
            None => search::existing(link, &self.uids).await?,
        };
        let uids = UidRanges::from_uids(uids);
        let pieces = uids.lines(super::MAX_SET_BYTES);
        let mapping = copy::copy(link, &pieces, &self.destination, &self.progress).await?;
        let originals = Originals { uids: uids.into(), uid_validity: link.uid_validity() };
        Ok(Moved { mapping, originals: Some(originals) })
    }
}
