//! Tests of the retries of block requests: timeouts, failed deliveries, late responses, and the limit of attempts.

use super::*;

#[test]
fn a_lost_block_is_retried_after_the_measured_timeout() {
    let file = file(|_| {});
    let mut script = Script::downloading(config());
    script.assert_requests_block(0);
    script.advance_to(24);
    script.receive_block(1, 0, &file[..8]);
    // After one round trip of 24 ms the deviation is 12 ms (RFC 6298), so the timeout is 24 + 4 * 12 ms.
    script.assert_requests_block(8);
    script.advance_to(24 + 71).assert_silent();
    script.advance_to(24 + 72).assert_requests_block(8);
    assert_eq!(script.client.retries(), 1);
    // The response to the first attempt measures the round trip from the first attempt.
    script.advance_to(100);
    script.receive_block(2, 8, &file[8..16]);
    script.assert_requests_block(16);
    let Some(deadline) = script.client.poll_timeout() else { panic!("no deadline") };
    assert!(deadline > at(100 + 72), "76 ms were seen: {deadline:?}");
}

/// Shows: CLI-066
#[test]
fn on_a_steady_link_two_attempts_have_the_same_timeout_and_later_ones_double_it() {
    let file = long_file(4096);
    for (is_steady, doublings) in [(false, [1, 2, 4, 8]), (true, [1, 1, 2, 4])] {
        let mut script = Script::querying(config());
        script.receive_frame(FrameMeta::unicast(SERVER), &offer(0, 0x02, OFFERED, 4096));
        script.accept().prepare();
        let (mut time, mut sequence) = (0, 0);
        for start in (0..640).step_by(64) {
            let (_, request) = script.transmit().expect("a request");
            assert_eq!(request[12..14], (start as u16).to_le_bytes());
            sequence += 1;
            // Each second round trip takes four times as long, unless the link is steady.
            time += if is_steady || start % 128 == 0 { 100 } else { 400 };
            script.advance_to(time);
            script.receive_block(sequence, start as u32, &file[start..start + 64]);
        }
        assert!(script.transmit().is_some());
        let timeout = script.client.poll_timeout().expect("a deadline").as_millis() - time;
        for times in doublings {
            let next = script.client.poll_timeout().expect("a deadline").as_millis();
            assert_eq!(next - time, times * timeout, "steady: {is_steady}");
            time = next;
            assert_eq!(script.advance_to(time).transmit().expect("a retry").1[12..14], [0x80, 0x02]);
        }
    }
}

#[test]
fn a_silent_server_ends_the_download_after_the_last_attempt_without_pauses() {
    let config = without_pause(ClientConfig { max_block_attempts: 5, ..config() });
    let mut script = Script::downloading(config);
    let mut time = 0;
    for timeout in [3000, 6000, 10_000, 10_000, 10_000] {
        script.assert_requests_block(0).assert_silent();
        script.advance_to(time + timeout - 1).assert_silent();
        time += timeout;
        script.advance_to(time);
    }
    script.assert_sends("01 06 06 95 5F11 0101 2C1A0000");
    script.advance_to(time + 3000).assert_sends("01 07 06 95 5F11 0101 2C1A0000");
    script.advance_to(time + 9000).assert_silent();
    assert_eq!(script.expect_end(), Outcome::ServerSilent);
    assert!(script.is_idle());
}

#[test]
fn a_block_is_accepted_with_any_sequence_number_and_late() {
    let file = file(|_| {});
    let mut script = Script::downloading(config());
    script.assert_requests_block(0);
    // This server uses sequence numbers of its own.
    assert_eq!(script.receive_block(0xee, 0, &file[..64]), Handled::Done);
    script.assert_requests_block(64);
    // The response is late, and a retry was sent: the server answers both.
    script.advance_to(3000).assert_requests_block(64);
    assert_eq!(script.receive_block(2, 64, &file[64..80]), Handled::Done);
    script.assert_requests_block(80).assert_silent();
    assert_eq!(script.receive_block(3, 64, &file[64..80]), Handled::Ignored(ClientIgnored::Unexpected));
    script.assert_silent();
    assert_eq!(script.receive_block(4, 80, &file[80..]), Handled::Done);
    assert!(matches!(script.expect_need(), Need::Verify(..)));
}

