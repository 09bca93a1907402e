//! Finding: one fact about a file, with its place, its severity and a text for people.
//!
//! ```text
//! Finding { severity, offset, kind }     wrong: refuse the file   doubtful: look at it   note: know it
//! ```

use core::fmt;

use super::{ForeignKind, Overrun, OverrunCause};
use crate::container::ContainerKind;
use crate::error::DecodeError;
use crate::file::{Element, Tag};
use crate::payload::{PayloadKind, PayloadState, UnknownReason};
use crate::types::{Eui64, FileVersion, HardwareRange, ImageId, ImageType, ManufacturerCode};

/// Severity of a finding, in ascending order.
// Exhaustive: code that decides by the severity must handle each of the three levels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "lowercase"))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Severity {
    /// The file can be used, and the finding is only information.
    Note,
    /// The file may be damaged, or has an unknown form, so a person must judge the file.
    Doubtful,
    /// The file is damaged or cannot be used. A gateway should not offer a file with a finding of the severity `Wrong`
    /// to devices.
    Wrong,
}

impl Severity {
    /// Returns the short name of the severity for tools and scripts: `note`, `doubtful` or `wrong`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Doubtful => "doubtful",
            Self::Wrong => "wrong",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// One fact that an [`Inspection`](super::Inspection) found. `Display` writes a text for people, in which all offsets
/// count from the first byte of the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct Finding {
    /// Severity of the fact.
    pub severity: Severity,
    /// Offset of the first byte that the fact is about, counted from the first byte of the input.
    pub offset: usize,
    /// Fact that the inspection found.
    pub kind: FindingKind,
}

