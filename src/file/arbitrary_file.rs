//! Whole files of every shape, for property tests and fuzzing.
//!
//! ```text
//! header: any fields, bytes of later versions     body: one of each BodyLayout     after: any bytes
//! ```

use alloc::vec::Vec;

use super::element::is_telink;
use super::{BodyLayout, Element, FileHeader, Tag};
use crate::codec::Encode;

/// A file of any shape that can be read, by the letter or leniently, and what it must read as.
///
/// Made by `arbitrary` or by proptest's `any::<ArbitraryFile>()`, each behind its feature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArbitraryFile {
    /// The header but its extra bytes; the total size is counted by [`to_bytes`](Self::to_bytes).
    pub header: FileHeader<'static>,
    /// Extra bytes of the header.
    pub extra: Vec<u8>,
    /// The elements that are whole and by the letter.
    pub elements: Vec<(Tag, Vec<u8>)>,
    /// What follows them in the body.
    pub end: ArbitraryBody,
    /// Bytes after the total image size.
    pub after: Vec<u8>,
}

/// What the body of a [`ArbitraryFile`] has after its elements.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub enum ArbitraryBody {
    /// Nothing.
    Elements,
    /// An element of tag 0xF000 with two bytes that its length leaves out, and its data.
    Telink([u8; 2], Vec<u8>),
    /// Bytes that look like an element far longer than the file.
    Raw(Tag, Vec<u8>),
    /// So many zeros, made 1 to 5: too few for an element.
    Padding(u8),
    /// An element of which so many bytes more are declared than there are, which ends the file. At least one.
    Truncated(Tag, Vec<u8>, u16),
}

impl ArbitraryFile {
    /// The bytes of the file, and of what follows it.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let elements = self.elements.iter().flat_map(|(tag, data)| Element { tag: *tag, data }.to_vec());
        let (end, missing) = self.end.to_bytes();
        let body: Vec<u8> = elements.chain(end).collect();
        let mut header = FileHeader { extra: &self.extra, ..self.header };
        let sizes = [header.header_len(), body.len(), missing];
        let total = sizes.into_iter().fold(0, usize::saturating_add);
        header.total_size = u32::try_from(total).unwrap_or(u32::MAX);
        [header.to_vec(), body, if missing == 0 { self.after.clone() } else { Vec::new() }].concat()
    }

    /// How the body is laid out.
    #[must_use]
    pub fn layout(&self) -> BodyLayout {
        match (&self.end, self.elements.last()) {
            (ArbitraryBody::Elements, _) => BodyLayout::Elements,
            (ArbitraryBody::Telink(..), _) => BodyLayout::TelinkF000,
            // Padding of that length cannot be told from Telink's two bytes.
            (ArbitraryBody::Padding(2), Some((tag, _))) if is_telink(*tag, 2) => BodyLayout::TelinkF000,
            (ArbitraryBody::Raw(..) | ArbitraryBody::Padding(_), None) => BodyLayout::RawBody,
            (ArbitraryBody::Raw(..) | ArbitraryBody::Padding(_), Some(_)) => BodyLayout::ElementsThenRaw,
            (ArbitraryBody::Truncated(..), _) => BodyLayout::Truncated,
        }
    }
}

impl ArbitraryBody {
    /// The bytes, and how many are missing after them.
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
            after: u.arbitrary()?,
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

    use super::{ArbitraryBody, ArbitraryFile};
    use crate::file::{FileHeader, HeaderControl, HeaderString, Tag};
    use crate::types::{
        Eui64, HardwareRange, HardwareVersion, ImageId, SecurityCredentialVersion, StackVersion,
    };

    impl Arbitrary for ArbitraryFile {
        type Parameters = ();
        type Strategy = BoxedStrategy<Self>;

        /// Small files: up to four elements of up to 40 bytes each.
        fn arbitrary_with((): ()) -> Self::Strategy {
            let elements = vec((tag(), data()), 0..5);
            (header(), vec(any::<u8>(), 0..9), elements, end(), vec(any::<u8>(), 0..9))
                .prop_map(|(header, extra, elements, end, after)| Self {
                    header,
                    extra,
                    elements,
                    end,
                    after,
                })
                .boxed()
        }
    }

