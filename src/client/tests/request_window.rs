//! Tests of the window, which allows several block requests in flight.

use core::num::NonZeroU8;

use super::*;

const SIZE: usize = 2000;

fn with_window(window: u8) -> ClientConfig {
    ClientConfig { transfer: TransferMode::Blocks { window: NonZeroU8::new(window).unwrap() }, ..config() }
}

/// A client that has received the first block of the file after 20 ms; the block holds the whole header.
fn downloading_with_window(config: ClientConfig) -> (Script, Vec<u8>) {
    let mut script = Script::querying(config);
    script.receive_frame(FrameMeta::unicast(SERVER), &offer(0, 0x02, OFFERED, SIZE as u32));
    script.accept().prepare();
    let file = long_file(SIZE);
    assert_eq!(
        poll_requests(&mut script),
        [(1, 0, 64)],
        "one request at a time until the header has arrived"
    );
    script.advance_to(20);
    assert_eq!(script.receive_block(1, 0, &file[..64]), Handled::Done);
    (script, file)
}

/// Returns the requests that the client sends now: sequence number, offset and size.
fn poll_requests(script: &mut Script) -> Vec<(u8, u32, u8)> {
    let mut requests = Vec::new();
    while let Some((_, bytes)) = script.transmit() {
        let Message::ToServer(ToServer::ImageBlock(request)) = decode(&bytes).message else {
            panic!("not a block request: {bytes:02x?}");
        };
        requests.push((bytes[1], request.offset, request.max_data));
        assert!(requests.len() <= 64, "the client does not stop sending requests");
    }
    requests
}

fn receive_from(script: &mut Script, file: &[u8], sequence: u8, offset: usize, size: usize) -> Handled {
    script.receive_block(sequence, offset as u32, &file[offset..offset + size])
}

#[test]
fn as_many_blocks_are_requested_as_the_window_allows() {
    for (window, open) in [(1, 1), (2, 2), (4, 4), (9, 9), (200, 9)] {
        let (mut script, file) = downloading_with_window(with_window(window));
        let requests = poll_requests(&mut script);
        let expected: Vec<_> = (0..open).map(|place| (2 + place, 64 + 64 * u32::from(place), 64)).collect();
        assert_eq!(requests, expected, "window {window}");
        // Each response allows one more request.
        assert_eq!(receive_from(&mut script, &file, 2, 64, 64), Handled::Done);
        assert_eq!(poll_requests(&mut script), [(2 + open, 64 + 64 * u32::from(open), 64)]);
    }
}

#[test]
fn a_late_response_allows_one_more_request_before_its_timeout() {
    let (mut script, file) = downloading_with_window(with_window(2));
    assert_eq!(poll_requests(&mut script), [(2, 64, 64), (3, 128, 64)]);
    script.advance_to(25);
    assert_eq!(poll_requests(&mut script), []);
    assert_eq!(receive_from(&mut script, &file, 3, 128, 64), Handled::Done);
    assert_eq!(poll_requests(&mut script), [(4, 192, 64)]);
    let late = script.client.poll_timeout().unwrap();
    script.advance_to(late.as_millis() - 1);
    assert_eq!(poll_requests(&mut script), [], "the window is full");
    script.advance_to(late.as_millis());
    assert_eq!(poll_requests(&mut script), [(5, 256, 64)], "one more request for the late response");
    // The late response arrives, and the window is unchanged.
    assert_eq!(receive_from(&mut script, &file, 2, 64, 64), Handled::Done);
    assert_eq!(poll_requests(&mut script), []);
    assert_eq!(receive_from(&mut script, &file, 4, 192, 64), Handled::Done);
    assert_eq!(poll_requests(&mut script), [(6, 320, 64)]);
    assert_eq!(script.client.retries(), 0);
}

