//! Published status of an upgrade.

use zigbee_ota::aps::Address;
use zigbee_ota::client::{self, Client, Identity};
use zigbee_ota::server::{RefusalReason, ServerEvent, ServerPolicy};
use zigbee_ota::time::{Instant, Millis};
use zigbee_ota::unify::{
    AttributeSide, DeviceEndpoint, FileVerdict, ImageAttribute, ImageAttributeValue, ImageStatus, LastError,
    ManagedDevice, MqttMessage, OtaStatus, Topic,
};
use zigbee_ota::zcl::{self, ClientStatus, ImageUpgradeStatus};
use zigbee_ota::{Eui64, ImageId};

use crate::simulated_broker_and_network::{NEW, OLD, Seen, Simulation, file, general, uiid, unid};

/// Values published for an image of a device, oldest first. Both sides have the same values.
fn told(simulation: &Simulation, number: u16, id: ImageId) -> Vec<ImageAttributeValue> {
    let mut sides = [vec![], vec![]];
    for seen in &simulation.seen {
        let Seen::Publish(message) = seen else { continue };
        let Ok(Topic::Attribute(node, of, attribute, side)) = message.topic.parse::<Topic>() else {
            continue;
        };
        assert!(message.retain);
        if node.device == unid(number) && of == uiid(id) {
            let value = ImageAttributeValue::parse(attribute, &message.payload).unwrap();
            sides[usize::from(side == AttributeSide::Reported)].push(value);
        }
    }
    let [desired, reported] = sides;
    assert_eq!(desired, reported);
    reported
}

/// Shows: UNI-013, UNI-014, UNI-015, UNI-019, UNI-036, UNI-041, UNI-045
#[test]
fn all_attributes_of_a_new_device_are_published_retained() {
    let mut simulation = Simulation::new();
    simulation.join(1, &[OLD]);
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
    let found = simulation
        .retained
        .iter()
        .map(|(topic, payload)| (topic.clone(), std::str::from_utf8(payload).unwrap()));
    assert_eq!(found.collect::<Vec<_>>(), expected);
}

/// Shows: UNI-035, UNI-046
#[test]
fn attributes_of_each_image_are_published_until_it_is_removed() {
    let display = ImageId::new(0x1001, 0x1012, 3);
    let mut simulation = Simulation::new();
    simulation.join(1, &[OLD, display]);
    simulation.join(2, &[OLD]);
    for (number, id) in [(1, OLD), (1, display), (2, OLD)] {
        assert_eq!(simulation.status(number, id), OtaStatus::Idle);
    }
    simulation.offer_after(general(display), ImageId::new(0x1001, 0x1012, 4), "2100-01-01T00:00:00Z");
    let of = |simulation: &Simulation, number, id: ImageId| {
        let prefix = format!("ucl/by-unid/{}/ep0/OTA/Attributes/UIID/{}/", unid(number), uiid(id));
        simulation.retained.keys().filter(|topic| topic.starts_with(&prefix)).count()
    };
    assert_eq!((of(&simulation, 1, OLD), of(&simulation, 1, display)), (12, 14));
    // The display's background is in the firmware now.
    simulation.seen.clear();
    simulation.network.consumer.set_device(simulation.now, &unid(1), Simulation::device(1, &[OLD]));
    simulation.settle();
    assert_eq!((of(&simulation, 1, OLD), of(&simulation, 1, display), of(&simulation, 2, OLD)), (12, 0, 12));
    for attribute in ImageAttribute::ALL {
        for side in AttributeSide::BOTH {
            let node = DeviceEndpoint { device: unid(1), endpoint: 0 };
            let topic = Topic::Attribute(node, uiid(display), attribute, side).to_string();
            assert!(simulation.seen.contains(&Seen::Publish(MqttMessage {
                topic,
                payload: vec![],
                retain: true
            })));
        }
    }
    simulation.network.consumer.remove_device(&unid(2));
    simulation.settle();
    let prefix = format!("ucl/by-unid/{}", unid(2));
    assert!(!simulation.retained.keys().any(|topic| topic.starts_with(&prefix)));
    assert!(simulation.seen.contains(&Seen::Unsubscribe(format!("ucl/OTA/info/+/{}", unid(2)))));
}

