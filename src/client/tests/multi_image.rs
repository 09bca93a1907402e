//! Tests of several images of one device that are applied together.

use super::*;

/// Running image of the second processor of a device; the server offers `OFFERED_SECOND` for this processor.
const RUNNING_SECOND: ImageId = ImageId::new(0x115f, 0x0102, 5);
const OFFERED_SECOND: ImageId = ImageId::new(0x115f, 0x0102, 6);

/// A client that keeps its verified first image, and has sent the query for the second image with the sequence number
/// 4.
fn querying_second() -> Script {
    let mut script = Script::downloaded(config(), &file(|header| header.stack = StackVersion::ZIGBEE_IP));
    assert_eq!(script.status(), 0x01);
    script.verify(VerifyResult::NeedsMore(RUNNING_SECOND)).assert_sends("01 03 06 99 5F11 0101 2C1A0000");
    assert_eq!(script.status(), 0x05);
    while script.client.poll_event().is_some() {}
    // An Upgrade End Response is ignored before the last image.
    let response = "19 03 07 5F11 0101 2C1A0000 00000000 00000000";
    assert_eq!(script.receive(response), Handled::Ignored(ClientIgnored::Unexpected));
    assert_eq!(script.receive("18 03 0B 06 00"), Handled::Done);
    assert_eq!(script.client.poll_event(), Some(ClientEvent::ImageRetained(OFFERED)));
    script.assert_sends("01 04 01 00 5F11 0201 05000000");
    script
}

/// A client that has downloaded both images of its device and waits for the verification of the second image; the next
/// request of the client has the sequence number 7.
fn verifying_second(needs: Option<u8>) -> (Script, Ticket) {
    let mut script = querying_second();
    assert_eq!(script.client.pending_images(), 1);
    script.receive_frame(FrameMeta::unicast(SERVER), &offer(4, 0x02, OFFERED_SECOND, 100));
    let file = file_of(OFFERED_SECOND, |header| header.credential = needs.map(SecurityCredentialVersion));
    let ticket = script.download(OFFERED_SECOND, &file);
    (script, ticket)
}

/// Shows: CLI-109, CLI-135, CLI-136, CLI-074, ESP-029, ATTR-026, ATTR-027
#[test]
fn two_images_are_applied_together() {
    let (mut script, ticket) = verifying_second(None);
    assert_eq!(script.status(), 0x05, "until all images are downloaded");
    script.client.verified(script.now, ticket, VerifyResult::Valid).unwrap();
    script.assert_sends("01 07 06 00 5F11 0201 06000000");
    assert_eq!(script.status(), 0x02);
    assert_eq!(script.client.poll_need(), None, "no image is applied before the Upgrade End Response");
    script.receive("19 07 07 5F11 0201 06000000 00000000 00000000");
    script.advance_to(0);
    let Need::Apply(ticket, OFFERED_SECOND) = script.expect_need() else { panic!("no need to apply") };
    assert_eq!(script.client.pending_images(), 1, "the first image is applied with this one");
    assert_eq!(script.client.identity().current, config().identity.current);
    script.client.applied(script.now, ticket, ApplyResult::Done).unwrap();
    assert_eq!(script.expect_end(), Outcome::Upgraded(OFFERED_SECOND));
    assert_eq!(script.client.poll_need(), None);
    // The identity of the device is that of its first image.
    assert_eq!(script.client.identity().current, OFFERED);
    let attributes = script.client.attributes();
    assert_eq!((attributes.current_stack, attributes.status.0), (Some(StackVersion::ZIGBEE_IP), 0x00));
    assert_eq!(script.client.pending_images(), 0);
}

/// Shows: CLI-137, FLD-003
#[test]
fn an_invalid_last_image_leaves_the_pending_images_in_place() {
    let (mut script, ticket) = verifying_second(None);
    script.client.verified(script.now, ticket, VerifyResult::Invalid).unwrap();
    script.assert_sends("01 07 06 96 5F11 0201 06000000");
    script.receive("18 07 0B 06 00");
    assert_eq!(script.expect_end(), Outcome::InvalidImage);
    assert_eq!((script.client.poll_need(), script.client.pending_images(), script.status()), (None, 1, 0x05));
    // The next query follows soon, and asks for the second image again.
    script.advance_to(5 * 60 * 1000).assert_sends("01 08 01 00 5F11 0201 05000000");
    // Only the application ends the set.
    script.client.abort(script.now).unwrap();
    script.client.query(script.now).unwrap();
    script.assert_sends("01 09 01 00 5F11 0101 2B1A0000");
}

