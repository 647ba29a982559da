//! The token source under everything that makes mailboxes die silently: outages, stores that fail, races with other
//! processes.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use email_base::{AccessTokens, Call, Classify, Code, FixedToken, Secret, Timestamp};
use email_oauth::{IsoTime, NoStore, StoreFuture, TokenSet, TokenStore};
use serde_json::json;
use support::row::{Row, named, source, token};
use support::{Reply, World, call, clean, token_set};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

async fn advance(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_callers_make_one_request() {
    let world = World::start().await;
    let row = Row::holding(&token_set(-10));
    let source = source(&world.microsoft(), token_set(-10), &row);
    let mut callers = JoinSet::new();
    for _ in 0..100 {
        let source = source.clone();
        callers.spawn(async move { token(&source).await.unwrap() });
    }
    assert!(callers.join_all().await.iter().all(|token| token == "canary-access-1"));
    assert_eq!(world.token_requests().len(), 1);
    assert_eq!(row.saves(), [("canary-access-1".to_owned(), "canary-access-0".to_owned())]);
    assert_eq!(source.token_set().refresh_token.unwrap().expose(), "canary-refresh-1");
}

#[tokio::test]
async fn a_token_is_renewed_a_while_before_its_end_and_not_sooner() {
    let world = World::start().await;
    let client = world.microsoft();
    let fresh = client.token_source(named("f", 1800), Arc::new(NoStore)).unwrap();
    assert_eq!(token(&fresh).await.unwrap(), "canary-access-f");
    assert!(world.token_requests().is_empty());
    let due = client.token_source(named("d", 100), Arc::new(NoStore)).unwrap();
    assert_eq!(token(&due).await.unwrap(), "canary-access-1");
    // Lives of seconds, as tests have them, leave a margin of a tenth.
    let mut short = named("s", 3);
    short.obtained_at = IsoTime::from_unix_ms(short.expires_at.unix_ms() - 5000);
    let short = client.token_source(short, Arc::new(NoStore)).unwrap();
    assert_eq!(token(&short).await.unwrap(), "canary-access-s");
}

#[tokio::test]
async fn the_end_of_a_token_is_told_of_the_held_one_alone() {
    let world = World::start().await;
    let client = world.microsoft();
    let held = named("h", 100);
    let end = held.expires_at.unix_ms();
    let old = held.access_token.clone();
    let source = client.token_source(held, Arc::new(NoStore)).unwrap();
    assert_eq!(source.expires_at(&old), Some(Timestamp(end)));
    let new = source.current().await.unwrap();
    assert_ne!(new, old);
    assert_eq!(source.expires_at(&old), None);
    assert_eq!(source.expires_at(&new), Some(Timestamp(source.token_set().expires_at.unix_ms())));
    assert_eq!(FixedToken(old.clone()).expires_at(&old), None);
}

#[tokio::test]
async fn an_outage_before_the_end_does_no_harm_and_is_no_storm() {
    let world = World::start().await;
    world.at("/token", Reply::new(503, "text/html", "busy"));
    let source = world.microsoft().token_source(token_set(60), Arc::new(NoStore)).unwrap();
    for _ in 0..50 {
        assert_eq!(token(&source).await.unwrap(), "canary-access-0");
    }
    assert_eq!(world.token_requests().len(), 1);
}

#[tokio::test]
async fn one_failure_does_not_keep_a_mailbox_out_when_the_provider_is_back() {
    let world = World::start().await;
    world.next(Reply::new(503, "text/html", "busy"));
    let source = world.microsoft().token_source(token_set(-10), Arc::new(NoStore)).unwrap();
    assert_eq!(token(&source).await.unwrap_err().code(), Code::ServerUnavailable);
    assert_eq!(token(&source).await.unwrap(), "canary-access-1");
    assert_eq!(world.token_requests().len(), 2);
}

#[tokio::test]
async fn a_set_obtained_anew_is_a_grant_of_its_own_though_its_refresh_token_is_the_same() {
    let world = World::start().await;
    let before = token_set(-10);
    let first = world.microsoft().token_source(before.clone(), Arc::new(NoStore)).unwrap();
    assert_eq!(token(&first).await.unwrap(), "canary-access-1");
    // Somebody else's row, or the same user linked again: nothing of the first one's is theirs.
    let mut anew = before.clone();
    anew.obtained_at = anew.obtained_at.plus_seconds(1);
    world.next(Reply::json(400, &json!({"error": "invalid_grant", "error_codes": [50173]})));
    let second = world.microsoft().token_source(anew, Arc::new(NoStore)).unwrap();
    assert_eq!(token(&second).await.unwrap_err().code(), Code::InvalidGrant);
    // The very row is the grant itself, also after it was renewed.
    let third = world.microsoft().token_source(before, Arc::new(NoStore)).unwrap();
    assert_eq!(token(&third).await.unwrap(), "canary-access-1");
    assert_eq!(world.token_requests().len(), 2);
}

#[tokio::test]
async fn retry_after_is_honoured() {
    let world = World::start().await;
    world.next(Reply::json(429, &json!({"error": "temporarily_unavailable"})).header("retry-after", "120"));
    let source = world.microsoft().token_source(token_set(-10), Arc::new(NoStore)).unwrap();
    let first = token(&source).await.unwrap_err();
    assert_eq!((first.code(), first.retry_after()), (Code::RateLimited, Some(Duration::from_secs(120))));
    for _ in 0..50 {
        let error = token(&source).await.unwrap_err();
        clean(&*error, &[]);
        assert_eq!((error.code(), error.retryable()), (Code::RateLimited, true));
        assert!(error.retry_after().is_some_and(|wait| wait > Duration::from_secs(100)), "{error}");
    }
    advance(Duration::from_secs(60)).await;
    assert!(token(&source).await.is_err());
    assert_eq!(world.token_requests().len(), 1);
    advance(Duration::from_secs(61)).await;
    assert_eq!(token(&source).await.unwrap(), "canary-access-1");
    assert_eq!(world.token_requests().len(), 2);
}

#[tokio::test]
async fn pauses_grow_through_an_outage() {
    let world = World::start().await;
    world.at("/token", Reply::new(500, "text/plain", ""));
    let source = world.microsoft().token_source(token_set(-10), Arc::new(NoStore)).unwrap();
    // An hour of a client that asks every second.
    for _ in 0..3600 {
        assert!(token(&source).await.is_err());
        advance(Duration::from_secs(1)).await;
    }
    let asked = world.token_requests().len();
    assert!((5..200).contains(&asked), "{asked} requests in an hour");
}

#[tokio::test]
async fn what_cannot_be_saved_is_given_to_nobody_and_saved_by_the_next_call() {
    let world = World::start().await;
    let row = Row::holding(&token_set(60));
    // The old token is still good, and yet: a rotation that is not saved kills the mailbox later, unseen.
    let source = source(&world.microsoft(), token_set(60), &row);
    *row.fail_save.lock().unwrap() =
        Some("UPDATE … SET refresh = 'canary-refresh-1', access = 'canary-access-1'".to_owned());
    for _ in 0..3 {
        let error = token(&source).await.unwrap_err();
        let seen = clean(&*error, &[]);
        assert!(seen.contains("`save` of the token source failed"), "{seen}");
        assert_eq!((error.code(), error.retryable()), (Code::CallbackFailed, true));
        assert_eq!(source.token_set().access_token.expose(), "canary-access-0");
    }
    assert_eq!(world.token_requests().len(), 1, "the token that is known is tried again, not another one fetched");
    *row.fail_save.lock().unwrap() = None;
    assert_eq!(token(&source).await.unwrap(), "canary-access-1");
    assert_eq!(row.saves(), [("canary-access-1".to_owned(), "canary-access-0".to_owned())]);
    assert_eq!(world.token_requests().len(), 1);
}

#[tokio::test]
async fn a_store_that_panics_takes_nobody_down() {
    let world = World::start().await;
    let row = Row::holding(&token_set(-10));
    let source = source(&world.microsoft(), token_set(-10), &row);
    *row.panics.lock().unwrap() = true;
    assert_eq!(token(&source).await.unwrap_err().code(), Code::Internal);
    *row.panics.lock().unwrap() = false;
    assert_eq!(token(&source).await.unwrap(), "canary-access-1");
}

#[tokio::test]
async fn a_store_that_never_settles_is_given_up() {
    struct Stuck;
    impl TokenStore for Stuck {
        fn save<'a>(&'a self, _: &'a TokenSet, _: &'a TokenSet) -> StoreFuture<'a, ()> {
            Box::pin(async {
                // From here on nothing but time happens, so it may fly.
                tokio::time::pause();
                std::future::pending().await
            })
        }
    }
    let world = World::start().await;
    let source = world.microsoft().token_source(token_set(-10), Arc::new(Stuck)).unwrap();
    let patient = Call::new(Duration::from_secs(3600), CancellationToken::new());
    let error = source.access_token(&patient).await.unwrap_err();
    assert_eq!(error.code(), Code::CallbackFailed);
}

