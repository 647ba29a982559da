//! What servers were seen to do, each in a transcript of its own: `fixtures/imap/quirks`.
//!
//! A file's head says what it is and where it was seen; `# > call` and `# = result` say what a caller does and gets (as
//! JSON; fields that are not named are not compared). Then the conversation after login, a connection each between `---`.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a helper that meets anything unexpected must fail its test"
)]

mod support;

use std::path::PathBuf;

use email_base::Classify;
use email_imap::{Client, DownloadOptions, Error, FetchOptions, MailboxOptions};
use email_testkit::Mock;
use serde_json::{Value, json};
use support::*;

/// A transcript and what it is for.
struct Quirk {
    name: String,
    capabilities: String,
    steps: Vec<(String, Value)>,
    conversations: Vec<String>,
}

#[tokio::test]
async fn every_quirk_that_was_seen() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/imap/quirks");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 20, "{} transcripts", files.len());
    let mut failed = Vec::new();
    for path in files {
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains("# Seen: "), "{}: where was it seen?", path.display());
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        // All of them, whatever becomes of one.
        if tokio::spawn(run(Quirk::new(name.clone(), &text))).await.is_err() {
            failed.push(name);
        }
    }
    assert!(failed.is_empty(), "{failed:?}");
}

impl Quirk {
    fn new(name: String, text: &str) -> Self {
        let head = |mark: &str| text.lines().filter_map(|line| line.strip_prefix(mark)).collect::<Vec<_>>();
        let calls = head("# > ").into_iter().map(str::to_owned);
        let gives = head("# = ").into_iter().map(|gives| serde_json::from_str(gives).unwrap());
        let conversations = text.split("\n---\n").map(str::to_owned).collect();
        let capabilities = head("# capabilities: ").concat();
        Self { name, capabilities, steps: calls.zip(gives).collect(), conversations }
    }
}

async fn run(quirk: Quirk) {
    let Quirk { name, capabilities, steps, conversations } = quirk;
    let (last, before) = conversations.split_last().unwrap();
    let ends = last.lines().any(|line| line == "X: close");
    let scripts: Vec<String> = before
        .iter()
        .map(|script| login(&capabilities) + script)
        .chain([login(&capabilities) + last + if ends { "" } else { LOGOUT }])
        .collect();
    let mock = Mock::start(async move |listener| {
        for script in scripts {
            listener.accept().await.play(&script).await;
        }
    });
    let client = connect(&mock).await;
    for (line, expected) in steps {
        let found = made(&client, &line).await.unwrap_or_else(|error| {
            json!({
                "error": error.code().as_str(),
                "retryAfterMs": error.retry_after().map(|time| time.as_millis() as u64),
                "message": error.to_string(),
            })
        });
        assert!(holds(&expected, &found), "{name}: {line}\n  expected {expected}\n  found    {found}");
    }
    client.logout(&call()).await.unwrap();
    mock.finished().await;
}

/// Makes the call that a line describes.
async fn made(client: &Client, line: &str) -> Result<Value, Error> {
    let mut words = line.splitn(2, ' ');
    let (verb, rest) = (words.next().unwrap(), words.next().unwrap_or_default());
    let (path, arguments) = rest.split_once(' ').unwrap_or((rest, ""));
    let call = call();
    Ok(match verb {
        "fetch" => {
            let (set, query) = arguments.split_once(' ').unwrap();
            let mut pages = client.fetch(path, uids(set), json_of(query), FetchOptions::default(), &call);
            let mut rows = Vec::new();
            while let Some(page) = pages.next().await {
                rows.extend(page?.into_iter().map(|row| serde_json::to_value(row).unwrap()));
            }
            Value::Array(rows)
        }
        "search" => json!(client.search(path, json_of(arguments), MailboxOptions::default(), &call).await?),
        "status" => json!(client.status(path, &call).await?),
        "list" => json!(client.list(json_of(rest), &call).await?),
        "download" => {
            let (uid, options) = arguments.split_once(' ').unwrap();
            let options: DownloadOptions = json_of(options);
            let mut chunks = client.download(path, uid.parse().unwrap(), options, &call);
            let mut bytes = 0;
            while let Some(chunk) = chunks.next().await {
                bytes += chunk?.len();
            }
            json!({ "bytes": bytes })
        }
        "watch" => {
            json!(client.watch(path, &call).next().await.unwrap()?)
        }
        other => panic!("no such call: {other}"),
    })
}

fn json_of<T: serde::de::DeserializeOwned>(text: &str) -> T {
    serde_json::from_str(text).unwrap()
}

/// Whether `found` has everything that `expected` names.
fn holds(expected: &Value, found: &Value) -> bool {
    match (expected, found) {
        (Value::Object(expected), Value::Object(found)) => {
            expected.iter().all(|(name, value)| holds(value, found.get(name).unwrap_or(&Value::Null)))
        }
        (Value::Array(expected), Value::Array(found)) => {
            expected.len() == found.len() && expected.iter().zip(found).all(|(expected, found)| holds(expected, found))
        }
        (expected, found) => expected == found,
    }
}
