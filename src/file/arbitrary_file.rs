//! Generator of OTA files in every body layout, for property tests and fuzzing.
//!
//! ```text
//! header: any fields, extra bytes     body: one end of each BodyLayout     trailing: any bytes after the total image size
//! ```

use alloc::vec::Vec;

use super::element::is_telink_form;
use super::{BodyLayout, Element, FileHeader, Tag};
use crate::codec::Encode;

/// Generated OTA file, with the header, the elements and the body layout that
/// [`Image::parse_lenient`](super::Image::parse_lenient) must find in the file.
///
/// With the feature `arbitrary`, the trait of the crate `arbitrary` generates an `ArbitraryFile`. With the feature
/// `proptest`, `any::<ArbitraryFile>()` generates an `ArbitraryFile`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArbitraryFile {
    /// Header of the generated file. The extra bytes of the header are in `extra`, and `to_bytes` computes the total
    /// image size.
    header: FileHeader<'static>,
    extra: Vec<u8>,
    /// Complete elements at the start of the body.
    elements: Vec<(Tag, Vec<u8>)>,
    end: BodyEnd,
    /// Trailing bytes, which follow the file; a truncated file has no trailing bytes.
    trailing: Vec<u8>,
}

/// End of a generated body, after its complete elements.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
enum BodyEnd {
    /// The body ends after its complete elements.
    Elements,
    /// The body ends with an element with tag 0xF000. The element with tag 0xF000 has two bytes between its length
    /// field and its data, which the length field does not count.
    Telink([u8; 2], Vec<u8>),
    /// The body ends with bytes that look like an element far longer than the file.
    Raw(Tag, Vec<u8>),
    /// The body ends with 1 to 5 zeros, which are too few for an element.
    Padding(u8),
    /// The body ends in the middle of an element, because the file is truncated. The fields of `Truncated` are the tag
    /// of the incomplete element, its data bytes that are present, and the number of its missing data bytes (at least
    /// 1).
    Truncated(Tag, Vec<u8>, u16),
}

impl ArbitraryFile {
    /// Returns the encoded file, and the trailing bytes if the file is complete.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let elements = self.elements.iter().flat_map(|(tag, data)| Element { tag: *tag, data }.to_vec());
        let (end, missing) = self.end.to_bytes();
        let body: Vec<u8> = elements.chain(end).collect();
        let mut header = self.header();
        let sizes = [header.header_len(), body.len(), missing];
        let total = sizes.into_iter().fold(0, usize::saturating_add);
        header.total_size = u32::try_from(total).unwrap_or(u32::MAX);
        [header.to_vec(), body, if missing == 0 { self.trailing.clone() } else { Vec::new() }].concat()
    }

    /// Returns the header of the file, with a total image size of 0.
    #[must_use]
    pub fn header(&self) -> FileHeader<'_> {
        self.header.with_extra(&self.extra)
    }

    /// Returns the elements that [`Image::parse_lenient`](super::Image::parse_lenient) returns exactly as the generator
    /// wrote them. `ArbitraryFile::elements` leaves out an element in Telink's form and an element with missing bytes.
    pub fn elements(&self) -> impl Iterator<Item = Element<'_>> {
        let complete = self.elements.len().saturating_sub(usize::from(self.is_padded_to_telink_form()));
        self.elements.iter().take(complete).map(|(tag, data)| Element { tag: *tag, data })
    }

    /// Returns the number of elements that a lenient reader finds in the file, including an element in Telink's form or
    /// with missing bytes.
    #[must_use]
    pub fn element_count(&self) -> usize {
        let last = matches!(self.end, BodyEnd::Telink(..) | BodyEnd::Truncated(..));
        self.elements.len().saturating_add(usize::from(last))
    }

    /// Returns the body layout that a lenient reader must find in the generated file.
    #[must_use]
    pub fn layout(&self) -> BodyLayout {
        match (&self.end, self.elements.last()) {
            (BodyEnd::Elements, _) => BodyLayout::Elements,
            (BodyEnd::Telink(..), _) => BodyLayout::TelinkF000,
            _ if self.is_padded_to_telink_form() => BodyLayout::TelinkF000,
            (BodyEnd::Raw(..) | BodyEnd::Padding(_), None) => BodyLayout::RawBody,
            (BodyEnd::Raw(..) | BodyEnd::Padding(_), Some(_)) => BodyLayout::ElementsThenRaw,
            (BodyEnd::Truncated(..), _) => BodyLayout::Truncated,
        }
    }

    /// Returns whether the body ends with padding that makes the last element look like an element in Telink's form. A
    /// reader cannot distinguish two bytes of padding after an element with tag 0xF000 from the two bytes that the
    /// length field of an element in Telink's form does not count.
    fn is_padded_to_telink_form(&self) -> bool {
        matches!((&self.end, self.elements.last()), (BodyEnd::Padding(2), Some((tag, _))) if is_telink_form(*tag, 2))
    }
}