#[test]
fn no_block_is_requested_more_often_than_configured() {
    let mut script = Script::downloading(without_pause(ClientConfig { max_block_attempts: 3, ..config() }));
    for _ in 0..3 {
        script.assert_requests_block(0);
        // A late application polls for the next frame before it calls `handle_timeout`.
        script.now = script.client.poll_timeout().unwrap();
    }
    assert!(script.transmit().is_none_or(|(_, bytes)| bytes[12..16] != [0; 4]));
    let now = script.now.as_millis();
    let (_, report) = script.advance_to(now).transmit().expect("the Upgrade End Request");
    assert_eq!(report[2..4], [0x06, 0x95]);
}

#[test]
fn a_wait_does_not_count_in_the_round_trip() {
    let mut script = Script::downloading(ClientConfig { max_timeout: Millis::from_secs(60), ..config() });
    script.assert_requests_block(0);
    script.receive("19 01 05 97 00000000 05000000");
    script.advance_to(5000).assert_requests_block(0);
    script.advance_to(8000).assert_requests_block(0);
    // The response answers the attempt at 5000 ms: 3100 ms of round trip, and a timeout of 3100 + 4 * 1550 ms.
    script.advance_to(8100).receive_block(2, 0, &file(|_| {})[..64]);
    script.assert_requests_block(64);
    assert_eq!(script.client.poll_timeout(), Some(at(8100 + 3100 + 6200)));
}

#[test]
fn a_block_request_that_was_not_delivered_is_retried_after_the_error_pause() {
    let mut script = Script::downloading(config());
    let (first, _) = script.transmit().expect("the request");
    let old = first.token;
    script.client.handle_delivery(at(0), old, DeliveryReport::Acknowledged);
    assert_eq!(script.client.poll_timeout(), Some(at(3000)));
    script.client.handle_delivery(at(100), old, DeliveryReport::Failed);
    assert_eq!(script.client.poll_timeout(), Some(at(1100)));
    // A response to the first attempt may still arrive, since only the acknowledgement may have been lost.
    script.advance_to(1100);
    let (second, bytes) = script.transmit().expect("the retry");
    assert_eq!((second.token == old, bytes[1]), (false, 2));
    script.client.handle_delivery(at(1100), old, DeliveryReport::Failed);
    script.client.handle_delivery(at(1100), crate::aps::TransmitToken::NONE, DeliveryReport::Failed);
    assert_eq!(
        script.client.poll_timeout(),
        Some(at(1100 + 6000)),
        "a report about an earlier attempt changes nothing"
    );
    assert_eq!(script.receive_block(1, 0, &file(|_| {})[..64]), Handled::Done);
    script.assert_requests_block(64);
}

/// The time from a failed delivery to the retry doubles with each attempt, but the retry is never later than the
/// timeout of the response.
#[test]
fn a_failed_delivery_never_delays_a_retry_beyond_its_timeout() {
    use crate::aps::{DeliveryReport, TransmitToken};

    let mut script = Script::downloading(ClientConfig { error_backoff: Millis::from_secs(5), ..config() });
    let (request, _) = script.transmit().expect("the request");
    script.client.handle_delivery(at(100), request.token, DeliveryReport::Failed);
    assert_eq!(script.client.poll_timeout(), Some(at(3000)));
    script.advance_to(2999).assert_silent();
    script.advance_to(3000).assert_requests_block(0);
    script.client.handle_delivery(at(3000), TransmitToken::request(1), DeliveryReport::Failed);
    assert_eq!(
        script.client.poll_timeout(),
        Some(at(3000 + 6000)),
        "a report about an earlier attempt changes nothing"
    );
}

/// A caller may call `poll_transmit` before `handle_timeout`.
#[test]
fn a_silent_server_is_reported_if_frames_are_polled_before_the_timeout_is_handled() {
    let mut script = Script::downloading(without_pause(ClientConfig { max_block_attempts: 1, ..config() }));
    script.assert_requests_block(0);
    script.receive_block(1, 0, &file(|_| {})[..64]);
    script.assert_requests_block(64);
    let overdue = script.client.poll_timeout().unwrap();
    script.now = overdue;
    script.assert_silent();
    assert!(script.client.poll_timeout().is_some_and(|due| due <= overdue), "the timeout is due at once");
    script.advance_to(overdue.as_millis()).assert_sends("01 03 06 95 5F11 0101 2C1A0000");
}
