//! Deviations of field devices: the error of strict decoding, and the result of lenient decoding.

use zigbee_ota::time::ServerTime;
use zigbee_ota::zcl::{
    BlockRefusal, Deviations, Frame, ImageBlockRequest, ImageBlockResponse, ImageNotify, Message,
    NotifyScope, QueryResponse, Quirks, Refusal, Status, ToClient, ToServer, WaitForData,
};
use zigbee_ota::{DecodeError, DecodeErrorKind, ImageId, ImageType, ManufacturerCode};

use crate::properties::encode_contract::bytes_of;
use crate::{hex, item, vector_table};

/// Asserts that strict decoding of `bytes` fails with `strict`, and that lenient decoding gives `message` and `deviations`.
fn check(bytes: &[u8], strict: DecodeError, message: Message<'_>, deviations: Deviations<'_>) {
    assert_eq!(Frame::decode(bytes, Quirks::empty()), Err(strict));
    let frame = Frame::decode(bytes, Quirks::all()).expect("lenient");
    assert_eq!((frame.message, frame.deviations), (message, deviations));
    assert_eq!(Frame::decode(bytes, deviations.quirks), Ok(frame), "no other leniency is needed");
    for quirk in deviations.quirks.iter() {
        assert!(Frame::decode(bytes, Quirks::all().difference(quirk)).is_err(), "{quirk:?} is needed");
    }
}

fn deviating(quirks: Quirks, trailing: &[u8]) -> Deviations<'_> {
    let mut deviations = Deviations::NONE;
    (deviations.quirks, deviations.trailing) = (quirks, trailing);
    deviations
}

fn trailing(item: &'static str, offset: usize, count: usize) -> DecodeError {
    DecodeError { item, offset, kind: DecodeErrorKind::TrailingBytes { count } }
}

/// A request of a Hue lamp, and the same request with the bit of the period but without the period.
///
/// Shows: CMD-048
#[test]
fn a_block_request_may_announce_a_period_and_leave_it_out() {
    let id = ImageId::new(0x100b, 0x011f, 0x0100_2700);
    let request = ImageBlockRequest::new(id, 0x0001_75b4, 64).with_min_block_period(0);
    let whole = hex("010703 02 0B10 1F01 00270001 B4750100 40 0000");
    let frame = Frame::to_server(7, ToServer::ImageBlock(request));
    assert_eq!(Frame::decode(&whole, Quirks::empty()), Ok(frame));
    assert_eq!(bytes_of(&frame), whole);

    let plain = ImageBlockRequest::new(id, 0x0001_75b4, 64);
    let kind = DecodeErrorKind::FieldMissing { size: 2 };
    let strict = DecodeError { item: "Image Block Request", offset: 17, kind };
    let message = Message::ToServer(ToServer::ImageBlock(plain));
    let deviations = deviating(Quirks::PERIOD_BIT_WITHOUT_FIELD, &[]);
    check(&whole[..17], strict, message, deviations);
    assert_eq!(bytes_of(&Frame::to_server(7, ToServer::ImageBlock(plain)))[3], 0x00, "on request only");

    // Half a period counts as a missing period.
    let quirks = Quirks::PERIOD_BIT_WITHOUT_FIELD | Quirks::TRAILING_BYTES;
    check(&whole[..18], strict, message, deviating(quirks, &[0]));
}

/// WAIT_FOR_DATA has 9 or 11 bytes; 10 bytes are the shorter form with a trailing byte.
///
/// Shows: CMD-065
#[test]
fn wait_for_data_may_carry_a_period() {
    let bytes = hex("190305 97001a4f2d3c1a4f2d fa00");
    let time = ServerTime { current: 760_158_720, then: 760_158_780 };
    let wait = |period: Option<u16>| {
        let wait = period
            .map_or(WaitForData::new(time), |period| WaitForData::new(time).with_min_block_period(period));
        Message::ToClient(ToClient::ImageBlock(ImageBlockResponse::Wait(wait)))
    };
    for (len, period) in [(14, Some(250)), (12, None)] {
        let frame = Frame::decode(&bytes[..len], Quirks::empty()).expect("both forms are known");
        assert_eq!((frame.message, frame.deviations), (wait(period), Deviations::NONE));
        assert_eq!(bytes_of(&frame), bytes[..len]);
    }
    let deviations = deviating(Quirks::TRAILING_BYTES, &[0xfa]);
    check(&bytes[..13], trailing("Image Block Response", 12, 1), wait(None), deviations);
    let longer = [&bytes[..], &[0xee]].concat();
    let deviations = deviating(deviations.quirks, &[0xee]);
    check(&longer, trailing("Image Block Response", 14, 1), wait(Some(250)), deviations);
}

/// The decoding that CMD-068 requires; the tests of the client show its reaction.
#[test]
fn a_block_response_may_be_a_status_of_another_command() {
    for status in (0..=u8::MAX).map(Status) {
        let Some(refusal) = BlockRefusal::new(status) else { continue };
        let bytes = [0x19, 7, 0x05, status.0];
        let kind = DecodeErrorKind::UnexpectedStatus(status.0);
        let strict = DecodeError { item: "Image Block Response", offset: 3, kind };
        let message = Message::ToClient(ToClient::ImageBlock(ImageBlockResponse::Refused(refusal)));
        let quirks = Quirks::STATUS_ONLY_BLOCK_RESPONSE;
        check(&bytes, strict, message, deviating(quirks, &[]));

        let longer = [&bytes[..], &[0xee, 0xee]].concat();
        assert_eq!(Frame::decode(&longer, Quirks::empty()), Err(strict));
        check(&longer, strict, message, deviating(quirks | Quirks::REFUSAL_WITH_MORE, &[0xee, 0xee]));
        let lenient = trailing("Image Block Response", 4, 2);
        assert_eq!(Frame::decode(&longer, quirks), Err(lenient));
    }
}

