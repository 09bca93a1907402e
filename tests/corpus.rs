//! Files as vendors ship them, against what an independent reader found in them.
//!
//! They are not part of this project: the environment variable `OTA_CORPUS` names a folder with them and their
//! `expected.json`. Without it these tests pass without a look at any file, and say so.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Once;

use serde_json::{Value, json};
use zigbee_ota::file::{Element, Header, Image, Parts, Tag, Writer};
use zigbee_ota::{DecodeError, DecodeErrorKind, Encode, Item};

static SKIPPED: Once = Once::new();

/// One file with its bytes.
struct Sample {
    name: String,
    expected: Value,
    bytes: Vec<u8>,
}

impl Sample {
    /// From the first byte of the OTA header on.
    fn ota(&self) -> &[u8] {
        &self.bytes[size(&self.expected["container"]["offset"])..]
    }

    fn layout(&self) -> &str {
        self.expected["layout"].as_str().unwrap_or_default()
    }
}

fn size(value: &Value) -> usize {
    value.as_u64().and_then(|number| usize::try_from(number).ok()).expect("a number")
}

/// All samples, or those that are OTA files; none without `OTA_CORPUS`.
fn samples(ota: bool) -> Vec<Sample> {
    let Some(folder) = std::env::var_os("OTA_CORPUS").map(PathBuf::from) else {
        // Not `eprintln`, which the test harness keeps to itself when a test passes.
        SKIPPED.call_once(|| {
            let text = "SKIPPED: OTA_CORPUS is not set, so no vendor's file was read";
            writeln!(std::io::stderr(), "{text}").expect("stderr");
        });
        return Vec::new();
    };
    let list = fs::read(folder.join("expected.json")).expect("expected.json in OTA_CORPUS");
    let list: Vec<Value> = serde_json::from_slice(&list).expect("an array");
    let chosen = list.into_iter().filter(|expected| expected["ota"] == ota);
    let samples: Vec<_> = chosen
        .map(|expected| {
            let name = expected["file"].as_str().expect("a name").to_owned();
            let bytes = fs::read(folder.join(&name)).expect("a file of the list");
            assert_eq!(bytes.len(), size(&expected["size"]), "{name}");
            Sample { name, expected, bytes }
        })
        .collect();
    assert!(!samples.is_empty(), "expected.json lists none");
    samples
}

fn header_json(header: &Header<'_>) -> Value {
    let text: String = header.text.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    json!({
        "header_version": 0x0100 | u16::from(header.minor),
        "header_length": header.header_len(),
        "field_control": header.control().bits(),
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
            "length": at.element.data.len(),
            "offset": at.offset,
            "data_offset": at.data_offset(),
        })
    });
    elements.collect()
}

#[test]
fn headers_read_as_an_independent_reader_read_them() {
    for sample in samples(true) {
        let (header, rest) = Header::parse(sample.ota()).expect(&sample.name);
        assert_eq!(header_json(&header), sample.expected["header"], "{}", sample.name);
        let mut bytes = vec![0; header.encoded_len()];
        header.encode(&mut bytes).expect("room");
        assert_eq!([&bytes, rest].concat(), sample.ota(), "{}", sample.name);
    }
}

#[test]
fn the_total_size_is_served_or_the_file_is_truncated() {
    for sample in samples(true) {
        let needed = size(&sample.expected["header"]["total_image_size"]);
        let present = sample.ota().len();
        match Parts::parse(sample.ota()) {
            Ok(parts) => {
                assert_ne!(sample.layout(), "truncated", "{}", sample.name);
                assert_eq!(parts.file, &sample.ota()[..needed], "{}", sample.name);
            }
            Err(error) => {
                let kind = DecodeErrorKind::Truncated { needed, present };
                assert_eq!(error, DecodeError { item: Item::File, offset: 0, kind }, "{}", sample.name);
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
fn elements_read_as_listed_and_are_written_byte_for_byte() {
    for sample in samples(true).iter().filter(|sample| sample.layout() == "elements") {
        let (image, rest) = Image::parse_prefix(sample.ota()).expect(&sample.name);
        assert_eq!(elements_json(&image), sample.expected["elements"], "{}", sample.name);
        let elements: Vec<Element<'_>> = image.elements().map(|at| at.element).collect();
        let writer = Writer::new(*image.header(), &elements).expect("fits");
        let mut bytes = vec![0; writer.encoded_len()];
        writer.encode(&mut bytes).expect("room");
        assert_eq!(bytes, image.bytes(), "{}", sample.name);
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
        assert_eq!(error.item, Item::Elements, "{}", sample.name);
        let head = size(&sample.expected["header"]["header_length"]);
        let total = size(&sample.expected["header"]["total_image_size"]);
        match (sample.layout(), error.kind) {
            // The element is whole, and the two bytes that its length leaves out are left over.
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
fn the_strict_reading_takes_exactly_the_strict_files() {
    for sample in samples(true) {
        let strict = sample.expected["strict"] == true;
        assert_eq!(Image::parse(&sample.bytes).is_ok(), strict, "{}", sample.name);
    }
}

#[test]
fn files_of_other_kinds_are_known_by_their_first_bytes() {
    for sample in samples(false) {
        let error = Image::parse_prefix(&sample.bytes).expect_err(&sample.name);
        assert!(matches!(error.kind, DecodeErrorKind::BadMagic { .. }), "{}: {error}", sample.name);
    }
}
