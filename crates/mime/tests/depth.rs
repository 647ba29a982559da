//! What providers really send and readers really need, case by case: bounces, chains, answers with images, file names.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests")]

use email_mime::{
    AttachmentDetail, ForwardOptions, MessageInit, ParseOptions, ParsedMessage, ReplyOptions, ReportKind, SanitizeHtml,
    Security, build, forward, parse, reply_to,
};

fn read(source: &str) -> ParsedMessage {
    parse(source.as_bytes(), &ParseOptions::default())
}

fn full(octets: &[u8]) -> ParsedMessage {
    let options = ParseOptions {
        attachments: AttachmentDetail::Content,
        sanitize_html: SanitizeHtml::Switch(true),
        ..ParseOptions::default()
    };
    parse(octets, &options)
}

fn octets(init: MessageInit) -> Vec<u8> {
    build(init).unwrap().into_body().read_all().unwrap()
}

/// Address, action, status and Message-ID of a bounce of one recipient.
fn bounce(source: &str) -> (String, String, Option<String>, Option<String>) {
    let parsed = read(source);
    let report = parsed.report.unwrap();
    assert_eq!((report.kind, report.recipients.len()), (ReportKind::DeliveryStatus, 1), "{report:?}");
    let first = report.recipients.into_iter().next().unwrap();
    (first.address, first.action, first.status, report.original_message_id)
}

#[test]
fn exchange_bounces_with_everything_the_standard_has() {
    let got = bounce(
        "From: Microsoft Outlook <MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@contoso.example>\nTo: ada@contoso.example\n\
         Subject: Undeliverable: Plan\nAuto-Submitted: auto-replied\nContent-Type: multipart/report; report-type=delivery-status;\n\tboundary=\"_4_\"\n\n\
         --_4_\nContent-Type: multipart/alternative; boundary=\"_2_\"\n\n--_2_\nContent-Type: text/plain\n\nnobody wasn't found at fabrikam.example.\n\
         --_2_\nContent-Type: text/html\n\n<p>nobody wasn't found</p>\n--_2_--\n--_4_\nContent-Type: message/delivery-status\n\n\
         Reporting-MTA: dns;DB7PR04MB1234.eurprd04.prod.outlook.example\nReceived-From-MTA: dns;DB7PR04MB1234\nArrival-Date: Sat, 31 Jan 2026 12:00:00 +0000\n\n\
         Final-Recipient: rfc822;nobody@fabrikam.example\nAction: failed\nStatus: 5.1.10\n\
         Diagnostic-Code: smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup\n\n\
         --_4_\nContent-Type: message/rfc822\n\nMessage-ID: <orig@contoso.example>\nSubject: Plan\n\nhi\n--_4_--\n",
    );
    let expected = ("nobody@fabrikam.example", "failed", Some("5.1.10"), Some("<orig@contoso.example>"));
    assert_eq!((got.0.as_str(), got.1.as_str(), got.2.as_deref(), got.3.as_deref()), expected);
}

#[test]
fn old_exchange_bounces_in_prose() {
    let got = bounce(
        "From: postmaster@contoso.example\nTo: ada@contoso.example\nSubject: Undeliverable: Plan\n\n\
         Delivery has failed to these recipients or groups:\n\nnobody@fabrikam.example<mailto:nobody@fabrikam.example>\n\
         The email address you entered couldn't be found.\n\nDiagnostic information for administrators:\n\n\
         Generating server: fabrikam.example\n\nnobody@fabrikam.example\n#550 5.1.1 RESOLVER.ADR.RecipNotFound; not found ##\n\n\
         Original message headers:\n\nMessage-ID: <orig@contoso.example>\nSubject: Plan\n",
    );
    let expected = ("nobody@fabrikam.example", "failed", Some("5.1.1"), Some("<orig@contoso.example>"));
    assert_eq!((got.0.as_str(), got.1.as_str(), got.2.as_deref(), got.3.as_deref()), expected);
}

