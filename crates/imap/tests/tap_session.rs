//! The tap under a real async-imap session, against a peer that says byte for byte what happens.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail their test"
)]

use std::time::Duration;

use async_imap::{Client, Session};
use email_imap::grammar::{Completion, CompletionStatus, Content, Event, FetchRow, ResponseCode, Untagged};
use email_imap::tap::{BodyChunk, End, Events, Limits, Tap, TapControl};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, DuplexStream};
use tokio::task::JoinHandle;

const PIPE: usize = 64 << 10;

/// The other end: sends and expects bytes.
struct Peer(BufReader<DuplexStream>);

impl Peer {
    async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.write_all(bytes.as_ref()).await.unwrap();
    }

    /// The next line; its tag comes first.
    async fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).await.unwrap();
        line.trim_end_matches("\r\n").to_owned()
    }

    /// A command's line must end in `command`; gives its tag.
    async fn command(&mut self, command: &str) -> String {
        let line = self.line().await;
        let (tag, rest) = line.split_once(' ').unwrap_or_default();
        assert_eq!(rest, command);
        tag.to_owned()
    }
}

struct Connected {
    session: Session<Tap<DuplexStream>>,
    events: Events,
    control: TapControl,
}

/// A session that is logged in already, and the peer's script running beside it.
async fn connected<F>(script: impl FnOnce(Peer) -> F + Send + 'static) -> (Connected, JoinHandle<()>)
where
    F: Future<Output = ()> + Send + 'static,
{
    let (near, far) = tokio::io::duplex(PIPE);
    let peer = tokio::spawn(async move {
        let mut peer = Peer(BufReader::new(far));
        peer.send("* OK ready\r\n").await;
        let tag = peer.command("LOGIN \"u\" \"p\"").await;
        peer.send(format!("{tag} OK in\r\n")).await;
        script(peer).await;
    });
    let (tap, mut events, control) = Tap::new(near, Limits::default());
    let mut client = Client::new(tap);
    client.read_response().await.unwrap().unwrap();
    let session = client.login("u", "p").await.map_err(|(error, _)| error).unwrap();
    while events.try_next().is_some() {}
    (Connected { session, events, control }, peer)
}

impl Connected {
    /// As the actor does: events are taken while async-imap reads.
    async fn next(&mut self) -> Option<Event> {
        loop {
            tokio::select! {
                biased;
                event = self.events.next() => return event,
                read = self.session.read_response() => if !matches!(read, Ok(Some(_))) {
                    return self.events.next().await;
                },
            }
        }
    }

    /// Events up to the end of the command, and how it ended.
    async fn complete(&mut self) -> (Vec<Untagged>, Completion) {
        let mut untagged = Vec::new();
        loop {
            match self.next().await.expect("the session ended") {
                Event::Untagged(data) => untagged.push(data),
                Event::Completion(done) => return (untagged, done),
                Event::Continuation(_) => {}
            }
        }
    }

    async fn run(&mut self, command: &str) -> (Vec<Untagged>, Completion) {
        self.events.drive(self.session.run_command(command), |_| {}).await.unwrap();
        self.complete().await
    }
}

fn row(untagged: &Untagged) -> &FetchRow {
    match untagged {
        Untagged::Fetch(row) => row,
        other => panic!("{other:?}"),
    }
}

async fn within<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), work).await.expect("blocked")
}

