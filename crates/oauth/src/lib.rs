//! Floor 2: OAuth 2.0 and OpenID Connect for mail, by the `oauth2` crate over the addon's own HTTPS.
//!
//! * [`Provider`]: Microsoft, Google or any discovered OpenID Connect provider: endpoints, scopes, mail servers.
//! * [`Client`]: one verb a file: `authorization_url`, `redeem`, `refresh`, `client_credentials`, the device flow,
//!   `profile`, `revoke`, `admin_consent_url`; `prove` asks about the app without any user.
//! * [`TokenSource`]: one live token for many mail clients; knows when to renew, saves before use, never storms.
//! * [`Error`]: sorted by who has to act; the table that decides is the file `table.rs`.
//!
//! ```text
//! authorization_url ──▶ browser ──▶ callback ──▶ redeem ──▶ TokenSet, Identity
//!                                                   │
//!                            TokenSource ◀──────────┘   refresh early and once · save · load
//!                                 │
//!                          IMAP, SMTP (base::AccessTokens)
//! ```

mod admin_consent;
mod authorize;
mod callback;
mod certificate;
mod client;
mod client_credentials;
mod device;
mod endpoint;
mod error;
mod grant;
mod granted;
mod http;
mod id_token;
mod identity;
mod iso;
mod jwks;
mod mail_scopes;
mod patience;
mod profile;
mod prove;
mod provider;
mod redeem;
mod refresh;
mod refusal;
mod revoke;
mod same;
mod scopes;
mod source;
mod store;
mod table;
mod tokens;

pub use admin_consent::AdminConsentOptions;
pub use authorize::{AuthorizationOptions, PendingAuthorization, Prompt};
pub use certificate::ClientCertificate;
pub use client::Client;
pub use device::DeviceAuthorization;
pub use endpoint::Endpoint;
pub use error::Error;
pub use id_token::IdTokenFault;
pub use identity::Identity;
pub use iso::IsoTime;
pub use mail_scopes::MailUse;
pub use profile::{Profile, Profiled};
pub use prove::Credentials;
pub use provider::{Cloud, DiscoverOptions, EndpointOverrides, GoogleOptions, Kind, MicrosoftOptions, Provider};
pub use redeem::Redeemed;
pub use refusal::Refusal;
pub use source::TokenSource;
pub use store::{NoStore, StoreError, StoreFuture, TokenStore};
pub use tokens::{TokenSet, TokenType};
