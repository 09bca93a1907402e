//! Laws between files and values, for property tests and fuzz targets alike.

use arbitrary::Unstructured;
use zigbee_ota::file::{
    Body, Element, ElementAt, Elements, Header, Image, Layout, Parts, Piece, Sample, StreamDecoder, Tag,
    Writer,
};
use zigbee_ota::{DecodeError, DecodeErrorKind, EncodeError, Item};

use super::bytes::bytes_of;

/// A header and elements: any bytes make some.
pub fn generated(seed: &[u8]) -> (Header<'_>, Vec<Element<'_>>) {
    Unstructured::new(seed).arbitrary().expect("works for any bytes")
}

/// The file of these elements.
pub fn written(header: Header<'_>, elements: &[Element<'_>]) -> Vec<u8> {
    bytes_of(&Writer::new(header, elements).expect("a small file"))
}

/// What is written reads back, and every element stands where it must.
pub fn round_trip(header: Header<'_>, elements: &[Element<'_>]) {
    if let Some(element) = signature_before_the_last(elements) {
        let refused = Writer::new(header, elements);
        return assert_eq!(refused, Err(EncodeError::SignatureNotLast { element }));
    }
    let file = written(header, elements);
    let image = Image::parse(&file).expect("written by us");
    let total_size = u32::try_from(file.len()).expect("small");
    assert_eq!(*image.header(), Header { total_size, ..header });
    assert!(image.elements().map(|at| at.element).eq(elements.iter().copied()));
    any_bytes(&file);
}

