//! [`PayloadKind::EspImage`]: an application image of ESP-IDF ("App Image Format"), little endian.
//!
//! ```text
//! 0   E9  segments:u8 (1 to 16)  ...  23 whether a SHA-256 follows:u8 (0 or 1)
//! 24  segments, each  address:u32  length:u32  data:length
//! 32  in the first one's data  ABCD5432:u32  ...  48 version text, 32  80 project name, 32
//! e   zeros, so that the checksum is the last of a multiple of 16 bytes
//! n   checksum: EF xored with each byte of each segment's data
//! n+1 SHA-256 of all before it, if byte 23 says so
//! any signature block of secure boot, at a multiple of 4096: E7 02
//! ```

use sha2::{Digest, Sha256};

use super::metadata::text;
use super::read::{array, le_len, le_u32};
use super::{
    ChecksumKind, PayloadKind, PayloadMetadata, PayloadReport, PayloadState, PayloadVersion, UnknownReason,
};

const MAGIC: u8 = 0xe9;
const DESCRIPTION: u32 = 0xabcd_5432;
const SEGMENTS: usize = 24;
const SEGMENT_HEAD_LEN: usize = 8;
const SHA_LEN: usize = 32;
const SIGNATURE_SECTOR: usize = 4096;
const SIGNATURE: [u8; 2] = [0xe7, 0x02];

pub(super) fn is(bytes: &[u8]) -> bool {
    matches!(bytes, [MAGIC, 1..=16, ..])
        && matches!(array(bytes, 23), Some([0 | 1]))
        && le_u32(bytes, 32) == Some(DESCRIPTION)
}

pub(super) fn check(bytes: &[u8]) -> PayloadReport<'_> {
    let field = |offset: usize| bytes.get(offset..offset.saturating_add(32)).map(text).unwrap_or_default();
    let version = field(48);
    let stated = PayloadMetadata {
        version: (!version.is_empty()).then_some(PayloadVersion::Text(version)),
        name: field(80),
        ..PayloadMetadata::NOTHING
    };
    let (state, end) = match image(bytes) {
        Ok(image) => (image.state(bytes), image.end),
        Err(state) => (state, bytes.len()),
    };
    let sector = end.checked_next_multiple_of(SIGNATURE_SECTOR);
    let signed = sector.is_some_and(|sector| array(bytes, sector) == Some(SIGNATURE));
    PayloadReport { signed, stated, ..PayloadReport::new(PayloadKind::EspImage, state) }
}

/// The image up to its checksum.
struct Image {
    /// Where it ends, its checksum included.
    end: usize,
    checksum: u8,
}

/// Walks the segments; what is cut short is damaged.
fn image(bytes: &[u8]) -> Result<Image, PayloadState> {
    let [count] = array(bytes, 1).unwrap_or_default();
    let (mut offset, mut checksum) = (SEGMENTS, 0xef);
    for _ in 0..count {
        let start = offset.saturating_add(SEGMENT_HEAD_LEN);
        let length = le_len(bytes, offset.saturating_add(4));
        let end = start.saturating_add(length.unwrap_or(0));
        let data = bytes.get(start..end).filter(|_| length.is_some()).ok_or(PayloadState::cut(
            offset,
            end.saturating_sub(offset),
            bytes.len().saturating_sub(offset),
        ))?;
        checksum = data.iter().fold(checksum, |sum, byte| sum ^ byte);
        offset = end;
    }
    let end = (offset | 15).saturating_add(1);
    if end > bytes.len() {
        return Err(PayloadState::cut(0, end, bytes.len()));
    }
    Ok(Image { end, checksum })
}

impl Image {
    fn state(&self, bytes: &[u8]) -> PayloadState {
        let at = self.end.saturating_sub(1);
        let [stored] = array(bytes, at).unwrap_or_default();
        let xor = PayloadState::of_sum(ChecksumKind::Xor, at, stored.into(), self.checksum.into());
        let (image, after) = bytes.split_at_checked(self.end).unwrap_or((bytes, &[]));
        let says_so = array(bytes, 23) == Some([1]);
        match (xor, after.first_chunk::<SHA_LEN>()) {
            (PayloadState::Whole(_), Some(sum)) if says_so => {
                PayloadState::of_digest(self.end, *sum, Sha256::digest(image).into())
            }
            (PayloadState::Whole(_), None) if says_so => PayloadState::cut(self.end, SHA_LEN, after.len()),
            // Bytes that no field accounts for may be a sum whose flag was lost.
            (PayloadState::Whole(_), Some(_)) if after.len() == SHA_LEN => {
                PayloadState::Unknown(UnknownReason::Doubtful)
            }
            _ => xor,
        }
    }
}
