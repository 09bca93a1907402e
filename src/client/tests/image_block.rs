//! Tests of Image Block Request and Image Block Response: data, ABORT and WAIT_FOR_DATA, one block at a time.

use super::*;

/// Shows: CLI-051, CLI-053, CMD-051
#[test]
fn each_request_continues_after_the_last_stored_byte() {
    let file = file(|_| {});
    let mut script = Script::downloading(config());
    let mut offset = 0;
    let mut stored: Vec<u8> = Vec::new();
    for (turn, size) in [1, 64, 20, 3, 12].into_iter().enumerate() {
        script.assert_requests_block(offset as u32);
        let piece = &file[offset..offset + size];
        let frame = block(turn as u8 + 1, OFFERED, offset as u32, piece);
        let ClientAction::Store(arrived) =
            script.client.handle_frame(script.now, FrameMeta::unicast(SERVER), &frame)
        else {
            panic!("no data at {offset}");
        };
        assert_eq!(arrived.offset as usize, stored.len());
        stored.extend(arrived.data);
        script.client.stored(script.now, arrived.ticket, StoreResult::Ok).unwrap();
        offset += size;
    }
    assert_eq!(stored, file);
    script.assert_silent();
    assert!(matches!(script.client.poll_need(), Some(Need::Verify(..))));
}

/// Shows: CLI-056
#[test]
fn stored_data_is_ignored_and_data_that_was_not_requested_is_malformed() {
    let file = file(|_| {});
    let mut script = Script::downloading(config());
    script.assert_requests_block(0);
    script.receive_block(1, 0, &file[..64]);
    script.assert_requests_block(64);
    for (offset, size) in [(0, 64), (0, 32), (32, 32)] {
        let again = script.receive_block(1, offset, &file[..size]);
        assert_eq!(again, Handled::Ignored(ClientIgnored::Unexpected), "{offset}");
        script.assert_silent();
    }
    for (offset, size) in [(65, 35), (32, 64), (99, 1)] {
        let wrong = script.receive_block(2, offset, &file[..size]);
        assert_eq!(wrong, Handled::Ignored(ClientIgnored::Mismatch), "{offset}");
        script.assert_sends("10 02 0B 05 80").assert_silent();
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
    ] {
        let mut script = Script::downloading(config());
        script.assert_requests_block(0);
        assert!(matches!(script.receive(bad), Handled::Ignored(_)), "{bad}");
        script.assert_sends("10 01 0B 05 80").assert_silent();
        assert_eq!(script.client.progress().unwrap().received, 0);
        assert_eq!(script.receive(good), Handled::Done, "the request still waits");
        assert_eq!(script.client.progress().unwrap().received, 2);
    }
    // More data than was requested.
    let mut script = Script::downloading(config());
    script.assert_requests_block(0);
    assert_eq!(script.receive_block(1, 0, &[0x1e; 65]), Handled::Ignored(ClientIgnored::Mismatch));
    script.assert_sends("10 01 0B 05 80");
}

/// Shows: CLI-036
#[test]
fn a_block_by_broadcast_is_ignored() {
    let mut script = Script::downloading(config());
    script.assert_requests_block(0);
    for delivery in [DeliveryMode::Broadcast, DeliveryMode::Multicast] {
        let frame = "09 01 05 00 5F11 0101 2C1A0000 00000000 02 1EF1";
        assert_eq!(script.receive_by(delivery, frame), Handled::Ignored(ClientIgnored::NotUnicast));
        assert!(matches!(script.receive_by(delivery, "09 01 05"), Handled::Ignored(_)));
        script.assert_silent();
    }
    assert_eq!(script.client.progress().unwrap().received, 0);
}

/// Shows: CMD-010
#[test]
fn a_response_gets_a_default_response_if_its_sender_wants_one() {
    let mut script = Script::downloading(config());
    script.assert_requests_block(0);
    let mut frame = block(1, OFFERED, 0, &file(|_| {})[..64]);
    frame[0] = 0x09;
    assert_eq!(script.receive_frame(FrameMeta::unicast(SERVER), &frame), Handled::Done);
    script.assert_sends("10 01 0B 05 00").assert_requests_block(64).assert_silent();
}

