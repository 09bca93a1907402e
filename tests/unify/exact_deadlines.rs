//! Each time of the consumer at its exact boundary: a millisecond earlier nothing happens.

use zigbee_ota::aps::Address;
use zigbee_ota::server::{ImageStore, PaceDecision, ServerEvent, ServerPolicy, UpgradeDecision};
use zigbee_ota::time::{Instant, Millis, UtcTime};
use zigbee_ota::unify::{
    Activation, Announcement, Consumer, ConsumerAction, ConsumerConfig, FileVerdict, LastError, MqttMessage,
    Provider, TopicFilter,
};
use zigbee_ota::zcl::{ImageBlockRequest, QueryNextImageRequest, Status};

use crate::simulated_broker_and_network::{MIDNIGHT, NEW, NEWER, OLD, Simulation, file, general, uiid, unid};

const CLIENT: Address = Address::new(1, 1);

/// Instant at which [`ready`] begins, so that no time counts from zero.
const START: Instant = Instant::from_millis(7_654_321);

fn at(millis: u64) -> Instant {
    Instant::from_millis(START.as_millis() + millis)
}

fn announced(id: zigbee_ota::ImageId, apply_after: Option<&str>) -> MqttMessage {
    let mut announcement = Announcement::new(id.version);
    announcement.apply_after = apply_after.map(|time| time.parse().unwrap());
    Provider::new().announce(general(id), announcement, 100).unwrap()
}

/// Takes all actions, without the attributes.
fn actions(consumer: &mut Consumer) -> Vec<ConsumerAction> {
    let all = std::iter::from_fn(|| consumer.poll_action());
    all.filter(
        |action| !matches!(action, ConsumerAction::Publish(message) if message.topic.contains("by-unid")),
    )
    .collect()
}

/// A consumer that has the image of an announcement, with the clock at midnight.
fn ready(activation: Activation, apply_after: Option<&str>) -> Consumer {
    let mut consumer = Consumer::new(ConsumerConfig::default());
    consumer.set_utc(START, Some(MIDNIGHT));
    let mut device = Simulation::device(1, &[OLD]);
    device.activation = activation;
    consumer.set_device(START, &unid(1), device);
    consumer.handle_message(START, &announced(NEW, apply_after)).unwrap();
    consumer.handle_message(START, &MqttMessage::image(&general(NEW), file(NEW, 100)).unwrap()).unwrap();
    for action in actions(&mut consumer) {
        if let ConsumerAction::Verify(fetched) = action {
            consumer.verified(START, &fetched, FileVerdict::Valid);
        }
    }
    consumer
}

fn decision(consumer: &Consumer, now: Instant) -> UpgradeDecision {
    consumer.policy(now).upgrade(CLIENT, NEW)
}

/// Shows: UNI-026, FLD-103
#[test]
fn an_image_is_activated_at_the_announced_time_and_not_a_millisecond_earlier() {
    for (time, seconds) in [
        ("2026-01-01T00:00:01Z", 1),
        ("2026-01-01T01:00:00Z", 3600),
        ("2026-01-01T01:00:00+00:00", 3600),
        ("2026-01-01T03:00:00+02:00", 3600),
        ("2025-12-31T20:30:00-04:30", 3600),
        // A part of a second is rounded up.
        ("2026-01-01T00:59:59.000000001Z", 3600),
        ("2026-01-01T00:59:59.999Z", 3600),
    ] {
        let mut consumer = ready(Activation::Scheduled, Some(time));
        assert_eq!(actions(&mut consumer), [ConsumerAction::Notify(CLIENT)], "the download begins at once");
        assert_eq!(consumer.poll_timeout(), None, "until the device has the image, there is nothing to do");
        let due = seconds * 1000;
        // The order in answer to the client counts whole seconds, and is never early.
        for (millis, left) in [(0, seconds), (1, seconds), (999, seconds), (due - 1000, 1), (due - 1, 1)] {
            assert_eq!(decision(&consumer, at(millis)), UpgradeDecision::AfterSeconds(left as u32), "{time}");
        }
        for millis in [due, due + 1] {
            assert_eq!(decision(&consumer, at(millis)), UpgradeDecision::Now, "{time}");
        }
        // A client that holds is released at the time.
        let ended = ServerEvent::Ended { client: CLIENT, id: NEW, status: Status::SUCCESS };
        consumer.handle_event(START, &ended);
        assert_eq!(consumer.poll_timeout(), Some(at(due)), "{time}");
        for early in [0, due - 1000, due - 1] {
            consumer.handle_timeout(at(early));
            assert_eq!(actions(&mut consumer), [], "{time}");
        }
        consumer.handle_timeout(at(due));
        let release = ConsumerAction::Release { client: CLIENT, id: NEW, seconds: 0 };
        assert_eq!(actions(&mut consumer), [release], "{time}");
        consumer.handle_timeout(at(due + 1));
        assert_eq!(actions(&mut consumer), [], "once");
    }
}

