//! What a 4yz or 5yz reply means: one table, first fitting row wins.
//!
//! Servers agree on the three digits only roughly (RFC 5321 §4.2.3), on the enhanced status (RFC 3463) a little more;
//! the rows above the last group are what Exchange Online, Gmail, Postfix and Tencent are known to say.

use email_base::Code;

use crate::phase::Phase;
use crate::reply::Reply;

/// By what the session signed in, or was about to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    /// Without credentials.
    Nobody,
    /// User and password.
    Password,
    /// OAuth 2.0 access token.
    Token,
}

/// The code for a negative `reply` to what was done in `phase`.
pub(crate) fn classify(reply: &Reply, phase: Phase, who: Who) -> Code {
    let status = reply.code.to_string();
    let enhanced = reply.enhanced().unwrap_or_default();
    let text = reply.text().to_ascii_lowercase();
    ROWS.iter()
        .find(|row| {
            row.at.contains(phase)
                && status.starts_with(row.status)
                && row.enhanced.fits(enhanced)
                && text.contains(row.text)
                && row.who.is_none_or(|w| w == who)
        })
        .map_or(Code::CommandRejected, |row| row.code)
}

#[derive(Debug, Clone, Copy)]
enum At {
    Any,
    Auth,
    Sender,
    Recipient,
    /// DATA and what follows.
    Message,
    /// Anything between MAIL and the reply to the final dot.
    Transaction,
}

