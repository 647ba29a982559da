//! Many messages: one outcome each, in order, a round trip each, and nobody kept waiting.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets anything unexpected must fail"
)]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use common::*;
use email_base::{Call, Code, Delivery, Failure, clock};
use email_net::Security;
use email_smtp::{Client, Envelope, Outcome, Outgoing, PoolOptions, RateLimit, RawMessage, SendOptions, Series};
use email_testkit::{Mock, Peer};
use tokio::sync::mpsc;

type Item = Outgoing<RawMessage>;

fn message(number: usize) -> (Envelope, RawMessage) {
    (envelope("ada@example.com", &[&format!("r{number}@example.com")]), raw(&format!("message {number}")))
}

fn messages(count: usize) -> Vec<Item> {
    (0..count).map(|number| Ok(message(number))).collect()
}

type Making = std::future::Ready<Item>;

fn series(client: &Client, items: Vec<Item>, interval: Duration) -> Series<RawMessage, Making> {
    let (sender, receiver) = mpsc::channel(items.len().max(1));
    for item in items {
        sender.try_send(std::future::ready(item)).ok().unwrap();
    }
    client.send_many(receiver, SendOptions::default(), interval)
}

async fn all(mut series: Series<RawMessage, Making>, call: &Call) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    while let Some(outcome) = series.next(call).await.unwrap() {
        assert_eq!(outcome.index, outcomes.len() as u64);
        outcomes.push(outcome);
    }
    outcomes
}

fn codes(outcomes: &[Outcome]) -> Vec<Option<(Code, Option<Delivery>)>> {
    outcomes
        .iter()
        .map(|outcome| outcome.result.as_ref().err().map(|failure| (failure.code, failure.delivery)))
        .collect()
}

const HELLO: &str = "S: 220 hi\nC: EHLO [127.0.0.1]\nS: 250-mail\nS: 250 PIPELINING\n";
const QUIT: &str = "C: QUIT\nS: 221 bye\nX: close";
const TAKEN: &str = "S: 250 ok\nS: 250 ok\nS: 354 go\n";

fn mail(number: usize) -> String {
    format!("C: MAIL FROM:<ada@example.com>\nC: RCPT TO:<r{number}@example.com>\nC: DATA\n")
}

fn text(number: usize) -> String {
    format!("C: message {number}\nC: .\n")
}

fn server(transcript: String) -> Mock {
    Mock::start(async move |listener| listener.accept().await.play(&transcript).await)
}

async fn client(server: &Mock) -> Client {
    Client::connect(options(server, Security::None), &call()).await.unwrap()
}

#[tokio::test]
async fn a_message_and_the_next_envelope_travel_together() {
    // The server answers only when it has the whole flight: four round trips for three messages.
    let transcript = [
        HELLO.to_owned(),
        mail(0) + TAKEN,
        text(0) + &mail(1) + "S: 250 queued 0\n" + TAKEN,
        text(1) + &mail(2) + "S: 250 queued 1\n" + TAKEN,
        text(2) + "S: 250 queued 2\n" + QUIT,
    ];
    let server = server(transcript.concat());
    let client = client(&server).await;
    let outcomes = all(series(&client, messages(3), Duration::ZERO), &call()).await;
    let responses: Vec<_> = outcomes.iter().map(|outcome| outcome.result.as_ref().unwrap().response.as_str()).collect();
    assert_eq!(responses, ["250 queued 0", "250 queued 1", "250 queued 2"]);
    client.close().await;
    server.finished().await;
}