#[test]
fn tencent_and_coremail_bounce_in_chinese() {
    let tencent = bounce(
        "From: PostMaster@qq.example\nTo: ada@example.com\nSubject: 来自qq.example的退信\nContent-Type: text/plain; charset=utf-8\n\n\
         抱歉，您的邮件被退回来了。\n收件人邮件地址（nobody@qq.example）不存在，邮件无法送达。\n\
         host mx3.qq.example said: 550 5.1.1 Mailbox unavailable\n",
    );
    assert_eq!(
        (tencent.0.as_str(), tencent.1.as_str(), tencent.2.as_deref()),
        ("nobody@qq.example", "failed", Some("5.1.1"))
    );
    let coremail = bounce(
        "Return-Path: <>\nFrom: Postmaster@coremail.example\nTo: ada@example.com\nSubject: 系统退信/Systems bounce\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\nContent-Type: text/plain; charset=gb18030\n\nsorry\n--b\n\
         Content-Type: message/delivery-status\n\nReporting-MTA: dns; mx.coremail.example\n\nFinal-recipient: RFC822; nobody@coremail.example\n\
         Action: failed\nStatus: 5.0.0\nDiagnostic-Code: SMTP; 550 User not found: nobody@coremail.example\n--b--\n",
    );
    assert_eq!((coremail.0.as_str(), coremail.2.as_deref()), ("nobody@coremail.example", Some("5.0.0")));
}

#[test]
fn a_delay_is_no_failure() {
    let got = bounce(
        "From: MAILER-DAEMON@mx.example\nTo: ada@example.com\nSubject: Delayed mail\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n\
         --b\n\nwait\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example\n\nFinal-Recipient: rfc822; bob@example.net\n\
         Action: delayed\nStatus: 4.4.1\n--b--\n",
    );
    assert_eq!((got.1.as_str(), got.2.as_deref()), ("delayed", Some("4.4.1")));
}

#[test]
fn a_chain_of_hundreds_is_cut_in_the_middle() {
    let chain: String = (0..300).map(|n| format!(" <m{n}@example.com>\n")).collect();
    let original = read(&format!(
        "From: bob@example.com\nTo: ada@example.com\nSubject: Re: Plan\nMessage-ID: <last@example.com>\nReferences:{chain}\nhi"
    ));
    let options =
        ReplyOptions { from: "ada@example.com".into(), text: Some("yes".to_owned()), ..ReplyOptions::default() };
    let sent = full(&octets(reply_to(&original, options).unwrap()));
    assert_eq!(sent.in_reply_to.as_deref(), Some("<last@example.com>"));
    assert!(sent.references.len() <= 30, "{}", sent.references.len());
    assert_eq!(sent.references.first().map(String::as_str), Some("<m0@example.com>"));
    assert_eq!(sent.references.last().map(String::as_str), Some("<last@example.com>"));
    assert_eq!(sent.thread_key, original.thread_key);
}

const WITH_IMAGE: &str = "From: Bob <bob@example.com>\nTo: ada@example.com, cy@example.com\nCc: Dan <dan@example.com>\nReply-To: list@example.com\n\
    Subject: WG: Plan\nMessage-ID: <o@example.com>\nDate: Sat, 31 Jan 2026 12:00:00 +0000\nContent-Type: multipart/mixed; boundary=m\n\n\
    --m\nContent-Type: multipart/related; boundary=r\n\n--r\nContent-Type: text/html\n\n<p>See <img src=\"cid:logo%40x\"></p><script>x</script>\n\
    --r\nContent-Type: image/png; name=logo.png\nContent-ID: <logo@x>\nContent-Transfer-Encoding: base64\n\niVBORw0KGgo=\n--r--\n\
    --m\nContent-Type: application/pdf; name=a.pdf\nContent-Transfer-Encoding: base64\nContent-Disposition: attachment\n\nJVBERg==\n--m--\n";

#[test]
fn an_answer_quotes_with_the_images_and_without_the_files() {
    let original = full(WITH_IMAGE.as_bytes());
    let options = ReplyOptions {
        from: "ada@example.com".into(),
        own: Some(vec!["ADA@example.com".to_owned()]),
        all: Some(true),
        html: Some("<p>Fine.</p>".to_owned()),
        text: None,
    };
    let sent = full(&octets(reply_to(&original, options).unwrap()));
    let people = |all: &[email_mime::Address]| all.iter().map(|a| a.address.clone()).collect::<Vec<_>>();
    assert_eq!(people(&sent.to), ["list@example.com"]);
    assert_eq!(people(&sent.cc), ["cy@example.com", "dan@example.com"]);
    assert_eq!(sent.subject.as_deref(), Some("Re: Plan"));
    let files: Vec<_> = sent.attachments.iter().map(|a| (a.filename.as_str(), a.inline)).collect();
    assert_eq!(files, [("logo.png", true)]);
    let html = sent.html.unwrap();
    assert!(html.contains("<p>Fine.</p>") && html.contains("cid:logo@x") && !html.contains("script"), "{html}");
}

