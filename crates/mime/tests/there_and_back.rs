//! Property: what is built and parsed again is what went in, in every script of the world.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests")]

use bytes::Bytes;
use email_base::{Blob, Timestamp};
use email_mime::{
    Address, AttachmentDetail, AttachmentInit, Content, ExtraHeaders, Mailbox, Mailboxes, MessageInit, ParseOptions,
    build, parse,
};
use proptest::prelude::*;

/// Runs of one script each: Latin, Greek, Cyrillic, Hebrew, Arabic, Devanagari, Thai, kana, ideographs, Hangul, emoji, ASCII punctuation.
fn script() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-zA-Z0-9]{1,12}",
        "[!-/:-@\\[-`{-~]{1,6}",
        "[à-ž]{1,10}",
        "[α-ω]{1,10}",
        "[а-я]{1,10}",
        "[א-ת]{1,10}",
        "[ا-ي]{1,10}",
        "[अ-ह]{1,10}",
        "[ก-ฮ]{1,10}",
        "[あ-んア-ン]{1,12}",
        "[一-龥]{1,30}",
        "[가-힣]{1,12}",
        "[😀-🙏]{1,4}",
        "[\u{10000}-\u{1FFFF}]{1,4}",
    ]
}

/// Words with single blanks between, as a field keeps them.
fn phrase() -> impl Strategy<Value = String> {
    prop::collection::vec(script(), 1..12)
        .prop_map(|words| words.join(" "))
        .prop_filter("an encoded word is decoded, quotes are trimmed", |p| !p.contains("=?") && !p.starts_with('\''))
}

/// Lines of text, some of them nasty.
fn text() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        4 => phrase(),
        1 => Just(String::new()),
        1 => Just(".".to_owned()),
        1 => Just("..".to_owned()),
        1 => Just("From here".to_owned()),
        1 => Just("--=_0000000000000000_1".to_owned()),
        1 => Just("> quoted ".to_owned()),
        1 => Just("trailing \t ".to_owned()),
        1 => Just("=20=\t=".to_owned()),
        1 => Just("x".repeat(1200)),
        1 => Just("\t\u{a0}\u{3000}".to_owned()),
    ];
    prop::collection::vec(line, 0..12).prop_map(|lines| lines.into_iter().map(|l| l + "\n").collect())
}

fn address() -> impl Strategy<Value = Address> {
    let local = "[a-z0-9!#$%&'*+/=?^_`{|}~-]{1,20}(\\.[a-z0-9]{1,10}){0,2}";
    let domain = "[a-z][a-z0-9]{0,20}(\\.[a-z]{2,10}){1,2}";
    (prop::option::of(phrase()), local, domain)
        .prop_filter("would be read as an encoded word", |(_, local, _)| !local.contains("=?"))
        .prop_map(|(name, local, domain)| Address {
            name: name.map(Into::into),
            address: format!("{local}@{domain}").into(),
            group: None,
        })
}

fn people() -> impl Strategy<Value = Vec<Address>> {
    prop::collection::vec(address(), 0..6)
}

fn file() -> impl Strategy<Value = (String, Vec<u8>)> {
    // Names that need no change to be safe.
    let name = ("[a-zA-Zà-žа-я一-龥가-힣あ-ん]{1,40}", "[a-z]{2,4}")
        .prop_map(|(stem, extension)| format!("{stem}.{extension}"));
    (name, prop::collection::vec(any::<u8>(), 0..400))
}

