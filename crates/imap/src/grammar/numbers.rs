//! Responses that are long lists of numbers: SEARCH (RFC 3501 §7.2.5), ESEARCH (RFC 4731), VANISHED (RFC 7162 §3.2.10).
//! Read straight from the line, in one pass: 300,000 numbers take a few milliseconds.

use super::rows::{EsearchRow, SearchRow};
use crate::types::ModSeq;
use crate::uid_set::UidRanges;

/// `"SEARCH" *(SP nz-number) [SP "(" "MODSEQ" SP mod-sequence ")"]`: behind the word. Words that are no numbers, and
/// numbers beyond 32 bits, are passed over.
pub(super) fn search(line: &[u8]) -> SearchRow {
    let mut row = SearchRow::default();
    let (numbers, tail) = match line.iter().position(|b| *b == b'(') {
        Some(open) => line.split_at(open),
        None => (line, &b""[..]),
    };
    let spaces = numbers.iter().filter(|b| **b == b' ').count();
    row.ids.reserve_exact(spaces.saturating_add(1).min(numbers.len() / 2 + 1));
    let mut value: Option<u64> = None;
    let mut is_number = true;
    for byte in numbers.iter().chain(b" ") {
        match byte {
            b'0'..=b'9' => {
                let digit = u64::from(byte.wrapping_sub(b'0'));
                value = Some(value.unwrap_or(0).saturating_mul(10).saturating_add(digit));
            }
            b' ' => {
                let id = value.take().filter(|_| is_number).and_then(|n| u32::try_from(n).ok());
                row.ids.extend(id.filter(|id| *id > 0));
                is_number = true;
            }
            _ => is_number = false,
        }
    }
    row.mod_seq = mod_seq(tail);
    row
}

fn mod_seq(tail: &[u8]) -> Option<ModSeq> {
    let inside = tail.strip_prefix(b"(")?.split(|b| *b == b')').next()?;
    let mut words = inside.split(|b| *b == b' ').filter(|w| !w.is_empty());
    words.next().filter(|word| word.eq_ignore_ascii_case(b"MODSEQ"))?;
    words.next().and_then(super::tree::number).map(ModSeq)
}

/// `"ESEARCH" [SP "(" "TAG" SP tag ")"] [SP "UID"] *(SP name SP value)`: behind the word.
pub(super) fn esearch(line: &[u8]) -> Result<EsearchRow, &'static str> {
    let mut row = EsearchRow::default();
    let mut rest = line;
    if let Some((correlator, after)) = parenthesised(rest) {
        let mut words = correlator.split(|b| *b == b' ').filter(|w| !w.is_empty());
        if words.next().is_some_and(|word| word.eq_ignore_ascii_case(b"TAG")) {
            let tag = words.next().unwrap_or_default();
            let bare = tag.strip_prefix(b"\"").and_then(|t| t.strip_suffix(b"\"")).unwrap_or(tag);
            row.tag = Some(String::from_utf8_lossy(bare.get(..64).unwrap_or(bare)).into_owned());
        }
        rest = after;
    }
    let mut words = rest.split(|b| *b == b' ').filter(|w| !w.is_empty());
    while let Some(word) = words.next() {
        if word.eq_ignore_ascii_case(b"UID") {
            row.uid = true;
            continue;
        }
        let Some(value) = words.next() else { break };
        let number = || super::tree::number(value);
        let small = || number().and_then(|n| u32::try_from(n).ok());
        match word.to_ascii_uppercase().as_slice() {
            b"MIN" => row.min = small(),
            b"MAX" => row.max = small(),
            b"COUNT" => row.count = small(),
            b"MODSEQ" => row.mod_seq = number().map(ModSeq),
            b"ALL" => row.all = Some(UidRanges::parse(value).ok_or("ALL is not a sequence set")?),
            _ => {}
        }
    }
    Ok(row)
}

