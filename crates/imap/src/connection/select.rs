//! Opening mailboxes (RFC 9051 §6.3.2, §6.3.3): only when needed, for reading by EXAMINE, and never on stale UIDs.
//!
//! CLOSE is never used: it expunges what others have marked.

use async_imap::imap_proto::RequestId;
use email_base::{Code, ServerReply};

use super::link::{Link, Sink};
use super::snapshot::serial;
use super::view::{Access, Selected};
use crate::command::argument::Mailbox;
use crate::command::line::Line;
use crate::error::{Error, Result};
use crate::grammar::{Completion, ResponseCode, Untagged};
use crate::types::BodyPart;

/// How fresh an open mailbox has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Freshness {
    /// As the server has it at that moment: a NOOP goes ahead of the command.
    Now,
    /// The call has refreshed it before: its later steps need not.
    AsIs,
}

impl Link {
    /// Opens `mailbox`, or refreshes it when it is open already. The refreshing NOOP is not waited for: it goes ahead of
    /// the next command, whose answer comes after what NOOP brings.
    ///
    /// With `uid_validity` nothing else is done to a mailbox that was rebuilt.
    pub(crate) async fn open(
        &mut self,
        mailbox: &Mailbox,
        access: Access,
        uid_validity: Option<u32>,
        freshness: Freshness,
    ) -> Result<()> {
        if self.is_open(mailbox, access) {
            if freshness == Freshness::Now {
                let tag = self.send(&Line::new("NOOP")).await?;
                self.disregard(tag);
            }
        } else {
            self.select(mailbox, access).await?;
        }
        self.guard(uid_validity)
    }

    /// [`Self::open`], and waits until EXISTS is what the server has now.
    pub(crate) async fn open_and_refresh(
        &mut self,
        mailbox: &Mailbox,
        access: Access,
        uid_validity: Option<u32>,
    ) -> Result<u32> {
        if self.is_open(mailbox, access) {
            self.run_quietly(&Line::new("NOOP")).await?;
        } else {
            self.select(mailbox, access).await?;
        }
        self.guard(uid_validity)?;
        Ok(self.view.selected.as_ref().map_or(0, |selected| selected.exists))
    }

    /// Runs a command that takes a mailbox's name away. The mailbox, and those below it, do not stay open: here they are
    /// closed, without expunging; the other connections of the client open them anew before they use them again.
    pub(crate) async fn run_without(&mut self, mailbox: &Mailbox, line: &Line) -> Result<Completion> {
        self.leave(mailbox).await?;
        // Before, as the call may be given up while the server does it; after, for what was opened meanwhile. Also after a
        // NO: a server may have done half of it.
        self.departed.tell(mailbox);
        let done = self.run_quietly(line).await;
        self.departed.tell(mailbox);
        done.map_err(|error| named_mailbox(mailbox, error))
    }

    async fn leave(&mut self, mailbox: &Mailbox) -> Result<()> {
        if self.view.selected.as_ref().is_none_or(|selected| !selected.mailbox.is_within(mailbox)) {
            return Ok(());
        }
        self.view.leave();
        if self.has_or_rev2("UNSELECT") {
            self.run_quietly(&Line::new("UNSELECT")).await?;
        } else {
            // EXAMINE of a mailbox that cannot be leaves none open (RFC 3501 §6.3.1).
            let line = Line::new("EXAMINE").arg("\"\"");
            let tag = self.send(&line).await?;
            self.completion(&tag, &line, &mut |_| {}).await?;
        }
        Ok(())
    }

    /// Whether the open mailbox has no messages, as far as the server has said.
    pub(crate) fn is_empty(&self) -> bool {
        self.exists() == 0
    }

    /// Messages in the open mailbox, as far as the server has said.
    pub(crate) fn exists(&self) -> u32 {
        self.view.selected.as_ref().map_or(0, |selected| selected.exists)
    }

    /// Of the open mailbox.
    pub(crate) fn uid_validity(&self) -> Option<u32> {
        self.view.selected.as_ref()?.uid_validity
    }

    /// How the open mailbox is open.
    pub(crate) fn access(&self) -> Option<Access> {
        Some(self.view.selected.as_ref()?.access)
    }

    /// Remembers the parts that the server may decode, if it can.
    pub(crate) fn learn_parts(&self, mailbox: &Mailbox, uid: u32, structure: &BodyPart) {
        if self.has_or_rev2("BINARY") {
            self.parts.learn(mailbox, self.uid_validity(), uid, structure);
        }
    }

    fn is_open(&self, mailbox: &Mailbox, access: Access) -> bool {
        self.view
            .selected
            .as_ref()
            .is_some_and(|selected| selected.serves(mailbox, access) && !self.departed.has(mailbox, selected.opening))
    }

