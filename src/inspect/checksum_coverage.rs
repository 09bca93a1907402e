//! Coverage: the byte ranges of a file that matching checksums cover, and the ranges that no matching checksum covers.
//!
//! ```text
//! given     | container head | OTA header | element | payload        | trailer |
//! container   ------------------------------------------------------------      CRC or hash
//! code                        -------------------                               integrity code
//! payload                                  ...........  -------------           CRC or hash of the format
//! ```

use core::fmt;
use core::ops::Range;

use super::{Inspection, Ota};
use crate::container::{ContainerIntegrity, ContainerKind};
use crate::file::{Element, Tag};
use crate::payload::PayloadKind;
use crate::signature::integrity::{CodeForm, IntegrityCode};

/// Checksum that covers a byte range of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum CoveringChecksum {
    /// Checksums of the container around the OTA file.
    Container(ContainerKind),
    /// Image integrity code (tag 0x0003).
    IntegrityCode(CodeForm),
    /// Checksums of a payload.
    Payload {
        /// Index of the element in its file; `None` for a payload in raw bytes outside of all elements.
        element: Option<usize>,
        /// Format of the payload.
        kind: PayloadKind,
    },
}

impl fmt::Display for CoveringChecksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Container(kind) => write!(f, "container ({kind})"),
            Self::IntegrityCode(form) => write!(f, "integrity code ({})", form.name()),
            Self::Payload { element: Some(element), kind } => {
                write!(f, "payload of element {element} ({kind})")
            }
            Self::Payload { element: None, kind } => write!(f, "payload ({kind})"),
        }
    }
}

/// Range of bytes that a matching checksum covers, and the checksum.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct Coverage {
    /// Range of covered bytes, counted from the first byte of the input. The range includes the checksum itself, if the
    /// checksum is adjacent to the covered bytes.
    pub range: Range<usize>,
    /// Checksum that covers the bytes.
    pub checksum: CoveringChecksum,
}

/// Maximum number of ranges that the checksums of a container cover.
const CONTAINER_RANGES: usize = 3;
/// Maximum number of ranges that the checksums of a container and the image integrity code cover.
const RANGES: usize = CONTAINER_RANGES + 2;

impl<'a> Inspection<'a> {
    /// Returns the ranges that matching checksums cover: first the ranges of the container's checksums, then the range
    /// of the integrity code, then the ranges of the payloads' checksums in file order. The ranges of different
    /// checksums may overlap.
    ///
    /// The result has no range for a checksum that does not match; [`findings`](Self::findings) reports the mismatch.
    /// Checksums detect accidental damage only, because an attacker who changes a file can also change its checksums.
    pub fn coverage(&self) -> impl Iterator<Item = Coverage> + use<'_, 'a> {
        self.ota()
            .into_iter()
            .flat_map(|ota| ota.outer_coverage().into_iter().flatten().chain(ota.payload_coverage()))
    }

    /// Returns the ranges that no matching checksum covers, in ascending order. Each byte of the input is in one of the
    /// returned ranges or in a range of [`coverage`](Self::coverage).
    pub fn uncovered(&self) -> impl Iterator<Item = Range<usize>> + use<'_, 'a> {
        let outer = self
            .ota()
            .map_or([const { None }; RANGES], |ota| ota.outer_coverage().map(|covered| Some(covered?.range)));
        let mut payloads =
            self.ota().into_iter().flat_map(Ota::payload_coverage).map(|covered| covered.range);
        Uncovered { position: 0, end: self.given.len(), outer, payload: payloads.next(), payloads }
    }
}

impl<'a> Ota<'a> {
    /// Returns the ranges that the checksums of the container and the image integrity code cover.
    fn outer_coverage(&self) -> [Option<Coverage>; RANGES] {
        let [first, second, third] = self.container_ranges().map(|range| {
            Some(Coverage { range: range?, checksum: CoveringChecksum::Container(self.container.kind) })
        });
        let [before, digest] = self.code_coverage();
        [first, second, third, before, digest]
    }

