//! Blocks.

use super::*;
use crate::types::HardwareRange;

/// Shows: CLI-051, CLI-053, CMD-051
#[test]
fn each_request_asks_for_what_comes_next_whatever_the_server_sent() {
    let file = file(|_| {});
    let mut script = Script::downloading(config());
    let mut offset = 0;
    let mut stored: Vec<u8> = Vec::new();
    for (turn, size) in [1, 64, 20, 3, 12].into_iter().enumerate() {
        script.sends_request(offset as u32);
        let piece = &file[offset..offset + size];
        let frame = block(turn as u8 + 1, OFFERED, offset as u32, piece);
        let ClientAction::Store(lent) =
            script.client.handle_frame(script.now, FrameMeta::unicast(SERVER), &frame)
        else {
            panic!("no data at {offset}");
        };
        assert_eq!(lent.offset as usize, stored.len());
        stored.extend(lent.data);
        script.client.stored(script.now, lent.ticket, StoreResult::Ok).unwrap();
        offset += size;
    }
    assert_eq!(stored, file);
    script.is_silent();
    assert!(matches!(script.client.poll_need(), Some(Need::Verify(..))));
}

/// Shows: CLI-056
#[test]
fn data_that_is_here_is_passed_over_and_data_from_elsewhere_is_malformed() {
    let file = file(|_| {});
    let mut script = Script::downloading(config());
    script.sends_request(0);
    script.gets_block(1, 0, &file[..64]);
    script.sends_request(64);
    for (offset, size) in [(0, 64), (0, 32), (32, 32)] {
        let again = script.gets_block(1, offset, &file[..size]);
        assert_eq!(again, Met::Ignored(ClientIgnored::NotExpected), "{offset}");
        script.is_silent();
    }
    for (offset, size) in [(65, 35), (32, 64), (99, 1)] {
        let wrong = script.gets_block(2, offset, &file[..size]);
        assert_eq!(wrong, Met::Ignored(ClientIgnored::NotAsked), "{offset}");
        script.sends("10 02 0B 05 80").is_silent();
    }
    assert_eq!(script.client.progress().unwrap().received, 64);
}

/// Shows: CLI-057, CMD-071, CMD-011, CMD-016
#[test]
fn a_response_that_does_not_fit_the_request_is_malformed() {
    let good = "19 01 05 00 5F11 0101 2C1A0000 00000000 02 1EF1";
    for bad in [
        "19 01 05",
        "19 01 05 00 5F11 0101 2C1A0000 000000",
        "19 01 05 00 6011 0101 2C1A0000 00000000 02 1EF1",
        "19 01 05 00 5F11 0201 2C1A0000 00000000 02 1EF1",
        "19 01 05 00 5F11 0101 2D1A0000 00000000 02 1EF1",
        "19 01 05 00 5F11 0101 2C1A0000 00000000 03 1EF1",
        "19 01 05 00 5F11 0101 2C1A0000 00000000 01 1EF1",
        "19 01 05 00 5F11 0101 2C1A0000 63000000 02 1EF1",
        "19 01 05 00 5F11 0101 2C1A0000 FFFFFFFF 02 1EF1",
        "19 01 05 00 5F11 0101 2C1A0000 01000000 02 F1EE",
        "19 01 05 97 64000000 63000000",
        "19 01 05 97 64000000 65000000",
        "19 01 05 98 00",
    ] {
        let mut script = Script::downloading(config());
        // The own clock is an hour ahead of the second last frame's times.
        script.client.set_utc(at(0), Some(UtcTime(100 + 3600)));
        script.sends_request(0);
        assert!(matches!(script.gets(bad), Met::Ignored(_)), "{bad}");
        script.sends("10 01 0B 05 80").is_silent();
        assert_eq!(script.client.progress().unwrap().received, 0);
        assert_eq!(script.gets(good), Met::Done, "the request is still open");
        assert_eq!(script.client.progress().unwrap().received, 2);
    }
    // More data than was asked for.
    let mut script = Script::downloading(config());
    script.sends_request(0);
    assert_eq!(script.gets_block(1, 0, &[0x1e; 65]), Met::Ignored(ClientIgnored::NotAsked));
    script.sends("10 01 0B 05 80");
}

