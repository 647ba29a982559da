//! What the server says, as values. Iterative, tolerant, bounded: no input makes it recurse, panic or grow without end.
//!
//! [`response()`] takes one framed response (see [`crate::tap`]) and gives an [`Event`]. What cannot be read is never an
//! error of the session: the row says what was broken, a whole line becomes [`Untagged::Broken`].

mod event;
mod rows;

pub use event::{Completion, CompletionStatus, Condition, ConditionKind, Continuation, Event, ResponseCode, Untagged};
pub use rows::{
    Content, Defect, EsearchRow, FetchRow, ListKind, ListRow, NameEncoding, Namespace, NamespaceRow, QuotaRootRow,
    QuotaRow, SearchRow, Section, StatusRow, WireName,
};
