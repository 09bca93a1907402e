//! Tests of the sequence numbers of Image Block Responses: the numbers that the client accepts, and servers that number
//! their answers by a counter of their own.

use super::*;

const ABORT: &str = "19 {} 05 95";
const WAIT: &str = "19 {} 05 97 00000000 FEFFFFFF";

fn numbered(frame: &str, sequence: u8) -> std::string::String {
    frame.replace("{}", &std::format!("{sequence:02x}"))
}

/// Shows: FLD-008
#[test]
fn wait_and_abort_count_only_with_the_number_of_an_open_request() {
    let ignored = Handled::Ignored(ClientIgnored::Unexpected);
    for frame in [ABORT, WAIT] {
        let mut script = Script::downloading(config());
        // No request is open yet.
        for sequence in [0, 1, 7] {
            assert_eq!(script.receive(&numbered(frame, sequence)), ignored);
        }
        script.assert_requests_block(0);
        for sequence in [0, 2, 7, 255] {
            assert_eq!(script.receive(&numbered(frame, sequence)), ignored, "number {sequence}");
        }
        // A repeated request has several numbers, and none from before its first attempt.
        script.advance_to(3000).assert_requests_block(0);
        for sequence in [0, 255, 250, 3] {
            assert_eq!(script.receive(&numbered(frame, sequence)), ignored, "number {sequence}");
        }
        for sequence in [1, 2] {
            let mut script = Script { client: script.client.clone(), now: script.now };
            assert_eq!(script.receive(&numbered(frame, sequence)), Handled::Done, "number {sequence}");
        }
        script.receive_block(2, 0, &file(|_| {})[..64]);
        assert_eq!(script.receive(&numbered(frame, 2)), ignored, "the request is answered");
        script.assert_requests_block(64);
        assert_eq!(script.receive(&numbered(frame, 2)), ignored, "the answer to the request before");
        assert_eq!(script.receive(&numbered(frame, 3)), Handled::Done);
        // While the client waits, no request is open.
        assert_eq!(script.receive(&numbered(frame, 3)), ignored);
    }
}

/// Shows: FLD-008
#[test]
fn a_forged_wait_of_136_years_ends_after_a_day() {
    let day = 24 * 60 * 60 * 1000;
    let mut script = Script::downloading(config());
    script.assert_requests_block(0);
    script.events();
    assert_eq!(script.receive(&numbered(WAIT, 1)), Handled::Done);
    assert_eq!(script.events(), [ClientEvent::Paused(Some(at(day)))]);
    script.advance_to(day - 1).assert_silent();
    script.advance_to(day).assert_requests_block(0);
}

/// Shows: FLD-008, FLD-015
#[test]
fn a_server_that_numbers_its_answers_itself_is_recognised_by_three_blocks() {
    let file = long_file(1000);
    let own = |script: &mut Script| script.receive(&numbered(ABORT, 200)) == Handled::Done;
    let start = |first: u8| {
        let mut script = Script::querying(config());
        script.receive_frame(FrameMeta::unicast(SERVER), &offer(first, 0x02, OFFERED, 1000));
        script.accept().prepare();
        script
    };
    // The number of an answer to a query tells at once.
    let mut script = start(99);
    script.assert_requests_range(0, 64);
    assert!(own(&mut script));

    let mut script = start(0);
    for (turn, offset) in [0_u32, 64, 128, 192].into_iter().enumerate() {
        script.assert_requests_range(offset, 64);
        let mut copy = Script { client: script.client.clone(), now: script.now };
        assert_eq!(own(&mut copy), turn >= 3, "after {turn} blocks");
        let number = 100 + turn as u8;
        assert_eq!(script.receive_block(number, offset, &file[offset as usize..][..64]), Handled::Done);
    }
    // A block with the number of its request undoes it.
    let sequence = script.assert_requests_range(256, 64);
    script.receive_block(sequence, 256, &file[256..320]);
    script.assert_requests_range(320, 64);
    assert!(!own(&mut script));
}

