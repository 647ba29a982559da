//! An answer: to whom, in which conversation, with what quoted (RFC 5322 §3.6.2 to §3.6.5).

use serde::Deserialize;

use super::{carried, quote, references, usable};
use crate::build::{check_identifier, one_recipient};
use crate::error::Error;
use crate::init::{Mailbox, MessageInit};
use crate::message::{Address, ParsedMessage};
use crate::thread::base_subject;

/// What `replyTo` is asked for.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReplyOptions {
    /// Who answers.
    pub from: Mailbox,
    /// Addresses not to answer to, beside `from`.
    #[serde(default, rename = "self")]
    pub own: Option<Vec<String>>,
    /// Also to everybody else who got the original.
    #[serde(default)]
    pub all: Option<bool>,
    /// What is answered, as text.
    #[serde(default)]
    pub text: Option<String>,
    /// What is answered, as HTML.
    #[serde(default)]
    pub html: Option<String>,
}

/// The answer to `original`.
pub fn reply_to(original: &ParsedMessage, options: ReplyOptions) -> Result<MessageInit, Error> {
    let from = one_recipient(&options.from, "from")?;
    let bare = |own: &String| one_recipient(&own.as_str().into(), "self").unwrap_or_else(|_| own.trim().to_owned());
    let mut own: Vec<String> = options.own.iter().flatten().map(|own| bare(own).to_lowercase()).collect();
    own.push(from.to_lowercase());
    let (to, cc) = recipients(original, &own, options.all.unwrap_or(false));
    let (text, html) = bodies(original, &options);
    let images =
        original.attachments.iter().filter(|a| a.inline && html.is_some()).filter_map(carried).collect::<Vec<_>>();
    let chain = references(original);
    Ok(MessageInit {
        from: options.from,
        to: (!to.is_empty()).then(|| to.into()),
        cc: (!cc.is_empty()).then(|| cc.into()),
        subject: Some(subject(original)),
        text: Some(text),
        html,
        attachments: (!images.is_empty()).then_some(images),
        in_reply_to: original.message_id.as_deref().and_then(check_identifier),
        references: (!chain.is_empty()).then_some(chain),
        ..MessageInit::default()
    })
}

/// Authors (or where they want answers) in `to`, everybody else in `cc`; an answer to one's own message goes to those
/// who got it.
fn recipients(original: &ParsedMessage, own: &[String], all: bool) -> (Vec<Address>, Vec<Address>) {
    let wanted = if original.reply_to.is_empty() { &original.from } else { &original.reply_to };
    let mut seen = own.to_vec();
    let mut to = usable(wanted, &mut seen);
    if to.is_empty() {
        to = usable(&original.to, &mut seen);
    }
    if to.is_empty() {
        // A note to oneself.
        to = usable(wanted, &mut Vec::new());
    }
    let mut cc = Vec::new();
    if all {
        for addresses in [&original.to, &original.cc] {
            cc.extend(usable(addresses, &mut seen));
        }
    }
    (to, cc)
}

fn subject(original: &ParsedMessage) -> String {
    let base = original.subject.as_deref().map(base_subject).unwrap_or_default();
    format!("Re: {base}").trim_end().to_owned()
}