    fn guard(&self, expected: Option<u32>) -> Result<()> {
        let Some(selected) = &self.view.selected else { return Err(Error::Internal("no mailbox is open")) };
        match (expected, selected.uid_validity) {
            (Some(expected), Some(found)) if expected != found => {
                Err(Error::UidValidityChanged { path: selected.mailbox.path().to_owned(), expected, found })
            }
            // A server without UIDVALIDITY promises nothing (RFC 9051 §2.3.1.1): its UIDs die with the session.
            (Some(expected), None) => {
                Err(Error::UidValidityChanged { path: selected.mailbox.path().to_owned(), expected, found: 0 })
            }
            _ => Ok(()),
        }
    }

    async fn select(&mut self, mailbox: &Mailbox, access: Access) -> Result<()> {
        let verb = match access {
            Access::Read => "EXAMINE",
            Access::Write => "SELECT",
        };
        let line = Line::new(verb).mailbox_arg(&self.wire_name(mailbox));
        let opening = self.begin(mailbox, access, line).await?;
        self.finish_opening(opening, &mut |_| {}).await
    }

    /// Writes EXAMINE, with a parameter of RFC 7162 if there is one, and does not wait: other commands may follow at once.
    pub(crate) async fn begin_examine(&mut self, mailbox: &Mailbox, parameter: Option<&str>) -> Result<Opening> {
        let line = Line::new("EXAMINE").mailbox_arg(&self.wire_name(mailbox));
        let line = parameter.into_iter().fold(line, |line, parameter| line.arg(parameter));
        self.begin(mailbox, Access::Read, line).await
    }

    async fn begin(&mut self, mailbox: &Mailbox, access: Access, line: Line) -> Result<Opening> {
        // From here on no mailbox is open, unless the server says otherwise.
        self.view.leave();
        // Before it is sent: whatever goes while it is under way goes later.
        let opening = serial();
        let tag = self.send(&line).await?;
        Ok(Opening { mailbox: mailbox.clone(), access, line, tag, opening })
    }

    /// Waits until the mailbox is open. `sink` gets what came with it.
    pub(crate) async fn finish_opening(&mut self, opening: Opening, sink: Sink<'_>) -> Result<()> {
        let Opening { mailbox, access, line, tag, opening } = opening;
        let mut selected = Selected {
            mailbox,
            access,
            exists: 0,
            uid_validity: None,
            uid_next: None,
            highest_mod_seq: None,
            opening,
            changes: 0,
        };
        let answer = self
            .answer(&tag, &line, &mut |data| {
                collect(&mut selected, &data);
                sink(data);
            })
            .await;
        answer.map_err(|error| missing_mailbox(&selected.mailbox, error))?;
        self.view.selected = Some(selected);
        Ok(())
    }
}

/// A mailbox that is being opened.
pub(crate) struct Opening {
    mailbox: Mailbox,
    access: Access,
    line: Line,
    tag: RequestId,
    opening: u64,
}

fn collect(selected: &mut Selected, data: &Untagged) {
    match data {
        Untagged::Exists(n) => selected.exists = *n,
        Untagged::Condition(condition) => match condition.code {
            Some(ResponseCode::UidValidity(n)) => selected.uid_validity = Some(n),
            Some(ResponseCode::UidNext(n)) => selected.uid_next = Some(n),
            Some(ResponseCode::HighestModSeq(n)) => selected.highest_mod_seq = Some(n),
            _ => {}
        },
        _ => {}
    }
}

/// A command about a mailbox by its name was refused: because there is none, or for whatever else the server says.
pub(crate) fn named_mailbox(mailbox: &Mailbox, error: Error) -> Error {
    match error {
        Error::Refused { code: Code::MailboxNotFound, reply, .. } => {
            Error::MailboxNotFound { path: mailbox.path().to_owned(), reply: Some(reply) }
        }
        other => other,
    }
}

/// What servers without response codes say when the mailbox is there.
const THERE: &[(&str, Code)] = &[
    ("access denied", Code::AccessDenied),
    ("not permitted", Code::AccessDenied),
    ("in use", Code::ServerUnavailable),
    ("internal error", Code::ServerUnavailable),
    ("internal server error", Code::ServerUnavailable),
    ("locked", Code::ServerUnavailable),
    // Gmail: System Error (Failure)
    ("system error", Code::ServerUnavailable),
    ("temporar", Code::ServerUnavailable),
    ("timed out", Code::ServerUnavailable),
    ("timeout", Code::ServerUnavailable),
    ("try again", Code::ServerUnavailable),
];

