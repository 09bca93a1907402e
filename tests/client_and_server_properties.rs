//! Property test of client against server over a hostile link: losses, duplicates, delays and damage.

use proptest::collection::vec;
use proptest::prelude::*;
use zigbee_ota::client::Outcome;

use properties::client_and_server::any_script;

#[path = "common/properties"]
mod properties {
    pub mod client_and_server;
}

#[test]
fn a_good_link_upgrades() {
    assert!(matches!(any_script(&[]), Outcome::Upgraded(_)));
}

#[test]
fn losses_delay_an_upgrade_but_do_not_end_it() {
    for period in 2..9 {
        let script: Vec<u8> = (0..200_u8).map(|turn| if turn % period == 0 { 0 } else { 0xff }).collect();
        assert!(matches!(any_script(&script), Outcome::Upgraded(_)), "every frame number {period} is lost");
    }
}

proptest! {
    /// Losses, duplicates, delays, inverted bits and truncated frames.
    #[test]
    fn every_upgrade_ends(script in vec(any::<u8>(), 0..400)) {
        any_script(&script);
    }
}
