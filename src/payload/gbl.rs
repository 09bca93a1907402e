//! [`PayloadKind::SilabsGbl`]: a Gecko bootloader file (Silicon Labs UG266 and UG489, "GBL file format"), little endian.
//!
//! ```text
//! tag      id:u32  length:u32  data:length
//! header   EB 17 A6 03  8   version:u32 (0x03000000)  type:u32 (bit 0 encrypted, bit 8 signed)
//! F40A0AF4 application      28 or more: type:u32 version:u32 capabilities:u32 product:16
//! FA0606FA encryption init  F90707F9 encrypted tags
//! F70A0AF7 signature, 64    other tags: programs, metadata, ...
//! FC0404FC end          4   CRC-32 of all bytes before it, id and length of the end tag among them
//! any      padding, which vendors add and which is not looked at
//! ```

use super::read::{array, le_u32, len};
use super::{
    ChecksumKind, Damage, DamageKind, PayloadKind, PayloadMetadata, PayloadReport, PayloadState,
    PayloadVersion,
};
use crate::crc::crc32;

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
    let mut verdict = PayloadReport {
        encrypted: header & TYPE_ENCRYPTED != 0,
        signed: header & TYPE_SIGNED != 0,
        ..PayloadReport::new(PayloadKind::SilabsGbl, PayloadState::cut(0, HEAD_LEN, bytes.len()))
    };
    verdict.state = walk(bytes, |id, data| match id {
        APPLICATION => {
            verdict.stated = PayloadMetadata {
                version: le_u32(data, 4).map(PayloadVersion::Number),
                // Makers that do not use it leave it 0.
                product: array(data, 12).filter(|product| *product != [0; 16]),
                ..PayloadMetadata::NOTHING
            };
        }
        ENCRYPTION_INIT => verdict.encrypted = true,
        SIGNATURE => verdict.signed = true,
        _ => {}
    });
    verdict
}

/// Shows each tag up to the end tag, whose sum is the state.
fn walk<'a>(bytes: &'a [u8], mut show: impl FnMut(u32, &'a [u8])) -> PayloadState {
    let mut rest = bytes;
    loop {
        let offset = bytes.len().saturating_sub(rest.len());
        let (Some(id), Some(length)) = (le_u32(rest, 0), le_u32(rest, 4)) else {
            return PayloadState::Damaged(Damage { offset, fault: DamageKind::NoEnd });
        };
        let body = rest.get(HEAD_LEN..).unwrap_or_default();
        let Some((data, after)) = body.split_at_checked(len(length)) else {
            return PayloadState::cut(offset, HEAD_LEN.saturating_add(len(length)), rest.len());
        };
        if id == END {
            let at = offset.saturating_add(HEAD_LEN);
            return match data {
                [a, b, c, d] => {
                    let found = crc32(bytes.get(..at).unwrap_or_default());
                    PayloadState::of_sum(ChecksumKind::Crc32, at, u32::from_le_bytes([*a, *b, *c, *d]), found)
                }
                _ => PayloadState::Damaged(Damage { offset, fault: DamageKind::NoEnd }),
            };
        }
        show(id, data);
        rest = after;
    }
}
