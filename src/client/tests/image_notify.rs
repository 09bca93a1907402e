//! Tests of Image Notify: the Image Notify commands that cause a query, and the time of the query.

use std::string::String;

use super::*;
use crate::client::random::Random;

/// Returns the first random number that the client of a script compares with the jitter of an Image Notify.
fn first_draw() -> u8 {
    Random::new(1).percent()
}

fn notify(jitter: u8, rest: &str) -> String {
    use std::format;
    format!("19 07 00 {rest:.2} {jitter:02x} {}", rest.get(2..).unwrap_or(""))
}

/// Shows: CLI-017, CLI-020, ESP-008
#[test]
fn a_broadcast_notify_makes_the_client_query_if_its_draw_is_at_most_the_jitter() {
    let draw = first_draw();
    assert!((2..100).contains(&draw), "the seed must allow a smaller and a larger jitter");
    for delivery in [DeliveryMode::Broadcast, DeliveryMode::Multicast] {
        for (jitter, asks) in [(draw, true), (draw - 1, false), (100, true)] {
            let mut script = Script::new(config());
            let handled = script.receive_by(delivery, &notify(jitter, "00"));
            assert_eq!(handled == Handled::Done, asks, "draw {draw}, jitter {jitter}");
            assert_eq!(script.advance_to(2000).transmit().is_some(), asks);
        }
    }
}

/// Without a random delay after a broadcast Image Notify, all clients would query at the same moment, and retry three
/// seconds later, again at the same moment.
#[test]
fn clients_spread_their_queries_after_a_broadcast_notify() {
    let asked_at = |seed: u64| {
        let mut script = Script { client: Client::new(config(), seed, at(0)), now: at(0) };
        assert_eq!(script.receive_by(DeliveryMode::Broadcast, "19 07 00 00 64"), Handled::Done);
        let due = script.client.poll_timeout().unwrap().as_millis();
        script.advance_to(due - 1).assert_silent().advance_to(due);
        script.assert_sends("01 00 01 00 5F11 0101 2B1A0000");
        due
    };
    let mut times: Vec<u64> = (0..100).map(asked_at).collect();
    times.sort_unstable();
    assert!(times[0] < 200 && times[99] > 1800 && times[99] <= 2000, "{times:?}");
    times.dedup();
    assert!(times.len() > 50, "{times:?}");
}

/// Shows: CLI-019, CLI-021, CLI-022, CLI-023, CLI-025, CMD-028, CMD-029, CMD-030
#[test]
fn a_broadcast_notify_makes_only_matching_clients_query() {
    for (fields, meant) in [
        ("01 5F11", true),
        ("01 6011", false),
        ("01 FFFF", true),
        ("02 5F11 0101", true),
        ("02 5F11 0201", false),
        ("02 6011 0101", false),
        ("02 6011 0201", false),
        ("02 5F11 FFFF", true),
        ("03 5F11 0101 2B1A0000", false),
        ("03 5F11 0101 2C1A0000", true),
        ("03 5F11 0101 2A1A0000", true),
        ("03 5F11 0101 FFFFFFFF", true),
        ("03 6011 0101 2C1A0000", false),
        ("03 5F11 0201 2C1A0000", false),
        // A version means nothing without an image type, even that of the device.
        ("03 5F11 FFFF 2B1A0000", true),
    ] {
        let mut script = Script::new(config());
        let before = script.client.random;
        let handled = script.receive_by(DeliveryMode::Broadcast, &notify(100, fields));
        assert_eq!(handled == Handled::Done, meant, "{fields}");
        assert_eq!(script.client.random != before, meant, "only a matching notify costs a draw: {fields}");
        assert_eq!(script.advance_to(2000).transmit().is_some(), meant);
    }
}

/// Shows: CLI-026, CLI-027
#[test]
fn a_unicast_notify_always_makes_the_client_query() {
    for fields in ["00", "01 6011", "02 6011 0201", "03 5F11 0101 2B1A0000"] {
        for jitter in [0, 1, 50, 100, 255] {
            let mut script = Script::new(config());
            let before = script.client.random;
            assert_eq!(script.receive(&notify(jitter, fields)), Handled::Done);
            assert_eq!(script.client.random, before);
            script.assert_sends("01 00 01 00 5F11 0101 2B1A0000");
            assert_eq!(script.client.poll_event(), Some(ClientEvent::Notified));
        }
    }
}