#[tokio::test]
async fn a_refused_message_stops_nothing() {
    let transcript = [
        HELLO.to_owned(),
        mail(0) + TAKEN,
        // 0 is refused after its dot, 1's recipient in the same breath.
        text(0) + &mail(1) + "S: 554 5.7.1 spam\nS: 250 ok\nS: 550 5.1.1 unknown\nS: 554 no valid recipients\n",
        "C: RSET\n".to_owned() + &mail(2) + "S: 250 ok\n" + TAKEN,
        // What could not be made is not looked past: the envelope after it is said when its turn comes.
        text(2) + "S: 250 queued\n" + &mail(4) + TAKEN,
        text(4) + "S: 250 queued\n" + QUIT,
    ];
    let server = server(transcript.concat());
    let client = client(&server).await;
    let broken = Err(Box::new(Failure::new(Code::LimitExceeded, None, "could not be made")));
    let nobody = Ok((Envelope { from: "ada@example.com".into(), to: vec![] }, raw("x")));
    let items = vec![Ok(message(0)), Ok(message(1)), Ok(message(2)), broken, Ok(message(4)), nobody];
    let outcomes = all(series(&client, items, Duration::ZERO), &call()).await;
    assert_eq!(
        codes(&outcomes),
        [
            Some((Code::MessageRejected, Some(Delivery::NotSent))),
            Some((Code::RecipientRejected, Some(Delivery::NotSent))),
            None,
            Some((Code::LimitExceeded, Some(Delivery::NotSent))),
            None,
            Some((Code::NoRecipients, Some(Delivery::NotSent))),
        ]
    );
    client.close().await;
    server.finished().await;
}

#[tokio::test]
async fn cut_at_every_octet_of_a_flight_nothing_is_lost_or_doubled() {
    // Replies to the second flight: that to message 0, then those to the envelope of message 1.
    let replies = "250 queued\r\n250 ok\r\n250 ok\r\n354 go\r\n";
    // All but the last: after the whole 354 it is a race whether the next message is on its way before the end is seen.
    for said in 0..replies.len() {
        let (tell, told) = std::sync::mpsc::channel();
        let server = Mock::each(None, async move |number, mut peer| {
            hello(&mut peer).await;
            let first = begun(&mut peer).await;
            if number > 0 {
                // What is left comes over a new connection, in the ordinary way.
                tell.send(finish(peer, first).await).unwrap();
                return;
            }
            while peer.receive_line().await != "." {}
            for _ in 0..3 {
                peer.receive_line().await;
            }
            peer.send(&replies[..said]).await;
            peer.close().await;
        });
        let client = client(&server).await;
        let outcomes = all(series(&client, messages(2), Duration::ZERO), &call()).await;
        let known = said >= "250 queued\r\n".len();
        let expected = if known { None } else { Some((Code::ConnectionLost, Some(Delivery::Unknown))) };
        assert_eq!(codes(&outcomes), [expected, None], "after {said} octets");
        client.close().await;
        let again = told.recv_timeout(Duration::from_secs(5)).unwrap();
        assert_eq!(again, ["r1@example.com"], "after {said} octets");
    }
}

async fn hello(peer: &mut Peer) {
    peer.send("220 hi\r\n").await;
    peer.receive_line().await;
    peer.send("250-mail\r\n250 PIPELINING\r\n").await;
}

/// The recipient of the envelope.
async fn begun(peer: &mut Peer) -> String {
    assert!(peer.receive_line().await.starts_with("MAIL"));
    let recipient = peer.receive_line().await;
    peer.receive("DATA\r\n").await;
    peer.send("250 ok\r\n250 ok\r\n354 go\r\n").await;
    recipient.trim_start_matches("RCPT TO:<").trim_end_matches('>').to_owned()
}

/// Whose messages came to an end.
async fn finish(mut peer: Peer, first: String) -> Vec<String> {
    let mut recipients = vec![first];
    let mut ended = Vec::new();
    while let Some(line) = peer.try_receive_line().await {
        match line.split([' ', ':']).next().unwrap() {
            "." => {
                ended.push(recipients.pop().unwrap());
                peer.send("250 queued\r\n").await;
            }
            "RCPT" => recipients.push(line.trim_start_matches("RCPT TO:<").trim_end_matches('>').to_owned()),
            "DATA" => peer.send("250 ok\r\n250 ok\r\n354 go\r\n").await,
            "QUIT" => break,
            _ => {}
        }
    }
    ended
}

