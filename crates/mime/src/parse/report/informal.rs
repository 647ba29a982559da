//! Bounces in prose: qmail, Exim, old Exchange, and Chinese providers, which send no `message/delivery-status`.
//!
//! Only a message that comes from a mail system *and* says so in known words is taken for one: a person who writes
//! about a bounce has sent none, nor has one whose answer is automatic.

mod evidence;
mod recipients;

use super::standard::action_of;
use super::{MAX_RECIPIENTS, returned_message_id, status_in};
use crate::message::{Report, ReportKind, ReportedRecipient};
use crate::parse::address;
use crate::parse::charset::Hint;
use crate::parse::header::Fields;
use crate::parse::ids;
use crate::parse::structure::Tree;

/// Text that is read; the copy of a bounced message may follow.
const MAX_TEXT: usize = 64 * 1024;

pub(super) fn read(tree: &Tree<'_>, fields: &Fields<'_>, subject: &str, text: &str) -> Option<Report> {
    let listed = fields.first("x-failed-recipients").map(|raw| address::list(raw, Hint::default())).unwrap_or_default();
    let sender = evidence::sender(fields);
    if listed.is_empty() && sender.is_none() {
        return None;
    }
    let (notice, copy) = split_copy(prefix(text, MAX_TEXT));
    let is_listed = !listed.is_empty();
    let addresses = if is_listed {
        listed.into_iter().take(MAX_RECIPIENTS).map(|a| a.address.into()).collect()
    } else {
        recipients::named(notice, fields)
    };
    let failed = recipients::explained(notice, addresses);
    let shared = recipients::shared_diagnostic(notice, &failed);
    let reply = match &shared {
        _ if failed.iter().any(|one| one.diagnostic.is_some()) => evidence::Reply::BesideRecipient,
        Some(_) => evidence::Reply::Somewhere,
        None => evidence::Reply::None,
    };
    if !is_listed && !sender.is_some_and(|sender| evidence::is_bounce(sender, subject, text, reply)) {
        return None;
    }
    let recipients = failed.into_iter().map(|one| {
        let diagnostic = one.diagnostic.or_else(|| shared.clone());
        let status = diagnostic.as_deref().and_then(status_in);
        ReportedRecipient {
            address: one.address,
            action: if is_delay(subject) { "delayed".to_owned() } else { action_of(status.as_deref()).to_owned() },
            status,
            diagnostic,
        }
    });
    let recipients: Vec<_> = recipients.collect();
    let original_message_id = returned_message_id(tree).or_else(|| message_id_in(copy)).or_else(|| in_reply_to(fields));
    (!recipients.is_empty()).then_some(Report { kind: ReportKind::DeliveryStatus, recipients, original_message_id })
}

