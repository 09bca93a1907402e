//! Matching of responses to requests.

use proptest::collection::vec;
use proptest::prelude::*;
use zigbee_ota::aps::Address;
use zigbee_ota::observer::{Conversation, Meaning, Observation, Observer};
use zigbee_ota::zcl::{
    BlockBytes, BlockData, CommandId, DefaultResponse, Direction, Frame, ImageBlockRequest,
    ImageBlockResponse, ImageNotify, ImageOffer, ImagePageRequest, QueryNextImageRequest, QueryResponse,
    QuerySpecificFileRequest, Quirks, Refusal, Status, ToClient, ToServer, UpgradeEndRequest,
};
use zigbee_ota::{Eui64, ImageId, StackVersion};

use crate::properties::any_steps;
use crate::recovered_images::{BLOCKS, PAGES};
use crate::traffic_recorder::{DEVICES, GATEWAY, file, id, upgrade};

struct Listener(Observer<Vec<Conversation>>);

impl Listener {
    fn new(slots: usize) -> Self {
        Self(Observer::new(vec![Conversation::EMPTY; slots]))
    }

    fn asks(&mut self, client: Address, sequence: u8, request: ToServer) {
        let frame = Frame::to_server(sequence, request);
        let seen = self.0.observe(client, GATEWAY, &frame);
        assert_eq!((seen.client, seen.server, seen.answers), (client, GATEWAY, None));
    }

    fn answers<'a>(&mut self, client: Address, sequence: u8, message: ToClient<'a>) -> Observation<'a> {
        let seen = self.0.observe(GATEWAY, client, &Frame::response(sequence, message));
        assert_eq!((seen.client, seen.server, seen.sequence), (client, GATEWAY, sequence));
        seen
    }
}

fn block(id: ImageId, offset: u32) -> ToServer {
    ToServer::ImageBlock(ImageBlockRequest::new(id, offset, 50))
}

fn page(id: ImageId, offset: u32) -> ToServer {
    ToServer::ImagePage(ImagePageRequest::new(id, offset, 50, 200, 10))
}

fn data(id: ImageId, offset: u32) -> ToClient<'static> {
    let data = BlockBytes::new(&[0x5a; 50]).expect("short");
    ToClient::ImageBlock(ImageBlockResponse::Data(BlockData { id, offset, data }))
}

const ABORT: ToClient<'_> = ToClient::ImageBlock(ImageBlockResponse::Abort);

#[test]
fn in_an_upgrade_every_answer_is_to_a_request() {
    for transfers in [[BLOCKS, BLOCKS], [PAGES, BLOCKS]] {
        let mut observer = Observer::new([Conversation::EMPTY; 2]);
        let (mut blocks, mut of_pages) = (0, 0);
        for sent in upgrade(&file(2000, 7), &transfers, &mut || 1) {
            let frame = Frame::decode(&sent.bytes, Quirks::empty()).expect("by the letter");
            let seen = observer.observe(sent.from, sent.to, &frame);
            let client = if sent.from == GATEWAY { sent.to } else { sent.from };
            assert_eq!((seen.client, seen.server), (client, GATEWAY));
            match seen.meaning {
                Meaning::Block(_) => {
                    blocks += 1;
                    of_pages += u32::from(matches!(seen.answers, Some(ToServer::ImagePage(_))));
                    assert_eq!(seen.image(), Some(id(7)));
                }
                Meaning::Offer(_) => assert!(matches!(seen.answers, Some(ToServer::QueryNextImage(_)))),
                Meaning::UpgradeEndResponse(_) => {
                    assert!(matches!(seen.answers, Some(ToServer::UpgradeEnd(_))))
                }
                Meaning::Wait(_) | Meaning::Abort | Meaning::BlockRefused(_) | Meaning::NoOffer(_) => {
                    panic!("{seen:?}")
                }
                _ => continue,
            }
            assert!(seen.answers.is_some(), "{seen:?}");
        }
        assert!(blocks > 60, "{blocks}");
        assert_eq!(of_pages > 0, transfers.contains(&PAGES));
    }
}

#[test]
fn what_has_no_identity_is_of_the_request_with_its_number() {
    let mut listener = Listener::new(2);
    let [one, other] = DEVICES;
    let query = QueryNextImageRequest::new(id(1));
    listener.asks(one, 1, ToServer::QueryNextImage(query));
    let refused = ToClient::QueryNextImage(QueryResponse::Refused(Refusal::NO_IMAGE_AVAILABLE));
    assert_eq!(listener.answers(one, 1, refused).image(), Some(id(1)));
    assert_eq!(listener.answers(one, 2, refused).image(), None, "another number");
    assert_eq!(listener.answers(other, 1, refused).image(), None, "another client");
    assert_eq!(listener.answers(one, 1, ABORT).image(), None, "a query is no request for data");

    listener.asks(one, 2, block(id(5), 0));
    listener.asks(other, 2, block(id(6), 0));
    for (client, version) in [(one, 5), (other, 6), (one, 5)] {
        let seen = listener.answers(client, 2, ABORT);
        assert_eq!((seen.meaning, seen.image()), (Meaning::Abort, Some(id(version))), "a second time, too");
    }
    let end = UpgradeEndRequest { status: Status::INVALID_IMAGE, id: id(5) };
    listener.asks(one, 3, ToServer::UpgradeEnd(end));
    let response = DefaultResponse { command: CommandId::UPGRADE_END_REQUEST, status: Status::SUCCESS };
    let frame = Frame::default_response(3, Direction::ToClient, response);
    assert_eq!(listener.0.observe(GATEWAY, one, &frame).answers, Some(ToServer::UpgradeEnd(end)));
    let frame = Frame::default_response(3, Direction::ToServer, response);
    let seen = listener.0.observe(one, GATEWAY, &frame);
    assert_eq!((seen.client, seen.answers), (one, None), "a client answers no client's request");
}