#[tokio::test]
async fn the_loop_may_use_the_client_though_it_has_one_connection() {
    let connections = Arc::new(AtomicUsize::new(0));
    let counted = connections.clone();
    let server = Mock::each(None, async move |_, mut peer| {
        counted.fetch_add(1, Ordering::SeqCst);
        hello(&mut peer).await;
        friendly(&mut peer).await;
    });
    let mut options = options(&server, Security::None);
    options.pool = PoolOptions { max_connections: Some(1), ..Default::default() };
    let client = Client::connect(options, &call()).await.unwrap();
    let mut series = series(&client, messages(5), Duration::ZERO);
    let mut count = 0;
    while let Some(outcome) = series.next(&call()).await.unwrap() {
        outcome.result.unwrap();
        // At once, not only when the envelope said ahead has been given up anyway.
        let soon = within(Duration::from_millis(800));
        client.send(to_bob(), raw("from within the loop"), SendOptions::default(), &soon).await.unwrap();
        count += 1;
    }
    assert_eq!(count, 5);
    // Robbed of its envelope once, the series does not say one ahead again.
    assert_eq!(connections.load(Ordering::SeqCst), 2);
    client.close().await;
}

/// Takes everything; tells what the last line was when the client hangs up.
async fn friendly(peer: &mut Peer) -> Option<String> {
    let mut last = None;
    while let Some(line) = peer.try_receive_line().await {
        let reply = match line.split([' ', ':']).next().unwrap() {
            "MAIL" | "RCPT" | "." => "250 ok\r\n",
            "DATA" => "354 go\r\n",
            "QUIT" => "221 bye\r\n",
            _ => "",
        };
        last = Some(line);
        if peer.try_send(reply).await.is_err() {
            break;
        }
    }
    last
}

#[tokio::test]
async fn an_abandoned_envelope_is_dropped_though_others_stay_idle() {
    let (tell, mut told) = mpsc::unbounded_channel();
    let server = Mock::each(None, async move |_, mut peer| {
        hello(&mut peer).await;
        tell.send(friendly(&mut peer).await).unwrap();
    });
    let client = client(&server).await;
    // Two idle connections, and somebody who watches over them with another time in mind.
    let (one, other) = tokio::join!(send(&client, &["a@b"], "x"), send(&client, &["a@b"], "x"));
    one.and(other).unwrap();
    tokio::task::yield_now().await;
    let mut series = series(&client, messages(2), Duration::ZERO);
    series.next(&call()).await.unwrap().unwrap().result.unwrap();
    let last = tokio::time::timeout(Duration::from_secs(5), told.recv()).await.unwrap().unwrap();
    assert_eq!(last.as_deref(), Some("DATA"), "no dot, and no QUIT that would be a line of the message");
    client.close().await;
}

#[tokio::test]
async fn an_envelope_whose_message_is_never_asked_for_is_dropped() {
    let transcript = [HELLO.to_owned(), mail(0) + TAKEN, text(0) + &mail(1) + "S: 250 queued\n" + TAKEN + "X: eof"];
    let server = server(transcript.concat());
    let client = client(&server).await;
    let mut series = series(&client, messages(2), Duration::ZERO);
    series.next(&call()).await.unwrap().unwrap().result.unwrap();
    // Within a second the connection is gone; no dot, no QUIT that would be a line of the message.
    server.finished().await;
    client.close().await;
}

#[tokio::test]
async fn the_interval_is_held() {
    let transcript = [
        HELLO.to_owned(),
        mail(0) + TAKEN + &text(0) + "S: 250 queued\n",
        mail(1) + TAKEN + &text(1) + "S: 250 queued\n",
        mail(2) + TAKEN + &text(2) + "S: 250 queued\n" + QUIT,
    ];
    let server = server(transcript.concat());
    let client = client(&server).await;
    let start = clock::now();
    let outcomes = all(series(&client, messages(3), Duration::from_millis(150)), &call()).await;
    assert_eq!(codes(&outcomes), [None, None, None]);
    assert!(clock::now() - start >= Duration::from_millis(300));
    client.close().await;
    server.finished().await;
}

