//! What is known of a provider by its host name: its limits, and who files the copy in Sent.
//!
//! Limits of Exchange Online: 3 connections and 30 messages a minute for each mailbox. A row fills in only what the
//! caller left open.

use serde::{Deserialize, Serialize};

use crate::options::RateLimit;

/// Who puts the copy of a sent message into the Sent mailbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum SentCopy {
    /// The server has done it already: appending one more would show the message twice.
    Server,
    /// The caller, by IMAP APPEND.
    Caller,
}

impl SentCopy {
    /// The word of the public API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Caller => "caller",
        }
    }
}

/// One row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Provider {
    /// The host itself, or with a leading dot any host below.
    hosts: &'static [&'static str],
    pub(crate) sent_copy: SentCopy,
    pub(crate) max_connections: u32,
    pub(crate) rate_limit: Option<RateLimit>,
}

/// Connections to a server of which nothing is known: enough to overlap round trips, few enough for any limit.
const DEFAULT_MAX_CONNECTIONS: u32 = 3;

const PROVIDERS: &[Provider] = &[
    Provider {
        hosts: &[".office365.com", ".outlook.com", ".office365.us", ".partner.outlook.cn"],
        sent_copy: SentCopy::Server,
        max_connections: 3,
        rate_limit: Some(RateLimit { messages: 30, per_ms: 60_000 }),
    },
    Provider {
        hosts: &["smtp.gmail.com", "smtp.googlemail.com"],
        sent_copy: SentCopy::Server,
        max_connections: 3,
        rate_limit: None,
    },
];

const UNKNOWN: Provider =
    Provider { hosts: &[], sent_copy: SentCopy::Caller, max_connections: DEFAULT_MAX_CONNECTIONS, rate_limit: None };

/// The row for `host`.
pub(crate) fn of(host: &str) -> Provider {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    PROVIDERS
        .iter()
        .find(|row| {
            row.hosts.iter().any(|known| if known.starts_with('.') { host.ends_with(known) } else { host == *known })
        })
        .copied()
        .unwrap_or(UNKNOWN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_providers_own_hosts_match() {
        for host in ["smtp.office365.com", "SMTP-MAIL.Outlook.com", "smtp.office365.us.", "smtp.partner.outlook.cn"] {
            assert_eq!(of(host).sent_copy, SentCopy::Server, "{host}");
            assert_eq!(of(host).rate_limit, Some(RateLimit { messages: 30, per_ms: 60_000 }));
        }
        assert_eq!(of("smtp.gmail.com").sent_copy, SentCopy::Server);
        for host in
            ["smtp.163.com", "evil-office365.com", "office365.com.evil.example", "smtp-relay.gmail.com", "localhost"]
        {
            assert_eq!(of(host).sent_copy, SentCopy::Caller, "{host}");
            assert_eq!(of(host).rate_limit, None);
        }
    }
}