/// Shows: CLI-036
#[test]
fn a_block_by_broadcast_is_passed_over() {
    let mut script = Script::downloading(config());
    script.sends_request(0);
    for delivery in [DeliveryMode::Broadcast, DeliveryMode::Multicast] {
        let frame = "09 01 05 00 5F11 0101 2C1A0000 00000000 02 1EF1";
        assert_eq!(script.gets_by(delivery, frame), Met::Ignored(ClientIgnored::NotUnicast));
        assert!(matches!(script.gets_by(delivery, "09 01 05"), Met::Ignored(_)));
        script.is_silent();
    }
    assert_eq!(script.client.progress().unwrap().received, 0);
}

/// Shows: CMD-010
#[test]
fn a_good_response_is_acknowledged_where_its_sender_wants_that() {
    let mut script = Script::downloading(config());
    script.sends_request(0);
    let mut frame = block(1, OFFERED, 0, &file(|_| {})[..64]);
    frame[0] = 0x09;
    assert_eq!(script.receives(FrameMeta::unicast(SERVER), &frame), Met::Done);
    script.sends("10 01 0B 05 00").sends_request(64).is_silent();
}

/// Shows: CLI-058
#[test]
fn abort_ends_the_download() {
    let mut script = Script::downloading(config());
    script.sends_request(0);
    assert_eq!(script.gets("19 01 05 95"), Met::Done);
    assert_eq!(script.ended(), Outcome::ServerAborted);
    assert!(script.is_silent().is_idle());
    script.until(24 * 60 * 60 * 1000).sends("01 02 01 00 5F11 0101 2B1A0000");
}

/// Shows: CMD-070
#[test]
fn abort_with_more_bytes_is_malformed_and_ends_the_download() {
    let mut script = Script::downloading(config());
    script.sends_request(0);
    assert_eq!(script.gets("19 01 05 95 00 00"), Met::Done);
    script.sends("10 01 0B 05 80").is_silent();
    assert_eq!(script.ended(), Outcome::ServerAborted);

    // By the letter it is malformed, and the server is waited for.
    let mut script = Script::downloading(ClientConfig { strict: true, ..config() });
    script.sends_request(0);
    assert!(matches!(script.gets("19 01 05 95 00 00"), Met::Ignored(ClientIgnored::Unreadable(_))));
    script.sends("10 01 0B 05 80").is_silent();
    assert!(script.client.progress().is_some());
}

/// Shows: CLI-059, CLI-060, CLI-061, CLI-098
#[test]
fn wait_is_obeyed_however_often() {
    let mut script = Script::downloading(config());
    script.sends_request(0);
    for turn in 0..1000_u64 {
        let sequence = (turn + 1) as u8;
        assert_eq!(script.gets(&std::format!("19 {sequence:02x} 05 97 00000000 05000000")), Met::Done);
        let until = turn * 5000 + 5000;
        assert_eq!(
            script.client.poll_event(),
            Some(ClientEvent::Paused(Some(at(until)))).filter(|_| turn > 0).or(
                // The first is behind the event of the start.
                Some(ClientEvent::Started(ImageOffer { id: OFFERED, size: 100 }))
            )
        );
        while script.client.poll_event().is_some() {}
        script.until(until - 1).is_silent();
        script.until(until).sends_request(0);
    }
    script.gets_block(0, 0, &file(|_| {})[..64]);
    // A device that sleeps may be late.
    script.sends_request(64);
    script.gets("19 00 05 97 E8030000 EA030000");
    script.until(9_000_000).sends_request(64);
    script.gets_block(0, 64, &file(|_| {})[64..]);
    assert!(matches!(script.client.poll_need(), Some(Need::Verify(..))));
}

