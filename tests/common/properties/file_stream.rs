//! Property of the stream decoder: a file in pieces decodes like the whole file. For property tests and fuzz targets.

use zigbee_ota::file::{
    BodyLayout, Element, FileHeader, Image, PlacedElement, StreamDecoder, StreamPiece, Tag,
};
use zigbee_ota::{DecodeError, DecodeErrorKind};

/// Checks that a file in pieces, of the sizes that `split` returns, decodes like the whole file.
pub fn any_split(bytes: &[u8], split: impl FnMut() -> usize) {
    let (streamed, ended) = Streamed::read(bytes, split);
    let image = match Image::parse_lenient(bytes) {
        Ok(image) => image,
        Err(error) => return assert_eq!(ended, Err(error)),
    };
    let header = image.header();
    assert_eq!(streamed.header, Some((header.with_extra(&[]), header.header_len())));
    assert_eq!(streamed.extra, header.extra);
    assert!(streamed.elements.iter().map(Gathered::parts).eq(image.elements().map(parts)));
    assert_eq!(streamed.rest, image.raw_remainder().map_or(&[][..], |rest| rest.bytes));
    assert_eq!(streamed.after, image.trailing());
    let truncated = DecodeError {
        item: "OTA file",
        offset: 0,
        kind: DecodeErrorKind::Truncated {
            needed: image.bytes().len() + image.missing(),
            present: image.bytes().len(),
        },
    };
    let expected = if image.layout() == BodyLayout::Truncated { Err(truncated) } else { Ok(image.layout()) };
    assert_eq!(ended, expected);
}

/// Returns a generator of piece sizes from 1 to 255 bytes, most of them small.
pub fn sizes(mut seed: u64) -> impl FnMut() -> usize {
    move || {
        // Linear congruential generator of Knuth's MMIX, whose high bits are the random ones.
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let [size, shift, ..] = seed.to_be_bytes();
        usize::from(size >> (shift % 8)).max(1)
    }
}

/// Reassembled pieces of a file.
#[derive(Default)]
struct Streamed {
    header: Option<(FileHeader<'static>, usize)>,
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
    /// Decodes all pieces; returns them with the result of `finish` or the first error.
    fn read(bytes: &[u8], mut split: impl FnMut() -> usize) -> (Self, Result<BodyLayout, DecodeError>) {
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
                place + decoder.buffered().len(),
                bytes.len() - coming.len(),
                "every byte is reported once"
            );
        }
        let held = decoder.buffered();
        assert_eq!(held, &bytes[place..]);
        if streamed.header.is_some() {
            streamed.rest.extend(held);
        }
        (streamed, decoder.finish())
    }

    /// Adds a piece, which must stand at offset `place` of the file.
    fn add(&mut self, piece: StreamPiece<'_>, file: &[u8], place: &mut usize) {
        let (offset, piece_len) = match piece {
            StreamPiece::Header { header, len } => {
                assert!(self.header.is_none());
                self.header = Some((header, usize::from(len)));
                (0, header.header_len())
            }
            StreamPiece::Element { offset, tag, length, telink_info: info } => {
                let data = Vec::new();
                self.elements.push(Gathered { offset, tag, length, info, data });
                (offset, if info.is_some() { 8 } else { 6 })
            }
            StreamPiece::Extra { offset, bytes } => (offset, Self::append(&mut self.extra, bytes)),
            StreamPiece::Data { offset, bytes } => {
                let element = self.elements.last_mut().expect("an element started");
                (offset, Self::append(&mut element.data, bytes))
            }
            StreamPiece::Raw { offset, bytes } => (offset, Self::append(&mut self.rest, bytes)),
            StreamPiece::Trailing { bytes } => {
                (u32::try_from(*place).expect("small"), Self::append(&mut self.after, bytes))
            }
            other => panic!("a new piece: {other:?}"),
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

/// Returns an element as a tuple: offset, length, Telink's two bytes, tag and data.
type Parts<'a> = (usize, u32, Option<[u8; 2]>, Element<'a>);

impl Gathered {
    fn parts(&self) -> Parts<'_> {
        let element = Element { tag: self.tag, data: &self.data };
        (usize::try_from(self.offset).expect("small"), self.length, self.info, element)
    }
}

fn parts(at: PlacedElement<'_>) -> Parts<'_> {
    (at.offset, at.length, at.telink_info, at.element)
}
