//! Tests of each state of the client: whether the client waits for time, server or application, and the effects of
//! `abort` and `activate`.

use super::*;
use crate::zcl::UpgradeActivationPolicy;

const UPGRADE_LATER: &str = "19 03 07 5F11 0101 2C1A0000 00000000 FFFFFFFF";
const UPGRADE_IN_TEN_MINUTES: &str = "19 03 07 5F11 0101 2C1A0000 00000000 58020000";

fn deciding() -> Script {
    let mut script = Script::querying(config());
    script.receive(OFFER);
    script
}

fn erasing() -> Script {
    let mut script = deciding();
    script.accept();
    script
}

fn verifying() -> Script {
    Script::downloaded(config(), &file(|_| {}))
}

/// A client that has downloaded an image for security credentials that the device does not have.
fn awaiting_credentials() -> Script {
    let needs = |header: &mut FileHeader<'_>| header.credential = Some(SecurityCredentialVersion::SE_2_0);
    let mut script = Script::downloaded(config(), &file(needs));
    script.verify(VerifyResult::Valid);
    script
}

fn after_response(response: &str) -> Script {
    let mut script = Script::ending(config());
    assert_eq!(script.receive(response), Handled::Done);
    script
}

/// A client whose application alone may start the upgrade, and that has refused an Upgrade End Response of the server.
fn awaiting_activation() -> Script {
    let activation = UpgradeActivationPolicy::OUT_OF_BAND;
    let mut script = Script::ending(ClientConfig { activation_policy: activation, ..config() });
    assert_eq!(script.receive(UPGRADE_IN_TEN_MINUTES), Handled::Ignored(ClientIgnored::NotAuthorized));
    script.assert_sends("10 03 0B 07 7E");
    script
}

fn applying() -> Script {
    let mut script = after_response(UPGRADE_LATER);
    script.client.activate().unwrap();
    script
}

#[test]
fn each_state_waits_for_time_server_or_application() {
    use WaitingFor::{Application, Server, Time};

    for (stage, script, expected) in [
        ("idle", Script::new(config()), Time),
        ("querying", Script::querying(config()), Server),
        ("deciding", deciding(), Application),
        ("erasing", erasing(), Application),
        ("verifying", verifying(), Application),
        ("awaiting credentials", awaiting_credentials(), Application),
        ("ending", Script::ending(config()), Server),
        ("waiting for an Upgrade End Response", after_response(UPGRADE_LATER), Time),
        ("counting down", after_response(UPGRADE_IN_TEN_MINUTES), Time),
        ("awaiting activation", awaiting_activation(), Application),
        ("applying", applying(), Application),
    ] {
        assert_eq!(script.client.waiting_for(), expected, "{stage}");
        // A client that waits for the application has no timeout.
        assert_eq!(script.client.poll_timeout().is_none(), expected == Application, "{stage}");
    }
}

#[test]
fn abort_works_in_each_state_and_is_reported_once_data_was_requested() {
    for mut script in [Script::querying(config()), deciding(), erasing()] {
        script.client.abort(script.now).unwrap();
        assert_eq!(script.expect_end(), Outcome::Cancelled);
        assert!(script.assert_silent().is_idle());
    }
    for (stage, mut script, sequence) in [
        ("verifying", verifying(), 3),
        ("awaiting credentials", awaiting_credentials(), 3),
        ("ending", Script::ending(config()), 4),
        ("waiting for an Upgrade End Response", after_response(UPGRADE_LATER), 4),
        ("counting down", after_response(UPGRADE_IN_TEN_MINUTES), 4),
        ("awaiting activation", awaiting_activation(), 4),
    ] {
        script.client.abort(script.now).unwrap();
        // A second abort is not reported again.
        script.client.abort(script.now).unwrap();
        script.assert_sends(&std::format!("01 {sequence:02x} 06 95 5F11 0101 2C1A0000"));
        script.client.abort(script.now).unwrap();
        assert_eq!(script.receive(&std::format!("18 {sequence:02x} 0B 06 00")), Handled::Done, "{stage}");
        assert_eq!(script.expect_end(), Outcome::Cancelled, "{stage}");
        assert!(script.assert_silent().is_idle(), "{stage}");
        assert_eq!(
            (script.client.checkpoint(), script.client.activate()),
            (None, Err(NothingToActivate)),
            "{stage}"
        );
    }
    let mut script = applying();
    assert_eq!(script.client.abort(script.now), Err(Busy));
    script.expect_apply();
}

#[test]
fn activate_works_only_for_a_verified_image() {
    let mut script = after_response(UPGRADE_LATER);
    script.client.activate().unwrap();
    script.expect_apply();
    for mut script in [verifying(), awaiting_credentials(), applying()] {
        assert_eq!(script.client.activate(), Err(NothingToActivate));
    }
}
