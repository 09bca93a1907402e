//! The three bytes before the payload: which frames are commands of the cluster, and what the sender says there.

use zigbee_ota::link::DeliveryMode;
use zigbee_ota::zcl::{
    self, CommandId, Direction, Frame, FrameControl, ImageNotify, Message, Quirks, ToClient,
};

use crate::hex;
use crate::laws::bytes::bytes_of;
use crate::table::{self, Vector};

/// Shows: CMD-001
#[test]
fn the_cluster_has_its_id() {
    assert_eq!(zcl::CLUSTER_ID, 0x0019);
}

/// For CMD-005 the directions of 0x04, 0x08 and 0x09 are missing: they are not read.
#[test]
fn commands_have_their_ids() {
    let ids: Vec<u8> = [
        CommandId::IMAGE_NOTIFY,
        CommandId::QUERY_NEXT_IMAGE_REQUEST,
        CommandId::QUERY_NEXT_IMAGE_RESPONSE,
        CommandId::IMAGE_BLOCK_REQUEST,
        CommandId::IMAGE_PAGE_REQUEST,
        CommandId::IMAGE_BLOCK_RESPONSE,
        CommandId::UPGRADE_END_REQUEST,
        CommandId::UPGRADE_END_RESPONSE,
        CommandId::QUERY_SPECIFIC_FILE_REQUEST,
        CommandId::QUERY_SPECIFIC_FILE_RESPONSE,
    ]
    .map(|id| id.0)
    .into();
    assert!(ids.into_iter().eq(0x00..=0x09));
    for Vector { name, hex: text, frame, .. } in table::all() {
        if let Some(command) = frame.command() {
            assert_eq!(hex(text)[2], command.0, "{name}");
        }
    }
}

/// Requests 0x01, 0x03 and 0x06, responses 0x02, 0x05 and 0x07; others are missing for CMD-006 and CMD-007.
///
/// Shows: CMD-003, CMD-004
#[test]
fn requests_ask_for_a_default_response_and_responses_do_not() {
    for Vector { name, frame, .. } in table::all() {
        let expected = match frame.message {
            Message::ToServer(_) => 0x01,
            Message::ToClient(ToClient::ImageNotify(_)) | Message::DefaultResponse(..) => continue,
            Message::ToClient(_) => 0x19,
            Message::Other(_) => unreachable!("the table holds none"),
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
    for vector in table::all() {
        let bytes = hex(vector.hex);
        assert_eq!(bytes[0] & 0b111, u8::from(vector.frame.command().is_some()), "{}", vector.name);
        let with_control = |control: u8| [&[control], &bytes[1..]].concat();
        if vector.frame.command().is_some() {
            other(&with_control(bytes[0] ^ 0b1000));
            other(&with_control(bytes[0] ^ 0b0001));
        }
        other(&with_control(bytes[0] & 0b1111_1100 | 0b10));
        other(&with_control(bytes[0] | 0b11));
        other(&[&[bytes[0] | 0b100, 0x5f, 0x11], &bytes[1..]].concat());
    }
}

#[test]
fn what_is_not_read_is_kept_as_it_is() {
    for unread in table::unread() {
        let payload = hex(unread.payload);
        let bytes = [&[unread.control, unread.sequence, unread.command], &payload[..]].concat();
        for quirks in [Quirks::empty(), Quirks::all()] {
            let frame = Frame::decode(&bytes, quirks).expect(unread.name);
            let Message::Other(other) = frame.message else { panic!("{}: {frame:?}", unread.name) };
            let header = zcl::Header {
                control: FrameControl::from_bits_retain(unread.control),
                manufacturer: None,
                sequence: unread.sequence,
                command: unread.command,
            };
            assert_eq!((other.header(), other.payload()), (header, &payload[..]), "{}", unread.name);
            assert_eq!(bytes_of(&frame), bytes, "{}", unread.name);
        }
    }
}

/// A header read apart, as a machine does that answers what it cannot read, leads to the same frame.
#[test]
fn a_header_read_apart_leads_to_the_same_frame() {
    for vector in table::all() {
        let bytes = hex(vector.hex);
        let (header, payload) = zcl::Header::decode(&bytes).expect(vector.name);
        let to_client = bytes[0] & 0b1000 != 0;
        let direction = if to_client { Direction::ToClient } else { Direction::ToServer };
        assert_eq!(header.direction(), direction, "{}", vector.name);
        assert_eq!(header.is_cluster_command(), vector.frame.command().is_some(), "{}", vector.name);
        assert_eq!(payload, &bytes[3..], "{}", vector.name);
        assert_eq!(Frame::decode_payload(&header, payload, Quirks::empty()), Ok(vector.frame));
    }
}
