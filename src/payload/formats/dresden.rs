//! [`PayloadKind::Dresden`]: firmware of dresden elektronik, little endian. The layout of the firmware of dresden
//! elektronik is derived from the vendor's files, because there is no documentation. No checksum has been found
//! in the firmware of dresden elektronik.
//!
//! ```text
//! 4   u32 length of the image - 9   8 ED FE FE CA
//! ```

use super::read_fields::{array, le_len};
use crate::payload::{PayloadKind, PayloadReport, PayloadState};

const MAGIC: [u8; 4] = [0xed, 0xfe, 0xfe, 0xca];
/// Number of bytes that the length field of an image does not count, in firmware of dresden elektronik and in NXP
/// JN514x images.
pub(super) const UNCOUNTED: usize = 9;

pub(super) fn is(bytes: &[u8]) -> bool {
    array(bytes, 8) == Some(MAGIC)
}

pub(super) fn check(bytes: &[u8]) -> PayloadReport<'_> {
    let report = PayloadReport::encrypted_if_random(PayloadKind::Dresden, bytes);
    PayloadReport { state: cut_or(bytes, report.state), ..report }
}

/// Returns the state `Damaged` with the damage `Truncated` for a payload shorter than its length field (at byte 4)
/// says, and `state` for any other payload.
pub(super) fn cut_or(bytes: &[u8], state: PayloadState) -> PayloadState {
    let needed = le_len(bytes, 4).unwrap_or(0).saturating_add(UNCOUNTED);
    if needed > bytes.len() { PayloadState::truncated(0, needed, bytes.len()) } else { state }
}
