//! The data of untagged responses.

use std::borrow::Cow;

use bytes::Bytes;
use email_base::Timestamp;

use crate::types::{BodyPart, Envelope, Flag, ModSeq};
use crate::uid_set::UidRanges;
use crate::utf7;

/// One FETCH response (RFC 9051 §7.5.2): what it did not bring is `None`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FetchRow {
    /// Sequence number.
    pub seq: u32,
    /// Always there when asked for, often not in unsolicited rows.
    pub uid: Option<u32>,
    /// Flags and keywords.
    pub flags: Option<Vec<Flag>>,
    /// `None` for NIL too.
    pub internal_date: Option<Timestamp>,
    /// `None` when negative or absurd.
    pub size: Option<u64>,
    /// RFC 7162.
    pub mod_seq: Option<ModSeq>,
    /// Decoded.
    pub envelope: Option<Envelope>,
    /// With part numbers.
    pub body_structure: Option<BodyPart>,
    /// `BODY[…]`, `BINARY[…]`, `RFC822…`.
    pub sections: Vec<Section>,
    /// `BINARY.SIZE[…]`.
    pub binary_sizes: Vec<(String, u64)>,
    /// EMAILID, else X-GM-MSGID.
    pub email_id: Option<String>,
    /// THREADID, else X-GM-THRID.
    pub thread_id: Option<String>,
    /// X-GM-LABELS, decoded.
    pub labels: Option<Vec<String>>,
    /// What could not be read.
    pub defects: Vec<Defect>,
}

impl FetchRow {
    /// Takes the content of `BODY[section]`, from whatever origin. `""` is the whole message.
    pub fn take_section(&mut self, section: &str) -> Option<Content> {
        let at = self.sections.iter().position(|s| s.section.eq_ignore_ascii_case(section))?;
        Some(self.sections.swap_remove(at).content)
    }
}

/// Something of a row that could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Defect {
    /// The attribute (`ENVELOPE`).
    pub attribute: &'static str,
    /// One sentence without the server's bytes.
    pub reason: &'static str,
}

impl Defect {
    /// Why a structure that is there is broken all the same.
    pub(crate) const NO_PARTS: &'static str = "BODYSTRUCTURE has a multipart without parts";
    /// Not of an attribute: the row itself is cut.
    pub(super) const OF_THE_ROW: &'static str = "FETCH";
}

impl FetchRow {
    /// Its list was not closed: the connection may have been lost inside it, whatever it seems to hold.
    pub fn has_no_end(&self) -> bool {
        self.defects.iter().any(|defect| defect.attribute == Defect::OF_THE_ROW)
    }

    /// Whether its structure was told, but without the parts of a multipart.
    pub fn lacks_parts(&self) -> bool {
        self.defects.iter().any(|defect| defect.reason == Defect::NO_PARTS)
    }
}

/// A piece of a message.
#[derive(Debug, Clone, PartialEq)]
pub struct Section {
    /// What stood in the brackets, upper case but for field names: ``, `1.2`, `HEADER`, `HEADER.FIELDS (Subject)`.
    pub section: String,
    /// From `BINARY[…]`: already decoded by the server.
    pub binary: bool,
    /// Of a partial fetch: where it starts.
    pub origin: Option<u64>,
    /// The bytes.
    pub content: Content,
}

impl Section {
    /// Whether both are the same piece.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        (self.binary, self.origin) == (other.binary, other.origin) && self.section.eq_ignore_ascii_case(&other.section)
    }

    /// How many bytes it holds.
    pub(crate) fn bytes(&self) -> usize {
        match &self.content {
            Content::Inline(bytes) => bytes.len(),
            Content::Nil | Content::Streamed { .. } => 0,
        }
    }
}

/// Where the bytes of a section are.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// NIL: there is no such part.
    Nil,
    /// Here.
    Inline(Bytes),
    /// Gone through the [`crate::tap::Bodies`] registered for it.
    Streamed {
        /// How many there were.
        bytes: u64,
    },
}

/// One mailbox of LIST, LSUB or XLIST (RFC 9051 §7.3.1).
#[derive(Debug, Clone, PartialEq)]
pub struct ListRow {
    /// Which response it was.
    pub kind: ListKind,
    /// As written: `\HasChildren`.
    pub attributes: Vec<Cow<'static, str>>,
    /// `None` for NIL.
    pub delimiter: Option<char>,
    /// Raw name.
    pub name: WireName,
    /// CHILDINFO (RFC 5258): why it matched, as `SUBSCRIBED`.
    pub child_info: Vec<String>,
    /// OLDNAME (RFC 9051 §7.3.1).
    pub old_name: Option<WireName>,
}

