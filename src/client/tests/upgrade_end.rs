//! Upgrade End Request and Response: from the last block of the file to the start of the upgrade.

use super::*;
use crate::client::config::UpgradeEndFallback;
use crate::zcl::ImageUpgradeStatus;

const HOUR: u64 = 60 * 60 * 1000;

/// Shows: CLI-107, CLI-110
#[test]
fn an_invalid_file_is_reported_and_dropped() {
    let mut script = Script::downloaded(config(), &file(|_| {}));
    script.verify(VerifyResult::Invalid);
    script.assert_sends("01 03 06 96 5F11 0101 2C1A0000");
    // The Default Response may be missing: the client gives up after two attempts.
    script.advance_to(3000).assert_sends("01 04 06 96 5F11 0101 2C1A0000");
    script.advance_to(9000).assert_silent();
    assert_eq!(script.expect_end(), Outcome::InvalidImage);
    assert!(script.is_idle());

    let mut script = Script::downloaded(config(), &file(|_| {}));
    script.verify(VerifyResult::Invalid);
    script.assert_sends("01 03 06 96 5F11 0101 2C1A0000");
    let response = "19 03 07 5F11 0101 2C1A0000 00000000 00000000";
    assert_eq!(script.receive(response), Handled::Ignored(ClientIgnored::Unexpected));
    assert_eq!(script.receive("18 03 0B 06 00"), Handled::Done);
    assert_eq!(script.expect_end(), Outcome::InvalidImage);
}

/// Shows: CLI-114, CLI-115, CLI-116
#[test]
fn an_upgrade_end_response_applies_to_the_images_it_names() {
    for manufacturer in ["5F11", "FFFF", "6011"] {
        for image_type in ["0101", "FFFF", "0201"] {
            for version in ["2C1A0000", "FFFFFFFF", "2B1A0000"] {
                let mut script = Script::ending(config());
                let response =
                    std::format!("19 03 07 {manufacturer} {image_type} {version} 00000000 00000000");
                let meant = manufacturer != "6011" && image_type != "0201" && version != "2B1A0000";
                let handled = script.receive(&response);
                assert_eq!(handled == Handled::Done, meant, "{response}");
                script.assert_silent().advance_to(0);
                assert_eq!(matches!(script.client.poll_need(), Some(Need::Apply(..))), meant);
            }
        }
    }
}

/// Shows: CLI-117, CLI-119
#[test]
fn a_later_upgrade_end_response_replaces_the_upgrade_time() {
    let mut script = Script::ending(config());
    script.receive("19 03 07 5F11 0101 2C1A0000 00000000 58020000");
    assert_eq!(script.client.poll_timeout(), Some(at(600_000)));
    script.advance_to(100_000);
    assert_eq!(script.receive("19 44 07 FFFF FFFF FFFFFFFF 00000000 0A000000"), Handled::Done);
    script.advance_to(109_999);
    assert_eq!(script.client.poll_need(), None);
    script.advance_to(110_000).expect_apply();

    let mut script = Script::ending(config());
    script.receive("19 03 07 5F11 0101 2C1A0000 00000000 FFFFFFFF");
    while script.client.poll_event().is_some_and(|event| event != ClientEvent::WaitingForUpgradeEnd) {}
    script.advance_to(HOUR - 1).assert_silent();
    assert_eq!(
        script.receive_by(DeliveryMode::Broadcast, "19 45 07 FFFF FFFF FFFFFFFF 00000000 00000000"),
        Handled::Done
    );
    script.advance_to(HOUR - 1).expect_apply();
}

/// Shows: CLI-118
#[test]
fn pending_frames_are_sent_before_the_image_is_applied() {
    let mut script = Script::ending(config());
    // This Upgrade End Response asks for a Default Response.
    assert_eq!(script.receive("09 03 07 5F11 0101 2C1A0000 00000000 00000000"), Handled::Done);
    assert_eq!(script.client.poll_need(), None);
    script.assert_sends("10 03 0B 07 00").assert_silent();
    assert_eq!(script.client.poll_timeout(), Some(at(0)));
    script.advance_to(0).expect_apply();
}