impl At {
    fn contains(self, phase: Phase) -> bool {
        let message = matches!(phase, Phase::Data | Phase::Content | Phase::Dot);
        match self {
            Self::Any => true,
            Self::Auth => phase == Phase::Auth,
            Self::Sender => phase == Phase::Mail,
            Self::Recipient => phase == Phase::Rcpt,
            Self::Message => message,
            Self::Transaction => message || matches!(phase, Phase::Mail | Phase::Rcpt),
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Enhanced {
    /// Whatever it is.
    Any,
    /// The reply has none.
    None,
    /// This one.
    Is(&'static str),
}

impl Enhanced {
    fn fits(self, enhanced: &str) -> bool {
        match self {
            Self::Any => true,
            Self::None => enhanced.is_empty(),
            Self::Is(status) => enhanced == status,
        }
    }
}

struct Row {
    at: At,
    /// How the three digits begin.
    status: &'static str,
    enhanced: Enhanced,
    /// Held by the text, in lower case.
    text: &'static str,
    who: Option<Who>,
    code: Code,
}

const fn row(at: At, status: &'static str, enhanced: Enhanced, text: &'static str, code: Code) -> Row {
    Row { at, status, enhanced, text, who: None, code }
}

const fn row_for(who: Who, at: At, status: &'static str, enhanced: Enhanced, code: Code) -> Row {
    Row { at, status, enhanced, text: "", who: Some(who), code }
}

use Enhanced::Is;

#[rustfmt::skip]
const ROWS: &[Row] = &[
    // ── Exchange Online, signing in
    row(At::Any, "535", Is("5.7.139"), "basic authentication is disabled", Code::MechanismUnavailable),
    row(At::Any, "535", Is("5.7.139"), "security defaults", Code::BlockedByPolicy),
    row(At::Any, "535", Is("5.7.139"), "did not meet the criteria", Code::BlockedByPolicy),
    Row { at: At::Any, status: "535", enhanced: Is("5.7.139"), text: "credentials were incorrect", who: Some(Who::Password), code: Code::AuthenticationFailed },
    Row { at: At::Any, status: "535", enhanced: Is("5.7.139"), text: "credentials were incorrect", who: Some(Who::Token), code: Code::TokenRefused },
    row(At::Any, "535", Is("5.7.139"), "", Code::SmtpAuthDisabled),
    // The token is stale, or signs in somebody else than the mailbox named: Exchange says the same of both. Either way
    // it is the user who links the right mailbox again.
    row_for(Who::Token, At::Auth, "535", Is("5.7.3"), Code::TokenRefused),
    row(At::Any, "550", Is("5.7.30"), "", Code::MechanismUnavailable),
    row(At::Any, "530", Is("5.7.57"), "", Code::MechanismUnavailable),
    // ── Exchange Online, sending
    row(At::Any, "", Is("5.7.60"), "", Code::SenderDenied),
    row(At::Any, "5", Enhanced::Any, "sendasdenied", Code::SenderDenied),
    row(At::Any, "5", Is("5.1.8"), "", Code::SenderDenied),
    row(At::Any, "5", Enhanced::Any, "bad outbound sender", Code::SenderDenied),
    row(At::Any, "432", Enhanced::Any, "", Code::RateLimited),
    row(At::Any, "4", Is("4.3.2"), "storedrv", Code::RateLimited),
    row(At::Any, "4", Is("4.3.2"), "limit exceeded", Code::RateLimited),
    row(At::Any, "5", Enhanced::Any, "submissionquotaexceeded", Code::QuotaExceeded),
    row(At::Any, "5", Is("5.7.705"), "", Code::QuotaExceeded),
    // ── Gmail
    row(At::Any, "5", Is("5.4.5"), "", Code::QuotaExceeded),
    row(At::Any, "4", Is("4.7.28"), "", Code::RateLimited),
    row(At::Auth, "4", Enhanced::Any, "too many login attempts", Code::RateLimited),
    row_for(Who::Password, At::Auth, "534", Enhanced::Any, Code::AuthenticationFailed),
    // ── Rates, in words
    row(At::Any, "", Enhanced::Any, "too many connections", Code::RateLimited),
    row(At::Any, "", Enhanced::Any, "too many messages", Code::RateLimited),
    row(At::Any, "", Enhanced::Any, "rate limit", Code::RateLimited),
    row(At::Any, "", Enhanced::Any, "frequency limited", Code::RateLimited),
    // ── Sizes and room: at RCPT it is the recipient's mailbox that is full
    row(At::Transaction, "5", Is("5.3.4"), "", Code::MessageTooLarge),
    row(At::Transaction, "5", Is("5.2.3"), "", Code::MessageTooLarge),
    row(At::Sender, "5", Is("5.2.2"), "", Code::QuotaExceeded),
    row(At::Message, "5", Is("5.2.2"), "", Code::QuotaExceeded),
    row(At::Message, "552", Enhanced::None, "quota", Code::QuotaExceeded),
    row(At::Sender, "552", Enhanced::None, "", Code::MessageTooLarge),
    row(At::Message, "552", Enhanced::None, "", Code::MessageTooLarge),
    // ── Who: Postfix judges the sender only when the first recipient is named
    row(At::Recipient, "5", Enhanced::Any, "sender address rejected", Code::SenderDenied),
    row(At::Transaction, "530", Enhanced::Any, "", Code::MechanismUnavailable),
    row(At::Auth, "50", Enhanced::Any, "", Code::MechanismUnavailable),
    row(At::Auth, "53", Is("5.7.11"), "", Code::MechanismUnavailable),
    row(At::Auth, "530", Enhanced::Any, "", Code::MechanismUnavailable),
    row(At::Auth, "538", Enhanced::Any, "", Code::MechanismUnavailable),
    row(At::Auth, "534", Enhanced::Any, "", Code::MechanismUnavailable),
    row_for(Who::Token, At::Auth, "5", Enhanced::Any, Code::TokenRefused),
    row_for(Who::Password, At::Auth, "5", Enhanced::Any, Code::AuthenticationFailed),
    // ── What the digits alone say
    row(At::Any, "4", Enhanced::Any, "", Code::ServerUnavailable),
    row(At::Transaction, "555", Enhanced::Any, "", Code::CommandRejected),
    row(At::Sender, "50", Is("5.1.7"), "", Code::SenderDenied),
    row(At::Sender, "50", Enhanced::Any, "", Code::CommandRejected),
    row(At::Sender, "5", Enhanced::Any, "", Code::SenderDenied),
    row(At::Recipient, "5", Enhanced::Any, "", Code::RecipientRejected),
    row(At::Message, "554", Enhanced::Any, "no valid recipients", Code::RecipientRejected),
    row(At::Message, "5", Enhanced::Any, "", Code::MessageRejected),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn code(phase: Phase, who: Who, line: &str) -> Code {
        let (code, _, text) = crate::reply::split(line).unwrap();
        classify(&Reply { code, lines: vec![text.to_owned()] }, phase, who)
    }

    #[test]
    #[rustfmt::skip]
    fn what_providers_say() {
        use Phase::{Auth, Data, Dot, Greeting, Mail, Rcpt};
        use Who::{Nobody, Password, Token};
        for (phase, who, line, expected) in [
            (Auth, Token, "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant. Visit https://aka.ms/smtp_auth_disabled", Code::SmtpAuthDisabled),
            (Auth, Password, "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Mailbox.", Code::SmtpAuthDisabled),
            (Auth, Password, "535 5.7.139 Authentication unsuccessful, basic authentication is disabled.", Code::MechanismUnavailable),
            (Auth, Password, "535 5.7.139 Authentication unsuccessful, the user credentials were incorrect.", Code::AuthenticationFailed),
            (Auth, Password, "535 5.7.139 Authentication unsuccessful, user is locked by your organization's security defaults policy.", Code::BlockedByPolicy),
            (Auth, Token, "535 5.7.3 Authentication unsuccessful [AM0PR.prod.outlook.com]", Code::TokenRefused),
            (Auth, Password, "535 5.7.3 Authentication unsuccessful", Code::AuthenticationFailed),
            (Auth, Password, "550 5.7.30 Basic authentication is not supported for Client Submission.", Code::MechanismUnavailable),
            (Mail, Nobody, "530 5.7.57 Client not authenticated to send mail.", Code::MechanismUnavailable),
            (Dot, Token, "550 5.7.60 SMTP; Client does not have permissions to send as this sender", Code::SenderDenied),
            (Dot, Token, "554 5.2.252 SendAsDenied; a@b not allowed to send as c@d; STOREDRV.Submission.Exception:SendAsDeniedException", Code::SenderDenied),
            (Mail, Token, "432 4.3.2 Concurrent connections limit exceeded. Visit https://aka.ms/concurrent_sending", Code::RateLimited),
            (Dot, Token, "451 4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded", Code::RateLimited),
            (Greeting, Token, "421 4.3.2 Service not active", Code::ServerUnavailable),
            (Dot, Token, "554 5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException; Failed to process message", Code::QuotaExceeded),
            (Dot, Token, "554 5.2.2 mailbox full", Code::QuotaExceeded),
            (Rcpt, Token, "552 5.2.2 Over quota", Code::RecipientRejected),
            (Dot, Token, "550 5.4.5 Daily user sending limit exceeded.", Code::QuotaExceeded),
            (Auth, Password, "454 4.7.0 Too many login attempts, please try again later.", Code::RateLimited),
            (Auth, Password, "534 5.7.9 Application-specific password required.", Code::AuthenticationFailed),
            (Auth, Token, "535 5.7.8 Username and Password not accepted.", Code::TokenRefused),
            (Auth, Password, "535 Login Fail. Please enter your authorization code to login.", Code::AuthenticationFailed),
            (Auth, Password, "504 5.5.4 Unrecognized authentication type", Code::MechanismUnavailable),
            (Auth, Token, "454 4.7.0 Temporary authentication failure", Code::ServerUnavailable),
            (Dot, Token, "552 5.7.0 This message was blocked because its content presents a potential security issue.", Code::MessageRejected),
            (Mail, Token, "552 5.3.4 Message size exceeds fixed limit", Code::MessageTooLarge),
            (Dot, Token, "552 message too big", Code::MessageTooLarge),
            (Rcpt, Token, "553 5.7.1 <c@d>: Sender address rejected: not owned by user a@b", Code::SenderDenied),
            (Rcpt, Token, "550 5.1.1 User unknown", Code::RecipientRejected),
            (Rcpt, Token, "451 4.7.1 Greylisted", Code::ServerUnavailable),
            (Mail, Token, "550 no", Code::SenderDenied),
            (Mail, Token, "503 5.5.1 bad sequence", Code::CommandRejected),
            (Dot, Token, "554 DT:SPM 163 smtp", Code::MessageRejected),
            (Data, Token, "554 5.5.1 Error: no valid recipients", Code::RecipientRejected),
            (Dot, Password, "550 Ip frequency limited", Code::RateLimited),
            (Dot, Token, "421 4.4.2 timeout", Code::ServerUnavailable),
            (Greeting, Nobody, "554 No SMTP service here", Code::CommandRejected),
        ] {
            assert_eq!(code(phase, who, line), expected, "{phase:?} {who:?} {line}");
        }
    }

    /// What the facts about Microsoft 365 and Gmail name, down to what a person is told to do.
    #[test]
    #[rustfmt::skip]
    fn every_known_refusal_says_who_has_to_act() {
        use Phase::{Auth, Dot, Greeting, Mail, Rcpt};
        use Who::{Password, Token};
        for (phase, who, line, category, action, retryable, advice) in [
            (Auth, Token, "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant.", "permission", "ask-admin", false, "turns on Authenticated SMTP"),
            (Auth, Password, "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Mailbox.", "permission", "ask-admin", false, "turns on Authenticated SMTP"),
            (Auth, Password, "535 5.7.139 Authentication unsuccessful, basic authentication is disabled.", "auth", "fix-config", false, "Use OAuth"),
            (Auth, Token, "535 5.7.139 Authentication unsuccessful, the request did not meet the criteria to be authenticated successfully.", "permission", "ask-admin", false, "sign-in log"),
            (Auth, Token, "535 5.7.3 Authentication unsuccessful [AM0PR.prod.outlook.com]", "auth", "reauthorize", false, "links the mailbox again"),
            (Auth, Password, "535 5.7.3 Authentication unsuccessful", "auth", "reauthorize", false, "password"),
            (Auth, Password, "550 5.7.30 Basic authentication is not supported for Client Submission.", "auth", "fix-config", false, "Use OAuth"),
            (Mail, Token, "530 5.7.57 Client not authenticated to send mail.", "auth", "fix-config", false, "OAuth"),
            (Dot, Token, "550 5.7.60 SMTP; Client does not have permissions to send as this sender", "permission", "ask-admin", false, "send-as right"),
            (Dot, Token, "554 5.2.252 SendAsDenied; a@b not allowed to send as c@d", "permission", "ask-admin", false, "own address"),
            (Auth, Token, "432 4.3.2 Concurrent connections limit exceeded.", "rate-limit", "retry", true, "retryAfterMs"),
            (Dot, Token, "432 4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded", "rate-limit", "retry", true, "retryAfterMs"),
            (Dot, Token, "554 5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException", "quota", "ask-admin", false, "allowance"),
            (Dot, Token, "554 5.2.2 mailbox full", "quota", "ask-admin", false, "Free space"),
            (Rcpt, Token, "550 5.1.1 User unknown", "rejected", "fix-input", false, "Correct the address"),
            (Rcpt, Token, "550 5.4.1 Recipient address rejected: Access denied", "rejected", "fix-input", false, "Correct the address"),
            (Mail, Token, "552 5.3.4 Message size exceeds fixed limit", "limit", "fix-input", false, "smaller attachments"),
            (Mail, Token, "451 4.7.500 Server busy. Please try again later", "rejected", "retry", true, "later"),
            (Greeting, Token, "421 4.3.2 Service not active", "rejected", "retry", true, "later"),
            (Dot, Token, "421 4.4.2 Message submission rate for this client has exceeded the configured limit", "rejected", "retry", true, "later"),
            (Auth, Password, "535 5.7.8 Username and Password not accepted.", "auth", "reauthorize", false, "app password"),
            (Auth, Password, "534 5.7.9 Application-specific password required.", "auth", "reauthorize", false, "app password"),
            (Auth, Token, "454 4.7.0 Too many login attempts, please try again later.", "rate-limit", "retry", true, "retryAfterMs"),
            (Dot, Token, "550 5.4.5 Daily user sending limit exceeded.", "quota", "ask-admin", false, "allowance"),
            (Dot, Token, "552 5.7.0 This message was blocked because its content presents a potential security issue.", "rejected", "fix-input", false, "do not resend unchanged"),
        ] {
            let entry = code(phase, who, line).entry();
            let said = (entry.category.as_str(), entry.action.as_str(), entry.retryable);
            assert_eq!(said, (category, action, retryable), "{line}");
            assert!(entry.remedy.contains(advice), "{line}: {}", entry.remedy);
        }
    }

    #[test]
    fn every_transient_reply_may_be_tried_again() {
        use Phase::{Auth, Data, Dot, Ehlo, Greeting, Mail, Noop, Rcpt, Reset};
        for phase in [Greeting, Ehlo, Auth, Mail, Rcpt, Data, Dot, Reset, Noop] {
            for status in [421, 432, 450, 451, 452, 454, 455, 471] {
                let code = code(phase, Who::Token, &format!("{status} 4.0.0 later"));
                assert!(code.entry().retryable, "{phase:?} {status} {code:?}");
            }
        }
    }
}
