//! Tests of the module `inspect`: findings about hand-made files and vendors' files.

use std::fmt::Write;

use proptest::collection::vec;
use proptest::prelude::*;
use zigbee_ota::file::{Element, FileHeader, FileWriter, Tag};
use zigbee_ota::inspect::{Finding, Inspection, Severity};
use zigbee_ota::{Encode, ImageId};

use bitwise_reference_checksums::crc32;

#[path = "../payload/bitwise_reference_checksums.rs"]
mod bitwise_reference_checksums;
mod checksum_coverage;
#[path = "../../src/container/tests/sample_builders.rs"]
mod containers;
mod elements_and_raw_bodies;
mod headers;
mod other_file_types;
#[path = "../payload/sample_builders.rs"]
#[expect(dead_code, reason = "the tests of payloads use all of it")]
mod payload_builders;
mod payloads;
#[path = "../common/properties/inspect.rs"]
mod properties;
#[path = "../common/vendor_corpus.rs"]
mod vendor_corpus;
mod vendor_files;

/// Builder of a container around an OTA file.
type Build = fn(&[u8]) -> Vec<u8>;

proptest! {
    /// Starts with the bytes of a file in a container or of a valid payload, so that more than the first bytes are tested.
    #[test]
    fn any_bytes_can_be_inspected(
        which in 0..14_usize,
        keep in 0..700_usize,
        tail in vec(any::<u8>(), 0..60),
        place in 0..700_usize,
        flip: u8,
    ) {
        use payload_builders::{esp, gbl, telink};
        let ota = file(&[(0xf001, &[1, 2, 3]), (0, &telink("", 8).bytes), (0, &gbl(0, &[0xfe01_01fe]).bytes)]);
        let builds: [Build; 7] = [
            containers::ikea,
            containers::legrand,
            containers::sonoff,
            containers::nxp,
            containers::third_reality,
            containers::salus,
            containers::sdevices,
        ];
        let mut bytes = match builds.get(which) {
            Some(build) => build(&ota),
            None if which < 10 => ota,
            None if which < 12 => with_body(&esp(true).bytes),
            None => esp(false).bytes,
        };
        bytes.truncate(keep);
        bytes.extend(tail);
        if let Some(byte) = bytes.get_mut(place) {
            *byte ^= flip;
        }
        properties::any_bytes(&bytes);
    }
}

pub const ID: ImageId = ImageId::new(0x1001, 0x00ab, 5);

/// OTA file with these elements.
pub fn file(elements: &[(u16, &[u8])]) -> Vec<u8> {
    file_of(ID, elements)
}

pub fn file_of(id: ImageId, elements: &[(u16, &[u8])]) -> Vec<u8> {
    let elements: Vec<_> = elements.iter().map(|(tag, data)| Element { tag: Tag(*tag), data }).collect();
    FileWriter::new(FileHeader::new(id), &elements).expect("small").to_vec()
}

/// OTA file with this body, which need not be elements.
pub fn with_body(body: &[u8]) -> Vec<u8> {
    let mut file = file(&[]);
    let total = u32::try_from(file.len() + body.len()).expect("small");
    file[52..56].copy_from_slice(&total.to_le_bytes());
    [&file[..], body].concat()
}

/// Severity, name and offset of each finding.
pub fn found(bytes: &[u8]) -> Vec<(Severity, &'static str, usize)> {
    let inspection = Inspection::of(bytes);
    inspection.findings().map(|finding| (finding.severity, finding.kind.name(), finding.offset)).collect()
}

/// The only finding of these bytes.
#[track_caller]
pub fn only(bytes: &[u8]) -> Finding {
    let all: Vec<Finding> = Inspection::of(bytes).findings().collect();
    let mut texts = String::new();
    all.iter().for_each(|finding| writeln!(texts, "{}: {finding}", finding.severity).expect("room"));
    let [finding] = all[..] else { panic!("not one finding:\n{texts}") };
    finding
}
