//! Notifies, queries, offers.

use super::*;
use crate::client::random::Random;

/// What the first draw of a script's client will be.
fn first_draw() -> u8 {
    Random::new(1).percent()
}

fn notify(jitter: u8, rest: &str) -> String {
    use std::format;
    format!("19 07 00 {rest:.2} {jitter:02x} {}", rest.get(2..).unwrap_or(""))
}
use std::string::String;

/// Shows: CLI-017, CLI-020, ESP-008
#[test]
fn a_broadcast_is_followed_when_the_draw_is_at_most_the_jitter() {
    let draw = first_draw();
    assert!((2..100).contains(&draw), "the seed shows both sides");
    for delivery in [DeliveryMode::Broadcast, DeliveryMode::Multicast] {
        for (jitter, asks) in [(draw, true), (draw - 1, false), (100, true)] {
            let mut script = Script::new(config());
            let handled = script.gets_by(delivery, &notify(jitter, "00"));
            assert_eq!(handled == Met::Done, asks, "draw {draw}, jitter {jitter}");
            assert_eq!(script.until(2000).transmit().is_some(), asks);
        }
    }
}

/// Otherwise all that heard it would ask in one moment, and again three seconds later.
#[test]
fn those_that_heard_one_broadcast_do_not_ask_at_once() {
    let asked_at = |seed: u64| {
        let mut script = Script { client: Client::new(config(), seed, at(0)), now: at(0) };
        assert_eq!(script.gets_by(DeliveryMode::Broadcast, "19 07 00 00 64"), Met::Done);
        let due = script.client.poll_timeout().unwrap().as_millis();
        script.until(due - 1).is_silent().until(due);
        script.sends("01 00 01 00 5F11 0101 2B1A0000");
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
fn a_broadcast_is_followed_by_those_it_means() {
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
    ] {
        let mut script = Script::new(config());
        let before = script.client.random;
        let handled = script.gets_by(DeliveryMode::Broadcast, &notify(100, fields));
        assert_eq!(handled == Met::Done, meant, "{fields}");
        assert_eq!(script.client.random != before, meant, "a draw only where it is meant: {fields}");
        assert_eq!(script.until(2000).transmit().is_some(), meant);
    }
}

/// Shows: CLI-026, CLI-027
#[test]
fn a_unicast_notify_is_always_followed() {
    for fields in ["00", "01 6011", "02 6011 0201", "03 5F11 0101 2B1A0000"] {
        for jitter in [0, 1, 50, 100, 255] {
            let mut script = Script::new(config());
            let before = script.client.random;
            assert_eq!(script.gets(&notify(jitter, fields)), Met::Done);
            assert_eq!(script.client.random, before);
            script.sends("01 00 01 00 5F11 0101 2B1A0000");
            assert_eq!(script.client.poll_event(), Some(ClientEvent::Notified));
        }
    }
}

/// Shows: CLI-030, CMD-009
#[test]
fn a_unicast_notify_is_acknowledged_where_its_sender_wants_that() {
    let mut script = Script::new(config());
    assert_eq!(script.gets("09 07 00 00 64"), Met::Done);
    script.sends("10 07 0B 00 00").sends("01 00 01 00 5F11 0101 2B1A0000").is_silent();
    let mut script = Script::new(config());
    assert_eq!(script.gets("19 07 00 00 64"), Met::Done);
    script.sends("01 00 01 00 5F11 0101 2B1A0000").is_silent();
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
            let valid = script.gets_by(delivery, frame) == Met::Done;
            assert_eq!(valid, frame == "09 07 00 00 64", "{frame}");
            if valid {
                script.until(2000).sends("01 00 01 00 5F11 0101 2B1A0000");
            }
            script.until(3000).is_silent();
        }
    }
}

/// Shows: CMD-016, CMD-032
#[test]
fn an_unreadable_unicast_notify_is_malformed() {
    for frame in ["09 07 00 00", "09 07 00 01 64", "09 07 00 04 64", "19 07 00 00 64 00"] {
        let mut script = Script::new(config());
        assert!(matches!(script.gets(frame), Met::Ignored(ClientIgnored::Unreadable(_))));
        script.sends("10 07 0B 00 80").is_silent();
        assert!(script.is_idle());
    }
}

#[test]
fn a_notify_does_not_disturb_a_download() {
    let mut script = Script::downloading(config());
    script.sends_request(0);
    assert_eq!(script.gets("09 07 00 00 64"), Met::Done);
    script.sends("10 07 0B 00 00").is_silent();
    script.gets_block(1, 0, &file(|_| {})[..64]);
    script.sends_request(64);
}

/// Shows: CLI-037
#[test]
fn a_query_tells_the_hardware_where_it_is_known() {
    let mut config = config();
    config.identity.hardware = Some(HardwareVersion(0x0102));
    let mut script = Script::new(config);
    script.client.query(at(0)).unwrap();
    script.sends("01 00 01 01 5F11 0101 2B1A0000 0201");
}

