//! [`PayloadKind::SilabsGbl`]: Gecko bootloader file (Silicon Labs UG266 and UG489, "GBL file format"), little endian.
//!
//! ```text
//! tag      id:u32  length:u32  data:length
//! header   EB 17 A6 03  8   version:u32 (0x03000000)  type:u32 (bit 0 encrypted, bit 8 signed)
//! F40A0AF4 application      28 or more: type:u32 version:u32 capabilities:u32 product:16
//! FA0606FA encryption init  F90707F9 encrypted tags
//! F70A0AF7 signature, 64    other tags: programs, metadata, ...
//! FC0404FC end          4   CRC-32 of all bytes before it, including id and length of the end tag
//! any      padding, which vendors add; not checked
//! ```

use super::read_fields::{array, le_u32, to_len};
use super::wrong_magic_byte::{WrongByte, crc32_matches_with, only_wrong_byte};
use crate::crc::crc32;
use crate::payload::covered_bytes::CoveredBytes;
use crate::payload::{
    ChecksumKind, Damage, DamageKind, PayloadKind, PayloadMetadata, PayloadReport, PayloadState,
    PayloadVersion,
};

const MAGIC: [u8; 4] = [0xeb, 0x17, 0xa6, 0x03];
const HEAD_LEN: usize = 8;
const APPLICATION: u32 = 0xf40a_0af4;
const ENCRYPTION_INIT: u32 = 0xfa06_06fa;
const SIGNATURE: u32 = 0xf70a_0af7;
const END: u32 = 0xfc04_04fc;

const TYPE_ENCRYPTED: u32 = 1;
const TYPE_SIGNED: u32 = 1 << 8;

pub(super) fn is(bytes: &[u8]) -> bool {
    bytes.starts_with(&MAGIC)
}

pub(super) fn check(bytes: &[u8]) -> PayloadReport<'_> {
    let header = le_u32(bytes, 12).unwrap_or(0);
    let mut report = PayloadReport {
        encrypted: header & TYPE_ENCRYPTED != 0,
        signed: header & TYPE_SIGNED != 0,
        ..PayloadReport::new(PayloadKind::SilabsGbl, PayloadState::truncated(0, HEAD_LEN, bytes.len()))
    };
    let end;
    (report.state, end) = walk_tags(bytes, |id, data| match id {
        APPLICATION => {
            report.metadata = PayloadMetadata {
                version: le_u32(data, 4).map(PayloadVersion::Number),
                // Makers that do not use the product field leave it 0.
                product: array(data, 12).filter(|product| *product != [0; 16]),
                ..PayloadMetadata::EMPTY
            };
        }
        ENCRYPTION_INIT => report.encrypted = true,
        SIGNATURE => report.signed = true,
        _ => {}
    });
    report.covering(CoveredBytes::until(end))
}

/// Calls `visit` with the id and data of each tag before the end tag. Returns the state of the file by the CRC-32 in
/// its end tag, and the offset of the first byte after the end tag.
fn walk_tags<'a>(bytes: &'a [u8], mut visit: impl FnMut(u32, &'a [u8])) -> (PayloadState, usize) {
    let mut rest = bytes;
    loop {
        let offset = bytes.len().saturating_sub(rest.len());
        let (Some(id), Some(length)) = (le_u32(rest, 0), le_u32(rest, 4)) else {
            return (PayloadState::Damaged(Damage { offset, kind: DamageKind::NoEndTag }), bytes.len());
        };
        let body = rest.get(HEAD_LEN..).unwrap_or_default();
        let Some((data, after)) = body.split_at_checked(to_len(length)) else {
            let needed = HEAD_LEN.saturating_add(to_len(length));
            return (PayloadState::truncated(offset, needed, rest.len()), bytes.len());
        };
        if id == END {
            let end = offset.saturating_add(HEAD_LEN);
            let state = match data {
                [a, b, c, d] => {
                    let (expected, found) =
                        (u32::from_le_bytes([*a, *b, *c, *d]), crc32(bytes.get(..end).unwrap_or_default()));
                    PayloadState::from_checksum(ChecksumKind::Crc32, end, expected, found)
                }
                _ => PayloadState::Damaged(Damage { offset, kind: DamageKind::NoEndTag }),
            };
            return (state, end.saturating_add(data.len()));
        }
        visit(id, data);
        rest = after;
    }
}

/// Returns the wrong byte if exactly one magic byte of the header is wrong, and the CRC-32 matches after this byte is
/// corrected.
pub(super) fn wrong_magic_byte(bytes: &[u8]) -> Option<WrongByte> {
    let mark = [(0, 0xeb), (1, 0x17), (2, 0xa6), (3, 0x03)];
    let wrong = only_wrong_byte(bytes, &mark)?;
    let (state, _) = walk_tags(bytes, |_, _| {});
    crc32_matches_with(bytes, wrong, state).then_some(wrong)
}