/// Shows: UNI-026, FLD-103
#[test]
fn a_device_that_activates_by_itself_is_offered_the_image_at_the_announced_time() {
    let mut consumer = ready(Activation::Immediate, Some("2026-01-01T01:00:00Z"));
    assert_eq!(actions(&mut consumer), []);
    let due = 3_600_000;
    let image = *consumer.images().info(NEW, None, None, Some(CLIENT)).found().unwrap();
    let query = QueryNextImageRequest::new(OLD);
    for (millis, is_eligible) in [(0, false), (due - 5000, false), (due - 1, false), (due, true)] {
        assert_eq!(consumer.policy(at(millis)).is_eligible(CLIENT, &query, &image), is_eligible, "{millis}");
    }
    assert_eq!(consumer.poll_timeout(), Some(at(due)));
    consumer.handle_timeout(at(due - 1));
    assert_eq!(actions(&mut consumer), []);
    consumer.handle_timeout(at(due));
    assert_eq!(actions(&mut consumer), [ConsumerAction::Notify(CLIENT)]);
}

/// Shows: FLD-103
#[test]
fn a_clock_that_is_set_again_moves_the_time() {
    let mut consumer = ready(Activation::Scheduled, Some("2026-01-01T01:00:00Z"));
    let ended = ServerEvent::Ended { client: CLIENT, id: NEW, status: Status::SUCCESS };
    consumer.handle_event(START, &ended);
    let _begun = actions(&mut consumer);
    // The clock was five minutes behind: 300 seconds are left where 600 were.
    consumer.set_utc(at(3_000_000), Some(UtcTime(MIDNIGHT.0 + 3300)));
    assert_eq!(decision(&consumer, at(3_000_000)), UpgradeDecision::AfterSeconds(300));
    assert_eq!(consumer.poll_timeout(), Some(at(3_300_000)));
    consumer.handle_timeout(at(3_299_999));
    assert_eq!(actions(&mut consumer), []);
    consumer.handle_timeout(at(3_300_000));
    assert_eq!(actions(&mut consumer), [ConsumerAction::Release { client: CLIENT, id: NEW, seconds: 0 }]);
}

#[test]
fn a_new_time_is_sent_in_whole_seconds_and_never_early() {
    let mut consumer = ready(Activation::Scheduled, Some("2026-01-01T01:00:00Z"));
    let ended = ServerEvent::Ended { client: CLIENT, id: NEW, status: Status::SUCCESS };
    consumer.handle_event(START, &ended);
    let _begun = actions(&mut consumer);
    for (millis, seconds) in [(999, 7200), (1000, 7199), (1001, 7199)] {
        let mut consumer = consumer.clone();
        consumer.handle_message(at(millis), &announced(NEW, Some("2026-01-01T02:00:00Z"))).unwrap();
        let release = ConsumerAction::Release { client: CLIENT, id: NEW, seconds };
        assert_eq!(actions(&mut consumer), [release], "{millis}");
    }
}

