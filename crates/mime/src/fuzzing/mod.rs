//! Doors for `fuzz/`: every entry point, called with any octets, and what must hold whatever they are.
//!
//! A panic is a finding. Inputs that once were one stand in `fixtures/fuzz` and are run again by the test below.

mod build;
mod language;

pub use build::{answer, build};

use crate::html::{prepare, reference, sanitize, style, text};
use crate::message::ParsedMessage;
use crate::options::{AttachmentDetail, CidImages, HtmlPolicy, ParseLimits, ParseOptions, RemoteImages, SanitizeHtml};
use crate::parse::probes;
use crate::{decode_header_text, parse, parse_headers, preview};

/// A door: what it is called in `fuzz/fuzz_targets`, without `mime_`.
pub type Door = (&'static str, fn(&[u8]));

/// All of them.
pub const DOORS: &[Door] = &[
    ("parse", message),
    ("structure", structure),
    ("html", html),
    ("text", html_text),
    ("charset", charset),
    ("tnef", tnef),
    ("rtf", rtf),
    ("calendar", calendar),
    ("report", report),
    ("build", build),
    ("answer", answer),
];

/// A whole message, as cheap as it gets and with everything that can be asked for.
pub fn message(input: &[u8]) {
    let plain = parse(input, &ParseOptions::default());
    check_message(&plain);
    let full = parse(input, &options(input));
    check_message(&full);
    let sizes = |m: &ParsedMessage| m.attachments.iter().map(|a| a.size).collect::<Vec<_>>();
    if options(input).limits == ParseLimits::default() {
        assert_eq!(sizes(&plain), sizes(&full), "a size differs when the content is not wanted");
        assert_eq!((&plain.text, &plain.html, &plain.thread_key), (&full.text, &full.html, &full.thread_key));
    }
}

/// Options drawn from the input itself, so that an input is a message and nothing else.
fn options(input: &[u8]) -> ParseOptions {
    let drawn = input.iter().fold(0u32, |sum, octet| sum.wrapping_mul(31).wrapping_add(u32::from(*octet)));
    let policy = HtmlPolicy {
        remote_images: if drawn & 1 == 0 { RemoteImages::Block } else { RemoteImages::Keep },
        cid: if drawn & 2 == 0 { CidImages::Keep } else { CidImages::DataUri },
    };
    let tight = ParseLimits { max_depth: Some(2), max_parts: Some(5), max_header_bytes: Some(200) };
    ParseOptions {
        attachments: AttachmentDetail::Content,
        sanitize_html: SanitizeHtml::Policy(policy),
        limits: if drawn & 12 == 12 { tight } else { ParseLimits::default() },
    }
}

fn check_message(message: &ParsedMessage) {
    assert_eq!(message.thread_key.len(), 32);
    assert!(message.preview.chars().count() <= 200);
    let texts = [&message.text, &message.html, &message.subject, &message.base_subject];
    assert!(!texts.into_iter().flatten().any(|t| t.contains('\0')), "a NUL came through");
    let one_line = |text: &str| !text.contains(['\n', '\r', '\0']);
    assert!(message.headers.iter().all(|(_, values)| values.iter().all(|v| one_line(v))), "a field of several lines");
    for attachment in &message.attachments {
        let name = &attachment.filename;
        assert!(!name.is_empty() && one_line(name) && !name.contains(['/', '\\']), "{name:?}");
        assert!(name != "." && name != "..", "{name:?}");
        assert!(attachment.content.as_ref().is_none_or(|c| c.0.len() as u64 == attachment.size));
        assert!(attachment.content_type.contains('/'));
    }
    for address in message.from.iter().chain(&message.to).chain(&message.cc).chain(&message.reply_to) {
        assert!(one_line(&address.address) && address.name.as_deref().is_none_or(one_line), "{address:?}");
    }
    if let Some(safe) = &message.safe_html {
        language::check(safe, true).unwrap_or_else(|why| unsafe_html(&why, safe));
    }
}

/// Taking apart, with the default limits and with tight ones.
pub fn structure(input: &[u8]) {
    for (depth, parts, header_bytes) in [(50, 2_000, 1 << 20), (3, 10, 100)] {
        let numbers = probes::part_numbers(input, depth, parts, header_bytes);
        assert!(numbers.len() <= parts);
        assert!(numbers.iter().all(|n| n.split('.').count() <= depth + 1), "{numbers:?}");
        let leaves: std::collections::HashSet<_> = numbers.iter().collect();
        assert_eq!(leaves.len(), numbers.len(), "two parts of one number: {numbers:?}");
    }
    parse_headers(input);
}

/// HTML made safe: of the small language, and still so when it goes through again.
pub fn html(input: &[u8]) {
    let input = String::from_utf8_lossy(input);
    for remote_images in [RemoteImages::Block, RemoteImages::Keep] {
        let policy = HtmlPolicy { remote_images, cid: CidImages::DataUri };
        let remote = remote_images == RemoteImages::Keep;
        let image = sanitize::Image { content_id: "x".to_owned(), octets: Some((&b"\x89PNG"[..]).into()) };
        let images = || sanitize::Images::from([("x".to_owned(), image.clone())]);
        let safe = sanitize::sanitize(&input, policy, images()).html;
        language::check(&safe, remote).unwrap_or_else(|why| unsafe_html(&why, &safe));
        let again = sanitize::sanitize(&safe, policy, images()).html;
        language::check(&again, remote).unwrap_or_else(|why| unsafe_html(&why, &again));
    }
}

fn unsafe_html(why: &str, html: &str) {
    assert!(html.is_empty(), "{why}\n{html}");
}

/// HTML read as text, its references, its style sheets, and previews of both.
pub fn html_text(input: &[u8]) {
    let input = String::from_utf8_lossy(input);
    let text = text::from_html(&input);
    assert!(text.len() <= input.len() * 17 + 100, "the text is much longer than the HTML");
    assert!(preview::of_text(&text).chars().count() <= 200);
    assert!(preview::of_text(&input).chars().count() <= 200);
    reference::referenced(&input);
    prepare::prepare(&input);
    style::sheet(&input);
    style::declarations(&input);
}

/// Header text, address lists and bodies: the first line names the charset, the rest is the text.
pub fn charset(input: &[u8]) {
    let text = decode_header_text(input);
    assert!(!text.contains(['\n', '\r', '\0']));
    for address in probes::addresses(input) {
        assert!(!address.address.contains(['\n', '\r', '\0']), "{address:?}");
    }
    let label_end = input.iter().position(|b| *b == b'\n').unwrap_or(0);
    let (label, body) = input.split_at(label_end);
    for label in [None, Some(String::from_utf8_lossy(label).into_owned())] {
        let text = probes::charset(body, label.as_deref());
        assert!(!text.contains(['\0', '\r']), "{text:?}");
    }
    probes::parameters(input);
    probes::date(input);
}

/// `winmail.dat`.
pub fn tnef(input: &[u8]) {
    probes::tnef(input);
    // The signature costs a fuzzer its first hour.
    probes::tnef(&[&[0x78, 0x9F, 0x3E, 0x22, 1, 0], input].concat());
    probes::cms(input);
}

/// RTF, as it is and compressed.
pub fn rtf(input: &[u8]) {
    probes::rtf(input);
    probes::compressed_rtf(input);
    probes::compressed_rtf(&[&[0xFF, 0xFF, 0, 0, 0xFF, 0xFF, 0, 0][..], b"LZFu", &[0; 4], input].concat());
}

/// A calendar object.
pub fn calendar(input: &[u8]) {
    let input = String::from_utf8_lossy(input);
    probes::calendar(&input);
    probes::calendar(&format!("BEGIN:VCALENDAR\n{input}"));
}

/// A bounce, a receipt and a complaint with this inside; a bounce in prose.
pub fn report(input: &[u8]) {
    for kind in ["message/delivery-status", "message/disposition-notification", "message/feedback-report"] {
        let head = format!("Content-Type: multipart/report; boundary=b\n\n--b\n\nSorry\n--b\nContent-Type: {kind}\n\n");
        check_message(&parse(&[head.as_bytes(), input].concat(), &ParseOptions::default()));
    }
    let prose = b"From: mailer-daemon@example.com\nSubject: failure notice\n\n";
    check_message(&parse(&[prose, input].concat(), &ParseOptions::default()));
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    #[test]
    fn what_was_found_once_is_not_found_again() {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/fuzz");
        for (name, door) in DOORS {
            let inputs = std::fs::read_dir(folder.join(format!("mime_{name}"))).into_iter().flatten();
            for path in inputs.map(|entry| entry.unwrap().path()) {
                println!("{}", path.display());
                let input = std::fs::read(&path).unwrap();
                let door = *door;
                std::thread::Builder::new().stack_size(512 * 1024).spawn(move || door(&input)).unwrap().join().unwrap();
            }
        }
    }

    #[test]
    fn every_door_has_a_target() {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/fuzz_targets");
        for (name, _) in DOORS {
            assert!(folder.join(format!("mime_{name}.rs")).exists(), "{name}");
        }
    }
}
