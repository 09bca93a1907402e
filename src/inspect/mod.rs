//! Inspection of a file: its type, wrong or doubtful facts about the file, and the bytes that a checksum covers.
//!
//! An [`Inspection`] opens the container, reads the OTA file leniently, and compares all checksums that can be computed
//! without a key. Tools and gateways use the same inspection, so that a gateway never serves or lists a file that the
//! command `ota check` refuses.
//!
//! ```text
//! bytes -> container -> OTA file -> integrity code, payloads -> findings: wrong, doubtful, note
//!                                                            -> coverage: range and checksum
//! ```
//!
//! | severity | meaning | examples |
//! |---|---|---|
//! | [`Wrong`](Severity::Wrong) | the file cannot be used | no OTA file, a truncated file, a wrong checksum, an element that runs past the end, hardware versions that suit no device |
//! | [`Doubtful`](Severity::Doubtful) | possibly damaged, or of an unknown form | an unrecognised raw body, a payload with a mismatch of a checksum that may be of another kind |
//! | [`Note`](Severity::Note) | usable, and worth knowing | a container, bytes after the total image size, a reserved tag |
//!
//! A file without findings may still be damaged in bytes that no checksum covers. [`Inspection::uncovered`] returns the
//! ranges of bytes that no checksum covers. Only a signature proves who made a file, and this module does not verify
//! signatures.
//!
//! ```
//! use zigbee_ota::file::{Element, FileHeader, FileWriter, Tag};
//! use zigbee_ota::inspect::{Inspection, Severity};
//! use zigbee_ota::{Encode, ImageId};
//!
//! // A Gecko bootloader file with nothing in it: header and end tag.
//! let mut gbl = vec![0xeb, 0x17, 0xa6, 0x03, 8, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0];
//! gbl.extend([0xfc, 0x04, 0x04, 0xfc, 4, 0, 0, 0, 0xe9, 0x4c, 0x9a, 0xe0]);
//! let elements = [Element { tag: Tag::UPGRADE_IMAGE, data: &gbl }];
//! let mut file = FileWriter::new(FileHeader::new(ImageId::new(0x1001, 0x00ab, 5)), &elements)?.to_vec();
//! let inspection = Inspection::of(&file);
//! assert_eq!(inspection.findings().count(), 0);
//! // The CRC-32 of the payload covers all but the OTA header and the head of the element.
//! assert!(inspection.uncovered().eq([0..62]));
//!
//! file[75] ^= 1;
//! let inspection = Inspection::of(&file);
//! assert_eq!(inspection.worst(), Some(Severity::Wrong));
//! let texts: Vec<_> = inspection.findings().map(|finding| finding.to_string()).collect();
//! assert_eq!(
//!     texts,
//!     ["the payload (silabs_gbl) of element 0 is damaged: CRC-32 at byte 86 says 0xe09a4ce9, its bytes give 0x21149329"]
//! );
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod checksum_coverage;
mod finding;
mod other_file_types;
mod raw_remainder;

pub use checksum_coverage::{Coverage, CoveringChecksum};
pub use finding::{Finding, FindingKind, Severity};
pub use other_file_types::ForeignKind;
pub use raw_remainder::{Overrun, OverrunCause};

use crate::container::{Container, ContainerIntegrity, ContainerKind};
use crate::error::{DecodeError, DecodeErrorKind};
use crate::file::{BodyLayout, Element, FileHeader, Image, Tag};
use crate::payload::{
    Payload, PayloadKind, PayloadState, PayloadVersion, UnknownReason, payloads_with_bytes,
};
use crate::payload::{WrongByte, is_damaged_table, wrong_magic_byte};
use crate::signature::integrity::IntegrityCode;
use crate::types::{FileVersion, ImageId, ImageType, ManufacturerCode};
use raw_remainder::RemainderKind;

/// Number of payloads whose reports an inspection keeps. The files of vendors have fewer than eight payloads. If a file
/// has more than eight payloads, each call of a method of [`Inspection`] computes the reports of the additional
/// payloads again.
const KEPT: usize = 8;

/// Inspection of the bytes of one file. The constructor [`of`](Self::of) compares the checksums once and keeps the
/// results, so all other methods are cheap unless the file has more than eight payloads.
#[derive(Clone, Debug)]
#[doc(alias("check", "validate", "lint"))]
pub struct Inspection<'a> {
    given: &'a [u8],
    content: Result<Ota<'a>, NotOta>,
    raw_allowed: bool,
}

