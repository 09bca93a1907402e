//! What holds at each stage of an upgrade: who is waited for, what can be wanted, and what is lost on the way.

use super::*;
use crate::aps::{DeliveryReport, TransmitToken};
use crate::zcl::UpgradeActivationPolicy;

const OFFER: &str = "19 00 02 00 5F11 0101 2C1A0000 64000000";
const WAIT: &str = "19 03 07 5F11 0101 2C1A0000 00000000 FFFFFFFF";
const IN_TEN_MINUTES: &str = "19 03 07 5F11 0101 2C1A0000 00000000 58020000";

fn deciding() -> Script {
    let mut script = Script::querying(config());
    script.gets(OFFER);
    script
}

fn preparing() -> Script {
    let mut script = deciding();
    script.accept();
    script
}

fn verifying() -> Script {
    Script::downloaded(config(), &file(|_| {}))
}

/// The file is for security credentials that the device does not have.
fn uncredited() -> Script {
    let needs = |header: &mut FileHeader<'_>| header.credential = Some(SecurityCredentialVersion::SE_2_0);
    let mut script = Script::downloaded(config(), &file(needs));
    script.verify(VerifyResult::Valid);
    script
}

fn ordered(order: &str) -> Script {
    let mut script = Script::ending(config());
    assert_eq!(script.gets(order), Met::Done);
    script
}

/// Only the application may start the upgrade, and the server was told so.
fn holding() -> Script {
    let activation = UpgradeActivationPolicy::OUT_OF_BAND;
    let mut script = Script::ending(ClientConfig { activation, ..config() });
    assert_eq!(script.gets(IN_TEN_MINUTES), Met::Ignored(ClientIgnored::NotAuthorized));
    script.sends("10 03 0B 07 7E");
    script
}

fn applying() -> Script {
    let mut script = ordered(WAIT);
    script.client.activate().unwrap();
    script
}

#[test]
fn who_is_waited_for_follows_from_the_stage() {
    use WaitingFor::{Application, Server, Time};

    for (stage, script, expected) in [
        ("idle", Script::new(config()), Time),
        ("querying", Script::querying(config()), Server),
        ("deciding", deciding(), Application),
        ("preparing", preparing(), Application),
        ("verifying", verifying(), Application),
        ("uncredited", uncredited(), Application),
        ("ending", Script::ending(config()), Server),
        ("waiting for the order", ordered(WAIT), Time),
        ("counting down", ordered(IN_TEN_MINUTES), Time),
        ("holding", holding(), Application),
        ("applying", applying(), Application),
    ] {
        assert_eq!(script.client.waiting_for(), expected, "{stage}");
        // Who waits for the application alone needs no alarm.
        assert_eq!(script.client.poll_timeout().is_none(), expected == Application, "{stage}");
    }
}

#[test]
fn an_upgrade_can_be_aborted_at_each_stage_and_the_server_is_told_once_there_was_data() {
    for mut script in [Script::querying(config()), deciding(), preparing()] {
        script.client.abort(script.now).unwrap();
        assert_eq!(script.ended(), Outcome::Cancelled);
        assert!(script.is_silent().is_idle());
    }
    for (stage, mut script, sequence) in [
        ("verifying", verifying(), 3),
        ("uncredited", uncredited(), 3),
        ("ending", Script::ending(config()), 4),
        ("waiting for the order", ordered(WAIT), 4),
        ("counting down", ordered(IN_TEN_MINUTES), 4),
        ("holding", holding(), 4),
    ] {
        script.client.abort(script.now).unwrap();
        // Wanted twice it is told once.
        script.client.abort(script.now).unwrap();
        script.sends(&std::format!("01 {sequence:02x} 06 95 5F11 0101 2C1A0000"));
        script.client.abort(script.now).unwrap();
        assert_eq!(script.gets(&std::format!("18 {sequence:02x} 0B 06 00")), Met::Done, "{stage}");
        assert_eq!(script.ended(), Outcome::Cancelled, "{stage}");
        assert!(script.is_silent().is_idle(), "{stage}");
        assert_eq!(
            (script.client.checkpoint(), script.client.activate()),
            (None, Err(NothingToActivate)),
            "{stage}"
        );
    }
    let mut script = applying();
    assert_eq!(script.client.abort(script.now), Err(Busy));
    script.must_apply();
}

