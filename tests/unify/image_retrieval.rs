//! Retrieval of an image from the provider.

use zigbee_ota::file::FileHeader;
use zigbee_ota::server::ServerEvent;
use zigbee_ota::time::Instant;
use zigbee_ota::unify::{
    Announcement, ConsumerConfig, FileVerdict, ImagePath, LastError, MqttMessage, OtaStatus,
};
use zigbee_ota::{Eui64, ImageId};

use crate::simulated_broker_and_network::{
    NEW, OLD, Seen, Simulation, file, file_with, general, own, uiid, unid,
};

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
        (general(NEW), file(NEW, 100)[..120].to_vec(), false),
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

/// Shows: FLD-100
#[test]
fn a_request_is_ended_only_by_its_response() {
    let place = general(NEW);
    let topic = data_topic(&place);
    let uiid = uiid(NEW);
    let message = |payload: Vec<u8>, retain| MqttMessage { topic: topic.clone(), payload, retain };
    let [old_version, new_version] = [OLD, NEW].map(|id| format!("{:#010x}", id.version.0));
    let other = format!("version {old_version} of image {uiid}/all, version {new_version} is announced");
    let retained = "a request or an image that was retained";
    for (leftover, reason) in [
        (message(file(NEW, 1000), true), retained),
        (message(file(OLD, 1000), true), retained),
        (message(b"GIF89a".to_vec(), true), retained),
        (message(Vec::new(), true), retained),
        (message(Vec::new(), false), &format!("image {uiid}/all without a byte")),
        (message(file(OLD, 1000), false), &other),
        (message(file(OLD, 1000)[..100].to_vec(), false), &other),
    ] {
        for is_answered in [true, false] {
            let mut simulation = Simulation::new();
            simulation.provided = false;
            simulation.join(1, &[OLD]);
            simulation.offer(place.clone(), NEW);
            simulation.pass(10);
            for _ in 0..3 {
                let error = simulation.network.receive(simulation.now, &leftover).unwrap_err();
                assert_eq!(error.to_string(), reason);
                simulation.settle();
            }
            let gone = Seen::Unsubscribe(topic.clone());
            assert!(!simulation.seen.contains(&gone), "{reason}: still waited on");
            assert_eq!(simulation.last_error(1, OLD), LastError::Success);
            if is_answered {
                // The real one, after 59 of 60 seconds.
                simulation.pass(49);
                simulation.publish(message(file(NEW, 1000), false));
                simulation.settle();
                assert_eq!(simulation.gets(&place), 1, "{reason}");
            } else {
                simulation.pass(50);
                assert!(simulation.seen.contains(&gone), "{reason}: timed out");
                simulation.provided = true;
                simulation.pass(300);
                assert_eq!(simulation.gets(&place), 2, "{reason}: asked on");
            }
            simulation.pass(10);
            assert_eq!(simulation.runs(1), [NEW], "{reason}");
        }
    }
}

/// A message with quality of service 1 may come twice.
#[test]
fn a_repeated_image_changes_nothing() {
    let mut simulation = Simulation::new();
    simulation.join(1, &[OLD]);
    simulation.offer(general(NEW), NEW);
    let image = MqttMessage::image(&general(NEW), file(NEW, 1000)).unwrap();
    for _ in 0..2 {
        let error = simulation.network.receive(simulation.now, &image).unwrap_err();
        assert_eq!(error.to_string(), format!("image {}/all was not requested", uiid(NEW)));
    }
    simulation.pass(10);
    assert_eq!((simulation.runs(1), simulation.gets(&general(NEW))), (&[NEW][..], 1));
}