/// The start of `text`, `max` octets or less.
fn prefix(text: &str, max: usize) -> &str {
    let mut end = text.len().min(max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

fn in_reply_to(fields: &Fields<'_>) -> Option<String> {
    fields.first("in-reply-to").and_then(ids::one)
}

fn is_delay(subject: &str) -> bool {
    let lower = subject.to_lowercase();
    ["delay", "warning: message", "verzögert", "延迟", "延遲", "遅延"].iter().any(|w| lower.contains(w))
}

/// The notice, and the copy of the message below it.
fn split_copy(text: &str) -> (&str, &str) {
    const MARKS: &[&str] = &[
        "--- Below this line is a copy of the message",
        "------ This is a copy of",
        "--- Original message",
        "----- Original message -----",
        "---- Unsent message",
        "----- Message header follows",
        "--- The header of the original message",
        "Original message headers:",
        "原邮件信息",
        "原始邮件",
        "--- Enclosed is a copy",
    ];
    match MARKS.iter().filter_map(|mark| text.find(mark)).min() {
        Some(at) => text.split_at(at),
        None => (text, text),
    }
}

fn message_id_in(text: &str) -> Option<String> {
    let line = text.lines().find(|l| l.get(..11).is_some_and(|p| p.eq_ignore_ascii_case("message-id:")))?;
    ids::one(line.get(11..)?.as_bytes())
}

#[cfg(test)]
mod tests {
    use crate::{ParseOptions, Report, parse};

    fn report(message: &str) -> Option<Report> {
        parse(message.as_bytes(), &ParseOptions::default()).report
    }

    fn summary(message: &str) -> (String, String, Option<String>, Option<String>) {
        let report = report(message).unwrap();
        assert_eq!(report.recipients.len(), 1, "{report:?}");
        let first = report.recipients[0].clone();
        (first.address, first.action, first.status, report.original_message_id)
    }

    #[test]
    fn qmail() {
        let got = summary(
            "Return-Path: <>\nFrom: MAILER-DAEMON@mx.example.org\nTo: ada@example.com\nSubject: failure notice\n\n\
             Hi. This is the qmail-send program at mx.example.org.\nI'm afraid I wasn't able to deliver your message.\n\n\
             <nobody@example.net>:\n192.0.2.1 does not like recipient.\nRemote host said: 550 5.1.1 No such user\n\n\
             --- Below this line is a copy of the message.\n\nReturn-Path: <ada@example.com>\nMessage-ID: <m1@example.com>\nTo: nobody@example.net\n",
        );
        assert_eq!(
            got,
            ("nobody@example.net".into(), "failed".into(), Some("5.1.1".into()), Some("<m1@example.com>".into()))
        );
    }

    #[test]
    fn exim_names_the_recipient_in_a_field() {
        let got = summary(
            "X-Failed-Recipients: gone@example.net\nFrom: Mail Delivery System <Mailer-Daemon@a.example>\nTo: ada@example.com\n\
             Subject: Mail delivery failed: returning message to sender\n\nThis message was created automatically by mail delivery software.\n\n\
             gone@example.net\n  host mx.example.net: 550 unknown user\n\n------ This is a copy of the message ------\n\nMessage-Id: <m2@example.com>\n",
        );
        assert_eq!(got, ("gone@example.net".into(), "failed".into(), None, Some("<m2@example.com>".into())));
    }

    #[test]
    fn a_chinese_provider() {
        let got = summary(
            "From: Postmaster@163.com\nTo: ada@example.com\nSubject: =?utf-8?B?57O757uf6YCA5L+h?=\nContent-Type: text/html; charset=utf-8\n\n\
             <p>抱歉，您的邮件被退回来了……</p><table><tr><td>收件人</td><td>nobody@qq.com</td></tr><tr><td>退信原因</td>\
             <td>SMTP error, RCPT TO: 550 5.1.1 Mailbox not found</td></tr></table>",
        );
        assert_eq!((got.0.as_str(), got.2.as_deref()), ("nobody@qq.com", Some("5.1.1")));
    }

    #[test]
    fn a_person_who_writes_about_a_bounce_has_sent_none() {
        assert_eq!(
            report("From: bob@example.com\nSubject: Mail delivery failed\n\n550 5.1.1 for nobody@example.net\n"),
            None
        );
        assert_eq!(report("From: postmaster@example.com\nSubject: Welcome\n\nHi ada@example.com, call 555.\n"), None);
    }

    fn all(message: &str) -> Vec<(String, Option<String>, Option<String>)> {
        let recipients = report(message).map(|r| r.recipients).unwrap_or_default();
        recipients.into_iter().map(|r| (r.address, r.status, r.diagnostic)).collect()
    }

    fn row(address: &str, status: Option<&str>, text: &str) -> (String, Option<String>, Option<String>) {
        (address.to_owned(), status.map(str::to_owned), Some(text.to_owned()))
    }

    const EXIM: &str = "X-Failed-Recipients: a@example.net, b@example.org\nAuto-Submitted: auto-replied\n\
        From: Mail Delivery System <Mailer-Daemon@a.example>\nTo: ada@contoso.example\nSubject: Mail delivery failed\n\n\
        This message was created automatically by mail delivery software.\n\n";

    #[test]
    fn exim_says_of_each_recipient_what_went_wrong() {
        let short = format!("{EXIM}  a@example.net: 550 5.1.1 No such user\n  b@example.org: 552 5.2.2 Mailbox full\n");
        let expected = [
            row("a@example.net", Some("5.1.1"), "550 5.1.1 No such user"),
            row("b@example.org", Some("5.2.2"), "552 5.2.2 Mailbox full"),
        ];
        assert_eq!(all(&short), expected);
        let long = format!(
            "{EXIM}  a@example.net\n    host mx.example.net [192.0.2.1]\n    SMTP error from remote mail server after RCPT TO:<a@example.net>:\n\
             \x20   550 5.1.1 No such user\n  b@example.org\n    host mx.example.org [192.0.2.2]\n    SMTP error after RCPT TO:<b@example.org>:\n\
             \x20   552 5.2.2 Mailbox full\n"
        );
        assert_eq!(all(&long), expected);
    }

    #[test]
    fn qmail_says_of_each_recipient_what_went_wrong() {
        let got = all(
            "Return-Path: <>\nFrom: MAILER-DAEMON@mx.example.org\nTo: ada@example.com\nSubject: failure notice\n\n\
             Hi. This is the qmail-send program at mx.example.org.\n\n<a@x.example>:\nRemote host said: 550 5.1.1 No such user\n\n\
             <b@y.example>:\nUser quota exceeded. (#5.2.2)\n\n--- Below this line is a copy of the message.\n\nTo: cy@example.net\n",
        );
        assert_eq!(
            got,
            [
                row("a@x.example", Some("5.1.1"), "Remote host said: 550 5.1.1 No such user"),
                row("b@y.example", Some("5.2.2"), "User quota exceeded. (#5.2.2)"),
            ]
        );
    }

    #[test]
    fn a_reply_before_its_recipient_and_one_for_a_list() {
        let got = |text: &str| {
            all(&format!("From: MAILER-DAEMON@mx.example\nTo: ada@example.com\nSubject: Undeliverable: Plan\n\n{text}"))
        };
        let expected = [
            row("a@x.example", Some("5.1.1"), "550 5.1.1 <a@x.example>... User unknown"),
            row("b@y.example", Some("5.2.2"), "552 5.2.2 <b@y.example>... Mailbox full"),
        ];
        let each = "550 5.1.1 <a@x.example>... User unknown\n552 5.2.2 <b@y.example>... Mailbox full\n";
        assert_eq!(got(each), expected);
        let list = "Your message could not be delivered to:\n\nRecipient: a@x.example\nRecipient: b@y.example\n\nReason: 550 5.7.1 Refused\n";
        assert_eq!(
            got(list),
            [
                row("a@x.example", Some("5.7.1"), "Reason: 550 5.7.1 Refused"),
                row("b@y.example", Some("5.7.1"), "Reason: 550 5.7.1 Refused")
            ]
        );
        let above = "552 5.3.4 Message too big\n\nnot sent to\na@x.example (in the first try)\nb@y.example (in the second try)\n";
        assert_eq!(got(above).into_iter().filter_map(|(_, status, _)| status).collect::<Vec<_>>(), ["5.3.4", "5.3.4"]);
    }

    #[test]
    fn whom_to_ask_is_no_failed_recipient() {
        let notice = |contact: &str| {
            let got = all(&format!(
                "From: Postmaster@contoso.example\nTo: ada@example.com\nSubject: 系统退信/Systems bounce\nContent-Type: text/plain; charset=utf-8\n\n\
                 您好，ada@example.com\n\n您发送的邮件被退回。\n\n收件人：nobody@contoso.example\n\
                 退信原因：550 User not found: nobody@contoso.example\n{contact}\n"
            ));
            assert_eq!(
                got,
                [row("nobody@contoso.example", None, "退信原因：550 User not found: nobody@contoso.example")],
                "{contact}"
            );
        };
        notice("如有疑问请联系 support@coremail.example");
        notice("如有疑问请联系support@coremail.example或致电客服");
        notice("If you have any questions that this notice does not answer, please contact\nhelp@coremail.example.");
        notice("詳細は support@coremail.example までご連絡ください");
    }
}
