//! [`PayloadKind::Xz`]: an xz stream (The .xz File Format, version 1.2), little endian.
//!
//! ```text
//! 0   FD 37 7A 58 5A 00   6 2 flags   8 u32 CRC-32 of the flags
//!     blocks
//!     index, a multiple of 4 bytes; the last four are the CRC-32 of the others
//!     u32 CRC-32 of the next six   u32 length of the index / 4 - 1   2 flags   59 5A
//! ```
//!
//! The sums over the blocks are of what only unpacking shows. Vendors have a sum of all of the stream after it: Third
//! Reality its SHA-256.

use sha2::{Digest, Sha256};

use super::read::{array, is_padding, le_len, le_u32};
use super::{ChecksumKind, PayloadKind, PayloadReport, PayloadState, UnknownReason};
use crate::crc::crc32;

const MAGIC: [u8; 6] = [0xfd, b'7', b'z', b'X', b'Z', 0];
const HEADER_LEN: usize = 12;
const FOOTER_LEN: usize = 12;
const FOOTER_MAGIC: [u8; 2] = *b"YZ";
const SHA_LEN: usize = 32;

pub(super) fn is(bytes: &[u8]) -> bool {
    bytes.starts_with(&MAGIC)
}

pub(super) fn check(bytes: &[u8]) -> PayloadReport<'_> {
    PayloadReport::new(PayloadKind::Xz, state(bytes))
}

fn state(bytes: &[u8]) -> PayloadState {
    let (Some(flags), Some(sum)) = (array(bytes, 6), le_u32(bytes, 8)) else {
        return PayloadState::cut(0, HEADER_LEN, bytes.len());
    };
    if let damaged @ PayloadState::Damaged(_) =
        PayloadState::of_sum(ChecksumKind::Crc32, 8, sum, crc32(&flags))
    {
        return damaged;
    }
    let ends = |after: usize| {
        let (stream, tail) = bytes.split_at_checked(bytes.len().checked_sub(after)?)?;
        ends_here(stream, flags).then_some((stream, tail))
    };
    let Some((stream, tail)) = ends(0).or_else(|| ends(SHA_LEN)) else {
        return PayloadState::Unknown(UnknownReason::Doubtful);
    };
    match (end(stream), tail.first_chunk::<SHA_LEN>()) {
        (PayloadState::Whole(_), Some(sum)) if !is_padding(sum) => {
            PayloadState::of_digest(stream.len(), *sum, Sha256::digest(stream).into()).if_certain(false)
        }
        // The blocks are in neither sum.
        (PayloadState::Whole(_), _) => PayloadState::Unknown(UnknownReason::NoSum),
        (state, _) => state,
    }
}

/// Whether the last bytes can be nothing but the end of a stream with these flags.
fn ends_here(stream: &[u8], flags: [u8; 2]) -> bool {
    stream.len() >= HEADER_LEN + FOOTER_LEN
        && stream.split_last_chunk().is_some_and(|(rest, magic)| {
            *magic == FOOTER_MAGIC && rest.split_last_chunk().is_some_and(|(_, last)| *last == flags)
        })
}

/// Footer and index by their own sums.
fn end(stream: &[u8]) -> PayloadState {
    let footer = stream.len().saturating_sub(FOOTER_LEN);
    let summed = stream.get(footer..).and_then(|bytes| bytes.get(4..10)).unwrap_or_default();
    let sum = le_u32(stream, footer).unwrap_or(0);
    if let damaged @ PayloadState::Damaged(_) =
        PayloadState::of_sum(ChecksumKind::Crc32, footer, sum, crc32(summed))
    {
        return damaged;
    }
    // In words of four bytes, of which the last is the sum.
    let words = le_len(stream, footer.saturating_add(4)).unwrap_or(0);
    let at = footer.saturating_sub(4);
    let start = at.checked_sub(words.saturating_mul(4)).filter(|start| *start >= HEADER_LEN);
    let Some(index) = start.and_then(|start| stream.get(start..at)) else {
        let present = footer.saturating_sub(HEADER_LEN);
        return PayloadState::cut(HEADER_LEN, words.saturating_add(1).saturating_mul(4), present);
    };
    PayloadState::of_sum(ChecksumKind::Crc32, at, le_u32(stream, at).unwrap_or(0), crc32(index))
}