/// Shows: CLI-120, CLI-122
#[test]
fn an_upgrade_end_response_without_a_verified_image_is_ignored() {
    let response = "19 07 07 FFFF FFFF FFFFFFFF 00000000 00000000";
    let mut verifying = Script::downloaded(config(), &file(|_| {}));
    let mut downloading = Script::downloading(config());
    downloading.assert_requests_block(0);
    for script in [&mut Script::new(config()), &mut downloading, &mut verifying] {
        for delivery in [DeliveryMode::Unicast, DeliveryMode::Broadcast] {
            assert_eq!(script.receive_by(delivery, response), Handled::Ignored(ClientIgnored::Unexpected));
            script.assert_silent();
        }
    }
    let mut script = Script::ending(config());
    let early = "19 07 07 FFFF FFFF FFFFFFFF 64000000 63000000";
    assert!(matches!(script.receive_by(DeliveryMode::Broadcast, early), Handled::Ignored(_)));
    assert!(matches!(script.receive_by(DeliveryMode::Broadcast, "19 07 07"), Handled::Ignored(_)));
    assert_eq!(script.receive_by(DeliveryMode::Broadcast, response), Handled::Done);
    script.assert_silent();
    let mut script = Script::ending(config());
    assert_eq!(script.receive(response), Handled::Done);
    script.assert_silent();
}

/// Shows: CMD-081
#[test]
fn an_upgrade_end_response_that_is_short_or_in_the_past_is_malformed() {
    let whole = hex(UPGRADE_NOW);
    for len in 3..whole.len() {
        let mut script = Script::ending(config());
        assert!(matches!(
            script.receive_frame(FrameMeta::unicast(SERVER), &whole[..len]),
            Handled::Ignored(_)
        ));
        script.assert_sends("10 03 0B 07 80").assert_silent();
    }
    for clock in [None, Some(UtcTime(9000))] {
        let past = if clock.is_some() { "E8030000 E9030000" } else { "64000000 63000000" };
        let frame = std::format!("19 03 07 5F11 0101 2C1A0000 {past}");
        let mut script = Script::ending(config());
        script.client.set_utc(at(0), clock);
        assert_eq!(script.receive(&frame), Handled::Ignored(ClientIgnored::Mismatch));
        script.assert_sends("10 03 0B 07 80").assert_silent();
        assert!(matches!(script.receive_by(DeliveryMode::Broadcast, &frame), Handled::Ignored(_)));
        script.assert_silent();
    }
}

/// Shows: CLI-123
#[test]
fn a_waiting_client_repeats_the_upgrade_end_request_every_hour() {
    let mut script = Script::ending(config());
    script.receive("19 03 07 5F11 0101 2C1A0000 00000000 FFFFFFFF");
    for turn in 1..=3 {
        script.advance_to(turn * HOUR - 1).assert_silent();
        let sequence = 3 + turn;
        script
            .advance_to(turn * HOUR)
            .assert_sends(&std::format!("01 {sequence:02x} 06 00 5F11 0101 2C1A0000"));
        let wait = std::format!("19 {sequence:02x} 07 5F11 0101 2C1A0000 00000000 FFFFFFFF");
        assert_eq!(script.receive(&wait), Handled::Done);
    }
}