#[test]
fn blocks_being_stored_count_towards_the_window() {
    let (mut script, file) = downloading_with_window(with_window(3));
    assert_eq!(poll_requests(&mut script).len(), 3);
    let mut tickets = Vec::new();
    for (sequence, offset) in [(4, 192), (2, 64), (3, 128)] {
        let frame = block(sequence, OFFERED, offset, &file[offset as usize..offset as usize + 64]);
        let ClientAction::Store(arrived) =
            script.client.handle_frame(script.now, FrameMeta::unicast(SERVER), &frame)
        else {
            panic!("no block to store");
        };
        assert_eq!(arrived.offset, offset);
        tickets.push(arrived.ticket);
        let again = script.receive_frame(FrameMeta::unicast(SERVER), &frame);
        assert_eq!(again, Handled::Ignored(ClientIgnored::Unexpected), "it is being stored");
    }
    // One of the blocks being stored does not count, so that the next one arrives meanwhile.
    assert_eq!(poll_requests(&mut script), [(5, 256, 64)]);
    assert_eq!(receive_from(&mut script, &file, 5, 256, 0), Handled::Done, "an empty block is an error");
    script.assert_silent();
    // Blocks may be stored in any order, and each ticket is valid once.
    assert_eq!(script.client.progress().unwrap().received, 64);
    script.client.stored(script.now, tickets[0], StoreResult::Ok).unwrap();
    assert_eq!(script.client.stored(script.now, tickets[0], StoreResult::Ok), Err(StaleTicket));
    assert_eq!(script.client.progress().unwrap().received, 64);
    script.assert_silent();
    // A block that storage was too busy for is requested again after a pause.
    script.client.stored(script.now, tickets[2], StoreResult::Busy).unwrap();
    script.client.stored(script.now, tickets[1], StoreResult::Ok).unwrap();
    assert_eq!(script.client.progress().unwrap().received, 128);
    script.assert_silent();
    script.advance_to(1020);
    assert_eq!(poll_requests(&mut script), [(6, 128, 64), (7, 256, 64), (8, 320, 64)]);
}

#[test]
fn an_abort_makes_all_tickets_stale() {
    let (mut script, file) = downloading_with_window(with_window(3));
    poll_requests(&mut script);
    let frame = block(2, OFFERED, 64, &file[64..128]);
    let ClientAction::Store(arrived) =
        script.client.handle_frame(script.now, FrameMeta::unicast(SERVER), &frame)
    else {
        panic!("no block to store");
    };
    script.client.abort(script.now).unwrap();
    assert_eq!(script.client.stored(script.now, arrived.ticket, StoreResult::Ok), Err(StaleTicket));
}

#[test]
fn a_gap_is_retried_before_new_blocks_are_requested() {
    let (mut script, file) = downloading_with_window(with_window(3));
    poll_requests(&mut script);
    // The first of three blocks is lost.
    script.advance_to(40);
    receive_from(&mut script, &file, 3, 128, 64);
    receive_from(&mut script, &file, 4, 192, 64);
    assert_eq!(poll_requests(&mut script), [(5, 256, 64), (6, 320, 64)]);
    let deadline = script.client.poll_timeout().unwrap();
    assert!(deadline > at(40) && deadline <= at(20 + 200), "{deadline:?}");
    script.advance_to(deadline.as_millis());
    assert_eq!(poll_requests(&mut script), [(7, 384, 64)], "one more request for the late response");
    for (sequence, offset) in [(5, 256), (6, 320), (7, 384)] {
        receive_from(&mut script, &file, sequence, offset, 64);
    }
    let again = loop {
        let requests = poll_requests(&mut script);
        if let Some(again) = requests.iter().position(|(_, offset, _)| *offset == 64) {
            assert_eq!(again, 0, "a retry comes before new blocks");
            break requests[again].0;
        }
        let deadline = script.client.poll_timeout().unwrap();
        assert!(deadline <= at(20 + 200), "{deadline:?}");
        script.advance_to(deadline.as_millis());
    };
    assert_eq!(script.client.retries(), 1);
    // The response to the retry closes the gap.
    receive_from(&mut script, &file, again, 64, 64);
    assert_eq!(script.client.progress().unwrap().received, 448);
}

#[test]
fn the_block_size_that_the_server_sends_is_requested_from_then_on() {
    let (mut script, file) = downloading_with_window(with_window(4));
    poll_requests(&mut script);
    // The server sends 50 bytes where 64 were requested.
    for (sequence, offset) in [(2, 64), (3, 128), (4, 192), (5, 256)] {
        assert_eq!(receive_from(&mut script, &file, sequence, offset, 50), Handled::Done);
    }
    let mut requests = poll_requests(&mut script);
    assert_eq!(requests.remove(0), (6, 114, 14), "the gap after the short block");
    let mut offsets = std::vec![(114, 14)];
    offsets.extend(requests.iter().map(|(_, offset, size)| (*offset, *size)));
    assert_eq!(offsets[..4], [(114, 14), (178, 14), (242, 14), (306, 50)]);
}

