//! What is told of an upgrade.

use zigbee_ota::ImageId;
use zigbee_ota::aps::Address;
use zigbee_ota::client::{self, Client, Identity};
use zigbee_ota::server::ServerEvent;
use zigbee_ota::time::{Instant, Millis};
use zigbee_ota::unify::{
    Attribute, AttributeValue, Device, FileVerdict, ImageStatus, LastError, Message, Node, Side, Status,
    Topic,
};
use zigbee_ota::zcl::{self, ClientStatus, ImageUpgradeStatus};

use crate::world::{NEW, OLD, Seen, World, file, general, uiid, unid};

/// What was published of a device's image, oldest first, without the desired sides, which are the same.
fn told(world: &World, number: u16, id: ImageId) -> Vec<AttributeValue> {
    let mut sides = [vec![], vec![]];
    for seen in &world.seen {
        let Seen::Publish(message) = seen else { continue };
        let Ok(Topic::Attribute(node, of, attribute, side)) = message.topic.parse::<Topic>() else {
            continue;
        };
        assert!(message.retain);
        if node.device == unid(number) && of == uiid(id) {
            let value = AttributeValue::read(attribute, &message.payload).unwrap();
            sides[usize::from(side == Side::Reported)].push(value);
        }
    }
    let [desired, reported] = sides;
    assert_eq!(desired, reported);
    reported
}

