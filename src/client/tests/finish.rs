//! From the last byte to the switch.

use super::*;
use crate::client::config::UpgradeEndFallback;

const HOUR: u64 = 60 * 60 * 1000;

/// Shows: CLI-107, CLI-110
#[test]
fn a_file_that_is_found_wrong_is_reported_and_dropped() {
    let mut script = Script::downloaded(config(), &file(|_| {}));
    script.verify(VerifyResult::Invalid);
    script.sends("01 03 06 96 5F11 0101 2C1A0000");
    // The absence of the Default Response is harmless.
    script.until(3000).sends("01 04 06 96 5F11 0101 2C1A0000");
    script.until(9000).is_silent();
    assert_eq!(script.ended(), Outcome::InvalidImage);
    assert!(script.is_idle());

    let mut script = Script::downloaded(config(), &file(|_| {}));
    script.verify(VerifyResult::Invalid);
    script.sends("01 03 06 96 5F11 0101 2C1A0000");
    let order = "19 03 07 5F11 0101 2C1A0000 00000000 00000000";
    assert_eq!(script.gets(order), Met::Ignored(ClientIgnored::NotExpected));
    assert_eq!(script.gets("18 03 0B 06 00"), Met::Done);
    assert_eq!(script.ended(), Outcome::InvalidImage);
}

/// Shows: CLI-114, CLI-115, CLI-116
#[test]
fn an_order_is_for_the_images_it_names() {
    for manufacturer in ["5F11", "FFFF", "6011"] {
        for image_type in ["0101", "FFFF", "0201"] {
            for version in ["2C1A0000", "FFFFFFFF", "2B1A0000"] {
                let mut script = Script::ending(config());
                let order = std::format!("19 03 07 {manufacturer} {image_type} {version} 00000000 00000000");
                let meant = manufacturer != "6011" && image_type != "0201" && version != "2B1A0000";
                let handled = script.gets(&order);
                assert_eq!(handled == Met::Done, meant, "{order}");
                script.is_silent().until(0);
                assert_eq!(matches!(script.client.poll_need(), Some(Need::Apply(..))), meant);
            }
        }
    }
}

/// Shows: CLI-117, CLI-119
#[test]
fn the_times_decide_and_a_new_order_replaces_the_old() {
    let mut script = Script::ending(config());
    script.gets("19 03 07 5F11 0101 2C1A0000 00000000 58020000");
    assert_eq!(script.client.poll_timeout(), Some(at(600_000)));
    script.until(100_000);
    assert_eq!(script.gets("19 44 07 FFFF FFFF FFFFFFFF 00000000 0A000000"), Met::Done);
    script.until(109_999);
    assert_eq!(script.client.poll_need(), None);
    script.until(110_000).must_apply();

    let mut script = Script::ending(config());
    script.gets("19 03 07 5F11 0101 2C1A0000 00000000 FFFFFFFF");
    while script.client.poll_event().is_some_and(|event| event != ClientEvent::WaitingForUpgradeEnd) {}
    script.until(HOUR - 1).is_silent();
    assert_eq!(
        script.gets_by(DeliveryMode::Broadcast, "19 45 07 FFFF FFFF FFFFFFFF 00000000 00000000"),
        Met::Done
    );
    script.until(HOUR - 1).must_apply();
}

/// Shows: CLI-118
#[test]
fn what_is_to_be_sent_comes_before_the_switch() {
    let mut script = Script::ending(config());
    // This order wants its acknowledgement.
    assert_eq!(script.gets("09 03 07 5F11 0101 2C1A0000 00000000 00000000"), Met::Done);
    assert_eq!(script.client.poll_need(), None);
    script.sends("10 03 0B 07 00").is_silent();
    assert_eq!(script.client.poll_timeout(), Some(at(0)));
    script.until(0).must_apply();
}

/// Shows: CLI-120, CLI-122
#[test]
fn an_order_without_a_verified_image_is_dropped_in_silence() {
    let order = "19 07 07 FFFF FFFF FFFFFFFF 00000000 00000000";
    let mut verifying = Script::downloaded(config(), &file(|_| {}));
    let mut downloading = Script::downloading(config());
    downloading.sends_request(0);
    for script in [&mut Script::new(config()), &mut downloading, &mut verifying] {
        for delivery in [DeliveryMode::Unicast, DeliveryMode::Broadcast] {
            assert_eq!(script.gets_by(delivery, order), Met::Ignored(ClientIgnored::NotExpected));
            script.is_silent();
        }
    }
    let mut script = Script::ending(config());
    let early = "19 07 07 FFFF FFFF FFFFFFFF 64000000 63000000";
    assert!(matches!(script.gets_by(DeliveryMode::Broadcast, early), Met::Ignored(_)));
    assert!(matches!(script.gets_by(DeliveryMode::Broadcast, "19 07 07"), Met::Ignored(_)));
    assert_eq!(script.gets_by(DeliveryMode::Broadcast, order), Met::Done);
    script.is_silent();
    let mut script = Script::ending(config());
    assert_eq!(script.gets(order), Met::Done);
    script.is_silent();
}

