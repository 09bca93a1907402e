//! [`PayloadKind::NxpJn518x`]: image for the JN518x, K32W0x1 or QN9090 (`flash_header.h` and the image tool of NXP's
//! DK6 SDKs), little endian.
//!
//! ```text
//! 0x00 7 u32  vectors        0x1C u32  value that makes the sum of the first eight words 0
//! 0x20 u32    98447902 (98447903 and 98447904 in later SDKs)
//! 0x24 u32    offset of the boot block
//! 0x28 u32    CRC-32 of the 40 bytes before it
//! boot block  BB0110BB  type  address  length  size  offset of certificates  offset of compatibility list  version
//! ```
//!
//! Vendors encrypt all bytes after the header of a JN518x image, including the boot block. The checksums of a JN518x
//! image cover only its header, not the encrypted bytes.

use super::read_fields::{array, le_len, le_u32};
use super::wrong_magic_byte::{WrongByte, only_wrong_byte};
use crate::crc::{crc32, crc32_with};
use crate::payload::covered_bytes::CoveredBytes;
use crate::payload::{
    ChecksumKind, Entropy, PayloadKind, PayloadMetadata, PayloadReport, PayloadState, PayloadVersion,
    UnknownReason,
};

const SIGNATURE: u32 = 0x9844_7902;
const BOOT_BLOCK: u32 = 0xbb01_10bb;
const BOOT_BLOCK_LEN: usize = 32;
const CRC: usize = 0x28;
const HEADER_LEN: usize = 0x2c;

pub(super) fn is(bytes: &[u8]) -> bool {
    matches!(le_u32(bytes, 0x20), Some(SIGNATURE..=0x9844_7904))
}

/// Returns the offset of the boot block according to the header of a JN518x image. Returns `None` if the boot block is
/// not inside the payload.
fn boot_block_offset(bytes: &[u8]) -> Option<usize> {
    let offset = le_len(bytes, 0x24)?;
    let end = offset.checked_add(BOOT_BLOCK_LEN)?;
    (offset >= HEADER_LEN && end <= bytes.len()).then_some(offset)
}

pub(super) fn check(bytes: &[u8]) -> PayloadReport<'_> {
    let block = boot_block_offset(bytes).filter(|offset| le_u32(bytes, *offset) == Some(BOOT_BLOCK));
    let encrypted = block.is_none() && Entropy::of(bytes).looks_random();
    let header_state = header_state(bytes);
    let is_certain = le_u32(bytes, 0x20) == Some(SIGNATURE);
    let covered = match header_state {
        PayloadState::Whole(_) => CoveredBytes::until(HEADER_LEN),
        _ => CoveredBytes::None,
    };
    let state = match header_state {
        // The boot block is at the end of the image, and the checksums of the header cover the offset of the boot
        // block.
        PayloadState::Whole(_) if boot_block_offset(bytes).is_none() => {
            let offset = le_len(bytes, 0x24).unwrap_or(usize::MAX);
            PayloadState::truncated(0, offset.saturating_add(BOOT_BLOCK_LEN), bytes.len())
                .ambiguous_unless(is_certain)
        }
        PayloadState::Whole(_) if encrypted => PayloadState::Encrypted,
        PayloadState::Whole(_) => {
            length_state(bytes, block).unwrap_or(PayloadState::Unknown(UnknownReason::NoChecksum))
        }
        state => state.ambiguous_unless(is_certain && boot_block_offset(bytes).is_some()),
    };
    let word_of_block = |at: usize| block.and_then(|offset| le_u32(bytes, offset.saturating_add(at)));
    let version = word_of_block(28).filter(|version| *version != 0).map(PayloadVersion::Number);
    let signed = word_of_block(20).is_some_and(|certificates| certificates != 0);
    let metadata = PayloadMetadata { version, ..PayloadMetadata::EMPTY };
    PayloadReport {
        encrypted,
        signed,
        metadata,
        covered,
        ..PayloadReport::new(PayloadKind::NxpJn518x, state)
    }
}

/// Returns the state of an image that is shorter than the length in its boot block, or `None` for other images.
fn length_state(bytes: &[u8], block: Option<usize>) -> Option<PayloadState> {
    let length = le_len(bytes, block?.saturating_add(12))?;
    // No checksum covers the boot block, so the length in the boot block alone is no proof.
    (length > bytes.len()).then_some(PayloadState::Unknown(UnknownReason::Ambiguous))
}

/// Returns the state of the header of a JN518x image according to the word sum and the CRC-32 of this header.
fn header_state(bytes: &[u8]) -> PayloadState {
    let vectors: [u8; 32] = array(bytes, 0).unwrap_or_default();
    let (words, _) = vectors.as_chunks();
    let sum = words.iter().fold(0_u32, |sum, word| sum.wrapping_add(u32::from_le_bytes(*word)));
    if sum != 0 {
        return PayloadState::from_checksum(ChecksumKind::WordSum, 0x1c, 0, sum);
    }
    let found = crc32(bytes.get(..CRC).unwrap_or_default());
    PayloadState::from_checksum(ChecksumKind::Crc32, CRC, le_u32(bytes, CRC).unwrap_or(0), found)
}

/// Returns the wrong byte if exactly one byte of the signature word at 0x20 is wrong, and the CRC-32 of the header
/// matches after this byte is corrected.
pub(super) fn wrong_magic_byte(bytes: &[u8]) -> Option<WrongByte> {
    let (summed, crc) = (bytes.get(..CRC)?, le_u32(bytes, CRC)?);
    (0x02..=0x04).find_map(|last| {
        let mark = [(0x20, last), (0x21, 0x79), (0x22, 0x44), (0x23, 0x98)];
        only_wrong_byte(bytes, &mark).filter(|wrong| crc32_with(summed, wrong.offset, wrong.expected) == crc)
    })
}
