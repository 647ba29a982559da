//! Messages built from any strings, and answers to any message.

use bytes::Bytes;
use email_base::{Blob, Timestamp};

use crate::init::{AttachmentInit, Content, ExtraHeaders, InviteInit, Mailbox, Mailboxes, MessageInit, Priority};
use crate::options::{AttachmentDetail, ParseOptions};
use crate::{ForwardOptions, ReplyOptions, forward, parse, reply_to};

/// Builds a message from the input's pieces (NUL between them) and reads it again. What is refused is refused with a
/// typed error; what is not is well formed, and no string became a field of its own.
pub fn build(input: &[u8]) {
    let init = init(input);
    let named: Vec<String> = init.headers.0.iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
    let (subject, text, html) = (init.subject.clone(), init.text.clone(), init.html.clone());
    let Ok(built) = crate::build(init) else { return };
    let mut body = built.into_body();
    let promised = body.size_hint();
    let octets = body.read_all().unwrap_or_default();
    assert_eq!(octets.len() as u64, promised, "the size that was promised");
    check_octets(&octets);
    let parsed = parse(&octets, &ParseOptions { attachments: AttachmentDetail::Content, ..ParseOptions::default() });
    for (name, _) in &parsed.headers {
        assert!(OWN_FIELDS.contains(&name.as_str()) || named.contains(name), "a field {name} came in");
    }
    assert!(parsed.headers.iter().all(|(name, _)| name != "bcc" || named.contains(name)), "bcc in the bytes");
    assert_eq!(parsed.from.len(), 1, "{:?}", parsed.from);
    let calm = |text: &Option<String>| text.as_deref().is_some_and(|t| !t.contains(['\r', '\0', '\u{1b}', '\u{feff}']));
    if calm(&html) {
        assert_eq!(parsed.html.as_deref().map(str::trim_end), html.as_deref().map(str::trim_end));
    }
    if calm(&text) && html.is_none() && text.as_deref().is_some_and(|t| !t.contains("begin ")) {
        assert_eq!(parsed.text.as_deref().map(str::trim_end), text.as_deref().map(str::trim_end));
    }
    if calm(&subject) && !named.iter().any(|n| n == "subject") {
        let words = |t: Option<&str>| t.unwrap_or_default().split_whitespace().collect::<String>();
        let is_plain = |c: char| !c.is_control() && c != '\'';
        if subject.as_deref().is_some_and(|s| !s.contains("=?") && s.chars().all(is_plain)) {
            assert_eq!(words(parsed.subject.as_deref()), words(subject.as_deref()));
        }
    }
}

/// What [`crate::build()`] writes by itself.
const OWN_FIELDS: &[&str] = &[
    "from",
    "sender",
    "reply-to",
    "to",
    "cc",
    "subject",
    "date",
    "message-id",
    "in-reply-to",
    "references",
    "mime-version",
    "content-type",
    "content-transfer-encoding",
    "content-disposition",
    "content-id",
    "content-class",
    "x-priority",
    "importance",
    "priority",
    "disposition-notification-to",
];

fn check_octets(octets: &[u8]) {
    assert!(octets.ends_with(b"\r\n"), "a message ends with a line end");
    for line in octets.split(|b| *b == b'\n') {
        assert!(line.len() <= 999, "a line of {} octets", line.len());
        assert!(line.is_empty() || line.ends_with(b"\r"), "a bare line feed");
        assert!(!line.strip_suffix(b"\r").unwrap_or(line).contains(&b'\r'), "a bare carriage return");
    }
}

/// The input's pieces in the order of the fields; an empty piece is a field not given.
fn init(input: &[u8]) -> MessageInit {
    let mut pieces = input.split(|b| *b == 0).map(|p| String::from_utf8_lossy(p).into_owned());
    let mut next = || pieces.next().filter(|p| !p.is_empty());
    let mut init = MessageInit {
        from: Mailbox::Text(next().unwrap_or_else(|| "ada@example.com".to_owned())),
        to: next().map(|t| Mailboxes::One(Mailbox::Text(t))),
        subject: next(),
        text: next(),
        html: next(),
        date: Some(Timestamp(1_769_860_800_000)),
        message_id: Some(next().unwrap_or_else(|| "<fuzz@example.com>".to_owned())),
        cc: next().map(|t| Mailboxes::Many(t.split('\n').map(Mailbox::from).collect())),
        bcc: next().map(|t| Mailboxes::One(Mailbox::Text(t))),
        reply_to: next().map(|t| Mailboxes::One(Mailbox::Text(t))),
        in_reply_to: next(),
        references: next().map(|t| t.split('\n').map(str::to_owned).collect()),
        read_receipt_to: next(),
        priority: next().map(|t| if t.len() % 2 == 0 { Priority::High } else { Priority::Low }),
        invite: next().map(|content| InviteInit { method: "REQUEST".to_owned(), content }),
        ..MessageInit::default()
    };
    if let (Some(name), Some(value)) = (next(), next()) {
        init.headers = ExtraHeaders(vec![(name, vec![value])]);
    }
    let mut files = Vec::new();
    for _ in 0..5 {
        let (filename, content_type, content_id, content) = (next(), next(), next(), next());
        if filename.is_none() && content.is_none() {
            break;
        }
        let content = Content::Bytes(Blob(Bytes::from(content.unwrap_or_default())));
        files.push(AttachmentInit { filename, content_type, content_id, content: Some(content), path: None });
    }
    init.attachments = (!files.is_empty()).then_some(files);
    init
}

/// An answer to, and a forward of, whatever was read; what they give can be built.
pub fn answer(input: &[u8]) {
    let parsed = parse(input, &ParseOptions { attachments: AttachmentDetail::Content, ..ParseOptions::default() });
    let from = || Mailbox::Text("ada@example.com".to_owned());
    for all in [false, true] {
        let options = ReplyOptions {
            from: from(),
            own: Some(vec!["ada@example.com".to_owned()]),
            all: Some(all),
            text: Some("yes".to_owned()),
            html: None,
        };
        if let Ok(init) = reply_to(&parsed, options) {
            built(init);
        }
    }
    let options = ForwardOptions { from: from(), to: "bob@example.com".into(), text: None, html: None };
    if let Ok(init) = forward(&parsed, options) {
        built(init);
    }
}

fn built(init: MessageInit) {
    match crate::build(init) {
        Ok(built) => check_octets(&built.into_body().read_all().unwrap_or_default()),
        Err(error) => assert!(error.to_string().is_empty(), "an answer that cannot be built: {error}"),
    }
}
