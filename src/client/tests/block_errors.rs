//! Tests of error responses to block requests: Default Responses, empty and short blocks, and the number of errors
//! after which the download pauses.

use super::*;

/// Shows: CLI-062, CLI-063, CMD-068, FLD-026
#[test]
fn three_no_image_available_in_a_row_pause_the_download() {
    for gone in ["18 {} 0B 03 98", "19 {} 05 98"] {
        let say = |script: &mut Script, sequence: u8| {
            script.receive(&gone.replace("{}", &std::format!("{sequence:02x}")))
        };
        let file = file(|_| {});
        let mut script = Script::downloading(config());
        let mut time = 0;
        for (sequence, has_data) in [(1, false), (2, false), (3, true), (4, false), (5, false), (6, false)] {
            script.assert_requests_block(if sequence > 3 { 32 } else { 0 });
            if has_data {
                script.receive_block(sequence, 0, &file[..32]);
                continue;
            }
            assert_eq!(say(&mut script, sequence), Handled::Done);
            if sequence < 6 {
                script.advance_to(time + 999).assert_silent();
                time += 1000;
                script.advance_to(time);
            }
        }
        // The store was empty for two seconds. Ten seconds later the client queries, and continues.
        assert_eq!(script.expect_pause(), (PauseReason::ImageGone, 14_000));
        script.advance_to(13_999).assert_silent();
        script.advance_to(14_000).assert_sends("01 07 01 00 5F11 0101 2B1A0000");
        script.receive_frame(FrameMeta::unicast(SERVER), &offer(7, 0x02, OFFERED, 100));
        script.assert_requests_range(0, 32);
    }
}

/// Shows: CLI-065
#[test]
fn ten_errors_in_a_row_pause_the_download() {
    let mut script = Script::downloading(config());
    for turn in 1..=10_u8 {
        script.assert_requests_block(0);
        let status = if turn == 10 { "80" } else { "01" };
        assert_eq!(script.receive(&std::format!("18 {turn:02x} 0B 03 {status}")), Handled::Done);
        if turn < 10 {
            script.advance_to(1000 * u64::from(turn));
        }
    }
    assert_eq!(
        script.assert_silent().expect_pause(),
        (PauseReason::ServerErrors(Status::MALFORMED_COMMAND), 19_000)
    );
}

/// Shows: CMD-072, FLD-005
#[test]
fn blocks_without_data_count_as_errors() {
    let mut script = Script::downloading(config());
    for turn in 1..=10_u8 {
        script.assert_requests_block(0);
        assert_eq!(script.receive_block(turn, 0, &[]), Handled::Done);
        script.advance_to(1000 * u64::from(turn));
    }
    let reason = PauseReason::UnusableAnswers(UnusableAnswer::Empty);
    assert_eq!(script.assert_silent().expect_pause(), (reason, 19_000));
    assert_eq!(reason.outcome(), Outcome::EmptyBlocks);
}

#[test]
fn a_stray_default_response_changes_nothing() {
    let mut script = Script::downloading(config());
    script.assert_requests_block(0);
    for stray in ["18 07 0B 03 98", "18 01 0B 06 98", "18 01 0B 03 00", "18 00 0B 01 98"] {
        assert_eq!(script.receive(stray), Handled::Ignored(ClientIgnored::Unexpected), "{stray}");
        script.assert_silent();
    }
    script.receive_block(1, 0, &file(|_| {})[..64]);
    script.assert_requests_block(64);
}

#[test]
fn blocks_shorter_than_a_word_are_errors() {
    let file = file(|_| {});
    let mut script =
        Script::downloading(ClientConfig { write_size: nonzero(8), max_consecutive_errors: 3, ..config() });
    for turn in 1..=3_u8 {
        script.assert_requests_block(0);
        assert_eq!(script.receive_block(turn, 0, &file[..7]), Handled::Done);
        // A duplicate of the response is not counted.
        if turn < 3 {
            assert_eq!(
                script.receive_block(turn, 0, &file[..7]),
                Handled::Ignored(ClientIgnored::Unexpected)
            );
        }
        script.advance_to(1000 * u64::from(turn));
    }
    let reason = PauseReason::UnusableAnswers(UnusableAnswer::TooShort);
    assert_eq!(script.assert_silent().expect_pause(), (reason, 12_000));
    assert_eq!(reason.outcome(), Outcome::ShortBlocks);
}

/// Shows: CLI-063
#[test]
fn a_duplicate_error_counts_once() {
    let mut script = Script::downloading(config());
    for turn in 1..=2_u8 {
        script.assert_requests_block(0);
        for (again, frame) in ["18 {} 0B 03 98", "18 {} 0B 03 98", "19 {} 05 98"].into_iter().enumerate() {
            let frame = frame.replace("{}", &std::format!("{turn:02x}"));
            assert_eq!(script.receive(&frame) == Handled::Done, again == 0);
        }
        script.advance_to(1000 * u64::from(turn));
    }
    script.assert_requests_block(0);
    assert_eq!(script.receive_block(3, 0, &file(|_| {})[..64]), Handled::Done);
}

#[test]
fn wait_for_data_in_a_default_response_pauses_requests() {
    let mut script = Script::downloading(ClientConfig { max_consecutive_errors: 2, ..config() });
    for turn in 1..=5_u8 {
        script.assert_requests_block(0);
        assert_eq!(script.receive(&std::format!("18 {turn:02x} 0B 03 97")), Handled::Done);
        script.advance_to(1000 * u64::from(turn));
    }
    script.assert_requests_block(0);
}

#[test]
fn an_unsupported_command_error_is_retried() {
    let mut script = Script::downloading(config());
    script.assert_requests_block(0);
    assert_eq!(script.receive("18 01 0B 03 81"), Handled::Done);
    script.assert_silent().advance_to(1000).assert_requests_block(0);
}

#[test]
fn an_empty_block_that_was_not_requested_is_malformed() {
    let mut script =
        Script::downloading(without_pause(ClientConfig { max_consecutive_errors: 1, ..config() }));
    script.assert_requests_block(0);
    assert_eq!(
        script.receive("19 01 05 00 5F11 0101 2C1A0000 20000000 00"),
        Handled::Ignored(ClientIgnored::Mismatch)
    );
    script.assert_sends("10 01 0B 05 80").assert_silent();
    assert_eq!(script.client.progress().map(|progress| progress.received), Some(0), "the download continues");
    // An empty block at the requested offset counts as an error.
    assert_eq!(script.receive("19 01 05 00 5F11 0101 2C1A0000 00000000 00"), Handled::Done);
    script.assert_sends("01 02 06 95 5F11 0101 2C1A0000");
}
