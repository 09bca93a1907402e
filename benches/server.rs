//! Benchmark of serving blocks. Two measurements serve a whole file: by the function `serve_block`, and by a server
//! with sessions, limits and timers, each against a hand-written floor. Another measurement compares one frame at a
//! server with few sessions and at a server with the sessions of a whole network.

use std::hint::black_box;
use std::num::{NonZeroU8, NonZeroU16, NonZeroU32};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use zigbee_ota::aps::{Address, FrameMeta};
use zigbee_ota::file::{Element, FileHeader, FileWriter, Tag};
use zigbee_ota::server::{
    ImageStore, ResponseBuffer, Server, ServerAction, ServerConfig, Session, SessionSlots, SliceStore,
    StandardPolicy, StoreEntry, serve_block,
};
use zigbee_ota::time::Instant;
use zigbee_ota::zcl::{Frame, ImageBlockRequest, LONGEST_TO_CLIENT, Message, Quirks, ToServer};
use zigbee_ota::{Encode, ImageId};

mod hand_written {
    pub mod bytes;
    #[allow(dead_code, reason = "other benches look at all fields")]
    pub mod frame;
}

const ID: ImageId = ImageId::new(0x1001, 0x00ab, 5);
const SIZE: usize = 256 * 1024;
/// Number of data bytes in a response: as many as one APS frame carries without fragmentation in most networks.
const BLOCK: u8 = 63;

/// Generates a file with pseudo-random data (xorshift).
fn file() -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    let data: Vec<u8> = (0..SIZE - 62).map(|_| next()).collect();
    let elements = [Element { tag: Tag::UPGRADE_IMAGE, data: &data }];
    let writer = FileWriter::new(FileHeader::new(ID), &elements).expect("it can be counted");
    let mut file = vec![0; writer.encoded_len()];
    writer.encode(&mut file).expect("measured");
    assert_eq!(file.len(), SIZE);
    file
}

/// Returns the block requests for the whole file, in ascending order of the offsets.
fn requests() -> Vec<Vec<u8>> {
    let offsets = (0..u32::try_from(SIZE).expect("256 KB")).step_by(BLOCK.into());
    let frame = |offset: u32| {
        let request = ImageBlockRequest::new(ID, offset, BLOCK);
        let frame = Frame::to_server(offset.to_le_bytes()[0], ToServer::ImageBlock(request));
        let mut bytes = vec![0; frame.encoded_len()];
        frame.encode(&mut bytes).expect("measured");
        bytes
    };
    offsets.map(frame).collect()
}

fn by_hand(file: &[u8], frame: &[u8], out: &mut ResponseBuffer) -> Option<usize> {
    let request = hand_written::frame::read_block_request(frame)?;
    let start = usize::try_from(request.offset).ok()?;
    let end = start.checked_add(request.max_data.into())?.min(file.len());
    let response = hand_written::frame::BlockResponse {
        sequence: request.sequence,
        manufacturer: request.manufacturer,
        image_type: request.image_type,
        version: request.version,
        offset: request.offset,
        data: file.get(start..end)?,
    };
    hand_written::frame::write_block_response(&response, out)
}

fn stateless(images: &mut impl ImageStore, frame: &[u8], out: &mut ResponseBuffer) -> Option<usize> {
    let frame = Frame::decode(frame, Quirks::all()).ok()?;
    let Message::ToServer(ToServer::ImageBlock(request)) = frame.message else { return None };
    serve_block(frame.sequence, &request, NonZeroU8::MAX, images, out)
}

fn handled<S: SessionSlots>(
    server: &mut Server<S>,
    now: Instant,
    from: Address,
    images: &mut SliceStore<'_>,
    frame: &[u8],
    out: &mut ResponseBuffer,
) -> Option<usize> {
    let handled = server.handle_frame(
        now,
        FrameMeta::unicast(from),
        frame,
        images,
        &mut StandardPolicy::default(),
        out,
    );
    while let Some(event) = server.poll_event() {
        black_box(event);
    }
    black_box(server.poll_timeout());
    match handled {
        ServerAction::Reply(transmit) => Some(transmit.len),
        _ => None,
    }
}

