//! Conversations: which messages belong together, from one message alone.

mod key;
mod subject;

pub(crate) use key::{Clues, thread_key};
pub(crate) use subject::base_subject;