#[test]
fn data_is_of_the_request_for_it_whatever_its_number_within_a_page() {
    let mut listener = Listener::new(1);
    let client = DEVICES[0];
    listener.asks(client, 9, block(id(5), 100));
    assert_eq!(listener.answers(client, 9, data(id(5), 100)).answers, Some(block(id(5), 100)));
    for (sequence, version, offset) in [(9, 5, 150), (9, 6, 100), (8, 5, 100)] {
        assert_eq!(listener.answers(client, sequence, data(id(version), offset)).answers, None);
    }
    listener.asks(client, 10, page(id(5), 200));
    // Requests for single blocks do not make the page forgotten, however many they are.
    (0..100).for_each(|count| listener.asks(client, 11 + count, block(id(5), u32::from(count))));
    for (sequence, offset) in [(10, 200), (99, 399), (10, 250)] {
        assert_eq!(listener.answers(client, sequence, data(id(5), offset)).answers, Some(page(id(5), 200)));
    }
    for (version, offset) in [(5, 199), (5, 400), (6, 200)] {
        assert_eq!(listener.answers(client, 10, data(id(version), offset)).answers, None);
    }
    assert_eq!(listener.answers(client, 10, ABORT).answers, Some(page(id(5), 200)));
}

#[test]
fn who_was_silent_longest_is_forgotten() {
    let clients = [1, 2, 3].map(|network| Address::new(network, 1));
    let mut listener = Listener::new(2);
    for client in [clients[0], clients[1], clients[0], clients[2]] {
        listener.asks(client, 1, block(id(5), 0));
    }
    let known = clients.map(|client| listener.answers(client, 1, ABORT).answers.is_some());
    assert_eq!(known, [true, false, true]);

    let mut none = Listener::new(0);
    none.asks(clients[0], 1, block(id(5), 0));
    let seen = none.answers(clients[0], 1, data(id(5), 0));
    assert_eq!((seen.image(), seen.answers), (Some(id(5)), None));
}

/// Responses and notifies take no slot, so that no number of them displaces a conversation.
#[test]
fn only_requests_take_a_slot() {
    let mut listener = Listener::new(1);
    listener.asks(DEVICES[0], 1, block(id(5), 0));
    for network in 0x100..0x200 {
        let stranger = Address::new(network, 1);
        assert_eq!(listener.answers(stranger, 1, data(id(5), 0)).answers, None);
        let notify = listener.answers(Address::ALL_AWAKE, 1, ToClient::ImageNotify(ImageNotify::UNICAST));
        assert_eq!((notify.meaning, notify.image()), (Meaning::ImageNotify(ImageNotify::UNICAST), None));
    }
    assert!(listener.answers(DEVICES[0], 1, ABORT).answers.is_some());
}

proptest! {
    #[test]
    fn answers_are_told_by_the_rule(bytes in vec(any::<u8>(), 0..600)) {
        any_steps(&bytes);
    }
}

#[test]
fn a_frame_with_an_identity_is_about_that_image() {
    let mut listener = Listener::new(1);
    let client = DEVICES[0];
    let query = QuerySpecificFileRequest { node: Eui64(7), id: id(4), stack: StackVersion::ZIGBEE_PRO };
    let end = UpgradeEndRequest { status: Status::SUCCESS, id: id(5) };
    for (sequence, request, about) in [
        (1, ToServer::QueryNextImage(QueryNextImageRequest::new(id(1))), id(1)),
        (2, ToServer::QuerySpecificFile(query), id(4)),
        (3, block(id(2), 0), id(2)),
        (4, page(id(3), 0), id(3)),
        (5, ToServer::UpgradeEnd(end), id(5)),
    ] {
        let frame = Frame::to_server(sequence, request);
        assert_eq!(listener.0.observe(client, GATEWAY, &frame).image(), Some(about));
        // So is an answer that has none, and an offer is about what it offers.
        let response = DefaultResponse { command: request.command(), status: Status::FAILURE };
        let frame = Frame::default_response(sequence, Direction::ToClient, response);
        assert_eq!(listener.0.observe(GATEWAY, client, &frame).image(), Some(about));
        let offer = QueryResponse::Offer(ImageOffer { id: id(9), size: 100 });
        assert_eq!(listener.answers(client, sequence, ToClient::QueryNextImage(offer)).image(), Some(id(9)));
    }
}
