//! The two frames that an upgrade consists of, read and written.

use std::hint::black_box;

use zigbee_ota::zcl::{
    BlockBytes, BlockData, Frame, ImageBlockRequest, ImageBlockResponse, Message, Quirks, ToClient, ToServer,
};
use zigbee_ota::{Encode, ImageId};

use crate::hand_written::frame::{BlockResponse, read_block_request, write_block_response};

/// The image that all paths are about.
pub const ID: ImageId = ImageId::new(0x1001, 0x00ab, 5);

/// Bytes of data in a block: what one APS frame carries without fragmentation in most networks.
pub const BLOCK: u8 = 63;

/// An Image Block Request frame in the form that most devices send: no optional field.
pub fn request(sequence: u8, offset: u32) -> Vec<u8> {
    let [a, b, c, d] = offset.to_le_bytes();
    vec![0x01, sequence, 0x03, 0x00, 0x01, 0x10, 0xab, 0x00, 5, 0, 0, 0, a, b, c, d, BLOCK]
}

fn decoded(frame: &[u8]) -> Option<ImageBlockRequest> {
    match Frame::decode(frame, Quirks::all()).ok()?.message {
        Message::ToServer(ToServer::ImageBlock(request)) => Some(request),
        _ => None,
    }
}

fn frame_to_read() -> Vec<u8> {
    let frame = request(7, 0x0001_2345);
    let (ours, floor) = (decoded(&frame).expect("a request"), read_block_request(&frame).expect("a request"));
    assert_eq!((ours.offset, ours.id.version.0), (floor.offset, floor.version));
    frame
}

pub fn read_ours(times: u32) {
    let frame = frame_to_read();
    for _ in 0..times {
        // By reference: a copy of the value is not part of the path.
        let _ = black_box(&Frame::decode(black_box(&frame), Quirks::all()));
    }
}

pub fn read_floor(times: u32) {
    let frame = frame_to_read();
    for _ in 0..times {
        let _ = black_box(&read_block_request(black_box(&frame)));
    }
}

const DATA: [u8; 63] = [0x5a; 63];

const RESPONSE: BlockResponse<'static> = BlockResponse {
    sequence: 7,
    manufacturer: ID.manufacturer.0,
    image_type: ID.image_type.0,
    version: ID.version.0,
    offset: 0x0001_2345,
    data: &DATA,
};

#[inline(never)]
fn write(response: &BlockResponse<'_>, out: &mut [u8]) -> Option<usize> {
    let block = BlockData {
        id: ImageId::new(response.manufacturer, response.image_type, response.version),
        offset: response.offset,
        data: BlockBytes::new(response.data)?,
    };
    let message = ToClient::ImageBlock(ImageBlockResponse::Data(block));
    Frame::response(response.sequence, message).encode(out).ok()
}

#[inline(never)]
fn write_by_hand(response: &BlockResponse<'_>, out: &mut [u8]) -> Option<usize> {
    write_block_response(response, out)
}

fn compare() {
    let (mut ours, mut floor) = ([0; 100], [0; 100]);
    assert_eq!(write(&RESPONSE, &mut ours), write_by_hand(&RESPONSE, &mut floor));
    assert_eq!(ours, floor);
}

pub fn write_ours(times: u32) {
    compare();
    let mut out = [0; 272];
    for _ in 0..times {
        black_box(write(black_box(&RESPONSE), black_box(&mut out)));
    }
}

pub fn write_floor(times: u32) {
    compare();
    let mut out = [0; 272];
    for _ in 0..times {
        black_box(write_by_hand(black_box(&RESPONSE), black_box(&mut out)));
    }
}
