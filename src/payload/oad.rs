//! [`PayloadKind::TiOad`]: an image for over-the-air download to TI's CC13xx and CC26xx (`oad_image_header.h` of the SimpleLink
//! SDKs), little endian.
//!
//! ```text
//! 0   8    "CC26x2R1", "CC13x2R1" or alike, "OAD IMG "
//! 8   u32  CRC-32 of the bytes from 12 to the length; FFFFFFFF where none was set
//! 24  u32  length of the image     32 4 version, as text or bytes
//! 40  u16  length of this header
//!     segments, each  type:u8 (1 image, 3 security)  u16  u8  length:u32  ...
//! ```
//!
//! Sonoff packs all but the header and puts a CRC-32 of all before it at the end; the length is that of the unpacked
//! image then, and longer than what is there.

use super::entropy::is_plain;
use super::read::{array, is_padding, le_len, le_u16, le_u32, len};
use super::{
    ChecksumKind, PayloadKind, PayloadMetadata, PayloadReport, PayloadState, PayloadVersion, UnknownReason,
};
use crate::crc::crc32;

const SUMMED: usize = 12;
const HEADER_LEN: usize = 44;
const SUM_LEN: usize = 4;
const SECURITY: u8 = 3;
/// More than any real image has.
const MOST_SEGMENTS: usize = 8;

pub(super) fn is(bytes: &[u8]) -> bool {
    bytes.starts_with(b"OAD IMG ") || matches!(bytes, [b'C', b'C', _, _, b'x', _, b'R', b'0'..=b'9', ..])
}

pub(super) fn check(bytes: &[u8]) -> PayloadReport<'_> {
    let version = bytes.get(32..36).filter(|version| version.iter().all(u8::is_ascii_graphic));
    let stated = PayloadMetadata { version: version.map(PayloadVersion::Text), ..PayloadMetadata::NOTHING };
    PayloadReport { signed: is_signed(bytes), stated, ..PayloadReport::new(PayloadKind::TiOad, state(bytes)) }
}

fn state(bytes: &[u8]) -> PayloadState {
    let (Some(sum), Some(length)) = (le_u32(bytes, 8), le_len(bytes, 24)) else {
        return PayloadState::Unknown(UnknownReason::Doubtful);
    };
    let Some(body) = bytes.get(SUMMED..length).filter(|_| length >= HEADER_LEN) else {
        return longer(bytes, length);
    };
    let after = bytes.get(length..).unwrap_or_default();
    let set = sum != 0 && sum != u32::MAX;
    PayloadState::of_sum(ChecksumKind::Crc32, 8, sum, crc32(body)).if_certain(set && is_padding(after))
}

/// Of an image whose length is not that of what is there.
fn longer(bytes: &[u8], length: usize) -> PayloadState {
    let packed = bytes.split_last_chunk::<SUM_LEN>();
    match packed.filter(|(body, sum)| u32::from_le_bytes(**sum) == crc32(body)) {
        Some(_) => PayloadState::Whole(ChecksumKind::Crc32),
        // Too short, or never set.
        None if length < HEADER_LEN || length == len(u32::MAX) => {
            PayloadState::Unknown(UnknownReason::Doubtful)
        }
        None => PayloadState::cut(0, length, bytes.len()).if_certain(is_plain(bytes)),
    }
}

/// Whether a security segment stands before the image's own, with something in it.
fn is_signed(bytes: &[u8]) -> bool {
    let Some(start) = le_u16(bytes, 40) else {
        return false;
    };
    let mut offset = usize::from(start);
    for _ in 0..MOST_SEGMENTS {
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
