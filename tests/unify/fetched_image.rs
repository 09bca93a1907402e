//! An image from its arrival to the result of its verification, the consumer as an image store, and ignored messages.

use std::collections::HashSet;
use std::num::NonZeroU8;

use zigbee_ota::aps::Address;
use zigbee_ota::file::FileHeader;
use zigbee_ota::server::{ImageStore, ReadResult, ServerEvent, ServerPolicy, serve_block};
use zigbee_ota::time::Instant;
use zigbee_ota::unify::{
    Announcement, AttributeSide, Consumer, ConsumerAction, ConsumerConfig, DateTime, FetchedImage,
    FileVerdict, ImagePath, MqttMessage, Topic, Uiid, Unid,
};
use zigbee_ota::zcl::{self, ImageBlockRequest, QueryNextImageRequest, Status};
use zigbee_ota::{Eui64, ImageId};

use crate::simulated_broker_and_network::{
    NEW, NEWER, OLD, Simulation, file, file_with, general, own, uiid, unid,
};

const NOW: Instant = Instant::ZERO;

fn info_of(place: &ImagePath, id: ImageId) -> MqttMessage {
    let payload = format!(r#"{{"Version":"{:#010x}"}}"#, id.version.0).into_bytes();
    MqttMessage { topic: Topic::Info(place.clone()).to_string(), payload, retain: true }
}

/// Returns the images that the consumer has passed on for verification since the last call.
fn to_check(consumer: &mut Consumer) -> Vec<FetchedImage> {
    let actions = std::iter::from_fn(|| consumer.poll_action());
    let fetched = |action| match action {
        ConsumerAction::Verify(fetched) => Some(fetched),
        _ => None,
    };
    actions.filter_map(fetched).collect()
}

/// A consumer with a device that is to be checked an image for.
fn checking(place: &ImagePath) -> (Consumer, FetchedImage) {
    let mut consumer = Consumer::new(ConsumerConfig::default());
    consumer.set_device(NOW, &unid(1), Simulation::device(1, &[OLD]));
    consumer.handle_message(NOW, &info_of(place, NEW)).unwrap();
    consumer.handle_message(NOW, &MqttMessage::image(place, file(NEW, 100)).unwrap()).unwrap();
    let mut fetched = to_check(&mut consumer);
    assert_eq!(fetched.len(), 1);
    (consumer, fetched.remove(0))
}

fn offered(consumer: &Consumer) -> bool {
    consumer.images().info(NEW, Some(Eui64(1)), None, None).found().is_some()
}

#[test]
fn an_image_is_lent_from_its_arrival_until_it_is_refused_or_gone() {
    let (mut consumer, fetched) = checking(&general(NEW));
    assert_eq!(fetched.path(), &general(NEW));
    assert_eq!(consumer.image(&fetched), Some(&file(NEW, 100)[..]));
    assert!(!offered(&consumer), "not before it was found good");
    consumer.verified(NOW, &fetched, FileVerdict::Valid);
    assert_eq!(consumer.image(&fetched), Some(&file(NEW, 100)[..]));
    assert!(offered(&consumer));
    // The file is the content of no other version.
    assert_eq!(consumer.images().info(NEWER, Some(Eui64(1)), None, None).found(), None);
    // A second verdict is of no image that waits for one.
    consumer.verified(NOW, &fetched, FileVerdict::Invalid);
    assert!(offered(&consumer));

    let (mut consumer, fetched) = checking(&general(NEW));
    consumer.verified(NOW, &fetched, FileVerdict::Invalid);
    assert_eq!((consumer.image(&fetched), offered(&consumer)), (None, false));

    let (mut consumer, fetched) = checking(&general(NEW));
    let gone = MqttMessage { payload: Vec::new(), ..info_of(&general(NEW), NEW) };
    consumer.handle_message(NOW, &gone).unwrap();
    assert_eq!(consumer.image(&fetched), None);
    consumer.verified(NOW, &fetched, FileVerdict::Valid);
    assert!(!offered(&consumer));

    // Another took its place: the verdict is of the one before.
    let (mut consumer, fetched) = checking(&general(NEW));
    consumer.handle_message(NOW, &info_of(&general(NEW), NEWER)).unwrap();
    consumer.handle_message(NOW, &MqttMessage::image(&general(NEW), file(NEWER, 100)).unwrap()).unwrap();
    let [next] = &to_check(&mut consumer)[..] else { panic!("the next one is not to be checked") };
    consumer.verified(NOW, &fetched, FileVerdict::Valid);
    assert_eq!((consumer.image(&fetched), consumer.image(next)), (None, Some(&file(NEWER, 100)[..])));
    assert_eq!(consumer.images().info(NEWER, None, None, None).found(), None);
}

/// The block service as a function knows no client, and an address in the request is no proof: an image for one device
/// goes to nobody.
///
/// Shows: FLD-047
#[test]
fn an_address_in_a_request_opens_no_image_for_one_device() {
    let request = |node| {
        let mut request = ImageBlockRequest::new(NEW, 0, 4);
        request.node = node;
        request
    };
    let served = |consumer: &Consumer, node: Option<Eui64>| {
        let mut out = [0; zcl::LONGEST_TO_CLIENT];
        serve_block(7, &request(node), NonZeroU8::MAX, &mut consumer.images(), &mut out).is_some()
    };
    for (place, anybody) in [(general(NEW), true), (own(NEW, 1), false)] {
        let (mut consumer, fetched) = checking(&place);
        consumer.verified(NOW, &fetched, FileVerdict::Valid);
        let found = [None, Some(Eui64(1)), Some(Eui64(2))].map(|node| served(&consumer, node));
        assert_eq!(found, [anybody; 3], "{place}");
    }
}

#[test]
fn an_image_for_one_device_is_found_for_its_address_only() {
    let mut consumer = Consumer::new(ConsumerConfig::default());
    for number in [1, 2] {
        consumer.set_device(NOW, &unid(number), Simulation::device(number, &[OLD]));
    }
    let (place, made_for) = (own(NEW, 2), FileHeader::new(NEW).with_destination(Eui64(2)));
    consumer.handle_message(NOW, &info_of(&place, NEW)).unwrap();
    consumer.handle_message(NOW, &MqttMessage::image(&place, file_with(made_for, 100)).unwrap()).unwrap();
    let fetched = to_check(&mut consumer);
    consumer.verified(NOW, &fetched[0], FileVerdict::Valid);
    let client = Simulation::device(2, &[OLD]).client;
    for client in [None, Some(client)] {
        let found = [None, Some(1), Some(2)]
            .map(|node| consumer.images().info(NEW, node.map(Eui64), None, client).found().is_some());
        assert_eq!(found, [false, false, true], "{client:?}");
    }
}

#[test]
fn a_client_that_is_no_device_of_the_consumer_is_offered_images_for_all() {
    let stranger = Address::new(0x4444, 1);
    let query = QueryNextImageRequest::new(OLD);
    for (place, fits) in [(general(NEW), true), (own(NEW, 1), false)] {
        let (mut consumer, fetched) = checking(&place);
        consumer.verified(NOW, &fetched, FileVerdict::Valid);
        let image = *consumer.images().info(NEW, Some(Eui64(1)), None, None).found().unwrap();
        assert_eq!(consumer.policy(NOW).is_eligible(stranger, &query, &image), fits, "{place}");
        assert!(consumer.policy(NOW).is_eligible(Simulation::device(1, &[OLD]).client, &query, &image));
    }
}

#[test]
fn unrelated_events_and_topics_change_nothing() {
    let (mut consumer, fetched) = checking(&general(NEW));
    consumer.verified(NOW, &fetched, FileVerdict::Valid);
    assert_eq!(to_check(&mut consumer), []);
    let before = consumer.status(&unid(1), &uiid(NEW)).cloned();
    let client = Simulation::device(1, &[OLD]).client;
    consumer.handle_event(NOW, &ServerEvent::Waiting { client, id: NEW, seconds: 5 });
    consumer.handle_event(
        NOW,
        &ServerEvent::DefaultResponse {
            client,
            command: zcl::CommandId::IMAGE_NOTIFY,
            status: Status::FAILURE,
        },
    );
    assert_eq!(consumer.status(&unid(1), &uiid(NEW)).cloned(), before);
    assert_eq!(consumer.poll_action(), None);
    // Topics of the provider's, and of those who watch.
    for topic in [
        Topic::Get(general(NEW)),
        Topic::Revision(
            zigbee_ota::unify::DeviceEndpoint { device: unid(1), endpoint: 0 },
            AttributeSide::Reported,
        ),
    ] {
        let message = MqttMessage { topic: topic.to_string(), payload: b"{}".to_vec(), retain: false };
        let why = consumer.handle_message(NOW, &message).unwrap_err();
        assert_eq!(why.to_string(), "a topic of another role");
    }
    let message = MqttMessage { topic: "ucl/OTA".to_owned(), payload: b"{}".to_vec(), retain: false };
    assert!(consumer.handle_message(NOW, &message).is_err(), "no topic at all");
    assert_eq!(consumer.poll_action(), None);
}

#[test]
fn an_image_that_is_withdrawn_while_it_is_served_is_gone() {
    let (mut consumer, fetched) = checking(&general(NEW));
    consumer.verified(NOW, &fetched, FileVerdict::Valid);
    let image = *consumer.images().info(NEW, None, None, None).found().unwrap();
    let mut out = [0; 4];
    assert_eq!(consumer.images().read(&image, 0, None, &mut out), ReadResult::Filled(4));
    assert_eq!(out, [0x1e, 0xf1, 0xee, 0x0b]);
    let gone = MqttMessage { payload: Vec::new(), ..info_of(&general(NEW), NEW) };
    consumer.handle_message(NOW, &gone).unwrap();
    assert_eq!(consumer.images().read(&image, 0, None, &mut out), ReadResult::Gone);
}

/// After a reconnection, pending messages are not sent twice, and a pending verification is kept.
#[test]
fn a_new_connection_keeps_pending_verifications() {
    let mut consumer = Consumer::new(ConsumerConfig::default());
    consumer.set_device(NOW, &unid(1), Simulation::device(1, &[OLD]));
    consumer.handle_message(NOW, &info_of(&general(NEW), NEW)).unwrap();
    consumer.handle_message(NOW, &MqttMessage::image(&general(NEW), file(NEW, 100)).unwrap()).unwrap();
    consumer.reconnected(NOW);
    let actions: Vec<_> = std::iter::from_fn(|| consumer.poll_action()).collect();
    let checks = actions.iter().filter(|action| matches!(action, ConsumerAction::Verify(_))).count();
    assert_eq!(checks, 1);
    let filters: Vec<_> = actions
        .iter()
        .filter_map(|action| match action {
            ConsumerAction::Subscribe(filter) => Some(filter.to_string()),
            _ => None,
        })
        .collect();
    assert_eq!(filters.iter().collect::<HashSet<_>>().len(), filters.len(), "{filters:?}");
    assert!(filters.contains(&"ucl/OTA/info/+/all".to_owned()));
}

#[test]
fn identifiers_and_date_times_are_written_as_text() {
    let (image, device) = (uiid(NEW), unid(1));
    assert_eq!((image.to_string().as_str(), device.to_string().as_str()), (image.as_str(), device.as_str()));
    assert_eq!("Lamp".parse::<Uiid>().unwrap().to_string(), "Lamp");
    assert_eq!("zb-1".parse::<Unid>().unwrap().to_string(), "zb-1");
    assert!("all".parse::<Unid>().is_err());
    let read: Unid = serde_json::from_str(r#""zb-0000000000000001""#).unwrap();
    assert_eq!(
        (serde_json::to_string(&read).unwrap(), read),
        (r#""zb-0000000000000001""#.to_owned(), device)
    );
    let moment: DateTime = "2026-01-01T00:00:00Z".parse().unwrap();
    assert_eq!(format!("{moment:>22}"), "  2026-01-01T00:00:00Z");
    assert_eq!(Announcement::new(NEW.version).file_version().unwrap(), NEW.version);
}

#[test]
fn errors_of_topics_name_the_expected_level() {
    for (text, error) in [
        ("ucl/OTA/image/A/all", r#"level 3 of the topic is "image", expected `info` or `data`"#),
        (
            "ucl/by-unid/U/ep0/OTA/Commands",
            r#"level 6 of the topic is "Commands", expected `Attributes` or `SupportedCommands`"#,
        ),
        (
            "ucl/by-unid/U/ep0/OTA/Attributes/UNID/A",
            r#"level 7 of the topic is "UNID", expected `UIID` or `ClusterRevision`"#,
        ),
    ] {
        assert_eq!(text.parse::<Topic>().unwrap_err().to_string(), error);
    }
}
