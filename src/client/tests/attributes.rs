//! Tests of the attributes of the client in the course of an upgrade.

use super::*;
use crate::zcl::AttributeSnapshot;

const UNSET: u32 = u32::MAX;

/// Returns the attributes FileOffset, DownloadedFileVersion and ImageTypeID.
fn shown_attributes(script: &Script) -> (u8, u32, u32, u16) {
    let AttributeSnapshot { status, file_offset, downloaded_version, image_type, .. } =
        script.client.attributes();
    (status.0, file_offset.unwrap(), downloaded_version.unwrap().0, image_type.unwrap().0)
}

const NORMAL: (u8, u32, u32, u16) = (0x00, UNSET, UNSET, 0xffff);

/// Shows: ATTR-003, ATTR-012, ATTR-015
#[test]
fn a_new_client_shows_the_default_attributes() {
    let expected = AttributeSnapshot {
        current_version: Some(FileVersion(0x1a2b)),
        current_stack: Some(StackVersion::ZIGBEE_PRO),
        manufacturer: Some(OFFERED.manufacturer),
        cluster_revision: Some(1),
        ..AttributeSnapshot::DEFAULT
    };
    assert_eq!(Script::new(config()).client.attributes(), expected);
    // Attributes of later cluster revisions are present only if the configuration names such a revision.
    let later = Script::new(ClientConfig { cluster_revision: 5, ..config() }).client.attributes();
    assert_eq!((later.cluster_revision, later.min_block_period), (Some(5), None));
    assert_eq!(later.activation_policy.map(|policy| policy.0), Some(0));
    assert_eq!(later.timeout_policy.map(|policy| policy.0), Some(0));
    let keep = ClientConfig {
        cluster_revision: 5,
        upgrade_end_fallback: UpgradeEndFallback::KeepWaiting,
        ..config()
    };
    assert_eq!(Script::new(keep).client.attributes().timeout_policy.map(|policy| policy.0), Some(1));
}

/// Shows: FLD-020
#[test]
fn the_preset_for_zigbee_3_shows_the_attributes_of_revision_3() {
    assert!(config().with_zigbee_3(0).report_skipped_offers);
    let attributes = Script::new(config().with_zigbee_3(0xdead_beef)).client.attributes();
    assert_eq!((attributes.cluster_revision, attributes.min_block_period), (Some(3), Some(0)));
    assert_eq!(attributes.image_stamp, Some(0xdead_beef));
    assert_eq!(attributes.activation_policy.map(|policy| policy.0), Some(0));
    assert_eq!(attributes.timeout_policy.map(|policy| policy.0), Some(0));
    // By default, a read of ClusterRevision is answered with 1.
    let mut script = Script::new(config());
    let frame = crate::zcl::Frame::decode(&[0x08, 7, 0x00, 0xfd, 0xff], Quirks::empty()).unwrap();
    let mut out = [0; 16];
    let len = script.client.attributes().answer(&frame, &mut out).unwrap().unwrap();
    assert_eq!(out[..len], [0x10, 7, 0x01, 0xfd, 0xff, 0x00, 0x21, 0x01, 0x00]);
    assert!(script.assert_silent().is_idle());
}

/// Shows: ATTR-017, ATTR-021, ATTR-022, ATTR-023, ATTR-025, ATTR-028, ATTR-029, ATTR-030, ATTR-031, ATTR-032, ESP-020
#[test]
fn the_attributes_follow_an_upgrade() {
    let file = file(|header| header.stack = StackVersion::ZIGBEE_IP);
    let mut script = Script::querying(config());
    assert_eq!(shown_attributes(&script), NORMAL);
    script.receive(OFFER);
    assert_eq!(shown_attributes(&script), (0x01, 0, UNSET, 0x0101));
    script.accept();
    assert_eq!(shown_attributes(&script), (0x01, 0, UNSET, 0x0101));
    script.prepare();
    for (turn, offset) in [0, 30, 60, 90].into_iter().enumerate() {
        assert_eq!(shown_attributes(&script), (0x01, offset, UNSET, 0x0101));
        let (_, request) = script.transmit().expect("a request");
        assert_eq!(usize::from(request[1]), turn + 1);
        let start = offset as usize;
        script.receive_block(request[1], offset, &file[start..file.len().min(start + 30)]);
    }
    assert_eq!(
        shown_attributes(&script),
        (0x01, 100, UNSET, 0x0101),
        "the file is complete, but not verified"
    );
    script.verify(VerifyResult::Valid);
    assert_eq!(shown_attributes(&script), (0x02, 100, 0x1a2c, 0x0101));
    assert_eq!(script.client.attributes().downloaded_stack, Some(StackVersion::ZIGBEE_IP));
    script.assert_sends("01 05 06 00 5F11 0101 2C1A0000");
    assert_eq!(script.status(), 0x02);
    script.receive("19 05 07 5F11 0101 2C1A0000 00000000 0A000000");
    assert_eq!(shown_attributes(&script), (0x04, 100, 0x1a2c, 0x0101));
    let before = script.client.attributes();
    assert_eq!(before.current_version, Some(FileVersion(0x1a2b)));
    assert_eq!(before.current_stack, Some(StackVersion::ZIGBEE_PRO));
    let ticket = script.advance_to(10_000).expect_apply();
    script.client.applied(script.now, ticket, ApplyResult::Done).unwrap();
    assert_eq!(shown_attributes(&script), NORMAL);
    let after = script.client.attributes();
    assert_eq!(after.current_version, Some(FileVersion(0x1a2c)));
    assert_eq!(after.current_stack, Some(StackVersion::ZIGBEE_IP));
    assert_eq!(after.downloaded_stack, Some(StackVersion(u16::MAX)));
}

