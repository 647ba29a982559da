//! From a message taken apart to a [`ParsedMessage`].

use std::collections::HashSet;

use bytes::Bytes;
use email_base::Blob;

use super::attachment::{self, Octets};
use super::body::{self, Roles, Segment};
use super::charset::{Hint, Trouble};
use super::header::Fields;
use super::structure::{Defects, Part, Tree};
use super::{address, calendar, date, filename, flowed, ids, report, security, transfer, uuencode};
use crate::html::{reference, sanitize, text as html_text};
use crate::message::{Attachment, Invite, ParsedMessage};
use crate::options::{AttachmentDetail, CidImages, HtmlPolicy, ParseOptions};
use crate::preview;
use crate::thread::{Clues, base_subject, thread_key};

/// Invitations of one message.
const MAX_INVITES: usize = 50;

/// Octets of one image that may stand in safe HTML.
const MAX_EMBEDDED_IMAGE: usize = 8 << 20;

pub(crate) struct Reading<'a> {
    tree: Tree<'a>,
    options: &'a ParseOptions,
    fields: Fields<'a>,
    /// Charset of the first text part that names one, for octets that name none.
    label: Option<String>,
    tld: Option<String>,
    defects: Defects,
    /// Files found inside texts.
    extracted: Vec<Extracted>,
}

/// A file that is no part of its own.
struct Extracted {
    /// The part it was found in.
    part: String,
    name: String,
    octets: Vec<u8>,
}

/// The bodies in both readings.
#[derive(Default)]
struct Bodies {
    text: Option<String>,
    html: Option<String>,
}

impl<'a> Reading<'a> {
    pub(crate) fn new(mut tree: Tree<'a>, options: &'a ParseOptions) -> Self {
        let defects = std::mem::take(&mut tree.defects);
        let fields = tree.parts.first().map(|p| p.fields.clone()).unwrap_or_default();
        let label = tree.parts.iter().find_map(|p| p.content_type.get("charset")).map(str::to_owned);
        let tld = fields.first("from").and_then(top_level_domain);
        Self { tree, options, fields, label, tld, defects, extracted: Vec::new() }
    }

