//! Files made for one device, and the security credentials among them.

use super::*;

/// The device.
const NODE: Eui64 = Eui64(0x0123_4567_89ab_cdef);
/// Its security credentials.
const KEYS: ImageId = ImageId::new(0x115f, 0xffc0, 7);

fn named() -> ClientConfig {
    let mut config = config();
    config.identity.node = Some(NODE);
    config
}

fn keys() -> Vec<u8> {
    file_of(KEYS, |header| header.destination = Some(NODE))
}

/// A client that asked for its credentials by frame 0.
fn asking() -> Script {
    let mut script = Script::new(named());
    script.client.query_specific_file(at(0), KEYS, StackVersion::ZIGBEE_PRO).unwrap();
    script.sends("01 00 08 EFCDAB8967452301 5F11 C0FF 07000000 0200");
    script
}

/// Shows: CLI-138, CLI-140, CLI-143, CLI-144, ATTR-033, CMD-049, CMD-085
#[test]
fn a_file_for_one_device_is_fetched() {
    let mut script = asking();
    assert_eq!(script.receives(FrameMeta::unicast(SERVER), &offer(0, 0x09, KEYS, 100)), Met::Done);
    script.accept().prepare();
    let attributes = script.client.attributes();
    assert_eq!((attributes.status.0, attributes.file_offset), (0x01, Some(0)));
    assert_eq!(attributes.image_type, Some(ImageType::SECURITY_CREDENTIALS));
    let file = keys();
    script.sends("01 01 03 01 5F11 C0FF 07000000 00000000 40 EFCDAB8967452301");
    script.receives(FrameMeta::unicast(SERVER), &block(1, KEYS, 0, &file[..64]));
    script.sends("01 02 03 01 5F11 C0FF 07000000 40000000 24 EFCDAB8967452301");
    script.receives(FrameMeta::unicast(SERVER), &block(2, KEYS, 64, &file[64..]));
    script.verify(VerifyResult::Valid).sends("01 03 06 00 5F11 C0FF 07000000");
    assert_eq!(script.status(), 0x02);
    // Heard: no order is waited for.
    assert_eq!(script.gets("18 03 0B 06 00"), Met::Done);
    assert_eq!(script.ended(), Outcome::Received(KEYS));
    assert!(script.is_silent().is_idle());
    assert_eq!(script.client.identity().current, config().identity.current);
    // The query of its own accord keeps its time.
    assert_eq!(script.client.poll_timeout(), Some(at(24 * 60 * 60 * 1000)));
}

/// A client that has its credentials, and told the server so by frame 3.
fn fetched() -> Script {
    let mut script = asking();
    script.receives(FrameMeta::unicast(SERVER), &offer(0, 0x09, KEYS, 100));
    let ticket = script.takes(KEYS, &keys());
    script.client.verified(script.now, ticket, VerifyResult::Valid).unwrap();
    script.sends("01 03 06 00 5F11 C0FF 07000000");
    script
}

/// Shows: CLI-144
#[test]
fn the_end_of_such_a_file_needs_no_answer_but_heeds_one() {
    let mut script = fetched();
    script.until(3000).sends("01 04 06 00 5F11 C0FF 07000000");
    script.until(9000).is_silent();
    assert_eq!(script.ended(), Outcome::Received(KEYS));
    assert!(script.is_idle());

    let mut script = fetched();
    assert_eq!(script.gets("19 03 07 5F11 C0FF 07000000 00000000 0A000000"), Met::Done);
    script.until(9999);
    assert_eq!(script.client.poll_need(), None);
    script.until(10_000);
    let Need::Apply(ticket, KEYS) = script.need() else { panic!("it is not to be applied") };
    script.client.applied(script.now, ticket, ApplyResult::Done).unwrap();
    assert_eq!(script.ended(), Outcome::Received(KEYS));
    assert_eq!(script.client.identity().current, config().identity.current);
}

/// Shows: CLI-139, CLI-072
#[test]
fn such_files_are_asked_for_by_their_own_command_and_one_at_a_time() {
    let mut script = Script::new(named());
    let ask =
        |script: &mut Script, id| script.client.query_specific_file(script.now, id, StackVersion::ZIGBEE_PRO);
    assert_eq!(ask(&mut script, OFFERED), Err(SpecificFileError::NotASpecificType));
    assert_eq!(ask(&mut script, ImageId::new(0x115f, 0xffff, 1)), Err(SpecificFileError::NotASpecificType));
    assert_eq!(ask(&mut Script::new(config()), KEYS), Err(SpecificFileError::NoAddress));
    assert!(script.is_silent().is_idle());
    for mut busy in [Script::querying(named()), Script::downloading(named()), Script::ending(named())] {
        assert_eq!(ask(&mut busy, KEYS), Err(SpecificFileError::Busy));
    }
    // A device that says it runs an image of such a type is not one that Query Next Image is for.
    let mut odd = named();
    odd.identity.current = KEYS;
    let mut script = Script::new(odd);
    script.client.query(at(0)).unwrap();
    assert_eq!(script.transmit().expect("a query").1[2], 0x08);
    odd.identity.node = None;
    let mut script = Script::new(odd);
    script.client.query(at(0)).unwrap();
    assert!(script.is_silent().is_idle());
    assert_eq!(script.client.poll_event(), Some(ClientEvent::NoImage(None)));
}