    fn container_ranges(&self) -> [Option<Range<usize>>; CONTAINER_RANGES] {
        if self.container.integrity != ContainerIntegrity::Verified {
            return [None, None, None];
        }
        let start = self.container.before.len();
        let end = start.saturating_add(self.container.ota.len());
        let given = end.saturating_add(self.container.after.len());
        match self.container.kind {
            // No hash covers the words before the hashes of an IKEA container. The words are only checked for
            // consistency with each other.
            ContainerKind::IkeaNgis => [Some(IKEA_HASHES..end), None, None],
            ContainerKind::Sonoff100 => [Some(0..SONOFF_ZEROS), Some(start..end), None],
            ContainerKind::ThirdReality | ContainerKind::SalusCrc32 | ContainerKind::SdevicesCrc32 => {
                [Some(0..given), None, None]
            }
            ContainerKind::None | ContainerKind::LegrandLength | ContainerKind::NxpFlashWord => {
                [None, None, None]
            }
        }
    }

    /// Returns the ranges that the image integrity code covers: the bytes of the OTA file before the element of the
    /// code, and the digest in this element. In the form [`CodeForm::BeforeData`], the digest also covers tag and
    /// length of its own element.
    fn code_coverage(&self) -> [Option<Coverage>; 2] {
        let element = self.image.find(Tag::IMAGE_INTEGRITY_CODE).next();
        let (IntegrityCode::Ok(form), Some(element)) = (self.integrity_code, element) else {
            return [None, None];
        };
        let data = element.offset.saturating_add(Element::HEAD_LEN);
        let end = match form {
            CodeForm::BeforeData => data,
            CodeForm::BeforeElement | CodeForm::ShortPadding => element.offset,
        };
        let base = self.offset();
        let digest_end = data.saturating_add(element.element.data.len());
        [(0, end), (data, digest_end)].map(|(start, end)| {
            let range = base.saturating_add(start)..base.saturating_add(end);
            Some(Coverage { range, checksum: CoveringChecksum::IntegrityCode(form) })
        })
    }

    fn payload_coverage(&self) -> impl Iterator<Item = Coverage> + use<'_, 'a> {
        let base = self.offset();
        self.payloads().flat_map(move |(payload, bytes)| {
            let start = base.saturating_add(payload.offset);
            let checksum = CoveringChecksum::Payload { element: payload.element, kind: payload.report.kind };
            let ranges = payload.report.covered_ranges(bytes);
            ranges.map(move |range| {
                let range = start.saturating_add(range.start)..start.saturating_add(range.end);
                Coverage { range, checksum }
            })
        })
    }
}

/// Offset of the first SHA-256 in an IKEA container.
const IKEA_HASHES: usize = 40;
/// Offset of the bytes in a Sonoff container that no checksum covers.
const SONOFF_ZEROS: usize = 0x58;

/// Iterator over the ranges that no checksum covers.
struct Uncovered<I: Iterator<Item = Range<usize>>> {
    /// Offset of the first byte that the search for uncovered ranges has not reached yet.
    position: usize,
    end: usize,
    outer: [Option<Range<usize>>; RANGES],
    /// First covered range of a payload that ends after `position`.
    payload: Option<Range<usize>>,
    /// Covered ranges of payloads after the range in the field `payload`, in ascending order.
    payloads: I,
}

impl<I: Iterator<Item = Range<usize>>> Iterator for Uncovered<I> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.position < self.end {
            let position = self.position;
            while self.payload.as_ref().is_some_and(|range| range.end <= position) {
                self.payload = self.payloads.next();
            }
            let ranges = self.outer.iter().chain([&self.payload]).flatten();
            if let Some(covering) =
                ranges.clone().find(|range| range.start <= position && position < range.end)
            {
                self.position = covering.end;
                continue;
            }
            let starts = ranges.map(|range| range.start).filter(|start| *start > position);
            self.position = starts.min().unwrap_or(self.end).min(self.end);
            return Some(position..self.position);
        }
        None
    }
}