/// Fact about a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum FindingKind {
    /// The bytes are no OTA file, and no known container with an OTA file inside.
    NotOta {
        /// Type of the file that is not an OTA file.
        content: ForeignKind,
        /// Error of the attempt to read an OTA header at byte 0.
        error: DecodeError,
    },
    /// The file ends before its total image size.
    Truncated {
        /// Number of bytes by which the file is shorter than its total image size.
        missing: usize,
        /// Total image size in bytes.
        total_size: u32,
    },
    /// A checksum of the container does not match, or bytes that the checksum covers are missing.
    ContainerChecksum(ContainerKind),
    /// The OTA file is in a vendor's container.
    InContainer(ContainerKind),
    /// The input has bytes after the end of the OTA file. The total image size in the OTA header gives the end of the
    /// OTA file.
    TrailingBytes {
        /// Number of bytes after the total image size.
        count: usize,
        /// `true` if the bytes after the total image size have the length of a vendor's CRC, but the CRC does not
        /// match.
        is_checksum: bool,
        /// `true` if the bytes after the total image size contain a readable OTA header.
        is_ota: bool,
    },
    /// The image integrity code (tag 0x0003) does not match, or its length is not 16 bytes.
    IntegrityCode,
    /// Manufacturer code, image type or file version in the header is a wildcard, a value that only requests may
    /// contain.
    WildcardIdentity,
    /// The file is for a single device.
    DeviceSpecific(Eui64),
    /// The file is for a single device, and the header has no address of this device.
    DestinationMissing,
    /// Reserved bits of the field control are set. The variant holds the field control of the OTA header.
    ReservedBits(u16),
    /// The OTA header has bytes after its known fields. The variant holds the number of bytes in the OTA header after
    /// the known fields.
    ExtraHeaderBytes(usize),
    /// The minor version in the header is not 0.
    OtherMinorVersion(u8),
    /// The minimum hardware version is above the maximum.
    HardwareRangeEmpty(HardwareRange),
    /// The header string is not UTF-8.
    StringNotUtf8,
    /// The header string has bytes after its first NUL.
    StringAfterNul,
    /// The header string has control characters.
    StringControlCharacters,
    /// The file has no element.
    NoElements,
    /// An element runs past the total image size.
    ElementOverrun(Overrun),
    /// The body (all bytes after the header) has no element and consists of a raw image.
    RawBody {
        /// Payload format of the raw image.
        payload: PayloadKind,
        /// Number of bytes of the raw image.
        count: usize,
    },
    /// Raw bytes follow the last element.
    RawBytes {
        /// Number of raw bytes after the last element.
        count: usize,
    },
    /// The element 0xF000 has Telink's form: the length of the element does not count two bytes before the data.
    TelinkForm,
    /// An element has a reserved tag.
    ReservedTag(Tag),
    /// Elements follow the signature, which must be the last element.
    ElementsAfterSignature,
    /// The signature element is malformed.
    MalformedSignature(DecodeError),
    /// The state of a payload is [`Damaged`](PayloadState::Damaged), or is [`Unknown`](PayloadState::Unknown) for a
    /// reason that a person must judge.
    Payload {
        /// Index of the element in its file; `None` for a payload in raw bytes outside of all elements.
        element: Option<usize>,
        /// Format of the payload.
        payload: PayloadKind,
        /// State of the payload according to its own checksums. The offsets in the state of the payload count from the
        /// first byte of the payload.
        state: PayloadState,
        /// Offset of the payload in the input.
        start: usize,
    },
    /// One of the magic bytes, the constant bytes by which a format is recognised, is wrong. The checksum of the
    /// payload matches if the wrong magic byte is replaced by its correct value.
    PayloadMark {
        /// Index of the element in its file; `None` for a payload in raw bytes outside of all elements.
        element: Option<usize>,
        /// Format of the payload.
        payload: PayloadKind,
        /// Correct value of the wrong magic byte.
        expected: u8,
        /// Value of the wrong magic byte in the payload.
        found: u8,
    },
    /// An element has the tag of an Osram table, but the CRC of the table does not match.
    TableChecksum {
        /// Index of the element that has the tag of an Osram table.
        element: usize,
    },
    /// An element has bytes after its Telink image, and no matching checksum covers these bytes.
    AfterTelinkImage {
        /// Index of the element in its file; `None` for a payload in raw bytes outside of all elements.
        element: Option<usize>,
        /// Number of bytes after the Telink image.
        count: usize,
        /// State of the element according to the CRC-32 at its end, which covers the whole element.
        state: PayloadState,
        /// Offset of the payload in the input.
        start: usize,
    },
    /// Manufacturer code, image type or version in a payload differs from the OTA header.
    PayloadContradictsHeader {
        /// Index of the element in its file; `None` for a payload in raw bytes outside of all elements.
        element: Option<usize>,
        /// Manufacturer code in the payload.
        manufacturer: Option<ManufacturerCode>,
        /// Image type in the payload.
        image_type: Option<ImageType>,
        /// File version in the payload.
        version: Option<FileVersion>,
        /// Image identity in the OTA header.
        header: ImageId,
    },
    /// The payload is an OTA file with the same identity as the outer file, as if a tool had put the OTA header before
    /// the payload twice.
    WrappedTwice {
        /// Index of the element in its file; `None` for a payload in raw bytes outside of all elements.
        element: Option<usize>,
    },
}

impl FindingKind {
    /// Returns the short name of the fact for tools and scripts, such as `element-overrun`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::NotOta { .. } => "not-ota",
            Self::Truncated { .. } => "truncated",
            Self::ContainerChecksum(_) => "container-checksum",
            Self::InContainer(_) => "in-container",
            Self::TrailingBytes { .. } => "trailing-bytes",
            Self::IntegrityCode => "integrity-code",
            Self::WildcardIdentity => "wildcard-identity",
            Self::DeviceSpecific(_) => "device-specific",
            Self::DestinationMissing => "destination-missing",
            Self::ReservedBits(_) => "reserved-bits",
            Self::ExtraHeaderBytes(_) => "extra-header-bytes",
            Self::OtherMinorVersion(_) => "other-minor-version",
            Self::HardwareRangeEmpty(_) => "hardware-range-empty",
            Self::StringNotUtf8 => "string-not-utf8",
            Self::StringAfterNul => "string-after-nul",
            Self::StringControlCharacters => "string-control-characters",
            Self::NoElements => "no-elements",
            Self::ElementOverrun(_) => "element-overrun",
            Self::RawBody { .. } => "raw-body",
            Self::RawBytes { .. } => "raw-bytes",
            Self::TelinkForm => "telink-form",
            Self::ReservedTag(_) => "reserved-tag",
            Self::ElementsAfterSignature => "elements-after-signature",
            Self::MalformedSignature(_) => "malformed-signature",
            Self::Payload { state: PayloadState::Damaged(_), .. } => "payload-damaged",
            Self::Payload { state: PayloadState::Unknown(UnknownReason::ChecksumNotAdded), .. } => {
                "payload-checksum-not-added"
            }
            Self::Payload { .. } => "payload-doubtful",
            Self::PayloadMark { .. } => "payload-mark",
            Self::TableChecksum { .. } => "table-checksum",
            Self::AfterTelinkImage { .. } => "after-telink-image",
            Self::PayloadContradictsHeader { .. } => "payload-contradicts-header",
            Self::WrappedTwice { .. } => "wrapped-twice",
        }
    }
}

