//! The payloads of a file: which of its parts are judged, and what their surroundings tell.
//!
//! ```text
//! | header | element | element, payload | element, payload | raw bytes, payload |
//! ```

use core::iter::{Enumerate, FusedIterator};

use super::nordic::Init;
use super::{PayloadKind, PayloadReport, PayloadState, osram, ubisys};
use crate::file::{Element, Elements, Image, PlacedElement, RawRemainder, Tag};
use crate::types::ImageId;

/// A payload and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Payload<'a> {
    /// The element that it is in, counted from 0; none for raw bytes that are no element.
    pub element: Option<usize>,
    /// Where it starts, in bytes from the first byte of the OTA header.
    pub offset: usize,
    /// What it is and whether it is whole.
    #[cfg_attr(feature = "serde", serde(borrow))]
    pub verdict: PayloadReport<'a>,
    /// Whether it says something else about itself than the OTA header does, see
    /// [`PayloadMetadata::contradicts`](super::PayloadMetadata::contradicts).
    pub contradicts: bool,
}

/// All payloads of a file in file order: each upgrade image, each other element that is of a known kind, and raw bytes
/// that are no element, unless they are fewer than an element's head.
#[must_use]
pub fn payloads<'a>(image: &Image<'a>) -> Payloads<'a> {
    Payloads {
        id: image.header().id,
        elements: image.elements().enumerate(),
        // Fewer bytes are padding.
        rest: image.raw_remainder().filter(|rest| rest.bytes.len() >= Element::HEAD_LEN),
        init: None,
        ubisys: false,
    }
}

/// The iterator that [`payloads`] makes.
#[derive(Clone, Debug)]
pub struct Payloads<'a> {
    id: ImageId,
    elements: Enumerate<Elements<'a>>,
    rest: Option<RawRemainder<'a>>,
    /// Of the element before, if that was one.
    init: Option<Init>,
    /// Whether an element said so.
    ubisys: bool,
}

impl<'a> Payloads<'a> {
    fn judge(&mut self, at: &PlacedElement<'a>) -> Option<PayloadReport<'a>> {
        let element = at.element;
        let init = self.init.take();
        self.ubisys |= ubisys::describes(&element);
        if at.telink_info.is_some() {
            return Some(PayloadReport {
                encrypted: true,
                ..PayloadReport::new(PayloadKind::TelinkAes, PayloadState::Encrypted)
            });
        }
        let kind = PayloadKind::of(element.data);
        if element.tag != Tag::UPGRADE_IMAGE {
            let known = kind.is_marked().then(|| PayloadReport::of(element.data));
            return known.or_else(|| osram::table(self.id.manufacturer, element.data));
        }
        match (init.and_then(|init| init.check(element.data)), kind) {
            (Some(verdict), _) => Some(verdict),
            (None, PayloadKind::Unknown) if self.ubisys => Some(ubisys::check(element.data)),
            (None, PayloadKind::NordicInit) => {
                self.init = Init::read(element.data);
                Some(PayloadReport::of(element.data))
            }
            (None, _) => Some(PayloadReport::of(element.data)),
        }
    }

    fn payload(&self, element: Option<usize>, offset: usize, verdict: PayloadReport<'a>) -> Payload<'a> {
        Payload { element, offset, verdict, contradicts: verdict.stated.contradicts(self.id) }
    }
}

impl<'a> Iterator for Payloads<'a> {
    type Item = Payload<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        while let Some((number, at)) = self.elements.next() {
            if let Some(mut verdict) = self.judge(&at) {
                // An image may be in several elements of one tag.
                if self.elements.clone().next().is_some_and(|(_, next)| next.element.tag == at.element.tag) {
                    verdict.state = verdict.state.or_continued();
                }
                return Some(self.payload(Some(number), at.data_offset(), verdict));
            }
        }
        let rest = self.rest.take()?;
        Some(self.payload(None, rest.offset, PayloadReport::of(rest.bytes)))
    }
}

impl FusedIterator for Payloads<'_> {}

impl Payload<'_> {
    /// Whether it is damaged.
    #[must_use]
    pub const fn is_damaged(&self) -> bool {
        matches!(self.verdict.state, PayloadState::Damaged(_))
    }
}
