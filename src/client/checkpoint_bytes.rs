//! Byte encoding of a checkpoint: a record of fixed length with a layout version and a CRC-32, little endian.
//!
//! | offset | size | field | unit or value |
//! |---|---|---|---|
//! | 0 | 1 | layout version | 1 |
//! | 1 | 1 | flags | bit 0: header facts, bit 1: their credential, bit 2: sums, bit 3: missing credential |
//! | 2 | 1 | stage | 0 downloading, 1 verified, 2 images retained |
//! | 3 | 1 | pending images | count |
//! | 4 | 8 | image on offer | file version (4), manufacturer code (2), image type (2) |
//! | 12 | 4 | size of the file | bytes |
//! | 16 | 4 | received | bytes |
//! | 20 | 2 | stack version of the header | |
//! | 22 | 1 | credential version of the header | |
//! | 23 | 1 | missing credential version | |
//! | 24 | 8 | sum of the header | start (4), sum (4) |
//! | 32 | 8 | sum of the last block | start (4), sum (4) |
//! | 40 | 2 | sizes of the two summed ranges | bytes |
//! | 42 | 2 | stack version of the kept image of the identity | |
//! | 44 | 4 | file version of the kept image of the identity | |
//! | 48 | 8 | next image to query | file version (4), manufacturer code (2), image type (2) |
//! | 56 | 4 | reserved | 0 |
//! | 60 | 4 | CRC-32 of bytes 0 to 59 | |
//!
//! A field of an encoded checkpoint is 0 if the flag that belongs to the field is not set. An encoded checkpoint has 64
//! bytes, a multiple of the usual word sizes of flash.

use zerocopy::little_endian::{U16, U32};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::checkpoint::{Checkpoint, CheckpointStage, FileSums, HeaderFacts, PendingImages, RangeSum};
use crate::crc_bitwise::crc32;
use crate::types::{FileVersion, ImageId, SecurityCredentialVersion, StackVersion};
use crate::zcl::ImageOffer;

/// Layout version of the checkpoint bytes that this version of the crate writes.
const LAYOUT: u8 = 1;

const HAS_HEADER: u8 = 1;
const HAS_CREDENTIAL: u8 = 1 << 1;
const HAS_SUMS: u8 = 1 << 2;
const LACKS_CREDENTIAL: u8 = 1 << 3;
const ALL_FLAGS: u8 = HAS_HEADER | HAS_CREDENTIAL | HAS_SUMS | LACKS_CREDENTIAL;

#[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
struct RawImage {
    version: U32,
    manufacturer: U16,
    image_type: U16,
}

#[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
struct RawSum {
    start: U32,
    sum: U32,
}

#[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
struct RawCheckpoint {
    layout: u8,
    flags: u8,
    stage: u8,
    pending: u8,
    offer: RawImage,
    size: U32,
    received: U32,
    stack: U16,
    credential: u8,
    missing_credential: u8,
    header_sum: RawSum,
    block_sum: RawSum,
    header_sum_size: u8,
    block_sum_size: u8,
    identity_stack: U16,
    identity_version: U32,
    next: RawImage,
    reserved: U32,
    crc: U32,
}

/// Reason why bytes are no checkpoint that this version of the crate can read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum CheckpointError {
    /// The layout version is unknown, because a newer version of this crate wrote the checkpoint, or because the flash
    /// is erased, so that every byte reads as 255.
    #[error("checkpoint layout {0} is unknown, expected {LAYOUT}")]
    Layout(u8),
    /// The CRC-32 does not match the bytes, for example after an interrupted write.
    #[error("the sum of the checkpoint is {stored:#010x}, expected {computed:#010x}")]
    Sum {
        /// CRC-32 in bytes 60 to 63 of the encoded checkpoint.
        stored: u32,
        /// CRC-32 computed over bytes 0 to 59 of the encoded checkpoint.
        computed: u32,
    },
    /// A field of the checkpoint has a value that the layout version of the checkpoint does not allow. The variant
    /// holds the offset of the field.
    #[error("the checkpoint field at offset {0} has a forbidden value")]
    Field(u8),
}

