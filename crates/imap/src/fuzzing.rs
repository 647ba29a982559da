//! Doors for `fuzz/`: every entry point, called with any octets, and what must hold whatever they are.
//!
//! A panic is a finding. Inputs that once were one stand in `fixtures/fuzz` and are run again by the test below.
#![allow(clippy::panic, clippy::unwrap_used, clippy::expect_used, reason = "a finding ends the process")]

use email_mime::ParseOptions;

use crate::client::message_of;
use crate::grammar::{Elsewhere, Event, FetchRow, Frame, NameEncoding, Untagged, WireName, response};
use crate::tap::{self, Limits};
use crate::types::{BodyPart, FetchQuery, HeaderFields, MessageDetail};
use crate::uid_set::{UidRanges, UidSet};
use crate::utf7;

/// A door: what it is called in `fuzz/fuzz_targets`, without `imap_`.
pub type Door = (&'static str, fn(&[u8]));

/// All of them.
pub const DOORS: &[Door] =
    &[("frames", frames), ("response", responses), ("fetch", fetch_row), ("utf7", modified_utf7), ("uids", uid_set)];

/// The longest command line that a set is cut for.
const LINE: usize = 200;

/// The tap's framing: however the bytes arrive, the responses and the end are the same.
pub fn frames(input: &[u8]) {
    for limits in [Limits::default(), Limits { max_line_bytes: 40, max_literal_bytes: 20, max_nesting: 4 }] {
        let whole = tap::frames_in_pieces(input, limits, || usize::MAX);
        let mut drawn = 0x9E37_79B9_u32;
        let mut any = || {
            drawn = drawn.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (drawn >> 28) as usize
        };
        let one = |(frames, end): &(Vec<Frame>, _)| {
            let shown = |frame: &Frame| (frame.bytes.clone(), frame.literals.clone(), frame.apart.clone());
            (frames.iter().map(shown).collect::<Vec<_>>(), format!("{end:?}"))
        };
        // A limit may be met earlier by who sees more at once; what was framed before is a prefix.
        let pieces = tap::frames_in_pieces(input, limits, &mut any);
        assert_eq!(one(&whole), one(&pieces), "pieces of any size");
        let octets = tap::frames_in_pieces(input, limits, || 1);
        assert_eq!(one(&whole), one(&octets), "octet by octet");
        let framed: usize = whole.0.iter().map(Frame::size).sum();
        assert!(framed <= input.len(), "more framed than sent");
        for frame in &whole.0 {
            assert!(frame.bytes.ends_with(b"\n"), "a response without an end");
            for literal in &frame.literals {
                assert!(frame.bytes.get(literal.start..literal.end).is_some(), "a literal outside its response");
                if let Some(Elsewhere::Apart(place)) = literal.elsewhere {
                    assert!(frame.apart.get(place).is_some(), "a literal that is nowhere");
                }
            }
        }
    }
}

/// The grammar: every response is read as something, and a second reading is the same. What of it goes on to async-imap,
/// imap-proto can read to its end.
pub fn responses(input: &[u8]) {
    let session = [input, b"\r\n"].concat();
    let (frames, _) = tap::frames_in_pieces(&session, Limits::default(), || usize::MAX);
    for frame in frames {
        let event = response(&frame);
        assert_eq!(event, response(&frame), "read twice, understood twice");
        for line in tap::passed_lines(&event) {
            let rest = imap_proto::Response::parse(line.as_bytes()).map(|(rest, _)| rest.len());
            assert!(matches!(rest, Ok(0)), "imap-proto does not read {line:?}");
        }
        if let Event::Untagged(Untagged::Fetch(row)) = event {
            check_row(*row);
        }
    }
}

/// What stands in the parentheses of a FETCH.
pub fn fetch_row(input: &[u8]) {
    responses(&[b"* 1 FETCH (UID 5 ", input, b")"].concat());
    let literal = format!("* 1 FETCH (UID 5 BODY[] {{{}}}\r\n", input.len());
    responses(&[literal.as_bytes(), input, b" FLAGS ())"].concat());
}

/// Mailbox names: what the server spells is kept byte for byte, what the user types is spelt in 7 bits.
pub fn modified_utf7(input: &[u8]) {
    let name = utf7::decode(input);
    let spelt = utf7::encode(&name);
    assert!(spelt.bytes().all(|b| (b' '..=b'~').contains(&b)), "{spelt:?} is not printable ASCII");
    assert_eq!(utf7::decode(spelt.as_bytes()), name, "there and back");
    let text = String::from_utf8_lossy(input);
    for encoding in [NameEncoding::Utf7, NameEncoding::Utf8] {
        let wire = WireName::from_path(&text, encoding);
        assert_eq!(wire.path(encoding), if wire.is_inbox() { "INBOX".into() } else { text.clone() });
    }
}

/// UID sets as the caller writes them, in text and in JSON.
pub fn uid_set(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let parsed = UidSet::parse(&text);
    let sets = parsed.into_iter().chain(serde_json::from_slice::<UidSet>(input).ok());
    for set in sets {
        let Some(ranges) = set.as_ranges() else {
            let again = set.resolve(1000).map(|ranges| ranges.count());
            assert_eq!(again, set.resolve(1000).map(|ranges| ranges.count()));
            continue;
        };
        check_ranges(ranges);
        let mut lines = set.lines(LINE);
        assert!(lines.iter().all(|line| line.bytes().all(|b| b.is_ascii_digit() || b",:*".contains(&b))));
        let again = UidSet::parse(&lines.join(",")).expect("what was written can be read");
        assert_eq!(again.resolve(u32::MAX), set.resolve(u32::MAX), "the same messages");
        lines.retain(|line| line.len() > LINE);
        assert!(lines.is_empty(), "a line of {} octets", lines.first().map_or(0, String::len));
    }
    if let Some(ranges) = UidRanges::parse(input) {
        check_ranges(&ranges);
    }
}

fn check_ranges(ranges: &UidRanges) {
    let parts = ranges.ranges();
    assert!(parts.iter().all(|range| range.first > 0 && range.first <= range.last));
    for (left, right) in parts.iter().zip(parts.iter().skip(1)) {
        assert!(left.last.checked_add(1).is_some_and(|next| next < right.first), "ranges that touch");
    }
    if let Some(first) = parts.first() {
        assert!(ranges.contains(first.first) && ranges.contains(first.last));
        assert_eq!(ranges.iter().next(), Some(first.first));
    }
}

/// A row as the caller gets it.
fn check_row(row: FetchRow) {
    let (uid, size) = (row.uid, row.size);
    if let Some(root) = &row.body_structure {
        check_parts(root);
    }
    let everything = FetchQuery {
        flags: true,
        internal_date: true,
        size: true,
        envelope: true,
        body_structure: true,
        headers: HeaderFields::All,
        source: true,
        message: MessageDetail::Parsed(ParseOptions::default()),
    };
    let message = message_of(row.clone(), &everything);
    assert_eq!((message.uid, message.size), (uid.unwrap_or_default(), size));
    serde_json::to_string(&message).expect("a result is JSON");
    let nothing = message_of(row, &FetchQuery::default());
    assert!(nothing.envelope.is_none() && nothing.source.is_none() && nothing.message.is_none());
}

/// Every part has the number of its place, and names that a caller can give back.
fn check_parts(root: &BodyPart) {
    let mut queue = vec![root];
    while let Some(part) = queue.pop() {
        assert_eq!(part.media_type, part.media_type.to_lowercase(), "a media type in capitals");
        assert!(crate::command::argument::part(&part.part).is_ok() || part.part.is_empty(), "part {:?}", part.part);
        queue.extend(&part.children);
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn run(door: fn(&[u8]), input: Vec<u8>) {
        std::thread::Builder::new().stack_size(512 * 1024).spawn(move || door(&input)).unwrap().join().unwrap();
    }

    #[test]
    fn what_was_found_once_is_not_found_again() {
        for kept in ["../../fixtures/fuzz", "../../fuzz/seeds"] {
            let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(kept);
            for (name, door) in DOORS {
                let inputs = std::fs::read_dir(folder.join(format!("imap_{name}"))).into_iter().flatten();
                for path in inputs.map(|entry| entry.unwrap().path()) {
                    println!("{}", path.display());
                    run(*door, std::fs::read(&path).unwrap());
                }
            }
        }
    }

    #[test]
    fn every_door_has_a_target() {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/fuzz_targets");
        for (name, _) in DOORS {
            assert!(folder.join(format!("imap_{name}.rs")).exists(), "{name}");
        }
    }
}
