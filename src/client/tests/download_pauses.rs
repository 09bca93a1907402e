//! Tests of the pauses of a download: the reasons of pauses, the queries during a pause, and the end of a pause.

use super::*;

const MINUTE: u64 = 60_000;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// Query Next Image Request of a client that runs version 0x1A2B.
fn query(sequence: u8) -> std::string::String {
    std::format!("01 {sequence:02x} 01 00 5F11 0101 2B1A0000")
}

/// A client that has stored the first 64 bytes of `file(..)`, and whose server then stopped answering. The download has
/// just been paused at the time of the returned script.
fn paused(config: ClientConfig) -> Script {
    let mut script = Script::downloading(config);
    script.assert_requests_block(0);
    script.receive_block(1, 0, &file(|_| {})[..64]);
    while script.events().iter().all(|event| !matches!(event, ClientEvent::DownloadPaused(..))) {
        while script.transmit().is_some() {}
        let next = script.client.poll_timeout().unwrap().as_millis();
        script.advance_to(next);
    }
    script
}

/// Lets the client run until `end` without a server, and returns the times at which the client sends queries; the
/// client sends no other frames.
fn queries_until(script: &mut Script, end: u64) -> Vec<u64> {
    let mut times = Vec::new();
    loop {
        while let Some((_, bytes)) = script.transmit() {
            assert_eq!(bytes[2], 0x01, "a query");
            times.push(script.now.as_millis());
        }
        match script.client.poll_timeout().map(Instant::as_millis).filter(|next| *next < end) {
            Some(next) => script.advance_to(next),
            None => {
                script.advance_to(end);
                return times;
            }
        };
    }
}

fn receive_offer(script: &mut Script, id: ImageId) -> Handled {
    let sequence = script.client.sequence.wrapping_sub(1);
    script.receive_frame(FrameMeta::unicast(SERVER), &offer(sequence, 0x02, id, 100))
}

/// Shows: FLD-003, FLD-002
#[test]
fn a_silent_server_pauses_the_download_which_continues_where_it_was() {
    let file = file(|_| {});
    let mut script = Script::downloading(config());
    script.assert_requests_block(0);
    script.receive_block(1, 0, &file[..64]);
    let mut tries = 0;
    while script.client.poll_event().is_none_or(|event| !matches!(event, ClientEvent::DownloadPaused(..))) {
        tries += usize::from(script.transmit().is_some());
        let next = script.client.poll_timeout().unwrap().as_millis();
        script.advance_to(next);
    }
    assert_eq!(tries, 8);
    // The first query follows at once. Everything that is stored is kept.
    assert!(script.now < at(MINUTE));
    assert_eq!(script.client.progress().map(|progress| progress.received), Some(64));
    assert_eq!((script.status(), script.client.attributes().file_offset), (0x01, Some(64)));
    assert_eq!(script.client.checkpoint().map(|checkpoint| checkpoint.received), Some(64));
    assert_eq!(script.client.poll_need(), None);
    script.assert_sends(&query(10)).assert_silent();
    let paused_at = script.now.as_millis();
    let asks = queries_until(&mut script, paused_at + 3 * HOUR);
    assert!(asks.len() < 80, "{} queries in three hours", asks.len());
    // Three hours later the server answers again: no Decide, no Prepare, and no byte twice but for the check.
    let next = script.client.poll_timeout().unwrap().as_millis();
    script.advance_to(next);
    let (_, last) = script.transmit().expect("a query");
    script.events();
    assert_eq!(receive_offer(&mut script, OFFERED), Handled::Done);
    assert_eq!(last[2], 0x01);
    assert_eq!(script.client.poll_need(), None);
    script.check(&file, 64, 64);
    let offer = ImageOffer { id: OFFERED, size: 100 };
    let continued = ClientEvent::DownloadContinued(DownloadProgress { offer, received: 64 });
    assert_eq!(script.events(), [continued]);
    script.assert_requests_block(64);
    script.receive_block(script.client.sequence.wrapping_sub(1), 64, &file[64..]);
    script.verify(VerifyResult::Valid);
}