#[tokio::test]
async fn what_another_process_stored_is_taken_without_a_request() {
    let world = World::start().await;
    let row = Row::holding(&named("theirs", 3600));
    let source = source(&world.microsoft(), token_set(60), &row);
    assert_eq!(token(&source).await.unwrap(), "canary-access-theirs");
    assert!(world.token_requests().is_empty());
    assert!(row.saves().is_empty(), "it came from there");
}

#[tokio::test]
async fn an_older_stored_set_is_not_taken() {
    let world = World::start().await;
    let mut old = named("old", 3600);
    old.obtained_at = IsoTime::from_unix_ms(0);
    let row = Row::holding(&old);
    let source = source(&world.microsoft(), token_set(60), &row);
    assert_eq!(token(&source).await.unwrap(), "canary-access-1");
}

#[tokio::test]
async fn load_is_asked_before_invalid_grant_is_believed() {
    let world = World::start().await;
    let row = Row::holding(&token_set(-10));
    let source = source(&world.microsoft(), token_set(-10), &row);
    world.next(Reply::error(400, "invalid_grant", 70000));
    // The first load, before the refresh, still sees the old set; the winner saves meanwhile.
    *row.later.lock().unwrap() = Some((2, named("winner", 3600)));
    assert_eq!(token(&source).await.unwrap(), "canary-access-winner");
    assert_eq!(world.token_requests().len(), 1);
}

