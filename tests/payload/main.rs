//! Payloads: recognised, whole or damaged; those of vendors' files and some made here.

use proptest::collection::vec;
use proptest::prelude::*;
use zigbee_ota::payload::{PayloadKind, PayloadReport, PayloadState};

use made::{Made, all};
use properties::any_bytes;

#[path = "../common/properties/payload.rs"]
mod properties;
#[path = "../common/vendor_corpus.rs"]
mod vendor_corpus;

mod corpus;
mod damage;
mod edges;
mod files;
mod kinds;
mod made;
mod sums;

proptest! {
    /// The start of a payload, so that not all is refused by its first bytes.
    #[test]
    fn any_bytes_have_a_verdict(
        which in 0..all().len(),
        keep in 0..400_usize,
        tail in vec(any::<u8>(), 0..200),
        place in 0..400_usize,
        flip: u8,
    ) {
        let Made { mut bytes, .. } = all().swap_remove(which);
        bytes.truncate(keep);
        bytes.extend(tail);
        if let Some(byte) = bytes.get_mut(place) {
            *byte ^= flip;
        }
        any_bytes(&bytes);
    }
}

#[test]
fn every_kind_with_a_sum_is_whole_as_it_was_made() {
    for Made { name, kind, bytes, whole, .. } in all() {
        let verdict = PayloadReport::of(&bytes);
        assert_eq!((PayloadKind::of(&bytes), verdict.kind), (kind, kind), "{name}");
        match verdict.state {
            PayloadState::Whole(_) => assert!(whole, "{name}"),
            PayloadState::Unknown(_) => assert!(!whole, "{name}: {verdict}"),
            _ => panic!("{name}: {verdict}"),
        }
        any_bytes(&bytes);
    }
}
