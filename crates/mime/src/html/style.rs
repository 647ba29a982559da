//! CSS of mails: properties and functions from a list, everything else is left out (CSS Syntax 3, read strictly).
//!
//! No `url()` in any spelling, no `@import`, no `position`: nothing is loaded, nothing leaves the place where the
//! message is shown. Sheets apply below one class only, with their own class names prefixed.

/// Below which class a message's style sheet applies; the wrapper that [`super::sanitize`] puts around it.
pub(crate) const SCOPE: &str = "email-message";

/// Before every class name and id of the message: `modal` must not become the page's `modal`.
pub(crate) const PREFIX: &str = "m_";

/// `name` out of the page's reach. What was made safe before, and is quoted now, keeps its name.
pub(crate) fn with_prefix(name: &str) -> String {
    if name.starts_with(PREFIX) || name == SCOPE { name.to_owned() } else { format!("{PREFIX}{name}") }
}

/// The declarations of a `style` attribute that are harmless.
pub(crate) fn declarations(css: &str) -> String {
    let css = without_comments(css);
    let mut out = String::with_capacity(css.len());
    for declaration in split_outside(&css, ';') {
        let Some((name, value)) = declaration.split_once(':') else { continue };
        let name = name.trim().to_ascii_lowercase();
        if !is_allowed_property(&name) {
            continue;
        }
        if let Some(value) = safe_value(&name, value) {
            if !out.is_empty() {
                out.push(';');
            }
            out.push_str(&name);
            out.push(':');
            out.push_str(&value);
        }
    }
    out
}

/// The rules of a style sheet that are harmless, each below [`SCOPE`].
pub(crate) fn sheet(css: &str) -> String {
    let css = without_comments(css).replace("<!--", " ").replace("-->", " ");
    let mut out = String::with_capacity(css.len());
    rules(&css, true, &mut out);
    out
}

/// `media` blocks are followed one level deep, all other at-rules are left out.
fn rules(css: &str, media_allowed: bool, out: &mut String) {
    let mut rest = css;
    loop {
        rest = rest.trim_start();
        if rest.is_empty() {
            return;
        }
        let end = find_outside(rest, &['{', ';', '}']).unwrap_or(rest.len());
        let (prelude, tail) = rest.split_at(end);
        if !tail.starts_with('{') {
            // A statement such as `@import`, or rubbish.
            rest = tail.get(1..).unwrap_or_default();
            continue;
        }
        let (block, after) = block(tail);
        rest = after;
        let prelude = prelude.trim();
        if let Some(condition) =
            prelude.get(..6).filter(|p| p.eq_ignore_ascii_case("@media")).and_then(|_| prelude.get(6..))
        {
            if media_allowed && is_media_condition(condition) {
                let mut inner = String::new();
                rules(block, false, &mut inner);
                if !inner.is_empty() {
                    out.push_str(&format!("@media {}{{{inner}}}", condition.trim()));
                }
            }
        } else if !prelude.starts_with('@') {
            rule(prelude, block, out);
        }
    }
}

fn rule(selectors: &str, block: &str, out: &mut String) {
    let scoped: Vec<String> = selectors.split(',').filter_map(scoped_selector).collect();
    let declarations = declarations(block);
    if !scoped.is_empty() && !declarations.is_empty() {
        out.push_str(&format!("{}{{{declarations}}}", scoped.join(",")));
    }
}

/// `p.MsoNormal` → `.email-message p.m_MsoNormal`; `None` for what is not simple.
fn scoped_selector(selector: &str) -> Option<String> {
    const PSEUDO: &[&str] = &["link", "visited", "hover", "active", "focus", "first-child", "last-child"];
    let selector = selector.trim();
    let sound = !selector.is_empty()
        && selector.len() < 300
        && selector.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.#*>+~: ".contains(&b));
    let sound_pseudo = selector.split(':').skip(1).all(|p| {
        let end = p.find(|c: char| !(c.is_ascii_alphanumeric() || c == '-')).unwrap_or(p.len());
        p.get(..end).is_some_and(|name| PSEUDO.contains(&name.to_ascii_lowercase().as_str()))
    });
    if !sound || !sound_pseudo {
        return None;
    }
    let mut out = format!(".{SCOPE}");
    for compound in selector.split_whitespace() {
        let lower = compound.to_ascii_lowercase();
        let rest = ["html", "body"].iter().find_map(|root| lower.strip_prefix(root).map(|r| compound.len() - r.len()));
        // `body` and `html` are the wrapper itself.
        let compound = match rest.and_then(|at| compound.get(at..)) {
            Some("") => continue,
            Some(rest) if rest.starts_with(['.', '#', ':']) => rest,
            _ => compound,
        };
        if compound.strip_prefix('.') == Some(SCOPE) {
            continue;
        }
        out.push(' ');
        push_compound(compound, &mut out)?;
    }
    (!out.ends_with(['>', '+', '~', ':'])).then_some(out)
}