/// OTA file in its container, with the results of the checks of its integrity code and its payloads.
#[derive(Clone, Debug)]
struct Ota<'a> {
    container: Container<'a>,
    image: Image<'a>,
    integrity_code: IntegrityCode,
    payloads: [Option<(Payload<'a>, &'a [u8])>; KEPT],
}

/// File that is not an OTA file.
#[derive(Clone, Copy, Debug)]
struct NotOta {
    error: DecodeError,
    kind: ForeignKind,
    /// Offset of an OTA header inside the file; 0 if the file has no OTA header.
    offset: usize,
}

impl<'a> Inspection<'a> {
    /// Inspects a whole file as a vendor ships it, with or without a container.
    #[must_use]
    pub fn of(bytes: &'a [u8]) -> Self {
        let opened = Container::open(bytes).and_then(Ota::new);
        let content = opened.map_err(|error| {
            let (kind, offset) = ForeignKind::of(bytes);
            NotOta { error, kind, offset }
        });
        Self { given: bytes, content, raw_allowed: false }
    }

    /// Returns the inspection of the same file for a caller who knows that the body of the OTA file is a raw image
    /// without elements. After `allow_raw_body`, an inspection never reports raw bytes as an element that runs past the
    /// end of the file.
    #[must_use]
    pub fn allow_raw_body(self) -> Self {
        Self { raw_allowed: true, ..self }
    }

    /// Returns the container around the OTA file, or `None` if the bytes are no OTA file.
    #[must_use]
    pub fn container(&self) -> Option<&Container<'a>> {
        self.ota().map(|ota| &ota.container)
    }

    /// Returns the OTA file, or `None` if the bytes are no OTA file.
    #[must_use]
    pub fn image(&self) -> Option<&Image<'a>> {
        self.ota().map(|ota| &ota.image)
    }

    /// Returns the result of the check of the image integrity code (tag 0x0003). The result is
    /// [`Absent`](IntegrityCode::Absent) for a truncated file, and for bytes that are no OTA file.
    #[must_use]
    pub fn integrity_code(&self) -> IntegrityCode {
        self.ota().map_or(IntegrityCode::Absent, |ota| ota.integrity_code)
    }

    /// Returns the payloads of the OTA file in file order, as [`payloads`](crate::payload::payloads) does. The offsets
    /// of the payloads count from the first byte of the OTA header.
    pub fn payloads(&self) -> impl Iterator<Item = Payload<'a>> + use<'_, 'a> {
        self.ota().into_iter().flat_map(Ota::payloads).map(|(payload, _)| payload)
    }

    /// Returns all findings: first those about the file as a whole, then those about the payloads.
    pub fn findings(&self) -> impl Iterator<Item = Finding> + use<'_, 'a> {
        let not_ota = self.content.as_ref().err().map(NotOta::finding);
        let ota = self.ota().into_iter();
        not_ota.into_iter().chain(ota.flat_map(|ota| ota.findings(self.given, self.raw_allowed)))
    }

    /// Returns the highest severity of all findings, or `None` if there is no finding.
    #[must_use]
    pub fn worst(&self) -> Option<Severity> {
        self.findings().map(|finding| finding.severity).max()
    }

    /// Returns whether the inspection has a finding of the severity [`Wrong`](Severity::Wrong). A gateway should refuse
    /// a file with a finding of the severity `Wrong`.
    #[must_use]
    pub fn is_wrong(&self) -> bool {
        self.worst() == Some(Severity::Wrong)
    }

    /// Returns whether the file is exactly one OTA file that follows the specification, without doubtful or wrong
    /// findings.
    #[must_use]
    pub fn is_regular(&self) -> bool {
        !self.findings().any(|finding| finding.is_irregularity())
    }

    /// Returns all bytes that were inspected.
    #[cfg(feature = "index")]
    pub(crate) const fn given(&self) -> &'a [u8] {
        self.given
    }

    /// Returns the container and the OTA file, or the first finding of the severity `Wrong`.
    #[cfg(feature = "index")]
    pub(crate) fn usable(&self) -> Result<(&Container<'a>, &Image<'a>), Finding> {
        let ota = self.content.as_ref().map_err(NotOta::finding)?;
        let mut findings = ota.findings(self.given, self.raw_allowed);
        match findings.find(|finding| finding.severity == Severity::Wrong) {
            Some(finding) => Err(finding),
            None => Ok((&ota.container, &ota.image)),
        }
    }

    fn ota(&self) -> Option<&Ota<'a>> {
        self.content.as_ref().ok()
    }
}