    fn data() -> impl Strategy<Value = Vec<u8>> {
        vec(any::<u8>(), 0..40)
    }

    /// Tags with a meaning are as likely as all others together.
    fn tag() -> impl Strategy<Value = Tag> {
        prop_oneof![0..8_u16, Just(0xf000), any::<u16>()].prop_map(Tag)
    }

    fn end() -> impl Strategy<Value = ArbitraryBody> {
        prop_oneof![
            4 => Just(ArbitraryBody::Elements),
            1 => (any::<[u8; 2]>(), data()).prop_map(|(info, data)| ArbitraryBody::Telink(info, data)),
            1 => (tag(), data()).prop_map(|(tag, data)| ArbitraryBody::Raw(tag, data)),
            1 => (1..=5_u8).prop_map(ArbitraryBody::Padding),
            1 => (tag(), data(), 1..300_u16).prop_map(|(tag, data, missing)| ArbitraryBody::Truncated(tag, data, missing)),
        ]
    }

    fn header() -> impl Strategy<Value = FileHeader<'static>> {
        let numbers = (any::<u16>(), any::<u16>(), any::<u32>(), any::<u16>());
        let range = (any::<u16>(), any::<u16>());
        let optional = (option::of(any::<u8>()), option::of(any::<u64>()), option::of(range));
        let minor = prop_oneof![3 => Just(0), 1 => any::<u8>()];
        let reserved = prop_oneof![3 => Just(0), 1 => any::<u16>()];
        (numbers, text(), optional, minor, reserved).prop_map(|(numbers, text, optional, minor, reserved)| {
            let (manufacturer, image_type, version, stack) = numbers;
            let (credential, destination, hardware) = optional;
            FileHeader {
                minor,
                stack: StackVersion(stack),
                header_string: text,
                credential: credential.map(SecurityCredentialVersion),
                destination: destination.map(Eui64),
                hardware: hardware.map(|(one, other): (u16, u16)| HardwareRange {
                    min: HardwareVersion(one.min(other)),
                    max: HardwareVersion(one.max(other)),
                }),
                other_control: HeaderControl::from_bits_retain(reserved).difference(HeaderControl::all()),
                ..FileHeader::new(ImageId::new(manufacturer, image_type, version))
            }
        })
    }

    /// Text as it should be, and any bytes.
    fn text() -> impl Strategy<Value = HeaderString> {
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
    fn what_follows_a_file_follows_a_whole_one_only() {
        let header = FileHeader::new(ImageId::new(1, 2, 3));
        let sample = |end| ArbitraryFile {
            header,
            extra: Vec::new(),
            elements: Vec::new(),
            end,
            after: alloc::vec![0xaf],
        };
        let head_and =
            |size: u32, body: &[u8]| [&FileHeader { total_size: size, ..header }.to_vec()[..], body].concat();
        assert_eq!(sample(ArbitraryBody::Elements).to_bytes(), head_and(56, &[0xaf]));
        let cut = ArbitraryBody::Truncated(Tag(5), alloc::vec![9], 3);
        assert_eq!(sample(cut).to_bytes(), head_and(66, &[5, 0, 4, 0, 0, 0, 9]));
    }

    #[cfg(feature = "proptest")]
    #[test]
    fn samples_differ_in_every_field() {
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
    fn samples_from_any_bytes_read_as_they_say() {
        use arbitrary::{Arbitrary, Unstructured};

        use crate::file::Image;

        let mut seen = Vec::new();
        for seed in 0..200_u32 {
            let bytes: Vec<u8> = (0..400_u32).map(|at| (at.wrapping_mul(seed + 3) >> 3) as u8).collect();
            let sample = ArbitraryFile::arbitrary(&mut Unstructured::new(&bytes)).unwrap();
            let file = sample.to_bytes();
            let image = Image::parse_lenient(&file).unwrap();
            assert_eq!(image.layout(), sample.layout(), "{sample:?}");
            assert_eq!(image.header().id, sample.header.id);
            if !seen.contains(&image.layout()) {
                seen.push(image.layout());
            }
        }
        assert!(seen.len() > 2, "{seen:?}");
    }
}
