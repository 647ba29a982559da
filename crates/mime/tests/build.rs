//! Building: what comes out, and what is refused before anything comes out.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests")]

use email_base::{Blob, Classify, Code, Timestamp};
use email_mime::{
    Address, AttachmentDetail, AttachmentInit, Content, Error, ExtraHeaders, InviteInit, Mailbox, MessageInit,
    ParseOptions, ParsedMessage, Priority, build, build_draft, parse,
};

fn init() -> MessageInit {
    MessageInit {
        from: "Ada <ada@example.com>".into(),
        to: Some("Bob <bob@example.com>".into()),
        subject: Some("Hello".to_owned()),
        text: Some("Hi Bob\n".to_owned()),
        message_id: Some("id@example.com".to_owned()),
        date: Some(Timestamp(1_769_860_800_000)),
        ..MessageInit::default()
    }
}

fn octets(init: MessageInit) -> String {
    let mut body = build(init).unwrap().into_body();
    let promised = body.size_hint();
    let all = body.read_all().unwrap();
    assert_eq!(all.len() as u64, promised);
    String::from_utf8(all).unwrap()
}

fn back(init: MessageInit) -> ParsedMessage {
    let options = ParseOptions { attachments: AttachmentDetail::Content, ..ParseOptions::default() };
    let parsed = parse(octets(init).as_bytes(), &options);
    assert_eq!(parsed.defects, Vec::<String>::new());
    parsed
}

fn file(name: &str, content: &[u8]) -> AttachmentInit {
    AttachmentInit {
        filename: Some(name.to_owned()),
        content: Some(Content::Bytes(Blob(content.to_vec().into()))),
        ..AttachmentInit::default()
    }
}

#[test]
fn the_plainest_message() {
    assert_eq!(
        octets(init()),
        "Date: Sat, 31 Jan 2026 12:00:00 +0000\r\nFrom: Ada <ada@example.com>\r\nTo: Bob <bob@example.com>\r\n\
         Message-ID: <id@example.com>\r\nSubject: Hello\r\nMIME-Version: 1.0\r\n\
         Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 7bit\r\n\r\nHi Bob\r\n"
    );
}

#[test]
fn the_same_input_gives_the_same_octets() {
    let full =
        || MessageInit {
            html: Some("<p>ü</p>".to_owned()), attachments: Some(vec![file("a.bin", &[0, 1])]), ..init()
        };
    assert_eq!(octets(full()), octets(full()));
    let other = MessageInit { message_id: Some("other@example.com".to_owned()), ..full() };
    assert_ne!(octets(full()), octets(other));
}

