//! Containers of every kind around a small OTA file, built from the tables of the module documentation.

mod damage;
mod sample_builders;

use std::string::ToString;
use std::vec::Vec;

use sample_builders::{ikea, legrand, nxp, salus, sdevices, sonoff, third_reality};

use super::*;
use crate::DecodeErrorKind;
use crate::codec::Encode;
use crate::crc::crc32;
use crate::file::{Element, FileWriter, Tag};
use crate::types::ImageId;

/// Returns the OTA file of 70 bytes that most of the tested containers contain.
fn ota() -> Vec<u8> {
    file(&[1, 2, 3, 4, 5, 6, 7, 8])
}

fn file(data: &[u8]) -> Vec<u8> {
    let header = FileHeader::new(ImageId::new(0x1001, 0x00ab, 5));
    let elements = [Element { tag: Tag::UPGRADE_IMAGE, data }];
    let writer = FileWriter::new(header, &elements).unwrap();
    let mut bytes = std::vec![0; writer.encoded_len()];
    writer.encode(&mut bytes).unwrap();
    bytes
}

type Build = fn(&[u8]) -> Vec<u8>;

/// Every kind of container, its builder, and the offset of the OTA file of 70 bytes in the container.
const KINDS: [(ContainerKind, Build, usize); 8] = [
    (ContainerKind::None, <[u8]>::to_vec, 0),
    (ContainerKind::IkeaNgis, ikea, 136),
    (ContainerKind::LegrandLength, legrand, 4),
    (ContainerKind::Sonoff100, sonoff, 100),
    (ContainerKind::NxpFlashWord, nxp, 4),
    (ContainerKind::ThirdReality, third_reality, 152),
    (ContainerKind::SalusCrc32, salus, 0),
    (ContainerKind::SdevicesCrc32, sdevices, 0),
];

fn all_bytes(container: &Container<'_>) -> Vec<u8> {
    [container.before, container.ota, container.after].concat()
}

fn bad_magic(bytes: &[u8]) -> bool {
    let found = u32::from_le_bytes(bytes[..4].try_into().unwrap());
    let kind = DecodeErrorKind::BadMagic { found };
    Container::open(bytes).is_err_and(|error| (error.offset, error.kind) == (0, kind))
}

#[test]
fn every_kind_is_recognised_and_verified() {
    for (kind, build, offset) in KINDS {
        // Sizes give chunks and padding of every length, including 0.
        for size in 0..70 {
            let ota = file(&std::vec![0xa5; size]);
            let bytes = build(&ota);
            let container = Container::open(&bytes).unwrap();
            assert_eq!((container.kind, container.ota), (kind, &ota[..]), "{kind} {size}");
            assert_eq!(all_bytes(&container), bytes);
            let has_checksum = !matches!(
                kind,
                ContainerKind::None | ContainerKind::LegrandLength | ContainerKind::NxpFlashWord
            );
            let integrity =
                if has_checksum { ContainerIntegrity::Verified } else { ContainerIntegrity::NoChecksum };
            assert_eq!(container.integrity, integrity, "{kind} {size}");
            if size == 8 {
                assert_eq!(container.before.len(), offset, "{kind}");
            }
        }
    }
}

#[test]
fn display_writes_the_name() {
    let names = KINDS.map(|(kind, ..)| kind.name());
    let expected = [
        "none",
        "ikea-ngis",
        "legrand-length",
        "sonoff-100",
        "nxp-flash-word",
        "third-reality",
        "salus-crc32",
        "sdevices-crc32",
    ];
    assert_eq!(names, expected);
    assert_eq!(KINDS.map(|(kind, ..)| kind.to_string()), names);
    let integrities = [
        ContainerIntegrity::Verified,
        ContainerIntegrity::ChecksumFailed { offset: 7 },
        ContainerIntegrity::NoChecksum,
    ];
    assert_eq!(integrities.map(ContainerIntegrity::name), ["verified", "sum-failed", "no-sum"]);
    assert_eq!(integrities.map(|integrity| integrity.to_string()), integrities.map(ContainerIntegrity::name));
}

/// Shows: FILE-070
#[test]
fn bytes_before_a_file_are_no_container_but_give_a_candidate() {
    let bytes = [&[0x77; 20], &ota()[..]].concat();
    assert!(bad_magic(&bytes));
    let found: Vec<_> = candidates(&bytes).collect();
    let (header, _) = FileHeader::parse_lenient(&bytes[20..]).unwrap();
    assert_eq!(found, [Candidate { offset: 20, header }]);
}

#[test]
fn a_file_inside_an_element_is_no_container() {
    for (kind, build, _) in KINDS {
        let nested = build(&ota());
        let outer = file(&nested);
        let container = Container::open(&outer).unwrap();
        assert_eq!((container.kind, container.ota), (ContainerKind::None, &outer[..]), "{kind}");
        let offsets: Vec<_> = candidates(&outer).map(|candidate| candidate.offset).collect();
        let inner = Container::open(&nested).unwrap().before.len();
        assert_eq!(offsets, [0, 62 + inner], "{kind}");
    }
}

#[test]
fn without_a_container_all_bytes_are_the_file() {
    let whole = ota();
    for bytes in [&whole[..69], &[&whole[..], &[0x5a; 33]].concat(), &[&whole[..], &whole].concat()] {
        let container = Container::open(bytes).unwrap();
        assert_eq!((container.kind, container.ota), (ContainerKind::None, bytes));
        assert_eq!(container.integrity, ContainerIntegrity::NoChecksum);
    }
}

#[test]
fn every_truncation_is_an_error_or_keeps_all_bytes() {
    for (_, build, _) in KINDS {
        let bytes = build(&ota());
        for cut in 0..bytes.len() {
            let cut = &bytes[..cut];
            if let Ok(container) = Container::open(cut) {
                assert_eq!(all_bytes(&container), cut);
                assert!(FileHeader::parse_lenient(container.ota).is_ok());
            }
            assert!(candidates(cut).count() <= 1);
        }
    }
}

#[test]
fn candidates_are_readable_headers_in_ascending_order() {
    let file = ota();
    let mut wrong_version = file.clone();
    wrong_version[5] = 2;
    // The header at the end is truncated, and 1E F1 before the second file is no identifier.
    let bytes = [&file[..], &wrong_version, &[0x1e, 0xf1], &file, &file[..55]].concat();
    let mut candidates = candidates(&bytes);
    assert_eq!(candidates.by_ref().map(|candidate| candidate.offset).collect::<Vec<_>>(), [0, 142]);
    assert_eq!(candidates.next(), None);
    assert_eq!(super::candidates(&[0x1e, 0xf1, 0xee]).next(), None);
}
