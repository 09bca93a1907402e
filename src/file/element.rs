//! Elements of an OTA file (section 6.3.3): tag, length and data, one after the other up to the end of the file.
//!
//! Sections and tables refer to ZigBee document 095264 (2011), which calls elements sub-elements.
//!
//! ```text
//! 0  2  tag
//! 2  4  length    of the data, in bytes
//! 6  n  data      in Telink's form of tag F000, after two more bytes that the length does not count
//! ```

use core::iter::FusedIterator;
use core::mem::size_of;

use zerocopy::little_endian::{U16, U32};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::codec::{Emit, Sink};
use crate::error::{DecodeError, DecodeErrorKind};
use crate::open_enum::open_enum;

/// Tag and length fields of an element, in the layout of table 11 of the specification.
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct RawHead {
    tag: U16,
    length: U32,
}

const HEAD_LEN: usize = size_of::<RawHead>();

open_enum! {
    /// Tag of an element: the meaning of its data (section 6.3.4 and table 12 of the specification, and later
    /// revisions).
    Tag(u16) {
        /// Tag of an upgrade image: firmware, in a format of the manufacturer. The module `payload` recognises the
        /// common formats of firmware.
        UPGRADE_IMAGE = 0x0000 => "upgrade image",
        /// Tag of a signature of the file, for crypto suite 1.
        ECDSA_SIGNATURE = 0x0001 => "ECDSA signature",
        /// Tag of the certificate of the signer, for crypto suite 1.
        ECDSA_CERTIFICATE = 0x0002 => "ECDSA signing certificate",
        /// Tag of a hash of the file (defined by later revisions of the specification).
        IMAGE_INTEGRITY_CODE = 0x0003 => "image integrity code",
        /// Tag of a picture (defined by later revisions of the specification).
        PICTURE_DATA = 0x0004 => "picture data",
        /// Tag of a signature of the file, for crypto suite 2 (defined by later revisions of the specification).
        ECDSA_SIGNATURE_2 = 0x0005 => "ECDSA signature, crypto suite 2",
        /// Tag of the certificate of the signer, for crypto suite 2 (defined by later revisions of the specification).
        ECDSA_CERTIFICATE_2 = 0x0006 => "ECDSA signing certificate, crypto suite 2",
    }
}

impl Tag {
    /// Returns whether the tag is reserved. Tags from 0x0007 to 0xEFFF are reserved: no revision gives them a meaning
    /// (table 12).
    #[must_use]
    pub const fn is_reserved(self) -> bool {
        matches!(self.0, 0x0007..=0xefff)
    }

    /// Returns whether the manufacturer of the file defines the meaning of the tag. Manufacturer-specific tags are
    /// 0xF000 to 0xFFFF (table 12).
    #[must_use]
    pub const fn is_manufacturer_specific(self) -> bool {
        self.0 >= 0xf000
    }

    /// Returns whether the tag marks a signature, of either crypto suite.
    #[must_use]
    pub const fn is_signature(self) -> bool {
        matches!(self, Self::ECDSA_SIGNATURE | Self::ECDSA_SIGNATURE_2)
    }
}

/// Element of a file, with tag and data (section 6.3.3).
// Exhaustive: tag and data are all that an element has, in every revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Element<'a> {
    /// Tag of the element, which gives the meaning of the data.
    pub tag: Tag,
    /// Data of the element, without tag and length; may be empty. If the data is longer than the maximum of the 32-bit
    /// length field, [`FileWriter`](super::FileWriter) returns an error, and the encoder of `Element` leaves out the
    /// bytes beyond the maximum.
    #[cfg_attr(feature = "serde", serde(borrow, with = "crate::serde_bytes"))]
    pub data: &'a [u8],
}

impl<'a> Element<'a> {
    /// Number of bytes of tag and length, which precede the data of an element.
    pub const HEAD_LEN: usize = HEAD_LEN;

    /// Returns the encoded tag and length of the element.
    pub(super) fn head(&self) -> [u8; HEAD_LEN] {
        encode_head(self.tag, u32::try_from(self.data.len()).unwrap_or(u32::MAX))
    }

