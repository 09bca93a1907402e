//! Whole OTA file in memory, read strictly or leniently.
//!
//! Sections refer to ZigBee document 095264 (2011).
//!
//! ```text
//! | header | element | element | ... | raw remainder |     trailing
//! 0        header length                             total image size
//! ```

use super::header::{HeaderRules, HeaderView, check_header};
use super::header_body_split::Sections;
use super::{BodyLayout, Elements, FileHeader, PlacedElement, SignatureElement, Tag};
use crate::codec::{Emit, Sink};
use crate::error::{DecodeError, DecodeErrorKind};

/// OTA file in memory (section 6.3.1), borrowed from the bytes it was read from.
///
/// [`parse`](Self::parse) accepts only files that follow the specification exactly. A file may have several upgrade
/// image elements, elements of other tags only, or no element at all.
///
/// [`parse_lenient`](Self::parse_lenient) also accepts the irregular files that vendors ship. Each irregularity of a
/// file is reported by one of these methods: [`layout`](Self::layout), [`raw_remainder`](Self::raw_remainder),
/// [`trailing`](Self::trailing), [`missing`](Self::missing) and [`FileHeader::anomalies`]. No byte is lost:
/// [`Encode`](crate::Encode) writes exactly the bytes that were read.
///
/// ```
/// use zigbee_ota::file::{BodyLayout, FileHeader, Image};
/// use zigbee_ota::{Encode, ImageId};
///
/// // A body without elements, as some vendors ship it.
/// let header = FileHeader::new(ImageId::new(0x1001, 0x00ab, 5)).with_total_size(60);
/// let mut file = [0xe9; 60];
/// header.encode(&mut file)?;
///
/// assert!(Image::parse(&file).is_err());
/// let image = Image::parse_lenient(&file)?;
/// assert_eq!(image.layout(), BodyLayout::RawBody);
/// assert_eq!(image.raw_remainder().map(|raw| (raw.offset, raw.bytes)), Some((56, &[0xe9; 4][..])));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[doc(alias = "firmware")]
pub struct Image<'a> {
    header: HeaderView<'a>,
    sections: Sections<'a>,
    /// Offset of the first byte after header and elements.
    elements_end: usize,
    layout: BodyLayout,
}

/// Raw bytes at the end of a body, which cannot be read as an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct RawRemainder<'a> {
    /// Offset of the first byte that cannot be read as an element, in bytes from the first byte of the header.
    pub offset: usize,
    /// All bytes from `offset` to the end of the file; at least one byte.
    #[cfg_attr(feature = "serde", serde(borrow, with = "crate::serde_bytes"))]
    pub bytes: &'a [u8],
}

impl<'a> Image<'a> {
    /// Reads `bytes` strictly as exactly one file, whose elements fill its body.
    ///
    /// # Errors
    /// `Image::parse` returns the errors of [`parse_prefix`](Self::parse_prefix), and
    /// [`TrailingBytes`](DecodeErrorKind::TrailingBytes) if bytes follow the file. The offset of the error
    /// `TrailingBytes` is the total image size.
    // The function is always inlined, so that the image stays in registers. Inlining halves the number of instructions
    // of an iteration over the elements.
    #[inline(always)]
    pub fn parse(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let (header, sections) = Self::parse_sections(bytes)?;
        if !sections.trailing.is_empty() {
            let kind = DecodeErrorKind::TrailingBytes { count: sections.trailing.len() };
            return Err(DecodeError { item: "OTA file", offset: sections.file.len(), kind });
        }
        Ok(Self { header, sections, elements_end: sections.file.len(), layout: BodyLayout::Elements })
    }

    /// Reads the file at the start of `bytes` strictly. Returns the file, and the bytes that follow the file.
    ///
    /// # Errors
    /// `parse_prefix` returns the errors of [`SplitFile::parse`](super::SplitFile::parse) and of
    /// [`SplitFile::elements`](super::SplitFile::elements).
    pub fn parse_prefix(bytes: &'a [u8]) -> Result<(Self, &'a [u8]), DecodeError> {
        let (header, mut sections) = Self::parse_sections(bytes)?;
        let trailing = core::mem::take(&mut sections.trailing);
        let elements_end = sections.file.len();
        Ok((Self { header, sections, elements_end, layout: BodyLayout::Elements }, trailing))
    }