/// A mailbox that cannot be opened is, for the caller, not there; most servers say no more than NO. But what is told to be
/// gone is dropped: a server in trouble is heard. INBOX is always there (RFC 9051 §5.1), and its refusal no more than one.
pub(crate) fn missing_mailbox(mailbox: &Mailbox, error: Error) -> Error {
    use email_base::Code::{CommandRejected, MailboxNotFound};
    match error {
        Error::Refused { code: CommandRejected, reply, command, retry_after }
            if is_there(mailbox, &reply).is_some() =>
        {
            Error::Refused { code: is_there(mailbox, &reply).unwrap_or(CommandRejected), reply, command, retry_after }
        }
        Error::Refused { code: MailboxNotFound | CommandRejected, reply, command, retry_after }
            if mailbox.is_inbox() =>
        {
            Error::Refused { code: CommandRejected, reply, command, retry_after }
        }
        Error::Refused { code: MailboxNotFound | CommandRejected, reply, .. } if reply.status == "NO" => {
            Error::MailboxNotFound { path: mailbox.path().to_owned(), reply: Some(reply) }
        }
        other => other,
    }
}

/// Its name says nothing: `"Locked mail" doesn't exist.`
fn is_there(mailbox: &Mailbox, reply: &ServerReply) -> Option<Code> {
    let text = without(&reply.text.to_lowercase(), &mailbox.path().to_lowercase());
    THERE.iter().find(|(part, _)| text.contains(part)).map(|(_, code)| *code)
}

/// `text` without `name`, where that stands as a word of its own: the mailbox `a` is no part of "temporarily".
fn without(text: &str, name: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(name) {
        kept.push_str(before);
        let within = kept.ends_with(char::is_alphanumeric) || after.starts_with(char::is_alphanumeric);
        kept.push_str(if within { name } else { "" });
        rest = after;
    }
    kept + rest
}

#[cfg(test)]
mod tests {
    use email_base::Classify as _;

    use super::*;

    #[test]
    fn a_short_name_does_not_take_the_trouble_out_of_what_the_server_says() {
        for (name, text, expected) in [
            ("a", "Mailbox temporarily not to be had", Code::ServerUnavailable),
            ("in", "It timed out", Code::ServerUnavailable),
            ("Locked", "Mailbox doesn't exist: Locked", Code::MailboxNotFound),
            ("Locked", "\"INBOX.Locked\" is not there", Code::MailboxNotFound),
            ("Ärger, locked", "'ärger, locked' is not there", Code::MailboxNotFound),
            ("x", "locked: xx", Code::ServerUnavailable),
        ] {
            let reply = ServerReply { status: "NO".into(), text: text.into(), code: None, details: None };
            let refused = crate::connection::refusal::error("SELECT", Box::new(reply));
            assert_eq!(missing_mailbox(&Mailbox::new(name).unwrap(), refused).code(), expected, "{name}: {text}");
        }
    }

    #[test]
    fn inbox_is_never_gone() {
        for (name, code, text, expected) in [
            ("INBOX", None, "SELECT failed", Code::CommandRejected),
            ("inbox", None, "Mailbox does not exist", Code::CommandRejected),
            ("INBOX", Some("NONEXISTENT"), "no", Code::CommandRejected),
            ("INBOX", Some("NOPERM"), "no", Code::AccessDenied),
            ("INBOX", Some("UNAVAILABLE"), "no", Code::ServerUnavailable),
            ("INBOX", None, "System Error (Failure)", Code::ServerUnavailable),
            ("INBOX2", None, "SELECT failed", Code::MailboxNotFound),
        ] {
            let said = code.map(str::to_owned);
            let reply = ServerReply { status: "NO".into(), text: text.into(), code: said, details: None };
            let refused = crate::connection::refusal::error("SELECT", Box::new(reply));
            let mailbox = Mailbox::new(name).unwrap();
            assert_eq!(missing_mailbox(&mailbox, refused).code(), expected, "{name} {code:?} {text}");
        }
    }

    #[test]
    fn a_server_in_trouble_does_not_say_that_a_mailbox_is_gone() {
        let mailbox = Mailbox::new("Locked mail").unwrap();
        for (text, expected) in [
            ("System Error (Failure)", Code::ServerUnavailable),
            ("Internal error occurred, try again later", Code::ServerUnavailable),
            ("Temporary error", Code::ServerUnavailable),
            ("Operation timed out", Code::ServerUnavailable),
            ("mailbox in use", Code::ServerUnavailable),
            ("SELECT The mailbox is locked", Code::ServerUnavailable),
            ("Access denied", Code::AccessDenied),
            ("SELECT failed", Code::MailboxNotFound),
            ("\"Locked mail\" doesn't exist.", Code::MailboxNotFound),
        ] {
            let reply = ServerReply { status: "NO".into(), text: text.into(), code: None, details: None };
            let refused = crate::connection::refusal::error("SELECT", Box::new(reply));
            assert_eq!(missing_mailbox(&mailbox, refused).code(), expected, "{text}");
        }
    }
}
