//! What a NO, a BAD or a BYE means: response codes first (RFC 5530, RFC 9051 §7.1), known sentences second.
//!
//! The sentences are those of servers that send no code. They are compared in lower case and only where the reply's
//! status already says that something was refused.

use std::time::Duration;

use async_imap::imap_proto::RequestId;
use email_base::{Code, ServerReply};

use super::link::{Link, Sink};
use super::reply;
use crate::command::line::Line;
use crate::error::{Error, Result};
use crate::grammar::{Completion, CompletionStatus};

/// Response code → row. What is missing here is `COMMAND_REJECTED`.
const CODES: &[(&str, Code)] = &[
    ("ALREADYEXISTS", Code::MailboxExists),
    ("AUTHENTICATIONFAILED", Code::AuthenticationFailed),
    ("AUTHORIZATIONFAILED", Code::AccessDenied),
    ("CONTACTADMIN", Code::BlockedByPolicy),
    ("CORRUPTION", Code::ServerUnavailable),
    ("EXPIRED", Code::AuthenticationFailed),
    ("INUSE", Code::ServerUnavailable),
    ("LIMIT", Code::RateLimited),
    ("NONEXISTENT", Code::MailboxNotFound),
    ("NOPERM", Code::AccessDenied),
    ("OVERQUOTA", Code::QuotaExceeded),
    ("PRIVACYREQUIRED", Code::MechanismUnavailable),
    ("SERVERBUG", Code::ServerUnavailable),
    ("THROTTLED", Code::RateLimited),
    ("TOOBIG", Code::MessageTooLarge),
    ("TRYCREATE", Code::MailboxNotFound),
    ("UNAVAILABLE", Code::ServerUnavailable),
];

/// Part of the text → row.
const SENTENCES: &[(&str, Code)] = &[
    // Exchange
    ("backoff time", Code::RateLimited),
    ("is throttled", Code::RateLimited),
    ("user is authenticated but not connected", Code::MailboxUnavailable),
    ("server unavailable", Code::ServerUnavailable),
    // Gmail, where the account or its organisation has switched IMAP off
    ("not enabled for imap", Code::MailboxUnavailable),
    // Gmail, Yahoo and others
    ("too many simultaneous connections", Code::RateLimited),
    ("too many connections", Code::RateLimited),
    (BANDWIDTH, Code::RateLimited),
    ("rate limit", Code::RateLimited),
    ("temporarily unavailable", Code::ServerUnavailable),
    ("temporary failure", Code::ServerUnavailable),
    ("quota exceeded", Code::QuotaExceeded),
    // Cyrus
    ("over quota", Code::QuotaExceeded),
    ("permission denied", Code::AccessDenied),
    // Mailboxes, on servers older than RFC 5530
    ("mailbox doesn't exist", Code::MailboxNotFound),
    ("mailbox does not exist", Code::MailboxNotFound),
    ("no such mailbox", Code::MailboxNotFound),
    ("unknown mailbox", Code::MailboxNotFound),
    ("mailbox already exists", Code::MailboxExists),
    // GNU Mailutils has the code where the text is
    ("[trycreate]", Code::MailboxNotFound),
];

/// 163 and 126 say so to SELECT when the client sent no ID.
const UNSAFE_LOGIN: &str = "unsafe login";

/// Exchange, once the session's token has expired, to whatever command. It says so in a BYE, too.
const SESSION_OVER: &[&str] = &["session invalidated", "accesstokenexpired"];

/// Gmail says it of what was downloaded today, with OVERQUOTA: nothing is full.
const BANDWIDTH: &str = "bandwidth limit";

/// A back-off longer than this is not a back-off: a day.
const MAX_BACKOFF: Duration = Duration::from_secs(24 * 60 * 60);

/// The row of a refusal.
pub(crate) fn row(reply: &ServerReply) -> Code {
    let text = reply.text.to_lowercase();
    let by_sentence = || SENTENCES.iter().find(|(part, _)| text.contains(part)).map(|(_, code)| *code);
    if text.contains(BANDWIDTH) {
        return Code::RateLimited;
    }
    row_of_code(reply).or_else(by_sentence).unwrap_or(Code::CommandRejected)
}

/// The same by the response code alone.
pub(crate) fn row_of_code(reply: &ServerReply) -> Option<Code> {
    let name = reply.code.as_deref()?;
    CODES.iter().find(|(code, _)| name.eq_ignore_ascii_case(code)).map(|(_, code)| *code)
}

/// The error of a refused command.
pub(crate) fn error(command: &'static str, reply: Box<ServerReply>) -> Error {
    if reply.text.to_lowercase().contains(UNSAFE_LOGIN) {
        return Error::UnsafeLogin(reply);
    }
    match row(&reply) {
        Code::MailboxUnavailable => Error::MailboxUnavailable(reply),
        code => Error::Refused { command, code, retry_after: backoff_time(&reply.text), reply },
    }
}

/// Whether the refusal means that the session is over, though the connection may still be there.
pub(super) fn ends_session(done: &Completion) -> bool {
    let text = done.text.to_lowercase();
    done.status != CompletionStatus::Ok && SESSION_OVER.iter().any(|part| text.contains(part))
}