/// The application cancels a set of images. Before the server answers the Upgrade End Request, an Image Notify makes
/// the client query the next image of the cancelled set.
#[test]
fn an_offer_for_an_image_of_a_set_that_has_ended_is_not_taken() {
    let (mut script, _) = verifying_second(None);
    script.client.abort(script.now).unwrap();
    script.assert_sends("01 07 06 95 5F11 0201 06000000");
    script.receive("19 01 00 00 64");
    script.assert_sends("01 08 01 00 5F11 0201 05000000");
    script.receive_frame(FrameMeta::unicast(SERVER), &offer(8, 0x02, OFFERED_SECOND, 100));
    assert_eq!(script.client.pending_images(), 0);
    script.assert_sends("01 09 01 00 5F11 0101 2B1A0000");
    let events = script.events();
    assert_eq!(events.last(), Some(&ClientEvent::Ended(Outcome::Cancelled)), "{events:?}");
    script.receive_frame(FrameMeta::unicast(SERVER), &offer(9, 0x02, OFFERED, 100));
    let Need::Decide(_, offered) = script.expect_need() else { panic!("no decision about the first image") };
    assert_eq!(offered.id, OFFERED);
}

#[test]
fn pending_images_wait_until_the_next_image_is_available() {
    let mut script = querying_second();
    script.receive("19 04 02 98");
    assert_eq!(script.status(), 0x05);
    let day = 24 * 60 * 60 * 1000;
    script.advance_to(day).assert_sends("01 05 01 00 5F11 0201 05000000");
    // Only the application ends the wait.
    script.receive("19 05 02 98");
    script.client.abort(script.now).unwrap();
    assert_eq!((script.expect_end(), script.status()), (Outcome::Cancelled, 0x00));
    script.client.query(script.now).unwrap();
    script.assert_sends("01 06 01 00 5F11 0101 2B1A0000");
}

/// Shows: FLD-027
#[test]
fn a_device_that_keeps_an_image_and_waits_for_the_next_has_a_checkpoint() {
    let mut before = querying_second();
    // The server is silent for 29 seconds, and a day passes no more.
    for (time, sequence) in [(3000, 5), (9000, 6), (19_000, 7)] {
        before.advance_to(time).assert_sends(&std::format!("01 {sequence:02x} 01 00 5F11 0201 05000000"));
    }
    before.advance_to(29_000).assert_silent();
    assert_eq!(before.events(), [ClientEvent::NoImage(None)]);
    assert_eq!(before.client.poll_timeout(), Some(at(29_000 + 5 * 60 * 1000)));
    let checkpoint = before.client.checkpoint().expect("a checkpoint of the kept image");
    assert_eq!((checkpoint.stage, checkpoint.received), (CheckpointStage::ImagesRetained, 0));
    assert_eq!(checkpoint.offer, ImageOffer { id: RUNNING_SECOND, size: 0 });

    let mut script = Script::new(config());
    script.client.resume(at(0), checkpoint).unwrap();
    assert_eq!((script.client.pending_images(), script.status()), (1, 0x05));
    script.advance_to(60_000).assert_sends("01 00 01 00 5F11 0201 05000000");
}

#[test]
fn the_report_of_a_pending_image_needs_no_response() {
    let mut script = Script::downloaded(config(), &file(|_| {}));
    script.verify(VerifyResult::NeedsMore(RUNNING_SECOND)).assert_sends("01 03 06 99 5F11 0101 2C1A0000");
    script.advance_to(3000).assert_sends("01 04 06 99 5F11 0101 2C1A0000");
    script.advance_to(9000).assert_sends("01 05 01 00 5F11 0201 05000000");
}

