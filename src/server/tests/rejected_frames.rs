//! Tests of unsupported commands, malformed requests, attribute commands and Default Responses.

use super::*;
use crate::error::DecodeErrorKind;

/// Shows: CMD-013, SRV-081
#[test]
fn unassigned_commands_are_unsupported() {
    let mut desk = Desk::with(vec![plain(5, 101)]);
    assert_eq!(desk.ask(LAMP, "01 07 0a"), "18 07 0b 0a 81");
    assert_eq!(desk.ask(LAMP, "01 08 ff 01 02 03"), "18 08 0b ff 81");
    // Errors are answered even if the request disables the default response.
    assert_eq!(desk.ask(LAMP, "11 09 0a"), "18 09 0b 0a 81");
    for delivery in [DeliveryMode::Broadcast, DeliveryMode::Multicast] {
        let handled = desk.handle_as(FrameMeta::new(LAMP, delivery), &bytes("01 07 0a"));
        assert_eq!(handled, ServerAction::Ignored(ServerIgnored::NotUnicast));
    }
    assert_eq!(desk.events(), []);
}

/// Shows: CMD-014
#[test]
fn commands_for_clients_are_unsupported_when_sent_to_a_server() {
    let mut desk = Desk::with(vec![plain(5, 101)]);
    for (command, answer) in [
        ("01 07 00", "18 07 0b 00 81"),
        ("01 07 02", "18 07 0b 02 81"),
        ("01 07 05", "18 07 0b 05 81"),
        ("01 07 07", "18 07 0b 07 81"),
        ("01 07 09", "18 07 0b 09 81"),
    ] {
        assert_eq!(desk.ask(LAMP, command), answer);
    }
}

#[test]
fn frames_for_others_are_ignored() {
    let mut desk = Desk::with(vec![plain(5, 101)]);
    for (frame, why) in [
        ("09 07 00 00 64", ServerIgnored::ToClient),
        ("19 07 05 95", ServerIgnored::ToClient),
        ("09 07 03 00", ServerIgnored::ToClient),
        ("18 07 0b 03 00", ServerIgnored::ToClient),
        ("05 5f 11 07 03 00", ServerIgnored::ManufacturerSpecific),
        ("04 5f 11 07 0b 03 00", ServerIgnored::ManufacturerSpecific),
        ("02 07 03", ServerIgnored::NotOfCluster),
        ("03 07 03", ServerIgnored::NotOfCluster),
    ] {
        assert_eq!(desk.handle(LAMP, frame), ServerAction::Ignored(why), "{frame}");
    }
    for (frame, item) in [("", "ZCL header"), ("01 07", "ZCL header"), ("00 07 0b 03", "Default Response")] {
        match desk.handle(LAMP, frame) {
            ServerAction::Ignored(ServerIgnored::Unreadable(error)) => assert_eq!(error.item, item),
            other => panic!("{frame}: {other:?}"),
        }
    }
    assert_eq!(desk.events(), []);
    assert!(desk.server.session(LAMP).is_none());
}

#[test]
fn broadcasts_and_multicasts_are_not_answered() {
    let mut desk = Desk::with(vec![plain(5, 101)]);
    for frame in [
        "01 07 01 00 01 10 ab 00 01 00 00 00",
        "01 07 03 00 01 10 ab 00 05 00 00 00 00 00 00 00 32",
        "01 07 03 00 01 10 ab 00 05 00 00 00 ff ff 00 00 32",
        "01 07 06 00 01 10 ab 00 05 00 00 00",
        "01 07 06",
    ] {
        for delivery in [DeliveryMode::Broadcast, DeliveryMode::Multicast] {
            let handled = desk.handle_as(FrameMeta::new(LAMP, delivery), &bytes(frame));
            assert_eq!(handled, ServerAction::Ignored(ServerIgnored::NotUnicast));
        }
    }
    assert_eq!(desk.events(), []);
    assert!(desk.server.session(LAMP).is_none());
}

/// A server has no attributes to read.
#[test]
fn a_read_attribute_is_unsupported() {
    let mut desk = Desk::with(vec![]);
    assert_eq!(desk.ask(LAMP, "00 07 00 06 00"), "18 07 01 06 00 86");
}

