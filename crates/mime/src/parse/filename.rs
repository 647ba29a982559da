//! Names that are safe to join to a folder, on every system the host runs on.

/// Longest name in octets: file systems stop at 255.
const MAX_BYTES: usize = 250;

/// `name` without separators, control and bidi characters, reserved names and edges that Windows drops.
/// `None` when nothing is left.
pub(crate) fn safe(name: &str) -> Option<String> {
    let last = name.rsplit(['/', '\\']).find(|part| !part.trim_matches(is_edge).is_empty())?;
    let replaced: String =
        last.chars().filter(|c| !is_hidden(*c)).map(|c| if is_forbidden(c) { '_' } else { c }).collect();
    let collapsed = replaced.split_whitespace().collect::<Vec<_>>().join(" ");
    let trimmed = collapsed.trim_matches(is_edge);
    if trimmed.is_empty() {
        return None;
    }
    let named = if is_reserved(trimmed) { format!("_{trimmed}") } else { trimmed.to_owned() };
    Some(shorten(&named))
}

/// A name for a part that has none.
pub(crate) fn for_type(media_type: &str, ordinal: usize) -> String {
    let extension = match media_type {
        "text/plain" => "txt",
        "text/html" => "html",
        "text/calendar" | "application/ics" => return "invite.ics".to_owned(),
        "text/csv" => "csv",
        "text/vcard" | "text/x-vcard" => "vcf",
        "text/rfc822-headers" | "message/rfc822-headers" => "txt",
        "message/rfc822" | "message/global" => "eml",
        "message/delivery-status" | "message/disposition-notification" | "message/feedback-report" => "txt",
        "image/jpeg" | "image/jpg" | "image/pjpeg" => "jpg",
        "image/svg+xml" => "svg",
        "image/tiff" => "tif",
        "image/png" | "image/gif" | "image/webp" | "image/bmp" | "image/heic" | "image/avif" => {
            media_type.strip_prefix("image/").unwrap_or("img")
        }
        "audio/mpeg" => "mp3",
        "audio/wav" | "audio/x-wav" => "wav",
        "video/mp4" => "mp4",
        "application/pdf" => "pdf",
        "application/zip" | "application/x-zip-compressed" => "zip",
        "application/json" => "json",
        "application/xml" | "text/xml" => "xml",
        "application/msword" => "doc",
        "application/vnd.ms-excel" => "xls",
        "application/vnd.ms-powerpoint" => "ppt",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document" => "docx",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" => "xlsx",
        "application/vnd.openxmlformats-officedocument.presentationml.presentation" => "pptx",
        "application/pkcs7-signature" | "application/x-pkcs7-signature" => return "smime.p7s".to_owned(),
        "application/pkcs7-mime" | "application/x-pkcs7-mime" => return "smime.p7m".to_owned(),
        "application/pgp-signature" => return "signature.asc".to_owned(),
        "application/pgp-encrypted" => return "version.txt".to_owned(),
        "application/ms-tnef" | "application/vnd.ms-tnef" => return "winmail.dat".to_owned(),
        _ => "bin",
    };
    format!("attachment-{ordinal}.{extension}")
}

/// Dots and blanks at an edge: hidden files here, silently dropped there.
fn is_edge(c: char) -> bool {
    c == '.' || c.is_whitespace()
}

/// Never shown, so never kept: control, bidi, zero-width and tag characters.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{61C}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}'
            | '\u{FFF9}'..='\u{FFFB}' | '\u{AD}' | '\u{180E}' | '\u{2028}' | '\u{2029}' | '\u{E0000}'..='\u{E007F}')
}

/// Refused by Windows, or special to a shell's path; also what only looks like a separator.
fn is_forbidden(c: char) -> bool {
    matches!(
        c,
        '<' | '>' | ':' | '"' | '|' | '?' | '*' | '\u{2044}' | '\u{2215}' | '\u{29F8}' | '\u{FF0F}' | '\u{FF3C}'
    )
}

/// Devices of Windows, with any extension.
fn is_reserved(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or(name).trim_end().to_ascii_uppercase();
    match stem.as_str() {
        "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$" | "CLOCK$" => true,
        _ => stem
            .strip_prefix("COM")
            .or_else(|| stem.strip_prefix("LPT"))
            .is_some_and(|n| matches!(n, "0" | "1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" | "9" | "¹" | "²" | "³")),
    }
}

/// Cuts the stem, so that the extension still says what it is.
fn shorten(name: &str) -> String {
    if name.len() <= MAX_BYTES {
        return name.to_owned();
    }
    let extension =
        name.rfind('.').map(|at| name.get(at..).unwrap_or_default()).filter(|e| e.len() <= 20).unwrap_or_default();
    let mut end = MAX_BYTES - extension.len();
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    let stem = name.get(..end).unwrap_or_default().trim_end_matches(is_edge);
    format!("{stem}{extension}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_names() {
        for (name, expected) in [
            ("../../etc/passwd", Some("passwd")),
            ("..\\..\\boot.ini", Some("boot.ini")),
            ("C:\\temp\\x.txt", Some("x.txt")),
            ("C:x.txt", Some("C_x.txt")),
            ("/", None),
            ("..", None),
            (". . .", None),
            ("", None),
            ("dir/", Some("dir")),
            ("a\0b\u{1}.txt", Some("ab.txt")),
            ("a\r\nContent-Type: x", Some("aContent-Type_ x")),
            ("CON", Some("_CON")),
            ("con.txt", Some("_con.txt")),
            ("LPT1.tar.gz", Some("_LPT1.tar.gz")),
            ("com¹", Some("_com¹")),
            ("console.log", Some("console.log")),
            ("invoice\u{202E}fdp.exe", Some("invoicefdp.exe")),
            ("a\u{200B}\u{FEFF}b", Some("ab")),
            ("x.txt. . .", Some("x.txt")),
            (".htaccess", Some("htaccess")),
            ("a<b>c:d\"e|f?g*h", Some("a_b_c_d_e_f_g_h")),
            ("a\u{2215}b\u{FF0F}c", Some("a_b_c")),
            ("  two   blanks  .txt", Some("two blanks .txt")),
            ("会议纪要 2026.pdf", Some("会议纪要 2026.pdf")),
            ("__proto__", Some("__proto__")),
        ] {
            assert_eq!(safe(name).as_deref(), expected, "{name:?}");
        }
    }

    #[test]
    fn four_thousand_characters_keep_their_extension() {
        let cut = safe(&format!("{}.pdf", "长".repeat(4000))).unwrap();
        assert!(cut.len() <= MAX_BYTES && cut.ends_with("长.pdf"), "{}", cut.len());
        assert!(safe(&format!("a.{}", "x".repeat(4000))).unwrap().len() <= MAX_BYTES);
    }
}