#[test]
fn a_restart_during_the_second_image_keeps_the_first() {
    let (before, _) = verifying_second(None);
    let checkpoint = before.client.checkpoint().expect("a checkpoint of the file");
    let mut script = Script::new(config());
    script.client.resume(at(0), checkpoint).unwrap();
    assert_eq!((script.client.pending_images(), script.status()), (1, 0x05));
    script.verify(VerifyResult::Valid).assert_sends("01 00 06 00 5F11 0201 06000000");
    script.receive("19 00 07 5F11 0201 06000000 00000000 00000000");
    script.advance_to(0);
    let Need::Apply(ticket, OFFERED_SECOND) = script.expect_need() else { panic!("no need to apply") };
    assert_eq!(script.client.pending_images(), 1);
    script.client.applied(at(0), ticket, ApplyResult::Done).unwrap();
    assert_eq!(script.client.identity().current, OFFERED);
}

#[test]
fn credentials_needed_by_any_pending_image_are_requested() {
    let whole = file(|header| header.credential = Some(SecurityCredentialVersion(2)));
    let mut script = Script::downloaded(config(), &whole);
    script.verify(VerifyResult::NeedsMore(RUNNING_SECOND)).assert_sends("01 03 06 99 5F11 0101 2C1A0000");
    script.receive("18 03 0B 06 00");
    script.transmit();
    script.receive_frame(FrameMeta::unicast(SERVER), &offer(4, 0x02, OFFERED_SECOND, 100));
    let ticket = script.download(OFFERED_SECOND, &file_of(OFFERED_SECOND, |_| {}));
    script.client.verified(script.now, ticket, VerifyResult::Valid).unwrap();
    assert!(matches!(script.expect_need(), Need::Credentials(_, SecurityCredentialVersion::SE_2_0)));
}

#[test]
fn the_application_may_abandon_a_file_at_verification() {
    let mut script = Script::downloaded(config(), &file(|_| {}));
    script.verify(VerifyResult::Abandon).assert_sends("01 03 06 95 5F11 0101 2C1A0000");
    script.receive("18 03 0B 06 00");
    assert_eq!(script.expect_end(), Outcome::Cancelled);
}

/// Shows: FLD-023
#[test]
fn three_events_of_one_call_are_kept_and_more_are_counted() {
    let checkpoint = Checkpoint {
        offer: ImageOffer { id: OFFERED, size: 100 },
        received: 100,
        header: Some(HeaderFacts { stack: StackVersion::ZIGBEE_PRO, credential: None }),
        sums: None,
        stage: CheckpointStage::Downloading,
        pending_images: PendingImages::NONE,
    };
    // No query can carry the wildcard version as the running version.
    let unknown = ImageId { version: FileVersion::ANY, ..RUNNING_SECOND };
    let second_search_failed = || {
        let mut script = Script::new(ClientConfig::new(config().identity, Address::UNKNOWN));
        script.client.resume(at(0), checkpoint).unwrap();
        let Need::FindServer(ticket, None) = script.expect_need() else { panic!("the server is known") };
        script.verify(VerifyResult::NeedsMore(unknown));
        script.client.server_found(script.now, ticket, None).unwrap();
        script.advance_to(600_000);
        let Need::FindServer(ticket, None) = script.expect_need() else { panic!("no second search") };
        (script, ticket)
    };
    let (mut script, ticket) = second_search_failed();
    assert!(matches!(script.client.poll_event(), Some(ClientEvent::ServerNotFound(_))));
    assert_eq!(script.client.poll_event(), None);
    script.client.server_found(script.now, ticket, None).unwrap();
    assert!(matches!(script.client.poll_event(), Some(ClientEvent::ServerNotFound(_))));
    assert_eq!(script.client.poll_event(), Some(ClientEvent::ImageRetained(OFFERED)));
    assert_eq!(script.client.poll_event(), Some(ClientEvent::CannotQuery(unknown)));
    assert_eq!((script.client.poll_event(), script.client.lost_events()), (None, 0));

    // The application never polls the first event.
    let (mut script, ticket) = second_search_failed();
    script.client.server_found(script.now, ticket, None).unwrap();
    assert_eq!(script.client.lost_events(), 1);
}
