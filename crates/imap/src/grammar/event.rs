//! The three kinds of response (RFC 9051 §2.2.2): untagged data, command completion, continuation request.

use super::rows::{EsearchRow, FetchRow, ListRow, NamespaceRow, QuotaRootRow, QuotaRow, SearchRow, StatusRow};
use crate::types::Flag;
use crate::uid_set::{UidRange, UidRanges};

/// One response, in the order of the wire.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// `* …`
    Untagged(Untagged),
    /// `A0001 OK …`
    Completion(Completion),
    /// `+ …`
    Continuation(Continuation),
}

/// A tagged response, without loss.
#[derive(Debug, Clone, PartialEq)]
pub struct Completion {
    /// The command's tag.
    pub tag: String,
    /// How it ended.
    pub status: CompletionStatus,
    /// What stood in brackets.
    pub code: Option<ResponseCode>,
    /// For people; not redacted, so show it by `ServerReply` only.
    pub text: String,
}

/// How a command ended (RFC 9051 §7.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CompletionStatus {
    /// Done.
    Ok,
    /// Refused or failed.
    No,
    /// Not understood.
    Bad,
}

impl CompletionStatus {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::No => "NO",
            Self::Bad => "BAD",
        }
    }
}

/// A continuation request: go on with the literal, the SASL exchange or IDLE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Continuation {
    /// Text, or a SASL challenge in base64.
    pub text: String,
}

/// An untagged status response (RFC 9051 §7.1), the greeting among them.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// Its word.
    pub kind: ConditionKind,
    /// What stood in brackets.
    pub code: Option<ResponseCode>,
    /// For people; not redacted.
    pub text: String,
}

/// The word of a status response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConditionKind {
    /// Information.
    Ok,
    /// A warning.
    No,
    /// A complaint about no particular command.
    Bad,
    /// The server is about to close.
    Bye,
    /// Greeting of a session that needs no login.
    Preauth,
}

impl ConditionKind {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::No => "NO",
            Self::Bad => "BAD",
            Self::Bye => "BYE",
            Self::Preauth => "PREAUTH",
        }
    }
}

/// Untagged data.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Untagged {
    /// `OK`, `NO`, `BAD`, `BYE`, `PREAUTH`.
    Condition(Condition),
    /// As written; compare without case.
    Capability(Vec<String>),
    /// RFC 5161.
    Enabled(Vec<String>),
    /// RFC 2971; keys as written.
    Id(Vec<(String, Option<String>)>),
    /// Messages in the mailbox.
    Exists(u32),
    /// RFC 3501.
    Recent(u32),
    /// A sequence number that is gone; those above it move down.
    Expunge(u32),
    /// UIDs that are gone (RFC 7162 §3.2.10).
    Vanished {
        /// Gone before this session asked.
        earlier: bool,
        /// May name UIDs that never were.
        uids: UidRanges,
    },
    /// Flags of the mailbox.
    Flags(Vec<Flag>),
    /// One message.
    Fetch(Box<FetchRow>),
    /// One mailbox: LIST, LSUB, XLIST.
    List(Box<ListRow>),
    /// Counters of one mailbox.
    Status(Box<StatusRow>),
    /// UIDs or sequence numbers.
    Search(SearchRow),
    /// RFC 4731.
    Esearch(Box<EsearchRow>),
    /// RFC 2342.
    Namespace(Box<NamespaceRow>),
    /// RFC 9208.
    Quota(QuotaRow),
    /// RFC 9208.
    QuotaRoot(QuotaRootRow),
    /// A word that this client does not know or use; without its data.
    Unknown {
        /// Upper case, shortened.
        word: String,
    },
    /// A known word whose data cannot be read.
    Broken {
        /// Upper case, shortened.
        word: String,
        /// What was wrong, without the server's bytes.
        reason: &'static str,
    },
}

/// `resp-text-code` (RFC 9051 §7.1 and extensions): those with data; the rest are words.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum ResponseCode {
    /// Where the appended message went (RFC 4315).
    AppendUid {
        /// Of the destination.
        uid_validity: u32,
        /// One UID, or several after MULTIAPPEND.
        uids: UidRanges,
    },
    /// Where copied or moved messages went (RFC 4315).
    CopyUid {
        /// Of the destination.
        uid_validity: u32,
        /// Source UIDs, in the order written.
        from: Vec<UidRange>,
        /// Destination UIDs, pairwise.
        to: Vec<UidRange>,
    },
    /// Character sets of SEARCH that the server knows.
    BadCharset(Vec<String>),
    /// As the CAPABILITY response.
    Capability(Vec<String>),
    /// RFC 7162.
    HighestModSeq(u64),
    /// Messages whose flags were not stored (RFC 7162 §3.1.3).
    Modified(UidRanges),
    /// Flags that can be changed for ever; `\*`: new ones too.
    PermanentFlags(Vec<Flag>),
    /// Next UID.
    UidNext(u32),
    /// UIDVALIDITY.
    UidValidity(u32),
    /// First message without `\Seen`.
    Unseen(u32),
    /// RFC 8474.
    MailboxId(String),
    /// How much metadata there would be (RFC 5464) and other codes whose data nobody uses; and every code without data:
    /// `ALERT`, `AUTHENTICATIONFAILED`, `READ-ONLY`, `THROTTLED`, `TRYCREATE` …
    Word {
        /// Upper case.
        name: String,
        /// What followed it.
        arguments: Option<String>,
    },
}

impl ResponseCode {
    /// The code's name, upper case.
    pub fn name(&self) -> &str {
        match self {
            Self::AppendUid { .. } => "APPENDUID",
            Self::CopyUid { .. } => "COPYUID",
            Self::BadCharset(_) => "BADCHARSET",
            Self::Capability(_) => "CAPABILITY",
            Self::HighestModSeq(_) => "HIGHESTMODSEQ",
            Self::Modified(_) => "MODIFIED",
            Self::PermanentFlags(_) => "PERMANENTFLAGS",
            Self::UidNext(_) => "UIDNEXT",
            Self::UidValidity(_) => "UIDVALIDITY",
            Self::Unseen(_) => "UNSEEN",
            Self::MailboxId(_) => "MAILBOXID",
            Self::Word { name, .. } => name,
        }
    }

    /// Whether it is the code `name`, given in upper case.
    pub fn is(&self, name: &str) -> bool {
        self.name() == name
    }
}
