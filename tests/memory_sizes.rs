//! What the machines cost in memory. The bounds that count are those of microcontrollers, with pointers of 32 bits, and
//! are asserted by the library itself whenever it is built for one (`src/client/mod.rs`). Here the host is held to
//! figures of its own, so that growth shows in any test run: they differ by what an error's offset takes.

use zigbee_ota::client::{Client, ClientConfig};

#[test]
fn a_client_is_small() {
    let sizes = [size_of::<Client>(), size_of::<Client<0>>(), size_of::<ClientConfig>()];
    for (size, most) in sizes.into_iter().zip([664, 504, 128]) {
        assert!(size <= most, "{sizes:?}");
    }
}

/// A device verifies while it has little else to hold.
#[test]
fn a_verifier_is_small() {
    let size = size_of::<zigbee_ota::signature::Verifier<'_>>();
    assert!(size <= 608, "{size}");
}
