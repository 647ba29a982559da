//! The client: path-first, stateless calls over a few connections.

mod decode;
mod download;
mod feed;
mod fetch;
mod rows;

use std::sync::Arc;

use bytes::Bytes;
use email_base::Call;

use crate::command::append::{Append, AppendResult};
use crate::command::argument::Mailbox;
use crate::command::list::List;
use crate::command::search::Search;
use crate::command::status::Status;
use crate::command::store::{Change, Store};
use crate::connection::Pool;
use crate::error::{Error, Result};
use crate::options::{AppendOptions, FetchOptions, ListQuery, MailboxOptions, Options};
use crate::types::{FetchQuery, FetchedMessage, MailboxInfo, MailboxStatus, SearchQuery};
use crate::uid_set::UidSet;

pub use download::Chunks;
pub use fetch::Pages;

/// An IMAP account. Cheap to clone; the clones share its connections. Dropping the last one closes them, as do the
/// streams it gave.
#[derive(Debug, Clone)]
pub struct Client {
    pool: Arc<Pool>,
}

impl Client {
    /// Connects and logs in (RFC 9051 §6.2).
    ///
    /// # Errors
    /// Wrong options before any byte is sent; then whatever keeps the first connection from being logged in.
    pub async fn connect(options: Options, call: &Call) -> Result<Self> {
        call.check()?;
        let pool = Pool::connect(options.try_into()?, call).await?;
        Ok(Self { pool: Arc::new(pool) })
    }

    /// What the server said after the last login, in upper case.
    pub fn capabilities(&self) -> Vec<String> {
        self.pool.capabilities()
    }

    /// Whether the client ended: by `close`, `logout` or a refused login. A lost connection does not end it.
    pub fn closed(&self) -> bool {
        self.pool.is_closed()
    }

    /// The mailboxes (RFC 9051 §6.3.9).
    pub async fn list(&self, query: ListQuery, call: &Call) -> Result<Vec<MailboxInfo>> {
        self.pool.submit(List::new(query)?, call).await
    }

    /// A mailbox's counters (RFC 9051 §6.3.11).
    pub async fn status(&self, path: &str, call: &Call) -> Result<MailboxStatus> {
        self.pool.submit(Status { mailbox: Mailbox::new(path)? }, call).await
    }

    /// UIDs of the messages that fit, ascending (RFC 9051 §6.4.4).
    pub async fn search(
        &self,
        path: &str,
        query: SearchQuery,
        options: MailboxOptions,
        call: &Call,
    ) -> Result<Vec<u32>> {
        self.pool.submit(Search::new(Mailbox::new(path)?, query, options.uid_validity)?, call).await
    }

    /// Messages by UID ascending, page by page (RFC 9051 §6.4.5). Nothing is sent before the first [`Pages::next`].
    pub fn fetch(&self, path: &str, uids: UidSet, query: FetchQuery, options: FetchOptions, call: &Call) -> Pages {
        Pages::new(Arc::clone(&self.pool), path, uids, query, options, call)
    }

    /// One message; `None` when there is none with that UID.
    pub async fn fetch_one(
        &self,
        path: &str,
        uid: u32,
        query: FetchQuery,
        options: MailboxOptions,
        call: &Call,
    ) -> Result<Option<FetchedMessage>> {
        let uids = UidSet::from_uids([uid]).map_err(|error| Error::InvalidUidSet(error.to_string()))?;
        let options = FetchOptions { uid_validity: options.uid_validity, page_size: Some(1) };
        let mut pages = self.fetch(path, uids, query, options, call);
        match pages.next().await {
            Some(page) => Ok(page?.into_iter().find(|message| message.uid == uid)),
            None => Ok(None),
        }
    }

    /// A part's bytes, chunk by chunk. Nothing is sent before the first [`Chunks::next`].
    pub fn download(&self, path: &str, uid: u32, options: crate::options::DownloadOptions, call: &Call) -> Chunks {
        Chunks::new(Arc::clone(&self.pool), path, uid, options, call)
    }

    /// Adds flags (RFC 9051 §6.4.6). UIDs that do not exist are passed over.
    pub async fn add_flags(
        &self,
        path: &str,
        uids: UidSet,
        flags: &[String],
        options: MailboxOptions,
        call: &Call,
    ) -> Result<()> {
        self.store(path, uids, Change::Add, flags, options, call).await
    }

    /// Takes flags away.
    pub async fn remove_flags(
        &self,
        path: &str,
        uids: UidSet,
        flags: &[String],
        options: MailboxOptions,
        call: &Call,
    ) -> Result<()> {
        self.store(path, uids, Change::Remove, flags, options, call).await
    }

    /// Sets these flags and takes all others away.
    pub async fn set_flags(
        &self,
        path: &str,
        uids: UidSet,
        flags: &[String],
        options: MailboxOptions,
        call: &Call,
    ) -> Result<()> {
        self.store(path, uids, Change::Replace, flags, options, call).await
    }

    /// Stores a message (RFC 9051 §6.3.12). Never repeated by itself: when the connection is lost in the middle nobody
    /// knows whether the server has it.
    pub async fn append(
        &self,
        path: &str,
        message: Bytes,
        options: AppendOptions,
        call: &Call,
    ) -> Result<AppendResult> {
        self.pool.submit(Append::new(Mailbox::new(path)?, message, &options)?, call).await
    }

    /// Ends politely, within 1.5 s; every pending call is settled at once. Idempotent.
    pub async fn logout(&self, call: &Call) -> Result<()> {
        self.pool.logout(call).await
    }

    /// Ends at once. Idempotent.
    pub fn close(&self) {
        self.pool.close();
    }

    async fn store(
        &self,
        path: &str,
        uids: UidSet,
        change: Change,
        flags: &[String],
        options: MailboxOptions,
        call: &Call,
    ) -> Result<()> {
        self.pool.submit(Store::new(Mailbox::new(path)?, uids, change, flags, options.uid_validity)?, call).await
    }
}