/// Shows: CLI-038, CLI-040, CLI-045, CMD-042
#[test]
fn queries_are_repeated_at_their_interval_while_there_is_no_image() {
    let mut script = Script::new(ClientConfig { query_interval: Some(Millis::secs(300)), ..config() });
    for (turn, refusal) in ["98", "7E", "01"].into_iter().enumerate() {
        let due = 60_000 + 300_000 * turn as u64;
        if turn > 0 {
            script.until(due - 1).is_silent();
        }
        let (_, frame) = script.until(due).transmit().expect("a query");
        assert_eq!(frame[2], 0x01);
        script.until(due + 500);
        assert_eq!(script.gets(&std::format!("19 {:02x} 02 {refusal}", frame[1])), Met::Done);
        let status = Status(u8::from_str_radix(refusal, 16).unwrap());
        assert_eq!(script.client.poll_event(), Some(ClientEvent::NoImage(Some(status))));
        assert!(script.is_idle());
    }
    let mut script = Script::new(ClientConfig { query_interval: None, ..config() });
    assert_eq!(script.client.poll_timeout(), None);
    script.until(u64::MAX).is_silent();
}

/// Shows: CLI-041
#[test]
fn a_query_can_be_asked_for_and_restarts_the_interval() {
    let mut script = Script::new(config());
    script.until(1000);
    script.client.query(at(1000)).unwrap();
    script.sends("01 00 01 00 5F11 0101 2B1A0000");
    assert_eq!(script.client.query(at(1000)), Err(Busy));
    script.gets("19 00 02 98");
    assert_eq!(script.client.poll_timeout(), Some(at(1000 + 24 * 60 * 60 * 1000)));
}

#[test]
fn a_lost_query_is_sent_again_with_a_new_number() {
    let mut script = Script::querying(ClientConfig { query_attempts: 3, ..config() });
    script.until(2999).is_silent();
    script.until(3000).sends("01 01 01 00 5F11 0101 2B1A0000");
    script.until(8999).is_silent();
    script.until(9000).sends("01 02 01 00 5F11 0101 2B1A0000");
    script.until(19_000).is_silent();
    assert_eq!(script.client.poll_event(), Some(ClientEvent::NoImage(None)));
    assert_eq!(script.client.poll_timeout(), Some(at(24 * 60 * 60 * 1000)), "counted from the first");
    assert_eq!(script.client.retries(), 2);
}

/// Shows: CLI-044
#[test]
fn any_other_version_is_put_to_the_application() {
    for (version, taken) in [("2C1A0000", true), ("2A1A0000", true), ("2B1A0000", false)] {
        for (versions, reinstall) in [(AcceptedVersions::Different, false), (AcceptedVersions::Any, true)] {
            let mut script = Script::querying(ClientConfig { versions, ..config() });
            script.gets(&std::format!("19 00 02 00 5F11 0101 {version} 64000000"));
            let asked = matches!(script.client.poll_need(), Some(Need::Decide(..)));
            assert_eq!(asked, taken || reinstall, "{version}");
            if !asked {
                let passed = script.client.poll_event();
                assert!(matches!(passed, Some(ClientEvent::OfferSkipped(_, SkipReason::SameVersion))));
                assert!(script.is_silent().is_idle());
            }
        }
    }
}

/// Shows: ESP-025, ESP-026
#[test]
fn a_refused_offer_is_dropped_without_a_word() {
    let mut script = Script::querying(config());
    script.gets("19 00 02 00 5F11 0101 2C1A0000 64000000");
    let Some(Need::Decide(ticket, offer)) = script.client.poll_need() else { panic!("no decision") };
    assert_eq!(offer, ImageOffer { id: OFFERED, size: 100 });
    script.client.refuse(script.now, ticket).unwrap();
    assert!(script.is_silent().is_idle());
    assert_eq!(script.ended(), Outcome::Refused);
    let day = 24 * 60 * 60 * 1000;
    script.until(day - 1).is_silent();
    assert_eq!(script.client.poll_need(), None);
    // A notify does not bring it up again, the next query does.
    script.gets("19 07 00 00 64");
    script.sends("01 01 01 00 5F11 0101 2B1A0000");
    script.gets("19 01 02 00 5F11 0101 2C1A0000 64000000");
    assert_eq!(script.client.poll_need(), None);
    let due = script.client.poll_timeout().unwrap().as_millis();
    script.until(due).sends("01 02 01 00 5F11 0101 2B1A0000");
    script.gets("19 02 02 00 5F11 0101 2C1A0000 64000000");
    script.refuse();
    script.client.query(script.now).unwrap();
    script.sends("01 03 01 00 5F11 0101 2B1A0000");
    script.gets("19 03 02 00 5F11 0101 2C1A0000 64000000");
    script.accept();
}

