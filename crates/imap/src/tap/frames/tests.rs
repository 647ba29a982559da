use proptest::prelude::*;

use super::*;
use crate::tap::frames_of;

fn frames(input: &[u8]) -> Vec<Vec<u8>> {
    frames_of(input, Limits::default()).unwrap().into_iter().map(|frame| frame.bytes.to_vec()).collect()
}

fn end(input: &[u8], limits: Limits) -> End {
    frames_of(input, limits).unwrap_err()
}

#[test]
fn literals_belong_to_their_response() {
    let one = b"* 1 FETCH (BODY[1] {4}\r\n)\r\n\"BODY[2] ~{3+}\r\n\0\r\n x {0}\r\n)\r\n".as_slice();
    let two = b"* LIST () \"/\" {5}\nA {9}\n".as_slice();
    let three = b"A1 OK done\r\n".as_slice();
    assert_eq!(frames(&[one, two, three].concat()), [one, two, three]);
}

#[test]
fn a_length_in_quotes_or_in_free_text_is_text() {
    for line in [
        "* LIST () \"/\" \"a{5}\"\r\n",
        "* LIST () \"/\" \"a\\\" {5}\"\r\n",
        "* OK say {5}\r\n",
        "* NO \"say {5}\r\n",
        "A1 NO [X] {5}\r\n",
        "+ {5}\r\n",
        "* X {a}\r\n",
        "* X {5} \r\n",
    ] {
        assert_eq!(frames(&[line, "A2 OK\r\n"].concat().into_bytes()).len(), 2, "{line:?}");
    }
}

#[test]
fn a_length_behind_an_open_quote_is_not_guessed_at() {
    assert_eq!(end(b"* 1 FETCH (ENVELOPE (\"a \"b\" {99}\r\n", Limits::default()), End::MalformedLiteral);
}

#[test]
fn hostile_lengths() {
    let limits = Limits { max_literal_bytes: 10, ..Limits::default() };
    let too_large = End::LiteralTooLarge { limit: 10 };
    for length in ["11", "4294967295", "99999999999999999999", "18446744073709551616", "00000000000000000000011"] {
        assert_eq!(end(format!("* 1 FETCH (BODY[] {{{length}}}\r\n").as_bytes(), limits), too_large, "{length}");
    }
    for length in ["", "-1", "-", "+", "1-+", "--1", "+5"] {
        assert_eq!(
            end(format!("* 1 FETCH (BODY[] ~{{{length}}}\r\n").as_bytes(), limits),
            End::MalformedLiteral,
            "{length}"
        );
    }
    assert_eq!(end(b"* X {6}\r\n123456{6}\r\n", limits), too_large, "all literals of a response count");
    assert_eq!(frames_of(b"* X {6}\r\n123456\r\n* X {6}\r\n123456\r\n", limits).unwrap().len(), 2);
}

#[test]
fn a_line_without_end() {
    let limits = Limits { max_line_bytes: 100, ..Limits::default() };
    assert_eq!(end(&[b'x'; 101], limits), End::LineTooLong { limit: 100 });
    assert_eq!(end(&[&b"* SEARCH"[..], &[b' '; 100]].concat(), limits), End::LineTooLong { limit: 100 });
    assert!(frames_of(&[b'x'; 100], limits).unwrap().is_empty());
    let pieces = format!("* 1 FETCH ({}\r\n", "BODY[] {0}\r\n".repeat(20));
    assert_eq!(end(pieces.as_bytes(), limits), End::LineTooLong { limit: 100 }, "all text of a response counts");
    let row = [&b"* 1 FETCH ("[..], &vec![b'a'; MAX_ROW_BYTES]].concat();
    assert_eq!(end(&row, Limits::default()), End::LineTooLong { limit: MAX_ROW_BYTES });
    let numbers = [&b"* SEARCH"[..], &b" 1".repeat(MAX_ROW_BYTES), b"\r\n"].concat();
    assert_eq!(frames(&numbers).len(), 1);
}

#[test]
fn many_small_literals() {
    let many = format!("* 1 FETCH ({}", "{0}\r\n".repeat(MAX_LITERALS + 1));
    assert_eq!(end(many.as_bytes(), Limits::default()), End::TooMany { what: "literals", limit: MAX_LITERALS });
}

#[test]
fn nested_parentheses() {
    let deep = |n: usize| [b"* 1 FETCH ".to_vec(), b"(".repeat(n), b"\r\n".to_vec()].concat();
    assert_eq!(frames(&deep(128)).len(), 1);
    assert_eq!(end(&deep(129), Limits::default()), End::NestingTooDeep { limit: 128 });
    let spread = format!("* 1 FETCH {}\r\n", "( {0}\r\n".repeat(129));
    assert_eq!(end(spread.as_bytes(), Limits::default()), End::NestingTooDeep { limit: 128 });
    assert_eq!(frames(format!("* OK {}\r\n* X \"{}\"\r\n", ":(".repeat(200), "(".repeat(200)).as_bytes()).len(), 2);
}

