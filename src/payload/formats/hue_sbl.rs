//! [`PayloadKind::HueSbl`]: image for the second boot loader of Philips Hue, big endian. The layout of a Hue image is
//! derived from the vendor's files, because there is no documentation.
//!
//! ```text
//! 0   2A 00   2 u16 image type   13 u24 length of the encrypted data: all but 64 bytes
//! ```

use super::read_fields::{array, be_u16, to_len};
use crate::payload::{PayloadKind, PayloadMetadata, PayloadReport};
use crate::types::ImageType;

/// Number of bytes of a Hue image that its length field does not count.
const UNCOUNTED: usize = 64;

pub(super) fn is(bytes: &[u8]) -> bool {
    let length = array(bytes, 12).map(|[_, a, b, c]| to_len(u32::from_be_bytes([0, a, b, c])));
    let length_agrees = length.and_then(|length| length.checked_add(UNCOUNTED)) == Some(bytes.len());
    match bytes {
        // All image types of files for Hue's own boot loader have the high byte 0x01.
        [0x2a, 0x00, 0x01, ..] => true,
        [0x2a, 0x00, ..] => length_agrees,
        _ => false,
    }
}

pub(super) fn check(bytes: &[u8]) -> PayloadReport<'_> {
    let metadata = PayloadMetadata { image_type: be_u16(bytes, 2).map(ImageType), ..PayloadMetadata::EMPTY };
    PayloadReport { metadata, ..PayloadReport::encrypted_if_random(PayloadKind::HueSbl, bytes) }
}