impl Checkpoint {
    /// Length in bytes of a checkpoint that [`to_bytes`](Self::to_bytes) returns.
    pub const ENCODED_LEN: usize = size_of::<RawCheckpoint>();

    /// Encodes the checkpoint as bytes with a layout version and a CRC-32. The application stores the encoded
    /// checkpoint, so that the upgrade survives a restart. The documentation of [`from_bytes`](Self::from_bytes) has a
    /// table of the fields of an encoded checkpoint.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; Self::ENCODED_LEN] {
        let Self { offer, received, header, sums, stage, pending_images } = *self;
        let PendingImages { count, next, identity_version, identity_stack, missing_credential } =
            pending_images;
        let credential = header.and_then(|facts| facts.credential);
        let flag = |is_present: bool, flag: u8| if is_present { flag } else { 0 };
        let sum = |range: Option<RangeSum>| {
            range.map_or((RawSum { start: 0.into(), sum: 0.into() }, 0), |range| {
                (RawSum { start: range.start.into(), sum: range.sum.into() }, range.size)
            })
        };
        let (header_sum, header_sum_size) = sum(sums.map(|sums| sums.header));
        let (block_sum, block_sum_size) = sum(sums.map(|sums| sums.last_block));
        let raw = RawCheckpoint {
            layout: LAYOUT,
            flags: flag(header.is_some(), HAS_HEADER)
                | flag(credential.is_some(), HAS_CREDENTIAL)
                | flag(sums.is_some(), HAS_SUMS)
                | flag(missing_credential.is_some(), LACKS_CREDENTIAL),
            stage: match stage {
                CheckpointStage::Downloading => 0,
                CheckpointStage::Verified => 1,
                CheckpointStage::ImagesRetained => 2,
            },
            pending: count,
            offer: offer.id.into(),
            size: offer.size.into(),
            received: received.into(),
            stack: header.map_or(0, |facts| facts.stack.0).into(),
            credential: credential.map_or(0, |version| version.0),
            missing_credential: missing_credential.map_or(0, |version| version.0),
            header_sum,
            block_sum,
            header_sum_size,
            block_sum_size,
            identity_stack: identity_stack.0.into(),
            identity_version: identity_version.0.into(),
            next: next.into(),
            reserved: 0.into(),
            crc: 0.into(),
        };
        let mut bytes: [u8; Self::ENCODED_LEN] = zerocopy::transmute!(raw);
        if let Some((content, crc)) = bytes.split_last_chunk_mut() {
            *crc = crc32(content).to_le_bytes();
        }
        bytes
    }

    /// Reads a checkpoint that [`to_bytes`](Self::to_bytes) returned, in this or an earlier version of this crate.
    ///
    /// | offset | size | field, little endian |
    /// |---|---|---|
    /// | 0 | 1 | layout version, 1 |
    /// | 1 | 1 | flags: which optional fields are present |
    /// | 2 | 1 | stage |
    /// | 3 | 1 | number of pending images |
    /// | 4 | 16 | offer and `received` |
    /// | 20 | 3 | facts of the header |
    /// | 23 | 1 | missing credential version of the pending images |
    /// | 24 | 18 | sums of the header and of the last block |
    /// | 42 | 14 | pending images |
    /// | 56 | 4 | reserved, 0 |
    /// | 60 | 4 | CRC-32 of bytes 0 to 59 |
    ///
    /// The CRC-32 finds accidental damage, and proves nothing about the origin of the bytes.
    ///
    /// # Errors
    /// [`CheckpointError`] if the layout version is unknown, the CRC-32 is wrong, or a field has a forbidden value.
    /// Without a readable checkpoint, a download starts at offset 0.
    pub fn from_bytes(bytes: &[u8; Self::ENCODED_LEN]) -> Result<Self, CheckpointError> {
        let raw: &RawCheckpoint = zerocopy::transmute_ref!(bytes);
        if raw.layout != LAYOUT {
            return Err(CheckpointError::Layout(raw.layout));
        }
        let content = bytes.split_last_chunk::<4>().map_or(&[][..], |(content, _)| content);
        let (stored, computed) = (raw.crc.get(), crc32(content));
        if stored != computed {
            return Err(CheckpointError::Sum { stored, computed });
        }
        let has = |flag: u8| raw.flags & flag != 0;
        if raw.flags & !ALL_FLAGS != 0 || has(HAS_CREDENTIAL) && !has(HAS_HEADER) {
            return Err(CheckpointError::Field(1));
        }
        let stage = match raw.stage {
            0 => CheckpointStage::Downloading,
            1 => CheckpointStage::Verified,
            2 => CheckpointStage::ImagesRetained,
            _ => return Err(CheckpointError::Field(2)),
        };
        let (size, received) = (raw.size.get(), raw.received.get());
        if received > size {
            return Err(CheckpointError::Field(16));
        }
        if raw.reserved.get() != 0 {
            return Err(CheckpointError::Field(56));
        }
        let sum = |range: &RawSum, size| RangeSum { start: range.start.get(), size, sum: range.sum.get() };
        let credential = SecurityCredentialVersion(raw.credential);
        let missing = SecurityCredentialVersion(raw.missing_credential);
        let mut checkpoint = Self::new(ImageOffer { id: raw.offer.id(), size }, received);
        checkpoint.header = has(HAS_HEADER).then(|| {
            HeaderFacts::new(StackVersion(raw.stack.get()), has(HAS_CREDENTIAL).then_some(credential))
        });
        checkpoint.sums = has(HAS_SUMS).then(|| {
            FileSums::new(sum(&raw.header_sum, raw.header_sum_size), sum(&raw.block_sum, raw.block_sum_size))
        });
        checkpoint.stage = stage;
        checkpoint.pending_images = PendingImages {
            count: raw.pending,
            next: raw.next.id(),
            identity_version: FileVersion(raw.identity_version.get()),
            identity_stack: StackVersion(raw.identity_stack.get()),
            missing_credential: has(LACKS_CREDENTIAL).then_some(missing),
        };
        Ok(checkpoint)
    }
}