/// Shows: UNI-018
#[test]
fn a_device_that_moves_to_another_endpoint_leaves_nothing_behind() {
    let mut simulation = Simulation::new();
    simulation.join(1, &[OLD]);
    let mut device = Simulation::device(1, &[OLD]);
    device.endpoint = 3;
    simulation.network.consumer.set_device(simulation.now, &unid(1), device);
    simulation.settle();
    let prefix = format!("ucl/by-unid/{}/ep3/OTA/", unid(1));
    assert_eq!(simulation.retained.len(), 15);
    assert!(
        simulation.retained.keys().all(|topic| topic.starts_with(&prefix)),
        "{:?}",
        simulation.retained.keys()
    );
}

/// A gateway describes a device again when it learns more of it, for example its IEEE address.
#[test]
fn a_new_description_keeps_the_status_of_the_images_that_stay() {
    let (client, another) = (Address::new(1, 1), ImageId::new(0x1001, 0x1012, 3));
    for (id, status) in [(OLD, OtaStatus::DownloadInProgress), (another, OtaStatus::Idle)] {
        let mut simulation = Simulation::new();
        let mut device = ManagedDevice::new(client, uiid(OLD), OLD);
        simulation.network.consumer.set_device(simulation.now, &unid(1), device.clone());
        simulation.settle();
        simulation.offer(general(NEW), NEW);
        simulation.network.consumer.handle_event(simulation.now, &ServerEvent::Started { client, id: NEW });
        simulation.settle();
        // The UIID may name an image of another kind now, which has nothing of the download.
        device.images.insert(uiid(OLD), id);
        simulation.network.consumer.set_device(simulation.now, &unid(1), device);
        simulation.settle();
        assert_eq!(simulation.status(1, OLD), status);
    }
}

#[test]
fn the_removal_of_a_device_leaves_the_others_their_clients() {
    let mut simulation = Simulation::new();
    for number in [1, 2] {
        let device = Simulation::device(number, &[OLD]);
        simulation.network.consumer.set_device(simulation.now, &unid(number), device);
    }
    simulation.network.consumer.remove_device(&unid(2));
    let mut policy = simulation.network.consumer.policy(simulation.now);
    let nodes = [1, 2].map(|number| policy.ieee(Address::new(number, 1)));
    assert_eq!(nodes, [Some(Eui64(1)), None]);
}

/// Shows: UNI-035, UNI-037, UNI-038, UNI-041, UNI-042, UNI-048
#[test]
fn each_step_of_an_upgrade_is_published() {
    let mut simulation = Simulation::new();
    simulation.join(1, &[OLD]);
    simulation.pass(5);
    simulation.seen.clear();
    simulation.offer(general(NEW), NEW);
    simulation.pass(10);
    let size = u32::try_from(file(NEW, 1000).len()).unwrap();
    let offsets: Vec<u32> =
        (1..).map(|block| block * 64).take_while(|end| *end < size).chain([size]).collect();
    let mut expected = vec![
        ImageAttributeValue::TargetVersion("0x10103519".into()),
        ImageAttributeValue::Size(size),
        ImageAttributeValue::Status(OtaStatus::DownloadInProgress),
    ];
    expected.extend(offsets.into_iter().map(ImageAttributeValue::Offset));
    expected.extend([
        ImageAttributeValue::Status(OtaStatus::WaitingToUpgrade),
        ImageAttributeValue::CurrentVersion("0x10103519".into()),
        ImageAttributeValue::Status(OtaStatus::Idle),
    ]);
    assert_eq!(told(&simulation, 1, OLD), expected);
    // Size and offset stay as they were.
    assert_eq!(simulation.attribute(1, OLD, ImageAttribute::Size), Some(ImageAttributeValue::Size(size)));
    assert_eq!(simulation.attribute(1, OLD, ImageAttribute::Offset), Some(ImageAttributeValue::Offset(size)));
}

