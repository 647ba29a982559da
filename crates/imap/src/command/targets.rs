//! The messages of a writing command that is tried again after a lost connection.
//!
//! ```text
//! first try:  { newest: 2 } ─► UIDs 9 and 10 of UIDVALIDITY 7 ─► UID EXPUNGE 9:10 ─► lost
//! second try:                  UIDs 9 and 10 of UIDVALIDITY 7, or nothing
//! ```
//!
//! To ask again which ones are meant would name others: those that are the newest now.

use std::sync::OnceLock;

use super::argument::Mailbox;
use super::{resolve, search};
use crate::connection::{Access, Freshness, Link};
use crate::error::Result;
use crate::uid_set::{UidRanges, UidSet};

/// What a command is about, over all its tries.
#[derive(Debug)]
pub(super) struct Targets {
    set: UidSet,
    uid_validity: Option<u32>,
    /// `1:*` is what is there now, and nothing that comes later.
    only_those_there: bool,
    first: OnceLock<Settled>,
}

/// What the first try found, before it changed anything.
#[derive(Debug)]
struct Settled {
    pieces: Vec<String>,
    uid_validity: Option<u32>,
}

impl Targets {
    pub(super) fn new(set: UidSet, uid_validity: Option<u32>) -> Self {
        Self { set, uid_validity, only_those_there: false, first: OnceLock::new() }
    }

    /// The same of a command that must not touch what comes while it runs.
    pub(super) fn only_those_there(set: UidSet, uid_validity: Option<u32>) -> Self {
        Self { only_those_there: true, ..Self::new(set, uid_validity) }
    }

    /// Opens the mailbox for writing, if it is still the one that it was.
    pub(super) async fn open(&self, link: &mut Link, mailbox: &Mailbox) -> Result<()> {
        let settled = self.first.get().and_then(|first| first.uid_validity);
        link.open(mailbox, Access::Write, settled.or(self.uid_validity), Freshness::AsIs).await
    }

    /// The set in pieces of a line each. The mailbox has to be open.
    pub(super) async fn pieces(&self, link: &mut Link, mailbox: &Mailbox) -> Result<&[String]> {
        if let Some(first) = self.first.get() {
            return Ok(&first.pieces);
        }
        let pieces = if self.only_those_there && self.set == UidSet::all() {
            let exists = link.open_and_refresh(mailbox, Access::Write, None).await?;
            let there = if exists == 0 { Vec::new() } else { search::existing(link, &self.set).await? };
            UidRanges::from_uids(there).lines(super::MAX_SET_BYTES)
        } else {
            resolve::exact(link, mailbox, &self.set).await?
        };
        let settled = Settled { pieces, uid_validity: link.uid_validity() };
        Ok(&self.first.get_or_init(|| settled).pieces)
    }

    /// Whether another session would understand the same: not `1:*`, which takes in what has come since, and nothing at
    /// all where there is no UIDVALIDITY (RFC 9051 §2.3.1.1).
    pub(super) fn are_repeatable(&self) -> bool {
        self.first
            .get()
            .is_none_or(|first| first.uid_validity.is_some() && (self.only_those_there || self.set != UidSet::all()))
    }
}