#[tokio::test]
async fn xoauth2_with_a_challenge_that_breaks_async_imap() {
    let (near, far) = tokio::io::duplex(PIPE);
    let peer = tokio::spawn(async move {
        let mut peer = Peer(BufReader::new(far));
        peer.send("* OK [CAPABILITY IMAP4rev2] \u{fc}\r\n").await;
        let tag = peer.command("AUTHENTICATE XOAUTH2 dG9rZW4=").await;
        peer.send("* CAPABILITY IMAP4rev2\r\n+ [ALERT]\u{e9}\r\n").await;
        assert_eq!(peer.line().await, "");
        peer.send(format!("{tag} NO [AUTHENTICATIONFAILED] \u{fc}ber\r\n")).await;
    });
    struct Empty;
    impl async_imap::Authenticator for Empty {
        type Response = Vec<u8>;
        fn process(&mut self, challenge: &[u8]) -> Vec<u8> {
            assert_eq!(challenge, b"");
            Vec::new()
        }
    }
    let (tap, mut events, _control) = Tap::new(near, Limits::default());
    let mut client = Client::new(tap);
    let mut seen = Vec::new();
    events.drive(client.read_response(), |event| seen.push(event)).await.unwrap().unwrap();
    let refused = events.drive(client.authenticate("XOAUTH2 dG9rZW4=", Empty), |event| seen.push(event)).await;
    assert!(refused.is_err());
    seen.extend(std::iter::from_fn(|| events.try_next()));
    assert_eq!(seen.len(), 4, "{seen:?}");
    assert!(matches!(&seen[1], Event::Untagged(Untagged::Capability(words)) if words == &["IMAP4rev2"]));
    let Event::Completion(done) = &seen[3] else { panic!("{:?}", seen[3]) };
    assert_eq!((done.status, done.text.as_str()), (CompletionStatus::No, "\u{fc}ber"));
    assert!(done.code.as_ref().unwrap().is("AUTHENTICATIONFAILED"));
    peer.await.unwrap();
}

