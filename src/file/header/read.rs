//! Reading a header: what is looked at before its fields are copied.
//!
//! ```text
//! identifier -> fixed part -> version -> header length for the fields that there are -> total size -> all of it here
//! ```

use core::fmt;
use core::mem::offset_of;

use nom::Parser;
use nom::combinator::cond;

use super::{FileHeader, HeaderControl, HeaderString, MAJOR, Raw, fields_len};
use crate::codec::{Parsed, fixed, le_u8, le_u16, le_u64, locate};
use crate::error::{DecodeError, DecodeErrorKind};
use crate::types::{
    Eui64, FileVersion, HardwareRange, HardwareVersion, ImageId, ImageType, ManufacturerCode,
    SecurityCredentialVersion, StackVersion,
};

/// How a header is to be read.
#[derive(Clone, Copy)]
pub(in crate::file) struct Reading {
    /// A device specific header without room for a destination is read, too.
    no_destination: bool,
    /// The extra bytes may still be missing.
    started: bool,
}

impl Reading {
    /// By the letter.
    pub(in crate::file) const STRICT: Self = Self { no_destination: false, started: false };
    pub(in crate::file) const LENIENT: Self = Self { no_destination: true, started: false };
    pub(super) const STARTED: Self = Self { no_destination: true, started: true };
}

/// A header that was looked at and found good. Its fields are read when they are asked for: a copy of all of them is
/// large.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::file) struct Known<'a> {
    raw: &'a Raw,
    /// The optional fields that are there.
    present: HeaderControl,
    /// What follows the fixed part.
    tail: &'a [u8],
}

impl<'a> Known<'a> {
    /// Bytes of the header.
    #[inline]
    pub(in crate::file) const fn len(&self) -> u16 {
        self.raw.header_length.get()
    }

    /// Bytes of the file.
    #[inline]
    pub(in crate::file) const fn total(&self) -> u32 {
        self.raw.total_size.get()
    }

    /// What follows the header.
    #[inline]
    pub(in crate::file) fn body(&self) -> &'a [u8] {
        let skipped = usize::from(self.len()).saturating_sub(FileHeader::MIN_LEN);
        self.tail.get(skipped..).unwrap_or_default()
    }

    #[inline]
    pub(in crate::file) fn header(&self) -> FileHeader<'a> {
        let raw = self.raw;
        let [minor, _] = raw.version.to_bytes();
        // They are there: the length was looked at.
        let (rest, (credential, destination, hardware)) =
            optional_fields(self.present, self.tail).unwrap_or_default();
        let extra = rest.len().saturating_sub(self.body().len());
        FileHeader {
            minor,
            id: ImageId {
                manufacturer: ManufacturerCode(raw.manufacturer.get()),
                image_type: ImageType(raw.image_type.get()),
                version: FileVersion(raw.file_version.get()),
            },
            stack: StackVersion(raw.stack_version.get()),
            header_string: HeaderString(raw.text),
            total_size: raw.total_size.get(),
            credential,
            destination,
            hardware,
            other_control: HeaderControl::from_bits_retain(raw.field_control.get()).difference(self.present),
            extra: rest.get(..extra).unwrap_or_default(),
        }
    }
}

impl fmt::Debug for Known<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.header().fmt(f)
    }
}

/// Looks at the header at the start of `file`.
#[inline]
pub(in crate::file) fn known(file: &[u8], reading: Reading) -> Result<Known<'_>, DecodeError> {
    check_identifier(file)?;
    let (raw, tail) = locate("OTA header", 0, file, fixed::<Raw>(file))?;
    let [_, major] = raw.version.to_bytes();
    if major != MAJOR {
        let kind = DecodeErrorKind::UnsupportedHeaderVersion { found: raw.version.get() };
        return Err(wrong(offset_of!(Raw, version), kind));
    }
    let declared = raw.header_length.get();
    let control = HeaderControl::from_bits_retain(raw.field_control.get());
    let present = fields_within(declared, control, reading)?;
    let total = raw.total_size.get();
    if total < u32::from(declared) {
        let kind = DecodeErrorKind::TotalTooSmall { total, header: declared };
        return Err(wrong(offset_of!(Raw, total_size), kind));
    }
    let needed = usize::from(if reading.started { fields_len(present) } else { declared });
    if file.len() < needed {
        return Err(wrong(0, DecodeErrorKind::Truncated { needed, present: file.len() }));
    }
    Ok(Known { raw, present, tail })
}

/// The optional fields that are there, for which the header is long enough.
fn fields_within(
    declared: u16,
    control: HeaderControl,
    reading: Reading,
) -> Result<HeaderControl, DecodeError> {
    let needed = fields_len(control);
    let present = if declared < needed && reading.no_destination {
        control.difference(HeaderControl::DEVICE_SPECIFIC)
    } else {
        control
    };
    if declared < fields_len(present) {
        let kind = DecodeErrorKind::HeaderTooShort { declared, needed };
        return Err(wrong(offset_of!(Raw, header_length), kind));
    }
    Ok(present.intersection(HeaderControl::all()))
}

/// Four bytes are enough to know that a file is none of ours.
fn check_identifier(file: &[u8]) -> Result<(), DecodeError> {
    match file.first_chunk().map(|bytes| u32::from_le_bytes(*bytes)) {
        Some(found) if found != FileHeader::MAGIC => Err(wrong(0, DecodeErrorKind::BadMagic { found })),
        _ => Ok(()),
    }
}

type OptionalFields = (Option<SecurityCredentialVersion>, Option<Eui64>, Option<HardwareRange>);

/// Sections 6.3.2.11 to 6.3.2.14: each field when its bit is set.
#[inline]
fn optional_fields(present: HeaderControl, tail: &[u8]) -> Parsed<'_, OptionalFields> {
    let range = |(min, max)| HardwareRange { min: HardwareVersion(min), max: HardwareVersion(max) };
    (
        cond(present.contains(HeaderControl::SECURITY_CREDENTIAL), le_u8.map(SecurityCredentialVersion)),
        cond(present.contains(HeaderControl::DEVICE_SPECIFIC), le_u64.map(Eui64)),
        cond(present.contains(HeaderControl::HARDWARE_VERSIONS), (le_u16, le_u16).map(range)),
    )
        .parse(tail)
}

const fn wrong(offset: usize, kind: DecodeErrorKind) -> DecodeError {
    DecodeError { item: "OTA header", offset, kind }
}