/// Shows: FLD-003
#[test]
fn queries_in_a_pause_grow_rarer_and_a_notify_is_answered_at_once() {
    let mut script = paused(config());
    let start = script.now.as_millis();
    let early = queries_until(&mut script, start + 10 * MINUTE);
    // Each query has a second attempt after three seconds.
    let asks: Vec<u64> = early.iter().step_by(2).copied().collect();
    assert!(asks.windows(2).all(|pair| pair[1] - pair[0] <= 51_000), "{asks:?}");
    let day = queries_until(&mut script, start + DAY);
    assert!((180..=260).contains(&day.len()), "{} frames in a day", day.len());
    let month = queries_until(&mut script, start + 29 * DAY);
    assert!((300..=350).contains(&month.len()), "{} frames in 28 days", month.len());
    script.events();
    assert_eq!(script.receive("19 77 00 00 64"), Handled::Done);
    let (_, bytes) = script.transmit().expect("a query");
    assert_eq!(bytes[2], 0x01);
    assert_eq!(receive_offer(&mut script, OFFERED), Handled::Done);
    script.check(&file(|_| {}), 64, 64).assert_requests_block(64);
}

/// Shows: FLD-003
#[test]
fn queries_in_a_pause_are_spread_and_rarer_for_a_device_that_sleeps() {
    let asks = |seed| {
        let spread = ClientConfig { query_spread: Millis::from_secs(300), ..config() };
        let mut script = paused(spread);
        script.client.random = crate::client::random::Random::new(seed);
        let start = script.now.as_millis();
        queries_until(&mut script, start + 10 * MINUTE)
    };
    let (one, other) = (asks(7), asks(8));
    assert_ne!(one, other);
    for times in [one, other] {
        assert!(times.windows(2).all(|pair| pair[1] - pair[0] <= 57_000), "{times:?}");
    }
    let mut script = paused(ClientConfig { pause_interval: Millis::from_secs(1800), ..config() });
    let start = script.now.as_millis();
    assert!(queries_until(&mut script, start + 3 * HOUR).len() <= 14);
}

/// Shows: FLD-003
#[test]
fn a_pause_ends_by_its_limit_by_the_application_and_by_an_accepted_offer() {
    let mut script = paused(config());
    let start = script.now.as_millis();
    queries_until(&mut script, start + 30 * DAY - HOUR);
    assert_eq!(script.status(), 0x01);
    let mut reported = false;
    while !script.is_idle() {
        if let Some((_, bytes)) = script.transmit() {
            reported = reported || bytes[2..4] == [0x06, 0x95];
            continue;
        }
        let next = script.client.poll_timeout().unwrap().as_millis();
        script.advance_to(next);
    }
    assert!(reported && script.now >= at(start + 30 * DAY) && script.now < at(start + 30 * DAY + 5 * HOUR));
    assert_eq!(script.expect_end(), Outcome::ServerSilent);
    assert_eq!((script.status(), script.client.checkpoint(), script.client.progress()), (0x00, None, None));

    let mut script = paused(config());
    script.client.abort(script.now).unwrap();
    let (_, bytes) = script.transmit().expect("the report");
    assert_eq!(bytes[2..4], [0x06, 0x95]);
    script.receive(&std::format!("18 {:02x} 0B 06 00", bytes[1]));
    assert_eq!(script.expect_end(), Outcome::Cancelled);

    let other = ImageId::new(0x115f, 0x0101, 0x1a2d);
    let mut script = paused(config());
    script.assert_queries();
    receive_offer(&mut script, other);
    assert_eq!(script.client.progress().map(|progress| progress.received), Some(64), "until it is decided");
    assert_eq!(script.client.checkpoint().map(|checkpoint| checkpoint.offer.id), Some(OFFERED));
    script.accept();
    assert_eq!(script.expect_end(), Outcome::Replaced);
    script.prepare();
    assert_eq!(script.client.progress().map(|progress| progress.received), Some(0));
}

/// Shows: FLD-001, FLD-003
#[test]
fn a_refused_other_offer_leaves_the_download_paused_until_its_own_offer_returns() {
    let other = ImageId::new(0x115f, 0x0101, 0x1a2d);
    let mut script = paused(config());
    script.assert_queries();
    receive_offer(&mut script, other);
    let now = script.now.as_millis();
    script.refuse().assert_silent();
    assert_eq!(script.expect_pause().0, PauseReason::OtherOffer);
    // The refused offer is not put to the application again.
    let next = script.client.poll_timeout().unwrap().as_millis();
    assert!(next > now && next < now + 2 * MINUTE);
    assert!(script.advance_to(next).transmit().is_some());
    receive_offer(&mut script, other);
    assert_eq!(script.client.poll_need(), None);
    let next = script.client.poll_timeout().unwrap().as_millis();
    assert!(script.advance_to(next).transmit().is_some());
    receive_offer(&mut script, OFFERED);
    script.check(&file(|_| {}), 64, 64).assert_requests_block(64);
}

