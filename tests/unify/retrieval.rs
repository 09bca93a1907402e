//! How an image comes from the provider.

use zigbee_ota::file::FileHeader;
use zigbee_ota::server::ServerEvent;
use zigbee_ota::unify::{Config, FileVerdict, Info, LastError, Message, Place, Status};
use zigbee_ota::{Eui64, ImageId};

use crate::world::{NEW, OLD, Seen, World, file, file_with, general, own, uiid, unid};

#[path = "../common/properties/signature.rs"]
#[expect(dead_code, reason = "only what was signed, and by whom")]
mod signed;

fn data_topic(place: &Place) -> String {
    place.data(Vec::new()).unwrap().topic
}

/// Shows: UNI-027, UNI-028, UNI-032
#[test]
fn an_image_is_subscribed_to_then_asked_for_then_taken() {
    let mut world = World::new();
    world.join(1, &[OLD]);
    world.seen.clear();
    for place in [general(NEW), own(NEW, 1)] {
        let before = world.seen.len();
        world.offer(place.clone(), NEW);
        let topic = data_topic(&place);
        let retrieval = |seen: &&Seen| match seen {
            Seen::Subscribe(filter) | Seen::Unsubscribe(filter) => *filter == topic,
            Seen::Publish(message) => message.topic.starts_with("ucl/OTA/"),
        };
        let get = Message { topic: format!("{topic}/get"), payload: b"{}".to_vec(), retain: false };
        let seen: Vec<_> = world.seen[before..].iter().filter(retrieval).cloned().collect();
        let expected = [Seen::Subscribe(topic.clone()), Seen::Publish(get), Seen::Unsubscribe(topic.clone())];
        assert_eq!(seen, expected);
        world.pass(10);
        assert_eq!(world.runs(1), [NEW], "the device was told, and upgraded");
        // Back to the start.
        world.withdraw(&place);
        world.network.devices[0].runs = vec![OLD];
        world.network.devices[0].restart(world.now);
        world.pass(10);
    }
    assert_eq!(world.sent.len(), 2);
    assert!(world.sent.iter().all(|message| !message.retain && message.payload == file(NEW, 1000)));
}

/// Shows: UNI-028
#[test]
fn an_image_that_does_not_come_is_waited_for_no_more_and_asked_for_again_later() {
    let mut world = World::new();
    world.provided = false;
    world.join(1, &[OLD]);
    world.offer(general(NEW), NEW);
    let topic = data_topic(&general(NEW));
    let gone = Seen::Unsubscribe(topic.clone());
    world.pass(59);
    assert!(!world.seen.contains(&gone));
    world.pass(1);
    assert_eq!(world.seen.iter().filter(|seen| **seen == gone).count(), 1);
    // What comes now was asked for by others.
    let late = general(NEW).data(file(NEW, 1000)).unwrap();
    let error = world.network.receive(world.now, &late).unwrap_err();
    assert_eq!(error.to_string(), format!("image {}/all was not asked for", uiid(NEW)));
    assert_eq!(world.gets(&general(NEW)), 1);
    world.provided = true;
    world.pass(299);
    assert_eq!(world.gets(&general(NEW)), 1);
    world.pass(1);
    assert_eq!(world.gets(&general(NEW)), 2);
    world.pass(60);
    assert_eq!(world.runs(1), [NEW]);
}

/// Shows: UNI-033
#[test]
fn an_image_is_fetched_once_for_many_devices() {
    let mut world = World::new();
    world.join(1, &[OLD]);
    world.join(2, &[OLD]);
    world.offer(general(NEW), NEW);
    world.pass(10);
    // One that comes later, and a provider that starts anew.
    world.join(3, &[OLD]);
    world.offer(general(NEW), NEW);
    world.pass(10);
    for number in 1..=3 {
        assert_eq!(world.runs(number), [NEW]);
    }
    assert_eq!((world.gets(&general(NEW)), world.sent.len()), (1, 1));
}

#[test]
fn an_image_that_no_device_needs_is_not_fetched() {
    let mut world = World::new();
    world.join(1, &[ImageId::new(0x1001, 0x2000, 1)]);
    world.offer(general(NEW), NEW);
    assert_eq!(world.gets(&general(NEW)), 0);
    world.join(2, &[OLD]);
    assert_eq!(world.gets(&general(NEW)), 1);
}

