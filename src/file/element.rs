//! Sub-elements (section 6.3.3): a tag, a length and so many bytes, one after the other up to the end of the file.
//!
//! ```text
//! 0  2  tag
//! 2  4  length    of the data, in bytes
//! 6  n  data      Telink's tag F000: two more bytes before it that the length leaves out
//! ```

use core::iter::FusedIterator;
use core::mem::size_of;

use zerocopy::little_endian::{U16, U32};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::codec::{Emit, Sink};
use crate::error::{DecodeError, DecodeErrorKind};
use crate::open_enum::open_enum;

/// What stands before the data (table 11).
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct Head {
    tag: U16,
    length: U32,
}

const HEAD_LEN: usize = size_of::<Head>();

open_enum! {
    /// What a sub-element holds (section 6.3.4, table 12, and later revisions).
    Tag(u16) {
        /// The firmware itself, in the manufacturer's own form.
        UPGRADE_IMAGE = 0x0000 => "upgrade image",
        /// Signature by crypto suite 1.
        ECDSA_SIGNATURE = 0x0001 => "ECDSA signature",
        /// Certificate of the signer, crypto suite 1.
        ECDSA_CERTIFICATE = 0x0002 => "ECDSA signing certificate",
        /// Hash over the file (later revisions).
        IMAGE_INTEGRITY_CODE = 0x0003 => "image integrity code",
        /// Picture (later revisions).
        PICTURE_DATA = 0x0004 => "picture data",
        /// Signature by crypto suite 2 (later revisions).
        ECDSA_SIGNATURE_2 = 0x0005 => "ECDSA signature, crypto suite 2",
        /// Certificate of the signer, crypto suite 2 (later revisions).
        ECDSA_CERTIFICATE_2 = 0x0006 => "ECDSA signing certificate, crypto suite 2",
    }
}

/// Who gives a tag its meaning (table 12).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum TagClass {
    /// 0x0000 to 0x0006: a specification does.
    Assigned,
    /// 0x0007 to 0xEFFF: nobody yet.
    Reserved,
    /// 0xF000 to 0xFFFF: the manufacturer of the file does.
    Manufacturer,
}

impl Tag {
    /// Which range this tag lies in (table 12).
    #[must_use]
    pub const fn class(self) -> TagClass {
        match self.0 {
            0x0000..=0x0006 => TagClass::Assigned,
            0x0007..=0xefff => TagClass::Reserved,
            0xf000..=0xffff => TagClass::Manufacturer,
        }
    }
}

/// A sub-element (section 6.3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Element<'a> {
    /// What the data is.
    pub tag: Tag,
    /// The data alone; may be empty. What a 32-bit length cannot count is not written;
    /// [`FileWriter`](super::FileWriter) refuses it.
    #[cfg_attr(feature = "serde", serde(borrow, with = "crate::serde_bytes"))]
    pub data: &'a [u8],
}

impl<'a> Element<'a> {
    /// Bytes of tag and length, before the data.
    pub const HEAD_LEN: usize = HEAD_LEN;

    /// Tag and length as they are written.
    pub(super) fn head(&self) -> [u8; HEAD_LEN] {
        head(self.tag, u32::try_from(self.data.len()).unwrap_or(u32::MAX))
    }

    /// The data that the length can count.
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

/// An element and its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct PlacedElement<'a> {
    /// Where its tag stands, in bytes from the first byte of the header.
    pub offset: usize,
    /// Bytes of data by its length field. Only in a truncated file fewer are present.
    pub length: u32,
    /// The two bytes between length and data in Telink's form of tag 0xF000, which the length leaves out.
    pub info: Option<[u8; 2]>,
    /// The element, with the data that is present.
    #[cfg_attr(feature = "serde", serde(borrow))]
    pub element: Element<'a>,
}

impl PlacedElement<'_> {
    /// Where its data starts, in bytes from the first byte of the header.
    #[must_use]
    pub const fn data_offset(&self) -> usize {
        let info = if self.info.is_some() { TELINK_INFO_LEN } else { 0 };
        self.offset.saturating_add(Element::HEAD_LEN).saturating_add(info)
    }

    /// Where what is present of it ends.
    const fn end(&self) -> usize {
        self.data_offset().saturating_add(self.element.data.len())
    }
}