#[test]
fn a_forward_takes_images_and_files_along() {
    let original = full(WITH_IMAGE.as_bytes());
    let options =
        ForwardOptions { from: "ada@example.com".into(), to: "eve@example.com".into(), text: None, html: None };
    let sent = full(&octets(forward(&original, options).unwrap()));
    let files: Vec<_> = sent.attachments.iter().map(|a| (a.filename.as_str(), a.inline, a.size)).collect();
    assert_eq!(files, [("logo.png", true, 8), ("a.pdf", false, 4)]);
    assert_eq!(sent.subject.as_deref(), Some("Fwd: Plan"));
    assert_eq!(sent.in_reply_to, None);
    assert!(sent.safe_html.unwrap().contains("cid:logo@x"));
}

#[test]
fn plain_mail_is_answered_in_plain_text() {
    let original = read("From: bob@example.com\nTo: ada@example.com\nSubject: x\n\n> old\nnew <b>\n");
    assert!(original.html.is_some());
    let options =
        ReplyOptions { from: "ada@example.com".into(), text: Some("yes".to_owned()), ..ReplyOptions::default() };
    let init = reply_to(&original, options).unwrap();
    assert_eq!(init.html, None);
    assert!(init.text.unwrap().ends_with(">> old\n> new <b>\n"));
}

#[test]
fn text_that_looks_like_html_stays_text() {
    let parsed = full(b"Content-Type: text/plain\n\n<script>alert(1)</script> <img src=x onerror=alert(1)>");
    let html = parsed.html.unwrap();
    assert!(html.contains("&lt;script&gt;") && !html.contains("<script"), "{html}");
    assert!(!parsed.safe_html.unwrap().contains("<img"));
    assert_eq!(read("Subject: nothing\n\n").html, None);
}

#[test]
fn trackers_are_counted_where_safe_html_leaves_them_out() {
    let source = "Content-Type: text/html\n\n<p>Hi</p><img src=\"https://t.example/o?u=1\" width=1 height=1><img src=https://x.example/logo.png>";
    let parsed = full(source.as_bytes());
    assert_eq!(parsed.tracking_pixels, Some(1));
    assert!(!parsed.safe_html.unwrap().contains("t.example"));
    assert_eq!(read(source).tracking_pixels, None);
}

#[test]
fn signed_and_encrypted_mail_shows_what_it_can() {
    let signed = read(
        "Content-Type: multipart/signed; protocol=\"application/pkcs7-signature\"; micalg=sha-256; boundary=b\n\n--b\nContent-Type: text/plain\n\nwords\n\
         --b\nContent-Type: application/pkcs7-signature; name=smime.p7s\n\nx\n--b--",
    );
    assert_eq!((signed.security, signed.text.as_deref()), (Security::SmimeSigned, Some("words")));
    assert_eq!(signed.attachments[0].filename, "smime.p7s");
    let encrypted = read(
        "Content-Type: multipart/encrypted; protocol=\"application/pgp-encrypted\"; boundary=b\n\n--b\nContent-Type: application/pgp-encrypted\n\nVersion: 1\n\
         --b\nContent-Type: application/octet-stream; name=encrypted.asc\n\n-----BEGIN PGP MESSAGE-----\n--b--",
    );
    assert_eq!((encrypted.security, encrypted.attachments.len()), (Security::PgpEncrypted, 2));
}

#[test]
fn what_is_over_a_limit_is_told_and_the_rest_is_given() {
    let over = |source: String, said: &str| {
        let parsed = read(&source);
        assert!(parsed.defects.iter().any(|d| d.contains(said)), "{said}: {:?}", parsed.defects);
        parsed
    };
    let fields = over(format!("Subject: x\n{}\nbody", "X-A: y\n".repeat(3_000)), "header fields");
    assert_eq!((fields.subject.as_deref(), fields.text.as_deref()), (Some("x"), Some("body")));
    let to = "a@example.com,".repeat(4_000);
    let people = over(format!("From: b@example.com\nTo: {to}\nCc: {to}\n\nbody"), "addresses");
    assert_eq!((people.from.len(), people.from.len() + people.to.len() + people.cc.len()), (1, 5_000));
    let text = over(format!("\n{}", "word ".repeat(2 << 20)), "a text is longer");
    assert_eq!(text.text.unwrap().len(), 8 << 20);
    let files = format!("--b\n\n{}", "begin 644 x\n#0V%T\n`\nend\n".repeat(100)).repeat(30);
    let files = over(format!("Content-Type: multipart/mixed; boundary=b\n\n{files}"), "attachments");
    assert_eq!(files.attachments.len(), 2_000);
}
