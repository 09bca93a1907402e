//! Tests of queries during an upgrade, which a unicast Image Notify or the application causes.

use super::*;

const NOTIFY: &str = "19 77 00 00 64";

fn query(sequence: u8) -> std::string::String {
    std::format!("01 {sequence:02x} 01 00 5F11 0101 2B1A0000")
}

fn receive_offer(script: &mut Script, id: ImageId) -> Handled {
    let sequence = script.client.sequence.wrapping_sub(1);
    script.receive_frame(FrameMeta::unicast(SERVER), &offer(sequence, 0x02, id, 100))
}

/// Shows: FLD-001, CLI-032
#[test]
fn a_notify_during_a_download_leads_to_one_query_and_the_download_goes_on() {
    let file = file(|_| {});
    let mut script = Script::downloading(config());
    script.assert_requests_block(0);
    assert_eq!(script.receive("09 77 00 00 64"), Handled::Done);
    script.assert_sends("10 77 0B 00 00").assert_sends(&query(2)).assert_silent();
    script.receive_block(1, 0, &file[..64]);
    script.assert_requests_block(64);
    // Notifies within ten seconds count once, and a broadcast does not count.
    assert_eq!(script.receive(NOTIFY), Handled::Done);
    script.advance_to(100).assert_requests_block(64);
    script.receive_by(DeliveryMode::Broadcast, NOTIFY);
    script.assert_silent();
    // Neither a refusal nor silence ends the download.
    script.receive("19 02 02 98");
    assert!(script.events().contains(&ClientEvent::NoImage(Some(Status::NO_IMAGE_AVAILABLE))));
    assert_eq!(script.client.progress().map(|progress| progress.received), Some(64));
    script.now = at(10_000);
    assert_eq!(script.receive(NOTIFY), Handled::Done);
    assert_eq!(script.transmit().map(|(_, bytes)| bytes[2]), Some(0x01));
    let resent = script.transmit();
    script.receive_block(resent.map_or(3, |(_, bytes)| bytes[1]), 64, &file[64..]);
    script.verify(VerifyResult::Valid);
}

/// Shows: FLD-001
#[test]
fn a_copy_of_the_notify_that_started_the_query_causes_no_second_one() {
    let mut script = Script::new(config());
    script.receive(NOTIFY);
    script.assert_queries();
    receive_offer(&mut script, OFFERED);
    script.accept().prepare().assert_requests_block(0);
    script.advance_to(200).receive(NOTIFY);
    script.assert_silent();
    script.now = at(10_000);
    script.receive(NOTIFY);
    script.assert_queries();
}

/// Shows: FLD-001
#[test]
fn a_second_notify_after_the_answer_to_the_first_query_leads_to_another_query() {
    let mut script = Script::downloading(config());
    script.assert_requests_block(0);
    script.receive("19 77 00 00 64");
    script.assert_sends(&query(2));
    // The gateway repeats its notify while the query is under way.
    script.advance_to(1000).receive("19 78 00 00 64");
    script.assert_silent();
    script.receive("19 02 02 98");
    // A late copy of the first notify, then the notify of a file that was added after the answer.
    script.advance_to(2000).receive("19 77 00 00 64");
    script.assert_silent();
    script.receive("19 79 00 00 64");
    script.assert_sends(&query(3));
}

/// Shows: FLD-001, FLD-003
#[test]
fn the_same_offer_continues_a_download_after_a_check() {
    let file = file(|_| {});
    let mut script = Script::downloading(config());
    script.assert_requests_block(0);
    script.receive_block(1, 0, &file[..64]);
    script.assert_requests_block(64);
    script.receive(NOTIFY);
    script.assert_sends(&query(3));
    assert_eq!(receive_offer(&mut script, OFFERED), Handled::Done);
    assert_eq!(script.client.poll_need(), None, "no second Decide or Prepare");
    script.check(&file, 64, 64);
    script.assert_requests_block(64);
}

/// Shows: FLD-001
#[test]
fn the_refusal_of_an_earlier_query_does_not_answer_the_query_after_a_notify() {
    let file = file(|_| {});
    let mut script = Script::downloading(config());
    script.assert_requests_block(0);
    script.receive_block(1, 0, &file[..64]);
    while script.events().iter().all(|event| !matches!(event, ClientEvent::DownloadPaused(..))) {
        while script.transmit().is_some_and(|(_, bytes)| bytes[2] == 0x03) {}
        let next = script.client.poll_timeout().unwrap().as_millis();
        script.advance_to(next);
    }
    // The notify arrives while the answer to the first query of the pause is under way.
    script.assert_queries();
    let first = script.client.sequence.wrapping_sub(1);
    script.receive(NOTIFY);
    script.assert_queries();
    let refusal = std::format!("19 {first:02x} 02 98");
    assert_eq!(script.receive(&refusal), Handled::Ignored(ClientIgnored::Unexpected));
    receive_offer(&mut script, OFFERED);
    script.check(&file, 64, 64).assert_requests_block(64);
}