fn mailboxes(all: &[Address]) -> Option<Mailboxes> {
    (!all.is_empty()).then(|| Mailboxes::Many(all.iter().cloned().map(Mailbox::Parts).collect()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn there_and_back(
        from in address(), to in people(), cc in people(), subject in phrase(), body in text(), html in prop::option::of(text()),
        files in prop::collection::vec(file(), 0..4), extra in phrase(), seconds in 0i64..4_000_000_000,
    ) {
        let attachments: Vec<AttachmentInit> = files.iter().map(|(name, octets)| AttachmentInit {
            filename: Some(name.clone()),
            content: Some(Content::Bytes(Blob(Bytes::from(octets.clone())))),
            content_type: Some("application/octet-stream".to_owned()),
            ..AttachmentInit::default()
        }).collect();
        let init = MessageInit {
            from: Mailbox::Parts(from.clone()),
            to: mailboxes(&to),
            cc: mailboxes(&cc),
            subject: Some(subject.clone()),
            text: Some(body.clone()),
            html: html.clone(),
            attachments: Some(attachments),
            headers: ExtraHeaders(vec![("X-Extra".to_owned(), vec![extra.clone()])]),
            date: Some(Timestamp(seconds * 1000)),
            ..MessageInit::default()
        };
        let built = build(init).unwrap();
        let envelope = built.envelope.clone();
        let mut stream = built.into_body();
        let promised = stream.size_hint();
        let octets = stream.read_all().unwrap();
        prop_assert_eq!(octets.len() as u64, promised);
        for line in octets.split(|b| *b == b'\n') {
            prop_assert!(line.len() <= 999 && (line.is_empty() || line.ends_with(b"\r")), "{}", String::from_utf8_lossy(line));
        }
        prop_assert!(octets.is_ascii());
        let options = ParseOptions { attachments: AttachmentDetail::Content, ..ParseOptions::default() };
        let parsed = parse(&octets, &options);
        prop_assert_eq!(&parsed.defects, &Vec::<String>::new());
        prop_assert_eq!(&parsed.from, &vec![from.clone()]);
        prop_assert_eq!(&parsed.to, &to);
        prop_assert_eq!(&parsed.cc, &cc);
        prop_assert_eq!(parsed.subject.as_deref(), Some(subject.as_str()));
        prop_assert_eq!(parsed.date, Some(Timestamp(seconds * 1000)));
        if !body.trim().is_empty() || html.is_none() {
            // A message ends with a line end (RFC 5322), so an empty text alone comes back as an empty line.
            prop_assert_eq!(parsed.text.as_deref().map(|t| if body.is_empty() { t.trim_end() } else { t }), Some(body.as_str()));
        }
        match &html {
            Some(html) => prop_assert_eq!(parsed.html.as_ref(), Some(html)),
            // Made of the text, where there is any.
            None => prop_assert_eq!(parsed.html.is_some(), !body.trim().is_empty()),
        }
        let got: Vec<_> = parsed.attachments.iter().map(|a| (a.filename.clone(), a.content.as_ref().unwrap().0.to_vec(), a.size)).collect();
        let expected: Vec<_> = files.iter().map(|(n, o)| (n.clone(), o.clone(), o.len() as u64)).collect();
        prop_assert_eq!(got, expected);
        let x = parsed.headers.iter().find(|(n, _)| n == "x-extra").map(|(_, v)| v[0].clone());
        prop_assert_eq!(x, Some(extra));
        // The envelope holds just those whom the header names.
        prop_assert_eq!(&envelope.from, &from.address);
        prop_assert!(envelope.to.iter().all(|a| to.iter().chain(&cc).any(|b| b.address == *a)));
    }

    #[test]
    fn anything_can_be_parsed(octets in prop::collection::vec(any::<u8>(), 0..2000)) {
        let parsed = parse(&octets, &ParseOptions { attachments: AttachmentDetail::Content, sanitize_html: email_mime::SanitizeHtml::Switch(true), ..ParseOptions::default() });
        prop_assert_eq!(parsed.thread_key.len(), 32);
    }

    /// Pieces that mean something, in no order.
    #[test]
    fn anything_that_looks_like_a_message_can_be_parsed(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..60)) {
        let source = pieces.concat();
        let options = ParseOptions { attachments: AttachmentDetail::Content, sanitize_html: email_mime::SanitizeHtml::Switch(true), ..ParseOptions::default() };
        let parsed = parse(source.as_bytes(), &options);
        prop_assert!(!parsed.text.as_ref().is_some_and(|t| t.contains('\0')));
        for attachment in &parsed.attachments {
            prop_assert!(!attachment.filename.is_empty() && !attachment.filename.contains(['/', '\\', '\0', '\n']));
            prop_assert_eq!(attachment.content.as_ref().map(|c| c.0.len() as u64), Some(attachment.size));
        }
        let metadata = parse(source.as_bytes(), &ParseOptions::default());
        let sizes = |m: &email_mime::ParsedMessage| m.attachments.iter().map(|a| a.size).collect::<Vec<_>>();
        prop_assert_eq!(sizes(&metadata), sizes(&parsed), "a size differs when the content is not wanted");
    }
}

const PIECES: &[&str] = &[
    "\n",
    "\r\n",
    "\r",
    " ",
    "\t",
    ":",
    ";",
    ",",
    "--b\n",
    "--b--\n",
    "--c\n",
    "--c--\n",
    "Subject: ",
    "From: ",
    "To: ",
    "Content-Type: ",
    "Content-Type: multipart/mixed; boundary=b\n\n",
    "Content-Type: multipart/alternative; boundary=c\n\n",
    "Content-Type: multipart/related; boundary=c; start=\"<x>\"\n\n",
    "Content-Type: text/html\n\n",
    "Content-Type: text/plain; charset=gb2312\n\n",
    "Content-Type: message/rfc822\n\n",
    "Content-Type: application/ms-tnef\n\n",
    "Content-Type: text/calendar; method=REQUEST\n\n",
    "Content-Type: message/delivery-status\n\n",
    "Content-Type: application/pkcs7-mime; smime-type=signed-data\n",
    "Content-Transfer-Encoding: base64\n",
    "Content-Transfer-Encoding: quoted-printable\n",
    "Content-Transfer-Encoding: x-uuencode\n",
    "Content-ID: <x>\n",
    "Content-Disposition: attachment; filename=\"../a\\\\b\"\n",
    "Content-Disposition: inline; filename*0*=utf-8''%E4; filename*1*=%BD%A0\n",
    "=?utf-8?B?5L2g?=",
    "=?gb2312?Q?=C4=E3?=",
    "=?iso-2022-jp?B?GyRCJDMbKEI=?=",
    "=?utf-8?Q?=",
    "?=",
    "<a@b>",
    "\"",
    "(",
    ")",
    "<",
    ">",
    "@",
    "=",
    "=\n",
    "=E4",
    "YWJj",
    "====",
    "<p>",
    "</p>",
    "<img src=cid:x>",
    "<style>",
    "</style>",
    "<!--",
    "-->",
    "<table><tr><td>",
    "&amp;",
    "&#0;",
    "begin 644 x\n#0V%T\n`\nend\n",
    "BEGIN:VCALENDAR\n",
    "BEGIN:VEVENT\n",
    "DTSTART;TZID=X:20260101T000000\n",
    "RRULE:FREQ=YEARLY;BYDAY=-5SU;BYMONTH=13\n",
    "END:VEVENT\n",
    "\u{1b}$B",
    "\u{1b}(B",
    "你好",
    "ü",
    "\0",
    "Final-Recipient: rfc822; x@y\n",
    "Action: failed\n",
    "Status: 5.1.1\n",
    "References: <a@b> <c@d>\n",
    "In-Reply-To: <a@b>\n",
    "Date: Sat, 31 Jan 2026 12:00:00 +0000\n",
    "> quoted\n",
    "-- \n",
    "On Mon, Ada wrote:\n",
    "format=flowed",
    "text \n",
];
