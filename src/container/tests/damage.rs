//! Containers with a changed byte or a missing end.

use std::ops::Range;

use sha2::{Digest, Sha256};

use super::*;

/// Returns three copies of `bytes`, each with another change of the byte at `place`.
fn changed(bytes: &[u8], place: usize) -> impl Iterator<Item = Vec<u8>> + use<> {
    let bytes = bytes.to_vec();
    [0x01, 0x80, 0xff].into_iter().map(move |flip| {
        let mut changed = bytes.clone();
        changed[place] ^= flip;
        changed
    })
}

fn integrity(bytes: &[u8]) -> ContainerIntegrity {
    Container::open(bytes).unwrap().integrity
}

fn fails_at(kind: ContainerKind, bytes: &[u8], places: Range<usize>, offset: usize) {
    for place in places {
        for bytes in changed(bytes, place) {
            let container = Container::open(&bytes).unwrap();
            assert_eq!(container.kind, kind, "byte {place}");
            assert_eq!(container.integrity, ContainerIntegrity::ChecksumFailed { offset }, "byte {place}");
            assert_eq!(all_bytes(&container), bytes);
        }
    }
}

/// Changes every field by which a container is recognised, and the total image size of the OTA header.
#[test]
fn a_header_with_a_changed_field_is_not_recognised() {
    let all = [
        // Of the chunk size, only the upper bytes: N contradicts them. The next test changes the lowest byte.
        (ikea as Build, std::vec![0..32, 33..40, 136..140, 188..192]),
        (legrand, std::vec![0..8, 56..60, 74..75]),
        (sonoff, std::vec![0..2, 0x48..0x50, 0x58..0x68, 152..156]),
        (nxp, std::vec![0..8]),
        (third_reality, std::vec![68..72, 152..156, 204..208]),
    ];
    for (build, fields) in all {
        let bytes = build(&ota());
        for place in fields.into_iter().flatten() {
            for bytes in changed(&bytes, place) {
                assert!(bad_magic(&bytes), "byte {place}");
            }
        }
    }
}

#[test]
fn a_chunk_size_that_contradicts_n_is_not_recognised_and_another_fails() {
    let mut bytes = ikea(&ota());
    for (size, integrity) in [
        (32, Some(ContainerIntegrity::Verified)),
        (24, Some(ContainerIntegrity::ChecksumFailed { offset: 40 })),
        (34, Some(ContainerIntegrity::ChecksumFailed { offset: 40 })),
        (0, None),
        (23, None),
        (35, None),
    ] {
        bytes[32] = size;
        assert_eq!(Container::open(&bytes).ok().map(|container| container.integrity), integrity, "{size}");
    }
}

#[test]
fn a_trailer_with_a_changed_byte_is_not_recognised() {
    for build in [salus, sdevices] {
        let bytes = build(&ota());
        for place in 0..bytes.len() {
            for bytes in changed(&bytes, place) {
                let container = Container::open(&bytes);
                assert!(
                    container.is_err() || container.is_ok_and(|found| found.kind == ContainerKind::None),
                    "{place}"
                );
            }
        }
        for bytes in [&bytes[..bytes.len() - 1], &[&bytes[..], &[0xff]].concat()] {
            assert_eq!(Container::open(bytes).unwrap().kind, ContainerKind::None);
        }
    }
}

/// A file with a matching CRC in its last four bytes is no container if other bytes than the padding of SDevices are
/// between the OTA file and the CRC.
#[test]
fn a_trailer_needs_its_length_and_its_padding() {
    let with_crcs = |summed: &[u8]| {
        let crc = crc32(summed);
        [crc, !crc].map(|sum| [summed, &sum.to_le_bytes()].concat())
    };
    let ota = ota();
    let zeros = [0; 10];
    for padding in [&zeros[..], &[0xff; 9], &[0xff; 11], &[0xff; 26]] {
        for bytes in with_crcs(&[&ota, padding].concat()) {
            assert_eq!(Container::open(&bytes).unwrap().kind, ContainerKind::None, "{padding:?}");
        }
    }
    // An OTA file of 70 bytes needs padding for SDevices, one of 80 bytes does not.
    let kinds = |ota: &[u8]| with_crcs(ota).map(|bytes| Container::open(&bytes).unwrap().kind);
    assert_eq!(kinds(&ota), [ContainerKind::SalusCrc32, ContainerKind::None]);
    assert_eq!(kinds(&file(&[3; 18])), [ContainerKind::SalusCrc32, ContainerKind::SdevicesCrc32]);
}

#[test]
fn an_ikea_container_fails_at_its_first_wrong_chunk() {
    let bytes = ikea(&ota());
    for sum in [40, 72, 104] {
        fails_at(ContainerKind::IkeaNgis, &bytes, sum..sum + 32, sum);
    }
    // Without bytes 0 to 9 and 52 to 55, which show an OTA file and its size.
    for (places, sum) in [(146..168, 40), (168..188, 72), (192..200, 72), (200..206, 104)] {
        fails_at(ContainerKind::IkeaNgis, &bytes, places, sum);
    }
    let mut two = bytes;
    two[73] ^= 1;
    two[205] ^= 1;
    assert_eq!(integrity(&two), ContainerIntegrity::ChecksumFailed { offset: 72 });
}

