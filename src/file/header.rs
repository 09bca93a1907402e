//! OTA header (section 6.3.2): 56 bytes of fixed fields, then optional fields, then extra bytes. The bits of the fixed
//! field "field control" show which optional fields are present.
//!
//! Sections and tables refer to ZigBee document 095264 (2011).
//!
//! ```text
//! 0   4  1E F1 EE 0B     4   2  version            6   2  header length     8   2  field control
//! 10  2  manufacturer    12  2  image type         14  4  file version      18  2  stack version
//! 20  32 header string   52  4  total image size
//! 56  1  credential version, bit 0                 +0  8  destination, bit 1
//! +0  4  minimum and maximum hardware version, bit 2
//! +0  n  extra bytes: fields of later header versions, up to the header length
//! ```

mod parse;

use core::mem::size_of;

use zerocopy::little_endian::{U16, U32};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

pub(super) use parse::{HeaderRules, HeaderView, check_header};

use super::HeaderString;
use crate::codec::{Emit, Sink};
use crate::error::DecodeError;
use crate::types::{Eui64, HardwareRange, HardwareVersion, ImageId, SecurityCredentialVersion, StackVersion};

/// Fixed fields of the header, in the layout of table 4 of the specification.
#[derive(Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct FixedFields {
    identifier: U32,
    version: U16,
    header_length: U16,
    field_control: U16,
    manufacturer: U16,
    image_type: U16,
    file_version: U32,
    stack_version: U16,
    header_string: [u8; 32],
    total_size: U32,
}

const _: () = assert!(size_of::<FixedFields>() == FileHeader::MIN_LEN);

/// Supported major header version. All other major versions are incompatible (section 6.3.2.2).
const MAJOR: u8 = 1;

/// Field control of a header (section 6.3.2.4, table 5). A parsed header keeps the reserved bits 3 to 15 of the field
/// control.
// The type is a plain number without the crate bitflags, because three bits need only `contains`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct HeaderControl(pub u16);

impl HeaderControl {
    /// Bit 0 of the field control: the header contains a security credential version.
    pub const SECURITY_CREDENTIAL: Self = Self(0x0001);
    /// Bit 1 of the field control: the file is for a single device. The header contains the IEEE address of the single
    /// device as the destination.
    pub const DEVICE_SPECIFIC: Self = Self(0x0002);
    /// Bit 2 of the field control: the header contains a minimum and a maximum hardware version.
    pub const HARDWARE_VERSIONS: Self = Self(0x0004);
    /// All field control bits that are not reserved.
    const KNOWN: Self = Self(0x0007);
    pub(super) const EMPTY: Self = Self(0);

    /// Returns whether `self` has all bits of `bits` set.
    #[must_use]
    pub const fn contains(self, bits: Self) -> bool {
        self.0 & bits.0 == bits.0
    }

    /// Returns the bits of `self` that are reserved.
    pub(super) const fn reserved(self) -> Self {
        self.without(Self::KNOWN)
    }

    /// Returns the bits of `self` that are not reserved.
    const fn known(self) -> Self {
        Self(self.0 & Self::KNOWN.0)
    }

    const fn with(self, bits: Self) -> Self {
        Self(self.0 | bits.0)
    }

    const fn without(self, bits: Self) -> Self {
        Self(self.0 & !bits.0)
    }
}

/// Unusual features of a header that was read. A device may install a file even if the header of the file has unusual
/// features.
///
/// An empty, blank or 32-byte header string does not count as an unusual feature.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct HeaderAnomalies {
    /// Bit 1 of the field control is set, but the header is too short for a destination (section 6.3.2.12).
    /// [`FileHeader::parse_lenient`] and [`FileHeader::parse_known`] accept a header without room for a destination;
    /// [`FileHeader::parse`] does not.
    pub destination_missing: bool,
    /// Reserved bits (3 to 15) of the field control are set.
    pub reserved_bits: bool,
    /// The header has bytes after the fields that document 095264 defines.
    pub extra_bytes: bool,
    /// The minor header version is not 0.
    pub other_minor_version: bool,
    /// The minimum hardware version is above the maximum, so no device can use the file.
    pub hardware_range_empty: bool,
    /// The header string, up to its first NUL, is not UTF-8.
    pub string_not_utf8: bool,
    /// The header string has a byte other than zero after its first NUL.
    pub string_after_nul: bool,
    /// The header string has an ASCII control character before its first NUL.
    pub string_control_characters: bool,
}

