//! [`PayloadKind::Inovelli`]: firmware of the radar module in Inovelli's switches. The layout of the radar firmware is
//! derived from the vendor's files, because there is no documentation. No checksum of the radar firmware is known.
//!
//! ```text
//! 0   F0 C3 F0 C3   16 a vector table
//! ```

use crate::payload::{PayloadKind, PayloadReport};

const MAGIC: [u8; 4] = [0xf0, 0xc3, 0xf0, 0xc3];

pub(super) fn is(bytes: &[u8]) -> bool {
    bytes.starts_with(&MAGIC)
}

pub(super) fn check(_: &[u8]) -> PayloadReport<'_> {
    PayloadReport::without_checksum(PayloadKind::Inovelli)
}