    fn hint(&self) -> Hint<'_> {
        Hint { label: self.label.as_deref(), tld: self.tld.as_deref() }
    }

    pub(crate) fn finish(mut self) -> ParsedMessage {
        let roles = body::roles(&self.tree);
        let bodies = self.bodies(&roles.segments);
        let mut attachments = self.attachments(&roles);
        if let Some(html) = &bodies.html {
            mark_inline(&mut attachments, html, &self.tree);
        }
        let safe_html = self.safe_html(bodies.html.as_deref(), &roles);
        let invites = self.invites();
        let security = security::of(&self.tree, bodies.text.as_deref());
        let mut message = self.header_fields();
        message.report = report::of(&self.tree, &self.fields, message.subject.as_deref(), bodies.text.as_deref());
        message.preview = bodies.text.as_deref().map(preview::of_text).unwrap_or_default();
        message.thread_key = self.thread_key(&message);
        message.text = bodies.text;
        message.html = bodies.html;
        message.safe_html = safe_html;
        message.attachments = attachments;
        message.invites = invites;
        message.security = security;
        message.defects = self.defects.into_vec();
        message
    }

    fn header_fields(&mut self) -> ParsedMessage {
        let hint = Hint { label: self.label.as_deref(), tld: self.tld.as_deref() };
        let fields = &self.fields;
        let addresses = |name: &str| {
            fields.all(name).flat_map(|raw| address::list(raw, hint)).take(address::MAX_ADDRESSES).collect()
        };
        let subject = fields.text("subject", hint);
        let date = fields.first("date").and_then(date::parse);
        if date.is_none() && fields.first("date").is_some() {
            self.defects.add("the Date cannot be read");
        }
        ParsedMessage {
            message_id: fields.first("message-id").and_then(ids::one),
            in_reply_to: fields.first("in-reply-to").and_then(ids::one),
            references: fields.first("references").map(ids::list).unwrap_or_default(),
            date,
            base_subject: subject.as_deref().map(base_subject),
            subject,
            from: addresses("from"),
            sender: addresses("sender"),
            reply_to: addresses("reply-to"),
            to: addresses("to"),
            cc: addresses("cc"),
            bcc: addresses("bcc"),
            headers: fields.to_map(hint),
            ..ParsedMessage::default()
        }
    }

    fn thread_key(&self, message: &ParsedMessage) -> String {
        let index = self.fields.text("thread-index", Hint::default());
        let people: Vec<&str> = message.from.iter().chain(&message.to).map(|a| a.address.as_str()).collect();
        let fallback = format!("{:?} {people:?} {:?} {}", message.date, message.subject, message.preview);
        thread_key(&Clues {
            message_id: message.message_id.as_deref(),
            in_reply_to: message.in_reply_to.as_deref(),
            references: &message.references,
            thread_index: index.as_deref(),
            subject: message.subject.as_deref(),
            fallback: fallback.as_bytes(),
        })
    }

    /// Text and HTML; text is read from the HTML where there is none worth reading.
    fn bodies(&mut self, segments: &[Segment]) -> Bodies {
        let has_html = segments.iter().any(|s| !s.rich.is_empty());
        let mut texts: Vec<String> = Vec::new();
        let mut rich: Vec<String> = Vec::new();
        for segment in segments {
            let html: Vec<String> = segment.rich.iter().map(|index| self.html_of(*index)).collect();
            let plain: Vec<String> = segment.text.iter().map(|index| self.plain_of(*index)).collect();
            if has_html && html.is_empty() {
                rich.extend(plain.iter().map(|text| escape(text)));
            }
            if plain.iter().all(|text| text.trim().is_empty()) && !html.is_empty() {
                texts.extend(html.iter().map(|h| html_text::from_html(h)));
            } else {
                texts.extend(plain);
            }
            rich.extend(html);
        }
        Bodies { text: join(texts), html: if has_html { join(rich) } else { None } }
    }

    /// A part of an HTML reading: plain text among it is escaped.
    fn html_of(&mut self, index: usize) -> String {
        let is_html = self.tree.parts.get(index).is_some_and(|p| p.content_type.value == "text/html");
        if is_html { self.decoded(index) } else { escape(&self.plain_of(index)) }
    }

    /// A part of a text reading, HTML among it read as text.
    fn plain_of(&mut self, index: usize) -> String {
        let Some(part) = self.tree.parts.get(index) else { return String::new() };
        if part.content_type.value == "text/html" {
            return html_text::from_html(&self.decoded(index));
        }
        let kind = &part.content_type;
        let is_flowed = kind.get("format").is_some_and(|f| f.eq_ignore_ascii_case("flowed"));
        let delsp = kind.get("delsp").is_some_and(|d| d.eq_ignore_ascii_case("yes"));
        let text = self.decoded(index);
        if is_flowed { flowed::join(&text, delsp) } else { text }
    }

    /// The characters of a text part; files encoded inside are taken out.
    fn decoded(&mut self, index: usize) -> String {
        let Some(part) = self.tree.parts.get(index) else { return String::new() };
        let (octets, repaired) = transfer::decode(part.body, part.encoding);
        let (rest, files) = uuencode::take_files(&octets);
        let (text, trouble) = attachment::text_of(part, &rest, self.hint());
        let number = part.number.clone();
        for (name, octets) in files {
            let name = super::decode_header_text(&name);
            self.extracted.push(Extracted { part: number.clone(), name, octets });
        }
        if repaired {
            self.defects.add("a body's transfer encoding is broken");
        }
        match trouble {
            Some(Trouble::Unknown) => self.defects.add("a charset is unknown"),
            Some(Trouble::Mislabelled) => self.defects.add("a charset is not what its label says"),
            Some(Trouble::Undecodable) => self.defects.add("some characters could not be decoded"),
            None => {}
        }
        text
    }

    fn attachments(&mut self, roles: &Roles) -> Vec<Attachment> {
        let detail = self.options.attachments;
        let mut all = Vec::with_capacity(roles.attachments.len() + self.extracted.len());
        for part in roles.attachments.iter().filter_map(|index| self.tree.parts.get(*index)) {
            let (described, octets) = attachment::describe(part, all.len() + 1, detail, self.hint());
            if octets == Octets::Repaired {
                self.defects.add("an attachment's transfer encoding is broken");
            }
            all.push(described);
        }
        for file in std::mem::take(&mut self.extracted) {
            all.push(file.describe(all.len() + 1, detail));
        }
        all
    }

    fn safe_html(&mut self, html: Option<&str>, roles: &Roles) -> Option<String> {
        let policy = self.options.sanitize_html.policy()?;
        let safe = sanitize::sanitize(html?, policy, self.images(roles, policy));
        if safe.cut {
            self.defects.add("the HTML is too large or too deep: the safe HTML lacks a part of it");
        }
        Some(safe.html)
    }

    /// Parts that the HTML may show by their Content-ID.
    fn images(&self, roles: &Roles, policy: HtmlPolicy) -> sanitize::Images {
        let parts = roles.attachments.iter().filter_map(|index| self.tree.parts.get(*index));
        let image = |part: &Part<'_>| {
            let content_id = attachment::content_id(part)?;
            let fits = policy.cid == CidImages::DataUri
                && transfer::decoded_size(part.body, part.encoding) <= MAX_EMBEDDED_IMAGE;
            let octets = fits.then(|| Bytes::from(transfer::decode(part.body, part.encoding).0.into_owned()));
            Some((reference::cid_key(&content_id), sanitize::Image { content_id, octets }))
        };
        parts.filter_map(image).collect()
    }

    fn invites(&self) -> Vec<Invite> {
        let of_kind = |kinds: &'static [&'static str]| {
            self.tree.parts.iter().filter(move |p| kinds.contains(&p.content_type.value.as_str()))
        };
        // The same object often comes twice: as an alternative, and as a file for those who do not read that.
        let parts = of_kind(&["text/calendar"]).chain(of_kind(&["application/ics", "application/calendar"]));
        let mut seen = HashSet::new();
        let read = parts.filter_map(|part| {
            let (octets, _) = transfer::decode(part.body, part.encoding);
            let (text, _) = attachment::text_of(part, &octets, self.hint());
            calendar::parse(&text, part.content_type.get("method"))
        });
        read.filter(|i| i.uid.is_none() || seen.insert((i.uid.clone(), i.method.clone()))).take(MAX_INVITES).collect()
    }
}

