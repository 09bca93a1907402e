//! Frames: every message read, checked and written.

use core::hint::black_box;

use zigbee_ota::ManufacturerCode;
use zigbee_ota::link::DeliveryMode;
use zigbee_ota::zcl::{
    BlockBytes, BlockRefusal, CommandId, DefaultResponse, Direction, Frame, FrameControl, Header,
    ImageNotify, Message, Quirks, Refusal, Status, ToClient, ToServer,
};

use crate::Bytes;

pub(crate) fn call(bytes: &mut Bytes<'_>) {
    read(bytes);
    read_after_header(bytes);
    parts(bytes);
}

fn quirks() -> Quirks {
    Quirks::from_bits_retain(black_box(0))
}

fn read(bytes: &mut Bytes<'_>) {
    if let Ok(frame) = black_box(Frame::decode(bytes.input, quirks())) {
        black_box(frame.command());
        bytes.write(&frame);
        message(bytes, &frame.message);
        remake(bytes, &frame.message);
    }
}

fn read_after_header(bytes: &mut Bytes<'_>) {
    if let Ok((header, payload)) = black_box(Header::decode(bytes.input)) {
        black_box((header.direction(), header.is_cluster_command()));
        black_box(Frame::decode_payload(&header, payload, quirks())).ok();
    }
    let header = Header {
        control: FrameControl::from_bits_retain(black_box(0)),
        manufacturer: black_box(Some(ManufacturerCode(0))),
        sequence: black_box(0),
        command: black_box(0),
    };
    if let Ok(frame) = black_box(Frame::decode_payload(&header, bytes.input, quirks())) {
        bytes.write(&frame);
    }
}

/// What a message can be asked, and each as a value to write by itself.
fn message(bytes: &mut Bytes<'_>, message: &Message<'_>) {
    bytes.write(message);
    match message {
        Message::ToServer(message) => to_server(bytes, message),
        Message::ToClient(message) => to_client(bytes, message),
        Message::DefaultResponse(_, response) => bytes.write(response),
        Message::Other(other) => {
            black_box((other.header(), other.payload()));
        }
    }
}

fn to_server(bytes: &mut Bytes<'_>, message: &ToServer) {
    black_box(message.command().name());
    let violation = match message {
        ToServer::QueryNextImage(request) => {
            bytes.write(request);
            request.check()
        }
        ToServer::ImageBlock(request) => {
            bytes.write(request);
            request.check()
        }
        ToServer::UpgradeEnd(request) => {
            bytes.write(request);
            request.check()
        }
    };
    black_box(violation).ok();
}

fn to_client(bytes: &mut Bytes<'_>, message: &ToClient<'_>) {
    black_box(message.command().name());
    let violation = match message {
        ToClient::ImageNotify(notify) => {
            bytes.write(notify);
            notify.check()
        }
        ToClient::QueryNextImage(response) => {
            bytes.write(response);
            response.check()
        }
        ToClient::ImageBlock(response) => {
            bytes.write(response);
            response.check()
        }
        ToClient::UpgradeEnd(response) => {
            bytes.write(response);
            response.check()
        }
    };
    black_box(violation).ok();
}

/// The constructors of frames.
fn remake(bytes: &mut Bytes<'_>, message: &Message<'_>) {
    let sequence = black_box(0);
    let frame = match *message {
        Message::ToServer(message) => Frame::to_server(sequence, message),
        Message::ToClient(message) => Frame::response(sequence, message),
        Message::DefaultResponse(direction, response) => {
            Frame::default_response(sequence, direction, response)
        }
        Message::Other(_) => {
            Frame::notify(sequence, black_box(ImageNotify::UNICAST), black_box(DeliveryMode::Unicast))
        }
    };
    bytes.write(&frame);
}

/// The constructors of what stands in messages.
fn parts(bytes: &mut Bytes<'_>) {
    let status = Status(black_box(0));
    black_box((status.name(), Refusal::new(status).map(Refusal::status)));
    black_box(BlockRefusal::new(status).map(BlockRefusal::status));
    black_box(BlockBytes::new(bytes.input).map(|data| (data.get(), data.size())));
    let response = DefaultResponse { command: CommandId(black_box(0)), status };
    bytes.write(&Frame::default_response(black_box(0), black_box(Direction::ToServer), response));
}
