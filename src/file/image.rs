//! A whole file in memory: by the letter, or as it comes.
//!
//! ```text
//! | header | element | element | ... | raw bytes |     after
//! 0        header length             rest        total image size
//! ```

use super::header::{self, Known, Reading};
use super::split::Cut;
use super::{BodyLayout, Elements, FileHeader, PlacedElement, Tag};
use crate::codec::{Emit, Sink};
use crate::error::{DecodeError, DecodeErrorKind};

/// An OTA file (section 6.3.1).
///
/// Holds nothing but references into the bytes it was read from. A file without an upgrade image, with several, or
/// without any element is a file too.
///
/// [`parse`](Self::parse) takes only what follows the letter. [`parse_lenient`](Self::parse_lenient) takes what vendors
/// ship, and every irregularity is a value here: [`layout`](Self::layout), [`rest`](Self::raw_remainder),
/// [`after`](Self::after), [`missing`](Self::missing), and [`FileHeader::anomalies`] of the header. No byte is lost: what
/// was read is written again, bit by bit, by [`Encode`](crate::Encode).
///
/// ```
/// use zigbee_ota::file::{FileHeader, Image, BodyLayout};
/// use zigbee_ota::{Encode, ImageId};
///
/// // A body that is no elements, as some vendors ship it.
/// let header = FileHeader { total_size: 60, ..FileHeader::new(ImageId::new(0x1001, 0x00ab, 5)) };
/// let mut file = [0xe9; 60];
/// header.encode(&mut file)?;
///
/// assert!(Image::parse(&file).is_err());
/// let image = Image::parse_lenient(&file)?;
/// assert_eq!(image.layout(), BodyLayout::RawBody);
/// assert_eq!(image.raw_remainder().map(|rest| (rest.offset, rest.bytes)), Some((56, &[0xe9; 4][..])));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image<'a> {
    known: Known<'a>,
    /// Of a truncated file, `file` is what is present.
    cut: Cut<'a>,
    /// Bytes of the file that are header or elements.
    read: usize,
    layout: BodyLayout,
}

/// Raw bytes in the body of a file that are no element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct RawRemainder<'a> {
    /// Where they start, in bytes from the first byte of the header.
    pub offset: usize,
    /// All bytes from there to the end of the file; never none.
    #[cfg_attr(feature = "serde", serde(borrow, with = "crate::serde_bytes"))]
    pub bytes: &'a [u8],
}

impl<'a> Image<'a> {
    /// Reads `bytes` as exactly one file, whose elements tile it.
    ///
    /// # Errors
    /// Those of [`parse_prefix`](Self::parse_prefix), and
    /// [`TrailingBytes`](DecodeErrorKind::TrailingBytes) at the total image size when more bytes follow.
    #[inline]
    pub fn parse(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let (known, cut) = Self::by_the_letter(bytes)?;
        if !cut.after.is_empty() {
            let kind = DecodeErrorKind::TrailingBytes { count: cut.after.len() };
            return Err(DecodeError { item: "OTA file", offset: cut.file.len(), kind });
        }
        Ok(Self { known, cut, read: cut.file.len(), layout: BodyLayout::Elements })
    }

    /// Reads the file that starts at the first of `bytes`, and whose elements tile it; returns it and the bytes after
    /// its total image size.
    ///
    /// # Errors
    /// Those of [`SplitFile::parse`](super::SplitFile::parse), then those of [`SplitFile::elements`](super::SplitFile::elements).
    pub fn parse_prefix(bytes: &'a [u8]) -> Result<(Self, &'a [u8]), DecodeError> {
        let (known, mut cut) = Self::by_the_letter(bytes)?;
        let after = core::mem::take(&mut cut.after);
        Ok((Self { known, cut, read: cut.file.len(), layout: BodyLayout::Elements }, after))
    }

    #[inline]
    fn by_the_letter(bytes: &'a [u8]) -> Result<(Known<'a>, Cut<'a>), DecodeError> {
        let known = header::known(bytes, Reading::STRICT)?;
        let cut = Cut::whole(&known, bytes)?;
        Elements::strict(cut.body, known.len().into())?;
        Ok((known, cut))
    }

