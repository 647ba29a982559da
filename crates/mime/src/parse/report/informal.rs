//! Bounces in prose: qmail, Exim, old Exchange, and Chinese providers, which send no `message/delivery-status`.
//!
//! Only a message that comes from a mail system *and* says so in known words is taken for one: a person who writes
//! about a bounce has sent none.

use super::standard::action_of;
use super::{MAX_RECIPIENTS, one_line, returned_message_id, status_in};
use crate::message::{Report, ReportKind, ReportedRecipient};
use crate::parse::address;
use crate::parse::charset::Hint;
use crate::parse::header::Fields;
use crate::parse::ids;
use crate::parse::structure::Tree;

/// Text that is read; the copy of a bounced message may follow.
const MAX_TEXT: usize = 64 * 1024;

pub(super) fn read(tree: &Tree<'_>, fields: &Fields<'_>, subject: &str, text: &str) -> Option<Report> {
    let failed = fields.first("x-failed-recipients").map(|raw| address::list(raw, Hint::default())).unwrap_or_default();
    if failed.is_empty()
        && !(is_from_system(fields) && (says_bounce(subject) || says_bounce(text.get(..2000).unwrap_or(text))))
    {
        return None;
    }
    let mut end = text.len().min(MAX_TEXT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let text = text.get(..end).unwrap_or_default();
    let (notice, copy) = split_copy(text);
    let diagnostic = diagnostic(notice);
    let status = diagnostic.as_deref().and_then(status_in).or_else(|| status_in(notice));
    let addresses = if failed.is_empty() {
        addresses_in(notice, fields)
    } else {
        failed.into_iter().map(|a| a.address.into()).collect()
    };
    let recipients = addresses.into_iter().take(MAX_RECIPIENTS).map(|address| ReportedRecipient {
        address,
        action: if is_delay(subject) { "delayed".to_owned() } else { action_of(status.as_deref()).to_owned() },
        status: status.clone(),
        diagnostic: diagnostic.clone(),
    });
    let recipients: Vec<_> = recipients.collect();
    let original_message_id = returned_message_id(tree).or_else(|| message_id_in(copy)).or_else(|| in_reply_to(fields));
    (!recipients.is_empty()).then_some(Report { kind: ReportKind::DeliveryStatus, recipients, original_message_id })
}

fn in_reply_to(fields: &Fields<'_>) -> Option<String> {
    fields.first("in-reply-to").and_then(ids::one)
}

/// The null reverse path, or a mail system's name as the author.
fn is_from_system(fields: &Fields<'_>) -> bool {
    const NAMES: &[&str] =
        &["mailer-daemon", "postmaster", "mail-daemon", "mdaemon", "mailerdaemon", "bounce", "mailer"];
    let null_path = fields.first("return-path").is_some_and(|p| p.trim_ascii() == b"<>");
    let from = fields.first("from").map(|raw| address::list(raw, Hint::default())).unwrap_or_default();
    let local =
        from.first().map(|a| a.address.split('@').next().unwrap_or_default().to_ascii_lowercase()).unwrap_or_default();
    null_path || NAMES.iter().any(|n| local.starts_with(n))
}

fn says_bounce(text: &str) -> bool {
    const WORDS: &[&str] = &[
        "qmail-send program",
        "created automatically by mail delivery software",
        "could not be delivered",
        "couldn't be delivered",
        "delivery has failed to these recipients",
        "undelivered mail returned to sender",
        "undeliverable",
        "delivery status notification (failure)",
        "delivery failure",
        "delivery failed",
        "failure notice",
        "returned mail",
        "mail delivery failed",
        "message not delivered",
        "unzustellbar",
        "konnte nicht zugestellt werden",
        "non remis",
        "n'a pas pu être",
        "no se puede entregar",
        "no se pudo entregar",
        "não foi possível entregar",
        "退信",
        "退回",
        "投递失败",
        "发送失败",
        "无法送达",
        "未能送达",
        "無法傳遞",
        "配信不能",
        "送信できませんでした",
        "未達",
        "반송",
        "전송 실패",
        "не доставлено",
        "недоставленное",
        "warning: message",
        "delivery temporarily suspended",
        "delayed",
    ];
    let lower = text.to_lowercase();
    WORDS.iter().any(|w| lower.contains(w))
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

/// Addresses that the notice names, without the one it is written to and without its author's.
fn addresses_in(notice: &str, fields: &Fields<'_>) -> Vec<String> {
    let own: Vec<String> = ["to", "from", "delivered-to", "return-path"]
        .iter()
        .flat_map(|name| fields.all(name))
        .flat_map(|raw| address::list(raw, Hint::default()))
        .map(|a| a.address.to_lowercase())
        .collect();
    let mut found: Vec<String> = Vec::new();
    for word in notice.split(|c: char| c.is_whitespace() || "<>\"'(),;[]（）《》，。；：“”【】|".contains(c))
    {
        let word = word.trim_start_matches("mailto:").trim_end_matches([':', '.', '!', '?']);
        let is_address = word.len() < 255
            && word.split_once('@').is_some_and(|(local, domain)| {
                !local.is_empty()
                    && domain.contains('.')
                    && !domain.contains('@')
                    && domain.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.".contains(&b))
            });
        if is_address && !own.contains(&word.to_lowercase()) && !found.iter().any(|f| f.eq_ignore_ascii_case(word)) {
            found.push(word.to_owned());
        }
        // One cause, one recipient, as a rule; a notice that names dozens lists them first.
        if found.len() >= 50 {
            break;
        }
    }
    found
}

/// The first line with a reply code (RFC 5321 §4.2) or an enhanced one, and the line after it.
fn diagnostic(notice: &str) -> Option<String> {
    let has_code = |line: &str| {
        status_in(line).is_some()
            || line.split(|c: char| !c.is_ascii_alphanumeric()).any(|w| {
                w.len() == 3
                    && matches!(w.as_bytes().first(), Some(b'4' | b'5'))
                    && w.bytes().all(|b| b.is_ascii_digit())
            })
    };
    let mut lines = notice.lines().map(str::trim).filter(|l| !l.is_empty());
    one_line(lines.find(|l| has_code(l))?)
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
}
