//! Field reports about the end of an upgrade: activation times, slow verification, confirmation.

use zigbee_ota::client::{AcceptedVersions, Outcome};
use zigbee_ota::server::{RefusalReason, SessionPhase};
use zigbee_ota::time::ServerTime;
use zigbee_ota::zcl::{Refusal, Status};

use crate::test_device::Device;
use crate::*;

/// Report 6 (zh PR1835, domoticz PR1800, xbee PR141): the server sends a date where the device expects seconds, so it
/// waits for 26 years.
#[test]
fn a_server_sends_activation_times_relative_to_zero() {
    let mut desk = Desk::with(vec![image()]);
    desk.now = 800_000_000_000;
    for (apply, time) in [
        (UpgradeDecision::Now, "00 00 00 00 00 00 00 00"),
        (UpgradeDecision::AfterSeconds(60), "00 00 00 00 3c 00 00 00"),
        (UpgradeDecision::Hold, "00 00 00 00 ff ff ff ff"),
    ] {
        desk.decisions.apply = apply;
        assert_eq!(desk.ask(LAMP, END), format!("19 2a 07 01 10 ab 00 05 00 00 00 {time}"));
    }
}

/// Report 6 (the same, and esp#466): a complete image is never applied, because the client does not understand the
/// Upgrade End Response.
#[test]
fn a_client_upgrades_in_time_with_every_form_of_activation_time() {
    const ITSELF: &str = "01 10 ab 00 05 00 00 00";
    const WILD: &str = "ff ff ff ff ff ff ff ff";
    // A date in the past violates the specification: the client repeats its request, and upgrades when nothing better
    // comes for three hours.
    for (what, target, time, seconds) in [
        ("now", ITSELF, "00 00 00 00 00 00 00 00", 0..=0),
        ("an offset", ITSELF, "00 00 00 00 3c 00 00 00", 60..=60),
        ("dates", ITSELF, "00 84 d7 2f 3c 84 d7 2f", 60..=60),
        ("a date that is past", ITSELF, "3c 84 d7 2f 00 84 d7 2f", 10_800..=11_700),
        ("the date now, no other", ITSELF, "00 84 d7 2f 00 00 00 00", 0..=0),
        ("all wildcards", WILD, "00 00 00 00 3c 00 00 00", 60..=60),
        ("any version", "01 10 ab 00 ff ff ff ff", "00 00 00 00 00 00 00 00", 0..=0),
    ] {
        let mut desk = Desk::with(vec![image()]);
        let (mut device, mut asked) = (Device::running(1, AcceptedVersions::Newer), None);
        device.live(5 * 3_600_000, |now, frame| match frame[2] {
            0x06 => {
                asked.get_or_insert(now);
                let order = bytes(&format!("19 2a 07 {target} {time}"));
                Some([&order[..1], &frame[1..2], &order[2..]].concat())
            }
            _ => desk.reply(LAMP, frame),
        });
        assert_eq!(device.ended, Some(Outcome::Upgraded(IMAGE)), "{what}");
        let (asked, (applied, id)) = (asked.expect("it has it all"), device.applied.expect("it upgraded"));
        let after = applied.since(asked).0;
        assert!(id == IMAGE && seconds.contains(&(after / 1000)), "{what}: {after} ms");
    }
}

/// Report 6 (the same): "wait" is not a date either. The device repeats its request until it gets a time.
#[test]
fn a_client_on_hold_repeats_its_request_and_upgrades_when_allowed() {
    let mut desk = Desk::with(vec![image()]);
    let (mut device, mut asked) = (Device::running(1, AcceptedVersions::Newer), 0);
    device.live(4 * 3_600_000, |_, frame| {
        asked += i32::from(frame[2] == 0x06);
        desk.decisions.apply = if asked < 3 { UpgradeDecision::Hold } else { UpgradeDecision::Now };
        desk.reply(LAMP, frame)
    });
    assert_eq!((asked, device.ended), (3, Some(Outcome::Upgraded(IMAGE))));
    assert!(device.applied.unwrap().0 <= Instant::from_millis(2 * HOUR + MINUTE));
}

/// Report 7 (zigpy#1557, zhc#6657): "failed" at 100 %, because the device verifies the image for half an hour.
#[test]
fn a_device_that_checks_its_image_for_half_an_hour_has_not_failed() {
    let mut desk = Desk::with(vec![image()]);
    desk.ask(LAMP, QUERY);
    desk.take(LAMP, 0, 200, |_| true);
    assert_eq!(desk.events().last(), Some(&ServerEvent::AllServed { client: LAMP, id: IMAGE }));
    assert_eq!(desk.pass(45 * MINUTE), []);
    assert_eq!(desk.ask(LAMP, END), NOW);
    let ended = ServerEvent::Ended { client: LAMP, id: IMAGE, status: Status::SUCCESS };
    let ordered = ServerEvent::UpgradeScheduled { client: LAMP, id: IMAGE, time: ServerTime::NOW };
    assert_eq!(desk.events(), [ended, ordered]);
    // A device that is silent for even longer is reported as stalled, and is answered when it returns.
    desk.take(PLUG, 0, 200, |_| true);
    desk.events();
    assert_eq!(desk.pass(2 * HOUR), [ServerEvent::NeverEnded { client: PLUG, id: IMAGE }]);
    assert_eq!(desk.ask(PLUG, END), NOW);
}

/// Report (deconz#1339): the device runs the new image, but the server does not report it.
#[test]
fn success_is_reported_and_confirmed_by_the_next_query() {
    let mut desk = Desk::with(vec![image()]);
    desk.ask(LAMP, QUERY);
    desk.take(LAMP, 0, 200, |_| true);
    desk.ask(LAMP, END);
    desk.events();
    let ended = SessionPhase::Ended { id: IMAGE, status: Status::SUCCESS };
    assert_eq!(desk.server.session(LAMP).unwrap().phase(), ended);
    // The device has restarted and queries again.
    desk.pass(10 * MINUTE);
    assert_eq!(desk.ask(LAMP, "01 01 01 00 01 10 ab 00 05 00 00 00"), "19 01 02 98");
    let request = QueryNextImageRequest::new(IMAGE);
    let (answer, reason) = (Err(Refusal::NO_IMAGE_AVAILABLE), Some(RefusalReason::Version));
    let queried = ServerEvent::Queried { client: LAMP, request, answer, reason };
    assert_eq!(desk.events(), [queried]);
}