/// Shows: CLI-145
#[test]
fn the_version_is_the_one_asked_for_unless_any_will_do() {
    let other = ImageId::new(0x115f, 0xffc0, 8);
    let mut script = asking();
    let met = script.receives(FrameMeta::unicast(SERVER), &offer(0, 0x09, other, 100));
    assert_eq!(met, Met::Ignored(ClientIgnored::NotAsked));
    script.sends("10 00 0B 09 80");
    let mut script = Script::new(named());
    let any = ImageId { version: FileVersion::ANY, ..KEYS };
    script.client.query_specific_file(at(0), any, StackVersion::ZIGBEE_PRO).unwrap();
    script.sends("01 00 08 EFCDAB8967452301 5F11 C0FF FFFFFFFF 0200");
    assert_eq!(script.receives(FrameMeta::unicast(SERVER), &offer(0, 0x09, other, 100)), Met::Done);
    assert!(matches!(script.need(), Need::Decide(_, offer) if offer.id == other));
    // An answer to the other query is none to this one.
    let mut script = asking();
    let met = script.receives(FrameMeta::unicast(SERVER), &offer(0, 0x02, KEYS, 100));
    assert_eq!(met, Met::Ignored(ClientIgnored::NotExpected));
    let mut script = Script::querying(named());
    let met = script.receives(FrameMeta::unicast(SERVER), &offer(0, 0x09, OFFERED, 100));
    assert_eq!(met, Met::Ignored(ClientIgnored::NotExpected));
}

/// Shows: CMD-091
#[test]
fn an_answer_that_does_not_fit_is_malformed_and_changes_nothing() {
    for answer in [
        "19 00 09 00 5F11 C0FF 07000000 640000",
        "19 00 09 98 00",
        "19 00 09 00 5E11 C0FF 07000000 64000000",
        "19 00 09 00 5F11 C1FF 07000000 64000000",
    ] {
        let mut script = asking();
        assert!(matches!(script.gets(answer), Met::Ignored(_)), "{answer}");
        script.sends("10 00 0B 09 80");
        assert_eq!(script.receives(FrameMeta::unicast(SERVER), &offer(0, 0x09, KEYS, 100)), Met::Done);
    }
}

/// Shows: CLI-142, CLI-064, CLI-141
#[test]
fn a_server_without_such_files_is_asked_no_more() {
    let mut script = asking();
    assert_eq!(script.gets("18 00 0B 08 81"), Met::Done);
    assert_eq!(script.ended(), Outcome::SpecificFilesUnsupported);
    assert!(script.is_silent().is_idle());

    let mut script = asking();
    script.receives(FrameMeta::unicast(SERVER), &offer(0, 0x09, KEYS, 100));
    script.accept().prepare();
    assert_eq!(script.transmit().expect("a request").1[2], 0x03);
    assert_eq!(script.gets("18 01 0B 03 81"), Met::Done);
    assert_eq!(script.ended(), Outcome::SpecificFilesUnsupported);
    assert!(script.is_silent().is_idle());
    assert_eq!(script.status(), 0x00);

    let wishes = ClientConfig { avoid_refusing: true, discovery: Some(Millis(1)), ..named() };
    for refusal in ["19 00 09 7E", "18 00 0B 08 81"] {
        let mut script = Script::new(wishes);
        script.client.query_specific_file(at(0), KEYS, StackVersion::ZIGBEE_PRO).unwrap();
        script.transmit();
        script.gets(refusal);
        assert!(matches!(script.need(), Need::FindServer(_, None)), "{refusal}");
    }
}

/// A device with these credentials that took a file for those.
fn taken(own: Option<u8>, needed: u8) -> Script {
    let credential = own.map(SecurityCredentialVersion);
    let mut script = Script::querying(ClientConfig { credential, ..named() });
    script.gets("19 00 02 00 5F11 0101 2C1A0000 64000000");
    let file = file(|header| header.credential = Some(SecurityCredentialVersion(needed)));
    let ticket = script.takes(OFFERED, &file);
    script.client.verified(script.now, ticket, VerifyResult::Valid).unwrap();
    script
}

