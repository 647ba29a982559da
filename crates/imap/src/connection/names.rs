//! Mailboxes whose wire name cannot be told from their path: a raw 8-bit name, a lone `&`, base64 with padding.
//!
//! LIST teaches them; a path that `list` gave then means that very mailbox, whatever is wrong with its name.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;

use crate::grammar::{NameEncoding, WireName};

/// More odd names than this are not names but an attempt to fill memory.
const MAX_NAMES: usize = 10_000;
/// What they take in memory, for as long as the client lives: a hundred octets each, on both sides.
const MAX_BYTES: usize = 2 << 20;

/// Shared by the connections of one client.
#[derive(Debug, Default)]
pub(crate) struct Names(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    names: HashMap<String, WireName>,
    bytes: usize,
}

impl Names {
    /// Keeps `name` if its path would be spelt differently. Gives the path.
    pub(crate) fn learn(&self, name: &WireName, encoding: NameEncoding) -> String {
        let path = name.path(encoding);
        if !name.is_inbox() && WireName::from_path(&path, encoding) != *name {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(&path, name);
        }
        path
    }

    /// How the server spells `path`.
    pub(crate) fn wire(&self, path: &str, encoding: NameEncoding) -> WireName {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.names.get(path).cloned().unwrap_or_else(|| WireName::from_path(path, encoding))
    }
}

impl Known {
    fn insert(&mut self, path: &str, name: &WireName) {
        let before = self.names.get(path).map_or(0, |known| weight(path, known));
        let bytes = self.bytes.saturating_sub(before).saturating_add(weight(path, name));
        if bytes <= MAX_BYTES && (before > 0 || self.names.len() < MAX_NAMES) {
            // A copy: the name may be a slice of a response that would stay with it.
            self.names.insert(path.to_owned(), WireName(Bytes::copy_from_slice(&name.0)));
            self.bytes = bytes;
        }
    }
}

fn weight(path: &str, name: &WireName) -> usize {
    path.len().saturating_add(name.0.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_long_names_is_not_kept_for_ever() {
        let names = Names::default();
        for n in 0..3000 {
            let odd = WireName(format!("{}&{n}", "x".repeat(8000)).into());
            names.learn(&odd, NameEncoding::Utf7);
            names.learn(&odd, NameEncoding::Utf7);
        }
        let known = names.0.lock().unwrap();
        assert_eq!(known.bytes, known.names.iter().map(|(path, name)| weight(path, name)).sum::<usize>());
        assert!(known.bytes <= MAX_BYTES && known.bytes > MAX_BYTES / 2, "{}", known.bytes);
    }

    #[test]
    fn an_odd_name_goes_back_as_it_came() {
        let names = Names::default();
        for raw in [&b"A&B"[..], "Entwürfe".as_bytes(), b"\xff\xfe", b"&AOQ", b"&AGE-"] {
            let odd = WireName(bytes::Bytes::copy_from_slice(raw));
            let path = names.learn(&odd, NameEncoding::Utf7);
            assert_eq!(names.wire(&path, NameEncoding::Utf7), odd, "{path}");
        }
        assert_eq!(names.wire("Entwürfe/2", NameEncoding::Utf7).0, "Entw&APw-rfe/2");
    }
}
