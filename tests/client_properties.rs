//! Property test of the client: rules that hold after any sequence of inputs. The rules are shared with the fuzz target
//! `client`.

use proptest::collection::vec;
use proptest::prelude::*;

use properties::client::any_inputs;

#[path = "common/properties"]
mod properties {
    pub mod client;
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn a_client_never_stalls_and_never_takes_a_wrong_image(inputs in vec(any::<u8>(), 0..400)) {
        any_inputs(&inputs);
    }
}

/// The simulated environment must allow upgrades of every kind of device; otherwise the rules would hold trivially.
#[test]
fn the_environment_allows_upgrades_of_every_kind() {
    for kind in 0..=u8::MAX {
        for more in 0..8 {
            let mut inputs = vec![kind, more];
            inputs.extend([0; 200]);
            assert!(any_inputs(&inputs) > 0, "{kind:#010b} {more}");
        }
    }
}
