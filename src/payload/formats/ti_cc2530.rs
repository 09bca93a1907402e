//! [`PayloadKind::TiCc2530`]: 8051 code with TI's preamble for over-the-air download (`hal_ota.c` of Z-Stack for the
//! CC2530), little endian.
//!
//! ```text
//! 0x00 02 ..  LJMP to the start; one LJMP or FF for each interrupt, at 0x03, 0x0B, ... 0x83
//! 0x88 u16    CRC-16 of all other bytes     0x8A u16 its shadow; FFFF until the device has checked the CRC
//! 0x8C u32    length of the image, without padding after it
//! 0x90 u16    manufacturer  0x92 u16 image type  0x94 u32 version
//! ```
//!
//! The CRC of a CC2530 image is the value of the CRC register (polynomial 0x1021, initial value 0) after the last bit
//! of the image. The CRC of XMODEM, in contrast, is the value of the register after 16 more zero bits. The CRC of a
//! CC2530 image therefore equals the XMODEM CRC of all but the last two bytes, xored with the last two bytes.

use super::read_fields::{is_padding, le_len, le_u16, le_u32};
use super::wrong_magic_byte::{WrongByte, only_wrong_byte};
use crate::crc::crc16;
use crate::payload::covered_bytes::CoveredBytes;
use crate::payload::{
    ChecksumKind, PayloadKind, PayloadMetadata, PayloadReport, PayloadState, PayloadVersion,
};
use crate::types::{FileVersion, ImageType, ManufacturerCode};

const LJMP: u8 = 0x02;
const ERASED: u8 = 0xff;
const FIRST_VECTOR: usize = 0x03;
const CRC: usize = 0x88;
const SHADOW: usize = 0x8a;
const PREAMBLE: usize = 0x8c;
const PREAMBLE_END: usize = 0x98;
/// Maximum padding after the image in bytes: one page of the CC2530's flash.
const MAX_PADDING: usize = 2048;

pub(super) fn is(bytes: &[u8]) -> bool {
    bytes.first() == Some(&LJMP) && (image_of_preamble(bytes).is_some() || has_vectors(bytes))
}

/// Returns the CC2530 image, whose length is in its preamble. Returns `None` if other bytes than padding follow the
/// CC2530 image.
fn image_of_preamble(bytes: &[u8]) -> Option<&[u8]> {
    let length = le_len(bytes, PREAMBLE).filter(|length| *length >= PREAMBLE_END)?;
    let (image, after) = bytes.split_at_checked(length)?;
    (after.len() <= MAX_PADDING && is_padding(after)).then_some(image)
}

/// Returns whether every interrupt vector is a jump or erased, and at least two vectors are jumps.
fn has_vectors(bytes: &[u8]) -> bool {
    let vectors = bytes.get(FIRST_VECTOR..CRC).unwrap_or_default().iter().step_by(8);
    let jumps = vectors.clone().filter(|byte| **byte == LJMP).count();
    jumps >= 2 && vectors.clone().all(|byte| matches!(*byte, LJMP | ERASED))
}

pub(super) fn check(bytes: &[u8]) -> PayloadReport<'_> {
    // Code without a preamble was not built for over-the-air download and has no CRC.
    let Some(image) = image_of_preamble(bytes) else {
        return PayloadReport::without_checksum(PayloadKind::TiCc2530);
    };
    let metadata = PayloadMetadata {
        manufacturer: le_u16(image, 0x90).map(ManufacturerCode),
        image_type: le_u16(image, 0x92).map(ImageType),
        version: le_u32(image, 0x94).map(|version| PayloadVersion::File(FileVersion(version))),
        ..PayloadMetadata::EMPTY
    };
    // The CRC does not cover its shadow field.
    let covered = CoveredBytes::TwoRanges { first: (0, SHADOW), second: (PREAMBLE, image.len()) };
    PayloadReport { metadata, ..PayloadReport::new(PayloadKind::TiCc2530, state(image)).covering(covered) }
}

fn state(image: &[u8]) -> PayloadState {
    let [crc, shadow] = [CRC, SHADOW].map(|offset| le_u16(image, offset).unwrap_or(0));
    let found = computed_crc(image, None);
    // The value FFFF of the shadow field means that the device will check the CRC, with the same computation as here.
    let certain = shadow == u16::MAX && crc != 0 && crc != u16::MAX;
    PayloadState::from_checksum(ChecksumKind::Crc16, CRC, crc.into(), found.into()).ambiguous_unless(certain)
}

/// Returns the wrong byte of a CC2530 image if only its first byte, which is a jump, or one byte of its length is
/// wrong, and the CRC-16 matches after this byte is corrected.
pub(super) fn wrong_magic_byte(bytes: &[u8]) -> Option<WrongByte> {
    let is_summed = |image: &[u8], wrong: WrongByte| {
        let crc = le_u16(image, CRC).filter(|crc| *crc != 0 && *crc != u16::MAX);
        le_u16(image, SHADOW) == Some(u16::MAX) && crc == Some(computed_crc(image, Some(wrong)))
    };
    if let Some(wrong) = only_wrong_byte(bytes, &[(0, LJMP)]) {
        return image_of_preamble(bytes).filter(|image| is_summed(image, wrong)).map(|_| wrong);
    }
    if image_of_preamble(bytes).is_some() || bytes.first() != Some(&LJMP) {
        return None;
    }
    // The image ends at the end of the payload, or before at most one page of padding. The search tries these lengths
    // if they differ from the length field in one byte.
    let lengths = (0..=MAX_PADDING).map_while(|padding| bytes.len().checked_sub(padding));
    lengths.filter(|length| *length >= PREAMBLE_END).find_map(|length| {
        let (image, _) = bytes.split_at_checked(length).filter(|(_, after)| is_padding(after))?;
        let [a, b, c, d] = u32::try_from(length).ok()?.to_le_bytes();
        let mark = [(PREAMBLE, a), (PREAMBLE + 1, b), (PREAMBLE + 2, c), (PREAMBLE + 3, d)];
        only_wrong_byte(bytes, &mark).filter(|wrong| is_summed(image, *wrong))
    })
}

/// Computes the CRC-16 of an image in which one byte is replaced.
fn computed_crc(image: &[u8], wrong: Option<WrongByte>) -> u16 {
    let (before, after) = (image.get(..CRC), image.get(PREAMBLE..).and_then(<[u8]>::split_last_chunk));
    let (before, (after, last)) = before.zip(after).unwrap_or((&[], (&[], &[0; 2])));
    let xor = u16::from_be_bytes(*last);
    let Some(WrongByte { offset, expected, .. }) = wrong else {
        return crc16([before, after]) ^ xor;
    };
    match offset.checked_sub(PREAMBLE) {
        Some(offset) => {
            let (start, rest) = after.split_at_checked(offset).unwrap_or((after, &[]));
            crc16([before, start, &[expected], rest.get(1..).unwrap_or_default()]) ^ xor
        }
        None => {
            let (start, rest) = before.split_at_checked(offset).unwrap_or((before, &[]));
            crc16([start, &[expected], rest.get(1..).unwrap_or_default(), after]) ^ xor
        }
    }
}
