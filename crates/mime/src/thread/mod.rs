//! Conversations: which messages belong together, from one message alone.
//!
//! # How to store and merge them
//!
//! Keep `threadKey`, `messageId`, `references` and `inReplyTo` with each message and a conversation number of your own.
//! When a message comes in, in any order:
//!
//! 1. Look for a conversation that holds a message with the same `threadKey`: the rule, and enough for most mail.
//! 2. Else for one that holds a message whose `messageId` is among the new one's `references` or `inReplyTo`, or that
//!    refers to the new one's `messageId`: a client has cut the chain, so that the root is unknown to one of them.
//! 3. Else begin a conversation.
//!
//! If both rules find one each, the two are one: give the smaller the number of the larger. An answer that was fetched
//! before its root needs nothing special, as both carry the root's key. A copy that the caller stored before sending may
//! have another Message-ID than the one the provider filed (Microsoft 365 rewrites it): prefer the filed one
//! (`sentCopy: 'server'`), because it is the one that answers refer to.

mod key;
mod subject;

pub(crate) use key::{Clues, thread_key};
pub(crate) use subject::base_subject;
