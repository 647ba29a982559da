//! How often the client waits for an answer: counted on a link that passes bytes on flight by flight.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a helper that meets anything unexpected must fail its test"
)]

mod support;

use std::sync::Arc;

use email_base::{Credentials, FixedToken, Secret};
use email_imap::{Client, DownloadOptions, Options};
use email_net::Security;
use email_testkit::{Leaf, Mock, Peer, RoundTrips};
use support::*;

/// What differs between servers.
#[derive(Clone, Copy)]
struct Server {
    greeting: &'static str,
    /// Told by CAPABILITY before login.
    before: &'static str,
    /// In the answer to the login.
    welcome: &'static str,
    /// Told by CAPABILITY after login.
    after: &'static str,
    lists: bool,
}

const DOVECOT: Server = Server {
    greeting: "[CAPABILITY IMAP4rev1 SASL-IR LITERAL+ ID ENABLE IDLE AUTH=XOAUTH2] Dovecot ready.",
    before: "",
    welcome: "[CAPABILITY IMAP4rev1 SASL-IR LITERAL+ ID ENABLE NAMESPACE LIST-EXTENDED LIST-STATUS SPECIAL-USE] Logged in",
    after: "",
    lists: true,
};

const EXCHANGE: Server = Server {
    greeting: "The Microsoft Exchange IMAP4 service is ready. [QQBN]",
    before: "IMAP4 IMAP4rev1 AUTH=PLAIN AUTH=XOAUTH2 SASL-IR UIDPLUS ID UNSELECT CHILDREN IDLE NAMESPACE LITERAL+",
    welcome: "AUTHENTICATE completed.",
    after: "IMAP4 IMAP4rev1 AUTH=PLAIN AUTH=XOAUTH2 SASL-IR UIDPLUS MOVE ID UNSELECT CHILDREN IDLE NAMESPACE LITERAL+",
    lists: false,
};

const MAILBOXES: usize = 30;

impl Server {
    /// Behind TLS and a link that counts.
    fn start(self) -> (Mock, RoundTrips) {
        let mock = Mock::each(Some(Leaf::Good), async move |_, peer| self.serve(peer).await);
        let link = RoundTrips::before(mock.addr());
        (mock, link)
    }

    async fn serve(self, mut peer: Peer) {
        peer.send(format!("* OK {}\r\n", self.greeting)).await;
        let mut logged_in = false;
        let bytes = content();
        while let Some(line) = peer.try_receive_line().await {
            let (tag, command) = line.split_once(' ').unwrap();
            let mut said = Vec::new();
            let mut ok = "done";
            match command.split(' ').next().unwrap() {
                "CAPABILITY" => {
                    let words = if logged_in { self.after } else { self.before };
                    said = format!("* CAPABILITY {words}\r\n").into_bytes();
                }
                "AUTHENTICATE" => {
                    assert!(command.starts_with("AUTHENTICATE XOAUTH2 "), "no initial response: {command}");
                    logged_in = true;
                    ok = self.welcome;
                }
                "LIST" => {
                    for n in 0..MAILBOXES {
                        said.extend(format!("* LIST (\\HasNoChildren) \"/\" m{n}\r\n").bytes());
                        if self.lists {
                            said.extend(format!("* STATUS m{n} (MESSAGES {n} UIDVALIDITY 1)\r\n").bytes());
                        }
                    }
                }
                "STATUS" => {
                    let name = command.split('"').nth(1).unwrap();
                    said = format!("* STATUS {name} (MESSAGES {} UIDVALIDITY 1)\r\n", &name[1..]).into_bytes();
                }
                "EXAMINE" => said = b"* 1 EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\n".to_vec(),
                "UID" => said = window(&bytes, command),
                _ => {}
            }
            said.extend(format!("{tag} OK {ok}\r\n").bytes());
            if peer.try_send(said).await.is_err() {
                return;
            }
        }
    }

    fn options(self, link: &RoundTrips, mock: &Mock) -> Options {
        let tokens = Arc::new(FixedToken(Secret::from("T")));
        let credentials = Credentials::OAuth { user: "ada@example.com".into(), tokens };
        let mut options = options_as(mock, Security::Implicit, credentials);
        options.endpoint.port = link.port();
        options
    }
}