/// Shows: FLD-001
#[test]
fn a_refused_other_offer_is_put_to_the_application_again_after_the_query_interval() {
    let other = ImageId::new(0x115f, 0x0101, 0x1a2d);
    let mut script = paused(config());
    script.assert_queries();
    receive_offer(&mut script, other);
    script.refuse();
    let interval = u64::from(config().query_interval.unwrap().0);
    let refused = script.now.as_millis();
    while script.now.as_millis() < refused + interval {
        assert_eq!(script.client.poll_need(), None, "at {} ms", script.now.as_millis());
        let next = script.client.poll_timeout().unwrap().as_millis();
        if script.advance_to(next).transmit().is_some() {
            receive_offer(&mut script, other);
        }
    }
    assert!(matches!(script.client.poll_need(), Some(Need::Decide(_, offer)) if offer.id == other));
    assert!(script.client.progress().is_some_and(|progress| progress.received == 64));
}

/// Shows: FLD-003
#[test]
fn a_file_that_was_built_again_is_downloaded_from_the_start() {
    for changed in [10, 40, 63] {
        let mut script = paused(config());
        let sequence = script.transmit().expect("a query").1[1];
        receive_offer(&mut script, OFFERED);
        let mut new = file(|_| {});
        new[changed] ^= 0x40;
        let sequence = sequence.wrapping_add(1);
        assert_eq!(script.assert_requests_range(0, 64), sequence);
        script.events();
        assert_eq!(script.receive_block(sequence, 0, &new[..64]), Handled::Done);
        let offer = ImageOffer { id: OFFERED, size: 100 };
        assert_eq!(script.events(), [ClientEvent::FileReplaced(offer)]);
        // The application has accepted this image before: storage is erased, and no other question is asked.
        script.prepare();
        assert_eq!(script.client.progress().map(|progress| progress.received), Some(0));
        script.assert_requests_block(0);
    }
}

/// Shows: FLD-003
#[test]
fn the_check_bears_short_blocks_losses_and_waits() {
    let file = file(|_| {});
    let mut script = paused(config());
    script.assert_queries();
    receive_offer(&mut script, OFFERED);
    let sequence = script.assert_requests_range(0, 64);
    script.receive_block(sequence, 0, &file[..20]);
    let sequence = script.assert_requests_range(20, 44);
    // The response is lost.
    let overdue = script.client.poll_timeout().unwrap().as_millis();
    script.advance_to(overdue).assert_requests_range(20, 44);
    script.receive(&std::format!("19 {:02x} 05 97 00000000 05000000", sequence.wrapping_add(1)));
    script.advance_to(overdue + 4999).assert_silent();
    let sequence = script.advance_to(overdue + 5000).assert_requests_range(20, 44);
    // A block that was requested before the pause is left to be requested again.
    let late = script.receive_block(9, 64, &file[64..]);
    assert_eq!(late, Handled::Ignored(ClientIgnored::Unexpected));
    script.receive_block(sequence, 20, &file[20..64]);
    script.assert_requests_block(64);
}

/// Shows: FLD-004, FLD-005
#[test]
fn blocks_of_another_image_pause_the_download_and_say_why() {
    let newer = ImageId::new(0x115f, 0x0101, 0x1a2d);
    let file = file(|_| {});
    let mut script = Script::downloading(config());
    script.assert_requests_block(0);
    script.receive_block(1, 0, &file[..64]);
    script.events();
    // A late response to a request of an earlier download does not count.
    script.assert_requests_block(64);
    for _ in 0..5 {
        script.receive_frame(FrameMeta::unicast(SERVER), &block(0x90, newer, 64, &file[64..]));
        script.assert_sends("10 90 0B 05 80");
    }
    for sequence in 2..=4 {
        if sequence > 2 {
            let overdue = script.client.poll_timeout().unwrap().as_millis();
            script.advance_to(overdue).assert_requests_block(64);
        }
        let frame = block(sequence, newer, 64, &file[64..]);
        let handled = script.receive_frame(FrameMeta::unicast(SERVER), &frame);
        assert_eq!(handled, Handled::Ignored(ClientIgnored::Mismatch));
        script.assert_sends(&std::format!("10 {sequence:02x} 0B 05 80"));
    }
    let now = script.now.as_millis();
    let reason = PauseReason::UnusableAnswers(UnusableAnswer::OtherImage);
    assert_eq!(script.expect_pause(), (reason, now), "the query follows at once");
    script.advance_to(now).assert_sends(&query(5));
    assert_eq!(receive_offer(&mut script, newer), Handled::Done);
    assert_eq!(script.client.progress().map(|progress| progress.received), Some(64));
    script.accept().prepare();
    assert_eq!(script.client.progress().map(|progress| progress.offer.id), Some(newer));
}