/// Shows: UNI-013, UNI-014, UNI-015, UNI-019, UNI-036, UNI-041, UNI-045
#[test]
fn a_device_is_introduced_with_all_its_attributes_retained() {
    let mut world = World::new();
    world.join(1, &[OLD]);
    let base = format!("ucl/by-unid/{}/ep0/OTA", unid(1));
    let mut expected = vec![(format!("{base}/SupportedCommands"), r#"{"value":[]}"#)];
    for side in ["Desired", "Reported"] {
        expected.push((format!("{base}/Attributes/ClusterRevision/{side}"), r#"{"value":1}"#));
        for (name, value) in [
            ("CurrentVersion", r#"{"value":"0x10053519"}"#),
            ("TargetVersion", r#"{"value":"0x10053519"}"#),
            ("Status", r#"{"value":"Idle"}"#),
            ("Size", r#"{"value":0}"#),
            ("Offset", r#"{"value":0}"#),
            ("LastError", r#"{"value":"Success"}"#),
        ] {
            expected.push((format!("{base}/Attributes/UIID/{}/{name}/{side}", uiid(OLD)), value));
        }
    }
    expected.sort();
    let found =
        world.retained.iter().map(|(topic, payload)| (topic.clone(), std::str::from_utf8(payload).unwrap()));
    assert_eq!(found.collect::<Vec<_>>(), expected);
}

/// Shows: UNI-035, UNI-046
#[test]
fn each_image_of_each_device_is_told_of_until_it_is_gone() {
    let display = ImageId::new(0x1001, 0x1012, 3);
    let mut world = World::new();
    world.join(1, &[OLD, display]);
    world.join(2, &[OLD]);
    for (number, id) in [(1, OLD), (1, display), (2, OLD)] {
        assert_eq!(world.status(number, id), Status::Idle);
    }
    world.offer_after(general(display), ImageId::new(0x1001, 0x1012, 4), "2100-01-01T00:00:00Z");
    let of = |world: &World, number, id: ImageId| {
        let prefix = format!("ucl/by-unid/{}/ep0/OTA/Attributes/UIID/{}/", unid(number), uiid(id));
        world.retained.keys().filter(|topic| topic.starts_with(&prefix)).count()
    };
    assert_eq!((of(&world, 1, OLD), of(&world, 1, display)), (12, 14));
    // The display's background is in the firmware now.
    world.seen.clear();
    world.network.consumer.set_device(world.now, &unid(1), World::device(1, &[OLD]));
    world.settle();
    assert_eq!((of(&world, 1, OLD), of(&world, 1, display), of(&world, 2, OLD)), (12, 0, 12));
    for attribute in Attribute::ALL {
        for side in Side::BOTH {
            let node = Node { device: unid(1), endpoint: 0 };
            let topic = Topic::Attribute(node, uiid(display), attribute, side).to_string();
            assert!(world.seen.contains(&Seen::Publish(Message { topic, payload: vec![], retain: true })));
        }
    }
    world.network.consumer.remove_device(&unid(2));
    world.settle();
    let prefix = format!("ucl/by-unid/{}", unid(2));
    assert!(!world.retained.keys().any(|topic| topic.starts_with(&prefix)));
    assert!(world.seen.contains(&Seen::Unsubscribe(format!("ucl/OTA/info/+/{}", unid(2)))));
}

/// Shows: UNI-018
#[test]
fn a_device_that_moves_to_another_endpoint_leaves_nothing_behind() {
    let mut world = World::new();
    world.join(1, &[OLD]);
    let device = Device { endpoint: 3, ..World::device(1, &[OLD]) };
    world.network.consumer.set_device(world.now, &unid(1), device);
    world.settle();
    let prefix = format!("ucl/by-unid/{}/ep3/OTA/", unid(1));
    assert_eq!(world.retained.len(), 15);
    assert!(world.retained.keys().all(|topic| topic.starts_with(&prefix)), "{:?}", world.retained.keys());
}

/// Shows: UNI-035, UNI-037, UNI-038, UNI-041, UNI-042, UNI-048
#[test]
fn an_upgrade_is_told_step_by_step() {
    let mut world = World::new();
    world.join(1, &[OLD]);
    world.pass(5);
    world.seen.clear();
    world.offer(general(NEW), NEW);
    world.pass(10);
    let size = u32::try_from(file(NEW, 1000).len()).unwrap();
    let offsets: Vec<u32> =
        (1..).map(|block| block * 64).take_while(|end| *end < size).chain([size]).collect();
    let mut expected = vec![
        AttributeValue::TargetVersion("0x10103519".into()),
        AttributeValue::Size(size),
        AttributeValue::Status(Status::DownloadInProgress),
    ];
    expected.extend(offsets.into_iter().map(AttributeValue::Offset));
    expected.extend([
        AttributeValue::Status(Status::WaitingToUpgrade),
        AttributeValue::CurrentVersion("0x10103519".into()),
        AttributeValue::Status(Status::Idle),
    ]);
    assert_eq!(told(&world, 1, OLD), expected);
    // Size and offset stay as they were.
    assert_eq!(world.attribute(1, OLD, Attribute::Size), Some(AttributeValue::Size(size)));
    assert_eq!(world.attribute(1, OLD, Attribute::Offset), Some(AttributeValue::Offset(size)));
}

/// Shows: UNI-047
#[test]
fn a_device_of_two_images_waits_for_more_and_then_to_upgrade() {
    let part = |version| ImageId::new(0x1001, 0x1012, version);
    let mut world = World::new();
    world.join(1, &[OLD, part(1)]);
    world.offer_after(general(NEW), NEW, "2026-01-01T01:00:00Z");
    world.pass(10);
    // The second is not there yet.
    assert_eq!(
        (world.status(1, OLD), world.last_error(1, OLD)),
        (Status::WaitForMore, LastError::RequireMoreImage)
    );
    assert_eq!(world.status(1, part(1)), Status::Idle);
    world.offer_after(general(part(2)), part(2), "2026-01-01T01:00:00Z");
    world.pass(1000);
    for id in [OLD, part(1)] {
        assert_eq!(
            (world.status(1, id), world.last_error(1, id)),
            (Status::WaitingToUpgrade, LastError::Success)
        );
    }
    world.pass(3600);
    assert_eq!(world.runs(1), [NEW, part(2)]);
    assert_eq!(world.status(1, OLD), Status::Idle);
    // Of its other image the device tells when it is asked.
    let mut report = ClientStatus::default();
    report.status = Some(ImageUpgradeStatus::NORMAL);
    report.current_version = Some(part(2).version);
    report.manufacturer = Some(part(2).manufacturer);
    report.image_type = Some(part(2).image_type);
    let event = ServerEvent::StatusReport { client: Address::new(1, 1), report };
    world.network.consumer.handle_event(world.now, &event);
    world.settle();
    assert_eq!(world.versions(1, part(1)), ("0x00000002".into(), "0x00000002".into()));
    assert_eq!(world.status(1, part(1)), Status::Idle);
}

/// Shows: UNI-043, UNI-050
#[test]
fn a_download_that_ends_badly_is_told_with_its_reason() {
    let mut world = World::new();
    let mut picky = world.simulated(1, &[OLD]);
    picky.picky = true;
    world.network.join(world.now, picky, World::device(1, &[OLD]));
    world.offer(general(NEW), NEW);
    world.pass(10);
    assert_eq!((world.status(1, OLD), world.last_error(1, OLD)), (Status::Idle, LastError::InvalidImage));
    assert_eq!(world.versions(1, OLD), ("0x10053519".into(), "0x10103519".into()), "it is still to be done");

    let (client, id) = (Address::new(1, 1), NEW);
    let query =
        |answer| ServerEvent::Queried { client, request: zcl::QueryNextImageRequest::new(OLD), answer };
    for (event, status, error) in [
        (query(Err(zcl::Refusal::NOT_AUTHORIZED)), Status::Idle, LastError::NotAuthorized),
        (ServerEvent::Started { client, id }, Status::DownloadInProgress, LastError::NotAuthorized),
        (ServerEvent::NotServed { client, id, status: zcl::Status::ABORT }, Status::Idle, LastError::Abort),
        (ServerEvent::Started { client, id }, Status::DownloadInProgress, LastError::Abort),
        (ServerEvent::Stalled { client, id, reached: 9 }, Status::Idle, LastError::Abort),
        (
            ServerEvent::Ended { client, id, status: zcl::Status::SUCCESS },
            Status::WaitingToUpgrade,
            LastError::Success,
        ),
        (ServerEvent::Ended { client, id, status: zcl::Status::FAILURE }, Status::Idle, LastError::Abort),
        (
            ServerEvent::Ended { client, id, status: zcl::Status::INVALID_IMAGE },
            Status::Idle,
            LastError::InvalidImage,
        ),
        // Not the image that it is to have, and nobody of ours.
        (
            ServerEvent::Ended { client, id: OLD, status: zcl::Status::SUCCESS },
            Status::Idle,
            LastError::InvalidImage,
        ),
        (ServerEvent::Started { client: Address::new(2, 1), id }, Status::Idle, LastError::InvalidImage),
        (ServerEvent::RepeatedDownload { client, id, times: 3 }, Status::Idle, LastError::Abort),
    ] {
        world.network.consumer.handle_event(world.now, &event);
        for action in world.network.run(world.now) {
            let zigbee_ota::unify::Action::Publish(message) = action else { panic!("{action:?}") };
            world.publish(message);
        }
        assert_eq!((world.status(1, OLD), world.last_error(1, OLD)), (status, error), "{event:?}");
    }
}

/// Shows: UNI-049
#[test]
fn what_a_device_tells_of_itself_is_told() {
    let mut world = World::new();
    world.join(1, &[OLD]);
    world.offer_after(general(NEW), NEW, "2100-01-01T00:00:00Z");
    for (code, status) in [
        (0x01, Status::DownloadInProgress),
        (0x02, Status::WaitingToUpgrade),
        (0x04, Status::WaitingToUpgrade),
        (0x05, Status::WaitForMore),
        (0x06, Status::WaitingToUpgradeViaExternalEvent),
        (0x00, Status::Idle),
    ] {
        let mut report = ClientStatus::default();
        report.status = Some(ImageUpgradeStatus(code));
        report.file_offset = Some(640);
        report.current_version = Some(OLD.version);
        let event = ServerEvent::StatusReport { client: Address::new(1, 1), report };
        world.network.consumer.handle_event(world.now, &event);
        let found = world.network.consumer.status(&unid(1), &uiid(OLD)).unwrap();
        assert_eq!((found.status, found.offset), (status, 640), "{code}");
    }
}

/// Shows: UNI-049, UNI-050
#[test]
fn a_client_can_be_read_without_a_server() {
    let identity = Identity::new(OLD);
    let mut client = Client::new(client::ClientConfig::new(identity, Address::new(0, 1)), 1, Instant::ZERO);
    let of = |client: &Client, last| {
        ImageStatus::of_client(&client.attributes(), client.progress().as_ref(), last)
    };
    assert_eq!(of(&client, None), ImageStatus::idle(OLD.version));

    client.query(Instant::ZERO).unwrap();
    let mut out = [0; zcl::LONGEST_TO_SERVER];
    let _query = client.poll_transmit(Instant::ZERO, &mut out).unwrap();
    let sequence = out[1];
    let offer = [0x19, sequence, 2, 0, 0x01, 0x10, 0x11, 0x10, 0x19, 0x35, 0x10, 0x10, 0xe8, 3, 0, 0];
    let meta = zigbee_ota::aps::FrameMeta::unicast(Address::new(0, 1));
    let _done = client.handle_frame(Instant::ZERO.plus(Millis(1)), meta, &offer);
    let Some(client::Need::Decide(ticket, _)) = client.poll_need() else { panic!() };
    client.accept(ticket).unwrap();
    let Some(client::Need::Prepare(ticket, _)) = client.poll_need() else { panic!() };
    client.prepared(Instant::ZERO.plus(Millis(1)), ticket, client::PrepareResult::Ready).unwrap();
    let found = of(&client, Some(client::Outcome::InvalidImage));
    let expected = ImageStatus {
        target: NEW.version,
        status: Status::DownloadInProgress,
        size: 1000,
        last_error: LastError::InvalidImage,
        ..ImageStatus::idle(OLD.version)
    };
    assert_eq!(found, expected);
}

/// Shows: UNI-051
#[test]
fn all_of_it_runs_without_a_broker() {
    let mut world = World::with(zigbee_ota::unify::Config::default(), |_| FileVerdict::Valid);
    world.join(1, &[OLD]);
    world.offer(general(NEW), NEW);
    world.pass(10);
    assert_eq!(world.runs(1), [NEW]);
}
