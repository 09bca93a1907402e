//! Properties of container detection and header candidates, for property tests and fuzz targets.

use zigbee_ota::container::{Container, ContainerIntegrity, ContainerKind, candidates};
use zigbee_ota::file::FileHeader;

/// Checks the properties for any bytes, with or without a container.
pub fn any_bytes(bytes: &[u8]) {
    let offsets = any_candidates(bytes);
    match Container::open(bytes) {
        Ok(container) => {
            any_container(bytes, &container);
            assert!(offsets.contains(&container.before.len()), "its header is a candidate");
        }
        Err(error) => assert_eq!(FileHeader::parse_lenient(bytes), Err(error)),
    }
}

fn any_container(bytes: &[u8], container: &Container<'_>) {
    let Container { kind, before, ota, after, integrity, .. } = *container;
    assert_eq!([before, ota, after].concat(), bytes);
    let (header, _) = FileHeader::parse_lenient(ota).expect("a readable header");
    let size = u32::try_from(ota.len()).expect("small");
    match kind {
        ContainerKind::None => {
            assert!(before.is_empty() && after.is_empty());
            assert_eq!(integrity, ContainerIntegrity::NoChecksum);
        }
        ContainerKind::SalusCrc32 | ContainerKind::SdevicesCrc32 => {
            assert!(before.is_empty() && (4..20).contains(&after.len()));
            assert_eq!((size, integrity), (header.total_size, ContainerIntegrity::Verified));
        }
        _ => {
            assert!(!before.is_empty() && size <= header.total_size);
            assert!(
                size == header.total_size || (after.is_empty() && integrity != ContainerIntegrity::Verified)
            );
        }
    }
    if let ContainerIntegrity::ChecksumFailed { offset } = integrity {
        assert!(offset < before.len(), "sums stand before the file, or the kind is known by them");
    }
}

/// Returns the candidates: ascending offsets, each with a decodable header.
fn any_candidates(bytes: &[u8]) -> Vec<usize> {
    let mut offsets = Vec::new();
    for candidate in candidates(bytes) {
        let read = FileHeader::parse_lenient(&bytes[candidate.offset..]).map(|(header, _)| header);
        assert_eq!(read, Ok(candidate.header));
        offsets.push(candidate.offset);
    }
    assert!(offsets.is_sorted_by(|a, b| a < b));
    offsets
}
