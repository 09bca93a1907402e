//! [`PayloadKind::Ubisys`]: firmware of ubisys, little endian. In a file of ubisys, an element with the tag 0xF7BD
//! before the firmware describes the firmware. The layout of this element is derived from the vendor's files, because
//! there is no documentation. No checksum of firmware of ubisys is known.
//!
//! ```text
//! 28  u16 0xF7BD, the tag again   96 a signature, 64 bytes
//! ```
//!
//! Firmware of ubisys that no earlier element describes starts with `FRS0`.

use super::read_fields::le_u16;
use crate::file::{Element, Tag};
use crate::payload::{PayloadKind, PayloadReport};

const TAG: Tag = Tag(0xf7bd);
const LEN: usize = 160;

/// Returns whether `element` describes firmware in a later element.
pub(in crate::payload) fn is_description(element: &Element<'_>) -> bool {
    element.tag == TAG && element.data.len() >= LEN && le_u16(element.data, 28) == Some(TAG.0)
}

/// Identifier at the start of ubisys firmware that no earlier element describes.
const MAGIC: [u8; 4] = *b"FRS0";

pub(super) fn is(bytes: &[u8]) -> bool {
    bytes.starts_with(&MAGIC)
}

/// Returns the report about firmware of ubisys. Firmware of ubisys that does not start with `FRS0` counts as signed,
/// because the element that describes this firmware contains a signature.
pub(super) fn check(bytes: &[u8]) -> PayloadReport<'_> {
    PayloadReport { signed: !is(bytes), ..PayloadReport::encrypted_if_random(PayloadKind::Ubisys, bytes) }
}