/// OTA header of a file (section 6.3.2); its byte layout is in the [module documentation](super).
///
/// An optional field of the header is present if its `Option` is `Some`. The field control and the header length are
/// computed from the fields and are not stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[doc(alias("EmberAfOtaHeader", "OTA_ImageHeader_t", "OTA_ParseHeader", "zb_zcl_ota_upgrade_file_header_t"))]
#[non_exhaustive]
pub struct FileHeader<'a> {
    /// Minor header version, the part MM of the header version 0x01MM. The parser reads headers of all minor versions
    /// in the same way.
    pub minor: u8,
    /// Manufacturer code, image type and file version of the image.
    pub id: ImageId,
    /// Zigbee stack version of the image.
    pub stack: StackVersion,
    /// Human-readable name of the image.
    pub header_string: HeaderString,
    /// Total image size in bytes, which counts the header and the elements. [`FileWriter`](super::FileWriter) computes
    /// the total image size.
    pub total_size: u32,
    /// Minimum security credential version that a device needs to install the image.
    pub credential: Option<SecurityCredentialVersion>,
    /// IEEE address of the single device that may install the image; `None` for any device.
    pub destination: Option<Eui64>,
    /// Hardware versions that the image supports; `None` for all hardware versions.
    pub hardware: Option<HardwareRange>,
    /// Bits of the field control that no other field of `FileHeader` represents. The field `other_control` holds the
    /// reserved bits of the field control. The field `other_control` also holds
    /// [`DEVICE_SPECIFIC`](HeaderControl::DEVICE_SPECIFIC) if bit 1 of the field control is set but the header has no
    /// room for a destination. The bits [`SECURITY_CREDENTIAL`](HeaderControl::SECURITY_CREDENTIAL) and
    /// [`HARDWARE_VERSIONS`](HeaderControl::HARDWARE_VERSIONS) have no effect in `other_control`.
    pub other_control: HeaderControl,
    /// Extra bytes between the last field that document 095264 defines and the end of the header. If the extra bytes
    /// make the header longer than 65,535 bytes, the maximum of the 16-bit header length field,
    /// [`FileWriter`](super::FileWriter) returns an error, and the encoder of the header leaves out the extra bytes
    /// beyond the maximum.
    #[cfg_attr(feature = "serde", serde(borrow, with = "crate::serde_bytes"))]
    pub extra: &'a [u8],
}

impl<'a> FileHeader<'a> {
    /// File identifier, `1E F1 EE 0B` in byte order (section 6.3.2.1).
    pub const MAGIC: u32 = 0x0bee_f11e;
    /// Length in bytes of the shortest header, which has only the fixed fields.
    pub const MIN_LEN: usize = 56;
    /// Length in bytes of the longest header without extra bytes, which has all fixed and optional fields.
    pub const MAX_KNOWN_LEN: usize = 69;

