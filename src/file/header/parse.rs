//! Header parser. The parser first checks the header length, the total image size and the number of bytes present, and
//! then reads the fields on demand.
//!
//! ```text
//! identifier -> fixed fields -> major version -> room for optional fields -> total image size -> bytes present
//! ```

use core::fmt;
use core::mem::offset_of;

use nom::Parser;
use nom::combinator::cond;

use super::{FileHeader, FixedFields, HeaderControl, HeaderString, MAJOR, fields_len};
use crate::codec::{Parsed, fixed, le_u8, le_u16, le_u64, locate};
use crate::error::{DecodeError, DecodeErrorKind};
use crate::types::{
    Eui64, FileVersion, HardwareRange, HardwareVersion, ImageId, ImageType, ManufacturerCode,
    SecurityCredentialVersion, StackVersion,
};

/// Irregularities of a header that the parser accepts.
#[derive(Clone, Copy)]
pub(in crate::file) struct HeaderRules {
    /// `true` to accept a device-specific header without room for a destination.
    destination_may_be_missing: bool,
    /// `true` to accept a header whose extra bytes are not present yet.
    extra_may_be_missing: bool,
}

impl HeaderRules {
    /// Rules of [`FileHeader::parse`]: a device-specific header must have room for a destination, and the extra bytes
    /// must be present.
    pub(in crate::file) const STRICT: Self =
        Self { destination_may_be_missing: false, extra_may_be_missing: false };
    /// Rules of [`FileHeader::parse_lenient`]: a destination may be missing, but the extra bytes must be present.
    pub(in crate::file) const LENIENT: Self =
        Self { destination_may_be_missing: true, extra_may_be_missing: false };
    /// Rules of [`FileHeader::parse_known`]: a destination and the extra bytes may be missing.
    pub(super) const PARTIAL: Self = Self { destination_may_be_missing: true, extra_may_be_missing: true };
}

/// View of a header whose header length and total image size the parser has checked. A `HeaderView` reads the fields on
/// demand, because a copy of all fields is large.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::file) struct HeaderView<'a> {
    fixed: &'a FixedFields,
    /// Field control bits of the optional fields that are present.
    present: HeaderControl,
    /// Bytes of the input after the fixed fields: the optional fields, the extra bytes of the header, then the body.
    tail: &'a [u8],
}

impl<'a> HeaderView<'a> {
    /// Returns the header length in bytes.
    #[inline]
    pub(in crate::file) const fn len(&self) -> u16 {
        self.fixed.header_length.get()
    }

    /// Returns the total image size in bytes.
    #[inline]
    pub(in crate::file) const fn total_size(&self) -> u32 {
        self.fixed.total_size.get()
    }

    /// Returns the bytes after the header.
    #[inline]
    pub(in crate::file) fn body(&self) -> &'a [u8] {
        let skipped = usize::from(self.len()).saturating_sub(FileHeader::MIN_LEN);
        self.tail.get(skipped..).unwrap_or_default()
    }

    /// Reads all fields of the header.
    // Always inlined, so that fields which the caller does not use are not read.
    #[inline(always)]
    pub(in crate::file) fn header(&self) -> FileHeader<'a> {
        let fixed = self.fixed;
        let [minor, _] = fixed.version.to_bytes();
        let known = fields_len(self.present);
        let OptionalFields { credential, destination, hardware } = optional_fields(self.present, self.tail);
        FileHeader {
            minor,
            id: ImageId {
                manufacturer: ManufacturerCode(fixed.manufacturer.get()),
                image_type: ImageType(fixed.image_type.get()),
                version: FileVersion(fixed.file_version.get()),
            },
            stack: StackVersion(fixed.stack_version.get()),
            header_string: HeaderString(fixed.header_string),
            total_size: fixed.total_size.get(),
            credential,
            destination,
            hardware,
            other_control: HeaderControl(fixed.field_control.get()).without(self.present),
            extra: if self.len() == known { &[] } else { extra_bytes(self.tail, known, self.len()) },
        }
    }
}

impl fmt::Debug for HeaderView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.header().fmt(f)
    }
}

