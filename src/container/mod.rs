//! How the OTA file lies inside what a vendor ships, which is not always the file alone.
//!
//! A container is one where every field that is known of it agrees, and where a readable OTA header stands at the
//! place told, of the size told. Nothing is ever searched for: the four bytes of the file identifier occur inside
//! the payload of many files. [`candidates`] alone looks for them, for a person to judge.
//!
//! [`ContainerKind::IkeaNgis`], little endian:
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
//! | 40 | 32 N | sums | SHA-256 of each chunk of the OTA file |
//! | 40 + 32 N | payload size | OTA file | |
//! | payload end | any | | 512 opaque bytes, perhaps a signature |
//!
//! [`ContainerKind::LegrandLength`], little endian:
//!
//! | offset | size | field | value |
//! |---|---|---|---|
//! | 0 | 4 | length | bytes of the OTA file |
//! | 4 | length | OTA file | |
//! | 4 + length | 0 or 1 | | 0x00 |
//! | 5 + length | any | | 16 opaque bytes |
//!
//! [`ContainerKind::Sonoff100`], big endian, each sum a CRC-32 (ISO-HDLC):
//!
//! | offset | size | field | value |
//! |---|---|---|---|
//! | 0x00 | 2 | identifier | 0x0301 |
//! | 0x02 | 18 | version text | |
//! | 0x14 | 4 | sum | of bytes 0x00 to 0x13 |
//! | 0x18 | 32 | model text | |
//! | 0x38 | 16 | version text | |
//! | 0x48 | 4 | payload offset | 100 |
//! | 0x4C | 4 | payload size | bytes |
//! | 0x50 | 4 | sum | of the OTA file |
//! | 0x54 | 4 | sum | of bytes 0x18 to 0x53 |
//! | 0x58 | 12 | | 0 |
//! | 0x64 | payload size | OTA file | |
//!
//! [`ContainerKind::SalusCrc32`], with the total image size of the OTA header:
//!
//! | offset | size | field | value |
//! |---|---|---|---|
//! | 0 | total | OTA file | |
//! | total | 4 | sum, little endian | CRC-32 (ISO-HDLC) of the OTA file |
//!
//! [`ContainerKind::SdevicesCrc32`]:
//!
//! | offset | size | field | value |
//! |---|---|---|---|
//! | 0 | total | OTA file | |
//! | total | 0 to 15 | padding to a multiple of 16 | 0xFF |
//! | after it | 4 | sum, little endian | CRC-32 without the final xor (JAMCRC) of all before it |
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
//! assert_eq!((container.kind, container.integrity), (ContainerKind::LegrandLength, ContainerIntegrity::NoSum));
//! assert_eq!(container.ota, file);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod candidates;
mod ikea;
mod legrand;
mod sonoff;
mod trailer;

pub use candidates::{Candidate, Candidates, candidates};

use core::fmt;

use crate::error::DecodeError;
use crate::file::FileHeader;

/// What an OTA file lies in; the layouts are in the [module's](self) tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum ContainerKind {
    /// Nothing around it: the OTA header stands at byte 0. Bytes after the total image size may be there.
    None,
    /// A header that begins with `NGIS` and has a SHA-256 for each chunk of the OTA file.
    IkeaNgis,
    /// The length of the OTA file before it.
    LegrandLength,
    /// A header of 100 bytes with three CRC-32.
    Sonoff100,
    /// The CRC-32 of the OTA file after it.
    SalusCrc32,
    /// Padding to a multiple of 16 bytes and the CRC-32 without its final xor after the OTA file.
    SdevicesCrc32,
}

impl ContainerKind {
    /// A short name: `none`, `ikea-ngis`, `legrand-length`, `sonoff-100`, `salus-crc32`, `sdevices-crc32`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::IkeaNgis => "ikea-ngis",
            Self::LegrandLength => "legrand-length",
            Self::Sonoff100 => "sonoff-100",
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

/// What the sums of a container say. They guard against accidents only: whoever can change the file can change them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ContainerIntegrity {
    /// Every sum matches.
    Verified,
    /// A sum does not match, or what it is of is cut short.
    SumFailed {
        /// Where the first such sum stands, in bytes from the first byte given.
        offset: usize,
    },
    /// This kind has no sum.
    NoSum,
}

impl ContainerIntegrity {
    /// A short name: `verified`, `sum-failed`, `no-sum`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::SumFailed { .. } => "sum-failed",
            Self::NoSum => "no-sum",
        }
    }

    /// Of sums in file order: where each stands, and whether it matches.
    fn of(sums: impl IntoIterator<Item = (usize, bool)>) -> Self {
        let failed = sums.into_iter().find(|(_, matches)| !matches);
        failed.map_or(Self::Verified, |(offset, _)| Self::SumFailed { offset })
    }
}

impl fmt::Display for ContainerIntegrity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What a vendor ships, cut into the OTA file and what is around it: `before`, `ota` and `after`, one after the
/// other, are all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Container<'a> {
    /// What the OTA file lies in.
    pub kind: ContainerKind,
    /// Bytes before the OTA file; none unless the container has a header.
    pub before: &'a [u8],
    /// The OTA file, which begins with a header that [`FileHeader::parse_lenient`] reads. For [`ContainerKind::None`] these are
    /// all bytes; else they are as many as the header's total image size says, or fewer when the input is cut short.
    pub ota: &'a [u8],
    /// Bytes after the OTA file; none for [`ContainerKind::None`].
    pub after: &'a [u8],
    /// What the container's own sums say; integrity elements inside the OTA file are not looked at.
    pub integrity: ContainerIntegrity,
}

impl<'a> Container<'a> {
    /// Finds the OTA file in what a vendor ships.
    ///
    /// Where a header can be read at byte 0, nothing but what follows its total image size may make a container, and
    /// only by a sum that matches; else it is [`ContainerKind::None`]. A container with a header of its own is recognised by
    /// that, and also when it is cut short inside the OTA file: sums over what is missing have failed then.
    ///
    /// # Errors
    /// Those of [`FileHeader::parse_lenient`] at byte 0 when no header can be read there and no container is recognised.
    pub fn open(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        match FileHeader::parse_lenient(bytes) {
            Ok((header, _)) => Ok(trailer::open(bytes, header.total_size)),
            Err(error) => ikea::open(bytes)
                .or_else(|| legrand::open(bytes))
                .or_else(|| sonoff::open(bytes))
                .ok_or(error),
        }
    }

    /// Cuts out the OTA file that is told to stand at `offset`, if one of just this total image size does; its sums
    /// are still to be looked at.
    fn cut(kind: ContainerKind, bytes: &'a [u8], offset: usize, size: u32) -> Option<Self> {
        let (before, rest) = bytes.split_at_checked(offset)?;
        let (header, _) = FileHeader::parse_lenient(rest).ok()?;
        if header.total_size != size {
            return None;
        }
        let (ota, after) = rest.split_at_checked(usize::try_from(size).ok()?).unwrap_or((rest, &[]));
        Some(Self { kind, before, ota, after, integrity: ContainerIntegrity::NoSum })
    }

    /// Whether `size` bytes, the total image size, are all there.
    fn is_whole(&self, size: u32) -> bool {
        u32::try_from(self.ota.len()) == Ok(size)
    }
}

#[cfg(test)]
mod tests;
