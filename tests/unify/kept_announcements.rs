//! What a consumer keeps of the announcements: those of images that its devices have, and of these only what is used.

use std::str::FromStr;

use zigbee_ota::ImageId;
use zigbee_ota::time::Instant;
use zigbee_ota::unify::{
    Consumer, ConsumerAction, ConsumerConfig, ImagePath, MessageIgnored, MqttMessage, Topic, TopicFilter,
    Uiid,
};

use crate::simulated_broker_and_network::{NEW, OLD, Seen, Simulation, general, own, uiid, unid};

const NOW: Instant = Instant::ZERO;

fn consumer() -> Consumer {
    let mut consumer = Consumer::new(ConsumerConfig::default());
    consumer.set_device(NOW, &unid(1), Simulation::device(1, &[OLD]));
    while consumer.poll_action().is_some() {}
    consumer
}

fn info(place: &ImagePath, payload: String) -> MqttMessage {
    let topic = Topic::Info(place.clone()).to_string();
    MqttMessage { topic, payload: payload.into_bytes(), retain: true }
}

fn number(text: u32) -> Uiid {
    format!("ZWave-{text:08}").parse().unwrap()
}

/// Shows: FLD-102
#[test]
fn announcements_that_no_device_uses_are_not_kept() {
    let mut consumer = consumer();
    let before = format!("{consumer:?}");
    let filename = "x".repeat(1000);
    for at in 0..100_000 {
        let place = match at % 2 {
            0 => ImagePath::for_all(number(at)),
            _ => ImagePath::for_device(number(at), unid(1)),
        };
        // No Zigbee version either: it is of no concern to the consumer.
        let payload = format!(r#"{{"Version":"{at}.0","Filename":"{filename}"}}"#);
        let error = consumer.handle_message(NOW, &info(&place, payload)).unwrap_err();
        assert!(matches!(error, MessageIgnored::Unused(path) if path == place));
    }
    assert_eq!(consumer.poll_action(), None);
    assert_eq!(format!("{consumer:?}"), before, "nothing is kept");
    let error =
        consumer.handle_message(NOW, &info(&general(ImageId::new(1, 2, 3)), "{}".into())).unwrap_err();
    assert_eq!(error.to_string(), "no device here has an image ZigBee00010002/all");
}

/// Shows: FLD-102
#[test]
fn of_an_announcement_only_what_is_used_is_kept() {
    for (member, is_kept) in [
        (format!(r#""Filename":"{}""#, "marker".repeat(10_000)), false),
        (format!(r#""Comment":"{}""#, "marker".repeat(10_000)), false),
        (r#""ApplyAfter":"2026-01-01T01:00:00Z""#.to_owned(), true),
    ] {
        let mut consumer = consumer();
        let payload = format!(r#"{{"Version":"{:#x}",{member}}}"#, NEW.version.0);
        consumer.handle_message(NOW, &info(&general(NEW), payload)).unwrap();
        while consumer.poll_action().is_some() {}
        let kept = format!("{consumer:?}");
        assert!(!kept.contains("marker") && kept.len() < 4000, "{}", kept.len());
        assert_eq!(kept.contains("2026-01-01T01:00:00Z"), is_kept);
    }
    // RFC 3339 allows any number of digits.
    let mut consumer = consumer();
    for (digits, fits) in [(43, true), (44, false), (100_000, false)] {
        let time = format!("2026-01-01T01:00:00.{}Z", "0".repeat(digits));
        assert_eq!(time.len() <= 64, fits);
        let payload = format!(r#"{{"Version":"{:#x}","ApplyAfter":"{time}"}}"#, NEW.version.0);
        let handled = consumer.handle_message(NOW, &info(&general(NEW), payload));
        assert_eq!(handled.is_ok(), fits, "{digits}");
    }
}

/// A device with another image: the broker delivers the announcement again.
///
/// Shows: FLD-102
#[test]
fn a_device_with_another_image_gets_the_announcement_of_before() {
    let display = ImageId::new(0x1001, 0x1012, 3);
    let next = ImageId::new(0x1001, 0x1012, 4);
    for place in [general(next), own(next, 1)] {
        let mut simulation = Simulation::new();
        simulation.join(1, &[OLD]);
        simulation.offer(place.clone(), next);
        assert_eq!(simulation.gets(&place), 0);
        let both = Simulation::device(1, &[OLD, display]);
        simulation.network.consumer.set_device(simulation.now, &unid(1), both.clone());
        simulation.settle();
        assert_eq!(simulation.gets(&place), 1, "{place}");
        assert_eq!(simulation.versions(1, display).1, "0x00000004");
        // Nothing is new any more, so nothing is subscribed to.
        simulation.seen.clear();
        simulation.network.consumer.set_device(simulation.now, &unid(1), both);
        simulation.settle();
        assert!(!simulation.seen.iter().any(|seen| matches!(seen, Seen::Subscribe(_))));
        // A device that has it no more needs no announcement.
        let one = Simulation::device(1, &[OLD]);
        simulation.network.consumer.set_device(simulation.now, &unid(1), one);
        let kept = format!("{:?}", simulation.network.consumer);
        assert!(!kept.contains(uiid(display).as_str()) || kept.contains("Publish"), "{kept}");
        simulation.settle();
        let kept = format!("{:?}", simulation.network.consumer);
        assert!(!kept.contains(uiid(display).as_str()), "{kept}");
    }
}

/// A start with many devices subscribes to each filter once.
#[test]
fn many_devices_are_added_with_one_subscription_for_all() {
    let mut consumer = Consumer::new(ConsumerConfig::default());
    for at in 0..50 {
        consumer.set_device(NOW, &unid(at), Simulation::device(at, &[ImageId::new(0x1001, at, 1)]));
    }
    let mut filters: Vec<TopicFilter> = Vec::new();
    while let Some(action) = consumer.poll_action() {
        if let ConsumerAction::Subscribe(filter) = action {
            filters.push(filter);
        }
    }
    assert_eq!(filters.len(), 51);
    assert_eq!(filters.iter().filter(|filter| filter.as_str() == "ucl/OTA/info/+/all").count(), 1);
}

/// Only the end of a subscription to the same filter ends it.
#[test]
fn the_removal_of_a_device_repeats_no_subscription_for_all() {
    let mut consumer = Consumer::new(ConsumerConfig::default());
    consumer.set_device(NOW, &unid(1), Simulation::device(1, &[OLD]));
    consumer.remove_device(&unid(1));
    consumer.set_device(NOW, &unid(2), Simulation::device(2, &[OLD]));
    let actions = std::iter::from_fn(|| consumer.poll_action());
    let for_all = ConsumerAction::Subscribe(TopicFilter::from_str("ucl/OTA/info/+/all").unwrap());
    assert_eq!(actions.filter(|action| *action == for_all).count(), 1);
}

/// Withdrawals that were not handed to the broker yet are not lost with the connection.
#[test]
fn a_reconnection_keeps_pending_withdrawals() {
    let mut consumer = consumer();
    consumer.remove_device(&unid(1));
    consumer.reconnected(NOW);
    let mut withdrawn = 0;
    while let Some(action) = consumer.poll_action() {
        if let ConsumerAction::Publish(message) = action {
            assert!(message.payload.is_empty() && message.retain);
            withdrawn += 1;
        }
    }
    assert_eq!(withdrawn, 2 * 7 + 3, "both sides of each attribute, and the topics of the device");
}

/// The last action for a filter counts: a device that moves to another endpoint stays subscribed to.
#[test]
fn a_device_described_twice_stays_subscribed_to() {
    let own = TopicFilter::from_str(&format!("ucl/OTA/info/+/{}", unid(1))).unwrap();
    let mut consumer = Consumer::new(ConsumerConfig::default());
    for endpoint in [1, 2, 2] {
        let mut device = Simulation::device(1, &[OLD]);
        device.endpoint = endpoint;
        consumer.set_device(NOW, &unid(1), device);
    }
    let mut subscriptions = Vec::new();
    while let Some(action) = consumer.poll_action() {
        match action {
            ConsumerAction::Subscribe(filter) if filter == own => subscriptions.push(true),
            ConsumerAction::Unsubscribe(filter) if filter == own => subscriptions.push(false),
            _ => {}
        }
    }
    assert_eq!(subscriptions, [true, false, true]);
}
