//! FETCH of what is small (RFC 9051 §6.4.5): flags, dates, envelopes, structures, headers. Gathered, joined, sorted.
//!
//! ```text
//! fetch = "UID FETCH" SP sequence-set SP "(" fetch-att *(SP fetch-att) ")"
//! ```

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::MAX_SET_BYTES;
use super::argument::Mailbox;
use super::fetch_items::Items;
use super::line::Line;
use super::mend;
use super::resolve;
use super::search::{self, Wanted, newest_range};
use crate::connection::{Access, Command, Freshness, Link};
use crate::error::{Error, Result};
use crate::grammar::{FetchRow, Untagged};
use crate::uid_set::UidSet;

/// Rows of one command: few round trips at high latency, and other calls wait for no more than this.
const MAX_ROWS: u64 = 1000;
/// The same for rows with headers or structures.
const MAX_BULKY_ROWS: u64 = 500;
/// What one command may bring over the wire; a thousand honest envelopes are 1 to 3 MB.
const MAX_BYTES: u64 = 32 << 20;
/// Rows beyond what was expected: new mail may come in between. More is a flood.
pub(super) const SURPLUS_ROWS: u64 = 1000;
/// Sections of one message, from all of its rows; nobody asks for more than three at once.
const MAX_SECTIONS: usize = 100;
/// Defects of one message, from all of its rows; one says that it is degraded.
const MAX_DEFECTS: usize = 100;

/// The limit that is exceeded by more rows than there are messages: no message is to blame for that.
pub(crate) const SURPLUS: &str = "SURPLUS_ROWS";

/// Small rows of a set.
pub(crate) struct Fetch {
    pub(crate) mailbox: Mailbox,
    pub(crate) uids: UidSet,
    pub(crate) uid_validity: Option<u32>,
    pub(crate) items: Items,
    pub(crate) freshness: Freshness,
    /// Set when some row has come: for whoever asks why it failed.
    pub(crate) some_came: Arc<AtomicBool>,
}

/// What came of it.
pub(crate) enum Fetched {
    /// Everything, by UID ascending.
    Rows(Vec<FetchRow>),
    /// Too many for one command: these, in pieces of [`Fetch::most`].
    Many {
        /// Ascending.
        uids: Vec<u32>,
        /// To be guarded from now on.
        uid_validity: Option<u32>,
    },
}

impl Fetch {
    /// How many rows one command may bring.
    pub(crate) fn most(items: &Items) -> u64 {
        if items.is_bulky() { MAX_BULKY_ROWS } else { MAX_ROWS }
    }
}

impl Command for Fetch {
    type Output = Fetched;
    const IDEMPOTENT: bool = true;

    fn mailbox(&self) -> Option<&Mailbox> {
        Some(&self.mailbox)
    }

    fn is_plain(&self) -> bool {
        self.mailbox.is_plain()
    }

    async fn run(&self, link: &mut Link) -> Result<Fetched> {
        let most = Self::most(&self.items);
        let mut rows = match self.uids.newest_count() {
            Some(count) => {
                let exists = link.open_and_refresh(&self.mailbox, Access::Read, self.uid_validity).await?;
                if u64::from(count.min(exists)) > most {
                    let uids = resolve::newest(link, count, exists, false).await?;
                    let uids = uids.into_iter().map(|(uid, _)| uid).collect();
                    return Ok(Fetched::Many { uids, uid_validity: link.uid_validity() });
                }
                self.newest(link, count, exists).await?
            }
            None => {
                link.open(&self.mailbox, Access::Read, self.uid_validity, self.freshness).await?;
                if link.is_empty() {
                    // `1:*` of an empty mailbox is BAD on some servers, and what is known may be old.
                    link.open_and_refresh(&self.mailbox, Access::Read, self.uid_validity).await?;
                }
                let asked = self.uids.as_ranges().map_or(u64::MAX, |ranges| ranges.count());
                if asked.min(u64::from(link.exists())) > most {
                    let uids = search::existing(link, &self.uids).await?;
                    return Ok(Fetched::Many { uids, uid_validity: link.uid_validity() });
                }
                if link.is_empty() { Vec::new() } else { self.by_uid(link).await? }
            }
        };
        mend::mend(link, &self.items, &mut rows).await?;
        for row in &rows {
            if let (Some(uid), Some(structure)) = (row.uid, &row.body_structure) {
                link.learn_parts(&self.mailbox, uid, structure);
            }
        }
        Ok(Fetched::Rows(rows))
    }
}

impl Fetch {
    async fn newest(&self, link: &mut Link, count: u32, exists: u32) -> Result<Vec<FetchRow>> {
        if exists == 0 {
            return Ok(Vec::new());
        }
        let line = Line::new("FETCH").arg(newest_range(count, exists)).arg(self.items.text(link));
        let mut rows = Gathered::new(u64::from(count));
        let gathered = rows.gather(link, &line, |_| true).await;
        self.some_came.fetch_or(rows.came, Ordering::Relaxed);
        gathered?;
        if rows.lack(u64::from(count.min(link.exists()))) {
            let there = resolve::newest(link, count, exists, false).await?;
            rows.complete(there.into_iter().map(|(uid, _)| uid));
        }
        let surplus = rows.by_uid.len().saturating_sub(usize::try_from(count).unwrap_or(usize::MAX));
        Ok(rows.by_uid.into_values().skip(surplus).collect())
    }