impl NotOta {
    fn finding(&self) -> Finding {
        let kind = FindingKind::NotOta { content: self.kind, error: self.error };
        Finding::new(Severity::Wrong, self.offset, kind)
    }
}

impl<'a> Ota<'a> {
    fn new(container: Container<'a>) -> Result<Self, DecodeError> {
        let image = Image::parse_lenient(container.ota)?;
        let has_code = image.missing() == 0 && image.find(Tag::IMAGE_INTEGRITY_CODE).next().is_some();
        // A file without an integrity code needs no digest, which saves hashing the whole file.
        let integrity_code = if has_code { IntegrityCode::check(&image) } else { IntegrityCode::Absent };
        let mut payloads = payloads_with_bytes(&image);
        let payloads = [(); KEPT].map(|()| payloads.next());
        Ok(Self { container, image, integrity_code, payloads })
    }

    /// Returns the payload reports, each with the bytes of its payload.
    fn payloads(&self) -> impl Iterator<Item = (Payload<'a>, &'a [u8])> + use<'_, 'a> {
        let is_full = self.payloads.iter().all(Option::is_some);
        let further = is_full.then(|| payloads_with_bytes(&self.image).skip(KEPT));
        self.payloads.iter().flatten().copied().chain(further.into_iter().flatten())
    }

    /// Offset of the OTA file in the input.
    const fn offset(&self) -> usize {
        self.container.before.len()
    }

    fn findings(&self, given: &[u8], raw_allowed: bool) -> impl Iterator<Item = Finding> + use<'_, 'a> {
        let around = self.findings_around(given.len());
        let header = self.header_findings();
        let body = self.body_findings(raw_allowed);
        let base = self.offset();
        let tags =
            self.image.elements().filter(|placed| placed.element.tag.is_reserved()).map(move |placed| {
                let offset = base.saturating_add(placed.offset);
                Finding::new(Severity::Note, offset, FindingKind::ReservedTag(placed.element.tag))
            });
        let payloads = self.payloads().flat_map(|(payload, bytes)| self.payload_findings(&payload, bytes));
        let whole = around.into_iter().chain(header).chain(body).flatten();
        whole.chain(tags).chain(self.signature_finding()).chain(payloads).chain(self.element_findings())
    }

