//! Tests of the activation policy, which says whether the server or only the application may start the upgrade.

use super::*;
use crate::zcl::{ImageUpgradeStatus, UpgradeActivationPolicy};

const HOUR: u64 = 60 * 60 * 1000;

fn out_of_band() -> ClientConfig {
    ClientConfig { activation_policy: UpgradeActivationPolicy::OUT_OF_BAND, ..config() }
}

/// Shows: CLI-147
#[test]
fn an_out_of_band_client_refuses_upgrade_end_responses_until_activate() {
    let mut script = Script::ending(out_of_band());
    assert_eq!(script.receive(UPGRADE_NOW), Handled::Ignored(ClientIgnored::NotAuthorized));
    script.assert_sends("10 03 0B 07 7E").assert_silent();
    assert_eq!(script.client.attributes().status, ImageUpgradeStatus::WAITING_FOR_EXTERNAL_EVENT);
    assert_eq!(script.client.waiting_for(), WaitingFor::Application);
    assert_eq!(script.client.poll_timeout(), None);
    script.advance_to(100 * HOUR).assert_silent();
    assert_eq!(script.client.poll_need(), None);
    // A refused broadcast gets no Default Response, and a response that says wait changes nothing.
    assert_eq!(
        script.receive_by(DeliveryMode::Broadcast, UPGRADE_NOW),
        Handled::Ignored(ClientIgnored::NotAuthorized)
    );
    assert_eq!(script.receive("19 03 07 5F11 0101 2C1A0000 00000000 FFFFFFFF"), Handled::Done);
    script.assert_silent();
    assert_eq!(script.client.attributes().status, ImageUpgradeStatus::WAITING_FOR_EXTERNAL_EVENT);
    script.client.activate().unwrap();
    script.expect_apply();

    // A response that says wait is obeyed, and unanswered requests do not start the upgrade either.
    let mut script = Script::ending(out_of_band());
    assert_eq!(script.receive("19 03 07 5F11 0101 2C1A0000 00000000 FFFFFFFF"), Handled::Done);
    assert_eq!(script.status(), 0x03);
    for _ in 0..4 {
        let hour = script.client.poll_timeout().unwrap().as_millis();
        assert!(script.advance_to(hour).transmit().is_some());
        let overdue = script.client.poll_timeout().unwrap().as_millis();
        script.advance_to(overdue);
    }
    assert_eq!(script.client.poll_need(), None);
    assert_eq!(script.status(), 0x06);
}

#[test]
fn activate_applies_an_image_before_its_upgrade_time() {
    let mut counting = Script::ending(config());
    counting.receive("19 03 07 5F11 0101 2C1A0000 00000000 58020000");
    for mut script in [Script::ending(config()), counting] {
        script.client.activate().unwrap();
        script.expect_apply();
    }
    for mut script in [Script::new(config()), Script::downloading(config())] {
        assert_eq!(script.client.activate(), Err(NothingToActivate));
    }
}
