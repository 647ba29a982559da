//! A [`State`] as text: opaque to callers, small, and never taken for what it is not.
//!
//! ```text
//! cursor = base64url(version body checksum)
//! body   = account uid-validity frontier uid-next others mod-seq since path flags sets     (version 1)
//! flags  = count *(length name)                    numbers: LEB128; absent ones are 0, others one more than they are
//! sets   = known pending *flag                     see `runs`; those of flags count messages, not UIDs
//! ```
//!
//! * Versions: a later one adds an arm to [`decode`] and keeps those that are there: stored cursors are read for ever.
//! * The checksum (FNV-1a, 64 bits) is against accidents: a column too short, two cursors mixed up, an editor.
//! * Account and path are in it because UIDVALIDITY is not unique: on Exchange every INBOX may have the same one.
//!
//! A set of a flag says "the 3rd to the 90th of the known messages", so gaps between UIDs cost once and not per flag.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::flags::FlagSets;
use super::runs::{Reader, Run, Writer};
use super::state::State;
use crate::error::{Error, Result};
use crate::grammar;
use crate::uid_set::{UidRange, UidRanges};

/// What [`encode`] writes.
const VERSION: u8 = 1;
/// Octets of the checksum at the end.
const CHECKSUM: usize = 8;
/// Longest text taken: a mailbox of 10 million messages. Stops a caller's mistake from taking memory.
const MAX_TEXT: usize = 8 << 20;
/// Longest mailbox name, as `command::argument` takes it.
const MAX_PATH: u64 = 4096;
/// Longest flag and most of them, with room for what `flags` may allow one day.
const MAX_FLAG: u64 = 1024;
const MAX_FLAGS: u64 = 1024;

/// The cursor of a state.
pub(crate) fn encode(state: &State) -> String {
    let mut out = vec![VERSION];
    out.extend_from_slice(&state.account.to_be_bytes());
    let optional = |n: Option<u64>| n.map_or(0, |n| n.saturating_add(1));
    for number in [
        u64::from(state.uid_validity),
        u64::from(state.frontier),
        optional(state.uid_next.map(u64::from)),
        u64::from(state.others),
        optional(state.mod_seq),
        optional(state.since.map(zigzag)),
    ] {
        write_number(&mut out, number);
    }
    write_text(&mut out, &state.path);
    write_number(&mut out, state.flags.iter().count() as u64);
    for (flag, _) in state.flags.iter() {
        write_text(&mut out, flag);
    }
    let mut sets = Writer::default();
    sets.set(&uid_runs(&state.known));
    sets.set(&uid_runs(&state.pending));
    for (_, uids) in state.flags.iter() {
        sets.set(&places(&state.known, uids));
    }
    out.extend_from_slice(&sets.finish());
    let checksum = fnv(&out);
    out.extend_from_slice(&checksum.to_be_bytes());
    URL_SAFE_NO_PAD.encode(out)
}

/// The state of a cursor.
///
/// # Errors
/// `InvalidCursor` for whatever [`encode`] has not written.
pub(crate) fn decode(text: &str) -> Result<State> {
    if text.len() > MAX_TEXT {
        return Err(Error::InvalidCursor("it is longer than any cursor"));
    }
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| Error::InvalidCursor("it is no cursor of this library"))?;
    let whole = bytes
        .split_last_chunk::<CHECKSUM>()
        .filter(|(content, checksum)| fnv(content) == u64::from_be_bytes(**checksum));
    let Some((content, _)) = whole else { return Err(Error::InvalidCursor("it is broken or truncated")) };
    match content.split_first() {
        Some((1, body)) => version_1(body).ok_or(Error::InvalidCursor("its inside is inconsistent")),
        _ => Err(Error::InvalidCursor("it was made by a later version of this library")),
    }
}

/// Whose cursor it is: the login name, in any case.
pub(crate) fn account(user: &str) -> u64 {
    fnv(user.trim().to_lowercase().as_bytes())
}

fn version_1(body: &[u8]) -> Option<State> {
    let (account, mut rest) = body.split_first_chunk::<8>()?;
    let number = &mut rest;
    let small = |n: u64| u32::try_from(n).ok();
    let uid_validity = small(read_number(number)?)?;
    let frontier = small(read_number(number)?)?;
    let uid_next = optional(read_number(number)?, small)?;
    let others = small(read_number(number)?)?;
    let mod_seq = optional(read_number(number)?, Some)?;
    let since = optional(read_number(number)?, |n| Some(unzigzag(n)))?;
    let path = read_text(number, MAX_PATH)?.to_owned();
    let count = read_number(number).filter(|count| *count <= MAX_FLAGS)?;
    let names = (0..count).map(|_| read_text(number, MAX_FLAG)).collect::<Option<Vec<_>>>()?;
    let mut sets = Reader::new(number);
    let known = uids(&sets.set(u64::from(u32::MAX))?)?;
    let pending = uids(&sets.set(u64::from(u32::MAX))?)?;
    let mut flags = FlagSets::default();
    for name in names {
        let members = members(&known, &sets.set(known.count())?)?;
        flags.put(&grammar::flag(name.as_bytes()), members);
    }
    let account = u64::from_be_bytes(*account);
    let state =
        State { account, path, uid_validity, known, flags, pending, others, frontier, uid_next, mod_seq, since };
    sets.is_at_end().then_some(state)
}

