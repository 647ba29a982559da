//! `fetch` of a structure in which a multipart has no parts: its attachments must not be passed over in silence.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a helper that meets anything unexpected must fail its test"
)]

mod support;

use email_imap::FetchOptions;
use support::fetch::*;
use support::*;

const ROWS: &str = "S: * 1 FETCH (UID 5 BODYSTRUCTURE (\"MIXED\" (\"boundary\" \"x\")))\n\
                    S: * 2 FETCH (UID 6 BODYSTRUCTURE (\"mixed\" (\"boundary\" \"x\") NIL NIL))\nS: {tag} OK done\n";
const SOURCE: &str = "{96}\n\
    S~: Content-Type: multipart/mixed; boundary=x\\r\\n\\r\\n--x\\r\\n\\r\\nhi\\r\\n--x\\r\\nContent-Type: image/png\\r\\n\\r\\n1\\r\\n--x--)\\r\\n\n";

#[tokio::test]
async fn a_multipart_told_without_parts_does_not_hide_attachments() {
    let mock = server(
        "IMAP4rev1 LITERAL+",
        format!(
            "{}C: {{tag}} UID FETCH 5:6 (UID BODYSTRUCTURE)\n{ROWS}\
             C: {{tag}} UID FETCH 5 (UID BODY.PEEK[]<0.8388608>)\n\
             S: * 1 FETCH (UID 5 BODY[]<0> {SOURCE}S: {{tag}} OK done\n\
             C: {{tag}} UID FETCH 6 (UID BODY.PEEK[]<0.8388608>)\nS: {{tag}} NO not this one\n{LOGOUT}",
            examine("INBOX", 2),
        ),
    );
    let client = connect(&mock).await;
    let query = json(r#"{"bodyStructure":true}"#);
    let (messages, error) = all(client.fetch("INBOX", uids("5:6"), query, FetchOptions::default(), &call())).await;
    assert!(error.is_none(), "{error:?}");
    let found: Vec<_> = messages
        .iter()
        .map(|message| {
            let root = message.body_structure.as_ref().unwrap();
            let types = root.children.iter().map(|part| part.media_type.as_str()).collect::<Vec<_>>().join(" ");
            (root.media_type.as_str(), types, message.degraded.as_ref().map(|degraded| degraded.code.as_str()))
        })
        .collect();
    // The second message cannot be read: what was told of it stays.
    let (mixed, broken) = ("multipart/mixed", Some("PROTOCOL_VIOLATION"));
    assert_eq!(found, [(mixed, "text/plain image/png".to_owned(), broken), (mixed, String::new(), broken)]);
    finish(client, mock).await;
}

#[tokio::test]
async fn a_multipart_told_without_parts_is_read_from_a_message_that_came_along() {
    let mock = server(
        "IMAP4rev1 LITERAL+",
        format!(
            "{}C: {{tag}} UID FETCH 5 (UID BODYSTRUCTURE BODY.PEEK[])\n\
             S: * 1 FETCH (UID 5 BODYSTRUCTURE (\"mixed\" (\"boundary\" \"x\")) BODY[] {SOURCE}S: {{tag}} OK done\n{LOGOUT}",
            examine("INBOX", 2),
        ),
    );
    let client = connect(&mock).await;
    let query = json(r#"{"bodyStructure":true,"source":true}"#);
    let message = client.fetch_one("INBOX", 5, query, Default::default(), &call()).await.unwrap().unwrap();
    assert_eq!(message.body_structure.unwrap().children.len(), 2);
    assert!(message.degraded.is_some());
    finish(client, mock).await;
}
