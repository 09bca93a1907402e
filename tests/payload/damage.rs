//! Damaged payloads are found, and no other payload is called damaged.

use zigbee_ota::payload::{
    ChecksumKind, Damage, DamageKind, PayloadKind, PayloadReport, PayloadState, UnknownReason,
};

use crate::bitwise_reference_checksums::{register, sha256};
use crate::sample_builders::{
    BuiltPayload, code, dresden, ebl, esp, gbl, gbl4, jn51xx_swapped, jn514x, jn518x, mcuboot, oad, random,
    telink, with_checksum, xz,
};

/// Values to xor a byte with; each such change must be found.
const FLIPS: [u8; 3] = [0x01, 0x80, 0xff];

#[test]
fn every_change_of_a_byte_that_a_checksum_covers_is_found() {
    for BuiltPayload { name, mut bytes, covered, marks, .. } in with_checksum() {
        for place in covered.into_iter().flatten() {
            for flip in FLIPS {
                bytes[place] ^= flip;
                let PayloadReport { state, .. } = PayloadReport::of(&bytes);
                let hidden = marks.iter().any(|mark| mark.contains(&place));
                let found = matches!(state, PayloadState::Damaged(_))
                    || hidden && matches!(state, PayloadState::Unknown(_) | PayloadState::Encrypted);
                assert!(found, "{name}: byte {place} ^ {flip:#04x}: {state}");
                bytes[place] ^= flip;
            }
        }
    }
}

#[test]
fn a_truncated_payload_is_never_whole() {
    for BuiltPayload { name, bytes, .. } in with_checksum() {
        for len in 0..bytes.len() {
            let state = PayloadReport::of(&bytes[..len]).state;
            assert!(!matches!(state, PayloadState::Whole(_)), "{name}, {len} bytes: {state}");
        }
    }
}

#[test]
fn padding_does_not_damage() {
    for BuiltPayload { name, bytes, whole, .. } in with_checksum() {
        for fill in [0x00, 0xff] {
            for count in [1, 2, 3, 4, 15, 31, 32, 33, 64, 5000] {
                let padded = [&bytes[..], &vec![fill; count]].concat();
                let state = PayloadReport::of(&padded).state;
                assert!(
                    !matches!(state, PayloadState::Damaged(_)),
                    "{name} + {count} of {fill:#04x}: {state}"
                );
                // Padding does not change the state of formats with a length of their own.
                let own = ["gbl", "ebl", "encrypted ebl", "telink tc32", "esp, hashed", "oad", "mcuboot"];
                if own.contains(&name) {
                    assert!(whole && matches!(state, PayloadState::Whole(_)), "{name} + {count}: {state}");
                }
            }
        }
    }
}

#[track_caller]
fn damage(bytes: &[u8]) -> Damage {
    match PayloadReport::of(bytes).state {
        PayloadState::Damaged(damage) => damage,
        state => panic!("{state}"),
    }
}

/// `bytes` with the byte at `place` changed.
fn flipped(mut bytes: Vec<u8>, place: usize) -> Vec<u8> {
    bytes[place] ^= 0x10;
    bytes
}

#[test]
fn damage_has_checksum_offset_and_values() {
    let bytes = flipped(gbl(0, &[0xfe01_01fe]).bytes, 30);
    let (end, sum) = bytes.split_last_chunk().expect("a sum");
    let kind = DamageKind::Checksum {
        checksum: ChecksumKind::Crc32,
        expected: u32::from_le_bytes(*sum),
        found: crate::bitwise_reference_checksums::crc32(end),
    };
    assert_eq!(damage(&bytes), Damage { offset: end.len(), kind });

    let cut = DamageKind::Truncated { needed: 48, present: 30 };
    assert_eq!(damage(&gbl(0, &[0xfe01_01fe]).bytes[..46]), Damage { offset: 16, kind: cut });
    assert_eq!(
        damage(&gbl(0, &[0xfe01_01fe]).bytes[..64]),
        Damage { offset: 64, kind: DamageKind::NoEndTag }
    );
    assert_eq!(
        PayloadReport::of(&ebl().bytes[..200]).state.to_string(),
        "cut short at byte 144 of the payload: 74 bytes expected, 56 present"
    );
    assert_eq!(
        PayloadReport::of(&telink("", 8).bytes[..290]).state.to_string(),
        "cut short at byte 0 of the payload: 304 bytes expected, 290 present"
    );

    // The checksum of the data is compared before the SHA-256 of all bytes.
    let esp = esp(true).bytes;
    let Damage { offset, kind } = damage(&flipped(esp.clone(), 300));
    assert_eq!(offset, esp.len() - 33);
    assert!(matches!(kind, DamageKind::Checksum { checksum: ChecksumKind::Xor, .. }), "{kind:?}");
    let Damage { offset, kind } = damage(&flipped(esp.clone(), 4));
    assert_eq!(offset, esp.len() - 32);
    assert!(matches!(kind, DamageKind::Checksum { checksum: ChecksumKind::Sha256, .. }), "{kind:?}");
    let text = PayloadReport::of(&flipped(mcuboot().bytes, 100)).state.to_string();
    assert!(
        text.starts_with("SHA-256 at byte 240 of the payload says ...") && text.ends_with("..."),
        "{text}"
    );
}

