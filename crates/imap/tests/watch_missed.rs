//! `watch` beside other calls on one connection: no change that the server tells is missed, whoever it is told to.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a helper that meets anything unexpected must fail its test"
)]

mod support;

use std::sync::Arc;
use std::time::Duration;

use email_imap::FetchOptions;
use email_testkit::Mock;
use support::fetch::*;
use support::*;
use tokio::sync::Notify;

#[tokio::test]
async fn new_mail_told_before_the_plus_to_a_watcher_that_goes() {
    let (told, gone) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (tells, goes) = (told.clone(), gone.clone());
    let mock = Mock::start(async move |listener| {
        let mut names = Default::default();
        let start = login("IMAP4rev1 IDLE") + &examine("INBOX", 0) + "C: {idle} IDLE\nS: * 1 EXISTS\n";
        let peer = listener.accept().await.play_with(&start, &mut names).await.unwrap();
        tells.notify_one();
        goes.notified().await;
        let rest = "S: + idling\nC: DONE\nS: {idle} OK done\nC: {noop} NOOP\nC: {tag} UID FETCH 1:* (UID FLAGS)\n\
             S: {noop} OK\nS: * 1 FETCH (UID 5 FLAGS ())\nS: {tag} OK\n";
        peer.play_with(rest, &mut names).await;
    });
    let client = connect(&mock).await;
    let mut watcher = client.watch("INBOX", &call());
    let waiting = tokio::time::timeout(Duration::from_millis(200), watcher.next());
    let (early, ()) = tokio::join!(waiting, told.notified());
    assert!(early.is_err());
    drop(watcher);
    // The client has to notice it before the server goes on.
    tokio::time::sleep(Duration::from_millis(50)).await;
    gone.notify_one();
    let query = json(r#"{"flags":true}"#);
    let (messages, error) = all(client.fetch("INBOX", uids("1:*"), query, FetchOptions::default(), &call())).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(numbers(&messages), [5]);
    client.close();
}
