//! Sub-elements (section 6.3.3): a tag, a length and so many bytes, one after the other up to the end of the file.

use core::iter::FusedIterator;
use core::mem::size_of;

use zerocopy::little_endian::{U16, U32};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::codec::{Emit, Parsed, Sink, fail, fixed, locate};
use crate::error::{DecodeError, DecodeErrorKind, Item};
use crate::types::open_enum;

/// What stands before the data (table 11).
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct Head {
    tag: U16,
    length: U32,
}

const _: () = assert!(size_of::<Head>() == Element::HEAD_LEN);

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
pub struct Element<'a> {
    /// What the data is.
    pub tag: Tag,
    /// The data alone; may be empty. What a 32-bit length cannot count is not written;
    /// [`Writer`](super::Writer) refuses it.
    pub data: &'a [u8],
}

impl<'a> Element<'a> {
    /// Bytes of tag and length, before the data.
    pub const HEAD_LEN: usize = 6;

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
        let data = self.written_data();
        let length = u32::try_from(data.len()).unwrap_or(u32::MAX);
        out.bytes(Head { tag: self.tag.0.into(), length: length.into() }.as_bytes());
        out.bytes(data);
    }
}

/// Reads one element. One that runs past `input` is wrong as a whole, so the error stands at its tag.
fn element(input: &[u8]) -> Parsed<'_, Element<'_>> {
    let (rest, head) = fixed::<Head>(input)?;
    let (tag, length) = (head.tag.get(), head.length.get());
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    match rest.split_at_checked(length) {
        Some((data, rest)) => Ok((rest, Element { tag: Tag(tag), data })),
        None => {
            let by = length.saturating_sub(rest.len());
            fail(input, DecodeErrorKind::ElementOverrun { tag, by })
        }
    }
}

/// An element and its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ElementAt<'a> {
    /// Where its tag stands, in bytes from the first byte of the header.
    pub offset: usize,
    /// The element.
    pub element: Element<'a>,
}

impl ElementAt<'_> {
    /// Where its data starts, in bytes from the first byte of the header.
    #[must_use]
    pub const fn data_offset(&self) -> usize {
        self.offset.saturating_add(Element::HEAD_LEN)
    }
}

/// The elements of a body that they are known to tile exactly, in file order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Elements<'a> {
    rest: &'a [u8],
    offset: usize,
}

impl<'a> Elements<'a> {
    /// Walks `body`, whose first byte stands at `offset` of the file, once to its end.
    pub(super) fn new(body: &'a [u8], offset: usize) -> Result<Self, DecodeError> {
        let elements = Self { rest: body, offset };
        let mut walk = elements.clone();
        while walk.step()?.is_some() {}
        Ok(elements)
    }

    fn step(&mut self) -> Result<Option<ElementAt<'a>>, DecodeError> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let offset = self.offset;
        let (element, rest) = locate(Item::Elements, offset, self.rest, element(self.rest))?;
        *self = Self { rest, offset: offset.saturating_add(element.len()) };
        Ok(Some(ElementAt { offset, element }))
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = ElementAt<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        // Every step succeeded once, when this was made.
        self.step().ok().flatten()
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
        let read: Vec<_> = Elements::new(&bytes, 56).unwrap().collect();
        assert_eq!(read, [ElementAt { offset: 56, element }]);
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
        assert_eq!(Elements::new(&[], 56).unwrap().next(), None);
        let bytes = [0x07, 0xf0, 0, 0, 0, 0, 0x07, 0xf0, 0, 0, 0, 0];
        let mut elements = Elements::new(&bytes, 60).unwrap();
        let element = Element { tag: Tag(0xf007), data: &[] };
        assert_eq!(elements.next(), Some(ElementAt { offset: 60, element }));
        assert_eq!(elements.next(), Some(ElementAt { offset: 66, element }));
        assert_eq!(elements.next(), None);
        assert_eq!(elements.next(), None);
    }

    /// Shows: FILE-048
    #[test]
    fn an_element_that_runs_past_the_end_is_an_error() {
        let bytes = [0x03, 0xf0, 1, 0, 0, 0, 9, 0x34, 0x12, 3, 0, 0, 0, 1, 2];
        let error = Elements::new(&bytes, 56).unwrap_err();
        let kind = DecodeErrorKind::ElementOverrun { tag: 0x1234, by: 1 };
        assert_eq!(error, DecodeError { item: Item::Elements, offset: 63, kind });
        assert_eq!(
            error.to_string(),
            "sub-element, byte 63: element 0x1234 runs past the end of the image by 1 bytes"
        );
        let error = Elements::new(&[0, 0, 0xff, 0xff, 0xff, 0xff], 56).unwrap_err();
        assert_eq!(error.kind, DecodeErrorKind::ElementOverrun { tag: 0, by: 0xffff_ffff });
    }

    #[test]
    fn fewer_bytes_than_a_head_are_an_error() {
        let bytes = [0x03, 0xf0, 1, 0, 0, 0, 9, 0, 0, 0, 0, 0];
        for left in 1..6 {
            let error = Elements::new(&bytes[..7 + left], 56).unwrap_err();
            let kind = DecodeErrorKind::Truncated { needed: 6, present: left };
            assert_eq!(error, DecodeError { item: Item::Elements, offset: 63, kind });
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
        let read: Vec<_> = Elements::new(&code, 56).unwrap().map(|at| at.element).collect();
        assert_eq!(read, [Element { tag: Tag::IMAGE_INTEGRITY_CODE, data: &[0x5a; 16] }]);
    }
}
