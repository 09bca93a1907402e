//! Retrieval of an image from the provider.

use zigbee_ota::file::FileHeader;
use zigbee_ota::server::ServerEvent;
use zigbee_ota::unify::{
    Announcement, ConsumerConfig, FileVerdict, ImagePath, LastError, MqttMessage, OtaStatus,
};
use zigbee_ota::{Eui64, ImageId};

use crate::simulation::{NEW, OLD, Seen, Simulation, file, file_with, general, own, uiid, unid};

#[path = "../common/properties/signature.rs"]
#[expect(dead_code, reason = "only what was signed, and by whom")]
mod signed;

fn data_topic(place: &ImagePath) -> String {
    MqttMessage::image(place, Vec::new()).unwrap().topic
}

/// Shows: UNI-027, UNI-028, UNI-032
#[test]
fn an_image_is_subscribed_to_then_requested_then_received() {
    let mut simulation = Simulation::new();
    simulation.join(1, &[OLD]);
    simulation.seen.clear();
    for place in [general(NEW), own(NEW, 1)] {
        let before = simulation.seen.len();
        simulation.offer(place.clone(), NEW);
        let topic = data_topic(&place);
        let retrieval = |seen: &&Seen| match seen {
            Seen::Subscribe(filter) | Seen::Unsubscribe(filter) => *filter == topic,
            Seen::Publish(message) => message.topic.starts_with("ucl/OTA/"),
        };
        let get = MqttMessage { topic: format!("{topic}/get"), payload: b"{}".to_vec(), retain: false };
        let seen: Vec<_> = simulation.seen[before..].iter().filter(retrieval).cloned().collect();
        let expected = [Seen::Subscribe(topic.clone()), Seen::Publish(get), Seen::Unsubscribe(topic.clone())];
        assert_eq!(seen, expected);
        simulation.pass(10);
        assert_eq!(simulation.runs(1), [NEW], "the device was told, and upgraded");
        // Back to the start.
        simulation.withdraw(&place);
        simulation.network.devices[0].runs = vec![OLD];
        simulation.network.devices[0].restart(simulation.now);
        simulation.pass(10);
    }
    assert_eq!(simulation.sent.len(), 2);
    assert!(simulation.sent.iter().all(|message| !message.retain && message.payload == file(NEW, 1000)));
}

/// Shows: UNI-028
#[test]
fn a_request_times_out_and_is_repeated_later() {
    let mut simulation = Simulation::new();
    simulation.provided = false;
    simulation.join(1, &[OLD]);
    simulation.offer(general(NEW), NEW);
    let topic = data_topic(&general(NEW));
    let gone = Seen::Unsubscribe(topic.clone());
    simulation.pass(59);
    assert!(!simulation.seen.contains(&gone));
    simulation.pass(1);
    assert_eq!(simulation.seen.iter().filter(|seen| **seen == gone).count(), 1);
    // What comes now was asked for by others.
    let late = MqttMessage::image(&general(NEW), file(NEW, 1000)).unwrap();
    let error = simulation.network.receive(simulation.now, &late).unwrap_err();
    assert_eq!(error.to_string(), format!("image {}/all was not requested", uiid(NEW)));
    assert_eq!(simulation.gets(&general(NEW)), 1);
    simulation.provided = true;
    simulation.pass(299);
    assert_eq!(simulation.gets(&general(NEW)), 1);
    simulation.pass(1);
    assert_eq!(simulation.gets(&general(NEW)), 2);
    simulation.pass(60);
    assert_eq!(simulation.runs(1), [NEW]);
}

/// Shows: UNI-033
#[test]
fn an_image_is_fetched_once_for_many_devices() {
    let mut simulation = Simulation::new();
    simulation.join(1, &[OLD]);
    simulation.join(2, &[OLD]);
    simulation.offer(general(NEW), NEW);
    simulation.pass(10);
    // One that comes later, and a provider that starts anew.
    simulation.join(3, &[OLD]);
    simulation.offer(general(NEW), NEW);
    simulation.pass(10);
    for number in 1..=3 {
        assert_eq!(simulation.runs(number), [NEW]);
    }
    assert_eq!((simulation.gets(&general(NEW)), simulation.sent.len()), (1, 1));
}

