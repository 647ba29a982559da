//! What a hostile or broken server can throw at the tap and the grammar: a typed end or a value, at once, in bounded
//! memory, on a small stack. One process, one thread after the other, so that memory can be measured.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail their test"
)]

use std::time::{Duration, Instant};

use email_imap::grammar::{Event, Untagged};
use email_imap::tap::{End, Limits, Tap};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// The smallest stack anybody will run us on.
const STACK: usize = 512 << 10;

/// Growth of resident memory allowed per case, besides what the allocator keeps of former cases.
const MAX_GROWTH: usize = 64 << 20;

struct Outcome {
    end: Option<End>,
    last: Option<Event>,
    count: usize,
    took: Duration,
}

/// Lets a server say `chunk` `times` times, then close, to a client that takes every event and keeps the last one.
fn serve(chunk: Vec<u8>, times: usize) -> Outcome {
    let client = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async move {
            let (near, mut far) = tokio::io::duplex(64 << 10);
            let (mut tap, mut events, control) = Tap::new(near, Limits::default());
            let sending = async move {
                for _ in 0..times {
                    if far.write_all(&chunk).await.is_err() {
                        break;
                    }
                }
            };
            let (mut last, mut count) = (None, 0);
            let reading = async {
                let mut out = [0; 1024];
                let read = async { while matches!(tap.read(&mut out).await, Ok(n) if n > 0) {} };
                events
                    .drive(read, |event| {
                        last = Some(event);
                        count += 1;
                    })
                    .await;
                drop(tap);
            };
            #[expect(clippy::disallowed_methods, reason = "measures real time")]
            let started = Instant::now();
            tokio::join!(sending, reading);
            while let Some(event) = events.try_next() {
                last = Some(event);
                count += 1;
            }
            Outcome { end: control.end(), last, count, took: started.elapsed() }
        })
    };
    std::thread::Builder::new().stack_size(STACK).spawn(client).unwrap().join().expect("the client died")
}

/// High-water mark of this process's memory, in bytes; reset before each case.
fn reset_peak() {
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

fn status(field: &str) -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with(field)).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<usize>().ok()).unwrap_or(0) << 10
}

enum Expected {
    End(End),
    /// The session goes on; the last event is this.
    Says(fn(&Event) -> bool),
}

