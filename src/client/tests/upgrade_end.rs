//! Tests of Upgrade End Request and Upgrade End Response: from the last block of the file to the start of the upgrade.

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
        let frame = "19 03 07 5F11 0101 2C1A0000 64000000 63000000";
        let mut script = Script::ending(config());
        script.client.set_utc(at(0), clock);
        assert_eq!(script.receive(frame), Handled::Ignored(ClientIgnored::Mismatch));
        script.assert_sends("10 03 0B 07 80").assert_silent();
        assert!(matches!(script.receive_by(DeliveryMode::Broadcast, frame), Handled::Ignored(_)));
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

/// Returns the times at which the client sends an Upgrade End Request until `end`, if the server answers no request.
fn asks_until(script: &mut Script, end: u64) -> Vec<u64> {
    let mut times = Vec::new();
    loop {
        while let Some((_, bytes)) = script.transmit() {
            assert_eq!(bytes[2..4], [0x06, 0x00]);
            times.push(script.now.as_millis());
        }
        script.events();
        match script.client.poll_timeout().map(Instant::as_millis).filter(|next| *next < end) {
            Some(next) => script.advance_to(next),
            None => return times,
        };
    }
}

/// Shows: FLD-010, CLI-111, CLI-125, CLI-126
#[test]
fn an_unanswered_first_request_is_repeated_within_the_hour_and_then_hourly_until_the_fallback() {
    for unanswered in [UpgradeEndFallback::Apply, UpgradeEndFallback::KeepWaiting] {
        let mut script = Script::ending(ClientConfig { upgrade_end_fallback: unanswered, ..config() });
        let times = asks_until(&mut script, 3 * HOUR + 8_999);
        let (first, hourly) = times.split_at(times.len() - 3);
        assert_eq!(hourly, [HOUR, 2 * HOUR + 3000, 3 * HOUR + 6000], "one request each");
        assert!((8..=12).contains(&first.len()), "{first:?}");
        assert!(first.windows(3).all(|times| times[2] - times[1] >= times[1] - times[0]), "{first:?}");
        assert_eq!(script.client.poll_need(), None);
        let overdue = script.client.poll_timeout().unwrap().as_millis();
        script.advance_to(overdue);
        match unanswered {
            UpgradeEndFallback::Apply => {
                script.expect_apply();
            }
            UpgradeEndFallback::KeepWaiting => {
                let next = ClientEvent::UpgradeEndUnanswered(at(overdue + HOUR));
                assert_eq!(script.events(), [next]);
                assert_eq!(asks_until(&mut script, overdue + 30 * HOUR).len(), 29);
                assert_eq!(script.client.poll_need(), None);
            }
        }
    }
}

/// Shows: FLD-010, CLI-126
#[test]
fn a_client_that_was_told_to_wait_asks_four_times_hourly_before_the_fallback() {
    let mut script = Script::ending(config());
    script.receive("19 03 07 5F11 0101 2C1A0000 00000000 FFFFFFFF");
    let times = asks_until(&mut script, 4 * HOUR + 12_000);
    assert_eq!(times, [HOUR, 2 * HOUR + 3000, 3 * HOUR + 6000, 4 * HOUR + 9000]);
    assert_eq!(script.client.poll_need(), None);
    script.advance_to(4 * HOUR + 12_000).expect_apply();
    // An answer in between starts the count again.
    let mut script = Script::ending(config());
    script.receive("19 03 07 5F11 0101 2C1A0000 00000000 FFFFFFFF");
    asks_until(&mut script, 3 * HOUR + 9000);
    let now = script.now.as_millis();
    script.receive("19 06 07 5F11 0101 2C1A0000 00000000 FFFFFFFF");
    assert_eq!(asks_until(&mut script, now + 3 * HOUR + 9000).len(), 3);
    assert_eq!(script.client.poll_need(), None);
}