impl BodyEnd {
    /// Returns the bytes at the end of a body, and the number of bytes that are missing after the returned bytes.
    fn to_bytes(&self) -> (Vec<u8>, usize) {
        let head = |tag: Tag, length| [&tag.0.to_le_bytes()[..], &u32::to_le_bytes(length)].concat();
        let len = |data: &[u8]| u32::try_from(data.len()).unwrap_or(u32::MAX);
        match self {
            Self::Elements => (Vec::new(), 0),
            Self::Telink(info, data) => ([&head(Tag(0xf000), len(data)), &info[..], data].concat(), 0),
            Self::Raw(tag, bytes) => ([&head(*tag, u32::MAX)[..], bytes].concat(), 0),
            Self::Padding(count) => (alloc::vec![0; usize::from((*count).clamp(1, 5))], 0),
            Self::Truncated(tag, data, missing) => {
                let missing = (*missing).max(1);
                let length = len(data).saturating_add(missing.into());
                ([&head(*tag, length)[..], data].concat(), missing.into())
            }
        }
    }
}

#[cfg(feature = "arbitrary")]
impl<'a> arbitrary::Arbitrary<'a> for ArbitraryFile {
    fn arbitrary(u: &mut arbitrary::Unstructured<'a>) -> arbitrary::Result<Self> {
        Ok(Self {
            header: FileHeader::arbitrary_fields(u)?,
            extra: u.arbitrary()?,
            elements: u.arbitrary()?,
            end: u.arbitrary()?,
            trailing: u.arbitrary()?,
        })
    }
}

#[cfg(feature = "proptest")]
mod strategy {
    use alloc::vec::Vec;

    use proptest::arbitrary::{Arbitrary, any};
    use proptest::collection::vec;
    use proptest::option;
    use proptest::prelude::{BoxedStrategy, Just, Strategy, prop_oneof};

    use super::{ArbitraryFile, BodyEnd};
    use crate::file::{FileHeader, HeaderControl, HeaderString, Tag};
    use crate::types::{
        Eui64, HardwareRange, HardwareVersion, ImageId, SecurityCredentialVersion, StackVersion,
    };

    impl Arbitrary for ArbitraryFile {
        type Parameters = ();
        type Strategy = BoxedStrategy<Self>;

        /// Generates small files: up to four elements of up to 39 bytes each.
        fn arbitrary_with((): ()) -> Self::Strategy {
            let elements = vec((tag(), data()), 0..5);
            (header(), vec(any::<u8>(), 0..9), elements, end(), vec(any::<u8>(), 0..9))
                .prop_map(|(header, extra, elements, end, trailing)| Self {
                    header,
                    extra,
                    elements,
                    end,
                    trailing,
                })
                .boxed()
        }
    }

    fn data() -> impl Strategy<Value = Vec<u8>> {
        vec(any::<u8>(), 0..40)
    }

    /// Generates tags. The tag is, with equal probability, a tag below 8, the tag 0xF000 or any 16-bit tag.
    fn tag() -> impl Strategy<Value = Tag> {
        prop_oneof![0..8_u16, Just(0xf000), any::<u16>()].prop_map(Tag)
    }

    fn end() -> impl Strategy<Value = BodyEnd> {
        prop_oneof![
            4 => Just(BodyEnd::Elements),
            1 => (any::<[u8; 2]>(), data()).prop_map(|(info, data)| BodyEnd::Telink(info, data)),
            1 => (tag(), data()).prop_map(|(tag, data)| BodyEnd::Raw(tag, data)),
            1 => (1..=5_u8).prop_map(BodyEnd::Padding),
            1 => (tag(), data(), 1..300_u16).prop_map(|(tag, data, missing)| BodyEnd::Truncated(tag, data, missing)),
        ]
    }