/// Shows: FLD-005
#[test]
fn a_server_whose_answers_cannot_be_used_is_not_called_silent() {
    let file = file(|_| {});
    let too_long = block(1, OFFERED, 0, &[0x1e; 80]);
    let elsewhere = block(1, OFFERED, 96, &file[96..]);
    let past_the_end = block(1, OFFERED, 99, &[1, 2]);
    for (answer, fault) in [
        (too_long, UnusableAnswer::TooLong),
        (elsewhere, UnusableAnswer::OtherOffset),
        (past_the_end, UnusableAnswer::OtherOffset),
        (hex("19 01 05 97"), UnusableAnswer::Unreadable),
        (hex("19 01 05 00 5F11"), UnusableAnswer::Unreadable),
        (hex("19 01 05 97 64000000 63000000"), UnusableAnswer::TimeInPast),
    ] {
        let mut config = config();
        for max_pause in [config.max_pause, Some(Millis(0))] {
            config.max_pause = max_pause;
            let mut script = Script::downloading(ClientConfig { max_block_attempts: 3, ..config });
            script.events();
            while let Some((_, bytes)) = script.transmit()
                && bytes[2] == 0x03
            {
                let mut answer = answer.clone();
                answer[1] = bytes[1];
                let handled = script.receive_frame(FrameMeta::unicast(SERVER), &answer);
                assert!(matches!(handled, Handled::Ignored(_)), "{answer:02x?}");
                assert!(script.transmit().is_some(), "a Default Response");
                let next = script.client.poll_timeout().unwrap().as_millis();
                script.advance_to(next);
            }
            if max_pause == Some(Millis(0)) {
                let overdue = script.client.poll_timeout().unwrap().as_millis();
                script.advance_to(overdue);
                script.transmit();
                let overdue = script.client.poll_timeout().unwrap().as_millis();
                script.advance_to(overdue);
                assert_eq!(script.expect_end(), Outcome::UnusableAnswers(fault), "{answer:02x?}");
            } else {
                assert_eq!(script.expect_pause().0, PauseReason::UnusableAnswers(fault), "{answer:02x?}");
            }
        }
    }
    // An answer that could be used takes the fault back.
    let mut script = Script::downloading(config());
    script.assert_requests_block(0);
    script.receive_block(1, 0, &[0x1e; 65]);
    script.transmit();
    script.receive_block(1, 0, &file[..64]);
    while script.events().iter().all(|event| !matches!(event, ClientEvent::DownloadPaused(reason, _) if *reason == PauseReason::ServerSilent)) {
        while script.transmit().is_some() {}
        let next = script.client.poll_timeout().unwrap().as_millis();
        script.advance_to(next);
    }
}

/// Shows: FLD-026
#[test]
fn an_image_that_was_replaced_on_the_server_is_offered_by_the_next_query() {
    let newer = ImageId::new(0x115f, 0x0101, 0x1a2d);
    let mut script = Script::downloading(config());
    for turn in 1..=3_u8 {
        script.assert_requests_block(0);
        script.receive(&std::format!("18 {turn:02x} 0B 03 98"));
        script.advance_to(1000 * u64::from(turn));
    }
    let (reason, next) = script.expect_pause();
    assert_eq!((reason, next), (PauseReason::ImageGone, 12_000));
    script.advance_to(12_000).assert_sends(&query(4));
    receive_offer(&mut script, newer);
    script.accept().prepare();
    assert_eq!(script.client.progress().map(|progress| progress.offer.id), Some(newer));
    // Where the server has no image, the queries become rarer.
    let mut script = Script::downloading(config());
    for turn in 1..=3_u8 {
        script.assert_requests_block(0);
        script.receive(&std::format!("18 {turn:02x} 0B 03 98"));
        script.advance_to(1000 * u64::from(turn));
    }
    let mut queries = 0;
    while script.now < at(DAY) {
        if let Some((_, bytes)) = script.transmit() {
            queries += 1;
            script.receive(&std::format!("19 {:02x} 02 98", bytes[1]));
            script.events();
        }
        let next = script.client.poll_timeout().unwrap().as_millis();
        script.advance_to(next);
    }
    assert!((90..=130).contains(&queries), "{queries} queries in a day");
}

