//! Which commands were sent, and which of their answers have come and wait to be taken.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use async_imap::imap_proto::RequestId;

use crate::command::line::Rows;
use crate::error::{Error, Result};
use crate::grammar::{Completion, FetchRow};
use crate::types::Flag;

/// Messages of one command whose flags are remembered. More come only where flags alone are fetched, and nobody watches.
const MAX_TOLD: usize = 10_000;

/// The tags of one connection. Several commands may be under way.
#[derive(Debug, Default)]
pub(super) struct Answers {
    outstanding: Vec<(RequestId, Option<Asked>)>,
    /// Those of them that nobody will ask for.
    unwanted: Vec<RequestId>,
    /// Completions that came before somebody asked for them.
    finished: Vec<Completion>,
}

impl Answers {
    pub(super) fn sent(&mut self, tag: RequestId) {
        self.outstanding.push((tag, None));
    }

    /// The rows that the command brings.
    pub(super) fn asks(&mut self, tag: &RequestId, rows: Option<Rows>) {
        if let Some((_, asked)) = self.outstanding.iter_mut().find(|(sent, _)| sent == tag) {
            *asked = rows.map(|rows| Asked { rows, told: HashMap::new() });
        }
    }

    /// Whether the row answers a command under way; else it is news of its message. Ahead of the answer to NOOP, which
    /// nobody waits for, come news only: no server sends what answers the next command before it.
    pub(super) fn expect(&mut self, row: &FetchRow) -> bool {
        let mut asked = self.outstanding.iter_mut().filter_map(|(_, asked)| asked.as_mut());
        self.unwanted.is_empty() && asked.any(|asked| asked.expects(row))
    }

    /// Keeps an answer for whoever waits for it.
    pub(super) fn came(&mut self, completion: Completion) -> Result<()> {
        let is_it = |tag: &RequestId| tag.0 == completion.tag;
        let Some(at) = self.outstanding.iter().position(|(tag, _)| is_it(tag)) else {
            return Err(Error::protocol("it completed a command that was not sent"));
        };
        self.outstanding.swap_remove(at);
        match self.unwanted.iter().position(is_it) {
            Some(at) => {
                self.unwanted.swap_remove(at);
            }
            None => self.finished.push(completion),
        }
        Ok(())
    }

    pub(super) fn take(&mut self, tag: &RequestId) -> Option<Completion> {
        let at = self.finished.iter().position(|done| done.tag == tag.0)?;
        Some(self.finished.swap_remove(at))
    }

    /// Nobody will ask for this one: a session lives for days, and its answers must not pile up.
    pub(super) fn disregard(&mut self, tag: RequestId) {
        if self.take(&tag).is_none() {
            self.unwanted.push(tag);
        }
    }

    /// Whether the answer is still to come, or to be taken.
    pub(super) fn know(&self, tag: &RequestId) -> bool {
        self.outstanding.iter().any(|(sent, _)| sent == tag) || self.finished.iter().any(|done| done.tag == tag.0)
    }

    #[cfg(test)]
    pub(super) fn kept(&self) -> usize {
        self.finished.len()
    }

    pub(super) fn all_came(&self) -> bool {
        self.outstanding.is_empty()
    }

    /// Between two calls: whoever waited has gone.
    pub(super) fn forget(&mut self) {
        self.finished.clear();
    }
}

/// What a FETCH brings.
#[derive(Debug)]
struct Asked {
    rows: Rows,
    /// Of each message, the flags that were told.
    told: HashMap<u32, u64>,
}

impl Asked {
    /// Flags that are told again and otherwise were changed by somebody while the command ran.
    fn expects(&mut self, row: &FetchRow) -> bool {
        if !self.rows.include(row) {
            return false;
        }
        let (Some(uid), Some(flags)) = (row.uid, &row.flags) else { return true };
        if self.told.len() >= MAX_TOLD && !self.told.contains_key(&uid) {
            return true;
        }
        let now = in_any_order(flags);
        self.told.insert(uid, now).is_none_or(|before| before == now)
    }
}

/// A hash of the flags that somebody can have changed.
fn in_any_order(flags: &[Flag]) -> u64 {
    let hash = |flag: &Flag| {
        let mut hasher = DefaultHasher::new();
        flag.to_ascii_lowercase().hash(&mut hasher);
        hasher.finish()
    };
    flags.iter().filter(|flag| !flag.eq_ignore_ascii_case("\\Recent")).map(hash).fold(0, u64::wrapping_add)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grammar::CompletionStatus;

    fn tag(n: u32) -> RequestId {
        RequestId(format!("A{n}"))
    }

    fn ok(n: u32) -> Completion {
        Completion { tag: tag(n).0, status: CompletionStatus::Ok, code: None, text: String::new() }
    }

    #[test]
    fn answers_that_nobody_asks_for_do_not_pile_up() {
        let mut answers = Answers::default();
        for n in 0..1000 {
            answers.sent(tag(n));
            if n % 2 == 0 {
                answers.disregard(tag(n));
                answers.came(ok(n)).unwrap();
            } else {
                answers.came(ok(n)).unwrap();
                answers.disregard(tag(n));
            }
        }
        assert!(answers.all_came() && answers.finished.is_empty() && answers.unwanted.is_empty());
    }

    #[test]
    fn an_answer_is_taken_once_and_only_by_its_own_command() {
        let mut answers = Answers::default();
        answers.sent(tag(1));
        answers.sent(tag(2));
        assert!(answers.came(ok(3)).is_err());
        answers.came(ok(2)).unwrap();
        assert!(answers.came(ok(2)).is_err(), "answered twice");
        assert!(answers.take(&tag(1)).is_none() && answers.know(&tag(1)) && answers.know(&tag(2)));
        assert!(answers.take(&tag(2)).is_some() && answers.take(&tag(2)).is_none());
        assert!(!answers.all_came());
    }
}