    /// Creates a header of version 0x0100 for ZigBee PRO, without optional fields, header string or total image size.
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
            other_control: HeaderControl::EMPTY,
            extra: &[],
        }
    }

    /// Returns this header with the Zigbee stack version `stack`.
    #[must_use]
    pub const fn with_stack(self, stack: StackVersion) -> Self {
        Self { stack, ..self }
    }

    /// Returns this header with the header string `header_string`.
    #[must_use]
    pub const fn with_header_string(self, header_string: HeaderString) -> Self {
        Self { header_string, ..self }
    }

    /// Returns this header with a total image size of `total_size` bytes. A caller of [`FileWriter`](super::FileWriter)
    /// need not set the total image size, because the writer computes it.
    #[must_use]
    pub const fn with_total_size(self, total_size: u32) -> Self {
        Self { total_size, ..self }
    }

    /// Returns this header with a minimum security credential version.
    #[must_use]
    pub const fn with_credential(self, credential: SecurityCredentialVersion) -> Self {
        Self { credential: Some(credential), ..self }
    }

    /// Returns this header for the single device with the IEEE address `destination`.
    #[must_use]
    pub const fn with_destination(self, destination: Eui64) -> Self {
        Self { destination: Some(destination), ..self }
    }

    /// Returns this header for the hardware versions in `hardware`.
    #[must_use]
    pub const fn with_hardware(self, hardware: HardwareRange) -> Self {
        Self { hardware: Some(hardware), ..self }
    }

    /// Returns this header with the extra bytes `extra`, whose lifetime may differ from the lifetime of the former
    /// extra bytes.
    #[must_use]
    pub const fn with_extra(self, extra: &[u8]) -> FileHeader<'_> {
        let Self {
            minor,
            id,
            stack,
            header_string,
            total_size,
            credential,
            destination,
            hardware,
            other_control,
            extra: _,
        } = self;
        FileHeader {
            minor,
            id,
            stack,
            header_string,
            total_size,
            credential,
            destination,
            hardware,
            other_control,
            extra,
        }
    }

    /// Reads the header at the start of `file` strictly. Returns the header and all bytes of `file` after the header.
    ///
    /// The parser accepts and keeps reserved bits, extra bytes and minor versions other than 0.
    /// [`anomalies`](Self::anomalies) reports reserved bits, extra bytes and minor versions other than 0.
    ///
    /// # Errors
    /// If several of the errors below apply, `FileHeader::parse` returns the error that is listed first. The `offset`
    /// of the error is the offset of the field at fault.
    ///
    /// - [`BadMagic`](crate::DecodeErrorKind::BadMagic) if at least four bytes are present, and the first four bytes
    ///   are not the file identifier.
    /// - [`Truncated`](crate::DecodeErrorKind::Truncated) with the offset 0 if fewer than 56 bytes are present.
    /// - [`UnsupportedHeaderVersion`](crate::DecodeErrorKind::UnsupportedHeaderVersion) if the major version is not 1.
    /// - [`HeaderTooShort`](crate::DecodeErrorKind::HeaderTooShort) if the header length leaves no room for the fields
    ///   that the field control announces.
    /// - [`TotalTooSmall`](crate::DecodeErrorKind::TotalTooSmall) if the total image size is below the header length.
    /// - [`Truncated`](crate::DecodeErrorKind::Truncated) with the offset 0 if fewer bytes than the header length are
    ///   present.
    ///
    /// After `Truncated`, `parse` may succeed when it is called with more bytes of the file. Every error except
    /// `Truncated` is final: `parse` returns the same error, whatever bytes follow.
    pub fn parse(file: &'a [u8]) -> Result<(Self, &'a [u8]), DecodeError> {
        check_header(file, HeaderRules::STRICT).map(|view| (view.header(), view.body()))
    }

    /// Reads the header as [`parse`](Self::parse) does, but accepts a device-specific header without room for a
    /// destination. For a header without room for a destination, `destination` is `None` and
    /// [`HeaderAnomalies::destination_missing`] is set.
    ///
    /// # Errors
    /// `parse_lenient` returns the errors of [`parse`](Self::parse), except for a missing destination.
    pub fn parse_lenient(file: &'a [u8]) -> Result<(Self, &'a [u8]), DecodeError> {
        check_header(file, HeaderRules::LENIENT).map(|view| (view.header(), view.body()))
    }

    /// Reads the known fields of a header whose extra bytes may not have arrived yet. In the header that `parse_known`
    /// returns, `extra` is empty.
    ///
    /// The known fields take at most [`MAX_KNOWN_LEN`](Self::MAX_KNOWN_LEN) bytes. As
    /// [`parse_lenient`](Self::parse_lenient) does, `parse_known` accepts a device-specific header without room for a
    /// destination.
    ///
    /// # Errors
    /// `parse_known` returns the same errors as [`parse`](Self::parse). The error
    /// [`Truncated`](crate::DecodeErrorKind::Truncated) contains the number of bytes needed: 56 if the fixed fields are
    /// incomplete, and the length of all known fields if the optional fields are incomplete.
    pub fn parse_known(start: &[u8]) -> Result<FileHeader<'static>, DecodeError> {
        Self::parse_known_and_len(start).map(|(header, _)| header)
    }

    /// Reads the known fields as [`parse_known`](Self::parse_known) does. Returns the header and the header length.
    pub(super) fn parse_known_and_len(start: &[u8]) -> Result<(FileHeader<'static>, u16), DecodeError> {
        let view = check_header(start, HeaderRules::PARTIAL)?;
        Ok((view.header().with_extra(&[]), view.len()))
    }

    /// Returns the header length field of a header whose first 56 bytes are present. If fewer than 56 bytes are
    /// present, `declared_len` returns 0.
    pub(super) fn declared_len(start: &[u8]) -> u16 {
        FixedFields::ref_from_prefix(start).map_or(0, |(fixed, _)| fixed.header_length.get())
    }

    /// Returns the field control of this header: one bit for each optional field that is present, and the bits of
    /// `other_control`.
    #[must_use]
    pub fn control(&self) -> HeaderControl {
        let owned = HeaderControl::SECURITY_CREDENTIAL.with(HeaderControl::HARDWARE_VERSIONS);
        self.present_fields().with(self.other_control.without(owned))
    }

    /// Returns the length of this header in bytes, at most 65,535. The length is the offset of the first element.
    #[must_use]
    pub fn header_len(&self) -> usize {
        usize::from(fields_len(self.present_fields())).saturating_add(self.written_extra().len())
    }

    /// Returns whether the file is for a single device (section 6.3.2.4, bit 1).
    #[must_use]
    pub fn is_device_specific(&self) -> bool {
        self.control().contains(HeaderControl::DEVICE_SPECIFIC)
    }

    /// Returns whether the image supports the hardware version `hardware`. If the header contains no hardware versions,
    /// the image supports all hardware versions (sections 6.3.2.13 and 6.3.2.14).
    #[must_use]
    pub fn suits(&self, hardware: HardwareVersion) -> bool {
        self.hardware.is_none_or(|range| range.contains(hardware))
    }

    /// Returns the unusual features of this header.
    #[must_use]
    pub fn anomalies(&self) -> HeaderAnomalies {
        HeaderAnomalies {
            destination_missing: self.is_device_specific() && self.destination.is_none(),
            reserved_bits: self.control().reserved() != HeaderControl::EMPTY,
            extra_bytes: !self.extra.is_empty(),
            other_minor_version: self.minor != 0,
            hardware_range_empty: self.hardware.is_some_and(HardwareRange::is_empty),
            string_not_utf8: self.header_string.to_str().is_err(),
            string_after_nul: !self.header_string.is_zero_padded(),
            string_control_characters: self.header_string.has_control_characters(),
        }
    }

    /// Returns the field control bits of the optional fields that are present.
    fn present_fields(&self) -> HeaderControl {
        let fields = [
            (HeaderControl::SECURITY_CREDENTIAL, self.credential.is_some()),
            (HeaderControl::DEVICE_SPECIFIC, self.destination.is_some()),
            (HeaderControl::HARDWARE_VERSIONS, self.hardware.is_some()),
        ];
        let present = fields.into_iter().filter(|(_, present)| *present);
        present.fold(HeaderControl::EMPTY, |all, (bit, _)| all.with(bit))
    }

    /// Returns the extra bytes that fit into the header, whose length is at most the maximum of the 16-bit header
    /// length field.
    pub(super) fn written_extra(&self) -> &'a [u8] {
        let room = u16::MAX.saturating_sub(fields_len(self.present_fields()));
        self.extra.get(..usize::from(room)).unwrap_or(self.extra)
    }
}

