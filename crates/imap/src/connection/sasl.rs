//! Initial responses and challenge answers of the SASL mechanisms (RFC 4616, RFC 7628, Google's XOAUTH2).
//!
//! ```text
//! XOAUTH2      user=U ^A auth=Bearer T ^A ^A                      refused: JSON challenge, answered with an empty line
//! OAUTHBEARER  n,a=U, ^A host=H ^A port=P ^A auth=Bearer T ^A ^A  refused: JSON challenge, answered with ^A
//! PLAIN        NUL user NUL password
//! ```

use std::sync::{Arc, Mutex, PoisonError};

use async_imap::Authenticator;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use email_base::Secret;

use crate::error::{Error, Result};

/// A refusal's challenge is kept to this size: it is a line of JSON, anything larger is an attempt to fill memory.
const MAX_CHALLENGE: usize = 4096;

/// Which mechanism, with everything it needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mechanism {
    /// RFC 7628.
    OAuthBearer,
    /// Exchange, Gmail, Dovecot.
    XOAuth2,
    /// RFC 4616.
    Plain,
}

impl Mechanism {
    /// As in `AUTH=…`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::OAuthBearer => "OAUTHBEARER",
            Self::XOAuth2 => "XOAUTH2",
            Self::Plain => "PLAIN",
        }
    }

    /// What answers the challenge that carries a refusal (RFC 7628 §3.2.3).
    fn refusal_answer(self) -> &'static [u8] {
        match self {
            Self::OAuthBearer => b"\x01",
            Self::XOAuth2 | Self::Plain => b"",
        }
    }

    /// The client's first message, before base64.
    pub(crate) fn initial_response(self, user: &str, proof: &Secret, host: &str, port: u16) -> Result<Secret<Vec<u8>>> {
        refuse_separators("auth.user", user)?;
        let proof_name = if self == Self::Plain { "auth.password" } else { "auth.accessToken" };
        refuse_separators(proof_name, proof.expose())?;
        let proof = proof.expose();
        let message = match self {
            Self::OAuthBearer => {
                let user = user.replace('=', "=3D").replace(',', "=2C");
                format!("n,a={user},\x01host={host}\x01port={port}\x01auth=Bearer {proof}\x01\x01")
            }
            Self::XOAuth2 => format!("user={user}\x01auth=Bearer {proof}\x01\x01"),
            Self::Plain => format!("\0{user}\0{proof}"),
        };
        Ok(Secret::new(message.into_bytes()))
    }
}

/// Separators inside a value would let it say something else; a token holding CR or LF would write a second command.
pub(crate) fn refuse_separators(argument: &'static str, value: &str) -> Result<()> {
    if value.is_empty() {
        return Err(Error::argument(argument, "is empty"));
    }
    if value.bytes().any(|b| matches!(b, 0 | 1 | b'\r' | b'\n')) {
        return Err(Error::argument(argument, "holds CR, LF, NUL or ^A"));
    }
    Ok(())
}

/// What the server's refusal challenge said, decoded.
#[derive(Debug, Clone, Default)]
pub(crate) struct Refusal(Arc<Mutex<Option<String>>>);

impl Refusal {
    pub(crate) fn take(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn set(&self, challenge: &[u8]) {
        let kept = challenge.get(..MAX_CHALLENGE).unwrap_or(challenge);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(String::from_utf8_lossy(kept).into_owned());
    }
}

/// One authentication exchange, as async-imap drives it.
pub(crate) struct Exchange {
    mechanism: Mechanism,
    response: Secret<Vec<u8>>,
    /// The response went out, in the command's line (SASL-IR, RFC 4959) or as an answer.
    sent: bool,
    refusal: Refusal,
}

impl Exchange {
    /// With `initial` the response goes in the command's own line.
    pub(crate) fn new(mechanism: Mechanism, response: Secret<Vec<u8>>, initial: bool) -> (Self, Secret, Refusal) {
        let command = if initial {
            let encoded = Secret::new(STANDARD.encode(response.expose()));
            Secret::new(format!("{} {}", mechanism.name(), encoded.expose()))
        } else {
            Secret::new(mechanism.name().to_owned())
        };
        let refusal = Refusal::default();
        (Self { mechanism, response, sent: initial, refusal: refusal.clone() }, command, refusal)
    }
}

impl Authenticator for Exchange {
    type Response = Vec<u8>;

    fn process(&mut self, challenge: &[u8]) -> Vec<u8> {
        if !self.sent {
            self.sent = true;
            return self.response.expose().clone();
        }
        self.refusal.set(challenge);
        self.mechanism.refusal_answer().to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn initial(mechanism: Mechanism, user: &str, proof: &str) -> Vec<u8> {
        let response = mechanism.initial_response(user, &Secret::from(proof), "imap.example.com", 993).unwrap();
        response.expose().clone()
    }

    #[test]
    fn known_answers() {
        assert_eq!(
            initial(Mechanism::XOAuth2, "ada@example.com", "T"),
            b"user=ada@example.com\x01auth=Bearer T\x01\x01"
        );
        assert_eq!(
            initial(Mechanism::OAuthBearer, "a,b=c@example.com", "T"),
            b"n,a=a=2Cb=3Dc@example.com,\x01host=imap.example.com\x01port=993\x01auth=Bearer T\x01\x01"
        );
        assert_eq!(initial(Mechanism::Plain, "ada", "pässword"), "\0ada\0pässword".as_bytes());
    }

    #[test]
    fn sasl_injection() {
        for mechanism in [Mechanism::XOAuth2, Mechanism::OAuthBearer, Mechanism::Plain] {
            for evil in ["a\x01b", "a\rb", "a\nb", "a\0b", ""] {
                for (user, proof) in [(evil, "T"), ("ada", evil)] {
                    let error = mechanism.initial_response(user, &Secret::from(proof), "h", 1).unwrap_err();
                    assert!(matches!(error, Error::InvalidArgument { .. }), "{mechanism:?} {evil:?}");
                    assert!(evil.is_empty() || !error.to_string().contains(evil), "the value is shown: {error}");
                }
            }
        }
    }

    #[test]
    fn a_refusal_is_answered_and_kept() {
        for (mechanism, answer) in [(Mechanism::XOAuth2, &b""[..]), (Mechanism::OAuthBearer, b"\x01")] {
            for one_line in [true, false] {
                let (mut exchange, command, refusal) =
                    Exchange::new(mechanism, Secret::new(b"response".to_vec()), one_line);
                assert_eq!(command.expose().contains(' '), one_line);
                if !one_line {
                    assert_eq!(exchange.process(b""), b"response");
                }
                assert_eq!(exchange.process(br#"{"status":"invalid_token"}"#), answer);
                assert_eq!(refusal.take().as_deref(), Some(r#"{"status":"invalid_token"}"#));
            }
        }
    }
}
