//! Tests of Query Specific File: the download of device-specific files.

use super::*;

/// IEEE address of the device.
const NODE: Eui64 = Eui64(0x0123_4567_89ab_cdef);
/// File with the security credentials of the device.
pub(super) const CREDENTIALS: ImageId = ImageId::new(0x115f, 0xffc0, 7);

pub(super) fn with_node_address() -> ClientConfig {
    let mut config = config();
    config.identity.node = Some(NODE);
    config
}

pub(super) fn credentials_file() -> Vec<u8> {
    file_of(CREDENTIALS, |header| header.destination = Some(NODE))
}

/// A client that sent a Query Specific File Request for its security credentials with the sequence number 0.
fn querying_credentials() -> Script {
    let mut script = Script::new(with_node_address());
    script.client.query_specific_file(at(0), CREDENTIALS, StackVersion::ZIGBEE_PRO).unwrap();
    script.assert_sends("01 00 08 EFCDAB8967452301 5F11 C0FF 07000000 0200");
    script
}

/// Shows: CLI-138, CLI-140, CLI-143, CLI-144, ATTR-033, CMD-049, CMD-085
#[test]
fn a_file_for_one_device_is_fetched() {
    let mut script = querying_credentials();
    assert_eq!(
        script.receive_frame(FrameMeta::unicast(SERVER), &offer(0, 0x09, CREDENTIALS, 100)),
        Handled::Done
    );
    script.accept().prepare();
    let attributes = script.client.attributes();
    assert_eq!((attributes.status.0, attributes.file_offset), (0x01, Some(0)));
    assert_eq!(attributes.image_type, Some(ImageType::SECURITY_CREDENTIALS));
    let file = credentials_file();
    script.assert_sends("01 01 03 01 5F11 C0FF 07000000 00000000 40 EFCDAB8967452301");
    script.receive_frame(FrameMeta::unicast(SERVER), &block(1, CREDENTIALS, 0, &file[..64]));
    script.assert_sends("01 02 03 01 5F11 C0FF 07000000 40000000 24 EFCDAB8967452301");
    script.receive_frame(FrameMeta::unicast(SERVER), &block(2, CREDENTIALS, 64, &file[64..]));
    script.verify(VerifyResult::Valid).assert_sends("01 03 06 00 5F11 C0FF 07000000");
    assert_eq!(script.status(), 0x02);
    // A Default Response suffices: no Upgrade End Response is awaited.
    assert_eq!(script.receive("18 03 0B 06 00"), Handled::Done);
    assert_eq!(script.expect_end(), Outcome::Received(CREDENTIALS));
    assert!(script.assert_silent().is_idle());
    assert_eq!(script.client.identity().current, config().identity.current);
    // The next regular query keeps its time.
    assert_eq!(script.client.poll_timeout(), Some(at(24 * 60 * 60 * 1000)));
}

/// A client that has downloaded its security credentials and sent the Upgrade End Request with the sequence number 3.
fn reporting_credentials() -> Script {
    let mut script = querying_credentials();
    script.receive_frame(FrameMeta::unicast(SERVER), &offer(0, 0x09, CREDENTIALS, 100));
    let ticket = script.download(CREDENTIALS, &credentials_file());
    script.client.verified(script.now, ticket, VerifyResult::Valid).unwrap();
    script.assert_sends("01 03 06 00 5F11 C0FF 07000000");
    script
}

/// Shows: CLI-144
#[test]
fn the_end_of_a_specific_file_needs_no_response_but_accepts_one() {
    let mut script = reporting_credentials();
    script.advance_to(3000).assert_sends("01 04 06 00 5F11 C0FF 07000000");
    script.advance_to(9000).assert_silent();
    assert_eq!(script.expect_end(), Outcome::Received(CREDENTIALS));
    assert!(script.is_idle());

    let mut script = reporting_credentials();
    assert_eq!(script.receive("19 03 07 5F11 C0FF 07000000 00000000 0A000000"), Handled::Done);
    script.advance_to(9999);
    assert_eq!(script.client.poll_need(), None);
    script.advance_to(10_000);
    let Need::Apply(ticket, CREDENTIALS) = script.expect_need() else { panic!("no need to apply") };
    script.client.applied(script.now, ticket, ApplyResult::Done).unwrap();
    assert_eq!(script.expect_end(), Outcome::Received(CREDENTIALS));
    assert_eq!(script.client.identity().current, config().identity.current);
}

