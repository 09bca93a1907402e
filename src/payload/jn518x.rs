//! [`PayloadKind::NxpJn518x`]: an image for the JN518x, K32W0x1 or QN9090 (`flash_header.h` and the image tool of NXP's DK6 SDKs),
//! little endian.
//!
//! ```text
//! 0x00 7 u32  vectors        0x1C u32  makes the sum of the first eight words 0
//! 0x20 u32    98447902 (98447903 and 98447904 in later SDKs)
//! 0x24 u32    place of the boot block
//! 0x28 u32    CRC-32 of the 40 bytes before it
//! boot block  BB0110BB  type  address  length  size  place of certificates  place of compatibility list  version
//! ```
//!
//! Vendors encrypt what follows the header, the boot block too. No sum is over that.

use super::read::{array, le_len, le_u32};
use super::{
    ChecksumKind, Entropy, PayloadKind, PayloadMetadata, PayloadReport, PayloadState, PayloadVersion,
    UnknownReason,
};
use crate::crc::crc32;

const SIGNATURE: u32 = 0x9844_7902;
const BOOT_BLOCK: u32 = 0xbb01_10bb;
const BOOT_BLOCK_LEN: usize = 32;
const CRC: usize = 0x28;
const HEADER_LEN: usize = 0x2c;

pub(super) fn is(bytes: &[u8]) -> bool {
    matches!(le_u32(bytes, 0x20), Some(SIGNATURE..=0x9844_7904))
}

/// Where the boot block stands, if it can.
fn boot_block(bytes: &[u8]) -> Option<usize> {
    let place = le_len(bytes, 0x24)?;
    let end = place.checked_add(BOOT_BLOCK_LEN)?;
    (place >= HEADER_LEN && end <= bytes.len()).then_some(place)
}

pub(super) fn check(bytes: &[u8]) -> PayloadReport<'_> {
    let block = boot_block(bytes).filter(|place| le_u32(bytes, *place) == Some(BOOT_BLOCK));
    let encrypted = block.is_none() && Entropy::of(bytes).looks_random();
    let state = match header(bytes) {
        PayloadState::Whole(_) if encrypted => PayloadState::Encrypted,
        PayloadState::Whole(_) => PayloadState::Unknown(UnknownReason::NoSum),
        state => state.if_certain(le_u32(bytes, 0x20) == Some(SIGNATURE) && boot_block(bytes).is_some()),
    };
    let word = |at: usize| block.and_then(|place| le_u32(bytes, place.saturating_add(at)));
    let version = word(28).filter(|version| *version != 0).map(PayloadVersion::Number);
    let signed = word(20).is_some_and(|certificates| certificates != 0);
    let stated = PayloadMetadata { version, ..PayloadMetadata::NOTHING };
    PayloadReport { encrypted, signed, stated, ..PayloadReport::new(PayloadKind::NxpJn518x, state) }
}

/// The header by its own sums.
fn header(bytes: &[u8]) -> PayloadState {
    let vectors: [u8; 32] = array(bytes, 0).unwrap_or_default();
    let (words, _) = vectors.as_chunks();
    let sum = words.iter().fold(0_u32, |sum, word| sum.wrapping_add(u32::from_le_bytes(*word)));
    if sum != 0 {
        return PayloadState::of_sum(ChecksumKind::Words, 0x1c, 0, sum);
    }
    let found = crc32(bytes.get(..CRC).unwrap_or_default());
    PayloadState::of_sum(ChecksumKind::Crc32, CRC, le_u32(bytes, CRC).unwrap_or(0), found)
}