    /// Returns the findings about elements that would be recognised as payloads if one wrong byte were replaced.
    fn element_findings(&self) -> impl Iterator<Item = Finding> + use<'a> {
        let (base, manufacturer) = (self.offset(), self.image.header().id.manufacturer);
        let elements = (0..).zip(self.image.elements()).flat_map(move |(number, placed)| {
            let start = base.saturating_add(placed.data_offset());
            let Element { tag, data } = placed.element;
            let table = is_damaged_table(manufacturer, tag, data).then(|| {
                Finding::new(Severity::Doubtful, start, FindingKind::TableChecksum { element: number })
            });
            [mark_finding(Some(number), data, start), table].into_iter().flatten()
        });
        let raw = self.image.raw_remainder();
        let raw = raw.and_then(|raw| mark_finding(None, raw.bytes, base.saturating_add(raw.offset)));
        elements.chain(raw)
    }

    /// Returns the findings about completeness, container and integrity code. `given` is the number of bytes of the
    /// input.
    fn findings_around(&self, given: usize) -> [Option<Finding>; 4] {
        let Self { container, image, integrity_code, .. } = self;
        let (offset, missing) = (self.offset(), image.missing());
        let end = offset.saturating_add(image.bytes().len());
        let total_size = image.header().total_size;
        let truncated = (missing > 0)
            .then(|| Finding::new(Severity::Wrong, end, FindingKind::Truncated { missing, total_size }));
        let checksum = match container.integrity {
            ContainerIntegrity::ChecksumFailed { offset } => {
                let kind = FindingKind::ContainerChecksum(container.kind);
                Some(Finding::new(Severity::Wrong, offset, kind))
            }
            ContainerIntegrity::Verified | ContainerIntegrity::NoChecksum => None,
        };
        let code = (*integrity_code == IntegrityCode::Bad).then(|| {
            let element = image.find(Tag::IMAGE_INTEGRITY_CODE).next();
            let at = element.map_or(0, |element| element.offset);
            Finding::new(Severity::Wrong, offset.saturating_add(at), FindingKind::IntegrityCode)
        });
        let around = if container.kind != ContainerKind::None {
            Some(Finding::new(Severity::Note, offset, FindingKind::InContainer(container.kind)))
        } else {
            self.trailing_finding(given.saturating_sub(end), end)
        };
        [truncated, checksum, code, around]
    }

    /// Returns the finding about `count` bytes after the end of the OTA file. `end` is the offset of the first byte
    /// after the OTA file.
    fn trailing_finding(&self, count: usize, end: usize) -> Option<Finding> {
        let trailing = self.image.trailing();
        let padding = end.checked_next_multiple_of(ALIGNMENT)?.checked_sub(end)?;
        let is_checksum = count == CRC_LEN || count == padding.saturating_add(CRC_LEN);
        let is_ota = FileHeader::parse_lenient(trailing).is_ok();
        let severity = if is_checksum || is_ota { Severity::Doubtful } else { Severity::Note };
        let kind = FindingKind::TrailingBytes { count, is_checksum, is_ota };
        (count > 0).then(|| Finding::new(severity, end, kind))
    }

    fn header_findings(&self) -> [Option<Finding>; 10] {
        let header = self.image.header();
        let anomalies = header.anomalies();
        let finding = |applies: bool, severity, at: usize, kind| {
            applies.then(|| Finding::new(severity, self.offset().saturating_add(at), kind))
        };
        let note = |applies, at, kind| finding(applies, Severity::Note, at, kind);
        let ImageId { manufacturer, image_type, version } = header.id;
        let wildcard = manufacturer == ManufacturerCode(u16::MAX)
            || image_type == ImageType(u16::MAX)
            || version == FileVersion(u32::MAX);
        let device = header.destination.map(FindingKind::DeviceSpecific);
        let hardware = header.hardware.filter(|_| anomalies.hardware_range_empty);
        [
            note(anomalies.destination_missing, 8, FindingKind::DestinationMissing),
            note(anomalies.reserved_bits, 8, FindingKind::ReservedBits(header.control().0)),
            note(
                anomalies.extra_bytes,
                header.header_len().saturating_sub(header.extra.len()),
                FindingKind::ExtraHeaderBytes(header.extra.len()),
            ),
            note(anomalies.other_minor_version, 4, FindingKind::OtherMinorVersion(header.minor)),
            hardware.map(|range| {
                let at = header.header_len().saturating_sub(header.extra.len()).saturating_sub(4);
                let offset = self.offset().saturating_add(at);
                Finding::new(Severity::Wrong, offset, FindingKind::HardwareRangeEmpty(range))
            }),
            note(anomalies.string_not_utf8, 20, FindingKind::StringNotUtf8),
            note(anomalies.string_after_nul, 20, FindingKind::StringAfterNul),
            note(anomalies.string_control_characters, 20, FindingKind::StringControlCharacters),
            finding(wildcard, Severity::Doubtful, 10, FindingKind::WildcardIdentity),
            device.map(|kind| Finding::new(Severity::Note, self.offset().saturating_add(8), kind)),
        ]
    }

    fn body_findings(&self, raw_allowed: bool) -> [Option<Finding>; 2] {
        let (image, header_len) = (&self.image, self.image.header().header_len());
        let at = |offset: usize| self.offset().saturating_add(offset);
        let is_bare = image.bytes().len() == header_len && image.missing() == 0;
        let bare = is_bare.then(|| Finding::new(Severity::Note, at(header_len), FindingKind::NoElements));
        let Some(raw) = image.raw_remainder() else {
            let telink = image.layout() == BodyLayout::TelinkF000;
            let telink =
                telink.then(|| Finding::new(Severity::Note, at(header_len), FindingKind::TelinkForm));
            return [bare, telink];
        };
        let count = raw.bytes.len();
        let (severity, kind) = match raw_remainder::judge(image, &raw, raw_allowed) {
            // The finding about missing bytes already reports an element whose head is cut.
            RemainderKind::Padding if image.missing() > 0 => return [bare, None],
            RemainderKind::Raw(payload) if raw.offset == header_len => {
                (Severity::Note, FindingKind::RawBody { payload, count })
            }
            // The total image size ends within the bytes after the last element.
            RemainderKind::Padding if count < Element::HEAD_LEN && !image.trailing().is_empty() => {
                (Severity::Doubtful, FindingKind::RawBytes { count })
            }
            RemainderKind::Padding | RemainderKind::Raw(_) => {
                (Severity::Note, FindingKind::RawBytes { count })
            }
            // A container is recognised only where the total image size fits, so that only that of a bare file is too small.
            RemainderKind::Overrun(severity, overrun) => (severity, FindingKind::ElementOverrun(overrun)),
        };
        [bare, Some(Finding::new(severity, at(raw.offset), kind))]
    }

    fn signature_finding(&self) -> Option<Finding> {
        let error = self.image.signature().err()?;
        let offset = self.offset().saturating_add(error.offset);
        let (severity, kind) = match error.kind {
            DecodeErrorKind::SignatureNotLast => (Severity::Note, FindingKind::ElementsAfterSignature),
            _ if self.image.missing() > 0 => return None,
            _ => (Severity::Doubtful, FindingKind::MalformedSignature(error)),
        };
        Some(Finding::new(severity, offset, kind))
    }

    fn payload_findings(
        &self,
        payload: &Payload<'a>,
        bytes: &[u8],
    ) -> impl Iterator<Item = Finding> + use<'a> {
        let Payload { element, offset, report, contradicts_header, .. } = *payload;
        let start = self.offset().saturating_add(offset);
        let header = self.image.header().id;
        let metadata = report.metadata;
        let version = match metadata.version {
            Some(PayloadVersion::File(version)) => Some(version),
            _ => None,
        };
        let is_same = metadata.manufacturer == Some(header.manufacturer)
            && metadata.image_type == Some(header.image_type)
            && version == Some(header.version);
        let twice = (report.kind == PayloadKind::EmbeddedOta && is_same)
            .then(|| Finding::new(Severity::Doubtful, start, FindingKind::WrappedTwice { element }));
        let contradiction = contradicts_header.then(|| {
            let kind = FindingKind::PayloadContradictsHeader {
                element,
                manufacturer: metadata.manufacturer.filter(|code| *code != header.manufacturer),
                image_type: metadata.image_type.filter(|image_type| *image_type != header.image_type),
                version: version.filter(|version| *version != header.version),
                header,
            };
            Finding::new(Severity::Note, start, kind)
        });
        let after_image = after_telink_image(payload, bytes, start);
        // The finding about bytes after an image reports the same damage as the finding about the payload, with more
        // detail.
        let state = match after_image {
            Some(Finding { kind: FindingKind::AfterTelinkImage { state, .. }, .. })
                if state == report.state =>
            {
                None
            }
            _ => payload_finding(payload, start),
        };
        [state, after_image, twice, contradiction].into_iter().flatten()
    }
}