    /// Returns the data without the bytes beyond the maximum of the 32-bit length field.
    fn written_data(&self) -> &'a [u8] {
        let max = usize::try_from(u32::MAX).unwrap_or(usize::MAX);
        self.data.get(..max).unwrap_or(self.data)
    }
}

impl Emit for Element<'_> {
    fn len(&self) -> usize {
        Self::HEAD_LEN.saturating_add(self.written_data().len())
    }

    fn emit(&self, out: &mut Sink<'_>) {
        out.array(&self.head());
        out.bytes(self.written_data());
    }
}

/// Element that was read from a file, with its offset and its length field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct PlacedElement<'a> {
    /// Offset of the tag, in bytes from the first byte of the header.
    pub offset: usize,
    /// Length field of the element: the number of data bytes. In a truncated file, fewer data bytes than the length
    /// field states may be present.
    pub length: u32,
    /// Telink's two bytes between length and data, present only in Telink's form of an element with tag 0xF000. The
    /// length field does not count Telink's two bytes.
    pub telink_info: Option<[u8; 2]>,
    /// Tag of the element, and the data that is present.
    #[cfg_attr(feature = "serde", serde(borrow))]
    pub element: Element<'a>,
}

impl PlacedElement<'_> {
    /// Returns the offset of the data, in bytes from the first byte of the header.
    #[must_use]
    pub const fn data_offset(&self) -> usize {
        let info = if self.telink_info.is_some() { TELINK_INFO_LEN } else { 0 };
        self.offset.saturating_add(Element::HEAD_LEN).saturating_add(info)
    }

    /// Returns the offset of the first byte after the data that is present, in bytes from the first byte of the header.
    const fn end(&self) -> usize {
        self.data_offset().saturating_add(self.element.data.len())
    }
}

/// Writes the element as it was read, with the length field and Telink's two bytes. The encoder of [`Element`] writes
/// the number of data bytes to the length field, also for an element of a truncated file, whose length field counts
/// more bytes than are present.
impl Emit for PlacedElement<'_> {
    fn len(&self) -> usize {
        self.end().saturating_sub(self.offset)
    }

    fn emit(&self, out: &mut Sink<'_>) {
        out.array(&encode_head(self.element.tag, self.length));
        if let Some(info) = &self.telink_info {
            out.array(info);
        }
        out.bytes(self.element.data);
    }
}

/// Number of bytes between length and data in Telink's form of an element, whose tag is [`TELINK_TAG`].
const TELINK_INFO_LEN: usize = 2;

/// Number of bytes before the data of an element in Telink's form: tag, length and two more bytes.
pub(super) const TELINK_HEAD_LEN: usize = Element::HEAD_LEN + TELINK_INFO_LEN;

/// Tag 0xF000, which Telink's tools give to an encrypted image. Most files with tag 0xF000 use the standard form of an
/// element, not Telink's form.
const TELINK_TAG: u16 = 0xf000;

/// Returns whether an element has Telink's form, in which the length does not count two bytes before the data.
///
/// `left_over` is the number of bytes between the end of the element, computed from its length field, and the end of
/// the file. If the tag is 0xF000 and `left_over` is exactly two, the element has Telink's form, because after an
/// element in the standard form the file ends or another element follows.
pub(super) const fn is_telink_form(tag: Tag, left_over: u32) -> bool {
    tag.0 == TELINK_TAG && left_over == 2
}

/// Encodes tag and length of an element.
pub(super) fn encode_head(tag: Tag, length: u32) -> [u8; HEAD_LEN] {
    zerocopy::transmute!(RawHead { tag: tag.0.into(), length: length.into() })
}

/// Decodes tag and length of an element.
#[inline]
pub(super) fn decode_head(head: &[u8; HEAD_LEN]) -> (Tag, u32) {
    let RawHead { tag, length } = zerocopy::transmute_ref!(head);
    (Tag(tag.get()), length.get())
}

/// Head (tag and length) of an element that does not run past the end of the file.
struct CheckedHead {
    tag: Tag,
    length: u32,
    telink_info: Option<[u8; 2]>,
}

