//! The client: path-first, stateless calls over a few connections.

mod batch;
mod blame;
mod decode;
mod download;
pub(crate) mod feed;
pub(crate) mod fetch;
mod page;
mod rows;
mod sluice;
mod uuencode;
mod watch;

use std::sync::Arc;

use bytes::Bytes;
use email_base::Call;

use crate::command::append::{Append, AppendResult};
use crate::command::argument::Mailbox;
use crate::command::copy::{Copy, Progress};
use crate::command::create::Create;
use crate::command::delete::Delete;
use crate::command::delete_mailbox::DeleteMailbox;
use crate::command::list::List;
use crate::command::r#move::{Move, Moved, Originals};
use crate::command::rename::Rename;
use crate::command::replace::Replace;
use crate::command::search::Search;
use crate::command::status::Status;
use crate::command::store::{Change, Store};
use crate::connection::Pool;
use crate::error::{Error, Result};
use crate::options::{AppendOptions, FetchOptions, ListQuery, MailboxOptions, Options};
use crate::sync::{Batches, SyncOptions};
use crate::types::{FetchQuery, FetchedMessage, MailboxInfo, MailboxStatus, SearchQuery, SpecialUse, UidMapping};
use crate::uid_set::UidSet;

#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use rows::message_of;

pub use download::Chunks;
pub use fetch::{Pages, Ready};
pub use watch::{MailboxEvent, MailboxEventKind, Watcher};

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

    /// What the server said after the last login, in its own spelling.
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
        self.fetch_as(path, uids, query, options, std::convert::identity, call)
    }

    /// The same, each page made into something else by the task that parsed it, ahead of [`Pages::next`].
    pub fn fetch_as<T: Send + 'static>(
        &self,
        path: &str,
        uids: UidSet,
        query: FetchQuery,
        options: FetchOptions,
        ready: Ready<T>,
        call: &Call,
    ) -> Pages<T> {
        Pages::new(Arc::clone(&self.pool), path, uids, query, options, ready, call)
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
        let uids = one(uid)?;
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

    /// Makes a mailbox (RFC 9051 §6.3.4) and subscribes to it. With `special_use` the server has to have
    /// CREATE-SPECIAL-USE.
    pub async fn create(&self, path: &str, special_use: Option<SpecialUse>, call: &Call) -> Result<()> {
        self.pool.submit(Create { mailbox: Mailbox::new(path)?, special_use }, call).await
    }

    /// Renames a mailbox, those below it, and its subscription (RFC 9051 §6.3.6).
    pub async fn rename(&self, from: &str, to: &str, call: &Call) -> Result<()> {
        self.pool.submit(Rename { from: Mailbox::new(from)?, to: Mailbox::new(to)? }, call).await
    }

    /// Removes a mailbox with everything in it (RFC 9051 §6.3.5).
    pub async fn delete_mailbox(&self, path: &str, call: &Call) -> Result<()> {
        self.pool.submit(DeleteMailbox { mailbox: Mailbox::new(path)? }, call).await
    }

    /// Copies messages (RFC 9051 §6.4.7). What fails when some are copied is [`Error::PartlyDone`]: the same call would copy
    /// those once more.
    pub async fn copy(
        &self,
        path: &str,
        uids: UidSet,
        destination: &str,
        options: MailboxOptions,
        call: &Call,
    ) -> Result<UidMapping> {
        let (mailbox, destination) = (Mailbox::new(path)?, Mailbox::new(destination)?);
        let progress = Progress::default();
        let copy = Copy { mailbox, uids, destination, uid_validity: options.uid_validity, progress: progress.clone() };
        self.pool.submit(copy, call).await.map_err(|cause| progress.explain(path, cause))
    }

    /// Moves messages: MOVE (RFC 6851), else COPY, `\Deleted` and UID EXPUNGE of just these. What fails behind the COPY is
    /// [`Error::OriginalsRemain`]: the same call would copy them once more; in the middle of it, [`Error::PartlyDone`].
    pub async fn r#move(
        &self,
        path: &str,
        uids: UidSet,
        destination: &str,
        options: MailboxOptions,
        call: &Call,
    ) -> Result<UidMapping> {
        let (mailbox, destination) = (Mailbox::new(path)?, Mailbox::new(destination)?);
        let (uid_validity, progress) = (options.uid_validity, Progress::default());
        let copy = Move { mailbox: mailbox.clone(), uids, destination, uid_validity, progress: progress.clone() };
        let copied = self.pool.submit(copy, call).await.map_err(|cause| progress.explain(path, cause));
        let Moved { mapping, originals } = copied?;
        if let Some(Originals { uids, uid_validity }) = originals {
            let removed = self.pool.submit(Delete::new(mailbox, uids, uid_validity), call).await;
            removed.map_err(|cause| Error::OriginalsRemain { path: path.to_owned(), cause: Box::new(cause) })?;
        }
        Ok(mapping)
    }

    /// Removes messages for ever, just these (RFC 4315): without UIDPLUS it is refused.
    pub async fn delete(&self, path: &str, uids: UidSet, options: MailboxOptions, call: &Call) -> Result<()> {
        let mailbox = Mailbox::new(path)?;
        self.pool.submit(Delete::new(mailbox, uids, options.uid_validity), call).await
    }

    /// Stores a new version, then removes the old one: whatever breaks in between, one of them is there. What fails behind
    /// the first step is [`Error::OldVersionRemains`]: the same call would store it once more.
    pub async fn replace(
        &self,
        path: &str,
        uid: u32,
        message: Bytes,
        flags: Option<Vec<String>>,
        options: MailboxOptions,
        call: &Call,
    ) -> Result<AppendResult> {
        let mailbox = Mailbox::new(path)?;
        let uids = one(uid)?;
        let replace = Replace::new(mailbox.clone(), message, flags, options.uid_validity)?;
        let (placed, uid_validity) = self.pool.submit(replace, call).await?;
        let removed = self.pool.submit(Delete::new(mailbox, uids, uid_validity), call).await;
        removed.map_err(|cause| Error::OldVersionRemains { path: path.to_owned(), uid, cause: Box::new(cause) })?;
        Ok(placed)
    }

    /// Tells when something changes in a mailbox, for as long as it is asked (RFC 2177, else polling).
    pub fn watch(&self, path: &str, call: &Call) -> Watcher {
        Watcher::new(Arc::clone(&self.pool), path, call)
    }

    /// What has changed in a mailbox since `cursor`, batch by batch; everything, when there is none yet. Nothing is sent
    /// before the first [`Batches::next`]. See [`crate::sync`].
    pub fn sync(&self, path: &str, cursor: Option<String>, options: SyncOptions, call: &Call) -> Batches {
        Batches::new(Arc::clone(&self.pool), path, cursor, options, call)
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

fn one(uid: u32) -> Result<UidSet> {
    UidSet::from_uids([uid]).map_err(|error| Error::InvalidUidSet(error.to_string()))
}