/// A set of UIDs, counted from 1.
fn uid_runs(uids: &UidRanges) -> Vec<Run> {
    uids.ranges()
        .iter()
        .map(|range| Run { start: u64::from(range.first).saturating_sub(1), length: range.count() })
        .collect()
}

fn uids(runs: &[Run]) -> Option<UidRanges> {
    let range = |run: &Run| {
        let first = u32::try_from(run.start.checked_add(1)?).ok()?;
        Some(UidRange { first, last: u32::try_from(run.end()).ok()? })
    };
    runs.iter().map(range).collect::<Option<Vec<_>>>().map(UidRanges::new)
}

/// Where the members of `uids` stand among those of `known`, which has them all.
fn places(known: &UidRanges, uids: &UidRanges) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut before = 0u64;
    let mut members = uids.ranges().iter().peekable();
    for range in known.ranges() {
        while let Some(member) = members.next_if(|member| member.first <= range.last) {
            let start = before + u64::from(member.first.saturating_sub(range.first));
            match runs.last_mut() {
                Some(run) if run.end() >= start => run.length = (start + member.count()).saturating_sub(run.start),
                _ => runs.push(Run { start, length: member.count() }),
            }
        }
        before += range.count();
    }
    runs
}

/// The reverse of [`places`].
fn members(known: &UidRanges, runs: &[Run]) -> Option<UidRanges> {
    let mut out = Vec::new();
    let mut before = 0u64;
    let mut ranges = known.ranges().iter().copied();
    let mut range = ranges.next();
    for run in runs {
        let mut start = run.start;
        while start < run.end() {
            let current = range?;
            let end = before + current.count();
            if start >= end {
                before = end;
                range = ranges.next();
                continue;
            }
            let until = run.end().min(end);
            let uid = |place: u64| u32::try_from(u64::from(current.first) + (place - before)).ok();
            out.push(UidRange { first: uid(start)?, last: uid(until - 1)? });
            start = until;
        }
    }
    Some(UidRanges::new(out))
}

fn optional<T>(number: u64, read: impl FnOnce(u64) -> Option<T>) -> Option<Option<T>> {
    match number.checked_sub(1) {
        None => Some(None),
        Some(number) => read(number).map(Some),
    }
}

fn zigzag(n: i64) -> u64 {
    ((n << 1) ^ (n >> 63)).cast_unsigned()
}

fn unzigzag(n: u64) -> i64 {
    (n >> 1).cast_signed() ^ -((n & 1).cast_signed())
}

fn write_number(out: &mut Vec<u8>, mut number: u64) {
    while number > 0x7f {
        out.push(u8::try_from(number & 0x7f).unwrap_or_default() | 0x80);
        number >>= 7;
    }
    out.push(u8::try_from(number).unwrap_or_default());
}