/// Shows: CLI-111, CLI-125, CLI-126
#[test]
fn after_four_unanswered_upgrade_end_requests_the_fallback_decides() {
    for unanswered in [UpgradeEndFallback::Apply, UpgradeEndFallback::KeepWaiting] {
        let mut script = Script::ending(ClientConfig { upgrade_end_fallback: unanswered, ..config() });
        let mut time = 0;
        for (sequence, timeout) in [(4, 3000), (5, 6000), (6, 10_000)] {
            script.advance_to(time + timeout - 1).assert_silent();
            time += timeout;
            script.advance_to(time).assert_sends(&std::format!("01 {sequence:02x} 06 00 5F11 0101 2C1A0000"));
        }
        time += 10_000;
        script.advance_to(time - 1);
        assert_eq!(script.client.poll_need(), None);
        script.advance_to(time).assert_silent();
        match unanswered {
            UpgradeEndFallback::Apply => {
                script.expect_apply();
            }
            UpgradeEndFallback::KeepWaiting => {
                assert_eq!(script.client.poll_need(), None);
                script.advance_to(time + HOUR).assert_sends("01 07 06 00 5F11 0101 2C1A0000");
            }
        }
    }
}

/// Shows: CLI-112
#[test]
fn an_error_to_the_upgrade_end_request_ends_the_upgrade() {
    for status in ["95", "7E"] {
        let mut script = Script::ending(config());
        assert_eq!(script.receive(&std::format!("18 03 0B 06 {status}")), Handled::Done);
        let status = Status(u8::from_str_radix(status, 16).unwrap());
        assert_eq!(script.expect_end(), Outcome::UpgradeRefused(status));
        assert!(script.assert_silent().is_idle());
    }
    for status in ["80", "81"] {
        let mut script = Script::ending(config());
        assert_eq!(script.receive(&std::format!("18 03 0B 06 {status}")), Handled::Done);
        script.assert_silent();
        script.advance_to(3000).assert_sends("01 04 06 00 5F11 0101 2C1A0000");
    }
}

#[test]
fn success_to_the_upgrade_end_request_does_not_start_the_upgrade() {
    let mut script = Script::ending(config());
    assert_eq!(script.receive("18 03 0B 06 00"), Handled::Done);
    script.advance_to(HOUR - 1).assert_silent();
    assert_eq!(script.client.poll_need(), None);
    script.advance_to(HOUR).assert_sends("01 04 06 00 5F11 0101 2C1A0000");
    assert_eq!(script.receive("19 04 07 5F11 0101 2C1A0000 00000000 00000000"), Handled::Done);
    script.advance_to(HOUR).expect_apply();
}

#[test]
fn utc_times_are_compared_with_the_clients_clock() {
    let mut script = Script::ending(config());
    script.client.set_utc(at(0), Some(UtcTime(1000)));
    script.advance_to(10_000);
    // The server's clock says 1000 s and the client's 1010 s, so 590 s are left until the upgrade time of 1600 s.
    script.receive("19 03 07 5F11 0101 2C1A0000 E8030000 40060000");
    assert_eq!(script.client.poll_timeout(), Some(at(600_000)));
}

/// Shows: CLI-113, CLI-124, FLD-019
#[test]
fn after_a_default_response_the_upgrade_end_request_is_repeated_in_an_hour() {
    let mut script = Script::ending(config());
    assert_eq!(script.receive("18 03 0B 06 00"), Handled::Done);
    assert_eq!(script.client.poll_need(), None);
    assert_eq!(script.client.attributes().status, ImageUpgradeStatus::DOWNLOAD_COMPLETE);
    script.advance_to(HOUR - 1).assert_silent();
    script.advance_to(HOUR).assert_sends("01 04 06 00 5F11 0101 2C1A0000");
}

/// Shows: CLI-100
#[test]
fn each_upgrade_end_response_may_use_relative_or_utc_time() {
    let mut script = Script::ending(config());
    script.client.set_utc(at(0), Some(UtcTime(1000)));
    script.receive("19 03 07 5F11 0101 2C1A0000 00000000 58020000");
    assert_eq!(script.client.poll_timeout(), Some(at(600_000)));
    script.receive("19 04 07 5F11 0101 2C1A0000 E8030000 E8040000");
    assert_eq!(script.client.poll_timeout(), Some(at(256_000)));
    script.client.set_utc(at(0), None);
    script.receive("19 05 07 5F11 0101 2C1A0000 E8030000 EA030000");
    assert_eq!(script.client.poll_timeout(), Some(at(2000)));
}
