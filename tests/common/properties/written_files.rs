//! Properties of encoded OTA files, for property tests and fuzz targets.

use arbitrary::Unstructured;
use zigbee_ota::file::{ArbitraryFile, Element, FileHeader, FileWriteError, FileWriter, Image};

use super::encode_contract::bytes_of;
use super::file::{any_bytes, signature_before_the_last};
use super::file_stream::{any_split, sizes};

/// Generates a header and elements from any bytes.
pub fn generated(seed: &[u8]) -> (FileHeader<'_>, Vec<Element<'_>>) {
    Unstructured::new(seed).arbitrary().expect("works for any bytes")
}

/// Encodes a file of these elements.
pub fn written(header: FileHeader<'_>, elements: &[Element<'_>]) -> Vec<u8> {
    bytes_of(&FileWriter::new(header, elements).expect("a small file"))
}

/// Checks that an encoded file decodes to the same value, with every element at its offset.
pub fn round_trip(header: FileHeader<'_>, elements: &[Element<'_>]) {
    if let Some(element) = signature_before_the_last(elements) {
        let refused = FileWriter::new(header, elements);
        return assert_eq!(refused, Err(FileWriteError::SignatureNotLast { element }));
    }
    let file = written(header, elements);
    let image = Image::parse(&file).expect("written by us");
    let total_size = u32::try_from(file.len()).expect("small");
    assert_eq!(image.header(), header.with_total_size(total_size));
    assert!(image.elements().map(|at| at.element).eq(elements.iter().copied()));
    any_bytes(&file);
}

/// Checks that a generated file decodes to its parts, whole and in pieces.
pub fn any_sample(sample: &ArbitraryFile, seed: u64) {
    let bytes = sample.to_bytes();
    let image = Image::parse_lenient(&bytes).expect("its header is right");
    assert_eq!(image.layout(), sample.layout());
    assert_eq!(image.header().extra, sample.header().extra);
    assert_eq!(image.elements().count(), sample.element_count());
    let by_the_letter = sample.elements().count();
    assert!(by_the_letter + 1 >= sample.element_count(), "only the last element may have another form");
    assert!(image.elements().take(by_the_letter).all(|at| at.telink_info.is_none()));
    assert!(image.elements().map(|at| at.element).take(by_the_letter).eq(sample.elements()));
    any_bytes(&bytes);
    any_split(&bytes, sizes(seed));
}
