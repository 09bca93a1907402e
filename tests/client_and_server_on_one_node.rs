//! Client and server on different endpoints of one node: each state machine accepts only frames for its own endpoint.

use zigbee_ota::aps::{Address, FrameMeta};
use zigbee_ota::client::{
    ApplyResult, Client, ClientAction, ClientConfig, ClientEvent, Identity, Need, PrepareResult, StoreResult,
    VerifyResult,
};
use zigbee_ota::file::{Element, FileHeader, FileWriter, Tag};
use zigbee_ota::server::{self, Server, Session, SliceStore, StandardPolicy, StoreEntry};
use zigbee_ota::time::{Instant, Millis};
use zigbee_ota::zcl::{LONGEST_TO_CLIENT, LONGEST_TO_SERVER};
use zigbee_ota::{Encode, ImageId};

const CLIENT: Address = Address::new(0x0000, 1);
const SERVER: Address = Address::new(0x0000, 2);
const OFFERED: ImageId = ImageId::new(0x1001, 0x1011, 7);

fn file() -> Vec<u8> {
    let elements = [Element { tag: Tag::UPGRADE_IMAGE, data: &[0x5a; 500] }];
    let writer = FileWriter::new(FileHeader::new(OFFERED), &elements).unwrap();
    let mut file = vec![0; writer.encoded_len()];
    writer.encode(&mut file).unwrap();
    file
}

/// Runs both machines for `time`, with the stack of the node as carrier between the endpoints. Returns the bytes stored
/// by the client and the image that runs afterwards.
fn run(version: u32, time: Millis) -> (Vec<u8>, ImageId) {
    let file = file();
    let entries = [StoreEntry::parse(&file).unwrap()];
    let mut images = SliceStore::new(&entries).unwrap();
    let mut policy = StandardPolicy::default();
    let mut server = Server::new(server::ServerConfig::default(), [Session::EMPTY]);
    let identity = Identity::new(ImageId::new(0x1001, 0x1011, version));
    let mut client = Client::new(ClientConfig::new(identity, SERVER), 1, Instant::ZERO);
    let mut stored = Vec::new();
    let (mut request, mut response) = ([0; LONGEST_TO_SERVER], [0; LONGEST_TO_CLIENT]);

    let mut now = Instant::ZERO;
    let end = now.plus(time);
    while let Some(next) = client.poll_timeout().or(Some(now)).filter(|next| *next <= end) {
        now = now.max(next);
        client.handle_timeout(now);
        while let Some(transmit) = client.poll_transmit(now, &mut request) {
            assert_eq!(transmit.to, SERVER, "the endpoint, too");
            let frame = &request[..transmit.len];
            // A client on the server's endpoint must not take a frame of the other endpoint for its own.
            assert!(matches!(
                client.handle_frame(now, FrameMeta::unicast(CLIENT), frame),
                ClientAction::Ignored(_)
            ));
            let meta = FrameMeta::unicast(CLIENT);
            let handled = server.handle_frame(now, meta, frame, &mut images, &mut policy, &mut response);
            let server::ServerAction::Reply(transmit) = handled else { continue };
            assert_eq!(transmit.to, CLIENT);
            let answer = &response[..transmit.len];
            if let ClientAction::Store(block) = client.handle_frame(now, FrameMeta::unicast(SERVER), answer) {
                stored.extend(block.data);
                client.stored(now, block.ticket, StoreResult::Ok).unwrap();
            }
        }
        match client.poll_need() {
            None => {}
            Some(Need::Decide(ticket, _)) => client.accept(ticket).unwrap(),
            Some(Need::Prepare(ticket, _)) => client.prepared(now, ticket, PrepareResult::Ready).unwrap(),
            Some(Need::Verify(ticket, _)) => client.verified(now, ticket, VerifyResult::Valid).unwrap(),
            Some(Need::Apply(ticket, _)) => client.applied(now, ticket, ApplyResult::Done).unwrap(),
            Some(need) => panic!("{need:?}"),
        }
        while let Some(event) = client.poll_event() {
            assert!(!matches!(event, ClientEvent::OfferSkipped(..)));
        }
    }
    (stored, client.identity().current)
}

/// Shows: ESP-019, ESP-035
#[test]
fn a_node_upgrades_itself_when_its_version_is_older() {
    let day = Millis::from_secs(24 * 60 * 60);
    assert_eq!(run(6, day), (file(), OFFERED));
    for version in [7, 8] {
        assert_eq!(run(version, day), (Vec::new(), ImageId::new(0x1001, 0x1011, version)));
    }
}