#[test]
fn a_server_that_answers_one_of_several_requests_gets_one_at_a_time() {
    let (mut script, file) = downloading_with_window(with_window(8));
    let (mut rounds, mut blocks, mut requests) = (0, 0, 0);
    let mut steps = 0;
    let mut last_start = 0;
    while script.client.progress().is_some() {
        steps += 1;
        assert!(steps < 1000, "the download does not end");
        let requests_now = poll_requests(&mut script);
        requests += requests_now.len();
        if let Some((sequence, offset, size)) = requests_now.first() {
            rounds += usize::from(requests_now.len() > 1);
            last_start = steps;
            let later = script.now.as_millis() + 20;
            script.advance_to(later);
            receive_from(&mut script, &file, *sequence, *offset as usize, usize::from(*size));
            blocks += 1;
        } else {
            let deadline = script.client.poll_timeout().expect("a deadline");
            script.advance_to(deadline.as_millis());
        }
    }
    assert!(last_start > 0 && blocks >= SIZE / 64, "{blocks}");
    assert!(rounds <= 8, "{rounds} times several at once");
    assert!(requests <= SIZE / 64 + 26, "{requests} requests");
}

#[test]
fn errors_to_all_requests_in_flight_count_once() {
    let (mut script, _) = downloading_with_window(with_window(4));
    let open = poll_requests(&mut script);
    for (sequence, ..) in &open {
        script.receive(&std::format!("18 {sequence:02x} 0B 03 98"));
    }
    script.assert_silent();
    let time = script.now.as_millis() + 1000;
    script.advance_to(time);
    assert_eq!(poll_requests(&mut script).len(), 4, "all are requested again");
    assert!(script.client.progress().is_some(), "one of three NO_IMAGE_AVAILABLE is counted");
}

#[test]
fn a_wait_applies_to_all_requests_in_flight() {
    let (mut script, file) = downloading_with_window(with_window(4));
    poll_requests(&mut script);
    script.receive("19 02 05 97 00000000 05000000");
    script.assert_silent();
    // A block that was requested before the wait is accepted late.
    assert_eq!(receive_from(&mut script, &file, 3, 128, 64), Handled::Done);
    script.advance_to(20 + 4999).assert_silent();
    script.advance_to(20 + 5000);
    let again: Vec<_> = poll_requests(&mut script).iter().map(|(_, offset, _)| *offset).collect();
    assert_eq!(again, [64, 192, 256, 320]);
}

#[test]
fn after_the_last_attempt_of_a_block_nothing_is_requested() {
    let config = without_pause(ClientConfig { max_block_attempts: 1, ..with_window(2) });
    let (mut script, _) = downloading_with_window(config);
    assert_eq!(poll_requests(&mut script).len(), 2);
    script.now = script.client.poll_timeout().unwrap();
    assert_eq!(poll_requests(&mut script).len(), 1, "a response is late");
    script.now = script.client.poll_timeout().unwrap();
    assert_eq!(poll_requests(&mut script), [], "the timeout has passed");
    script.client.handle_timeout(script.now);
    script.assert_sends("01 05 06 95 5F11 0101 2C1A0000").assert_silent();
}

#[test]
fn a_silent_server_ends_a_download_with_a_window() {
    let (mut script, _) = downloading_with_window(without_pause(with_window(4)));
    let mut sent = 0;
    while script.client.progress().is_some() {
        sent += poll_requests(&mut script).len();
        assert!(sent < 500, "the download does not end");
        let deadline = script.client.poll_timeout().expect("a deadline");
        script.advance_to(deadline.as_millis());
    }
    assert!(script.transmit().is_some(), "the Upgrade End Request");
    assert!(script.now < at(10 * 60 * 1000), "{:?}", script.now);
}

#[test]
fn the_rest_of_a_short_block_is_requested_up_to_the_next_request() {
    let (mut script, file) = downloading_with_window(with_window(2));
    assert_eq!(poll_requests(&mut script), [(2, 64, 64), (3, 128, 64)]);
    assert_eq!(receive_from(&mut script, &file, 2, 64, 50), Handled::Done);
    assert_eq!(poll_requests(&mut script), [(4, 114, 14)]);
}

