//! Headers: hardware versions, identity, irregular fields; bytes around the file.

use zigbee_ota::file::{Element, FileHeader, FileWriter, Tag};
use zigbee_ota::inspect::{Inspection, Severity};
use zigbee_ota::{Encode, Eui64, HardwareRange, HardwareVersion, ImageId};

use crate::containers::{ikea, legrand, nxp, salus, sdevices, sonoff, third_reality};
use crate::payload_builders::code;
use crate::{ID, file, file_of, found, only};

fn with_header(header: FileHeader<'_>) -> Vec<u8> {
    let data = code(9);
    let elements = [Element { tag: Tag::UPGRADE_IMAGE, data: &data }];
    FileWriter::new(header, &elements).expect("small").to_vec()
}

/// Shows: FLD-086
#[test]
fn hardware_versions_that_suit_no_device_are_wrong() {
    let range = HardwareRange { min: HardwareVersion(2), max: HardwareVersion(5) };
    let mut bytes = with_header(FileHeader::new(ID).with_hardware(range));
    assert_eq!(found(&bytes), []);
    bytes[56] = 6;
    let finding = only(&bytes);
    assert_eq!((finding.severity, finding.offset), (Severity::Wrong, 56));
    assert_eq!(
        finding.to_string(),
        "minimum hardware version 0x0006 above the maximum 0x0005: suits no device"
    );
}

#[test]
fn an_identity_that_stands_for_any_is_doubtful() {
    for id in [ImageId::new(0xffff, 1, 1), ImageId::new(1, 0xffff, 1), ImageId::new(1, 1, u32::MAX)] {
        assert_eq!(
            found(&file_of(id, &[(0, &code(9))])),
            [(Severity::Doubtful, "wildcard-identity", 10)],
            "{id}"
        );
    }
}

#[test]
fn a_file_for_one_device_is_noted_and_is_regular() {
    let bytes = with_header(FileHeader::new(ID).with_destination(Eui64(0x0123_4567_89ab_cdef)));
    let finding = only(&bytes);
    assert_eq!((finding.severity, finding.is_irregularity()), (Severity::Note, false));
    assert!(finding.to_string().contains("01:23:45:67:89:AB:CD:EF"), "{finding}");
    assert!(Inspection::of(&bytes).is_regular());
    let mut missing = file(&[(0, &code(9))]);
    missing[8] = 2;
    assert_eq!(found(&missing), [(Severity::Note, "destination-missing", 8)]);
}

#[test]
fn irregular_header_fields_are_noted() {
    for (place, byte, name, offset) in [
        (5, 0x01, None, 0),
        (4, 0x05, Some("other-minor-version"), 4),
        (9, 0x80, Some("reserved-bits"), 8),
        (20, 0x07, Some("string-control-characters"), 20),
        (20, 0xff, Some("string-not-utf8"), 20),
        (30, b'x', Some("string-after-nul"), 20),
    ] {
        let mut bytes = file(&[(0, &code(9))]);
        bytes[place] = byte;
        let all = found(&bytes);
        assert_eq!(
            all,
            name.map(|name| (Severity::Note, name, offset)).into_iter().collect::<Vec<_>>(),
            "{place}"
        );
    }
}

/// Shows: FLD-074
#[test]
fn a_file_in_a_container_is_regular_but_for_the_container() {
    let ota = file(&[(0, &code(90))]);
    for (bytes, offset) in [
        (ikea(&ota), 200),
        (legrand(&ota), 4),
        (sonoff(&ota), 100),
        (nxp(&ota), 4),
        (third_reality(&ota), 152),
        (salus(&ota), 0),
        (sdevices(&ota), 0),
    ] {
        assert_eq!(found(&bytes), [(Severity::Note, "in-container", offset)]);
        assert!(!Inspection::of(&bytes).is_regular());
    }
}

/// A flipped bit hides the containers that only their CRC marks.
#[test]
fn a_trailer_that_is_no_crc_is_doubtful() {
    let ota = file(&[(0, &code(90))]);
    for (bytes, count) in [(salus(&ota), 4), (sdevices(&ota), 12)] {
        for place in [14, 100, bytes.len() - 1] {
            let mut bytes = bytes.clone();
            bytes[place] ^= 1;
            let finding = only(&bytes);
            assert_eq!((finding.severity, finding.offset), (Severity::Doubtful, 152), "{finding}");
            let text = finding.to_string();
            assert!(text.starts_with(&format!("{count} bytes after the total image size")), "{text}");
            assert!(text.contains("as long as the CRC-32 that some makers append"), "{text}");
        }
    }
    assert_eq!(found(&[&ota[..], &[0; 3]].concat()), [(Severity::Note, "trailing-bytes", 152)]);
    let two = [&ota[..], &ota].concat();
    assert!(only(&two).to_string().contains("another OTA header"));
}

/// Offsets count from the first byte of the input.
///
/// Shows: FLD-077
#[test]
fn offsets_count_from_the_first_byte_given() {
    let mut gbl = crate::payload_builders::gbl(0, &[0xfe01_01fe]).bytes;
    gbl[30] ^= 1;
    let ota = file(&[(0xf001, &code(10)), (0, &gbl)]);
    let crc = gbl.len() - 4;
    for (bytes, base) in [(ota.clone(), 0), (legrand(&ota), 4)] {
        let inspection = Inspection::of(&bytes);
        let finding = inspection.findings().last().expect("damage");
        let place = base + 56 + 16 + 6 + crc;
        assert_eq!(finding.offset, place);
        assert_eq!(bytes[place..][..4], gbl[crc..]);
        let says = u32::from_le_bytes(gbl[crc..].try_into().expect("four bytes"));
        let gives = crate::crc32(&gbl[..crc]);
        let text = format!("CRC-32 at byte {place} says {says:#010x}, its bytes give {gives:#010x}");
        assert!(finding.to_string().ends_with(&text), "{finding}");
    }
}

#[test]
fn severities_have_names_that_fill_a_column() {
    let all = [Severity::Note, Severity::Doubtful, Severity::Wrong];
    assert_eq!(all.map(Severity::name), ["note", "doubtful", "wrong"]);
    assert_eq!(all.map(|severity| format!("{severity:8}|")), ["note    |", "doubtful|", "wrong   |"]);
}