/// Shows: FLD-002
#[test]
fn a_resumed_download_queries_after_three_unanswered_requests() {
    let mut before = Script::downloading(config());
    before.assert_requests_block(0);
    before.receive_block(1, 0, &file(|_| {})[..64]);
    let checkpoint = before.client.checkpoint().unwrap();
    let mut script = Script::new(config());
    script.client.resume(at(0), checkpoint).unwrap();
    for time in [0, 3000, 9000] {
        script.advance_to(time).assert_requests_range(0, 64);
    }
    script.advance_to(18_999).assert_silent();
    script.advance_to(19_000);
    assert_eq!(script.expect_pause(), (PauseReason::ServerSilent, 19_000));
    script.advance_to(19_000).assert_sends(&query(3));
    receive_offer(&mut script, OFFERED);
    script.check(&file(|_| {}), 64, 64).assert_requests_block(64);
}

/// Shows: FLD-003
#[test]
fn a_pause_goes_on_growing_where_the_server_offers_but_never_serves() {
    let mut script = paused(config());
    let start = script.now.as_millis();
    let mut frames = 0;
    while script.now < at(start + DAY) {
        while let Some((_, bytes)) = script.transmit() {
            frames += 1;
            if bytes[2] == 0x01 {
                receive_offer(&mut script, OFFERED);
            }
            script.events();
        }
        let next = script.client.poll_timeout().unwrap().as_millis();
        script.advance_to(next);
    }
    assert!(frames < 1500, "{frames} frames in a day");
    assert_eq!(script.client.progress().map(|progress| progress.received), Some(64));
}

/// Shows: FLD-003
#[test]
fn bytes_that_were_stored_out_of_order_outlive_a_pause() {
    let transfer = TransferMode::Blocks { window: nonzero(4) };
    let file = long_file(1000);
    let mut script = Script::querying(config().with_transfer(transfer));
    script.receive_frame(FrameMeta::unicast(SERVER), &offer(0, 0x02, OFFERED, 1000));
    script.accept().prepare();
    let sequence = script.assert_requests_range(0, 64);
    script.receive_block(sequence, 0, &file[..64]);
    let sequences: Vec<u8> =
        [64, 128, 192, 256].into_iter().map(|offset| script.assert_requests_range(offset, 64)).collect();
    // The first response of the window is lost, and with it the server.
    for (sequence, offset) in sequences[1..].iter().zip([128_u32, 192, 256]) {
        script.receive_block(*sequence, offset, &file[offset as usize..][..64]);
    }
    while script.events().iter().all(|event| !matches!(event, ClientEvent::DownloadPaused(..))) {
        while script.transmit().is_some() {}
        let next = script.client.poll_timeout().unwrap().as_millis();
        script.advance_to(next);
    }
    script.assert_queries();
    let sequence = script.client.sequence.wrapping_sub(1);
    script.receive_frame(FrameMeta::unicast(SERVER), &offer(sequence, 0x02, OFFERED, 1000));
    script.check(&file, 64, 64);
    // The gap, and then what follows the stored bytes.
    let sequence = script.assert_requests_range(64, 64);
    script.receive_block(sequence, 64, &file[64..128]);
    assert_eq!(script.client.progress().map(|progress| progress.received), Some(320));
    script.assert_requests_range(320, 64);
}