#[test]
fn empty_and_short_blocks_are_errors_only_at_a_requested_offset() {
    let alignment = NonZeroU8::new(16).unwrap();
    for (offset, size, handled) in [
        (64, 0, Handled::Done),
        (128, 0, Handled::Done),
        (512, 0, Handled::Ignored(ClientIgnored::Mismatch)),
        (64, 10, Handled::Done),
        (128, 10, Handled::Done),
    ] {
        let (mut script, file) =
            downloading_with_window(ClientConfig { write_size: alignment, ..with_window(2) });
        assert_eq!(poll_requests(&mut script).len(), 2);
        assert_eq!(receive_from(&mut script, &file, 3, offset, size), handled, "{size} bytes at {offset}");
        let pause = if handled == Handled::Done { 1000 } else { 0 };
        if pause == 0 {
            assert_eq!(script.transmit().map(|(_, bytes)| bytes), Some(hex("10 03 0B 05 80")));
        }
        script.assert_silent();
        // After an error the client pauses, and then sends all requests again.
        script.advance_to(20 + pause);
        assert_eq!(poll_requests(&mut script).len(), if pause == 0 { 0 } else { 2 });
    }
}

#[test]
fn nothing_is_requested_while_every_slot_holds_data() {
    let (mut script, file) = downloading_with_window(with_window(9));
    for (sequence, offset, _) in poll_requests(&mut script) {
        let offset = offset as usize;
        let frame = block(sequence, OFFERED, offset as u32, &file[offset..offset + 64]);
        let handled = script.client.handle_frame(script.now, FrameMeta::unicast(SERVER), &frame);
        assert!(matches!(handled, ClientAction::Store(_)));
    }
    script.assert_silent();
}

#[test]
fn the_largest_block_size_is_tried_again_after_200_blocks() {
    let mut script = Script::querying(with_window(2));
    script.receive_frame(FrameMeta::unicast(SERVER), &offer(0, 0x02, OFFERED, 20_000));
    script.accept().prepare();
    let file = long_file(20_000);
    let (mut open, mut sizes) = (Vec::new(), Vec::new());
    while script.client.progress().is_some_and(|progress| progress.received < 15_000) {
        open.extend(poll_requests(&mut script));
        let (sequence, offset, size) = open.remove(0);
        sizes.push(size);
        let given = if sizes.len() == 2 { 50 } else { size };
        assert_eq!(receive_from(&mut script, &file, sequence, offset as usize, given.into()), Handled::Done);
    }
    let runs: Vec<_> =
        sizes.chunk_by(u8::eq).map(|run| (run[0], run.len())).filter(|run| run.1 > 10).collect();
    assert_eq!((runs[0].0, runs[1].0), (50, 64), "{runs:?}");
    assert!((195..=205).contains(&runs[0].1), "{runs:?}");
}

/// Advances the time to the next timeout of the client, and returns the requests that the client then sends. The
/// simulated server does not answer extra requests that the client sent because of late responses.
fn poll_requests_after_timeout(script: &mut Script) -> Vec<(u8, u32, u8)> {
    let before = script.client.retries();
    loop {
        let requests = poll_requests(script);
        if script.client.retries() > before {
            return requests;
        }
        let deadline = script.client.poll_timeout().expect("a deadline");
        script.advance_to(deadline.as_millis());
    }
}

#[test]
fn late_responses_cause_no_backoff_of_the_window() {
    let (mut script, file) = downloading_with_window(with_window(8));
    let first = poll_requests(&mut script);
    assert_eq!(poll_requests_after_timeout(&mut script).len(), 8, "all requests are retried");
    for (sequence, offset, size) in first {
        assert_eq!(receive_from(&mut script, &file, sequence, offset as usize, size.into()), Handled::Done);
    }
    assert_eq!(poll_requests(&mut script).len(), 7);
    // The request that was sent for a late response times out first, then the seven others.
    let again =
        [poll_requests_after_timeout(&mut script).len(), poll_requests_after_timeout(&mut script).len()];
    assert_eq!(again, [1, 7], "nine requests count as unanswered, not sixteen");
}

#[test]
fn responses_in_time_do_not_make_up_for_unanswered_requests() {
    let (mut script, file) = downloading_with_window(with_window(8));
    let mut requests = poll_requests(&mut script);
    for round in 0..10 {
        if requests.len() == 1 {
            assert!(round > 1, "ten requests must time out first");
            return;
        }
        for (sequence, offset, size) in &requests[..requests.len() / 2] {
            assert_eq!(
                receive_from(&mut script, &file, *sequence, *offset as usize, (*size).into()),
                Handled::Done
            );
        }
        requests = poll_requests_after_timeout(&mut script);
    }
    panic!("half of the responses are lost, and the window does not back off");
}
