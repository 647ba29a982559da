//! BODYSTRUCTURE and BODY (RFC 9051 §7.5.2), read in loops: depth costs no stack.
//!
//! ```text
//! body            = "(" (body-type-1part / body-type-mpart) ")"
//! body-type-1part = type SP subtype SP params SP id SP description SP encoding SP octets
//!                   [SP envelope SP body SP lines]    ; message/rfc822, message/global
//!                   [SP lines]                        ; text/*
//!                   [SP md5 [SP disposition [SP language [SP location]]]]
//! body-type-mpart = 1*body SP subtype [SP params [SP disposition [SP language [SP location]]]]
//! ```
//!
//! Part numbers: RFC 9051 §6.4.5.1. A multipart that has no number of its own (at the top, or right inside a message) is
//! called by the section that holds it, `TEXT` or `2.TEXT`, so that every `part` can be downloaded.

use std::borrow::Cow;

use smol_str::{SmolStr, SmolStrBuilder, StrExt as _, ToSmolStr as _, format_smolstr};

use super::text;
use super::tree::{Item, Items};
use crate::types::BodyPart;

/// Parts that most messages do not exceed.
const USUAL_PARTS: usize = 4;

/// Parts of one message; stops a line of 200,000 empty ones, each 40 times the size of its text.
const MAX_PARTS: usize = 5000;

/// A structure as it was told.
pub(super) struct Told {
    pub(super) tree: BodyPart,
    /// A multipart in it has no parts: the grammar knows none such, and what they hold would be passed over in silence.
    pub(super) lacks_parts: bool,
}

/// What is given; missing and NIL fields are empty, negative sizes 0.
pub(super) fn read(item: Item<'_>) -> Result<Told, &'static str> {
    let top = item.list().ok_or("BODYSTRUCTURE is not a list")?;
    if top.peek().is_none() {
        return Err("BODYSTRUCTURE is empty");
    }
    let mut drafts: Vec<Draft> = Vec::with_capacity(USUAL_PARTS);
    let mut waiting: Vec<Waiting<'_>> = Vec::with_capacity(USUAL_PARTS);
    waiting.push(Waiting { body: item, parent: None, number: Number::Top(SmolStr::default()) });
    let mut lacks_parts = false;
    while let Some(Waiting { body, parent, number }) = waiting.pop() {
        if drafts.len() >= MAX_PARTS {
            return Err("BODYSTRUCTURE has too many parts");
        }
        let Some(fields) = body.list() else { continue };
        let index = drafts.len();
        if says_nothing(fields) {
            return Err("BODYSTRUCTURE has a part of which it says nothing");
        }
        let (mut part, children) = if is_multipart(fields) { multipart(fields) } else { single(fields) };
        match &children {
            Children::None | Children::Message(_) => part.part = number.of("1"),
            Children::Parts(fields) => {
                let first = waiting.len();
                waiting.extend(bodies(*fields).map(|(inner, n)| Waiting {
                    body: inner,
                    parent: Some(index),
                    number: Number::Child(numbered(number.prefix(), n)),
                }));
                lacks_parts |= waiting.len() == first;
                // The last one put in comes out first.
                waiting.get_mut(first..).unwrap_or_default().reverse();
                part.part = number.of("TEXT");
            }
        }
        if let Children::Message(inner) = children {
            waiting.push(Waiting { body: inner, parent: Some(index), number: Number::Top(part.part.clone()) });
        }
        drafts.push(Draft { part, parent });
    }
    let tree = fold(drafts).ok_or("BODYSTRUCTURE is empty")?;
    Ok(Told { tree, lacks_parts })
}

struct Waiting<'t> {
    body: Item<'t>,
    parent: Option<usize>,
    number: Number,
}

struct Draft {
    part: BodyPart,
    parent: Option<usize>,
}

/// How a body is called, as far as its place decides.
enum Number {
    /// At the top, or the content of the message part of this number.
    Top(SmolStr),
    /// A multipart's child.
    Child(SmolStr),
}

