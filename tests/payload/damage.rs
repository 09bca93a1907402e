//! Damaged payloads are found, and no other payload is called damaged.

use zigbee_ota::payload::{ChecksumKind, Damage, DamageKind, PayloadReport, PayloadState};

use crate::reference_checksums::sha256;
use crate::sample_builders::{BuiltPayload, code, ebl, esp, gbl, mcuboot, oad, telink, with_checksum, xz};

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
        found: crate::reference_checksums::crc32(end),
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
        "cut short at byte 144: 74 bytes expected, 56 found"
    );
    assert_eq!(
        PayloadReport::of(&telink("", 8).bytes[..290]).state.to_string(),
        "cut short at byte 0: 304 bytes expected, 290 found"
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
    assert!(text.starts_with("SHA-256 at byte 240: ...") && text.ends_with("... found"), "{text}");
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
