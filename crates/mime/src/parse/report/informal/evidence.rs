//! Whether prose is a bounce: who wrote it, and whether it *says* that a message was not delivered.
//!
//! Ordinary mail speaks of delays and returned letters, too, and automatic answers come with the null path (RFC 3834
//! §3.3). A single word is therefore never enough.

use super::prefix;
use crate::parse::address;
use crate::parse::charset::Hint;
use crate::parse::header::Fields;

/// A mail system says first what it is about.
const OPENING: usize = 2_000;

/// Who may have sent a bounce.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sender {
    /// A mail system, by its name.
    System,
    /// Nobody who wants an answer: a mail system, or somebody's automatic answer.
    NullPath,
}

pub(super) fn sender(fields: &Fields<'_>) -> Option<Sender> {
    let from = fields.first("from").map(|raw| address::list(raw, Hint::default())).unwrap_or_default();
    let local =
        from.first().map(|a| a.address.split('@').next().unwrap_or_default().to_ascii_lowercase()).unwrap_or_default();
    let is_daemon = matches!(local.as_str(), "mailer-daemon" | "mail-daemon" | "mailerdaemon" | "mdaemon");
    // Exim and Postfix put the same word on their reports (RFC 3834 §5), but no person is called like them.
    let is_reply = fields.first("auto-submitted").is_some_and(|raw| {
        let kind = raw.trim_ascii();
        kind.get(..12).is_some_and(|k| k.eq_ignore_ascii_case(b"auto-replied"))
    });
    if is_daemon {
        Some(Sender::System)
    } else if is_reply {
        None
    } else if local == "postmaster" || is_exchange(&local) {
        Some(Sender::System)
    } else {
        fields.first("return-path").filter(|p| p.trim_ascii() == b"<>").map(|_| Sender::NullPath)
    }
}

