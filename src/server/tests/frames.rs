//! What is no request, and what is a bad one.

use super::*;
use crate::error::{DecodeErrorKind, Item};

/// Shows: CMD-013, SRV-081
#[test]
fn commands_nobody_has_are_unsupported() {
    let mut desk = Desk::with(vec![plain(5, 101)]);
    assert_eq!(desk.ask(LAMP, "01 07 0a"), "18 07 0b 0a 81");
    assert_eq!(desk.ask(LAMP, "01 08 ff 01 02 03"), "18 08 0b ff 81");
    // Disable-default-response does not cover errors.
    assert_eq!(desk.ask(LAMP, "11 09 0a"), "18 09 0b 0a 81");
    // Image Page Request and Query Specific File Request, well-formed.
    let page = "01 0a 04 00 01 10 ab 00 05 00 00 00 00 00 00 00 32 00 02 0a 00";
    assert_eq!(desk.ask(LAMP, page), "18 0a 0b 04 81");
    let specific = "01 0b 08 01 00 00 00 00 00 00 00 01 10 c1 ff 05 00 00 00 02 00";
    assert_eq!(desk.ask(LAMP, specific), "18 0b 0b 08 81");
    for delivery in [DeliveryMode::Broadcast, DeliveryMode::Multicast] {
        let handled = desk.handle_as(Meta::new(LAMP, delivery), &bytes("01 07 0a"));
        assert_eq!(handled, Handled::Ignored(Ignored::NotUnicast));
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
        ("09 07 00 00 64", Ignored::ToClient),
        ("19 07 05 95", Ignored::ToClient),
        ("09 07 03 00", Ignored::ToClient),
        ("18 07 0b 03 00", Ignored::ToClient),
        ("05 5f 11 07 03 00", Ignored::ManufacturerSpecific),
        ("04 5f 11 07 0b 03 00", Ignored::ManufacturerSpecific),
        ("00 07 00 06 00", Ignored::NotOfCluster),
        ("02 07 03", Ignored::NotOfCluster),
        ("03 07 03", Ignored::NotOfCluster),
    ] {
        assert_eq!(desk.handle(LAMP, frame), Handled::Ignored(why), "{frame}");
    }
    for (frame, item) in
        [("", Item::FrameHeader), ("01 07", Item::FrameHeader), ("00 07 0b 03", Item::DefaultResponse)]
    {
        match desk.handle(LAMP, frame) {
            Handled::Ignored(Ignored::Unreadable(error)) => assert_eq!(error.item, item),
            other => panic!("{frame}: {other:?}"),
        }
    }
    assert_eq!(desk.events(), []);
    assert!(desk.server.session(LAMP).is_none());
}

#[test]
fn nobody_who_asks_more_than_one_is_answered() {
    let mut desk = Desk::with(vec![plain(5, 101)]);
    for frame in [
        "01 07 01 00 01 10 ab 00 01 00 00 00",
        "01 07 03 00 01 10 ab 00 05 00 00 00 00 00 00 00 32",
        "01 07 03 00 01 10 ab 00 05 00 00 00 ff ff 00 00 32",
        "01 07 06 00 01 10 ab 00 05 00 00 00",
        "01 07 06",
    ] {
        for delivery in [DeliveryMode::Broadcast, DeliveryMode::Multicast] {
            let handled = desk.handle_as(Meta::new(LAMP, delivery), &bytes(frame));
            assert_eq!(handled, Handled::Ignored(Ignored::NotUnicast));
        }
    }
    assert_eq!(desk.events(), []);
    assert!(desk.server.session(LAMP).is_none());
}

/// Shows: SRV-008
#[test]
fn a_default_response_is_an_event_and_is_not_answered() {
    let mut desk = Desk::with(vec![]);
    // With and without disable-default-response; MALFORMED_COMMAND for an Image Block Response.
    for frame in ["10 07 0b 05 80", "00 07 0b 05 80"] {
        assert_eq!(desk.handle(LAMP, frame), Handled::Done);
        let (command, status) = (CommandId::IMAGE_BLOCK_RESPONSE, Status::MALFORMED_COMMAND);
        assert_eq!(desk.events(), [Event::DefaultResponse { client: LAMP, command, status }]);
    }
}

/// Shows: CMD-040
#[test]
fn a_query_that_misses_a_field_is_malformed() {
    let query = "01 07 01 00 01 10 ab 00 01 00 00 00";
    let mut desk = Desk::with(vec![plain(5, 101)]);
    malformed_prefixes(&mut desk, query, "18 07 0b 01 80", Item::QueryNextImageRequest);
    let hardware = "01 07 01 01 01 10 ab 00 01 00 00 00 02 01";
    malformed_prefixes(&mut desk, hardware, "18 07 0b 01 80", Item::QueryNextImageRequest);
    assert_eq!((desk.policy.candidates.len(), desk.policy.offers.len()), (0, 0));
    assert_eq!(desk.ask(LAMP, query), "19 07 02 00 01 10 ab 00 05 00 00 00 65 00 00 00");
    assert_eq!(desk.policy.offers.len(), 1);
}

/// Shows: CMD-076, SRV-062
#[test]
fn an_end_that_misses_a_field_is_malformed() {
    let mut desk = Desk::with(vec![plain(5, 101)]);
    let end = "01 07 06 00 01 10 ab 00 05 00 00 00";
    malformed_prefixes(&mut desk, end, "18 07 0b 06 80", Item::UpgradeEndRequest);
}

/// Shows: CMD-077
#[test]
fn an_end_of_a_status_alone_is_malformed_and_told() {
    let mut desk = Desk::with(vec![plain(5, 101)]);
    assert_eq!(desk.ask(LAMP, "01 07 06 95"), "18 07 0b 06 80");
    let error = DecodeError {
        item: Item::UpgradeEndRequest,
        offset: 3,
        kind: DecodeErrorKind::Truncated { needed: 9, present: 1 },
    };
    assert_eq!(desk.events(), [Event::Malformed { client: LAMP, fault: Fault::Bytes(error) }]);
}

/// Every payload of `frame` that is cut short is answered so, whether errors are wanted or not.
pub(super) fn malformed_prefixes<I: ImageStore, P: Policy>(
    desk: &mut Desk<I, P>,
    frame: &str,
    answer: &str,
    item: Item,
) {
    let whole = bytes(frame);
    for len in 3..whole.len() {
        let mut cut = whole[..len].to_vec();
        for control in [0x01, 0x11] {
            cut[0] = control;
            assert_eq!(desk.ask(LAMP, &hex(&cut)), answer);
            match desk.events()[..] {
                [Event::Malformed { client: LAMP, fault: Fault::Bytes(error) }] => {
                    assert_eq!(error.item, item)
                }
                ref other => panic!("{other:?}"),
            }
        }
    }
}