/// Shows: CMD-081
#[test]
fn an_order_with_a_missing_field_or_a_past_time_is_malformed() {
    let whole = hex("19 03 07 5F11 0101 2C1A0000 00000000 00000000");
    for len in 3..whole.len() {
        let mut script = Script::ending(config());
        assert!(matches!(script.receives(FrameMeta::unicast(SERVER), &whole[..len]), Met::Ignored(_)));
        script.sends("10 03 0B 07 80").is_silent();
    }
    for clock in [None, Some(UtcTime(9000))] {
        let past = if clock.is_some() { "E8030000 E9030000" } else { "64000000 63000000" };
        let frame = std::format!("19 03 07 5F11 0101 2C1A0000 {past}");
        let mut script = Script::ending(config());
        script.client.set_utc(at(0), clock);
        assert_eq!(script.gets(&frame), Met::Ignored(ClientIgnored::NotAsked));
        script.sends("10 03 0B 07 80").is_silent();
        assert!(matches!(script.gets_by(DeliveryMode::Broadcast, &frame), Met::Ignored(_)));
        script.is_silent();
    }
}

/// Shows: CLI-123
#[test]
fn a_device_that_waits_asks_every_hour() {
    let mut script = Script::ending(config());
    script.gets("19 03 07 5F11 0101 2C1A0000 00000000 FFFFFFFF");
    for turn in 1..=3 {
        script.until(turn * HOUR - 1).is_silent();
        let sequence = 3 + turn;
        script.until(turn * HOUR).sends(&std::format!("01 {sequence:02x} 06 00 5F11 0101 2C1A0000"));
        let wait = std::format!("19 {sequence:02x} 07 5F11 0101 2C1A0000 00000000 FFFFFFFF");
        assert_eq!(script.gets(&wait), Met::Done);
    }
}

/// Shows: CLI-111, CLI-125, CLI-126
#[test]
fn without_an_answer_to_four_requests_the_policy_decides() {
    for unanswered in [UpgradeEndFallback::Apply, UpgradeEndFallback::KeepWaiting] {
        let mut script = Script::ending(ClientConfig { unanswered, ..config() });
        let mut time = 0;
        for (sequence, timeout) in [(4, 3000), (5, 6000), (6, 10_000)] {
            script.until(time + timeout - 1).is_silent();
            time += timeout;
            script.until(time).sends(&std::format!("01 {sequence:02x} 06 00 5F11 0101 2C1A0000"));
        }
        time += 10_000;
        script.until(time - 1);
        assert_eq!(script.client.poll_need(), None);
        script.until(time).is_silent();
        match unanswered {
            UpgradeEndFallback::Apply => {
                script.must_apply();
            }
            UpgradeEndFallback::KeepWaiting => {
                assert_eq!(script.client.poll_need(), None);
                script.until(time + HOUR).sends("01 07 06 00 5F11 0101 2C1A0000");
            }
        }
    }
}

/// Shows: CLI-112
#[test]
fn a_refusal_to_the_end_request_ends_the_upgrade() {
    for status in ["95", "7E"] {
        let mut script = Script::ending(config());
        assert_eq!(script.gets(&std::format!("18 03 0B 06 {status}")), Met::Done);
        let status = Status(u8::from_str_radix(status, 16).unwrap());
        assert_eq!(script.ended(), Outcome::UpgradeRefused(status));
        assert!(script.is_silent().is_idle());
    }
    for status in ["80", "81"] {
        let mut script = Script::ending(config());
        assert_eq!(script.gets(&std::format!("18 03 0B 06 {status}")), Met::Done);
        script.is_silent();
        script.until(3000).sends("01 04 06 00 5F11 0101 2C1A0000");
    }
}

#[test]
fn success_to_the_end_request_is_heard_but_is_no_order() {
    let mut script = Script::ending(config());
    assert_eq!(script.gets("18 03 0B 06 00"), Met::Done);
    script.until(HOUR - 1).is_silent();
    assert_eq!(script.client.poll_need(), None);
    script.until(HOUR).sends("01 04 06 00 5F11 0101 2C1A0000");
    assert_eq!(script.gets("19 04 07 5F11 0101 2C1A0000 00000000 00000000"), Met::Done);
    script.until(HOUR).must_apply();
}

#[test]
fn utc_times_are_taken_against_the_own_clock() {
    let mut script = Script::ending(config());
    script.client.set_utc(at(0), Some(UtcTime(1000)));
    script.until(10_000);
    // The server's clock is 1000, the own one 1010 by now: 590 s are left until 1600.
    script.gets("19 03 07 5F11 0101 2C1A0000 E8030000 40060000");
    assert_eq!(script.client.poll_timeout(), Some(at(600_000)));
}
