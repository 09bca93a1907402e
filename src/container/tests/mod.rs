//! Containers of every kind around a tiny file, made here from the tables of the module.

mod damage;

use std::string::ToString;
use std::vec::Vec;

use sha2::{Digest, Sha256};

use super::*;
use crate::DecodeErrorKind;
use crate::codec::Encode;
use crate::file::{Element, Tag, Writer};
use crate::sum::crc32;
use crate::types::ImageId;

/// The one file of 70 bytes that most containers hold.
fn ota() -> Vec<u8> {
    file(&[1, 2, 3, 4, 5, 6, 7, 8])
}

fn file(data: &[u8]) -> Vec<u8> {
    let header = Header::new(ImageId::new(0x1001, 0x00ab, 5));
    let elements = [Element { tag: Tag::UPGRADE_IMAGE, data }];
    let writer = Writer::new(header, &elements).unwrap();
    let mut bytes = std::vec![0; writer.encoded_len()];
    writer.encode(&mut bytes).unwrap();
    bytes
}

fn len(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap()
}

/// Chunks of 32 bytes, so three of 70 bytes; 9 opaque bytes at the end.
fn ikea(ota: &[u8]) -> Vec<u8> {
    let sums: Vec<_> = ota.chunks(32).map(|chunk| Sha256::digest(chunk).to_vec()).collect();
    let count = u32::try_from(sums.len()).unwrap();
    let offset = 40 + 32 * count;
    let words = [12, 2010, offset - 12, offset, len(ota), offset + len(ota), 11, 32, count];
    let words = words.map(u32::to_le_bytes);
    [b"NGIS", words.as_flattened(), &sums.concat(), ota, &[0x5a; 9]].concat()
}

fn legrand(ota: &[u8]) -> Vec<u8> {
    [&len(ota).to_le_bytes(), ota, &[0], &[0x5a; 16]].concat()
}

fn sonoff(ota: &[u8]) -> Vec<u8> {
    let version = *b"\x03\x011.0.8\0\0\0\0\0\0\0\0\0\0\0\0\0";
    let mut model = [0; 0x3c];
    model[..13].copy_from_slice(b"GENERAL_MODEL");
    model[0x20..0x25].copy_from_slice(b"1.0.8");
    model[0x30..].copy_from_slice([100, len(ota), crc32(ota)].map(u32::to_be_bytes).as_flattened());
    let [version_sum, model_sum] = [&version[..], &model].map(|part| crc32(part).to_be_bytes());
    [&version[..], &version_sum, &model, &model_sum, &[0; 12], ota].concat()
}

fn salus(ota: &[u8]) -> Vec<u8> {
    [ota, &crc32(ota).to_le_bytes()].concat()
}

fn sdevices(ota: &[u8]) -> Vec<u8> {
    let padded = [ota, &[0xff; 15][..ota.len().next_multiple_of(16) - ota.len()]].concat();
    [&padded[..], &(!crc32(&padded)).to_le_bytes()].concat()
}

type Build = fn(&[u8]) -> Vec<u8>;

/// Every kind, and where the OTA file of 70 bytes stands in it.
const KINDS: [(Kind, Build, usize); 6] = [
    (Kind::None, <[u8]>::to_vec, 0),
    (Kind::IkeaNgis, ikea, 136),
    (Kind::LegrandLength, legrand, 4),
    (Kind::Sonoff100, sonoff, 100),
    (Kind::SalusCrc32, salus, 0),
    (Kind::SdevicesCrc32, sdevices, 0),
];

fn all_of(container: &Container<'_>) -> Vec<u8> {
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
        // Chunks and padding of every length, none at all among them.
        for size in 0..70 {
            let ota = file(&std::vec![0xa5; size]);
            let bytes = build(&ota);
            let container = Container::open(&bytes).unwrap();
            assert_eq!((container.kind, container.ota), (kind, &ota[..]), "{kind} {size}");
            assert_eq!(all_of(&container), bytes);
            let sums = !matches!(kind, Kind::None | Kind::LegrandLength);
            let integrity = if sums { Integrity::Verified } else { Integrity::NoSum };
            assert_eq!(container.integrity, integrity, "{kind} {size}");
            if size == 8 {
                assert_eq!(container.before.len(), offset, "{kind}");
            }
        }
    }
}

#[test]
fn names_are_what_is_displayed() {
    let names = KINDS.map(|(kind, ..)| kind.name());
    assert_eq!(names, ["none", "ikea-ngis", "legrand-length", "sonoff-100", "salus-crc32", "sdevices-crc32"]);
    assert_eq!(KINDS.map(|(kind, ..)| kind.to_string()), names);
    let sums = [Integrity::Verified, Integrity::SumFailed { offset: 7 }, Integrity::NoSum];
    assert_eq!(sums.map(Integrity::name), ["verified", "sum-failed", "no-sum"]);
    assert_eq!(sums.map(|sum| sum.to_string()), sums.map(Integrity::name));
}

/// Shows: FILE-070
#[test]
fn junk_before_a_file_is_no_container_but_gives_a_candidate() {
    let bytes = [&[0x77; 20], &ota()[..]].concat();
    assert!(bad_magic(&bytes));
    let found: Vec<_> = candidates(&bytes).collect();
    let (header, _) = Header::parse_lenient(&bytes[20..]).unwrap();
    assert_eq!(found, [Candidate { offset: 20, header }]);
}

#[test]
fn a_file_inside_an_element_is_no_container() {
    for (kind, build, _) in KINDS {
        let nested = build(&ota());
        let outer = file(&nested);
        let container = Container::open(&outer).unwrap();
        assert_eq!((container.kind, container.ota), (Kind::None, &outer[..]), "{kind}");
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
        assert_eq!((container.kind, container.ota), (Kind::None, bytes));
        assert_eq!(container.integrity, Integrity::NoSum);
    }
}

#[test]
fn every_cut_is_an_error_or_all_of_it() {
    for (_, build, _) in KINDS {
        let bytes = build(&ota());
        for cut in 0..bytes.len() {
            let cut = &bytes[..cut];
            if let Ok(container) = Container::open(cut) {
                assert_eq!(all_of(&container), cut);
                assert!(Header::parse_lenient(container.ota).is_ok());
            }
            assert!(candidates(cut).count() <= 1);
        }
    }
}

#[test]
fn candidates_are_readable_headers_only_and_in_order() {
    let file = ota();
    let mut wrong_version = file.clone();
    wrong_version[5] = 2;
    // Not a whole header at the end, and the first of two identifiers that overlap is none.
    let bytes = [&file[..], &wrong_version, &[0x1e, 0xf1], &file, &file[..55]].concat();
    let mut candidates = candidates(&bytes);
    assert_eq!(candidates.by_ref().map(|candidate| candidate.offset).collect::<Vec<_>>(), [0, 142]);
    assert_eq!(candidates.next(), None);
    assert_eq!(super::candidates(&[0x1e, 0xf1, 0xee]).next(), None);
}
