//! Which parts are read as the message, and which are attached to it (RFC 2046 §5.1, RFC 2387, RFC 1847, RFC 6522).

use super::attachment::is_named;
use super::structure::{Part, Tree};

/// A stretch of the body. Several follow each other where text stands between attachments.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Segment {
    /// Parts that a text reader shows; empty when only HTML is there.
    pub(crate) text: Vec<usize>,
    /// Parts that an HTML reader shows; empty when only text is there.
    pub(crate) rich: Vec<usize>,
}

/// The parts by what they are for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Roles {
    pub(crate) segments: Vec<Segment>,
    pub(crate) attachments: Vec<usize>,
}

/// Sorts the parts of `tree`.
pub(crate) fn roles(tree: &Tree<'_>) -> Roles {
    let mut roles = visit(tree, 0, false);
    if roles.segments.is_empty() {
        promote_text(tree, &mut roles);
    }
    roles
}

/// A named text that nothing else stands beside is what the sender wanted read, unless it says `attachment`.
fn promote_text(tree: &Tree<'_>, roles: &mut Roles) {
    let readable = |index: &usize| {
        tree.parts
            .get(*index)
            .is_some_and(|p| is_readable(p) && p.disposition.value != "attachment" && !in_related(tree, p))
    };
    if let Some(at) = roles.attachments.iter().position(readable) {
        let index = roles.attachments.remove(at);
        roles.segments.extend(tree.parts.get(index).map(|p| leaf_segment(index, p)));
    }
}

fn in_related(tree: &Tree<'_>, part: &Part<'_>) -> bool {
    part.parent.and_then(|p| tree.parts.get(p)).is_some_and(|p| p.content_type.value == "multipart/related")
}

fn visit(tree: &Tree<'_>, index: usize, attach: bool) -> Roles {
    let Some(part) = tree.parts.get(index) else { return Roles::default() };
    if !part.multipart {
        return leaf(tree, index, part, attach);
    }
    match part.content_type.value.as_str() {
        _ if attach => sequence(tree, &part.children, true),
        "multipart/alternative" => alternative(tree, &part.children),
        "multipart/related" => related(tree, part),
        "multipart/signed" | "multipart/report" => first_and_rest(tree, &part.children),
        "multipart/encrypted" => sequence(tree, &part.children, true),
        "multipart/appledouble" => appledouble(tree, &part.children),
        _ => sequence(tree, &part.children, false),
    }
}

fn leaf(tree: &Tree<'_>, index: usize, part: &Part<'_>, attach: bool) -> Roles {
    // What stands there is read whatever it is called.
    let is_wanted = part
        .parent
        .and_then(|p| tree.parts.get(p))
        .is_none_or(|p| matches!(p.content_type.value.as_str(), "multipart/alternative" | "multipart/related"));
    let named = is_named(part) && !is_wanted;
    if attach || !is_readable(part) || named || part.disposition.value == "attachment" {
        return Roles { segments: Vec::new(), attachments: vec![index] };
    }
    Roles { segments: vec![leaf_segment(index, part)], attachments: Vec::new() }
}

fn leaf_segment(index: usize, part: &Part<'_>) -> Segment {
    if part.content_type.value == "text/html" {
        Segment { text: Vec::new(), rich: vec![index] }
    } else {
        Segment { text: vec![index], rich: Vec::new() }
    }
}

fn is_readable(part: &Part<'_>) -> bool {
    matches!(part.content_type.value.as_str(), "text/plain" | "text/html")
}

fn sequence(tree: &Tree<'_>, children: &[usize], attach: bool) -> Roles {
    let mut all = Roles::default();
    for child in children {
        let roles = visit(tree, *child, attach);
        all.segments.extend(roles.segments);
        all.attachments.extend(roles.attachments);
    }
    all
}

/// The same content several times, the richest last (RFC 2046 §5.1.4).
fn alternative(tree: &Tree<'_>, children: &[usize]) -> Roles {
    let mut merged = Roles::default();
    let mut chosen = Segment::default();
    let mut unread = Vec::new();
    for child in children {
        let roles = visit(tree, *child, false);
        let is_rich = roles.segments.iter().any(|s| !s.rich.is_empty());
        let parts: Vec<usize> =
            roles.segments.into_iter().flat_map(|s| if s.rich.is_empty() { s.text } else { s.rich }).collect();
        if is_rich {
            chosen.rich = parts;
        } else if !parts.is_empty() && chosen.text.is_empty() {
            chosen.text = parts;
        }
        let is_text = tree.parts.get(*child).is_some_and(is_alternative_text);
        if is_text { unread.extend(roles.attachments) } else { merged.attachments.extend(roles.attachments) }
    }
    // Another spelling of what is read already (AMP, calendar, RTF) is no attachment.
    if chosen == Segment::default() {
        merged.attachments.extend(unread);
        merged.attachments.sort_unstable();
    } else {
        merged.segments.push(chosen);
    }
    merged
}

fn is_alternative_text(part: &Part<'_>) -> bool {
    part.content_type.value.starts_with("text/") && !is_named(part) && part.disposition.value != "attachment"
}

/// A document and what it shows (RFC 2387): the root is named by `start`, else it is the first.
fn related(tree: &Tree<'_>, part: &Part<'_>) -> Roles {
    let id_of =
        |index: &usize| tree.parts.get(*index).and_then(|p| p.fields.first("content-id")).and_then(super::ids::one);
    let start = part.content_type.get("start").and_then(|s| super::ids::one(s.as_bytes()));
    let named = part.children.iter().find(|c| start.is_some() && id_of(c) == start);
    let holds_document = |index: &&usize| {
        tree.parts.get(**index).is_some_and(|p| p.multipart || is_readable(p) && p.disposition.value != "attachment")
    };
    let root = named.or_else(|| part.children.iter().find(holds_document)).copied();
    let mut all = Roles::default();
    for child in &part.children {
        let roles = visit(tree, *child, Some(*child) != root);
        all.segments.extend(roles.segments);
        all.attachments.extend(roles.attachments);
    }
    all
}

/// Signed content and its signature, a report's text and its data.
fn first_and_rest(tree: &Tree<'_>, children: &[usize]) -> Roles {
    let Some((first, rest)) = children.split_first() else { return Roles::default() };
    let mut all = visit(tree, *first, false);
    all.attachments.extend(sequence(tree, rest, true).attachments);
    all
}

/// A Macintosh file (RFC 1740): the resource fork is of no use elsewhere.
fn appledouble(tree: &Tree<'_>, children: &[usize]) -> Roles {
    let is_fork = |c: &&usize| tree.parts.get(**c).is_some_and(|p| p.content_type.value == "application/applefile");
    let data: Vec<usize> = children.iter().filter(|c| !is_fork(c)).copied().collect();
    if data.is_empty() { sequence(tree, children, true) } else { sequence(tree, &data, true) }
}
