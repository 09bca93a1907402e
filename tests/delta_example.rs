//! Tests of the example `delta`: patches that are applied while they are downloaded.

use std::process::Command;

use proptest::collection::vec;
use proptest::prelude::*;
use zigbee_ota::file::{Element, FileHeader, FileWriter, Tag};
use zigbee_ota::{Encode, ImageId};

use patch_applier::{Applier, Fault};
use patch_format::{HEAD_LEN, TAG, make};

#[path = "common/example_binaries.rs"]
mod example_binaries;
#[path = "../examples/delta/patch_applier.rs"]
mod patch_applier;
#[path = "../examples/delta/patch_format.rs"]
mod patch_format;

/// Offset of the element's data: header, tag and length.
const BEFORE: usize = 56 + 6;

fn file(tag: Tag, data: &[u8]) -> Vec<u8> {
    let header = FileHeader::new(ImageId::new(0x1001, 0x00ab, 2));
    FileWriter::new(header, &[Element { tag, data }]).expect("small").to_vec()
}

/// Returns the contents of the second slot after `file` arrived in pieces of `piece` bytes.
fn apply_to(old: &[u8], file: &[u8], piece: usize) -> Result<Vec<u8>, Fault> {
    let mut applier = Applier::new(old);
    file.chunks(piece).try_for_each(|piece| applier.take(piece))?;
    applier.finish()
}

/// Returns `old` with some ranges moved and changed.
fn changed(old: &[u8], changes: &[(usize, usize, u8)]) -> Vec<u8> {
    let mut new = old.to_vec();
    for (from, len, what) in changes {
        let from = from % (new.len() + 1);
        let piece: Vec<u8> = new.drain(from..new.len().min(from + len)).collect();
        match what % 4 {
            0 => new.splice(new.len() / 2..new.len() / 2, piece).for_each(drop),
            1 => new.splice(from..from, piece.iter().map(|byte| byte.wrapping_add(*what))).for_each(drop),
            2 => new.extend(piece.iter().chain(&piece)),
            _ => {}
        }
    }
    new
}

#[test]
fn the_example_upgrades_and_prints_the_saving() {
    let output = Command::new(example_binaries::example("delta")).output().expect("it runs");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(output.status.success() && text.ends_with("identical: yes\n"), "{text}");
    let number = |line: &str| {
        let line = text.lines().find_map(|found| found.strip_prefix(line)).expect(line);
        line.split_whitespace().next().expect("a number").parse::<f64>().expect("a number")
    };
    assert!(number("file with the patch: ") < number("file with the firmware: ") / 4.0, "{text}");
    assert!(number("saved: ") > 75.0, "{text}");
    // Limit that the example states: a deflate decoder with 4 KB, and one page.
    assert!(number("memory of the device: ") < 16_384.0, "{text}");
}

#[test]
fn patches_for_other_firmware_are_refused() {
    let old = vec![7; 3000];
    let new = changed(&old, &[(100, 500, 1)]);
    let element = make(&old, &new);
    let good = file(TAG, &element);
    assert_eq!(apply_to(&old, &good, 64), Ok(new.clone()));
    assert_eq!(apply_to(&new, &good, 64), Err(Fault::OtherFirmware));
    assert_eq!(
        apply_to(&old, &file(Tag::UPGRADE_IMAGE, &new), 64),
        Err(Fault::OtherElement(Tag::UPGRADE_IMAGE))
    );
    assert_eq!(apply_to(&old, &good[..good.len() - 1], 64), Err(Fault::File));
    assert_eq!(apply_to(&old, &file(TAG, &element[..element.len() - 1]), 64), Err(Fault::Damaged));
    assert_eq!(apply_to(&old, &file(TAG, &[&element[..], &[0]].concat()), 64), Err(Fault::Damaged));
    // The size of a slot is 512 KB.
    let large = vec![7; 512 * 1024 + 1];
    assert_eq!(apply_to(&old, &file(TAG, &make(&old, &large)), 64), Err(Fault::TooLong));
    let fits = &large[1..];
    assert_eq!(apply_to(&old, &file(TAG, &make(&old, fits)), 64).as_deref(), Ok(fits));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_patch_between_any_two_versions_applies_in_any_pieces(
        old in vec(any::<u8>(), 0..12_000),
        changes in vec((any::<usize>(), 1..3000_usize, any::<u8>()), 0..8),
        piece in 1..300_usize,
    ) {
        let new = changed(&old, &changes);
        prop_assert_eq!(apply_to(&old, &file(TAG, &make(&old, &new)), piece), Ok(new));
    }

    /// A corrupted byte in the deflated stream may be harmless, but must never produce other firmware.
    #[test]
    fn no_damage_makes_another_firmware(
        old in vec(any::<u8>(), 1..3000),
        changes in vec((any::<usize>(), 1..1000_usize, any::<u8>()), 1..5),
        place in any::<prop::sample::Index>(),
        flip in 1..=255_u8,
    ) {
        let new = changed(&old, &changes);
        let mut damaged = file(TAG, &make(&old, &new));
        let place = BEFORE + place.index(damaged.len() - BEFORE);
        damaged[place] ^= flip;
        match apply_to(&old, &damaged, 50) {
            Ok(found) => prop_assert!(found == new && place >= BEFORE + HEAD_LEN),
            Err(fault) => prop_assert!(fault != Fault::File),
        }
    }

    /// Patch steps that leave the old firmware or never end.
    #[test]
    fn any_steps_end_in_a_fault(steps in vec(any::<[u8; 24]>(), 0..4), small: bool, bytes in vec(any::<u8>(), 0..200)) {
        let old = [1, 2, 3];
        let mut patch: Vec<u8> = steps.concat();
        if small {
            patch.iter_mut().enumerate().filter(|(place, _)| place % 8 != 0).for_each(|(_, byte)| *byte = 0);
        }
        patch.extend(bytes);
        let mut element = make(&old, &old)[..HEAD_LEN].to_vec();
        element.extend(miniz_oxide::deflate::compress_to_vec(&patch, 6));
        if let Ok(found) = apply_to(&old, &file(TAG, &element), 64) {
            prop_assert_eq!(found, old);
        }
    }
}
