//! What async-imap gets to see of a response: rewritten, so that imap-proto can always read it.
//!
//! imap-proto fails or panics over response codes with odd data, `[ALERT]é`, and more; async-imap fails over a SASL
//! challenge that is no base64. The lossless form is the [`Event`].

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::grammar::{Completion, Condition, ConditionKind, Event, Untagged};

/// Longest text passed on: it ends up in error messages of async-imap, which nobody shows.
const MAX_TEXT: usize = 200;

/// The line for async-imap, if it has to see this response at all.
pub(super) fn line(event: &Event, awaits_greeting: bool) -> Option<String> {
    match event {
        Event::Completion(Completion { tag, status, text, .. }) => {
            Some(format!("{tag} {} {}\r\n", status.as_str(), plain(text)))
        }
        Event::Continuation(request) => {
            let challenge = Some(request.text.as_str()).filter(|text| STANDARD.decode(text).is_ok());
            Some(format!("+ {}\r\n", challenge.unwrap_or_default()))
        }
        Event::Untagged(Untagged::Condition(Condition { kind, text, .. })) if awaits_greeting => {
            // `* NO` and `* BAD` are no greetings: to async-imap they are a farewell.
            let word = match kind {
                ConditionKind::Ok | ConditionKind::Preauth => kind.as_str(),
                _ => "BYE",
            };
            Some(format!("* {word} {}\r\n", plain(text)))
        }
        Event::Untagged(_) => None,
    }
}

/// Printable ASCII that does not look like a response code, and is never empty.
fn plain(text: &str) -> String {
    let safe = |c: char| if c == ' ' || (c.is_ascii_graphic() && c != '[') { c } else { '?' };
    let text: String = text.chars().take(MAX_TEXT).map(safe).collect();
    if text.is_empty() { "-".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grammar::{CompletionStatus, Continuation};

    fn completion(text: &str) -> Event {
        let code = None;
        Event::Completion(Completion { tag: "A0001".into(), status: CompletionStatus::No, code, text: text.into() })
    }

    #[test]
    fn imap_proto_reads_whatever_the_server_said() {
        for text in ["", "é", "[ALERT]é", "[COPYUID", "\0\r\n", "😀 ok", "{5}"] {
            let line = line(&completion(text), false).unwrap();
            let (rest, read) = imap_proto::Response::parse(line.as_bytes()).unwrap();
            assert!(rest.is_empty());
            let imap_proto::Response::Done { status: imap_proto::Status::No, outcome, .. } = read else {
                panic!("{read:?}")
            };
            assert_eq!(outcome.code, None);
        }
    }

    #[test]
    fn only_a_challenge_in_base64_is_passed() {
        let passed = |text: &str| line(&Event::Continuation(Continuation { text: text.into() }), false).unwrap();
        assert_eq!(passed("eyJhIjoxfQ=="), "+ eyJhIjoxfQ==\r\n");
        assert_eq!(passed("idling"), "+ \r\n");
        assert_eq!(passed("[ALERT] x"), "+ \r\n");
    }

    #[test]
    fn untagged_lines_stay_here_but_for_the_greeting() {
        let condition = |kind| Event::Untagged(Untagged::Condition(Condition { kind, code: None, text: "x".into() }));
        assert_eq!(line(&condition(ConditionKind::Ok), true).unwrap(), "* OK x\r\n");
        assert_eq!(line(&condition(ConditionKind::No), true).unwrap(), "* BYE x\r\n");
        assert_eq!(line(&condition(ConditionKind::Ok), false), None);
        assert_eq!(line(&Event::Untagged(Untagged::Exists(1)), true), None);
    }
}