/// A Default Response that says that the command was not understood is no answer to the report.
#[test]
fn a_default_response_ends_the_report_of_a_specific_file_unless_it_was_not_understood() {
    for (status, end) in [
        ("00", Some(Outcome::Received(CREDENTIALS))),
        ("80", None),
        ("81", None),
        ("01", Some(Outcome::UpgradeRefused(Status::FAILURE))),
        ("95", Some(Outcome::UpgradeRefused(Status::ABORT))),
    ] {
        let mut script = reporting_credentials();
        script.events();
        assert_eq!(script.receive(&std::format!("18 03 0B 06 {status}")), Handled::Done, "{status}");
        let ended = script.events().into_iter().find_map(|event| match event {
            ClientEvent::Ended(outcome) => Some(outcome),
            _ => None,
        });
        assert_eq!((ended, script.is_idle()), (end, end.is_some()), "{status}");
    }
}

/// Shows: CLI-139, CLI-072
#[test]
fn specific_files_are_requested_by_their_own_command_one_at_a_time() {
    let mut script = Script::new(with_node_address());
    let ask =
        |script: &mut Script, id| script.client.query_specific_file(script.now, id, StackVersion::ZIGBEE_PRO);
    assert_eq!(ask(&mut script, OFFERED), Err(SpecificFileError::NotASpecificType));
    assert_eq!(ask(&mut script, ImageId::new(0x115f, 0xffff, 1)), Err(SpecificFileError::NotASpecificType));
    assert_eq!(ask(&mut Script::new(config()), CREDENTIALS), Err(SpecificFileError::NoAddress));
    assert!(script.assert_silent().is_idle());
    for mut busy in [
        Script::querying(with_node_address()),
        Script::downloading(with_node_address()),
        Script::ending(with_node_address()),
    ] {
        assert_eq!(ask(&mut busy, CREDENTIALS), Err(SpecificFileError::Busy));
    }
    // A device whose running image has such a type never sends Query Next Image.
    let mut odd = with_node_address();
    odd.identity.current = CREDENTIALS;
    let mut script = Script::new(odd);
    script.client.query(at(0)).unwrap();
    assert_eq!(script.transmit().expect("a query").1[2], 0x08);
    odd.identity.node = None;
    let mut script = Script::new(odd);
    script.client.query(at(0)).unwrap();
    assert!(script.assert_silent().is_idle());
    assert_eq!(script.client.poll_event(), Some(ClientEvent::CannotQuery(CREDENTIALS)));
}

/// Shows: CLI-145
#[test]
fn the_offered_version_must_be_the_requested_one_unless_it_was_a_wildcard() {
    let other = ImageId::new(0x115f, 0xffc0, 8);
    let mut script = querying_credentials();
    let handled = script.receive_frame(FrameMeta::unicast(SERVER), &offer(0, 0x09, other, 100));
    assert_eq!(handled, Handled::Ignored(ClientIgnored::Mismatch));
    script.assert_sends("10 00 0B 09 80");
    let mut script = Script::new(with_node_address());
    let any = ImageId { version: FileVersion::ANY, ..CREDENTIALS };
    script.client.query_specific_file(at(0), any, StackVersion::ZIGBEE_PRO).unwrap();
    script.assert_sends("01 00 08 EFCDAB8967452301 5F11 C0FF FFFFFFFF 0200");
    assert_eq!(script.receive_frame(FrameMeta::unicast(SERVER), &offer(0, 0x09, other, 100)), Handled::Done);
    assert!(matches!(script.expect_need(), Need::Decide(_, offer) if offer.id == other));
    // A Query Next Image Response does not answer a Query Specific File Request, and the other way round.
    let mut script = querying_credentials();
    let handled = script.receive_frame(FrameMeta::unicast(SERVER), &offer(0, 0x02, CREDENTIALS, 100));
    assert_eq!(handled, Handled::Ignored(ClientIgnored::Unexpected));
    let mut script = Script::querying(with_node_address());
    let handled = script.receive_frame(FrameMeta::unicast(SERVER), &offer(0, 0x09, OFFERED, 100));
    assert_eq!(handled, Handled::Ignored(ClientIgnored::Unexpected));
}

/// Lets a device with the settings `config` download `file` as its security credentials. Returns the outcome of the
/// download; `None` if the client asks the application to verify the file.
fn outcome_of(config: ClientConfig, file: &[u8]) -> Option<Outcome> {
    let mut script = Script::new(config);
    script.client.query_specific_file(at(0), CREDENTIALS, StackVersion::ZIGBEE_PRO).unwrap();
    assert!(script.transmit().is_some(), "a query");
    let size = u32::try_from(file.len()).unwrap();
    script.receive_frame(FrameMeta::unicast(SERVER), &offer(0, 0x09, CREDENTIALS, size));
    script.accept().prepare();
    assert_eq!(script.transmit().expect("a request").1[2], 0x03);
    script.receive_frame(FrameMeta::unicast(SERVER), &block(1, CREDENTIALS, 0, &file[..64]));
    if script.client.progress().is_none() {
        assert_eq!(script.transmit().expect("a report").1[2..4], [0x06, 0x96], "INVALID_IMAGE");
        script.receive("18 02 0B 06 00");
        return Some(script.expect_end());
    }
    assert_eq!(script.transmit().expect("a request").1[2], 0x03);
    let rest = file.len().min(128);
    script.receive_frame(FrameMeta::unicast(SERVER), &block(2, CREDENTIALS, 64, &file[64..rest]));
    assert!(matches!(script.expect_need(), Need::Verify(..)));
    None
}

