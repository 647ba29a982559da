//! What the connection knows of the server by listening: capabilities, the open mailbox, a farewell.

use std::collections::VecDeque;

use email_base::{Scrub, ServerReply};

use super::capabilities::Capabilities;
use crate::command::argument::Mailbox;
use crate::grammar::{Condition, ConditionKind, NamespaceRow, ResponseCode, Untagged};

/// Openings remembered: a watcher looks again after each few calls.
const MAX_LEFT: usize = 100;

/// Kept up to date by every response, whichever command it belongs to.
#[derive(Debug, Default)]
pub(crate) struct View {
    pub(crate) capabilities: Capabilities,
    pub(crate) selected: Option<Selected>,
    /// Openings that are over, with the changes told in them: nobody who watched may have heard of the last ones.
    pub(super) left: VecDeque<(u64, u64)>,
    /// ENABLE has switched QRESYNC on (RFC 7162 §3.2.3): messages vanish from now on, instead of being expunged.
    pub(crate) qresync: bool,
    /// That was asked for.
    pub(crate) qresync_asked: bool,
    /// The server has called a parameter of EXAMINE BAD: it gets none any more.
    pub(crate) refuses_parameters: bool,
    /// RFC 2342, when it was asked for.
    pub(crate) namespaces: Option<Box<NamespaceRow>>,
    /// The server has said BYE.
    pub(crate) bye: Option<Box<ServerReply>>,
    /// What the session was opened with; it is never shown, whatever the server says.
    pub(crate) scrub: Scrub,
}

/// The open mailbox (RFC 9051 §7.1, §7.3).
#[derive(Debug, Clone)]
pub(crate) struct Selected {
    pub(crate) mailbox: Mailbox,
    pub(crate) access: Access,
    pub(crate) exists: u32,
    pub(crate) uid_validity: Option<u32>,
    /// When it was opened.
    pub(crate) uid_next: Option<u32>,
    /// When it was opened; with CONDSTORE.
    pub(crate) highest_mod_seq: Option<u64>,
    /// Tells this opening from any other one.
    pub(crate) opening: u64,
    /// Counts whatever `watch` reports: new, gone and changed messages.
    pub(crate) changes: u64,
}

/// How a mailbox is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// EXAMINE.
    Read,
    /// SELECT; good for reading too.
    Write,
}

impl Selected {
    pub(crate) fn serves(&self, mailbox: &Mailbox, access: Access) -> bool {
        self.mailbox == *mailbox && (self.access == Access::Write || access == Access::Read)
    }
}

impl View {
    /// No mailbox is open any more.
    pub(crate) fn leave(&mut self) {
        if let Some(selected) = self.selected.take().filter(|selected| selected.changes > 0) {
            self.left.push_back((selected.opening, selected.changes));
            if self.left.len() > MAX_LEFT {
                self.left.pop_front();
            }
        }
    }

    /// The changes told in an opening that is over, if there were any.
    pub(super) fn changes_until_left(&self, opening: u64) -> Option<u64> {
        self.left.iter().find(|(left, _)| *left == opening).map(|(_, changes)| *changes)
    }

    pub(crate) fn observe(&mut self, data: &Untagged) {
        match data {
            Untagged::Capability(words) => self.capabilities = Capabilities::new(words),
            Untagged::Condition(condition) => self.condition(condition),
            Untagged::Enabled(words) => {
                self.qresync |= words.iter().any(|word| word.eq_ignore_ascii_case("QRESYNC"));
            }
            Untagged::Namespace(namespaces) => self.namespaces = Some(namespaces.clone()),
            _ => {
                if let Some(selected) = &mut self.selected {
                    selected.observe(data);
                }
            }
        }
    }

    pub(crate) fn code(&mut self, code: &ResponseCode) {
        match code {
            ResponseCode::Capability(words) => self.capabilities = Capabilities::new(words),
            ResponseCode::UidValidity(n) => {
                if let Some(selected) = &mut self.selected {
                    selected.uid_validity = Some(*n);
                }
            }
            _ => {}
        }
    }

    fn condition(&mut self, condition: &Condition) {
        if let Some(code) = &condition.code {
            self.code(code);
            if code.is("ALERT") {
                let alert = super::reply::of_condition(condition, &self.scrub);
                tracing::warn!(target: "imap", text = alert.text, "the server alerts");
            }
        }
        if condition.kind == ConditionKind::Bye {
            self.bye = Some(super::reply::of_condition(condition, &self.scrub));
        }
    }
}

impl Selected {
    fn observe(&mut self, data: &Untagged) {
        match data {
            Untagged::Exists(n) => {
                self.changes += u64::from(*n != self.exists);
                self.exists = *n;
            }
            Untagged::Expunge(_) => {
                self.exists = self.exists.saturating_sub(1);
                self.changes += 1;
            }
            Untagged::Vanished { earlier: false, uids } => {
                // Never expanded: a hostile `1:4294967295` is one range.
                self.exists = self.exists.saturating_sub(u32::try_from(uids.count()).unwrap_or(u32::MAX));
                self.changes += 1;
            }
            Untagged::Fetch(_) => self.changes += 1,
            _ => {}
        }
    }
}