/// `p.MsoNormal#x` with its names prefixed; `None` when one of them is empty.
fn push_compound(compound: &str, out: &mut String) -> Option<()> {
    let mut rest = compound;
    while let Some(at) = rest.find(['.', '#']) {
        let (before, tail) = rest.split_at(at);
        out.push_str(before);
        let name = tail.get(1..)?;
        let end = name.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))).unwrap_or(name.len());
        let (name, after) = name.split_at(end);
        if name.is_empty() {
            return None;
        }
        out.push_str(tail.get(..1)?);
        out.push_str(&with_prefix(name));
        rest = after;
    }
    out.push_str(rest);
    Some(())
}

fn is_media_condition(condition: &str) -> bool {
    condition.len() < 200 && condition.bytes().all(|b| b.is_ascii_alphanumeric() || b" ():,.-".contains(&b))
}

/// The content of the block at the start of `css`, and what follows it.
fn block(css: &str) -> (&str, &str) {
    let mut depth = 0usize;
    let mut quote = None;
    for (at, c) in css.char_indices() {
        match (quote, c) {
            (Some(q), _) if c == q || c == '\n' => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, '{') => depth += 1,
            (None, '}') => {
                depth -= 1;
                if depth == 0 {
                    return (css.get(1..at).unwrap_or_default(), css.get(at + 1..).unwrap_or_default());
                }
            }
            _ => {}
        }
    }
    (css.get(1..).unwrap_or_default(), "")
}

fn find_outside(css: &str, wanted: &[char]) -> Option<usize> {
    let mut quote = None;
    for (at, c) in css.char_indices() {
        match quote {
            Some(q) if c == q || c == '\n' => quote = None,
            Some(_) => {}
            None if wanted.contains(&c) => return Some(at),
            None if matches!(c, '"' | '\'') => quote = Some(c),
            None => {}
        }
    }
    None
}

