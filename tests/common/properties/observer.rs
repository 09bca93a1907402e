//! Property of the observer, for property tests and fuzz targets alike: the request that a frame is said to answer was sent by that
//! client to that server, and the newest matching request is always found. The observations are assembled to images, too.

use arbitrary::{Result, Unstructured};
use zigbee_ota::ImageId;
use zigbee_ota::aps::Address;
use zigbee_ota::observer::{Conversation, Meaning, Observation, Observer};
use zigbee_ota::zcl::{
    BlockBytes, BlockData, Direction, Frame, ImageBlockRequest, ImageBlockResponse, ImageOffer,
    ImagePageRequest, Message, QueryNextImageRequest, QueryResponse, Quirks, Status, ToClient, ToServer,
    UpgradeEndRequest,
};

use super::image_assembly::Compared;

const SERVERS: [Address; 2] = [Address::new(0x0000, 1), Address::new(0x0000, 2)];

/// A request as it was sent: client, server, sequence number.
type Asked = (Address, Address, u8, ToServer);

/// Observes frames generated from `bytes`, until the bytes are used up.
pub fn any_steps(bytes: &[u8]) {
    let mut u = Unstructured::new(bytes);
    // One with a slot for each pair, and one with a single slot.
    let mut observer = Observer::new([Conversation::EMPTY; 8]);
    let mut forgetful = Observer::new([Conversation::EMPTY; 1]);
    let mut asked = Vec::new();
    let mut assembled = Compared::default();
    while !u.is_empty() {
        let Ok((client, server)) = pair(&mut u) else { break };
        let Ok(len) = u.int_in_range(0..=40) else { break };
        let raw = u.bytes(len).unwrap_or_default();
        let frame = match raw {
            [] => small(&mut u).ok(),
            _ => Frame::decode(raw, Quirks::all()).ok(),
        };
        let Some(frame) = frame else { continue };
        let direction = frame.message.direction();
        let (from, to) = match direction {
            Direction::ToServer => (client, server),
            Direction::ToClient => (server, client),
        };
        let seen = observer.observe(from, to, &frame);
        let less = forgetful.observe(from, to, &frame);
        assert_eq!((seen.client, seen.server, seen.sequence), (client, server, frame.sequence));
        let mut without_memory = seen;
        without_memory.answers = less.answers;
        assert_eq!(less, without_memory, "what a frame says is no matter of memory");
        if direction == Direction::ToServer {
            assert_eq!((seen.answers, less.answers), (None, None), "a client answers no client's request");
        } else {
            was_asked(&asked, &seen);
            was_asked(&asked, &less);
            not_missed(&asked, &seen);
        }
        if let Message::ToServer(request) = frame.message {
            asked.push((client, server, frame.sequence, request));
        }
        assembled.take(u32::from(frame.sequence) * 40, &seen);
    }
    assembled.check();
}

fn pair(u: &mut Unstructured<'_>) -> Result<(Address, Address)> {
    let client = Address::new(u.int_in_range(1..=3)?, 1);
    Ok((client, *u.choose(&SERVERS)?))
}

/// Bytes of blocks, which begin like a file. The second differs from the first in some places.
const BYTES: [[u8; 80]; 2] = {
    let mut bytes = [[0x5a; 80]; 2];
    let mut place = 0;
    while place < 4 {
        bytes[0][place] = [0x1e, 0xf1, 0xee, 0x0b][place];
        bytes[1][place] = bytes[0][place];
        bytes[1][20 + 2 * place] = 0;
        // The total image size of a block that begins like a file, with its low byte first.
        bytes[0][52 + place] = [0xb4, 0, 0, 0][place];
        place += 1;
    }
    bytes
};

/// Frames with values from such small ranges that requests and responses match, and blocks overlap.
fn small(u: &mut Unstructured<'_>) -> Result<Frame<'static>> {
    let sequence = u.int_in_range(0..=3)?;
    let id = ImageId::new(0x1001, 0x00ab, u.int_in_range(1..=2)?);
    let offset = 50 * u.int_in_range(0..=7)?;
    let len = 40 + 10 * usize::from(sequence);
    let data = &BYTES[usize::from(sequence % 2)][..len];
    let data = BlockBytes::new(data).unwrap_or_else(|| unreachable!("short"));
    let block = ImageBlockRequest::new(id, offset, 50);
    let page = ImagePageRequest::new(id, offset, 50, 150, 0);
    Ok(match u.int_in_range(0..=8)? {
        0 => Frame::to_server(sequence, ToServer::ImageBlock(block)),
        1 => Frame::to_server(sequence, ToServer::ImagePage(page)),
        2 => {
            let query = QueryNextImageRequest::new(id);
            Frame::to_server(sequence, ToServer::QueryNextImage(query))
        }
        3 => Frame::response(sequence, ToClient::ImageBlock(ImageBlockResponse::Abort)),
        4 => {
            let offer = QueryResponse::Offer(ImageOffer { id, size: 300 + offset });
            Frame::response(sequence, ToClient::QueryNextImage(offer))
        }
        5 => {
            let end = UpgradeEndRequest { status: Status::INVALID_IMAGE, id };
            Frame::to_server(sequence, ToServer::UpgradeEnd(end))
        }
        _ => {
            let block = BlockData { id, offset, data };
            Frame::response(sequence, ToClient::ImageBlock(ImageBlockResponse::Data(block)))
        }
    })
}

/// Requests between client and server of the frame, in order, each with whether the frame may answer it.
fn of_pair(asked: &[Asked], seen: &Observation<'_>) -> impl DoubleEndedIterator<Item = (bool, ToServer)> {
    let of_pair =
        asked.iter().filter(|(client, server, ..)| (*client, *server) == (seen.client, seen.server));
    of_pair.map(|(_, _, sequence, request)| (answers(seen, *sequence, request), *request))
}

fn was_asked(asked: &[Asked], seen: &Observation<'_>) {
    if let Some(request) = seen.answers {
        assert!(of_pair(asked, seen).any(|found| found == (true, request)), "never asked: {seen:?}");
    }
}

fn not_missed(asked: &[Asked], seen: &Observation<'_>) {
    if seen.answers.is_none() {
        assert!(!of_pair(asked, seen).next_back().is_some_and(|(fits, _)| fits), "missed: {seen:?}");
    }
}

/// Returns whether the frame may answer this request.
fn answers(seen: &Observation<'_>, sequence: u8, request: &ToServer) -> bool {
    let numbered = sequence == seen.sequence;
    match (&seen.meaning, request) {
        (
            Meaning::Offer(_) | Meaning::NoOffer(_),
            ToServer::QueryNextImage(_) | ToServer::QuerySpecificFile(_),
        )
        | (
            Meaning::Wait(_) | Meaning::Abort | Meaning::BlockRefused(_),
            ToServer::ImageBlock(_) | ToServer::ImagePage(_),
        )
        | (Meaning::UpgradeEndResponse(_), ToServer::UpgradeEnd(_)) => numbered,
        (Meaning::Block(block), ToServer::ImageBlock(request)) => {
            numbered && (block.id, block.offset) == (request.id, request.offset)
        }
        (Meaning::Block(block), ToServer::ImagePage(page)) => {
            let end = u64::from(page.offset) + u64::from(page.page_size);
            block.id == page.id && (u64::from(page.offset)..end).contains(&u64::from(block.offset))
        }
        (Meaning::DefaultResponse(response), request) => numbered && response.command == request.command(),
        _ => false,
    }
}
