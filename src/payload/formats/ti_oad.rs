//! [`PayloadKind::TiOad`]: image for over-the-air download to TI's CC13xx and CC26xx (`oad_image_header.h` of the
//! SimpleLink SDKs), little endian.
//!
//! ```text
//! 0   8    "CC26x2R1", "CC13x2R1" or similar, "OAD IMG "
//! 8   u32  CRC-32 of the bytes from 12 to the length; FFFFFFFF if the build did not set it
//! 24  u32  length of the image     32 4 version, as text or bytes
//! 40  u16  length of this header
//!     segments, each  type:u8 (1 image, 3 security)  u16  u8  length:u32  ...
//! ```
//!
//! Sonoff compresses all bytes after the header and appends a CRC-32 of all preceding bytes. In a payload of Sonoff,
//! the length field counts the uncompressed image, which is longer than the payload.

use super::read_fields::{array, is_padding, le_len, le_u16, le_u32, to_len};
use super::wrong_magic_byte::{WrongByte, only_wrong_byte};
use crate::crc::{crc32, crc32_with};
use crate::payload::covered_bytes::CoveredBytes;
use crate::payload::entropy::is_plain;
use crate::payload::{
    ChecksumKind, PayloadKind, PayloadMetadata, PayloadReport, PayloadState, PayloadVersion, UnknownReason,
};

/// Offset of the CRC in the header of a TI image.
const CRC: usize = 8;
/// Offset of the first byte that the CRC in the header of a TI image covers.
const SUMMED: usize = 12;
const HEADER_LEN: usize = 44;
const CRC_LEN: usize = 4;
const SECURITY: u8 = 3;
/// Maximum number of segments searched for a signature. No known TI image has more than eight segments.
const MAX_SEGMENTS: usize = 8;

pub(super) fn is(bytes: &[u8]) -> bool {
    bytes.starts_with(b"OAD IMG ") || matches!(bytes, [b'C', b'C', _, _, b'x', _, b'R', b'0'..=b'9', ..])
}

pub(super) fn check(bytes: &[u8]) -> PayloadReport<'_> {
    let version = bytes.get(32..36).filter(|version| version.iter().all(u8::is_ascii_graphic));
    let metadata = PayloadMetadata {
        version: version.map(PayloadVersion::Text),
        chip: bytes.get(..8).filter(|chip| chip.starts_with(b"CC")).unwrap_or_default(),
        ..PayloadMetadata::EMPTY
    };
    // The CRC at the end of a compressed image covers all bytes before the CRC. The CRC in the header of any other
    // image covers the bytes after the CRC, up to the end of the image; the range includes the CRC itself.
    let covered = match le_len(bytes, 24) {
        Some(length) if length <= bytes.len() => CoveredBytes::Range { start: CRC, end: length },
        _ => CoveredBytes::until(bytes.len()),
    };
    PayloadReport {
        signed: is_signed(bytes),
        metadata,
        ..PayloadReport::new(PayloadKind::TiOad, state(bytes)).covering(covered)
    }
}

fn state(bytes: &[u8]) -> PayloadState {
    let (Some(crc), Some(length)) = (le_u32(bytes, 8), le_len(bytes, 24)) else {
        return PayloadState::Unknown(UnknownReason::Ambiguous);
    };
    let Some(body) = bytes.get(SUMMED..length).filter(|_| length >= HEADER_LEN) else {
        return state_of_other_length(bytes, length);
    };
    let after = bytes.get(length..).unwrap_or_default();
    let crc_set = crc != 0 && crc != u32::MAX;
    PayloadState::from_checksum(ChecksumKind::Crc32, 8, crc, crc32(body))
        .ambiguous_unless(crc_set && is_padding(after))
}

/// Returns the state of a TI image whose length field has the value `length`, which is too small for a header or
/// exceeds the length of the payload.
fn state_of_other_length(bytes: &[u8], length: usize) -> PayloadState {
    let compressed = bytes.split_last_chunk::<CRC_LEN>();
    match compressed.filter(|(body, crc)| u32::from_le_bytes(**crc) == crc32(body)) {
        Some(_) => PayloadState::Whole(ChecksumKind::Crc32),
        // The length field is invalid, or the build did not set it.
        None if length < HEADER_LEN || length == to_len(u32::MAX) => {
            PayloadState::Unknown(UnknownReason::Ambiguous)
        }
        None => PayloadState::truncated(0, length, bytes.len()).ambiguous_unless(is_plain(bytes)),
    }
}

/// Returns whether a security segment with any data precedes the image segment of a TI image.
fn is_signed(bytes: &[u8]) -> bool {
    let Some(start) = le_u16(bytes, 40) else {
        return false;
    };
    let mut offset = usize::from(start);
    for _ in 0..MAX_SEGMENTS {
        let (Some([kind]), Some(length)) = (array(bytes, offset), le_len(bytes, offset.saturating_add(4)))
        else {
            return false;
        };
        let end = offset.saturating_add(length);
        if kind == SECURITY {
            let segment = bytes.get(offset..end).unwrap_or_default();
            return !segment.get(8..).is_none_or(is_padding);
        }
        if kind == 1 || length == 0 {
            return false;
        }
        offset = end;
    }
    false
}

/// Returns the wrong byte if exactly one of the magic bytes of a compressed image is wrong, and the CRC-32 at the end
/// of the image matches after this byte is corrected. The CRC of a TI image without compression does not cover the
/// magic bytes, so it cannot confirm a corrected byte.
pub(super) fn wrong_magic_byte(bytes: &[u8]) -> Option<WrongByte> {
    let (summed, crc) =
        bytes.split_last_chunk::<CRC_LEN>().filter(|(summed, _)| summed.len() >= HEADER_LEN)?;
    // The magic bytes end with any digit, so a wrong digit also makes possible magic bytes. If the checksum of the
    // image matches, the digit is correct.
    if is(bytes) && matches!(state(bytes), PayloadState::Whole(_)) {
        return None;
    }
    let matches =
        |wrong: &WrongByte| crc32_with(summed, wrong.offset, wrong.expected) == u32::from_le_bytes(*crc);
    let named = only_wrong_byte(bytes, &[(0, b'C'), (1, b'C'), (4, b'x'), (6, b'R')]);
    let named = named.filter(|_| matches!(array(bytes, 7), Some([b'0'..=b'9'])));
    let mut digits = (b'0'..=b'9').filter(|_| matches!(bytes, [b'C', b'C', _, _, b'x', _, b'R', ..]));
    named
        .filter(matches)
        .or_else(|| digits.find_map(|digit| only_wrong_byte(bytes, &[(7, digit)]).filter(matches)))
}
