//! Calls of the frame codec: every message decoded, checked and encoded.

use core::hint::black_box;

use zigbee_ota::aps::DeliveryMode;
use zigbee_ota::time::ServerTime;
use zigbee_ota::zcl::{
    AttributeCommand, AttributeId, AttributeSnapshot, BlockBytes, BlockRefusal, ClientStatus, CommandId,
    DefaultResponse, Direction, DiscoverAttributesResponse, Frame, FrameControl, FrameHeader,
    ImageBlockRequest, ImageBlockResponse, ImageNotify, ImagePageRequest, ImageUpgradeStatus, Message,
    NotifyScope, QueryNextImageRequest, Quirks, ReadAttributes, ReadAttributesResponse, Refusal, Status,
    ToClient, ToServer, UpgradeActivationPolicy, UpgradeTimeoutPolicy, WaitForData, WriteAttributes,
    WriteAttributesResponse, answer_as_server,
};
use zigbee_ota::{Eui64, HardwareVersion, ImageFilter, ImageId, ManufacturerCode};

use crate::Bytes;

pub(crate) fn call(bytes: &mut Bytes<'_>) {
    read(bytes);
    read_after_header(bytes);
    answers(bytes);
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
    if let Ok((header, payload)) = black_box(FrameHeader::decode(bytes.input)) {
        black_box((header.direction(), header.is_cluster_command()));
        black_box(Frame::decode_payload(&header, payload, quirks())).ok();
    }
    let header = FrameHeader {
        control: FrameControl(black_box(0)),
        manufacturer: black_box(Some(ManufacturerCode(0))),
        sequence: black_box(0),
        command: black_box(0),
    };
    if let Ok(frame) = black_box(Frame::decode_payload(&header, bytes.input, quirks())) {
        bytes.write(&frame);
    }
}

/// Methods of a message, and its inner value encoded by itself.
fn message(bytes: &mut Bytes<'_>, message: &Message<'_>) {
    bytes.write(message);
    match message {
        Message::ToServer(message) => to_server(bytes, message),
        Message::ToClient(message) => to_client(bytes, message),
        Message::DefaultResponse(_, response) => bytes.write(response),
        Message::Attributes(_, command) => attributes(bytes, command),
        Message::Other(other) => {
            black_box((other.header(), other.payload(), other.why()));
        }
        _ => {}
    }
    black_box((message.direction(), message.check())).1.ok();
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
        ToServer::ImagePage(request) => {
            bytes.write(request);
            request.check()
        }
        ToServer::UpgradeEnd(request) => {
            bytes.write(request);
            request.check()
        }
        ToServer::QuerySpecificFile(request) => {
            bytes.write(request);
            request.check()
        }
        _ => Ok(()),
    };
    black_box((violation, message.check())).0.ok();
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
        ToClient::QuerySpecificFile(response) => {
            bytes.write(response);
            response.check()
        }
        _ => Ok(()),
    };
    black_box((violation, message.check())).0.ok();
}

fn attributes(bytes: &mut Bytes<'_>, command: &AttributeCommand<'_>) {
    bytes.write(command);
    black_box((command.command(), command.is_response()));
    match command {
        AttributeCommand::Read(read) => read.ids().for_each(|id| attribute(id)),
        AttributeCommand::ReadResponse(response) => {
            for record in response.records().flatten() {
                bytes.write(&record);
                record.value.iter().for_each(|value| bytes.write(value));
                black_box(record.check()).ok();
            }
            black_box(response.check()).ok();
            black_box(ClientStatus::from_response(*response)).ok();
        }
        AttributeCommand::Write(write) => write.records().flatten().for_each(|(id, value)| {
            attribute(id);
            black_box((value.data_type().name(), value.number()));
        }),
        AttributeCommand::WriteResponse(response) => response.refused().for_each(|record| {
            black_box(record);
        }),
        AttributeCommand::Discover(discover) => attribute(discover.first),
        AttributeCommand::DiscoverResponse(response) => response.attributes().for_each(|record| {
            black_box(record);
        }),
        _ => {}
    }
}

fn attribute(id: AttributeId) {
    black_box((id.name(), id.info(), black_box(AttributeSnapshot::DEFAULT).get(id)));
}

/// Responses of either side to a frame, and one of each list that a caller can build.
fn answers(bytes: &mut Bytes<'_>) {
    if let Ok(frame) = black_box(Frame::decode(bytes.input, quirks())) {
        black_box(black_box(AttributeSnapshot::DEFAULT).answer(&frame, bytes.room)).ok();
        black_box(answer_as_server(&frame, bytes.room)).ok();
    }
    let input = bytes.input;
    let (pairs, triples) = (input.as_chunks().0, input.as_chunks().0);
    for command in [
        AttributeCommand::Read(ReadAttributes::new(pairs)),
        AttributeCommand::ReadResponse(ReadAttributesResponse::new(input)),
        AttributeCommand::Write(WriteAttributes::new(input)),
        AttributeCommand::WriteResponse(WriteAttributesResponse::new(triples)),
        AttributeCommand::DiscoverResponse(DiscoverAttributesResponse::new(black_box(true), triples)),
    ] {
        bytes.write(&Frame::attributes(black_box(0), black_box(Direction::ToClient), command));
    }
    bytes.write(&ClientStatus::request(black_box(0)));
}

/// Constructors of frames.
fn remake(bytes: &mut Bytes<'_>, message: &Message<'_>) {
    let sequence = black_box(0);
    let frame = match *message {
        Message::ToServer(message) => Frame::to_server(sequence, message),
        Message::ToClient(message) => Frame::response(sequence, message),
        Message::DefaultResponse(direction, response) => {
            Frame::default_response(sequence, direction, response)
        }
        Message::Attributes(direction, command) => Frame::attributes(sequence, direction, command),
        _ => Frame::notify(sequence, black_box(ImageNotify::UNICAST), black_box(DeliveryMode::Unicast)),
    };
    bytes.write(&frame);
}

/// Constructors of message fields.
fn parts(bytes: &mut Bytes<'_>) {
    let status = Status(black_box(0));
    let command = CommandId(black_box(0));
    black_box((command.name(), command.direction(), command.is_mandatory()));
    black_box(NotifyScope::from(black_box(ImageFilter::ALL)));
    black_box((ImageUpgradeStatus(black_box(0)).name(), UpgradeActivationPolicy(black_box(0)).name()));
    black_box(UpgradeTimeoutPolicy(black_box(0)).name());
    black_box((status.name(), Refusal::new(status).map(Refusal::status)));
    black_box(BlockRefusal::new(status).map(BlockRefusal::status));
    black_box(BlockBytes::new(bytes.input).map(|data| (data.get(), data.size())));
    let response = DefaultResponse { command, status };
    bytes.write(&Frame::default_response(black_box(0), black_box(Direction::ToServer), response));
    requests(bytes);
}

/// The constructors of messages with optional fields.
fn requests(bytes: &mut Bytes<'_>) {
    let (id, node) = (black_box(ImageId::new(0, 0, 0)), black_box(Eui64(0)));
    bytes.write(&QueryNextImageRequest::new(id).with_hardware(black_box(HardwareVersion(0))));
    let request = ImageBlockRequest::new(id, black_box(0), black_box(0));
    bytes.write(&request.with_node(node).with_min_block_period(black_box(0)));
    let page = ImagePageRequest::new(id, black_box(0), black_box(0), black_box(0), black_box(0));
    bytes.write(&page.with_node(node));
    let wait = WaitForData::new(black_box(ServerTime::NOW)).with_min_block_period(black_box(0));
    bytes.write(&ImageBlockResponse::Wait(wait));
}