/// Shows: FLD-001
#[test]
fn a_server_that_serves_only_after_a_query_continues_a_resumed_download_at_its_notify() {
    let file = file(|_| {});
    let mut before = Script::downloading(config());
    before.assert_requests_block(0);
    before.receive_block(1, 0, &file[..64]);
    let mut script = Script::new(config());
    script.client.resume(at(0), before.client.checkpoint().unwrap()).unwrap();
    script.assert_requests_range(0, 64);
    script.advance_to(500).receive(NOTIFY);
    script.assert_sends(&query(1));
    receive_offer(&mut script, OFFERED);
    script.check(&file, 64, 64).assert_requests_block(64);
}

/// Shows: FLD-001
#[test]
fn another_offer_during_a_download_is_decided_by_the_application() {
    let newer = ImageId::new(0x115f, 0x0101, 0x1a2d);
    let file = file(|_| {});
    for accepts in [true, false] {
        let mut script = Script::downloading(config());
        script.assert_requests_block(0);
        script.receive_block(1, 0, &file[..64]);
        script.assert_requests_block(64);
        script.receive(NOTIFY);
        script.assert_sends(&query(3));
        receive_offer(&mut script, newer);
        // The server may answer the old requests with the bytes of the new file, so that none is sent.
        script.assert_silent();
        if accepts {
            script.accept();
            assert_eq!(script.expect_end(), Outcome::Replaced);
            script.prepare();
            assert_eq!(script.client.progress().map(|progress| progress.offer.id), Some(newer));
        } else {
            script.refuse().assert_silent();
            assert_eq!(script.expect_pause().0, PauseReason::OtherOffer);
            // The old offer returns by the next notify.
            script.advance_to(10_000).receive(NOTIFY);
            script.assert_queries();
            receive_offer(&mut script, OFFERED);
            script.check(&file, 64, 64).assert_requests_block(64);
        }
    }
}

/// Shows: FLD-001
#[test]
fn the_offer_of_the_finished_image_leads_to_an_upgrade_end_request_at_once() {
    let end = |script: &mut Script| {
        let (_, bytes) = script.transmit().expect("the Upgrade End Request");
        assert_eq!(bytes[2..4], [0x06, 0x00]);
    };
    let mut waiting = Script::ending(config());
    waiting.receive("19 03 07 5F11 0101 2C1A0000 00000000 FFFFFFFF");
    let mut counting = Script::ending(config());
    counting.receive("19 03 07 5F11 0101 2C1A0000 00000000 58020000");
    for script in [&mut waiting, &mut counting, &mut Script::ending(config())] {
        script.receive(NOTIFY);
        script.assert_sends(&query(4));
        assert_eq!(receive_offer(script, OFFERED), Handled::Done);
        end(script);
        script.assert_silent();
    }
    // The countdown goes on meanwhile.
    counting.advance_to(600_000).expect_apply();
}

/// Shows: FLD-001
#[test]
fn another_offer_beside_a_finished_image_is_decided_and_the_image_kept_until_then() {
    let newer = ImageId::new(0x115f, 0x0101, 0x1a2d);
    for accepts in [true, false] {
        let mut script = Script::ending(config());
        script.receive("19 03 07 5F11 0101 2C1A0000 00000000 58020000");
        script.receive(NOTIFY);
        script.assert_sends(&query(4));
        receive_offer(&mut script, newer);
        assert_eq!(script.client.checkpoint().map(|kept| kept.stage), Some(CheckpointStage::Verified));
        if accepts {
            script.accept();
            assert_eq!(script.expect_end(), Outcome::Replaced);
            script.prepare();
        } else {
            script.refuse();
            script.assert_sends("01 05 06 00 5F11 0101 2C1A0000");
        }
    }
}

/// Shows: FLD-001
#[test]
fn a_notify_is_answered_by_a_query_in_every_state_but_querying_and_applying() {
    let mut deciding = Script::querying(config());
    deciding.receive(OFFER);
    let mut erasing = Script::querying(config());
    erasing.receive(OFFER);
    erasing.accept();
    let mut reporting = Script::downloaded(config(), &file(|_| {}));
    reporting.verify(VerifyResult::Invalid).assert_sends("01 03 06 96 5F11 0101 2C1A0000");
    let verifying = Script::downloaded(config(), &file(|_| {}));
    let needs = |header: &mut FileHeader<'_>| header.credential = Some(SecurityCredentialVersion::SE_2_0);
    let mut uncredited = Script::downloaded(config(), &file(needs));
    uncredited.verify(VerifyResult::Valid);
    for (stage, mut script, same_is_kept) in [
        ("deciding", deciding, true),
        ("erasing", erasing, true),
        ("verifying", verifying, true),
        ("awaiting credentials", uncredited, true),
        ("reporting", reporting, false),
    ] {
        script.receive(NOTIFY);
        assert_eq!(script.transmit().expect("a query").1[2], 0x01, "{stage}");
        let needs = script.client.poll_need().is_some();
        receive_offer(&mut script, OFFERED);
        // The need of the state stays open.
        assert_eq!(script.client.poll_need().is_some(), !same_is_kept, "{stage}");
        assert_eq!(needs, same_is_kept, "{stage}");
    }
    let mut querying = Script::querying(config());
    querying.receive(NOTIFY);
    querying.assert_silent();
    let mut applying = Script::ending(config());
    applying.client.activate().unwrap();
    applying.receive(NOTIFY);
    applying.assert_silent();
}

