#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout, clippy::indexing_slicing, clippy::panic, clippy::expect_used)]
use std::sync::Arc;
use std::time::Duration;

use email_base::*;
use email_imap::*;
use email_net::*;

fn env(name: &str) -> String {
    std::env::var(name).unwrap()
}
fn call() -> Call {
    Call::new(Duration::from_secs(60), Default::default())
}
fn q<T: serde::de::DeserializeOwned>(s: &str) -> T {
    serde_json::from_str(s).unwrap()
}

#[tokio::main]
async fn main() {
    let tls = std::env::var("TLS").unwrap_or("implicit".into());
    let connector = Connector::new(&ConnectOptions { ca: vec![std::fs::read_to_string(env("CA")).unwrap()], ..Default::default() }).unwrap();
    let port = if tls == "implicit" { env("IMAPS") } else { env("IMAP") };
    let endpoint = Endpoint { host: "localhost".into(), port: port.parse().unwrap(), tls: q(&format!("{tls:?}")) };
    let auth = std::env::var("AUTH").unwrap_or("password".into());
    let user = "ada@example.com".to_owned();
    let credentials = match auth.as_str() {
        "password" => email_base::Credentials::Password { user, password: std::env::var("PASSWORD").unwrap_or("secret".into()).into() },
        "token" => email_base::Credentials::OAuth { user, tokens: Arc::new(FixedToken(env("TOKEN").into())) },
        "expired" => email_base::Credentials::OAuth { user, tokens: Arc::new(FixedToken(env("EXPIRED").into())) },
        _ => panic!(),
    };
    let options = email_imap::Options::new(endpoint, connector, credentials);
    let t = std::time::Instant::now();
    let client = match Client::connect(options, &call()).await {
        Ok(c) => c,
        Err(e) => { println!("ERR {} {e} {:?}", e.code().as_str(), e.server()); return; }
    };
    println!("connected {:?} {:?}", t.elapsed(), client.capabilities());
    let cmd = std::env::args().nth(1).unwrap_or("demo".into());
    match cmd.as_str() {
        "seed" => {
            let n: usize = std::env::args().nth(2).unwrap().parse().unwrap();
            let size: usize = std::env::args().nth(3).unwrap().parse().unwrap();
            for i in 0..n {
                let mut m = format!("From: Ada <ada@example.com>\r\nTo: Bob <bob@example.com>\r\nSubject: =?utf-8?B?R3LDvMOfZQ==?= {i}\r\nMessage-ID: <{i}@example.com>\r\nDate: Mon, 01 Jan 2024 10:00:00 +0000\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nHello =E4=BD=A0 {i}\r\n--b\r\nContent-Type: application/pdf; name=a.pdf\r\nContent-Disposition: attachment; filename=a.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n");
                while m.len() < size { m.push_str("QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5ejAx\r\n"); }
                m.push_str("--b--\r\n");
                let r = client.append("INBOX", m.into(), AppendOptions { flags: Some(vec!["$x".into()]), internal_date: Some(Timestamp(1_700_000_000_000)) }, &call()).await.unwrap();
                if i == 0 { println!("{r:?}"); }
            }
            println!("seeded {:?}", t.elapsed());
        }
        "fetch" => {
            let set: UidSet = q(&std::env::args().nth(2).unwrap());
            let query: types::FetchQuery = q(&std::env::args().nth(3).unwrap());
            let show = std::env::args().nth(4).is_some();
            let t = std::time::Instant::now();
            let mut pages = client.fetch("INBOX", set, query, Default::default(), &call());
            let (mut n, mut b, mut degraded) = (0, 0, 0);
            let mut last = 0;
            while let Some(page) = pages.next().await {
                match page {
                    Ok(page) => for m in page {
                        assert!(m.uid > last); last = m.uid;
                        n += 1; b += m.source.as_ref().map_or(0, |s| s.0.len());
                        degraded += m.degraded.is_some() as usize;
                        if show { println!("{}", base_json(&m)); }
                    },
                    Err(e) => { println!("ERR {} {e}", e.code().as_str()); break }
                }
            }
            println!("{n} messages {b} bytes {degraded} degraded in {:?}", t.elapsed());
        }
        "download" => {
            let uid: u32 = std::env::args().nth(2).unwrap().parse().unwrap();
            let part = std::env::args().nth(3);
            let t = std::time::Instant::now();
            let mut chunks = client.download("INBOX", uid, DownloadOptions { part, ..Default::default() }, &call());
            let (mut n, mut b) = (0, 0);
            while let Some(c) = chunks.next().await {
                match c { Ok(c) => { if n == 0 { println!("{:?}", String::from_utf8_lossy(&c[..c.len().min(80)])); } n += 1; b += c.len(); } Err(e) => { println!("ERR {} {e}", e.code().as_str()); break } }
            }
            println!("{n} chunks {b} bytes in {:?}", t.elapsed());
        }
        "demo" => {
            for m in client.list(q(r#"{"status":true}"#), &call()).await.unwrap() { println!("{}", serde_json::to_string(&m).unwrap()); }
            println!("{:?}", client.status("INBOX", &call()).await);
            println!("{:?}", client.status("Nope", &call()).await.map_err(|e| (e.code().as_str(), e.to_string())));
            println!("{:?}", client.search("INBOX", q("{}"), Default::default(), &call()).await.map(|v| v.len()));
            println!("{:?}", client.search("INBOX", q(r#"{"subject":"Grüße","uid":"1:*"}"#), Default::default(), &call()).await.map(|v| v.len()));
            println!("{:?}", client.search("INBOX", q(r#"{"uid":{"newest":3}, "or":[{"from":"ada"},{"not":{"seen":true}}], "modSeq":"1"}"#), Default::default(), &call()).await);
            println!("{:?}", client.add_flags("INBOX", q("1"), &["\\Seen".into(), "$k".into()], Default::default(), &call()).await);
            println!("{:?}", client.fetch_one("INBOX", 1, q(r#"{"flags":true,"envelope":true,"headers":["Subject"]}"#), Default::default(), &call()).await.map(|m| base_json(&m.unwrap())));
            println!("{:?}", client.set_flags("INBOX", q("1"), &[], Default::default(), &call()).await);
            println!("{:?}", client.fetch_one("INBOX", 999999, q(r#"{"flags":true}"#), Default::default(), &call()).await);
            println!("{:?}", client.fetch_one("INBOX", 999999, q(r#"{"source":true}"#), Default::default(), &call()).await);
            println!("{:?}", client.append("Nope", "a: b\r\n\r\nc".into(), Default::default(), &call()).await.map_err(|e| (e.code().as_str(), e.to_string())));
            println!("{:?}", client.search("INBOX", q("{}"), MailboxOptions { uid_validity: Some(7) }, &call()).await.map_err(|e| (e.code().as_str(), e.to_string())));
            let mut pages = client.fetch("INBOX", q(r#""1:*""#), q(r#"{"message":true}"#), FetchOptions { page_size: Some(10), ..Default::default() }, &call());
            let mut inside = 0;
            while let Some(page) = pages.next().await { for m in page.unwrap() { client.add_flags("INBOX", UidSet::from_uids([m.uid]).unwrap(), &["\\Flagged".into()], Default::default(), &call()).await.unwrap(); inside += 1; } if inside > 200 { break } }
            drop(pages);
            println!("inside {inside}");
            println!("{:?}", client.search("INBOX", q(r#"{"flagged":true}"#), Default::default(), &call()).await.map(|v| v.len()));
        }
        "more" => {
            let none = MailboxOptions::default;
            let _ = client.delete_mailbox("Kunden/Müller&Co", &call()).await;
            let _ = client.delete_mailbox("Kunden", &call()).await;
            println!("create {:?}", client.create("Kunden/Müller&Co", None, &call()).await);
            println!("again {:?}", client.create("Kunden/Müller&Co", None, &call()).await.map_err(|e| e.code().as_str()));
            println!("special {:?}", client.create("Arch", Some(types::SpecialUse::Archive), &call()).await.map_err(|e| e.code().as_str()));
            println!("copy {:?}", client.copy("INBOX", q("[1,2,3,99999]"), "Kunden/Müller&Co", none(), &call()).await);
            println!("copy nowhere {:?}", client.copy("INBOX", q("1"), "Nope", none(), &call()).await.map_err(|e| e.code().as_str()));
            println!("move {:?}", client.r#move("Kunden/Müller&Co", q("\"2:*\""), "Trash", none(), &call()).await);
            println!("list {:?}", client.list(q(r#"{"pattern":"K*"}"#), &call()).await.map(|v| v.into_iter().map(|m| (m.path, m.selectable, m.subscribed)).collect::<Vec<_>>()));
            println!("delete {:?}", client.delete("Kunden/Müller&Co", q("1"), none(), &call()).await);
            println!("status {:?}", client.status("Kunden/Müller&Co", &call()).await);
            println!("replace {:?}", client.append("Drafts", "Subject: 1\r\n\r\n1".into(), Default::default(), &call()).await);
            let uid = client.search("Drafts", q("{}"), none(), &call()).await.unwrap().pop().unwrap();
            println!("replace {:?}", client.replace("Drafts", uid, "Subject: 2\r\n\r\n2".into(), Some(vec!["\\Draft".into()]), none(), &call()).await);
            println!("drafts {:?}", client.search("Drafts", q("{}"), none(), &call()).await);
            println!("rename {:?}", client.rename("Kunden/Müller&Co", "Kunden/山田", &call()).await);
            println!("search {:?}", client.search("Kunden/山田", q("{}"), none(), &call()).await);
            println!("delete {:?}", client.delete_mailbox("Kunden/山田", &call()).await);
            println!("gone {:?}", client.search("Kunden/山田", q("{}"), none(), &call()).await.map_err(|e| e.code().as_str()));
            println!("noselect {:?}", client.search("Kunden", q("{}"), none(), &call()).await.map_err(|e| (e.code().as_str(), e.to_string())));
            let mut w = client.watch("Drafts", &call());
            let c2 = client.clone();
            let t = tokio::spawn(async move { tokio::time::sleep(Duration::from_millis(300)).await; c2.append("Drafts", "a: b\r\n\r\nc".into(), Default::default(), &call()).await.unwrap(); });
            println!("watch {:?}", w.next().await);
            t.await.unwrap();
            for evil in ["a\"b", "a\\b", "{9+}", "a*b", "a%b", "  ", "&", "&-", "&&AGE-", "ü&ü", "\u{7f}", "\u{1}x", "😀", "a&b-c", "\"", "INBOX2\""] {
                let r = client.create(evil, None, &call()).await.map_err(|e| (e.code().as_str(), e.to_string()));
                let l = client.list(q("{}"), &call()).await.unwrap().into_iter().any(|m| m.path == evil);
                let d = client.delete_mailbox(evil, &call()).await.map_err(|e| (e.code().as_str(), e.to_string()));
                println!("{evil:?} {r:?} listed {l} {d:?}");
            }
        }
        _ => panic!(),
    }
    let t = std::time::Instant::now();
    println!("{:?} {:?} {}", client.logout(&call()).await, t.elapsed(), client.closed());
}
fn base_json(m: &types::FetchedMessage) -> String {
    email_base::blob::collect(|| serde_json::to_string(m).unwrap()).0
}
