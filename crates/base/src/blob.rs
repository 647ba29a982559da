//! Bytes that cross the language border beside the JSON of a page, not inside it.
//!
//! A [`Blob`] serialises as its index in the list that [`collect`] gathers, and deserialises from the list that
//! [`provide`] lends. So a row with a 20 MB attachment is a few hundred bytes of JSON plus one zero-copy buffer.

use std::cell::RefCell;

use bytes::Bytes;
use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

thread_local! {
    static OUTGOING: RefCell<Vec<Bytes>> = const { RefCell::new(Vec::new()) };
    static INCOMING: RefCell<Vec<Bytes>> = const { RefCell::new(Vec::new()) };
}

/// A run of bytes: a raw message, an attachment, a download's chunk. Cheap to clone.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Blob(pub Bytes);

/// Runs `serialise`, and gives its result with the bytes of every [`Blob`] it met, in order of their indices.
pub fn collect<T>(serialise: impl FnOnce() -> T) -> (T, Vec<Bytes>) {
    let outer = OUTGOING.take();
    let result = serialise();
    (result, OUTGOING.replace(outer))
}

/// Runs `deserialise` with `blobs` to take from.
pub fn provide<T>(blobs: Vec<Bytes>, deserialise: impl FnOnce() -> T) -> T {
    let outer = INCOMING.replace(blobs);
    let result = deserialise();
    INCOMING.set(outer);
    result
}

impl Serialize for Blob {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let index = OUTGOING.with_borrow_mut(|blobs| {
            blobs.push(self.0.clone());
            blobs.len() - 1
        });
        serializer.serialize_u64(index as u64)
    }
}

impl<'de> Deserialize<'de> for Blob {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_u64(Index)
    }
}

struct Index;

impl Visitor<'_> for Index {
    type Value = Blob;

    /// What the caller gives, not what it comes as.
    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("bytes (Uint8Array)")
    }

    fn visit_u64<E: Error>(self, index: u64) -> Result<Blob, E> {
        let lent = |at| INCOMING.with_borrow(|blobs| blobs.get(at).cloned());
        let found = usize::try_from(index).ok().and_then(lent);
        found.map(Blob).ok_or_else(|| E::invalid_type(Unexpected::Unsigned(index), &self))
    }
}

impl std::fmt::Debug for Blob {
    /// Length only: the bytes are somebody's mail.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Blob({} bytes)", self.0.len())
    }
}