/// Shows: CLI-058
#[test]
fn abort_ends_the_download() {
    let mut script = Script::downloading(config());
    script.assert_requests_block(0);
    assert_eq!(script.receive("19 01 05 95"), Handled::Done);
    assert_eq!(script.expect_end(), Outcome::ServerAborted);
    assert!(script.assert_silent().is_idle());
    // The next query does not wait for the periodic one.
    script.advance_to(5 * 60 * 1000 - 1).assert_silent();
    script.advance_to(5 * 60 * 1000).assert_sends("01 02 01 00 5F11 0101 2B1A0000");
}

/// Shows: CMD-070
#[test]
fn abort_with_more_bytes_is_malformed_and_ends_the_download() {
    let mut script = Script::downloading(config());
    script.assert_requests_block(0);
    assert_eq!(script.receive("19 01 05 95 00 00"), Handled::Done);
    script.assert_sends("10 01 0B 05 80").assert_silent();
    assert_eq!(script.expect_end(), Outcome::ServerAborted);

    // A strict client answers MALFORMED_COMMAND and continues to wait for the block.
    let mut script = Script::downloading(ClientConfig { strict: true, ..config() });
    script.assert_requests_block(0);
    assert!(matches!(script.receive("19 01 05 95 00 00"), Handled::Ignored(ClientIgnored::Unreadable)));
    script.assert_sends("10 01 0B 05 80").assert_silent();
    assert!(script.client.progress().is_some());
}

/// Shows: CLI-059, CLI-060, CLI-061, CLI-098
#[test]
fn wait_for_data_is_obeyed_any_number_of_times() {
    let mut script = Script::downloading(config());
    script.assert_requests_block(0);
    for turn in 0..1000_u64 {
        let sequence = (turn + 1) as u8;
        assert_eq!(script.receive(&std::format!("19 {sequence:02x} 05 97 00000000 05000000")), Handled::Done);
        let until = turn * 5000 + 5000;
        assert_eq!(
            script.client.poll_event(),
            Some(ClientEvent::Paused(Some(at(until)))).filter(|_| turn > 0).or(
                // In the first turn, the event of the start comes first.
                Some(ClientEvent::Started(ImageOffer { id: OFFERED, size: 100 }))
            )
        );
        while script.client.poll_event().is_some() {}
        script.advance_to(until - 1).assert_silent();
        script.advance_to(until).assert_requests_block(0);
    }
    script.receive_block(0, 0, &file(|_| {})[..64]);
    // A sleepy device may wake up later than the time given.
    script.assert_requests_block(64);
    script.receive("19 00 05 97 E8030000 EA030000");
    script.advance_to(9_000_000).assert_requests_block(64);
    script.receive_block(0, 64, &file(|_| {})[64..]);
    assert!(matches!(script.client.poll_need(), Some(Need::Verify(..))));
}

/// Shows: CLI-093
#[test]
fn a_wait_without_end_lasts_an_hour_or_until_the_next_response() {
    let mut script = Script::downloading(config());
    script.assert_requests_block(0);
    script.receive("19 01 05 97 00000000 FFFFFFFF");
    script.advance_to(60 * 60 * 1000 - 1).assert_silent();
    script.advance_to(60 * 60 * 1000).assert_requests_block(0);

    let halted = || {
        let mut script = Script::downloading(ClientConfig { max_wait_for_data: None, ..config() });
        script.assert_requests_block(0);
        script.receive("19 01 05 97 00000000 FFFFFFFF");
        assert_eq!(script.client.poll_timeout(), None);
        script.advance_to(u64::MAX / 2).assert_silent();
        script
    };
    let mut script = halted();
    assert_eq!(script.receive("19 01 05 95"), Handled::Done);
    assert_eq!(script.expect_end(), Outcome::ServerAborted);
    let mut script = halted();
    assert_eq!(script.receive("19 01 05 97 00000000 05000000"), Handled::Done);
    script.advance_to(u64::MAX / 2 + 4999).assert_silent();
    script.advance_to(u64::MAX / 2 + 5000).assert_requests_block(0);
    let mut script = halted();
    assert_eq!(script.receive_block(1, 0, &file(|_| {})[..64]), Handled::Done);
    script.assert_requests_block(64);
    let mut script = halted();
    script.client.abort(script.now).unwrap();
    script.assert_sends("01 02 06 95 5F11 0101 2C1A0000");
}