/// The pause that a refusal asks for.
pub(super) fn pause(done: &Completion) -> Option<Duration> {
    if done.status == CompletionStatus::Ok { None } else { backoff_time(&done.text) }
}

/// Whether it is about how the command was written. Some servers say NO to that.
pub(crate) fn is_about_syntax(reply: &ServerReply) -> bool {
    let text = reply.text.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
    let wrong = ["unknown", "invalid", "illegal", "unsupported", "not supported", "unrecognized", "unrecognised"];
    reply.status == "BAD" || (has(&wrong) && has(&["command", "argument", "parameter"]))
}

impl Link {
    /// Waits for the completion of a command already sent; NO and BAD become the error.
    pub(crate) async fn answer(&mut self, tag: &RequestId, line: &Line, sink: Sink<'_>) -> Result<Completion> {
        let completion = self.completion(tag, line, sink).await?;
        match completion.status {
            CompletionStatus::Ok => Ok(completion),
            CompletionStatus::No | CompletionStatus::Bad => {
                Err(error(line.verb(), reply::of_completion(&completion, &self.view.scrub)))
            }
        }
    }

    /// [`Self::answer`] of a command that a server may refuse without harm: `None` then. That it wants a pause is no such
    /// refusal.
    pub(crate) async fn answer_or_refusal(
        &mut self,
        tag: &RequestId,
        line: &Line,
        sink: Sink<'_>,
    ) -> Result<Option<Completion>> {
        let completion = self.completion(tag, line, sink).await?;
        if completion.status == CompletionStatus::Ok {
            return Ok(Some(completion));
        }
        match error(line.verb(), reply::of_completion(&completion, &self.view.scrub)) {
            error if error.asks_for_pause() => Err(error),
            _ => Ok(None),
        }
    }
}

/// `Suggested Backoff Time: 299961 milliseconds`, as Exchange says it.
pub(crate) fn backoff_time(text: &str) -> Option<Duration> {
    let lower = text.to_lowercase();
    let (_, rest) = lower.split_once("backoff time:")?;
    let rest = rest.trim_start();
    let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = rest.split_at_checked(digits)?;
    let number: u64 = number.parse().ok()?;
    let time = match unit.trim_start() {
        unit if unit.starts_with("ms") || unit.starts_with("milli") => Duration::from_millis(number),
        _ => Duration::from_secs(number),
    };
    Some(time.min(MAX_BACKOFF))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn no(text: &str, code: Option<&str>) -> Box<ServerReply> {
        Box::new(ServerReply::new("NO", text, code.map(str::to_owned)))
    }

    #[test]
    fn replies_seen_in_the_field() {
        for (code, text, row_expected) in [
            (None, "Request is throttled. Suggested Backoff Time: 1000 milliseconds", Code::RateLimited),
            (Some("THROTTLED"), "slow down", Code::RateLimited),
            (Some("LIMIT"), "FETCH Rate limit hit.", Code::RateLimited),
            (None, "User is authenticated but not connected.", Code::MailboxUnavailable),
            (Some("ALERT"), "Your account is not enabled for IMAP use. (Failure)", Code::MailboxUnavailable),
            (Some("UNAVAILABLE"), "Temporary System Error", Code::ServerUnavailable),
            (Some("NONEXISTENT"), "Unknown Mailbox: x (Failure)", Code::MailboxNotFound),
            (Some("TRYCREATE"), "Mailbox doesn't exist: x", Code::MailboxNotFound),
            (None, "Mailbox doesn't exist: x", Code::MailboxNotFound),
            (Some("OVERQUOTA"), "Account exceeded bandwidth limits. (Failure)", Code::RateLimited),
            (Some("OVERQUOTA"), "Quota exceeded (mailbox for user is full)", Code::QuotaExceeded),
            (None, "APPEND [TRYCREATE] failed", Code::MailboxNotFound),
            (None, "Over quota", Code::QuotaExceeded),
            (None, "Permission denied", Code::AccessDenied),
            (Some("X-NEW"), "something else", Code::CommandRejected),
            (Some("noperm"), "Permission denied", Code::AccessDenied),
        ] {
            assert_eq!(row(&no(text, code)), row_expected, "{code:?} {text}");
        }
    }

    #[test]
    fn unsafe_login_comes_with_advice() {
        let error = error("SELECT", no("SELECT Unsafe Login. Please contact kefu@188.com for help", None));
        assert!(error.to_string().contains("clientId"), "{error}");
    }

    #[test]
    fn backoff_times() {
        assert_eq!(backoff_time("Suggested Backoff Time: 299961 milliseconds"), Some(Duration::from_millis(299_961)));
        assert_eq!(backoff_time("Suggested Backoff Time: 5 seconds"), Some(Duration::from_secs(5)));
        assert_eq!(backoff_time("Suggested Backoff Time: soon"), None);
        assert_eq!(backoff_time("Suggested Backoff Time: 99999999999999999999 ms"), None);
        assert_eq!(backoff_time("Suggested Backoff Time: 18446744073709551615 ms"), Some(MAX_BACKOFF));
        assert_eq!(backoff_time("no such words"), None);
    }
}
