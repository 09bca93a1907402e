//! Containers of vendors' files, compared with the results of an independent reader; and properties of containers.

use proptest::collection::vec;
use proptest::prelude::*;
use zigbee_ota::DecodeErrorKind;
use zigbee_ota::container::{Container, ContainerIntegrity, ContainerKind};

use properties::container::any_bytes;
use vendor_corpus::{Sample, samples};

#[path = "common/properties"]
mod properties {
    pub mod container;
}

#[path = "common/vendor_corpus.rs"]
mod vendor_corpus;

#[test]
fn containers_agree_with_an_independent_reader() {
    for sample in samples().iter().filter(|sample| sample.is_ota()) {
        let (Sample { name, expected, .. }, bytes) =
            (sample, std::fs::read(&sample.path).expect("a file of the list"));
        let container = Container::open(&bytes).expect(name);
        let found = &expected["container"];
        assert_eq!(found["kind"], container.kind.name(), "{name}");
        assert_eq!(found["offset"], container.before.len(), "{name}");
        let integrity = match container.kind {
            ContainerKind::None | ContainerKind::LegrandLength => ContainerIntegrity::NoChecksum,
            _ => ContainerIntegrity::Verified,
        };
        assert_eq!(container.integrity, integrity, "{name}");
        if container.kind != ContainerKind::None {
            assert_eq!(expected["header"]["total_image_size"], container.ota.len(), "{name}");
        }
        any_bytes(&bytes);
    }
}

#[test]
fn files_of_other_kinds_are_no_containers() {
    for sample in samples().iter().filter(|sample| !sample.is_ota()) {
        let (name, bytes) = (&sample.name, std::fs::read(&sample.path).expect("a file of the list"));
        let error = Container::open(&bytes).expect_err(name);
        assert!(matches!(error.kind, DecodeErrorKind::BadMagic { .. }), "{name}: {error}");
        any_bytes(&bytes);
    }
}

#[test]
fn a_flipped_bit_of_the_payload_shows_in_every_container_with_checksums() {
    for sample in samples() {
        let (name, mut bytes) = (&sample.name, std::fs::read(&sample.path).expect("a file of the list"));
        let Ok(Container { kind, before, ota, .. }) = Container::open(&bytes) else { continue };
        let (start, len) = (before.len(), ota.len());
        for place in [100, len / 2, len - 1].map(|place| start + place) {
            bytes[place] ^= 0x10;
            let flipped = Container::open(&bytes).expect(name);
            match kind {
                ContainerKind::IkeaNgis | ContainerKind::Sonoff100 => {
                    assert_eq!(flipped.kind, kind, "{name}");
                    assert!(matches!(flipped.integrity, ContainerIntegrity::ChecksumFailed { .. }), "{name}");
                }
                ContainerKind::SalusCrc32 | ContainerKind::SdevicesCrc32 => {
                    assert_eq!(flipped.kind, ContainerKind::None, "{name}")
                }
                _ => {
                    assert_eq!(
                        (flipped.kind, flipped.integrity),
                        (kind, ContainerIntegrity::NoChecksum),
                        "{name}"
                    )
                }
            }
            bytes[place] ^= 0x10;
        }
    }
}

proptest! {
    /// Contains a valid OTA header, so that more than the first bytes are tested.
    #[test]
    fn any_bytes_are_a_container_or_an_error(
        mut bytes in vec(any::<u8>(), 0..300),
        place in 0..120_usize,
        total in 50..300_u32,
        length in any::<bool>(),
    ) {
        let mut put = |place, bytes_there: &[u8]| {
            if let Some(room) = bytes.get_mut(place..place + bytes_there.len()) {
                room.copy_from_slice(bytes_there);
            }
        };
        if length {
            put(0, &total.to_le_bytes());
        }
        let place = if length { 4 } else { place };
        put(place, &[0x1e, 0xf1, 0xee, 0x0b, 0, 1, 56, 0, 0, 0]);
        put(place + 52, &total.to_le_bytes());
        any_bytes(&bytes);
    }
}
