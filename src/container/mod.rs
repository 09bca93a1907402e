//! Containers: the formats in which vendors wrap an OTA file.
//!
//! A container is recognised if all its known fields are consistent and a readable OTA header is at the offset that
//! these fields give. The total image size in the OTA header must equal the size in the fields of the container.
//! [`Container::open`] never searches for the OTA file, because the four bytes of the file identifier occur inside the
//! payload of many files. Only [`candidates`] searches for OTA headers, and a person must judge the result of the
//! search.
//!
//! Layout of [`ContainerKind::IkeaNgis`], with little-endian integers:
//!
//! | offset | size | field | value |
//! |---|---|---|---|
//! | 0 | 4 | identifier | `NGIS` |
//! | 4 | 4 | | 12 |
//! | 8 | 4 | | 2010 |
//! | 12 | 4 | payload offset, counted from byte 12 | 28 + 32 N |
//! | 16 | 4 | payload offset | 40 + 32 N |
//! | 20 | 4 | payload size | bytes |
//! | 24 | 4 | payload end | payload offset + payload size |
//! | 28 | 4 | | 11 |
//! | 32 | 4 | chunk size | bytes, not 0 |
//! | 36 | 4 | N | chunks, the last may be shorter |
//! | 40 | 32 N | checksums | SHA-256 of each chunk of the OTA file |
//! | 40 + 32 N | payload size | OTA file | |
//! | payload end | any | | 512 opaque bytes, perhaps a signature |
//!
//! Layout of [`ContainerKind::LegrandLength`], with little-endian integers:
//!
//! | offset | size | field | value |
//! |---|---|---|---|
//! | 0 | 4 | length | bytes of the OTA file |
//! | 4 | length | OTA file | |
//! | 4 + length | 0 or 1 | | 0x00 |
//! | 5 + length | any | | 16 opaque bytes |
//!
//! Layout of [`ContainerKind::Sonoff100`], with big-endian integers. Each checksum of a Sonoff container is a CRC-32
//! (ISO-HDLC):
//!
//! | offset | size | field | value |
//! |---|---|---|---|
//! | 0x00 | 2 | identifier | 0x0301 |
//! | 0x02 | 18 | version text | |
//! | 0x14 | 4 | checksum | of bytes 0x00 to 0x13 |
//! | 0x18 | 32 | model text | |
//! | 0x38 | 16 | version text | |
//! | 0x48 | 4 | payload offset | 100 |
//! | 0x4C | 4 | payload size | bytes |
//! | 0x50 | 4 | checksum | of the OTA file |
//! | 0x54 | 4 | checksum | of bytes 0x18 to 0x53 |
//! | 0x58 | 12 | | 0 |
//! | 0x64 | payload size | OTA file | |
//!
//! Layout of [`ContainerKind::NxpFlashWord`]:
//!
//! | offset | size | field | value |
//! |---|---|---|---|
//! | 0 | 4 | first word of the flash image | `07 03 00 08` for a JN5168, `0F 03 00 0B` for a JN5169 |
//! | 4 | any | OTA file, up to the last byte | |
//!
//! Layout of [`ContainerKind::ThirdReality`], with little-endian integers:
//!
//! | offset | size | field | value |
//! |---|---|---|---|
//! | 0 | 64 | checksum | SHA-512 of all bytes from 64 on |
//! | 64 | 4 | | not checked |
//! | 68 | 4 | length | bytes from 64 on |
//! | 72 | 80 | | not checked |
//! | 152 | any | OTA file, up to the last byte | |
//!
//! Layout of [`ContainerKind::SalusCrc32`]. "total" is the total image size in the OTA header:
//!
//! | offset | size | field | value |
//! |---|---|---|---|
//! | 0 | total | OTA file | |
//! | total | 4 | checksum, little endian | CRC-32 (ISO-HDLC) of the OTA file |
//!
//! Layout of [`ContainerKind::SdevicesCrc32`], where "total" is the total image size in the OTA header:
//!
//! | offset | size | field | value |
//! |---|---|---|---|
//! | 0 | total | OTA file | |
//! | total | 0 to 15 | padding to a multiple of 16 | 0xFF |
//! | after it | 4 | checksum, little endian | CRC-32 without the final xor (JAMCRC) of all bytes before it |
//!
//! ```
//! use zigbee_ota::container::{Container, ContainerIntegrity, ContainerKind};
//! use zigbee_ota::file::{FileHeader, FileWriter};
//! use zigbee_ota::{Encode, ImageId};
//!
//! let mut file = [0; 56];
//! FileWriter::new(FileHeader::new(ImageId::new(0x1021, 0x0012, 5)), &[])?.encode(&mut file)?;
//! let shipped = [&[56, 0, 0, 0], &file[..], &[0; 17]].concat();
//!
//! let container = Container::open(&shipped)?;
//! assert_eq!((container.kind, container.integrity), (ContainerKind::LegrandLength, ContainerIntegrity::NoChecksum));
//! assert_eq!(container.ota, file);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod crc_trailer;
mod header_candidates;
mod ikea_ngis;
mod legrand_length_prefix;
mod nxp_flash_word_prefix;
mod sonoff_100_byte_header;
mod third_reality;

pub use header_candidates::{Candidate, candidates};
pub(crate) use ikea_ngis::{OtherTotal, with_other_total};

use core::fmt;

use crate::error::DecodeError;
use crate::file::FileHeader;