impl Number {
    /// `at_top`: what a body without a number of its own is called.
    fn of(self, at_top: &str) -> SmolStr {
        match self {
            Self::Top(message) if message.is_empty() => at_top.into(),
            Self::Top(message) => format_smolstr!("{message}.{at_top}"),
            Self::Child(number) => number,
        }
    }

    /// What the numbers of its children begin with.
    fn prefix(&self) -> &str {
        match self {
            Self::Top(number) | Self::Child(number) => number,
        }
    }
}

fn numbered(prefix: &str, n: usize) -> SmolStr {
    if prefix.is_empty() { n.to_smolstr() } else { format_smolstr!("{prefix}.{n}") }
}

/// Puts every part into its parent. Children stand behind their parents, so from the end each one is complete.
fn fold(mut drafts: Vec<Draft>) -> Option<BodyPart> {
    while let Some(Draft { mut part, parent }) = drafts.pop() {
        part.children.reverse();
        match parent {
            None => return Some(part),
            Some(parent) => drafts.get_mut(parent)?.part.children.push(part),
        }
    }
    None
}

enum Children<'t> {
    None,
    /// Of these fields the [`bodies`].
    Parts(Items<'t>),
    Message(Item<'t>),
}

/// Bodies first; or none, and then the subtype with its parameters (`("mixed" ("boundary" "x") NIL NIL)`), or with a
/// NIL before it (`(NIL "mixed" …)`).
fn is_multipart(mut fields: Items<'_>) -> bool {
    let (first, second) = (fields.next(), fields.next());
    let Some(first) = first else { return false };
    if first.list().is_some() {
        return true;
    }
    match second {
        None => !first.is_nil(),
        Some(second) if first.is_nil() => second.astring().is_some_and(|s| is_multipart_subtype(&s)),
        Some(second) => {
            second.list().is_some() || (second.is_nil() && first.astring().is_some_and(|s| is_multipart_subtype(&s)))
        }
    }
}

fn is_multipart_subtype(word: &[u8]) -> bool {
    [
        "mixed",
        "alternative",
        "related",
        "digest",
        "parallel",
        "report",
        "signed",
        "encrypted",
        "form-data",
        "appledouble",
    ]
    .iter()
    .any(|known| word.eq_ignore_ascii_case(known.as_bytes()))
}

fn multipart<'t>(fields: Items<'t>) -> (BodyPart, Children<'t>) {
    let mut rest = fields.skip_while(|f| f.list().is_some() || f.is_nil());
    let subtype = rest.next().and_then(printable).unwrap_or(Cow::Borrowed("mixed"));
    let parameters = rest.next().map(parameters).unwrap_or_default();
    let (disposition, filename) = disposition(rest);
    let part = BodyPart {
        media_type: lower(&["multipart/", &subtype]),
        parameters,
        disposition,
        filename,
        ..BodyPart::default()
    };
    (part, Children::Parts(fields))
}

/// The bodies in front of a multipart's other fields, with their numbers: an empty one is none, and has its own.
fn bodies<'t>(fields: Items<'t>) -> impl Iterator<Item = (Item<'t>, usize)> {
    fields.take_while(|f| f.list().is_some()).zip(1..).filter(|(f, _)| f.members().next().is_some())
}

