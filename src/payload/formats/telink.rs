//! [`PayloadKind::TelinkKnlt`]: image of Telink's SDKs (`ota_newImageValid` of its Zigbee SDK), little endian.
//!
//! ```text
//! 0x06 2    5D 02 if a CRC was added
//! 0x08 4    4B 4E 4C 54 "KNLT" (TC32 parts; at 0x20 for RISC-V parts)
//! 0x12 u16  manufacturer    0x14 u16 image type (TC32 parts)
//! 0x18 u32  size of the image with its CRC
//! size - 4  u32  CRC-32 of all bytes before it, without the final xor
//! size      bytes that the image does not count, if the element is longer than the image; their last four bytes are
//!           the CRC-32 of all bytes of the element before them, without the final xor
//! ```
//!
//! Telink's OTA client takes the last four bytes of the element as the CRC-32 of all bytes before them. Telink's OTA
//! client refuses an image without `5D 02` at 0x06, because an image without these bytes has no CRC.
//!
//! [`PayloadKind::TelinkAes`] is a Telink image encrypted with AES. An encrypted Telink image has no magic bytes. Only
//! the layout of the element that contains an encrypted Telink image identifies the image:
//! [`BodyLayout::TelinkF000`](crate::file::BodyLayout::TelinkF000).

use super::read_fields::{array, is_padding, le_len, le_u16, le_u32, to_len};
use super::wrong_magic_byte::{WrongByte, only_wrong_byte};
use crate::crc::{crc32, crc32_with};
use crate::payload::covered_bytes::CoveredBytes;
use crate::payload::entropy::is_plain;
use crate::payload::{
    ChecksumKind, PayloadKind, PayloadMetadata, PayloadReport, PayloadState, UnknownReason,
};
use crate::types::{ImageType, ManufacturerCode};

const MAGIC: [u8; 4] = *b"KNLT";
/// Offset of the magic bytes `KNLT` in images for TC32 parts.
const TC32: usize = 0x08;
/// Offset of the magic bytes `KNLT` in images for RISC-V parts.
const RISC_V: usize = 0x20;
/// Bytes that Telink's tool writes at 0x06 when the tool adds a CRC.
const CRC_ADDED: [u8; 2] = [0x5d, 0x02];
const CRC_LEN: usize = 4;

pub(super) fn is(bytes: &[u8]) -> bool {
    [TC32, RISC_V].into_iter().any(|offset| array(bytes, offset) == Some(MAGIC))
}

pub(super) fn check(bytes: &[u8]) -> PayloadReport<'_> {
    let image_state = state(bytes);
    let size = le_len(bytes, 0x18).unwrap_or(0);
    let element_state = element_state(bytes, size);
    let (state, end) = match (image_state, element_state) {
        // The image is intact, but the bytes after the image are damaged.
        (PayloadState::Whole(_), Some(PayloadState::Damaged(damage))) => (PayloadState::Damaged(damage), 0),
        (state, Some(PayloadState::Whole(_))) => (state, bytes.len()),
        (state, _) => (state, size),
    };
    let report = PayloadReport { element_state, ..PayloadReport::new(PayloadKind::TelinkKnlt, state) };
    PayloadReport { metadata: metadata(bytes), ..report.covering(CoveredBytes::until(end)) }
}

/// Returns the state of the whole element that contains a Telink image, according to the CRC-32 in the last four bytes
/// of the element. Returns `None` unless the element is longer than its Telink image of `size` bytes. If only padding
/// follows the Telink image, the element has no CRC-32, and its state is unknown.
fn element_state(bytes: &[u8], size: usize) -> Option<PayloadState> {
    let after = bytes.get(size..).filter(|after| !after.is_empty() && size > CRC_LEN)?;
    let (summed, crc) = bytes.split_last_chunk()?;
    if is_padding(after) {
        return Some(PayloadState::Unknown(UnknownReason::NoChecksum));
    }
    let (stored, computed) = (u32::from_le_bytes(*crc), !crc32(summed));
    let state = PayloadState::from_checksum(ChecksumKind::Crc32, summed.len(), stored, computed);
    Some(state.ambiguous_unless(array(bytes, 0x06) == Some(CRC_ADDED)))
}

pub(super) fn check_encrypted(_: &[u8]) -> PayloadReport<'_> {
    PayloadReport { encrypted: true, ..PayloadReport::new(PayloadKind::TelinkAes, PayloadState::Encrypted) }
}

fn state(bytes: &[u8]) -> PayloadState {
    let certain = array(bytes, 0x06) == Some(CRC_ADDED);
    // The value FFFFFFFF is erased flash, not a size.
    let Some(size) = le_len(bytes, 0x18).filter(|size| *size != to_len(u32::MAX)) else {
        return PayloadState::Unknown(UnknownReason::Ambiguous);
    };
    let Some(summed) = size.checked_sub(CRC_LEN).filter(|summed| *summed >= RISC_V) else {
        return PayloadState::truncated(0, RISC_V.saturating_add(CRC_LEN), size).ambiguous_unless(certain);
    };
    match (bytes.get(..summed), le_u32(bytes, summed)) {
        (Some(body), Some(crc)) if certain => {
            PayloadState::from_checksum(ChecksumKind::Crc32, summed, crc, !crc32(body))
        }
        (Some(body), Some(crc)) if !crc32(body) == crc => PayloadState::Whole(ChecksumKind::Crc32),
        (Some(_), Some(_)) => PayloadState::Unknown(UnknownReason::ChecksumNotAdded),
        // A short image may be compressed rather than truncated, so it is damaged only if its bytes cannot be compressed.
        _ => PayloadState::truncated(0, size, bytes.len()).ambiguous_unless(certain && is_plain(bytes)),
    }
}

fn metadata(bytes: &[u8]) -> PayloadMetadata<'_> {
    let ids = le_u16(bytes, 0x12).zip(le_u16(bytes, 0x14));
    match ids.filter(|(manufacturer, image_type)| *manufacturer != 0 && *image_type != 0) {
        Some((manufacturer, image_type)) if array(bytes, TC32) == Some(MAGIC) => PayloadMetadata {
            manufacturer: Some(ManufacturerCode(manufacturer)),
            image_type: Some(ImageType(image_type)),
            ..PayloadMetadata::EMPTY
        },
        _ => PayloadMetadata::EMPTY,
    }
}

/// Returns the wrong byte if exactly one magic byte is wrong, and the CRC-32 of the image matches after this byte is
/// corrected. The magic bytes are `KNLT`, and the two bytes at 0x06 that show that a CRC was added.
pub(super) fn wrong_magic_byte(bytes: &[u8]) -> Option<WrongByte> {
    [TC32, RISC_V].into_iter().find_map(|start| {
        let [k, n, l, t] = MAGIC;
        let [first, second] = CRC_ADDED;
        let letters = [k, n, l, t].into_iter().zip(start..).map(|(letter, offset)| (offset, letter));
        let mut mark = [(0x06, first), (0x07, second), (0, 0), (0, 0), (0, 0), (0, 0)];
        mark.iter_mut().skip(2).zip(letters).for_each(|(room, letter)| *room = letter);
        let wrong = only_wrong_byte(bytes, &mark)?;
        let summed = le_len(bytes, 0x18)?.checked_sub(CRC_LEN)?;
        let crc = le_u32(bytes, summed)?;
        let computed = !crc32_with(bytes.get(..summed)?, wrong.offset, wrong.expected);
        (computed == crc).then_some(wrong)
    })
}
