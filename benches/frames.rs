//! Benchmark of the two frames that a server handles most often, against a minimal hand-written implementation (the
//! floor): the server decodes Image Block Requests and encodes Image Block Responses.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use zigbee_ota::zcl::{
    BlockBytes, BlockData, Frame, ImageBlockRequest, ImageBlockResponse, Message, Quirks, ToClient, ToServer,
};
use zigbee_ota::{Encode, Eui64, ImageId};

use hand_written::frame::{self, BlockResponse};

mod hand_written {
    pub mod bytes;
    pub mod frame;
}

/// Number of frames in a batch: too many for the branch predictor to learn, and few enough for the cache.
const BATCH: u16 = 1024;

/// Number of data bytes in a response: as many as one APS frame carries without fragmentation in most networks.
const DATA_LEN: usize = 63;

/// Pseudo-random numbers (xorshift), the same in every run.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn id(&mut self) -> ImageId {
        let [a, b, c, d, e, f, g, h] = self.next().to_le_bytes();
        ImageId::new(u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d]), u32::from_le_bytes([e, f, g, h]))
    }

    fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[3]
    }

    fn request(&mut self) -> Frame<'static> {
        let [node, period] = [1, 2].map(|bit| self.byte() & bit != 0);
        let mut request = ImageBlockRequest::new(self.id(), self.id().version.0, self.byte());
        request.node = node.then(|| Eui64(self.next()));
        request.min_block_period = period.then(|| self.id().manufacturer.0);
        Frame::to_server(self.byte(), ToServer::ImageBlock(request))
    }

    fn response<'a>(&mut self, image: &'a [u8]) -> BlockResponse<'a> {
        let id = self.id();
        let offset = self.id().version.0;
        let start = usize::from(self.byte());
        BlockResponse {
            sequence: self.byte(),
            manufacturer: id.manufacturer.0,
            image_type: id.image_type.0,
            version: id.version.0,
            offset,
            data: &image[start..start + DATA_LEN],
        }
    }
}

fn bytes_of(frame: &Frame<'_>) -> Vec<u8> {
    let mut bytes = vec![0; frame.encoded_len()];
    frame.encode(&mut bytes).expect("room");
    bytes
}

/// Asserts that the library and the floor decode a frame to the same fields.
fn compare(frame: &[u8]) {
    let by_hand = frame::read_block_request(frame).expect("a request");
    let mut request = ImageBlockRequest::new(
        ImageId::new(by_hand.manufacturer, by_hand.image_type, by_hand.version),
        by_hand.offset,
        by_hand.max_data,
    );
    request.node = by_hand.node.map(Eui64);
    request.min_block_period = by_hand.min_block_period;
    let ours = Frame::decode(frame, Quirks::all()).expect("a request");
    assert_eq!(ours.message, Message::ToServer(ToServer::ImageBlock(request)));
    assert_eq!(ours.sequence, by_hand.sequence);
}

fn read_block_requests(criterion: &mut Criterion) {
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    let frames: Vec<Vec<u8>> = (0..BATCH).map(|_| bytes_of(&numbers.request())).collect();
    frames.iter().for_each(|frame| compare(frame));

    let mut group = criterion.benchmark_group("codec/read Image Block Request");
    group.throughput(Throughput::Elements(BATCH.into()));
    group.bench_function("ours", |bencher| {
        bencher.iter(|| {
            for frame in &frames {
                // The benchmark passes a reference, so that it does not measure a copy of the decoded value.
                let _ = black_box(&Frame::decode(black_box(frame), Quirks::all()));
            }
        });
    });
    group.bench_function("floor", |bencher| {
        bencher.iter(|| {
            for frame in &frames {
                let _ = black_box(&frame::read_block_request(black_box(frame)));
            }
        });
    });
    group.finish();
}

/// Encodes a response as a server does: from the id of the image and a slice of its bytes.
fn write_ours(response: &BlockResponse<'_>, out: &mut [u8]) -> Option<usize> {
    let block = BlockData {
        id: ImageId::new(response.manufacturer, response.image_type, response.version),
        offset: response.offset,
        data: BlockBytes::new(response.data)?,
    };
    let message = ToClient::ImageBlock(ImageBlockResponse::Data(block));
    Frame::response(response.sequence, message).encode(out).ok()
}

fn write_block_responses(criterion: &mut Criterion) {
    let image: Vec<u8> = (0..=u8::MAX).chain(0..=u8::MAX).collect();
    let mut numbers = Numbers(0x2545_f491_4f6c_dd1d);
    let responses: Vec<_> = (0..BATCH).map(|_| numbers.response(&image)).collect();
    let mut room = [[0; 272]; 2];
    for response in &responses {
        let [ours, by_hand] = &mut room;
        assert_eq!(write_ours(response, ours), frame::write_block_response(response, by_hand));
        assert_eq!(ours, by_hand);
    }

    let mut group = criterion.benchmark_group("codec/write Image Block Response");
    group.throughput(Throughput::Elements(BATCH.into()));
    let [room, _] = &mut room;
    group.bench_function("ours", |bencher| {
        bencher.iter(|| {
            for response in &responses {
                black_box(write_ours(black_box(response), black_box(&mut room[..])));
            }
        });
    });
    group.bench_function("floor", |bencher| {
        bencher.iter(|| {
            for response in &responses {
                black_box(frame::write_block_response(black_box(response), black_box(&mut room[..])));
            }
        });
    });
    group.finish();
}

criterion_group!(frames, read_block_requests, write_block_responses);
criterion_main!(frames);