/// Returns the length in bytes of the fixed fields and the optional fields in `present`: 56 to 69.
fn fields_len(present: HeaderControl) -> u16 {
    let optional = [
        (HeaderControl::SECURITY_CREDENTIAL, 1),
        (HeaderControl::DEVICE_SPECIFIC, 8),
        (HeaderControl::HARDWARE_VERSIONS, 4),
    ];
    let announced = optional.into_iter().filter(|(bit, _)| present.contains(*bit));
    announced.fold(56, |len, (_, size)| len.saturating_add(size))
}

impl Emit for FileHeader<'_> {
    fn len(&self) -> usize {
        self.header_len()
    }

    fn emit(&self, out: &mut Sink<'_>) {
        // Destructured without `..`, so that the compiler stops here when a field is added. Two fields are written by
        // `control` and `written_extra`.
        let Self {
            minor,
            id,
            stack,
            header_string,
            total_size,
            credential,
            destination,
            hardware,
            other_control: _,
            extra: _,
        } = self;
        let fixed = FixedFields {
            identifier: Self::MAGIC.into(),
            version: U16::from_bytes([*minor, MAJOR]),
            header_length: u16::try_from(self.header_len()).unwrap_or(u16::MAX).into(),
            field_control: self.control().0.into(),
            manufacturer: id.manufacturer.0.into(),
            image_type: id.image_type.0.into(),
            file_version: id.version.0.into(),
            stack_version: stack.0.into(),
            header_string: header_string.0,
            total_size: (*total_size).into(),
        };
        out.bytes(fixed.as_bytes());
        if let Some(SecurityCredentialVersion(version)) = credential {
            out.array(&[*version]);
        }
        if let Some(Eui64(address)) = destination {
            out.array(&address.to_le_bytes());
        }
        if let Some(HardwareRange { min, max }) = hardware {
            out.array(&min.0.to_le_bytes());
            out.array(&max.0.to_le_bytes());
        }
        out.bytes(self.written_extra());
    }
}

/// Generates headers that a parser reads back as they were written.
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
    /// Generates a header with arbitrary fields, without extra bytes and with a total image size of 0.
    pub(super) fn arbitrary_fields(u: &mut arbitrary::Unstructured<'_>) -> arbitrary::Result<Self> {
        Ok(FileHeader {
            minor: u.arbitrary()?,
            stack: u.arbitrary()?,
            header_string: u.arbitrary()?,
            credential: u.arbitrary()?,
            destination: u.arbitrary()?,
            hardware: u.arbitrary()?,
            other_control: u.arbitrary::<HeaderControl>()?.reserved(),
            ..FileHeader::new(u.arbitrary()?)
        })
    }
}

#[cfg(test)]
mod tests;