/// The first signature that another element follows.
fn signature_before_the_last(elements: &[Element<'_>]) -> Option<usize> {
    let place = elements.iter().position(|element| element.tag.is_signature());
    place.filter(|place| place + 1 < elements.len())
}

/// A sample reads as it was made, whole and in pieces.
pub fn any_sample(sample: &Sample, seed: u64) {
    let bytes = sample.to_bytes();
    let image = Image::parse_lenient(&bytes).expect("its header is right");
    assert_eq!(image.layout(), sample.layout());
    assert_eq!(image.header().extra, sample.extra);
    // Padding that makes Telink's form of the last element is read as that.
    let last = usize::from(sample.layout() == Layout::TelinkF000 && matches!(sample.end, Body::Padding(_)));
    let by_the_letter = sample.elements.len() - last;
    for (at, (tag, data)) in image.elements().zip(&sample.elements[..by_the_letter]) {
        assert_eq!((at.element, at.info), (Element { tag: *tag, data }, None));
    }
    let own = usize::from(matches!(sample.end, Body::Telink(..) | Body::Truncated(..)));
    assert_eq!(image.elements().count(), sample.elements.len() + own);
    any_bytes(&bytes);
    any_split(&bytes, sizes(seed));
}

/// What holds for any bytes, file or not.
pub fn any_bytes(bytes: &[u8]) {
    let lenient = Header::parse_lenient(bytes);
    if let Ok((header, rest)) = lenient {
        assert_eq!([&bytes_of(&header), rest].concat(), bytes);
    }
    let strict = Header::parse(bytes);
    assert!(strict.is_err() || strict == lenient, "strict reads no more than lenient");
    match Parts::parse(bytes) {
        Ok(parts) => any_parts(bytes, &parts),
        Err(error) => refused(bytes, error),
    }
    match Image::parse_lenient(bytes) {
        Ok(image) => any_lenient(bytes, &image),
        Err(error) => assert_eq!(Err(error), lenient.map(drop)),
    }
}

/// A file that cannot be cut by its header cannot be read at all.
fn refused(bytes: &[u8], error: DecodeError) {
    assert!(error.offset <= bytes.len());
    assert_eq!(Image::parse_prefix(bytes), Err(error));
    assert_eq!(Image::parse(bytes), Err(error));
}

fn any_parts(bytes: &[u8], parts: &Parts<'_>) {
    assert_eq!([&bytes_of(&parts.header), parts.body, parts.after].concat(), bytes);
    assert_eq!([parts.file, parts.after].concat(), bytes);
    assert_eq!(u32::try_from(parts.file.len()), Ok(parts.header.total_size));
    match parts.elements() {
        Ok(elements) => any_image(bytes, parts, elements),
        Err(error) => refused(bytes, error),
    }
}

fn any_image(bytes: &[u8], parts: &Parts<'_>, elements: Elements<'_>) {
    let (image, rest) = Image::parse_prefix(bytes).expect("its parts could be read");
    assert_eq!((image.bytes(), rest), (parts.file, parts.after));
    assert!(image.elements().eq(elements));
    assert_eq!(Image::parse(bytes).is_ok(), rest.is_empty());
    assert_eq!(bytes_of(&image), image.bytes(), "so no two files read alike");
    let elements: Vec<_> = image.elements().map(|at| at.element).collect();
    match Writer::new(*image.header(), &elements) {
        Ok(writer) => assert_eq!(bytes_of(&writer), image.bytes()),
        Err(EncodeError::EmptyHardwareRange(range)) => assert!(range.min > range.max),
        Err(error) => {
            let element = signature_before_the_last(&elements).expect("writable otherwise");
            assert_eq!(error, EncodeError::SignatureNotLast { element });
            assert!(image.signature().is_err());
        }
    }
}

/// What holds for any file that has a header.
fn any_lenient(bytes: &[u8], image: &Image<'_>) {
    assert_eq!(bytes_of(image), bytes, "no byte is lost");
    let mut end = image.header().header_len();
    for at in image.elements() {
        assert_eq!(at.offset, end);
        end = at.data_offset() + at.element.data.len();
        let whole = usize::try_from(at.length) == Ok(at.element.data.len());
        assert!(whole || (image.layout() == Layout::Truncated && end == image.bytes().len()));
    }
    let rest = image.rest().map_or(0, |rest| {
        assert_eq!(rest.offset, end);
        rest.bytes.len()
    });
    assert_eq!(end + rest, image.bytes().len());
    assert_eq!(image.missing() > 0, image.layout() == Layout::Truncated);
    if let Ok(strict) = Image::parse(bytes) {
        assert_eq!((image.layout(), strict.layout(), rest), (Layout::Elements, Layout::Elements, 0));
        assert!(image.elements().eq(strict.elements()));
        assert_eq!(image.header(), strict.header());
    }
}

/// A file in pieces of the sizes that `split` gives reads as the whole one.
pub fn any_split(bytes: &[u8], split: impl FnMut() -> usize) {
    let (streamed, ended) = Streamed::read(bytes, split);
    let image = match Image::parse_lenient(bytes) {
        Ok(image) => image,
        Err(error) => return assert_eq!(ended, Err(error)),
    };
    let header = image.header();
    assert_eq!(streamed.header, Some((Header { extra: &[], ..*header }, header.header_len())));
    assert_eq!(streamed.extra, header.extra);
    assert!(streamed.elements.iter().map(Gathered::as_element).eq(image.elements()));
    assert_eq!(streamed.rest, image.rest().map_or(&[][..], |rest| rest.bytes));
    assert_eq!(streamed.after, image.after());
    let truncated = DecodeError {
        item: Item::File,
        offset: 0,
        kind: DecodeErrorKind::Truncated {
            needed: image.bytes().len() + image.missing(),
            present: image.bytes().len(),
        },
    };
    let expected = if image.layout() == Layout::Truncated { Err(truncated) } else { Ok(image.layout()) };
    assert_eq!(ended, expected);
}

/// Sizes from 1 to 255 bytes, most of them small.
pub fn sizes(mut seed: u64) -> impl FnMut() -> usize {
    move || {
        // The generator of Knuth's MMIX; its high bits are the good ones.
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let [size, shift, ..] = seed.to_be_bytes();
        usize::from(size >> (shift % 8)).max(1)
    }
}

/// All pieces of a file, put together again.
#[derive(Default)]
struct Streamed {
    header: Option<(Header<'static>, usize)>,
    extra: Vec<u8>,
    elements: Vec<Gathered>,
    rest: Vec<u8>,
    after: Vec<u8>,
}

struct Gathered {
    offset: u32,
    tag: Tag,
    length: u32,
    info: Option<[u8; 2]>,
    data: Vec<u8>,
}

impl Streamed {
    /// All pieces, and what `finish` says or the first error.
    fn read(bytes: &[u8], mut split: impl FnMut() -> usize) -> (Self, Result<Layout, DecodeError>) {
        let mut streamed = Self::default();
        let mut decoder = StreamDecoder::new();
        let (mut coming, mut place) = (bytes, 0);
        while !coming.is_empty() {
            let (mut input, later) = coming.split_at(split().min(coming.len()));
            coming = later;
            loop {
                match decoder.next(&mut input) {
                    Ok(Some(piece)) => streamed.add(piece, bytes, &mut place),
                    Ok(None) => break,
                    Err(error) => {
                        assert_eq!(decoder.next(&mut input), Err(error), "an error stays");
                        assert_eq!(decoder.finish(), Err(error));
                        return (streamed, Err(error));
                    }
                }
            }
            assert_eq!(
                place + decoder.held().len(),
                bytes.len() - coming.len(),
                "every byte is told of once"
            );
        }
        let held = decoder.held();
        assert_eq!(held, &bytes[place..]);
        if streamed.header.is_some() {
            streamed.rest.extend(held);
        }
        (streamed, decoder.finish())
    }

    /// Takes a piece, which must stand at `place` of the file.
    fn add(&mut self, piece: Piece<'_>, file: &[u8], place: &mut usize) {
        let (offset, piece_len) = match piece {
            Piece::Header { header, len } => {
                assert!(self.header.is_none());
                self.header = Some((header, usize::from(len)));
                (0, header.header_len())
            }
            Piece::Element { offset, tag, length, info } => {
                let data = Vec::new();
                self.elements.push(Gathered { offset, tag, length, info, data });
                (offset, if info.is_some() { 8 } else { 6 })
            }
            Piece::Extra { offset, bytes } => (offset, Self::append(&mut self.extra, bytes)),
            Piece::Data { offset, bytes } => {
                let element = self.elements.last_mut().expect("an element started");
                (offset, Self::append(&mut element.data, bytes))
            }
            Piece::Rest { offset, bytes } => (offset, Self::append(&mut self.rest, bytes)),
            Piece::After { bytes } => {
                (u32::try_from(*place).expect("small"), Self::append(&mut self.after, bytes))
            }
        };
        assert_eq!(usize::try_from(offset), Ok(*place));
        *place += piece_len;
        assert!(*place <= file.len());
    }

    fn append(all: &mut Vec<u8>, bytes: &[u8]) -> usize {
        assert!(!bytes.is_empty());
        all.extend(bytes);
        bytes.len()
    }
}

impl Gathered {
    fn as_element(&self) -> ElementAt<'_> {
        ElementAt {
            offset: usize::try_from(self.offset).expect("small"),
            length: self.length,
            info: self.info,
            element: Element { tag: self.tag, data: &self.data },
        }
    }
}
