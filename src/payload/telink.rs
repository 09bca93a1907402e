//! [`PayloadKind::TelinkKnlt`]: an image of Telink's SDKs (`ota_newImageValid` of its Zigbee SDK), little endian.
//!
//! ```text
//! 0x06 2    5D 02 where a CRC was added
//! 0x08 4    4B 4E 4C 54 "KNLT" (TC32 parts; RISC-V parts have it at 0x20)
//! 0x12 u16  manufacturer    0x14 u16 image type (TC32 parts)
//! 0x18 u32  size of the image with its CRC
//! size - 4  u32  CRC-32 of all before it, without the final xor
//! ```
//!
//! [`PayloadKind::TelinkAes`] is the same encrypted with AES; it has nothing to be known by but the form of the OTA element,
//! [`Layout::TelinkF000`](crate::file::Layout::TelinkF000).

use super::entropy::is_plain;
use super::read::{array, le_len, le_u16, le_u32, len};
use super::{ChecksumKind, PayloadKind, PayloadMetadata, PayloadReport, PayloadState, UnknownReason};
use crate::crc::crc32;
use crate::types::{ImageType, ManufacturerCode};

const MAGIC: [u8; 4] = *b"KNLT";
/// Where the magic stands.
const TC32: usize = 0x08;
const RISC_V: usize = 0x20;
/// Says that a CRC was added.
const SUMMED: [u8; 2] = [0x5d, 0x02];
const SUM_LEN: usize = 4;

pub(super) fn is(bytes: &[u8]) -> bool {
    [TC32, RISC_V].into_iter().any(|place| array(bytes, place) == Some(MAGIC))
}

pub(super) fn check(bytes: &[u8]) -> PayloadReport<'_> {
    PayloadReport { stated: stated(bytes), ..PayloadReport::new(PayloadKind::TelinkKnlt, state(bytes)) }
}

fn state(bytes: &[u8]) -> PayloadState {
    let certain = array(bytes, 0x06) == Some(SUMMED);
    // Not what erased flash has.
    let Some(size) = le_len(bytes, 0x18).filter(|size| *size != len(u32::MAX)) else {
        return PayloadState::Unknown(UnknownReason::Doubtful);
    };
    let Some(summed) = size.checked_sub(SUM_LEN).filter(|summed| *summed >= RISC_V) else {
        return PayloadState::cut(0, RISC_V.saturating_add(SUM_LEN), size).if_certain(certain);
    };
    match (bytes.get(..summed), le_u32(bytes, summed)) {
        (Some(body), Some(sum)) => {
            PayloadState::of_sum(ChecksumKind::Crc32, summed, sum, !crc32(body)).if_certain(certain)
        }
        // What is not there may be packed, if the rest can be.
        _ => PayloadState::cut(0, size, bytes.len()).if_certain(certain && is_plain(bytes)),
    }
}

fn stated(bytes: &[u8]) -> PayloadMetadata<'_> {
    let ids = le_u16(bytes, 0x12).zip(le_u16(bytes, 0x14));
    match ids.filter(|(manufacturer, image_type)| *manufacturer != 0 && *image_type != 0) {
        Some((manufacturer, image_type)) if array(bytes, TC32) == Some(MAGIC) => PayloadMetadata {
            manufacturer: Some(ManufacturerCode(manufacturer)),
            image_type: Some(ImageType(image_type)),
            ..PayloadMetadata::NOTHING
        },
        _ => PayloadMetadata::NOTHING,
    }
}
