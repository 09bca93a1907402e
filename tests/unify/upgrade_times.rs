//! Upgrade times: activation of an image at the announced time.

use zigbee_ota::ImageId;
use zigbee_ota::aps::Address;
use zigbee_ota::server::{ServerEvent, ServerPolicy, UpgradeDecision};
use zigbee_ota::time::{Instant, ServerTime, UtcTime};
use zigbee_ota::unify::{Activation, ImageAttribute, ImageAttributeValue, OtaStatus};
use zigbee_ota::zcl::{ClientStatus, ImageUpgradeStatus, Refusal, Status};

use crate::simulated_broker_and_network::{MIDNIGHT, NEW, NEWER, OLD, Simulation, general, own, unid};

const ONE: &str = "2026-01-01T01:00:00+00:00";
const CLIENT: Address = Address::new(1, 1);

/// Shows: UNI-025, UNI-026, UNI-039, UNI-049
#[test]
fn a_device_downloads_at_once_and_upgrades_at_the_announced_time() {
    let mut simulation = Simulation::new();
    simulation.join(1, &[OLD]);
    simulation.offer_after(general(NEW), NEW, ONE);
    let moment = ImageAttributeValue::ApplyAfter(ONE.parse().unwrap());
    assert_eq!(simulation.attribute(1, OLD, ImageAttribute::ApplyAfter), Some(moment));
    simulation.pass(10);
    assert_eq!((simulation.status(1, OLD), simulation.runs(1)), (OtaStatus::WaitingToUpgrade, &[OLD][..]));
    let ordered = |event: &ServerEvent| match event {
        ServerEvent::UpgradeScheduled { time, .. } => Some(*time),
        _ => None,
    };
    let time = simulation.network.events.iter().find_map(ordered).unwrap();
    let [least, most] = [3590, 3600].map(ServerTime::after_seconds);
    assert!((least.then..=most.then).contains(&time.then) && time.current == 0, "{time:?}");
    simulation.pass(3580);
    assert_eq!(simulation.runs(1), [OLD]);
    simulation.pass(20);
    assert_eq!((simulation.status(1, OLD), simulation.runs(1)), (OtaStatus::Idle, &[NEW][..]));
}

/// Shows: UNI-049
#[test]
fn without_a_utc_time_a_device_waits_until_one_is_set() {
    let mut simulation = Simulation::new();
    simulation.network.consumer.set_utc(simulation.now, None);
    simulation.join(1, &[OLD]);
    simulation.offer_after(general(NEW), NEW, ONE);
    simulation.pass(10);
    assert_eq!(simulation.status(1, OLD), OtaStatus::WaitingToUpgrade);
    let held =
        |event: &ServerEvent| matches!(event, ServerEvent::UpgradeScheduled { time: ServerTime::WAIT, .. });
    assert!(simulation.network.events.iter().any(held));
    assert_eq!(
        simulation.network.consumer.policy(simulation.now).upgrade(CLIENT, NEW),
        UpgradeDecision::Hold
    );
    // Ten minutes to go, by a clock that is there now; then an order of the server's own accord.
    simulation.network.consumer.set_utc(simulation.now, Some(UtcTime(MIDNIGHT.0 + 3000)));
    simulation.pass(590);
    assert_eq!(simulation.runs(1), [OLD]);
    simulation.pass(20);
    assert_eq!(simulation.runs(1), [NEW]);
}

/// Shows: UNI-026
#[test]
fn a_new_time_is_sent_to_the_device() {
    for (later, until) in [("2026-01-01T00:30:00Z", 1800), ("2026-01-01T02:00:00Z", 7200)] {
        let mut simulation = Simulation::new();
        simulation.join(1, &[OLD]);
        simulation.offer_after(general(NEW), NEW, ONE);
        simulation.pass(10);
        simulation.offer_after(general(NEW), NEW, later);
        assert_eq!(simulation.gets(&general(NEW)), 1, "the image is the same");
        simulation.pass(until - 20);
        assert_eq!(
            (simulation.status(1, OLD), simulation.runs(1)),
            (OtaStatus::WaitingToUpgrade, &[OLD][..])
        );
        simulation.pass(20);
        assert_eq!(simulation.runs(1), [NEW], "{later}");
    }
    // None at all is now.
    let mut simulation = Simulation::new();
    simulation.join(1, &[OLD]);
    simulation.offer_after(general(NEW), NEW, ONE);
    simulation.pass(10);
    simulation.offer(general(NEW), NEW);
    simulation.pass(10);
    assert_eq!(simulation.runs(1), [NEW]);
    assert_eq!(simulation.attribute(1, OLD, ImageAttribute::ApplyAfter), None);
}

/// Shows: UNI-026
#[test]
fn a_device_with_immediate_activation_downloads_at_the_announced_time() {
    let mut simulation = Simulation::new();
    let simulated = simulation.simulated(1, &[OLD]);
    let mut device = Simulation::device(1, &[OLD]);
    device.activation = Activation::Immediate;
    simulation.network.join(simulation.now, simulated, device);
    simulation.offer_after(general(NEW), NEW, ONE);
    assert_eq!(simulation.gets(&general(NEW)), 1, "the gateway has it at hand");
    simulation.pass(3590);
    assert_eq!((simulation.status(1, OLD), simulation.runs(1)), (OtaStatus::Idle, &[OLD][..]));
    assert!(!simulation.network.events.iter().any(|event| matches!(event, ServerEvent::Started { .. })));
    simulation.pass(20);
    assert_eq!(simulation.runs(1), [NEW]);
}

