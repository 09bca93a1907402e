//! Tests of the module `payload`, with vendors' files and with payloads built here.

use proptest::collection::vec;
use proptest::prelude::*;
use zigbee_ota::payload::{PayloadKind, PayloadReport, PayloadState};

use properties::any_bytes;
use sample_builders::{BuiltPayload, with_checksum};

#[path = "../common/properties/payload.rs"]
mod properties;
#[path = "../common/vendor_corpus.rs"]
mod vendor_corpus;

mod bitwise_reference_checksums;
mod damage;
mod edge_cases;
mod formats_and_metadata;
mod payloads_in_files;
mod sample_builders;
mod vendor_files;

proptest! {
    /// Starts with the bytes of a valid payload, so that more than the first bytes are tested.
    #[test]
    fn any_bytes_have_a_report(
        which in 0..with_checksum().len(),
        keep in 0..400_usize,
        tail in vec(any::<u8>(), 0..200),
        place in 0..400_usize,
        flip: u8,
    ) {
        let BuiltPayload { mut bytes, .. } = with_checksum().swap_remove(which);
        bytes.truncate(keep);
        bytes.extend(tail);
        if let Some(byte) = bytes.get_mut(place) {
            *byte ^= flip;
        }
        any_bytes(&bytes);
    }
}

#[test]
fn every_payload_with_a_checksum_is_whole() {
    for BuiltPayload { name, kind, bytes, whole, .. } in with_checksum() {
        let report = PayloadReport::of(&bytes);
        assert_eq!((PayloadKind::of(&bytes), report.kind), (kind, kind), "{name}");
        match report.state {
            PayloadState::Whole(_) => assert!(whole, "{name}"),
            PayloadState::Unknown(_) => assert!(!whole, "{name}: {report}"),
            _ => panic!("{name}: {report}"),
        }
        any_bytes(&bytes);
    }
}