/// Shows: ATTR-024
#[test]
fn a_wait_for_the_upgrade_shows_as_waiting_to_upgrade() {
    let mut script = Script::ending(config());
    script.receive("19 03 07 5F11 0101 2C1A0000 00000000 FFFFFFFF");
    assert_eq!(shown_attributes(&script), (0x03, 100, 0x1a2c, 0x0101));
}

/// Shows: ATTR-020, ATTR-030, ATTR-032
#[test]
fn every_failure_returns_the_attributes_to_normal() {
    let mut aborted = Script::downloading(config());
    aborted.assert_requests_block(0);
    aborted.receive("19 01 05 95");
    let mut invalid = Script::downloaded(config(), &file(|_| {}));
    invalid.verify(VerifyResult::Invalid).assert_sends("01 03 06 96 5F11 0101 2C1A0000");
    assert_eq!(shown_attributes(&invalid), NORMAL, "while the failure is reported to the server");
    invalid.receive("18 03 0B 06 00");
    let mut gone = Script::downloading(without_pause(config()));
    for turn in 1..=3_u8 {
        gone.assert_requests_block(0);
        gone.receive(&std::format!("18 {turn:02x} 0B 03 98"));
        gone.advance_to(u64::from(turn) * 1000);
    }
    let mut silent = Script::downloading(without_pause(ClientConfig { max_block_attempts: 1, ..config() }));
    silent.assert_requests_block(0);
    silent.advance_to(3000).assert_sends("01 02 06 95 5F11 0101 2C1A0000");
    let mut refused = Script::ending(config());
    refused.receive("18 03 0B 06 7E");
    for script in [aborted, invalid, gone, silent, refused] {
        assert_eq!(shown_attributes(&script), NORMAL);
    }
}

/// Shows: ATTR-017
#[test]
fn attributes_can_be_read_by_any_node_in_any_state() {
    for (script, status, from) in [
        (Script::new(config()), 0x00, STRANGER),
        (Script::downloading(config()), 0x01, SERVER),
        (Script::ending(config()), 0x02, SERVER),
    ] {
        let mut script = script;
        let question = hex("00 2A 00 0600 0200");
        let question = [&[0x08], &question[1..]].concat();
        let handled = script.client.handle_frame(script.now, FrameMeta::unicast(from), &question);
        let ClientAction::AnswerAttributes(frame) = handled else { panic!("{handled:?}") };
        let mut out = [0; 64];
        let len = script.client.attributes().answer(&frame, &mut out).unwrap().expect("an answer");
        let expected = std::format!("10 2A 01 0600 00 30 {status:02x} 0200 00 23 2B1A0000");
        assert_eq!(out[..len], hex(&expected));
    }
    // A broadcast is not answered, and a Read Attributes Response is ignored.
    let mut script = Script::new(config());
    let handled = script.receive_by(DeliveryMode::Broadcast, "08 2A 00 0600");
    assert_eq!(handled, Handled::Ignored(ClientIgnored::NotUnicast));
    assert_eq!(script.receive("18 2A 01 0600 00 30 00"), Handled::Ignored(ClientIgnored::NotForClients));
    assert_eq!(
        script.receive("08 2A 02 0600 30 01"),
        Handled::AttributeRequest,
        "a Write Attributes is answered with a refusal"
    );
}