/// `"VANISHED" [SP "(EARLIER)"] SP known-uids`: behind the word.
pub(super) fn vanished(line: &[u8]) -> Result<(bool, UidRanges), &'static str> {
    let (earlier, rest) = match parenthesised(line) {
        Some((word, rest)) => (word.trim_ascii().eq_ignore_ascii_case(b"EARLIER"), rest),
        None => (false, line),
    };
    let uids = UidRanges::parse(rest.trim_ascii()).ok_or("the UIDs are not a sequence set")?;
    Ok((earlier, uids))
}

/// The inside of a list at the start, and what follows it.
fn parenthesised(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let inside = line.trim_ascii_start().strip_prefix(b"(")?;
    let close = inside.iter().position(|b| *b == b')')?;
    Some((inside.get(..close)?, inside.get(close.saturating_add(1)..)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grammar::testing::event;
    use crate::grammar::{Event, Untagged};

    fn untagged(line: &str) -> Untagged {
        match event(&format!("{line}\r\n")) {
            Event::Untagged(untagged) => untagged,
            other => panic!("{other:?}"),
        }
    }

    fn searched(line: &str) -> (Vec<u32>, Option<u64>) {
        match untagged(line) {
            Untagged::Search(row) => (row.ids, row.mod_seq.map(|m| m.0)),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn search_in_every_form() {
        assert_eq!(searched("* SEARCH"), (vec![], None));
        assert_eq!(searched("* SEARCH "), (vec![], None));
        assert_eq!(searched("* search 2  84 882 "), (vec![2, 84, 882], None));
        assert_eq!(searched("* SEARCH 2 5 (MODSEQ 917162500)"), (vec![2, 5], Some(917_162_500)));
        assert_eq!(searched("* SEARCH (MODSEQ 1)"), (vec![], Some(1)));
        assert_eq!(
            searched("* SEARCH 1 0 -3 x7 4294967295 4294967296 99999999999999999999 8"),
            (vec![1, 4_294_967_295, 8], None)
        );
    }

    #[test]
    fn three_hundred_thousand_numbers_in_linear_time() {
        let numbers: Vec<_> = (1..=300_000u32).map(|n| n.to_string()).collect();
        let line = format!("* SEARCH {}", numbers.join(" "));
        let (ids, _) = searched(&line);
        assert_eq!((ids.len(), ids.last()), (300_000, Some(&300_000)));
        assert_eq!(ids.capacity(), 300_000);
    }

    #[test]
    fn esearch_in_every_form() {
        let Untagged::Esearch(row) =
            untagged(r#"* ESEARCH (TAG "A282") UID MIN 2 COUNT 3 ALL 2,10:11 MODSEQ 917162500"#)
        else {
            panic!()
        };
        assert_eq!(
            (row.tag.as_deref(), row.uid, row.min, row.max, row.count),
            (Some("A282"), true, Some(2), None, Some(3))
        );
        assert_eq!(row.all.unwrap().to_string(), "2,10:11");
        assert_eq!(row.mod_seq, Some(ModSeq(917_162_500)));
        let Untagged::Esearch(row) = untagged(r#"* ESEARCH (TAG "A283") UID"#) else { panic!() };
        assert_eq!(row.all, None);
        assert!(matches!(untagged("* ESEARCH ALL x"), Untagged::Broken { .. }));
    }

    #[test]
    fn vanished_ranges_are_not_expanded() {
        let Untagged::Vanished { earlier, uids } = untagged("* VANISHED (EARLIER) 1:4294967295") else { panic!() };
        assert!(earlier);
        assert_eq!(uids.count(), 4_294_967_295);
        let Untagged::Vanished { earlier, uids } = untagged("* VANISHED 405,407,410:425") else { panic!() };
        assert_eq!((earlier, uids.count()), (false, 18));
        assert!(matches!(untagged("* VANISHED *"), Untagged::Broken { .. }));
    }
}