/// Checks the header at the start of `file`, and accepts the irregularities that `rules` allows.
#[inline]
pub(in crate::file) fn check_header(file: &[u8], rules: HeaderRules) -> Result<HeaderView<'_>, DecodeError> {
    check_identifier(file)?;
    let (fixed, tail) = locate("OTA header", 0, file, fixed::<FixedFields>(file))?;
    let [_, major] = fixed.version.to_bytes();
    if major != MAJOR {
        let kind = DecodeErrorKind::UnsupportedHeaderVersion { found: fixed.version.get() };
        return Err(error_at(offset_of!(FixedFields, version), kind));
    }
    let declared = fixed.header_length.get();
    let control = HeaderControl(fixed.field_control.get());
    let present = present_fields(declared, control, rules)?;
    let total = fixed.total_size.get();
    if total < u32::from(declared) {
        let kind = DecodeErrorKind::TotalTooSmall { total, header: declared };
        return Err(error_at(offset_of!(FixedFields, total_size), kind));
    }
    let needed = usize::from(if rules.extra_may_be_missing { fields_len(present) } else { declared });
    if file.len() < needed {
        return Err(error_at(0, DecodeErrorKind::Truncated { needed, present: file.len() }));
    }
    Ok(HeaderView { fixed, present, tail })
}

/// Returns the optional fields that a header of `declared` bytes with the field control `control` contains.
fn present_fields(
    declared: u16,
    control: HeaderControl,
    rules: HeaderRules,
) -> Result<HeaderControl, DecodeError> {
    let needed = fields_len(control);
    let present = if declared < needed && rules.destination_may_be_missing {
        control.without(HeaderControl::DEVICE_SPECIFIC)
    } else {
        control
    };
    if declared < fields_len(present) {
        let kind = DecodeErrorKind::HeaderTooShort { declared, needed };
        return Err(error_at(offset_of!(FixedFields, header_length), kind));
    }
    Ok(present.known())
}

/// Checks that `file` starts with the file identifier of an OTA file. The first four bytes of the input are enough to
/// recognise that the input is not an OTA file, so the parser checks the file identifier before it checks that 56 bytes
/// are present.
fn check_identifier(file: &[u8]) -> Result<(), DecodeError> {
    match file.first_chunk().map(|bytes| u32::from_le_bytes(*bytes)) {
        Some(found) if found != FileHeader::MAGIC => Err(error_at(0, DecodeErrorKind::BadMagic { found })),
        _ => Ok(()),
    }
}

/// Returns the bytes between the known fields, which end at offset `known`, and the end of the header, at offset `len`.
/// `tail` is the input after the fixed fields of the header.
// The parameters are values, not the view of the header, so that the view can stay in registers.
#[cold]
#[inline(never)]
fn extra_bytes(tail: &[u8], known: u16, len: u16) -> &[u8] {
    let [known, len] = [known, len].map(|offset| usize::from(offset).saturating_sub(FileHeader::MIN_LEN));
    tail.get(known..len).unwrap_or_default()
}

/// Optional fields of a header.
#[derive(Clone, Copy, Default)]
struct OptionalFields {
    credential: Option<SecurityCredentialVersion>,
    destination: Option<Eui64>,
    hardware: Option<HardwareRange>,
}

/// Reads each optional field whose bit is set in `present` (sections 6.3.2.11 to 6.3.2.14). `tail` must contain the
/// bytes of all fields in `present`; [`check_header`] has checked that the bytes of the optional fields are present.
// Always inlined, because nearly all files have no optional field or hardware versions only.
#[inline(always)]
fn optional_fields(present: HeaderControl, tail: &[u8]) -> OptionalFields {
    match (present, tail) {
        (HeaderControl::EMPTY, _) => OptionalFields::default(),
        (HeaderControl::HARDWARE_VERSIONS, [a, b, c, d, ..]) => {
            let [min, max] = [[*a, *b], [*c, *d]].map(|bytes| HardwareVersion(u16::from_le_bytes(bytes)));
            OptionalFields { hardware: Some(HardwareRange { min, max }), ..OptionalFields::default() }
        }
        _ => any_optional_fields(present, tail).map(|(_, fields)| fields).unwrap_or_default(),
    }
}

/// Reads any combination of optional fields.
#[inline(never)]
fn any_optional_fields(present: HeaderControl, tail: &[u8]) -> Parsed<'_, OptionalFields> {
    let range = |(min, max)| HardwareRange { min: HardwareVersion(min), max: HardwareVersion(max) };
    let fields = (
        cond(present.contains(HeaderControl::SECURITY_CREDENTIAL), le_u8.map(SecurityCredentialVersion)),
        cond(present.contains(HeaderControl::DEVICE_SPECIFIC), le_u64.map(Eui64)),
        cond(present.contains(HeaderControl::HARDWARE_VERSIONS), (le_u16, le_u16).map(range)),
    );
    fields
        .map(|(credential, destination, hardware)| OptionalFields { credential, destination, hardware })
        .parse(tail)
}

const fn error_at(offset: usize, kind: DecodeErrorKind) -> DecodeError {
    DecodeError { item: "OTA header", offset, kind }
}