#[tokio::test]
async fn a_winner_that_is_still_saving_is_waited_for() {
    let world = World::start().await;
    let row = Row::holding(&token_set(-10));
    let source = source(&world.microsoft(), token_set(-10), &row);
    world.next(Reply::error(400, "invalid_grant", 70000));
    *row.stop_clock_at.lock().unwrap() = Some(2);
    *row.later.lock().unwrap() = Some((4, named("winner", 3600)));
    assert_eq!(token(&source).await.unwrap(), "canary-access-winner");
}

#[tokio::test]
async fn a_stored_grant_whose_access_token_has_ended_is_renewed() {
    let world = World::start().await;
    let row = Row::holding(&token_set(-10));
    let source = source(&world.microsoft(), token_set(-10), &row);
    world.next(Reply::error(400, "invalid_grant", 70000));
    *row.later.lock().unwrap() = Some((2, named("ended", -5)));
    assert_eq!(token(&source).await.unwrap(), "canary-access-1");
    let sent: Vec<String> = world.token_requests().into_iter().map(|form| form["refresh_token"].clone()).collect();
    assert_eq!(sent, ["canary-refresh-0", "canary-refresh-ended"]);
}

#[tokio::test]
async fn a_dead_grant_is_told_and_not_stormed_for() {
    let world = World::start().await;
    let row = Row::holding(&token_set(-10));
    let source = source(&world.microsoft(), token_set(-10), &row);
    world.at("/token", Reply::error(400, "invalid_grant", 70008));
    *row.stop_clock_at.lock().unwrap() = Some(2);
    let error = token(&source).await.unwrap_err();
    tokio::time::resume();
    clean(&*error, &[]);
    assert_eq!((error.code(), error.retryable(), error.action().as_str()), (Code::InvalidGrant, false, "reauthorize"));
    assert_eq!(world.token_requests().len(), 1);
    for _ in 0..50 {
        assert_eq!(token(&source).await.unwrap_err().code(), Code::InvalidGrant);
    }
    assert_eq!(world.token_requests().len(), 1);
    // The user links the mailbox again, in another process: the source goes on.
    row.put(named("relinked", 3600));
    assert_eq!(token(&source).await.unwrap(), "canary-access-relinked");
}

