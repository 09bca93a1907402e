//! When an image is applied.

use zigbee_ota::ImageId;
use zigbee_ota::aps::Address;
use zigbee_ota::server::{ServerEvent, ServerPolicy, UpgradeDecision};
use zigbee_ota::time::{Instant, ServerTime, UtcTime};
use zigbee_ota::unify::{Activation, Attribute, AttributeValue, Device, Status};
use zigbee_ota::zcl::{ClientStatus, ImageUpgradeStatus, Refusal};

use crate::world::{MIDNIGHT, NEW, NEWER, OLD, World, general, own, unid};

const ONE: &str = "2026-01-01T01:00:00+00:00";
const CLIENT: Address = Address::new(1, 1);

/// Shows: UNI-025, UNI-026, UNI-039, UNI-049
#[test]
fn a_device_downloads_at_once_and_upgrades_when_its_moment_has_come() {
    let mut world = World::new();
    world.join(1, &[OLD]);
    world.offer_after(general(NEW), NEW, ONE);
    let moment = AttributeValue::ApplyAfter(ONE.parse().unwrap());
    assert_eq!(world.attribute(1, OLD, Attribute::ApplyAfter), Some(moment));
    world.pass(10);
    assert_eq!((world.status(1, OLD), world.runs(1)), (Status::WaitingToUpgrade, &[OLD][..]));
    let ordered = |event: &ServerEvent| match event {
        ServerEvent::UpgradeScheduled { time, .. } => Some(*time),
        _ => None,
    };
    let time = world.network.events.iter().find_map(ordered).unwrap();
    let [least, most] = [3590, 3600].map(ServerTime::after_seconds);
    assert!((least.then..=most.then).contains(&time.then) && time.current == 0, "{time:?}");
    world.pass(3580);
    assert_eq!(world.runs(1), [OLD]);
    world.pass(20);
    assert_eq!((world.status(1, OLD), world.runs(1)), (Status::Idle, &[NEW][..]));
}

/// Shows: UNI-049
#[test]
fn without_a_clock_a_device_waits_until_there_is_one() {
    let mut world = World::new();
    world.network.consumer.set_utc(world.now, None);
    world.join(1, &[OLD]);
    world.offer_after(general(NEW), NEW, ONE);
    world.pass(10);
    assert_eq!(world.status(1, OLD), Status::WaitingToUpgrade);
    let held =
        |event: &ServerEvent| matches!(event, ServerEvent::UpgradeScheduled { time: ServerTime::WAIT, .. });
    assert!(world.network.events.iter().any(held));
    assert_eq!(world.network.consumer.policy(world.now).upgrade(CLIENT, NEW), UpgradeDecision::Hold);
    // Ten minutes to go, by a clock that is there now; then an order of the server's own accord.
    world.network.consumer.set_utc(world.now, Some(UtcTime(MIDNIGHT.0 + 3000)));
    world.pass(590);
    assert_eq!(world.runs(1), [OLD]);
    world.pass(20);
    assert_eq!(world.runs(1), [NEW]);
}

/// Shows: UNI-026
#[test]
fn another_moment_is_another_order() {
    for (later, until) in [("2026-01-01T00:30:00Z", 1800), ("2026-01-01T02:00:00Z", 7200)] {
        let mut world = World::new();
        world.join(1, &[OLD]);
        world.offer_after(general(NEW), NEW, ONE);
        world.pass(10);
        world.offer_after(general(NEW), NEW, later);
        assert_eq!(world.gets(&general(NEW)), 1, "the image is the same");
        world.pass(until - 20);
        assert_eq!((world.status(1, OLD), world.runs(1)), (Status::WaitingToUpgrade, &[OLD][..]));
        world.pass(20);
        assert_eq!(world.runs(1), [NEW], "{later}");
    }
    // None at all is now.
    let mut world = World::new();
    world.join(1, &[OLD]);
    world.offer_after(general(NEW), NEW, ONE);
    world.pass(10);
    world.offer(general(NEW), NEW);
    world.pass(10);
    assert_eq!(world.runs(1), [NEW]);
    assert_eq!(world.attribute(1, OLD, Attribute::ApplyAfter), None);
}

