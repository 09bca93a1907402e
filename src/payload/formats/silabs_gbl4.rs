//! [`PayloadKind::SilabsGbl4`]: container of Silicon Labs for series 3 parts, little endian. The layout of a container
//! for series 3 parts is derived from vendors' files. No checksum of a container for series 3 parts is known.
//!
//! ```text
//! 0   EB 17 A6 84   4 u32 length of the tags: all but 8 bytes
//! 8   tags, each  id:u32  length:u32  data:length
//! ```

use super::read_fields::le_len;
use crate::payload::{PayloadKind, PayloadReport, PayloadState, UnknownReason};

const MAGIC: [u8; 4] = [0xeb, 0x17, 0xa6, 0x84];
const HEAD_LEN: usize = 8;

pub(super) fn is(bytes: &[u8]) -> bool {
    bytes.starts_with(&MAGIC)
}

pub(super) fn check(bytes: &[u8]) -> PayloadReport<'_> {
    PayloadReport::new(PayloadKind::SilabsGbl4, state(bytes))
}

fn state(bytes: &[u8]) -> PayloadState {
    let needed = le_len(bytes, 4).unwrap_or(0).saturating_add(HEAD_LEN);
    let Some(mut rest) = bytes.get(HEAD_LEN..needed) else {
        return PayloadState::truncated(0, needed.max(HEAD_LEN), bytes.len());
    };
    while !rest.is_empty() {
        let Some(length) = le_len(rest, 4) else {
            return PayloadState::Unknown(UnknownReason::Ambiguous);
        };
        let Some(after) = rest.get(HEAD_LEN.saturating_add(length)..) else {
            return PayloadState::Unknown(UnknownReason::Ambiguous);
        };
        rest = after;
    }
    PayloadState::Unknown(UnknownReason::NoChecksum)
}