/// The UNID of a device tells its IEEE address, where the description does not.
///
/// Shows: FLD-048
#[test]
fn a_file_made_for_one_device_goes_to_it_and_to_no_other() {
    for destination in [1, 2] {
        let mut simulation = Simulation::new();
        for number in [1, 2] {
            let simulated = simulation.simulated(number, &[OLD]);
            let mut device = Simulation::device(number, &[OLD]);
            device.node = None;
            simulation.network.join(simulation.now, simulated, device);
        }
        let made_for = file_with(FileHeader::new(NEW).with_destination(Eui64(destination)), 100);
        simulation.announce(own(NEW, 1), Announcement::new(NEW.version), made_for);
        simulation.pass(60);
        let is_for_it = destination == 1;
        assert_eq!(simulation.runs(1) == [NEW], is_for_it);
        assert_eq!(simulation.last_error(1, OLD) == LastError::InvalidImage, !is_for_it);
        assert_eq!(simulation.runs(2), [OLD]);
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

/// A withdrawal that nobody heard.
///
/// Shows: FLD-101
#[test]
fn an_image_withdrawn_off_line_is_gone_after_the_reconnection() {
    for keeps_session in [false, true] {
        // The device waits for its time with the whole image.
        let mut simulation = Simulation::new();
        simulation.join(1, &[OLD]);
        simulation.offer_after(general(NEW), NEW, "2026-01-01T01:00:00Z");
        simulation.pass(10);
        assert_eq!(simulation.status(1, OLD), OtaStatus::WaitingToUpgrade);
        simulation.withdraw_unheard(&general(NEW));
        simulation.reconnect(keeps_session);
        simulation.pass(119);
        assert_eq!(simulation.status(1, OLD), OtaStatus::WaitingToUpgrade);
        simulation.pass(1);
        let told = (simulation.status(1, OLD), simulation.last_error(1, OLD));
        assert_eq!(told, (OtaStatus::Idle, LastError::Abort));
        simulation.pass(7200);
        assert_eq!(simulation.runs(1), [OLD], "its countdown was stopped");
        // Announced again, it goes on.
        simulation.offer(general(NEW), NEW);
        simulation.pass(7200);
        assert_eq!(simulation.runs(1), [NEW]);
    }
    // The device has not begun.
    let mut simulation = Simulation::new();
    simulation.network.consumer.set_device(simulation.now, &unid(1), Simulation::device(1, &[OLD]));
    simulation.settle();
    simulation.offer(general(NEW), NEW);
    simulation.withdraw_unheard(&general(NEW));
    simulation.reconnect(false);
    simulation.pass(120);
    let late = simulation.simulated(1, &[OLD]);
    simulation.network.devices.push(late);
    simulation.pass(60);
    assert_eq!((simulation.runs(1), simulation.gets(&general(NEW))), (&[OLD][..], 1));
}

/// Shows: FLD-101
#[test]
fn an_image_announced_again_after_the_reconnection_goes_on() {
    for keeps_session in [false, true] {
        let mut simulation = Simulation::new();
        simulation.join(1, &[OLD]);
        simulation.offer_after(general(NEW), NEW, "2026-01-01T01:00:00Z");
        simulation.pass(10);
        simulation.reconnect(keeps_session);
        let due = Instant::from_millis(3_600_000);
        assert_eq!(simulation.network.consumer.poll_timeout(), Some(due), "nothing is waited for");
        simulation.pass(3580);
        assert_eq!(simulation.runs(1), [OLD]);
        simulation.pass(20);
        assert_eq!((simulation.runs(1), simulation.gets(&general(NEW))), (&[NEW][..], 1));
    }
    // A broker that has lost all, and a provider that comes back within two minutes.
    let mut simulation = Simulation::new();
    simulation.join(1, &[OLD]);
    simulation.offer_after(general(NEW), NEW, "2026-01-01T01:00:00Z");
    simulation.pass(10);
    simulation.retained.clear();
    simulation.reconnect(false);
    simulation.pass(119);
    simulation.offer_after(general(NEW), NEW, "2026-01-01T01:00:00Z");
    simulation.pass(3600);
    assert_eq!((simulation.runs(1), simulation.gets(&general(NEW))), (&[NEW][..], 1));
}

/// A reconnection while an image is waited for leaves no subscription in a session that the broker has kept.
#[test]
fn a_request_does_not_outlive_its_connection() {
    let mut simulation = Simulation::new();
    simulation.provided = false;
    simulation.join(1, &[OLD]);
    simulation.offer(general(NEW), NEW);
    simulation.withdraw_unheard(&general(NEW));
    simulation.seen.clear();
    simulation.reconnect(true);
    simulation.pass(600);
    let topic = data_topic(&general(NEW));
    assert!(simulation.seen.contains(&Seen::Unsubscribe(topic.clone())));
    assert!(!simulation.seen.contains(&Seen::Subscribe(topic)));
    assert_eq!(simulation.gets(&general(NEW)), 0);
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
            Seen::Publish(message) => Some(message.topic.as_str()),
            _ => None,
        });
        // A provider that follows the diagram hears the request in lower case only.
        let request = format!("ucl/ota/data/{}/all/get", uiid(NEW));
        let (lower, upper): (Vec<_>, Vec<_>) = published.partition(|topic| topic.contains("/ota/"));
        assert_eq!(lower, if lower_case { vec![request.as_str()] } else { Vec::new() });
        assert!(!upper.is_empty() && upper.iter().all(|topic| topic.contains("OTA")));
    }
}
