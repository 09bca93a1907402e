//! What is damaged is found, and nothing else is called so.

use zigbee_ota::payload::{ChecksumKind, Damage, DamageKind, PayloadReport, PayloadState};

use crate::made::{Made, all, code, ebl, esp, gbl, mcuboot, oad, telink, xz};
use crate::sums::sha256;

/// Three ways to change a byte; any one of them must be found.
const FLIPS: [u8; 3] = [0x01, 0x80, 0xff];

#[test]
fn every_changed_byte_that_a_sum_covers_is_found() {
    for Made { name, mut bytes, covered, marks, .. } in all() {
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
fn what_is_cut_short_is_never_whole() {
    for Made { name, bytes, .. } in all() {
        for len in 0..bytes.len() {
            let state = PayloadReport::of(&bytes[..len]).state;
            assert!(!matches!(state, PayloadState::Whole(_)), "{name}, {len} bytes: {state}");
        }
    }
}

#[test]
fn padding_does_not_damage() {
    for Made { name, bytes, whole, .. } in all() {
        for fill in [0x00, 0xff] {
            for count in [1, 2, 3, 4, 15, 31, 32, 33, 64, 5000] {
                let padded = [&bytes[..], &vec![fill; count]].concat();
                let state = PayloadReport::of(&padded).state;
                assert!(
                    !matches!(state, PayloadState::Damaged(_)),
                    "{name} + {count} of {fill:#04x}: {state}"
                );
                // Formats that say their own length do not care at all.
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

/// Bytes of a payload whose byte at `place` was changed.
fn flipped(mut bytes: Vec<u8>, place: usize) -> Vec<u8> {
    bytes[place] ^= 0x10;
    bytes
}

#[test]
fn damage_says_which_sum_where_and_what() {
    let bytes = flipped(gbl(0, &[0xfe01_01fe]).bytes, 30);
    let (end, sum) = bytes.split_last_chunk().expect("a sum");
    let fault = DamageKind::Sum {
        sum: ChecksumKind::Crc32,
        expected: u32::from_le_bytes(*sum),
        found: crate::sums::crc32(end),
    };
    assert_eq!(damage(&bytes), Damage { offset: end.len(), fault });

    let cut = DamageKind::Cut { needed: 48, present: 30 };
    assert_eq!(damage(&gbl(0, &[0xfe01_01fe]).bytes[..46]), Damage { offset: 16, fault: cut });
    assert_eq!(damage(&gbl(0, &[0xfe01_01fe]).bytes[..64]), Damage { offset: 64, fault: DamageKind::NoEnd });
    assert_eq!(
        PayloadReport::of(&ebl().bytes[..200]).state.to_string(),
        "cut short at byte 144: 74 bytes expected, 56 found"
    );
    assert_eq!(
        PayloadReport::of(&telink("", 8).bytes[..290]).state.to_string(),
        "cut short at byte 0: 304 bytes expected, 290 found"
    );

    // The checksum of the data is looked at before the hash of all.
    let esp = esp(true).bytes;
    let Damage { offset, fault } = damage(&flipped(esp.clone(), 300));
    assert_eq!(offset, esp.len() - 33);
    assert!(matches!(fault, DamageKind::Sum { sum: ChecksumKind::Xor, .. }), "{fault:?}");
    let Damage { offset, fault } = damage(&flipped(esp.clone(), 4));
    assert_eq!(offset, esp.len() - 32);
    assert!(matches!(fault, DamageKind::Sum { sum: ChecksumKind::Sha256, .. }), "{fault:?}");
    let text = PayloadReport::of(&flipped(mcuboot().bytes, 100)).state.to_string();
    assert!(text.starts_with("SHA-256 at byte 240: ...") && text.ends_with("... found"), "{text}");
}

/// The same bytes with a sum that was never set, a length of what is packed, a flag that nobody knows.
#[test]
fn what_may_be_another_form_is_not_called_damaged() {
    let doubtful = |bytes: &[u8]| {
        let state = PayloadReport::of(bytes).state;
        assert!(matches!(state, PayloadState::Unknown(_)), "{state}");
    };
    // No flag says that Telink's tool added a sum.
    let mut unsummed = flipped(telink("", 8).bytes, 200);
    unsummed[6] = 0;
    doubtful(&unsummed);
    // The build never set the sum.
    let mut unset = oad().bytes;
    unset[8..12].fill(0xff);
    doubtful(&unset);
    let mut endless = unset;
    endless[24..28].fill(0xff);
    doubtful(&endless);
    let mut sizeless = telink("", 8).bytes;
    sizeless[0x18..0x1c].fill(0xff);
    doubtful(&sizeless);
    // Something follows that nobody accounts for.
    doubtful(&[&flipped(oad().bytes, 300)[..], &code(8)].concat());
    // As long as before it was packed: nothing but dice is there.
    let mut dice = fastrand::Rng::with_seed(9);
    let mut packed = oad().bytes;
    packed.extend(std::iter::repeat_with(|| dice.u8(..)).take(8000));
    packed[24..28].copy_from_slice(&[0, 0, 1, 0]);
    doubtful(&packed);
    // A flag of a later MCUboot.
    let mut flagged = mcuboot().bytes;
    flagged[17] = 4;
    doubtful(&flagged);
    // 32 bytes after a stream need not be its hash.
    let stream = xz(false).bytes;
    doubtful(&[&stream[..], &sha256(b"another")].concat());
    doubtful(&flipped(xz(true).bytes, 30));
    // Nor after an image that says it has none.
    doubtful(&[&esp(false).bytes[..], &sha256(b"another")].concat());
}