/// Without a clock, the new time has no number of seconds, and the device must not go on with the time of before.
#[test]
fn a_new_time_without_a_clock_is_a_hold() {
    for before in [None, Some("2026-01-01T01:00:00Z")] {
        let mut consumer = ready(Activation::Scheduled, before);
        let ended = ServerEvent::Ended { client: CLIENT, id: NEW, status: Status::SUCCESS };
        consumer.handle_event(START, &ended);
        consumer.set_utc(START, None);
        let _begun = actions(&mut consumer);
        consumer.handle_message(START, &announced(NEW, Some("2026-01-01T02:00:00Z"))).unwrap();
        let hold = ConsumerAction::Hold { client: CLIENT, id: NEW };
        assert_eq!(actions(&mut consumer), [hold], "{before:?}");
        consumer.handle_timeout(at(1));
        assert_eq!(actions(&mut consumer), [], "once");
    }
}

/// A device without the image of before has nothing that it must not activate, and no upgrade that has ended.
#[test]
fn an_image_replaced_before_its_download_is_no_error() {
    let mut consumer = ready(Activation::Scheduled, None);
    let _begun = actions(&mut consumer);
    consumer.handle_message(START, &announced(NEWER, None)).unwrap();
    let data: TopicFilter = MqttMessage::image(&general(NEWER), Vec::new()).unwrap().topic.parse().unwrap();
    let request =
        [ConsumerAction::Subscribe(data), ConsumerAction::Publish(MqttMessage::request(&general(NEWER)))];
    assert_eq!(actions(&mut consumer), request);
    assert_eq!(consumer.status(&unid(1), &uiid(OLD)).unwrap().last_error, LastError::Success);
}

/// Shows: UNI-028
#[test]
fn a_request_times_out_and_is_repeated_to_the_millisecond() {
    let mut config = ConsumerConfig::default();
    assert_eq!((config.request_timeout, config.retry), (Millis(60_000), Millis(300_000)));
    for (timeout, retry) in [(60_000, 300_000), (1, 1), (1500, 99)] {
        (config.request_timeout, config.retry) = (Millis(timeout), Millis(retry));
        let (timeout, retry) = (u64::from(timeout), u64::from(retry));
        let mut consumer = Consumer::new(config);
        consumer.set_device(START, &unid(1), Simulation::device(1, &[OLD]));
        let _subscribed = actions(&mut consumer);
        let data: TopicFilter = MqttMessage::image(&general(NEW), Vec::new()).unwrap().topic.parse().unwrap();
        let request = [
            ConsumerAction::Subscribe(data.clone()),
            ConsumerAction::Publish(MqttMessage::request(&general(NEW))),
        ];
        consumer.handle_message(START, &announced(NEW, None)).unwrap();
        assert_eq!(actions(&mut consumer), request);
        let mut begin = 0;
        for _ in 0..3 {
            assert_eq!(consumer.poll_timeout(), Some(at(begin + timeout)));
            consumer.handle_timeout(at(begin + timeout - 1));
            assert_eq!(actions(&mut consumer), []);
            consumer.handle_timeout(at(begin + timeout));
            assert_eq!(actions(&mut consumer), [ConsumerAction::Unsubscribe(data.clone())]);
            assert_eq!(consumer.poll_timeout(), Some(at(begin + timeout + retry)));
            consumer.handle_timeout(at(begin + timeout + retry - 1));
            assert_eq!(actions(&mut consumer), []);
            begin += timeout + retry;
            consumer.handle_timeout(at(begin));
            assert_eq!(actions(&mut consumer), request);
        }
        // The last moment for the image.
        let image = MqttMessage::image(&general(NEW), file(NEW, 100)).unwrap();
        let mut late = consumer.clone();
        consumer.handle_message(at(begin + timeout - 1), &image).unwrap();
        late.handle_timeout(at(begin + timeout));
        assert!(late.handle_message(at(begin + timeout), &image).is_err());
    }
}

