//! The OTA header (section 6.3.2): 56 bytes that are always there, fields by flag, and bytes of later versions.
//!
//! ```text
//! 0   4  1E F1 EE 0B     4   2  version            6   2  header length     8   2  field control
//! 10  2  manufacturer    12  2  image type         14  4  file version      18  2  stack
//! 20  32 text            52  4  total image size
//! 56  1  credentials     bit 0                     +0  8  destination, bit 1
//! +0  4  least and greatest hardware version, bit 2          +0  n  of later versions, up to the header length
//! ```

mod read;

use core::mem::size_of;

use zerocopy::little_endian::{U16, U32};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

pub(super) use read::{Known, Reading, known};

use super::HeaderString;
use crate::codec::{Emit, Sink};
use crate::error::DecodeError;
use crate::open_enum::flags_as_number;
use crate::types::{Eui64, HardwareRange, HardwareVersion, ImageId, SecurityCredentialVersion, StackVersion};

/// The part of the header that every file has (table 4).
#[derive(Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct Raw {
    identifier: U32,
    version: U16,
    header_length: U16,
    field_control: U16,
    manufacturer: U16,
    image_type: U16,
    file_version: U32,
    stack_version: U16,
    text: [u8; 32],
    total_size: U32,
}

const _: () = assert!(size_of::<Raw>() == FileHeader::MIN_LEN);

/// The only major version there is; another one is incompatible (section 6.3.2.2).
const MAJOR: u8 = 1;

bitflags::bitflags! {
    /// Field control of a header (section 6.3.2.4, table 5). Bits 3 to 15 are reserved and kept as they are.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub struct HeaderControl: u16 {
        /// The security credential version is there.
        const SECURITY_CREDENTIAL = 0x0001;
        /// The file is for one device, and its destination is there.
        const DEVICE_SPECIFIC = 0x0002;
        /// Minimum and maximum hardware version are there, always both.
        const HARDWARE_VERSIONS = 0x0004;
    }
}

bitflags::bitflags! {
    /// What is unusual about a header that could be read. None of it makes the file useless.
    ///
    /// A text that is empty, blank or fills all 32 bytes is as good as any.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub struct HeaderAnomalies: u8 {
        /// The file is device specific, but its header has no room for a destination (section 6.3.2.12). Only
        /// [`FileHeader::parse_lenient`] reads it.
        const DESTINATION_MISSING = 0x01;
        /// Field control bits 3 to 15 are not all zero.
        const RESERVED_BITS = 0x02;
        /// The header is longer than its known fields.
        const EXTRA_BYTES = 0x04;
        /// The minor header version is not 0.
        const OTHER_MINOR_VERSION = 0x08;
        /// The minimum hardware version lies above the maximum, so the file suits no device.
        const HARDWARE_RANGE_EMPTY = 0x10;
        /// The text up to its first NUL is no UTF-8.
        const TEXT_NOT_UTF8 = 0x20;
        /// Not all bytes after the first NUL of the text are zero.
        const TEXT_AFTER_NUL = 0x40;
        /// The text up to its first NUL has control characters.
        const TEXT_CONTROL_CHARACTERS = 0x80;
    }
}

flags_as_number!(HeaderControl(u16), "HeaderControl({=u16:#x})");
flags_as_number!(HeaderAnomalies(u8), "HeaderOddities({=u8:#x})");

/// The OTA header of a file (section 6.3.2); the layout is in the [module's](super) table.
///
/// Which optional fields are there is told by the `Option`s alone: the field control is computed from them. The
/// header length is computed as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct FileHeader<'a> {
    /// MM of the header version 0x01MM. Headers with another one than 0 read alike.
    pub minor: u8,
    /// Manufacturer code, image type and file version, verbatim.
    pub id: ImageId,
    /// Stack that the image contains.
    pub stack: StackVersion,
    /// Text for people.
    pub header_string: HeaderString,
    /// Bytes of the file: header and all elements. [`FileWriter`](super::FileWriter) fills it in.
    pub total_size: u32,
    /// Security credential a client needs before it installs the image.
    pub credential: Option<SecurityCredentialVersion>,
    /// The one device the file is for.
    pub destination: Option<Eui64>,
    /// The hardware the file is for; without it any.
    pub hardware: Option<HardwareRange>,
    /// Field control bits that no field here stands for: reserved ones, and
    /// [`DEVICE_SPECIFIC`](HeaderControl::DEVICE_SPECIFIC) where the destination is missing. The other two known
    /// bits are ignored here.
    pub other_control: HeaderControl,
    /// Bytes between the known fields and the end of the header. What a 16-bit header length cannot count is
    /// not written; [`FileWriter`](super::FileWriter) refuses it.
    #[cfg_attr(feature = "serde", serde(borrow, with = "crate::serde_bytes"))]
    pub extra: &'a [u8],
}

impl FileHeader<'static> {
    /// A header of version 0x0100 for ZigBee PRO with nothing optional, no text and a total size of 0.
    #[must_use]
    pub const fn new(id: ImageId) -> Self {
        Self {
            minor: 0,
            id,
            stack: StackVersion::ZIGBEE_PRO,
            header_string: HeaderString::EMPTY,
            total_size: 0,
            credential: None,
            destination: None,
            hardware: None,
            other_control: HeaderControl::empty(),
            extra: &[],
        }
    }
}