/// Returns settings with limits that the server checks, and that the clients never reach.
fn config() -> ServerConfig {
    let mut config = ServerConfig::default();
    config.max_bytes_per_second = NonZeroU32::new(u32::MAX);
    config.max_downloads = u16::MAX;
    config.background_from = NonZeroU16::new(u16::MAX);
    config
}

fn whole_file(criterion: &mut Criterion) {
    let (file, requests) = (file(), requests());
    let entries = [StoreEntry::parse(&file).expect("a file")];
    let mut images = SliceStore::new(&entries).expect("one");
    let mut server = Server::new(config(), vec![Session::EMPTY; 16]);
    let client = Address::new(0x1234, 1);
    let mut rooms = [[0; LONGEST_TO_CLIENT]; 3];

    // The stateless function, the server and the floor must send the same bytes.
    for frame in &requests {
        let [a, b, c] = &mut rooms;
        let lens = [
            by_hand(&file, frame, a),
            stateless(&mut images, frame, b),
            handled(&mut server, Instant::ZERO, client, &mut images, frame, c),
        ];
        let [len, ..] = lens.map(|len| len.expect("an answer"));
        assert!(lens.iter().all(|other| *other == Some(len)));
        assert!(a[..len] == b[..len] && b[..len] == c[..len]);
    }

    let [out, ..] = &mut rooms;
    let mut group = criterion.benchmark_group("server/256 KB in 63-byte blocks");
    group.throughput(Throughput::Elements(u64::try_from(requests.len()).expect("4162")));
    group.bench_function("floor", |bencher| {
        bencher.iter(|| {
            for frame in &requests {
                black_box(by_hand(black_box(&file), black_box(frame), black_box(out)));
            }
        });
    });
    group.bench_function("stateless", |bencher| {
        bencher.iter(|| {
            for frame in &requests {
                black_box(stateless(black_box(&mut images), black_box(frame), black_box(out)));
            }
        });
    });
    let mut now = 0;
    group.bench_function("handle_frame", |bencher| {
        bencher.iter(|| {
            for frame in &requests {
                now += 1;
                let at = Instant::from_millis(now);
                black_box(handled(&mut server, at, client, &mut images, black_box(frame), black_box(out)));
            }
        });
    });
    group.finish();
}

fn sessions(criterion: &mut Criterion) {
    const FRAMES: usize = 65_528;
    let (file, requests) = (file(), requests());
    let entries = [StoreEntry::parse(&file).expect("a file")];
    let mut images = SliceStore::new(&entries).expect("one");
    let mut out = [0; LONGEST_TO_CLIENT];
    let mut group = criterion.benchmark_group("server/a frame");
    group.throughput(Throughput::Elements(u64::try_from(FRAMES).expect("65,528")));
    for active in [16_u16, 65_528] {
        let mut server = Server::new(config(), vec![Session::EMPTY; active.into()]);
        // Each client sends rarely, and the clients send in a pseudo-random order.
        let mut order: Vec<u16> = (0..65_528).map(|number: u16| number % active).collect();
        let mut state = 1_u64;
        for last in (1..order.len()).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let other = usize::try_from(state >> 33).expect("31 bits") % (last + 1);
            order.swap(last, other);
        }
        // The benchmark uses only 16 distinct frames, so that it does not measure the time to load frames into the
        // cache.
        let few = &requests[..16];
        let mut now = 0;
        let mut round = |server: &mut Server<Vec<Session>>| {
            for (client, frame) in order.iter().zip(few.iter().cycle()) {
                now += 1;
                let (at, from) = (Instant::from_millis(now), Address::new(*client, 1));
                black_box(handled(server, at, from, &mut images, frame, &mut out));
            }
        };
        round(&mut server);
        assert_eq!(server.sessions().count(), usize::from(active));
        group.bench_function(format!("{active} sessions"), |bencher| bencher.iter(|| round(&mut server)));
    }
    group.finish();
}

criterion_group!(server, whole_file, sessions);
criterion_main!(server);