#[test]
fn an_image_that_no_device_needs_is_not_fetched() {
    let mut simulation = Simulation::new();
    simulation.join(1, &[ImageId::new(0x1001, 0x2000, 1)]);
    simulation.offer(general(NEW), NEW);
    assert_eq!(simulation.gets(&general(NEW)), 0);
    simulation.join(2, &[OLD]);
    assert_eq!(simulation.gets(&general(NEW)), 1);
}

/// Shows: UNI-005, UNI-043, FLD-048
#[test]
fn a_file_for_other_devices_is_an_invalid_image() {
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
        let mut simulation = Simulation::new();
        simulation.join(1, &[OLD]);
        simulation.announce(place.clone(), Announcement::new(NEW.version), bytes);
        assert_eq!(simulation.sent.len(), 1, "whatever it is, it is passed on");
        let error = simulation.last_error(1, OLD);
        assert_eq!(error == LastError::InvalidImage, !good, "{place} {error:?}");
        simulation.pass(3600);
        assert_eq!(simulation.gets(&place), 1, "and not asked for again");
        if good {
            assert_eq!(simulation.runs(1), [NEW], "{place}");
        } else {
            assert_eq!(simulation.runs(1), [OLD]);
            // The provider mends it.
            simulation.offer(place.clone(), NEW);
            simulation.pass(10);
            assert_eq!((simulation.gets(&place), simulation.runs(1)), (2, &[NEW][..]));
            assert_eq!(simulation.last_error(1, OLD), LastError::Success);
        }
    }
}

/// Shows: UNI-006
#[test]
fn only_a_verified_image_is_offered() {
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
        let mut simulation = Simulation::with(ConsumerConfig::default(), check);
        simulation.join(1, &[runs]);
        simulation.announce(general(id), Announcement::new(id.version), bytes);
        simulation.pass(60);
        assert_eq!(simulation.runs(1) == [id], good);
        let offered = |event: &ServerEvent| matches!(event, ServerEvent::Queried { answer: Ok(_), .. });
        assert_eq!(simulation.network.events.iter().any(offered), good);
        let error = if good { LastError::Success } else { LastError::InvalidImage };
        assert_eq!((simulation.status(1, id), simulation.last_error(1, id)), (OtaStatus::Idle, error));
    }
}

#[test]
fn everything_is_published_again_after_a_lost_connection() {
    let mut simulation = Simulation::new();
    simulation.join(1, &[OLD]);
    simulation.provided = false;
    simulation.offer(general(NEW), NEW);
    let retained = simulation.retained.clone();
    simulation.retained.retain(|topic, _| topic.starts_with("ucl/OTA/"));
    simulation.seen.clear();
    simulation.provided = true;
    simulation.network.consumer.reconnected(simulation.now);
    simulation.settle();
    for filter in ["ucl/OTA/info/+/all".to_owned(), format!("ucl/OTA/info/+/{}", unid(1))] {
        assert!(simulation.seen.contains(&Seen::Subscribe(filter)));
    }
    assert_eq!(simulation.gets(&general(NEW)), 1);
    assert!(retained.keys().all(|topic| simulation.retained.contains_key(topic)));
    simulation.pass(10);
    assert_eq!(simulation.runs(1), [NEW]);
}

/// Shows: UNI-016
#[test]
fn both_spellings_are_subscribed_to_on_request_and_one_is_published() {
    for lower_case in [false, true] {
        let mut config = ConsumerConfig::default();
        config.lower_case = lower_case;
        let mut simulation = Simulation::with(config, |_| FileVerdict::Valid);
        simulation.join(1, &[OLD]);
        let info = Announcement::new(NEW.version);
        let message = MqttMessage {
            topic: format!("ucl/ota/info/{}/all", uiid(NEW)),
            payload: serde_json::to_vec(&info).unwrap(),
            retain: true,
        };
        simulation.publish(message);
        simulation.settle();
        assert_eq!(simulation.gets(&general(NEW)), usize::from(lower_case));
        let published = simulation.seen.iter().filter_map(|seen| match seen {
            Seen::Publish(message) => Some(&message.topic),
            _ => None,
        });
        assert!(published.clone().all(|topic| topic.contains("OTA") && !topic.contains("/ota/")));
        assert!(published.count() > 0);
    }
}
