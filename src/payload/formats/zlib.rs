//! [`PayloadKind::Zlib`]: zlib stream (RFC 1950). The Adler-32 of a zlib stream covers the uncompressed data. This
//! crate does not uncompress a zlib stream, so it does not compare the Adler-32.
//!
//! ```text
//! 0   78   1 flags: 01, 5E, 9C or DA   2 a deflate block, whose type is not 3
//! ```

use crate::payload::{PayloadKind, PayloadReport};

pub(super) fn is(bytes: &[u8]) -> bool {
    matches!(bytes, [0x78, 0x01 | 0x5e | 0x9c | 0xda, block, ..] if block >> 1 & 3 != 3)
}

pub(super) fn check(_: &[u8]) -> PayloadReport<'_> {
    PayloadReport::without_checksum(PayloadKind::Zlib)
}
