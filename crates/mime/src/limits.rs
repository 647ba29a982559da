//! Every bound of this crate, with the attack it stops. No honest message meets one.

/// Nested multiparts and messages followed; stops 50,000 nested multiparts and forwarded-in-forwarded chains.
pub const MAX_DEPTH: usize = 50;

/// What a caller may raise [`MAX_DEPTH`] to: the tree is walked by recursion, on stacks as small as 512 KiB.
pub const DEPTH_CEILING: usize = 200;

/// Parts looked at; stops 100,000 empty siblings.
pub const MAX_PARTS: usize = 2_000;

/// Octets of one header block that are read; stops a 50 MB header. The longest honest ones (ARC, DKIM, Received of
/// many hops, hundreds of recipients) stay under 256 KiB.
pub const MAX_HEADER_BYTES: usize = 1 << 20;
