//! [`PayloadKind::EspImage`]: application image of ESP-IDF ("App Image Format"), little endian.
//!
//! ```text
//! 0   E9  segments:u8 (1 to 16)  ...  23 whether a SHA-256 follows:u8 (0 or 1)
//! 24  segments, each  address:u32  length:u32  data:length
//! 32  in the first segment's data  ABCD5432:u32  ...  48 version text, 32  80 project name, 32
//! e   zeros, so that the checksum is the last of a multiple of 16 bytes
//! n   checksum: EF xored with each byte of each segment's data
//! n+1 SHA-256 of all bytes before it, if byte 23 is 1
//! any signature block of secure boot, at a multiple of 4096: E7 02
//! ```

use core::ops::Range;

use sha2::{Digest, Sha256};

use super::read_fields::{array, le_len, le_u16, le_u32, sha256_with};
use super::wrong_magic_byte::{WrongByte, only_wrong_byte};
use crate::payload::covered_bytes::CoveredBytes;
use crate::payload::metadata::text_before_nul;
use crate::payload::{
    ChecksumKind, PayloadKind, PayloadMetadata, PayloadReport, PayloadState, PayloadVersion, UnknownReason,
};

const MAGIC: u8 = 0xe9;
const DESCRIPTION: u32 = 0xabcd_5432;
/// Offset of the flag of an ESP image that says whether a SHA-256 follows its checksum.
const SHA_FLAG: usize = 23;
const SEGMENTS: usize = 24;
const SEGMENT_HEAD_LEN: usize = 8;
const SHA_LEN: usize = 32;
const SIGNATURE_SECTOR: usize = 4096;
const SIGNATURE: [u8; 2] = [0xe7, 0x02];

pub(super) fn is(bytes: &[u8]) -> bool {
    matches!(bytes, [MAGIC, 1..=16, ..])
        && matches!(array(bytes, SHA_FLAG), Some([0 | 1]))
        && le_u32(bytes, 32) == Some(DESCRIPTION)
}

pub(super) fn check(bytes: &[u8]) -> PayloadReport<'_> {
    let text_at =
        |offset: usize| bytes.get(offset..offset.saturating_add(32)).map(text_before_nul).unwrap_or_default();
    let version = text_at(48);
    let metadata = PayloadMetadata {
        version: (!version.is_empty()).then_some(PayloadVersion::Text(version)),
        name: text_at(80),
        chip: le_u16(bytes, 12).map_or(&[], chip),
        ..PayloadMetadata::EMPTY
    };
    let [count] = array(bytes, 1).unwrap_or_default();
    let (state, end) = match walk_segments(bytes, count) {
        Ok(segments) => (segments.state(bytes), segments.end),
        Err(state) => (state, bytes.len()),
    };
    let covered = match state {
        PayloadState::Whole(ChecksumKind::Sha256) => CoveredBytes::until(end.saturating_add(SHA_LEN)),
        _ => CoveredBytes::EspSegments { end },
    };
    let sector = end.checked_next_multiple_of(SIGNATURE_SECTOR);
    let signed = sector.is_some_and(|sector| array(bytes, sector) == Some(SIGNATURE));
    PayloadReport { signed, metadata, ..PayloadReport::new(PayloadKind::EspImage, state).covering(covered) }
}

/// Returns the name of the chip with the number `number` (`esp_chip_id_t` of ESP-IDF), or an empty text.
const fn chip(number: u16) -> &'static [u8] {
    match number {
        0x0000 => b"ESP32",
        0x0002 => b"ESP32-S2",
        0x0005 => b"ESP32-C3",
        0x0009 => b"ESP32-S3",
        0x000c => b"ESP32-C2",
        0x000d => b"ESP32-C6",
        0x0010 => b"ESP32-H2",
        0x0012 => b"ESP32-P4",
        0x0014 => b"ESP32-C61",
        0x0017 => b"ESP32-C5",
        0x0019 => b"ESP32-H21",
        0x001c => b"ESP32-H4",
        _ => b"",
    }
}

/// Returns the ranges of the data of all segments.
pub(in crate::payload) fn segment_data(bytes: &[u8]) -> impl Iterator<Item = Range<usize>> + use<'_> {
    let [count] = array(bytes, 1).unwrap_or_default();
    (0..count).scan(SEGMENTS, |offset, _| {
        let start = offset.saturating_add(SEGMENT_HEAD_LEN);
        let length = le_len(bytes, offset.saturating_add(4))?;
        *offset = start.saturating_add(length);
        Some(start..*offset)
    })
}

/// Result of reading the segments of an ESP image, all of which are complete.
struct Segments {
    /// Offset of the first byte after the checksum of an ESP image.
    end: usize,
    /// Checksum computed over the data of all segments of an ESP image.
    checksum: u8,
}

