//! Modified UTF-7 of mailbox names (RFC 3501 §5.1.3).
//!
//! ```text
//! printable ASCII but "&" stands for itself; "&-" is "&"; "&" base64 "-" is UTF-16BE, with "," for "/", unpadded.
//! ```

use base64::Engine as _;
use base64::alphabet::IMAP_MUTF7;
use base64::engine::GeneralPurpose;
use base64::engine::general_purpose::NO_PAD;

const BASE64: GeneralPurpose = GeneralPurpose::new(&IMAP_MUTF7, NO_PAD);

/// The wire form of a name. Any Unicode text has one.
pub fn encode(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut rest = name;
    while let Some(first) = rest.chars().next() {
        let end = rest.find(|c| is_direct(c) != is_direct(first)).unwrap_or(rest.len());
        let (run, after) = rest.split_at(end);
        if is_direct(first) {
            out.push_str(run);
        } else {
            encode_run(run, &mut out);
        }
        rest = after;
    }
    out
}

/// The name for people. Names that are no modified UTF-7 (raw UTF-8 from a careless server, a lone `&`) stay as they
/// are, byte for byte where they are UTF-8: half a decoded name would be neither the one nor the other.
pub fn decode(wire: &[u8]) -> String {
    let text = String::from_utf8_lossy(wire);
    match try_decode(&text) {
        Some(name) => name,
        None => text.into_owned(),
    }
}

fn is_direct(c: char) -> bool {
    matches!(c, ' '..='~') && c != '&'
}

/// A run of characters that cannot stand for themselves. `&` alone between them goes its short way.
fn encode_run(run: &str, out: &mut String) {
    let mut rest = run;
    while let Some(first) = rest.chars().next() {
        if first == '&' {
            out.push_str("&-");
            rest = rest.strip_prefix('&').unwrap_or_default();
            continue;
        }
        let (shifted, after) = rest.split_at(rest.find('&').unwrap_or(rest.len()));
        let units: Vec<u8> = shifted.encode_utf16().flat_map(u16::to_be_bytes).collect();
        out.push('&');
        BASE64.encode_string(&units, out);
        out.push('-');
        rest = after;
    }
}

fn try_decode(text: &str) -> Option<String> {
    if !text.bytes().all(|b| matches!(b, b' '..=b'~')) {
        return None;
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut behind_a_run = false;
    while let Some((plain, after)) = rest.split_once('&') {
        out.push_str(plain);
        let (shifted, after) = after.split_once('-')?;
        let is_run = !shifted.is_empty();
        if !is_run {
            out.push('&');
        } else if behind_a_run && plain.is_empty() {
            // "Superfluous shifts are not permitted": one run would have been the same name.
            return None;
        } else {
            out.push_str(&decode_run(shifted)?);
        }
        behind_a_run = is_run;
        rest = after;
    }
    out.push_str(rest);
    Some(out)
}

fn decode_run(shifted: &str) -> Option<String> {
    let bytes = BASE64.decode(shifted).ok()?;
    let (units, odd) = bytes.as_chunks::<2>();
    if !odd.is_empty() {
        return None;
    }
    let units = units.iter().map(|unit| u16::from_be_bytes(*unit));
    let text: String = char::decode_utf16(units).collect::<Result<_, _>>().ok()?;
    // What can stand for itself must: else two wire names would be one path.
    text.chars().all(|c| !is_direct(c) && c != '&').then_some(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn known_answers() {
        for (name, wire) in [
            ("INBOX", "INBOX"),
            ("R&D", "R&-D"),
            ("&", "&-"),
            ("&&", "&-&-"),
            ("Entwürfe", "Entw&APw-rfe"),
            ("~peter/mail/台北/日本語", "~peter/mail/&U,BTFw-/&ZeVnLIqe-"),
            ("送信済みアイテム", "&kAFP4W4IMH8wojCkMMYw4A-"),
            ("Отправленные", "&BB4EQgQ,BEAEMAQyBDsENQQ9BD0ESwQ1-"),
            ("😀", "&2D3eAA-"),
            ("ü&ü", "&APw-&-&APw-"),
            ("tab\there", "tab&AAk-here"),
            ("", ""),
        ] {
            assert_eq!(encode(name), wire, "{name}");
            assert_eq!(decode(wire.as_bytes()), name, "{wire}");
        }
    }

    #[test]
    fn broken_names_stay_as_they_are() {
        for wire in [
            "R&D",
            "a&",
            "&APw",
            "&AP-",
            "&2D0-",
            "&AGEAYg-",
            "&ACY-",
            "Entwürfe",
            "&A\u{e9}w-",
            "&AP w-",
            "&APx-",
            "&APw-&APw-",
            "&AIA-&0A+a0g-",
        ] {
            assert_eq!(decode(wire.as_bytes()), wire);
        }
        assert_eq!(decode(b"caf\xe9"), "caf\u{fffd}");
    }

    proptest! {
        #[test]
        fn there_and_back(name in "\\PC*|[ -~&é日😀\t]{0,20}") {
            let wire = encode(&name);
            prop_assert!(wire.bytes().all(|b| matches!(b, b' '..=b'~')));
            prop_assert_eq!(decode(wire.as_bytes()), name);
        }

        #[test]
        fn what_decodes_encodes_to_the_same_wire_or_stayed_as_it_was(wire in "[A-Za-z0-9&,+-]{0,30}") {
            let name = decode(wire.as_bytes());
            prop_assert!(name == wire || encode(&name) == wire);
        }

        #[test]
        fn any_bytes_decode(wire in proptest::collection::vec(any::<u8>(), 0..60)) {
            decode(&wire);
        }
    }
}