/// `MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e`.
fn is_exchange(local: &str) -> bool {
    local
        .strip_prefix("microsoftexchange")
        .is_some_and(|id| id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// Where the notice holds an SMTP reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reply {
    None,
    Somewhere,
    BesideRecipient,
}

pub(super) fn is_bounce(sender: Sender, subject: &str, text: &str, reply: Reply) -> bool {
    let opening = flowing(prefix(text, OPENING));
    let says = asserts(&opening, WORDS);
    let is_beside = reply == Reply::BesideRecipient;
    asserts(&opening, SENTENCES)
        || match sender {
            Sender::System => is_title(subject) && (says || reply != Reply::None) || says && is_beside,
            Sender::NullPath => is_beside && (says || is_title(subject)),
        }
}

/// How subjects of bounces begin; an answer to one, or a letter about one, begins otherwise.
fn is_title(subject: &str) -> bool {
    const TITLES: &[&str] = &[
        "undeliver",
        "delivery status notification",
        "delivery failure",
        "delivery failed",
        "delivery has failed",
        "delivery notification",
        "delivery delay",
        "failure notice",
        "returned mail",
        "mail delivery fail",
        "mail system error",
        "message not delivered",
        "message undeliverable",
        "message delivery fail",
        "nondeliverable",
        "non-deliver",
        "warning: message",
        "warning: could not send message",
        "delayed mail",
        "unzustellbar",
        "nicht zustellbar",
        "non remis",
        "no se puede entregar",
        "no se pudo entregar",
        "não foi possível entregar",
        "系统退信",
        "系統退信",
        "退信通知",
        "退信提醒",
        "邮件退",
        "郵件退",
        "退回",
        "投递失败",
        "邮件投递失败",
        "发送失败",
        "邮件发送失败",
        "无法送达",
        "未能送达",
        "未送达",
        "无法传递",
        "無法傳遞",
        "未傳遞",
        "配信不能",
        "配信エラー",
        "未配信",
        "送信できませんでした",
        "未達",
        "반송",
        "전송 실패",
        "не доставлено",
        "недоставленное",
    ];
    let lower = subject.trim().to_lowercase();
    TITLES.iter().any(|t| lower.starts_with(t))
        || lower == "退信"
        || (lower.starts_with("来自") && lower.ends_with("的退信"))
}

/// Sentences that only mail systems write.
const SENTENCES: &[&str] = &[
    "this is the qmail-send program",
    "created automatically by mail delivery software",
    "this is the mail system at host",
    "delivery has failed to these recipients",
    "delivery to the following recipient",
    "did not reach the following recipient",
    "did not reach some or all of the intended recipients",
    "the following addresses had",
    "an automatically generated delivery status notification",
    "your message could not be delivered to",
    "your message couldn't be delivered to",
    "your message wasn't delivered to",
    "your message was not delivered to",
    "a message that you sent could not be delivered",
    "a message that you have sent could not be delivered",
    "able to deliver your message to",
    "unable to deliver your message to",
    "undelivered mail returned to sender",
    "fehler bei der nachrichtenzustellung an folgende",
    "ihre nachricht konnte nicht zugestellt werden",
    "votre message n'a pas pu être remis",
    "no se pudo entregar el mensaje a",
    "não foi possível entregar a mensagem a",
    "以下收件人或通讯组传递邮件失败",
    "無法傳遞至下列收件者",
    "您的邮件被退回",
    "您发送的邮件被退回",
    "您的郵件被退回",
    "未能送达以下",
    "无法送达以下",
    "以下の受信者または配布グループへの配信に失敗",
];

/// What bounces say, and other letters as well.
const WORDS: &[&str] = &[
    "could not be delivered",
    "couldn't be delivered",
    "was not delivered",
    "wasn't delivered",
    "not yet been delivered",
    "undeliverable",
    "undelivered",
    "delivery failure",
    "delivery failed",
    "failure notice",
    "returned mail",
    "returned to sender",
    "message not delivered",
    "delivery temporarily suspended",
    "unzustellbar",
    "nicht zugestellt werden",
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
    "配信できませんでした",
    "送信できませんでした",
    "未達",
    "반송",
    "전송 실패",
    "не доставлено",
    "недоставленное",
];

/// Lower case, wrapped lines joined, a line break only between paragraphs.
fn flowing(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.lines().map(str::trim) {
        match line {
            "" => out.push('\n'),
            line => {
                out.extend(line.to_lowercase().chars().map(|c| if c == '’' { '\'' } else { c }));
                out.push(' ');
            }
        }
    }
    out
}

/// Whether one of `phrases` stands there as a fact: "if your message is returned, …" tells of none.
fn asserts(flowing: &str, phrases: &[&str]) -> bool {
    const CONDITIONS: &[&str] =
        &["if", "when", "whenever", "unless", "should", "case", "wenn", "falls", "sollte", "si"];
    const CONDITIONS_CJK: &[&str] = &["如果", "若", "如遇", "假如", "万一", "もし"];
    const CONDITIONS_AFTER: &[&str] = &["时", "時", "的话", "場合"];
    let is_fact = |at: usize, phrase: &str| {
        let before = flowing.get(..at).unwrap_or_default();
        let clause = before.rsplit(['.', '!', '?', '。', '！', '？', '\n']).next().unwrap_or_default();
        let after = flowing.get(at + phrase.len()..).unwrap_or_default();
        !clause.split(|c: char| !c.is_alphanumeric()).any(|w| CONDITIONS.contains(&w))
            && !CONDITIONS_CJK.iter().any(|c| clause.contains(c))
            && !CONDITIONS_AFTER.iter().any(|c| after.starts_with(c))
    };
    phrases.iter().any(|phrase| flowing.match_indices(phrase).any(|(at, _)| is_fact(at, phrase)))
}

#[cfg(test)]
mod tests {
    use crate::{ParseOptions, Report, parse};

    fn report(message: &str) -> Option<Report> {
        parse(message.as_bytes(), &ParseOptions::default()).report
    }

    #[test]
    fn ordinary_mail_is_no_bounce() {
        for message in [
            "Return-Path: <>\nFrom: bob@example.net\nTo: ada@example.com\nAuto-Submitted: auto-replied\nSubject: Automatic reply: Quote\n\n\
             I am out of office; my answer will be delayed. In urgent cases write to carol@example.net or call 555 1234.\n",
            "Return-Path: <>\nFrom: bob@example.net\nTo: ada@example.com\nSubject: Automatic reply: Quote\n\n\
             I am out of office; my answer will be delayed. Carol carol@example.net answers for me, call 555 1234.\n",
            "Return-Path: <>\nFrom: tanaka@example.jp\nTo: ada@example.com\nAuto-Submitted: auto-replied\nSubject: 自動返信\n\n\
             不在にしております。納期未達の件は suzuki@example.jp までご連絡ください。\n",
            "Return-Path: <>\nFrom: tanaka@example.jp\nTo: ada@example.com\nSubject: 自動返信\n\n納期未達の件は suzuki@example.jp へ。\n",
            "Return-Path: <>\nFrom: bob@example.net\nTo: ada@example.com\nAuto-Submitted: auto-replied (vacation)\n\
             Subject: Automatic reply: Delivery failed for order 7\n\nHi, I am away. Contact carol@example.net.\n",
            "Return-Path: <>\nFrom: postmaster@example.net\nTo: ada@example.com\nAuto-Submitted: auto-replied\n\
             Subject: Returned mail: 550 5.1.1\n\nI am away. Returned mail goes to carol@example.net, 550 5.1.1.\n",
            "From: Shop <mailer@shop.example>\nTo: ada@example.com\nSubject: Your order is delayed\n\n\
             Your order 12345 is delayed. Write to help@shop.example with questions.\n",
            "From: News <bounce@news.example>\nTo: ada@example.com\nSubject: Flights\n\n\
             Are delayed flights costing you? Contact claims@air.example.\n",
            "From: postmaster@corp.example\nTo: ada@corp.example\nSubject: 邮箱使用说明\n\n\
             如果邮件被退回或发送失败，请联系 helpdesk@support.example 。\n",
            "From: postmaster@corp.example\nTo: ada@corp.example\nSubject: 退信说明\n\n\
             邮件被退回时，请看错误代码。\n\nhelpdesk@support.example 550 5.1.1\n",
            "Return-Path: <>\nFrom: noreply@bank.example\nTo: ada@example.com\nSubject: Your statement\n\n\
             If this mail could not be delivered properly contact help@bank.example.\n",
            "From: postmaster@shop.example\nTo: ada@example.com\nSubject: Delivery delayed: order 7\n\n\
             The parcel for carol@example.net comes on Monday.\n",
        ] {
            assert_eq!(report(message), None, "{message}");
        }
    }

    #[test]
    fn what_a_mail_system_writes_is_one() {
        let exim = "This message was created automatically by mail delivery software.\nA message that you sent has not yet been delivered\n\n\
                    bob@example.net\n    Delay reason: connection timed out\n";
        let postfix =
            "This is the mail system at host mx.example.\n\n<bob@example.net>: host mx said: 550 5.1.1 User unknown\n";
        let exchange = "Delivery has failed to these recipients or groups:\n\nbob@example.net\n";
        for (head, text, action) in [
            (
                "From: Mailer-Daemon@mx.example\nAuto-Submitted: auto-replied\nSubject: Warning: message 1abc delayed 24 hours",
                exim,
                "delayed",
            ),
            (
                "From: MAILER-DAEMON@mx.example\nAuto-Submitted: auto-replied\nSubject: Undelivered Mail Returned to Sender",
                postfix,
                "failed",
            ),
            (
                "From: MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@contoso.example\nSubject: Undeliverable: Plan",
                exchange,
                "failed",
            ),
            ("Return-Path: <>\nFrom: System <it@contoso.example>\nSubject: Undeliverable: Plan", exchange, "failed"),
            (
                "Return-Path: <>\nFrom: it@contoso.example\nSubject: Returned mail",
                "bob@example.net: 550 no such user\n",
                "failed",
            ),
            (
                "From: postmaster@contoso.example\nSubject: Delivery failure",
                "Bob bob@example.net\n554 5.4.4 Host not found\n",
                "failed",
            ),
            ("From: postmaster@contoso.example\nSubject: Plan", "Undelivered: bob@example.net (#5.2.2)\n", "failed"),
            ("From: MAILER-DAEMON@contoso.example\nSubject: 退信通知", "您的邮件未能送达 bob@example.net\n", "failed"),
        ] {
            let report = report(&format!("{head}\nTo: ada@example.com\n\n{text}"));
            let got: Vec<_> =
                report.iter().flat_map(|r| &r.recipients).map(|r| (r.address.as_str(), r.action.as_str())).collect();
            assert_eq!(got, [("bob@example.net", action)], "{head}");
        }
    }
}