/// Shows: CLI-093
#[test]
fn a_wait_without_end_is_cut_to_an_hour_or_ends_by_the_server() {
    let mut script = Script::downloading(config());
    script.sends_request(0);
    script.gets("19 01 05 97 00000000 FFFFFFFF");
    script.until(60 * 60 * 1000 - 1).is_silent();
    script.until(60 * 60 * 1000).sends_request(0);

    let halted = || {
        let mut script = Script::downloading(ClientConfig { max_wait: None, ..config() });
        script.sends_request(0);
        script.gets("19 01 05 97 00000000 FFFFFFFF");
        assert_eq!(script.client.poll_timeout(), None);
        script.until(u64::MAX / 2).is_silent();
        script
    };
    let mut script = halted();
    assert_eq!(script.gets("19 01 05 95"), Met::Done);
    assert_eq!(script.ended(), Outcome::ServerAborted);
    let mut script = halted();
    assert_eq!(script.gets("19 01 05 97 00000000 05000000"), Met::Done);
    script.until(u64::MAX / 2 + 4999).is_silent();
    script.until(u64::MAX / 2 + 5000).sends_request(0);
    let mut script = halted();
    assert_eq!(script.gets_block(1, 0, &file(|_| {})[..64]), Met::Done);
    script.sends_request(64);
    let mut script = halted();
    script.client.abort(script.now).unwrap();
    script.sends("01 02 06 95 5F11 0101 2C1A0000");
}

/// Shows: CLI-062, CLI-063, CMD-068
#[test]
fn an_image_that_is_gone_three_times_in_a_row_is_gone() {
    for gone in ["18 {} 0B 03 98", "19 {} 05 98"] {
        let say = |script: &mut Script, sequence: u8| {
            script.gets(&gone.replace("{}", &std::format!("{sequence:02x}")))
        };
        let file = file(|_| {});
        let mut script = Script::downloading(config());
        let mut time = 0;
        for (sequence, answer) in [(1, false), (2, false), (3, true), (4, false), (5, false), (6, false)] {
            script.sends_request(if sequence > 3 { 32 } else { 0 });
            if answer {
                script.gets_block(sequence, 0, &file[..32]);
                continue;
            }
            assert_eq!(say(&mut script, sequence), Met::Done);
            if sequence < 6 {
                script.until(time + 999).is_silent();
                time += 1000;
                script.until(time);
            }
        }
        assert_eq!(script.ended(), Outcome::ImageGone);
        assert!(script.is_silent().is_idle());
    }
}

/// Shows: CLI-065
#[test]
fn ten_errors_in_a_row_end_the_download() {
    let mut script = Script::downloading(config());
    for turn in 1..=10_u8 {
        script.sends_request(0);
        let status = if turn == 10 { "80" } else { "01" };
        assert_eq!(script.gets(&std::format!("18 {turn:02x} 0B 03 {status}")), Met::Done);
        if turn < 10 {
            script.until(1000 * u64::from(turn));
        }
    }
    script.sends("01 0B 06 95 5F11 0101 2C1A0000");
    script.gets("18 0B 0B 06 00");
    assert_eq!(script.ended(), Outcome::ServerErrors(Status::MALFORMED_COMMAND));
}

/// Shows: CMD-072
#[test]
fn blocks_without_data_count_as_errors() {
    let mut script = Script::downloading(config());
    for turn in 1..=10_u8 {
        script.sends_request(0);
        assert_eq!(script.gets_block(turn, 0, &[]), Met::Done);
        script.until(1000 * u64::from(turn));
    }
    script.sends("01 0B 06 95 5F11 0101 2C1A0000");
    script.gets("18 0B 0B 06 00");
    assert_eq!(script.ended(), Outcome::EmptyBlocks);
}