/// Shows: CLI-104, CLI-105
#[test]
fn an_image_for_other_credentials_waits_for_them() {
    // SE 1.0 is 0, 1.1 is 1, 1.2 is 3 and 2.0 is 2.
    for (own, needed, fits) in [
        (Some(1), 2, false),
        (Some(2), 1, true),
        (Some(3), 2, false),
        (Some(2), 3, true),
        (Some(1), 1, true),
        (None, 0, false),
        (Some(9), 9, true),
        (Some(2), 9, false),
        (Some(9), 0, false),
    ] {
        let mut script = taken(own, needed);
        if fits {
            script.sends("01 03 06 00 5F11 0101 2C1A0000");
            continue;
        }
        script.until(10_000_000).is_silent();
        let Need::Credentials(ticket, version) = script.need() else { panic!("{own:?} {needed}") };
        assert_eq!((version.0, script.client.poll_need()), (needed, None));
        assert_eq!(script.status(), 0x02);
        script.client.credentials_obtained(script.now, ticket, CredentialResult::Ready).unwrap();
        script.sends("01 03 06 00 5F11 0101 2C1A0000");
    }
    let mut script = taken(None, 2);
    let Need::Credentials(ticket, _) = script.need() else { panic!("no need") };
    script.client.credentials_obtained(script.now, ticket, CredentialResult::Missing).unwrap();
    script.sends("01 03 06 95 5F11 0101 2C1A0000");
    script.gets("18 03 0B 06 00");
    assert_eq!(script.ended(), Outcome::NoCredentials);
}

/// Shows: CLI-146
#[test]
fn credentials_are_fetched_while_the_image_waits() {
    let mut script = taken(Some(1), 2);
    let Need::Credentials(early, _) = script.need() else { panic!("no need") };
    script.client.query_specific_file(script.now, KEYS, StackVersion::ZIGBEE_PRO).unwrap();
    script.sends("01 03 08 EFCDAB8967452301 5F11 C0FF 07000000 0200");
    assert_eq!(script.status(), 0x02, "the image is still here");
    script.receives(FrameMeta::unicast(SERVER), &offer(3, 0x09, KEYS, 100));
    let ticket = script.takes(KEYS, &keys());
    script.client.verified(script.now, ticket, VerifyResult::Valid).unwrap();
    script.sends("01 06 06 00 5F11 C0FF 07000000");
    script.gets("18 06 0B 06 00");
    assert_eq!(script.ended(), Outcome::Received(KEYS));

    assert_eq!(
        script.client.credentials_obtained(script.now, early, CredentialResult::Ready),
        Err(StaleTicket)
    );
    let Need::Credentials(ticket, version) = script.need() else { panic!("the image does not wait") };
    assert_eq!(version, SecurityCredentialVersion::SE_2_0);
    script.client.credentials_obtained(script.now, ticket, CredentialResult::Ready).unwrap();
    script.sends("01 07 06 00 5F11 0101 2C1A0000");
    script.gets("19 07 07 5F11 0101 2C1A0000 00000000 00000000");
    let ticket = script.until(0).must_apply();
    script.client.applied(script.now, ticket, ApplyResult::Done).unwrap();
    assert_eq!(script.ended(), Outcome::Upgraded(OFFERED));

    // A restart meanwhile costs the file that was fetched, not the image.
    let mut script = taken(Some(1), 2);
    script.client.query_specific_file(script.now, KEYS, StackVersion::ZIGBEE_PRO).unwrap();
    script.transmit();
    script.receives(FrameMeta::unicast(SERVER), &offer(3, 0x09, KEYS, 100));
    script.accept().prepare();
    let checkpoint = script.client.checkpoint().expect("the image");
    assert_eq!((checkpoint.offer.id, checkpoint.stage), (OFFERED, CheckpointStage::Verified));
    let mut script = Script::new(named());
    script.client.resume(at(0), checkpoint).unwrap();
    assert!(matches!(script.need(), Need::Credentials(_, SecurityCredentialVersion::SE_2_0)));

    // Without an answer the image waits on.
    for failure in ["19 03 09 98", "18 03 0B 08 81"] {
        let mut script = taken(Some(1), 2);
        script.client.query_specific_file(script.now, KEYS, StackVersion::ZIGBEE_PRO).unwrap();
        script.transmit();
        script.gets(failure);
        assert!(matches!(script.need(), Need::Credentials(..)), "{failure}");
    }
}

/// Such a file is no part of a set: that it needs more is not told to a server.
#[test]
fn a_file_for_one_device_needs_no_other() {
    let mut script = asking();
    script.receives(FrameMeta::unicast(SERVER), &offer(0, 0x09, KEYS, 100));
    let ticket = script.takes(KEYS, &keys());
    script.client.verified(script.now, ticket, VerifyResult::NeedsMore(OFFERED)).unwrap();
    script.sends("01 03 06 00 5F11 C0FF 07000000");
    assert_eq!(script.client.pending_images(), 0);
    script.gets("18 03 0B 06 00");
    assert_eq!(script.ended(), Outcome::Received(KEYS));
}
