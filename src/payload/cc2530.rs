//! [`PayloadKind::TiCc2530`]: 8051 code with TI's preamble for over-the-air download (`hal_ota.c` of Z-Stack for the CC2530),
//! little endian.
//!
//! ```text
//! 0x00 02 ..  LJMP to the start; one each or FF at 0x03, 0x0B, ... 0x83, for the interrupts
//! 0x88 u16    CRC-16 of all other bytes     0x8A u16 its shadow; FFFF until the device has checked the CRC
//! 0x8C u32    length of the image, which is all there is but for padding
//! 0x90 u16    manufacturer  0x92 u16 image type  0x94 u32 version
//! ```
//!
//! The CRC is the register itself (polynomial 0x1021, from 0) after the last bit has been shifted in, without the 16
//! zeros that XMODEM has after it: the XMODEM sum of all but the last two bytes, xored with those.

use super::read::{is_padding, le_len, le_u16, le_u32};
use super::{
    ChecksumKind, PayloadKind, PayloadMetadata, PayloadReport, PayloadState, PayloadVersion, UnknownReason,
};
use crate::crc::crc16;
use crate::types::{FileVersion, ImageType, ManufacturerCode};

const LJMP: u8 = 0x02;
const EMPTY: u8 = 0xff;
const FIRST_VECTOR: usize = 0x03;
const CRC: usize = 0x88;
const SHADOW: usize = 0x8a;
const PREAMBLE: usize = 0x8c;
const PREAMBLE_END: usize = 0x98;
/// So much is padding at most: a page of the flash.
const MOST_PADDING: usize = 2048;

pub(super) fn is(bytes: &[u8]) -> bool {
    bytes.first() == Some(&LJMP) && (image(bytes).is_some() || has_vectors(bytes))
}

/// The image, if the length in the preamble says where it ends.
fn image(bytes: &[u8]) -> Option<&[u8]> {
    let length = le_len(bytes, PREAMBLE).filter(|length| *length >= PREAMBLE_END)?;
    let (image, after) = bytes.split_at_checked(length)?;
    (after.len() <= MOST_PADDING && is_padding(after)).then_some(image)
}

/// Whether nothing but jumps, two at the least, stands where the interrupts go.
fn has_vectors(bytes: &[u8]) -> bool {
    let vectors = bytes.get(FIRST_VECTOR..CRC).unwrap_or_default().iter().step_by(8);
    let jumps = vectors.clone().filter(|byte| **byte == LJMP).count();
    jumps >= 2 && vectors.clone().all(|byte| matches!(*byte, LJMP | EMPTY))
}

pub(super) fn check(bytes: &[u8]) -> PayloadReport<'_> {
    // Without a preamble, code that was not built for this.
    let Some(image) = image(bytes) else {
        return PayloadReport::new(PayloadKind::TiCc2530, PayloadState::Unknown(UnknownReason::NoSum));
    };
    let stated = PayloadMetadata {
        manufacturer: le_u16(image, 0x90).map(ManufacturerCode),
        image_type: le_u16(image, 0x92).map(ImageType),
        version: le_u32(image, 0x94).map(|version| PayloadVersion::File(FileVersion(version))),
        ..PayloadMetadata::NOTHING
    };
    PayloadReport { stated, ..PayloadReport::new(PayloadKind::TiCc2530, state(image)) }
}

fn state(bytes: &[u8]) -> PayloadState {
    let [crc, shadow] = [CRC, SHADOW].map(|place| le_u16(bytes, place).unwrap_or(0));
    let (before, after) = (bytes.get(..CRC), bytes.get(PREAMBLE..).and_then(<[u8]>::split_last_chunk));
    let (before, (after, last)) = before.zip(after).unwrap_or((&[], (&[], &[0; 2])));
    let found = crc16([before, after]) ^ u16::from_be_bytes(*last);
    // Where the shadow says that the CRC is to be checked, the device checks it as is done here.
    let certain = shadow == u16::MAX && crc != 0 && crc != u16::MAX;
    PayloadState::of_sum(ChecksumKind::Crc16, CRC, crc.into(), found.into()).if_certain(certain)
}