#[test]
fn an_image_that_waits_for_the_order_can_be_switched_to_and_others_cannot() {
    let mut script = ordered(WAIT);
    script.client.activate().unwrap();
    script.must_apply();
    for mut script in [verifying(), uncredited(), applying()] {
        assert_eq!(script.client.activate(), Err(NothingToActivate));
    }
}

#[test]
fn a_query_that_was_not_delivered_is_sent_again_soon() {
    let mut script = Script::querying(config());
    script.client.handle_delivery(at(100), TransmitToken::request(0), DeliveryReport::Failed);
    script.until(1099).is_silent();
    script.until(1100).sends("01 01 01 00 5F11 0101 2B1A0000");
    // The first may have been heard all the same.
    assert_eq!(script.gets(OFFER), Met::Done);
    assert!(matches!(script.need(), Need::Decide(..)));
}

#[test]
fn a_query_is_sent_again_when_the_connection_was_lost() {
    let mut script = Script::querying(config());
    script.client.connection_lost(at(100));
    script.until(100).sends("01 01 01 00 5F11 0101 2B1A0000").is_silent();
    // One that was never sent is sent once.
    let mut script = Script::new(config());
    script.client.query(at(0)).unwrap();
    script.client.connection_lost(at(0));
    script.sends("01 00 01 00 5F11 0101 2B1A0000").is_silent();
}

/// A caller may poll for frames before it tells the client that time has passed.
#[test]
fn a_server_that_went_silent_is_told_though_frames_are_polled_first() {
    let mut script = Script::downloading(ClientConfig { block_attempts: 1, ..config() });
    script.sends_request(0);
    script.gets_block(1, 0, &file(|_| {})[..64]);
    script.sends_request(64);
    let overdue = script.client.poll_timeout().unwrap();
    script.now = overdue;
    script.is_silent();
    assert!(script.client.poll_timeout().is_some_and(|due| due <= overdue), "the alarm rings at once");
    script.until(overdue.as_millis()).sends("01 03 06 95 5F11 0101 2C1A0000");
}

#[test]
fn wait_for_data_means_nothing_while_a_block_is_stored() {
    let mut script = Script::downloading(config());
    script.sends_request(0);
    let file = file(|_| {});
    let data = block(1, OFFERED, 0, &file[..64]);
    let ClientAction::Store(lent) = script.client.handle_frame(at(0), FrameMeta::unicast(SERVER), &data)
    else {
        panic!("no data to store");
    };
    // The same request, answered twice: for an hour.
    assert_eq!(script.gets("19 01 05 97 00000000 100E0000"), Met::Ignored(ClientIgnored::NotExpected));
    script.client.stored(at(0), lent.ticket, StoreResult::Ok).unwrap();
    script.sends_request(64);
}

#[test]
fn a_block_without_data_that_nobody_asked_for_is_malformed() {
    let mut script = Script::downloading(ClientConfig { error_limit: 1, ..config() });
    script.sends_request(0);
    assert_eq!(
        script.gets("19 01 05 00 5F11 0101 2C1A0000 20000000 00"),
        Met::Ignored(ClientIgnored::NotAsked)
    );
    script.sends("10 01 0B 05 80").is_silent();
    assert_eq!(script.client.progress().map(|progress| progress.received), Some(0), "it goes on");
    // At the place that was asked for it counts as an error.
    assert_eq!(script.gets("19 01 05 00 5F11 0101 2C1A0000 00000000 00"), Met::Done);
    script.sends("01 02 06 95 5F11 0101 2C1A0000");
}
