//! What holds of a client whatever happens to it. The laws are shared with a fuzz target.

use proptest::collection::vec;
use proptest::prelude::*;

use properties::client::any_life;

#[path = "common/properties"]
mod properties {
    pub mod client;
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn a_client_never_stalls_and_never_takes_a_wrong_image(happenings in vec(any::<u8>(), 0..400)) {
        any_life(&happenings);
    }
}

/// The world of these laws is one in which an upgrade can be had, of every kind of device.
#[test]
fn the_world_lets_a_client_upgrade() {
    for kind in 0..=u8::MAX {
        for more in 0..8 {
            let mut happenings = vec![kind, more];
            happenings.extend([0; 200]);
            assert!(any_life(&happenings) > 0, "{kind:#010b} {more}");
        }
    }
}