#[test]
fn a_stray_default_response_changes_nothing() {
    let mut script = Script::downloading(config());
    script.sends_request(0);
    for stray in ["18 07 0B 03 98", "18 01 0B 06 98", "18 01 0B 03 00", "18 00 0B 01 98"] {
        assert_eq!(script.gets(stray), Met::Ignored(ClientIgnored::NotExpected), "{stray}");
        script.is_silent();
    }
    script.gets_block(1, 0, &file(|_| {})[..64]);
    script.sends_request(64);
}

#[test]
fn a_lost_block_is_asked_for_again_after_about_a_round_trip() {
    let file = file(|_| {});
    let mut script = Script::downloading(config());
    script.sends_request(0);
    script.until(24);
    script.gets_block(1, 0, &file[..8]);
    // One measurement of 24 ms: a variance of half of it, four times, on top.
    script.sends_request(8);
    script.until(24 + 71).is_silent();
    script.until(24 + 72).sends_request(8);
    assert_eq!(script.client.retries(), 1);
    // The answer to the first try measures the first try.
    script.until(100);
    script.gets_block(2, 8, &file[8..16]);
    script.sends_request(16);
    let Some(deadline) = script.client.poll_timeout() else { panic!("no deadline") };
    assert!(deadline > at(100 + 72), "76 ms were seen: {deadline:?}");
}

#[test]
fn a_server_that_is_silent_is_given_up() {
    let mut script = Script::downloading(ClientConfig { block_attempts: 5, ..config() });
    let mut time = 0;
    for timeout in [3000, 6000, 10_000, 10_000, 10_000] {
        script.sends_request(0).is_silent();
        script.until(time + timeout - 1).is_silent();
        time += timeout;
        script.until(time);
    }
    script.sends("01 06 06 95 5F11 0101 2C1A0000");
    script.until(time + 3000).sends("01 07 06 95 5F11 0101 2C1A0000");
    script.until(time + 9000).is_silent();
    assert_eq!(script.ended(), Outcome::ServerSilent);
    assert!(script.is_idle());
}

/// Shows: CLI-067
#[test]
fn requests_keep_their_pause() {
    let mut script = Script::downloading(ClientConfig { block_pause: Millis(250), ..config() });
    script.sends_request(0);
    script.until(20);
    script.gets_block(1, 0, &file(|_| {})[..8]);
    script.is_silent();
    assert_eq!(script.client.poll_timeout(), Some(at(250)));
    script.until(249).is_silent();
    script.until(250).sends_request(8);
    script.until(600);
    script.gets_block(2, 8, &file(|_| {})[8..16]);
    script.sends_request(16);
}

/// Shows: ESP-030
#[test]
fn busy_storage_is_asked_again_and_faulty_storage_ends_the_download() {
    let file = file(|_| {});
    let mut script = Script::downloading(config());
    for (turn, answer) in [StoreResult::Busy, StoreResult::Busy, StoreResult::Ok].into_iter().enumerate() {
        script.sends_request(0);
        let frame = block(turn as u8 + 1, OFFERED, 0, &file[..64]);
        let handled = script.client.handle_frame(script.now, FrameMeta::unicast(SERVER), &frame);
        let ClientAction::Store(lent) = handled else { panic!("no data: {handled:?}") };
        script.client.stored(script.now, lent.ticket, answer).unwrap();
        if answer == StoreResult::Busy {
            let time = 1000 * (turn as u64 + 1);
            script.until(time - 1).is_silent();
            script.until(time);
        }
    }
    script.sends_request(64);
    let frame = block(4, OFFERED, 64, &file[64..]);
    let ClientAction::Store(lent) =
        script.client.handle_frame(script.now, FrameMeta::unicast(SERVER), &frame)
    else {
        panic!("no data");
    };
    script.client.stored(script.now, lent.ticket, StoreResult::Fault).unwrap();
    script.sends("01 05 06 95 5F11 0101 2C1A0000");
    script.gets("18 05 0B 06 00");
    assert_eq!(script.ended(), Outcome::StorageFault);
}