fn single<'t>(fields: Items<'t>) -> (BodyPart, Children<'t>) {
    let field = |at: usize| fields.clone().nth(at);
    let media_type = match (field(0).and_then(printable), field(1).and_then(printable)) {
        (Some(main), Some(sub)) => lower(&[&main, "/", &sub]),
        // RFC 2045 §5.2 and §5.3: what is missing or cannot be read.
        (None, None) => SmolStr::new_static("text/plain"),
        _ => SmolStr::new_static("application/octet-stream"),
    };
    // Octets are the first bare number behind the type: a server that leaves a field out moves them.
    let octets = fields.enumerate().take(9).skip(3).find(|(_, f)| is_bare_number(*f)).map_or(6, |(at, _)| at);
    let parameters = field(2).map(parameters).unwrap_or_default();
    let is_message = matches!(media_type.as_str(), "message/rfc822" | "message/global");
    let has_envelope = is_message && field(octets.saturating_add(1)).is_some_and(|f| f.list().is_some());
    let inner = field(octets.saturating_add(2)).filter(|body| is_message && is_body(body.members()));
    let extension = octets.saturating_add(if has_envelope || inner.is_some() { 3 } else { 1 });
    let (disposition, filename) = disposition(fields.skip(extension));
    let part = BodyPart {
        media_type,
        filename: filename.or_else(|| named(&parameters, "name")),
        parameters,
        encoding: field(octets.saturating_sub(1)).and_then(word).unwrap_or(SmolStr::new_static("7bit")),
        size: field(octets).and_then(Item::number).filter(|n| *n <= MAX_SIZE).unwrap_or(0),
        disposition,
        content_id: field(3).filter(|_| octets >= 5).and_then(Item::nstring).and_then(|raw| content_id(&raw)),
        ..BodyPart::default()
    };
    (part, inner.map_or(Children::None, Children::Message))
}

/// `(NIL NIL NIL …)`, as Exchange sends it for a message that it cannot read: neither types nor sizes nor parts.
fn says_nothing(mut fields: Items<'_>) -> bool {
    fields.all(Item::is_nil)
}

/// A body, and not a disposition: bodies, or a type and a subtype.
fn is_body(mut fields: Items<'_>) -> bool {
    let first_is_body = fields.next().is_some_and(|first| first.list().is_some());
    first_is_body || fields.next().and_then(Item::nstring).is_some()
}

/// The largest whole number that JavaScript counts to.
pub(super) const MAX_SIZE: u64 = (1 << 53) - 1;

fn is_bare_number(item: Item<'_>) -> bool {
    item.atom().is_some_and(|atom| {
        let digits = atom.strip_prefix(b"-").unwrap_or(atom);
        !digits.is_empty() && digits.iter().all(u8::is_ascii_digit)
    })
}

/// A type, subtype, encoding or disposition: lower case; none where it is anything but printable ASCII.
fn word(item: Item<'_>) -> Option<SmolStr> {
    printable(item).map(|word| word.to_ascii_lowercase_smolstr())
}

fn printable(item: Item<'_>) -> Option<Cow<'_, str>> {
    let checked = |raw: &[u8]| !raw.is_empty() && raw.iter().all(|b| (b' '..=b'~').contains(b));
    let raw = match item.nstring()? {
        Cow::Borrowed(raw) => Cow::Borrowed(raw.trim_ascii()),
        Cow::Owned(raw) => Cow::Owned(raw.trim_ascii().to_vec()),
    };
    if !checked(&raw) {
        return None;
    }
    match raw {
        Cow::Borrowed(raw) => std::str::from_utf8(raw).ok().map(Cow::Borrowed),
        Cow::Owned(raw) => String::from_utf8(raw).ok().map(Cow::Owned),
    }
}

fn lower(pieces: &[&str]) -> SmolStr {
    let mut word = SmolStrBuilder::new();
    word.extend(pieces.iter().copied());
    word.as_str().to_ascii_lowercase_smolstr()
}

fn parameters(item: Item<'_>) -> Vec<(SmolStr, SmolStr)> {
    let mut members = item.members();
    text::parameters(std::iter::from_fn(move || {
        let name = members.next()?.nstring().unwrap_or_default();
        let value = members.next().and_then(Item::nstring).unwrap_or_default();
        Some((name, value))
    }))
    .into_iter()
    .filter(|(name, _)| !name.is_empty())
    .collect()
}

/// The first field that looks like one: `("attachment" ("filename" "a.pdf"))`. What stands before it (lines, MD5) may be
/// missing, and what stands behind (languages) is a list of texts.
fn disposition<'t>(fields: impl Iterator<Item = Item<'t>>) -> (Option<SmolStr>, Option<SmolStr>) {
    for field in fields {
        if let Some(mut members) = field.list() {
            let kind = members.next().and_then(word);
            match members.next() {
                Some(second) if second.list().is_some() || second.is_nil() => {
                    return (kind, named(&parameters(second), "filename"));
                }
                None if kind.as_deref().is_some_and(is_disposition) => return (kind, None),
                _ => {}
            }
        } else if let Some(kind) = word(field).filter(|kind| is_disposition(kind)) {
            return (Some(kind), None);
        }
    }
    (None, None)
}

