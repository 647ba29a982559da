//! STATUS (RFC 9051 §6.3.11): counters of a mailbox without opening it.
//!
//! ```text
//! status = "STATUS" SP mailbox SP "(" status-att *(SP status-att) ")"
//! ```

use super::argument::Mailbox;
use super::line::Line;
use crate::connection::{Command, Link, missing_mailbox};
use crate::error::{Error, Result};
use crate::grammar::{StatusRow, Untagged, WireName};
use crate::types::MailboxStatus;

/// One mailbox's counters.
pub(crate) struct Status {
    pub(crate) mailbox: Mailbox,
}

impl Command for Status {
    type Output = MailboxStatus;
    const IDEMPOTENT: bool = true;

    fn is_plain(&self) -> bool {
        self.mailbox.is_plain()
    }

    async fn run(&self, link: &mut Link) -> Result<MailboxStatus> {
        let name = link.wire_name(&self.mailbox);
        let line = line(link, &name);
        // Those of other mailboxes may come at any time (RFC 9051 §7).
        let (mut row, mut others) = (None, Vec::new());
        let answer = link
            .run(&line, &mut |data| match data {
                Untagged::Status(data) if data.name.is_same(&name) => row = Some(data),
                // More than one is enough to know that none of them is meant.
                Untagged::Status(data) if others.len() < 2 => others.push(data),
                _ => {}
            })
            .await;
        answer.map_err(|error| missing_mailbox(&self.mailbox, error))?;
        // A row alone is the answer, however the server spells the mailbox that was asked for.
        let alone = if others.len() == 1 { others.pop() } else { None };
        row.or(alone).map(|row| counters(&row)).ok_or_else(|| Error::protocol("it answered STATUS without data"))
    }
}

/// What this server can count.
pub(super) fn attributes(link: &Link) -> String {
    let mut attributes = "MESSAGES UNSEEN UIDNEXT UIDVALIDITY".to_owned();
    if link.has("CONDSTORE") || link.has("QRESYNC") {
        attributes.push_str(" HIGHESTMODSEQ");
    }
    if link.has_or_rev2("STATUS=SIZE") {
        attributes.push_str(" SIZE");
    }
    attributes
}

pub(super) fn line(link: &Link, name: &WireName) -> Line {
    Line::new("STATUS").mailbox_arg(name).arg(format!("({})", attributes(link)))
}

pub(super) fn counters(row: &StatusRow) -> MailboxStatus {
    MailboxStatus {
        messages: row.messages.unwrap_or_default(),
        unseen: row.unseen.unwrap_or_default(),
        uid_next: row.uid_next.unwrap_or_default(),
        uid_validity: row.uid_validity.unwrap_or_default(),
        highest_mod_seq: row.highest_mod_seq,
        size: row.size,
    }
}