#[test]
fn nesting_has_only_the_levels_it_needs() {
    let text = |t: &str| Some(t.to_owned());
    let image = AttachmentInit { content_id: Some("logo".to_owned()), ..file("logo.png", b"png") };
    let invite = InviteInit { method: "REQUEST".to_owned(), content: "BEGIN:VCALENDAR\nEND:VCALENDAR\n".to_owned() };
    let types = |init: MessageInit| {
        let all = octets(init);
        let types = all.lines().filter_map(|l| l.strip_prefix("Content-Type: "));
        types.map(|t| t.split([';', ' ']).next().unwrap().to_owned()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(types(init()), "text/plain");
    assert_eq!(types(MessageInit { html: text("<p>"), text: None, ..init() }), "text/html");
    assert_eq!(types(MessageInit { html: text("<p>"), ..init() }), "multipart/alternative text/plain text/html");
    let full = MessageInit {
        html: text("<img src=cid:logo>"),
        attachments: Some(vec![image.clone(), file("a.pdf", b"%PDF")]),
        invite: Some(invite.clone()),
        ..init()
    };
    assert_eq!(
        types(full),
        "multipart/mixed multipart/alternative text/plain multipart/related text/html image/png text/calendar application/pdf"
    );
    assert_eq!(
        types(MessageInit { text: None, attachments: Some(vec![file("a.pdf", b"")]), ..init() }),
        "multipart/mixed application/pdf"
    );
    assert_eq!(types(MessageInit { text: None, ..init() }), "text/plain");
    assert_eq!(types(MessageInit { attachments: Some(vec![image]), ..init() }), "multipart/mixed text/plain image/png");
}

#[test]
fn there_and_back() {
    let original = MessageInit {
        from: Mailbox::Parts(Address {
            name: Some("Ädä, \"Countess\"".into()),
            address: "ada@bücher.example".into(),
            group: None,
        }),
        to: Some("\"Li, Ming\" <li@example.cn>, 王芳 <wang@example.cn>".into()),
        cc: Some("c@example.com".into()),
        subject: Some("会议纪要：第三季度预算与采购计划的讨论结果以及后续安排，请各位查收并回复确认".to_owned()),
        text: Some("Grüße\n.\n..dots\nFrom here\n--=_fake\ntrailing \n".to_owned()),
        html: Some("<p>你好<img src=\"cid:logo@x\"></p>\n".to_owned()),
        attachments: Some(vec![
            file("合同（最终版）.pdf", &(0..=255).collect::<Vec<u8>>()),
            AttachmentInit { content_id: Some("<logo@x>".to_owned()), ..file("logo.png", b"png") },
            AttachmentInit {
                filename: Some("note.txt".to_owned()),
                content: Some(Content::Text("ünïcode".to_owned())),
                ..AttachmentInit::default()
            },
        ]),
        in_reply_to: Some("<a@b>".to_owned()),
        references: Some(vec!["r@b".to_owned(), "<a@b>".to_owned()]),
        headers: ExtraHeaders(vec![("X-Ünï".replace(['Ü', 'ï'], "u"), vec!["wört".to_owned(), "two".to_owned()])]),
        priority: Some(Priority::High),
        ..init()
    };
    let parsed = back(original.clone());
    assert_eq!(
        parsed.from,
        [Address {
            name: Some("Ädä, \"Countess\"".into()), address: "ada@xn--bcher-kva.example".into(), group: None
        }]
    );
    assert_eq!(parsed.to[0].name.as_deref(), Some("Li, Ming"));
    assert_eq!(parsed.to[1], Address { name: Some("王芳".into()), address: "wang@example.cn".into(), group: None });
    assert_eq!(parsed.subject, original.subject);
    assert_eq!(parsed.text, original.text);
    assert_eq!(parsed.html, original.html);
    assert_eq!(parsed.date, original.date);
    assert_eq!(parsed.message_id.as_deref(), Some("<id@example.com>"));
    assert_eq!(parsed.in_reply_to.as_deref(), Some("<a@b>"));
    assert_eq!(parsed.references, ["<r@b>", "<a@b>"]);
    let header = |name: &str| parsed.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone());
    assert_eq!(header("x-unu"), Some(vec!["wört".to_owned(), "two".to_owned()]));
    assert_eq!(header("importance"), Some(vec!["high".to_owned()]));
    let names: Vec<_> =
        parsed.attachments.iter().map(|a| (a.filename.as_str(), a.size, a.content_type.as_str())).collect();
    assert_eq!(
        names,
        [("logo.png", 3, "image/png"), ("合同（最终版）.pdf", 256, "application/pdf"), ("note.txt", 9, "text/plain")]
    );
    assert_eq!(parsed.attachments[1].content.as_ref().unwrap().0[..], (0..=255).collect::<Vec<u8>>());
    assert_eq!(parsed.attachments[0].content_id.as_deref(), Some("logo@x"));
}

#[test]
fn bcc_is_in_the_envelope_and_never_in_the_bytes() {
    let with = MessageInit {
        cc: Some("bob@EXAMPLE.com, c@x.org".into()),
        bcc: Some("hidden@secret.example".into()),
        ..init()
    };
    let built = build(with).unwrap();
    assert_eq!(built.envelope.from, "ada@example.com");
    assert_eq!(built.envelope.to, ["bob@example.com", "c@x.org", "hidden@secret.example"]);
    let all = String::from_utf8(built.into_body().read_all().unwrap()).unwrap();
    assert!(!all.to_lowercase().contains("bcc") && !all.contains("secret"));
}

#[test]
fn a_draft_keeps_its_blind_recipients() {
    let with = MessageInit { bcc: Some("Hidden <hidden@secret.example>, b@x.org".into()), ..init() };
    let octets = build_draft(with).unwrap().into_body().read_all().unwrap();
    let bcc = parse(&octets, &ParseOptions::default()).bcc;
    let found: Vec<_> = bcc.iter().map(|a| (a.name.as_deref(), &*a.address)).collect();
    assert_eq!(found, [(Some("Hidden"), "hidden@secret.example"), (None, "b@x.org")]);
    let evil = MessageInit { bcc: Some("x\r\nTo: e@x.y".into()), ..init() };
    assert!(build_draft(evil).is_err());
}

#[test]
fn a_draft_needs_no_recipients() {
    let built = build(MessageInit { to: None, ..init() }).unwrap();
    assert_eq!(built.envelope.to, Vec::<String>::new());
}

#[test]
fn the_envelope_equals_the_header() {
    for address in ["ada@bücher.example", "\"a@x b\"@y.example", "用户@例子.中国", "ADA@Example.COM"] {
        let built = build(MessageInit { to: Some(address.into()), ..init() }).unwrap();
        let envelope = built.envelope.to[0].clone();
        assert_eq!(built.needs_smtputf8, address.starts_with('用'));
        let all = built.into_body().read_all().unwrap();
        assert_eq!(parse(&all, &ParseOptions::default()).to[0].address, envelope, "{address}");
    }
}

#[test]
fn missing_id_and_date_are_made() {
    let built = build(MessageInit { message_id: None, date: None, ..init() }).unwrap();
    assert!(built.message_id.starts_with('<') && built.message_id.ends_with("@example.com>"), "{}", built.message_id);
    let id = built.message_id.clone();
    let parsed = parse(&built.into_body().read_all().unwrap(), &ParseOptions::default());
    assert_eq!(parsed.message_id, Some(id));
    assert!(parsed.date.is_some());
}

#[test]
fn header_injection() {
    const EVIL: [&str; 5] = ["x\r\nBcc: evil@example.com", "x\nBcc: e@x.y", "x\rBcc: e@x.y", "x\0", "\r\n\r\nbody"];
    for evil in EVIL {
        let s = || evil.to_owned();
        let f = |a: AttachmentInit| MessageInit { attachments: Some(vec![a]), ..init() };
        let cases: Vec<(&str, MessageInit)> = vec![
            ("from", MessageInit { from: evil.into(), ..init() }),
            (
                "from.name",
                MessageInit {
                    from: Mailbox::Parts(Address { name: Some(s().into()), address: "a@b.c".into(), group: None }),
                    ..init()
                },
            ),
            (
                "from.address",
                MessageInit {
                    from: Mailbox::Parts(Address { name: None, address: format!("a@b.c{evil}").into(), group: None }),
                    ..init()
                },
            ),
            ("sender", MessageInit { sender: Some(evil.into()), ..init() }),
            ("replyTo", MessageInit { reply_to: Some(evil.into()), ..init() }),
            ("to", MessageInit { to: Some(evil.into()), ..init() }),
            ("cc", MessageInit { cc: Some(evil.into()), ..init() }),
            ("bcc", MessageInit { bcc: Some(evil.into()), ..init() }),
            ("subject", MessageInit { subject: Some(s()), ..init() }),
            ("inReplyTo", MessageInit { in_reply_to: Some(s()), ..init() }),
            ("references", MessageInit { references: Some(vec![s()]), ..init() }),
            ("messageId", MessageInit { message_id: Some(s()), ..init() }),
            ("readReceiptTo", MessageInit { read_receipt_to: Some(s()), ..init() }),
            ("headers name", MessageInit { headers: ExtraHeaders(vec![(s(), vec!["v".into()])]), ..init() }),
            ("headers value", MessageInit { headers: ExtraHeaders(vec![("X-A".into(), vec![s()])]), ..init() }),
            (
                "invite.method",
                MessageInit { invite: Some(InviteInit { method: s(), content: "BEGIN:VCALENDAR\n".into() }), ..init() },
            ),
            ("filename", f(AttachmentInit { filename: Some(s()), ..file("", b"") })),
            ("contentType", f(AttachmentInit { content_type: Some(format!("a/{evil}")), ..file("a", b"") })),
            (
                "contentType parameter",
                f(AttachmentInit { content_type: Some(format!("a/b; c={evil}")), ..file("a", b"") }),
            ),
            ("contentId", f(AttachmentInit { content_id: Some(s()), ..file("a", b"") })),
        ];
        for (what, case) in cases {
            let error = build(case).err().unwrap_or_else(|| panic!("{what} took {evil:?}"));
            assert!(matches!(error.code(), Code::InvalidArgument | Code::InvalidAddress), "{what}: {error}");
            assert!(!error.to_string().contains(['\r', '\n', '\0']), "{what}");
        }
        assert!(build(f(AttachmentInit { path: Some(s()), ..AttachmentInit::default() })).is_err());
    }
}

#[test]
fn control_characters_and_literals_stay_inside_their_field() {
    for odd in ["{9+}", "\u{1}", "a\u{7f}", "\u{85}", "\u{2028}x", "=?utf-8?Q?=0D=0ABcc:_x?="] {
        let parsed = back(MessageInit { subject: Some(odd.to_owned()), ..init() });
        assert!(parsed.bcc.is_empty());
        assert_eq!(parsed.headers.iter().filter(|(n, _)| n == "subject").count(), 1);
    }
}

#[test]
fn structural_fields_are_refused() {
    for name in [
        "Bcc",
        "bcc",
        "Content-Type",
        "CONTENT-TRANSFER-ENCODING",
        "MIME-Version",
        "From",
        "Subject",
        "Date",
        "Message-ID",
        "Resent-Bcc",
        "Received",
        "Return-Path",
        "X: Y",
        "X Y",
        "",
        "Ü",
    ] {
        let headers = ExtraHeaders(vec![(name.to_owned(), vec!["x".to_owned()])]);
        assert_eq!(build(MessageInit { headers, ..init() }).unwrap_err().code(), Code::InvalidArgument, "{name}");
    }
}

#[test]
fn files_are_checked_before_anything_is_written() {
    let at = |path: &str| MessageInit {
        attachments: Some(vec![AttachmentInit { path: Some(path.to_owned()), ..AttachmentInit::default() }]),
        ..init()
    };
    for path in ["/nowhere/at/all.pdf", "/", "", "/dev/null"] {
        assert!(matches!(build(at(path)), Err(Error::FileUnreadable { .. })), "{path}");
    }
    if cfg!(target_os = "linux") {
        let refused = build(at("/proc/version")).unwrap_err().to_string();
        assert!(refused.ends_with("it says that it is empty, but is not"), "{refused}");
    }
    let empty = std::env::temp_dir().join(format!("email-mime-empty-{}.txt", std::process::id()));
    std::fs::write(&empty, b"").unwrap();
    assert_eq!(back(at(empty.to_str().unwrap())).attachments[0].size, 0);
    std::fs::remove_file(empty).unwrap();
    let path = std::env::temp_dir().join(format!("email-mime-build-{}.pdf", std::process::id()));
    std::fs::write(&path, b"%PDF-x").unwrap();
    let parsed = back(at(path.to_str().unwrap()));
    assert_eq!(parsed.attachments[0].filename, path.file_name().unwrap().to_str().unwrap());
    assert_eq!(parsed.attachments[0].content.as_ref().unwrap().0[..], b"%PDF-x"[..]);
    std::fs::remove_file(path).unwrap();
    let both = AttachmentInit { path: Some("/etc/passwd".to_owned()), ..file("a", b"") };
    assert_eq!(
        build(MessageInit { attachments: Some(vec![both]), ..init() }).unwrap_err().code(),
        Code::InvalidArgument
    );
    let none = AttachmentInit { filename: Some("a".to_owned()), ..AttachmentInit::default() };
    assert_eq!(
        build(MessageInit { attachments: Some(vec![none]), ..init() }).unwrap_err().code(),
        Code::InvalidArgument
    );
}

#[test]
fn lines_are_never_too_long() {
    let long = MessageInit {
        to: Some(email_mime::Mailboxes::Many(
            (0..200).map(|n| Mailbox::Text(format!("Näme {n} <user{n}@example.com>"))).collect(),
        )),
        subject: Some("x".repeat(5000)),
        text: Some("y".repeat(5000)),
        html: Some("ü".repeat(5000)),
        references: Some((0..500).map(|n| format!("{n}@{}", "h".repeat(60))).collect()),
        headers: ExtraHeaders(vec![("X-Long".to_owned(), vec!["z".repeat(3000)])]),
        attachments: Some(vec![file(&"长".repeat(80), b"x"), file(&"n".repeat(300), b"x")]),
        ..init()
    };
    for line in octets(long.clone()).split("\r\n") {
        assert!(line.len() <= 78, "{line}");
        assert!(!line.contains(['\r', '\n']));
    }
    let parsed = back(long.clone());
    assert_eq!((parsed.subject, parsed.html), (long.subject, long.html));
    assert_eq!(parsed.to.len(), 200);
    assert_eq!(
        (parsed.references.len(), parsed.references[0].as_str()),
        (30, format!("<0@{}>", "h".repeat(60)).as_str())
    );
}

#[test]
fn an_invitation_says_its_method_twice() {
    let invite = |method: &str, content: &str| MessageInit {
        invite: Some(InviteInit { method: method.to_owned(), content: content.to_owned() }),
        ..init()
    };
    let all = octets(invite("request", "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nEND:VCALENDAR\r\n"));
    assert!(all.contains("Content-Type: text/calendar; charset=utf-8; method=REQUEST\r\n"), "{all}");
    assert!(all.contains("BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nVERSION:2.0\r\n"), "{all}");
    assert!(build(invite("CANCEL", "BEGIN:VCALENDAR\nMETHOD:REQUEST\nEND:VCALENDAR")).is_err());
    assert!(build(invite("REQUEST", "hello")).is_err());
}

#[test]
fn a_forwarded_message_is_never_base64() {
    let eml = |content: &[u8]| MessageInit { attachments: Some(vec![file("m.eml", content)]), ..init() };
    let all = octets(eml(b"Subject: x\n\nbody"));
    assert!(
        all.contains("Content-Type: message/rfc822")
            && all.contains("7bit\r\nContent-Disposition: attachment; filename=m.eml"),
        "{all}"
    );
    assert!(octets(eml("Subject: ü\n\nbody".as_bytes())).contains("Content-Type: application/octet-stream"));
}