/// Shows: UNI-047
#[test]
fn a_device_of_two_images_waits_for_more_and_then_to_upgrade() {
    let part = |version| ImageId::new(0x1001, 0x1012, version);
    let mut simulation = Simulation::new();
    simulation.join(1, &[OLD, part(1)]);
    simulation.offer_after(general(NEW), NEW, "2026-01-01T01:00:00Z");
    simulation.pass(10);
    // The second is not there yet.
    assert_eq!(
        (simulation.status(1, OLD), simulation.last_error(1, OLD)),
        (OtaStatus::WaitForMore, LastError::RequireMoreImage)
    );
    assert_eq!(simulation.status(1, part(1)), OtaStatus::Idle);
    simulation.offer_after(general(part(2)), part(2), "2026-01-01T01:00:00Z");
    simulation.pass(1000);
    for id in [OLD, part(1)] {
        assert_eq!(
            (simulation.status(1, id), simulation.last_error(1, id)),
            (OtaStatus::WaitingToUpgrade, LastError::Success)
        );
    }
    simulation.pass(3600);
    assert_eq!(simulation.runs(1), [NEW, part(2)]);
    assert_eq!(simulation.status(1, OLD), OtaStatus::Idle);
    // Of its other image the device tells when it is asked.
    let mut report = ClientStatus::default();
    report.status = Some(ImageUpgradeStatus::NORMAL);
    report.current_version = Some(part(2).version);
    report.manufacturer = Some(part(2).manufacturer);
    report.image_type = Some(part(2).image_type);
    let event = ServerEvent::StatusReport { client: Address::new(1, 1), report };
    simulation.network.consumer.handle_event(simulation.now, &event);
    simulation.settle();
    assert_eq!(simulation.versions(1, part(1)), ("0x00000002".into(), "0x00000002".into()));
    assert_eq!(simulation.status(1, part(1)), OtaStatus::Idle);
}

/// Shows: UNI-043, UNI-050
#[test]
fn a_failed_download_is_published_with_its_error() {
    let mut simulation = Simulation::new();
    let mut picky = simulation.simulated(1, &[OLD]);
    picky.picky = true;
    simulation.network.join(simulation.now, picky, Simulation::device(1, &[OLD]));
    simulation.offer(general(NEW), NEW);
    simulation.pass(10);
    assert_eq!(
        (simulation.status(1, OLD), simulation.last_error(1, OLD)),
        (OtaStatus::Idle, LastError::InvalidImage)
    );
    assert_eq!(
        simulation.versions(1, OLD),
        ("0x10053519".into(), "0x10103519".into()),
        "it is still to be done"
    );

    let (client, id) = (Address::new(1, 1), NEW);
    let (request, reason) = (zcl::QueryNextImageRequest::new(OLD), RefusalReason::Policy);
    let query = |answer| ServerEvent::Queried { client, request, answer, reason: Some(reason) };
    for (event, status, error) in [
        (query(Err(zcl::Refusal::NOT_AUTHORIZED)), OtaStatus::Idle, LastError::NotAuthorized),
        (ServerEvent::Started { client, id }, OtaStatus::DownloadInProgress, LastError::NotAuthorized),
        (
            ServerEvent::NotServed { client, id, status: zcl::Status::ABORT, reason },
            OtaStatus::Idle,
            LastError::Abort,
        ),
        (ServerEvent::Started { client, id }, OtaStatus::DownloadInProgress, LastError::Abort),
        (ServerEvent::Stalled { client, id, reached: 9 }, OtaStatus::Idle, LastError::Abort),
        (
            ServerEvent::Ended { client, id, status: zcl::Status::SUCCESS },
            OtaStatus::WaitingToUpgrade,
            LastError::Success,
        ),
        (ServerEvent::Ended { client, id, status: zcl::Status::FAILURE }, OtaStatus::Idle, LastError::Abort),
        (
            ServerEvent::Ended { client, id, status: zcl::Status::INVALID_IMAGE },
            OtaStatus::Idle,
            LastError::InvalidImage,
        ),
        // Not the image that it is to have, and nobody of ours.
        (
            ServerEvent::Ended { client, id: OLD, status: zcl::Status::SUCCESS },
            OtaStatus::Idle,
            LastError::InvalidImage,
        ),
        (ServerEvent::Started { client: Address::new(2, 1), id }, OtaStatus::Idle, LastError::InvalidImage),
        (ServerEvent::RepeatedDownload { client, id, times: 3 }, OtaStatus::Idle, LastError::Abort),
    ] {
        simulation.network.consumer.handle_event(simulation.now, &event);
        for action in simulation.network.run(simulation.now) {
            let zigbee_ota::unify::ConsumerAction::Publish(message) = action else { panic!("{action:?}") };
            simulation.publish(message);
        }
        assert_eq!((simulation.status(1, OLD), simulation.last_error(1, OLD)), (status, error), "{event:?}");
    }
}