/// Unlike [`Element`]'s, with the length as it was read and with Telink's bytes.
impl Emit for PlacedElement<'_> {
    fn len(&self) -> usize {
        self.end().saturating_sub(self.offset)
    }

    fn emit(&self, out: &mut Sink<'_>) {
        out.array(&head(self.element.tag, self.length));
        if let Some(info) = &self.info {
            out.array(info);
        }
        out.bytes(self.element.data);
    }
}

/// Bytes that Telink's form of [`TELINK_TAG`] has between length and data.
const TELINK_INFO_LEN: usize = 2;

/// Bytes before the data in that form.
pub(super) const TELINK_HEAD_LEN: usize = Element::HEAD_LEN + TELINK_INFO_LEN;

/// The tag that Telink's tools give an encrypted image. Most files use it as any other tag.
const TELINK_TAG: u16 = 0xf000;

/// Whether an element has two bytes that its length leaves out: known by exactly two being left over at the end
/// of the file, where by the letter none or an element would have to be.
pub(super) const fn is_telink(tag: Tag, left_over: u32) -> bool {
    tag.0 == TELINK_TAG && left_over == 2
}

/// Tag and length as they are written.
pub(super) fn head(tag: Tag, length: u32) -> [u8; HEAD_LEN] {
    zerocopy::transmute!(Head { tag: tag.0.into(), length: length.into() })
}

/// Tag and length.
#[inline]
pub(super) fn tag_and_length(head: &[u8; HEAD_LEN]) -> (Tag, u32) {
    let Head { tag, length } = zerocopy::transmute_ref!(head);
    (Tag(tag.get()), length.get())
}

/// The head of an element that fits in its file.
struct Fitting {
    tag: Tag,
    length: u32,
    info: Option<[u8; 2]>,
}

impl Fitting {
    /// Reads the head at the start of `input`, which by the total image size goes on for `missing` bytes. An element that
    /// runs past the total size is wrong as a whole.
    #[inline]
    fn read(input: &[u8], missing: usize) -> Result<Self, DecodeErrorKind> {
        let truncated = |needed| DecodeErrorKind::Truncated { needed, present: input.len() };
        let (head, rest) = input.split_first_chunk().ok_or(truncated(HEAD_LEN))?;
        let (tag, length) = tag_and_length(head);
        let (size, left) =
            (usize::try_from(length).unwrap_or(usize::MAX), rest.len().saturating_add(missing));
        let Some(left_over) = left.checked_sub(size) else {
            return Err(DecodeErrorKind::ElementOverrun { tag: tag.0, by: size.saturating_sub(left) });
        };
        let info = if is_telink(tag, u32::try_from(left_over).unwrap_or(u32::MAX)) {
            Some(*rest.first_chunk().ok_or(truncated(TELINK_HEAD_LEN))?)
        } else {
            None
        };
        Ok(Self { tag, length, info })
    }

    /// Splits the `input` that it was read from into the data, as far as it is there, and what follows.
    #[inline]
    fn split<'a>(&self, input: &'a [u8]) -> (&'a [u8], &'a [u8]) {
        let head = if self.info.is_some() { TELINK_HEAD_LEN } else { HEAD_LEN };
        let (_, rest) = input.split_at_checked(head).unwrap_or_default();
        let size = usize::try_from(self.length).unwrap_or(usize::MAX);
        rest.split_at_checked(size).unwrap_or((rest, &[]))
    }
}

/// The elements of a file in their order, up to the end of the file or to where no element stands any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Elements<'a> {
    rest: &'a [u8],
    offset: usize,
    missing: usize,
}

impl<'a> Elements<'a> {
    /// The elements of `body`, whose first byte stands at `offset` of the file, if they tile it by the letter.
    #[inline]
    pub(super) fn strict(body: &'a [u8], offset: usize) -> Result<Self, DecodeError> {
        let mut rest = body;
        while !rest.is_empty() {
            let place = |rest: &[u8]| offset.saturating_add(body.len().saturating_sub(rest.len()));
            let wrong = |at, kind| DecodeError { item: "sub-element", offset: at, kind };
            let head = Fitting::read(rest, 0).map_err(|kind| wrong(place(rest), kind))?;
            if head.info.is_some() {
                let kind = DecodeErrorKind::Truncated { needed: HEAD_LEN, present: TELINK_INFO_LEN };
                return Err(wrong(place(&[]).saturating_sub(TELINK_INFO_LEN), kind));
            }
            (_, rest) = head.split(rest);
        }
        Ok(Self { rest: body, offset, missing: 0 })
    }