impl CheckedHead {
    /// Reads the head of an element at the start of `input`, which goes up to the end of the file. In a truncated file,
    /// `missing` is the number of bytes that should follow `input`. `CheckedHead::read` returns an error if the element
    /// is longer than `input` and the missing bytes together.
    #[inline]
    fn read(input: &[u8], missing: usize) -> Result<Self, DecodeErrorKind> {
        let truncated = |needed| DecodeErrorKind::Truncated { needed, present: input.len() };
        let (head, rest) = input.split_first_chunk().ok_or(truncated(HEAD_LEN))?;
        let (tag, length) = decode_head(head);
        let (size, left) =
            (usize::try_from(length).unwrap_or(usize::MAX), rest.len().saturating_add(missing));
        let Some(left_over) = left.checked_sub(size) else {
            return Err(DecodeErrorKind::ElementOverrun { tag: tag.0, by: size.saturating_sub(left) });
        };
        let telink_info = if is_telink_form(tag, u32::try_from(left_over).unwrap_or(u32::MAX)) {
            Some(*rest.first_chunk().ok_or(truncated(TELINK_HEAD_LEN))?)
        } else {
            None
        };
        Ok(Self { tag, length, telink_info })
    }

    /// Splits `input`, which starts with the head of an element, into the data of the element that is present and the
    /// bytes after the data.
    #[inline]
    fn split_data<'a>(&self, input: &'a [u8]) -> (&'a [u8], &'a [u8]) {
        let head = if self.telink_info.is_some() { TELINK_HEAD_LEN } else { HEAD_LEN };
        let (_, rest) = input.split_at_checked(head).unwrap_or_default();
        let size = usize::try_from(self.length).unwrap_or(usize::MAX);
        rest.split_at_checked(size).unwrap_or((rest, &[]))
    }
}

/// Iterator over the elements of a file in file order. The iterator ends at the end of the file, or where the bytes are
/// not an element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Elements<'a> {
    rest: &'a [u8],
    /// Offset of the first byte after `rest`, in bytes from the first byte of the header. The iterator computes the
    /// offset of `rest` from `end`, so that each step of the iterator changes only the field `rest`.
    end: usize,
    /// Number of bytes that are missing after `rest`, up to the total image size.
    missing: usize,
}

impl<'a> Elements<'a> {
    /// Iterates over the elements of `body`, whose first byte has the offset `offset` in the file. Returns an error
    /// unless complete elements fill `body` exactly.
    #[inline]
    pub(super) fn strict(body: &'a [u8], offset: usize) -> Result<Self, DecodeError> {
        let mut rest = body;
        // The strict parser has no check for Telink's form: an element in this form leaves two bytes at the end, which
        // are too few for an element.
        while let Some((head, after_head)) = rest.split_first_chunk() {
            let (_, length) = decode_head(head);
            let size = usize::try_from(length).unwrap_or(usize::MAX);
            let Some(after) = after_head.get(size..) else { break };
            rest = after;
        }
        if rest.is_empty() {
            Ok(Self::lenient(body, offset, 0))
        } else {
            Err(Self::strict_error(rest, offset.saturating_add(body.len().saturating_sub(rest.len()))))
        }
    }

    /// Returns the error of the element at the start of `rest`, which has the offset `offset` in the file.
    #[cold]
    fn strict_error(rest: &[u8], offset: usize) -> DecodeError {
        let kind = CheckedHead::read(rest, 0)
            .err()
            .unwrap_or(DecodeErrorKind::Truncated { needed: HEAD_LEN, present: rest.len() });
        DecodeError { item: "sub-element", offset, kind }
    }

    /// Iterates over the elements at the start of `body`. `missing` is the number of bytes of the file that should
    /// follow `body` but are not present.
    pub(super) const fn lenient(body: &'a [u8], offset: usize, missing: usize) -> Self {
        Self { rest: body, end: offset.wrapping_add(body.len()), missing }
    }