fn write_text(out: &mut Vec<u8>, text: &str) {
    write_number(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

fn read_number(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0u64;
    for shift in (0..64).step_by(7) {
        let (byte, after) = rest.split_first()?;
        *rest = after;
        let bits = u64::from(byte & 0x7f);
        number |= bits.checked_mul(1 << shift)?;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

fn read_text<'a>(rest: &mut &'a [u8], most: u64) -> Option<&'a str> {
    let length = read_number(rest).filter(|length| *length <= most)?;
    let (text, after) = rest.split_at_checked(usize::try_from(length).ok()?)?;
    *rest = after;
    std::str::from_utf8(text).ok()
}

/// FNV-1a. Every step is reversible, so one changed byte always shows.
fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_state() -> impl Strategy<Value = State> {
        let uid = || prop_oneof![1u32..200, 1u32..=u32::MAX];
        let uids = move || proptest::collection::btree_set(uid(), 0..60);
        let flag = "[\\\\]?[A-Za-z$][!-'+-Za-z]{0,12}";
        let numbers = (any::<u64>(), any::<u32>(), any::<u32>(), any::<Option<u32>>(), any::<u32>());
        (
            numbers,
            (any::<Option<u32>>(), any::<Option<i32>>(), "\\PC{0,30}", uids(), uids()),
            proptest::collection::vec((flag, proptest::collection::vec(any::<bool>(), 60)), 0..9),
        )
            .prop_map(|(numbers, (mod_seq, since, path, known, pending), flags)| {
                let (account, uid_validity, frontier, uid_next, others) = numbers;
                let mut state = State::new(account, &path, uid_validity);
                state.known = UidRanges::from_uids(known.iter().copied());
                state.pending = UidRanges::from_uids(pending);
                (state.frontier, state.uid_next, state.others) = (frontier, uid_next, others);
                state.mod_seq = mod_seq.map(u64::from);
                state.since = since.map(i64::from);
                for (name, having) in flags {
                    let having = known.iter().zip(having).filter(|(_, has)| *has).map(|(uid, _)| *uid);
                    state.flags.put(&grammar::flag(name.as_bytes()), UidRanges::from_uids(having));
                }
                state
            })
    }

    proptest! {
        #[test]
        fn there_and_back(state in any_state()) {
            let cursor = encode(&state);
            prop_assert!(cursor.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
            prop_assert_eq!(decode(&cursor).unwrap(), state);
        }

        /// Whatever happens to a stored cursor: an error, never another state.
        #[test]
        fn a_mutated_cursor_is_never_another_one(state in any_state(), at in any::<prop::sample::Index>(), to in "[ -~]", how in 0..4) {
            let cursor = encode(&state);
            let at = at.index(cursor.len());
            let mut mutated = cursor.clone();
            match how {
                0 => mutated.replace_range(at..=at, &to),
                1 => mutated.insert_str(at, &to),
                2 => mutated.truncate(at),
                _ => { mutated.remove(at); }
            }
            if mutated != cursor {
                prop_assert!(matches!(decode(&mutated), Err(Error::InvalidCursor(_))), "{}", mutated);
            }
        }

        #[test]
        fn garbage_is_no_cursor(text in "\\PC{0,80}|[A-Za-z0-9_-]{0,200}") {
            prop_assert!(decode(&text).is_err());
        }

        /// A checksum that is right does not make an inside right: no panic, and what is read can be written.
        #[test]
        fn an_inside_made_up_is_an_error_or_a_state(mut bytes in proptest::collection::vec(any::<u8>(), 0..120)) {
            bytes.insert(0, VERSION);
            bytes.extend_from_slice(&fnv(&bytes).to_be_bytes());
            if let Ok(state) = decode(&URL_SAFE_NO_PAD.encode(&bytes)) {
                prop_assert_eq!(decode(&encode(&state)).unwrap(), state);
            }
        }
    }

    /// Stored in the world: it has to be read for ever.
    #[test]
    fn a_cursor_of_version_1() {
        let mut state = State::new(account("Ada@Contoso.example"), "Entwürfe/2026", 1_700_000_000);
        state.known = UidRanges::parse(b"3:9,12,20:40").unwrap();
        state.pending = UidRanges::parse(b"1:2,41").unwrap();
        (state.frontier, state.uid_next, state.others) = (42, Some(43), 7);
        (state.mod_seq, state.since) = (Some(9_223_372_036_854_775_807), Some(1_764_547_200_000));
        state.flags.put(&"\\Seen".into(), UidRanges::parse(b"3:9,20:25").unwrap());
        state.flags.put(&"$Project".into(), UidRanges::parse(b"12").unwrap());
        assert_eq!(encode(&state), GOLDEN);
        assert_eq!(decode(GOLDEN).unwrap(), state);
    }

    const GOLDEN: &str = "AUkrtCpNWniIgOLPqgYqLAeAgICAgICAgIABgZCs89pmDkVudHfDvHJmZS8yMDI2AgVcU2VlbggkUHJvamVjdCBEiuEGGAFAmsAqqUIC4Lndt9PUzHNL";

    #[test]
    fn a_later_version_says_so() {
        let mut bytes = vec![VERSION + 1, 1, 2, 3];
        bytes.extend_from_slice(&fnv(&bytes).to_be_bytes());
        let error = decode(&URL_SAFE_NO_PAD.encode(&bytes)).unwrap_err();
        assert!(error.to_string().contains("later version"), "{error}");
    }

    /// 100,000 messages: 90 % read, 10 % answered, 3 % flagged, two keywords, one message in eight long deleted.
    #[test]
    fn the_size_of_an_ordinary_mailbox() {
        let mut random = 1u64;
        let mut dice = move |percent: u64| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (random >> 33) % 100 < percent
        };
        let mut state = State::new(1, "INBOX", 1);
        let mut known = Vec::new();
        let mut uid = 0;
        while known.len() < 100_000 {
            uid += 1;
            if !dice(12) {
                known.push(uid);
            }
        }
        state.known = UidRanges::from_uids(known.iter().copied());
        for (name, percent) in
            [("\\Seen", 90), ("\\Answered", 10), ("\\Flagged", 3), ("$Forwarded", 2), ("$Junk", 1), ("\\Deleted", 0)]
        {
            let having = known.iter().copied().filter(|_| dice(percent));
            state.flags.put(&name.into(), UidRanges::from_uids(having));
        }
        let size = encode(&state).len();
        assert!(size < 48 * 1024, "{size}");
        // Read but for the newest, as most are.
        state.flags.put(&"\\Seen".into(), UidRanges::from_uids(known.iter().copied().filter(|uid| *uid < 90_000)));
        let size = encode(&state).len();
        assert!(size < 40 * 1024, "{size}");
    }

    #[test]
    fn a_mailbox_without_gaps_and_with_half_of_it_read_at_random() {
        let mut state = State::new(1, "INBOX", 1);
        state.known = UidRanges::parse(b"1:100000").unwrap();
        let read = (1..=100_000u32).filter(|uid| uid.wrapping_mul(2_654_435_761) >> 31 == 1);
        state.flags.put(&"\\Seen".into(), UidRanges::from_uids(read));
        let size = encode(&state).len();
        assert!(size < 24 * 1024, "{size}");
    }
}
