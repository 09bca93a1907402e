//! Tests of images that failed their verification or their boot: the times at which the client downloads such an image
//! again.

use super::*;

const DAY: u64 = 24 * 60 * 60 * 1000;

fn receive_offer(script: &mut Script) {
    let sequence = script.client.sequence.wrapping_sub(1);
    script.receive_frame(FrameMeta::unicast(SERVER), &offer(sequence, 0x02, OFFERED, 100));
}

/// Downloads the offered image, whose verification fails. The server then answers the Upgrade End Request
/// (INVALID_IMAGE) of the client by a Default Response (SUCCESS).
fn download_and_fail(script: &mut Script) {
    let ticket = script.download(OFFERED, &file(|_| {}));
    script.client.verified(script.now, ticket, VerifyResult::Invalid).unwrap();
    let (_, report) = script.transmit().expect("the report");
    assert_eq!(report[2..4], [0x06, 0x96]);
    script.receive(&std::format!("18 {:02x} 0B 06 00", report[1]));
    assert_eq!(script.expect_end(), Outcome::InvalidImage);
}

/// A client that downloaded an image twice at 0 ms; the image failed its verification each time.
fn failed_twice() -> Script {
    let mut script = Script::querying(config());
    for failures in [1, 2] {
        receive_offer(&mut script);
        download_and_fail(&mut script);
        assert_eq!(script.client.failed_image(), Some(FailedImage::new(OFFERED.version, 100, failures)));
        script.receive("19 77 00 00 64");
        script.assert_queries();
    }
    script
}

fn is_skipped(script: &mut Script) -> bool {
    receive_offer(script);
    let skipped = script
        .events()
        .iter()
        .any(|event| matches!(event, ClientEvent::OfferSkipped(_, SkipReason::FailedBefore)));
    assert_eq!(script.client.poll_need().is_none(), skipped);
    skipped
}

/// Shows: FLD-011
#[test]
fn an_image_that_failed_twice_is_passed_over_and_tried_once_a_day_after_a_notify() {
    let mut script = failed_twice();
    assert!(is_skipped(&mut script));
    let mut downloads = 0;
    for hour in 1..=72 {
        script.advance_to(hour * 60 * 60 * 1000);
        while script.transmit().is_some() {}
        script.receive("19 77 00 00 64");
        while script.transmit().is_some() {}
        receive_offer(&mut script);
        script.events();
        if let Some(Need::Decide(ticket, _)) = script.client.poll_need() {
            downloads += 1;
            script.client.accept(ticket).unwrap();
            script.prepare();
            while script.client.progress().is_some_and(|progress| progress.received < 100) {
                let (_, bytes) = script.transmit().expect("a block request");
                if bytes[2] == 0x03 {
                    let start = bytes[12] as usize;
                    let end = start + usize::from(bytes[16]);
                    script.receive_block(bytes[1], start as u32, &file(|_| {})[start..end]);
                }
            }
            script.verify(VerifyResult::Invalid);
            let (_, report) = script.transmit().expect("the report");
            script.receive(&std::format!("18 {:02x} 0B 06 00", report[1]));
            script.events();
        }
    }
    assert_eq!(downloads, 3, "one a day");
}

/// Shows: FLD-011
#[test]
fn another_file_a_week_and_the_application_lift_the_refusal() {
    let mut script = failed_twice();
    assert!(is_skipped(&mut script));
    // Another size is another file.
    script.client.stop_queries(script.now);
    script.receive("19 77 00 00 64");
    script.assert_queries();
    let sequence = script.client.sequence.wrapping_sub(1);
    script.receive_frame(FrameMeta::unicast(SERVER), &offer(sequence, 0x02, OFFERED, 101));
    assert!(matches!(script.client.poll_need(), Some(Need::Decide(..))));

    let mut script = failed_twice();
    assert!(is_skipped(&mut script));
    script.client.query(script.now).unwrap();
    script.assert_queries();
    assert!(!is_skipped(&mut script));

    let mut script = failed_twice();
    assert!(is_skipped(&mut script));
    for day in 1..=7 {
        script.advance_to(day * DAY).assert_queries();
        assert_eq!(is_skipped(&mut script), day < 7, "day {day}");
    }
}

/// Shows: FLD-011
#[test]
fn one_failure_and_failures_after_a_pause_deny_nothing() {
    let mut script = Script::querying(config());
    receive_offer(&mut script);
    download_and_fail(&mut script);
    script.receive("19 77 00 00 64");
    script.assert_queries();
    assert!(!is_skipped(&mut script));

    // A download that was resumed may be a mixture of two files.
    let mut script = Script::new(config());
    for _ in 0..3 {
        let checkpoint = Script::downloaded(config(), &file(|_| {})).client.checkpoint().unwrap();
        script.client.resume(script.now, checkpoint).unwrap();
        script.verify(VerifyResult::Invalid);
        let (_, report) = script.transmit().expect("the report");
        script.receive(&std::format!("18 {:02x} 0B 06 00", report[1]));
    }
    assert_eq!(script.client.failed_image(), None);
}

/// Shows: FLD-011
#[test]
fn a_failed_boot_counts_also_over_a_restart() {
    let mut script = Script::ending(config());
    script.receive(UPGRADE_NOW);
    let ticket = script.advance_to(0).expect_apply();
    script.client.applied(at(0), ticket, ApplyResult::Failed).unwrap();
    let failed = script.client.failed_image().expect("a failed image");
    assert_eq!(failed.failures, 1);
    // The boot loader has rolled back once more.
    let failed_image = Some(FailedImage { failures: 2, ..failed });
    let mut script = Script::new(ClientConfig { failed_image, ..config() });
    script.receive("19 77 00 00 64");
    script.assert_queries();
    assert!(is_skipped(&mut script));
    // A success forgets the failures.
    let failed_image = Some(FailedImage::new(FileVersion(1), 100, 2));
    let mut script = Script::ending(ClientConfig { failed_image, ..config() });
    script.receive(UPGRADE_NOW);
    let ticket = script.advance_to(0).expect_apply();
    script.client.applied(at(0), ticket, ApplyResult::Done).unwrap();
    assert_eq!(script.client.failed_image(), None);
}