/// Shows: FLD-018
#[test]
fn a_specific_file_must_name_this_device() {
    let config = with_node_address();
    let node = config.identity.node.unwrap();
    let named = |destination| file_of(CREDENTIALS, |header| header.destination = destination);
    let not_for_us = |mismatch| Some(Outcome::NotForThisDevice(mismatch));
    assert_eq!(outcome_of(config, &named(Some(node))), None);
    assert_eq!(outcome_of(config, &named(None)), not_for_us(DeviceMismatch::NoDestination));
    let other = Eui64(node.0 ^ 1);
    assert_eq!(outcome_of(config, &named(Some(other))), not_for_us(DeviceMismatch::Destination(other)));
    let reversed = named(Some(Eui64(node.0.swap_bytes())));
    assert_eq!(outcome_of(config, &reversed), not_for_us(DeviceMismatch::ReversedDestination));
    let lenient = ClientConfig { accept_reversed_destination: true, ..config };
    assert_eq!(outcome_of(lenient, &reversed), None);
    assert_eq!(outcome_of(lenient, &named(None)), not_for_us(DeviceMismatch::NoDestination));
}

/// Shows: CMD-091
#[test]
fn a_specific_file_response_that_does_not_fit_is_malformed() {
    for response in [
        "19 00 09 00 5F11 C0FF 07000000 640000",
        "19 00 09 00 5E11 C0FF 07000000 64000000",
        "19 00 09 00 5F11 C1FF 07000000 64000000",
    ] {
        let mut script = querying_credentials();
        assert!(matches!(script.receive(response), Handled::Ignored(_)), "{response}");
        script.assert_sends("10 00 0B 09 80");
        assert_eq!(
            script.receive_frame(FrameMeta::unicast(SERVER), &offer(0, 0x09, CREDENTIALS, 100)),
            Handled::Done
        );
    }
}

/// Shows: CLI-142, CLI-064, CLI-141
#[test]
fn a_server_without_specific_files_is_not_asked_again() {
    let mut script = querying_credentials();
    assert_eq!(script.receive("18 00 0B 08 81"), Handled::Done);
    assert_eq!(script.expect_end(), Outcome::SpecificFilesUnsupported);
    assert!(script.assert_silent().is_idle());

    let mut script = querying_credentials();
    script.receive_frame(FrameMeta::unicast(SERVER), &offer(0, 0x09, CREDENTIALS, 100));
    script.accept().prepare();
    assert_eq!(script.transmit().expect("a request").1[2], 0x03);
    assert_eq!(script.receive("18 01 0B 03 81"), Handled::Done);
    assert_eq!(script.expect_end(), Outcome::SpecificFilesUnsupported);
    assert!(script.assert_silent().is_idle());
    assert_eq!(script.status(), 0x00);

    let wishes = ClientConfig {
        replace_refusing_server: true,
        discovery_interval: Some(Millis(1)),
        ..with_node_address()
    };
    for refusal in ["19 00 09 7E", "18 00 0B 08 81"] {
        let mut script = Script::new(wishes);
        script.client.query_specific_file(at(0), CREDENTIALS, StackVersion::ZIGBEE_PRO).unwrap();
        script.transmit();
        script.receive(refusal);
        assert!(matches!(script.expect_need(), Need::FindServer(_, None)), "{refusal}");
    }
}

/// If the application answers `VerifyResult::NeedsMore` for a device-specific file, the client treats the file as
/// valid, and does not send REQUIRE_MORE_IMAGE to the server.
#[test]
fn a_specific_file_never_needs_further_images() {
    let mut script = querying_credentials();
    script.receive_frame(FrameMeta::unicast(SERVER), &offer(0, 0x09, CREDENTIALS, 100));
    let ticket = script.download(CREDENTIALS, &credentials_file());
    script.client.verified(script.now, ticket, VerifyResult::NeedsMore(OFFERED)).unwrap();
    script.assert_sends("01 03 06 00 5F11 C0FF 07000000");
    assert_eq!(script.client.pending_images(), 0);
    script.receive("18 03 0B 06 00");
    assert_eq!(script.expect_end(), Outcome::Received(CREDENTIALS));
}
