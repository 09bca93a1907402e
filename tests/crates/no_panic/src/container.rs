//! Calls of container detection: containers with their checksums, and candidates.

use core::hint::black_box;

use zigbee_ota::container::{Container, candidates};

use crate::Bytes;

pub(crate) fn call(bytes: &Bytes<'_>) {
    if let Ok(container) = black_box(Container::open(bytes.input)) {
        black_box((container.kind.name(), container.integrity.name()));
    }
    for candidate in candidates(bytes.input) {
        black_box(candidate);
    }
}
