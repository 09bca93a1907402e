//! A client in the middle of a download: a block comes, storage accepts it, the next request goes out.

use std::hint::black_box;

use zigbee_ota::aps::{Address, FrameMeta};
use zigbee_ota::client::{
    Client, ClientAction, ClientConfig, Identity, Need, PrepareResult, RequestBuffer, StoreResult,
};
use zigbee_ota::file::{Element, FileHeader, FileWriter, Tag};
use zigbee_ota::time::Instant;
use zigbee_ota::zcl::LONGEST_TO_SERVER;
use zigbee_ota::{Encode, ImageId};

use crate::MOST;
use crate::frame::ID;

/// Bytes that the client asks for at a time, by default.
const BLOCK: u32 = 64;

const SERVER: Address = Address::new(0, 1);

fn file() -> Vec<u8> {
    let data = vec![0x5a; ((MOST + 16) * BLOCK) as usize];
    let elements = [Element { tag: Tag::UPGRADE_IMAGE, data: &data }];
    FileWriter::new(FileHeader::new(ID), &elements).expect("a file").to_vec()
}

/// Identity of the image as encoded in each frame.
const ID_BYTES: [u8; 8] = [0x01, 0x10, 0xab, 0x00, 5, 0, 0, 0];

fn response(file: &[u8], sequence: u8, offset: u32, size: u8) -> Vec<u8> {
    let mut frame = vec![0x19, sequence, 0x05, 0x00];
    frame.extend(ID_BYTES);
    frame.extend(offset.to_le_bytes());
    frame.push(size);
    frame.extend(&file[offset as usize..][..usize::from(size)]);
    frame
}

/// Sequence number, offset and size of the block request in `frame`.
fn asked(frame: &[u8]) -> (u8, u32, u8) {
    assert_eq!(frame[2], 0x03, "an Image Block Request");
    (frame[1], u32::from_le_bytes([frame[12], frame[13], frame[14], frame[15]]), frame[16])
}

/// One block for the client; returns the length of its next request.
#[inline(never)]
fn step(
    client: &mut Client,
    now: Instant,
    frame: &[u8],
    flash: &mut [u8],
    out: &mut RequestBuffer,
) -> Option<usize> {
    if let ClientAction::Store(block) = client.handle_frame(now, FrameMeta::unicast(SERVER), frame) {
        let start = block.offset as usize;
        flash.get_mut(start..start.checked_add(block.data.len())?)?.copy_from_slice(block.data);
        client.stored(now, block.ticket, StoreResult::Ok).ok()?;
    }
    client.poll_transmit(now, out).map(|transmit| transmit.len)
}

/// A client that has the file's header and has asked for the first full block behind it, and its request.
fn downloading(file: &[u8], flash: &mut [u8], out: &mut RequestBuffer) -> Client {
    let identity = Identity::new(ImageId::new(0x1001, 0x00ab, 1));
    let mut client: Client = Client::new(ClientConfig::new(identity, SERVER), 1, Instant::ZERO);
    let now = Instant::from_millis(1);
    client.query(now).expect("an idle client");
    let query = client.poll_transmit(now, out).expect("a query");
    assert_eq!(query.to, SERVER);
    let mut offer = vec![0x19, out[1], 0x02, 0x00];
    offer.extend(ID_BYTES);
    offer.extend((file.len() as u32).to_le_bytes());
    assert!(matches!(client.handle_frame(now, FrameMeta::unicast(SERVER), &offer), ClientAction::Done));
    while let Some(need) = client.poll_need() {
        match need {
            Need::Decide(ticket, _) => client.accept(ticket).expect("a fresh ticket"),
            Need::Prepare(ticket, _) => {
                client.prepared(now, ticket, PrepareResult::Ready).expect("a fresh ticket");
            }
            other => panic!("{other:?}"),
        }
    }
    let mut len = client.poll_transmit(now, out).expect("the first block request").len;
    while asked(&out[..len]).1 < 2 * BLOCK {
        let (sequence, offset, size) = asked(&out[..len]);
        len = step(&mut client, now, &response(file, sequence, offset, size), flash, out).expect("a request");
    }
    client
}

/// Responses to all requests that follow, as they depend on nothing else.
fn responses(file: &[u8], first: (u8, u32, u8)) -> Vec<Vec<u8>> {
    let (sequence, offset, size) = first;
    let blocks = (0..MOST).map(|number| (sequence.wrapping_add(number as u8), offset + number * BLOCK));
    blocks.map(|(sequence, offset)| response(file, sequence, offset, size)).collect()
}

fn prepared() -> (Vec<u8>, Vec<u8>, RequestBuffer, Client, Vec<Vec<u8>>) {
    let file = file();
    let (mut flash, mut out) = (vec![0; file.len()], [0; LONGEST_TO_SERVER]);
    let client = downloading(&file, &mut flash, &mut out);
    let responses = responses(&file, asked(&out));
    (file, flash, out, client, responses)
}

pub fn ours(times: u32) {
    let (file, mut flash, mut out, mut client, responses) = prepared();
    for (number, frame) in (0..times).zip(&responses) {
        let now = Instant::from_millis(u64::from(number) + 2);
        let len = step(&mut client, now, black_box(frame), black_box(&mut flash), black_box(&mut out));
        assert!(len.is_some());
    }
    let end = client.progress().expect("a download").received as usize;
    assert!(end >= (times * BLOCK) as usize && flash[..end] == file[..end]);
}

/// The state of a download by hand: in order, one request at a time, no timers, no retries.
struct ByHand {
    sequence: u8,
    offset: u32,
}

/// Checks status, sequence number, id and offset of the block, copies it, and writes the next request.
#[inline(never)]
fn step_by_hand(
    state: &mut ByHand,
    frame: &[u8],
    flash: &mut [u8],
    out: &mut RequestBuffer,
) -> Option<usize> {
    let (head, data) = frame.split_first_chunk::<17>()?;
    if head[0] & 0x0f != 0x09 || head[1] != state.sequence || head[2] != 0x05 || head[3] != 0 {
        return None;
    }
    let offset = u32::from_le_bytes([head[12], head[13], head[14], head[15]]);
    if head[4..12] != ID_BYTES || offset != state.offset || usize::from(head[16]) != data.len() {
        return None;
    }
    let start = offset as usize;
    flash.get_mut(start..start.checked_add(data.len())?)?.copy_from_slice(data);
    state.sequence = state.sequence.wrapping_add(1);
    state.offset = offset.checked_add(u32::from(head[16]))?;
    let request = out.first_chunk_mut::<17>()?;
    request[..4].copy_from_slice(&[0x01, state.sequence, 0x03, 0x00]);
    request[4..12].copy_from_slice(&ID_BYTES);
    request[12..16].copy_from_slice(&state.offset.to_le_bytes());
    request[16] = BLOCK as u8;
    Some(request.len())
}

pub fn floor(times: u32) {
    let (file, mut flash, mut out, _, responses) = prepared();
    let (sequence, offset, _) = asked(&out);
    let mut state = ByHand { sequence, offset };
    for frame in responses.iter().take(times as usize) {
        let len = step_by_hand(&mut state, black_box(frame), black_box(&mut flash), black_box(&mut out));
        assert!(len.is_some());
    }
    let end = state.offset as usize;
    assert!(end >= (times * BLOCK) as usize && flash[..end] == file[..end]);
}