/// Shows: CLI-047, CMD-045
#[test]
fn an_answer_for_another_image_is_malformed() {
    for payload in [
        "00 6011 0101 2C1A0000 64000000",
        "00 5F11 0201 2C1A0000 64000000",
        "00 5F11 0101 2C1A0000 640000",
        "98 00",
    ] {
        let mut script = Script::querying(config());
        assert!(matches!(script.gets(&std::format!("19 00 02 {payload}")), Met::Ignored(_)));
        script.sends("10 00 0B 02 80").is_silent();
        // The query is still open.
        assert_eq!(script.gets("19 00 02 98"), Met::Done);
    }
}

/// Shows: CLI-048
#[test]
fn an_answer_that_nobody_asked_for_is_passed_over() {
    let mut script = Script::new(config());
    let handled = script.gets("19 00 02 00 5F11 0101 2C1A0000 64000000");
    assert_eq!(handled, Met::Ignored(ClientIgnored::NotExpected));
    assert!(script.is_silent().is_idle());
    assert_eq!(script.client.poll_need(), None);
    // Nor before the question went out.
    script.client.query(at(0)).unwrap();
    let handled = script.gets("19 00 02 00 5F11 0101 2C1A0000 64000000");
    assert_eq!(handled, Met::Ignored(ClientIgnored::NotExpected));
}

/// Shows: CLI-049
#[test]
fn an_offer_of_an_impossible_size_is_passed_over() {
    for (size, fits) in [(0_u32, false), (55, false), (56, true), (1000, true), (1001, false)] {
        let mut script = Script::querying(ClientConfig { max_size: 1000, ..config() });
        let mut frame = hex("19 00 02 00 5F11 0101 2C1A0000");
        frame.extend(size.to_le_bytes());
        script.receives(FrameMeta::unicast(SERVER), &frame);
        assert_eq!(matches!(script.client.poll_need(), Some(Need::Decide(..))), fits, "{size}");
        script.is_silent();
    }
}

/// Shows: CLI-050
#[test]
fn an_error_to_the_query_is_no_image() {
    for status in ["80", "81", "98"] {
        let mut script = Script::querying(config());
        assert_eq!(script.gets(&std::format!("18 00 0B 01 {status}")), Met::Done);
        assert!(script.is_silent().is_idle());
        assert_eq!(script.client.poll_timeout(), Some(at(24 * 60 * 60 * 1000)));
    }
    let mut script = Script::querying(config());
    assert_eq!(script.gets("18 09 0B 01 80"), Met::Ignored(ClientIgnored::NotExpected), "another number");
    assert_eq!(script.gets("18 00 0B 01 00"), Met::Ignored(ClientIgnored::NotExpected), "no error");
    assert_eq!(script.gets("18 00 0B 03 80"), Met::Ignored(ClientIgnored::NotExpected), "another command");
    assert!(!script.is_idle());
}

/// Shows: CLI-015
#[test]
fn only_the_server_in_use_is_heard() {
    for frame in [
        "19 00 02 00 5F11 0101 2C1A0000 64000000",
        "19 00 05 95",
        "19 00 07 5F11 0101 2C1A0000 00000000 00000000",
        "09 00 00 00 64",
        "19 00 05",
        "18 00 0B 01 98",
    ] {
        let mut script = Script::querying(config());
        let handled = script.receives(FrameMeta::unicast(STRANGER), &hex(frame));
        assert_eq!(handled, Met::Ignored(ClientIgnored::NotTheServer));
        script.is_silent();
        assert!(!script.is_idle());
    }
}

/// Shows: CMD-002
#[test]
fn frames_of_other_kinds_are_no_commands() {
    for frame in ["01 00 02 98", "1D 5F11 00 02 98", "1A 00 02 98", "08 00 0A 0600"] {
        let mut script = Script::querying(config());
        assert_eq!(script.gets(frame), Met::Ignored(ClientIgnored::NotForClients), "{frame}");
        script.is_silent();
    }
    // The global command of this number writes attributes.
    let mut script = Script::querying(config());
    assert_eq!(script.gets("18 00 02 98"), Met::Asked);
    assert!(!script.is_silent().is_idle());
}

/// Shows: CMD-014
#[test]
fn an_unknown_command_is_told_to_be_so_unless_it_came_to_many() {
    for command in ["03", "0A", "FF"] {
        let mut script = Script::new(config());
        let frame = std::format!("19 2A {command}");
        assert_eq!(script.gets(&frame), Met::Ignored(ClientIgnored::Unsupported));
        script.sends(&std::format!("10 2A 0B {command} 81")).is_silent();
        assert_eq!(script.gets_by(DeliveryMode::Broadcast, &frame), Met::Ignored(ClientIgnored::Unsupported));
        script.is_silent();
    }
    let mut script = Script::new(config());
    assert!(matches!(script.gets("19"), Met::Ignored(ClientIgnored::Unreadable(_))));
    script.is_silent();
}