/// Shows: ESP-030
#[test]
fn busy_storage_gets_the_block_again_and_faulty_storage_ends_the_download() {
    let file = file(|_| {});
    let mut script = Script::downloading(config());
    for (turn, result) in [StoreResult::Busy, StoreResult::Busy, StoreResult::Ok].into_iter().enumerate() {
        script.assert_requests_block(0);
        let frame = block(turn as u8 + 1, OFFERED, 0, &file[..64]);
        let handled = script.client.handle_frame(script.now, FrameMeta::unicast(SERVER), &frame);
        let ClientAction::Store(arrived) = handled else { panic!("no data: {handled:?}") };
        script.client.stored(script.now, arrived.ticket, result).unwrap();
        if result == StoreResult::Busy {
            let time = 1000 * (turn as u64 + 1);
            script.advance_to(time - 1).assert_silent();
            script.advance_to(time);
        }
    }
    script.assert_requests_block(64);
    let frame = block(4, OFFERED, 64, &file[64..]);
    let ClientAction::Store(arrived) =
        script.client.handle_frame(script.now, FrameMeta::unicast(SERVER), &frame)
    else {
        panic!("no block to store");
    };
    script.client.stored(script.now, arrived.ticket, StoreResult::Fault).unwrap();
    script.assert_sends("01 05 06 95 5F11 0101 2C1A0000");
    script.receive("18 05 0B 06 00");
    assert_eq!(script.expect_end(), Outcome::StorageFault);
}

#[test]
fn storage_gets_whole_words_and_the_rest_is_requested_again() {
    let file = file(|_| {});
    // For each response: sequence number, bytes it has, and bytes that are stored.
    let mut script =
        Script::downloading(ClientConfig { write_size: nonzero(8), max_block_size: nonzero(63), ..config() });
    let mut stored: Vec<u8> = Vec::new();
    for (sequence, size, taken) in [(1, 56, 56), (2, 19, 16), (3, 8, 8), (4, 15, 8), (5, 12, 12)] {
        let (_, request) = script.transmit().expect("a request");
        let max = (100 - stored.len()).min(56);
        assert_eq!(
            (request[12], request[16]),
            (stored.len() as u8, max as u8),
            "offset and size, in whole words"
        );
        let start = stored.len();
        let frame = block(sequence, OFFERED, start as u32, &file[start..start + size]);
        let ClientAction::Store(arrived) =
            script.client.handle_frame(script.now, FrameMeta::unicast(SERVER), &frame)
        else {
            panic!("nothing to store of {size}");
        };
        assert_eq!((arrived.offset as usize, arrived.data.len()), (start, taken));
        stored.extend(arrived.data);
        script.client.stored(script.now, arrived.ticket, StoreResult::Ok).unwrap();
    }
    assert_eq!(stored, file);
    assert!(matches!(script.expect_need(), Need::Verify(..)));
}

#[test]
fn wait_for_data_is_ignored_while_a_block_is_stored() {
    let mut script = Script::downloading(config());
    script.assert_requests_block(0);
    let file = file(|_| {});
    let data = block(1, OFFERED, 0, &file[..64]);
    let ClientAction::Store(arrived) = script.client.handle_frame(at(0), FrameMeta::unicast(SERVER), &data)
    else {
        panic!("no block to store");
    };
    // A second response to the same request demands a wait of an hour.
    assert_eq!(script.receive("19 01 05 97 00000000 100E0000"), Handled::Ignored(ClientIgnored::Unexpected));
    script.client.stored(at(0), arrived.ticket, StoreResult::Ok).unwrap();
    script.assert_requests_block(64);
}