/// Shows: SRV-083
#[test]
fn a_descriptor_names_the_cluster() {
    assert_eq!(zcl::CLUSTER_ID, 0x0019);
    // What a server takes as input are the commands to it, and what it sends are those to clients.
    use Direction::{ToClient, ToServer};
    let due =
        [ToClient, ToServer, ToClient, ToServer, ToServer, ToClient, ToServer, ToClient, ToServer, ToClient];
    for (command, due) in (0..).zip(due) {
        assert_eq!(CommandId(command).direction(), Some(due));
    }
}

/// Shows: SRV-008
#[test]
fn a_default_response_is_an_event_and_is_not_answered() {
    let mut desk = Desk::with(vec![]);
    // With and without disable-default-response; MALFORMED_COMMAND for an Image Block Response.
    for frame in ["10 07 0b 05 80", "00 07 0b 05 80"] {
        assert_eq!(desk.handle(LAMP, frame), ServerAction::Done);
        let (command, status) = (CommandId::IMAGE_BLOCK_RESPONSE, Status::MALFORMED_COMMAND);
        assert_eq!(desk.events(), [ServerEvent::DefaultResponse { client: LAMP, command, status }]);
    }
}

/// Shows: CMD-040
#[test]
fn a_query_that_misses_a_field_is_malformed() {
    let query = "01 07 01 00 01 10 ab 00 01 00 00 00";
    let mut desk = Desk::with(vec![plain(5, 101)]);
    malformed_prefixes(&mut desk, query, "18 07 0b 01 80", "Query Next Image Request");
    let hardware = "01 07 01 01 01 10 ab 00 01 00 00 00 02 01";
    malformed_prefixes(&mut desk, hardware, "18 07 0b 01 80", "Query Next Image Request");
    assert_eq!((desk.policy.candidates.len(), desk.policy.offers.len()), (0, 0));
    assert_eq!(desk.ask(LAMP, query), "19 07 02 00 01 10 ab 00 05 00 00 00 65 00 00 00");
    assert_eq!(desk.policy.offers.len(), 1);
}

/// Shows: CMD-076, SRV-062
#[test]
fn an_end_that_misses_a_field_is_malformed() {
    let mut desk = Desk::with(vec![plain(5, 101)]);
    let end = "01 07 06 00 01 10 ab 00 05 00 00 00";
    malformed_prefixes(&mut desk, end, "18 07 0b 06 80", "Upgrade End Request");
}

/// Shows: CMD-077
#[test]
fn an_end_of_a_status_alone_is_malformed_and_told() {
    let mut desk = Desk::with(vec![plain(5, 101)]);
    assert_eq!(desk.ask(LAMP, "01 07 06 95"), "18 07 0b 06 80");
    let error = DecodeError {
        item: "Upgrade End Request",
        offset: 3,
        kind: DecodeErrorKind::Truncated { needed: 9, present: 1 },
    };
    assert_eq!(
        desk.events(),
        [ServerEvent::Malformed { client: LAMP, fault: RequestFault::Undecodable(error) }]
    );
}

/// Asserts that the server answers every truncated payload of `frame` with MALFORMED_COMMAND, whether or not the frame
/// disables the Default Response.
pub(super) fn malformed_prefixes<I: ImageStore, P: ServerPolicy>(
    desk: &mut Desk<I, P>,
    frame: &str,
    answer: &str,
    item: &'static str,
) {
    let whole = bytes(frame);
    for len in 3..whole.len() {
        let mut cut = whole[..len].to_vec();
        for control in [0x01, 0x11] {
            cut[0] = control;
            assert_eq!(desk.ask(LAMP, &hex(&cut)), answer);
            match desk.events()[..] {
                [ServerEvent::Malformed { client: LAMP, fault: RequestFault::Undecodable(error) }] => {
                    assert_eq!(error.item, item)
                }
                ref other => panic!("{other:?}"),
            }
        }
    }
}

#[test]
fn reasons_to_ignore_a_frame_have_texts() {
    for (why, text) in [
        (ServerIgnored::NotUnicast, "not sent to this node alone"),
        (ServerIgnored::ToClient, "sent from a server to a client"),
        (ServerIgnored::ManufacturerSpecific, "manufacturer specific"),
        (ServerIgnored::NotOfCluster, "not a command of the cluster"),
    ] {
        assert_eq!(std::string::ToString::to_string(&why), text);
    }
    let fault = RequestFault::OffsetBeyondEnd { id: IMAGE, offset: 101, size: 100 };
    assert_eq!(
        std::string::ToString::to_string(&fault),
        "offset 101 of image 1001-00AB-00000005, which has 100 bytes"
    );
}
