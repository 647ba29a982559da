//! Mailboxes whose wire name cannot be told from their path: a raw 8-bit name, a lone `&`, base64 with padding.
//!
//! LIST teaches them; a path that `list` gave then means that very mailbox, whatever is wrong with its name.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::grammar::{NameEncoding, WireName};

/// More odd names than this are not names but an attempt to fill memory.
const MAX_NAMES: usize = 10_000;

/// Shared by the connections of one client.
#[derive(Debug, Default)]
pub(crate) struct Names(Mutex<HashMap<String, WireName>>);

impl Names {
    /// Keeps `name` if its path would be spelt differently. Gives the path.
    pub(crate) fn learn(&self, name: &WireName, encoding: NameEncoding) -> String {
        let path = name.path(encoding);
        if !name.is_inbox() && WireName::from_path(&path, encoding) != *name {
            let mut names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if names.len() < MAX_NAMES || names.contains_key(&path) {
                names.insert(path.clone(), name.clone());
            }
        }
        path
    }

    /// How the server spells `path`.
    pub(crate) fn wire(&self, path: &str, encoding: NameEncoding) -> WireName {
        let names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        names.get(path).cloned().unwrap_or_else(|| WireName::from_path(path, encoding))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
