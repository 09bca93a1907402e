//! [`PayloadKind::Osram`]: firmware and tables of Osram and Ledvance. Seen in files, not documented; little endian.
//!
//! ```text
//! firmware  4 u32 0x000000FF   8 u32 length: all but the last bytes, 32 in the files seen
//! tables    data, then a u32: CRC-32 of it, from 0 and without the final xor
//! ```

use super::read::le_len;
use super::{ChecksumKind, PayloadKind, PayloadReport, PayloadState};
use crate::crc::crc32_from_zero;
use crate::types::ManufacturerCode;

const MARK: [u8; 4] = [0xff, 0, 0, 0];
const MOST_OUTSIDE: usize = 64;
/// Osram Sylvania, Ledvance and Osram GmbH.
const MAKERS: [ManufacturerCode; 3] =
    [ManufacturerCode(0x110c), ManufacturerCode(0x1189), ManufacturerCode(0xbbaa)];

pub(super) fn is(bytes: &[u8]) -> bool {
    let outside = le_len(bytes, 8).and_then(|length| bytes.len().checked_sub(length));
    bytes.get(4..8) == Some(&MARK) && outside.is_some_and(|outside| outside <= MOST_OUTSIDE)
}

pub(super) fn check(bytes: &[u8]) -> PayloadReport<'_> {
    PayloadReport::perhaps_encrypted(PayloadKind::Osram, bytes)
}

/// A table in an element of its own, if its sum matches: it is known by nothing else.
pub(super) fn table(manufacturer: ManufacturerCode, bytes: &[u8]) -> Option<PayloadReport<'_>> {
    let (data, sum) = bytes.split_last_chunk()?;
    // Zeros have the sum 0 and say nothing.
    let matches = data.iter().any(|byte| *byte != 0) && crc32_from_zero(data) == u32::from_le_bytes(*sum);
    let own = MAKERS.contains(&manufacturer) && matches;
    own.then(|| PayloadReport::new(PayloadKind::Osram, PayloadState::Whole(ChecksumKind::Crc32)))
}
