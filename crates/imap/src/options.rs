//! What a caller may set, checked once.

use std::sync::Arc;

use email_base::{Credentials, Timestamp};
use email_net::{Connector, Endpoint};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use crate::command::id;
use crate::connection::{Budget, CompressPolicy, Departed, EncodedParts, Names, Quirks, refuse_separators};
use crate::error::{Error, Result};
use crate::tap::Limits;

/// Connections one client may ask for: Gmail takes 15 of an account, Exchange about 16.
const MAX_CONNECTIONS: usize = 15;
/// Rows of one page when the caller does not say.
pub const DEFAULT_PAGE_SIZE: usize = 100;
/// A page larger than this would hold JavaScript's thread for too long.
pub const MAX_PAGE_SIZE: usize = 1000;

/// Everything a client needs to connect, and to connect again.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where to.
    pub endpoint: Endpoint,
    /// How.
    pub connector: Connector,
    /// Who.
    pub credentials: Credentials,
    /// Sent with ID (RFC 2971) after login; the addon's own name when `None`.
    pub client_id: Option<Vec<(String, String)>>,
    /// Connections the client may hold at once, 1 to 15.
    pub max_connections: usize,
    /// What the server may send.
    pub limits: Limits,
    /// COMPRESS=DEFLATE (RFC 4978): from the first command on, or never. `None`: where it pays.
    pub compress: Option<bool>,
}

impl Options {
    /// With the defaults: one connection, the addon's name, the standard limits.
    pub fn new(endpoint: Endpoint, connector: Connector, credentials: Credentials) -> Self {
        Self {
            endpoint,
            connector,
            credentials,
            client_id: None,
            max_connections: 1,
            limits: Limits::default(),
            compress: None,
        }
    }
}

/// [`Options`] after the check.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) endpoint: Endpoint,
    pub(crate) connector: Connector,
    pub(crate) credentials: Credentials,
    pub(crate) client_id: Vec<(String, String)>,
    pub(crate) max_connections: usize,
    pub(crate) limits: Limits,
    pub(crate) compress: CompressPolicy,
    pub(crate) names: Arc<Names>,
    pub(crate) quirks: Arc<Quirks>,
    pub(crate) departed: Arc<Departed>,
    pub(crate) parts: Arc<EncodedParts>,
    pub(crate) budget: Arc<Budget>,
}

impl TryFrom<Options> for Settings {
    type Error = Error;

    fn try_from(options: Options) -> Result<Self> {
        refuse_separators("auth.user", options.credentials.user())?;
        if let Credentials::Password { password, .. } = &options.credentials {
            refuse_separators("auth.password", password.expose())?;
        }
        if !(1..=MAX_CONNECTIONS).contains(&options.max_connections) {
            return Err(Error::argument("maxConnections", format!("must be between 1 and {MAX_CONNECTIONS}")));
        }
        let budget = Budget::of(&options.endpoint.host, options.endpoint.port, options.credentials.user());
        budget.allow(options.max_connections);
        Ok(Self {
            endpoint: options.endpoint,
            connector: options.connector,
            credentials: options.credentials,
            client_id: id::check(options.client_id)?,
            max_connections: options.max_connections,
            limits: options.limits,
            compress: options.compress.into(),
            names: Arc::default(),
            quirks: Arc::default(),
            departed: Arc::default(),
            parts: Arc::default(),
            budget,
        })
    }
}

/// What `list` is to give.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ListQuery {
    /// With `*` and `%` as in RFC 9051 §6.3.9; everything when `None`.
    pub pattern: Option<String>,
    /// Only those the user subscribed to.
    pub subscribed: Option<bool>,
    /// With counters.
    pub status: Option<bool>,
}

/// How `fetch` works.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct FetchOptions {
    /// The UIDVALIDITY that the UIDs belong to.
    #[serde(deserialize_with = "known")]
    pub uid_validity: Option<u32>,
    /// Rows of one page, at most [`MAX_PAGE_SIZE`]; [`DEFAULT_PAGE_SIZE`] when `None`.
    pub page_size: Option<u32>,
}

/// How `download` works.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DownloadOptions {
    /// `1.2`; the whole message when `None`.
    #[serde(deserialize_with = "given")]
    pub part: Option<String>,
    /// `Some(false)`: as on the wire.
    pub decode: Option<bool>,
    /// More bytes than this (as given out) are an error.
    #[serde(deserialize_with = "given")]
    pub max_bytes: Option<u64>,
    /// The UIDVALIDITY that the UID belongs to.
    #[serde(deserialize_with = "known")]
    pub uid_validity: Option<u32>,
}

/// Any call on one mailbox.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct MailboxOptions {
    /// The UIDVALIDITY that the UIDs belong to.
    #[serde(deserialize_with = "known")]
    pub uid_validity: Option<u32>,
}

/// How `replace` works.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ReplaceOptions {
    /// Those of the new version.
    pub flags: Option<Vec<String>>,
    /// The UIDVALIDITY that the UID belongs to.
    #[serde(deserialize_with = "known")]
    pub uid_validity: Option<u32>,
}

/// What an appended message has beside its bytes.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AppendOptions {
    /// `\Seen`, `\Draft`, keywords.
    pub flags: Option<Vec<String>>,
    /// INTERNALDATE; the server's now when `None`.
    pub internal_date: Option<Timestamp>,
}

/// What narrows a call may be left out, but not be null: that is a value which is missing, and without it the call would
/// touch more than was meant.
pub(crate) fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// The same of a UIDVALIDITY, which `append`, `copy` and `move` give as null where the server gives none.
fn known<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    let known = Option::deserialize(deserializer)?;
    known.map(Some).ok_or_else(|| D::Error::custom("null: the server gave no UIDVALIDITY to check the UIDs against"))
}