/// Format of a container. The [module documentation](self) has the byte layout of each format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum ContainerKind {
    /// No container: the OTA header is at byte 0. Other bytes may follow an OTA file without a container.
    None,
    /// Container with a header that starts with `NGIS` and has a SHA-256 for each chunk of the OTA file.
    IkeaNgis,
    /// Container with the length of the OTA file before the file.
    LegrandLength,
    /// Container with a header of 100 bytes, which contains three CRC-32 checksums.
    Sonoff100,
    /// Container with a CRC-32 of the OTA file after the file.
    SalusCrc32,
    /// Container with one word, the first word of an NXP flash image, before the OTA file.
    NxpFlashWord,
    /// Container with a header of 152 bytes, which starts with a SHA-512 of all bytes after this SHA-512.
    ThirdReality,
    /// Container with padding to a multiple of 16 bytes and a CRC-32 without its final xor, both after the OTA file.
    SdevicesCrc32,
}

impl ContainerKind {
    /// Returns the short name of the container format for tools and scripts: `none`, `ikea-ngis`, `legrand-length`,
    /// `sonoff-100`, `nxp-flash-word`, `third-reality`, `salus-crc32` or `sdevices-crc32`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::IkeaNgis => "ikea-ngis",
            Self::LegrandLength => "legrand-length",
            Self::Sonoff100 => "sonoff-100",
            Self::NxpFlashWord => "nxp-flash-word",
            Self::ThirdReality => "third-reality",
            Self::SalusCrc32 => "salus-crc32",
            Self::SdevicesCrc32 => "sdevices-crc32",
        }
    }
}

impl fmt::Display for ContainerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Result of comparing the checksums of a container. Checksums only detect accidental damage, because an attacker who
/// changes the file can change the checksums as well.
// Exhaustive: a container has checksums that match, checksums that do not, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ContainerIntegrity {
    /// All checksums of the container match.
    Verified,
    /// A checksum does not match, or bytes that the checksum covers are missing.
    ChecksumFailed {
        /// Offset of the first failed checksum, in bytes from the first byte of the container.
        offset: usize,
    },
    /// The container is of a kind that has no checksum.
    NoChecksum,
}

impl ContainerIntegrity {
    /// Returns the short name of this result for tools and scripts: `verified`, `sum-failed` or `no-sum`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::ChecksumFailed { .. } => "sum-failed",
            Self::NoChecksum => "no-sum",
        }
    }

    /// Returns the result of comparing `checksums`, which are in file order. Each item of `checksums` is the offset of
    /// a checksum, and `true` if the checksum matches.
    fn from_checksums(checksums: impl IntoIterator<Item = (usize, bool)>) -> Self {
        let failed = checksums.into_iter().find(|(_, matches)| !matches);
        failed.map_or(Self::Verified, |(offset, _)| Self::ChecksumFailed { offset })
    }
}

impl fmt::Display for ContainerIntegrity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// OTA file in the form in which a vendor ships it, with the bytes around the file. The fields `before`, `ota` and
/// `after` together are all bytes of the container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Container<'a> {
    /// Format of the container.
    pub kind: ContainerKind,
    /// Bytes before the OTA file. The field `before` is empty if the OTA file has no container, or a container that
    /// adds bytes only after the OTA file.
    pub before: &'a [u8],
    /// Bytes of the OTA file. [`FileHeader::parse_lenient`] can read the header of the OTA file. In a container, the
    /// length of the OTA file is the total image size in the OTA header, or less if the container is truncated. For
    /// [`ContainerKind::None`], the field `ota` has all bytes that the caller passed to [`open`](Self::open).
    pub ota: &'a [u8],
    /// Bytes after the OTA file. The field `after` is empty for [`ContainerKind::None`].
    pub after: &'a [u8],
    /// Result of comparing the checksums of the container. [`open`](Self::open) does not check an integrity code inside
    /// the OTA file.
    pub integrity: ContainerIntegrity,
}

impl<'a> Container<'a> {
    /// Recognises the container of a file, and finds the OTA file in the container.
    ///
    /// If an OTA header can be read at byte 0, `Container::open` recognises only containers that append a CRC to the
    /// OTA file. For an OTA file without a matching CRC in the last four bytes of `bytes`, the kind is
    /// [`ContainerKind::None`].
    ///
    /// A container with a header is recognised by the header, even if the container is truncated inside the OTA file.
    /// In a truncated container, a checksum that covers missing bytes counts as failed.
    ///
    /// # Errors
    /// `Container::open` returns the error of [`FileHeader::parse_lenient`] at byte 0, if no OTA header can be read at
    /// byte 0 and no container is recognised.
    pub fn open(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        match FileHeader::parse_lenient(bytes) {
            Ok((header, _)) => Ok(crc_trailer::open(bytes, header.total_size)),
            Err(error) => ikea_ngis::open(bytes)
                .or_else(|| legrand_length_prefix::open(bytes))
                .or_else(|| sonoff_100_byte_header::open(bytes))
                .or_else(|| nxp_flash_word_prefix::open(bytes))
                .or_else(|| third_reality::open(bytes))
                .ok_or(error),
        }
    }

    /// Splits `bytes` into the OTA file at `offset` and the bytes around the file. Returns `None` unless an OTA header
    /// with the total image size `size` is at `offset`. `Container::split` does not compare the checksums of the
    /// container.
    fn split(kind: ContainerKind, bytes: &'a [u8], offset: usize, size: u32) -> Option<Self> {
        let (before, rest) = bytes.split_at_checked(offset)?;
        let (header, _) = FileHeader::parse_lenient(rest).ok()?;
        if header.total_size != size {
            return None;
        }
        let (ota, after) = rest.split_at_checked(usize::try_from(size).ok()?).unwrap_or((rest, &[]));
        Some(Self { kind, before, ota, after, integrity: ContainerIntegrity::NoChecksum })
    }

    /// Returns whether all `size` bytes of the OTA file in the container are present.
    fn is_complete(&self, size: u32) -> bool {
        u32::try_from(self.ota.len()) == Ok(size)
    }
}

#[cfg(test)]
mod tests;