    /// Returns the offset of the element that the iterator returns next. If the iterator has returned all elements,
    /// `offset` is the offset of the first byte after the last element.
    #[inline]
    pub(super) const fn offset(&self) -> usize {
        // `rest` is the end of the body, so neither this difference nor the sum in `lenient` wraps.
        self.end.wrapping_sub(self.rest.len())
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = PlacedElement<'a>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        // The common case: an element with another tag than Telink's, of which all bytes are present.
        let (head, after_head) = self.rest.split_first_chunk()?;
        let (tag, length) = decode_head(head);
        if tag.0 != TELINK_TAG
            && let Some((data, after)) =
                after_head.split_at_checked(usize::try_from(length).unwrap_or(usize::MAX))
        {
            let offset = self.offset();
            self.rest = after;
            return Some(PlacedElement { offset, length, telink_info: None, element: Element { tag, data } });
        }
        // The function takes the fields of the iterator by value, so that the iterator can stay in registers.
        let (placed, rest) = next_irregular(self.rest, self.offset(), self.missing)?;
        self.rest = rest;
        Some(placed)
    }
}

/// Reads the element at the start of `rest`, which may have Telink's form, or may be the incomplete last element of a
/// truncated file. Returns the element and the bytes after the element, or `None` if the bytes are not an element.
#[cold]
fn next_irregular(rest: &[u8], offset: usize, missing: usize) -> Option<(PlacedElement<'_>, &[u8])> {
    let head = CheckedHead::read(rest, missing).ok()?;
    let (data, after) = head.split_data(rest);
    let CheckedHead { tag, length, telink_info } = head;
    Some((PlacedElement { offset, length, telink_info, element: Element { tag, data } }, after))
}