/// A checksum that was never set, a length of the uncompressed image, an unknown flag.
#[test]
fn payloads_that_may_be_a_variant_are_not_called_damaged() {
    let is_ambiguous = |bytes: &[u8]| {
        let state = PayloadReport::of(bytes).state;
        assert!(matches!(state, PayloadState::Unknown(_)), "{state}");
    };
    // No flag shows that Telink's tool added a CRC.
    let mut unsummed = flipped(telink("", 8).bytes, 200);
    unsummed[6] = 0;
    is_ambiguous(&unsummed);
    // The build did not set the CRC.
    let mut unset = oad().bytes;
    unset[8..12].fill(0xff);
    is_ambiguous(&unset);
    let mut endless = unset;
    endless[24..28].fill(0xff);
    is_ambiguous(&endless);
    let mut sizeless = telink("", 8).bytes;
    sizeless[0x18..0x1c].fill(0xff);
    is_ambiguous(&sizeless);
    // Bytes other than padding follow the image.
    is_ambiguous(&[&flipped(oad().bytes, 300)[..], &code(8)].concat());
    // The length is that of the uncompressed image, and all bytes after the header look random.
    let mut generator = fastrand::Rng::with_seed(9);
    let mut compressed = oad().bytes;
    compressed.extend(std::iter::repeat_with(|| generator.u8(..)).take(8000));
    compressed[24..28].copy_from_slice(&[0, 0, 1, 0]);
    is_ambiguous(&compressed);
    // A flag of a later MCUboot.
    let mut flagged = mcuboot().bytes;
    flagged[17] = 4;
    is_ambiguous(&flagged);
    // 32 bytes after a stream need not be its SHA-256.
    let stream = xz(false).bytes;
    is_ambiguous(&[&stream[..], &sha256(b"another")].concat());
    is_ambiguous(&flipped(xz(true).bytes, 30));
    // Nor after an ESP image whose flag says that it has none.
    is_ambiguous(&[&esp(false).bytes[..], &sha256(b"another")].concat());
}

/// Formats without a checksum whose length shows that they are cut.
///
/// Shows: FLD-084
#[test]
fn a_payload_shorter_than_its_length_says_is_cut() {
    let jn51xx = [
        &[0x12, 0x34, 0x56, 0x78, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88][..],
        &[0; 20],
        &[0, 0, 0, 200],
        &code(164),
    ]
    .concat();
    for bytes in [dresden(), gbl4(), jn51xx_swapped(), jn51xx, jn518x().bytes] {
        let whole = PayloadReport::of(&bytes);
        assert!(matches!(whole.state, PayloadState::Unknown(_)), "{}: {whole}", whole.kind);
        // Padding is no damage.
        let padded = [&bytes[..], &[0xff; 20]].concat();
        assert!(matches!(PayloadReport::of(&padded).state, PayloadState::Unknown(_)), "{}", whole.kind);
        for cut in [1, 2, 20] {
            let report = PayloadReport::of(&bytes[..bytes.len() - cut]);
            let PayloadState::Damaged(Damage { kind: DamageKind::Truncated { needed, present }, .. }) =
                report.state
            else {
                panic!("{}: {report}", whole.kind)
            };
            assert_eq!((report.kind, needed, present), (whole.kind, bytes.len(), bytes.len() - cut));
        }
    }
    // Without an OTA header inside, the length itself is the mark of a JN514x image.
    let jn514x = jn514x(0x1100);
    assert_eq!(PayloadReport::of(&jn514x[..199]).kind, PayloadKind::Unknown);
    // Of an encrypted JN518x image, only the header says where the boot block was.
    let mut encrypted = jn518x().bytes;
    encrypted.truncate(44);
    encrypted.extend(random(300));
    let cut = Damage { offset: 0, kind: DamageKind::Truncated { needed: 400, present: 344 } };
    assert_eq!(PayloadReport::of(&encrypted).state, PayloadState::Damaged(cut));
}

/// Telink's client takes the last four bytes of the element as the CRC-32 of all before them.
///
/// Shows: FLD-072
#[test]
fn bytes_after_a_telink_image_are_in_the_second_checksum() {
    let image = telink("", 8).bytes;
    let mut element = [&image[..], &code(30)].concat();
    element.extend(register(!0, &element).to_le_bytes());
    let report = PayloadReport::of(&element);
    assert_eq!(report.element_state, Some(PayloadState::Whole(ChecksumKind::Crc32)));
    assert!(
        matches!(report.state, PayloadState::Whole(_))
            && report.covered_ranges(&element).eq(std::iter::once(0..338))
    );
    for place in image.len()..element.len() {
        element[place] ^= 0x10;
        let PayloadState::Damaged(damage) = PayloadReport::of(&element).state else { panic!("byte {place}") };
        assert_eq!(damage.offset, element.len() - 4, "byte {place}");
        element[place] ^= 0x10;
    }
    // The CRC of the image fails first.
    element[100] ^= 1;
    assert_eq!(damage(&element).offset, image.len() - 4);
    // Padding is in no checksum, and the image alone is whole.
    let padded = [&image[..], &[0xff; 30]].concat();
    let report = PayloadReport::of(&padded);
    assert_eq!(report.element_state, Some(PayloadState::Unknown(UnknownReason::NoChecksum)));
    assert!(
        matches!(report.state, PayloadState::Whole(_))
            && report.covered_ranges(&padded).eq(std::iter::once(0..304))
    );
    assert_eq!(PayloadReport::of(&image).element_state, None);
}

/// Shows: FLD-072
#[test]
fn a_telink_image_without_a_crc_is_named() {
    let mut image = telink("", 8).bytes;
    image[6..8].fill(0);
    let report = PayloadReport::of(&image);
    assert_eq!(report.state, PayloadState::Unknown(UnknownReason::ChecksumNotAdded));
    assert!(report.to_string().contains("built without its checksum"), "{report}");
}
