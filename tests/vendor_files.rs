//! Vendors' OTA files: the library reads them like an independent reader, and writes them again byte for byte.

use serde_json::{Value, json};
use zigbee_ota::container::Container;
use zigbee_ota::file::{BodyLayout, Element, FileHeader, FileWriter, Image, SplitFile, Tag};
use zigbee_ota::{DecodeError, DecodeErrorKind, Encode};

use properties::file::any_bytes;
use properties::file_stream::{any_split, sizes};

#[path = "common/properties"]
mod properties {
    pub mod encode_contract;
    pub mod file;
    pub mod file_stream;
}

#[path = "common/vendor_corpus.rs"]
mod vendor_corpus;

/// File of the corpus with its bytes.
struct Sample {
    name: String,
    expected: Value,
    bytes: Vec<u8>,
}

impl Sample {
    /// Bytes of the OTA file, without a trailer of its container.
    fn ota(&self) -> &[u8] {
        Container::open(&self.bytes).expect(&self.name).ota
    }

    fn layout(&self) -> &str {
        self.expected["layout"].as_str().unwrap_or_default()
    }
}

fn size(value: &Value) -> usize {
    value.as_u64().and_then(|number| usize::try_from(number).ok()).expect("a number")
}

/// Returns all samples that are OTA files, or all that are not.
fn samples(ota: bool) -> Vec<Sample> {
    let chosen = vendor_corpus::samples().into_iter().filter(|sample| sample.is_ota() == ota);
    let samples = chosen.map(|sample| {
        let bytes = std::fs::read(&sample.path).expect("a file of the list");
        assert_eq!(bytes.len(), size(&sample.expected["size"]), "{}", sample.name);
        Sample { name: sample.name, expected: sample.expected, bytes }
    });
    samples.collect()
}

fn header_json(header: &FileHeader<'_>) -> Value {
    let text: String = header.header_string.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    json!({
        "header_version": 0x0100 | u16::from(header.minor),
        "header_length": header.header_len(),
        "field_control": header.control().0,
        "manufacturer_code": header.id.manufacturer.0,
        "image_type": header.id.image_type.0,
        "file_version": header.id.version.0,
        "stack_version": header.stack.0,
        "header_string_hex": text,
        "total_image_size": header.total_size,
        "security_credential_version": header.credential.map(|version| version.0),
        "upgrade_file_destination": header.destination.map(|address| address.0),
        "min_hardware_version": header.hardware.map(|range| range.min.0),
        "max_hardware_version": header.hardware.map(|range| range.max.0),
    })
}

fn elements_json(image: &Image<'_>) -> Value {
    let elements = image.elements().map(|at| {
        json!({
            "tag": at.element.tag.0,
            "length": at.length,
            "offset": at.offset,
            "data_offset": at.data_offset(),
        })
    });
    elements.collect()
}

/// Offsets at which a part of a file begins or ends.
fn boundaries(image: &Image<'_>) -> Vec<usize> {
    let elements = image.elements().flat_map(|at| [at.offset, at.data_offset()]);
    let header = [0, image.header().header_len()];
    let end = image.raw_remainder().map(|rest| rest.offset).into_iter().chain([image.bytes().len()]);
    header.into_iter().chain(elements).chain(end).collect()
}

/// Shows: FILE-066
#[test]
fn files_read_like_an_independent_reader_and_are_written_byte_for_byte() {
    for sample in samples(true) {
        let image = Image::parse_lenient(sample.ota()).expect(&sample.name);
        let rest =
            image.raw_remainder().map(|rest| json!({ "offset": rest.offset, "length": rest.bytes.len() }));
        let read = json!({
            "layout": image.layout().name(),
            "header": header_json(&image.header()),
            "elements": elements_json(&image),
            "rest": rest,
            "strict": Image::parse(&sample.bytes).is_ok(),
        });
        for key in ["layout", "header", "elements", "rest", "strict"] {
            assert_eq!(read[key], sample.expected[key], "{}: {key}", sample.name);
        }
        assert_eq!(image.to_vec(), sample.ota(), "{}", sample.name);
        any_bytes(&sample.bytes);
        any_split(sample.ota(), sizes(sample.bytes.len() as u64));
    }
}

/// Every length near a boundary, and some lengths between.
#[test]
fn a_truncated_file_is_reported_and_its_present_parts_are_read() {
    for sample in samples(true) {
        let whole = Image::parse_lenient(sample.ota()).expect(&sample.name);
        if whole.layout() == BodyLayout::Truncated {
            continue;
        }
        let file = whole.bytes();
        let near = boundaries(&whole).into_iter().flat_map(|place| place.saturating_sub(12)..place + 12);
        let between = (0..file.len()).step_by(file.len() / 50);
        for len in near.chain(between).filter(|len| *len < file.len()) {
            let cut = &file[..len];
            let error = Image::parse(cut).expect_err("shorter than its total size");
            assert!(error.is_truncated() && error.offset == 0, "{}, {len} bytes: {error}", sample.name);
            any_split(cut, sizes(len as u64));
            let Ok(image) = Image::parse_lenient(cut) else {
                assert!(len < whole.header().header_len());
                continue;
            };
            assert_eq!((image.layout(), image.missing()), (BodyLayout::Truncated, file.len() - len));
            let there = whole.elements().filter(|at| at.data_offset() <= len);
            let heads = |at: zigbee_ota::file::PlacedElement<'_>| {
                (at.offset, at.element.tag, at.length, at.telink_info)
            };
            assert!(image.elements().map(heads).eq(there.map(heads)), "{}, {len} bytes", sample.name);
        }
    }
}

