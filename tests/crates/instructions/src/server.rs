//! Blocks served: without sessions, with all that a server keeps, and among many clients.

use std::hint::black_box;
use std::num::{NonZeroU8, NonZeroU16, NonZeroU32};

use zigbee_ota::Encode;
use zigbee_ota::aps::{Address, FrameMeta};
use zigbee_ota::file::{Element, FileHeader, FileWriter, Tag};
use zigbee_ota::server::{
    ResponseBuffer, Server, ServerAction, ServerConfig, Session, SliceStore, StandardPolicy, StoreEntry,
    serve_block,
};
use zigbee_ota::time::Instant;
use zigbee_ota::zcl::{Frame, LONGEST_TO_CLIENT, Message, Quirks, ToServer};

use crate::MOST;
use crate::frame::{BLOCK, ID, request};
use crate::hand_written::frame::{BlockResponse, read_block_request, write_block_response};

fn file() -> Vec<u8> {
    let data = vec![0x5a; MOST as usize * usize::from(BLOCK)];
    let elements = [Element { tag: Tag::UPGRADE_IMAGE, data: &data }];
    FileWriter::new(FileHeader::new(ID), &elements).expect("a file").to_vec()
}

/// Requests for the whole file, in order.
fn requests() -> Vec<Vec<u8>> {
    (0..MOST).map(|number| request(number as u8, number * u32::from(BLOCK))).collect()
}

/// A file of the hand-written store, with the fields of its header that decide who may have it.
struct StoredFile<'a> {
    id: [u8; 8],
    destination: Option<u64>,
    bytes: &'a [u8],
}

impl<'a> StoredFile<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        // The image as a request has it.
        Self { id: *request(0, 0)[4..].first_chunk().expect("a request"), destination: None, bytes }
    }
}

/// Serves the file that the request names, unless there are several.
fn by_hand(files: &[StoredFile<'_>], frame: &[u8], out: &mut ResponseBuffer) -> Option<usize> {
    let request = read_block_request(frame)?;
    let id = frame.get(4..12)?;
    let mut found = files.iter().filter(|file| file.id == id && file.destination.is_none());
    let file = found.next()?.bytes;
    if found.next().is_some() {
        return None;
    }
    let start = usize::try_from(request.offset).ok()?;
    let end = start.checked_add(request.max_data.into())?.min(file.len());
    let response = BlockResponse {
        sequence: request.sequence,
        manufacturer: request.manufacturer,
        image_type: request.image_type,
        version: request.version,
        offset: request.offset,
        data: file.get(start..end)?,
    };
    write_block_response(&response, out)
}

/// Keeps nothing about its clients.
pub fn floor(times: u32) {
    let (file, requests, mut out) = (file(), requests(), [0; LONGEST_TO_CLIENT]);
    let files = [StoredFile::new(&file)];
    for frame in requests.iter().take(times as usize) {
        black_box(by_hand(black_box(&files), black_box(frame), black_box(&mut out)));
    }
}

pub fn stateless(times: u32) {
    let (file, requests, mut out) = (file(), requests(), [0; LONGEST_TO_CLIENT]);
    let entries = [StoreEntry::parse(&file).expect("a file")];
    let mut images = SliceStore::new(&entries).expect("one file");
    let mut serve = |frame: &[u8], out: &mut ResponseBuffer| {
        let frame = Frame::decode(frame, Quirks::all()).ok()?;
        let Message::ToServer(ToServer::ImageBlock(request)) = frame.message else { return None };
        serve_block(frame.sequence, &request, NonZeroU8::MAX, &mut images, out)
    };
    let mut expected = out;
    assert_eq!(
        serve(&requests[1], &mut out),
        by_hand(&[StoredFile::new(&file)], &requests[1], &mut expected)
    );
    assert_eq!(out, expected);
    for frame in requests.iter().take(times as usize) {
        black_box(serve(black_box(frame), black_box(&mut out)));
    }
}

/// Limits that are checked and never reached.
fn config() -> ServerConfig {
    let mut config = ServerConfig::default();
    config.max_bytes_per_second = NonZeroU32::new(u32::MAX);
    config.max_downloads = u16::MAX;
    config.background_from = NonZeroU16::new(u16::MAX);
    config
}

#[inline(never)]
fn handle(
    server: &mut Server<Vec<Session>>,
    now: u64,
    from: Address,
    images: &mut SliceStore<'_>,
    frame: &[u8],
    out: &mut ResponseBuffer,
) -> Option<usize> {
    let (now, meta) = (Instant::from_millis(now), FrameMeta::unicast(from));
    let action = server.handle_frame(now, meta, frame, images, &mut StandardPolicy::default(), out);
    while let Some(event) = server.poll_event() {
        black_box(&event);
    }
    black_box(server.poll_timeout());
    match action {
        ServerAction::Reply(transmit) => Some(transmit.len),
        _ => None,
    }
}

pub fn handle_frame(times: u32) {
    let (file, requests, mut out) = (file(), requests(), [0; LONGEST_TO_CLIENT]);
    let entries = [StoreEntry::parse(&file).expect("a file")];
    let mut images = SliceStore::new(&entries).expect("one file");
    let mut server = Server::new(config(), vec![Session::EMPTY; 16]);
    let client = Address::new(0x1234, 1);
    let mut expected = out;
    let len = handle(&mut server, 0, client, &mut images, &requests[1], &mut out);
    assert_eq!(len, by_hand(&[StoredFile::new(&file)], &requests[1], &mut expected));
    assert_eq!(out, expected);
    for (now, frame) in (1..).zip(requests.iter().take(times as usize)) {
        black_box(handle(&mut server, now, client, &mut images, black_box(frame), black_box(&mut out)));
    }
}

/// A frame of each of `clients` clients in an order without a pattern; a first round gives each its session.
fn among(clients: u16, times: u32) {
    let (file, requests, mut out) = (file(), requests(), [0; LONGEST_TO_CLIENT]);
    let entries = [StoreEntry::parse(&file).expect("a file")];
    let mut images = SliceStore::new(&entries).expect("one file");
    let mut server = Server::new(config(), vec![Session::EMPTY; clients.into()]);
    // An odd factor visits every address of a power of two once; addresses beyond the clients wrap around.
    let order = |number: u32| (number.wrapping_mul(40_503) & 0xffff) as u16 % clients;
    for number in 0..0x1_0000_u32 {
        let client = Address::new(order(number), 1);
        handle(&mut server, number.into(), client, &mut images, &requests[0], &mut out);
    }
    assert_eq!(server.sessions().count(), usize::from(clients));
    for number in 0..times {
        let (now, client) = (0x1_0000 + u64::from(number), Address::new(order(number), 1));
        let frame = &requests[1 + (number % 16) as usize];
        black_box(handle(&mut server, now, client, &mut images, black_box(frame), black_box(&mut out)));
    }
}

pub fn at_16(times: u32) {
    among(16, times);
}

pub fn at_65528(times: u32) {
    among(65_528, times);
}