/// Shows: FLD-003
#[test]
fn a_block_that_was_being_stored_counts_in_a_pause_and_may_complete_the_file() {
    let file = file(|_| {});
    let mut script = Script::downloading(config());
    script.assert_requests_block(0);
    script.receive_block(1, 0, &file[..64]);
    script.assert_requests_block(64);
    let frame = block(2, OFFERED, 64, &file[64..]);
    let ClientAction::Store(arrived) = script.client.handle_frame(at(0), FrameMeta::unicast(SERVER), &frame)
    else {
        panic!("no block to store");
    };
    // A notify leads to another offer while flash is busy.
    script.receive("19 77 00 00 64");
    script.assert_queries();
    receive_offer(&mut script, ImageId::new(0x115f, 0x0101, 0x1a2d));
    script.client.stored(at(0), arrived.ticket, StoreResult::Ok).unwrap();
    script.refuse();
    script.verify(VerifyResult::Valid);
    let (_, end) = script.transmit().expect("the Upgrade End Request");
    assert_eq!(end[2..4], [0x06, 0x00]);
}

/// Shows: FLD-024, FLD-003
#[test]
fn a_fixed_server_can_be_replaced_while_the_client_runs() {
    let elsewhere = Address::new(0x4321, 2);
    let mut script = paused(config());
    let start = script.now.as_millis();
    queries_until(&mut script, start + 5 * MINUTE);
    script.client.set_server(script.now, elsewhere);
    assert_eq!(script.client.server(), elsewhere);
    let now = script.now.as_millis();
    let (transmit, bytes) = script.advance_to(now).transmit().expect("a query at once");
    assert_eq!((transmit.to, bytes[2]), (elsewhere, 0x01));
    let from = FrameMeta::unicast(elsewhere);
    script.receive_frame(from, &offer(bytes[1], 0x02, OFFERED, 100));
    let sequence = script.assert_requests_range(0, 64);
    script.receive_frame(from, &block(sequence, OFFERED, 0, &file(|_| {})[..64]));
    script.assert_requests_block(64);
    // A running download is checked as well.
    let mut script = Script::downloading(config());
    script.assert_requests_block(0);
    script.receive_block(1, 0, &file(|_| {})[..64]);
    script.assert_requests_block(64);
    script.client.set_server(script.now, elsewhere);
    script.assert_requests_range(0, 64);
    // An unknown address makes the client search.
    script.client.set_server(script.now, Address::UNKNOWN);
    assert!(matches!(script.expect_need(), Need::FindServer(_, None)));
}

/// Shows: FLD-024, FLD-003
#[test]
fn a_lost_server_is_searched_from_a_pause_at_most_hourly_and_still_found_at_its_old_address() {
    let config = ClientConfig {
        discovery_interval: Some(Millis::from_secs(600)),
        max_unanswered_queries: 3,
        ..config()
    };
    let mut script = paused(config);
    let start = script.now;
    let mut searches = Vec::new();
    while script.now < start.plus(Millis::from_secs(5 * 3600)) {
        if let Some(need) = script.client.poll_need() {
            let Need::FindServer(ticket, None) = need else { panic!("{need:?}") };
            searches.push(script.now.as_millis());
            script.client.server_found(script.now, ticket, None).unwrap();
        }
        while script.transmit().is_some() {}
        script.events();
        let next = script.client.poll_timeout().unwrap().as_millis();
        script.advance_to(next);
    }
    assert!(searches.len() >= 3, "{searches:?}");
    assert!(searches.windows(2).all(|pair| pair[1] - pair[0] >= HOUR), "{searches:?}");
    let next = script.client.poll_timeout().unwrap().as_millis();
    let (transmit, _) = script.advance_to(next).transmit().expect("a query");
    assert_eq!(transmit.to, SERVER);
    receive_offer(&mut script, OFFERED);
    script.check(&file(|_| {}), 64, 64).assert_requests_block(64);
}

/// Shows: FLD-003
#[test]
fn after_an_end_the_next_query_does_not_wait_a_day() {
    let mut script = Script::downloading(config());
    let mut expected = 5 * MINUTE;
    for _ in 0..4 {
        let (_, bytes) = script.transmit().expect("a block request");
        script.receive(&std::format!("19 {:02x} 05 95", bytes[1]));
        assert_eq!(script.expect_end(), Outcome::ServerAborted);
        let next = script.now.as_millis() + expected;
        assert_eq!(script.client.poll_timeout(), Some(at(next)));
        script.advance_to(next).assert_queries();
        receive_offer(&mut script, OFFERED);
        script.accept().prepare();
        expected *= 2;
    }
}
