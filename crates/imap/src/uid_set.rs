//! Sets of UIDs, as callers give them and as servers answer them.
//!
//! RFC 9051 §9:
//! ```text
//! seq-number   = nz-number / "*"
//! seq-range    = seq-number ":" seq-number
//! sequence-set = (seq-number / seq-range) ["," sequence-set]
//! ```

mod algebra;
mod input;
mod ranges;

pub use input::{InvalidUidSet, UidSet};
pub(crate) use ranges::parse_in_order;
pub use ranges::{UidRange, UidRanges};
