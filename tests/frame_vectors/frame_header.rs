//! Vectors of the ZCL header: frame type, direction, Default Response bit and manufacturer code.

use zigbee_ota::ManufacturerCode;
use zigbee_ota::aps::DeliveryMode;
use zigbee_ota::zcl::{self, CommandId, Direction, Frame, ImageNotify, Message, OtherKind, Quirks, ToClient};

use crate::hex;
use crate::properties::encode_contract::bytes_of;
use crate::vector_table::{self, Vector};

/// Shows: CMD-001
#[test]
fn the_cluster_has_its_id() {
    assert_eq!(zcl::CLUSTER_ID, 0x0019);
}

/// Shows: CMD-005
#[test]
fn commands_have_their_ids_and_directions() {
    use Direction::{ToClient, ToServer};

    let expected = [
        (CommandId::IMAGE_NOTIFY, ToClient, false),
        (CommandId::QUERY_NEXT_IMAGE_REQUEST, ToServer, true),
        (CommandId::QUERY_NEXT_IMAGE_RESPONSE, ToClient, true),
        (CommandId::IMAGE_BLOCK_REQUEST, ToServer, true),
        (CommandId::IMAGE_PAGE_REQUEST, ToServer, false),
        (CommandId::IMAGE_BLOCK_RESPONSE, ToClient, true),
        (CommandId::UPGRADE_END_REQUEST, ToServer, true),
        (CommandId::UPGRADE_END_RESPONSE, ToClient, true),
        (CommandId::QUERY_SPECIFIC_FILE_REQUEST, ToServer, false),
        (CommandId::QUERY_SPECIFIC_FILE_RESPONSE, ToClient, false),
    ];
    for (id, (command, direction, mandatory)) in (0..).zip(expected) {
        assert_eq!((command.0, command.direction()), (id, Some(direction)), "{command}");
        assert_eq!(command.is_mandatory(), mandatory, "{command}");
        let control = if direction == ToClient { 0x19 } else { 0x01 };
        // Each command has fields, so that an empty payload is an error if the command is decoded.
        let error = Frame::decode(&[control, 7, id], Quirks::empty()).expect_err("its fields are missing");
        assert_eq!(error.item.to_string(), command.to_string());
        assert!(
            Frame::decode(&[control ^ 0b1000, 7, id], Quirks::empty()).is_ok(),
            "{command} the other way"
        );
    }
    for id in (10..=u8::MAX).map(CommandId) {
        assert_eq!((id.direction(), id.is_mandatory()), (None, false));
    }
    let mut seen = std::collections::BTreeSet::new();
    for Vector { name, hex: text, frame, .. } in vector_table::all() {
        if let Some(command) = frame.command() {
            assert_eq!(hex(text)[2], command.0, "{name}");
            assert_eq!(Some(frame.message.direction()), command.direction(), "{name}");
            seen.insert(command);
        }
    }
    assert!(seen.into_iter().map(|command| command.0).eq(0..=9), "each has a vector");
}

/// Shows: CMD-003, CMD-004, CMD-006, CMD-007
#[test]
fn requests_ask_for_a_default_response_and_responses_do_not() {
    for Vector { name, frame, .. } in vector_table::all() {
        let expected = match frame.message {
            Message::ToServer(_) => 0x01,
            Message::ToClient(ToClient::ImageNotify(_)) | Message::DefaultResponse(..) => continue,
            Message::ToClient(_) => 0x19,
            _ => unreachable!("the table holds none"),
        };
        assert_eq!(bytes_of(&frame)[0], expected, "{name}");
    }
    let notify = Frame::notify(7, ImageNotify::UNICAST, DeliveryMode::Unicast);
    assert_eq!(bytes_of(&notify)[0], 0x09);
}

/// Shows: CMD-008
#[test]
fn a_notify_to_one_asks_for_a_default_response() {
    for (delivery, control) in
        [(DeliveryMode::Unicast, 0x09), (DeliveryMode::Multicast, 0x19), (DeliveryMode::Broadcast, 0x19)]
    {
        assert_eq!(bytes_of(&Frame::notify(7, ImageNotify::UNICAST, delivery))[0], control);
    }
}