/// Everything a cutter gives for `chunks`, bodies put together, as text to compare by.
fn trace(chunks: &[&[u8]], min_bytes: u64) -> Vec<String> {
    let (sink, _bodies) = super::super::body::Bodies::new(min_bytes, usize::MAX);
    let sink = Arc::new(sink);
    let mut frames = Frames::new(Limits::default());
    let mut seen: Vec<String> = Vec::new();
    let mut body = Vec::new();
    for chunk in chunks {
        frames.buffer.extend_from_slice(chunk);
        loop {
            match frames.step(|| Some(Arc::clone(&sink))) {
                Ok(Step::Starved) => break,
                Ok(Step::Response(frame)) => {
                    let apart = frame.apart.concat();
                    seen.push(format!("{} {:?} {}", frame.bytes.escape_ascii(), frame.literals, apart.escape_ascii()));
                }
                Ok(Step::Body(_, BodyChunk::Data(data))) => body.extend_from_slice(&data),
                Ok(Step::Body(_, BodyChunk::End)) => seen.push(format!("body {}", body.split_off(0).escape_ascii())),
                Ok(Step::Body(_, start)) => seen.push(format!("{start:?}")),
                Err(end) => {
                    seen.push(end.to_string());
                    return seen;
                }
            }
        }
    }
    seen
}

const SESSION: &[u8] =
    b"* OK hi {3}\r\n* 1 FETCH (UID 7 BODY[1.2]<0> {12}\r\n* 2 EXISTS\r\n FLAGS () RFC822.HEADER {3}\r\na\r\n \
    ENVELOPE (NIL {2}\r\n(\") BINARY[1] ~{8}\r\n\0\r\n\r\n\0(\") BODY[] NIL)\r\n* LIST () \"/\" {2}\r\nab\r\nA1 OK\r\n";

#[test]
fn bodies_flow_past_the_buffer_and_leave_their_place() {
    let seen = trace(&[SESSION], 8);
    assert_eq!(
        seen[1..4],
        [
            r#"Start { section: "1.2", binary: false, origin: Some(0), size: 12 }"#,
            r"body * 2 EXISTS\r\n",
            r#"Start { section: "1", binary: true, origin: None, size: 8 }"#,
        ]
    );
    assert_eq!(seen.len(), 8);
    assert!(seen[5].contains("Some(Streamed(12))") && seen[5].contains("elsewhere: None"), "{}", seen[5]);
    assert!(!seen[5].contains("EXISTS"), "{}", seen[5]);
}

#[test]
fn every_split_at_one_place_gives_the_same() {
    for min_bytes in [0, 8, u64::MAX] {
        let whole = trace(&[SESSION], min_bytes);
        for at in 0..SESSION.len() {
            let (a, b) = SESSION.split_at(at);
            assert_eq!(trace(&[a, b], min_bytes), whole, "at {at}");
        }
        let single: Vec<_> = SESSION.chunks(1).collect();
        assert_eq!(trace(&single, min_bytes), whole);
    }
}

#[test]
fn a_large_literal_is_in_memory_of_its_own_and_the_text_around_it_stays() {
    const LARGE: usize = 5000;
    let large = |byte: u8| vec![byte; LARGE];
    let announced = format!("{{{LARGE}}}\r\n");
    let row = [
        format!("* 1 FETCH (RFC822.HEADER {{1}}\r\nh BODY[] {announced}").as_bytes(),
        &large(b'a'),
        format!(" BODY[2] {announced}").as_bytes(),
        &large(b'b'),
        b" UID 7)\r\nA1 OK\r\n",
    ]
    .concat();
    let texts =
        ["* 1 FETCH (RFC822.HEADER {1}\r\nh BODY[] ", &announced, " BODY[2] ", &announced, " UID 7)\r\n"].concat();
    let whole = trace(&[&row], u64::MAX);
    let frame = frames_of(&row, Limits::default()).unwrap().swap_remove(0);
    assert_eq!((frame.bytes.as_ref(), frame.size()), (texts.as_bytes(), row.len() - "A1 OK\r\n".len()));
    assert_eq!(frame.apart, [large(b'a'), large(b'b')]);
    for at in (0..row.len()).filter(|at| at % 97 == 0 || !(100..LARGE).contains(&(at % LARGE))) {
        let (a, b) = row.split_at(at);
        assert_eq!(trace(&[a, b], u64::MAX), whole, "at {at}");
    }
}

proptest! {
    #[test]
    fn any_chunking_of_any_bytes_gives_the_same(
        parts in proptest::collection::vec(prop::sample::select(vec![
            "* 1 FETCH (", "BODY[1] ", "{3}\r\n", "~{2}\r\n", "{0}\r\n", "{-1}", "abc", "\"", "\\", "(", ")", "\r\n", "\n", "\r", "* OK ", "A1 NO ",
            "+ ", "* SEARCH 1", "\0", "{99999999999}\r\n",
        ]), 0..30),
        cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..6),
        min_bytes in prop::sample::select(vec![0u64, 3, u64::MAX]),
    ) {
        let input = parts.concat().into_bytes();
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(input.len() + 1)).collect();
        cuts.sort_unstable();
        let mut chunks = Vec::new();
        let mut start = 0;
        for cut in cuts {
            chunks.push(&input[start..cut]);
            start = cut;
        }
        chunks.push(&input[start..]);
        prop_assert_eq!(trace(&chunks, min_bytes), trace(&[&input], min_bytes));
    }

    #[test]
    fn arbitrary_bytes(input in proptest::collection::vec(any::<u8>(), 0..300)) {
        trace(&[&input], 0);
    }
}