#[test]
fn a_changed_byte_of_a_header_or_an_element_head_is_visible() {
    for sample in samples(true) {
        let mut file = sample.ota().to_vec();
        let image = Image::parse_lenient(sample.ota()).expect(&sample.name);
        let heads = image.elements().flat_map(|at| at.offset..at.data_offset());
        for place in (0..image.header().header_len()).chain(heads) {
            for flip in [0x01, 0x80, 0xff] {
                file[place] ^= flip;
                match Image::parse_lenient(&file) {
                    Ok(other) => {
                        let same = other.header() == image.header() && other.elements().eq(image.elements());
                        assert!(!same, "{}: byte {place} ^ {flip:#04x}", sample.name);
                        assert_eq!(other.to_vec(), file);
                    }
                    Err(error) => assert_eq!(error.item, "OTA header", "{}: byte {place}", sample.name),
                }
                if let Err(error) = Image::parse(&file) {
                    assert!(error.offset <= file.len());
                }
                file[place] ^= flip;
            }
        }
    }
}

#[test]
fn the_total_size_is_served_or_the_file_is_truncated() {
    for sample in samples(true) {
        let needed = size(&sample.expected["header"]["total_image_size"]);
        let present = sample.ota().len();
        match SplitFile::parse(sample.ota()) {
            Ok(parts) => {
                assert_ne!(sample.layout(), "truncated", "{}", sample.name);
                assert_eq!(parts.file, &sample.ota()[..needed], "{}", sample.name);
            }
            Err(error) => {
                let kind = DecodeErrorKind::Truncated { needed, present };
                assert_eq!(error, DecodeError { item: "OTA file", offset: 0, kind }, "{}", sample.name);
                assert_eq!(sample.layout(), "truncated", "{}", sample.name);
                assert_eq!(
                    error.to_string(),
                    format!("OTA file, byte 0: {needed} bytes expected, {present} present")
                );
            }
        }
    }
}

#[test]
fn conformant_files_are_reproduced_by_the_writer() {
    for sample in samples(true).iter().filter(|sample| sample.layout() == "elements") {
        let (image, rest) = Image::parse_prefix(sample.ota()).expect(&sample.name);
        let elements: Vec<Element<'_>> = image.elements().map(|at| at.element).collect();
        let writer = FileWriter::new(image.header(), &elements).expect("fits");
        assert_eq!(writer.to_vec(), image.bytes(), "{}", sample.name);
        assert_eq!([image.bytes(), rest].concat(), sample.ota(), "{}", sample.name);
        let signed = sample.name.starts_with("signed_");
        assert_eq!(image.is_signed(), signed, "{}", sample.name);
        assert_eq!(image.find(Tag::ECDSA_SIGNATURE_2).count(), usize::from(signed), "{}", sample.name);
    }
}

#[test]
fn other_layouts_are_errors_at_the_element_that_does_not_fit() {
    for sample in samples(true).iter().filter(|sample| !["elements", "truncated"].contains(&sample.layout()))
    {
        let error = Image::parse_prefix(sample.ota()).expect_err(&sample.name);
        assert_eq!(error.item, "sub-element", "{}", sample.name);
        let head = size(&sample.expected["header"]["header_length"]);
        let total = size(&sample.expected["header"]["total_image_size"]);
        match (sample.layout(), error.kind) {
            // The element is complete, and the two bytes outside its length are left over.
            ("telink-f000", DecodeErrorKind::Truncated { needed: 6, present: 2 }) => {
                assert_eq!(error.offset, total - 2, "{}", sample.name);
            }
            ("raw-body", DecodeErrorKind::ElementOverrun { .. }) => {
                assert_eq!(error.offset, head, "{}", sample.name);
            }
            ("elements-then-raw", DecodeErrorKind::ElementOverrun { .. }) => {
                assert_eq!(error.offset, size(&sample.expected["rest"]["offset"]), "{}", sample.name);
            }
            (layout, _) => panic!("{}: {layout}: {error}", sample.name),
        }
    }
}

#[test]
fn files_of_other_kinds_are_known_by_their_first_bytes() {
    for sample in samples(false) {
        let error = Image::parse_prefix(&sample.bytes).expect_err(&sample.name);
        assert!(matches!(error.kind, DecodeErrorKind::BadMagic { .. }), "{}: {error}", sample.name);
    }
}