    /// Checks header and elements strictly. In `bytes`, trailing bytes may follow the OTA file.
    #[inline(always)]
    fn parse_sections(bytes: &'a [u8]) -> Result<(HeaderView<'a>, Sections<'a>), DecodeError> {
        let header = check_header(bytes, HeaderRules::STRICT)?;
        let sections = Sections::split_complete(&header, bytes)?;
        Elements::strict(sections.body, header.len().into())?;
        Ok((header, sections))
    }

    /// Reads the file at the start of `bytes` leniently. The returned image also contains the bytes that cannot be read
    /// as elements.
    ///
    /// If complete elements in the standard form fill the body exactly, `parse_lenient` reads all elements in the
    /// standard form. From the first offset at which the bytes are not an element, the rest of the body is
    /// [raw](Self::raw_remainder). If the data of an element with tag 0xF000, counted by its length field, ends exactly
    /// two bytes before the end of the file, `parse_lenient` reads the element in Telink's form, with two bytes between
    /// length and data.
    ///
    /// # Errors
    /// `Image::parse_lenient` returns the errors of [`FileHeader::parse_lenient`], because a file without a readable
    /// header cannot be read at all.
    pub fn parse_lenient(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let header = check_header(bytes, HeaderRules::LENIENT)?;
        let sections = Sections::split(&header, bytes);
        let mut image = Self { header, sections, elements_end: 0, layout: BodyLayout::Truncated };
        let mut elements = image.elements();
        // Only the last element can have Telink's form, because the form is recognised by the two bytes left at the end
        // of the file.
        let telink = elements.by_ref().last().is_some_and(|placed| placed.telink_info.is_some());
        image.elements_end = elements.offset();
        if image.missing() == 0 {
            image.layout = match (image.elements_end == image.bytes().len(), telink) {
                (true, false) => BodyLayout::Elements,
                (true, true) => BodyLayout::TelinkF000,
                (false, _) => BodyLayout::raw_from(image.elements_end, header.len().into()),
            };
        }
        Ok(image)
    }

    /// Returns the header of the file (section 6.3.2).
    #[must_use]
    #[inline(always)]
    pub fn header(&self) -> FileHeader<'a> {
        self.header.header()
    }

    /// Returns all bytes of the file, header and body, as a server sends them. For a truncated file, returns the bytes
    /// that are present.
    #[must_use]
    pub const fn bytes(&self) -> &'a [u8] {
        self.sections.file
    }

    /// Returns all elements in file order, each with its offset.
    #[must_use]
    #[inline]
    pub fn elements(&self) -> Elements<'a> {
        Elements::lenient(self.sections.body, self.header.len().into(), self.missing())
    }

    /// Returns all elements with the tag `tag`, in file order. A file may have several elements with the same tag.
    pub fn find(&self, tag: Tag) -> impl Iterator<Item = PlacedElement<'a>> + use<'a> {
        self.elements().filter(move |placed| placed.element.tag == tag)
    }

    /// Returns whether the file has a signature element, of either crypto suite. `is_signed` does not verify the
    /// signature.
    ///
    /// Only the elements show whether a file is signed, because the header has no bit for a signature (section
    /// 6.3.2.4).
    #[must_use]
    pub fn is_signed(&self) -> bool {
        self.elements().any(|placed| placed.element.tag.is_signature())
    }

    /// Returns the signature element of the file, or `None` if the file has no signature.
    ///
    /// # Errors
    /// `Image::signature` returns the errors of [`SignatureElement::parse`], and
    /// [`SignatureNotLast`](DecodeErrorKind::SignatureNotLast) if any element, even a second signature, follows the
    /// first signature element (section 6.3.5). The offset in the error `SignatureNotLast` is the offset of the first
    /// signature element.
    pub fn signature(&self) -> Result<Option<SignatureElement<'a>>, DecodeError> {
        let mut elements = self.elements();
        let Some(placed) = elements.find(|placed| placed.element.tag.is_signature()) else { return Ok(None) };
        if elements.next().is_some() {
            let kind = DecodeErrorKind::SignatureNotLast;
            return Err(DecodeError { item: "signature element", offset: placed.offset, kind });
        }
        SignatureElement::parse(&placed)
    }

    /// Returns the layout of the body. For an image from [`parse`](Self::parse) or
    /// [`parse_prefix`](Self::parse_prefix), the layout is always [`BodyLayout::Elements`].
    #[must_use]
    pub const fn layout(&self) -> BodyLayout {
        self.layout
    }

    /// Returns the raw bytes after the elements of the body, or `None` if no raw bytes follow the elements. For an
    /// image from [`parse`](Self::parse) or [`parse_prefix`](Self::parse_prefix), `raw_remainder` is always `None`.
    #[must_use]
    pub fn raw_remainder(&self) -> Option<RawRemainder<'a>> {
        let bytes = self.bytes().get(self.elements_end..).filter(|bytes| !bytes.is_empty())?;
        Some(RawRemainder { offset: self.elements_end, bytes })
    }

    /// Returns the bytes after the total image size, which are not part of the file (section 6.3.2.10). For an image
    /// from [`parse`](Self::parse) or [`parse_prefix`](Self::parse_prefix), `trailing` is always empty.
    #[must_use]
    pub const fn trailing(&self) -> &'a [u8] {
        self.sections.trailing
    }

    /// Returns the number of bytes by which the file in memory is shorter than its total image size. `missing` is 0
    /// unless the layout of the body is [`Truncated`](BodyLayout::Truncated).
    #[must_use]
    #[inline]
    pub fn missing(&self) -> usize {
        let total = usize::try_from(self.header.total_size()).unwrap_or(usize::MAX);
        total.saturating_sub(self.bytes().len())
    }
}