/// Reads the `count` segments of an ESP image. If the payload ends inside a segment or before the checksum, the error
/// is the state of the truncated image.
fn walk_segments(bytes: &[u8], count: u8) -> Result<Segments, PayloadState> {
    let (mut offset, mut checksum) = (SEGMENTS, 0xef);
    for _ in 0..count {
        let start = offset.saturating_add(SEGMENT_HEAD_LEN);
        let length = le_len(bytes, offset.saturating_add(4));
        let end = start.saturating_add(length.unwrap_or(0));
        let data = bytes.get(start..end).filter(|_| length.is_some()).ok_or(PayloadState::truncated(
            offset,
            end.saturating_sub(offset),
            bytes.len().saturating_sub(offset),
        ))?;
        checksum = data.iter().fold(checksum, |sum, byte| sum ^ byte);
        offset = end;
    }
    let end = (offset | 15).saturating_add(1);
    if end > bytes.len() {
        return Err(PayloadState::truncated(0, end, bytes.len()));
    }
    Ok(Segments { end, checksum })
}

impl Segments {
    /// Returns the state of an ESP image according to its one-byte checksum. If this checksum matches and the ESP image
    /// has a SHA-256, the SHA-256 decides the state.
    fn state(&self, bytes: &[u8]) -> PayloadState {
        let offset = self.end.saturating_sub(1);
        let [stored] = array(bytes, offset).unwrap_or_default();
        let xor = PayloadState::from_checksum(ChecksumKind::Xor, offset, stored.into(), self.checksum.into());
        let (image, after) = bytes.split_at_checked(self.end).unwrap_or((bytes, &[]));
        let has_sha = array(bytes, SHA_FLAG) == Some([1]);
        match (xor, after.first_chunk::<SHA_LEN>()) {
            (PayloadState::Whole(_), Some(sha)) if has_sha => {
                PayloadState::from_sha256(self.end, *sha, Sha256::digest(image).into())
            }
            (PayloadState::Whole(_), None) if has_sha => {
                PayloadState::truncated(self.end, SHA_LEN, after.len())
            }
            // If 32 bytes follow an image without the flag, the bytes may be a SHA-256, and the flag may be damaged.
            (PayloadState::Whole(_), Some(_)) if after.len() == SHA_LEN => {
                PayloadState::Unknown(UnknownReason::Ambiguous)
            }
            _ => xor,
        }
    }
}

/// Searches for one wrong byte among the bytes by which an ESP image is recognised: the first byte, the number of
/// segments, the flag of the SHA-256, and the first four bytes of the application description. Returns the wrong byte
/// if the SHA-256, or the checksum of an ESP image without SHA-256, matches after this byte is corrected.
pub(super) fn wrong_magic_byte(bytes: &[u8]) -> Option<WrongByte> {
    // A flag of 0 is valid. If a SHA-256 follows the image nevertheless, the flag is damaged.
    let description = [(0, MAGIC), (32, 0x32), (33, 0x54), (34, 0xcd), (35, 0xab)];
    let mark = [(0, MAGIC), (SHA_FLAG, 1), (32, 0x32), (33, 0x54), (34, 0xcd), (35, 0xab)];
    let [count] = array(bytes, 1)?;
    if matches!(count, 1..=16) {
        let flagged =
            only_wrong_byte(bytes, &mark).filter(|wrong| checksum_matches_with(bytes, count, *wrong));
        let plain = || {
            only_wrong_byte(bytes, &description).filter(|wrong| checksum_matches_with(bytes, count, *wrong))
        };
        return flagged.or_else(plain);
    }
    let is_marked = mark.iter().all(|(offset, byte)| bytes.get(*offset) == Some(byte));
    let mut counts = (1..=16).filter(|_| is_marked).filter_map(|count| only_wrong_byte(bytes, &[(1, count)]));
    counts.find(|wrong| checksum_matches_with(bytes, wrong.expected, *wrong))
}

/// Returns whether the SHA-256, or the checksum of an ESP image without SHA-256, matches after the byte `wrong` is
/// corrected. `count` is the number of segments of the ESP image.
fn checksum_matches_with(bytes: &[u8], count: u8, wrong: WrongByte) -> bool {
    let Ok(Segments { end, checksum }) = walk_segments(bytes, count) else {
        return false;
    };
    if array(bytes, SHA_FLAG) == Some([0]) && wrong.offset >= SEGMENTS {
        // If the image has no SHA-256, the function compares the checksum of the segments' data.
        return array(bytes, end.saturating_sub(1)) == Some([checksum ^ wrong.found ^ wrong.expected]);
    }
    let (image, after) = bytes.split_at_checked(end).unwrap_or((bytes, &[]));
    after.first_chunk::<SHA_LEN>() == Some(&sha256_with(image, wrong.offset, wrong.expected))
}
