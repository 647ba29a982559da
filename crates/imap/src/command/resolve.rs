//! From a set as the caller means it to UIDs that exist.
//!
//! `{ newest: n }` is a matter of sequence numbers, and `n:*` brings a message that nobody asked for when n is beyond
//! the newest one: flags, copies and deletions must not touch that.

use std::collections::BTreeMap;

use super::MAX_SET_BYTES;
use super::argument::Mailbox;
use super::fetch::{SURPLUS, SURPLUS_ROWS};
use super::line::Line;
use super::search::{self, Wanted, newest_range};
use crate::connection::{Access, Command, Freshness, Link};
use crate::error::{Error, Result};
use crate::grammar::Untagged;
use crate::uid_set::{UidRanges, UidSet};

/// Which messages a fetch is about, before their content is asked for.
pub(crate) struct Resolve {
    pub(crate) mailbox: Mailbox,
    pub(crate) uids: UidSet,
    pub(crate) uid_validity: Option<u32>,
    /// For splitting by bytes.
    pub(crate) sizes: Sizes,
}

/// Whether the sizes are asked for, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sizes {
    All,
    /// Unless there may be more than [`SIZED_ROWS`] messages: those of a hundred thousand take a server seconds.
    OfFew,
}

/// Messages whose sizes are worth waiting for.
pub(crate) const SIZED_ROWS: usize = 1000;

/// Messages that exist.
#[derive(Debug, Default)]
pub(crate) struct Resolved {
    /// UID and size (0 when it was not asked for, or not given), ascending.
    pub(crate) messages: Vec<(u32, u64)>,
    /// Whether the sizes were asked for.
    pub(crate) sized: bool,
    /// To be guarded from now on.
    pub(crate) uid_validity: Option<u32>,
}

impl Command for Resolve {
    type Output = Resolved;
    const IDEMPOTENT: bool = true;

    fn mailbox(&self) -> Option<&Mailbox> {
        Some(&self.mailbox)
    }

    fn is_plain(&self) -> bool {
        self.mailbox.is_plain()
    }

    async fn run(&self, link: &mut Link) -> Result<Resolved> {
        let sized;
        let messages = match self.uids.newest_count() {
            Some(count) => {
                let exists = link.open_and_refresh(&self.mailbox, Access::Read, self.uid_validity).await?;
                sized = self.asks_sizes(exists);
                newest(link, count, exists, sized).await?
            }
            None => {
                link.open(&self.mailbox, Access::Read, self.uid_validity, Freshness::Now).await?;
                if link.is_empty() {
                    // What is known may be old: an empty mailbox knows no `1:*` (BAD on some servers), so ask first.
                    link.open_and_refresh(&self.mailbox, Access::Read, self.uid_validity).await?;
                }
                sized = self.asks_sizes(link.exists());
                if link.is_empty() {
                    Vec::new()
                } else if sized {
                    with_sizes(link, &self.uids).await?
                } else {
                    search::existing(link, &self.uids).await?.into_iter().map(|uid| (uid, 0)).collect()
                }
            }
        };
        Ok(Resolved { messages, sized, uid_validity: link.uid_validity() })
    }
}

impl Resolve {
    fn asks_sizes(&self, exists: u32) -> bool {
        let named = self.uids.as_ranges().map(UidRanges::count).or(self.uids.newest_count().map(u64::from));
        let most = named.unwrap_or(u64::MAX).min(u64::from(exists));
        self.sizes == Sizes::All || most <= SIZED_ROWS as u64
    }
}

/// The set in pieces of a line each, meaning exactly what the caller meant. The mailbox has to be open.
pub(crate) async fn exact(link: &mut Link, mailbox: &Mailbox, set: &UidSet) -> Result<Vec<String>> {
    // An empty mailbox knows no `1:*` (BAD on some servers), and what is known of it may be old.
    if set.as_ranges().is_some() || (*set == UidSet::all() && !link.is_empty()) {
        return Ok(set.lines(MAX_SET_BYTES));
    }
    let access = link.access().unwrap_or(Access::Read);
    let exists = link.open_and_refresh(mailbox, access, None).await?;
    if exists == 0 {
        return Ok(Vec::new());
    }
    if *set == UidSet::all() {
        return Ok(set.lines(MAX_SET_BYTES));
    }
    let uids = match set.newest_count() {
        Some(count) => newest(link, count, exists, false).await?.into_iter().map(|(uid, _)| uid).collect(),
        None => search::existing(link, set).await?,
    };
    Ok(UidRanges::from_uids(uids).lines(MAX_SET_BYTES))
}

/// The newest messages by sequence number, of `exists`.
pub(super) async fn newest(link: &mut Link, count: u32, exists: u32, sizes: bool) -> Result<Vec<(u32, u64)>> {
    if exists == 0 {
        return Ok(Vec::new());
    }
    let items = if sizes { "(UID RFC822.SIZE)" } else { "(UID)" };
    let line = Line::new("FETCH").arg(newest_range(count, exists)).arg(items);
    let mut found = BTreeMap::new();
    let most = u64::from(count.min(exists));
    collect(link, &line, &mut found, most, |_| true).await?;
    if sizes && (found.len() as u64) < u64::from(count.min(link.exists())) {
        // Some have no size: they are there all the same.
        let line = Line::new("FETCH").arg(newest_range(count, exists)).arg("(UID)");
        collect(link, &line, &mut found, most, |_| true).await?;
    }
    let surplus = found.len().saturating_sub(usize::try_from(count).unwrap_or(usize::MAX));
    Ok(found.into_iter().skip(surplus).collect())
}

async fn with_sizes(link: &mut Link, set: &UidSet) -> Result<Vec<(u32, u64)>> {
    let set = search::told(link, set).await?;
    let wanted = Wanted::new(&set);
    let asked = set.as_ranges().map_or(u64::MAX, UidRanges::count);
    let most = asked.min(u64::from(link.exists()));
    let mut found = BTreeMap::new();
    for piece in set.lines(MAX_SET_BYTES) {
        let line = Line::new("UID FETCH").arg(piece).arg("(UID RFC822.SIZE)");
        collect(link, &line, &mut found, most, |uid| wanted.has(uid)).await?;
    }
    if (found.len() as u64) < asked.min(u64::from(link.exists())) {
        // Some have no size: they are there all the same.
        for uid in search::existing(link, &set).await? {
            found.entry(uid).or_default();
        }
    }
    Ok(found.into_iter().collect())
}

async fn collect(
    link: &mut Link,
    line: &Line,
    found: &mut BTreeMap<u32, u64>,
    expected: u64,
    wanted: impl Fn(u32) -> bool + Send + Sync,
) -> Result<()> {
    let limit = expected.saturating_add(SURPLUS_ROWS);
    link.run(line, &mut |data| {
        // Beyond the limit one more is enough to be noticed.
        if let Untagged::Fetch(row) = data
            && found.len() as u64 <= limit
            && let Some(uid) = row.uid.filter(|uid| wanted(*uid))
        {
            let size = found.entry(uid).or_default();
            *size = row.size.unwrap_or(*size);
        }
    })
    .await?;
    if found.len() as u64 > limit {
        return Err(Error::LimitExceeded { what: "the rows of one FETCH", limit, name: SURPLUS });
    }
    Ok(())
}