#[test]
fn hostile_servers() {
    use Expected::{End as Ends, Says};
    let limits = Limits::default();
    let too_large = || Ends(End::LiteralTooLarge { limit: limits.max_literal_bytes });
    let row_too_long = || Ends(End::LineTooLong { limit: 2 << 20 });
    let too_deep = || Ends(End::NestingTooDeep { limit: limits.max_nesting });
    let million = |piece: &str| piece.repeat(1_000_000);
    let cases: Vec<(&str, String, usize, Expected)> = vec![
        ("literal of 4 GB", "* 1 FETCH (BODY[] {4294967295}\r\n".into(), 1, too_large()),
        ("literal beyond 64 bits", "* 1 FETCH (BODY[] {99999999999999999999}\r\n".into(), 1, too_large()),
        ("literal just over the limit", "* 1 FETCH (BODY[] {52428801}\r\n".into(), 1, too_large()),
        ("negative literal", "* 1 FETCH (BODY[] {-1}\r\n".into(), 1, Ends(End::MalformedLiteral)),
        ("literal8 without length", "* 1 FETCH (BINARY[1] ~{}\r\n".into(), 1, Ends(End::MalformedLiteral)),
        (
            "announced but never sent",
            "* 1 FETCH (BODY[] {52428800}\r\n".into(),
            1,
            Ends(End::Closed { mid_response: true }),
        ),
        (
            "literals one after the other",
            "* 1 FETCH (".to_owned() + &million("{0}\r\n"),
            1,
            Ends(End::TooMany { what: "literals", limit: 20_000 }),
        ),
        ("line without end", million("x"), 100, row_too_long()),
        ("tagged line without end", "A1 OK ".to_owned() + &million("x"), 100, row_too_long()),
        ("SEARCH without end", "* SEARCH".to_owned() + &million(" 1"), 1, Ends(End::Closed { mid_response: true })),
        ("spaces without end", million(" "), 100, row_too_long()),
        ("a million parentheses", "* 1 FETCH ".to_owned() + &million("(") + "\r\n", 1, too_deep()),
        (
            "a million parentheses in a BODYSTRUCTURE",
            "* 1 FETCH (BODYSTRUCTURE ".to_owned() + &million("(") + "\r\n",
            1,
            too_deep(),
        ),
        (
            "a million parentheses over lines",
            "* 1 FETCH (BODY[] {0}\r\n".to_owned() + &"( {0}\r\n".repeat(10_000),
            1,
            too_deep(),
        ),
        (
            "legal depth",
            format!("* 1 FETCH (BODYSTRUCTURE {}(\"a\" \"b\"){})\r\n", "(".repeat(64), " \"mixed\")".repeat(64)),
            1,
            Says(|event| matches!(event, Event::Untagged(Untagged::Fetch(row)) if row.body_structure.is_some())),
        ),
        (
            "a row full of flags",
            format!("* 1 FETCH (FLAGS ({}))\r\n", "a ".repeat(1_000_000)),
            1,
            Says(
                |event| matches!(event, Event::Untagged(Untagged::Fetch(row)) if row.flags.as_ref().unwrap().len() == 10_000),
            ),
        ),
        (
            "a row full of parts",
            format!("* 1 FETCH (BODYSTRUCTURE ({} \"mixed\"))\r\n", "(\"a\" \"b\")".repeat(200_000)),
            1,
            Says(|event| matches!(event, Event::Untagged(Untagged::Fetch(row)) if row.defects.len() == 1)),
        ),
        (
            "a row full of addresses",
            format!(
                "* 1 FETCH (ENVELOPE (NIL NIL ({}) NIL NIL NIL NIL NIL NIL NIL))\r\n",
                "(NIL NIL a b)".repeat(150_000)
            ),
            1,
            Says(|event| matches!(event, Event::Untagged(Untagged::Fetch(row)) if row.envelope.is_some())),
        ),
        (
            "8 million search results",
            format!("* SEARCH{}\r\n", " 1".repeat(8_000_000)),
            1,
            Says(|event| matches!(event, Event::Untagged(Untagged::Search(row)) if row.ids.len() == 8_000_000)),
        ),
        (
            "8 million vanished ranges",
            format!("* VANISHED 1{}\r\n", ",1".repeat(8_000_000)),
            1,
            Says(|event| matches!(event, Event::Untagged(Untagged::Broken { .. }))),
        ),
        (
            "four billion vanished",
            "* VANISHED 1:4294967295\r\n".into(),
            1,
            Says(|event| matches!(event, Event::Untagged(Untagged::Vanished { uids, .. }) if uids.ranges().len() == 1)),
        ),
        (
            "EXISTS of four billion",
            "* 4000000000 EXISTS\r\n".into(),
            1,
            Says(|event| *event == Event::Untagged(Untagged::Exists(4_000_000_000))),
        ),
        (
            "EXISTS beyond 32 bits",
            "* 4294967296 EXISTS\r\n".into(),
            1,
            Says(|event| matches!(event, Event::Untagged(Untagged::Broken { .. }))),
        ),
        (
            "a million lines",
            "* 1 EXPUNGE\r\n".repeat(1000),
            1000,
            Says(|event| *event == Event::Untagged(Untagged::Expunge(1))),
        ),
        (
            "a million completions",
            "A1 OK x\r\n".repeat(1000),
            1000,
            Says(|event| matches!(event, Event::Completion(_))),
        ),
        (
            "a million unknown lines",
            "\r\n".repeat(1000),
            1000,
            Says(|event| matches!(event, Event::Untagged(Untagged::Unknown { .. }))),
        ),
        (
            "NUL everywhere",
            "\0".repeat(1000) + "\r\n",
            1,
            Says(|event| matches!(event, Event::Untagged(Untagged::Unknown { .. }))),
        ),
    ];
    for (name, said, times, expected) in cases {
        reset_peak();
        let before = status("VmRSS");
        let own = said.len();
        let outcome = serve(said.into_bytes(), times);
        let growth = status("VmHWM").saturating_sub(before).saturating_sub(own);
        match expected {
            Ends(end) => assert_eq!(outcome.end, Some(end), "{name}"),
            Says(check) => {
                assert_eq!(outcome.end, Some(End::Closed { mid_response: false }), "{name}");
                assert!(
                    outcome.last.as_ref().is_some_and(check),
                    "{name}: {:?}",
                    outcome.last.map(|e| format!("{e:.200?}"))
                );
            }
        }
        // In a debug build, on a machine that has other work: the release build has 10 s, in processes of its own.
        assert!(outcome.took < Duration::from_secs(40), "{name}: {:?} for {} events", outcome.took, outcome.count);
        assert!(growth < MAX_GROWTH, "{name}: {growth} bytes");
    }
}

#[test]
fn a_million_levels_end_the_session_in_50_ms() {
    let bomb = [&b"* 1 FETCH (BODYSTRUCTURE "[..], &b"(".repeat(1_000_000), b"\r\n"].concat();
    let fastest = (0..5).map(|_| serve(bomb.clone(), 1).took).min().unwrap();
    assert!(fastest < Duration::from_millis(50), "{fastest:?}");
}
