//! What the server says, as values. Iterative, tolerant, bounded: no input makes it recurse, panic or grow without end.
//!
//! [`response()`] takes one framed response (see [`crate::tap`]) and gives an [`Event`]. What cannot be read is never an
//! error of the session: a row says what was broken in it, a whole line becomes [`Untagged::Broken`].

mod body_structure;
mod condition;
mod date;
mod envelope;
mod event;
mod fetch;
mod flags;
mod frame;
mod list;
mod numbers;
mod response;
mod rows;
#[cfg(test)]
mod testing;
mod text;
mod tree;

pub use event::{Completion, CompletionStatus, Condition, ConditionKind, Continuation, Event, ResponseCode, Untagged};
pub(crate) use fetch::SectionName;
pub(crate) use flags::flag;
pub use frame::{Elsewhere, Frame, Lead, Literal};
pub use response::response;
pub use rows::{
    Content, Defect, EsearchRow, FetchRow, ListKind, ListRow, NameEncoding, Namespace, NamespaceRow, QuotaRootRow,
    QuotaRow, SearchRow, Section, StatusRow, WireName,
};
