//! Properties of the frame codec, for property tests and fuzz targets alike.

use arbitrary::{Result, Unstructured};
use zigbee_ota::zcl::{
    AttributeCommand, AttributeRecord, AttributeSnapshot, ClientStatus, Deviations, Direction, Frame,
    FrameControl, FrameHeader, ImageBlockResponse, Message, Quirks, ToClient, answer_as_server,
};
use zigbee_ota::{DecodeError, Encode};

use super::encode_contract::bytes_of;

/// Generates a frame of any command with any frame control. Some seeds fail, because SUCCESS is no refusal.
pub fn generated(seed: &[u8]) -> Result<Frame<'_>> {
    let mut u = Unstructured::new(seed);
    let control = FrameControl(u.arbitrary()?);
    let sequence = u.arbitrary()?;
    let mut frame = match u.int_in_range(0..=6)? {
        0 | 1 => Frame::to_server(sequence, u.arbitrary()?),
        2 | 3 => Frame::response(sequence, u.arbitrary()?),
        4 => Frame::default_response(sequence, u.arbitrary()?, u.arbitrary()?),
        _ => Frame::attributes(sequence, u.arbitrary()?, u.arbitrary()?),
    };
    frame.control = control;
    Ok(frame)
}

/// An encoded frame decodes to itself. That it does so under every set of quirks is a property of any bytes.
pub fn round_trip(frame: &Frame<'_>) {
    let quirks = match frame.message {
        Message::ToClient(ToClient::ImageBlock(ImageBlockResponse::Refused(_))) => {
            Quirks::STATUS_ONLY_BLOCK_RESPONSE
        }
        _ => Quirks::empty(),
    };
    let mut expected = *frame;
    expected.control = written_control(frame);
    expected.deviations = Deviations::NONE;
    expected.deviations.quirks = quirks;
    let bytes = bytes_of(frame);
    assert_eq!(Frame::decode(&bytes, Quirks::all()), Ok(expected));
    any_bytes(&bytes);
}

/// Frame control on the wire: bits that follow from the message, and the other bits of the sender.
fn written_control(frame: &Frame<'_>) -> FrameControl {
    let of_message =
        match frame.message {
            Message::ToServer(_) => 0b0001,
            Message::ToClient(_) => 0b1001,
            Message::DefaultResponse(Direction::ToServer, _)
            | Message::Attributes(Direction::ToServer, _) => 0b0000,
            Message::DefaultResponse(Direction::ToClient, _)
            | Message::Attributes(Direction::ToClient, _) => 0b1000,
            Message::Other(_) => frame.control.0 & 0b1111,
            _ => unreachable!("the generator knows every message"),
        };
    FrameControl(frame.control.0 & 0b1111_0000 | of_message)
}

/// Properties of any bytes, frame or not.
pub fn any_bytes(bytes: &[u8]) {
    for quirks in [Quirks::empty(), Quirks::all()] {
        // The fast path decodes as the decoder of header and payload does.
        let by_parts = FrameHeader::decode(bytes)
            .and_then(|(header, payload)| Frame::decode_payload(&header, payload, quirks));
        assert_eq!(Frame::decode(bytes, quirks), by_parts);
    }
    match Frame::decode(bytes, Quirks::all()) {
        Ok(frame) => any_frame(bytes, &frame),
        Err(error) => {
            assert!(error.offset <= bytes.len());
            Frame::decode(bytes, Quirks::empty()).expect_err("strict reads no more than lenient");
        }
    }
}

/// Properties of a frame that was decoded leniently from `bytes`.
fn any_frame(bytes: &[u8], frame: &Frame<'_>) {
    let used = frame.deviations.quirks;
    assert_eq!(Frame::decode(bytes, used), Ok(*frame), "no other quirk is needed");
    for quirk in used.iter() {
        let error = Frame::decode(bytes, Quirks::all().difference(quirk)).expect_err("each is needed");
        assert!(error.offset <= bytes.len());
    }
    let canonical = bytes_of(frame);
    assert_eq!(restored(canonical.clone(), &frame.deviations), bytes, "no bit is lost");
    let again = Frame::decode(&canonical, Quirks::all()).expect("written by us");
    asked(frame);
    assert_eq!(
        (again.control, again.sequence, again.message),
        (frame.control, frame.sequence, frame.message)
    );
}

/// The decoded bytes, restored from the canonical bytes and the deviations. So no two different inputs decode to equal frames,
/// and a frame without deviations is canonical.
fn restored(mut canonical: Vec<u8>, deviations: &Deviations<'_>) -> Vec<u8> {
    let period_bit = if deviations.quirks.contains(Quirks::PERIOD_BIT_WITHOUT_FIELD) { 0b10 } else { 0b00 };
    // Commands with a field control have it first in their payload.
    if let Some(control) = canonical.get_mut(3) {
        *control |= deviations.reserved | period_bit;
    }
    [&canonical, deviations.trailing].concat()
}

/// Every other operation on a frame terminates, whatever the frame contains.
fn asked(frame: &Frame<'_>) {
    let line = frame.to_string();
    assert!(!line.is_empty() && !line.contains(char::is_control), "one line: {line:?}");
    frame.message.check().ok();
    if let Message::Attributes(_, command) = frame.message {
        attributes(&command);
        answers(frame);
    }
}

/// Iterations terminate: each record follows the one before, and an error is the last item.
fn attributes(command: &AttributeCommand<'_>) {
    match *command {
        AttributeCommand::ReadResponse(response) => {
            let whole = bytes_of_records(response.records());
            let payload = command.encoded_len();
            let broken = response.records().any(|record| record.is_err());
            assert!(broken || whole.len() == payload, "records are all there is");
            if let Some(Err(error)) = response.records().last() {
                assert!(error.offset >= 3 + whole.len() && error.offset <= 3 + payload);
            }
            assert_eq!(ClientStatus::from_response(response).is_err(), broken);
        }
        AttributeCommand::Write(write) => {
            let read = write.records().map_while(Result::ok).count();
            assert!(write.records().count() <= read + 1, "an error is the last");
        }
        _ => {}
    }
}

fn bytes_of_records(records: impl Iterator<Item = Result<AttributeRecord, DecodeError>>) -> Vec<u8> {
    records.map_while(Result::ok).flat_map(|record| bytes_of(&record)).collect()
}

/// Responses decode strictly, fit their buffer, and have the direction opposite to the request.
fn answers(frame: &Frame<'_>) {
    for room in [0, 3, 4, 8, 40, 300] {
        let mut out = vec![0xee; room];
        let answer = match frame.message.direction() {
            Direction::ToClient => {
                assert_eq!(answer_as_server(frame, &mut []), Ok(None));
                AttributeSnapshot::DEFAULT.answer(frame, &mut out)
            }
            Direction::ToServer => {
                assert_eq!(AttributeSnapshot::DEFAULT.answer(frame, &mut []), Ok(None));
                answer_as_server(frame, &mut out)
            }
        };
        let Ok(Some(len)) = answer else { continue };
        let answer = Frame::decode(&out[..len], Quirks::empty()).expect("written by us");
        assert_eq!(answer.sequence, frame.sequence);
        assert_ne!(answer.message.direction(), frame.message.direction());
        assert_eq!(answer.message.check(), Ok(()));
    }
}
