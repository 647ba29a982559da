//! A short pause that the token endpoint asks for is made inside the call, once; a longer one is told.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::sync::Arc;
use std::time::Duration;

use email_base::{AccessTokens, Call, Classify, Code, Secret, clock};
use email_oauth::NoStore;
use serde_json::json;
use support::row::{named, token};
use support::{Reply, World, call, callback, clean, pending};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// What a call takes that does not wait for two seconds, on a machine that is busy.
const WITHOUT_A_PAUSE: Duration = Duration::from_millis(1900);

fn busy(status: u16, seconds: &str) -> Reply {
    Reply::new(status, "text/html", "busy").header("retry-after", seconds)
}

fn busy_entra(seconds: &str) -> Reply {
    Reply::error(429, "temporarily_unavailable", 90055).header("retry-after", seconds)
}

fn held() -> Secret {
    Secret::from("canary-refresh")
}

#[tokio::test]
async fn a_short_pause_is_waited_out_and_the_same_request_sent_again() {
    let world = World::start().await;
    let client = world.microsoft();
    for reply in [
        busy(429, "1"),
        busy_entra("1"),
        busy(503, "1"),
        Reply::error(503, "server_error", 90033).header("retry-after", "0"),
    ] {
        let before = world.token_requests().len();
        let zero = reply.headers.iter().any(|(_, value)| value == "0");
        world.next(reply);
        let began = clock::now();
        client.refresh(&held(), None, &call()).await.unwrap();
        assert!(zero || began.elapsed() >= Duration::from_millis(990), "{:?}", began.elapsed());
        let sent = world.token_requests().split_off(before);
        assert_eq!(sent.len(), 2);
        assert_eq!((&sent[0], sent[0]["refresh_token"].as_str()), (&sent[1], "canary-refresh"));
    }
}

#[tokio::test]
async fn a_code_is_redeemed_by_the_second_request() {
    let world = World::start().await;
    let client = world.microsoft();
    let pending = pending(&client);
    world.give_id_token(world.key.sign(&world.claims(&pending)));
    world.next(busy_entra("1"));
    let redeemed = client.redeem(&callback(&pending), &pending, &call()).await.unwrap();
    assert!(redeemed.identity.is_some());
    let sent = world.token_requests();
    assert_eq!((sent.len(), sent[0]["code"].as_str(), &sent[0]), (2, "canary-code", &sent[1]));
}

#[tokio::test]
async fn an_app_and_a_profile_wait_as_well() {
    let world = World::start().await;
    world.at("/me", Reply::json(200, &json!({"id": "1"})));
    world.next(busy(429, "0"));
    world.microsoft().profile(&held(), &call()).await.unwrap();
    world.next(busy(429, "0"));
    world.microsoft_with(json!({"tenant": support::TENANT})).client_credentials(None, &call()).await.unwrap();
    assert_eq!(world.token_requests().len(), 4);
}

#[tokio::test]
async fn who_is_turned_away_twice_is_told() {
    let world = World::start().await;
    for _ in 0..2 {
        world.next(busy_entra("1"));
    }
    let error = world.microsoft().refresh(&held(), None, &call()).await.unwrap_err();
    clean(&error, &[]);
    assert_eq!((error.code(), error.retry_after()), (Code::RateLimited, Some(Duration::from_secs(1))));
    assert_eq!(world.token_requests().len(), 2);
}

#[tokio::test]
async fn everything_else_is_told_at_once() {
    let world = World::start().await;
    let client = world.microsoft();
    for (name, reply, code) in [
        ("longer", busy(429, "3"), Code::RateLimited),
        ("longer, in JSON", busy_entra("3"), Code::RateLimited),
        ("no wish", Reply::new(429, "text/html", ""), Code::RateLimited),
        ("no wish of a busy one", Reply::new(503, "text/html", ""), Code::ServerUnavailable),
        // What it did before it broke is not known.
        ("broken", busy(500, "2"), Code::ServerUnavailable),
        ("a gateway's", busy(502, "2"), Code::ServerUnavailable),
        ("dead", Reply::error(503, "invalid_grant", 50173).header("retry-after", "2"), Code::InvalidGrant),
        (
            "dead, as it should be",
            Reply::error(400, "invalid_grant", 50173).header("retry-after", "2"),
            Code::InvalidGrant,
        ),
    ] {
        let before = world.token_requests().len();
        world.next(reply);
        let began = clock::now();
        assert_eq!(client.refresh(&held(), None, &call()).await.unwrap_err().code(), code, "{name}");
        assert!(began.elapsed() < WITHOUT_A_PAUSE, "{name}");
        assert_eq!(world.token_requests().len(), before + 1, "{name}");
    }
}

