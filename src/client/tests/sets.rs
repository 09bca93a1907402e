//! Several images of one device, applied together.

use super::*;

/// The second processor's image as it runs now, and as it is offered.
const SECOND: ImageId = ImageId::new(0x115f, 0x0102, 5);
const OFFERED_SECOND: ImageId = ImageId::new(0x115f, 0x0102, 6);

/// A device that keeps its first image and asked for the second, by frame 4.
fn first_kept() -> Script {
    let mut script = Script::downloaded(config(), &file(|header| header.stack = StackVersion::ZIGBEE_IP));
    assert_eq!(script.status(), 0x01);
    script.verify(VerifyResult::NeedsMore(SECOND)).sends("01 03 06 99 5F11 0101 2C1A0000");
    assert_eq!(script.status(), 0x05);
    while script.client.poll_event().is_some() {}
    // An order means nothing yet.
    let order = "19 03 07 5F11 0101 2C1A0000 00000000 00000000";
    assert_eq!(script.gets(order), Met::Ignored(ClientIgnored::NotExpected));
    assert_eq!(script.gets("18 03 0B 06 00"), Met::Done);
    assert_eq!(script.client.poll_event(), Some(ClientEvent::ImageRetained(OFFERED)));
    script.sends("01 04 01 00 5F11 0201 05000000");
    script
}

/// A device that has both, and was told to verify the second; its next request has number 7.
fn both(needs: Option<u8>) -> (Script, Ticket) {
    let mut script = first_kept();
    assert_eq!(script.client.pending_images(), 1);
    script.receives(FrameMeta::unicast(SERVER), &offer(4, 0x02, OFFERED_SECOND, 100));
    let file = file_of(OFFERED_SECOND, |header| header.credential = needs.map(SecurityCredentialVersion));
    let ticket = script.takes(OFFERED_SECOND, &file);
    (script, ticket)
}

/// Shows: CLI-109, CLI-135, CLI-136, CLI-074, ESP-029, ATTR-026, ATTR-027
#[test]
fn two_images_are_applied_together() {
    let (mut script, ticket) = both(None);
    assert_eq!(script.status(), 0x05, "until all of it is here");
    script.client.verified(script.now, ticket, VerifyResult::Valid).unwrap();
    script.sends("01 07 06 00 5F11 0201 06000000");
    assert_eq!(script.status(), 0x02);
    assert_eq!(script.client.poll_need(), None, "nothing is applied before the order");
    script.gets("19 07 07 5F11 0201 06000000 00000000 00000000");
    script.until(0);
    let Need::Apply(ticket, OFFERED_SECOND) = script.need() else { panic!("no switch") };
    assert_eq!(script.client.pending_images(), 1, "this one and the one before");
    assert_eq!(script.client.identity().current, config().identity.current);
    script.client.applied(script.now, ticket, ApplyResult::Done).unwrap();
    assert_eq!(script.ended(), Outcome::Upgraded(OFFERED_SECOND));
    assert_eq!(script.client.poll_need(), None);
    // The device is known by its first image.
    assert_eq!(script.client.identity().current, OFFERED);
    let attributes = script.client.attributes();
    assert_eq!((attributes.current_stack, attributes.status.0), (Some(StackVersion::ZIGBEE_IP), 0x00));
    assert_eq!(script.client.pending_images(), 0);
}

/// Shows: CLI-137
#[test]
fn a_set_falls_with_its_last_image() {
    let (mut script, ticket) = both(None);
    script.client.verified(script.now, ticket, VerifyResult::Invalid).unwrap();
    script.sends("01 07 06 96 5F11 0201 06000000");
    script.gets("18 07 0B 06 00");
    assert_eq!(script.ended(), Outcome::InvalidImage);
    assert_eq!((script.client.poll_need(), script.client.pending_images(), script.status()), (None, 0, 0x00));
    // From the start again.
    script.client.query(script.now).unwrap();
    script.sends("01 08 01 00 5F11 0101 2B1A0000");
}

#[test]
fn a_set_waits_for_an_image_that_is_not_there_yet() {
    let mut script = first_kept();
    script.gets("19 04 02 98");
    assert_eq!(script.status(), 0x05);
    let day = 24 * 60 * 60 * 1000;
    script.until(day).sends("01 05 01 00 5F11 0201 05000000");
    // Only the application gives it up.
    script.gets("19 05 02 98");
    script.client.abort(script.now).unwrap();
    assert_eq!((script.ended(), script.status()), (Outcome::Cancelled, 0x00));
    script.client.query(script.now).unwrap();
    script.sends("01 06 01 00 5F11 0101 2B1A0000");
}

#[test]
fn the_report_of_a_kept_image_needs_no_answer() {
    let mut script = Script::downloaded(config(), &file(|_| {}));
    script.verify(VerifyResult::NeedsMore(SECOND)).sends("01 03 06 99 5F11 0101 2C1A0000");
    script.until(3000).sends("01 04 06 99 5F11 0101 2C1A0000");
    script.until(9000).sends("01 05 01 00 5F11 0201 05000000");
}

#[test]
fn a_restart_in_the_second_image_does_not_forget_the_first() {
    let (before, _) = both(None);
    let checkpoint = before.client.checkpoint().expect("a file");
    let mut script = Script::new(config());
    script.client.resume(at(0), checkpoint).unwrap();
    assert_eq!((script.client.pending_images(), script.status()), (1, 0x05));
    script.verify(VerifyResult::Valid).sends("01 00 06 00 5F11 0201 06000000");
    script.gets("19 00 07 5F11 0201 06000000 00000000 00000000");
    script.until(0);
    let Need::Apply(ticket, OFFERED_SECOND) = script.need() else { panic!("no switch") };
    assert_eq!(script.client.pending_images(), 1);
    script.client.applied(at(0), ticket, ApplyResult::Done).unwrap();
    assert_eq!(script.client.identity().current, OFFERED);
}

#[test]
fn credentials_that_any_image_of_a_set_is_for_are_needed() {
    let whole = file(|header| header.credential = Some(SecurityCredentialVersion(2)));
    let mut script = Script::downloaded(config(), &whole);
    script.verify(VerifyResult::NeedsMore(SECOND)).sends("01 03 06 99 5F11 0101 2C1A0000");
    script.gets("18 03 0B 06 00");
    script.transmit();
    script.receives(FrameMeta::unicast(SERVER), &offer(4, 0x02, OFFERED_SECOND, 100));
    let ticket = script.takes(OFFERED_SECOND, &file_of(OFFERED_SECOND, |_| {}));
    script.client.verified(script.now, ticket, VerifyResult::Valid).unwrap();
    assert!(matches!(script.need(), Need::Credentials(_, SecurityCredentialVersion::SE_2_0)));
}

#[test]
fn a_file_may_be_given_up_at_its_check() {
    let mut script = Script::downloaded(config(), &file(|_| {}));
    script.verify(VerifyResult::Abandon).sends("01 03 06 95 5F11 0101 2C1A0000");
    script.gets("18 03 0B 06 00");
    assert_eq!(script.ended(), Outcome::Cancelled);
}
