//! A message sent on: its head, its body and what was attached to it.

use serde::Deserialize;

use super::{carried, quote, references};
use crate::build::{check_recipients, one_recipient};
use crate::error::{Error, quote as quoted};
use crate::init::{AttachmentInit, Mailbox, Mailboxes, MessageInit};
use crate::message::{Attachment, ParsedMessage};
use crate::thread::base_subject;

/// What `forward` is asked for.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ForwardOptions {
    /// Who forwards.
    pub from: Mailbox,
    /// To whom.
    pub to: Mailboxes,
    /// What is said about it, as text.
    #[serde(default)]
    pub text: Option<String>,
    /// What is said about it, as HTML.
    #[serde(default)]
    pub html: Option<String>,
}

/// `original`, sent on with its attachments. Whoever wants to send it without one takes it out of the list: one whose content
/// was not read is refused, for nobody would notice that it stays behind.
pub fn forward(original: &ParsedMessage, options: ForwardOptions) -> Result<MessageInit, Error> {
    one_recipient(&options.from, "from")?;
    check_recipients(&options.to, "to")?;
    let (text, html) = bodies(original, &options);
    let files = original.attachments.iter().map(whole).collect::<Result<Vec<_>, _>>()?;
    let chain = references(original);
    let base = original.subject.as_deref().map(base_subject).unwrap_or_default();
    Ok(MessageInit {
        from: options.from,
        to: Some(options.to),
        subject: Some(format!("Fwd: {base}").trim_end().to_owned()),
        text: Some(text),
        html,
        attachments: (!files.is_empty()).then_some(files),
        references: (!chain.is_empty()).then_some(chain),
        ..MessageInit::default()
    })
}

fn whole(attachment: &Attachment) -> Result<AttachmentInit, Error> {
    carried(attachment).ok_or_else(|| {
        let name = quoted(&attachment.filename);
        Error::argument(
            "original.attachments",
            format!("{name} has no content: parse with attachments: 'content', or take it out"),
        )
    })
}

const MARK: &str = "---------- Forwarded message ----------";

fn bodies(original: &ParsedMessage, options: &ForwardOptions) -> (String, Option<String>) {
    let head = quote::forwarded_header(original);
    let own = quote::own_text(options.text.as_deref(), options.html.as_deref());
    let lines: String = head.iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
    let text = format!("{}\n\n{MARK}\n{lines}\n{}", own.trim_end(), quote::text_of(original));
    if options.html.is_none() && quote::is_plain(original) {
        return (text.trim_start_matches('\n').to_owned(), None);
    }
    let own = quote::own_html(options.text.as_deref(), options.html.as_deref());
    let lines: String =
        head.iter().map(|(name, value)| format!("<b>{name}:</b> {}<br>\n", quote::escape(value))).collect();
    let html = format!("{own}<br>\n<div>{MARK}<br>\n{lines}</div>\n<br>\n<div>{}</div>\n", quote::html_of(original));
    (text.trim_start_matches('\n').to_owned(), Some(html))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AttachmentDetail, ParseOptions, build, parse};

    const SOURCE: &str = "From: Ada <ada@example.com>\nTo: bob@example.com\nSubject: Re: Plan\nMessage-ID: <m@example.com>\n\
        Content-Type: multipart/mixed; boundary=b\n\n--b\n\nHello\n--b\nContent-Type: application/pdf; name=\"p.pdf\"\n\
        Content-Transfer-Encoding: base64\n\nJVBERg==\n--b--\n";

    fn options() -> ForwardOptions {
        ForwardOptions {
            from: "bob@example.com".into(),
            to: "cy@example.org".into(),
            text: Some("See below.".to_owned()),
            html: None,
        }
    }

    #[test]
    fn head_body_and_files_go_along() {
        let whole = ParseOptions { attachments: AttachmentDetail::Content, ..ParseOptions::default() };
        let forwarded = forward(&parse(SOURCE.as_bytes(), &whole), options()).unwrap();
        assert_eq!(forwarded.subject.as_deref(), Some("Fwd: Plan"));
        let text = "See below.\n\n---------- Forwarded message ----------\nFrom: Ada <ada@example.com>\nSubject: Re: Plan\nTo: bob@example.com\n\nHello";
        assert_eq!(forwarded.text.as_deref(), Some(text));
        assert_eq!(
            (forwarded.in_reply_to.clone(), forwarded.references.clone().unwrap()),
            (None, vec!["<m@example.com>".to_owned()])
        );
        let octets = build(forwarded).unwrap().into_body().read_all().unwrap();
        let back = parse(&octets, &whole);
        assert_eq!(back.attachments[0].filename, "p.pdf");
        assert_eq!(back.attachments[0].content.as_ref().unwrap().0[..], b"%PDF"[..]);
        assert_eq!(back.preview, "See below.");
    }

    #[test]
    fn plain_text_is_forwarded_as_plain_text() {
        let plain = ParsedMessage { attachments: Vec::new(), ..parse(SOURCE.as_bytes(), &ParseOptions::default()) };
        assert!(plain.html.is_some(), "made of the text");
        assert_eq!(forward(&plain, options()).unwrap().html, None);
        let with_html = ForwardOptions { html: Some("<p>See below.</p>".to_owned()), ..options() };
        assert!(forward(&plain, with_html).unwrap().html.unwrap().contains("Hello"));
    }

    #[test]
    fn files_without_content_do_not_stay_behind_unnoticed() {
        let mut parsed = parse(SOURCE.as_bytes(), &ParseOptions::default());
        let refused = forward(&parsed, options()).unwrap_err().to_string();
        assert_eq!(
            refused,
            "original.attachments: \"p.pdf\" has no content: parse with attachments: 'content', or take it out"
        );
        parsed.attachments.clear();
        assert_eq!(forward(&parsed, options()).unwrap().attachments, None);
    }

    #[test]
    fn a_wrong_recipient_is_refused_at_once() {
        assert!(forward(&ParsedMessage::default(), ForwardOptions { to: "nobody".into(), ..options() }).is_err());
    }

    #[test]
    fn what_comes_back_from_javascript_is_taken() {
        let parsed = parse(SOURCE.as_bytes(), &ParseOptions::default());
        let json = serde_json::to_string(&parsed).unwrap();
        let again: ParsedMessage = serde_json::from_str(&json).unwrap();
        assert_eq!(again, parsed);
        assert_eq!(serde_json::from_str::<ParsedMessage>("{}").unwrap(), ParsedMessage::default());
        assert!(serde_json::from_str::<ParsedMessage>(r#"{"subject":1}"#).is_err());
    }
}
