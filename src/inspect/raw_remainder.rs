//! Classification of the raw bytes at the end of a body: a raw image, padding, or an element that runs past the total
//! image size.
//!
//! ```text
//! | header | element | element | tag length data ...           total image size
//!                              |<------ raw remainder ------>|
//!                              |<-------- length of the element -------->|     overrun
//! ```

use crate::file::{Element, Image, RawRemainder, Tag};
use crate::payload::PayloadKind;

use super::Severity;

/// Class of the raw bytes at the end of an OTA file, which belong to none of its elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RemainderKind {
    /// Padding: fewer bytes than the tag and length of an element, or bytes of one value after the last element.
    Padding,
    /// A raw image of a recognised format, or a raw image of any format if the caller allows a raw body.
    Raw(PayloadKind),
    /// An element that runs past the total image size.
    Overrun(Severity, Overrun),
}

/// Element whose length runs past the total image size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct Overrun {
    /// Tag of the element.
    pub tag: Tag,
    /// Value of the length field of the element, in bytes.
    pub declared: u32,
    /// Number of data bytes of the element before the end of the OTA file, which the total image size gives.
    pub present: usize,
    /// Probable cause of the wrong length.
    pub cause: OverrunCause,
    /// `true` if the element is the first of the file.
    pub first: bool,
}

/// Probable cause of an element that runs past the total image size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum OverrunCause {
    /// The length field of the element wrongly counts the 6 bytes of tag and length as well.
    CountsHead,
    /// The element ends exactly at the end of the input, so the total image size is too small.
    TotalTooSmall {
        /// Total image size that would include the whole element, in bytes.
        right: usize,
    },
    /// The bytes of the file do not show why the length of the element is wrong.
    Unknown,
}

/// Highest tag that a specification assigns: the ECDSA signing certificate of crypto suite 2.
const LAST_ASSIGNED: u16 = 0x0006;
/// Tag of the element in which Telink's tools store an image, and the two bytes that the tools write before the data.
const TELINK: (Tag, [u8; 2]) = (Tag(0xf000), [0x01, 0x0c]);
/// Maximum plausible length in bytes of an element with a reserved tag after valid elements: 16 MiB, more than the
/// flash of any Zigbee device. The maximum length distinguishes elements from other data: two random bytes, read as a
/// tag, are nearly always a reserved tag, but four random bytes, read as a length, are below the maximum in only one of
/// 256 cases.
const MAX_LENGTH: u32 = 16 << 20;

/// Classifies `raw`, the bytes at the end of `image` that belong to no element, as padding, a raw image, or an element
/// that runs past the end. If `raw_allowed` is set, the caller knows that the body is a
/// raw image.
pub(super) fn judge(image: &Image<'_>, raw: &RawRemainder<'_>, raw_allowed: bool) -> RemainderKind {
    let first = raw.offset == image.header().header_len();
    let Some((overrun, behind)) = overrun(image, raw, first) else {
        return RemainderKind::Padding;
    };
    let kind = PayloadKind::of(raw.bytes);
    if raw_allowed {
        return RemainderKind::Raw(kind);
    }
    let Overrun { tag, declared, .. } = overrun;
    let is_assigned = tag.0 <= LAST_ASSIGNED;
    let (telink_tag, telink_info) = TELINK;
    let is_telink = tag == telink_tag && behind.starts_with(&telink_info);
    let after_info = behind.get(telink_info.len()..).filter(|_| tag == telink_tag).unwrap_or_default();
    if is_assigned
        || is_telink
        || is_certain(PayloadKind::of(behind))
        || is_certain(PayloadKind::of(after_info))
    {
        return RemainderKind::Overrun(Severity::Wrong, overrun);
    }
    if is_certain(kind) {
        return RemainderKind::Raw(kind);
    }
    if first {
        return RemainderKind::Overrun(Severity::Doubtful, overrun);
    }
    if raw.bytes.iter().all(|byte| Some(byte) == raw.bytes.first()) {
        return RemainderKind::Padding;
    }
    // A vendor may append code to the elements. The code may begin with any two bytes, even those of a tag.
    let is_element = tag.is_manufacturer_specific() || declared <= MAX_LENGTH;
    let severity = if is_element { Severity::Wrong } else { Severity::Doubtful };
    RemainderKind::Overrun(severity, overrun)
}

/// Returns whether the format has enough magic bytes to recognise the format in arbitrary bytes.
const fn is_certain(kind: PayloadKind) -> bool {
    !matches!(kind, PayloadKind::Unknown | PayloadKind::Zlib)
}

/// Reads raw bytes as an element that runs past the end of the file. Returns the element and the bytes after its tag
/// and length, or `None` if there are too few bytes for a tag and a length.
fn overrun<'a>(image: &Image<'_>, raw: &RawRemainder<'a>, first: bool) -> Option<(Overrun, &'a [u8])> {
    let (head, behind) = raw.bytes.split_first_chunk::<{ Element::HEAD_LEN }>()?;
    let [tag_low, tag_high, length @ ..] = *head;
    let (tag, declared) = (Tag(u16::from_le_bytes([tag_low, tag_high])), u32::from_le_bytes(length));
    let present = behind.len().saturating_add(image.missing());
    let length = usize::try_from(declared).unwrap_or(usize::MAX);
    let end = raw.offset.saturating_add(Element::HEAD_LEN).saturating_add(length);
    let given = image.bytes().len().saturating_add(image.trailing().len());
    let cause = if image.missing() == 0 && end == given {
        OverrunCause::TotalTooSmall { right: end }
    } else if length == present.saturating_add(Element::HEAD_LEN) {
        OverrunCause::CountsHead
    } else {
        OverrunCause::Unknown
    };
    Some((Overrun { tag, declared, present, cause, first }, behind))
}