/// The size is the size of the announced image, and not of an image that another store of the gateway offers.
#[test]
fn an_offer_of_an_image_without_an_announcement_has_no_size() {
    let mut simulation = Simulation::new();
    simulation.network.consumer.set_device(simulation.now, &unid(1), Simulation::device(1, &[OLD]));
    simulation.settle();
    let (client, request) = (Address::new(1, 1), zcl::QueryNextImageRequest::new(OLD));
    let answer = Ok(zcl::ImageOffer { id: NEW, size: 1000 });
    let queried = ServerEvent::Queried { client, request, answer, reason: None };
    for size in [0, 1000] {
        simulation.network.consumer.handle_event(simulation.now, &queried);
        simulation.settle();
        let found = simulation.attribute(1, OLD, ImageAttribute::Size);
        assert_eq!(found, Some(ImageAttributeValue::Size(size)));
        simulation.offer(general(NEW), NEW);
    }
}

/// Shows: UNI-049
#[test]
fn the_report_of_a_device_is_published() {
    let mut simulation = Simulation::new();
    simulation.join(1, &[OLD]);
    simulation.offer_after(general(NEW), NEW, "2100-01-01T00:00:00Z");
    // A device that downloads nothing, or does not know the offset, reports no offset of the download.
    for (code, reported, status, offset) in [
        (0x01, 640, OtaStatus::DownloadInProgress, 640),
        (0x01, u32::MAX, OtaStatus::DownloadInProgress, 640),
        (0x02, 1000, OtaStatus::WaitingToUpgrade, 640),
        (0x04, 1000, OtaStatus::WaitingToUpgrade, 640),
        (0x05, 1000, OtaStatus::WaitForMore, 640),
        (0x06, 1000, OtaStatus::WaitingToUpgradeViaExternalEvent, 640),
        (0x00, 0, OtaStatus::Idle, 640),
        (0x01, 700, OtaStatus::DownloadInProgress, 700),
    ] {
        let mut report = ClientStatus::default();
        report.status = Some(ImageUpgradeStatus(code));
        report.file_offset = Some(reported);
        report.current_version = Some(OLD.version);
        let event = ServerEvent::StatusReport { client: Address::new(1, 1), report };
        simulation.network.consumer.handle_event(simulation.now, &event);
        let found = simulation.network.consumer.status(&unid(1), &uiid(OLD)).unwrap();
        assert_eq!((found.status, found.offset), (status, offset), "{code} {reported}");
    }
}

/// Shows: UNI-049, UNI-050
#[test]
fn the_status_of_a_client_is_read_without_a_server() {
    let identity = Identity::new(OLD);
    let mut client = Client::new(client::ClientConfig::new(identity, Address::new(0, 1)), 1, Instant::ZERO);
    let of = |client: &Client, last| {
        ImageStatus::from_client(&client.attributes(), client.progress().as_ref(), last)
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
    let now = Instant::ZERO.plus(Millis(2));
    let _request = client.poll_transmit(now, &mut out).unwrap();
    let block = [&[0x19, out[1], 5, 0][..], &offer[4..12], &[0; 4], &[30], &file(NEW, 938)[..30]].concat();
    let client::ClientAction::Store(block) = client.handle_frame(now, meta, &block) else { panic!() };
    client.stored(now, block.ticket, client::StoreResult::Ok).unwrap();
    let found = of(&client, Some(client::Outcome::InvalidImage));
    let mut expected = ImageStatus::idle(OLD.version);
    expected.target = NEW.version;
    expected.status = OtaStatus::DownloadInProgress;
    (expected.size, expected.offset) = (1000, 30);
    expected.last_error = LastError::InvalidImage;
    assert_eq!(found, expected);
}

/// Shows: UNI-051
#[test]
fn topics_and_payloads_need_no_broker() {
    let mut simulation =
        Simulation::with(zigbee_ota::unify::ConsumerConfig::default(), |_| FileVerdict::Valid);
    simulation.join(1, &[OLD]);
    simulation.offer(general(NEW), NEW);
    simulation.pass(10);
    assert_eq!(simulation.runs(1), [NEW]);
}
