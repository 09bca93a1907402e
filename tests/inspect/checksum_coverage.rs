//! Tests of the coverage: each byte in a reported range is covered by a checksum, and all other bytes are reported as
//! uncovered.

use zigbee_ota::file::Image;
use zigbee_ota::inspect::{CoveringChecksum, Inspection, Severity};
use zigbee_ota::signature::integrity::IntegrityCode;

use crate::bitwise_reference_checksums::register;
use crate::containers::{ikea, salus, sdevices, sonoff, third_reality};
use crate::payload_builders::{code, nordic, telink, with_checksum};
use crate::{file, file_of};

const FLIPS: [u8; 3] = [0x01, 0x80, 0xff];

/// Returns the number of bytes that a checksum covers. Changes each of them, and demands that the change is found; demands
/// that the ranges with and without a checksum are all bytes.
#[track_caller]
fn covered(name: &str, mut bytes: Vec<u8>) -> usize {
    let mut is_covered = vec![false; bytes.len()];
    let inspection = Inspection::of(&bytes);
    assert!(inspection.worst() < Some(Severity::Doubtful), "{name}");
    for covered in inspection.coverage() {
        is_covered[covered.range].fill(true);
    }
    let mut end = 0;
    for range in inspection.uncovered() {
        assert!(range.start >= end && range.end > range.start, "{name}");
        end = range.end;
        let count = range.len();
        assert_eq!(is_covered[range].iter().filter(|covered| !**covered).count(), count, "{name}");
    }
    let uncovered: usize = inspection.uncovered().map(|range| range.len()).sum();
    let count = is_covered.iter().filter(|covered| **covered).count();
    assert_eq!(count + uncovered, bytes.len(), "{name}");
    for (place, _) in is_covered.iter().enumerate().filter(|(_, covered)| **covered) {
        for flip in FLIPS {
            bytes[place] ^= flip;
            let worst = Inspection::of(&bytes).worst();
            assert!(worst >= Some(Severity::Doubtful), "{name}: byte {place} ^ {flip:#04x}: {worst:?}");
            bytes[place] ^= flip;
        }
    }
    count
}

/// Shows: FLD-072, FLD-073
#[test]
fn every_change_of_a_covered_byte_of_a_payload_is_found() {
    for built in with_checksum() {
        for tag in [0, 0xf001] {
            let count = covered(built.name, file(&[(tag, &built.bytes)]));
            let expected: usize = built.covered.iter().map(std::iter::ExactSizeIterator::len).sum();
            assert_eq!(count, expected, "{} in an element {tag:#06x}", built.name);
        }
    }
    let mut element = [&telink("", 8).bytes[..], &code(30)].concat();
    element.extend(register(!0, &element).to_le_bytes());
    assert_eq!(covered("telink, longer element", file(&[(0, &element)])), element.len());
    let firmware = code(700);
    assert_eq!(covered("nordic", file(&[(0, &nordic(&firmware, true)), (0, &firmware)])), 700);
    let mut table = code(60);
    table.extend(register(0, &table).to_le_bytes());
    let id = zigbee_ota::ImageId::new(0x110c, 0x00ab, 5);
    assert_eq!(covered("osram", file_of(id, &[(0xff52, &table)])), 64);
}

#[test]
fn every_change_of_a_covered_byte_of_a_container_is_found() {
    let ota = file(&[(0, &code(90))]);
    for (name, bytes, uncovered) in [
        ("ikea", ikea(&ota), 40 + 9),
        ("sonoff", sonoff(&ota), 12),
        ("third reality", third_reality(&ota), 0),
        ("salus", salus(&ota), 0),
        ("sdevices", sdevices(&ota), 0),
    ] {
        let all = bytes.len();
        assert_eq!(covered(name, bytes), all - uncovered, "{name}");
    }
}

#[test]
fn every_change_of_a_byte_before_an_integrity_code_is_found() {
    let plain = file(&[(0, &code(200)), (0xf001, &code(7))]);
    let mut sealed = vec![0; plain.len() + IntegrityCode::LEN];
    IntegrityCode::append(&plain, &mut sealed).expect("room");
    assert!(Image::parse(&sealed).is_ok());
    // All but tag and length of the code's element.
    assert_eq!(covered("integrity code", sealed.clone()), sealed.len() - 6);
    let inspection = Inspection::of(&sealed);
    let checksums: Vec<_> = inspection.coverage().map(|covered| covered.checksum).collect();
    assert!(matches!(
        checksums[..],
        [CoveringChecksum::IntegrityCode(_), CoveringChecksum::IntegrityCode(_)]
    ));
    assert_eq!(checksums[0].to_string(), "integrity code (before-element)");
    assert!(inspection.uncovered().eq(std::iter::once(plain.len()..plain.len() + 6)));
}

/// Without a checksum, all bytes are reported as uncovered.
#[test]
fn bytes_in_no_checksum_are_told() {
    let bytes = file(&[(0, &code(40))]);
    assert!(Inspection::of(&bytes).uncovered().eq(std::iter::once(0..bytes.len())));
    let text = b"not an OTA file";
    assert!(Inspection::of(text).uncovered().eq(std::iter::once(0..text.len())));
    assert_eq!(Inspection::of(&[]).uncovered().count(), 0);
}