impl From<ImageId> for RawImage {
    fn from(id: ImageId) -> Self {
        Self {
            version: id.version.0.into(),
            manufacturer: id.manufacturer.0.into(),
            image_type: id.image_type.0.into(),
        }
    }
}

impl RawImage {
    fn id(&self) -> ImageId {
        ImageId::new(self.manufacturer.get(), self.image_type.get(), self.version.get())
    }
}

#[cfg(test)]
mod tests {
    use std::string::ToString;

    use super::*;

    /// Returns a checkpoint in which every field has a different value.
    fn full() -> Checkpoint {
        let offer = ImageOffer { id: ImageId::new(0x1001, 0x00ab, 0x1234_5678), size: 0x0003_0201 };
        Checkpoint {
            header: Some(HeaderFacts::new(StackVersion(2), Some(SecurityCredentialVersion(1)))),
            sums: Some(FileSums::new(
                RangeSum { start: 0, size: 56, sum: 0x1122_3344 },
                RangeSum { start: 0x2_0000, size: 64, sum: 0x5566_7788 },
            )),
            stage: CheckpointStage::Verified,
            pending_images: PendingImages {
                count: 3,
                next: ImageId::new(0x1001, 0x00ac, 7),
                identity_version: FileVersion(8),
                identity_stack: StackVersion(3),
                missing_credential: Some(SecurityCredentialVersion(2)),
            },
            ..Checkpoint::new(offer, 0x0002_0040)
        }
    }

