//! A whole file in memory, read by the letter.

use super::{ElementAt, Elements, Header, Parts, Tag};
use crate::error::{DecodeError, DecodeErrorKind, Item};

/// An OTA file whose elements tile the body exactly (section 6.3.1).
///
/// Holds nothing but references into the bytes it was read from. A file without an upgrade image, with several, or
/// without any element is a file too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image<'a> {
    header: Header<'a>,
    bytes: &'a [u8],
    elements: Elements<'a>,
}

impl<'a> Image<'a> {
    /// Reads `bytes` as exactly one file.
    ///
    /// # Errors
    /// Those of [`parse_prefix`](Self::parse_prefix), and
    /// [`TrailingBytes`](DecodeErrorKind::TrailingBytes) at the total image size when more bytes follow.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        match Self::parse_prefix(bytes)? {
            (image, []) => Ok(image),
            (image, rest) => {
                let kind = DecodeErrorKind::TrailingBytes { count: rest.len() };
                Err(DecodeError { item: Item::File, offset: image.bytes.len(), kind })
            }
        }
    }

    /// Reads the file that starts at the first of `bytes`; returns it and the bytes after its total image size.
    ///
    /// # Errors
    /// Those of [`Parts::parse`], then those of [`Parts::elements`].
    pub fn parse_prefix(bytes: &'a [u8]) -> Result<(Self, &'a [u8]), DecodeError> {
        let parts = Parts::parse(bytes)?;
        let elements = parts.elements()?;
        Ok((Self { header: parts.header, bytes: parts.file, elements }, parts.after))
    }

    /// The header.
    #[must_use]
    pub const fn header(&self) -> &Header<'a> {
        &self.header
    }

    /// All bytes of the file, header and elements: what is moved over the air.
    #[must_use]
    pub const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// All elements in file order, each with its place.
    #[must_use]
    pub fn elements(&self) -> Elements<'a> {
        self.elements.clone()
    }

    /// All elements with this tag, in file order: a tag may be repeated.
    pub fn find(&self, tag: Tag) -> impl Iterator<Item = ElementAt<'a>> + use<'a> {
        self.elements().filter(move |at| at.element.tag == tag)
    }

    /// Whether there is a signature element, of either crypto suite; no bit of the header tells. Whether the
    /// signature is right is another question.
    #[must_use]
    pub fn is_signed(&self) -> bool {
        let signatures = [Tag::ECDSA_SIGNATURE, Tag::ECDSA_SIGNATURE_2];
        self.elements().any(|at| signatures.contains(&at.element.tag))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Encode;
    use crate::file::{Element, HeaderControl, Writer};
    use crate::types::ImageId;
    use std::vec::Vec;

    const HEADER: Header<'static> = Header::new(ImageId::new(0x1001, 0x00ab, 0x1005_3519));

    fn written(header: Header<'_>, elements: &[Element<'_>]) -> Vec<u8> {
        let writer = Writer::new(header, elements).unwrap();
        let mut file = std::vec![0; writer.encoded_len()];
        writer.encode(&mut file).unwrap();
        file
    }

    const fn element(tag: u16, data: &[u8]) -> Element<'_> {
        Element { tag: Tag(tag), data }
    }

    /// Shows: FILE-001, FILE-050
    #[test]
    fn elements_follow_the_header_without_gaps() {
        let elements = [element(0, &[1, 2, 3]), element(0xcdef, &[4]), element(0xf000, &[])];
        let file = written(HEADER, &elements);
        let image = Image::parse(&file).unwrap();
        let mut end = image.header().header_len();
        for (at, element) in image.elements().zip(elements) {
            assert_eq!((at.offset, at.element), (end, element));
            assert_eq!(file[at.data_offset()..][..element.data.len()], *element.data);
            end = at.data_offset() + element.data.len();
        }
        assert_eq!(image.elements().count(), 3);
        assert_eq!(u32::try_from(end), Ok(image.header().total_size));
        assert_eq!(image.bytes(), file);
        let again: Vec<_> = image.elements().map(|at| at.element).collect();
        assert_eq!(written(*image.header(), &again), file);
    }

    /// Shows: FILE-002
    #[test]
    fn the_header_says_nothing_about_the_elements() {
        let one = written(HEADER, &[element(0, &[0; 14])]);
        let two = written(HEADER, &[element(0, &[0; 4]), element(1, &[0; 4])]);
        assert_eq!(one[..56], two[..56]);
        let tags = |file: &[u8]| -> Vec<_> {
            Image::parse(file)
                .unwrap()
                .elements()
                .map(|at| (at.element.tag.0, at.element.data.len()))
                .collect()
        };
        assert_eq!(tags(&one), [(0, 14)]);
        assert_eq!(tags(&two), [(0, 4), (1, 4)]);
    }

    /// Shows: FILE-022
    #[test]
    fn only_the_elements_tell_that_a_file_is_signed() {
        for (tag, signed) in
            [(0x0000, false), (0x0001, true), (0x0002, false), (0x0005, true), (0xf001, false)]
        {
            let file = written(HEADER, &[element(0xf000, &[]), element(tag, &[0; 50])]);
            let image = Image::parse(&file).unwrap();
            assert_eq!(image.header().control(), HeaderControl::empty());
            assert_eq!(image.is_signed(), signed, "{tag:#06x}");
        }
    }

    /// Shows: FILE-054
    #[test]
    fn a_repeated_tag_is_found_each_time_in_file_order() {
        let elements = [element(0, &[1]), element(0xf000, &[2]), element(0, &[3])];
        let file = written(HEADER, &elements);
        let found: Vec<_> = Image::parse(&file).unwrap().find(Tag::UPGRADE_IMAGE).collect();
        assert_eq!(
            found,
            [ElementAt { offset: 56, element: elements[0] }, ElementAt { offset: 70, element: elements[2] }]
        );
    }

    /// Shows: FILE-053
    #[test]
    fn manufacturers_may_add_many_elements() {
        let data: Vec<u8> = (0..60).collect();
        let elements: Vec<_> = (0..60).map(|i| element(0xf100 + u16::from(data[i]), &data[..i])).collect();
        let file = written(HEADER, &elements);
        assert!(Image::parse(&file).unwrap().elements().map(|at| at.element).eq(elements));
    }

    /// Shows: FILE-055
    #[test]
    fn a_header_alone_is_a_file() {
        let file = written(HEADER, &[]);
        let image = Image::parse(&file).unwrap();
        assert_eq!(image.header().total_size, 56);
        assert_eq!(image.elements().next(), None);
        let other = written(HEADER, &[element(0xf001, &[1])]);
        assert_eq!(Image::parse(&other).unwrap().find(Tag::UPGRADE_IMAGE).next(), None);
    }

    /// Shows: FILE-014
    #[test]
    fn elements_stand_after_bytes_of_later_header_versions() {
        let header = Header { extra: &[1, 2, 3, 4, 5, 6, 7], ..HEADER };
        let file = written(header, &[element(0, &[9])]);
        assert_eq!(file[56..63], [1, 2, 3, 4, 5, 6, 7]);
        let image = Image::parse(&file).unwrap();
        assert_eq!(image.header().extra, header.extra);
        assert_eq!(image.elements().next(), Some(ElementAt { offset: 63, element: element(0, &[9]) }));
        assert_eq!(written(*image.header(), &[element(0, &[9])]), file);
    }

    #[test]
    fn another_file_may_follow_a_prefix_only() {
        let file = written(HEADER, &[element(0, &[9])]);
        let two = file.repeat(2);
        let (image, rest) = Image::parse_prefix(&two).unwrap();
        assert_eq!((image.bytes(), rest), (&file[..], &file[..]));
        let error = Image::parse(&two).unwrap_err();
        let kind = DecodeErrorKind::TrailingBytes { count: file.len() };
        assert_eq!(error, DecodeError { item: Item::File, offset: file.len(), kind });
    }
}