/// Shows: CLI-112, FLD-025
#[test]
fn only_not_authorized_to_the_upgrade_end_request_ends_the_upgrade() {
    let mut script = Script::ending(config());
    let unexpected = Handled::Ignored(ClientIgnored::Unexpected);
    assert_eq!(script.receive("18 02 0B 06 7E"), unexpected, "another sequence number");
    assert_eq!(script.receive("18 03 0B 06 7E"), Handled::Done);
    assert_eq!(script.expect_end(), Outcome::UpgradeRefused(Status::NOT_AUTHORIZED));
    assert!(script.assert_silent().is_idle());
    // A request that was damaged on its way is asked again.
    for status in ["80", "81", "01", "85", "87"] {
        let mut script = Script::ending(config());
        assert_eq!(script.receive(&std::format!("18 03 0B 06 {status}")), Handled::Done);
        script.assert_silent();
        script.advance_to(3000).assert_silent();
        script.advance_to(9000).assert_sends("01 04 06 00 5F11 0101 2C1A0000");
        assert!(script.client.checkpoint().is_some());
    }
    // A gateway that was restarted does not know the image: it is kept, and offered again after a query.
    for status in ["95", "98"] {
        let mut script = Script::ending(config());
        script.events();
        assert_eq!(script.receive(&std::format!("18 03 0B 06 {status}")), Handled::Done);
        let refused = Status(u8::from_str_radix(status, 16).unwrap());
        assert_eq!(script.events(), [ClientEvent::UpgradeEndRefused(refused)]);
        script.assert_silent().advance_to(999).assert_silent();
        script.advance_to(1000).assert_sends("01 04 01 00 5F11 0101 2B1A0000");
        script.receive_frame(FrameMeta::unicast(SERVER), &offer(4, 0x02, OFFERED, 100));
        script.assert_sends("01 05 06 00 5F11 0101 2C1A0000");
        // The same refusal again is followed by a longer pause.
        script.receive(&std::format!("18 05 0B 06 {status}"));
        script.advance_to(2999).assert_silent();
        script.advance_to(3000).assert_sends("01 06 01 00 5F11 0101 2B1A0000");
        // Without an offer the client asks in an hour.
        script.receive("19 06 02 98");
        script.advance_to(HOUR + 999).assert_silent();
        script.advance_to(HOUR + 1000).assert_sends("01 07 06 00 5F11 0101 2C1A0000");
        script.receive("19 07 07 5F11 0101 2C1A0000 00000000 00000000");
        script.advance_to(HOUR + 1000).expect_apply();
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

/// Shows: FLD-009
#[test]
fn an_order_whose_time_has_passed_by_the_own_clock_is_obeyed() {
    for (own, delay, disagrees) in [
        // The clocks agree, and the moment has passed by the own clock.
        (1100, 0, false),
        (1300, 0, false),
        // The clocks disagree: the distance within the pair counts.
        (1301, 60, true),
        (9000, 60, true),
        (100, 60, true),
        (4_000_000_000, 60, true),
    ] {
        let mut script = Script::ending(config());
        script.events();
        script.client.set_utc(at(0), Some(UtcTime(own)));
        assert_eq!(script.receive("19 03 07 5F11 0101 2C1A0000 E8030000 24040000"), Handled::Done);
        let disagreement = ClientEvent::ClocksDisagree { server: UtcTime(1000), own: UtcTime(own) };
        let events = script.events();
        assert_eq!(events.contains(&disagreement), disagrees, "{events:?}");
        assert_eq!(events.last(), Some(&ClientEvent::CountingDown(at(delay * 1000))), "own clock {own}");
        script.advance_to(delay * 1000).expect_apply();
    }
}

/// Shows: FLD-009
#[test]
fn a_countdown_follows_the_clock_of_the_device_if_both_clocks_agreed() {
    // The own clock is 100 s behind when the order arrives, and set right afterwards.
    let mut script = Script::ending(config());
    script.client.set_utc(at(0), Some(UtcTime(900)));
    script.receive("19 03 07 5F11 0101 2C1A0000 E8030000 00080000");
    assert_eq!(script.client.poll_timeout(), Some(at((2048 - 900) * 1000)));
    script.advance_to(10_000);
    script.client.set_utc(at(10_000), Some(UtcTime(1010)));
    assert_eq!(script.client.poll_timeout(), Some(at((2048 - 1000) * 1000)));
    script.client.set_utc(at(10_000), Some(UtcTime(3000)));
    script.advance_to(10_000).expect_apply();
    // The clock of the server is its uptime: the own clock says nothing about the order.
    let mut script = Script::ending(config());
    script.client.set_utc(at(0), Some(UtcTime(800_000_000)));
    script.receive("19 03 07 5F11 0101 2C1A0000 E8030000 00080000");
    let deadline = script.client.poll_timeout();
    assert_eq!(deadline, Some(at(1048 * 1000)));
    script.client.set_utc(at(0), Some(UtcTime(900_000_000)));
    assert_eq!(script.client.poll_timeout(), deadline);
    // A relative order has no clock.
    let mut script = Script::ending(config());
    script.client.set_utc(at(0), Some(UtcTime(900)));
    script.receive("19 03 07 5F11 0101 2C1A0000 00000000 58020000");
    script.client.set_utc(at(0), Some(UtcTime(5000)));
    assert_eq!(script.client.poll_timeout(), Some(at(600_000)));
}

/// Shows: FLD-008
#[test]
fn a_long_countdown_is_asked_about_every_hour_and_never_moved_later_by_a_relative_answer() {
    const DAY: u64 = 24 * HOUR;
    let forged = "19 03 07 5F11 0101 2C1A0000 00000000 FEFFFFFF";
    let mut script = Script::ending(config());
    script.receive(forged);
    let end = u64::from(u32::MAX - 1) * 1000;
    for turn in 1..=3 {
        script.advance_to(turn * HOUR - 1).assert_silent();
        let sequence = 3 + turn;
        let ask = std::format!("01 {sequence:02x} 06 00 5F11 0101 2C1A0000");
        script.advance_to(turn * HOUR).assert_sends(&ask).assert_silent();
        script.events();
        // A server with a constant offset says the same each time.
        script.receive(&forged.replace("19 03", &std::format!("19 {sequence:02x}")));
        assert_eq!(script.events(), [ClientEvent::CountingDown(at(end))], "not later");
    }
    // An ask that nobody answers changes nothing, and the next one follows in an hour.
    script.advance_to(4 * HOUR).assert_sends("01 07 06 00 5F11 0101 2C1A0000");
    let overdue = script.client.poll_timeout().unwrap().as_millis();
    script.advance_to(overdue).assert_silent();
    assert_eq!(script.client.poll_timeout(), Some(at(overdue + HOUR)));
    script.advance_to(overdue + HOUR).assert_sends("01 08 06 00 5F11 0101 2C1A0000");
    let now = overdue + HOUR;
    // An earlier time counts, and so does an order that was not asked for.
    script.receive("19 08 07 5F11 0101 2C1A0000 00000000 00010000");
    assert_eq!(script.client.poll_timeout(), Some(at(now + 256_000)));
    script.receive("19 99 07 5F11 0101 2C1A0000 00000000 00020000");
    assert_eq!(script.client.poll_timeout(), Some(at(now + 512_000)));
    // A countdown of a day is not asked about.
    let mut script = Script::ending(config());
    script.receive("19 03 07 5F11 0101 2C1A0000 00000000 80510100");
    assert_eq!(script.client.poll_timeout(), Some(at(DAY)));
}

#[test]
fn an_acknowledged_upgrade_end_request_waits_for_its_response() {
    let mut script = Script::ending(config());
    script.events();
    assert_eq!(script.receive("18 03 0B 06 00"), Handled::Done);
    assert_eq!(script.events(), [ClientEvent::WaitingForUpgradeEnd]);
    script.advance_to(HOUR - 1).assert_silent();
    script.advance_to(HOUR).assert_sends("01 04 06 00 5F11 0101 2C1A0000");
}

/// Shows: CLI-117
#[test]
fn a_request_during_a_countdown_neither_postpones_nor_loses_the_upgrade() {
    let delay = |sequence: u8, time: &str| std::format!("19 {sequence:02x} 07 5F11 0101 2C1A0000 {time}");
    // The server gives the same two hours each time.
    let two_hours = "00000000 201C0000";
    let counting_down = || {
        let mut script = Script::ending(config());
        script.receive(&delay(3, two_hours));
        assert_eq!(script.client.waiting_for(), WaitingFor::Time);
        // The gateway restarts, and offers the same image again.
        script.advance_to(HOUR).receive("19 77 00 00 64");
        script.assert_queries();
        script.receive_frame(FrameMeta::unicast(SERVER), &offer(4, 0x02, OFFERED, 100));
        script.assert_sends("01 05 06 00 5F11 0101 2C1A0000");
        script
    };
    let mut script = counting_down();
    assert_eq!(script.receive(&delay(5, two_hours)), Handled::Done);
    script.advance_to(2 * HOUR).expect_apply();
    // A response of its own, and one with a time by the server's clock, set the time.
    let mut script = counting_down();
    script.receive(&delay(9, two_hours));
    script.advance_to(2 * HOUR).assert_silent();
    assert_eq!(script.client.poll_need(), None);
    script.advance_to(3 * HOUR).expect_apply();
    let mut script = counting_down();
    script.receive(&delay(5, "01000000 211C0000"));
    script.advance_to(2 * HOUR);
    assert_eq!(script.client.poll_need(), None);
    // An error leaves the time as it is.
    let mut script = counting_down();
    assert_eq!(script.receive("18 05 0B 06 80"), Handled::Done);
    script.assert_silent().advance_to(2 * HOUR - 1).assert_silent();
    assert_eq!(script.client.poll_need(), None);
    script.advance_to(2 * HOUR).expect_apply();
}
