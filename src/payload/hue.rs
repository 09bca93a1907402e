//! [`PayloadKind::HueSbl`]: an image for the second boot loader of Philips Hue. Seen in files, not documented; big endian.
//!
//! ```text
//! 0   2A 00   2 u16 image type   13 u24 length of the encrypted data: all but 64 bytes
//! ```

use super::read::{array, be_u16, len};
use super::{PayloadKind, PayloadMetadata, PayloadReport};
use crate::types::ImageType;

/// Bytes that the length leaves out.
const OUTSIDE: usize = 64;

pub(super) fn is(bytes: &[u8]) -> bool {
    let length = array(bytes, 12).map(|[_, a, b, c]| len(u32::from_be_bytes([0, a, b, c])));
    let agrees = length.and_then(|length| length.checked_add(OUTSIDE)) == Some(bytes.len());
    match bytes {
        // All image types of Hue's own boot loader begin so.
        [0x2a, 0x00, 0x01, ..] => true,
        [0x2a, 0x00, ..] => agrees,
        _ => false,
    }
}

pub(super) fn check(bytes: &[u8]) -> PayloadReport<'_> {
    let stated = PayloadMetadata { image_type: be_u16(bytes, 2).map(ImageType), ..PayloadMetadata::NOTHING };
    PayloadReport { stated, ..PayloadReport::perhaps_encrypted(PayloadKind::HueSbl, bytes) }
}