    fn header() -> impl Strategy<Value = FileHeader<'static>> {
        let numbers = (any::<u16>(), any::<u16>(), any::<u32>(), any::<u16>());
        let range = (any::<u16>(), any::<u16>());
        let optional = (option::of(any::<u8>()), option::of(any::<u64>()), option::of(range));
        let minor = prop_oneof![3 => Just(0), 1 => any::<u8>()];
        let reserved = prop_oneof![3 => Just(0), 1 => any::<u16>()];
        (numbers, header_string(), optional, minor, reserved).prop_map(
            |(numbers, header_string, optional, minor, reserved)| {
                let (manufacturer, image_type, version, stack) = numbers;
                let (credential, destination, hardware) = optional;
                FileHeader {
                    minor,
                    stack: StackVersion(stack),
                    header_string,
                    credential: credential.map(SecurityCredentialVersion),
                    destination: destination.map(Eui64),
                    hardware: hardware.map(|(one, other): (u16, u16)| HardwareRange {
                        min: HardwareVersion(one.min(other)),
                        max: HardwareVersion(one.max(other)),
                    }),
                    other_control: HeaderControl(reserved).reserved(),
                    ..FileHeader::new(ImageId::new(manufacturer, image_type, version))
                }
            },
        )
    }

    /// Generates header strings: printable ASCII text, or any 32 bytes.
    fn header_string() -> impl Strategy<Value = HeaderString> {
        prop_oneof![
            "[ -~]{0,32}".prop_map(|text| HeaderString::new(&text).unwrap_or(HeaderString::EMPTY)),
            any::<[u8; 32]>().prop_map(HeaderString),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::ImageId;

    #[test]
    fn trailing_bytes_follow_complete_files_only() {
        let header = FileHeader::new(ImageId::new(1, 2, 3));
        let file_with = |end| ArbitraryFile {
            header,
            extra: Vec::new(),
            elements: Vec::new(),
            end,
            trailing: alloc::vec![0xaf],
        };
        let head_and =
            |size: u32, body: &[u8]| [&FileHeader { total_size: size, ..header }.to_vec()[..], body].concat();
        assert_eq!(file_with(BodyEnd::Elements).to_bytes(), head_and(56, &[0xaf]));
        let cut = BodyEnd::Truncated(Tag(5), alloc::vec![9], 3);
        assert_eq!(file_with(cut).to_bytes(), head_and(66, &[5, 0, 4, 0, 0, 0, 9]));
    }

    #[cfg(feature = "proptest")]
    #[test]
    fn generated_headers_differ_in_every_field() {
        use proptest::strategy::{Strategy, ValueTree};
        let mut runner = proptest::test_runner::TestRunner::deterministic();
        let headers: Vec<FileHeader<'_>> = (0..100)
            .map(|_| {
                proptest::prelude::any::<ArbitraryFile>().new_tree(&mut runner).unwrap().current().header
            })
            .collect();
        let differs = |field: fn(&FileHeader<'_>, &FileHeader<'_>) -> bool| {
            headers.iter().any(|header| !field(header, &headers[0]))
        };
        assert!(differs(|one, other| one.minor == other.minor));
        assert!(differs(|one, other| one.id == other.id));
        assert!(differs(|one, other| one.stack == other.stack));
        assert!(differs(|one, other| one.header_string == other.header_string));
        assert!(differs(|one, other| one.credential == other.credential));
        assert!(differs(|one, other| one.destination == other.destination));
        assert!(differs(|one, other| one.hardware == other.hardware));
        assert!(differs(|one, other| one.other_control == other.other_control));
    }

    #[cfg(feature = "arbitrary")]
    #[test]
    fn files_from_arbitrary_bytes_read_as_their_layout_says() {
        use arbitrary::{Arbitrary, Unstructured};

        use crate::file::Image;

        let mut seen = Vec::new();
        for seed in 0..200_u32 {
            let bytes: Vec<u8> = (0..400_u32).map(|at| (at.wrapping_mul(seed + 3) >> 3) as u8).collect();
            let generated = ArbitraryFile::arbitrary(&mut Unstructured::new(&bytes)).unwrap();
            let file = generated.to_bytes();
            let image = Image::parse_lenient(&file).unwrap();
            assert_eq!(image.layout(), generated.layout(), "{generated:?}");
            assert_eq!(image.header().id, generated.header.id);
            if !seen.contains(&image.layout()) {
                seen.push(image.layout());
            }
        }
        assert!(seen.len() > 2, "{seen:?}");
    }
}
