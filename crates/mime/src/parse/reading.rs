//! From a message taken apart to a [`ParsedMessage`].

use std::borrow::Cow;
use std::collections::HashSet;

use bytes::Bytes;

use super::attachment::{self, Octets};
use super::body::{self, Roles, Segment};
use super::charset::{self, Hint, Trouble};
use super::extracted::Extracted;
use super::header::Fields;
use super::structure::{Defects, Part, Tree};
use super::transfer::Encoding;
use super::{address, calendar, date, flowed, footer, ids, report, security, tnef, transfer, uuencode};
use crate::html::{from_text, reference, sanitize, text as html_text, tracking};
use crate::limits::{MAX_ADDRESSES, MAX_ATTACHMENTS, MAX_FIELDS, MAX_INVITE_BYTES, MAX_TEXT_BYTES};
use crate::message::{Attachment, Invite, ParsedMessage, Security};
use crate::options::{CidImages, ParseOptions};
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
    /// Files found inside texts and inside `winmail.dat`.
    extracted: Vec<Extracted>,
    /// Meetings found inside `winmail.dat`.
    meetings: Vec<Invite>,
    /// Known before the bodies are read.
    security: Security,
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
        let security = security::of(&tree);
        Self { tree, options, fields, label, tld, defects, extracted: Vec::new(), meetings: Vec::new(), security }
    }

    /// For a message whose content was inside a signed object.
    pub(crate) fn opened(outer: Tree<'a>, mut inner: Tree<'a>, options: &'a ParseOptions) -> Self {
        let number = outer.parts.first().map_or("1", |p| p.number.as_str());
        // IMAP knows the object as one part: to fetch what is inside, the whole has to be fetched.
        inner.parts.iter_mut().for_each(|part| number.clone_into(&mut part.number));
        inner.defects.add("the signed content was opened for reading, its signature is not verified");
        let fields = outer.parts.into_iter().next().map(|p| p.fields).unwrap_or_default();
        let tld = fields.first("from").and_then(top_level_domain);
        Self { fields, tld, security: Security::SmimeSigned, ..Self::new(inner, options) }
    }

    fn hint(&self) -> Hint<'_> {
        Hint { label: self.label.as_deref(), tld: self.tld.as_deref() }
    }

    pub(crate) fn finish(mut self) -> ParsedMessage {
        let mut roles = body::roles(&self.tree);
        let mut bodies = self.bodies(&roles.segments);
        self.unpack_winmail(&mut roles, &mut bodies);
        self.bound(&mut bodies);
        let images = self.images(&roles);
        let mut attachments = self.attachments(&roles);
        if let Some(html) = &bodies.html {
            mark_inline(&mut attachments, html, &self.tree);
        }
        let tracking_pixels = self.tracking_pixels(bodies.html.as_deref());
        self.html_of_text(&mut bodies);
        let safe_html = self.safe_html(bodies.html.as_deref(), images);
        let invites = self.invites();
        let security = match (self.security, &bodies.text) {
            (Security::None, Some(text)) => security::inline_pgp(text),
            (known, _) => known,
        };
        let mut message = self.header_fields();
        message.report = report::of(&self.tree, &self.fields, message.subject.as_deref(), bodies.text.as_deref());
        message.preview = bodies.text.as_deref().map(preview::of_text).unwrap_or_default();
        message.thread_key = self.thread_key(&message);
        message.text = bodies.text;
        message.html = bodies.html;
        message.safe_html = safe_html;
        message.tracking_pixels = tracking_pixels;
        message.attachments = attachments;
        message.invites = invites;
        message.security = security;
        message.defects = self.defects.into_vec();
        message
    }

    fn header_fields(&mut self) -> ParsedMessage {
        let hint = Hint { label: self.label.as_deref(), tld: self.tld.as_deref() };
        let fields = &self.fields;
        let mut room = MAX_ADDRESSES;
        let mut addresses = |name: &str| {
            let all: Vec<_> = fields.all(name).flat_map(|raw| address::list(raw, hint)).take(room).collect();
            room -= all.len();
            all
        };
        let (from, sender, reply_to) = (addresses("from"), addresses("sender"), addresses("reply-to"));
        let (to, cc, bcc) = (addresses("to"), addresses("cc"), addresses("bcc"));
        if room == 0 {
            self.defects.add(format!("more than {MAX_ADDRESSES} addresses: the rest is left out"));
        }
        if fields.0.len() > MAX_FIELDS {
            self.defects.add(format!("more than {MAX_FIELDS} header fields: the rest is left out"));
        }
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
            from,
            sender,
            reply_to,
            to,
            cc,
            bcc,
            headers: fields.to_map(hint),
            ..ParsedMessage::default()
        }
    }

    fn thread_key(&self, message: &ParsedMessage) -> String {
        let index = self.fields.text("thread-index", Hint::default());
        let topic = self.fields.text("thread-topic", self.hint());
        // Only a message that nothing names is known by what it says.
        let fallback = message.message_id.is_none().then(|| {
            let people: Vec<&str> = message.from.iter().chain(&message.to).map(|a| a.address.as_str()).collect();
            format!("{:?} {people:?} {:?} {}", message.date, message.subject, message.preview)
        });
        thread_key(&Clues {
            message_id: message.message_id.as_deref(),
            in_reply_to: message.in_reply_to.as_deref(),
            references: &message.references,
            thread_index: index.as_deref(),
            thread_topic: topic.as_deref(),
            subject: message.subject.as_deref(),
            fallback: fallback.as_deref().unwrap_or_default().as_bytes(),
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
        let (mut octets, repaired) = transfer::decode(part.body, part.encoding);
        let appended = (repaired && part.encoding == Encoding::Base64).then(|| footer::split(part.body)).flatten();
        if let Some((encoded, _)) = appended {
            octets = transfer::decode(encoded, part.encoding).0;
        }
        let (rest, files) = match part.content_type.value.as_str() {
            "text/html" => (Cow::Borrowed(&*octets), Vec::new()),
            _ => uuencode::take_files(&octets),
        };
        let (mut text, trouble) = attachment::text_of(part, &rest, self.hint());
        // It is not of the language that HTML is.
        if let Some((_, appended)) = appended.filter(|_| part.content_type.value != "text/html") {
            if !text.is_empty() && !text.ends_with('\n') {
                text.push('\n');
            }
            text.push_str(&charset::decode(appended, None, self.hint()).0);
        }
        let number = part.number.clone();
        for (name, octets) in files {
            self.extracted.push(Extracted::uuencoded(&number, &name, octets));
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

    /// What `winmail.dat` holds stands in its place: files beside files, its body where there is no other.
    fn unpack_winmail(&mut self, roles: &mut Roles, bodies: &mut Bodies) {
        let mut unpacked = Vec::new();
        for index in &roles.attachments {
            let Some(part) = self.tree.parts.get(*index).filter(|p| is_winmail(p)) else { continue };
            let Some(found) = tnef::read(&transfer::decode(part.body, part.encoding).0) else { continue };
            self.meetings.extend(tnef::invite(&found));
            if bodies.html.is_none() && bodies.text.as_deref().is_none_or(|t| t.trim().is_empty()) {
                let from_html = || found.html.as_deref().map(html_text::from_html);
                bodies.text = found.text.clone().or_else(from_html).or(bodies.text.take());
            }
            bodies.html = bodies.html.take().or(found.html);
            let number = &part.number;
            self.extracted.extend(found.attachments.into_iter().map(|file| Extracted::tnef(number, file)));
            unpacked.push(*index);
        }
        roles.attachments.retain(|index| !unpacked.contains(index));
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
        let room = MAX_ATTACHMENTS.saturating_sub(all.len());
        if self.extracted.len() > room {
            self.defects.add(format!("more than {MAX_ATTACHMENTS} attachments: the rest is left out"));
        }
        for file in std::mem::take(&mut self.extracted).into_iter().take(room) {
            all.push(file.describe(all.len() + 1, detail));
        }
        all
    }

    /// Cuts what is longer than any letter.
    fn bound(&mut self, bodies: &mut Bodies) {
        for text in [&mut bodies.text, &mut bodies.html].into_iter().flatten().filter(|t| t.len() > MAX_TEXT_BYTES) {
            let mut end = MAX_TEXT_BYTES;
            while !text.is_char_boundary(end) {
                end -= 1;
            }
            text.truncate(end);
            self.defects.add(format!("a text is longer than {MAX_TEXT_BYTES} bytes: the rest is left out"));
        }
    }

    /// The text as HTML, where the sender wrote none.
    fn html_of_text(&mut self, bodies: &mut Bodies) {
        let Some(text) = bodies.text.as_deref().filter(|t| bodies.html.is_none() && !t.trim().is_empty()) else {
            return;
        };
        let (html, cut) = from_text::from_text(text);
        if cut {
            self.defects.add("the text is too long: the HTML made of it lacks a part");
        }
        bodies.html = Some(html);
    }

    /// Only asked together with the safe HTML, which leaves them out.
    fn tracking_pixels(&self, html: Option<&str>) -> Option<u32> {
        self.options.sanitize_html.policy()?;
        Some(html.map_or(0, tracking::count))
    }

    fn safe_html(&mut self, html: Option<&str>, images: sanitize::Images) -> Option<String> {
        let policy = self.options.sanitize_html.policy()?;
        let safe = sanitize::sanitize(html?, policy, images);
        if safe.cut {
            self.defects.add("the HTML is too large or too deep: the safe HTML lacks a part of it");
        }
        Some(safe.html)
    }

    /// What the HTML may show by its Content-ID; with octets only if they are to stand in it.
    fn images(&self, roles: &Roles) -> sanitize::Images {
        let Some(policy) = self.options.sanitize_html.policy() else { return sanitize::Images::new() };
        let max = if policy.cid == CidImages::DataUri { MAX_EMBEDDED_IMAGE } else { 0 };
        let parts = roles.attachments.iter().filter_map(|index| self.tree.parts.get(*index));
        let image = |part: &Part<'_>| {
            let content_id = attachment::content_id(part)?;
            let fits = max > 0 && transfer::decoded_size(part.body, part.encoding) <= max;
            let octets = fits.then(|| Bytes::from(transfer::decode(part.body, part.encoding).0.into_owned()));
            Some((reference::cid_key(&content_id), sanitize::Image { content_id, octets }))
        };
        parts.filter_map(image).chain(self.extracted.iter().filter_map(|file| file.image(max))).collect()
    }

    fn invites(&mut self) -> Vec<Invite> {
        let mut parts: Vec<_> = self.tree.parts.iter().filter_map(|p| Some((calendar_rank(p)?, p))).collect();
        // The same object often comes twice: as an alternative, and as a file for those who do not read that.
        parts.sort_by_key(|(rank, _)| *rank);
        let (mut seen, mut known) = (HashSet::new(), HashSet::new());
        let read = parts.into_iter().filter_map(|(_, part)| {
            let (octets, _) = transfer::decode(part.body, part.encoding);
            let text = calendar::characters(&octets, |octets| attachment::text_of(part, octets, self.hint()));
            calendar::read(&text, part.content_type.get("method"))
        });
        let read: Vec<_> = read.collect();
        if read.iter().any(|found| found.unknown_zone) {
            self.defects.add("an invitation names an unknown time zone: its times are read as UTC");
        }
        let all = read.into_iter().map(|found| found.invite).chain(std::mem::take(&mut self.meetings));
        let mut octets = 0;
        let fits = |invite: &Invite| {
            octets += invite.raw.len();
            octets <= MAX_INVITE_BYTES
        };
        let once = all.filter(|i| {
            let is_new = seen.insert((i.uid.clone(), i.method.clone()));
            // A file that does not say what is asked is one more copy.
            let is_known = !known.insert(i.uid.clone()) && i.method.is_none();
            i.uid.is_none() || is_new && !is_known
        });
        let once: Vec<Invite> = once.collect();
        let found = once.len();
        let given: Vec<Invite> = once.into_iter().take(MAX_INVITES).take_while(fits).collect();
        if given.len() < found {
            self.defects.add("too many invitations: the rest is left out");
        }
        given
    }
}

/// Whether the part may be a calendar object, and how late it is looked at.
fn calendar_rank(part: &Part<'_>) -> Option<u8> {
    match part.content_type.value.as_str() {
        "text/calendar" => Some(0),
        "application/ics" | "application/calendar" => Some(1),
        // Whatever a sender takes it for, the file's name and its first words tell.
        _ => {
            let name = attachment::given_name(part, Hint::default()).filter(|_| !part.multipart)?.to_ascii_lowercase();
            (name.ends_with(".ics") && part.body.len() <= MAX_INVITE_BYTES).then_some(2)
        }
    }
}

fn is_winmail(part: &Part<'_>) -> bool {
    matches!(part.content_type.value.as_str(), "application/ms-tnef" | "application/vnd.ms-tnef")
        || attachment::given_name(part, Hint::default()).is_some_and(|n| n.eq_ignore_ascii_case("winmail.dat"))
}

/// Inline is what the HTML refers to, by Content-ID or Content-Location.
fn mark_inline(attachments: &mut [Attachment], html: &str, tree: &Tree<'_>) {
    if attachments.is_empty() {
        return;
    }
    let references = reference::referenced(html);
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
    from_text::from_text(text).0
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
