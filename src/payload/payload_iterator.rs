//! Iterator over the payloads of a file.
//!
//! ```text
//! | header | element | element, payload | element, payload | raw remainder, payload |
//! ```

use core::iter::Enumerate;

use super::formats::nordic_dfu::InitPacket;
use super::formats::{osram, ubisys};
use super::{PayloadKind, PayloadReport, PayloadState};
use crate::file::{Element, Elements, Image, PlacedElement, RawRemainder, Tag};
use crate::types::ImageId;

/// Payload of a file, with its report and its place in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct Payload<'a> {
    /// Index of the element that contains the payload, counted from 0; `None` for a raw remainder.
    pub element: Option<usize>,
    /// Offset of the payload, in bytes from the first byte of the OTA header.
    pub offset: usize,
    /// Number of bytes of the payload that are present.
    pub len: usize,
    /// Format and state of the payload. Offsets in the report count from the first byte of the payload.
    #[cfg_attr(feature = "serde", serde(borrow))]
    pub report: PayloadReport<'a>,
    /// `true` if metadata of the payload differs from the OTA header.
    /// [`PayloadMetadata::contradicts`](super::PayloadMetadata::contradicts) compares metadata and header.
    pub contradicts_header: bool,
}

/// Returns all payloads of a file in file order.
///
/// The data of each upgrade image is a payload. The data of any other element is a payload if its format is recognised.
/// The raw remainder of a file, the bytes outside of all elements, is a payload unless it is shorter than the tag and
/// length of an element.
pub fn payloads<'a>(image: &Image<'a>) -> impl Iterator<Item = Payload<'a>> + use<'a> {
    payloads_with_bytes(image).map(|(payload, _)| payload)
}

/// Returns the payloads that [`payloads`] returns, each with its bytes.
pub(crate) fn payloads_with_bytes<'a>(
    image: &Image<'a>,
) -> impl Iterator<Item = (Payload<'a>, &'a [u8])> + use<'a> {
    Payloads {
        id: image.header().id,
        elements: image.elements().enumerate(),
        // A remainder that is shorter than the tag and length of an element is padding.
        remainder: image.raw_remainder().filter(|raw| raw.bytes.len() >= Element::HEAD_LEN),
        init_packet: None,
        is_ubisys: false,
    }
}

/// Iterator over the payloads of a file.
struct Payloads<'a> {
    id: ImageId,
    elements: Enumerate<Elements<'a>>,
    remainder: Option<RawRemainder<'a>>,
    /// Nordic init packet from the element that was read last; `None` if that element is no init packet.
    init_packet: Option<InitPacket>,
    /// `true` if one of the elements read so far describes firmware of ubisys.
    is_ubisys: bool,
}

impl<'a> Payloads<'a> {
    /// Returns the report about the payload in the element `placed`, or `None` if the element contains no payload.
    fn check(&mut self, placed: &PlacedElement<'a>) -> Option<PayloadReport<'a>> {
        let Element { tag, data } = placed.element;
        let init_packet = self.init_packet.take();
        self.is_ubisys |= ubisys::is_description(&placed.element);
        if placed.telink_info.is_some() {
            return Some(PayloadKind::TelinkAes.check(data));
        }
        let kind = PayloadKind::of(data);
        if tag != Tag::UPGRADE_IMAGE {
            if kind.is_searched_in_all_elements() {
                return Some(PayloadReport::of(data));
            }
            return osram::check_table(self.id.manufacturer, data);
        }
        match (init_packet.and_then(|packet| packet.check_firmware(data)), kind) {
            (Some(report), _) => Some(report),
            (None, PayloadKind::Unknown) if self.is_ubisys => Some(PayloadKind::Ubisys.check(data)),
            (None, PayloadKind::NordicInit) => {
                self.init_packet = InitPacket::read(data);
                Some(PayloadReport::of(data))
            }
            (None, _) => Some(PayloadReport::of(data)),
        }
    }

    fn payload(
        &self,
        element: Option<usize>,
        offset: usize,
        bytes: &'a [u8],
        report: PayloadReport<'a>,
    ) -> (Payload<'a>, &'a [u8]) {
        let contradicts_header = report.metadata.contradicts(self.id);
        (Payload { element, offset, len: bytes.len(), report, contradicts_header }, bytes)
    }
}

impl<'a> Iterator for Payloads<'a> {
    type Item = (Payload<'a>, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        while let Some((index, placed)) = self.elements.next() {
            if let Some(mut report) = self.check(&placed) {
                // Some vendors split an image into consecutive elements with the same tag.
                let mut following = self.elements.clone();
                if following.next().is_some_and(|(_, next)| next.element.tag == placed.element.tag) {
                    report.state = report.state.ambiguous_if_truncated();
                    // The end of this element is not the end of the split image, so a checksum at the end of the
                    // element says nothing about damage.
                    report.element_state = None;
                }
                return Some(self.payload(Some(index), placed.data_offset(), placed.element.data, report));
            }
        }
        let raw = self.remainder.take()?;
        Some(self.payload(None, raw.offset, raw.bytes, PayloadReport::of(raw.bytes)))
    }
}

impl Payload<'_> {
    /// Returns whether the payload is damaged.
    #[must_use]
    pub const fn is_damaged(&self) -> bool {
        matches!(self.report.state, PayloadState::Damaged(_))
    }
}
