//! `download` of parts that the server decodes (RFC 3516), and whatever it makes of that.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a helper that meets anything unexpected must fail its test"
)]

mod support;

use std::sync::{Arc, Mutex};

use base64::Engine as _;
use email_imap::{Client, DownloadOptions, Error, FetchOptions};
use email_testkit::{Mock, Peer};
use support::*;

/// Octets that no text has.
fn content(length: usize) -> Vec<u8> {
    (0..length).map(|n| (n * 7 % 251) as u8).collect()
}

fn encode(bytes: &[u8]) -> Vec<u8> {
    let text = base64::engine::general_purpose::STANDARD.encode(bytes);
    text.as_bytes().chunks(76).flat_map(|line| [line, b"\r\n"].concat()).collect()
}

/// A row of the decoded part, the window's offset and its length.
type Make = dyn Fn(&[u8], usize, usize) -> Vec<u8> + Send + Sync;

/// What the server does when it is asked to decode.
#[derive(Clone)]
enum Decoding {
    /// The window, decoded.
    Honest,
    /// Whatever this makes of offset and length; without the tagged line.
    Row(Arc<Make>),
    /// The tagged reply.
    Refused(&'static str),
    /// So many octets of the answer, then the end of the session with these words.
    Ends(usize, &'static str),
}

/// One message, UID 9, whose part 2 is base64; whatever was asked about it.
struct Server {
    mock: Mock,
    asked: Arc<Mutex<Vec<String>>>,
}

fn literal(name: &str, origin: usize, bytes: &[u8]) -> Vec<u8> {
    let sign = if name.starts_with("BINARY") { "~" } else { "" };
    let head = format!("{name}<{origin}> {sign}{{{}}}\r\n", bytes.len());
    [head.as_bytes(), bytes].concat()
}

fn row(item: &[u8]) -> Vec<u8> {
    [b"* 1 FETCH (UID 9 ", item, b")\r\n"].concat()
}

fn cut(bytes: &[u8], from: usize, count: usize) -> &[u8] {
    let rest = bytes.get(from..).unwrap_or_default();
    &rest[..rest.len().min(count)]
}

/// `claimed`: the size that BODYSTRUCTURE tells, if not the true one.
fn serve(
    capabilities: &'static str,
    encoded: Vec<u8>,
    decoded: Vec<u8>,
    decoding: Decoding,
    claimed: Option<usize>,
) -> Server {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let log = asked.clone();
    let mock = Mock::each(None, async move |_, peer| {
        let mut peer: Peer = log_in(peer, capabilities).await;
        while let Some(line) = peer.try_receive_line().await {
            let (tag, command) = line.split_once(' ').unwrap();
            log.lock().unwrap().push(command.to_owned());
            let mut said = Vec::new();
            let mut reply = "OK done";
            if command.starts_with("EXAMINE") {
                said = b"* 1 EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\n".to_vec();
            } else if command.contains("BODYSTRUCTURE") {
                let size = claimed.unwrap_or(encoded.len());
                let structure = format!(
                    "BODYSTRUCTURE ((\"text\" \"plain\" NIL NIL NIL \"7bit\" 2 1)(\"application\" \"pdf\" NIL NIL NIL \
                     \"base64\" {size}) \"mixed\") BODY[2.MIME] \"\" "
                );
                let first = literal("BODY[2]", 0, cut(&encoded, 0, 512 << 10));
                said = row(&[structure.as_bytes(), &first].concat());
            } else if let Some((item, window)) = command.split_once(".PEEK[2]<") {
                let (from, count) = window.trim_end_matches(">)").split_once('.').unwrap();
                let (from, count): (usize, usize) = (from.parse().unwrap(), count.parse().unwrap());
                if item.ends_with("BODY") {
                    said = row(&literal("BODY[2]", from, cut(&encoded, from, count)));
                } else {
                    let honest = row(&literal("BINARY[2]", from, cut(&decoded, from, count)));
                    match &decoding {
                        Decoding::Honest => said = honest,
                        Decoding::Row(make) => said = make(&decoded, from, count),
                        Decoding::Refused(words) => reply = words,
                        Decoding::Ends(octets, words) => {
                            let _ = peer.try_send([cut(&honest, 0, *octets), words.as_bytes()].concat()).await;
                            return;
                        }
                    }
                }
            }
            said.extend_from_slice(format!("{tag} {reply}\r\n").as_bytes());
            if peer.try_send(said).await.is_err() {
                return;
            }
        }
    });
    Server { mock, asked }
}

fn usual(length: usize, decoding: Decoding) -> (Server, Vec<u8>) {
    let bytes = content(length);
    (serve("IMAP4rev1 BINARY", encode(&bytes), bytes.clone(), decoding, None), bytes)
}

impl Server {
    /// How often a command with these words was sent.
    fn count(&self, words: &str) -> usize {
        self.asked.lock().unwrap().iter().filter(|command| command.contains(words)).count()
    }
}

/// As a list of messages does.
async fn see_structure(client: &Client) {
    let mut pages =
        client.fetch("INBOX", uids("9"), json(r#"{"bodyStructure":true}"#), FetchOptions::default(), &call());
    while let Some(page) = pages.next().await {
        assert!(page.unwrap()[0].body_structure.is_some());
    }
}

async fn part(client: &Client, max_bytes: Option<u64>) -> Result<Vec<u8>, Error> {
    let options = DownloadOptions { part: Some("2".into()), max_bytes, ..Default::default() };
    let mut chunks = client.download("INBOX", 9, options, &call());
    let mut bytes = Vec::new();
    while let Some(chunk) = chunks.next().await {
        bytes.extend_from_slice(&chunk?);
    }
    Ok(bytes)
}

#[tokio::test]
async fn a_part_whose_structure_is_known_comes_decoded_in_one_command() {
    for capabilities in ["IMAP4rev1 BINARY", "IMAP4rev2"] {
        let bytes = content(700_000);
        let server = serve(capabilities, encode(&bytes), bytes.clone(), Decoding::Honest, None);
        let client = connect(&server.mock).await;
        see_structure(&client).await;
        assert!(part(&client, None).await.unwrap() == bytes);
        assert_eq!((server.count("BINARY.PEEK[2]<0."), server.count("BODY.PEEK[2]")), (1, 0), "{capabilities}");
        client.close();
    }
}

#[tokio::test]
async fn an_unknown_part_goes_on_decoded_behind_its_first_window() {
    for length in [400_000, 2_000_003] {
        let (server, bytes) = usual(length, Decoding::Honest);
        let client = connect(&server.mock).await;
        assert!(part(&client, None).await.unwrap() == bytes);
        assert_eq!((server.count("BINARY.PEEK"), server.count("(UID BODY.PEEK[2]<")), (1, 0));
        // Now its structure is known.
        assert!(part(&client, None).await.unwrap() == bytes);
        assert_eq!((server.count("BINARY.PEEK[2]<0."), server.count("BODYSTRUCTURE")), (1, 1));
        client.close();
    }
}

#[tokio::test]
async fn what_is_too_large_or_not_offered_is_read_as_ever() {
    let large = content(3_200_000);
    let small = content(700_000);
    for (capabilities, bytes) in [("IMAP4rev1 BINARY", large), ("IMAP4rev1", small)] {
        let server = serve(capabilities, encode(&bytes), bytes.clone(), Decoding::Honest, None);
        let client = connect(&server.mock).await;
        see_structure(&client).await;
        assert!(part(&client, None).await.unwrap() == bytes);
        assert_eq!(server.count("BINARY"), 0, "{capabilities}");
        client.close();
    }
}

#[tokio::test]
async fn raw_bytes_are_never_decoded() {
    let (server, bytes) = usual(1000, Decoding::Honest);
    let client = connect(&server.mock).await;
    see_structure(&client).await;
    let options = DownloadOptions { part: Some("2".into()), decode: Some(false), ..Default::default() };
    let mut chunks = client.download("INBOX", 9, options, &call());
    assert_eq!(chunks.next().await.unwrap().unwrap(), encode(&bytes));
    assert_eq!(server.count("BINARY"), 0);
    client.close();
}

#[tokio::test]
async fn a_server_that_cannot_decode_loses_nothing_and_is_not_asked_again() {
    let bye = "* BYE FETCH failed: Internal error occurred.\r\n";
    for decoding in [
        Decoding::Refused("NO [UNKNOWN-CTE] Unknown Content-Transfer-Encoding"),
        Decoding::Refused("NO [PARSE] Invalid data in MIME part"),
        Decoding::Refused("NO [SERVERBUG] oops"),
        Decoding::Refused("BAD what is BINARY?"),
        // Without a word, with one, and in the middle of the part.
        Decoding::Ends(0, ""),
        Decoding::Ends(0, bye),
        Decoding::Ends(300_000, ""),
        Decoding::Ends(0, "* 1 FETCH (UID 9 BINARY[2]<0> ~{}\r\n"),
        Decoding::Ends(0, "* 1 FETCH (UID 9 BINARY[2]<0> ~{99999999999999999999}\r\n"),
    ] {
        for (known, length) in [(true, 900_000), (false, 900_000), (false, 400_000)] {
            let (server, bytes) = usual(length, decoding.clone());
            let client = connect(&server.mock).await;
            if known {
                see_structure(&client).await;
            }
            for _ in 0..2 {
                assert!(part(&client, None).await.unwrap() == bytes, "known: {known}");
            }
            assert_eq!(server.count("BINARY"), 1, "known: {known}");
            client.close();
        }
    }
}

#[tokio::test]
async fn a_server_that_says_something_else_than_the_part() {
    type Lie = fn(&[u8], usize, usize) -> Vec<u8>;
    let lies: [Lie; 8] = [
        |_, _, _| row(b"BINARY[2]<0> NIL"),
        |_, _, _| row(b"BINARY[2] \"\""),
        |_, _, _| Vec::new(),
        |_, _, _| row(b"FLAGS ()"),
        // Another section, another place, still encoded.
        |bytes, from, count| row(&literal("BINARY[1]", from, cut(bytes, from, count))),
        |bytes, from, count| row(&literal("BINARY[2]", from + 3, cut(bytes, from, count))),
        |bytes, from, count| row(&literal("BINARY[2]", if from > 0 { 0 } else { 5 }, cut(bytes, from, count))),
        |bytes, from, count| row(&literal("BODY[2]", from, cut(&encode(bytes), from, count))),
    ];
    for (nth, lie) in lies.into_iter().enumerate() {
        for known in [true, false] {
            let (server, bytes) = usual(900_000, Decoding::Row(Arc::new(lie)));
            let client = connect(&server.mock).await;
            if known {
                see_structure(&client).await;
            }
            for _ in 0..2 {
                assert!(part(&client, None).await.unwrap() == bytes, "lie {nth}, known: {known}");
            }
            assert_eq!(server.count("BINARY"), 1, "lie {nth}, known: {known}");
            client.close();
        }
    }
}

#[tokio::test]
async fn a_window_that_is_ignored_gives_the_part_once() {
    let whole = |bytes: &[u8], _, _| row(&[format!("BINARY[2] ~{{{}}}\r\n", bytes.len()).as_bytes(), bytes].concat());
    for known in [true, false] {
        let (server, bytes) = usual(900_000, Decoding::Row(Arc::new(whole)));
        let client = connect(&server.mock).await;
        if known {
            see_structure(&client).await;
        }
        assert!(part(&client, None).await.unwrap() == bytes);
        assert_eq!(server.count("BINARY"), 1);
        client.close();
    }
}

#[tokio::test]
async fn a_part_that_is_cut_short_is_completed() {
    let short = |bytes: &[u8], from, _| row(&literal("BINARY[2]", from, cut(bytes, from, 1000)));
    let (server, bytes) = usual(900_000, Decoding::Row(Arc::new(short)));
    let client = connect(&server.mock).await;
    see_structure(&client).await;
    assert!(part(&client, None).await.unwrap() == bytes);
    client.close();
}

#[tokio::test]
async fn more_than_the_part_can_have_is_an_error_and_no_flood() {
    let flood = |_: &[u8], from, _| row(&literal("BINARY[2]", from, &vec![b'x'; 20 << 20]));
    let (server, bytes) = usual(900_000, Decoding::Row(Arc::new(flood)));
    let client = connect(&server.mock).await;
    see_structure(&client).await;
    let options = DownloadOptions { part: Some("2".into()), ..Default::default() };
    let mut chunks = client.download("INBOX", 9, options, &call());
    let mut got = 0;
    let error = loop {
        match chunks.next().await.unwrap() {
            Ok(chunk) => got += chunk.len(),
            Err(error) => break error,
        }
    };
    assert_eq!(code::<()>(Err(error)), "PROTOCOL_VIOLATION");
    assert!(got <= encode(&bytes).len(), "{got} octets of what is none of the part");
    // It is not believed again.
    assert!(part(&client, None).await.unwrap() == bytes);
    client.close();
}

#[tokio::test]
async fn sizes_that_lie_cost_no_byte() {
    for claimed in [1, 1000, 600_000, 4 << 20, 100 << 20] {
        let bytes = content(900_000);
        let server = serve("IMAP4rev1 BINARY", encode(&bytes), bytes.clone(), Decoding::Honest, Some(claimed));
        let client = connect(&server.mock).await;
        see_structure(&client).await;
        for _ in 0..2 {
            assert!(part(&client, None).await.unwrap() == bytes, "{claimed}");
        }
        client.close();
    }
}

#[tokio::test]
async fn a_first_window_that_is_not_plain_base64_goes_on_encoded() {
    // Decoders differ about what is in the way; then nobody knows where the server would go on.
    let bytes = content(900_000);
    let mut encoded = encode(&bytes);
    encoded.splice(100..100, *b"*!*");
    let server = serve("IMAP4rev1 BINARY", encoded, bytes.clone(), Decoding::Honest, None);
    let client = connect(&server.mock).await;
    assert!(part(&client, None).await.unwrap() == bytes);
    assert_eq!(server.count("BINARY"), 0);
    client.close();
}

#[tokio::test]
async fn more_than_max_bytes_of_a_decoded_part() {
    let (server, bytes) = usual(900_000, Decoding::Honest);
    let client = connect(&server.mock).await;
    see_structure(&client).await;
    assert_eq!(part(&client, Some(900_000)).await.unwrap().len(), bytes.len());
    assert_eq!(code(part(&client, Some(899_999)).await), "LIMIT_EXCEEDED");
    client.close();
}

#[tokio::test]
async fn a_reader_that_stops_does_not_hold_the_connection_while_the_server_decodes() {
    let (server, bytes) = usual(3_000_000, Decoding::Honest);
    let client = connect(&server.mock).await;
    see_structure(&client).await;
    let options = DownloadOptions { part: Some("2".into()), ..Default::default() };
    let mut chunks = client.download("INBOX", 9, options, &call());
    let mut got = chunks.next().await.unwrap().unwrap().to_vec();
    see_structure(&client).await;
    while let Some(chunk) = chunks.next().await {
        got.extend_from_slice(&chunk.unwrap());
        see_structure(&client).await;
    }
    assert!(got == bytes);
    assert_eq!(server.count("BODY.PEEK[2]<"), 0);
    client.close();
}

#[tokio::test]
async fn a_throttled_client_does_not_ask_again_another_way() {
    let (server, _) = usual(1000, Decoding::Refused("NO [THROTTLED] slow down"));
    let client = connect(&server.mock).await;
    see_structure(&client).await;
    assert_eq!(code(part(&client, None).await), "RATE_LIMITED");
    assert_eq!(server.count("BODY.PEEK[2]<"), 0);
    client.close();
}
