//! [`PayloadKind::SilabsEbl`] and [`PayloadKind::SilabsEblEncrypted`]: an Ember bootloader file of version 2 (as the EM35x boot loader
//! reads it), big endian but for the sum.
//!
//! ```text
//! tag   id:u16  length:u16  data:length
//! 0000  header             12 or more: version:u16 (0x02MM) E350 address:u32 CRC:u32 application's table
//! FB05  header, encrypted  6: version:u16 (0x02MM) encryption:u16 E350
//! FE01, FD03, 02FE program  F608 metadata  FA06 init  F907 encrypted tags  F709 MAC  F70A signature
//! FC04  end                4: CRC-32 of all bytes before it, id and length of the end tag among them, little endian
//! any   padding, mostly FF to a multiple of 64, which is not looked at
//! ```

use super::read::{array, be_u16};
use super::{ChecksumKind, Damage, DamageKind, PayloadKind, PayloadReport, PayloadState};
use crate::crc::crc32;

const HEAD_LEN: usize = 4;
const HEADER: u16 = 0x0000;
const ENCRYPTED_HEADER: u16 = 0xfb05;
const SIGNATURE: u16 = 0xf70a;
const END: u16 = 0xfc04;
const MARK: u16 = 0xe350;
/// The header of other versions, whose tags are not known here, is as long.
const OTHER_HEADER: [u8; 4] = [0, 0, 0, 140];

/// Whether a header tag of this id stands first, with its mark at this place.
fn starts(bytes: &[u8], id: u16, mark: usize) -> bool {
    be_u16(bytes, 0) == Some(id) && array(bytes, 4) == Some([2]) && be_u16(bytes, mark) == Some(MARK)
}

pub(super) fn is(bytes: &[u8]) -> bool {
    starts(bytes, HEADER, 6) || bytes.starts_with(&OTHER_HEADER)
}

pub(super) fn is_encrypted(bytes: &[u8]) -> bool {
    starts(bytes, ENCRYPTED_HEADER, 8)
}

pub(super) fn check(kind: PayloadKind, bytes: &[u8]) -> PayloadReport<'_> {
    let (state, signed) = walk(bytes);
    let state = state.if_certain(starts(bytes, HEADER, 6) || is_encrypted(bytes));
    PayloadReport {
        encrypted: kind == PayloadKind::SilabsEblEncrypted,
        signed,
        ..PayloadReport::new(kind, state)
    }
}

/// The state by the sum of the end tag, and whether a tag before it is a signature.
fn walk(bytes: &[u8]) -> (PayloadState, bool) {
    let (mut rest, mut signed) = (bytes, false);
    loop {
        let offset = bytes.len().saturating_sub(rest.len());
        let (Some(id), Some(length)) = (be_u16(rest, 0), be_u16(rest, 2)) else {
            return (PayloadState::Damaged(Damage { offset, fault: DamageKind::NoEnd }), signed);
        };
        let length = usize::from(length);
        let body = rest.get(HEAD_LEN..).unwrap_or_default();
        let Some((data, after)) = body.split_at_checked(length) else {
            return (PayloadState::cut(offset, HEAD_LEN.saturating_add(length), rest.len()), signed);
        };
        if id == END {
            let at = offset.saturating_add(HEAD_LEN);
            let state = match data {
                [a, b, c, d] => {
                    let found = crc32(bytes.get(..at).unwrap_or_default());
                    PayloadState::of_sum(ChecksumKind::Crc32, at, u32::from_le_bytes([*a, *b, *c, *d]), found)
                }
                _ => PayloadState::Damaged(Damage { offset, fault: DamageKind::NoEnd }),
            };
            return (state, signed);
        }
        signed |= id == SIGNATURE;
        rest = after;
    }
}