    /// Reads the file that starts at the first of `bytes` as far as it can be read, and keeps what cannot.
    ///
    /// What can be read two ways is read by the letter first. From the first place on where no element fits, the body
    /// is [raw](Self::raw_remainder). One that has tag 0xF000 and leaves exactly two bytes over is read in Telink's form.
    ///
    /// # Errors
    /// Those of [`FileHeader::parse_lenient`]: without a header nothing else can be told.
    pub fn parse_lenient(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let known = header::known(bytes, Reading::LENIENT)?;
        let cut = Cut::lenient(&known, bytes);
        let mut image = Self { known, cut, read: 0, layout: BodyLayout::Truncated };
        let mut walk = image.elements();
        // Telink's bytes are told by where the file ends, so only the last element has them.
        let telink = walk.by_ref().last().is_some_and(|at| at.info.is_some());
        image.read = walk.offset();
        if image.missing() == 0 {
            image.layout = match (image.read == image.bytes().len(), telink) {
                (true, false) => BodyLayout::Elements,
                (true, true) => BodyLayout::TelinkF000,
                (false, _) => BodyLayout::raw_from(image.read, known.len().into()),
            };
        }
        Ok(image)
    }

    /// The header, with the fields that field control tells (section 6.3.2).
    #[must_use]
    #[inline]
    pub fn header(&self) -> FileHeader<'a> {
        self.known.header()
    }

    /// All bytes of the file, header and body: what is moved over the air. Of a truncated file, what is present.
    #[must_use]
    pub const fn bytes(&self) -> &'a [u8] {
        self.cut.file
    }

    /// All elements in file order, each with its place.
    #[must_use]
    pub fn elements(&self) -> Elements<'a> {
        Elements::lenient(self.cut.body, self.known.len().into(), self.missing())
    }

    /// All elements with this tag, in file order: a tag may be repeated.
    pub fn find(&self, tag: Tag) -> impl Iterator<Item = PlacedElement<'a>> + use<'a> {
        self.elements().filter(move |at| at.element.tag == tag)
    }

    /// Whether there is a signature element, of either crypto suite; no bit of the header tells. Whether the
    /// signature is right is another question.
    #[must_use]
    pub fn is_signed(&self) -> bool {
        self.elements().any(|at| at.element.tag.is_signature())
    }

    /// How the body is laid out; [`BodyLayout::Elements`] from the strict readings.
    #[must_use]
    pub const fn layout(&self) -> BodyLayout {
        self.layout
    }

    /// The raw bytes of the body after its elements; none from the strict readings.
    #[must_use]
    pub fn raw_remainder(&self) -> Option<RawRemainder<'a>> {
        let bytes = self.bytes().get(self.read..).filter(|bytes| !bytes.is_empty())?;
        Some(RawRemainder { offset: self.read, bytes })
    }

    /// Bytes after the total image size; no part of the image (section 6.3.2.10). None from the strict readings.
    #[must_use]
    pub const fn after(&self) -> &'a [u8] {
        self.cut.after
    }

    /// Bytes by which the file is shorter than its total image size; 0 unless [truncated](BodyLayout::Truncated).
    #[must_use]
    pub fn missing(&self) -> usize {
        let total = usize::try_from(self.known.total()).unwrap_or(usize::MAX);
        total.saturating_sub(self.bytes().len())
    }
}