/// Shows: FLD-101
#[test]
fn an_announcement_is_confirmed_in_time_or_dropped() {
    let timeout = 120_000;
    assert_eq!(ConsumerConfig::default().announcement_timeout, Millis(120_000));
    let mut consumer = ready(Activation::Scheduled, None);
    consumer.handle_event(START, &ServerEvent::Started { client: CLIENT, id: NEW });
    let _begun = actions(&mut consumer);
    assert_eq!(decision(&consumer, at(4)), UpgradeDecision::Now);
    // An image for all devices is as uncertain for a client that is no device of the consumer.
    let stranger = |consumer: &Consumer| consumer.policy(at(5)).upgrade(Address::new(77, 1), NEW);
    assert_eq!(stranger(&consumer), UpgradeDecision::Now);
    consumer.reconnected(at(5));
    assert_eq!(stranger(&consumer), UpgradeDecision::Hold);
    let _again = actions(&mut consumer);
    assert_eq!(consumer.poll_timeout(), Some(at(5 + timeout)));
    // Until then no device is told to activate it.
    consumer.handle_timeout(at(4 + timeout));
    assert_eq!(decision(&consumer, at(4 + timeout)), UpgradeDecision::Hold);
    let has = |consumer: &Consumer| consumer.images().info(NEW, None, None, Some(CLIENT)).found().is_some();
    assert!(has(&consumer));

    let mut confirmed = consumer.clone();
    let ended = ServerEvent::Ended { client: CLIENT, id: NEW, status: Status::SUCCESS };
    confirmed.handle_event(at(4 + timeout), &ended);
    assert_eq!(actions(&mut confirmed), [], "held");
    confirmed.handle_message(at(4 + timeout), &announced(NEW, None)).unwrap();
    assert_eq!(actions(&mut confirmed), [ConsumerAction::Release { client: CLIENT, id: NEW, seconds: 0 }]);
    assert_eq!((confirmed.poll_timeout(), has(&confirmed)), (None, true));
    assert_eq!(stranger(&confirmed), UpgradeDecision::Now);

    consumer.handle_timeout(at(5 + timeout));
    assert_eq!((consumer.poll_timeout(), has(&consumer)), (None, false));

    // Another version in its place: the image of before is replaced.
    let mut consumer = ready(Activation::Scheduled, None);
    consumer.reconnected(at(5));
    consumer.handle_message(at(6), &announced(NEWER, None)).unwrap();
    assert_eq!(consumer.poll_timeout(), Some(at(6 + 60_000)), "its request");
}

/// A device that activates an image right after the download gets no byte of one that may have been withdrawn.
///
/// Shows: FLD-101
#[test]
fn a_device_that_activates_by_itself_waits_for_the_confirmation() {
    for (activation, waits) in [(Activation::Immediate, true), (Activation::Scheduled, false)] {
        let mut consumer = ready(activation, None);
        let image = *consumer.images().info(NEW, None, None, Some(CLIENT)).found().unwrap();
        let query = QueryNextImageRequest::new(OLD);
        let block = ImageBlockRequest::new(NEW, 0, 50);
        let answers = |consumer: &Consumer| {
            let mut policy = consumer.policy(at(5));
            (policy.is_eligible(CLIENT, &query, &image), policy.pace(CLIENT, &block, None))
        };
        assert_eq!(answers(&consumer), (true, PaceDecision::Send));
        consumer.reconnected(at(5));
        let wait = if waits { PaceDecision::Wait { seconds: 10 } } else { PaceDecision::Send };
        assert_eq!(answers(&consumer), (!waits, wait));
        consumer.handle_message(at(5), &announced(NEW, None)).unwrap();
        assert_eq!(answers(&consumer), (true, PaceDecision::Send));
    }
}
