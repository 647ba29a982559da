//! The clear-text prelude of STARTTLS (RFC 9051 §6.2.1), byte by byte under our own control.
//!
//! ```text
//! S: * OK …          BYE and PREAUTH end it
//! C: tag STARTTLS    the tag cannot be guessed: a tagged OK that was sent ahead is an attack
//! S: tag OK …        nothing may follow in clear text
//! ```
//!
//! What the server said before TLS (its capabilities above all) is forgotten.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};

use email_base::{Call, Scrub, ServerReply};
use email_net::{ClearDialogue, Connector, Stream};

use crate::error::{Error, Result};

/// Untagged lines before the reply. An honest server sends none or a few.
const MAX_UNTAGGED: usize = 100;

/// From a clear stream to an encrypted one, or not at all.
pub(crate) async fn upgrade(
    stream: Stream,
    connector: &Connector,
    host: &str,
    scrub: &Scrub,
    call: &Call,
) -> Result<Stream> {
    let time = stream.greeting_time();
    let mut dialogue = ClearDialogue::new(stream);
    greeting(&time.run(Box::pin(dialogue.read_line()), || false).await??, scrub)?;
    let tag = unguessable_tag();
    dialogue.write_line(&format!("{tag} STARTTLS")).await?;
    for _ in 0..MAX_UNTAGGED {
        let line = dialogue.read_line().await?;
        match line.split_once(' ') {
            Some(("*", text)) => farewell(text, scrub)?,
            Some((first, text)) if first == tag => {
                let (status, text) = text.split_once(' ').unwrap_or((text, ""));
                if status.eq_ignore_ascii_case("OK") {
                    return Ok(dialogue.start_tls(connector, host, call).await?);
                }
                let reply = Some(Box::new(ServerReply::new(status.to_ascii_uppercase(), &scrub.clean(text), None)));
                return Err(Error::StarttlsUnavailable { reason: "it refused STARTTLS", reply });
            }
            _ => return Err(Error::StarttlsInjection("it answered a command that was not sent")),
        }
    }
    Err(Error::protocol("it floods the client before TLS"))
}

fn greeting(line: &str, scrub: &Scrub) -> Result<()> {
    let Some(("*", text)) = line.split_once(' ') else {
        return Err(Error::protocol("it does not greet as an IMAP server"));
    };
    farewell(text, scrub)?;
    let word = text.split(' ').next().unwrap_or_default();
    if word.eq_ignore_ascii_case("OK") {
        Ok(())
    } else if word.eq_ignore_ascii_case("PREAUTH") {
        // Who is logged in already cannot start TLS (RFC 9051 §6.2.1): somebody wants to keep us in clear text.
        Err(Error::StarttlsUnavailable { reason: "it greets with PREAUTH", reply: None })
    } else {
        Err(Error::protocol("it does not greet as an IMAP server"))
    }
}

fn farewell(text: &str, scrub: &Scrub) -> Result<()> {
    let (word, text) = text.split_once(' ').unwrap_or((text, ""));
    if word.eq_ignore_ascii_case("BYE") {
        return Err(Error::ConnectionLost {
            during: "STARTTLS",
            bye: Some(Box::new(ServerReply::new("BYE", &scrub.clean(text), None))),
        });
    }
    Ok(())
}

/// Different for every connection; `RandomState` is seeded by the system's randomness.
fn unguessable_tag() -> String {
    format!("T{:016X}", RandomState::new().build_hasher().finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn preauth_before_starttls() {
        let greeting = |line| greeting(line, &Scrub::default());
        assert!(matches!(greeting("* PREAUTH welcome"), Err(Error::StarttlsUnavailable { .. })));
        assert!(matches!(greeting("* BYE too many connections"), Err(Error::ConnectionLost { bye: Some(_), .. })));
        assert!(matches!(greeting("220 smtp.example.com"), Err(Error::ProtocolViolation(_))));
        assert!(matches!(greeting(""), Err(Error::ProtocolViolation(_))));
        greeting("* OK [CAPABILITY IMAP4rev1] ready").unwrap();
    }

    #[test]
    fn tags_differ() {
        assert_ne!(unguessable_tag(), unguessable_tag());
    }
}
