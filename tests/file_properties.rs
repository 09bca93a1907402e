//! Property tests of OTA files: encoding and decoding are inverses, and damage is detected. Tests and fuzz targets
//! share one generator: bytes that `arbitrary` turns into a header and elements.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use zigbee_ota::file::{ArbitraryFile, Element, FileHeader, Image, Tag};
use zigbee_ota::{Eui64, HardwareRange, HardwareVersion, ImageId, SecurityCredentialVersion};

use properties::encode_contract::bytes_of;
use properties::file::any_bytes;
use properties::file_stream::{any_split, sizes};
use properties::written_files::{any_sample, generated, round_trip, written};

#[path = "common/properties"]
mod properties {
    pub mod encode_contract;
    pub mod file;
    pub mod file_stream;
    pub mod written_files;
}

/// Calls `check` with every combination of optional header fields, with and without extra bytes, and bodies of several
/// shapes.
fn every_shape(mut check: impl FnMut(FileHeader<'_>, &[Element<'_>])) {
    let element = |tag, data| Element { tag: Tag(tag), data };
    let bodies: [&[Element<'_>]; 5] = [
        &[],
        &[element(0, &[1, 2, 3])],
        &[element(0, &[])],
        &[element(0, &[1]), element(0xf000, &[]), element(0, &[2, 3]), element(0, &[])],
        &[element(0xcdef, &[0; 7]), element(1, &[9; 50])],
    ];
    for bits in 0..16 {
        let mut header = FileHeader::new(ImageId::new(0x1001, 0x00ab, 0x1005_3519));
        header.credential = (bits & 1 != 0).then_some(SecurityCredentialVersion(0xa1));
        header.destination = (bits & 2 != 0).then_some(Eui64(0x0102_0304_0506_0708));
        header.hardware = (bits & 4 != 0)
            .then_some(HardwareRange { min: HardwareVersion(0x0101), max: HardwareVersion(0x0202) });
        header.extra = if bits & 8 != 0 { &[0xe1, 0xe2, 0xe3] } else { &[] };
        bodies.into_iter().for_each(|body| check(header, body));
    }
}

#[test]
fn every_combination_of_fields_round_trips() {
    every_shape(round_trip);
}

#[test]
fn every_truncation_is_an_error_with_both_lengths() {
    every_shape(|header, elements| {
        let file = written(header, elements);
        for present in 0..file.len() {
            let error = Image::parse(&file[..present]).expect_err("shorter than its total size");
            let (item, needed) = match present {
                0..56 => ("OTA header", 56),
                _ if present < header.header_len() => ("OTA header", header.header_len()),
                _ => ("OTA file", file.len()),
            };
            let kind = zigbee_ota::DecodeErrorKind::Truncated { needed, present };
            assert_eq!(error, zigbee_ota::DecodeError { item, offset: 0, kind });
        }
    });
}

#[test]
fn every_changed_byte_changes_the_value_or_fails() {
    every_shape(|header, elements| {
        let file = written(header, elements);
        let image = Image::parse(&file).expect("written by us");
        for (place, flip) in (0..file.len()).flat_map(|place| [0x01, 0x80, 0xff].map(|flip| (place, flip))) {
            let mut changed = file.clone();
            changed[place] ^= flip;
            if let Ok(other) = Image::parse(&changed) {
                let same = other.header() == image.header() && other.elements().eq(image.elements());
                assert!(!same, "byte {place} ^ {flip:#04x}");
            }
            any_bytes(&changed);
        }
    });
}

/// Shows: FILE-067
#[test]
fn lengths_beyond_all_memory_end_in_a_value_or_an_error() {
    let file =
        written(FileHeader::new(ImageId::new(1, 2, 3)), &[Element { tag: Tag(0xf000), data: &[0; 20] }]);
    let near = |most: u32| (0..70).map(move |less| most - less);
    let lengths = || near(u32::MAX).chain(near(0x8000_0046)).chain(near(70));
    for total in lengths() {
        for length in lengths() {
            let mut file = file.clone();
            file[52..56].copy_from_slice(&total.to_le_bytes());
            file[58..62].copy_from_slice(&length.to_le_bytes());
            any_bytes(&file);
            any_split(&file, || 7);
        }
    }
}

/// Shows: FILE-068
#[test]
fn every_split_reads_as_the_whole() {
    every_shape(|header, elements| {
        let file = written(header, elements);
        for first in 1..file.len() {
            let mut sizes = [first].into_iter();
            any_split(&file, || sizes.next().unwrap_or(usize::MAX));
            any_split(&file, || first);
        }
    });
}

/// The generator must reach every shape that the properties are about.
#[test]
fn the_generator_reaches_every_shape() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut seen = [[0; 2]; 4];
    let mut sizes = [0; 3];
    for _ in 0..1000 {
        let seed = vec(any::<u8>(), 0..600).new_tree(&mut runner).expect("never rejects").current();
        let (header, elements) = generated(&seed);
        let shapes = [
            header.credential.is_some(),
            header.destination.is_some(),
            header.hardware.is_some(),
            !header.extra.is_empty(),
        ];
        for (counts, there) in seen.iter_mut().zip(shapes) {
            counts[usize::from(there)] += 1;
        }
        sizes[elements.len().min(2)] += 1;
    }
    assert!(seen.iter().flatten().chain(&sizes).all(|count| *count > 50), "{seen:?} {sizes:?}");
}