impl Finding {
    /// Returns whether the fact shows that the input is not exactly one OTA file that follows the specification. Two
    /// facts are no deviations from the specification: that the file is for a single device, and that a payload
    /// contradicts the header. A strict gateway refuses a file that deviates from the specification.
    #[must_use]
    pub const fn is_irregularity(&self) -> bool {
        !matches!(self.kind, FindingKind::DeviceSpecific(_) | FindingKind::PayloadContradictsHeader { .. })
    }
}

/// Text that names the place of a payload in a file: an element or the raw bytes.
struct ElementName(Option<usize>);

impl fmt::Display for ElementName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(number) => write!(f, "element {number}"),
            None => f.write_str("raw bytes"),
        }
    }
}

/// Text for the state of a payload, with offsets that count from the first byte of the input.
struct StateAt(PayloadState, usize);

impl fmt::Display for StateAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.write(f, Some(self.1))
    }
}

/// Writes the fact for people, without the severity.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { severity, offset, kind } = self;
        match kind {
            FindingKind::NotOta { content, error } => content.write(f, error, *offset),
            FindingKind::Truncated { missing, total_size } => {
                write!(f, "truncated: {missing} of {total_size} bytes are missing")
            }
            FindingKind::ContainerChecksum(kind) => {
                write!(f, "the sum of the container ({kind}), at byte {offset}, is not that of its bytes")
            }
            FindingKind::InContainer(kind) => write!(f, "in a container ({kind}), at byte {offset}"),
            FindingKind::TrailingBytes { count, is_checksum, is_ota } => {
                write!(f, "{count} bytes after the total image size")?;
                f.write_str(match (is_ota, is_checksum) {
                    (true, _) => ", which start with another OTA header: two files in one",
                    (_, true) => ", as long as the CRC-32 that some makers append, and not that CRC: perhaps damaged",
                    _ => "",
                })
            }
            FindingKind::IntegrityCode => write!(
                f,
                "the integrity code, at byte {offset}, is not that of the bytes before it: damaged or changed"
            ),
            FindingKind::WildcardIdentity => f.write_str(
                "manufacturer code, image type or file version has all bits set, which means any in requests: no device \
                 can ask for the file",
            ),
            FindingKind::DeviceSpecific(address) => write!(
                f,
                "for the single device {address}: a server offers the file to no other, and must know that address"
            ),
            FindingKind::DestinationMissing => {
                f.write_str("device specific, but the header has no upgrade file destination")
            }
            FindingKind::ReservedBits(control) => {
                write!(f, "reserved bits in the field control {control:#06x}")
            }
            FindingKind::ExtraHeaderBytes(count) => write!(f, "{count} bytes after the known header fields"),
            FindingKind::OtherMinorVersion(minor) => write!(f, "header version 0x01{minor:02x}"),
            FindingKind::HardwareRangeEmpty(HardwareRange { min, max }) => write!(
                f,
                "minimum hardware version {:#06x} above the maximum {:#06x}: suits no device",
                min.0, max.0
            ),
            FindingKind::StringNotUtf8 => f.write_str("the header string is no UTF-8"),
            FindingKind::StringAfterNul => f.write_str("the header string goes on after its NUL"),
            FindingKind::StringControlCharacters => f.write_str("control characters in the header string"),
            FindingKind::NoElements => f.write_str("a header without an element"),
            FindingKind::ElementOverrun(overrun) if *severity == Severity::Wrong => {
                write_overrun(f, *overrun, *offset)
            }
            FindingKind::ElementOverrun(overrun) => write_raw_bytes(f, *overrun),
            FindingKind::RawBody { payload, count } => {
                write!(f, "no elements: the body is {count} raw bytes ({payload})")
            }
            FindingKind::RawBytes { count } => write!(f, "{count} raw bytes after the last element"),
            FindingKind::TelinkForm => f.write_str(
                "element 0xf000 as Telink writes it: its length leaves out two bytes before the data",
            ),
            FindingKind::ReservedTag(tag) => write!(f, "reserved tag {:#06x}", tag.0),
            FindingKind::ElementsAfterSignature => f.write_str("elements after the signature"),
            FindingKind::MalformedSignature(error) => {
                write!(f, "no device can verify the signature: {}", error.kind)
            }
            FindingKind::Payload { element, payload, state, start } => {
                write!(f, "the payload ({payload}) of {} ", ElementName(*element))?;
                match state {
                    PayloadState::Damaged(_) => write!(f, "is damaged: {}", StateAt(*state, *start)),
                    PayloadState::Unknown(UnknownReason::ChecksumNotAdded) => f.write_str(
                        "has no CRC (its bytes 6 and 7 are not 5D 02): Telink's SDK refuses it at the end of the download",
                    ),
                    _ => write!(f, "is doubtful: {}", StateAt(*state, *start)),
                }
            }
            FindingKind::PayloadMark { element, payload, expected, found } => write!(
                f,
                "the payload ({payload}) of {} is damaged: byte {offset} is {found:#04x}, and with {expected:#04x}, which the \
                 format requires, its checksum matches",
                ElementName(*element)
            ),
            FindingKind::TableChecksum { element } => {
                write!(f, "the table in element {element} has no CRC-32 that matches: perhaps damaged")
            }
            FindingKind::AfterTelinkImage { element, count, state, start } => {
                write!(f, "{count} bytes after the Telink image of {} ", ElementName(*element))?;
                match state {
                    PayloadState::Damaged(_) => write!(
                        f,
                        "are damaged: of the whole element, {}",
                        StateAt(*state, *start)
                    ),
                    _ => f.write_str(
                        "are in no sum: Telink's SDK takes the last four bytes of the element as a CRC-32, and they are none",
                    ),
                }
            }
            FindingKind::PayloadContradictsHeader { element, manufacturer, image_type, version, header } => {
                write!(f, "the payload of {} says", ElementName(*element))?;
                if let Some(manufacturer) = manufacturer {
                    write!(f, " manufacturer {:#06x}", manufacturer.0)?;
                }
                if let Some(image_type) = image_type {
                    write!(f, " image type {:#06x}", image_type.0)?;
                }
                if let Some(version) = version {
                    write!(f, " version {:#010x}", version.0)?;
                }
                write!(f, ", and the OTA header says {header}")
            }
            FindingKind::WrappedTwice { element } => write!(
                f,
                "the payload of {} is itself an OTA file with the same identity: wrapped twice? `ota extract` takes out \
                 the inner one",
                ElementName(*element)
            ),
        }
    }
}

