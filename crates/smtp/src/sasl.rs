//! SASL messages for AUTH (RFC 4954).
//!
//! | mechanism   | message                                                               |                |
//! |-------------|-----------------------------------------------------------------------|----------------|
//! | XOAUTH2     | `user=U ^A auth=Bearer T ^A ^A`                                       | Google's       |
//! | OAUTHBEARER | `n,a=U, ^A host=H ^A port=P ^A auth=Bearer T ^A ^A`                   | RFC 7628 §3.1  |
//! | PLAIN       | `NUL U NUL P`                                                         | RFC 4616       |
//! | LOGIN       | U, then P, each asked for                                             | expired draft  |

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use email_base::Secret;
use email_net::Endpoint;

use crate::ehlo::Extensions;

/// How to sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mechanism {
    XOAuth2,
    OAuthBearer,
    Plain,
    Login,
}

/// For an access token, in the order of trust in the servers' implementations.
pub(crate) const FOR_TOKEN: &[Mechanism] = &[Mechanism::XOAuth2, Mechanism::OAuthBearer];
/// For a password; LOGIN is obsolete, and all that some offer.
pub(crate) const FOR_PASSWORD: &[Mechanism] = &[Mechanism::Plain, Mechanism::Login];

impl Mechanism {
    /// The word of the AUTH line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::XOAuth2 => "XOAUTH2",
            Self::OAuthBearer => "OAUTHBEARER",
            Self::Plain => "PLAIN",
            Self::Login => "LOGIN",
        }
    }

    /// The first of `wanted` that the server offers.
    pub(crate) fn choose(wanted: &[Self], offered: &Extensions) -> Option<Self> {
        wanted.iter().copied().find(|mechanism| offered.offers_auth(mechanism.name()))
    }

    /// The client's whole message in base64; LOGIN has none.
    pub(crate) fn initial_response(self, user: &str, proof: &Secret, endpoint: &Endpoint) -> Option<Secret> {
        let proof = proof.expose();
        let message = Secret::new(match self {
            Self::XOAuth2 => format!("user={user}\x01auth=Bearer {proof}\x01\x01"),
            Self::OAuthBearer => format!(
                "n,a={},\x01host={}\x01port={}\x01auth=Bearer {proof}\x01\x01",
                saslname(user),
                endpoint.host,
                endpoint.port
            ),
            Self::Plain => format!("\0{user}\0{proof}"),
            Self::Login => return None,
        });
        Some(encode(message.expose()))
    }

    /// Answers the challenge that says why a token was refused; only then does the refusal itself come.
    pub(crate) fn error_response(self) -> &'static str {
        match self {
            // RFC 7628 §3.2.3: a single ^A.
            Self::OAuthBearer => "AQ==",
            _ => "",
        }
    }
}

/// Base64 of `text`.
pub(crate) fn encode(text: &str) -> Secret {
    Secret::new(STANDARD.encode(text))
}

/// The challenge of a refused token: a JSON object in base64 (RFC 7628 §3.2.2). Anything else asks for something.
pub(crate) fn is_error_challenge(challenge: &str) -> bool {
    STANDARD.decode(challenge.trim()).is_ok_and(|json| json.trim_ascii_start().first() == Some(&b'{'))
}

/// RFC 5801 §4: comma and equals sign would end the field.
fn saslname(user: &str) -> String {
    user.replace('=', "=3D").replace(',', "=2C")
}

#[cfg(test)]
mod tests {
    use email_net::Security;

    use super::*;

    fn message(mechanism: Mechanism) -> String {
        let endpoint = Endpoint { host: "smtp.example.com".into(), port: 587, tls: Security::StartTls };
        let secret = mechanism.initial_response("a,b=c@example.com", &"tok".into(), &endpoint).unwrap();
        String::from_utf8(STANDARD.decode(secret.expose()).unwrap()).unwrap()
    }

    #[test]
    fn messages_are_those_of_the_rfcs() {
        assert_eq!(message(Mechanism::XOAuth2), "user=a,b=c@example.com\x01auth=Bearer tok\x01\x01");
        assert_eq!(
            message(Mechanism::OAuthBearer),
            "n,a=a=2Cb=3Dc@example.com,\x01host=smtp.example.com\x01port=587\x01auth=Bearer tok\x01\x01"
        );
        assert_eq!(message(Mechanism::Plain), "\0a,b=c@example.com\0tok");
    }

    #[test]
    fn a_refusal_is_told_from_a_question() {
        assert!(is_error_challenge(encode(r#"{"status":"401"}"#).expose()));
        for question in ["", " ", "VXNlcm5hbWU6", "hello", "e"] {
            assert!(!is_error_challenge(question), "{question:?}");
        }
    }
}