impl<'a> FileHeader<'a> {
    fn without_extra(self) -> FileHeader<'static> {
        let Self {
            minor,
            id,
            stack,
            header_string: text,
            total_size,
            credential,
            destination,
            hardware,
            other_control,
            ..
        } = self;
        FileHeader {
            minor,
            stack,
            header_string: text,
            total_size,
            credential,
            destination,
            hardware,
            other_control,
            ..FileHeader::new(id)
        }
    }

    /// The file identifier, `1E F1 EE 0B` on disk (section 6.3.2.1).
    pub const MAGIC: u32 = 0x0bee_f11e;
    /// Bytes of the shortest header.
    pub const MIN_LEN: usize = 56;
    /// Bytes of the longest header without extra bytes.
    pub const MAX_KNOWN_LEN: usize = 69;

    /// Reads the header at the start of `file` by the letter; returns it and all bytes after it.
    ///
    /// Reserved bits, extra bytes and minor versions are kept and not refused: see [`anomalies`](Self::anomalies).
    ///
    /// # Errors
    /// In this order, [`BadMagic`](crate::DecodeErrorKind::BadMagic) as soon as there are four bytes,
    /// [`Truncated`](crate::DecodeErrorKind::Truncated) at byte 0 with the bytes that a header needs at least,
    /// [`UnsupportedHeaderVersion`](crate::DecodeErrorKind::UnsupportedHeaderVersion) for another major version,
    /// [`HeaderTooShort`](crate::DecodeErrorKind::HeaderTooShort) for its flags,
    /// [`TotalTooSmall`](crate::DecodeErrorKind::TotalTooSmall) for the header, and
    /// [`Truncated`](crate::DecodeErrorKind::Truncated) at byte 0 with the header length. Offsets are those of the field at
    /// fault. So only `Truncated` is an error that more bytes may mend.
    pub fn parse(file: &'a [u8]) -> Result<(Self, &'a [u8]), DecodeError> {
        known(file, Reading::STRICT).map(|known| (known.header(), known.body()))
    }

    /// Like [`parse`](Self::parse), but reads a device specific header without room for a destination, too:
    /// `destination` is `None` then, and [`HeaderAnomalies::DESTINATION_MISSING`] shows.
    ///
    /// # Errors
    /// Those of [`parse`](Self::parse).
    pub fn parse_lenient(file: &'a [u8]) -> Result<(Self, &'a [u8]), DecodeError> {
        known(file, Reading::LENIENT).map(|known| (known.header(), known.body()))
    }

    /// Like [`parse_lenient`](Self::parse_lenient) for a header that is still arriving: the known fields must be
    /// there, at most [`MAX_KNOWN_LEN`](Self::MAX_KNOWN_LEN) bytes, and `extra` is left empty.
    ///
    /// # Errors
    /// Those of [`parse`](Self::parse); [`Truncated`](crate::DecodeErrorKind::Truncated) says how many bytes the known
    /// fields take.
    pub fn parse_known(start: &[u8]) -> Result<FileHeader<'static>, DecodeError> {
        Self::parse_start(start).map(|(header, _)| header)
    }

    /// [`parse_known`](Self::parse_known), and the header length.
    pub(super) fn parse_start(start: &[u8]) -> Result<(FileHeader<'static>, u16), DecodeError> {
        let known = known(start, Reading::STARTED)?;
        Ok((known.header().without_extra(), known.len()))
    }

    /// The header length field of a header of which at least the first 56 bytes are there.
    pub(super) fn declared_len(start: &[u8]) -> u16 {
        Raw::ref_from_prefix(start).map_or(0, |(raw, _)| raw.header_length.get())
    }

    /// The field control: a bit for each optional field that is there, and `other_control`.
    #[must_use]
    pub fn control(&self) -> HeaderControl {
        let owned = HeaderControl::SECURITY_CREDENTIAL.union(HeaderControl::HARDWARE_VERSIONS);
        self.present().union(self.other_control.difference(owned))
    }

    /// Bytes of the header, which is the offset of the first element; at most 65,535.
    #[must_use]
    pub fn header_len(&self) -> usize {
        usize::from(fields_len(self.present())).saturating_add(self.written_extra().len())
    }

    /// Whether the file is for one device (section 6.3.2.4, bit 1).
    #[must_use]
    pub fn is_device_specific(&self) -> bool {
        self.control().contains(HeaderControl::DEVICE_SPECIFIC)
    }

    /// Whether the file is for `hardware`: true without a range (sections 6.3.2.13 and 6.3.2.14).
    #[must_use]
    pub fn suits(&self, hardware: HardwareVersion) -> bool {
        self.hardware.is_none_or(|range| range.contains(hardware))
    }

    /// What is unusual about this header.
    #[must_use]
    pub fn anomalies(&self) -> HeaderAnomalies {
        let missing = self.is_device_specific() && self.destination.is_none();
        let reserved = self.control().difference(HeaderControl::all());
        let mut oddities = HeaderAnomalies::empty();
        oddities.set(HeaderAnomalies::DESTINATION_MISSING, missing);
        oddities.set(HeaderAnomalies::RESERVED_BITS, !reserved.is_empty());
        oddities.set(HeaderAnomalies::EXTRA_BYTES, !self.extra.is_empty());
        oddities.set(HeaderAnomalies::OTHER_MINOR_VERSION, self.minor != 0);
        let empty = self.hardware.is_some_and(HardwareRange::is_empty);
        oddities.set(HeaderAnomalies::HARDWARE_RANGE_EMPTY, empty);
        oddities.set(HeaderAnomalies::TEXT_NOT_UTF8, self.header_string.to_str().is_err());
        oddities.set(HeaderAnomalies::TEXT_AFTER_NUL, !self.header_string.is_padded());
        oddities.set(HeaderAnomalies::TEXT_CONTROL_CHARACTERS, self.header_string.has_control_characters());
        oddities
    }

    /// The bits of the optional fields that are there.
    fn present(&self) -> HeaderControl {
        let mut present = HeaderControl::empty();
        present.set(HeaderControl::SECURITY_CREDENTIAL, self.credential.is_some());
        present.set(HeaderControl::DEVICE_SPECIFIC, self.destination.is_some());
        present.set(HeaderControl::HARDWARE_VERSIONS, self.hardware.is_some());
        present
    }

    /// The extra bytes that the header length can count.
    pub(super) fn written_extra(&self) -> &'a [u8] {
        let room = u16::MAX.saturating_sub(fields_len(self.present()));
        self.extra.get(..usize::from(room)).unwrap_or(self.extra)
    }
}

