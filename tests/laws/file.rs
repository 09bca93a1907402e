//! Laws between files and values, for property tests and fuzz targets alike.

use arbitrary::Unstructured;
use zigbee_ota::DecodeError;
use zigbee_ota::file::{Element, Elements, Header, Image, Parts, Writer};

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
    let file = written(header, elements);
    let image = Image::parse(&file).expect("written by us");
    let total_size = u32::try_from(file.len()).expect("small");
    assert_eq!(*image.header(), Header { total_size, ..header });
    assert!(image.elements().map(|at| at.element).eq(elements.iter().copied()));
    any_bytes(&file);
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
    let mut end = image.header().header_len();
    for at in image.elements() {
        assert_eq!(at.offset, end);
        end = at.data_offset() + at.element.data.len();
    }
    assert_eq!(end, image.bytes().len());
    let elements: Vec<_> = image.elements().map(|at| at.element).collect();
    assert_eq!(written(*image.header(), &elements), image.bytes(), "so no two files read alike");
}