/// Header, elements, the rest and what follows the file: the bytes that were read.
impl Emit for Image<'_> {
    fn len(&self) -> usize {
        self.bytes().len().saturating_add(self.after().len())
    }

    fn emit(&self, out: &mut Sink<'_>) {
        self.header().emit(out);
        self.elements().for_each(|at| at.emit(out));
        if let Some(RawRemainder { bytes, .. }) = self.raw_remainder() {
            out.bytes(bytes);
        }
        out.bytes(self.after());
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

    /// An element by the letter.
    fn at(offset: usize, element: Element<'_>) -> PlacedElement<'_> {
        let length = u32::try_from(element.data.len()).unwrap();
        PlacedElement { offset, length, info: None, element }
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
        assert_eq!(written(image.header(), &again), file);
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
        assert_eq!(found, [at(56, elements[0]), at(70, elements[2])]);
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

    /// A header and a body, which the total size counts together with `missing` bytes that are not there.
    fn shipped(body: &[u8], missing: usize) -> Vec<u8> {
        let total_size = u32::try_from(56 + body.len() + missing).unwrap();
        let mut header = [0; 56];
        FileHeader { total_size, ..HEADER }.encode(&mut header).unwrap();
        [&header, body].concat()
    }

    /// What the lenient reading finds: layout, elements, and where raw bytes start.
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
    fn telinks_form_is_tag_f000_with_two_bytes_left_over() {
        let telink = [0x00, 0xf0, 3, 0, 0, 0, 0x01, 0x0c, 7, 8, 9];
        let file = shipped(&telink, 0);
        let read = PlacedElement { info: Some([0x01, 0x0c]), ..at(56, element(0xf000, &[7, 8, 9])) };
        assert_eq!(read.data_offset(), 64);
        assert_eq!(lenient(&file), (BodyLayout::TelinkF000, std::vec![read], None));
        let error = Image::parse(&file).unwrap_err();
        let kind = DecodeErrorKind::Truncated { needed: 6, present: 2 };
        assert_eq!(error, DecodeError { item: "sub-element", offset: 65, kind });
        assert_eq!(SplitFile::parse(&file).unwrap().elements(), Err(error));

        // By the letter first: the tag alone means nothing.
        let plain = shipped(&[0x00, 0xf0, 3, 0, 0, 0, 7, 8, 9], 0);
        let read = at(56, element(0xf000, &[7, 8, 9]));
        assert_eq!(lenient(&plain), (BodyLayout::Elements, std::vec![read], None));
        // Another tag with two bytes left over, or this one with other numbers of them, is no reason to guess.
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
    fn a_truncated_file_can_be_looked_at() {
        let body = [1, 0xf0, 1, 0, 0, 0, 7, 0, 0, 4, 0, 0, 0, 8, 9];
        let first = at(56, element(0xf001, &[7]));
        let cut = PlacedElement { length: 4, ..at(63, element(0, &[8, 9])) };
        let file = shipped(&body, 2);
        assert_eq!(lenient(&file), (BodyLayout::Truncated, std::vec![first, cut], None));
        assert_eq!(Image::parse_lenient(&file).unwrap().missing(), 2);
        assert!(SplitFile::parse(&file).is_err(), "and never served");
        // In the middle of a head.
        let file = shipped(&body[..9], 8);
        assert_eq!(lenient(&file), (BodyLayout::Truncated, std::vec![first], Some(63)));
        // Telink's form shows by its length, before its data is there.
        let file = shipped(&[0x00, 0xf0, 3, 0, 0, 0, 0x01, 0x0c, 7], 2);
        let read = PlacedElement { info: Some([0x01, 0x0c]), length: 3, ..at(56, element(0xf000, &[7])) };
        assert_eq!(lenient(&file), (BodyLayout::Truncated, std::vec![read], None));
        let file = shipped(&[0x00, 0xf0, 3, 0, 0, 0, 0x01], 4);
        assert_eq!(lenient(&file), (BodyLayout::Truncated, Vec::new(), Some(56)));
    }

    #[test]
    fn bytes_after_the_file_are_kept_apart() {
        let file = [shipped(&[0, 0, 1, 0, 0, 0, 7], 0), std::vec![0xee; 4]].concat();
        let image = Image::parse_lenient(&file).unwrap();
        assert_eq!(
            (image.layout(), image.after(), image.missing()),
            (BodyLayout::Elements, &[0xee; 4][..], 0)
        );
        assert_eq!(image.bytes(), &file[..63]);
        assert_eq!(lenient(&file).0, BodyLayout::Elements);
    }
}
