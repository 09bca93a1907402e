//! [`PayloadKind::Osram`]: firmware and tables of Osram and Ledvance, little endian. The layouts of firmware and tables
//! of Osram and Ledvance are derived from the vendors' files, because there is no documentation.
//!
//! ```text
//! firmware  4 u32 0x000000FF   8 u32 length: all but the last bytes, 32 in the known files
//! tables    data, then a u32: CRC-32 of the data, with initial value 0 and without the final xor
//! ```

use super::read_fields::le_len;
use crate::crc::crc32_from_zero;
use crate::file::Tag;
use crate::payload::covered_bytes::CoveredBytes;
use crate::payload::{ChecksumKind, PayloadKind, PayloadReport, PayloadState};
use crate::types::ManufacturerCode;

const MARK: [u8; 4] = [0xff, 0, 0, 0];
/// Maximum number of bytes at the end of Osram firmware that its length field does not count.
const MAX_UNCOUNTED: usize = 64;
/// Tags of the elements that contain Osram tables in the known files.
const TABLE_TAGS: [Tag; 5] = [Tag(0xff01), Tag(0xff3e), Tag(0xff46), Tag(0xff47), Tag(0xff52)];
/// Manufacturer codes of Osram Sylvania, Ledvance and Osram GmbH.
const MANUFACTURERS: [ManufacturerCode; 3] =
    [ManufacturerCode(0x110c), ManufacturerCode(0x1189), ManufacturerCode(0xbbaa)];

pub(super) fn is(bytes: &[u8]) -> bool {
    let uncounted = le_len(bytes, 8).and_then(|length| bytes.len().checked_sub(length));
    bytes.get(4..8) == Some(&MARK) && uncounted.is_some_and(|uncounted| uncounted <= MAX_UNCOUNTED)
}

pub(super) fn check(bytes: &[u8]) -> PayloadReport<'_> {
    PayloadReport::encrypted_if_random(PayloadKind::Osram, bytes)
}

/// Returns the report about an Osram table that fills a whole element. Returns `None` unless the CRC of the table
/// matches, because an Osram table has no magic bytes, and only its CRC identifies it.
pub(in crate::payload) fn check_table(
    manufacturer: ManufacturerCode,
    bytes: &[u8],
) -> Option<PayloadReport<'_>> {
    let (data, crc) = bytes.split_last_chunk()?;
    // The CRC of zeros is 0, so the CRC matches in every element that contains only zeros.
    let matches = data.iter().any(|byte| *byte != 0) && crc32_from_zero(data) == u32::from_le_bytes(*crc);
    let is_table = MANUFACTURERS.contains(&manufacturer) && matches;
    is_table.then(|| {
        PayloadReport::new(PayloadKind::Osram, PayloadState::Whole(ChecksumKind::Crc32))
            .covering(CoveredBytes::until(bytes.len()))
    })
}

/// Returns whether an element has the tag of an Osram table, but does not end with a matching CRC.
pub(crate) fn is_damaged_table(manufacturer: ManufacturerCode, tag: Tag, bytes: &[u8]) -> bool {
    let is_table = MANUFACTURERS.contains(&manufacturer) && TABLE_TAGS.contains(&tag);
    is_table && check_table(manufacturer, bytes).is_none()
}