    async fn by_uid(&self, link: &mut Link) -> Result<Vec<FetchRow>> {
        let set = search::told(link, &self.uids).await?;
        let wanted = Wanted::new(&set);
        let mut rows = Gathered::new(Self::most(&self.items));
        for piece in set.lines(MAX_SET_BYTES) {
            let line = Line::new("UID FETCH").arg(piece).arg(self.items.text(link));
            let gathered = rows.gather(link, &line, |uid| wanted.has(uid)).await;
            self.some_came.fetch_or(rows.came, Ordering::Relaxed);
            gathered?;
        }
        let asked = self.uids.as_ranges().map_or(u64::MAX, |ranges| ranges.count());
        if rows.lack(asked.min(u64::from(link.exists()))) {
            rows.complete(search::existing(link, &self.uids).await?);
        }
        Ok(rows.by_uid.into_values().collect())
    }
}

/// Rows by UID. A message may come in several rows: they are joined.
pub(super) struct Gathered {
    pub(super) by_uid: BTreeMap<u32, FetchRow>,
    most: u64,
    /// Some row could not be read at all.
    unreadable: bool,
    /// Some row was wanted.
    came: bool,
}

impl Gathered {
    pub(super) fn new(expected: u64) -> Self {
        Self { by_uid: BTreeMap::new(), most: expected.saturating_add(SURPLUS_ROWS), unreadable: false, came: false }
    }

    /// Whether messages may be there that have no row: one was outside the grammar, or there are fewer than `expected`.
    fn lack(&self, expected: u64) -> bool {
        self.unreadable || (self.by_uid.len() as u64) < expected
    }

    /// A message that is there must not vanish from the result because the server gives nothing of it (MailKit#1615).
    fn complete(&mut self, there: impl IntoIterator<Item = u32>) {
        for uid in there {
            self.by_uid.entry(uid).or_insert_with(|| FetchRow { uid: Some(uid), ..FetchRow::default() });
        }
    }

    pub(super) async fn gather(
        &mut self,
        link: &mut Link,
        line: &Line,
        wanted: impl Fn(u32) -> bool + Send + Sync,
    ) -> Result<()> {
        let meter = link.meter();
        let before = meter.bytes_read();
        let mut flood = None;
        link.run(line, &mut |data| {
            let row = match data {
                Untagged::Fetch(row) => row,
                Untagged::Broken { word, .. } => {
                    self.unreadable |= word == "FETCH";
                    return;
                }
                _ => return,
            };
            if flood.is_none() && self.by_uid.len() as u64 > self.most {
                flood = Some((self.most, SURPLUS));
            } else if flood.is_none() && meter.bytes_read().saturating_sub(before) > MAX_BYTES {
                flood = Some((MAX_BYTES, "MAX_BYTES"));
            }
            if flood.is_some() {
                self.by_uid.clear();
                return;
            }
            if let Some(uid) = row.uid.filter(|uid| wanted(*uid)) {
                self.came = true;
                match self.by_uid.entry(uid) {
                    std::collections::btree_map::Entry::Vacant(vacant) => {
                        vacant.insert(*row);
                    }
                    std::collections::btree_map::Entry::Occupied(mut known) => join(known.get_mut(), *row),
                }
            }
        })
        .await?;
        match flood {
            Some((limit, name)) => Err(Error::LimitExceeded { what: "the rows of one FETCH", limit, name }),
            None => Ok(()),
        }
    }
}

/// A later row of the same message: newer where it says something.
pub(super) fn join(known: &mut FetchRow, newer: FetchRow) {
    known.flags = newer.flags.or_else(|| known.flags.take());
    known.mod_seq = newer.mod_seq.or(known.mod_seq);
    known.internal_date = known.internal_date.or(newer.internal_date);
    known.size = known.size.or(newer.size);
    known.envelope = known.envelope.take().or(newer.envelope);
    known.body_structure = known.body_structure.take().or(newer.body_structure);
    known.email_id = known.email_id.take().or(newer.email_id);
    known.thread_id = known.thread_id.take().or(newer.thread_id);
    known.labels = newer.labels.or_else(|| known.labels.take());
    for section in newer.sections {
        // Told again, not told more: else a message could be as large as the server has patience.
        if let Some(known) = known.sections.iter_mut().find(|known| known.is_same(&section)) {
            *known = section;
        } else if known.sections.len() < MAX_SECTIONS {
            known.sections.push(section);
        }
    }
    let room = MAX_DEFECTS.saturating_sub(known.defects.len());
    known.defects.extend(newer.defects.into_iter().take(room));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grammar::{Content, Defect, Section};

    #[test]
    fn rows_of_the_same_message_do_not_pile_up() {
        let row = |section: &str, text: &'static str| {
            let content = Content::Inline(text.into());
            let sections = vec![Section { section: section.to_owned(), binary: false, origin: None, content }];
            let defects = vec![Defect { attribute: "ENVELOPE", reason: "broken" }];
            FetchRow { uid: Some(5), sections, defects, ..FetchRow::default() }
        };
        let mut known = row("", "old");
        for _ in 0..1000 {
            join(&mut known, row("", "new"));
        }
        join(&mut known, row("HEADER", "head"));
        assert_eq!((known.sections.len(), known.defects.len()), (2, MAX_DEFECTS));
        assert_eq!(known.take_section(""), Some(Content::Inline("new".into())));
        assert_eq!(known.take_section("HEADER"), Some(Content::Inline("head".into())));
        for n in 0..1000 {
            join(&mut known, row(&n.to_string(), "x"));
        }
        assert_eq!(known.sections.len(), MAX_SECTIONS);
    }
}