/// Shows: CLI-030, CMD-009
#[test]
fn a_unicast_notify_gets_a_default_response_if_its_sender_wants_one() {
    let mut script = Script::new(config());
    assert_eq!(script.receive("09 07 00 00 64"), Handled::Done);
    script.assert_sends("10 07 0B 00 00").assert_sends("01 00 01 00 5F11 0101 2B1A0000").assert_silent();
    let mut script = Script::new(config());
    assert_eq!(script.receive("19 07 00 00 64"), Handled::Done);
    script.assert_sends("01 00 01 00 5F11 0101 2B1A0000").assert_silent();
}

/// Shows: CLI-031, CMD-031, CMD-033
#[test]
fn a_broadcast_notify_is_never_answered() {
    for frame in [
        "09 07 00 00 64",
        "09 07 00 00 00",
        "09 07 00 00 65",
        "09 07 00 04 64",
        "09 07 00 01 64",
        "09 07 00 00 64 00",
    ] {
        for delivery in [DeliveryMode::Broadcast, DeliveryMode::Multicast] {
            let mut script = Script::new(config());
            let valid = script.receive_by(delivery, frame) == Handled::Done;
            assert_eq!(valid, frame.starts_with("09 07 00 00 64"), "{frame}");
            if valid {
                script.advance_to(2000).assert_sends("01 00 01 00 5F11 0101 2B1A0000");
            }
            script.advance_to(3000).assert_silent();
        }
    }
}

/// Shows: CMD-016, CMD-032
#[test]
fn an_unreadable_unicast_notify_is_malformed() {
    for frame in ["09 07 00 00", "09 07 00 01 64", "09 07 00 04 64"] {
        let mut script = Script::new(config());
        assert!(matches!(script.receive(frame), Handled::Ignored(ClientIgnored::Unreadable)));
        script.assert_sends("10 07 0B 00 80").assert_silent();
        assert!(script.is_idle());
    }
}

/// Shows: FLD-014, CMD-018
#[test]
fn a_notify_with_fields_beyond_its_payload_type_causes_a_query() {
    for frame in [
        "09 07 00 00 64 5F11 0101 2C1A0000",
        "09 07 00 01 64 5F11 0101",
        "09 07 00 03 64 5F11 0101 2C1A0000 FF",
    ] {
        let mut script = Script::new(config());
        assert_eq!(script.receive(frame), Handled::Done);
        script.assert_sends("10 07 0B 00 00").assert_sends("01 00 01 00 5F11 0101 2B1A0000");
        let mut strict = Script::new(ClientConfig { strict: true, ..config() });
        assert!(matches!(strict.receive(frame), Handled::Ignored(ClientIgnored::Unreadable)));
        strict.assert_sends("10 07 0B 00 80").assert_silent();
    }
}

/// Shows: CLI-028, CLI-029
#[test]
fn a_strict_client_rejects_a_unicast_notify_with_jitter_or_a_wider_payload_type() {
    let strict = ClientConfig { strict: true, ..config() };
    for (notify, fits) in [
        ("09 07 00 00 64", true),
        ("09 07 00 00 32", false),
        ("09 07 00 00 00", false),
        ("09 07 00 00 FF", false),
        ("09 07 00 01 64 5F11", false),
        ("09 07 00 02 64 5F11 0101", false),
        ("09 07 00 03 64 5F11 0101 2B1A0000", false),
    ] {
        let mut script = Script::new(strict);
        assert_eq!(script.receive(notify) == Handled::Done, fits);
        script.assert_sends(if fits { "10 07 0B 00 00" } else { "10 07 0B 00 80" });
        assert_eq!(script.transmit().is_some(), fits, "{notify}");

        let mut script = Script::new(config());
        assert_eq!(script.receive(notify), Handled::Done);
        script.assert_sends("10 07 0B 00 00").assert_sends("01 00 01 00 5F11 0101 2B1A0000");
    }
    // The restriction applies to unicast only.
    let mut script = Script::new(strict);
    assert_eq!(script.receive_by(DeliveryMode::Broadcast, "19 07 00 01 64 5F11"), Handled::Done);
}

/// Shows: CLI-024
#[test]
fn a_notify_for_the_downloaded_version_is_ignored() {
    let mut script = Script::ending(config());
    script.receive("19 03 07 5F11 0101 2C1A0000 00000000 FFFFFFFF");
    let random = script.client.random;
    let held = "19 07 00 03 64 5F11 0101 2C1A0000";
    let handled = script.receive_by(DeliveryMode::Broadcast, held);
    assert_eq!(handled, Handled::Ignored(ClientIgnored::NotForThisDevice));
    assert_eq!(script.client.random, random);
    assert_eq!(
        script.receive_by(DeliveryMode::Broadcast, "19 07 00 03 64 5F11 0101 2D1A0000"),
        Handled::Done
    );
}
