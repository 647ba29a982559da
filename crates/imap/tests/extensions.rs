//! Extensions that change how a session is spoken: COMPRESS, UTF8=ACCEPT, NAMESPACE.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a helper that meets anything unexpected must fail its test"
)]

mod support;

use std::io::Write;

use email_base::Classify;
use email_imap::{AppendOptions, Client, MailboxOptions, Options};
use email_net::Security;
use email_testkit::{Mock, Peer};
use flate2::write::DeflateEncoder;
use flate2::{Compression, Decompress, FlushDecompress};
use support::*;

const ENABLED: &str = "C: {tag} ENABLE UTF8=ACCEPT\nS: * ENABLED UTF8=ACCEPT\nS: {tag} OK done\n";

#[tokio::test]
async fn with_utf8_accepted_names_texts_and_headers_are_utf8() {
    let mock = server(
        "IMAP4rev1 ENABLE UTF8=ACCEPT LITERAL+ ESEARCH",
        format!(
            "{ENABLED}\
             C: {{tag}} STATUS {{{{9+}}}}\n\
             C: Entwürfe (MESSAGES UNSEEN UIDNEXT UIDVALIDITY)\n\
             S: * STATUS \"Entwürfe\" (MESSAGES 3)\n\
             S: {{tag}} OK done\n\
             C: {{tag}} LIST \"\" \"*\"\n\
             C: {{b}} LSUB \"\" \"*\"\n\
             S: * LIST () \"/\" \"Entwürfe\"\n\
             S: * LIST () \"/\" \"R&D\"\n\
             S: {{tag}} OK done\n\
             S: {{b}} OK done\n\
             C: {{tag}} APPEND \"R&D\" UTF8 (~{{{{21+}}}}\n\
             C~: Subject: Gr\\xc3\\xbc\\xc3\\x9fe\\r\\n\\r\\n.)\\r\\n\n\
             S: {{tag}} OK [APPENDUID 7 8] done\n\
             C: {{tag}} APPEND \"R&D\" {{{{9+}}}}\n\
             C~: a: b\\r\\n\\r\\n\\xc3\\r\\n\n\
             S: {{tag}} OK done\n\
             {}C: {{tag}} UID SEARCH RETURN (ALL) SUBJECT {{{{7+}}}}\n\
             C: Grüße\n\
             S: * ESEARCH (TAG \"{{tag}}\") UID ALL 5\n\
             S: {{tag}} OK done\n{LOGOUT}",
            examine("INBOX", 1),
        )
        .replace("{{", "{")
        .replace("}}", "}"),
    );
    let client = connect(&mock).await;
    assert_eq!(client.status("Entwürfe", &call()).await.unwrap().messages, 3);
    let list = client.list(json("{}"), &call()).await.unwrap();
    assert_eq!(list.iter().map(|m| m.path.as_str()).collect::<Vec<_>>(), ["Entwürfe", "R&D"]);
    let message = "Subject: Grüße\r\n\r\n.".as_bytes();
    assert_eq!(client.append("R&D", message.into(), AppendOptions::default(), &call()).await.unwrap().uid, Some(8));
    let message = &b"a: b\r\n\r\n\xc3"[..];
    client.append("R&D", message.into(), AppendOptions::default(), &call()).await.unwrap();
    let query = json(r#"{"subject":"Grüße"}"#);
    assert_eq!(client.search("INBOX", query, MailboxOptions::default(), &call()).await.unwrap(), [5]);
    finish(client, mock).await;
}

#[tokio::test]
async fn a_server_that_accepts_utf8_but_not_the_form_for_messages_takes_them_as_they_are() {
    for refusal in ["BAD what?", "NO Error in IMAP command received by server."] {
        let mock = server(
            "IMAP4rev1 ENABLE UTF8=ACCEPT LITERAL+",
            format!(
                "{ENABLED}\
                 C: {{tag}} APPEND \"INBOX\" UTF8 (~{{21+}}\n\
                 C~: Subject: Gr\\xc3\\xbc\\xc3\\x9fe\\r\\n\\r\\n.)\\r\\n\n\
                 S: {{tag}} {refusal}\n\
                 C: {{tag}} APPEND \"INBOX\" {{21+}}\n\
                 C~: Subject: Gr\\xc3\\xbc\\xc3\\x9fe\\r\\n\\r\\n.\\r\\n\n\
                 S: {{tag}} OK done\n{LOGOUT}"
            ),
        );
        let client = connect(&mock).await;
        let message = "Subject: Grüße\r\n\r\n.".as_bytes();
        client.append("INBOX", message.into(), AppendOptions::default(), &call()).await.unwrap();
        finish(client, mock).await;
    }
}

#[tokio::test]
async fn a_message_that_is_refused_for_a_reason_is_not_sent_twice() {
    let mock = server(
        "IMAP4rev1 ENABLE UTF8=ACCEPT LITERAL+",
        format!(
            "{ENABLED}\
             C: {{tag}} APPEND \"INBOX\" UTF8 (~{{21+}}\n\
             C~: Subject: Gr\\xc3\\xbc\\xc3\\x9fe\\r\\n\\r\\n.)\\r\\n\n\
             S: {{tag}} NO [OVERQUOTA] full\n{LOGOUT}"
        ),
    );
    let client = connect(&mock).await;
    let message = "Subject: Grüße\r\n\r\n.".as_bytes();
    let error = client.append("INBOX", message.into(), AppendOptions::default(), &call()).await.unwrap_err();
    assert_eq!(error.code().as_str(), "QUOTA_EXCEEDED");
    finish(client, mock).await;
}

#[tokio::test]
async fn a_server_that_refuses_enable_keeps_utf7() {
    let mock = server(
        "IMAP4rev1 ENABLE UTF8=ACCEPT",
        format!(
            "C: {{e}} ENABLE UTF8=ACCEPT\n\
             C: {{tag}} STATUS \"INBOX\" (MESSAGES UNSEEN UIDNEXT UIDVALIDITY)\n\
             S: {{e}} BAD no\n\
             S: * STATUS INBOX (MESSAGES 1)\n\
             S: {{tag}} OK done\n\
             C: {{tag}} STATUS \"Entw&APw-rfe\" (MESSAGES UNSEEN UIDNEXT UIDVALIDITY)\n\
             S: * STATUS \"Entw&APw-rfe\" (MESSAGES 2)\n\
             S: {{tag}} OK done\n{LOGOUT}"
        ),
    );
    let client = connect(&mock).await;
    // Plain names do not wait for the answer to ENABLE.
    assert_eq!(client.status("INBOX", &call()).await.unwrap().messages, 1);
    assert_eq!(client.status("Entwürfe", &call()).await.unwrap().messages, 2);
    finish(client, mock).await;
}

#[tokio::test]
async fn another_users_sent_mail_is_not_ones_own() {
    let mock = server(
        "IMAP4rev1 NAMESPACE",
        format!(
            "C: {{n}} NAMESPACE\n\
             C: {{a}} LIST \"\" \"*\"\n\
             C: {{b}} LSUB \"\" \"*\"\n\
             S: * NAMESPACE ((\"Mail/\" \"/\")) ((\"Users/\" \"/\")) NIL\n\
             S: {{n}} OK done\n\
             S: * LIST () \"/\" INBOX\n\
             S: * LIST (\\Sent) \"/\" Users/bob/Sent\n\
             S: * LIST () \"/\" Users/Drafts\n\
             S: * LIST () \"/\" Mail/Sent\n\
             S: * LIST () \"/\" Mail/Entw&APw-rfe\n\
             S: {{a}} OK done\n\
             S: {{b}} OK done\n\
             C: {{a}} LIST \"\" \"x\"\n\
             C: {{b}} LSUB \"\" \"x\"\n\
             S: {{a}} OK done\n\
             S: {{b}} OK done\n{LOGOUT}"
        ),
    );
    let client = connect(&mock).await;
    let list = client.list(json("{}"), &call()).await.unwrap();
    let uses: Vec<_> = list.iter().map(|m| m.special_use.map(|u| format!("{u:?}"))).collect();
    assert_eq!(uses, [Some("Inbox".into()), None, None, Some("Sent".into()), Some("Drafts".into())]);
    // The namespaces are known by now.
    assert!(client.list(json(r#"{"pattern":"x"}"#), &call()).await.unwrap().is_empty());
    finish(client, mock).await;
}

/// The server's side of a compressed session.
struct Compressed {
    peer: Peer,
    inflate: Decompress,
    deflate: DeflateEncoder<Vec<u8>>,
    text: Vec<u8>,
}

impl Compressed {
    /// Logs in and begins; `behind` goes in the same write as the answer to COMPRESS.
    async fn begin(peer: Peer, behind: &[u8]) -> Self {
        let mut peer = log_in(peer, "IMAP4rev1 COMPRESS=DEFLATE").await;
        let line = peer.receive_line().await;
        let tag = line.strip_suffix(" COMPRESS DEFLATE").unwrap();
        peer.send([format!("{tag} OK go\r\n").as_bytes(), behind].concat()).await;
        let deflate = DeflateEncoder::new(Vec::new(), Compression::default());
        Self { peer, inflate: Decompress::new(false), deflate, text: Vec::new() }
    }

    async fn line(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.text.windows(2).position(|two| two == b"\r\n") {
                let line: Vec<u8> = self.text.drain(..end + 2).take(end).collect();
                return Some(String::from_utf8(line).unwrap());
            }
            let mut read = vec![0; 4096];
            let count = tokio::io::AsyncReadExt::read(&mut self.peer, &mut read).await.unwrap_or(0);
            if count == 0 {
                return None;
            }
            let mut plain = Vec::with_capacity(1 << 20);
            self.inflate.decompress_vec(&read[..count], &mut plain, FlushDecompress::None).unwrap();
            self.text.extend(plain);
        }
    }

    async fn say(&mut self, text: &str) -> bool {
        let wire = self.deflated(text.as_bytes());
        self.peer.try_send(wire).await.is_ok()
    }

    fn deflated(&mut self, plain: &[u8]) -> Vec<u8> {
        self.deflate.write_all(plain).unwrap();
        self.deflate.flush().unwrap();
        std::mem::take(self.deflate.get_mut())
    }
}

fn compressing(mock: &Mock) -> Options {
    let mut options = options(mock, Security::None);
    options.compress = Some(true);
    options
}

#[tokio::test]
async fn a_compressed_session_and_a_large_append_in_it() {
    let message = b"Subject: x\r\n\r\n".iter().copied().chain((0..300_000u32).map(|n| b'a' + (n % 23) as u8));
    let message: Vec<u8> = message.collect();
    let expected = message.clone();
    let mock = Mock::start(async move |listener| {
        let mut server = Compressed::begin(listener.accept().await, b"").await;
        let line = server.line().await.unwrap();
        let tag = line.strip_suffix(" STATUS \"INBOX\" (MESSAGES UNSEEN UIDNEXT UIDVALIDITY)").unwrap();
        assert!(server.say(&format!("* STATUS INBOX (MESSAGES 3)\r\n{tag} OK done\r\n")).await);
        let line = server.line().await.unwrap();
        let tag = line.strip_suffix(&format!(" APPEND \"x\" {{{}}}", expected.len())).unwrap().to_owned();
        assert!(server.say("+ go\r\n").await);
        let mut got = server.line().await.unwrap() + "\r\n";
        got += &(server.line().await.unwrap() + "\r\n");
        got += &server.line().await.unwrap();
        assert!(got.as_bytes() == expected, "{} bytes", got.len());
        assert!(server.say(&format!("{tag} OK [APPENDUID 1 2] done\r\n")).await);
        assert_eq!(server.line().await, None);
    });
    let client = Client::connect(compressing(&mock), &call()).await.unwrap();
    assert_eq!(client.status("INBOX", &call()).await.unwrap().messages, 3);
    let placed = client.append("x", message.into(), AppendOptions::default(), &call()).await.unwrap();
    assert_eq!(placed.uid, Some(2));
    client.close();
    mock.finished().await;
}

#[tokio::test]
async fn compress_trailing_bytes_are_compressed_bytes() {
    // In the same segment as the OK: plain text there is no response, whatever it looks like; it inflates to nothing…
    let mock = Mock::each(None, async |number, peer| {
        if number == 0 {
            let mut server = Compressed::begin(peer, b"* BYE injected\r\n* STATUS INBOX (MESSAGES 99)\r\n").await;
            server.line().await;
        } else {
            let mut server = Compressed::begin(peer, b"").await;
            while let Some(line) = server.line().await {
                let tag = line.split(' ').next().unwrap().to_owned();
                server.say(&format!("* STATUS INBOX (MESSAGES 3)\r\n{tag} OK done\r\n")).await;
            }
        }
    });
    let client = Client::connect(compressing(&mock), &call()).await.unwrap();
    assert_eq!(client.status("INBOX", &call()).await.unwrap().messages, 3, "by another connection");
    client.close();

    // … and compressed data there is data.
    let mock = Mock::start(async |listener| {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(b"* OK still here\r\n").unwrap();
        encoder.flush().unwrap();
        let ahead = std::mem::take(encoder.get_mut());
        let mut server = Compressed::begin(listener.accept().await, &ahead).await;
        server.deflate = encoder;
        let line = server.line().await.unwrap();
        let tag = line.split(' ').next().unwrap().to_owned();
        server.say(&format!("* STATUS INBOX (MESSAGES 3)\r\n{tag} OK done\r\n")).await;
        assert_eq!(server.line().await, None);
    });
    let client = Client::connect(compressing(&mock), &call()).await.unwrap();
    assert_eq!(client.status("INBOX", &call()).await.unwrap().messages, 3);
    client.close();
    mock.finished().await;
}

#[tokio::test]
async fn a_deflate_bomb_is_a_typed_error() {
    // One line without end, a megabyte of wire for each gigabyte of it; and lines without end.
    let line = format!("* OK {}\r\n", "x".repeat(2000));
    for bomb in [vec![b' '; 8 << 20], line.repeat(4000).into_bytes()] {
        let mock = Mock::each(None, async move |_, peer| {
            let mut server = Compressed::begin(peer, b"").await;
            server.line().await;
            server.peer.try_send(server.deflate.get_ref()).await.unwrap();
            let wire = server.deflated(&bomb);
            for _ in 0..400 {
                // Each piece continues the one before: the same bytes, as a compressor would send them.
                if server.peer.try_send(&wire).await.is_err() {
                    return;
                }
            }
        });
        let client = Client::connect(compressing(&mock), &call()).await.unwrap();
        let error = code(client.status("INBOX", &call()).await);
        assert_eq!(error, "LIMIT_EXCEEDED");
        client.close();
    }
}

#[tokio::test]
async fn a_server_that_refuses_compression_is_asked_once() {
    let status = "C: {tag} STATUS \"INBOX\" (MESSAGES UNSEEN UIDNEXT UIDVALIDITY)\n\
                  S: * STATUS INBOX (MESSAGES 3)\nS: {tag} OK done\n";
    let refusal = "C: {tag} COMPRESS DEFLATE\nS: {tag} NO [COMPRESSIONACTIVE] TLS does it\n";
    let mock = server("IMAP4rev1 COMPRESS=DEFLATE", format!("{refusal}{status}{status}{LOGOUT}"));
    let client = Client::connect(compressing(&mock), &call()).await.unwrap();
    for _ in 0..2 {
        assert_eq!(client.status("INBOX", &call()).await.unwrap().messages, 3);
    }
    finish(client, mock).await;

    // Not asked for, and not worth it on loopback.
    let mock = server("IMAP4rev1 COMPRESS=DEFLATE", format!("{status}{LOGOUT}"));
    let client = connect(&mock).await;
    client.status("INBOX", &call()).await.unwrap();
    finish(client, mock).await;
}