fn bodies(original: &ParsedMessage, options: &ReplyOptions) -> (String, Option<String>) {
    let attribution = quote::attribution(original);
    let own = quote::own_text(options.text.as_deref(), options.html.as_deref());
    let text = format!("{}\n\n{attribution}\n{}", own.trim_end(), quote::quoted(&quote::text_of(original)));
    if options.html.is_none() && quote::is_plain(original) {
        return (text, None);
    }
    let own = quote::own_html(options.text.as_deref(), options.html.as_deref());
    let html = format!(
        "{own}<br>\n<div>{}</div>\n<blockquote type=\"cite\" style=\"margin:0 0 0 0.8ex;border-left:1px solid #ccc;padding-left:1ex\">\n{}\n</blockquote>\n",
        quote::escape(&attribution),
        quote::html_of(original)
    );
    (text, Some(html))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::init::Mailboxes;
    use crate::{AttachmentDetail, ParseOptions, build, parse};

    fn original() -> ParsedMessage {
        let source = "From: Ada <ada@example.com>\nTo: Bob <bob@example.com>, Cy <cy@example.org>\nCc: dan@example.net, BOB@example.com\n\
            Subject: AW: Plan\nMessage-ID: <m2@example.com>\nReferences: <m1@example.com>\nDate: Sat, 31 Jan 2026 12:00:00 +0000\n\
            Content-Type: multipart/related; boundary=r\n\n--r\nContent-Type: text/html\n\n<p>Hi <img src=cid:logo><script>x</script></p>\n--r\n\
            Content-Type: image/png\nContent-ID: <logo>\nContent-Transfer-Encoding: base64\n\niVBORw==\n--r--\n";
        parse(source.as_bytes(), &ParseOptions { attachments: AttachmentDetail::Content, ..ParseOptions::default() })
    }

    fn options() -> ReplyOptions {
        ReplyOptions { from: "Bob <bob@example.com>".into(), text: Some("Yes.".to_owned()), ..ReplyOptions::default() }
    }

    fn list(mailboxes: Option<Mailboxes>) -> Vec<String> {
        match mailboxes {
            Some(Mailboxes::Many(all)) => all
                .into_iter()
                .map(|m| match m {
                    Mailbox::Parts(a) => a.address.to_string(),
                    Mailbox::Text(t) => t,
                })
                .collect(),
            _ => Vec::new(),
        }
    }

    #[test]
    fn to_the_author_in_the_same_conversation() {
        let original = original();
        let reply = reply_to(&original, options()).unwrap();
        assert_eq!(list(reply.to.clone()), ["ada@example.com"]);
        assert_eq!(reply.cc, None);
        assert_eq!(reply.subject.as_deref(), Some("Re: Plan"));
        assert_eq!(reply.in_reply_to.as_deref(), Some("<m2@example.com>"));
        assert_eq!(reply.references.clone().unwrap(), ["<m1@example.com>", "<m2@example.com>"]);
        assert_eq!(
            reply.text.as_deref(),
            Some("Yes.\n\nOn Sat, 31 Jan 2026 12:00:00 +0000, Ada <ada@example.com> wrote:\n> Hi\n")
        );
        let html = reply.html.clone().unwrap();
        assert!(
            html.starts_with("<div>Yes.</div>") && html.contains("<img src=\"cid:logo\">") && !html.contains("script"),
            "{html}"
        );
        let octets = build(reply).unwrap().into_body().read_all().unwrap();
        let back = parse(&octets, &ParseOptions::default());
        assert_eq!(back.thread_key, original.thread_key);
        assert_eq!(back.preview, "Yes.");
        assert!(back.attachments[0].inline);
    }

    #[test]
    fn to_all_without_oneself() {
        let all = ReplyOptions { all: Some(true), own: Some(vec!["CY@example.org".to_owned()]), ..options() };
        let reply = reply_to(&original(), all).unwrap();
        assert_eq!(
            (list(reply.to), list(reply.cc)),
            (vec!["ada@example.com".to_owned()], vec!["dan@example.net".to_owned()])
        );
    }

    #[test]
    fn oneself_may_be_named_as_in_a_header() {
        let own = Some(vec!["Dan <DAN@example.net>".to_owned(), "no address".to_owned()]);
        let reply = reply_to(&original(), ReplyOptions { all: Some(true), own, ..options() }).unwrap();
        assert_eq!(list(reply.cc), ["cy@example.org"]);
    }

    #[test]
    fn the_answer_reaches_addresses_with_dots_in_odd_places() {
        for (read, written) in [
            ("a..b.@docomo.example", "\"a..b.\"@docomo.example"),
            (".a@docomo.example", "\".a\"@docomo.example"),
            ("\"a..b\"@docomo.example", "\"a..b\"@docomo.example"),
        ] {
            let source = format!("From: Ada <{read}>\nTo: bob@example.com\n\nHi");
            let reply = reply_to(&parse(source.as_bytes(), &ParseOptions::default()), options()).unwrap();
            assert_eq!(list(reply.to.clone()), [written]);
            let back = parse(&build(reply).unwrap().into_body().read_all().unwrap(), &ParseOptions::default());
            assert_eq!(back.to.len(), 1, "{read}");
        }
    }

    #[test]
    fn reply_to_is_honoured_and_own_messages_go_to_their_recipients() {
        let mut message = original();
        message.reply_to = vec![Address { name: None, address: "list@example.com".into(), group: None }];
        assert_eq!(list(reply_to(&message, options()).unwrap().to), ["list@example.com"]);
        let mine = reply_to(&original(), ReplyOptions { from: "ada@example.com".into(), ..options() }).unwrap();
        assert_eq!(list(mine.to), ["bob@example.com", "cy@example.org"]);
    }

    #[test]
    fn a_hostile_original_cannot_break_the_answer() {
        let mut message = original();
        message.subject = Some("x\r\nBcc: evil@example.com".to_owned());
        message.message_id = Some("<a\r\nb>".to_owned());
        message.from = vec![Address { name: Some("A\nB".into()), address: "ada@example.com".into(), group: None }];
        message.cc = vec![Address { name: None, address: "not an address\r\n".into(), group: None }];
        let reply = reply_to(&message, ReplyOptions { all: Some(true), ..options() }).unwrap();
        let octets = build(reply).unwrap().into_body().read_all().unwrap();
        assert!(parse(&octets, &ParseOptions::default()).bcc.is_empty());
    }
}
