//! The one error table: code → category, action, scope, retry advice and a sentence.
//!
//! `MailErrorCode` in `index.d.ts` and the table in README.md are printed from here (`cargo run -p email-base --example
//! error-table`), so a code exists in one spelling only.

macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$doc])* $variant),+ }

        impl $name {
            /// The word of the public API.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// What `word` of the public API means.
            pub fn from_word(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

words! {
    /// What kind of thing went wrong.
    Category {
        /// The caller's own values.
        Argument = "argument",
        /// DNS, TCP, proxies.
        Network = "network",
        /// A deadline passed.
        Timeout = "timeout",
        /// Certificates and handshakes.
        Tls = "tls",
        /// Who the user or the app is.
        Auth = "auth",
        /// What they may do.
        Permission = "permission",
        /// Too much, too fast.
        RateLimit = "rate-limit",
        /// Full mailboxes and used-up allowances.
        Quota = "quota",
        /// Mailbox, message or part is not there.
        NotFound = "not-found",
        /// The server understood and refused.
        Rejected = "rejected",
        /// The server broke the protocol.
        Protocol = "protocol",
        /// A limit of ours.
        Limit = "limit",
        /// Stopped by the caller.
        Aborted = "aborted",
        /// A defect of this addon.
        Internal = "internal",
    }
}

words! {
    /// Who has to act for the same call to succeed.
    Action {
        /// Nobody: the same call may work later.
        Retry = "retry",
        /// The mailbox's user links it again or enters the password.
        Reauthorize = "reauthorize",
        /// An administrator of the tenant or of the mail server.
        AskAdmin = "ask-admin",
        /// Whoever keeps the addon's settings: host, port, client id, secret, CA.
        FixConfig = "fix-config",
        /// The calling code or the person who typed the value.
        FixInput = "fix-input",
        /// Nobody can, or nobody needs to.
        None = "none",
    }
}

words! {
    /// Which protocol was spoken.
    Protocol {
        /// OAuth 2.0 and OpenID Connect.
        OAuth = "oauth",
        /// IMAP4rev1/rev2.
        Imap = "imap",
        /// SMTP submission.
        Smtp = "smtp",
        /// Messages.
        Mime = "mime",
    }
}

words! {
    /// How much is affected.
    Scope {
        /// Everything of this account.
        Account = "account",
        /// One mailbox (folder).
        Mailbox = "mailbox",
        /// One message.
        Message = "message",
        /// This call.
        Call = "call",
    }
}

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// See [`Category`].
    pub category: Category,
    /// See [`Action`].
    pub action: Action,
    /// See [`Scope`].
    pub scope: Scope,
    /// The same call may succeed later, unchanged.
    pub retryable: bool,
    /// What it means.
    pub meaning: &'static str,
    /// What to do about it.
    pub remedy: &'static str,
}

macro_rules! table {
    ($($variant:ident $name:literal $category:ident $action:ident $scope:ident $retryable:literal $meaning:literal $remedy:literal;)+) => {
        /// A code of the public API.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Code { $(#[doc = $meaning] $variant),+ }

        impl Code {
            /// Every code, in the table's order.
            pub const ALL: &'static [Code] = &[$(Code::$variant),+];

            /// The spelling of the public API.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            /// The code of that spelling.
            pub fn from_word(word: &str) -> Option<Self> {
                match word { $($name => Some(Self::$variant),)+ _ => None }
            }

            /// The code's row.
            pub const fn entry(self) -> Entry {
                match self {
                    $(Self::$variant => Entry {
                        category: Category::$category,
                        action: Action::$action,
                        scope: Scope::$scope,
                        retryable: $retryable,
                        meaning: $meaning,
                        remedy: $remedy,
                    }),+
                }
            }
        }
    };
}

table! {
    // ── the caller
    InvalidArgument "INVALID_ARGUMENT" Argument FixInput Call false
        "A value has the wrong type or cannot be used." "Correct the argument that the message names; nothing was sent.";
    InvalidUidSet "INVALID_UID_SET" Argument FixInput Call false
        "The UID set is not one of RFC 9051." "Use a UID, a list, '1:*', '3,5:10' or { newest: n }.";
    InvalidMailboxName "INVALID_MAILBOX_NAME" Argument FixInput Call false
        "The mailbox name is empty or holds CR, LF or NUL." "Use a path as `list` gave it.";
    InvalidCursor "INVALID_CURSOR" Argument FixInput Mailbox false
        "The cursor is broken, truncated, or of another mailbox or account." "Pass the cursor of the last batch stored; if it is lost, drop what is stored of this mailbox and sync from null.";
    InvalidAddress "INVALID_ADDRESS" Argument FixInput Message false
        "An address cannot be an RFC 5321 mailbox, or would mean two different ones." "Correct the address that the message names.";
    NoRecipients "NO_RECIPIENTS" Argument FixInput Message false
        "The message has no recipient." "Give at least one of to, cc, bcc.";
    FileUnreadable "FILE_UNREADABLE" Argument FixInput Message false
        "An attachment's file cannot be read." "Check the path and the rights of the server process.";
    Closed "CLOSED" Aborted None Call false
        "The client was closed." "Connect a new one.";
    Aborted "ABORTED" Aborted None Call false
        "The call's AbortSignal fired." "Nothing: the client stays usable.";
    // ── the network
    Timeout "TIMEOUT" Timeout Retry Call true
        "The call's deadline passed." "Try again, or give a larger timeoutMs.";
    ConnectTimeout "CONNECT_TIMEOUT" Timeout Retry Account true
        "Nobody answered in connectTimeoutMs." "Check host, port, firewall and proxy if it stays.";
    HostNotFound "HOST_NOT_FOUND" Network FixConfig Account false
        "The host name does not exist." "Correct the host name.";
    DnsFailed "DNS_FAILED" Network Retry Account true
        "The host name could not be looked up now." "Try again; check the server's resolver if it stays.";
    ConnectionRefused "CONNECTION_REFUSED" Network Retry Account true
        "Nothing listens on that port." "Check host, port and firewall if it stays.";
    HostUnreachable "HOST_UNREACHABLE" Network Retry Account true
        "There is no route to the host." "Check the network, or set a proxy.";
    ConnectionLost "CONNECTION_LOST" Network Retry Call true
        "The connection ended in the middle of the call." "Try again: the next call connects anew.";
    ProxyFailed "PROXY_FAILED" Network FixConfig Account false
        "The proxy refused the connection or the credentials." "Check the proxy's address, credentials and rules.";
    // ── TLS
    CertificateUntrusted "CERTIFICATE_UNTRUSTED" Tls FixConfig Account false
        "The certificate is signed by a CA that is not trusted." "Pass the company's CA as `ca`; verification cannot be turned off.";
    CertificateExpired "CERTIFICATE_EXPIRED" Tls AskAdmin Account false
        "The certificate is expired or not yet valid." "The server's administrator renews it; check this machine's clock.";
    CertificateHostMismatch "CERTIFICATE_HOST_MISMATCH" Tls FixConfig Account false
        "The certificate is for another host name." "Use the host name that the certificate names.";
    TlsFailed "TLS_FAILED" Tls FixConfig Account false
        "The TLS handshake failed." "Check that port and tls mode fit together (993 and 465 implicit, 143 and 587 starttls).";
    StarttlsUnavailable "STARTTLS_UNAVAILABLE" Tls FixConfig Account false
        "The server offers no STARTTLS or refuses it." "Use the implicit TLS port; the addon never goes on in clear text.";
    StarttlsInjection "STARTTLS_INJECTION" Tls AskAdmin Account false
        "Bytes followed the STARTTLS reply in clear text: somebody may be tampering." "Have the network between here and the server checked.";
    // ── who
    AuthenticationFailed "AUTHENTICATION_FAILED" Auth Reauthorize Account false
        "The server refused user and password." "The user enters the password again; many providers want an app password or OAuth.";
    TokenRefused "TOKEN_REFUSED" Auth Reauthorize Account false
        "The mail server refused the access token: expired, for another user, or for another resource." "Refresh the token with the mail scopes; if that was done, the user links the mailbox again.";
    MechanismUnavailable "MECHANISM_UNAVAILABLE" Auth FixConfig Account false
        "The server offers no login mechanism that fits the credentials." "Use OAuth where the provider has switched passwords off, and TLS where it wants TLS.";
    InvalidGrant "INVALID_GRANT" Auth Reauthorize Account false
        "The refresh token or code is expired, revoked or used." "The user links the mailbox again.";
    InteractionRequired "INTERACTION_REQUIRED" Auth Reauthorize Account false
        "The provider wants the user: sign-in, MFA or consent." "The user links the mailbox again; pass `claims` on where given.";
    AuthorizationDenied "AUTHORIZATION_DENIED" Auth Reauthorize Account false
        "The user or the provider declined the authorization." "The user starts again and accepts the permissions.";
    AuthorizationMismatch "AUTHORIZATION_MISMATCH" Auth Reauthorize Call false
        "The callback does not belong to this authorization (state, issuer or redirect URI differ)." "Start the authorization anew; somebody may have tampered with it.";
    IdTokenInvalid "ID_TOKEN_INVALID" Auth Reauthorize Call false
        "The id_token is not proven: signature, issuer, audience, nonce or times are wrong." "Start the authorization anew; check the tenant and this machine's clock if it stays.";
    AuthorizationPending "AUTHORIZATION_PENDING" Auth Retry Call true
        "The user has not finished on the device page." "Poll again after the interval.";
    DeviceCodeExpired "DEVICE_CODE_EXPIRED" Auth Reauthorize Call false
        "The user did not finish on the device page in time." "Start a new device authorization.";
    ClientRejected "CLIENT_REJECTED" Auth FixConfig Account false
        "The provider does not accept the app's credentials." "Check client id and secret: the secret's value, not its id, and its expiry date.";
    InvalidScope "INVALID_SCOPE" Auth FixConfig Account false
        "The scopes are unknown, not granted to the app, or of two resources." "Check the app's API permissions; one resource per token.";
    OAuthConfig "OAUTH_CONFIG" Auth FixConfig Account false
        "The app's registration does not fit the request (redirect URI, tenant, account type)." "Compare redirect URI, tenant and account types with the app registration.";
    // ── may
    AdminConsentRequired "ADMIN_CONSENT_REQUIRED" Permission AskAdmin Account false
        "Only an administrator may consent to these permissions." "A tenant administrator opens `adminConsentUrl` and accepts.";
    BlockedByPolicy "BLOCKED_BY_POLICY" Permission AskAdmin Account false
        "A policy of the tenant blocks the sign-in (Conditional Access, assignment, disabled account)." "The tenant administrator checks the sign-in log with the trace id.";
    AccessDenied "ACCESS_DENIED" Permission AskAdmin Mailbox false
        "The user may not do this with this mailbox." "The mailbox's owner or administrator grants the right.";
    MailboxUnavailable "MAILBOX_UNAVAILABLE" Permission AskAdmin Account true
        "Signed in, but no mailbox opens: no licence, IMAP switched off, no right on a shared mailbox, or too many connections." "The Exchange administrator checks licence, IMAP and full-access right of the mailbox.";
    SmtpAuthDisabled "SMTP_AUTH_DISABLED" Permission AskAdmin Account false
        "Authenticated SMTP is switched off for the tenant or the mailbox." "The Exchange administrator turns on Authenticated SMTP for the mailbox.";
    SenderDenied "SENDER_DENIED" Permission AskAdmin Message false
        "The user may not send as this sender." "Send as the own address, or have the send-as right granted.";
    // ── how much
    RateLimited "RATE_LIMITED" RateLimit Retry Account true
        "Too many requests, connections or messages." "Wait `retryAfterMs`.";
    QuotaExceeded "QUOTA_EXCEEDED" Quota AskAdmin Account false
        "The mailbox is full or the sending allowance is used up." "Free space, or wait until the allowance is renewed.";
    // ── what
    MailboxNotFound "MAILBOX_NOT_FOUND" NotFound FixInput Mailbox false
        "There is no such mailbox." "List the mailboxes again.";
    MailboxExists "MAILBOX_EXISTS" Rejected FixInput Mailbox false
        "A mailbox of that name exists already." "Use another name.";
    MessageNotFound "MESSAGE_NOT_FOUND" NotFound FixInput Message false
        "There is no message with that UID." "Search or sync again: it was moved or deleted.";
    PartNotFound "PART_NOT_FOUND" NotFound FixInput Message false
        "The message has no such part." "Take the part from `bodyStructure` or `attachments`.";
    UidValidityChanged "UIDVALIDITY_CHANGED" NotFound FixInput Mailbox false
        "The mailbox was rebuilt: stored UIDs mean other messages now." "Drop what is stored of this mailbox and sync anew.";
    // ── refused
    CommandRejected "COMMAND_REJECTED" Rejected None Call false
        "The server refused the command." "Read `server.text`.";
    ServerUnavailable "SERVER_UNAVAILABLE" Rejected Retry Account true
        "The server has a temporary problem." "Try again later.";
    CapabilityMissing "CAPABILITY_MISSING" Rejected None Call false
        "The server lacks an extension that this call needs." "Use another way; the message names the extension.";
    RecipientRejected "RECIPIENT_REJECTED" Rejected FixInput Message false
        "The server refused the recipient." "Correct the address or leave it out.";
    MessageRejected "MESSAGE_REJECTED" Rejected FixInput Message false
        "The server refused the message." "Read `server.text`; do not resend unchanged.";
    MessageTooLarge "MESSAGE_TOO_LARGE" Limit FixInput Message false
        "The message is larger than the server accepts." "Send smaller attachments or a link.";
    // ── broken
    ProtocolViolation "PROTOCOL_VIOLATION" Protocol Retry Call true
        "The server's answer breaks the protocol." "Try again; report it with the log if it stays.";
    UnexpectedResponse "UNEXPECTED_RESPONSE" Protocol Retry Call true
        "The OAuth endpoint answered something else than its protocol (a page, a redirect, bad JSON)." "Check the endpoint and the proxy if it stays.";
    IncompleteMessage "INCOMPLETE_MESSAGE" Protocol Retry Message true
        "The server gave less of a message than was asked." "Try again later; the rest of the mailbox goes on.";
    // ── ours
    CallbackFailed "CALLBACK_FAILED" Internal Retry Call true
        "A function of the caller (accessToken, load, save) failed." "Look at what it threw: the addon keeps going on with what is known.";
    LimitExceeded "LIMIT_EXCEEDED" Limit FixInput Call false
        "A limit of the addon that protects the process was reached." "Ask for less, or raise the limit that the message names.";
    Internal "INTERNAL" Internal None Call false
        "A defect of this addon." "Please report it with the message.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_spelt_alike() {
        let mut seen = std::collections::HashSet::new();
        for code in Code::ALL {
            let name = code.as_str();
            assert!(seen.insert(name), "{name} stands twice");
            assert!(name.chars().all(|c| c.is_ascii_uppercase() || c == '_'), "{name}");
            assert_eq!(Code::from_word(name), Some(*code));
        }
    }

    #[test]
    fn retry_is_the_advice_for_retryable_rows_only() {
        for code in Code::ALL {
            let entry = code.entry();
            if entry.action == Action::Retry {
                assert!(entry.retryable, "{} says retry but is not retryable", code.as_str());
            }
            assert!(entry.meaning.ends_with('.') && entry.remedy.ends_with('.'), "{}", code.as_str());
        }
    }
}
