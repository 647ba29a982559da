//! Floor 2: IMAP4rev1 and IMAP4rev2 (RFC 3501, RFC 9051) on async-imap.

pub mod grammar;
pub mod tap;
pub mod types;
pub mod uid_set;
pub mod utf7;

pub use uid_set::{InvalidUidSet, UidRange, UidRanges, UidSet};