/// Shows: FLD-008
#[test]
fn a_notify_and_the_application_query_in_any_wait() {
    let file = file(|_| {});
    for by_application in [true, false] {
        // The server told the client to wait for an hour.
        let mut script = Script::downloading(config());
        script.assert_requests_block(0);
        script.receive_block(1, 0, &file[..64]);
        script.assert_requests_block(64);
        assert_eq!(script.client.query(script.now), Err(Busy), "a download that goes on is no wait");
        script.receive("19 02 05 97 00000000 100E0000");
        script.advance_to(1000).assert_silent();
        if by_application {
            script.client.query(script.now).unwrap();
        } else {
            script.receive(NOTIFY);
        }
        script.assert_sends(&query(3));
        receive_offer(&mut script, OFFERED);
        script.check(&file, 64, 64).assert_requests_block(64);

        let mut script = Script::ending(config());
        script.receive("19 03 07 5F11 0101 2C1A0000 00000000 FFFFFFFF");
        if by_application {
            script.client.query(script.now).unwrap();
        } else {
            script.receive(NOTIFY);
        }
        script.assert_sends(&query(4));
        receive_offer(&mut script, OFFERED);
        script.assert_sends("01 05 06 00 5F11 0101 2C1A0000");
    }
}

#[test]
fn a_paused_specific_file_is_queried_by_its_own_command() {
    let credentials = ImageId::new(0x115f, 0xffc0, 7);
    let mut with_node = config();
    with_node.identity.node = Some(Eui64(0x0123_4567_89ab_cdef));
    let mut script = Script::new(with_node);
    script.client.query_specific_file(at(0), credentials, StackVersion(2)).unwrap();
    let (_, first) = script.transmit().expect("the query");
    script.receive_frame(FrameMeta::unicast(SERVER), &offer(0, 0x09, credentials, 100));
    script.accept().prepare();
    script.run_until_paused();
    let (_, again) = script.transmit().expect("the query");
    assert_eq!((first[2], &first[3..]), (0x08, &again[3..]), "{again:02x?}");
    script.receive_frame(FrameMeta::unicast(SERVER), &offer(again[1], 0x09, credentials, 100));
    assert_eq!(script.transmit().map(|(_, bytes)| bytes[2]), Some(0x03));
}

/// Shows: FLD-001
#[test]
fn a_query_during_the_countdown_waits_for_the_server() {
    let mut script = Script::ending(config());
    script.receive("19 03 07 5F11 0101 2C1A0000 00000000 100E0000");
    assert_eq!(script.client.waiting_for(), WaitingFor::Time);
    script.advance_to(20_000).receive(NOTIFY);
    script.assert_queries();
    assert_eq!(script.client.waiting_for(), WaitingFor::Server);
    let sequence = script.client.sequence.wrapping_sub(1);
    script.receive(&std::format!("19 {sequence:02x} 02 98"));
    assert_eq!(script.client.waiting_for(), WaitingFor::Time);
}

/// A broadcast may be meant for many: it ends a pause, and changes nothing in any other state.
///
/// Shows: FLD-001
#[test]
fn a_broadcast_notify_leads_to_a_query_from_a_pause_only() {
    let mut script = Script::downloaded(config(), &file(|_| {}));
    script.receive_by(DeliveryMode::Broadcast, NOTIFY);
    script.advance_to(2000).assert_silent();

    let mut script = Script::downloading(config());
    script.run_until_paused();
    while script.transmit().is_some() {}
    let paused_at = script.now.as_millis();
    assert!(script.client.poll_timeout().unwrap().as_millis() > paused_at + 2000);
    assert_eq!(script.receive_by(DeliveryMode::Broadcast, NOTIFY), Handled::Done);
    let due = script.client.poll_timeout().unwrap().as_millis();
    assert!((paused_at..=paused_at + 2000).contains(&due), "{due}, paused at {paused_at}");
    script.advance_to(due).assert_queries();
    // No bytes are stored yet, so that nothing is to be checked before the download continues.
    script.events();
    receive_offer(&mut script, OFFERED);
    assert!(script.events().iter().any(|event| matches!(
        event,
        ClientEvent::DownloadContinued(progress) if progress.received == 0
    )));
    script.assert_requests_block(0);
}

/// Shows: FLD-001
#[test]
fn another_offer_while_storage_is_prepared_replaces_the_first() {
    let mut script = Script::querying(config());
    script.receive(OFFER);
    script.accept();
    script.receive(NOTIFY);
    script.assert_queries();
    script.events();
    let other = ImageId { version: crate::FileVersion(0x1a2d), ..OFFERED };
    receive_offer(&mut script, other);
    assert!(script.events().contains(&ClientEvent::Ended(Outcome::Replaced)));
    let Need::Decide(_, offer) = script.expect_need() else { panic!("no need to decide") };
    assert_eq!(offer.id, other);
}
