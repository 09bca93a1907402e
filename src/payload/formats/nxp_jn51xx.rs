//! [`PayloadKind::NxpJn51xx`]: image of the JN516x tools, big endian except for the OTA header inside the image.
//! [`PayloadKind::NxpJn51xxSwapped`]: image of the JN516x tools with the bytes of each 32-bit word in reverse order.
//!
//! ```text
//! 0   12 34 56 78 11 22 33 44 55 66 77 88
//! 32  u32 length of the image
//! 80  OTA header, which the linker placed there: manufacturer, image type and version
//! ```
//!
//! Images of the JN516x tools have no checksum. Encrypted images of the JN516x tools start with the same twelve bytes
//! as plain images.

use super::embedded_ota::metadata_at;
use super::read_fields::{array, to_len};
use crate::payload::{PayloadKind, PayloadMetadata, PayloadReport, PayloadState};

const MAGIC: [u8; 12] = [0x12, 0x34, 0x56, 0x78, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88];
const SWAPPED_MAGIC: [u8; 12] = [0x78, 0x56, 0x34, 0x12, 0x44, 0x33, 0x22, 0x11, 0x88, 0x77, 0x66, 0x55];
const LENGTH: usize = 32;
const OTA_HEADER: usize = 80;
/// Number of bytes of the OTA header that are needed for its fixed fields.
const HEADER_LEN: usize = 56;
const WORD: usize = 4;

pub(super) fn is(bytes: &[u8]) -> bool {
    bytes.starts_with(&MAGIC)
}

pub(super) fn is_swapped(bytes: &[u8]) -> bool {
    bytes.starts_with(&SWAPPED_MAGIC)
}

pub(super) fn check(bytes: &[u8]) -> PayloadReport<'_> {
    let length = array(bytes, LENGTH).map(u32::from_be_bytes);
    report(PayloadKind::NxpJn51xx, bytes, metadata_at(bytes, OTA_HEADER), length)
}

pub(super) fn check_swapped(bytes: &[u8]) -> PayloadReport<'_> {
    let mut header: [u8; HEADER_LEN] = array(bytes, OTA_HEADER).unwrap_or([0; HEADER_LEN]);
    header.chunks_mut(WORD).for_each(<[u8]>::reverse);
    let PayloadMetadata { manufacturer, image_type, version, .. } = metadata_at(&header, 0);
    let version = match version {
        Some(crate::payload::PayloadVersion::File(version)) => {
            Some(crate::payload::PayloadVersion::File(version))
        }
        _ => None,
    };
    let metadata = PayloadMetadata { manufacturer, image_type, version, ..PayloadMetadata::EMPTY };
    let length = array(bytes, LENGTH).map(u32::from_le_bytes);
    report(PayloadKind::NxpJn51xxSwapped, bytes, metadata, length)
}

/// Returns the report about an image of the JN516x tools whose length field has the value `length`. A length field with
/// the value FFFFFFFF is erased flash, not a length, so an image with this value is not reported as truncated.
fn report<'a>(
    kind: PayloadKind,
    bytes: &[u8],
    metadata: PayloadMetadata<'a>,
    length: Option<u32>,
) -> PayloadReport<'a> {
    let PayloadReport { state, encrypted, .. } = PayloadReport::encrypted_if_random(kind, bytes);
    let needed = length.filter(|length| *length != u32::MAX).map_or(0, to_len);
    let state = match length {
        None => PayloadState::truncated(0, LENGTH.saturating_add(WORD), bytes.len()),
        Some(_) if needed > bytes.len() => PayloadState::truncated(0, needed, bytes.len()),
        Some(_) => state,
    };
    PayloadReport { encrypted, metadata, ..PayloadReport::new(kind, state) }
}
