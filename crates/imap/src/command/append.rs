//! APPEND (RFC 9051 §6.3.12; APPENDUID: RFC 4315; APPENDLIMIT: RFC 7889; UTF8: RFC 6855).
//!
//! ```text
//! append = "APPEND" SP mailbox [SP flag-list] [SP date-time] SP (literal / "UTF8" SP "(" literal8 ")")
//! ```

use bytes::Bytes;
use email_base::Code;
use serde::Serialize;

use super::argument::{self, Mailbox};
use super::date;
use super::line::Line;
use crate::connection::{Command, Link, named_mailbox};
use crate::error::{Error, Result};
use crate::grammar::{Completion, ResponseCode};
use crate::options::AppendOptions;

/// Where an appended message is; `None` where the server does not tell (no UIDPLUS).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AppendResult {
    /// Its UID.
    pub uid: Option<u32>,
    /// Of its mailbox.
    pub uid_validity: Option<u32>,
}

/// Stores a message.
pub(crate) struct Append {
    mailbox: Mailbox,
    message: Bytes,
    flags: String,
    internal_date: Option<String>,
    /// Its header is not ASCII (RFC 6532).
    is_international: bool,
}

impl Append {
    pub(crate) fn new(mailbox: Mailbox, message: Bytes, options: &AppendOptions) -> Result<Self> {
        if message.is_empty() {
            return Err(Error::argument("message", "is empty"));
        }
        // RFC 9051 §4.3: a literal holds no NUL; servers cut the message there.
        if message.contains(&0) {
            return Err(Error::argument("message", "holds NUL, which IMAP cannot carry"));
        }
        let flags = match options.flags.as_deref() {
            None | Some([]) => String::new(),
            Some(flags) => argument::flag_list(flags)?,
        };
        let internal_date = options.internal_date.map(|at| date::date_time("internalDate", at)).transpose()?;
        let is_international = header(&message).iter().any(|octet| !octet.is_ascii());
        Ok(Self { mailbox, message, flags, internal_date, is_international })
    }
}

impl Command for Append {
    type Output = AppendResult;
    /// Twice would be two messages.
    const IDEMPOTENT: bool = false;

    async fn run(&self, link: &mut Link) -> Result<AppendResult> {
        let size = self.message.len() as u64;
        if let Some(limit) = link.view.capabilities.append_limit().filter(|limit| size > *limit) {
            return Err(Error::MessageTooLarge { size, limit });
        }
        let mut line = Line::new("APPEND").mailbox_arg(&link.wire_name(&self.mailbox)).slow();
        if !self.flags.is_empty() {
            line = line.arg(&self.flags);
        }
        if let Some(at) = &self.internal_date {
            line = line.arg(at);
        }
        let plain = line.clone().text(" ").literal(self.message.clone());
        // RFC 6855 §4: such a message goes in this form where there is one. Some servers have UTF8=ACCEPT without it: they
        // say BAD, Courier a NO that means nothing else; they have stored nothing, and take the message as it is.
        let answer = if self.is_international && link.accepts_utf8 {
            let utf8 = line.text(" UTF8 (~").literal(self.message.clone()).text(")");
            match link.run_quietly(&utf8).await {
                Err(Error::Refused { code: Code::CommandRejected, .. }) if link.takes_commands() => {
                    link.run_quietly(&plain).await
                }
                other => other,
            }
        } else {
            link.run_quietly(&plain).await
        };
        let done = answer.map_err(|error| named_mailbox(&self.mailbox, error))?;
        Ok(placed(&done))
    }
}

/// Up to the empty line.
fn header(message: &[u8]) -> &[u8] {
    let ends = |blank: &[u8]| message.windows(blank.len()).position(|at| at == blank);
    let end = [ends(b"\r\n\r\n"), ends(b"\n\n")].into_iter().flatten().min();
    message.get(..end.unwrap_or(message.len())).unwrap_or_default()
}

pub(super) fn placed(done: &Completion) -> AppendResult {
    match &done.code {
        Some(ResponseCode::AppendUid { uid_validity, uids }) => {
            AppendResult { uid: uids.iter().next(), uid_validity: Some(*uid_validity) }
        }
        _ => AppendResult::default(),
    }
}