#[test]
fn a_sonoff_container_fails_at_its_first_wrong_crc() {
    let bytes = sonoff(&ota());
    fails_at(ContainerKind::Sonoff100, &bytes, 0x02..0x18, 0x14);
    fails_at(ContainerKind::Sonoff100, &bytes, 0x18..0x48, 0x54);
    fails_at(ContainerKind::Sonoff100, &bytes, 0x50..0x54, 0x50);
    fails_at(ContainerKind::Sonoff100, &bytes, 0x54..0x58, 0x54);
    fails_at(ContainerKind::Sonoff100, &bytes, 156..170, 0x50);
    let mut two = bytes;
    two[0x55] ^= 1;
    two[165] ^= 1;
    assert_eq!(integrity(&two), ContainerIntegrity::ChecksumFailed { offset: 0x50 });
}

#[test]
fn a_truncated_container_is_recognised_if_its_headers_are_complete() {
    // Offset of the first checksum over missing bytes, when `present` bytes of the OTA file are there.
    let sum = |kind, present| match kind {
        ContainerKind::IkeaNgis => ContainerIntegrity::ChecksumFailed { offset: 40 + 32 * (present / 32) },
        ContainerKind::Sonoff100 => ContainerIntegrity::ChecksumFailed { offset: 0x50 },
        _ => ContainerIntegrity::NoChecksum,
    };
    for kind in [ContainerKind::IkeaNgis, ContainerKind::LegrandLength, ContainerKind::Sonoff100] {
        let (_, build, offset) = KINDS.into_iter().find(|(other, ..)| *other == kind).unwrap();
        let bytes = build(&ota());
        for present in 0..70 {
            let cut = &bytes[..offset + present];
            match Container::open(cut) {
                Ok(container) => {
                    assert!(present >= 56, "{kind}");
                    let (before, ota) = cut.split_at(offset);
                    let expected = Container { kind, before, ota, after: &[], integrity: sum(kind, present) };
                    assert_eq!(container, expected);
                }
                Err(_) => assert!(present < 56 && bad_magic(cut), "{kind} {present}"),
            }
        }
        for end in offset + 70..bytes.len() {
            let container = Container::open(&bytes[..end]).unwrap();
            assert_eq!((container.kind, container.ota), (kind, &ota()[..]));
            assert_eq!(container.integrity, integrity(&bytes));
        }
    }
}

/// A checksum that matches the bytes present does not make a truncated file complete.
#[test]
fn a_checksum_of_a_truncated_file_fails() {
    let ota = ota();
    let mut bytes = ikea(&ota);
    bytes[104..136].copy_from_slice(&Sha256::digest(&ota[64..67]));
    assert_eq!(integrity(&bytes[..136 + 67]), ContainerIntegrity::ChecksumFailed { offset: 104 });
    let mut bytes = sonoff(&ota);
    bytes[0x50..0x54].copy_from_slice(&crc32(&ota[..67]).to_be_bytes());
    let sum = crc32(&bytes[0x18..0x54]);
    bytes[0x54..0x58].copy_from_slice(&sum.to_be_bytes());
    assert_eq!(integrity(&bytes[..100 + 67]), ContainerIntegrity::ChecksumFailed { offset: 0x50 });
}

/// Shows: FLD-074
#[test]
fn a_third_reality_container_with_another_changed_byte_fails() {
    let bytes = third_reality(&ota());
    for places in [0..68, 72..152, 156..204, 208..bytes.len()] {
        for place in places {
            for bytes in changed(&bytes, place) {
                // Some changes make the OTA header unreadable.
                if let Ok(container) = Container::open(&bytes) {
                    let failed = ContainerIntegrity::ChecksumFailed { offset: 0 };
                    assert_eq!(
                        (container.kind, container.integrity),
                        (ContainerKind::ThirdReality, failed),
                        "{place}"
                    );
                }
            }
        }
    }
    let cut = &bytes[..bytes.len() - 1];
    assert_eq!(integrity(cut), ContainerIntegrity::ChecksumFailed { offset: 0 });
}

/// An OTA file after one of the two known first words of an NXP flash image is a container. If another word precedes
/// the OTA file, or if any bytes follow the OTA file, the input is no container.
///
/// Shows: FLD-074
#[test]
fn the_first_word_of_a_flash_image_is_a_container() {
    let file = ota();
    for (word, kind) in [
        ([0x07, 0x03, 0x00, 0x08], Some(ContainerKind::NxpFlashWord)),
        ([0x0f, 0x03, 0x00, 0x0b], Some(ContainerKind::NxpFlashWord)),
        ([0x07, 0x03, 0x00, 0x0b], None),
    ] {
        let bytes = [&word, &file[..]].concat();
        assert_eq!(Container::open(&bytes).ok().map(|container| container.kind), kind, "{word:?}");
        assert!(bad_magic(&[&bytes[..], &[0]].concat()));
        // As any container with a header, it is recognised when the OTA file is cut.
        let cut = Container::open(&bytes[..73]).ok();
        assert_eq!(cut.map(|container| (container.kind, container.ota.len())), kind.map(|kind| (kind, 69)));
    }
}

/// `Container::open` refuses an IKEA container with ten consistent words and matching checksums if its OTA header has a
/// smaller total image size than the ten words give for the OTA file.
///
/// Shows: FLD-074
#[test]
fn an_ikea_container_with_another_total_is_not_opened_and_is_recognised() {
    let mut file = ota();
    file[52] = 60;
    let bytes = ikea(&file);
    assert!(bad_magic(&bytes));
    assert_eq!(with_other_total(&bytes), Some(OtherTotal { offset: 136, total_size: 60, size: 70 }));
    assert_eq!(with_other_total(&ikea(&ota())), None);
    // Each word, each hash, and each byte of the file.
    for place in (0..32).chain(33..206) {
        for bytes in changed(&bytes, place) {
            assert_eq!(with_other_total(&bytes), None, "byte {place}");
        }
    }
    assert_eq!(with_other_total(&bytes[..200]), None);
}