    /// The elements at the start of `body`, of which `missing` bytes are not there.
    pub(super) const fn lenient(body: &'a [u8], offset: usize, missing: usize) -> Self {
        Self { rest: body, offset, missing }
    }

    /// Where the next element starts, or no element stands.
    pub(super) const fn offset(&self) -> usize {
        self.offset
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = PlacedElement<'a>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let Self { rest, offset, missing } = *self;
        // What cannot be read was told when the file was.
        let head = Fitting::read(rest, missing).ok()?;
        let (data, rest) = head.split(rest);
        let Fitting { tag, length, info } = head;
        let at = PlacedElement { offset, length, info, element: Element { tag, data } };
        *self = Self { rest, offset: at.end(), missing };
        Some(at)
    }
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
        assert_eq!(read, [PlacedElement { offset: 56, length: 3, info: None, element }]);
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
        assert_eq!(elements.next(), Some(PlacedElement { offset: 60, length: 0, info: None, element }));
        assert_eq!(elements.next(), Some(PlacedElement { offset: 66, length: 0, info: None, element }));
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
    fn an_element_is_written_as_it_was_read() {
        let by_the_letter = PlacedElement {
            offset: 56,
            length: 2,
            info: None,
            element: Element { tag: Tag(0xf000), data: &[7, 8] },
        };
        let telinks = PlacedElement { info: Some([0x01, 0x0c]), ..by_the_letter };
        let cut = PlacedElement { length: 3, ..telinks };
        for (at, bytes) in [
            (by_the_letter, &[0x00, 0xf0, 2, 0, 0, 0, 7, 8][..]),
            (telinks, &[0x00, 0xf0, 2, 0, 0, 0, 0x01, 0x0c, 7, 8]),
            (cut, &[0x00, 0xf0, 3, 0, 0, 0, 0x01, 0x0c, 7, 8]),
        ] {
            let mut out = std::vec![0; at.encoded_len()];
            assert_eq!(at.encode(&mut out), Ok(bytes.len()));
            assert_eq!(out, bytes);
        }
    }

    /// Shows: FILE-051, FILE-052
    #[test]
    fn tags_have_ranges_and_names() {
        use TagClass::{Assigned, Manufacturer, Reserved};
        let expected = [
            (0x0000, Assigned, Some("upgrade image")),
            (0x0001, Assigned, Some("ECDSA signature")),
            (0x0002, Assigned, Some("ECDSA signing certificate")),
            (0x0003, Assigned, Some("image integrity code")),
            (0x0004, Assigned, Some("picture data")),
            (0x0005, Assigned, Some("ECDSA signature, crypto suite 2")),
            (0x0006, Assigned, Some("ECDSA signing certificate, crypto suite 2")),
            (0x0007, Reserved, None),
            (0xefff, Reserved, None),
            (0xf000, Manufacturer, None),
            (0xffff, Manufacturer, None),
        ];
        for (tag, class, name) in expected {
            assert_eq!((Tag(tag).class(), Tag(tag).name()), (class, name), "{tag:#06x}");
        }
        let code = [&[3, 0, 16, 0, 0, 0][..], &[0x5a; 16]].concat();
        let read: Vec<_> = Elements::strict(&code, 56).unwrap().map(|at| at.element).collect();
        assert_eq!(read, [Element { tag: Tag::IMAGE_INTEGRITY_CODE, data: &[0x5a; 16] }]);
    }

    /// Also where its length is not that of its data.
    #[test]
    fn an_element_that_was_read_is_written_as_it_stood() {
        let element = |data| Element { tag: Tag(0xf000), data };
        for (at, bytes) in [
            (
                PlacedElement { offset: 56, length: 2, info: None, element: element(&[7, 8]) },
                &[0x00, 0xf0, 2, 0, 0, 0, 7, 8][..],
            ),
            (
                PlacedElement { offset: 56, length: 2, info: Some([0x01, 0x0c]), element: element(&[7, 8]) },
                &[0x00, 0xf0, 2, 0, 0, 0, 0x01, 0x0c, 7, 8],
            ),
            (
                PlacedElement { offset: 56, length: 9, info: None, element: element(&[7]) },
                &[0x00, 0xf0, 9, 0, 0, 0, 7],
            ),
        ] {
            let mut out = [0xee; 12];
            assert_eq!((at.encoded_len(), at.encode(&mut out)), (bytes.len(), Ok(bytes.len())));
            assert_eq!(out[..bytes.len()], *bytes);
        }
    }
}