/// The outcome of a download of `file` in blocks of `size`.
fn outcome(config: ClientConfig, file: &[u8], size: usize) -> Outcome {
    let mut script = Script::downloading(config);
    for (turn, piece) in file.chunks(size).enumerate() {
        let Some((_, request)) = script.transmit() else { break };
        if request[2] != 0x03 {
            assert_eq!(request[2..4], [0x06, 0x96], "INVALID_IMAGE");
            script.gets(&std::format!("18 {:02x} 0B 06 00", request[1]));
            assert!(turn * size <= 69 + size, "stopped after the header");
            return script.ended();
        }
        script.gets_block(request[1], (turn * size) as u32, piece);
    }
    let Some((_, end)) = script.transmit() else {
        assert!(matches!(script.client.poll_need(), Some(Need::Verify(..))));
        return Outcome::Refused;
    };
    assert_eq!(end[2..4], [0x06, 0x96]);
    script.gets(&std::format!("18 {:02x} 0B 06 00", end[1]));
    script.ended()
}

/// What `outcome` says of a file that got as far as its check.
const TAKEN: Outcome = Outcome::Refused;

/// Shows: CLI-103, CLI-106, CLI-107
#[test]
fn the_header_is_read_before_the_rest_is_asked_for() {
    let range = Some(HardwareRange { min: HardwareVersion(1), max: HardwareVersion(2) });
    let mut new = config();
    new.identity.hardware = Some(HardwareVersion(3));
    let mut old = config();
    old.identity.hardware = Some(HardwareVersion(2));
    let mut named = config();
    named.identity.node = Some(Eui64(7));
    for size in [1, 7, 30, 63, 64] {
        assert_eq!(outcome(config(), &file(|_| {}), size), TAKEN);
        assert_eq!(outcome(old, &file(|header| header.hardware = range), size), TAKEN);
        assert_eq!(outcome(new, &file(|_| {}), size), TAKEN);
        assert_eq!(outcome(new, &file(|header| header.hardware = range), size), Outcome::NotForThisDevice);
        let for_seven = file(|header| header.destination = Some(Eui64(7)));
        assert_eq!(outcome(named, &for_seven, size), TAKEN);
        assert_eq!(outcome(config(), &for_seven, size), Outcome::NotForThisDevice);
        let for_eight = file(|header| header.destination = Some(Eui64(8)));
        assert_eq!(outcome(named, &for_eight, size), Outcome::NotForThisDevice);
        // Bytes that a later revision may put behind the known fields.
        assert_eq!(outcome(config(), &file(|header| header.extra = &[9; 30]), size), TAKEN);
    }
}

#[test]
fn a_header_that_is_not_the_offers_ends_the_download() {
    let good = file(|_| {});
    for (place, expected) in [
        (0, None),
        (5, None),
        (6, None),
        (10, Some(Outcome::HeaderMismatch)),
        (12, Some(Outcome::HeaderMismatch)),
        (14, Some(Outcome::HeaderMismatch)),
        (52, Some(Outcome::HeaderMismatch)),
    ] {
        for size in [8, 64] {
            let mut bad = good.clone();
            bad[place] ^= 0x01;
            if place == 6 {
                bad[place] = 55;
            }
            let outcome = outcome(config(), &bad, size);
            match expected {
                Some(expected) => assert_eq!(outcome, expected),
                None => assert!(matches!(outcome, Outcome::HeaderUnreadable(_)), "{place}: {outcome:?}"),
            }
        }
    }
    // A header as long as the file, but for one byte that is not there.
    let mut long = good.clone();
    (long[6], long[7]) = (101, 0);
    assert!(matches!(outcome(config(), &long, 64), Outcome::HeaderUnreadable(_)));
}