#[tokio::test]
async fn an_abort_between_two_messages_leaves_the_rest_for_later() {
    let transcript = [
        HELLO.to_owned(),
        mail(0) + TAKEN + &text(0) + "S: 250 queued\n",
        mail(1) + TAKEN + &text(1) + "S: 250 queued\n" + QUIT,
    ];
    let server = server(transcript.concat());
    let client = client(&server).await;
    let mut series = series(&client, messages(2), Duration::from_millis(100));
    series.next(&call()).await.unwrap().unwrap().result.unwrap();
    let (aborted, cancel) = abortable();
    cancel.cancel();
    assert_failed(series.next(&aborted).await, Code::Aborted, None);
    assert_eq!(series.index(), 1);
    series.next(&call()).await.unwrap().unwrap().result.unwrap();
    assert!(series.next(&call()).await.unwrap().is_none());
    client.close().await;
    assert_eq!(series.index(), 2);
    server.finished().await;
}

#[tokio::test]
async fn what_is_said_ahead_counts_against_the_limit() {
    let transcript = [
        HELLO.to_owned(),
        mail(0) + TAKEN,
        text(0) + &mail(1) + "S: 250 queued\n" + TAKEN,
        text(1) + "S: 250 queued\n" + QUIT,
    ];
    let server = server(transcript.concat());
    let mut limited = options(&server, Security::None);
    limited.rate_limit = Some(RateLimit { messages: 2, per_ms: 3_600_000 });
    let client = Client::connect(limited, &call()).await.unwrap();
    let outcomes = all(series(&client, messages(4), Duration::ZERO), &call()).await;
    let limited = Some((Code::RateLimited, Some(Delivery::NotSent)));
    assert_eq!(codes(&outcomes), [None, None, limited, limited]);
    let failure = outcomes[3].result.as_ref().unwrap_err();
    assert!(failure.retry_after.unwrap() > Duration::from_secs(3500));
    client.close().await;
    server.finished().await;
}

#[tokio::test]
async fn a_message_in_the_making_is_waited_for_and_not_lost_when_the_wait_is_given_up() {
    let transcript = [
        HELLO.to_owned(),
        mail(0) + TAKEN,
        text(0) + &mail(1) + "S: 250 queued\n" + TAKEN,
        text(1) + "S: 250 queued\n" + QUIT,
    ];
    let server = server(transcript.concat());
    let client = client(&server).await;
    let (sender, receiver) = mpsc::channel(2);
    let mut made = Vec::new();
    for number in 0..2 {
        let (ready, making) = tokio::sync::oneshot::channel::<Item>();
        sender.try_send(Box::pin(async move { making.await.unwrap() })).ok().unwrap();
        made.push((ready, number));
    }
    drop(sender);
    let mut series = client.send_many(receiver, SendOptions::default(), Duration::ZERO);
    let soon = within(Duration::from_millis(50));
    assert_failed(series.next(&soon).await, Code::Timeout, None);
    let (first, _) = made.remove(0);
    first.send(Ok(message(0))).ok().unwrap();
    // The second is ready only after the first is asked for; its envelope travels with the text of the first.
    let (second, _) = made.remove(0);
    let later = async {
        clock::sleep(Duration::from_millis(100)).await;
        second.send(Ok(message(1))).ok().unwrap();
    };
    let call = call();
    let (outcome, ()) = tokio::join!(series.next(&call), later);
    outcome.unwrap().unwrap().result.unwrap();
    series.next(&call).await.unwrap().unwrap().result.unwrap();
    assert!(series.next(&call).await.unwrap().is_none());
    client.close().await;
    server.finished().await;
}