proptest! {
    /// Shows: FILE-066, FILE-068
    #[test]
    fn samples_read_as_they_were_made(sample in any::<ArbitraryFile>(), seed: u64) {
        any_sample(&sample, seed);
    }

    #[test]
    fn any_bytes_read_alike_in_pieces(
        sample in any::<ArbitraryFile>(),
        place in any::<prop::sample::Index>(),
        flip: u8,
        len in any::<prop::sample::Index>(),
        seed: u64,
    ) {
        let mut file = sample.to_bytes();
        let place = place.index(file.len());
        file[place] ^= flip;
        file.truncate(len.index(file.len()) + 1);
        any_bytes(&file);
        any_split(&file, sizes(seed));
    }

    #[test]
    fn encoded_files_decode_to_the_same_value(seed in vec(any::<u8>(), 0..600)) {
        let (header, elements) = generated(&seed);
        round_trip(header, &elements);
    }

    #[test]
    fn a_header_alone_reads_back(seed in vec(any::<u8>(), 0..600), body in vec(any::<u8>(), 0..9)) {
        let (header, _) = generated(&seed);
        let bytes = [bytes_of(&header), body.clone()].concat();
        prop_assert_eq!(FileHeader::parse(&bytes), Ok((header, &body[..])));
        prop_assert_eq!(FileHeader::parse_lenient(&bytes), Ok((header, &body[..])));
    }

    #[test]
    fn any_change_is_visible_or_an_error(
        seed in vec(any::<u8>(), 0..300),
        place in any::<prop::sample::Index>(),
        flip in 1..=u8::MAX,
    ) {
        let (header, mut elements) = generated(&seed);
        elements.retain(|element| !element.tag.is_signature());
        let mut file = written(header, &elements);
        let place = place.index(file.len());
        file[place] ^= flip;
        // What decodes is encoded to the same bytes, so two different files never decode to the same value.
        any_bytes(&file);
    }

    #[test]
    fn any_bytes_after_an_identifier_end_in_a_value_or_an_error(
        bytes in vec(any::<u8>(), 0..200),
        control in 0..16_u8,
        length in 50..80_u8,
        total in 50..220_u8,
    ) {
        let mut file = bytes;
        let fixed = [(0, 0x1e), (1, 0xf1), (2, 0xee), (3, 0x0b), (5, 1), (7, 0), (9, 0), (53, 0), (54, 0), (55, 0)];
        for (place, byte) in fixed.into_iter().chain([(6, length), (8, control), (52, total)]) {
            file.get_mut(place).into_iter().for_each(|old| *old = byte);
        }
        any_bytes(&file);
    }
}