/// Every command with every other frame type, with a manufacturer code, and the other way round.
///
/// Shows: CMD-002
#[test]
fn only_plain_cluster_frames_in_their_direction_are_commands() {
    let other = |bytes: &[u8]| {
        let frame = Frame::decode(bytes, Quirks::empty()).expect("not read");
        assert!(matches!(frame.message, Message::Other(_)), "{bytes:02x?}");
        assert_eq!(frame.command(), None);
        assert_eq!(bytes_of(&frame), bytes);
    };
    for vector in vector_table::all() {
        let bytes = hex(vector.hex);
        assert_eq!(bytes[0] & 0b111, u8::from(vector.frame.command().is_some()), "{}", vector.name);
        let with_control = |control: u8| [&[control], &bytes[1..]].concat();
        if vector.frame.command().is_some() {
            other(&with_control(bytes[0] ^ 0b1000));
            // Global commands have other ids.
            let global = with_control(bytes[0] ^ 0b0001);
            match Frame::decode(&global, Quirks::empty()) {
                Ok(frame) => assert_eq!(frame.command(), None, "{}", vector.name),
                Err(error) => assert!(error.item.to_string().contains("Attributes"), "{error}"),
            }
        }
        other(&with_control(bytes[0] & 0b1111_1100 | 0b10));
        other(&with_control(bytes[0] | 0b11));
        other(&[&[bytes[0] | 0b100, 0x5f, 0x11], &bytes[1..]].concat());
    }
}

/// A frame that is not decoded, with the reason.
struct Unread {
    hex: &'static str,
    why: OtherKind,
}

/// Commands of the cluster in the wrong direction or unassigned, global commands that do not concern attributes, commands of
/// a manufacturer, and reserved frame types.
fn unread() -> Vec<Unread> {
    use OtherKind::{Global, ManufacturerSpecific, ReservedFrameType, Unassigned, WrongDirection};

    let unread = |hex, why| Unread { hex, why };
    vec![
        unread("090703 005f1101012b1a00000000000032", WrongDirection(CommandId::IMAGE_BLOCK_REQUEST)),
        unread("090704", WrongDirection(CommandId::IMAGE_PAGE_REQUEST)),
        unread("090708 00", WrongDirection(CommandId::QUERY_SPECIFIC_FILE_REQUEST)),
        unread("010705 95", WrongDirection(CommandId::IMAGE_BLOCK_RESPONSE)),
        unread("010709 98", WrongDirection(CommandId::QUERY_SPECIFIC_FILE_RESPONSE)),
        unread("01070a 0102", Unassigned(CommandId(0x0a))),
        unread("1907ff", Unassigned(CommandId(0xff))),
        // Write Attributes Undivided, Configure Reporting, Report Attributes, and an unassigned id.
        unread("080703 0600300000", Global(0x03)),
        unread("080706 00060030000000ff00", Global(0x06)),
        unread("18070a 06003001", Global(0x0a)),
        unread("0807fe", Global(0xfe)),
        unread("055f110703 00", ManufacturerSpecific(ManufacturerCode(0x115f))),
        unread("0c0b100700 0600", ManufacturerSpecific(ManufacturerCode(0x100b))),
        unread("07ffff0703", ManufacturerSpecific(ManufacturerCode::ANY)),
        unread("020703 00", ReservedFrameType(2)),
        unread("0b070b 0000", ReservedFrameType(3)),
    ]
}

/// A frame that is not decoded keeps its reason and its bytes, whatever its payload.
#[test]
fn what_is_not_read_is_kept_as_it_is() {
    for Unread { hex: text, why } in unread() {
        let bytes = hex(text);
        let (header, payload) = zcl::FrameHeader::decode(&bytes).expect("a header");
        for quirks in [Quirks::empty(), Quirks::all()] {
            let frame = Frame::decode(&bytes, quirks).expect(text);
            let Message::Other(other) = frame.message else { panic!("{text}: {frame:?}") };
            assert_eq!((other.why(), other.header(), other.payload()), (why, header, payload), "{text}");
            assert_eq!((frame.command(), frame.message.check()), (None, Ok(())), "{text}");
            assert_eq!(bytes_of(&frame), bytes, "{text}");
        }
    }
}

/// Decoding header and payload separately, as client and server do, gives the same frame.
#[test]
fn a_header_read_apart_leads_to_the_same_frame() {
    for vector in vector_table::all() {
        let bytes = hex(vector.hex);
        let (header, payload) = zcl::FrameHeader::decode(&bytes).expect(vector.name);
        let to_client = bytes[0] & 0b1000 != 0;
        let direction = if to_client { Direction::ToClient } else { Direction::ToServer };
        assert_eq!(header.direction(), direction, "{}", vector.name);
        assert_eq!(header.is_cluster_command(), vector.frame.command().is_some(), "{}", vector.name);
        assert_eq!(payload, &bytes[3..], "{}", vector.name);
        assert_eq!(Frame::decode_payload(&header, payload, Quirks::empty()), Ok(vector.frame));
    }
}
