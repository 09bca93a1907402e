//! [`PayloadKind::Xz`]: xz stream (The .xz File Format, version 1.2), little endian.
//!
//! ```text
//! 0   FD 37 7A 58 5A 00   6 2 flags   8 u32 CRC-32 of the flags
//!     blocks
//!     index, a multiple of 4 bytes; the last four are the CRC-32 of the others
//!     u32 CRC-32 of the next six   u32 length of the index / 4 - 1   2 flags   59 5A
//! ```
//!
//! The checksum of a block in an xz stream covers the uncompressed data of the block. This crate does not uncompress
//! the blocks of an xz stream, so it does not compare the checksums of the blocks. Some vendors append a checksum of
//! the whole xz stream; Third Reality appends its SHA-256.

use sha2::{Digest, Sha256};

use super::read_fields::{array, is_padding, le_len, le_u32};
use super::wrong_magic_byte::{WrongByte, only_wrong_byte};
use crate::crc::crc32;
use crate::payload::covered_bytes::CoveredBytes;
use crate::payload::{ChecksumKind, PayloadKind, PayloadReport, PayloadState, UnknownReason};

const MAGIC: [u8; 6] = [0xfd, b'7', b'z', b'X', b'Z', 0];
const HEADER_LEN: usize = 12;
const FOOTER_LEN: usize = 12;
const FOOTER_MAGIC: [u8; 2] = *b"YZ";
const SHA_LEN: usize = 32;

pub(super) fn is(bytes: &[u8]) -> bool {
    bytes.starts_with(&MAGIC)
}

pub(super) fn check(bytes: &[u8]) -> PayloadReport<'_> {
    let (state, covered) = state(bytes);
    PayloadReport { covered, ..PayloadReport::new(PayloadKind::Xz, state) }
}

/// Returns the state of an xz stream, and the bytes of the payload that matching checksums cover.
fn state(bytes: &[u8]) -> (PayloadState, CoveredBytes) {
    let (Some(flags), Some(crc)) = (array(bytes, 6), le_u32(bytes, 8)) else {
        return (PayloadState::truncated(0, HEADER_LEN, bytes.len()), CoveredBytes::None);
    };
    if let damaged @ PayloadState::Damaged(_) =
        PayloadState::from_checksum(ChecksumKind::Crc32, 8, crc, crc32(&flags))
    {
        return (damaged, CoveredBytes::None);
    }
    // The stream ends at the last byte, or before a SHA-256.
    let split_before_tail = |tail: usize| {
        let (stream, tail) = bytes.split_at_checked(bytes.len().checked_sub(tail)?)?;
        has_footer(stream, flags).then_some((stream, tail))
    };
    let Some((stream, tail)) = split_before_tail(0).or_else(|| split_before_tail(SHA_LEN)) else {
        let covered = CoveredBytes::Range { start: MAGIC.len(), end: HEADER_LEN };
        return (PayloadState::Unknown(UnknownReason::Ambiguous), covered);
    };
    // The CRCs cover the flags and then the index and the footer.
    let (footer_state, index) = footer_state(stream);
    let by_crc = match footer_state {
        PayloadState::Whole(_) => {
            CoveredBytes::TwoRanges { first: (MAGIC.len(), HEADER_LEN), second: (index, stream.len()) }
        }
        _ => CoveredBytes::None,
    };
    match (footer_state, tail.first_chunk::<SHA_LEN>()) {
        (PayloadState::Whole(_), Some(sha)) if !is_padding(sha) => {
            // The last 32 bytes need not be a SHA-256, so a mismatch is no evidence of damage.
            let state = PayloadState::from_sha256(stream.len(), *sha, Sha256::digest(stream).into());
            let whole = matches!(state, PayloadState::Whole(_));
            let covered = if whole { CoveredBytes::until(bytes.len()) } else { by_crc };
            (state.ambiguous_unless(false), covered)
        }
        // Neither CRC covers the blocks.
        (PayloadState::Whole(_), _) => (PayloadState::Unknown(UnknownReason::NoChecksum), by_crc),
        (state, _) => (state, by_crc),
    }
}

/// Returns whether `stream` ends with the footer of a stream that has the flags `flags`.
fn has_footer(stream: &[u8], flags: [u8; 2]) -> bool {
    stream.len() >= HEADER_LEN + FOOTER_LEN
        && stream.split_last_chunk().is_some_and(|(rest, magic)| {
            *magic == FOOTER_MAGIC && rest.split_last_chunk().is_some_and(|(_, last)| *last == flags)
        })
}

/// Returns the state of footer and index of an xz stream according to the CRC-32 of each, and the offset of the index.
fn footer_state(stream: &[u8]) -> (PayloadState, usize) {
    let footer = stream.len().saturating_sub(FOOTER_LEN);
    let summed = stream.get(footer..).and_then(|bytes| bytes.get(4..10)).unwrap_or_default();
    let crc = le_u32(stream, footer).unwrap_or(0);
    if let damaged @ PayloadState::Damaged(_) =
        PayloadState::from_checksum(ChecksumKind::Crc32, footer, crc, crc32(summed))
    {
        return (damaged, footer);
    }
    // The length counts words of four bytes, except the last word, which is the CRC of the index.
    let words = le_len(stream, footer.saturating_add(4)).unwrap_or(0);
    let crc_offset = footer.saturating_sub(4);
    let start = crc_offset.checked_sub(words.saturating_mul(4)).filter(|start| *start >= HEADER_LEN);
    let Some(index) = start.and_then(|start| stream.get(start..crc_offset)) else {
        let present = footer.saturating_sub(HEADER_LEN);
        let needed = words.saturating_add(1).saturating_mul(4);
        return (PayloadState::truncated(HEADER_LEN, needed, present), footer);
    };
    let expected = le_u32(stream, crc_offset).unwrap_or(0);
    let state = PayloadState::from_checksum(ChecksumKind::Crc32, crc_offset, expected, crc32(index));
    (state, crc_offset.saturating_sub(index.len()))
}

/// Returns the wrong byte if exactly one magic byte of an xz stream is wrong, and the CRC-32 of the flags in the header
/// of the stream matches. The CRC-32 of the flags does not cover the magic bytes, but a matching CRC-32 at the offset
/// of this CRC in the format is sufficient evidence of an xz stream.
pub(super) fn wrong_magic_byte(bytes: &[u8]) -> Option<WrongByte> {
    let [a, b, c, d, e, f] = MAGIC;
    let wrong = only_wrong_byte(bytes, &[(0, a), (1, b), (2, c), (3, d), (4, e), (5, f)])?;
    let (flags, crc) = (array::<2>(bytes, 6)?, le_u32(bytes, 8)?);
    (crc32(&flags) == crc).then_some(wrong)
}
