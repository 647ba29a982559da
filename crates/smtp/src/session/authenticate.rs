//! AUTH (RFC 4954 §4).
//!
//! ```text
//! C: AUTH XOAUTH2 <message>           if the line stays short
//! C: AUTH XOAUTH2    S: 334    C: <message>    else
//! S: 235                              or
//! S: 334 <why, as JSON>    C: <empty, or ^A>    S: 535 <the refusal>
//! ```
//!
//! Nothing is ever pipelined behind it: a refused token's challenge would swallow the next line.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use email_base::{Scrub, Secret, redact};
use email_net::Endpoint;

use crate::error::{Error, Result};
use crate::phase::Phase;
use crate::refusal::Who;
use crate::reply::Reply;
use crate::sasl::{self, FOR_PASSWORD, FOR_TOKEN, Mechanism};
use crate::scope::Scope;
use crate::session::{Session, refused};

/// A command line may have 512 octets (RFC 5321 §4.5.3.1.4). RFC 4954 allows AUTH 12,288, but Postfix cuts at 2,048 and
/// Dovecot's submission service at about 1,300.
const MAX_COMMAND_LINE: usize = 500;
/// Longest field of a refused token's challenge, and longest list of mechanisms, that is kept.
const MAX_DETAIL: usize = 200;

impl Session {
    /// Signs in with a password or an access token, as the session was opened for.
    pub(super) async fn authenticate(
        &mut self,
        user: &str,
        proof: &Secret,
        endpoint: &Endpoint,
        scope: Scope<'_>,
    ) -> Result<()> {
        let (wanted, name) = match self.identity.who {
            Who::Token => (FOR_TOKEN, "an access token"),
            Who::Password | Who::Nobody => (FOR_PASSWORD, "a password"),
        };
        let Some(mechanism) = Mechanism::choose(wanted, &self.extensions) else {
            let offered = &self.extensions.auth;
            let said = redact::text(&self.identity.scrub.clean(&offered.join(" ")), MAX_DETAIL);
            let offered = if offered.is_empty() { "none".to_owned() } else { said };
            return Err(Error::MechanismUnavailable { wanted: name, offered });
        };
        let mut exchange = Exchange { session: self, mechanism, scope, challenge: None };
        let reply = match mechanism.initial_response(user, proof, endpoint) {
            Some(message) => exchange.message(&message).await?,
            None => exchange.login(user, proof).await?,
        };
        let challenge = exchange.challenge.take();
        if reply.is_positive() {
            tracing::debug!(target: "smtp", mechanism = mechanism.name(), "signed in");
            return Ok(());
        }
        let what = format!("the sign-in of {user} by {}", mechanism.name());
        let mut error = refused(&reply, Phase::Auth, &self.identity, what);
        if let Error::Refused { server, .. } = &mut error {
            server.details = challenge.and_then(|challenge| details(&challenge, &self.identity.scrub));
        }
        Err(error)
    }
}

struct Exchange<'a> {
    session: &'a mut Session,
    mechanism: Mechanism,
    scope: Scope<'a>,
    /// Why a token was refused, as the server put it.
    challenge: Option<String>,
}

impl Exchange<'_> {
    /// One message from us, for every mechanism but LOGIN.
    async fn message(&mut self, message: &Secret) -> Result<Reply> {
        let name = self.mechanism.name();
        let one_line = "AUTH  \r\n".len() + name.len() + message.expose().len();
        let mut reply = if one_line <= MAX_COMMAND_LINE {
            let line = Secret::new(format!("AUTH {name} {}", message.expose()));
            self.say(line.expose()).await?
        } else {
            let asked = self.say(&format!("AUTH {name}")).await?;
            if asked.code != 334 {
                return self.ended(asked);
            }
            self.say(message.expose()).await?
        };
        // A server that overlooked the message on the AUTH line asks for it.
        if one_line <= MAX_COMMAND_LINE && reply.code == 334 && !sasl::is_error_challenge(&reply.text()) {
            reply = self.say(message.expose()).await?;
        }
        if reply.code == 334 && matches!(self.mechanism, Mechanism::XOAuth2 | Mechanism::OAuthBearer) {
            self.challenge = Some(reply.text());
            reply = self.say(self.mechanism.error_response()).await?;
        }
        self.ended(reply)
    }

    /// LOGIN asks for user and password, in words that differ; the order does not.
    async fn login(&mut self, user: &str, password: &Secret) -> Result<Reply> {
        let mut reply = self.say("AUTH LOGIN").await?;
        for answer in [sasl::encode(user), sasl::encode(password.expose())] {
            if reply.code != 334 {
                return self.ended(reply);
            }
            reply = self.say(answer.expose()).await?;
        }
        self.ended(reply)
    }

    async fn say(&mut self, line: &str) -> Result<Reply> {
        self.session.command(Line(line), Phase::Auth, self.scope).await
    }

    /// A challenge beyond the last, or success for what was a refusal, is not to be followed.
    fn ended(&mut self, reply: Reply) -> Result<Reply> {
        let refused_before = self.challenge.is_some();
        if !reply.is_positive() || (reply.code / 100 == 2 && !refused_before) {
            return Ok(reply);
        }
        self.session.broken = true;
        let detail = format!("it answered AUTH with {}", reply.code);
        Err(Error::Protocol { phase: Phase::Auth.doing(), detail })
    }
}

struct Line<'a>(&'a str);

impl std::fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}\r\n", self.0)
    }
}

/// What RFC 7628 §3.2.2 and Google name in a challenge, as a JSON object; nothing else of it.
fn details(challenge: &str, scrub: &Scrub) -> Option<String> {
    let json = STANDARD.decode(challenge.trim()).ok()?;
    let found: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(&json).ok()?;
    let known = ["status", "schemes", "scope"].into_iter().filter_map(|name| {
        let text = redact::text(&scrub.clean(found.get(name)?.as_str()?), MAX_DETAIL);
        Some((name.to_owned(), text.into()))
    });
    let known: serde_json::Map<_, _> = known.collect();
    (!known.is_empty()).then(|| serde_json::Value::Object(known).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_fields_of_a_challenge_are_kept() {
        let json = r#"{"status":"400","schemes":"Bearer","scope":"https://mail.google.com/","token":"x","n":7}"#;
        assert_eq!(
            details(&STANDARD.encode(json), &Scrub::default()).unwrap(),
            r#"{"schemes":"Bearer","scope":"https://mail.google.com/","status":"400"}"#
        );
        for bad in ["", "!", "e30=", "W10=", "eyJzdGF0dXMiOg=="] {
            assert_eq!(details(bad, &Scrub::default()), None, "{bad}");
        }
    }
}