/// SDevices pads the OTA file to a multiple of this number of bytes, and appends the CRC after the padding.
const ALIGNMENT: usize = 16;
/// Length in bytes of the CRC that Salus and SDevices append.
const CRC_LEN: usize = 4;

/// Returns the finding about a payload of which exactly one magic byte is wrong.
fn mark_finding(element: Option<usize>, bytes: &[u8], start: usize) -> Option<Finding> {
    let (payload, WrongByte { offset, expected, found }) = wrong_magic_byte::find(bytes)?;
    let kind = FindingKind::PayloadMark { element, payload, expected, found };
    Some(Finding::new(Severity::Wrong, start.saturating_add(offset), kind))
}

/// Returns the finding about the state of a payload whose first byte is at `start`.
fn payload_finding(payload: &Payload<'_>, start: usize) -> Option<Finding> {
    let Payload { element, report, .. } = *payload;
    let (severity, at) = match report.state {
        PayloadState::Damaged(damage) => (Severity::Wrong, damage.offset),
        PayloadState::Unknown(UnknownReason::Ambiguous | UnknownReason::ChecksumNotAdded) => {
            (Severity::Doubtful, 0)
        }
        PayloadState::Whole(_)
        | PayloadState::Encrypted
        | PayloadState::Unknown(UnknownReason::NoChecksum | UnknownReason::NotRecognised(_)) => return None,
    };
    let kind = FindingKind::Payload { element, payload: report.kind, state: report.state, start };
    Some(Finding::new(severity, start.saturating_add(at), kind))
}

/// Returns the finding about the bytes after a Telink image in the same element. `start` is the offset of the payload
/// in the input.
fn after_telink_image(payload: &Payload<'_>, bytes: &[u8], start: usize) -> Option<Finding> {
    let Payload { element, report, .. } = *payload;
    let state = report.element_state.filter(|state| !matches!(state, PayloadState::Whole(_)))?;
    // Size of the image in bytes, from the header of the image.
    let size = bytes.get(0x18..)?.first_chunk().map(|size| u32::from_le_bytes(*size))?;
    let size = usize::try_from(size).ok()?;
    let count = bytes.len().checked_sub(size)?;
    let severity =
        if matches!(state, PayloadState::Damaged(_)) { Severity::Wrong } else { Severity::Doubtful };
    let kind = FindingKind::AfterTelinkImage { element, count, state, start };
    Some(Finding::new(severity, start.saturating_add(size), kind))
}
