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
        let line = line(link, &link.wire_name(&self.mailbox));
        let mut row = None;
        let answer = link
            .run(&line, &mut |data| {
                if let Untagged::Status(data) = data {
                    row = Some(data);
                }
            })
            .await;
        answer.map_err(|error| missing_mailbox(&self.mailbox, error))?;
        row.map(|row| counters(&row)).ok_or_else(|| Error::protocol("it answered STATUS without data"))
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