#[tokio::test]
async fn what_closes_a_bare_async_imap_session_is_data_here() {
    let (mut client, peer) = connected(async |mut peer| {
        let tag = peer.command("NOOP").await;
        peer.send(
            "* NAMESPACE ((\"\" \"/\")) NIL NIL\r\n* ESEARCH UID ALL 1:3\r\n* SEARCH 1 (MODSEQ 7)\r\n\
             * STATUS a (SIZE 5 X 1)\r\n* LIST () \"/\" a (OLDNAME (b))\r\n* 1 FETCH (INTERNALDATE NIL)\r\n\
             * 2 FETCH (BODYSTRUCTURE (\"mixed\" (\"a\" NIL) NIL NIL) RFC822.SIZE -1)\r\n* XNEW word\r\n\
             * CAPABILITY IMAP4rev2\r\n* OK [COPYUID x]\u{e9}\r\nnonsense\r\n",
        )
        .await;
        peer.send(format!("{tag} OK [COPYUID 1 2:3 9:8]\u{e9}\r\n")).await;
        let tag = peer.command("NOOP").await;
        peer.send(format!("{tag} BAD\r\n")).await;
    })
    .await;
    let (untagged, done) = within(client.run("NOOP")).await;
    assert_eq!(untagged.len(), 11, "{untagged:?}");
    assert!(!untagged.iter().any(|data| matches!(data, Untagged::Broken { .. })), "{untagged:?}");
    let Some(ResponseCode::CopyUid { to, .. }) = done.code else { panic!("{:?}", done.code) };
    assert_eq!((to.len(), done.text.as_str()), (1, "\u{e9}"));
    let (untagged, done) = within(client.run("NOOP")).await;
    assert_eq!((untagged.len(), done.status), (0, CompletionStatus::Bad));
    peer.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_million_untagged_lines_wait_in_the_network_not_in_memory() {
    let (mut client, peer) = connected(async |mut peer| {
        let tag = peer.command("NOOP").await;
        for n in 0..10_000 {
            peer.send((0..100).map(|i| format!("* {} EXISTS\r\n", n * 100 + i)).collect::<String>()).await;
        }
        peer.send(format!("{tag} OK done\r\n")).await;
    })
    .await;
    client.session.run_command("NOOP").await.unwrap();
    // Nobody takes events: the tap has to stop reading by itself. (The clock goes on when everybody waits.)
    let reading = tokio::time::timeout(Duration::from_secs(1), client.session.read_response()).await;
    assert!(reading.is_err());
    assert!(client.control.bytes_read() < 200_000, "{}", client.control.bytes_read());
    let (untagged, _) = within(client.complete()).await;
    assert_eq!(untagged.len(), 1_000_000);
    assert!(untagged.iter().enumerate().all(|(n, data)| *data == Untagged::Exists(n as u32)), "order");
    peer.await.unwrap();
}

#[tokio::test]
async fn a_25_mb_body_streams_in_constant_memory() {
    const SIZE: usize = 25 << 20;
    let (mut client, peer) = connected(async |mut peer| {
        let tag = peer.command("UID FETCH 7 (UID BODY.PEEK[2])").await;
        peer.send(format!("* 1 FETCH (FLAGS (\\Seen) BODY[2] {{{SIZE}}}\r\n")).await;
        let chunk: Vec<u8> = (0..SIZE / 100).map(|n| n as u8).collect();
        for _ in 0..100 {
            peer.send(&chunk).await;
        }
        peer.send(format!(" UID 7)\r\n* 2 EXISTS\r\n{tag} OK done\r\n")).await;
    })
    .await;
    let mut bodies = client.control.stream_bodies(1000, 256 << 10);
    let control = client.control.clone();
    let reader = tokio::spawn(async move {
        let mut taken = 0u64;
        let start = bodies.next().await.unwrap();
        assert_eq!(start, BodyChunk::Start { section: "2".into(), binary: false, origin: None, size: SIZE as u64 });
        while let Some(BodyChunk::Data(chunk)) = bodies.next().await {
            for byte in &chunk {
                assert_eq!(*byte, (taken % (SIZE as u64 / 100)) as u8);
                taken += 1;
            }
            // What was read ahead of us is bounded: one chunk over the capacity, one read, the queue's overhead.
            assert!(control.bytes_read() - taken < 512 << 10, "{} {taken}", control.bytes_read());
        }
        taken
    });
    let (untagged, _) = within(client.run("UID FETCH 7 (UID BODY.PEEK[2])")).await;
    assert_eq!(reader.await.unwrap(), SIZE as u64);
    assert_eq!(untagged.len(), 2);
    assert_eq!(
        (row(&untagged[0]).uid, &row(&untagged[0]).sections[0].content),
        (Some(7), &Content::Streamed { bytes: SIZE as u64 })
    );
    peer.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_body_that_nobody_takes_waits_in_the_network() {
    let (mut client, peer) = connected(async |mut peer| {
        let tag = peer.command("FETCH").await;
        peer.send("* 1 FETCH (BODY[] {10000000}\r\n").await;
        peer.send(vec![b'x'; 10_000_000]).await;
        peer.send(format!(" UID 7)\r\n{tag} OK done\r\n")).await;
    })
    .await;
    let mut bodies = client.control.stream_bodies(0, 100_000);
    client.session.run_command("FETCH").await.unwrap();
    assert!(tokio::time::timeout(Duration::from_secs(1), client.next()).await.is_err());
    assert!(client.control.bytes_read() < 300_000, "{}", client.control.bytes_read());
    let reader = tokio::spawn(async move {
        let mut taken = 0;
        while let Some(chunk) = bodies.next().await {
            if let BodyChunk::Data(bytes) = chunk {
                taken += bytes.len();
            }
        }
        taken
    });
    within(client.complete()).await;
    client.control.stop_bodies();
    assert_eq!(reader.await.unwrap(), 10_000_000);
    peer.await.unwrap();
}

#[tokio::test]
async fn two_streamed_bodies_of_one_row_leave_the_rest_readable() {
    let (mut client, peer) = connected(async |mut peer| {
        let tag = peer.command("FETCH").await;
        let envelope = format!("(NIL {{2}}\r\nhi{})", " NIL".repeat(8));
        let row = format!("BODY[1] {{3}}\r\n)\r\n BODY[2] {{2}}\r\n(\" ENVELOPE {envelope} BODY[3] {{1}}\r\n) UID 7");
        peer.send(format!("* 1 FETCH ({row})\r\n")).await;
        peer.send(format!("{tag} OK done\r\n")).await;
    })
    .await;
    let _bodies = client.control.stream_bodies(2, 1000);
    let (untagged, _) = within(client.run("FETCH")).await;
    let row = row(&untagged[0]);
    let contents: Vec<_> = row.sections.iter().map(|s| (s.section.as_str(), s.content.clone())).collect();
    let expected = [
        ("1", Content::Streamed { bytes: 3 }),
        ("2", Content::Streamed { bytes: 2 }),
        ("3", Content::Inline(")".into())),
    ];
    assert_eq!(contents, expected);
    assert_eq!((row.uid, row.envelope.as_ref().unwrap().subject.as_deref()), (Some(7), Some("hi")));
    peer.await.unwrap();
}

#[tokio::test]
async fn events_may_be_taken_in_another_task() {
    let (near, mut far) = tokio::io::duplex(PIPE);
    let (mut tap, mut events, _control) = Tap::new(near, Limits::default());
    let taking = tokio::spawn(async move {
        let mut count = 0;
        while events.next().await.is_some() {
            count += 1;
        }
        count
    });
    let reading = tokio::spawn(async move { tap.read_to_end(&mut Vec::new()).await });
    within(far.write_all("* 5 EXISTS\r\n".repeat(20_000).as_bytes())).await.unwrap();
    drop(far);
    within(reading).await.unwrap().unwrap();
    assert_eq!(within(taking).await.unwrap(), 20_000);
}

#[tokio::test]
async fn an_abandoned_body_leaves_the_session_in_step() {
    let (mut client, peer) = connected(async |mut peer| {
        for _ in 0..2 {
            let tag = peer.command("FETCH").await;
            peer.send("* 1 FETCH (BODY[] {300000}\r\n").await;
            peer.send("* 666 EXISTS\r\n".repeat(21429).split_at(300_000).0).await;
            peer.send(format!(" UID 7)\r\n{tag} OK done\r\n")).await;
        }
    })
    .await;
    let mut bodies = client.control.stream_bodies(0, 1000);
    client.session.run_command("FETCH").await.unwrap();
    let first = tokio::select! { chunk = bodies.next() => chunk, _ = client.next() => None };
    assert!(matches!(first, Some(BodyChunk::Start { size: 300_000, .. })));
    drop(bodies);
    let (untagged, _) = within(client.complete()).await;
    assert_eq!(untagged.len(), 1);
    assert_eq!(row(&untagged[0]).uid, Some(7));
    client.control.stop_bodies();
    let (untagged, _) = within(client.run("FETCH")).await;
    assert!(matches!(&row(&untagged[0]).sections[0].content, Content::Inline(bytes) if bytes.len() == 300_000));
    peer.await.unwrap();
}

#[tokio::test]
async fn a_server_that_wants_its_answers_taken_first_blocks_nobody() {
    // The peer reads nothing before it has sent a megabyte; the client writes a megabyte before it would read.
    let (mut client, peer) = connected(async |mut peer| {
        peer.send("* 5 EXISTS\r\n".repeat(90_000)).await;
        let mut literal = vec![0; 1 << 20];
        peer.0.read_exact(&mut literal).await.unwrap();
        let tag = peer.command("NOOP").await;
        peer.send(format!("{tag} OK done\r\n")).await;
    })
    .await;
    let literal = vec![b'x'; 1 << 20];
    let mut count = 0;
    let writing = async {
        client.session.get_mut().write_all(&literal).await.unwrap();
        client.session.get_mut().flush().await.unwrap();
        client.session.run_command("NOOP").await.unwrap();
    };
    within(client.events.drive(writing, |_| count += 1)).await;
    let (untagged, _) = within(client.complete()).await;
    assert_eq!(count + untagged.len(), 90_000);
    peer.await.unwrap();
}

#[tokio::test]
async fn the_end_is_typed_and_comes_after_the_events_before_it() {
    let limits = Limits::default();
    for (said, end) in [
        ("* 3 EXISTS\r\n", End::Closed { mid_response: false }),
        ("* 3 EXISTS\r\n* 1 FETCH (", End::Closed { mid_response: true }),
        ("* 3 EXISTS\r\n* 1 FETCH (BODY[] {10}\r\nabc", End::Closed { mid_response: true }),
        (
            "* 3 EXISTS\r\n* 1 FETCH (BODY[] {4294967295}\r\nA1 OK in\r\n",
            End::LiteralTooLarge { limit: limits.max_literal_bytes },
        ),
        ("* 3 EXISTS\r\n* 1 FETCH (BODY[] {-1}\r\nA1 OK in\r\n", End::MalformedLiteral),
    ] {
        let (near, far) = tokio::io::duplex(PIPE);
        let mut peer = Peer(BufReader::new(far));
        peer.send(["* OK ready\r\n", said].concat()).await;
        drop(peer);
        let (tap, mut events, control) = Tap::new(near, limits);
        let mut client = Client::new(tap);
        assert!(client.read_response().await.unwrap().is_some());
        assert!(!matches!(client.read_response().await, Ok(Some(_))), "{said:?}");
        assert!(matches!(events.next().await, Some(Event::Untagged(Untagged::Condition(_)))));
        assert_eq!(events.next().await, Some(Event::Untagged(Untagged::Exists(3))));
        assert_eq!(events.next().await, None, "{said:?}");
        assert_eq!(control.end(), Some(end), "{said:?}");
    }
}