/// The decoding that CMD-070 requires; the tests of the client show its reaction.
#[test]
fn an_abort_counts_whatever_follows_its_status() {
    let bytes = hex("190705 95 0000");
    let message = Message::ToClient(ToClient::ImageBlock(ImageBlockResponse::Abort));
    let deviations = deviating(Quirks::ABORT_WITH_MORE, &[0, 0]);
    check(&bytes, trailing("Image Block Response", 4, 2), message, deviations);
}

/// Shows: FLD-013
#[test]
fn a_refusal_counts_whatever_follows_its_status() {
    for (bytes, command) in [
        ("190002 98 000000000000000000000000", "Query Next Image Response"),
        ("190009 7e 5f11 0101 2c1a0000 64000000", "Query Specific File Response"),
    ] {
        let bytes = hex(bytes);
        let refusal = QueryResponse::Refused(Refusal::new(Status(bytes[3])).unwrap());
        let message = match bytes[2] {
            0x02 => ToClient::QueryNextImage(refusal),
            _ => ToClient::QuerySpecificFile(refusal),
        };
        let deviations = deviating(Quirks::REFUSAL_WITH_MORE, &bytes[4..]);
        check(&bytes, trailing(command, 4, 12), Message::ToClient(message), deviations);
    }
}

/// Shows: FLD-014
#[test]
fn a_notify_counts_whatever_follows_the_fields_of_its_payload_type() {
    let all_fields = "5f11 0101 2c1a0000";
    for (payload_type, offset, scope) in [
        (0, 5, NotifyScope::Everyone),
        (1, 7, NotifyScope::Manufacturer(ManufacturerCode(0x115f))),
        (2, 9, NotifyScope::ImageType(ManufacturerCode(0x115f), ImageType(0x0101))),
    ] {
        let bytes = hex(&format!("090100 {payload_type:02x} 64 {all_fields}"));
        let message = Message::ToClient(ToClient::ImageNotify(ImageNotify { jitter: 100, scope }));
        let deviations = deviating(Quirks::NOTIFY_WITH_MORE, &bytes[offset..]);
        check(&bytes, trailing("Image Notify", offset, 13 - offset), message, deviations);
    }
}

/// Effect of a byte after the last field of a message.
enum End {
    /// The byte is ignored under this quirk.
    Open(Quirks),
    /// The byte counts as data beyond this data size.
    Data(usize),
}

fn end(message: &Message<'_>) -> End {
    match message {
        Message::ToClient(ToClient::ImageNotify(_)) => End::Open(Quirks::NOTIFY_WITH_MORE),
        Message::ToClient(ToClient::QueryNextImage(QueryResponse::Refused(_)))
        | Message::ToClient(ToClient::QuerySpecificFile(QueryResponse::Refused(_))) => {
            End::Open(Quirks::REFUSAL_WITH_MORE)
        }
        Message::ToClient(ToClient::ImageBlock(ImageBlockResponse::Data(block))) => {
            End::Data(block.data.get().len())
        }
        Message::ToClient(ToClient::ImageBlock(ImageBlockResponse::Abort)) => {
            End::Open(Quirks::ABORT_WITH_MORE)
        }
        _ => End::Open(Quirks::TRAILING_BYTES),
    }
}

/// Shows: CMD-018
#[test]
fn a_byte_after_the_last_is_borne_where_later_revisions_add_some() {
    for vector in vector_table::all() {
        let mut bytes = hex(vector.hex);
        let item = item(&vector.frame.message);
        let strict = trailing(item, bytes.len(), 1);
        bytes.push(0xee);
        let never = |error| {
            for quirks in [Quirks::empty(), Quirks::all()] {
                assert_eq!(Frame::decode(&bytes, quirks), Err(error), "{}", vector.name);
            }
        };
        match end(&vector.frame.message) {
            End::Open(quirks) => {
                let deviations = deviating(quirks, &[0xee]);
                check(&bytes, strict, vector.frame.message, deviations);
            }
            End::Data(declared) => {
                let kind = DecodeErrorKind::LengthMismatch { declared, present: declared + 1 };
                never(DecodeError { item, offset: 17, kind });
            }
        }
    }
}

/// Shows: CMD-019
#[test]
fn reserved_bits_of_field_control_are_kept_and_ignored() {
    for (vectors, known) in [
        (vector_table::query_request(), 0b01),
        (vector_table::block_request(), 0b11),
        (vector_table::page_request(), 0b01),
    ] {
        for (vector, reserved) in
            vectors.iter().flat_map(|vector| (0..=u8::MAX).map(move |bits| (vector, bits)))
        {
            let reserved = reserved & !known;
            let mut bytes = hex(vector.hex);
            bytes[3] |= reserved;
            let mut expected = vector.frame;
            expected.deviations.reserved = reserved;
            for quirks in [Quirks::empty(), Quirks::all()] {
                assert_eq!(Frame::decode(&bytes, quirks), Ok(expected), "{}", vector.name);
            }
        }
    }
}
