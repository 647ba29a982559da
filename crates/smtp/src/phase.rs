//! The steps of a session, and how long each may take (RFC 5321 §4.5.3.2).
//!
//! ```text
//!   Connect → Greeting → Ehlo ─┬→ StartTls → Ehlo ─┬→ Auth → idle
//!                              └───────────────────┘
//!   idle → Mail → Rcpt → Data → Content → Dot → idle
//!          └──────┴──────┴─ Reset ←┘ (refused)      not-sent ──┤ unknown
//! ```

use std::time::Duration;

/// Where a session stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Waiting for a free connection or for the rate limit.
    Queue,
    /// TCP, proxy, TLS.
    Connect,
    /// The server's first reply.
    Greeting,
    /// EHLO.
    Ehlo,
    /// STARTTLS and the handshake after it.
    StartTls,
    /// Waiting for an access token.
    Token,
    /// AUTH and its challenges.
    Auth,
    /// MAIL FROM.
    Mail,
    /// RCPT TO.
    Rcpt,
    /// DATA until 354.
    Data,
    /// The message, without its final dot.
    Content,
    /// From the final dot until its reply: now the server may have taken the message.
    Dot,
    /// RSET.
    Reset,
    /// NOOP.
    Noop,
}

impl Phase {
    /// Longest wait for one reply, or for one block of the message to be taken.
    pub(crate) fn limit(self) -> Duration {
        const MINUTE: u64 = 60;
        Duration::from_secs(match self {
            Self::Queue => u64::from(u32::MAX),
            Self::Connect | Self::Greeting | Self::Ehlo | Self::StartTls | Self::Token | Self::Auth => 5 * MINUTE,
            Self::Mail | Self::Rcpt | Self::Reset | Self::Noop => 5 * MINUTE,
            Self::Data => 2 * MINUTE,
            Self::Content => 3 * MINUTE,
            Self::Dot => 10 * MINUTE,
        })
    }

    /// What was being done, as the object of "while …".
    pub(crate) fn doing(self) -> &'static str {
        match self {
            Self::Queue => "waiting for its turn",
            Self::Connect => "connecting",
            Self::Greeting => "waiting for the server's greeting",
            Self::Ehlo => "saying EHLO",
            Self::StartTls => "switching to TLS",
            Self::Token => "getting an access token",
            Self::Auth => "signing in",
            Self::Mail => "naming the sender",
            Self::Rcpt => "naming the recipients",
            Self::Data => "asking to send the message",
            Self::Content => "sending the message",
            Self::Dot => "waiting for the server to confirm the message",
            Self::Reset => "resetting the session",
            Self::Noop => "testing the session",
        }
    }

    /// What a refusal refuses.
    pub(crate) fn object(self) -> &'static str {
        match self {
            Self::Queue | Self::Connect | Self::Greeting => "the connection",
            Self::Ehlo => "EHLO",
            Self::StartTls => "STARTTLS",
            Self::Token | Self::Auth => "the sign-in",
            Self::Mail => "the sender",
            Self::Rcpt => "the recipient",
            Self::Data | Self::Content | Self::Dot => "the message",
            Self::Reset => "RSET",
            Self::Noop => "NOOP",
        }
    }
}
