//! Every bound of this crate, with the attack it stops. No honest message meets one.

/// Nested multiparts and messages followed; stops 50,000 nested multiparts and forwarded-in-forwarded chains.
pub const MAX_DEPTH: usize = 50;

/// What a caller may raise [`MAX_DEPTH`] to: the tree is walked by recursion, on stacks as small as 512 KiB.
pub const DEPTH_CEILING: usize = 200;

/// Parts looked at; stops 100,000 empty siblings.
pub const MAX_PARTS: usize = 2_000;

/// Octets of one header block that are read; stops a 50 MB header. The longest honest ones (ARC, DKIM, Received of
/// many hops, hundreds of recipients) stay under 256 KiB.
pub const MAX_HEADER_BYTES: usize = 512 << 10;

/// Fields of the top header that are given; stops 100,000 fields from becoming as many JavaScript strings, which takes
/// the event loop a second. Long trails of mailing lists have two hundred.
pub const MAX_FIELDS: usize = 2_000;

/// Addresses of one message, all fields together; servers take a thousand recipients at most.
pub const MAX_ADDRESSES: usize = 5_000;

/// Octets of the text and of the HTML that are given, each: copying them is what the event loop waits for.
pub const MAX_TEXT_BYTES: usize = 8 << 20;

/// Attachments that are given: parts may hold a hundred uuencoded files each.
pub const MAX_ATTACHMENTS: usize = 2_000;

/// Octets of calendar objects that are given; an invitation has a few kilobytes.
pub const MAX_INVITE_BYTES: usize = 4 << 20;