/// Part 2 of the one message: 25 MB in base64.
fn content() -> Vec<u8> {
    b"QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVpBQkNERUZHSElKS0xNTk9QUVJTVFVWV1hZWkFCQ0RF\r\n".repeat(440_000)
}

fn window(bytes: &[u8], command: &str) -> Vec<u8> {
    let (_, range) = command.rsplit_once('<').unwrap();
    let (from, count) = range.trim_end_matches(['>', ')']).split_once('.').unwrap();
    let (from, count): (usize, usize) = (from.parse().unwrap(), count.parse().unwrap());
    let some = &bytes[from.min(bytes.len())..(from + count).min(bytes.len())];
    let mut said = format!(
        "* 1 FETCH (UID 5 BODYSTRUCTURE ((\"text\" \"plain\" NIL NIL NIL \"7bit\" 2 1)(\"application\" \"pdf\" NIL NIL NIL \
         \"base64\" {}) \"mixed\") BODY[2.MIME] \"\" BODY[2]<{from}> {{{}}}\r\n",
        bytes.len(),
        some.len()
    )
    .into_bytes();
    said.extend_from_slice(some);
    said.extend_from_slice(b")\r\n");
    said
}

async fn listed(server: Server) -> usize {
    let (mock, link) = server.start();
    let client = Client::connect(server.options(&link, &mock), &call()).await.unwrap();
    let mailboxes = client.list(json(r#"{"status":true}"#), &call()).await.unwrap();
    let counts: Vec<_> = mailboxes.iter().filter_map(|m| m.status.as_ref()).map(|s| s.messages).collect();
    assert_eq!(counts, (0..30).collect::<Vec<_>>());
    let count = link.count();
    client.close();
    count
}

#[tokio::test]
async fn connect_log_in_and_list_with_counters_takes_the_least_possible() {
    // TCP, TLS 1.3, greeting, AUTHENTICATE, LIST.
    assert_eq!(listed(DOVECOT).await, 5);
}

#[tokio::test]
async fn connect_log_in_and_thirty_statuses_on_exchange() {
    // TCP, TLS 1.3, greeting, AUTHENTICATE, CAPABILITY with ID, LIST with LSUB, STATUS × 30.
    assert_eq!(listed(EXCHANGE).await, 7);
}

#[tokio::test]
async fn a_server_that_is_not_what_its_greeting_says_is_asked() {
    let mock = Mock::start(async |listener| {
        let transcript = "S: * OK The Microsoft Exchange IMAP4 service is ready.\n\
                          C: {tag} AUTHENTICATE XOAUTH2 {response}\n\
                          S: {tag} BAD Command Argument Error. 12\n\
                          C: {tag} CAPABILITY\n\
                          S: * CAPABILITY IMAP4rev1 AUTH=XOAUTH2\n\
                          S: {tag} OK done\n\
                          C: {tag} AUTHENTICATE XOAUTH2\n\
                          S: + \n\
                          C: {response}\n\
                          S: {tag} OK [CAPABILITY IMAP4rev1] in\n";
        listener.accept().await.play(&(transcript.to_owned() + LOGOUT)).await;
    });
    let tokens = Arc::new(FixedToken(Secret::from("T")));
    let credentials = Credentials::OAuth { user: "ada@example.com".into(), tokens };
    let client = Client::connect(options_as(&mock, Security::None, credentials), &call()).await.unwrap();
    finish(client, mock).await;
}

#[tokio::test]
async fn a_part_of_25_mb_takes_three_round_trips() {
    let (mock, link) = DOVECOT.start();
    let client = Client::connect(DOVECOT.options(&link, &mock), &call()).await.unwrap();
    let before = link.count();
    let options = DownloadOptions { part: Some("2".into()), ..DownloadOptions::default() };
    let mut chunks = client.download("INBOX", 5, options, &call());
    let mut got = 0;
    while let Some(chunk) = chunks.next().await {
        got += chunk.unwrap().len();
    }
    assert_eq!(got, 440_000 * 57);
    // EXAMINE, the first window, everything else.
    assert!(link.count() - before <= 3, "{} round trips", link.count() - before);
    client.close();
}