#[test]
fn images_activated_together_wait_for_the_latest_time() {
    let part = |version| ImageId::new(0x1001, 0x1012, version);
    let mut simulation = Simulation::new();
    simulation.join(1, &[OLD, part(1)]);
    simulation.offer_after(general(NEW), NEW, ONE);
    simulation.offer(general(part(2)), part(2));
    simulation.pass(10);
    assert_eq!(simulation.status(1, OLD), OtaStatus::WaitingToUpgrade);
    simulation.pass(3500);
    assert_eq!(simulation.runs(1), [OLD, part(1)]);
    simulation.pass(100);
    assert_eq!(simulation.runs(1), [NEW, part(2)]);
}

#[test]
fn an_image_that_the_device_does_not_hold_delays_no_other() {
    let part = |version| ImageId::new(0x1001, 0x1012, version);
    let mut simulation = Simulation::new();
    simulation.network.consumer.set_device(simulation.now, &unid(1), Simulation::device(1, &[OLD, part(1)]));
    simulation.settle();
    simulation.offer(general(NEW), NEW);
    simulation.offer_after(general(part(2)), part(2), ONE);
    let upgrade =
        |simulation: &Simulation| simulation.network.consumer.policy(simulation.now).upgrade(CLIENT, NEW);
    assert_eq!(upgrade(&simulation), UpgradeDecision::Now);
    let ended = ServerEvent::Ended { client: CLIENT, id: part(2), status: Status::SUCCESS };
    simulation.network.consumer.handle_event(simulation.now, &ended);
    assert_eq!(upgrade(&simulation), UpgradeDecision::AfterSeconds(3600));
}

#[test]
fn a_replaced_image_is_aborted_and_an_unknown_image_is_held() {
    let mut simulation = Simulation::new();
    simulation.join(1, &[OLD]);
    let apply = |simulation: &Simulation, client, id| {
        simulation.network.consumer.policy(simulation.now).upgrade(client, id)
    };
    assert_eq!(apply(&simulation, CLIENT, NEW), UpgradeDecision::Hold, "the broker may not have told yet");
    simulation.offer(general(NEW), NEW);
    assert_eq!(apply(&simulation, CLIENT, NEW), UpgradeDecision::Now);
    let stranger = Address::new(77, 1);
    assert_eq!(apply(&simulation, stranger, NEW), UpgradeDecision::Now);
    assert_eq!(apply(&simulation, stranger, NEWER), UpgradeDecision::Hold);
    simulation.offer(own(NEWER, 1), NEWER);
    assert_eq!(apply(&simulation, CLIENT, NEW), UpgradeDecision::Refuse(Refusal::ABORT));
    assert_eq!(apply(&simulation, stranger, NEW), UpgradeDecision::Now);
    assert_eq!(apply(&simulation, CLIENT, ImageId::new(1, 0xffc2, 1)), UpgradeDecision::Acknowledge);
}

/// A gateway that was restarted, and asked its devices how they are.
#[test]
fn a_device_that_reports_a_hold_is_released_at_the_announced_time() {
    let mut simulation = Simulation::new();
    // The server sees no request of the device, so that the report alone tells of the hold.
    simulation.network.consumer.set_device(simulation.now, &unid(1), Simulation::device(1, &[OLD]));
    simulation.settle();
    simulation.offer_after(general(NEW), NEW, ONE);
    assert_eq!(simulation.network.consumer.poll_timeout(), None);
    let report = |status, downloaded: ImageId| {
        let mut report = ClientStatus::default();
        report.status = Some(status);
        report.current_version = Some(OLD.version);
        report.downloaded_version = Some(downloaded.version);
        ServerEvent::StatusReport { client: CLIENT, report }
    };
    let consumer = &mut simulation.network.consumer;
    // The announced image is on hold only if the device waits, and waits with this image.
    for (status, downloaded) in
        [(ImageUpgradeStatus::WAITING_TO_UPGRADE, NEWER), (ImageUpgradeStatus::NORMAL, NEW)]
    {
        consumer.handle_event(simulation.now, &report(status, downloaded));
        assert_eq!(consumer.poll_timeout(), None);
    }
    let event = report(ImageUpgradeStatus::WAITING_TO_UPGRADE, NEW);
    consumer.handle_event(simulation.now, &event);
    assert_eq!(
        consumer.status(&unid(1), &crate::simulated_broker_and_network::uiid(OLD)).unwrap().status,
        OtaStatus::WaitingToUpgrade
    );
    while consumer.poll_action().is_some() {}
    let due = Instant::from_millis(3_600_000);
    assert_eq!(consumer.poll_timeout(), Some(due));
    consumer.handle_timeout(due);
    let release = zigbee_ota::unify::ConsumerAction::Release { client: CLIENT, id: NEW, seconds: 0 };
    assert_eq!(consumer.poll_action(), Some(release));
    // The device may report the hold once more before it hears the release, and needs no second one.
    consumer.handle_event(due, &event);
    assert_eq!(consumer.poll_action(), None);
}