/// Writes header, elements, raw remainder and trailing bytes of the image, exactly as they were read.
impl Emit for Image<'_> {
    fn len(&self) -> usize {
        self.bytes().len().saturating_add(self.trailing().len())
    }

    fn emit(&self, out: &mut Sink<'_>) {
        self.header().emit(out);
        self.elements().for_each(|placed| placed.emit(out));
        if let Some(RawRemainder { bytes, .. }) = self.raw_remainder() {
            out.bytes(bytes);
        }
        out.bytes(self.trailing());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Encode;
    use crate::file::{Element, FileWriter, HeaderControl, SplitFile};
    use crate::types::ImageId;
    use std::vec::Vec;

    const HEADER: FileHeader<'static> = FileHeader::new(ImageId::new(0x1001, 0x00ab, 0x1005_3519));

    fn written(header: FileHeader<'_>, elements: &[Element<'_>]) -> Vec<u8> {
        let writer = FileWriter::new(header, elements).unwrap();
        let mut file = std::vec![0; writer.encoded_len()];
        writer.encode(&mut file).unwrap();
        file
    }

    const fn element(tag: u16, data: &[u8]) -> Element<'_> {
        Element { tag: Tag(tag), data }
    }

    /// An element in the standard form.
    fn at(offset: usize, element: Element<'_>) -> PlacedElement<'_> {
        let length = u32::try_from(element.data.len()).unwrap();
        PlacedElement { offset, length, telink_info: None, element }
    }

    /// Shows: FILE-001, FILE-050
    #[test]
    fn elements_follow_the_header_without_gaps() {
        let elements = [element(0, &[1, 2, 3]), element(0xcdef, &[4]), element(0xf000, &[])];
        let file = written(HEADER, &elements);
        let image = Image::parse(&file).unwrap();
        let mut end = image.header().header_len();
        for (placed, element) in image.elements().zip(elements) {
            assert_eq!((placed.offset, placed.element), (end, element));
            assert_eq!(file[placed.data_offset()..][..element.data.len()], *element.data);
            end = placed.data_offset() + element.data.len();
        }
        assert_eq!(image.elements().count(), 3);
        assert_eq!(u32::try_from(end), Ok(image.header().total_size));
        assert_eq!(image.bytes(), file);
        let elements: Vec<_> = image.elements().map(|placed| placed.element).collect();
        assert_eq!(written(image.header(), &elements), file);
    }

    /// Shows: FILE-002
    #[test]
    fn the_header_does_not_describe_the_elements() {
        let one = written(HEADER, &[element(0, &[0; 14])]);
        let two = written(HEADER, &[element(0, &[0; 4]), element(1, &[0; 4])]);
        assert_eq!(one[..56], two[..56]);
        let tags = |file: &[u8]| -> Vec<_> {
            Image::parse(file)
                .unwrap()
                .elements()
                .map(|placed| (placed.element.tag.0, placed.element.data.len()))
                .collect()
        };
        assert_eq!(tags(&one), [(0, 14)]);
        assert_eq!(tags(&two), [(0, 4), (1, 4)]);
    }

    /// Shows: FILE-022
    #[test]
    fn only_the_elements_show_that_a_file_is_signed() {
        for (tag, signed) in
            [(0x0000, false), (0x0001, true), (0x0002, false), (0x0005, true), (0xf001, false)]
        {
            let file = written(HEADER, &[element(0xf000, &[]), element(tag, &[0; 50])]);
            let image = Image::parse(&file).unwrap();
            assert_eq!(image.header().control(), HeaderControl::EMPTY);
            assert_eq!(image.is_signed(), signed, "{tag:#06x}");
        }
    }

    /// Shows: FILE-054
    #[test]
    fn a_repeated_tag_is_found_each_time_in_file_order() {
        let elements = [element(0, &[1]), element(0xf000, &[2]), element(0, &[3])];
        let file = written(HEADER, &elements);
        let found: Vec<_> = Image::parse(&file).unwrap().find(Tag::UPGRADE_IMAGE).collect();
        assert_eq!(found, [at(56, elements[0]), at(70, elements[2])]);
    }

    /// Shows: FILE-053
    #[test]
    fn manufacturers_may_add_many_elements() {
        let data: Vec<u8> = (0..60).collect();
        let elements: Vec<_> = (0..60).map(|i| element(0xf100 + u16::from(data[i]), &data[..i])).collect();
        let file = written(HEADER, &elements);
        assert!(Image::parse(&file).unwrap().elements().map(|placed| placed.element).eq(elements));
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
        let header = FileHeader { extra: &[1, 2, 3, 4, 5, 6, 7], ..HEADER };
        let file = written(header, &[element(0, &[9])]);
        assert_eq!(file[56..63], [1, 2, 3, 4, 5, 6, 7]);
        let image = Image::parse(&file).unwrap();
        assert_eq!(image.header().extra, header.extra);
        assert_eq!(image.elements().next(), Some(at(63, element(0, &[9]))));
        assert_eq!(written(image.header(), &[element(0, &[9])]), file);
    }

    #[test]
    fn the_debug_form_shows_the_header() {
        let file = written(HEADER, &[]);
        let image = Image::parse(&file).unwrap();
        let header = std::format!("{:?}", image.header());
        assert!(header.contains("0x10053519") && std::format!("{image:?}").contains(&header), "{image:?}");
    }

    #[test]
    fn another_file_may_follow_a_prefix_only() {
        let file = written(HEADER, &[element(0, &[9])]);
        let two = file.repeat(2);
        let (image, rest) = Image::parse_prefix(&two).unwrap();
        assert_eq!((image.bytes(), rest), (&file[..], &file[..]));
        let error = Image::parse(&two).unwrap_err();
        let kind = DecodeErrorKind::TrailingBytes { count: file.len() };
        assert_eq!(error, DecodeError { item: "OTA file", offset: file.len(), kind });
    }

    /// A file with a header and the body `body`. The total image size counts the header, the body and `missing` more
    /// bytes, which are not present.
    fn shipped(body: &[u8], missing: usize) -> Vec<u8> {
        let total_size = u32::try_from(56 + body.len() + missing).unwrap();
        let mut header = [0; 56];
        FileHeader { total_size, ..HEADER }.encode(&mut header).unwrap();
        [&header, body].concat()
    }

    /// Result of the lenient parse: layout, elements, and the offset of the raw remainder.
    fn lenient(file: &[u8]) -> (BodyLayout, Vec<PlacedElement<'_>>, Option<usize>) {
        let image = Image::parse_lenient(file).unwrap();
        let mut out = std::vec![0; image.encoded_len()];
        assert_eq!(image.encode(&mut out), Ok(file.len()));
        assert_eq!(out, file, "no byte is lost");
        assert!(image.raw_remainder().is_none_or(|rest| rest.bytes == &image.bytes()[rest.offset..]));
        (image.layout(), image.elements().collect(), image.raw_remainder().map(|rest| rest.offset))
    }

    /// Shows: FILE-069
    #[test]
    fn telink_form_is_tag_f000_with_two_bytes_left_over() {
        let telink = [0x00, 0xf0, 3, 0, 0, 0, 0x01, 0x0c, 7, 8, 9];
        let file = shipped(&telink, 0);
        let read = PlacedElement { telink_info: Some([0x01, 0x0c]), ..at(56, element(0xf000, &[7, 8, 9])) };
        assert_eq!(read.data_offset(), 64);
        assert_eq!(lenient(&file), (BodyLayout::TelinkF000, std::vec![read], None));
        let error = Image::parse(&file).unwrap_err();
        let kind = DecodeErrorKind::Truncated { needed: 6, present: 2 };
        assert_eq!(error, DecodeError { item: "sub-element", offset: 65, kind });
        assert_eq!(SplitFile::parse(&file).unwrap().elements(), Err(error));

        // The standard form comes first: the tag alone is not enough for Telink's form.
        let plain = shipped(&[0x00, 0xf0, 3, 0, 0, 0, 7, 8, 9], 0);
        let read = at(56, element(0xf000, &[7, 8, 9]));
        assert_eq!(lenient(&plain), (BodyLayout::Elements, std::vec![read], None));
        // Neither another tag with two bytes left over nor this tag with three is read in Telink's form.
        let other = shipped(&[0x01, 0xf0, 1, 0, 0, 0, 7, 8, 9], 0);
        let read = at(56, element(0xf001, &[7]));
        assert_eq!(lenient(&other), (BodyLayout::ElementsThenRaw, std::vec![read], Some(63)));
        let padded = shipped(&[0x00, 0xf0, 1, 0, 0, 0, 7, 8, 9, 0], 0);
        let read = at(56, element(0xf000, &[7]));
        assert_eq!(lenient(&padded), (BodyLayout::ElementsThenRaw, std::vec![read], Some(63)));
    }

    /// Shows: FILE-049
    #[test]
    fn too_few_bytes_for_an_element_are_padding_or_an_error() {
        for count in 1..6 {
            let file = shipped(&[&[1, 0, 1, 0, 0, 0, 7][..], &[0; 5][..count]].concat(), 0);
            let read = std::vec![at(56, element(1, &[7]))];
            assert_eq!(lenient(&file), (BodyLayout::ElementsThenRaw, read, Some(63)));
            let kind = DecodeErrorKind::Truncated { needed: 6, present: count };
            assert_eq!(Image::parse(&file), Err(DecodeError { item: "sub-element", offset: 63, kind }));
        }
    }

    #[test]
    fn a_body_without_elements_is_raw() {
        let raw = shipped(&[0x2a, 0x00, 0x01, 0x0d, 0xff, 0xff, 0x01], 0);
        assert_eq!(lenient(&raw), (BodyLayout::RawBody, Vec::new(), Some(56)));
        let both = shipped(&[0, 0, 1, 0, 0, 0, 7, 0x0c, 0x94, 0xff, 0xff, 0xff, 0xff], 0);
        let read = std::vec![at(56, element(0, &[7]))];
        assert_eq!(lenient(&both), (BodyLayout::ElementsThenRaw, read, Some(63)));
        assert_eq!(lenient(&shipped(&[], 0)), (BodyLayout::Elements, Vec::new(), None));
    }

    #[test]
    fn a_truncated_file_can_be_inspected_and_is_never_served() {
        let body = [1, 0xf0, 1, 0, 0, 0, 7, 0, 0, 4, 0, 0, 0, 8, 9];
        let first = at(56, element(0xf001, &[7]));
        let cut = PlacedElement { length: 4, ..at(63, element(0, &[8, 9])) };
        let file = shipped(&body, 2);
        assert_eq!(lenient(&file), (BodyLayout::Truncated, std::vec![first, cut], None));
        assert_eq!(Image::parse_lenient(&file).unwrap().missing(), 2);
        assert!(SplitFile::parse(&file).is_err());
        // Cut in the middle of tag and length.
        let file = shipped(&body[..9], 8);
        assert_eq!(lenient(&file), (BodyLayout::Truncated, std::vec![first], Some(63)));
        // The length shows Telink's form even when data is missing.
        let file = shipped(&[0x00, 0xf0, 3, 0, 0, 0, 0x01, 0x0c, 7], 2);
        let read =
            PlacedElement { telink_info: Some([0x01, 0x0c]), length: 3, ..at(56, element(0xf000, &[7])) };
        assert_eq!(lenient(&file), (BodyLayout::Truncated, std::vec![read], None));
        let file = shipped(&[0x00, 0xf0, 3, 0, 0, 0, 0x01], 4);
        assert_eq!(lenient(&file), (BodyLayout::Truncated, Vec::new(), Some(56)));
    }

    #[test]
    fn bytes_after_the_file_are_trailing() {
        let file = [shipped(&[0, 0, 1, 0, 0, 0, 7], 0), std::vec![0xee; 4]].concat();
        let image = Image::parse_lenient(&file).unwrap();
        assert_eq!(
            (image.layout(), image.trailing(), image.missing()),
            (BodyLayout::Elements, &[0xee; 4][..], 0)
        );
        assert_eq!(image.bytes(), &file[..63]);
        assert_eq!(lenient(&file).0, BodyLayout::Elements);
    }
}