#[tokio::test]
async fn a_deadline_that_comes_first_is_not_waited_for() {
    let world = World::start().await;
    world.next(busy(429, "2"));
    let short = Call::new(Duration::from_millis(1900), CancellationToken::new());
    let error = world.microsoft().refresh(&held(), None, &short).await.unwrap_err();
    // Who had waited would have been told TIMEOUT.
    assert_eq!((error.code(), error.retry_after()), (Code::RateLimited, Some(Duration::from_secs(2))));
}

#[tokio::test]
async fn an_abort_ends_the_pause_and_nothing_more_is_sent() {
    let world = World::start().await;
    let client = world.microsoft();
    world.next(busy(429, "2"));
    let cancel = CancellationToken::new();
    let aborted = Call::new(Duration::from_secs(20), cancel.clone());
    let began = clock::now();
    let token = held();
    let (outcome, ()) = tokio::join!(client.refresh(&token, None, &aborted), async {
        while world.token_requests().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        cancel.cancel();
    });
    assert_eq!(outcome.unwrap_err().code(), Code::Aborted);
    assert!(began.elapsed() < WITHOUT_A_PAUSE);
    tokio::time::sleep(Duration::from_millis(2200)).await;
    assert_eq!(world.token_requests().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_of_one_source_and_of_one_grant_share_the_pause() {
    let world = World::start().await;
    let client = world.microsoft();
    world.next(busy_entra("2"));
    // One set: made twice, they would differ where a millisecond ends between them, and be two grants.
    let held = named("shared", -10);
    let sources = [0, 1].map(|_| client.token_source(held.clone(), Arc::new(NoStore)).unwrap());
    let mut callers = JoinSet::new();
    for n in 0..40 {
        let source = sources[n % 2].clone();
        callers.spawn(async move { token(&source).await.unwrap() });
    }
    let cancel = CancellationToken::new();
    let impatient = Call::new(Duration::from_secs(20), cancel.clone());
    let (aborted, ()) = tokio::join!(sources[0].access_token(&impatient), async {
        while world.token_requests().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        cancel.cancel();
    });
    assert_eq!(aborted.unwrap_err().code(), Code::Aborted);
    assert_eq!(callers.join_all().await, ["canary-access-1"; 40]);
    assert_eq!(world.token_requests().len(), 2);
}

#[tokio::test]
async fn nobody_waits_while_the_held_token_is_good() {
    let world = World::start().await;
    world.next(busy(429, "2"));
    let source = world.microsoft().token_source(named("good", 60), Arc::new(NoStore)).unwrap();
    let began = clock::now();
    assert_eq!(token(&source).await.unwrap(), "canary-access-good");
    assert!(began.elapsed() < WITHOUT_A_PAUSE);
    assert_eq!(world.token_requests().len(), 1);
}

#[tokio::test]
async fn a_refused_token_is_worth_a_pause() {
    let world = World::start().await;
    world.next(busy(429, "1"));
    let source = world.microsoft().token_source(named("refused", 1800), Arc::new(NoStore)).unwrap();
    let next = source.refused(&Secret::from("canary-access-refused")).await.unwrap();
    assert_eq!(next.unwrap().expose(), "canary-access-1");
}

#[tokio::test]
async fn a_source_tells_a_caller_without_time_how_long_it_takes() {
    let world = World::start().await;
    world.next(busy(429, "2"));
    let source = world.microsoft().token_source(named("hurried", -10), Arc::new(NoStore)).unwrap();
    let short = Call::new(Duration::from_millis(1900), CancellationToken::new());
    let error = source.access_token(&short).await.unwrap_err();
    assert_eq!((error.code(), error.retry_after()), (Code::RateLimited, Some(Duration::from_secs(2))));
}