/// Shows: UNI-026
#[test]
fn a_device_that_upgrades_by_itself_downloads_when_the_moment_has_come() {
    let mut world = World::new();
    let simulated = world.simulated(1, &[OLD]);
    let device = Device { activation: Activation::Immediate, ..World::device(1, &[OLD]) };
    world.network.join(world.now, simulated, device);
    world.offer_after(general(NEW), NEW, ONE);
    assert_eq!(world.gets(&general(NEW)), 1, "the gateway has it at hand");
    world.pass(3590);
    assert_eq!((world.status(1, OLD), world.runs(1)), (Status::Idle, &[OLD][..]));
    assert!(!world.network.events.iter().any(|event| matches!(event, ServerEvent::Started { .. })));
    world.pass(20);
    assert_eq!(world.runs(1), [NEW]);
}

#[test]
fn the_moment_of_a_set_is_its_latest() {
    let part = |version| ImageId::new(0x1001, 0x1012, version);
    let mut world = World::new();
    world.join(1, &[OLD, part(1)]);
    world.offer_after(general(NEW), NEW, ONE);
    world.offer(general(part(2)), part(2));
    world.pass(10);
    assert_eq!(world.status(1, OLD), Status::WaitingToUpgrade);
    world.pass(3500);
    assert_eq!(world.runs(1), [OLD, part(1)]);
    world.pass(100);
    assert_eq!(world.runs(1), [NEW, part(2)]);
}

#[test]
fn what_was_replaced_is_given_up_and_what_is_unknown_waits() {
    let mut world = World::new();
    world.join(1, &[OLD]);
    let apply = |world: &World, client, id| world.network.consumer.policy(world.now).upgrade(client, id);
    assert_eq!(apply(&world, CLIENT, NEW), UpgradeDecision::Hold, "the broker may not have told yet");
    world.offer(general(NEW), NEW);
    assert_eq!(apply(&world, CLIENT, NEW), UpgradeDecision::Now);
    let stranger = Address::new(77, 1);
    assert_eq!(apply(&world, stranger, NEW), UpgradeDecision::Now);
    assert_eq!(apply(&world, stranger, NEWER), UpgradeDecision::Hold);
    world.offer(own(NEWER, 1), NEWER);
    assert_eq!(apply(&world, CLIENT, NEW), UpgradeDecision::Refuse(Refusal::ABORT));
    assert_eq!(apply(&world, stranger, NEW), UpgradeDecision::Now);
    assert_eq!(apply(&world, CLIENT, ImageId::new(1, 0xffc2, 1)), UpgradeDecision::Acknowledge);
}

/// A gateway that was restarted, and asked its devices how they are.
#[test]
fn a_device_that_tells_that_it_waits_is_released_when_its_moment_has_come() {
    let mut world = World::new();
    world.join(1, &[OLD]);
    // It is busy with the same image that it has in full.
    world.network.devices[0].runs = vec![OLD];
    world.offer_after(general(NEW), NEW, ONE);
    let mut report = ClientStatus::default();
    report.status = Some(ImageUpgradeStatus::WAITING_TO_UPGRADE);
    report.current_version = Some(OLD.version);
    report.downloaded_version = Some(NEW.version);
    let consumer = &mut world.network.consumer;
    consumer.handle_event(world.now, &ServerEvent::StatusReport { client: CLIENT, report });
    assert_eq!(consumer.status(&unid(1), &crate::world::uiid(OLD)).unwrap().status, Status::WaitingToUpgrade);
    while consumer.poll_action().is_some() {}
    let due = Instant::from_millis(3_600_000);
    assert_eq!(consumer.poll_timeout(), Some(due));
    consumer.handle_timeout(due);
    let release = zigbee_ota::unify::Action::Release { client: CLIENT, id: NEW, seconds: 0 };
    assert_eq!(consumer.poll_action(), Some(release));
}
