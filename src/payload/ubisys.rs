//! [`PayloadKind::Ubisys`]: firmware that an element 0xF7BD before it describes. Seen in files, not documented; little endian.
//!
//! ```text
//! 28  u16 0xF7BD, the tag again   96 a signature, 64 bytes
//! ```

use super::read::le_u16;
use super::{PayloadKind, PayloadReport};
use crate::file::{Element, Tag};

const TAG: Tag = Tag(0xf7bd);
const LEN: usize = 160;

/// Whether this is the element that describes the firmware.
pub(super) fn describes(element: &Element<'_>) -> bool {
    element.tag == TAG && element.data.len() >= LEN && le_u16(element.data, 28) == Some(TAG.0)
}

/// The firmware after it.
pub(super) fn check(bytes: &[u8]) -> PayloadReport<'_> {
    PayloadReport { signed: true, ..PayloadReport::perhaps_encrypted(PayloadKind::Ubisys, bytes) }
}