/// Shows: UNI-005, UNI-043
#[test]
fn what_is_no_file_for_these_devices_is_an_invalid_image() {
    let stranger = ImageId::new(0x1001, 0x2000, NEW.version.0);
    let for_another = FileHeader::new(NEW).with_destination(Eui64(9));
    let for_it = FileHeader::new(NEW).with_destination(Eui64(1));
    for (place, bytes, good) in [
        (general(NEW), b"GIF89a".to_vec(), false),
        (general(NEW), Vec::new(), false),
        (general(NEW), file(NEW, 100)[..120].to_vec(), false),
        (general(NEW), file(OLD, 100), false),
        (general(NEW), file(stranger, 100), false),
        (general(NEW), file_with(for_it, 100), false),
        (own(NEW, 1), file_with(for_another, 100), false),
        (own(NEW, 1), file_with(for_it, 100), true),
        (general(NEW), [file(NEW, 100), vec![0xff; 9]].concat(), true),
    ] {
        let mut world = World::new();
        world.join(1, &[OLD]);
        world.announce(place.clone(), Info::new(NEW.version), bytes);
        assert_eq!(world.sent.len(), 1, "whatever it is, it is passed on");
        let error = world.last_error(1, OLD);
        assert_eq!(error == LastError::InvalidImage, !good, "{place} {error:?}");
        world.pass(3600);
        assert_eq!(world.gets(&place), 1, "and not asked for again");
        if !good {
            assert_eq!(world.runs(1), [OLD]);
            // The provider mends it.
            world.offer(place.clone(), NEW);
            world.pass(10);
            assert_eq!((world.gets(&place), world.runs(1)), (2, &[NEW][..]));
            assert_eq!(world.last_error(1, OLD), LastError::Success);
        }
    }
}

/// Shows: UNI-006
#[test]
fn only_an_image_that_was_found_good_is_offered() {
    let check = |file: &[u8]| match zigbee_ota::signature::verify(file, &signed::policy()) {
        Ok(_) => FileVerdict::Valid,
        Err(_) => FileVerdict::Invalid,
    };
    let signed = signed::SIGNED[0].to_vec();
    let id = FileHeader::parse(&signed).unwrap().0.id;
    let runs = ImageId { version: zigbee_ota::FileVersion(id.version.0 - 1), ..id };
    let mut altered = signed.clone();
    altered[70] ^= 1;
    for (bytes, good) in [(signed, true), (altered, false), (file(id, 100), false)] {
        let mut world = World::with(Config::default(), check);
        world.join(1, &[runs]);
        world.announce(general(id), Info::new(id.version), bytes);
        world.pass(60);
        assert_eq!(world.runs(1) == [id], good);
        let offered = |event: &ServerEvent| matches!(event, ServerEvent::Queried { answer: Ok(_), .. });
        assert_eq!(world.network.events.iter().any(offered), good);
        let error = if good { LastError::Success } else { LastError::InvalidImage };
        assert_eq!((world.status(1, id), world.last_error(1, id)), (Status::Idle, error));
    }
}

#[test]
fn after_a_lost_connection_all_is_said_again() {
    let mut world = World::new();
    world.join(1, &[OLD]);
    world.provided = false;
    world.offer(general(NEW), NEW);
    let retained = world.retained.clone();
    world.retained.retain(|topic, _| topic.starts_with("ucl/OTA/"));
    world.seen.clear();
    world.provided = true;
    world.network.consumer.reconnected(world.now);
    world.settle();
    for filter in ["ucl/OTA/info/+/all".to_owned(), format!("ucl/OTA/info/+/{}", unid(1))] {
        assert!(world.seen.contains(&Seen::Subscribe(filter)));
    }
    assert_eq!(world.gets(&general(NEW)), 1);
    assert!(retained.keys().all(|topic| world.retained.contains_key(topic)));
    world.pass(10);
    assert_eq!(world.runs(1), [NEW]);
}

/// Shows: UNI-016
#[test]
fn both_spellings_are_subscribed_to_where_that_is_wanted_and_one_is_published() {
    for lower_case in [false, true] {
        let config = Config { lower_case, ..Config::default() };
        let mut world = World::with(config, |_| FileVerdict::Valid);
        world.join(1, &[OLD]);
        let info = Info::new(NEW.version);
        let message = Message {
            topic: format!("ucl/ota/info/{}/all", uiid(NEW)),
            payload: serde_json::to_vec(&info).unwrap(),
            retain: true,
        };
        world.publish(message);
        world.settle();
        assert_eq!(world.gets(&general(NEW)), usize::from(lower_case));
        let published = world.seen.iter().filter_map(|seen| match seen {
            Seen::Publish(message) => Some(&message.topic),
            _ => None,
        });
        assert!(published.clone().all(|topic| topic.contains("OTA") && !topic.contains("/ota/")));
        assert!(published.count() > 0);
    }
}
