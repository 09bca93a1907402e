//! [`PayloadKind::TelinkKnlt`]: image of Telink's SDKs (`ota_newImageValid` of its Zigbee SDK), little endian.
//!
//! ```text
//! 0x06 2    5D 02 if a CRC was added
//! 0x08 4    4B 4E 4C 54 "KNLT" (TC32 parts; at 0x20 for RISC-V parts)
//! 0x12 u16  manufacturer    0x14 u16 image type (TC32 parts)
//! 0x18 u32  size of the image with its CRC
//! size - 4  u32  CRC-32 of all bytes before it, without the final xor
//! ```
//!
//! [`PayloadKind::TelinkAes`] is the same image encrypted with AES. The encrypted image has no mark. Only the form of
//! its element shows the format: [`BodyLayout::TelinkF000`](crate::file::BodyLayout::TelinkF000).

use super::read_fields::{array, le_len, le_u16, le_u32, to_len};
use crate::crc::crc32;
use crate::payload::entropy::is_plain;
use crate::payload::{
    ChecksumKind, PayloadKind, PayloadMetadata, PayloadReport, PayloadState, UnknownReason,
};
use crate::types::{ImageType, ManufacturerCode};

const MAGIC: [u8; 4] = *b"KNLT";
/// Offset of the mark `KNLT` in images for TC32 parts.
const TC32: usize = 0x08;
/// Offset of the mark `KNLT` in images for RISC-V parts.
const RISC_V: usize = 0x20;
/// Bytes that Telink's tool writes at 0x06 when the tool adds a CRC.
const CRC_ADDED: [u8; 2] = [0x5d, 0x02];
const CRC_LEN: usize = 4;

pub(super) fn is(bytes: &[u8]) -> bool {
    [TC32, RISC_V].into_iter().any(|offset| array(bytes, offset) == Some(MAGIC))
}

pub(super) fn check(bytes: &[u8]) -> PayloadReport<'_> {
    PayloadReport { metadata: metadata(bytes), ..PayloadReport::new(PayloadKind::TelinkKnlt, state(bytes)) }
}

pub(super) fn check_encrypted(_: &[u8]) -> PayloadReport<'_> {
    PayloadReport { encrypted: true, ..PayloadReport::new(PayloadKind::TelinkAes, PayloadState::Encrypted) }
}

fn state(bytes: &[u8]) -> PayloadState {
    let certain = array(bytes, 0x06) == Some(CRC_ADDED);
    // FFFFFFFF is what erased flash contains, not a size.
    let Some(size) = le_len(bytes, 0x18).filter(|size| *size != to_len(u32::MAX)) else {
        return PayloadState::Unknown(UnknownReason::Ambiguous);
    };
    let Some(summed) = size.checked_sub(CRC_LEN).filter(|summed| *summed >= RISC_V) else {
        return PayloadState::truncated(0, RISC_V.saturating_add(CRC_LEN), size).ambiguous_unless(certain);
    };
    match (bytes.get(..summed), le_u32(bytes, summed)) {
        (Some(body), Some(crc)) => {
            let state = PayloadState::from_checksum(ChecksumKind::Crc32, summed, crc, !crc32(body));
            state.ambiguous_unless(certain)
        }
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