/// Shows: FLD-015
#[test]
fn the_timeout_follows_a_server_with_its_own_numbers() {
    let file = long_file(4000);
    let mut script = Script::querying(config());
    script.receive_frame(FrameMeta::unicast(SERVER), &offer(77, 0x02, OFFERED, 4000));
    script.accept().prepare();
    let mut time = 0;
    for turn in 0..20_u32 {
        let offset = turn * 64;
        script.assert_requests_range(offset, 64);
        // Every fifth answer is lost. The repeated request says nothing about the round trip.
        if turn % 5 == 4 {
            let overdue = script.client.poll_timeout().unwrap().as_millis();
            assert!(overdue - time < 200, "{} ms until the retry", overdue - time);
            time = overdue;
            script.advance_to(time).assert_requests_range(offset, 64);
        }
        time += 24;
        script.advance_to(time);
        script.receive_block(78 + turn as u8, offset, &file[offset as usize..][..64]);
    }
    script.assert_requests_range(20 * 64, 64);
    let timeout = script.client.poll_timeout().unwrap().as_millis() - time;
    assert!((24..60).contains(&timeout), "{timeout} ms");
}

/// Shows: FLD-015
#[test]
fn the_number_of_an_answer_to_a_repeated_request_does_not_undo_the_recognition() {
    let file = long_file(1000);
    let mut script = Script::querying(config());
    script.receive_frame(FrameMeta::unicast(SERVER), &offer(99, 0x02, OFFERED, 1000));
    script.accept().prepare();
    let first = script.assert_requests_range(0, 64);
    let overdue = script.client.poll_timeout().unwrap().as_millis();
    script.advance_to(overdue).assert_requests_range(0, 64);
    // The counter of the server is where the number of the first attempt was.
    assert_eq!(script.receive_block(first, 0, &file[..64]), Handled::Done);
    script.assert_requests_range(64, 64);
    assert_eq!(script.receive(&numbered(ABORT, 200)), Handled::Done);
}

/// Shows: FLD-015
#[test]
fn a_second_answer_of_a_server_with_its_own_numbers_lengthens_the_timeout() {
    let file = long_file(4000);
    let mut script = Script::querying(config());
    script.receive_frame(FrameMeta::unicast(SERVER), &offer(77, 0x02, OFFERED, 4000));
    script.accept().prepare();
    let mut time = 0;
    for turn in 0..20_u8 {
        let offset = u32::from(turn) * 64;
        script.assert_requests_range(offset, 64);
        time += 24;
        script.advance_to(time);
        script.receive_block(78 + turn, offset, &file[offset as usize..][..64]);
    }
    let timeout = |script: &Script, time: u64| script.client.poll_timeout().unwrap().as_millis() - time;
    script.assert_requests_range(20 * 64, 64);
    assert!(timeout(&script, time) < 60);
    for (number, answered) in [(98, Handled::Done), (99, Handled::Ignored(ClientIgnored::Unexpected))] {
        assert_eq!(script.receive_block(number, 20 * 64, &file[20 * 64..][..64]), answered);
    }
    script.assert_requests_range(21 * 64, 64);
    let longer = timeout(&script, time);
    assert!(longer >= 4 * 20, "{longer} ms");
}

/// Shows: FLD-008
#[test]
fn in_a_page_a_wait_or_abort_may_follow_the_numbers_of_its_blocks() {
    let pages = TransferMode::Pages { size: 320.try_into().unwrap(), spacing: 0 };
    let file = long_file(1000);
    let mut script = Script::querying(config().with_transfer(pages));
    script.receive_frame(FrameMeta::unicast(SERVER), &offer(0, 0x02, OFFERED, 1000));
    script.accept().prepare();
    let (_, page) = script.transmit().expect("a page request");
    assert_eq!((page[1], page[2]), (1, 0x04));
    let ignored = Handled::Ignored(ClientIgnored::Unexpected);
    assert_eq!(script.receive(&numbered(ABORT, 40)), ignored, "no block of the page has arrived");
    script.receive_block(40, 0, &file[..64]);
    script.receive_block(41, 64, &file[64..128]);
    for (sequence, counts) in [(39, false), (200, false), (1, true), (42, true), (60, true)] {
        let mut copy = Script { client: script.client.clone(), now: script.now };
        assert_eq!(copy.receive(&numbered(ABORT, sequence)) == Handled::Done, counts, "number {sequence}");
    }
}
