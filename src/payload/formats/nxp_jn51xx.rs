//! [`PayloadKind::NxpJn51xx`]: image of the JN516x tools, big endian except for the OTA header inside the image.
//!
//! ```text
//! 0   12 34 56 78 11 22 33 44 55 66 77 88
//! 32  u32 length of the image
//! 80  OTA header, which the linker placed there: manufacturer, image type and version
//! ```
//!
//! The format has no checksum. Encrypted images start with the same bytes.

use super::embedded_ota::metadata_at;
use crate::payload::{PayloadKind, PayloadReport};

const MAGIC: [u8; 12] = [0x12, 0x34, 0x56, 0x78, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88];
const OTA_HEADER: usize = 80;

pub(super) fn is(bytes: &[u8]) -> bool {
    bytes.starts_with(&MAGIC)
}

pub(super) fn check(bytes: &[u8]) -> PayloadReport<'_> {
    PayloadReport {
        metadata: metadata_at(bytes, OTA_HEADER),
        ..PayloadReport::encrypted_if_random(PayloadKind::NxpJn51xx, bytes)
    }
}
