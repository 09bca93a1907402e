//! Findings about payloads.

use zigbee_ota::ImageId;
use zigbee_ota::inspect::{FindingKind, Inspection, Severity};

use crate::bitwise_reference_checksums::register;
use crate::payload_builders::{cc2530, code, random, telink, xz};
use crate::{ID, file, file_of, found, only};

/// Shows: FLD-073
#[test]
fn a_doubtful_payload_is_doubtful_and_another_is_not() {
    let mut hashed = xz(true).bytes;
    hashed[20] ^= 4;
    let finding = only(&file(&[(0, &hashed)]));
    assert_eq!((finding.severity, finding.offset), (Severity::Doubtful, 62));
    assert!(
        finding.to_string().starts_with("the payload (xz) of element 0 is doubtful: its sum does not match")
    );
    assert!(!Inspection::of(&file(&[(0, &hashed)])).is_regular());
    // Nothing vouches for a form that is not known, or for encrypted bytes; that alone makes nobody doubt.
    for payload in [code(3000), random(3000)] {
        assert_eq!(found(&file(&[(0, &payload)])), []);
    }
}

/// OTA file around a Telink image, whose header has the identity that the image says.
fn telink_file(elements: &[(u16, &[u8])]) -> Vec<u8> {
    file_of(ImageId::new(0x1002, 0x0409, 5), elements)
}

/// Shows: FLD-072
#[test]
fn what_a_telink_device_refuses_is_told() {
    let mut unmarked = telink("", 8).bytes;
    unmarked[6..8].fill(0xff);
    let finding = only(&telink_file(&[(0, &unmarked)]));
    assert_eq!((finding.severity, finding.kind.name()), (Severity::Doubtful, "payload-checksum-not-added"));
    assert!(finding.to_string().contains("Telink's SDK refuses it"), "{finding}");

    let image = telink("", 8).bytes;
    let padded = [&image[..], &[0xff; 12]].concat();
    let finding = only(&telink_file(&[(0, &padded)]));
    assert_eq!((finding.severity, finding.offset), (Severity::Doubtful, 62 + 304));
    assert!(
        finding.to_string().contains("12 bytes after the Telink image of element 0 are in no sum"),
        "{finding}"
    );

    let mut summed = [&image[..], &code(20)].concat();
    summed.extend(register(!0, &summed).to_le_bytes());
    assert_eq!(found(&telink_file(&[(0, &summed)])), []);
    summed[310] ^= 1;
    let finding = only(&telink_file(&[(0, &summed)]));
    assert_eq!((finding.severity, finding.kind.name()), (Severity::Wrong, "after-telink-image"));
    assert!(finding.to_string().contains("of the whole element, CRC-32 at byte 386 says"), "{finding}");
    // Both sums fail, and both are told.
    summed[100] ^= 1;
    let names: Vec<_> = found(&telink_file(&[(0, &summed)])).into_iter().map(|(_, name, _)| name).collect();
    assert_eq!(names, ["payload-damaged", "after-telink-image"]);
}

/// Shows: FLD-076
#[test]
fn a_file_wrapped_twice_is_told() {
    let inner = file(&[(0, &code(90))]);
    let finding = only(&file(&[(0, &inner)]));
    assert_eq!(finding.severity, Severity::Doubtful);
    assert!(finding.to_string().contains("wrapped twice"), "{finding}");
    // Salus ships files inside files, of another identity.
    for id in [(0x1001, 0x00ab, 6), (0x1001, 0x00ac, 5), (0x1002, 0x00ab, 5)] {
        let other = file_of(ImageId::new(id.0, id.1, id.2), &[(0, &inner)]);
        assert!(
            Inspection::of(&other).findings().all(|finding| finding.severity == Severity::Note),
            "{id:?}"
        );
    }
}

/// Shows: FLD-083
#[test]
fn a_payload_that_contradicts_the_header_is_noted() {
    let payload = cc2530().bytes;
    assert_eq!(found(&file(&[(0, &payload)])), []);
    let bytes = file_of(ImageId { version: zigbee_ota::FileVersion(7), ..ID }, &[(0, &payload)]);
    let finding = only(&bytes);
    assert_eq!((finding.severity, finding.is_irregularity()), (Severity::Note, false));
    assert_eq!(
        finding.to_string(),
        "the payload of element 0 says version 0x00000005, and the OTA header says 1001-00AB-00000007"
    );
    assert!(matches!(finding.kind, FindingKind::PayloadContradictsHeader { manufacturer: None, .. }));
}

/// More payloads than an inspection keeps.
#[test]
fn all_payloads_of_a_file_are_inspected() {
    let image = telink("", 8).bytes;
    let mut elements: Vec<(u16, &[u8])> = (0xf000..0xf020).map(|tag| (tag, &image[..])).collect();
    let damaged = [&image[..200], &[0x55], &image[201..]].concat();
    elements.push((0, &damaged));
    let bytes = telink_file(&elements);
    let inspection = Inspection::of(&bytes);
    assert_eq!(inspection.payloads().count(), 33);
    let finding = only(&bytes);
    assert!(finding.to_string().contains("(telink_knlt) of element 32 is damaged"), "{finding}");
    assert!(inspection.uncovered().count() > 32);
}

/// A flipped bit in the magic bytes of a payload is told where the checksum proves it, and only there.
#[test]
fn one_wrong_magic_byte_is_told_if_the_checksum_is_right_otherwise() {
    use crate::payload_builders::{gbl, mcuboot};
    for (name, payload, place) in [
        ("gbl", gbl(0, &[0xfe01_01fe]).bytes, 1),
        ("telink", telink("", 8).bytes, 9),
        ("mcuboot", mcuboot().bytes, 2),
        // The flags, with a bit that says that the image is encrypted.
        ("mcuboot", mcuboot().bytes, 16),
    ] {
        let marked = |bytes: &[u8]| {
            let all = found(&file(&[(0, bytes)]));
            all.into_iter().find(|(_, name, _)| *name == "payload-mark")
        };
        assert_eq!(marked(&payload), None, "{name}");
        let mut wrong = payload.clone();
        wrong[place] ^= 4;
        assert_eq!(marked(&wrong), Some((Severity::Wrong, "payload-mark", 62 + place)), "{name}");
        let last = wrong.len() - 1;
        for other in [40, last] {
            let mut twice = wrong.clone();
            twice[other] ^= 4;
            // A signature after the bytes of the checksum proves nothing, and changes nothing.
            let is_covered = name != "mcuboot" || other != last;
            assert_eq!(marked(&twice).is_none(), is_covered, "{name}, byte {other}");
        }
    }
}