    /// Recomputes the CRC-32 of a changed record, so that a test reaches the checks of the fields.
    fn with_sum(mut bytes: [u8; Checkpoint::ENCODED_LEN]) -> [u8; Checkpoint::ENCODED_LEN] {
        let sum = crc32(&bytes[..60]);
        bytes[60..].copy_from_slice(&sum.to_le_bytes());
        bytes
    }

    /// Checks that every later version of the crate can read a checkpoint of layout version 1.
    #[test]
    fn the_bytes_of_layout_1_are_these() {
        let mut expected = [
            1, 0b1111, 1, 3, // layout, flags, stage, count
            0x78, 0x56, 0x34, 0x12, 0x01, 0x10, 0xab, 0x00, // offer
            0x01, 0x02, 0x03, 0x00, 0x40, 0x00, 0x02, 0x00, // size, received
            2, 0, 1, 2, // stack, credential, missing credential
            0, 0, 0, 0, 0x44, 0x33, 0x22, 0x11, // header
            0, 0, 2, 0, 0x88, 0x77, 0x66, 0x55, // last block
            56, 64, 3, 0, 8, 0, 0, 0, // sizes, stack and version of the identity
            7, 0, 0, 0, 0x01, 0x10, 0xac, 0x00, // next
            0, 0, 0, 0, 0, 0, 0, 0, // reserved, sum
        ];
        expected = with_sum(expected);
        assert_eq!(full().to_bytes(), expected);
        assert_eq!(Checkpoint::from_bytes(&expected), Ok(full()));
    }

    #[test]
    fn every_optional_field_may_be_absent() {
        for absent in 0..16 {
            let mut checkpoint = full();
            if absent & 1 != 0 {
                checkpoint.header = None;
            }
            if absent & 2 != 0 {
                checkpoint.sums = None;
            }
            if absent & 4 != 0 {
                checkpoint.pending_images = PendingImages::NONE;
            }
            if absent & 8 != 0 {
                checkpoint.stage = CheckpointStage::ImagesRetained;
                checkpoint.header = checkpoint.header.map(|facts| HeaderFacts { credential: None, ..facts });
            }
            assert_eq!(Checkpoint::from_bytes(&checkpoint.to_bytes()), Ok(checkpoint));
        }
    }

    #[test]
    fn every_flipped_bit_and_every_torn_write_is_found() {
        let bytes = full().to_bytes();
        for bit in 0..8 * bytes.len() {
            let mut bad = bytes;
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(Checkpoint::from_bytes(&bad).is_err(), "bit {bit}");
        }
        for written in 0..bytes.len() {
            let mut torn = [0xff; Checkpoint::ENCODED_LEN];
            torn[..written].copy_from_slice(&bytes[..written]);
            assert!(Checkpoint::from_bytes(&torn).is_err(), "{written} bytes");
        }
        let error = Checkpoint::from_bytes(&[0xff; Checkpoint::ENCODED_LEN]);
        assert_eq!(error, Err(CheckpointError::Layout(255)), "erased flash");
        assert!(Checkpoint::from_bytes(&[0; Checkpoint::ENCODED_LEN]).is_err(), "zeros");
    }

    #[test]
    fn forbidden_values_are_named_by_their_offset() {
        for (offset, value) in [(1, 0x10), (1, HAS_CREDENTIAL), (2, 3), (19, 1), (56, 1), (59, 1)] {
            let mut bytes = full().to_bytes();
            bytes[offset] = value;
            let expected = match offset {
                19 => 16,
                59 => 56,
                offset => u8::try_from(offset).unwrap(),
            };
            assert_eq!(Checkpoint::from_bytes(&with_sum(bytes)), Err(CheckpointError::Field(expected)));
        }
        assert_eq!(CheckpointError::Layout(2).to_string(), "checkpoint layout 2 is unknown, expected 1");
    }
}
