//! What tests of `sync` have in common.

use std::collections::BTreeMap;

use email_base::Call;
use email_imap::sync::{SyncBatch, SyncOptions};
use email_imap::{Client, Error};

use super::*;

/// Only what the tests look at.
pub const FLAGS_ONLY: &str = r#"{"fetch":{"flags":true}}"#;

pub async fn collect(client: &Client, cursor: Option<&str>, options: &str) -> (Vec<SyncBatch>, Option<Error>) {
    collect_within(client, cursor, options, &call()).await
}

pub async fn collect_within(
    client: &Client,
    cursor: Option<&str>,
    options: &str,
    call: &Call,
) -> (Vec<SyncBatch>, Option<Error>) {
    let options: SyncOptions = json(options);
    let mut batches = client.sync("INBOX", cursor.map(str::to_owned), options, call);
    let mut found = Vec::new();
    loop {
        match batches.next().await {
            Some(Ok(batch)) => found.push(batch),
            Some(Err(error)) => return (found, Some(error)),
            None => return (found, None),
        }
    }
}

/// A sync that has to succeed.
pub async fn sync(client: &Client, cursor: Option<&str>) -> Vec<SyncBatch> {
    let (batches, error) = collect(client, cursor, FLAGS_ONLY).await;
    assert!(error.is_none(), "{error:?}");
    assert!(!batches.is_empty());
    batches
}

pub fn cursor(batches: &[SyncBatch]) -> Option<&str> {
    batches.last().map(|batch| batch.cursor.as_str())
}

pub fn added(batches: &[SyncBatch]) -> Vec<u32> {
    batches.iter().flat_map(|batch| &batch.added).map(|message| message.uid).collect()
}

pub fn vanished(batches: &[SyncBatch]) -> Vec<u32> {
    batches.iter().flat_map(|batch| batch.vanished.clone()).collect()
}

pub fn changed(batches: &[SyncBatch]) -> BTreeMap<u32, String> {
    let changes = batches.iter().flat_map(|batch| &batch.flags);
    changes.map(|change| (change.uid, change.flags.join(" "))).collect()
}

/// Opening INBOX by `command`, with `exists` messages, and what else is said.
pub fn open(command: &str, exists: u32, more: &str) -> String {
    format!("C: {{open}} {command}\nS: * FLAGS (\\Seen \\Flagged)\nS: * {exists} EXISTS\n{more}S: {{open}} OK open\n")
}

pub fn plain(exists: u32) -> String {
    open("EXAMINE \"INBOX\"", exists, "S: * OK [UIDVALIDITY 7] valid\n")
}

/// A first sync of messages 1, 2 and 3 on a server without extensions; 2 is `\Seen`.
pub fn first_of_three() -> String {
    plain(3)
        + "C: {tag} UID SEARCH ALL\n\
           S: * SEARCH 1 2 3\n\
           S: {tag} OK done\n\
           C: {tag} UID FETCH 1:3 (UID FLAGS)\n\
           S: * 1 FETCH (UID 1 FLAGS ())\n\
           S: * 2 FETCH (UID 2 FLAGS (\\Seen \\Recent))\n\
           S: * 3 FETCH (UID 3 FLAGS ())\n\
           S: {tag} OK done\n"
}

/// The same with CONDSTORE, at mod-sequence 10.
pub fn first_of_three_with_mod_seq(command: &str) -> String {
    open(command, 3, "S: * OK [UIDVALIDITY 7] valid\nS: * OK [UIDNEXT 4] next\nS: * OK [HIGHESTMODSEQ 10] highest\n")
        + "C: {tag} UID SEARCH ALL\n\
           S: * SEARCH 1 2 3\n\
           S: {tag} OK done\n\
           C: {tag} UID FETCH 1:3 (UID FLAGS MODSEQ)\n\
           S: * 1 FETCH (UID 1 FLAGS () MODSEQ (9))\n\
           S: * 2 FETCH (UID 2 FLAGS (\\Seen) MODSEQ (10))\n\
           S: * 3 FETCH (UID 3 FLAGS () MODSEQ (3))\n\
           S: {tag} OK done\n"
}

pub const CONDSTORE: &str = "EXAMINE \"INBOX\" (CONDSTORE)";

pub fn at(exists: u32, uid_next: u32, mod_seq: u32) -> String {
    format!(
        "S: * OK [UIDVALIDITY 7] valid\nS: * OK [UIDNEXT {uid_next}] next\nS: * OK [HIGHESTMODSEQ {mod_seq}] highest\n"
    ) + &format!("S: * {exists} EXISTS\n")
}