/// Writes the fact about raw bytes that may be an element longer than the rest of the file.
fn write_raw_bytes(f: &mut fmt::Formatter<'_>, overrun: Overrun) -> fmt::Result {
    let Overrun { tag, declared, present, cause: _, first } = overrun;
    let count = present.saturating_add(Element::HEAD_LEN);
    match first {
        true => write!(f, "no elements: the body is {count} raw bytes of no known form")?,
        false => write!(f, "{count} raw bytes of no known form after the last element")?,
    }
    write!(f, "; as an element {:#06x}, they would need {declared} bytes of data, and have {present}", tag.0)
}

fn write_overrun(f: &mut fmt::Formatter<'_>, overrun: Overrun, offset: usize) -> fmt::Result {
    let Overrun { tag, declared, present, cause, first: _ } = overrun;
    write!(
        f,
        "the element {:#06x} at byte {offset} runs past the end: it declares {declared} bytes of data, and {present} are left \
         up to the total image size",
        tag.0
    )?;
    match cause {
        OverrunCause::CountsHead => f.write_str("; its length counts the 6 bytes of tag and length as well"),
        OverrunCause::TotalTooSmall { right } => {
            write!(f, "; the file goes on, and with a total image size of {right} the element fits")
        }
        OverrunCause::Unknown => Ok(()),
    }
}

impl Finding {
    pub(super) const fn new(severity: Severity, offset: usize, kind: FindingKind) -> Self {
        Self { severity, offset, kind }
    }
}