fn split_outside(css: &str, separator: char) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut depth, mut quote) = (0, 0usize, None);
    for (at, c) in css.char_indices() {
        match (quote, c) {
            (Some(q), _) if c == q || c == '\n' => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, '(') => depth += 1,
            (None, ')') => depth = depth.saturating_sub(1),
            (None, _) if c == separator && depth == 0 => {
                parts.push(css.get(start..at).unwrap_or_default());
                start = at + c.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(css.get(start..).unwrap_or_default());
    parts
}

/// A comment counts as a blank, so that `ur/**/l(` does not become `url(`.
fn without_comments(css: &str) -> String {
    let mut out = String::with_capacity(css.len());
    let mut rest = css;
    while let Some((before, tail)) = rest.split_once("/*") {
        out.push_str(before);
        out.push(' ');
        rest = tail.split_once("*/").map_or("", |(_, after)| after);
    }
    out.push_str(rest);
    out
}

/// The value if every character and function of it is known to be harmless.
fn safe_value(name: &str, value: &str) -> Option<String> {
    let value = if name == "background" { without_urls(value) } else { value.to_owned() };
    let value = value.trim();
    let letters = |c: char| c.is_alphanumeric() || " \t\n#%.,-+/*()!\"'_".contains(c);
    if value.is_empty() || value.len() > 1_000 || !value.chars().all(letters) || !quotes_are_closed(value) {
        return None;
    }
    if !functions(value).all(|f| is_allowed_function(&f)) {
        return None;
    }
    // Text may not be pulled over what stands beside the message.
    let negative = value.as_bytes().windows(2).any(|w| matches!(w, [b'-', b'0'..=b'9' | b'.']));
    if negative && (name.starts_with("margin") || name == "text-indent") {
        return None;
    }
    Some(value.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// `#fff url(x) no-repeat` still has a colour.
fn without_urls(value: &str) -> String {
    let lower = value.to_ascii_lowercase();
    let mut out = String::with_capacity(value.len());
    let mut from = 0;
    for (at, _) in lower.match_indices("url(") {
        if at >= from {
            out.push_str(value.get(from..at).unwrap_or_default());
            from = lower.get(at..).and_then(|t| t.find(')')).map_or(value.len(), |end| at + end + 1);
        }
    }
    out.push_str(value.get(from..).unwrap_or_default());
    out
}

fn quotes_are_closed(value: &str) -> bool {
    ['"', '\''].iter().all(|q| value.matches(*q).count().is_multiple_of(2))
}

/// Names before an opening parenthesis; empty for a parenthesis alone.
fn functions(value: &str) -> impl Iterator<Item = String> {
    value.match_indices('(').map(|(at, _)| {
        let before = value.get(..at).unwrap_or_default().trim_end();
        let start = before
            .rfind(|c: char| !(c.is_alphanumeric() || c == '-' || c == '_'))
            .map_or(0, |n| n + before.get(n..).and_then(|b| b.chars().next()).map_or(1, char::len_utf8));
        before.get(start..).unwrap_or_default().to_ascii_lowercase()
    })
}

fn is_allowed_function(name: &str) -> bool {
    matches!(
        name,
        "" | "rgb" | "rgba" | "hsl" | "hsla" | "calc" | "min" | "max" | "clamp" | "linear-gradient" | "radial-gradient"
    )
}

fn is_allowed_property(name: &str) -> bool {
    const PREFIXES: &[&str] =
        &["font", "text-", "margin", "padding", "border", "list-style-", "background-", "column", "flex", "outline"];
    const NAMES: &[&str] = &[
        "align-items",
        "background",
        "box-shadow",
        "box-sizing",
        "caption-side",
        "clear",
        "color",
        "direction",
        "display",
        "empty-cells",
        "float",
        "gap",
        "height",
        "hyphens",
        "justify-content",
        "letter-spacing",
        "line-break",
        "line-height",
        "list-style",
        "max-height",
        "max-width",
        "min-height",
        "min-width",
        "opacity",
        "overflow",
        "overflow-wrap",
        "overflow-x",
        "overflow-y",
        "row-gap",
        "tab-size",
        "table-layout",
        "unicode-bidi",
        "vertical-align",
        "visibility",
        "white-space",
        "width",
        "word-break",
        "word-spacing",
        "word-wrap",
        "writing-mode",
    ];
    const DENIED: &[&str] = &["background-image", "list-style-image", "border-image", "border-image-source"];
    if DENIED.contains(&name) {
        return false;
    }
    NAMES.contains(&name)
        || (PREFIXES.iter().any(|p| name.starts_with(p)) && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declarations_from_the_list() {
        for (css, expected) in [
            ("color: red; Font-Family: \"宋体\", Arial", "color:red;font-family:\"宋体\", Arial"),
            ("margin:0cm 0cm 0pt;mso-style-x:1", "margin:0cm 0cm 0pt"),
            ("background: #fff url(http://x/y.png) no-repeat", "background:#fff no-repeat"),
            ("background-image:url(x)", ""),
            ("background:u\\72l(x)", ""),
            ("background:ur/**/l(x)", ""),
            ("background:URL ( x )", ""),
            ("background:image-set('x' 1x)", ""),
            ("list-style:url(x)", ""),
            ("color:expression(alert(1))", ""),
            ("color:var(--x)", ""),
            ("behavior:url(x)", ""),
            ("-moz-binding:url(x)", ""),
            ("position:fixed;top:0", ""),
            ("margin-left:-5000px;margin-top:4px", "margin-top:4px"),
            ("width:calc(100% - 4px) !important", "width:calc(100% - 4px) !important"),
            ("color:red}body{x:y", ""),
            ("color:red</style><script>", ""),
            ("font-family:'a;color:red", ""),
            ("filter:progid:DXImageTransform.Microsoft.gradient()", ""),
            ("content:'x'", ""),
            ("animation:x 1s", ""),
            ("color:\u{0}red", ""),
            ("@import 'x';color:red", "color:red"),
        ] {
            assert_eq!(declarations(css), expected, "{css}");
        }
    }

    #[test]
    fn sheets_stay_in_their_scope() {
        for (css, expected) in [
            (
                "p.MsoNormal, li.MsoNormal {margin:0cm; color:black}",
                ".email-message p.m_MsoNormal,.email-message li.m_MsoNormal{margin:0cm;color:black}",
            ),
            ("body{color:red} html body.x p{color:red}", ".email-message{color:red}.email-message .m_x p{color:red}"),
            ("@import url(x); @import 'y'; p{color:red}", ".email-message p{color:red}"),
            ("@font-face{font-family:x;src:url(y)} p{color:red}", ".email-message p{color:red}"),
            (
                "@media (max-width: 600px){ .a{width:100%!important} @media x{p{color:red}} }",
                "@media (max-width: 600px){.email-message .m_a{width:100%!important}}",
            ),
            ("<!-- p{color:red} -->", ".email-message p{color:red}"),
            ("a[href^='x']{color:red}", ""),
            ("p{color:red", ".email-message p{color:red}"),
            ("p::before{content:'x'}", ""),
            ("p\\{x{color:red}", ""),
            ("}} p{color:red}", ".email-message p{color:red}"),
            ("</style><script>x</script>{color:red}", ""),
            (".{color:red} a>{color:red} a > b{color:red}", ".email-message a > b{color:red}"),
            ("a:hover{color:red} a:has(b){color:red}", ".email-message a:hover{color:red}"),
            (".email-message p.m_x{color:red}", ".email-message p.m_x{color:red}"),
            ("@supports (x:y){p{color:red}} b{color:red}", ".email-message b{color:red}"),
        ] {
            assert_eq!(sheet(css), expected, "{css}");
        }
    }

    #[test]
    fn bombs_end_in_time() {
        for css in [
            "{".repeat(200_000),
            "/*".repeat(100_000),
            "a{".repeat(100_000),
            "(".repeat(200_000),
            "url(".repeat(100_000),
            "@media{".repeat(50_000),
            "'".repeat(99_999),
        ] {
            sheet(&css);
            declarations(&format!("background:{css}"));
        }
    }
}
