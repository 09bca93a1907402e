//! Vectors of every command: decoding, encoding, and the errors of truncated frames. Some vectors follow the field tables of the
//! specification, others were sent by devices.

use std::collections::BTreeSet;

use zigbee_ota::zcl::{
    self, Direction, Frame, ImageBlockRequest, ImagePageRequest, Message, QueryResponse,
    QuerySpecificFileRequest, Quirks, Refusal, Status, ToClient, ToServer,
};
use zigbee_ota::{DecodeError, DecodeErrorKind, Encode, Eui64, ImageId, StackVersion};

use properties::encode_contract::bytes_of;
use vector_table::{Piece, Vector};

#[path = "../common/properties"]
mod properties {
    pub mod encode_contract;
}
mod attribute_commands;
mod attribute_responses;
mod device_deviations;
mod display;
mod frame_header;
mod rule_violations;
mod vector_table;

/// Bytes from hexadecimal digits; blanks between the digits are ignored.
fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.chars().filter_map(|c| c.to_digit(16)).map(|digit| digit as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

/// Asserts that each vector decodes strictly to its value, and that the value encodes to the vector.
fn check(vectors: &[Vector]) {
    for Vector { name, hex: text, frame, .. } in vectors {
        let bytes = hex(text);
        assert_eq!(Frame::decode(&bytes, Quirks::empty()), Ok(*frame), "{name}");
        assert_eq!(bytes_of(frame), bytes, "{name}");
    }
}

/// Lengths of the payloads among `vectors`, each once.
fn payload_lens(vectors: &[Vector]) -> BTreeSet<usize> {
    vectors.iter().map(|vector| vector.frame.encoded_len() - 3).collect()
}

#[test]
fn hexadecimal_is_read() {
    assert_eq!(hex("0aF0\n 5b"), [0x0a, 0xf0, 0x5b]);
}

/// Shows: CMD-024
#[test]
fn image_notify_has_four_forms() {
    check(&vector_table::notify());
    assert_eq!(payload_lens(&vector_table::notify()), [2, 4, 6, 10].into());
}

/// Shows: CMD-034, CMD-039
#[test]
fn query_next_image_request_has_two_forms() {
    check(&vector_table::query_request());
    assert_eq!(payload_lens(&vector_table::query_request()), [9, 11].into());
}

/// Shows: CMD-041
#[test]
fn query_next_image_response_has_two_forms() {
    check(&vector_table::query_response());
    assert_eq!(payload_lens(&vector_table::query_response()), [13, 1].into());
    for refusal in (0..=u8::MAX).filter_map(|status| Refusal::new(Status(status))) {
        let response = ToClient::QueryNextImage(QueryResponse::Refused(refusal));
        assert_eq!(bytes_of(&Frame::response(7, response)), [0x19, 7, 0x02, refusal.status().0]);
    }
}

/// Shows: CMD-046
#[test]
fn image_block_request_has_two_forms_and_two_of_later_revisions() {
    check(&vector_table::block_request());
    assert_eq!(payload_lens(&vector_table::block_request()), [14, 22, 24, 16].into());
}

/// Shows: CMD-057
#[test]
fn image_page_request_has_two_forms() {
    check(&vector_table::page_request());
    assert_eq!(payload_lens(&vector_table::page_request()), [18, 26].into());
}

/// Shows: CMD-063, CMD-064, CMD-066
#[test]
fn image_block_response_has_three_forms() {
    check(&vector_table::block_response());
    let lens = payload_lens(&vector_table::block_response());
    assert!(lens.is_superset(&[14, 15, 14 + 255, 9, 1].into()), "{lens:?}");
}

/// Shows: CMD-073
#[test]
fn upgrade_end_request_has_one_form() {
    check(&vector_table::end_request());
    assert_eq!(payload_lens(&vector_table::end_request()), [9].into());
}

/// Shows: CMD-078, CMD-079
#[test]
fn upgrade_end_response_has_one_form() {
    check(&vector_table::end_response());
    assert_eq!(payload_lens(&vector_table::end_response()), [16].into());
}

/// Shows: CMD-082, CMD-084
#[test]
fn query_specific_file_request_has_one_form() {
    check(&vector_table::specific_request());
    assert_eq!(payload_lens(&vector_table::specific_request()), [18].into());
    for version in [0, 1, 0x1234_5678, u32::MAX] {
        let id = ImageId::new(1, 0xffc1, version);
        let request = QuerySpecificFileRequest { node: Eui64(2), id, stack: StackVersion(3) };
        let bytes = bytes_of(&Frame::to_server(7, ToServer::QuerySpecificFile(request)));
        assert_eq!(bytes[15..19], version.to_le_bytes());
        assert_eq!(request.check(), Ok(()), "any version may be wanted");
    }
}

/// Shows: CMD-087
#[test]
fn query_specific_file_response_has_two_forms() {
    check(&vector_table::specific_response());
    assert_eq!(payload_lens(&vector_table::specific_response()), [13, 1].into());
    for refusal in (0..=u8::MAX).filter_map(|status| Refusal::new(Status(status))) {
        let response = ToClient::QuerySpecificFile(QueryResponse::Refused(refusal));
        assert_eq!(bytes_of(&Frame::response(7, response)), [0x19, 7, 0x09, refusal.status().0]);
    }
}

/// Shows: CMD-012
#[test]
fn default_response_is_command_and_status() {
    check(&vector_table::default_response());
    assert_eq!(payload_lens(&vector_table::default_response()), [2].into());
}

/// Shows: CMD-025
#[test]
fn payload_types_from_4_are_reserved() {
    for payload_type in 4..=u8::MAX {
        for quirks in [Quirks::empty(), Quirks::all()] {
            let bytes = [0x09, 7, 0x00, payload_type, 50, 0x5f, 0x11, 1, 1, 1, 0, 0, 0];
            let kind = DecodeErrorKind::ReservedPayloadType(payload_type);
            let error = DecodeError { item: "Image Notify", offset: 3, kind };
            assert_eq!(Frame::decode(&bytes, quirks), Err(error));
        }
    }
}

/// Shows: CMD-035
#[test]
fn field_control_of_a_query_announces_the_hardware_version() {
    let missing = hex("013f01 015f1101012b1a0000");
    let kind = DecodeErrorKind::Truncated { needed: 2, present: 0 };
    let error = DecodeError { item: "Query Next Image Request", offset: 12, kind };
    assert_eq!(Frame::decode(&missing, Quirks::all()), Err(error));
    let silent = hex("013f01 005f1101012b1a00000100");
    let kind = DecodeErrorKind::TrailingBytes { count: 2 };
    assert_eq!(Frame::decode(&silent, Quirks::empty()), Err(DecodeError { kind, ..error }));
}

/// Shows: CMD-047
#[test]
fn field_control_of_a_block_request_announces_the_node() {
    let missing = hex("018503 015f11c1ff03000000341200003f");
    let kind = DecodeErrorKind::Truncated { needed: 8, present: 0 };
    let error = DecodeError { item: "Image Block Request", offset: 17, kind };
    assert_eq!(Frame::decode(&missing, Quirks::all()), Err(error));
    let silent = hex("018503 005f11c1ff03000000341200003f04030201004b1200");
    let kind = DecodeErrorKind::TrailingBytes { count: 8 };
    assert_eq!(Frame::decode(&silent, Quirks::empty()), Err(DecodeError { kind, ..error }));
}

/// Shows: CMD-058
#[test]
fn field_control_of_a_page_request_announces_the_node() {
    let missing = hex("01a104 015f1101012b1a0000000000003200040000");
    let kind = DecodeErrorKind::Truncated { needed: 8, present: 0 };
    let error = DecodeError { item: "Image Page Request", offset: 21, kind };
    assert_eq!(Frame::decode(&missing, Quirks::all()), Err(error));
    let silent = hex("01af04 005f11c0ff010000000010000030e001ffff04030201004b1200");
    let kind = DecodeErrorKind::TrailingBytes { count: 8 };
    assert_eq!(Frame::decode(&silent, Quirks::empty()), Err(DecodeError { kind, ..error }));
}

/// Shows: CMD-061
#[test]
fn response_spacing_is_any_number_of_milliseconds() {
    for spacing in 0..=u16::MAX {
        let id = ImageId::new(1, 2, 3);
        let request = ImagePageRequest::new(id, 4, 5, 6, spacing);
        assert_eq!(request.check(), Ok(()));
        let frame = Frame::to_server(7, ToServer::ImagePage(request));
        let bytes = bytes_of(&frame);
        assert_eq!(bytes[19..], spacing.to_le_bytes());
        assert_eq!(Frame::decode(&bytes, Quirks::empty()), Ok(frame));
    }
}

/// Shows: CMD-052
#[test]
fn maximum_data_size_is_any_byte() {
    for max_data in 0..=u8::MAX {
        let id = ImageId::new(1, 2, 3);
        let request = ImageBlockRequest::new(id, 4, max_data);
        let frame = Frame::to_server(7, ToServer::ImageBlock(request));
        let bytes = bytes_of(&frame);
        assert_eq!(bytes[16], max_data);
        assert_eq!(Frame::decode(&bytes, Quirks::empty()), Ok(frame));
    }
}

/// Shows: CMD-069
#[test]
fn data_size_is_the_number_of_data_bytes() {
    for (present, data) in [(9, "000102030405060708"), (11, "000102030405060708090a"), (0, "")] {
        let bytes = hex(&format!("190205 005f1101012b1a0000010203040a {data}"));
        let kind = DecodeErrorKind::LengthMismatch { declared: 10, present };
        let error = DecodeError { item: "Image Block Response", offset: 17, kind };
        for quirks in [Quirks::empty(), Quirks::all()] {
            assert_eq!(Frame::decode(&bytes, quirks), Err(error));
        }
    }
    let more_than_told = [&hex("190205 005f1101012b1a000001020304ff")[..], &[0; 256]].concat();
    let kind = DecodeErrorKind::LengthMismatch { declared: 255, present: 256 };
    assert_eq!(Frame::decode(&more_than_told, Quirks::all()).map_err(|error| error.kind), Err(kind));
}

fn item(message: &Message<'_>) -> &'static str {
    match message {
        Message::ToServer(ToServer::QueryNextImage(_)) => "Query Next Image Request",
        Message::ToServer(ToServer::ImageBlock(_)) => "Image Block Request",
        Message::ToServer(ToServer::ImagePage(_)) => "Image Page Request",
        Message::ToServer(ToServer::UpgradeEnd(_)) => "Upgrade End Request",
        Message::ToServer(ToServer::QuerySpecificFile(_)) => "Query Specific File Request",
        Message::ToClient(ToClient::ImageNotify(_)) => "Image Notify",
        Message::ToClient(ToClient::QueryNextImage(_)) => "Query Next Image Response",
        Message::ToClient(ToClient::ImageBlock(_)) => "Image Block Response",
        Message::ToClient(ToClient::UpgradeEnd(_)) => "Upgrade End Response",
        Message::ToClient(ToClient::QuerySpecificFile(_)) => "Query Specific File Response",
        Message::DefaultResponse(..) => "Default Response",
        _ => unreachable!("the table holds none"),
    }
}

/// The error of the first `len` bytes of a frame, and the piece that the cut divides.
fn cut(vector: &Vector, len: usize) -> (DecodeError, Piece) {
    let header = [Piece::Bytes(1); 3].map(|piece| ("ZCL header", piece));
    let payload = vector.pieces.iter().map(|piece| (item(&vector.frame.message), *piece));
    let mut offset = 0;
    for (item, piece) in header.into_iter().chain(payload) {
        let present = len - offset;
        let (size, kind) = match piece {
            Piece::Bytes(needed) => (needed, DecodeErrorKind::Truncated { needed, present }),
            Piece::Period => (2, DecodeErrorKind::FieldMissing { size: 2 }),
            Piece::Data(declared) => (declared, DecodeErrorKind::LengthMismatch { declared, present }),
        };
        if present < size {
            return (DecodeError { item, offset, kind }, piece);
        }
        offset += size;
    }
    panic!("{}: {len} bytes are not too few", vector.name)
}

/// Shows: CMD-020
#[test]
fn every_truncation_is_an_error_at_the_piece_that_is_cut() {
    for vector in vector_table::all() {
        let bytes = hex(vector.hex);
        for len in 0..bytes.len() {
            let (error, piece) = cut(&vector, len);
            assert_eq!(Frame::decode(&bytes[..len], Quirks::empty()), Err(error), "{}, {len}", vector.name);
            let lenient = Frame::decode(&bytes[..len], Quirks::all());
            // A missing period is one of the quirks.
            assert_eq!(lenient.is_ok(), matches!(piece, Piece::Period), "{}, {len}", vector.name);
            assert!(lenient.is_ok() || lenient == Err(error), "{}, {len}", vector.name);
        }
    }
}

/// The constants equal the length of the longest vector in each direction.
#[test]
fn buffers_hold_the_longest_frame() {
    let longest = |direction| {
        let frames = vector_table::all().into_iter().map(|vector| vector.frame);
        frames.filter(|frame| frame.message.direction() == direction).map(|frame| frame.encoded_len()).max()
    };
    assert_eq!(longest(Direction::ToServer), Some(zcl::LONGEST_TO_SERVER));
    assert_eq!(longest(Direction::ToClient), Some(zcl::LONGEST_TO_CLIENT));
}

#[test]
fn every_changed_byte_shows() {
    for vector in vector_table::all() {
        let bytes = hex(vector.hex);
        for (place, flip) in (0..bytes.len()).flat_map(|place| (1..=u8::MAX).map(move |flip| (place, flip))) {
            let mut changed = bytes.clone();
            changed[place] ^= flip;
            let read = Frame::decode(&changed, Quirks::all());
            assert_ne!(read, Ok(vector.frame), "{}, byte {place}", vector.name);
        }
    }
}
