//! Properties of decoded OTA files, for property tests and fuzz targets.

use zigbee_ota::DecodeError;
use zigbee_ota::file::{
    BodyLayout, Element, Elements, FileHeader, FileWriteError, FileWriter, Image, SplitFile,
};

use super::encode_contract::bytes_of;

/// Checks the properties for any bytes, valid file or not.
pub fn any_bytes(bytes: &[u8]) {
    let lenient = FileHeader::parse_lenient(bytes);
    if let Ok((header, rest)) = lenient {
        assert_eq!([&bytes_of(&header), rest].concat(), bytes);
    }
    let strict = FileHeader::parse(bytes);
    assert!(
        strict.is_err() || strict == lenient,
        "the strict reader accepts only what the lenient one reads alike"
    );
    match SplitFile::parse(bytes) {
        Ok(parts) => any_parts(bytes, &parts),
        Err(error) => refused(bytes, error),
    }
    match Image::parse_lenient(bytes) {
        Ok(image) => any_lenient(bytes, &image),
        Err(error) => assert_eq!(Err(error), lenient.map(drop)),
    }
}

/// A file that cannot be split by its header cannot be decoded at all.
fn refused(bytes: &[u8], error: DecodeError) {
    assert!(error.offset <= bytes.len());
    assert_eq!(Image::parse_prefix(bytes), Err(error));
    assert_eq!(Image::parse(bytes), Err(error));
}

fn any_parts(bytes: &[u8], parts: &SplitFile<'_>) {
    assert_eq!([&bytes_of(&parts.header), parts.body, parts.trailing].concat(), bytes);
    assert_eq!([parts.file, parts.trailing].concat(), bytes);
    assert_eq!(u32::try_from(parts.file.len()), Ok(parts.header.total_size));
    match parts.elements() {
        Ok(elements) => any_image(bytes, parts, elements),
        Err(error) => refused(bytes, error),
    }
}

fn any_image(bytes: &[u8], parts: &SplitFile<'_>, elements: Elements<'_>) {
    let (image, rest) = Image::parse_prefix(bytes).expect("its parts could be read");
    assert_eq!((image.bytes(), rest), (parts.file, parts.trailing));
    assert!(image.elements().eq(elements));
    assert_eq!(Image::parse(bytes).is_ok(), rest.is_empty());
    assert_eq!(bytes_of(&image), image.bytes(), "different files decode to different values");
    let elements: Vec<_> = image.elements().map(|at| at.element).collect();
    match FileWriter::new(image.header(), &elements) {
        Ok(writer) => assert_eq!(bytes_of(&writer), image.bytes()),
        Err(FileWriteError::EmptyHardwareRange(range)) => assert!(range.min > range.max),
        Err(error) => {
            let element = signature_before_the_last(&elements).expect("writable otherwise");
            assert_eq!(error, FileWriteError::SignatureNotLast { element });
            assert!(image.signature().is_err());
        }
    }
}

/// Checks the properties of any file with a decodable header.
fn any_lenient(bytes: &[u8], image: &Image<'_>) {
    assert_eq!(bytes_of(image), bytes, "no byte is lost");
    let mut end = image.header().header_len();
    for at in image.elements() {
        assert_eq!(at.offset, end);
        end = at.data_offset() + at.element.data.len();
        let whole = usize::try_from(at.length) == Ok(at.element.data.len());
        assert!(whole || (image.layout() == BodyLayout::Truncated && end == image.bytes().len()));
    }
    let rest = image.raw_remainder().map_or(0, |rest| {
        assert_eq!(rest.offset, end);
        rest.bytes.len()
    });
    assert_eq!(end + rest, image.bytes().len());
    assert_eq!(image.missing() > 0, image.layout() == BodyLayout::Truncated);
    if let Ok(strict) = Image::parse(bytes) {
        assert_eq!((image.layout(), strict.layout(), rest), (BodyLayout::Elements, BodyLayout::Elements, 0));
        assert!(image.elements().eq(strict.elements()));
        assert_eq!(image.header(), strict.header());
    }
}

/// Returns the index of the first signature element that another element follows.
pub fn signature_before_the_last(elements: &[Element<'_>]) -> Option<usize> {
    let place = elements.iter().position(|element| element.tag.is_signature());
    place.filter(|place| place + 1 < elements.len())
}