#[tokio::test]
async fn a_grant_is_not_dead_while_the_store_cannot_be_asked() {
    let world = World::start().await;
    let row = Row::holding(&token_set(-10));
    let source = source(&world.microsoft(), token_set(-10), &row);
    *row.fail_load.lock().unwrap() = true;
    world.next(Reply::error(400, "invalid_grant", 70000));
    let error = token(&source).await.unwrap_err();
    clean(&*error, &[]);
    assert_eq!((error.code(), error.retryable()), (Code::CallbackFailed, true));
}

#[tokio::test]
async fn a_store_that_invents_tokens_ends() {
    struct Inventive(Mutex<u32>);
    impl TokenStore for Inventive {
        fn load(&self) -> StoreFuture<'_, Option<TokenSet>> {
            Box::pin(async {
                let mut n = self.0.lock().unwrap();
                *n += 1;
                Ok(Some(named(&format!("invented-{n}"), -5)))
            })
        }
    }
    let world = World::start().await;
    world.at("/token", Reply::error(400, "invalid_grant", 70000));
    let source = world.microsoft().token_source(token_set(-10), Arc::new(Inventive(Mutex::new(0)))).unwrap();
    assert_eq!(token(&source).await.unwrap_err().code(), Code::InvalidGrant);
    assert!(world.token_requests().len() <= 5, "{}", world.token_requests().len());
}

#[tokio::test]
async fn an_abort_of_one_waiter_is_nobody_elses() {
    let world = World::start().await;
    let source = world.microsoft().token_source(token_set(-10), Arc::new(NoStore)).unwrap();
    let cancel = CancellationToken::new();
    let aborted = Call::new(Duration::from_secs(20), cancel.clone());
    let other = call();
    let (first, second, ()) = tokio::join!(source.access_token(&aborted), source.access_token(&other), async {
        cancel.cancel();
    });
    assert_eq!(first.unwrap_err().code(), Code::Aborted);
    assert_eq!(second.unwrap().expose(), "canary-access-1");
    // Nor does dropping the only waiter lose the rotation.
    let source = world.microsoft().token_source(named("dropped", -10), Arc::new(NoStore)).unwrap();
    let asked = call();
    let mut waiting = Box::pin(source.access_token(&asked));
    assert!(futures_poll_once(&mut waiting).await.is_none());
    drop(waiting);
    while source.token_set().access_token.expose() == "canary-access-dropped" {
        tokio::task::yield_now().await;
    }
    assert_eq!(world.token_requests().len(), 2);
}

async fn futures_poll_once<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    std::future::poll_fn(|context| {
        std::task::Poll::Ready(match std::pin::Pin::new(&mut *future).poll(context) {
            std::task::Poll::Ready(value) => Some(value),
            std::task::Poll::Pending => None,
        })
    })
    .await
}

#[tokio::test]
async fn a_refused_token_is_replaced_once() {
    let world = World::start().await;
    let row = Row::holding(&token_set(1800));
    let source = source(&world.microsoft(), token_set(1800), &row);
    let tokens: Arc<dyn AccessTokens> = Arc::new(source.clone());
    let held = tokens.current().await.unwrap();
    assert_eq!(held.expose(), "canary-access-0");
    let next = tokens.refused(&held).await.unwrap().unwrap();
    assert_eq!(next.expose(), "canary-access-1");
    assert_eq!(row.saves().len(), 1);
    // A second client that still holds the first one is given the new one.
    assert_eq!(tokens.refused(&held).await.unwrap().unwrap(), next);
    // The server refuses every token: that is not the token's fault.
    assert!(tokens.refused(&next).await.unwrap().is_none());
    assert_eq!(world.token_requests().len(), 1);
    advance(Duration::from_secs(31)).await;
    assert_eq!(tokens.refused(&next).await.unwrap().unwrap().expose(), "canary-access-2");
}

/// A grant's access tokens were revoked: every connection meets it in one moment, and new ones are opened meanwhile.
#[tokio::test]
async fn a_refusal_that_many_meet_at_once_is_one_renewal_for_all() {
    let world = World::start().await;
    let row = Row::holding(&token_set(1800));
    let source = source(&world.microsoft(), token_set(1800), &row);
    let held = source.current().await.unwrap();
    let (first, second, anew) = tokio::join!(source.refused(&held), source.refused(&held), source.current());
    for next in [first.unwrap(), second.unwrap(), Some(anew.unwrap())] {
        assert_eq!(next.expect("another token to try").expose(), "canary-access-1");
    }
    assert_eq!(world.token_requests().len(), 1);
}