/// Which response a [`ListRow`] came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListKind {
    /// LIST.
    List,
    /// LSUB (RFC 3501): subscribed names.
    Lsub,
    /// XLIST, the forerunner of SPECIAL-USE.
    Xlist,
}

/// A mailbox name as on the wire. Send these very bytes back to mean this very mailbox, whatever is wrong with them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct WireName(pub Bytes);

/// How the session spells mailbox names.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum NameEncoding {
    /// Modified UTF-7 (RFC 3501 §5.1.3).
    #[default]
    Utf7,
    /// After `ENABLE UTF8=ACCEPT` or IMAP4rev2.
    Utf8,
}

impl WireName {
    /// Whether it is the inbox, in any case.
    pub fn is_inbox(&self) -> bool {
        self.0.eq_ignore_ascii_case(b"INBOX")
    }

    /// With the inbox spelt `INBOX`, as all its names are one.
    pub fn folded(&self) -> Self {
        if self.is_inbox() { Self(Bytes::from_static(b"INBOX")) } else { self.clone() }
    }

    /// Whether both mean one mailbox. Some servers answer in modified UTF-7 where UTF-8 was agreed on, and the other way
    /// round.
    pub fn is_same(&self, other: &Self) -> bool {
        self == other || self.path(NameEncoding::Utf7) == other.path(NameEncoding::Utf7)
    }

    /// The name for people: Unicode; `INBOX` in upper case.
    pub fn path(&self, encoding: NameEncoding) -> String {
        if self.is_inbox() {
            return "INBOX".to_owned();
        }
        match encoding {
            NameEncoding::Utf7 => utf7::decode(&self.0),
            NameEncoding::Utf8 => String::from_utf8_lossy(&self.0).into_owned(),
        }
    }

    /// The wire form of a name that no LIST has given.
    pub fn from_path(path: &str, encoding: NameEncoding) -> Self {
        Self(match encoding {
            NameEncoding::Utf7 => utf7::encode(path).into(),
            NameEncoding::Utf8 => Bytes::copy_from_slice(path.as_bytes()),
        })
    }
}

/// One STATUS response (RFC 9051 §7.3.4): items that were not given, or not numbers, are `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusRow {
    /// Raw name.
    pub name: WireName,
    /// MESSAGES.
    pub messages: Option<u32>,
    /// UNSEEN.
    pub unseen: Option<u32>,
    /// DELETED (RFC 9051).
    pub deleted: Option<u32>,
    /// UIDNEXT.
    pub uid_next: Option<u32>,
    /// UIDVALIDITY.
    pub uid_validity: Option<u32>,
    /// RFC 7162.
    pub highest_mod_seq: Option<ModSeq>,
    /// RFC 8438.
    pub size: Option<u64>,
    /// RFC 8474.
    pub mailbox_id: Option<String>,
}

/// One SEARCH response (RFC 9051 §7.3.4 of RFC 3501). Numbers in the server's order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SearchRow {
    /// UIDs, or sequence numbers, as was asked.
    pub ids: Vec<u32>,
    /// Highest of those found (RFC 7162 §3.1.5).
    pub mod_seq: Option<ModSeq>,
}

/// One ESEARCH response (RFC 4731).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EsearchRow {
    /// The command it answers.
    pub tag: Option<String>,
    /// Whether the numbers are UIDs.
    pub uid: bool,
    /// MIN.
    pub min: Option<u32>,
    /// MAX.
    pub max: Option<u32>,
    /// COUNT.
    pub count: Option<u32>,
    /// ALL; not there when nothing was found.
    pub all: Option<UidRanges>,
    /// MODSEQ.
    pub mod_seq: Option<ModSeq>,
}

/// NAMESPACE (RFC 2342).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NamespaceRow {
    /// The user's own.
    pub personal: Vec<Namespace>,
    /// Other users'.
    pub other_users: Vec<Namespace>,
    /// Shared.
    pub shared: Vec<Namespace>,
}

/// One namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Namespace {
    /// With the trailing delimiter, as on the wire.
    pub prefix: WireName,
    /// `None` for NIL.
    pub delimiter: Option<char>,
}

/// QUOTA (RFC 9208 §5.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuotaRow {
    /// Quota root.
    pub root: String,
    /// Resource (upper case), usage, limit. `STORAGE` counts KiB.
    pub resources: Vec<(String, u64, u64)>,
}

/// QUOTAROOT (RFC 9208 §5.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuotaRootRow {
    /// Raw name.
    pub name: WireName,
    /// Its quota roots.
    pub roots: Vec<String>,
}