impl Extracted {
    fn describe(self, ordinal: usize, detail: AttachmentDetail) -> Attachment {
        let filename =
            filename::safe(&self.name).unwrap_or_else(|| filename::for_type("application/octet-stream", ordinal));
        Attachment {
            part: self.part,
            content_type: attachment::type_of_name(&filename).unwrap_or("application/octet-stream").to_owned(),
            filename,
            size: self.octets.len() as u64,
            content_id: None,
            inline: false,
            content: (detail == AttachmentDetail::Content).then(|| Blob(self.octets.into())),
        }
    }
}

/// Inline is what the HTML refers to, by Content-ID or Content-Location.
fn mark_inline(attachments: &mut [Attachment], html: &str, tree: &Tree<'_>) {
    let references = reference::referenced(html);
    if references.is_empty() {
        return;
    }
    for attachment in attachments {
        let by_id = attachment.content_id.as_deref().is_some_and(|id| references.contains(&reference::cid_key(id)));
        let location = || {
            let part = tree.parts.iter().find(|p| p.number == attachment.part && !p.multipart)?;
            part.fields.text("content-location", Hint::default())
        };
        attachment.inline = by_id || location().is_some_and(|l| references.contains(&l));
    }
}

/// Stretches one below the other; empty ones leave no gap.
fn join(all: Vec<String>) -> Option<String> {
    if all.len() < 2 {
        return all.into_iter().next();
    }
    let filled: Vec<String> = all.into_iter().filter(|s| !s.is_empty()).collect();
    Some(filled.join("\n"))
}

/// Plain text among HTML.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 40);
    out.push_str("<div style=\"white-space:pre-wrap\">");
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            c => out.push(c),
        }
    }
    out.push_str("</div>");
    out
}

/// `cn` of `<ada@mail.example.cn>`, also of the Chinese providers that live under `.com`.
fn top_level_domain(from: &[u8]) -> Option<String> {
    const CHINESE: &[&str] = &[
        "qq.com",
        "163.com",
        "126.com",
        "yeah.net",
        "139.com",
        "189.cn",
        "foxmail.com",
        "sina.com",
        "sohu.com",
        "aliyun.com",
    ];
    let text = String::from_utf8_lossy(from).to_ascii_lowercase();
    let domain = text.rsplit_once('@')?.1.trim_end_matches(['>', ' ', '\r', '\n', ';']);
    if CHINESE.contains(&domain) {
        return Some("cn".to_owned());
    }
    domain.rsplit('.').next().filter(|t| t.bytes().all(|b| b.is_ascii_lowercase())).map(str::to_owned)
}
