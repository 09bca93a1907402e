//! [`PayloadKind::SilabsEbl`] and [`PayloadKind::SilabsEblEncrypted`]: Ember bootloader file of version 2, as the EM35x
//! boot loader reads it. All numbers in an Ember bootloader file are big endian, except for the CRC-32 in its end tag.
//!
//! ```text
//! tag   id:u16  length:u16  data:length
//! 0000  header             12 or more: version:u16 (0x02MM) E350 address:u32 CRC:u32 application's table
//! FB05  header, encrypted  6: version:u16 (0x02MM) encryption:u16 E350
//! FE01, FD03, 02FE program  F608 metadata  FA06 init  F907 encrypted tags  F709 MAC  F70A signature
//! FC04  end                4: CRC-32 of all bytes before it, including id and length of the end tag, little endian
//! any   padding, mostly FF to a multiple of 64; not checked
//! ```

use super::read_fields::{array, be_u16};
use super::wrong_magic_byte::{WrongByte, crc32_matches_with, only_wrong_byte};
use crate::crc::crc32;
use crate::payload::covered_bytes::CoveredBytes;
use crate::payload::{ChecksumKind, Damage, DamageKind, PayloadKind, PayloadReport, PayloadState};

const HEAD_LEN: usize = 4;
const HEADER: u16 = 0x0000;
const ENCRYPTED_HEADER: u16 = 0xfb05;
const SIGNATURE: u16 = 0xf70a;
const END: u16 = 0xfc04;
const MARK: u16 = 0xe350;
/// Id and length of the header tag in Ember bootloader files of other versions than 2. The crate does not know the tags
/// after the header tag in files of these versions.
const OTHER_HEADER: [u8; 4] = [0, 0, 0, 140];

/// Returns whether an Ember bootloader file starts with a header tag of version 2 that has the id `id`, and the magic
/// bytes [`MARK`] at the offset `mark`.
fn starts_with_header(bytes: &[u8], id: u16, mark: usize) -> bool {
    be_u16(bytes, 0) == Some(id) && array(bytes, 4) == Some([2]) && be_u16(bytes, mark) == Some(MARK)
}

pub(super) fn is(bytes: &[u8]) -> bool {
    starts_with_header(bytes, HEADER, 6) || bytes.starts_with(&OTHER_HEADER)
}

pub(super) fn is_encrypted(bytes: &[u8]) -> bool {
    starts_with_header(bytes, ENCRYPTED_HEADER, 8)
}

pub(super) fn check(bytes: &[u8]) -> PayloadReport<'_> {
    let Walk { state, signed, end } = walk_tags(bytes);
    let state = state.ambiguous_unless(starts_with_header(bytes, HEADER, 6));
    PayloadReport { signed, ..PayloadReport::new(PayloadKind::SilabsEbl, state) }
        .covering(CoveredBytes::until(end))
}

pub(super) fn check_encrypted(bytes: &[u8]) -> PayloadReport<'_> {
    let Walk { state, signed, end } = walk_tags(bytes);
    PayloadReport { encrypted: true, signed, ..PayloadReport::new(PayloadKind::SilabsEblEncrypted, state) }
        .covering(CoveredBytes::until(end))
}

/// Result of reading the tags of an Ember bootloader file up to the end tag or the first truncated tag.
struct Walk {
    /// State of the file by the CRC-32 in its end tag.
    state: PayloadState,
    /// `true` if one of the tags before the end tag is a signature.
    signed: bool,
    /// Offset of the first byte after the end tag, or the length of the file if the file ends before its end tag.
    end: usize,
}

fn walk_tags(bytes: &[u8]) -> Walk {
    let (mut rest, mut signed) = (bytes, false);
    loop {
        let offset = bytes.len().saturating_sub(rest.len());
        let (Some(id), Some(length)) = (be_u16(rest, 0), be_u16(rest, 2)) else {
            let state = PayloadState::Damaged(Damage { offset, kind: DamageKind::NoEndTag });
            return Walk { state, signed, end: bytes.len() };
        };
        let length = usize::from(length);
        let body = rest.get(HEAD_LEN..).unwrap_or_default();
        let Some((data, after)) = body.split_at_checked(length) else {
            let state = PayloadState::truncated(offset, HEAD_LEN.saturating_add(length), rest.len());
            return Walk { state, signed, end: bytes.len() };
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
            return Walk { state, signed, end: end.saturating_add(data.len()) };
        }
        signed |= id == SIGNATURE;
        rest = after;
    }
}

/// Returns the wrong byte if exactly one magic byte of the header is wrong, and the CRC-32 matches after this byte is
/// corrected.
pub(super) fn wrong_magic_byte(bytes: &[u8]) -> Option<WrongByte> {
    damaged_header(bytes, &[(0, 0x00), (1, 0x00), (4, 2), (6, 0xe3), (7, 0x50)])
}

/// Returns the wrong byte if exactly one magic byte in the header of an encrypted file is wrong, and the CRC-32 matches
/// after this byte is corrected.
pub(super) fn damaged_encrypted_mark(bytes: &[u8]) -> Option<WrongByte> {
    damaged_header(bytes, &[(0, 0xfb), (1, 0x05), (4, 2), (8, 0xe3), (9, 0x50)])
}

fn damaged_header(bytes: &[u8], mark: &[(usize, u8)]) -> Option<WrongByte> {
    let wrong = only_wrong_byte(bytes, mark)?;
    crc32_matches_with(bytes, wrong, walk_tags(bytes).state).then_some(wrong)
}