fn is_disposition(word: &str) -> bool {
    matches!(word, "attachment" | "inline" | "form-data")
}

fn named(parameters: &[(SmolStr, SmolStr)], name: &str) -> Option<SmolStr> {
    parameters.iter().find(|(n, v)| n == name && !v.is_empty()).map(|(_, v)| v.clone())
}

fn content_id(raw: &[u8]) -> Option<SmolStr> {
    let text = text::utf8(raw);
    let bare = text.trim().trim_start_matches('<').trim_end_matches('>').trim();
    (!bare.is_empty()).then(|| bare.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grammar::testing::frame;
    use crate::grammar::tree::Tree;

    fn structure(input: &str) -> Result<BodyPart, &'static str> {
        let frame = frame(format!("{input}\r\n").as_bytes());
        let tree = Tree::read(&frame, 0..frame.bytes.len()).unwrap();
        read(tree.items().next().unwrap()).map(|told| told.tree)
    }

    /// Number and type of every part, depth first.
    fn outline(part: &BodyPart) -> String {
        let children: Vec<_> = part.children.iter().map(outline).collect();
        let own = format!("{} {}", part.part, part.media_type);
        if children.is_empty() { own } else { format!("{own} [{}]", children.join(", ")) }
    }

    const TEXT: &str = r#"("TEXT" "PLAIN" ("CHARSET" "UTF-8") NIL NIL "QUOTED-PRINTABLE" 12 1 NIL NIL NIL NIL)"#;

    #[test]
    fn a_single_part_is_part_1() {
        let part = structure(TEXT).unwrap();
        assert_eq!(outline(&part), "1 text/plain");
        assert_eq!((part.encoding.as_str(), part.size), ("quoted-printable", 12));
        assert_eq!(part.parameters, [("charset".into(), "UTF-8".into())]);
    }

    #[test]
    fn an_empty_part_keeps_its_number() {
        let whole = structure(&format!(r#"(()({TEXT}() "ALTERNATIVE"){TEXT} "MIXED")"#)).unwrap();
        assert_eq!(outline(&whole), "TEXT multipart/mixed [2 multipart/alternative [2.1 text/plain], 3 text/plain]");
    }

    #[test]
    fn numbers_are_those_of_the_rfc() {
        let png =
            r#"("image" "png" ("name" "a.png") "<i@x>" NIL "base64" 99 NIL ("inline" ("filename" "b.png")) NIL NIL)"#;
        let envelope = "(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)";
        let inner = format!(r#"({TEXT}({TEXT}{TEXT} "ALTERNATIVE" NIL NIL NIL) "MIXED" ("BOUNDARY" "b") NIL NIL)"#);
        let message =
            format!(r#"("MESSAGE" "RFC822" NIL NIL NIL "7BIT" 300 {envelope} {inner} 9 NIL ("attachment" NIL) NIL)"#);
        let plain_message = format!(r#"("message" "rfc822" NIL NIL NIL "7bit" 300 {envelope} {TEXT} 9)"#);
        let whole =
            structure(&format!(r#"({TEXT}{png}{message}({png}{plain_message} "DIGEST") "MIXED" NIL NIL NIL NIL)"#));
        let whole = whole.unwrap();
        assert_eq!(
            outline(&whole),
            "TEXT multipart/mixed [1 text/plain, 2 image/png, 3 message/rfc822 [3.TEXT multipart/mixed [3.1 text/plain, \
             3.2 multipart/alternative [3.2.1 text/plain, 3.2.2 text/plain]]], 4 multipart/digest [4.1 image/png, \
             4.2 message/rfc822 [4.2.1 text/plain]]]"
        );
        let image = &whole.children[1];
        assert_eq!(image.disposition.as_deref(), Some("inline"));
        assert_eq!((image.filename.as_deref(), image.content_id.as_deref()), (Some("b.png"), Some("i@x")));
        assert_eq!(whole.children[2].disposition.as_deref(), Some("attachment"));
        assert_eq!(whole.children[2].filename, None);
    }

    #[test]
    fn what_real_servers_get_wrong() {
        // No children: imap-proto closes the session over each of these.
        assert_eq!(outline(&structure(r#"("mixed" ("boundary" "b") NIL NIL)"#).unwrap()), "TEXT multipart/mixed");
        assert_eq!(outline(&structure(r#"(NIL "mixed" ("boundary" "b") NIL)"#).unwrap()), "TEXT multipart/mixed");
        assert_eq!(outline(&structure(r#"(() "related")"#).unwrap()), "TEXT multipart/related");
        // NIL values, odd lists, negative sizes.
        let part = structure(r#"("text" "plain" ("charset" NIL "x") NIL NIL "8bit" -1 -1)"#).unwrap();
        assert_eq!(part.parameters, [("charset".into(), "".into()), ("x".into(), "".into())]);
        assert_eq!(part.size, 0);
        // Lines missing, description missing, everything missing.
        let part =
            structure(r#"("text" "plain" NIL NIL NIL "7bit" 5 NIL ("attachment" ("filename" "a")) NIL)"#).unwrap();
        assert_eq!(part.filename.as_deref(), Some("a"));
        let part = structure(r#"("image" "gif" NIL "<c>" "base64" 77 NIL)"#).unwrap();
        assert_eq!((part.encoding.as_str(), part.size, part.content_id.as_deref()), ("base64", 77, Some("c")));
        assert_eq!(outline(&structure(r#"("image" "gif")"#).unwrap()), "1 image/gif");
        assert_eq!(outline(&structure(r#"(NIL NIL NIL NIL NIL "7bit" 0 0)"#).unwrap()), "1 text/plain");
        // A disposition without its list, a language that looks like one.
        let part = structure(r#"("image" "gif" NIL NIL NIL "base64" 7 NIL "attachment" NIL)"#).unwrap();
        assert_eq!(part.disposition.as_deref(), Some("attachment"));
        let part = structure(r#"("image" "gif" NIL NIL NIL "base64" 7 NIL NIL ("en" "de") "there")"#).unwrap();
        assert_eq!(part.disposition, None);
        // message/rfc822 as a leaf (Exchange), or with an envelope and no body.
        let leaf = r#"("message" "rfc822" NIL NIL NIL "7bit" 300 NIL ("attachment" ("filename" "m.eml")) NIL NIL)"#;
        assert_eq!(structure(leaf).unwrap().filename.as_deref(), Some("m.eml"));
        let no_body = r#"("message" "rfc822" NIL NIL NIL "7bit" 300 ("Wed" NIL) NIL 9 NIL ("inline" NIL))"#;
        assert_eq!(structure(no_body).unwrap().disposition.as_deref(), Some("inline"));
        assert!(structure("NIL").is_err() && structure("()").is_err());
        assert!(structure("(NIL NIL NIL NIL NIL NIL NIL)").is_err());
        assert!(structure(r#"(("text" "plain")(NIL NIL NIL) "mixed")"#).is_err());
    }

    #[test]
    fn legal_depth_is_read_and_any_depth_costs_no_stack() {
        for depth in [1, 64, 120] {
            let nested = (0..depth).fold(TEXT.to_owned(), |inner, _| format!(r#"({inner} "mixed")"#));
            let mut part = &structure(&nested).unwrap();
            let mut levels = 0;
            while let Some(child) = part.children.first() {
                (part, levels) = (child, levels + 1);
            }
            assert_eq!((levels, part.media_type.as_str()), (depth, "text/plain"));
        }
    }

    #[test]
    fn two_hundred_thousand_parts_are_refused() {
        let many = format!("({} \"mixed\")", r#"("a" "b")"#.repeat(100_000));
        assert_eq!(structure(&many).unwrap_err(), "BODYSTRUCTURE has too many parts");
    }
}
