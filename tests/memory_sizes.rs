//! Memory sizes of client and verifier on the host, so that growth shows in any test run. The bounds for
//! microcontrollers with 32-bit pointers are asserted by the library when it is built for one (`src/client/mod.rs`);
//! they are smaller, because pointers and offsets are smaller.

use zigbee_ota::client::{Client, ClientConfig};

#[test]
fn a_client_is_small() {
    let with_settings = [size_of::<Client>(), size_of::<Client<0>>(), size_of::<ClientConfig>()];
    let without = [size_of::<Client<8, &ClientConfig>>(), size_of::<Client<0, &ClientConfig>>()];
    let sizes = with_settings.into_iter().chain(without);
    for (size, most) in sizes.zip([1056, 864, 184, 880, 688]) {
        assert!(size <= most, "{size} bytes, above {most}");
    }
}

/// A device verifies while it holds little else.
#[test]
fn a_verifier_is_small() {
    let size = size_of::<zigbee_ota::signature::Verifier<'_>>();
    assert!(size <= 608, "{size}");
}