impl FusedIterator for Elements<'_> {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Encode;
    use std::string::ToString;
    use std::vec::Vec;

    /// Shows: FILE-003, FILE-046, FILE-047
    #[test]
    fn an_element_is_tag_length_and_data() {
        let element = Element { tag: Tag::UPGRADE_IMAGE, data: &[0xaa, 0xbb, 0xcc] };
        let bytes = [0x00, 0x00, 0x03, 0x00, 0x00, 0x00, 0xaa, 0xbb, 0xcc];
        let mut out = [0; 9];
        assert_eq!(element.encode(&mut out), Ok(9));
        assert_eq!(out, bytes);
        let read: Vec<_> = Elements::strict(&bytes, 56).unwrap().collect();
        assert_eq!(read, [PlacedElement { offset: 56, length: 3, telink_info: None, element }]);
        assert_eq!(read[0].data_offset(), 62);

        let data = std::vec![7; 0x0123];
        let element = Element { tag: Tag(0x1234), data: &data };
        let mut out = std::vec![0; element.encoded_len()];
        element.encode(&mut out).unwrap();
        assert_eq!(out[..7], [0x34, 0x12, 0x23, 0x01, 0x00, 0x00, 7]);
    }

    /// Shows: FILE-056
    #[test]
    fn elements_may_be_empty_and_bodies_too() {
        assert_eq!(Elements::strict(&[], 56).unwrap().next(), None);
        let bytes = [0x07, 0xf0, 0, 0, 0, 0, 0x07, 0xf0, 0, 0, 0, 0];
        let mut elements = Elements::strict(&bytes, 60).unwrap();
        let element = Element { tag: Tag(0xf007), data: &[] };
        assert_eq!(
            elements.next(),
            Some(PlacedElement { offset: 60, length: 0, telink_info: None, element })
        );
        assert_eq!(
            elements.next(),
            Some(PlacedElement { offset: 66, length: 0, telink_info: None, element })
        );
        assert_eq!(elements.next(), None);
        assert_eq!(elements.next(), None);
    }

    /// Shows: FILE-048
    #[test]
    fn an_element_that_runs_past_the_end_is_an_error() {
        let bytes = [0x03, 0xf0, 1, 0, 0, 0, 9, 0x34, 0x12, 3, 0, 0, 0, 1, 2];
        let error = Elements::strict(&bytes, 56).unwrap_err();
        let kind = DecodeErrorKind::ElementOverrun { tag: 0x1234, by: 1 };
        assert_eq!(error, DecodeError { item: "sub-element", offset: 63, kind });
        assert_eq!(
            error.to_string(),
            "sub-element, byte 63: element 0x1234 runs past the end of the image by 1 bytes"
        );
        let error = Elements::strict(&[0, 0, 0xff, 0xff, 0xff, 0xff], 56).unwrap_err();
        assert_eq!(error.kind, DecodeErrorKind::ElementOverrun { tag: 0, by: 0xffff_ffff });
    }

    #[test]
    fn fewer_bytes_than_a_head_are_an_error() {
        let bytes = [0x03, 0xf0, 1, 0, 0, 0, 9, 0, 0, 0, 0, 0];
        for left in 1..6 {
            let error = Elements::strict(&bytes[..7 + left], 56).unwrap_err();
            let kind = DecodeErrorKind::Truncated { needed: 6, present: left };
            assert_eq!(error, DecodeError { item: "sub-element", offset: 63, kind });
        }
    }

    #[test]
    fn an_element_in_any_form_is_written_as_it_was_read() {
        let standard = PlacedElement {
            offset: 56,
            length: 2,
            telink_info: None,
            element: Element { tag: Tag(0xf000), data: &[7, 8] },
        };
        let telink = PlacedElement { telink_info: Some([0x01, 0x0c]), ..standard };
        let cut = PlacedElement { length: 3, ..telink };
        for (placed, bytes) in [
            (standard, &[0x00, 0xf0, 2, 0, 0, 0, 7, 8][..]),
            (telink, &[0x00, 0xf0, 2, 0, 0, 0, 0x01, 0x0c, 7, 8]),
            (cut, &[0x00, 0xf0, 3, 0, 0, 0, 0x01, 0x0c, 7, 8]),
        ] {
            let mut out = std::vec![0; placed.encoded_len()];
            assert_eq!(placed.encode(&mut out), Ok(bytes.len()));
            assert_eq!(out, bytes);
        }
    }

    /// Shows: FILE-051, FILE-052
    #[test]
    fn tags_have_ranges_and_names() {
        let expected = [
            (0x0000, "assigned", Some("upgrade image")),
            (0x0001, "assigned", Some("ECDSA signature")),
            (0x0002, "assigned", Some("ECDSA signing certificate")),
            (0x0003, "assigned", Some("image integrity code")),
            (0x0004, "assigned", Some("picture data")),
            (0x0005, "assigned", Some("ECDSA signature, crypto suite 2")),
            (0x0006, "assigned", Some("ECDSA signing certificate, crypto suite 2")),
            (0x0007, "reserved", None),
            (0xefff, "reserved", None),
            (0xf000, "manufacturer specific", None),
            (0xffff, "manufacturer specific", None),
        ];
        for (tag, range, name) in expected {
            let tag = Tag(tag);
            let found = match (tag.is_reserved(), tag.is_manufacturer_specific()) {
                (false, false) => "assigned",
                (true, false) => "reserved",
                (false, true) => "manufacturer specific",
                (true, true) => "both",
            };
            assert_eq!((found, tag.name()), (range, name), "{tag:?}");
        }
        let code = [&[3, 0, 16, 0, 0, 0][..], &[0x5a; 16]].concat();
        let read: Vec<_> = Elements::strict(&code, 56).unwrap().map(|placed| placed.element).collect();
        assert_eq!(read, [Element { tag: Tag::IMAGE_INTEGRITY_CODE, data: &[0x5a; 16] }]);
    }

    /// The encoder writes the length field as the reader read it, even when fewer bytes of data are present.
    #[test]
    fn a_length_that_differs_from_the_data_is_written_back() {
        let element = |data| Element { tag: Tag(0xf000), data };
        for (placed, bytes) in [
            (
                PlacedElement { offset: 56, length: 2, telink_info: None, element: element(&[7, 8]) },
                &[0x00, 0xf0, 2, 0, 0, 0, 7, 8][..],
            ),
            (
                PlacedElement {
                    offset: 56,
                    length: 2,
                    telink_info: Some([0x01, 0x0c]),
                    element: element(&[7, 8]),
                },
                &[0x00, 0xf0, 2, 0, 0, 0, 0x01, 0x0c, 7, 8],
            ),
            (
                PlacedElement { offset: 56, length: 9, telink_info: None, element: element(&[7]) },
                &[0x00, 0xf0, 9, 0, 0, 0, 7],
            ),
        ] {
            let mut out = [0xee; 12];
            assert_eq!((placed.encoded_len(), placed.encode(&mut out)), (bytes.len(), Ok(bytes.len())));
            assert_eq!(out[..bytes.len()], *bytes);
        }
    }
}
