//! One grant under several token sources: of one process, and of two.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::sync::Arc;
use std::time::Duration;

use email_base::{Call, Secret};
use email_oauth::{NoStore, TokenSet};
use serde_json::json;
use support::row::{Row, named, source, token};
use support::{World, token_set};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

#[tokio::test]
async fn two_sources_of_one_grant_make_one_request_and_each_saves() {
    let world = World::start().await;
    let stored = token_set(-10);
    let (one, two) = (Row::holding(&stored), Row::holding(&stored));
    let first = source(&world.microsoft(), stored.clone(), &one);
    let second = source(&world.microsoft(), stored.clone(), &two);
    let (a, b) = tokio::join!(token(&first), token(&second));
    assert_eq!((a.unwrap(), b.unwrap()), ("canary-access-1".to_owned(), "canary-access-1".to_owned()));
    assert_eq!(world.token_requests().len(), 1);
    assert_eq!((one.saves().len(), two.saves().len()), (1, 1));
    // A third, made from the set that was stored before, finds its way to the same grant.
    let third = world.microsoft().token_source(stored, Arc::new(NoStore)).unwrap();
    assert_eq!(token(&third).await.unwrap(), "canary-access-1");
    assert_eq!(world.token_requests().len(), 1);
}

#[tokio::test]
async fn grants_of_other_apps_are_not_mixed() {
    let world = World::start().await;
    let mine = world.microsoft().token_source(token_set(-10), Arc::new(NoStore)).unwrap();
    let other = world.microsoft_with(json!({"clientId": "another-app"}));
    let theirs = other.token_source(token_set(-10), Arc::new(NoStore)).unwrap();
    let graph = TokenSet { scopes: vec!["https://graph.microsoft.com/User.Read".to_owned()], ..token_set(-10) };
    let graph = world.microsoft().token_source(graph, Arc::new(NoStore)).unwrap();
    for source in [&mine, &theirs, &graph] {
        token(source).await.unwrap();
    }
    let sent = world.token_requests();
    assert_eq!(sent.len(), 3);
    assert!(sent[0]["scope"].contains("https://outlook.office.com/SMTP.Send"));
    assert!(sent[2]["scope"].ends_with(" https://graph.microsoft.com/User.Read"), "{}", sent[2]["scope"]);
    assert!(!sent[2]["scope"].contains("outlook"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_that_race_on_a_rotating_token_both_go_on() {
    const RUNS: usize = 200;
    let world = World::start().await;
    // Another secret makes another process of it: nothing is shared but the server and the row.
    let (here, there) = (world.microsoft(), world.microsoft_with(json!({"clientSecret": "canary-secret-2"})));
    let mut runs = JoinSet::new();
    for run in 0..RUNS {
        let chain = format!("canary-refresh-race{run}");
        world.answers.lock().unwrap().strict.insert(chain.clone(), 0);
        let set =
            TokenSet { refresh_token: Some(Secret::new(format!("{chain}-0"))), ..named(&format!("race{run}"), -10) };
        let row = Row::holding(&set);
        let (a, b) = (source(&here, set.clone(), &row), source(&there, set, &row));
        runs.spawn(async move {
            let patient = Call::new(Duration::from_secs(120), CancellationToken::new());
            let (a, b) = tokio::join!(a.access_token(&patient), b.access_token(&patient));
            let (a, b) = (a.unwrap(), b.unwrap());
            a.expose().contains(&chain) && b.expose().contains(&chain)
        });
    }
    assert_eq!(runs.join_all().await.into_iter().filter(|live| *live).count(), RUNS);
}
