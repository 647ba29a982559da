//! The small language that safe HTML is written in, read on its own terms: nothing here knows how the HTML was made.

#![allow(clippy::indexing_slicing, reason = "only what tests and fuzzing run")]

/// Elements that may come out.
const ELEMENTS: &str = " a abbr acronym address article aside b bdi bdo big blockquote br caption center cite code col colgroup dd del dfn \
    dir div dl dt em figcaption figure font footer h1 h2 h3 h4 h5 h6 header hr i img ins kbd li main mark nav ol p pre q rp rt ruby s samp \
    section small span strike strong style sub sup table tbody td tfoot th thead tr tt u ul var wbr ";

/// Attributes that may come out.
const ATTRIBUTES: &str = " align alt bgcolor border cellpadding cellspacing class clear color colspan compact dir face frame headers height \
    href hspace id lang name noshade nowrap rel reversed rowspan rules scope size span src start style summary target title type valign value \
    vspace width ";

/// Images that may stand in the HTML.
const IMAGES: &[&str] = &["png", "jpeg", "jpg", "gif", "webp", "bmp", "x-icon"];

/// Reads `html` as the serialiser writes it: `<name a="b">`, quotes inside values escaped; an error says what else
/// there is. `remote` says whether images of other hosts may be there.
pub(super) fn check(html: &str, remote: bool) -> Result<(), String> {
    let mut rest = html;
    if let Some(sheet) = html.strip_prefix("<style>") {
        let (sheet, after) = sheet.split_once("</style>").ok_or("style without end")?;
        check_css(sheet)?;
        if sheet.contains('<') {
            return Err("markup in a style sheet".to_owned());
        }
        rest = after;
    }
    while let Some(at) = rest.find('<') {
        let tag = &rest[at + 1..];
        if let Some(end) = tag.strip_prefix('/') {
            let close = end.find('>').ok_or("end tag without end")?;
            check_name(&end[..close], ELEMENTS)?;
            rest = &end[close + 1..];
            continue;
        }
        let end = tag.find([' ', '>']).ok_or("tag without end")?;
        let element = &tag[..end];
        check_name(element, ELEMENTS)?;
        if element == "style" {
            return Err("a style element in the body".to_owned());
        }
        rest = &tag[end..];
        while let Some(attribute) = rest.strip_prefix(' ') {
            let equals = attribute.find("=\"").ok_or("attribute without value")?;
            let name = &attribute[..equals];
            check_name(name, ATTRIBUTES)?;
            let value = &attribute[equals + 2..];
            let quote = value.find('"').ok_or("value without end")?;
            check_value(element, name, &value[..quote], remote)?;
            rest = &value[quote + 1..];
        }
        rest = rest.strip_prefix('>').ok_or("rubbish in a tag")?;
    }
    Ok(())
}

fn check_name(name: &str, allowed: &str) -> Result<(), String> {
    let known = !name.is_empty() && allowed.contains(&format!(" {name} "));
    if known { Ok(()) } else { Err(format!("{name:?} came through")) }
}

fn check_value(element: &str, name: &str, value: &str, remote: bool) -> Result<(), String> {
    let value = value.replace("&amp;", "&");
    let lower = value.to_lowercase();
    let starts = |schemes: &[&str]| schemes.iter().any(|s| lower.starts_with(s));
    let fine = match (element, name) {
        (_, "src") => {
            starts(&["cid:"])
                || lower.strip_prefix("data:image/").is_some_and(|kind| IMAGES.iter().any(|i| kind.starts_with(i)))
                || (remote && starts(&["http:", "https:"]))
        }
        (_, "href") => {
            starts(&["http:", "https:", "mailto:", "tel:", "sms:", "callto:", "sip:", "webcal:", "ftp:", "#m_"])
                && !lower.contains(['\n', '\r', '\t'])
        }
        (_, "id" | "name") => lower.starts_with("m_"),
        (_, "class") => lower.split(' ').all(|c| c == "email-message" || c.starts_with("m_")),
        (_, "style") => return check_css(&lower),
        (_, "target") => lower == "_blank",
        (_, "rel") => lower == "noopener noreferrer",
        _ => true,
    };
    if fine { Ok(()) } else { Err(format!("{element} {name}={value:?} came through")) }
}

fn check_css(css: &str) -> Result<(), String> {
    let lower = css.to_lowercase();
    let bad = ["url(", "@import", "image-set", "\\", "/*", "expression("];
    match bad.iter().find(|b| lower.contains(**b)) {
        Some(b) => Err(format!("{b} in {css:?}")),
        None => Ok(()),
    }
}