/// Bytes of a header with these optional fields: 56 to 69.
fn fields_len(present: HeaderControl) -> u16 {
    let optional = [
        (HeaderControl::SECURITY_CREDENTIAL, 1),
        (HeaderControl::DEVICE_SPECIFIC, 8),
        (HeaderControl::HARDWARE_VERSIONS, 4),
    ];
    let there = optional.into_iter().filter(|(bit, _)| present.contains(*bit));
    there.fold(56, |len, (_, size)| len.saturating_add(size))
}

impl Emit for FileHeader<'_> {
    fn len(&self) -> usize {
        self.header_len()
    }

    fn emit(&self, out: &mut Sink<'_>) {
        let raw = Raw {
            identifier: Self::MAGIC.into(),
            version: U16::from_bytes([self.minor, MAJOR]),
            header_length: u16::try_from(self.header_len()).unwrap_or(u16::MAX).into(),
            field_control: self.control().bits().into(),
            manufacturer: self.id.manufacturer.0.into(),
            image_type: self.id.image_type.0.into(),
            file_version: self.id.version.0.into(),
            stack_version: self.stack.0.into(),
            text: self.header_string.0,
            total_size: self.total_size.into(),
        };
        out.bytes(raw.as_bytes());
        if let Some(SecurityCredentialVersion(version)) = self.credential {
            out.array(&[version]);
        }
        if let Some(Eui64(address)) = self.destination {
            out.array(&address.to_le_bytes());
        }
        if let Some(HardwareRange { min, max }) = self.hardware {
            out.array(&min.0.to_le_bytes());
            out.array(&max.0.to_le_bytes());
        }
        out.bytes(self.written_extra());
    }
}

#[cfg(feature = "arbitrary")]
impl<'a> arbitrary::Arbitrary<'a> for HeaderControl {
    fn arbitrary(u: &mut arbitrary::Unstructured<'a>) -> arbitrary::Result<Self> {
        u.arbitrary().map(Self::from_bits_retain)
    }
}

/// Headers that can be read back as they are.
#[cfg(feature = "arbitrary")]
impl<'a> arbitrary::Arbitrary<'a> for FileHeader<'a> {
    fn arbitrary(u: &mut arbitrary::Unstructured<'a>) -> arbitrary::Result<Self> {
        let mut header: FileHeader<'a> = FileHeader::arbitrary_fields(u)?;
        header.extra = u.arbitrary()?;
        header.extra = header.written_extra();
        let least = u32::try_from(header.header_len()).unwrap_or(u32::MAX);
        header.total_size = u.int_in_range(least..=u32::MAX)?;
        Ok(header)
    }
}

#[cfg(feature = "arbitrary")]
impl FileHeader<'static> {
    /// A header without extra bytes and with a total size of 0.
    pub(super) fn arbitrary_fields(u: &mut arbitrary::Unstructured<'_>) -> arbitrary::Result<Self> {
        Ok(FileHeader {
            minor: u.arbitrary()?,
            stack: u.arbitrary()?,
            header_string: u.arbitrary()?,
            credential: u.arbitrary()?,
            destination: u.arbitrary()?,
            hardware: u.arbitrary()?,
            other_control: u.arbitrary::<HeaderControl>()?.difference(HeaderControl::all()),
            ..FileHeader::new(u.arbitrary()?)
        })
    }
}

#[cfg(test)]
mod tests;