#[tokio::test]
async fn tokens_of_the_app_itself_are_renewed_by_its_credentials() {
    let world = World::start().await;
    let client = world.microsoft();
    let scope = "https://outlook.office365.com/.default".to_owned();
    let app_only =
        |life| TokenSet { refresh_token: None, id_token: None, scopes: vec![scope.clone()], ..token_set(life) };
    let source = client.token_source(app_only(-5), Arc::new(NoStore)).unwrap();
    assert_eq!(token(&source).await.unwrap(), "canary-access-1");
    let refused = Secret::from("canary-access-1");
    assert_eq!(source.refused(&refused).await.unwrap().unwrap().expose(), "canary-access-2");
    for request in world.token_requests() {
        assert_eq!((request["grant_type"].as_str(), &request["scope"]), ("client_credentials", &scope));
    }
}

#[tokio::test]
async fn a_refusal_while_the_provider_is_busy_is_not_the_last_word() {
    let world = World::start().await;
    world.next(Reply::error(429, "temporarily_unavailable", 90055));
    let source = world.microsoft().token_source(token_set(1800), Arc::new(NoStore)).unwrap();
    let held = Secret::from("canary-access-0");
    for _ in 0..2 {
        assert_eq!(source.refused(&held).await.unwrap_err().code(), Code::RateLimited);
    }
    advance(Duration::from_secs(60)).await;
    assert!(source.refused(&held).await.unwrap().is_some_and(|next| next != held));
}

#[tokio::test]
async fn a_replacement_that_cannot_be_saved_is_not_forgotten() {
    let world = World::start().await;
    let row = Row::holding(&token_set(1800));
    let source = source(&world.microsoft(), token_set(1800), &row);
    *row.fail_save.lock().unwrap() = Some("no".to_owned());
    let refused = Secret::from("canary-access-0");
    assert_eq!(source.refused(&refused).await.unwrap_err().code(), Code::CallbackFailed);
    // By the clock the refused one would do for long: it must not be handed out again.
    assert_eq!(source.current().await.unwrap_err().code(), Code::CallbackFailed);
    *row.fail_save.lock().unwrap() = None;
    assert_eq!(source.current().await.unwrap().expose(), "canary-access-1");
    assert_eq!(world.token_requests().len(), 1);
}

#[tokio::test]
async fn a_refused_token_of_a_dead_grant_tells_why() {
    let world = World::start().await;
    world.next(Reply::error(400, "invalid_grant", 50173));
    let source = world.microsoft().token_source(token_set(1800), Arc::new(NoStore)).unwrap();
    let error = source.refused(&Secret::from("canary-access-0")).await.unwrap_err();
    clean(&*error, &[]);
    assert_eq!(error.code(), Code::InvalidGrant);
}

#[tokio::test]
async fn without_a_refresh_token_a_set_lives_to_its_end() {
    let world = World::start().await;
    let client = world.microsoft();
    let app_only = |life| TokenSet { refresh_token: None, ..token_set(life) };
    let source = client.token_source(app_only(5), Arc::new(NoStore)).unwrap();
    assert_eq!(token(&source).await.unwrap(), "canary-access-0");
    assert!(source.refused(&Secret::from("canary-access-0")).await.unwrap().is_none());
    let ended = client.token_source(app_only(-5), Arc::new(NoStore)).unwrap();
    let error = token(&ended).await.unwrap_err();
    assert_eq!(error.code(), Code::InvalidGrant);
    assert!(world.server.log.lock().unwrap().is_empty());
}

#[tokio::test]
async fn sets_that_cannot_be_presented_are_refused() {
    let client = World::start().await.microsoft();
    for (access, refresh) in [("", "r"), ("a\u{1}b", "r"), ("a", ""), ("a", "r\r\n")] {
        let set = TokenSet { access_token: access.into(), refresh_token: Some(refresh.into()), ..token_set(60) };
        assert_eq!(client.token_source(set, Arc::new(NoStore)).unwrap_err().code(), Code::InvalidArgument);
    }
}

#[tokio::test]
async fn nothing_of_a_source_shows_its_tokens() {
    let source = World::start().await.microsoft().token_source(token_set(60), Arc::new(NoStore)).unwrap();
    assert!(!format!("{source:?} {:?}", source.token_set()).contains("canary"));
}
